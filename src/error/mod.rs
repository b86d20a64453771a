//! What can go wrong, one variant per thing that callers handle differently.

mod api;
mod call;
mod decode;
mod field;
mod predicates;
mod reason;
mod redact;
mod stream;
mod throttled;
mod unsupported;

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

pub use self::api::ApiError;
pub(crate) use self::api::{ErrorDetails, ErrorResponse};
pub use self::call::{Attempt, ConfigError, TimeoutError, Timer, TransportError, TransportKind};
pub(crate) use self::call::{Awaited, CallRecord, LEARNT, root_cause, timeout_message};
pub use self::decode::DecodeError;
pub(crate) use self::decode::{Body, DecodeFault, Head, Headers};
pub use self::field::FieldError;
pub use self::reason::Reason;
use self::redact::one_line;
pub(crate) use self::redact::{redacted, redacted_url, without_secret};
pub use self::stream::{StreamError, StreamFault};
pub use self::throttled::ThrottledError;
pub use self::unsupported::UnsupportedError;
use crate::check::InvalidArgument;
use crate::config;
use crate::headers::RateLimit;

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// The ways in which a call can fail.
///
/// A response with an error status becomes the variant of that status, whatever its body says; the body only determines
/// [`message`](Self::message), [`code`](Self::code), [`reason`](Self::reason) and [`field_errors`](Self::field_errors).
/// The accessors work on every variant, so code that does not care about the variant need not match.
///
/// ```
/// # use polyagent::Error;
/// # fn handle(error: &Error) {
/// match error {
///     Error::NotFound(api) => println!("gone: {}", api.message()),
///     error if error.is_rate_limited() => println!("come back in {:?}", error.retry_after()),
///     error if error.may_have_been_processed() => println!("look before you try again: {error}"),
///     error => println!("{error}"),
/// }
/// # }
/// ```
///
/// `{}` is one line that names the root cause, and `{:?}` that line and the causes that it does not name, one a line;
/// `{:#?}` shows the structure. [`source`](StdError::source) returns only what is not in the line,
/// [`root_cause`](Self::root_cause) what is.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// 400: the server rejects the request.
    #[error(transparent)]
    BadRequest(Box<ApiError>),
    /// 401: the key is missing, wrong, expired or revoked; some servers also say so while their database is down.
    #[error(transparent)]
    Authentication(Box<ApiError>),
    /// 402: credits or a payment are missing.
    #[error(transparent)]
    PaymentRequired(Box<ApiError>),
    /// 403: the key is valid, but lacks permission; see [`Error::reason`].
    #[error(transparent)]
    PermissionDenied(Box<ApiError>),
    /// 404: the object does not exist or is not visible to this key; or the server does not route the operation, see
    /// [`Reason::RouteMissing`].
    #[error(transparent)]
    NotFound(Box<ApiError>),
    /// 409: the request conflicts with the state of the object.
    #[error(transparent)]
    Conflict(Box<ApiError>),
    /// 413: the request's body is larger than the server accepts.
    #[error(transparent)]
    TooLarge(Box<ApiError>),
    /// 422: the server rejects values of the request; see [`Error::field_errors`].
    #[error(transparent)]
    UnprocessableEntity(Box<ApiError>),
    /// 429: too many requests, or a plan, cap or quota is used up; see [`Error::reason`].
    #[error(transparent)]
    RateLimited(Box<ApiError>),
    /// Any other 4xx.
    #[error(transparent)]
    OtherClient(Box<ApiError>),
    /// 5xx: the server failed, or a proxy in front of it.
    #[error(transparent)]
    Server(Box<ApiError>),
    /// A redirect that is not followed, or any status outside 2xx, 4xx and 5xx.
    #[error(transparent)]
    UnexpectedStatus(Box<ApiError>),
    /// The client could not be built, or its credentials could not be obtained.
    #[error(transparent)]
    Config(Box<ConfigError>),
    /// An argument of the call is not valid; nothing was sent.
    #[error(transparent)]
    InvalidArgument(Box<InvalidArgument>),
    /// The client's own limit of calls refuses the call, or the attempt of it that was due; see
    /// [`ClientBuilder::call_limit`](crate::ClientBuilder::call_limit).
    #[error(transparent)]
    Throttled(Box<ThrottledError>),
    /// No connection was made; nothing was sent.
    #[error(transparent)]
    Connect(Box<TransportError>),
    /// A timer ran out.
    #[error(transparent)]
    Timeout(Box<TimeoutError>),
    /// The connection failed after it was made.
    #[error(transparent)]
    Transport(Box<TransportError>),
    /// A response with a success status could not be decoded, is HTML, or reports an error.
    #[error(transparent)]
    Decode(Box<DecodeError>),
    /// A stream or a download failed after it had begun.
    #[error(transparent)]
    Stream(Box<StreamError>),
    /// The server is of a generation that does not have the operation; nothing was sent.
    #[error(transparent)]
    Unsupported(Box<UnsupportedError>),
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            let (name, payload) = self.variant();
            return f.debug_tuple(name).field(payload).finish();
        }
        write!(f, "{self}")?;
        let mut source = self.source();
        while let Some(cause) = source {
            write!(f, "\n  caused by: {}", one_line(&cause.to_string(), config::MAX_MESSAGE))?;
            source = cause.source();
        }
        Ok(())
    }
}

