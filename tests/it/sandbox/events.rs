//! Events on the wire.

use polyagent::sandbox::elephantasm::{Quirk, Quirks};
use serde_json::{Value, json};

use super::{ABSENT, NAIVE, Wire, ZULU, form, text};

const DUPLICATE: &str = r#"{"detail":"Duplicate event (dedupe_key conflict)"}"#;

fn event(anima_id: &str, more: &Value) -> Value {
    let mut body = json!({"anima_id": anima_id, "event_type": "tool.call", "content": "call"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn a_new_event_repeats_the_time_in_the_form_it_was_sent() {
    let wire = Wire::start().await;
    let id = wire.anima("Ada").await;
    for (sent, repeated, read) in [
        (json!("2026-02-04T14:00:00+02:00"), "2026-02-04T14:00:00+02:00", "2026-02-04T12:00:00"),
        (json!("2026-02-04T12:00:00Z"), "2026-02-04T12:00:00Z", "2026-02-04T12:00:00"),
        (json!("2026-02-04T12:00:00"), "2026-02-04T12:00:00", "2026-02-04T12:00:00"),
        (json!("2026-02-04"), "2026-02-04T00:00:00", "2026-02-04T00:00:00"),
        (json!(1_770_206_400), "2026-02-04T12:00:00Z", "2026-02-04T12:00:00"),
        (json!("0001-01-01T00:00:00Z"), "0001-01-01T00:00:00Z", "0001-01-01T00:00:00"),
        (json!("9999-12-31T23:59:59.999999Z"), "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999"),
    ] {
        let created = wire.post("/events", event(&id, &json!({"occurred_at": sent}))).await;
        let created = created.json();
        assert_eq!(created["occurred_at"], json!(repeated), "{sent}");
        assert_eq!((form(&created["created_at"]), form(&created["updated_at"])), (ZULU.to_owned(), ZULU.to_owned()));
        let stored = wire.get(&format!("/events/{}", text(&created["id"]))).await.json();
        assert_eq!((&stored["occurred_at"], form(&stored["created_at"])), (&json!(read), NAIVE.to_owned()));
    }
    let now = wire.post("/events", event(&id, &json!({}))).await.json();
    assert_eq!(form(&now["occurred_at"]), ZULU);
}

#[tokio::test]
async fn an_event_is_answered_whole() {
    let wire = Wire::start().await;
    let id = wire.anima("Ada").await;
    let bare = wire.post("/events", event(&id, &json!({}))).await;
    assert_eq!(bare.status, 201);
    let bare = bare.json();
    let keys: Vec<&str> = bare.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = [
        "id",
        "anima_id",
        "event_type",
        "content",
        "role",
        "author",
        "summary",
        "occurred_at",
        "session_id",
        "meta",
        "source_uri",
        "dedupe_key",
        "importance_score",
        "created_at",
        "updated_at",
    ];
    expected.sort_unstable();
    let mut keys = keys;
    keys.sort_unstable();
    assert_eq!(keys, expected);
    assert_eq!((&bare["meta"], &bare["role"], &bare["dedupe_key"]), (&json!({}), &json!(null), &json!(null)));
    let whole =
        wire.post("/events", event(&id, &json!({"importance_score": 1, "role": "anything", "session_id": "s"}))).await;
    assert!(whole.body.contains(r#""importance_score":1.0"#), "an integer comes back as a float: {}", whole.body);
}

#[tokio::test]
async fn an_event_needs_an_anima_that_is_there() {
    let wire = Wire::start().await;
    let absent = wire.post("/events", event(ABSENT, &json!({}))).await;
    assert_eq!((absent.status, absent.body), (404, format!(r#"{{"detail":"Anima {ABSENT} not found"}}"#)));
    let id = wire.anima("Ada").await;
    assert_eq!(wire.post("/events", event(&id, &json!({}))).await.status, 201);
    wire.delete(&format!("/animas/{id}")).await;
    assert_eq!(wire.post("/events", event(&id, &json!({}))).await.status, 404);
}

#[tokio::test]
async fn a_dedupe_key_is_derived_from_a_source_only() {
    let wire = Wire::start().await;
    let id = wire.anima("Ada").await;
    let sourced = json!({"source_uri": "slack://x/1", "occurred_at": "2026-02-04T12:00:00Z"});
    let key = async |more: &Value| wire.post("/events", event(&id, more)).await.json()["dedupe_key"].clone();
    let derived = key(&sourced).await;
    assert_eq!(text(&derived).len(), 32);
    assert_eq!(key(&sourced).await, derived, "and is the same again");
    assert_ne!(key(&json!({"source_uri": "slack://x/2", "occurred_at": "2026-02-04T12:00:00Z"})).await, derived);
    assert_eq!(key(&json!({"source_uri": ""})).await, json!(null));
    assert_eq!(key(&json!({"dedupe_key": ""})).await, json!(null));
    assert_eq!(key(&json!({"source_uri": "slack://x/1", "dedupe_key": "mine"})).await, json!("mine"));

    let documented = Wire::with(Quirks::observed().without(Quirk::KeyNeedsSource)).await;
    let id = documented.anima("Ada").await;
    let created = documented.post("/events", event(&id, &json!({}))).await.json();
    assert_eq!(text(&created["dedupe_key"]).len(), 32);
}

#[tokio::test]
async fn a_second_event_with_a_key_is_a_conflict_only_if_the_index_is_there() {
    let observed = Wire::start().await;
    let id = observed.anima("Ada").await;
    for _ in 0..2 {
        assert_eq!(observed.post("/events", event(&id, &json!({"dedupe_key": "k"}))).await.status, 201);
    }
    let unique = Wire::with(Quirks::observed().without(Quirk::DuplicateKeys)).await;
    let id = unique.anima("Ada").await;
    assert_eq!(unique.post("/events", event(&id, &json!({"dedupe_key": "k"}))).await.status, 201);
    let second = unique.post("/events", event(&id, &json!({"dedupe_key": "k"}))).await;
    assert_eq!((second.status, second.body.as_str()), (409, DUPLICATE));
    for _ in 0..2 {
        assert_eq!(unique.post("/events", event(&id, &json!({}))).await.status, 201, "no key is no duplicate");
    }
}

#[tokio::test]
async fn events_are_listed_newest_first_and_a_session_oldest_first() {
    let wire = Wire::start().await;
    let id = wire.anima("Ada").await;
    for (content, day, session) in [("b", 2, "s"), ("a", 1, "s"), ("c", 3, "t")] {
        let more = json!({"content": content, "occurred_at": format!("2026-02-0{day}"), "session_id": session, "importance_score": 0.1 * f64::from(day)});
        wire.post("/events", event(&id, &more)).await;
    }
    let contents = async |query: &str| -> String {
        let list = wire.get(&format!("/events?anima_id={id}{query}")).await.json();
        list.as_array().unwrap().iter().map(|event| text(&event["content"])).collect()
    };
    assert_eq!(contents("").await, "cba");
    assert_eq!(contents("&session_id=s").await, "ab");
    assert_eq!(contents("&limit=1&offset=1").await, "b");
    assert_eq!(contents("&min_importance=0.15").await, "cb");
    assert_eq!(contents("&event_type=tool.call").await, "cba");
    assert_eq!(contents("&event_type=MESSAGE_IN").await, "", "an unknown type is no error here");
    assert_eq!(wire.get(&format!("/events?anima_id={ABSENT}")).await.body, "[]");
}

#[tokio::test]
async fn an_event_can_be_deleted_and_brought_back() {
    let wire = Wire::start().await;
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
async fn an_update_of_an_event_has_rules_of_its_own() {
    let wire = Wire::start().await;
    let id = wire.anima("Ada").await;
    let path = format!("/events/{}", wire.message(&id, "hello").await);
    let updated =
        wire.patch(&path, json!({"summary": "greets", "importance_score": 0.5, "content": "bye"})).await.json();
    assert_eq!(
        (&updated["summary"], &updated["content"]),
        (&json!("greets"), &json!("hello")),
        "content can't be changed"
    );
    assert_eq!((form(&updated["created_at"]), form(&updated["updated_at"])), (NAIVE.to_owned(), ZULU.to_owned()));
    assert_eq!(wire.patch(&path, json!({"importance_score": 1.5})).await.status, 400);
    assert_eq!(wire.patch(&path, json!({"meta": null})).await.body, "Internal Server Error");
    let cleared = wire.patch(&path, json!({"summary": null})).await.json();
    assert_eq!((&cleared["summary"], &cleared["importance_score"]), (&json!(null), &json!(0.5)));
}

#[tokio::test]
async fn a_zero_character_makes_the_server_fail() {
    let wire = Wire::start().await;
    let id = wire.anima("Ada").await;
    assert_eq!(wire.post("/events", event(&id, &json!({"content": "a\0b"}))).await.body, "Internal Server Error");
    assert_eq!(wire.post("/events", event(&id, &json!({"meta": {"deep": ["\0"]}}))).await.status, 500);
    assert_eq!(wire.get(&format!("/events?anima_id={id}&session_id=%00")).await.status, 500);
    assert_eq!(wire.post("/events", event(&id, &json!({"content": "ab", "ignored": "\0"}))).await.status, 201);
    assert_eq!(wire.get(&format!("/events?anima_id={id}&ignored=%00")).await.status, 200);
}

#[tokio::test]
async fn the_memories_of_an_event_are_those_it_went_into() {
    let wire = Wire::start().await;
    let id = wire.anima("Ada").await;
    let event = wire.message(&id, "hello").await;
    let path = format!("/events/{event}/memories");
    let memory = text(&wire.post("/memories", json!({"anima_id": id, "summary": "greets"})).await.json()["id"]);
    assert_eq!(wire.get(&path).await.body, "[]");
    wire.sandbox.default_tenant().link_memory(&memory, &event).unwrap();
    assert_eq!(wire.get(&path).await.json()[0]["id"], json!(memory));
    assert!(wire.sandbox.default_tenant().link_memory(&memory, ABSENT).is_err());
    assert_eq!(wire.get(&format!("/events/{ABSENT}/memories")).await.status, 404);
}
