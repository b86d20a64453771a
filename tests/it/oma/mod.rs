//! Managed Agents on the wire: the literal bytes of every request in every generation, and literal responses of both fact
//! sheets decoded.

mod chat;
mod composed;
mod conflicts;
mod connections;
mod deployments;
mod errors;
mod files;
mod generations;
mod memory;
mod openma;
mod requests;
mod responses;
mod skills;
mod stream;
mod tokens;

use std::time::Duration;

use polyagent::oma::{Generation, Oma};
use polyagent::{ClientBuilder, RetryPolicy};
use wiremock::matchers::{any, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::sockets::reqwest_without_proxy;

pub const KEY: &str = "oma_0123456789abcdefghijklmnopqrstuvwxyz";
pub const GENERATIONS: [Generation; 3] = [Generation::V0, Generation::V1, Generation::Anthropic];

/// The first page of agents of each generation, which tells them apart.
pub const V0_AGENTS: &str = r#"{"data":[],"has_more":false}"#;
pub const V1_AGENTS: &str = r#"{"data":[],"next_page":null}"#;

pub const MANAGED: &str = "managed-agents-2026-04-01";

pub fn json(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body.as_bytes().to_vec(), "application/json")
}

/// A server of its own, never one from wiremock's pool, that gives every call the same response.
pub async fn server(response: ResponseTemplate) -> MockServer {
    let server = MockServer::builder().start().await;
    Mock::given(any()).respond_with(response).mount(&server).await;
    server
}

/// A server with a response for each method and path; anything else is a missing route, as self-hosted servers say it.
pub async fn routes(routes: &[(&str, &str, u16, &str)]) -> MockServer {
    let server = MockServer::builder().start().await;
    for (verb, at, status, body) in routes {
        Mock::given(method(*verb)).and(path(*at)).respond_with(json(*status, body)).mount(&server).await;
    }
    Mock::given(any()).respond_with(json(404, r#"{"error":"not found"}"#)).with_priority(9).mount(&server).await;
    server
}

pub fn builder(server: &MockServer) -> ClientBuilder<Oma> {
    Oma::builder()
        .base_url(server.uri())
        .api_key(KEY)
        .retry_policy(RetryPolicy::default().backoff(Duration::from_millis(1), Duration::from_millis(2)))
        .configure_http(reqwest_without_proxy)
}

pub fn client(server: &MockServer, generation: Generation) -> Oma {
    builder(server).generation(generation).build().unwrap()
}

/// What a server received: method, path with query, and body if there is one.
pub async fn received(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    requests.iter().map(line).collect()
}

pub fn line(request: &wiremock::Request) -> String {
    let target = &request.url[url::Position::BeforePath..];
    let body = String::from_utf8(request.body.clone()).unwrap();
    format!("{} {target} {body}", request.method).trim_end().to_owned()
}

pub fn header<'r>(request: &'r wiremock::Request, name: &str) -> &'r str {
    request.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// The body of a form, with `B` for its boundary.
pub fn form(request: &wiremock::Request) -> String {
    let boundary = header(request, "content-type").strip_prefix("multipart/form-data; boundary=").unwrap();
    String::from_utf8_lossy(&request.body).replace(boundary, "B")
}

/// A form of parts: name, file name if any, media type, content.
pub fn parts(parts: &[(&str, &str, &str, &str)]) -> String {
    let part = |(name, file, media_type, content): &(&str, &str, &str, &str)| {
        let of_file = if file.is_empty() {
            String::new()
        } else {
            format!("; filename=\"{file}\"\r\nContent-Type: {media_type}")
        };
        format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"{of_file}\r\n\r\n{content}\r\n")
    };
    let form: String = parts.iter().map(part).collect();
    form + "--B--\r\n"
}
