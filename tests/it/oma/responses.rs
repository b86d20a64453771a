//! Literal responses of both fact sheets, decoded: every field is found again under its documented name, and nothing
//! documented is left among the unknown fields.

use std::fmt::Debug;

use polyagent::oma::types::*;
use polyagent::oma::{Generation, Oma};
use polyagent::{Page, Request};
use serde::Serialize;
use serde_json::{Value, json};

use super::{client, json as answer, server};

const AGENT_V1: &str = r#"{"type":"agent","id":"agent_01","version":1,"name":"triager","description":null,"system":null,"model":{"id":"claude-sonnet-5","effort":{"type":"high"},"speed":"standard"},"tools":[{"type":"agent_toolset_20260401","configs":[],"default_config":{"enabled":true,"permission_policy":{"type":"always_allow"}}}],"mcp_servers":[],"skills":[],"multiagent":null,"execution_identity":{"type":"service_account"},"metadata":{},"created_at":"2026-10-01T10:00:00Z","updated_at":"2026-10-01T10:00:00Z","archived_at":null}"#;
const AGENT_V0: &str = r#"{"type":"agent","id":"agent-q1w2e3r4t5y6u7i8","name":"triager","model":{"id":"my-anthropic","speed":"standard"},"system":"Be short.","description":null,"tools":[{"type":"agent_toolset_20260401"},{"type":"custom","name":"lookup","description":"d","input_schema":{"type":"object"}}],"mcp_servers":[{"name":"m","type":"url","url":"https://mcp.example.com"},{"name":"s","type":"stdio","stdio":{"command":"c","args":["a"],"env":{"K":"V"},"port":7,"sse_path":"/s","ready_timeout_ms":5}}],"skills":[{"skill_id":"skill_1","type":"custom","version":"1"}],"multiagent":{"type":"coordinator","agents":[{"type":"agent","id":"agent-2","version":1}]},"callable_agents":[{"type":"agent","id":"agent-2","version":1}],"metadata":{"team":"a"},"enable_general_subagent":true,"version":2,"created_at":"2026-05-02T10:00:00Z","updated_at":"2026-05-02T10:00:00Z","archived_at":"2026-05-03T10:00:00Z","_oma":{"aux_model":{"id":"m","speed":"fast"},"harness":"default","runtime_binding":{"runtime_id":"r","acp_agent_id":"a","local_skill_blocklist":["x"]},"appendable_prompts":["p"]}}"#;
const SESSION_V1: &str = r#"{"type":"session","id":"sesn_01","agent":{"type":"agent","id":"agent_01","version":1,"name":"triager","description":null,"system":null,"model":{"id":"claude-sonnet-5"},"tools":[],"mcp_servers":[],"skills":[],"multiagent":null,"execution_identity":{"type":"service_account"}},"environment_id":"env_01","status":"idle","title":null,"budget":null,"metadata":{},"resources":[],"outcome_evaluations":[],"vault_ids":[],"stats":{"duration_seconds":1.5},"usage":{"input_tokens":3,"output_tokens":5},"created_at":"2026-10-01T10:00:00Z","updated_at":"2026-10-01T10:00:00Z","archived_at":null}"#;
const SESSION_V0: &str = r#"{"type":"session","id":"sess-z9y8x7w6v5u4t3s2","agent_id":"agent-q1w2e3r4t5y6u7i8","environment_id":"env-a1b2c3d4e5f6g7h8","agent":{"type":"agent","id":"agent-q1w2e3r4t5y6u7i8","version":2,"name":"triager","model":"my-anthropic","system":"Be short.","tools":[{"type":"agent_toolset_20260401"}],"multiagent":null},"title":"triage","status":"idle","vault_ids":[],"metadata":{},"resources":[],"outcome_evaluations":[],"usage":{},"stats":{"duration_seconds":0},"created_at":"2026-05-02T10:00:00.000Z","updated_at":null,"archived_at":null,"terminated_at":null}"#;

/// What says nothing is left out: nulls, and empty lists and objects.
fn said(value: &Value) -> Value {
    let is_said = |value: &Value| match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    };
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, field)| (name.clone(), said(field)));
            fields.filter(|(_, field)| is_said(field)).collect()
        }
        Value::Array(items) => items.iter().map(said).collect(),
        Value::Number(number) => json!(number.as_f64()),
        other => other.clone(),
    }
}

fn nothing_is_unknown(shown: &str) {
    assert!(!shown.contains("Unknown("), "{shown}");
    for rest in shown.split("unknown: ").skip(1) {
        assert!(rest.starts_with("{}"), "an unknown field: {}", &rest[..rest.len().min(200)]);
    }
}

