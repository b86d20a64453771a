//! What a network and a server can do to a call.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use polyagent::elephantasm::Elephantasm;
use polyagent::elephantasm::types::{AnimaCreate, EventCreate, EventType, ListAnimasParams};
use polyagent::sandbox::elephantasm::Settings;
use polyagent::sandbox::{Armed, Fault, Sandbox};
use polyagent::{Error, RetryPolicy, TransportKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Long enough for anything that comes at all.
pub(super) const LONG: Duration = Duration::from_secs(30);
pub(super) const SHORT: Duration = Duration::from_millis(300);
pub(super) const HEALTH: &[u8] = b"GET /elephantasm/api/health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

/// A client that tries once.
pub(super) fn once(sandbox: &Sandbox, patience: Duration) -> Elephantasm {
    sandbox.elephantasm_builder().retry_policy(RetryPolicy::none()).attempt_timeout(patience).build().unwrap()
}

/// How a creation that the fault strikes ends, and how many animas there are then.
pub(super) async fn create(fault: Fault, mut patience: Duration) -> (Result<(), Error>, usize) {
    loop {
        let sandbox = Sandbox::start().await.unwrap();
        let client = once(&sandbox, patience);
        let armed = sandbox.fault(fault.clone()).unwrap();
        let ended = client.animas().create(AnimaCreate::new("Ada")).await.map(|_| ());
        if armed.hits() == 1 {
            let stored = sandbox.elephantasm().animas().list(ListAnimasParams::new()).await.unwrap().items.len();
            return (ended, stored);
        }
        // On a busy machine it may come too late.
        assert!(patience < LONG && matches!(ended, Err(Error::Timeout(_))), "{ended:?}");
        patience *= 4;
    }
}

/// Waits until a fault strikes, as long as that may take.
pub(super) async fn struck(armed: &Armed) {
    let started = Instant::now();
    while armed.hits() == 0 && started.elapsed() < LONG {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A connection of its own on which a health check was sent.
pub(super) async fn asking(sandbox: &Sandbox) -> TcpStream {
    let mut socket = connect(sandbox).await;
    socket.write_all(HEALTH).await.unwrap();
    socket
}

pub(super) async fn connect(sandbox: &Sandbox) -> TcpStream {
    TcpStream::connect(("127.0.0.1", sandbox.port())).await.unwrap()
}

/// All bytes of the answer to a health check on a connection of its own, until it ends or nothing comes for a while.
pub(super) async fn bytes(sandbox: &Sandbox, patience: Duration) -> (Vec<u8>, bool) {
    let mut socket = asking(sandbox).await;
    let mut received = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        match tokio::time::timeout(patience, socket.read(&mut buffer)).await {
            Ok(Ok(0) | Err(_)) => return (received, true),
            Ok(Ok(count)) => received.extend_from_slice(&buffer[..count]),
            Err(_) => return (received, false),
        }
    }
}

fn head_length(answer: &[u8]) -> usize {
    answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4
}

#[tokio::test]
async fn cuts_a_response_at_the_given_byte() {
    let sandbox = Sandbox::start().await.unwrap();
    let (whole, ended) = bytes(&sandbox, LONG).await;
    let head = head_length(&whole);
    assert!(ended && whole.len() > head + 20);
    for (fault, length) in [
        (Fault::cut(), 0),
        (Fault::cut_head_at(9), 9),
        (Fault::cut_head_at(100_000), head - 1),
        (Fault::cut_body_at(0), head),
        (Fault::cut_body_at(7), head + 7),
        (Fault::cut_body_at(100_000), whole.len() - 1),
    ] {
        sandbox.fault(fault.clone()).unwrap();
        let (cut, ended) = bytes(&sandbox, LONG).await;
        assert_eq!((cut.len(), ended), (length, true), "{fault:?}");
    }
    assert_eq!(bytes(&sandbox, LONG).await.0.len(), whole.len(), "the next answer is whole again");
}

#[tokio::test]
async fn stalls_a_response_at_the_given_byte() {
    let sandbox = Sandbox::start().await.unwrap();
    let (whole, _) = bytes(&sandbox, LONG).await;
    let head = head_length(&whole);
    for (fault, length) in [
        (Fault::stall(), 0),
        (Fault::stall_head_at(9), 9),
        (Fault::stall_head_at(100_000), head - 1),
        (Fault::stall_body_at(7), head + 7),
    ] {
        sandbox.fault(fault).unwrap();
        let (stalled, ended) = bytes(&sandbox, SHORT).await;
        assert_eq!((stalled.len(), ended), (length, false));
    }
}

#[tokio::test]
async fn resets_a_response_at_the_given_byte() {
    let sandbox = Sandbox::start().await.unwrap();
    let head = head_length(&bytes(&sandbox, LONG).await.0);
    for (fault, length) in [
        (Fault::reset_head_at(0), 0),
        (Fault::reset_head_at(9), 9),
        (Fault::reset_head_at(100_000), head - 1),
        (Fault::reset_body_at(7), head + 7),
    ] {
        sandbox.fault(fault.clone()).unwrap();
        let mut socket = asking(&sandbox).await;
        let mut received = vec![0; length];
        socket.read_exact(&mut received).await.unwrap();
        let error = socket.read(&mut [0; 1]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{fault:?}");
    }
}

#[tokio::test]
async fn pauses_a_response_at_the_given_byte() {
    let sandbox = Sandbox::start().await.unwrap();
    let whole = bytes(&sandbox, LONG).await.0.len();
    for (fault, length) in [(Fault::pause_head_at(9, 2 * SHORT), 9), (Fault::pause_head_at(0, 2 * SHORT), 0)] {
        sandbox.fault(fault.clone()).unwrap();
        let mut socket = asking(&sandbox).await;
        let mut beginning = vec![0; length];
        socket.read_exact(&mut beginning).await.unwrap();
        let early = tokio::time::timeout(SHORT, socket.read(&mut [0; 1])).await;
        assert!(early.is_err(), "{fault:?}: {early:?}");
        let mut rest = Vec::new();
        socket.read_to_end(&mut rest).await.unwrap();
        assert_eq!(length + rest.len(), whole, "{fault:?}");
    }
}

#[tokio::test]
async fn a_client_reports_every_end_of_a_connection() {
    let kind = |error: Error| match error {
        Error::Transport(error) => error.kind(),
        other => panic!("{other}"),
    };
    for fault in [Fault::cut(), Fault::cut_head_at(20), Fault::reset(), Fault::reset_head_at(20)] {
        let (ended, stored) = create(fault.clone(), LONG).await;
        let error = ended.unwrap_err();
        assert!(error.may_have_been_processed(), "{fault:?}: {error}");
        assert_eq!(stored, 1, "the server did what it was asked for");
        assert_ne!(kind(error), TransportKind::NotConnected);
    }
    for fault in [Fault::cut_body_at(3), Fault::reset_body_at(3)] {
        let (ended, stored) = create(fault.clone(), LONG).await;
        assert!(matches!(ended, Err(Error::Transport(_))), "{fault:?}: {ended:?}");
        assert_eq!(stored, 1);
    }
    for fault in [
        Fault::stall(),
        Fault::stall_head_at(20),
        Fault::stall_body_at(3),
        Fault::pause_head_at(20, 10 * LONG),
        Fault::delay(10 * LONG),
    ] {
        let (ended, stored) = create(fault.clone(), SHORT).await;
        assert!(matches!(ended, Err(Error::Timeout(_))), "{fault:?}: {ended:?}");
        assert_eq!(stored, 1);
    }
}

#[tokio::test]
async fn an_unprocessed_call_stores_nothing() {
    let (ended, stored) = create(Fault::cut().unprocessed(), LONG).await;
    assert!(ended.unwrap_err().may_have_been_processed(), "the client can't know");
    assert_eq!(stored, 0);
    let (_, stored) = create(Fault::status(503), LONG).await;
    assert_eq!(stored, 0);
    let (ended, stored) = create(Fault::status(502).html("<h1>Bad Gateway</h1>").processed(), LONG).await;
    assert!(ended.unwrap_err().is_server());
    assert_eq!(stored, 1, "the proxy lost the answer");
}

#[tokio::test]
async fn a_client_reads_split_and_paused_responses() {
    for fault in [
        Fault::split(1),
        Fault::split_slowly(100, Duration::from_millis(10)),
        Fault::pause_head_at(5, Duration::from_millis(50)),
        Fault::pause_body_at(5, Duration::from_millis(50)),
        Fault::delay(Duration::from_millis(50)),
    ] {
        let begun = Instant::now();
        let (ended, stored) = create(fault.clone(), LONG).await;
        ended.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        assert_eq!(stored, 1);
        if !format!("{fault:?}").contains("pause: 0ns") {
            assert!(begun.elapsed() >= Duration::from_millis(20), "{fault:?} took {:?}", begun.elapsed());
        }
    }
}

#[tokio::test]
async fn splits_a_body_into_pieces() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.fault(Fault::split_slowly(10, Duration::from_millis(20))).unwrap();
    let mut socket = asking(&sandbox).await;
    let (mut pieces, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        match socket.read(&mut buffer).await.unwrap() {
            0 => break,
            count => pieces.push(count),
        }
    }
    // Some may have met on the way.
    assert!(pieces.len() > 5, "{pieces:?}");
}

#[tokio::test]
async fn a_truncated_body_is_well_formed_http_and_broken_json() {
    let (ended, stored) = create(Fault::truncate(10), LONG).await;
    let error = ended.unwrap_err();
    assert!(matches!(error, Error::Decode(_)), "{error}");
    assert_eq!(error.body().unwrap().len(), 10);
    assert_eq!(stored, 1);
}

#[tokio::test]
async fn sends_any_bytes_in_place_of_a_response() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.fault(Fault::raw("220 mail.example ESMTP\r\n")).unwrap();
    assert_eq!(bytes(&sandbox, LONG).await, (b"220 mail.example ESMTP\r\n".to_vec(), true));
    let (ended, _) = create(Fault::raw("220 mail.example ESMTP\r\n"), LONG).await;
    assert!(matches!(ended, Err(Error::Transport(_))), "{ended:?}");
}

#[tokio::test]
async fn rejects_calls_with_status_headers_and_body() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = once(&sandbox, LONG);
    sandbox.fault(Fault::status(503).header("retry-after", "7").html("<h1>Busy</h1>")).unwrap();
    let error = client.health().await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), error.retry_after()), (503, Some(Duration::from_secs(7))));
    assert_eq!(error.body().unwrap(), "<h1>Busy</h1>");
    sandbox.fault(Fault::status(418).json(&serde_json::json!({"detail": "short and stout"}))).unwrap();
    assert_eq!(client.health().await.unwrap_err().message(), "short and stout");
    client.health().await.unwrap();
}

