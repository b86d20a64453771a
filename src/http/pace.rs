//! When a transfer counts as stalled: its length is unknown, so it has no deadline.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::clock;
use crate::lock::lock;

/// The last sign of life of a transfer.
#[derive(Clone, Debug)]
pub(crate) struct Pulse(Arc<Mutex<Instant>>);

impl Pulse {
    /// A pulse that beats now.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    pub(crate) fn beat(&self) {
        *lock(&self.0) = Instant::now();
    }

    /// Completes once it has not beaten for `longest`.
    pub(crate) async fn stops(&self, longest: Duration) {
        loop {
            let due = clock::after(*lock(&self.0), longest);
            if due <= Instant::now() {
                return;
            }
            sleep_until(due).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_beat_puts_the_end_off() {
        let pulse = Pulse::new();
        let limit = Duration::from_secs(10);
        assert!(timeout(Duration::from_secs(9), pulse.stops(limit)).await.is_err());
        pulse.beat();
        assert!(timeout(Duration::from_secs(9), pulse.stops(limit)).await.is_err());
        let before = Instant::now();
        pulse.stops(limit).await;
        assert_eq!(before.elapsed(), Duration::from_secs(1));
        advance(limit).await;
        pulse.stops(limit).await;
    }
}
