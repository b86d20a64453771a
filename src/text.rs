//! JSON as servers really write it, made decodable without losing the rest of it.
//!
//! Text that decodes costs nothing extra. Only what does not is looked at again: a byte that is not UTF-8 and half of a
//! surrogate pair become U+FFFD, and a number that no float can represent becomes its text where any value is welcome.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

/// Decodes JSON. Without a value that any repair makes decodable, the error is that of [`readable`] text.
pub(crate) fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    // Validating UTF-8 once and decoding from `&str` is cheaper than checking each string of a slice.
    let valid = std::str::from_utf8(without_bom(bytes)).ok();
    if let Some(value) = valid.and_then(|text| serde_json::from_str(text).ok()) {
        return Ok(value);
    }
    let text = readable(bytes);
    serde_json::from_str(&text).or_else(|error| {
        // A field that must be a number keeps the error about its range.
        let repaired = numbers_as_text(&text).and_then(|text| serde_json::from_str(&text).ok());
        repaired.ok_or(error)
    })
}

/// Returns `bytes` without a leading byte order mark.
pub(crate) fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// Returns JSON as text, without a byte order mark. Bytes that are not UTF-8, and escapes of half a surrogate pair, are
/// U+FFFD; each such escape keeps its length.
pub(crate) fn readable(bytes: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(without_bom(bytes));
    match without_lone_surrogates(&text) {
        Some(repaired) => Cow::Owned(repaired),
        None => text,
    }
}

/// `None` if there are none.
fn without_lone_surrogates(text: &str) -> Option<String> {
    let mut repaired = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('\\')) {
        let escape = at + found;
        // The character after a backslash never starts an escape itself.
        at = escape + 2;
        match code_unit(text, escape) {
            Some(0xD800..=0xDBFF) if matches!(code_unit(text, escape + 6), Some(0xDC00..=0xDFFF)) => at = escape + 12,
            Some(0xD800..=0xDFFF) => {
                repaired.push_str(text.get(copied..escape)?);
                repaired.push_str("\\ufffd");
                copied = escape + 6;
                at = copied;
            }
            _ => {}
        }
    }
    if copied == 0 {
        return None;
    }
    repaired.push_str(text.get(copied..)?);
    Some(repaired)
}

/// The code unit of the `\uXXXX` at `at`.
fn code_unit(text: &str, at: usize) -> Option<u16> {
    let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
    // `from_str_radix` takes a sign too.
    if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) { u16::from_str_radix(digits, 16).ok() } else { None }
}

