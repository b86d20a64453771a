//! Whole programs against the sandbox's eClips.

use std::time::Duration;

use polyagent::eclips::types::*;
use polyagent::eclips::webhooks::Verifier;
use polyagent::eclips::{BatchUpdate, Eclips, RunOutcome};
use polyagent::sandbox::Sandbox;
use polyagent::sandbox::eclips::Settings;
use polyagent::{Error, Poller, Reason};
use serde_json::{Map, Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::QUICK;

fn task(data: Value) -> RunCreate {
    RunCreate::new("Check invoice 7781").agent_type("ap_specialist").data(object(data))
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn quick<T, U: Send + Sync + 'static>(poller: Poller<T, U>) -> Poller<T, U>
where
    T: 'static,
{
    poller.interval(QUICK, QUICK)
}

async fn sandbox(set: impl FnOnce(Settings) -> Settings) -> (Sandbox, Eclips) {
    let sandbox = Sandbox::builder().eclips(set).start().await.unwrap();
    let client = sandbox.eclips();
    (sandbox, client)
}

async fn outcome(client: &Eclips, data: Value) -> RunOutcome {
    client.run_and_wait(task(data)).polling(quick).await.unwrap()
}

#[tokio::test]
async fn runs_end_as_their_input_says() {
    let (_sandbox, client) = sandbox(|it| it).await;
    let RunOutcome::Completed(run) = outcome(&client, json!({"result": {"match": true}})).await else { panic!() };
    assert_eq!((run.output(), run.confidence_score), (Some(&json!({"match": true})), Some(0.9)));
    assert!(run.started_at >= run.created_at && run.completed_at >= run.started_at);
    let RunOutcome::Failed(run) = outcome(&client, json!({"error": "no such order"})).await else { panic!() };
    assert_eq!(run.failure().as_deref(), Some("no such order"));
    let RunOutcome::PendingTriage(run) = outcome(&client, json!({"confidence_score": 0.49})).await else { panic!() };
    assert!(run.triage_item_id.is_some());
    let page = client.runs().list(ListRunsParams::new().status(RunStatus::Failed)).await.unwrap();
    assert_eq!((page.items.len(), page.total()), (1, Some(1)));
    assert!(client.runs().get("run_absent").await.unwrap_err().is_not_found());
    let error = client.runs().list(ListRunsParams::new()).query("limit", "x").await.unwrap_err();
    assert!(error.is_bad_request() && error.field_errors().len() == 1, "{error:?}");
}

#[tokio::test]
async fn runs_advance_without_being_read() {
    let (sandbox, client) = sandbox(|it| it).await;
    let run = client.runs().create(task(json!({}))).await.unwrap();
    assert_eq!(run.status, RunStatus::Running);
    sandbox.advance(Duration::from_secs(5));
    assert_eq!(client.runs().get(&run.run_id).await.unwrap().status, RunStatus::Completed);
}

#[tokio::test]
async fn an_approved_run_goes_on_and_a_rejected_one_is_cancelled() {
    let (_sandbox, client) = sandbox(|it| it).await;
    let blocked = async || outcome(&client, json!({"confidence_score": 0.2, "result": 7})).await.into_run();
    let (first, second) = (blocked().await, blocked().await);
    let mut review = client.triage().review().interval(QUICK);
    let items = [review.try_next().await.unwrap().unwrap(), review.try_next().await.unwrap().unwrap()];
    assert_eq!(
        items.each_ref().map(|item| item.run_id.clone().unwrap()),
        [first.run_id.clone(), second.run_id.clone()]
    );
    assert_eq!(items[0].proposed_action, Some(json!(7)));

    let decision = client.triage().approve(&items[0]).notes("fine").await.unwrap().unwrap();
    assert_eq!((decision.status, decision.run_id), (Some(TriageStatus::Approved), Some(first.run_id.clone())));
    let RunOutcome::Completed(done) = quick(client.runs().wait(&first.run_id)).await.unwrap() else { panic!() };
    assert_eq!(done.output(), Some(&json!(7)));
    client.triage().reject(&second).notes("no").await.unwrap();
    let ended = quick(client.runs().wait(&second.run_id)).await.unwrap();
    assert!(matches!(ended, RunOutcome::Cancelled(_)), "{ended:?}");

    assert!(client.triage().approve(&items[0]).await.unwrap_err().is_conflict());
    assert!(client.triage().reject("tri_absent").await.unwrap_err().is_not_found());
    assert!(client.triage().list(ListTriageParams::new()).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_batch_fills_row_by_row() {
    let (_sandbox, client) = sandbox(|it| it).await;
    let row = |data: Value| BatchRowCreate::new("Check").data(object(data));
    let rows = (0..50).map(|n| row(if n % 10 == 3 { json!({"error": "bad"}) } else { json!({"result": n}) }));
    let job = client.batches().create(BatchCreate::new("ap_specialist", rows)).await.unwrap();
    assert_eq!((job.status, job.total_rows), (BatchStatus::Pending, 50));
    let mut updates = quick(client.batches().wait(&job.id)).rows();
    let mut polls_with_rows = 0;
    let mut rows = Vec::new();
    let mut ended = None;
    while let Some(update) = updates.try_next().await.unwrap() {
        match update {
            BatchUpdate::Row(row) => rows.push(row),
            BatchUpdate::Ended(batch) => ended = Some(batch),
        }
        polls_with_rows += 1;
    }
    let batch = ended.unwrap();
    assert_eq!((batch.job.status, batch.job.completed_rows, batch.job.failed_rows), (BatchStatus::Completed, 45, 5));
    assert_eq!((rows.len(), polls_with_rows), (50, 51));
    assert_eq!((rows[3].error_message.as_deref(), rows[4].output()), (Some("bad"), Some(&json!(4))));
    assert!(client.batches().cancel(&job.id).await.unwrap_err().is_conflict());
    let listed = client.batches().list(ListBatchesParams::new()).await.unwrap();
    assert_eq!(listed.items[0].id, job.id);
}

#[tokio::test]
async fn a_cancelled_batch_ends_the_rows_under_way() {
    // Each reading completes the rows under way, however late it comes.
    let sandbox = Sandbox::builder().paused_clock().start().await.unwrap();
    let client = sandbox.eclips();
    let rows = vec![BatchRowCreate::new("Check"); 100];
    let job = client.batches().create(BatchCreate::new("a", rows)).await.unwrap();
    client.batches().get(&job.id).await.unwrap();
    let batch = client.batches().cancel_and_wait(&job.id).polling(quick).await.unwrap();
    assert_eq!(batch.job.status, BatchStatus::Cancelled);
    assert_eq!((batch.job.completed_rows, batch.job.cancelled_rows), (20, Some(80)));
}

#[tokio::test]
async fn a_workflow_starts_a_run() {
    let (sandbox, client) = sandbox(|it| it).await;
    let added = sandbox.default_tenant().add_workflow("Month end").unwrap();
    let ids: Vec<_> = client.workflows().list().await.unwrap().into_iter().map(|workflow| workflow.id).collect();
    assert_eq!(ids, [added.clone(), "wf_demo".to_owned()]);
    let started = client.workflows().trigger_with(&added, &json!({"result": 3})).await.unwrap().unwrap();
    let ended = quick(client.runs().wait(started.run_id.unwrap())).await.unwrap();
    assert_eq!(ended.run().output(), Some(&json!(3)));
    assert!(client.workflows().trigger("wf_demo").await.unwrap().is_some());
    assert!(client.workflows().trigger("wf_absent").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn limits_run_out() {
    let start = |client: &Eclips| client.runs().create(task(json!({}))).max_retries(0);
    let (_sandbox, client) = sandbox(|it| it.credits(3)).await;
    start(&client).await.unwrap();
    let rows = vec![BatchRowCreate::new("Check"); 3];
    let error = client.batches().create(BatchCreate::new("a", rows)).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::Credits), "{error}");
    start(&client).await.unwrap();

    let (sandbox_of_day, client) = sandbox(|it| it.daily_cap(1)).await;
    start(&client).await.unwrap();
    assert_eq!(start(&client).await.unwrap_err().reason(), Some(Reason::DailyCap));
    sandbox_of_day.advance(Duration::from_secs(86_400));
    start(&client).await.unwrap();

    let (_sandbox, client) = sandbox(|it| it.rate_limit(1, Duration::from_secs(60))).await;
    start(&client).await.unwrap();
    let error = start(&client).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::RateLimit));
    assert!(error.retry_after().is_some_and(|wait| wait > Duration::from_secs(30)), "{error:?}");

    let (_sandbox, client) = sandbox(|it| it.scopes(["agents:run"])).await;
    let run = start(&client).await.unwrap();
    let error = client.runs().get(&run.run_id).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::Scope));
    assert_eq!(error.api().unwrap().detail("required"), Some(&json!("agents:read")));

    let (_sandbox, client) = sandbox(Settings::without_api_access).await;
    assert_eq!(start(&client).await.unwrap_err().reason(), Some(Reason::FeatureUnavailable));
    client.health().await.unwrap();

    let (_sandbox, client) = sandbox(Settings::needs_organization).await;
    assert!(start(&client).await.unwrap_err().to_string().contains("ECLIPS_ORG_ID"));
    let run = start(&client.with_organization("org_demo")).await.unwrap();
    assert_eq!(run.organization_id.as_deref(), Some("org_demo"));
}

