//! How a client finds out what its server is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use polyagent::oma::types::*;
use polyagent::oma::{Generation, Oma};
use polyagent::{Error, Method};
use wiremock::matchers::{any, header, method, path, query_param};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::{KEY, MANAGED, V0_AGENTS, V1_AGENTS, builder, client, json, received, routes, server};

const PROBE: &str = "GET /v1/agents?limit=1";
const VAULT: &str = r#"{"type":"vault","id":"vlt_01","name":"v"}"#;

async fn with_agents(agents: &str) -> (MockServer, Oma) {
    let server = routes(&[("GET", "/v1/agents", 200, agents), ("POST", "/v1/vaults", 201, VAULT)]).await;
    let client = builder(&server).build().unwrap();
    (server, client)
}

#[tokio::test]
async fn the_first_call_that_depends_on_it_learns_the_generation_once_for_all_clones() {
    for (agents, name) in [(V0_AGENTS, "name"), (V1_AGENTS, "display_name")] {
        let (server, client) = with_agents(agents).await;
        client.vaults().create(VaultCreate::new("v")).await.unwrap();
        client.clone().vaults().create(VaultCreate::new("w")).await.unwrap();
        let create = |value: &str| format!(r#"POST /v1/vaults {{"{name}":"{value}"}}"#);
        assert_eq!(received(&server).await, [PROBE.to_owned(), create("v"), create("w")]);
        let probe = &server.received_requests().await.unwrap()[0];
        assert_eq!(super::header(probe, "x-api-key"), KEY);
        assert_eq!(super::header(probe, "anthropic-beta"), MANAGED);
    }
}

#[tokio::test]
async fn calls_at_the_same_time_learn_it_once() {
    let server = MockServer::builder().start().await;
    let slow = json(200, V1_AGENTS).set_delay(Duration::from_millis(100));
    Mock::given(query_param("limit", "1")).respond_with(slow).expect(1).mount(&server).await;
    Mock::given(method("POST")).respond_with(json(201, VAULT)).expect(8).mount(&server).await;
    let client = builder(&server).build().unwrap();
    let created = join_all((0..8).map(|_| client.vaults().create(VaultCreate::new("v")).send())).await;
    assert!(created.iter().all(Result::is_ok), "{created:?}");
}

#[tokio::test]
async fn a_failure_names_the_setting_and_is_not_remembered() {
    for status in [401, 403, 500, 503] {
        let server = MockServer::builder().start().await;
        let failures = if status < 500 { 1 } else { 3 };
        let failed = Mock::given(any()).respond_with(json(status, r#"{"error":"no"}"#));
        failed.up_to_n_times(failures).mount(&server).await;
        Mock::given(method("GET")).respond_with(json(200, V0_AGENTS)).mount(&server).await;
        Mock::given(method("POST")).respond_with(json(201, VAULT)).mount(&server).await;
        let client = builder(&server).build().unwrap();
        let error = client.vaults().create(VaultCreate::new("v")).await.unwrap_err();
        assert_eq!(error.status().map(|s| s.as_u16()), Some(status));
        assert!(error.to_string().contains("`generation(..)`"), "{error}");
        assert!(!error.may_have_been_processed(), "only the probe was sent: {error}");
        assert_eq!(error.attempts().len(), usize::try_from(failures).unwrap());
        client.vaults().create(VaultCreate::new("v")).await.unwrap();
        assert_eq!(received(&server).await.len(), usize::try_from(failures).unwrap() + 2);
    }
}

#[tokio::test]
async fn a_connection_that_fails_and_a_response_of_no_generation_name_the_setting() {
    let gone = MockServer::builder().start().await;
    let client = builder(&gone).build().unwrap();
    drop(gone);
    let error = client.agents().list(ListAgentsParams::new()).await.unwrap_err();
    assert!(error.to_string().contains("`generation(..)`"), "{error}");
    assert!(!error.may_have_been_processed());

    let server = server(json(200, r#"{"agents":[]}"#)).await;
    let error = builder(&server).build().unwrap().agents().list(ListAgentsParams::new()).await.unwrap_err();
    assert!(matches!(error, Error::Decode(_)) && error.to_string().contains("`generation(..)`"), "{error}");
    assert_eq!(received(&server).await, [PROBE]);
}

#[tokio::test]
async fn the_probe_stands_in_the_attempts_of_a_call_that_fails() {
    let (server, client) = with_agents(V0_AGENTS).await;
    Mock::given(method("GET")).and(path("/v1/me")).respond_with(json(403, "{}")).mount(&server).await;
    let error = client.me().await.unwrap_err();
    let statuses: Vec<_> = error.attempts().iter().map(|a| a.status().unwrap().as_u16()).collect();
    assert_eq!(statuses, [200, 403]);
    assert_eq!(error.attempts()[0].cause(), "told the generation of the server");
    let again = client.me().await.unwrap_err();
    assert_eq!(again.attempts().len(), 1);
    let first = builder(&server).build().unwrap().vaults().create(VaultCreate::new("v")).with_response().await;
    assert!(first.unwrap().failed_attempts().is_empty(), "a probe that succeeds has not failed");
}

#[tokio::test]
async fn the_probe_counts_in_the_total_of_the_call() {
    let server = server(json(200, V1_AGENTS).set_delay(Duration::from_secs(60))).await;
    let client = builder(&server).build().unwrap();
    let error = client.me().total_timeout(Duration::from_millis(50)).await.unwrap_err();
    assert!(error.is_timeout() && error.to_string().contains("`generation(..)`"), "{error}");
    assert!(!error.may_have_been_processed());
}

#[tokio::test]
async fn a_learner_that_is_dropped_passes_on() {
    let server = MockServer::builder().start().await;
    let never = json(200, V1_AGENTS).set_delay(Duration::from_secs(60));
    Mock::given(query_param("limit", "1")).respond_with(never).up_to_n_times(1).mount(&server).await;
    Mock::given(query_param("limit", "1")).respond_with(json(200, V1_AGENTS)).mount(&server).await;
    Mock::given(method("POST")).respond_with(json(201, VAULT)).mount(&server).await;
    let client = builder(&server).build().unwrap();
    let learner = tokio::spawn(client.vaults().create(VaultCreate::new("first")).send());
    while server.received_requests().await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let waiter = tokio::spawn(client.vaults().create(VaultCreate::new("second")).send());
    tokio::time::sleep(Duration::from_millis(20)).await;
    learner.abort();
    waiter.await.unwrap().unwrap();
    assert_eq!(received(&server).await, [PROBE, PROBE, r#"POST /v1/vaults {"display_name":"second"}"#]);
}

#[tokio::test]
async fn what_is_set_by_hand_is_not_asked_for() {
    for generation in super::GENERATIONS {
        let server = server(json(200, V0_AGENTS)).await;
        client(&server, generation).agents().list(ListAgentsParams::new()).await.unwrap();
        assert_eq!(received(&server).await, ["GET /v1/agents"]);
    }
}

#[tokio::test]
async fn health_and_raw_calls_do_not_ask() {
    let server = routes(&[("GET", "/health", 200, r#"{"status":"ok"}"#), ("GET", "/v1/x", 200, "{}")]).await;
    let client = builder(&server).build().unwrap();
    assert_eq!(client.health().await.unwrap().status.as_deref(), Some("ok"));
    client.raw(Method::GET, ["v1", "x"]).await.unwrap();
    client.health().await.unwrap();
    assert_eq!(received(&server).await, ["GET /healthz", "GET /health", "GET /v1/x", "GET /health"]);
}

/// First a server of `V0`, then one of `V1`.
struct Replaced(Arc<AtomicUsize>);

impl Respond for Replaced {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let replaced = self.0.load(Ordering::SeqCst) > 0;
        match (request.url.path(), replaced) {
            ("/v1/agents", false) => json(200, V0_AGENTS),
            ("/v1/agents", true) => json(200, V1_AGENTS),
            ("/v1/me", false) | ("/v1/oma/me", true) => json(200, r#"{"user":null,"tenants":[]}"#),
            ("/v1/sessions/s", true) if !request.headers.contains_key("anthropic-beta") => json(
                400,
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"Missing required anthropic-beta flag: managed-agents-2026-04-01"}}"#,
            ),
            _ => json(404, r#"{"error":"not found"}"#),
        }
    }
}

#[tokio::test]
async fn a_missing_route_makes_the_client_ask_once_more() {
    let replaced = Arc::new(AtomicUsize::new(0));
    let server = MockServer::builder().start().await;
    Mock::given(any()).respond_with(Replaced(Arc::clone(&replaced))).mount(&server).await;
    let client = builder(&server).build().unwrap();
    client.me().await.unwrap();
    replaced.store(1, Ordering::SeqCst);
    client.me().await.unwrap();
    client.me().await.unwrap();
    let want = [PROBE, "GET /v1/me", "GET /v1/me", PROBE, "GET /v1/oma/me", "GET /v1/oma/me"];
    assert_eq!(received(&server).await, want);
    // What is missing in either generation is an error after one more probe.
    let error = client.api_keys().list().await.unwrap_err();
    assert!(matches!(error, Error::NotFound(_)), "{error}");
    assert_eq!(received(&server).await[6..], ["GET /v1/oma/api_keys", PROBE]);
    client.api_keys().list().await.unwrap_err();
    assert_eq!(received(&server).await[8..], ["GET /v1/oma/api_keys"], "it is known to be missing");
}

#[tokio::test]
async fn a_missing_beta_makes_the_client_ask_once_more() {
    let missing = r#"{"type":"error","error":{"type":"invalid_request_error","message":"Missing required anthropic-beta flag: managed-agents-2026-04-01"}}"#;
    let server = MockServer::builder().start().await;
    Mock::given(query_param("limit", "1")).respond_with(json(200, V0_AGENTS)).up_to_n_times(1).mount(&server).await;
    Mock::given(query_param("limit", "1")).respond_with(json(200, V1_AGENTS)).mount(&server).await;
    Mock::given(method("POST")).respond_with(json(400, missing)).up_to_n_times(1).mount(&server).await;
    Mock::given(method("POST")).respond_with(json(201, VAULT)).mount(&server).await;
    let client = builder(&server).build().unwrap();
    client.vaults().create(VaultCreate::new("v")).await.unwrap();
    let want = [PROBE, r#"POST /v1/vaults {"name":"v"}"#, PROBE, r#"POST /v1/vaults {"display_name":"v"}"#];
    assert_eq!(received(&server).await, want);
}

#[tokio::test]
async fn an_object_that_is_missing_does_not_make_the_client_ask_again() {
    let (server, client) = with_agents(V0_AGENTS).await;
    let missing = json(404, r#"{"error":"Agent not found"}"#);
    Mock::given(method("POST")).and(path("/v1/sessions")).respond_with(missing).mount(&server).await;
    let error = client.sessions().create(SessionCreate::new("agent-1", "env-1")).await.unwrap_err();
    assert!(matches!(error, Error::NotFound(_)) && error.message() == "Agent not found", "{error}");
    assert_eq!(received(&server).await.len(), 2);
}

#[tokio::test]
async fn anthropic_by_hand_sends_its_key_and_version_to_any_base_url() {
    let server = MockServer::builder().start().await;
    let wanted = Mock::given(header("authorization", format!("Bearer {KEY}").as_str()));
    let wanted = wanted.and(header("anthropic-version", "2026-10-21"));
    wanted.respond_with(json(200, V1_AGENTS)).expect(1).mount(&server).await;
    client(&server, Generation::Anthropic).agents().list(ListAgentsParams::new()).await.unwrap();
}
