//! The rate limit that a response reports.

use std::time::{Duration, SystemTime};

use http::HeaderMap;

use super::retry_after::sent_at;
use crate::serde_ext::Timestamp;

/// Reset values below this are seconds from now, others are seconds since 1970.
const SMALLEST_EPOCH: u64 = 1_000_000_000;
/// Reset values from here on are milliseconds since 1970.
const SMALLEST_MILLIS: u64 = 100_000_000_000;

/// Beginnings of the headers' names, in the order of their weight.
const PREFIXES: [&str; 3] = ["x-ratelimit-", "ratelimit-", "anthropic-ratelimit-requests-"];

/// The rate limit reported in the `X-RateLimit-*`, `RateLimit-*` or `Anthropic-RateLimit-Requests-*` headers of a
/// response, in this order where several are sent.
///
/// Only some platforms send these headers, and not on every response. Limits of anything but requests are in the
/// headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// Requests allowed in the window.
    pub limit: Option<u64>,
    /// Requests left in the window.
    pub remaining: Option<u64>,
    /// When the window resets.
    pub reset: Option<Timestamp>,
}

impl RateLimit {
    /// Reads the headers; `None` if there are none.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let whole = |text: &str| Some(decimal(text)?.0);
        let limit = first(headers, "limit", whole);
        let remaining = first(headers, "remaining", whole);
        let reset = first(headers, "reset", |text| reset(text, headers));
        (limit.is_some() || remaining.is_some() || reset.is_some()).then_some(Self { limit, remaining, reset })
    }
}

/// The first header about `what` that can be read.
fn first<T>(headers: &HeaderMap, what: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
    PREFIXES.iter().find_map(|prefix| {
        let text = headers.get(format!("{prefix}{what}"))?.to_str().ok()?;
        // A window may follow the number, as in `100, 100;w=60`.
        read(text.split([',', ';']).next()?.trim())
    })
}

/// A plain decimal number: the whole part, and the rest of a second.
fn decimal(text: &str) -> Option<(u64, Duration)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    Some((whole.parse().ok()?, Duration::from_secs_f64(format!("0.{fraction}").parse().ok()?)))
}

fn reset(text: &str, headers: &HeaderMap) -> Option<Timestamp> {
    let Some((whole, fraction)) = decimal(text) else { return text.parse().ok() };
    let since_epoch = if whole < SMALLEST_EPOCH {
        sent_at(headers).checked_add(Duration::from_secs(whole) + fraction)?
    } else if whole < SMALLEST_MILLIS {
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(whole) + fraction)?
    } else {
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(whole))?
    };
    Some(Timestamp::from(since_epoch))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(headers: &[(&'static str, &'static str)]) -> Option<RateLimit> {
        let map = headers.iter().map(|(n, v)| (n.parse().unwrap(), HeaderValue::from_static(v))).collect();
        RateLimit::from_headers(&map)
    }

    #[test]
    fn a_reset_is_an_instant_or_seconds_from_the_answers_date() {
        let epoch =
            read(&[("x-ratelimit-limit", "100"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1640995200")]);
        let epoch = epoch.unwrap();
        assert_eq!((epoch.limit, epoch.remaining), (Some(100), Some(0)));
        assert_eq!(epoch.reset.unwrap().to_string(), "2022-01-01T00:00:00Z");
        let millis = read(&[("x-ratelimit-reset", "1640995200123")]).unwrap();
        assert_eq!(millis.reset.unwrap().to_string(), "2022-01-01T00:00:00.123Z");

        let delta = read(&[("ratelimit-reset", "30"), ("date", "Wed, 21 Oct 2015 07:28:00 GMT")]).unwrap();
        assert_eq!(delta.reset.unwrap().to_string(), "2015-10-21T07:28:30Z");
        assert_eq!((delta.limit, delta.remaining), (None, None));
    }

    #[test]
    fn absent_or_unreadable_headers_are_no_rate_limit() {
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[("x-ratelimit-limit", "many")]), None);
        assert_eq!(read(&[("x-ratelimit-reset", "soon"), ("x-ratelimit-remaining", "-1")]), None);
    }

    #[test]
    fn a_number_may_have_a_window_or_a_fraction() {
        for form in ["100", " 100 ", "100;w=60", "100, 100;w=60", "100 ;w=60", "100.0", "100.9"] {
            let headers = HeaderMap::from_iter([("ratelimit-limit".parse().unwrap(), form.parse().unwrap())]);
            assert_eq!(RateLimit::from_headers(&headers).unwrap().limit, Some(100), "{form}");
        }
        let reset = |value| {
            let sent = read(&[("ratelimit-reset", value), ("date", "Wed, 21 Oct 2015 07:28:00 GMT")]).unwrap();
            sent.reset.unwrap().to_string()
        };
        assert_eq!(reset("30;w=60"), "2015-10-21T07:28:30Z");
        assert_eq!(reset("29.5"), "2015-10-21T07:28:29.5Z");
        assert_eq!(reset("1640995200.25"), "2022-01-01T00:00:00.25Z");
        assert_eq!(reset("2026-10-01T10:00:00Z"), "2026-10-01T10:00:00Z");
        assert_eq!(reset("999999999"), "2047-06-29T09:14:39Z", "the largest number that counts from now");
        assert_eq!(reset("1000000000"), "2001-09-09T01:46:40Z");
        assert_eq!(reset("99999999999"), "5138-11-16T09:46:39Z");
        assert_eq!(reset("100000000000"), "1973-03-03T09:46:40Z", "milliseconds");
        for unreadable in ["100.", ".5", "1e3", "+1", "100.x", ""] {
            let headers = HeaderMap::from_iter([("ratelimit-limit".parse().unwrap(), unreadable.parse().unwrap())]);
            assert_eq!(RateLimit::from_headers(&headers), None, "{unreadable}");
        }
    }

    #[test]
    fn the_first_name_that_can_be_read_counts() {
        let limit = |headers: &[(&'static str, &'static str)]| read(headers).unwrap().limit;
        let (plain, own) = (("ratelimit-limit", "2"), ("anthropic-ratelimit-requests-limit", "3"));
        assert_eq!(limit(&[own, plain, ("x-ratelimit-limit", "1")]), Some(1));
        assert_eq!(limit(&[own, plain]), Some(2));
        assert_eq!(limit(&[own, plain, ("x-ratelimit-limit", "many")]), Some(2));
        assert_eq!(limit(&[own]), Some(3));
    }

    #[test]
    fn anthropics_headers_are_those_of_requests() {
        let all = read(&[
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-requests-remaining", "49"),
            ("anthropic-ratelimit-requests-reset", "2026-10-01T10:00:01Z"),
            ("anthropic-ratelimit-tokens-limit", "80000"),
        ]);
        let all = all.unwrap();
        assert_eq!((all.limit, all.remaining), (Some(50), Some(49)));
        assert_eq!(all.reset.unwrap().to_string(), "2026-10-01T10:00:01Z");
        assert_eq!(read(&[("anthropic-ratelimit-tokens-limit", "80000")]), None);
    }
}
