//! Typed events over HTTP: each reader is the program that its users would write.

use std::hint::black_box;

use futures::{Stream, StreamExt};
use polyagent::StreamItem;
use polyagent::oma::types::{
    AgentMessageEvent, AgentToolUseEvent, EventDelta, SpanModelRequestEndEvent, StreamSessionEventsParams,
};
use polyagent::oma::{Generation, Oma};
use serde::Deserialize;

use crate::Outcome;

const KEY: &str = "sk-ant-0123456789abcdef";

/// Name and data of an event as Anthropic sends it: of eight, five are pieces of a message.
fn event(n: usize) -> (&'static str, String) {
    match n % 8 {
        0..5 => (
            "event_delta",
            format!(
                r#"{{"type":"event_delta","event_id":"sevt_{:07}","delta":{{"type":"content_delta","index":0,"content":{{"type":"text","text":"a few more words {n} "}}}}}}"#,
                n / 8 * 8 + 5
            ),
        ),
        5 => (
            "agent.message",
            format!(
                r#"{{"type":"agent.message","id":"sevt_{n:07}","processed_at":"2026-09-01T00:00:00.123Z","content":[{{"type":"text","text":"a few more words, and so on until the message is as long as messages are"}}]}}"#
            ),
        ),
        6 => (
            "agent.tool_use",
            format!(
                r#"{{"type":"agent.tool_use","id":"sevt_{n:07}","processed_at":"2026-09-01T00:00:00.456Z","name":"bash","input":{{"command":"ls -l /home/user"}},"evaluated_permission":"allow"}}"#
            ),
        ),
        _ => (
            "span.model_request_end",
            format!(
                r#"{{"type":"span.model_request_end","id":"sevt_{n:07}","processed_at":"2026-09-01T00:00:00.789Z","model_request_start_id":"sevt_{:07}","is_error":false,"model_usage":{{"input_tokens":512,"output_tokens":64,"cache_read_input_tokens":0,"cache_creation_input_tokens":0}}}}"#,
                n - 1
            ),
        ),
    }
}

pub fn frame(n: usize) -> String {
    let (name, data) = event(n);
    format!("event: {name}\ndata: {data}\n\n")
}

/// What the readers without a type of their own read into.
#[derive(Deserialize)]
#[serde(tag = "type")]
enum Tagged {
    #[serde(rename = "event_delta")]
    Delta(EventDelta),
    #[serde(rename = "agent.message")]
    Message(AgentMessageEvent),
    #[serde(rename = "agent.tool_use")]
    ToolUse(AgentToolUseEvent),
    #[serde(rename = "span.model_request_end")]
    RequestEnd(SpanModelRequestEndEvent),
    #[serde(other)]
    Other,
}

/// Reads data by the name of its event.
fn by_name(name: &str, data: &str) -> serde_json::Result<Tagged> {
    match name {
        "event_delta" => serde_json::from_str(data).map(Tagged::Delta),
        "agent.message" => serde_json::from_str(data).map(Tagged::Message),
        "agent.tool_use" => serde_json::from_str(data).map(Tagged::ToolUse),
        "span.model_request_end" => serde_json::from_str(data).map(Tagged::RequestEnd),
        _ => Ok(Tagged::Other),
    }
}

/// Hides a value from the optimizer, with all that is in it.
fn keep(event: &Tagged) {
    match event {
        Tagged::Delta(event) => drop(black_box(event)),
        Tagged::Message(event) => drop(black_box(event)),
        Tagged::ToolUse(event) => drop(black_box(event)),
        Tagged::RequestEnd(event) => drop(black_box(event)),
        Tagged::Other => {}
    }
}

/// Decodes the data of `n` events.
pub fn parse(n: usize) -> Outcome {
    let events: Vec<_> = (0..8).map(event).collect();
    for at in 0..n {
        let (name, data) = &events[at % events.len()];
        keep(&by_name(name, data)?);
    }
    Ok(())
}

pub fn client(url: &str) -> Outcome<Oma> {
    let builder = Oma::builder().base_url(url).api_key(KEY).generation(Generation::V1);
    Ok(builder.configure_http(reqwest::ClientBuilder::no_proxy).build()?)
}

/// Reads `n` events and the end.
pub fn run(peer: &str, n: usize, url: &str) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let events = runtime.block_on(async {
        match peer {
            "polyagent" => polyagent(n, url).await,
            "drain" => drain(n, url).await,
            "sse-stream" => {
                let events = sse_stream::SseByteStream::new(bytes(n, url).await?);
                count(events, |it| Ok(by_name(it.event.as_deref().unwrap_or(""), it.data.as_deref().unwrap_or(""))?))
                    .await
            }
            "sse-stream-tagged" => {
                let events = sse_stream::SseByteStream::new(bytes(n, url).await?);
                count(events, |it| Ok(serde_json::from_str(it.data.as_deref().unwrap_or(""))?)).await
            }
            "sseer" => {
                let events = sseer::EventStream::new(bytes(n, url).await?);
                count(events, |it| Ok(by_name(&it.event, &it.data)?)).await
            }
            "eventsource-stream" => {
                let events = eventsource_stream::EventStream::new(bytes(n, url).await?);
                count(events, |it| Ok(by_name(&it.event, &it.data)?)).await
            }
            _ => Err(format!("no reader is called {peer}").into()),
        }
    })?;
    if events == n + 1 { Ok(()) } else { Err(format!("{peer} read {events} events").into()) }
}

async fn polyagent(n: usize, url: &str) -> Outcome<usize> {
    let client = client(&format!("{url}/{n}"))?;
    let mut stream = client.sessions().stream("sesn_1", StreamSessionEventsParams::new()).await?;
    let mut count = 0;
    while let Some(item) = stream.try_next().await? {
        if let StreamItem::Event(event) = black_box(item) {
            count += 1;
            drop(event);
        }
    }
    Ok(count)
}

async fn bytes(n: usize, url: &str) -> Outcome<impl Stream<Item = reqwest::Result<bytes::Bytes>> + Unpin> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let request = client.get(format!("{url}/{n}/v1/sessions/sesn_1/events/stream")).header("x-api-key", KEY);
    Ok(request.send().await?.error_for_status()?.bytes_stream())
}

async fn drain(n: usize, url: &str) -> Outcome<usize> {
    let mut bytes = bytes(n, url).await?;
    while let Some(chunk) = bytes.next().await {
        black_box(chunk?);
    }
    Ok(n + 1)
}

async fn count<T, E: std::error::Error + 'static>(
    mut events: impl Stream<Item = Result<T, E>> + Unpin,
    read: impl Fn(T) -> Outcome<Tagged>,
) -> Outcome<usize> {
    let mut count = 0;
    while let Some(event) = events.next().await {
        keep(&read(event?)?);
        count += 1;
    }
    Ok(count)
}
