//! Timestamps that servers write as numbers.
//!
//! Each module reads and writes a [`Timestamp`] or an optional one. All of them read RFC 3339 too: generations of a
//! server differ.

use std::fmt;

use serde::de::{Deserializer, Error, Visitor};
use serde::{Serialize, Serializer};

use super::{ReadAs, Timestamp};

/// Below this a number is seconds, from it on milliseconds: as seconds it would be beyond the year 5000.
const FIRST_MILLISECONDS: f64 = 1e11;

/// The unit of a number.
#[derive(Clone, Copy)]
enum Unit {
    Seconds,
    Milliseconds,
    /// By its size.
    Either,
}

/// A timestamp, or one that may be null or absent.
pub(crate) trait MaybeTimestamp: Sized {
    /// The value for `time`; none if it must be there and is null.
    fn from_time(time: Option<Timestamp>) -> Option<Self>;
    fn time(&self) -> Option<Timestamp>;
}

impl MaybeTimestamp for Timestamp {
    fn from_time(time: Option<Timestamp>) -> Option<Self> {
        time
    }

    fn time(&self) -> Option<Timestamp> {
        Some(*self)
    }
}

impl<T: MaybeTimestamp> MaybeTimestamp for Option<T> {
    fn from_time(time: Option<Timestamp>) -> Option<Self> {
        Some(T::from_time(time))
    }

    fn time(&self) -> Option<Timestamp> {
        self.as_ref().and_then(T::time)
    }
}

