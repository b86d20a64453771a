//! The error responses of Agent Launchpad.

use http::{HeaderMap, HeaderName, StatusCode, header};
use serde_json::json;

use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::ids;
use crate::sandbox::reply::Reply;
use crate::sandbox::spec::{BodySpec, OperationSpec};

pub(super) fn reply(error: &ErrorReply) -> Reply {
    match error {
        ErrorReply::NoRoute => framework(StatusCode::NOT_FOUND, "Cannot find this path"),
        ErrorReply::WrongMethod(allowed) => {
            framework(StatusCode::NOT_FOUND, "Cannot find this path").with(header::ALLOW, &allowed.join(", "))
        }
        ErrorReply::Unauthenticated => own(StatusCode::UNAUTHORIZED, "INVALID_API_KEY", "the key is not valid"),
        ErrorReply::NotFound { kind, id } => own(StatusCode::NOT_FOUND, "AGENT_NOT_FOUND", &format!("no {kind} {id}")),
        ErrorReply::Invalid(violations) => {
            let said: Vec<String> = violations.iter().map(|it| format!("{} {}", it.field(), it.message())).collect();
            own(StatusCode::BAD_REQUEST, "VALIDATION_ERROR", &said.join("; "))
        }
        ErrorReply::Conflict(message) => own(StatusCode::CONFLICT, "CONFLICT", message),
        // The limiter is in front of the platform, and speaks no JSON.
        ErrorReply::RateLimited { calls, retry_after, .. } => {
            let seconds = retry_after.as_secs_f64().ceil().max(1.0).to_string();
            Reply::text(StatusCode::TOO_MANY_REQUESTS, "Too many requests, please try again later.")
                .with(HeaderName::from_static("ratelimit-limit"), &calls.to_string())
                .with(HeaderName::from_static("ratelimit-remaining"), "0")
                .with(HeaderName::from_static("ratelimit-reset"), &seconds)
        }
        ErrorReply::Limit { name, message } => own(StatusCode::TOO_MANY_REQUESTS, name, message),
        ErrorReply::Rejected { status, code, message } => own(*status, code, message),
        ErrorReply::Internal => own(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", "something failed"),
    }
}

fn own(status: StatusCode, code: &str, message: &str) -> Reply {
    let request_id = format!("req-{}", &ids::uuid()[..8]);
    Reply::json(status, &json!({"error": {"code": code, "message": message, "requestId": request_id}}))
}

/// As the web framework says it.
fn framework(status: StatusCode, message: &str) -> Reply {
    let body = json!({"statusCode": status.as_u16(), "message": message, "error": status.canonical_reason()});
    Reply::json(status, &body)
}

/// Rejects a call that should have a JSON body, and has none.
pub(super) fn admit(headers: &HeaderMap, operation: &OperationSpec) -> Result<(), ErrorReply> {
    let media = headers.get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or_default();
    if matches!(operation.body, BodySpec::Json { .. }) && !media.starts_with("application/json") {
        return Err(ErrorReply::bad_request("VALIDATION_ERROR", "the content type must be application/json"));
    }
    Ok(())
}
