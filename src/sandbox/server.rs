//! The server: a separate thread, so that it responds whatever the program's runtime does, until it is dropped.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use futures::channel::{mpsc, oneshot};
use futures::future::select;
use http::{HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::time::sleep;

use super::answer::Answer;
use super::clock::Clock;
use super::document::{Document, Route};
use super::elephantasm::Platform;
use super::fault::{Effect, Fault, Processing};
use super::faults::{Faults, Occasion};
use super::reach::{Order, Orders, Wires};
use super::record::{Log, Recorded};
use super::wire::{Damage, End, Line, Place, Wire};
use crate::lock::lock;

/// The largest body of a request, in bytes.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// State shared by the server and its handles.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) document: &'static Document,
    pub(super) clock: Clock,
    pub(super) faults: Faults,
    pub(super) reach: Orders,
    pub(super) log: Log,
    pub(super) elephantasm: Mutex<Platform>,
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
        let mut wires = {
            let _entered = runtime.enter();
            Wires::new(listener, orders, shared.clone())?
        };
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("polyagent-sandbox".to_owned()).spawn(move || {
            runtime.block_on(async {
                let serving = async {
                    loop {
                        tokio::spawn(serve(wires.accept().await, shared.clone()));
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
async fn serve(wire: Wire, shared: Arc<Shared>) {
    let line = wire.line();
    let service = service_fn(move |request| {
        let (shared, line) = (shared.clone(), line.clone());
        async move { Ok::<_, Infallible>(handle(&shared, &line, request).await) }
    });
    // A request that arrived complete is processed even if the client has left, as on real servers.
    let connection = http1::Builder::new().half_close(true).serve_connection(TokioIo::new(wire), service);
    // How a connection ends is up to the client, or to a fault.
    let _ = connection.await;
}

async fn handle(shared: &Shared, line: &Line, request: http::Request<Incoming>) -> http::Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let route = shared.document.route(&parts.method, parts.uri.path());
    let operation = match &route {
        Route::Operation(operation, _) => Some(operation.id.as_str()),
        _ => None,
    };
    if line.pending().is_none()
        && let Some(fault) = shared.faults.strike(Occasion::Head(operation))
    {
        let (answer, damage) = strike(fault, &shared.reach, bad_gateway).await;
        line.next_answer(damage);
        return response(answer);
    }
    let body = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return response(Answer::empty(StatusCode::PAYLOAD_TOO_LARGE)),
        // Not HTTP, or it ended too early.
        Err(_) => return response(Answer::empty(StatusCode::BAD_REQUEST)),
    };
    match line.pending() {
        None => {}
        // The request was shorter than the fault expected.
        Some(End::Pause(pause)) => sleep(pause).await,
        Some(end) => {
            line.next_answer(Some(Damage::Broken { at: Place::Head(0), end }));
            return response(bad_gateway());
        }
    }
    shared.log.push(Recorded::new(operation, &parts, body.clone()));
    let fault = shared.faults.strike(Occasion::Call(operation));
    let process = || {
        let mut platform = lock(&shared.elephantasm);
        platform.answer(&route, &parts, &body, shared.clock.now())
    };
    let (answer, damage) = match fault {
        None => (process(), None),
        Some(fault) => strike(fault, &shared.reach, process).await,
    };
    line.next_answer(damage);
    response(answer)
}

/// The response to a call that a fault affects, and its damage.
async fn strike(fault: Fault, reach: &Orders, process: impl Fn() -> Answer) -> (Answer, Option<Damage>) {
    let early = match fault.processing {
        Processing::Late => None,
        Processing::Not => Some(bad_gateway()),
        Processing::Once => Some(process()),
        Processing::Twice => {
            process();
            Some(process())
        }
    };
    if !fault.delay.is_zero() {
        sleep(fault.delay).await;
    }
    let mut answer = early.unwrap_or_else(process);
    match fault.effect {
        Effect::Answer(instead) => (instead, None),
        // Only the head is left to be too short.
        Effect::Truncate(at) if answer.body.is_empty() => {
            let damage = fitted(Damage::Broken { at: Place::Body(at), end: End::Cut }, &answer.body);
            (answer, Some(damage))
        }
        Effect::Truncate(bytes) => {
            answer.body.truncate(bytes.min(answer.body.len() - 1));
            (answer, None)
        }
        Effect::Corrupt(at) => {
            let mut body = answer.body.to_vec();
            let at = at.min(body.len().saturating_sub(1));
            body.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 0x80);
            answer.body = Bytes::from(body);
            (answer, None)
        }
        Effect::Header(name, value) => {
            answer.headers.retain(|(other, _)| *other != name);
            answer.headers.push((name, value));
            (answer, None)
        }
        Effect::Damage(damage) => {
            let damage = fitted(damage, &answer.body);
            (answer, Some(damage))
        }
        Effect::Outage(outage, span) => match reach.set(outage, Some(span)).await {
            Ok(()) => (answer, None),
            Err(error) => (Answer::text(StatusCode::INTERNAL_SERVER_ERROR, format!("an outage failed: {error}")), None),
        },
        // The last two do not affect calls.
        Effect::Undamaged | Effect::Connection | Effect::Request(..) => (answer, None),
    }
}

/// Clamps the damage to an existing byte, so that it also affects a short response.
fn fitted(damage: Damage, body: &Bytes) -> Damage {
    match damage {
        Damage::Broken { at: Place::Body(_), end } if body.is_empty() => {
            Damage::Broken { at: Place::Head(usize::MAX), end }
        }
        Damage::Broken { at: Place::Body(at), end } => Damage::Broken { at: Place::Body(at.min(body.len() - 1)), end },
        other => other,
    }
}

fn bad_gateway() -> Answer {
    Answer::html(StatusCode::BAD_GATEWAY, "<html><body><h1>502 Bad Gateway</h1></body></html>\n")
}

fn response(answer: Answer) -> http::Response<Full<Bytes>> {
    let mut response = http::Response::new(Full::new(answer.body));
    *response.status_mut() = answer.status;
    for (name, value) in answer.headers {
        response.headers_mut().append(name, value);
    }
    response.headers_mut().entry(header::SERVER).or_insert(HeaderValue::from_static("polyagent-sandbox"));
    response
}
