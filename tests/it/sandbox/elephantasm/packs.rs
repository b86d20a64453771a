//! Packs: what goes into a prompt.

use polyagent::elephantasm::types::{CompilePresetPackParams, GetLatestMemoryPackParams, RetrievalConfig};
use polyagent::sandbox::elephantasm::{IdentitySeed, KnowledgeSeed, Quirk};
use serde_json::{Value, json};

use crate::sandbox::{ABSENT, Wire, column, text};

/// The latest pack for a query.
async fn ask(wire: &Wire, anima_id: &str, query: &str) -> Value {
    wire.get(&format!("/animas/{anima_id}/memory-packs/latest?query={query}")).await.json()
}

fn pending(pack: &Value) -> Vec<String> {
    column(&pack["content"]["pending_events"], "content")
}

#[tokio::test]
async fn a_pack_has_the_oldest_pending_events_whatever_the_query() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    let messages: Vec<String> = (0..22).map(|number| format!("message {number}")).collect();
    for message in &messages {
        wire.message(&anima, message).await;
    }
    let pack = ask(&wire, &anima, "elephants").await;
    assert_eq!(pending(&pack), messages[..20]);
    assert_eq!(pack["pending_event_count"], json!(20));
    let context = text(&pack["content"]["context"]);
    assert!(context.contains("- message.in: message 19") && !context.contains("message 20"), "{context}");
}

#[tokio::test]
async fn an_event_is_pending_until_a_memory_is_made() {
    let wire = Wire::self_hosted().await;
    let anima = wire.anima("Ada").await;
    let [covered, deleted] = [wire.message(&anima, "covered").await, wire.message(&anima, "deleted").await];
    assert_eq!(pending(&ask(&wire, &anima, "x").await), ["covered", "deleted"]);
    wire.delete(&format!("/events/{deleted}")).await;
    assert_eq!(pending(&ask(&wire, &anima, "x").await), ["covered"]);
    let memory = wire.memory(&anima, "m").await;
    assert_eq!(pending(&ask(&wire, &anima, "x").await), [""; 0], "older than the last memory");
    let newer = wire.message(&anima, "newer").await;
    assert_eq!(pending(&ask(&wire, &anima, "x").await), ["newer"]);
    for event in [covered, newer] {
        wire.sandbox.default_tenant().link_memory(&memory, &event).unwrap();
    }
    assert_eq!(pending(&ask(&wire, &anima, "x").await), [""; 0]);
}

#[tokio::test]
async fn each_layer_has_its_share_of_the_tokens() {
    let wire = Wire::self_hosted().await;
    let [long, many] = [wire.anima("long").await, wire.anima("many").await];
    wire.message(&long, &"x".repeat(1300)).await;
    assert_eq!(pending(&ask(&wire, &long, "x").await).len(), 0);
    for _ in 0..20 {
        wire.message(&many, &"y".repeat(200)).await;
    }
    assert_eq!(pending(&ask(&wire, &many, "x").await).len(), 6);
    let small = wire.post("/packs/compile", json!({"anima_id": many, "max_tokens": 500})).await.json();
    assert_eq!((&small["pending_event_count"], &small["token_count"]), (&json!(1), &json!(50)));
    let [none, most] = [("max_pending_events", 0), ("max_tokens", 16000)]
        .map(|(name, value)| wire.post("/packs/compile", json!({"anima_id": many, name: value})));
    assert_eq!(none.await.json()["pending_event_count"], json!(0));
    assert_eq!(most.await.json()["pending_event_count"], json!(20));
}

#[tokio::test]
async fn an_item_is_cut_to_500_characters_and_the_context_is_not() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    wire.message(&anima, &"é".repeat(1000)).await;
    let pack = ask(&wire, &anima, "x").await;
    assert_eq!(pending(&pack), ["é".repeat(500)]);
    assert!(text(&pack["content"]["context"]).contains(&"é".repeat(1000)));
}

#[tokio::test]
async fn a_pack_has_nothing_of_another_anima_or_tenant() {
    let wire = Wire::start().await;
    let [ada, ben] = [wire.anima("Ada").await, wire.anima("Ben").await];
    wire.message(&ada, "Ada likes tea.").await;
    wire.message(&ben, "Ben likes tea.").await;
    assert_eq!(pending(&ask(&wire, &ada, "tea").await), ["Ada likes tea."]);
    let other = wire.sandbox.tenant("other").unwrap().elephantasm();
    let params = GetLatestMemoryPackParams::new().query("tea");
    let error = other.memory_packs().latest(&ada, params).max_retries(0).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 500, "another tenant's anima is an absent one");
}

