//! Packs: what goes into a prompt.

use polyagent::elephantasm::types::{CompilePresetPackParams, GetLatestMemoryPackParams, RetrievalConfig};
use polyagent::sandbox::elephantasm::{IdentitySeed, KnowledgeSeed, Quirk, Quirks};
use serde_json::json;

use super::{ABSENT, NAIVE, PLUS, Wire, ZULU, form, text};

/// The text for a prompt, and the contents of the pending events.
async fn ask(wire: &Wire, anima_id: &str, query: &str) -> (String, Vec<String>) {
    let params = GetLatestMemoryPackParams::new().query(query);
    let pack = wire.sandbox.elephantasm().memory_packs().latest(anima_id, params).await.unwrap().unwrap();
    let events = pack.content.pending_events.into_iter().map(|event| event.content.unwrap_or_default()).collect();
    (pack.content.context.unwrap_or_default(), events)
}

#[tokio::test]
async fn a_pack_holds_every_message_that_shares_a_term_with_the_query_and_no_other() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    let matching = ["I like green TEA.", "tea-time is at five", "Ist das Straßen-Tea?", "茶よりteaが好き"];
    let others = ["My car is red.", "I sat on a teapot.", "What a steam engine"];
    for content in matching.iter().chain(&others) {
        wire.message(&anima, content).await;
    }
    let (context, events) = ask(&wire, &anima, "tea, please!").await;
    assert_eq!(events, matching);
    for content in matching {
        assert!(context.contains(content), "{content} is missing in {context}");
    }
    for content in others {
        assert!(!context.contains(content), "{content} has got into {context}");
    }
    let (_, events) = ask(&wire, &anima, "CAR STRASSEN").await;
    assert_eq!(events, ["Ist das Straßen-Tea?", "My car is red."]);
}

#[tokio::test]
async fn a_pack_holds_all_of_many_messages_and_long_ones_in_full() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    for number in 0..60 {
        wire.message(&anima, &format!("tea number {number}.")).await;
    }
    let long = format!("{} tea at the very end", "word ".repeat(200));
    wire.message(&anima, &long).await;
    let (context, events) = ask(&wire, &anima, "tea").await;
    assert_eq!(events.len(), 61);
    for number in 0..60 {
        assert!(context.contains(&format!("tea number {number}.")));
    }
    assert!(context.contains(&long));
    assert_eq!(events[60].chars().count(), 500, "an item is cut to 500 characters");
}

#[tokio::test]
async fn a_pack_holds_nothing_of_another_anima_or_tenant() {
    let wire = Wire::start().await;
    let [ada, ben] = [wire.anima("Ada").await, wire.anima("Ben").await];
    wire.message(&ada, "Ada likes tea.").await;
    wire.message(&ben, "Ben likes tea.").await;
    let (context, _) = ask(&wire, &ada, "tea").await;
    assert!(context.contains("Ada likes tea.") && !context.contains("Ben"), "{context}");
    let (context, _) = ask(&wire, &ben, "tea").await;
    assert!(context.contains("Ben likes tea.") && !context.contains("Ada"), "{context}");

    let other = wire.sandbox.tenant("other").unwrap().elephantasm();
    let params = GetLatestMemoryPackParams::new().query("tea");
    let error = other.memory_packs().latest(&ada, params).max_retries(0).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 500, "another tenant's anima is an absent one");
}

#[tokio::test]
async fn deleted_events_are_in_no_pack() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    let event = wire.message(&anima, "I like tea.").await;
    assert_eq!(ask(&wire, &anima, "tea").await.1.len(), 1);
    wire.delete(&format!("/events/{event}")).await;
    assert_eq!(ask(&wire, &anima, "tea").await.1.len(), 0);
}

