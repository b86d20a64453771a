//! The error responses of each server.

use http::{StatusCode, header};
use serde_json::{Value, json};

use super::quirks::Quirk;
use super::{Server, Settings};
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::{Outcome, Output};
use crate::sandbox::ids;
use crate::sandbox::reply::Reply;
use crate::sandbox::store::object;

pub(super) fn reply(settings: &Settings, error: &ErrorReply) -> Reply {
    match error {
        ErrorReply::NoRoute | ErrorReply::WrongMethod(_) if settings.has(Quirk::PlainErrors) => {
            Reply::json(StatusCode::NOT_FOUND, &json!({"error": "not found"}))
        }
        ErrorReply::NoRoute | ErrorReply::WrongMethod(_) => Reply::text(StatusCode::NOT_FOUND, "404 Not Found"),
        ErrorReply::Unauthenticated => write(settings, StatusCode::UNAUTHORIZED, "", "Invalid API key", &Value::Null),
        ErrorReply::NotFound { kind, .. } => {
            write(settings, StatusCode::NOT_FOUND, "", &format!("{kind} not found"), &Value::Null)
        }
        ErrorReply::Invalid(violations) => {
            let found: Vec<String> =
                violations.iter().map(|it| format!("Invalid request field {}: {}", it.field(), it.message())).collect();
            write(settings, StatusCode::BAD_REQUEST, "", &found.join("; "), &Value::Null)
        }
        ErrorReply::Conflict(message) => write(settings, StatusCode::CONFLICT, "", message, &Value::Null),
        ErrorReply::RateLimited { retry_after, .. } => {
            let reply = write(
                settings,
                StatusCode::TOO_MANY_REQUESTS,
                "",
                "This request would exceed the rate limit",
                &Value::Null,
            );
            // Servers of openma do not say how long.
            let seconds = retry_after.as_secs_f64().ceil();
            if settings.is_anthropic() { reply.with(header::RETRY_AFTER, &seconds.to_string()) } else { reply }
        }
        ErrorReply::Limit { message, .. } => {
            write(settings, StatusCode::PAYMENT_REQUIRED, "", message, &json!({"balance_cents": 0}))
        }
        ErrorReply::Rejected { status, code, message } => write(settings, *status, code, message, &Value::Null),
        ErrorReply::Internal if settings.has(Quirk::PlainErrors) => {
            let body = json!({"error": "internal_error", "message": "Unexpected token"});
            Reply::json(StatusCode::INTERNAL_SERVER_ERROR, &body)
        }
        ErrorReply::Internal => Reply::text(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
    }
}

/// An error response with further entries beside the message.
pub(super) fn with(
    settings: &Settings,
    status: StatusCode,
    kind: &str,
    message: &str,
    further: &Value,
) -> Outcome<Settings> {
    Ok(Output::Reply(write(settings, status, kind, message, further)))
}

fn write(settings: &Settings, status: StatusCode, kind: &str, message: &str, further: &Value) -> Reply {
    let documented = settings.server == Server::Documented;
    // An error code that is no type word stands in the details.
    let (kind, code) = if kind.is_empty() || kind.ends_with("_error") { (kind, "") } else { ("", kind) };
    let kind = if kind.is_empty() { type_of(status, documented) } else { kind };
    if settings.has(Quirk::PlainErrors) {
        let mut body = object(json!({"error": message}));
        body.extend(object(further.clone()));
        return Reply::json(status, &body);
    }
    let mut error = object(json!({"type": kind, "message": message}));
    error.extend(object(further.clone()));
    if !code.is_empty() {
        error.insert("details".to_owned(), json!({"error_code": code}));
    }
    let request_id = if settings.is_v0() { ids::prefixed("", 32) } else { ids::prefixed("req_", 24) };
    Reply::json(
        status,
        &match settings.server {
            Server::Documented => json!({"error": error}),
            Server::Anthropic => json!({"type": "error", "error": error, "request_id": request_id}),
            Server::V1 | Server::V0 => {
                let code = error["type"].clone();
                let mut body = object(json!({
                    "type": "error", "error": error, "message": message, "code": code, "request_id": request_id,
                }));
                body.extend(object(further.clone()));
                Value::Object(body)
            }
        },
    )
}

fn type_of(status: StatusCode, documented: bool) -> &'static str {
    match (status.as_u16(), documented) {
        (401, true) => "unauthorized",
        (403, true) => "forbidden",
        (404, true) => "not_found",
        (429, true) => "rate_limited",
        (400..=499, true) => "invalid_request",
        (_, true) => "internal_error",
        (401, _) => "authentication_error",
        (402, _) => "billing_error",
        (403, _) => "permission_error",
        (404, _) => "not_found_error",
        (409, _) => "conflict_error",
        (429, _) => "rate_limit_error",
        (400..=499, _) => "invalid_request_error",
        (501, _) => "not_implemented",
        _ => "api_error",
    }
}
