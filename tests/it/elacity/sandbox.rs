//! Whole programs against the sandbox's Elacity.

use std::collections::BTreeMap;
use std::time::Duration;

use polyagent::elacity::types::*;
use polyagent::elacity::{Elacity, artifact_type};
use polyagent::sandbox::Sandbox;
use polyagent::sandbox::elacity::{ORGANIZATION, Settings};
use serde_json::{Value, json};

use super::{every_call, llm};

async fn sandbox(set: impl FnOnce(Settings) -> Settings) -> (Sandbox, Elacity) {
    let sandbox = Sandbox::builder().elacity(set).start().await.unwrap();
    let client = sandbox.elacity().with_organization(ORGANIZATION);
    (sandbox, client)
}

fn version(number: &str, model: &str, text: &str) -> ArtifactVersion {
    let (schema, metadata) = (ArtifactSchema::new(), [("tags", json!(["voice"]))]);
    ArtifactVersion::new("greeter", number, model, text, "d41d8c", schema, BTreeMap::new(), metadata)
}

async fn publish(client: &Elacity, registry: &str, number: &str, model: &str, text: &str) {
    client.registry().publish(registry, version(number, model, text)).await.unwrap();
}

#[tokio::test]
async fn a_version_is_pulled_in_the_variant_for_its_model() {
    let (_sandbox, client) = sandbox(|it| it).await;
    publish(&client, "acme/voice", "1.2.0", "generic", "Hi {{name}}").await;
    publish(&client, "acme/voice", "1.2.0", "gpt-4o", "Hello {{name}}").await;
    publish(&client, "acme/voice", "1.10.0", "gpt-4o", "Hey {{name}}").await;
    let pull = async |number: &str, model: Option<&str>| {
        let params = PullPromptParams::new("acme/voice", "greeter", number);
        let params = match model {
            Some(model) => params.model(model),
            None => params,
        };
        client.registry().pull_with(params).await.map(|prompt| prompt.compiled.unwrap())
    };
    assert_eq!(pull("1.2.0", None).await.unwrap(), "Hi {{name}}");
    assert_eq!(pull("1.2.0", Some("gpt-4o")).await.unwrap(), "Hello {{name}}");
    assert_eq!(pull("1.2.0", Some("other")).await.unwrap(), "Hi {{name}}");
    assert_eq!(pull("1.10.0", None).await.unwrap(), "Hey {{name}}");
    assert!(pull("1.10.0", Some("other")).await.unwrap_err().is_not_found());
    assert!(pull("1.3.0", None).await.unwrap_err().is_not_found());
    let again = client.registry().publish("acme/voice", version("1.2.0", "generic", "x")).await.unwrap_err();
    assert!(again.is_conflict(), "{again:?}");
    let absent = client.registry().publish("acme/absent", version("1.0.0", "generic", "x")).await.unwrap_err();
    assert!(absent.is_not_found() && absent.message().contains("acme/absent"), "{absent:?}");

    let details = client.registry().get("acme/voice", "greeter").await.unwrap().unwrap();
    assert_eq!((details.versions.len(), details.token_count), (3, Some(3)), "of the newest: 1.10.0");
    let prompt = client.registry().pull("acme/voice", "greeter", "1.2.0").await.unwrap();
    assert_eq!(prompt.render([("name", "Ada")]).unwrap(), "Hi Ada");
    assert_eq!(prompt.metadata.unwrap()["tags"], json!(["voice"]));
}

