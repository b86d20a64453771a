//! A server in memory, which is cut, stalls and loses frames.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use futures::StreamExt;

use super::super::super::{Generation, Oma};
use super::*;

/// A build of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Build {
    /// Numbers on the wire, as `id:` and in the data.
    Node,
    /// Numbers in `id:` lines and in the history.
    Lines,
    /// Numbers in the history only.
    Hosted,
    /// No numbers; ids and times.
    V1,
}

pub(super) const BUILDS: [Build; 4] = [Build::Node, Build::Lines, Build::Hosted, Build::V1];

/// What the server sends at a time, and what it stores.
#[derive(Clone)]
pub(super) struct Sent {
    pub(super) wire: Vec<u8>,
    pub(super) row: Option<Value>,
}

/// How one connection ends.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    /// Bytes after which it ends.
    pub(super) after: usize,
    /// By an error, or cleanly, or by silence.
    pub(super) how: How,
    /// What happens on the server before the next connection.
    pub(super) missed: usize,
    /// What happens between the opening of the next connection and its look into the history.
    pub(super) overlap: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Error,
    End,
    Silence,
}

pub(super) struct State {
    pub(super) build: Build,
    pub(super) script: Vec<Sent>,
    /// How much of the script has happened.
    pub(super) happened: usize,
    pub(super) cuts: VecDeque<Cut>,
    pub(super) overlap: usize,
    /// Answers of tries to open it again, before they succeed, and how long they ask to wait.
    pub(super) refusals: VecDeque<u16>,
    pub(super) retry_after: Option<Duration>,
    /// How long each page of the history takes, and what happens meanwhile.
    pub(super) slow: (Duration, usize),
    /// Pages of the history that were asked for.
    pub(super) pages: usize,
    /// Places in the script that the live connection does not get.
    pub(super) dropped: Vec<usize>,
    pub(super) opened: usize,
    pub(super) over: bool,
    /// Connections last for longer than a second.
    pub(super) lasting: bool,
}

#[derive(Clone)]
pub(super) struct Server(Arc<Mutex<State>>);

/// The real source, with another network.
pub(super) struct Memory {
    pub(super) source: Source,
    pub(super) server: Server,
}

pub(super) fn source(build: Build, turn: Option<Turn>) -> Source {
    let generation = if build == Build::V1 { Generation::V1 } else { Generation::V0 };
    let client = Oma::builder().api_key("k").base_url("http://127.0.0.1:9").generation(generation).build().unwrap();
    let request = managed_agents(&client.core, ops::STREAM_SESSION_EVENTS).id("sess_1");
    Source::new(request.parts().clone(), turn)
}

/// An error as the road makes it.
pub(super) fn refusal(source: &Source, status: u16, retry_after: Option<Duration>) -> Error {
    let response = ErrorResponse {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        details: crate::error::ErrorDetails::default(),
        retry_after,
    };
    Error::from_api(ApiError::new(response, source.stream.record(), None))
}

impl Server {
    pub(super) fn new(build: Build, script: Vec<Sent>, cuts: impl IntoIterator<Item = Cut>) -> Self {
        Self(Arc::new(Mutex::new(State {
            build,
            script,
            happened: 0,
            cuts: cuts.into_iter().collect(),
            overlap: 0,
            refusals: VecDeque::new(),
            retry_after: None,
            slow: (Duration::ZERO, 0),
            pages: 0,
            dropped: Vec::new(),
            opened: 0,
            over: false,
            lasting: false,
        })))
    }

    pub(super) fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    pub(super) fn stream(&self, turn: Option<Turn>) -> EventStream<Event> {
        let build = self.with(|state| state.build);
        let mut position = Position::new(&["sess_1".to_owned()]);
        if build != Build::V1 {
            position.begin_after(&Facts { stored: true, seq: Some(0), ..Facts::default() });
        }
        self.stream_at(position, turn, false)
    }

    pub(super) fn stream_at(&self, position: Position, turn: Option<Turn>, catch_up: bool) -> EventStream<Event> {
        let feed = Memory { source: source(self.with(|state| state.build), turn), server: self.clone() };
        EventStream::opened_by(Box::new(feed), position, catch_up)
    }

