//! The conflicts between what is documented and what servers do, by their numbers in the fact sheets.

use polyagent::oma::types::*;
use polyagent::oma::{Generation, Oma};
use polyagent::{Error, Page, Reason, Request};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer};

use super::{client, header, json, received, routes, server};

const AGENT: &str = r#"{"type":"agent","id":"agent_01","version":2,"name":"triager"}"#;
const MISSING: &str = r#"{"error":"not found"}"#;
const NO_ROUTE: &str = r#"{"type":"error","error":{"type":"not_found_error","message":"No route matched PATCH /v1/environments/env-1"},"message":"No route matched PATCH /v1/environments/env-1","code":"not_found_error","request_id":"r"}"#;

#[tokio::test]
async fn v0_c01_an_update_is_a_post_where_patch_is_no_route() {
    // As self-hosted, hosted (outer and inner) and other servers say it.
    for (status, missing) in [(404, MISSING), (404, NO_ROUTE), (404, "404 Not Found"), (405, "")] {
        let server = MockServer::builder().start().await;
        Mock::given(wiremock::matchers::method("PATCH")).respond_with(json(status, missing)).mount(&server).await;
        Mock::given(any()).respond_with(json(200, AGENT)).with_priority(9).mount(&server).await;
        let agents = client(&server, Generation::V0).agents();
        let update = || AgentUpdate::new().name("b");
        agents.update("agent_01", update()).await.unwrap();
        agents.update("agent_01", update()).await.unwrap();
        let verbs: Vec<_> = received(&server).await.iter().map(|line| line[..5].to_owned()).collect();
        assert_eq!(verbs, ["PATCH", "POST ", "POST "], "the route that works is remembered");
    }
    let server = server(json(404, r#"{"error":"Agent not found"}"#)).await;
    let error = client(&server, Generation::V0).agents().update("agent_01", AgentUpdate::new()).await.unwrap_err();
    assert!(matches!(error, Error::NotFound(_)) && received(&server).await.len() == 1, "{error}");
}

#[tokio::test]
async fn v0_c02_deleting_is_not_archiving() {
    let deleted = r#"{"type":"agent_deleted","id":"agent-1"}"#;
    let server = server(json(200, deleted)).await;
    let client = client(&server, Generation::V0);
    assert_eq!(client.agents().delete("agent-1").await.unwrap().type_.as_deref(), Some("agent_deleted"));
    client.sessions().delete("sess-1").await.unwrap();
    assert_eq!(received(&server).await, ["DELETE /v1/agents/agent-1", "DELETE /v1/sessions/sess-1"]);
    let newer = super::client(&server, Generation::Anthropic).agents().delete("agent-1").await.unwrap_err();
    assert!(newer.to_string().ends_with("use `agents().archive`"), "{newer}");
}

#[tokio::test]
async fn v0_c03_what_is_not_routed_is_composed() {
    let server = routes(&[
        ("GET", "/v1/sessions/sess-1/events", 200, r#"{"data":[],"has_more":false}"#),
        ("POST", "/v1/sessions/sess-1/events", 202, ""),
        ("GET", "/v1/sessions/sess-1", 200, r#"{"id":"sess-1","status":"idle"}"#),
        ("GET", "/health", 200, r#"{"status":"ok"}"#),
    ])
    .await;
    let client = client(&server, Generation::V0);
    assert!(client.sessions().log("sess-1").await.unwrap().items.is_empty());
    assert!(client.sessions().cancel("sess-1").await.unwrap().is_some());
    assert_eq!(client.health().await.unwrap().status.as_deref(), Some("ok"));
}

#[tokio::test]
async fn v0_c04_a_session_names_its_agent_as_agent() {
    let server = server(json(400, "{}")).await;
    let create = SessionCreate::new("agent-1", "env-1").title("triage");
    let _ = client(&server, Generation::V0).sessions().create(create).await;
    let want = r#"POST /v1/sessions {"agent":"agent-1","environment_id":"env-1","title":"triage"}"#;
    assert_eq!(received(&server).await, [want]);
}

#[tokio::test]
async fn v0_c05_the_status_of_a_session_is_an_open_set() {
    for (status, known) in [
        ("idle", SessionStatus::Idle),
        ("running", SessionStatus::Running),
        ("rescheduling", SessionStatus::Rescheduling),
        ("terminated", SessionStatus::Terminated),
        ("paused", SessionStatus::Unknown("paused".to_owned())),
    ] {
        let body = format!(r#"{{"id":"sess-1","status":"{status}"}}"#);
        let server = server(json(200, &body)).await;
        assert_eq!(client(&server, Generation::V0).sessions().get("sess-1").await.unwrap().status, known);
    }
}

#[tokio::test]
async fn v0_c08_rows_of_both_builds_page_by_their_numbers() {
    for row in [
        r#"{"seq":SEQ,"type":"agent.message","data":{"type":"agent.message","content":[]},"ts":1777716003}"#,
        r#"{"seq":SEQ,"type":"agent.message","content":[],"ts":1777716003100}"#,
    ] {
        let row = |seq: &str| row.replace("SEQ", seq);
        let server = MockServer::builder().start().await;
        let first = format!(r#"{{"data":[{},{}],"has_more":true,"next_page":"seq_5"}}"#, row("4"), row("5"));
        Mock::given(any()).respond_with(json(200, &first)).up_to_n_times(1).mount(&server).await;
        let second = format!(r#"{{"data":[{}],"has_more":false,"next_page":null}}"#, row("6"));
        Mock::given(any()).respond_with(json(200, &second)).mount(&server).await;
        let events = client(&server, Generation::V0).sessions();
        let all: Vec<_> = collect(events.events("s", ListSessionEventsParams::new().after_seq(3))).await;
        assert_eq!(all.iter().map(|event| event.seq().unwrap()).collect::<Vec<_>>(), [4, 5, 6]);
        let want = ["after_seq=3", "after_seq=5"].map(|query| format!("GET /v1/sessions/s/events?{query}"));
        assert_eq!(received(&server).await, want);
    }
}

async fn collect<T: Clone + Send + 'static>(list: Request<Page<T>>) -> Vec<T> {
    let mut pages = Vec::new();
    let mut page = list.clone().await.unwrap();
    loop {
        pages.extend(page.items.clone());
        let Some(cursor) = page.next_cursor().cloned() else { return pages };
        page = list.clone().after(&cursor).await.unwrap();
    }
}

#[tokio::test]
async fn v0_c14_an_environment_in_use_is_a_conflict() {
    let server = server(json(409, r#"{"error":"Environment is in use by 1 session"}"#)).await;
    let error = client(&server, Generation::V0).environments().delete("env-1").await.unwrap_err();
    assert!(matches!(error, Error::Conflict(_)) && received(&server).await.len() == 1, "{error}");
}

#[tokio::test]
async fn v0_c15_the_current_version_is_no_version_of_its_own() {
    let server = routes(&[
        ("GET", "/v1/agents/agent_01/versions", 200, r#"{"data":[]}"#),
        ("GET", "/v1/agents/agent_01/versions/2", 404, r#"{"error":"Version not found"}"#),
        ("GET", "/v1/agents/agent_01", 200, AGENT),
    ])
    .await;
    let agents = client(&server, Generation::V0).agents();
    assert!(agents.versions("agent_01", ListAgentVersionsParams::new()).await.unwrap().items.is_empty());
    assert_eq!(agents.version("agent_01", 2).await.unwrap().name, "triager");
}

#[tokio::test]
async fn v0_c16_the_status_decides_whatever_word_an_error_has() {
    for kind in ["not_found", "not_found_error", "api_error"] {
        let body = format!(r#"{{"error":{{"type":"{kind}","message":"m"}}}}"#);
        let error = client(&server(json(404, &body)).await, Generation::V0).agents().get("a").await.unwrap_err();
        assert!(matches!(error, Error::NotFound(_)) && error.code() == Some(kind), "{error}");
        assert!(error.rate_limit().is_none());
    }
}

#[tokio::test]
async fn v0_c20_events_for_an_archived_session_are_a_conflict_and_sent_once() {
    let server = server(json(409, r#"{"error":"Session is archived"}"#)).await;
    let send = client(&server, Generation::V0).sessions().send("s", UserMessage::text("hi"));
    let error = send.await.unwrap_err();
    assert!(matches!(error, Error::Conflict(_)) && !error.may_have_been_processed(), "{error}");
    assert_eq!(received(&server).await.len(), 1);
}

/// Secrets go to the vault one by one, as credentials.
#[tokio::test]
async fn v0_c11_a_vault_is_created_without_secrets() {
    let server = server(json(201, r#"{"id":"vlt-1","name":"v"}"#)).await;
    let client = client(&server, Generation::V0);
    client.vaults().create(VaultCreate::new("v")).await.unwrap();
    let auth = StaticBearerInput::new("tok", "https://mcp.example.com/mcp");
    client.credentials().create("vlt-1", CredentialCreate::new(auth).display_name("n")).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let [vault, credential] = &requests[..] else { panic!("{}", requests.len()) };
    assert_eq!((vault.url.path(), vault.body.as_slice()), ("/v1/vaults", &br#"{"name":"v"}"#[..]));
    assert_eq!(credential.url.path(), "/v1/vaults/vlt-1/credentials");
    assert!(String::from_utf8_lossy(&credential.body).contains(r#""token":"tok""#));
}

/// Any key of the tenant reads it there, and the documentation calls it internal: no method of the crate does.
#[test]
fn v0_c13_the_key_of_a_model_card_is_not_in_the_document() {
    let document: serde_json::Value = serde_json::from_str(include_str!("../../../spec/openapi.json")).unwrap();
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    assert!(paths.iter().any(|path| path.ends_with("/model_cards/{card_id}")), "the probe finds model cards");
    assert!(!paths.iter().any(|path| path.contains("/model_cards/") && path.ends_with("/key")));
}

#[tokio::test]
async fn v0_c17_an_unknown_environment_is_found_missing_at_once_or_later() {
    let session = || SessionCreate::new("agent-1", "env-none");
    let missing = r#"{"type":"error","error":{"type":"not_found_error","message":"Environment not found"},"message":"Environment not found","code":"not_found_error","request_id":"r"}"#;
    let hosted = server(json(404, missing)).await;
    let error = client(&hosted, Generation::V0).sessions().create(session()).await.unwrap_err();
    assert!(error.is_not_found() && !error.is_unsupported(), "{error}");
    assert_eq!((error.message().as_str(), received(&hosted).await.len()), ("Environment not found", 1));
    let own = server(json(201, r#"{"id":"sess-1","status":"idle","environment_id":"env-none"}"#)).await;
    let created = client(&own, Generation::V0).sessions().create(session()).await.unwrap();
    assert_eq!(created.environment_id.as_deref(), Some("env-none"));
}

/// A store belongs to the tenant: the filter that old documentation has is ignored, so there is none.
#[tokio::test]
async fn v0_c18_memory_stores_are_not_filtered_by_agent() {
    let server = server(json(200, r#"{"data":[{"id":"mem-1","name":"notes","agent_id":"agent-1"}]}"#)).await;
    let stores = client(&server, Generation::V0).memory_stores().list(ListMemoryStoresParams::new()).await.unwrap();
    assert_eq!((stores.items.len(), stores.items[0].unknown["agent_id"].as_str()), (1, Some("agent-1")));
    assert_eq!(received(&server).await, ["GET /v1/memory_stores"]);
}

#[tokio::test]
async fn v1_c01_the_key_goes_to_openma_as_x_api_key_and_to_anthropic_as_bearer() {
    for generation in super::GENERATIONS {
        let server = server(json(400, "{}")).await;
        let _ = client(&server, generation).agents().get("a").await;
        let request = &server.received_requests().await.unwrap()[0];
        let is_anthropic = generation == Generation::Anthropic;
        assert_eq!(request.headers.contains_key("authorization"), is_anthropic, "{generation}");
        assert_eq!(request.headers.contains_key("x-api-key"), !is_anthropic, "{generation}: never both");
    }
}

#[tokio::test]
async fn v1_c02_c03_the_version_is_for_anthropic_and_beta_is_no_query() {
    for (generation, version) in [(Generation::V1, ""), (Generation::Anthropic, "2026-10-21")] {
        let server = server(json(400, "{}")).await;
        let _ = client(&server, generation).agents().list(ListAgentsParams::new()).await;
        let request = &server.received_requests().await.unwrap()[0];
        assert_eq!(header(request, "anthropic-version"), version);
        assert_eq!(request.url.query(), None);
    }
}

/// The official SDKs no longer send them, and openma demands them.
#[tokio::test]
async fn v1_c04_files_and_skills_say_their_betas() {
    for generation in [Generation::V1, Generation::Anthropic] {
        let server = server(json(400, "{}")).await;
        let client = client(&server, generation);
        let _ = client.files().get("file_011").await;
        let _ = client.skills().get("skill_01").await;
        let requests = server.received_requests().await.unwrap();
        let betas: Vec<&str> = requests.iter().map(|request| header(request, "anthropic-beta")).collect();
        assert_eq!(betas, ["files-api-2025-04-14", "skills-2025-10-02"], "{generation}");
    }
}

#[tokio::test]
async fn v1_c07_what_only_openma_has_is_under_its_prefix() {
    let server = server(json(400, "{}")).await;
    let client = client(&server, Generation::V1);
    let _ = client.me().await;
    let _ = client.outputs().list("s").await;
    assert_eq!(received(&server).await, ["GET /v1/oma/me", "GET /v1/oma/sessions/s/outputs"]);
}

#[tokio::test]
async fn v1_c08_sent_events_may_be_returned_or_not() {
    for (status, body, returned) in
        [(200, r#"{"data":[{"type":"user.message","content":[]}]}"#, true), (202, "", false)]
    {
        let server = server(json(status, body)).await;
        let sent = client(&server, Generation::V1).sessions().send("s", UserMessage::text("hi")).await.unwrap();
        assert_eq!(sent.is_some(), returned, "{status}");
    }
}

#[tokio::test]
async fn v1_c09_an_event_of_a_type_to_come_is_kept() {
    let body = r#"{"data":[{"type":"workflow_run.paused","id":"e"}],"next_page":null}"#;
    let server = server(json(200, body)).await;
    let page = client(&server, Generation::Anthropic).sessions().events("s", ListSessionEventsParams::new());
    assert!(matches!(&page.await.unwrap().items[0], Event::Unknown(value) if value["id"] == "e"));
}

#[tokio::test]
async fn v1_c10_a_conflict_is_never_retried() {
    for should_retry in [None, Some("true")] {
        let mut conflict = json(409, "{}");
        if let Some(value) = should_retry {
            conflict = conflict.insert_header("x-should-retry", value);
        }
        let server = server(conflict).await;
        client(&server, Generation::Anthropic).environments().delete("env_01").await.unwrap_err();
        assert_eq!(received(&server).await.len(), 1, "{should_retry:?}");
    }
}

#[tokio::test]
async fn v1_c11_no_page_size_is_sent_unless_it_is_set() {
    for generation in super::GENERATIONS {
        let server = server(json(200, r#"{"data":[],"has_more":false,"next_page":null}"#)).await;
        let sessions = client(&server, generation).sessions();
        sessions.list(ListSessionsParams::new()).await.unwrap();
        sessions.events("s", ListSessionEventsParams::new()).await.unwrap();
        assert_eq!(received(&server).await, ["GET /v1/sessions", "GET /v1/sessions/s/events"]);
    }
}

#[tokio::test]
async fn v1_c12_a_session_may_run_at_once() {
    let server = server(json(201, r#"{"type":"session","id":"sesn_01","status":"running"}"#)).await;
    let session = client(&server, Generation::V1).sessions().create(SessionCreate::new("a", "e")).await.unwrap();
    assert_eq!(session.status, SessionStatus::Running);
}

#[tokio::test]
async fn v1_c13_an_update_makes_a_version_each_time_so_it_is_sent_once() {
    let server = server(json(502, "")).await;
    let update = client(&server, Generation::V1).agents().update("agent_01", AgentUpdate::new().name("b"));
    assert!(update.await.unwrap_err().may_have_been_processed());
    assert_eq!(received(&server).await.len(), 1);
}

#[tokio::test]
async fn v1_c14_the_hosted_server_is_the_documented_one() {
    let shown = format!("{:?}", Oma::new("oma_1").unwrap());
    assert!(shown.contains("https://app.openma.dev"), "{shown}");
}

#[tokio::test]
async fn v1_c16_the_token_of_a_repository_is_optional_and_its_absence_named_by_the_server() {
    let message = "Invalid request field resources[0].authorization_token: required";
    let body = format!(r#"{{"type":"error","error":{{"type":"invalid_request_error","message":"{message}"}}}}"#);
    let server = server(json(400, &body)).await;
    let repository = RepositoryResourceInput::new("https://github.com/a/b");
    let create = SessionCreate::new("a", "e").resources([repository.into()]);
    let error = client(&server, Generation::V1).sessions().create(create).await.unwrap_err();
    assert_eq!(error.field_errors()[0].path(), "resources[0].authorization_token");
    let want = r#"POST /v1/sessions {"agent":"a","environment_id":"e","resources":[{"type":"github_repository","url":"https://github.com/a/b"}]}"#;
    assert_eq!(received(&server).await, [want]);
}

#[tokio::test]
async fn v1_c17_a_deletion_is_known_by_its_id() {
    for word in ["vault_credential_deleted", "credential_deleted", "gone"] {
        let server = server(json(200, &format!(r#"{{"type":"{word}","id":"vcrd_1"}}"#))).await;
        assert_eq!(client(&server, Generation::V1).credentials().delete("v", "vcrd_1").await.unwrap().id, "vcrd_1");
    }
}

#[tokio::test]
async fn v1_c18_events_can_be_asked_for_by_any_word() {
    let server = server(json(400, "{}")).await;
    let params = ListSessionEventsParams::new().types(["session.deleted", "of.tomorrow"]);
    let _ = client(&server, Generation::V1).sessions().events("s", params).await;
    assert_eq!(
        received(&server).await,
        ["GET /v1/sessions/s/events?types%5B%5D=session.deleted&types%5B%5D=of.tomorrow"]
    );
}

#[tokio::test]
async fn lists_of_newer_servers_end_without_a_token_and_can_go_back() {
    for end in [r#""next_page":null"#, r#""next_page":"""#, r#""prev_page":null"#] {
        let server = server(json(200, &format!(r#"{{"data":[{{"id":"sesn_01","status":"idle"}}],{end}}}"#))).await;
        let page = client(&server, Generation::V1).sessions().list(ListSessionsParams::new()).await.unwrap();
        assert!(page.next_cursor().is_none() && page.previous_cursor().is_none(), "{end}");
    }
    let server = MockServer::builder().start().await;
    let middle = r#"{"data":[{"id":"sesn_02","status":"idle"}],"next_page":"n","prev_page":"p"}"#;
    Mock::given(any()).respond_with(json(200, middle)).up_to_n_times(1).mount(&server).await;
    let first = r#"{"data":[{"id":"sesn_01","status":"idle"}],"next_page":"m","prev_page":null}"#;
    Mock::given(any()).respond_with(json(200, first)).mount(&server).await;
    let sessions = client(&server, Generation::V1).sessions();
    let page = sessions.list(ListSessionsParams::new().page("m")).await.unwrap();
    let back = page.previous_cursor().unwrap();
    let before = sessions.list(ListSessionsParams::new().page("m")).after(back).await.unwrap();
    assert_eq!(before.items[0].id, "sesn_01");
    assert_eq!(received(&server).await, ["GET /v1/sessions?page=m", "GET /v1/sessions?page=p"]);
}

#[tokio::test]
async fn lists_of_v0_go_on_by_cursor() {
    let server = MockServer::builder().start().await;
    let more = format!(r#"{{"data":[{AGENT}],"has_more":true,"next_cursor":"c_2"}}"#);
    Mock::given(any()).respond_with(json(200, &more)).up_to_n_times(1).mount(&server).await;
    let end = format!(r#"{{"data":[{}],"has_more":false}}"#, AGENT.replace("agent_01", "agent_02"));
    Mock::given(any()).respond_with(json(200, &end)).mount(&server).await;
    let agents = collect(client(&server, Generation::V0).agents().list(ListAgentsParams::new().q("t"))).await;
    assert_eq!(agents.len(), 2);
    assert_eq!(received(&server).await, ["GET /v1/agents?q=t", "GET /v1/agents?q=t&cursor=c_2"]);
}

#[tokio::test]
async fn a_route_that_a_build_lacks_is_told_from_an_object_that_does_not_exist() {
    let lacking = server(json(404, MISSING)).await;
    let error = client(&lacking, Generation::V0).outputs().list("sess-1").await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::RouteMissing));
    let missing = server(json(404, r#"{"error":"Session not found"}"#)).await;
    let error = client(&missing, Generation::V0).outputs().list("sess-1").await.unwrap_err();
    assert_eq!((error.reason(), error.message().as_str()), (None, "Session not found"));
}
