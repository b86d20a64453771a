//! SOCKS5, byte for byte: RFC 1928.

use std::net::SocketAddr;

use polyagent::RetryPolicy;
use polyagent::elephantasm::Elephantasm;
use polyagent::elephantasm::types::{AnimaCreate, ListAnimasParams};
use polyagent::reqwest::Proxy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::{KEY, NOWHERE};

/// What a proxy reads on one connection: greeting, order, and what went through it.
type Heard = JoinHandle<(Vec<u8>, Vec<u8>, String)>;

/// A proxy that gives `reply` to the order for a connection, and then answers in the server's place.
async fn proxy(order_length: usize, reply: &'static [u8]) -> (SocketAddr, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heard = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut greeting = vec![0; 3];
        stream.read_exact(&mut greeting).await.unwrap();
        stream.write_all(&[5, 0]).await.unwrap();
        let mut order = vec![0; order_length];
        stream.read_exact(&mut order).await.unwrap();
        stream.write_all(reply).await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => request.push(byte),
                Err(_) => return (greeting, order, String::from_utf8(request).unwrap()),
            }
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]").await.unwrap();
        (greeting, order, String::from_utf8(request).unwrap())
    });
    (address, heard)
}

fn client(base: &str, scheme: &str, address: SocketAddr) -> Elephantasm {
    let proxy = Proxy::all(format!("{scheme}://{address}")).unwrap();
    Elephantasm::builder()
        .base_url(base)
        .api_key(KEY)
        .retry_policy(RetryPolicy::none())
        .configure_http(|http| http.proxy(proxy))
        .build()
        .unwrap()
}

const GRANTED: &[u8] = &[5, 0, 0, 1, 127, 0, 0, 1, 0, 1];

#[tokio::test]
async fn a_call_goes_through_and_the_proxy_may_resolve_the_name() {
    let (address, heard) = proxy(4 + 1 + 17 + 2, GRANTED).await;
    client(NOWHERE, "socks5h", address).animas().list(ListAnimasParams::new()).await.unwrap();
    let (greeting, order, request) = heard.await.unwrap();
    assert_eq!(greeting, [5, 1, 0]);
    assert_eq!(order, b"\x05\x01\x00\x03\x11nowhere.localhost\x00\x01");
    assert!(request.starts_with("GET /api/animas HTTP/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("authorization: Bearer {KEY}\r\n")), "{request}");
}

#[tokio::test]
async fn an_address_goes_out_as_one() {
    let (address, heard) = proxy(4 + 4 + 2, GRANTED).await;
    client("http://127.0.0.1:258", "socks5", address).animas().list(ListAnimasParams::new()).await.unwrap();
    assert_eq!(heard.await.unwrap().1, [5, 1, 0, 1, 127, 0, 0, 1, 1, 2]);
}

#[tokio::test]
async fn a_proxy_that_refuses_is_no_connection_and_says_why() {
    let (address, heard) = proxy(4 + 1 + 17 + 2, &[5, 5, 0, 1, 0, 0, 0, 0, 0, 0]).await;
    let error = client(NOWHERE, "socks5h", address).animas().create(AnimaCreate::new("Ada")).await.unwrap_err();
    assert!(error.is_connect() && !error.may_have_been_processed(), "{error:?}");
    assert!(error.to_string().to_lowercase().contains("refused"), "{error}");
    assert_eq!(heard.await.unwrap().2, "", "no key went to the proxy");
}

#[tokio::test]
async fn a_proxy_that_speaks_something_else_is_no_connection() {
    let (address, heard) = proxy(4 + 1 + 17 + 2, b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let error = client(NOWHERE, "socks5h", address).animas().create(AnimaCreate::new("Ada")).await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
    assert!(error.to_string().contains("SOCKS error: failed parsing server response"), "{error}");
    assert_eq!(heard.await.unwrap().2, "");
}
