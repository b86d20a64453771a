//! The stream against servers in memory, which are cut, stalled and lose frames, with a paused clock.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use futures::StreamExt;
use serde_json::json;
use tokio::time::sleep;

use super::super::{Generation, Oma};
use super::*;
use crate::{EventStream, Gap, StreamItem};

/// A build of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Build {
    /// Numbers on the wire, as `id:` and in the data.
    Node,
    /// Numbers in `id:` lines and in the history.
    Lines,
    /// Numbers in the history only.
    Hosted,
    /// No numbers; ids and times.
    V1,
}

const BUILDS: [Build; 4] = [Build::Node, Build::Lines, Build::Hosted, Build::V1];

/// What the server sends at a time, and what it stores.
#[derive(Clone)]
struct Sent {
    wire: Vec<u8>,
    row: Option<Value>,
}

/// How one connection ends.
#[derive(Clone, Copy)]
struct Cut {
    /// Bytes after which it ends.
    after: usize,
    /// By an error, or cleanly, or by silence.
    how: How,
    /// What happens on the server before the next connection.
    missed: usize,
    /// What happens between the opening of the next connection and its look into the history.
    overlap: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Error,
    End,
    Silence,
}

struct State {
    build: Build,
    script: Vec<Sent>,
    /// How much of the script has happened.
    happened: usize,
    cuts: VecDeque<Cut>,
    overlap: usize,
    /// Answers of tries to open it again, before they succeed, and how long they ask to wait.
    refusals: VecDeque<u16>,
    retry_after: Option<Duration>,
    /// How long each page of the history takes, and what happens meanwhile.
    slow: (Duration, usize),
    /// Pages of the history that were asked for.
    pages: usize,
    /// Places in the script that the live connection does not get.
    dropped: Vec<usize>,
    opened: usize,
    over: bool,
    /// Connections last for longer than a second.
    lasting: bool,
}

#[derive(Clone)]
struct Server(Arc<Mutex<State>>);

/// The real source, with another network.
struct Memory {
    source: Source,
    server: Server,
}

fn source(build: Build, turn: Option<Turn>) -> Source {
    let generation = if build == Build::V1 { Generation::V1 } else { Generation::V0 };
    let client = Oma::builder().api_key("k").base_url("http://127.0.0.1:9").generation(generation).build().unwrap();
    let request = managed_agents(&client.core, ops::STREAM_SESSION_EVENTS).id("sess_1");
    Source::new(request.parts().clone(), turn)
}

