//! Waiting for agents.

use std::time::Duration;

use polyagent::launchpad::types::*;
use polyagent::launchpad::{DeployOutcome, Launchpad};
use polyagent::{Error, Timer};
use wiremock::{MockServer, ResponseTemplate};

use super::requests::faq_bot;
use super::{LIVE, QUICK, add, client, empty, lines};
use crate::elephantasm::json_answer;
use crate::patience::with_patience;

const AT: &str = "/api/agents/agent-9k2/status";

fn state(status: &str, more: &str) -> ResponseTemplate {
    json_answer(200, &format!(r#"{{"agentId":"agent-9k2","status":"{status}"{more}}}"#))
}

/// A server whose agent goes through these statuses, one for each reading; then the last one stays.
async fn going_through(statuses: &[&str]) -> MockServer {
    let server = empty().await;
    add(&server, "POST", "/api/agents", 1, json_answer(201, r#"{"agentId":"agent-9k2","status":"QUEUED"}"#)).await;
    for status in statuses {
        add(&server, "GET", AT, 1, state(status, "")).await;
    }
    server
}

fn quick(client: &Launchpad) -> polyagent::StartAndWait<DeployOutcome, polyagent::launchpad::Deployment> {
    client.agents().deploy(faq_bot()).polling(|poller| poller.interval(QUICK, QUICK))
}

#[tokio::test]
async fn a_deployment_ends_live_with_url_and_health() {
    let server = going_through(&["QUEUED", "BUILDING", "SCANNING", "DEPLOYING", "VERIFYING", "paused"]).await;
    add(&server, "GET", AT, 9, json_answer(200, LIVE)).await;
    let mut updates = quick(&client(&server)).start().await.unwrap().updates();
    let mut seen = Vec::new();
    while let Some(deployment) = updates.try_next().await.unwrap() {
        seen.push(deployment.state.status.as_str().to_owned());
    }
    assert_eq!(seen, ["QUEUED", "BUILDING", "SCANNING", "DEPLOYING", "VERIFYING", "paused", "DEPLOYED"]);
    let DeployOutcome::Deployed(state) = updates.await.unwrap() else { panic!() };
    assert!(state.is_healthy());
    assert_eq!(state.url.as_deref(), Some("https://agent-9k2.agents.example.org"));
    let lines = lines(&server).await;
    assert_eq!((lines.len(), lines[0].as_str()), (8, "POST /api/agents"));
}

#[tokio::test]
async fn a_failed_deployment_has_the_last_lines_of_its_log() {
    let server = going_through(&["BUILDING", "FAILED"]).await;
    let logs = r#"{"logs":[{"message":"npm install"},{"level":"ERROR","message":"no such plugin"}]}"#;
    add(&server, "GET", "/api/agents/agent-9k2/logs", 1, json_answer(200, logs)).await;
    let outcome = quick(&client(&server)).await.unwrap();
    let DeployOutcome::Failed(failed) = &outcome else { panic!("{outcome:?}") };
    assert_eq!(failed.state.status, AgentStatus::Failed);
    assert_eq!(
        failed.last_logs.iter().map(|entry| entry.message.as_str()).collect::<Vec<_>>(),
        ["npm install", "no such plugin"]
    );
    assert_eq!(outcome.state().agent_id, "agent-9k2");
    assert_eq!(lines(&server).await.last().unwrap(), "GET /api/agents/agent-9k2/logs?lines=20");
}

#[tokio::test]
async fn a_log_that_cannot_be_read_hides_no_failure() {
    let server = going_through(&["FAILED"]).await;
    add(&server, "GET", "/api/agents/agent-9k2/logs", 9, json_answer(500, "")).await;
    let outcome = quick(&client(&server)).await.unwrap();
    assert!(matches!(outcome, DeployOutcome::Failed(failed) if failed.last_logs.is_empty()));
    assert_eq!(lines(&server).await.len(), 3, "it is tried once");
}

#[tokio::test]
async fn a_stopped_agent_ends_the_wait() {
    let server = going_through(&["DEPLOYING", "STOPPED"]).await;
    assert!(matches!(quick(&client(&server)).await.unwrap(), DeployOutcome::Stopped(_)));
}

#[tokio::test]
async fn the_wait_can_be_for_health_too() {
    let server = empty().await;
    for health in [r#","health":null"#, r#","health":{"overall":"DEGRADED"}"#, r#","health":{"overall":"HEALTHY"}"#] {
        add(&server, "GET", AT, 1, state("DEPLOYED", health)).await;
    }
    let wait = client(&server).agents().wait_until_deployed("agent-9k2").until_healthy().interval(QUICK, QUICK);
    assert!(wait.await.unwrap().state().is_healthy());
    assert_eq!(lines(&server).await.len(), 3);
    let failed = going_through(&["FAILED"]).await;
    let wait = client(&failed).agents().wait_until_deployed("agent-9k2").until_healthy().interval(QUICK, QUICK);
    assert!(matches!(wait.await.unwrap(), DeployOutcome::Failed(_)), "a failure is not waited out");
}

#[tokio::test]
async fn transient_failures_do_not_end_the_wait_and_a_missing_agent_does() {
    let server = empty().await;
    add(&server, "GET", AT, 4, json_answer(503, "")).await;
    add(&server, "GET", AT, 1, json_answer(429, "slow down")).await;
    add(&server, "GET", AT, 1, json_answer(200, LIVE)).await;
    let wait = client(&server).agents().wait_until_deployed("agent-9k2").interval(QUICK, QUICK);
    assert!(matches!(wait.await.unwrap(), DeployOutcome::Deployed(_)));
    let wait = client(&server).agents().wait_until_deployed("agent-9k2").interval(QUICK, QUICK);
    assert!(wait.await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_wait_that_is_too_long_has_id_and_last_state() {
    let server = empty().await;
    add(&server, "GET", AT, 9999, state("BUILDING", "")).await;
    let client = client(&server);
    assert_eq!(client.agents().wait_until_deployed("agent-9k2").job_ids(), ["agent-9k2"]);
    let (timeout, status) = with_patience(async |limit| {
        let wait = client.agents().wait_until_deployed("agent-9k2").interval(QUICK, QUICK);
        let Err(Error::Timeout(timeout)) = wait.timeout(limit).await else { panic!() };
        let status = timeout.last_state::<polyagent::launchpad::Deployment>()?.state.status.clone();
        Some((timeout, status))
    })
    .await;
    assert_eq!((timeout.timer(), timeout.operation()), (Timer::Poll, "launchpad_get_agent_status"));
    assert_eq!(status, AgentStatus::Building);
}

#[tokio::test]
async fn no_call_is_made_before_the_window_resets() {
    let server = empty().await;
    let none_left =
        state("BUILDING", "").insert_header("x-ratelimit-remaining", "0").insert_header("x-ratelimit-reset", "1");
    add(&server, "GET", AT, 1, none_left).await;
    add(&server, "GET", AT, 1, json_answer(200, LIVE)).await;
    let begun = std::time::Instant::now();
    client(&server).agents().wait_until_deployed("agent-9k2").interval(QUICK, QUICK).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(900), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_scaled_agent_is_waited_for_until_its_replicas_are_ready() {
    let server = empty().await;
    let ready = |status: &str, ready: u8| {
        state(
            status,
            &format!(r#","health":{{"overall":"HEALTHY","kubernetes":{{"replicas":3,"readyReplicas":{ready}}}}}"#),
        )
    };
    add(&server, "GET", AT, 1, ready("DEPLOYED", 1)).await;
    let scaled = r#"{"agentId":"agent-9k2","currentReplicas":3,"targetReplicas":3,"status":"SCALING"}"#;
    add(&server, "POST", "/api/agents/agent-9k2/scale", 1, json_answer(200, scaled)).await;
    for answer in [ready("DEPLOYED", 1), ready("DEPLOYED", 1), ready("SCALING", 2), ready("DEPLOYED", 3)] {
        add(&server, "GET", AT, 1, answer).await;
    }
    let scale = client(&server).agents().scale_and_wait("agent-9k2", 3).polling(|poller| poller.interval(QUICK, QUICK));
    let outcome = scale.await.unwrap();
    assert_eq!(outcome.state().health.as_ref().unwrap().kubernetes.as_ref().unwrap().ready_replicas, Some(3));
    assert_eq!(lines(&server).await.len(), 6);
}

#[tokio::test]
async fn a_restarted_or_updated_agent_is_not_taken_for_what_it_was() {
    for verb in ["restart", "update"] {
        let server = empty().await;
        let at = |time: &str| state("DEPLOYED", &format!(r#","lastUpdated":"2026-07-01T12:{time}:00Z""#));
        add(&server, "GET", AT, 1, at("00")).await;
        add(&server, "POST", "/api/agents/agent-9k2/restart", 1, json_answer(204, "")).await;
        add(&server, "PUT", "/api/agents/agent-9k2", 1, json_answer(200, "no JSON")).await;
        for answer in [at("00"), state("RESTARTING", ""), at("01")] {
            add(&server, "GET", AT, 1, answer).await;
        }
        let agents = client(&server).agents();
        let wait = match verb {
            "restart" => agents.restart_and_wait("agent-9k2"),
            _ => agents.update_and_wait("agent-9k2", AgentUpdate::new().description("d")),
        };
        let outcome = wait.polling(|poller| poller.interval(QUICK, QUICK)).await.unwrap();
        assert_eq!(outcome.state().last_updated.unwrap().to_string(), "2026-07-01T12:01:00Z", "{verb}");
        assert_eq!(lines(&server).await.len(), 5, "{verb}");
    }
}

#[tokio::test]
async fn a_change_that_is_refused_is_not_waited_for() {
    let server = empty().await;
    add(&server, "GET", AT, 9, json_answer(200, LIVE)).await;
    add(&server, "POST", "/api/agents/agent-9k2/scale", 1, json_answer(403, "{}")).await;
    assert!(client(&server).agents().scale_and_wait("agent-9k2", 3).await.unwrap_err().is_permission_denied());
    assert_eq!(lines(&server).await.len(), 2);
}

#[tokio::test]
async fn a_deleted_agent_is_gone_when_it_is_not_found() {
    let server = empty().await;
    let not_found = || json_answer(404, r#"{"error":{"code":"AGENT_NOT_FOUND","message":"no agent"}}"#);
    add(
        &server,
        "DELETE",
        "/api/agents/agent-9k2",
        1,
        json_answer(200, r#"{"agentId":"agent-9k2","status":"DELETING"}"#),
    )
    .await;
    add(&server, "GET", AT, 2, state("DELETING", "")).await;
    add(&server, "GET", AT, 9, not_found()).await;
    add(&server, "DELETE", "/api/agents/agent-9k2", 9, not_found()).await;
    let delete =
        || client(&server).agents().delete_and_wait("agent-9k2").polling(|poller| poller.interval(QUICK, QUICK));
    delete().await.unwrap();
    assert_eq!(lines(&server).await.len(), 4);
    delete().await.unwrap();
    assert_eq!(lines(&server).await.len(), 6, "it was gone before");
    let elsewhere = empty().await;
    add(&elsewhere, "DELETE", "/api/agents/agent-9k2", 1, json_answer(404, "<html>no such page</html>")).await;
    let error = client(&elsewhere).agents().delete_and_wait("agent-9k2").await.unwrap_err();
    assert!(error.is_not_found(), "a missing route says nothing about the agent: {error}");
}
