//! A value together with its response.

use http::{HeaderMap, StatusCode};

use crate::error::{ApiError, Attempt, Headers};
use crate::headers::{RateLimit, request_id};

/// The value of a call with its status, headers and attempts; from
/// [`Request::with_response`](crate::Request::with_response).
#[derive(Clone, Debug)]
pub struct Response<T> {
    pub(crate) value: T,
    pub(crate) status: StatusCode,
    pub(crate) headers: Headers,
    pub(crate) attempts: Vec<Attempt>,
}

impl<T> Response<T> {
    /// Returns the decoded value.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// Unwraps the value.
    pub fn into_value(self) -> T {
        self.value
    }

    /// Maps the value, keeping status, headers and attempts.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Response<U> {
        let Self { value, status, headers, attempts } = self;
        Response { value: change(value), status, headers, attempts }
    }

    /// The response behind an error, for a caller to whom it is not a failure.
    #[allow(dead_code, reason = "not every platform needs it")]
    pub(crate) fn of_error(error: ApiError, value: T) -> Self {
        let (status, headers, mut attempts) = error.into_response_parts();
        // The last attempt received this response.
        attempts.pop();
        Self { value, status, headers, attempts }
    }

    /// Returns the response's status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the response's headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers.0
    }

    /// Returns the server's request id, from `X-Request-Id` or `Request-Id`, if it sent one.
    pub fn request_id(&self) -> Option<&str> {
        request_id(&self.headers.0)
    }

    /// Returns the rate limit reported in the response headers.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        RateLimit::from_headers(&self.headers.0)
    }

    /// Returns the attempts that failed before this response.
    pub fn failed_attempts(&self) -> &[Attempt] {
        &self.attempts
    }
}
