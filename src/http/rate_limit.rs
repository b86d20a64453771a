//! The rate limit that a response reports.

use std::time::{Duration, SystemTime};

use http::HeaderMap;

use super::retry_after::sent_at;
use crate::open::Timestamp;

/// Reset values below this are seconds from now, others are seconds since 1970.
const SMALLEST_EPOCH: u64 = 1_000_000_000;
/// Reset values from here on are milliseconds since 1970.
const SMALLEST_MILLIS: u64 = 100_000_000_000;

/// The rate limit reported in the `X-RateLimit-*` or `RateLimit-*` headers of a response.
///
/// Only some platforms send these headers, and not on every response.
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
        let number = |what: &str| {
            let prefixed =
                headers.get(format!("x-ratelimit-{what}")).or_else(|| headers.get(format!("ratelimit-{what}")));
            // A window may follow the number, as in `100, 100;w=60`.
            let text = prefixed?.to_str().ok()?;
            let digits = text.trim().split([',', ';', '.']).next()?;
            digits.trim().parse::<u64>().ok()
        };
        let reset = number("reset").and_then(|reset| {
            let since_epoch = if reset < SMALLEST_EPOCH {
                sent_at(headers).checked_add(Duration::from_secs(reset))?
            } else if reset < SMALLEST_MILLIS {
                SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(reset))?
            } else {
                SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(reset))?
            };
            Some(Timestamp::from(since_epoch))
        });
        let (limit, remaining) = (number("limit"), number("remaining"));
        (limit.is_some() || remaining.is_some() || reset.is_some()).then_some(Self { limit, remaining, reset })
    }
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
        assert_eq!(read(&[("ratelimit-limit", "100, 100;w=60")]).unwrap().limit, Some(100));
    }
}
