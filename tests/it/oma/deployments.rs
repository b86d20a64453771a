//! Deployments, their runs, and dreams.

use std::time::Duration;

use polyagent::Error;
use polyagent::oma::Generation;
use polyagent::oma::types::*;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer};

use super::requests::{NOON, Servers, at, map};
use super::responses::decodes_as_documented;
use super::{client, json, received, server};

const MILLISECOND: Duration = Duration::from_millis(1);
const DREAMING: &str = "dreaming-2026-04-21";
const DEPLOYMENT: &str = r#"{"type":"deployment","id":"depl_01","name":"nightly","description":null,"status":"paused","paused_reason":{"type":"error","error":{"type":"agent_archived"}},"agent":{"type":"agent","id":"agent_01","version":1},"environment_id":"env_01","initial_events":[{"type":"user.message","content":[{"type":"text","text":"Go."}]}],"resources":[{"type":"file","file_id":"file_011","mount_path":"/mnt/a"}],"vault_ids":["vlt_01"],"schedule":{"type":"cron","expression":"0 3 * * *","timezone":"Europe/Zurich","last_run_at":"2026-10-01T10:00:00Z","upcoming_runs_at":["2026-10-02T10:00:00Z"]},"metadata":{"team":"a"},"created_at":"2026-10-01T10:00:00Z","updated_at":"2026-10-01T10:00:00Z","archived_at":null,"budget":{"type":"limit","max_list_cost":{"amount":"2500","currency":"USD"}}}"#;
const RUN: &str = r#"{"type":"deployment_run","id":"drun_01","deployment_id":"depl_01","agent":{"type":"agent","id":"agent_01","version":1},"session_id":null,"error":{"type":"environment_archived","message":"The environment is archived"},"trigger_context":{"type":"schedule","scheduled_at":"2026-10-01T10:00:00Z"},"created_at":"2026-10-01T10:00:00Z"}"#;
const DREAM: &str = r#"{"type":"dream","id":"drm_01","status":"completed","inputs":[{"type":"memory_store","memory_store_id":"memstore_01"},{"type":"sessions","session_ids":["sesn_01"]}],"outputs":[{"type":"memory_store","memory_store_id":"memstore_02"}],"output_behavior":{"type":"create_new"},"instructions":null,"model":{"id":"claude-sonnet-5"},"session_id":"sesn_02","error":null,"usage":{"input_tokens":1,"output_tokens":2,"cache_read_input_tokens":3,"cache_creation_input_tokens":4},"created_at":"2026-10-01T10:00:00Z","ended_at":"2026-10-01T11:00:00Z","archived_at":null}"#;

