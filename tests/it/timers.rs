//! Which timer ends a call, and when.

use std::time::{Duration, Instant};

use polyagent::elephantasm::types::{AnimaCreate, GetLatestMemoryPackParams};
use polyagent::{Error, Timer};

use crate::elephantasm::{ID, SERVER_ANIMA};
use crate::sockets::{Server, Step, answer, write};

#[tokio::test]
async fn a_silent_server_runs_into_the_attempt_timer() {
    let server = Server::start(vec![vec![Step::Read, Step::Hang]]).await;
    let timeout = Duration::from_millis(40);
    let error = server.client().animas().get(ID).attempt_timeout(timeout).await.unwrap_err();
    let Error::Timeout(timed_out) = &error else { panic!("{error:?}") };
    assert_eq!((timed_out.timer(), timed_out.after()), (Timer::Attempt, timeout));
    assert!(error.may_have_been_processed());
    assert_eq!(server.connections(), 3);

    let server = Server::start(vec![vec![Step::Read, Step::Hang]]).await;
    let error = server.client().animas().create(AnimaCreate::new("Ada")).attempt_timeout(timeout).await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_body_that_stalls_runs_into_the_attempt_timer_too() {
    let half = write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{");
    let server = Server::start(vec![vec![Step::Read, half, Step::Hang]]).await;
    let call = server.client().animas().get(ID).attempt_timeout(Duration::from_millis(40)).max_retries(0);
    let Error::Timeout(timed_out) = call.await.unwrap_err() else { panic!("no timeout") };
    assert_eq!(timed_out.timer(), Timer::Attempt);
}

#[tokio::test]
async fn the_total_timer_ends_the_call_over_all_attempts() {
    let server = Server::start(vec![vec![Step::Read, Step::Hang]]).await;
    let total = Duration::from_secs(1);
    let call = server.client().animas().get(ID).attempt_timeout(Duration::from_millis(500)).total_timeout(total);
    let begun = Instant::now();
    let Error::Timeout(timed_out) = call.await.unwrap_err() else { panic!("no timeout") };
    assert_eq!((timed_out.timer(), timed_out.after()), (Timer::Total, total));
    assert!((total..5 * total).contains(&begun.elapsed()));
}

#[cfg(target_os = "linux")] // Others refuse what a full queue lets wait there.
#[tokio::test]
async fn a_connection_that_is_never_made_runs_into_its_own_timer() {
    // A listener whose queue is full never answers a handshake; connections are made until that is so.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(Ok(stream)) =
        tokio::time::timeout(Duration::from_millis(200), tokio::net::TcpStream::connect(address)).await
    {
        queued.push(stream);
    }
    let server = Server::start(vec![vec![]]).await;
    let connect = Duration::from_millis(50);
    let client = server.builder().base_url(format!("http://{address}")).connect_timeout(connect).build().unwrap();
    let error = client.animas().create(AnimaCreate::new("Ada")).max_retries(1).await.unwrap_err();
    let Error::Timeout(timed_out) = &error else { panic!("{error:?}") };
    assert_eq!((timed_out.timer(), timed_out.after()), (Timer::Connect, connect));
    assert_eq!(error.attempts().len(), 2, "it is safe to retry whatever the call");
    assert!(!error.may_have_been_processed());

    let impatient = client.animas().create(AnimaCreate::new("Ada")).attempt_timeout(Duration::from_millis(10));
    let error = impatient.max_retries(0).await.unwrap_err();
    let Error::Timeout(timed_out) = &error else { panic!("{error:?}") };
    assert_eq!(timed_out.timer(), Timer::Attempt);
    assert!(!error.may_have_been_processed(), "nothing was sent yet");
}

#[tokio::test]
async fn the_longest_durations_are_no_panic() {
    let ok = answer("200 OK", "", SERVER_ANIMA);
    let busy = answer("503 Service Unavailable", "retry-after: 99999999999999999999999\r\n", "{}");
    let server = Server::start(vec![vec![Step::Read, ok, Step::Read, busy]]).await;
    let patient = polyagent::RetryPolicy::default().max_server_wait(Duration::MAX);
    let client = server.builder().retry_policy(patient).total_timeout(Duration::MAX).build().unwrap();
    client.animas().get(ID).attempt_timeout(Duration::MAX).await.unwrap();
    let error = client.animas().get(ID).attempt_timeout(Duration::MAX).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::MAX), "no one lives to see the end of that wait");
}

#[tokio::test]
async fn a_timer_of_the_callers_http_client_is_a_timeout_too() {
    let server = Server::start(vec![vec![Step::Read, Step::Hang]]).await;
    let client = server.builder().configure_http(|http| http.timeout(Duration::from_millis(40))).build().unwrap();
    let error = client.animas().get(ID).max_retries(0).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
}

#[tokio::test]
async fn the_words_of_an_error_are_not_waited_for_long() {
    let stalled = write("HTTP/1.1 503 Service Unavailable\r\nretry-after: 0\r\ncontent-length: 5\r\n\r\n{");
    let healthy = vec![Step::Read, answer("200 OK", "", SERVER_ANIMA)];
    let server = Server::start(vec![vec![Step::Read, stalled, Step::Hang], healthy]).await;
    let begun = Instant::now();
    server.client().animas().get(ID).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_timeout_that_the_caller_set_holds_for_slow_operations_too() {
    let server = Server::start(vec![vec![Step::Read, Step::Hang]]).await;
    let timeout = Duration::from_millis(40);
    let client = server.builder().attempt_timeout(timeout).build().unwrap();
    // The document gives this one 60 s.
    let call = client.memory_packs().latest(ID, GetLatestMemoryPackParams::new().query("tea"));
    let Error::Timeout(timed_out) = call.await.unwrap_err() else { panic!("no timeout") };
    assert_eq!((timed_out.timer(), timed_out.after()), (Timer::Attempt, timeout));
}
