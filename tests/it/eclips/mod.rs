//! eClips on the wire: the literal bytes of every request, and literal responses decoded.

mod batches;
mod conflicts;
mod errors;
mod requests;
mod responses;
mod runs;
mod sandbox;
mod stream;
mod submit;
mod triage;

use std::time::Duration;

use polyagent::eclips::Eclips;
use polyagent::{ClientBuilder, Error, Request, RetryPolicy};
use wiremock::matchers::{any, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::elephantasm::json_answer;
use crate::sockets::reqwest_without_proxy;

pub const KEY: &str = "eck_live_0123456789abcdef";
pub const ORG: &str = "org_demo";
pub const QUICK: Duration = Duration::from_millis(2);

pub fn builder(url: String) -> ClientBuilder<Eclips> {
    Eclips::builder()
        .base_url(url)
        .api_key(KEY)
        .retry_policy(RetryPolicy::default().backoff(Duration::from_millis(1), Duration::from_millis(2)))
        .configure_http(reqwest_without_proxy)
}

pub fn client(server: &MockServer) -> Eclips {
    builder(server.uri()).organization(ORG).build().unwrap()
}

/// A server that responds to every request with these statuses and bodies in turn; the last one stays.
async fn scripted(script: &[(u16, &str)]) -> MockServer {
    let server = MockServer::builder().start().await;
    let (last, first) = script.split_last().unwrap();
    for (status, body) in first {
        Mock::given(any()).respond_with(json_answer(*status, body)).up_to_n_times(1).mount(&server).await;
    }
    Mock::given(any()).respond_with(json_answer(last.0, last.1)).mount(&server).await;
    server
}

/// Adds a response for one method and path; earlier ones for the same come first, `times` times.
async fn add(server: &MockServer, verb: &str, at: &str, times: u64, answer: ResponseTemplate) {
    Mock::given(method(verb)).and(path(at)).respond_with(answer).up_to_n_times(times).mount(server).await;
}

async fn answered<T: 'static>(call: impl FnOnce(Eclips) -> Request<T>, status: u16, body: &str) -> Result<T, Error> {
    let server = scripted(&[(status, body)]).await;
    call(client(&server)).max_retries(0).await
}

/// Method and path with query of every request that arrived.
async fn lines(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    requests.iter().map(|r| format!("{} {}", r.method, &r.url[url::Position::BeforePath..])).collect()
}
