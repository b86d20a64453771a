//! One attempt over reqwest: connection watching, timers, body limits, and what a failure was.

use std::cell::Cell;
use std::error::Error as StdError;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use tokio::time::{Instant, timeout_at};

use super::Settings;
use super::retry::{Failed, Outcome, Window};
use crate::config;
use crate::error::{BoxError, ErrorAnswer, Timer, TransportKind, root_cause, timeout_words};

/// An attempt that did not bring a 2xx answer.
#[derive(Debug)]
pub(crate) enum Failure {
    Answer(Box<ErrorAnswer>),
    Transport { kind: TransportKind, source: BoxError },
    Timeout { timer: Timer, after: Duration, connected: bool },
    Credentials(BoxError),
}

impl Failed for Failure {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Answer(answer) => {
                Outcome::Status { status: answer.status, reason: answer.facts.reason, retry_after: answer.retry_after }
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

/// Sends `request` and reads the answer: all of a 2xx up to the client's limit, else what an error keeps.
///
/// # Errors
/// `Transport` or `Timeout`; never for the body of an answer with an error status, whose status says enough.
pub(crate) async fn exchange(
    client: &reqwest::Client,
    request: reqwest::Request,
    window: Window,
    settings: &Settings,
) -> Result<Received, Failure> {
    let deadline = Instant::now() + window.length;
    let head = CONNECTION.scope(Cell::new(Connection::Pooled), async {
        let result = timeout_at(deadline, client.execute(request)).await;
        (result, CONNECTION.with(Cell::get))
    });
    let mut response = match head.await {
        (Ok(Ok(response)), _) => response,
        (Ok(Err(error)), connection) => return Err(before_the_head(error, connection, settings.connect)),
        (Err(_elapsed), connection) => return Err(timed_out(window, connection != Connection::Opening)),
    };
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    let body = if status.is_success() {
        match timeout_at(deadline, read_all(&mut response, settings.max_body)).await {
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

fn timed_out(window: Window, connected: bool) -> Failure {
    Failure::Timeout { timer: window.timer, after: window.set_to, connected }
}

async fn read_all(response: &mut reqwest::Response, max: usize) -> Result<Bytes, Failure> {
    let too_large = || Failure::Transport {
        kind: TransportKind::BodyTooLarge,
        source: format!("more than the limit of {max} bytes").into(),
    };
    let cut =
        |error: reqwest::Error| Failure::Transport { kind: TransportKind::BodyCut, source: error.without_url().into() };
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

fn before_the_head(error: reqwest::Error, connection: Connection, connect: Duration) -> Failure {
    if error.is_connect() {
        return if error.is_timeout() {
            Failure::Timeout { timer: Timer::Connect, after: connect, connected: false }
        } else {
            Failure::Transport { kind: TransportKind::NotConnected, source: error.without_url().into() }
        };
    }
    let kind = match kind_of(&error) {
        TransportKind::NoAnswer if connection == Connection::Pooled => TransportKind::StaleConnection,
        kind => kind,
    };
    // The road's own text names the URL, without the values of its query.
    Failure::Transport { kind, source: error.without_url().into() }
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

/// What became of the connection of the attempt under way in this task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Connection {
    /// None was opened: it runs on one kept from an earlier call.
    Pooled,
    Opening,
    Opened,
}

tokio::task_local! {
    static CONNECTION: Cell<Connection>;
}

/// Connector layer that notes in [`CONNECTION`] whether an attempt opened a connection. hyper polls the connector
/// within the task of the call; when it moves it to a task of its own, the call runs on a pooled connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WatchLayer;

impl<S> tower_layer::Layer<S> for WatchLayer {
    type Service = Watch<S>;

    fn layer(&self, inner: S) -> Watch<S> {
        Watch { inner: Arc::new(inner) }
    }
}

/// hyper clones its connector several times per call and connects with few of those clones, so what it wraps is shared
/// and cloned only to connect.
#[derive(Debug)]
pub(crate) struct Watch<S> {
    inner: Arc<S>,
}

impl<S> Clone for Watch<S> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<S, R> tower_service::Service<R> for Watch<S>
where
    S: tower_service::Service<R> + Clone + Send + Sync + 'static,
    S::Future: Send,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        note(Connection::Opening);
        let mut inner = S::clone(&self.inner);
        Box::pin(async move {
            poll_fn(|cx| inner.poll_ready(cx)).await?;
            let connected = inner.call(request).await;
            if connected.is_ok() {
                note(Connection::Opened);
            }
            connected
        })
    }
}

fn note(connection: Connection) {
    // Outside a call's own task there is nothing to note.
    let _ = CONNECTION.try_with(|cell| cell.set(connection));
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