#[tokio::test]
async fn a_clone_is_a_version_of_its_own() {
    let (sandbox, client) = sandbox(|it| it).await;
    sandbox.default_tenant().add_registry("acme/lab", false).unwrap();
    publish(&client, "acme/voice", "1.9.0", "generic", "old").await;
    publish(&client, "acme/voice", "1.10.0", "generic", "new").await;
    let clone = || ArtifactClone::new("acme/voice", "greeter", "acme/lab", "copy.v2", "0.1.0", artifact_type::PROMPT);
    client.registry().clone_version(clone()).await.unwrap();
    let copy = client.registry().pull("acme/lab", "copy.v2", "0.1.0").await.unwrap();
    assert_eq!(copy.compiled.as_deref(), Some("new"), "the latest");
    assert!(client.registry().clone_version(clone()).await.unwrap_err().is_conflict());
    let old = || {
        ArtifactClone::new("acme/voice", "greeter", "acme/lab", "copy.v2", "0.2.0", "prompt").source_version("1.9.0")
    };
    client.registry().clone_version(old()).await.unwrap();
    assert_eq!(client.registry().pull("acme/lab", "copy.v2", "0.2.0").await.unwrap().compiled.as_deref(), Some("old"));
    assert!(client.registry().clone_version(old().source_model("gpt-4o")).await.unwrap_err().is_not_found());
    let artifacts = client.registry().artifacts("acme/lab").await.unwrap();
    assert_eq!((artifacts.items.len(), artifacts.items[0].version.as_deref()), (1, Some("0.2.0")));
}

#[tokio::test]
async fn public_registries_are_read_without_a_key() {
    let (sandbox, client) = sandbox(|it| it).await;
    publish(&client, "acme/public", "1.0.0", "generic", "for all").await;
    publish(&client, "acme/voice", "1.0.0", "generic", "for few").await;
    let anonymous = Elacity::builder()
        .base_url(format!("{}/elacity", sandbox.url()))
        .organization(ORGANIZATION)
        .configure_http(crate::sockets::reqwest_without_proxy)
        .build()
        .unwrap();
    let pulled = anonymous.registry().pull("acme/public", "greeter", "1.0.0").await.unwrap();
    assert_eq!(pulled.compiled.as_deref(), Some("for all"));
    assert!(anonymous.registry().pull("acme/voice", "greeter", "1.0.0").await.unwrap_err().is_authentication());
    assert!(anonymous.registry().artifacts("acme/voice").await.unwrap_err().is_authentication());
    let slugs = |page: polyagent::Page<Registry>| page.into_iter().filter_map(|it| it.slug).collect::<Vec<_>>();
    assert_eq!(slugs(anonymous.registry().list().await.unwrap()), ["public"]);
    assert_eq!(slugs(client.registry().list().await.unwrap()), ["voice", "public"]);
    let wrong = sandbox.elacity_builder().api_key("another-key-0123").build().unwrap();
    assert!(wrong.registry().pull("acme/public", "greeter", "1.0.0").await.unwrap_err().is_authentication());
    let bearer = sandbox.elacity_builder().bearer().build().unwrap();
    assert!(bearer.registry().pull("acme/voice", "greeter", "1.0.0").await.is_ok());
}

#[tokio::test]
async fn drafts_are_saved_renamed_and_published() {
    let (_sandbox, client) = sandbox(|it| it).await;
    let save = |name: &str, body: &str| DraftSave::new("acme/voice", name, artifact_type::PROMPT, "1.3.0", body);
    client.drafts().save(save("hello", "# Hi")).await.unwrap();
    client.drafts().save(save("hello", "# Hi {{name}}").frontmatter([("tags", json!(["a"]))])).await.unwrap();
    let list = async |name: &str| {
        client.drafts().list(name, ListDraftsParams::new("acme/voice", "prompt")).await.unwrap().items
    };
    assert_eq!(list("hello").await.len(), 1, "the second replaces the first");
    client.drafts().save(save("greeter", "# Hi {{name}}").previous_prompt_name("hello")).await.unwrap();
    assert_eq!((list("hello").await.len(), list("greeter").await.len()), (0, 1));
    let params = || GetDraftBodyParams::new("acme/voice", "greeter", "prompt", "1.3.0");
    assert_eq!(client.drafts().body(params()).await.unwrap(), "# Hi {{name}}");
    let draft = client.drafts().get(GetDraftParams::new("acme/voice", "greeter", "prompt", "1.3.0")).await.unwrap();
    let draft = draft.unwrap();
    assert_eq!((draft.frontmatter.unwrap()["tags"].clone(), draft.unknown.is_empty()), (json!(["a"]), true));
    assert!(
        client
            .drafts()
            .body(GetDraftBodyParams::new("acme/voice", "hello", "prompt", "1.3.0"))
            .await
            .unwrap_err()
            .is_not_found()
    );

    publish(&client, "acme/voice", "1.3.0", "generic", "Hi {{name}}").await;
    assert!(list("greeter").await.is_empty(), "it is published");
    let prompt = client.registry().pull("acme/voice", "greeter", "1.3.0").await.unwrap();
    assert_eq!((prompt.source.as_deref(), prompt.compiled.as_deref()), (Some("# Hi {{name}}"), Some("Hi {{name}}")));
    let preview = DraftPreview::new("acme/voice", "greeter", "prompt", "---\na: 1\n---\nHi {{name}}");
    assert_eq!(client.drafts().preview(preview).await.unwrap(), "Hi {{name}}");
}

