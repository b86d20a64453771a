//! Where the platform's pages contradict each other. The numbers are those of our register.

use std::time::Duration;

use polyagent::launchpad::types::*;
use polyagent::launchpad::{Launchpad, Since};
use polyagent::{Error, Method, Reason, Timestamp};
use serde_json::json;

use super::{KEY, LIVE, add, answered, builder, client, empty, lines, scripted};
use crate::elephantasm::json_answer;
use crate::sockets::reqwest_without_proxy;

const PROFILE: &str =
    r#"{"userId":"user-3","username":"dana","permissions":["agents:*","deployments:*","system:*","users:*"]}"#;

fn without_key(url: String) -> polyagent::ClientBuilder<Launchpad> {
    Launchpad::builder().base_url(url).configure_http(reqwest_without_proxy)
}

#[tokio::test]
async fn conflict_01_a_key_or_a_token_with_the_anonymous_key() {
    let server = scripted(&[(200, PROFILE)]).await;
    client(&server).users().profile().await.unwrap();
    without_key(server.uri())
        .api_key("jwt.demo.token")
        .supabase("anon-demo")
        .build()
        .unwrap()
        .users()
        .profile()
        .await
        .unwrap();
    let provided = without_key(server.uri())
        .credentials(|| async { Ok("jwt.2.token".into()) })
        .supabase("anon-demo")
        .build()
        .unwrap();
    provided.users().profile().await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let of = |at: usize, name: &str| requests[at].headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!((of(0, "x-api-key").as_deref(), of(0, "authorization"), of(0, "apikey")), (Some(KEY), None, None));
    assert_eq!(of(1, "x-api-key"), None);
    assert_eq!(of(1, "authorization").as_deref(), Some("Bearer jwt.demo.token"));
    assert_eq!(of(1, "apikey").as_deref(), Some("anon-demo"));
    assert_eq!(of(2, "authorization").as_deref(), Some("Bearer jwt.2.token"));
    assert_eq!(of(2, "apikey").as_deref(), Some("anon-demo"));
    for name in ["apikey", "x-api-key", "authorization"] {
        assert!(client(&server).users().profile().header(name, "x").await.unwrap_err().is_invalid_argument(), "{name}");
    }
}

