//! What clients meet when the way to the sandbox is closed, and when it opens again.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use polyagent::elephantasm::types::{AnimaCreate, ListAnimasParams};
use polyagent::sandbox::{Fault, Reach, Sandbox};
use polyagent::{Error, RetryPolicy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// Long enough for anything that comes at all.
const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(300);
const HEALTH: &[u8] = b"GET /elephantasm/api/health HTTP/1.1\r\nhost: x\r\n\r\n";

/// What becomes of a connection that is made now.
async fn probed(sandbox: &Sandbox) -> Reach {
    match timeout(SHORT, TcpStream::connect(("127.0.0.1", sandbox.port()))).await {
        Ok(Ok(mut socket)) => {
            assert_answered(&mut socket).await;
            Reach::Open
        }
        Ok(Err(error)) => {
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
            Reach::Down
        }
        Err(_) => Reach::Silent,
    }
}

async fn assert_answered(socket: &mut TcpStream) {
    socket.write_all(HEALTH).await.unwrap();
    assert_status(socket).await;
}

/// Reads an answer to a health check, all of it.
async fn assert_status(socket: &mut TcpStream) {
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        let mut buffer = [0; 1024];
        let count = timeout(LONG, socket.read(&mut buffer)).await.unwrap().unwrap();
        assert!(count > 0, "the connection ended");
        answer.extend_from_slice(&buffer[..count]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"), "{}", answer.escape_ascii());
}

/// A connection that has been used, and is kept.
async fn kept(sandbox: &Sandbox) -> TcpStream {
    let mut socket = TcpStream::connect(("127.0.0.1", sandbox.port())).await.unwrap();
    assert_answered(&mut socket).await;
    socket
}

async fn animas(sandbox: &Sandbox) -> usize {
    sandbox.elephantasm().animas().list(ListAnimasParams::new()).await.unwrap().items.len()
}

#[tokio::test]
async fn any_reach_can_follow_any_other() {
    use Reach::{Down, Open, Silent};
    let sandbox = Sandbox::start().await.unwrap();
    for reach in [Open, Open, Down, Down, Silent, Silent, Down, Open, Silent, Open] {
        sandbox.set_reach(reach).await.unwrap();
        assert_eq!(probed(&sandbox).await, reach);
    }
}

#[tokio::test]
async fn going_down_resets_all_connections() {
    let sandbox = Sandbox::start().await.unwrap();
    let [mut idle, mut asking] = [kept(&sandbox).await, kept(&sandbox).await];
    let armed = sandbox.fault(Fault::stall()).unwrap();
    asking.write_all(HEALTH).await.unwrap();
    while armed.hits() == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    sandbox.set_reach(Reach::Down).await.unwrap();
    for socket in [&mut idle, &mut asking] {
        let error = timeout(LONG, socket.read(&mut [0; 1])).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
}

#[tokio::test]
async fn a_short_outage_resets_connections_too() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut socket = kept(&sandbox).await;
    sandbox.set_reach(Reach::Down).await.unwrap();
    sandbox.set_reach(Reach::Open).await.unwrap();
    let error = timeout(LONG, socket.read(&mut [0; 1])).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(probed(&sandbox).await, Reach::Open);
}

#[tokio::test]
async fn silent_connections_continue_where_they_stopped() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut socket = kept(&sandbox).await;
    sandbox.set_reach(Reach::Silent).await.unwrap();
    socket.write_all(HEALTH).await.unwrap();
    let early = timeout(SHORT, socket.read(&mut [0; 1])).await;
    assert!(early.is_err(), "{early:?}");
    assert_eq!(sandbox.requests().len(), 1, "nothing arrives");

    let mut hanging = Box::pin(TcpStream::connect(("127.0.0.1", sandbox.port())));
    let early = timeout(SHORT, &mut hanging).await;
    assert!(early.is_err(), "{early:?}");

    sandbox.set_reach(Reach::Open).await.unwrap();
    assert_status(&mut socket).await;
    assert_answered(&mut timeout(LONG, hanging).await.unwrap().unwrap()).await;
}

#[tokio::test]
async fn the_sandboxs_own_connections_count_for_no_fault() {
    let sandbox = Sandbox::start().await.unwrap();
    let armed = sandbox.fault(Fault::reset_on_connect().nth(2)).unwrap();
    sandbox.set_reach(Reach::Silent).await.unwrap();
    sandbox.set_reach(Reach::Open).await.unwrap();
    kept(&sandbox).await;
    assert_eq!(armed.hits(), 0);
    let mut second = TcpStream::connect(("127.0.0.1", sandbox.port())).await.unwrap();
    second.write_all(HEALTH).await.unwrap();
    assert!(second.read(&mut [0; 1]).await.is_err());
    assert_eq!(armed.hits(), 1);
}

#[tokio::test]
async fn a_creation_is_repeated_until_a_connection_is_made() {
    for reach in [Reach::Down, Reach::Silent] {
        let sandbox = Sandbox::start().await.unwrap();
        let pause = Duration::from_millis(100);
        let steady = RetryPolicy::default().max_retries(50).backoff(pause, pause).jitter(false);
        let client = sandbox.elephantasm_builder().connect_timeout(SHORT).retry_policy(steady).build().unwrap();
        sandbox.set_reach(reach).await.unwrap();
        let opened = async {
            sleep(2 * SHORT).await;
            sandbox.set_reach(Reach::Open).await.unwrap();
        };
        let (created, ()) = tokio::join!(client.animas().create(AnimaCreate::new("Ada")), opened);
        created.unwrap();
        assert_eq!(animas(&sandbox).await, 1, "{reach:?}");
    }
}

#[tokio::test]
async fn errors_say_that_no_connection_was_made() {
    for reach in [Reach::Down, Reach::Silent] {
        let sandbox = Sandbox::start().await.unwrap();
        sandbox.set_reach(reach).await.unwrap();
        let builder = sandbox.elephantasm_builder().retry_policy(RetryPolicy::none());
        let client = builder.connect_timeout(SHORT).build().unwrap();
        let error = client.animas().create(AnimaCreate::new("Ada")).await.unwrap_err();
        assert_eq!((error.is_connect(), error.is_timeout()), (reach == Reach::Down, reach == Reach::Silent), "{error}");
        assert!(!error.may_have_been_processed(), "{reach:?}: {error}");
    }
}

#[tokio::test]
async fn a_call_that_takes_the_server_down_is_not_repeated() {
    for (processed, stored) in [(true, 1), (false, 0)] {
        let sandbox = Sandbox::start().await.unwrap();
        let client = sandbox.elephantasm_builder().build().unwrap();
        client.health().await.unwrap();
        let mut neighbour = kept(&sandbox).await;
        let fault = Fault::down_for(SHORT).on("elephantasm_create_anima");
        let armed = sandbox.fault(if processed { fault } else { fault.unprocessed() }).unwrap();
        let started = Instant::now();
        let error = client.animas().create(AnimaCreate::new("Ada")).await.unwrap_err();
        assert!(matches!(error, Error::Transport(_)) && error.may_have_been_processed(), "{error}");
        assert_eq!((armed.hits(), error.attempts().len()), (1, 1));
        assert!(neighbour.read(&mut [0; 1]).await.is_err(), "all connections are reset");
        assert_eq!(probed(&sandbox).await, Reach::Down);
        while probed(&sandbox).await == Reach::Down && started.elapsed() < LONG {
            sleep(Duration::from_millis(10)).await;
        }
        assert!((SHORT..LONG).contains(&started.elapsed()));
        assert_eq!(animas(&sandbox).await, stored);
    }
}

#[tokio::test]
async fn a_response_arrives_after_a_silence() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = sandbox.elephantasm_builder().retry_policy(RetryPolicy::none()).build().unwrap();
    sandbox.fault(Fault::silent_for(SHORT).nth(2)).unwrap();
    client.health().await.unwrap();
    let started = Instant::now();
    client.animas().create(AnimaCreate::new("Ada")).await.unwrap();
    assert!(started.elapsed() >= SHORT);

    let impatient = sandbox.elephantasm_builder().retry_policy(RetryPolicy::none()).attempt_timeout(SHORT);
    sandbox.fault(Fault::silent_for(LONG)).unwrap();
    let error = impatient.build().unwrap().animas().create(AnimaCreate::new("Ben")).await.unwrap_err();
    assert!(error.is_timeout() && error.may_have_been_processed(), "{error}");
    sandbox.set_reach(Reach::Open).await.unwrap();
    assert_eq!(animas(&sandbox).await, 2);
}

