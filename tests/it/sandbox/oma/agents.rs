//! Agents, environments, sessions, vaults and the account.

use std::collections::BTreeSet;
use std::time::Duration;

use polyagent::Method;
use polyagent::sandbox::oma::{Settings, Turn};
use serde_json::{Value, json};

use super::wire::Oma;
use crate::sandbox::{column, text};

async fn v1() -> Oma {
    Oma::start(|it| it.pace(Duration::ZERO)).await
}

#[tokio::test]
async fn an_agent_has_versions() {
    let oma = v1().await;
    let body = json!({"name": "triager", "model": "claude-sonnet-5", "metadata": {"team": "a", "old": "x"},
        "tools": [{"type": "agent_toolset_20260401"}]});
    let made = oma.post("/v1/agents", body).await;
    assert_eq!(made.status, 201);
    let agent = made.json();
    let id = text(&agent["id"]);
    assert!(id.starts_with("agent_"));
    assert_eq!(
        agent,
        json!({"type": "agent", "id": id, "version": 1, "name": "triager", "description": null, "system": null,
            "model": {"id": "claude-sonnet-5", "speed": "standard"}, "tools": [{"type": "agent_toolset_20260401",
                "configs": [], "default_config": {"enabled": true, "permission_policy": {"type": "always_allow"}}}],
            "mcp_servers": [], "skills": [], "multiagent": null, "metadata": {"team": "a", "old": "x"},
            "created_at": agent["created_at"], "updated_at": agent["updated_at"], "archived_at": null})
    );
    let path = format!("/v1/agents/{id}");
    let change = json!({"version": 1, "name": "t2", "system": "Be short.", "metadata": {"old": null}, "tools": null});
    let changed = oma.made(&path, change).await;
    assert_eq!(
        (&changed["version"], &changed["metadata"], &changed["tools"]),
        (&json!(2), &json!({"team": "a"}), &json!([]))
    );
    let stale = oma.post(&path, json!({"version": 1, "name": "x"})).await;
    assert_eq!((stale.status, stale.json()["error"]["type"].as_str()), (409, Some("conflict_error")));
    assert_eq!(oma.made(&path, json!({})).await["version"], 3, "every update counts");
    let versions = oma.get(&format!("{path}/versions")).await.json();
    let numbers: Vec<&Value> = versions["data"].as_array().unwrap().iter().map(|it| &it["version"]).collect();
    assert_eq!(numbers, [3, 2, 1]);
    assert_eq!(oma.get(&format!("{path}?version=1")).await.json()["name"], "triager");
    assert_eq!(oma.get(&format!("{path}?version=9")).await.status, 404);
    assert_eq!(oma.delete(&path).await.status, 404, "only archived");
    let archived = oma.made(&format!("{path}/archive"), json!({})).await;
    assert_eq!(oma.made(&format!("{path}/archive"), json!({})).await, archived);
    assert_eq!(oma.get("/v1/agents").await.json()["data"], json!([]));
    assert_eq!(oma.get("/v1/agents?include_archived=true").await.json()["data"][0]["id"], json!(id));
}

#[tokio::test]
async fn versions_of_v0_are_the_superseded_ones() {
    let oma = Oma::start(Settings::v0).await;
    let id = oma.agent().await;
    let path = format!("/v1/agents/{id}");
    assert_eq!(oma.get(&format!("{path}/versions")).await.json(), json!({"data": []}));
    assert_eq!(oma.get(&format!("{path}/versions/1")).await.status, 404);
    assert_eq!(oma.made(&path, json!({"name": "triager"})).await["version"], 1, "nothing changes");
    assert_eq!(oma.made(&path, json!({"name": "b"})).await["version"], 2);
    assert_eq!(oma.get(&format!("{path}/versions/1")).await.json()["name"], "triager");
    assert_eq!(oma.get(&path).await.json()["tools"], json!([{"type": "agent_toolset_20260401"}]));
    assert_eq!(oma.delete(&path).await.json(), json!({"type": "agent_deleted", "id": id}));
    assert_eq!(oma.get(&path).await.status, 404);
}

