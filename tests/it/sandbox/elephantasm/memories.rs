//! Memories, knowledge, identities and the query over all of them.

use polyagent::elephantasm::types::{MemoryCreate, MemorySearch, QueryRequest};
use polyagent::sandbox::elephantasm::{IdentitySeed, KnowledgeSeed, Settings};
use serde_json::{Value, json};

use crate::sandbox::{ABSENT, Wire, column, text};

#[tokio::test]
async fn a_new_memory_has_no_embedding() {
    let wire = Wire::self_hosted().await;
    let anima = wire.anima("Ada").await;
    let body = json!({"anima_id": anima, "summary": "Dana moved house.", "state": "active", "time_start": "2025-05-12T02:00:00+02:00"});
    let created = wire.post("/memories", body).await;
    assert_eq!(created.status, 201);
    let memory = created.json();
    assert_eq!(
        (&memory["time_start"], &memory["embedding_model"], &memory["meta"]),
        (&json!("2025-05-12T00:00:00"), &json!(null), &json!({}))
    );
    assert_eq!(wire.get(&format!("/memories/{}", text(&memory["id"]))).await.json(), memory);
    assert_eq!(wire.post("/memories", json!({"anima_id": ABSENT})).await.status, 404);
    let absent = wire.get(&format!("/memories/{ABSENT}")).await;
    assert_eq!(absent.body, format!(r#"{{"detail":"Memory {ABSENT} not found"}}"#));
}

#[tokio::test]
async fn lists_memories_by_end_and_finds_them_by_text_and_importance() {
    let wire = Wire::self_hosted().await;
    let anima = wire.anima("Ada").await;
    for (summary, state, end, importance) in [
        ("Likes Tea", "active", json!("2026-01-02"), 0.9),
        ("Likes cake", "archived", json!(null), 0.1),
        ("Tea again", "active", json!("2026-01-03"), 0.2),
    ] {
        let body =
            json!({"anima_id": anima, "summary": summary, "state": state, "time_end": end, "importance": importance});
        wire.post("/memories", body).await;
    }
    let found =
        async |path: &str| column(&wire.get(&format!("/memories{path}anima_id={anima}")).await.json(), "summary");
    assert_eq!(found("?").await, ["Likes cake", "Tea again", "Likes Tea"]);
    assert_eq!(found("?state=archived&").await, ["Likes cake"]);
    assert_eq!(found("/search?q=tEA&").await, ["Likes Tea", "Tea again"]);
    assert_eq!(wire.get(&format!("/memories?anima_id={anima}&state=lost")).await.status, 422);
}

#[tokio::test]
async fn a_semantic_search_scores_by_the_words_in_common() {
    let wire = Wire::self_hosted().await;
    let client = wire.sandbox.elephantasm();
    let anima = wire.anima("Ada").await;
    for summary in ["Dana likes green tea.", "Dana likes coffee.", "A red car."] {
        client.memories().create(MemoryCreate::new(&anima).summary(summary).state("active")).await.unwrap();
    }
    let search = MemorySearch::new(&anima, "Who likes green tea?");
    assert_eq!(client.memories().search_semantic(search.clone()).await.unwrap().len(), 0, "no embedding, no match");
    assert_eq!(wire.sandbox.default_tenant().embed_memories(), 3);
    let found = client.memories().search_semantic(search.clone()).await.unwrap();
    let scores: Vec<(f64, &str)> =
        found.iter().map(|found| (found.score, found.memory.summary.as_deref().unwrap())).collect();
    assert_eq!(scores, [(0.925, "Dana likes green tea."), (0.775, "Dana likes coffee.")]);
    let equal = client.memories().search_semantic(search.threshold(0.775)).await.unwrap();
    assert_eq!(equal.len(), 1, "a score equal to the threshold is excluded");
}

#[tokio::test]
async fn a_search_finds_active_memories_or_any_with_null() {
    let wire = Wire::self_hosted().await;
    let anima = wire.anima("Ada").await;
    for state in [json!("active"), json!("archived"), json!(null)] {
        wire.post("/memories", json!({"anima_id": anima, "summary": "tea", "state": state})).await;
    }
    wire.sandbox.default_tenant().embed_memories();
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
async fn a_search_fails_on_what_it_does_not_check() {
    let wire = Wire::start().await;
    for path in ["/memories/search/semantic", "/knowledge/search/semantic"] {
        for mut body in [json!({"query": " "}), json!({"query": ""}), json!({"query": "tea", "limit": -1})] {
            body["anima_id"] = json!(ABSENT);
            assert_eq!(wire.post(path, &body).await.body, "Internal Server Error", "{path} {body}");
        }
        assert_eq!(wire.post(path, json!({"anima_id": ABSENT, "query": "tea"})).await.body, "[]");
    }
}

#[tokio::test]
async fn lists_knowledge_by_type_and_finds_it_by_words() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    let tenant = wire.sandbox.default_tenant();
    let fact = KnowledgeSeed::new("FACT", "Parcels take three days.").topic("shipping").confidence(0.9);
    let fact = tenant.add_knowledge(&anima, fact).unwrap();
    tenant.add_knowledge(&anima, KnowledgeSeed::new("METHOD", "Weigh parcels first.")).unwrap();
    let mut listed = wire.get(&format!("/knowledge/type/FACT?anima_id={anima}")).await.json();
    for time in ["created_at", "updated_at"] {
        assert!(listed[0][time].take().is_string());
    }
    assert_eq!(
        listed,
        json!([{
            "id": fact, "anima_id": anima, "knowledge_type": "FACT", "topic": "shipping", "content": "Parcels take three days.",
            "summary": null, "confidence": 0.9, "source_type": "INTERNAL",
            "embedding_model": "text-embedding-3-small", "created_at": null, "updated_at": null
        }])
    );
    let found = async |more: Value| {
        let mut body = json!({"anima_id": anima, "query": "parcels"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let found = wire.post("/knowledge/search/semantic", body).await.json();
        found.as_array().unwrap().iter().map(|found| text(&found["knowledge"]["id"])).collect::<Vec<_>>()
    };
    assert_eq!(found(json!({})).await.len(), 2);
    assert_eq!(found(json!({"knowledge_type": "FACT"})).await, [fact]);
    assert!(tenant.add_knowledge(ABSENT, KnowledgeSeed::new("FACT", "x")).is_err());
}

#[tokio::test]
async fn an_identity_is_absent_until_it_is_set() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    let path = format!("/identities/anima/{anima}");
    let absent = wire.get(&path).await;
    assert_eq!((absent.status, absent.body), (404, format!(r#"{{"detail":"Identity not found for Anima {anima}"}}"#)));
    let tenant = wire.sandbox.default_tenant();
    for kind in ["ENFP", "INTJ"] {
        let seed = IdentitySeed::new().personality_type(kind).reflection("arc", json!({"current": "growing"}));
        tenant.set_identity(&anima, seed).unwrap();
    }
    let identity = wire.get(&path).await.json();
    assert_eq!(identity["self"], json!({"arc": {"current": "growing"}}));
    assert_eq!(identity["personality_type"], json!("INTJ"));
}

#[tokio::test]
async fn a_query_finds_memories_knowledge_and_identity() {
    let wire = Wire::with(Settings::all_operations).await;
    let client = wire.sandbox.elephantasm();
    let anima = wire.anima("Ada").await;
    let tenant = wire.sandbox.default_tenant();
    tenant.set_identity(&anima, IdentitySeed::new().personality_type("INTJ")).unwrap();
    let fact = KnowledgeSeed::new("FACT", "Tea is hot.").topic("drinks").confidence(0.9);
    let fact = tenant.add_knowledge(&anima, fact).unwrap();
    let memory = MemoryCreate::new(&anima).summary("Drank hot tea.").state("active").importance(0.8);
    let start: polyagent::Timestamp = "2026-02-04T12:00:00Z".parse().unwrap();
    let memory = client.memories().create(memory.time_start(start)).await.unwrap();
    tenant.embed_memories();

    let query = QueryRequest::new(&anima, "hot tea");
    let response = client.query(query.clone()).await.unwrap();
    let ids: Vec<&str> = response.results.iter().map(|result| result.id.as_str()).collect();
    assert_eq!(ids, [memory.id.as_str(), fact.as_str()]);
    assert_eq!(
        response.context,
        "## Identity\nPersonality: INTJ\n\n## Knowledge\n- [FACT] drinks: Tea is hot. (confidence: 0.9)\n\n\
         ## Memories\n- [2026-02-04] Drank hot tea. (importance: 0.8)"
    );
    assert_eq!(response.token_estimate, 14 / 4 + 11 / 4 + 150);
    let less = client.query(query.clone().exclude_ids([memory.id.as_str()])).await.unwrap();
    assert_eq!(less.results.len(), 1);
    let fitting = client.query(query.clone().max_tokens(154)).await.unwrap();
    assert_eq!(fitting.results.len(), 1, "what does not fit is left out");
    let nothing = client.query(query.max_tokens(100)).await.unwrap();
    assert_eq!((nothing.results.len(), nothing.context.as_str(), nothing.token_estimate), (0, "", 0));
    let nobody = client.query(QueryRequest::new(ABSENT, "hot tea")).await.unwrap();
    assert_eq!((nobody.results.len(), nobody.context.as_str(), nobody.token_estimate), (0, "", 0));
}
