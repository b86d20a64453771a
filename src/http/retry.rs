//! Whether and when a call is retried: `classify`, `delay`, and the loop that uses them.

use std::future::Future;
use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;

use super::RetryClass;
use super::budget::Budget;
use crate::clock;
use crate::config;
use crate::error::{Attempt, Reason, Timer, TransportKind};

/// How often and with what pauses a client retries.
///
/// The pause before retry `n`, counted from 0, is drawn uniformly from zero to `base * 2^n`, at most `cap` (full
/// jitter), unless the server sent `Retry-After`.
///
/// | outcome of an attempt | idempotent call | other call |
/// |---|---|---|
/// | no connection could be made, unless for want of TLS or of a proxy's credentials | retry | retry |
/// | 429, unless a plan, cap or quota is used up | retry | retry |
/// | 503 or 529 with a valid `Retry-After` | retry | retry |
/// | 408, 500, 502, 503, 504, 529; the connection was lost; the attempt timed out | retry | give up |
/// | another error status, except 409, with `X-Should-Retry: true` | retry | give up |
/// | a kept-alive connection ended before a response arrived | retry at once | give up |
/// | anything else, including 409 and any status with `X-Should-Retry: false` | give up | give up |
///
/// [`server_errors`](Self::server_errors) retries other calls after 500, 502, 503, 504 and 529 too.
///
/// ```
/// # use std::time::Duration;
/// # use polyagent::RetryPolicy;
/// let patient = RetryPolicy::default().max_retries(5).backoff(Duration::from_secs(1), Duration::from_secs(30));
/// let never = RetryPolicy::none();
/// # assert_ne!(patient, never);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    pub(crate) max_retries: u32,
    base: Duration,
    cap: Duration,
    jitter: bool,
    pub(crate) max_server_wait: Duration,
    server_errors: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: config::MAX_RETRIES,
            base: config::BACKOFF_BASE,
            cap: config::BACKOFF_CAP,
            jitter: true,
            max_server_wait: config::MAX_SERVER_WAIT,
            server_errors: false,
        }
    }
}

impl RetryPolicy {
    /// Returns a policy without retries.
    #[must_use]
    pub fn none() -> Self {
        Self::default().max_retries(0)
    }

    /// Sets the number of retries after the first attempt. Default: 2.
    #[must_use]
    pub fn max_retries(mut self, max_retries: u32) -> Self {
        self.max_retries = max_retries;
        self
    }

    /// Sets the upper bounds of the first pause and of any pause. Default: 500 ms and 8 s.
    #[must_use]
    pub fn backoff(mut self, base: Duration, cap: Duration) -> Self {
        self.base = base;
        self.cap = cap;
        self
    }

    /// Sets whether a pause is drawn from zero to its upper bound, or is always the bound. Default: drawn. Without
    /// jitter, clients that failed together retry together.
    #[must_use]
    pub fn jitter(mut self, jitter: bool) -> Self {
        self.jitter = jitter;
        self
    }

    /// Sets the longest `Retry-After` that is honoured; an error with a longer one is returned at once, with the value
    /// in [`Error::retry_after`](crate::Error::retry_after). Default: 120 s.
    #[must_use]
    pub fn max_server_wait(mut self, longest: Duration) -> Self {
        self.max_server_wait = longest;
        self
    }

    /// Sets whether calls that are not idempotent are also sent again after a 500, 502, 503, 504 or 529, as if they
    /// were [`RetryClass::SafeOnServerError`]. Default: false.
    ///
    /// A server that fails halfway, or a proxy whose server went on working, may then start the same thing twice. It is
    /// for platforms that promise otherwise: eClips calls every 5xx safe to retry.
    #[must_use]
    pub fn server_errors(mut self, retry: bool) -> Self {
        self.server_errors = retry;
        self
    }

    /// The class under which a call of `class` is retried.
    fn applied_to(&self, class: RetryClass) -> RetryClass {
        match class {
            RetryClass::NonIdempotent if self.server_errors => RetryClass::SafeOnServerError,
            class => class,
        }
    }

    /// The pause before retry number `retry`, counted from 0. `random` is drawn from `0.0..1.0`.
    pub(crate) fn delay(&self, retry: u32, ordered: Option<Duration>, random: f64) -> Duration {
        if let Some(ordered) = ordered {
            return ordered;
        }
        let bound = self.base.saturating_mul(2_u32.saturating_pow(retry)).min(self.cap);
        if self.jitter { bound.mul_f64(random) } else { bound }
    }
}

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

impl Deadline {
    /// The same, but no longer than what is left of a total that the caller set.
    pub(crate) fn within(self, left: Duration, total: Duration) -> Self {
        if left < self.length { Self { length: left, timer: Timer::Total, set_to: total } } else { self }
    }
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
    /// The attempts that failed.
    pub(crate) attempts: Vec<Attempt>,
}

impl RetryState {
    /// The state of a call that starts now.
    pub(crate) fn begin(settings: &RetrySettings) -> Self {
        let deadline = clock::after(Instant::now(), settings.total);
        Self { deadline, retries: 0, stale_met: false, renewed: false, attempts: Vec::new() }
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
    /// How long the client itself held the attempt back.
    fn held_back(&self) -> Duration {
        Duration::ZERO
    }
    /// Whether another attempt would send the same.
    fn can_repeat(&self) -> bool {
        true
    }
}

/// Sends until an attempt succeeds or must not be retried. `send` gets the number of the attempt, its deadline, and its
/// beginning.
///
/// # Errors
/// The last failure; the outcome of every attempt is in `state`.
pub(crate) async fn run<A, F, S, SF, Z, ZF>(
    settings: &RetrySettings,
    budget: &Budget,
    state: &mut RetryState,
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
    loop {
        let begun = Instant::now();
        let deadline = settings.deadline(state.deadline.saturating_duration_since(begun));
        let number = u32::try_from(state.attempts.len()).unwrap_or(u32::MAX);
        let failure = match send(number, deadline, begun).await {
            Ok(answer) => {
                budget.earn();
                return Ok(answer);
            }
            Err(failure) => failure,
        };
        if !settings.strict {
            state.deadline = clock::after(state.deadline, failure.held_back());
        }
        let outcome = failure.outcome();
        let due = failure.can_repeat().then(|| state.pause(settings, outcome, random())).flatten();
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
