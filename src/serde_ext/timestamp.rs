//! Points in time.

use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::civil::Date;

const SECONDS_PER_DAY: i64 = 86_400;
const NANOS_PER_SECOND: u32 = 1_000_000_000;

/// A point in time, to the nanosecond, in the years 0001 to 9999.
///
/// Servers write timestamps with an offset, with `Z` or without either, which means UTC. All are accepted; output is
/// always UTC, with `Z`. Adding and subtracting a [`Duration`] stops at [`MIN`](Self::MIN) and [`MAX`](Self::MAX).
///
/// ```
/// # use std::time::Duration;
/// # use polyagent::Timestamp;
/// let with_offset: Timestamp = "2026-02-04T14:00:00+02:00".parse()?;
/// let without: Timestamp = "2026-02-04T12:00:00".parse()?;
/// assert_eq!(with_offset, without);
/// assert_eq!((without + Duration::from_secs(90)).to_string(), "2026-02-04T12:01:30Z");
/// # Ok::<(), polyagent::InvalidTimestamp>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Since 1970-01-01T00:00:00Z, rounded down.
    seconds: i64,
    /// After that second.
    nanos: u32,
}

impl Timestamp {
    /// The earliest: 0001-01-01T00:00:00Z.
    pub const MIN: Self = Self { seconds: -62_135_596_800, nanos: 0 };
    /// The latest: 9999-12-31T23:59:59.999999999Z.
    pub const MAX: Self = Self { seconds: 253_402_300_799, nanos: NANOS_PER_SECOND - 1 };

    /// Returns the current time, by the clock of this machine.
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    /// Returns the time `seconds` after 1970-01-01T00:00:00Z, or before it if negative. `None` outside the years 0001
    /// to 9999.
    pub fn from_unix_seconds(seconds: i64) -> Option<Self> {
        Self::from_units(seconds, 1)
    }

    /// Returns the time `millis` milliseconds after 1970-01-01T00:00:00Z, or before it if negative. `None` outside the
    /// years 0001 to 9999.
    pub fn from_unix_millis(millis: i64) -> Option<Self> {
        Self::from_units(millis, 1000)
    }

    /// Returns the time `micros` microseconds after 1970-01-01T00:00:00Z, or before it if negative. `None` outside the
    /// years 0001 to 9999.
    pub fn from_unix_micros(micros: i64) -> Option<Self> {
        Self::from_units(micros, 1_000_000)
    }

    /// Seconds since 1970-01-01T00:00:00Z, rounded down.
    pub fn unix_seconds(self) -> i64 {
        self.seconds
    }

    /// Milliseconds since 1970-01-01T00:00:00Z, rounded down.
    pub fn unix_millis(self) -> i64 {
        self.seconds * 1000 + i64::from(self.nanos / 1_000_000)
    }

    /// Microseconds since 1970-01-01T00:00:00Z, rounded down.
    pub fn unix_micros(self) -> i64 {
        self.seconds * 1_000_000 + i64::from(self.nanos / 1000)
    }

    /// The time `count` units after 1970, of which `per_second` make a second.
    fn from_units(count: i64, per_second: i64) -> Option<Self> {
        let nanos = count.rem_euclid(per_second) * (i64::from(NANOS_PER_SECOND) / per_second);
        let time = Self { seconds: count.div_euclid(per_second), nanos: u32::try_from(nanos).ok()? };
        (Self::MIN..=Self::MAX).contains(&time).then_some(time)
    }

    /// The time, or the nearest that there is.
    fn nearest(seconds: i64, nanos: u32) -> Self {
        Self { seconds, nanos }.clamp(Self::MIN, Self::MAX)
    }
}

/// Saturating: a time after the year 9999 becomes [`Timestamp::MAX`], one before 0001 [`Timestamp::MIN`].
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let epoch = Self { seconds: 0, nanos: 0 };
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => epoch + since,
            Err(before) => epoch - before.duration(),
        }
    }
}

/// Exact on all common systems; 1970-01-01T00:00:00Z where the system cannot represent the time.
impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        let whole = Duration::from_secs(time.seconds.unsigned_abs());
        let second =
            if time.seconds < 0 { Self::UNIX_EPOCH.checked_sub(whole) } else { Self::UNIX_EPOCH.checked_add(whole) };
        let exact = second.and_then(|second| second.checked_add(Duration::from_nanos(u64::from(time.nanos))));
        exact.unwrap_or(Self::UNIX_EPOCH)
    }
}

