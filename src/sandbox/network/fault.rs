//! What a network or a server can do to a call.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};

use super::connection::{Damage, End, Place};
use super::http_fault::Canned;
use super::reach::Reach;

/// A fault, and the calls that it affects.
///
/// The constructor selects the fault, the methods after it select the calls. By default it affects the next call of any
/// operation. [`Sandbox::fault`](crate::sandbox::Sandbox::fault) arms it.
///
/// ```
/// # use std::time::Duration;
/// # use polyagent::elephantasm::types::AnimaCreate;
/// # use polyagent::sandbox::{Fault, Sandbox};
/// # #[tokio::main]
/// # async fn main() -> Result<(), polyagent::Error> {
/// let sandbox = Sandbox::start().await?;
/// let client = sandbox.elephantasm();
///
/// let busy = Fault::status(503).header("retry-after", "0").on("elephantasm_create_anima");
/// let busy = sandbox.fault(busy)?;
/// client.animas().create(AnimaCreate::new("Ada")).await?;
/// assert_eq!(busy.hits(), 1);
///
/// sandbox.fault(Fault::cut_body_at(10).on("elephantasm_create_anima"))?;
/// let error = client.animas().create(AnimaCreate::new("Ben")).await.unwrap_err();
/// assert!(error.may_have_been_processed());
/// # Ok(()) }
/// ```
///
/// # Unreachable servers
///
/// [`down_for`](Self::down_for) and [`silent_for`](Self::silent_for) start with a call, and end by themselves. To
/// refuse connections, or let them hang, from the first one on, set the sandbox's
/// [reach](crate::sandbox::Sandbox::set_reach). Refused connections never arrive, so the sandbox cannot count them.
///
/// The sandbox serves plain HTTP on a loopback address: it cannot simulate failures of TLS or name resolution.
#[derive(Clone, Debug)]
#[must_use = "a fault does nothing until it is given to `Sandbox::fault`"]
pub struct Fault {
    pub(super) effect: Effect,
    /// Delay of the response or fault.
    pub(super) delay: Duration,
    /// Whether the response is sent before the body of the request is read.
    pub(super) early: bool,
    /// Whether, when and how often the server processes the call.
    pub(super) processing: Processing,
    pub(in crate::sandbox) operation: Option<String>,
    pub(super) first: usize,
    pub(super) count: Option<usize>,
    pub(super) probability: Option<f64>,
    /// What was wrong with an argument.
    pub(super) invalid: Option<String>,
}

/// Whether, when and how often a call is processed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Processing {
    Not,
    /// On arrival.
    Once,
    Twice,
    /// Once, after the delay.
    Late,
}

#[derive(Clone, Debug)]
pub(super) enum Effect {
    Damage(Damage),
    /// The response is only delayed.
    Undamaged,
    /// The server is unreachable for a while.
    Outage(Reach, Duration),
    Truncate(usize),
    /// One byte of the body is changed.
    Corrupt(usize),
    /// The response has this header.
    Header(HeaderName, HeaderValue),
    Respond(Canned),
    /// The frames of a live body with these numbers, counted from 1, are lost.
    DropFrames(usize, usize),
    /// A live body ends after this many frames, as if it were complete.
    EndAfter(usize),
    /// The connection is reset before anything is read from it.
    Connection,
    /// After this many bytes of a request, the connection is reset, goes silent or pauses.
    Request(usize, End),
}

/// Connection faults.
impl Fault {
    /// Resets the connection as soon as a request begins to arrive, before any of it is read. It affects connections,
    /// not calls, and [`nth`](Self::nth), [`times`](Self::times), [`always`](Self::always) and
    /// [`with_probability`](Self::with_probability) count those; it cannot be combined with [`on`](Self::on).
    ///
    /// Clients keep connections alive, so a client that has made a call may not make another connection for a long
    /// time. A newly [built](crate::sandbox::Sandbox::elephantasm_builder) one has none. The client cannot know whether
    /// its request was read, so [`may_have_been_processed`](crate::Error::may_have_been_processed) is true, and only
    /// idempotent calls are retried.
    pub fn reset_on_connect() -> Self {
        Self::new(Effect::Connection, false)
    }

    /// Resets the connection after `bytes` bytes of a request, counted from the start of its head, at the latest before
    /// its last byte. The call is not processed, and [`Sandbox::requests`](crate::sandbox::Sandbox::requests) does not
    /// list it. A client that is still writing, such as the body of a large request, finds the connection gone.
    ///
    /// It affects requests as they begin to arrive, on new and kept-alive connections; [`nth`](Self::nth),
    /// [`times`](Self::times), [`always`](Self::always) and [`with_probability`](Self::with_probability) count those.
    /// Their operation is not known at that point, so it cannot be combined with [`on`](Self::on).
    pub fn reset_request_at(bytes: usize) -> Self {
        Self::new(Effect::Request(bytes, End::Reset), false)
    }

    /// Stops reading after `bytes` bytes of a request, counted from the start of its head, at the latest before its
    /// last byte, and stays silent. A client that sends more than the network buffers cannot even finish sending.
    ///
    /// It affects requests, and counts them, like [`reset_request_at`](Self::reset_request_at).
    pub fn stall_request_at(bytes: usize) -> Self {
        Self::new(Effect::Request(bytes, End::Stall), false)
    }

    /// Pauses reading after `bytes` bytes of a request, counted from the start of its head, at the latest before its
    /// last byte. The server then reads the rest and handles the call as usual.
    ///
    /// It affects requests, and counts them, like [`reset_request_at`](Self::reset_request_at).
    pub fn pause_request_at(bytes: usize, pause: Duration) -> Self {
        Self::new(Effect::Request(bytes, End::Pause(pause)), false)
    }

