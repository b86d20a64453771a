//! How a platform pages a list: where the items are in a response, and where the next page starts.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Error as _};
use serde_json::Value;
use serde_json::value::RawValue;
use url::form_urlencoded;

use super::Page;
use super::cursor::{Cursor, Digest, ListCall, Position, Style};
use crate::check::InvalidArgument;
use crate::error::DecodeFault;

/// How a list is paged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paging {
    pub(crate) by: PageBy,
    /// The keys that may hold the items; a bare array is always read.
    pub(crate) items: &'static [&'static str],
}

/// What says where a page starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "not every platform needs each")]
pub(crate) enum PageBy {
    /// `offset` counts items. The list ends at an empty page, or where `total` says so.
    Offset,
    /// The server's token, sent as `send`: the first of `read` that is neither absent, null nor "". Without one, but
    /// with `has_more`, the list goes on like `AfterId`.
    Token { send: &'static str, read: &'static [&'static str] },
    /// `after_id`: `last_id`, else the id of the last item, for as long as `has_more` is true; unless the response has
    /// a token, given as for `Token`.
    AfterId { token: Option<(&'static str, &'static [&'static str])> },
    /// `after_seq`: the largest `seq` of the items, for as long as `has_more` is true.
    AfterSeq,
    /// All in one response.
    Once,
}

const OFFSET: &str = "offset";
const AFTER_ID: &str = "after_id";
const AFTER_SEQ: &str = "after_seq";

impl PageBy {
    /// The name under which a position is sent; `None` if the list has no such positions.
    fn name(self, style: Style) -> Option<&'static str> {
        match (self, style) {
            (Self::Offset, Style::Offset) => Some(OFFSET),
            (Self::Token { send, .. } | Self::AfterId { token: Some((send, _)) }, Style::Token) => Some(send),
            (Self::Token { .. } | Self::AfterId { .. }, Style::Id) => Some(AFTER_ID),
            (Self::AfterSeq, Style::Seq) => Some(AFTER_SEQ),
            _ => None,
        }
    }

    /// The pairs of the query that differ from page to page.
    fn varying(self) -> Vec<&'static str> {
        let styles = [Style::Offset, Style::Token, Style::Id, Style::Seq];
        styles.into_iter().filter_map(|style| self.name(style)).chain(["limit"]).collect()
    }
}

impl Paging {
    /// A bare array, all in one response.
    pub(crate) const ONCE: Self = Self { by: PageBy::Once, items: &[] };

    /// The query of `call`, starting at `cursor`.
    ///
    /// # Errors
    /// `InvalidArgument` if the cursor is of another list.
    pub(crate) fn start(self, call: &ListCall<'_>, cursor: &Cursor) -> Result<String, InvalidArgument> {
        let varying = self.by.varying();
        let position = cursor.position_in(&call.list(&varying))?;
        let Some(name) = self.by.name(position.style) else {
            return Err(InvalidArgument::new("cursor", "belongs to a server that pages this list in another way"));
        };
        let pairs = form_urlencoded::parse(call.query.as_bytes());
        let kept = pairs.filter(|(name, _)| name == "limit" || !varying.contains(&name.as_ref()));
        let mut query = form_urlencoded::Serializer::new(String::new());
        Ok(query.extend_pairs(kept).append_pair(name, &position.value).finish())
    }

    /// Reads the page in `body`, the response to `call`; `decode` decodes the array of the items.
    ///
    /// # Errors
    /// A body that holds no items, the same items as the page before, or the position that was just sent as the next.
    pub(crate) fn read<T>(
        self,
        call: &ListCall<'_>,
        body: &[u8],
        decode: impl FnOnce(&[u8]) -> Result<Vec<T>, DecodeFault>,
    ) -> Result<Page<T>, DecodeFault> {
        let listed = Listed::read(body, self.items)?;
        let items = match listed.items {
            b"" | b"null" => Vec::new(),
            text => decode(text).map_err(|fault| listed.place(fault))?,
        };
        let digest = Digest::new().with(listed.items).0;
        if !items.is_empty() && call.cursor.and_then(Cursor::page) == Some(digest) {
            return Err(fault("the page has the same items as the one before it: the server ignores the position"));
        }
        let next = self.next(call, &listed, items.len())?;
        if let Some(next) = &next
            && self.by.name(next.style).and_then(|name| call.sent(name)).as_ref() == Some(&next.value)
        {
            return Err(fault("the next page is at the position that was just sent: the list would never end"));
        }
        let cursor = |position: Position| Cursor::new(&call.list(&self.by.varying()), digest, &position);
        let previous = self.previous(&listed);
        Ok(Page { items, next: next.map(cursor), previous: previous.map(cursor), total: listed.field("total") })
    }

    /// Lists that go back say so by `prev_page`, a token like that of the next page.
    fn previous(self, listed: &Listed<'_>) -> Option<Position> {
        let token = matches!(self.by, PageBy::Token { .. }).then(|| listed.text("prev_page")).flatten();
        token.map(|value| Position { style: Style::Token, value })
    }

    fn next(self, call: &ListCall<'_>, listed: &Listed<'_>, count: usize) -> Result<Option<Position>, DecodeFault> {
        let more: Option<bool> = listed.field("has_more");
        if more == Some(false) {
            return Ok(None);
        }
        let goes_on = more.is_some() && count > 0;
        match self.by {
            PageBy::Offset if count > 0 => {
                let begun = call.sent(OFFSET).and_then(|sent| sent.parse::<u64>().ok()).unwrap_or_default();
                let reached = begun.saturating_add(count as u64);
                // A total below what just arrived counts something else.
                let total = listed.field::<u64>("total").filter(|total| *total >= count as u64);
                let all = total.is_some_and(|total| reached >= total);
                Ok((!all).then(|| Position { style: Style::Offset, value: reached.to_string() }))
            }
            PageBy::Token { read, .. } | PageBy::AfterId { token: Some((_, read)) } => {
                match read.iter().find_map(|key| listed.text(key)) {
                    Some(value) => Ok(Some(Position { style: Style::Token, value })),
                    None if goes_on => listed.after_last(),
                    None => Ok(None),
                }
            }
            PageBy::AfterId { token: None } if goes_on => listed.after_last(),
            PageBy::AfterSeq if goes_on => listed.after_largest_seq(),
            _ => Ok(None),
        }
    }
}

fn fault(message: &str) -> DecodeFault {
    DecodeFault { path: ".".to_owned(), source: serde_json::Error::custom(message) }
}

type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// The response of a list: its items, and what the server says beside them.
struct Listed<'a> {
    /// The text of the array.
    items: &'a [u8],
    /// The key that holds it, in an object.
    key: Option<&'static str>,
    /// The fields of the object, and of the objects in it that describe the page.
    fields: Vec<Fields<'a>>,
}

/// Objects that may describe the page.
const ABOUT_THE_PAGE: [&str; 2] = ["pagination", "meta"];

#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    id: Option<Value>,
    #[serde(default)]
    seq: Option<u64>,
}

impl<'a> Listed<'a> {
    fn read(body: &'a [u8], keys: &'static [&'static str]) -> Result<Self, DecodeFault> {
        let body = body.trim_ascii();
        if keys.is_empty() || !body.starts_with(b"{") {
            return Ok(Self { items: body, key: None, fields: Vec::new() });
        }
        let top: Fields<'a> =
            serde_json::from_slice(body).map_err(|source| DecodeFault { path: ".".to_owned(), source })?;
        let present = || keys.iter().filter_map(|key| Some((*key, *top.get(*key)?)));
        let is_list = |(_, value): &(&str, &RawValue)| value.get().starts_with('[');
        // Another field may have such a name: the first list is meant, if there is one.
        let Some((key, items)) = present().find(is_list).or_else(|| present().next()) else {
            return Err(fault(&format!("expected an array, or an object with `{}`", keys.join("` or `"))));
        };
        let inner = ABOUT_THE_PAGE.iter().filter_map(|key| serde_json::from_str(top.get(*key)?.get()).ok());
        let inner: Vec<Fields<'a>> = inner.collect();
        Ok(Self { items: items.get().as_bytes(), key: Some(key), fields: [top].into_iter().chain(inner).collect() })
    }

    /// What the server says under `name`, if it can be read as `T`.
    fn field<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.fields.iter().find_map(|fields| serde_json::from_str(fields.get(name)?.get()).ok())
    }

