use std::collections::VecDeque;
use std::sync::{Arc as Shared, Mutex as Lock};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use tokio::time::Instant;

use super::*;
use crate::error::{
    ApiError, Attempt, ErrorDetails, ErrorResponse, TimeoutError, Timer, TransportError, TransportKind,
};

const SEC: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

/// A job: its name and whether it is done.
#[derive(Clone, Debug, PartialEq)]
struct Build(&'static str, bool);

const RUNNING: Build = Build("running", false);
const DONE: Build = Build("done", true);

/// What a poll meets, after how long.
enum Met {
    State(Duration, Build, Option<Duration>),
    Error(Duration, Error),
    /// Never ends, whatever time it is given.
    Stall,
}

/// When each poll began since the first, and how much time it was given.
type Log = Shared<Lock<Vec<(Duration, Duration)>>>;

/// A poller over `script`; its last entry repeats if it is a state.
fn poller(script: Vec<Met>) -> (Poller<String, Build>, Log) {
    let log: Log = Log::default();
    let (seen, begun, script) = (Shared::clone(&log), Lock::new(None), Lock::new(VecDeque::from(script)));
    let fetch = move |left: Duration| {
        let first = *begun.lock().unwrap().get_or_insert_with(Instant::now);
        seen.lock().unwrap().push((first.elapsed(), left));
        let mut script = script.lock().unwrap();
        let met = script.pop_front().expect("a poll more than scripted");
        if script.is_empty()
            && let Met::State(length, build, retry_after) = &met
        {
            script.push_back(Met::State(*length, build.clone(), *retry_after));
        }
        Box::pin(async move {
            match met {
                Met::State(length, value, retry_after) => {
                    tokio::time::sleep(length).await;
                    Ok(State { value, retry_after })
                }
                Met::Error(length, error) => {
                    tokio::time::sleep(length).await;
                    Err(error)
                }
                Met::Stall => std::future::pending().await,
            }
        }) as _
    };
    let source = Source { fetch: Arc::new(fetch), record: Arc::new(record), ids: vec!["b-7".to_owned()] };
    (Poller::new(source, |build: &Build| build.1, |build| format!("outcome: {}", build.0)), log)
}

fn record() -> CallRecord {
    CallRecord {
        operation: "test_get_build",
        method: Method::GET,
        url: "https://host/builds/b-7".to_owned(),
        attempts: Vec::new(),
        may_have_been_processed: false,
        confidential: false,
        note: None,
    }
}

fn states(builds: &[Build]) -> Vec<Met> {
    builds.iter().map(|build| Met::State(Duration::ZERO, build.clone(), None)).collect()
}

fn of_status(code: u16, retry_after: Option<Duration>, details: ErrorDetails, headers: HeaderMap) -> Error {
    let status = StatusCode::from_u16(code).unwrap();
    let response = ErrorResponse { status, headers, body: Bytes::new(), details, retry_after };
    let processed = code >= 500;
    let attempt = Attempt {
        status: Some(status),
        cause: code.to_string(),
        took: SEC,
        waited: Duration::ZERO,
        may_have_been_processed: processed,
        retry_budget_spent: false,
    };
    let record = CallRecord { attempts: vec![attempt], may_have_been_processed: processed, ..record() };
    Error::from_api(ApiError::new(response, record, None))
}

fn status(code: u16, retry_after: Option<Duration>) -> Error {
    of_status(code, retry_after, ErrorDetails::default(), HeaderMap::new())
}

fn transport(kind: TransportKind) -> Error {
    let processed = kind != TransportKind::NotConnected;
    let record = CallRecord { may_have_been_processed: processed, ..record() };
    let error = Box::new(TransportError { kind, source: "cut".into(), head: None, record });
    if processed { Error::Transport(error) } else { Error::Connect(error) }
}

fn failed(error: Error) -> Met {
    Met::Error(Duration::ZERO, error)
}

fn timeout(error: Error) -> Box<TimeoutError> {
    match error {
        Error::Timeout(error) if error.timer() == Timer::Poll => error,
        other => panic!("{other:?}"),
    }
}

/// The pauses between the polls of `log`, whose polls take no time.
fn pauses(log: &Log) -> Vec<Duration> {
    log.lock().unwrap().windows(2).map(|pair| pair[1].0.saturating_sub(pair[0].0)).collect()
}

/// Asserts that each pause is at most as long as planned, and at least three quarters of that.
#[track_caller]
fn assert_jittered(pauses: &[Duration], planned: &[Duration]) {
    assert_eq!(pauses.len(), planned.len(), "{pauses:?}");
    for (pause, planned) in pauses.iter().zip(planned) {
        // A paused clock moves by whole milliseconds.
        assert!((*planned * 3 / 4..=*planned + MS).contains(pause), "{pauses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_by_half_from_the_first_to_the_longest() {
    let (poller, log) = poller(states(&[RUNNING, RUNNING, RUNNING, RUNNING, RUNNING, RUNNING, DONE]));
    assert_eq!(poller.interval(4 * SEC, 15 * SEC).await.unwrap(), "outcome: done");
    assert_jittered(&pauses(&log), &[4000, 6000, 9000, 13_500, 15_000, 15_000].map(Duration::from_millis));
}

#[tokio::test(start_paused = true)]
async fn pauses_default_to_two_seconds_up_to_ten() {
    let (poller, log) = poller(states(&[RUNNING, RUNNING, RUNNING, RUNNING, RUNNING, RUNNING, DONE]));
    poller.await.unwrap();
    assert_jittered(&pauses(&log), &[2000, 3000, 4500, 6750, 10_000, 10_000].map(Duration::from_millis));
}

#[tokio::test(start_paused = true)]
async fn no_pause_is_shorter_than_a_millisecond_nor_longer_than_the_longest() {
    let (quick, log) = poller(states(&[RUNNING; 40].map(|build| build)));
    let error = quick.interval(Duration::ZERO, Duration::ZERO).timeout(20 * MS).await.unwrap_err();
    assert!(error.is_timeout());
    let polls = log.lock().unwrap().len();
    assert!((10..=22).contains(&polls), "{polls} polls in 20 ms");

    let (first_beyond, log) = poller(states(&[RUNNING, RUNNING, DONE]));
    first_beyond.interval(60 * SEC, 4 * SEC).await.unwrap();
    assert_jittered(&pauses(&log), &[4 * SEC, 4 * SEC]);
}

#[tokio::test(start_paused = true)]
async fn pauses_are_jittered_by_up_to_a_quarter() {
    fastrand::seed(7);
    let mut script = states(&vec![RUNNING; 60]);
    script.extend(states(&[DONE]));
    let (poller, log) = poller(script);
    poller.interval(8 * SEC, 8 * SEC).timeout(1000 * SEC).await.unwrap();
    let pauses = pauses(&log);
    assert_jittered(&pauses, &[8 * SEC; 60]);
    let (shortest, longest) = (pauses.iter().min().unwrap(), pauses.iter().max().unwrap());
    assert!(*shortest < Duration::from_millis(6400) && *longest > Duration::from_millis(7600), "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_the_shortest_pause_after_failures_and_after_states() {
    let script = vec![
        Met::State(Duration::ZERO, RUNNING, Some(30 * SEC)),
        failed(status(429, Some(20 * SEC))),
        failed(status(503, Some(SEC))),
        Met::State(Duration::ZERO, DONE, Some(9 * SEC)),
    ];
    let (poller, log) = poller(script);
    poller.interval(4 * SEC, 4 * SEC).await.unwrap();
    let pauses = pauses(&log);
    assert_eq!(pauses[..2], [30 * SEC, 20 * SEC], "asked for");
    assert_jittered(&pauses[2..], &[4 * SEC]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_beyond_the_deadline_ends_the_polling_there() {
    let (poller, log) = poller(vec![Met::State(Duration::ZERO, RUNNING, Some(31 * SEC))]);
    let begun = Instant::now();
    timeout(poller.timeout(30 * SEC).await.unwrap_err());
    assert_eq!((begun.elapsed(), log.lock().unwrap().len()), (30 * SEC, 1));
}

#[tokio::test(start_paused = true)]
async fn the_last_poll_comes_before_the_deadline_rather_than_after_it() {
    let (found, log) = poller(states(&[RUNNING, DONE]));
    found.interval(60 * SEC, 60 * SEC).timeout(20 * SEC).await.unwrap();
    assert_eq!(pauses(&log), [15 * SEC], "three quarters of what is left");

    let (missed, log) = poller(states(&[RUNNING, RUNNING]));
    let begun = Instant::now();
    timeout(missed.interval(60 * SEC, 60 * SEC).timeout(20 * SEC).await.unwrap_err());
    assert_eq!((pauses(&log), begun.elapsed()), (vec![15 * SEC], 20 * SEC));
}

#[tokio::test(start_paused = true)]
async fn each_poll_is_given_the_time_that_is_left() {
    let script = vec![Met::State(5 * SEC, RUNNING, Some(10 * SEC)), Met::State(Duration::ZERO, DONE, None)];
    let (poller, log) = poller(script);
    poller.timeout(40 * SEC).await.unwrap();
    assert_eq!(*log.lock().unwrap(), [(Duration::ZERO, 40 * SEC), (15 * SEC, 25 * SEC)]);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_a_poll_that_stalls() {
    let mut script = states(&[RUNNING]);
    script.push(Met::Stall);
    let (poller, log) = poller(script);
    let begun = Instant::now();
    let error = timeout(poller.timeout(30 * SEC).await.unwrap_err());
    assert_eq!(begun.elapsed(), 30 * SEC + config::POLL_GRACE);
    assert_eq!((error.after(), log.lock().unwrap().len()), (30 * SEC, 2));
    assert_eq!(error.last_state::<Build>(), Some(&RUNNING));
    assert!(error.may_have_been_processed());
}

#[tokio::test(start_paused = true)]
async fn the_longest_durations_are_no_panic() {
    let (poller, _) = poller(states(&[RUNNING, DONE]));
    poller.interval(Duration::MAX, Duration::MAX).timeout(Duration::MAX).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_timeout_has_the_last_state_the_ids_and_the_last_failure() {
    let script = vec![
        Met::State(Duration::ZERO, Build("queued", false), None),
        Met::State(Duration::ZERO, RUNNING, None),
        failed(status(503, Some(100 * SEC))),
    ];
    let (poller, _) = poller(script);
    let error = poller.timeout(30 * SEC).await.unwrap_err();
    assert_eq!((error.operation(), error.url()), (Some("test_get_build"), Some("https://host/builds/b-7")));
    assert_eq!(error.attempts().len(), 1, "those of the last poll");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.starts_with("503"), "{source}");
    let error = timeout(error);
    assert_eq!((error.last_state::<Build>(), error.job_ids()), (Some(&RUNNING), ["b-7".to_owned()].as_slice()));
    assert_eq!(error.last_state::<String>(), None, "another type");
}

#[tokio::test(start_paused = true)]
async fn a_timeout_tells_whether_any_poll_may_have_been_processed() {
    let processed = async |script: Vec<Met>| {
        let error = poller(script).0.timeout(30 * SEC).await.unwrap_err();
        timeout(error).may_have_been_processed()
    };
    let ends = || failed(status(429, Some(100 * SEC)));
    assert!(!processed(vec![ends()]).await, "every poll was rejected");
    assert!(!processed(vec![failed(transport(TransportKind::NotConnected)), ends()]).await, "nothing arrived");
    assert!(processed(vec![failed(transport(TransportKind::NoAnswer)), ends()]).await, "the first, not the last");
    assert!(processed(vec![failed(status(500, None)), ends()]).await);
    assert!(processed(vec![Met::State(Duration::ZERO, RUNNING, None), ends()]).await, "a state was read");
    assert!(processed(vec![Met::Stall]).await);
}

#[tokio::test(start_paused = true)]
async fn transient_failures_are_survived() {
    let elapsed =
        TimeoutError { timer: Timer::Attempt, after: SEC, met: None, head: None, awaited: None, record: record() };
    let mut script = states(&[RUNNING]);
    script.extend([408, 429, 500, 502, 503, 504, 529].map(|code| failed(status(code, None))));
    for kind in [
        TransportKind::NotConnected,
        TransportKind::StaleConnection,
        TransportKind::NoAnswer,
        TransportKind::BodyCut,
        TransportKind::Other,
    ] {
        script.push(failed(transport(kind)));
    }
    script.push(failed(Error::Timeout(Box::new(elapsed))));
    script.extend(states(&[DONE]));
    let polls = script.len();
    let (poller, log) = poller(script);
    assert_eq!(poller.await.unwrap(), "outcome: done");
    assert_eq!(log.lock().unwrap().len(), polls);
}

#[tokio::test(start_paused = true)]
async fn failures_that_stay_end_the_wait_at_once() {
    let limit = ErrorDetails { reason: Some(crate::Reason::DailyCap), ..ErrorDetails::default() };
    let permanent = ErrorDetails { permanent: true, ..ErrorDetails::default() };
    let unwanted = HeaderMap::from_iter([("x-should-retry".parse().unwrap(), "false".parse().unwrap())]);
    let mut stay: Vec<Error> = [400, 401, 402, 403, 404, 409, 410, 422, 501, 505].map(|code| status(code, None)).into();
    stay.push(of_status(429, None, limit, HeaderMap::new()));
    stay.push(of_status(500, None, permanent, HeaderMap::new()));
    stay.push(of_status(503, None, ErrorDetails::default(), unwanted));
    stay.push(transport(TransportKind::InvalidHttp));
    stay.push(transport(TransportKind::BodyTooLarge));
    for error in stay {
        let said = error.to_string();
        let mut script = states(&[RUNNING]);
        script.push(failed(error));
        let (poller, log) = poller(script);
        let ended = poller.await.unwrap_err();
        assert_eq!((ended.to_string(), log.lock().unwrap().len()), (said, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn states_and_the_outcome_come_from_one_value_without_an_extra_poll() {
    let (poller, log) = poller(states(&[Build("queued", false), RUNNING, DONE]));
    let mut updates = poller.updates();
    let mut names = Vec::new();
    while let Some(build) = updates.try_next().await.unwrap() {
        names.push(build.0);
    }
    assert_eq!(names, ["queued", "running", "done"]);
    assert!(updates.try_next().await.unwrap().is_none());
    assert_eq!(updates.await.unwrap(), "outcome: done");
    assert_eq!(log.lock().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn updates_that_are_awaited_early_poll_on_and_resend_nothing() {
    let script = vec![
        Met::State(Duration::ZERO, RUNNING, None),
        Met::State(10 * SEC, RUNNING, None),
        Met::State(Duration::ZERO, DONE, None),
    ];
    let (poller, log) = poller(script);
    let mut updates = poller.updates();
    updates.try_next().await.unwrap();
    let interrupted = tokio::time::timeout(8 * SEC, updates.try_next()).await;
    assert!(interrupted.is_err() && log.lock().unwrap().len() == 2, "the second poll is in flight");
    assert_eq!(updates.await.unwrap(), "outcome: done");
    assert_eq!(log.lock().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_error_is_the_last_update() {
    let mut script = states(&[RUNNING]);
    script.push(failed(status(404, None)));
    let (poller, _) = poller(script);
    let mut updates = poller.updates();
    assert_eq!(updates.try_next().await.unwrap(), Some(RUNNING));
    assert!(updates.try_next().await.unwrap_err().is_not_found());
    assert!(updates.try_next().await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_clone_waits_for_the_same_job_again() {
    let (poller, log) = poller(states(&[RUNNING]));
    // One poll at once, and the last before the time is up.
    let poller = poller.interval(60 * SEC, 60 * SEC).timeout(20 * SEC);
    timeout(poller.clone().await.unwrap_err());
    assert_eq!(log.lock().unwrap().len(), 2);
    timeout(poller.await.unwrap_err());
    assert_eq!(log.lock().unwrap().len(), 4);
}
