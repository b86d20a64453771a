//! Dreams: pending, then running, then completed.

use std::time::Duration;

use serde_json::{Value, json};

use super::tables::{DREAMS, SESSIONS, STORES, archive, defaults, invalid, is_listed};
use super::{Call, Settings, agents};
use crate::sandbox::clock::stored;
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::Outcome;
use crate::sandbox::platform::World;
use crate::sandbox::store::{Object, object, text};

/// How long a dream takes, unless it is read twice.
const TIME: Duration = Duration::from_secs(60);

pub(super) fn new(call: &mut Call<'_>, dream: &mut Object) -> Result<(), ErrorReply> {
    let inputs = dream["inputs"].as_array().cloned().unwrap_or_default();
    for (kind, required) in [("memory_store", true), ("sessions", false)] {
        let count = inputs.iter().filter(|input| input["type"] == kind).count();
        if count > 1 || (required && count == 0) {
            return Err(invalid(format!("Invalid request field inputs: it must have one {kind}")));
        }
    }
    for input in &inputs {
        if let Some(id) = input["memory_store_id"].as_str() {
            call.find(&STORES, id)?;
        }
        for id in input["session_ids"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            call.find(&SESSIONS, id)?;
        }
    }
    let model = agents::full_model(&dream["model"]);
    super::tables::begin(
        call,
        dream,
        "drm",
        json!({
            "type": "dream", "status": "pending", "outputs": [], "output_behavior": {"type": "create_new"},
            "instructions": null, "session_id": null, "error": null, "ended_at": null,
            "usage": {"input_tokens": 0, "output_tokens": 0, "cache_read_input_tokens": 0,
                "cache_creation_input_tokens": 0},
        }),
    );
    dream.insert("model".to_owned(), model);
    Ok(())
}

pub(super) fn begin(call: &mut Call<'_>, id: &str) {
    let dream = id.to_owned();
    call.world().after_reads(1, TIME / 2, DREAMS.name, id, move |world| {
        set(world, &dream, "running");
        let done = dream.clone();
        world.after_reads(1, TIME / 2, DREAMS.name, &dream, move |world| complete(world, &done));
    });
}

fn set(world: &mut World<'_, Settings>, id: &str, status: &str) {
    let now = stored(world.now);
    if let Some(dream) = world.store.get_mut(&DREAMS, id) {
        dream.insert("status".to_owned(), json!(status));
        if !matches!(status, "pending" | "running") {
            dream.insert("ended_at".to_owned(), json!(now));
        }
    }
}

/// Its output is the store that it was to update, or a new one.
fn complete(world: &mut World<'_, Settings>, id: &str) {
    let Some(dream) = world.store.get(&DREAMS, id).cloned() else { return };
    let updated = dream["output_behavior"]["memory_store_id"].as_str().map(str::to_owned);
    let store = updated.unwrap_or_else(|| {
        let now = stored(world.now);
        let mut store = object(json!({"id": world.platform.id("memstore"), "name": "Dream"}));
        defaults(
            &mut store,
            json!({"type": "memory_store", "description": "", "metadata": {}, "archived_at": null,
                "created_at": now, "updated_at": now}),
        );
        STORES.id(world.store.insert(&STORES, store)).to_owned()
    });
    if let Some(dream) = world.store.get_mut(&DREAMS, id) {
        dream.insert("outputs".to_owned(), json!([{"type": "memory_store", "memory_store_id": store}]));
    }
    set(world, id, "completed");
}

pub(super) fn is_kept(call: &Call<'_>, dream: &Object) -> bool {
    let statuses = call.query.get("statuses").and_then(Value::as_array);
    statuses.is_none_or(|statuses| statuses.contains(&dream["status"])) && is_listed(call, dream)
}

/// A dream in another state than the call needs.
fn wrong_state(call: &Call<'_>, dream: &Object) -> ErrorReply {
    let message = format!("Dream is {}", text(dream, "status").unwrap_or_default());
    if call.platform.is_anthropic() { invalid(message) } else { ErrorReply::Conflict(message) }
}

fn is_over(dream: &Object) -> bool {
    !matches!(text(dream, "status"), Some("pending" | "running"))
}

pub(super) fn cancel(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = call.id().to_owned();
    let dream = call.find(&DREAMS, &id)?;
    if is_over(dream) {
        return Err(wrong_state(call, dream));
    }
    call.world().cancel_steps(DREAMS.name, &id);
    set(&mut call.world(), &id, "canceled");
    Ok(call.find(&DREAMS, &id)?.clone().into())
}

pub(super) fn close(call: &mut Call<'_>) -> Outcome<Settings> {
    let dream = call.find(&DREAMS, call.id())?;
    if !is_over(dream) {
        return Err(wrong_state(call, dream));
    }
    archive(call, &DREAMS)
}
