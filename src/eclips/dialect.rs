//! Reading eClips' error responses: `error` is a code, a sentence or an object. What is behind a 429 or 403 is told by
//! its text and by the fields beside it.

use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use crate::error::{ErrorDetails, FieldError, Reason};
use crate::text;

/// The documented codes, and `permission_error`, which their pattern suggests.
const CODES: [&str; 6] =
    ["validation_error", "authentication_error", "permission_error", "not_found", "rate_limited", "server_error"];

pub(super) fn parse(status: StatusCode, _: &HeaderMap, body: &[u8]) -> ErrorDetails {
    let Ok(Value::Object(mut object)) = text::from_json(body) else {
        return ErrorDetails { reason: reason_without_json(status, body), ..ErrorDetails::default() };
    };
    if status.is_success() && object.get("error").is_none_or(Value::is_null) {
        // A success may have a message too.
        return ErrorDetails::default();
    }
    let (code, message) = code_and_message(status, &mut object);
    let said =
        [&code, &message].into_iter().flatten().fold(String::new(), |said, text| said + text + " ").to_lowercase();
    let field_errors = field_error(&object, message.as_deref());
    let reason = reason(status, &said, &object);
    ErrorDetails {
        message,
        code,
        reason,
        field_errors: field_errors.into_iter().collect(),
        others: object,
        ..ErrorDetails::default()
    }
}

fn code_and_message(status: StatusCode, object: &mut Map<String, Value>) -> (Option<String>, Option<String>) {
    let error = object.remove("error");
    let mut text = |name: &str| take_text(object, name);
    let (own_code, own_message) = (text("code"), text("message"));
    match error {
        Some(Value::String(error)) if CODES.contains(&error.as_str()) || (own_message.is_some() && is_code(&error)) => {
            let message = own_message.unwrap_or_else(|| error.clone());
            (Some(error), Some(message))
        }
        Some(Value::String(error)) => (own_code.or_else(|| code_of(status)), Some(error)),
        Some(Value::Object(mut error)) => {
            let code = take_text(&mut error, "code").or_else(|| take_text(&mut error, "type")).or(own_code);
            let message = take_text(&mut error, "message").or(own_message).or_else(|| code.clone());
            for (name, value) in error {
                object.entry(name).or_insert(value);
            }
            (code.or_else(|| code_of(status)), message)
        }
        _ => {
            let message = own_message.or_else(|| own_code.clone());
            (own_code, message)
        }
    }
}

fn take_text(object: &mut Map<String, Value>, name: &str) -> Option<String> {
    match object.remove(name) {
        Some(Value::String(text)) => Some(text),
        Some(other) => {
            object.insert(name.to_owned(), other);
            None
        }
        None => None,
    }
}

