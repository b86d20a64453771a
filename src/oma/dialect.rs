//! Reading error responses, in the forms of all builds and generations. Their words differ, so the status comes first.

use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use crate::error::{ErrorDetails, FieldError, Reason};

pub(super) fn parse(status: StatusCode, _: &HeaderMap, body: &[u8]) -> ErrorDetails {
    let Ok(Value::Object(mut object)) = serde_json::from_slice(body) else {
        let (message, reason) = (plain(body), reason_without_json(status, body));
        return ErrorDetails { message, reason, ..ErrorDetails::default() };
    };
    if status == StatusCode::NOT_FOUND && is_missing_on_node(&object) {
        return ErrorDetails {
            message: Some("not found".to_owned()),
            reason: Some(Reason::RouteMissing),
            ..ErrorDetails::default()
        };
    }
    let Said { code, message } = match object.remove("error") {
        Some(Value::String(error)) => said_by_text(error, &mut object),
        Some(Value::Object(error)) => said_by_object(error, &mut object),
        _ => return ErrorDetails { reason: reason_of_status(status), ..ErrorDetails::default() },
    };
    let text = |of: &Option<String>| of.as_deref().unwrap_or_default().to_owned();
    let (code_text, message_text) = (text(&code), text(&message));
    ErrorDetails {
        reason: reason(status, &code_text, &message_text),
        request_id: take_text(&mut object, "request_id"),
        field_errors: field_error(&message_text).into_iter().collect(),
        other_generation: status == StatusCode::BAD_REQUEST && message_text.starts_with(MISSING_BETA),
        // Servers of `V0` fail on JSON that they cannot parse.
        permanent: status == StatusCode::INTERNAL_SERVER_ERROR
            && code_text == "internal_error"
            && message_text.contains("JSON"),
        code,
        message,
        others: object,
        ..ErrorDetails::default()
    }
}

const MISSING_BETA: &str = "Missing required anthropic-beta";
const INVALID_FIELD: &str = "Invalid request field ";

struct Said {
    code: Option<String>,
    message: Option<String>,
}

/// Exactly `{"error":"not found"}`: a missing object has its kind in front.
fn is_missing_on_node(object: &Map<String, Value>) -> bool {
    object.len() == 1 && object.get("error").and_then(Value::as_str) == Some("not found")
}

/// `{"error": "<sentence>"}` or `{"error": "<code>", "message": "<sentence>"}`.
fn said_by_text(error: String, object: &mut Map<String, Value>) -> Said {
    let is_code = error.contains('_') && !error.contains(' ');
    match take_text(object, "message") {
        Some(message) if is_code => Said { code: Some(error), message: Some(message) },
        None if is_code => Said { code: Some(error.clone()), message: Some(error) },
        Some(more) if !error.contains(&more) => Said { code: None, message: Some(format!("{error}: {more}")) },
        _ => Said { code: None, message: Some(error) },
    }
}

/// `{"type", "message", "code"?, "details"?: {"error_code"}}`, in an envelope that may repeat it. The most specific
/// word is the code; the other fields are kept.
fn said_by_object(mut error: Map<String, Value>, object: &mut Map<String, Value>) -> Said {
    let (kind, own_code) = (take_text(&mut error, "type"), take_text(&mut error, "code"));
    let message = take_text(&mut error, "message").or_else(|| take_text(object, "message"));
    for repeated in ["type", "message", "code"] {
        object.remove(repeated);
    }
    let detailed = match error.get_mut("details") {
        Some(Value::Object(details)) => take_text(details, "error_code"),
        _ => None,
    };
    for (name, value) in error {
        object.entry(name).or_insert(value);
    }
    let code = detailed.or(own_code).or(kind);
    let message = message.or_else(|| code.clone());
    Said { code, message }
}

fn take_text(object: &mut Map<String, Value>, name: &str) -> Option<String> {
    match object.remove(name)? {
        Value::String(text) if !text.is_empty() => Some(text),
        Value::String(_) | Value::Null => None,
        other => {
            object.insert(name.to_owned(), other);
            None
        }
    }
}

