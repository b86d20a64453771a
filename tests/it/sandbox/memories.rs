//! Memories, knowledge, identities and the query over all of them.

use polyagent::elephantasm::types::{MemoryCreate, MemorySearch, QueryRequest};
use polyagent::sandbox::elephantasm::{IdentitySeed, KnowledgeSeed, Quirk, Quirks};
use serde_json::{Value, json};

use super::{ABSENT, NAIVE, Wire, ZULU, form, text};

#[tokio::test]
async fn a_new_memory_repeats_its_times_and_has_no_embedding() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    let body = json!({"anima_id": anima, "summary": "Dana moved house.", "state": "active", "time_start": "2025-05-12T02:00:00+02:00"});
    let created = wire.post("/memories", body).await;
    assert_eq!(created.status, 201);
    let memory = created.json();
    assert_eq!(
        (&memory["time_start"], &memory["embedding_model"]),
        (&json!("2025-05-12T02:00:00+02:00"), &json!(null))
    );
    assert_eq!((form(&memory["created_at"]), &memory["meta"]), (ZULU.to_owned(), &json!({})));
    let read = wire.get(&format!("/memories/{}", text(&memory["id"]))).await.json();
    assert_eq!((&read["time_start"], form(&read["created_at"])), (&json!("2025-05-12T00:00:00"), NAIVE.to_owned()));
    assert_eq!(wire.post("/memories", json!({"anima_id": ABSENT})).await.status, 404);
    assert_eq!(
        wire.get(&format!("/memories/{ABSENT}")).await.body,
        format!(r#"{{"detail":"Memory {ABSENT} not found"}}"#)
    );
}

#[tokio::test]
async fn memories_are_listed_by_state_and_found_by_text() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    for (summary, state) in
        [("Likes Tea", json!("active")), ("Likes cake", json!("archived")), ("Tea again", json!(null))]
    {
        wire.post("/memories", json!({"anima_id": anima, "summary": summary, "state": state})).await;
    }
    let found = async |path: &str| -> Vec<String> {
        let list = wire.get(&format!("/memories{path}anima_id={anima}")).await.json();
        list.as_array().unwrap().iter().map(|memory| text(&memory["summary"])).collect()
    };
    assert_eq!(found("?").await, ["Tea again", "Likes cake", "Likes Tea"]);
    assert_eq!(found("?state=archived&").await, ["Likes cake"]);
    assert_eq!(found("/search?q=tEA&").await, ["Tea again", "Likes Tea"]);
    assert_eq!(wire.get(&format!("/memories?anima_id={anima}&state=lost")).await.status, 422);
}

#[tokio::test]
async fn semantic_search_scores_by_the_terms_in_common() {
    let wire = Wire::start().await;
    let client = wire.sandbox.elephantasm();
    let anima = wire.anima("Ada").await;
    for summary in ["Dana likes green tea.", "Dana likes coffee.", "A red car."] {
        client.memories().create(MemoryCreate::new(&anima).summary(summary).state("active")).await.unwrap();
    }
    let search = MemorySearch::new(&anima, "Who likes green tea?").threshold(0.25);
    assert_eq!(client.memories().search_semantic(search.clone()).await.unwrap().len(), 0, "no embedding, no match");
    assert_eq!(wire.sandbox.default_tenant().embed_memories(), 3);
    let found = client.memories().search_semantic(search).await.unwrap();
    let scores: Vec<(f64, &str)> =
        found.iter().map(|found| (found.score, found.memory.summary.as_deref().unwrap())).collect();
    assert_eq!(scores, [(0.75, "Dana likes green tea."), (0.25, "Dana likes coffee.")]);
    let strict = client.memories().search_semantic(MemorySearch::new(&anima, "Who likes green tea?")).await.unwrap();
    assert_eq!(strict.len(), 1, "the threshold is 0.7 by default");
}

#[tokio::test]
async fn without_the_quirk_a_memory_is_found_at_once() {
    let wire = Wire::with(Quirks::observed().without(Quirk::UnembeddedMemories)).await;
    let anima = wire.anima("Ada").await;
    wire.post("/memories", json!({"anima_id": anima, "summary": "Likes tea", "state": "active"})).await;
    let found = wire.post("/memories/search/semantic", json!({"anima_id": anima, "query": "tea"})).await.json();
    assert_eq!(found[0]["score"], json!(1.0));
    assert_eq!(found[0]["memory"]["embedding_model"], json!("text-embedding-3-small"));
}

