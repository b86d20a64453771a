//! Tokens from a provider, on Anthropic.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use polyagent::oma::types::*;
use polyagent::oma::{Generation, Oma};
use polyagent::{CredentialProvider, Error, KeyFuture, Method, Secret, StreamItem};
use wiremock::MockServer;
use wiremock::matchers::{any, header, path_regex};
use wiremock::{Mock, Request, Respond, ResponseTemplate};

use super::{MANAGED, builder, header as sent_header, json, server};

const UNAUTHORIZED: &str = r#"{"type":"error","error":{"type":"authentication_error","message":"Token expired"}}"#;
const SESSION: &str = r#"{"type":"session","id":"sesn_01","status":"idle"}"#;

/// Caches a token until it is rejected.
#[derive(Clone, Default)]
struct Tokens {
    cached: Arc<Mutex<Option<Secret<String>>>>,
    made: Arc<AtomicUsize>,
    rejected: Arc<Mutex<Vec<String>>>,
    /// Makes the same token again.
    stuck: bool,
}

impl CredentialProvider for Tokens {
    fn key(&self) -> KeyFuture<'_> {
        let make = || {
            let number = self.made.fetch_add(1, Ordering::SeqCst);
            Secret::new(format!("sk-ant-oat-000{}", if self.stuck { 0 } else { number }))
        };
        let token = self.cached.lock().unwrap().get_or_insert_with(make).clone();
        Box::pin(async move { Ok(token) })
    }

    fn invalidate(&self, rejected: &Secret<String>) {
        self.rejected.lock().unwrap().push(rejected.expose().clone());
        self.cached.lock().unwrap().take();
    }
}

fn client(server: &MockServer, tokens: Tokens) -> Oma {
    builder(server).generation(Generation::Anthropic).credentials(tokens).build().unwrap()
}

/// A server that takes the second token only.
async fn expired() -> MockServer {
    let server = MockServer::builder().start().await;
    Mock::given(header("authorization", "Bearer sk-ant-oat-0001"))
        .respond_with(json(201, SESSION))
        .mount(&server)
        .await;
    Mock::given(any()).respond_with(json(401, UNAUTHORIZED)).with_priority(9).mount(&server).await;
    server
}

#[tokio::test]
async fn a_rejected_token_is_renewed_once_and_the_call_sent_again() {
    let server = expired().await;
    let tokens = Tokens::default();
    let client = client(&server, tokens.clone());
    let create = || client.sessions().create(SessionCreate::new("agent_01", "env_01"));
    let created = create().with_response().await.unwrap();
    assert_eq!(created.failed_attempts().len(), 1);
    assert_eq!(*tokens.rejected.lock().unwrap(), ["sk-ant-oat-0000"]);
    create().await.unwrap();
    assert_eq!(server.received_requests().await.unwrap().len(), 3, "the new token is kept");
}

#[tokio::test]
async fn a_second_rejection_is_the_error() {
    let server = server(json(401, UNAUTHORIZED)).await;
    let tokens = Tokens::default();
    let error = client(&server, tokens.clone()).agents().get("agent_01").await.unwrap_err();
    assert!(matches!(error, Error::Authentication(_)) && error.message() == "Token expired", "{error}");
    assert_eq!(error.attempts().len(), 2);
    assert_eq!(tokens.rejected.lock().unwrap().len(), 1);
    assert!(!format!("{error:#?}").contains("oat-000"));
}

