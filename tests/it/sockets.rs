//! A server of scripted connections: writes what it is told, byte for byte, and breaks off where it is told.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use polyagent::RetryPolicy;
use polyagent::elephantasm::Elephantasm;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the server does on one connection, in order.
#[derive(Clone, Debug)]
pub enum Step {
    /// Reads one whole request.
    Read,
    Write(Vec<u8>),
    /// Writes the bytes again and again until the client is gone.
    WriteForever(Vec<u8>),
    /// Ends the connection with a TCP reset.
    Reset,
    /// Keeps the connection open, and silent, until the client is gone, which is counted.
    Hang,
    Sleep(Duration),
}

pub fn write(text: &str) -> Step {
    Step::Write(text.as_bytes().to_vec())
}

/// A whole answer with a JSON body.
pub fn answer(status: &str, more_headers: &str, body: &str) -> Step {
    let length = body.len();
    write(&format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{more_headers}\r\n{body}"
    ))
}

/// A response that goes on: its head and first pieces.
pub fn live(media: &str, pieces: &[&str]) -> Vec<Step> {
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: {media}\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n");
    let mut script = vec![Step::Read, write(&head)];
    script.extend(pieces.iter().map(|piece| write(&format!("{:x}\r\n{piece}\r\n", piece.len()))));
    script
}

/// The same, ended as it should.
pub fn whole(media: &str, pieces: &[&str]) -> Vec<Step> {
    let mut script = live(media, pieces);
    script.push(write("0\r\n\r\n"));
    script
}

/// A whole response, and the end of its connection.
pub fn reply(status: &str, body: &str) -> Vec<Step> {
    vec![Step::Read, answer(status, "connection: close\r\n", body)]
}

pub struct Server {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<Vec<u8>>>>,
    connections: Arc<AtomicUsize>,
    hung_up: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Connection `n` plays script `n`; connections after the last play the last.
    pub async fn start(scripts: Vec<Vec<Step>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let connections = Arc::new(AtomicUsize::new(0));
        let hung_up = Arc::new(AtomicUsize::new(0));
        let (seen, count, gone) = (Arc::clone(&requests), Arc::clone(&connections), Arc::clone(&hung_up));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let number = count.fetch_add(1, Ordering::SeqCst);
                let script = scripts[number.min(scripts.len() - 1)].clone();
                tokio::spawn(play(stream, script, Arc::clone(&seen), Arc::clone(&gone)));
            }
        });
        Self { address, requests, connections, hung_up, task }
    }

    /// The requests read so far, as their raw bytes.
    pub fn requests(&self) -> Vec<Vec<u8>> {
        self.requests.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Waits until a client has closed a connection that hung.
    pub async fn a_client_hung_up(&self) {
        while self.hung_up.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub fn builder(&self) -> polyagent::ClientBuilder<Elephantasm> {
        Elephantasm::builder()
            .base_url(format!("http://{}", self.address))
            .api_key("sk_live_0123456789abcdef0123456789abcdef")
            .retry_policy(RetryPolicy::default().backoff(Duration::from_millis(1), Duration::from_millis(2)))
            .configure_http(reqwest_without_proxy)
    }

    pub fn client(&self) -> Elephantasm {
        self.builder().build().unwrap()
    }
}

pub fn reqwest_without_proxy(http: polyagent::reqwest::ClientBuilder) -> polyagent::reqwest::ClientBuilder {
    http.no_proxy()
}

async fn play(mut stream: TcpStream, script: Vec<Step>, requests: Arc<Mutex<Vec<Vec<u8>>>>, gone: Arc<AtomicUsize>) {
    for step in script {
        match step {
            Step::Read => match read_request(&mut stream).await {
                Some(request) => requests.lock().unwrap().push(request),
                None => return,
            },
            Step::Write(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.flush().await;
            }
            Step::WriteForever(bytes) => while stream.write_all(&bytes).await.is_ok() {},
            Step::Reset => {
                let _ = stream.set_zero_linger();
                return;
            }
            Step::Sleep(pause) => tokio::time::sleep(pause).await,
            Step::Hang => {
                let mut rest = [0; 1024];
                while matches!(stream.read(&mut rest).await, Ok(n) if n > 0) {}
                gone.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}

/// One request with its body, by its `content-length`; `None` if the client is gone.
async fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&chunk[..read]);
        let Some(head) = request.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let headers = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
        let length = headers.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        if request.len() >= head + 4 + length.unwrap_or(0) {
            return Some(request);
        }
    }
}
