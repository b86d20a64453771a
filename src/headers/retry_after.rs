//! How long a server asks the client to wait.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};

/// Reads `Retry-After-Ms` (milliseconds), or `Retry-After`: seconds, including fractions, or an HTTP date, which is
/// measured against the response's own `Date` so that a wrong local clock does no harm. Any other value counts as
/// absent. Of several, which proxies may have joined with commas, the first valid one counts.
pub(crate) fn from_headers(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(wait) = text("retry-after-ms").and_then(|ms| number(ms, 1000.0)) {
        return Some(wait);
    }
    let date =
        |value: &str| Some(httpdate::parse_http_date(value).ok()?.duration_since(sent_at(headers)).unwrap_or_default());
    let values = headers.get_all(header::RETRY_AFTER).into_iter().filter_map(|value| value.to_str().ok());
    // A date contains a comma itself.
    let mut waits = values
        .filter_map(|value| date(value.trim()).or_else(|| value.split(',').find_map(|part| seconds(part.trim()))));
    waits.next()
}

/// Reads `X-Should-Retry`: whether the server wants the call again.
pub(crate) fn should_retry(headers: &HeaderMap) -> Option<bool> {
    match headers.get("x-should-retry")?.as_bytes().trim_ascii().to_ascii_lowercase().as_slice() {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    }
}

/// When a response was sent, from its own `Date`; without one, the current time.
pub(crate) fn sent_at(headers: &HeaderMap) -> SystemTime {
    let date = headers.get(header::DATE).and_then(|date| date.to_str().ok());
    date.and_then(|date| httpdate::parse_http_date(date.trim()).ok()).unwrap_or_else(SystemTime::now)
}

/// A plain decimal number of seconds.
pub(crate) fn seconds(text: &str) -> Option<Duration> {
    number(text, 1.0)
}

/// A plain decimal number in units of which `per_second` make a second. One too large for a `Duration` is still a wait,
/// longer than any cap.
fn number(text: &str, per_second: f64) -> Option<Duration> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let seconds = text.parse::<f64>().ok().filter(|_| plain)? / per_second;
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    type Headers = &'static [(&'static str, &'static str)];

    fn wait(headers: &[(&'static str, &'static str)]) -> Option<Duration> {
        let map = headers.iter().map(|(n, v)| (n.parse().unwrap(), HeaderValue::from_static(v))).collect();
        from_headers(&map)
    }

    #[test]
    fn every_form_is_read() {
        let ms = |n| Some(Duration::from_millis(n));
        let table: &[(Headers, Option<Duration>)] = &[
            (&[], None),
            (&[("retry-after", "0")], ms(0)),
            (&[("retry-after", "1")], ms(1000)),
            (&[("retry-after", " 2 ")], ms(2000)),
            (&[("retry-after", "1.5")], ms(1500)),
            (&[("retry-after", ".5")], ms(500)),
            (&[("retry-after", "120")], ms(120_000)),
            (&[("retry-after", "86400")], ms(86_400_000)),
            (&[("retry-after", "99999999999999999999999")], Some(Duration::MAX)),
            (&[("retry-after-ms", "250")], ms(250)),
            (&[("retry-after-ms", "0")], ms(0)),
            (&[("retry-after-ms", "1500.5")], Some(Duration::from_micros(1_500_500))),
            (&[("retry-after-ms", "99999999999999999999999999")], Some(Duration::MAX)),
            (&[("retry-after-ms", "250"), ("retry-after", "9")], ms(250)),
            (&[("retry-after-ms", "soon"), ("retry-after", "9")], ms(9000)),
            (&[("retry-after", "5 per 1 second")], None),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "1e3")], None),
            (&[("retry-after", "inf")], None),
            (&[("retry-after", "NaN")], None),
            (&[("retry-after", "")], None),
            (&[("retry-after", ".")], None),
            (&[("retry-after", "5, 5")], ms(5000)),
            (&[("retry-after", "soon, 7")], ms(7000)),
            (&[("retry-after", "soon"), ("retry-after", "6")], ms(6000)),
        ];
        for (headers, want) in table {
            assert_eq!(wait(headers), *want, "{headers:?}");
        }
    }

    #[test]
    fn should_retry_is_true_or_false_or_not_said() {
        let said = |value: &'static str| {
            should_retry(&HeaderMap::from_iter([("x-should-retry".parse().unwrap(), HeaderValue::from_static(value))]))
        };
        assert_eq!(
            (said("true"), said("false"), said(" True "), said("FALSE")),
            (Some(true), Some(false), Some(true), Some(false))
        );
        assert_eq!((said(""), said("1"), said("no"), should_retry(&HeaderMap::new())), (None, None, None, None));
    }

    #[test]
    fn a_date_is_measured_against_the_answers_own_date() {
        // The response's clock is years off the local one, either way.
        for (date, until) in [
            ("Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:30 GMT"),
            ("Wednesday, 21-Oct-15 07:28:00 GMT", "Wednesday, 21-Oct-15 07:28:30 GMT"),
            ("Wed Oct 21 07:28:00 2015", "Wed Oct 21 07:28:30 2015"),
            ("Sun, 01 Jan 2096 00:00:00 GMT", "Sun, 01 Jan 2096 00:00:30 GMT"),
        ] {
            assert_eq!(wait(&[("date", date), ("retry-after", until)]), Some(Duration::from_secs(30)));
        }
    }

    #[test]
    fn a_date_in_the_past_is_no_wait() {
        let past = [("date", "Wed, 21 Oct 2015 07:28:00 GMT"), ("retry-after", "Wed, 21 Oct 2015 07:27:59 GMT")];
        assert_eq!(wait(&past), Some(Duration::ZERO));
    }

    #[test]
    fn without_a_date_the_local_clock_serves() {
        let wait = wait(&[("retry-after", "Fri, 01 Jan 2100 00:00:00 GMT")]).unwrap();
        assert!(wait > Duration::from_secs(86_400 * 365));
    }
}