/// `Invalid request field <path>: <why>`.
fn field_error(message: &str) -> Option<FieldError> {
    let (path, why) = message.strip_prefix(INVALID_FIELD)?.split_once(": ")?;
    Some(FieldError { path: path.to_owned(), code: None, message: why.to_owned() })
}

fn reason(status: StatusCode, code: &str, message: &str) -> Option<Reason> {
    let said = message.to_lowercase();
    match status.as_u16() {
        404 if message.starts_with("No route matched ") => Some(Reason::RouteMissing),
        400 if code == "storage_quota_exceeded" => Some(Reason::Quota),
        400 | 409 if said.contains("exists at path") || said.contains("path occupied") => Some(Reason::Duplicate),
        400 | 409 | 412 if is_precondition(code, &said) => Some(Reason::PreconditionFailed),
        409 if matches!(code, "memory_path_conflict_error" | "skill_name_taken") => Some(Reason::Duplicate),
        409 if said.contains("already") || said.contains("exists") => Some(Reason::Duplicate),
        // Hosted servers of `V0` hand out what their database says.
        500 if message.contains("UNIQUE constraint") => Some(Reason::Duplicate),
        429 if code.contains("spend_limit") => Some(Reason::PlanLimit),
        429 if code == "ramp_limit_exceeded" => Some(Reason::Quota),
        429 if said.contains("daily") => Some(Reason::DailyCap),
        _ => reason_of_status(status),
    }
}

/// Whether an object has changed since the caller read it.
fn is_precondition(code: &str, said: &str) -> bool {
    let of_version = said.contains("version")
        && ["mismatch", "conflict", "expected", "current", "stale", "does not match"]
            .iter()
            .any(|word| said.contains(word));
    // Servers of `V0` have no code for it.
    let of_content = ["precondition", "sha256 mismatch", "etag mismatch", "content has changed"]
        .iter()
        .any(|words| said.contains(words));
    code == "memory_precondition_failed_error" || of_content || of_version
}

fn reason_of_status(status: StatusCode) -> Option<Reason> {
    match status.as_u16() {
        402 => Some(Reason::Credits),
        405 => Some(Reason::RouteMissing),
        429 => Some(Reason::RateLimit),
        _ => None,
    }
}

/// The plain texts of hosted servers.
fn plain(body: &[u8]) -> Option<String> {
    let text = str::from_utf8(body.trim_ascii()).ok()?;
    ["404 Not Found", "Internal Server Error"].contains(&text).then(|| text.to_owned())
}

