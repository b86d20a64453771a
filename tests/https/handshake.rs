//! Handshakes that do not come to their end. Nothing was sent then, so every call may be tried again.

use std::time::Duration;

use polyagent::elephantasm::types::AnimaCreate;
use polyagent::{Error, Timer, TransportKind};

use crate::server::{Play, Server};

/// A call that is not idempotent makes no connection, three times, and says one of `words`.
async fn assert_no_connection(play: Play, words: [&str; 2]) {
    let server = Server::start(vec![play]).await;
    let error = server.client().animas().create(AnimaCreate::new("Ada")).await.unwrap_err();
    let Error::Connect(transport) = &error else { panic!("{error:?}") };
    assert_eq!(transport.kind(), TransportKind::NotConnected);
    assert!(!error.may_have_been_processed());
    assert_eq!((error.attempts().len(), server.seen().connections), (3, 3));
    let said = error.to_string();
    assert!(words.iter().any(|word| said.contains(word)), "{said}");
}

#[tokio::test]
async fn a_server_that_speaks_plain_http_is_no_connection() {
    let clear = Play::Clear("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    assert_no_connection(clear, ["corrupt message", "wrong version number"]).await;
}

#[tokio::test]
async fn a_connection_that_ends_in_mid_handshake_is_no_connection() {
    assert_no_connection(Play::Clear(""), ["handshake eof", "unexpected EOF"]).await;
}

#[tokio::test]
async fn a_handshake_that_stalls_runs_into_the_connect_timer() {
    let server = Server::start(vec![Play::Stall]).await;
    let connect = Duration::from_millis(60);
    let client = server.builder().connect_timeout(connect).build().unwrap();
    let error = client.animas().create(AnimaCreate::new("Ada")).max_retries(1).await.unwrap_err();
    let Error::Timeout(timed_out) = &error else { panic!("{error:?}") };
    assert_eq!((timed_out.timer(), timed_out.after()), (Timer::Connect, connect));
    assert_eq!(error.to_string(), format!("no connection within 60ms (POST {}/api/animas, 2 attempts)", server.url()));
    assert!(!error.may_have_been_processed());
    let seen = server.until(|seen| seen.ended == 2).await;
    assert_eq!(seen.connections, 2, "both were given up, not left behind: {seen:?}");
}

#[tokio::test]
async fn an_attempt_that_ends_before_the_handshake_was_not_processed() {
    let server = Server::start(vec![Play::Stall]).await;
    let call = server.client().animas().create(AnimaCreate::new("Ada"));
    let error = call.attempt_timeout(Duration::from_millis(60)).max_retries(1).await.unwrap_err();
    let Error::Timeout(timed_out) = &error else { panic!("{error:?}") };
    assert_eq!(timed_out.timer(), Timer::Attempt);
    assert!(!error.may_have_been_processed(), "nothing was sent yet");
    assert_eq!(error.attempts().len(), 2, "so even this call is tried again");
}