    /// A connection that gets what happens from now on.
    fn connect(&self) -> Live {
        let (mut next, cut) = self.with(|state| {
            state.opened += 1;
            (state.happened, state.cuts.pop_front())
        });
        let server = self.clone();
        let mut left = cut.map_or(usize::MAX, |cut| cut.after);
        let mut ended = false;
        let lasts = Duration::from_millis(if self.with(|state| state.lasting) { 1100 } else { 0 });
        let mut lasts = Box::pin(sleep(lasts));
        let bytes = futures::stream::poll_fn(move |cx| {
            if ended {
                return Poll::Ready(None);
            }
            let sent = loop {
                let Some(sent) = server.with(|state| state.script.get(next).cloned()) else { return Poll::Pending };
                if left == 0 {
                    break None;
                }
                next += 1;
                let dropped = server.with(|state| {
                    state.happened = state.happened.max(next);
                    state.dropped.contains(&(next - 1))
                });
                if !dropped {
                    break Some(sent);
                }
            };
            if let Some(mut sent) = sent {
                sent.wire.truncate(left);
                left -= sent.wire.len();
                return Poll::Ready(Some(Ok(Bytes::from(sent.wire))));
            }
            let Some(cut) = cut else { return Poll::Pending };
            std::task::ready!(lasts.poll_unpin(cx));
            server.with(|state| {
                let happened = state.happened.max(next) + cut.missed;
                state.happened = happened.min(state.script.len());
                state.overlap = cut.overlap;
            });
            ended = cut.how != How::Silence;
            left = usize::MAX;
            match cut.how {
                How::Error => Poll::Ready(Some(Err("reset".into()))),
                How::End => Poll::Ready(None),
                How::Silence => {
                    left = 0;
                    Poll::Pending
                }
            }
        });
        Live { bytes: bytes.boxed(), secret: None }
    }

    fn page(&self, start: Start, from: usize) -> (Vec<Value>, Option<usize>) {
        self.with(|state| {
            state.happened = (state.happened + std::mem::take(&mut state.overlap)).min(state.script.len());
            let asked = |row: &Value| match state.build {
                Build::V1 => start.at.is_none_or(|at| {
                    row["processed_at"].as_str().is_some_and(|time| time.parse::<crate::Timestamp>().unwrap() >= at)
                }),
                _ => start.after.is_none_or(|after| row["seq"].as_i64().unwrap() > after),
            };
            // Newest first: a later state of an event stands in the place of the earlier one.
            let rows = state.script[..state.happened].iter().rev().filter_map(|sent| sent.row.as_ref());
            let mut asked: Vec<Value> = rows.take_while(|row| asked(row)).cloned().collect();
            asked.reverse();
            let end = (from + 4).min(asked.len());
            (asked[from.min(end)..end].to_vec(), (end < asked.len()).then_some(end))
        })
    }
}

impl Feed<Event> for Memory {
    fn open(&self) -> BoxFuture<'static, Result<Live, Error>> {
        let refused = self.server.with(|state| if state.opened == 0 { None } else { state.refusals.pop_front() });
        if let Some(status) = refused.filter(|status| *status != 200) {
            let retry_after = self.server.with(|state| state.retry_after);
            return std::future::ready(Err(refusal(&self.source, status, retry_after))).boxed();
        }
        std::future::ready(Ok(self.server.connect())).boxed()
    }

    fn history(&self, start: Start, cursor: Option<Cursor>) -> BoxFuture<'static, Result<Option<Rows<Event>>, Error>> {
        let from = cursor.map_or(0, |cursor| serde_json::to_value(cursor).unwrap().as_str().unwrap().parse().unwrap());
        let (rows, next) = self.server.page(start, from);
        let next = next.map(|next| serde_json::from_value(json!(next.to_string())).unwrap());
        let entries = rows.iter().map(|row| self.source.row(row)).collect();
        let server = self.server.clone();
        async move {
            let (pause, late) = server.with(|state| {
                state.pages += 1;
                std::mem::take(&mut state.slow)
            });
            sleep(pause).await;
            server.with(|state| state.happened += late);
            Ok(Some(Rows { entries, next }))
        }
        .boxed()
    }

    fn is_over(&self, _: bool) -> BoxFuture<'static, Result<bool, Error>> {
        std::future::ready(Ok(self.server.with(|state| state.over))).boxed()
    }

    fn opened_with(&mut self, secret: Option<SentSecret>) {
        self.source.opened_with(secret);
    }

    fn decode(&self, name: &str, data: &str) -> Frame<Event> {
        self.source.decode(name, data)
    }

    fn facts(&self, event: &Event, of_history: bool) -> Facts {
        self.source.facts(event, of_history)
    }

    fn preview<'e>(&self, event: &'e Event) -> Preview<'e> {
        self.source.preview(event)
    }

    fn fate(&mut self, event: &Event) -> Fate {
        self.source.fate(event)
    }

    fn error(&self, fault: StreamFault, received: u64, cause: Option<BoxError>) -> Error {
        self.source.error(fault, received, cause)
    }

    fn may_recover(&self, error: &Error) -> bool {
        self.source.may_recover(error)
    }
}

