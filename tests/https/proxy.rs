//! https through an HTTP proxy: it is asked for a tunnel, and sees nothing of what goes through it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use polyagent::elephantasm::Elephantasm;
use polyagent::elephantasm::types::{AnimaCreate, ListAnimasParams};
use polyagent::reqwest::{Certificate, Proxy};
use polyagent::{Error, TransportKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::KEY;
use crate::server::{HERE, Play, Server, Step, answer, authority};

struct Tunnel {
    address: SocketAddr,
    /// What each connection asked for.
    heads: Arc<Mutex<Vec<String>>>,
    /// What went through in clear sight of the proxy, towards the server.
    through: Arc<Mutex<Vec<u8>>>,
    task: JoinHandle<()>,
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Tunnel {
    /// Answers each CONNECT with `reply`; if that is a 200, passes on what comes to `server`.
    async fn start(reply: &'static str, server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (heads, through) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<Vec<u8>>>::default());
        let (asked, seen) = (Arc::clone(&heads), Arc::clone(&through));
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(pass(client, reply, server, Arc::clone(&asked), Arc::clone(&seen)));
            }
        });
        Self { address, heads, through, task }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    fn client(&self, server: &Server) -> Elephantasm {
        let proxy = Proxy::all(format!("http://{}", self.address)).unwrap();
        // `no_proxy` of the server's builder comes first and takes back nothing that is set after it.
        server.builder().configure_http(|http| http.proxy(proxy)).build().unwrap()
    }
}

async fn pass(
    mut client: TcpStream,
    reply: &'static str,
    server: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    through: Arc<Mutex<Vec<u8>>>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = client.read_u8().await else { return };
        head.push(byte);
    }
    heads.lock().unwrap().push(String::from_utf8(head).unwrap());
    client.write_all(reply.as_bytes()).await.unwrap();
    if !reply.starts_with("HTTP/1.1 200 ") {
        let _ = client.shutdown().await;
        let mut more = Vec::new();
        let _ = client.read_to_end(&mut more).await;
        through.lock().unwrap().extend(more);
        return;
    }
    let server = TcpStream::connect(server).await.unwrap();
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let back = tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let mut chunk = [0; 4096];
    while let Ok(read) = from_client.read(&mut chunk).await {
        if read == 0 || to_server.write_all(&chunk[..read]).await.is_err() {
            break;
        }
        through.lock().unwrap().extend_from_slice(&chunk[..read]);
    }
    back.abort();
}

const ESTABLISHED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

