//! Animas on the wire.

use std::time::Duration;

use polyagent::sandbox::elephantasm::{IdentitySeed, KnowledgeSeed, Quirk, Quirks};
use serde_json::json;

use super::{ABSENT, NAIVE, Wire, ZULU, form, text};

#[tokio::test]
async fn a_new_anima_has_z_and_what_is_read_back_has_no_offset() {
    let wire = Wire::start().await;
    let created = wire.post("/animas", json!({"name": "Ada", "description": "who", "unknown": 1})).await;
    let anima = created.json();
    assert_eq!(created.status, 201);
    let id = text(&anima["id"]);
    let keys: Vec<&str> = created.body.split('"').filter(|part| anima.get(part).is_some()).collect();
    assert_eq!(
        keys,
        [
            "id",
            "name",
            "description",
            "meta",
            "user_id",
            "organization_id",
            "is_dormant",
            "last_activity_at",
            "created_at",
            "updated_at"
        ]
    );
    assert_eq!(
        (&anima["meta"], &anima["is_dormant"], &anima["last_activity_at"]),
        (&json!({}), &json!(false), &json!(null))
    );
    assert_eq!((form(&anima["created_at"]), form(&anima["updated_at"])), (ZULU.to_owned(), ZULU.to_owned()));

    let read = wire.get(&format!("/animas/{id}")).await.json();
    assert_eq!((form(&read["created_at"]), form(&read["updated_at"])), (NAIVE.to_owned(), NAIVE.to_owned()));
    assert_eq!(format!("{}Z", text(&read["created_at"])), text(&anima["created_at"]));
}

#[tokio::test]
async fn without_the_quirks_an_anima_is_as_documented() {
    let wire = Wire::with(Quirks::documented()).await;
    let id = wire.anima("Ada").await;
    let anima = wire.get(&format!("/animas/{id}")).await.json();
    assert_eq!((&anima["is_deleted"], &anima["meta"]), (&json!(false), &json!(null)));
    assert_eq!(form(&anima["created_at"]), ZULU);
    wire.delete(&format!("/animas/{id}")).await;
    assert_eq!(wire.get(&format!("/animas/{id}?include_deleted=true")).await.json()["is_deleted"], json!(true));
}

