use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

use futures::future::join_all;

use super::*;
use crate::http::CallLimit;
use crate::http::RetryClass::{Idempotent, NonIdempotent};

const SEC: Duration = Duration::from_secs(1);

fn status(code: u16, reason: Option<Reason>, retry_after: Option<Duration>) -> Outcome {
    Outcome::Status { status: StatusCode::from_u16(code).unwrap(), reason, retry_after, wanted: None }
}

struct Met(Outcome);

impl Failed for Met {
    fn outcome(&self) -> Outcome {
        self.0
    }
    fn status(&self) -> Option<StatusCode> {
        self.0.status()
    }
    fn cause(&self) -> String {
        format!("{:?}", self.0)
    }
    fn throttled(_: Duration) -> Self {
        Self(Outcome::NotSent)
    }
}

/// Runs the loop over `script`, each entry an attempt's length and what it meets (`None`: success).
/// Returns whether it succeeded, the pauses, the windows and the whole time taken.
async fn drive(
    plan: RetrySettings,
    budget: &Budget,
    script: Vec<(Duration, Option<Outcome>)>,
) -> (bool, Vec<Duration>, Vec<Deadline>, Duration, Vec<Attempt>) {
    let script = RefCell::new(VecDeque::from(script));
    let (pauses, windows) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    let begun = Instant::now();
    let mut progress = RetryState::begin(&plan);
    let result = run(
        &plan,
        (budget, None),
        &mut progress,
        || true,
        || 0.5,
        |_, window, _| {
            windows.borrow_mut().push(window);
            let (length, met) = script.borrow_mut().pop_front().expect("one attempt more than scripted");
            async move {
                tokio::time::sleep(length).await;
                met.map_or(Ok(()), |outcome| Err(Met(outcome)))
            }
        },
        |pause| {
            pauses.borrow_mut().push(pause);
            tokio::time::sleep(pause)
        },
    )
    .await;
    let took = begun.elapsed();
    assert!(script.borrow().is_empty(), "an attempt fewer than scripted");
    (result.is_ok(), pauses.into_inner(), windows.into_inner(), took, progress.attempts)
}

fn plan(class: RetryClass) -> RetrySettings {
    RetrySettings { policy: RetryPolicy::default(), class, attempt: 30 * SEC, total: 90 * SEC, strict: false }
}

#[tokio::test(start_paused = true)]
async fn two_retries_with_growing_pauses_then_the_last_failure() {
    let down = Some(status(500, None, None));
    let script = vec![(SEC, down), (SEC, down), (SEC, down)];
    let (ok, pauses, _, took, attempts) = drive(plan(Idempotent), &Budget::new(), script).await;
    assert!(!ok);
    assert_eq!(pauses, [Duration::from_millis(250), Duration::from_millis(500)]);
    assert_eq!(took, Duration::from_millis(3750));
    let seen: Vec<_> = attempts.iter().map(|a| (a.status().map(|s| s.as_u16()), a.took(), a.waited())).collect();
    let waits = [Duration::from_millis(250), Duration::from_millis(500), Duration::ZERO];
    assert_eq!(seen, waits.map(|wait| (Some(500), SEC, wait)));
}

#[tokio::test(start_paused = true)]
async fn a_success_after_a_retry_keeps_the_history() {
    let script = vec![(SEC, Some(status(503, None, Some(2 * SEC)))), (SEC, None)];
    let (ok, pauses, _, _, attempts) = drive(plan(NonIdempotent), &Budget::new(), script).await;
    assert!(ok);
    assert_eq!((pauses, attempts.len()), (vec![2 * SEC], 1));
}

#[tokio::test(start_paused = true)]
async fn an_ordered_pause_is_obeyed_up_to_120_seconds_on_top_of_the_default_total() {
    let script = |wait| vec![(SEC, Some(status(429, None, Some(wait)))), (SEC, None)];
    let (ok, pauses, _, took, _) = drive(plan(NonIdempotent), &Budget::new(), script(120 * SEC)).await;
    assert!(ok);
    assert_eq!((pauses, took), (vec![120 * SEC], 122 * SEC));

    let longer = 120 * SEC + Duration::from_millis(1);
    let once = vec![(SEC, Some(status(429, None, Some(longer))))];
    let (ok, pauses, _, took, _) = drive(plan(NonIdempotent), &Budget::new(), once).await;
    assert!(!ok && pauses.is_empty());
    assert_eq!(took, SEC);
}

