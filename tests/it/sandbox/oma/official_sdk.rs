//! Requests of the official Anthropic SDKs, byte for byte but for host, key, ids and telemetry headers.
//!
//! Python 2.14.0 sends Bearer and `anthropic-version: 2026-10-21`; Python 1.17.0 sends the same with `X-Api-Key`,
//! `anthropic-version: 2023-06-01` and `beta=true` as the first pair of the query.

use std::time::Duration;

use polyagent::sandbox::oma::{Settings, Turn};
use polyagent::sandbox::{Sandbox, SandboxBuilder};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::sandbox::text;

const MANAGED_AGENTS: &str = "anthropic-beta: managed-agents-2026-04-01\r\n";
const MEMORY: &str = "anthropic-beta: agent-memory-2026-07-22\r\n";
const DREAMING: &str = "anthropic-beta: dreaming-2026-04-21\r\n";
const NONE: &str = "";
const JSON: &str = "Content-Type: application/json\r\n";

/// Which SDK.
#[derive(Clone, Copy, PartialEq)]
enum Sdk {
    Python2,
    Python1,
}

struct Server {
    sandbox: Sandbox,
    sdk: Sdk,
}

impl Server {
    async fn start(sdk: Sdk, set: impl FnOnce(Settings) -> Settings) -> Self {
        let builder: SandboxBuilder = Sandbox::builder().oma(set);
        Self { sandbox: builder.start().await.unwrap(), sdk }
    }

    async fn open(&self, line: &str, headers: &str, body: &str) -> TcpStream {
        let (method, target) = line.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query = match (self.sdk, query) {
            (Sdk::Python2, "") => String::new(),
            (Sdk::Python2, query) => format!("?{query}"),
            (Sdk::Python1, "") => "?beta=true".to_owned(),
            (Sdk::Python1, query) => format!("?beta=true&{query}"),
        };
        let key = self.sandbox.key();
        let credential = match self.sdk {
            Sdk::Python2 => format!("Authorization: Bearer {key}\r\nanthropic-version: 2026-10-21\r\n"),
            Sdk::Python1 => format!("X-Api-Key: {key}\r\nanthropic-version: 2023-06-01\r\n"),
        };
        // An empty POST says so, a DELETE says nothing.
        let length = match (method, body) {
            ("GET" | "DELETE", _) => String::new(),
            (_, body) => format!("Content-Length: {}\r\n", body.len()),
        };
        let accept = if headers.contains("Accept: ") { "" } else { "Accept: application/json\r\n" };
        let request = format!(
            "{method} /oma{path}{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n{accept}Accept-Encoding: gzip, deflate\r\n\
             Connection: close\r\nUser-Agent: Anthropic/Python 2.14.0\r\n{credential}{headers}{length}\r\n{body}"
        );
        let mut socket = TcpStream::connect(("127.0.0.1", self.sandbox.port())).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        socket
    }

