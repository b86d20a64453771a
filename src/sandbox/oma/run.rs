//! Turns as they run: a session's turn is a list of beats, which are played on the sandbox's clock.

use std::time::Duration;

use serde_json::{Value, json};

use super::quirks::Quirk;
use super::sessions::set_status;
use super::tables::{EVENTS, OUTPUTS, PENDING, SCRIPTS, SESSIONS, THREADS, TURNS};
use super::turn::{Score, end_of_request};
use super::{Settings, events, threads};
use crate::sandbox::clock::stored;
use crate::sandbox::platform::World as AnyWorld;
use crate::sandbox::store::{Object, Store, object, text};

type World<'a> = AnyWorld<'a, Settings>;

/// Whether a turn runs or waits.
pub(super) fn is_busy(store: &Store, session: &str) -> bool {
    store.of(&TURNS, "_session", session).next().is_some()
}

/// Starts the turn of a user event, or lets it wait until the current one is over.
pub(super) fn begin_or_queue(world: &mut World<'_>, session: &str, mut event: Object) {
    if !is_busy(world.store, session) || world.platform.has(Quirk::Interleaved) {
        return begin(world, session, event);
    }
    event.insert("processed_at".to_owned(), Value::Null);
    event.insert("_session".to_owned(), json!(session));
    event.insert("_thread".to_owned(), Value::Null);
    event.insert("_ts".to_owned(), json!(world.now / 1000));
    let row = events::pending_row(world.store.insert(&PENDING, event));
    let notice = json!({
        "type": "system.user_message_pending", "event_id": row["event_id"], "pending_seq": row["pending_seq"],
        "enqueued_at": row["enqueued_at"], "session_thread_id": row["session_thread_id"], "event": row["data"],
    });
    notify(world, session, notice);
}

/// An event of v0 that says what becomes of a waiting one.
fn notify(world: &mut World<'_>, session: &str, event: Value) {
    if world.platform.is_v0() {
        events::preview(world, session, "system", object(event));
    }
}

fn begin(world: &mut World<'_>, session: &str, event: Object) {
    forget_previews(world, session);
    let said = event.get("content").and_then(Value::as_array).into_iter().flatten();
    let said: Vec<&str> = said.filter_map(|block| block["text"].as_str()).collect();
    let outcome = text(&event, "type") == Some("user.define_outcome");
    let echo = if outcome { "Done.".to_owned() } else { format!("You said: {}", said.join(" ")) };
    let next = world.store.rows(&SCRIPTS).next().map(|script| SCRIPTS.id(script).to_owned());
    let script = next.and_then(|id| world.store.remove(&SCRIPTS, &id));
    let parts = script.and_then(|script| script["parts"].as_array().cloned());
    let parts = parts.unwrap_or_else(|| vec![json!({"say": echo})]);
    let beats = Score::of(world.platform, &parts, outcome.then_some(&event));
    if let Some(row) = world.store.get_mut(&SESSIONS, session) {
        row.insert("_input".to_owned(), json!(row["_input"].as_u64().unwrap_or_default() + 10));
        row.insert("_output".to_owned(), json!(row["_output"].as_u64().unwrap_or_default() + 5));
    }
    events::append(world, session, None, event);
    let turn = json!({"_session": session, "beats": beats, "waits": [], "kinds": {}, "answers": {}});
    let turn = TURNS.id(world.store.insert(&TURNS, object(turn))).to_owned();
    set_and_say(world, session, "running", json!({}));
    play(world, session, &turn);
}

/// Forgets the previews of all turns but the last one, which streams may not have looked at yet.
fn forget_previews(world: &mut World<'_>, session: &str) {
    let newest = world.store.rows(&EVENTS).next_back().map(|row| row["_n"].clone()).unwrap_or_default();
    let Some(row) = world.store.get_mut(&SESSIONS, session) else { return };
    let last = row.insert("_last_turn".to_owned(), newest).and_then(|last| last.as_u64()).unwrap_or_default();
    world.store.remove_all(&EVENTS, |row| {
        row.contains_key("_live") && text(row, "_session") == Some(session) && row["_n"].as_u64() <= Some(last)
    });
}

