//! Requests of the official Python SDK, version 0.2.0, byte for byte but for host, key and ids.

use polyagent::sandbox::Sandbox;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::sandbox::text;

/// The status and body of the response to a request that begins with `line`.
async fn send(sandbox: &Sandbox, line: &str, body: &str) -> (u16, Value) {
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let request = format!(
        "{line} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\nConnection: close\r\n\
         User-Agent: python-httpx/0.28.1\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n{length}\r\n{body}",
        sandbox.key()
    );
    let mut socket = TcpStream::connect(("127.0.0.1", sandbox.port())).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    socket.read_to_string(&mut response).await.unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn the_official_python_sdk_can_use_a_sandbox() {
    let sandbox = Sandbox::start().await.unwrap();
    let created = send(&sandbox, "POST /elephantasm/api/animas", r#"{"name":"Ada","meta":{"k":1}}"#).await;
    assert_eq!((created.0, &created.1["meta"]), (201, &json!({"k": 1})));
    let anima = text(&created.1["id"]);
    let event = format!(
        r#"{{"anima_id":"{anima}","event_type":"message.in","content":"I like green tea.","session_id":"s","meta":{{}},"importance_score":1.0}}"#
    );
    let event = send(&sandbox, "POST /elephantasm/api/events", &event).await;
    assert_eq!((event.0, &event.1["importance_score"], &event.1["role"]), (201, &json!(1.0), &json!(null)));
    let path = format!("GET /elephantasm/api/animas/{anima}/memory-packs/latest");
    let asked = send(&sandbox, &format!("{path}?query=Which+tea%3F&preset=conversational"), "").await;
    assert_eq!((asked.0, &asked.1["query"]), (200, &json!("Which tea?")));
    assert!(text(&asked.1["content"]["context"]).contains("I like green tea."));
    assert_eq!(send(&sandbox, &path, "").await, asked, "the newest pack");
}