impl Error {
    /// The status decides the variant; nothing else does.
    pub(crate) fn from_api(api: Box<ApiError>) -> Self {
        let status = api.status();
        match status.as_u16() {
            400 => Self::BadRequest(api),
            401 => Self::Authentication(api),
            402 => Self::PaymentRequired(api),
            403 => Self::PermissionDenied(api),
            404 => Self::NotFound(api),
            409 => Self::Conflict(api),
            413 => Self::TooLarge(api),
            422 => Self::UnprocessableEntity(api),
            429 => Self::RateLimited(api),
            _ if status.is_client_error() => Self::OtherClient(api),
            _ if status.is_server_error() => Self::Server(api),
            _ => Self::UnexpectedStatus(api),
        }
    }

    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::Config(Box::new(ConfigError::new(message.into(), None)))
    }

    pub(crate) fn config_from(message: impl Into<String>, source: impl Into<BoxError>) -> Self {
        Self::Config(Box::new(ConfigError::new(message.into(), Some(source.into()))))
    }

    /// Returns the response with an error status, if there was one.
    pub fn api(&self) -> Option<&ApiError> {
        match self {
            Self::BadRequest(api)
            | Self::Authentication(api)
            | Self::PaymentRequired(api)
            | Self::PermissionDenied(api)
            | Self::NotFound(api)
            | Self::Conflict(api)
            | Self::TooLarge(api)
            | Self::UnprocessableEntity(api)
            | Self::RateLimited(api)
            | Self::OtherClient(api)
            | Self::Server(api)
            | Self::UnexpectedStatus(api) => Some(api),
            _ => None,
        }
    }

    fn variant(&self) -> (&'static str, &dyn fmt::Debug) {
        match self {
            Self::BadRequest(api) => ("BadRequest", api),
            Self::Authentication(api) => ("Authentication", api),
            Self::PaymentRequired(api) => ("PaymentRequired", api),
            Self::PermissionDenied(api) => ("PermissionDenied", api),
            Self::NotFound(api) => ("NotFound", api),
            Self::Conflict(api) => ("Conflict", api),
            Self::TooLarge(api) => ("TooLarge", api),
            Self::UnprocessableEntity(api) => ("UnprocessableEntity", api),
            Self::RateLimited(api) => ("RateLimited", api),
            Self::OtherClient(api) => ("OtherClient", api),
            Self::Server(api) => ("Server", api),
            Self::UnexpectedStatus(api) => ("UnexpectedStatus", api),
            Self::Config(config) => ("Config", config),
            Self::InvalidArgument(invalid) => ("InvalidArgument", invalid),
            Self::Throttled(throttled) => ("Throttled", throttled),
            Self::Connect(transport) => ("Connect", transport),
            Self::Timeout(timeout) => ("Timeout", timeout),
            Self::Transport(transport) => ("Transport", transport),
            Self::Decode(decode) => ("Decode", decode),
            Self::Stream(stream) => ("Stream", stream),
            Self::Unsupported(unsupported) => ("Unsupported", unsupported),
        }
    }

    fn record(&self) -> Option<&call::CallRecord> {
        match self {
            Self::Connect(e) | Self::Transport(e) => Some(&e.record),
            Self::Timeout(e) => Some(&e.record),
            Self::Decode(e) => Some(&e.record),
            Self::Stream(e) => Some(&e.record),
            Self::Throttled(e) => Some(&e.record),
            Self::Config(e) => e.record.as_deref(),
            Self::InvalidArgument(_) | Self::Unsupported(_) => None,
            other => other.api().map(|api| &api.record),
        }
    }

    /// What is known of the call, to be joined to what is known of a longer one.
    pub(crate) fn record_mut(&mut self) -> Option<&mut CallRecord> {
        match self {
            Self::BadRequest(api)
            | Self::Authentication(api)
            | Self::PaymentRequired(api)
            | Self::PermissionDenied(api)
            | Self::NotFound(api)
            | Self::Conflict(api)
            | Self::TooLarge(api)
            | Self::UnprocessableEntity(api)
            | Self::RateLimited(api)
            | Self::OtherClient(api)
            | Self::Server(api)
            | Self::UnexpectedStatus(api) => Some(&mut api.record),
            Self::Connect(e) | Self::Transport(e) => Some(&mut e.record),
            Self::Timeout(e) => Some(&mut e.record),
            Self::Decode(e) => Some(&mut e.record),
            Self::Throttled(e) => Some(&mut e.record),
            Self::Stream(e) => Some(&mut e.record),
            Self::Config(e) => e.record.as_deref_mut(),
            Self::InvalidArgument(_) | Self::Unsupported(_) => None,
        }
    }

    fn head(&self) -> Option<&Head> {
        match self {
            Self::Decode(e) => Some(&e.head),
            Self::Connect(e) | Self::Transport(e) => e.head.as_deref(),
            Self::Timeout(e) => e.head.as_deref(),
            other => other.api().map(|api| &api.head),
        }
    }

    /// Returns the status of the response, if one arrived; for [`Transport`](Self::Transport) and
    /// [`Timeout`](Self::Timeout), that of a response whose body was incomplete.
    pub fn status(&self) -> Option<StatusCode> {
        self.head().map(|head| head.status)
    }

    /// Returns what is wrong, in one sentence: the server's own message if it sent one, the root cause otherwise.
    pub fn message(&self) -> String {
        match self {
            Self::Connect(e) | Self::Transport(e) => e.message(),
            Self::Decode(e) => e.message(),
            Self::Stream(e) => e.message(),
            Self::Throttled(e) => e.message(),
            Self::Unsupported(e) => e.to_string(),
            Self::Timeout(e) => e.message(),
            Self::Config(e) => e.to_string(),
            Self::InvalidArgument(e) => e.to_string(),
            other => other.api().map(|api| api.message().to_owned()).unwrap_or_default(),
        }
    }

    /// Returns the innermost cause, which `Display` names: of a failed connection most often an [`std::io::Error`], of
    /// a response that does not decode the parser's error. `None` for a response with an error status.
    pub fn root_cause(&self) -> Option<&(dyn StdError + 'static)> {
        let cause: &(dyn StdError + 'static) = match self {
            Self::Connect(e) | Self::Transport(e) => &*e.source,
            Self::Decode(e) => &e.fault.source,
            Self::Config(e) => e.source.as_deref()?,
            Self::Timeout(e) => e.met.as_deref()?,
            Self::Stream(e) => e.source.as_deref()?,
            _ => return None,
        };
        Some(root_cause(cause))
    }

    /// Returns the platform's own error code.
    pub fn code(&self) -> Option<&str> {
        self.api()?.code()
    }

    /// Returns what the status alone cannot say.
    pub fn reason(&self) -> Option<Reason> {
        self.api()?.reason()
    }

    /// Returns the server's request id, to quote to its support.
    pub fn request_id(&self) -> Option<&str> {
        self.head()?.request_id.as_deref()
    }

    /// Returns how long the server asked to wait, or how long the client's own limit of calls would have had it wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled(e) => Some(e.retry_after()),
            other => other.api()?.retry_after(),
        }
    }

    /// Returns the rate limit reported in the response headers.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        RateLimit::from_headers(self.headers()?)
    }

    /// Returns the headers of the response, if one arrived.
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.head().map(|head| &head.headers.0)
    }

    /// Returns the raw body of the response: of an error response or an incomplete one, the first 64 KiB.
    ///
    /// It may echo what was sent, so neither `Debug` nor `Display` shows it.
    pub fn body(&self) -> Option<&Bytes> {
        self.head().map(|head| &head.body.0)
    }

    /// Returns the values that the server rejected.
    pub fn field_errors(&self) -> &[FieldError] {
        self.api().map_or(&[], ApiError::field_errors)
    }

    /// Returns the id of the called operation in the OpenAPI document, for example `elephantasm_get_anima`; `raw` for a
    /// raw call.
    pub fn operation(&self) -> Option<&'static str> {
        match self {
            Self::InvalidArgument(e) => e.operation(),
            other => other.record().map(|r| r.operation),
        }
    }

    /// Returns the request's method.
    pub fn method(&self) -> Option<&http::Method> {
        match self {
            Self::InvalidArgument(e) => e.method(),
            other => other.record().map(|r| &r.method),
        }
    }

    /// Returns the request's URL, without the values of its query. An invalid argument is found before there is a URL.
    pub fn url(&self) -> Option<&str> {
        self.record().map(|r| r.url.as_str())
    }

    /// Returns the outcome of each attempt, and the wait after it. Empty if nothing was sent.
    pub fn attempts(&self) -> &[Attempt] {
        self.record().map_or(&[], |r| &r.attempts)
    }

    /// Whether the server may have processed the call although it failed.
    ///
    /// `false` is certain: nothing arrived, or the server rejected it. `true` means that only the server knows.
    pub fn may_have_been_processed(&self) -> bool {
        self.record().is_some_and(|r| r.may_have_been_processed)
    }
}

impl From<InvalidArgument> for Error {
    fn from(invalid: InvalidArgument) -> Self {
        Self::InvalidArgument(Box::new(invalid))
    }
}

#[cfg(test)]
mod tests;