#[tokio::test]
async fn ids_are_taken_in_every_form_of_a_uuid() {
    let wire = Wire::start().await;
    let id = wire.anima("Ada").await;
    for form in [id.to_uppercase(), id.replace('-', "")] {
        assert_eq!(wire.get(&format!("/animas/{form}")).await.json()["id"], json!(id));
    }
    let absent = wire.get(&format!("/animas/{ABSENT}")).await;
    assert_eq!((absent.status, absent.body), (404, format!(r#"{{"detail":"Anima {ABSENT} not found"}}"#)));
}

#[tokio::test]
async fn animas_are_listed_newest_first_in_pages() {
    let wire = Wire::start().await;
    for name in ["a", "b", "c"] {
        wire.anima(name).await;
    }
    let names = async |query: &str| -> Vec<String> {
        let list = wire.get(&format!("/animas{query}")).await.json();
        list.as_array().unwrap().iter().map(|anima| text(&anima["name"])).collect()
    };
    assert_eq!(names("").await, ["c", "b", "a"]);
    assert_eq!(names("?limit=2").await, ["c", "b"]);
    assert_eq!(names("?limit=2&offset=2").await, ["a"]);
    assert_eq!(names("?offset=3").await, [""; 0]);
}

#[tokio::test]
async fn animas_are_found_by_a_part_of_their_name() {
    let wire = Wire::start().await;
    for name in ["support-b", "Support-a", "sales"] {
        wire.anima(name).await;
    }
    let found = wire.get("/animas/search?name=SUPPORT").await.json();
    let names: Vec<String> = found.as_array().unwrap().iter().map(|anima| text(&anima["name"])).collect();
    assert_eq!(names, ["Support-a", "support-b"]);
    assert_eq!(wire.get("/animas/search?name=").await.status, 422);
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_null_clears() {
    let wire = Wire::start().await;
    let created =
        wire.post("/animas", json!({"name": "Ada", "description": "who", "meta": {"a": 1, "b": 2}})).await.json();
    let path = format!("/animas/{}", text(&created["id"]));
    let updated = wire.patch(&path, json!({"meta": {"a": 3}, "description": null})).await.json();
    assert_eq!(
        (&updated["name"], &updated["description"], &updated["meta"]),
        (&json!("Ada"), &json!(null), &json!({"a": 3}))
    );
    assert_eq!((form(&updated["created_at"]), form(&updated["updated_at"])), (NAIVE.to_owned(), ZULU.to_owned()));
    assert_eq!(wire.patch(&format!("/animas/{ABSENT}"), "{}").await.status, 404);
}

#[tokio::test]
async fn what_an_update_does_not_look_at_makes_the_server_fail() {
    let wire = Wire::start().await;
    let path = format!("/animas/{}", wire.anima("Ada").await);
    for body in [json!({"name": null}), json!({"name": "n".repeat(256)})] {
        let answer = wire.patch(&path, &body).await;
        assert_eq!((answer.status, answer.body.as_str()), (500, "Internal Server Error"));
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    }
    assert_eq!(wire.patch(&path, json!({"name": "n".repeat(255)})).await.status, 200);
    let tame = Wire::with(Quirks::observed().without(Quirk::UncheckedValuesFail)).await;
    let path = format!("/animas/{}", tame.anima("Ada").await);
    assert_eq!(tame.patch(&path, json!({"name": null})).await.status, 422);
}

#[tokio::test]
async fn a_foreign_organisation_makes_the_server_fail() {
    let wire = Wire::start().await;
    let anima = wire.post("/animas", json!({"name": "a", "organization_id": ABSENT})).await;
    assert_eq!((anima.status, anima.body.as_str()), (500, "Internal Server Error"));
    let own = text(&wire.post("/animas", json!({"name": "a"})).await.json()["organization_id"]);
    assert_eq!(wire.post("/animas", json!({"name": "a", "organization_id": own})).await.status, 201);
}

#[tokio::test]
async fn a_deletion_takes_everything_along_and_a_restoration_brings_back_what_was_marked() {
    let wire = Wire::start().await;
    let tenant = wire.sandbox.default_tenant();
    let id = wire.anima("Ada").await;
    let event = wire.message(&id, "I like tea.").await;
    wire.message(&id, "And cake.").await;
    let memory = text(&wire.post("/memories", json!({"anima_id": id, "summary": "likes tea"})).await.json()["id"]);
    tenant.link_memory(&memory, &event).unwrap();
    tenant.add_knowledge(&id, KnowledgeSeed::new("FACT", "Tea is hot.")).unwrap();
    tenant.set_identity(&id, IdentitySeed::new().personality_type("INTJ")).unwrap();
    wire.get(&format!("/animas/{id}/memory-packs/latest")).await;
    wire.post("/dreams/trigger?kwargs=1", json!({"anima_id": id})).await;

    let stats = wire.get(&format!("/animas/{id}/stats")).await;
    assert_eq!(
        stats.body,
        r#"{"events":2,"memories":1,"knowledge":1,"identities":1,"dream_sessions":1,"memory_packs":1}"#
    );
    let path = format!("/animas/{id}");
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
    let marked = wire.get(&format!("{path}?include_deleted=true")).await;
    assert_eq!((marked.status, marked.json().get("is_deleted")), (200, None));
    let again = wire.delete(&path).await.json();
    assert!(again.as_object().unwrap().values().all(|count| count == 0), "{again}");

    let restoration = wire.post(&format!("{path}/restore"), "").await;
    assert_eq!(restoration.body, r#"{"events":2,"memories":1,"knowledge":1,"identities":1}"#);
    assert_eq!(wire.get(&path).await.status, 200);
    assert_eq!(wire.get(&format!("{path}/memory-packs")).await.body, "[]");
    let again = wire.post(&format!("{path}/restore"), "").await;
    assert_eq!(again.body, r#"{"events":0,"memories":0,"knowledge":0,"identities":0}"#);
}

#[tokio::test]
async fn a_summary_counts_what_belongs_to_an_anima() {
    let wire = Wire::start().await;
    let [ada, ben] = [wire.anima("Ada").await, wire.anima("Ben").await];
    wire.message(&ada, "hello").await;
    let list = wire.get("/animas/summary").await.json();
    let [first, second] = &list.as_array().unwrap()[..] else { panic!("{list}") };
    assert_eq!((text(&first["id"]), text(&second["id"])), (ben, ada));
    assert_eq!(
        (&second["event_count"], &second["memory_count"], &second["knowledge_count"]),
        (&json!(1), &json!(0), &json!(0))
    );
    assert_eq!((form(&second["last_event_at"]), &first["last_event_at"]), (NAIVE.to_owned(), &json!(null)));
    let organization = text(&first["organization_id"]);
    let with = async |value: &str| {
        let request = wire.request(polyagent::Method::GET, "/animas/summary").header("x-organization-id", value);
        wire.send(request).await
    };
    assert_eq!(with(&organization).await.json(), list);
    assert_eq!(with(ABSENT).await.body, "[]");
    assert_eq!(with("mine").await.body, "Internal Server Error");
}

#[tokio::test]
async fn an_anima_that_nothing_happens_to_falls_dormant() {
    let wire = Wire::start().await;
    let id = wire.anima("Ada").await;
    let dormant = async || wire.get(&format!("/animas/{id}")).await.json()["is_dormant"].clone();
    assert_eq!(dormant().await, json!(false));
    wire.sandbox.advance(Duration::from_secs(31 * 86_400));
    assert_eq!(dormant().await, json!(true));
    wire.message(&id, "wake up").await;
    assert_eq!(dormant().await, json!(false));
}
