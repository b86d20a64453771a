//! `inject`, `extract` and `extract_many`.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use futures::channel::mpsc;
use futures::{FutureExt, StreamExt, stream};
use polyagent::elephantasm::types::{EventCreate, EventType, GetLatestMemoryPackParams, MemoryPack};
use polyagent::elephantasm::{Capture, Captured, Elephantasm};
use polyagent::{Error, Reason, RetryClass, Timer, Timestamp};
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::elephantasm::{client, json_answer, server};

const ID: &str = "b2352c05-e685-4021-8624-595406c725f2";
const STORED: &str = r#"{"id":"11111111-2222-4333-8444-555555555555","anima_id":"b2352c05-e685-4021-8624-595406c725f2","event_type":"message.in","content":"Hello","meta":{},"created_at":"2026-11-22T05:04:36.969174Z","updated_at":"2026-11-22T05:04:36.969174Z"}"#;
const DUPLICATE: &str = r#"{"detail":"Duplicate event (dedupe_key conflict)"}"#;

fn noon() -> Timestamp {
    "2026-02-04T12:00:00Z".parse().unwrap()
}

fn ada(server: &MockServer) -> Elephantasm {
    client(server).with_anima(ID)
}

#[tokio::test]
async fn inject_asks_for_the_pack_of_the_clients_anima() {
    let server = server(json_answer(200, "null")).await;
    assert_eq!(ada(&server).inject("green tea").await.unwrap(), None);
    assert_eq!(ada(&server).inject(GetLatestMemoryPackParams::new()).await.unwrap(), None);
    assert_eq!(ada(&server).inject("").await.unwrap(), None);
    assert!(ada(&server).inject(" ").await.unwrap_err().is_invalid_argument());
    let requests = server.received_requests().await.unwrap();
    assert_eq!((requests.len(), requests[2].url.query()), (3, None));
    assert_eq!(requests[0].url.path(), format!("/api/animas/{ID}/memory-packs/latest"));
    assert_eq!((requests[0].url.query(), requests[1].url.query()), (Some("query=green+tea"), None));
}

#[tokio::test]
async fn all_of_a_list_is_captured_under_any_spelling_of_its_type() {
    let server = server(json_answer(201, STORED)).await;
    let captures = ["MESSAGE_IN", "tool_result"].map(|name| Capture::new(name, "x").occurred_at(noon()));
    let outcomes: Vec<_> = ada(&server).extract_all(captures).concurrency(1).collect().await;
    assert_eq!(outcomes.iter().map(|outcome| outcome.index).collect::<Vec<_>>(), [0, 1]);
    let requests = server.received_requests().await.unwrap();
    for (request, sent) in requests.iter().zip(["message.in", "tool.result"]) {
        let body = format!(
            r#"{{"anima_id":"{ID}","event_type":"{sent}","content":"x","occurred_at":"2026-02-04T12:00:00Z"}}"#
        );
        assert_eq!(String::from_utf8_lossy(&request.body), body);
    }
}

