//! What a client reads from the environment. Variables belong to a whole process, so each case is a process of its own:
//! this test binary again, told by `BASE` to make one call.

use std::process::Command;

use polyagent::RetryPolicy;
use polyagent::elephantasm::Elephantasm;
use polyagent::elephantasm::types::ListAnimasParams;
use polyagent::reqwest::{ClientBuilder, Proxy};
use polyagent::sandbox::Sandbox;

use crate::sockets::{Server, Step, answer};
use crate::{KEY, text};

/// Every variable that a client or its TLS reads.
const VARIABLES: [&str; 15] = [
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "REQUEST_METHOD",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "ELEPHANTASM_API_KEY",
    "ELEPHANTASM_ENDPOINT",
    "ELEPHANTASM_TIMEOUT",
    "ELEPHANTASM_ANIMA_ID",
];
/// The base URL of the call that the other process makes; `env` takes all from the environment,
/// `sandbox` calls a sandbox of its own.
const BASE: &str = "POLYAGENT_TEST_BASE_URL";
/// What the other process does to the HTTP client.
const SHAPE: &str = "POLYAGENT_TEST_SHAPE";

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
    if base == "sandbox" {
        let sandbox = Sandbox::start().await.unwrap();
        return println!("sandbox: {:?}", sandbox.elephantasm().health().await.unwrap().status);
    }
    let client = if base == "env" {
        Elephantasm::builder_from_env().and_then(|builder| builder.retry_policy(RetryPolicy::none()).build())
    } else {
        // A name of its own for loopback: hosts that are known to be loopback are not called through proxies.
        let port = base.rsplit_once(':').unwrap().1.parse().unwrap();
        let shape = std::env::var(SHAPE).unwrap_or_default();
        let shaped = move |http: ClientBuilder| match shape.split_once(' ') {
            Some(("proxy", url)) => http.proxy(Proxy::all(url).unwrap()),
            _ if shape == "no_proxy" => http.no_proxy(),
            _ => http,
        };
        Elephantasm::builder()
            .base_url(base)
            .allow_insecure_http()
            .api_key(KEY)
            .retry_policy(RetryPolicy::none())
            .configure_http(move |http| http.resolve("server.test", ([127, 0, 0, 1], port).into()))
            .configure_http(shaped)
            .build()
    };
    let client = match client {
        Ok(client) => client,
        Err(error) => return println!("not built: {error}"),
    };
    println!("{client:?}");
    match client.animas().list(ListAnimasParams::new()).await {
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
        assert!(said.contains("error: could not connect: the proxy refused to open a tunnel"), "{variable}: {said}");
        let asked = "CONNECT nowhere.localhost:1 HTTP/1.1\r\nHost: nowhere.localhost:1\r\n\r\n";
        assert_eq!(text(&proxy.requests()), [asked], "{variable}");
    }
}

#[cfg(not(feature = "socks"))]
#[tokio::test]
async fn a_socks_proxy_without_the_feature_is_an_error_and_is_sent_nothing() {
    let (proxy, url) = proxy().await;
    let said = call("http://server.test:1", &[("ALL_PROXY", url.replace("http:", "socks5:"))]).await;
    assert!(said.contains("not built: ALL_PROXY names a SOCKS proxy: enable the feature `socks`"), "{said}");
    assert_eq!(proxy.connections(), 0);
}

#[tokio::test]
async fn a_malformed_proxy_variable_is_an_error_and_no_call_goes_out_directly() {
    let server = Server::start(vec![vec![Step::Read, answer("200 OK", "", "[]")]]).await;
    let base = format!("http://server.test:{}", server.address.port());
    for variable in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        let said = call(&base, &[(variable, "http://ada:hunter2@proxy:port".to_owned())]).await;
        let error = "must be the URL of a proxy, such as `http://proxy.example:3128`, not \"http://…@proxy:port\"";
        assert!(said.contains(&format!("not built: {variable} {error}")), "{said}");
    }
    assert_eq!(server.connections(), 0);
    // The twins: a blank variable is none, and so is one for another scheme.
    let blank = [("http_proxy", " ".to_owned()), ("ALL_PROXY", String::new()), ("https_proxy", "::".to_owned())];
    let said = call(&base, &blank).await;
    assert!(said.contains("animas: 0"), "{said}");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_password_for_the_proxy_is_kept_whole() {
    for password in ["p@ss", "p%40ss"] {
        let (proxy, url) = proxy().await;
        let url = url.replace("http://", &format!("http://ada:{password}@"));
        let said = call("http://server.test:1", &[("http_proxy", url)]).await;
        assert!(said.contains("animas: 0"), "{said}");
        let requests = text(&proxy.requests());
        // base64 of `ada:p@ss`
        assert!(requests[0].contains("\r\nproxy-authorization: Basic YWRhOnBAc3M=\r\n"), "{}", requests[0]);
    }
}