#[tokio::test]
async fn requests_about_deployments() {
    let servers = Servers::start().await;
    let create = || {
        DeploymentCreate::new("nightly", "agent_01", "env_01", [UserMessage::text("Go.").into()])
            .schedule(CronSchedule::new("0 3 * * *", "Europe/Zurich"))
            .vault_ids(["vlt_01"])
            .metadata(map([("team", "a")]))
    };
    let body = r#"POST /v1/deployments {"name":"nightly","agent":"agent_01","environment_id":"env_01","initial_events":[{"type":"user.message","content":[{"type":"text","text":"Go."}]}],"metadata":{"team":"a"},"vault_ids":["vlt_01"],"schedule":{"type":"cron","expression":"0 3 * * *","timezone":"Europe/Zurich"}}"#;
    servers.managed(|c| c.deployments().create(create()), ["", body, body]).await;
    let get = "GET /v1/deployments/depl_01";
    servers.managed(|c| c.deployments().get("depl_01"), ["", get, get]).await;
    let list =
        || ListDeploymentsParams::new().agent_id("agent_01").status(DeploymentStatus::Active).created_at_gte(at(NOON));
    let listed = "GET /v1/deployments?agent_id=agent_01&status=active&created_at%5Bgte%5D=2026-10-01T10%3A00%3A00Z";
    servers.managed(|c| c.deployments().list(list()), ["", listed, listed]).await;
    let update = || DeploymentUpdate::new().name("n").clear_schedule();
    let updated = r#"POST /v1/deployments/depl_01 {"name":"n","schedule":null}"#;
    servers.managed(|c| c.deployments().update("depl_01", update()), ["", updated, updated]).await;
    let post = |what: &str| format!("POST /v1/deployments/depl_01/{what}");
    let archive = post("archive");
    servers.managed(|c| c.deployments().archive("depl_01"), ["", &archive, &archive]).await;
    let pause = post("pause");
    servers.managed(|c| c.deployments().pause("depl_01"), ["", &pause, &pause]).await;
    let unpause = post("unpause");
    servers.managed(|c| c.deployments().unpause("depl_01"), ["", &unpause, &unpause]).await;
    let run = post("run");
    servers.managed(|c| c.deployments().run("depl_01"), ["", &run, &run]).await;
    let get = "GET /v1/deployment_runs/drun_01";
    servers.managed(|c| c.deployment_runs().get("drun_01"), ["", get, get]).await;
    let runs = || {
        let params = ListDeploymentRunsParams::new().deployment_id("depl_01").has_error(true);
        params.trigger_type(TriggerType::Manual).created_at_gt(at(NOON)).limit(5).page("pg_2")
    };
    let listed = "GET /v1/deployment_runs?limit=5&page=pg_2&deployment_id=depl_01&has_error=true&trigger_type=manual&created_at%5Bgt%5D=2026-10-01T10%3A00%3A00Z";
    servers.managed(|c| c.deployment_runs().list(runs()), ["", listed, listed]).await;
}

