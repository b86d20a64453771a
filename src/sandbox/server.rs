//! The server: a separate thread, so that it responds whatever the program's runtime does, until it is dropped.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use futures::StreamExt;
use futures::channel::{mpsc, oneshot};
use futures::future::select;
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::time::sleep;

use super::clock::Clock;
use super::network::{self, Acceptor, Connection, InjectionPoint, Injector, Order, Orders, ResponseControl};
use super::pipeline::Service;
use super::platforms::Platforms;
use super::record::{Log, Recorded};
use super::reply::{Body, Reply};
use super::router::Routed;

/// The largest body of a request, in bytes.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// State shared by the server and its handles.
pub(super) struct Shared {
    pub(super) clock: Arc<Clock>,
    pub(super) injector: Arc<Injector>,
    pub(super) reach: Orders,
    pub(super) log: Log,
    pub(super) platforms: Platforms,
}

/// A running server. Dropping it stops it.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) fn start(port: u16, shared: Arc<Shared>, orders: mpsc::UnboundedReceiver<Order>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let mut acceptor = {
            let _entered = runtime.enter();
            Acceptor::new(listener, orders, shared.injector.clone())?
        };
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("polyagent-sandbox".to_owned()).spawn(move || {
            runtime.block_on(async {
                for drive in shared.platforms.all().into_iter().filter_map(Service::drive) {
                    tokio::spawn(drive);
                }
                let serving = async {
                    loop {
                        tokio::spawn(serve(acceptor.accept().await, shared.clone()));
                    }
                };
                select(pin!(serving), stopped).await;
            });
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The receiver is dropped, or the thread gone, only if the server has already stopped.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Serves the requests of one connection until it ends.
async fn serve(connection: Connection, shared: Arc<Shared>) {
    let control = connection.control();
    let service = service_fn(move |request| {
        let (shared, control) = (shared.clone(), control.clone());
        async move { Ok::<_, Infallible>(response(handle(&shared, &control, request).await)) }
    });
    // A request that arrived complete is processed even if the client has left, as on real servers.
    let served = http1::Builder::new().half_close(true).serve_connection(TokioIo::new(connection), service);
    // How a connection ends is up to the client, or to a fault.
    let _ = served.await;
}

/// The platform that a request is for, and its path there.
fn platform_of(shared: &Shared, head: &Parts) -> Option<(Arc<dyn Service>, String)> {
    let (name, path) = head.uri.path().strip_prefix('/')?.split_once('/')?;
    let platform = shared.platforms.all().into_iter().find(|platform| platform.name() == name)?;
    Some((platform, format!("/{path}")))
}

async fn handle(shared: &Shared, control: &ResponseControl, request: http::Request<Incoming>) -> Reply {
    let (head, body) = request.into_parts();
    let found = platform_of(shared, &head);
    let routed = found.as_ref().map(|(platform, path)| platform.route(&head, path));
    let operation = routed.as_ref().and_then(Routed::operation);
    if control.pending().is_none()
        && let Some(fault) = shared.injector.inject(InjectionPoint::Head(operation))
    {
        return network::carry_out(fault, &shared.reach, control, network::bad_gateway).await;
    }
    let body = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Reply::empty(StatusCode::PAYLOAD_TOO_LARGE),
        // Not HTTP, or it ended too early.
        Err(_) => return Reply::empty(StatusCode::BAD_REQUEST),
    };
    // What a fault of this request has still to do: the request was shorter than the fault expected.
    if let Some(end) = control.pending() {
        match end.pause() {
            Some(pause) => sleep(pause).await,
            None => return network::cut_off(control, end),
        }
    }
    let (platform, path) = match &found {
        Some((platform, path)) => (Some(platform), path.as_str()),
        None => (None, head.uri.path()),
    };
    shared.log.push(Recorded::new(operation, platform.map(|it| &**it), path, &head, body.clone()));
    let process = || match (platform, &routed) {
        (Some(platform), Some(routed)) => platform.clone().respond(routed, &head, &body),
        _ => no_platform(shared),
    };
    if let Some(fault) = shared.injector.inject(InjectionPoint::Call(operation)) {
        return network::carry_out(fault, &shared.reach, control, process).await;
    }
    control.next_response(None);
    process()
}

/// The response to a path that is no platform's.
fn no_platform(shared: &Shared) -> Reply {
    let prefixes: Vec<String> = shared.platforms.all().iter().map(|platform| format!("/{}", platform.name())).collect();
    let text = format!("The paths of this sandbox begin with: {}\n", prefixes.join(", "));
    Reply::text(StatusCode::NOT_FOUND, text)
}

fn response(reply: Reply) -> http::Response<UnsyncBoxBody<Bytes, Infallible>> {
    let body = match reply.body {
        Body::Whole(bytes) => Full::new(bytes).boxed_unsync(),
        Body::Live(frames) => StreamBody::new(frames.map(|bytes| Ok(Frame::data(bytes)))).boxed_unsync(),
    };
    let mut response = http::Response::new(body);
    *response.status_mut() = reply.status;
    for (name, value) in reply.headers {
        response.headers_mut().append(name, value);
    }
    response.headers_mut().entry(header::SERVER).or_insert(HeaderValue::from_static("polyagent-sandbox"));
    response
}
