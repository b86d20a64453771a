//! Keys from a provider.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use polyagent::elephantasm::Elephantasm;
use polyagent::{Error, RetryPolicy, Secret};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer};

use crate::elephantasm::{ID, SERVER_ANIMA, json_answer, server};
use crate::sockets::reqwest_without_proxy;

#[tokio::test]
async fn a_provider_is_asked_before_every_attempt() {
    let server = MockServer::builder().start().await;
    Mock::given(any()).respond_with(json_answer(503, "{}")).up_to_n_times(1).mount(&server).await;
    Mock::given(any()).respond_with(json_answer(200, SERVER_ANIMA)).mount(&server).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let client = Elephantasm::builder()
        .base_url(server.uri())
        .retry_policy(RetryPolicy::default().backoff(Duration::ZERO, Duration::ZERO))
        .configure_http(reqwest_without_proxy)
        .credentials(move || {
            let number = counter.fetch_add(1, Ordering::SeqCst);
            async move { Ok(Secret::new(format!("key-{number}"))) }
        })
        .build()
        .unwrap();
    client.animas().get(ID).await.unwrap();
    client.health().decode_as::<serde_json::Value>().await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let keys: Vec<_> = requests.iter().map(|r| r.headers.get("authorization").map(|v| v.to_str().unwrap())).collect();
    assert_eq!(keys, [Some("Bearer key-0"), Some("Bearer key-1"), None]);
    assert_eq!(asked.load(Ordering::SeqCst), 2, "health asks for no key");
}

#[tokio::test]
async fn a_provider_that_fails_fails_the_call_before_anything_is_sent() {
    let server = server(json_answer(200, SERVER_ANIMA)).await;
    let client = Elephantasm::builder()
        .base_url(server.uri())
        .configure_http(reqwest_without_proxy)
        .credentials(|| async { Err("the vault is sealed".into()) })
        .build()
        .unwrap();
    let error = client.animas().get(ID).await.unwrap_err();
    assert!(matches!(error, Error::Config(_)), "{error:?}");
    assert_eq!(
        error.to_string(),
        format!("the credential provider failed: the vault is sealed (GET {}/api/animas/{ID})", server.uri())
    );
    assert!(!error.may_have_been_processed() && error.attempts().len() == 1);
    assert!(server.received_requests().await.unwrap().is_empty());
    client.health().decode_as::<serde_json::Value>().await.unwrap();
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_that_no_platform_issues_is_named_by_its_mistake_and_not_shown() {
    let server = server(json_answer(200, SERVER_ANIMA)).await;
    for (key, mistake) in [
        ("\u{feff}sk_live_0123456789", "has an invisible character in it, U+FEFF"),
        ("sk_live_0123456789\u{200b}", "has an invisible character in it, U+200B"),
        ("sk\u{2013}live_0123456789", "has a character in it that is not ASCII, U+2013"),
        ("\"sk_live_0123456789\"", "has quotes around it"),
        ("Bearer sk_live_0123456789", "begins with `Bearer `: give the key alone"),
        ("KEY=sk_live_0123456789", "begins with a name and `=`: give the key alone"),
    ] {
        let fixed = Elephantasm::new(key).unwrap_err();
        assert_eq!(fixed.to_string(), format!("no usable API key for elephantasm: the key {mistake}"));
        let client = Elephantasm::builder()
            .base_url(server.uri())
            .configure_http(reqwest_without_proxy)
            .credentials(move || async move { Ok(Secret::from(key)) })
            .build()
            .unwrap();
        let provided = client.animas().get(ID).await.unwrap_err();
        assert!(provided.is_config() && !provided.may_have_been_processed(), "{provided:?}");
        assert!(provided.to_string().contains(&format!("the key {mistake} (GET ")), "{provided}");
        for error in [fixed, provided] {
            assert!(!format!("{error} {error:?} {error:#?}").contains("0123456789"), "{error:?}");
        }
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_provider_that_hangs_runs_into_the_timer_and_nothing_was_sent() {
    let server = server(json_answer(200, SERVER_ANIMA)).await;
    let client = Elephantasm::builder()
        .base_url(server.uri())
        .configure_http(reqwest_without_proxy)
        .credentials(std::future::pending)
        .build()
        .unwrap();
    let begun = Instant::now();
    let error = client.animas().get(ID).total_timeout(Duration::from_millis(50)).await.unwrap_err();
    assert!(error.is_timeout() && !error.may_have_been_processed(), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(server.received_requests().await.unwrap().is_empty());
}
