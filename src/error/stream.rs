//! Bodies that are handed on while they arrive, and break off.

use std::error::Error as StdError;
use std::fmt;

use super::BoxError;
use super::call::{CallRecord, call_accessors, root_cause};

/// What went wrong with a stream or a download whose response had begun well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StreamFault {
    /// It ended before it was complete, and the rest could not be had.
    Truncated,
    /// The server sends it from the beginning instead of going on, or it has changed meanwhile.
    Restarted,
    /// It is larger than a limit of the client.
    TooLarge,
    /// What it was written to failed.
    Sink,
}

impl StreamFault {
    fn message(self) -> &'static str {
        match self {
            Self::Truncated => "it broke off before its end",
            Self::Restarted => "the server started over instead of going on",
            Self::TooLarge => "it is larger than the limit",
            Self::Sink => "what was received could not be written",
        }
    }
}

/// A stream or a download failed after it had begun; payload of [`Error::Stream`](crate::Error::Stream).
#[derive(Debug)]
pub struct StreamError {
    fault: StreamFault,
    received: u64,
    pub(super) source: Option<BoxError>,
    pub(super) record: CallRecord,
}

call_accessors!(StreamError);

impl StreamError {
    pub(crate) fn new(fault: StreamFault, received: u64, source: Option<BoxError>, record: CallRecord) -> Self {
        Self { fault, received, source, record }
    }

    /// Returns what went wrong.
    pub fn fault(&self) -> StreamFault {
        self.fault
    }

    /// Returns the number of bytes that had been handed out: the offset of what is missing.
    pub fn received(&self) -> u64 {
        self.received
    }

    pub(crate) fn message(&self) -> String {
        let message = format!("after {} bytes, {}", self.received, self.fault.message());
        match &self.source {
            Some(source) => format!("{message}: {}", root_cause(&**source)),
            None => message,
        }
    }
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message(), self.record)
    }
}

/// Without a source: the message names the root cause.
impl StdError for StreamError {}
