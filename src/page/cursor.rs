//! The position of a page, as text that names the list it belongs to.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use crate::check::InvalidArgument;

/// A resumable position in a list, storable as text.
///
/// It names its operation and filters: any other list rejects it with
/// [`InvalidArgument`](crate::Error::InvalidArgument) before anything is sent. Only the page size may change.
///
/// A position that is an offset counts items from the start of the list. If items are added or deleted before it is
/// used, the next page repeats items or skips some; see [`Items`](super::Items) for the safe way.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    /// Returns the cursor as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn new(list: &List, page: u64, position: &Position) -> Self {
        let (List { operation, filters }, Position { style, value }) = (list, position);
        Self(format!("{VERSION}.{operation}.{filters:016x}.{page:016x}.{}{value}", style.letter()))
    }

    /// The position, if it is one in `list`.
    ///
    /// # Errors
    /// `InvalidArgument` for a cursor of another list, and for text that is no cursor.
    pub(super) fn position_in(&self, list: &List) -> Result<Position, InvalidArgument> {
        let invalid = |reason: String| Err(InvalidArgument::new("cursor", reason));
        let Some(parts) = self.parts() else {
            return invalid("is not the text of a cursor that this version of the crate reads".to_owned());
        };
        if parts.operation != list.operation {
            let other = shown(parts.operation);
            return invalid(format!("belongs to the list `{other}`, not to `{}`", list.operation));
        }
        if parts.filters != list.filters {
            return invalid("belongs to a list with other filters, order or ids".to_owned());
        }
        Ok(parts.position)
    }

    /// The digest of the page that returned this cursor.
    pub(super) fn page(&self) -> Option<u64> {
        self.parts().map(|parts| parts.page)
    }

    fn parts(&self) -> Option<Parts<'_>> {
        let mut parts = self.0.splitn(5, '.');
        let (version, operation, filters, page) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let (style, value) = parts.next()?.split_at_checked(1)?;
        let digest = |hex: &str| u64::from_str_radix(hex, 16).ok();
        let position = Position { style: Style::of_letter(style)?, value: value.to_owned() };
        let parts = Parts { operation, filters: digest(filters)?, page: digest(page)?, position };
        (version == VERSION && !value.is_empty()).then_some(parts)
    }
}

/// Of the text form.
const VERSION: &str = "1";

/// The text form: `1.<operation>.<filters>.<page>.<style><value>`, digests in hexadecimal.
struct Parts<'a> {
    operation: &'a str,
    filters: u64,
    page: u64,
    position: Position,
}

/// An operation's name from a stored cursor, which may hold anything.
fn shown(operation: &str) -> String {
    operation.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(60).collect()
}

impl From<&str> for Cursor {
    /// Text that is no cursor is rejected where it is used.
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Cursor {
    /// Text that is no cursor is rejected where it is used.
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a page starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) style: Style,
    pub(super) value: String,
}

/// What the value of a position is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Offset,
    Token,
    Id,
    Seq,
}

impl Style {
    fn letter(self) -> char {
        match self {
            Self::Offset => 'o',
            Self::Token => 't',
            Self::Id => 'i',
            Self::Seq => 's',
        }
    }

    fn of_letter(letter: &str) -> Option<Self> {
        [Self::Offset, Self::Token, Self::Id, Self::Seq].into_iter().find(|style| letter.starts_with(style.letter()))
    }
}

/// The call of one page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListCall<'a> {
    pub(crate) operation: &'static str,
    /// The ids in the path.
    pub(crate) ids: &'a [String],
    /// The encoded query.
    pub(crate) query: &'a str,
    /// Where the caller wants to start.
    pub(crate) cursor: Option<&'a Cursor>,
}

impl ListCall<'_> {
    /// The list that the call reads: what its pages have in common. `varying` names the pairs of the query that differ
    /// from page to page.
    pub(super) fn list(&self, varying: &[&str]) -> List {
        let mut pairs: Vec<_> = form_urlencoded::parse(self.query.as_bytes())
            .filter(|(name, _)| !varying.contains(&name.as_ref()))
            .collect();
        pairs.sort();
        let ids = self.ids.iter().fold(Digest::new(), |digest, id| digest.with(id.as_bytes()));
        let all = pairs.iter().fold(ids, |digest, (name, value)| digest.with(name.as_bytes()).with(value.as_bytes()));
        List { operation: self.operation, filters: all.0 }
    }

    /// The value that was sent under `name`. Servers read the last of several.
    pub(super) fn sent(&self, name: &str) -> Option<String> {
        let pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.filter(|(sent, _)| sent == name).last().map(|(_, value)| value.into_owned())
    }
}

/// A list, as its cursors name it.
#[derive(Debug)]
pub(super) struct List {
    operation: &'static str,
    filters: u64,
}

/// A digest that is the same in every version of the crate. It tells texts apart that differ by chance.
#[derive(Clone, Copy)]
pub(super) struct Digest(pub(super) u64);

