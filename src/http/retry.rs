//! Whether and when a call is retried: `classify`, and the loop that uses it.

use std::future::Future;
use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;

use super::RetryClass;
use super::budget::Budget;
use super::limiter::Limiter;
use super::retry_policy::RetryPolicy;
use crate::clock;
use crate::config;
use crate::error::{Attempt, Reason, Timer, TransportKind};

/// The outcome of an attempt, as far as a retry depends on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Outcome {
    Status {
        status: StatusCode,
        reason: Option<Reason>,
        retry_after: Option<Duration>,
        /// Whether the server wants the call again, where it says so.
        wanted: Option<bool>,
    },
    Transport(TransportKind),
    Timeout {
        timer: Timer,
        connected: bool,
    },
    /// Nothing was sent, for a reason that another attempt would not change.
    NotSent,
}

impl Outcome {
    fn status(self) -> Option<StatusCode> {
        match self {
            Self::Status { status, .. } => Some(status),
            _ => None,
        }
    }

    /// Whether the server rejects the call, and so works.
    fn server_works(self) -> bool {
        let refused = |status: StatusCode| status.is_client_error() && !matches!(status.as_u16(), 408 | 429);
        self.status().is_some_and(refused)
    }

    /// The wait that the server asked for.
    pub(crate) fn ordered_wait(self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => retry_after,
            _ => None,
        }
    }

    /// Whether the server may have processed the call.
    pub(crate) fn may_have_been_processed(self) -> bool {
        match self {
            // A redirect says nothing about what was done before it.
            Self::Status { status, .. } => !status.is_client_error() || status == StatusCode::REQUEST_TIMEOUT,
            Self::Transport(kind) => !kind.is_connect(),
            Self::Timeout { connected, .. } => connected,
            Self::NotSent => false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    GiveUp,
    Retry,
    /// Retry without a pause and without counting: the attempt ran on a connection that was already dead.
    RetryAtOnce,
}

/// The complete rule. `delivered`: the caller has seen a part of the response.
pub(crate) fn classify(outcome: Outcome, class: RetryClass, delivered: bool) -> Decision {
    let again = match outcome {
        _ if delivered => false,
        Outcome::Status { reason: Some(reason), .. } if reason.is_limit() => false,
        Outcome::Status { wanted: Some(false), .. } => false,
        Outcome::Status { status, retry_after, wanted, .. } => match status.as_u16() {
            429 => true,
            503 | 529 if retry_after.is_some() => true,
            408 => class == RetryClass::Idempotent,
            500 | 502 | 503 | 504 | 529 => class != RetryClass::NonIdempotent,
            409 | ..400 => false,
            _ => wanted == Some(true) && class == RetryClass::Idempotent,
        },
        Outcome::Transport(TransportKind::NotConnected) | Outcome::Timeout { timer: Timer::Connect, .. } => true,
        Outcome::Transport(TransportKind::StaleConnection) if class == RetryClass::Idempotent => {
            return Decision::RetryAtOnce;
        }
        Outcome::Transport(TransportKind::NoAnswer | TransportKind::BodyCut | TransportKind::Other) => {
            class == RetryClass::Idempotent
        }
        Outcome::Transport(_) | Outcome::NotSent | Outcome::Timeout { timer: Timer::Total, .. } => false,
        Outcome::Timeout { connected, .. } => !connected || class == RetryClass::Idempotent,
    };
    if again { Decision::Retry } else { Decision::GiveUp }
}

/// The settings of the loop, fixed before the first attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetrySettings {
    pub(crate) policy: RetryPolicy,
    pub(crate) class: RetryClass,
    pub(crate) attempt: Duration,
    pub(crate) total: Duration,
    /// The caller set the total: server-requested waits count too.
    pub(crate) strict: bool,
}

/// How long the next attempt may take, and which timer ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deadline {
    pub(crate) length: Duration,
    pub(crate) timer: Timer,
    /// What the timer was set to, for the error message.
    pub(crate) set_to: Duration,
}

impl RetrySettings {
    fn deadline(&self, left: Duration) -> Deadline {
        if left < self.attempt {
            return Deadline { length: left, timer: Timer::Total, set_to: self.total };
        }
        Deadline { length: self.attempt, timer: Timer::Attempt, set_to: self.attempt }
    }

    /// Whether to wait for `pause`. A server-requested wait moves the deadline, unless the caller set it.
    fn allows(&self, pause: Duration, outcome: Outcome, deadline: &mut Instant) -> bool {
        let ordered = outcome.ordered_wait().unwrap_or_default();
        if ordered > self.policy.max_server_wait {
            return false;
        }
        if !self.strict {
            *deadline = clock::after(*deadline, ordered);
        }
        let needed = pause.saturating_add(config::SHORTEST_RETRY.min(self.attempt));
        needed <= deadline.saturating_duration_since(Instant::now())
    }
}

