//! The sandbox's time, which runs like any other but can be moved forward.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use crate::Timestamp;

/// Microseconds since 1970-01-01T00:00:00Z.
pub(super) type Micros = i64;

/// A clock that runs, ahead of the machine's by some amount.
#[derive(Debug, Default)]
pub(super) struct Clock {
    ahead: AtomicI64,
}

impl Clock {
    /// A clock that says `start` now.
    pub(super) fn starting_at(start: Timestamp) -> Self {
        Self { ahead: AtomicI64::new(micros(start.into()).saturating_sub(micros(SystemTime::now()))) }
    }

    pub(super) fn now(&self) -> Micros {
        micros(SystemTime::now()).saturating_add(self.ahead.load(Ordering::SeqCst))
    }

    pub(super) fn advance(&self, by: Duration) {
        self.ahead.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

/// Microseconds since 1970, before which they are negative.
pub(super) fn micros(time: SystemTime) -> Micros {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_starts_where_it_is_told_runs_and_jumps() {
        let clock = Clock::starting_at("2026-02-04T12:00:00Z".parse().unwrap());
        let start = 1_770_206_400_000_000;
        let begun = clock.now();
        assert!((start..start + 5_000_000).contains(&begun), "{begun}");
        clock.advance(Duration::from_secs(86_400));
        assert!(clock.now() - begun >= 86_400_000_000);
    }
}
