//! Whole programs against the sandbox's Agent Launchpad.

use std::time::Duration;

use polyagent::launchpad::types::*;
use polyagent::launchpad::{DeployOutcome, Launchpad, Since};
use polyagent::sandbox::Sandbox;
use polyagent::sandbox::launchpad::{Follow, Settings};
use polyagent::{Job, Poller, Reason};

use super::QUICK;
use super::requests::faq_bot;

async fn sandbox(set: impl FnOnce(Settings) -> Settings) -> (Sandbox, Launchpad) {
    let sandbox = Sandbox::builder().launchpad(set).start().await.unwrap();
    let client = sandbox.launchpad();
    (sandbox, client)
}

fn quick<T: 'static, U: Send + Sync + 'static>(poller: Poller<T, U>) -> Poller<T, U> {
    poller.interval(QUICK, QUICK)
}

async fn deployed(client: &Launchpad) -> AgentState {
    let DeployOutcome::Deployed(state) = client.agents().deploy(faq_bot()).polling(quick).await.unwrap() else {
        panic!()
    };
    state
}

fn with_plugin(plugin: &str) -> AgentCreate {
    let mut agent = faq_bot();
    agent.selected_plugins = vec![plugin.to_owned()];
    agent
}

#[tokio::test]
async fn an_agent_lives_from_deployment_to_deletion() {
    for later in [false, true] {
        // Each poll is a step of a deployment, however late it comes.
        let builder = Sandbox::builder().paused_clock();
        let sandbox = builder.launchpad(|it| if later { it.later_versions() } else { it }).start().await.unwrap();
        let client = sandbox.launchpad();
        let agents = client.agents();
        let mut updates = agents.deploy(faq_bot()).polling(quick).start().await.unwrap().updates();
        let mut seen = Vec::new();
        while let Some(deployment) = updates.try_next().await.unwrap() {
            seen.push(deployment.state.status);
        }
        let expected = [
            AgentStatus::Queued,
            AgentStatus::Building,
            AgentStatus::Scanning,
            AgentStatus::Deploying,
            AgentStatus::Deployed,
        ];
        assert_eq!(seen, expected, "{later}");
        let outcome = updates.await.unwrap();
        let state = outcome.state();
        assert!(state.is_healthy() && state.url.as_ref().unwrap().contains(&state.agent_id));
        let id = state.agent_id.clone();
        let page =
            agents.list(ListAgentsParams::new().status(AgentStatus::Deployed).platform("telegram")).await.unwrap();
        assert_eq!((page.items[0].agent_id.as_str(), page.total()), (id.as_str(), Some(1)));
        assert_eq!(agents.get(&id).await.unwrap().name.as_deref(), Some("faq-bot"));
        let found = agents.search(SearchAgentsParams::new().q("QUESTIONS")).await.unwrap();
        assert_eq!(found.results[0].id, id);

        let scaled = agents.scale_and_wait(&id, 3).polling(quick).await.unwrap();
        assert_eq!(scaled.state().health.as_ref().unwrap().kubernetes.as_ref().unwrap().ready_replicas, Some(3));
        agents.restart_and_wait(&id).polling(quick).await.unwrap();
        let changes = AgentUpdate::new().description("answers more");
        assert!(matches!(
            agents.update_and_wait(&id, changes).polling(quick).await.unwrap(),
            DeployOutcome::Deployed(_)
        ));
        agents.stop(&id).await.unwrap();
        assert!(matches!(agents.wait_until_deployed(&id).await.unwrap(), DeployOutcome::Stopped(_)));
        agents.start(&id).await.unwrap();
        agents.delete_and_wait(&id).polling(quick).await.unwrap();
        assert!(agents.status(&id).await.unwrap_err().is_not_found());
        assert_eq!(agents.list(ListAgentsParams::new()).await.unwrap().total(), Some(0));
    }
}

#[tokio::test]
async fn an_agent_advances_with_the_clock_alone() {
    let (sandbox, client) = sandbox(|it| it).await;
    let created = client.agents().create(faq_bot()).await.unwrap();
    sandbox.advance(Duration::from_secs(10));
    assert_eq!(client.agents().status(&created.agent_id).await.unwrap().status, AgentStatus::Deployed);
    sandbox.advance(Duration::from_secs(3600));
    let metrics = client.monitoring().metrics(&created.agent_id).await.unwrap().metrics.unwrap();
    assert!(metrics.requests.unwrap().total.unwrap() > 1000, "they grow");
    let logs = client.monitoring().logs().get(&created.agent_id, GetAgentLogsParams::new()).await.unwrap();
    assert_eq!((logs.logs.len(), logs.is_truncated()), (100, true));
    assert!(logs.total_lines.unwrap() > 700);
    let params = GetAgentLogsParams::new().since(Since::from(Duration::from_secs(60))).lines(1000);
    let minute = client.monitoring().logs().get(&created.agent_id, params).await.unwrap();
    assert!((11..=13).contains(&minute.logs.len()), "{}", minute.logs.len());
}

#[tokio::test]
async fn a_plugin_that_does_not_exist_fails_the_deployment_and_the_log_says_so() {
    let (_sandbox, client) = sandbox(|it| it).await;
    let outcome = client.agents().deploy(with_plugin("left-pad")).polling(quick).await.unwrap();
    let DeployOutcome::Failed(failed) = outcome else { panic!() };
    assert_eq!(failed.last_logs.last().unwrap().message, "no such plugin: left-pad");
}

