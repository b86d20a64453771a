//! Errors of the call itself, and the record that every error of a call carries.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};

use super::BoxError;
use crate::config;
use crate::secret::{REDACTED, Secret};

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
}

/// Where a connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportKind {
    /// No connection was made: name not found, refused, TLS handshake failed.
    NotConnected,
    /// A connection kept from an earlier call was dead before the first byte of an answer.
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
            Self::StaleConnection => "a kept-alive connection was dead",
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
        write!(f, "{} ({})", self.words(), self.record)
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}

/// The innermost error of a chain, where the operating system or the parser says what happened.
pub(crate) fn root_cause<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
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
        write!(f, "{} ({})", self.words(), self.record)
    }
}

impl StdError for TimeoutError {}

/// Why a body did not decode.
#[derive(Debug)]
pub(crate) struct DecodeFault {
    /// Path of the value within the body, for example `results[3].score`; `.` for the whole.
    pub(crate) path: String,
    pub(crate) source: serde_json::Error,
}

/// A successful answer did not have the expected form; payload of [`Error::Decode`](crate::Error::Decode).
#[derive(Debug)]
pub struct DecodeError {
    status: StatusCode,
    headers: Headers,
    body: Body,
    excerpt: Option<String>,
    fault: DecodeFault,
    pub(super) record: CallRecord,
}

impl DecodeError {
    pub(crate) fn new(
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
        mut fault: DecodeFault,
        record: CallRecord,
        secret: Option<&Secret<String>>,
    ) -> Self {
        let body = Body(body);
        let excerpt = body.excerpt().map(|excerpt| redacted(excerpt, secret));
        // serde quotes the value that it did not expect.
        let said = fault.source.to_string();
        let clean = redacted(said.clone(), secret);
        if clean != said {
            fault.source = serde::de::Error::custom(clean);
        }
        Self { status, headers: Headers(headers), body, excerpt, fault, record }
    }

    /// The answer's status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The answer's headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers.0
    }

    /// The answer's body.
    pub fn body(&self) -> &Bytes {
        &self.body.0
    }

    /// Where in the body it failed, for example `results[3].score`; `.` for the whole.
    pub fn path(&self) -> &str {
        &self.fault.path
    }

    pub(crate) fn words(&self) -> String {
        let content_type = self.headers.0.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
        let mut cause = format!(
            "cannot decode the {} answer ({}, {} bytes) at `{}`: {}",
            self.status.as_u16(),
            content_type.unwrap_or("no content type"),
            self.body.0.len(),
            self.fault.path,
            self.fault.source,
        );
        if let Some(excerpt) = &self.excerpt {
            cause.push_str("; it begins with ");
            cause.push_str(excerpt);
        }
        cause
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.words(), self.record)
    }
}

impl StdError for DecodeError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.fault.source)
    }
}

/// `text` without the key that was sent: a server may echo it.
pub(super) fn redacted(text: String, secret: Option<&Secret<String>>) -> String {
    match secret.map(|secret| secret.expose().trim()).filter(|key| !key.is_empty() && text.contains(key)) {
        Some(key) => text.replace(key, REDACTED),
        None => text,
    }
}

/// Bytes of an answer. They may echo what was sent or hold a new key, so `Debug` shows their number only.
#[derive(Clone)]
pub(crate) struct Body(pub(crate) Bytes);

impl Body {
    /// The first bytes of a body that is no JSON (a proxy's page, plain text), on one line. JSON is not quoted: it may
    /// hold a key that was made by the call.
    pub(crate) fn excerpt(&self) -> Option<String> {
        let start = self.0.trim_ascii_start();
        if start.is_empty() || matches!(start[0], b'{' | b'[' | b'"') {
            return None;
        }
        let head = &start[..start.len().min(config::EXCERPT)];
        Some(format!("`{}`", one_line(&String::from_utf8_lossy(head), config::EXCERPT)))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

/// Headers of an answer. A cookie or an echo of the request may be among them, so `Debug` shows their names only.
#[derive(Clone)]
pub(crate) struct Headers(pub(crate) HeaderMap);

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// `text` without line breaks and other control characters, cut at `max` characters.
pub(crate) fn one_line(text: &str, max: usize) -> String {
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if let Some((cut, _)) = line.char_indices().nth(max) {
        line.truncate(cut);
        line.push('…');
    }
    line
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
        match &self.source {
            Some(source) => write!(f, ": {}", root_cause(&**source)),
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

    #[test]
    fn a_body_that_is_no_json_is_quoted_on_one_line() {
        let page = Body(Bytes::from_static(b"<html>\r\n<h1>502 Bad\tGateway</h1>"));
        assert_eq!(page.excerpt().as_deref(), Some("`<html> <h1>502 Bad Gateway</h1>`"));
        let long = Body(Bytes::from(vec![b'x'; 500]));
        assert_eq!(long.excerpt().map(|e| e.len()), Some(202));
    }

    #[test]
    fn json_is_never_quoted_nor_shown() {
        let json = Body(Bytes::from_static(b" {\"full_key\":\"sk_live_0123\""));
        assert_eq!(json.excerpt(), None);
        assert_eq!(format!("{json:?}"), "[27 bytes]");
    }

    #[test]
    fn a_line_is_cut_at_characters() {
        assert_eq!(one_line("äöü\nß", 3), "äöü…");
        assert_eq!(one_line("äöü", 3), "äöü");
    }
}
