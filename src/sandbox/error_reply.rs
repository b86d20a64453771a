//! Why a call is not carried out. A platform's dialect turns it into a response.

use std::time::Duration;

use http::StatusCode;

use super::validate::Violation;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) enum ErrorReply {
    /// The server has no such path.
    NoRoute,
    /// The path exists with these methods.
    WrongMethod(Vec<&'static str>),
    /// The credential is missing, unknown or revoked.
    Unauthenticated,
    /// The object does not exist, is deleted, or is another account's.
    NotFound { kind: &'static str, id: String },
    /// Values that do not match the document.
    Invalid(Vec<Violation>),
    /// The state of an object does not allow it.
    Conflict(String),
    /// Too many calls: the next one is allowed after this time.
    RateLimited { calls: usize, per: Duration, retry_after: Duration },
    /// A limit of the plan is used up, or a feature is not part of it.
    Limit {
        /// The limit or feature, in the platform's words.
        name: &'static str,
        message: String,
    },
    /// Any other reason, with the platform's own status, code and message.
    Rejected { status: StatusCode, code: &'static str, message: String },
    /// The server fails.
    Internal,
}

impl ErrorReply {
    pub(crate) fn not_found(kind: &'static str, id: impl Into<String>) -> Self {
        Self::NotFound { kind, id: id.into() }
    }

    /// A rejection with 400.
    pub(crate) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::Rejected { status: StatusCode::BAD_REQUEST, code, message: message.into() }
    }
}