#[tokio::test]
async fn a_proxy_of_the_programs_own_comes_before_the_environments() {
    let server = Server::start(vec![vec![Step::Read, answer("200 OK", "", "[]")]]).await;
    let base = format!("http://server.test:{}", server.address.port());
    // A malformed variable does no harm where it is not used.
    for elsewhere in ["working", "http://proxy:port"] {
        let ((own, own_url), (environments, url)) = (proxy().await, proxy().await);
        let url = if elsewhere == "working" { url } else { elsewhere.to_owned() };
        let said = call(&base, &[("http_proxy", url.clone()), (SHAPE, format!("proxy {own_url}"))]).await;
        assert!(said.contains("animas: 0"), "{said}");
        assert_eq!((own.connections(), environments.connections(), server.connections()), (1, 0, 0));
    }
    let (environments, url) = proxy().await;
    let said = call(&base, &[("http_proxy", url), (SHAPE, "no_proxy".to_owned())]).await;
    assert!(said.contains("animas: 0"), "{said}");
    assert_eq!((environments.connections(), server.connections()), (0, 1));
}

#[tokio::test]
async fn in_cgi_a_header_of_the_request_sets_no_proxy() {
    let server = Server::start(vec![vec![Step::Read, answer("200 OK", "", "[]")]]).await;
    let base = format!("http://server.test:{}", server.address.port());
    let (proxy, url) = proxy().await;
    let said = call(&base, &[("REQUEST_METHOD", "GET".to_owned()), ("HTTP_PROXY", url)]).await;
    assert!(said.contains("animas: 0"), "{said}");
    assert_eq!((proxy.connections(), server.connections()), (0, 1));
}

