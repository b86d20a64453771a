//! Compressed answers, with the feature `gzip` and without it.

use polyagent::Error;

use crate::sockets::{Server, Step};
use crate::text;

const ID: &str = "b2352c05-e685-4021-8624-595406c725f2";

/// `{"status":"healthy","timestamp":"2026-02-04T12:00:00.794408+00:00","checks":{"database":"connected"}}`
const HEALTHY: &str = "1f8b08000000000002031d8c4b0a80300c44ef92ad1f6229fecee105620d54b455685c48e9dd0dc26ce6f1663224217912cc\
    e0994ef12fd4207b60c5e1566ad0f40d9a06edd2991951d30e93b538567f51dd7976873e64d84868a5c4ba73578cec843728e503911315f6650000\
    00";
/// `{"detail":"Anima not found"}`
const NOT_FOUND: &str =
    "1f8b0800000000000203ab564a492d49cccc51b25272cccbcc4d54c8cb2f5148cb2fcd4b51aa0500851dadfc1c000000";

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// A whole answer whose body is, or says that it is, compressed.
fn encoded(status: &str, body: &[u8]) -> Step {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: {length}\r\n\r\n"
    );
    Step::Write([head.as_bytes(), body].concat())
}

async fn answering(answer: Step) -> Server {
    Server::start(vec![vec![Step::Read, answer]]).await
}

#[cfg(not(feature = "gzip"))]
mod without {
    use super::*;

    #[tokio::test]
    async fn nothing_is_asked_for_and_an_answer_that_is_compressed_all_the_same_is_named_so() {
        let server = answering(encoded("200 OK", &bytes(HEALTHY))).await;
        let error = server.client().health().await.unwrap_err();
        let request = &text(&server.requests())[0];
        assert!(!request.to_ascii_lowercase().contains("accept-encoding"), "{request}");
        assert!(matches!(error, Error::Decode(_)), "{error:?}");
        let said = error.to_string();
        assert!(said.contains("cannot decode the 200 response (application/json, gzip, 110 bytes)"), "{said}");
        assert!(!said.contains("begins with"), "there is nothing to read in it: {said}");
        assert_eq!(error.body().unwrap(), &bytes(HEALTHY));
        assert_eq!(error.headers().unwrap()["content-encoding"], "gzip");
    }

    #[tokio::test]
    async fn an_error_that_is_compressed_all_the_same_keeps_its_status_and_is_named_so() {
        let server = answering(encoded("404 Not Found", &bytes(NOT_FOUND))).await;
        let error = server.client().animas().get(ID).await.unwrap_err();
        assert!(error.is_not_found(), "{error:?}");
        assert_eq!(error.message(), "48 bytes of gzip");
    }
}

#[cfg(feature = "gzip")]
mod with {
    use std::time::Duration;

    use polyagent::TransportKind;

    use super::*;

    const HEAD: &str = "1f8b0800000000000203";
    /// 64 KiB of spaces, that may be repeated.
    const SPACES: &str = "ecc18100000000802095fd2917a90a00000000000000000000000000000000000000000000000000\
        00000000000000000000000000000000000000000000000000000000000000000000000000006a000000ffff";
    /// [`HEALTHY`] unpacked, at the end of 15 times [`SPACES`].
    const TAIL: &str = "1d8c4b0a80300c44ef92ad1f6229fecee105620d54b455685c48e9dd0dc26ce6f1663224217912cc\
        e0994ef12fd4207b60c5e1566ad0f40d9a06edd2991951d30e93b538567f51dd7976873e64d84868a5c4ba73578cec843728e503\
        1d9183e265000f00";

    fn bomb(times: usize) -> Vec<u8> {
        [bytes(HEAD), bytes(SPACES).repeat(times)].concat()
    }

