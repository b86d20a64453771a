//! One attempt over reqwest: connection watching, timers, body limits, and the classification of failures.

use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use super::connect_error;
use super::connection::{Settling, Watched, may_end_unannounced};
use super::operation::Route;
use super::pace::Pulse;
use super::retry::{Deadline, Failed, Outcome};
use crate::clock::{self, before, timeout_at, timer_at};
use crate::config;
use crate::error::{Attempt, BoxError, ErrorResponse, Reason, Timer, TransportKind, root_cause, timeout_message};

/// An attempt that did not get a 2xx response.
#[derive(Debug)]
pub(crate) enum AttemptError {
    Response(Box<ErrorResponse>),
    Transport {
        kind: TransportKind,
        source: BoxError,
    },
    Timeout {
        timer: Timer,
        after: Duration,
        connected: bool,
    },
    /// The body of a 2xx response was incomplete; what arrived is in the response.
    Incomplete {
        response: Box<Received>,
        failure: Box<AttemptError>,
    },
    /// Nothing was sent: the client's own limit would have had the attempt wait this long.
    Throttled(Duration),
    /// Nothing was sent, and another attempt would change nothing.
    Unsent {
        why: &'static str,
        source: BoxError,
    },
}

impl AttemptError {
    /// The reason that an error response gave.
    pub(super) fn reason(&self) -> Option<Reason> {
        match self {
            Self::Response(response) => response.details.reason,
            _ => None,
        }
    }

    /// Whether the server does not have the route, and so did nothing.
    pub(super) fn is_missing_route(&self, route: &Route) -> bool {
        match self {
            Self::Response(response) => match response.status.as_u16() {
                405 => true,
                404 => !route.has_ids() || self.reason() == Some(Reason::RouteMissing),
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether the call may be spelled for another generation than the server's: it says so, or that it has no such
    /// route. Another 404 of a path without ids may be about an object that the body names.
    pub(super) fn is_generation_in_doubt(&self) -> bool {
        matches!(self, Self::Response(response) if response.details.other_generation)
            || self.reason() == Some(Reason::RouteMissing)
    }

    /// Without the URL that reqwest puts into its errors: it includes the values of the query.
    fn transport(kind: TransportKind, error: reqwest::Error) -> Self {
        Self::Transport { kind, source: error.without_url().into() }
    }
}

impl Failed for AttemptError {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Response(response) => Outcome::Status {
                status: response.status,
                reason: self.reason(),
                retry_after: response.retry_after,
                wanted: response.wants_retry(),
            },
            Self::Transport { kind, .. } => Outcome::Transport(*kind),
            Self::Timeout { timer, connected, .. } => Outcome::Timeout { timer: *timer, connected: *connected },
            Self::Incomplete { failure, .. } => failure.outcome(),
            Self::Throttled(_) | Self::Unsent { .. } => Outcome::NotSent,
        }
    }

    fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Response(response) => Some(response.status),
            Self::Incomplete { response, .. } => Some(response.status),
            _ => None,
        }
    }

    fn cause(&self) -> String {
        match self {
            Self::Response(response) => response.status.to_string(),
            Self::Transport { kind, source } => format!("{}: {}", kind.message(), root_cause(&**source)),
            Self::Timeout { timer, after, .. } => timeout_message(*timer, *after),
            Self::Incomplete { failure, .. } => failure.cause(),
            Self::Throttled(wait) => format!("the client's call limit allows the next call in {wait:?}"),
            Self::Unsent { why, source } => format!("{why}: {}", root_cause(&**source)),
        }
    }

    fn throttled(wait: Duration) -> Self {
        Self::Throttled(wait)
    }
}

/// A response whose body was read as far as its status requires.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The body of a live response, which is still arriving.
    pub(crate) live: Option<Box<reqwest::Response>>,
    /// How long the attempt took.
    pub(crate) took: Duration,
    /// The attempts that failed before it.
    pub(crate) failed: Vec<Attempt>,
}