    /// The status and body of the response.
    async fn raw(&self, line: &str, headers: &str, body: &str) -> (u16, String) {
        let mut response = String::new();
        self.open(line, headers, body).await.read_to_string(&mut response).await.unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    async fn send(&self, line: &str, headers: &str, body: &str) -> (u16, Value) {
        let headers = if line.starts_with("GET") { headers.to_owned() } else { format!("{headers}{JSON}") };
        let (status, body) = self.raw(line, &headers, body).await;
        (status, serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {status} {body}")))
    }

    async fn made(&self, line: &str, headers: &str, body: &str) -> Value {
        let (status, made) = self.send(line, headers, body).await;
        assert!(status == 200 || status == 201, "{line}: {status} {made}");
        made
    }
}

fn id(made: &Value) -> String {
    text(&made["id"])
}

/// Requests 1 to 19, 24 and 25 of the captured list, with ids of objects that exist.
#[tokio::test]
async fn the_official_python_sdks_can_use_a_sandbox() {
    for (sdk, anthropic) in [(Sdk::Python2, false), (Sdk::Python1, false), (Sdk::Python2, true), (Sdk::Python1, true)] {
        let it = Server::start(sdk, |it| {
            let it = it.pace(Duration::ZERO);
            if anthropic { it.anthropic() } else { it }
        })
        .await;
        let m = MANAGED_AGENTS;
        let agent = it.made(
            "POST /v1/agents",
            m,
            r#"{"model":"claude-sonnet-5","name":"triager","metadata":{"team":"a"},"system":"Be short.","tools":[{"type":"agent_toolset_20260401"}]}"#,
        );
        let agent = agent.await;
        assert_eq!((&agent["version"], &agent["system"]), (&json!(1), &json!("Be short.")));
        let agent = id(&agent);
        it.made("POST /v1/agents", m, r#"{"model":"claude-sonnet-5","name":"second"}"#).await;
        let query = "created_at%5Bgte%5D=2026-10-01T10%3A00%3A00%2B00%3A00&include_archived=true&limit=1";
        let first = it.made(&format!("GET /v1/agents?{query}"), m, "").await;
        assert_eq!((&first["data"][0]["name"], first["data"].as_array().unwrap().len()), (&json!("second"), 1));
        let second = it.made(&format!("GET /v1/agents?{query}&page={}", text(&first["next_page"])), m, "").await;
        assert_eq!((&second["data"][0]["id"], &second["next_page"]), (&json!(agent), &Value::Null));
        let changed =
            it.made(&format!("POST /v1/agents/{agent}"), m, r#"{"name":"t2","system":null,"version":1}"#).await;
        assert_eq!(
            (&changed["name"], &changed["system"], &changed["version"]),
            (&json!("t2"), &Value::Null, &json!(2))
        );
        let old = it.made(&format!("GET /v1/agents/{agent}?version=1"), m, "").await;
        assert_eq!(old["name"], "triager");

        let environment = id(&it.made("POST /v1/environments", m, r#"{"name":"e"}"#).await);
        let (status, upload) = it.raw("POST /v1/files", &upload_headers(anthropic), UPLOAD).await;
        assert_eq!(status, 200, "{upload}");
        let file = id(&serde_json::from_str(&upload).unwrap());
        let vault = id(&it.made("POST /v1/vaults", m, r#"{"display_name":"v"}"#).await);
        let body = format!(
            r#"{{"agent":"{agent}","environment_id":"{environment}","resources":[{{"type":"file","file_id":"{file}"}}],"title":"triage","vault_ids":["{vault}"]}}"#
        );
        let made = it.made("POST /v1/sessions", m, &body).await;
        assert_eq!((&made["title"], &made["agent"]["version"]), (&json!("triage"), &json!(2)));
        assert_eq!(made["resources"][0]["file_id"], json!(file));
        let session = id(&made);
        let query = format!(
            "agent_id={agent}&created_at%5Bgt%5D=2026-10-01T10%3A00%3A00%2B00%3A00&limit=20&order=desc&statuses%5B%5D=idle&statuses%5B%5D=running"
        );
        assert_eq!(it.made(&format!("GET /v1/sessions?{query}"), m, "").await["data"][0]["id"], json!(session));
        let changed =
            it.made(&format!("POST /v1/sessions/{session}"), m, r#"{"metadata":{"k":null},"title":"x"}"#).await;
        assert_eq!(changed["title"], "x");

        let hi = r#"{"events":[{"type":"user.message","content":[{"type":"text","text":"hi"}]}]}"#;
        let sent = it.made(&format!("POST /v1/sessions/{session}/events"), m, hi).await;
        assert_eq!(sent["data"][0]["content"], json!([{"type": "text", "text": "hi"}]));
        assert_eq!((sent["data"][0]["id"].is_string(), &sent["data"][0]["processed_at"]), (true, &Value::Null));
        let query = "created_at%5Bgte%5D=2026-10-01T10%3A00%3A00%2B00%3A00&limit=100&order=asc&types%5B%5D=agent.message&types%5B%5D=session.error";
        let listed = it.made(&format!("GET /v1/sessions/{session}/events?{query}"), m, "").await;
        assert_eq!(listed["data"][0]["content"][0]["text"], "You said: hi");

        let body = r#"{"auth":{"type":"static_bearer","token":"tok","mcp_server_url":"https://mcp.example.com/mcp"},"display_name":"n"}"#;
        let credential = it.made(&format!("POST /v1/vaults/{vault}/credentials"), m, body).await;
        assert_eq!(
            credential["auth"],
            json!({"type": "static_bearer", "mcp_server_url": "https://mcp.example.com/mcp"})
        );

        let store = id(&it.made("POST /v1/memory_stores", MEMORY, r#"{"name":"s"}"#).await);
        let path = format!("/v1/memory_stores/{store}/memories");
        let memory = it.made(&format!("POST {path}?view=full"), MEMORY, r#"{"content":"hi","path":"/a.md"}"#).await;
        assert_eq!(memory["content"], "hi");
        let listed = it.made(&format!("GET {path}?depth=1&path_prefix=%2F&view=basic"), MEMORY, "").await;
        assert_eq!(listed["data"][0]["content"], Value::Null);
        let (one, sum) = (format!("{path}/{}", id(&memory)), text(&memory["content_sha256"]));
        let body = format!(r#"{{"content":"x","precondition":{{"type":"content_sha256","content_sha256":"{sum}"}}}}"#);
        let sum = text(&it.made(&format!("POST {one}"), MEMORY, &body).await["content_sha256"]);
        let gone = it.made(&format!("DELETE {one}?expected_content_sha256={sum}"), MEMORY, "").await;
        assert_eq!(gone["type"], "memory_deleted");

        let body = format!(
            r#"{{"inputs":[{{"type":"memory_store","memory_store_id":"{store}"}}],"model":"claude-sonnet-5"}}"#
        );
        assert_eq!(it.made("POST /v1/dreams", DREAMING, &body).await["status"], "pending");
        let models = it.made("GET /v1/models?limit=1", NONE, "").await;
        let query = format!("limit=1&after_id={}", text(&models["last_id"]));
        assert_eq!(it.made(&format!("GET /v1/models?{query}"), NONE, "").await["has_more"], false);

        let (status, archived) = it.send(&format!("POST /v1/agents/{agent}/archive"), m, "").await;
        assert_eq!((status, archived["archived_at"].is_string()), (200, true));
        let (status, gone) = it.send(&format!("DELETE /v1/sessions/{session}"), m, "").await;
        assert_eq!((status, &gone["type"]), (200, &json!("session_deleted")), "{gone}");
        let (status, gone) = it.send(&format!("DELETE /v1/environments/{environment}"), m, "").await;
        assert_eq!((status, &gone["type"]), (200, &json!("environment_deleted")), "{gone}");
    }
}

const UPLOAD: &str = concat!(
    "--0123456789abcdef0123456789abcdef\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n",
    "Content-Type: text/plain\r\n\r\nhello\r\n--0123456789abcdef0123456789abcdef--\r\n"
);

/// openma demands the beta that newer SDKs do not send any more: users add it by hand.
fn upload_headers(anthropic: bool) -> String {
    let beta = if anthropic { "" } else { "anthropic-beta: files-api-2025-04-14\r\n" };
    format!("{beta}Content-Type: multipart/form-data; boundary=0123456789abcdef0123456789abcdef\r\n")
}

/// Requests 20 to 23: without a beta, which Anthropic accepts and openma does not.
#[tokio::test]
async fn files_and_skills_need_their_beta_on_openma_only() {
    const SKILL: &str = concat!(
        "--b\r\nContent-Disposition: form-data; name=\"display_name\"\r\n\r\nDo\r\n",
        "--b\r\nContent-Disposition: form-data; name=\"files[]\"; filename=\"do/SKILL.md\"\r\n",
        "Content-Type: text/markdown\r\n\r\n---\nname: do\n---\n\r\n--b--\r\n"
    );
    let form = "Content-Type: multipart/form-data; boundary=b\r\n";
    let anthropic = Server::start(Sdk::Python2, Settings::anthropic).await;
    let (_, upload) = anthropic.raw("POST /v1/files", &upload_headers(true), UPLOAD).await;
    let file = id(&serde_json::from_str(&upload).unwrap());
    let (status, list) = anthropic.send(&format!("GET /v1/files?ids%5B%5D={file}&ids%5B%5D=file_2"), NONE, "").await;
    assert_eq!((status, list["data"].as_array().unwrap().len()), (200, 1));
    assert_eq!(anthropic.send("GET /v1/files?limit=10&scope_id=sesn_01", NONE, "").await.1["data"], json!([]));
    let content = format!("GET /v1/files/{file}/content");
    assert_eq!(anthropic.raw(&content, "Accept: application/binary\r\n", "").await, (200, "hello".to_owned()));
    let (status, skill) = anthropic.raw("POST /v1/skills", form, SKILL).await;
    let skill: Value = serde_json::from_str(&skill).unwrap();
    assert_eq!((status, &skill["display_name"], &skill["source"]["type"]), (200, &json!("Do"), &json!("custom")));

    let openma = Server::start(Sdk::Python2, |it| it).await;
    let bare = "Content-Type: multipart/form-data; boundary=0123456789abcdef0123456789abcdef\r\n";
    let (status, refused) = openma.raw("POST /v1/files", bare, UPLOAD).await;
    assert_eq!(status, 400);
    assert!(refused.contains("Missing required anthropic-beta flag: files-api-2025-04-14"), "{refused}");
    assert_eq!(openma.raw("POST /v1/skills", form, SKILL).await.0, 400);
}

/// Requests 13 and 14: `Accept: application/json`, as the SDKs send it for streams.
#[tokio::test]
async fn streams_are_written_as_the_official_sdks_read_them() {
    let it = Server::start(Sdk::Python2, |it| it.anthropic().pace(Duration::from_millis(1))).await;
    let m = MANAGED_AGENTS;
    let agent = id(&it.made("POST /v1/agents", m, r#"{"model":"m","name":"a"}"#).await);
    let environment = id(&it.made("POST /v1/environments", m, r#"{"name":"e"}"#).await);
    let body = format!(r#"{{"agent":"{agent}","environment_id":"{environment}"}}"#);
    let session = id(&it.made("POST /v1/sessions", m, &body).await);
    let threads = it.made(&format!("GET /v1/sessions/{session}/threads"), m, "").await;
    it.sandbox.default_tenant().oma_turns([Turn::new().say("Done.").terminate("over")]);
    let deltas = "event_deltas%5B%5D=agent.message&event_deltas%5B%5D=agent.thinking";
    let mut whole = it.open(&format!("GET /v1/sessions/{session}/events/stream?{deltas}"), m, "").await;
    let thread = text(&threads["data"][0]["id"]);
    let mut primary = it.open(&format!("GET /v1/sessions/{session}/threads/{thread}/stream"), m, "").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let hi = r#"{"events":[{"type":"user.message","content":[{"type":"text","text":"hi"}]}]}"#;
    it.made(&format!("POST /v1/sessions/{session}/events"), m, hi).await;

    let mut written = String::new();
    whole.read_to_string(&mut written).await.unwrap();
    assert!(written.starts_with("HTTP/1.1 200 OK\r\n") && written.contains("content-type: text/event-stream\r\n"));
    let message = written
        .split("event: event_start\ndata: {\"type\":\"event_start\",\"event\":{\"type\":\"agent.message\",\"id\":\"");
    let message = message.last().unwrap().split('"').next().unwrap();
    for frame in [
        format!(
            "event: event_start\ndata: {{\"type\":\"event_start\",\"event\":{{\"type\":\"agent.message\",\"id\":\"{message}\"}}}}\n\n"
        ),
        format!(
            "event: event_delta\ndata: {{\"type\":\"event_delta\",\"event_id\":\"{message}\",\"delta\":{{\"type\":\"content_delta\",\"index\":0,\"content\":{{\"type\":\"text\",\"text\":\"Done.\"}}}}}}\n\n"
        ),
        format!(
            "event: agent.message\ndata: {{\"type\":\"agent.message\",\"id\":\"{message}\",\"content\":[{{\"type\":\"text\",\"text\":\"Done.\"}}],\"processed_at\":\""
        ),
    ] {
        assert!(written.contains(&frame), "{frame}\n{written}");
    }
    assert!(!written.contains("\nid:") && !written.contains("\nretry:"), "{written}");
    let mut of_thread = String::new();
    primary.read_to_string(&mut of_thread).await.unwrap();
    assert!(of_thread.contains("event: agent.message\n") && !of_thread.contains("event_start"));
}

/// The TypeScript SDK sends no content type with an empty body, and looks for a session before it streams.
#[tokio::test]
async fn an_unknown_session_is_a_json_error_before_any_frame() {
    let it = Server::start(Sdk::Python2, Settings::anthropic).await;
    let (status, error) = it.send("GET /v1/sessions/sesn_01/events/stream", MANAGED_AGENTS, "").await;
    assert_eq!((status, &error["error"]["type"]), (404, &json!("not_found_error")));
    assert!(text(&error["request_id"]).starts_with("req_"));
    let agent = id(&it.made("POST /v1/agents", MANAGED_AGENTS, r#"{"model":"m","name":"a"}"#).await);
    let (status, _) = it.raw(&format!("POST /v1/agents/{agent}/archive"), MANAGED_AGENTS, "").await;
    assert_eq!(status, 200);
}