    fn kind(error: &Error) -> TransportKind {
        match error {
            Error::Transport(error) => error.kind(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn gzip_is_asked_for_and_read() {
        let server = answering(encoded("200 OK", &bytes(HEALTHY))).await;
        let health = server.client().health().await.unwrap();
        assert_eq!(health.status.as_str(), "healthy");
        let request = &text(&server.requests())[0];
        assert!(request.contains("\r\naccept-encoding: gzip\r\n"), "{request}");
    }

    #[tokio::test]
    async fn an_answer_that_is_not_compressed_is_read_as_ever() {
        let server = answering(crate::sockets::answer("200 OK", "", "[]")).await;
        assert_eq!(server.client().raw(polyagent::Method::GET, ["api"]).await.unwrap(), serde_json::json!([]));
    }

    #[tokio::test]
    async fn a_compressed_error_is_read_too() {
        let server = answering(encoded("404 Not Found", &bytes(NOT_FOUND))).await;
        let error = server.client().animas().get(ID).await.unwrap_err();
        assert!(error.is_not_found(), "{error:?}");
        assert_eq!(error.message(), "Anima not found");
        assert_eq!(error.body().unwrap().as_ref(), br#"{"detail":"Anima not found"}"#);
    }

    #[tokio::test]
    async fn an_answer_without_a_body_may_say_gzip() {
        let none = "HTTP/1.1 204 No Content\r\ncontent-encoding: gzip\r\n\r\n";
        let server = answering(crate::sockets::write(none)).await;
        server.client().events().delete(ID).await.unwrap();
        let server = answering(encoded("200 OK", b"")).await;
        server.client().events().delete(ID).await.unwrap();
    }

    #[tokio::test]
    async fn the_limit_of_a_body_counts_what_it_unpacks_to() {
        let packed = bomb(1000);
        assert!(packed.len() < 100_000);
        let server = answering(encoded("200 OK", &packed)).await;
        let client = server.builder().max_body(1_000_000).build().unwrap();
        let error = client.health().await.unwrap_err();
        assert_eq!(kind(&error), TransportKind::BodyTooLarge, "{error:?}");
        assert_eq!(error.attempts().len(), 1, "it would be as large again");
        assert!(error.to_string().contains("more than the limit of 1000000 bytes"), "{error}");

        // What stays within the limit is read, though it unpacks to hundreds of times its size.
        let body = [bomb(15), bytes(TAIL)].concat();
        let server = answering(encoded("200 OK", &body)).await;
        let client = server.builder().max_body(15 * 65_536 + 101).build().unwrap();
        assert_eq!(client.health().await.unwrap().status.as_str(), "healthy");
        let client = server.builder().max_body(15 * 65_536 + 100).build().unwrap();
        assert_eq!(kind(&client.health().await.unwrap_err()), TransportKind::BodyTooLarge);
    }

    #[tokio::test]
    async fn a_bomb_without_end_is_stopped() {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n\r\n";
        let begun = Step::Write([head.as_bytes(), &bytes(HEAD)].concat());
        let server = Server::start(vec![vec![Step::Read, begun, Step::WriteForever(bytes(SPACES))]]).await;
        let error = server.client().health().await.unwrap_err();
        assert_eq!(kind(&error), TransportKind::BodyTooLarge, "64 MiB by default: {error:?}");
    }

    #[tokio::test]
    async fn of_the_bomb_of_an_error_a_part_is_kept_and_the_rest_is_not_waited_for() {
        let head = "HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n\r\n";
        let begun = Step::Write([head.as_bytes(), &bomb(2)].concat());
        let server = Server::start(vec![vec![Step::Read, begun, Step::Hang]]).await;
        let call = server.client().health().attempt_timeout(Duration::from_secs(3600)).send();
        let error = tokio::time::timeout(Duration::from_secs(10), call).await.unwrap().unwrap_err();
        assert!(error.is_not_found(), "{error:?}");
        assert_eq!(error.body().unwrap().len(), 64 * 1024);
    }

    #[tokio::test]
    async fn gzip_that_cannot_be_unpacked_is_a_failed_exchange() {
        let mut damaged = bytes(HEALTHY);
        damaged[20..40].fill(0xff);
        let mut sum = bytes(HEALTHY);
        sum[103] ^= 1;
        let cases = [
            (b"not gzip at all".to_vec(), "Invalid gzip header"),
            (damaged, "deflate decompression error"),
            (sum, "CRC computed does not match"),
        ];
        for (body, what) in cases {
            let server = answering(encoded("200 OK", &body)).await;
            let error = server.client().health().await.unwrap_err();
            assert_eq!(kind(&error), TransportKind::Other, "{what}: {error:?}");
            assert!(error.may_have_been_processed(), "{what}");
            assert!(error.to_string().starts_with(&format!("the exchange failed: {what} (GET ")), "{error}");
            assert_eq!(error.attempts().len(), 3, "{what}: a call that is idempotent is tried again");
        }
        let server = answering(encoded("200 OK", &bytes(HEALTHY)[..60])).await;
        let error = server.client().health().await.unwrap_err();
        assert_eq!(kind(&error), TransportKind::BodyCut, "{error:?}");
    }

    #[tokio::test]
    async fn an_error_that_cannot_be_unpacked_keeps_its_status() {
        let server = answering(encoded("404 Not Found", b"not gzip at all")).await;
        let error = server.client().animas().get(ID).await.unwrap_err();
        assert!(error.is_not_found() && error.message().is_empty(), "{error:?}");
    }
}
