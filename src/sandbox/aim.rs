//! Which calls a fault affects.

use super::fault::{Effect, Fault};
use super::faults::Occasion;
use crate::Error;

/// Targeting.
impl Fault {
    /// Targets only calls of this operation, by its id in the OpenAPI document.
    /// [`Sandbox::operations`](super::Sandbox::operations) lists the ids, and the error of
    /// [`Sandbox::fault`](super::Sandbox::fault) suggests similar ones for an unknown id.
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

    /// Affects every call until the faults are [cleared](super::Sandbox::clear_faults).
    pub fn always(mut self) -> Self {
        self.count = None;
        self
    }

    /// Affects each matching call with this probability, 0 to 1. The random sequence is the same in every run.
    pub fn with_probability(mut self, probability: f64) -> Self {
        if !(0.0..=1.0).contains(&probability) {
            self.invalid = Some(format!("{probability} is no probability"));
        }
        self.probability = Some(probability);
        self
    }

    /// Makes the server process the call, although the response does not show it. The default of all faults except
    /// [`status`](Self::status). It cannot be combined with [`reset_on_connect`](Self::reset_on_connect),
    /// [`reset_request_at`](Self::reset_request_at) and [`stall_request_at`](Self::stall_request_at), which let no call
    /// through.
    pub fn processed(mut self) -> Self {
        self.processed = true;
        self
    }

    /// Makes the server ignore the call, as if it were lost on its way. The damaged response is then a proxy's 502.
    pub fn unprocessed(mut self) -> Self {
        self.processed = false;
        self
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let wrong = if self.invalid.is_some() {
            self.invalid.as_deref()
        } else if !self.strikes_calls() && (self.operation.is_some() || self.processed || !self.delay.is_zero()) {
            Some("a request that is never read whole is no call")
        } else if self.early && self.processed {
            Some("what a request asks for is not known, and not done, before its body is read")
        } else {
            None
        };
        wrong.map_or(Ok(()), |reason| Err(Error::config(format!("a fault that can't be: {reason}"))))
    }

    fn strikes_calls(&self) -> bool {
        !matches!(self.effect, Effect::NoConnection | Effect::NoRequest(..))
    }

    /// Whether the fault applies to events like `occasion`.
    pub(super) fn concerns(&self, occasion: Occasion<'_>) -> bool {
        match occasion {
            Occasion::Connection => matches!(self.effect, Effect::NoConnection),
            Occasion::Request => matches!(self.effect, Effect::NoRequest(..)),
            Occasion::Head(operation) => self.early && self.is_of(operation),
            Occasion::Call(operation) => self.strikes_calls() && !self.early && self.is_of(operation),
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
            Fault::stall_request_at(1).delayed(Duration::from_secs(1)),
            Fault::status(413).early().processed(),
            Fault::cut().early(),
        ] {
            assert!(fault.check().is_err(), "{fault:?}");
        }
        assert!(Fault::reset_on_connect().nth(2).always().check().is_ok());
        assert!(Fault::reset_request_at(0).nth(2).always().check().is_ok());
        assert!(Fault::status(503).header("retry-after", "1").html("<h1>Busy</h1>").nth(1).check().is_ok());
    }
}
