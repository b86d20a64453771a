//! Event streams over sockets: what is sent, what is refused, and what survives a cut.

use std::sync::Mutex;
use std::time::Duration;

use futures::StreamExt as _;
use polyagent::oma::Generation;
use polyagent::oma::types::{Event, StreamSessionEventsParams, StreamThreadEventsParams};
use polyagent::{Error, EventStream, StreamItem};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::{client, header, json as json_response, received};

/// A server with one session: its connections get parts of a script one after the other.
pub(super) struct Session {
    generation: Generation,
    state: Mutex<State>,
    /// How long events that are sent take, and their status.
    post: (Duration, u16),
}

struct State {
    /// The bodies of the streams to come.
    bodies: Vec<String>,
    /// What the history has when the streams to come are open.
    rows: Vec<Value>,
    /// The history is empty before the first stream is open.
    opened: usize,
    status: &'static str,
}

impl Respond for Session {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut state = self.state.lock().unwrap();
        let path = request.url.path().to_owned();
        let streams = path.ends_with("/stream") || path.ends_with("/messages");
        if streams && !state.bodies.is_empty() {
            state.opened += 1;
            let body = state.bodies.remove(0);
            return ResponseTemplate::new(200).set_body_raw(body.into_bytes(), "text/event-stream");
        }
        if path.ends_with("/events") && request.method.as_str() == "POST" {
            let sent = json!({"data": [{"type": "user.message", "id": "sevt_1", "content": []}]});
            return json_response(self.post.1, &sent.to_string()).set_delay(self.post.0);
        }
        if path.ends_with("/events") {
            let rows: &[Value] = if state.opened == 0 { &[] } else { &state.rows };
            let page = if self.generation == Generation::V0 {
                json!({"data": rows, "has_more": false})
            } else {
                json!({"data": rows, "next_page": null})
            };
            return json_response(200, &page.to_string());
        }
        let session = json!({"id": "sess_1", "status": state.status, "agent": {"id": "agent_1"}});
        json_response(200, &session.to_string())
    }
}

pub(super) async fn session(generation: Generation, bodies: &[&str], rows: &[Value]) -> MockServer {
    session_that(generation, bodies, rows, (Duration::ZERO, 200)).await
}

pub(super) async fn session_that(
    generation: Generation,
    bodies: &[&str],
    rows: &[Value],
    post: (Duration, u16),
) -> MockServer {
    let bodies = bodies.iter().map(|body| (*body).to_owned()).collect();
    let state = Mutex::new(State { bodies, rows: rows.to_vec(), opened: 0, status: "running" });
    let server = MockServer::builder().start().await;
    Mock::given(any()).respond_with(Session { generation, state, post }).mount(&server).await;
    server
}

pub(super) fn frame(event: &Value) -> String {
    format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap())
}

pub(super) fn turn(generation: Generation) -> Vec<Value> {
    let mut events = vec![
        json!({"type": "user.message", "id": "sevt_1", "content": [{"type": "text", "text": "Hi é"}]}),
        json!({"type": "session.status_running", "id": "sevt_2"}),
        json!({"type": "agent.message", "id": "sevt_3", "content": [{"type": "text", "text": "Hello."}]}),
        json!({"type": "session.status_idle", "id": "sevt_4", "stop_reason": {"type": "end_turn"}}),
    ];
    for (at, event) in events.iter_mut().enumerate() {
        event["processed_at"] = json!(format!("2026-09-01T00:00:0{at}Z"));
        if generation == Generation::V0 {
            event["seq"] = json!(at + 1);
        }
    }
    events
}

pub(super) fn end(seq: u8) -> Value {
    json!({"type": "session.status_terminated", "id": "sevt_9", "seq": seq, "processed_at": "2026-09-01T00:00:09Z"})
}

pub(super) async fn ids(mut stream: EventStream<Event>) -> Vec<String> {
    let mut ids = Vec::new();
    while let Some(item) = stream.try_next().await.unwrap() {
        ids.extend(item.event().and_then(Event::id).map(str::to_owned));
    }
    ids
}

#[tokio::test]
async fn a_stream_asks_for_events_and_goes_to_the_end_of_its_session() {
    for generation in super::GENERATIONS {
        let body = frame(&turn(generation)[0]) + &frame(&end(2));
        let server = session(generation, &[&body, &body], &[]).await;
        let client = client(&server, generation);
        let stream = client.sessions().stream("sess_1", StreamSessionEventsParams::new()).await.unwrap();
        assert_eq!(ids(stream).await, ["sevt_1", "sevt_9"]);
        let threads = client.threads().stream("sess_1", "thr_1", StreamThreadEventsParams::new());
        assert_eq!(ids(threads.await.unwrap()).await, ["sevt_1", "sevt_9"]);
        let requests = server.received_requests().await.unwrap();
        let sent = received(&server).await;
        assert_eq!(sent[1], "GET /v1/sessions/sess_1/events/stream", "{generation}");
        assert_eq!(sent.last().unwrap(), "GET /v1/sessions/sess_1/threads/thr_1/stream", "{generation}");
        assert_eq!(header(&requests[1], "accept"), "text/event-stream");
        assert_eq!(header(&requests[1], "accept-encoding"), "identity");
    }
}