    /// The same, as text that is not empty.
    fn text(&self, name: &str) -> Option<String> {
        self.field(name).and_then(text)
    }

    fn rows(&self) -> Vec<Row> {
        serde_json::from_slice(self.items).unwrap_or_default()
    }

    fn after_last(&self) -> Result<Option<Position>, DecodeFault> {
        let last = || self.rows().pop().and_then(|row| text(row.id?));
        match self.text("last_id").or_else(last) {
            Some(value) => Ok(Some(Position { style: Style::Id, value })),
            None => Err(fault("the list has more pages, but the last item has no `id` to go on from")),
        }
    }

    fn after_largest_seq(&self) -> Result<Option<Position>, DecodeFault> {
        match self.rows().iter().filter_map(|row| row.seq).max() {
            Some(seq) => Ok(Some(Position { style: Style::Seq, value: seq.to_string() })),
            None => Err(fault("the list has more pages, but no item has a `seq` to go on from")),
        }
    }

    /// The path of a fault in the items, in the whole body.
    fn place(&self, mut fault: DecodeFault) -> DecodeFault {
        if let Some(key) = self.key {
            let inside = if fault.path == "." { "" } else { fault.path.as_str() };
            fault.path = format!("{key}{inside}");
        }
        fault
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
#[path = "paging_tests.rs"]
mod tests;