/// Puts quotes around numbers that no float can represent; `None` if there are none.
fn numbers_as_text(text: &str) -> Option<String> {
    let is_part = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
    let bytes = text.as_bytes();
    let mut repaired = String::new();
    let (mut copied, mut at) = (0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = after_string(bytes, at),
            b'-' | b'0'..=b'9' => {
                let end = at + bytes[at..].iter().take_while(|byte| is_part(**byte)).count();
                let number = text.get(at..end)?;
                if number.parse::<f64>().is_ok_and(f64::is_infinite) {
                    repaired.extend([text.get(copied..at)?, "\"", number, "\""]);
                    copied = end;
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    if copied == 0 {
        return None;
    }
    repaired.push_str(text.get(copied..)?);
    Some(repaired)
}

/// The position after the string that begins at `start`.
fn after_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Scored {
        #[allow(dead_code, reason = "only read")]
        score: f64,
    }

    fn value(json: &str) -> Value {
        from_json(json.as_bytes()).unwrap()
    }

    #[test]
    fn reads_past_one_byte_order_mark() {
        assert_eq!(from_json::<Value>(b"\xef\xbb\xbf{\"a\":1}").unwrap(), json!({"a": 1}));
        assert!(from_json::<Value>(b"\xef\xbb\xbf\xef\xbb\xbf1").is_err());
        assert_eq!(value("\"\u{feff}\""), "\u{feff}", "inside a string it is text");
    }

    #[test]
    fn replaces_half_of_a_surrogate_pair_and_nothing_else() {
        let table = [
            (r#""a\ud83db""#, "a\u{fffd}b"),
            (r#""\ude00""#, "\u{fffd}"),
            (r#""\ud83d""#, "\u{fffd}"),
            (r#""\ud83d\ude00""#, "\u{1f600}"),
            (r#""\ud83d\ude00\ud83d""#, "\u{1f600}\u{fffd}"),
            (r#""\uD83D\uD83D\uDE00""#, "\u{fffd}\u{1f600}"),
            (r#""\ud83d\n\ude00""#, "\u{fffd}\n\u{fffd}"),
            (r#""\ud83d\u0041""#, "\u{fffd}A"),
            (r#""\\ud83d\ud83d""#, "\\ud83d\u{fffd}"),
            (r#""\\\ud83d""#, "\\\u{fffd}"),
            (r#""\ud83dé\udfff""#, "\u{fffd}é\u{fffd}"),
        ];
        for (json, text) in table {
            assert_eq!(value(json), text, "{json}");
        }
        let page = r#"[{"name":"a\udfff","ok":"b"},{"\ud800":1}]"#;
        assert_eq!(value(page), json!([{"name": "a\u{fffd}", "ok": "b"}, {"\u{fffd}": 1}]));
        for broken in [r#""\ud83"#, r#""\ud83g""#, r#""\u+d83""#, "\"\\", "\"\\ud83d"] {
            assert!(from_json::<Value>(broken.as_bytes()).is_err(), "{broken}");
        }
    }

    #[test]
    fn replaces_bytes_that_are_not_utf_8() {
        assert_eq!(from_json::<Value>(b"{\"a\":\"x\xffy\",\"b\":2}").unwrap(), json!({"a": "x\u{fffd}y", "b": 2}));
        // U+D83D as Python's `surrogatepass` writes it.
        assert_eq!(from_json::<String>(b"\"\xed\xa0\xbd!\"").unwrap(), "\u{fffd}\u{fffd}\u{fffd}!");
        assert!(from_json::<Value>(b"\xff").is_err());
    }

    #[test]
    fn a_number_beyond_every_float_is_text_where_any_value_is_welcome() {
        let huge = value(r#"{"a":1e400,"b":[-1E+999, 1.5],"c":"1e400","d\"1e400":2,"e":1e-400}"#);
        assert_eq!(huge, json!({"a": "1e400", "b": ["-1E+999", 1.5], "c": "1e400", "d\"1e400": 2, "e": 0.0}));
        let digits = "9".repeat(400);
        assert_eq!(value(&digits), Value::String(digits));
        let error = from_json::<Scored>(br#"{"score":1e400}"#).unwrap_err().to_string();
        assert_eq!(error, "number out of range at line 1 column 14");
        from_json::<Scored>(br#"{"score":1,"other":1e400}"#).unwrap();
    }

    #[test]
    fn floats_are_read_to_the_last_bit() {
        // A dev-dependency asks for it too, so the numbers alone would not notice.
        assert!(include_str!("../Cargo.toml").contains("float_roundtrip"), "the library itself asks for exact floats");
        // From the scores of a real server; a parser that rounds differs in the last digit.
        let text = "0.9856906946328695";
        assert_eq!(from_json::<f64>(text.as_bytes()).unwrap().to_string(), text);
        assert_eq!(value(text).to_string(), text);
        let mut random = 0x2545_F491_4F6C_DD1D_u64;
        for _ in 0..20_000 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            #[allow(clippy::cast_precision_loss, reason = "53 bits")]
            let score = (random >> 11) as f64 / 9_007_199_254_740_992.0;
            assert_eq!(value(&score.to_string()).as_f64().map(f64::to_bits), Some(score.to_bits()), "{score}");
        }
    }
}
