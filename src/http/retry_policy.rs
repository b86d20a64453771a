//! How often and with what pauses a client retries.

use std::time::Duration;

use super::RetryClass;
use crate::config;

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
    pub(super) fn applied_to(&self, class: RetryClass) -> RetryClass {
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
