//! A value together with the answer it came in.

use http::{HeaderMap, StatusCode};

use super::RateLimit;
use crate::error::{Attempt, Headers};

/// What [`Request::with_response`](crate::Request::with_response) gives: the value, and what the answer said besides.
#[derive(Clone, Debug)]
pub struct Response<T> {
    pub(crate) value: T,
    pub(crate) status: StatusCode,
    pub(crate) headers: Headers,
    pub(crate) attempts: Vec<Attempt>,
}

impl<T> Response<T> {
    /// The decoded value.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// Takes the value out.
    pub fn into_value(self) -> T {
        self.value
    }

    /// Takes the value out, and leaves an answer that has what `change` makes of it.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Response<U> {
        let Self { value, status, headers, attempts } = self;
        Response { value: change(value), status, headers, attempts }
    }

    /// The answer's status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The answer's headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers.0
    }

    /// The server's name for the exchange, from `X-Request-Id` or `Request-Id`, if it sent one.
    pub fn request_id(&self) -> Option<&str> {
        request_id(&self.headers.0)
    }

    /// The rate limit that the answer told.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        RateLimit::from_headers(&self.headers.0)
    }

    /// The attempts that failed before this answer came.
    pub fn failed_attempts(&self) -> &[Attempt] {
        &self.attempts
    }
}

pub(crate) fn request_id(headers: &HeaderMap) -> Option<&str> {
    let id = headers.get("x-request-id").or_else(|| headers.get("request-id"))?;
    id.to_str().ok()
}
