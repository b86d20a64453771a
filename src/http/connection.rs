//! Which connection an attempt runs on, which decides how a failure is classified; and when connections may be reused.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use http::{HeaderMap, StatusCode, Version, header};
use tokio::time::{Instant, sleep_until};

use crate::config;
use crate::lock::lock;

/// Whether the server may end the connection behind this response although it has not announced it.
pub(super) fn may_end_unannounced(status: StatusCode, version: Version, headers: &HeaderMap) -> bool {
    let options = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let mut options = options.flat_map(|value| value.split(',')).map(str::trim);
    let announced = version < Version::HTTP_11 || options.any(|option| option.eq_ignore_ascii_case("close"));
    status.is_server_error() && !announced
}

/// The time until which a client's kept connections are not used, because one of them may be about to end; see
/// [`config::SETTLE`].
#[derive(Debug, Default)]
pub(super) struct Settling(Mutex<Option<Instant>>);

impl Settling {
    /// A response that may be followed by the end of its connection has just arrived.
    pub(super) fn begin(&self) {
        *lock(&self.0) = Some(Instant::now() + config::SETTLE);
    }

    /// Waits until the connections have settled, or until `deadline`.
    pub(super) async fn wait(&self, deadline: Instant) {
        let until = *lock(&self.0);
        if let Some(until) = until.filter(|until| *until > Instant::now()) {
            sleep_until(until.min(deadline)).await;
        }
    }
}

/// What became of the connection that an attempt began to open, if it began to open one.
///
/// hyper lets the opening race against a pooled connection that becomes free, and the attempt runs on whichever is
/// ready first. If the pooled one wins, the opening continues in a task of its own. So an opening in progress says
/// nothing about the attempt; one that is dropped together with the attempt means that nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Opening {
    /// None was started: the attempt runs on a connection kept from an earlier call.
    None,
    UnderWay,
    Done,
    Failed,
    /// Dropped before it was done.
    Abandoned,
    /// Continued in a task of its own: the attempt runs on another connection.
    Elsewhere,
}

/// Watches the opening of one attempt.
#[derive(Clone, Debug)]
pub(super) struct Watched(Arc<AtomicU8>);

tokio::task_local! {
    static ATTEMPT: Watched;
}

impl Watched {
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicU8::new(Opening::None as u8)))
    }

    /// Runs an attempt and records its opening here.
    pub(super) fn watch<F: Future>(&self, attempt: F) -> impl Future<Output = F::Output> + use<F> {
        ATTEMPT.scope(self.clone(), attempt)
    }

    /// Whether the attempt was dropped while it waited for its own connection, so nothing was sent. Call it after the
    /// attempt's future is dropped.
    pub(super) fn was_never_made(&self) -> bool {
        self.is(Opening::Abandoned)
    }

    /// Whether the attempt ran on a connection from before it.
    pub(super) fn was_kept(&self) -> bool {
        !self.is(Opening::Done)
    }

    fn is(&self, opening: Opening) -> bool {
        self.0.load(Ordering::SeqCst) == opening as u8
    }

    fn note(&self, opening: Opening) {
        self.0.store(opening as u8, Ordering::SeqCst);
    }
}

/// Records an opening that is dropped before it is done.
struct Guard(Option<Watched>);

impl Guard {
    fn begin(watched: Option<Watched>) -> Self {
        if let Some(watched) = &watched {
            watched.note(Opening::UnderWay);
        }
        Self(watched)
    }

    fn end(&mut self, opening: Opening) {
        if let Some(watched) = self.0.take() {
            watched.note(opening);
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(watched) = &self.0 {
            watched.note(Opening::Abandoned);
        }
    }
}

/// Connector layer that reports to its task's attempt what becomes of the connection opened for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct WatchLayer;

impl<S> tower_layer::Layer<S> for WatchLayer {
    type Service = Watch<S>;

    fn layer(&self, inner: S) -> Watch<S> {
        Watch { inner: Arc::new(inner) }
    }
}

/// hyper clones its connector several times per call and connects with few of those clones, so the wrapped service is
/// shared and cloned only to connect.
#[derive(Debug)]
pub(super) struct Watch<S> {
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
        // Outside a call's own task there is no attempt to report to.
        let mut guard = Guard::begin(ATTEMPT.try_with(Clone::clone).ok());
        let mut inner = S::clone(&self.inner);
        let mut connecting = Box::pin(async move {
            poll_fn(|cx| inner.poll_ready(cx)).await?;
            inner.call(request).await
        });
        Box::pin(poll_fn(move |cx| {
            // Polled outside the attempt: hyper has found it another connection, and continues opening this one in a
            // separate task.
            if ATTEMPT.try_with(|_| ()).is_err() {
                guard.end(Opening::Elsewhere);
            }
            let connected = ready!(connecting.as_mut().poll(cx));
            guard.end(if connected.is_ok() { Opening::Done } else { Opening::Failed });
            Poll::Ready(connected)
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_5xx_may_be_followed_by_an_unannounced_end() {
        let ends = |status: u16, version, connection: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in connection {
                headers.append("connection", http::HeaderValue::from_static(value));
            }
            may_end_unannounced(StatusCode::from_u16(status).unwrap(), version, &headers)
        };
        for status in [500, 502, 503, 504, 599] {
            assert!(ends(status, Version::HTTP_11, &[]), "{status}");
        }
        assert!(ends(500, Version::HTTP_11, &["keep-alive"]));
        for status in [200, 204, 307, 404, 409, 429] {
            assert!(!ends(status, Version::HTTP_11, &[]), "{status}");
        }
        assert!(!ends(500, Version::HTTP_10, &[]), "announced by its version");
        for close in [&["close"][..], &["Close"], &["keep-alive, close"], &["upgrade", "close"]] {
            assert!(!ends(500, Version::HTTP_11, close), "{close:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn connections_settle_for_twenty_milliseconds_and_no_longer_than_the_deadline() {
        let settling = Settling::default();
        let (begun, far) = (Instant::now(), Instant::now() + Duration::from_secs(9));
        settling.wait(far).await;
        assert_eq!(begun.elapsed(), Duration::ZERO, "nothing has failed yet");
        settling.begin();
        settling.wait(begun + Duration::from_millis(4)).await;
        assert_eq!(begun.elapsed(), Duration::from_millis(4));
        settling.wait(far).await;
        assert_eq!(begun.elapsed(), Duration::from_millis(20));
        settling.wait(far).await;
        assert_eq!(begun.elapsed(), Duration::from_millis(20), "it is over");
    }
}
