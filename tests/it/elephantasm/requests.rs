//! The literal bytes of every request.

use polyagent::elephantasm::Elephantasm;
use polyagent::elephantasm::types::*;
use polyagent::{Error, Request, Timestamp};
use serde_json::json;

use super::{ID, KEY, client, json_answer, server};

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
    let length = request.headers.get("content-length").map(|length| length.to_str().unwrap().to_owned());
    let may_carry = matches!(request.method.as_str(), "POST" | "PATCH" | "PUT");
    assert_eq!(length, may_carry.then(|| body.len().to_string()), "the length of a body, of none too");
    (format!("{} {target}", request.method), body)
}

async fn assert_sent<T: 'static>(call: impl FnOnce(Elephantasm) -> Request<T>, line: &str, body: &str) {
    assert_eq!(sent(call).await, (line.to_owned(), body.to_owned()));
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
                .meta([("channel", "support")])
                .source_uri("slack://x/1")
                .dedupe_key("k-1")
                .importance_score(1.0);
            c.events().create(event)
        },
        "POST /api/events",
        r#"{"anima_id":"b2352c05-e685-4021-8624-595406c725f2","event_type":"tool.result","content":"42","role":"tool","author":"calculator","summary":"the answer","occurred_at":"2026-02-04T12:00:00Z","session_id":"s-1","meta":{"channel":"support"},"source_uri":"slack://x/1","dedupe_key":"k-1","importance_score":1.0}"#,
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
        |c| c.memories().search_semantic(MemorySearch::new(ID, "tea").clear_state()),
        "POST /api/memories/search/semantic",
        r#"{"anima_id":"b2352c05-e685-4021-8624-595406c725f2","query":"tea","state":null}"#,
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
        "POST /api/dreams/trigger?kwargs=1",
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

#[test]
fn reads_params_from_json_and_from_a_query_string() {
    let expected = ListEventsParams::new(ID).session_id("chat 7").limit(20).min_importance(0.5).include_deleted(true);
    let json = format!(
        r#"{{"anima_id":"{ID}","limit":20,"session_id":"chat 7","min_importance":0.5,"include_deleted":true}}"#
    );
    assert_eq!(serde_json::from_str::<ListEventsParams>(&json).unwrap(), expected);
    let query = format!("anima_id={ID}&limit=20&session_id=chat+7&min_importance=0.5&include_deleted=true");
    assert_eq!(serde_html_form::from_str::<ListEventsParams>(&query).unwrap(), expected);
    assert_eq!(serde_json::from_str::<ListAnimasParams>("{}").unwrap(), ListAnimasParams::new());
    assert!(serde_json::from_str::<ListEventsParams>("{}").unwrap_err().to_string().contains("anima_id"));
}
