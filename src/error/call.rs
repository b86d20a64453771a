//! Errors of the call itself, and the record that every error of a call carries.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use http::{Method, StatusCode};

use super::{BoxError, Head};

/// What is known of a call whatever became of it.
#[derive(Clone, Debug)]
pub(crate) struct CallRecord {
    pub(crate) operation: &'static str,
    pub(crate) method: Method,
    /// Without the values of the query.
    pub(crate) url: String,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) may_have_been_processed: bool,
}

impl fmt::Display for CallRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)?;
        if self.attempts.len() > 1 {
            write!(f, ", {} attempts", self.attempts.len())?;
        }
        Ok(())
    }
}

/// What one attempt of a call met.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub(crate) status: Option<StatusCode>,
    pub(crate) cause: String,
    pub(crate) took: Duration,
    pub(crate) waited: Duration,
    pub(crate) may_have_been_processed: bool,
}

impl Attempt {
    /// The status of the answer, if one came.
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// What went wrong, in a few words.
    pub fn cause(&self) -> &str {
        &self.cause
    }

    /// From the start of the attempt to its end.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// How long was waited before the next attempt; zero after the last.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// Whether the server may have done what was asked in this attempt; `false` is certain.
    pub fn may_have_been_processed(&self) -> bool {
        self.may_have_been_processed
    }
}

/// Where a connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportKind {
    /// No connection was made: name not found, refused, TLS handshake failed.
    NotConnected,
    /// A connection kept from an earlier call ended before a whole answer head came: most often it was dead before.
    StaleConnection,
    /// The request went out, and the connection ended before a whole answer head came.
    NoAnswer,
    /// The answer's body ended before it was complete.
    BodyCut,
    /// The answer's body is larger than the client's limit.
    BodyTooLarge,
    /// What came is not HTTP.
    InvalidHttp,
    /// Anything else.
    Other,
}

impl TransportKind {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::NotConnected => "could not connect",
            Self::StaleConnection => "a kept-alive connection ended before an answer came",
            Self::NoAnswer => "the connection ended before an answer came",
            Self::BodyCut => "the connection ended in the middle of the answer",
            Self::BodyTooLarge => "the answer is too large",
            Self::InvalidHttp => "the answer is not HTTP",
            Self::Other => "the exchange failed",
        }
    }
}

/// A connection failed; payload of [`Error::Connect`](crate::Error::Connect) and [`Error::Transport`](crate::Error::Transport).
#[derive(Debug)]
pub struct TransportError {
    pub(crate) kind: TransportKind,
    pub(crate) source: BoxError,
    /// What came of a 2xx answer before.
    pub(crate) head: Option<Box<Head>>,
    pub(crate) record: CallRecord,
}

impl TransportError {
    /// Where it failed.
    pub fn kind(&self) -> TransportKind {
        self.kind
    }

    pub(crate) fn words(&self) -> String {
        format!("{}: {}", self.kind.words(), root_cause(&*self.source))
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}{})", self.words(), self.record, after(self.head.as_deref()))
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}

/// What an error says besides of an answer that had begun.
fn after(head: Option<&Head>) -> String {
    head.map(|head| format!(", after {}", head.status)).unwrap_or_default()
}

/// The innermost error of a chain, where the operating system or the parser says what happened; or the one around it
/// that says the same and more, as OpenSSL's does.
pub(crate) fn root_cause<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    let (mut root, mut inner) = (error, error);
    while let Some(source) = inner.source() {
        inner = source;
        if !root.to_string().contains(&inner.to_string()) {
            root = inner;
        }
    }
    root
}

/// Which timer ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Timer {
    /// Making a connection, TLS handshake included.
    Connect,
    /// One attempt, from sending to the last byte of the answer.
    Attempt,
    /// The whole call, over all attempts and the waits between them.
    Total,
    /// Waiting for a long job to be done.
    Poll,
}

/// A timer ran out; payload of [`Error::Timeout`](crate::Error::Timeout).
#[derive(Debug)]
pub struct TimeoutError {
    pub(crate) timer: Timer,
    pub(crate) after: Duration,
    /// What was met before.
    pub(crate) met: Option<BoxError>,
    /// What came of a 2xx answer before.
    pub(crate) head: Option<Box<Head>>,
    pub(crate) record: CallRecord,
}

impl TimeoutError {
    /// Which timer.
    pub fn timer(&self) -> Timer {
        self.timer
    }

    /// What the timer was set to.
    pub fn after(&self) -> Duration {
        self.after
    }

    pub(crate) fn words(&self) -> String {
        timeout_words(self.timer, self.after)
    }
}

pub(crate) fn timeout_words(timer: Timer, after: Duration) -> String {
    match timer {
        Timer::Connect => format!("no connection within {after:?}"),
        Timer::Attempt => format!("no complete answer within {after:?}"),
        Timer::Total => format!("the call was not done within {after:?}"),
        Timer::Poll => format!("the job was not done within {after:?}"),
    }
}

impl fmt::Display for TimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}{})", self.words(), self.record, after(self.head.as_deref()))
    }
}

impl StdError for TimeoutError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.met.as_deref().map(|met| met as &(dyn StdError + 'static))
    }
}

/// A client could not be built or its credentials could not be had; payload of [`Error::Config`](crate::Error::Config).
#[derive(Debug)]
pub struct ConfigError {
    message: String,
    source: Option<BoxError>,
    pub(crate) record: Option<Box<CallRecord>>,
}

impl ConfigError {
    pub(crate) fn new(message: String, source: Option<BoxError>) -> Self {
        Self { message, source, record: None }
    }

    pub(crate) fn with_record(mut self, record: CallRecord) -> Self {
        self.record = Some(Box::new(record));
        self
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(source) = &self.source {
            write!(f, ": {}", root_cause(&**source))?;
        }
        match &self.record {
            Some(record) => write!(f, " ({record})"),
            None => Ok(()),
        }
    }
}

impl StdError for ConfigError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|s| s as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] Option<Box<Layer>>);

    fn root(words: &[&'static str]) -> String {
        let chain = words.iter().rev().fold(None, |inner, words| Some(Box::new(Layer(words, inner))));
        root_cause(&chain.unwrap()).to_string()
    }

    #[test]
    fn the_root_cause_is_the_innermost_error_unless_one_around_it_says_more() {
        assert_eq!(root(&["refused"]), "refused");
        assert_eq!(root(&["error sending request", "client error", "refused"]), "refused");
        assert_eq!(root(&["client error", "verify failed (expired)", "verify failed"]), "verify failed (expired)");
        assert_eq!(root(&["client error", "refused", "refused"]), "refused");
    }
}