#[tokio::test]
async fn a_client_from_the_environment_trims_values_and_takes_blank_ones_for_unset() {
    let server = Server::start(vec![vec![Step::Read, answer("200 OK", "", "[]")]]).await;
    let (key, endpoint) = (format!(" {KEY}\r\n"), format!("\thttp://{}/api/ ", server.address));
    let said = call(
        "env",
        &[
            ("ELEPHANTASM_API_KEY", key.clone()),
            ("ELEPHANTASM_ENDPOINT", endpoint.clone()),
            ("ELEPHANTASM_TIMEOUT", " 5 ".to_owned()),
            ("ELEPHANTASM_ANIMA_ID", " b2352c05-e685-4021-8624-595406c725f2\n".to_owned()),
        ],
    )
    .await;
    assert!(said.contains("animas: 0") && said.contains("\"b2352c05-e685-4021-8624-595406c725f2\""), "{said}");
    let request = &text(&server.requests())[0];
    assert!(request.starts_with("GET /api/animas HTTP/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("\r\nauthorization: Bearer {KEY}\r\n")), "{request}");

    let blank = ["ELEPHANTASM_TIMEOUT", "ELEPHANTASM_ANIMA_ID"].map(|name| (name, " \t".to_owned()));
    let rest = [("ELEPHANTASM_API_KEY", key.clone()), ("ELEPHANTASM_ENDPOINT", endpoint)];
    let said = call("env", &[blank.to_vec(), rest.to_vec()].concat()).await;
    assert!(said.contains("animas: 0") && said.contains("anima_id: None"), "{said}");
    let unset = [("ELEPHANTASM_API_KEY", key), ("ELEPHANTASM_ENDPOINT", "  ".to_owned())];
    // Without a TLS backend there is no client for the public host.
    let said = call("env", &[unset.to_vec(), vec![("ALL_PROXY", "http://127.0.0.1:1".to_owned())]].concat()).await;
    assert!(said.contains("https://api.elephantasm.com") || said.contains("enable the feature `rustls`"), "{said}");
}

#[tokio::test]
async fn a_variable_that_is_not_valid_is_named_with_its_value() {
    let (name, id) = ("ELEPHANTASM_API_KEY", "b2352c05-e685-4021-8624-595406c725f2");
    let key = (name, KEY.to_owned());
    let local = "http://127.0.0.1:1";
    let of = |name, value: &str| [key.clone(), ("ELEPHANTASM_ENDPOINT", local.to_owned()), (name, value.to_owned())];
    let said = call("env", &[]).await;
    assert!(said.contains("not built: no API key: ELEPHANTASM_API_KEY is not set\n"), "{said}");
    for blank in ["", " \t"] {
        let said = call("env", &[(name, blank.to_owned()), ("ELEPHANTASM_ENDPOINT", local.to_owned())]).await;
        assert!(said.contains("not built: no API key: ELEPHANTASM_API_KEY is blank\n"), "{said}");
    }
    for (name, value, error) in [
        (name, "\"sk_live_0\"", "no usable API key in ELEPHANTASM_API_KEY: the key has quotes around it"),
        (
            "ELEPHANTASM_ENDPOINT",
            "127.0.0.1:8000",
            "ELEPHANTASM_ENDPOINT \"127.0.0.1:8000\" must begin with `https://`, or `http://` for loopback: \
             did you mean http://127.0.0.1:8000?",
        ),
        ("ELEPHANTASM_ENDPOINT", KEY, "ELEPHANTASM_ENDPOINT must begin with `https://`, or `http://` for loopback"),
        (
            "ELEPHANTASM_TIMEOUT",
            "1.5",
            "`ELEPHANTASM_TIMEOUT` must be a whole number of seconds, and at least 1, not \"1.5\"",
        ),
        (
            "ELEPHANTASM_TIMEOUT",
            "0",
            "`ELEPHANTASM_TIMEOUT` must be a whole number of seconds, and at least 1, not \"0\"",
        ),
        ("ELEPHANTASM_ANIMA_ID", "agent-01", "`ELEPHANTASM_ANIMA_ID` must be a UUID, not \"agent-01\""),
        ("ELEPHANTASM_ANIMA_ID", KEY, "`ELEPHANTASM_ANIMA_ID` must be a UUID"),
        (
            "ELEPHANTASM_ANIMA_ID",
            &format!("\u{feff}{id}"),
            "`ELEPHANTASM_ANIMA_ID` must not have white space around it",
        ),
    ] {
        let said = call("env", &of(name, value)).await;
        assert!(said.contains(&format!("not built: {error}\n")), "{said}");
    }
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
#[tokio::test]
async fn without_a_trust_store_plain_http_works_and_https_says_what_to_install() {
    let none = || ["SSL_CERT_FILE", "SSL_CERT_DIR"].map(|name| (name, "/nowhere/at/all".to_owned()));
    let server = Server::start(vec![vec![Step::Read, answer("200 OK", "", "[]")]]).await;
    for host in ["127.0.0.1", "server.test"] {
        let said = call(&format!("http://{host}:{}", server.address.port()), &none()).await;
        assert!(said.contains("animas: 0"), "{said}");
    }
    let said = call("sandbox", &none()).await;
    assert!(said.contains("sandbox: Healthy"), "{said}");
    let (proxy, url) = proxy().await;
    let through = [none().to_vec(), vec![("http_proxy", url)]].concat();
    let said = call("http://server.test:1", &through).await;
    assert!(said.contains("animas: 0") && proxy.connections() == 1, "{said}");
    // Only rustls on Linux reads those variables and looks at once.
    #[cfg(all(feature = "rustls", target_os = "linux"))]
    {
        let said = call("https://nowhere.localhost:1", &none()).await;
        let error = "not built: no trust store for https: install the system's CA certificates (on Linux the package \
                     `ca-certificates`), point SSL_CERT_FILE or SSL_CERT_DIR to some, or set your own with \
                     `tls_certs_only` in `configure_http`\n";
        assert!(said.contains(error), "{said}");
    }
}
