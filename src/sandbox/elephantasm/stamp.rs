//! Points in time in the formats that the server writes and reads.

use jiff::SignedDuration;
use jiff::civil::{DateTime, date};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::sandbox::clock::{EARLIEST, LATEST, Micros};

/// The epoch of points in time.
const EPOCH: DateTime = date(1970, 1, 1).at(0, 0, 0, 0);

/// A point in time and its format.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stamp {
    pub(super) at: Micros,
    pub(super) form: Form,
}

/// The format of a point in time. A fraction has six digits, or is omitted if it is zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Form {
    /// `2026-02-04T12:00:00`: read back from the database.
    Naive,
    /// `2026-02-04T12:00:00Z`: still in memory.
    Zulu,
    /// `2026-02-04T12:00:00+00:00`: never a field of a model.
    Plus,
    /// `2026-02-04T14:00:00+02:00`: sent by the caller, this many seconds ahead of UTC.
    Offset(i32),
}

impl Stamp {
    pub(super) fn new(at: Micros, form: Form) -> Self {
        Self { at, form }
    }

    /// As written by Python's `isoformat`, which has no `Z`.
    pub(super) fn isoformat(self) -> String {
        let form = if self.form == Form::Zulu { Form::Plus } else { self.form };
        Self { form, ..self }.text()
    }

    pub(super) fn text(self) -> String {
        let (ahead, suffix) = match self.form {
            Form::Naive => (0, String::new()),
            Form::Zulu => (0, "Z".to_owned()),
            Form::Plus => (0, "+00:00".to_owned()),
            Form::Offset(seconds) => (seconds, offset(seconds)),
        };
        let local = self.at.saturating_add(i64::from(ahead) * 1_000_000);
        let time = EPOCH.saturating_add(SignedDuration::from_micros(local));
        let format = if time.subsec_nanosecond() == 0 { "%Y-%m-%dT%H:%M:%S" } else { "%Y-%m-%dT%H:%M:%S%.6f" };
        format!("{}{suffix}", time.strftime(format))
    }

    /// Parses what the server accepts as a point in time: text with an offset, with `Z` or without either, which means
    /// UTC; a date alone, which means midnight; seconds or milliseconds since 1970. The error is the server's.
    pub(super) fn read(value: &Value) -> Result<Self, Misread> {
        match value {
            Value::Number(number) => since_1970(number.as_f64().unwrap_or(f64::INFINITY)).map_err(Misread::Range),
            Value::String(text) => match text.parse::<f64>() {
                Ok(number) if number.is_finite() && !text.contains(['e', 'E']) => {
                    since_1970(number).map_err(Misread::Range)
                }
                _ => read_text(text),
            },
            _ => Err(Misread::Type),
        }
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.text())
    }
}

/// Why a value is not a point in time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Misread {
    /// It is neither text nor a number.
    Type,
    /// What is wrong with the text.
    Text(&'static str),
    /// It is a point in time that Python does not support, and why.
    Range(&'static str),
}

fn offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// Numbers beyond this are milliseconds.
const WATERSHED: f64 = 2e10;

fn since_1970(number: f64) -> Result<Stamp, &'static str> {
    let seconds = if number.abs() > WATERSHED { number / 1e3 } else { number };
    let micros = (seconds * 1e6).round();
    if micros > 253_402_300_799e6 {
        return Err("dates after 9999 are not supported as unix timestamps");
    }
    if micros < -62_135_596_800e6 {
        return Err("dates before 0000 are not supported as unix timestamps");
    }
    #[allow(clippy::cast_possible_truncation, reason = "the range was just looked at")]
    Ok(Stamp::new(micros as i64, Form::Zulu))
}

fn read_text(text: &str) -> Result<Stamp, Misread> {
    const EXTRA: Misread = Misread::Text("unexpected extra characters at the end of the input");
    let (year, month, day) = read_date(text).map_err(Misread::Text)?;
    let rest = &text[10..];
    let (hour, minute, second, nanos, form) = match rest.chars().next() {
        None => (0, 0, 0, 0, Form::Naive),
        Some('T' | 't' | ' ' | '_') => read_time(&rest[1..]).ok_or(EXTRA)?,
        Some(_) => return Err(EXTRA),
    };
    let local = DateTime::new(year, month, day, hour, minute, second, nanos)
        .map_err(|_| Misread::Text("day value is outside expected range"))?;
    let local = i64::try_from(local.duration_since(EPOCH).as_micros()).map_err(|_| EXTRA)?;
    let ahead = if let Form::Offset(seconds) = form { i64::from(seconds) * 1_000_000 } else { 0 };
    let form = if form == Form::Offset(0) { Form::Zulu } else { form };
    match local - ahead {
        _ if local < EARLIEST => Err(Misread::Range("year 0 is out of range")),
        at if at < EARLIEST => Err(Misread::Range("year 0 is out of range")),
        at if at > LATEST => Err(Misread::Range("year 10000 is out of range")),
        at => Ok(Stamp::new(at, form)),
    }
}

