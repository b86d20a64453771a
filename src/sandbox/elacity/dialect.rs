//! The error responses of Elacity: a message, or all that its framework presumably writes.

use http::{StatusCode, header};
use serde_json::{Value, json};

use super::Settings;
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::reply::Reply;
use crate::sandbox::validate::Violation;

pub(super) fn reply(settings: &Settings, error: &ErrorReply) -> Reply {
    let json = |status: StatusCode, code: &str, message: &str| body(settings, status, code, message, &[]);
    match error {
        ErrorReply::NoRoute => {
            Reply::html(StatusCode::NOT_FOUND, "<!DOCTYPE html>\n<h1>404</h1><p>This page could not be found.</p>\n")
        }
        ErrorReply::WrongMethod(allowed) => {
            json(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_SUPPORTED", "Method not allowed")
                .with(header::ALLOW, &allowed.join(", "))
        }
        ErrorReply::Unauthenticated => json(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "Invalid or missing API key"),
        ErrorReply::NotFound { kind, id } => {
            json(StatusCode::NOT_FOUND, "NOT_FOUND", &format!("No {} named {id}", kind.to_lowercase()))
        }
        ErrorReply::Invalid(violations) => {
            let first = violations.first().map(|first| format!("{} {}", first.field(), first.message()));
            let message = first.unwrap_or_else(|| "Input validation failed".to_owned());
            body(settings, StatusCode::BAD_REQUEST, "BAD_REQUEST", &message, violations)
        }
        ErrorReply::Conflict(message) => json(StatusCode::CONFLICT, "CONFLICT", message),
        ErrorReply::RateLimited { retry_after, .. } => {
            let seconds = retry_after.as_secs_f64().ceil().max(1.0);
            json(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS", "Too many requests")
                .with(header::RETRY_AFTER, &seconds.to_string())
        }
        ErrorReply::Limit { message, .. } => json(StatusCode::FORBIDDEN, "FORBIDDEN", message),
        ErrorReply::Rejected { status, code, message } => json(*status, code, message),
        ErrorReply::Internal => {
            json(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR", "Internal server error")
        }
    }
}

fn body(settings: &Settings, status: StatusCode, code: &str, message: &str, violations: &[Violation]) -> Reply {
    let mut body = json!({"message": message});
    if settings.full_errors {
        body = json!({"defined": false, "code": code, "status": status.as_u16(), "message": message});
        if !violations.is_empty() {
            body["data"] = json!({"issues": violations.iter().map(issue).collect::<Vec<_>>()});
        }
    }
    Reply::json(status, &body)
}

fn issue(violation: &Violation) -> Value {
    let path: Vec<_> = violation.at.iter().skip(1).collect();
    json!({"code": "invalid", "path": path, "message": violation.message()})
}
