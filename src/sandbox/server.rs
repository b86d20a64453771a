//! The server: a separate thread, so that it responds whatever the program's runtime does, until it is dropped.

use std::error::Error as _;
use std::future::IntoFuture;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use bytes::Bytes;
use futures::channel::{mpsc, oneshot};
use futures::future::select;
use http::{HeaderValue, StatusCode, header};
use tokio::time::sleep;

use super::answer::Answer;
use super::clock::Clock;
use super::document::{Document, Route};
use super::elephantasm::Platform;
use super::fault::{Effect, Fault};
use super::faults::{Faults, Occasion};
use super::reach::{Order, Orders, Wires};
use super::record::{Log, Recorded};
use super::wire::{Damage, Line, Place};

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
        let listener = {
            let _entered = runtime.enter();
            Wires::new(listener, orders, shared.clone())?
        };
        let service = Router::new().fallback(handle).with_state(shared).into_make_service_with_connect_info::<Line>();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("polyagent-sandbox".to_owned()).spawn(move || {
            runtime.block_on(async {
                let serving = axum::serve(listener, service).into_future();
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

async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
) -> http::Response<Body> {
    let (parts, body) = request.into_parts();
    let route = shared.document.route(&parts.method, parts.uri.path());
    let operation = match &route {
        Route::Operation(operation, _) => Some(operation.id.as_str()),
        _ => None,
    };
    if let Some(fault) = shared.faults.strike(Occasion::Head(operation)) {
        let (answer, damage) = strike(fault, &shared.reach, bad_gateway).await;
        line.next_answer(damage);
        return response(answer);
    }
    let body = match to_bytes(body, MAX_BODY).await {
        Ok(body) => body,
        Err(error) => return response(Answer::empty(unreadable(&error))),
    };
    if let Some(end) = line.lost() {
        // The request was shorter than the fault expected.
        line.next_answer(Some(Damage::Broken { at: Place::Head(0), end }));
        return response(bad_gateway());
    }
    shared.log.push(Recorded::new(operation, &parts, body.clone()));
    let fault = shared.faults.strike(Occasion::Call(operation));
    let process = || {
        let mut platform = shared.elephantasm.lock().unwrap_or_else(PoisonError::into_inner);
        platform.answer(route, &parts, &body, shared.clock.now())
    };
    let (answer, damage) = match fault {
        None => (process(), None),
        Some(fault) => strike(fault, &shared.reach, process).await,
    };
    line.next_answer(damage);
    response(answer)
}

/// The status for a body that cannot be read: errors of hyper mean that it is not HTTP or ends too early, all others
/// that it is too large.
fn unreadable(error: &axum::Error) -> StatusCode {
    let mut next = error.source();
    while let Some(cause) = next {
        if cause.is::<hyper::Error>() {
            return StatusCode::BAD_REQUEST;
        }
        next = cause.source();
    }
    StatusCode::PAYLOAD_TOO_LARGE
}

/// The response to a call that a fault affects, and its damage.
async fn strike(fault: Fault, reach: &Orders, process: impl FnOnce() -> Answer) -> (Answer, Option<Damage>) {
    let mut answer = if fault.processed { process() } else { bad_gateway() };
    if !fault.delay.is_zero() {
        sleep(fault.delay).await;
    }
    match fault.effect {
        Effect::Answer(instead) => (instead, None),
        Effect::Truncate(bytes) => {
            answer.body.truncate(bytes.min(answer.body.len().saturating_sub(1)));
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
        Effect::Undamaged | Effect::NoConnection | Effect::NoRequest(..) => (answer, None),
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

fn response(answer: Answer) -> http::Response<Body> {
    let mut response = http::Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    response.headers_mut().insert(header::SERVER, HeaderValue::from_static("polyagent-sandbox"));
    for (name, value) in answer.headers {
        response.headers_mut().append(name, value);
    }
    response
}
