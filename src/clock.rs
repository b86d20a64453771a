//! Arithmetic with durations that callers and servers choose, however long.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::OnceLock;
use std::task::Poll;
use std::time::Duration;

use futures::FutureExt;
use futures::future::Either;
use tokio::task::unconstrained;
use tokio::time::error::Elapsed;
use tokio::time::{self, Instant, Sleep};

/// Effectively never: an `Instant` cannot represent every duration from now.
const FAR: Duration = Duration::from_secs(100 * 365 * 86_400);
/// A deadline beyond this came from `FAR`.
const DISTANT: Duration = Duration::from_secs(50 * 365 * 86_400);

/// The instant `wait` after `from`, or a very distant one if that overflows.
pub(crate) fn after(from: Instant, wait: Duration) -> Instant {
    from.checked_add(wait.min(FAR)).unwrap_or(from)
}

/// Whether `deadline` is so distant that no timer need watch it.
fn is_distant(deadline: Instant) -> bool {
    // Cheaper than the present, and as good here.
    static START: OnceLock<Instant> = OnceLock::new();
    deadline.saturating_duration_since(*START.get_or_init(Instant::now)) > DISTANT
}

/// A timer for several futures in turn; none for an instant that nobody lives to see.
pub(crate) fn timer_at(deadline: Instant) -> Option<Sleep> {
    (!is_distant(deadline)).then(|| time::sleep_until(deadline))
}

/// The output of `future`, unless `timer` ends before.
pub(crate) fn before<'t, F: Future>(
    mut timer: Pin<&'t mut Option<Sleep>>,
    mut future: Pin<&'t mut F>,
) -> impl Future<Output = Option<F::Output>> + use<'t, F> {
    poll_fn(move |cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        match timer.as_mut().as_pin_mut() {
            // A future that used up tokio's budget of its task must not keep the timer from being asked.
            Some(timer) => pin!(unconstrained(timer)).poll(cx).map(|()| None),
            None => Poll::Pending,
        }
    })
}

/// Like tokio's `timeout_at`, but sets no timer for an instant that nobody lives to see.
///
/// No `async fn`, which would hold `future` twice.
pub(crate) fn timeout_at<F: Future>(deadline: Instant, future: F) -> impl Future<Output = Result<F::Output, Elapsed>> {
    if is_distant(deadline) {
        return Either::Left(future.map(Ok));
    }
    Either::Right(time::timeout_at(deadline, future))
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
    async fn one_timer_serves_futures_in_turn() {
        let mut timer = pin!(timer_at(after(Instant::now(), Duration::from_secs(3))));
        let second = || time::sleep(Duration::from_secs(1));
        assert!(before(timer.as_mut(), pin!(second())).await.is_some());
        assert!(before(timer.as_mut(), pin!(second())).await.is_some());
        let begun = Instant::now();
        assert!(before(timer.as_mut(), pin!(std::future::pending::<()>())).await.is_none());
        assert_eq!(begun.elapsed(), Duration::from_secs(1));
        assert!(before(timer.as_mut(), pin!(std::future::ready(()))).await.is_some(), "what is ready comes first");
    }

    #[tokio::test]
    async fn a_future_that_uses_up_the_budget_of_its_task_does_not_outlive_the_timer() {
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        let greedy = poll_fn(|cx| {
            loop {
                sender.send(()).unwrap();
                match receiver.poll_recv(cx) {
                    Poll::Ready(_) => {}
                    Poll::Pending => return Poll::<()>::Pending,
                }
            }
        });
        let mut timer = pin!(timer_at(after(Instant::now(), Duration::from_millis(5))));
        assert!(before(timer.as_mut(), pin!(greedy)).await.is_none());
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
