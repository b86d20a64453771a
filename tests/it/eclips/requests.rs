//! The literal bytes of every request.

use polyagent::eclips::Eclips;
use polyagent::eclips::types::*;
use polyagent::{Error, Method, Request};
use serde_json::{Map, Value, json};

use super::{KEY, ORG, builder, client, scripted};

/// Sends a call and gives method, path with query, and body of what arrived.
async fn sent<T: 'static>(call: impl FnOnce(Eclips) -> Request<T>) -> (String, String) {
    let server = scripted(&[(418, "{}")]).await;
    let result = call(client(&server)).await;
    assert!(matches!(result, Err(Error::OtherClient(_))), "the request did not arrive: {:?}", result.err());
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    let body = String::from_utf8(request.body.clone()).unwrap();
    assert_eq!(request.headers.contains_key("content-type"), !body.is_empty());
    (format!("{} {}", request.method, &request.url[url::Position::BeforePath..]), body)
}

async fn assert_sent<T: 'static>(call: impl FnOnce(Eclips) -> Request<T>, line: &str, body: &str) {
    assert_eq!(sent(call).await, (line.to_owned(), body.to_owned()));
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[tokio::test]
async fn a_call_carries_key_and_organization_and_no_more_than_it_needs() {
    let server = scripted(&[(202, r#"{"run_id":"r","status":"queued"}"#)]).await;
    client(&server).runs().create(RunCreate::new("Check")).await.unwrap();
    let request = &server.received_requests().await.unwrap()[0];
    let mut headers: Vec<_> = request.headers.iter().map(|(n, v)| format!("{n}: {}", v.to_str().unwrap())).collect();
    headers.sort();
    assert_eq!(
        headers,
        [
            "accept: application/json".to_owned(),
            format!("authorization: Bearer {KEY}"),
            "content-length: 16".to_owned(),
            "content-type: application/json".to_owned(),
            format!("host: {}", server.uri().replace("http://", "")),
            format!("user-agent: polyagent/{}", env!("CARGO_PKG_VERSION")),
            format!("x-eclips-org: {ORG}"),
        ]
    );
}

#[tokio::test]
async fn health_goes_without_a_key() {
    let server =
        scripted(&[(200, r#"{"status":"ok","version":"1.0.0","timestamp":"2026-07-01T12:00:00.000Z"}"#)]).await;
    let health = client(&server).health().await.unwrap();
    assert_eq!((health.status.as_str(), health.version.as_deref()), ("ok", Some("1.0.0")));
    assert_eq!(health.timestamp.unwrap().to_string(), "2026-07-01T12:00:00Z");
    let request = &server.received_requests().await.unwrap()[0];
    assert_eq!(request.url.path(), "/v1/health");
    assert!(!request.headers.contains_key("authorization"));
}

#[tokio::test]
async fn run_requests() {
    assert_sent(
        |c| c.runs().create(RunCreate::new("Check invoice 7781")),
        "POST /v1/runs",
        r#"{"task":"Check invoice 7781"}"#,
    )
    .await;
    assert_sent(
        |c| {
            let run = RunCreate::new("Check invoice 7781 against its purchase order")
                .agent_type("ap_specialist")
                .data(object(json!({"invoice_no": "7781", "total": 1290.5})))
                .priority("normal")
                .webhook_url("https://hooks.example.org/eclips");
            c.runs().create(run)
        },
        "POST /v1/runs",
        r#"{"task":"Check invoice 7781 against its purchase order","agent_type":"ap_specialist","data":{"invoice_no":"7781","total":1290.5},"priority":"normal","webhook_url":"https://hooks.example.org/eclips"}"#,
    )
    .await;
    assert_sent(|c| c.runs().get("run_0f9e8d7c"), "GET /v1/runs/run_0f9e8d7c", "").await;
    assert_sent(|c| c.runs().get("7c1e demo?"), "GET /v1/runs/7c1e%20demo%3F", "").await;
    assert_sent(|c| c.runs().list(ListRunsParams::new()), "GET /v1/runs", "").await;
    let some = || ListRunsParams::new().status(RunStatus::PendingTriage).limit(100).offset(40);
    assert_sent(|c| c.runs().list(some()), "GET /v1/runs?status=pending_triage&limit=100&offset=40", "").await;
    let odd = || ListRunsParams::new().status("paused");
    assert_sent(|c| c.runs().list(odd()), "GET /v1/runs?status=paused", "").await;
}

#[tokio::test]
async fn triage_requests() {
    assert_sent(|c| c.triage().list(ListTriageParams::new()), "GET /v1/triage", "").await;
    let some = || ListTriageParams::new().limit(1).offset(2);
    assert_sent(|c| c.triage().list(some()), "GET /v1/triage?limit=1&offset=2", "").await;
    assert_sent(
        |c| c.triage().list(some()).query("status", "pending"),
        "GET /v1/triage?limit=1&offset=2&status=pending",
        "",
    )
    .await;

    let server = scripted(&[(204, "")]).await;
    let triage = client(&server).triage();
    triage.approve("tri_51").await.unwrap();
    triage.approve("tri_51").notes("ok").await.unwrap();
    triage.reject("tri_51").await.unwrap();
    triage.reject("tri_51").notes("no").options(|request| request.body_field("by", "ada")).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let sent: Vec<_> = requests
        .iter()
        .map(|r| format!("{} {} {}", r.method, r.url.path(), String::from_utf8_lossy(&r.body)))
        .collect();
    assert_eq!(
        sent,
        [
            "POST /v1/triage/tri_51/approve {}",
            r#"POST /v1/triage/tri_51/approve {"notes":"ok"}"#,
            "POST /v1/triage/tri_51/reject {}",
            r#"POST /v1/triage/tri_51/reject {"reason":"no","by":"ada"}"#,
        ]
    );
    assert!(requests.iter().all(|request| request.headers["content-type"] == "application/json"));
}

#[tokio::test]
async fn webhook_requests() {
    let events = || [WebhookEventType::RunCompleted, WebhookEventType::RunFailed, WebhookEventType::RunTriageRequired];
    assert_sent(
        |c| c.webhooks().create(WebhookCreate::new("https://hooks.example.org/eclips", events())),
        "POST /v1/webhooks",
        r#"{"url":"https://hooks.example.org/eclips","events":["run.completed","run.failed","run.triage_required"]}"#,
    )
    .await;
    assert_sent(
        |c| c.webhooks().create(WebhookCreate::new("http://127.0.0.1:9/x", ["run.paused".into()])),
        "POST /v1/webhooks",
        r#"{"url":"http://127.0.0.1:9/x","events":["run.paused"]}"#,
    )
    .await;
    assert_sent(|c| c.webhooks().list(), "GET /v1/webhooks", "").await;
    assert_sent(|c| c.webhooks().delete("wh_07"), "DELETE /v1/webhooks/wh_07", "").await;
}

#[tokio::test]
async fn batch_requests() {
    assert_sent(
        |c| c.batches().create(BatchCreate::new("ap_specialist", [BatchRowCreate::new("Check invoice 1")])),
        "POST /v1/batches",
        r#"{"agent_type":"ap_specialist","rows":[{"task":"Check invoice 1"}]}"#,
    )
    .await;
    assert_sent(
        |c| {
            let second = BatchRowCreate::new("Check invoice 2").data(object(json!({"total": 80})));
            let batch = BatchCreate::new("ap_specialist", [BatchRowCreate::new("Check invoice 1"), second]);
            c.batches().create(batch.name("july").webhook_url("https://hooks.example.org/eclips"))
        },
        "POST /v1/batches",
        r#"{"agent_type":"ap_specialist","rows":[{"task":"Check invoice 1"},{"task":"Check invoice 2","data":{"total":80}}],"name":"july","webhook_url":"https://hooks.example.org/eclips"}"#,
    )
    .await;
    assert_sent(|c| c.batches().get("b-77"), "GET /v1/batches/b-77", "").await;
    assert_sent(|c| c.batches().list(ListBatchesParams::new()), "GET /v1/batches", "").await;
    let some = || ListBatchesParams::new().status(BatchStatus::Running).limit(5).offset(10);
    assert_sent(|c| c.batches().list(some()), "GET /v1/batches?status=running&limit=5&offset=10", "").await;
    assert_sent(|c| c.batches().cancel("b-77"), "POST /v1/batches/b-77/cancel", "").await;
}

#[tokio::test]
async fn workflow_requests() {
    assert_sent(|c| c.workflows().list(), "GET /v1/workflows", "").await;
    assert_sent(|c| c.workflows().trigger("wf_3"), "POST /v1/workflows/wf_3/trigger", "").await;
    assert_sent(
        |c| c.workflows().trigger_with("wf_3", &json!({"month": "2026-06", "dry": true})),
        "POST /v1/workflows/wf_3/trigger",
        r#"{"month":"2026-06","dry":true}"#,
    )
    .await;
}

#[tokio::test]
async fn usage_is_read_by_a_raw_call() {
    assert_sent(|c| c.raw(Method::GET, ["v1", "usage"]), "GET /v1/usage", "").await;
    let server = scripted(&[(200, r#"{"credits":7}"#)]).await;
    assert_eq!(client(&server).raw(Method::GET, ["v1", "usage", "daily"]).await.unwrap(), json!({"credits": 7}));
    let request = &server.received_requests().await.unwrap()[0];
    assert_eq!((request.url.path(), request.headers["x-eclips-org"].to_str().unwrap()), ("/v1/usage/daily", ORG));
}

#[tokio::test]
async fn one_client_serves_several_organizations() {
    let server = scripted(&[(200, r#"{"run_id":"r","status":"queued"}"#)]).await;
    let client = client(&server);
    let other = client.with_organization("org_other");
    assert_eq!((client.organization(), other.organization()), (Some("org_demo"), Some("org_other")));
    client.runs().get("r").await.unwrap();
    other.runs().get("r").await.unwrap();
    let none = builder(server.uri()).build().unwrap();
    assert_eq!(none.organization(), None);
    none.runs().get("r").await.unwrap();
    none.with_organization("org_late").runs().get("r").await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let organizations: Vec<_> =
        requests.iter().map(|r| r.headers.get("x-eclips-org").map(|v| v.to_str().unwrap())).collect();
    assert_eq!(organizations, [Some("org_demo"), Some("org_other"), None, Some("org_late")]);

    for wrong in ["", " ", "a\nb", "é\u{0}"] {
        let error = client.with_organization(wrong).runs().get("r").await.unwrap_err();
        assert!(error.is_invalid_argument() && error.to_string().contains("organization"), "{wrong:?}: {error}");
    }
    let error = client.runs().get("r").header("X-Eclips-Org", "org_sneaky").await.unwrap_err();
    assert!(error.is_invalid_argument(), "{error}");
    assert_eq!(server.received_requests().await.unwrap().len(), 4);
}

#[tokio::test]
async fn what_the_platform_would_reject_is_not_sent() {
    let server = scripted(&[(500, "")]).await;
    let c = client(&server);
    let rows = |count: usize| vec![BatchRowCreate::new("Check"); count];
    let errors = [
        c.runs().create(RunCreate::new("")).await.unwrap_err(),
        c.runs().create(RunCreate::new(" \n")).await.unwrap_err(),
        c.runs().create(RunCreate::new("x").webhook_url("http://hooks.example.org")).await.unwrap_err(),
        c.runs().list(ListRunsParams::new().limit(0)).await.unwrap_err(),
        c.runs().list(ListRunsParams::new().limit(101)).await.unwrap_err(),
        c.runs().list(ListRunsParams::new().offset(-1)).await.unwrap_err(),
        c.runs().get("a/b").await.unwrap_err(),
        c.runs().get("").await.unwrap_err(),
        c.batches().create(BatchCreate::new("a", rows(0))).await.unwrap_err(),
        c.batches().create(BatchCreate::new("a", rows(501))).await.unwrap_err(),
        c.batches().create(BatchCreate::new("", rows(1))).await.unwrap_err(),
        c.batches().create(BatchCreate::new("a", [BatchRowCreate::new("")])).await.unwrap_err(),
        c.batches().create(BatchCreate::new("a", rows(1)).webhook_url("ftp://h")).await.unwrap_err(),
        c.webhooks().create(WebhookCreate::new("http://hooks.example.org", ["run.failed".into()])).await.unwrap_err(),
        c.webhooks().create(WebhookCreate::new("hooks.example.org", ["run.failed".into()])).await.unwrap_err(),
        c.webhooks().create(WebhookCreate::new("https://h", Vec::<WebhookEventType>::new())).await.unwrap_err(),
        c.triage().approve("..").await.unwrap_err(),
        c.triage().reject("").await.unwrap_err(),
    ];
    let names: Vec<_> = errors
        .iter()
        .map(|error| match error {
            Error::InvalidArgument(invalid) => invalid.argument(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        names,
        [
            "task",
            "task",
            "webhook_url",
            "limit",
            "limit",
            "offset",
            "run_id",
            "run_id",
            "rows",
            "rows",
            "agent_type",
            "rows[0].task",
            "webhook_url",
            "url",
            "url",
            "events",
            "triage_item_id",
            "triage_item_id",
        ]
    );
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
    assert!(c.batches().create(BatchCreate::new("a", rows(500))).max_retries(0).await.unwrap_err().is_server());
    assert_eq!(server.received_requests().await.unwrap().len(), 1, "the twin: 500 rows are sent");
}
