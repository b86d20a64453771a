//! Every documented response, decoded.

use std::time::Duration;

use polyagent::launchpad::Memory;
use polyagent::launchpad::types::*;
use polyagent::{Job, Secret};
use serde_json::json;

use super::{LIVE, answered, client, scripted};

fn text(time: Option<polyagent::Timestamp>) -> Option<String> {
    time.map(|time| time.to_string())
}

#[tokio::test]
async fn a_created_agent() {
    let body = r#"{"agentId":"agent-9k2","status":"QUEUED","createdAt":"2026-07-01T09:00:00Z","estimatedDeployTime":"5-10 minutes"}"#;
    for status in [200, 201, 202] {
        let created = answered(|c| c.agents().create(super::requests::faq_bot()), status, body).await.unwrap();
        assert_eq!((created.agent_id.as_str(), created.status), ("agent-9k2", AgentStatus::Queued));
        assert_eq!(text(created.created_at).as_deref(), Some("2026-07-01T09:00:00Z"));
        assert_eq!(created.estimated_deploy_time.as_deref(), Some("5-10 minutes"));
    }
    for broken in ["", "null", "{}", r#"{"status":"QUEUED"}"#, r#"{"agentId":"a"}"#] {
        let error = answered(|c| c.agents().create(super::requests::faq_bot()), 201, broken).await.unwrap_err();
        assert!(error.is_decode() && error.may_have_been_processed(), "{broken}: {error}");
    }
}

