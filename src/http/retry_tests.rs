use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Duration;

use super::*;
use crate::http::RetryClass::{Idempotent, NonIdempotent};

const SEC: Duration = Duration::from_secs(1);

fn status(code: u16, reason: Option<Reason>, retry_after: Option<Duration>) -> Outcome {
    Outcome::Status { status: StatusCode::from_u16(code).unwrap(), reason, retry_after }
}

const REASONS: [Reason; 9] = [
    Reason::RateLimit,
    Reason::PlanLimit,
    Reason::FeatureUnavailable,
    Reason::DailyCap,
    Reason::Credits,
    Reason::Quota,
    Reason::Scope,
    Reason::Duplicate,
    Reason::RouteMissing,
];

#[test]
fn no_reason_is_left_out_of_the_table() {
    for reason in REASONS {
        // A new reason does not compile here; it belongs into the list above too.
        match reason {
            Reason::RateLimit
            | Reason::PlanLimit
            | Reason::FeatureUnavailable
            | Reason::DailyCap
            | Reason::Credits
            | Reason::Quota
            | Reason::Scope
            | Reason::Duplicate
            | Reason::RouteMissing => {}
        }
        assert_eq!(REASONS.iter().filter(|other| **other == reason).count(), 1);
    }
}

/// Written out from the rule in prose, on purpose not in the shape of `classify`.
fn expected(code: u16, reason: Option<Reason>, wait: bool, class: RetryClass, delivered: bool) -> Verdict {
    let used_up = [Reason::PlanLimit, Reason::FeatureUnavailable, Reason::DailyCap, Reason::Credits, Reason::Quota];
    if delivered || reason.is_some_and(|r| used_up.contains(&r)) {
        return Verdict::GiveUp;
    }
    let for_all = code == 429 || (code == 503 && wait);
    let for_idempotent = [408, 500, 502, 503, 504].contains(&code);
    if for_all || (class == Idempotent && for_idempotent) { Verdict::Retry } else { Verdict::GiveUp }
}

#[test]
fn every_status_reason_class_and_delivery_is_classified() {
    let reasons: Vec<Option<Reason>> = std::iter::once(None).chain(REASONS.map(Some)).collect();
    for code in 300..600 {
        for &reason in &reasons {
            for wait in [None, Some(Duration::ZERO), Some(SEC)] {
                for class in [Idempotent, NonIdempotent] {
                    for delivered in [false, true] {
                        let got = classify(status(code, reason, wait), class, delivered);
                        let want = expected(code, reason, wait.is_some(), class, delivered);
                        assert_eq!(got, want, "{code} {reason:?} {wait:?} {class:?} delivered={delivered}");
                    }
                }
            }
        }
    }
}

#[test]
fn every_transport_class_is_classified() {
    use Verdict::{GiveUp, Retry, RetryAtOnce};
    let timeout = |timer, connected| Outcome::Timeout { timer, connected };
    let table = [
        // outcome, idempotent, never
        (Outcome::Transport(TransportKind::NotConnected), Retry, Retry),
        (Outcome::Transport(TransportKind::StaleConnection), RetryAtOnce, GiveUp),
        (Outcome::Transport(TransportKind::NoAnswer), Retry, GiveUp),
        (Outcome::Transport(TransportKind::BodyCut), Retry, GiveUp),
        (Outcome::Transport(TransportKind::Other), Retry, GiveUp),
        (Outcome::Transport(TransportKind::BodyTooLarge), GiveUp, GiveUp),
        (Outcome::Transport(TransportKind::InvalidHttp), GiveUp, GiveUp),
        (timeout(Timer::Connect, false), Retry, Retry),
        (timeout(Timer::Attempt, false), Retry, Retry),
        (timeout(Timer::Attempt, true), Retry, GiveUp),
        (timeout(Timer::Total, true), GiveUp, GiveUp),
        (timeout(Timer::Total, false), GiveUp, GiveUp),
        (Outcome::NotSent, GiveUp, GiveUp),
    ];
    for (outcome, idempotent, never) in table {
        assert_eq!(classify(outcome, Idempotent, false), idempotent, "{outcome:?}");
        assert_eq!(classify(outcome, NonIdempotent, false), never, "{outcome:?}");
        assert_eq!(classify(outcome, Idempotent, true), GiveUp, "{outcome:?}");
        assert_eq!(classify(outcome, NonIdempotent, true), GiveUp, "{outcome:?}");
    }
}

#[test]
fn the_pause_doubles_from_the_base_to_the_cap_with_full_jitter() {
    let policy = RetryPolicy::default();
    let ms = Duration::from_millis;
    for (retry, bound) in [(0, 500), (1, 1000), (2, 2000), (3, 4000), (4, 8000), (5, 8000), (31, 8000), (1000, 8000)] {
        assert_eq!(policy.delay(retry, None, 0.0), Duration::ZERO);
        assert_eq!(policy.delay(retry, None, 0.5), ms(bound / 2));
        assert_eq!(policy.jitter(false).delay(retry, None, 0.5), ms(bound));
    }
}

