//! Reading Elacity's error responses: a text `message` is all that is documented. The other fields are those that the
//! frameworks write which its schemas look like.

use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use crate::error::{ErrorDetails, FieldError, Reason};
use crate::text;

pub(super) fn parse(status: StatusCode, _: &HeaderMap, body: &[u8]) -> ErrorDetails {
    let Ok(Value::Object(mut object)) = text::from_json(body) else {
        return ErrorDetails { reason: reason(status, Some(body)), ..ErrorDetails::default() };
    };
    if status.is_success() && !is_error(&object) {
        // Any success may have a message.
        return ErrorDetails::default();
    }
    let field_errors = field_errors(&object);
    let (mut code, mut message) = (take_text(&mut object, "code"), take_text(&mut object, "message"));
    match object.get_mut("error") {
        Some(Value::String(error)) => message = message.or_else(|| Some(error.clone())),
        Some(Value::Object(error)) => {
            message = message.or_else(|| take_text(error, "message"));
            code = code.or_else(|| take_text(error, "code"));
        }
        _ => {}
    }
    ErrorDetails {
        message: message.filter(|message| !message.is_empty()),
        code,
        reason: reason(status, None),
        field_errors,
        others: object,
        ..ErrorDetails::default()
    }
}

/// Whether a body with a success status reports an error all the same.
fn is_error(object: &Map<String, Value>) -> bool {
    let says = |name: &str| object.get(name).is_some_and(|value| !value.is_null());
    says("error") || (object.get("defined").is_some_and(Value::is_boolean) && says("code") && says("message"))
}

fn take_text(object: &mut Map<String, Value>, name: &str) -> Option<String> {
    match object.get_mut(name) {
        Some(Value::String(text)) => {
            let text = std::mem::take(text);
            object.remove(name);
            Some(text)
        }
        _ => None,
    }
}

/// `plain`: the body, if it is not a JSON object. The API's own errors are objects: a page is the web server's.
fn reason(status: StatusCode, plain: Option<&[u8]>) -> Option<Reason> {
    match status {
        StatusCode::TOO_MANY_REQUESTS => Some(Reason::RateLimit),
        StatusCode::METHOD_NOT_ALLOWED => Some(Reason::RouteMissing),
        StatusCode::NOT_FOUND if plain.is_some_and(|body| body.trim_ascii_start().starts_with(b"<")) => {
            Some(Reason::RouteMissing)
        }
        _ => None,
    }
}

/// What validation found: `issues`, at the top or below `data`.
fn field_errors(object: &Map<String, Value>) -> Vec<FieldError> {
    let below = || object.get("data").and_then(|data| data.get("issues"));
    let issues = object.get("issues").or_else(below).and_then(Value::as_array);
    issues.into_iter().flatten().filter_map(field_error).collect()
}

fn field_error(issue: &Value) -> Option<FieldError> {
    let text = |name: &str| issue.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut path = String::new();
    for key in issue.get("path").and_then(Value::as_array).into_iter().flatten() {
        match key {
            Value::String(key) if path.is_empty() => path.push_str(key),
            Value::String(key) => path.extend([".", key]),
            other => path.extend(["[", &other.to_string(), "]"]),
        }
    }
    Some(FieldError { path, code: text("code"), message: text("message")? })
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

    fn both(code: Option<&str>, message: &str) -> (Option<String>, Option<String>) {
        (code.map(str::to_owned), Some(message.to_owned()))
    }

    #[test]
    fn the_message_is_found_wherever_it_stands() {
        assert_eq!(said(404, r#"{"message":"No registry"}"#), both(None, "No registry"));
        let full = r#"{"defined":false,"code":"NOT_FOUND","status":404,"message":"No registry","data":{"a":1}}"#;
        assert_eq!(said(404, full), both(Some("NOT_FOUND"), "No registry"));
        assert_eq!(details(404, full).others["data"], json!({"a": 1}));
        assert_eq!(said(400, r#"{"error":"Bad input"}"#), both(None, "Bad input"));
        assert_eq!(said(400, r#"{"error":{"message":"Bad input","code":"X"}}"#), both(Some("X"), "Bad input"));
        assert_eq!(said(400, r#"{"message":"first","error":"second"}"#), both(None, "first"));
        assert_eq!(said(400, r#"{"message":7,"error":"second"}"#), both(None, "second"));
        assert_eq!(said(400, r#"{"code":7,"message":"m"}"#), both(None, "m"));
    }

    #[test]
    fn what_is_no_error_object_says_nothing() {
        for body in ["", "null", "[]", "\"text\"", "{", "<html>", "{}", r#"{"error":null}"#, r#"{"message":""}"#] {
            assert_eq!(said(500, body), (None, None), "{body}");
            assert_eq!(details(500, body).reason, None, "{body}");
        }
    }

    #[test]
    fn a_success_is_an_error_only_if_it_says_so() {
        for body in [
            r#"{"message":"Published"}"#,
            r#"{"error":null,"message":"Published"}"#,
            r#"{"code":"x","message":"y"}"#,
            r#"{"issues":[{"message":"x"}]}"#,
            r#"{"status":404}"#,
        ] {
            assert!(!details(200, body).is_error(), "{body}");
        }
        assert!(details(200, r#"{"error":"No"}"#).is_error());
        assert!(details(200, r#"{"defined":false,"code":"NOT_FOUND","status":404,"message":"No"}"#).is_error());
    }

    #[test]
    fn issues_are_field_errors() {
        let issue =
            r#"[{"code":"too_small","path":["artifact","tags",0,"name"],"message":"Required"},{"message":"m"},{}]"#;
        for body in [format!(r#"{{"message":"x","issues":{issue}}}"#), format!(r#"{{"data":{{"issues":{issue}}}}}"#)] {
            let found = details(400, &body).field_errors;
            assert_eq!(found.len(), 2, "{body}");
            assert_eq!(
                (found[0].path.as_str(), found[0].code.as_deref()),
                ("artifact.tags[0].name", Some("too_small"))
            );
            assert_eq!((found[1].path.as_str(), found[1].message.as_str()), ("", "m"));
        }
    }

    #[test]
    fn a_page_instead_of_an_error_object_means_that_the_path_is_missing() {
        for (status, body, reason) in [
            (404, "<!DOCTYPE html>", Some(Reason::RouteMissing)),
            (404, r#"{"message":"No registry"}"#, None),
            (404, "", None),
            (404, "Not found", None),
            (405, "", Some(Reason::RouteMissing)),
            (405, r#"{"message":"x"}"#, Some(Reason::RouteMissing)),
            (429, "", Some(Reason::RateLimit)),
            (429, r#"{"message":"x"}"#, Some(Reason::RateLimit)),
            (403, r#"{"message":"x"}"#, None),
            (500, "<html>", None),
        ] {
            assert_eq!(details(status, body).reason, reason, "{status} {body}");
        }
    }
}
