//! Values that do not match the document.

use polyagent::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{ABSENT, Wire};

/// The violations of a response, as type and place.
fn violations(response: &super::Raw) -> Vec<(String, Value)> {
    assert_eq!(response.status, 422, "{}", response.body);
    let detail = response.json()["detail"].as_array().unwrap().clone();
    detail.iter().map(|item| (super::text(&item["type"]), item["loc"].clone())).collect()
}

fn one(kind: &str, at: Value) -> Vec<(String, Value)> {
    vec![(kind.to_owned(), at)]
}

#[tokio::test]
async fn lists_all_violations_in_the_documents_order() {
    let wire = Wire::start().await;
    let found = violations(&wire.post("/events", r#"{"role":5}"#).await);
    let missing = |name: &str| ("missing".to_owned(), json!(["body", name]));
    let expected = [
        missing("anima_id"),
        missing("event_type"),
        missing("content"),
        ("string_type".to_owned(), json!(["body", "role"])),
    ];
    assert_eq!(found, expected);
    assert_eq!(violations(&wire.post("/animas", "").await), one("missing", json!(["body"])));
    assert_eq!(violations(&wire.post("/animas", "[]").await), one("dict_type", json!(["body"])));
}

#[tokio::test]
async fn names_what_is_wrong_with_each_value_and_echoes_it() {
    let wire = Wire::start().await;
    for (name, value, kind) in [
        ("content", json!(5), "string_type"),
        ("content", json!(null), "string_type"),
        ("event_type", json!("MESSAGE_IN"), "enum"),
        ("role", json!("r".repeat(51)), "string_too_long"),
        ("session_id", json!("é".repeat(256)), "string_too_long"),
        ("meta", json!([1]), "dict_type"),
        ("importance_score", json!(-0.1), "greater_than_equal"),
        ("importance_score", json!(1.1), "less_than_equal"),
        ("importance_score", json!("x"), "float_type"),
        ("occurred_at", json!("x"), "datetime_from_date_parsing"),
        ("anima_id", json!("agent-01"), "uuid_parsing"),
    ] {
        let mut body = json!({"anima_id": ABSENT, "event_type": "system", "content": "x"});
        body[name] = value.clone();
        let response = wire.post("/events", &body).await;
        assert_eq!(violations(&response), one(kind, json!(["body", name])), "{name}: {value}");
        assert_eq!(response.json()["detail"][0]["input"], value);
    }
}

#[tokio::test]
async fn accepts_null_and_empty_where_they_are_allowed() {
    let wire = Wire::start().await;
    let anima_id = wire.anima("Ada").await;
    for (name, value) in [
        ("role", json!(null)),
        ("role", json!("é".repeat(50))),
        ("importance_score", json!(null)),
        ("occurred_at", json!(null)),
        ("content", json!("")),
        ("anima_id", json!(anima_id.to_uppercase())),
    ] {
        let mut body = json!({"anima_id": anima_id, "event_type": "system", "content": "x"});
        body[name] = value.clone();
        assert_eq!(wire.post("/events", &body).await.status, 201, "{name}: {value}");
    }
    assert_eq!(wire.post("/animas", json!({"name": "", "meta": null, "description": null})).await.status, 201);
}

#[tokio::test]
async fn checks_paths_and_queries() {
    let wire = Wire::start().await;
    for (query, kind) in [
        ("limit=0", "greater_than_equal"),
        ("limit=201", "less_than_equal"),
        ("offset=-1", "greater_than_equal"),
        ("limit=x", "int_parsing"),
        ("include_deleted=maybe", "bool_parsing"),
    ] {
        let name = query.split_once('=').unwrap().0;
        let response = wire.get(&format!("/animas?{query}")).await;
        assert_eq!(violations(&response), one(kind, json!(["query", name])), "{query}");
    }
    for query in ["limit=1", "limit=200", "limit=0&limit=5", "include_deleted=true", "unknown=1"] {
        assert_eq!(wire.get(&format!("/animas?{query}")).await.status, 200, "{query}");
    }
    assert_eq!(violations(&wire.get("/events").await), one("missing", json!(["query", "anima_id"])));
    assert_eq!(violations(&wire.get("/animas/agent-01").await), one("uuid_parsing", json!(["path", "anima_id"])));
    let lower = wire.get(&format!("/knowledge/type/fact?anima_id={ABSENT}")).await;
    assert_eq!(violations(&lower), one("enum", json!(["path", "knowledge_type"])));
}

#[tokio::test]
async fn reads_json_without_a_content_type_and_nothing_else() {
    let wire = Wire::start().await;
    let post = || wire.request(Method::POST, "/animas").body(r#"{"name":"Ada"}"#);
    assert_eq!(wire.send(post()).await.status, 201);
    assert_eq!(wire.send(post().header("content-type", "text/plain")).await.status, 422);
    assert_eq!(wire.post("/animas", "\u{feff}{\"name\":\"a\"}").await.status, 201);
    for body in [r#"{"name": "a",}"#, r#"{"name":"a"} x"#] {
        let malformed = wire.post("/animas", body).await;
        assert_eq!(malformed.json()["detail"][0]["type"], json!("json_invalid"), "{body}");
    }
}

/// The first line of the response to a request that ends after these bytes.
async fn first_line(wire: &Wire, request: &[u8]) -> String {
    let mut socket = TcpStream::connect(("127.0.0.1", wire.sandbox.port())).await.unwrap();
    // A server that has read enough may respond and close at any byte.
    let _ = socket.write_all(request).await;
    let _ = socket.shutdown().await;
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn responds_to_malformed_http_with_a_status_or_the_end_of_the_connection() {
    let wire = Wire::start().await;
    let head = "POST /elephantasm/api/animas HTTP/1.1\r\nhost: h\r\nconnection: close\r\n";
    let many = "x: y\r\n".repeat(1000);
    for (request, line) in [
        (format!("{head}content-length: 100\r\n\r\n{{\"na"), "HTTP/1.1 400 Bad Request"),
        (format!("{head}transfer-encoding: chunked\r\n\r\nzz\r\n{{}}"), "HTTP/1.1 400 Bad Request"),
        (format!("{head}content-length: x\r\n\r\n"), "HTTP/1.1 400 Bad Request"),
        (format!("{head}{many}\r\n"), "HTTP/1.1 431 Request Header Fields Too Large"),
        (format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(70_000)), "HTTP/1.1 414 URI Too Long"),
        ("GET /elephantasm/api/hea".to_owned(), ""),
        ("\u{16}\u{3}\u{1}\u{2}".to_owned(), "HTTP/1.1 400 Bad Request"),
    ] {
        let start: String = request.chars().take(120).collect();
        assert_eq!(first_line(&wire, request.as_bytes()).await, line, "{start}");
    }
    let large = wire.post("/animas", " ".repeat(64 * 1024 * 1024 + 1)).await;
    assert_eq!(large.status, 413);
    assert_eq!(wire.get("/animas").await.status, 200);
}

#[tokio::test]
async fn the_client_reads_the_violations() {
    let wire = Wire::start().await;
    let client = wire.sandbox.elephantasm();
    let request = client.raw(Method::GET, ["api", "animas", "agent-01"]);
    let error = request.await.unwrap_err();
    assert!(error.is_unprocessable_entity(), "{error}");
    assert_eq!(error.field_errors()[0].path(), "path.anima_id");
}
