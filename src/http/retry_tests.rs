use std::time::Duration;

use super::*;
use crate::http::RetryClass::{Idempotent, NonIdempotent};

const SEC: Duration = Duration::from_secs(1);

fn status(code: u16, reason: Option<Reason>, retry_after: Option<Duration>) -> Outcome {
    wanted(code, reason, retry_after, None)
}

fn wanted(code: u16, reason: Option<Reason>, retry_after: Option<Duration>, wanted: Option<bool>) -> Outcome {
    Outcome::Status { status: StatusCode::from_u16(code).unwrap(), reason, retry_after, wanted }
}

const REASONS: [Reason; 10] = [
    Reason::RateLimit,
    Reason::PlanLimit,
    Reason::FeatureUnavailable,
    Reason::DailyCap,
    Reason::Credits,
    Reason::Quota,
    Reason::Scope,
    Reason::Duplicate,
    Reason::PreconditionFailed,
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
            | Reason::PreconditionFailed
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
    let for_all = code == 429 || ((code == 503 || code == 529) && wait);
    let for_idempotent = [408, 500, 502, 503, 504, 529].contains(&code);
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
fn an_overloaded_server_is_retried_like_an_unavailable_one() {
    for class in [Idempotent, NonIdempotent] {
        for wait in [None, Some(SEC)] {
            let unavailable = classify(status(503, None, wait), class, false);
            assert_eq!(classify(status(529, None, wait), class, false), unavailable);
        }
        assert_eq!(classify(status(402, None, Some(SEC)), class, false), Verdict::GiveUp);
    }
    assert_eq!(classify(status(529, None, None), Idempotent, false), Verdict::Retry);
    assert_eq!(classify(status(529, None, None), NonIdempotent, false), Verdict::GiveUp);
    assert_eq!(classify(status(529, None, Some(SEC)), NonIdempotent, false), Verdict::Retry);
}

#[test]
fn a_server_that_wants_no_retry_gets_none() {
    for code in [408, 429, 500, 503, 529] {
        for class in [Idempotent, NonIdempotent] {
            let no = wanted(code, None, Some(SEC), Some(false));
            assert_eq!(classify(no, class, false), Verdict::GiveUp, "{code} {class:?}");
        }
    }
}

#[test]
fn a_server_that_wants_a_retry_gets_it_within_the_class() {
    let verdict = |code, reason, class| classify(wanted(code, reason, None, Some(true)), class, false);
    for code in [400, 404, 422, 501, 599] {
        assert_eq!(verdict(code, None, Idempotent), Verdict::Retry, "{code}");
        assert_eq!(verdict(code, None, NonIdempotent), Verdict::GiveUp, "{code}");
    }
    for code in [500, 503, 529] {
        assert_eq!(verdict(code, None, NonIdempotent), Verdict::GiveUp, "{code}: it may have been processed");
    }
    for code in [302, 409] {
        assert_eq!(verdict(code, None, Idempotent), Verdict::GiveUp, "{code}");
    }
    for reason in [Reason::PlanLimit, Reason::Credits] {
        assert_eq!(verdict(429, Some(reason), Idempotent), Verdict::GiveUp, "{reason:?}");
    }
    assert_eq!(verdict(429, None, NonIdempotent), Verdict::Retry);
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
