//! The proxy variables of the environment. They belong to a whole process, so each case is a process of its own: this
//! test binary again, told by `BASE` to make one call.

use std::process::Command;

use polyagent::RetryPolicy;
use polyagent::elephantasm::Elephantasm;
use polyagent::elephantasm::types::ListAnimasParams;

use crate::sockets::{Server, Step, answer};
use crate::{KEY, text};

/// Every name under which a proxy may be set.
const VARIABLES: [&str; 9] = [
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "REQUEST_METHOD",
];
const BASE: &str = "POLYAGENT_TEST_BASE_URL";

/// What a process with these variables says of one call.
async fn call(base: &str, variables: &[(&str, String)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["environment::without_variables_a_call_goes_directly", "--exact", "--nocapture"]);
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    command.env(BASE, base).envs(variables.iter().map(|(name, value)| (*name, value.as_str())));
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    said
}

#[tokio::test]
async fn without_variables_a_call_goes_directly() {
    if let Ok(base) = std::env::var(BASE) {
        return one_call(base).await;
    }
    let server = Server::start(vec![vec![Step::Read, answer("200 OK", "", "[]")]]).await;
    let said = call(&format!("http://server.test:{}", server.address.port()), &[]).await;
    assert!(said.contains("animas: 0"), "{said}");
    assert_eq!(server.connections(), 1);
}

/// What the other process does.
async fn one_call(base: String) {
    // A name of its own for loopback: hosts that are known to be loopback are not called through proxies.
    let port = base.rsplit_once(':').unwrap().1.parse().unwrap();
    let client = Elephantasm::builder()
        .base_url(base)
        .allow_insecure_http()
        .api_key(KEY)
        .retry_policy(RetryPolicy::none())
        .configure_http(move |http| http.resolve("server.test", ([127, 0, 0, 1], port).into()))
        .build();
    match client.unwrap().animas().list(ListAnimasParams::new()).await {
        Ok(animas) => println!("animas: {}", animas.items.len()),
        Err(error) => println!("error: {error}"),
    }
}

async fn proxy() -> (Server, String) {
    let server = Server::start(vec![vec![Step::Read, answer("200 OK", "", "[]")]]).await;
    let url = format!("http://{}", server.address);
    (server, url)
}

#[tokio::test]
async fn the_proxy_variables_are_honoured() {
    for variable in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        let (proxy, url) = proxy().await;
        let said = call("http://server.test:1", &[(variable, url)]).await;
        assert!(said.contains("animas: 0"), "{variable}: {said}");
        let requests = text(&proxy.requests());
        assert!(requests[0].starts_with("GET http://server.test:1/api/animas HTTP/1.1\r\n"), "{}", requests[0]);
    }
}

#[tokio::test]
async fn the_proxy_of_one_scheme_is_not_that_of_another() {
    let (proxy, url) = proxy().await;
    let said = call("http://server.test:1", &[("https_proxy", url.clone()), ("HTTPS_PROXY", url)]).await;
    assert!(said.contains("error: could not connect"), "{said}");
    assert_eq!(proxy.connections(), 0);
}

#[tokio::test]
async fn hosts_that_no_proxy_names_are_called_directly() {
    let cases = [("NO_PROXY", "server.test"), ("no_proxy", "example.com, .test"), ("NO_PROXY", "*")];
    for (variable, hosts) in cases {
        let (proxy, url) = proxy().await;
        let server = Server::start(vec![vec![Step::Read, answer("200 OK", "", "[]")]]).await;
        let base = format!("http://server.test:{}", server.address.port());
        let said = call(&base, &[("http_proxy", url.clone()), (variable, hosts.to_owned())]).await;
        assert!(said.contains("animas: 0"), "{variable}: {said}");
        assert_eq!((proxy.connections(), server.connections()), (0, 1), "{variable}={hosts}");
        // The twin: another host's name changes nothing.
        let said = call(&base, &[("http_proxy", url), (variable, "example.com".to_owned())]).await;
        assert!(said.contains("animas: 0"), "{variable}: {said}");
        assert_eq!((proxy.connections(), server.connections()), (1, 1), "{variable}={hosts}");
    }
}

#[tokio::test]
async fn what_goes_to_loopback_in_clear_goes_past_all_proxies() {
    for host in ["127.0.0.1", "localhost", "server.localhost"] {
        let (proxy, url) = proxy().await;
        let server = Server::start(vec![vec![Step::Read, answer("200 OK", "", "[]")]]).await;
        let base = format!("http://{host}:{}", server.address.port());
        let said = call(&base, &[("http_proxy", url.clone()), ("ALL_PROXY", url)]).await;
        // Not every machine knows names below `localhost`.
        assert!(said.contains("animas: 0") || host == "server.localhost", "{said}");
        assert_eq!(proxy.connections(), 0, "{host}");
    }
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
#[tokio::test]
async fn a_proxy_for_https_is_asked_for_a_tunnel_and_told_no_key() {
    for variable in ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        let refusal = answer("502 Bad Gateway", "connection: close\r\n", "");
        let proxy = Server::start(vec![vec![Step::Read, refusal]]).await;
        let url = format!("http://{}", proxy.address);
        let said = call("https://nowhere.localhost:1", &[(variable, url)]).await;
        assert!(said.contains("error: could not connect: tunnel error: unsuccessful"), "{variable}: {said}");
        let asked = "CONNECT nowhere.localhost:1 HTTP/1.1\r\nHost: nowhere.localhost:1\r\n\r\n";
        assert_eq!(text(&proxy.requests()), [asked], "{variable}");
    }
}

#[cfg(not(feature = "socks"))]
#[tokio::test]
async fn a_socks_proxy_without_the_feature_is_an_error_and_is_sent_nothing() {
    let (proxy, url) = proxy().await;
    let said = call("http://server.test:1", &[("ALL_PROXY", url.replace("http:", "socks5:"))]).await;
    assert!(said.contains("error: could not connect"), "{said}");
    assert!(proxy.requests().is_empty());
}
