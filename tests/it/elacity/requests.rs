//! The literal bytes of every request.

use std::collections::BTreeMap;

use polyagent::elacity::types::*;
use polyagent::elacity::{Elacity, artifact_type};
use polyagent::{Error, Method, Request};
use serde_json::json;

use super::{KEY, builder, client, scripted, version};

/// Sends a call and gives method, path with query, and body of what arrived.
async fn sent<T: 'static>(call: impl FnOnce(Elacity) -> Request<T>) -> (String, String) {
    let server = scripted(&[(418, "{}")]).await;
    let result = call(client(&server)).await;
    assert!(matches!(result, Err(Error::OtherClient(_))), "the request did not arrive: {:?}", result.err());
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    let body = String::from_utf8(request.body.clone()).unwrap();
    let media = request.headers.get("content-type").map(|media| media.to_str().unwrap());
    assert_eq!(media, (!body.is_empty()).then_some("application/json"));
    (format!("{} {}", request.method, &request.url[url::Position::BeforePath..]), body)
}

async fn assert_sent<T: 'static>(call: impl FnOnce(Elacity) -> Request<T>, line: &str, body: &str) {
    assert_eq!(sent(call).await, (line.to_owned(), body.to_owned()));
}

#[tokio::test]
async fn a_call_carries_the_key_and_no_more_than_it_needs() {
    let server = scripted(&[(200, "[]")]).await;
    client(&server).agents().list().await.unwrap();
    let request = &server.received_requests().await.unwrap()[0];
    let mut headers: Vec<_> = request.headers.iter().map(|(n, v)| format!("{n}: {}", v.to_str().unwrap())).collect();
    headers.sort();
    assert_eq!(
        headers,
        [
            "accept: application/json".to_owned(),
            "content-length: 18".to_owned(),
            "content-type: application/json".to_owned(),
            format!("host: {}", server.uri().replace("http://", "")),
            format!("user-agent: polyagent/{}", env!("CARGO_PKG_VERSION")),
            format!("x-api-key: {KEY}"),
        ]
    );
}

