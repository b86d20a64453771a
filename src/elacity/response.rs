//! Responses whose form is not documented.

use http::header;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::DecodeFault;
use crate::http::decode::{self, Exchange};

/// The value; an empty one if the server says nothing.
pub(super) fn or_default<T: DeserializeOwned + Default>(exchange: &Exchange<'_>) -> Result<T, DecodeFault> {
    decode::json::<Option<T>>(exchange).map(Option::unwrap_or_default)
}

/// The text of a draft.
pub(super) fn draft_text(exchange: &Exchange<'_>) -> Result<String, DecodeFault> {
    text(exchange, "body")
}

/// The text that a preview gives.
pub(super) fn compiled_text(exchange: &Exchange<'_>) -> Result<String, DecodeFault> {
    text(exchange, "compiled")
}

/// A text: as JSON, under `key` of an object, or plain.
fn text(exchange: &Exchange<'_>, key: &str) -> Result<String, DecodeFault> {
    let media = exchange.headers.get(header::CONTENT_TYPE).map(http::HeaderValue::as_bytes).unwrap_or_default();
    let begins = |prefix: &[u8]| media.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let plain = || Ok(String::from_utf8_lossy(exchange.body).into_owned());
    if begins(b"text/") && !begins(b"text/html") {
        return plain();
    }
    let looks_like_json = matches!(exchange.body.trim_ascii_start(), [b'{' | b'[' | b'"', ..]);
    match decode::json::<Value>(exchange) {
        Ok(Value::String(text)) => Ok(text),
        Ok(Value::Null) => Ok(String::new()),
        Ok(Value::Object(mut object)) if object.get(key).is_some_and(Value::is_string) => match object.remove(key) {
            Some(Value::String(text)) => Ok(text),
            _ => Ok(String::new()),
        },
        Ok(_) => Err(DecodeFault::whole(format_args!("expected text, or an object with the text `{key}`"))),
        Err(fault) if looks_like_json || begins(b"text/html") || begins(b"application/xhtml") => Err(fault),
        Err(_) => plain(),
    }
}