impl Received {
    fn new(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        Self { status, headers, body, live: None, took: Duration::ZERO, failed: Vec::new() }
    }
}

/// A client's HTTP client, and what its attempts learn about its connections.
pub(crate) struct Transport {
    http: reqwest::Client,
    settling: Settling,
}

impl Transport {
    pub(super) fn new(http: reqwest::Client) -> Self {
        Self { http, settling: Settling::default() }
    }

    pub(super) fn client(&self) -> &reqwest::Client {
        &self.http
    }

    /// Sends `request` and reads the response: all of a 2xx up to the client's limit, else what the dialect may need.
    ///
    /// # Errors
    /// `Transport` or `Timeout`; never for the body of a response with an error status, whose status says enough.
    pub(super) fn exchange(
        &self,
        request: reqwest::Request,
        limits: Limits,
    ) -> impl Future<Output = Result<Received, AttemptError>> {
        // It does nothing before it is awaited, and is smaller than the request.
        self.receive(self.http.execute(request), limits)
    }

    async fn receive(
        &self,
        response: impl Future<Output = Result<reqwest::Response, reqwest::Error>>,
        limits: Limits,
    ) -> Result<Received, AttemptError> {
        self.settling.wait(limits.ends).await;
        let watched = Watched::new();
        let mut timer = pin!(timer_at(limits.ends));
        let sent = {
            let sending = pin!(watched.watch(response));
            let sending = before(timer.as_mut(), sending);
            match &limits.upload {
                None => sending.await,
                // Few calls come here, and all would carry the size of it.
                Some(pulse) => Box::pin(unless_stalled(sending, pulse)).await?,
            }
        };
        let mut response = match sent {
            Some(Ok(response)) => response,
            Some(Err(error)) => return Err(before_the_head(error, &watched, limits.window, limits.connect)),
            None => return Err(timed_out(limits.window, !watched.was_never_made())),
        };
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        if limits.live && status.is_success() {
            return Ok(Received { live: Some(Box::new(response)), ..Received::new(status, headers, Bytes::new()) });
        }
        let mut kept = Kept::default();
        if status.is_success() {
            let read = before(timer, pin!(kept.read(&mut response, &limits))).await;
            if let Err(failure) = read.unwrap_or_else(|| Err(timed_out(limits.window, true))) {
                let response = Box::new(Received::new(status, headers, kept.start()));
                return Err(AttemptError::Incomplete { response, failure: Box::new(failure) });
            }
            return Ok(Received::new(status, headers, kept.all()));
        }
        let may_end = may_end_unannounced(status, response.version(), &headers);
        if may_end {
            // The connection of a short body is free for other calls already.
            self.settling.begin();
        }
        // However this ends, what was read so far is kept. The status is known, so the message is not worth a long
        // wait.
        let patience = limits.ends.min(clock::after(Instant::now(), config::ERROR_BODY_TIMEOUT));
        let _ = timeout_at(patience, kept.read_start(&mut response)).await;
        drop(response);
        if may_end {
            self.settling.begin();
            self.settling.wait(limits.ends).await;
        }
        Ok(Received::new(status, headers, kept.all()))
    }
}

/// The result of `sending`, unless nothing of the body moves for too long.
async fn unless_stalled<T>(sending: impl Future<Output = T>, pulse: &Pulse) -> Result<T, AttemptError> {
    tokio::select! {
        sent = sending => Ok(sent),
        () = pulse.stops(config::STREAM_GAP) => {
            Err(AttemptError::Timeout { timer: Timer::Gap, after: config::STREAM_GAP, connected: true })
        }
    }
}

/// How long an attempt may take and how much it may read.
pub(super) struct Limits {
    pub(super) window: Deadline,
    pub(super) ends: Instant,
    pub(super) connect: Duration,
    pub(super) max_body: usize,
    /// Whether the body of a successful response is handed on while it arrives.
    pub(super) live: bool,
    /// The pulse of a body without a deadline of its own.
    pub(super) upload: Option<Pulse>,
}