/// Year, month and day of a text that starts with a date.
fn read_date(text: &str) -> Result<(i16, i8, i8), &'static str> {
    let bytes = text.as_bytes();
    if bytes.len() < 10 {
        return Err("input is too short");
    }
    let year = digits(bytes, 0..4).ok_or("invalid character in year")?;
    let month = digits(bytes, 5..7);
    let day = digits(bytes, 8..10);
    if bytes[4] != b'-' {
        return Err("invalid date separator, expected `-`");
    }
    let month = month.ok_or("invalid character in month")?;
    if bytes[7] != b'-' {
        return Err("invalid date separator, expected `-`");
    }
    let day = day.ok_or("invalid character in day")?;
    if !(1..=12).contains(&month) {
        return Err("month value is outside expected range of 1-12");
    }
    let small = |number: i32| i8::try_from(number).map_err(|_| "day value is outside expected range");
    Ok((i16::try_from(year).map_err(|_| "invalid character in year")?, small(month)?, small(day)?))
}

/// Hours, minutes, seconds, nanoseconds and form.
fn read_time(text: &str) -> Option<(i8, i8, i8, i32, Form)> {
    let (clock, form) = match text.find(['Z', 'z', '+', '-']) {
        None => (text, Form::Naive),
        Some(at) if text[at..].eq_ignore_ascii_case("z") => (&text[..at], Form::Zulu),
        Some(at) => (&text[..at], Form::Offset(read_offset(&text[at..])?)),
    };
    let bytes = clock.as_bytes();
    let (whole, fraction) = match bytes.iter().position(|byte| matches!(byte, b'.' | b',')) {
        Some(at) => (&bytes[..at], Some(&bytes[at + 1..])),
        None => (bytes, None),
    };
    let second = match whole.len() {
        5 if fraction.is_none() => 0,
        8 if whole[5] == b':' => digits(whole, 6..8)?,
        _ => return None,
    };
    let (hour, minute) = (digits(whole, 0..2)?, digits(whole, 3..5)?);
    if whole[2] != b':' || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let nanos = fraction.map_or(Some(0), |fraction| {
        let digit = |byte: &u8| byte.is_ascii_digit().then(|| i32::from(byte - b'0'));
        let digits = fraction.iter().map(digit).collect::<Option<Vec<_>>>()?;
        // Only microseconds are kept.
        let micros = (0..6).fold(0, |micros, place| micros * 10 + digits.get(place).copied().unwrap_or(0));
        (!digits.is_empty()).then_some(micros * 1000)
    })?;
    Some((i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, i8::try_from(second).ok()?, nanos, form))
}

/// Seconds ahead of UTC, of `+02:00` or `+0200`.
fn read_offset(text: &str) -> Option<i32> {
    let bytes = text.as_bytes();
    let minutes = match bytes.len() {
        6 if bytes[3] == b':' => digits(bytes, 4..6)?,
        5 => digits(bytes, 3..5)?,
        _ => return None,
    };
    let seconds = (digits(bytes, 1..3)? * 60 + minutes) * 60;
    (minutes < 60 && seconds < 86_400).then_some(if bytes[0] == b'-' { -seconds } else { seconds })
}

