//! Every shape of an error, and what is retried.

use std::time::Duration;

use polyagent::{Error, Reason};
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer};

use super::{answered, client, documented, every_call, plain_answer, scripted};
use crate::elephantasm::json_answer;

async fn failed(status: u16, body: &str) -> Error {
    answered(|c| c.agents().list(), status, body).await.unwrap_err()
}

#[tokio::test]
async fn every_status_is_its_variant() {
    type Is = fn(&Error) -> bool;
    let table: [(u16, Is); 11] = [
        (400, Error::is_bad_request),
        (401, Error::is_authentication),
        (403, Error::is_permission_denied),
        (404, Error::is_not_found),
        (405, |error| matches!(error, Error::OtherClient(_))),
        (409, Error::is_conflict),
        (413, |error| matches!(error, Error::TooLarge(_))),
        (422, Error::is_unprocessable_entity),
        (429, Error::is_rate_limited),
        (500, Error::is_server),
        (503, Error::is_server),
    ];
    for (status, is) in table {
        for (body, code, message) in [
            (r#"{"message":"No registry named acme/voice"}"#, None, "No registry named acme/voice"),
            (
                r#"{"message":"No registry named acme/voice","code":"NOT_FOUND","status":404,"defined":false,"data":{"a":1}}"#,
                Some("NOT_FOUND"),
                "No registry named acme/voice",
            ),
            (r#"{"error":"Broken"}"#, None, "Broken"),
            (r#"{"error":{"message":"Broken"}}"#, None, "Broken"),
            ("", None, ""),
            ("{}", None, ""),
            ("<html>Oops</html>", None, "`<html>Oops</html>`"),
        ] {
            let error = failed(status, body).await;
            assert!(is(&error), "{status} {body}: {error:?}");
            assert_eq!((error.code(), error.message().as_str()), (code, message), "{status} {body}");
            assert_eq!(error.body().unwrap(), body.as_bytes());
            assert_eq!(error.operation(), Some("elacity_list_agents"));
        }
    }
    let full =
        failed(400, r#"{"message":"m","data":{"issues":[{"path":["artifact","hash"],"message":"Required"}]}}"#).await;
    assert_eq!((full.field_errors()[0].path(), full.field_errors()[0].message()), ("artifact.hash", "Required"));
    assert_eq!(full.api().unwrap().detail("data").unwrap()["issues"][0]["message"], json!("Required"));
}

#[tokio::test]
async fn a_404_of_an_inferred_path_says_so() {
    let inferred = |id: &str| documented()[id]["x-provenance"] == "inferred";
    for (status, media, body) in [
        (404, "application/json", r#"{"message":"No registry named acme/voice"}"#),
        (404, "application/json", ""),
        (404, "text/html", "<!DOCTYPE html>"),
        (405, "application/json", ""),
        (400, "application/json", r#"{"message":"x"}"#),
        (500, "application/json", ""),
    ] {
        let server = MockServer::builder().start().await;
        Mock::given(any()).respond_with(plain_answer(status, media, body)).mount(&server).await;
        for (id, call) in every_call(&client(&server)) {
            let error = call.await.unwrap();
            let says = error.to_string().contains("inferred, not confirmed by the vendor's documentation");
            assert_eq!(says, inferred(id) && matches!(status, 404 | 405), "{id} {status}: {error}");
            assert_eq!(error.is_not_found(), status == 404);
        }
    }
    let page = failed(404, "<!DOCTYPE html><h1>404</h1>").await;
    assert_eq!(page.reason(), Some(Reason::RouteMissing));
    assert_eq!(failed(404, r#"{"message":"No organization"}"#).await.reason(), None);
    assert_eq!(failed(429, "").await.reason(), Some(Reason::RateLimit));
}

#[tokio::test]
async fn only_calls_that_read_are_retried_after_a_failure() {
    for (first, all) in [(500, false), (502, false), (429, true)] {
        for (id, document) in documented() {
            let server = scripted(&[(first, ""), (200, "")]).await;
            let client = client(&server);
            let call = every_call(&client).into_iter().find(|(known, _)| *known == id).unwrap().1;
            let error = call.await;
            let reads =
                id.starts_with("elacity_list_") || id.starts_with("elacity_get_") || id == "elacity_pull_prompt";
            let requests = server.received_requests().await.unwrap().len();
            assert_eq!((requests, error.is_none()), if reads || all { (2, true) } else { (1, false) }, "{id} {first}");
            assert_eq!(document["x-retry"] == "never", !reads, "{id}");
        }
    }
}

#[tokio::test]
async fn retry_after_is_honoured_and_handed_out() {
    let server = MockServer::builder().start().await;
    let busy = json_answer(429, r#"{"message":"Slow down"}"#);
    Mock::given(any()).respond_with(busy.clone().insert_header("retry-after", "7")).mount(&server).await;
    let error = client(&server).agents().list().max_retries(0).await.unwrap_err();
    assert_eq!((error.retry_after(), error.message().as_str()), (Some(Duration::from_secs(7)), "Slow down"));
    server.reset().await;
    Mock::given(any()).respond_with(busy).mount(&server).await;
    let error = client(&server).agents().list().await.unwrap_err();
    assert_eq!((error.retry_after(), error.attempts().len()), (None, 3));
}
