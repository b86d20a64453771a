//! The connections of event streams: how a new one may be answered, and what becomes of each in the end.

use std::time::Duration;

use polyagent::oma::types::{StreamSessionEventsParams, StreamThreadEventsParams};
use polyagent::oma::{Generation, Oma};
use polyagent::{Error, StreamItem};
use serde_json::{Value, json};
use wiremock::matchers::path_regex;
use wiremock::{Mock, ResponseTemplate};

use super::stream::{end, frame, ids, session, turn};
use super::{KEY, client, json as json_response, received};
use crate::sockets::{Server, Step, answer, reqwest_without_proxy, write};

#[tokio::test]
async fn a_resume_that_is_answered_by_no_stream_is_tried_again() {
    type Odd = (&'static str, fn() -> ResponseTemplate);
    let answers: [Odd; 5] = [
        ("204", || ResponseTemplate::new(204)),
        ("409", || json_response(409, r#"{"type":"error","error":{"type":"conflict_error","message":"m"}}"#)),
        ("HTML", || ResponseTemplate::new(200).set_body_raw(b"<html>Sign in</html>".to_vec(), "text/html")),
        ("JSON", || json_response(200, r#"{"type":"error","error":{"type":"api_error","message":"m"}}"#)),
        ("an end", || ResponseTemplate::new(200).set_body_raw(Vec::new(), "text/event-stream")),
    ];
    let runs = [Generation::V0, Generation::V1].into_iter().flat_map(|it| answers.map(|answer| (it, answer)));
    let runs = runs.map(|(generation, (name, odd))| async move {
        let mut events = turn(generation);
        events.push(end(5));
        let frames: Vec<String> = events.iter().map(frame).collect();
        let server = session(generation, &[&frames[3..].concat()], &events[..3]).await;
        let first = ResponseTemplate::new(200).set_body_raw(frames[..2].concat(), "text/event-stream");
        for (priority, response) in [(1, first), (2, odd())] {
            let mock = Mock::given(path_regex("/stream$")).respond_with(response);
            mock.up_to_n_times(1).with_priority(priority).mount(&server).await;
        }
        let stream = client(&server, generation).sessions().stream("sess_1", StreamSessionEventsParams::new());
        let got = ids(stream.await.unwrap()).await;
        assert_eq!(got, ["sevt_1", "sevt_2", "sevt_3", "sevt_4", "sevt_9"], "{generation}, {name}");
        let opened = received(&server).await.iter().filter(|line| line.contains("/events/stream")).count();
        assert_eq!(opened, 3, "{generation}, {name}");
    });
    futures::future::join_all(runs).await;
}

#[tokio::test]
async fn a_resume_that_is_refused_for_good_is_the_error_and_the_end() {
    for (generation, status) in [(Generation::V0, 404), (Generation::V1, 410), (Generation::V1, 401)] {
        let server = session(generation, &[], &[]).await;
        let first = ResponseTemplate::new(200).set_body_raw(frame(&turn(generation)[0]), "text/event-stream");
        for (priority, response) in [(1, first), (2, json_response(status, r#"{"error":"gone"}"#))] {
            let mock = Mock::given(path_regex("/stream$")).respond_with(response);
            mock.up_to_n_times(1).with_priority(priority).mount(&server).await;
        }
        let stream = client(&server, generation).sessions().stream("sess_1", StreamSessionEventsParams::new());
        let mut stream = stream.await.unwrap();
        assert!(stream.try_next().await.unwrap().is_some());
        let error = stream.try_next().await.unwrap_err();
        assert_eq!(error.status().map(|it| it.as_u16()), Some(status), "{error}");
        assert!(stream.try_next().await.unwrap().is_none(), "{generation}");
    }
}

/// v1 C15: the session is archived, or gone, and no event says so.
#[tokio::test]
async fn a_stream_that_ends_with_its_session_is_over() {
    let archived = || json_response(200, r#"{"id":"sess_1","status":"idle","archived_at":"2026-09-01T00:00:00Z"}"#);
    let gone = || json_response(404, r#"{"type":"error","error":{"type":"not_found_error","message":"m"}}"#);
    // Nothing else of it has to make sense.
    let odd = || json_response(200, r#"{"id":7,"status":"terminated","agent":"none","created_at":"yesterday"}"#);
    let runs = [Generation::V0, Generation::V1].into_iter();
    for (generation, answer) in runs.flat_map(|generation| [archived(), gone(), odd()].map(|it| (generation, it))) {
        let body = frame(&turn(generation)[0]);
        let server = session(generation, &[&body, &body], &[]).await;
        let mock = Mock::given(path_regex("/(sess_1|thr_1)$")).respond_with(answer.clone());
        mock.with_priority(1).mount(&server).await;
        let client = client(&server, generation);
        let stream = client.sessions().stream("sess_1", StreamSessionEventsParams::new());
        assert_eq!(ids(stream.await.unwrap()).await, ["sevt_1"], "{generation}, {answer:?}");
        let stream = client.threads().stream("sess_1", "thr_1", StreamThreadEventsParams::new());
        assert_eq!(ids(stream.await.unwrap()).await, ["sevt_1"], "{generation}, {answer:?}");
        let opened = received(&server).await.iter().filter(|line| line.contains("/stream")).count();
        assert_eq!(opened, 2, "{generation}, {answer:?}");
    }
}

#[tokio::test]
async fn each_try_to_go_on_is_one_request_and_asks_for_what_is_new() {
    let mut events = turn(Generation::V1);
    events.push(end(5));
    let frames: Vec<String> = events.iter().map(frame).collect();
    let server = session(Generation::V1, &[&frames[2..].concat()], &events[..2]).await;
    let first = ResponseTemplate::new(200).set_body_raw(frames[..2].concat(), "text/event-stream");
    Mock::given(path_regex("/stream$")).respond_with(first).up_to_n_times(1).with_priority(1).mount(&server).await;
    let down = ResponseTemplate::new(503);
    Mock::given(path_regex("/stream$")).respond_with(down).up_to_n_times(2).with_priority(2).mount(&server).await;
    let begun = std::time::Instant::now();
    let stream = client(&server, Generation::V1).sessions().stream("sess_1", StreamSessionEventsParams::new());
    assert_eq!(ids(stream.await.unwrap()).await, ["sevt_1", "sevt_2", "sevt_3", "sevt_4", "sevt_9"]);
    // Pauses of at least 0.375, 0.75 and 1.5 s: retries of the call itself would be quicker.
    assert!(begun.elapsed() >= Duration::from_secs(2), "{:?}", begun.elapsed());
    let sent = received(&server).await;
    let asked: Vec<_> = sent.iter().filter(|line| line.contains("/events?")).collect();
    // The last event was at 00:00:01, and 10 s before it are read again.
    assert!(asked.last().unwrap().contains("created_at%5Bgte%5D=2026-08-31T23%3A59%3A51"), "{sent:?}");
}

#[tokio::test]
async fn a_broken_row_of_the_history_is_an_error_and_the_rest_comes() {
    for generation in [Generation::V0, Generation::V1] {
        let mut events = turn(generation);
        events.push(end(5));
        let frames: Vec<String> = events.iter().map(frame).collect();
        events[2]["content"] = json!(7);
        let server = session(generation, &[&frames[..2].concat(), &frames[3..].concat()], &events[..3]).await;
        let stream = client(&server, generation).sessions().stream("sess_1", StreamSessionEventsParams::new());
        let mut stream = stream.await.unwrap();
        let (mut got, mut errors) = (Vec::new(), Vec::new());
        loop {
            match stream.try_next().await {
                Ok(Some(StreamItem::Event(event))) => got.extend(event.id().map(str::to_owned)),
                Ok(Some(other)) => panic!("{generation}: {other:?}"),
                Ok(None) => break,
                Err(error) => errors.push(error),
            }
        }
        assert_eq!(got, ["sevt_1", "sevt_2", "sevt_4", "sevt_9"], "{generation}");
        assert_eq!(errors.len(), 1, "{generation}: {errors:?}");
        assert!(matches!(&errors[0], Error::Decode(it) if it.to_string().contains("content")), "{}", errors[0]);
    }
}

#[tokio::test]
async fn a_broken_newest_event_keeps_no_stream_from_opening_behind_it() {
    for generation in super::GENERATIONS {
        let mut events = turn(generation);
        let frames = frame(&end(5));
        events[2]["content"] = json!(7);
        let server = session(generation, &[": cut\n\n", &frames], &events[1..]).await;
        let newest = json!({"data": [events[2]], "has_more": false, "next_page": null}).to_string();
        let mock = Mock::given(path_regex("/events$")).respond_with(json_response(200, &newest));
        mock.up_to_n_times(1).with_priority(1).mount(&server).await;
        let stream = client(&server, generation).sessions().stream("sess_1", StreamSessionEventsParams::new());
        assert_eq!(ids(stream.await.unwrap()).await, ["sevt_4", "sevt_9"], "{generation}");
    }
}

fn oma(server: &Server) -> Oma {
    let builder = Oma::builder().base_url(format!("http://{}", server.address)).api_key(KEY);
    builder.generation(Generation::V1).configure_http(reqwest_without_proxy).build().unwrap()
}

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const NO_EVENTS: &str = r#"{"data":[],"next_page":null}"#;

fn chunk(event: &Value) -> Step {
    let frame = frame(event);
    write(&format!("{:x}\r\n{frame}\r\n", frame.len()))
}

#[tokio::test]
async fn dropping_a_stream_closes_its_connection() {
    let script = vec![
        Step::Read,
        answer("200 OK", "", NO_EVENTS),
        Step::Read,
        write(HEAD),
        chunk(&turn(Generation::V1)[0]),
        Step::Hang,
    ];
    let server = Server::start(vec![script]).await;
    let client = oma(&server);
    let mut stream = client.sessions().stream("sess_1", StreamSessionEventsParams::new()).await.unwrap();
    assert!(stream.try_next().await.unwrap().is_some());
    drop(stream);
    // The client itself lives on: it is the stream that has gone.
    server.a_client_hung_up().await;
    drop(client);
}

#[tokio::test]
async fn a_connection_whose_stream_has_ended_is_used_again() {
    let ended = [
        Step::Read,
        answer("200 OK", "", NO_EVENTS),
        Step::Read,
        write(HEAD),
        chunk(&end(1)),
        Step::Sleep(Duration::from_millis(20)),
        write("0\r\n\r\n"),
    ];
    let again = [Step::Read, answer("200 OK", "", r#"{"id":"sess_1","status":"terminated"}"#)];
    let server = Server::start(vec![ended.into_iter().chain(again).collect()]).await;
    let client = oma(&server);
    let stream = client.sessions().stream("sess_1", StreamSessionEventsParams::new()).await.unwrap();
    assert_eq!(ids(stream).await, ["sevt_9"]);
    assert_eq!(client.sessions().get("sess_1").await.unwrap().id, "sess_1");
    assert_eq!(server.connections(), 1);

    // A response that goes on after its last event is not waited for.
    let goes_on =
        vec![Step::Read, answer("200 OK", "", NO_EVENTS), Step::Read, write(HEAD), chunk(&end(1)), Step::Hang];
    let next = vec![Step::Read, answer("200 OK", "", r#"{"id":"sess_1","status":"terminated"}"#)];
    let server = Server::start(vec![goes_on, next]).await;
    let client = oma(&server);
    let stream = client.sessions().stream("sess_1", StreamSessionEventsParams::new()).await.unwrap();
    assert_eq!(ids(stream).await, ["sevt_9"]);
    assert_eq!(client.sessions().get("sess_1").await.unwrap().id, "sess_1");
    assert_eq!(server.connections(), 2);
    server.a_client_hung_up().await;
}
