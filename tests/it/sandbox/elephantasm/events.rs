//! Events on the wire.

use polyagent::sandbox::elephantasm::{Quirk, Settings};
use serde_json::{Value, json};

use crate::sandbox::{ABSENT, NAIVE, Wire, column, format_of, text};

const DUPLICATE: &str = r#"{"detail":"Duplicate event (dedupe_key conflict)"}"#;

fn event(anima_id: &str, more: &Value) -> Value {
    let mut body = json!({"anima_id": anima_id, "event_type": "tool.call", "content": "call"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn stores_times_as_utc_to_the_microsecond() {
    let wire = Wire::start().await;
    let id = wire.anima("Ada").await;
    for (sent, stored) in [
        ("2026-02-04T14:00:00+02:00", "2026-02-04T12:00:00"),
        ("2026-02-04T12:00:00.25Z", "2026-02-04T12:00:00.250000"),
        ("2026-02-04", "2026-02-04T00:00:00"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999"),
    ] {
        let created = wire.post("/events", event(&id, &json!({"occurred_at": sent}))).await.json();
        assert_eq!(created["occurred_at"], json!(stored), "{sent}");
    }
    let now = wire.post("/events", event(&id, &json!({}))).await.json();
    assert_eq!(format_of(&now["occurred_at"]), NAIVE);
}

#[tokio::test]
async fn returns_an_event_as_its_component() {
    let wire = Wire::start().await;
    let id = wire.anima("Ada").await;
    let created = wire.post("/events", event(&id, &json!({"importance_score": 1, "session_id": "s"}))).await;
    assert_eq!(created.status, 201);
    let mut body = created.json();
    for time in ["occurred_at", "created_at", "updated_at", "id"] {
        assert!(body[time].take().is_string());
    }
    assert_eq!(
        body,
        json!({
            "id": null, "anima_id": id, "event_type": "tool.call", "content": "call", "role": null, "author": null,
            "summary": null, "occurred_at": null, "session_id": "s", "meta": {}, "source_uri": null,
            "dedupe_key": null, "importance_score": 1.0, "created_at": null, "updated_at": null
        })
    );
    assert!(created.body.contains(r#""importance_score":1.0"#), "an integer comes back as a float: {}", created.body);
    let exact = wire.post("/events", event(&id, &json!({"importance_score": 0.999_959_824_913_412_7}))).await;
    assert!(exact.body.contains("0.9999598249134127"), "{}", exact.body);
}

#[tokio::test]
async fn an_event_needs_an_anima() {
    let wire = Wire::start().await;
    let absent = wire.post("/events", event(ABSENT, &json!({}))).await;
    assert_eq!((absent.status, absent.body), (404, format!(r#"{{"detail":"Anima {ABSENT} not found"}}"#)));
    let id = wire.anima("Ada").await;
    wire.delete(&format!("/animas/{id}")).await;
    assert_eq!(wire.post("/events", event(&id, &json!({}))).await.status, 404);
}

#[tokio::test]
async fn derives_a_dedupe_key_from_a_source_only() {
    let wire = Wire::start().await;
    let id = wire.anima("Ada").await;
    let sourced = json!({"source_uri": "slack://x/1", "occurred_at": "2026-02-04T12:00:00Z"});
    let key = async |more: &Value| wire.post("/events", event(&id, more)).await.json()["dedupe_key"].clone();
    let derived = key(&sourced).await;
    assert_eq!(text(&derived).len(), 32);
    assert_eq!(key(&sourced).await, derived, "and is the same again");
    assert_ne!(key(&json!({"source_uri": "slack://x/2", "occurred_at": "2026-02-04T12:00:00Z"})).await, derived);
    assert_eq!(key(&json!({"source_uri": ""})).await, json!(null));
    assert_eq!(key(&json!({"dedupe_key": ""})).await, json!(""));
    assert_eq!(key(&json!({"source_uri": "slack://x/1", "dedupe_key": "mine"})).await, json!("mine"));
}

#[tokio::test]
async fn rejects_a_second_event_with_a_key_only_without_the_quirk() {
    let observed = Wire::start().await;
    let id = observed.anima("Ada").await;
    for _ in 0..2 {
        assert_eq!(observed.post("/events", event(&id, &json!({"dedupe_key": "k"}))).await.status, 201);
    }
    let unique = Wire::with(|it| it.self_hosted().without(Quirk::DuplicateKeys)).await;
    let [ada, ben] = [unique.anima("Ada").await, unique.anima("Ben").await];
    let post = async |anima: &str, key: &str| unique.post("/events", event(anima, &json!({"dedupe_key": key}))).await;
    let first = post(&ada, "k").await;
    unique.delete(&format!("/events/{}", text(&first.json()["id"]))).await;
    let second = post(&ben, "k").await;
    assert_eq!((second.status, second.body.as_str()), (409, DUPLICATE), "across animas, deleted or not");
    assert_eq!([post(&ada, "").await.status, post(&ada, "").await.status], [201, 201]);
}

#[tokio::test]
async fn lists_events_newest_first_or_a_session_oldest_first() {
    let wire = Wire::start().await;
    let id = wire.anima("Ada").await;
    for (content, day, session) in [("b", 2, "s"), ("a", 1, "s"), ("c", 3, "t")] {
        let more = json!({"content": content, "occurred_at": format!("2026-02-0{day}"), "session_id": session, "importance_score": 0.1 * f64::from(day)});
        wire.post("/events", event(&id, &more)).await;
    }
    let contents = async |query: &str| {
        column(&wire.get(&format!("/events?anima_id={id}{query}")).await.json(), "content").concat()
    };
    assert_eq!(contents("").await, "cba");
    assert_eq!(contents("&session_id=s").await, "ab");
    assert_eq!(contents("&limit=1&offset=1").await, "b");
    assert_eq!(contents("&min_importance=0.15").await, "cb");
    assert_eq!(contents("&event_type=tool.call").await, "cba");
    assert_eq!(contents("&event_type=MESSAGE_IN").await, "", "an unknown type finds nothing");
    assert_eq!(wire.get(&format!("/events?anima_id={ABSENT}")).await.body, "[]");
}

#[tokio::test]
async fn deletes_an_event_repeatedly_and_restores_it() {
    let wire = Wire::self_hosted().await;
    let id = wire.anima("Ada").await;
    let path = format!("/events/{}", wire.message(&id, "hello").await);
    for _ in 0..2 {
        let deleted = wire.delete(&path).await;
        assert_eq!((deleted.status, deleted.body.as_str()), (204, ""));
    }
    assert_eq!(wire.get(&path).await.status, 404);
    assert_eq!(wire.get(&format!("{path}?include_deleted=true")).await.status, 200);
    assert_eq!(wire.patch(&path, json!({"is_deleted": false})).await.status, 200);
    assert_eq!(wire.get(&path).await.status, 200);
}

#[tokio::test]
async fn an_update_leaves_the_content_and_rejects_scores_with_400() {
    let wire = Wire::self_hosted().await;
    let id = wire.anima("Ada").await;
    let path = format!("/events/{}", wire.message(&id, "hello").await);
    let body = json!({"summary": "greets", "importance_score": 0.5, "content": "bye"});
    let updated = wire.patch(&path, body).await.json();
    assert_eq!((&updated["summary"], &updated["content"]), (&json!("greets"), &json!("hello")));
    assert_eq!(wire.patch(&path, json!({"importance_score": 1.5})).await.status, 400);
    let cleared = wire.patch(&path, json!({"summary": null})).await.json();
    assert_eq!((&cleared["summary"], &cleared["importance_score"]), (&json!(null), &json!(0.5)));
}

#[tokio::test]
async fn fails_on_u_0000_in_what_it_knows() {
    let wire = Wire::start().await;
    let id = wire.anima("Ada").await;
    assert_eq!(wire.post("/events", event(&id, &json!({"content": "a\0b"}))).await.body, "Internal Server Error");
    assert_eq!(wire.post("/events", event(&id, &json!({"meta": {"deep": ["\0"]}}))).await.status, 500);
    assert_eq!(wire.get(&format!("/events?anima_id={id}&session_id=%00")).await.status, 500);
    assert_eq!(wire.post("/events", event(&id, &json!({"content": "ab", "ignored": "\0"}))).await.status, 201);
    let tame = Wire::with(Settings::documented).await;
    let id = tame.anima("Ada").await;
    assert_eq!(tame.post("/events", event(&id, &json!({"content": "a\0b"}))).await.status, 201);
}

#[tokio::test]
async fn lists_the_memories_of_an_event_newest_link_first() {
    let wire = Wire::self_hosted().await;
    let tenant = wire.sandbox.default_tenant();
    let id = wire.anima("Ada").await;
    let event = wire.message(&id, "hello").await;
    let path = format!("/events/{event}/memories");
    assert_eq!(wire.get(&path).await.body, "[]");
    let [old, new] = [wire.memory(&id, "old").await, wire.memory(&id, "new").await];
    for memory in [&new, &old] {
        tenant.link_memory(memory, &event).unwrap();
    }
    assert_eq!(column(&wire.get(&path).await.json(), "id"), [old.clone(), new]);
    assert!(tenant.link_memory(&old, ABSENT).is_err());
    assert_eq!(wire.get(&format!("/events/{ABSENT}/memories")).await.body, "[]");
}