/// Stops at [`Timestamp::MAX`].
impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let nanos = self.nanos + duration.subsec_nanos();
        let carried = u64::from(nanos / NANOS_PER_SECOND);
        let seconds = self.seconds.saturating_add_unsigned(duration.as_secs().saturating_add(carried));
        Self::nearest(seconds, nanos % NANOS_PER_SECOND)
    }
}

/// Stops at [`Timestamp::MIN`].
impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        let nanos = self.nanos + NANOS_PER_SECOND - duration.subsec_nanos();
        let borrowed = u64::from(nanos < NANOS_PER_SECOND);
        let seconds = self.seconds.saturating_sub_unsigned(duration.as_secs().saturating_add(borrowed));
        Self::nearest(seconds, nanos % NANOS_PER_SECOND)
    }
}

/// The time from the other to this one; zero if the other is later.
impl Sub for Timestamp {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        let since_min = |time: Self| Duration::new((time.seconds - Self::MIN.seconds).unsigned_abs(), time.nanos);
        since_min(self).saturating_sub(since_min(earlier))
    }
}

impl AddAssign<Duration> for Timestamp {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl SubAssign<Duration> for Timestamp {
    fn sub_assign(&mut self, duration: Duration) {
        *self = *self - duration;
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    /// Parses RFC 3339 with up to nine fractional digits: with any offset or none, also with a space in place of the
    /// `T`; or a date alone, which means midnight. Nothing else. A leap second is the second after it. Where the offset
    /// leads out of the years 0001 to 9999, the time is [`MIN`](Timestamp::MIN) or [`MAX`](Timestamp::MAX).
    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        parse(text.as_bytes()).ok_or(InvalidTimestamp(()))
    }
}

fn parse(text: &[u8]) -> Option<Timestamp> {
    let (date, time) = text.split_at_checked("2026-02-04".len())?;
    let [year @ .., b'-', m1, m2, b'-', d1, d2] = date else { return None };
    let date = Date { year: number(year)?, month: number(&[*m1, *m2])?, day: number(&[*d1, *d2])? };
    let midnight = date.days()? * SECONDS_PER_DAY;
    let [b'T' | b't' | b' ', h1, h2, b':', m1, m2, b':', s1, s2, rest @ ..] = time else {
        return time.is_empty().then_some(Timestamp { seconds: midnight, nanos: 0 });
    };
    let (hour, minute, second) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?, number(&[*s1, *s2])?);
    let (nanos, rest) = fraction(rest)?;
    let seconds = midnight + hour * 3600 + minute * 60 + second - offset(rest)?;
    // Only the last minute of a day in UTC has a leap second.
    let leap = second == 60 && seconds.rem_euclid(SECONDS_PER_DAY) == 0;
    (hour < 24 && minute < 60 && (second < 60 || leap)).then(|| Timestamp::nearest(seconds, nanos))
}

/// Nanoseconds, and what follows the fraction.
fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let [b'.', text @ ..] = text else { return Some((0, text)) };
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (fraction, rest) = text.split_at(digits);
    let missing = 9_u32.checked_sub(u32::try_from(digits).ok()?)?;
    Some((u32::try_from(number(fraction)? * 10_i64.pow(missing)).ok()?, rest))
}

/// Seconds ahead of UTC.
fn offset(text: &[u8]) -> Option<i64> {
    match text {
        [] | [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            let seconds = (hours < 24 && minutes < 60).then_some(hours * 3600 + minutes * 60)?;
            Some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

/// At least one digit, and nothing else.
fn number(digits: &[u8]) -> Option<i64> {
    let value = |number: i64, digit: &u8| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0'));
    if digits.is_empty() { None } else { digits.iter().try_fold(0, value) }
}

impl fmt::Display for Timestamp {
    /// Writes RFC 3339 in UTC, with as many fractional digits as needed: `2026-02-04T12:00:00Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Date { year, month, day } = Date::from_days(self.seconds.div_euclid(SECONDS_PER_DAY));
        let second = self.seconds.rem_euclid(SECONDS_PER_DAY);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if self.nanos != 0 {
            let fraction = format!("{:09}", self.nanos);
            write!(f, ".{}", fraction.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
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
#[path = "timestamp_tests.rs"]
mod tests;
