//! The frames of a live body, as they arrive.

use std::time::Duration;

use http::header;
use tokio::time::{Instant, timeout};

use crate::Error;
use crate::error::{BoxError, StreamFault};
use crate::framing::{Frame, Framing, TooLarge};
use crate::http::LiveBody;

/// A live body whose form its `Content-Type` tells, or its first bytes.
pub(crate) struct Frames {
    body: LiveBody,
    framing: Framing,
    opened: Instant,
}

/// What came of a body.
pub(crate) enum Arrived {
    Frames(Vec<Frame>),
    /// It has ended as it should, with these.
    End(Vec<Frame>),
    /// It broke off, or is silent.
    Broken(#[allow(dead_code, reason = "not every platform needs it")] BoxError),
}

impl Frames {
    pub(crate) fn new(body: LiveBody) -> Self {
        let media = body.headers.get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok());
        Self { framing: Framing::new(media), body, opened: Instant::now() }
    }

    /// How long ago the response began.
    pub(crate) fn age(&self) -> Duration {
        self.opened.elapsed()
    }

    /// Waits for the next frames, at most `gap` for a byte.
    ///
    /// # Errors
    /// `Stream` for what is larger than the limit; the frames before it come first.
    pub(crate) async fn next(&mut self, gap: Duration) -> Result<Arrived, Error> {
        loop {
            let mut frames = Vec::new();
            loop {
                match self.framing.next() {
                    Ok(Some(frame)) => frames.push(frame),
                    Err(TooLarge) if frames.is_empty() => return Err(self.error(StreamFault::TooLarge, None)),
                    Ok(None) | Err(TooLarge) => break,
                }
            }
            if !frames.is_empty() {
                return Ok(Arrived::Frames(frames));
            }
            match timeout(gap, self.body.chunk()).await {
                Ok(Ok(Some(bytes))) => self.framing.push(&bytes),
                Ok(Ok(None)) => {
                    let end = self.framing.finish().map(Arrived::End);
                    return Ok(end.unwrap_or_else(|| Arrived::Broken("the body ended within a line".into())));
                }
                Ok(Err(error)) => return Ok(Arrived::Broken(error)),
                Err(_elapsed) => return Ok(Arrived::Broken(format!("no byte within {gap:?}").into())),
            }
        }
    }

    /// The error of a body that is of no further use.
    pub(crate) fn error(&self, fault: StreamFault, source: Option<BoxError>) -> Error {
        self.body.error(fault, source)
    }
}
