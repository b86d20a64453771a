//! Every shape of an error, what is retried, and what is refused before it is sent.

use std::time::Duration;

use polyagent::elephantasm::types::*;
use polyagent::{Error, Reason, Request};
use serde_json::json;
use wiremock::ResponseTemplate;

use super::{ID, answered, client, json_answer, server};

#[tokio::test]
async fn every_error_shape_arrives_as_its_variant_with_its_words() {
    let failed = async |status: u16, body: &str| {
        let answer = ResponseTemplate::new(status).set_body_raw(body.as_bytes().to_vec(), "application/json");
        let server = server(answer).await;
        client(&server).events().create(EventCreate::new(ID, EventType::System, "x")).max_retries(0).await.unwrap_err()
    };
    let text = failed(401, r#"{"detail":"Authentication required"}"#).await;
    assert!(text.is_authentication());
    assert_eq!(text.message(), "Authentication required");

    let list = failed(422, r#"{"detail":[{"type":"string_too_long","loc":["body","role"],"msg":"String should have at most 50 characters","input":"secret input","ctx":{"max_length":50}}]}"#).await;
    assert!(list.is_unprocessable_entity());
    assert_eq!(list.field_errors()[0].path(), "body.role");
    assert!(!format!("{list} {list:?}").contains("secret input"));
    assert!(list.body().is_some_and(|body| body.windows(12).any(|w| w == b"secret input")));

    let limit = r#"{"detail":{"error":"limit_exceeded","action":"create_event","current_plan":"free","current_tier":"free","message":"Monthly limit reached","upgrade_url":"https://example.com"}}"#;
    for status in [403, 429] {
        let plan = failed(status, limit).await;
        assert_eq!((plan.reason(), plan.code()), (Some(Reason::PlanLimit), Some("limit_exceeded")));
        assert_eq!(plan.message(), "Monthly limit reached");
        assert_eq!(plan.api().unwrap().detail("action"), Some(&json!("create_event")));
        assert!(plan.is_limit_exceeded() && !plan.is_rate_limited());
        assert_eq!(matches!(plan, Error::PermissionDenied(_)), status == 403);
        assert_eq!(matches!(plan, Error::RateLimited(_)), status == 429);
    }

    let rate = failed(429, r#"{"error":"rate_limit_exceeded","message":"Too many requests"}"#).await;
    assert!(rate.is_rate_limited());
    assert_eq!(rate.message(), "Too many requests");

    let plain = failed(500, "Internal Server Error").await;
    assert!(plain.is_server());
    assert_eq!(plain.message(), "`Internal Server Error`");
    assert!(failed(502, "<html><h1>502 Bad Gateway</h1></html>").await.is_server());
    assert!(matches!(failed(401, "").await, Error::Authentication(_)));

    let duplicate = failed(409, r#"{"detail":"Duplicate event (dedupe_key conflict)"}"#).await;
    assert!(duplicate.is_conflict());
    assert_eq!(duplicate.reason(), Some(Reason::Duplicate));
    assert!(matches!(failed(400, r#"{"detail":"Database integrity error"}"#).await, Error::BadRequest(_)));
    assert!(matches!(failed(410, r#"{"detail":"gone"}"#).await, Error::OtherClient(_)));
    assert_eq!(failed(405, r#"{"detail":"Method Not Allowed"}"#).await.reason(), Some(Reason::RouteMissing));
}

#[tokio::test]
async fn a_hidden_route_is_told_from_a_missing_object() {
    for (body, reason) in [
        (r#"{"detail":"Not found"}"#, Some(Reason::RouteMissing)),
        (r#"{"detail":"Not Found"}"#, Some(Reason::RouteMissing)),
        (r#"{"detail":"Anima b2352c05-e685-4021-8624-595406c725f2 not found"}"#, None),
    ] {
        let error = answered(|c| c.animas().get(ID), 404, body).await.unwrap_err();
        assert!(error.is_not_found());
        assert_eq!(error.reason(), reason, "{body}");
    }
}

#[tokio::test]
async fn a_plan_limit_is_never_retried_and_a_rate_limit_is() {
    let limit =
        json_answer(429, r#"{"detail":{"error":"limit_exceeded","message":"m"}}"#).insert_header("retry-after", "0");
    let server_ = server(limit).await;
    client(&server_).animas().get(ID).await.unwrap_err();
    assert_eq!(server_.received_requests().await.unwrap().len(), 1);

    let rate = json_answer(429, r#"{"error":"rate_limit_exceeded","message":"m"}"#).insert_header("retry-after", "0");
    let server_ = server(rate).await;
    let error = client(&server_).events().create(EventCreate::new(ID, EventType::System, "x")).await.unwrap_err();
    assert_eq!(server_.received_requests().await.unwrap().len(), 3);
    assert_eq!(error.retry_after(), Some(Duration::ZERO));

    // An old server writes its limiter's text into the header: as good as none.
    let text = json_answer(429, r#"{"error":"rate_limit_exceeded","message":"m"}"#)
        .insert_header("retry-after", "5 per 1 second");
    let server_ = server(text).await;
    let error = client(&server_).animas().get(ID).await.unwrap_err();
    assert_eq!((server_.received_requests().await.unwrap().len(), error.retry_after()), (3, None));
}

#[tokio::test]
async fn a_pack_with_a_query_is_billed_and_so_not_retried_when_in_doubt() {
    let params = GetLatestMemoryPackParams::new;
    for (params, attempts) in [(params(), 3), (params().query("tea"), 1)] {
        let server = server(json_answer(500, "Internal Server Error")).await;
        client(&server).memory_packs().latest(ID, params).await.unwrap_err();
        assert_eq!(server.received_requests().await.unwrap().len(), attempts);
    }
}

#[tokio::test]
async fn bad_arguments_are_refused_before_anything_is_sent() {
    let server = server(json_answer(200, "{}")).await;
    let client = client(&server);
    let long = "x".repeat(256);
    let event = || EventCreate::new(ID, EventType::System, "x");
    let refused = async |call: Request<serde_json::Value>, argument: &str| {
        let error = call.await.unwrap_err();
        let Error::InvalidArgument(invalid) = &error else { panic!("{argument}: {error:?}") };
        assert!(invalid.argument().contains(argument), "{error}");
        assert!(error.operation().is_some() && !error.may_have_been_processed());
    };
    refused(client.animas().get("agent-01").decode_as(), "anima_id").await;
    refused(client.animas().get("").decode_as(), "anima_id").await;
    refused(client.animas().create(AnimaCreate::new(&long)).decode_as(), "name").await;
    refused(client.animas().create(AnimaCreate::new("a").organization_id("org")).decode_as(), "organization_id").await;
    refused(client.animas().create(AnimaCreate::new("a\0b")).decode_as(), "name").await;
    refused(client.animas().list(ListAnimasParams::new().limit(0)).decode_as(), "limit").await;
    refused(client.animas().list(ListAnimasParams::new().limit(201)).decode_as(), "limit").await;
    refused(client.animas().list(ListAnimasParams::new().offset(-1)).decode_as(), "offset").await;
    refused(client.animas().search(SearchAnimasParams::new("")).decode_as(), "name").await;
    refused(client.events().create(event().role("x".repeat(51))).decode_as(), "role").await;
    refused(client.events().create(event().author(&long)).decode_as(), "author").await;
    refused(client.events().create(event().session_id(&long)).decode_as(), "session_id").await;
    refused(client.events().create(event().dedupe_key(&long)).decode_as(), "dedupe_key").await;
    for score in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        refused(client.events().create(event().importance_score(score)).decode_as(), "importance_score").await;
    }
    refused(client.events().create(EventCreate::new("x", EventType::System, "x")).decode_as(), "anima_id").await;
    refused(client.events().list(ListEventsParams::new("x")).decode_as(), "anima_id").await;
    let latest = GetLatestMemoryPackParams::new;
    refused(client.memory_packs().latest(ID, latest().query(" ")).decode_as(), "query").await;
    refused(client.memory_packs().latest(ID, latest().query("a\0")).decode_as(), "query").await;
    refused(client.query(QueryRequest::new(ID, "tea").max_tokens(99)).decode_as(), "max_tokens").await;
    refused(client.query(QueryRequest::new(ID, "tea").exclude_ids(["x"])).decode_as(), "exclude_ids").await;
    assert!(server.received_requests().await.unwrap().is_empty());
    // The probe can fail: the same client does reach the server.
    client.animas().get(ID).decode_as::<serde_json::Value>().await.unwrap();
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}
