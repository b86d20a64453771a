//! Managed Agents as a program in another language sees them.

use std::time::Duration;

use futures::StreamExt;
use polyagent::Method;
use polyagent::reqwest::redirect::Policy;
use polyagent::reqwest::{Client, RequestBuilder};
use polyagent::sandbox::oma::Settings;
use polyagent::sandbox::{Sandbox, SandboxBuilder};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::sandbox::{Raw, raw, text};

/// All betas that any group demands.
const BETAS: &str =
    "managed-agents-2026-04-01, agent-memory-2026-07-22,dreaming-2026-04-21,files-api-2025-04-14,skills-2025-10-02";

pub(super) struct Oma {
    pub(super) sandbox: Sandbox,
    http: Client,
}

impl Oma {
    pub(super) async fn start(set: impl FnOnce(Settings) -> Settings) -> Self {
        Self::of(Sandbox::builder().oma(set)).await
    }

    /// One whose clock stands still.
    pub(super) async fn paused(set: impl FnOnce(Settings) -> Settings) -> Self {
        Self::of(Sandbox::builder().paused_clock().oma(set)).await
    }

    async fn of(builder: SandboxBuilder) -> Self {
        let http = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { sandbox: builder.start().await.unwrap(), http }
    }

    /// Lets this many milliseconds pass.
    pub(super) fn pass(&self, milliseconds: usize) {
        for _ in 0..milliseconds {
            self.sandbox.advance(Duration::from_millis(1));
        }
    }

    /// A request without key and betas.
    pub(super) fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}/oma{path}", self.sandbox.url()))
    }

    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).header("x-api-key", self.sandbox.key()).header("anthropic-beta", BETAS)
    }

    pub(super) fn with_json(&self, method: Method, path: &str, body: &Value) -> RequestBuilder {
        self.request(method, path).header("content-type", "application/json").body(body.to_string())
    }

    pub(super) async fn send(&self, request: RequestBuilder) -> Raw {
        raw(request.send().await.unwrap()).await
    }

    pub(super) async fn get(&self, path: &str) -> Raw {
        self.send(self.request(Method::GET, path)).await
    }

    pub(super) async fn delete(&self, path: &str) -> Raw {
        self.send(self.request(Method::DELETE, path)).await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Raw {
        self.send(self.with_json(Method::POST, path, &body)).await
    }

    /// The object that a successful POST responds with.
    pub(super) async fn made(&self, path: &str, body: Value) -> Value {
        let made = self.post(path, body).await;
        assert!(made.status < 300, "{path}: {} {}", made.status, made.body);
        made.json()
    }

    pub(super) async fn agent(&self) -> String {
        text(&self.made("/v1/agents", json!({"name": "triager", "model": "claude-sonnet-5"})).await["id"])
    }

    pub(super) async fn environment(&self) -> String {
        text(&self.made("/v1/environments", json!({"name": "cloud", "config": {"type": "cloud"}})).await["id"])
    }

    pub(super) async fn session(&self) -> String {
        let (agent, environment) = (self.agent().await, self.environment().await);
        text(&self.made("/v1/sessions", json!({"agent": agent, "environment_id": environment})).await["id"])
    }

    /// Posts a user message.
    pub(super) async fn say(&self, session: &str, said: &str) -> Raw {
        let message = json!({"type": "user.message", "content": [{"type": "text", "text": said}]});
        self.post(&format!("/v1/sessions/{session}/events"), json!({"events": [message]})).await
    }

    /// An open event stream.
    pub(super) async fn stream(&self, path: &str) -> Frames {
        self.open(self.request(Method::GET, path)).await
    }

    pub(super) async fn open(&self, request: RequestBuilder) -> Frames {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Frames { bytes: Box::pin(response.bytes_stream()), text: String::new() }
    }

    /// The types of all stored events of a session.
    pub(super) async fn types(&self, session: &str) -> Vec<String> {
        types(&self.get(&format!("/v1/sessions/{session}/events?limit=100")).await.json()["data"])
    }
}

pub(super) fn types(events: &Value) -> Vec<String> {
    crate::sandbox::column(events, "type")
}

type Chunks = futures::stream::BoxStream<'static, polyagent::reqwest::Result<bytes::Bytes>>;

/// The frames of an event stream, one after another.
pub(super) struct Frames {
    bytes: Chunks,
    text: String,
}

impl Frames {
    /// The next frame, as it is written, without the empty line; `None` at the end of the stream.
    pub(super) async fn frame(&mut self) -> Option<String> {
        loop {
            if let Some((frame, rest)) = self.text.split_once("\n\n") {
                let (frame, rest) = (frame.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(frame);
            }
            let chunk = timeout(Duration::from_secs(20), self.bytes.next()).await;
            match chunk.unwrap_or_else(|_| panic!("the stream is silent")) {
                Some(chunk) => self.text += std::str::from_utf8(&chunk.unwrap()).unwrap(),
                None => return None,
            }
        }
    }

    /// All events up to the first one of this type; up to the end of the stream, if there is none.
    pub(super) async fn until(&mut self, last: &str) -> Vec<Value> {
        let mut events = Vec::new();
        while let Some(frame) = self.frame().await {
            let Some(data) = frame.lines().find_map(|line| line.strip_prefix("data: ")) else { continue };
            let event: Value = serde_json::from_str(data).unwrap();
            if frame.contains("event: ping") {
                continue;
            }
            assert_eq!(frame.lines().next(), Some(format!("event: {}", text(&event["type"])).as_str()));
            let over = event["type"] == last;
            events.push(event);
            if over {
                break;
            }
        }
        events
    }
}
