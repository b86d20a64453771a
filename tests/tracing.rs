//! What the `tracing` feature tells, and what it does not. A binary of its own: whether a span is wanted is cached for
//! the whole process, so tests that run beside it would decide too.

#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use polyagent::elephantasm::Elephantasm;
use polyagent::elephantasm::types::{AnimaCreate, GetLatestMemoryPackParams};
use polyagent::{AttemptEnd, AttemptStart, Hook, Method, RetryPolicy, Secret};
use tracing_subscriber::fmt::format::FmtSpan;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

const ID: &str = "b2352c05-e685-4021-8624-595406c725f2";

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The URLs of attempts that have ended.
#[derive(Debug, Default)]
struct Urls(Mutex<Vec<String>>);

impl Hook for Urls {
    fn after(&self, attempt: &AttemptStart<'_>, _: &AttemptEnd<'_>) {
        self.0.lock().unwrap().push(attempt.url.to_owned());
    }
}

#[tokio::test]
async fn a_span_per_call_and_an_event_per_attempt_without_bodies_queries_or_keys() {
    let server = MockServer::builder().start().await;
    let answer = ResponseTemplate::new(503).set_body_string(r#"{"detail":"secret answer"}"#);
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let client = Elephantasm::builder()
        .base_url(server.uri())
        .api_key("sk_live_0123456789abcdef0123456789abcdef")
        .retry_policy(RetryPolicy::default().backoff(Duration::ZERO, Duration::ZERO))
        .configure_http(polyagent::reqwest::ClientBuilder::no_proxy)
        .build()
        .unwrap();
    let buffer = Buffer::default();
    let writer = buffer.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::NEW)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let question = GetLatestMemoryPackParams::new();
    client.memory_packs().latest(ID, question).query("trace", "secret query").await.unwrap_err();
    client.animas().create(AnimaCreate::new("secret body")).header("x-team", "secret header").await.unwrap_err();
    // A provided key is not known before the attempt, and somebody puts it in the place of an id.
    let hook = Arc::new(Urls::default());
    let provided = Elephantasm::builder()
        .base_url(server.uri())
        .credentials(|| async { Ok(Secret::from("sk_provided_0123456789abcdef")) })
        .retry_policy(RetryPolicy::none())
        .hook(Arc::clone(&hook))
        .configure_http(polyagent::reqwest::ClientBuilder::no_proxy)
        .build()
        .unwrap();
    provided.raw(Method::GET, ["api", "sk_provided_0123456789abcdef"]).await.unwrap_err();
    assert!(hook.0.lock().unwrap()[0].ends_with("/api/[redacted]"), "{hook:?}");
    drop(guard);
    let log = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
    let ours: Vec<&str> = log.lines().filter(|line| line.contains("polyagent")).collect();
    let spans = ours.iter().filter(|line| line.ends_with(": new")).count();
    let events = ours.iter().filter(|line| line.contains("attempt failed")).count();
    assert_eq!((spans, events), (3, 5), "{log}");
    assert!(log.contains("/api/[redacted]"), "{log}");
    assert!(log.contains("elephantasm_create_anima") && log.contains("503 Service Unavailable"), "{log}");
    assert!(log.contains("latest?trace=…"), "{log}");
    assert!(!log.contains("secret") && !log.contains("0123456789abcdef"), "{log}");
}
