//! The stream against servers in memory, with a paused clock: what survives a connection.

mod frames;
mod server;

use std::time::Duration;

use futures::StreamExt;
use serde_json::json;
use tokio::time::sleep;

use self::server::{BUILDS, Build, Cut, How, Sent, Server, script, turn_events};
use super::*;
use crate::{EventStream, Gap, StreamItem};

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
