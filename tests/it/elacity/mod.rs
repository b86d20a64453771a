//! Elacity on the wire: the literal bytes of every request, and every shape of a response.

mod auth;
mod conflicts;
mod errors;
mod paths;
mod requests;
mod responses;
mod sandbox;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use polyagent::elacity::types::*;
use polyagent::elacity::{Elacity, artifact_type, llm_provider};
use polyagent::{ClientBuilder, Error, Request, RetryPolicy};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::elephantasm::{json_answer, server};
use crate::sockets::reqwest_without_proxy;

pub const KEY: &str = "demo-key-0123456789";
pub const VENDOR_KEY: &str = "sk-vendor-0123456789";

pub fn builder(url: impl Into<String>) -> ClientBuilder<Elacity> {
    Elacity::builder()
        .base_url(url)
        .retry_policy(RetryPolicy::default().backoff(Duration::from_millis(1), Duration::from_millis(2)))
        .configure_http(reqwest_without_proxy)
}

pub fn client(server: &MockServer) -> Elacity {
    builder(server.uri()).api_key(KEY).organization("acme").build().unwrap()
}

/// What a call gives if the server responds to it like this.
async fn answered<T: 'static>(call: impl FnOnce(Elacity) -> Request<T>, status: u16, body: &str) -> Result<T, Error> {
    let server = server(json_answer(status, body)).await;
    call(client(&server)).await
}

/// A server that gives one response after the other, and the last one again and again.
async fn scripted(script: &[(u16, &str)]) -> MockServer {
    let server = MockServer::builder().start().await;
    for (at, (status, body)) in script.iter().enumerate() {
        let mock = Mock::given(any()).respond_with(json_answer(*status, body));
        let mock = if at + 1 < script.len() { mock.up_to_n_times(1) } else { mock };
        mock.mount(&server).await;
    }
    server
}

/// Method and path, with the query, of every request that arrived.
async fn lines(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    requests.iter().map(|r| format!("{} {}", r.method, &r.url[url::Position::BeforePath..])).collect()
}

pub fn version() -> ArtifactVersion {
    let schema = ArtifactSchema::new().input("{}").output("{}");
    let components = BTreeMap::from([("tone".to_owned(), "1.0.3".to_owned())]);
    let metadata = [("description", json!("Opening line")), ("tags", json!(["voice"]))];
    let compiled = "Greet the caller by name.";
    ArtifactVersion::new("greeter", "1.2.0", "generic", compiled, "d41d8c", schema, components, metadata)
}

pub fn llm() -> LlmProviderCreate {
    LlmProviderCreate::new("Main OpenAI", llm_provider::OPENAI, VENDOR_KEY)
}

type Outcome = Pin<Box<dyn Future<Output = Option<Error>> + Send>>;

/// A call of each operation, by its id.
fn every_call(c: &Elacity) -> Vec<(&'static str, Outcome)> {
    fn call<T: Send + 'static>(id: &'static str, request: Request<T>) -> (&'static str, Outcome) {
        (id, Box::pin(async move { request.await.err() }))
    }
    let clone = ArtifactClone::new("acme/voice", "greeter", "acme/lab", "copy", "0.1.0", artifact_type::PROMPT);
    let draft = DraftSave::new("acme/voice", "greeter", artifact_type::PROMPT, "1.3.0", "Hi");
    let of_draft = || GetDraftParams::new("acme/voice", "greeter", artifact_type::PROMPT, "1.3.0");
    let of_body = || GetDraftBodyParams::new("acme/voice", "greeter", artifact_type::PROMPT, "1.3.0");
    let preview = DraftPreview::new("acme/voice", "greeter", artifact_type::PROMPT, "Hi");
    let deployment = DeploymentCreate::new(["ag_1"], "greeter", "1.2.0", "dev", "vapi");
    vec![
        call("elacity_publish_artifact", c.registry().publish("acme/voice", version())),
        call("elacity_pull_prompt", c.registry().pull("acme/voice", "greeter", "1.2.0")),
        call("elacity_clone_artifact", c.registry().clone_version(clone)),
        call("elacity_get_prompt", c.registry().get("acme/voice", "greeter")),
        call("elacity_list_registries", c.registry().list()),
        call("elacity_list_artifacts", c.registry().artifacts("acme/voice")),
        call("elacity_save_draft", c.drafts().save(draft)),
        call("elacity_get_draft", c.drafts().get(of_draft())),
        call("elacity_get_draft_body", c.drafts().body(of_body())),
        call("elacity_list_drafts", c.drafts().list("greeter", ListDraftsParams::new("acme/voice", "prompt"))),
        call("elacity_preview_draft", c.drafts().preview(preview)),
        call("elacity_list_agents", c.agents().list()),
        call("elacity_deploy", c.agents().deploy(deployment)),
        call("elacity_list_environments", c.environments().list()),
        call("elacity_list_deployments", c.deployments().list(DeploymentFilter::new())),
        call("elacity_get_deployment_heatmap", c.deployments().heatmap()),
        call("elacity_list_fleets", c.fleets().list()),
        call("elacity_create_llm_provider", c.llm_providers().create(llm())),
        call("elacity_list_llm_providers", c.llm_providers().list()),
        call("elacity_update_tool", c.tools().update("tool_1", ToolUpdate::new().description("x"))),
    ]
}

/// The operations of the document, with what it says of each.
fn documented() -> BTreeMap<String, Value> {
    let document: Value = serde_json::from_str(include_str!("../../../spec/openapi.json")).unwrap();
    let items = document["paths"].as_object().unwrap().values();
    let operations = items.flat_map(|item| item.as_object().unwrap().values());
    let own = operations.filter(|operation| operation["tags"][0] == "elacity");
    own.map(|operation| (operation["operationId"].as_str().unwrap().to_owned(), operation.clone())).collect()
}

#[tokio::test]
async fn every_operation_is_called() {
    let client = builder("http://127.0.0.1:1").build().unwrap();
    let called: Vec<&str> = every_call(&client).iter().map(|(id, _)| *id).collect();
    let mut sorted: Vec<String> = called.iter().map(|id| (*id).to_owned()).collect();
    sorted.sort();
    assert_eq!(sorted, documented().into_keys().collect::<Vec<_>>());
}

fn plain_answer(status: u16, media: &str, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body.as_bytes().to_vec(), media)
}