/// An error as the road makes it.
fn refusal(source: &Source, status: u16, retry_after: Option<Duration>) -> Error {
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
    fn new(build: Build, script: Vec<Sent>, cuts: impl IntoIterator<Item = Cut>) -> Self {
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

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    fn stream(&self, turn: Option<Turn>) -> EventStream<Event> {
        let build = self.with(|state| state.build);
        let mut position = Position::new(&["sess_1".to_owned()]);
        if build != Build::V1 {
            position.begin_after(&Facts { stored: true, seq: Some(0), ..Facts::default() });
        }
        self.stream_at(position, turn, false)
    }

    fn stream_at(&self, position: Position, turn: Option<Turn>, catch_up: bool) -> EventStream<Event> {
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
        Live(bytes.boxed())
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
fn time(second: usize) -> String {
    format!("2026-09-01T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

/// The frames of `events`: live-only ones have no id.
fn script(build: Build, events: &[Value]) -> Vec<Sent> {
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
fn turn_events(build: Build) -> Vec<Value> {
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

/// What was handed out: stored events in their final state, gaps, errors.
#[derive(Debug, Default, PartialEq)]
struct Got {
    stored: Vec<String>,
    gaps: Vec<Gap>,
    errors: Vec<String>,
}

/// What tells a stored event from others: its number, its id, and whether it is queued.
fn name(event: &Event) -> Option<String> {
    let field = |name: &str| match event {
        Event::Unknown(value) => value.get(name).cloned(),
        _ => None,
    };
    let seq = event.seq().or_else(|| field("seq")?.as_i64());
    let id = event.id().map(str::to_owned).or_else(|| Some(field("id")?.as_str()?.to_owned()));
    let text = id.or_else(|| seq.map(|seq| seq.to_string()))?;
    Some(format!("{} {text}", event.tag()))
}

async fn read(mut stream: EventStream<Event>) -> Got {
    let mut got = Got::default();
    let mut queued = Vec::new();
    while let Some(item) = stream.next().await {
        match item {
            Ok(StreamItem::Event(event)) => {
                let Some(name) = name(&event) else { continue };
                let is_queued = matches!(&event, Event::UserMessage(message) if message.processed_at.is_none());
                if is_queued && event.seq().is_none() && !queued.contains(&name) && !got.stored.contains(&name) {
                    queued.push(name.clone());
                    if stream_is_v1(&event) {
                        continue;
                    }
                }
                got.stored.push(name);
            }
            Ok(StreamItem::Gap(gap)) => got.gaps.push(gap),
            Err(error) => got.errors.push(error.to_string()),
        }
    }
    got
}

/// Only newer servers send a message that is still queued, which says so by null.
fn stream_is_v1(event: &Event) -> bool {
    matches!(event, Event::UserMessage(message) if message.metadata.is_some())
}

/// What a stream must hand out.
fn all(script: &[Sent]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for row in script.iter().filter_map(|sent| sent.row.as_ref()) {
        let event = Event::decode(row["type"].as_str(), &row.to_string()).unwrap();
        let name = name(&event).unwrap();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn marked(mut events: Vec<Value>) -> Vec<Value> {
    // The queued twin is marked, so that a test knows it.
    for event in &mut events {
        if event.get("processed_at").is_some_and(Value::is_null) {
            event["metadata"] = json!({"queued": true});
        }
    }
    events
}

fn bytes_of(script: &[Sent]) -> usize {
    script.iter().map(|sent| sent.wire.len()).sum()
}

/// v0 C6: with and without `id:` lines.
#[tokio::test(start_paused = true)]
async fn a_turn_that_is_cut_at_any_byte_has_each_stored_event_once_and_in_order() {
    for build in BUILDS {
        let script = script(build, &marked(turn_events(build)));
        let want = all(&script);
        assert_eq!(read(Server::new(build, script.clone(), []).stream(None)).await.stored, want);
        for after in 0..bytes_of(&script) {
            let how = [How::Error, How::End, How::Silence][after % 3];
            let cut = Cut { after, how, missed: after % 4, overlap: after % 5 };
            let server = Server::new(build, script.clone(), [cut]);
            let got = read(server.stream(None)).await;
            assert_eq!(got.stored, want, "{build:?}, cut at {after} by {how:?}");
            assert_eq!(got.errors, [""; 0], "{build:?}, cut at {after}");
            server.with(|state| assert_eq!(state.opened, 2, "{build:?}, cut at {after}"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_cut_is_a_gap_and_then_its_final_event() {
    for build in BUILDS {
        let script = script(build, &marked(turn_events(build)));
        let begun = script.iter().position(|sent| String::from_utf8_lossy(&sent.wire).contains("\"No\"")).unwrap();
        let after = bytes_of(&script[..=begun]);
        let server = Server::new(build, script.clone(), [Cut { after, how: How::Error, missed: 0, overlap: 0 }]);
        let got = read(server.stream(None)).await;
        assert_eq!(got.gaps, [Gap::Deltas { message_id: "sevt_4".to_owned() }], "{build:?}");
        assert_eq!(got.stored, all(&script), "{build:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_cuts_stalls_refusals_and_lost_frames_loses_and_repeats_nothing() {
    let mut random = fastrand::Rng::with_seed(20_261_126);
    for build in BUILDS {
        let mut events = Vec::new();
        for n in 0..12_000 {
            events.push(json!({"type": "agent.message", "id": format!("sevt_{n}"), "message_id": format!("m{n}"),
                "content": [{"type": "text", "text": format!("message {n}")}]}));
            if n % 3 == 0 {
                events.push(json!({"type": "session.warning", "source": "s", "message": "live only"}));
            }
        }
        events.push(json!({"type": "session.status_terminated", "id": "end"}));
        let mut script = script(build, &events);
        let mut doubled = Vec::new();
        for (n, sent) in script.drain(..).enumerate() {
            doubled.push(sent.clone());
            if n % 50 == 7 {
                // The same frame once more.
                doubled.push(Sent { row: None, ..sent });
            }
        }
        let cuts: Vec<Cut> = (0..2_600)
            .map(|_| Cut {
                after: random.usize(0..500),
                how: [How::Error, How::End, How::Silence][random.usize(0..3)],
                missed: random.usize(0..4),
                overlap: random.usize(0..4),
            })
            .collect();
        let server = Server::new(build, doubled.clone(), cuts);
        server.with(|state| {
            state.lasting = true;
            state.refusals = (0..6_000).map(|n| [200, 503, 200, 200, 429, 500, 200][n % 7]).collect();
            if matches!(build, Build::Node | Build::Lines) {
                state.dropped = (0..doubled.len()).filter(|_| random.u8(..) < 8).collect();
                state.dropped.retain(|place| *place + 1 < doubled.len());
            }
        });
        let want = all(&doubled);
        let got = read(server.stream(None)).await;
        assert_eq!(got.stored.len(), want.len(), "{build:?}");
        assert!(got.stored == want, "{build:?}");
        assert_eq!(got.errors, [""; 0], "{build:?}");
        server.with(|state| assert!(state.cuts.is_empty(), "{build:?}: {}", state.cuts.len()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_position_that_was_stored_goes_on_where_it_was_stored() {
    for build in BUILDS {
        let script = script(build, &marked(turn_events(build)));
        let want = all(&script);
        for taken in 0..want.len() {
            let server = Server::new(build, script.clone(), []);
            let mut stream = server.stream(None);
            let mut stored = Vec::new();
            while stored.len() < taken {
                let item = stream.next().await.unwrap().unwrap();
                if let Some(name) = item.event().filter(|event| !stream_is_v1(event)).and_then(name) {
                    stored.push(name);
                }
            }
            let text = serde_json::to_string(stream.position()).unwrap();
            drop(stream);
            server.with(|state| state.happened = (state.happened + 2).min(state.script.len()));
            let position: Position = serde_json::from_str(&text).unwrap();
            stored.extend(read(server.stream_at(position, None, true)).await.stored);
            assert_eq!(stored, want, "{build:?}, after {taken}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn frames_that_a_server_drops_while_the_consumer_sleeps_are_looked_up() {
    for build in BUILDS {
        let script = script(build, &marked(turn_events(build)));
        let want = all(&script);
        let server = Server::new(build, script.clone(), []);
        let first = usize::from(build == Build::V1);
        server.with(|state| state.dropped = vec![first + 1, first + 2]);
        let mut stream = server.stream(None);
        let mut stored = Vec::new();
        while stored.is_empty() {
            let item = stream.next().await.unwrap().unwrap();
            stored.extend(item.event().filter(|event| !stream_is_v1(event)).and_then(name));
        }
        server.with(|state| state.happened = first + 5);
        sleep(Duration::from_secs(6)).await;
        stored.extend(read(stream).await.stored);
        assert_eq!(stored, want, "{build:?}");
        server.with(|state| assert_eq!(state.opened, 1, "{build:?}"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_number_that_neither_stream_nor_history_has_is_a_gap() {
    let event = |seq: i64| json!({"type": "session.warning", "source": "s", "message": "m", "seq": seq});
    let end = json!({"type": "session.status_terminated", "seq": 6});
    let sent = |row: &Value| Sent {
        wire: format!("event: {}\ndata: {row}\n\n", row["type"].as_str().unwrap()).into_bytes(),
        row: Some(row.clone()),
    };
    let script: Vec<Sent> = [event(1), event(4), event(5), end].iter().map(sent).collect();
    let got = read(Server::new(Build::Node, script, []).stream(None)).await;
    assert_eq!(got.gaps, [Gap::Events { after: 1, before: 4 }]);
    assert_eq!(got.stored.len(), 4);
}

/// What a stream says when its reopening is answered so.
async fn reopened(statuses: &[u16]) -> (Got, usize) {
    let script = script(Build::V1, &turn_events(Build::V1)[1..]);
    let cut = Cut { after: 10, how: How::Error, missed: 0, overlap: 0 };
    let server = Server::new(Build::V1, script, [cut]);
    server.with(|state| state.refusals = statuses.iter().copied().collect());
    let got = read(server.stream(None)).await;
    let left = server.with(|state| state.refusals.len());
    (got, statuses.len() - left)
}

#[tokio::test(start_paused = true)]
async fn a_refused_resume_is_its_error_and_the_end() {
    for status in [400, 401, 403, 404, 410, 422] {
        let (got, tries) = reopened(&[status]).await;
        assert_eq!((got.stored.len(), got.errors.len(), tries), (0, 1, 1), "{status}");
        assert!(got.errors[0].starts_with(&status.to_string()), "{}", got.errors[0]);
    }
}

#[tokio::test(start_paused = true)]
async fn ten_failed_tries_in_a_row_give_up_and_nine_do_not() {
    let (got, tries) = reopened(&[503, 409, 429, 408, 500, 502, 503, 503, 529]).await;
    assert_eq!((got.stored.len(), got.errors.len(), tries), (10, 0, 9));
    let (got, tries) = reopened(&[503; 12]).await;
    assert_eq!((got.stored.len(), got.errors.len(), tries), (0, 1, 10));
    assert!(got.errors[0].starts_with("503"), "{}", got.errors[0]);
}

#[tokio::test(start_paused = true)]
async fn connections_that_end_at_once_are_failed_tries_and_longer_ones_reset_the_count() {
    let script = script(Build::V1, &turn_events(Build::V1)[1..]);
    let cut = |how| Cut { after: 0, how, missed: 0, overlap: 0 };
    let server = Server::new(Build::V1, script.clone(), [cut(How::Error); 12]);
    let got = read(server.stream(None)).await;
    assert_eq!((got.stored.len(), got.errors.len()), (0, 1));
    assert!(got.errors[0].contains("it broke off before its end: reset"), "{}", got.errors[0]);
    assert_eq!(server.with(|state| state.opened), 11);
    // Silence lasts for longer than a second.
    let mut cuts = vec![cut(How::Error); 40];
    cuts.iter_mut().step_by(9).for_each(|cut| cut.how = How::Silence);
    let server = Server::new(Build::V1, script, cuts);
    assert_eq!(read(server.stream(None)).await.stored.len(), 10);
}

#[tokio::test(start_paused = true)]
async fn clean_ends_at_once_are_failed_tries_too() {
    let script = script(Build::V1, &turn_events(Build::V1)[1..]);
    let server = Server::new(Build::V1, script, [Cut { after: 0, how: How::End, missed: 0, overlap: 0 }; 12]);
    let got = read(server.stream(None)).await;
    assert_eq!((got.stored.len(), got.errors.len(), server.with(|state| state.opened)), (0, 1, 11));
}

#[tokio::test(start_paused = true)]
async fn the_history_is_read_again_if_reading_it_took_long() {
    for build in BUILDS {
        let script = script(build, &turn_events(build)[1..]);
        let want = all(&script);
        for (pause, late, pages) in [(Duration::from_millis(900), 0, 1), (Duration::from_millis(1100), 1, 2)] {
            let cut = Cut { after: bytes_of(&script[..1]), how: How::Error, missed: 0, overlap: 0 };
            let server = Server::new(build, script.clone(), [cut]);
            server.with(|state| {
                // What happens while the history is read never comes over the connection.
                state.slow = (pause, late);
                state.dropped = (1..=late).collect();
            });
            let got = read(server.stream(None)).await;
            assert_eq!((got.stored, got.errors), (want.clone(), Vec::new()), "{build:?}, {pause:?}");
            // Later jumps of numbers are looked up too.
            let asked = server.with(|state| state.pages);
            assert!(asked == pages || (asked > pages && build != Build::V1), "{build:?}, {pause:?}: {asked}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_older_than_the_last_one_is_found() {
    let event = |id: &str, second: u8| json!({"type": "agent.message", "id": id, "content": [], "processed_at": format!("2026-09-01T00:00:{second}Z")});
    let end = json!({"type": "session.status_terminated", "id": "end", "processed_at": "2026-09-01T00:00:30Z"});
    let script = script(Build::V1, &[event("a", 20), event("late", 15), event("b", 25), end]);
    let cut = Cut { after: bytes_of(&script[..1]), how: How::Error, missed: 1, overlap: 0 };
    let got = read(Server::new(Build::V1, script.clone(), [cut]).stream(None)).await;
    assert_eq!(got.stored, all(&script));
}

#[tokio::test(start_paused = true)]
async fn pieces_of_what_a_request_gave_up_are_not_missed() {
    let events = [
        json!({"type": "event_start", "event": {"type": "agent.message", "id": "sevt_1"}}),
        json!({"type": "span.model_request_end", "id": "sevt_2", "is_error": true}),
        json!({"type": "session.status_terminated", "id": "sevt_3"}),
    ];
    for (whole, gaps) in [(1, 1), (2, 0)] {
        let script = script(Build::V1, &events);
        let cut = Cut { after: bytes_of(&script[..whole]), how: How::Error, missed: 0, overlap: 0 };
        let got = read(Server::new(Build::V1, script, [cut]).stream(None)).await;
        assert_eq!((got.gaps.len(), got.stored.len()), (gaps, 2), "cut after {whole}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clean_end_asks_the_session_whether_it_is_over() {
    let script = script(Build::V1, &turn_events(Build::V1)[1..]);
    let after = bytes_of(&script[..2]);
    let server = Server::new(Build::V1, script, [Cut { after, how: How::End, missed: 0, overlap: 0 }]);
    server.with(|state| state.over = true);
    let got = read(server.stream(None)).await;
    assert_eq!((got.stored.len(), got.errors.len()), (2, 0));
    assert_eq!(server.with(|state| state.opened), 1);
}

#[tokio::test(start_paused = true)]
async fn the_pause_doubles_and_is_never_shorter_than_the_server_asks() {
    let begun = tokio::time::Instant::now();
    reopened(&[503; 12]).await;
    let took = begun.elapsed();
    // 0.5 + 1 + 2 + 4 + 8 + 5 × 10, each up to a quarter less.
    assert!(took > Duration::from_secs(40) && took < Duration::from_secs(70), "{took:?}");
    let begun = tokio::time::Instant::now();
    let lines = script(Build::V1, &turn_events(Build::V1)[1..]);
    let server = Server::new(Build::V1, lines, [Cut { after: 10, how: How::Error, missed: 0, overlap: 0 }]);
    server.with(|state| (state.refusals, state.retry_after) = ([503].into(), Some(Duration::from_secs(60))));
    assert_eq!(read(server.stream(None)).await.stored.len(), 10);
    assert!(begun.elapsed() >= Duration::from_secs(60), "{:?}", begun.elapsed());
    let mut script = script(Build::V1, &turn_events(Build::V1)[1..]);
    script.insert(0, Sent { wire: b"retry: 30000\n\n".to_vec(), row: None });
    let cut = Cut { after: 20, how: How::Error, missed: 0, overlap: 0 };
    let begun = tokio::time::Instant::now();
    assert_eq!(read(Server::new(Build::V1, script, [cut]).stream(None)).await.stored.len(), 10);
    assert!(begun.elapsed() >= Duration::from_secs(30), "{:?}", begun.elapsed());
}

/// Reads one connection with these bytes, which then ends for good.
async fn read_bytes(build: Build, wire: &str) -> Vec<Result<StreamItem<Event>, Error>> {
    let sent = Sent { wire: wire.as_bytes().to_vec(), row: None };
    let cut = Cut { after: wire.len(), how: How::End, missed: 0, overlap: 0 };
    let server = Server::new(build, vec![sent, Sent { wire: Vec::new(), row: None }], [cut]);
    server.with(|state| state.over = true);
    server.stream(None).collect().await
}

#[tokio::test(start_paused = true)]
async fn a_broken_event_names_its_field_and_the_stream_goes_on() {
    let wire = "event: agent.tool_use\ndata: {\"type\":\"agent.tool_use\",\"id\":\"a\"}\n\n\
        event: agent.message_chunk\ndata: {\"type\":\"agent.message_chunk\",\"message_id\":7,\"delta\":\"x\"}\n\n\
        event: agent.message\ndata: {\"type\":\"agent.mess\n\n\
        event: session.status_running\ndata: {\"type\":\"session.status_running\",\"id\":\"b\"}\n\n";
    let items = read_bytes(Build::V1, wire).await;
    let text = |at: usize| items[at].as_ref().unwrap_err().to_string();
    assert!(text(0).contains("`name`"), "{}", text(0));
    assert!(text(1).contains("message_id"), "{}", text(1));
    assert!(text(2).contains("EOF while parsing"), "{}", text(2));
    assert!(matches!(&items[3], Ok(StreamItem::Event(Event::SessionStatusRunning(_)))), "{:?}", items[3]);
    assert_eq!(items.len(), 4);
}

/// v1 C19.
#[tokio::test(start_paused = true)]
async fn frames_are_read_by_the_type_in_their_data_and_without_one_by_their_name() {
    let wire = "data: {\"id\":\"a\",\"type\":\"agent.thinking\"}\n\n\
        event: message\ndata: {\"type\":\"agent.thinking\",\"id\":\"b\"}\n\n\
        event: agent.message\ndata: {\"type\":\"agent.thinking\",\"id\":\"c\"}\n\n\
        event: agent.thinking\ndata: {\"id\":\"d\"}\n\n\
        event: x\ndata: {\"nested\":{\"type\":\"agent.thinking\"},\"type\":\"x.y\",\"id\":\"e\"}\n\n\
        event: ping\ndata: {}\n\n: heartbeat\n\nevent: agent.thinking\ndata: {\"type\":\"agent.thinking\",\"text\":\"\\ud83d!\"}\n\n";
    let items = read_bytes(Build::V1, wire).await;
    let tags: Vec<_> = items.iter().map(|item| item.as_ref().unwrap().event().unwrap().tag().to_owned()).collect();
    assert_eq!(tags, ["agent.thinking", "agent.thinking", "agent.thinking", "agent.thinking", "x.y", "agent.thinking"]);
    let Ok(StreamItem::Event(Event::AgentThinking(last))) = &items[5] else { panic!("{:?}", items[5]) };
    assert_eq!(last.text.as_deref(), Some("\u{fffd}!"));
}

#[tokio::test(start_paused = true)]
async fn a_reported_failure_is_classified_by_its_type() {
    let wire = |kind: &str| {
        format!("event: error\ndata: {{\"type\":\"error\",\"error\":{{\"type\":\"{kind}\",\"message\":\"m\"}}}}\n\n")
    };
    for (kind, status) in [
        ("overloaded_error", 529),
        ("rate_limit_error", 429),
        ("api_error", 500),
        ("not_found_error", 404),
        ("authentication_error", 401),
        ("a_new_error", 500),
    ] {
        let sent = Sent { wire: wire(kind).into_bytes(), row: None };
        let error = Server::new(Build::V1, vec![sent], []).stream(None).next().await.unwrap().unwrap_err();
        assert_eq!(error.status().map(|status| status.as_u16()), Some(status), "{kind}");
        assert_eq!((error.code(), error.message().as_str()), (Some(kind), "m"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_over_the_limit_is_an_error_and_not_the_end() {
    let script = script(Build::V1, &turn_events(Build::V1)[1..]);
    let mut endless = vec![Sent { wire: b"data: ".to_vec(), row: None }];
    endless.extend(vec![Sent { wire: vec![b'x'; 64 * 1024], row: None }; 17]);
    let count = endless.len();
    endless.extend(script);
    let server = Server::new(Build::V1, endless, []);
    let got = read(server.stream(None)).await;
    assert_eq!((got.stored.len(), got.errors.len()), (10, 1));
    assert!(got.errors[0].contains("it is larger than the limit"), "{}", got.errors[0]);
    assert!(server.with(|state| state.happened) > count);
}

#[tokio::test(start_paused = true)]
async fn a_turn_ends_by_its_idle_event_and_after_an_interrupt_by_what_was_begun() {
    let end = |wire: &str| read_turn(Build::Hosted, wire.to_owned());
    let idle = "data: {\"type\":\"session.status_idle\",\"id\":\"i\",\"stop_reason\":{\"type\":\"end_turn\"}}\n\n";
    let message = "data: {\"type\":\"user.message\",\"id\":\"u\",\"content\":[]}\n\n";
    let after = "data: {\"type\":\"agent.thinking\",\"id\":\"t\"}\n\n";
    assert_eq!(end(&format!("{message}{idle}{after}")).await, ["user.message", "session.status_idle"]);
    let chunk = "data: {\"type\":\"agent.message_chunk\",\"message_id\":\"m\",\"delta\":\"x\"}\n\n";
    let partial = "data: {\"type\":\"agent.message\",\"id\":\"m\",\"content\":[]}\n\n";
    let got = end(&format!("{message}{chunk}{idle}{partial}{after}")).await;
    assert_eq!(got, ["user.message", "agent.message_chunk", "session.status_idle", "agent.message"]);
    let needs = idle.replace("end_turn\"", "requires_action\",\"event_ids\":[\"t\"]").replace("\"i\"", "\"j\"");
    let got = end(&format!("{message}{needs}{after}{idle}")).await;
    assert_eq!(got, ["user.message", "session.status_idle", "agent.thinking", "session.status_idle"]);
}

/// The types of the events of a turn on a connection that stays open.
async fn read_turn(build: Build, wire: String) -> Vec<String> {
    let server = Server::new(build, vec![Sent { wire: wire.into_bytes(), row: None }], []);
    let items: Vec<_> = server.stream(Some(Turn::default())).collect().await;
    items.into_iter().map(|item| item.unwrap().event().unwrap().tag().to_owned()).collect()
}

/// v0 C7: a build that never sends `session.status_idle`.
#[tokio::test(start_paused = true)]
async fn the_end_of_a_turn_is_asked_for_where_no_event_says_so() {
    let wire = "data: {\"type\":\"user.message\",\"seq\":1,\"content\":[]}\n\n\
        data: {\"type\":\"span.model_request_end\",\"seq\":2,\"finish_reason\":\"stop\"}\n\n";
    let server = Server::new(Build::Node, vec![Sent { wire: wire.as_bytes().to_vec(), row: None }], []);
    let mut stream = server.stream(Some(Turn::default()));
    for _ in 0..2 {
        assert!(stream.next().await.unwrap().is_ok());
    }
    // It still runs, as far as the session says.
    assert!(tokio::time::timeout(Duration::from_secs(20), stream.next()).await.is_err());
    server.with(|state| state.over = true);
    assert!(stream.next().await.is_none());
}

#[test]
fn finds_the_type_of_an_object_without_reading_all_of_it() {
    for (json, word) in [
        (r#"{"type":"a.b"}"#, Some("a.b")),
        (r#" { "id" : "x" , "type" : "a" , "broken""#, Some("a")),
        (r#"{"a":{"type":"in"},"b":["type","in",{"type":"in"}],"type":"out"}"#, Some("out")),
        (r#"{"a":"type","type":"out"}"#, Some("out")),
        (r#"{"a\"type":"x\\","n":1,"type":"out"}"#, Some("out")),
        (r#"{"type":7,"id":"x"}"#, None),
        (r#"{"type":"a\u002eb"}"#, None),
        (r#"{"a":"type"}"#, None),
        (r#"["type","x"]"#, None),
        ("\"type\"", None),
        ("{\"type", None),
        ("{\"a\\", None),
        ("", None),
    ] {
        assert_eq!(tag(json), word, "{json}");
    }
}
