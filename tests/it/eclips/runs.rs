//! Waiting for runs.

use std::time::{Duration, Instant};

use polyagent::eclips::RunOutcome;
use polyagent::eclips::types::*;
use polyagent::{Error, Timer};
use serde_json::json;

use super::{QUICK, client, lines, scripted};
use crate::elephantasm::json_answer;
use crate::patience::with_patience;
use crate::sockets::{Server, Step, answer, write};

fn run(status: &str) -> String {
    format!(r#"{{"id":"run_1","status":"{status}"}}"#)
}

#[tokio::test]
async fn each_end_is_an_outcome_with_the_run() {
    type End = (&'static str, fn(&RunOutcome) -> bool);
    let ends: [End; 4] = [
        ("completed", |o| matches!(o, RunOutcome::Completed(_))),
        ("failed", |o| matches!(o, RunOutcome::Failed(_))),
        ("cancelled", |o| matches!(o, RunOutcome::Cancelled(_))),
        ("pending_triage", |o| matches!(o, RunOutcome::PendingTriage(_))),
    ];
    for (status, is) in ends {
        let server =
            scripted(&[(200, &run("queued")), (200, &run("thinking")), (200, &run("running")), (200, &run(status))])
                .await;
        let outcome = client(&server).runs().wait("run_1").interval(QUICK, QUICK).await.unwrap();
        assert!(is(&outcome), "{status}: {outcome:?}");
        assert_eq!((outcome.run().run_id.as_str(), outcome.run().status.as_str()), ("run_1", status));
        assert_eq!(outcome.into_run().run_id, "run_1");
        assert_eq!(lines(&server).await, ["GET /v1/runs/run_1"; 4]);
    }
}

#[tokio::test]
async fn a_wait_can_go_through_triage() {
    let script = [run("running"), run("pending_triage"), run("pending_triage"), run("running"), run("completed")];
    let script: Vec<(u16, &str)> = script.iter().map(|body| (200, body.as_str())).collect();
    let server = scripted(&script).await;
    let mut updates = client(&server).runs().wait("run_1").interval(QUICK, QUICK).through_triage().updates();
    let mut seen = Vec::new();
    while let Some(run) = updates.try_next().await.unwrap() {
        seen.push(run.status.to_string());
    }
    assert_eq!(seen, ["running", "pending_triage", "pending_triage", "running", "completed"]);
    assert!(matches!(updates.await.unwrap(), RunOutcome::Completed(_)), "the outcome takes no further request");
    assert_eq!(server.received_requests().await.unwrap().len(), 5);
}

#[tokio::test]
async fn transient_failures_do_not_end_a_wait_and_limits_do() {
    let down = (503, "<html>");
    let rate = (429, r#"{"error":"Rate limit exceeded"}"#);
    let server =
        scripted(&[(200, &run("running")), down, down, down, rate, rate, rate, (200, &run("completed"))]).await;
    let outcome = client(&server).runs().wait("run_1").interval(QUICK, QUICK).await.unwrap();
    assert!(matches!(outcome, RunOutcome::Completed(_)));
    assert_eq!(server.received_requests().await.unwrap().len(), 8);

    let server =
        scripted(&[(200, &run("running")), (429, r#"{"error":"No credits left"}"#), (200, &run("completed"))]).await;
    let error = client(&server).runs().wait("run_1").interval(QUICK, QUICK).await.unwrap_err();
    assert!(error.is_limit_exceeded());
    let server = scripted(&[(200, &run("running")), (404, r#"{"error":"Run not found"}"#)]).await;
    assert!(client(&server).runs().wait("run_1").interval(QUICK, QUICK).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_wait_that_is_too_short_tells_the_last_state_and_the_id() {
    let server = scripted(&[(200, &run("running"))]).await;
    let client = client(&server);
    let (timed_out, status) = with_patience(async |limit| {
        let wait = client.runs().wait("run_1").interval(QUICK, QUICK);
        let Err(Error::Timeout(timed_out)) = wait.timeout(limit).await else { panic!() };
        let status = timed_out.last_state::<Run>()?.status.clone();
        Some((timed_out, status))
    })
    .await;
    assert_eq!((timed_out.timer(), timed_out.job_ids()), (Timer::Poll, &["run_1".to_owned()][..]));
    assert_eq!(status, RunStatus::Running);
}

#[tokio::test]
async fn the_deadline_ends_a_poll_whose_body_stalls() {
    let first = run("running");
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{}", &first[..9]);
    let run_id = with_patience(async |limit| {
        let script = vec![Step::Read, answer("200 OK", "", &first), Step::Read, write(&head), Step::Hang];
        let server = Server::start(vec![script]).await;
        let client = super::builder(format!("http://{}", server.address)).build().unwrap();
        let begun = Instant::now();
        let wait = client.runs().wait("run_1").interval(QUICK, QUICK);
        let Err(Error::Timeout(timed_out)) = wait.timeout(limit).await else { panic!() };
        assert!(begun.elapsed() < Duration::from_secs(10));
        Some(timed_out.last_state::<Run>()?.run_id.clone())
    })
    .await;
    assert_eq!(run_id, "run_1");
}

#[tokio::test]
async fn a_run_is_started_and_waited_for() {
    let started = r#"{"run_id":"run_1","status":"queued"}"#;
    let done = r#"{"id":"run_1","status":"completed","result":{"ok":true}}"#;
    let server = scripted(&[(202, started), (200, &run("running")), (200, done)]).await;
    let wait = client(&server).run_and_wait(RunCreate::new("x").agent_type("ap_specialist"));
    let outcome = wait.polling(|poller| poller.interval(QUICK, QUICK)).await.unwrap();
    assert_eq!(outcome.run().output(), Some(&json!({"ok": true})));
    assert_eq!(lines(&server).await, ["POST /v1/runs", "GET /v1/runs/run_1", "GET /v1/runs/run_1"]);

    let server = scripted(&[(202, started), (200, &run("running")), (200, done)]).await;
    let poller = client(&server).run_and_wait(RunCreate::new("x")).start().await.unwrap();
    assert_eq!(poller.job_ids(), ["run_1"]);
    assert_eq!(lines(&server).await, ["POST /v1/runs"], "nothing is polled before the poller is awaited");
    let mut updates = poller.interval(QUICK, QUICK).updates();
    assert_eq!(updates.try_next().await.unwrap().unwrap().status, RunStatus::Running);
    assert!(matches!(updates.await.unwrap(), RunOutcome::Completed(_)));
}

#[tokio::test]
async fn a_run_that_may_have_started_is_not_started_again() {
    let server = scripted(&[(500, "{}")]).await;
    let error = client(&server).run_and_wait(RunCreate::new("x")).await.unwrap_err();
    assert!(error.is_server() && error.may_have_been_processed());
    assert_eq!(lines(&server).await, ["POST /v1/runs"]);
    let error = client(&server).run_and_wait(RunCreate::new("")).await.unwrap_err();
    assert!(error.is_invalid_argument());
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn retry_after_of_a_run_that_goes_on_is_respected() {
    let server = scripted(&[(200, &run("completed"))]).await;
    server.reset().await;
    let busy = json_answer(200, &run("running")).insert_header("retry-after-ms", "300");
    super::add(&server, "GET", "/v1/runs/run_1", 1, busy).await;
    super::add(&server, "GET", "/v1/runs/run_1", 9, json_answer(200, &run("completed"))).await;
    let begun = Instant::now();
    client(&server).runs().wait("run_1").interval(QUICK, QUICK).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(290));
}