#[tokio::test]
async fn registry_requests() {
    assert_sent(
        |c| c.registry().publish("acme/voice", version().tools([("lookup", "2.0.0")])),
        "POST /api/registries/artifacts",
        r#"{"registryRef":"acme/voice","artifact":{"prompt":"greeter","version":"1.2.0","model":"generic","compiled":"Greet the caller by name.","hash":"d41d8c","schema":{"input":"{}","output":"{}"},"components":{"tone":"1.0.3"},"tools":{"lookup":"2.0.0"},"metadata":{"description":"Opening line","tags":["voice"]}}}"#,
    )
    .await;
    let none: [(&str, bool); 0] = [];
    let least = || ArtifactVersion::new("g", "1", "generic", "", "", ArtifactSchema::new(), BTreeMap::new(), none);
    assert_sent(
        |c| c.registry().publish("acme/voice", least()),
        "POST /api/registries/artifacts",
        r#"{"registryRef":"acme/voice","artifact":{"prompt":"g","version":"1","model":"generic","compiled":"","hash":"","schema":{},"components":{},"metadata":{}}}"#,
    )
    .await;
    assert_sent(
        |c| c.registry().pull("acme/voice", "greeter", "1.2.0"),
        "GET /api/registries/artifact-versions/content?registryRef=acme%2Fvoice&promptName=greeter&version=1.2.0",
        "",
    )
    .await;
    assert_sent(
        |c| c.registry().pull_with(PullPromptParams::new("a b/c&d", "greeter.v2", "^1.0").model("gpt-4o")).query("environment", "dev"),
        "GET /api/registries/artifact-versions/content?registryRef=a+b%2Fc%26d&promptName=greeter.v2&version=%5E1.0&model=gpt-4o&environment=dev",
        "",
    )
    .await;
    let clone =
        || ArtifactClone::new("acme/voice", "greeter", "acme/lab", "greeter-copy", "0.1.0", artifact_type::PROMPT);
    assert_sent(
        |c| c.registry().clone_version(clone()),
        "POST /api/registries/artifact-versions/clone",
        r#"{"sourceRegistryRef":"acme/voice","sourcePromptName":"greeter","targetRegistryRef":"acme/lab","targetName":"greeter-copy","targetVersion":"0.1.0","artifactType":"prompt"}"#,
    )
    .await;
    assert_sent(
        |c| c.registry().clone_version(clone().source_version("1.2.0").source_model("generic")),
        "POST /api/registries/artifact-versions/clone",
        r#"{"sourceRegistryRef":"acme/voice","sourcePromptName":"greeter","targetRegistryRef":"acme/lab","targetName":"greeter-copy","targetVersion":"0.1.0","artifactType":"prompt","sourceVersion":"1.2.0","sourceModel":"generic"}"#,
    )
    .await;
    assert_sent(
        |c| c.registry().get("acme/voice", "greeter"),
        "GET /api/registries/prompts/details?registryRef=acme%2Fvoice&promptName=greeter",
        "",
    )
    .await;
    assert_sent(|c| c.registry().list(), "POST /api/registries/list", r#"{"orgSlug":"acme"}"#).await;
    let artifacts = "POST /api/registries/artifacts/list";
    assert_sent(|c| c.registry().artifacts("acme/voice"), artifacts, r#"{"registryRef":"acme/voice"}"#).await;
}

#[tokio::test]
async fn draft_requests() {
    let draft = || DraftSave::new("acme/voice", "greeter.v2", artifact_type::PROMPTLET, "1.3.0", "# Hi {{name}}\n");
    assert_sent(
        |c| c.drafts().save(draft()),
        "PUT /api/drafts",
        r##"{"registryRef":"acme/voice","promptName":"greeter.v2","artifactType":"promptlet","draftVersion":"1.3.0","body":"# Hi {{name}}\n"}"##,
    )
    .await;
    assert_sent(
        |c| c.drafts().save(draft().frontmatter([("tags", json!(["voice"]))]).previous_prompt_name("greeter")),
        "PUT /api/drafts",
        r##"{"registryRef":"acme/voice","promptName":"greeter.v2","artifactType":"promptlet","draftVersion":"1.3.0","body":"# Hi {{name}}\n","frontmatter":{"tags":["voice"]},"previousPromptName":"greeter"}"##,
    )
    .await;
    let query = "registryRef=acme%2Fvoice&promptName=greeter.v2&artifactType=prompt&draftVersion=1.3.0";
    assert_sent(
        |c| c.drafts().get(GetDraftParams::new("acme/voice", "greeter.v2", "prompt", "1.3.0")),
        &format!("GET /api/drafts?{query}"),
        "",
    )
    .await;
    assert_sent(
        |c| c.drafts().body(GetDraftBodyParams::new("acme/voice", "greeter.v2", "prompt", "1.3.0")),
        &format!("GET /api/drafts/body?{query}"),
        "",
    )
    .await;
    for (name, segment) in [("greeter.v2", "greeter.v2"), ("...", "..."), (".hidden", ".hidden"), ("a b", "a%20b")] {
        assert_sent(
            |c| c.drafts().list(name, ListDraftsParams::new("acme/voice", "prompt")),
            &format!("GET /api/drafts/prompts/{segment}?registryRef=acme%2Fvoice&artifactType=prompt"),
            "",
        )
        .await;
    }
    let preview = || DraftPreview::new("acme/voice", "greeter", "prompt", "Hi {{name}}");
    assert_sent(
        |c| c.drafts().preview(preview()),
        "POST /api/drafts/compile-preview",
        r#"{"registryRef":"acme/voice","promptName":"greeter","artifactType":"prompt","body":"Hi {{name}}"}"#,
    )
    .await;
    assert_sent(
        |c| c.drafts().preview(preview().model("generic").environment("dev")),
        "POST /api/drafts/compile-preview",
        r#"{"registryRef":"acme/voice","promptName":"greeter","artifactType":"prompt","body":"Hi {{name}}","model":"generic","environment":"dev"}"#,
    )
    .await;
}

#[tokio::test]
async fn agent_and_deployment_requests() {
    assert_sent(|c| c.agents().list(), "POST /api/agents/list", r#"{"orgSlug":"acme"}"#).await;
    let deployment = || DeploymentCreate::new(["ag_1", "ag_2"], "greeter", "1.2.0", "dev", "vapi");
    assert_sent(
        |c| c.agents().deploy(deployment().agent_variables([("COMPANY", "Acme")])),
        "POST /api/agents/deployments",
        r#"{"orgSlug":"acme","agentIds":["ag_1","ag_2"],"promptName":"greeter","version":"1.2.0","environment":"dev","provider":"vapi","agentVariables":{"COMPANY":"Acme"}}"#,
    )
    .await;
    assert_sent(
        |c| {
            let full = deployment().model("gpt-4o").tool_refs(["lookup"]).agent_provider_config([("voice", json!({"id": 7}))]);
            c.agents().deploy(full.org_slug("other"))
        },
        "POST /api/agents/deployments",
        r#"{"orgSlug":"other","agentIds":["ag_1","ag_2"],"promptName":"greeter","version":"1.2.0","environment":"dev","provider":"vapi","model":"gpt-4o","toolRefs":["lookup"],"agentProviderConfig":{"voice":{"id":7}}}"#,
    )
    .await;
    assert_sent(|c| c.environments().list(), "POST /api/environments/list", r#"{"orgSlug":"acme"}"#).await;
    let list = "POST /api/deployments/list";
    assert_sent(|c| c.deployments().list(DeploymentFilter::new()), list, r#"{"orgSlug":"acme"}"#).await;
    let some = DeploymentFilter::new().environment("dev").agent_id("ag_1");
    let body = r#"{"orgSlug":"acme","environment":"dev","agentId":"ag_1"}"#;
    assert_sent(|c| c.deployments().list(some), list, body).await;
    assert_sent(|c| c.deployments().heatmap(), "POST /api/deployments/heatmap", r#"{"orgSlug":"acme"}"#).await;
    assert_sent(|c| c.fleets().list(), "POST /api/fleets/list", r#"{"orgSlug":"acme"}"#).await;
}

#[tokio::test]
async fn provider_and_tool_requests() {
    let provider = || LlmProviderCreate::new("Main OpenAI", "openai", "EXAMPLE");
    assert_sent(
        |c| c.llm_providers().create(provider().is_default(true)),
        "POST /api/llm-providers",
        r#"{"orgSlug":"acme","name":"Main OpenAI","provider":"openai","apiKey":"EXAMPLE","isDefault":true}"#,
    )
    .await;
    assert_sent(
        |c| c.llm_providers().create(provider().config([("baseUrl", "https://llm.example")])),
        "POST /api/llm-providers",
        r#"{"orgSlug":"acme","name":"Main OpenAI","provider":"openai","apiKey":"EXAMPLE","config":{"baseUrl":"https://llm.example"}}"#,
    )
    .await;
    assert_sent(|c| c.llm_providers().list(), "POST /api/llm-providers/list", r#"{"orgSlug":"acme"}"#).await;
    assert_sent(
        |c| {
            let update = ToolUpdate::new().description("Find a customer").bump_version(VersionBump::Minor);
            c.tools().update("tool_1", update.update_environment_versions(["dev"]))
        },
        "PATCH /api/tools/tool_1",
        r#"{"description":"Find a customer","bumpVersion":"minor","updateEnvironmentVersions":["dev"]}"#,
    )
    .await;
    assert_sent(
        |c| {
            let update = ToolUpdate::new().name("find_customer").prompt("p").type_("api").version("2.0.0-rc.1");
            c.tools().update("t 1", update.provider_config([("method", "GET")]))
        },
        "PATCH /api/tools/t%201",
        r#"{"name":"find_customer","prompt":"p","type":"api","providerConfig":{"method":"GET"},"version":"2.0.0-rc.1"}"#,
    )
    .await;
    assert_sent(
        |c| c.tools().update("tool_1", ToolUpdate::new().bump_version("huge")),
        "PATCH /api/tools/tool_1",
        r#"{"bumpVersion":"huge"}"#,
    )
    .await;
}

#[tokio::test]
async fn a_base_url_works_with_and_without_api() {
    let server = scripted(&[(200, "[]")]).await;
    for suffix in ["", "/", "/api", "/api/"] {
        let client = builder(format!("{}{suffix}", server.uri())).api_key(KEY).build().unwrap();
        client.with_organization("acme").fleets().list().await.unwrap();
        client.raw(Method::POST, ["api", "fleets"]).json_body(&json!({"name": "Europe"})).await.unwrap();
    }
    let behind = builder(format!("{}/proxy/api", server.uri())).api_key(KEY).build().unwrap();
    behind.registry().artifacts("acme/voice").await.unwrap();
    let mut wanted = ["POST /api/fleets/list", "POST /api/fleets"].repeat(4);
    wanted.push("POST /proxy/api/registries/artifacts/list");
    assert_eq!(super::lines(&server).await, wanted);
}

#[tokio::test]
async fn a_call_without_an_organization_says_how_to_set_one() {
    let server = scripted(&[(200, "[]")]).await;
    let without = builder(server.uri()).api_key(KEY).build().unwrap();
    let mut needing = 0;
    for (id, call) in super::every_call(&without) {
        let Some(error) = call.await else { continue };
        if error.is_decode() {
            continue;
        }
        needing += 1;
        assert!(error.is_invalid_argument() && error.to_string().contains("ELACITY_ORG"), "{id}: {error}");
        assert_eq!(error.operation(), Some(id));
    }
    assert_eq!(needing, 9);
    let blank = without.with_organization("  ").agents().list().await.unwrap_err();
    assert!(blank.to_string().contains("must not be empty"), "{blank}");
    without.with_organization("acme").agents().list().await.unwrap();
    let deployment = DeploymentCreate::new(["a"], "p", "1", "dev", "vapi");
    without.agents().deploy(deployment.org_slug("acme")).await.unwrap();
}

#[tokio::test]
async fn what_the_platform_would_reject_is_not_sent() {
    let server = scripted(&[(200, "[]")]).await;
    let client = client(&server);
    let mut refused = Vec::new();
    let draft = |name: &str, version: &str| DraftSave::new("acme/voice", name, "prompt", version, "");
    for (name, version) in
        [("", "1.0.0"), ("a b", "1.0.0"), ("a/b", "1.0.0"), ("a", "1.0"), ("a", "1.0.0-rc"), ("a", "^1.0.0"), ("a", "")]
    {
        refused.push(client.drafts().save(draft(name, version)).await.err());
    }
    let clone = |name: &str, version: &str| ArtifactClone::new("a/b", "p", "a/c", name, version, "prompt");
    for (name, version) in [("", "1.0.0"), ("a!", "1.0.0"), ("a", "1"), ("a", "v1.0.0")] {
        refused.push(client.registry().clone_version(clone(name, version)).await.err());
    }
    refused.push(client.drafts().get(GetDraftParams::new("a/b", "any name", "prompt", "1.0")).await.err());
    refused.push(client.drafts().body(GetDraftBodyParams::new("a/b", "any name", "prompt", "1.0.0")).await.err());
    refused.push(client.drafts().preview(DraftPreview::new("", "a", "prompt", "")).await.err());
    refused.push(client.drafts().preview(DraftPreview::new("a/b", "a b", "prompt", "")).await.err());
    for name in ["", ".", "..", "a/b", "%2e%2e"] {
        refused.push(client.drafts().list(name, ListDraftsParams::new("a/b", "prompt")).await.err());
    }
    for update in [
        ToolUpdate::new().name("a.b"),
        ToolUpdate::new().name(""),
        ToolUpdate::new().type_(""),
        ToolUpdate::new().version("2"),
        ToolUpdate::new().version("2.0.0").bump_version(VersionBump::Major),
    ] {
        refused.push(client.tools().update("tool_1", update).await.err());
    }
    refused.push(client.llm_providers().create(LlmProviderCreate::new("", "openai", "k")).await.err());
    refused.push(client.llm_providers().create(LlmProviderCreate::new("n", "openai", "")).await.err());
    for (at, error) in refused.iter().enumerate() {
        assert!(error.as_ref().is_some_and(Error::is_invalid_argument), "{at}: {error:?}");
    }
    assert!(server.received_requests().await.unwrap().is_empty());
    client.drafts().get(GetDraftParams::new("a/b", "any name", "prompt", "1.0.0")).await.unwrap_err();
    assert_eq!(server.received_requests().await.unwrap().len(), 1, "this name has no documented pattern");
}
