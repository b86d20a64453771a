//! Errors of the call itself, and the record that every error of a call carries.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use http::{Method, StatusCode};

use super::{BoxError, Head};

/// What is known about a call, however it ended.
#[derive(Clone, Debug)]
pub(crate) struct CallRecord {
    pub(crate) operation: &'static str,
    pub(crate) method: Method,
    /// Without the values of the query.
    pub(crate) url: String,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) may_have_been_processed: bool,
    /// The response may hold a new secret, so its body is never quoted.
    pub(crate) confidential: bool,
    /// What else a user should know.
    pub(crate) note: Option<&'static str>,
}

impl fmt::Display for CallRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)?;
        if self.attempts.len() > 1 {
            write!(f, ", {} attempts", self.attempts.len())?;
        }
        if self.attempts.last().is_some_and(Attempt::retry_budget_spent) {
            f.write_str(", not retried: the retry budget is spent")?;
        }
        if let Some(note) = self.note {
            write!(f, "; {note}")?;
        }
        Ok(())
    }
}

/// What every error of a call that was prepared says about the call.
macro_rules! call_accessors {
    ($error:ident) => {
        impl $error {
            /// Returns the id of the called operation in the OpenAPI document; `raw` for a raw call.
            pub fn operation(&self) -> &'static str {
                self.record.operation
            }

            /// Returns the request's method.
            pub fn method(&self) -> &http::Method {
                &self.record.method
            }

            /// Returns the request's URL, without the values of its query.
            pub fn url(&self) -> &str {
                &self.record.url
            }

            /// Returns the outcome of each attempt, and the wait after it.
            pub fn attempts(&self) -> &[$crate::error::Attempt] {
                &self.record.attempts
            }

            /// Whether the server may have processed the call although it failed.
            pub fn may_have_been_processed(&self) -> bool {
                self.record.may_have_been_processed
            }
        }
    };
}
pub(super) use call_accessors;

/// The cause of an attempt that succeeded, before the call itself.
pub(crate) const LEARNT: &str = "told the generation of the server";

/// The outcome of one attempt of a call.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub(crate) status: Option<StatusCode>,
    pub(crate) cause: String,
    pub(crate) took: Duration,
    pub(crate) waited: Duration,
    pub(crate) may_have_been_processed: bool,
    pub(crate) retry_budget_spent: bool,
}

impl Attempt {
    /// Whether it was not one that a call makes beforehand, to learn what its server is.
    pub(crate) fn failed(&self) -> bool {
        self.cause != LEARNT
    }

    /// Returns the status of the response, if one arrived.
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// Returns a short description of what went wrong.
    pub fn cause(&self) -> &str {
        &self.cause
    }

    /// Returns the duration of the attempt.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// Returns the wait before the next attempt; zero after the last.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// Whether the server may have processed this attempt; `false` is certain.
    pub fn may_have_been_processed(&self) -> bool {
        self.may_have_been_processed
    }

    /// Whether this attempt would have been retried, had the retry budget not been spent.
    pub fn retry_budget_spent(&self) -> bool {
        self.retry_budget_spent
    }
}

/// Where a connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportKind {
    /// No connection was made: the name was not found, the connection was refused, or the TLS handshake failed.
    NotConnected,
    /// No connection was made, and another attempt is not made either: the server or the proxy does not speak TLS.
    NotTls,
    /// No connection was made, and another attempt is not made either: the proxy wants other credentials (407).
    ProxyAuthentication,
    /// A kept-alive connection ended before a complete response head arrived: most often it was dead already.
    StaleConnection,
    /// The request was sent, and the connection ended before a complete response head arrived.
    NoAnswer,
    /// The response's body ended before it was complete.
    BodyCut,
    /// The response's body is larger than the client's limit.
    BodyTooLarge,
    /// The server sent something that is not HTTP.
    InvalidHttp,
    /// Anything else.
    Other,
}

impl TransportKind {
    /// Whether no connection was made, so that nothing was sent.
    pub(crate) fn is_connect(self) -> bool {
        matches!(self, Self::NotConnected | Self::NotTls | Self::ProxyAuthentication)
    }

    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::NotConnected | Self::NotTls | Self::ProxyAuthentication => "could not connect",
            Self::StaleConnection => "a kept-alive connection ended before a response arrived",
            Self::NoAnswer => "the connection ended before a response arrived",
            Self::BodyCut => "the connection ended in the middle of the response",
            Self::BodyTooLarge => "the response is too large",
            Self::InvalidHttp => "the response is not HTTP",
            Self::Other => "the exchange failed",
        }
    }
}

/// A connection failed; payload of [`Error::Connect`](crate::Error::Connect) and
/// [`Error::Transport`](crate::Error::Transport).
#[derive(Debug)]
pub struct TransportError {
    pub(crate) kind: TransportKind,
    pub(crate) source: BoxError,
    /// What had arrived of a 2xx response.
    pub(crate) head: Option<Box<Head>>,
    pub(crate) record: CallRecord,
}

