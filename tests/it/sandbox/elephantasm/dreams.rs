//! Dreams: start, run, end.

use std::time::Duration;

use polyagent::sandbox::Sandbox;
use polyagent::sandbox::elephantasm::{Plan, Quirk};
use serde_json::json;

use crate::sandbox::{ABSENT, NAIVE, Wire, format_of, text};

#[tokio::test]
async fn a_dream_ends_once_it_was_read_twice() {
    let wire = Wire::self_hosted().await;
    let anima = wire.anima("Ada").await;
    let begun = wire.post("/dreams/trigger?kwargs=1", json!({"anima_id": anima})).await;
    assert_eq!(begun.status, 202);
    let dream = begun.json();
    assert_eq!((&dream["status"], &dream["completed_at"]), (&json!("RUNNING"), &json!(null)));
    assert_eq!((format_of(&dream["started_at"]), &dream["trigger_type"]), (NAIVE.to_owned(), &json!("MANUAL")));
    let path = format!("/dreams/sessions/{}", text(&dream["id"]));
    let second = wire.post("/dreams/trigger?kwargs=1", json!({"anima_id": anima})).await;
    let expected = format!(r#"{{"detail":"Dream already in progress (session: {})"}}"#, text(&dream["id"]));
    assert_eq!((second.status, second.body), (409, expected));
    assert_eq!(wire.get(&path).await.json()["status"], json!("RUNNING"));
    let ended = wire.get(&path).await.json();
    assert_eq!((&ended["status"], format_of(&ended["completed_at"])), (&json!("COMPLETED"), NAIVE.to_owned()));
    assert_eq!(wire.post("/dreams/trigger?kwargs=1", json!({"anima_id": anima})).await.status, 202);
}

#[tokio::test]
async fn a_dream_ends_after_a_minute() {
    let wire = Wire::self_hosted().await;
    let anima = wire.anima("Ada").await;
    wire.post("/dreams/trigger?kwargs=1", json!({"anima_id": anima})).await;
    let status = async || wire.get(&format!("/dreams/sessions?anima_id={anima}")).await.json()[0]["status"].clone();
    assert_eq!(status().await, json!("RUNNING"));
    wire.sandbox.advance(Duration::from_secs(60));
    assert_eq!(status().await, json!("COMPLETED"));
    assert_eq!(wire.get(&format!("/dreams/sessions?anima_id={anima}&status=RUNNING")).await.body, "[]");
}

#[tokio::test]
async fn a_cancelled_dream_has_failed() {
    let wire = Wire::self_hosted().await;
    let anima = wire.anima("Ada").await;
    let dream = wire.post("/dreams/trigger?kwargs=1", json!({"anima_id": anima})).await.json();
    let path = format!("/dreams/sessions/{}", text(&dream["id"]));
    let cancelled = wire.post(&format!("{path}/cancel"), "").await.json();
    assert_eq!((&cancelled["status"], &cancelled["error_message"]), (&json!("FAILED"), &json!("Cancelled by user")));
    let again = wire.post(&format!("{path}/cancel"), "").await;
    assert_eq!((again.status, again.body.as_str()), (400, r#"{"detail":"Dream session is not running"}"#));
    wire.sandbox.advance(Duration::from_secs(60));
    assert_eq!(wire.get(&path).await.json(), cancelled, "it does not end a second time");
    assert_eq!(wire.get(&format!("/dreams/sessions/{ABSENT}")).await.status, 404);
}

#[tokio::test]
async fn rejects_a_dream_without_kwargs_anima_or_plan() {
    let wire = Wire::self_hosted().await;
    let body = json!({"anima_id": wire.anima("Ada").await});
    let missing = wire.post("/dreams/trigger", &body).await;
    assert_eq!((missing.status, &missing.json()["detail"][0]["loc"]), (422, &json!(["query", "kwargs"])));
    assert_eq!(wire.post("/dreams/trigger?kwargs=", &body).await.status, 202);
    assert_eq!(wire.post("/dreams/trigger?kwargs=1", json!({"anima_id": ABSENT})).await.status, 500);

    let tame = Wire::with(|it| it.self_hosted().without(Quirk::DreamNeedsKwargs)).await;
    let body = json!({"anima_id": tame.anima("Ada").await});
    assert_eq!(tame.post("/dreams/trigger", &body).await.status, 202);

    let builder = Sandbox::builder().elephantasm(|it| it.self_hosted().plan(Plan::free().without_dreams()));
    let gate = Wire::built(builder).await.post("/dreams/trigger?kwargs=1", &body).await;
    assert_eq!((gate.status, &gate.json()["detail"]["error"]), (403, &json!("feature_not_available")));
    assert_eq!(gate.json()["detail"]["feature"], json!("dreamer_enabled"));
}