#[tokio::test]
async fn a_fault_affects_the_calls_that_it_selects() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = once(&sandbox, LONG);
    let arm = |fault: Fault| -> Armed { sandbox.fault(fault).unwrap() };
    let second = arm(Fault::status(500).on("elephantasm_list_animas").nth(2).times(2));
    client.health().await.unwrap();
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let listed = client.animas().list(ListAnimasParams::new()).await;
        statuses.push(listed.map_or_else(|error| error.status().unwrap().as_u16(), |_| 200));
    }
    assert_eq!((statuses, second.hits()), (vec![200, 500, 500, 200], 2));

    let always = arm(Fault::status(500).always());
    for _ in 0..3 {
        client.health().await.unwrap_err();
    }
    sandbox.clear_faults();
    client.health().await.unwrap();
    assert_eq!(always.hits(), 3);
}

#[tokio::test]
async fn rejects_invalid_faults() {
    let sandbox = Sandbox::start().await.unwrap();
    for fault in [
        Fault::status(99),
        Fault::status(1000),
        Fault::status(500).header("a b", "c"),
        Fault::status(204).text("x"),
        Fault::status(413).early().processed(),
        Fault::cut().html("x"),
        Fault::cut().early(),
        Fault::cut().nth(0),
        Fault::cut().with_probability(1.5),
        Fault::reset_on_connect().on("elephantasm_get_health"),
        Fault::reset_request_at(1).processed(),
        Fault::stall_request_at(1).delayed(Duration::from_secs(1)),
        Fault::set_header("content-length", "1"),
        Fault::drop_frames(0, 1),
    ] {
        let error = sandbox.fault(fault.clone()).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument(_)), "{fault:?}");
    }
    let unknown = sandbox.fault(Fault::cut().on("create_anima")).unwrap_err();
    assert_eq!(unknown.message(), "`operation` is unknown: create_anima; similar ones: elephantasm_create_anima");
    let operations = sandbox.operations();
    assert!(operations.is_sorted() && operations.len() > 30, "{operations:?}");
    for operation in operations {
        sandbox.fault(Fault::cut().on(operation)).unwrap();
    }
}

