//! Decoders, fed from memory: each hands out owned names and data.

use std::convert::Infallible;
use std::error::Error;
use std::hint::black_box;
use std::str::FromStr;

use bytes::Bytes;
use futures::StreamExt;
use futures::executor::block_on;
use futures::stream::{self, Stream};

use crate::Outcome;

/// The decoder is not public: its source is compiled here.
#[allow(dead_code, clippy::pedantic)]
#[path = "../../../../src/sse/decoder.rs"]
mod own;

/// Events of one body.
pub const EVENTS: u32 = 1000;

#[derive(Clone, Copy)]
pub enum Body {
    /// Events of 220 bytes.
    Events,
    /// An event of one line of 64 KiB.
    Line,
    /// An event of one line of 4 MiB.
    LongLine,
}

impl Body {
    pub fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Line => "line",
            Self::LongLine => "longline",
        }
    }

    fn bytes(self) -> Bytes {
        let line = |length: usize| format!("data: {}\n\n", "x".repeat(length - 8)).into();
        match self {
            Self::Events => {
                let event = |n| {
                    let start =
                        format!("event: agent.message_chunk\ndata: {{\"message_id\":\"sevt_{n:06}\",\"delta\":\"");
                    let end = "\"}\n\n";
                    let delta = "a word and so on ".repeat(20)[..220 - start.len() - end.len()].to_owned();
                    start + &delta + end
                };
                (0..EVENTS).map(event).collect::<String>().into()
            }
            Self::Line => line(64 * 1024),
            Self::LongLine => line(4 * 1024 * 1024),
        }
    }
}

impl FromStr for Body {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = [Self::Events, Self::Line, Self::LongLine];
        all.into_iter().find(|body| body.name() == name).ok_or_else(|| format!("no body is called {name}"))
    }
}

/// Decodes a body `n` times.
pub fn run(peer: &str, body: Body, chunk: usize, n: usize) -> Outcome {
    let bytes = body.bytes();
    let chunks: Vec<Bytes> =
        (0..bytes.len()).step_by(chunk).map(|at| bytes.slice(at..bytes.len().min(at + chunk))).collect();
    let events = match peer {
        "polyagent" => own(&chunks, n)?,
        "sse-stream" => block_on(count(sse_stream::SseByteStream::new(again(chunks, n))))?,
        "sseer" => block_on(count(sseer::EventStream::new(again(chunks, n))))?,
        "eventsource-stream" => block_on(count(eventsource_stream::EventStream::new(again(chunks, n))))?,
        _ => return Err(format!("no decoder is called {peer}").into()),
    };
    let each = if matches!(body, Body::Events) { EVENTS as usize } else { 1 };
    if events == n * each { Ok(()) } else { Err(format!("{peer} handed out {events} events").into()) }
}

fn again(chunks: Vec<Bytes>, n: usize) -> impl Stream<Item = Result<Bytes, Infallible>> + Unpin {
    let length = chunks.len();
    stream::iter((0..n * length).map(move |at| Ok(chunks[at % length].clone())))
}

async fn count<T, E: Error + 'static>(mut events: impl Stream<Item = Result<T, E>> + Unpin) -> Outcome<usize> {
    let mut count = 0;
    while let Some(event) = events.next().await {
        black_box(event?);
        count += 1;
    }
    Ok(count)
}

fn own(chunks: &[Bytes], n: usize) -> Outcome<usize> {
    let mut decoder = own::Decoder::new(8 * 1024 * 1024);
    let mut count = 0;
    for _ in 0..n {
        for chunk in chunks {
            decoder.push(chunk);
            while let Some(frame) = decoder.next().map_err(|_| "an event is too large")? {
                black_box((frame.name.to_owned(), frame.data.into_owned()));
                count += 1;
            }
        }
    }
    Ok(count)
}
