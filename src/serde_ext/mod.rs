//! The base of the generated types: enums and unions that are open to values of newer servers, [`Timestamp`], and
//! deserializers that distinguish null from absent and accept `3.0` as a whole number.

mod civil;
mod enumeration;
mod integer;
#[allow(dead_code, reason = "not every platform needs it")]
mod shorthand;
#[allow(dead_code, reason = "for generated unions, which no enabled platform may have")]
mod tag;
mod timestamp;
#[allow(dead_code, unused_macros, reason = "for generated unions, which no enabled platform may have")]
mod union;
mod unix_time;

use std::fmt;

use serde::{Deserialize, Deserializer};

pub(crate) use enumeration::{deserialize_word, open_enum};
#[allow(unused_imports, reason = "not every platform needs both")]
pub(crate) use integer::{optional_whole, whole};
#[allow(unused_imports, reason = "not every platform needs it")]
pub(crate) use shorthand::shorthand;
pub use timestamp::{InvalidTimestamp, Timestamp};
#[allow(unused_imports, reason = "for generated unions, which no enabled platform may have")]
pub(crate) use union::{OpenUnion, Replay, deserialize_union, from_string, member, one_or_list, open_union, unknown};
#[allow(unused_imports, reason = "not every platform needs them")]
pub(crate) use unix_time::{any_time, unix_milliseconds, unix_seconds};

/// Deserializes null as the empty value.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Deserializes a field that is present, even if null: with `#[serde(default)]`, absent is `None` and null is
/// `Some(None)`.
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// The value of the first alias that has one.
pub(crate) fn first<T, const N: usize>(spellings: [Option<T>; N]) -> Option<T> {
    spellings.into_iter().flatten().next()
}

/// The value of the first spelling that has one, else a null of any, else nothing.
#[allow(dead_code, reason = "not every platform has spellings of what can be cleared")]
#[allow(clippy::option_option, reason = "absent, null and a value are three things")]
pub(crate) fn first_present<T, const N: usize>(spellings: [Option<Option<T>>; N]) -> Option<Option<T>> {
    let mut present = spellings.into_iter().flatten();
    let first = present.next()?;
    Some(first.or_else(|| present.flatten().next()))
}

/// A required field that is missing under all its names.
#[derive(Debug)]
pub(crate) struct MissingField(pub(crate) &'static str);

impl fmt::Display for MissingField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "missing field `{}`", self.0)
    }
}