#[tokio::test]
async fn unknown_fields_are_refused_by_newer_servers_and_dropped_by_older_ones() {
    let bodies = [
        ("/v1/agents", json!({"name": "a", "model": "m", "harness": "x", "stray": 1})),
        ("/v1/agents", json!({"name": "a", "model": {"id": "m", "stray": 1}})),
        ("/v1/environments", json!({"name": "e", "config": {"type": "cloud", "stray": 1}})),
        ("/v1/vaults", json!({"name": "v", "display_name": "v", "secret": "s"})),
    ];
    let (v0, v1) = (Oma::start(Settings::v0).await, v1().await);
    for (path, body) in bodies {
        let refused = v1.post(path, body.clone()).await;
        assert_eq!(refused.status, 400, "{body}");
        assert!(text(&refused.json()["error"]["message"]).starts_with("Invalid request field "), "{}", refused.body);
        assert_eq!(v0.post(path, body.clone()).await.status, 201, "{body}");
    }
}

#[tokio::test]
async fn lists_have_pages_of_twenty() {
    let oma = v1().await;
    for _ in 0..21 {
        oma.agent().await;
    }
    let first = oma.get("/v1/agents").await.json();
    assert_eq!(first["data"].as_array().unwrap().len(), 20);
    let rest = oma.get(&format!("/v1/agents?page={}", text(&first["next_page"]))).await.json();
    assert_eq!((rest["data"].as_array().unwrap().len(), &rest["next_page"]), (1, &Value::Null));
    assert_eq!(oma.get("/v1/agents?page=foreign").await.status, 400);
    let v0 = Oma::start(Settings::v0).await;
    for _ in 0..3 {
        v0.agent().await;
    }
    let first = v0.get("/v1/agents?limit=2").await.json();
    assert_eq!(first["has_more"], true);
    let rest = v0.get(&format!("/v1/agents?limit=2&cursor={}", text(&first["next_cursor"]))).await.json();
    assert_eq!((&rest["has_more"], rest.get("next_cursor")), (&json!(false), None));
}

#[tokio::test]
async fn an_environment_in_use_stays() {
    let oma = v1().await;
    let (agent, environment) = (oma.agent().await, oma.environment().await);
    let path = format!("/v1/environments/{environment}");
    let config = oma.get(&path).await.json()["config"].clone();
    assert_eq!((&config["networking"], &config["packages"]["pip"]), (&json!({"type": "unrestricted"}), &json!([])));
    let session = json!({"agent": agent, "environment_id": environment});
    let session = text(&oma.made("/v1/sessions", session).await["id"]);
    assert_eq!(oma.delete(&path).await.status, 409);
    tokio::time::sleep(Duration::from_millis(20)).await;
    oma.made(&format!("/v1/sessions/{session}/archive"), json!({})).await;
    assert_eq!(oma.delete(&path).await.json(), json!({"type": "environment_deleted", "id": environment}));
    let environment = oma.environment().await;
    oma.made(&format!("/v1/environments/{environment}/archive"), json!({})).await;
    let refused = oma.post("/v1/sessions", json!({"agent": agent, "environment_id": environment})).await;
    assert_eq!(
        (refused.status, refused.json()["error"]["details"]["error_code"].as_str()),
        (400, Some("environment_archived"))
    );
}