#[tokio::test]
async fn a_new_anima_has_an_empty_pack() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    let mut pack = wire.get(&format!("/animas/{anima}/memory-packs/latest")).await.json();
    assert_eq!(
        (form(&pack["compiled_at"].take()), form(&pack["created_at"].take())),
        (NAIVE.to_owned(), NAIVE.to_owned())
    );
    let id = pack["id"].take();
    assert!(id.is_string());
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
async fn without_a_query_the_newest_stored_pack_comes_back_however_stale() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    let path = format!("/animas/{anima}/memory-packs/latest");
    let first = wire.get(&path).await.json();
    wire.message(&anima, "I like tea.").await;
    assert_eq!(wire.get(&path).await.json(), first, "stale");
    assert_eq!(wire.get(&format!("{path}?query=")).await.json(), first, "an empty query is none");
    assert_eq!(wire.get(&format!("{path}?preset=talkative")).await.json(), first, "the preset is not looked at");
    let asked = wire.get(&format!("{path}?query=tea&preset=self_determined")).await.json();
    assert_ne!(asked["id"], first["id"]);
    assert_eq!((&asked["preset_name"], &asked["max_tokens"]), (&json!("self_determined"), &json!(4000)));
    assert_eq!(wire.get(&path).await.json(), asked, "whatever query or preset produced it");
    let listed = wire.get(&format!("/animas/{anima}/memory-packs")).await.json();
    assert_eq!(listed, json!([asked, first]));
}

#[tokio::test]
async fn a_pack_without_a_query_holds_the_latest_events_that_no_memory_covers() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    let covered = wire.message(&anima, "covered").await;
    let memory = wire.post("/memories", json!({"anima_id": anima, "summary": "m"})).await.json();
    wire.sandbox.default_tenant().link_memory(&text(&memory["id"]), &covered).unwrap();
    for number in 0..21 {
        wire.message(&anima, &format!("message {number}")).await;
    }
    let pack = wire.get(&format!("/animas/{anima}/memory-packs/latest")).await.json();
    let events: Vec<String> =
        pack["content"]["pending_events"].as_array().unwrap().iter().map(|event| text(&event["content"])).collect();
    let expected: Vec<String> = (1..21).map(|number| format!("message {number}")).collect();
    assert_eq!(events, expected);
    assert_eq!(pack["pending_event_count"], json!(20));
    assert_eq!(ask(&wire, &anima, "covered").await.1, ["covered"], "a query finds it all the same");
}