/// Sets the session's status, with its event.
pub(super) fn set_and_say(world: &mut World<'_>, session: &str, status: &str, further: Value) {
    set_status(world, session, status);
    if world.platform.has(Quirk::NoStatusEvents) {
        return;
    }
    let done = if status == "rescheduling" { "rescheduled" } else { status };
    let mut event = object(json!({"type": format!("session.status_{done}")}));
    event.extend(object(further));
    events::append(world, session, None, event);
}

/// Plays beats until one takes time, waits or ends the turn.
fn play(world: &mut World<'_>, session: &str, turn: &str) {
    loop {
        let beat = world.store.get_mut(&TURNS, turn).and_then(|row| row["beats"].as_array_mut()?.pop());
        let Some(beat) = beat else { return };
        let mut time = Duration::ZERO;
        if let Some(kind) = beat["live"].as_str() {
            if let Some(row) = world.store.get_mut(&TURNS, turn)
                && let (Some(piece), true) = (beat["piece"].as_str(), beat["message"].is_string())
            {
                let so_far =
                    text(row, "text").filter(|_| row.get("message") == beat.get("message")).unwrap_or_default();
                let so_far = format!("{so_far}{piece}");
                row.insert("message".to_owned(), beat["message"].clone());
                row.insert("text".to_owned(), json!(so_far));
            }
            events::preview(world, session, kind, object(beat["frame"].clone()));
            if beat["piece"].is_string() {
                time = world.platform.pace;
            }
        } else if let Some(event) = beat["event"].as_object() {
            if let Some(row) = world.store.get_mut(&TURNS, turn) {
                match text(event, "type") {
                    Some("span.model_request_start") => {
                        row.insert("request".to_owned(), event["id"].clone());
                    }
                    Some("span.model_request_end") => {
                        row.remove("request");
                    }
                    Some("agent.message") => {
                        row.remove("message");
                    }
                    _ => {}
                }
            }
            events::append(world, session, None, event.clone());
        } else if let Some(milliseconds) = beat["pause"].as_u64() {
            time = Duration::from_millis(milliseconds);
        } else if let Some(status) = beat["status"].as_str() {
            let reason = beat.get("reason").filter(|_| world.platform.is_v0());
            let further = reason.map_or_else(|| json!({}), |reason| json!({"reason": reason}));
            set_and_say(world, session, status, further);
        } else if let Some(ids) = beat["wait"].as_array() {
            if let Some(row) = world.store.get_mut(&TURNS, turn) {
                row.insert("waits".to_owned(), beat["wait"].clone());
                row.insert("kinds".to_owned(), beat["kinds"].clone());
            }
            return ask(world, session, ids, &beat["kinds"]);
        } else if let Some(id) = beat["id"].as_str() {
            give_result(world, session, turn, id, &beat["result"]);
        } else if beat.get("delegate").is_some() {
            delegate(world, session, &beat);
        } else if let Some(name) = beat["output"].as_str() {
            let row = json!({"_session": session, "filename": name, "_text": beat["text"],
                "media_type": "text/plain", "uploaded_at": stored(world.now),
                "size_bytes": beat["text"].as_str().map_or(0, str::len)});
            world.store.insert(&OUTPUTS, object(row));
        } else if let Some(outcome) = beat["outcome"].as_object() {
            reach(world, session, outcome);
        } else if beat.get("terminate").is_some() {
            world.store.remove(&TURNS, turn);
            return set_and_say(world, session, "terminated", json!({}));
        } else {
            return finish(world, session, turn, beat["idle"].as_str().unwrap_or("end_turn"));
        }
        if !time.is_zero() {
            let (session, turn) = (session.to_owned(), turn.to_owned());
            let id = turn.clone();
            return world.after(time, TURNS.name, &id, move |world| play(world, &session, &turn));
        }
    }
}

/// Lets the session wait for what the user says about these uses of tools.
fn ask(world: &mut World<'_>, session: &str, ids: &[Value], kinds: &Value) {
    let mut reason = json!({"type": "requires_action", "event_ids": ids});
    if world.platform.is_v0() {
        let custom = ids.iter().any(|id| kinds[key(id)] == "custom");
        reason["action_type"] = json!(if custom { "custom_tool_result" } else { "tool_confirmation" });
    }
    set_and_say(world, session, "idle", idle(world.platform, &reason));
}

