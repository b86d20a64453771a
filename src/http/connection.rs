//! Which connection an attempt runs on, as far as a failure depends on it.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

/// What became of the connection that an attempt began to open, if it began to open one.
///
/// hyper lets the opening race against a pooled connection that comes free, and the attempt runs on whichever is there
/// first. If the pooled one wins, the opening goes on in a task of its own. So an opening under way says nothing of the
/// attempt; one that is dropped together with the attempt says that nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Opening {
    /// None was begun: the attempt runs on a connection kept from an earlier call.
    None,
    UnderWay,
    Done,
    Failed,
    /// Dropped before it was done.
    Abandoned,
    /// Went on in a task of its own: the attempt runs on another connection.
    Elsewhere,
}

/// The opening of one attempt, watched.
#[derive(Clone, Debug)]
pub(super) struct Watched(Arc<AtomicU8>);

tokio::task_local! {
    static ATTEMPT: Watched;
}

impl Watched {
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicU8::new(Opening::None as u8)))
    }

    /// Runs an attempt, whose opening is noted here.
    pub(super) fn watch<F: Future>(&self, attempt: F) -> impl Future<Output = F::Output> {
        ATTEMPT.scope(self.clone(), attempt)
    }

    /// The attempt was dropped while it waited for its own connection, so nothing was sent. To be asked after the
    /// attempt's future is dropped.
    pub(super) fn was_never_made(&self) -> bool {
        self.is(Opening::Abandoned)
    }

    /// The attempt ran on a connection that was there before it.
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

/// Notes an opening that is dropped before it is done.
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

/// Connector layer that tells the attempt of its task what becomes of the connection that is opened for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct WatchLayer;

impl<S> tower_layer::Layer<S> for WatchLayer {
    type Service = Watch<S>;

    fn layer(&self, inner: S) -> Watch<S> {
        Watch { inner: Arc::new(inner) }
    }
}

/// hyper clones its connector several times per call and connects with few of those clones, so what it wraps is shared
/// and cloned only to connect.
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
        // Outside a call's own task there is no one to tell.
        let mut guard = Guard::begin(ATTEMPT.try_with(Clone::clone).ok());
        let mut inner = S::clone(&self.inner);
        let mut connecting = Box::pin(async move {
            poll_fn(|cx| inner.poll_ready(cx)).await?;
            inner.call(request).await
        });
        Box::pin(poll_fn(move |cx| {
            // Polled outside the attempt: hyper has found it another connection, and goes on opening in a task of its own.
            if ATTEMPT.try_with(|_| ()).is_err() {
                guard.end(Opening::Elsewhere);
            }
            let connected = ready!(connecting.as_mut().poll(cx));
            guard.end(if connected.is_ok() { Opening::Done } else { Opening::Failed });
            Poll::Ready(connected)
        }))
    }
}
