//! Methods that are composed where the documentation and servers differ.

use polyagent::oma::Generation;
use polyagent::oma::types::*;
use polyagent::{Error, Reason};
use wiremock::matchers::{any, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer};

use super::{client, json, received, routes, server};

const AGENT: &str = r#"{"type":"agent","id":"agent_01","version":2,"name":"triager"}"#;
const ARCHIVED_AGENT: &str =
    r#"{"type":"agent","id":"agent_01","version":2,"name":"triager","archived_at":"2026-10-01T10:00:00Z"}"#;
const SESSION: &str = r#"{"type":"session","id":"sess-1","status":"idle"}"#;

#[tokio::test]
async fn an_agent_is_archived_and_not_deleted_where_the_server_can() {
    for generation in super::GENERATIONS {
        let server = routes(&[("POST", "/v1/agents/agent_01/archive", 200, ARCHIVED_AGENT)]).await;
        let agent = client(&server, generation).agents().archive("agent_01").await.unwrap();
        assert!(agent.archived_at.is_some());
        assert_eq!(received(&server).await, ["POST /v1/agents/agent_01/archive"]);
    }
}

#[tokio::test]
async fn an_agent_is_archived_by_deletion_on_a_server_of_the_documentation_alone() {
    let all = [
        ("GET", "/v1/agents/agent_01", 200, ARCHIVED_AGENT),
        ("DELETE", "/v1/agents/agent_01", 200, r#"{"type":"agent_deleted","id":"agent_01"}"#),
    ];
    let server = routes(&all).await;
    let archived = client(&server, Generation::V0).agents().archive("agent_01").with_response().await.unwrap();
    assert!(archived.value().archived_at.is_some());
    assert_eq!(archived.failed_attempts().len(), 1);
    let get = "GET /v1/agents/agent_01";
    assert_eq!(received(&server).await, ["POST /v1/agents/agent_01/archive", get, "DELETE /v1/agents/agent_01", get]);
    for generation in [Generation::V1, Generation::Anthropic] {
        let server = routes(&all).await;
        let error = client(&server, generation).agents().archive("agent_01").await.unwrap_err();
        assert_eq!(error.reason(), Some(Reason::RouteMissing));
        assert_eq!(received(&server).await, ["POST /v1/agents/agent_01/archive"], "nothing is deleted");
    }
}

#[tokio::test]
async fn a_missing_agent_is_neither_archived_nor_deleted() {
    let server = server(json(404, r#"{"error":"Agent not found"}"#)).await;
    let error = client(&server, Generation::V0).agents().archive("agent_01").await.unwrap_err();
    assert!(matches!(error, Error::NotFound(_)) && error.reason().is_none(), "{error}");
    assert_eq!(received(&server).await.len(), 1);
}

#[tokio::test]
async fn a_session_is_archived_by_deletion_on_a_server_of_the_documentation_alone() {
    let server = routes(&[
        ("GET", "/v1/sessions/sess-1", 200, SESSION),
        ("DELETE", "/v1/sessions/sess-1", 200, r#"{"type":"session_deleted","id":"sess-1"}"#),
    ])
    .await;
    client(&server, Generation::V0).sessions().archive("sess-1").await.unwrap();
    assert_eq!(received(&server).await[2], "DELETE /v1/sessions/sess-1");
    let newer = routes(&[("DELETE", "/v1/sessions/sess-1", 200, r#"{"id":"sess-1"}"#)]).await;
    client(&newer, Generation::V1).sessions().archive("sess-1").await.unwrap_err();
    assert_eq!(received(&newer).await.len(), 1, "nothing is deleted");
    let conflict = super::server(json(409, r#"{"error":"Session is running"}"#)).await;
    let error = client(&conflict, Generation::V0).sessions().archive("sess-1").await.unwrap_err();
    assert!(matches!(error, Error::Conflict(_)));
    assert_eq!(received(&conflict).await, ["POST /v1/sessions/sess-1/archive"]);
}

#[tokio::test]
async fn the_current_version_of_an_agent_is_the_agent_on_v0() {
    let server = routes(&[
        ("GET", "/v1/agents/agent_01", 200, AGENT),
        ("GET", "/v1/agents/agent_01/versions/2", 404, r#"{"error":"Version not found"}"#),
        ("GET", "/v1/agents/agent_01/versions/3", 404, r#"{"error":"Version not found"}"#),
    ])
    .await;
    let agents = client(&server, Generation::V0).agents();
    assert_eq!(agents.version("agent_01", 2).await.unwrap().version, 2);
    let error = agents.version("agent_01", 3).await.unwrap_err();
    assert!(matches!(error, Error::NotFound(_)) && error.message() == "Version not found", "{error}");
    let newer = super::server(json(404, r#"{"error":"Version not found"}"#)).await;
    assert!(client(&newer, Generation::V1).agents().version("agent_01", 3).await.is_err());
    assert_eq!(received(&newer).await.len(), 1);
}

#[tokio::test]
async fn archived_agents_are_asked_for_in_the_words_of_servers_too() {
    let server = server(json(200, r#"{"data":[],"has_more":false}"#)).await;
    let agents = client(&server, Generation::V0).agents();
    for params in [
        ListAgentsParams::new().archived(true),
        ListAgentsParams::new().archived(false),
        ListAgentsParams::new().archived(true).status("any"),
    ] {
        agents.list(params).await.unwrap();
    }
    let want = [
        "GET /v1/agents?archived=true&status=archived",
        "GET /v1/agents?archived=false&status=active",
        "GET /v1/agents?status=any&archived=true",
    ];
    assert_eq!(received(&server).await, want);
}

#[tokio::test]
async fn a_session_is_cancelled_by_an_interrupt_where_there_is_no_route() {
    let interrupt = r#"POST /v1/sessions/sess-1/events {"events":[{"type":"user.interrupt"}]}"#;
    for generation in super::GENERATIONS {
        let server =
            routes(&[("POST", "/v1/sessions/sess-1/events", 202, ""), ("GET", "/v1/sessions/sess-1", 200, SESSION)])
                .await;
        let session = client(&server, generation).sessions().cancel("sess-1").await.unwrap().unwrap();
        assert_eq!(session.id, "sess-1");
        let mut want = vec!["POST /v1/sessions/sess-1/cancel", interrupt, "GET /v1/sessions/sess-1"];
        if generation != Generation::V0 {
            want.remove(0);
        }
        assert_eq!(received(&server).await, want);
    }
    let documented = server(json(200, "")).await;
    assert_eq!(client(&documented, Generation::V0).sessions().cancel("sess-1").await.unwrap(), None);
    assert_eq!(received(&documented).await.len(), 1);
}

#[tokio::test]
async fn a_failure_after_the_interrupt_says_that_something_was_done() {
    let server = routes(&[
        ("POST", "/v1/sessions/sess-1/events", 202, ""),
        ("GET", "/v1/sessions/sess-1", 403, r#"{"error":"no"}"#),
    ])
    .await;
    let error = client(&server, Generation::V0).sessions().cancel("sess-1").await.unwrap_err();
    assert!(matches!(error, Error::PermissionDenied(_)) && error.may_have_been_processed(), "{error}");
    let statuses: Vec<_> = error.attempts().iter().map(|attempt| attempt.status().unwrap().as_u16()).collect();
    assert_eq!(statuses, [404, 403]);
    let get = client(&server, Generation::V0).sessions().get("sess-1").await.unwrap_err();
    assert!(!get.may_have_been_processed(), "the probe can fail");
}

#[tokio::test]
async fn an_interrupt_that_may_have_arrived_is_not_sent_again() {
    let server = MockServer::builder().start().await;
    Mock::given(any()).respond_with(json(500, "{}")).mount(&server).await;
    let error = client(&server, Generation::V1).sessions().cancel("sess-1").await.unwrap_err();
    assert!(error.may_have_been_processed());
    assert_eq!(received(&server).await.len(), 1);
}

const FLAT: &str = r#"{"seq":SEQ,"type":"agent.message","content":[],"ts":1777716003100}"#;
const ROW: &str =
    r#"{"seq":SEQ,"type":"agent.message","data":{"type":"agent.message","id":"e","content":[]},"ts":1777716003}"#;

fn page(template: &str, seqs: impl IntoIterator<Item = i64>, more: &str) -> String {
    let rows: Vec<_> = seqs.into_iter().map(|seq| template.replace("SEQ", &seq.to_string())).collect();
    format!(r#"{{"data":[{}],{more}}}"#, rows.join(","))
}

async fn events(pages: &[(&str, String)]) -> MockServer {
    let server = MockServer::builder().start().await;
    for (after, body) in pages {
        let at = Mock::given(method("GET")).and(path("/v1/sessions/sess-1/events"));
        let at = if after.is_empty() {
            at.and(query_param_is_missing("after_seq")).and(query_param_is_missing("page"))
        } else {
            let (name, value) = after.split_once('=').unwrap();
            at.and(query_param(name, value))
        };
        at.respond_with(json(200, body)).mount(&server).await;
    }
    Mock::given(any()).respond_with(json(404, r#"{"error":"not found"}"#)).with_priority(9).mount(&server).await;
    server
}

fn seqs(page: &polyagent::Page<Event>) -> Vec<i64> {
    page.iter().map(|event| event.seq().unwrap()).collect()
}

#[tokio::test]
async fn the_whole_log_is_read_by_pages_where_there_is_no_route() {
    let server = events(&[
        ("", page(ROW, 1..=2, r#""has_more":true"#)),
        ("after_seq=2", page(FLAT, 3..=3, r#""has_more":false"#)),
    ])
    .await;
    let log = client(&server, Generation::V0).sessions().log("sess-1").await.unwrap();
    assert_eq!(seqs(&log), [1, 2, 3]);
    assert!(log.next_cursor().is_none());
    let want = [
        "GET /v1/sessions/sess-1/log",
        "GET /v1/sessions/sess-1/events?limit=100",
        "GET /v1/sessions/sess-1/events?limit=100&after_seq=2",
    ];
    assert_eq!(received(&server).await, want);

    let documented = server_of_log().await;
    let log = client(&documented, Generation::V0).sessions().log("sess-1").await.unwrap();
    assert_eq!(seqs(&log), [1, 2]);
    assert_eq!(received(&documented).await.len(), 1);
}

async fn server_of_log() -> MockServer {
    let rows = page(ROW, 1..=2, "\"x\":0");
    let array = rows.strip_prefix("{\"data\":").unwrap().strip_suffix(",\"x\":0}").unwrap();
    server(json(200, array)).await
}

async fn last(server: &MockServer, generation: Generation, count: u32) -> Vec<i64> {
    let sessions = client(server, generation).sessions();
    let page = sessions.events("sess-1", ListSessionEventsParams::new()).last(count).await.unwrap();
    assert!(page.next_cursor().is_none());
    seqs(&page)
}

#[tokio::test]
async fn the_last_events_come_newest_first() {
    // A hosted server obeys `order`.
    let hosted = events(&[("", page(ROW, [9, 8, 7], r#""has_more":true"#))]).await;
    assert_eq!(last(&hosted, Generation::V0, 3).await, [9, 8, 7]);
    assert_eq!(last(&hosted, Generation::V0, 1).await, [9]);
    let want = ["limit=3", "limit=2"].map(|limit| format!("GET /v1/sessions/sess-1/events?order=desc&{limit}"));
    assert_eq!(received(&hosted).await, want);
    // A self-hosted one does not: it is read to the end.
    let node = events(&[
        ("", page(FLAT, [1, 2], r#""has_more":true"#)),
        ("after_seq=2", page(FLAT, 3..=6, r#""has_more":true"#)),
        ("after_seq=6", page(FLAT, [7], r#""has_more":false"#)),
    ])
    .await;
    assert_eq!(last(&node, Generation::V0, 2).await, [7, 6]);
    assert_eq!(received(&node).await.len(), 3);
    let few = events(&[("", page(FLAT, [1, 2], r#""has_more":false"#))]).await;
    assert_eq!(last(&few, Generation::V0, 5).await, [2, 1]);
    let empty = events(&[("", page(FLAT, [], r#""has_more":false"#))]).await;
    assert_eq!(last(&empty, Generation::V0, 5).await, [0; 0]);
}

#[tokio::test]
async fn more_last_events_than_a_page_of_a_hosted_server_are_read_from_the_start() {
    let server = MockServer::builder().start().await;
    let pages = [
        (vec![("order", "desc")], page(ROW, [9, 8], r#""has_more":true"#)),
        (vec![("after_seq", "6")], page(ROW, 7..=9, r#""has_more":false"#)),
        (vec![("limit", "100")], page(ROW, 5..=6, r#""has_more":true"#)),
    ];
    for (priority, (pairs, body)) in (1..).zip(pages) {
        let start = Mock::given(method("GET"));
        let at = pairs.into_iter().fold(start, |at, (name, value)| at.and(query_param(name, value)));
        at.respond_with(json(200, &body)).with_priority(priority).mount(&server).await;
    }
    assert_eq!(last(&server, Generation::V0, 4).await, [9, 8, 7, 6]);
    let at = "GET /v1/sessions/sess-1/events";
    let want = ["?order=desc&limit=4", "?limit=100", "?limit=100&after_seq=6"].map(|query| format!("{at}{query}"));
    assert_eq!(received(&server).await, want);
}

#[tokio::test]
async fn the_last_events_of_newer_servers_are_read_by_their_tokens() {
    let message = |id: &str| format!(r#"{{"type":"agent.message","id":"{id}","content":[]}}"#);
    let page = |ids: [&str; 2], next: &str| {
        format!(r#"{{"data":[{},{}],"next_page":{next}}}"#, message(ids[0]), message(ids[1]))
    };
    let server = events(&[("", page(["e9", "e8"], "\"pg_2\"")), ("page=pg_2", page(["e7", "e6"], "\"pg_3\""))]).await;
    let sessions = client(&server, Generation::V1).sessions();
    let newest = sessions.events("sess-1", ListSessionEventsParams::new()).last(3).await.unwrap();
    let ids: Vec<_> = newest.iter().map(|event| event.id().unwrap()).collect();
    assert_eq!(ids, ["e9", "e8", "e7"]);
    let at = "GET /v1/sessions/sess-1/events?order=desc&limit=3";
    assert_eq!(received(&server).await, [at.to_owned(), format!("{at}&page=pg_2")]);
    let none = sessions.events("sess-1", ListSessionEventsParams::new()).last(0).await.unwrap_err();
    assert!(matches!(none, Error::InvalidArgument(_)), "{none}");
}
