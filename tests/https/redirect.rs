//! Redirects never carry the key out of its origin, nor out of TLS.

use polyagent::Error;
use polyagent::elephantasm::types::ListAnimasParams;
use tokio::net::TcpListener;

use crate::KEY;
use crate::server::{Server, Step, answer};

#[tokio::test]
async fn a_redirect_out_of_tls_is_not_followed() {
    // Nobody accepts: a connection to it would be seen as one that waits.
    let clear = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = format!("location: http://{}/api/animas\r\n", clear.local_addr().unwrap());
    for status in ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent"] {
        let server = Server::tls(vec![Step::Read, answer(status, &to, "")]).await;
        let error = server.client().animas().list(ListAnimasParams::new()).await.unwrap_err();
        assert!(matches!(error, Error::UnexpectedStatus(_)), "{status}: {error:?}");
        assert_eq!(server.seen().requests.len(), 1, "{status}");
    }
    let nobody = std::future::poll_fn(|cx| std::task::Poll::Ready(clear.poll_accept(cx).is_pending())).await;
    assert!(nobody, "the key went out in clear");
    let _probe = tokio::net::TcpStream::connect(clear.local_addr().unwrap()).await.unwrap();
    clear.accept().await.unwrap();
}

#[tokio::test]
async fn a_redirect_to_another_tls_server_is_not_followed() {
    let other = Server::tls(vec![Step::Read, answer("200 OK", "", "[]")]).await;
    for status in ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent"] {
        for host in [other.address.to_string(), format!("localhost:{}", other.address.port())] {
            let to = format!("location: https://{host}/api/animas\r\n");
            let server = Server::tls(vec![Step::Read, answer(status, &to, "")]).await;
            let error = server.client().animas().list(ListAnimasParams::new()).await.unwrap_err();
            assert!(matches!(error, Error::UnexpectedStatus(_)), "{status}: {error:?}");
        }
    }
    assert_eq!(other.seen().connections, 0);
    other.client().animas().list(ListAnimasParams::new()).await.unwrap();
    assert_eq!(other.seen().connections, 1, "the probe sees connections");
}

#[tokio::test]
async fn a_redirect_within_the_origin_is_followed_with_the_key() {
    for status in ["307 Temporary Redirect", "308 Permanent Redirect"] {
        let moved = answer(status, "location: /api/v2/animas\r\n", "");
        let server = Server::tls(vec![Step::Read, moved, Step::Read, answer("200 OK", "", "[]")]).await;
        server.client().animas().list(ListAnimasParams::new()).await.unwrap();
        let second = &server.seen().requests[1];
        assert!(second.starts_with("GET /api/v2/animas HTTP/1.1\r\n"), "{second}");
        assert!(second.contains(&format!("authorization: Bearer {KEY}")), "{second}");
    }
}
