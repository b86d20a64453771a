//! Dreams: start, run, end.

use std::time::Duration;

use serde_json::json;

use super::Settings;
use super::plan;
use super::quirks::Quirk;
use super::tables::{Call, DREAMS, MEMORIES, account, any_anima, count_of};
use crate::sandbox::clock::stored;
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::Outcome;
use crate::sandbox::platform::World;
use crate::sandbox::store::{Object, object, text};
use crate::sandbox::validate::{Problem, Violation};

/// A dream ends once it was read this often, ..
const READS: usize = 2;
/// .. or after this time.
const LASTS: Duration = Duration::from_secs(60);

pub(super) fn trigger(call: &mut Call<'_>) -> Outcome<Settings> {
    if call.platform.quirks.has(Quirk::DreamNeedsKwargs) && !call.has_query("kwargs") {
        let at = vec![json!("query"), json!("kwargs")];
        let [bound, value] = [json!(null), json!(null)];
        return Err(ErrorReply::Invalid(vec![Violation { at, kind: Problem::Missing, bound, value }]));
    }
    if plan::plan(call.store)["dreams"] == false {
        let message = "Dreams are not part of your plan.".to_owned();
        return Err(ErrorReply::Limit { name: "dreamer_enabled", message });
    }
    let anima_id = call.field("anima_id").unwrap_or_default().to_owned();
    // A deleted anima still dreams.
    any_anima(call.store, &anima_id).map_err(|_| ErrorReply::Internal)?;
    let running = |dream: &&Object| text(dream, "status") == Some("RUNNING");
    if let Some(dream) = call.store.of(&DREAMS, "anima_id", &anima_id).find(running) {
        return Err(ErrorReply::Conflict(format!("Dream already in progress (session: {})", DREAMS.id(dream))));
    }
    let now = stored(call.now);
    let dream = object(json!({
        "anima_id": anima_id,
        "trigger_type": "MANUAL",
        "triggered_by": account(call.store)["user_id"],
        "status": "RUNNING",
        "started_at": now,
        "created_at": now,
        "updated_at": now,
        "memories_reviewed": 0,
        "memories_modified": 0,
        "memories_created": 0,
        "memories_archived": 0,
        "memories_deleted": 0,
        "config_snapshot": {},
    }));
    plan::count(call.store, "dreams", call.now);
    let dream = call.store.insert(&DREAMS, dream).clone();
    let id = DREAMS.id(&dream).to_owned();
    call.world().after_reads(READS, LASTS, DREAMS.name, DREAMS.id(&dream), move |world| complete(world, &id));
    Ok(dream.into())
}

fn complete(world: &mut World<'_, Settings>, id: &str) {
    let anima_id = world.store.get(&DREAMS, id).and_then(|dream| text(dream, "anima_id")).unwrap_or_default();
    let reviewed = count_of(world.store, &MEMORIES, anima_id);
    let now = stored(world.now);
    if let Some(dream) = world.store.get_mut(&DREAMS, id) {
        dream.extend(object(json!({
            "status": "COMPLETED",
            "completed_at": now,
            "updated_at": now,
            "memories_reviewed": reviewed,
            "summary": format!("Looked at {reviewed} memories and left them as they are."),
        })));
    }
}

pub(super) fn cancel(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = call.id().to_owned();
    if text(call.find(&DREAMS, &id)?, "status") != Some("RUNNING") {
        return Err(ErrorReply::bad_request("", "Dream session is not running"));
    }
    call.world().cancel_steps(DREAMS.name, &id);
    let now = stored(call.now);
    let ended = json!({
        "status": "FAILED", "error_message": "Cancelled by user", "completed_at": now, "updated_at": now,
    });
    if let Some(dream) = call.store.get_mut(&DREAMS, &id) {
        dream.extend(object(ended));
    }
    Ok(call.find(&DREAMS, &id)?.clone().into())
}

/// Lists select by anima, whether it exists or not.
pub(super) fn of_anima(call: &Call<'_>, row: &Object) -> bool {
    let id = call.path.get("anima_id").or_else(|| call.query.get("anima_id"));
    row.get("anima_id") == id
}
