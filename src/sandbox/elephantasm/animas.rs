//! Animas: what the stock handlers do not know.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::Settings;
use super::plan;
use super::tables::{
    ANIMAS, Call, DREAMS, EVENTS, IDENTITIES, KNOWLEDGE, LINKS, MEMORIES, PACKS, account, any_anima, count_of, time,
};
use crate::sandbox::clock::{Micros, stored};
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::{Outcome, ascending};
use crate::sandbox::store::{Object, Store, Table, text};

/// An anima becomes dormant after this time without activity.
const DORMANT_AFTER: Micros = 30 * 24 * 3_600_000_000;

/// What is marked with an anima, and can be restored with it.
const MARKED: [(&str, &Table); 4] =
    [("events", &EVENTS), ("memories", &MEMORIES), ("knowledge", &KNOWLEDGE), ("identities", &IDENTITIES)];

pub(super) fn is_dormant(anima: &Object, now: Micros) -> bool {
    let last = time(anima, "last_activity_at").or(time(anima, "created_at"));
    last.is_some_and(|last| now - last > DORMANT_AFTER)
}

/// How many animas are neither deleted nor dormant.
pub(super) fn active(store: &Store, now: Micros) -> usize {
    store.rows(&ANIMAS).filter(|anima| !ANIMAS.is_hidden(anima) && !is_dormant(anima, now)).count()
}

pub(super) fn new(call: &mut Call<'_>, anima: &mut Object) -> Result<(), ErrorReply> {
    let account = account(call.store);
    let own = &account["organization_id"];
    if anima.get("organization_id").is_some_and(|id| id != own) {
        return Err(call.platform.unchecked("body", "organization_id", &anima["organization_id"]));
    }
    plan::check(call.store, "active_anima_limit", "create_anima", active(call.store, call.now))?;
    for field in ["user_id", "organization_id"] {
        anima.insert(field.to_owned(), account[field].clone());
    }
    anima.entry("meta").or_insert_with(|| json!({}));
    Ok(())
}

/// A changed anima or event: the mark is a field of the update, but not of what is returned.
pub(super) fn marked(_: &mut Call<'_>, row: &mut Object) -> Result<(), ErrorReply> {
    if let Some(deleted) = row.remove("is_deleted") {
        row.insert("_deleted".to_owned(), deleted);
    }
    Ok(())
}

pub(super) fn is_named(call: &Call<'_>, anima: &Object) -> bool {
    let part = call.text("name").unwrap_or_default().to_lowercase();
    text(anima, "name").is_some_and(|name| name.to_lowercase().contains(&part))
}

pub(super) fn by_name(_: &Call<'_>, a: &Object, b: &Object) -> Ordering {
    ascending("name", a, b)
}

pub(super) fn by_activity(_: &Call<'_>, a: &Object, b: &Object) -> Ordering {
    ascending("last_activity_at", b, a)
}

pub(super) fn summarize(call: &mut Call<'_>) -> Outcome<Settings> {
    if let Some(organization) = call.headers.get("x-organization-id") {
        let organization = organization.to_str().unwrap_or_default();
        if !crate::check::is_uuid(organization) {
            return Err(call.platform.unchecked("header", "X-Organization-Id", &json!(organization)));
        }
        if account(call.store)["organization_id"] != organization {
            return Ok(json!([]).into());
        }
    }
    let mut animas: Vec<&Object> = call.store.rows(&ANIMAS).rev().filter(|anima| !ANIMAS.is_hidden(anima)).collect();
    animas.sort_by(|a, b| by_activity(call, a, b));
    let summaries = animas.into_iter().map(|anima| {
        let id = ANIMAS.id(anima);
        let events = call.store.of(&EVENTS, "anima_id", id).filter(|event| !EVENTS.is_hidden(event));
        let mut summary = call.view(&ANIMAS, anima);
        summary.insert("last_event_at".to_owned(), json!(events.filter_map(|event| text(event, "occurred_at")).max()));
        for (name, table) in [("event_count", &EVENTS), ("memory_count", &MEMORIES), ("knowledge_count", &KNOWLEDGE)] {
            summary.insert(name.to_owned(), json!(count_of(call.store, table, id)));
        }
        Value::Object(summary)
    });
    Ok(summaries.collect::<Value>().into())
}

/// Marks what can be restored, and removes the rest.
pub(super) fn delete(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = call.id().to_owned();
    let of_anima = |row: &Object| text(row, "anima_id") == Some(&id);
    let memories: Vec<String> =
        call.store.rows(&MEMORIES).filter(|row| of_anima(row)).map(|row| MEMORIES.id(row).to_owned()).collect();
    let mut counts = mark(call, true)?;
    let links = call.store.remove_all(&LINKS, |link| {
        text(link, "memory_id").is_some_and(|id| memories.iter().any(|memory| memory == id))
    });
    counts.insert("memory_events".to_owned(), json!(links));
    counts.insert("dream_sessions".to_owned(), json!(call.store.remove_all(&DREAMS, of_anima)));
    counts.insert("memory_packs".to_owned(), json!(call.store.remove_all(&PACKS, of_anima)));
    Ok(counts.into())
}

pub(super) fn restore(call: &mut Call<'_>) -> Outcome<Settings> {
    Ok(mark(call, false)?.into())
}

/// Marks an anima and all that belongs to it, and returns how many marks of each kind were changed.
fn mark(call: &mut Call<'_>, deleted: bool) -> Result<Object, ErrorReply> {
    let id = call.id().to_owned();
    let was = ANIMAS.is_hidden(any_anima(call.store, &id)?);
    let now = stored(call.now);
    if let Some(anima) = call.store.get_mut(&ANIMAS, &id).filter(|_| was != deleted) {
        anima.insert("_deleted".to_owned(), json!(deleted));
        anima.insert("updated_at".to_owned(), json!(now));
    }
    let counts = MARKED.map(|(name, table)| {
        let changes = |row: &Object| text(row, "anima_id") == Some(&id) && table.is_hidden(row) != deleted;
        (name.to_owned(), json!(call.store.set_all(table, "_deleted", &json!(deleted), changes)))
    });
    Ok(counts.into_iter().collect())
}

/// A deleted anima has nothing left to count but is there.
pub(super) fn stats(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = call.id();
    any_anima(call.store, id)?;
    let tables = MARKED.into_iter().chain([("dream_sessions", &DREAMS), ("memory_packs", &PACKS)]);
    let counts = tables.map(|(name, table)| (name.to_owned(), json!(count_of(call.store, table, id))));
    Ok(counts.collect::<Object>().into())
}
