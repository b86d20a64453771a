//! What is taken out of texts before they are shown.

use bytes::Bytes;
use http::{HeaderMap, header};
use serde_json::Value;

use crate::secret::{REDACTED, Secret};

/// Returns `text` without the key that was sent: a server may echo it.
pub(crate) fn redacted(text: String, key: Option<&Secret<String>>) -> String {
    match key.and_then(Secret::searchable).filter(|key| text.contains(key)) {
        Some(key) => text.replace(key, REDACTED),
        None => text,
    }
}

/// Returns `body` without the secret that the request had in its own body: a server may echo it, as it was or as JSON
/// escapes it.
pub(crate) fn without_secret(body: Bytes, secret: Option<&Secret<String>>) -> Bytes {
    let Some(secret) = secret.and_then(Secret::searchable) else { return body };
    let json = Value::from(secret).to_string();
    let escaped = json.get(1..json.len() - 1).unwrap_or_default();
    // Some servers escape slashes too.
    let all_escaped = escaped.replace('/', "\\/");
    [all_escaped.as_str(), escaped, secret].into_iter().fold(body, without)
}

fn without(body: Bytes, secret: &str) -> Bytes {
    let (mut shown, mut rest) = (Vec::new(), &body[..]);
    while let Some(at) = rest.windows(secret.len()).position(|part| part == secret.as_bytes()) {
        shown.extend_from_slice(&rest[..at]);
        shown.extend_from_slice(REDACTED.as_bytes());
        rest = &rest[at + secret.len()..];
    }
    if shown.is_empty() {
        return body;
    }
    shown.extend_from_slice(rest);
    shown.into()
}

/// Returns `url` without the key that was sent, however it is escaped.
pub(crate) fn redacted_url(url: String, key: Option<&Secret<String>>) -> String {
    let Some(key) = key.and_then(Secret::searchable) else { return url };
    let mut shown = String::new();
    let mut rest = url.as_str();
    while let Some(first) = rest.chars().next() {
        if let Some(after) = after_escaped(rest, key) {
            shown.push_str(REDACTED);
            rest = after;
        } else {
            shown.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    shown
}

/// What follows `key` at the start of `url`, where each of its bytes may be escaped.
fn after_escaped<'u>(url: &'u str, key: &str) -> Option<&'u str> {
    key.bytes().try_fold(url, |rest, byte| {
        if let Some(after) = rest.strip_prefix('%').and_then(|rest| rest.get(2..))
            && u8::from_str_radix(&rest[1..3], 16) == Ok(byte)
        {
            return Some(after);
        }
        let literal = rest.bytes().next().filter(|found| *found == byte || (*found == b'+' && byte == b' '));
        // `get`: the key may start in the middle of a character.
        literal.and_then(|_| rest.get(1..))
    })
}

/// Returns serde's message about an unexpected value without the value if that is text, which may be a key that the
/// call created, or two megabytes long. With `all`, without any value.
pub(super) fn without_values(said: &str, all: bool) -> String {
    let texts = [("string", '"'), ("variant", '`'), ("field", '`')];
    let others = [("integer", '`'), ("floating point", '`'), ("boolean", '`'), ("character", '`')];
    for (kind, quote) in texts.into_iter().chain(others.into_iter().filter(|_| all)) {
        let opened = said.split_once(&format!(" {kind} {quote}"));
        if let Some((before, rest)) = opened
            && let Some((_value, after)) = rest.rsplit_once(&format!("{quote}, expected"))
        {
            return format!("{before} {kind}, expected{after}");
        }
    }
    said.to_owned()
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

/// The encoding of a body that was not decompressed. Such a body cannot be read.
pub(super) fn content_encoding(headers: &HeaderMap) -> Option<&str> {
    let encoding = headers.get(header::CONTENT_ENCODING)?.to_str().ok()?;
    (!encoding.eq_ignore_ascii_case("identity")).then_some(encoding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_a_url_is_redacted_however_it_is_escaped() {
        let url = |url: &str, key: &str| redacted_url(url.to_owned(), Some(&Secret::from(key)));
        let key = "ab+c/d=ef";
        assert_eq!(url("https://host/ab%2Bc%2fd=ef/x", key), "https://host/[redacted]/x");
        assert_eq!(url("https://host/x?a=…&ab%2Bc%2Fd%3Def=…", key), "https://host/x?a=…&[redacted]=…");
        assert_eq!(url("https://host/%61b+c%2Fd=ef%61b+c%2Fd=ef", key), "https://host/[redacted][redacted]");
        assert_eq!(url("https://host/ab%2Bc%2Fd=e", key), "https://host/ab%2Bc%2Fd=e");
        assert_eq!(url("https://host/%é/ab%", key), "https://host/%é/ab%");
        assert_eq!(url("https://host/?sk+live+0123=…", "sk live 0123"), "https://host/?[redacted]=…");
        assert_eq!(url("https://host/animas", "animas"), "https://host/animas", "too short to be searched for");
        assert_eq!(redacted_url("https://host/a".to_owned(), None), "https://host/a");
    }

    #[test]
    fn a_secret_of_the_body_is_taken_out_of_what_a_server_echoes() {
        let shown =
            |body: &'static [u8], secret: &str| without_secret(Bytes::from_static(body), Some(&Secret::from(secret)));
        assert_eq!(shown(b"sk-01234: sk-01234\xff", "sk-01234"), &b"[redacted]: [redacted]\xff"[..]);
        assert_eq!(shown(b"a second-2 b", "second-2"), "a [redacted] b");
        assert_eq!(shown(b"a second-2", "second-22"), "a second-2");
        assert_eq!(shown(b"sk-0123", "sk-0123"), "sk-0123", "too short to be searched for");
        assert_eq!(shown(b"", "sk-01234"), "");
        assert_eq!(shown(br#"{"k":"p\"ss\\w/rd"}"#, r#"p"ss\w/rd"#), r#"{"k":"[redacted]"}"#);
        assert_eq!(shown(br#"{"k":"p\"ss\\w\/rd"}"#, r#"p"ss\w/rd"#), r#"{"k":"[redacted]"}"#);
        assert_eq!(shown(br#"{"k":"\"pass-word"}"#, "\"pass-word"), r#"{"k":"[redacted]"}"#);
        assert_eq!(without_secret(Bytes::from_static(b"a"), None), "a");
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
        let said = |json: &str| serde_json::from_str::<Strict>(json).unwrap_err().to_string();
        let strict = |json: &str| without_values(&said(json), false);
        assert_eq!(strict(r#"{"n":"new \", expected key"}"#), "invalid type: string, expected u32 at line 1 column 27");
        assert_eq!(strict(r#"{"n":-5}"#), "invalid value: integer `-5`, expected u32 at line 1 column 7");
        assert_eq!(strict(r#"{"sk_live_0123":1}"#), "unknown field, expected `n` at line 1 column 15");
        assert_eq!(strict("{}"), "missing field `n` at line 1 column 2");
        assert_eq!(
            without_values(&said(r#"{"n":-5}"#), true),
            "invalid value: integer, expected u32 at line 1 column 7"
        );
        let word = serde_json::from_str::<Word>("\"sk_live_0123\"").unwrap_err().to_string();
        assert_eq!(without_values(&word, false), "unknown variant, expected `Known` at line 1 column 14");
        assert!(matches!(serde_json::from_str("\"Known\"").unwrap(), Word::Known));
    }

    #[test]
    fn a_line_is_cut_at_characters() {
        assert_eq!(one_line("äöü\nß", 3), "äöü…");
        assert_eq!(one_line("äöü", 3), "äöü");
    }
}
