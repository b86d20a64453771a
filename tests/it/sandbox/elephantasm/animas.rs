//! Animas on the wire.

use std::time::Duration;

use polyagent::sandbox::elephantasm::{IdentitySeed, KnowledgeSeed, Quirk};
use serde_json::json;

use crate::sandbox::{ABSENT, NAIVE, Wire, column, format_of, text};

#[tokio::test]
async fn returns_an_anima_as_its_component() {
    let wire = Wire::start().await;
    let created = wire.post("/animas", json!({"name": "Ada", "description": "who", "unknown": 1})).await;
    let anima = created.json();
    assert_eq!(created.status, 201);
    let keys: Vec<&str> = created.body.split('"').filter(|part| anima.get(part).is_some()).collect();
    let documented =
        ["id", "name", "description", "meta", "user_id", "organization_id", "is_dormant", "last_activity_at"];
    assert_eq!(keys, [&documented[..], &["created_at", "updated_at"]].concat());
    assert_eq!((&anima["meta"], &anima["last_activity_at"]), (&json!({}), &json!(null)));
    assert_eq!(format_of(&anima["created_at"]), NAIVE);
    assert_eq!(wire.get(&format!("/animas/{}", text(&anima["id"]))).await.json(), anima);

    let documented = Wire::with(|it| it.without(Quirk::NaiveTimestamps)).await;
    let anima = documented.post("/animas", json!({"name": "Ada"})).await.json();
    assert_eq!(format_of(&anima["created_at"]), format!("{NAIVE}Z"));
}