#[tokio::test]
async fn a_session_keeps_the_version_of_its_agent() {
    let oma = v1().await;
    let (agent, environment) = (oma.agent().await, oma.environment().await);
    oma.made(&format!("/v1/agents/{agent}"), json!({"name": "second"})).await;
    let session = |agent: Value| json!({"agent": agent, "environment_id": environment});
    let made = oma.post("/v1/sessions", session(json!({"type": "agent", "id": agent, "version": 1}))).await;
    assert_eq!(made.status, 201);
    let made = made.json();
    assert_eq!(made["status"], "running", "it starts");
    assert_eq!((&made["agent"]["version"], &made["agent"]["name"]), (&json!(1), &json!("triager")));
    let snapshot: BTreeSet<&str> = made["agent"].as_object().unwrap().keys().map(String::as_str).collect();
    assert!(snapshot.is_disjoint(&BTreeSet::from(["metadata", "created_at", "updated_at", "archived_at"])));
    for name in ["title", "budget", "archived_at"] {
        assert_eq!(made.get(name), Some(&Value::Null), "{name}");
    }
    assert_eq!(oma.made("/v1/sessions", session(json!(agent))).await["agent"]["name"], "second");
    let overrides = json!({"type": "agent_with_overrides", "id": agent, "system": "Other.", "model": "claude-opus-5"});
    let other = oma.made("/v1/sessions", session(overrides)).await["agent"].clone();
    assert_eq!((&other["system"], &other["model"]["id"]), (&json!("Other."), &json!("claude-opus-5")));
    for (wrong, kind) in [
        (session(json!("agent_none")), "Agent"),
        (session(json!({"type": "agent", "id": agent, "version": 9})), "Agent version"),
        (json!({"agent": agent, "environment_id": "env_none"}), "Environment"),
        (json!({"agent": agent, "environment_id": environment, "vault_ids": ["vlt_none"]}), "Vault"),
    ] {
        let refused = oma.post("/v1/sessions", wrong).await;
        assert_eq!((refused.status, text(&refused.json()["error"]["message"])), (404, format!("{kind} not found")));
    }
}

#[tokio::test]
async fn a_session_begins_with_events_and_can_be_changed() {
    let oma = v1().await;
    let (agent, environment) = (oma.agent().await, oma.environment().await);
    oma.sandbox.default_tenant().oma_turns([Turn::new().output("a.txt", "hello").say("Done.")]);
    let starts =
        json!([{"type": "user.define_outcome", "description": "A file", "rubric": {"type": "text", "content": "x"}}]);
    let made = oma
        .made("/v1/sessions", json!({"agent": agent, "environment_id": environment, "initial_events": starts}))
        .await;
    let id = text(&made["id"]);
    let path = format!("/v1/sessions/{id}");
    let got = oma.get(&path).await.json();
    assert_eq!((&got["status"], &got["outcome_evaluations"][0]["result"]), (&json!("idle"), &json!("satisfied")));
    let outputs = oma.get(&format!("/v1/oma/sessions/{id}/outputs")).await.json();
    assert_eq!((&outputs["data"][0]["filename"], &outputs["data"][0]["size_bytes"]), (&json!("a.txt"), &json!(5)));
    assert_eq!(oma.get(&format!("/v1/oma/sessions/{id}/outputs/a.txt")).await.body, "hello");
    let changed = oma.made(&path, json!({"title": "x", "metadata": {"k": "v"}})).await;
    assert_eq!((&changed["title"], &changed["metadata"]), (&json!("x"), &json!({"k": "v"})));
    assert_eq!(oma.types(&id).await.last().unwrap(), "session.updated");
    assert_eq!(oma.made(&path, json!({"title": null, "metadata": {"k": null}})).await["metadata"], json!({}));
    let budget = json!({"budget": {"type": "limit", "max_list_cost": {"amount": "2500", "currency": "USD"}}});
    assert_eq!(oma.post(&path, budget).await.status, 400);
    for (query, found) in [
        (format!("agent_id={agent}"), true),
        ("agent_id=other".to_owned(), false),
        ("statuses%5B%5D=idle&statuses%5B%5D=running".to_owned(), true),
        ("statuses[]=running".to_owned(), false),
        ("agent_version=2".to_owned(), false),
        ("created_at%5Bgt%5D=2999-01-01T00%3A00%3A00%2B00%3A00".to_owned(), false),
    ] {
        let list = oma.get(&format!("/v1/sessions?{query}")).await.json();
        assert_eq!(list["data"].as_array().unwrap().len(), usize::from(found), "{query}");
        assert_eq!(list["prev_page"], Value::Null);
    }
    assert_eq!(oma.delete(&path).await.json(), json!({"type": "session_deleted", "id": id}));
}

