//! What can go wrong, one variant per thing that callers handle differently.

mod api;
mod call;
mod decode;

use std::error::Error as StdError;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

pub use self::api::{ApiError, FieldError, Reason};
pub(crate) use self::api::{ErrorAnswer, Facts};
pub use self::call::{Attempt, ConfigError, TimeoutError, Timer, TransportError, TransportKind};
pub(crate) use self::call::{CallRecord, root_cause, timeout_words};
pub use self::decode::DecodeError;
pub(crate) use self::decode::{Body, DecodeFault, Head, Headers, redacted};
use crate::check::InvalidArgument;
use crate::http::RateLimit;

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// Every way in which a call can fail.
///
/// An answer with an error status becomes the variant of that status, whatever its body says; the body decides only
/// what [`message`](Self::message), [`code`](Self::code), [`reason`](Self::reason) and
/// [`field_errors`](Self::field_errors) hold. The accessors work on every variant, so that code which does not care
/// for the variant need not match.
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
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// 400: the server refuses the request as it stands.
    #[error(transparent)]
    BadRequest(Box<ApiError>),
    /// 401: the key is missing, wrong, expired or revoked.
    #[error(transparent)]
    Authentication(Box<ApiError>),
    /// 402: credits or a payment are missing.
    #[error(transparent)]
    PaymentRequired(Box<ApiError>),
    /// 403: the key is known, but may not do this; see [`Error::reason`].
    #[error(transparent)]
    PermissionDenied(Box<ApiError>),
    /// 404: the object does not exist, or not for this key; or the server does not route the operation, see
    /// [`Reason::RouteMissing`].
    #[error(transparent)]
    NotFound(Box<ApiError>),
    /// 409: the request clashes with the state of the object.
    #[error(transparent)]
    Conflict(Box<ApiError>),
    /// 413: the request's body is larger than the server takes.
    #[error(transparent)]
    TooLarge(Box<ApiError>),
    /// 422: the server refuses values of the request; see [`Error::field_errors`].
    #[error(transparent)]
    UnprocessableEntity(Box<ApiError>),
    /// 429: too many requests, or a plan, cap or quota is used up; see [`Error::reason`].
    #[error(transparent)]
    RateLimited(Box<ApiError>),
    /// Any other 4xx.
    #[error(transparent)]
    OtherClient(Box<ApiError>),
    /// 5xx: the fault is the server's, or that of a proxy in front of it.
    #[error(transparent)]
    Server(Box<ApiError>),
    /// A redirect that is not followed, or any status outside 2xx, 4xx and 5xx.
    #[error(transparent)]
    UnexpectedStatus(Box<ApiError>),
    /// The client could not be built, or its credentials could not be had.
    #[error(transparent)]
    Config(Box<ConfigError>),
    /// A value of the call is wrong; nothing was sent.
    #[error(transparent)]
    InvalidArgument(Box<InvalidArgument>),
    /// No connection was made; nothing was sent.
    #[error(transparent)]
    Connect(Box<TransportError>),
    /// A timer ran out.
    #[error(transparent)]
    Timeout(Box<TimeoutError>),
    /// The connection failed after it was made.
    #[error(transparent)]
    Transport(Box<TransportError>),
    /// A successful answer did not have the expected form.
    #[error(transparent)]
    Decode(Box<DecodeError>),
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

    /// What an answer with an error status said, if there was one.
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

    fn record(&self) -> Option<&call::CallRecord> {
        match self {
            Self::Connect(e) | Self::Transport(e) => Some(&e.record),
            Self::Timeout(e) => Some(&e.record),
            Self::Decode(e) => Some(&e.record),
            Self::Config(e) => e.record.as_deref(),
            Self::InvalidArgument(_) => None,
            other => other.api().map(|api| &api.record),
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

    /// The status of the answer, if one came: of a [`Transport`](Self::Transport) or [`Timeout`](Self::Timeout) error that
    /// of the answer whose body broke off.
    pub fn status(&self) -> Option<StatusCode> {
        self.head().map(|head| head.status)
    }

    /// What is wrong, in one sentence: the server's own words where it gave any, the root cause otherwise.
    pub fn message(&self) -> String {
        match self {
            Self::Connect(e) | Self::Transport(e) => e.words(),
            Self::Decode(e) => e.words(),
            Self::Timeout(e) => e.words(),
            Self::Config(e) => e.to_string(),
            Self::InvalidArgument(e) => e.to_string(),
            other => other.api().map(|api| api.message().to_owned()).unwrap_or_default(),
        }
    }

    /// The platform's own word for the error.
    pub fn code(&self) -> Option<&str> {
        self.api()?.code()
    }

    /// What the status alone can't say.
    pub fn reason(&self) -> Option<Reason> {
        self.api()?.reason()
    }

    /// The server's name for the exchange, to quote to its support.
    pub fn request_id(&self) -> Option<&str> {
        self.head()?.request_id.as_deref()
    }

    /// How long the server asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.api()?.retry_after()
    }

    /// The rate limit that the answer told.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        RateLimit::from_headers(self.headers()?)
    }

    /// Headers of the answer, if one came.
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.head().map(|head| &head.headers.0)
    }

    /// The answer's body as it came: of an error answer, and of one that broke off, the first 64 KiB.
    ///
    /// It may hold what was sent, and is in neither `Debug` nor `Display` for that reason.
    pub fn body(&self) -> Option<&Bytes> {
        self.head().map(|head| &head.body.0)
    }

    /// Which values the server refused.
    pub fn field_errors(&self) -> &[FieldError] {
        self.api().map_or(&[], ApiError::field_errors)
    }

    /// The operation that was called, by its id in the OpenAPI document, for example `elephantasm_get_anima`; `raw` for
    /// a raw call.
    pub fn operation(&self) -> Option<&'static str> {
        match self {
            Self::InvalidArgument(e) => e.operation(),
            other => other.record().map(|r| r.operation),
        }
    }

    /// The request's method.
    pub fn method(&self) -> Option<&http::Method> {
        match self {
            Self::InvalidArgument(e) => e.method(),
            other => other.record().map(|r| &r.method),
        }
    }

    /// The request's URL, without the values of its query. An invalid argument is found before there is one.
    pub fn url(&self) -> Option<&str> {
        self.record().map(|r| r.url.as_str())
    }

    /// What each attempt met, and how long was waited after it. Empty if nothing was sent.
    pub fn attempts(&self) -> &[Attempt] {
        self.record().map_or(&[], |r| &r.attempts)
    }

    /// Whether the server may have done what was asked although the call failed.
    ///
    /// `false` is certain: nothing arrived, or the server refused it. `true` means that only the server knows.
    pub fn may_have_been_processed(&self) -> bool {
        self.record().is_some_and(|r| r.may_have_been_processed)
    }

    /// 400.
    pub fn is_bad_request(&self) -> bool {
        matches!(self, Self::BadRequest(_))
    }

    /// 401.
    pub fn is_authentication(&self) -> bool {
        matches!(self, Self::Authentication(_))
    }

    /// 402.
    pub fn is_payment_required(&self) -> bool {
        matches!(self, Self::PaymentRequired(_))
    }

    /// 403.
    pub fn is_permission_denied(&self) -> bool {
        matches!(self, Self::PermissionDenied(_))
    }

    /// 404.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound(_))
    }

    /// 409.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_))
    }

    /// 413.
    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::TooLarge(_))
    }

    /// 422.
    pub fn is_unprocessable_entity(&self) -> bool {
        matches!(self, Self::UnprocessableEntity(_))
    }

    /// 429 for too many requests; not for a plan, cap or quota that is used up, see [`is_limit_exceeded`](Self::is_limit_exceeded).
    pub fn is_rate_limited(&self) -> bool {
        matches!(self, Self::RateLimited(_)) && !self.is_limit_exceeded()
    }

    /// A plan, daily cap, credit or quota limit is used up, whatever the status. Waiting a moment does not help.
    pub fn is_limit_exceeded(&self) -> bool {
        self.reason().is_some_and(Reason::is_limit)
    }

    /// A 4xx that has no variant of its own.
    pub fn is_other_client(&self) -> bool {
        matches!(self, Self::OtherClient(_))
    }

    /// 3xx, or any other status that is neither success nor error.
    pub fn is_unexpected_status(&self) -> bool {
        matches!(self, Self::UnexpectedStatus(_))
    }

    /// The connection failed after it was made.
    pub fn is_transport(&self) -> bool {
        matches!(self, Self::Transport(_))
    }

    /// A successful answer did not have the expected form.
    pub fn is_decode(&self) -> bool {
        matches!(self, Self::Decode(_))
    }

    /// 5xx.
    pub fn is_server(&self) -> bool {
        matches!(self, Self::Server(_))
    }

    /// No connection was made, and not because a timer ran out: that is [`is_timeout`](Self::is_timeout).
    pub fn is_connect(&self) -> bool {
        matches!(self, Self::Connect(_))
    }

    /// A timer ran out.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout(_))
    }

    /// The client could not be built, or its credentials could not be had.
    pub fn is_config(&self) -> bool {
        matches!(self, Self::Config(_))
    }

    /// A value of the call is wrong; nothing was sent.
    pub fn is_invalid_argument(&self) -> bool {
        matches!(self, Self::InvalidArgument(_))
    }
}

impl From<InvalidArgument> for Error {
    fn from(invalid: InvalidArgument) -> Self {
        Self::InvalidArgument(Box::new(invalid))
    }
}
