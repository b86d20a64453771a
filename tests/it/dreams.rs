//! Waiting for dreams.

use std::time::Duration;

use futures::TryStreamExt;
use polyagent::elephantasm::Elephantasm;
use polyagent::{Error, Timer};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer};

use crate::elephantasm::{ID, client, json_answer};

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

#[tokio::test]
async fn a_dream_is_waited_for_over_faults_that_pass() {
    let (running, completed) = (dream("RUNNING"), dream("COMPLETED"));
    // The first fault outlasts the retries of one look.
    let down = (500, "Internal Server Error");
    let server = dreaming(&[(200, &running), down, down, down, (200, &running), (200, &completed)]).await;
    let quick = Duration::from_millis(5);
    let done = client(&server).dreams().wait(ID).interval(quick, quick).await.unwrap();
    assert_eq!((done.status.as_str(), done.memories_deleted), ("COMPLETED", Some(5)));
    assert_eq!(server.received_requests().await.unwrap().len(), 6);

    let server = dreaming(&[(200, &running), (200, &running), (200, &dream("FAILED"))]).await;
    let looks = client(&server).dreams().wait(ID).interval(quick, quick).updates();
    let statuses: Vec<String> = looks.map_ok(|dream| dream.status.to_string()).try_collect().await.unwrap();
    assert_eq!(statuses, ["RUNNING", "RUNNING", "FAILED"]);
}

#[tokio::test]
async fn waiting_ends_with_the_job_gone_or_the_time_up() {
    let server = dreaming(&[(200, &dream("RUNNING")), (404, r#"{"detail":"Dream session gone not found"}"#)]).await;
    let quick = Duration::from_millis(5);
    assert!(client(&server).dreams().wait(ID).interval(quick, quick).await.unwrap_err().is_not_found());

    let server = MockServer::builder().start().await;
    let endless = json_answer(429, "{}").insert_header("retry-after", "99999999999999999999999");
    Mock::given(any()).respond_with(endless).mount(&server).await;
    let error = client(&server).dreams().wait(ID).timeout(Duration::from_millis(30)).await.unwrap_err();
    let Error::Timeout(timed_out) = &error else { panic!("{error:?}") };
    assert_eq!(timed_out.timer(), Timer::Poll);
    assert!(std::error::Error::source(&error).is_some_and(|met| met.to_string().starts_with("429")), "{error:?}");

    let server = MockServer::builder().start().await;
    let slow = json_answer(200, &dream("COMPLETED")).set_delay(Duration::from_secs(20));
    Mock::given(any()).respond_with(slow).mount(&server).await;
    let begun = std::time::Instant::now();
    let error = client(&server).dreams().wait(ID).timeout(Duration::from_millis(50)).await.unwrap_err();
    assert!(error.is_timeout() && begun.elapsed() < Duration::from_secs(10), "{error:?}");

    let server = dreaming(&[(200, &dream("RUNNING"))]).await;
    let limit = Duration::from_millis(60);
    let error = client(&server).dreams().wait(ID).interval(quick, quick).timeout(limit).await.unwrap_err();
    let Error::Timeout(timed_out) = &error else { panic!("{error:?}") };
    assert_eq!((timed_out.timer(), timed_out.after()), (Timer::Poll, limit));
    assert!(error.url().unwrap().ends_with(ID), "{error}");
    assert!(server.received_requests().await.unwrap().len() > 2);
}

#[tokio::test]
async fn a_job_that_is_done_before_the_time_is_up_is_not_missed_for_a_long_pause() {
    let server = dreaming(&[(200, &dream("RUNNING")), (200, &dream("COMPLETED"))]).await;
    let (long, limit) = (Duration::from_secs(60), Duration::from_secs(1));
    let begun = std::time::Instant::now();
    client(&server).dreams().wait(ID).interval(long, long).timeout(limit).await.unwrap();
    assert!(begun.elapsed() < limit);

    let server = dreaming(&[(200, &dream("RUNNING"))]).await;
    let error = client(&server).dreams().wait(ID).interval(long, long).timeout(limit / 10).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert_eq!(server.received_requests().await.unwrap().len(), 2, "one look, and the last");
}

#[tokio::test]
async fn a_look_takes_no_longer_than_the_caller_lets_it() {
    let server = MockServer::builder().start().await;
    let slow = json_answer(200, &dream("COMPLETED")).set_delay(Duration::from_secs(20));
    Mock::given(any()).respond_with(slow).mount(&server).await;
    let quick = Duration::from_millis(5);
    let builder = Elephantasm::builder().base_url(server.uri()).api_key("sk_live_0123456789abcdef");
    let impatient = builder.total_timeout(10 * quick).build().unwrap();
    let polls =
        [client(&server).dreams().wait(ID).options(|look| look.total_timeout(10 * quick)), impatient.dreams().wait(ID)];
    for (looked, poller) in polls.into_iter().enumerate() {
        let error = poller.interval(quick, quick).timeout(60 * quick).await.unwrap_err();
        let Error::Timeout(timed_out) = &error else { panic!("{error:?}") };
        assert_eq!(timed_out.timer(), Timer::Poll);
        assert!(server.received_requests().await.unwrap().len() >= 2 * (looked + 1), "several looks");
        assert!(!error.attempts().is_empty(), "what the last look met");
    }
}

#[tokio::test]
async fn a_status_that_is_not_known_ends_the_waiting_only_with_an_end() {
    let abandoned =
        dream("ABANDONED").replace("\"memories_reviewed\"", "\"completed_at\":\"2026-02-04T12:01:00\",\"a\"");
    let server = dreaming(&[(200, &dream("QUEUED")), (200, &dream("RUNNING")), (200, &abandoned)]).await;
    let quick = Duration::from_millis(1);
    let done = client(&server).dreams().wait(ID).interval(quick, quick).await.unwrap();
    assert_eq!(done.status.as_str(), "ABANDONED");
    assert_eq!(server.received_requests().await.unwrap().len(), 3);
}
