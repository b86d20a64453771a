//! Literal answers of the real server, decoded.

use std::time::{Duration, UNIX_EPOCH};

use polyagent::Timestamp;
use polyagent::elephantasm::Elephantasm;
use polyagent::elephantasm::types::*;
use serde_json::json;
use wiremock::ResponseTemplate;

use super::{ID, SERVER_ANIMA, answered, client, server};

const SEED_ANIMA: &str = r#"{"id":"b2352c05-e685-4021-8624-595406c725f2","name":"Ada","description":"d","meta":null,"user_id":"11111111-2222-4333-8444-555555555555","is_deleted":false,"created_at":"2026-02-04T12:00:00Z","updated_at":"2026-02-04T12:00:00Z","mood":"curious"}"#;

#[tokio::test]
async fn an_anima_decodes_in_the_servers_form_and_in_the_documented_one() {
    let server = answered(|c| c.animas().get(ID), 200, SERVER_ANIMA).await.unwrap();
    assert_eq!((server.name.as_str(), server.description, server.is_deleted), ("Ada", None, None));
    assert_eq!(server.is_dormant, Some(false));
    // Both forms of one instant: with `Z` and without an offset.
    assert_eq!(server.created_at, server.updated_at);
    let documented = answered(|c| c.animas().create(AnimaCreate::new("Ada")), 201, SEED_ANIMA).await.unwrap();
    assert_eq!((documented.meta, documented.is_deleted), (None, Some(false)));
    assert_eq!(documented.unknown["mood"], "curious");
}

#[tokio::test]
async fn the_four_timestamp_forms_are_one_utc_instant_each() {
    let event = |occurred_at: &str| {
        format!(
            r#"{{"id":"{ID}","anima_id":"{ID}","event_type":"message.in","content":"x","role":null,"author":null,"summary":null,"occurred_at":"{occurred_at}","session_id":null,"meta":{{}},"source_uri":null,"dedupe_key":null,"importance_score":1.0,"created_at":"2026-11-22T05:04:36.969174","updated_at":"2026-11-22T05:04:36.969174"}}"#
        )
    };
    let noon = UNIX_EPOCH + Duration::from_secs(1_770_206_400);
    for (form, want) in [
        ("2026-02-04T12:00:00Z", noon),
        ("2026-02-04T12:00:00", noon),
        ("2026-02-04T12:00:00.000001", noon + Duration::from_micros(1)),
        ("2026-02-04T12:00:00.794408+00:00", noon + Duration::from_micros(794_408)),
        ("2026-02-04T14:00:00+02:00", noon),
    ] {
        let event = answered(|c| c.events().get(ID), 200, &event(form)).await.unwrap();
        assert_eq!(event.occurred_at, Some(Timestamp::from(want)), "{form}");
    }
}

#[tokio::test]
async fn an_unknown_event_type_is_kept() {
    let body = format!(
        r#"{{"id":"{ID}","anima_id":"{ID}","event_type":"dream.note","content":"x","meta":{{}},"created_at":"2026-11-22T05:04:36","updated_at":"2026-11-22T05:04:36"}}"#
    );
    let event = answered(|c| c.events().get(ID), 200, &body).await.unwrap();
    assert_eq!(event.event_type.as_str(), "dream.note");
    assert!(matches!(event.event_type, EventType::Unknown(_)));
}