#[tokio::test]
async fn a_new_anima_has_an_empty_pack() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    let mut pack = wire.get(&format!("/animas/{anima}/memory-packs/latest")).await.json();
    for field in ["id", "compiled_at", "created_at"] {
        assert!(pack[field].take().is_string());
    }
    assert_eq!(
        pack,
        json!({
            "id": null, "anima_id": anima, "query": null, "preset_name": "conversational", "session_memory_count": 0,
            "knowledge_count": 0, "long_term_memory_count": 0, "pending_event_count": 0, "has_identity": false,
            "token_count": 0, "max_tokens": 2000, "compiled_at": null, "created_at": null,
            "content": {
                "context": "", "identity": null, "session_memories": [], "knowledge": [], "long_term_memories": [],
                "pending_events": [], "temporal_context": null,
                "config": {"anima_id": anima, "query": null, "max_tokens": 2000}
            }
        })
    );
}

#[tokio::test]
async fn without_a_query_the_newest_stored_pack_comes_back_however_old() {
    let wire = Wire::self_hosted().await;
    let anima = wire.anima("Ada").await;
    let path = format!("/animas/{anima}/memory-packs/latest");
    let first = wire.get(&path).await.json();
    wire.message(&anima, "I like tea.").await;
    for query in ["", "?query=", "?preset=talkative"] {
        assert_eq!(wire.get(&format!("{path}{query}")).await.json(), first, "{query}");
    }
    let asked = wire.get(&format!("{path}?query=tea&preset=self_determined")).await.json();
    assert_ne!(asked["id"], first["id"]);
    assert_eq!((&asked["preset_name"], &asked["max_tokens"]), (&json!("self_determined"), &json!(4000)));
    assert_eq!(wire.get(&path).await.json(), asked, "whatever query or preset produced it");
    let listed = wire.get(&format!("/animas/{anima}/memory-packs")).await.json();
    assert_eq!(listed, json!([asked, first]));
}

