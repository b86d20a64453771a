//! Reading Elephantasm's error responses. They have five shapes: `detail` as text, as a list (every 422), as an object
//! (plan limits), no `detail` but `error` and `message` (rate limits), and plain text (unhandled faults, proxies).

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value};

use crate::error::{ErrorDetails, FieldError, Reason};
use crate::http::seconds;
use crate::text;

pub(super) fn parse(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> ErrorDetails {
    let Ok(Value::Object(mut object)) = text::from_json(body) else { return ErrorDetails::default() };
    match object.remove("detail") {
        Some(Value::String(detail)) => {
            let reason = reason_of(status, headers, &detail);
            ErrorDetails { reason, message: Some(detail).filter(|text| !text.is_empty()), ..ErrorDetails::default() }
        }
        Some(Value::Array(list)) => validation(&list),
        Some(Value::Object(detail)) => limit(detail),
        // A success may have a message too.
        _ if status.is_success() && !object.contains_key("error") => ErrorDetails::default(),
        _ => limit(object),
    }
}

/// Texts that say more than their status: the public host's allow-list sends `Not found`, a route that the server lacks
/// gives `Not Found`, and a missing object is named.
///
/// The platform documents its plan limit as a 429 whose `detail` is text. Its rate limiter never sends `detail`, but
/// one in front of it may; that one says so, or how long to wait without mentioning a plan or a limit.
fn reason_of(status: StatusCode, headers: &HeaderMap, detail: &str) -> Option<Reason> {
    match (status.as_u16(), detail) {
        (404, "Not found" | "Not Found") | (405, _) => Some(Reason::RouteMissing),
        (409, detail) if detail.contains("dedupe_key") => Some(Reason::Duplicate),
        (403 | 429, detail) => {
            let detail = detail.to_ascii_lowercase();
            let mentions = |words: &[&str]| words.iter().any(|word| detail.contains(word));
            let plan = mentions(&["plan", "upgrade", "monthly", "this month", "quota"]);
            let limit = mentions(&["limit", "exceed"]);
            let rate = mentions(&["rate limit", "too many requests", "slow down"]);
            let waits = headers.contains_key(header::RETRY_AFTER);
            match status.as_u16() {
                403 => (plan && limit).then_some(Reason::PlanLimit),
                _ if !plan && (rate || (waits && !limit)) => Some(Reason::RateLimit),
                _ => Some(Reason::PlanLimit),
            }
        }
        _ => None,
    }
}

/// A list of rejected values. The `input` that each entry echoes is dropped: it may be large, or secret.
fn validation(list: &[Value]) -> ErrorDetails {
    let field_errors: Vec<FieldError> = list
        .iter()
        .map(|entry| FieldError {
            path: entry["loc"].as_array().map(|loc| path(loc)).unwrap_or_default(),
            code: entry["type"].as_str().map(str::to_owned),
            message: entry["msg"].as_str().unwrap_or_default().to_owned(),
        })
        .collect();
    let message = field_errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    ErrorDetails { message: Some(message).filter(|text| !text.is_empty()), field_errors, ..ErrorDetails::default() }
}

/// `["body", "items", 3, "name"]` as `body.items[3].name`.
fn path(loc: &[Value]) -> String {
    let mut path = String::new();
    for part in loc {
        match part {
            Value::String(name) if path.is_empty() => path.push_str(name),
            Value::String(name) => {
                path.push('.');
                path.push_str(name);
            }
            index => path.extend(["[", &index.to_string(), "]"]),
        }
    }
    path
}

/// `{error, message, ..}`: `error` is the code, everything else is kept by name.
fn limit(mut object: Map<String, Value>) -> ErrorDetails {
    let mut text = |name: &str| match object.remove(name) {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    };
    let code = text("error");
    let message = text("message").or_else(|| code.clone());
    let reason = match code.as_deref() {
        Some("limit_exceeded") => Some(Reason::PlanLimit),
        Some("feature_not_available") => Some(Reason::FeatureUnavailable),
        Some("rate_limit_exceeded") => Some(Reason::RateLimit),
        // Without the code: fields that only a feature gate or a plan limit has.
        None if object.contains_key("feature") => Some(Reason::FeatureUnavailable),
        None if ["action", "current_plan", "current_tier"].iter().any(|name| object.contains_key(*name)) => {
            Some(Reason::PlanLimit)
        }
        _ => None,
    };
    let retry_after: Option<Duration> = match object.get("retry_after_seconds") {
        Some(Value::String(text)) => seconds(text),
        Some(number) => seconds(&number.to_string()),
        None => None,
    };
    ErrorDetails { message, code, reason, retry_after, others: object, ..ErrorDetails::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(status: u16, body: &str) -> ErrorDetails {
        parse(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn detail_as_text() {
        let facts = facts(401, r#"{"detail":"Authentication required"}"#);
        assert_eq!(facts.message.as_deref(), Some("Authentication required"));
        assert_eq!((facts.code, facts.reason), (None, None));
    }

    #[test]
    fn a_missing_route_is_told_from_a_missing_object() {
        let reason = |body| facts(404, body).reason;
        assert_eq!(reason(r#"{"detail":"Not found"}"#), Some(Reason::RouteMissing));
        assert_eq!(reason(r#"{"detail":"Not Found"}"#), Some(Reason::RouteMissing));
        assert_eq!(reason(r#"{"detail":"Anima b2352c05-e685-4021-8624-595406c725f2 not found"}"#), None);
        assert_eq!(reason(""), None);
    }

    #[test]
    fn tells_a_duplicate_event_from_other_conflicts() {
        let duplicate = r#"{"detail":"Duplicate event (dedupe_key conflict)"}"#;
        assert_eq!(facts(409, duplicate).reason, Some(Reason::Duplicate));
        assert_eq!(facts(400, duplicate).reason, None);
        for body in [
            r#"{"detail":"Dream already running"}"#,
            r#"{"detail":"The anima is being deleted"}"#,
            r#"{"detail":["dedupe_key"]}"#,
            "<html>dedupe_key</html>",
            "",
        ] {
            assert_eq!(facts(409, body).reason, None, "{body}");
        }
    }

    #[test]
    fn detail_as_a_list_becomes_field_errors_without_the_input() {
        let facts = facts(
            422,
            r#"{"detail":[
                {"type":"less_than_equal","loc":["body","importance_score"],"msg":"Input should be less than or equal to 1","input":"hunter2","ctx":{"le":1.0}},
                {"type":"json_invalid","loc":["body",17],"msg":"JSON decode error","input":{}}
            ]}"#,
        );
        assert_eq!(
            facts.message.as_deref(),
            Some("body.importance_score: Input should be less than or equal to 1; body[17]: JSON decode error")
        );
        assert_eq!(facts.field_errors[0].path(), "body.importance_score");
        assert_eq!(facts.field_errors[0].code(), Some("less_than_equal"));
        assert!(!format!("{facts:?}").contains("hunter2"));
    }

    #[test]
    fn detail_as_an_object_is_a_plan_limit_on_403_and_429() {
        let body = r#"{"detail":{"error":"limit_exceeded","action":"create_event","current_plan":"free","current_tier":"free","message":"Monthly events used up","upgrade_url":"https://elephantasm.com/pricing"}}"#;
        for status in [403, 429] {
            let facts = facts(status, body);
            assert_eq!(facts.reason, Some(Reason::PlanLimit));
            assert_eq!(facts.code.as_deref(), Some("limit_exceeded"));
            assert_eq!(facts.message.as_deref(), Some("Monthly events used up"));
            assert_eq!(facts.others["action"], "create_event");
        }
        let gate = facts(
            403,
            r#"{"detail":{"error":"feature_not_available","feature":"dreamer","message":"Not in your plan"}}"#,
        );
        assert_eq!(gate.reason, Some(Reason::FeatureUnavailable));
    }

    #[test]
    fn knows_a_plan_limit_by_its_text() {
        let reason = |status, detail: &str| facts(status, &format!(r#"{{"detail":"{detail}"}}"#)).reason;
        for detail in [
            "Plan limit exceeded: monthly events",
            "Your PLAN allows no more animas: limit 1",
            "You have exceeded your quota",
            "Limit reached, please upgrade",
            "Monthly event limit reached",
            "More than the limit of events this month",
        ] {
            for status in [403, 429] {
                assert_eq!(reason(status, detail), Some(Reason::PlanLimit), "{status} {detail}");
            }
        }
        // A 403 is one only if it speaks of a plan and of its limit.
        for detail in
            ["Not a member of this organization", "Your plan", "Please upgrade", "Limit exceeded", "Forbidden"]
        {
            assert_eq!(reason(403, detail), None, "{detail}");
        }
        // The documented plan limit is a 429 with any text, unless the text speaks of a rate and of no plan.
        for detail in ["Limit exceeded", "Event limit exceeded", "Forbidden"] {
            assert_eq!(reason(429, detail), Some(Reason::PlanLimit), "{detail}");
        }
        for detail in ["Rate limit exceeded", "Too Many Requests", "Slow down, please"] {
            assert_eq!(reason(429, detail), Some(Reason::RateLimit), "{detail}");
        }
        assert_eq!(reason(429, "Rate limit of your plan exceeded"), Some(Reason::PlanLimit));
        for status in [400, 401, 404, 409, 410, 500, 503] {
            assert_eq!(reason(status, "Plan limit exceeded"), None, "{status}");
            assert_eq!(reason(status, "Rate limit exceeded"), None, "{status}");
        }
    }

    #[test]
    fn a_429_that_says_how_long_to_wait_is_a_rate_limit_unless_it_names_a_limit() {
        let reason = |status, detail: &str| {
            let headers = HeaderMap::from_iter([(header::RETRY_AFTER, "1".parse().unwrap())]);
            parse(StatusCode::from_u16(status).unwrap(), &headers, format!(r#"{{"detail":"{detail}"}}"#).as_bytes())
                .reason
        };
        assert_eq!(reason(429, "Busy"), Some(Reason::RateLimit));
        assert_eq!(reason(429, "Too many requests"), Some(Reason::RateLimit));
        for detail in ["Plan limit exceeded", "Event limit exceeded", "Monthly limit reached", "Quota used up"] {
            assert_eq!(reason(429, detail), Some(Reason::PlanLimit), "{detail}");
        }
        assert_eq!(reason(403, "Busy"), None);
    }

    #[test]
    fn knows_a_plan_limit_without_its_code_by_its_fields() {
        for status in [403, 429] {
            let reason = |detail: &str| facts(status, &format!(r#"{{"detail":{{{detail}}}}}"#)).reason;
            for field in ["action", "current_plan", "current_tier"] {
                assert_eq!(reason(&format!(r#""{field}":"x""#)), Some(Reason::PlanLimit), "{field}");
            }
            assert_eq!(reason(r#""feature":"dreamer","current_plan":"free""#), Some(Reason::FeatureUnavailable));
            assert_eq!(reason(r#""upgrade_url":"u","message":"m""#), None);
            // The code wins over the fields, and an unknown one says nothing.
            assert_eq!(reason(r#""error":"limit_exceeded","feature":"x""#), Some(Reason::PlanLimit));
            assert_eq!(reason(r#""error":"unheard_of","current_plan":"free""#), None);
        }
    }

    #[test]
    fn a_code_without_a_message_is_the_message() {
        for (body, reason) in [
            (r#"{"detail":{"error":"limit_exceeded"}}"#, Some(Reason::PlanLimit)),
            (r#"{"detail":{"error":"feature_not_available"}}"#, Some(Reason::FeatureUnavailable)),
            (r#"{"error":"rate_limit_exceeded"}"#, Some(Reason::RateLimit)),
            (r#"{"detail":null,"error":"rate_limit_exceeded"}"#, Some(Reason::RateLimit)),
            (r#"{"error":"unheard_of"}"#, None),
        ] {
            let facts = facts(429, body);
            assert_eq!(facts.message, facts.code, "{body}");
            assert!(facts.code.is_some_and(|code| body.contains(&code)), "{body}");
            assert_eq!(facts.reason, reason, "{body}");
        }
        let message = facts(429, r#"{"message":"Come back later"}"#);
        assert_eq!((message.code, message.message.as_deref()), (None, Some("Come back later")));
        for nothing in [r#"{"error":{"nested":1},"message":7}"#, r#"{"error":"","message":""}"#, r#"{"detail":""}"#] {
            let facts = facts(429, nothing);
            assert_eq!((facts.code, facts.message), (None, None), "{nothing}");
        }
    }

    #[test]
    fn a_message_alone_is_no_error_on_a_success() {
        let is_error = |body| facts(200, body).is_error();
        for body in [r#"{"message":"Deleted"}"#, r#"{"detail":""}"#, r#"{"error":null}"#, "{}", r#"{"detail":[]}"#] {
            assert!(!is_error(body), "{body}");
        }
        for body in [
            r#"{"detail":"Authentication required"}"#,
            r#"{"detail":{"feature":"dreamer"}}"#,
            r#"{"detail":[{"loc":["body"],"msg":"m"}]}"#,
            r#"{"error":"unavailable"}"#,
        ] {
            assert!(is_error(body), "{body}");
        }
    }

    #[test]
    fn a_rate_limit_has_no_detail() {
        let now = facts(429, r#"{"error":"rate_limit_exceeded","message":"Too many requests"}"#);
        assert_eq!((now.reason, now.retry_after), (Some(Reason::RateLimit), None));
        let once = facts(
            429,
            r#"{"error":"rate_limit_exceeded","message":"Slow down","retry_after_seconds":"3","upgrade_url":"u"}"#,
        );
        assert_eq!(once.retry_after, Some(Duration::from_secs(3)));
        let number = facts(429, r#"{"error":"rate_limit_exceeded","retry_after_seconds":2.5}"#);
        assert_eq!(number.retry_after, Some(Duration::from_millis(2500)));
        assert_eq!(facts(429, "slow down").reason, None);
    }

    #[test]
    fn says_nothing_about_any_other_body() {
        let bodies = ["Internal Server Error", "", "<html>", "null", "[1]", "\"x\"", "{}"];
        for body in bodies.into_iter().chain([r#"{"detail":null}"#, r#"{"detail":[]}"#, r#"{"detail":7}"#]) {
            let facts = facts(500, body);
            assert_eq!((facts.message, facts.code, facts.reason), (None, None, None), "{body}");
        }
    }
}
