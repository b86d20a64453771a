//! What goes wrong on a connection, told apart on real sockets. Clocks are paused: what sleeps goes on when nothing else
//! is left to do, so that no machine is too slow.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::StreamExt as _;
use polyagent::elephantasm::types::{AnimaCreate, ListAnimasParams};
use polyagent::{Error, RetryClass, TransportKind};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::sockets::{Server, Step, answer, write};

const ID: &str = "b2352c05-e685-4021-8624-595406c725f2";
const ANIMA: &str = r#"{"id":"b2352c05-e685-4021-8624-595406c725f2","name":"Ada","created_at":"2026-11-22T05:04:36.969174","updated_at":"2026-11-22T05:04:36.969174"}"#;

fn ok() -> Step {
    answer("200 OK", "", ANIMA)
}

fn kind(error: &Error) -> Option<TransportKind> {
    match error {
        Error::Connect(error) | Error::Transport(error) => Some(error.kind()),
        _ => None,
    }
}

/// What an idempotent call and one that is not meet when every connection plays `script`, and how many connections
/// each of them made.
async fn meet(script: Vec<Step>) -> [(Error, usize); 2] {
    let server = Server::start(vec![script.clone()]).await;
    let read = server.client().animas().get(ID).await.unwrap_err();
    let reads = server.connections();
    let server = Server::start(vec![script]).await;
    let write = server.client().animas().create(AnimaCreate::new("Ada")).await.unwrap_err();
    [(read, reads), (write, server.connections())]
}

#[tokio::test(start_paused = true)]
async fn a_refused_connection_is_retried_by_every_class_and_was_not_processed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::start(vec![vec![Step::Read, ok()]]).await;
    let client = server.builder().base_url(format!("http://{address}")).build().unwrap();
    drop(listener);
    let error = client.animas().create(AnimaCreate::new("Ada")).await.unwrap_err();
    assert_eq!(kind(&error), Some(TransportKind::NotConnected), "{error:?}");
    assert!(error.is_connect() && !error.may_have_been_processed());
    assert_eq!(error.attempts().len(), 3);
    assert!(error.to_string().contains("Connection refused"), "{error}");
    assert!(error.to_string().contains(&format!("POST http://{address}/api/animas, 3 attempts")), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_reset_after_the_request_is_retried_only_if_the_call_is_idempotent() {
    let [(read, reads), (write, writes)] = meet(vec![Step::Read, Step::Reset]).await;
    assert_eq!((kind(&read), reads), (Some(TransportKind::NoAnswer), 3), "{read:?}");
    assert_eq!((kind(&write), writes), (Some(TransportKind::NoAnswer), 1), "{write:?}");
    assert!(read.may_have_been_processed() && write.may_have_been_processed());
}

#[tokio::test(start_paused = true)]
async fn a_reset_at_once_is_told_from_a_refused_connection() {
    let [(read, _), (write, writes)] = meet(vec![Step::Reset]).await;
    for error in [&read, &write] {
        assert_eq!(kind(error), Some(TransportKind::NoAnswer), "{error:?}");
    }
    assert_eq!(writes, 1);
}

#[tokio::test(start_paused = true)]
async fn half_a_head_is_no_answer() {
    let [(read, reads), (error, writes)] = meet(vec![Step::Read, write("HTTP/1.1 200 OK\r\ncontent-le")]).await;
    assert_eq!((kind(&read), reads), (Some(TransportKind::NoAnswer), 3), "{read:?}");
    assert_eq!((kind(&error), writes), (Some(TransportKind::NoAnswer), 1));
}

#[tokio::test(start_paused = true)]
async fn half_a_body_is_cut() {
    let half = write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\":");
    let [(read, reads), (error, writes)] = meet(vec![Step::Read, half]).await;
    assert_eq!((kind(&read), reads), (Some(TransportKind::BodyCut), 3), "{read:?}");
    assert_eq!((kind(&error), writes), (Some(TransportKind::BodyCut), 1));
    let chunked = write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"id\"\r\n");
    let [(read, _), _] = meet(vec![Step::Read, chunked]).await;
    assert_eq!(kind(&read), Some(TransportKind::BodyCut), "{read:?}");
}

