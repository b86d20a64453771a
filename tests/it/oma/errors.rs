//! Error bodies of all builds and generations, and what is retried.

use std::time::{Duration, Instant};

use polyagent::oma::Generation;
use polyagent::oma::types::*;
use polyagent::{Error, Reason};
use serde_json::json;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use super::{client, json as answer, received, server};

async fn failed(status: u16, body: &str) -> Error {
    let server = server(ResponseTemplate::new(status).set_body_raw(body.as_bytes().to_vec(), "text/plain")).await;
    let sessions = client(&server, Generation::V0).sessions();
    sessions.create(SessionCreate::new("agent-1", "env-1")).await.unwrap_err()
}

#[tokio::test]
async fn every_form_arrives_as_its_variant_with_its_words() {
    let hosted = failed(404, r#"{"type":"error","error":{"type":"not_found_error","message":"Session not found"},"message":"Session not found","code":"not_found_error","request_id":"00112233445566778899aabbccddeeff"}"#).await;
    assert!(matches!(hosted, Error::NotFound(_)));
    assert_eq!((hosted.code(), hosted.message().as_str()), (Some("not_found_error"), "Session not found"));
    assert_eq!(hosted.request_id(), Some("00112233445566778899aabbccddeeff"));
    let node = failed(404, r#"{"error":"Session not found"}"#).await;
    assert_eq!((node.code(), node.message().as_str()), (None, "Session not found"));
    assert!(matches!(failed(401, r#"{"error":"Invalid API key"}"#).await, Error::Authentication(_)));
    let plain = failed(500, "Internal Server Error").await;
    assert!(matches!(plain, Error::Server(_)) && plain.message() == "Internal Server Error", "{plain}");
    let object =
        failed(400, r#"{"error":{"type":"invalid_request_error","code":"invalid_status","message":"m"}}"#).await;
    assert_eq!(object.code(), Some("invalid_status"));
    let documented = failed(429, r#"{"error":{"type":"rate_limited","message":"slow down"}}"#).await;
    assert!(documented.is_rate_limited() && documented.code() == Some("rate_limited"));
    for status in [412, 413, 422, 431, 499, 501, 504] {
        assert_eq!(failed(status, "").await.status().unwrap().as_u16(), status);
    }
}

#[tokio::test]
async fn the_stable_word_of_a_cause_is_the_code() {
    let error = failed(404, r#"{"type":"error","error":{"type":"not_found_error","message":"Environment env_01 not found","details":{"error_code":"environment_not_found"}},"request_id":"req_011"}"#).await;
    assert_eq!(error.code(), Some("environment_not_found"));
    assert_eq!(error.message(), "Environment env_01 not found");
    assert_eq!(error.request_id(), Some("req_011"));
}

#[tokio::test]
async fn the_request_id_is_that_of_the_header_if_the_body_has_none() {
    let response = answer(400, "{}").insert_header("request-id", "req_012");
    let error = client(&server(response).await, Generation::Anthropic).agents().get("a").await.unwrap_err();
    assert_eq!(error.request_id(), Some("req_012"));
}

#[tokio::test]
async fn a_balance_that_is_used_up_is_stated() {
    let error = failed(402, r#"{"error":"Insufficient balance","balance_cents":-12}"#).await;
    assert!(matches!(error, Error::PaymentRequired(_)));
    assert_eq!(error.reason(), Some(Reason::Credits));
    assert_eq!(error.api().unwrap().detail("balance_cents"), Some(&json!(-12)));
}

#[tokio::test]
async fn a_version_that_has_changed_is_a_conflict_and_not_sent_again() {
    let body = r#"{"type":"error","error":{"type":"conflict_error","message":"Agent version mismatch: expected 1, current 2"}}"#;
    let server = server(answer(409, body)).await;
    let update = AgentUpdate::new().name("b").version(1);
    let error = client(&server, Generation::V1).agents().update("agent_01", update).await.unwrap_err();
    assert!(matches!(error, Error::Conflict(_)) && error.reason() == Some(Reason::PreconditionFailed), "{error}");
    assert_eq!(received(&server).await.len(), 1);
}

#[tokio::test]
async fn an_overloaded_server_is_asked_again_like_one_that_is_unavailable() {
    let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let agent = r#"{"type":"agent","id":"agent_01","version":1,"name":"a"}"#;
    for status in [503, 529] {
        let server = MockServer::builder().start().await;
        Mock::given(any()).respond_with(answer(status, overloaded)).up_to_n_times(1).mount(&server).await;
        Mock::given(any()).respond_with(answer(200, agent)).mount(&server).await;
        client(&server, Generation::Anthropic).agents().get("agent_01").await.unwrap();
        assert_eq!(received(&server).await.len(), 2);
    }
    let server = server(answer(529, overloaded)).await;
    let create = SessionCreate::new("agent_01", "env_01");
    let error = client(&server, Generation::Anthropic).sessions().create(create).await.unwrap_err();
    assert!(error.may_have_been_processed());
    assert_eq!(received(&server).await.len(), 1, "what creates is not repeated");
}

#[tokio::test]
async fn a_wait_is_read_in_milliseconds_and_no_retry_is_heeded() {
    let agent = r#"{"type":"agent","id":"agent_01","version":1,"name":"a"}"#;
    let limited = MockServer::builder().start().await;
    let wait = answer(429, "{}").insert_header("retry-after-ms", "30").insert_header("retry-after", "60");
    Mock::given(any()).respond_with(wait).up_to_n_times(1).mount(&limited).await;
    Mock::given(any()).respond_with(answer(200, agent)).mount(&limited).await;
    let begun = Instant::now();
    client(&limited, Generation::Anthropic).agents().get("agent_01").await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(30) && begun.elapsed() < Duration::from_secs(30));

    let never = server(answer(503, "{}").insert_header("x-should-retry", "false")).await;
    client(&never, Generation::Anthropic).agents().get("agent_01").await.unwrap_err();
    assert_eq!(received(&never).await.len(), 1);
}

#[tokio::test]
async fn a_spend_limit_is_not_waited_for() {
    let body = r#"{"type":"error","error":{"type":"rate_limit_error","message":"m","details":{"error_code":"enforced_spend_limit_reached"}}}"#;
    let server = server(answer(429, body)).await;
    let error = client(&server, Generation::Anthropic).agents().get("agent_01").await.unwrap_err();
    assert!(matches!(error, Error::RateLimited(_)) && error.reason() == Some(Reason::PlanLimit), "{error}");
    assert_eq!(received(&server).await.len(), 1);
}

#[tokio::test]
async fn events_are_not_sent_again_once_they_may_have_arrived() {
    for (status, may_have) in [(500, true), (502, true), (504, true), (409, false)] {
        let server = server(answer(status, "{}")).await;
        let sessions = client(&server, Generation::V1).sessions();
        let error = sessions.send("sesn_01", UserMessage::text("hi")).await.unwrap_err();
        assert_eq!(error.may_have_been_processed(), may_have, "{status}");
        assert_eq!(received(&server).await.len(), 1, "{status}");
    }
}

#[tokio::test]
async fn secrets_are_in_no_error() {
    let server = server(answer(400, r#"{"error":"token tok_secret_0123 is bad"}"#)).await;
    let client = client(&server, Generation::V1);
    let auth = StaticBearerInput::new("tok_secret_0123", "https://mcp.example.com");
    let create = CredentialCreate::new(auth);
    assert!(!format!("{create:?}").contains("tok_secret"));
    let request = client.credentials().create("vlt_01", create);
    assert!(!format!("{request:?}").contains("tok_secret"));
    let error = request.await.unwrap_err();
    assert!(!format!("{client:?} {}", error.url().unwrap()).contains(super::KEY));
}