#[tokio::test]
async fn the_latest_change_of_reach_applies() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = sandbox.elephantasm_builder().retry_policy(RetryPolicy::none()).build().unwrap();
    let _ = sandbox.fault(Fault::down_for(SHORT)).unwrap();
    client.health().await.unwrap_err();
    sandbox.set_reach(Reach::Down).await.unwrap();
    sleep(2 * SHORT).await;
    assert_eq!(probed(&sandbox).await, Reach::Down, "the outage that the fault began would be over");

    sandbox.set_reach(Reach::Open).await.unwrap();
    let _ = sandbox.fault(Fault::down_for(Duration::MAX)).unwrap();
    client.health().await.unwrap_err();
    assert_eq!(probed(&sandbox).await, Reach::Down);
    sandbox.clear_faults();
    assert_eq!(probed(&sandbox).await, Reach::Down);
    sandbox.set_reach(Reach::Open).await.unwrap();
    client.health().await.unwrap();
}

#[tokio::test]
async fn a_sandbox_can_be_dropped_whatever_its_reach() {
    for reach in [Reach::Down, Reach::Silent] {
        let sandbox = Sandbox::start().await.unwrap();
        let mut socket = kept(&sandbox).await;
        sandbox.set_reach(reach).await.unwrap();
        let port = sandbox.port();
        drop(sandbox);
        let ended = timeout(LONG, socket.read(&mut [0; 1])).await.unwrap();
        assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
        let error = TcpStream::connect(("127.0.0.1", port)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    }
}

#[tokio::test]
async fn a_sandbox_that_is_gone_refuses_connections() {
    let sandbox = Sandbox::start().await.unwrap();
    let fresh = sandbox.elephantasm_builder().retry_policy(RetryPolicy::none()).build().unwrap();
    let kept = sandbox.elephantasm_builder().build().unwrap();
    kept.health().await.unwrap();
    drop(sandbox);
    let error = fresh.health().await.unwrap_err();
    assert!(error.is_connect() && !error.may_have_been_processed(), "{error}");
    let error = kept.health().await.unwrap_err();
    assert!(error.is_connect(), "{error}");
}

#[tokio::test]
async fn a_silence_begins_with_the_call_for_everybody() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut neighbour = kept(&sandbox).await;
    let armed = sandbox.fault(Fault::silent_for(SHORT)).unwrap();
    let started = Instant::now();
    let mut asking = TcpStream::connect(("127.0.0.1", sandbox.port())).await.unwrap();
    asking.write_all(HEALTH).await.unwrap();
    while armed.hits() == 0 {
        tokio::task::yield_now().await;
    }
    sleep(Duration::from_millis(5)).await;
    assert_answered(&mut neighbour).await;
    assert!(started.elapsed() >= SHORT, "{:?}", started.elapsed());
    assert_status(&mut asking).await;
}

