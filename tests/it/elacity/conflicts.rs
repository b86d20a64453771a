//! Where the vendor's documentation contradicts itself: each conflict by its number.

use polyagent::Error;
use polyagent::elacity::types::*;
use polyagent::elacity::{Elacity, render};

use super::{KEY, answered, builder, client, documented, lines, scripted, version};

#[tokio::test]
async fn conflict_01_the_key_goes_in_its_own_header_or_as_bearer() {
    let server = scripted(&[(200, "[]")]).await;
    client(&server).agents().list().await.unwrap();
    builder(server.uri()).api_key(KEY).organization("acme").bearer().build().unwrap().agents().list().await.unwrap();
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests[0].headers["x-api-key"], KEY);
    assert!(!requests[0].headers.contains_key("authorization"));
    assert_eq!(requests[1].headers["authorization"], format!("Bearer {KEY}"));
    assert!(!requests[1].headers.contains_key("x-api-key"));
}

#[tokio::test]
async fn conflict_02_the_key_is_no_parameter_and_public_registries_need_none() {
    for (id, operation) in documented() {
        let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        assert!(parameters.iter().all(|parameter| parameter["in"] != "header"), "{id}");
    }
    let server = scripted(&[(200, r#"{"compiled":"Hi"}"#)]).await;
    let anonymous = builder(server.uri()).build().unwrap();
    assert_eq!(anonymous.registry().pull("acme/public", "p", "1.0.0").await.unwrap().compiled.as_deref(), Some("Hi"));
    let headers = &server.received_requests().await.unwrap()[0].headers;
    assert!(!headers.contains_key("x-api-key") && !headers.contains_key("authorization"));
}

#[tokio::test]
async fn conflict_03_lists_are_posted_and_other_paths_are_the_references() {
    let server = scripted(&[(200, "[]")]).await;
    for (_, call) in super::every_call(&client(&server)) {
        call.await;
    }
    let lines = lines(&server).await;
    let path = |line: &String| line.split('?').next().unwrap().to_owned();
    let paths: Vec<String> = lines.iter().map(path).collect();
    for list in
        ["agents", "environments", "deployments", "fleets", "llm-providers", "registries", "registries/artifacts"]
    {
        assert!(paths.contains(&format!("POST /api/{list}/list")), "{list}: {paths:?}");
    }
    for other in [
        "POST /api/registries/artifacts",
        "GET /api/registries/artifact-versions/content",
        "POST /api/agents/deployments",
        "PATCH /api/tools/tool_1",
    ] {
        assert!(paths.contains(&other.to_owned()), "{other}: {paths:?}");
    }
}

#[tokio::test]
async fn conflict_04_a_deployment_gives_records_and_promises_nothing() {
    let deploy = |c: Elacity| c.agents().deploy(DeploymentCreate::new(["ag_1"], "greeter", "1.2.0", "dev", "vapi"));
    let deployed = answered(deploy, 200, r#"[{"agentId":"ag_1","status":"simulated"}]"#).await.unwrap();
    assert_eq!(deployed.records()[0].status.as_deref(), Some("simulated"));
    assert!(documented()["elacity_deploy"]["description"].as_str().unwrap().contains("simulated"));
}

#[tokio::test]
async fn conflict_05_the_group_is_registry_and_the_path_registries() {
    for (id, operation) in documented() {
        let is_registry =
            ["publish_artifact", "pull_prompt", "clone_artifact", "get_prompt", "list_registries", "list_artifacts"]
                .iter()
                .any(|name| id == format!("elacity_{name}"));
        assert!(!is_registry || operation["tags"][1] == "registry", "{id}");
    }
    let server = scripted(&[(200, "")]).await;
    client(&server).registry().publish("acme/voice", version()).await.unwrap();
    assert_eq!(lines(&server).await, ["POST /api/registries/artifacts"]);
}

#[tokio::test]
async fn conflict_06_operations_have_names_of_one_kind() {
    let snake = |id: &str| id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    assert!(documented().keys().all(|id| snake(id)));
    for (id, vendors) in
        [("elacity_publish_artifact", "prm.registry.publish"), ("elacity_update_tool", "prm.tools.update")]
    {
        assert!(documented()[id]["description"].as_str().unwrap().contains(vendors), "{id}");
    }
    let error = answered(|c| c.registry().publish("acme/voice", version()), 400, "{}").await.unwrap_err();
    assert_eq!(error.operation(), Some("elacity_publish_artifact"));
}

#[tokio::test]
async fn conflict_07_the_caller_compiles_and_hashes() {
    let server = scripted(&[(200, "")]).await;
    client(&server).registry().publish("acme/voice", version()).await.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&server.received_requests().await.unwrap()[0].body).unwrap();
    assert_eq!(body["artifact"]["compiled"], "Greet the caller by name.");
    assert_eq!(body["artifact"]["hash"], "d41d8c");
}

#[tokio::test]
async fn conflict_08_variables_are_filled_by_the_program_or_sent_with_a_deployment() {
    let body = r#"{"compiled":"{{#ECP-IF-ENV dev}} Hi {{name}} of {{COMPANY}} at ${CRM_URL}"}"#;
    let prompt = answered(|c| c.registry().pull("acme/voice", "p", "1.0.0"), 200, body).await.unwrap();
    assert_eq!(
        prompt.render([("name", "Ada"), ("COMPANY", "Acme")]).unwrap(),
        "{{#ECP-IF-ENV dev}} Hi Ada of Acme at ${CRM_URL}"
    );
    assert_eq!(render("{{COMPANY}}", [("COMPANY", "{{name}}")]).unwrap(), "{{name}}");
    let server = scripted(&[(200, "")]).await;
    let deployment =
        DeploymentCreate::new(["ag_1"], "p", "1", "dev", "vapi").agent_variables([("COMPANY", "{{name}}")]);
    client(&server).agents().deploy(deployment).await.unwrap();
    let sent = String::from_utf8(server.received_requests().await.unwrap()[0].body.clone()).unwrap();
    assert!(sent.ends_with(r#""agentVariables":{"COMPANY":"{{name}}"}}"#), "{sent}");
}

#[tokio::test]
async fn conflict_09_a_key_that_is_no_admin_is_told_by_its_403() {
    let save = |c: Elacity| c.drafts().save(DraftSave::new("acme/voice", "p", "prompt", "1.0.0", ""));
    let error = answered(save, 403, r#"{"message":"Organization admin required"}"#).await.unwrap_err();
    assert!(matches!(error, Error::PermissionDenied(_)), "{error:?}");
    assert_eq!(error.message(), "Organization admin required");
}

#[tokio::test]
async fn conflict_10_names_and_versions_are_checked_by_their_own_patterns() {
    let server = scripted(&[(200, "null")]).await;
    let client = client(&server);
    let draft = |name: &str, version: &str| client.drafts().save(DraftSave::new("a/b", name, "prompt", version, ""));
    let tool = |update: ToolUpdate| client.tools().update("t", update);
    draft("a.b-c_D9", "10.0.2").await.unwrap();
    draft("a.b", "1.0.0-rc.1").await.unwrap_err();
    tool(ToolUpdate::new().name("a-b_C9")).await.unwrap();
    tool(ToolUpdate::new().name("a.b")).await.unwrap_err();
    tool(ToolUpdate::new().version("1.0.0-rc.1")).await.unwrap();
    tool(ToolUpdate::new().version("v1.0.0")).await.unwrap_err();
    // Versions of what is published, pulled and deployed have no pattern.
    client.registry().pull("a/b", "any name", "^1").await.unwrap();
    client.agents().deploy(DeploymentCreate::new(["a"], "p", "latest", "dev", "vapi")).await.unwrap();
    assert_eq!(lines(&server).await.len(), 5);
}