/// Decodes `body`, which says the same as `documented`.
async fn decodes<T: Debug + Serialize + 'static>(
    call: impl FnOnce(Oma) -> Request<T>,
    body: &str,
    documented: &Value,
) -> T {
    let server = server(answer(200, body)).await;
    let decoded = call(client(&server, Generation::V1)).await.unwrap_or_else(|error| panic!("{body}: {error}"));
    assert_eq!(said(&serde_json::to_value(&decoded).unwrap()), said(documented), "{body}");
    nothing_is_unknown(&format!("{decoded:?}"));
    decoded
}

/// Decodes `body`, which is in the documented form.
async fn decodes_as_documented<T: Debug + Serialize + 'static>(call: impl FnOnce(Oma) -> Request<T>, body: &str) -> T {
    decodes(call, body, &serde_json::from_str(body).unwrap()).await
}

/// `value` with other values at some pointers.
fn with(body: &str, changes: &[(&str, Value)]) -> Value {
    let mut value: Value = serde_json::from_str(body).unwrap();
    for (pointer, change) in changes {
        *value.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = change.clone();
    }
    value
}

#[tokio::test]
async fn an_agent_of_either_generation() {
    let get = |client: Oma| client.agents().get("a");
    let new = decodes_as_documented(get, AGENT_V1).await;
    assert_eq!((new.id.as_str(), new.version, new.name.as_str()), ("agent_01", 1, "triager"));
    let model = new.model.unwrap();
    assert_eq!(
        (model.id.as_str(), model.speed, model.effort.unwrap().type_),
        ("claude-sonnet-5", Some(Speed::Standard), Effort::High)
    );
    assert!(matches!(new.execution_identity, Some(ExecutionIdentity::ServiceAccount(_))));
    let Tool::AgentToolset(tools) = &new.tools[0] else { panic!("{:?}", new.tools) };
    assert_eq!(tools.default_config.as_ref().unwrap().enabled, Some(true));
    let old = decodes_as_documented(get, AGENT_V0).await;
    assert_eq!((old.system.as_deref(), old.enable_general_subagent), (Some("Be short."), Some(true)));
    assert_eq!(old.mcp_servers[1].stdio.as_ref().unwrap().port, 7);
    assert_eq!(old.oma.as_ref().unwrap().harness.as_deref(), Some("default"));
    assert!(!format!("{old:?}").contains("\"V\""), "environment variables are secrets");
    let short = AGENT_V1.replace(r#"{"id":"claude-sonnet-5","effort":{"type":"high"},"speed":"standard"}"#, "\"m\"");
    let documented = with(&short, &[("/model", json!({"id": "m"}))]);
    decodes(get, &short, &documented).await;
    let role = AGENT_V1.replace(r#"{"type":"service_account"}"#, r#"{"type":"aws_role","role_arn":"arn"}"#);
    decodes_as_documented(get, &role).await;
    let tools = r#"[{"type":"mcp_toolset","mcp_server_name":"m","configs":[{"name":"x","enabled":false}],"default_config":{"enabled":true,"permission_policy":{"type":"always_ask"}}},{"type":"agent_toolset_20260401","configs":[{"name":"web_search","type":"web_search","enabled":true,"permission_policy":{"type":"auto"},"allowed_domains":["a"],"blocked_domains":["b"],"user_location":{"country":"CH"}},{"name":"web_fetch","max_content_tokens":9,"url_sources":["user"]}]}]"#;
    let tooled = with(AGENT_V1, &[("/tools", serde_json::from_str(tools).unwrap())]).to_string();
    decodes_as_documented(get, &tooled).await;
    for multiagent in [
        r#"{"type":"coordinator","agents":[{"type":"agent","id":"a","version":1},{"type":"advisor","model":"m"}]}"#,
        r#"{"type":"multiagent_20261001","subagents":{"type":"enabled"},"workflows":{"type":"disabled"},"advisor":{"type":"disabled"}}"#,
    ] {
        let body = with(AGENT_V1, &[("/multiagent", serde_json::from_str(multiagent).unwrap())]).to_string();
        let agent = {
            let server = server(answer(200, &body)).await;
            client(&server, Generation::V1).agents().get("a").await.unwrap()
        };
        nothing_is_unknown(&format!("{agent:?}"));
    }
}

#[tokio::test]
async fn a_session_of_either_generation() {
    let get = |client: Oma| client.sessions().get("s");
    let new = decodes_as_documented(get, SESSION_V1).await;
    assert_eq!((new.id_of_agent(), new.status.clone()), (Some("agent_01"), SessionStatus::Idle));
    assert_eq!(new.stats.unwrap().duration_seconds, Some(1.5));
    assert_eq!(new.usage.unwrap().output_tokens, Some(5));
    let documented = with(
        SESSION_V0,
        &[("/agent/model", json!({"id": "my-anthropic"})), ("/created_at", json!("2026-05-02T10:00:00Z"))],
    );
    let old = decodes(get, SESSION_V0, &documented).await;
    assert_eq!((old.id_of_agent(), old.title.as_deref()), (Some("agent-q1w2e3r4t5y6u7i8"), Some("triage")));
    let full = with(
        SESSION_V1,
        &[
            ("/status", json!("rescheduling")),
            ("/budget", json!({"type": "limit", "max_list_cost": {"amount": "2500", "currency": "USD"}})),
            (
                "/outcome_evaluations",
                json!([{"type": "outcome_evaluation", "outcome_id": "outc_1", "description": "d", "iteration": 0, "result": "satisfied", "explanation": "e", "completed_at": "2026-10-01T10:00:00Z"}]),
            ),
            (
                "/usage",
                json!({"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 3, "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 5}, "server_tool_use": {"web_search_requests": 6, "web_fetch_requests": 7}, "active_seconds": 8.5, "list_cost": {"amount": "9", "currency": "USD"}}),
            ),
            (
                "/resources",
                json!([
                    {"type": "file", "id": "sesrsc_1", "file_id": "file_1", "mount_path": "/a", "created_at": "2026-10-01T10:00:00Z", "updated_at": "2026-10-01T10:00:00Z"},
                    {"type": "github_repository", "id": "sesrsc_2", "url": "https://github.com/a/b", "mount_path": "/workspace/b", "checkout": {"type": "branch", "name": "main"}, "created_at": "2026-10-01T10:00:00Z", "updated_at": "2026-10-01T10:00:00Z"},
                    {"type": "memory_store", "memory_store_id": "memstore_1", "access": "read_only", "name": "n", "description": "d", "instructions": "i", "mount_path": "/m"},
                ]),
            ),
        ],
    );
    let full = decodes(get, &full.to_string(), &full).await;
    assert_eq!(full.resources[0].id(), Some("sesrsc_1"));
    assert_eq!(full.resources[2].id(), None);
    let status = with(SESSION_V1, &[("/status", json!("hibernating"))]).to_string();
    let server = server(answer(200, &status)).await;
    let unknown = client(&server, Generation::V1).sessions().get("s").await.unwrap();
    assert_eq!(unknown.status.as_str(), "hibernating");
}

#[tokio::test]
async fn environments_vaults_and_credentials() {
    let get = |client: Oma| client.environments().get("e");
    let new = decodes_as_documented(get, r#"{"type":"environment","id":"env_01","name":"e","description":null,"config":{"type":"cloud","networking":{"type":"limited","allowed_hosts":["a.example"],"allow_mcp_servers":true,"allow_package_managers":false},"packages":{"type":"packages","apt":["a"],"cargo":["b"],"gem":["c"],"go":["d"],"npm":["e"],"pip":["f"]}},"metadata":{"k":"v"},"created_at":"2026-10-01T10:00:00Z","updated_at":"2026-10-01T10:00:00Z","archived_at":null,"scope":"organization"}"#).await;
    assert!(matches!(new.config.unwrap().networking, Some(Networking::Limited(_))));
    decodes_as_documented(get, r#"{"type":"environment","id":"env-1","name":"e","config":{"type":"cloud","dockerfile":"FROM debian"},"created_at":"2026-10-01T10:00:00Z"}"#).await;
    decodes_as_documented(get, r#"{"type":"environment","id":"env_01","name":"e","config":{"type":"self_hosted"}}"#)
        .await;

    let get = |client: Oma| client.vaults().get("v");
    let old = r#"{"type":"vault","id":"vlt-1","name":"v","created_at":"2026-10-01T10:00:00Z","updated_at":null,"archived_at":null}"#;
    assert_eq!(decodes_as_documented(get, old).await.name.as_deref(), Some("v"));
    let new = r#"{"type":"vault","id":"vlt_01","display_name":"v","metadata":{"k":"v"},"created_at":"2026-10-01T10:00:00Z","updated_at":"2026-10-01T10:00:00Z","archived_at":null}"#;
    let documented: Value = serde_json::from_str(&new.replace("display_name", "name")).unwrap();
    assert_eq!(decodes(get, new, &documented).await.name.as_deref(), Some("v"));

    let get = |client: Oma| client.credentials().get("v", "c");
    for auth in [
        r#"{"type":"static_bearer","mcp_server_url":"https://m"}"#,
        r#"{"type":"mcp_oauth","mcp_server_url":"https://m","expires_at":"2026-10-01T10:00:00Z","refresh":{"client_id":"c","token_endpoint":"https://t","token_endpoint_auth":{"type":"client_secret_basic"},"resource":"r","scope":"s"}}"#,
        r#"{"type":"environment_variable","secret_name":"TOKEN","networking":{"type":"limited","allowed_hosts":["a"]},"injection_location":{"body":true,"header":false}}"#,
        r#"{"type":"mcp_oauth","mcp_server_url":"https://m","token_endpoint":"https://t","client_id":"c","authorization_server":"https://a","provider":"github"}"#,
        r#"{"type":"cap_cli","cli_id":"gh","extras":{"k":"v"}}"#,
    ] {
        let body = format!(
            r#"{{"type":"vault_credential","id":"vcrd_1","vault_id":"vlt_01","display_name":"n","auth":{auth},"metadata":{{}},"created_at":"2026-10-01T10:00:00Z","updated_at":"2026-10-01T10:00:00Z","archived_at":null}}"#
        );
        decodes_as_documented(get, &body).await;
    }
    let validate = |client: Oma| client.credentials().validate("v", "c");
    let new = r#"{"type":"vault_credential_validation","credential_id":"vcrd_1","vault_id":"vlt_01","status":"STATUS","has_refresh_token":true,"mcp_probe":{"method":"initialize","http_response":null},"refresh":{"status":"succeeded","http_response":null},"validated_at":"2026-10-01T10:00:00Z"}"#;
    for (status, valid) in [("valid", Some(true)), ("invalid", Some(false)), ("unknown", None), ("later", None)] {
        let body = new.replace("STATUS", status);
        if status != "later" {
            assert_eq!(decodes_as_documented(validate, &body).await.is_valid(), valid);
            continue;
        }
        let server = server(answer(200, &body)).await;
        assert_eq!(client(&server, Generation::V1).credentials().validate("v", "c").await.unwrap().is_valid(), valid);
    }
    let old = r#"{"type":"mcp_oauth_validation","validated":true,"expires_in":3600}"#;
    assert_eq!(decodes_as_documented(validate, old).await.is_valid(), Some(true));
}

#[tokio::test]
async fn threads_outputs_and_what_waits() {
    let get = |client: Oma| client.threads().get("s", "t");
    decodes_as_documented(get, r#"{"type":"session_thread","id":"sthr_01","session_id":"sesn_01","parent_thread_id":null,"agent":{"type":"agent","id":"agent_01","version":1,"name":"n"},"status":"idle","stats":{"active_seconds":1.5,"startup_seconds":0.5},"usage":{"input_tokens":1},"workflow_run_id":"wr_1","created_at":"2026-10-01T10:00:00Z","updated_at":"2026-10-01T10:00:00Z","archived_at":null}"#).await;
    decodes_as_documented(get, r#"{"id":"sthr_1","type":"session_thread","session_id":"sess-1","agent_id":"agent-1","agent_name":"n","parent_thread_id":"sthr_primary","status":"running","created_at":"2026-10-01T10:00:00Z","updated_at":"2026-10-01T10:00:00Z"}"#).await;
    decodes_as_documented(get, r#"{"id":"sthr_primary"}"#).await;
    let outputs = page(
        |c| c.outputs().list("s"),
        r#"{"data":[{"filename":"a.csv","size_bytes":7,"uploaded_at":"2026-10-01T10:00:00Z","media_type":"text/csv"}],"has_more":false}"#,
    )
    .await;
    assert_eq!((outputs[0].filename.as_str(), outputs[0].size_bytes), ("a.csv", Some(7)));
    let pending = page(
        |c| c.sessions().pending("s", ListPendingEventsParams::new()),
        r#"{"data":[{"pending_seq":1,"enqueued_at":1777716003100,"session_thread_id":"sthr_primary","type":"user.message","event_id":"sevt_1","cancelled_at":null,"data":{"type":"user.message","id":"sevt_1","content":[{"type":"text","text":"hi"}]}}]}"#,
    )
    .await;
    assert_eq!(pending[0].enqueued_at.unwrap().to_string(), "2026-05-02T10:00:03.1Z");
    assert!(
        page(|c| c.sessions().pending("s", ListPendingEventsParams::new()), r#"{"data":[],"has_more":false}"#)
            .await
            .is_empty()
    );
    let result = r#"{"exit_code":1,"output":"no","truncated":true}"#;
    decodes_as_documented(|c| c.sessions().exec("s", ExecCreate::new("ls")), result).await;
}

async fn page<T: Debug + 'static>(call: impl FnOnce(Oma) -> Request<Page<T>>, body: &str) -> Vec<T> {
    let server = server(answer(200, body)).await;
    let page = call(client(&server, Generation::V1)).await.unwrap();
    nothing_is_unknown(&format!("{page:?}"));
    page.items
}

#[tokio::test]
async fn models_accounts_and_health() {
    decodes_as_documented(|c| c.models().get("m"), r#"{"type":"model","id":"claude-sonnet-5","display_name":"S","created_at":"2026-10-01T10:00:00Z","max_input_tokens":1000,"max_tokens":100,"allowed_fallback_models":["m"],"capabilities":{"a":true},"lifecycle":"active","line":"sonnet","deprecated_at":null,"retires_at":"2027-10-01T10:00:00Z"}"#).await;
    decodes_as_documented(|c| c.me(), r#"{"user":{"id":"u_1","email":"a@example.com","name":"A"},"tenant":{"id":"tn_1","name":"T"},"tenants":[{"id":"tn_1","name":"T","role":"owner"}]}"#).await;
    decodes_as_documented(|c| c.me(), r#"{"user":null,"tenant":{"id":"default","name":"T"},"tenants":[]}"#).await;
    for body in [
        r#"{"ok":true}"#,
        r#"{"status":"ok"}"#,
        r#"{"status":"ok","runtime":"node","pid":1,"uptime_s":1.5,"auth":"better-auth","backends":{"db":"sqlite"}}"#,
    ] {
        decodes_as_documented(|c| c.health(), body).await;
    }
    let keys = page(
        |c| c.api_keys().list(),
        r#"{"data":[{"id":"ak_1","name":"ci","prefix":"oma_0123","created_at":"2026-10-01T10:00:00Z","source":"console"}]}"#,
    )
    .await;
    assert_eq!((keys[0].name.as_deref(), keys[0].source.as_deref()), (Some("ci"), Some("console")));
    let created =
        r#"{"id":"ak_1","name":"ci","key":"oma_secret_0123","prefix":"oma_secr","created_at":"2026-10-01T10:00:00Z"}"#;
    let created = decodes_as_documented(|c| c.api_keys().create(ApiKeyCreate::new()), created).await;
    assert_eq!(created.key.expose(), "oma_secret_0123");
    assert!(!format!("{created:?}").contains("oma_secret"));
}

#[tokio::test]
async fn deletions_of_every_word() {
    for word in [
        "agent_deleted",
        "session_deleted",
        "environment_deleted",
        "vault_deleted",
        "credential_deleted",
        "vault_credential_deleted",
        "resource_deleted",
        "session_resource_deleted",
        "api_key_deleted",
    ] {
        let body = format!(r#"{{"type":"{word}","id":"x_1"}}"#);
        let deletion = decodes_as_documented(|c| c.vaults().delete("x_1"), &body).await;
        assert_eq!((deletion.id.as_str(), deletion.type_.as_deref()), ("x_1", Some(word)));
    }
    decodes_as_documented(|c| c.vaults().delete("x_1"), r#"{"id":"x_1"}"#).await;
}

#[tokio::test]
async fn sent_events_come_back_where_the_server_returns_them() {
    let stored = r#"{"data":[{"type":"user.message","id":"sevt_01","content":[{"type":"text","text":"hi"}],"processed_at":null}]}"#;
    let send = |client: Oma| client.sessions().send("s", UserMessage::text("hi"));
    let events = decodes_as_documented(send, stored).await.unwrap();
    assert_eq!(events.data[0].id(), Some("sevt_01"));
    let decoded = async |status: u16, body: &str| {
        let server = server(answer(status, body)).await;
        send(client(&server, Generation::V1)).await.unwrap()
    };
    assert_eq!(decoded(202, "").await, None);
    assert_eq!(decoded(200, "").await, None);
    assert_eq!(decoded(200, "{}").await, Some(EventsSent::new()));
}

/// Every event of both sheets; where it is not in the documented form, with that form behind it.
const EVENTS: &[(&str, &str)] = &[
    (
        r#"{"type":"user.message","id":"e","content":[{"type":"text","text":"a"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="}},{"type":"document","source":{"type":"text","media_type":"text/plain","data":"d"},"title":"t","context":"c"},{"type":"redacted"}],"processed_at":"2026-10-01T10:00:00Z"}"#,
        "",
    ),
    (r#"{"type":"user.interrupt","id":"","session_thread_id":"sthr_1","processed_at":null}"#, ""),
    (r#"{"type":"user.tool_confirmation","id":"e","tool_use_id":"sevt_1","result":"deny","deny_message":"no"}"#, ""),
    (
        r#"{"type":"user.custom_tool_result","id":"e","custom_tool_use_id":"sevt_1","content":[{"type":"text","text":"r"}],"is_error":true}"#,
        "",
    ),
    (
        r#"{"type":"user.tool_result","id":"e","tool_use_id":"sevt_1","content":[{"type":"search_result","source":"s","title":"t","content":[{"type":"text","text":"c"}],"citations":{"enabled":true}}]}"#,
        "",
    ),
    (
        r#"{"type":"user.define_outcome","id":"e","outcome_id":"outc_1","description":"d","rubric":{"type":"file","file_id":"file_1"},"max_iterations":3,"processed_at":"2026-10-01T10:00:00Z"}"#,
        "",
    ),
    (
        r#"{"type":"user.define_outcome","description":"d","rubric":"all pass"}"#,
        r#"{"type":"user.define_outcome","description":"d","rubric":{"type":"text","content":"all pass"}}"#,
    ),
    (r#"{"type":"system.message","id":"e","content":[{"type":"text","text":"s"}]}"#, ""),
    (
        r#"{"type":"agent.message","id":"e","message_id":"m","content":[{"type":"text","text":"a"}],"processed_at":"2026-10-01T10:00:00Z"}"#,
        "",
    ),
    (r#"{"type":"agent.thinking","id":"e","text":"t","thinking_id":"0","providerOptions":{"a":1}}"#, ""),
    (
        r#"{"type":"agent.tool_use","id":"toolu_1","name":"bash","input":{"command":"ls"},"evaluated_permission":"ask","evaluation":{"type":"auto","evaluated_permission":{"type":"allow","reason_code":"r"}},"session_thread_id":"sthr_1"}"#,
        "",
    ),
    (
        r#"{"type":"agent.tool_result","id":"e","tool_use_id":"toolu_1","content":"out","is_error":false}"#,
        r#"{"type":"agent.tool_result","id":"e","tool_use_id":"toolu_1","content":[{"type":"text","text":"out"}],"is_error":false}"#,
    ),
    (r#"{"type":"agent.mcp_tool_use","id":"e","mcp_server_name":"m","name":"n","input":{}}"#, ""),
    (
        r#"{"type":"agent.mcp_tool_result","id":"e","mcp_tool_use_id":"u","content":"c"}"#,
        r#"{"type":"agent.mcp_tool_result","id":"e","mcp_tool_use_id":"u","content":[{"type":"text","text":"c"}]}"#,
    ),
    (r#"{"type":"agent.custom_tool_use","id":"e","name":"n","input":{"a":1}}"#, ""),
    (
        r#"{"type":"agent.thread_message_sent","id":"e","to_session_thread_id":"t","to_agent_name":"n","content":[{"type":"text","text":"c"}]}"#,
        "",
    ),
    (
        r#"{"type":"agent.thread_message_received","id":"e","from_thread_id":"t","content":[]}"#,
        r#"{"type":"agent.thread_message_received","id":"e","from_session_thread_id":"t"}"#,
    ),
    (
        r#"{"type":"agent.thread_context_compacted","id":"e","original_message_count":9,"compacted_message_count":2,"summary":[{"type":"text","text":"s"}],"replaced_range":{"start_seq":1,"end_seq":5},"trigger":"auto","pre_tokens":7}"#,
        "",
    ),
    (r#"{"type":"session.status_running","id":"e"}"#, ""),
    (
        r#"{"type":"session.status_idle","id":"e","stop_reason":{"type":"requires_action","event_ids":["a"],"action_type":"tool_confirmation"}}"#,
        "",
    ),
    (
        r#"{"type":"session.status_idle","id":"e","stop_reason":{"type":"refusal"},"stop_details":{"type":"refusal","category":"c","explanation":"x"}}"#,
        "",
    ),
    (r#"{"type":"session.status_rescheduled","id":"e","reason":"r"}"#, ""),
    (r#"{"type":"session.status_terminated","id":"e","reason":"session_deleted"}"#, ""),
    (
        r#"{"type":"session.error","id":"e","error":{"type":"mcp_connection_failed_error","message":"m","retry_status":{"type":"exhausted"},"mcp_server_name":"n"}}"#,
        "",
    ),
    (
        r#"{"type":"session.error","error":{"type":"unknown_error","message":"m","retry_status":"retryable"}}"#,
        r#"{"type":"session.error","error":{"type":"unknown_error","message":"m","retry_status":{"type":"retryable"}}}"#,
    ),
    (r#"{"type":"session.error","error":"harness_turn_failed","message":"m"}"#, ""),
    (
        r#"{"type":"session.error","error":{"type":"credential_host_unreachable_error","message":"m","credential_id":"c","vault_id":"v","retry_status":{"type":"terminal"}}}"#,
        "",
    ),
    (
        r#"{"type":"session.error","error":{"type":"repository_clone_error","message":"m","repository_url":"u","retry_status":{"type":"retrying"}}}"#,
        "",
    ),
    (r#"{"type":"session.updated","id":"e","title":"t","metadata":{"k":"v"}}"#, ""),
    (
        r#"{"type":"session.usage","id":"e","usage":{"input_tokens":1},"budget":{"type":"limit","max_list_cost":{"amount":"1","currency":"USD"}}}"#,
        "",
    ),
    (r#"{"type":"session.deleted","id":"e"}"#, ""),
    (
        r#"{"type":"session.thread_created","id":"e","session_thread_id":"t","agent_id":"a","agent_name":"n","workflow_run_id":"w"}"#,
        "",
    ),
    (r#"{"type":"session.thread_status_running","id":"e","session_thread_id":"t","agent_name":"n"}"#, ""),
    (
        r#"{"type":"session.thread_status_idle","id":"e","session_thread_id":"t","agent_name":"n","stop_reason":{"type":"end_turn"}}"#,
        "",
    ),
    (r#"{"type":"session.thread_idle","session_thread_id":"t"}"#, ""),
    (r#"{"type":"session.thread_status_rescheduled","id":"e","session_thread_id":"t","agent_name":"n"}"#, ""),
    (r#"{"type":"session.thread_status_terminated","id":"e","session_thread_id":"t","agent_name":"n"}"#, ""),
    (r#"{"type":"session.warning","source":"s","message":"m","details":{"a":1}}"#, ""),
    (r#"{"type":"span.model_request_start","id":"e","model":"m"}"#, ""),
    (
        r#"{"type":"span.model_request_end","id":"e","model_request_start_id":"s","is_error":false,"model_usage":{"input_tokens":1,"output_tokens":2,"cache_read_input_tokens":3,"cache_creation_input_tokens":4,"speed":"fast"},"model":"m","provider_response_id":"p","finish_reason":"stop","final_text_length":5,"error_message":"x","body_r2_key":"k"}"#,
        "",
    ),
    (r#"{"type":"span.model_first_token","model":"m","model_request_start_id":"s"}"#, ""),
    (r#"{"type":"span.outcome_evaluation_start","id":"e","outcome_id":"o","iteration":0}"#, ""),
    (r#"{"type":"span.outcome_evaluation_ongoing","id":"e","outcome_id":"o","iteration":0}"#, ""),
    (
        r#"{"type":"span.outcome_evaluation_end","id":"e","outcome_evaluation_start_id":"s","outcome_id":"o","iteration":0,"result":"satisfied","explanation":"x","feedback":"f","usage":{"input_tokens":1}}"#,
        "",
    ),
    (r#"{"type":"session.outcome_evaluated","outcome_id":"o","result":"failed"}"#, ""),
    (r#"{"type":"outcome.evaluation_end","outcome_id":"o","result":"failed"}"#, ""),
    (r#"{"type":"span.compaction_summarize_start","model":"m"}"#, ""),
    (
        r#"{"type":"span.compaction_summarize_end","model":"m","model_usage":{"input_tokens":1},"finish_reason":"stop","final_text_length":5}"#,
        "",
    ),
    (
        r#"{"type":"span.wakeup_scheduled","schedule_id":"s","fire_at":"2026-10-01T10:00:00Z","kind":"cron","cron":"* * * * *"}"#,
        "",
    ),
    (r#"{"type":"span.background_task_scheduled","task_id":"t","schedule_id":"s"}"#, ""),
    (
        r#"{"type":"aux.model_call","model_id":"m","task":"title","parent_tool_use_id":"u","duration_ms":5,"tokens":{"input":1,"output":2,"cache_read":3},"status":"failed","error":"e"}"#,
        "",
    ),
    (
        r#"{"type":"workflow_run.created","id":"e","workflow_run_id":"w","name":"n","description":"d","phases":[{"id":"p","name":"n","description":"d"}]}"#,
        "",
    ),
    (r#"{"type":"workflow_run.status_running","id":"e","workflow_run_id":"w"}"#, ""),
    (r#"{"type":"workflow_run.status_idle","id":"e","workflow_run_id":"w"}"#, ""),
    (r#"{"type":"workflow_run.status_ended","id":"e","workflow_run_id":"w","result":{"type":"completed"}}"#, ""),
    (
        r#"{"type":"workflow_run.error","id":"e","workflow_run_id":"w","error":{"type":"timeout_error","message":"m"}}"#,
        "",
    ),
    (r#"{"type":"workflow_run.phase_started","id":"e","workflow_run_id":"w","workflow_run_phase_id":"p"}"#, ""),
    (
        r#"{"type":"workflow_run.phase_ended","id":"e","workflow_run_id":"w","workflow_run_phase_id":"p","phase_started_id":"s"}"#,
        "",
    ),
    (r#"{"type":"event_start","event":{"type":"agent.message","id":"sevt_1"}}"#, ""),
    (
        r#"{"type":"event_delta","event_id":"sevt_1","delta":{"type":"content_delta","index":0,"content":{"type":"text","text":"Done."}}}"#,
        "",
    ),
    (r#"{"type":"agent.message_stream_start","message_id":"m"}"#, ""),
    (r#"{"type":"agent.message_chunk","message_id":"sevt-h7g6f5e4d3c2b1a0","delta":"Do"}"#, ""),
    (
        r#"{"type":"agent.message_stream_end","message_id":"m","status":"aborted","error_text":"interrupted_mid_stream"}"#,
        "",
    ),
    (r#"{"type":"agent.thinking_stream_start","thinking_id":"0"}"#, ""),
    (r#"{"type":"agent.thinking_chunk","thinking_id":"0","delta":"d"}"#, ""),
    (r#"{"type":"agent.thinking_stream_end","thinking_id":"0","status":"completed"}"#, ""),
    (r#"{"type":"agent.tool_use_input_stream_start","tool_use_id":"u","tool_name":"n"}"#, ""),
    (r#"{"type":"agent.tool_use_input_chunk","tool_use_id":"u","delta":"{\"a"}"#, ""),
    (r#"{"type":"agent.tool_use_input_stream_end","tool_use_id":"u","status":"completed"}"#, ""),
    (
        r#"{"type":"system.user_message_promoted","event_id":"e","pending_seq":1,"seq":2,"processed_at":"2026-10-01T10:00:00Z","session_thread_id":"t"}"#,
        "",
    ),
    (
        r#"{"type":"agent.thread_message","to_thread_id":"t","content":[]}"#,
        r#"{"type":"agent.thread_message","to_session_thread_id":"t"}"#,
    ),
];

#[tokio::test]
async fn every_event_of_both_sheets_is_known_with_every_field() {
    for (given, documented) in EVENTS {
        let body = format!(r#"{{"data":[{given}],"next_page":null}}"#);
        let server = server(answer(200, &body)).await;
        let events = client(&server, Generation::V1).sessions().events("s", ListSessionEventsParams::new());
        let event = events.await.unwrap_or_else(|error| panic!("{given}: {error}")).items.remove(0);
        nothing_is_unknown(&format!("{event:?}"));
        let documented: Value = serde_json::from_str(if documented.is_empty() { given } else { documented }).unwrap();
        assert_eq!(said(&serde_json::to_value(&event).unwrap()), said(&documented), "{given}");
    }
}

#[tokio::test]
async fn both_forms_of_a_row_and_their_times() {
    let rows = r#"{"data":[{"seq":4,"type":"agent.message","data":{"type":"agent.message","id":"sevt-0a1b2c3d4e5f6g7h","message_id":"sevt-h7g6f5e4d3c2b1a0","content":[{"type":"text","text":"Done."}],"processed_at":"2026-05-02T10:00:03.100Z"},"ts":1777716003},{"seq":5,"type":"agent.message","message_id":"sevt-h7g6f5e4d3c2b1a0","content":[{"type":"text","text":"Done."}],"ts":1777716003100,"processed_at_ms":1777716003100,"session_thread_id":"sthr_primary"}],"has_more":false,"next_page":null}"#;
    let events = page(|c| c.sessions().events("s", ListSessionEventsParams::new()), rows).await;
    assert_eq!((events[0].seq(), events[1].seq()), (Some(4), Some(5)));
    assert_eq!((events[0].id(), events[1].id()), (Some("sevt-0a1b2c3d4e5f6g7h"), None));
    let shown = |at: Option<polyagent::Timestamp>| at.unwrap().to_string();
    assert_eq!(
        (shown(events[0].ts()), shown(events[1].ts())),
        ("2026-05-02T10:00:03Z".into(), "2026-05-02T10:00:03.1Z".into())
    );
    assert_eq!(shown(events[1].processed_at()), "2026-05-02T10:00:03.1Z");
    assert_eq!(events[1].session_thread_id(), Some("sthr_primary"));
}

#[tokio::test]
async fn an_unknown_event_keeps_its_text() {
    let body = r#"{"data":[{"type":"agent.dreamt","id":"e","of":"sheep"}],"next_page":null}"#;
    let server = server(answer(200, body)).await;
    let page = client(&server, Generation::V1).sessions().events("s", ListSessionEventsParams::new()).await.unwrap();
    assert!(matches!(&page.items[0], Event::Unknown(value) if value["of"] == "sheep"), "{page:?}");
}
