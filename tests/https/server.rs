//! A TLS server that shakes hands, or does not, as it is told, and then plays a script as literal bytes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use polyagent::elephantasm::Elephantasm;
use polyagent::reqwest::{self, Certificate};
use polyagent::{ClientBuilder, RetryPolicy};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::KEY;

pub const AUTHORITY: &[u8] = include_bytes!("certificates/authority.pem");
/// For `localhost` and `127.0.0.1`.
pub const HERE: &[u8] = include_bytes!("certificates/server.pem");
/// For `elsewhere.test`.
pub const ELSEWHERE: &[u8] = include_bytes!("certificates/elsewhere.pem");
/// For `localhost` and `127.0.0.1`, since 2020 no longer.
pub const EXPIRED: &[u8] = include_bytes!("certificates/expired.pem");

/// What the server does with a connection.
#[derive(Clone, Debug)]
pub enum Play {
    /// Shakes hands with this certificate, then does the steps.
    Tls(&'static [u8], Vec<Step>),
    /// The same, and wants a certificate of the client's.
    MutualTls(Vec<Step>),
    /// Waits for the client's first bytes, then writes these in clear and ends the connection.
    Clear(&'static str),
    /// Waits for the client's first bytes, and keeps silent until it is gone.
    Stall,
}

#[derive(Clone, Debug)]
pub enum Step {
    /// Reads one request, which has no body.
    Read,
    Write(String),
    /// Ends TLS in order, and the connection with it.
    Close,
    /// Ends the connection without a word of TLS.
    Cut,
}

/// A whole answer.
pub fn answer(status: &str, more_headers: &str, body: &str) -> Step {
    Step::Write(format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{more_headers}\r\n{body}",
        body.len()
    ))
}

/// What the server has seen so far.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub connections: usize,
    /// The connections that are over.
    pub ended: usize,
    pub requests: Vec<String>,
    /// How handshakes failed, in the server's view.
    pub failed: Vec<String>,
}

pub struct Server {
    pub address: SocketAddr,
    seen: watch::Receiver<Seen>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Connection `n` is played as `plays[n]` says; connections after the last as the last.
    pub async fn start(plays: Vec<Play>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (notes, seen) = watch::channel(Seen::default());
        let notes = Arc::new(notes);
        let task = tokio::spawn(async move {
            let plays = Arc::new(Mutex::new(plays));
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let play = {
                    let mut plays = plays.lock().unwrap();
                    if plays.len() > 1 { plays.remove(0) } else { plays[0].clone() }
                };
                notes.send_modify(|seen| seen.connections += 1);
                let notes = Arc::clone(&notes);
                tokio::spawn(async move {
                    serve(stream, play, &notes).await;
                    notes.send_modify(|seen| seen.ended += 1);
                });
            }
        });
        Self { address, seen, task }
    }

    /// One certificate, one script.
    pub async fn tls(steps: Vec<Step>) -> Self {
        Self::start(vec![Play::Tls(HERE, steps)]).await
    }

    pub fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Waits, up to 10 s, until the server has seen what is asked for.
    pub async fn until(&self, enough: impl FnMut(&Seen) -> bool) -> Seen {
        let mut seen = self.seen.clone();
        let waiting = seen.wait_for(enough);
        tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap().unwrap().clone()
    }

    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// A client that trusts no one but the tests' own authority.
    pub fn builder(&self) -> ClientBuilder<Elephantasm> {
        self.distrustful().configure_http(|http| http.tls_certs_only([authority()]))
    }

    /// A client that trusts whom the system trusts.
    pub fn distrustful(&self) -> ClientBuilder<Elephantasm> {
        install_provider();
        Elephantasm::builder()
            .base_url(self.url())
            .api_key(KEY)
            .retry_policy(RetryPolicy::default().backoff(Duration::from_millis(1), Duration::from_millis(2)))
            .configure_http(reqwest::ClientBuilder::no_proxy)
    }

    pub fn client(&self) -> Elephantasm {
        self.builder().build().unwrap()
    }
}

pub fn authority() -> Certificate {
    Certificate::from_pem(AUTHORITY).unwrap()
}

/// What a program with the feature `rustls-no-provider` does first.
fn install_provider() {
    if cfg!(not(any(feature = "rustls", feature = "native-tls"))) {
        // Whichever test comes second finds it installed.
        let _ = aws_lc_rs::default_provider().install_default();
        assert!(CryptoProvider::get_default().is_some());
    }
}

fn acceptor(identity: &[u8], client_authority: Option<&[u8]>) -> TlsAcceptor {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let chain = CertificateDer::pem_slice_iter(identity).collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(identity).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let config = config.unwrap();
    let config = match client_authority {
        None => config.with_no_client_auth(),
        Some(authority) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(authority).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            config.with_client_cert_verifier(verifier.unwrap())
        }
    };
    TlsAcceptor::from(Arc::new(config.with_single_cert(chain, key).unwrap()))
}

async fn serve(mut stream: TcpStream, play: Play, notes: &watch::Sender<Seen>) {
    let (acceptor, steps) = match play {
        Play::Tls(identity, steps) => (acceptor(identity, None), steps),
        Play::MutualTls(steps) => (acceptor(HERE, Some(AUTHORITY)), steps),
        Play::Clear(text) => {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(text.as_bytes()).await;
            let _ = stream.shutdown().await;
            return drain(&mut stream).await;
        }
        Play::Stall => {
            notes.send_modify(|seen| seen.failed.push("stalled".to_owned()));
            return drain(&mut stream).await;
        }
    };
    let mut stream = match acceptor.accept(stream).into_fallible().await {
        Ok(stream) => stream,
        Err((error, mut stream)) => {
            notes.send_modify(|seen| seen.failed.push(error.to_string()));
            let _ = stream.shutdown().await;
            // What is left unread would turn the end into a reset, which overtakes the alert.
            return drain(&mut stream).await;
        }
    };
    for step in steps {
        match step {
            Step::Read => match read_head(&mut stream).await {
                Some(head) => notes.send_modify(|seen| seen.requests.push(head)),
                None => return,
            },
            Step::Write(text) => {
                let _ = stream.write_all(text.as_bytes()).await;
                let _ = stream.flush().await;
            }
            Step::Close => {
                let _ = stream.shutdown().await;
            }
            Step::Cut => {
                let _ = stream.get_mut().0.shutdown().await;
            }
        }
    }
    drain(&mut stream).await;
}

/// Reads until the client is gone.
async fn drain(stream: &mut (impl AsyncRead + Unpin)) {
    while matches!(stream.read(&mut [0; 4096]).await, Ok(read) if read > 0) {}
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}