#[tokio::test(start_paused = true)]
async fn a_strict_total_returns_at_once_what_does_not_fit() {
    let strict = RetrySettings { total: 5 * SEC, strict: true, ..plan(NonIdempotent) };
    let once = vec![(SEC, Some(status(429, None, Some(4 * SEC))))];
    let (ok, _, _, took, _) = drive(strict, &Budget::new(), once).await;
    assert!(!ok);
    assert_eq!(took, SEC);

    let fits = vec![(SEC, Some(status(429, None, Some(3 * SEC)))), (SEC, None)];
    let (ok, _, windows, took, _) = drive(strict, &Budget::new(), fits).await;
    assert!(ok);
    assert_eq!(took, 5 * SEC);
    assert_eq!(windows[0], Deadline { length: 5 * SEC, timer: Timer::Total, set_to: 5 * SEC });
    assert_eq!(windows[1].length, SEC);

    // What would leave the next attempt no time worth its name does not fit either.
    let barely = vec![(SEC, Some(status(429, None, Some(Duration::from_millis(3901)))))];
    let (ok, _, _, took, _) = drive(strict, &Budget::new(), barely).await;
    assert!(!ok);
    assert_eq!(took, SEC);
    let just = vec![(SEC, Some(status(429, None, Some(Duration::from_millis(3900))))), (SEC, None)];
    let (ok, _, windows, ..) = drive(strict, &Budget::new(), just).await;
    assert!(ok);
    assert_eq!(windows[1].length, Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn another_spelling_goes_on_where_the_first_left_off() {
    let short = RetrySettings { total: 5 * SEC, ..plan(Idempotent) };
    let mut progress = RetryState::begin(&short);
    let down = |_, _, _| async {
        tokio::time::sleep(SEC).await;
        Err::<(), Met>(Met(status(500, None, None)))
    };
    let (budget, sleep) = (Budget::new(), tokio::time::sleep);
    assert!(run(&short, (&budget, None), &mut progress, || true, || 0.0, down, sleep).await.is_err());
    assert_eq!(progress.attempts.len(), 3);
    let window = std::cell::Cell::new(None);
    let missing = |number, left, _| {
        window.set(Some((number, left)));
        async { Err::<(), Met>(Met(status(500, None, None))) }
    };
    assert!(run(&short, (&budget, None), &mut progress, || true, || 0.0, missing, sleep).await.is_err());
    assert_eq!(progress.attempts.len(), 4, "retries are counted over both");
    assert_eq!(window.get(), Some((3, Deadline { length: 2 * SEC, timer: Timer::Total, set_to: 5 * SEC })));
}

#[tokio::test(start_paused = true)]
async fn the_total_ends_own_backoff_too() {
    let slow = Some(Outcome::Timeout { timer: Timer::Attempt, connected: true });
    let short = RetrySettings { total: 61 * SEC, ..plan(Idempotent) };
    let script = vec![(30 * SEC, slow), (30 * SEC, slow), (Duration::from_millis(250), slow)];
    let (ok, pauses, windows, _, _) = drive(short, &Budget::new(), script).await;
    assert!(!ok);
    assert_eq!(pauses.len(), 2);
    let timers: Vec<_> = windows.iter().map(|w| (w.timer, w.length)).collect();
    assert_eq!(timers[1], (Timer::Attempt, 30 * SEC));
    assert_eq!(timers[2], (Timer::Total, Duration::from_millis(250)));
}

#[tokio::test(start_paused = true)]
async fn a_stale_connection_costs_one_immediate_retry_that_does_not_count() {
    let stale = Some(Outcome::Transport(TransportKind::StaleConnection));
    let down = Some(status(502, None, None));
    let script = vec![(SEC, stale), (SEC, down), (SEC, down), (SEC, down)];
    let (ok, pauses, ..) = drive(plan(Idempotent), &Budget::new(), script).await;
    assert!(!ok);
    assert_eq!(pauses, [0, 250, 500].map(Duration::from_millis));

    let script = vec![(SEC, stale), (SEC, stale), (SEC, stale), (SEC, stale)];
    let (_, pauses, ..) = drive(plan(Idempotent), &Budget::new(), script).await;
    assert_eq!(pauses, [0, 250, 500].map(Duration::from_millis));

    let (_, pauses, ..) = drive(plan(NonIdempotent), &Budget::new(), vec![(SEC, stale)]).await;
    assert!(pauses.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_spent_budget_ends_all_retries() {
    let budget = Budget::new();
    while budget.try_spend() {}
    let script = vec![(SEC, Some(status(500, None, None)))];
    let (ok, pauses, _, _, attempts) = drive(plan(Idempotent), &budget, script.clone()).await;
    assert!(!ok && pauses.is_empty() && attempts[0].retry_budget_spent());
    let (_, _, _, _, attempts) = drive(plan(NonIdempotent), &budget, script).await;
    assert!(!attempts[0].retry_budget_spent(), "it would not be retried anyway");
}

/// How many retries are left; they are spent.
#[tokio::test(start_paused = true)]
async fn calls_that_fail_at_the_same_time_share_one_budget() {
    let (plan, budget, attempts) = (plan(Idempotent), Budget::new(), Cell::new(0));
    let call = async || {
        let fail = |_, _, _| {
            attempts.set(attempts.get() + 1);
            async { Err::<(), _>(Met(status(500, None, None))) }
        };
        let mut progress = RetryState::begin(&plan);
        assert!(run(&plan, (&budget, None), &mut progress, || true, || 0.5, fail, tokio::time::sleep).await.is_err());
    };
    join_all((0..1000).map(|_| call())).await;
    assert_eq!(attempts.get(), 1100);
}

fn left(budget: &Budget) -> usize {
    std::iter::from_fn(|| budget.try_spend().then_some(())).count()
}

/// A budget with `retries` left.
fn budget_of(retries: u32) -> Budget {
    let budget = Budget::new();
    (retries..config::RETRY_BUDGET).for_each(|_| assert!(budget.try_spend()));
    budget
}

#[tokio::test(start_paused = true)]
async fn a_retry_costs_one_and_an_attempt_without_a_retry_nothing() {
    let down = Some(status(500, None, None));
    let costs = async |plan: RetrySettings, script: Vec<(Duration, Option<Outcome>)>| {
        let budget = budget_of(50);
        drive(plan, &budget, script).await;
        50 - left(&budget)
    };
    assert_eq!(costs(plan(Idempotent), vec![(SEC, down); 3]).await, 2, "the last attempt is not followed by a retry");
    assert_eq!(costs(plan(NonIdempotent), vec![(SEC, down)]).await, 0);
    assert_eq!(costs(RetrySettings { policy: RetryPolicy::none(), ..plan(Idempotent) }, vec![(SEC, down)]).await, 0);
    let limit = Some(status(429, Some(Reason::DailyCap), Some(SEC)));
    assert_eq!(costs(plan(Idempotent), vec![(SEC, limit)]).await, 0);
    let too_long = Some(status(429, None, Some(121 * SEC)));
    assert_eq!(costs(plan(Idempotent), vec![(SEC, too_long)]).await, 0, "a wait that is not honoured");
    let strict = RetrySettings { total: 2 * SEC, strict: true, ..plan(Idempotent) };
    assert_eq!(costs(strict, vec![(SEC, Some(status(503, None, Some(SEC))))]).await, 0, "a wait that does not fit");
    let stale = Some(Outcome::Transport(TransportKind::StaleConnection));
    assert_eq!(costs(plan(Idempotent), vec![(SEC, stale), (SEC, None)]).await, 1, "at once, but not for nothing");
}

#[tokio::test(start_paused = true)]
async fn ten_calls_that_find_the_server_working_earn_a_retry() {
    let earned = async |met: Option<Outcome>| {
        let budget = budget_of(0);
        for _ in 0..9 {
            drive(plan(NonIdempotent), &budget, vec![(SEC, met)]).await;
        }
        assert!(!budget.try_spend(), "{met:?}");
        drive(plan(NonIdempotent), &budget, vec![(SEC, met)]).await;
        left(&budget)
    };
    assert_eq!(earned(None).await, 1);
    for code in [400, 401, 402, 404, 409, 422] {
        assert_eq!(earned(Some(status(code, None, None))).await, 1, "{code}");
    }
    for code in [302, 408, 429, 500, 503, 529] {
        assert_eq!(earned(Some(status(code, None, None))).await, 0, "{code}");
    }
    assert_eq!(earned(Some(Outcome::Transport(TransportKind::NoAnswer))).await, 0);
    assert_eq!(earned(Some(Outcome::Timeout { timer: Timer::Attempt, connected: true })).await, 0);
    assert_eq!(earned(Some(Outcome::NotSent)).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_full_budget_earns_nothing() {
    let budget = Budget::new();
    for _ in 0..30 {
        drive(plan(Idempotent), &budget, vec![(SEC, None)]).await;
    }
    assert_eq!(left(&budget), 100);
}

#[tokio::test(start_paused = true)]
async fn no_retries_means_one_attempt_whatever_it_meets() {
    let single = RetrySettings { policy: RetryPolicy::none(), ..plan(Idempotent) };
    for met in [
        Outcome::Transport(TransportKind::StaleConnection),
        Outcome::Transport(TransportKind::NotConnected),
        status(429, None, Some(SEC)),
    ] {
        let (ok, pauses, ..) = drive(single, &Budget::new(), vec![(SEC, Some(met))]).await;
        assert!(!ok && pauses.is_empty());
    }
}

/// Runs the loop over attempts that fail at once, under a limit of one call in `period`, and returns when they began,
/// how long they took and how long they were allowed to take. The total is 90 s.
async fn limited(period: Duration, strict: bool) -> (Vec<Duration>, Vec<Duration>, Vec<Deadline>) {
    let settings = RetrySettings { strict, ..plan(Idempotent) };
    let limiter = Limiter::new(CallLimit::new(1, period));
    let (begun, mut state) = (Instant::now(), RetryState::begin(&settings));
    let (begins, windows) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    let attempt = |_, window, at: Instant| {
        begins.borrow_mut().push(at - begun);
        windows.borrow_mut().push(window);
        async { Err::<(), _>(Met(status(503, None, None))) }
    };
    let limits = (&Budget::new(), Some(&limiter));
    let result = run(&settings, limits, &mut state, || true, || 0.5, attempt, tokio::time::sleep).await;
    assert!(result.is_err());
    let took = state.attempts.iter().map(Attempt::took).collect();
    (begins.into_inner(), took, windows.into_inner())
}

#[tokio::test(start_paused = true)]
async fn what_the_client_itself_holds_back_comes_on_top_of_the_default_total() {
    let (begins, took, windows) = limited(200 * SEC, false).await;
    assert_eq!(begins, [Duration::ZERO, 200 * SEC, 400 * SEC]);
    assert_eq!(took, [Duration::ZERO; 3]);
    let own = Deadline { length: 30 * SEC, timer: Timer::Attempt, set_to: 30 * SEC };
    assert_eq!(windows, [own; 3]);
}

#[tokio::test(start_paused = true)]
async fn what_it_holds_back_counts_in_the_callers_total() {
    let (begins, took, windows) = limited(85 * SEC, true).await;
    assert_eq!(begins, [Duration::ZERO, 85 * SEC]);
    assert_eq!(took, [Duration::ZERO; 3], "the third was refused at once");
    assert_eq!(windows[1], Deadline { length: 5 * SEC, timer: Timer::Total, set_to: 90 * SEC });
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_cannot_be_repeated_is_the_last() {
    let (settings, budget) = (plan(Idempotent), Budget::new());
    let mut state = RetryState::begin(&settings);
    let left = Cell::new(2);
    let can_repeat = || left.replace(left.get() - 1) > 1;
    let attempt = |_, _, _| async { Err::<(), _>(Met(status(503, None, None))) };
    let result = run(&settings, (&budget, None), &mut state, can_repeat, || 0.5, attempt, tokio::time::sleep).await;
    assert!(result.is_err());
    assert_eq!(state.attempts.len(), 2);
}
