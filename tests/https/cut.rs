//! Connections that end without TLS saying so: whoever sits between can cut, and a cut must not pass for an end.

use polyagent::elephantasm::types::AnimaCreate;
use polyagent::{Error, TransportKind};

use crate::HEALTHY;
use crate::server::{HERE, Play, Server, Step, answer};

fn kind(error: &Error) -> TransportKind {
    match error {
        Error::Transport(error) => error.kind(),
        other => panic!("{other:?}"),
    }
}

/// The kind of failure and the number of connections, of a call that is idempotent and of one that is not.
async fn meet(script: Vec<Step>) -> [(TransportKind, usize); 2] {
    let server = Server::tls(script.clone()).await;
    let error = server.client().health().await.unwrap_err();
    assert!(error.may_have_been_processed(), "{error:?}");
    let read = (kind(&error), server.seen().connections);
    let server = Server::tls(script).await;
    let error = server.client().animas().create(AnimaCreate::new("Ada")).await.unwrap_err();
    assert!(error.may_have_been_processed(), "{error:?}");
    [read, (kind(&error), server.seen().connections)]
}

#[tokio::test]
async fn a_cut_before_the_head_is_no_answer() {
    for end in [Step::Cut, Step::Close] {
        let met = meet(vec![Step::Read, end.clone()]).await;
        assert_eq!(met, [(TransportKind::NoAnswer, 3), (TransportKind::NoAnswer, 1)], "{end:?}");
        let half = Step::Write("HTTP/1.1 200 OK\r\ncontent-le".to_owned());
        let met = meet(vec![Step::Read, half, end.clone()]).await;
        assert_eq!(met, [(TransportKind::NoAnswer, 3), (TransportKind::NoAnswer, 1)], "{end:?}");
    }
}

#[tokio::test]
async fn a_cut_in_the_body_is_a_body_cut() {
    for framing in ["content-length: 100", "transfer-encoding: chunked"] {
        for end in [Step::Cut, Step::Close] {
            let half = Step::Write(format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n8\r\n{{\"status"));
            let met = meet(vec![Step::Read, half, end.clone()]).await;
            assert_eq!(met, [(TransportKind::BodyCut, 3), (TransportKind::BodyCut, 1)], "{framing}, {end:?}");
        }
    }
}

// native-tls takes the end of the connection for the end of TLS; there only the JSON shows that it was cut.
#[cfg(any(feature = "rustls", feature = "rustls-no-provider"))]
#[tokio::test]
async fn a_body_that_lasts_until_the_end_is_whole_only_if_tls_ended_too() {
    let unframed = Step::Write(format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{HEALTHY}"));
    let met = meet(vec![Step::Read, unframed.clone(), Step::Cut]).await;
    assert_eq!(met, [(TransportKind::BodyCut, 3), (TransportKind::BodyCut, 1)]);
    let server = Server::tls(vec![Step::Read, unframed, Step::Close]).await;
    assert_eq!(server.client().health().await.unwrap().status.as_str(), "healthy");
}

#[tokio::test]
async fn a_kept_connection_that_is_cut_is_stale_and_replaced_at_once() {
    for end in [Step::Cut, Step::Close] {
        let ok = || vec![Step::Read, answer("200 OK", "", HEALTHY)];
        // The second request is read, so the end comes after it and not while the connection is idle.
        let dies = [ok(), vec![Step::Read, end.clone()]].concat();
        let server = Server::start(vec![Play::Tls(HERE, dies), Play::Tls(HERE, ok())]).await;
        let client = server.client();
        client.health().await.unwrap();
        let answer = client.health().with_response().await.unwrap();
        assert_eq!(answer.failed_attempts().len(), 1, "{end:?}");
        assert_eq!(
            answer.failed_attempts()[0].cause().split(':').next(),
            Some("a kept-alive connection ended before a response arrived")
        );
        assert_eq!((server.seen().connections, server.seen().requests.len()), (2, 3), "{end:?}");
    }
}