fn idle(settings: &Settings, reason: &Value) -> Value {
    if settings.is_v0() { json!({"stop_reason": reason}) } else { json!({"stop_reason": reason, "stop_details": null}) }
}

/// An id as a key.
pub(super) fn key(id: &Value) -> &str {
    id.as_str().unwrap_or_default()
}

fn finish(world: &mut World<'_>, session: &str, turn: &str, reason: &str) {
    world.store.remove(&TURNS, turn);
    if is_busy(world.store, session) {
        return;
    }
    // After errors v0 gives no reason, and newer servers forget what waits.
    let failed = reason == "retries_exhausted";
    if failed {
        world.store.remove_all(&PENDING, |row| text(row, "_session") == Some(session));
    }
    let further =
        if failed && world.platform.is_v0() { json!({}) } else { idle(world.platform, &json!({"type": reason})) };
    set_and_say(world, session, "idle", further);
    next(world, session);
}

/// Starts the turn of the event that waits longest.
fn next(world: &mut World<'_>, session: &str) {
    let waiting = world.store.of(&PENDING, "_session", session).next().map(|row| PENDING.id(row).to_owned());
    let Some(mut event) = waiting.and_then(|id| world.store.remove(&PENDING, &id)) else { return };
    let notice = json!({
        "type": "system.user_message_promoted", "event_id": event["id"], "pending_seq": event["_n"],
        "seq": world.store.get(&SESSIONS, session).and_then(|row| row["_seq"].as_u64()).unwrap_or_default() + 1,
        "processed_at": world.platform.time(world.now), "session_thread_id": "sthr_primary",
    });
    event.retain(|name, _| !name.starts_with('_') && name != "processed_at");
    let begun = event.clone();
    notify(world, session, notice);
    begin(world, session, begun);
}

/// The result of a tool that the server runs.
fn give_result(world: &mut World<'_>, session: &str, turn: &str, id: &str, result: &Value) {
    let row = world.store.get(&TURNS, turn);
    let answer = row.and_then(|row| row["answers"].get(id)).cloned().unwrap_or_default();
    let custom = row.is_some_and(|row| row["kinds"][id] == "custom");
    let v0 = world.platform.is_v0();
    let (content, failed) = if custom {
        (answer["content"][0]["text"].clone(), answer["is_error"] == true)
    } else if answer["result"] == "deny" {
        (answer.get("deny_message").cloned().unwrap_or_else(|| json!("The user denied it.")), true)
    } else {
        (result.clone(), false)
    };
    // Newer servers have the client's own result, and no other.
    if !custom || v0 {
        let content = if v0 { content } else { json!([{"type": "text", "text": content}]) };
        let event = json!({"type": "agent.tool_result", "tool_use_id": id, "content": content, "is_error": failed});
        events::append(world, session, None, object(event));
    }
}

/// Notes what the user says about the use of a tool.
pub(super) fn answer(world: &mut World<'_>, session: &str, event: &Object) {
    if world.platform.has(Quirk::StrandedResults) {
        return;
    }
    let id = text(event, "tool_use_id").or(text(event, "custom_tool_use_id")).unwrap_or_default().to_owned();
    let waits = |turn: &&mut Object| {
        text(turn, "_session") == Some(session) && turn["waits"].as_array().is_some_and(|it| it.contains(&json!(id)))
    };
    let Some(turn) = world.store.rows_mut(&TURNS).find(waits) else { return };
    if let Some(waits) = turn.get_mut("waits").and_then(Value::as_array_mut) {
        waits.retain(|it| *it != json!(id));
    }
    turn["answers"][id] = Value::Object(event.clone());
    turn.insert("_answered".to_owned(), json!(true));
}

/// Goes on with the turns that wait for nothing any more, and asks again for what is left of others.
pub(super) fn resume(world: &mut World<'_>, session: &str) {
    let answered: Vec<Object> =
        world.store.of(&TURNS, "_session", session).filter(|turn| turn.contains_key("_answered")).cloned().collect();
    for turn in answered {
        let id = TURNS.id(&turn).to_owned();
        if let Some(row) = world.store.get_mut(&TURNS, &id) {
            row.remove("_answered");
        }
        let waits = turn["waits"].as_array().cloned().unwrap_or_default();
        if waits.is_empty() {
            set_and_say(world, session, "running", json!({}));
            play(world, session, &id);
        } else {
            ask(world, session, &waits, &turn["kinds"]);
        }
    }
}