#[tokio::test]
async fn changes_one_byte_or_one_header_of_a_response() {
    let sandbox = Sandbox::start().await.unwrap();
    let answers = async |fault: Option<Fault>| {
        if let Some(fault) = fault {
            sandbox.fault(fault).unwrap();
        }
        let mut answer = bytes(&sandbox, LONG).await.0;
        let body = answer.split_off(head_length(&answer));
        (String::from_utf8(answer).unwrap(), body)
    };
    let (_, genuine) = answers(None).await;
    for (at, changed) in [(1, 1), (usize::MAX, genuine.len() - 1)] {
        let (_, body) = answers(Some(Fault::corrupt_body_at(at))).await;
        let different: Vec<usize> = (0..genuine.len()).filter(|&n| body[n] != genuine[n]).collect();
        assert!(different.contains(&changed) && body.len() == genuine.len(), "{different:?}");
    }
    for name in ["server", "content-type"] {
        let (head, _) = answers(Some(Fault::set_header(name, "changed"))).await;
        let lines: Vec<&str> = head.lines().filter(|line| line.starts_with(name)).collect();
        assert_eq!(lines, [format!("{name}: changed")], "{head}");
    }
    let (ended, stored) = create(Fault::corrupt_body_at(0), LONG).await;
    assert!(ended.unwrap_err().is_decode() && stored == 1);
}