#[tokio::test]
async fn a_list_of_agents_ends_where_the_total_says() {
    let item = r#"{"agentId":"agent-9k2","name":"faq-bot","status":"DEPLOYED","owner":"user-3","createdAt":"2026-07-01T09:00:00Z","url":"https://agent-9k2.agents.example.org"}"#;
    let server = scripted(&[
        (200, &format!(r#"{{"agents":[{item}],"total":2,"limit":1,"offset":0}}"#)),
        (200, r#"{"agents":[{"agentId":"agent-2","name":null,"url":null}],"total":2,"limit":1,"offset":1}"#),
    ])
    .await;
    let mut items = client(&server).agents().list(ListAgentsParams::new().limit(1)).items();
    let first = items.try_next().await.unwrap().unwrap();
    assert_eq!((first.name.as_deref(), first.owner.as_deref()), (Some("faq-bot"), Some("user-3")));
    assert_eq!(first.url.as_deref(), Some("https://agent-9k2.agents.example.org"));
    assert_eq!(items.try_next().await.unwrap().unwrap().agent_id, "agent-2");
    assert!(items.try_next().await.unwrap().is_none());
    assert_eq!(super::lines(&server).await, ["GET /api/agents?limit=1", "GET /api/agents?limit=1&offset=1"]);
}

#[tokio::test]
async fn the_status_of_an_agent() {
    let state = answered(|c| c.agents().status("agent-9k2"), 200, LIVE).await.unwrap();
    assert_eq!(
        (state.status.clone(), state.url.as_deref()),
        (AgentStatus::Deployed, Some("https://agent-9k2.agents.example.org"))
    );
    assert!(state.is_healthy() && state.is_settled() && state.status.is_live());
    let health = state.health.unwrap();
    let (pods, process) = (health.kubernetes.unwrap(), health.application.unwrap());
    assert_eq!((pods.status, pods.replicas, pods.ready_replicas), (Some(HealthState::Healthy), Some(1), Some(1)));
    assert_eq!((process.uptime.as_deref(), process.response_time.as_deref()), (Some("3h 2m"), Some("38ms")));
    assert_eq!(process.uptime_duration(), Some(Duration::from_secs(10_920)));
    assert_eq!(process.response_time_duration(), Some(Duration::from_millis(38)));
    assert_eq!(text(state.deployed_at).as_deref(), Some("2026-07-01T09:06:10Z"));
    assert_eq!(text(state.last_updated).as_deref(), Some("2026-07-01T12:08:00Z"));
    let young = r#"{"agentId":"a","status":"BUILDING","url":null,"health":null,"deployedAt":null,"lastUpdated":null,"node":"n-1"}"#;
    let young = answered(|c| c.agents().status("a"), 200, young).await.unwrap();
    assert_eq!((young.url.as_deref(), young.health.as_ref(), &young.unknown["node"]), (None, None, &json!("n-1")));
    assert!(!young.is_healthy() && !young.is_settled());
    let open = r#"{"agentId":"a","status":"DEPLOYED","health":{"overall":"DEGRADED","resources":{"status":"UNHEALTHY","details":"low"},"network":{"status":"HEALTHY"}}}"#;
    let open = answered(|c| c.agents().status("a"), 200, open).await.unwrap().health.unwrap();
    assert_eq!((open.overall, &open.unknown["network"]), (Some(HealthState::Degraded), &json!({"status": "HEALTHY"})));
    assert_eq!(open.resources.unwrap().details, Some(json!("low")));
}

#[tokio::test]
async fn actions_may_answer_nothing() {
    for (status, body) in [(204, ""), (200, ""), (202, "null")] {
        assert_eq!(answered(|c| c.agents().update("a", AgentUpdate::new()), status, body).await.unwrap(), None);
        assert_eq!(answered(|c| c.agents().delete("a"), status, body).await.unwrap(), None);
        assert_eq!(answered(|c| c.agents().scale("a", 1), status, body).await.unwrap(), None);
        assert_eq!(answered(|c| c.agents().restart("a"), status, body).await.unwrap(), None);
        assert_eq!(answered(|c| c.agents().stop("a"), status, body).await.unwrap(), None);
        assert_eq!(answered(|c| c.agents().start("a"), status, body).await.unwrap(), None);
        assert_eq!(answered(|c| c.users().update_profile(ProfileUpdate::new()), status, body).await.unwrap(), None);
    }
}

#[tokio::test]
async fn actions_answer_what_has_begun() {
    let body = r#"{"agentId":"agent-9k2","currentReplicas":2,"targetReplicas":2,"status":"SCALING","updatedAt":"2026-07-01T13:00:00Z"}"#;
    let scaled = answered(|c| c.agents().scale("agent-9k2", 2), 200, body).await.unwrap().unwrap();
    assert_eq!(
        (scaled.current_replicas, scaled.target_replicas, scaled.status),
        (Some(2), Some(2), Some(AgentStatus::Scaling))
    );
    let body = r#"{"agentId":"agent-9k2","status":"DELETING","message":"deletion started","timestamp":"2026-07-01T13:00:00Z"}"#;
    let deleted = answered(|c| c.agents().delete("agent-9k2"), 202, body).await.unwrap().unwrap();
    assert_eq!((deleted.status, deleted.message.as_deref()), (Some(AgentStatus::Deleting), Some("deletion started")));
    assert_eq!(text(deleted.timestamp).as_deref(), Some("2026-07-01T13:00:00Z"));
    let body = r#"{"agentId":"a","user_id":"user-3","status":"UPDATING","changes_applied":{"resources":true,"platforms":false},"supabase_event_id":"e-1","updatedAt":"2026-07-01T13:00:00Z"}"#;
    let updated = answered(|c| c.agents().update("a", AgentUpdate::new()), 200, body).await.unwrap().unwrap();
    assert_eq!(updated.status, Some(AgentStatus::Updating));
    assert_eq!(updated.changes_applied.unwrap().get("resources"), Some(&true));
    assert_eq!((&updated.unknown["user_id"], &updated.unknown["supabase_event_id"]), (&json!("user-3"), &json!("e-1")));
    let anything = answered(|c| c.agents().stop("a"), 200, r#"{"success":true}"#).await.unwrap().unwrap();
    assert_eq!((anything.agent_id, &anything.unknown["success"]), (None, &json!(true)));
}

#[tokio::test]
async fn an_agent_in_full() {
    let body = r#"{"agent":{"id":"agent-9k2","name":"faq-bot","status":"running","created_at":"2026-07-01T09:00:00Z","deployed_at":"2026-07-01T09:06:10Z","last_activity":"2026-07-01T12:00:00Z","supabase":{"schema":"s"},"portainer":{"stack_id":7,"stack_status":"active","containers":[{"name":"agent"}],"services":[]},"metrics":{"cpu_usage":12.5,"memory_usage":256,"memory_limit":512,"network_rx":900,"network_tx":700,"requests_per_minute":3,"error_rate":0.01,"uptime":10920},"health":{"status":"healthy","last_check":"2026-07-01T12:00:00Z","checks":[{"name":"http","status":"passing","response_time":"38ms"}]}}}"#;
    let agent = answered(|c| c.agents().get("agent-9k2"), 200, body).await.unwrap();
    assert_eq!((agent.id.as_str(), agent.status), ("agent-9k2", Some(AgentStatus::Deployed)));
    assert_eq!(agent.portainer.unwrap().stack_id, Some(json!(7)));
    assert_eq!(agent.metrics.unwrap().uptime, Some(10_920.0));
    let health = agent.health.unwrap();
    assert_eq!((health.status, health.checks[0].status.as_deref()), (Some(HealthState::Healthy), Some("passing")));
    let bare =
        answered(|c| c.agents().get("a"), 200, r#"{"agentId":"a","createdAt":"2026-07-01T09:00:00Z"}"#).await.unwrap();
    assert_eq!((bare.id.as_str(), text(bare.created_at).as_deref()), ("a", Some("2026-07-01T09:00:00Z")));
}

#[tokio::test]
async fn search_results() {
    let body = r#"{"results":[{"id":"agent-9k2","name":"faq-bot","description":"answers","status":"running","platform":"telegram","relevance_score":0.9,"highlighted_fields":{"name":"<mark>faq</mark>-bot"}}],"total_results":1,"search_time":"12ms"}"#;
    let found = answered(|c| c.agents().search(SearchAgentsParams::new()), 200, body).await.unwrap();
    assert_eq!((found.total_results, found.search_time.as_deref()), (Some(1), Some("12ms")));
    assert_eq!((found.results[0].id.as_str(), found.results[0].relevance_score), ("agent-9k2", Some(0.9)));
    let none = answered(|c| c.agents().search(SearchAgentsParams::new()), 200, "{}").await.unwrap();
    assert!(none.results.is_empty());
}

#[tokio::test]
async fn metrics_and_logs() {
    let body = r#"{"agentId":"agent-9k2","metrics":{"cpu":{"usage":0.2,"limit":0.5,"percentage":40},"memory":{"usage":268435456,"limit":536870912,"percentage":50},"network":{"bytesIn":900,"bytesOut":9007199254740993},"requests":{"total":10,"success":9,"errors":1,"rate":0.4}},"timestamp":"2026-07-01T12:00:00Z"}"#;
    let metrics = answered(|c| c.monitoring().metrics("agent-9k2"), 200, body).await.unwrap().metrics.unwrap();
    let (cpu, memory, network) = (metrics.cpu.unwrap(), metrics.memory.unwrap(), metrics.network.unwrap());
    assert_eq!((cpu.usage, cpu.limit, cpu.percentage), (Some(0.2), Some(0.5), Some(40.0)));
    assert_eq!((memory.usage, memory.limit, memory.percentage), (Some(268_435_456), Some(536_870_912), Some(50.0)));
    assert_eq!((network.bytes_in, network.bytes_out), (Some(900), Some(9_007_199_254_740_993)));
    let requests = metrics.requests.unwrap();
    assert_eq!(
        (requests.total, requests.success, requests.errors, requests.rate),
        (Some(10), Some(9), Some(1), Some(0.4))
    );
    let nothing =
        answered(|c| c.monitoring().metrics("a"), 200, r#"{"agentId":"a","metrics":{"cpu":null}}"#).await.unwrap();
    assert!(nothing.metrics.unwrap().cpu.is_none());

    let body = r#"{"agentId":"agent-9k2","logs":[{"timestamp":"2026-07-01T11:59:58Z","level":"INFO","message":"ready","pod":"agent-9k2-6c-abcde"},{"message":"plain"},{"timestamp":null,"level":"TRACE","message":"odd","pod":null,"extra":1}],"totalLines":7,"truncated":true}"#;
    let logs =
        answered(|c| c.monitoring().logs().get("agent-9k2", GetAgentLogsParams::new()), 200, body).await.unwrap();
    assert!(logs.is_truncated());
    assert_eq!((logs.total_lines, logs.logs.len()), (Some(7), 3));
    assert_eq!(
        (text(logs.logs[0].timestamp).as_deref(), logs.logs[0].level.clone()),
        (Some("2026-07-01T11:59:58Z"), Some(LogLevel::Info))
    );
    assert_eq!(logs.logs[2].level.as_ref().unwrap().as_str(), "TRACE");
    assert_eq!(logs.logs[2].unknown["extra"], json!(1));
    let later = r#"{"logs":[{"id":"l-1","timestamp":"2026-07-01T11:59:58Z","level":"warning","message":"m","source":"agent","metadata":{"n":1},"container_id":"c-1","container_name":"agent"}],"pagination":{"total_lines":7,"returned_lines":1,"has_more":true}}"#;
    let later = answered(|c| c.monitoring().logs().get("a", GetAgentLogsParams::new()), 200, later).await.unwrap();
    assert!(later.is_truncated());
    assert_eq!(
        (later.logs[0].level.clone(), later.logs[0].container_name.as_deref()),
        (Some(LogLevel::Warn), Some("agent"))
    );
    let whole =
        answered(|c| c.monitoring().logs().get("a", GetAgentLogsParams::new()), 200, r#"{"logs":null}"#).await.unwrap();
    assert!(whole.logs.is_empty() && !whole.is_truncated());
}

#[tokio::test]
async fn scans_that_have_ended_and_those_that_have_not() {
    let body = r#"{"agentId":"agent-9k2","scanId":"scan-5","status":"COMPLETED","results":{"passed":true,"vulnerabilities":{"critical":0,"high":0,"medium":2,"low":7},"recommendations":["refresh the base image"]},"scannedAt":"2026-07-01T12:10:00Z"}"#;
    let scan = answered(|c| c.security().scan("agent-9k2"), 200, body).await.unwrap();
    assert_eq!((scan.scan_id.as_str(), scan.passed(), scan.is_done()), ("scan-5", Some(true), true));
    let results = scan.results.unwrap();
    assert_eq!(results.vulnerabilities.unwrap().medium, Some(2));
    assert_eq!(results.recommendations, ["refresh the base image"]);
    for status in ["PENDING", "RUNNING", "IN_PROGRESS", "in_progress", "WAITING"] {
        let body = format!(r#"{{"agentId":"a","scanId":"s","status":"{status}","results":null,"scannedAt":null}}"#);
        let scan = answered(|c| c.security().scan("a"), 202, &body).await.unwrap();
        assert_eq!((scan.is_done(), scan.passed()), (false, None), "{status}");
    }
}

#[tokio::test]
async fn security_events() {
    let body = r#"{"events":[{"id":"event-8","type":"AUTH_FAILED","severity":"MEDIUM","agentId":null,"message":"bad key","timestamp":"2026-07-01T12:00:00Z","details":{"count":3}},{"id":"event-9","event_type":"NEW_KIND","severity":"fatal"},{"id":"event-10","eventType":"agent_created","severity":"info"}],"total":30}"#;
    let page = answered(|c| c.security().events(ListSecurityEventsParams::new()), 200, body).await.unwrap();
    assert_eq!((page.items.len(), page.total(), page.next_cursor()), (3, Some(30), None));
    let [first, second, third] = &page.items[..] else { panic!() };
    assert_eq!(
        (first.type_.clone(), first.severity.clone()),
        (Some(SecurityEventType::AuthFailed), Some(Severity::Medium))
    );
    assert_eq!((first.agent_id.as_deref(), &first.details.as_ref().unwrap()["count"]), (None, &json!(3)));
    assert_eq!(
        (second.type_.as_ref().unwrap().as_str(), second.severity.as_ref().unwrap().as_str()),
        ("NEW_KIND", "fatal")
    );
    assert_eq!(
        (third.type_.clone(), third.severity.clone()),
        (Some(SecurityEventType::AgentCreated), Some(Severity::Info))
    );
}

#[tokio::test]
async fn health_is_read_whatever_the_parts_report() {
    let body = r#"{"status":"HEALTHY","timestamp":"2026-07-01T12:00:00Z","version":"1.0.0","components":{"database":{"status":"HEALTHY","responseTime":"3ms","connections":4},"kubernetes":{"status":"HEALTHY","nodes":3,"pods":12},"redis":{"status":"DEGRADED","memory":"45MB","connections":2},"registry":{"status":"HEALTHY","available":true}}}"#;
    let health = answered(|c| c.health(), 200, body).await.unwrap();
    assert_eq!((health.status.clone(), health.version.as_deref()), (HealthState::Healthy, Some("1.0.0")));
    let parts = &health.components;
    assert_eq!(
        (parts["database"].response_time(), parts["database"].connections()),
        (Some(Duration::from_millis(3)), Some(4))
    );
    assert_eq!((parts["kubernetes"].nodes(), parts["kubernetes"].pods()), (Some(3), Some(12)));
    assert_eq!(
        (parts["redis"].memory(), parts["redis"].status.clone()),
        (Some(Memory::bytes(45_000_000)), Some(HealthState::Degraded))
    );
    assert_eq!(
        (parts["registry"].available(), parts["registry"].nodes(), parts["registry"].memory()),
        (Some(true), None, None)
    );
    let later = r#"{"status":"healthy","components":{"kubernetes":{"status":"healthy","nodes":{"total":3,"ready":2},"pods":{"running":4}},"queue":{"depth":1}}}"#;
    let later = answered(|c| c.health(), 200, later).await.unwrap();
    assert_eq!((later.components["kubernetes"].nodes(), later.components["kubernetes"].pods()), (Some(3), None));
    assert_eq!(
        (later.components["queue"].status.as_ref(), &later.components["queue"].unknown["depth"]),
        (None, &json!(1))
    );
}

#[tokio::test]
async fn bad_health_is_no_error_whatever_the_status() {
    let body =
        r#"{"status":"UNHEALTHY","timestamp":"2026-07-01T12:00:00Z","components":{"database":{"status":"UNHEALTHY"}}}"#;
    for status in [200, 503] {
        let server = scripted(&[(status, body)]).await;
        let response = client(&server).health().with_response().await.unwrap();
        assert_eq!((response.status().as_u16(), response.value().status.clone()), (status, HealthState::Unhealthy));
        assert_eq!(super::lines(&server).await.len(), 1, "it is not retried");
    }
    for (status, body) in [
        (503, r#"{"error":{"code":"RESOURCE_EXHAUSTED","message":"full"}}"#),
        (503, "<html>503</html>"),
        (503, r#"{"statusCode":503,"message":"m","error":"Service Unavailable"}"#),
        (500, r#"{"status":"UNHEALTHY"}"#),
    ] {
        assert!(answered(|c| c.health(), status, body).await.unwrap_err().is_server(), "{status} {body}");
    }
    assert!(answered(|c| c.users().profile(), 503, r#"{"status":"x"}"#).await.unwrap_err().is_server(), "health only");
}

#[tokio::test]
async fn metrics_of_the_system() {
    let body = r#"{"system":{"totalAgents":2,"runningAgents":2,"failedAgents":0,"deployments":{"successful":9,"failed":1,"successRate":90.0}},"resources":{"cpu":{"total":8.0,"used":2.0,"percentage":25.0},"memory":{"total":34359738368,"used":8589934592,"percentage":25.0},"storage":{"total":107374182400,"used":10737418240,"percentage":10.0}},"timestamp":"2026-07-01T12:00:00Z"}"#;
    let metrics = answered(|c| c.system().metrics(), 200, body).await.unwrap();
    let (system, resources) = (metrics.system.unwrap(), metrics.resources.unwrap());
    assert_eq!((system.total_agents, system.deployments.unwrap().success_rate), (Some(2), Some(90.0)));
    assert_eq!((resources.memory.unwrap().total, resources.cpu.unwrap().used), (Some(34_359_738_368), Some(2.0)));
    assert_eq!(resources.storage.unwrap().percentage, Some(10.0));
    let body = r#"{"system":{"cpu_usage":25.0,"memory_usage":40.0,"disk_usage":10.0,"network_rx":900,"network_tx":700},"containers":{"total":4,"running":3,"stopped":1,"failed":0},"agents":{"total":2,"active":2,"deploying":0,"failed":0},"performance":{"average_response_time":"45ms","requests_per_minute":12,"error_rate":0.01}}"#;
    let host = answered(|c| c.system().host_metrics(), 200, body).await.unwrap();
    assert_eq!((host.containers.unwrap().stopped, host.agents.unwrap().active), (Some(1), Some(2)));
    assert_eq!(host.performance.unwrap().average_response_time.as_deref(), Some("45ms"));
}

#[tokio::test]
async fn users_and_keys() {
    let body = r#"{"userId":"user-3","username":"dana","email":"dana@example.org","role":"USER","createdAt":"2026-01-01T00:00:00Z","lastLogin":null,"permissions":["agents:read"]}"#;
    let profile = answered(|c| c.users().profile(), 200, body).await.unwrap();
    assert_eq!(
        (profile.user_id.as_str(), profile.role.clone(), profile.last_login),
        ("user-3", Some(Role::User), None)
    );
    assert_eq!(profile.permissions, ["agents:read"]);
    let changed = answered(|c| c.users().update_profile(ProfileUpdate::new()), 200, body).await.unwrap();
    assert_eq!(changed, Some(profile));
    let body = r#"{"apiKey":"alk_00ff","keyId":"key_42","expiresAt":"2027-01-01T00:00:00Z"}"#;
    let key = answered(|c| c.auth().generate_key(ApiKeyCreate::new("d", "d@e")), 200, body).await.unwrap();
    assert_eq!((key.api_key, key.key_id.as_deref()), (Secret::from("alk_00ff"), Some("key_42")));
    assert_eq!(text(key.expires_at).as_deref(), Some("2027-01-01T00:00:00Z"));
}