#[tokio::test]
async fn rejects_unknown_presets_blank_queries_and_absent_animas() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    let path = format!("/animas/{anima}/memory-packs/latest");
    let preset = wire.get(&format!("{path}?query=tea&preset=talkative")).await;
    assert_eq!((preset.status, preset.body.as_str()), (400, r#"{"detail":"Unknown preset: talkative"}"#));
    let absent = format!("/animas/{ABSENT}/memory-packs/latest");
    for failing in [wire.get(&format!("{path}?query=%20")).await, wire.get(&absent).await] {
        assert_eq!((failing.status, failing.body.as_str()), (500, "Internal Server Error"));
    }
    wire.message(&anima, "I like tea.").await;
    wire.delete(&format!("/animas/{anima}")).await;
    let deleted = wire.get(&format!("{path}?query=tea")).await;
    assert_eq!((deleted.status, &deleted.json()["content"]["context"]), (200, &json!("")));

    let documented = Wire::with(|it| it.without(Quirk::AbsentAnimaFails).without(Quirk::PackOnDemand)).await;
    assert_eq!(documented.get(&absent).await.body, format!(r#"{{"detail":"Anima {ABSENT} not found"}}"#));
    let anima = documented.anima("Ada").await;
    assert_eq!(documented.get(&format!("/animas/{anima}/memory-packs/latest")).await.body, "null");
}

#[tokio::test]
async fn each_layer_has_its_section_in_order() {
    let wire = Wire::self_hosted().await;
    let anima = wire.anima("Ada").await;
    let tenant = wire.sandbox.default_tenant();
    let identity = IdentitySeed::new().personality_type("INTJ").communication_style("Calm and precise.");
    tenant.set_identity(&anima, identity.reflection("purpose", json!({"primary": "Serve tea"}))).unwrap();
    tenant.add_knowledge(&anima, KnowledgeSeed::new("FACT", "Tea is hot.").topic("drinks")).unwrap();
    wire.memory(&anima, "Drank tea in May.").await;
    tenant.embed_memories();
    wire.sandbox.advance(std::time::Duration::from_secs(4 * 3600));
    wire.message(&anima, "I like tea.").await;
    let pack = ask(&wire, &anima, "tea").await;
    assert_eq!(
        text(&pack["content"]["context"]),
        "## Your Identity\nCalm and precise.\nPersonality: INTJ\nPurpose: Serve tea\n\n\
         ## Session Context\nLast spoken to 0 hours ago.\n\n\
         ## Recent Activity (Pending Synthesis)\n- message.in: I like tea.\n\n\
         ## Relevant Knowledge\n- Tea is hot.\n\n\
         ## Relevant Memories\n- Drank tea in May."
    );
    let identity =
        json!({"personality_type": "INTJ", "communication_style": "Calm and precise.", "name": null, "prose": null});
    assert_eq!(pack["content"]["identity"], identity);
    assert_eq!(pack["token_count"], json!(17 / 4 + 11 / 4 + 11 / 4 + 150));
    let memory = &pack["content"]["long_term_memories"][0];
    let item = ["retrieval_reason", "similarity", "breakdown"].map(|name| &memory[name]);
    assert_eq!(item, [&json!("semantic_match"), &json!(1.0), &json!(null)]);
    assert_eq!(pack["content"]["knowledge"][0]["knowledge_type"], json!("FACT"));

    wire.memory(&anima, "Said hello.").await;
    let pack = ask(&wire, &anima, "coffee").await;
    assert!(text(&pack["content"]["context"]).ends_with("## Current Session\n- Said hello."), "{pack}");
    assert_eq!(pack["content"]["temporal_context"], json!(null), "only without session memories");
    assert_eq!(pack["content"]["session_memories"][0]["retrieval_reason"], json!("session_recency"));
}

#[tokio::test]
async fn items_have_the_names_that_the_official_sdks_read_without_the_quirk() {
    let wire = Wire::with(|it| it.self_hosted().without(Quirk::RenamedPackItems)).await;
    let anima = wire.anima("Ada").await;
    wire.sandbox.default_tenant().add_knowledge(&anima, KnowledgeSeed::new("FACT", "Tea is hot.")).unwrap();
    wire.memory(&anima, "Said hello.").await;
    let pack = ask(&wire, &anima, "tea").await;
    let [knowledge, memory] = [&pack["content"]["knowledge"][0], &pack["content"]["session_memories"][0]];
    assert_eq!((&knowledge["type"], &knowledge["knowledge_type"]), (&json!("FACT"), &json!(null)));
    assert_eq!((&memory["reason"], &memory["retrieval_reason"]), (&json!("session_recency"), &json!(null)));
    assert!(memory["breakdown"].is_object());
}

#[tokio::test]
async fn an_identity_that_is_nested_wrongly_makes_every_pack_fail() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    let path = format!("/animas/{anima}/memory-packs/latest?query=tea");
    let tenant = wire.sandbox.default_tenant();
    tenant.set_identity(&anima, IdentitySeed::new().reflection("purpose", json!("serve tea"))).unwrap();
    assert_eq!(wire.get(&path).await.body, "Internal Server Error");
    tenant.set_identity(&anima, IdentitySeed::new().reflection("purpose", json!({"primary": "serve tea"}))).unwrap();
    assert_eq!(wire.get(&path).await.status, 200);
}

#[tokio::test]
async fn stored_packs_can_be_read_counted_and_deleted() {
    let wire = Wire::self_hosted().await;
    let anima = wire.anima("Ada").await;
    let stats = async || wire.get(&format!("/animas/{anima}/memory-packs/stats")).await.json();
    assert_eq!(stats().await["total_packs"], json!(0));
    ask(&wire, &anima, "coffee").await;
    wire.message(&anima, "I like tea.").await;
    let pack = ask(&wire, &anima, "tea").await;
    let counted = stats().await;
    assert_eq!((&counted["total_packs"], &counted["avg_pending_events"]), (&json!(2), &json!(0.5)));
    let path = format!("/memory-packs/{}", text(&pack["id"]));
    assert_eq!(wire.get(&path).await.json(), pack);
    assert_eq!([wire.delete(&path).await.status, wire.delete(&path).await.status], [204, 404]);
}

#[tokio::test]
async fn a_compiled_pack_is_flat_and_stored_by_presets_only() {
    let wire = Wire::self_hosted().await;
    let anima = wire.anima("Ada").await;
    wire.message(&anima, "I like tea.").await;
    let packs = wire.sandbox.elephantasm().memory_packs();
    let compiled = packs.compile(RetrievalConfig::new(&anima).query("tea")).await.unwrap();
    assert!(compiled.context.contains("I like tea."));
    assert_eq!((compiled.has_pending_events, compiled.pending_events.len()), (Some(true), 1));
    let preview = packs.preview(RetrievalConfig::new(&anima).query("tea")).await.unwrap();
    assert_eq!(preview.pending_event_count, Some(1));
    let stored = async || wire.get(&format!("/animas/{anima}/memory-packs")).await.json().as_array().unwrap().len();
    assert_eq!(stored().await, 0);
    let params = CompilePresetPackParams::new(&anima).query("tea").persist(true);
    packs.compile_preset("conversational", params).await.unwrap();
    assert_eq!(stored().await, 1);

    let preset =
        async |preset: &str, anima: &str| wire.post(&format!("/packs/compile/{preset}?anima_id={anima}"), "").await;
    assert_eq!(preset("self_determined", &anima).await.status, 400);
    assert_eq!(preset("talkative", &anima).await.body, r#"{"detail":"Unknown preset: talkative"}"#);
    assert_eq!(preset("conversational", ABSENT).await.status, 200, "the anima need not exist");
    let compile = async |query: &str| wire.post("/packs/compile", json!({"anima_id": ABSENT, "query": query})).await;
    assert_eq!((compile("").await.status, compile(" ").await.status), (200, 500));
}

#[tokio::test]
async fn a_hundred_packs_are_kept_when_a_preset_stores_one() {
    let wire = Wire::self_hosted().await;
    let anima = wire.anima("Ada").await;
    let total = async || wire.get(&format!("/animas/{anima}/memory-packs/stats")).await.json()["total_packs"].clone();
    for _ in 0..102 {
        ask(&wire, &anima, "tea").await;
    }
    assert_eq!(total().await, json!(102), "others do not prune");
    wire.post(&format!("/packs/compile/conversational?anima_id={anima}&persist=true"), "").await;
    assert_eq!(total().await, json!(100));
}
