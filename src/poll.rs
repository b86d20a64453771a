//! Waiting for a long job by looking at it again and again.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use futures::stream::{BoxStream, StreamExt, try_unfold};
use tokio::time::{Instant, sleep, sleep_until};

use crate::error::{TimeoutError, Timer};
use crate::http::Request;
use crate::{Error, config};

/// Waits until a long job is done. Await it for the final value; [`updates`](Self::updates) gives every look.
///
/// Pauses grow by half from one look to the next, and are lengthened by what the server orders. Faults that pass (the
/// connection, 429, 5xx) do not end the waiting; the timeout does, with [`Error::Timeout`] and
/// [`Timer::Poll`]. The job itself goes on then.
///
/// # Cancel safety
/// Dropping it ends the waiting and nothing else.
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

    /// The first pause and the longest. Default: 2 s and 10 s.
    pub fn interval(mut self, first: Duration, longest: Duration) -> Self {
        self.interval = first;
        self.longest = longest;
        self
    }

    /// How long to wait in all. Default: 600 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Every look at the job that succeeded; the last one is of the job done.
    pub fn updates(self) -> BoxStream<'static, Result<T, Error>> {
        try_unfold(Some(Looking::new(self)), |looking| async move {
            let Some(mut looking) = looking else { return Ok(None) };
            let value = looking.next().await?;
            let done = (looking.poller.done)(&value);
            Ok(Some((value, (!done).then_some(looking))))
        })
        .boxed()
    }

    async fn wait(self) -> Result<T, Error> {
        let mut looking = Looking::new(self);
        loop {
            let value = looking.next().await?;
            if (looking.poller.done)(&value) {
                return Ok(value);
            }
        }
    }
}

struct Looking<T> {
    deadline: Instant,
    /// Before the next look.
    pause: Duration,
    poller: Poller<T>,
}

impl<T: Send + 'static> Looking<T> {
    fn new(poller: Poller<T>) -> Self {
        Self { deadline: Instant::now() + poller.timeout, pause: Duration::ZERO, poller }
    }

    /// The next look that succeeds.
    async fn next(&mut self) -> Result<T, Error> {
        let mut met = None;
        loop {
            self.wait(met).await?;
            match self.poller.request.clone().send().await {
                Ok(value) => return Ok(value),
                Err(error) if passes(&error) => met = Some(error),
                Err(error) => return Err(error),
            }
        }
    }

    /// Pauses for as long as is due, and for as long as the error just `met` asks.
    async fn wait(&mut self, met: Option<Error>) -> Result<(), Error> {
        let ordered = met.as_ref().and_then(Error::retry_after).unwrap_or_default();
        let pause = self.pause.mul_f64(1.0 - fastrand::f64() / 4.0).max(ordered);
        if Instant::now() + pause > self.deadline {
            sleep_until(self.deadline).await;
            return Err(met.unwrap_or_else(|| self.timed_out()));
        }
        let first = self.pause.is_zero();
        self.pause = if first { self.poller.interval } else { self.pause.mul_f64(1.5).min(self.poller.longest) };
        sleep(pause).await;
        Ok(())
    }

    fn timed_out(&self) -> Error {
        let record = self.poller.request.unsent_record();
        Error::Timeout(Box::new(TimeoutError { timer: Timer::Poll, after: self.poller.timeout, record }))
    }
}

/// A fault of the looking, not of the job.
fn passes(error: &Error) -> bool {
    match error {
        Error::Connect(_) | Error::Transport(_) | Error::Timeout(_) | Error::Server(_) => true,
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
