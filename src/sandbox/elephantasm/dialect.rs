//! The error responses of Elephantasm.

use http::{StatusCode, header};
use serde_json::{Value, json};

use super::Settings;
use super::quirks::Quirk;
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::reply::Reply;
use crate::sandbox::validate::{Problem, Violation};

/// The marks of features; other names of limits are actions.
const FEATURES: [&str; 1] = ["dreamer_enabled"];

pub(super) fn reply(settings: &Settings, error: &ErrorReply) -> Reply {
    let has = |quirk| settings.quirks.has(quirk);
    match error {
        // How the public host hides what it does not serve, and how any server answers to an unknown path.
        ErrorReply::NoRoute if settings.is_public() => detail(StatusCode::NOT_FOUND, "Not found"),
        ErrorReply::NoRoute => detail(StatusCode::NOT_FOUND, "Not Found"),
        ErrorReply::WrongMethod(allowed) => {
            detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed").with(header::ALLOW, &allowed.join(", "))
        }
        ErrorReply::Unauthenticated => {
            detail(StatusCode::UNAUTHORIZED, "Authentication required").with(header::WWW_AUTHENTICATE, "Bearer")
        }
        ErrorReply::NotFound { kind, id } => detail(StatusCode::NOT_FOUND, format!("{kind} {id} not found")),
        ErrorReply::Invalid(violations) => {
            let items: Vec<Value> = violations.iter().map(item).collect();
            Reply::json(StatusCode::UNPROCESSABLE_ENTITY, &json!({"detail": items}))
        }
        ErrorReply::Conflict(message) => detail(StatusCode::CONFLICT, message.as_str()),
        ErrorReply::RateLimited { calls, per, .. } if has(Quirk::WordyRetryAfter) => {
            let limit = format!("{calls} per {} second", per.as_secs_f64());
            let body = json!({
                "error": "rate_limit_exceeded",
                "message": format!("Rate limit exceeded: {limit}"),
                "retry_after_seconds": limit,
                "upgrade_url": "https://elephantasm.example/upgrade",
            });
            Reply::json(StatusCode::TOO_MANY_REQUESTS, &body).with(header::RETRY_AFTER, &limit)
        }
        ErrorReply::RateLimited { .. } => {
            let body = json!({"error": "rate_limit_exceeded", "message": "Too many requests. Please slow down."});
            Reply::json(StatusCode::TOO_MANY_REQUESTS, &body).with(header::RETRY_AFTER, "1")
        }
        ErrorReply::Limit { name, message } => {
            let feature = FEATURES.contains(name);
            let (error, key) =
                if feature { ("feature_not_available", "feature") } else { ("limit_exceeded", "action") };
            let tier = settings.plan.tier_name();
            let plan: String = tier.chars().take(1).flat_map(char::to_uppercase).chain(tier.chars().skip(1)).collect();
            let body = json!({"detail": {
                "error": error,
                key: name,
                "current_plan": plan,
                "current_tier": tier,
                "message": message,
                "upgrade_url": "https://elephantasm.example/upgrade",
            }});
            let forbids = feature || has(Quirk::PlanLimitForbids);
            Reply::json(if forbids { StatusCode::FORBIDDEN } else { StatusCode::TOO_MANY_REQUESTS }, &body)
        }
        ErrorReply::Rejected { status, message, .. } => detail(*status, message.as_str()),
        ErrorReply::Internal => Reply::text(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
    }
}

fn detail(status: StatusCode, text: impl Into<String>) -> Reply {
    Reply::json(status, &json!({"detail": text.into()}))
}

/// One entry of a 422.
fn item(violation: &Violation) -> Value {
    let kind = match violation.kind {
        Problem::Missing => "missing",
        Problem::Unknown => "extra_forbidden",
        Problem::Syntax => "json_invalid",
        Problem::Type if violation.at[0] != "body" => match violation.bound.as_str() {
            Some("integer") => "int_parsing",
            Some("number") => "float_parsing",
            _ => "bool_parsing",
        },
        Problem::Type => match violation.bound.as_str() {
            Some("string") => "string_type",
            Some("integer") => "int_type",
            Some("number") => "float_type",
            Some("boolean") => "bool_type",
            Some("array") => "list_type",
            _ => "dict_type",
        },
        Problem::Format if violation.bound == "uuid" => "uuid_parsing",
        Problem::Format => "datetime_from_date_parsing",
        Problem::Pattern => "value_error",
        Problem::Value => "enum",
        Problem::TooShort => "string_too_short",
        Problem::TooLong => "string_too_long",
        Problem::TooSmall => "greater_than_equal",
        Problem::TooLarge => "less_than_equal",
        Problem::TooFew => "too_short",
        Problem::TooMany => "too_long",
    };
    let mut loc = violation.at.clone();
    if violation.kind == Problem::Syntax {
        loc.push(violation.bound.clone());
    }
    json!({"type": kind, "loc": loc, "msg": format!("Value {}", violation.message()), "input": violation.value})
}
