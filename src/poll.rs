//! Polling a long-running job until it finishes.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::stream::{BoxStream, Stream, StreamExt, try_unfold};
use tokio::time::{Instant, sleep};

use crate::error::{TimeoutError, Timer, TransportKind};
use crate::http::Request;
use crate::{Error, clock, config};

/// Polls a long-running job until it finishes. Await it for the final value; [`updates`](Self::updates) yields every
/// poll.
///
/// Each pause is half as long again as the one before, and is extended to what the server asks for. Transient failures
/// (connection, 429, 5xx) do not end the wait; the timeout does, with [`Error::Timeout`] and [`Timer::Poll`], whose
/// source is the error of the last poll, if it failed. The job itself keeps running.
///
/// # Cancel safety
/// Dropping it stops the polling; the job is not affected.
#[must_use = "a poller does nothing until it is awaited"]
pub struct Poller<T> {
    request: Request<T>,
    done: fn(&T) -> bool,
    interval: Duration,
    longest: Duration,
    timeout: Duration,
}

impl<T: Send + 'static> Poller<T> {
    pub(crate) fn new(request: Request<T>, done: fn(&T) -> bool) -> Self {
        Self {
            request,
            done,
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

    /// Sets options for every poll, with the methods of [`Request`]. No poll takes longer than the time that is left.
    pub fn options(self, set: impl FnOnce(Request<T>) -> Request<T>) -> Self {
        Self { request: set(self.request), ..self }
    }

    /// Sets how long to wait in total. Default: 600 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Streams the value of every successful poll; the last one is the finished job.
    pub fn updates(self) -> Updates<T> {
        let values = try_unfold(Some(Polling::new(self)), |polling| async move {
            let Some(mut polling) = polling else { return Ok(None) };
            let value = polling.next().await?;
            let done = (polling.poller.done)(&value);
            Ok(Some((value, (!done).then_some(polling))))
        });
        Updates(values.boxed())
    }

    async fn wait(self) -> Result<T, Error> {
        let mut polling = Polling::new(self);
        loop {
            let value = polling.next().await?;
            if (polling.poller.done)(&value) {
                return Ok(value);
            }
        }
    }
}

/// The value of every successful poll of a job; from [`Poller::updates`].
///
/// The stream ends after an error, or after the value of the finished job.
#[must_use = "streams do nothing unless polled"]
pub struct Updates<T>(BoxStream<'static, Result<T, Error>>);

impl<T> Updates<T> {
    /// Returns the next value; `None` after that of the finished job. The same as `TryStreamExt::try_next`, without the
    /// import.
    ///
    /// # Errors
    /// Any variant of [`Error`]; it is the last thing that comes.
    pub async fn try_next(&mut self) -> Result<Option<T>, Error> {
        self.0.next().await.transpose()
    }
}

impl<T> Stream for Updates<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(cx)
    }
}

impl<T> fmt::Debug for Updates<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Updates").finish_non_exhaustive()
    }
}

struct Polling<T> {
    deadline: Instant,
    /// Before the next poll; none before the first.
    pause: Option<Duration>,
    /// The next poll is the last: the pause before it is shorter than is due.
    last: bool,
    poller: Poller<T>,
}

impl<T: Send + 'static> Polling<T> {
    fn new(poller: Poller<T>) -> Self {
        Self { deadline: clock::after(Instant::now(), poller.timeout), pause: None, last: false, poller }
    }

    /// The value of the next successful poll.
    async fn next(&mut self) -> Result<T, Error> {
        let mut met = None;
        loop {
            self.wait(met).await?;
            let left = self.deadline.saturating_duration_since(Instant::now());
            match self.poller.request.clone().total_timeout_within(left).send().await {
                Ok(value) => return Ok(value),
                Err(error) if passes(&error) => met = Some(error),
                Err(error) => return Err(error),
            }
        }
    }

    /// Pauses for as long as is due, or for as long as the error just `met` asks.
    async fn wait(&mut self, met: Option<Error>) -> Result<(), Error> {
        let ordered = met.as_ref().and_then(Error::retry_after).unwrap_or_default();
        let mut due = self.pause.unwrap_or_default().mul_f64(1.0 - fastrand::f64() / 4.0).max(ordered);
        let left = self.deadline.saturating_duration_since(Instant::now());
        if ordered > left || self.last || (left.is_zero() && self.pause.is_some()) {
            sleep(left).await;
            return Err(self.timed_out(met));
        }
        if due > left {
            // A job that finishes in time is not missed because a pause would end too late.
            self.last = true;
            due = left.mul_f64(config::POLL_LAST_PAUSE).max(ordered);
        }
        let longest = self.poller.longest.max(config::POLL_INTERVAL_FLOOR);
        let grown = self.pause.map_or(self.poller.interval, |pause| pause.saturating_mul(3) / 2);
        self.pause = Some(grown.clamp(config::POLL_INTERVAL_FLOOR, longest));
        sleep(due).await;
        Ok(())
    }

    fn timed_out(&self, met: Option<Error>) -> Error {
        let mut record = self.poller.request.unsent_record();
        record.attempts = met.as_ref().map(Error::attempts).unwrap_or_default().to_vec();
        let met = met.map(Into::into);
        Error::Timeout(Box::new(TimeoutError {
            timer: Timer::Poll,
            after: self.poller.timeout,
            met,
            head: None,
            record,
        }))
    }
}

/// A transient failure, which the next poll may not hit.
fn passes(error: &Error) -> bool {
    match error {
        Error::Connect(_) | Error::Timeout(_) | Error::Server(_) => true,
        Error::Transport(error) => !matches!(error.kind(), TransportKind::InvalidHttp | TransportKind::BodyTooLarge),
        error => error.is_rate_limited(),
    }
}

impl<T> fmt::Debug for Poller<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poller").field("request", &self.request).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl<T: Send + 'static> IntoFuture for Poller<T> {
    type Output = Result<T, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.wait())
    }
}
