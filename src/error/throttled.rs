//! Calls that the client's own limit refuses.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use super::call::{CallRecord, call_accessors};

/// The client's own [`CallLimit`](crate::CallLimit) refuses a call; payload of
/// [`Error::Throttled`](crate::Error::Throttled).
#[derive(Debug)]
pub struct ThrottledError {
    retry_after: Duration,
    pub(super) record: CallRecord,
}

call_accessors!(ThrottledError);

impl ThrottledError {
    pub(crate) fn new(retry_after: Duration, record: CallRecord) -> Self {
        Self { retry_after, record }
    }

    /// Returns how long the call would have had to wait.
    pub fn retry_after(&self) -> Duration {
        self.retry_after
    }

    pub(crate) fn message(&self) -> String {
        format!("the client's call limit allows the next call in {:?}", self.retry_after)
    }
}

impl fmt::Display for ThrottledError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message(), self.record)
    }
}

impl StdError for ThrottledError {}
