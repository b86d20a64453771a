//! Event streams of sessions and threads.

use std::time::Duration;

use serde_json::{Value, json};

use super::quirks::Quirk;
use super::tables::{EVENTS, SESSIONS, invalid, is_archived};
use super::{Call, Settings, events, threads};
use crate::sandbox::handlers::{Outcome, Output};
use crate::sandbox::platform::World;
use crate::sandbox::store::{Object, object, text};
use crate::sandbox::stream::{Format, Frame, Live, Next};

/// What a stream has of a session's events.
struct Tail {
    session: String,
    thread: Value,
    /// The kinds of previews that it has; all, if there are none.
    previews: Option<Vec<Value>>,
    /// The number of the last event that it has looked at.
    seen: u64,
    begun: bool,
    /// The session was there when it was last looked at.
    alive: bool,
}

/// Streams a session's events.
pub(super) fn session(call: &mut Call<'_>) -> Outcome<Settings> {
    call.find(&SESSIONS, call.path_text("session_id"))?;
    let deltas = call.query.get("event_deltas").and_then(Value::as_array).into_iter().flatten();
    if { deltas }.any(|kind| !matches!(kind.as_str(), Some("agent.message" | "agent.thinking"))) {
        return Err(invalid("Invalid request field event_deltas: it must be agent.message or agent.thinking"));
    }
    Ok(Output::Live(tail(call, Value::Null)))
}

/// Streams a thread's events.
pub(super) fn thread(call: &mut Call<'_>) -> Outcome<Settings> {
    let thread = threads::place(threads::named(call)?);
    Ok(Output::Live(tail(call, thread)))
}

/// The number of the newest event.
fn newest(call: &Call<'_>) -> u64 {
    call.store.rows(&EVENTS).next_back().and_then(|event| event["_n"].as_u64()).unwrap_or_default()
}

fn tail(call: &Call<'_>, thread: Value) -> Live<Settings> {
    let session = call.path_text("session_id").to_owned();
    let previews = if call.platform.is_v0() {
        let chunks = call.text("include").is_some_and(|include| include.split(',').any(|it| it == "chunks"));
        if chunks { None } else { Some(Vec::new()) }
    } else {
        Some(call.query.get("event_deltas").and_then(Value::as_array).cloned().unwrap_or_default())
    };
    let last = call.headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse::<u64>().ok());
    let replayed = last.or_else(|| (call.text("replay") == Some("1")).then_some(0)).filter(|_| call.platform.is_v0());
    let mut first = Vec::new();
    if call.platform.is_v0() {
        first.push(Frame { retry: Some(1000), ..Frame::default() });
    }
    if let Some(after) = replayed {
        let stored = call.store.of(&EVENTS, "_session", &session);
        let missed = stored.filter(|event| {
            event["_thread"] == thread && event.get("_seq").is_some_and(|seq| seq.as_u64() > Some(after))
        });
        first.extend(missed.map(|event| frame(call.platform, event)));
    }
    let live = Tail { session, thread, previews, seen: newest(call), begun: true, alive: true };
    let pings = !call.platform.is_v0() && call.operation.id == "oma_stream_session_events";
    let live = live.stream(first, |_, _| false);
    // Generation v0 is silent.
    if pings { live.keep_alive(Duration::from_secs(10), Frame::event("ping", json!({}))) } else { live }
}

/// A stream that begins with the user event of an id, and ends when its turn does.
pub(super) fn of_turn(call: &Call<'_>, session: &str) -> impl FnOnce(String) -> Live<Settings> + use<> {
    let tail = Tail {
        session: session.to_owned(),
        thread: Value::Null,
        previews: None,
        seen: newest(call),
        begun: false,
        alive: true,
    };
    move |id| {
        tail.stream(Vec::new(), move |tail, event| {
            tail.begun = tail.begun || text(event, "id") == Some(&id);
            tail.begun && matches!(text(event, "type"), Some("session.status_idle" | "session.status_terminated"))
        })
    }
}

impl Tail {
    /// `ends` is shown every event, and says whether the stream ends with it.
    fn stream(
        mut self,
        first: Vec<Frame>,
        mut ends: impl FnMut(&mut Self, &Object) -> bool + Send + 'static,
    ) -> Live<Settings> {
        let mut first = Some(first);
        Live::new(Format::Events, move |world: &mut World<'_, Settings>| {
            let mut next = Next { frames: first.take().unwrap_or_default(), end: false };
            let seen = self.seen;
            let new = world.store.rows(&EVENTS).rev().take_while(|event| event["_n"].as_u64() > Some(seen));
            let mut new: Vec<&Object> = new.filter(|event| text(event, "_session") == Some(&self.session)).collect();
            new.reverse();
            for event in new {
                self.seen = self.seen.max(event["_n"].as_u64().unwrap_or_default());
                let over = ends(&mut self, event);
                if self.begun && self.shows(event) {
                    next.frames.push(frame(world.platform, event));
                }
                if over {
                    next.end = true;
                    return next;
                }
            }
            self.look_at_session(world, &mut next);
            next
        })
    }

    fn shows(&self, event: &Object) -> bool {
        let wanted = match (text(event, "_live"), &self.previews) {
            (None, _) => !event.contains_key("_silent"),
            (Some(_), None) => true,
            (Some(kind), Some(kinds)) => kinds.contains(&json!(kind)),
        };
        wanted && event["_thread"] == self.thread
    }

    /// Ends with the session, in each server's way.
    fn look_at_session(&mut self, world: &World<'_, Settings>, next: &mut Next) {
        let v0 = world.platform.is_v0();
        match world.store.get(&SESSIONS, &self.session) {
            Some(session) => next.end = !v0 && (is_archived(session) || session["status"] == "terminated"),
            None if v0 && !world.platform.has(Quirk::FlatRows) => {
                // The hosted server says so, and leaves the stream open.
                if self.alive {
                    let event = json!({"type": "session.status_terminated", "reason": "session_deleted"});
                    next.frames.push(frame(world.platform, &object(event)));
                }
            }
            None => {
                if world.platform.is_anthropic() {
                    let id = world.platform.id("sevt");
                    let at = world.platform.time(world.now);
                    let event = json!({"type": "session.deleted", "id": id, "processed_at": at});
                    next.frames.push(frame(world.platform, &object(event)));
                }
                next.end = true;
            }
        }
        self.alive = world.store.get(&SESSIONS, &self.session).is_some();
    }
}

fn frame(settings: &Settings, event: &Object) -> Frame {
    let data = events::shown(settings, event);
    let id = data.get("seq").filter(|seq| !seq.is_null()).map(Value::to_string);
    let name = text(&data, "type").unwrap_or_default().to_owned();
    Frame { id, ..Frame::event(name, Value::Object(data)) }
}
