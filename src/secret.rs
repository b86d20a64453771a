//! Values that must not be shown: keys, tokens, passwords.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A value that `Debug` never shows.
///
/// Serialising a `Secret` writes the plain value. There is no `Display`.
///
/// ```
/// # use polyagent::Secret;
/// let key = Secret::from("sk_live_0123");
/// assert_eq!(format!("{key:?}"), "[redacted]");
/// assert_eq!(key.expose(), "sk_live_0123");
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps `value`.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Returns the value. Take care where it goes.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// Unwraps the value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

/// The shortest key, in bytes, that is searched for in text: shorter ones, which only tests use, match parts of words.
const SHORTEST_SEARCHABLE: usize = 8;

impl Secret<String> {
    /// The key as it is sent, if it is long enough to be searched for.
    pub(crate) fn searchable(&self) -> Option<&str> {
        Some(self.0.trim()).filter(|key| key.len() >= SHORTEST_SEARCHABLE)
    }
}

/// Replaces the whole of a secret: a prefix of a key is a leak too.
pub(crate) const REDACTED: &str = "[redacted]";

impl From<String> for Secret<String> {
    fn from(value: String) -> Self {
        Self(value)
    }
}

impl From<&str> for Secret<String> {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_a_constant_marker_at_any_depth() {
        let nested = Some(vec![Secret::from("sk_live_0123")]);
        assert_eq!(format!("{nested:?}"), "Some([[redacted]])");
    }

    #[test]
    fn the_wire_form_is_the_plain_value() {
        let secret: Secret<String> = serde_json::from_str("\"abc\"").unwrap();
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"abc\"");
    }
}
