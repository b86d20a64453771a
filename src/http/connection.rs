//! Which connection an attempt runs on, which decides how a failure is classified.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

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
    pub(super) fn watch<F: Future>(&self, attempt: F) -> impl Future<Output = F::Output> {
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
