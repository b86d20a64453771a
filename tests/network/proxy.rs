//! HTTP proxies that the caller sets. What a proxy does for https is in `tests/https/proxy.rs`.

use polyagent::RetryPolicy;
use polyagent::elephantasm::Elephantasm;
use polyagent::elephantasm::types::{AnimaCreate, ListAnimasParams};
use polyagent::reqwest::Proxy;

use crate::sockets::{Server, Step, answer};
use crate::{KEY, NOWHERE, text};

fn through(proxy: &Server) -> Elephantasm {
    let proxy = Proxy::all(format!("http://{}", proxy.address)).unwrap();
    Elephantasm::builder()
        .base_url(NOWHERE)
        .api_key(KEY)
        .retry_policy(RetryPolicy::none())
        .configure_http(|http| http.proxy(proxy))
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_proxy_is_asked_for_the_whole_url() {
    let proxy = Server::start(vec![vec![Step::Read, answer("200 OK", "", "[]")]]).await;
    through(&proxy).animas().list(ListAnimasParams::new()).await.unwrap();
    let requests = text(&proxy.requests());
    assert!(requests[0].starts_with("GET http://nowhere.localhost:1/api/animas HTTP/1.1\r\n"), "{}", requests[0]);
    assert!(requests[0].contains("\r\nhost: nowhere.localhost:1\r\n"), "{}", requests[0]);
}

#[tokio::test]
async fn a_proxys_own_errors_are_those_of_their_status() {
    let wants = "proxy-authenticate: Basic realm=\"office\"\r\n";
    for (status, code) in [("407 Proxy Authentication Required", 407), ("502 Bad Gateway", 502)] {
        let proxy = Server::start(vec![vec![Step::Read, answer(status, wants, "<html>squid</html>")]]).await;
        let error = through(&proxy).animas().create(AnimaCreate::new("Ada")).await.unwrap_err();
        assert_eq!(error.status().unwrap().as_u16(), code, "{error:?}");
        assert!(error.to_string().starts_with(&format!("{status}: `<html>squid</html>` (POST {NOWHERE}")), "{error}");
        assert!(error.headers().unwrap().contains_key("proxy-authenticate"));
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_no_connection() {
    let gone = Server::start(vec![vec![]]).await;
    let client = through(&gone);
    let address = gone.address;
    drop(gone);
    // The server's task ends when it is next polled, and its listener with it.
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let error = client.animas().create(AnimaCreate::new("Ada")).await.unwrap_err();
    assert!(error.is_connect() && !error.may_have_been_processed(), "{error:?}");
    assert!(error.to_string().contains("Connection refused"), "{error}");
}
