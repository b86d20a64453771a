//! Memory stores, memories and their versions.

use polyagent::oma::Generation;
use polyagent::oma::types::*;
use polyagent::{Error, Reason};
use serde_json::json as value;
use wiremock::MockServer;

use super::requests::{NEWER, NOON, Servers, V0, at, map};
use super::responses::decodes_as_documented;
use super::{GENERATIONS, client, header, json, line, received, routes, server};

const MEMORY: &str = "agent-memory-2026-07-22";
const SHA: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const STORE_V1: &str = r#"{"type":"memory_store","id":"memstore_01","name":"notes","description":"","metadata":{"team":"a"},"created_at":"2026-10-01T10:00:00Z","updated_at":"2026-10-01T10:00:00Z","archived_at":null}"#;
const MEMORY_V1: &str = r#"{"type":"memory","id":"mem_01","memory_store_id":"memstore_01","memory_version_id":"memver_01","path":"/a.md","content":null,"content_sha256":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","content_size_bytes":4,"created_at":"2026-10-01T10:00:00Z","updated_at":"2026-10-01T10:00:00Z"}"#;

#[tokio::test]
async fn requests_about_stores() {
    let servers = Servers::start().await;
    let create = || MemoryStoreCreate::new("notes").description("d");
    servers
        .check(
            MEMORY,
            |c| c.memory_stores().create(create()),
            [r#"POST /v1/memory_stores {"name":"notes","description":"d"}"#; 3],
        )
        .await;
    servers.check(MEMORY, |c| c.memory_stores().get("memstore_01"), ["GET /v1/memory_stores/memstore_01"; 3]).await;
    let list = || ListMemoryStoresParams::new().include_archived(true).created_at_gte(at(NOON));
    let newer = "GET /v1/memory_stores?include_archived=true&created_at%5Bgte%5D=2026-10-01T10%3A00%3A00Z";
    let v0 = "GET /v1/memory_stores?include_archived=true&created_after=2026-10-01T10%3A00%3A00Z";
    servers.check(MEMORY, |c| c.memory_stores().list(list()), [v0, newer, newer]).await;
    let update = || MemoryStoreUpdate::new().name("n").clear_description();
    let body = r#"POST /v1/memory_stores/memstore_01 {"name":"n","description":null}"#;
    servers.check(MEMORY, |c| c.memory_stores().update("memstore_01", update()), [body; 3]).await;
    let archive = "POST /v1/memory_stores/memstore_01/archive";
    servers.check(MEMORY, |c| c.memory_stores().archive("memstore_01"), [archive; 3]).await;
    let delete = "DELETE /v1/memory_stores/memstore_01";
    servers.check(MEMORY, |c| c.memory_stores().delete("memstore_01"), [delete; 3]).await;
    let entries = ["GET /v1/memory_stores/memstore_01/entries", "", ""];
    servers.check(MEMORY, |c| c.memory_stores().entries("memstore_01"), entries).await;
    let search = || MemorySearch::new("tea").limit(10);
    let searched = [r#"POST /v1/memory_stores/memstore_01/search {"query":"tea","limit":10}"#, "", ""];
    servers.check(MEMORY, |c| c.memory_stores().search("memstore_01", search()), searched).await;
    servers.known_to(NEWER, "metadata", |c| c.memory_stores().create(create().metadata(map([("team", "a")])))).await;
    servers.known_to(NEWER, "limit", |c| c.memory_stores().list(ListMemoryStoresParams::new().limit(5))).await;
}

#[tokio::test]
async fn requests_about_memories() {
    let servers = Servers::start().await;
    let at_store = "/v1/memory_stores/memstore_01/memories";
    let create = format!(r#"POST {at_store} {{"path":"/a.md","content":"hi"}}"#);
    let text = || MemoryCreate::text("/a.md", "hi");
    servers.check(MEMORY, |c| c.memories().create("memstore_01", text()), [&create; 3]).await;
    let get = format!("GET {at_store}/mem_01");
    servers.check(MEMORY, |c| c.memories().get("memstore_01", "mem_01"), [&get; 3]).await;
    let list = || ListMemoriesParams::new().path_prefix("/").depth(1);
    let listed = format!("GET {at_store}?path_prefix=%2F&depth=1");
    servers.check(MEMORY, |c| c.memories().list("memstore_01", list()), [&listed; 3]).await;
    let update = || MemoryUpdate::new().content("x").if_hash(SHA);
    let body = format!(
        r#"POST {at_store}/mem_01 {{"content":"x","precondition":{{"type":"content_sha256","content_sha256":"{SHA}"}}}}"#
    );
    servers.check(MEMORY, |c| c.memories().update("memstore_01", "mem_01", update()), [&body; 3]).await;
    let renamed = format!(r#"POST {at_store}/mem_01 {{"path":"/b.md"}}"#);
    servers
        .check(
            MEMORY,
            |c| c.memories().update("memstore_01", "mem_01", MemoryUpdate::new().path("/b.md")),
            [&renamed; 3],
        )
        .await;
    let delete = format!("DELETE {at_store}/mem_01");
    servers.check(MEMORY, |c| c.memories().delete("memstore_01", "mem_01"), [&delete; 3]).await;
    let absent = || text().precondition(NotExists::new());
    servers.known_to(V0, "precondition", |c| c.memories().create("memstore_01", absent())).await;
    servers.known_to(NEWER, "view", |c| c.memories().get("memstore_01", "mem_01").view(MemoryView::Full)).await;
    servers
        .known_to(NEWER, "expected_content_sha256", |c| c.memories().delete_unchanged("memstore_01", "mem_01", SHA))
        .await;
}

/// The literal requests 16 to 19 of oma-v1.md section 6.
#[tokio::test]
async fn the_literal_requests_of_the_sheet() {
    for generation in [Generation::V1, Generation::Anthropic] {
        let server = server(json(400, "{}")).await;
        let memories = client(&server, generation).memories();
        let _ = memories.create("memstore_01", MemoryCreate::text("/a.md", "hi")).view(MemoryView::Full).await;
        let list = ListMemoriesParams::new().depth(1).path_prefix("/").view(MemoryView::Basic);
        let _ = memories.list("memstore_01", list).await;
        let update = MemoryUpdate::new().content("x").if_hash(SHA);
        let _ = memories.update("memstore_01", "mem_01", update).view(MemoryView::Full).await;
        let _ = memories.delete_unchanged("memstore_01", "mem_01", SHA).await;
        let at_store = "/v1/memory_stores/memstore_01/memories";
        let want = [
            format!(r#"POST {at_store}?view=full {{"path":"/a.md","content":"hi"}}"#),
            format!("GET {at_store}?path_prefix=%2F&depth=1&view=basic"),
            format!(
                r#"POST {at_store}/mem_01?view=full {{"content":"x","precondition":{{"type":"content_sha256","content_sha256":"{SHA}"}}}}"#
            ),
            format!("DELETE {at_store}/mem_01?expected_content_sha256={SHA}"),
        ];
        let requests = server.received_requests().await.unwrap();
        assert_eq!(requests.iter().map(line).collect::<Vec<_>>(), want);
        assert!(requests.iter().all(|request| header(request, "anthropic-beta") == MEMORY));
    }
}

#[tokio::test]
async fn requests_about_versions() {
    let servers = Servers::start().await;
    let at_store = "/v1/memory_stores/memstore_01/memory_versions";
    let list = format!("GET {at_store}?memory_id=mem_01");
    let params = || ListMemoryVersionsParams::new().memory_id("mem_01");
    servers.check(MEMORY, |c| c.memory_versions().list("memstore_01", params()), [&list; 3]).await;
    let get = format!("GET {at_store}/memver_01");
    servers.check(MEMORY, |c| c.memory_versions().get("memstore_01", "memver_01"), [&get; 3]).await;
    let redact = format!("POST {at_store}/memver_01/redact");
    servers.check(MEMORY, |c| c.memory_versions().redact("memstore_01", "memver_01"), [&redact; 3]).await;
    let filtered =
        || params().session_id("s").api_key_id("k").service_account_id("a").operation(MemoryOperation::Modified);
    let server = server(json(400, "{}")).await;
    let versions = client(&server, Generation::Anthropic).memory_versions();
    let _ = versions.list("memstore_01", filtered().created_at_lte(at(NOON)).view(MemoryView::Full)).await;
    let _ = versions.get("memstore_01", "memver_01").view(MemoryView::Basic).await;
    let want = [
        format!(
            "{list}&session_id=s&api_key_id=k&service_account_id=a&operation=modified&created_at%5Blte%5D=2026-10-01T10%3A00%3A00Z&view=full"
        ),
        format!("{get}?view=basic"),
    ];
    assert_eq!(received(&server).await, want);
    servers.known_to(NEWER, "session_id", |c| c.memory_versions().list("memstore_01", params().session_id("s"))).await;
    let refused = versions.redact("memstore_01", "memver_01").view(MemoryView::Full).await.unwrap_err();
    assert!(matches!(refused, Error::InvalidArgument(_)) && refused.to_string().contains("`view`"), "{refused}");
}

async fn failed_update(status: u16, body: &str) -> Error {
    let server = server(json(status, body)).await;
    let update = MemoryUpdate::new().content("x").if_hash(SHA);
    let error = client(&server, Generation::V0).memories().update("memstore_01", "mem_01", update).await.unwrap_err();
    assert_eq!(server.received_requests().await.unwrap().len(), 1, "it is not repeated");
    error
}

#[tokio::test]
async fn a_failed_precondition_has_one_reason_and_the_variant_of_its_status() {
    let typed = r#"{"type":"error","error":{"type":"memory_precondition_failed_error","message":"The memory has changed"},"request_id":"req_01"}"#;
    let hosted = r#"{"type":"error","error":{"type":"conflict_error","message":"content_sha256 mismatch"},"message":"m","code":"conflict_error","request_id":"r"}"#;
    for conflict in [failed_update(409, typed).await, failed_update(409, hosted).await] {
        assert!(matches!(conflict, Error::Conflict(_)), "{conflict}");
        assert_eq!(conflict.reason(), Some(Reason::PreconditionFailed), "{conflict}");
    }
    for body in [r#"{"error":"content_sha256 mismatch"}"#, r#"{"error":"Memory precondition failed"}"#] {
        let bad = failed_update(400, body).await;
        assert!(matches!(bad, Error::BadRequest(_)), "{bad}");
        assert_eq!(bad.reason(), Some(Reason::PreconditionFailed), "{bad}");
    }
    let other = failed_update(400, r#"{"error":"content is required"}"#).await;
    assert_eq!(other.reason(), None);
}

#[tokio::test]
async fn a_path_that_is_taken_is_a_duplicate_with_its_ids() {
    let body = r#"{"type":"error","error":{"type":"memory_path_conflict_error","message":"There is a memory at /a.md","conflicting_memory_id":"mem_02","conflicting_path":"/a.md"},"request_id":"req_01"}"#;
    let server = server(json(409, body)).await;
    let memories = client(&server, Generation::Anthropic).memories();
    let error = memories.create("memstore_01", MemoryCreate::text("/a.md", "hi")).await.unwrap_err();
    assert!(matches!(error, Error::Conflict(_)), "{error}");
    assert_eq!((error.reason(), error.code()), (Some(Reason::Duplicate), Some("memory_path_conflict_error")));
    let details = error.api().unwrap();
    assert_eq!(details.detail("conflicting_memory_id"), Some(&value!("mem_02")));
    assert_eq!(details.detail("conflicting_path"), Some(&value!("/a.md")));
    assert_eq!(received(&server).await.len(), 1);
}

#[tokio::test]
async fn an_update_takes_the_hash_last_read() {
    let read = server(json(200, MEMORY_V1)).await;
    let memory = client(&read, Generation::V1).memories().get("memstore_01", "mem_01").await.unwrap();
    let server = server(json(200, MEMORY_V1)).await;
    let memories = client(&server, Generation::V1).memories();
    memories.update("memstore_01", "mem_01", MemoryUpdate::new().content("x").unchanged(&memory)).await.unwrap();
    assert!(received(&server).await[0].ends_with(&format!(r#""content_sha256":"{SHA}"}}}}"#)));
    let mut unread = memory;
    unread.content_sha256 = None;
    let update = MemoryUpdate::new().content("x").unchanged(&unread);
    let error = memories.update("memstore_01", "mem_01", update).await.unwrap_err();
    assert!(matches!(error, Error::InvalidArgument(_)) && error.to_string().contains("content_sha256"), "{error}");
    assert_eq!(received(&server).await.len(), 1);
}

/// oma.md C3.
#[tokio::test]
async fn c3_entries_are_the_memories_where_the_route_is_missing() {
    let documented =
        r#"{"data":[{"id":"e1","content":"tea","created_at":"2026-05-02T10:00:00.000Z","score":0.5,"mood":"good"}]}"#;
    let server = server(json(200, documented)).await;
    let stores = client(&server, Generation::V0).memory_stores();
    let entry = stores.entries("memstore-1").await.unwrap().items.remove(0);
    assert_eq!(
        (entry.content.as_deref(), entry.score, &entry.unknown["mood"]),
        (Some("tea"), Some(0.5), &value!("good"))
    );
    assert_eq!(stores.search("memstore-1", MemorySearch::new("tea")).await.unwrap().items.len(), 1);
    let memories = r#"{"data":[{"id":"mem-1","store_id":"memstore-1","path":"/a.md","content_sha256":"s","etag":"e","size_bytes":4,"created_at":"2026-05-02T10:00:00.000Z"}]}"#;
    let real = routes(&[("GET", "/v1/memory_stores/memstore-1/memories", 200, memories)]).await;
    let stores = client(&real, Generation::V0).memory_stores();
    let entry = stores.entries("memstore-1").await.unwrap().items.remove(0);
    assert_eq!((entry.id.as_deref(), &entry.unknown["path"]), (Some("mem-1"), &value!("/a.md")));
    let error = stores.search("memstore-1", MemorySearch::new("tea")).await.unwrap_err();
    assert!(matches!(error, Error::NotFound(_)) && error.reason() == Some(Reason::RouteMissing), "{error}");
    assert!(error.to_string().contains("path_prefix"), "{error}");
    let newer = client(&real, Generation::V1).memory_stores().entries("memstore-1").await.unwrap_err();
    assert!(matches!(newer, Error::Unsupported(_)) && newer.to_string().contains("memories().list"), "{newer}");
}

async fn read<T: 'static>(body: &str, call: impl FnOnce(polyagent::oma::Oma) -> polyagent::Request<T>) -> T {
    let server: MockServer = server(json(200, body)).await;
    call(client(&server, Generation::V0)).await.unwrap()
}

#[tokio::test]
async fn stores_memories_and_versions_of_all_generations_are_read() {
    let store = decodes_as_documented(|c| c.memory_stores().get("s"), STORE_V1).await;
    assert_eq!((store.name.as_str(), store.description.as_deref()), ("notes", Some("")));
    let node = r#"{"id":"memstore-1","tenant_id":"default","name":"notes","description":null,"created_at":"2026-05-02T10:00:00.000Z","updated_at":null,"archived_at":null}"#;
    let node = read(node, |c| c.memory_stores().get("s")).await;
    assert_eq!((node.tenant_id.as_deref(), node.unknown.len()), (Some("default"), 0));

    let memory = decodes_as_documented(|c| c.memories().get("s", "m"), MEMORY_V1).await;
    assert_eq!((memory.content.as_deref(), memory.content_size_bytes), (None, Some(4)));
    let old = r#"{"id":"mem-1","store_id":"memstore-1","path":"/a.md","content":"test","content_sha256":"s","etag":"e","size_bytes":4,"created_at":"2026-05-02T10:00:00.000Z","updated_at":"2026-05-02T10:00:00.000Z"}"#;
    let old = read(old, |c| c.memories().get("s", "m")).await;
    assert_eq!(
        (old.memory_store_id.as_deref(), old.content_size_bytes, old.etag.as_deref()),
        (Some("memstore-1"), Some(4), Some("e"))
    );
    assert!(old.unknown.is_empty(), "{old:?}");
    let rows = format!(r#"{{"data":[{MEMORY_V1},{{"type":"memory_prefix","path":"/b/"}}],"next_page":null}}"#);
    let rows = read(&rows, |c| c.memories().list("s", ListMemoriesParams::new())).await.items;
    assert_eq!((rows[0].id.as_deref(), rows[1].id.as_deref(), rows[1].path.as_str()), (Some("mem_01"), None, "/b/"));
    assert_eq!(rows[1].type_.as_deref(), Some("memory_prefix"));

    let redacted = r#"{"type":"memory_version","id":"memver_01","memory_id":"mem_01","memory_store_id":"memstore_01","operation":"modified","created_at":"2026-10-01T10:00:00Z","path":null,"content":null,"content_sha256":null,"content_size_bytes":null,"created_by":{"type":"session_actor","session_id":"sesn_01"},"redacted_by":{"type":"user_actor","user_id":"user_01"},"redacted_at":"2026-10-02T10:00:00Z"}"#;
    let version = decodes_as_documented(|c| c.memory_versions().redact("s", "v"), redacted).await;
    assert_eq!(version.created_by.unwrap().session_id.as_deref(), Some("sesn_01"));
    assert_eq!(version.redacted_by.unwrap().user_id.as_deref(), Some("user_01"));
    assert!(version.redacted_at.is_some() && version.content.is_none());
    let old = r#"{"id":"memver-1","memory_id":"mem-1","store_id":"memstore-1","operation":"created","path":"/a.md","content":"test","content_sha256":"s","size_bytes":4,"actor":{"type":"api_key","id":"ak_1"},"created_at":"2026-05-02T10:00:00.000Z","redacted":false}"#;
    let old = read(old, |c| c.memory_versions().get("s", "v")).await;
    assert_eq!(
        (old.created_by.unwrap().id.as_deref(), old.redacted, old.unknown.len()),
        (Some("ak_1"), Some(false), 0)
    );
}

#[tokio::test]
async fn creating_a_memory_is_not_repeated_once_it_may_have_happened() {
    for generation in GENERATIONS {
        let server = server(json(500, "{}")).await;
        let memories = client(&server, generation).memories();
        let error = memories.create("memstore_01", MemoryCreate::text("/a.md", "hi")).await.unwrap_err();
        assert!(error.may_have_been_processed());
        assert_eq!(received(&server).await.len(), 1);
    }
}
