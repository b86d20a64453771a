//! Values that must not be seen: keys, tokens, passwords.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A value that never shows itself in `Debug`.
///
/// The wire form is the plain value: serialising a `Secret` writes what it guards. There is no `Display`.
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
    /// Guards `value`.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The guarded value. Take care where it goes.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// Gives the guarded value away.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

/// The shortest key, in bytes, that is looked for in texts: shorter ones, which only tests have, are parts of words.
const SHORTEST_SOUGHT: usize = 8;

impl Secret<String> {
    /// The key as it goes out, if it is long enough to be looked for.
    pub(crate) fn sought(&self) -> Option<&str> {
        Some(self.0.trim()).filter(|key| key.len() >= SHORTEST_SOUGHT)
    }
}

/// What stands in place of a secret, whole: a prefix of a key is a leak too.
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
