//! Every shape of an error, and what is retried.

use polyagent::eclips::types::*;
use polyagent::{Error, Reason, RetryClass, RetryPolicy};
use serde_json::json;

use super::{ORG, answered, builder, client, lines, scripted};
use crate::elephantasm::json_answer;

async fn failed(status: u16, body: &str) -> Error {
    answered(|c| c.runs().create(RunCreate::new("x")), status, body).await.unwrap_err()
}

#[tokio::test]
async fn every_status_is_its_variant_with_code_and_words() {
    type Row = (u16, &'static str, fn(&Error) -> bool, Option<&'static str>, &'static str);
    let table: [Row; 10] = [
        (
            400,
            r#"{"error":"validation_error","message":"task is required"}"#,
            Error::is_bad_request,
            Some("validation_error"),
            "task is required",
        ),
        (400, r#"{"error":"task is required"}"#, Error::is_bad_request, Some("validation_error"), "task is required"),
        (
            401,
            r#"{"error":"authentication_error"}"#,
            Error::is_authentication,
            Some("authentication_error"),
            "authentication_error",
        ),
        (
            403,
            r#"{"error":"Insufficient scope","required":"agents:run","provided":[]}"#,
            Error::is_permission_denied,
            Some("permission_error"),
            "Insufficient scope",
        ),
        (422, r#"{"error":"data does not fit"}"#, Error::is_unprocessable_entity, None, "data does not fit"),
        (
            429,
            r#"{"error":"rate_limited","message":"Slow down"}"#,
            Error::is_rate_limited,
            Some("rate_limited"),
            "Slow down",
        ),
        (500, r#"{"error":"server_error","message":"Internal"}"#, Error::is_server, Some("server_error"), "Internal"),
        (
            502,
            "<html>\n<h1>502 Bad Gateway</h1></html>",
            Error::is_server,
            None,
            "`<html> <h1>502 Bad Gateway</h1></html>`",
        ),
        (503, "", Error::is_server, None, ""),
        (
            409,
            r#"{"error":"Triage item is already resolved"}"#,
            Error::is_conflict,
            None,
            "Triage item is already resolved",
        ),
    ];
    for (status, body, is, code, message) in table {
        let error = failed(status, body).await;
        assert!(is(&error), "{status} {body}: {error:?}");
        assert_eq!((error.code(), error.message().as_str()), (code, message), "{status} {body}");
        assert_eq!(error.operation(), Some("eclips_create_run"));
    }
}

#[tokio::test]
async fn the_causes_of_429_and_403_are_told_apart() {
    for (status, body, reason, is_limit) in [
        (429, r#"{"error":"Rate limit exceeded"}"#, Some(Reason::RateLimit), false),
        (429, r#"{"error":"Daily limit of your plan reached"}"#, Some(Reason::DailyCap), true),
        (429, r#"{"error":"rate_limited","message":"Insufficient credits"}"#, Some(Reason::Credits), true),
        (
            403,
            r#"{"error":"Insufficient scope","required":"batch:run","provided":["agents:read"]}"#,
            Some(Reason::Scope),
            false,
        ),
        (403, r#"{"error":"API access requires the Team plan"}"#, Some(Reason::FeatureUnavailable), true),
    ] {
        let error = failed(status, body).await;
        assert_eq!((error.reason(), error.is_limit_exceeded()), (reason, is_limit), "{body}");
    }
    let scope =
        failed(403, r#"{"error":"Insufficient scope","required":"batch:run","provided":["agents:read"]}"#).await;
    let api = scope.api().unwrap();
    assert_eq!(
        (api.detail("required"), api.detail("provided")),
        (Some(&json!("batch:run")), Some(&json!(["agents:read"])))
    );
    let field = failed(400, r#"{"error":"task is required","field":"task"}"#).await;
    assert_eq!((field.field_errors()[0].path(), field.field_errors()[0].message()), ("task", "task is required"));
}

#[tokio::test]
async fn only_the_rate_is_retried() {
    const RUN: &str = r#"{"run_id":"r","status":"queued"}"#;
    let started = (202, RUN);
    let create = async |script: &[(u16, &str)]| {
        let server = scripted(script).await;
        let result = client(&server).runs().create(RunCreate::new("x")).await;
        (result, server.received_requests().await.unwrap().len())
    };
    let (run, requests) = create(&[(429, r#"{"error":"Rate limit exceeded"}"#), started]).await;
    assert_eq!((run.unwrap().run_id.as_str(), requests), ("r", 2));
    for body in [r#"{"error":"Daily limit reached"}"#, r#"{"error":"No credits left"}"#] {
        let (error, requests) = create(&[(429, body), started]).await;
        assert!(error.unwrap_err().is_limit_exceeded(), "{body}");
        assert_eq!(requests, 1, "{body}");
    }
    let get = async |first: (u16, &str)| {
        let server = scripted(&[first, started]).await;
        let _ = client(&server).runs().get("r").await;
        server.received_requests().await.unwrap().len()
    };
    assert_eq!(get((429, r#"{"error":"Rate limit exceeded"}"#)).await, 2);
    assert_eq!(get((429, r#"{"error":"No credits left"}"#)).await, 1);
    assert_eq!(get((500, "")).await, 2, "a read is retried after a 5xx");
}

#[tokio::test]
async fn retry_after_is_honoured_and_handed_out() {
    let server = scripted(&[(200, "{}")]).await;
    server.reset().await;
    let busy = json_answer(429, r#"{"error":"Rate limit exceeded"}"#).insert_header("retry-after", "7");
    wiremock::Mock::given(wiremock::matchers::any()).respond_with(busy).mount(&server).await;
    let error = client(&server).runs().create(RunCreate::new("x")).max_retries(0).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(std::time::Duration::from_secs(7)));
}

#[tokio::test]
async fn calls_that_start_something_are_not_sent_again_after_5xx_unless_switched_on() {
    let run = (202, r#"{"run_id":"r","status":"queued"}"#);
    let policy = || RetryPolicy::default().backoff(super::QUICK, super::QUICK);
    for status in [500, 502, 503, 504] {
        let server = scripted(&[(status, ""), run]).await;
        let error = client(&server).runs().create(RunCreate::new("x")).await.unwrap_err();
        assert!(error.is_server() && error.may_have_been_processed(), "{error:?}");
        assert_eq!(server.received_requests().await.unwrap().len(), 1, "{status}");

        let server = scripted(&[(status, ""), run]).await;
        let trusting = builder(server.uri()).retry_policy(policy().server_errors(true)).build().unwrap();
        assert_eq!(trusting.runs().create(RunCreate::new("x")).await.unwrap().run_id, "r");
        assert_eq!(server.received_requests().await.unwrap().len(), 2, "{status}");

        let server = scripted(&[(status, ""), run]).await;
        let once = client(&server).runs().create(RunCreate::new("x")).retry_class(RetryClass::SafeOnServerError);
        assert_eq!(once.await.unwrap().run_id, "r");
    }
    // A call of which no response came may have been processed, whatever is switched on.
    let server =
        crate::sockets::Server::start(vec![vec![crate::sockets::Step::Read, crate::sockets::Step::Reset]]).await;
    let trusting =
        builder(format!("http://{}", server.address)).retry_policy(policy().server_errors(true)).build().unwrap();
    assert!(trusting.runs().create(RunCreate::new("x")).await.unwrap_err().may_have_been_processed());
    assert_eq!(server.requests().len(), 1);
    assert_eq!(trusting.batches().get("b").await.unwrap_err().attempts().len(), 3, "the twin: a read is sent again");
}

#[tokio::test]
async fn a_missing_organization_is_named_where_it_may_be_the_cause() {
    for (status, named) in [(401, true), (403, true), (404, false), (429, false), (500, false)] {
        let server = scripted(&[(status, r#"{"error":"No"}"#)]).await;
        let error = builder(server.uri()).build().unwrap().runs().get("r").max_retries(0).await.unwrap_err();
        assert_eq!(error.to_string().contains("ECLIPS_ORG_ID"), named, "{error}");
        let error = client(&server).runs().get("r").max_retries(0).await.unwrap_err();
        assert!(!error.to_string().contains("ECLIPS_ORG_ID"), "{ORG} was sent: {error}");
        let error = builder(server.uri()).build().unwrap().with_organization("o").runs().get("r").max_retries(0).await;
        assert!(!error.unwrap_err().to_string().contains("ECLIPS_ORG_ID"));
    }
}

#[tokio::test]
async fn a_missing_object_is_not_a_missing_route() {
    let absent = answered(|c| c.runs().get("r"), 404, r#"{"error":"Run not found"}"#).await.unwrap_err();
    assert!(absent.is_not_found() && absent.reason().is_none());
    let server = scripted(&[(404, r#"{"error":"Run not found"}"#)]).await;
    let _ = client(&server).runs().get("r").await;
    assert_eq!(lines(&server).await, ["GET /v1/runs/r"]);
}

#[tokio::test]
async fn the_key_is_nowhere_to_be_seen() {
    let server = scripted(&[(401, &format!(r#"{{"error":"bad key {}"}}"#, super::KEY))]).await;
    let client = client(&server);
    let error = client.runs().get("r").await.unwrap_err();
    let shown = format!("{client:?} {error} {error:?} {error:#?} {}", error.message());
    assert!(!shown.contains("0123456789"), "{shown}");
}
