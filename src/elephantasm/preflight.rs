//! What the platform's store cannot hold.

use serde_json::Value;
use url::form_urlencoded;

use crate::check::{self, InvalidArgument};

/// Rejects U+0000, which is always escaped in JSON, and always `%00` in a query.
pub(super) fn reject_nul(query: &str, body: Option<&[u8]>) -> Result<(), InvalidArgument> {
    if query.contains("%00") {
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            free_of_nul(&name, &name)?;
            free_of_nul(&name, &value)?;
        }
    }
    let escaped = |body: &&[u8]| body.windows(6).any(|window| window == b"\\u0000");
    // It may be an escaped backslash followed by the same characters.
    match body.filter(escaped).map(serde_json::from_slice) {
        Some(Ok(value)) => reject_nul_in(&value),
        _ => Ok(()),
    }
}

fn reject_nul_in(value: &Value) -> Result<(), InvalidArgument> {
    match value {
        Value::String(text) => free_of_nul("", text),
        Value::Array(items) => check::each("", items, reject_nul_in),
        Value::Object(fields) => {
            fields.keys().try_for_each(|name| free_of_nul(name, name))?;
            check::each_entry("", fields, reject_nul_in)
        }
        _ => Ok(()),
    }
}

fn free_of_nul(name: &str, text: &str) -> Result<(), InvalidArgument> {
    if text.contains('\0') {
        let reason = "must not contain U+0000: the platform cannot store it";
        return Err(InvalidArgument::new(name.replace('\0', "\\0"), reason));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escaped_nul_is_found_and_text_that_looks_like_one_is_not() {
        let json = |text: &str| serde_json::to_vec(text).unwrap();
        let said = |result: Result<(), InvalidArgument>| result.err().map(|e| e.argument().to_owned());
        for bad in ["\0", "a\0b", "\\\0", "\\\\\0", "u\0"] {
            assert_eq!(said(reject_nul("", Some(&json(bad)))).as_deref(), Some(""), "{bad:?}");
        }
        for good in ["", "u0000", "\\u0000", "\\\\u0000", "0000", "\u{1}"] {
            assert_eq!(said(reject_nul("", Some(&json(good)))), None, "{good:?}");
        }
        let place = |body: &str| said(reject_nul("", Some(body.as_bytes()))).unwrap_or_default();
        assert_eq!(place(r#"{"name":"Ada","meta":{"tags":["a",{"b":"\u0000"}]}}"#), "meta.tags[1].b");
        assert_eq!(place(r#"{"name":"\\u0000","meta":{"a\u0000":1}}"#), "meta.a\\0");
        assert_eq!(said(reject_nul("limit=5&query=a%00b", None)).as_deref(), Some("query"));
        assert!(reject_nul("query=a%2500b", None).is_ok());
    }
}