#[tokio::test]
async fn a_session_has_resources_without_their_secrets() {
    let oma = v1().await;
    let (agent, environment) = (oma.agent().await, oma.environment().await);
    let store = text(&oma.made("/v1/memory_stores", json!({"name": "notes"})).await["id"]);
    let resources = json!([
        {"type": "github_repository", "url": "https://github.com/a/repo", "authorization_token": "ghp_secret"},
        {"type": "memory_store", "memory_store_id": store}
    ]);
    let body = json!({"agent": agent, "environment_id": environment, "resources": resources});
    let made = oma.post("/v1/sessions", body).await;
    assert!(!made.body.contains("ghp_secret"));
    let id = text(&made.json()["id"]);
    let path = format!("/v1/sessions/{id}/resources");
    let list = oma.get(&path).await.json();
    assert_eq!(column(&list["data"], "type"), ["github_repository", "memory_store"]);
    assert_eq!(list["data"][0]["mount_path"], "/workspace/repo");
    assert_eq!((list["data"][1].get("id"), &list["data"][1]["name"]), (None, &json!("notes")));
    let repository = text(&list["data"][0]["id"]);
    let rotated = oma.post(&format!("{path}/{repository}"), json!({"authorization_token": "new"})).await;
    assert_eq!(rotated.status, 200, "{}", rotated.body);
    assert_eq!(oma.post(&path, json!({"type": "memory_store", "memory_store_id": store})).await.status, 400);
    assert_eq!(oma.post(&path, json!({"type": "file", "file_id": "file_none"})).await.status, 404);
    let gone = oma.delete(&format!("{path}/{repository}")).await.json();
    assert_eq!(gone, json!({"type": "session_resource_deleted", "id": repository}));
}

#[tokio::test]
async fn credentials_never_show_their_secrets() {
    let oma = v1().await;
    let vault = oma.made("/v1/vaults", json!({"display_name": "v"})).await;
    assert_eq!((&vault["display_name"], vault.get("name")), (&json!("v"), None));
    let path = format!("/v1/vaults/{}", text(&vault["id"]));
    let auth = json!({"type": "mcp_oauth", "access_token": "s3cret-a", "mcp_server_url": "https://mcp.example.com/mcp",
        "refresh": {"client_id": "c", "refresh_token": "s3cret-b", "token_endpoint": "https://mcp.example.com/token",
            "token_endpoint_auth": {"type": "client_secret_post", "client_secret": "s3cret-c"}}});
    let made = oma.post(&format!("{path}/credentials"), json!({"auth": auth, "display_name": "n"})).await;
    assert_eq!(made.status, 201);
    assert!(!made.body.contains("s3cret"), "{}", made.body);
    assert_eq!(made.json()["auth"]["refresh"]["token_endpoint_auth"], json!({"type": "client_secret_post"}));
    let id = text(&made.json()["id"]);
    let twin =
        json!({"auth": {"type": "static_bearer", "token": "t", "mcp_server_url": "https://mcp.example.com/mcp"}});
    assert_eq!(oma.post(&format!("{path}/credentials"), twin).await.status, 409);
    let one = format!("{path}/credentials/{id}");
    let changed = oma.post(&one, json!({"auth": {"type": "mcp_oauth", "access_token": "s3cret-d"}})).await;
    assert_eq!((changed.status, changed.body.contains("s3cret")), (200, false));
    assert_eq!(oma.post(&one, json!({"auth": {"type": "static_bearer", "token": "x"}})).await.status, 400);
    let validation = oma.post(&format!("{one}/mcp_oauth_validate"), json!({})).await.json();
    assert_eq!((&validation["status"], &validation["has_refresh_token"]), (&json!("unknown"), &json!(true)));
    assert!(oma.made(&format!("{path}/archive"), json!({})).await["archived_at"].is_string());
    assert!(oma.get(&one).await.json()["archived_at"].is_string(), "with its credentials");
    assert_eq!(oma.delete(&one).await.json(), json!({"type": "vault_credential_deleted", "id": id}));
    assert_eq!(oma.delete(&path).await.json()["type"], "vault_deleted");
}

