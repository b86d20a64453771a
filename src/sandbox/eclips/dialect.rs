//! The error responses of eClips: a code as in its reference, or a sentence as in its manual.

use http::{StatusCode, header};
use serde_json::{Value, json};

use super::Settings;
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::reply::Reply;
use crate::sandbox::validate::{Problem, Violation};

pub(super) fn reply(settings: &Settings, error: &ErrorReply) -> Reply {
    let manual = settings.manual;
    let body = |code: &str, message: &str| {
        if manual { json!({"error": message}) } else { json!({"error": code, "message": message}) }
    };
    let json = |status: StatusCode, body: &Value| Reply::json(status, body);
    match error {
        ErrorReply::NoRoute => {
            Reply::html(StatusCode::NOT_FOUND, "<!DOCTYPE html>\n<pre>Cannot find this path</pre>\n")
        }
        ErrorReply::WrongMethod(allowed) => {
            Reply::html(StatusCode::NOT_FOUND, "<!DOCTYPE html>\n<pre>Cannot find this path</pre>\n")
                .with(header::ALLOW, &allowed.join(", "))
        }
        ErrorReply::Unauthenticated => {
            json(StatusCode::UNAUTHORIZED, &body("authentication_error", "Invalid or missing API key"))
        }
        ErrorReply::NotFound { kind, .. } => {
            json(StatusCode::NOT_FOUND, &body("not_found", &format!("{kind} not found")))
        }
        ErrorReply::Invalid(violations) => json(StatusCode::BAD_REQUEST, &invalid(manual, violations)),
        ErrorReply::Conflict(message) => json(StatusCode::CONFLICT, &json!({"error": message})),
        ErrorReply::RateLimited { retry_after, .. } => {
            let seconds = retry_after.as_secs_f64().ceil().max(1.0);
            json(StatusCode::TOO_MANY_REQUESTS, &body("rate_limited", "Rate limit exceeded"))
                .with(header::RETRY_AFTER, &seconds.to_string())
        }
        ErrorReply::Limit { message, .. } => json(StatusCode::TOO_MANY_REQUESTS, &body("rate_limited", message)),
        // A scope that the key lacks.
        ErrorReply::Rejected { status, code, message } if code.contains(':') => {
            json(*status, &json!({"error": message, "required": code, "provided": settings.scopes}))
        }
        ErrorReply::Rejected { status, code, message } => json(*status, &body(code, message)),
        ErrorReply::Internal => json(StatusCode::INTERNAL_SERVER_ERROR, &body("server_error", "Internal server error")),
    }
}

/// A 400, which names the first value that is not valid.
fn invalid(manual: bool, violations: &[Violation]) -> Value {
    let first = violations.first();
    let field = first.map(Violation::field).unwrap_or_default();
    let message = match first.map(|violation| violation.kind) {
        Some(Problem::Missing | Problem::Pattern) => format!("{field} is required"),
        Some(Problem::TooMany) if field == "rows" => "Maximum 500 rows per batch".to_owned(),
        Some(Problem::Syntax) => "Invalid JSON".to_owned(),
        _ => format!("{field} is invalid"),
    };
    if manual {
        return json!({"error": message});
    }
    json!({"error": "validation_error", "message": message, "field": field})
}
