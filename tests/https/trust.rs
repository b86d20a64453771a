//! Whose certificate is taken.

use polyagent::elephantasm::Elephantasm;
use polyagent::elephantasm::types::ListAnimasParams;
use polyagent::reqwest::Identity;
use polyagent::{Error, TransportKind};

use crate::server::{ELSEWHERE, EXPIRED, Play, Server, Step, answer, authority};
use crate::{HEALTHY, KEY, UNKNOWN_ISSUER};

const ANIMAS: &str = "[]";

/// What a call meets that must not be sent, having checked that it was not.
async fn refused(server: &Server, client: &Elephantasm) -> String {
    let error = client.animas().list(ListAnimasParams::new()).await.unwrap_err();
    let Error::Connect(transport) = &error else { panic!("{error:?}") };
    assert_eq!(transport.kind(), TransportKind::NotConnected);
    assert!(!error.may_have_been_processed());
    assert_eq!(error.attempts().len(), 3, "as often as any connection that was never made, and no more: {error}");
    let seen = server.until(|seen| seen.ended == 3).await;
    assert_eq!((seen.connections, seen.requests.len()), (3, 0), "{seen:?}");
    let text = error.to_string();
    assert!(!format!("{error:?} {text}").contains("sk_live_"), "{error:?}");
    assert!(text.contains(&format!("GET {}/api/animas, 3 attempts", server.url())), "{text}");
    text
}

#[tokio::test]
async fn a_call_over_tls_to_a_trusted_server_carries_the_key() {
    let server =
        Server::tls(vec![Step::Read, answer("200 OK", "", ANIMAS), Step::Read, answer("200 OK", "", HEALTHY)]).await;
    let client = server.client();
    assert!(client.animas().list(ListAnimasParams::new()).await.unwrap().items.is_empty());
    assert_eq!(client.health().await.unwrap().status.as_str(), "healthy");
    let seen = server.seen();
    assert_eq!(seen.connections, 1, "the second call goes out on the first's connection");
    assert!(seen.requests[0].starts_with("GET /api/animas HTTP/1.1\r\n"), "{}", seen.requests[0]);
    assert!(seen.requests[0].contains(&format!("\r\nauthorization: Bearer {KEY}\r\n")), "{}", seen.requests[0]);
}

// Apple's verifier refuses certificates that live longer than 825 days, whoever vouches for them.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_root_may_be_added_to_those_of_the_system() {
    let server = Server::tls(vec![Step::Read, answer("200 OK", "", HEALTHY)]).await;
    let merged = server.distrustful().configure_http(|http| http.tls_certs_merge([authority()])).build().unwrap();
    merged.health().await.unwrap();
    let added = server.distrustful().configure_http(|http| http.add_root_certificate(authority())).build().unwrap();
    added.health().await.unwrap();
    assert_eq!(server.seen().requests.len(), 2);
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused_before_the_key_is_sent() {
    let server = Server::tls(vec![Step::Read, answer("200 OK", "", ANIMAS)]).await;
    let said = refused(&server, &server.distrustful().build().unwrap()).await;
    assert!(said.starts_with("could not connect: ") && said.contains(UNKNOWN_ISSUER), "{said}");
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused() {
    let server = Server::start(vec![Play::Tls(ELSEWHERE, vec![Step::Read, answer("200 OK", "", ANIMAS)])]).await;
    let said = refused(&server, &server.client()).await;
    assert!(said.starts_with("could not connect: "), "{said}");
    if cfg!(any(feature = "rustls", feature = "rustls-no-provider")) {
        assert!(said.contains("certificate not valid for name \"127.0.0.1\""), "{said}");
        assert!(said.contains("elsewhere.test"), "it names the host that the certificate is for: {said}");
    } else {
        assert!(said.contains("IP address mismatch"), "{said}");
    }

    // The same certificate is good at its own name.
    let address = server.address;
    let there = server
        .builder()
        .base_url(format!("https://elsewhere.test:{}", address.port()))
        .configure_http(move |http| http.resolve("elsewhere.test", address));
    there.build().unwrap().animas().list(ListAnimasParams::new()).await.unwrap();
    assert_eq!(server.seen().requests.len(), 1);
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    let server = Server::start(vec![Play::Tls(EXPIRED, vec![Step::Read, answer("200 OK", "", ANIMAS)])]).await;
    let said = refused(&server, &server.client()).await;
    assert!(said.contains("certificate expired") || said.contains("certificate has expired"), "{said}");
}

#[tokio::test]
async fn a_certificate_of_the_clients_opens_a_server_that_wants_one() {
    let script = vec![Step::Read, answer("200 OK", "", ANIMAS)];
    let server = Server::start(vec![Play::MutualTls(script)]).await;
    #[cfg(any(feature = "rustls", feature = "rustls-no-provider"))]
    let identity = Identity::from_pem(include_bytes!("certificates/client.pem")).unwrap();
    #[cfg(not(any(feature = "rustls", feature = "rustls-no-provider")))]
    let identity = {
        let pem = include_str!("certificates/client.pem");
        let (certificate, key) = pem.split_at(pem.find("-----BEGIN PRIVATE KEY").unwrap());
        Identity::from_pkcs8_pem(certificate.as_bytes(), key.as_bytes()).unwrap()
    };
    let client = server.builder().configure_http(|http| http.identity(identity)).build().unwrap();
    client.animas().list(ListAnimasParams::new()).await.unwrap();
    assert_eq!(server.seen().requests.len(), 1);
}

#[tokio::test]
async fn a_client_without_the_certificate_that_the_server_wants_hears_so() {
    let server = Server::start(vec![Play::MutualTls(vec![Step::Read, answer("200 OK", "", ANIMAS)])]).await;
    let error = server.client().animas().list(ListAnimasParams::new()).await.unwrap_err();
    // With TLS 1.3 the client is done with the handshake before the server looks at its certificate.
    let Error::Transport(transport) = &error else { panic!("{error:?}") };
    assert_eq!(transport.kind(), TransportKind::Other);
    assert!(error.to_string().to_lowercase().contains("certificate"), "{error}");
    let seen = server.until(|seen| seen.ended == seen.connections).await;
    assert!(seen.requests.is_empty());
    assert_eq!(seen.failed, ["peer sent no certificates"; 3]);
}
