//! What servers of openma alone have: model cards, evals, integrations, OAuth.

use std::collections::BTreeMap;
use std::time::Duration;

use polyagent::oma::types::*;
use polyagent::oma::{Generation, Oma};
use polyagent::{Error, Reason, Request};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::requests::{NOON, Servers, at};
use super::responses::decodes_as_documented;
use super::{builder, client, json, received, routes, server};

async fn both<T: 'static>(servers: &Servers, call: impl Fn(&Oma) -> Request<T>, line: &str) {
    servers.check("", call, [line, &line.replacen("/v1/", "/v1/oma/", 1), ""]).await;
}

async fn documented<T: 'static>(servers: &Servers, call: impl Fn(&Oma) -> Request<T>, line: &str) {
    servers.check("", call, [line, "", ""]).await;
}

#[tokio::test]
async fn requests_about_model_cards() {
    let servers = Servers::start().await;
    let create = || {
        let headers = BTreeMap::from([("x-team".to_owned(), "a".to_owned())]);
        ModelCardCreate::new("team-sonnet", "ant", "sk-0123456789").model("claude-sonnet-5").custom_headers(headers)
    };
    let body = r#"POST /v1/model_cards {"model_id":"team-sonnet","provider":"ant","api_key":"sk-0123456789","model":"claude-sonnet-5","custom_headers":{"x-team":"a"}}"#;
    both(&servers, |c| c.model_cards().create(create()), body).await;
    both(&servers, |c| c.model_cards().get("mdl-1"), "GET /v1/model_cards/mdl-1").await;
    let params = || ListModelCardsParams::new().provider("oai").q("t");
    both(&servers, |c| c.model_cards().list(params()), "GET /v1/model_cards?provider=oai&q=t").await;
    let update = || ModelCardUpdate::new().api_key("sk-9876543210").clear_base_url();
    let updated = r#"POST /v1/model_cards/mdl-1 {"api_key":"sk-9876543210","base_url":null}"#;
    both(&servers, |c| c.model_cards().update("mdl-1", update()), updated).await;
    both(&servers, |c| c.model_cards().delete("mdl-1"), "DELETE /v1/model_cards/mdl-1").await;
    let shown = format!("{:?} {:?}", create(), update());
    assert!(!shown.contains("sk-") && !shown.contains("x-team"), "{shown}");
    let since = || ListModelCardsParams::new().created_at_gte(at(NOON));
    let v1 = server(json(400, "{}")).await;
    let _ = client(&v1, Generation::V0).model_cards().list(since()).await;
    assert_eq!(received(&v1).await, ["GET /v1/model_cards?created_after=2026-10-01T10%3A00%3A00Z"]);
    let error = client(&v1, Generation::Anthropic).model_cards().list(since()).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported(_)) && error.to_string().contains("models()"), "{error}");
}

#[tokio::test]
async fn requests_about_evals() {
    let servers = Servers::start().await;
    let create = || EvalCreate::new("agent-1", "env-1", [EvalTaskSpec::new("t", ["Go."]).trials(2).timeout_ms(1000)]);
    let body = r#"{"agent_id":"agent-1","environment_id":"env-1","tasks":[{"id":"t","messages":["Go."],"timeout_ms":1000,"trials":2}]}"#;
    let two = |v0: &str, v1: &str| (v0.to_owned(), v1.to_owned());
    let (v0, v1) = two(&format!("POST /v1/evals {body}"), &format!("POST /v1/oma/evals/runs {body}"));
    servers.check("", |c| c.evals().create(create()), [&v0, &v1, ""]).await;
    servers
        .check("", |c| c.evals().get("evrun-1"), ["GET /v1/evals/evrun-1", "GET /v1/oma/evals/runs/evrun-1", ""])
        .await;
    let params = || ListEvalsParams::new().limit(5).agent_id("agent-1").status(EvalStatus::Running);
    let (v0, v1) = two(
        "GET /v1/evals?limit=5&agent_id=agent-1&status=running",
        "GET /v1/oma/evals/runs?limit=5&agent_id=agent-1&status=running",
    );
    servers.check("", |c| c.evals().list(params()), [&v0, &v1, ""]).await;
    let delete = "DELETE /v1/evals/runs/evrun-1";
    both(&servers, |c| c.evals().delete("evrun-1"), delete).await;
}

