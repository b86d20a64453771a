//! Which timer ends a call, and when. Clocks are paused: they leap to the next timer when nothing else is left to do, so
//! that no machine is too slow.

use std::time::Duration;

use polyagent::elephantasm::types::{AnimaCreate, GetLatestMemoryPackParams};
use polyagent::{Error, RetryPolicy, Timer};
use tokio::time::Instant;

use crate::elephantasm::{ID, SERVER_ANIMA};
use crate::sockets::{Server, Step, answer, write};

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

async fn silent() -> Server {
    Server::start(vec![vec![Step::Read, Step::Hang]]).await
}

/// The timer that ended a call, and what it was set to.
fn timer(error: &Error) -> (Timer, Duration) {
    let Error::Timeout(timed_out) = error else { panic!("{error:?}") };
    (timed_out.timer(), timed_out.after())
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_runs_into_the_attempt_timer() {
    let server = silent().await;
    let begun = Instant::now();
    let error = server.client().animas().get(ID).attempt_timeout(secs(4)).await.unwrap_err();
    assert_eq!(timer(&error), (Timer::Attempt, secs(4)));
    assert!(error.may_have_been_processed());
    assert_eq!(server.connections(), 3);
    assert!((secs(12)..secs(13)).contains(&begun.elapsed()), "{:?}", begun.elapsed());

    let server = silent().await;
    let error = server.client().animas().create(AnimaCreate::new("Ada")).attempt_timeout(secs(4)).await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(server.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_runs_into_the_attempt_timer_too() {
    let half = write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{");
    let server = Server::start(vec![vec![Step::Read, half, Step::Hang]]).await;
    let call = server.client().animas().get(ID).attempt_timeout(secs(4)).max_retries(0);
    assert_eq!(timer(&call.await.unwrap_err()), (Timer::Attempt, secs(4)));
}

#[tokio::test(start_paused = true)]
async fn the_total_timer_ends_the_call_over_all_attempts() {
    let server = silent().await;
    let call = server.client().animas().get(ID).attempt_timeout(secs(6)).total_timeout(secs(10));
    let begun = Instant::now();
    assert_eq!(timer(&call.await.unwrap_err()), (Timer::Total, secs(10)));
    assert_eq!((begun.elapsed().as_secs(), server.connections()), (10, 2));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_has_30_seconds_or_what_the_document_gives_its_operation() {
    let server = silent().await;
    let client = server.builder().retry_policy(RetryPolicy::none()).build().unwrap();
    let animas = client.animas().get(ID).await.unwrap_err();
    assert_eq!(timer(&animas), (Timer::Attempt, secs(30)));
    // Packs are compiled on the way: `x-timeout` is 60 there.
    let pack = client.memory_packs().latest(ID, GetLatestMemoryPackParams::new().query("tea")).await.unwrap_err();
    assert_eq!(timer(&pack), (Timer::Attempt, secs(60)));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_of_the_clients_holds_for_slow_operations_too() {
    let server = silent().await;
    let client = server.builder().attempt_timeout(secs(7)).build().unwrap();
    let error = client.memory_packs().latest(ID, GetLatestMemoryPackParams::new().query("tea")).await.unwrap_err();
    assert_eq!(timer(&error), (Timer::Attempt, secs(7)));
}

#[tokio::test(start_paused = true)]
async fn the_calls_settings_come_before_the_clients() {
    let server = silent().await;
    let builder = server.builder().attempt_timeout(secs(7)).total_timeout(secs(40));
    let client = builder.retry_policy(RetryPolicy::none()).build().unwrap();
    for (call, expected) in [
        (client.animas().get(ID), (Timer::Attempt, secs(7))),
        (client.animas().get(ID).attempt_timeout(secs(3)), (Timer::Attempt, secs(3))),
        (client.animas().get(ID).attempt_timeout(secs(20)), (Timer::Attempt, secs(20))),
        (client.animas().get(ID).attempt_timeout(secs(50)), (Timer::Total, secs(40))),
        (client.animas().get(ID).total_timeout(secs(2)), (Timer::Total, secs(2))),
        (client.animas().get(ID).attempt_timeout(secs(50)).total_timeout(secs(45)), (Timer::Total, secs(45))),
    ] {
        assert_eq!(timer(&call.await.unwrap_err()), expected);
    }
    let before = server.connections();
    client.animas().get(ID).max_retries(1).await.unwrap_err();
    assert_eq!(server.connections() - before, 2, "the client makes no retries, the call one");
}

#[tokio::test(start_paused = true)]
async fn a_call_has_90_seconds_in_total() {
    let server = silent().await;
    let client = server.builder().retry_policy(RetryPolicy::default().max_retries(9)).build().unwrap();
    let begun = Instant::now();
    let error = client.animas().get(ID).attempt_timeout(secs(80)).await.unwrap_err();
    assert_eq!(timer(&error), (Timer::Total, secs(90)));
    assert_eq!((begun.elapsed().as_secs(), server.connections()), (90, 2));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_timeout_beyond_90_seconds_raises_the_default_total() {
    for on_client in [true, false] {
        let server = silent().await;
        let builder = server.builder().retry_policy(RetryPolicy::none());
        let builder = if on_client { builder.attempt_timeout(secs(200)) } else { builder };
        let call = builder.build().unwrap().animas().get(ID);
        let call = if on_client { call } else { call.attempt_timeout(secs(200)) };
        let begun = Instant::now();
        assert_eq!(timer(&call.await.unwrap_err()), (Timer::Attempt, secs(200)), "{on_client}");
        assert_eq!(begun.elapsed().as_secs(), 200);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_the_server_orders_is_added_to_the_default_total_and_not_to_one_that_was_set() {
    let busy = answer("429 Too Many Requests", "retry-after: 100\r\nconnection: close\r\n", "{}");
    let script = || vec![vec![Step::Read, busy.clone()], vec![Step::Read, answer("200 OK", "", SERVER_ANIMA)]];
    let server = Server::start(script()).await;
    let begun = Instant::now();
    server.client().animas().get(ID).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 100);

    // Strict, whether the client or the call sets it: the error comes at once.
    for on_client in [true, false] {
        let server = Server::start(script()).await;
        let builder = if on_client { server.builder().total_timeout(secs(99)) } else { server.builder() };
        let call = builder.build().unwrap().animas().get(ID);
        let call = if on_client { call } else { call.total_timeout(secs(99)) };
        let begun = Instant::now();
        let error = call.await.unwrap_err();
        assert!(error.is_rate_limited(), "{on_client}: {error:?}");
        assert_eq!((error.retry_after(), begun.elapsed().as_secs()), (Some(secs(100)), 0));
        assert_eq!(server.connections(), 1);
    }
}

#[cfg(target_os = "linux")] // Others refuse what a full queue lets wait there.
#[tokio::test(start_paused = true)]
async fn a_connection_that_is_never_made_runs_into_its_own_timer() {
    // A listener whose queue is full never answers a handshake; connections are made until that is so.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(Ok(stream)) = tokio::time::timeout(secs(1), tokio::net::TcpStream::connect(address)).await {
        queued.push(stream);
    }
    let server = Server::start(vec![vec![]]).await;
    let client = server.builder().base_url(format!("http://{address}")).connect_timeout(secs(5)).build().unwrap();
    let error = client.animas().create(AnimaCreate::new("Ada")).max_retries(1).await.unwrap_err();
    assert_eq!(timer(&error), (Timer::Connect, secs(5)));
    assert_eq!(error.attempts().len(), 2, "it is safe to retry whatever the call");
    assert!(!error.may_have_been_processed());

    let impatient = client.animas().create(AnimaCreate::new("Ada")).attempt_timeout(secs(2));
    let error = impatient.max_retries(0).await.unwrap_err();
    assert_eq!(timer(&error), (Timer::Attempt, secs(2)));
    assert!(!error.may_have_been_processed(), "nothing was sent yet");
}

#[tokio::test(start_paused = true)]
async fn the_longest_durations_are_no_panic() {
    let ok = answer("200 OK", "", SERVER_ANIMA);
    let busy = answer("503 Service Unavailable", "retry-after: 99999999999999999999999\r\n", "{}");
    let server = Server::start(vec![vec![Step::Read, ok, Step::Read, busy]]).await;
    let patient = RetryPolicy::default().max_server_wait(Duration::MAX);
    let client = server.builder().retry_policy(patient).total_timeout(Duration::MAX).build().unwrap();
    client.animas().get(ID).attempt_timeout(Duration::MAX).await.unwrap();
    let error = client.animas().get(ID).attempt_timeout(Duration::MAX).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::MAX), "no one lives to see the end of that wait");
}

#[tokio::test(start_paused = true)]
async fn the_longest_durations_set_no_timer() {
    // The server is a thread, of which the runtime knows nothing: with a timer set, its clock would leap there at once.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", SERVER_ANIMA.len());
    let response = head + SERVER_ANIMA;
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            std::thread::sleep(Duration::from_millis(50));
            let (head, body) = response.split_at(response.len() - 9);
            stream.write_all(head.as_bytes()).unwrap();
            std::thread::sleep(Duration::from_millis(50));
            stream.write_all(body.as_bytes()).unwrap();
        }
    });
    let server = silent().await;
    let builder = || server.builder().retry_policy(RetryPolicy::none()).connect_timeout(Duration::MAX);
    let builder_of_it = builder().base_url(format!("http://{address}"));
    let endless = builder_of_it.attempt_timeout(Duration::MAX).build().unwrap();
    endless.animas().get(ID).await.unwrap();
    endless.animas().get(ID).total_timeout(Duration::MAX).await.unwrap();
    // The twin: a timer of a year runs out, at a server that does not respond before.
    let error = builder().attempt_timeout(secs(365 * 86_400)).build().unwrap().animas().get(ID).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_timer_of_the_callers_http_client_is_a_timeout_too() {
    let server = silent().await;
    let client = server.builder().configure_http(|http| http.timeout(secs(4))).build().unwrap();
    let error = client.animas().get(ID).max_retries(0).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn the_body_of_an_error_is_waited_for_two_seconds() {
    let stalled = write("HTTP/1.1 503 Service Unavailable\r\nretry-after: 0\r\ncontent-length: 5\r\n\r\n{");
    let healthy = vec![Step::Read, answer("200 OK", "", SERVER_ANIMA)];
    let server = Server::start(vec![vec![Step::Read, stalled, Step::Hang], healthy]).await;
    let begun = Instant::now();
    server.client().animas().get(ID).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_body_of_an_error_is_not_waited_for_beyond_the_attempt() {
    let stalled = write("HTTP/1.1 401 Unauthorized\r\ncontent-length: 100\r\n\r\n{");
    let server = Server::start(vec![vec![Step::Read, stalled, Step::Hang]]).await;
    let begun = Instant::now();
    let error = server.client().animas().get(ID).attempt_timeout(secs(1)).await.unwrap_err();
    assert!(error.is_authentication(), "{error:?}");
    assert_eq!((begun.elapsed().as_secs(), &error.body().unwrap()[..]), (1, &b"{"[..]));
}