#[tokio::test]
async fn the_account_has_keys_models_and_limits() {
    let oma = Oma::start(|it| it.session_quota(1)).await;
    assert_eq!(oma.send(oma.bare(Method::GET, "/health")).await.json(), json!({"status": "ok"}));
    assert_eq!(oma.get("/v1/oma/me").await.json()["tenant"]["id"], "default");
    let made = oma.made("/v1/oma/api_keys", json!({"name": "ci"})).await;
    let key = text(&made["key"]);
    assert!(key.starts_with("oma_") && key.len() == 40 && made["prefix"] == key[..8]);
    let listed = oma.get("/v1/oma/api_keys").await;
    assert!(!listed.body.contains(&key) && listed.json()["data"][0]["id"] == made["id"]);
    let by_key = |key: &str| oma.bare(Method::GET, "/v1/oma/me").header("x-api-key", key);
    assert_eq!(oma.send(by_key(&key)).await.status, 200);
    oma.delete(&format!("/v1/oma/api_keys/{}", text(&made["id"]))).await;
    assert_eq!(oma.send(by_key(&key)).await.status, 401);

    let models = oma.get("/v1/models?limit=1").await.json();
    assert_eq!((&models["has_more"], &models["last_id"]), (&json!(true), &models["data"][0]["id"]));
    let card = json!({"model_id": "team", "provider": "ant", "api_key": "bad-9xyz"});
    let card = oma.made("/v1/oma/model_cards", card).await;
    assert_eq!((&card["api_key_preview"], &card["probe"]["ok"]), (&json!("9xyz"), &json!(false)));
    assert_eq!(oma.get("/v1/models/team").await.json()["type"], "model");
    assert_eq!(
        oma.post("/v1/oma/model_cards", json!({"model_id": "team", "provider": "ant", "api_key": "k"})).await.status,
        409
    );

    oma.session().await;
    let (agent, environment) = (oma.agent().await, oma.environment().await);
    let refused = oma.post("/v1/sessions", json!({"agent": agent, "environment_id": environment})).await;
    assert_eq!((refused.status, &refused.json()["balance_cents"]), (402, &json!(0)));
    let limited = Oma::start(|it| it.rate_limit(1, Duration::from_secs(60))).await;
    limited.get("/v1/agents").await;
    assert_eq!(limited.get("/v1/agents").await.json()["error"]["type"], "rate_limit_error");
}

/// Every operation of the document is served by some server: no handler is missing.
#[tokio::test]
async fn every_operation_has_a_route() {
    let document: Value = serde_json::from_str(include_str!("../../../../spec/openapi.json")).unwrap();
    let servers = [
        ("v0", Oma::start(Settings::v0).await),
        ("v0", Oma::start(Settings::documented).await),
        ("v1", v1().await),
        ("anthropic", Oma::start(Settings::anthropic).await),
    ];
    let mut tried = 0;
    for (home, item) in document["paths"].as_object().unwrap() {
        for (verb, operation) in item.as_object().unwrap() {
            let Some(id) = operation["operationId"].as_str().filter(|id| id.starts_with("oma_")) else { continue };
            let own = json!({"path": home, "method": verb, "for": operation["x-for"]});
            let routes = operation["x-routes"].as_array().cloned().unwrap_or_default();
            for route in [vec![own], routes].concat() {
                let method = text(route.get("method").unwrap_or(&json!(verb))).to_uppercase();
                let path = text(&route["path"]).replace(['{', '}'], "");
                let mut found = false;
                for (generation, oma) in &servers {
                    let generations = route["for"].as_array();
                    if generations.is_some_and(|all| !all.contains(&json!(generation))) {
                        continue;
                    }
                    let sent = oma.send(oma.request(method.parse().unwrap(), &path)).await;
                    found |= !(sent.status == 404 && sent.body == "404 Not Found") && sent.status < 500;
                }
                assert!(found, "{id}: {method} {path}");
                tried += 1;
            }
        }
    }
    assert!(tried > 134, "{tried}");
}