#[tokio::test]
async fn a_call_goes_through_a_tunnel_that_is_told_no_more_than_the_address() {
    let server = Server::tls(vec![Step::Read, answer("200 OK", "", "[]")]).await;
    let tunnel = Tunnel::start(ESTABLISHED, server.address).await;
    tunnel.client(&server).animas().list(ListAnimasParams::new()).await.unwrap();
    let address = server.address;
    assert_eq!(tunnel.heads(), [format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n\r\n")]);
    let request = &server.seen().requests[0];
    assert!(request.starts_with("GET /api/animas HTTP/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("authorization: Bearer {KEY}")), "{request}");
    let through = String::from_utf8_lossy(&tunnel.through.lock().unwrap()).into_owned();
    assert!(!through.is_empty() && !through.contains("sk_live_") && !through.contains("animas"));
}

#[tokio::test]
async fn a_tunnel_to_a_server_that_is_not_trusted_carries_no_key() {
    let server = Server::start(vec![Play::Tls(HERE, vec![Step::Read, answer("200 OK", "", "[]")])]).await;
    let tunnel = Tunnel::start(ESTABLISHED, server.address).await;
    let proxy = Proxy::all(format!("http://{}", tunnel.address)).unwrap();
    let client = server.distrustful().configure_http(|http| http.proxy(proxy)).build().unwrap();
    let error = client.animas().list(ListAnimasParams::new()).await.unwrap_err();
    assert!(error.is_connect() && !error.may_have_been_processed(), "{error:?}");
    assert!(error.to_string().contains(crate::UNKNOWN_ISSUER), "{error}");
    assert!(server.seen().requests.is_empty());
}

#[tokio::test]
async fn a_proxy_that_opens_no_tunnel_is_named_and_gets_no_key() {
    let refusals = [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
            (TransportKind::ProxyAuthentication, 1),
            "the proxy wants other credentials: 407 Proxy Authentication Required",
        ),
        (
            "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n",
            (TransportKind::NotConnected, 3),
            "the proxy refused to open a tunnel",
        ),
        ("SSH-2.0-OpenSSH_9.9\r\n\r\n", (TransportKind::NotConnected, 3), "the proxy refused to open a tunnel"),
        ("", (TransportKind::NotConnected, 3), "the proxy ended the connection instead of opening a tunnel"),
    ];
    for (reply, (kind, attempts), cause) in refusals {
        let server = Server::tls(vec![Step::Read, answer("200 OK", "", "[]")]).await;
        let tunnel = Tunnel::start(reply, server.address).await;
        let error = tunnel.client(&server).animas().create(AnimaCreate::new("Ada")).await.unwrap_err();
        let Error::Connect(transport) = &error else { panic!("{error:?}") };
        assert_eq!((transport.kind(), error.attempts().len()), (kind, attempts), "{error}");
        assert!(!error.may_have_been_processed());
        assert!(error.to_string().starts_with(&format!("could not connect: {cause} (POST ")), "{error}");
        assert_eq!(tunnel.heads().len(), attempts);
        assert!(tunnel.heads().iter().all(|head| head.starts_with("CONNECT ") && !head.contains("sk_live_")));
        assert_eq!(server.seen().connections, 0);
        assert!(tunnel.through.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_proxy_for_https_that_cannot_be_reached_is_named() {
    let server = Server::tls(vec![Step::Read, answer("200 OK", "", "[]")]).await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let proxy = Proxy::all(format!("http://{nobody}")).unwrap();
    let client = server.builder().configure_http(|http| http.proxy(proxy)).build().unwrap();
    let error = client.animas().list(ListAnimasParams::new()).await.unwrap_err();
    assert_eq!(error.attempts().len(), 3);
    let said = error.to_string();
    assert!(said.starts_with("could not connect: no connection to the proxy: Connection refused"), "{said}");
}

#[tokio::test]
async fn a_proxy_that_does_not_speak_tls_is_called_once_and_named_so() {
    let server = Server::tls(vec![Step::Read, answer("200 OK", "", "[]")]).await;
    let plain = Server::start(vec![Play::Clear("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")]).await;
    let proxy = Proxy::all(plain.url()).unwrap();
    let client = server.builder().configure_http(|http| http.proxy(proxy)).build().unwrap();
    let error = client.animas().list(ListAnimasParams::new()).await.unwrap_err();
    assert_eq!((error.attempts().len(), plain.seen().connections), (1, 1));
    let words = "could not connect: the proxy does not speak TLS; should the proxy's URL be http? (";
    assert!(error.to_string().starts_with(words), "{error}");
}

#[tokio::test]
async fn a_password_for_the_proxy_goes_to_the_proxy_and_into_no_error() {
    let server = Server::tls(vec![Step::Read, answer("200 OK", "", "[]")]).await;
    let tunnel = Tunnel::start("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", server.address).await;
    let proxy = Proxy::all(format!("http://ada:hunter2@{}", tunnel.address)).unwrap();
    let client = server.builder().configure_http(|http| http.proxy(proxy)).build().unwrap();
    let error = client.animas().list(ListAnimasParams::new()).await.unwrap_err();
    assert!(tunnel.heads()[0].contains("\r\nProxy-Authorization: Basic YWRhOmh1bnRlcjI=\r\n"), "{:?}", tunnel.heads());
    let said = format!("{error} {error:?} {client:?}");
    assert!(!said.contains("hunter2") && !said.contains("YWRhOmh1bnRlcjI"), "{said}");
}

#[tokio::test]
async fn a_proxy_may_itself_speak_tls() {
    // The proxy's certificate is checked like a server's.
    let proxy = Server::start(vec![Play::Tls(HERE, vec![Step::Read, answer("502 Bad Gateway", "", "")])]).await;
    let through = |root: Option<Certificate>| {
        let to = Proxy::all(proxy.url()).unwrap();
        let client = proxy.distrustful().base_url("https://nowhere.localhost:1").configure_http(|http| http.proxy(to));
        client.configure_http(|http| http.tls_certs_only(root)).build().unwrap()
    };
    let error = through(None).animas().list(ListAnimasParams::new()).await.unwrap_err();
    assert!(error.is_connect() && error.to_string().contains(crate::UNKNOWN_ISSUER), "{error}");
    assert!(proxy.seen().requests.is_empty());
    let error = through(Some(authority())).animas().list(ListAnimasParams::new()).await.unwrap_err();
    assert!(error.to_string().contains("the proxy refused to open a tunnel"), "{error}");
    let seen = proxy.seen().requests;
    assert!(seen[0].starts_with("CONNECT nowhere.localhost:1 HTTP/1.1\r\n") && !seen[0].contains(KEY), "{seen:?}");
}