/// Whether a text is a code such as `plan_limit`, not a sentence.
fn is_code(text: &str) -> bool {
    text.contains('_') && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The code that the platform documents for a status, for bodies that have a sentence only.
fn code_of(status: StatusCode) -> Option<String> {
    let code = match status.as_u16() {
        400 => "validation_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found",
        429 => "rate_limited",
        500..=599 => "server_error",
        _ => return None,
    };
    Some(code.to_owned())
}

fn field_error(object: &Map<String, Value>, message: Option<&str>) -> Option<FieldError> {
    let path = object.get("field")?.as_str()?.to_owned();
    Some(FieldError { path, code: None, message: message.unwrap_or_default().to_owned() })
}

/// `said`: code and message, in lower case.
fn reason(status: StatusCode, said: &str, object: &Map<String, Value>) -> Option<Reason> {
    let speaks_of = |words: &[&str]| words.iter().any(|word| said.contains(word));
    match status.as_u16() {
        402 | 429 if speaks_of(&["credit"]) => Some(Reason::Credits),
        429 if speaks_of(&["daily", "per day", "today"]) => Some(Reason::DailyCap),
        429 if speaks_of(&["plan", "upgrade", "quota"]) && !speaks_of(&["rate limit", "too many requests"]) => {
            Some(Reason::PlanLimit)
        }
        429 => Some(Reason::RateLimit),
        403 if ["required", "provided"].iter().any(|name| object.contains_key(*name)) => Some(Reason::Scope),
        403 if speaks_of(&["scope"]) => Some(Reason::Scope),
        403 if speaks_of(&["plan", "upgrade", "api access", "subscription"]) => Some(Reason::FeatureUnavailable),
        405 => Some(Reason::RouteMissing),
        _ => None,
    }
}

/// The platform's web framework answers for a missing route with a page that says `Cannot POST /v1/runs`.
fn reason_without_json(status: StatusCode, body: &[u8]) -> Option<Reason> {
    match status.as_u16() {
        405 => Some(Reason::RouteMissing),
        404 if String::from_utf8_lossy(body).contains("Cannot ") => Some(Reason::RouteMissing),
        _ => {
            let said = String::from_utf8_lossy(body).to_lowercase();
            reason(status, &said, &Map::new())
        }
    }
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

    #[test]
    fn a_code_is_told_from_a_sentence() {
        assert_eq!(said(404, r#"{"error":"not_found","message":"Run not found"}"#), both("not_found", "Run not found"));
        assert_eq!(said(500, r#"{"error":"server_error"}"#), both("server_error", "server_error"));
        assert_eq!(said(400, r#"{"error":"task is required"}"#), both("validation_error", "task is required"));
        assert_eq!(said(401, r#"{"error":"Invalid or missing API key"}"#).0.as_deref(), Some("authentication_error"));
        assert_eq!(said(403, r#"{"error":"Insufficient scope"}"#).0.as_deref(), Some("permission_error"));
        assert_eq!(said(429, r#"{"error":"Rate limit exceeded"}"#).0.as_deref(), Some("rate_limited"));
        assert_eq!(said(502, r#"{"error":"Bad gateway"}"#).0.as_deref(), Some("server_error"));
        assert_eq!(said(422, r#"{"error":"data does not fit"}"#), (None, Some("data does not fit".to_owned())));
        assert_eq!(said(403, r#"{"error":"plan_required","message":"Upgrade"}"#), both("plan_required", "Upgrade"));
        assert_eq!(said(400, r#"{"error":"Bad task","code":"E17"}"#), both("E17", "Bad task"));
        assert_eq!(said(400, r#"{"message":"Bad task"}"#), (None, Some("Bad task".to_owned())));
    }

    #[test]
    fn an_error_that_is_an_object_is_read_too() {
        let body = r#"{"error":{"type":"validation_error","message":"task is required","field":"task","n":1}}"#;
        assert_eq!(said(400, body), both("validation_error", "task is required"));
        let details = details(400, body);
        assert_eq!((details.field_errors[0].path.as_str(), &details.others["n"]), ("task", &json!(1)));
        assert_eq!(said(404, r#"{"error":{"code":"gone"}}"#), both("gone", "gone"));
        assert_eq!(said(404, r#"{"error":{"message":"gone"}}"#), both("not_found", "gone"));
    }

    #[test]
    fn what_is_no_error_object_says_nothing() {
        for body in
            ["", "null", "[]", "\"text\"", "{", "<html>", "{}", r#"{"error":null}"#, r#"{"error":[1]}"#, "\u{0}"]
        {
            assert_eq!(said(500, body), (None, None), "{body}");
            assert_eq!(details(500, body).reason, None, "{body}");
        }
    }

    #[test]
    fn a_success_is_an_error_only_if_it_says_so() {
        for body in [r#"{"message":"Approved"}"#, r#"{"error":null,"code":"x"}"#, r#"{"field":"x"}"#, r#"{"id":"a"}"#] {
            assert!(!details(200, body).is_error(), "{body}");
        }
        assert!(details(200, r#"{"error":"Item is already resolved"}"#).is_error());
    }

    #[test]
    fn a_field_and_scopes_are_kept() {
        let details = details(400, r#"{"error":"validation_error","message":"task is required","field":"task"}"#);
        let want = FieldError { path: "task".to_owned(), code: None, message: "task is required".to_owned() };
        assert_eq!(details.field_errors, [want]);
        let scope = self::details(403, r#"{"error":"Insufficient scope","required":"batch:run","provided":["a:b"]}"#);
        assert_eq!((&scope.others["required"], &scope.others["provided"]), (&json!("batch:run"), &json!(["a:b"])));
    }

    #[test]
    fn the_text_tells_the_causes_of_429_and_403_apart() {
        let table = [
            (429, r#"{"error":"Rate limit exceeded"}"#, Some(Reason::RateLimit)),
            (429, r#"{"error":"rate_limited"}"#, Some(Reason::RateLimit)),
            (429, "", Some(Reason::RateLimit)),
            (429, "<html>Too Many Requests</html>", Some(Reason::RateLimit)),
            (429, r#"{"error":"Rate limit of your plan exceeded"}"#, Some(Reason::RateLimit)),
            (429, r#"{"error":"Daily limit of your plan reached"}"#, Some(Reason::DailyCap)),
            (429, r#"{"error":"rate_limited","message":"DAILY cap reached"}"#, Some(Reason::DailyCap)),
            (429, r#"{"error":"Insufficient Credits"}"#, Some(Reason::Credits)),
            (429, r#"{"error":"rate_limited","message":"Your daily credits are used up"}"#, Some(Reason::Credits)),
            (429, r#"{"error":"Plan limit reached, please upgrade"}"#, Some(Reason::PlanLimit)),
            (402, r#"{"error":"No credits left"}"#, Some(Reason::Credits)),
            (403, r#"{"error":"Insufficient scope","required":"a","provided":[]}"#, Some(Reason::Scope)),
            (403, r#"{"error":"Forbidden","required":"batch:run"}"#, Some(Reason::Scope)),
            (403, r#"{"error":"Missing scope"}"#, Some(Reason::Scope)),
            (403, r#"{"error":"API access requires the Team plan"}"#, Some(Reason::FeatureUnavailable)),
            (403, r#"{"error":"Forbidden"}"#, None),
            (404, r#"{"error":"Run not found"}"#, None),
            (404, "<pre>Cannot GET /v1/runs</pre>", Some(Reason::RouteMissing)),
            (404, "", None),
            (405, "", Some(Reason::RouteMissing)),
            (405, r#"{"error":"Method not allowed"}"#, Some(Reason::RouteMissing)),
            (500, r#"{"error":"credits service is down"}"#, None),
            (400, r#"{"error":"daily is no priority"}"#, None),
        ];
        for (status, body, reason) in table {
            assert_eq!(details(status, body).reason, reason, "{status} {body}");
        }
    }
}
