//! What a network or a server can do to a call.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;

use super::answer::Answer;
use super::wire::{Damage, End, Place};
use crate::Error;

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
/// # A connection that is refused
///
/// No fault refuses a connection: what listens, accepts. Drop the sandbox, and its clients meet a port where nobody
/// listens; so does a client whose base URL names such a port. A client that had kept a connection may meet the end of
/// that one first, and is refused when it tries again.
///
/// ```
/// # use polyagent::RetryPolicy;
/// # use polyagent::sandbox::Sandbox;
/// # #[tokio::main]
/// # async fn main() -> Result<(), polyagent::Error> {
/// let sandbox = Sandbox::start().await?;
/// let client = sandbox.elephantasm_builder().retry_policy(RetryPolicy::none()).build()?;
/// drop(sandbox);
/// let error = client.health().await.unwrap_err();
/// assert!(error.is_connect() && !error.may_have_been_processed());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a fault does nothing until it is given to `Sandbox::fault`"]
pub struct Fault {
    pub(super) effect: Effect,
    /// Whether the server does what it is asked for all the same.
    pub(super) processed: bool,
    pub(super) operation: Option<String>,
    first: usize,
    count: Option<usize>,
    pub(super) probability: Option<f64>,
    /// What was wrong with an argument.
    pub(super) invalid: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) enum Effect {
    Damage(Damage),
    Delay(Duration),
    Truncate(usize),
    Answer(Answer),
    /// The connection is reset before anything is read from it.
    NoConnection,
    /// The connection is reset when so many bytes of a request were read.
    NoRequest(usize),
}

/// What a fault may strike.
#[derive(Clone, Copy, Debug)]
pub(super) enum Occasion<'o> {
    /// A connection that a client makes.
    Connection,
    /// A request that begins to arrive.
    Request,
    /// A call of an operation; none if it asks for nothing that there is.
    Call(Option<&'o str>),
}

/// How the connection fares.
impl Fault {
    /// The connection is made, and reset as soon as a request begins to arrive, before any of it is read. It strikes
    /// connections, not calls, and [`nth`](Self::nth), [`times`](Self::times), [`always`](Self::always) and
    /// [`with_probability`](Self::with_probability) count those; [`on`](Self::on) does not go with it.
    ///
    /// Clients keep connections, so a client that has made a call may not make another connection for long. One that
    /// was just [built](super::Sandbox::elephantasm_builder) has none. It can't tell whether its request was read, so
    /// [`Error::may_have_been_processed`] says yes, and only calls that may be repeated are retried.
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
        Self::new(Effect::NoConnection, false)
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
        Self::new(Effect::NoRequest(bytes), false)
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

    /// The answer comes late.
    pub fn delay(delay: Duration) -> Self {
        Self::new(Effect::Delay(delay), true)
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

    fn broken(at: Place, end: End) -> Self {
        Self::new(Effect::Damage(Damage::Broken { at, end }), true)
    }
}

/// Which calls it strikes.
impl Fault {
    pub(super) fn new(effect: Effect, processed: bool) -> Self {
        Self { effect, processed, operation: None, first: 1, count: Some(1), probability: None, invalid: None }
    }

    /// Only calls of this operation, by its id in the OpenAPI document.
    /// [`Sandbox::operations`](super::Sandbox::operations) lists them, and [`Sandbox::fault`](super::Sandbox::fault)
    /// names the nearest ones if there is none of that id.
    ///
    /// ```
    /// # use polyagent::sandbox::{Fault, Sandbox};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), polyagent::Error> {
    /// let sandbox = Sandbox::start().await?;
    /// sandbox.fault(Fault::cut().on("elephantasm_create_event"))?;
    ///
    /// let unknown = sandbox.fault(Fault::cut().on("create_event")).unwrap_err();
    /// assert!(unknown.message().ends_with("the nearest: elephantasm_create_event"));
    /// # Ok(()) }
    /// ```
    pub fn on(mut self, operation: impl Into<String>) -> Self {
        self.operation = Some(operation.into());
        self
    }

    /// From the `n`-th matching call on, counted from when the fault is armed. The first one is 1, the default.
    pub fn nth(mut self, n: usize) -> Self {
        if n == 0 {
            self.invalid = Some("calls are counted from 1".to_owned());
        }
        self.first = n;
        self
    }

    /// This many calls in a row. Default: 1.
    pub fn times(mut self, count: usize) -> Self {
        self.count = Some(count);
        self
    }