#[tokio::test]
async fn a_deployment_is_recorded_and_shows_at_its_agents() {
    let (sandbox, client) = sandbox(|it| it).await;
    let added = sandbox.default_tenant().add_agent("Weekend").unwrap();
    publish(&client, "acme/voice", "1.2.0", "generic", "Hi").await;
    let deployment = |agents: &[&str]| DeploymentCreate::new(agents.iter().copied(), "greeter", "1.2.0", "dev", "vapi");
    let deployed = client.agents().deploy(deployment(&["ag_1", &added])).await.unwrap();
    let records = deployed.records();
    assert_eq!(records.iter().map(|it| it.agent_id.as_deref().unwrap()).collect::<Vec<_>>(), ["ag_1", added.as_str()]);
    assert_eq!((records[0].status.as_deref(), records[0].hash.as_deref()), (Some("applied"), Some("d41d8c")));
    let agents = client.agents().list().await.unwrap();
    let versions: Vec<_> = agents.iter().map(|agent| agent.version.as_deref()).collect();
    assert_eq!(versions, [Some("1.2.0"), None, Some("1.2.0")]);

    let of = |filter: DeploymentFilter| client.deployments().list(filter);
    assert_eq!(of(DeploymentFilter::new()).await.unwrap().items.len(), 2);
    assert_eq!(of(DeploymentFilter::new().agent_id("ag_1").environment("dev")).await.unwrap().items.len(), 1);
    assert_eq!(of(DeploymentFilter::new().environment("prod")).await.unwrap().items.len(), 0);
    let heatmap = client.deployments().heatmap().await.unwrap();
    let cells = heatmap["cells"].as_array().unwrap();
    let cell = |agent: &str| json!({"environment": "dev", "agentId": agent, "count": 1});
    assert!(cells.len() == 2 && cells.contains(&cell("ag_1")) && cells.contains(&cell(&added)), "{heatmap}");

    assert!(client.agents().deploy(deployment(&["ag_9"])).await.unwrap_err().is_not_found());
    let unpublished = DeploymentCreate::new(["ag_1"], "greeter", "9.9.9", "dev", "vapi");
    assert!(client.agents().deploy(unpublished).await.unwrap_err().is_not_found());
    let nowhere = DeploymentCreate::new(["ag_1"], "greeter", "1.2.0", "moon", "vapi");
    assert!(client.agents().deploy(nowhere).await.unwrap_err().is_not_found());
    assert_eq!(of(DeploymentFilter::new()).await.unwrap().items.len(), 2, "none of them left a record");
    let foreign = client.with_organization("other").agents().list().await.unwrap_err();
    assert!(foreign.is_permission_denied(), "{foreign:?}");
}

