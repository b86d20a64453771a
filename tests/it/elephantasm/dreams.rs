//! Waiting for dreams. When polls come is tested where the poller is, without sockets.

use std::time::Duration;

use futures::TryStreamExt;
use polyagent::elephantasm::types::Dream;
use polyagent::{Error, TimeoutError, Timer, TransportKind};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer};

use crate::elephantasm::{ID, client, json_answer};
use crate::sockets::{Server, Step, answer, write};

const QUICK: Duration = Duration::from_millis(5);

fn dream(status: &str) -> String {
    format!(
        r#"{{"id":"{ID}","anima_id":"{ID}","trigger_type":"MANUAL","started_at":"2026-02-04T12:00:00","status":"{status}","memories_reviewed":1,"memories_modified":2,"memories_created":3,"memories_archived":4,"memories_deleted":5,"config_snapshot":{{}},"created_at":"2026-02-04T12:00:00","updated_at":"2026-02-04T12:00:00"}}"#
    )
}

async fn dreaming(script: &[(u16, &str)]) -> MockServer {
    let server = MockServer::builder().start().await;
    let (last, first) = script.split_last().unwrap();
    for (status, body) in first {
        Mock::given(any()).respond_with(json_answer(*status, body)).up_to_n_times(1).mount(&server).await;
    }
    Mock::given(any()).respond_with(json_answer(last.0, last.1)).mount(&server).await;
    server
}

