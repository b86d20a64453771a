//! Every documented response, decoded.

use polyagent::eclips::types::*;
use polyagent::eclips::{RunOutcome, types};
use polyagent::{Error, Job};
use serde_json::json;

use super::answered;

const RUN: &str = r#"{"id":"run_0f9e8d7c","agent_type":"ap_specialist","status":"completed","priority":"normal","created_at":"2026-07-01T12:00:00.000Z","started_at":"2026-07-01T12:00:01.204Z","completed_at":"2026-07-01T12:00:40.911Z","result":{"match":true},"confidence_score":0.91,"error":null}"#;

async fn run(body: &str) -> Result<Run, Error> {
    answered(|c| c.runs().get("run_0f9e8d7c"), 200, body).await
}

#[tokio::test]
async fn a_run_with_everything() {
    let run = run(RUN).await.unwrap();
    assert_eq!((run.run_id.as_str(), run.agent_type.as_deref()), ("run_0f9e8d7c", Some("ap_specialist")));
    assert_eq!((run.status.clone(), run.priority.as_deref()), (RunStatus::Completed, Some("normal")));
    let times = [run.created_at, run.started_at, run.completed_at].map(|time| time.unwrap().to_string());
    assert_eq!(times, ["2026-07-01T12:00:00Z", "2026-07-01T12:00:01.204Z", "2026-07-01T12:00:40.911Z"]);
    assert_eq!((run.output(), run.confidence_score), (Some(&json!({"match": true})), Some(0.91)));
    assert_eq!((run.failure(), run.error.clone()), (None, None));
}

