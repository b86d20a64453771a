//! Arithmetic with durations that callers and servers choose, however long.

use std::future::Future;
use std::time::Duration;

use tokio::time::error::Elapsed;
use tokio::time::{self, Instant};

/// Effectively never: an `Instant` cannot represent every duration from now.
const FAR: Duration = Duration::from_secs(100 * 365 * 86_400);
/// A deadline beyond this came from `FAR`.
const DISTANT: Duration = Duration::from_secs(50 * 365 * 86_400);

/// The instant `wait` after `from`, or a very distant one if that overflows.
pub(crate) fn after(from: Instant, wait: Duration) -> Instant {
    from.checked_add(wait.min(FAR)).unwrap_or(from)
}

/// Like tokio's `timeout_at`, but sets no timer for an instant that nobody lives to see.
pub(crate) async fn timeout_at<F: Future>(deadline: Instant, future: F) -> Result<F::Output, Elapsed> {
    if deadline.saturating_duration_since(Instant::now()) > DISTANT {
        return Ok(future.await);
    }
    time::timeout_at(deadline, future).await
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
    #[tokio::test(start_paused = true)]
    async fn an_endless_deadline_sets_no_timer() {
        // A paused clock leaps to the next timer as soon as nothing else is left to do, and stands still without one.
        let begun = Instant::now();
        let slow = tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(50)));
        assert!(timeout_at(after(begun, Duration::MAX), slow).await.is_ok());
        assert_eq!(begun.elapsed(), Duration::ZERO);
        let hour = Duration::from_secs(3600);
        assert!(timeout_at(after(begun, hour), std::future::pending::<()>()).await.is_err());
        assert_eq!(begun.elapsed(), hour);
    }
}