/// A second of the script's clock.
pub(super) fn time(second: usize) -> String {
    format!("2026-09-01T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// The frames of `events`: live-only ones have no id.
pub(super) fn script(build: Build, events: &[Value]) -> Vec<Sent> {
    let mut seq = 0;
    let sent = events.iter().enumerate().map(|(at, event)| {
        let name = event["type"].as_str().unwrap().to_owned();
        let mut live = event.clone();
        if event["id"].is_null() {
            return Sent { wire: format!("event: {name}\ndata: {live}\n\n").into_bytes(), row: None };
        }
        seq += 1;
        let mut row = event.clone();
        match build {
            Build::V1 => {
                if row.get("processed_at").is_none() {
                    row["processed_at"] = json!(time(at));
                }
                live = row.clone();
            }
            Build::Hosted | Build::Lines => {
                row["seq"] = json!(seq);
                row["processed_at"] = json!(time(at));
            }
            Build::Node => {
                row["seq"] = json!(seq);
                // Most events of this build have no id.
                row.as_object_mut().unwrap().remove("id");
                live = row.clone();
            }
        }
        let id = if matches!(build, Build::Node | Build::Lines) { format!("id: {seq}\n") } else { String::new() };
        Sent { wire: format!("event: {name}\n{id}data: {live}\n\n").into_bytes(), row: Some(row) }
    });
    sent.collect()
}

/// A turn with pieces and a tool, and the end of its session.
pub(super) fn turn_events(build: Build) -> Vec<Value> {
    let mut events = vec![
        json!({"type": "user.message", "id": "sevt_1", "content": [{"type": "text", "text": "Was ist neu? é😀"}]}),
        json!({"type": "session.status_running", "id": "sevt_2"}),
        json!({"type": "span.model_request_start", "id": "sevt_3"}),
    ];
    if build == Build::V1 {
        let mut queued = events[0].clone();
        queued["processed_at"] = Value::Null;
        events.insert(0, queued);
        events.push(json!({"type": "event_start", "event": {"type": "agent.message", "id": "sevt_4"}}));
        events.push(json!({"type": "event_delta", "event_id": "sevt_4", "delta": {"type": "content_delta",
            "content": {"type": "text", "text": "No"}}}));
    } else {
        events.push(json!({"type": "agent.message_stream_start", "message_id": "sevt_4"}));
        events.push(json!({"type": "agent.message_chunk", "message_id": "sevt_4", "delta": "No"}));
        events.push(json!({"type": "agent.message_stream_end", "message_id": "sevt_4", "status": "completed"}));
    }
    events.extend([
        json!({"type": "agent.message", "id": "sevt_4", "message_id": "sevt_4",
            "content": [{"type": "text", "text": "Nothing."}]}),
        json!({"type": "agent.tool_use", "id": "sevt_5", "name": "bash", "input": {"command": "ls"}}),
        json!({"type": "agent.tool_result", "id": "sevt_6", "tool_use_id": "sevt_5",
            "content": [{"type": "text", "text": "a b"}]}),
        json!({"type": "a.new_type", "id": "sevt_7", "more": [1, 2]}),
        json!({"type": "span.model_request_end", "id": "sevt_8", "finish_reason": "stop"}),
        json!({"type": "session.status_idle", "id": "sevt_9", "stop_reason": {"type": "end_turn"}}),
        json!({"type": "session.status_terminated", "id": "sevt_10"}),
    ]);
    events
}
