//! Lists whose items come in rows: `{"seq": 4, "data": {"type": "agent.message"}, "ts": 1777716003}`.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;
use serde_json::value::RawValue;

type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// The items with what their rows hold in the place of the rows, and the rows' other fields added to it. `None` if no
/// item is a row: an item is one if it has an object with a `type` of its own under one of `keys`.
pub(crate) fn unwrap(items: &[u8], keys: &[&str]) -> Option<String> {
    if keys.is_empty() {
        return None;
    }
    let items: Vec<&RawValue> = serde_json::from_slice(items).ok()?;
    let held: Vec<Option<String>> = items.iter().map(|item| unwrap_one(item.get(), keys)).collect();
    if held.iter().all(Option::is_none) {
        return None;
    }
    let texts = items.iter().zip(&held).map(|(item, held)| held.as_deref().unwrap_or(item.get()));
    Some(format!("[{}]", texts.collect::<Vec<_>>().join(",")))
}

/// What one row holds; `None` if the item is no row.
pub(crate) fn unwrap_one(item: &str, keys: &[&str]) -> Option<String> {
    #[derive(Deserialize)]
    struct Tagged {
        #[serde(rename = "type")]
        _tag: String,
    }
    let row: Fields<'_> = serde_json::from_str(item).ok()?;
    let (key, held) = keys.iter().find_map(|key| Some((*key, row.get(*key)?.get())))?;
    serde_json::from_str::<Tagged>(held).ok()?;
    let own: Fields<'_> = serde_json::from_str(held).ok()?;
    let mut text = held.trim_end().strip_suffix('}')?.to_owned();
    for (name, value) in row.iter().filter(|(name, _)| *name != key && !own.contains_key(*name)) {
        let name = serde_json::to_string(name).ok()?;
        write!(text, ",{name}:{}", value.get()).ok()?;
    }
    text.push('}');
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_becomes_what_it_holds_with_the_fields_of_the_row() {
        let items =
            br#"[{"seq":4,"type":"agent.message","data":{"type":"agent.message","id":"sevt-1"},"ts":1777716003},
            {"seq":5,"type":"agent.thinking","ts":1777716003100}]"#;
        let unwrapped = unwrap(items, &["data"]).unwrap();
        assert_eq!(
            unwrapped,
            r#"[{"type":"agent.message","id":"sevt-1","seq":4,"ts":1777716003},{"seq":5,"type":"agent.thinking","ts":1777716003100}]"#
        );
    }

    #[test]
    fn the_fields_of_what_a_row_holds_win() {
        let row = r#"{"seq":4,"data":{"type":"a","seq":7}}"#;
        assert_eq!(unwrap_one(row, &["data"]).as_deref(), Some(r#"{"type":"a","seq":7}"#));
    }

    #[test]
    fn what_is_no_row_stays_as_it_is() {
        for item in [r#"{"seq":4,"data":{"text":"no type"}}"#, r#"{"data":"text"}"#, r#"{"data":{"type":7}}"#, "7", "{"]
        {
            assert_eq!(unwrap_one(item, &["data"]), None, "{item}");
        }
        assert_eq!(unwrap(br#"[{"data":{"type":"a"}}]"#, &[]), None);
        assert_eq!(unwrap(br#"[{"type":"a"}]"#, &["data"]), None);
    }
}
