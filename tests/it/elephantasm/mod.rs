//! Elephantasm on the wire: the literal bytes of every request, literal answers of the real server decoded, and what
//! the client makes of several calls.

mod answers;
mod capture;
mod dreams;
mod errors;
mod lists;
mod requests;

use std::time::Duration;

use polyagent::elephantasm::Elephantasm;
use polyagent::{Error, Request, RetryPolicy};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::sockets::reqwest_without_proxy;

pub const SERVER_ANIMA: &str = r#"{"id":"b2352c05-e685-4021-8624-595406c725f2","name":"Ada","description":null,"meta":{},"user_id":"11111111-2222-4333-8444-555555555555","organization_id":"66666666-7777-4888-9999-000000000000","is_dormant":false,"last_activity_at":null,"created_at":"2026-11-22T05:04:36.969174Z","updated_at":"2026-11-22T05:04:36.969174"}"#;

pub const KEY: &str = "sk_live_0123456789abcdef0123456789abcdef";
pub const ID: &str = "b2352c05-e685-4021-8624-595406c725f2";

/// A server of its own, never one from wiremock's pool: a pooled one may still answer another test's client.
pub async fn server(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::builder().start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

pub fn client(server: &MockServer) -> Elephantasm {
    Elephantasm::builder()
        .base_url(server.uri())
        .api_key(KEY)
        .retry_policy(RetryPolicy::default().backoff(Duration::from_millis(1), Duration::from_millis(2)))
        .configure_http(reqwest_without_proxy)
        .build()
        .unwrap()
}

pub fn json_answer(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body.as_bytes().to_vec(), "application/json")
}

async fn answered<T: 'static>(
    call: impl FnOnce(Elephantasm) -> Request<T>,
    status: u16,
    body: &str,
) -> Result<T, Error> {
    let server = server(json_answer(status, body)).await;
    call(client(&server)).await
}