#[tokio::test]
async fn a_token_that_stays_the_same_is_not_sent_again() {
    let server = server(json(401, UNAUTHORIZED)).await;
    let tokens = Tokens { stuck: true, ..Tokens::default() };
    let error = client(&server, tokens).agents().get("agent_01").await.unwrap_err();
    assert_eq!(error.attempts().len(), 1);
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_call_of_exactly_one_attempt_and_a_fixed_key_are_not_sent_again() {
    let once = expired().await;
    let call = client(&once, Tokens::default()).agents().get("agent_01").max_retries(0);
    assert_eq!(call.await.unwrap_err().attempts().len(), 1);
    let fixed = expired().await;
    let client = builder(&fixed).generation(Generation::Anthropic).api_key("sk-ant-oat-0000").build().unwrap();
    assert_eq!(client.agents().get("agent_01").await.unwrap_err().attempts().len(), 1);
}

#[tokio::test]
async fn a_closure_that_has_another_key_renews_too() {
    let server = expired().await;
    let number = Arc::new(AtomicUsize::new(0));
    let client = builder(&server)
        .generation(Generation::Anthropic)
        .credentials(move || {
            let number = number.fetch_add(1, Ordering::SeqCst).min(1);
            async move { Ok(Secret::new(format!("sk-ant-oat-000{number}"))) }
        })
        .build()
        .unwrap();
    client.sessions().create(SessionCreate::new("agent_01", "env_01")).await.unwrap();
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

fn keys_of(request: &Request) -> String {
    ["authorization", "x-api-key"].map(|name| sent_header(request, name)).concat()
}

/// Answers with the token that the request came with.
struct Echo {
    media: &'static str,
    /// What has `TOKEN` in the place of the token.
    body: &'static str,
}

impl Respond for Echo {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body = self.body.replace("TOKEN", keys_of(request).trim_start_matches("Bearer "));
        ResponseTemplate::new(200).set_body_raw(body, self.media)
    }
}

/// A client with another token for each attempt, of a server that has no history.
async fn echoed(generation: Generation, echo: Echo) -> (MockServer, Oma) {
    let server = MockServer::builder().start().await;
    Mock::given(path_regex("/events$"))
        .respond_with(json(200, r#"{"data":[],"next_page":null,"has_more":false}"#))
        .mount(&server)
        .await;
    Mock::given(path_regex("/(stream|messages)$")).respond_with(echo).mount(&server).await;
    let number = AtomicUsize::new(0);
    let tokens = move || {
        let token = Secret::new(format!("sk-ant-oat-000{}", number.fetch_add(1, Ordering::SeqCst)));
        async move { Ok(token) }
    };
    let client = builder(&server).generation(generation).credentials(tokens).build().unwrap();
    (server, client)
}

/// Asserts that the token, which the server puts into the error, is not shown.
fn assert_redacted(error: &Error) {
    let shown = format!("{error} {error:?} {error:#?}");
    assert!(shown.contains("[redacted]") && !shown.contains("oat-000"), "{shown}");
}

#[tokio::test]
async fn a_token_that_the_server_repeats_within_a_stream_is_redacted_on_each_connection() {
    const FRAME: &str =
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"TOKEN failed\"}}\n\n";
    for generation in [Generation::Anthropic, Generation::V0] {
        let (server, client) = echoed(generation, Echo { media: "text/event-stream", body: FRAME }).await;
        let sessions = client.sessions();
        let mut events = match generation {
            Generation::V0 => sessions.messages("sesn_01", "hi").await.unwrap(),
            _ => sessions.stream("sesn_01", StreamSessionEventsParams::new()).await.unwrap(),
        };
        let mut reported = 0;
        while reported < 2 {
            match events.try_next().await {
                Err(error @ Error::Server(_)) => {
                    assert_redacted(&error);
                    assert_eq!(error.message(), "[redacted] failed");
                    reported += 1;
                }
                Ok(Some(StreamItem::Gap(_))) => {}
                other => panic!("{generation:?}: {other:?}"),
            }
        }
        let requests = server.received_requests().await.unwrap();
        let connections = requests.iter().filter(|request| !request.url.path().ends_with("/events"));
        let keys = connections.map(keys_of).collect::<BTreeSet<_>>();
        assert_eq!(keys.len(), 2, "each connection had its own token: {keys:?}");
    }
}

#[tokio::test]
async fn a_token_in_an_answer_that_is_no_stream_is_redacted() {
    let echo =
        Echo { media: "application/json", body: r#"{"error":{"type":"api_error","message":"TOKEN: no streams"}}"# };
    let (_server, client) = echoed(Generation::Anthropic, echo).await;
    let error = client.sessions().stream("sesn_01", StreamSessionEventsParams::new()).await.unwrap_err();
    assert!(matches!(error, Error::Decode(_)), "{error}");
    assert_redacted(&error);
}

#[tokio::test]
async fn a_provided_token_needs_a_beta_on_anthropic_alone() {
    let sent = async |generation: Generation| {
        let server = server(ResponseTemplate::new(400)).await;
        let client = builder(&server).generation(generation).credentials(Tokens::default()).build().unwrap();
        let _ = client.agents().get("agent_01").await;
        let _ = client.models().get("m").await;
        let _ = client.raw(Method::GET, ["v1", "x"]).await;
        let requests = server.received_requests().await.unwrap();
        requests.iter().map(|request| sent_header(request, "anthropic-beta").to_owned()).collect::<Vec<_>>()
    };
    let oauth = "oauth-2025-04-20";
    assert_eq!(sent(Generation::Anthropic).await, [&format!("{MANAGED},{oauth}"), oauth, oauth]);
    assert_eq!(sent(Generation::V1).await, [MANAGED, "", ""]);
}