#[tokio::test]
async fn closes_a_connection_after_a_complete_response() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.fault(Fault::close_after()).unwrap();
    let mut socket = connect(&sandbox).await;
    socket.write_all(b"GET /elephantasm/api/health HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(LONG, socket.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200") && answer.ends_with(b"}"), "{}", answer.escape_ascii());
    assert!(!answer.windows(6).any(|part| part == b"close\r"), "{}", answer.escape_ascii());

    let client = sandbox.elephantasm_builder().build().unwrap();
    sandbox.fault(Fault::close_after().times(3)).unwrap();
    for _ in 0..3 {
        client.health().await.unwrap();
    }
}

#[tokio::test]
async fn truncates_the_head_of_a_response_without_a_body() {
    let sandbox = Sandbox::builder().elephantasm(Settings::self_hosted).start().await.unwrap();
    let client = once(&sandbox, LONG);
    let anima = client.animas().create(AnimaCreate::new("Ada")).await.unwrap();
    let event = EventCreate::new(&anima.id, EventType::System, "x");
    let event = client.events().create(event).await.unwrap();
    let armed = sandbox.fault(Fault::truncate(10)).unwrap();
    let error = client.events().delete(&event.id).await.unwrap_err();
    assert!(matches!(error, Error::Transport(_)), "{error}");
    assert_eq!(armed.hits(), 1);
}

#[tokio::test]
async fn a_cut_on_a_kept_alive_connection_is_retried_at_once() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = sandbox.elephantasm_builder().build().unwrap();
    client.health().await.unwrap();
    sandbox.fault(Fault::cut().always()).unwrap();
    let error = client.animas().list(ListAnimasParams::new()).await.unwrap_err();
    let attempts = error.attempts();
    assert_eq!((attempts.len(), attempts[0].waited()), (4, Duration::ZERO), "one more than the first and two retries");
}

#[tokio::test]
async fn a_retried_call_succeeds() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.fault(Fault::cut_body_at(5).on("elephantasm_list_animas")).unwrap();
    sandbox.elephantasm().animas().list(ListAnimasParams::new()).await.unwrap();
    assert_eq!(sandbox.requests().len(), 2);
}
