//! The sandbox's clock, which can be moved forward.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use crate::Timestamp;

/// Microseconds since 1970-01-01T00:00:00Z.
pub(super) type Micros = i64;

/// 0001-01-01T00:00:00: the earliest time that Python supports.
pub(super) const EARLIEST: Micros = -62_135_596_800_000_000;
/// 9999-12-31T23:59:59.999999: the latest time that Python supports, at which a clock stops.
pub(super) const LATEST: Micros = 253_402_300_799_999_999;

/// A running clock, ahead of the machine's by some amount.
#[derive(Debug, Default)]
pub(super) struct Clock {
    ahead: AtomicI64,
}

impl Clock {
    /// A clock whose current time is `start`.
    pub(super) fn starting_at(start: Timestamp) -> Self {
        let ahead = micros(start.into()).saturating_sub(micros(SystemTime::now()));
        Self { ahead: AtomicI64::new(ahead) }
    }

    pub(super) fn now(&self) -> Micros {
        micros(SystemTime::now()).saturating_add(self.ahead.load(Ordering::SeqCst)).clamp(EARLIEST, LATEST)
    }

    /// Moves the clock forward, at most to the end of its range.
    pub(super) fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        let add = |ahead: i64| Some(ahead.saturating_add(by));
        // The closure always returns `Some`, so this cannot fail.
        let _ = self.ahead.fetch_update(Ordering::SeqCst, Ordering::SeqCst, add);
    }
}

/// Microseconds since 1970; negative before.
pub(super) fn micros(time: SystemTime) -> Micros {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starting_at(time: &str) -> Clock {
        Clock::starting_at(time.parse().unwrap())
    }

    #[test]
    fn a_clock_starts_where_it_is_told_runs_and_jumps() {
        let clock = starting_at("2026-02-04T12:00:00Z");
        let start = 1_770_206_400_000_000;
        let begun = clock.now();
        assert!((start..start + 5_000_000).contains(&begun), "{begun}");
        clock.advance(Duration::from_secs(86_400));
        assert!(clock.now() - begun >= 86_400_000_000);
    }

    #[test]
    fn a_clock_stops_at_the_end_of_time_and_never_goes_back() {
        for start in ["0001-01-01T00:00:00Z", "2026-02-04T12:00:00Z"] {
            let clock = starting_at(start);
            let mut before = clock.now();
            for _ in 0..3 {
                for by in [Duration::from_secs(200_000_000_000), Duration::MAX, Duration::from_micros(u64::MAX / 2)] {
                    clock.advance(by);
                    let now = clock.now();
                    assert!(now >= before, "{before} then {now}");
                    before = now;
                }
            }
            assert_eq!(before, 253_402_300_799_999_999);
        }
    }
}