#[tokio::test]
async fn two_filters_that_exclude_each_other_are_refused() {
    let server = server(json(200, r#"{"data":[],"next_page":null}"#)).await;
    let params = ListDeploymentsParams::new().status(DeploymentStatus::Paused).include_archived(true);
    let error = client(&server, Generation::V1).deployments().list(params).await.unwrap_err();
    assert!(matches!(error, Error::InvalidArgument(_)), "{error}");
    assert_eq!(received(&server).await.len(), 0);
}

#[tokio::test]
async fn requests_about_dreams() {
    let servers = Servers::start().await;
    let create = || {
        let inputs = [MemoryStoreReference::new("memstore_01").into(), SessionsReference::new(["sesn_01"]).into()];
        DreamCreate::new(inputs as [DreamInput; 2], "claude-sonnet-5")
            .output_behavior(UpdateExisting::new("memstore_01"))
    };
    let body = r#"POST /v1/dreams {"inputs":[{"type":"memory_store","memory_store_id":"memstore_01"},{"type":"sessions","session_ids":["sesn_01"]}],"model":"claude-sonnet-5","output_behavior":{"type":"update_existing","memory_store_id":"memstore_01"}}"#;
    servers.check(DREAMING, |c| c.dreams().create(create()), ["", body, body]).await;
    let get = "GET /v1/dreams/drm_01";
    servers.check(DREAMING, |c| c.dreams().get("drm_01"), ["", get, get]).await;
    let list =
        || ListDreamsParams::new().statuses([DreamStatus::Pending, DreamStatus::Running]).created_at_lt(at(NOON));
    let listed =
        "GET /v1/dreams?statuses%5B%5D=pending&statuses%5B%5D=running&created_at%5Blt%5D=2026-10-01T10%3A00%3A00Z";
    servers.check(DREAMING, |c| c.dreams().list(list()), ["", listed, listed]).await;
    let (cancel, archive) = ("POST /v1/dreams/drm_01/cancel", "POST /v1/dreams/drm_01/archive");
    servers.check(DREAMING, |c| c.dreams().cancel("drm_01"), ["", cancel, cancel]).await;
    servers.check(DREAMING, |c| c.dreams().archive("drm_01"), ["", archive, archive]).await;
}

#[tokio::test]
async fn a_dream_has_one_memory_store_and_one_list_of_sessions() {
    let server = server(json(200, DREAM)).await;
    let dreams = client(&server, Generation::V1).dreams();
    let store = || DreamInput::from(MemoryStoreReference::new("m"));
    let sessions = || DreamInput::from(SessionsReference::new(["s"]));
    for inputs in
        [vec![], vec![store()], vec![sessions()], vec![store(), store()], vec![store(), sessions(), sessions()]]
    {
        let error = dreams.create(DreamCreate::new(inputs, "m")).await.unwrap_err();
        assert!(matches!(error, Error::InvalidArgument(_)) && error.to_string().contains("inputs"), "{error}");
    }
    dreams.create(DreamCreate::new([sessions(), store()], "m")).await.unwrap();
    assert_eq!(received(&server).await.len(), 1);
}

#[tokio::test]
async fn what_starts_something_is_not_repeated() {
    for status in [500, 503, 504, 529] {
        let server = server(json(status, "{}")).await;
        let client = client(&server, Generation::V1);
        let error = client.deployments().run("depl_01").await.unwrap_err();
        assert!(error.may_have_been_processed(), "{status}");
        let create = DeploymentCreate::new("n", "a", "e", [UserMessage::text("Go.").into()]);
        client.deployments().create(create).await.unwrap_err();
        let inputs = [DreamInput::from(MemoryStoreReference::new("m")), SessionsReference::new(["s"]).into()];
        client.dreams().create(DreamCreate::new(inputs, "m")).await.unwrap_err();
        assert_eq!(received(&server).await.len(), 3, "{status}");
    }
}

/// oma-v1.md section 3.9: the status decides the variant.
#[tokio::test]
async fn a_dream_in_another_state_is_not_cancelled() {
    let body = r#"{"type":"error","error":{"type":"invalid_request_error","message":"The dream has ended"}}"#;
    let error = client(&server(json(400, body)).await, Generation::Anthropic).dreams().cancel("d").await.unwrap_err();
    assert!(matches!(error, Error::BadRequest(_)), "{error}");
    let error = client(&server(json(409, body)).await, Generation::V1).dreams().cancel("d").await.unwrap_err();
    assert!(matches!(error, Error::Conflict(_)), "{error}");
}

#[tokio::test]
async fn a_dream_is_waited_for_until_it_ends_in_any_way() {
    for end in ["completed", "failed", "canceled"] {
        let server = MockServer::builder().start().await;
        for status in ["pending", "running"] {
            let body = format!(r#"{{"type":"dream","id":"drm_01","status":"{status}"}}"#);
            Mock::given(any()).respond_with(json(200, &body)).up_to_n_times(1).mount(&server).await;
        }
        Mock::given(any()).respond_with(json(200, &DREAM.replace("completed", end))).mount(&server).await;
        let wait = client(&server, Generation::V1).dreams().wait("drm_01");
        let dream = wait.interval(MILLISECOND, MILLISECOND).await.unwrap();
        assert_eq!(dream.status.as_str(), end);
        assert_eq!(received(&server).await.len(), 3);
    }
}

#[tokio::test]
async fn responses() {
    let deployment = decodes_as_documented(|c| c.deployments().get("d"), DEPLOYMENT).await;
    assert_eq!(deployment.paused_reason.as_ref().unwrap().error.as_ref().unwrap().type_.as_str(), "agent_archived");
    assert_eq!((deployment.status, deployment.vault_ids.len()), (Some(DeploymentStatus::Paused), 1));
    assert!(deployment.schedule.is_some() && deployment.budget.is_some() && deployment.initial_events.len() == 1);
    let run = decodes_as_documented(|c| c.deployment_runs().get("d"), RUN).await;
    assert_eq!(run.error.unwrap().message.as_deref(), Some("The environment is archived"));
    assert!(run.session_id.is_none() && run.trigger_context.unwrap().scheduled_at.is_some());
    let dream = decodes_as_documented(|c| c.dreams().get("d"), DREAM).await;
    assert_eq!((dream.status, dream.outputs[0].memory_store_id.as_str()), (DreamStatus::Completed, "memstore_02"));
    let page = format!(r#"{{"data":[{DREAM}],"next_page":""}}"#);
    let page = client(&server(json(200, &page)).await, Generation::V1).dreams().list(ListDreamsParams::new()).await;
    assert!(page.unwrap().next_cursor().is_none());
}