fn digits(bytes: &[u8], range: std::ops::Range<usize>) -> Option<i32> {
    bytes
        .get(range)?
        .iter()
        .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i32::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOON: Micros = 1_770_206_400_000_000;

    #[test]
    fn a_fraction_has_six_digits_or_none() {
        for (form, text) in [
            (Form::Naive, "2026-02-04T12:00:00"),
            (Form::Zulu, "2026-02-04T12:00:00Z"),
            (Form::Plus, "2026-02-04T12:00:00+00:00"),
            (Form::Offset(7200), "2026-02-04T14:00:00+02:00"),
            (Form::Offset(-19_800), "2026-02-04T06:30:00-05:30"),
        ] {
            assert_eq!(Stamp::new(NOON, form).text(), text);
        }
        assert_eq!(Stamp::new(NOON + 500_000, Form::Naive).text(), "2026-02-04T12:00:00.500000");
        assert_eq!(Stamp::new(NOON + 1, Form::Zulu).isoformat(), "2026-02-04T12:00:00.000001+00:00");
    }

    #[test]
    fn what_was_sent_is_repeated_in_its_form() {
        for (sent, repeated, at) in [
            (json!("2026-02-04T14:00:00+02:00"), "2026-02-04T14:00:00+02:00", NOON),
            (json!("2026-02-04T14:00:00+0200"), "2026-02-04T14:00:00+02:00", NOON),
            (json!("2026-02-04T12:00:00+00:00"), "2026-02-04T12:00:00Z", NOON),
            (json!("2026-02-04T12:00:00Z"), "2026-02-04T12:00:00Z", NOON),
            (json!("2026-02-04T12:00:00"), "2026-02-04T12:00:00", NOON),
            (json!("2026-02-04 12:00"), "2026-02-04T12:00:00", NOON),
            (json!("2026-02-04"), "2026-02-04T00:00:00", NOON - 43_200_000_000),
            (json!("2026-02-04T12:00:00.5Z"), "2026-02-04T12:00:00.500000Z", NOON + 500_000),
            (json!("2026-02-04T12:00:00.123456789Z"), "2026-02-04T12:00:00.123456Z", NOON + 123_456),
            (json!(1_770_206_400), "2026-02-04T12:00:00Z", NOON),
            (json!(1_770_206_400_000_i64), "2026-02-04T12:00:00Z", NOON),
            (json!("1770206400"), "2026-02-04T12:00:00Z", NOON),
            (json!("-5"), "1969-12-31T23:59:55Z", -5_000_000),
        ] {
            let stamp = Stamp::read(&sent).unwrap_or_else(|error| panic!("{sent}: {error:?}"));
            assert_eq!((stamp.text().as_str(), stamp.at), (repeated, at), "{sent}");
        }
    }

    #[test]
    fn what_is_no_time_is_told_in_the_servers_words() {
        for (sent, reason) in [
            ("", "input is too short"),
            ("x", "input is too short"),
            ("inf", "input is too short"),
            (" 2026-02-04 ", "invalid character in year"),
            ("2026-13-04", "month value is outside expected range of 1-12"),
            ("2026-02-30", "day value is outside expected range"),
            ("20260204T140000Z", "invalid date separator, expected `-`"),
            ("2026-02-04T25:00:00", "unexpected extra characters at the end of the input"),
            ("2026-02-04T14:00:00x", "unexpected extra characters at the end of the input"),
            ("2026-02-04T14:00:00+02", "unexpected extra characters at the end of the input"),
        ] {
            assert_eq!(Stamp::read(&json!(sent)), Err(Misread::Text(reason)), "{sent}");
        }
        assert_eq!(Stamp::read(&json!(true)), Err(Misread::Type));
    }

    #[test]
    fn the_years_1_to_9999_are_told_and_no_others() {
        for (sent, repeated) in [
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("0001-01-01T01:00:00+01:00", "0001-01-01T01:00:00+01:00"),
            ("9999-12-31", "9999-12-31T00:00:00"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
            ("9999-12-31T23:59:59+02:00", "9999-12-31T23:59:59+02:00"),
        ] {
            let stamp = Stamp::read(&json!(sent)).unwrap_or_else(|error| panic!("{sent}: {error:?}"));
            assert_eq!(stamp.text(), repeated, "{sent}");
        }
        for (sent, reason) in [
            (json!("0000-01-01"), "year 0 is out of range"),
            (json!("0000-12-31T23:59:59-01:00"), "year 0 is out of range"),
            (json!("0001-01-01T00:00:00+01:00"), "year 0 is out of range"),
            (json!("9999-12-31T23:59:59-01:00"), "year 10000 is out of range"),
            (json!(1e20), "dates after 9999 are not supported as unix timestamps"),
            (json!(-1e20), "dates before 0000 are not supported as unix timestamps"),
        ] {
            assert_eq!(Stamp::read(&sent), Err(Misread::Range(reason)), "{sent}");
        }
    }
}
