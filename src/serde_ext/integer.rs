//! Whole numbers, however they are written.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// Reads a whole number, written as `3` or, as languages with one kind of number may do, as `3.0`.
pub(crate) fn whole<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i64> + TryFrom<u64>,
{
    deserializer.deserialize_i64(Whole(PhantomData))
}

/// The same, or null.
pub(crate) fn optional_whole<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i64> + TryFrom<u64>,
{
    struct Read<T>(T);

    impl<'de, T: TryFrom<i64> + TryFrom<u64>> Deserialize<'de> for Read<T> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            whole(deserializer).map(Self)
        }
    }

    Ok(Option::<Read<T>>::deserialize(deserializer)?.map(|read| read.0))
}

struct Whole<T>(PhantomData<T>);

impl<T: TryFrom<i64> + TryFrom<u64>> Visitor<'_> for Whole<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        T::try_from(value).map_err(|_| E::invalid_value(Unexpected::Signed(value), &self))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        T::try_from(value).map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        /// Up to here each whole number is a float of its own.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if value.fract() == 0.0 && value.abs() <= EXACT {
            #[allow(clippy::cast_possible_truncation, reason = "it is whole and within an i64")]
            return self.visit_i64(value as i64);
        }
        Err(E::invalid_type(Unexpected::Float(value), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Counts {
        #[serde(deserialize_with = "whole")]
        signed: i64,
        #[serde(default, deserialize_with = "optional_whole")]
        small: Option<u8>,
    }

    fn read(json: &str) -> Result<(i64, Option<u8>), String> {
        serde_json::from_str::<Counts>(json).map(|c| (c.signed, c.small)).map_err(|e| e.to_string())
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_fraction_of_zero() {
        assert_eq!(read(r#"{"signed":-3}"#), Ok((-3, None)));
        assert_eq!(read(r#"{"signed":-3.0,"small":null}"#), Ok((-3, None)));
        assert_eq!(read(r#"{"signed":1e3,"small":255.0}"#), Ok((1000, Some(255))));
        assert_eq!(read(r#"{"signed":9223372036854775807,"small":0}"#), Ok((i64::MAX, Some(0))));
        assert_eq!(read(r#"{"signed":9007199254740992.0}"#), Ok((9_007_199_254_740_992, None)));
    }

    #[test]
    fn anything_else_is_an_error() {
        for json in [
            r#"{"signed":1.5}"#,
            r#"{"signed":1e300}"#,
            r#"{"signed":9223372036854775808}"#,
            r#"{"signed":"1"}"#,
            r#"{"signed":null}"#,
            r#"{"signed":1,"small":256}"#,
            r#"{"signed":1,"small":-1}"#,
            r#"{"small":1}"#,
        ] {
            assert!(read(json).is_err(), "{json}");
        }
        let words = read(r#"{"signed":1.5}"#).unwrap_err();
        assert!(words.starts_with("invalid type: floating point `1.5`, expected a whole number"), "{words}");
    }
}
