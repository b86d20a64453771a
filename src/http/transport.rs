//! One attempt over reqwest: connection watching, timers, body limits, and what a failure was.

use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use tokio::time::{Instant, timeout_at};

use super::Settings;
use super::connection::Watched;
use super::retry::{Failed, Outcome, Window};
use crate::config;
use crate::error::{BoxError, ErrorAnswer, Reason, Timer, TransportKind, root_cause, timeout_words};

/// An attempt that did not bring a 2xx answer.
#[derive(Debug)]
pub(crate) enum Failure {
    Answer(Box<ErrorAnswer>),
    Transport { kind: TransportKind, source: BoxError },
    Timeout { timer: Timer, after: Duration, connected: bool },
    Credentials(BoxError),
}

impl Failure {
    /// What an error answer gave as its reason.
    pub(super) fn reason(&self) -> Option<Reason> {
        match self {
            Self::Answer(answer) => answer.facts.reason,
            _ => None,
        }
    }

    /// Without the URL that reqwest puts into its errors: it holds the values of the query.
    fn transport(kind: TransportKind, error: reqwest::Error) -> Self {
        Self::Transport { kind, source: error.without_url().into() }
    }
}

impl Failed for Failure {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Answer(answer) => {
                Outcome::Status { status: answer.status, reason: self.reason(), retry_after: answer.retry_after }
            }
            Self::Transport { kind, .. } => Outcome::Transport(*kind),
            Self::Timeout { timer, connected, .. } => Outcome::Timeout { timer: *timer, connected: *connected },
            Self::Credentials(_) => Outcome::NotSent,
        }
    }

    fn cause(&self) -> String {
        match self {
            Self::Answer(answer) => answer.status.to_string(),
            Self::Transport { kind, source } => format!("{}: {}", kind.words(), root_cause(&**source)),
            Self::Timeout { timer, after, .. } => timeout_words(*timer, *after),
            Self::Credentials(source) => format!("no credential: {}", root_cause(&**source)),
        }
    }
}

/// An answer whose body was read as far as its status warrants.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Drives `sending` and reads the answer: all of a 2xx up to the client's limit, else what an error keeps.
///
/// # Errors
/// `Transport` or `Timeout`; never for the body of an answer with an error status, whose status says enough.
pub(crate) async fn exchange(
    sending: impl Future<Output = Result<reqwest::Response, reqwest::Error>>,
    window: Window,
    deadline: Instant,
    settings: &Settings,
) -> Result<Received, Failure> {
    let watched = Watched::new();
    let mut response = match timeout_at(deadline, watched.watch(sending)).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(before_the_head(error, &watched, window, settings.connect)),
        Err(_elapsed) => return Err(timed_out(window, !watched.was_never_made())),
    };
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    let body = if status.is_success() {
        match timeout_at(deadline, read_all(&mut response, window, settings.max_body)).await {
            Ok(body) => body?,
            Err(_elapsed) => return Err(timed_out(window, true)),
        }
    } else {
        let mut kept = BytesMut::new();
        // However this ends, what was read until then is kept.
        let _ = timeout_at(deadline, read_start(&mut response, &mut kept)).await;
        kept.truncate(config::MAX_ERROR_BODY);
        kept.freeze()
    };
    Ok(Received { status, headers, body })
}

pub(super) fn timed_out(window: Window, connected: bool) -> Failure {
    Failure::Timeout { timer: window.timer, after: window.set_to, connected }
}

async fn read_all(response: &mut reqwest::Response, window: Window, max: usize) -> Result<Bytes, Failure> {
    let too_large = || Failure::Transport {
        kind: TransportKind::BodyTooLarge,
        source: format!("more than the limit of {max} bytes").into(),
    };
    let cut = |error: reqwest::Error| match kind_of(&error) {
        _ if error.is_timeout() => timed_out(window, true),
        TransportKind::NoAnswer => Failure::transport(TransportKind::BodyCut, error),
        kind => Failure::transport(kind, error),
    };
    if response.content_length().is_some_and(|length| length > max as u64) {
        return Err(too_large());
    }
    let Some(first) = response.chunk().await.map_err(cut)? else { return Ok(Bytes::new()) };
    if first.len() > max {
        return Err(too_large());
    }
    let Some(second) = response.chunk().await.map_err(cut)? else { return Ok(first) };
    let mut body = BytesMut::from(first);
    let mut next = Some(second);
    while let Some(chunk) = next {
        if body.len() + chunk.len() > max {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
        next = response.chunk().await.map_err(cut)?;
    }
    Ok(body.freeze())
}

async fn read_start(response: &mut reqwest::Response, kept: &mut BytesMut) -> Result<(), reqwest::Error> {
    while kept.len() < config::MAX_ERROR_BODY {
        match response.chunk().await? {
            Some(chunk) => kept.extend_from_slice(&chunk),
            None => break,
        }
    }
    Ok(())
}

fn before_the_head(error: reqwest::Error, watched: &Watched, window: Window, connect: Duration) -> Failure {
    if error.is_connect() && error.is_timeout() {
        return Failure::Timeout { timer: Timer::Connect, after: connect, connected: false };
    }
    if error.is_connect() {
        return Failure::transport(TransportKind::NotConnected, error);
    }
    if error.is_timeout() {
        // A timer of the caller's own HTTP client.
        return timed_out(window, true);
    }
    match kind_of(&error) {
        TransportKind::NoAnswer if watched.was_kept() => Failure::transport(TransportKind::StaleConnection, error),
        kind => Failure::transport(kind, error),
    }
}

/// Walks the whole chain of sources until one is known.
pub(crate) fn kind_of(error: &(dyn StdError + 'static)) -> TransportKind {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(hyper) = error.downcast_ref::<hyper::Error>() {
            if hyper.is_parse() || hyper.is_parse_status() {
                return TransportKind::InvalidHttp;
            }
            if hyper.is_incomplete_message() || hyper.is_canceled() || hyper.is_closed() {
                return TransportKind::NoAnswer;
            }
        }
        if let Some(io) = error.downcast_ref::<io::Error>() {
            use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
            if matches!(io.kind(), ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof | NotConnected) {
                return TransportKind::NoAnswer;
            }
        }
        next = error.source();
    }
    TransportKind::Other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("layer {0}")]
    struct Layer(usize, #[source] Box<dyn StdError + Send + Sync>);

    fn wrapped(error: io::Error, layers: usize) -> Layer {
        let inner: Box<dyn StdError + Send + Sync> = Box::new(error);
        (1..layers).fold(Layer(0, inner), |error, n| Layer(n, Box::new(error)))
    }

    #[test]
    fn a_known_cause_is_found_however_deep() {
        for layers in [1, 2, 7] {
            let reset = wrapped(io::Error::from(io::ErrorKind::ConnectionReset), layers);
            assert_eq!(kind_of(&reset), TransportKind::NoAnswer);
        }
        assert_eq!(kind_of(&wrapped(io::Error::other("odd"), 3)), TransportKind::Other);
    }
}
