//! The literal bytes of every request.

use std::time::Duration;

use polyagent::launchpad::types::*;
use polyagent::launchpad::{Cpu, Launchpad, Memory, Since};
use polyagent::{Error, Method, Request, Timestamp};
use serde_json::json;

use super::{KEY, builder, client, scripted};

/// Sends a call and gives method, path with query, and body of what arrived.
async fn sent<T: 'static>(call: impl FnOnce(Launchpad) -> Request<T>) -> (String, String) {
    let server = scripted(&[(418, "{}")]).await;
    let result = call(client(&server)).await;
    assert!(matches!(result, Err(Error::OtherClient(_))), "the request did not arrive: {:?}", result.err());
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    let body = String::from_utf8(request.body.clone()).unwrap();
    assert_eq!(request.headers.contains_key("content-type"), !body.is_empty());
    assert_eq!(request.headers["x-api-key"], KEY);
    (format!("{} {}", request.method, &request.url[url::Position::BeforePath..]), body)
}

async fn assert_sent<T: 'static>(call: impl FnOnce(Launchpad) -> Request<T>, line: &str, body: &str) {
    assert_eq!(sent(call).await, (line.to_owned(), body.to_owned()));
}

pub fn faq_bot() -> AgentCreate {
    AgentCreate::new(
        "faq-bot",
        Personality::new().system("Answer briefly.").bio(["FAQ helper"]).adjectives(["calm"]),
        ["@elizaos/plugin-telegram"],
        Resources::new(Memory::mib(512), Cpu::millis(250)).replicas(1),
        Platforms::new().telegram(TelegramConfig::new("t-demo")),
    )
    .description("answers questions")
}