#[tokio::test]
async fn conflict_02_a_key_is_generated_with_or_without_one() {
    let server = scripted(&[(200, r#"{"apiKey":"alk_00ff"}"#)]).await;
    let user = || ApiKeyCreate::new("dana", "dana@example.org");
    client(&server).auth().generate_key(user()).await.unwrap();
    let anonymous = without_key(server.uri()).build().unwrap();
    anonymous.auth().generate_key(user()).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests[0].headers["x-api-key"], KEY);
    assert!(!requests[1].headers.contains_key("x-api-key"));
    let error = anonymous.users().profile().await.unwrap_err();
    assert!(error.is_config() && error.to_string().contains("key"), "{error}");
    assert_eq!(lines(&server).await.len(), 2, "nothing else goes without one");
}

#[tokio::test]
async fn conflict_03_flat_camel_case_and_nested_snake_case_are_one_type() {
    let flat =
        r#"{"agentId":"a","status":"QUEUED","createdAt":"2026-07-01T09:00:00Z","estimatedDeployTime":"5 minutes"}"#;
    let nested = r#"{"success":true,"agent":{"id":"a","status":"queued","created_at":"2026-07-01T09:00:00Z","estimated_deploy_time":"5 minutes"}}"#;
    let create = |c: Launchpad| c.agents().create(super::requests::faq_bot());
    assert_eq!(answered(create, 201, flat).await.unwrap(), answered(create, 201, nested).await.unwrap());
    let flat = r#"{"agentId":"a","name":"n","status":"DEPLOYED","deployedAt":"2026-07-01T09:06:10Z","lastUpdated":"2026-07-01T12:08:00Z","health":{"overall":"HEALTHY","kubernetes":{"readyReplicas":1}}}"#;
    let nested = r#"{"agent":{"agent_id":"a","name":"n","status":"running","deployed_at":"2026-07-01T09:06:10Z","updated_at":"2026-07-01T12:08:00Z","health":{"status":"healthy","kubernetes":{"ready_replicas":1}}}}"#;
    let status = |c: Launchpad| c.agents().status("a");
    assert_eq!(answered(status, 200, flat).await.unwrap(), answered(status, 200, nested).await.unwrap());
    let list = |c: Launchpad| c.agents().list(ListAgentsParams::new());
    let flat = r#"{"agents":[{"agentId":"a","name":"n","owner":"u","createdAt":"2026-07-01T09:00:00Z"}],"total":1,"limit":20,"offset":0}"#;
    let nested = r#"{"agents":[{"id":"a","name":"n","user_id":"u","created_at":"2026-07-01T09:00:00Z"}],"pagination":{"total":1,"limit":20,"offset":0,"has_more":false},"summary":{"running":1}}"#;
    let (flat, nested) = (answered(list, 200, flat).await.unwrap(), answered(list, 200, nested).await.unwrap());
    assert_eq!((&flat.items, flat.total(), flat.next_cursor()), (&nested.items, nested.total(), nested.next_cursor()));
}

#[tokio::test]
async fn conflict_04_what_later_bodies_have_is_added_to_the_first() {
    let server = scripted(&[(201, r#"{"agentId":"a","status":"QUEUED"}"#)]).await;
    let create = client(&server).agents().create(super::requests::faq_bot());
    create.body_field("character", json!({"name": "Ada"})).body_field("environment", json!({"A": "1"})).await.unwrap();
    let body: serde_json::Value = server.received_requests().await.unwrap()[0].body_json().unwrap();
    assert_eq!((&body["character"]["name"], &body["environment"]["A"]), (&json!("Ada"), &json!("1")));
    assert_eq!(
        (&body["platforms"], &body["agentName"]),
        (&json!({"telegram": {"token": "t-demo"}}), &json!("faq-bot"))
    );
}

#[tokio::test]
async fn conflict_05_metrics_are_values_or_series() {
    let body = r#"{"metrics":{"cpu":{"current":0.2,"average":0.3,"max":0.4,"min":0.1,"data_points":[{"timestamp":"2026-07-01T11:55:00Z","value":0.3}]},"memory":{"current":256.5,"limit":512},"network":{"rx_bytes":900,"tx_bytes":700,"rx_rate":1.5,"tx_rate":0.5}},"timeframe":"1h","interval":"5m"}"#;
    let series = answered(|c| c.monitoring().series("a", GetAgentMetricsParams::new().timeframe("1h")), 200, body)
        .await
        .unwrap();
    assert_eq!((series.timeframe.as_deref(), series.interval.as_deref()), (Some("1h"), Some("5m")));
    let metrics = series.metrics.unwrap();
    let cpu = metrics.cpu.unwrap();
    assert_eq!(
        (cpu.usage, cpu.current, cpu.average, cpu.data_points[0].value),
        (None, Some(0.2), Some(0.3), Some(0.3))
    );
    assert_eq!(metrics.memory.unwrap().current, Some(256.5));
    let network = metrics.network.unwrap();
    assert_eq!((network.bytes_in, network.bytes_out, network.rx_rate), (Some(900), Some(700), Some(1.5)));
}

#[tokio::test]
async fn conflict_06_since_is_a_duration_or_a_point_in_time() {
    let server = scripted(&[(200, r#"{"logs":[]}"#)]).await;
    let logs = client(&server).monitoring().logs();
    let at: Timestamp = "2026-07-01T12:00:00Z".parse().unwrap();
    for since in [Since::from(Duration::from_secs(3600)), Since::from(at)] {
        logs.get("a", GetAgentLogsParams::new().since(since)).await.unwrap();
    }
    logs.get("a", GetAgentLogsParams::new().since("15m")).await.unwrap();
    assert_eq!(
        lines(&server).await,
        [
            "GET /api/agents/a/logs?since=1h",
            "GET /api/agents/a/logs?since=2026-07-01T12%3A00%3A00Z",
            "GET /api/agents/a/logs?since=15m",
        ]
    );
}

#[tokio::test]
async fn conflict_07_a_profile_is_flat_or_has_the_user_inside() {
    let nested = r#"{"user":{"id":"user-3","email":"dana@example.org"},"profile":{"theme":"dark"}}"#;
    let profile = answered(|c| c.users().profile(), 200, nested).await.unwrap();
    assert_eq!((profile.user_id.as_str(), profile.email.as_deref()), ("user-3", Some("dana@example.org")));
    assert_eq!(answered(|c| c.users().profile(), 200, PROFILE).await.unwrap().username.as_deref(), Some("dana"));
}

#[tokio::test]
async fn conflict_08_no_websocket_is_needed_to_follow() {
    let server = empty().await;
    add(&server, "GET", "/api/agents/a/logs", 9, json_answer(200, r#"{"logs":[{"message":"one"}]}"#)).await;
    let mut lines = client(&server).monitoring().logs().follow("a");
    assert_eq!(lines.try_next().await.unwrap().unwrap().message, "one");
    let requests = server.received_requests().await.unwrap();
    assert!(requests.iter().all(|request| !request.headers.contains_key("upgrade")));
}

#[tokio::test]
async fn conflict_09_an_agent_is_named_by_id_or_name() {
    let server = scripted(&[(200, LIVE)]).await;
    for id in ["agent-9k2", "faq-bot", "my agent?"] {
        client(&server).agents().status(id).await.unwrap();
    }
    let expected =
        ["GET /api/agents/agent-9k2/status", "GET /api/agents/faq-bot/status", "GET /api/agents/my%20agent%3F/status"];
    assert_eq!(lines(&server).await, expected);
}

#[tokio::test]
async fn conflict_10_admins_filter_by_owner() {
    let server = scripted(&[(200, r#"{"agents":[]}"#)]).await;
    client(&server).agents().list(ListAgentsParams::new().owner("user-3")).await.unwrap();
    client(&server).agents().list(ListAgentsParams::new()).query("userId", "user-3").await.unwrap();
    assert_eq!(lines(&server).await, ["GET /api/agents?owner=user-3", "GET /api/agents?userId=user-3"]);
}

#[tokio::test]
async fn conflict_11_the_status_is_read_at_its_own_path() {
    let server = empty().await;
    add(&server, "GET", "/api/agents/a/status", 9, json_answer(200, LIVE)).await;
    add(&server, "GET", "/api/agents/a", 9, json_answer(200, r#"{"agent":{"id":"a"}}"#)).await;
    assert_eq!(client(&server).agents().status("a").await.unwrap().agent_id, "agent-9k2");
    assert_eq!(client(&server).agents().get("a").await.unwrap().id, "a");
}

#[tokio::test]
async fn conflict_12_health_is_at_api_health_and_nowhere_else() {
    let server =
        scripted(&[(404, r#"{"statusCode":404,"message":"Cannot GET /api/health","error":"Not Found"}"#)]).await;
    let error = client(&server).health().await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::RouteMissing));
    assert_eq!(lines(&server).await, ["GET /api/health"]);
}

#[tokio::test]
async fn conflict_13_both_metrics_of_the_system_can_be_read() {
    let server = empty().await;
    add(&server, "GET", "/api/system/metrics", 9, json_answer(200, r#"{"system":{"totalAgents":2}}"#)).await;
    add(&server, "GET", "/api/metrics", 9, json_answer(200, r#"{"agents":{"total":2}}"#)).await;
    add(&server, "GET", "/metrics", 9, json_answer(200, r#"{"up":1}"#)).await;
    let client = client(&server);
    assert_eq!(client.system().metrics().await.unwrap().system.unwrap().total_agents, Some(2));
    assert_eq!(client.system().host_metrics().await.unwrap().agents.unwrap().total, Some(2));
    assert_eq!(client.raw(Method::GET, ["metrics"]).await.unwrap()["up"], json!(1));
}

#[tokio::test]
async fn conflict_14_the_base_url_may_end_in_api() {
    let server = scripted(&[(200, PROFILE)]).await;
    for end in ["", "/", "/api", "/api/", "/pad", "/pad/api"] {
        builder(format!("{}{end}", server.uri())).build().unwrap().users().profile().await.unwrap();
    }
    let plain = "GET /api/users/profile";
    assert_eq!(
        lines(&server).await,
        [plain, plain, plain, plain, "GET /pad/api/users/profile", "GET /pad/api/users/profile"]
    );
}

#[tokio::test]
async fn conflict_15_a_quota_and_a_frequency_are_two_things() {
    let quota = r#"{"error":{"code":"RESOURCE_LIMIT_EXCEEDED","message":"no memory left"}}"#;
    let server = scripted(&[(429, quota)]).await;
    let error = client(&server).users().profile().await.unwrap_err();
    assert_eq!(
        (error.reason(), error.is_limit_exceeded(), error.is_rate_limited()),
        (Some(Reason::Quota), true, false)
    );
    assert_eq!(lines(&server).await.len(), 1, "it is not retried");
    for frequency in [
        r#"{"error":{"code":"RATE_LIMIT_EXCEEDED","message":"slow"}}"#,
        "Too many requests",
        "",
        r#"{"error":{"code":"NEW","message":"m"}}"#,
    ] {
        let server = scripted(&[(429, frequency), (200, PROFILE)]).await;
        client(&server).users().profile().await.unwrap();
        assert_eq!(lines(&server).await.len(), 2, "{frequency}");
        let error = answered(|c| c.users().profile(), 429, frequency).await.unwrap_err();
        assert_eq!((error.reason(), error.is_rate_limited()), (Some(Reason::RateLimit), true), "{frequency}");
    }
}

#[tokio::test]
async fn conflict_16_the_shorter_samples_are_enough() {
    let least = r#"{"agentId":"a","status":"QUEUED"}"#;
    let created = answered(|c| c.agents().create(super::requests::faq_bot()), 201, least).await.unwrap();
    assert_eq!((created.created_at, created.estimated_deploy_time), (None, None));
    let state = r#"{"agentId":"a","status":"DEPLOYED","url":"https://a","health":{"overall":"HEALTHY"}}"#;
    let state = answered(|c| c.agents().status("a"), 200, state).await.unwrap();
    assert!(state.is_healthy() && state.last_updated.is_none());
    let scaled = r#"{"agentId":"a","currentReplicas":3,"status":"SCALING"}"#;
    let scaled = answered(|c| c.agents().scale("a", 3), 200, scaled).await.unwrap().unwrap();
    assert_eq!((scaled.current_replicas, scaled.target_replicas, scaled.updated_at), (Some(3), None, None));
    for name in ["name", "agentName"] {
        let body = format!(r#"{{"agents":[{{"agentId":"a","{name}":"faq-bot"}}]}}"#);
        let page = answered(|c| c.agents().list(ListAgentsParams::new()), 200, &body).await.unwrap();
        assert_eq!(page.items[0].name.as_deref(), Some("faq-bot"), "{name}");
    }
}

#[tokio::test]
async fn conflict_17_a_scan_says_in_either_way_whether_it_passed() {
    for (status, results, passed) in [
        ("COMPLETED", r#"{"passed":true}"#, Some(true)),
        ("COMPLETED", r#"{"passed":false}"#, Some(false)),
        ("PASSED", "null", Some(true)),
        ("FAILED", "null", Some(false)),
        ("PASSED", r#"{"passed":false}"#, Some(false)),
        ("COMPLETED", "{}", None),
    ] {
        let body = format!(r#"{{"agentId":"a","scanId":"s","status":"{status}","results":{results}}}"#);
        let scan = answered(|c| c.security().last_scan("a"), 200, &body).await.unwrap();
        assert_eq!(scan.passed(), passed, "{body}");
    }
}

#[tokio::test]
async fn conflict_18_statuses_are_read_in_any_case_and_running_means_deployed() {
    for word in ["DEPLOYED", "deployed", "Deployed", "running", "RUNNING"] {
        let body = format!(r#"{{"agentId":"a","status":"{word}"}}"#);
        let state = answered(|c| c.agents().status("a"), 200, &body).await.unwrap();
        assert_eq!((state.status.as_str(), state.status.is_live()), ("DEPLOYED", true), "{word}");
    }
}

#[tokio::test]
async fn conflict_19_every_state_of_any_page_is_known_and_others_are_kept() {
    let settled = ["DEPLOYED", "FAILED", "STOPPED", "COMPLETED"];
    for word in [
        "QUEUED",
        "PENDING",
        "BUILDING",
        "SCANNING",
        "DEPLOYING",
        "VERIFYING",
        "MONITORING",
        "DEPLOYED",
        "FAILED",
        "SCALING",
        "UPDATING",
        "RESTARTING",
        "STOPPED",
        "DELETING",
        "COMPLETED",
    ] {
        let status = AgentStatus::from(word);
        assert!(!matches!(status, AgentStatus::Unknown(_)), "{word}");
        assert_eq!((status.as_str(), status.is_settled()), (word, settled.contains(&word)));
        assert_eq!(AgentStatus::from(word.to_lowercase()), status);
    }
    let new = answered(|c| c.agents().status("a"), 200, r#"{"agentId":"a","status":"Hibernating"}"#).await.unwrap();
    assert_eq!((new.status.as_str(), new.is_settled()), ("Hibernating", false));
}

#[tokio::test]
async fn conflict_20_permissions_are_texts() {
    let profile = answered(|c| c.users().profile(), 200, PROFILE).await.unwrap();
    assert_eq!(profile.permissions, ["agents:*", "deployments:*", "system:*", "users:*"]);
    let error =
        answered(|c| c.agents().delete("a"), 403, r#"{"error":{"code":"INSUFFICIENT_PERMISSIONS","message":"no"}}"#)
            .await;
    assert!(matches!(error, Err(Error::PermissionDenied(error)) if error.reason() == Some(Reason::Scope)));
}
