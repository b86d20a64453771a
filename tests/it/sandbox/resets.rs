//! Requests that are not read whole.

use std::io::ErrorKind;
use std::time::Duration;

use polyagent::elephantasm::types::{AnimaCreate, ListAnimasParams};
use polyagent::sandbox::{Fault, Sandbox};
use polyagent::{Error, TransportKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::faults::{HEALTH, LONG, SHORT, asking, bytes, connect, create, once, struck};

#[tokio::test]
async fn resets_a_connection_before_a_request_is_read() {
    let sandbox = Sandbox::start().await.unwrap();
    let armed = sandbox.fault(Fault::reset_on_connect().nth(2)).unwrap();
    assert!(!bytes(&sandbox, LONG).await.0.is_empty(), "the first connection");
    let mut socket = connect(&sandbox).await;
    socket.write_all(b"G").await.unwrap();
    let error = socket.read(&mut [0; 1]).await.unwrap_err();
    assert_eq!((error.kind(), armed.hits()), (ErrorKind::ConnectionReset, 1));
    assert!(!bytes(&sandbox, LONG).await.0.is_empty(), "the third connection");
    assert_eq!(sandbox.requests().len(), 2);
}

#[tokio::test]
async fn a_creation_on_a_connection_that_is_reset_is_not_repeated() {
    let (ended, stored) = create(Fault::reset_on_connect(), LONG).await;
    let Err(Error::Transport(error)) = ended else { panic!("{ended:?}") };
    assert_eq!((error.kind(), stored), (TransportKind::NoAnswer, 0));

    let sandbox = Sandbox::start().await.unwrap();
    let client = sandbox.elephantasm_builder().build().unwrap();
    sandbox.fault(Fault::reset_on_connect()).unwrap();
    let error = client.animas().create(AnimaCreate::new("Ada")).await.unwrap_err();
    assert_eq!((error.attempts().len(), error.may_have_been_processed()), (1, true));
    sandbox.fault(Fault::reset_on_connect()).unwrap();
    client.health().await.unwrap();
    assert_eq!(sandbox.requests().len(), 1);
}

#[tokio::test]
async fn resets_a_request_at_the_given_byte() {
    let sandbox = Sandbox::start().await.unwrap();
    let armed = sandbox.fault(Fault::reset_request_at(10)).unwrap();
    let mut socket = connect(&sandbox).await;
    socket.write_all(&HEALTH[..9]).await.unwrap();
    let early = tokio::time::timeout(SHORT, socket.read(&mut [0; 1])).await;
    assert!(early.is_err(), "after 9 bytes: {early:?}");
    assert_eq!(armed.hits(), 1);
    socket.write_all(&HEALTH[9..10]).await.unwrap();
    let error = socket.read(&mut [0; 1]).await.unwrap_err();
    assert_eq!((error.kind(), sandbox.requests().len()), (ErrorKind::ConnectionReset, 0));
    assert!(!bytes(&sandbox, LONG).await.0.is_empty(), "the next request");
}

#[tokio::test]
async fn a_request_that_is_reset_is_not_processed() {
    for at in [0, 20, 300, HEALTH.len(), usize::MAX] {
        let (ended, stored) = create(Fault::reset_request_at(at), LONG).await;
        let error = ended.unwrap_err();
        assert!(matches!(error, Error::Transport(_)) && error.may_have_been_processed(), "{at}: {error}");
        assert_eq!(stored, 0, "{at}");
    }
    let sandbox = Sandbox::start().await.unwrap();
    for at in [HEALTH.len() - 1, HEALTH.len(), HEALTH.len() + 1] {
        sandbox.fault(Fault::reset_request_at(at)).unwrap();
        let error = asking(&sandbox).await.read(&mut [0; 1]).await.unwrap_err();
        assert_eq!((error.kind(), sandbox.requests().len()), (ErrorKind::ConnectionReset, 0), "{at}");
    }
}

#[tokio::test]
async fn resets_a_client_that_still_writes() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.fault(Fault::reset_request_at(50_000)).unwrap();
    let mut socket = connect(&sandbox).await;
    let head = b"POST /elephantasm/api/events HTTP/1.1\r\nhost: x\r\ncontent-length: 50000000\r\n\r\n";
    socket.write_all(head).await.unwrap();
    let mut written = 0;
    let error = loop {
        match socket.write(&[b' '; 10_000]).await {
            Ok(count) => written += count,
            Err(error) => break error,
        }
    };
    assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
    assert!((50_000 - head.len()..49_000_000).contains(&written), "{written}");

    sandbox.fault(Fault::reset_request_at(50_000)).unwrap();
    let client = once(&sandbox, LONG);
    let large = AnimaCreate::new("Ada").description("x".repeat(20_000_000));
    let error = client.animas().create(large).await.unwrap_err();
    assert!(matches!(error, Error::Transport(_)), "{error}");
    assert!(sandbox.requests().is_empty());
}

#[tokio::test]
async fn stalls_a_request_at_the_given_byte() {
    let sandbox = Sandbox::start().await.unwrap();
    for at in [0, 10, HEALTH.len(), usize::MAX] {
        let armed = sandbox.fault(Fault::stall_request_at(at)).unwrap();
        let mut socket = asking(&sandbox).await;
        struck(&armed).await;
        let early = tokio::time::timeout(SHORT, socket.read(&mut [0; 1])).await;
        assert!(early.is_err(), "{at}: {early:?}");
        assert_eq!((armed.hits(), sandbox.requests().len()), (1, 0), "{at}");
    }
    let armed = sandbox.fault(Fault::stall_request_at(1000)).unwrap();
    let large = AnimaCreate::new("Ada").description("x".repeat(20_000_000));
    let error = once(&sandbox, 4 * SHORT).animas().create(large).await.unwrap_err();
    assert!(error.is_timeout() && error.may_have_been_processed(), "{error}");
    assert_eq!((armed.hits(), sandbox.requests().len()), (1, 0));
    assert!(!bytes(&sandbox, LONG).await.0.is_empty(), "the next request");
}

