//! The events of a session: what is stored, listed and sent.

use http::StatusCode;
use serde_json::{Value, json};

use super::quirks::Quirk;
use super::tables::{EVENTS, PENDING, SESSIONS, TURNS, defaults, invalid, is_archived};
use super::{Call, Settings, run, spec, threads};
use crate::sandbox::clock;
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::{Outcome, Output};
use crate::sandbox::platform::World;
use crate::sandbox::reply::Reply;
use crate::sandbox::shape::Shaped;
use crate::sandbox::spec::ResponseSpec;
use crate::sandbox::store::{Object, object, text};

/// Stores an event of a session, or of another than its primary thread, with an id and its time, unless it has them.
/// Returns the id.
pub(super) fn append(
    world: &mut World<'_, Settings>,
    session: &str,
    thread: Option<&str>,
    mut event: Object,
) -> String {
    let Some(row) = world.store.get_mut(&SESSIONS, session) else { return String::new() };
    let seq = row["_seq"].as_u64().unwrap_or_default() + 1;
    row.insert("_seq".to_owned(), json!(seq));
    event.insert("_seq".to_owned(), json!(seq));
    event.insert("_ts".to_owned(), json!(world.now / 1000));
    place(world, session, thread, event)
}

/// Streams an event that is not stored, to those who want previews of this kind.
pub(super) fn preview(world: &mut World<'_, Settings>, session: &str, kind: &str, mut event: Object) {
    event.insert("_live".to_owned(), json!(kind));
    place(world, session, None, event);
}

fn place(world: &mut World<'_, Settings>, session: &str, thread: Option<&str>, mut event: Object) -> String {
    if !event.contains_key("_live") {
        defaults(&mut event, json!({"id": world.platform.id("sevt"), "processed_at": world.platform.time(world.now)}));
    }
    event.insert("_session".to_owned(), json!(session));
    event.insert("_thread".to_owned(), json!(thread));
    let id = text(&event, "id").unwrap_or_default().to_owned();
    world.store.insert(&EVENTS, event);
    id
}

/// An event as it is listed and streamed.
pub(super) fn shown(settings: &Settings, event: &Object) -> Object {
    let public = event.iter().filter(|(name, _)| !name.starts_with('_'));
    let mut shown: Object = public.map(|(name, value)| (name.clone(), value.clone())).collect();
    if settings.has(Quirk::FlatRows) && event.contains_key("_seq") {
        let thread = event.get("_thread").and_then(Value::as_str).unwrap_or("sthr_primary");
        shown.extend(object(json!({
            "seq": event["_seq"], "ts": event["_ts"], "processed_at_ms": event["_ts"], "session_thread_id": thread,
        })));
        shown.remove("processed_at");
    }
    // As streams have it: what the generation does not know is left out.
    let stream = spec::PLATFORM.operations.iter().find(|operation| operation.id == "oma_stream_session_events");
    let Some(ResponseSpec::Events(schema)) = stream.map(|stream| &stream.response) else { return shown };
    let shaped = serde_json::to_value(Shaped { schema, value: &Value::Object(shown), style: settings.style() });
    object(shaped.unwrap_or_default())
}

/// A row of a page.
fn row(settings: &Settings, event: &Object) -> Object {
    let data = shown(settings, event);
    if !settings.is_v0() || settings.has(Quirk::FlatRows) {
        return data;
    }
    let seconds = event["_ts"].as_i64().unwrap_or_default() / 1000;
    object(json!({"seq": event["_seq"], "type": data["type"], "data": data, "ts": seconds}))
}

