//! Where the platform's pages contradict each other: both readings work. The numbers are those of our register.

use std::collections::BTreeSet;

use polyagent::eclips::types::*;
use polyagent::eclips::webhooks::Verifier;
use polyagent::eclips::{Eclips, RunOutcome};
use polyagent::{Error, HeaderMap, Reason};
use serde_json::json;

use super::{add, answered, builder, client, lines, scripted};
use crate::elephantasm::json_answer;

const QUEUED: &str = r#"{"run_id":"7c1e-demo","status":"queued","agent_type":"center","estimated_completion":"async"}"#;

async fn server() -> wiremock::MockServer {
    wiremock::MockServer::builder().start().await
}

#[tokio::test]
async fn conflict_01_a_run_is_started_at_runs_or_at_run() {
    for (status, body) in
        [(404, r#"{"error":"not_found"}"#), (404, "<pre>Cannot POST /v1/runs</pre>"), (404, ""), (405, "")]
    {
        let server = server().await;
        add(&server, "POST", "/v1/runs", 9, json_answer(status, body)).await;
        add(&server, "POST", "/v1/run", 9, json_answer(202, QUEUED)).await;
        let client = client(&server);
        assert_eq!(client.runs().create(RunCreate::new("x")).await.unwrap().run_id, "7c1e-demo");
        client.clone().runs().create(RunCreate::new("y")).await.unwrap();
        let lines = lines(&server).await;
        assert_eq!(lines, ["POST /v1/runs", "POST /v1/run", "POST /v1/run"], "it is remembered: {status} {body}");
        let requests = server.received_requests().await.unwrap();
        assert_eq!(
            (&requests[0].body, &requests[1].body),
            (&br#"{"task":"x"}"#.to_vec(), &br#"{"task":"x"}"#.to_vec())
        );
    }
    let server = scripted(&[(202, QUEUED)]).await;
    client(&server).runs().create(RunCreate::new("x")).await.unwrap();
    assert_eq!(lines(&server).await, ["POST /v1/runs"], "the reference's path comes first");
    // Nothing else leads to the other path: the run may have been started.
    for status in [400, 401, 403, 409, 422, 500, 502] {
        let server = scripted(&[(status, "{}")]).await;
        client(&server).runs().create(RunCreate::new("x")).await.unwrap_err();
        assert_eq!(lines(&server).await, ["POST /v1/runs"], "{status}");
    }
    let server = scripted(&[(404, "")]).await;
    let error = client(&server).runs().create(RunCreate::new("x")).await.unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(lines(&server).await, ["POST /v1/runs", "POST /v1/run"], "neither is there");
}

#[tokio::test]
async fn conflict_02_the_organization_is_sent_if_it_is_known() {
    let server = scripted(&[(200, QUEUED)]).await;
    client(&server).runs().get("r").await.unwrap();
    builder(server.uri()).build().unwrap().runs().get("r").await.unwrap();
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests[0].headers["x-eclips-org"], "org_demo");
    assert!(!requests[1].headers.contains_key("x-eclips-org"));
}

#[tokio::test]
async fn conflict_03_a_run_has_its_id_under_run_id_or_id() {
    for body in [
        r#"{"run_id":"a","status":"queued"}"#,
        r#"{"id":"a","status":"queued"}"#,
        r#"{"run_id":"a","id":"b","status":"queued"}"#,
        r#"{"id":"b","status":"queued","run_id":"a"}"#,
        r#"{"run_id":null,"id":"a","status":"queued"}"#,
    ] {
        let run = answered(|c| c.runs().get("a"), 200, body).await.unwrap();
        assert_eq!(run.run_id, "a", "{body}");
    }
    let page = answered(
        |c| c.runs().list(ListRunsParams::new()),
        200,
        r#"{"data":[{"id":"a","status":"queued"},{"run_id":"b","status":"queued"}]}"#,
    )
    .await
    .unwrap();
    assert_eq!(page.iter().map(|run| run.run_id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
}

#[tokio::test]
async fn conflict_04_the_first_response_has_one_shape_or_the_other() {
    let reference = r#"{"run_id":"run_0f9e8d7c","status":"running","agent_type":"ap_specialist","created_at":"2026-07-01T12:00:00Z"}"#;
    for status in [200, 201, 202] {
        let run = answered(|c| c.runs().create(RunCreate::new("x")), status, reference).await.unwrap();
        assert_eq!(
            (run.run_id.as_str(), run.status, run.estimated_completion),
            ("run_0f9e8d7c", RunStatus::Running, None)
        );
        assert_eq!(run.created_at.unwrap().to_string(), "2026-07-01T12:00:00Z");
        let run = answered(|c| c.runs().create(RunCreate::new("x")), status, QUEUED).await.unwrap();
        assert_eq!((run.status, run.created_at), (RunStatus::Queued, None));
        assert_eq!(run.estimated_completion.as_deref(), Some("async"), "a text, no time");
    }
    let least =
        answered(|c| c.runs().create(RunCreate::new("x")), 202, r#"{"run_id":"r","status":"new"}"#).await.unwrap();
    assert_eq!(least.status.as_str(), "new");
}

/// Checks that a list is read from each envelope.
async fn in_any_envelope<T: std::fmt::Debug + Send + 'static>(
    call: impl Fn(Eclips) -> polyagent::Request<polyagent::Page<T>>,
    item: &str,
    keys: &[&str],
) {
    let bodies = keys.iter().map(|key| format!(r#"{{"{key}":[{item},{item}]}}"#)).chain([format!("[{item},{item}]")]);
    for body in bodies {
        assert_eq!(answered(&call, 200, &body).await.unwrap().items.len(), 2, "{body}");
    }
    for empty in [r#"{"data":[]}"#, r#"{"data":null}"#, "[]"] {
        let page = answered(&call, 200, empty).await.unwrap();
        assert!(page.items.is_empty() && page.next_cursor().is_none(), "{empty}");
    }
    for none in [r#"{"error":"x"}"#, "7", "\"data\"", "{}"] {
        assert!(answered(&call, 200, none).await.unwrap_err().is_decode(), "{none}");
    }
}

#[tokio::test]
async fn conflict_05_lists_come_in_any_envelope() {
    let run = r#"{"id":"a","status":"queued"}"#;
    for (body, total) in [
        (format!("[{run}]"), None),
        (format!(r#"{{"data":[{run}]}}"#), None),
        (format!(r#"{{"data":[{run}],"total":1,"limit":20,"offset":0}}"#), Some(1)),
        (format!(r#"{{"runs":[{run}],"pagination":{{"total":1,"limit":20,"offset":0}}}}"#), Some(1)),
        (format!(r#"{{"meta":{{"total":1}},"runs":[{run}]}}"#), Some(1)),
    ] {
        let page = answered(|c| c.runs().list(ListRunsParams::new()), 200, &body).await.unwrap();
        assert_eq!((page.items.len(), page.total(), page.items[0].run_id.as_str()), (1, total, "a"), "{body}");
    }
    let job = r#"{"id":"b","status":"pending","total_rows":0,"completed_rows":0,"failed_rows":0}"#;
    in_any_envelope(|c| c.runs().list(ListRunsParams::new()), run, &["data", "runs"]).await;
    in_any_envelope(
        |c| c.triage().list(ListTriageParams::new()),
        r#"{"id":"t"}"#,
        &["data", "items", "triage", "triage_items"],
    )
    .await;
    in_any_envelope(|c| c.webhooks().list(), r#"{"id":"w","url":"https://h","events":[]}"#, &["data", "webhooks"])
        .await;
    in_any_envelope(|c| c.batches().list(ListBatchesParams::new()), job, &["jobs", "batches", "data"]).await;
    in_any_envelope(|c| c.workflows().list(), r#"{"id":"w"}"#, &["data", "workflows"]).await;
}

#[tokio::test]
async fn conflict_05_a_list_ends_at_its_total_or_at_an_empty_page() {
    let page = |ids: &[&str], total: &str| {
        let rows: Vec<String> = ids.iter().map(|id| format!(r#"{{"id":"{id}","status":"queued"}}"#)).collect();
        format!(r#"{{"data":[{}]{total}}}"#, rows.join(","))
    };
    for (total, requests) in [(r#","total":3"#, 2), ("", 3)] {
        let (first, second, empty) = (page(&["a", "b"], total), page(&["c"], total), page(&[], total));
        let server = scripted(&[(200, &first), (200, &second), (200, &empty)]).await;
        let mut runs = client(&server).runs().list(ListRunsParams::new().limit(2)).items();
        let mut ids = Vec::new();
        while let Some(run) = runs.try_next().await.unwrap() {
            ids.push(run.run_id);
        }
        assert_eq!(ids, ["a", "b", "c"]);
        let all = ["GET /v1/runs?limit=2", "GET /v1/runs?limit=2&offset=2", "GET /v1/runs?limit=2&offset=3"];
        assert_eq!(lines(&server).await, all[..requests]);
    }
}

#[tokio::test]
async fn conflict_06_an_error_is_a_code_or_a_sentence() {
    let failed = async |body| answered(|c| c.runs().get("r"), 404, body).await.unwrap_err();
    let code = failed(r#"{"error":"not_found","message":"Run not found"}"#).await;
    let sentence = failed(r#"{"error":"Run not found"}"#).await;
    let object = failed(r#"{"error":{"type":"not_found","message":"Run not found"}}"#).await;
    for error in [code, sentence, object] {
        assert!(error.is_not_found());
        assert_eq!((error.code(), error.message().as_str()), (Some("not_found"), "Run not found"));
    }
}

#[tokio::test]
async fn conflict_07_the_manuals_statuses_are_known_besides_the_references() {
    let failed = async |status: u16, body: &str| answered(|c| c.runs().get("r"), status, body).await.unwrap_err();
    let scope = failed(403, r#"{"error":"Insufficient scope","required":"agents:read","provided":[]}"#).await;
    assert!(matches!(scope, Error::PermissionDenied(_)) && scope.reason() == Some(Reason::Scope));
    let plan = failed(403, r#"{"error":"Your plan does not include API access"}"#).await;
    assert!(matches!(plan, Error::PermissionDenied(_)) && plan.reason() == Some(Reason::FeatureUnavailable));
    assert!(matches!(failed(422, r#"{"error":"x"}"#).await, Error::UnprocessableEntity(_)));
    for (text, reason) in
        [("Slow down", Reason::RateLimit), ("daily cap reached", Reason::DailyCap), ("no credits", Reason::Credits)]
    {
        let error = failed(429, &format!(r#"{{"error":"{text}"}}"#)).await;
        assert!(matches!(error, Error::RateLimited(_)) && error.reason() == Some(reason), "{text}");
    }
}

#[tokio::test]
async fn conflict_08_a_result_is_output_everywhere() {
    let run = answered(|c| c.runs().get("r"), 200, r#"{"run_id":"r","status":"completed","result":{"ok":true}}"#)
        .await
        .unwrap();
    let batch = r#"{"job":{"id":"b","status":"completed","total_rows":1,"completed_rows":1,"failed_rows":0},"rows":[{"row_index":0,"status":"completed","result":{"ok":true}}]}"#;
    let batch = answered(|c| c.batches().get("b"), 200, batch).await.unwrap();
    let body = br#"{"event":"run.completed","run_id":"run_0f9e8d7c","agent_type":"ap_specialist","organization_id":"org_demo","timestamp":"2026-07-01T12:00:00.000Z","data":{"output":{"ok":true},"confidence_score":0.91,"requires_triage":false,"triage_item_id":null,"error":null}}"#;
    let mut headers = HeaderMap::new();
    let signature = "sha256=8857e8ba5eb15eea2fc7e864ff0010fa14aeb006560be19ad634fba256d886db";
    headers.insert("x-eclips-signature", signature.parse().unwrap());
    let event = Verifier::new("demo-secret-not-real").unwrap().verify(&headers, body).unwrap();
    let want = json!({"ok": true});
    assert_eq!([run.output(), batch.rows[0].output(), event.output()], [Some(&want); 3]);
}

#[tokio::test]
async fn conflict_09_a_cancelled_run_ends_a_wait() {
    for status in ["cancelled", "canceled", "rejected"] {
        let (waits, ended) =
            (r#"{"id":"r","status":"pending_triage"}"#, format!(r#"{{"id":"r","status":"{status}"}}"#));
        let server = scripted(&[(200, waits), (200, &ended)]).await;
        let wait = client(&server).runs().wait("r").interval(super::QUICK, super::QUICK).through_triage();
        let outcome = wait.await.unwrap();
        assert!(matches!(outcome, RunOutcome::Cancelled(_)), "{status}: {outcome:?}");
    }
}

#[test]
fn conflict_10_runs_and_batches_have_statuses_of_their_own() {
    assert_eq!(RunStatus::from("queued"), RunStatus::Queued);
    assert_eq!(BatchStatus::from("pending"), BatchStatus::Pending);
    assert!(matches!(RunStatus::from("pending"), RunStatus::Unknown(_)));
    assert!(matches!(BatchStatus::from("queued"), BatchStatus::Unknown(_)));
}

#[tokio::test]
async fn conflict_11_agent_types_are_any_text() {
    let server = scripted(&[(202, r#"{"run_id":"r","status":"queued","agent_type":"agent_no_91"}"#)]).await;
    let run = client(&server).runs().create(RunCreate::new("x").agent_type("agent_no_91")).await.unwrap();
    assert_eq!(run.agent_type.as_deref(), Some("agent_no_91"));
    assert_eq!(server.received_requests().await.unwrap()[0].body, br#"{"task":"x","agent_type":"agent_no_91"}"#);
}

#[tokio::test]
async fn conflict_12_what_the_newer_manual_changed_is_understood_at_run_time() {
    // One client, no setting, a server that follows the manual in everything: path, status, id, no organization.
    let server = server().await;
    add(&server, "POST", "/v1/run", 9, json_answer(202, QUEUED)).await;
    let done = r#"{"id":"7c1e-demo","status":"completed","result":7,"created_at":"2026-07-01T12:00:00.000Z"}"#;
    add(&server, "GET", "/v1/runs/7c1e-demo", 9, json_answer(200, done)).await;
    let client = builder(server.uri()).build().unwrap();
    let outcome = client.run_and_wait(RunCreate::new("x")).await.unwrap();
    assert_eq!(outcome.run().output(), Some(&json!(7)));
    let statuses: BTreeSet<_> = lines(&server).await.into_iter().collect();
    assert!(statuses.contains("POST /v1/run") && statuses.contains("GET /v1/runs/7c1e-demo"), "{statuses:?}");
}