#[tokio::test]
async fn the_manuals_platform_is_understood_too() {
    let (sandbox, client) = sandbox(Settings::manual).await;
    let run = client.runs().create(task(json!({}))).await.unwrap();
    assert_eq!(run.status, RunStatus::Queued);
    let paths: Vec<_> = sandbox.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/v1/runs", "/v1/run"]);
    let error = client.runs().get("run_absent").await.unwrap_err();
    assert_eq!((error.code(), error.message().as_str()), (Some("not_found"), "Run not found"));
}

/// A receiver, and what it received.
async fn receiver(status: u16) -> MockServer {
    let server = MockServer::builder().start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(status)).mount(&server).await;
    server
}

/// Waits until this many deliveries have arrived.
async fn deliveries(server: &MockServer, count: usize) -> Vec<wiremock::Request> {
    loop {
        let arrived = server.received_requests().await.unwrap();
        if arrived.len() >= count {
            return arrived;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn events_are_delivered_and_signed_without_any_call() {
    let (_sandbox, client) = sandbox(|it| it).await;
    let server = receiver(200).await;
    let events = [WebhookEventType::RunCompleted, WebhookEventType::RunTriageRequired];
    let webhook = client.webhooks().create(WebhookCreate::new(server.uri() + "/hook?a=1", events)).await.unwrap();
    for data in [json!({"result": 1}), json!({"error": "not subscribed"}), json!({"confidence_score": 0.1})] {
        client.runs().create(task(data)).await.unwrap();
    }
    let arrived = deliveries(&server, 2).await;
    let verifier = Verifier::new(webhook.secret.expose().as_str()).unwrap().tolerance(Duration::from_secs(60));
    let mut events: Vec<WebhookEvent> =
        arrived.iter().map(|request| verifier.verify(&request.headers, &request.body).unwrap()).collect();
    events.sort_by_key(|event| event.event.to_string());
    let [completed, waits] = &events[..] else { panic!("{events:?}") };
    assert_eq!((completed.event.as_str(), completed.output()), ("run.completed", Some(&json!(1))));
    assert_eq!((waits.event.as_str(), waits.data.requires_triage), ("run.triage_required", Some(true)));
    client.triage().approve(waits.data.triage_item_id.as_deref().unwrap()).await.unwrap();
    let arrived = deliveries(&server, 3).await;
    assert_eq!(verifier.verify(&arrived[2].headers, &arrived[2].body).unwrap().run_id, waits.run_id);
    assert_eq!(arrived[0].url.query(), Some("a=1"));
    assert!(arrived[0].headers["x-eclips-event"].to_str().unwrap().starts_with("run."));

    client.webhooks().delete(&webhook.id).await.unwrap();
    assert!(client.webhooks().list().await.unwrap().items.is_empty());
    assert!(client.webhooks().delete(&webhook.id).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_runs_own_receiver_gets_its_events_until_it_accepts_them() {
    let (sandbox, client) = sandbox(|it| it.repeated_deliveries(1)).await;
    let server = receiver(204).await;
    client.runs().create(task(json!({})).webhook_url(server.uri())).await.unwrap();
    let arrived = deliveries(&server, 2).await;
    let secret = sandbox.default_tenant().eclips_webhook_secret();
    let verifier = Verifier::new(secret).unwrap();
    let keys: Vec<String> =
        arrived.iter().map(|it| verifier.verify(&it.headers, &it.body).unwrap().dedupe_key()).collect();
    assert_eq!(keys[0], keys[1], "the same event twice");

    let server = receiver(500).await;
    client.runs().create(task(json!({})).webhook_url(server.uri())).await.unwrap();
    let arrived = deliveries(&server, 6).await;
    assert_eq!(arrived[0].body, arrived[5].body);
}

#[tokio::test]
async fn values_are_validated_like_on_the_platform() {
    let (_sandbox, client) = sandbox(|it| it).await;
    let raw = |body: Value| client.raw(polyagent::Method::POST, ["v1", "batches"]).json_body(&body);
    for (body, message) in [
        (json!({"rows": [{"task": "x"}]}), "agent_type is required"),
        (json!({"agent_type": "a", "rows": []}), "rows is invalid"),
        (json!({"agent_type": "a", "rows": vec![json!({"task": "x"}); 501]}), "Maximum 500 rows per batch"),
        (json!({"agent_type": "a", "rows": [{"task": " "}]}), "rows.0.task is required"),
    ] {
        let error = raw(body).await.unwrap_err();
        assert!(matches!(error, Error::BadRequest(_)), "{error:?}");
        assert_eq!((error.code(), error.message().as_str()), (Some("validation_error"), message));
    }
}