#[tokio::test]
async fn a_log_is_followed_in_any_way_until_the_agent_is_gone() {
    for follow in [Follow::Events, Follow::Lines, Follow::Ignored, Follow::Refused] {
        let (sandbox, client) = sandbox(|it| it.follow(follow)).await;
        let created = client.agents().create(faq_bot()).await.unwrap();
        let mut lines = client.monitoring().logs().follow(&created.agent_id).interval(QUICK);
        let mut messages = Vec::new();
        while messages.len() < 6 {
            sandbox.advance(Duration::from_secs(1));
            messages.push(lines.try_next().await.unwrap().unwrap().message);
        }
        let expected = [
            "queued",
            "building the image",
            "scanning the image",
            "applying to the cluster",
            "agent is live",
            "messages processed",
        ];
        assert_eq!(messages, expected, "{follow:?}");
        client.agents().delete(&created.agent_id).await.unwrap();
        sandbox.advance(Duration::from_secs(2));
        while lines.try_next().await.unwrap().is_some() {}
    }
}

#[tokio::test]
async fn limits_are_told_apart() {
    let (_sandbox, client) = sandbox(|it| it.quota(2)).await;
    let state = deployed(&client).await;
    let error = client.agents().scale(&state.agent_id, 3).await.unwrap_err();
    assert_eq!((error.reason(), error.is_limit_exceeded()), (Some(Reason::Quota), true));
    client.agents().scale(&state.agent_id, 2).await.unwrap();
    let (_sandbox, client) = sandbox(|it| it.rate_limit(5, Duration::from_secs(60))).await;
    for _ in 0..5 {
        client.agents().create(faq_bot()).await.unwrap();
    }
    let error = client.agents().create(faq_bot()).max_retries(0).await.unwrap_err();
    assert!(error.is_rate_limited() && error.retry_after().unwrap() > Duration::from_secs(50), "{error:?}");
    assert_eq!(error.rate_limit().unwrap().remaining, Some(0));
    let (_sandbox, client) = sandbox(|it| it).await;
    for _ in 0..5 {
        client.agents().create(faq_bot()).await.unwrap();
    }
    assert!(client.agents().create(faq_bot()).await.unwrap_err().is_bad_request(), "a sixth agent");
}

#[tokio::test]
async fn keys_scans_events_health_and_profile() {
    let (sandbox, client) = sandbox(|it| it.slow_scans().unhealthy(503)).await;
    let key = client.auth().generate_key(ApiKeyCreate::new("dana", "dana@example.org")).await.unwrap();
    let dana = sandbox.launchpad_builder().api_key(key.api_key).build().unwrap();
    let state = deployed(&dana).await;
    let scan = dana.security().scan(&state.agent_id).await.unwrap();
    assert!(!scan.is_done());
    let scan = dana.security().last_scan(&state.agent_id).wait().await.unwrap();
    assert_eq!(scan.passed(), Some(true));
    let created = ListSecurityEventsParams::new().event_type("AGENT_CREATED");
    let events = dana.security().events(created).await.unwrap();
    assert_eq!((events.total(), events.items[0].agent_id.as_deref()), (Some(1), Some(state.agent_id.as_str())));
    assert_eq!(dana.health().await.unwrap().status, HealthState::Unhealthy);
    assert_eq!(dana.system().metrics().await.unwrap().system.unwrap().running_agents, Some(1));
    assert_eq!(dana.system().host_metrics().await.unwrap().agents.unwrap().active, Some(1));
    let changed = dana.users().update_profile(ProfileUpdate::new().email("new@example.org")).await.unwrap().unwrap();
    assert_eq!(changed.email.as_deref(), Some("new@example.org"));
    assert_eq!(dana.users().profile().await.unwrap(), changed);
    let stranger = sandbox.launchpad_builder().api_key("alk_0000").build().unwrap();
    assert!(stranger.users().profile().await.unwrap_err().is_authentication());
}

#[tokio::test]
async fn a_silent_server_is_enough_for_every_wait() {
    let (_sandbox, client) = sandbox(Settings::silent).await;
    let id = deployed(&client).await.agent_id;
    assert_eq!(client.agents().restart(&id).await.unwrap(), None);
    client.agents().scale_and_wait(&id, 2).polling(quick).await.unwrap();
    client.agents().delete_and_wait(&id).polling(quick).await.unwrap();
}

#[tokio::test]
async fn the_sandbox_rejects_what_the_platform_rejects() {
    let (_sandbox, client) = sandbox(|it| it).await;
    let error = client.raw(polyagent::Method::POST, ["api", "agents", "a", "restart"]).await.unwrap_err();
    assert!(error.is_bad_request(), "no JSON body: {error}");
    let body = serde_json::json!({"agentName": "x"});
    let error = client.raw(polyagent::Method::POST, ["api", "agents"]).json_body(&body).await.unwrap_err();
    assert_eq!((error.is_bad_request(), error.code()), (true, Some("VALIDATION_ERROR")));
    assert!(error.request_id().unwrap().starts_with("req-"));
    assert!(client.agents().status("agent-absent").await.unwrap_err().is_not_found());
}
