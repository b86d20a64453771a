//! Reading Agent Launchpad's error responses: its own `error` object, that of its web framework, and plain text.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use crate::Timestamp;
use crate::error::{ErrorDetails, FieldError, Reason};
use crate::headers::RateLimit;

pub(super) fn parse(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> ErrorDetails {
    let mut facts = match serde_json::from_slice(body) {
        // A success may have a message too.
        Ok(Value::Object(object)) if status.is_success() && !object.get("error").is_some_and(is_said) => {
            return ErrorDetails::default();
        }
        Ok(Value::Object(object)) => of_json(object),
        Ok(Value::String(text)) => ErrorDetails { message: Some(text), ..ErrorDetails::default() },
        // A proxy in front of the platform, or another server, knows nothing of its paths.
        Err(_) if status == StatusCode::NOT_FOUND && !body.trim_ascii().is_empty() => {
            ErrorDetails { reason: Some(Reason::RouteMissing), ..ErrorDetails::default() }
        }
        _ => ErrorDetails::default(),
    };
    if status.is_success() {
        return facts;
    }
    let code = facts.code.as_deref().map(str::to_ascii_uppercase).unwrap_or_default();
    facts.reason = facts.reason.or_else(|| reason(status, &code));
    facts.permanent = facts.reason == Some(Reason::DeploymentFailed);
    if facts.reason == Some(Reason::RateLimit) {
        let reset = ["reset_time", "resetTime"].iter().find_map(|name| until(facts.others.get(*name)?));
        facts.retry_after = reset.or_else(|| RateLimit::from_headers(headers)?.until_reset(headers));
    }
    facts
}

/// Whether an error is anything.
fn is_said(error: &Value) -> bool {
    matches!(error, Value::Object(_) | Value::String(_))
}

fn of_json(mut object: Map<String, Value>) -> ErrorDetails {
    match object.remove("error") {
        Some(Value::Object(error)) => own(error),
        Some(Value::String(title)) => framework(object, title),
        Some(_) | None => framework(object, String::new()),
    }
}

/// `{"error": {"code", "message", "requestId", "details"}}`
fn own(mut error: Map<String, Value>) -> ErrorDetails {
    let mut text = |names: &[&str]| names.iter().find_map(|name| take_text(&mut error, name));
    let code = text(&["code"]);
    let message = text(&["message"]).or_else(|| code.clone());
    let request_id = text(&["requestId", "request_id", "correlation_id", "correlationId"]);
    let mut details = match error.remove("details") {
        Some(Value::Object(details)) => details,
        Some(Value::Null) | None => Map::new(),
        Some(other) => Map::from_iter([("details".to_owned(), other)]),
    };
    for (name, value) in error {
        details.entry(name).or_insert(value);
    }
    let field = details.get("field").and_then(Value::as_str).map(|field| FieldError {
        path: field.to_owned(),
        code: None,
        message: message.clone().unwrap_or_default(),
    });
    ErrorDetails {
        message,
        code,
        request_id,
        others: details,
        field_errors: field.into_iter().collect(),
        ..ErrorDetails::default()
    }
}

/// `{"statusCode", "message", "error"}`: the message is a text, or a list with one for each invalid value, which begins
/// with its name.
fn framework(mut object: Map<String, Value>, title: String) -> ErrorDetails {
    let code = take_text(&mut object, "code");
    let (message, field_errors) = match object.remove("message") {
        Some(Value::String(message)) => (Some(message), Vec::new()),
        Some(Value::Array(messages)) => {
            let messages: Vec<&str> = messages.iter().filter_map(Value::as_str).collect();
            (Some(messages.join("; ")), messages.iter().map(|message| field_error(message)).collect())
        }
        _ => (None, Vec::new()),
    };
    let reason = message.as_ref().filter(|message| message.starts_with("Cannot ")).map(|_| Reason::RouteMissing);
    let message = message.or_else(|| Some(title).filter(|title| !title.is_empty())).or_else(|| code.clone());
    ErrorDetails { message, code, reason, field_errors, others: object, ..ErrorDetails::default() }
}

fn field_error(message: &str) -> FieldError {
    let path = message.split(' ').next().unwrap_or_default();
    FieldError { path: path.to_owned(), code: None, message: message.to_owned() }
}

fn take_text(object: &mut Map<String, Value>, name: &str) -> Option<String> {
    match object.remove(name)? {
        Value::String(text) => Some(text),
        other => {
            object.insert(name.to_owned(), other);
            None
        }
    }
}

/// The code decides; the status only where the code does not. Frequency has no code of its own in the reference.
fn reason(status: StatusCode, code: &str) -> Option<Reason> {
    match code {
        "RESOURCE_LIMIT_EXCEEDED" => Some(Reason::Quota),
        "RATE_LIMIT_EXCEEDED" => Some(Reason::RateLimit),
        "INSUFFICIENT_PERMISSIONS" | "AUTHORIZATION_FAILED" | "RLS_ACCESS_DENIED" => Some(Reason::Scope),
        "DEPLOYMENT_FAILED" => Some(Reason::DeploymentFailed),
        "SECURITY_SCAN_FAILED" => Some(Reason::SecurityScanFailed),
        "RESOURCE_EXHAUSTED" => Some(Reason::NoCapacity),
        "CONTAINER_UNHEALTHY" => Some(Reason::Unhealthy),
        "SUPABASE_CONNECTION_ERROR" => Some(Reason::BackendUnavailable),
        _ => match status.as_u16() {
            429 => Some(Reason::RateLimit),
            405 => Some(Reason::RouteMissing),
            _ => None,
        },
    }
}

/// The time until a point in time: RFC 3339 or Unix seconds.
fn until(value: &Value) -> Option<Duration> {
    let at = match value {
        Value::String(text) => text.parse().ok()?,
        Value::Number(seconds) => Timestamp::from_unix_seconds(seconds.as_i64()?)?,
        _ => return None,
    };
    Some(SystemTime::from(at).duration_since(SystemTime::now()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(status: u16, body: &str) -> ErrorDetails {
        parse(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.as_bytes())
    }

    fn with_code(status: u16, code: &str) -> ErrorDetails {
        facts(status, &format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#))
    }

    #[test]
    fn every_code_of_the_table_has_its_reason() {
        for (status, code, reason) in [
            (401, "INVALID_API_KEY", None),
            (401, "AUTHENTICATION_FAILED", None),
            (401, "INVALID_JWT_TOKEN", None),
            (403, "INSUFFICIENT_PERMISSIONS", Some(Reason::Scope)),
            (403, "AUTHORIZATION_FAILED", Some(Reason::Scope)),
            (403, "RLS_ACCESS_DENIED", Some(Reason::Scope)),
            (404, "AGENT_NOT_FOUND", None),
            (400, "VALIDATION_ERROR", None),
            (500, "DEPLOYMENT_FAILED", Some(Reason::DeploymentFailed)),
            (429, "RESOURCE_LIMIT_EXCEEDED", Some(Reason::Quota)),
            (422, "SECURITY_SCAN_FAILED", Some(Reason::SecurityScanFailed)),
            (429, "RATE_LIMIT_EXCEEDED", Some(Reason::RateLimit)),
            (503, "RESOURCE_EXHAUSTED", Some(Reason::NoCapacity)),
            (503, "CONTAINER_UNHEALTHY", Some(Reason::Unhealthy)),
            (503, "SUPABASE_CONNECTION_ERROR", Some(Reason::BackendUnavailable)),
            (422, "REAL_TIME_SUBSCRIPTION_FAILED", None),
            (429, "SOMETHING_ELSE", Some(Reason::RateLimit)),
            (500, "SOMETHING_ELSE", None),
            (503, "deployment_failed", Some(Reason::DeploymentFailed)),
        ] {
            let facts = with_code(status, code);
            assert_eq!((facts.reason, facts.code.as_deref()), (reason, Some(code)), "{status} {code}");
            assert_eq!(facts.permanent, reason == Some(Reason::DeploymentFailed), "{code}");
        }
    }

    #[test]
    fn the_platforms_own_error_is_read_whole() {
        let body = r#"{"error":{"code":"VALIDATION_ERROR","message":"agentName is too short","timestamp":"2026-07-01T12:00:00Z","requestId":"req-1","details":{"field":"agentName","min":3},"user_id":"user-3"}}"#;
        let facts = facts(400, body);
        assert_eq!(facts.message.as_deref(), Some("agentName is too short"));
        assert_eq!(facts.request_id.as_deref(), Some("req-1"));
        assert_eq!((&facts.others["min"], &facts.others["user_id"]), (&Value::from(3), &Value::from("user-3")));
        assert_eq!(facts.field_errors[0].path(), "agentName");
        let later =
            self::facts(503, r#"{"error":{"code":"RESOURCE_EXHAUSTED","correlation_id":"c-7","details":null}}"#);
        assert_eq!((later.request_id.as_deref(), later.message.as_deref()), (Some("c-7"), Some("RESOURCE_EXHAUSTED")));
    }

    #[test]
    fn the_web_frameworks_error_is_read_too() {
        let one = facts(403, r#"{"statusCode":403,"message":"Forbidden resource","error":"Forbidden"}"#);
        assert_eq!((one.message.as_deref(), one.code), (Some("Forbidden resource"), None));
        let many = facts(
            400,
            r#"{"statusCode":400,"message":["agentName must be longer","replicas must not be 0"],"error":"Bad Request"}"#,
        );
        assert_eq!(many.message.as_deref(), Some("agentName must be longer; replicas must not be 0"));
        let paths: Vec<_> = many.field_errors.iter().map(FieldError::path).collect();
        assert_eq!(paths, ["agentName", "replicas"]);
        let title = facts(500, r#"{"statusCode":500,"error":"Internal Server Error"}"#);
        assert_eq!(title.message.as_deref(), Some("Internal Server Error"));
    }

    #[test]
    fn a_missing_route_is_told_from_a_missing_agent() {
        let missing = Some(Reason::RouteMissing);
        assert_eq!(
            facts(404, r#"{"statusCode":404,"message":"Cannot GET /api/agents/a","error":"Not Found"}"#).reason,
            missing
        );
        assert_eq!(facts(404, "<html>404 Not Found</html>").reason, missing);
        assert_eq!(facts(404, "default backend - 404").reason, missing);
        assert_eq!(facts(405, "").reason, missing);
        assert_eq!(with_code(404, "AGENT_NOT_FOUND").reason, None);
        assert_eq!(facts(404, r#"{"statusCode":404,"message":"Agent not found","error":"Not Found"}"#).reason, None);
        assert_eq!(facts(404, "").reason, None);
    }

    #[test]
    fn plain_text_on_429_is_the_frequency_and_the_reset_says_how_long() {
        let text = facts(429, "Too many requests from this IP");
        assert_eq!((text.reason, text.message, text.retry_after), (Some(Reason::RateLimit), None, None));
        assert_eq!(facts(429, "\"Too many\"").message.as_deref(), Some("Too many"));
        let header = |name: &'static str, value: &str| (name.parse().unwrap(), value.parse().unwrap());
        let with = |reset: &str, body: &str| {
            let date = header("date", "Wed, 21 Oct 2015 07:28:00 GMT");
            let headers = HeaderMap::from_iter([date, header("x-ratelimit-reset", reset)]);
            parse(StatusCode::TOO_MANY_REQUESTS, &headers, body.as_bytes()).retry_after
        };
        assert_eq!(with("1445412510", ""), Some(Duration::from_secs(30)), "an instant");
        assert_eq!(with("45", "slow down"), Some(Duration::from_secs(45)), "seconds from now");
        assert_eq!(with("1445412400", ""), Some(Duration::ZERO), "past");
        assert_eq!(with("45", r#"{"error":{"code":"RESOURCE_LIMIT_EXCEEDED","message":"m"}}"#), None, "a quota");
        let past =
            r#"{"error":{"code":"RATE_LIMIT_EXCEEDED","message":"m","details":{"reset_time":"2020-01-01T00:00:00Z"}}}"#;
        assert_eq!(facts(429, past).retry_after, Some(Duration::ZERO));
    }
}