pub(super) fn timed_out(window: Deadline, connected: bool) -> AttemptError {
    AttemptError::Timeout { timer: window.timer, after: window.set_to, connected }
}

/// What was read of a body.
#[derive(Default)]
struct Kept {
    /// Most bodies arrive in one piece, which is not copied.
    first: Bytes,
    /// Everything, once there is more than one piece.
    joined: BytesMut,
}

impl Kept {
    fn len(&self) -> usize {
        self.first.len().max(self.joined.len())
    }

    fn push(&mut self, piece: Bytes) {
        if self.first.is_empty() {
            self.first = piece;
            return;
        }
        if self.joined.is_empty() {
            self.joined.extend_from_slice(&self.first);
        }
        self.joined.extend_from_slice(&piece);
    }

    fn all(self) -> Bytes {
        if self.joined.is_empty() { self.first } else { self.joined.freeze() }
    }

    /// The part that an error keeps.
    fn start(self) -> Bytes {
        let mut all = self.all();
        all.truncate(config::MAX_ERROR_BODY);
        all
    }

    async fn read(&mut self, response: &mut reqwest::Response, limits: &Limits) -> Result<(), AttemptError> {
        let max = limits.max_body;
        let too_large = || AttemptError::Transport {
            kind: TransportKind::BodyTooLarge,
            source: format!("more than the limit of {max} bytes").into(),
        };
        if response.content_length().is_some_and(|length| length > max as u64) {
            return Err(too_large());
        }
        loop {
            match response.chunk().await {
                Ok(Some(piece)) if self.len() + piece.len() > max => return Err(too_large()),
                Ok(Some(piece)) => self.push(piece),
                Ok(None) => return Ok(()),
                Err(error) => return Err(in_the_body(error, limits.window)),
            }
        }
    }

    async fn read_start(&mut self, response: &mut reqwest::Response) -> Result<(), reqwest::Error> {
        while self.len() < config::MAX_ERROR_BODY_READ {
            match response.chunk().await? {
                Some(piece) => self.push(piece),
                None => break,
            }
        }
        Ok(())
    }
}

fn in_the_body(error: reqwest::Error, window: Deadline) -> AttemptError {
    match kind_of(&error) {
        _ if error.is_timeout() => timed_out(window, true),
        TransportKind::NoAnswer => AttemptError::transport(TransportKind::BodyCut, error),
        kind => AttemptError::transport(kind, error),
    }
}

fn before_the_head(error: reqwest::Error, watched: &Watched, window: Deadline, connect: Duration) -> AttemptError {
    if error.is_builder() {
        return AttemptError::Unsent { why: "the HTTP client refuses the request", source: error.without_url().into() };
    }
    if error.is_connect() && error.is_timeout() {
        return AttemptError::Timeout { timer: Timer::Connect, after: connect, connected: false };
    }
    if error.is_connect() {
        return match connect_error::explain(&error) {
            (kind, Some(text)) => AttemptError::Transport { kind, source: text.into() },
            (kind, None) => AttemptError::transport(kind, error),
        };
    }
    if error.is_timeout() {
        // A timer of the caller's own HTTP client.
        return timed_out(window, true);
    }
    match kind_of(&error) {
        TransportKind::NoAnswer if watched.was_kept() => AttemptError::transport(TransportKind::StaleConnection, error),
        kind => AttemptError::transport(kind, error),
    }
}

/// The kind of the first cause that is recognised.
pub(crate) fn kind_of(error: &(dyn StdError + 'static)) -> TransportKind {
    for error in connect_error::chain(error) {
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
        // An IO error hides the one that it wraps from its own `source`.
        let hidden = io::Error::other(io::Error::other(io::Error::from(io::ErrorKind::ConnectionReset)));
        assert_eq!(kind_of(&wrapped(hidden, 2)), TransportKind::NoAnswer);
        assert_eq!(kind_of(&wrapped(io::Error::other("odd"), 3)), TransportKind::Other);
    }
}
