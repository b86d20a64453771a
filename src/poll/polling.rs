//! The course of a wait: when the next poll is due, and when the wait is over.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use super::{Poller, State};
use crate::error::{ApiError, Awaited, TimeoutError, Timer, TransportKind};
use crate::{Error, clock, config};

pub(super) struct Polling<T, U> {
    poller: Poller<T, U>,
    /// Set by the first poll.
    deadline: Option<Instant>,
    /// The pause before the last poll, without jitter; none before the first.
    pause: Option<Duration>,
    /// What comes next; kept so that a wait that is dropped and resumed does not begin its pause again.
    due: Option<Due>,
    /// What the last response asks for.
    retry_after: Duration,
    /// The next poll is the last: the pause before it is shorter than is due.
    last: bool,
    /// The last poll's failure.
    met: Option<Error>,
    may_have_been_processed: bool,
    /// The last state, and whether it is that of a finished job.
    state: Option<U>,
    done: bool,
}

#[derive(Clone, Copy)]
enum Due {
    Poll(Instant),
    /// No further poll fits before the deadline.
    Timeout,
}

impl<T, U: Send + Sync + 'static> Polling<T, U> {
    pub(super) fn new(poller: Poller<T, U>) -> Self {
        Self {
            poller,
            deadline: None,
            pause: None,
            due: None,
            retry_after: Duration::ZERO,
            last: false,
            met: None,
            may_have_been_processed: false,
            state: None,
            done: false,
        }
    }

    /// Polls until the job is done.
    pub(super) async fn outcome(&mut self) -> Result<T, Error> {
        loop {
            self.next().await?;
            if self.done
                && let Some(state) = self.state.take()
            {
                return Ok((self.poller.outcome)(state));
            }
        }
    }

    /// The state that the next successful poll shows; `None` after that of the finished job.
    pub(super) async fn next(&mut self) -> Result<Option<&U>, Error> {
        if self.done {
            return Ok(None);
        }
        let deadline = *self.deadline.get_or_insert_with(|| clock::after(Instant::now(), self.poller.timeout));
        loop {
            let due = self.due.unwrap_or_else(|| self.schedule(deadline));
            self.due = Some(due);
            match due {
                Due::Poll(at) => sleep_until(at).await,
                Due::Timeout => {
                    sleep_until(deadline).await;
                    return Err(self.timed_out());
                }
            }
            if let Some(State { value, retry_after }) = self.poll(deadline).await? {
                self.retry_after = retry_after.unwrap_or_default();
                self.done = (self.poller.is_done)(&value);
                return Ok(Some(self.state.insert(value)));
            }
        }
    }

    /// Polls once; `None` after a transient failure.
    async fn poll(&mut self, deadline: Instant) -> Result<Option<State<U>>, Error> {
        let before = std::mem::replace(&mut self.may_have_been_processed, true);
        let left = deadline.saturating_duration_since(Instant::now());
        // The call's own timer, which knows more, comes first.
        let end = clock::after(deadline, config::POLL_GRACE);
        let result = timeout_at(end, (self.poller.source.fetch)(left)).await;
        self.due = None;
        match result {
            Ok(Ok(state)) => {
                self.met = None;
                Ok(Some(state))
            }
            Ok(Err(error)) if is_transient(&error) => {
                self.may_have_been_processed = before || error.may_have_been_processed();
                self.retry_after = error.retry_after().unwrap_or_default();
                self.met = Some(error);
                Ok(None)
            }
            Ok(Err(error)) => Err(error),
            Err(_elapsed) => Err(self.timed_out()),
        }
    }

    /// When the next poll is due.
    fn schedule(&mut self, deadline: Instant) -> Due {
        let now = Instant::now();
        let left = deadline.saturating_duration_since(now);
        if self.retry_after > left || self.last || (left.is_zero() && self.pause.is_some()) {
            return Due::Timeout;
        }
        // A pause of twice the time that is left never fits, however long it is.
        let pause = self.pause.unwrap_or_default().min(left.saturating_mul(2));
        let mut wait = pause.mul_f64(1.0 - config::POLL_JITTER * fastrand::f64()).max(self.retry_after);
        if wait > left {
            // A job that finishes in time is not missed because a pause would end too late.
            self.last = true;
            wait = left.mul_f64(config::POLL_LAST_PAUSE).max(self.retry_after);
        }
        let longest = self.poller.longest.max(config::POLL_INTERVAL_FLOOR);
        let grown = self.pause.map_or(self.poller.interval, |pause| pause.saturating_mul(3) / 2);
        self.pause = Some(grown.clamp(config::POLL_INTERVAL_FLOOR, longest));
        Due::Poll(clock::after(now, wait))
    }

    fn timed_out(&mut self) -> Error {
        let mut record = (self.poller.source.record)();
        record.attempts = self.met.as_ref().map(Error::attempts).unwrap_or_default().to_vec();
        record.may_have_been_processed = self.may_have_been_processed;
        let state = self.state.take().map(|state| Box::new(state) as _);
        Error::Timeout(Box::new(TimeoutError {
            timer: Timer::Poll,
            after: self.poller.timeout,
            met: self.met.take().map(Into::into),
            head: None,
            awaited: Some(Awaited { state, ids: self.poller.source.ids.clone() }),
            record,
        }))
    }
}

/// Whether the next poll may not meet the failure.
pub(crate) fn is_transient(error: &Error) -> bool {
    if error.api().is_some_and(ApiError::is_permanent) || error.is_limit_exceeded() {
        return false;
    }
    match error {
        Error::Timeout(_) | Error::RateLimited(_) => true,
        Error::Connect(error) | Error::Transport(error) => matches!(
            error.kind(),
            TransportKind::NotConnected
                | TransportKind::StaleConnection
                | TransportKind::NoAnswer
                | TransportKind::BodyCut
                | TransportKind::Other
        ),
        // 501 and 505 say that the server will never do it.
        Error::Server(api) => !matches!(api.status().as_u16(), 501 | 505),
        Error::OtherClient(api) => api.status().as_u16() == 408,
        _ => false,
    }
}
