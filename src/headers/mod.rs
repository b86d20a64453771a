//! What response headers say: when to come back, how much is left, which request it was.

mod rate_limit;
mod retry_after;

use http::HeaderMap;

pub use self::rate_limit::RateLimit;
#[allow(unused_imports, reason = "not every platform needs all")]
pub(crate) use self::retry_after::{from_headers as retry_after, seconds, should_retry};

/// The server's id of the request.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<&str> {
    let id = headers.get("x-request-id").or_else(|| headers.get("request-id"))?;
    id.to_str().ok()
}