#[tokio::test]
async fn requests_about_integrations() {
    let servers = Servers::start().await;
    let at = "/v1/integrations/linear";
    documented(&servers, |c| c.integrations().list(), "GET /v1/integrations").await;
    documented(&servers, |c| c.integrations().install("linear"), &format!("GET {at}/install")).await;
    documented(&servers, |c| c.integrations().uninstall("linear"), &format!("POST {at}/uninstall")).await;
    let install =
        || InstallStart::new("agent-1", "env-1", "Tri", "https://example.com/done").persona_avatar_url("https://a");
    let body = r#"{"agentId":"agent-1","environmentId":"env-1","personaName":"Tri","returnUrl":"https://example.com/done","personaAvatarUrl":"https://a"}"#;
    both(&servers, |c| c.integrations().start_install("linear", install()), &format!("POST {at}/start-a1 {body}"))
        .await;
    both(&servers, |c| c.integrations().publish("linear", install()), &format!("POST {at}/publications {body}")).await;
    let pending = || ListPublicationsParams::new().status("pending");
    both(
        &servers,
        |c| c.integrations().publications("linear", pending()),
        &format!("GET {at}/publications?status=pending"),
    )
    .await;
    both(&servers, |c| c.integrations().publication("linear", "pub"), &format!("GET {at}/publications/pub")).await;
    let update = || PublicationUpdate::new().persona(PersonaUpdate::new().name("Tri")).capabilities(["issue.read"]);
    let updated =
        format!(r#"PATCH {at}/publications/pub {{"persona":{{"name":"Tri"}},"capabilities":["issue.read"]}}"#);
    both(&servers, |c| c.integrations().update_publication("linear", "pub", update()), &updated).await;
    both(&servers, |c| c.integrations().unpublish("linear", "pub"), &format!("DELETE {at}/publications/pub")).await;
    both(&servers, |c| c.integrations().installations("linear"), &format!("GET {at}/installations")).await;
    let of = format!("GET {at}/installations/inst/publications");
    both(&servers, |c| c.integrations().installation_publications("linear", "inst"), &of).await;
    let of = format!("GET {at}/agents/agent-1/publications");
    both(&servers, |c| c.integrations().agent_publications("linear", "agent-1"), &of).await;
}

#[tokio::test]
async fn requests_about_oauth() {
    let servers = Servers::start().await;
    let (any, html) = (["*/*"; 3], ["text/html"; 3]);
    let authorize = ["GET /v1/oauth/github/authorize", "", ""];
    servers.accepting(any, "", |c| c.oauth().authorize("github"), authorize).await;
    let params = || CompleteProviderParams::new().code("c").state("s");
    let complete = ["GET /v1/oauth/github/callback?code=c&state=s", "", ""];
    servers.accepting(any, "", |c| c.oauth().complete("github", params()), complete).await;
    let begin =
        || AuthorizeMcpServerParams::new("https://mcp.example.com", "vlt-1").client_id("i").client_secret("hush-0123");
    let query = "oauth/authorize?mcp_server_url=https%3A%2F%2Fmcp.example.com&vault_id=vlt-1&client_id=i&client_secret=hush-0123";
    let lines = [format!("GET /v1/{query}"), format!("GET /v1/oma/{query}")];
    servers.accepting(any, "", |c| c.oauth().authorize_mcp(begin()), [&lines[0], &lines[1], ""]).await;
    let end = || CompleteMcpServerParams::new().code("c").state("s");
    let lines = ["GET /v1/oauth/callback?code=c&state=s", "GET /v1/oma/oauth/callback?code=c&state=s", ""];
    servers.accepting(html, "", |c| c.oauth().complete_mcp(end()), lines).await;
    let refresh = r#"POST /v1/oauth/refresh {"vault_id":"vlt-1","credential_id":"cred-1"}"#;
    both(&servers, |c| c.oauth().refresh(OauthTokenRefresh::new("vlt-1", "cred-1")), refresh).await;
    let server = server(json(502, r#"{"error":"discovery failed"}"#)).await;
    let error = client(&server, Generation::V0).oauth().authorize_mcp(begin()).await.unwrap_err();
    assert!(!format!("{error:#?} {error}").contains("hush-0123"));
    assert!(!format!("{:?}", begin()).contains("hush"));
}

/// oma.md C12.
#[tokio::test]
async fn c12_a_key_that_does_not_work_is_in_the_probe() {
    let body = r#"{"id":"mdl-1a2b3c4d5e6f7g8h","model_id":"team-sonnet","model":"claude-sonnet-4-6","provider":"ant","api_key_preview":"9xyz","base_url":"https://api.example.com","is_default":false,"created_at":"2026-05-02T10:00:00Z","archived_at":null,"probe":{"ok":false,"message":"Provider returned HTTP 401: invalid x-api-key"}}"#;
    let card = decodes_as_documented(|c| c.model_cards().get("m"), body).await;
    let probe = card.probe.unwrap();
    assert_eq!(
        (probe.ok, probe.message.as_deref()),
        (Some(false), Some("Provider returned HTTP 401: invalid x-api-key"))
    );
    for (probe, ok) in [(r#"{"ok":true}"#, Some(true)), (r#"{"ok":null,"reason":"unsupported_provider"}"#, None)] {
        let body = format!(
            r#"{{"id":"m","model_id":"m","provider":"mine","custom_headers":{{"authorization":"hush"}},"probe":{probe}}}"#
        );
        let server = server(json(201, &body)).await;
        let create = ModelCardCreate::new("m", "mine", "sk-0123456789");
        let card = client(&server, Generation::V0).model_cards().create(create).await.unwrap();
        assert_eq!(card.probe.as_ref().unwrap().ok, ok);
        assert_eq!(card.provider.as_ref().unwrap().as_str(), "mine");
        assert!(!format!("{card:?}").contains("hush") && card.unknown.is_empty(), "{card:?}");
    }
}

/// oma.md C21.
#[tokio::test]
async fn c21_a_handle_that_is_taken_is_a_duplicate_on_both_builds() {
    let hosted = r#"{"type":"error","error":{"type":"api_error","message":"D1_ERROR: UNIQUE constraint failed: model_cards.model_id"},"message":"m","code":"api_error","request_id":"r"}"#;
    for (status, body) in [(500, hosted), (409, r#"{"error":"model_id already exists"}"#)] {
        let server = server(json(status, body)).await;
        let create = ModelCardCreate::new("m", "ant", "sk-0123456789");
        let error = client(&server, Generation::V0).model_cards().create(create).await.unwrap_err();
        assert_eq!((error.reason(), error.status().unwrap().as_u16()), (Some(Reason::Duplicate), status), "{error}");
        assert_eq!(received(&server).await.len(), 1);
    }
}

/// oma.md C19.
#[tokio::test]
async fn c19_evals_are_found_below_runs_and_remembered_there() {
    let run = r#"{"id":"evrun-1","status":"running"}"#;
    let server = routes(&[
        ("GET", "/v1/evals/runs", 200, r#"{"data":[{"id":"evrun-1","status":"running"}]}"#),
        ("POST", "/v1/evals/runs", 200, r#"{"run_id":"evrun-1","task_count":1}"#),
        ("GET", "/v1/evals/runs/evrun-1", 200, run),
    ])
    .await;
    let evals = client(&server, Generation::V0).evals();
    for _ in 0..2 {
        assert_eq!(evals.list(ListEvalsParams::new()).await.unwrap().items.len(), 1);
        let created = evals.create(EvalCreate::new("a", "e", [EvalTaskSpec::new("t", ["Go."])])).await.unwrap();
        assert_eq!((created.run_id.as_str(), created.task_count), ("evrun-1", Some(1)));
        assert_eq!(evals.get("evrun-1").await.unwrap().status, EvalStatus::Running);
    }
    let paths: Vec<_> =
        received(&server).await.into_iter().map(|line| line.split(" {").next().unwrap().to_owned()).collect();
    let (list, create, get) = ("GET /v1/evals/runs", "POST /v1/evals/runs", "GET /v1/evals/runs/evrun-1");
    assert_eq!(
        paths,
        ["GET /v1/evals", list, "POST /v1/evals", create, "GET /v1/evals/evrun-1", get, list, create, get]
    );
    let hosted = super::server(ResponseTemplate::new(404).set_body_raw("404 Not Found", "text/plain")).await;
    client(&hosted, Generation::V0).evals().get("evrun-1").await.unwrap_err();
    assert_eq!(received(&hosted).await, ["GET /v1/evals/evrun-1", get]);
}

#[tokio::test]
async fn an_eval_that_may_have_begun_is_not_begun_again() {
    let server = server(json(500, "{}")).await;
    let eval = EvalCreate::new("a", "e", [EvalTaskSpec::new("t", ["Go."])]);
    let error = client(&server, Generation::V0).evals().create(eval).await.unwrap_err();
    assert!(error.may_have_been_processed());
    assert_eq!(received(&server).await.len(), 1);
}

#[tokio::test]
async fn an_eval_is_waited_for_and_read() {
    let server = MockServer::builder().start().await;
    let pending = json(200, r#"{"id":"evrun-1","status":"pending"}"#);
    Mock::given(any()).respond_with(pending).up_to_n_times(1).mount(&server).await;
    let body = r#"{"id":"evrun-1","tenant_id":"tn_1","agent_id":"a","environment_id":"e","status":"completed","created_at":"2026-05-02T10:00:00Z","started_at":"2026-05-02T10:00:00Z","ended_at":"2026-05-02T11:00:00Z","error":"none","task_count":1,"completed_count":1,"failed_count":0,"tasks":[{"id":"t","spec":{"id":"t","messages":["Go."],"setup_files":[{"path":"/a","content":"x"}],"setup_script":"true","timeout_ms":5,"trials":1,"reward":{"type":"script","verify_script":"true","timeout_ms":5}},"status":"completed","trials":[{"trial_index":0,"status":"completed","session_id":"sess-1","trajectory_id":"tr-1","current_message_index":1,"error":"none","started_at":"2026-05-02T10:00:00Z","ended_at":"2026-05-02T11:00:00Z","finalize_retry_count":1,"reward":0.5}],"trial_total":1,"trial_pass_count":1,"error":"none"}]}"#;
    Mock::given(any()).respond_with(json(200, body)).mount(&server).await;
    let evals = client(&server, Generation::V1).evals();
    let run = evals.wait("evrun-1").interval(Duration::from_millis(1), Duration::from_millis(1)).await.unwrap();
    assert_eq!((run.status, run.tasks[0].trials[0].reward), (EvalStatus::Completed, Some(0.5)));
    decodes_as_documented(|c| c.evals().get("e"), body).await;
}

/// oma.md C3.
#[tokio::test]
async fn c3_what_no_server_routes_says_what_to_use() {
    let server = routes(&[]).await;
    let client = client(&server, Generation::V0);
    let advised = |error: Error, advice: &str| {
        assert!(matches!(error, Error::NotFound(_)) && error.reason() == Some(Reason::RouteMissing), "{error}");
        assert!(error.to_string().contains(advice), "{error}");
    };
    advised(client.integrations().list().await.unwrap_err(), "installations");
    advised(client.integrations().install("linear").await.unwrap_err(), "start_install");
    advised(client.integrations().uninstall("linear").await.unwrap_err(), "unpublish");
    advised(client.oauth().authorize("github").await.unwrap_err(), "authorize_mcp");
    let newer = super::client(&server, Generation::V1);
    let error = newer.integrations().install("linear").await.unwrap_err();
    assert!(matches!(error, Error::Unsupported(_)) && error.to_string().contains("start_install"), "{error}");
}

#[tokio::test]
async fn redirects_are_handed_out_and_not_followed() {
    let target = "https://provider.example.com/consent?state=hush-0123";
    let redirect = ResponseTemplate::new(302).insert_header("location", target);
    let server = server(redirect).await;
    let client = client(&server, Generation::V0);
    let mcp = AuthorizeMcpServerParams::new("https://mcp.example.com", "vlt-1");
    let begun = client.oauth().authorize_mcp(mcp).await.unwrap();
    assert_eq!(begun.location(), target);
    assert!(!format!("{begun:?}").contains("hush"));
    assert_eq!(client.oauth().authorize("github").await.unwrap().location(), target);
    assert_eq!(client.integrations().install("linear").await.unwrap().location(), target);
    assert_eq!(received(&server).await.len(), 3);
    for body in [r#"{"url":"https://a.example.com"}"#, r#"{"redirect_url":"https://a.example.com"}"#] {
        let server = super::server(json(200, body)).await;
        let install = super::client(&server, Generation::V0).integrations().install("linear").await.unwrap();
        assert_eq!(install.location(), "https://a.example.com");
    }
}

#[tokio::test]
async fn integrations_are_read_in_both_spellings() {
    let publication = r#"{"id":"pub","user_id":"u","agent_id":"a","installation_id":"","environment_id":"e","mode":"full","status":"live","persona":{"name":"Tri","avatarUrl":null},"capabilities":["issue.read"],"session_granularity":"per_issue","created_at":1777716003100,"unpublished_at":null}"#;
    let server = server(json(200, publication)).await;
    let read = client(&server, Generation::V0).integrations().publication("linear", "pub").await.unwrap();
    assert_eq!(
        (read.status.as_ref(), read.persona.as_ref().unwrap().name.as_deref()),
        (Some(&PublicationStatus::Live), Some("Tri"))
    );
    assert_eq!(read.created_at.unwrap().to_string(), "2026-05-02T10:00:03.1Z");
    assert!(read.unknown.is_empty(), "{read:?}");
    let camel = r#"{"formToken":"hush-0123","publicationId":"pub","suggestedAppName":"Tri","suggestedAvatarUrl":null,"webhookUrl":"https://w","appOmaId":"o","setupUrl":"https://s","manifestStartUrl":"https://m","recommendedPermissions":{"issues":"write"},"recommendedSubscriptions":["issues"]}"#;
    let snake = r#"{"publication_id":"pub","callback_url":"https://c","webhook_url":"https://w","suggested_app_name":"Tri","suggested_avatar_url":null,"return_url":"https://r"}"#;
    for body in [camel, snake] {
        let server = super::server(json(200, body)).await;
        let install = InstallStart::new("a", "e", "Tri", "https://r");
        let begun = client(&server, Generation::V0).integrations().publish("linear", install).await.unwrap();
        assert_eq!((begun.publication_id.as_deref(), begun.webhook_url.as_deref()), (Some("pub"), Some("https://w")));
        assert!(begun.unknown.is_empty() && !format!("{begun:?}").contains("hush"), "{begun:?}");
        assert_eq!(begun.form_token.is_some(), body == camel);
    }
    let installations = r#"{"data":[{"id":"inst","workspace_id":"w","workspace_name":"W","install_kind":"k","bot_user_id":"b","bot_login":"b","vault_id":"v","created_at":1777716003100}]}"#;
    let server = super::server(json(200, installations)).await;
    let page = client(&server, Generation::V0).integrations().installations("slack").await.unwrap();
    assert!(page.items[0].unknown.is_empty(), "{page:?}");
    let gone = super::server(json(200, r#"{"id":"pub","status":"unpublished"}"#)).await;
    let gone = client(&gone, Generation::V0).integrations().unpublish("linear", "pub").await.unwrap();
    assert_eq!(gone.status.as_deref(), Some("unpublished"));
}

#[tokio::test]
async fn a_token_is_a_secret_and_a_page_is_bytes() {
    let token = r#"{"access_token":"hush-0123","expires_at":"2026-05-02T10:00:00Z"}"#;
    let token_server = server(json(200, token)).await;
    let refreshed =
        client(&token_server, Generation::V1).oauth().refresh(OauthTokenRefresh::new("v", "c")).await.unwrap();
    assert_eq!(refreshed.access_token.expose(), "hush-0123");
    assert!(!format!("{refreshed:?}").contains("hush"));
    let broken = server(json(200, r#"{"access_tokens":"hush-0123"}"#)).await;
    let error = client(&broken, Generation::V1).oauth().refresh(OauthTokenRefresh::new("v", "c")).await.unwrap_err();
    assert!(matches!(error, Error::Decode(_)) && !format!("{error:#?} {error}").contains("hush"), "{error:?}");
    let page = server(ResponseTemplate::new(200).set_body_raw("<html>Done</html>", "text/html")).await;
    let params = CompleteMcpServerParams::new().code("c").state("s");
    assert_eq!(client(&page, Generation::V0).oauth().complete_mcp(params).await.unwrap(), "<html>Done</html>");
    let once = server(json(502, "{}")).await;
    let complete = builder(&once).generation(Generation::V0).build().unwrap().oauth();
    complete.complete_mcp(CompleteMcpServerParams::new().code("c")).await.unwrap_err();
    assert_eq!(received(&once).await.len(), 1, "a code counts once");
}