#[test]
fn an_ordered_pause_is_neither_jittered_nor_capped_by_the_backoff() {
    for ordered in [Duration::ZERO, SEC, 120 * SEC] {
        assert_eq!(RetryPolicy::default().delay(0, Some(ordered), 0.3), ordered);
    }
}

#[test]
fn only_what_certainly_did_not_arrive_was_certainly_not_processed() {
    let processed = |outcome: Outcome| outcome.may_have_been_processed();
    assert!(!processed(Outcome::Transport(TransportKind::NotConnected)));
    assert!(!processed(Outcome::Timeout { timer: Timer::Connect, connected: false }));
    assert!(!processed(Outcome::Timeout { timer: Timer::Attempt, connected: false }));
    assert!(!processed(Outcome::NotSent));
    assert!(!processed(status(429, None, None)) && !processed(status(404, None, None)));
    for kind in [
        TransportKind::StaleConnection,
        TransportKind::NoAnswer,
        TransportKind::BodyCut,
        TransportKind::BodyTooLarge,
        TransportKind::InvalidHttp,
    ] {
        assert!(processed(Outcome::Transport(kind)), "{kind:?}");
    }
    assert!(processed(Outcome::Timeout { timer: Timer::Attempt, connected: true }));
    assert!(processed(status(500, None, None)) && processed(status(408, None, None)));
    assert!(processed(status(303, None, None)));
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
}

/// Runs the loop over `script`, each entry an attempt's length and what it meets (`None`: success).
/// Returns whether it succeeded, the pauses, the windows and the whole time taken.
async fn drive(
    plan: Plan,
    budget: &Budget,
    script: Vec<(Duration, Option<Outcome>)>,
) -> (bool, Vec<Duration>, Vec<Window>, Duration, Vec<Attempt>) {
    let script = RefCell::new(VecDeque::from(script));
    let (pauses, windows) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    let begun = Instant::now();
    let mut progress = Progress::begin(&plan);
    let result = run(
        &plan,
        budget,
        &mut progress,
        || 0.5,
        |_, window| {
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

fn plan(class: RetryClass) -> Plan {
    Plan { policy: RetryPolicy::default(), class, attempt: 30 * SEC, total: 90 * SEC, strict: false }
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
    let strict = Plan { total: 5 * SEC, strict: true, ..plan(NonIdempotent) };
    let once = vec![(SEC, Some(status(429, None, Some(4 * SEC))))];
    let (ok, _, _, took, _) = drive(strict, &Budget::new(), once).await;
    assert!(!ok);
    assert_eq!(took, SEC);

    let fits = vec![(SEC, Some(status(429, None, Some(3 * SEC)))), (SEC, None)];
    let (ok, _, windows, took, _) = drive(strict, &Budget::new(), fits).await;
    assert!(ok);
    assert_eq!(took, 5 * SEC);
    assert_eq!(windows[0], Window { length: 5 * SEC, timer: Timer::Total, set_to: 5 * SEC });
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
    let short = Plan { total: 5 * SEC, ..plan(Idempotent) };
    let mut progress = Progress::begin(&short);
    let down = |_, _| async {
        tokio::time::sleep(SEC).await;
        Err::<(), Met>(Met(status(500, None, None)))
    };
    let (budget, sleep) = (Budget::new(), tokio::time::sleep);
    assert!(run(&short, &budget, &mut progress, || 0.0, down, sleep).await.is_err());
    assert_eq!(progress.attempts.len(), 3);
    let window = std::cell::Cell::new(None);
    let missing = |number, left| {
        window.set(Some((number, left)));
        async { Err::<(), Met>(Met(status(500, None, None))) }
    };
    assert!(run(&short, &budget, &mut progress, || 0.0, missing, sleep).await.is_err());
    assert_eq!(progress.attempts.len(), 4, "retries are counted over both");
    assert_eq!(window.get(), Some((3, Window { length: 2 * SEC, timer: Timer::Total, set_to: 5 * SEC })));
}

#[tokio::test(start_paused = true)]
async fn the_total_ends_own_backoff_too() {
    let slow = Some(Outcome::Timeout { timer: Timer::Attempt, connected: true });
    let short = Plan { total: 61 * SEC, ..plan(Idempotent) };
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

#[tokio::test(start_paused = true)]
async fn no_retries_means_one_attempt_whatever_it_meets() {
    let single = Plan { policy: RetryPolicy::none(), ..plan(Idempotent) };
    for met in [
        Outcome::Transport(TransportKind::StaleConnection),
        Outcome::Transport(TransportKind::NotConnected),
        status(429, None, Some(SEC)),
    ] {
        let (ok, pauses, ..) = drive(single, &Budget::new(), vec![(SEC, Some(met))]).await;
        assert!(!ok && pauses.is_empty());
    }
}
