//! Limits of time that hold on a busy machine.

use std::time::Duration;

/// What comes of an attempt with the shortest limit that gives it the time to come so far; `None` where it does not.
pub async fn with_patience<T>(attempt: impl AsyncFn(Duration) -> Option<T>) -> T {
    let mut limit = Duration::from_millis(50);
    loop {
        if let Some(said) = attempt(limit).await {
            return said;
        }
        limit *= 4;
        assert!(limit < Duration::from_secs(60), "it does not come so far");
    }
}