#[tokio::test]
async fn without_an_anima_nothing_is_sent() {
    let server = server(json_answer(200, "null")).await;
    let client = client(&server);
    assert_eq!(client.anima_id(), None);
    for error in
        [client.inject("tea").await.unwrap_err(), client.extract(Capture::new("system", "x")).await.unwrap_err()]
    {
        assert!(error.is_invalid_argument(), "{error:?}");
        assert!(error.to_string().contains("with_anima"), "{error}");
    }
    assert!(server.received_requests().await.unwrap().is_empty());
    client.extract(Capture::new("system", "x").anima_id(ID)).await.unwrap_err();
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[test]
fn a_packs_prompt_is_its_context_or_nothing() {
    let pack = |context: serde_json::Value| -> MemoryPack {
        let pack = json!({"id": ID, "anima_id": ID, "session_memory_count": 0, "knowledge_count": 0,
            "long_term_memory_count": 0, "has_identity": false, "token_count": 0, "max_tokens": 2000,
            "content": {"context": context}, "compiled_at": "2026-02-04T12:00:00", "created_at": "2026-02-04T12:00:00"});
        serde_json::from_value(pack).unwrap()
    };
    assert_eq!(pack(json!("## You")).as_prompt(), "## You");
    assert_eq!(pack(json!(null)).as_prompt(), "");
}

#[tokio::test]
async fn extract_sends_the_frozen_event() {
    let server = server(json_answer(201, STORED)).await;
    let capture =
        Capture::new(EventType::MessageIn, "Hello").occurred_at(noon()).session_id("s").source_uri("slack://x/1");
    let captured = ada(&server).extract(capture.summary("greeting").dedupe_key("k")).await.unwrap();
    assert_eq!(captured.into_event().unwrap().content, "Hello");
    assert_eq!(
        String::from_utf8_lossy(&server.received_requests().await.unwrap()[0].body),
        r#"{"anima_id":"b2352c05-e685-4021-8624-595406c725f2","event_type":"message.in","content":"Hello","summary":"greeting","occurred_at":"2026-02-04T12:00:00Z","session_id":"s","source_uri":"slack://x/1","dedupe_key":"k"}"#
    );
}

#[tokio::test]
async fn a_derived_key_goes_out_and_a_duplicate_is_no_error() {
    let server = server(json_answer(409, DUPLICATE)).await;
    let capture = Capture::new(EventType::ToolCall, "call").occurred_at(noon()).source_uri("slack://x/1").dedupe();
    let captured = ada(&server).extract(capture).await.unwrap();
    let key = "38f512fffdb0f633c415072b5cf5f646";
    assert_eq!(captured, Captured::AlreadyStored { dedupe_key: key.to_owned() });
    // The server derives the key of an event with a source by itself.
    let unasked = Capture::new(EventType::ToolCall, "call").occurred_at(noon()).source_uri("slack://x/1");
    let captured = ada(&server).extract(unasked).await.unwrap();
    assert_eq!(captured, Captured::AlreadyStored { dedupe_key: key.to_owned() });
    let requests = server.received_requests().await.unwrap();
    let sent: Vec<serde_json::Value> = requests.iter().map(|request| request.body_json().unwrap()).collect();
    assert_eq!((&sent[0]["dedupe_key"], &sent[1]["dedupe_key"]), (&json!(key), &json!(null)));
}

#[tokio::test]
async fn only_a_conflict_that_says_duplicate_means_stored() {
    let duplicate = server(json_answer(409, DUPLICATE)).await;
    let capture = || Capture::new("system", "x").dedupe();
    let response = ada(&duplicate).extract(capture()).with_response().await.unwrap();
    assert_eq!((response.status().as_u16(), response.failed_attempts().len()), (409, 0));
    assert!(matches!(response.value(), Captured::AlreadyStored { .. }));
    // Without a key there is none that could be stored.
    let error = ada(&duplicate).extract(Capture::new("system", "x")).await.unwrap_err();
    assert_eq!((error.is_conflict(), error.reason()), (true, Some(Reason::Duplicate)));
    for body in [
        "",
        "{}",
        "<html><h1>409 Conflict</h1>dedupe_key</html>",
        r#"{"detail":"The anima is being deleted"}"#,
        r#"{"detail":"Event exists"}"#,
        r#"{"detail":["dedupe_key"]}"#,
        r#"{"detail":{"error":"conflict","message":"dedupe_key"}}"#,
    ] {
        let other = server(json_answer(409, body)).await;
        for capture in [capture(), capture().retry_in_doubt(), capture().dedupe_key("k"), capture().source_uri("x")] {
            let error = ada(&other).extract(capture).await.unwrap_err();
            assert_eq!((error.is_conflict(), error.reason()), (true, None), "{body}");
        }
        assert_eq!(other.received_requests().await.unwrap().len(), 4, "none is sent again");
        let outcome = ada(&other).extract_all([capture()]).next().await.unwrap();
        assert!(outcome.result.unwrap_err().is_conflict(), "{body}");
    }
}

#[tokio::test]
async fn sends_a_failed_capture_again_from_a_spool() {
    let down = server(json_answer(500, "Internal Server Error")).await;
    let capture = Capture::new("MESSAGE_IN", "Grüße").source_uri("slack://x/1").dedupe().occurred_at(noon());
    let failed = ada(&down).extract_all([capture]).next().await.unwrap();
    assert!(failed.result.is_err());
    let line = serde_json::to_string(&failed.capture).unwrap();
    assert_eq!(
        line,
        r#"{"event":{"anima_id":"","event_type":"message.in","content":"Grüße","occurred_at":"2026-02-04T12:00:00Z","source_uri":"slack://x/1"},"dedupe":true,"retry_in_doubt":false}"#
    );
    let up = server(json_answer(201, STORED)).await;
    ada(&up).extract(serde_json::from_str::<Capture>(&line).unwrap()).await.unwrap();
    let first = down.received_requests().await.unwrap().remove(0);
    assert_eq!(up.received_requests().await.unwrap()[0].body, first.body, "time and key included");
    let event = EventCreate::from(failed.capture.anima_id(ID));
    assert_eq!(serde_json::to_vec(&event).unwrap(), first.body);
}

#[tokio::test]
async fn a_doubtful_outcome_is_retried_only_if_the_caller_opted_in() {
    for (capture, attempts) in
        [(Capture::new("system", "x").dedupe(), 1), (Capture::new("system", "x").retry_in_doubt(), 3)]
    {
        let server = server(json_answer(500, "Internal Server Error")).await;
        ada(&server).extract(capture).await.unwrap_err();
        let requests = server.received_requests().await.unwrap();
        assert_eq!(requests.len(), attempts);
        assert!(requests.iter().all(|request| request.body == requests[0].body));
    }
    // The second attempt finds what the first one stored.
    let server = MockServer::builder().start().await;
    Mock::given(any()).respond_with(json_answer(502, "")).up_to_n_times(1).mount(&server).await;
    Mock::given(any()).respond_with(json_answer(409, DUPLICATE)).mount(&server).await;
    let captured = ada(&server).extract(Capture::new("system", "x").retry_in_doubt()).await.unwrap();
    assert!(matches!(captured, Captured::AlreadyStored { .. }));
}

#[tokio::test]
async fn a_capture_has_the_options_of_a_request() {
    let busy = server(json_answer(503, "{}").insert_header("retry-after", "0")).await;
    let capture = || ada(&busy).extract(Capture::new("system", "x").occurred_at(noon()));
    let call = capture().max_retries(4).header("x-a", "b").query("trace", "1").body_field("mood", "calm");
    call.options(|request| request.header("x-c", "d")).await.unwrap_err();
    let requests = busy.received_requests().await.unwrap();
    assert_eq!((requests.len(), requests[4].url.query()), (5, Some("trace=1")));
    assert_eq!(
        (&requests[4].headers["x-a"], &requests[4].headers["x-c"]),
        (&"b".parse().unwrap(), &"d".parse().unwrap())
    );
    let body = format!(
        r#"{{"anima_id":"{ID}","event_type":"system","content":"x","occurred_at":"2026-02-04T12:00:00Z","mood":"calm"}}"#
    );
    assert_eq!(String::from_utf8_lossy(&requests[4].body), body);

    let failing = server(json_answer(500, "Internal Server Error")).await;
    let call = ada(&failing).extract(Capture::new("system", "x")).retry_class(RetryClass::Idempotent);
    call.max_retries(1).await.unwrap_err();
    assert_eq!(failing.received_requests().await.unwrap().len(), 2);

    let slow = server(json_answer(201, STORED).set_delay(Duration::from_secs(60))).await;
    let call = || ada(&slow).extract(Capture::new("system", "x")).max_retries(0);
    let attempt = call().attempt_timeout(Duration::from_millis(20)).await.unwrap_err();
    let total = call().total_timeout(Duration::from_millis(20)).await.unwrap_err();
    for (error, timer) in [(attempt, Timer::Attempt), (total, Timer::Total)] {
        let Error::Timeout(timeout) = error else { panic!("{error:?}") };
        assert_eq!(timeout.timer(), timer);
    }
}

/// Answers 201, but 422 to what says so.
fn picky(request: &Request) -> ResponseTemplate {
    let body: serde_json::Value = request.body_json().unwrap();
    let answer = if body["content"] == "bad" { json_answer(422, r#"{"detail":[]}"#) } else { json_answer(201, STORED) };
    answer.set_delay(Duration::from_millis(20))
}

async fn picky_server() -> MockServer {
    let server = MockServer::builder().start().await;
    Mock::given(any()).respond_with(picky).mount(&server).await;
    server
}

/// An endless input that counts what was taken.
fn counted(
    taken: &Arc<AtomicUsize>,
    session: impl Fn(usize) -> Option<&'static str>,
) -> impl futures::Stream<Item = Capture> + Unpin {
    let taken = Arc::clone(taken);
    stream::iter(0_usize..).map(move |n| {
        taken.fetch_add(1, Ordering::SeqCst);
        let capture = Capture::new(EventType::MessageIn, format!("{n}"));
        match session(n) {
            Some(session) => capture.session_id(session),
            None => capture,
        }
    })
}

#[tokio::test]
async fn every_capture_of_many_has_one_outcome_whether_it_fails_or_not() {
    let server = picky_server().await;
    let contents = (0..40).map(|n| if n % 7 == 3 { "bad".to_owned() } else { format!("{n}") });
    let captures = stream::iter(contents.map(|content| Capture::new(EventType::MessageIn, content)));
    let outcomes: Vec<_> = ada(&server).extract_many(captures).collect().await;
    let mut indices: Vec<_> = outcomes.iter().map(|outcome| outcome.index).collect();
    indices.sort_unstable();
    assert_eq!(indices, (0..40).collect::<Vec<_>>());
    for outcome in &outcomes {
        let bad = outcome.index % 7 == 3;
        assert_eq!(outcome.result.as_ref().err().is_some_and(Error::is_unprocessable_entity), bad, "{outcome:?}");
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 40);
}

#[tokio::test]
async fn many_captures_go_several_at_a_time_and_no_more_are_taken_than_go() {
    let server = picky_server().await;
    let taken = Arc::new(AtomicUsize::new(0));
    let mut outcomes = ada(&server).extract_many(counted(&taken, |_| None)).concurrency(5);
    assert_eq!(taken.load(Ordering::SeqCst), 0, "nothing is taken before it is polled");
    for seen in 0..30 {
        outcomes.next().await.unwrap();
        let under_way = taken.load(Ordering::SeqCst) - seen;
        assert!(under_way <= 5, "{under_way} under way");
        if seen == 0 {
            assert_eq!(under_way, 5, "they do not go one by one");
        }
    }
}

/// Ends the test instead of hanging it.
async fn in_time<T>(outcome: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), outcome).await.unwrap()
}

#[tokio::test]
async fn takes_what_comes_after_a_pause_of_the_input() {
    let server = picky_server().await;
    let mut captures = (0..6).map(|n| Capture::new(EventType::MessageIn, format!("{n}")));
    let mut paused = false;
    let pausing = stream::poll_fn(move |context| {
        paused = !paused;
        if paused {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(captures.next())
    });
    let outcomes: Vec<_> = in_time(ada(&server).extract_many(pausing).concurrency(2).collect()).await;
    let mut indices: Vec<_> = outcomes.iter().map(|outcome| outcome.index).collect();
    indices.sort_unstable();
    assert_eq!(indices, [0, 1, 2, 3, 4, 5]);

    // A channel that is empty for a while, with calls in flight and without.
    let (sender, receiver) = mpsc::unbounded();
    let mut outcomes = ada(&server).extract_many(receiver);
    assert!(outcomes.next().now_or_never().is_none(), "the channel is open");
    sender.unbounded_send(Capture::new("system", "first")).unwrap();
    assert_eq!(in_time(outcomes.next()).await.unwrap().index, 0);
    assert!(outcomes.next().now_or_never().is_none(), "and is still");
    sender.unbounded_send(Capture::new("system", "second")).unwrap();
    assert!(outcomes.next().now_or_never().is_none(), "the second is in flight");
    sender.unbounded_send(Capture::new("system", "third")).unwrap();
    drop(sender);
    let mut rest: Vec<_> = in_time(outcomes.by_ref().map(|outcome| outcome.index).collect()).await;
    rest.sort_unstable();
    assert_eq!(rest, [1, 2]);
    assert_eq!(server.received_requests().await.unwrap().len(), 9);
}

#[tokio::test]
async fn applies_the_options_to_each_of_many() {
    let server = server(json_answer(503, "{}").insert_header("retry-after", "0")).await;
    let captures = ["1", "2", "3"].map(|content| Capture::new("system", content));
    let outcomes = ada(&server).extract_all(captures).options(|request| request.max_retries(1).header("x-a", "b"));
    assert!(outcomes.map(|outcome| outcome.result.is_err()).collect::<Vec<_>>().await.into_iter().all(|failed| failed));
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 6, "one retry each, where two are the default");
    assert!(requests.iter().all(|request| request.headers["x-a"] == "b"));
}

#[tokio::test]
async fn a_concurrency_of_zero_is_one() {
    let server = picky_server().await;
    let taken = Arc::new(AtomicUsize::new(0));
    let mut outcomes = ada(&server).extract_many(counted(&taken, |_| None).take(3)).concurrency(0);
    for seen in 0..3 {
        assert_eq!(in_time(outcomes.next()).await.unwrap().index, seen);
        assert_eq!(taken.load(Ordering::SeqCst), seen + 1);
    }
    assert!(in_time(outcomes.next()).await.is_none());
}

#[tokio::test]
async fn the_order_of_a_session_is_kept_when_asked() {
    let server = picky_server().await;
    let session = |n: usize| [Some("a"), Some("a"), Some("b"), None][n % 4];
    let taken = Arc::new(AtomicUsize::new(0));
    let captures = counted(&taken, session).take(48);
    let outcomes: Vec<_> = ada(&server).extract_many(captures).concurrency(6).in_session_order().collect().await;
    assert_eq!(outcomes.len(), 48);
    let mut arrived: HashMap<String, Vec<usize>> = HashMap::new();
    for request in server.received_requests().await.unwrap() {
        let body: serde_json::Value = request.body_json().unwrap();
        let session = body["session_id"].as_str().unwrap_or("none").to_owned();
        arrived.entry(session).or_default().push(body["content"].as_str().unwrap().parse().unwrap());
    }
    for session in ["a", "b"] {
        assert!(arrived[session].is_sorted(), "{session}: {:?}", arrived[session]);
    }
    assert_eq!((arrived["a"].len(), arrived["b"].len(), arrived["none"].len()), (24, 12, 12));
}

#[tokio::test]
async fn parks_as_many_as_may_be_in_flight() {
    for concurrency in [1, 4] {
        let server = picky_server().await;
        let taken = Arc::new(AtomicUsize::new(0));
        let mut outcomes =
            ada(&server).extract_many(counted(&taken, |_| Some("one"))).concurrency(concurrency).in_session_order();
        assert!(outcomes.next().now_or_never().is_none());
        // One is in flight, and what waits for it. With one at a time nothing is taken to wait.
        let expected = if concurrency == 1 { 1 } else { 1 + concurrency };
        assert_eq!(taken.load(Ordering::SeqCst), expected);
        for seen in 0..10 {
            assert_eq!(outcomes.next().await.unwrap().index, seen);
            assert!(taken.load(Ordering::SeqCst) <= expected + seen, "{}", taken.load(Ordering::SeqCst));
        }
    }
}

#[tokio::test]
async fn returns_what_was_not_sent_in_input_order() {
    let server = server(json_answer(201, STORED).set_delay(Duration::from_secs(60))).await;
    let sessions = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let captures: Vec<_> = (0..40).map(|n| Capture::new("system", n.to_string()).session_id(sessions[n % 8])).collect();
    let mut outcomes = ada(&server).extract_all(captures.clone()).concurrency(16).in_session_order();
    assert!(outcomes.next().now_or_never().is_none());
    let rest = outcomes.into_rest();
    let numbered: Vec<_> = captures.into_iter().enumerate().collect();
    assert_eq!(rest.in_doubt, numbered[..8]);
    assert_eq!(rest.unsent, numbered[8..24]);
    assert_eq!(rest.input.collect::<Vec<_>>().await.len(), 16);
}

#[tokio::test]
async fn a_caller_who_stops_early_loses_nothing() {
    let server = picky_server().await;
    let taken = Arc::new(AtomicUsize::new(0));
    let mut outcomes = ada(&server).extract_many(counted(&taken, |_| None).take(100)).concurrency(7);
    let mut seen = vec![outcomes.next().await.unwrap().index, outcomes.next().await.unwrap().index];
    outcomes.stop();
    while let Some(outcome) = outcomes.next().await {
        seen.push(outcome.index);
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..seen.len()).collect::<Vec<_>>());
    assert_eq!(seen.len(), server.received_requests().await.unwrap().len());
    let rest = outcomes.into_rest();
    assert!(rest.in_doubt.is_empty() && rest.unsent.is_empty());
    assert_eq!(seen.len() + rest.input.count().await, 100);
    assert!(seen.len() < 20, "{} were taken after the stop", seen.len());
}