/// The state of a call so far, over all its routes.
#[derive(Debug)]
pub(crate) struct RetryState {
    deadline: Instant,
    retries: u32,
    stale_met: bool,
    renewed: bool,
    /// The server may be of another generation than was learnt, as its last error says.
    pub(crate) generation_in_doubt: bool,
    /// The attempts that failed.
    pub(crate) attempts: Vec<Attempt>,
}

impl RetryState {
    /// The state of a call that starts now.
    pub(crate) fn begin(settings: &RetrySettings) -> Self {
        let deadline = clock::after(Instant::now(), settings.total);
        let attempts = Vec::new();
        Self { deadline, retries: 0, stale_met: false, renewed: false, generation_in_doubt: false, attempts }
    }

    /// When the call must be done.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether a rejected key may be renewed; `true` once.
    pub(crate) fn renew_once(&mut self) -> bool {
        !std::mem::replace(&mut self.renewed, true)
    }

    /// Takes the attempts that failed so far.
    pub(crate) fn take_attempts(&mut self) -> Vec<Attempt> {
        std::mem::take(&mut self.attempts)
    }

    /// Waits until the client's own limit allows an attempt. A deadline that the caller set stays, any other moves.
    ///
    /// # Errors
    /// How long the wait would be, if the limit refuses it or it would go beyond the caller's deadline.
    async fn admit(&mut self, settings: &RetrySettings, limiter: &Limiter) -> Result<(), Duration> {
        let begun = Instant::now();
        limiter.take(settings.strict.then_some(self.deadline))?.wait().await;
        if !settings.strict {
            self.deadline = clock::after(self.deadline, begun.elapsed());
        }
        Ok(())
    }

    /// How long to wait before the next attempt; `None` if there is none.
    fn pause(&mut self, settings: &RetrySettings, outcome: Outcome, random: f64) -> Option<Duration> {
        let pause = match classify(outcome, settings.policy.applied_to(settings.class), false) {
            _ if settings.policy.max_retries == 0 => return None,
            Decision::RetryAtOnce if !self.stale_met => {
                self.stale_met = true;
                Duration::ZERO
            }
            Decision::Retry | Decision::RetryAtOnce if self.retries < settings.policy.max_retries => {
                self.retries += 1;
                settings.policy.delay(self.retries - 1, outcome.ordered_wait(), random)
            }
            _ => return None,
        };
        settings.allows(pause, outcome, &mut self.deadline).then_some(pause)
    }
}

/// A failed attempt, as the loop sees it.
pub(crate) trait Failed {
    fn outcome(&self) -> Outcome;
    /// The status of the response, if one arrived.
    fn status(&self) -> Option<StatusCode>;
    fn cause(&self) -> String;
    /// The client's own limit would have had the attempt wait this long.
    fn throttled(wait: Duration) -> Self;
}

/// Sends until an attempt succeeds or must not be retried. `limits` are those of the client; `can_repeat` tells whether
/// another attempt would send the same; `send` gets the number of the attempt, its deadline, and its beginning.
///
/// # Errors
/// The last failure; the outcome of every attempt is in `state`.
pub(crate) async fn run<A, F, S, SF, Z, ZF>(
    settings: &RetrySettings,
    limits: (&Budget, Option<&Limiter>),
    state: &mut RetryState,
    can_repeat: impl Fn() -> bool,
    mut random: impl FnMut() -> f64,
    mut send: S,
    mut sleep: Z,
) -> Result<A, F>
where
    F: Failed,
    S: FnMut(u32, Deadline, Instant) -> SF,
    SF: Future<Output = Result<A, F>>,
    Z: FnMut(Duration) -> ZF,
    ZF: Future<Output = ()>,
{
    let (budget, limiter) = limits;
    loop {
        let admitted = match limiter {
            // Few calls come here, and all would carry the size of it.
            Some(limiter) => Box::pin(state.admit(settings, limiter)).await,
            None => Ok(()),
        };
        let begun = Instant::now();
        let deadline = settings.deadline(state.deadline.saturating_duration_since(begun));
        let number = u32::try_from(state.attempts.len()).unwrap_or(u32::MAX);
        let result = match admitted {
            Ok(()) => send(number, deadline, begun).await,
            Err(wait) => Err(F::throttled(wait)),
        };
        let failure = match result {
            Ok(answer) => {
                budget.earn();
                return Ok(answer);
            }
            Err(failure) => failure,
        };
        let outcome = failure.outcome();
        let due = can_repeat().then(|| state.pause(settings, outcome, random())).flatten();
        let pause = due.filter(|_| budget.try_spend());
        if outcome.server_works() {
            budget.earn();
        }
        state.attempts.push(Attempt {
            status: failure.status(),
            cause: failure.cause(),
            took: begun.elapsed(),
            waited: pause.unwrap_or_default(),
            may_have_been_processed: outcome.may_have_been_processed(),
            retry_budget_spent: due.is_some() && pause.is_none(),
        });
        match pause {
            Some(pause) => sleep(pause).await,
            None => return Err(failure),
        }
    }
}

#[cfg(test)]
#[path = "retry_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "retry_loop_tests.rs"]
mod loop_tests;