#[tokio::test]
async fn a_stalled_connection_ends_when_the_client_leaves() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.fault(Fault::stall_request_at(10).times(2)).unwrap();
    for pause in [Duration::ZERO, SHORT] {
        let mut socket = asking(&sandbox).await;
        tokio::time::sleep(pause).await;
        socket.shutdown().await.unwrap();
        let ended = tokio::time::timeout(LONG, socket.read(&mut [0; 1])).await.unwrap();
        assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    }
}

#[tokio::test]
async fn a_complete_request_is_processed_after_the_client_has_left() {
    let sandbox = Sandbox::start().await.unwrap();
    let body = r#"{"name":"Ada"}"#;
    let head = format!(
        "POST /elephantasm/api/animas HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n{body}",
        sandbox.key(),
        body.len()
    );
    for _ in 0..100 {
        connect(&sandbox).await.write_all(head.as_bytes()).await.unwrap();
    }
    let mut half_closed = connect(&sandbox).await;
    half_closed.write_all(head.as_bytes()).await.unwrap();
    half_closed.shutdown().await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(LONG, half_closed.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let started = std::time::Instant::now();
    while sandbox.requests().len() < 101 && started.elapsed() < LONG {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let listed = sandbox.elephantasm().animas().list(ListAnimasParams::new()).items();
    assert_eq!(futures::TryStreamExt::try_collect::<Vec<_>>(listed).await.unwrap().len(), 101);
}

#[tokio::test]
async fn pauses_a_request_at_the_given_byte() {
    for at in [0, 60, 300, usize::MAX] {
        let started = std::time::Instant::now();
        let (ended, stored) = create(Fault::pause_request_at(at, SHORT), LONG).await;
        ended.unwrap();
        assert_eq!(stored, 1, "{at}");
        assert!(started.elapsed() >= SHORT, "{at}: {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_pause_after_the_last_byte_only_delays() {
    let sandbox = Sandbox::start().await.unwrap();
    let started = std::time::Instant::now();
    let pause = 4 * SHORT;
    sandbox.fault(Fault::pause_request_at(HEALTH.len(), pause)).unwrap();
    let (answer, ended) = bytes(&sandbox, LONG).await;
    assert!(answer.starts_with(b"HTTP/1.1 200") && ended, "{}", answer.escape_ascii());
    assert!((pause..2 * pause).contains(&started.elapsed()), "{:?}", started.elapsed());

    let head = b"POST /elephantasm/api/animas HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n";
    sandbox.fault(Fault::pause_request_at(head.len(), SHORT)).unwrap();
    let started = std::time::Instant::now();
    let mut socket = connect(&sandbox).await;
    socket.write_all(head).await.unwrap();
    let mut answer = [0; 25];
    tokio::time::timeout(LONG, socket.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    assert!(started.elapsed() >= SHORT, "{:?}", started.elapsed());
    socket.write_all(b"{}").await.unwrap();
    let mut answer = [0; 12];
    tokio::time::timeout(LONG, socket.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401");
}

#[tokio::test]
async fn an_early_response_does_not_wait_for_the_body() {
    let sandbox = Sandbox::start().await.unwrap();
    let armed =
        sandbox.fault(Fault::status(413).text("too large").early().on("elephantasm_create_event").nth(2)).unwrap();
    let head = b"POST /elephantasm/api/events HTTP/1.1\r\nhost: x\r\ncontent-length: 50000000\r\n\r\n";
    let mut answer = [0; 12];
    let mut first = connect(&sandbox).await;
    first.write_all(head).await.unwrap();
    let early = tokio::time::timeout(SHORT, first.read_exact(&mut answer)).await;
    assert!(early.is_err(), "the first one waits for the body: {early:?}");
    let mut second = connect(&sandbox).await;
    second.write_all(head).await.unwrap();
    tokio::time::timeout(LONG, second.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!((&answer, armed.hits(), sandbox.requests().len()), (b"HTTP/1.1 413", 1, 0));
}

#[tokio::test]
async fn a_request_that_is_reset_on_a_kept_alive_connection_is_sent_again() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = sandbox.elephantasm_builder().build().unwrap();
    let armed = sandbox.fault(Fault::reset_request_at(30).nth(3).times(2)).unwrap();
    client.health().await.unwrap();
    client.animas().create(AnimaCreate::new("Ada")).await.unwrap();
    client.animas().list(ListAnimasParams::new()).await.unwrap();
    assert_eq!((armed.hits(), sandbox.requests().len()), (2, 3));
}

#[tokio::test]
async fn a_request_with_expect_continue_counts_once() {
    let sandbox = Sandbox::start().await.unwrap();
    let armed = sandbox.fault(Fault::reset_request_at(0).nth(2)).unwrap();
    let mut socket = connect(&sandbox).await;
    let head = b"POST /elephantasm/api/animas HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n";
    socket.write_all(head).await.unwrap();
    let mut answer = [0; 25];
    socket.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    socket.write_all(b"{}").await.unwrap();
    let mut answer = [0; 12];
    socket.read_exact(&mut answer).await.unwrap();
    assert_eq!((&answer, armed.hits()), (b"HTTP/1.1 401", 0));
    socket.write_all(HEALTH).await.unwrap();
    let mut rest = Vec::new();
    let error = socket.read_to_end(&mut rest).await.unwrap_err();
    assert_eq!((error.kind(), armed.hits()), (ErrorKind::ConnectionReset, 1));
}
