//! Dreams: begin, run, end.

use std::time::Duration;

use polyagent::sandbox::Sandbox;
use polyagent::sandbox::elephantasm::{Plan, Quirk, Quirks};
use serde_json::json;

use super::{ABSENT, NAIVE, Wire, form, text};

#[tokio::test]
async fn a_dream_runs_until_it_was_read_twice() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    let begun = wire.post("/dreams/trigger?kwargs=1", json!({"anima_id": anima})).await;
    assert_eq!(begun.status, 202);
    let dream = begun.json();
    assert_eq!((&dream["status"], &dream["completed_at"]), (&json!("RUNNING"), &json!(null)));
    assert_eq!((form(&dream["started_at"]), &dream["trigger_type"]), (NAIVE.to_owned(), &json!("MANUAL")));
    let path = format!("/dreams/sessions/{}", text(&dream["id"]));
    let second = wire.post("/dreams/trigger?kwargs=1", json!({"anima_id": anima})).await;
    let expected = format!(r#"{{"detail":"Dream already in progress (session: {})"}}"#, text(&dream["id"]));
    assert_eq!((second.status, second.body), (409, expected));
    assert_eq!(wire.get(&path).await.json()["status"], json!("RUNNING"));
    let ended = wire.get(&path).await.json();
    assert_eq!((&ended["status"], form(&ended["completed_at"])), (&json!("COMPLETED"), NAIVE.to_owned()));
    assert_eq!(wire.post("/dreams/trigger?kwargs=1", json!({"anima_id": anima})).await.status, 202);
}

#[tokio::test]
async fn a_dream_ends_after_a_minute() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    wire.post("/dreams/trigger?kwargs=1", json!({"anima_id": anima})).await;
    let status = async || wire.get(&format!("/dreams/sessions?anima_id={anima}")).await.json()[0]["status"].clone();
    assert_eq!(status().await, json!("RUNNING"));
    wire.sandbox.advance(Duration::from_secs(60));
    assert_eq!(status().await, json!("COMPLETED"));
    let running = wire.get(&format!("/dreams/sessions?anima_id={anima}&status=RUNNING")).await;
    assert_eq!(running.body, "[]");
}

#[tokio::test]
async fn a_cancelled_dream_has_failed() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    let dream = wire.post("/dreams/trigger?kwargs=1", json!({"anima_id": anima})).await.json();
    let path = format!("/dreams/sessions/{}/cancel", text(&dream["id"]));
    let cancelled = wire.post(&path, "").await.json();
    assert_eq!((&cancelled["status"], &cancelled["error_message"]), (&json!("FAILED"), &json!("Cancelled by user")));
    let again = wire.post(&path, "").await;
    assert_eq!((again.status, again.body.as_str()), (400, r#"{"detail":"Dream session is not running"}"#));
    assert_eq!(wire.get(&format!("/dreams/sessions/{ABSENT}")).await.status, 404);
}

#[tokio::test]
async fn dreams_can_be_kept_from() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    let body = json!({"anima_id": anima});
    let refused = wire.post("/dreams/trigger", &body).await;
    assert_eq!(
        (refused.status, refused.body.as_str()),
        (422, r#"{"detail":[{"type":"missing","loc":["query","kwargs"],"msg":"Field required","input":null}]}"#)
    );
    assert_eq!(wire.post("/dreams/trigger?kwargs=", &body).await.status, 202);

    let tame = Wire::with(Quirks::observed().without(Quirk::DreamNeedsKwargs)).await;
    let body = json!({"anima_id": tame.anima("Ada").await});
    assert_eq!(tame.post("/dreams/trigger", &body).await.status, 202);

    let wire = Wire::built(Sandbox::builder().elephantasm_plan(Plan::free().without_dreams())).await;
    let gate = wire.post("/dreams/trigger?kwargs=1", &body).await;
    assert_eq!((gate.status, &gate.json()["detail"]["error"]), (403, &json!("feature_not_available")));
    assert_eq!(gate.json()["detail"]["feature"], json!("dreamer_enabled"));
}