#[tokio::test]
async fn a_search_looks_at_active_memories_and_null_means_any_state() {
    let wire = Wire::with(Quirks::observed().without(Quirk::UnembeddedMemories)).await;
    let anima = wire.anima("Ada").await;
    for state in [json!("active"), json!("archived"), json!(null)] {
        wire.post("/memories", json!({"anima_id": anima, "summary": "tea", "state": state})).await;
    }
    let count = async |more: Value| {
        let mut body = json!({"anima_id": anima, "query": "tea"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        wire.post("/memories/search/semantic", body).await.json().as_array().unwrap().len()
    };
    assert_eq!(count(json!({})).await, 1);
    assert_eq!(count(json!({"state": "archived"})).await, 1);
    assert_eq!(count(json!({"state": null})).await, 3);
    assert_eq!(count(json!({"state": null, "limit": 2})).await, 2);
}

#[tokio::test]
async fn a_search_fails_on_what_it_does_not_look_at() {
    let wire = Wire::start().await;
    for path in ["/memories/search/semantic", "/knowledge/search/semantic"] {
        for body in [json!({"query": " "}), json!({"query": ""}), json!({"query": "tea", "limit": -1})] {
            let mut body = body;
            body["anima_id"] = json!(ABSENT);
            assert_eq!(wire.post(path, &body).await.body, "Internal Server Error", "{path} {body}");
        }
        assert_eq!(wire.post(path, json!({"anima_id": ABSENT, "query": "tea"})).await.body, "[]");
    }
}

#[tokio::test]
async fn knowledge_is_listed_by_kind_and_found_by_meaning() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    let tenant = wire.sandbox.default_tenant();
    let fact = KnowledgeSeed::new("FACT", "Parcels take three days.").topic("shipping").confidence(0.9);
    let fact = tenant.add_knowledge(&anima, fact).unwrap();
    tenant.add_knowledge(&anima, KnowledgeSeed::new("METHOD", "Weigh parcels first.")).unwrap();
    let listed = wire.get(&format!("/knowledge/type/FACT?anima_id={anima}")).await.json();
    let mut item = listed[0].clone();
    assert_eq!(
        (form(&item["created_at"].take()), form(&item["updated_at"].take())),
        (NAIVE.to_owned(), NAIVE.to_owned())
    );
    assert_eq!(
        item,
        json!({
            "id": fact, "anima_id": anima, "knowledge_type": "FACT", "topic": "shipping", "content": "Parcels take three days.",
            "summary": null, "confidence": 0.9, "source_type": "INTERNAL", "is_deleted": false,
            "embedding_model": "text-embedding-3-small", "created_at": null, "updated_at": null
        })
    );
    let search = json!({"anima_id": anima, "query": "parcels"});
    let found = wire.post("/knowledge/search/semantic", &search).await.json();
    assert_eq!(found.as_array().unwrap().len(), 2);
    let facts = json!({"anima_id": anima, "query": "parcels", "knowledge_type": "FACT"});
    assert_eq!(wire.post("/knowledge/search/semantic", &facts).await.json()[0]["knowledge"]["id"], json!(fact));
    assert!(tenant.add_knowledge(ABSENT, KnowledgeSeed::new("FACT", "x")).is_err());
}

#[tokio::test]
async fn an_identity_is_absent_until_it_is_given() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    let path = format!("/identities/anima/{anima}");
    let absent = wire.get(&path).await;
    assert_eq!((absent.status, absent.body), (404, format!(r#"{{"detail":"Identity not found for Anima {anima}"}}"#)));
    let seed = IdentitySeed::new().personality_type("INTJ").reflection("arc", json!({"current": "growing"}));
    wire.sandbox.default_tenant().set_identity(&anima, seed).unwrap();
    let identity = wire.get(&path).await.json();
    assert_eq!((&identity["self"], &identity["is_deleted"]), (&json!({"arc": {"current": "growing"}}), &json!(false)));
}

#[tokio::test]
async fn a_query_asks_everything_at_once() {
    let wire = Wire::with(Quirks::observed().without(Quirk::UnembeddedMemories)).await;
    let client = wire.sandbox.elephantasm();
    let anima = wire.anima("Ada").await;
    let tenant = wire.sandbox.default_tenant();
    tenant.set_identity(&anima, IdentitySeed::new().personality_type("INTJ")).unwrap();
    let fact = tenant
        .add_knowledge(&anima, KnowledgeSeed::new("FACT", "Tea is hot.").topic("drinks").confidence(0.9))
        .unwrap();
    let memory = MemoryCreate::new(&anima).summary("Drank hot tea.").state("active").importance(0.8);
    let start: polyagent::Timestamp = "2026-02-04T12:00:00Z".parse().unwrap();
    let memory = client.memories().create(memory.time_start(start)).await.unwrap();

    let answer = client.query(QueryRequest::new(&anima, "hot tea")).await.unwrap();
    let ids: Vec<&str> = answer.results.iter().map(|result| result.id.as_str()).collect();
    assert_eq!(ids, [memory.id.as_str(), fact.as_str()]);
    assert_eq!(
        answer.context,
        "## Identity\nPersonality: INTJ\n\n## Knowledge\n- [FACT] drinks: Tea is hot. (confidence: 0.9)\n\n\
         ## Memories\n- [2026-02-04] Drank hot tea. (importance: 0.8)"
    );
    assert_eq!(answer.token_estimate, 25 / 4 + 150);
    let less = client.query(QueryRequest::new(&anima, "hot tea").exclude_ids([memory.id.as_str()])).await.unwrap();
    assert_eq!(less.results.len(), 1);
    let nobody = client.query(QueryRequest::new(ABSENT, "hot tea")).await.unwrap();
    assert_eq!((nobody.results.len(), nobody.context.as_str(), nobody.token_estimate), (0, "", 0));
}

#[tokio::test]
async fn a_self_hosted_server_lacks_two_routes() {
    let wire = Wire::with(Quirks::self_hosted()).await;
    let query = wire.post("/query", json!({"anima_id": ABSENT, "query": "tea"})).await;
    assert_eq!((query.status, query.body.as_str()), (404, r#"{"detail":"Not Found"}"#));
    assert_eq!(wire.get("/subscriptions/usage").await.body, r#"{"detail":"Not Found"}"#);
}