    /// Closes the connection after the complete response, which has no `connection: close`: a client that keeps the
    /// connection alive finds it dead.
    pub fn close_after() -> Self {
        Self::new(Effect::Damage(Damage::Last), true)
    }

    /// Closes the connection instead of responding.
    ///
    /// If a client had kept the connection alive from an earlier call, it treats it as one that was already dead
    /// ([`TransportKind::StaleConnection`](crate::TransportKind::StaleConnection)): idempotent calls are retried at
    /// once, and once more than the retry policy allows. Make the fault affect that attempt as well, with
    /// [`times`](Self::times), or give the code under test a newly
    /// [built](crate::sandbox::Sandbox::elephantasm_builder) client, which has no kept-alive connection. The same
    /// applies to every fault that ends a connection before the complete head of a response.
    pub fn cut() -> Self {
        Self::cut_head_at(0)
    }

    /// Closes the connection after `bytes` bytes of the response's head, at the latest before its last byte.
    pub fn cut_head_at(bytes: usize) -> Self {
        Self::broken(Place::Head(bytes), End::Cut)
    }

    /// Closes the connection after `bytes` bytes of the response's body, at the latest before its last byte. In a live
    /// response, the framing of its chunks counts too.
    pub fn cut_body_at(bytes: usize) -> Self {
        Self::broken(Place::Body(bytes), End::Cut)
    }

    /// Resets the connection instead of responding.
    pub fn reset() -> Self {
        Self::broken(Place::Head(0), End::Reset)
    }

    /// Resets the connection after `bytes` bytes of the response's head, at the latest before its last byte.
    pub fn reset_head_at(bytes: usize) -> Self {
        Self::broken(Place::Head(bytes), End::Reset)
    }

    /// Resets the connection after `bytes` bytes of the response's body, at the latest before its last byte.
    pub fn reset_body_at(bytes: usize) -> Self {
        Self::broken(Place::Body(bytes), End::Reset)
    }

    /// Never responds; the connection stays open until the client closes it.
    pub fn stall() -> Self {
        Self::broken(Place::Head(0), End::Stall)
    }

    /// Sends nothing after `bytes` bytes of the response's head, at the latest before its last byte; the connection
    /// stays open until the client closes it.
    pub fn stall_head_at(bytes: usize) -> Self {
        Self::broken(Place::Head(bytes), End::Stall)
    }

    /// Sends nothing after `bytes` bytes of the response's body; the connection stays open until the client closes it.
    pub fn stall_body_at(bytes: usize) -> Self {
        Self::broken(Place::Body(bytes), End::Stall)
    }

    /// Pauses the response after `bytes` bytes of its head, at the latest before its last byte.
    pub fn pause_head_at(bytes: usize, pause: Duration) -> Self {
        Self::broken(Place::Head(bytes), End::Pause(pause))
    }

    /// Pauses the response after `bytes` bytes of its body.
    pub fn pause_body_at(bytes: usize, pause: Duration) -> Self {
        Self::broken(Place::Body(bytes), End::Pause(pause))
    }

    /// Takes the server down when the call arrives, and brings it back after `span`: until then all connections are
    /// reset and new ones refused, as with [`Reach::Down`]. The call is processed, but gets no response; with
    /// [`unprocessed`](Self::unprocessed), it is not processed either.
    ///
    /// To be down before any call, set the [reach](crate::sandbox::Sandbox::set_reach).
    pub fn down_for(span: Duration) -> Self {
        Self::new(Effect::Outage(Reach::Down, span), true)
    }

    /// Makes the network carry nothing for `span` once the call has arrived, as with [`Reach::Silent`]. Then the
    /// response is sent, if the client still waits for it.
    ///
    /// To be silent before any call, set the [reach](crate::sandbox::Sandbox::set_reach).
    pub fn silent_for(span: Duration) -> Self {
        Self::new(Effect::Outage(Reach::Silent, span), true)
    }

    /// Delays the response.
    pub fn delay(delay: Duration) -> Self {
        Self::new(Effect::Undamaged, true).delayed(delay)
    }

    /// Delays the fault after the call was processed, or dropped: a proxy that gives up waiting, a connection that
    /// breaks after a while. With [`processed_late`](Self::processed_late) the call is processed after the delay. Not
    /// for faults of connections and requests.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use polyagent::sandbox::Fault;
    /// let gives_up = Fault::status(504).html("<h1>Gateway Timeout</h1>").processed().delayed(Duration::from_secs(2));
    /// ```
    pub fn delayed(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Sends the response's body in pieces of `bytes` bytes. As on any network, some may arrive together.
    pub fn split(bytes: usize) -> Self {
        Self::split_slowly(bytes, Duration::ZERO)
    }

    /// Sends the response's body in pieces of `bytes` bytes, with a `pause` before each but the first.
    pub fn split_slowly(bytes: usize, pause: Duration) -> Self {
        Self::new(Effect::Damage(Damage::Split { bytes, pause }), true)
    }

    /// Sends these bytes instead of the response, whether they are valid HTTP or not; then the connection is closed.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(Effect::Damage(Damage::Replaced(Bytes::from(bytes.into()))), true)
    }

    pub(super) fn new(effect: Effect, processed: bool) -> Self {
        Self {
            effect,
            delay: Duration::ZERO,
            early: false,
            processing: if processed { Processing::Once } else { Processing::Not },
            operation: None,
            first: 1,
            count: Some(1),
            probability: None,
            invalid: None,
        }
    }

    fn broken(at: Place, end: End) -> Self {
        Self::new(Effect::Damage(Damage::Broken { at, end }), true)
    }
}
