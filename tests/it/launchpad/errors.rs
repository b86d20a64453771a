//! Error responses, and what is sent again.

use std::time::Duration;

use polyagent::Reason;
use polyagent::launchpad::types::*;
use wiremock::Mock;
use wiremock::ResponseTemplate;
use wiremock::matchers::any;

use super::{answered, client, empty, lines, scripted};

fn body(code: &str) -> String {
    format!(
        r#"{{"error":{{"code":"{code}","message":"words","timestamp":"2026-07-01T12:00:00Z","requestId":"req-1"}}}}"#
    )
}

#[tokio::test]
async fn an_error_has_code_message_and_request_id_of_the_body() {
    let error = answered(|c| c.agents().status("agent-0"), 404, &body("AGENT_NOT_FOUND")).await.unwrap_err();
    assert!(error.is_not_found());
    assert_eq!((error.code(), error.message().as_str()), (Some("AGENT_NOT_FOUND"), "words"));
    assert_eq!((error.request_id(), error.reason()), (Some("req-1"), None));
    assert_eq!(error.operation(), Some("launchpad_get_agent_status"));
}

#[tokio::test]
async fn the_status_decides_the_variant_and_any_body_survives() {
    for (status, check) in [
        (400, polyagent::Error::is_bad_request as fn(&polyagent::Error) -> bool),
        (401, polyagent::Error::is_authentication),
        (403, polyagent::Error::is_permission_denied),
        (404, polyagent::Error::is_not_found),
        (422, polyagent::Error::is_unprocessable_entity),
        (429, polyagent::Error::is_rate_limited),
        (500, polyagent::Error::is_server),
        (503, polyagent::Error::is_server),
    ] {
        for text in [
            body("SOMETHING"),
            String::new(),
            "<html>proxy</html>".to_owned(),
            r#"{"statusCode":1,"message":["a b"],"error":"E"}"#.to_owned(),
            "[]".to_owned(),
        ] {
            let error = answered(|c| c.users().profile(), status, &text).await.unwrap_err();
            assert!(check(&error), "{status} {text}: {error:?}");
            assert_eq!(error.body().unwrap(), text.as_bytes());
        }
    }
}

#[tokio::test]
async fn a_failed_deployment_is_never_sent_again() {
    for status in [500, 503] {
        let server = scripted(&[(status, &body("DEPLOYMENT_FAILED"))]).await;
        let error = client(&server).agents().status("a").await.unwrap_err();
        assert_eq!(error.reason(), Some(Reason::DeploymentFailed));
        assert_eq!(lines(&server).await.len(), 1, "{status}");
    }
    let server = scripted(&[(500, &body("INTERNAL_ERROR"))]).await;
    client(&server).agents().status("a").await.unwrap_err();
    assert_eq!(lines(&server).await.len(), 3, "another 500 is");
}

#[tokio::test]
async fn what_may_do_something_twice_is_sent_once() {
    let user = || ApiKeyCreate::new("d", "d@e");
    for status in [500, 502, 503, 504] {
        let server = scripted(&[(status, "")]).await;
        let c = client(&server);
        c.agents().create(super::requests::faq_bot()).await.unwrap_err();
        c.agents().restart("a").await.unwrap_err();
        c.security().scan("a").await.unwrap_err();
        c.auth().generate_key(user()).await.unwrap_err();
        assert_eq!(lines(&server).await.len(), 4, "{status}");
        let server = scripted(&[(status, "")]).await;
        let c = client(&server);
        c.agents().scale("a", 2).await.unwrap_err();
        c.agents().update("a", AgentUpdate::new()).await.unwrap_err();
        c.agents().delete("a").await.unwrap_err();
        assert_eq!(lines(&server).await.len(), 9, "{status}: these mean the same twice");
    }
    let server = scripted(&[(429, "slow down"), (201, r#"{"agentId":"a","status":"QUEUED"}"#)]).await;
    client(&server).agents().create(super::requests::faq_bot()).await.unwrap();
    assert_eq!(lines(&server).await.len(), 2, "a frequency limit rejected it");
}

#[tokio::test]
async fn the_reset_of_the_window_says_when_to_come_back() {
    let server = empty().await;
    let in_ten_minutes = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() + 600;
    let limited = ResponseTemplate::new(429)
        .insert_header("x-ratelimit-limit", "100")
        .insert_header("x-ratelimit-remaining", "0")
        .insert_header("x-ratelimit-reset", in_ten_minutes.to_string().as_str());
    Mock::given(any()).respond_with(limited).mount(&server).await;
    let error = client(&server).users().profile().await.unwrap_err();
    let wait = error.retry_after().unwrap();
    assert!(wait > Duration::from_secs(590) && wait <= Duration::from_secs(601), "{wait:?}");
    let limit = error.rate_limit().unwrap();
    assert_eq!((limit.limit, limit.remaining), (Some(100), Some(0)));
    assert_eq!(limit.reset.unwrap().unix_seconds(), i64::try_from(in_ten_minutes).unwrap());
    assert_eq!(lines(&server).await.len(), 1, "so long a wait is the caller's");
}

#[tokio::test]
async fn the_limit_is_told_on_success_too() {
    let server = empty().await;
    let answer = ResponseTemplate::new(200)
        .set_body_raw(r#"{"userId":"u"}"#, "application/json")
        .insert_header("x-ratelimit-remaining", "57")
        .insert_header("ratelimit-limit", "20");
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let limit = client(&server).users().profile().with_response().await.unwrap().rate_limit().unwrap();
    assert_eq!((limit.limit, limit.remaining), (Some(20), Some(57)));
}

#[tokio::test]
async fn a_scan_has_five_minutes() {
    // The attempt timeout of the operation, seen in the document's table by `tests/it/operations.rs`, is what a slow
    // response is held against; one that is set for the call is shorter.
    let server = empty().await;
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(30)).set_body_raw("{}", "application/json");
    Mock::given(any()).respond_with(slow).mount(&server).await;
    let scan = client(&server).security().scan("a").attempt_timeout(Duration::from_millis(20));
    assert!(scan.await.unwrap_err().is_timeout());
    let operation = crate::operations::all().find(|operation| operation.id == "launchpad_scan_agent").unwrap();
    assert_eq!((operation.timeout, operation.idempotent), (Some(Duration::from_secs(300)), false));
}