#[tokio::test]
async fn a_pack_is_null_empty_or_full_in_either_spelling() {
    let latest = |c: Elephantasm| c.memory_packs().latest(ID, GetLatestMemoryPackParams::new());
    assert_eq!(answered(latest, 200, "null").await.unwrap(), None);
    let pack = |content: &str| {
        format!(
            r#"{{"id":"{ID}","anima_id":"{ID}","query":null,"preset_name":"conversational","session_memory_count":0,"knowledge_count":1,"long_term_memory_count":0,"pending_event_count":1,"has_identity":false,"token_count":3,"max_tokens":2000,"content":{content},"compiled_at":"2026-11-22T05:04:36.969174","created_at":"2026-11-22T05:04:36.969174"}}"#
        )
    };
    let empty = pack(
        r#"{"context":"","identity":null,"session_memories":[],"knowledge":[],"long_term_memories":null,"pending_events":[],"temporal_context":null,"config":{}}"#,
    );
    let empty = answered(latest, 200, &empty).await.unwrap().unwrap();
    assert_eq!(empty.content.context.as_deref(), Some(""));
    assert!(empty.content.long_term_memories.is_empty());
    let full = pack(
        r###"{"context":"## Relevant Knowledge\n- likes tea","identity":{"personality_type":"INTJ","communication_style":"terse"},
        "session_memories":[{"id":"m1","summary":"s","score":0.5,"retrieval_reason":"session_recency"},{"id":"m2","score":0.4,"reason":"hybrid"}],
        "knowledge":[{"id":"k1","content":"likes tea","knowledge_type":"FACT","score":0.9,"similarity":0.9},{"id":"k2","content":"c","type":"METHOD","score":0.1}],
        "long_term_memories":[],"pending_events":[{"id":"e1","content":"Hello","summary":null,"event_type":"message.in","role":"user","author":null,"occurred_at":"2026-11-22T05:04:36.969174"}],
        "temporal_context":{"last_event_at":"2026-11-22T05:04:36.794408+00:00","hours_ago":2.5,"memory_summary":null,"formatted":"2 hours ago"},
        "config":{"anima_id":"a","query":null,"max_tokens":2000}}"###,
    );
    let full = answered(latest, 200, &full).await.unwrap().unwrap().content;
    let reasons: Vec<_> = full.session_memories.iter().filter_map(|m| m.retrieval_reason.as_ref()).collect();
    assert_eq!(reasons, [&RetrievalReason::SessionRecency, &RetrievalReason::Hybrid]);
    let kinds: Vec<_> = full.knowledge.iter().filter_map(|k| k.knowledge_type.as_ref()).collect();
    assert_eq!(kinds, [&KnowledgeType::Fact, &KnowledgeType::Method]);
    assert_eq!(full.pending_events[0].content.as_deref(), Some("Hello"));
    assert_eq!(full.temporal_context.unwrap().hours_ago, Some(2.5));
}

#[tokio::test]
async fn means_over_nothing_may_be_null() {
    let body = r#"{"total_packs":0,"avg_token_count":null,"avg_session_memories":null,"avg_knowledge":null,"avg_long_term_memories":null,"avg_pending_events":0.0,"identity_usage_rate":0,"median":1}"#;
    let stats = answered(|c| c.memory_packs().stats(ID), 200, body).await.unwrap();
    assert_eq!((stats.total_packs, stats.avg_token_count, stats.identity_usage_rate), (0, None, Some(0.0)));
    assert_eq!(stats.unknown["median"], json!(1));
}

#[tokio::test]
async fn usage_keeps_what_it_does_not_know() {
    let body = r#"{"plan_tier":"free","period_start":"2026-11-01","events_created":12.0,"events_limit":-1,"is_hard_capped":false,"dream_minutes":3}"#;
    let usage = answered(|c| c.subscriptions().usage(), 200, body).await.unwrap();
    assert_eq!(usage.plan_tier, Some(PlanTier::Free));
    assert_eq!((usage.period_start.as_deref(), usage.events_limit), (Some("2026-11-01"), Some(-1)));
    assert_eq!(usage.events_created, Some(12), "however it is written");
    assert_eq!((usage.memories_limit, &usage.unknown["dream_minutes"]), (None, &json!(3)));
}

#[tokio::test]
async fn answers_without_a_body_are_read_as_nothing() {
    let server = server(ResponseTemplate::new(204)).await;
    client(&server).events().delete(ID).await.unwrap();
    client(&server).api_keys().delete(ID).await.unwrap();
}

#[tokio::test]
async fn a_deletion_tells_its_counts() {
    let body = r#"{"memory_events":1,"dream_sessions":2,"memory_packs":3,"io_configs":4,"synthesis_configs":5,"identities":6,"knowledge":7,"memories":8,"events":9}"#;
    let counts = answered(|c| c.animas().delete(ID), 200, body).await.unwrap();
    assert_eq!((counts.memory_packs, counts.events), (3, 9));
}
