//! The client's own limit of calls.

use std::time::{Duration, Instant};

use polyagent::{CallLimit, Error};

use super::{builder, lines, scripted};

const PROFILE: &str = r#"{"userId":"u"}"#;
const PERIOD: Duration = Duration::from_millis(300);

#[tokio::test]
async fn calls_of_all_clones_wait_for_the_limit() {
    let server = scripted(&[(200, PROFILE)]).await;
    let client = builder(server.uri()).call_limit(CallLimit::new(2, PERIOD)).build().unwrap();
    let begun = Instant::now();
    for _ in 0..5 {
        client.clone().users().profile().await.unwrap();
    }
    assert!(begun.elapsed() >= 2 * PERIOD, "{:?}", begun.elapsed());
    assert_eq!(lines(&server).await.len(), 5);
    let unlimited = builder(server.uri()).build().unwrap();
    let calls = (0..5).map(|_| unlimited.users().profile().send());
    assert!(futures::future::join_all(calls).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn the_documented_limit_allows_20_calls_in_a_minute() {
    let server = scripted(&[(200, PROFILE)]).await;
    let client = builder(server.uri()).limit_calls().build().unwrap();
    for _ in 0..20 {
        client.users().profile().await.unwrap();
    }
    let error = client.users().profile().total_timeout(Duration::from_secs(20)).await.unwrap_err();
    assert!(matches!(error, Error::Throttled(_)), "a wait that does not fit the caller's total: {error}");
    let wait = error.retry_after().unwrap();
    assert!(wait > Duration::from_secs(20) && wait <= Duration::from_secs(60), "{wait:?}");
    assert_eq!(lines(&server).await.len(), 20);
}

#[tokio::test]
async fn calls_beyond_the_limit_are_refused_by_choice() {
    let server = scripted(&[(200, PROFILE)]).await;
    let client = builder(server.uri()).call_limit(CallLimit::new(2, Duration::from_secs(60)).refuse()).build().unwrap();
    client.users().profile().await.unwrap();
    client.users().profile().await.unwrap();
    let error = client.users().profile().await.unwrap_err();
    assert!(
        matches!(error, Error::Throttled(_)) && error.is_rate_limited() && !error.may_have_been_processed(),
        "{error}"
    );
    assert!(error.retry_after().unwrap() <= Duration::from_secs(60));
    assert_eq!(error.operation(), Some("launchpad_get_profile"));
    assert_eq!(lines(&server).await.len(), 2, "nothing was sent");
}

#[tokio::test]
async fn retries_take_tokens_too() {
    let server = scripted(&[(503, ""), (503, ""), (200, PROFILE)]).await;
    let client = builder(server.uri()).call_limit(CallLimit::new(1, PERIOD)).build().unwrap();
    let begun = Instant::now();
    client.users().profile().await.unwrap();
    assert!(begun.elapsed() >= 2 * PERIOD, "three attempts: {:?}", begun.elapsed());
    let refusing =
        builder(server.uri()).call_limit(CallLimit::new(1, Duration::from_secs(60)).refuse()).build().unwrap();
    refusing.users().profile().await.unwrap();
    assert_eq!(lines(&server).await.len(), 4);
}

/// The clock is paused: no connection is ever made, as nothing listens at the port.
#[tokio::test(start_paused = true)]
async fn the_wait_for_the_limit_comes_on_top_of_the_default_total() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let limit = CallLimit::new(1, Duration::from_secs(200));
    let client = builder(url).call_limit(limit).build().unwrap();
    let error = client.users().profile().await.unwrap_err();
    assert_eq!(error.attempts().len(), 3, "{error}");
}