#[tokio::test]
async fn unknown_fields_and_statuses_are_kept() {
    let run =
        run(r#"{"run_id":"r","status":"escalated","model":"m-1","tokens":{"in":7},"credits_used":0.5}"#).await.unwrap();
    assert_eq!(run.status.as_str(), "escalated");
    assert!(!run.status.is_final() && !run.is_done(), "an unknown status is not final");
    assert_eq!(
        (&run.unknown["model"], &run.unknown["tokens"], &run.unknown["credits_used"]),
        (&json!("m-1"), &json!({"in": 7}), &json!(0.5))
    );
}

#[tokio::test]
async fn a_failed_run_is_a_run_and_no_error() {
    let failed = run(r#"{"run_id":"r","status":"failed","error":"The purchase order does not exist"}"#).await.unwrap();
    assert_eq!(failed.failure().as_deref(), Some("The purchase order does not exist"));
    assert!(matches!(failed.into_outcome(), RunOutcome::Failed(_)));
    let other_name = run(r#"{"run_id":"r","status":"failed","error_message":"No"}"#).await.unwrap();
    assert_eq!(other_name.failure().as_deref(), Some("No"));
    let object = run(r#"{"run_id":"r","status":"failed","error":{"message":"No","code":7}}"#).await.unwrap();
    assert_eq!((object.failure().as_deref(), &object.error.as_ref().unwrap()["code"]), (Some("No"), &json!(7)));
    let odd = run(r#"{"run_id":"r","status":"failed","error":{"code":7}}"#).await.unwrap();
    assert_eq!(odd.failure().as_deref(), Some(r#"{"code":7}"#));
}

#[tokio::test]
async fn all_spellings_of_a_cancelled_run() {
    for status in ["cancelled", "canceled", "rejected", "CANCELLED"] {
        let run = run(&format!(r#"{{"run_id":"r","status":"{status}"}}"#)).await.unwrap();
        assert!(run.status.is_final() && matches!(run.into_outcome(), RunOutcome::Cancelled(_)), "{status}");
    }
}

#[tokio::test]
async fn an_object_comes_bare_or_wrapped() {
    let bare = run(RUN).await.unwrap();
    for key in ["run", "data"] {
        assert_eq!(run(&format!(r#"{{"{key}":{RUN}}}"#)).await.unwrap(), bare, "{key}");
        assert_eq!(run(&format!(r#"{{"success":true,"{key}":{RUN}}}"#)).await.unwrap(), bare, "{key}");
    }
    let own_data = run(r#"{"id":"r","status":"queued","data":{"run_id":"not this","status":"failed"}}"#).await.unwrap();
    assert_eq!((own_data.run_id.as_str(), own_data.status), ("r", RunStatus::Queued));
    assert_eq!(own_data.data.unwrap()["run_id"], json!("not this"), "a run has a field `data` of its own");
}

#[tokio::test]
async fn a_response_that_is_no_run_is_an_error_with_its_body() {
    for body in ["", "null", "[]", "{}", r#"{"run_id":"r"}"#, r#"{"status":"queued"}"#, "<html>", r#"{"run":null}"#] {
        let error = run(body).await.unwrap_err();
        assert!(error.is_decode() && error.status().is_some_and(|status| status == 200), "{body}: {error:?}");
    }
}

#[tokio::test]
async fn triage_items_with_much_and_with_little() {
    let body = r#"{"data":[{"id":"tri_51","run_id":"run_0f9e8d7c","agent_type":"ap_specialist","status":"pending","reason":"amount above approval limit","confidence_score":0.58,"created_at":"2026-07-01T12:00:20.000Z"},{"triage_item_id":"tri_52","agent_run_id":"r2","summary":"Pay?","payload":{"amount":9},"owner":"ada"}],"total":2,"limit":20,"offset":0}"#;
    let page = answered(|c| c.triage().list(ListTriageParams::new()), 200, body).await.unwrap();
    assert_eq!((page.total(), page.next_cursor().is_none(), page.items.len()), (Some(2), true, 2));
    let [first, second] = &page.items[..] else { panic!() };
    assert_eq!(
        (first.id.as_str(), first.run_id.as_deref(), first.status.clone()),
        ("tri_51", Some("run_0f9e8d7c"), Some(TriageStatus::Pending))
    );
    assert_eq!((first.reason.as_deref(), first.confidence_score), (Some("amount above approval limit"), Some(0.58)));
    assert_eq!(
        (second.id.as_str(), second.run_id.as_deref(), second.title.as_deref()),
        ("tri_52", Some("r2"), Some("Pay?"))
    );
    assert_eq!(
        (second.proposed_action.as_ref(), &second.unknown["owner"]),
        (Some(&json!({"amount": 9})), &json!("ada"))
    );
}

#[tokio::test]
async fn a_decision_says_much_little_or_nothing() {
    let decided = async |status: u16, body: &str| {
        let server = super::scripted(&[(status, body)]).await;
        super::client(&server).triage().approve("tri_51").await.unwrap()
    };
    let full = decided(200, r#"{"id":"tri_51","run_id":"r","status":"approved","extra":1}"#).await.unwrap();
    assert_eq!(
        (full.id.as_deref(), full.run_id.as_deref(), full.status),
        (Some("tri_51"), Some("r"), Some(TriageStatus::Approved))
    );
    assert_eq!(full.unknown["extra"], json!(1));
    assert_eq!(decided(200, r#"{"success":true}"#).await.unwrap().success, Some(true));
    let wrapped = decided(200, r#"{"item":{"triage_item_id":"tri_51","agent_run_id":"r"}}"#).await.unwrap();
    assert_eq!((wrapped.id.as_deref(), wrapped.run_id.as_deref()), (Some("tri_51"), Some("r")));
    assert_eq!(decided(200, "").await, None);
    assert_eq!(decided(204, "").await, None);
    assert_eq!(decided(202, "null").await, None);
    for odd in ["\"approved\"", "OK", "[]", "true", r#"{"id":7}"#, r#"{"success":"yes","error":null}"#] {
        assert_eq!(decided(200, odd).await, None, "{odd}");
    }
    for no_success in ["<html>Sign in</html>", r#"{"error":"already resolved"}"#] {
        let server = super::scripted(&[(200, no_success)]).await;
        let error = super::client(&server).triage().approve("tri_51").await.unwrap_err();
        assert!(error.is_decode(), "{no_success}: {error:?}");
    }
}

#[tokio::test]
async fn a_webhook_shows_its_secret_once() {
    let create =
        |c: polyagent::eclips::Eclips| c.webhooks().create(WebhookCreate::new("https://h", ["run.failed".into()]));
    let bodies = [
        r#"{"id":"wh_07","url":"https://h","events":["run.completed","run.failed"],"secret":"demo-secret-not-real","created_at":"2026-07-01T11:58:00.000Z"}"#,
        r#"{"webhook":{"id":"wh_07","url":"https://h","events":["run.completed","run.failed"],"signing_secret":"demo-secret-not-real"}}"#,
        r#"{"data":{"webhook_id":"wh_07","url":"https://h","events":["run.completed","run.failed"],"webhook_secret":"demo-secret-not-real","is_active":true}}"#,
    ];
    for body in bodies {
        let created = answered(create, 201, body).await.unwrap();
        assert_eq!((created.id.as_str(), created.secret.expose().as_str()), ("wh_07", "demo-secret-not-real"));
        assert_eq!(created.events, [WebhookEventType::RunCompleted, WebhookEventType::RunFailed]);
        assert!(!format!("{created:?}").contains("demo-secret"), "{created:?}");
        // Not even a body that does not decode is quoted.
        let broken = body.replace("\"url\":\"https://h\",", "");
        let error = answered(create, 201, &broken).await.unwrap_err();
        assert!(error.is_decode() && !format!("{error} {error:?} {error:#?}").contains("demo-secret"), "{error:#?}");
    }
    let listed = r#"{"webhooks":[{"id":"wh_07","url":"https://h","events":["run.paused"],"enabled":false}]}"#;
    let page = answered(|c| c.webhooks().list(), 200, listed).await.unwrap();
    assert_eq!((page.items[0].events[0].as_str(), page.items[0].active), ("run.paused", Some(false)));
}

#[tokio::test]
async fn deleting_a_webhook_ignores_the_body() {
    for (status, body) in
        [(204, ""), (200, "{\"deleted\":true}"), (200, "gone"), (200, "[1"), (200, r#"{"message":"x"}"#)]
    {
        answered(|c| c.webhooks().delete("wh_07"), status, body).await.unwrap();
    }
    for no_success in [" <html>Sign in</html>", r#"{"error":"Not allowed"}"#] {
        assert!(answered(|c| c.webhooks().delete("wh_07"), 200, no_success).await.unwrap_err().is_decode());
    }
    assert!(answered(|c| c.webhooks().delete("wh_07"), 404, "").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_new_batch_and_a_batch_with_rows() {
    let create = |c: polyagent::eclips::Eclips| c.batches().create(BatchCreate::new("a", [BatchRowCreate::new("x")]));
    let job = r#"{"id":"b-77","name":"july","agent_type":"ap_specialist","status":"pending","total_rows":2,"completed_rows":0,"failed_rows":0,"created_at":"2026-07-01T12:01:00.000Z"}"#;
    for body in
        [format!(r#"{{"job":{job}}}"#), job.to_owned(), format!(r#"{{"batch":{job}}}"#), format!(r#"{{"data":{job}}}"#)]
    {
        let created = answered(create, 201, &body).await.unwrap();
        assert_eq!(
            (created.id.as_str(), created.name.as_deref(), created.status),
            ("b-77", Some("july"), BatchStatus::Pending)
        );
        assert_eq!((created.total_rows, created.completed_rows, created.failed_rows), (2, 0, 0));
    }
    let body = r#"{"job":{"id":"b-77","status":"running","total_rows":2,"completed_rows":1,"failed_rows":0},"rows":[{"row_index":0,"task":"Check invoice 1","status":"completed","result":{"ok":true},"error_message":null},{"row_index":1,"task":"Check invoice 2","status":"running","result":null,"error_message":null}]}"#;
    let batch = answered(|c| c.batches().get("b-77"), 200, body).await.unwrap();
    assert_eq!((batch.job.id.as_str(), batch.job.status.clone(), batch.rows.len()), ("b-77", BatchStatus::Running, 2));
    assert_eq!(
        (batch.rows[0].output(), batch.rows[0].task.as_deref()),
        (Some(&json!({"ok": true})), Some("Check invoice 1"))
    );
    assert_eq!(
        (batch.rows[1].status.clone(), batch.rows[1].output(), batch.rows[1].error_message.clone()),
        (BatchRowStatus::Running, None, None)
    );
    assert!(!batch.has_ended());

    let cancelled = answered(|c| c.batches().cancel("b-77"), 200, r#"{"cancelled":true}"#).await.unwrap();
    assert_eq!(cancelled.cancelled, Some(true));
}

#[tokio::test]
async fn workflows_and_their_runs() {
    let listed =
        r#"{"workflows":[{"id":"wf_3","name":"Month end","steps":[1,{"a":2}],"schedule":"monthly"},{"id":"wf_4"}]}"#;
    let page = answered(|c| c.workflows().list(), 200, listed).await.unwrap();
    assert_eq!((page.items[0].name.as_deref(), &page.items[0].steps[1]), (Some("Month end"), &json!({"a": 2})));
    assert_eq!((&page.items[0].unknown["schedule"], page.items[1].steps.len()), (&json!("monthly"), 0));

    let triggered =
        async |status: u16, body: &str| answered(|c| c.workflows().trigger("wf_3"), status, body).await.unwrap();
    let run = triggered(
        200,
        r#"{"run_id":"run_11aa22bb","workflow_id":"wf_3","status":"running","created_at":"2026-07-01T12:05:00Z"}"#,
    )
    .await
    .unwrap();
    assert_eq!(
        (run.run_id.as_deref(), run.workflow_id.as_deref(), run.status),
        (Some("run_11aa22bb"), Some("wf_3"), Some(types::RunStatus::Running))
    );
    for (body, id) in [
        (r#"{"id":"r"}"#, Some("r")),
        (r#"{"execution_id":"r"}"#, Some("r")),
        (r#"{"workflow_run_id":"r","id":"x"}"#, Some("r")),
        (r#"{"run":{"run_id":"r"}}"#, Some("r")),
        (r#"{"runs":[1]}"#, None),
        ("{}", None),
    ] {
        assert_eq!(triggered(202, body).await.unwrap().run_id.as_deref(), id, "{body}");
    }
    assert_eq!(triggered(201, "").await, None);
    assert_eq!(triggered(204, "").await, None);
    assert_eq!(triggered(202, "null").await, None);
}
