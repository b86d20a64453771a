//! Handshakes that do not come to their end. Nothing was sent then, so every call may be tried again, if there is hope.

use std::time::Duration;

use polyagent::elephantasm::types::AnimaCreate;
use polyagent::{Error, Timer, TransportKind};

use crate::server::{Play, Server};

/// What a call that is not idempotent meets, which makes no connection in `attempts` attempts.
async fn no_connection(play: Play, attempts: usize) -> Error {
    let server = Server::start(vec![play]).await;
    let error = server.client().animas().create(AnimaCreate::new("Ada")).await.unwrap_err();
    assert!(error.is_connect() && !error.may_have_been_processed(), "{error:?}");
    assert_eq!((error.attempts().len(), server.seen().connections), (attempts, attempts), "{error}");
    error
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_called_once_and_named_so() {
    for banner in [
        "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n",
        "SSH-2.0-OpenSSH_9.9\r\n",
        "220 smtp.example ESMTP\r\n",
        "-ERR unknown command\r\n",
        "J\0\0\0\n8.4.0\0\0\0\0\0",
    ] {
        let error = no_connection(Play::Clear(banner), 1).await;
        let Error::Connect(transport) = &error else { panic!("{error:?}") };
        assert_eq!(transport.kind(), TransportKind::NotTls, "{banner:?}");
        let said = error.to_string();
        let words = "could not connect: the server does not speak TLS; should the base URL be http? (";
        assert!(said.starts_with(words), "{said}");
        assert!(said.contains("corrupt message") || said.contains("wrong version number"), "{said}");
    }
}

#[tokio::test]
async fn a_connection_that_ends_in_mid_handshake_is_no_connection() {
    let error = no_connection(Play::Clear(""), 3).await;
    let Error::Connect(transport) = &error else { panic!("{error:?}") };
    assert_eq!(transport.kind(), TransportKind::NotConnected);
    let said = error.to_string();
    assert!(said.contains("handshake eof") || said.contains("unexpected EOF"), "{said}");
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
