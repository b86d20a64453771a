//! Logs that are followed, whatever the server makes of it.

use std::time::{Duration, Instant};

use polyagent::launchpad::types::LogEntry;
use polyagent::launchpad::{FollowLogs, Launchpad, Since};
use polyagent::{Error, StreamFault, Timestamp};
use wiremock::ResponseTemplate;

use super::{LIVE, QUICK, add, builder, client, empty, lines};
use crate::elephantasm::json_answer;
use crate::patience::with_patience;
use crate::sockets::{Server, Step, live, reply, whole, write};

const LOGS: &str = "/api/agents/a/logs";
const ONE: &str = r#"{"timestamp":"2026-07-01T11:59:58Z","level":"INFO","message":"one","pod":"p"}"#;
const TWO: &str = r#"{"timestamp":"2026-07-01T11:59:59Z","level":"INFO","message":"two","pod":"p"}"#;
const THREE: &str = r#"{"timestamp":"2026-07-01T12:00:00Z","level":"INFO","message":"three","pod":"p"}"#;

fn client_of(server: &Server) -> Launchpad {
    builder(format!("http://{}", server.address)).build().unwrap()
}

fn follow(server: &Server) -> FollowLogs {
    client_of(server).monitoring().logs().follow("a").interval(QUICK)
}