#[tokio::test(start_paused = true)]
async fn what_came_of_an_answer_before_its_body_broke_off_is_kept() {
    let head = "HTTP/1.1 201 Created\r\nx-request-id: r-1\r\ncontent-length: ";
    let ends = [
        (write(&format!("{head}100\r\n\r\n{{\"id\":")), Step::Reset, "{\"id\":"),
        (write(&format!("{head}100\r\n\r\n{{\"id\":")), Step::Hang, "{\"id\":"),
        (write(&format!("{head}2147483648\r\n\r\n{{")), Step::Hang, ""),
    ];
    for (answer, end, body) in ends {
        let server = Server::start(vec![vec![Step::Read, answer, Step::Sleep(Duration::from_millis(20)), end]]).await;
        let call = server.client().animas().create(AnimaCreate::new("Ada"));
        let error = call.attempt_timeout(Duration::from_secs(1)).await.unwrap_err();
        assert!(error.is_transport() || error.is_timeout(), "{error:?}");
        assert_eq!((error.status().unwrap().as_u16(), error.request_id()), (201, Some("r-1")), "{error:?}");
        assert_eq!(error.headers().unwrap()["x-request-id"], "r-1");
        assert_eq!(error.body().map(|kept| &kept[..]), Some(body.as_bytes()));
        assert_eq!(error.attempts()[0].status().unwrap().as_u16(), 201);
        assert!(error.may_have_been_processed() && error.attempts().len() == 1);
        assert!(error.to_string().ends_with("/api/animas, after 201 Created)"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_the_http_client_refuses_was_not_sent() {
    let server = Server::start(vec![vec![Step::Read, ok()]]).await;
    let client = server.builder().configure_http(|http| http.https_only(true)).build().unwrap();
    let error = client.animas().get(ID).await.unwrap_err();
    assert!(error.is_config() && !error.may_have_been_processed(), "{error:?}");
    assert_eq!(error.attempts().len(), 1);
    assert!(error.to_string().starts_with("the HTTP client refuses the request: "), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_error_whose_body_is_cut_keeps_its_status_and_the_first_bytes() {
    let half = write("HTTP/1.1 404 Not Found\r\ncontent-length: 100\r\n\r\nhalf a sen");
    let [(error, attempts), _] = meet(vec![Step::Read, half]).await;
    assert!(error.is_not_found(), "{error:?}");
    assert_eq!(error.body().map(|body| &body[..]), Some(&b"half a sen"[..]));
    assert_eq!(attempts, 1);
}

#[tokio::test(start_paused = true)]
async fn garbage_is_not_http_and_not_retried() {
    let [(read, reads), (error, writes)] = meet(vec![Step::Read, write("220 smtp.example ESMTP\r\n\r\n")]).await;
    assert_eq!((kind(&read), reads), (Some(TransportKind::InvalidHttp), 1), "{read:?}");
    assert_eq!((kind(&error), writes), (Some(TransportKind::InvalidHttp), 1));
    let message = read.to_string();
    assert!(message.starts_with("the response is not HTTP: "), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_dead_kept_alive_connection_costs_an_idempotent_call_nothing_but_an_immediate_retry() {
    let dies = vec![Step::Read, ok(), Step::Read, Step::Reset];
    let lives = vec![Step::Read, ok(), Step::Read, ok()];
    let server = Server::start(vec![dies.clone(), lives]).await;
    let slow =
        polyagent::RetryPolicy::default().backoff(Duration::from_secs(60), Duration::from_secs(60)).jitter(false);
    let client = server.builder().retry_policy(slow).build().unwrap();
    client.animas().get(ID).await.unwrap();
    let begun = Instant::now();
    let response = client.animas().get(ID).with_response().await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 0, "it waited for its back-off");
    assert_eq!(response.failed_attempts().len(), 1);
    assert!(response.failed_attempts()[0].cause().contains("kept-alive"), "{:?}", response.failed_attempts());
    assert_eq!((server.connections(), server.requests().len()), (2, 3));

    let server = Server::start(vec![dies]).await;
    let client = server.client();
    client.animas().get(ID).await.unwrap();
    let error = client.animas().create(AnimaCreate::new("Ada")).await.unwrap_err();
    assert_eq!(kind(&error), Some(TransportKind::StaleConnection), "{error:?}");
    assert!(error.may_have_been_processed());
    assert_eq!(server.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_body_beyond_the_limit_is_refused_before_it_is_read() {
    let huge = write("HTTP/1.1 200 OK\r\ncontent-length: 2147483648\r\n\r\n[");
    let server = Server::start(vec![vec![Step::Read, huge, Step::Hang]]).await;
    let error = server.client().animas().get(ID).await.unwrap_err();
    assert_eq!(kind(&error), Some(TransportKind::BodyTooLarge), "{error:?}");
    assert_eq!(server.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_endless_body_ends_at_the_limit() {
    let head = write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    let chunk = Step::WriteForever(format!("400\r\n{}\r\n", "x".repeat(1024)).into_bytes());
    let server = Server::start(vec![vec![Step::Read, head, chunk]]).await;
    let client = server.builder().max_body(1024 * 1024).build().unwrap();
    let error = client.animas().get(ID).await.unwrap_err();
    assert_eq!(kind(&error), Some(TransportKind::BodyTooLarge), "{error:?}");
    assert!(error.to_string().contains("1048576 bytes"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_endless_error_body_is_kept_up_to_64_kib() {
    let head = write("HTTP/1.1 500 Internal Server Error\r\ntransfer-encoding: chunked\r\n\r\n");
    let chunk = Step::WriteForever(format!("400\r\n{}\r\n", "x".repeat(1024)).into_bytes());
    let server = Server::start(vec![vec![Step::Read, head, chunk]]).await;
    let error = server.client().animas().get(ID).max_retries(0).await.unwrap_err();
    assert!(error.is_server(), "{error:?}");
    assert_eq!(error.body().map(bytes_len), Some(64 * 1024));
}

fn bytes_len(body: &impl AsRef<[u8]>) -> usize {
    body.as_ref().len()
}

#[tokio::test(start_paused = true)]
async fn a_body_of_exactly_the_limit_is_read() {
    let server = Server::start(vec![vec![Step::Read, ok()]]).await;
    let fits = server.builder().max_body(ANIMA.len()).build().unwrap();
    fits.animas().get(ID).await.unwrap();
    let short = server.builder().max_body(ANIMA.len() - 1).build().unwrap();
    let error = short.animas().get(ID).await.unwrap_err();
    assert_eq!(kind(&error), Some(TransportKind::BodyTooLarge));
}

/// Connects at once the first time, and slowly from then on.
#[derive(Clone)]
struct SlowFromTheSecondOn(Arc<AtomicUsize>);

#[derive(Clone)]
struct Slow<S>(S, Arc<AtomicUsize>);

impl<S> tower_layer::Layer<S> for SlowFromTheSecondOn {
    type Service = Slow<S>;

    fn layer(&self, inner: S) -> Slow<S> {
        Slow(inner, Arc::clone(&self.0))
    }
}

impl<S, R> tower_service::Service<R> for Slow<S>
where
    S: tower_service::Service<R>,
    S::Future: Send + 'static,
    S::Response: Send,
    S::Error: Send,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let slow = self.1.fetch_add(1, Ordering::SeqCst) > 0;
        let connecting = self.0.call(request);
        Box::pin(async move {
            if slow {
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
            connecting.await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_went_out_on_a_neighbours_connection_is_not_taken_for_unsent() {
    // The neighbour's connection comes free while the call waits for one of its own; it goes out there, and hangs.
    let script = vec![Step::Read, Step::Sleep(Duration::from_millis(60)), ok(), Step::Read, Step::Hang];
    let server = Server::start(vec![script]).await;
    let connects = Arc::new(AtomicUsize::new(0));
    let slow = SlowFromTheSecondOn(Arc::clone(&connects));
    // The opening is given up, in a task of its own, before the call is.
    let connect = Duration::from_secs(1);
    let builder = server.builder().connect_timeout(connect);
    let client = builder.configure_http(move |http| http.connector_layer(slow)).build().unwrap();
    let neighbour = tokio::spawn(client.animas().get(ID).send());
    while server.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let call = client.animas().create(AnimaCreate::new("Ada")).attempt_timeout(Duration::from_secs(2));
    let error = call.await.unwrap_err();
    neighbour.await.unwrap().unwrap();
    assert_eq!(connects.load(Ordering::SeqCst), 2, "the call began to open a connection");
    assert_eq!(server.requests().len(), 2, "and went out on the other");
    assert!(error.is_timeout() && error.may_have_been_processed(), "{error:?}");
    assert_eq!(error.attempts().len(), 1, "so it is not sent again");

    // The twin: with no connection that comes free, it never went out, and may be sent again.
    let server = Server::start(vec![vec![Step::Read, Step::Hang]]).await;
    let connects = Arc::new(AtomicUsize::new(1));
    let client = server
        .builder()
        .configure_http(move |http| http.connector_layer(SlowFromTheSecondOn(connects)))
        .build()
        .unwrap();
    let call = client.animas().create(AnimaCreate::new("Ada")).attempt_timeout(Duration::from_secs(2));
    let error = call.await.unwrap_err();
    assert!(error.is_timeout() && !error.may_have_been_processed(), "{error:?}");
    assert_eq!((error.attempts().len(), server.requests().len()), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn a_redirect_leaves_open_what_was_done_before_it() {
    let see_other = answer("303 See Other", "location: /api/animas/1\r\n", "");
    let server = Server::start(vec![vec![Step::Read, see_other]]).await;
    let error = server.client().animas().create(AnimaCreate::new("Ada")).await.unwrap_err();
    assert!(matches!(error, Error::UnexpectedStatus(_)) && error.may_have_been_processed(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn the_second_attempt_sends_the_very_same_bytes() {
    let busy = vec![Step::Read, answer("503 Service Unavailable", "retry-after: 0\r\nconnection: close\r\n", "{}")];
    let server = Server::start(vec![busy, vec![Step::Read, answer("201 Created", "", ANIMA)]]).await;
    let anima = AnimaCreate::new("Ada").description("likes \u{1F375} and \"quotes\"");
    let call =
        server.client().animas().create(anima).header("x-team", "memory").query("trace", "a b").body_field("z", 1);
    call.await.unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(String::from_utf8_lossy(&requests[0]), String::from_utf8_lossy(&requests[1]));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_closes_its_connection() {
    let server = Server::start(vec![vec![Step::Read, Step::Hang]]).await;
    let client = server.client();
    let call = client.animas().get(ID).send();
    assert!(tokio::time::timeout(Duration::from_secs(1), call).await.is_err());
    assert_eq!(server.requests().len(), 1);
    tokio::time::timeout(Duration::from_secs(60), server.a_client_hung_up()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_never_awaited_sends_nothing() {
    let server = Server::start(vec![vec![Step::Read, ok()]]).await;
    let client = server.client();
    drop(client.animas().get(ID));
    drop(client.animas().get(ID).send());
    drop(client.animas().list(ListAnimasParams::new()).items());
    client.animas().get(ID).await.unwrap();
    assert_eq!(server.requests().len(), 1, "only the awaited one arrived");
}

#[tokio::test(start_paused = true)]
async fn a_caller_may_lower_and_raise_the_retry_class() {
    let cut = vec![Step::Read, Step::Reset];
    let server = Server::start(vec![cut.clone()]).await;
    server.client().animas().get(ID).retry_class(RetryClass::NonIdempotent).await.unwrap_err();
    assert_eq!(server.connections(), 1);
    let server = Server::start(vec![cut]).await;
    let call = server.client().animas().create(AnimaCreate::new("Ada")).retry_class(RetryClass::Idempotent);
    call.max_retries(1).await.unwrap_err();
    assert_eq!(server.connections(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_server_sees_a_tenth_more_than_1000_calls_at_most() {
    let dead = vec![Step::Read, answer("500 Internal Server Error", "connection: close\r\n", "{}")];
    let server = Server::start(vec![dead]).await;
    // A name of its own: the spent budget stays with it, and not with a port that another test may get.
    let (base, address) = (format!("http://dead.localhost:{}", server.address.port()), server.address);
    let builder = server.builder().base_url(base).configure_http(move |http| http.resolve("dead.localhost", address));
    let client = builder.build().unwrap();
    let calls = (0..1000).map(|_| {
        let call = client.animas().get(ID).send();
        async { assert!(tokio::spawn(call).await.unwrap().unwrap_err().is_server()) }
    });
    // Both ends of a connection are in this process, which may have few files open; so not all at once.
    futures::stream::iter(calls).buffer_unordered(200).collect::<()>().await;
    let seen = server.requests().len();
    assert!((1001..=1100).contains(&seen), "{seen} requests");
    // With the budget spent, a call is an attempt.
    for _ in 0..20 {
        client.animas().get(ID).await.unwrap_err();
    }
    assert_eq!(server.requests().len(), seen + 20);
}
