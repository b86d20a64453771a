//! Arguments are validated before anything is sent.

use std::fmt;
use std::fmt::Display;
use std::ops::{Bound, RangeBounds};
use std::sync::OnceLock;

use http::Method;
use regex_lite::Regex;

use crate::spelling::Spelling;

/// A value that is validated before it is sent.
///
/// Request bodies and query parameters implement it from the bounds that their platform documents. The client calls it;
/// you need not.
pub trait Check {
    /// Validates every bounded value.
    ///
    /// # Errors
    /// The first value out of bounds.
    fn check(&self) -> Result<(), InvalidArgument> {
        Ok(())
    }

    /// What generations of servers spell differently.
    #[doc(hidden)]
    fn spelling() -> Option<&'static Spelling>
    where
        Self: Sized,
    {
        None
    }
}

impl<T: Check + ?Sized> Check for Box<T> {
    fn check(&self) -> Result<(), InvalidArgument> {
        (**self).check()
    }
}

/// An object whose contents are the caller's own.
impl Check for serde_json::Map<String, serde_json::Value> {}

/// An argument that the platform would reject; the request was not sent.
///
/// Displays as `` `limit` must be between 1 and 200, not 0 (elephantasm_list_animas) ``. Secrets and long values are
/// not included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidArgument {
    argument: String,
    reason: String,
    /// Where the value itself starts in the reason.
    value_at: usize,
    /// The operation's id and method.
    call: Option<(&'static str, Method)>,
}

impl InvalidArgument {
    /// `argument` is its name or path; `reason` continues the sentence: `must not be empty`.
    pub(crate) fn new(argument: impl Into<String>, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { argument: argument.into(), value_at: reason.len(), reason, call: None }
    }

    /// Like `new`, with the value that was found and what is wanted instead.
    fn found(argument: &str, wanted: &str, value: impl Display) -> Self {
        let reason = format!("{wanted}, not {value}");
        Self { argument: argument.to_owned(), reason, value_at: wanted.len(), call: None }
    }

    /// Returns the argument's name, or its path if it is inside a body, such as `items[3].name`.
    pub fn argument(&self) -> &str {
        &self.argument
    }

    /// Returns what is wrong with the argument.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Returns the id of the called operation in the OpenAPI document, if there was one.
    pub fn operation(&self) -> Option<&'static str> {
        self.call.as_ref().map(|(operation, _)| *operation)
    }

    pub(crate) fn method(&self) -> Option<&Method> {
        self.call.as_ref().map(|(_, method)| method)
    }

    /// Returns the error as raised by a call of `operation`.
    pub(crate) fn of_call(mut self, operation: &'static str, method: Method) -> Self {
        self.call = Some((operation, method));
        self
    }

    /// Returns the error with the argument's path prefixed by `holder`.
    pub(crate) fn within(mut self, holder: &str) -> Self {
        let gap =
            if holder.is_empty() || self.argument.is_empty() || self.argument.starts_with('[') { "" } else { "." };
        self.argument = format!("{holder}{gap}{}", self.argument);
        self
    }

    /// Returns the error without the value.
    #[allow(dead_code, reason = "not every platform needs it")]
    pub(crate) fn redacted(mut self) -> Self {
        self.reason.truncate(self.value_at);
        self
    }
}