#[tokio::test]
async fn providers_keep_their_key_and_tools_their_history() {
    let (_sandbox, client) = sandbox(|it| it).await;
    let first = client.llm_providers().create(llm().is_default(true)).await.unwrap().unwrap();
    client.llm_providers().create(llm().is_default(true)).await.unwrap();
    let page = client.llm_providers().list().await.unwrap();
    assert_eq!(page.iter().map(|it| it.is_default).collect::<Vec<_>>(), [Some(false), Some(true)]);
    assert_eq!((page.items[0].id.clone(), page.items[0].api_key.is_none()), (first.id, true));
    assert!(!serde_json::to_string(&page.items).unwrap().contains("sk-vendor"));

    let version = async |update: ToolUpdate| client.tools().update("tool_1", update).await.unwrap()["version"].clone();
    assert_eq!(version(ToolUpdate::new().bump_version(VersionBump::Minor)).await, "1.1.0");
    assert_eq!(version(ToolUpdate::new().bump_version(VersionBump::Patch)).await, "1.1.1");
    assert_eq!(version(ToolUpdate::new().bump_version(VersionBump::Major)).await, "2.0.0");
    assert_eq!(version(ToolUpdate::new().version("3.0.0-rc.1")).await, "3.0.0-rc.1");
    assert!(client.tools().update("tool_9", ToolUpdate::new()).await.unwrap_err().is_not_found());
    assert_eq!(client.environments().list().await.unwrap().items.len(), 3);
    assert_eq!(client.fleets().list().await.unwrap().items[0].agent_ids, ["ag_1", "ag_2"]);
}

#[tokio::test]
async fn settings_change_what_a_client_must_survive() {
    let (_sandbox, client) = sandbox(Settings::enveloped_lists).await;
    assert_eq!(client.agents().list().await.unwrap().items.len(), 2);
    let (_sandbox, client) = sandbox(Settings::silent).await;
    assert_eq!(client.registry().publish("acme/voice", version("1.0.0", "generic", "Hi")).await.unwrap(), Value::Null);
    assert_eq!(client.llm_providers().create(llm()).await.unwrap(), None);
    let (_sandbox, client) = sandbox(Settings::member).await;
    let error = client.drafts().save(DraftSave::new("acme/voice", "p", "prompt", "1.0.0", "x")).await.unwrap_err();
    assert!(error.is_permission_denied() && error.code().is_none(), "{error:?}");
    let (_sandbox, client) = sandbox(Settings::full_errors).await;
    let error = client.registry().pull("acme/absent", "p", "1.0.0").await.unwrap_err();
    assert_eq!((error.code(), error.message().as_str()), (Some("NOT_FOUND"), "No registry named acme/absent"));
    let error = client.tools().update("tool_1", ToolUpdate::new()).body_field("name", "a.b").await.unwrap_err();
    assert_eq!((error.is_bad_request(), error.field_errors()[0].path()), (true, "name"));
    let (_sandbox, client) = sandbox(|it| it.rate_limit(1, Duration::from_secs(60))).await;
    client.agents().list().await.unwrap();
    let error = client.agents().list().max_retries(0).await.unwrap_err();
    assert!(error.is_rate_limited() && error.retry_after().is_some(), "{error:?}");
    let (_sandbox, client) = sandbox(Settings::confirmed_paths_only).await;
    for (id, call) in every_call(&client) {
        let error = call.await;
        let missing = error.is_some_and(|error| error.reason() == Some(polyagent::Reason::RouteMissing));
        assert_eq!(missing, super::documented()[id]["x-provenance"] == "inferred", "{id}");
    }
}

#[tokio::test]
async fn every_operation_responds_as_documented() {
    let (sandbox, client) = sandbox(|it| it).await;
    sandbox.default_tenant().add_registry("acme/lab", false).unwrap();
    let mut failed = Vec::new();
    for (id, call) in every_call(&client) {
        failed.extend(call.await.map(|error| format!("{id}: {error}")));
    }
    assert_eq!(failed, Vec::<String>::new());
}
