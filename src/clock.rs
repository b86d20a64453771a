//! Arithmetic with durations that callers and servers choose, however long.

use std::time::Duration;

use tokio::time::Instant;

/// Effectively never: an `Instant` cannot represent every duration from now.
const FAR: Duration = Duration::from_secs(100 * 365 * 86_400);

/// The instant `wait` after `from`, or a very distant one if that overflows.
pub(crate) fn after(from: Instant, wait: Duration) -> Instant {
    from.checked_add(wait.min(FAR)).unwrap_or(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_duration_is_too_long() {
        let now = Instant::now();
        assert!(after(now, Duration::MAX) > now + Duration::from_secs(86_400 * 365));
        assert_eq!(after(now, Duration::from_secs(1)), now + Duration::from_secs(1));
        assert!(after(after(now, Duration::MAX), Duration::MAX) > now);
    }
}