#[tokio::test]
async fn a_stream_that_is_cut_at_200_places_has_each_event_once() {
    for generation in [Generation::V0, Generation::V1] {
        let mut events = turn(generation);
        events.push(end(5));
        let frames: Vec<String> = events.iter().map(frame).collect();
        let wire = frames.concat();
        let places: Vec<usize> = (0..wire.len() - 1).step_by((wire.len() / 100).max(1)).take(100).collect();
        assert_eq!(places.len(), 100);
        let runs = places.iter().map(|place| {
            let (events, frames, wire) = (&events, &frames, &wire);
            async move {
                let (mut begun, mut at) = (0, 0);
                while at < *place {
                    at += frames[begun].len();
                    begun += 1;
                }
                let first = String::from_utf8_lossy(&wire.as_bytes()[..*place]).into_owned();
                let rest = frames[begun..].concat();
                let server = session(generation, &[&first, &rest], &events[..begun]).await;
                let client = client(&server, generation);
                let stream = client.sessions().stream("sess_1", StreamSessionEventsParams::new()).await.unwrap();
                let got = ids(stream).await;
                assert_eq!(got, ["sevt_1", "sevt_2", "sevt_3", "sevt_4", "sevt_9"], "{generation}, cut at {place}");
            }
        });
        // Both ends of a connection are in this process, which may have few files open.
        futures::stream::iter(runs).buffer_unordered(10).collect::<()>().await;
    }
}

#[tokio::test]
async fn what_is_no_event_stream_is_a_clear_error() {
    let page = ResponseTemplate::new(200).set_body_raw(b"<html>Sign in</html>".to_vec(), "text/html");
    let report = json_response(200, r#"{"type":"error","error":{"type":"api_error","message":"no streams today"}}"#);
    for (response, said) in [(page, "it is no event stream"), (report, "reports: no streams today")] {
        let server = MockServer::builder().start().await;
        Mock::given(wiremock::matchers::path("/v1/sessions/sess_1/events"))
            .respond_with(json_response(200, r#"{"data":[],"next_page":null}"#))
            .mount(&server)
            .await;
        Mock::given(any()).respond_with(response).with_priority(9).mount(&server).await;
        let client = client(&server, Generation::V1);
        let error = client.sessions().stream("sess_1", StreamSessionEventsParams::new()).await.unwrap_err();
        assert!(matches!(error, Error::Decode(_)), "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[tokio::test]
async fn an_unknown_session_is_not_found() {
    for generation in super::GENERATIONS {
        let server = super::server(json_response(404, r#"{"error":"Session not found"}"#)).await;
        let client = client(&server, generation);
        let error = client.sessions().stream("sess_1", StreamSessionEventsParams::new()).await.unwrap_err();
        assert!(matches!(error, Error::NotFound(_)), "{generation}: {error}");
        let error = client.sessions().messages("sess_1", "hi").await.unwrap_err();
        assert!(matches!(error, Error::NotFound(_)), "{generation}: {error}");
    }
}

#[tokio::test]
async fn bad_arguments_are_errors_before_anything_is_sent() {
    let server = session(Generation::V1, &[&frame(&end(1))], &[]).await;
    let client = client(&server, Generation::V1);
    let sessions = client.sessions();
    let error = sessions.messages("sess_1", "").await.unwrap_err();
    assert!(matches!(error, Error::InvalidArgument(_)) && error.to_string().contains("`content`"), "{error}");
    let stream = sessions.stream("sess_1", StreamSessionEventsParams::new()).await.unwrap();
    let position = stream.position().clone();
    let sent = received(&server).await.len();
    let other = sessions.stream("sess_2", StreamSessionEventsParams::new()).resume(position.clone());
    assert!(other.await.unwrap_err().to_string().contains("belongs to another session or thread"));
    let sends = sessions.messages("sess_1", "hi").resume(position);
    assert!(sends.await.unwrap_err().to_string().contains("is for streams that send nothing"));
    assert_eq!(received(&server).await.len(), sent);
}

#[tokio::test]
async fn a_turn_is_sent_once_whatever_breaks_and_ends_with_itself() {
    for (generation, post) in [
        (Generation::V0, "POST /v1/sessions/sess_1/messages"),
        (Generation::V1, "POST /v1/oma/sessions/sess_1/messages"),
        (Generation::Anthropic, "POST /v1/sessions/sess_1/events"),
    ] {
        let events = turn(generation);
        let frames: Vec<String> = events.iter().map(frame).collect();
        let server = session(generation, &[&frames[..2].concat(), &frames[3..].concat()], &events[..3]).await;
        let client = client(&server, generation);
        let stream = client.sessions().messages("sess_1", "Hi é").await.unwrap();
        assert_eq!(ids(stream).await, ["sevt_1", "sevt_2", "sevt_3", "sevt_4"], "{generation}");
        let sent = received(&server).await;
        let posts: Vec<_> = sent.iter().filter(|line| line.starts_with("POST")).collect();
        assert_eq!(posts.len(), 1, "{sent:?}");
        assert!(posts[0].starts_with(post), "{sent:?}");
        let opened = sent.iter().position(|line| line.contains("/events/stream")).unwrap();
        let posted = sent.iter().position(|line| line.starts_with("POST")).unwrap();
        assert_eq!(opened < posted, generation == Generation::Anthropic, "{sent:?}");
    }
}

#[tokio::test]
async fn waits_until_a_running_session_is_idle() {
    for generation in super::GENERATIONS {
        let body: String = turn(generation)[1..].iter().map(frame).collect();
        let server = session(generation, &[&body], &[]).await;
        let session = client(&server, generation).sessions().wait_until_idle("sess_1").await.unwrap();
        assert_eq!(session.id, "sess_1");
        let sent = received(&server).await;
        assert_eq!(sent.iter().filter(|line| line.ends_with("/v1/sessions/sess_1")).count(), 2, "{sent:?}");
    }
}

#[tokio::test]
async fn a_stream_is_send_and_unpin() {
    fn check<T: Send + Unpin>() {}
    check::<EventStream<Event>>();
    check::<StreamItem<Event>>();
}
