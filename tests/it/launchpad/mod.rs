//! Agent Launchpad on the wire: the literal bytes of every request, and literal responses decoded.

mod conflicts;
mod deploy;
mod errors;
mod follow;
mod limits;
mod requests;
mod responses;
mod sandbox;

use std::time::Duration;

use polyagent::launchpad::Launchpad;
use polyagent::{ClientBuilder, Error, Request, RetryPolicy};
use wiremock::matchers::{any, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::elephantasm::json_answer;
use crate::sockets::reqwest_without_proxy;

pub const KEY: &str = "alk_00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
pub const QUICK: Duration = Duration::from_millis(2);
pub const LIVE: &str = r#"{"agentId":"agent-9k2","status":"DEPLOYED","url":"https://agent-9k2.agents.example.org","health":{"overall":"HEALTHY","kubernetes":{"status":"HEALTHY","replicas":1,"readyReplicas":1},"application":{"status":"HEALTHY","uptime":"3h 2m","responseTime":"38ms"}},"deployedAt":"2026-07-01T09:06:10Z","lastUpdated":"2026-07-01T12:08:00Z"}"#;

pub fn builder(url: String) -> ClientBuilder<Launchpad> {
    Launchpad::builder()
        .base_url(url)
        .api_key(KEY)
        .retry_policy(RetryPolicy::default().backoff(Duration::from_millis(1), Duration::from_millis(2)))
        .configure_http(reqwest_without_proxy)
}

pub fn client(server: &MockServer) -> Launchpad {
    builder(server.uri()).build().unwrap()
}

#[test]
fn clients_are_owned_and_streams_are_send() {
    fn owned<T: Clone + Send + Sync + std::fmt::Debug + 'static>() {}
    fn send<T: Send + 'static>(_: T) {}
    owned::<Launchpad>();
    owned::<polyagent::launchpad::Agents>();
    owned::<polyagent::launchpad::Logs>();
    owned::<polyagent::launchpad::Deployment>();
    owned::<polyagent::launchpad::DeployOutcome>();
    owned::<polyagent::CallLimit>();
    let client = Launchpad::new("https://pad.example", KEY).unwrap();
    send(client.monitoring().logs().follow("a"));
    send(std::future::IntoFuture::into_future(client.agents().deploy(requests::faq_bot())));
    send(client.agents().wait_until_deleted("a").updates());
    assert!(!format!("{client:?} {:?}", client.monitoring().logs().follow("a")).contains("alk_"));
}

async fn empty() -> MockServer {
    MockServer::builder().start().await
}

/// A server that responds to every request with these statuses and bodies in turn; the last one stays.
async fn scripted(script: &[(u16, &str)]) -> MockServer {
    let server = empty().await;
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

async fn answered<T: 'static>(call: impl FnOnce(Launchpad) -> Request<T>, status: u16, body: &str) -> Result<T, Error> {
    let server = scripted(&[(status, body)]).await;
    call(client(&server)).max_retries(0).await
}

/// Method and path with query of every request that arrived.
async fn lines(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    requests.iter().map(|r| format!("{} {}", r.method, &r.url[url::Position::BeforePath..])).collect()
}