#[tokio::test]
async fn business_rules_of_the_latest_pack() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    let path = format!("/animas/{anima}/memory-packs/latest");
    let preset = wire.get(&format!("{path}?query=tea&preset=talkative")).await;
    assert_eq!((preset.status, preset.body.as_str()), (400, r#"{"detail":"Unknown preset: talkative"}"#));
    let blank = wire.get(&format!("{path}?query=%20")).await;
    assert_eq!((blank.status, blank.body.as_str()), (500, "Internal Server Error"));
    let absent = wire.get(&format!("/animas/{ABSENT}/memory-packs/latest")).await;
    assert_eq!((absent.status, absent.body.as_str()), (500, "Internal Server Error"));
    wire.message(&anima, "I like tea.").await;
    wire.delete(&format!("/animas/{anima}")).await;
    let deleted = wire.get(&format!("{path}?query=tea")).await;
    assert_eq!(
        (deleted.status, &deleted.json()["content"]["context"]),
        (200, &json!("")),
        "a deleted anima has an empty pack"
    );
}

#[tokio::test]
async fn the_quirks_of_packs_have_switches() {
    let wire = Wire::with(Quirks::observed().without(Quirk::AbsentAnimaFails).without(Quirk::PackOnDemand)).await;
    let absent = wire.get(&format!("/animas/{ABSENT}/memory-packs/latest")).await;
    assert_eq!((absent.status, absent.body), (404, format!(r#"{{"detail":"Anima {ABSENT} not found"}}"#)));
    let anima = wire.anima("Ada").await;
    assert_eq!(wire.get(&format!("/animas/{anima}/memory-packs/latest")).await.body, "null");
    let none =
        wire.sandbox.elephantasm().memory_packs().latest(&anima, GetLatestMemoryPackParams::new()).await.unwrap();
    assert!(none.is_none());
}

#[tokio::test]
async fn every_layer_has_its_section_in_order() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    let tenant = wire.sandbox.default_tenant();
    let identity = IdentitySeed::new().personality_type("INTJ").communication_style("Calm and precise.");
    tenant.set_identity(&anima, identity.reflection("purpose", json!({"primary": "Serve tea"}))).unwrap();
    tenant.add_knowledge(&anima, KnowledgeSeed::new("FACT", "Tea is hot.").topic("drinks")).unwrap();
    let old = json!({"anima_id": anima, "summary": "Drank tea in May.", "state": "active", "time_start": "2020-05-01"});
    wire.post("/memories", old).await;
    tenant.embed_memories();
    wire.message(&anima, "I like tea.").await;
    let path = format!("/animas/{anima}/memory-packs/latest?query=tea");
    let pack = wire.get(&path).await.json();
    assert_eq!(
        text(&pack["content"]["context"]),
        "## Your Identity\nCalm and precise.\nPersonality: INTJ\nPurpose: Serve tea\n\n\
         ## Session Context\nLast spoken to 0 hours ago.\n\n\
         ## Recent Activity (Pending Synthesis)\n- message.in: I like tea.\n\n\
         ## Relevant Knowledge\n- Tea is hot.\n\n\
         ## Relevant Memories\n- Drank tea in May."
    );
    assert_eq!(form(&pack["content"]["temporal_context"]["last_event_at"]), PLUS);
    assert_eq!(form(&pack["content"]["pending_events"][0]["occurred_at"]), NAIVE);
    assert_eq!(
        pack["content"]["identity"],
        json!({"personality_type": "INTJ", "communication_style": "Calm and precise."})
    );
    let characters = "Tea is hot.".len() + "Drank tea in May.".len() + "I like tea.".len();
    assert_eq!(pack["token_count"], json!(characters / 4 + 150));
    let memory = &pack["content"]["long_term_memories"][0];
    assert_eq!(
        (&memory["retrieval_reason"], &memory["similarity"], memory.get("breakdown")),
        (&json!("semantic_match"), &json!(1.0), None)
    );
    assert_eq!(pack["content"]["knowledge"][0]["knowledge_type"], json!("FACT"));

    wire.post("/memories", json!({"anima_id": anima, "summary": "Said hello.", "state": "active"})).await;
    let pack = wire.get(&path).await.json();
    assert!(text(&pack["content"]["context"]).contains("## Current Session\n- Said hello."));
    assert_eq!(pack["content"]["temporal_context"], json!(null), "only without session memories");
    assert_eq!(pack["content"]["session_memories"][0]["retrieval_reason"], json!("session_recency"));
}

#[tokio::test]
async fn a_server_that_can_not_rank_long_term_memories_fails_whenever_it_has_one_to_rank() {
    let wire = Wire::with(Quirks::observed().with(Quirk::LongTermMemoriesFail)).await;
    let anima = wire.anima("Ada").await;
    let old = json!({"anima_id": anima, "summary": "Drank tea in May.", "state": "active", "time_start": "2020-05-01"});
    wire.post("/memories", old).await;
    let latest = |query: &str| format!("/animas/{anima}/memory-packs/latest?query={query}");
    assert_eq!(wire.get(&latest("tea")).await.status, 200, "a memory without an embedding does not qualify");
    wire.sandbox.default_tenant().embed_memories();
    for _ in 0..3 {
        let refused = wire.get(&latest("tea")).await;
        assert_eq!((refused.status, refused.body.as_str()), (500, "Internal Server Error"));
    }
    assert_eq!(wire.get(&latest("coffee")).await.status, 200);
}

#[tokio::test]
async fn items_have_the_names_that_the_official_sdks_read_if_told_to() {
    let wire = Wire::with(Quirks::observed().without(Quirk::RenamedPackItems)).await;
    let anima = wire.anima("Ada").await;
    wire.sandbox.default_tenant().add_knowledge(&anima, KnowledgeSeed::new("FACT", "Tea is hot.")).unwrap();
    wire.post("/memories", json!({"anima_id": anima, "summary": "Said hello.", "state": "active"})).await;
    let pack = wire.get(&format!("/animas/{anima}/memory-packs/latest?query=tea")).await.json();
    let [knowledge, memory] = [&pack["content"]["knowledge"][0], &pack["content"]["session_memories"][0]];
    assert_eq!((&knowledge["type"], knowledge.get("knowledge_type")), (&json!("FACT"), None));
    assert_eq!((&memory["reason"], memory.get("retrieval_reason")), (&json!("session_recency"), None));
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
async fn stored_packs_can_be_read_counted_and_deleted_for_good() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    let stats = format!("/animas/{anima}/memory-packs/stats");
    assert_eq!(wire.get(&stats).await.json()["total_packs"], json!(0));
    wire.message(&anima, "I like tea.").await;
    let pack = wire.get(&format!("/animas/{anima}/memory-packs/latest?query=tea")).await.json();
    wire.get(&format!("/animas/{anima}/memory-packs/latest?query=coffee")).await;
    let counted = wire.get(&stats).await.json();
    assert_eq!((&counted["total_packs"], &counted["avg_pending_events"]), (&json!(2), &json!(0.5)));
    let path = format!("/memory-packs/{}", text(&pack["id"]));
    assert_eq!(wire.get(&path).await.json(), pack);
    assert_eq!(wire.delete(&path).await.status, 204);
    assert_eq!(wire.delete(&path).await.status, 404);
    assert_eq!(wire.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_compiled_pack_is_flat_and_stored_by_presets_only() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    wire.message(&anima, "I like tea.").await;
    let packs = wire.sandbox.elephantasm().memory_packs();
    let compiled = packs.compile(RetrievalConfig::new(&anima).query("tea")).await.unwrap();
    assert!(compiled.context.contains("I like tea."));
    assert_eq!((compiled.has_pending_events, compiled.pending_events.len()), (Some(true), 1));
    let raw = wire.post("/packs/compile", json!({"anima_id": anima, "query": "tea"})).await.json();
    assert_eq!((form(&raw["compiled_at"]), raw.get("content")), (ZULU.to_owned(), None));
    let preview = packs.preview(RetrievalConfig::new(&anima).query("tea")).await.unwrap();
    assert_eq!(preview.pending_event_count, Some(1));
    let stored = async || wire.get(&format!("/animas/{anima}/memory-packs")).await.json().as_array().unwrap().len();
    assert_eq!(stored().await, 0);
    let params = CompilePresetPackParams::new(&anima).query("tea").persist(true);
    packs.compile_preset("conversational", params).await.unwrap();
    assert_eq!(stored().await, 1);

    let without = wire.post(&format!("/packs/compile/self_determined?anima_id={anima}"), "").await;
    assert_eq!(without.status, 400);
    let unknown = wire.post(&format!("/packs/compile/talkative?anima_id={anima}"), "").await;
    assert_eq!(unknown.body, r#"{"detail":"Unknown preset: talkative"}"#);
}

#[tokio::test]
async fn a_configuration_holds_20_pending_events_unless_it_says_otherwise() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    for number in 0..21 {
        wire.message(&anima, &format!("tea {number}")).await;
    }
    let count = async |more: &str| {
        let body = format!(r#"{{"anima_id":"{anima}"{more}}}"#);
        wire.post("/packs/compile", body).await.json()["pending_event_count"].clone()
    };
    assert_eq!([count("").await, count(r#","query":"tea""#).await], [json!(20), json!(20)]);
    assert_eq!(count(r#","query":"tea","max_pending_events":50"#).await, json!(21));
    assert_eq!(count(r#","max_pending_events":0"#).await, json!(0));
}

#[tokio::test]
async fn an_empty_query_counts_as_none_and_a_blank_one_fails() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    let empty = wire.post("/packs/compile", json!({"anima_id": anima, "query": ""})).await;
    assert_eq!((empty.status, &empty.json()["query"]), (200, &json!(null)));
    let blank = wire.post("/packs/compile", json!({"anima_id": anima, "query": " "})).await;
    assert_eq!((blank.status, blank.body.as_str()), (500, "Internal Server Error"));
}

#[tokio::test]
async fn a_hundred_packs_are_kept_when_a_preset_stores_one() {
    let wire = Wire::start().await;
    let anima = wire.anima("Ada").await;
    let total = async || wire.get(&format!("/animas/{anima}/memory-packs/stats")).await.json()["total_packs"].clone();
    for _ in 0..102 {
        wire.get(&format!("/animas/{anima}/memory-packs/latest?query=tea")).await;
    }
    assert_eq!(total().await, json!(102), "others do not prune");
    wire.post(&format!("/packs/compile/conversational?anima_id={anima}&persist=true"), "").await;
    assert_eq!(total().await, json!(100));
}
