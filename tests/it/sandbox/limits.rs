//! Plans, rate limits and usage.

use std::time::Duration;

use polyagent::elephantasm::types::{AnimaCreate, ListAnimasParams};
use polyagent::sandbox::Sandbox;
use polyagent::sandbox::elephantasm::{Plan, Quirk};
use polyagent::{Error, Reason, RetryPolicy};
use serde_json::json;

use super::{Wire, text};

#[tokio::test]
async fn usage_counts_what_was_used_in_the_month() {
    let noon: polyagent::Timestamp = "2026-02-04T12:00:00Z".parse().unwrap();
    let builder = Sandbox::builder().elephantasm(|it| it.all_operations().plan(Plan::free().active_animas(5)));
    let wire = Wire::built(builder.starts_at(noon)).await;
    let anima = wire.anima("Ada").await;
    let event = wire.message(&anima, "I like tea.").await;
    wire.delete(&format!("/events/{event}")).await;
    wire.memory(&anima, "m").await;
    for query in ["tea", "cake"] {
        wire.get(&format!("/animas/{anima}/memory-packs/latest?query={query}")).await;
    }
    wire.get(&format!("/animas/{anima}/memory-packs/latest")).await;
    assert_eq!(
        wire.get("/subscriptions/usage").await.json(),
        json!({
            "plan_tier": "free", "period_start": "2026-02-01", "events_created": 1, "events_limit": 1000,
            "memories_stored": 1, "memories_limit": 100, "knowledge_items": 0, "knowledge_limit": 10, "pack_builds": 2,
            "pack_builds_limit": 500, "synthesis_runs": 0, "synthesis_limit": 20, "active_anima_count": 1,
            "active_anima_limit": 5, "dormant_anima_count": 0, "dormant_anima_limit": 2, "total_overage_cents": 0,
            "spending_cap_cents": -1, "spending_cap_remaining_cents": -1, "is_hard_capped": false
        })
    );
    wire.sandbox.advance(Duration::from_secs(30 * 86_400));
    let march = wire.get("/subscriptions/usage").await.json();
    let counts = ["period_start", "events_created", "pack_builds", "memories_stored"].map(|name| &march[name]);
    assert_eq!(counts, [&json!("2026-03-01"), &json!(0), &json!(0), &json!(1)]);
}

#[tokio::test]
async fn usage_checks_the_organization() {
    let wire = Wire::start().await;
    let own = text(&wire.post("/animas", json!({"name": "a"})).await.json()["organization_id"]);
    for (organization, status) in [(own.as_str(), 200), ("mine", 400), (super::ABSENT, 404)] {
        let request = wire.request(polyagent::Method::GET, "/subscriptions/usage");
        assert_eq!(wire.send(request.header("x-organization-id", organization)).await.status, status, "{organization}");
    }
}

#[tokio::test]
async fn rejects_what_exceeds_a_plan_with_403() {
    let wire = Wire::built(Sandbox::builder().elephantasm(|it| it.plan(Plan::free()))).await;
    let animas = wire.sandbox.elephantasm().animas();
    for name in ["Ada", "Ben"] {
        animas.create(AnimaCreate::new(name)).await.unwrap();
    }
    let error = animas.create(AnimaCreate::new("Cleo")).await.unwrap_err();
    assert!(matches!(error, Error::PermissionDenied(_)), "{error}");
    assert_eq!((error.reason(), error.code()), (Some(Reason::PlanLimit), Some("limit_exceeded")));
    assert_eq!(error.attempts().len(), 1, "waiting does not help");
    let usage = wire.get("/subscriptions/usage").await.json();
    assert_eq!((&usage["active_anima_count"], &usage["is_hard_capped"]), (&json!(2), &json!(true)));

    wire.sandbox.default_tenant().set_plan(Plan::unlimited());
    animas.create(AnimaCreate::new("Cleo")).await.unwrap();
}

#[tokio::test]
async fn rejects_what_exceeds_a_plan_with_429_as_documented() {
    let plan = Plan::free().events(1).pack_builds(0).memories(0).synthesis(8);
    let builder = Sandbox::builder().elephantasm(|it| it.without(Quirk::PlanLimitForbids).plan(plan));
    let wire = Wire::built(builder).await;
    let anima = wire.anima("Ada").await;
    let post = async || wire.post("/events", json!({"anima_id": anima, "event_type": "system", "content": "x"})).await;
    assert_eq!([post().await.status, post().await.status], [201, 201]);
    let third = post().await;
    assert_eq!((third.status, &third.json()["detail"]["action"]), (429, &json!("create_event")));
    assert_eq!(third.header("retry-after"), None);
    let path = format!("/animas/{anima}/memory-packs/latest?query=x");
    assert_eq!(wire.get(&path).await.status, 200);
    assert_eq!(wire.get(&path).await.json()["detail"]["action"], json!("pack_build"));
}

#[tokio::test]
async fn rejects_calls_beyond_the_rate_limit_of_a_tenant() {
    let wire = Wire::with(|it| it.rate_limit(2, Duration::from_secs(60))).await;
    assert_eq!([wire.get("/animas").await.status, wire.get("/animas").await.status], [200, 200]);
    let third = wire.get("/animas").await;
    let body = r#"{"error":"rate_limit_exceeded","message":"Too many requests. Please slow down."}"#;
    assert_eq!((third.status, third.body.as_str(), third.header("retry-after")), (429, body, Some("1")));
    assert_eq!(wire.get("/health").await.status, 200);
    let other = wire.sandbox.tenant("other").unwrap();
    other.elephantasm().animas().list(ListAnimasParams::new()).await.unwrap();
}

#[tokio::test]
async fn an_older_server_sends_text_as_retry_after() {
    let wire = Wire::with(|it| it.rate_limit(0, Duration::from_secs(1)).with(Quirk::WordyRetryAfter)).await;
    let response = wire.get("/animas").await;
    assert_eq!(response.header("retry-after"), Some("0 per 1 second"));
    assert_eq!(response.json()["retry_after_seconds"], json!("0 per 1 second"));
    let client = wire.sandbox.elephantasm_builder().retry_policy(RetryPolicy::none()).build().unwrap();
    let error = client.animas().list(ListAnimasParams::new()).await.unwrap_err();
    assert_eq!((error.is_rate_limited(), error.retry_after()), (true, None));
}

#[tokio::test]
async fn a_client_that_waits_gets_through_a_rate_limit() {
    let wire = Wire::with(|it| it.rate_limit(1, Duration::from_millis(900))).await;
    let animas = wire.sandbox.elephantasm().animas();
    animas.list(ListAnimasParams::new()).await.unwrap();
    animas.list(ListAnimasParams::new()).await.unwrap();
    assert_eq!(wire.sandbox.requests().len(), 3);
}
