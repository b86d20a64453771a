//! Points in time.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time, to the nanosecond, between the years −9999 and 9999.
///
/// Servers write timestamps with an offset, with `Z` or without either, which means UTC. All are accepted; output is
/// always UTC, with `Z`.
///
/// ```
/// # use polyagent::Timestamp;
/// let with_offset: Timestamp = "2026-02-04T14:00:00+02:00".parse()?;
/// let without: Timestamp = "2026-02-04T12:00:00".parse()?;
/// assert_eq!(with_offset, without);
/// assert_eq!(without.to_string(), "2026-02-04T12:00:00Z");
/// # Ok::<(), polyagent::InvalidTimestamp>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// Returns the current time, by the clock of this machine.
    pub fn now() -> Self {
        Self(jiff::Timestamp::now())
    }

    /// Returns the time `seconds` after 1970-01-01T00:00:00Z, or before it if negative. `None` beyond the year 9999 or
    /// −9999.
    pub fn from_unix_seconds(seconds: i64) -> Option<Self> {
        jiff::Timestamp::from_second(seconds).ok().map(Self)
    }

    /// Returns the time `millis` milliseconds after 1970-01-01T00:00:00Z, or before it if negative. `None` beyond the
    /// year 9999 or −9999.
    pub fn from_unix_millis(millis: i64) -> Option<Self> {
        jiff::Timestamp::from_millisecond(millis).ok().map(Self)
    }

    /// Returns the time `micros` microseconds after 1970-01-01T00:00:00Z, or before it if negative. `None` beyond the
    /// year 9999 or −9999.
    pub fn from_unix_micros(micros: i64) -> Option<Self> {
        jiff::Timestamp::from_microsecond(micros).ok().map(Self)
    }

    /// Seconds since 1970-01-01T00:00:00Z, rounded down.
    pub fn unix_seconds(self) -> i64 {
        self.since_epoch(1_000_000_000)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z, rounded down.
    pub fn unix_millis(self) -> i64 {
        self.since_epoch(1_000_000)
    }

    /// Microseconds since 1970-01-01T00:00:00Z, rounded down.
    pub fn unix_micros(self) -> i64 {
        self.since_epoch(1000)
    }

    /// The time since 1970-01-01T00:00:00Z in units of this many nanoseconds, rounded down.
    fn since_epoch(self, unit: i128) -> i64 {
        // The years that a timestamp can represent are few enough for every unit.
        i64::try_from(self.0.as_nanosecond().div_euclid(unit)).unwrap_or(i64::MAX)
    }
}

/// Saturating: a time beyond the year 9999 becomes the last one, one before −9999 the first.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let nearest = if time < SystemTime::UNIX_EPOCH { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        Self(jiff::Timestamp::try_from(time).unwrap_or(nearest))
    }
}

/// Exact on all common systems; 1970-01-01T00:00:00Z where the system cannot represent the time.
impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        let since: Duration = time.0.as_duration().unsigned_abs();
        let system = if time.0.as_duration().is_negative() {
            Self::UNIX_EPOCH.checked_sub(since)
        } else {
            Self::UNIX_EPOCH.checked_add(since)
        };
        system.unwrap_or(Self::UNIX_EPOCH)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    /// Parses RFC 3339 with any offset or none, a space in place of the `T`, or a date alone, which means midnight.
    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let read = if has_offset(text) { text.parse::<jiff::Timestamp>().ok() } else { without_offset(text) };
        read.map(Self).ok_or(InvalidTimestamp(()))
    }
}

/// Whether the part after the date has a UTC offset. Names of time zones are not part of RFC 3339.
fn has_offset(text: &str) -> bool {
    text.get("2026-02-04".len()..).is_some_and(|time| time.contains(['Z', 'z', '+', '-', '[']))
}

fn without_offset(text: &str) -> Option<jiff::Timestamp> {
    let time: DateTime = text.parse().ok()?;
    Offset::UTC.to_timestamp(time).ok()
}

impl fmt::Display for Timestamp {
    /// Writes RFC 3339 in UTC, with as many fractional digits as needed: `2026-02-04T12:00:00Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TimestampVisitor)
    }
}

struct TimestampVisitor;

impl Visitor<'_> for TimestampVisitor {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an RFC 3339 timestamp")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Timestamp, E> {
        text.parse().map_err(E::custom)
    }
}

/// A string that is not a valid timestamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidTimestamp(());

impl fmt::Display for InvalidTimestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an RFC 3339 timestamp")
    }
}

impl std::error::Error for InvalidTimestamp {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_that_servers_write_are_read_and_written_in_utc() {
        let table = [
            ("2026-11-22T05:04:36.969174Z", "2026-11-22T05:04:36.969174Z"),
            ("2026-11-22T05:04:36.969174", "2026-11-22T05:04:36.969174Z"),
            ("2026-11-22T05:04:36.794408+00:00", "2026-11-22T05:04:36.794408Z"),
            ("2026-02-04T14:00:00+02:00", "2026-02-04T12:00:00Z"),
            ("2026-02-04T12:00:00-05:30", "2026-02-04T17:30:00Z"),
            ("2026-02-04 12:00:00", "2026-02-04T12:00:00Z"),
            ("2026-02-04 12:00:00Z", "2026-02-04T12:00:00Z"),
            ("2026-02-04T12:00:00.000", "2026-02-04T12:00:00Z"),
            ("2026-02-04T12:00:00.1", "2026-02-04T12:00:00.1Z"),
            ("2026-02-04T12:00:00.123456789Z", "2026-02-04T12:00:00.123456789Z"),
            ("2026-02-04", "2026-02-04T00:00:00Z"),
        ];
        for (read, written) in table {
            assert_eq!(read.parse::<Timestamp>().map(|time| time.to_string()).as_deref(), Ok(written), "{read}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let table = [
            "",
            "now",
            "2026",
            "2026-02-30",
            "2026-02-04T25:00:00Z",
            "2026-02-04T12:00:00+99:99",
            "2026-02-04T12:00:00[Europe/Paris]",
            "2026-02-04T12:00:00.1234567890Z",
            "1770206400",
        ];
        for text in table {
            assert_eq!(text.parse::<Timestamp>(), Err(InvalidTimestamp(())), "{text}");
        }
    }

    #[test]
    fn unix_and_system_times_convert_both_ways() {
        let time: Timestamp = "2026-02-04T12:00:00.25Z".parse().unwrap();
        assert_eq!((time.unix_seconds(), time.unix_millis()), (1_770_206_400, 1_770_206_400_250));
        assert_eq!(Timestamp::from_unix_millis(1_770_206_400_250), Some(time));
        assert_eq!(Timestamp::from(SystemTime::from(time)), time);
        let before = Timestamp::from_unix_seconds(-1).unwrap();
        assert_eq!(before.to_string(), "1969-12-31T23:59:59Z");
        let half: Timestamp = "1969-12-31T23:59:59.5Z".parse().unwrap();
        assert_eq!((half.unix_seconds(), half.unix_millis(), half.unix_micros()), (-1, -500, -500_000));
        assert_eq!(Timestamp::from(SystemTime::from(before)), before);
        assert_eq!(Timestamp::from_unix_seconds(i64::MAX), None);
    }
}
