//! Paths that users set.

use polyagent::elacity::types::*;

use super::{KEY, builder, lines, scripted};

#[tokio::test]
async fn an_operation_is_called_at_the_path_that_the_user_sets() {
    let server = scripted(&[(200, "[]")]).await;
    let client = builder(format!("{}/api", server.uri()))
        .api_key(KEY)
        .organization("acme")
        .path_override("elacity_list_fleets", "/v2/fleets/list")
        .path_override("elacity_list_drafts", "/api/prompts/{promptName}/drafts")
        .path_override("elacity_save_draft", "POST /drafts/save")
        .path_override("elacity_update_tool", "PUT /prm/tools/{toolId}/update")
        .build()
        .unwrap();
    client.fleets().list().await.unwrap();
    client.clone().drafts().list("greeter.v2", ListDraftsParams::new("acme/voice", "prompt")).await.unwrap();
    client.drafts().save(DraftSave::new("acme/voice", "p", "prompt", "1.0.0", "x")).await.unwrap();
    client.tools().update("t/1", ToolUpdate::new()).await.unwrap_err();
    client.tools().update("t 1", ToolUpdate::new().description("x")).await.unwrap();
    client.agents().list().await.unwrap();
    assert_eq!(
        lines(&server).await,
        [
            "POST /api/v2/fleets/list",
            "GET /api/prompts/greeter.v2/drafts?registryRef=acme%2Fvoice&artifactType=prompt",
            "POST /api/drafts/save",
            "PUT /api/prm/tools/t%201/update",
            "POST /api/agents/list",
        ]
    );
    let bodies = server.received_requests().await.unwrap();
    assert_eq!(bodies[0].body, br#"{"orgSlug":"acme"}"#);
    assert_eq!(bodies[3].body, br#"{"description":"x"}"#);
}

#[tokio::test]
async fn a_path_of_the_users_own_is_not_called_inferred() {
    let server = scripted(&[(404, "{}")]).await;
    let own = builder(server.uri()).api_key(KEY).organization("acme").path_override("elacity_list_fleets", "/fleets");
    let own = own.build().unwrap();
    let error = own.fleets().list().await.unwrap_err();
    assert!(error.is_not_found() && !error.to_string().contains("inferred"), "{error}");
    assert!(error.to_string().contains("/api/fleets"), "{error}");
    assert!(own.deployments().heatmap().await.unwrap_err().to_string().contains("inferred"));
    assert_eq!(lines(&server).await.len(), 2, "each path is called once");
}