    /// Every call until the faults are [cleared](super::Sandbox::clear_faults).
    pub fn always(mut self) -> Self {
        self.count = None;
        self
    }

    /// Each matching call with this probability, 0 to 1. The dice fall alike in every run.
    pub fn with_probability(mut self, probability: f64) -> Self {
        if !(0.0..=1.0).contains(&probability) {
            self.invalid = Some(format!("{probability} is no probability"));
        }
        self.probability = Some(probability);
        self
    }

    /// The server does what it is asked for, although the answer does not show it. The default of all faults but
    /// [`status`](Self::status). It does not go with [`reset_on_connect`](Self::reset_on_connect) and
    /// [`reset_request_at`](Self::reset_request_at), which let no call through.
    pub fn processed(mut self) -> Self {
        self.processed = true;
        self
    }

    /// The server does nothing: the call was lost on its way there. What is damaged then is a proxy's answer, 502.
    pub fn unprocessed(mut self) -> Self {
        self.processed = false;
        self
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let no_call = !self.strikes_calls() && (self.operation.is_some() || self.processed);
        match self.invalid.as_deref().or(no_call.then_some("a request that is never read whole is no call")) {
            Some(reason) => Err(Error::config(format!("a fault that can't be: {reason}"))),
            None => Ok(()),
        }
    }

    fn strikes_calls(&self) -> bool {
        !matches!(self.effect, Effect::NoConnection | Effect::NoRequest(_))
    }

    /// Whether it is about things like `occasion`.
    pub(super) fn concerns(&self, occasion: Occasion<'_>) -> bool {
        match occasion {
            Occasion::Connection => matches!(self.effect, Effect::NoConnection),
            Occasion::Request => matches!(self.effect, Effect::NoRequest(_)),
            Occasion::Call(operation) => {
                self.strikes_calls() && (self.operation.is_none() || self.operation.as_deref() == operation)
            }
        }
    }

    /// Whether the `n`-th matching call is one to strike.
    pub(super) fn covers(&self, n: usize) -> bool {
        n >= self.first && self.count.is_none_or(|count| n - self.first < count)
    }

    /// Whether no call after the `n`-th matching one will be struck.
    pub(super) fn spent(&self, n: usize) -> bool {
        self.count.is_some_and(|count| n + 1 >= self.first.saturating_add(count))
    }
}

/// A fault that was armed; from [`Sandbox::fault`](super::Sandbox::fault). It stays armed if this is dropped.
#[derive(Clone, Debug)]
pub struct Armed {
    pub(super) struck: Arc<AtomicUsize>,
}

impl Armed {
    /// How many calls it has struck so far; connections, or requests, if it strikes those.
    pub fn struck(&self) -> usize {
        self.struck.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(fault: &Fault) -> Vec<usize> {
        (1..=6).filter(|n| fault.covers(*n)).collect()
    }

    #[test]
    fn calls_are_chosen_by_number_and_count() {
        assert_eq!(struck(&Fault::cut()), [1]);
        assert_eq!(struck(&Fault::cut().nth(2)), [2]);
        assert_eq!(struck(&Fault::cut().nth(2).times(3)), [2, 3, 4]);
        assert_eq!(struck(&Fault::cut().nth(3).always()), [3, 4, 5, 6]);
        assert_eq!(struck(&Fault::cut().times(0)), [0; 0]);
    }

    #[test]
    fn a_fault_is_spent_with_its_last_call() {
        let fault = Fault::cut().nth(2).times(2);
        assert_eq!([1, 2, 3].map(|n| fault.spent(n)), [false, false, true]);
        assert!(!Fault::cut().always().spent(1000));
    }

    #[test]
    fn what_cannot_be_is_refused_when_armed() {
        for fault in [
            Fault::status(99),
            Fault::status(1000),
            Fault::status(500).header("a b", "c"),
            Fault::cut().html("x"),
            Fault::cut().nth(0),
            Fault::cut().with_probability(1.5),
            Fault::reset_on_connect().on("elephantasm_get_health"),
            Fault::reset_on_connect().processed(),
            Fault::reset_request_at(1).on("elephantasm_get_health"),
            Fault::reset_request_at(1).processed(),
        ] {
            assert!(fault.check().is_err(), "{fault:?}");
        }
        assert!(Fault::reset_on_connect().nth(2).always().check().is_ok());
        assert!(Fault::reset_request_at(0).nth(2).always().check().is_ok());
        assert!(Fault::status(503).header("retry-after", "1").html("<h1>Busy</h1>").nth(1).check().is_ok());
    }
}
