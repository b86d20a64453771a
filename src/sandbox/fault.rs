//! What a network or a server can do to a call.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};

use super::answer::Answer;
use super::reach::Reach;
use super::wire::{Damage, End, Place};

/// One thing that goes wrong, and for which calls.
///
/// What goes wrong is chosen by the function that makes the fault, for which calls by the methods after it. Without
/// them it is the next call, whatever its operation. [`Sandbox::fault`](super::Sandbox::fault) arms it.
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
/// assert_eq!(busy.struck(), 1);
///
/// sandbox.fault(Fault::cut_body_at(10).on("elephantasm_create_anima"))?;
/// let error = client.animas().create(AnimaCreate::new("Ben")).await.unwrap_err();
/// assert!(error.may_have_been_processed());
/// # Ok(()) }
/// ```
///
/// # When the server can't be reached
///
/// [`down_for`](Self::down_for) and [`silent_for`](Self::silent_for) begin with a call, and end by themselves. To refuse
/// connections, or let them hang, from the first one on, set the sandbox's [reach](super::Sandbox::set_reach). What is
/// refused never arrives, so the sandbox can't count it.
#[derive(Clone, Debug)]
#[must_use = "a fault does nothing until it is given to `Sandbox::fault`"]
pub struct Fault {
    pub(super) effect: Effect,
    /// How much later than it could.
    pub(super) delay: Duration,
    /// Whether it is answered before the body of the request is read.
    pub(super) early: bool,
    /// Whether the server does what it is asked for all the same.
    pub(super) processing: Processing,
    pub(super) operation: Option<String>,
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
    /// When it has arrived.
    Once,
    Twice,
    /// Once, after the delay.
    Late,
}

#[derive(Clone, Debug)]
pub(super) enum Effect {
    Damage(Damage),
    /// It is only late.
    Undamaged,
    /// Nobody gets through for a while.
    Outage(Reach, Duration),
    Truncate(usize),
    /// One byte of the body is another.
    Corrupt(usize),
    /// The answer has this header.
    Header(HeaderName, HeaderValue),
    Answer(Answer),
    /// The connection is reset before anything is read from it.
    Connection,
    /// When so many bytes of a request were read, the connection is reset, goes silent or pauses.
    Request(usize, End),
}

/// How the connection fares.
impl Fault {
    /// The connection is made, and reset as soon as a request begins to arrive, before any of it is read. It strikes
    /// connections, not calls, and [`nth`](Self::nth), [`times`](Self::times), [`always`](Self::always) and
    /// [`with_probability`](Self::with_probability) count those; [`on`](Self::on) does not go with it.
    ///
    /// Clients keep connections, so a client that has made a call may not make another connection for long. One that
    /// was just [built](super::Sandbox::elephantasm_builder) has none. It can't tell whether its request was read, so
    /// [`may_have_been_processed`](crate::Error::may_have_been_processed) says yes, and only calls that may be repeated
    /// are retried.
    ///
    /// ```
    /// # use polyagent::elephantasm::types::ListAnimasParams;
    /// # use polyagent::sandbox::{Fault, Sandbox};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), polyagent::Error> {
    /// let sandbox = Sandbox::start().await?;
    /// let client = sandbox.elephantasm_builder().build()?;
    /// let resets = sandbox.fault(Fault::reset_on_connect().times(2))?;
    /// client.animas().list(ListAnimasParams::new()).await?; // on the third connection
    /// assert_eq!((resets.struck(), sandbox.requests().len()), (2, 1));
    /// # Ok(()) }
    /// ```
    pub fn reset_on_connect() -> Self {
        Self::new(Effect::Connection, false)
    }

    /// The connection is reset after `bytes` bytes of a request, counted from the first one of its head, at the latest
    /// before its last one. The call is not processed, and [`Sandbox::requests`](super::Sandbox::requests) does not show
    /// it. A client that still writes, such as the body of a large request, finds the connection gone.
    ///
    /// It strikes requests as they begin to arrive, on new connections and kept ones;
    /// [`nth`](Self::nth), [`times`](Self::times), [`always`](Self::always) and
    /// [`with_probability`](Self::with_probability) count those. What they ask for is not known then, so
    /// [`on`](Self::on) does not go with it.
    ///
    /// ```
    /// # use polyagent::elephantasm::types::{AnimaCreate, ListAnimasParams};
    /// # use polyagent::sandbox::{Fault, Sandbox};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), polyagent::Error> {
    /// let sandbox = Sandbox::start().await?;
    /// let client = sandbox.elephantasm();
    /// sandbox.fault(Fault::reset_request_at(100))?;
    /// let error = client.animas().create(AnimaCreate::new("Ada")).await.unwrap_err();
    /// assert!(error.may_have_been_processed()); // The client can't know,
    /// assert!(sandbox.requests().is_empty()); // but it was not.
    /// # Ok(()) }
    /// ```
    pub fn reset_request_at(bytes: usize) -> Self {
        Self::new(Effect::Request(bytes, End::Reset), false)
    }

    /// The server reads no further than `bytes` bytes of a request, counted from the first one of its head, at the latest
    /// before its last one, and stays silent. A client that sends more than the network holds can't even finish that.
    ///
    /// It strikes requests, and is counted, like [`reset_request_at`](Self::reset_request_at).
    pub fn stall_request_at(bytes: usize) -> Self {
        Self::new(Effect::Request(bytes, End::Stall), false)
    }

