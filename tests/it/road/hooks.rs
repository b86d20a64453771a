//! What hooks see, and what they may do.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use polyagent::elephantasm::Elephantasm;
use polyagent::{AttemptEnd, AttemptStart, ExtraHeaders, HeaderName, HeaderValue, Hook, RetryPolicy};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer};

use crate::elephantasm::{ID, SERVER_ANIMA, json_answer};
use crate::sockets::reqwest_without_proxy;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

struct Named(&'static str, Log);

impl Hook for Named {
    fn before(&self, attempt: &AttemptStart<'_>, headers: &mut ExtraHeaders) {
        self.1.0.lock().unwrap().push(format!("{} before {} {}", self.0, attempt.operation, attempt.number));
        let name = HeaderName::from_static("x-attempt");
        headers.add(name, HeaderValue::from(attempt.number)).unwrap();
        for own in ["authorization", "proxy-authorization", "expect", "te"] {
            assert!(headers.add(HeaderName::from_static(own), HeaderValue::from_static("x")).is_err(), "{own}");
        }
        // Settled by the call itself: a hook adds, it does not replace.
        headers.add(HeaderName::from_static("x-team"), HeaderValue::from_static("hook")).unwrap();
    }

    fn after(&self, attempt: &AttemptStart<'_>, end: &AttemptEnd<'_>) {
        let status = end.status.map(|s| s.as_u16());
        self.1.0.lock().unwrap().push(format!("{} after {} {status:?} {:?}", self.0, attempt.number, end.cause));
    }
}

#[tokio::test]
async fn hooks_see_every_attempt_in_order_and_add_headers() {
    let server = MockServer::builder().start().await;
    Mock::given(any()).respond_with(json_answer(503, "{}")).up_to_n_times(1).mount(&server).await;
    Mock::given(any()).respond_with(json_answer(200, SERVER_ANIMA)).mount(&server).await;
    let log = Log::default();
    let client = Elephantasm::builder()
        .base_url(server.uri())
        .api_key("k")
        .retry_policy(RetryPolicy::default().backoff(Duration::ZERO, Duration::ZERO))
        .configure_http(reqwest_without_proxy)
        .hook(Named("a", log.clone()))
        .hook(Named("b", log.clone()))
        .build()
        .unwrap();
    client.animas().get(ID).header("x-team", "call").await.unwrap();
    assert_eq!(
        *log.0.lock().unwrap(),
        [
            "a before elephantasm_get_anima 1",
            "b before elephantasm_get_anima 1",
            "a after 1 Some(503) Some(\"503 Service Unavailable\")",
            "b after 1 Some(503) Some(\"503 Service Unavailable\")",
            "a before elephantasm_get_anima 2",
            "b before elephantasm_get_anima 2",
            "a after 2 Some(200) None",
            "b after 2 Some(200) None",
        ]
    );
    let requests = server.received_requests().await.unwrap();
    let values = |n: usize, name: &str| -> Vec<String> {
        requests[n].headers.get_all(name).iter().map(|v| v.to_str().unwrap().to_owned()).collect()
    };
    assert_eq!((values(0, "x-attempt"), values(1, "x-attempt")), (vec!["1".to_owned(); 2], vec!["2".to_owned(); 2]));
    assert_eq!(values(0, "x-team"), ["call"]);
    assert_eq!(values(0, "authorization"), ["Bearer k"]);
    for own in ["proxy-authorization", "expect", "te"] {
        assert!(values(0, own).is_empty(), "{own}");
    }
}

#[tokio::test]
async fn an_attempt_that_fails_for_want_of_a_credential_is_seen_too() {
    let log = Log::default();
    let client = Elephantasm::builder()
        .base_url("http://127.0.0.1:9")
        .configure_http(reqwest_without_proxy)
        .credentials(|| async { Err("the vault is sealed".into()) })
        .hook(Named("a", log.clone()))
        .build()
        .unwrap();
    client.animas().get(ID).await.unwrap_err();
    assert_eq!(
        *log.0.lock().unwrap(),
        [
            "a before elephantasm_get_anima 1",
            "a after 1 None Some(\"the credential provider failed: the vault is sealed\")"
        ]
    );
}