/// Ends the turns of a session without a word.
pub(super) fn stop(world: &mut World<'_>, session: &str) -> Vec<Object> {
    let turns: Vec<Object> = world.store.of(&TURNS, "_session", session).cloned().collect();
    for turn in &turns {
        world.cancel_steps(TURNS.name, TURNS.id(turn));
        world.store.remove(&TURNS, TURNS.id(turn));
    }
    turns
}

/// Ends the current turn, as the user asks.
pub(super) fn interrupt(world: &mut World<'_>, session: &str) {
    let turns = stop(world, session);
    if turns.is_empty() {
        return;
    }
    let v0 = world.platform.is_v0();
    let over = idle(world.platform, &json!({"type": "end_turn"}));
    if v0 {
        set_and_say(world, session, "idle", over.clone());
    }
    for turn in &turns {
        if let Some(request) = text(turn, "request") {
            let end = end_of_request(world.platform, request, "aborted");
            events::append(world, session, None, object(end));
        }
        if let (true, Some(message)) = (v0, text(turn, "message")) {
            let content = json!([{"type": "text", "text": turn["text"]}]);
            let partial = json!({"type": "agent.message", "id": message, "content": content});
            events::append(world, session, None, object(partial));
            let end = json!({
                "type": "agent.message_stream_end", "message_id": message, "status": "aborted",
                "error_text": "interrupted_mid_stream",
            });
            events::preview(world, session, "agent.message", object(end));
        }
    }
    if !v0 {
        set_and_say(world, session, "idle", over);
    }
    next(world, session);
}

/// Another agent does something in a thread of its own.
fn delegate(world: &mut World<'_>, session: &str, beat: &Value) {
    let (thread, name) = (world.platform.id("sthr"), &beat["delegate"]);
    let primary = world.store.of(&THREADS, "session_id", session).next();
    let primary = primary.and_then(|row| text(row, "id")).unwrap_or_default().to_owned();
    let own_name = threads::agent_name(world, session);
    threads::insert(world, session, &thread, Some(&primary), name);
    let content = |said: &Value| json!([{"type": "text", "text": said}]);
    let about = |kind: &str| json!({"type": kind, "session_thread_id": thread, "agent_name": name});
    let mut idle = about("session.thread_status_idle");
    idle["stop_reason"] = json!({"type": "end_turn"});
    let beats = [
        (None, about("session.thread_created")),
        (None, about("session.thread_status_running")),
        (
            None,
            json!({"type": "agent.thread_message_sent", "to_session_thread_id": thread, "to_agent_name": name,
            "content": content(&beat["task"])}),
        ),
        (
            Some(&thread),
            json!({"type": "agent.thread_message_received", "from_session_thread_id": primary,
            "from_agent_name": own_name, "content": content(&beat["task"])}),
        ),
        (Some(&thread), json!({"type": "agent.message", "content": content(&beat["reply"])})),
        (
            None,
            json!({"type": "agent.thread_message_received", "from_session_thread_id": thread,
            "from_agent_name": name, "content": content(&beat["reply"])}),
        ),
        (None, idle),
    ];
    for (thread, event) in beats {
        events::append(world, session, thread.map(String::as_str), object(event));
    }
}

/// Notes an outcome that is reached.
fn reach(world: &mut World<'_>, session: &str, outcome: &Object) {
    let now = stored(world.now);
    let Some(row) = world.store.get_mut(&SESSIONS, session) else { return };
    let mut evaluation = object(json!({
        "type": "outcome_evaluation", "iteration": 0, "result": "satisfied", "explanation": "It is done.",
        "completed_at": now,
    }));
    evaluation.extend(outcome.clone());
    if let Some(evaluations) = row.get_mut("outcome_evaluations").and_then(Value::as_array_mut) {
        evaluations.push(Value::Object(evaluation));
    }
}