    /// The server reads `bytes` bytes of a request, at the latest all but its last one, pauses, and reads on. Then the
    /// call goes its way.
    ///
    /// It strikes requests, and is counted, like [`reset_request_at`](Self::reset_request_at).
    pub fn pause_request_at(bytes: usize, pause: Duration) -> Self {
        Self::new(Effect::Request(bytes, End::Pause(pause)), false)
    }

    /// The connection is closed once the answer was sent in full, without `connection: close`: a client that keeps the
    /// connection finds it dead.
    pub fn close_after() -> Self {
        Self::new(Effect::Damage(Damage::Last), true)
    }

    /// The connection is closed in place of an answer.
    ///
    /// If a client had kept the connection from an earlier call, it takes it for one that was dead before
    /// ([`TransportKind::StaleConnection`](crate::TransportKind::StaleConnection)): calls that may be repeated are sent
    /// again at once, and once more than the retry policy says. Strike that attempt as well, with
    /// [`times`](Self::times), or give the code under test a client that was just
    /// [built](super::Sandbox::elephantasm_builder), which has kept no connection. The same goes for every fault that
    /// ends a connection before the whole head of an answer came.
    pub fn cut() -> Self {
        Self::cut_head_at(0)
    }

    /// The connection is closed after `bytes` bytes of the answer's head, at the latest before its last one.
    pub fn cut_head_at(bytes: usize) -> Self {
        Self::broken(Place::Head(bytes), End::Cut)
    }

    /// The connection is closed after `bytes` bytes of the answer's body, at the latest before its last one.
    pub fn cut_body_at(bytes: usize) -> Self {
        Self::broken(Place::Body(bytes), End::Cut)
    }

    /// The connection is reset in place of an answer.
    pub fn reset() -> Self {
        Self::broken(Place::Head(0), End::Reset)
    }

    /// The connection is reset after `bytes` bytes of the answer's head, at the latest before its last one.
    pub fn reset_head_at(bytes: usize) -> Self {
        Self::broken(Place::Head(bytes), End::Reset)
    }

    /// The connection is reset after `bytes` bytes of the answer's body, at the latest before its last one.
    pub fn reset_body_at(bytes: usize) -> Self {
        Self::broken(Place::Body(bytes), End::Reset)
    }

    /// No answer ever comes; the connection stays open until the client leaves.
    pub fn stall() -> Self {
        Self::broken(Place::Head(0), End::Stall)
    }

    /// Nothing more comes after `bytes` bytes of the answer's head, at the latest before its last one; the connection
    /// stays open until the client leaves.
    pub fn stall_head_at(bytes: usize) -> Self {
        Self::broken(Place::Head(bytes), End::Stall)
    }

    /// Nothing more comes after `bytes` bytes of the answer's body; the connection stays open until the client leaves.
    pub fn stall_body_at(bytes: usize) -> Self {
        Self::broken(Place::Body(bytes), End::Stall)
    }

    /// The answer pauses after `bytes` bytes of its head, at the latest before its last one.
    pub fn pause_head_at(bytes: usize, pause: Duration) -> Self {
        Self::broken(Place::Head(bytes), End::Pause(pause))
    }

    /// The answer pauses after `bytes` bytes of its body.
    pub fn pause_body_at(bytes: usize, pause: Duration) -> Self {
        Self::broken(Place::Body(bytes), End::Pause(pause))
    }

    /// The server goes down as the call arrives, and is back after `span`: until then all connections are reset and new
    /// ones refused, as [`Reach::Down`] has it. The call is processed, but not answered; with
    /// [`unprocessed`](Self::unprocessed), it is not processed either.
    ///
    /// To be down before any call, set the [reach](super::Sandbox::set_reach).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use polyagent::RetryPolicy;
    /// # use polyagent::sandbox::{Fault, Sandbox};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), polyagent::Error> {
    /// let sandbox = Sandbox::start().await?;
    /// let pause = Duration::from_millis(200);
    /// let steady = RetryPolicy::default().max_retries(5).backoff(pause, pause).jitter(false);
    /// let client = sandbox.elephantasm_builder().retry_policy(steady).build()?;
    /// client.health().await?;
    ///
    /// let restart = sandbox.fault(Fault::down_for(Duration::from_millis(300)))?;
    /// client.health().await?; // some attempts were refused, then the server was back
    /// assert_eq!(restart.struck(), 1);
    /// # Ok(()) }
    /// ```
    pub fn down_for(span: Duration) -> Self {
        Self::new(Effect::Outage(Reach::Down, span), true)
    }

    /// The network carries nothing for `span` from when the call has arrived, as [`Reach::Silent`] has it. Then the
    /// answer comes, if the client still waits for it.
    ///
    /// To be silent before any call, set the [reach](super::Sandbox::set_reach).
    pub fn silent_for(span: Duration) -> Self {
        Self::new(Effect::Outage(Reach::Silent, span), true)
    }

    /// The answer comes so much later.
    pub fn delay(delay: Duration) -> Self {
        Self::new(Effect::Undamaged, true).delayed(delay)
    }

    /// What happens comes so much later after the call was processed, or was not: a proxy that gives up waiting, a
    /// connection that breaks after a while. Not of faults that let no call through.
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

    /// The answer's body is sent in pieces of `bytes` bytes. As on any network, some may arrive together.
    pub fn split(bytes: usize) -> Self {
        Self::split_slowly(bytes, Duration::ZERO)
    }

    /// The answer's body comes in pieces of `bytes` bytes, with a `pause` before each but the first.
    pub fn split_slowly(bytes: usize, pause: Duration) -> Self {
        Self::new(Effect::Damage(Damage::Split { bytes, pause }), true)
    }

    /// These bytes come in place of the answer, whatever HTTP makes of them; then the connection is closed.
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