pub(super) fn list(call: &mut Call<'_>) -> Outcome<Settings> {
    let session = call.path_text("session_id");
    call.find(&SESSIONS, session)?;
    let thread = if call.path.contains_key("thread_id") { threads::place(threads::named(call)?) } else { Value::Null };
    let types = call.query.get("types").and_then(Value::as_array);
    let kept = |event: &&Object| {
        event["_thread"] == thread
            && !event.contains_key("_live")
            && types.is_none_or(|types| types.contains(&event["type"]))
            && is_within(call, event)
    };
    let stored = call.store.of(&EVENTS, "_session", session);
    // What waits comes last, without a time.
    let waiting = call.store.of(&PENDING, "_session", session).filter(|_| !call.platform.is_v0());
    // What paging asks of them.
    let rows = stored
        .chain(waiting)
        .filter(kept)
        .map(|event| object(json!({"_key": event["_key"], "seq": event.get("_seq")})));
    let mut rows: Vec<Object> = rows.collect();
    let backwards = call.text("order") == Some("desc") && !call.platform.has(Quirk::FlatRows);
    let v0 = call.platform.is_v0();
    let end = rows.last().and_then(|row| row["seq"].as_i64());
    if backwards {
        rows.reverse();
    }
    let page = if backwards && v0 { newest(call, rows) } else { call.page(rows, "_key") };
    let chosen: Vec<&Value> = page["data"].as_array().into_iter().flatten().collect();
    let seq = chosen.last().and_then(|row| row["seq"].as_i64());
    let keys = chosen.iter().filter_map(|row| row["_key"].as_str());
    let events = keys.filter_map(|key| call.store.get(&EVENTS, key).or_else(|| call.store.get(&PENDING, key)));
    let data: Vec<Object> = events.map(|event| row(call.platform, event)).collect();
    let mut list = object(json!({"data": data}));
    if v0 {
        let more = if backwards { page["has_more"] == true } else { seq < end && seq.is_some() };
        list.insert("has_more".to_owned(), json!(more));
        if !call.platform.has(Quirk::FlatRows) {
            let next = seq.filter(|_| more).map(|seq| format!("seq_{seq}"));
            list.insert("next_page".to_owned(), json!(next));
        }
    } else {
        list.insert("next_page".to_owned(), page["next_page"].clone());
    }
    Ok(Output::Reply(Reply::json(StatusCode::OK, &list)))
}

/// The newest events, newest first; such a list cannot be continued.
fn newest(call: &Call<'_>, rows: Vec<Object>) -> Value {
    use crate::sandbox::platform::Platform as _;
    let after = call.query.get("after_seq").and_then(Value::as_i64).unwrap_or(i64::MIN);
    let rows: Vec<Object> = rows.into_iter().filter(|row| row["seq"].as_i64().is_some_and(|seq| seq > after)).collect();
    let limit = call.platform.page_size(call.operation, call.count("limit"));
    let more = rows.len() > limit;
    json!({"data": rows.into_iter().take(limit).collect::<Vec<_>>(), "has_more": more})
}

/// Whether an event was processed within the times that the call asks for.
fn is_within(call: &Call<'_>, event: &Object) -> bool {
    let bound = |name: &str| call.text(name).and_then(clock::parse);
    let bounds = ["created_at_gt", "created_at_gte", "created_at_lt", "created_at_lte"].map(bound);
    if bounds.iter().all(Option::is_none) {
        return true;
    }
    let Some(at) = text(event, "processed_at").and_then(clock::parse) else { return false };
    let [gt, gte, lt, lte] = bounds;
    gt.is_none_or(|bound| at > bound)
        && gte.is_none_or(|bound| at >= bound)
        && lt.is_none_or(|bound| at < bound)
        && lte.is_none_or(|bound| at <= bound)
}

/// The whole log, as it is documented.
pub(super) fn log(call: &mut Call<'_>) -> Outcome<Settings> {
    let session = call.path_text("session_id");
    call.find(&SESSIONS, session)?;
    let stored = call.store.of(&EVENTS, "_session", session).filter(|event| !event.contains_key("_live"));
    let rows: Vec<Object> = stored.map(|event| row(call.platform, event)).collect();
    Ok(Output::Reply(Reply::json(StatusCode::OK, &rows)))
}

pub(super) fn pending(call: &mut Call<'_>) -> Outcome<Settings> {
    let session = call.path_text("session_id");
    call.find(&SESSIONS, session)?;
    let rows: Vec<Value> = call.store.of(&PENDING, "_session", session).map(pending_row).collect();
    Ok(json!({"data": rows, "has_more": false}).into())
}

pub(super) fn pending_row(event: &Object) -> Value {
    let public = event.iter().filter(|(name, _)| !name.starts_with('_') && *name != "processed_at");
    let data: Object = public.map(|(name, value)| (name.clone(), value.clone())).collect();
    json!({
        "pending_seq": event["_n"], "enqueued_at": event["_ts"], "session_thread_id": "sthr_primary",
        "type": event["type"], "event_id": event["id"], "cancelled_at": null, "data": data,
    })
}