impl Display for InvalidArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.argument, self.reason)?;
        match self.operation() {
            Some(operation) => write!(f, " ({operation})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for InvalidArgument {}

/// The longest value, in characters, that an error includes: a UUID fits, a key does not.
pub(crate) const SHOWN: usize = 36;

/// Checks that the number of characters of `value` is within `bounds`.
pub(crate) fn chars(name: &str, value: &str, bounds: impl RangeBounds<usize>) -> Result<(), InvalidArgument> {
    length(name, value.chars().count(), &bounds, "character")
}

/// Checks that the number of items or entries is within `bounds`.
#[allow(dead_code, reason = "not every platform needs it")]
pub(crate) fn count(name: &str, count: usize, bounds: impl RangeBounds<usize>) -> Result<(), InvalidArgument> {
    length(name, count, &bounds, "item")
}

/// Checks that a number is within `bounds`.
pub(crate) fn range<T: PartialOrd + Display>(
    name: &str,
    value: T,
    bounds: impl RangeBounds<T>,
) -> Result<(), InvalidArgument> {
    if bounds.contains(&value) {
        return Ok(());
    }
    Err(InvalidArgument::found(name, &format!("must be {}", text_of(&bounds)), value))
}

/// Checks that JSON can represent a number.
pub(crate) fn finite(name: &str, value: f64) -> Result<(), InvalidArgument> {
    if value.is_finite() { Ok(()) } else { Err(InvalidArgument::found(name, "must be a finite number", value)) }
}

/// Checks that a string is a UUID, hyphenated or as 32 hexadecimal digits.
pub(crate) fn uuid(name: &str, value: &str) -> Result<(), InvalidArgument> {
    match value {
        _ if is_uuid(value) => Ok(()),
        _ if is_uuid(value.trim_matches(is_blank)) => Err(InvalidArgument::new(name, PADDED)),
        _ => Err(unlike(name, "must be a UUID", value)),
    }
}

/// Checks that a string is a URL that starts with `https://`.
#[allow(dead_code, reason = "not every platform needs it")]
pub(crate) fn https(name: &str, value: &str) -> Result<(), InvalidArgument> {
    let scheme = value.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
    if scheme && value.len() > 8 { Ok(()) } else { Err(unlike(name, "must be an `https://` URL", value)) }
}

/// Checks that a string matches a pattern.
pub(crate) fn pattern(name: &str, value: &str, pattern: &Pattern) -> Result<(), InvalidArgument> {
    if pattern.text == r"\S" {
        // Any Unicode white space, and four separators: a Python server strips all of them.
        let blank = value.chars().all(|c| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c));
        return if blank { Err(InvalidArgument::new(name, "must not be blank")) } else { Ok(()) };
    }
    if pattern.matches(value) {
        return Ok(());
    }
    Err(unlike(name, &format!("must match `{}`", pattern.text), value))
}

/// Checks the value of `name`.
pub(crate) fn nested(name: &str, value: &impl Check) -> Result<(), InvalidArgument> {
    value.check().map_err(|error| error.within(name))
}

/// Checks what is inside a secret, and shows none of it.
#[allow(dead_code, reason = "not every platform needs it")]
pub(crate) fn redacted<'v, T: ?Sized>(
    value: &'v T,
    check: impl Fn(&'v T) -> Result<(), InvalidArgument>,
) -> Result<(), InvalidArgument> {
    check(value).map_err(InvalidArgument::redacted)
}

/// Checks every item of a list.
pub(crate) fn each<'v, T: 'v>(
    name: &str,
    items: impl IntoIterator<Item = &'v T>,
    check: impl Fn(&'v T) -> Result<(), InvalidArgument>,
) -> Result<(), InvalidArgument> {
    let mut items = items.into_iter().enumerate();
    items.try_for_each(|(index, item)| check(item).map_err(|error| error.within(&format!("{name}[{index}]"))))
}

/// Checks every value of a map.
#[allow(dead_code, reason = "not every platform needs it")]
pub(crate) fn each_entry<'v, T: 'v>(
    name: &str,
    entries: impl IntoIterator<Item = (&'v String, &'v T)>,
    check: impl Fn(&'v T) -> Result<(), InvalidArgument>,
) -> Result<(), InvalidArgument> {
    let mut entries = entries.into_iter();
    entries.try_for_each(|(key, value)| check(value).map_err(|error| error.within(key).within(name)))
}

/// Whether `value` is a UUID in either form, in upper or lower case.
pub(crate) fn is_uuid(value: &str) -> bool {
    let bytes = value.as_bytes();
    match bytes.len() {
        32 => are_hex(bytes),
        36 => {
            let is_hyphen = |at: usize| bytes[at] == b'-';
            let groups = [&bytes[..8], &bytes[9..13], &bytes[14..18], &bytes[19..23], &bytes[24..]];
            [8, 13, 18, 23].into_iter().all(is_hyphen) && groups.into_iter().all(are_hex)
        }
        _ => false,
    }
}

/// Whether all are hexadecimal digits; without branches, since nearly always they are.
fn are_hex(bytes: &[u8]) -> bool {
    bytes.iter().fold(true, |all, byte| all & byte.is_ascii_hexdigit())
}

/// A pattern that is compiled on first use.
pub(crate) struct Pattern {
    text: &'static str,
    regex: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// `text` is known to compile: the generator has tried it.
    pub(crate) const fn new(text: &'static str) -> Self {
        Self { text, regex: OnceLock::new() }
    }

    fn matches(&self, value: &str) -> bool {
        let regex = self.regex.get_or_init(|| Regex::new(self.text).ok());
        regex.as_ref().is_some_and(|regex| regex.is_match(value))
    }
}

fn length(name: &str, length: usize, bounds: &impl RangeBounds<usize>, unit: &str) -> Result<(), InvalidArgument> {
    if bounds.contains(&length) {
        return Ok(());
    }
    if length == 0 {
        return Err(InvalidArgument::new(name, "must not be empty"));
    }
    let plural = if is_one(bounds.end_bound()) { "" } else { "s" };
    Err(InvalidArgument::found(name, &format!("must have {} {unit}{plural}", text_of(bounds)), length))
}

fn is_one(bound: Bound<&usize>) -> bool {
    bound == Bound::Included(&1)
}

/// What is said of an id with white space around it.
pub(crate) const PADDED: &str = "must not have white space around it";

/// Whether a character is white space or shows nothing: what comes along when a value is copied or read from a file.
pub(crate) fn is_blank(c: char) -> bool {
    let directs_text = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}');
    let has_no_width =
        matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}');
    c.is_whitespace() || directs_text || has_no_width
}

/// The error about a value that is not as wanted; a long one is not shown, for it may be a key.
pub(crate) fn unlike(name: &str, wanted: &str, value: &str) -> InvalidArgument {
    if value.is_empty() || value.chars().nth(SHOWN).is_some() {
        return InvalidArgument::new(name, wanted);
    }
    InvalidArgument::found(name, wanted, format_args!("{value:?}"))
}

/// The bounds as text.
fn text_of<T: Display>(bounds: &impl RangeBounds<T>) -> String {
    let low = match bounds.start_bound() {
        Bound::Included(low) => Some(format!("at least {low}")),
        Bound::Excluded(low) => Some(format!("more than {low}")),
        Bound::Unbounded => None,
    };
    let high = match bounds.end_bound() {
        Bound::Included(high) => Some(format!("at most {high}")),
        Bound::Excluded(high) => Some(format!("less than {high}")),
        Bound::Unbounded => None,
    };
    match (bounds.start_bound(), bounds.end_bound()) {
        (Bound::Included(low), Bound::Included(high)) => format!("between {low} and {high}"),
        _ => low.into_iter().chain(high).collect::<Vec<_>>().join(" and "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(result: Result<(), InvalidArgument>) -> String {
        result.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn bounds_hold_at_the_bound_and_not_beyond() {
        assert_eq!(said(range("limit", 200, 1..=200)), "");
        assert_eq!(said(range("limit", 201, 1..=200)), "`limit` must be between 1 and 200, not 201");
        assert_eq!(said(range("limit", 0, 1..)), "`limit` must be at least 1, not 0");
        assert_eq!(said(range("limit", 2, ..=1)), "`limit` must be at most 1, not 2");
        let above_zero = (Bound::Excluded(0.0), Bound::Included(1.0));
        assert_eq!(said(range("share", 0.0, above_zero)), "`share` must be more than 0 and at most 1, not 0");
        assert_eq!(said(range("share", 0.5, above_zero)), "");
    }

    #[test]
    fn characters_are_counted_and_not_bytes() {
        assert_eq!(said(chars("name", "éé", 1..=2)), "");
        assert_eq!(said(chars("name", "ééé", 1..=2)), "`name` must have between 1 and 2 characters, not 3");
        assert_eq!(said(chars("name", "ab", ..=1)), "`name` must have at most 1 character, not 2");
        assert_eq!(said(chars("name", "", 1..)), "`name` must not be empty");
        assert_eq!(said(count("items", 3, ..=2)), "`items` must have at most 2 items, not 3");
    }

    #[test]
    fn uuids_have_two_forms() {
        assert!(is_uuid("0199C3D0-8B3C-7E1F-9A55-3D2C1B0A9F8E"));
        assert!(is_uuid("0199c3d08b3c7e1f9a553d2c1b0a9f8e"));
        assert!(!is_uuid("0199c3d0-8b3c7e1f-9a55-3d2c1b0a9f8e-"));
        assert!(!is_uuid("0199c3d08b3c7e1f9a553d2c1b0a9f8g"));
        assert_eq!(said(uuid("anima_id", "agent-01")), "`anima_id` must be a UUID, not \"agent-01\"");
    }

    #[test]
    fn long_and_redacted_values_are_not_repeated() {
        assert_eq!(said(uuid("id", &"x".repeat(36))).len(), "`id` must be a UUID, not \"\"".len() + 36);
        assert_eq!(said(uuid("id", &"x".repeat(37))), "`id` must be a UUID");
        let key = uuid("key", "sk_live").map_err(InvalidArgument::redacted);
        assert_eq!(said(key), "`key` must be a UUID");
    }

    #[test]
    fn a_path_leads_to_the_argument() {
        let error = InvalidArgument::new("name", "must not be empty");
        assert_eq!(error.clone().within("[0]").within("items").argument(), "items[0].name");
        assert_eq!(InvalidArgument::new("", "x").within("items[3]").argument(), "items[3]");
        let error = error.within("items[3]").within("batch");
        assert_eq!(error.to_string(), "`batch.items[3].name` must not be empty");
        assert_eq!(error.of_call("op", Method::GET).to_string(), "`batch.items[3].name` must not be empty (op)");
    }

    #[test]
    fn numbers_that_json_cannot_write_are_refused() {
        assert_eq!(said(finite("score", f64::NAN)), "`score` must be a finite number, not NaN");
        assert_eq!(said(finite("score", f64::INFINITY)), "`score` must be a finite number, not inf");
        assert_eq!(said(finite("score", -0.0)), "");
    }

    #[test]
    fn urls_and_patterns() {
        assert_eq!(said(https("url", "HTTPS://a")), "");
        assert_eq!(said(https("url", "https://")), "`url` must be an `https://` URL, not \"https://\"");
        assert_eq!(said(https("url", "http://a")), "`url` must be an `https://` URL, not \"http://a\"");
        let lower = Pattern::new("^[a-z]+$");
        assert_eq!(said(pattern("name", "abc", &lower)), "");
        for blank in ["", " ", "\u{a0}", "\u{3000}\u{2003}", "\u{1c}\u{1f}"] {
            assert_eq!(said(pattern("query", blank, &Pattern::new(r"\S"))), "`query` must not be blank", "{blank:?}");
        }
        assert_eq!(said(pattern("query", "\u{3000}茶", &Pattern::new(r"\S"))), "");
        assert_eq!(said(pattern("name", "Abc", &lower)), "`name` must match `^[a-z]+$`, not \"Abc\"");
    }
}
