//! Whole numbers, however they are written.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use super::ReadAs;

/// A whole number, written as `3` or, as languages with one kind of number may do, as `3.0`.
pub(crate) struct Whole;

impl<T: TryFrom<i64> + TryFrom<u64>> ReadAs<T> for Whole {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_i64(WholeVisitor(PhantomData))
    }
}

/// The same, or null.
pub(crate) struct OptionalWhole;

impl<T: TryFrom<i64> + TryFrom<u64>> ReadAs<Option<T>> for OptionalWhole {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
        struct Read<T>(T);

        impl<'de, T: TryFrom<i64> + TryFrom<u64>> Deserialize<'de> for Read<T> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Whole::read(deserializer).map(Self)
            }
        }

        Ok(Option::<Read<T>>::deserialize(deserializer)?.map(|read| read.0))
    }
}

struct WholeVisitor<T>(PhantomData<T>);

impl<T: TryFrom<i64> + TryFrom<u64>> Visitor<'_> for WholeVisitor<T> {
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

    fn read<T>(json: &str) -> Result<T, String>
    where
        Whole: ReadAs<T>,
    {
        <Whole as ReadAs<T>>::read(&mut serde_json::Deserializer::from_str(json)).map_err(|error| error.to_string())
    }

    fn optional(json: &str) -> Result<Option<u8>, String> {
        OptionalWhole::read(&mut serde_json::Deserializer::from_str(json)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_fraction_of_zero() {
        assert_eq!(read("-3"), Ok(-3_i64));
        assert_eq!(read("-3.0"), Ok(-3_i64));
        assert_eq!(read("1e3"), Ok(1000_i64));
        assert_eq!(read("9223372036854775807"), Ok(i64::MAX));
        assert_eq!(read("9007199254740992.0"), Ok(9_007_199_254_740_992_i64));
        assert_eq!([optional("null"), optional("255.0"), optional("0")], [Ok(None), Ok(Some(255)), Ok(Some(0))]);
    }

    #[test]
    fn anything_else_is_an_error() {
        for json in ["1.5", "1e300", "9223372036854775808", r#""1""#, "null"] {
            assert!(read::<i64>(json).is_err(), "{json}");
        }
        for json in ["256", "-1", "1.5", r#""1""#] {
            assert!(optional(json).is_err(), "{json}");
        }
        let words = read::<i64>("1.5").unwrap_err();
        assert!(words.starts_with("invalid type: floating point `1.5`, expected a whole number"), "{words}");
    }
}
