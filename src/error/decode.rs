//! Responses that do not decode, and how much of a response an error shows.

use std::error::Error as StdError;
use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};

use super::call::{CallRecord, call_accessors};
use super::redact::{content_encoding, one_line, redacted, redacted_url, without_values};
use crate::config;
use crate::secret::Secret;
use crate::text::without_bom;

/// Why a body did not decode.
#[derive(Debug)]
pub(crate) struct DecodeFault {
    /// Path of the value within the body, for example `results[3].score`; `.` for the body itself.
    pub(crate) path: String,
    pub(crate) source: serde_json::Error,
}

impl DecodeFault {
    /// A fault of the body as a whole.
    pub(crate) fn whole(message: impl fmt::Display) -> Self {
        Self { path: ".".to_owned(), source: serde::de::Error::custom(message) }
    }

    /// The fault, of what stands under `key`, as one of the whole.
    pub(crate) fn under(mut self, key: &str) -> Self {
        let gap = if self.path == "." || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{key}{gap}{}", self.path.trim_start_matches('.'));
        self
    }
}

/// A response with a success status could not be decoded, or reports an error; payload of
/// [`Error::Decode`](crate::Error::Decode).
#[derive(Debug)]
pub struct DecodeError {
    pub(super) head: Head,
    /// Media type and encoding.
    form: String,
    excerpt: Option<String>,
    pub(super) fault: DecodeFault,
    pub(super) record: CallRecord,
}

call_accessors!(DecodeError);

impl DecodeError {
    pub(crate) fn new(
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
        mut fault: DecodeFault,
        mut record: CallRecord,
        key: Option<&Secret<String>>,
    ) -> Self {
        let body = Body(body);
        let media = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("no content type");
        let (form, excerpt) = match content_encoding(&headers) {
            Some(encoding) => (format!("{media}, {encoding}"), None),
            None => (media.to_owned(), body.excerpt(&record, key)),
        };
        let form = redacted(form, key);
        fault.path = one_line(&redacted(fault.path, key), config::MAX_MESSAGE);
        let said = fault.source.to_string();
        let clean = one_line(&redacted(without_values(&said, record.confidential), key), config::MAX_MESSAGE);
        if clean != said {
            fault.source = serde::de::Error::custom(clean);
        }
        // A provided key is not known when the URL is built.
        record.url = redacted_url(record.url, key);
        Self { head: Head::new(status, headers, body, key), form, excerpt, fault, record }
    }

    /// Returns the response's status.
    pub fn status(&self) -> StatusCode {
        self.head.status
    }

    /// Returns the response's headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers.0
    }

    /// Returns the response's body.
    pub fn body(&self) -> &Bytes {
        &self.head.body.0
    }

    /// Returns the path in the body at which decoding failed, for example `results[3].score`; `.` for the body itself.
    pub fn path(&self) -> &str {
        &self.fault.path
    }

    pub(crate) fn message(&self) -> String {
        let mut cause = format!(
            "cannot decode the {} response ({}, {} bytes)",
            self.status().as_u16(),
            self.form,
            self.body().len()
        );
        if !matches!(self.fault.path.as_str(), "." | "?") {
            cause.push_str(" at `");
            cause.push_str(&self.fault.path);
            cause.push('`');
        }
        cause.push_str(": ");
        cause.push_str(&self.fault.source.to_string());
        if let Some(excerpt) = &self.excerpt {
            cause.push_str("; it begins with ");
            cause.push_str(excerpt);
        }
        cause
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message(), self.record)
    }
}

/// No source: `Display` has all of it.
impl StdError for DecodeError {}

/// What arrived of a response.
#[derive(Debug)]
pub(crate) struct Head {
    pub(super) status: StatusCode,
    pub(super) headers: Headers,
    /// As much of it as arrived and is kept.
    pub(super) body: Body,
    pub(super) request_id: Option<String>,
}

impl Head {
    pub(crate) fn new(status: StatusCode, headers: HeaderMap, body: Body, key: Option<&Secret<String>>) -> Self {
        let request_id = crate::http::request_id(&headers).map(|id| redacted(id.to_owned(), key));
        Self { status, headers: Headers(headers), body, request_id }
    }
}

/// Bytes of a response. They may echo what was sent or hold a new key, so `Debug` shows their number only.
#[derive(Clone)]
pub(crate) struct Body(pub(crate) Bytes);

impl Body {
    /// The first bytes of a body that is not JSON (a proxy's page, plain text), on one line. JSON is not quoted: it may
    /// hold a key that the call created. Nor is anything else where the response may hold one.
    pub(super) fn excerpt(&self, record: &CallRecord, key: Option<&Secret<String>>) -> Option<String> {
        let start = without_bom(&self.0).trim_ascii_start();
        if record.confidential || start.is_empty() || matches!(start[0], b'{' | b'[' | b'"') {
            return None;
        }
        // Truncate after redaction: a key cut in two would not be found.
        let head = &start[..start.len().min(config::MAX_ERROR_BODY)];
        let text = redacted(String::from_utf8_lossy(head).into_owned(), key);
        Some(format!("`{}`", one_line(&text, config::EXCERPT)))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

/// Headers of a response. A cookie or an echo of the request may be among them, so `Debug` shows their names only.
#[derive(Clone)]
pub(crate) struct Headers(pub(crate) HeaderMap);

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(body: impl Into<Bytes>) -> Option<String> {
        Body(body.into()).excerpt(&CallRecord::example(), None)
    }

    #[test]
    fn a_body_that_is_no_json_is_quoted_on_one_line() {
        let page = "<html>\r\n<h1>502 Bad\tGateway</h1>";
        assert_eq!(excerpt(page).as_deref(), Some("`<html> <h1>502 Bad Gateway</h1>`"));
        assert_eq!(excerpt("\u{feff} busy").as_deref(), Some("`busy`"));
        assert_eq!(excerpt(vec![b'x'; 500]).map(|e| e.chars().count()), Some(203));
        assert_eq!(excerpt(""), None);
        assert_eq!(excerpt("\u{feff} "), None);
    }

    #[test]
    fn a_key_is_redacted_wherever_the_excerpt_is_cut() {
        let key = Secret::from("sk_live_0123456789abcdef0123456789abcdef");
        for offset in 0..260 {
            let page = Body(Bytes::from(format!("{}{} {}", "x".repeat(offset), key.expose(), key.expose())));
            let excerpt = page.excerpt(&CallRecord::example(), Some(&key)).unwrap();
            assert!(!excerpt.contains("0123"), "{offset}: {excerpt}");
        }
    }

    #[test]
    fn json_is_never_quoted_nor_shown() {
        for json in ["{\"full_key\":\"sk_live_0123\"", "[\"sk_live_0123\"", "\"sk_live_0123\""] {
            for before in ["", " ", "\r\n", "\u{feff}", "\u{feff} "] {
                assert_eq!(excerpt(format!("{before}{json}")), None, "{before:?}{json}");
            }
        }
        let json = Body(Bytes::from_static(b" {\"full_key\":\"sk_live_0123\""));
        assert_eq!(format!("{json:?}"), "[27 bytes]");
    }

    #[test]
    fn nothing_is_quoted_where_the_response_may_hold_a_secret() {
        let record = CallRecord { confidential: true, ..CallRecord::example() };
        for body in [")]}',{\"full_key\":\"sk_live_0123\"}", "full_key=sk_live_0123", "<html>sk_live_0123", "sk_live"] {
            assert_eq!(Body(Bytes::from(body)).excerpt(&record, None), None, "{body}");
            assert!(excerpt(body).is_some(), "the probe can fail");
        }
    }
}