#[tokio::test]
async fn finds_an_anima_by_every_form_of_its_uuid() {
    let wire = Wire::start().await;
    let id = wire.anima("Ada").await;
    for form in [id.to_uppercase(), id.replace('-', "")] {
        assert_eq!(wire.get(&format!("/animas/{form}")).await.json()["id"], json!(id));
    }
    let absent = wire.get(&format!("/animas/{ABSENT}")).await;
    assert_eq!((absent.status, absent.body), (404, format!(r#"{{"detail":"Anima {ABSENT} not found"}}"#)));
}

#[tokio::test]
async fn lists_animas_newest_first_in_pages() {
    let wire = Wire::start().await;
    for name in ["a", "b", "c"] {
        wire.anima(name).await;
    }
    let names = async |query: &str| column(&wire.get(&format!("/animas{query}")).await.json(), "name");
    assert_eq!(names("").await, ["c", "b", "a"]);
    assert_eq!(names("?limit=2").await, ["c", "b"]);
    assert_eq!(names("?limit=2&offset=2").await, ["a"]);
    assert_eq!(names("?offset=3").await, [""; 0]);
}

#[tokio::test]
async fn finds_animas_by_a_part_of_their_name() {
    let wire = Wire::start().await;
    for name in ["support-b", "Support-a", "sales"] {
        wire.anima(name).await;
    }
    assert_eq!(column(&wire.get("/animas/search?name=SUPPORT").await.json(), "name"), ["Support-a", "support-b"]);
    assert_eq!(wire.get("/animas/search?name=").await.status, 422);
}

#[tokio::test]
async fn updates_what_is_named_and_null_clears() {
    let wire = Wire::start().await;
    let created = wire.post("/animas", json!({"name": "Ada", "description": "who", "meta": {"a": 1}})).await.json();
    let path = format!("/animas/{}", text(&created["id"]));
    let updated = wire.patch(&path, json!({"meta": {"b": 3}, "description": null})).await.json();
    assert_eq!(
        (&updated["name"], &updated["description"], &updated["meta"]),
        (&json!("Ada"), &json!(null), &json!({"b": 3}))
    );
    assert_eq!(wire.get(&path).await.json(), updated);
    assert_eq!(wire.patch(&format!("/animas/{ABSENT}"), "{}").await.status, 404);
    assert_eq!(wire.patch(&path, json!({"is_deleted": true})).await.status, 200);
    assert_eq!(wire.get(&path).await.status, 404);
}

#[tokio::test]
async fn fails_on_values_that_the_server_does_not_check() {
    let wire = Wire::start().await;
    let tame = Wire::with(|it| it.without(Quirk::UncheckedValuesFail)).await;
    let [path, tame_path] = [&wire, &tame].map(|wire| async { format!("/animas/{}", wire.anima("Ada").await) });
    let (path, tame_path) = (path.await, tame_path.await);
    let long = json!({"name": "n".repeat(256)});
    let failed = wire.patch(&path, &long).await;
    assert_eq!((failed.status, failed.body.as_str()), (500, "Internal Server Error"));
    assert_eq!(failed.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(tame.patch(&tame_path, &long).await.status, 422);
    let foreign = json!({"name": "a", "organization_id": ABSENT});
    assert_eq!(wire.post("/animas", &foreign).await.status, 500);
    assert_eq!(tame.post("/animas", &foreign).await.status, 422);
    let own = text(&wire.get(&path).await.json()["organization_id"]);
    assert_eq!(wire.post("/animas", json!({"name": "a", "organization_id": own})).await.status, 201);
}

#[tokio::test]
async fn deletes_an_anima_with_all_it_has_and_restores_what_was_marked() {
    let wire = Wire::self_hosted().await;
    let tenant = wire.sandbox.default_tenant();
    let id = wire.anima("Ada").await;
    let event = wire.message(&id, "I like tea.").await;
    wire.message(&id, "And cake.").await;
    tenant.link_memory(&wire.memory(&id, "likes tea").await, &event).unwrap();
    tenant.add_knowledge(&id, KnowledgeSeed::new("FACT", "Tea is hot.")).unwrap();
    tenant.set_identity(&id, IdentitySeed::new().personality_type("INTJ")).unwrap();
    wire.get(&format!("/animas/{id}/memory-packs/latest")).await;
    wire.post("/dreams/trigger?kwargs=1", json!({"anima_id": id})).await;

    let path = format!("/animas/{id}");
    let stats = async || wire.get(&format!("{path}/stats")).await.body;
    let counts = r#"{"events":2,"memories":1,"knowledge":1,"identities":1,"dream_sessions":1,"memory_packs":1}"#;
    assert_eq!(stats().await, counts);
    let deletion = wire.delete(&path).await;
    assert_eq!(
        (deletion.status, deletion.body.as_str()),
        (
            200,
            r#"{"memory_events":1,"dream_sessions":1,"memory_packs":1,"io_configs":0,"synthesis_configs":0,"identities":1,"knowledge":1,"memories":1,"events":2}"#
        )
    );
    assert_eq!(wire.get(&path).await.status, 404);
    assert_eq!(wire.get("/animas").await.body, "[]");
    assert_eq!(wire.get(&format!("/events?anima_id={id}")).await.body, "[]");
    assert!(stats().await.starts_with(r#"{"events":0,"#), "a deleted anima still has statistics");
    let marked = wire.get(&format!("{path}?include_deleted=true")).await;
    assert_eq!((marked.status, marked.json().get("is_deleted")), (200, None));
    let again = wire.delete(&path).await.json();
    assert!(again.as_object().unwrap().values().all(|count| count == 0), "{again}");

    let restoration = wire.post(&format!("{path}/restore"), "").await;
    assert_eq!(restoration.body, r#"{"events":2,"memories":1,"knowledge":1,"identities":1}"#);
    assert_eq!(wire.get(&path).await.status, 200);
    assert_eq!(wire.get(&format!("{path}/memory-packs")).await.body, "[]");
}

#[tokio::test]
async fn summarizes_animas_by_their_last_activity() {
    let wire = Wire::start().await;
    let [ada, ben] = [wire.anima("Ada").await, wire.anima("Ben").await];
    wire.message(&ada, "hello").await;
    let list = wire.get("/animas/summary").await.json();
    assert_eq!(column(&list, "id"), [ada, ben]);
    let counts = ["event_count", "memory_count", "knowledge_count"].map(|count| &list[0][count]);
    assert_eq!(counts, [&json!(1), &json!(0), &json!(0)]);
    assert_eq!((format_of(&list[0]["last_event_at"]), &list[1]["last_event_at"]), (NAIVE.to_owned(), &json!(null)));
    let with = async |value: &str| {
        let request = wire.request(polyagent::Method::GET, "/animas/summary").header("x-organization-id", value);
        wire.send(request).await
    };
    assert_eq!(with(&text(&list[0]["organization_id"])).await.json(), list);
    assert_eq!(with(ABSENT).await.body, "[]");
    assert_eq!(with("mine").await.body, "Internal Server Error");
}

#[tokio::test]
async fn an_anima_without_activity_becomes_dormant() {
    let wire = Wire::start().await;
    let id = wire.anima("Ada").await;
    let dormant = async || wire.get(&format!("/animas/{id}")).await.json()["is_dormant"].clone();
    assert_eq!(dormant().await, json!(false));
    wire.sandbox.advance(Duration::from_secs(31 * 86_400));
    assert_eq!(dormant().await, json!(true));
    wire.message(&id, "wake up").await;
    assert_eq!(dormant().await, json!(false));
}