#[tokio::test]
async fn a_call_carries_the_key_and_no_more_than_it_needs() {
    let server = scripted(&[(200, r#"{"agentId":"a","status":"RESTARTING"}"#)]).await;
    client(&server).agents().restart("a").await.unwrap();
    let request = &server.received_requests().await.unwrap()[0];
    let mut headers: Vec<_> = request.headers.iter().map(|(n, v)| format!("{n}: {}", v.to_str().unwrap())).collect();
    headers.sort();
    assert_eq!(
        headers,
        [
            "accept: application/json".to_owned(),
            "content-length: 2".to_owned(),
            "content-type: application/json".to_owned(),
            format!("host: {}", server.uri().replace("http://", "")),
            format!("user-agent: polyagent/{}", env!("CARGO_PKG_VERSION")),
            format!("x-api-key: {KEY}"),
        ]
    );
}

#[tokio::test]
async fn agents() {
    let body = r#"{"agentName":"faq-bot","description":"answers questions","personality":{"system":"Answer briefly.","bio":["FAQ helper"],"adjectives":["calm"]},"selectedPlugins":["@elizaos/plugin-telegram"],"resources":{"memory":"512Mi","cpu":"250m","replicas":1},"platforms":{"telegram":{"token":"t-demo"}}}"#;
    assert_sent(|c| c.agents().create(faq_bot()), "POST /api/agents", body).await;
    let least = AgentCreate::new("abc", Personality::new(), [""; 0], Resources::new("1Gi", "1"), Platforms::new());
    let body = r#"{"agentName":"abc","personality":{},"selectedPlugins":[],"resources":{"memory":"1Gi","cpu":"1"},"platforms":{}}"#;
    assert_sent(|c| c.agents().create(least), "POST /api/agents", body).await;
    assert_sent(|c| c.agents().list(ListAgentsParams::new()), "GET /api/agents", "").await;
    let params =
        ListAgentsParams::new().limit(100).offset(40).status(AgentStatus::Deployed).owner("user-3").platform("discord");
    assert_sent(
        |c| c.agents().list(params),
        "GET /api/agents?limit=100&offset=40&status=DEPLOYED&owner=user-3&platform=discord",
        "",
    )
    .await;
    assert_sent(|c| c.agents().status("agent-9k2"), "GET /api/agents/agent-9k2/status", "").await;
    assert_sent(|c| c.agents().get("agent-9k2"), "GET /api/agents/agent-9k2", "").await;
    let changes = AgentUpdate::new().resources(Resources::new(Memory::gib(1), Cpu::millis(500)));
    assert_sent(
        |c| c.agents().update("a", changes),
        "PUT /api/agents/a",
        r#"{"resources":{"memory":"1Gi","cpu":"500m"}}"#,
    )
    .await;
    assert_sent(|c| c.agents().update("a", AgentUpdate::new()), "PUT /api/agents/a", "{}").await;
    assert_sent(|c| c.agents().delete("a"), "DELETE /api/agents/a", "").await;
    assert_sent(|c| c.agents().scale("a", 2), "POST /api/agents/a/scale", r#"{"replicas":2}"#).await;
    assert_sent(|c| c.agents().restart("a"), "POST /api/agents/a/restart", "{}").await;
    assert_sent(|c| c.agents().stop("a"), "POST /api/agents/a/stop", "{}").await;
    assert_sent(|c| c.agents().start("a"), "POST /api/agents/a/start", "{}").await;
    let params = SearchAgentsParams::new().q("faq bot").sort(SearchSort::LastActivity).order(SortOrder::Desc);
    assert_sent(|c| c.agents().search(params), "GET /api/agents/search?q=faq+bot&sort=last_activity&order=desc", "")
        .await;
}

#[tokio::test]
async fn everything_that_an_agent_may_have() {
    let content = MessageContent::new("Welcome").actions(["GREET"]);
    let mut platforms = Platforms::new()
        .discord(DiscordConfig::new("d-demo").guild_id("g-1"))
        .slack(SlackConfig::new("s-demo", "#help"))
        .web(WebConfig::new(true).port(3000));
    platforms.unknown.insert("matrix".to_owned(), json!({"room": "r-1"}));
    let personality = Personality::new()
        .topics(["museums"])
        .lore(["Built in 2026"])
        .knowledge(["Opening hours"])
        .message_examples([vec![MessageExample::new("guide", content)]])
        .style(Style::new().all(["short"]).chat(["warm"]).post(["plain"]));
    let agent = AgentCreate::new("guide_1", personality, ["p"], Resources::new("1Gi", "0.5"), platforms)
        .plugin_configs([("p", json!({"prefix": "!"}))]);
    let body = r##"{"agentName":"guide_1","personality":{"topics":["museums"],"lore":["Built in 2026"],"knowledge":["Opening hours"],"messageExamples":[[{"name":"guide","content":{"text":"Welcome","actions":["GREET"]}}]],"style":{"all":["short"],"chat":["warm"],"post":["plain"]}},"selectedPlugins":["p"],"pluginConfigs":{"p":{"prefix":"!"}},"resources":{"memory":"1Gi","cpu":"0.5"},"platforms":{"discord":{"token":"d-demo","guildId":"g-1"},"slack":{"token":"s-demo","channel":"#help"},"web":{"enabled":true,"port":3000},"matrix":{"room":"r-1"}}}"##;
    assert_sent(|c| c.agents().create(agent), "POST /api/agents", body).await;
}

#[tokio::test]
async fn everything_else() {
    let user = ApiKeyCreate::new("dana", "dana@example.org").role(Role::User);
    assert_sent(
        |c| c.auth().generate_key(user),
        "POST /api/auth/generate-key",
        r#"{"username":"dana","email":"dana@example.org","role":"USER"}"#,
    )
    .await;
    assert_sent(|c| c.monitoring().metrics("a"), "GET /api/agents/a/metrics", "").await;
    let params = GetAgentMetricsParams::new().timeframe("24h").interval("15m");
    assert_sent(|c| c.monitoring().series("a", params), "GET /api/agents/a/metrics?timeframe=24h&interval=15m", "")
        .await;
    assert_sent(|c| c.monitoring().logs().get("a", GetAgentLogsParams::new()), "GET /api/agents/a/logs", "").await;
    let params = GetAgentLogsParams::new()
        .lines(1000)
        .since(Since::from(Duration::from_secs(1800)))
        .level(LogLevel::Error)
        .container("agent");
    assert_sent(
        |c| c.monitoring().logs().get("a", params),
        "GET /api/agents/a/logs?lines=1000&since=30m&level=ERROR&container=agent",
        "",
    )
    .await;
    assert_sent(|c| c.security().scan("a"), "POST /api/security/scan/a", "{}").await;
    assert_sent(|c| c.security().last_scan("a"), "GET /api/security/scan/a", "").await;
    assert_sent(|c| c.security().events(ListSecurityEventsParams::new()), "GET /api/security/events", "").await;
    let since: Timestamp = "2026-07-01T12:00:00Z".parse().unwrap();
    let params =
        ListSecurityEventsParams::new().limit(10).severity(Severity::High).since(since).event_type("AUTH_FAILED");
    assert_sent(
        |c| c.security().events(params),
        "GET /api/security/events?limit=10&severity=HIGH&since=2026-07-01T12%3A00%3A00Z&event_type=AUTH_FAILED",
        "",
    )
    .await;
    assert_sent(|c| c.health(), "GET /api/health", "").await;
    assert_sent(|c| c.system().metrics(), "GET /api/system/metrics", "").await;
    assert_sent(|c| c.system().host_metrics(), "GET /api/metrics", "").await;
    assert_sent(|c| c.users().profile(), "GET /api/users/profile", "").await;
    let changes = ProfileUpdate::new().email("d@example.com").notifications(NotificationSettings::new().slack(true));
    assert_sent(
        |c| c.users().update_profile(changes),
        "PUT /api/users/profile",
        r#"{"email":"d@example.com","notifications":{"slack":true}}"#,
    )
    .await;
    assert_sent(
        |c| c.raw(Method::GET, ["api", "security", "report"]).query("period", "monthly"),
        "GET /api/security/report?period=monthly",
        "",
    )
    .await;
    let stack = json!({"name": "web"});
    assert_sent(|c| c.raw(Method::POST, ["api", "stacks"]).json_body(&stack), "POST /api/stacks", r#"{"name":"web"}"#)
        .await;
}

#[tokio::test]
async fn invalid_arguments_are_refused_before_anything_is_sent() {
    let server = scripted(&[(200, "{}")]).await;
    let agents = client(&server).agents();
    let named = |name: &str| {
        let mut agent = faq_bot();
        agent.agent_name = name.to_owned();
        agent
    };
    for name in ["ab", "", "has space", "dot.ted", &"x".repeat(51), "é"] {
        let error = agents.create(named(name)).await.unwrap_err();
        assert!(error.is_invalid_argument() && error.to_string().contains("agentName"), "{name}: {error}");
    }
    let with = |resources: Resources| {
        let mut agent = faq_bot();
        agent.resources = resources;
        agent
    };
    for resources in [
        Resources::new("1 GB", "1"),
        Resources::new("1Gi", "half"),
        Resources::new("1Gi", "1").replicas(0),
        Resources::new("1Gi", "1").replicas(6),
    ] {
        let error = agents.create(with(resources)).await.unwrap_err();
        assert!(error.is_invalid_argument() && error.to_string().contains("resources"), "{error}");
    }
    for replicas in [0, 6, -1] {
        assert!(agents.scale("a", replicas).await.unwrap_err().is_invalid_argument(), "{replicas}");
    }
    for id in ["", "..", "a/b", "%2e%2e"] {
        assert!(agents.status(id).await.unwrap_err().is_invalid_argument(), "{id}");
    }
    assert!(agents.list(ListAgentsParams::new().limit(101)).await.unwrap_err().is_invalid_argument());
    let logs = client(&server).monitoring().logs();
    for params in [GetAgentLogsParams::new().lines(1001), GetAgentLogsParams::new().follow(true)] {
        assert!(logs.get("a", params).await.unwrap_err().is_invalid_argument());
    }
    assert!(
        client(&server)
            .auth()
            .generate_key(ApiKeyCreate::new("", "d@example.org"))
            .await
            .unwrap_err()
            .is_invalid_argument()
    );
    assert!(super::lines(&server).await.is_empty());
    let scaled = agents.scale("a", 5).await;
    assert!(scaled.is_ok(), "the bound itself is allowed: {scaled:?}");
}

#[tokio::test]
async fn secrets_are_not_shown() {
    let agent = {
        let mut agent = faq_bot().plugin_configs([("p", json!({"apiKey": "pl-demo"}))]);
        agent.description = Some("visible".to_owned());
        agent
    };
    let platforms = Platforms::new()
        .discord(DiscordConfig::new("d-demo"))
        .slack(SlackConfig::new("s-demo", "#help"))
        .telegram(TelegramConfig::new("t-demo"));
    let shown = format!("{agent:?} {platforms:?} {:?}", AgentUpdate::new().platforms(platforms.clone()));
    for secret in ["t-demo", "pl-demo", "d-demo", "s-demo"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("visible") && shown.contains("#help"), "the probe sees the rest: {shown}");
    let body = r#"{"apiKey":"alk_00ff","keyId":"key_42","expiresAt":null}"#;
    let server = scripted(&[(200, body), (200, r#"{"keyId":7,"apiKey":"alk_00ff"}"#)]).await;
    let key = client(&server).auth().generate_key(ApiKeyCreate::new("dana", "d@example.org")).await.unwrap();
    assert_eq!(key.api_key.expose(), "alk_00ff");
    let error = client(&server).auth().generate_key(ApiKeyCreate::new("dana", "d@example.org")).await.unwrap_err();
    assert!(error.is_decode());
    for shown in [
        format!("{key:?}"),
        format!("{error:?} {error}"),
        format!("{:?}", client(&server)),
        format!("{:?}", builder(server.uri())),
    ] {
        assert!(!shown.contains("alk_00"), "{shown}");
    }
}