fn logs(entries: &[&str]) -> String {
    format!(r#"{{"agentId":"a","logs":[{}],"truncated":false}}"#, entries.join(","))
}

fn targets(server: &Server) -> Vec<String> {
    let target = |request: Vec<u8>| String::from_utf8(request).unwrap().split(' ').nth(1).unwrap().to_owned();
    server.requests().into_iter().map(target).collect()
}

async fn all(mut lines: FollowLogs) -> Vec<String> {
    let mut messages = Vec::new();
    while let Some(entry) = lines.try_next().await.unwrap() {
        messages.push(entry.message);
    }
    assert_eq!(lines.try_next().await.unwrap(), None, "the end stays the end");
    messages
}

async fn next(lines: &mut FollowLogs) -> String {
    lines.try_next().await.unwrap().unwrap().message
}

/// The seconds in `45s`, `30m` or `1h`.
fn seconds(ago: &str) -> Option<u64> {
    let (number, unit) = ago.split_at_checked(ago.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    Some(number.parse::<u64>().ok()? * unit)
}

const GONE: &str = r#"{"error":{"code":"AGENT_NOT_FOUND","message":"no agent"}}"#;

#[tokio::test]
async fn a_stream_is_asked_for_with_all_its_forms_and_no_hidden_limit() {
    let server = Server::start(vec![whole("text/plain", &["one\n"]), reply("404 Not Found", GONE)]).await;
    let lines = follow(&server).since(Duration::from_secs(3600)).level("ERROR").container("agent");
    assert_eq!(all(lines).await, ["one"]);
    let request = String::from_utf8(server.requests()[0].clone()).unwrap();
    assert!(
        request.starts_with(
            "GET /api/agents/a/logs?lines=1000&since=1h&follow=true&level=ERROR&container=agent HTTP/1.1\r\n"
        ),
        "{request}"
    );
    let accept = "accept: text/event-stream, application/x-ndjson, application/json;q=0.9, text/plain;q=0.5\r\n";
    assert!(request.contains(accept), "{request}");
}

#[tokio::test]
async fn events_json_lines_json_and_text_are_all_read() {
    for (media, pieces) in [
        (
            "text/event-stream",
            vec![format!(": hi\n\ndata: {ONE}\n\n"), format!("event: log\ndata: [{TWO},"), format!("{THREE}]\n\n")],
        ),
        ("application/x-ndjson", vec![format!("{ONE}\n{}", &TWO[..20]), format!("{}\n\n{THREE}\n", &TWO[20..])]),
        ("application/json", vec![ONE.to_owned(), format!("{TWO}\n{THREE}")]),
        ("application/json", vec![format!("[{ONE},"), format!("{TWO},{THREE}]")]),
        ("text/plain; charset=utf-8", vec!["one\ntw".to_owned(), "o\r\nthree".to_owned()]),
        ("application/octet-stream", vec![format!("{ONE}\n{TWO}\n{THREE}\n")]),
    ] {
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let server = Server::start(vec![whole(media, &pieces), reply("404 Not Found", GONE)]).await;
        assert_eq!(all(follow(&server)).await, ["one", "two", "three"], "{media}");
        assert_eq!(targets(&server)[1], "/api/agents/a/status", "{media}");
    }
}

#[tokio::test]
async fn lines_are_handed_out_while_the_stream_goes_on_and_silence_is_no_end() {
    let late = format!("{TWO}\n");
    with_patience(async |limit| {
        let silence = 4 * limit;
        let mut script = live("application/x-ndjson", &[&format!("{ONE}\n")]);
        script.push(Step::Sleep(silence));
        script.push(write(&format!("{:x}\r\n{late}\r\n", late.len())));
        script.push(Step::Hang);
        let server = Server::start(vec![script]).await;
        let begun = Instant::now();
        let mut lines = follow(&server);
        assert_eq!(next(&mut lines).await, "one");
        // The other has not been sent yet.
        let during = begun.elapsed() < silence;
        assert_eq!(next(&mut lines).await, "two");
        assert!(begun.elapsed() >= silence, "it came late");
        drop(lines);
        server.a_client_hung_up().await;
        assert_eq!(server.connections(), 1);
        during.then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_broken_connection_is_made_anew_and_nothing_is_lost_or_repeated() {
    let mut broken = live("application/x-ndjson", &[&format!("{ONE}\n{}", &TWO[..30])]);
    broken.push(Step::Sleep(Duration::from_millis(50)));
    broken.push(Step::Reset);
    let server = Server::start(vec![
        broken,
        // The new stream, which does not repeat what came before; and what was written meanwhile.
        {
            let mut script = live("application/x-ndjson", &[]);
            script.push(Step::Sleep(Duration::from_millis(300)));
            let line = format!("{THREE}\n");
            script.push(write(&format!("{:x}\r\n{line}\r\n0\r\n\r\n", line.len())));
            script
        },
        reply("200 OK", &logs(&[ONE, TWO])),
        reply("404 Not Found", GONE),
    ])
    .await;
    assert_eq!(all(follow(&server)).await, ["one", "two", "three"]);
    let targets = targets(&server);
    assert_eq!(targets[0], "/api/agents/a/logs?lines=1000&follow=true");
    for (target, end) in [(&targets[1], "&follow=true"), (&targets[2], "")] {
        let ago = target.strip_prefix("/api/agents/a/logs?lines=1000&since=").and_then(|it| it.strip_suffix(end));
        assert!(ago.and_then(seconds).is_some_and(|seconds| seconds >= 30), "{targets:?}");
    }
    assert_eq!(targets[3], "/api/agents/a/status");
}

#[tokio::test]
async fn a_stream_that_repeats_lines_after_a_break_hands_each_out_once() {
    let mut broken = live("application/x-ndjson", &[&format!("{ONE}\n{ONE}\n")]);
    broken.push(Step::Sleep(Duration::from_millis(50)));
    broken.push(Step::Reset);
    let server = Server::start(vec![
        broken,
        whole("application/x-ndjson", &[&format!("{ONE}\n{ONE}\n{TWO}\n{THREE}\n")]),
        reply("200 OK", &logs(&[ONE, ONE, TWO])),
        reply("404 Not Found", GONE),
    ])
    .await;
    assert_eq!(all(follow(&server)).await, ["one", "one", "two", "three"], "two equal lines were written");
}

#[tokio::test]
async fn a_silent_connection_is_made_anew_after_the_gap() {
    let mut silent = live("application/x-ndjson", &[&format!("{ONE}\n")]);
    silent.push(Step::Hang);
    let server = Server::start(vec![
        silent,
        whole("application/x-ndjson", &[&format!("{TWO}\n")]),
        reply("200 OK", &logs(&[ONE])),
        reply("404 Not Found", GONE),
    ])
    .await;
    assert_eq!(all(follow(&server).gap(Duration::from_millis(100))).await, ["one", "two"]);
}

#[tokio::test]
async fn an_end_is_an_end_only_if_the_agent_runs_no_more() {
    for (status, ends) in
        [("STOPPED", true), ("FAILED", true), ("DELETING", true), ("DEPLOYED", false), ("BUILDING", false)]
    {
        let state = format!(r#"{{"agentId":"a","status":"{status}"}}"#);
        let server = Server::start(vec![
            whole("application/x-ndjson", &[&format!("{ONE}\n")]),
            reply("200 OK", &state),
            reply("200 OK", &logs(&[ONE, TWO])),
            reply("404 Not Found", GONE),
        ])
        .await;
        let expected: &[&str] = if ends { &["one"] } else { &["one", "two"] };
        assert_eq!(all(follow(&server)).await, expected, "{status}");
    }
    let server = Server::start(vec![whole("text/event-stream", &["data: one\n\nevent: end\ndata: bye\n\n"])]).await;
    assert_eq!(all(follow(&server)).await, ["one"], "the server says so");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn an_end_within_a_line_is_a_break() {
    let server = Server::start(vec![
        whole("application/x-ndjson", &[&format!("{ONE}\n{}", &TWO[..30])]),
        whole("application/x-ndjson", &[]),
        reply("200 OK", &logs(&[ONE, TWO])),
        reply("404 Not Found", GONE),
    ])
    .await;
    assert_eq!(all(follow(&server)).await, ["one", "two"]);
}

#[tokio::test]
async fn a_server_that_ignores_follow_is_read_again_until_the_agent_is_gone() {
    let server = empty().await;
    for entries in [&[ONE][..], &[ONE], &[ONE, TWO], &[TWO, THREE]] {
        add(&server, "GET", LOGS, 1, json_answer(200, &logs(entries))).await;
    }
    let mut lines_of = client(&server).monitoring().logs().follow("a").interval(QUICK);
    let mut messages = Vec::new();
    while let Some(LogEntry { message, .. }) = lines_of.try_next().await.unwrap() {
        messages.push(message);
    }
    assert_eq!(messages, ["one", "two", "three"]);
    let lines = lines(&server).await;
    assert_eq!(lines[0], "GET /api/agents/a/logs?lines=1000&follow=true");
    assert_eq!(lines.len(), 5, "{lines:?}");
    for line in &lines[1..] {
        assert!(line.starts_with("GET /api/agents/a/logs?lines=1000&since=") && !line.contains("follow"), "{line}");
    }
}

#[tokio::test]
async fn a_log_is_read_again_from_half_a_minute_before_its_last_line() {
    for (form, expected) in [
        (None, None),
        (
            Some(Since::from("2026-07-01T11:00:00Z".parse::<Timestamp>().unwrap())),
            Some("since=2026-07-01T11%3A59%3A29Z"),
        ),
    ] {
        let begun = Instant::now();
        let server = empty().await;
        // Ten seconds after the last line, by the server's clock.
        let dated =
            |entries: &[&str]| json_answer(200, &logs(entries)).insert_header("date", "Wed, 01 Jul 2026 12:00:09 GMT");
        add(&server, "GET", LOGS, 1, dated(&[ONE, TWO])).await;
        add(&server, "GET", LOGS, 1, dated(&[TWO, THREE])).await;
        let follow = client(&server).monitoring().logs().follow("a").interval(QUICK);
        let mut lines_of = form.into_iter().fold(follow, FollowLogs::since);
        for message in ["one", "two", "three"] {
            assert_eq!(next(&mut lines_of).await, message);
        }
        let lines = lines(&server).await;
        let since = lines[1].strip_prefix("GET /api/agents/a/logs?lines=1000&").unwrap();
        match since.strip_prefix("since=").and_then(seconds) {
            // What this test itself took counts, too.
            Some(ago) => assert!(form.is_none() && (40..=41 + begun.elapsed().as_secs()).contains(&ago), "{lines:?}"),
            None => assert_eq!(Some(since), expected),
        }
    }
}

#[tokio::test]
async fn more_lines_than_a_server_returns_at_once_are_reported_and_not_passed_over() {
    let cut = |entries: &[&str]| json_answer(200, &logs(entries).replace("false", "true"));
    let server = empty().await;
    add(&server, "GET", LOGS, 1, cut(&[ONE])).await;
    add(&server, "GET", LOGS, 1, cut(&[ONE, TWO])).await;
    add(&server, "GET", LOGS, 1, cut(&[THREE])).await;
    let mut lines_of = client(&server).monitoring().logs().follow("a").interval(QUICK);
    assert_eq!(next(&mut lines_of).await, "one");
    assert_eq!(next(&mut lines_of).await, "two", "the lines follow each other, so none is missing");
    let error = lines_of.try_next().await.unwrap_err();
    assert!(matches!(&error, Error::Stream(error) if error.fault() == StreamFault::Gap), "{error}");
    assert_eq!(next(&mut lines_of).await, "three", "it goes on");
    assert!(lines_of.try_next().await.unwrap().is_none());

    let server = empty().await;
    add(&server, "GET", LOGS, 1, cut(&[ONE])).await;
    let mut from_then = client(&server).monitoring().logs().follow("a").since(Duration::from_secs(60));
    assert!(from_then.try_next().await.is_err(), "lines since then are missing");
    let server = empty().await;
    add(&server, "GET", LOGS, 1, json_answer(200, &logs(&[ONE]))).await;
    add(&server, "GET", LOGS, 1, json_answer(200, &logs(&[TWO, THREE]))).await;
    let mut two_at_once = client(&server).monitoring().logs().follow("a").lines(2).interval(QUICK);
    assert_eq!(next(&mut two_at_once).await, "one");
    assert!(two_at_once.try_next().await.is_err(), "as many as were asked for, and none known");
}

#[tokio::test]
async fn a_server_that_refuses_to_follow_is_read_again_too() {
    for status in [400, 406, 422, 501] {
        let server = empty().await;
        add(&server, "GET", LOGS, 1, json_answer(status, "{}")).await;
        add(&server, "GET", LOGS, 1, json_answer(200, &logs(&[ONE]))).await;
        let mut lines_of = client(&server).monitoring().logs().follow("a").interval(QUICK);
        assert_eq!(next(&mut lines_of).await, "one", "{status}");
        assert!(lines_of.try_next().await.unwrap().is_none());
        assert_eq!(lines(&server).await[1], "GET /api/agents/a/logs?lines=1000", "{status}");
    }
    for status in [401, 403, 404] {
        let server = empty().await;
        add(&server, "GET", LOGS, 9, json_answer(status, "{}")).await;
        let error = client(&server).monitoring().logs().follow("a").try_next().await.unwrap_err();
        assert_eq!(error.status().unwrap().as_u16(), status);
        assert_eq!(lines(&server).await.len(), 1, "{status}");
    }
}

#[tokio::test]
async fn failures_between_readings_pass_and_too_many_end_it() {
    let server = empty().await;
    add(&server, "GET", LOGS, 1, json_answer(200, &logs(&[ONE]))).await;
    add(&server, "GET", LOGS, 5, ResponseTemplate::new(503)).await;
    add(&server, "GET", LOGS, 1, json_answer(429, "slow down")).await;
    add(&server, "GET", LOGS, 1, json_answer(200, &logs(&[ONE, TWO]))).await;
    add(&server, "GET", LOGS, 9999, ResponseTemplate::new(500)).await;
    let mut lines_of = client(&server).monitoring().logs().follow("a").interval(QUICK);
    assert_eq!(next(&mut lines_of).await, "one");
    assert_eq!(next(&mut lines_of).await, "two");
    assert!(lines_of.try_next().await.unwrap_err().is_server());
    assert!(lines_of.try_next().await.unwrap().is_none(), "it is the last thing");
}

#[tokio::test]
async fn a_quiet_log_of_an_agent_that_runs_no_more_ends() {
    for (state, ends) in [(r#"{"agentId":"a","status":"FAILED"}"#, true), (LIVE, false)] {
        let server = empty().await;
        add(&server, "GET", LOGS, 9, json_answer(200, &logs(&[ONE]))).await;
        add(&server, "GET", "/api/agents/a/status", 9, json_answer(200, state)).await;
        let mut lines_of = client(&server).monitoring().logs().follow("a").interval(QUICK);
        assert_eq!(next(&mut lines_of).await, "one");
        // Where it goes on, the server's last response is used up and the agent gone.
        assert!(lines_of.try_next().await.unwrap().is_none());
        let lines = lines(&server).await;
        assert_eq!(lines.len(), if ends { 6 } else { 12 }, "{lines:?}");
    }
}