fn timeout(error: &Error) -> &TimeoutError {
    match error {
        Error::Timeout(error) if error.timer() == Timer::Poll => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn waits_over_failures_that_outlast_the_retries_of_a_poll() {
    let (running, completed) = (dream("RUNNING"), dream("COMPLETED"));
    let down = (500, "Internal Server Error");
    let server = dreaming(&[(200, &running), down, down, down, (200, &running), (200, &completed)]).await;
    let done = client(&server).dreams().wait(ID).interval(QUICK, QUICK).await.unwrap();
    assert_eq!((done.status.as_str(), done.memories_deleted), ("COMPLETED", Some(5)));
    assert_eq!(server.received_requests().await.unwrap().len(), 6);
}

#[tokio::test]
async fn streams_each_status_and_then_gives_the_dream_without_a_request() {
    let server = dreaming(&[(200, &dream("RUNNING")), (200, &dream("RUNNING")), (200, &dream("FAILED"))]).await;
    let mut updates = client(&server).dreams().wait(ID).interval(QUICK, QUICK).updates();
    let mut statuses = Vec::new();
    while let Some(dream) = updates.try_next().await.unwrap() {
        statuses.push(dream.status.to_string());
    }
    assert_eq!(statuses, ["RUNNING", "RUNNING", "FAILED"]);
    assert_eq!(updates.await.unwrap().status.as_str(), "FAILED");
    assert_eq!(server.received_requests().await.unwrap().len(), 3);

    let stream = client(&server).dreams().wait(ID).updates();
    let statuses: Vec<String> = stream.map_ok(|dream| dream.status.to_string()).try_collect().await.unwrap();
    assert_eq!(statuses, ["FAILED"]);
}

#[tokio::test]
async fn ends_when_the_dream_is_gone() {
    let server = dreaming(&[(200, &dream("RUNNING")), (404, r#"{"detail":"Dream session gone not found"}"#)]).await;
    assert!(client(&server).dreams().wait(ID).interval(QUICK, QUICK).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_timeout_has_the_last_dream_and_its_id_to_go_on_with() {
    let server = dreaming(&[(200, &dream("RUNNING"))]).await;
    let limit = Duration::from_secs(1);
    let error = client(&server).dreams().wait(ID).interval(QUICK, QUICK).timeout(limit).await.unwrap_err();
    assert!(error.url().unwrap().ends_with(ID), "{error}");
    assert!(error.may_have_been_processed(), "dreams were read");
    let error = timeout(&error);
    assert_eq!(error.after(), limit);
    assert_eq!(error.last_state::<Dream>().unwrap().status.as_str(), "RUNNING");

    let [id] = error.job_ids() else { panic!("{:?}", error.job_ids()) };
    let server = dreaming(&[(200, &dream("COMPLETED"))]).await;
    assert_eq!(client(&server).dreams().wait(id).await.unwrap().status.as_str(), "COMPLETED");
}

#[tokio::test]
async fn a_wait_that_the_server_asks_for_beyond_the_timeout_ends_it() {
    let server = MockServer::builder().start().await;
    let endless = json_answer(429, "{}").insert_header("retry-after", "99999999999999999999999");
    Mock::given(any()).respond_with(endless).mount(&server).await;
    let error = client(&server).dreams().wait(ID).timeout(Duration::from_secs(1)).await.unwrap_err();
    assert!(std::error::Error::source(&error).is_some_and(|met| met.to_string().starts_with("429")), "{error:?}");
    assert!(!error.may_have_been_processed(), "every poll was rejected");
    assert_eq!(timeout(&error).last_state::<Dream>(), None);
}

#[tokio::test]
async fn a_body_that_stalls_ends_with_the_timeout() {
    let running = answer("200 OK", "", &dream("RUNNING"));
    let half = write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{");
    let server = Server::start(vec![vec![Step::Read, running, Step::Read, half, Step::Hang]]).await;
    let poller = server.client().dreams().wait(ID).interval(QUICK, QUICK).timeout(Duration::from_secs(2));
    let error = poller.await.unwrap_err();
    assert_eq!(timeout(&error).last_state::<Dream>().unwrap().status.as_str(), "RUNNING");
    assert!(error.may_have_been_processed() && !error.attempts().is_empty(), "{error:?}");
}

#[tokio::test]
async fn a_response_that_is_not_http_ends_the_wait() {
    let running = answer("200 OK", "", &dream("RUNNING"));
    let server = Server::start(vec![vec![Step::Read, running, Step::Read, write("SSH-2.0-OpenSSH_9.6\r\n")]]).await;
    let error = server.client().dreams().wait(ID).interval(QUICK, QUICK).await.unwrap_err();
    let Error::Transport(error) = error else { panic!("{error:?}") };
    assert_eq!(error.kind(), TransportKind::InvalidHttp);
}

#[tokio::test]
async fn a_response_that_is_too_large_ends_the_wait() {
    let running = answer("200 OK", "", &dream("RUNNING"));
    let large = answer("200 OK", "", &" ".repeat(5000));
    let server = Server::start(vec![vec![Step::Read, running, Step::Read, large]]).await;
    let client = server.builder().max_body(4000).build().unwrap();
    let error = client.dreams().wait(ID).interval(QUICK, QUICK).await.unwrap_err();
    let Error::Transport(error) = error else { panic!("{error:?}") };
    assert_eq!(error.kind(), TransportKind::BodyTooLarge);
}

#[tokio::test]
async fn a_poll_takes_no_longer_than_its_call_or_client_allows() {
    let server = MockServer::builder().start().await;
    let slow = json_answer(200, &dream("COMPLETED")).set_delay(Duration::from_secs(20));
    Mock::given(any()).respond_with(slow).mount(&server).await;
    let short = Duration::from_millis(50);
    let builder =
        polyagent::elephantasm::Elephantasm::builder().base_url(server.uri()).api_key(crate::elephantasm::KEY);
    let impatient = builder.configure_http(crate::sockets::reqwest_without_proxy).total_timeout(short).build().unwrap();
    let waits = [client(&server).dreams().get(ID).total_timeout(short).wait(), impatient.dreams().wait(ID)];
    for (before, wait) in waits.into_iter().enumerate() {
        let error = wait.interval(QUICK, QUICK).timeout(Duration::from_secs(2)).await.unwrap_err();
        timeout(&error);
        assert!(server.received_requests().await.unwrap().len() >= 2 * (before + 1), "several polls");
        assert!(!error.attempts().is_empty(), "what the last poll met");
    }
}

#[tokio::test]
async fn a_call_is_repeated_until_the_callers_own_condition_holds() {
    let server = dreaming(&[(200, &dream("QUEUED")), (200, &dream("RUNNING"))]).await;
    let get = client(&server).dreams().get(ID).header("x-organization-id", "6e6f");
    let begun = get.wait_until(|dream| dream.status.as_str() == "RUNNING").interval(QUICK, QUICK).await.unwrap();
    assert_eq!(begun.status.as_str(), "RUNNING");
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|request| request.headers["x-organization-id"] == "6e6f"));
}

#[tokio::test]
async fn an_unknown_status_ends_the_wait_only_with_an_end_time() {
    let abandoned =
        dream("ABANDONED").replace("\"memories_reviewed\"", "\"completed_at\":\"2026-02-04T12:01:00\",\"a\"");
    let server = dreaming(&[(200, &dream("QUEUED")), (200, &dream("RUNNING")), (200, &abandoned)]).await;
    let done = client(&server).dreams().wait(ID).interval(QUICK, QUICK).await.unwrap();
    assert_eq!(done.status.as_str(), "ABANDONED");
    assert_eq!(server.received_requests().await.unwrap().len(), 3);
}
