//! Responses that do not decode, and how much of a response an error shows.

use std::error::Error as StdError;
use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};

use super::call::{CallRecord, call_accessors};
use crate::config;
use crate::secret::{REDACTED, Secret};

/// Why a body did not decode.
#[derive(Debug)]
pub(crate) struct DecodeFault {
    /// Path of the value within the body, for example `results[3].score`; `.` for the body itself.
    pub(crate) path: String,
    pub(crate) source: serde_json::Error,
}

impl DecodeFault {
    /// A fault of the response as a whole.
    pub(crate) fn new(message: &str) -> Self {
        Self { path: ".".to_owned(), source: serde::de::Error::custom(message) }
    }

    /// The fault, of what stands under `key`, as one of the whole.
    pub(crate) fn under(mut self, key: &str) -> Self {
        let gap = if self.path == "." || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{key}{gap}{}", self.path.trim_start_matches('.'));
        self
    }
}

/// A successful response could not be decoded; payload of [`Error::Decode`](crate::Error::Decode).
#[derive(Debug)]
pub struct DecodeError {
    pub(super) head: Head,
    /// Media type and encoding.
    form: String,
    excerpt: Option<String>,
    fault: DecodeFault,
    pub(super) record: CallRecord,
}

call_accessors!(DecodeError);

impl DecodeError {
    pub(crate) fn new(
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
        mut fault: DecodeFault,
        record: CallRecord,
        secret: Option<&Secret<String>>,
    ) -> Self {
        let body = Body(body);
        let media = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("no content type");
        let (form, excerpt) = match packed(&headers) {
            Some(encoding) => (format!("{media}, {encoding}"), None),
            None => (media.to_owned(), body.excerpt(secret)),
        };
        let form = redacted(form, secret);
        fault.path = one_line(&redacted(fault.path, secret), config::MAX_MESSAGE);
        let said = fault.source.to_string();
        let clean = one_line(&redacted(without_texts(&said), secret), config::MAX_MESSAGE);
        if clean != said {
            fault.source = serde::de::Error::custom(clean);
        }
        Self { head: Head::new(status, headers, body, secret), form, excerpt, fault, record }
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

    pub(crate) fn words(&self) -> String {
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
        write!(f, "{} ({})", self.words(), self.record)
    }
}

impl StdError for DecodeError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.fault.source)
    }
}

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
    pub(crate) fn new(status: StatusCode, headers: HeaderMap, body: Body, secret: Option<&Secret<String>>) -> Self {
        let request_id = crate::http::request_id(&headers).map(|id| redacted(id.to_owned(), secret));
        Self { status, headers: Headers(headers), body, request_id }
    }
}

/// serde's message about an unexpected value, without the value if it is a string: that may be a key that the call
/// created, or two megabytes long.
fn without_texts(said: &str) -> String {
    for (kind, quote) in [("string", '"'), ("variant", '`'), ("field", '`')] {
        let opened = said.split_once(&format!(" {kind} {quote}"));
        if let Some((before, rest)) = opened
            && let Some((_text, after)) = rest.rsplit_once(&format!("{quote}, expected"))
        {
            return format!("{before} {kind}, expected{after}");
        }
    }
    said.to_owned()
}

/// The encoding of a body that was not decompressed. Such a body cannot be read.
pub(super) fn packed(headers: &HeaderMap) -> Option<&str> {
    let encoding = headers.get(header::CONTENT_ENCODING)?.to_str().ok()?;
    (!encoding.eq_ignore_ascii_case("identity")).then_some(encoding)
}

/// Returns `text` without the key that was sent: a server may echo it.
pub(crate) fn redacted(text: String, secret: Option<&Secret<String>>) -> String {
    match secret.and_then(Secret::sought).filter(|key| text.contains(key)) {
        Some(key) => text.replace(key, REDACTED),
        None => text,
    }
}

/// Bytes of a response. They may echo what was sent or hold a new key, so `Debug` shows their number only.
#[derive(Clone)]
pub(crate) struct Body(pub(crate) Bytes);

impl Body {
    /// The first bytes of a body that is not JSON (a proxy's page, plain text), on one line. JSON is not quoted: it may
    /// hold a key that the call created.
    pub(crate) fn excerpt(&self, secret: Option<&Secret<String>>) -> Option<String> {
        let start = self.0.trim_ascii_start();
        if start.is_empty() || matches!(start[0], b'{' | b'[' | b'"') {
            return None;
        }
        // Truncate after redaction: a key cut in two would not be found.
        let head = &start[..start.len().min(config::MAX_ERROR_BODY)];
        let text = redacted(String::from_utf8_lossy(head).into_owned(), secret);
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

/// Returns `text` without line breaks and other control characters, truncated to `max` characters.
pub(crate) fn one_line(text: &str, max: usize) -> String {
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if let Some((cut, _)) = line.char_indices().nth(max) {
        line.truncate(cut);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_is_no_json_is_quoted_on_one_line() {
        let page = Body(Bytes::from_static(b"<html>\r\n<h1>502 Bad\tGateway</h1>"));
        assert_eq!(page.excerpt(None).as_deref(), Some("`<html> <h1>502 Bad Gateway</h1>`"));
        let long = Body(Bytes::from(vec![b'x'; 500]));
        assert_eq!(long.excerpt(None).map(|e| e.chars().count()), Some(203));
    }

    #[test]
    fn a_key_is_redacted_wherever_the_excerpt_is_cut() {
        let key = Secret::from("sk_live_0123456789abcdef0123456789abcdef");
        for offset in 0..260 {
            let page = Body(Bytes::from(format!("{}{} {}", "x".repeat(offset), key.expose(), key.expose())));
            let excerpt = page.excerpt(Some(&key)).unwrap();
            assert!(!excerpt.contains("0123"), "{offset}: {excerpt}");
        }
    }

    #[test]
    fn json_is_never_quoted_nor_shown() {
        let json = Body(Bytes::from_static(b" {\"full_key\":\"sk_live_0123\""));
        assert_eq!(json.excerpt(None), None);
        assert_eq!(format!("{json:?}"), "[27 bytes]");
    }

    #[test]
    fn a_text_that_was_not_expected_is_not_repeated() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Strict {
            #[allow(dead_code, reason = "only read")]
            n: u32,
        }
        #[derive(Debug, serde::Deserialize)]
        enum Word {
            Known,
        }
        let strict = |json: &str| without_texts(&serde_json::from_str::<Strict>(json).unwrap_err().to_string());
        assert_eq!(strict(r#"{"n":"new \", expected key"}"#), "invalid type: string, expected u32 at line 1 column 27");
        assert_eq!(strict(r#"{"n":-5}"#), "invalid value: integer `-5`, expected u32 at line 1 column 7");
        assert_eq!(strict(r#"{"sk_live_0123":1}"#), "unknown field, expected `n` at line 1 column 15");
        assert_eq!(strict("{}"), "missing field `n` at line 1 column 2");
        let word = serde_json::from_str::<Word>("\"sk_live_0123\"").unwrap_err().to_string();
        assert_eq!(without_texts(&word), "unknown variant, expected `Known` at line 1 column 14");
        assert!(matches!(serde_json::from_str("\"Known\"").unwrap(), Word::Known));
    }

    #[test]
    fn a_line_is_cut_at_characters() {
        assert_eq!(one_line("äöü\nß", 3), "äöü…");
        assert_eq!(one_line("äöü", 3), "äöü");
    }
}
