//! The status of a run as a stream (X3), whatever form the server gives it.

use std::time::Duration;

use polyagent::eclips::types::{RunCreate, RunStatus};
use polyagent::eclips::{Eclips, RunEvent, RunStream};
use polyagent::sandbox::Sandbox;
use polyagent::{Error, StreamFault, Timer};

use super::{QUICK, builder};
use crate::sockets::{Server, Step, live, reply, whole};

const RUNNING: &str = r#"{"run_id":"run_1","status":"running"}"#;
const WAITS: &str = r#"{"run_id":"run_1","status":"pending_triage","triage_item_id":"tri_51"}"#;
const DONE: &str = r#"{"run_id":"run_1","status":"completed","result":{"match":true}}"#;

fn client(server: &Server) -> Eclips {
    builder(format!("http://{}", server.address)).build().unwrap()
}

fn stream_of(server: &Server) -> RunStream {
    client(server).runs().stream("run_1").polling(|poller| poller.interval(QUICK, QUICK))
}

/// What comes: statuses, and everything else as `name=data`.
async fn all(mut events: RunStream) -> Result<Vec<String>, Error> {
    let mut seen = Vec::new();
    while let Some(event) = events.try_next().await? {
        seen.push(match event {
            RunEvent::Run(run) => {
                assert_eq!(run.run_id, "run_1");
                run.status.to_string()
            }
            RunEvent::Other { name, data } => format!("{name}={data}"),
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(events.try_next().await.unwrap(), None, "the end stays the end");
    Ok(seen)
}

fn heads(server: &Server) -> Vec<String> {
    let head = |request: Vec<u8>| String::from_utf8(request).unwrap().lines().next().unwrap().to_owned();
    server.requests().into_iter().map(head).collect()
}

const STREAM: &str = "GET /v1/runs/run_1/stream HTTP/1.1";
const GET: &str = "GET /v1/runs/run_1 HTTP/1.1";

#[tokio::test]
async fn each_form_gives_the_states_up_to_the_final_one_and_no_further_request() {
    let events = format!(
        ": hi\n\nevent: ping\ndata: {{}}\n\ndata: {RUNNING}\n\nevent: step\nid: 4\ndata: {{\"step\":3}}\n\ndata: {RUNNING}\n\n\
         event: status\ndata: {WAITS}\n\ndata: {DONE}\n\nevent: end\ndata: bye\n\n"
    );
    let server = Server::start(vec![live("text/event-stream", &[&events])]).await;
    let expected = ["running", "step={\"step\":3}", "pending_triage", "completed"];
    assert_eq!(all(stream_of(&server)).await.unwrap(), expected);
    assert_eq!(heads(&server), [STREAM]);
    let request = String::from_utf8(server.requests().remove(0)).unwrap();
    let accept = "accept: text/event-stream, application/x-ndjson, application/json;q=0.9, text/plain;q=0.5\r\n";
    assert!(request.contains(accept), "{request}");

    let lines = format!("{RUNNING}\n\n{{\"step\":3}}\n{WAITS}\nworking\n{DONE}\n");
    for (media, step) in
        [("application/x-ndjson", "message={\"step\":3}"), ("application/json", "message={\"step\":3}")]
    {
        let server = Server::start(vec![live(media, &[&lines])]).await;
        let expected = ["running", step, "pending_triage", "message=working", "completed"];
        assert_eq!(all(stream_of(&server)).await.unwrap(), expected, "{media}");
    }
}

#[tokio::test]
async fn a_state_is_read_from_an_envelope_and_with_an_id_of_the_event() {
    let events = "data: {\"event\":\"run.started\",\"run\":{\"id\":\"run_1\",\"status\":\"running\"}}\n\n\
                  data: {\"type\":\"run.step\",\"data\":{\"status\":\"thinking\"}}\n\n\
                  data: {\"id\":\"evt_9\",\"run_id\":\"run_1\",\"status\":\"failed\",\"error\":\"no order\"}\n\n";
    let server = Server::start(vec![live("text/event-stream", &[events])]).await;
    assert_eq!(all(stream_of(&server)).await.unwrap(), ["running", "thinking", "failed"]);
}

#[tokio::test]
async fn a_server_without_the_stream_is_polled() {
    for status in ["404 Not Found", "405 Method Not Allowed", "406 Not Acceptable", "501 Not Implemented"] {
        let server = Server::start(vec![
            reply(status, r#"{"error":"no such thing"}"#),
            reply("200 OK", RUNNING),
            reply("200 OK", RUNNING),
            reply("200 OK", WAITS),
            reply("200 OK", DONE),
        ])
        .await;
        assert_eq!(all(stream_of(&server)).await.unwrap(), ["running", "pending_triage", "completed"], "{status}");
        assert_eq!(heads(&server), [STREAM, GET, GET, GET, GET], "{status}");
    }
}

#[tokio::test]
async fn a_snapshot_and_a_page_for_people_are_no_stream_either() {
    for (media, body, seen) in [
        ("application/json", RUNNING, &["running", "completed"][..]),
        ("text/html", "<html>hello</html>", &["completed"]),
        ("text/event-stream", "", &["completed"]),
    ] {
        let pieces = [body];
        let pieces = if body.is_empty() { &[][..] } else { &pieces[..] };
        let server = Server::start(vec![whole(media, pieces), reply("200 OK", DONE)]).await;
        assert_eq!(all(stream_of(&server)).await.unwrap(), seen, "{media}");
        assert_eq!(heads(&server), [STREAM, GET], "{media}");
    }
}

#[tokio::test]
async fn a_run_that_does_not_exist_and_a_key_without_the_scope_are_errors() {
    let missing = || reply("404 Not Found", r#"{"error":"Run not found"}"#);
    let server = Server::start(vec![missing(), missing()]).await;
    assert!(all(stream_of(&server)).await.unwrap_err().is_not_found());
    let server = Server::start(vec![reply("403 Forbidden", r#"{"error":"missing scope agents:read"}"#)]).await;
    let error = all(stream_of(&server)).await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), heads(&server).len()), (403, 1));
    let mut events = client(&server).runs().stream("..");
    let error = events.try_next().await.unwrap_err();
    assert!(matches!(error, Error::InvalidArgument(_)), "{error:?}");
    assert_eq!(events.try_next().await.unwrap(), None, "an error is the end");
}

#[tokio::test]
async fn a_silent_connection_is_made_anew_after_the_state_was_read() {
    let mut silent = live("text/event-stream", &[&format!("data: {RUNNING}\n\n")]);
    silent.push(Step::Hang);
    let last = live("text/event-stream", &[&format!("data: {DONE}\n\n")]);
    let server = Server::start(vec![silent, reply("200 OK", WAITS), last]).await;
    let events = stream_of(&server).gap(Duration::from_millis(1100));
    assert_eq!(all(events).await.unwrap(), ["running", "pending_triage", "completed"]);
    assert_eq!(heads(&server), [STREAM, GET, STREAM]);
}

#[tokio::test]
async fn an_event_without_an_end_is_an_error_and_a_poller_may_have_a_timeout() {
    let long = format!("data: {}", "x".repeat(1024 * 1024 + 1));
    let server = Server::start(vec![live("text/event-stream", &[&long])]).await;
    let error = all(stream_of(&server)).await.unwrap_err();
    let Error::Stream(stream) = &error else { panic!("{error:?}") };
    assert_eq!(stream.fault(), StreamFault::TooLarge);

    let script = vec![reply("404 Not Found", "{}"), reply("200 OK", RUNNING)];
    let server = Server::start(script.into_iter().chain((0..200).map(|_| reply("200 OK", RUNNING))).collect()).await;
    let short = Duration::from_millis(30);
    let events = client(&server).runs().stream("run_1").polling(move |it| it.interval(QUICK, QUICK).timeout(short));
    let error = all(events).await.unwrap_err();
    assert!(matches!(&error, Error::Timeout(late) if late.timer() == Timer::Poll), "{error:?}");
}

#[tokio::test]
async fn the_sandbox_streams_the_life_of_a_run() {
    let sandbox = Sandbox::start().await.unwrap();
    let runs = sandbox.eclips().runs();
    let id = runs.create(RunCreate::new("Check invoice 7781")).await.unwrap().run_id;
    let mut events = runs.stream(&id);
    let mut seen = Vec::new();
    while let Some(event) = events.try_next().await.unwrap() {
        let RunEvent::Run(run) = event else { panic!("{event:?}") };
        seen.push(run.status);
    }
    assert_eq!(seen, [RunStatus::Running, RunStatus::Completed]);
    assert!(runs.stream("run_absent").try_next().await.unwrap_err().is_not_found());
}
