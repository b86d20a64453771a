//! Events: what the stock handlers do not know.

use std::cmp::Ordering;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Settings;
use super::plan;
use super::quirks::Quirk;
use super::tables::{Call, EVENTS, LINKS, MEMORIES, number, touch};
use crate::sandbox::clock::{TimeFormat, parse, stored};
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::{Outcome, ascending};
use crate::sandbox::store::{Object, text};

/// As Python writes times.
const ISO: TimeFormat = TimeFormat { digits: 6, zeros: false, suffix: "+00:00" };

pub(super) fn new(call: &mut Call<'_>, event: &mut Object) -> Result<(), ErrorReply> {
    plan::check(call.store, "events_limit", "create_event", plan::used(call.store, "events", call.now))?;
    event.entry("occurred_at").or_insert_with(|| json!(stored(call.now)));
    event.entry("meta").or_insert_with(|| json!({}));
    let given = |field| text(event, field).filter(|text| !text.is_empty());
    if let (None, Some(source)) = (given("dedupe_key"), given("source_uri")) {
        let key = derive_key(event, source);
        event.insert("dedupe_key".to_owned(), json!(key));
    }
    let key = text(event, "dedupe_key").filter(|key| !key.is_empty());
    if !call.platform.quirks.has(Quirk::DuplicateKeys)
        && key.is_some_and(|key| call.store.of(&EVENTS, "dedupe_key", key).next().is_some())
    {
        return Err(ErrorReply::Conflict("Duplicate event (dedupe_key conflict)".to_owned()));
    }
    Ok(())
}

pub(super) fn created(call: &mut Call<'_>, _: &str) {
    let anima_id = call.field("anima_id").unwrap_or_default().to_owned();
    touch(call.store, &anima_id, call.now);
    plan::count(call.store, "events", call.now);
}

/// The key that the server derives: the first half of a SHA-256 over what identifies the event.
fn derive_key(event: &Object, source: &str) -> String {
    let of = |field| text(event, field).unwrap_or_default();
    let beginning: String = of("content").chars().take(100).collect();
    let occurred_at = parse(of("occurred_at")).map(|at| ISO.text(at)).unwrap_or_default();
    let parts = [of("anima_id"), of("event_type"), &beginning, &occurred_at, source];
    let mut half = [0; 16];
    half.copy_from_slice(&Sha256::digest(parts.join("|"))[..16]);
    format!("{:032x}", u128::from_be_bytes(half))
}

pub(super) fn is_important(call: &Call<'_>, event: &Object) -> bool {
    let least = call.query.get("min_importance").and_then(Value::as_f64);
    least.is_none_or(|least| number(event, "importance_score").is_some_and(|score| score >= least))
}

/// Oldest first within a session, newest first otherwise.
pub(super) fn by_time(call: &Call<'_>, a: &Object, b: &Object) -> Ordering {
    let (a, b) = if call.text("session_id").is_some_and(|id| !id.is_empty()) { (a, b) } else { (b, a) };
    ascending("occurred_at", a, b).then_with(|| ascending("_n", a, b))
}

/// The memories that came from an event, the newest link first; an absent event has none.
pub(super) fn memories(call: &mut Call<'_>) -> Outcome<Settings> {
    let links = call.store.of(&LINKS, "event_id", call.id()).rev();
    let memories = links.filter_map(|link| call.store.get(&MEMORIES, text(link, "memory_id")?));
    let limit = call.count("limit").unwrap_or(50);
    let memories = memories.filter(|memory| !MEMORIES.is_hidden(memory)).take(limit);
    Ok(memories.map(|memory| Value::Object(memory.clone())).collect::<Value>().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::store::object;

    #[test]
    fn a_derived_key_is_the_one_that_the_server_derives() {
        let event = object(json!({
            "anima_id": "b2352c05-e685-4021-8624-595406c725f2",
            "event_type": "tool.call",
            "content": "call",
            "occurred_at": "2026-02-04T12:00:00.000000Z",
        }));
        assert_eq!(derive_key(&event, "slack://x/1"), "38f512fffdb0f633c415072b5cf5f646");
    }
}