call_accessors!(TransportError);

impl TransportError {
    /// Returns where the connection failed.
    pub fn kind(&self) -> TransportKind {
        self.kind
    }

    pub(crate) fn message(&self) -> String {
        format!("{}: {}", self.kind.message(), root_cause(&*self.source))
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}{})", self.message(), self.record, after(self.head.as_deref()))
    }
}

/// No source: `Display` names the root cause, which [`Error::root_cause`](crate::Error::root_cause) returns.
impl StdError for TransportError {}

/// What an error adds about a response that had begun.
fn after(head: Option<&Head>) -> String {
    head.map(|head| format!(", after {}", head.status)).unwrap_or_default()
}

/// The innermost error of a chain, where the operating system or the parser reports what happened; or the one around it
/// if that includes the same text and more, as with OpenSSL.
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
    /// Making a connection, including the TLS handshake.
    Connect,
    /// One attempt, from sending to the last byte of the response.
    Attempt,
    /// The whole call, including all attempts and the waits between them.
    Total,
    /// Silence of an upload, a download or a stream.
    Gap,
    /// Waiting for a long job to finish.
    Poll,
}

/// A timer ran out; payload of [`Error::Timeout`](crate::Error::Timeout).
#[derive(Debug)]
pub struct TimeoutError {
    pub(crate) timer: Timer,
    pub(crate) after: Duration,
    /// The failure before the timer ran out.
    pub(crate) met: Option<BoxError>,
    /// What had arrived of a 2xx response.
    pub(crate) head: Option<Box<Head>>,
    /// The job that was waited for.
    pub(crate) awaited: Option<Awaited>,
    pub(crate) record: CallRecord,
}

/// What is known of a job at the end of a wait that was too short.
#[derive(Debug)]
pub(crate) struct Awaited {
    pub(crate) state: Option<Box<dyn Any + Send + Sync>>,
    pub(crate) ids: Vec<String>,
}

call_accessors!(TimeoutError);

impl TimeoutError {
    /// Returns the state of the job that the last successful poll showed, as the type that is polled, such as
    /// `elephantasm::types::Dream`; `None` without such a poll, for another type, and for other timers.
    pub fn last_state<U: 'static>(&self) -> Option<&U> {
        self.awaited.as_ref()?.state.as_deref()?.downcast_ref()
    }

    /// Returns the ids of the job, as the method that waits for it takes them: all that is needed to go on waiting
    /// later. Empty for other timers.
    pub fn job_ids(&self) -> &[String] {
        self.awaited.as_ref().map_or(&[], |awaited| &awaited.ids)
    }

    /// Returns which timer ran out.
    pub fn timer(&self) -> Timer {
        self.timer
    }

    /// Returns what the timer was set to.
    pub fn after(&self) -> Duration {
        self.after
    }

    pub(crate) fn message(&self) -> String {
        timeout_message(self.timer, self.after)
    }
}

pub(crate) fn timeout_message(timer: Timer, after: Duration) -> String {
    match timer {
        Timer::Connect => format!("no connection within {after:?}"),
        Timer::Attempt => format!("no complete response within {after:?}"),
        Timer::Total => format!("the call was not done within {after:?}"),
        Timer::Gap => format!("nothing moved for {after:?}"),
        Timer::Poll => format!("the job was not done within {after:?}"),
    }
}

impl fmt::Display for TimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}{})", self.message(), self.record, after(self.head.as_deref()))
    }
}

impl StdError for TimeoutError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.met.as_deref().map(|met| met as &(dyn StdError + 'static))
    }
}

/// A client could not be built, or its credentials could not be obtained; payload of
/// [`Error::Config`](crate::Error::Config).
#[derive(Debug)]
pub struct ConfigError {
    message: String,
    pub(super) source: Option<BoxError>,
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

/// No source: `Display` names the root cause, which [`Error::root_cause`](crate::Error::root_cause) returns.
impl StdError for ConfigError {}

#[cfg(test)]
impl CallRecord {
    pub(crate) fn example() -> Self {
        Self {
            operation: "elephantasm_get_anima",
            method: Method::GET,
            url: "https://host/api/animas/1?limit=…".to_owned(),
            attempts: Vec::new(),
            may_have_been_processed: false,
            confidential: false,
            note: None,
        }
    }
}

#[cfg(test)]
impl Attempt {
    pub(crate) fn example() -> Self {
        Self {
            status: Some(StatusCode::TOO_MANY_REQUESTS),
            cause: "429 Too Many Requests".to_owned(),
            took: Duration::from_millis(5),
            waited: Duration::ZERO,
            may_have_been_processed: false,
            retry_budget_spent: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] Option<Box<Layer>>);

    fn root(messages: &[&'static str]) -> String {
        let chain = messages.iter().rev().fold(None, |inner, message| Some(Box::new(Layer(message, inner))));
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
