//! Plans, rates and what is used of them.

use std::time::Duration;

use polyagent::elephantasm::types::{AnimaCreate, ListAnimasParams};
use polyagent::sandbox::Sandbox;
use polyagent::sandbox::elephantasm::{Plan, Quirk, Quirks};
use polyagent::{Error, Reason, RetryPolicy};
use serde_json::json;

use super::{Wire, text};

#[tokio::test]
async fn usage_counts_what_was_really_used() {
    let noon: polyagent::Timestamp = "2026-02-04T12:00:00Z".parse().unwrap();
    let wire = Wire::built(Sandbox::builder().elephantasm_plan(Plan::free().active_animas(5)).starts_at(noon)).await;
    let anima = wire.anima("Ada").await;
    let event = wire.message(&anima, "I like tea.").await;
    wire.delete(&format!("/events/{event}")).await;
    wire.post("/memories", json!({"anima_id": anima})).await;
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
    assert_eq!(
        (&march["period_start"], &march["events_created"], &march["pack_builds"]),
        (&json!("2026-03-01"), &json!(0), &json!(0))
    );
    assert_eq!(march["memories_stored"], json!(1));
}

#[tokio::test]
async fn a_memory_limit_is_reported_and_caps_the_account_but_refuses_nothing() {
    let plan = Plan::free().memories(0).knowledge(7).synthesis(8).dormant_animas(9);
    let wire = Wire::built(Sandbox::builder().elephantasm_plan(plan)).await;
    let anima = wire.anima("Ada").await;
    assert_eq!(wire.post("/memories", json!({"anima_id": anima})).await.status, 201);
    let usage = wire.get("/subscriptions/usage").await.json();
    let limits = ["memories_limit", "knowledge_limit", "synthesis_limit", "dormant_anima_limit"];
    assert_eq!(limits.map(|limit| &usage[limit]), [&json!(0), &json!(7), &json!(8), &json!(9)]);
    assert_eq!(usage["is_hard_capped"], json!(true));
}

#[tokio::test]
async fn the_header_of_the_organisation_is_looked_at() {
    let wire = Wire::start().await;
    let own = text(&wire.post("/animas", json!({"name": "a"})).await.json()["organization_id"]);
    let usage = async |organization: &str| {
        let request =
            wire.request(polyagent::Method::GET, "/subscriptions/usage").header("x-organization-id", organization);
        wire.send(request).await.status
    };
    assert_eq!(usage(&own).await, 200);
    assert_eq!(usage("mine").await, 400);
    assert_eq!(usage(super::ABSENT).await, 404);
    let other = wire.sandbox.tenant("other").unwrap().elephantasm().animas().create(AnimaCreate::new("b")).await;
    assert_eq!(usage(&other.unwrap().organization_id.unwrap()).await, 403, "another tenant's");
}

#[tokio::test]
async fn a_used_up_plan_is_403_once_usage_is_above_the_limit() {
    let wire = Wire::built(Sandbox::builder().elephantasm_plan(Plan::free())).await;
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
async fn by_the_documentation_a_used_up_plan_is_429_at_the_limit() {
    let plan = Plan::free().events(2).pack_builds(1);
    let wire = Wire::built(Sandbox::builder().elephantasm_plan(plan).elephantasm_quirks(Quirks::documented())).await;
    let anima = wire.anima("Ada").await;
    let post = async || {
        wire.post(
            "/events",
            json!({"anima_id": anima, "event_type": "system", "content": "x", "dedupe_key": new_key()}),
        )
        .await
    };
    assert_eq!([post().await.status, post().await.status], [201, 201]);
    let third = post().await;
    assert_eq!((third.status, &third.json()["detail"]["action"]), (429, &json!("create_event")));
    assert_eq!(third.header("retry-after"), None);
    let path = format!("/animas/{anima}/memory-packs/latest?query=x");
    assert_eq!(wire.get(&path).await.status, 200);
    assert_eq!(wire.get(&path).await.json()["detail"]["action"], json!("pack_build"));
}

/// A key that is not used twice.
fn new_key() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed).to_string()
}

#[tokio::test]
async fn too_many_calls_are_told_to_come_back() {
    let wire = Wire::built(Sandbox::builder().elephantasm_rate_limit(2, Duration::from_secs(60))).await;
    assert_eq!([wire.get("/animas").await.status, wire.get("/animas").await.status], [200, 200]);
    let third = wire.get("/animas").await;
    assert_eq!(
        (third.status, third.body.as_str()),
        (429, r#"{"error":"rate_limit_exceeded","message":"Too many requests. Please slow down."}"#)
    );
    assert_eq!(third.header("retry-after"), Some("1"));
    assert_eq!(wire.get("/health").await.status, 200);
    let other = wire.sandbox.tenant("other").unwrap();
    other.elephantasm().animas().list(ListAnimasParams::new()).await.unwrap();
}

#[tokio::test]
async fn an_older_server_says_retry_after_in_words() {
    let quirks = Quirks::observed().with(Quirk::WordyRetryAfter);
    let wire =
        Wire::built(Sandbox::builder().elephantasm_rate_limit(0, Duration::from_secs(1)).elephantasm_quirks(quirks))
            .await;
    let answer = wire.get("/animas").await;
    assert_eq!(answer.header("retry-after"), Some("0 per 1 second"));
    assert_eq!(answer.json()["retry_after_seconds"], json!("0 per 1 second"));
    let client = wire.sandbox.elephantasm_builder().retry_policy(RetryPolicy::none()).build().unwrap();
    let error = client.animas().list(ListAnimasParams::new()).await.unwrap_err();
    assert_eq!((error.is_rate_limited(), error.retry_after()), (true, None));
}

#[tokio::test]
async fn a_client_that_waits_gets_through_a_rate_limit() {
    let wire = Wire::built(Sandbox::builder().elephantasm_rate_limit(1, Duration::from_millis(900))).await;
    let animas = wire.sandbox.elephantasm().animas();
    animas.list(ListAnimasParams::new()).await.unwrap();
    animas.list(ListAnimasParams::new()).await.unwrap();
    assert_eq!(wire.sandbox.requests().len(), 3);
}
