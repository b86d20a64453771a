//! A limit of calls that the client keeps by itself, so that the server need not refuse them.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::clock;
use crate::lock::lock;

/// How many calls a client and its clones may make, for
/// [`ClientBuilder::call_limit`](crate::ClientBuilder::call_limit).
///
/// It is a bucket of tokens for each period. Every attempt of a call takes a token out of each, and a token comes back
/// one period after it was taken, so no period of that length ever sees more calls. A call that finds no token waits
/// for one, in the order of the calls; with [`refuse`](Self::refuse) it fails at once.
///
/// ```
/// # use std::time::Duration;
/// # use polyagent::CallLimit;
/// let limit = CallLimit::new(100, Duration::from_secs(15 * 60)).and(20, Duration::from_secs(60));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct CallLimit {
    periods: Vec<(usize, Duration)>,
    refuse: bool,
}

impl CallLimit {
    /// Allows this many calls, at least 1, within any time as long as `per`.
    pub fn new(calls: usize, per: Duration) -> Self {
        Self { periods: vec![(calls.max(1), per)], refuse: false }
    }

    /// Adds a limit for another period; both hold.
    pub fn and(mut self, calls: usize, per: Duration) -> Self {
        self.periods.push((calls.max(1), per));
        self
    }

    /// Makes a call fail with [`Error::Throttled`](crate::Error::Throttled) where it would have to wait.
    pub fn refuse(mut self) -> Self {
        self.refuse = true;
        self
    }
}

/// The tokens of a client.
#[derive(Debug)]
pub(super) struct Limiter {
    limit: CallLimit,
    /// When tokens were taken or will be, in order; as far back as matters.
    taken: Mutex<VecDeque<Instant>>,
}

/// A token that a call has taken; it goes back if the call is dropped while it waits.
#[derive(Debug)]
pub(super) struct Token<'l> {
    limiter: &'l Limiter,
    at: Instant,
    used: bool,
}

impl Limiter {
    pub(super) fn new(limit: CallLimit) -> Self {
        Self { limit, taken: Mutex::default() }
    }

    /// Takes the next token, if the call may wait for it: not where the limit refuses, nor beyond `latest`.
    ///
    /// # Errors
    /// How long the call would have to wait.
    pub(super) fn take(&self, latest: Option<Instant>) -> Result<Token<'_>, Duration> {
        let now = Instant::now();
        let mut taken = lock(&self.taken);
        let longest = self.limit.periods.iter().map(|(_, per)| *per).max().unwrap_or_default();
        while taken.front().is_some_and(|at| clock::after(*at, longest) <= now) {
            taken.pop_front();
        }
        let free = self.limit.periods.iter().filter_map(|(calls, per)| {
            let oldest = taken.len().checked_sub(*calls)?;
            taken.get(oldest).map(|at| clock::after(*at, *per))
        });
        let at = free.chain(taken.back().copied()).fold(now, Instant::max);
        if at > now && (self.limit.refuse || latest.is_some_and(|latest| at >= latest)) {
            return Err(at - now);
        }
        taken.push_back(at);
        Ok(Token { limiter: self, at, used: false })
    }
}

impl Token<'_> {
    /// Waits until the token is there.
    pub(super) async fn wait(mut self) {
        sleep_until(self.at).await;
        self.used = true;
    }
}

impl Drop for Token<'_> {
    fn drop(&mut self) {
        if self.used {
            return;
        }
        let mut taken = lock(&self.limiter.taken);
        if let Some(index) = taken.iter().position(|at| *at == self.at) {
            taken.remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn limiter(limit: CallLimit) -> Limiter {
        Limiter::new(limit)
    }

    async fn waited(limiter: &Limiter) -> Duration {
        let before = Instant::now();
        limiter.take(None).unwrap().wait().await;
        before.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_comes_back_a_period_after_it_was_taken() {
        let limiter = limiter(CallLimit::new(2, MINUTE));
        assert_eq!(waited(&limiter).await, Duration::ZERO);
        advance(Duration::from_secs(20)).await;
        assert_eq!(waited(&limiter).await, Duration::ZERO);
        assert_eq!(waited(&limiter).await, Duration::from_secs(40), "the first one's");
        assert_eq!(waited(&limiter).await, Duration::from_secs(20), "the second one's");
        advance(MINUTE).await;
        assert_eq!((waited(&limiter).await, waited(&limiter).await), (Duration::ZERO, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn no_period_sees_more_calls_than_allowed() {
        let limiter = limiter(CallLimit::new(100, 15 * MINUTE).and(20, MINUTE));
        let mut calls = Vec::new();
        for _ in 0..250 {
            limiter.take(None).unwrap().wait().await;
            calls.push(Instant::now());
        }
        for (allowed, per) in [(100, 15 * MINUTE), (20, MINUTE)] {
            for window in calls.windows(allowed + 1) {
                assert!(window[allowed] - window[0] >= per, "{allowed} in {per:?}");
            }
        }
        assert_eq!(calls[99] - calls[0], 4 * MINUTE, "and no fewer");
        assert_eq!(calls[100] - calls[0], 15 * MINUTE);
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_may_not_wait_are_refused_and_told_how_long() {
        let refusing = limiter(CallLimit::new(1, MINUTE).refuse());
        assert_eq!(waited(&refusing).await, Duration::ZERO);
        advance(Duration::from_secs(1)).await;
        assert_eq!(refusing.take(None).unwrap_err(), Duration::from_secs(59));
        advance(Duration::from_secs(59)).await;
        assert_eq!(waited(&refusing).await, Duration::ZERO);

        let waiting = limiter(CallLimit::new(1, MINUTE));
        assert_eq!(waited(&waiting).await, Duration::ZERO);
        let within = |wait| waiting.take(Some(Instant::now() + wait)).map(drop);
        assert_eq!(within(MINUTE), Err(MINUTE));
        assert_eq!(within(MINUTE + Duration::from_secs(1)), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_dropped_while_it_waits_gives_its_token_back() {
        let limiter = limiter(CallLimit::new(1, MINUTE));
        waited(&limiter).await;
        drop(limiter.take(None).unwrap().wait());
        assert_eq!(waited(&limiter).await, MINUTE, "not two");
    }
}
