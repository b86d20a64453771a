//! Elephantasm on the wire: the literal bytes of every request, and literal answers of the real server decoded.

use std::time::{Duration, UNIX_EPOCH};

use futures::TryStreamExt;
use polyagent::elephantasm::Elephantasm;
use polyagent::elephantasm::types::*;
use polyagent::{Error, Reason, Request, RetryPolicy, Timestamp};
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::sockets::reqwest_without_proxy;

const KEY: &str = "sk_live_0123456789abcdef0123456789abcdef";
const ID: &str = "b2352c05-e685-4021-8624-595406c725f2";

/// A server of its own, never one from wiremock's pool: a pooled one may still answer another test's client.
pub async fn server(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::builder().start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

pub fn client(server: &MockServer) -> Elephantasm {
    Elephantasm::builder()
        .base_url(server.uri())
        .api_key(KEY)
        .retry_policy(RetryPolicy::default().backoff(Duration::from_millis(1), Duration::from_millis(2)))
        .configure_http(reqwest_without_proxy)
        .build()
        .unwrap()
}

pub fn json_answer(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body.as_bytes().to_vec(), "application/json")
}

/// Sends a call and gives method, path with query, and body of what arrived.
async fn sent<T: 'static>(call: impl FnOnce(Elephantasm) -> Request<T>) -> (String, String) {
    let server = server(json_answer(404, "{}")).await;
    let result = call(client(&server)).await;
    assert!(matches!(result, Err(Error::NotFound(_))), "the request did not arrive: {:?}", result.err());
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    let target = &request.url[url::Position::BeforePath..];
    let body = String::from_utf8(request.body.clone()).unwrap();
    assert_eq!(request.headers.contains_key("content-type"), !body.is_empty());
    (format!("{} {target}", request.method), body)
}

async fn assert_sent<T: 'static>(call: impl FnOnce(Elephantasm) -> Request<T>, line: &str, body: &str) {
    assert_eq!(sent(call).await, (line.to_owned(), body.to_owned()));
}

async fn answered<T: 'static>(
    call: impl FnOnce(Elephantasm) -> Request<T>,
    status: u16,
    body: &str,
) -> Result<T, Error> {
    let server = server(json_answer(status, body)).await;
    call(client(&server)).await
}

#[tokio::test]
async fn a_call_carries_key_user_agent_and_accept_and_no_more_than_it_needs() {
    let server = server(json_answer(201, "{}")).await;
    let _ = client(&server).animas().create(AnimaCreate::new("Ada")).await;
    let request = &server.received_requests().await.unwrap()[0];
    let mut headers: Vec<_> = request.headers.iter().map(|(n, v)| format!("{n}: {}", v.to_str().unwrap())).collect();
    headers.sort();
    let host = server.uri().replace("http://", "");
    assert_eq!(
        headers,
        [
            "accept: application/json".to_owned(),
            format!("authorization: Bearer {KEY}"),
            "content-length: 14".to_owned(),
            "content-type: application/json".to_owned(),
            format!("host: {host}"),
            format!("user-agent: polyagent/{}", env!("CARGO_PKG_VERSION")),
        ]
    );
}

#[tokio::test]
async fn health_goes_without_a_key() {
    let body =
        r#"{"status":"degraded","timestamp":"2026-11-22T05:04:36.794408+00:00","checks":{"database":"error: gone"}}"#;
    let server = server(json_answer(200, body)).await;
    let health = client(&server).health().await.unwrap();
    assert_eq!(health.status.as_str(), "degraded");
    assert_eq!(health.checks["database"], "error: gone");
    assert_eq!(health.timestamp.to_string(), "2026-11-22T05:04:36.794408Z");
    let request = &server.received_requests().await.unwrap()[0];
    assert_eq!(request.url.path(), "/api/health");
    assert!(!request.headers.contains_key("authorization"));
}