impl Digest {
    pub(super) fn new() -> Self {
        Self(0)
    }

    pub(super) fn with(self, text: &[u8]) -> Self {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut digest = self.0 ^ (text.len() as u64);
        for piece in text.chunks(8) {
            let mut word = [0; 8];
            word[..piece.len()].copy_from_slice(piece);
            digest = (digest.rotate_left(29) ^ u64::from_le_bytes(word)).wrapping_mul(ODD);
        }
        // A text without bytes counts too.
        Self((digest ^ (digest >> 32)).wrapping_add(ODD))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call<'a>(ids: &'a [String], query: &'a str) -> ListCall<'a> {
        ListCall { operation: "test_list_things", ids, query, cursor: None }
    }

    fn list(ids: &[&str], query: &str) -> List {
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        call(&ids, query).list(&["offset", "limit"])
    }

    fn at(value: &str) -> Position {
        Position { style: Style::Offset, value: value.to_owned() }
    }

    #[test]
    fn stored_text_names_operation_filters_page_and_position() {
        let here = List { operation: "test_list_things", filters: 0xab };
        let cursor = Cursor::new(&here, 0x2, &at("50"));
        assert_eq!(cursor.as_str(), "1.test_list_things.00000000000000ab.0000000000000002.o50");
        let stored = serde_json::to_string(&cursor).unwrap();
        assert_eq!(stored, "\"1.test_list_things.00000000000000ab.0000000000000002.o50\"");
        let read: Cursor = serde_json::from_str(&stored).unwrap();
        assert_eq!((&read, read.page(), read.position_in(&here).unwrap()), (&cursor, Some(2), at("50")));
    }

    #[test]
    fn digests_stay_the_same_in_stored_cursors() {
        // Computed by another program. A change makes every stored cursor invalid.
        assert_eq!(Digest::new().with(b"").0, 0x9e37_79b9_7f4a_7c15);
        assert_eq!(Digest::new().with(b"[{\"id\":1}]").0, 0xcc86_afb3_6b7d_94c9);
        assert_eq!(list(&["a1"], "limit=2&state=ACTIVE").filters, 0x2c1b_f2eb_62de_7ac3);
    }

    #[test]
    fn a_token_may_hold_any_character() {
        let here = list(&[], "");
        for token in ["a.b.c", "eyJpIjoxfQ==", "ä", "1.2", "."] {
            let position = Position { style: Style::Token, value: token.to_owned() };
            let cursor = Cursor::from(Cursor::new(&here, 1, &position).to_string());
            assert_eq!(cursor.position_in(&here).unwrap(), position);
        }
    }

    #[test]
    fn only_the_list_of_a_cursor_takes_it() {
        let cursor = Cursor::new(&list(&["a1"], "state=ACTIVE&order=asc"), 1, &at("2"));
        let reason = |list: List| cursor.position_in(&list).unwrap_err().reason().to_owned();
        for same in ["state=ACTIVE&order=asc", "order=asc&state=ACTIVE", "limit=9&state=ACTIVE&order=asc&offset=2"] {
            assert_eq!(cursor.position_in(&list(&["a1"], same)).unwrap(), at("2"), "{same}");
        }
        let filters = "belongs to a list with other filters, order or ids";
        for (ids, query) in [
            (vec!["a1"], "state=ACTIVE&order=desc"),
            (vec!["a1"], "state=ACTIVE"),
            (vec!["a1"], "state=ACTIVE&order=asc&q=x"),
            (vec!["a2"], "state=ACTIVE&order=asc"),
            (vec![], "state=ACTIVE&order=asc"),
            (vec!["a1", ""], "state=ACTIVE&order=asc"),
        ] {
            assert_eq!(reason(list(&ids, query)), filters, "{ids:?} {query}");
        }
        let other = List { operation: "test_list_others", ..list(&["a1"], "state=ACTIVE&order=asc") };
        assert_eq!(reason(other), "belongs to the list `test_list_things`, not to `test_list_others`");
    }

    #[test]
    fn text_that_is_no_cursor_is_rejected() {
        for text in [
            "",
            "50",
            "1.test_list_things.00.00.o",
            "1.test_list_things.00.00.",
            "1.test_list_things.00.00.x5",
            "1.test_list_things.00.00.ä5",
            "1.test_list_things.zz.00.o5",
            "2.test_list_things.00.00.o5",
        ] {
            let rejected = Cursor::from(text).position_in(&list(&[], "")).unwrap_err();
            assert!(rejected.to_string().starts_with("`cursor` is not the text of a cursor"), "{text}: {rejected}");
        }
    }

    #[test]
    fn of_several_values_the_last_was_sent() {
        assert_eq!(call(&[], "offset=1&limit=5&offset=7").sent("offset").as_deref(), Some("7"));
        assert_eq!(call(&[], "limit=5").sent("offset"), None);
    }
}
