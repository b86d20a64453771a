//! What an account stores.

use serde_json::json;

use super::Settings;
use crate::sandbox::clock::{Micros, parse, stored};
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::platform::{self, World};
use crate::sandbox::store::{Object, Store, Table, text};

pub(super) type Call<'a> = platform::Call<'a, Settings>;

pub(super) static ANIMAS: Table = Table::new("animas", "Anima").hides("_deleted", "include_deleted");
pub(super) static EVENTS: Table = owned("events", "Event").hides("_deleted", "include_deleted");
pub(super) static MEMORIES: Table = owned("memories", "Memory").hides("_deleted", "include_deleted");
pub(super) static KNOWLEDGE: Table = owned("knowledge", "Knowledge").hides("_deleted", "include_deleted");
pub(super) static IDENTITIES: Table = owned("identities", "Identity").hides("_deleted", "include_deleted");
pub(super) static PACKS: Table = Table::new("packs", "MemoryPack");
pub(super) static DREAMS: Table = Table::new("dreams", "Dream session");
pub(super) static API_KEYS: Table = Table::new("api_keys", "API key");
/// Which memory came from which event: `memory_id`, `event_id`.
pub(super) static LINKS: Table = Table::new("links", "Link");
/// One object: the account itself, its plan and its counters.
static ACCOUNT: Table = Table::new("account", "Account");
const ACCOUNT_ID: &str = "account";

const fn owned(name: &'static str, kind: &'static str) -> Table {
    Table::new(name, kind).child_of(&ANIMAS, "anima_id")
}

/// What an account has from the beginning.
pub(super) fn open(world: &mut World<'_, Settings>) {
    let account = json!({
        "id": ACCOUNT_ID,
        "user_id": crate::sandbox::ids::uuid(),
        "organization_id": crate::sandbox::ids::uuid(),
        "plan": world.platform.plan.clone().limits,
    });
    world.store.insert(&ACCOUNT, crate::sandbox::store::object(account));
}

/// The account itself.
pub(super) fn account(store: &Store) -> Object {
    store.get(&ACCOUNT, ACCOUNT_ID).cloned().unwrap_or_default()
}

pub(super) fn account_mut(store: &mut Store) -> Option<&mut Object> {
    store.get_mut(&ACCOUNT, ACCOUNT_ID)
}

/// How many objects of an anima a table has that are not hidden.
pub(super) fn count_of(store: &Store, table: &Table, anima_id: &str) -> usize {
    store.of(table, "anima_id", anima_id).filter(|row| !table.is_hidden(row)).count()
}

/// Records activity of an anima.
pub(super) fn touch(store: &mut Store, anima_id: &str, now: Micros) {
    if let Some(anima) = store.get_mut(&ANIMAS, anima_id) {
        anima.insert("last_activity_at".to_owned(), json!(stored(now)));
        anima.insert("updated_at".to_owned(), json!(stored(now)));
    }
}

/// A time of an object.
pub(super) fn time(row: &Object, field: &str) -> Option<Micros> {
    text(row, field).and_then(parse)
}

pub(super) fn number(row: &Object, field: &str) -> Option<f64> {
    row.get(field).and_then(serde_json::Value::as_f64)
}

/// An anima, hidden or not.
pub(super) fn any_anima<'s>(store: &'s Store, id: &str) -> Result<&'s Object, ErrorReply> {
    store.get(&ANIMAS, id).ok_or_else(|| ErrorReply::not_found(ANIMAS.kind, id))
}
