//! The list of what is wrong, byte for byte.

use polyagent::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{ABSENT, Wire};

/// An event that is in order.
fn event() -> Value {
    json!({"anima_id": ABSENT, "event_type": "system", "content": "x"})
}

/// The entries for an event with one value changed, without the rejected value, which `input` must echo.
async fn refused(wire: &Wire, name: &str, value: &Value) -> Vec<Value> {
    let mut body = event();
    body[name] = value.clone();
    let answer = wire.post("/events", &body).await;
    assert_eq!(answer.status, 422, "{name}: {value}: {}", answer.body);
    let mut list = answer.json()["detail"].as_array().unwrap().clone();
    for entry in &mut list {
        assert_eq!(entry["input"], *value, "the value is echoed");
        entry.as_object_mut().unwrap().remove("input");
    }
    list
}

#[tokio::test]
async fn a_missing_field_is_missing_in_the_whole_body() {
    let wire = Wire::start().await;
    let answer = wire.post("/animas", "{}").await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (422, r#"{"detail":[{"type":"missing","loc":["body","name"],"msg":"Field required","input":{}}]}"#)
    );
    let answer = wire.post("/events", r#"{"role":5}"#).await;
    let loc: Vec<String> =
        answer.json()["detail"].as_array().unwrap().iter().map(|entry| entry["loc"][1].to_string()).collect();
    assert_eq!(
        loc,
        [r#""anima_id""#, r#""event_type""#, r#""content""#, r#""role""#],
        "all of them, in the document's order"
    );
    let answer = wire.post("/animas", "").await;
    assert_eq!(answer.body, r#"{"detail":[{"type":"missing","loc":["body"],"msg":"Field required","input":null}]}"#);
}

#[tokio::test]
async fn a_bad_id_in_the_path_is_told_where_it_goes_wrong() {
    let wire = Wire::start().await;
    let answer = wire.get("/animas/agent-01").await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (
            422,
            r#"{"detail":[{"type":"uuid_parsing","loc":["path","anima_id"],"msg":"Input should be a valid UUID, invalid character: found `g` at 2","input":"agent-01","ctx":{"error":"invalid character: found `g` at 2"}}]}"#
        )
    );
}

#[tokio::test]
async fn malformed_json_is_told_with_the_character_it_breaks_at() {
    let wire = Wire::start().await;
    for (body, at, reason) in [
        (r#"{"name": "a",}"#, 13, "Expecting property name enclosed in double quotes"),
        (r#"{"name":}"#, 8, "Expecting value"),
        (r#"{"é":}"#, 5, "Expecting value"),
        (r#"{"name":"a"} x"#, 13, "Extra data"),
    ] {
        let answer = wire.post("/animas", body).await;
        let expected = format!(
            r#"{{"detail":[{{"type":"json_invalid","loc":["body",{at}],"msg":"JSON decode error","input":{{}},"ctx":{{"error":"{reason}"}}}}]}}"#
        );
        assert_eq!((answer.status, answer.body), (422, expected));
    }
}

#[tokio::test]
async fn an_event_type_is_one_of_five_dotted_words() {
    let wire = Wire::start().await;
    let expected = "'message.in', 'message.out', 'tool.call', 'tool.result' or 'system'";
    for word in [json!("MESSAGE_IN"), json!("message"), json!(5), json!(null)] {
        let list = refused(&wire, "event_type", &word).await;
        assert_eq!(
            list,
            [
                json!({"type": "enum", "loc": ["body", "event_type"], "msg": format!("Input should be {expected}"), "ctx": {"expected": expected}})
            ]
        );
    }
}

#[tokio::test]
async fn every_value_has_its_own_complaint() {
    let wire = Wire::start().await;
    for (name, value, kind, message) in [
        ("content", json!(5), "string_type", "Input should be a valid string"),
        ("content", json!(null), "string_type", "Input should be a valid string"),
        ("role", json!("r".repeat(51)), "string_too_long", "String should have at most 50 characters"),
        ("session_id", json!("é".repeat(256)), "string_too_long", "String should have at most 255 characters"),
        ("meta", json!(null), "dict_type", "Input should be a valid dictionary"),
        ("meta", json!([1]), "dict_type", "Input should be a valid dictionary"),
        ("importance_score", json!(-0.1), "greater_than_equal", "Input should be greater than or equal to 0"),
        ("importance_score", json!(1.1), "less_than_equal", "Input should be less than or equal to 1"),
        (
            "importance_score",
            json!("x"),
            "float_parsing",
            "Input should be a valid number, unable to parse string as a number",
        ),
        (
            "occurred_at",
            json!("x"),
            "datetime_from_date_parsing",
            "Input should be a valid datetime or date, input is too short",
        ),
        ("occurred_at", json!(true), "datetime_type", "Input should be a valid datetime"),
        (
            "occurred_at",
            json!("0000-01-01T00:00:00Z"),
            "datetime_parsing",
            "Input should be a valid datetime, year 0 is out of range",
        ),
        ("anima_id", json!(5), "uuid_type", "UUID input should be a string, bytes or UUID object"),
    ] {
        let list = refused(&wire, name, &value).await;
        let [entry] = &list[..] else { panic!("{list:?}") };
        assert_eq!((&entry["type"], &entry["msg"]), (&json!(kind), &json!(message)), "{name}: {value}");
        assert_eq!(entry["loc"], json!(["body", name]));
    }
    let high = refused(&wire, "importance_score", &json!(2)).await;
    assert_eq!(high[0]["ctx"], json!({"le": 1.0}));
}

#[tokio::test]
async fn what_fits_is_taken() {
    let wire = Wire::start().await;
    let anima_id = wire.anima("Ada").await;
    for (name, value) in [
        ("role", json!(null)),
        ("role", json!("é".repeat(50))),
        ("importance_score", json!("0.5")),
        ("importance_score", json!(null)),
        ("occurred_at", json!(null)),
        ("content", json!("")),
        ("anima_id", json!(anima_id.to_uppercase())),
    ] {
        let mut body = event();
        body["anima_id"] = json!(anima_id);
        body[name] = value.clone();
        assert_eq!(wire.post("/events", &body).await.status, 201, "{name}: {value}");
    }
    assert_eq!(wire.post("/animas", json!({"name": "", "meta": null, "description": null})).await.status, 201);
}

#[tokio::test]
async fn bounds_of_the_query_are_the_documents() {
    let wire = Wire::start().await;
    for (query, kind, context) in [
        ("limit=0", "greater_than_equal", json!({"ge": 1})),
        ("limit=201", "less_than_equal", json!({"le": 200})),
        ("limit=99999999999999999999", "less_than_equal", json!({"le": 200})),
        ("offset=-1", "greater_than_equal", json!({"ge": 0})),
        ("limit=x", "int_parsing", json!(null)),
        ("include_deleted=maybe", "bool_parsing", json!(null)),
    ] {
        let answer = wire.get(&format!("/animas?{query}")).await;
        let (name, value) = query.split_once('=').unwrap();
        let entry = &answer.json()["detail"][0];
        assert_eq!((answer.status, &entry["type"], &entry["ctx"]), (422, &json!(kind), &context), "{query}");
        assert_eq!((&entry["loc"], &entry["input"]), (&json!(["query", name]), &json!(value)));
    }
    for query in ["limit=1", "limit=200", "limit=0&limit=5", "include_deleted=yes", "unknown=1"] {
        assert_eq!(wire.get(&format!("/animas?{query}")).await.status, 200, "{query}");
    }
    let missing = wire.get("/events").await;
    assert_eq!(
        missing.body,
        r#"{"detail":[{"type":"missing","loc":["query","anima_id"],"msg":"Field required","input":null}]}"#
    );
}

#[tokio::test]
async fn a_kind_of_knowledge_is_in_upper_case() {
    let wire = Wire::start().await;
    let answer = wire.get(&format!("/knowledge/type/fact?anima_id={ABSENT}")).await;
    assert_eq!((answer.status, &answer.json()["detail"][0]["loc"]), (422, &json!(["path", "knowledge_type"])));
    assert_eq!(wire.get(&format!("/knowledge/type/FACT?anima_id={ABSENT}")).await.body, "[]");
}

#[tokio::test]
async fn a_body_without_a_content_type_is_json_and_text_is_not() {
    let wire = Wire::start().await;
    let post = || wire.request(Method::POST, "/animas").body(r#"{"name":"Ada"}"#);
    assert_eq!(wire.send(post()).await.status, 201);
    let text = wire.send(post().header("content-type", "text/plain")).await;
    assert_eq!((text.status, &text.json()["detail"][0]["type"]), (422, &json!("model_attributes_type")));
    let list = wire.post("/animas", "[]").await;
    assert_eq!(
        list.body,
        r#"{"detail":[{"type":"model_attributes_type","loc":["body"],"msg":"Input should be a valid dictionary or object to extract fields from","input":[]}]}"#
    );
}

/// The first line of the answer to a request that ends after these bytes.
async fn first_line(wire: &Wire, request: &[u8]) -> String {
    let mut socket = TcpStream::connect(("127.0.0.1", wire.sandbox.port())).await.unwrap();
    // A server that has read enough may answer and close at any byte.
    let _ = socket.write_all(request).await;
    let _ = socket.shutdown().await;
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn bytes_that_are_no_request_get_an_answer_or_the_end_of_the_connection() {
    let wire = Wire::start().await;
    let head = "POST /api/animas HTTP/1.1\r\nhost: h\r\nconnection: close\r\n";
    let many = "x: y\r\n".repeat(1000);
    for (request, line) in [
        (format!("{head}content-length: 100\r\n\r\n{{\"na"), "HTTP/1.1 400 Bad Request"),
        (format!("{head}transfer-encoding: chunked\r\n\r\nzz\r\n{{}}"), "HTTP/1.1 400 Bad Request"),
        (format!("{head}content-length: x\r\n\r\n"), "HTTP/1.1 400 Bad Request"),
        (format!("{head}{many}\r\n"), "HTTP/1.1 431 Request Header Fields Too Large"),
        (format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(70_000)), "HTTP/1.1 414 URI Too Long"),
        ("GET /api/hea".to_owned(), ""),
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
async fn the_client_reads_the_list() {
    let wire = Wire::start().await;
    let client = wire.sandbox.elephantasm();
    let request = client.raw(Method::GET, ["api", "animas", "agent-01"]);
    let error = request.await.unwrap_err();
    assert!(error.is_unprocessable_entity(), "{error}");
    assert_eq!(error.field_errors()[0].path(), "path.anima_id");
}
