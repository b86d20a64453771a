//! How much of a body an error keeps, and how long it waits for it.

use std::time::Duration;

use polyagent::elephantasm::types::*;

use crate::patience::with_patience;
use crate::sockets::{Server, Step, write};

const KEPT: usize = 64 * 1024;

/// Text in which every place differs from its neighbours.
fn text(length: usize) -> Vec<u8> {
    (b'a'..=b'w').cycle().take(length).collect()
}

/// A chunked response in pieces of 10,007 bytes, which is no divisor of 64 KiB.
fn chunked(status: &str, body: &[u8]) -> Vec<Step> {
    let mut bytes = format!("HTTP/1.1 {status}\r\ntransfer-encoding: chunked\r\n\r\n").into_bytes();
    for piece in body.chunks(10_007) {
        bytes.extend(format!("{:x}\r\n", piece.len()).into_bytes());
        bytes.extend(piece);
        bytes.extend(b"\r\n");
    }
    vec![Step::Read, Step::Write(bytes)]
}

#[tokio::test]
async fn keeps_exactly_64_kib_of_an_error_body_however_it_arrives() {
    for length in [KEPT - 1, KEPT, KEPT + 1, 70_049, 3 * KEPT + 5] {
        let mut script = chunked("500 Internal Server Error", &text(length));
        script.push(write("0\r\n\r\n"));
        let server = Server::start(vec![script]).await;
        let error = server.client().animas().create(AnimaCreate::new("Ada")).await.unwrap_err();
        assert!(error.is_server(), "{error:?}");
        assert!(error.body().unwrap()[..] == text(length.min(KEPT))[..], "{length}: {}", error.body().unwrap().len());
    }
}

#[tokio::test]
async fn keeps_exactly_64_kib_of_a_success_that_broke_off() {
    let mut script = chunked("201 Created", &text(70_049));
    script.push(Step::Reset);
    let server = Server::start(vec![script]).await;
    let error = server.client().animas().create(AnimaCreate::new("Ada")).await.unwrap_err();
    assert!(error.is_transport() && error.status().unwrap() == 201, "{error:?}");
    let body = error.body().unwrap();
    assert!(body.len() <= KEPT && body[..] == text(body.len())[..], "{}", body.len());
}

/// An error response whose body stalls after its first half.
async fn stalled() -> Server {
    let half = write("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 100\r\n\r\nhalf a sen");
    Server::start(vec![vec![Step::Read, half, Step::Hang]]).await
}

#[tokio::test]
async fn a_body_that_was_not_decompressed_is_counted_and_not_quoted() {
    for (body, message) in [("abc", "3 bytes of zstd"), ("", "")] {
        let head = "HTTP/1.1 500 Internal Server Error\r\ncontent-encoding: zstd\r\n";
        let answer = write(&format!("{head}content-length: {}\r\n\r\n{body}", body.len()));
        let server = Server::start(vec![vec![Step::Read, answer]]).await;
        let error = server.client().animas().create(AnimaCreate::new("Ada")).await.unwrap_err();
        assert_eq!((error.message(), error.body().unwrap().len()), (message.to_owned(), body.len()));
    }
}

#[tokio::test]
async fn waits_for_an_error_body_no_longer_than_the_attempt_may_take() {
    let (error, limit) = with_patience(async |limit| {
        let server = stalled().await;
        let call = server.client().animas().create(AnimaCreate::new("Ada")).attempt_timeout(limit);
        let error = call.await.unwrap_err();
        // On a busy machine the head may be too late, or the end.
        let in_time = error.is_server() && error.attempts()[0].took() < Duration::from_millis(1800);
        in_time.then_some((error, limit))
    })
    .await;
    assert_eq!(error.body().unwrap()[..], b"half a sen"[..], "{error:?}");
    assert!(error.attempts()[0].took() >= limit, "{error:?}");
}

#[tokio::test]
async fn waits_two_seconds_for_an_error_body_and_keeps_what_came() {
    let server = stalled().await;
    let error = server.client().animas().create(AnimaCreate::new("Ada")).await.unwrap_err();
    assert!(error.is_server() && error.body().unwrap()[..] == b"half a sen"[..], "{error:?}");
    let took = error.attempts()[0].took();
    assert!(took >= Duration::from_secs(2) && took < Duration::from_secs(20), "{took:?}");
}