#[tokio::test]
async fn a_caller_who_leaves_gets_back_what_has_no_outcome() {
    let server = server(json_answer(201, STORED).set_delay(Duration::from_secs(60))).await;
    let capture = |n: usize| Capture::new("system", n.to_string()).session_id(["a", "b", "a", "a", "b"][n]);
    let captures: Vec<_> = (0..5).map(capture).collect();
    let mut outcomes = ada(&server).extract_all(captures.clone()).concurrency(2).in_session_order();
    tokio::time::timeout(Duration::from_millis(50), outcomes.next()).await.unwrap_err();
    let rest = outcomes.into_rest();
    let numbered: Vec<_> = captures.into_iter().enumerate().collect();
    assert_eq!(rest.in_doubt, numbered[..2]);
    let begun = rest.in_doubt.len() + rest.unsent.len();
    assert_eq!(rest.unsent, numbered[2..begun]);
    assert_eq!(begun + rest.input.count().await, 5);
}

#[tokio::test]
async fn only_a_capture_whose_call_has_begun_is_in_doubt() {
    let server = server(json_answer(201, STORED)).await;
    let captures = ["1", "2"].map(|content| Capture::new("system", content).session_id("s"));
    let mut outcomes = ada(&server).extract_all(captures.clone()).in_session_order();
    assert_eq!(outcomes.next().await.unwrap().index, 0);
    let rest = outcomes.into_rest();
    assert_eq!((rest.in_doubt, rest.unsent), (vec![], vec![(1, captures[1].clone())]));
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_session_is_one_however_its_anima_is_spelt() {
    let server = server(json_answer(201, STORED).set_delay(Duration::from_millis(100))).await;
    let captures = [
        Capture::new("system", "1").session_id("s"),
        Capture::new("system", "2").session_id("s").anima_id(ID),
        Capture::new("system", "3").session_id("s").anima_id(ID.to_uppercase().replace('-', "")),
    ];
    let begun = Instant::now();
    let outcomes = ada(&server).extract_all(captures).in_session_order();
    assert_eq!(outcomes.map(|outcome| outcome.index).collect::<Vec<_>>().await, [0, 1, 2]);
    assert!(begun.elapsed() >= Duration::from_millis(300), "one after another: {:?}", begun.elapsed());
}
