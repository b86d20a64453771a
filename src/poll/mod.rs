//! Polling a long-running job until it is done.

mod polling;
mod start;

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::lock::Mutex;
use futures::stream::{BoxStream, Stream, StreamExt, try_unfold};

use self::polling::Polling;
#[allow(unused_imports, reason = "not every platform needs it")]
pub(crate) use self::polling::is_transient;
pub use self::start::StartAndWait;
use crate::error::CallRecord;
use crate::{Error, config};

/// What a server works on for longer than one call takes, as a poll shows it.
///
/// Implement it for a type of your own to [`wait`](crate::Request::wait) for calls that are decoded as that type.
pub trait Job {
    /// What the job is once it is done.
    type Outcome;

    /// Whether the server has stopped working on it, successfully or not. A state that is not known is not done.
    fn is_done(&self) -> bool;

    /// Returns the outcome of a job that is done.
    fn into_outcome(self) -> Self::Outcome;
}

/// Polls a job until it is done. Await it for the outcome `T`; [`updates`](Self::updates) streams every state `U`
/// first.
///
/// Each pause is half as long again as the one before, with jitter, and at least what `Retry-After` asks. Transient
/// failures (connection, 408, 429, 5xx) do not end the wait. The timeout does, even during a poll, with
/// [`Error::Timeout`] and [`Timer::Poll`](crate::Timer::Poll): it has the last state and the ids to go on with later,
/// and its source is the error of the last poll, if it failed. The job itself keeps running.
///
/// # Cancel safety
/// Dropping it stops the polling; the job is not affected.
#[must_use = "a poller does nothing until it is awaited"]
pub struct Poller<T, U = T> {
    source: Source<U>,
    is_done: Arc<dyn Fn(&U) -> bool + Send + Sync>,
    outcome: fn(U) -> T,
    interval: Duration,
    longest: Duration,
    timeout: Duration,
}

/// The call that a poller repeats.
pub(crate) struct Source<U> {
    /// Sends it once.
    pub(crate) fetch: Arc<Fetch<U>>,
    /// Describes it for errors.
    pub(crate) record: Arc<dyn Fn() -> CallRecord + Send + Sync>,
    /// The ids in its path.
    pub(crate) ids: Vec<String>,
}

/// One poll, which should take no longer than it is told.
pub(crate) type Fetch<U> = dyn Fn(Duration) -> BoxFuture<'static, Result<State<U>, Error>> + Send + Sync;

/// The response to one poll.
pub(crate) struct State<U> {
    pub(crate) value: U,
    /// How long the server asked to wait before the next poll.
    pub(crate) retry_after: Option<Duration>,
}

impl<U> Clone for Source<U> {
    fn clone(&self) -> Self {
        Self { fetch: Arc::clone(&self.fetch), record: Arc::clone(&self.record), ids: self.ids.clone() }
    }
}

impl<T, U> Clone for Poller<T, U> {
    fn clone(&self) -> Self {
        Self { source: self.source.clone(), is_done: Arc::clone(&self.is_done), ..*self }
    }
}

impl<T, U: Send + Sync + 'static> Poller<T, U> {
    pub(crate) fn new(
        source: Source<U>,
        is_done: impl Fn(&U) -> bool + Send + Sync + 'static,
        outcome: fn(U) -> T,
    ) -> Self {
        Self {
            source,
            is_done: Arc::new(is_done),
            outcome,
            interval: config::POLL_INTERVAL,
            longest: config::POLL_INTERVAL_CAP,
            timeout: config::POLL_TIMEOUT,
        }
    }

    /// Sets the first pause and the longest, at least 1 ms. Default: 2 s and 10 s.
    pub fn interval(mut self, first: Duration, longest: Duration) -> Self {
        self.interval = first;
        self.longest = longest;
        self
    }

    /// Sets how long to wait in total. Default: 600 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl<T, U> Poller<T, U> {
    /// Returns the ids of the job, as the method that waits for it takes them.
    pub fn job_ids(&self) -> &[String] {
        &self.source.ids
    }

    /// Waits for another state.
    #[allow(dead_code, reason = "not every platform needs it")]
    pub(crate) fn until(mut self, is_done: impl Fn(&U) -> bool + Send + Sync + 'static) -> Self {
        self.is_done = Arc::new(is_done);
        self
    }
}

impl<T: 'static, U: Clone + Send + Sync + 'static> Poller<T, U> {
    /// Streams the state that every successful poll shows, that of the finished job last. Await the stream afterwards
    /// for the outcome, which takes no further request.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::Elephantasm;
    /// # async fn example(client: Elephantasm, dream_id: &str) -> Result<(), polyagent::Error> {
    /// let mut updates = client.dreams().wait(dream_id).updates();
    /// while let Some(dream) = updates.try_next().await? {
    ///     println!("{}", dream.status);
    /// }
    /// let dream = updates.await?;
    /// # Ok(()) }
    /// ```
    pub fn updates(self) -> Updates<T, U> {
        let polling = Arc::new(Mutex::new(Polling::new(self)));
        let states = try_unfold(Arc::clone(&polling), |polling| async move {
            let state = polling.lock().await.next().await?.cloned();
            Ok(state.map(|state| (state, polling)))
        });
        Updates { polling, states: states.boxed() }
    }
}

impl<T, U> fmt::Debug for Poller<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poller").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl<T: 'static, U: Send + Sync + 'static> IntoFuture for Poller<T, U> {
    type Output = Result<T, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { Polling::new(self).outcome().await })
    }
}

/// The states of a job as a stream, and then, awaited, its outcome; from [`Poller::updates`].
///
/// The stream ends after an error, or after the state of the finished job. Awaiting it polls on if the job is not done.
#[must_use = "streams do nothing unless polled"]
pub struct Updates<T, U = T> {
    polling: Arc<Mutex<Polling<T, U>>>,
    states: BoxStream<'static, Result<U, Error>>,
}

impl<T, U> Updates<T, U> {
    /// Returns the next state; `None` after that of the finished job. The same as `TryStreamExt::try_next`, without the
    /// import.
    ///
    /// # Errors
    /// Any variant of [`Error`]; it is the last thing that comes.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: the next call goes on with the same poll.
    pub async fn try_next(&mut self) -> Result<Option<U>, Error> {
        self.states.next().await.transpose()
    }
}

impl<T, U> Stream for Updates<T, U> {
    type Item = Result<U, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.states.poll_next_unpin(cx)
    }
}

impl<T, U> fmt::Debug for Updates<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Updates").finish_non_exhaustive()
    }
}

impl<T: 'static, U: Send + Sync + 'static> IntoFuture for Updates<T, U> {
    type Output = Result<T, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { polling, mut states } = self;
        Box::pin(async move {
            // A poll that is in flight is not sent twice.
            while let Some(state) = states.next().await {
                state?;
            }
            polling.lock().await.outcome().await
        })
    }
}

#[cfg(test)]
mod tests;
