//! Error responses, with the server's messages. Lists of violations and plan limits have their own files.

use http::{Method, StatusCode, header};
use serde_json::json;

use super::quirks::{Quirk, Quirks};
use crate::sandbox::answer::Answer;

/// `{"detail": "<text>"}`
pub(super) fn detail(status: StatusCode, text: impl Into<String>) -> Answer {
    Answer::json(status, &json!({"detail": text.into()}))
}

pub(super) fn bad_request(text: impl Into<String>) -> Answer {
    detail(StatusCode::BAD_REQUEST, text)
}

/// The same for all faults of a key.
pub(super) fn unauthorized() -> Answer {
    detail(StatusCode::UNAUTHORIZED, "Authentication required").with(header::WWW_AUTHENTICATE, "Bearer")
}

/// An object that does not exist, is deleted, or is another tenant's.
pub(super) fn absent(kind: &str, id: &str) -> Answer {
    detail(StatusCode::NOT_FOUND, format!("{kind} {id} not found"))
}

/// A route that the server does not have.
pub(super) fn no_route() -> Answer {
    detail(StatusCode::NOT_FOUND, "Not Found")
}

/// A route that the public host does not serve.
pub(super) fn hidden() -> Answer {
    detail(StatusCode::NOT_FOUND, "Not found")
}

pub(super) fn wrong_method(allowed: &[Method]) -> Answer {
    let allowed: Vec<&str> = allowed.iter().map(Method::as_str).collect();
    detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed").with(header::ALLOW, &allowed.join(", "))
}

pub(super) fn redirect(location: &str) -> Answer {
    Answer::empty(StatusCode::TEMPORARY_REDIRECT).with(header::LOCATION, location)
}

pub(super) fn conflict(text: impl Into<String>) -> Answer {
    detail(StatusCode::CONFLICT, text)
}

/// An unhandled error.
pub(super) fn server_error() -> Answer {
    Answer::text(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
}

/// Too many requests: more than `limit`, which is given as text.
pub(super) fn rate_limited(limit: &str, quirks: Quirks) -> Answer {
    if quirks.has(Quirk::WordyRetryAfter) {
        let body = json!({
            "error": "rate_limit_exceeded",
            "message": format!("Rate limit exceeded: {limit}"),
            "retry_after_seconds": limit,
            "upgrade_url": "https://elephantasm.example/upgrade",
        });
        return Answer::json(StatusCode::TOO_MANY_REQUESTS, &body).with(header::RETRY_AFTER, limit);
    }
    let body = json!({"error": "rate_limit_exceeded", "message": "Too many requests. Please slow down."});
    Answer::json(StatusCode::TOO_MANY_REQUESTS, &body).with(header::RETRY_AFTER, "1")
}
