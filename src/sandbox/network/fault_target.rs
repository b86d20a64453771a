//! Which calls a fault affects.

use super::fault::{Effect, Fault, Processing};
use super::injector::InjectionPoint;
use crate::Error;
use crate::check::InvalidArgument;

/// Targeting.
impl Fault {
    /// Targets only calls of this operation, by its id in the OpenAPI document.
    /// [`Sandbox::operations`](crate::sandbox::Sandbox::operations) lists the ids.
    ///
    /// ```
    /// # use polyagent::sandbox::{Fault, Sandbox};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), polyagent::Error> {
    /// let sandbox = Sandbox::start().await?;
    /// sandbox.fault(Fault::cut().on("elephantasm_create_event"))?;
    /// # Ok(()) }
    /// ```
    pub fn on(mut self, operation: impl Into<String>) -> Self {
        self.operation = Some(operation.into());
        self
    }

    /// Starts at the `n`-th matching call, counted from when the fault is armed. The first one is 1, the default.
    pub fn nth(mut self, n: usize) -> Self {
        if n == 0 {
            self.invalid = Some("calls are counted from 1".to_owned());
        }
        self.first = n;
        self
    }

    /// Affects this many calls in a row. Default: 1.
    pub fn times(mut self, count: usize) -> Self {
        self.count = Some(count);
        self
    }

    /// Affects every call until the faults are [cleared](crate::sandbox::Sandbox::clear_faults).
    pub fn always(mut self) -> Self {
        self.count = None;
        self
    }

    /// Affects each matching call with this probability, 0 to 1. The random sequence is the same in every run.
    pub fn with_probability(mut self, probability: f64) -> Self {
        if !(0.0..=1.0).contains(&probability) {
            self.invalid = Some(format!("{probability} is not a probability"));
        }
        self.probability = Some(probability);
        self
    }

    /// Makes the server process the call, although the response does not show it. The default of all faults except
    /// [`status`](Self::status). It cannot be combined with [`early`](Self::early), nor with faults of connections and
    /// requests, such as [`reset_on_connect`](Self::reset_on_connect), which apply before the call has arrived.
    pub fn processed(mut self) -> Self {
        self.processing = Processing::Once;
        self
    }

    /// Makes the server ignore the call, as if it were lost on its way. The damaged response is then a proxy's 502.
    pub fn unprocessed(mut self) -> Self {
        self.processing = Processing::Not;
        self
    }

    /// Makes the server process the call only after the [delay](Self::delayed), even if the client has left by then.
    pub fn processed_late(mut self) -> Self {
        self.processing = Processing::Late;
        self
    }

    /// Makes the server process the call twice, as if a proxy had sent it again. The response is that to the second
    /// one.
    pub fn processed_twice(mut self) -> Self {
        self.processing = Processing::Twice;
        self
    }

    pub(in crate::sandbox) fn check(&self) -> Result<(), Error> {
        let wrong = if self.invalid.is_some() {
            self.invalid.as_deref()
        } else if !self.affects_calls()
            && (self.operation.is_some() || self.processing != Processing::Not || !self.delay.is_zero())
        {
            Some("faults of connections and requests take no operation, processing or delay")
        } else if matches!(&self.effect, Effect::Respond(reply) if reply.is_bodiless() && !reply.body.is_empty()) {
            Some("responses with this status have no body; `Fault::raw` writes any bytes")
        } else if self.early && self.processing != Processing::Not {
            Some("an early response is sent before the call is processed")
        } else {
            None
        };
        wrong.map_or(Ok(()), |reason| Err(InvalidArgument::new("fault", format!("is invalid: {reason}")).into()))
    }

    fn affects_calls(&self) -> bool {
        !matches!(self.effect, Effect::Connection | Effect::Request(..))
    }

    /// Whether the fault applies to events like `point`.
    pub(super) fn concerns(&self, point: InjectionPoint<'_>) -> bool {
        match point {
            InjectionPoint::Connection => matches!(self.effect, Effect::Connection),
            InjectionPoint::Request => matches!(self.effect, Effect::Request(..)),
            InjectionPoint::Head(operation) => self.early && self.is_of(operation),
            InjectionPoint::Call(operation) => self.affects_calls() && !self.early && self.is_of(operation),
        }
    }

    fn is_of(&self, operation: Option<&str>) -> bool {
        self.operation.is_none() || self.operation.as_deref() == operation
    }

    /// Whether the fault affects the `n`-th matching call.
    pub(super) fn covers(&self, n: usize) -> bool {
        n >= self.first && self.count.is_none_or(|count| n - self.first < count)
    }

    /// Whether no call after the `n`-th matching one will be affected.
    pub(super) fn spent(&self, n: usize) -> bool {
        self.count.is_some_and(|count| n + 1 >= self.first.saturating_add(count))
    }
}