macro_rules! modules {
    ($($(#[$docs:meta])* $name:ident: $unit:ident, $write:expr;)*) => {
        $(
            $(#[$docs])*
            #[allow(dead_code, reason = "not every platform needs it")]
            pub(crate) mod $name {
                use super::*;

                pub(crate) struct Read;

                impl<T: MaybeTimestamp> ReadAs<T> for Read {
                    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
                        read(deserializer, Unit::$unit)
                    }
                }

                pub(crate) fn serialize<S, T>(value: &T, serializer: S) -> Result<S::Ok, S::Error>
                where
                    S: Serializer,
                    T: MaybeTimestamp,
                {
                    match value.time() {
                        None => serializer.serialize_none(),
                        Some(time) => $write(time, serializer),
                    }
                }
            }
        )*
    };
}

modules! {
    /// Seconds since 1970, written whole where they are.
    unix_seconds: Seconds, write_seconds;
    /// Milliseconds since 1970.
    unix_milliseconds: Milliseconds, |time: Timestamp, serializer: S| serializer.serialize_i64(time.unix_millis());
    /// Seconds or milliseconds, by their size; written as RFC 3339.
    any_time: Either, |time: Timestamp, serializer: S| time.serialize(serializer);
}

fn write_seconds<S: Serializer>(time: Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    let micros = time.unix_micros();
    if micros % 1_000_000 == 0 {
        return serializer.serialize_i64(micros / 1_000_000);
    }
    #[expect(clippy::cast_precision_loss, reason = "microseconds of the next two centuries are exact")]
    serializer.serialize_f64(micros as f64 / 1e6)
}

fn read<'de, D: Deserializer<'de>, T: MaybeTimestamp>(deserializer: D, unit: Unit) -> Result<T, D::Error> {
    let time = deserializer.deserialize_option(OptionVisitor(unit))?;
    T::from_time(time).ok_or_else(|| D::Error::custom("null is no timestamp"))
}

struct OptionVisitor(Unit);

impl<'de> Visitor<'de> for OptionVisitor {
    type Value = Option<Timestamp>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a timestamp")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(TimeVisitor(self.0)).map(Some)
    }
}

struct TimeVisitor(Unit);

impl TimeVisitor {
    fn whole<E: Error>(&self, number: i64) -> Result<Timestamp, E> {
        #[expect(clippy::cast_precision_loss, reason = "only its size matters")]
        let time = if self.is_seconds(number as f64) {
            Timestamp::from_unix_seconds(number)
        } else {
            Timestamp::from_unix_millis(number)
        };
        time.ok_or_else(|| E::custom(format_args!("{number} is out of range for a timestamp")))
    }

    fn is_seconds(&self, number: f64) -> bool {
        match self.0 {
            Unit::Seconds => true,
            Unit::Milliseconds => false,
            Unit::Either => number.abs() < FIRST_MILLISECONDS,
        }
    }
}

impl Visitor<'_> for TimeVisitor {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or an RFC 3339 timestamp")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Timestamp, E> {
        self.whole(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Timestamp, E> {
        self.whole(i64::try_from(number).unwrap_or(i64::MAX))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Timestamp, E> {
        let micros = number * if self.is_seconds(number) { 1e6 } else { 1e3 };
        // Beyond this, and with NaN, the conversion below would not be exact.
        let micros = Some(micros.round()).filter(|micros| micros.abs() < 9e15);
        #[expect(clippy::cast_possible_truncation, reason = "it is small and whole")]
        let time = micros.and_then(|micros| Timestamp::from_unix_micros(micros as i64));
        time.ok_or_else(|| E::custom(format_args!("{number} is out of range for a timestamp")))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Timestamp, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde::de::MapAccess;

    use super::super::{Key, Object, Slot, Timestamp, deserialize_object};
    use super::{any_time, unix_milliseconds, unix_seconds};

    #[derive(Debug, PartialEq, Serialize)]
    struct Row {
        #[serde(serialize_with = "unix_seconds::serialize")]
        seconds: Timestamp,
        #[serde(serialize_with = "unix_milliseconds::serialize", skip_serializing_if = "Option::is_none")]
        millis: Option<Timestamp>,
        #[serde(serialize_with = "any_time::serialize")]
        any: Option<Timestamp>,
    }

    impl Object for Row {
        const NAME: &'static str = "Row";

        fn read<'de, A: MapAccess<'de>>(mut entries: A) -> Result<Self, A::Error> {
            let (mut seconds, mut millis, mut any) = (Slot::new(), Slot::new(), Slot::new());
            while let Some(key) = entries.next_key::<Key<'_>>()? {
                match &*key {
                    "seconds" => seconds.read_as(unix_seconds::Read, &key, &mut entries)?,
                    "millis" => millis.read_as(unix_milliseconds::Read, &key, &mut entries)?,
                    other => any.read_as(any_time::Read, other, &mut entries)?,
                }
            }
            Ok(Self { seconds: seconds.required("seconds")?, millis: millis.or_default(), any: any.or_default() })
        }
    }

    fn read(text: &str) -> Result<Row, String> {
        deserialize_object(&mut serde_json::Deserializer::from_str(text)).map_err(|error| error.to_string())
    }

    fn times(text: &str) -> [Option<String>; 3] {
        let Row { seconds, millis, any } = read(text).unwrap();
        [Some(seconds.to_string()), millis.map(|time| time.to_string()), any.map(|time| time.to_string())]
    }

    #[test]
    fn numbers_are_read_in_their_unit() {
        let noon = || Some("2026-02-04T12:00:00Z".to_owned());
        let half = || Some("2026-02-04T12:00:00.5Z".to_owned());
        assert_eq!(
            times(r#"{"seconds":1770206400,"millis":1770206400000,"any":1770206400}"#),
            [noon(), noon(), noon()]
        );
        assert_eq!(
            times(r#"{"seconds":1770206400.5,"millis":1770206400500,"any":1770206400500}"#),
            [half(), half(), half()]
        );
        assert_eq!(
            times(r#"{"seconds":"2026-02-04T12:00:00Z","millis":null,"any":1770206400.5}"#),
            [noon(), None, half()]
        );
        let edge = times(r#"{"seconds":-1,"any":99999999999}"#);
        assert_eq!(edge, [Some("1969-12-31T23:59:59Z".to_owned()), None, Some("5138-11-16T09:46:39Z".to_owned())]);
        assert_eq!(times(r#"{"seconds":0,"any":100000000000}"#)[2].as_deref(), Some("1973-03-03T09:46:40Z"));
    }

    #[test]
    fn what_is_no_time_is_an_error() {
        assert_eq!(read("{}").unwrap_err(), "missing field `seconds` at line 1 column 2");
        assert!(read(r#"{"seconds":null}"#).unwrap_err().starts_with("null is no timestamp"));
        assert!(read(r#"{"seconds":9223372036854775807}"#).unwrap_err().contains("out of range"));
        assert!(read(r#"{"seconds":1e300}"#).unwrap_err().contains("out of range"));
        assert!(read(r#"{"seconds":true}"#).unwrap_err().contains("expected a number or an RFC 3339 timestamp"));
    }

    #[test]
    fn numbers_are_written_in_their_unit() {
        let written = |text: &str| serde_json::to_string(&read(text).unwrap()).unwrap();
        let text = r#"{"seconds":1770206400,"millis":1770206400500,"any":"2026-02-04T12:00:00Z"}"#;
        assert_eq!(written(text), text);
        assert_eq!(written(r#"{"seconds":1770206400.25}"#), r#"{"seconds":1770206400.25,"any":null}"#);
    }
}