/// Programs that listen can take a port where nobody listens, as nothing does while the sandbox is down.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn rebinds_its_port_once_another_process_frees_it() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.set_reach(Reach::Down).await.unwrap();
    let thief = std::net::TcpListener::bind(("127.0.0.1", sandbox.port())).unwrap();
    let error = sandbox.set_reach(Reach::Open).await.unwrap_err();
    assert!(error.is_config() && error.to_string().contains("in use"), "{error}");
    drop(thief);
    sandbox.set_reach(Reach::Open).await.unwrap();
    assert_eq!(probed(&sandbox).await, Reach::Open);

    let client = sandbox.elephantasm_builder().retry_policy(RetryPolicy::none()).build().unwrap();
    let _ = sandbox.fault(Fault::down_for(SHORT)).unwrap();
    client.health().await.unwrap_err();
    let thief = std::net::TcpListener::bind(("127.0.0.1", sandbox.port())).unwrap();
    sleep(2 * SHORT).await;
    drop(thief);
    let started = Instant::now();
    while probed(&sandbox).await == Reach::Down && started.elapsed() < LONG {
        sleep(Duration::from_millis(10)).await;
    }
    client.health().await.unwrap();
}

#[tokio::test]
async fn a_request_sent_during_a_silence_is_processed_after_it() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = sandbox.elephantasm_builder().retry_policy(RetryPolicy::none()).build().unwrap();
    client.health().await.unwrap();
    sandbox.set_reach(Reach::Silent).await.unwrap();
    let error = client.animas().create(AnimaCreate::new("Ada")).attempt_timeout(4 * SHORT).await.unwrap_err();
    assert!(error.is_timeout() && error.may_have_been_processed(), "{error}");
    drop(client);
    sandbox.set_reach(Reach::Open).await.unwrap();
    let started = Instant::now();
    while animas(&sandbox).await == 0 && started.elapsed() < LONG {
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(animas(&sandbox).await, 1);
}