pub(super) fn send(call: &mut Call<'_>) -> Outcome<Settings> {
    let session = call.path_text("session_id").to_owned();
    let batch = call.body["events"].as_array().cloned().unwrap_or_default();
    check_open(call, &session)?;
    check(call, &session, &batch)?;
    let sent: Vec<Value> = batch.into_iter().map(|event| accept(&mut call.world(), &session, event)).collect();
    run::resume(&mut call.world(), &session);
    if call.platform.is_v0() {
        return Ok(Output::Reply(Reply::empty(StatusCode::ACCEPTED)));
    }
    Ok(Output::Reply(Reply::json(StatusCode::OK, &json!({"data": sent}))))
}

/// Refuses a session that takes no events any more.
fn check_open(call: &Call<'_>, session: &str) -> Result<(), ErrorReply> {
    let row = call.find(&SESSIONS, session)?;
    if !is_archived(row) && text(row, "status") != Some("terminated") {
        return Ok(());
    }
    let message = "Session is archived or terminated";
    Err(if call.platform.is_v0() { ErrorReply::Conflict(message.to_owned()) } else { invalid(message) })
}

/// The rules of a batch.
fn check(call: &Call<'_>, session: &str, batch: &[Value]) -> Result<(), ErrorReply> {
    for (at, event) in batch.iter().enumerate() {
        let wrong = |what: &str| Err(invalid(format!("Invalid request field events.{at}: {what}")));
        match event["type"].as_str().unwrap_or_default() {
            "system.message" => {
                let before = at.checked_sub(1).and_then(|at| batch[at]["type"].as_str());
                if at + 1 < batch.len() {
                    return wrong("a system.message must be the last event");
                }
                if !matches!(before, Some("user.message" | "user.tool_result" | "user.custom_tool_result")) {
                    return wrong("a system.message must follow a message or a result");
                }
            }
            "user.tool_confirmation" if event["deny_message"].is_string() && event["result"] != "deny" => {
                return wrong("deny_message is only allowed with deny");
            }
            "user.tool_confirmation" if !waits(call, session, &event["tool_use_id"], "tool") => {
                return wrong("tool_use_id names no tool use that waits for a confirmation");
            }
            "user.custom_tool_result" if !waits(call, session, &event["custom_tool_use_id"], "custom") => {
                return wrong("custom_tool_use_id names no custom tool use that waits for a result");
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a turn waits for the user to say something about this use of a tool. v0 does not look.
fn waits(call: &Call<'_>, session: &str, id: &Value, kind: &str) -> bool {
    call.platform.is_v0()
        || call.store.of(&TURNS, "_session", session).any(|turn| {
            turn["waits"].as_array().is_some_and(|waits| waits.contains(id)) && turn["kinds"][run::key(id)] == kind
        })
}

/// Does what a user event says. Returns it as it is answered: not yet processed.
pub(super) fn accept(world: &mut World<'_, Settings>, session: &str, event: Value) -> Value {
    let mut event = object(event);
    event.entry("id").or_insert_with(|| json!(world.platform.id("sevt")));
    if text(&event, "type") == Some("user.define_outcome") {
        event.entry("outcome_id").or_insert_with(|| json!(world.platform.id("outc")));
    }
    let mut sent = shown(world.platform, &event);
    sent.insert("processed_at".to_owned(), Value::Null);
    match text(&event, "type").unwrap_or_default() {
        "user.message" | "user.define_outcome" => run::begin_or_queue(world, session, event),
        "user.interrupt" if world.platform.has(Quirk::IgnoredInterrupts) => {}
        "user.interrupt" => {
            if world.platform.is_v0() {
                // Stored, but not broadcast.
                event.insert("_silent".to_owned(), json!(true));
            }
            append(world, session, None, event);
            run::interrupt(world, session);
        }
        "user.tool_confirmation" | "user.custom_tool_result" | "user.tool_result" => {
            append(world, session, None, event.clone());
            run::answer(world, session, &event);
        }
        _ => {
            append(world, session, None, event);
        }
    }
    Value::Object(sent)
}

/// A one-shot turn: posts a message, and streams what follows.
pub(super) fn message(call: &mut Call<'_>) -> Outcome<Settings> {
    let session = call.path_text("session_id").to_owned();
    call.find(&SESSIONS, &session)?;
    let content = match &call.body["content"] {
        Value::String(said) => json!([{"type": "text", "text": said}]),
        content => content.clone(),
    };
    let live = super::live::of_turn(call, &session);
    let id = call.platform.id("sevt");
    let event = json!({"type": "user.message", "id": id, "content": content});
    accept(&mut call.world(), &session, event);
    Ok(Output::Live(live(id)))
}