/// Hosted servers answer for a missing route within a group in plain text.
fn reason_without_json(status: StatusCode, body: &[u8]) -> Option<Reason> {
    if status == StatusCode::NOT_FOUND && body.trim_ascii() == b"404 Not Found" {
        return Some(Reason::RouteMissing);
    }
    reason_of_status(status)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn details(status: u16, body: &str) -> ErrorDetails {
        parse(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.as_bytes())
    }

    fn said(status: u16, body: &str) -> (Option<String>, Option<String>) {
        let details = details(status, body);
        (details.code, details.message)
    }

    fn both(code: &str, message: &str) -> (Option<String>, Option<String>) {
        (Some(code.to_owned()), Some(message.to_owned()))
    }

    fn message(message: &str) -> (Option<String>, Option<String>) {
        (None, Some(message.to_owned()))
    }

    #[test]
    fn reads_every_form() {
        let hosted = r#"{"type":"error","error":{"type":"not_found_error","message":"Session not found"},"message":"Session not found","code":"not_found_error","request_id":"00112233445566778899aabbccddeeff"}"#;
        assert_eq!(said(404, hosted), both("not_found_error", "Session not found"));
        let hosted = details(404, hosted);
        assert_eq!(hosted.request_id.as_deref(), Some("00112233445566778899aabbccddeeff"));
        assert!(hosted.others.is_empty(), "{:?}", hosted.others);
        let failed = r#"{"type":"error","error":{"type":"api_error","message":"m"},"message":"m","code":"api_error","request_id":"r","route":"/v1/vaults","error_name":"TypeError"}"#;
        assert_eq!(details(500, failed).others["error_name"], "TypeError");
        assert_eq!(said(404, r#"{"error":"Session not found"}"#), message("Session not found"));
        assert_eq!(said(401, r#"{"error":"Unauthorized"}"#), message("Unauthorized"));
        assert_eq!(
            said(400, r#"{"error":{"type":"invalid_request_error","code":"invalid_status","message":"bad status"}}"#),
            both("invalid_status", "bad status")
        );
        assert_eq!(said(404, r#"{"error":{"type":"not_found","message":"gone"}}"#), both("not_found", "gone"));
        let coded = r#"{"type":"error","error":{"type":"invalid_request_error","message":"archived","details":{"error_code":"environment_archived","environment_id":"env_01"}},"request_id":"req_011"}"#;
        assert_eq!(said(400, coded), both("environment_archived", "archived"));
        assert_eq!(details(400, coded).others["details"], json!({"environment_id": "env_01"}));
        let unknown = r#"{"type":"error","error":{"type":"invalid_request_error","message":"m","details":{}}}"#;
        assert_eq!(said(400, unknown), both("invalid_request_error", "m"));
        assert_eq!(
            said(500, r#"{"error":"internal_error","message":"Unexpected token } in JSON"}"#),
            both("internal_error", "Unexpected token } in JSON")
        );
        assert_eq!(
            said(503, r#"{"error":"Runtime is not configured","message":"set E2B_API_KEY","hint":"h"}"#),
            message("Runtime is not configured: set E2B_API_KEY")
        );
    }

    #[test]
    fn what_is_no_error_object_says_nothing() {
        assert_eq!(said(500, "Internal Server Error"), message("Internal Server Error"));
        for body in ["", "null", "[]", "\"text\"", "{", "<html>", "{}", r#"{"error":null}"#, r#"{"message":"m"}"#, "\0"]
        {
            assert_eq!(said(500, body), (None, None), "{body}");
            assert!(!details(200, body).is_error(), "{body}");
        }
        assert!(!details(200, r#"{"data":[],"has_more":false}"#).is_error());
    }

    #[test]
    fn a_missing_route_is_told_from_a_missing_object() {
        let reason = |status, body: &str| details(status, body).reason;
        let outer = r#"{"type":"error","error":{"type":"not_found_error","message":"No route matched GET /v1/evals"},"message":"x","code":"not_found_error","request_id":"r"}"#;
        for body in [r#"{"error":"not found"}"#, outer, "404 Not Found", "404 Not Found\n"] {
            assert_eq!(reason(404, body), Some(Reason::RouteMissing), "{body}");
        }
        assert_eq!(reason(405, ""), Some(Reason::RouteMissing));
        assert_eq!(reason(405, r#"{"error":"Method not allowed"}"#), Some(Reason::RouteMissing));
        for body in [
            r#"{"error":"Agent not found"}"#,
            r#"{"error":"Not found"}"#,
            r#"{"error":"not found","message":"agent"}"#,
            r#"{"type":"error","error":{"type":"not_found_error","message":"Session not found"}}"#,
            r#"{"error":{"type":"not_found","message":"not found"}}"#,
            "<html>404 Not Found</html>",
            "Not Found",
            "",
        ] {
            assert_eq!(reason(404, body), None, "{body}");
        }
        assert_eq!(reason(400, outer), None);
    }

    #[test]
    fn reasons() {
        let coded =
            |code: &str| format!(r#"{{"error":{{"type":"t","message":"m","details":{{"error_code":"{code}"}}}}}}"#);
        let typed =
            |kind: &str, said: &str| format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"{said}"}}}}"#);
        let table = [
            (402, r#"{"error":"Insufficient balance","balance_cents":-5}"#.to_owned(), Some(Reason::Credits)),
            (402, String::new(), Some(Reason::Credits)),
            (429, typed("rate_limit_error", "Too many requests"), Some(Reason::RateLimit)),
            (429, String::new(), Some(Reason::RateLimit)),
            (429, coded("contract_spend_limit_reached"), Some(Reason::PlanLimit)),
            (429, coded("enforced_spend_limit_reached"), Some(Reason::PlanLimit)),
            (429, coded("ramp_limit_exceeded"), Some(Reason::Quota)),
            (429, r#"{"error":"Daily session limit reached"}"#.to_owned(), Some(Reason::DailyCap)),
            (400, coded("storage_quota_exceeded"), Some(Reason::Quota)),
            (409, typed("memory_path_conflict_error", "taken"), Some(Reason::Duplicate)),
            (409, coded("skill_name_taken"), Some(Reason::Duplicate)),
            (409, typed("memory_precondition_failed_error", "m"), Some(Reason::PreconditionFailed)),
            (409, typed("conflict_error", "Version mismatch: expected 1, got 2"), Some(Reason::PreconditionFailed)),
            (400, r#"{"error":"precondition failed"}"#.to_owned(), Some(Reason::PreconditionFailed)),
            (400, r#"{"error":"content_sha256 mismatch"}"#.to_owned(), Some(Reason::PreconditionFailed)),
            (409, typed("conflict_error", "content_sha256 mismatch"), Some(Reason::PreconditionFailed)),
            (
                409,
                typed("conflict_error", "concurrent write detected (etag mismatch)"),
                Some(Reason::PreconditionFailed),
            ),
            (409, r#"{"error":"The memory's content has changed"}"#.to_owned(), Some(Reason::PreconditionFailed)),
            (400, r#"{"error":"memory exists at path"}"#.to_owned(), Some(Reason::Duplicate)),
            (409, typed("conflict_error", "memory exists at path"), Some(Reason::Duplicate)),
            (409, typed("conflict_error", "target path occupied"), Some(Reason::Duplicate)),
            (409, r#"{"error":"Session is archived"}"#.to_owned(), None),
            (500, typed("api_error", "UNIQUE constraint failed: model_cards.model_id"), Some(Reason::Duplicate)),
            (500, typed("api_error", "m"), None),
            (529, typed("overloaded_error", "Overloaded"), None),
        ];
        for (status, body, reason) in table {
            assert_eq!(details(status, &body).reason, reason, "{status} {body}");
        }
        let balance = details(402, r#"{"error":"Insufficient balance","balance_cents":-5}"#);
        assert_eq!(balance.others["balance_cents"], -5);
        let conflict = r#"{"type":"error","error":{"type":"memory_path_conflict_error","message":"m","conflicting_memory_id":"mem_1"}}"#;
        assert_eq!(details(409, conflict).others["conflicting_memory_id"], "mem_1");
    }

    #[test]
    fn the_field_of_an_invalid_request_is_named() {
        let body = r#"{"type":"error","error":{"type":"invalid_request_error","message":"Invalid request field tools[0].type: unknown value"}}"#;
        let field = &details(400, body).field_errors[0];
        assert_eq!((field.path(), field.message()), ("tools[0].type", "unknown value"));
    }

    #[test]
    fn a_missing_beta_is_a_sign_of_another_generation() {
        let body = r#"{"type":"error","error":{"type":"invalid_request_error","message":"Missing required anthropic-beta flag: managed-agents-2026-04-01"}}"#;
        assert!(details(400, body).other_generation);
        assert!(!details(403, body).other_generation && !details(400, "{}").other_generation);
    }

    #[test]
    fn json_that_the_server_cannot_parse_is_not_sent_again() {
        assert!(details(500, r#"{"error":"internal_error","message":"Unexpected end of JSON input"}"#).permanent);
        assert!(!details(500, r#"{"error":"internal_error","message":"database is locked"}"#).permanent);
        assert!(!details(500, "Internal Server Error").permanent);
    }
}