#[tokio::test]
async fn anima_requests() {
    assert_sent(|c| c.animas().create(AnimaCreate::new("Ada")), "POST /api/animas", r#"{"name":"Ada"}"#).await;
    assert_sent(
        |c| {
            let meta = json!({"team": 7}).as_object().unwrap().clone();
            c.animas().create(AnimaCreate::new("").description("assistant").meta(meta).organization_id(ID))
        },
        "POST /api/animas",
        r#"{"name":"","description":"assistant","meta":{"team":7},"organization_id":"b2352c05-e685-4021-8624-595406c725f2"}"#,
    )
    .await;
    assert_sent(|c| c.animas().get(ID), &format!("GET /api/animas/{ID}"), "").await;
    assert_sent(
        |c| c.animas().get_with(ID, GetAnimaParams::new().include_deleted(true)),
        &format!("GET /api/animas/{ID}?include_deleted=true"),
        "",
    )
    .await;
    assert_sent(|c| c.animas().list(ListAnimasParams::new()), "GET /api/animas", "").await;
    assert_sent(
        |c| c.animas().list(ListAnimasParams::new().limit(200).offset(400).include_deleted(false)),
        "GET /api/animas?limit=200&offset=400&include_deleted=false",
        "",
    )
    .await;
    assert_sent(
        |c| c.animas().search(SearchAnimasParams::new("Ada & Bob").limit(5)),
        "GET /api/animas/search?name=Ada+%26+Bob&limit=5",
        "",
    )
    .await;
    assert_sent(|c| c.animas().summaries(), "GET /api/animas/summary", "").await;
    assert_sent(|c| c.animas().delete(ID), &format!("DELETE /api/animas/{ID}"), "").await;
    assert_sent(|c| c.animas().stats(ID), &format!("GET /api/animas/{ID}/stats"), "").await;
    assert_sent(|c| c.animas().restore(ID), &format!("POST /api/animas/{ID}/restore"), "").await;
}

#[tokio::test]
async fn an_update_tells_absent_null_and_value_apart() {
    let line = format!("PATCH /api/animas/{ID}");
    assert_sent(|c| c.animas().update(ID, AnimaUpdate::new()), &line, "{}").await;
    assert_sent(|c| c.animas().update(ID, AnimaUpdate::new().clear_description()), &line, r#"{"description":null}"#)
        .await;
    assert_sent(
        |c| c.animas().update(ID, AnimaUpdate::new().description("new").clear_meta().name("Bea")),
        &line,
        r#"{"name":"Bea","description":"new","meta":null}"#,
    )
    .await;
    assert_sent(
        |c| c.events().update(ID, EventUpdate::new().clear_summary().importance_score(0.5)),
        &format!("PATCH /api/events/{ID}"),
        r#"{"summary":null,"importance_score":0.5}"#,
    )
    .await;
}

#[tokio::test]
async fn event_requests() {
    assert_sent(
        |c| c.events().create(EventCreate::new(ID, EventType::MessageIn, "Hello")),
        "POST /api/events",
        r#"{"anima_id":"b2352c05-e685-4021-8624-595406c725f2","event_type":"message.in","content":"Hello"}"#,
    )
    .await;
    let when: Timestamp = "2026-02-04T14:00:00+02:00".parse().unwrap();
    assert_sent(
        |c| {
            let event = EventCreate::new(ID, "tool.result", "42")
                .role("tool")
                .author("calculator")
                .summary("the answer")
                .occurred_at(when)
                .session_id("s-1")
                .meta(serde_json::Map::new())
                .source_uri("slack://x/1")
                .dedupe_key("k-1")
                .importance_score(1.0);
            c.events().create(event)
        },
        "POST /api/events",
        r#"{"anima_id":"b2352c05-e685-4021-8624-595406c725f2","event_type":"tool.result","content":"42","role":"tool","author":"calculator","summary":"the answer","occurred_at":"2026-02-04T12:00:00Z","session_id":"s-1","meta":{},"source_uri":"slack://x/1","dedupe_key":"k-1","importance_score":1.0}"#,
    )
    .await;
    assert_sent(
        |c| {
            let params =
                ListEventsParams::new(ID).limit(2).event_type(EventType::System).session_id("s 1").min_importance(0.25);
            c.events().list(params)
        },
        &format!("GET /api/events?anima_id={ID}&limit=2&event_type=system&session_id=s+1&min_importance=0.25"),
        "",
    )
    .await;
    assert_sent(|c| c.events().get(ID), &format!("GET /api/events/{ID}"), "").await;
    assert_sent(|c| c.events().delete(ID), &format!("DELETE /api/events/{ID}"), "").await;
    assert_sent(
        |c| c.events().memories(ID, ListEventMemoriesParams::new().limit(3)),
        &format!("GET /api/events/{ID}/memories?limit=3"),
        "",
    )
    .await;
}

#[tokio::test]
async fn pack_requests() {
    let base = format!("GET /api/animas/{ID}/memory-packs");
    assert_sent(|c| c.memory_packs().latest(ID, GetLatestMemoryPackParams::new()), &format!("{base}/latest"), "").await;
    assert_sent(
        |c| {
            c.memory_packs()
                .latest(ID, GetLatestMemoryPackParams::new().query("green tea?").preset(Preset::SelfDetermined))
        },
        &format!("{base}/latest?query=green+tea%3F&preset=self_determined"),
        "",
    )
    .await;
    assert_sent(|c| c.memory_packs().list(ID, ListMemoryPacksParams::new().limit(1)), &format!("{base}?limit=1"), "")
        .await;
    assert_sent(|c| c.memory_packs().stats(ID), &format!("{base}/stats"), "").await;
    assert_sent(|c| c.memory_packs().get(ID), &format!("GET /api/memory-packs/{ID}"), "").await;
    assert_sent(|c| c.memory_packs().delete(ID), &format!("DELETE /api/memory-packs/{ID}"), "").await;
    assert_sent(
        |c| c.memory_packs().compile(RetrievalConfig::new(ID).query("tea").max_tokens(500)),
        "POST /api/packs/compile",
        r#"{"anima_id":"b2352c05-e685-4021-8624-595406c725f2","query":"tea","max_tokens":500}"#,
    )
    .await;
    assert_sent(
        |c| c.memory_packs().preview(RetrievalConfig::new(ID)),
        "POST /api/packs/compile/preview",
        r#"{"anima_id":"b2352c05-e685-4021-8624-595406c725f2"}"#,
    )
    .await;
    assert_sent(
        |c| c.memory_packs().compile_preset("conversational", CompilePresetPackParams::new(ID).persist(true)),
        &format!("POST /api/packs/compile/conversational?anima_id={ID}&persist=true"),
        "",
    )
    .await;
}

#[tokio::test]
async fn other_requests() {
    assert_sent(|c| c.subscriptions().usage(), "GET /api/subscriptions/usage", "").await;
    assert_sent(
        |c| c.memories().search_semantic(MemorySearch::new(ID, "tea").limit(3).threshold(0.5)),
        "POST /api/memories/search/semantic",
        r#"{"anima_id":"b2352c05-e685-4021-8624-595406c725f2","query":"tea","limit":3,"threshold":0.5}"#,
    )
    .await;
    assert_sent(
        |c| c.knowledge().search_semantic(KnowledgeSearch::new(ID, "tea").knowledge_type(KnowledgeType::Fact)),
        "POST /api/knowledge/search/semantic",
        r#"{"anima_id":"b2352c05-e685-4021-8624-595406c725f2","query":"tea","knowledge_type":"FACT"}"#,
    )
    .await;
    assert_sent(
        |c| c.knowledge().list_by_type(KnowledgeType::Method, ListKnowledgeByTypeParams::new(ID)),
        &format!("GET /api/knowledge/type/METHOD?anima_id={ID}"),
        "",
    )
    .await;
    assert_sent(|c| c.identities().of_anima(ID), &format!("GET /api/identities/anima/{ID}"), "").await;
    assert_sent(
        |c| c.query(QueryRequest::new(ID, "tea").sources([QuerySource::Memories, QuerySource::Identity]).limit(1)),
        "POST /api/query",
        r#"{"anima_id":"b2352c05-e685-4021-8624-595406c725f2","query":"tea","sources":["memories","identity"],"limit":1}"#,
    )
    .await;
    assert_sent(
        |c| c.memories().create(MemoryCreate::new(ID).content("likes tea").importance(0.5)),
        "POST /api/memories",
        r#"{"anima_id":"b2352c05-e685-4021-8624-595406c725f2","content":"likes tea","importance":0.5}"#,
    )
    .await;
    assert_sent(
        |c| c.memories().list(ListMemoriesParams::new(ID).state(MemoryState::Active)),
        &format!("GET /api/memories?anima_id={ID}&state=active"),
        "",
    )
    .await;
    assert_sent(|c| c.memories().get(ID), &format!("GET /api/memories/{ID}"), "").await;
    assert_sent(
        |c| c.memories().search(SearchMemoriesParams::new(ID, "tea")),
        &format!("GET /api/memories/search?anima_id={ID}&q=tea"),
        "",
    )
    .await;
    assert_sent(
        |c| c.dreams().trigger(ID),
        "POST /api/dreams/trigger",
        r#"{"anima_id":"b2352c05-e685-4021-8624-595406c725f2"}"#,
    )
    .await;
    assert_sent(
        |c| c.dreams().list(ListDreamsParams::new(ID).status(DreamStatus::Running)),
        &format!("GET /api/dreams/sessions?anima_id={ID}&status=RUNNING"),
        "",
    )
    .await;
    assert_sent(|c| c.dreams().get(ID), &format!("GET /api/dreams/sessions/{ID}"), "").await;
    assert_sent(|c| c.dreams().cancel(ID), &format!("POST /api/dreams/sessions/{ID}/cancel"), "").await;
    assert_sent(|c| c.api_keys().create(ApiKeyCreate::new("ci")), "POST /api/api-keys", r#"{"name":"ci"}"#).await;
    assert_sent(
        |c| c.api_keys().list(ListApiKeysParams::new().include_inactive(true)),
        "GET /api/api-keys?include_inactive=true",
        "",
    )
    .await;
    assert_sent(|c| c.api_keys().revoke(ID), &format!("POST /api/api-keys/{ID}/revoke"), "").await;
    assert_sent(|c| c.api_keys().delete(ID), &format!("DELETE /api/api-keys/{ID}"), "").await;
}

const SERVER_ANIMA: &str = r#"{"id":"b2352c05-e685-4021-8624-595406c725f2","name":"Ada","description":null,"meta":{},"user_id":"11111111-2222-4333-8444-555555555555","organization_id":"66666666-7777-4888-9999-000000000000","is_dormant":false,"last_activity_at":null,"created_at":"2026-11-22T05:04:36.969174Z","updated_at":"2026-11-22T05:04:36.969174"}"#;
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
async fn usage_keeps_what_it_does_not_know() {
    let body = r#"{"plan_tier":"free","period_start":"2026-11-01","events_created":12,"events_limit":-1,"is_hard_capped":false,"dream_minutes":3}"#;
    let usage = answered(|c| c.subscriptions().usage(), 200, body).await.unwrap();
    assert_eq!(usage.plan_tier, Some(PlanTier::Free));
    assert_eq!((usage.period_start.as_deref(), usage.events_limit), (Some("2026-11-01"), Some(-1)));
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

#[tokio::test]
async fn every_error_shape_arrives_as_its_variant_with_its_words() {
    let failed = async |status: u16, body: &str| {
        let answer = ResponseTemplate::new(status).set_body_raw(body.as_bytes().to_vec(), "application/json");
        let server = server(answer).await;
        client(&server).events().create(EventCreate::new(ID, EventType::System, "x")).max_retries(0).await.unwrap_err()
    };
    let text = failed(401, r#"{"detail":"Authentication required"}"#).await;
    assert!(text.is_authentication());
    assert_eq!(text.message(), "Authentication required");

    let list = failed(422, r#"{"detail":[{"type":"string_too_long","loc":["body","role"],"msg":"String should have at most 50 characters","input":"secret input","ctx":{"max_length":50}}]}"#).await;
    assert!(list.is_unprocessable());
    assert_eq!(list.field_errors()[0].path(), "body.role");
    assert!(!format!("{list} {list:?}").contains("secret input"));
    assert!(list.body().is_some_and(|body| body.windows(12).any(|w| w == b"secret input")));

    let limit = r#"{"detail":{"error":"limit_exceeded","action":"create_event","current_plan":"free","current_tier":"free","message":"Monthly limit reached","upgrade_url":"https://example.com"}}"#;
    for status in [403, 429] {
        let plan = failed(status, limit).await;
        assert_eq!((plan.reason(), plan.code()), (Some(Reason::PlanLimit), Some("limit_exceeded")));
        assert_eq!(plan.message(), "Monthly limit reached");
        assert_eq!(plan.api().unwrap().detail("action"), Some(&json!("create_event")));
        assert!(plan.is_limit_exceeded() && !plan.is_rate_limited());
        assert_eq!(matches!(plan, Error::PermissionDenied(_)), status == 403);
        assert_eq!(matches!(plan, Error::RateLimited(_)), status == 429);
    }

    let rate = failed(429, r#"{"error":"rate_limit_exceeded","message":"Too many requests"}"#).await;
    assert!(rate.is_rate_limited());
    assert_eq!(rate.message(), "Too many requests");

    let plain = failed(500, "Internal Server Error").await;
    assert!(plain.is_server());
    assert_eq!(plain.message(), "`Internal Server Error`");
    assert!(failed(502, "<html><h1>502 Bad Gateway</h1></html>").await.is_server());
    assert!(matches!(failed(401, "").await, Error::Authentication(_)));

    let duplicate = failed(409, r#"{"detail":"Duplicate event (dedupe_key conflict)"}"#).await;
    assert!(duplicate.is_conflict());
    assert_eq!(duplicate.reason(), Some(Reason::Duplicate));
    assert!(matches!(failed(400, r#"{"detail":"Database integrity error"}"#).await, Error::BadRequest(_)));
    assert!(matches!(failed(410, r#"{"detail":"gone"}"#).await, Error::OtherClient(_)));
    assert_eq!(failed(405, r#"{"detail":"Method Not Allowed"}"#).await.reason(), Some(Reason::RouteMissing));
}

#[tokio::test]
async fn a_hidden_route_is_told_from_a_missing_object() {
    for (body, reason) in [
        (r#"{"detail":"Not found"}"#, Some(Reason::RouteMissing)),
        (r#"{"detail":"Not Found"}"#, Some(Reason::RouteMissing)),
        (r#"{"detail":"Anima b2352c05-e685-4021-8624-595406c725f2 not found"}"#, None),
    ] {
        let error = answered(|c| c.animas().get(ID), 404, body).await.unwrap_err();
        assert!(error.is_not_found());
        assert_eq!(error.reason(), reason, "{body}");
    }
}

#[tokio::test]
async fn a_plan_limit_is_never_retried_and_a_rate_limit_is() {
    let limit =
        json_answer(429, r#"{"detail":{"error":"limit_exceeded","message":"m"}}"#).insert_header("retry-after", "0");
    let server_ = server(limit).await;
    client(&server_).animas().get(ID).await.unwrap_err();
    assert_eq!(server_.received_requests().await.unwrap().len(), 1);

    let rate = json_answer(429, r#"{"error":"rate_limit_exceeded","message":"m"}"#).insert_header("retry-after", "0");
    let server_ = server(rate).await;
    let error = client(&server_).events().create(EventCreate::new(ID, EventType::System, "x")).await.unwrap_err();
    assert_eq!(server_.received_requests().await.unwrap().len(), 3);
    assert_eq!(error.retry_after(), Some(Duration::ZERO));

    // An old server writes its limiter's text into the header: as good as none.
    let text = json_answer(429, r#"{"error":"rate_limit_exceeded","message":"m"}"#)
        .insert_header("retry-after", "5 per 1 second");
    let server_ = server(text).await;
    let error = client(&server_).animas().get(ID).await.unwrap_err();
    assert_eq!((server_.received_requests().await.unwrap().len(), error.retry_after()), (3, None));
}

#[tokio::test]
async fn a_pack_with_a_query_is_billed_and_so_not_retried_when_in_doubt() {
    let params = GetLatestMemoryPackParams::new;
    for (params, attempts) in [(params(), 3), (params().query("tea"), 1)] {
        let server = server(json_answer(500, "Internal Server Error")).await;
        client(&server).memory_packs().latest(ID, params).await.unwrap_err();
        assert_eq!(server.received_requests().await.unwrap().len(), attempts);
    }
}

#[tokio::test]
async fn bad_arguments_are_refused_before_anything_is_sent() {
    let server = server(json_answer(200, "{}")).await;
    let client = client(&server);
    let long = "x".repeat(256);
    let event = || EventCreate::new(ID, EventType::System, "x");
    let refused = async |call: Request<serde_json::Value>, argument: &str| {
        let error = call.await.unwrap_err();
        let Error::InvalidArgument(invalid) = &error else { panic!("{argument}: {error:?}") };
        assert!(invalid.argument().contains(argument), "{error}");
        assert!(error.operation().is_some() && !error.may_have_been_processed());
    };
    refused(client.animas().get("agent-01").decode_as(), "anima_id").await;
    refused(client.animas().get("").decode_as(), "anima_id").await;
    refused(client.animas().create(AnimaCreate::new(&long)).decode_as(), "name").await;
    refused(client.animas().create(AnimaCreate::new("a").organization_id("org")).decode_as(), "organization_id").await;
    refused(client.animas().create(AnimaCreate::new("a\0b")).decode_as(), "body").await;
    refused(client.animas().list(ListAnimasParams::new().limit(0)).decode_as(), "limit").await;
    refused(client.animas().list(ListAnimasParams::new().limit(201)).decode_as(), "limit").await;
    refused(client.animas().list(ListAnimasParams::new().offset(-1)).decode_as(), "offset").await;
    refused(client.animas().search(SearchAnimasParams::new("")).decode_as(), "name").await;
    refused(client.events().create(event().role("x".repeat(51))).decode_as(), "role").await;
    refused(client.events().create(event().author(&long)).decode_as(), "author").await;
    refused(client.events().create(event().session_id(&long)).decode_as(), "session_id").await;
    refused(client.events().create(event().dedupe_key(&long)).decode_as(), "dedupe_key").await;
    for score in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        refused(client.events().create(event().importance_score(score)).decode_as(), "importance_score").await;
    }
    refused(client.events().create(EventCreate::new("x", EventType::System, "x")).decode_as(), "anima_id").await;
    refused(client.events().list(ListEventsParams::new("x")).decode_as(), "anima_id").await;
    let latest = GetLatestMemoryPackParams::new;
    refused(client.memory_packs().latest(ID, latest().query(" ")).decode_as(), "query").await;
    refused(client.memory_packs().latest(ID, latest().query("a\0")).decode_as(), "query").await;
    refused(client.query(QueryRequest::new(ID, "tea").max_tokens(99)).decode_as(), "max_tokens").await;
    refused(client.query(QueryRequest::new(ID, "tea").exclude_ids(["x"])).decode_as(), "exclude_ids").await;
    assert!(server.received_requests().await.unwrap().is_empty());
    // The probe can fail: the same client does reach the server.
    client.animas().get(ID).decode_as::<serde_json::Value>().await.unwrap();
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_list_is_a_page_a_stream_of_pages_and_a_stream_of_items() {
    let server = MockServer::builder().start().await;
    let anima = |n: u32| SERVER_ANIMA.replace("\"Ada\"", &format!("\"{n}\""));
    for (offset, names) in [("", vec![1, 2]), ("2", vec![3, 4]), ("4", vec![5])] {
        let body = format!("[{}]", names.into_iter().map(anima).collect::<Vec<_>>().join(","));
        let offset = (!offset.is_empty()).then(|| offset.to_owned());
        let matches = move |request: &wiremock::Request| {
            request.url.query_pairs().find(|(name, _)| name == "offset").map(|(_, value)| value.into_owned()) == offset
        };
        Mock::given(matches).respond_with(json_answer(200, &body)).mount(&server).await;
    }
    let list = || client(&server).animas().list(ListAnimasParams::new().limit(2).include_deleted(true));
    let page = list().await.unwrap();
    assert_eq!(page.items.len(), 2);
    let cursor = page.next_cursor().unwrap().clone();
    assert_eq!(cursor.to_string(), "2");
    let names: Vec<String> = list().items().map_ok(|anima| anima.name).try_collect().await.unwrap();
    assert_eq!(names, ["1", "2", "3", "4", "5"]);
    let lengths: Vec<usize> = list().pages().map_ok(|page| page.items.len()).try_collect().await.unwrap();
    assert_eq!(lengths, [2, 2, 1]);
    // A cursor that was stored as text goes on where it was taken.
    let stored: polyagent::Cursor = serde_json::from_str(&serde_json::to_string(&cursor).unwrap()).unwrap();
    let rest: Vec<String> = list().after(&stored).items().map_ok(|anima| anima.name).try_collect().await.unwrap();
    assert_eq!(rest, ["3", "4", "5"]);
    let queries: Vec<_> =
        server.received_requests().await.unwrap().iter().map(|r| r.url.query().unwrap().to_owned()).collect();
    assert_eq!(queries[1], "limit=2&include_deleted=true");
    assert_eq!(queries[2], "limit=2&include_deleted=true&offset=2");
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_list_is_an_item_and_ends_it() {
    let server = MockServer::builder().start().await;
    let anima = format!("[{SERVER_ANIMA}]");
    let first = |request: &wiremock::Request| !request.url.query().unwrap_or_default().contains("offset");
    Mock::given(first).respond_with(json_answer(200, &anima)).mount(&server).await;
    let mut items = client(&server).animas().list(ListAnimasParams::new().limit(1)).items();
    assert!(items.try_next().await.unwrap().is_some());
    assert!(items.try_next().await.unwrap_err().is_not_found());
    assert!(items.try_next().await.unwrap().is_none());
}
