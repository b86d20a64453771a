//! Triage: the decisions of humans.

use std::cmp::Ordering;

use serde_json::json;

use super::{Call, ITEMS, RUNS, Settings, runs, set};
use crate::sandbox::clock::stored;
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::{Outcome, ascending};
use crate::sandbox::store::{Object, text};

/// The list has what is still to be decided.
pub(super) fn is_pending(_: &Call<'_>, item: &Object) -> bool {
    text(item, "status") == Some("pending")
}

pub(super) fn oldest_first(_: &Call<'_>, a: &Object, b: &Object) -> Ordering {
    ascending("_n", a, b)
}

pub(super) fn approve(call: &mut Call<'_>) -> Outcome<Settings> {
    let run_id = decide(call, "approved", "notes")?;
    runs::go_on(&mut call.world(), &run_id);
    Ok(decision(call, &run_id, "approved"))
}

pub(super) fn reject(call: &mut Call<'_>) -> Outcome<Settings> {
    let run_id = decide(call, "rejected", "reason")?;
    let now = stored(call.now);
    let mut world = call.world();
    world.cancel_steps(RUNS.name, &run_id);
    set(&mut world, &RUNS, &run_id, json!({"status": "cancelled", "requires_triage": false, "completed_at": now}));
    Ok(decision(call, &run_id, "rejected"))
}

/// Records a decision, with the body's `field` as its notes, and returns the id of the run.
fn decide(call: &mut Call<'_>, status: &str, field: &str) -> Result<String, ErrorReply> {
    let id = call.id().to_owned();
    let item = call.find(&ITEMS, &id)?;
    if text(item, "status") != Some("pending") {
        return Err(ErrorReply::Conflict("Triage item is already resolved".to_owned()));
    }
    let run_id = text(item, "run_id").unwrap_or_default().to_owned();
    let (now, notes) = (stored(call.now), call.field(field).map(str::to_owned));
    set(&mut call.world(), &ITEMS, &id, json!({"status": status, "resolved_at": now, "notes": notes}));
    Ok(run_id)
}

fn decision(call: &Call<'_>, run_id: &str, status: &str) -> crate::sandbox::handlers::Output<Settings> {
    json!({"id": call.id(), "run_id": run_id, "status": status, "success": true}).into()
}
