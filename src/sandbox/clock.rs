//! The sandbox's clock, which can be paused and moved forward, and the text of its times.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use futures::channel::oneshot;
use jiff::SignedDuration;
use jiff::civil::{DateTime, date};

use crate::Timestamp;
use crate::lock::lock;

/// Microseconds since 1970-01-01T00:00:00Z.
pub(crate) type Micros = i64;

/// 0001-01-01T00:00:00Z, the earliest time that servers support.
const EARLIEST: Micros = -62_135_596_800_000_000;
/// 9999-12-31T23:59:59.999999Z, the latest, at which a clock stops.
const LATEST: Micros = 253_402_300_799_999_999;

const EPOCH: DateTime = date(1970, 1, 1).at(0, 0, 0, 0);

/// A clock that is ahead of the machine's by some amount, or of the time at which it was paused.
#[derive(Debug, Default)]
pub(super) struct Clock {
    ahead: AtomicI64,
    paused_at: Option<Micros>,
    waiting: Mutex<Vec<oneshot::Sender<()>>>,
}

impl Clock {
    /// A clock whose current time is `start`.
    pub(super) fn starting_at(start: Timestamp) -> Self {
        let ahead = start.unix_micros().saturating_sub(machine());
        Self { ahead: AtomicI64::new(ahead), ..Self::default() }
    }

    /// The same clock, which stands still from now on.
    pub(super) fn paused(self) -> Self {
        Self { paused_at: Some(machine()), ..self }
    }

    pub(super) fn now(&self) -> Micros {
        self.paused_at.unwrap_or_else(machine).saturating_add(self.ahead.load(Ordering::SeqCst)).clamp(EARLIEST, LATEST)
    }

    /// Moves the clock forward, at most to the end of its range.
    pub(super) fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        let add = |ahead: i64| Some(ahead.saturating_add(by));
        // The closure always returns `Some`, so this cannot fail.
        let _ = self.ahead.fetch_update(Ordering::SeqCst, Ordering::SeqCst, add);
        self.wake();
    }

    /// Wakes all that wait: the clock was moved, or something happened.
    pub(super) fn wake(&self) {
        for waiting in lock(&self.waiting).drain(..) {
            // Whoever waited may be gone.
            let _ = waiting.send(());
        }
    }

    /// Begins to wait for [`wake`](Self::wake).
    pub(super) fn woken(&self) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = lock(&self.waiting);
        waiting.retain(|waiting| !waiting.is_canceled());
        waiting.push(sender);
        receiver
    }

    /// How long it takes until `due`, unless the clock is moved.
    pub(super) fn until(&self, due: Micros) -> Duration {
        if self.paused_at.is_some() && due > self.now() {
            return Duration::MAX;
        }
        Duration::from_micros(u64::try_from(due.saturating_sub(self.now())).unwrap_or_default())
    }
}

fn machine() -> Micros {
    Timestamp::from(SystemTime::now()).unix_micros()
}

/// How a platform writes points in time. Stored objects hold them as [`TimeFormat::STORED`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeFormat {
    /// Digits of the fraction, 0, 3 or 6; rounded down.
    pub(crate) digits: u8,
    /// Whether a fraction of zero is written.
    pub(crate) zeros: bool,
    /// What follows, such as `Z`; nothing for times without an offset, which are UTC.
    pub(crate) suffix: &'static str,
}

impl TimeFormat {
    /// `2026-02-04T12:00:00.000000Z`: sorts as text.
    pub(crate) const STORED: Self = Self { digits: 6, zeros: true, suffix: "Z" };
    /// `2026-02-04T12:00:00.000Z`
    pub(crate) const MILLIS: Self = Self { digits: 3, zeros: true, suffix: "Z" };

    pub(crate) fn text(self, at: Micros) -> String {
        let time = EPOCH.saturating_add(SignedDuration::from_micros(at));
        let fraction = match (self.digits, time.subsec_nanosecond()) {
            (0, _) => String::new(),
            (_, 0) if !self.zeros => String::new(),
            (digits, _) => format!(".{:06}", at.rem_euclid(1_000_000))[..=usize::from(digits)].to_owned(),
        };
        format!("{}{fraction}{}", time.strftime("%Y-%m-%dT%H:%M:%S"), self.suffix)
    }
}

/// The text of a time as objects hold it.
pub(crate) fn stored(at: Micros) -> String {
    TimeFormat::STORED.text(at)
}

/// Reads a date, or a date and time with an offset, `Z` or without either, which means UTC.
pub(crate) fn parse(text: &str) -> Option<Micros> {
    let at_offset = text.char_indices().skip(10).find(|(_, c)| matches!(c, 'Z' | 'z' | '+' | '-'));
    let (local, offset) = match at_offset {
        Some((at, _)) => (text.get(..at)?, seconds_of(&text[at..])?),
        None => (text, 0),
    };
    let local: DateTime = local.parse().ok()?;
    let local = Micros::try_from(local.duration_since(EPOCH).as_micros()).ok()?;
    Some(local - offset * 1_000_000).filter(|at| (EARLIEST..=LATEST).contains(at))
}

/// The seconds that an offset such as `+02:00` is ahead of UTC.
fn seconds_of(offset: &str) -> Option<i64> {
    if offset.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let digits: String = offset[1..].split(':').collect();
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let hours: i64 = digits[..2].parse().ok()?;
    let minutes: i64 = digits.get(2..4).map_or(Ok(0), str::parse).ok()?;
    let ahead = (hours < 24 && minutes < 60).then_some(hours * 3600 + minutes * 60)?;
    Some(if offset.starts_with('-') { -ahead } else { ahead })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Micros = 1_770_206_400_000_000;

    fn starting_at(time: &str) -> Clock {
        Clock::starting_at(time.parse().unwrap())
    }

    #[test]
    fn a_clock_starts_where_it_is_told_runs_and_jumps() {
        let clock = starting_at("2026-02-04T12:00:00Z");
        let begun = clock.now();
        assert!((NOON..NOON + 5_000_000).contains(&begun), "{begun}");
        clock.advance(Duration::from_secs(86_400));
        assert!(clock.now() - begun >= 86_400_000_000);
    }

    #[test]
    fn a_paused_clock_moves_only_by_hand() {
        let clock = starting_at("2026-02-04T12:00:00Z").paused();
        let begun = clock.now();
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!((clock.now(), clock.until(begun + 1)), (begun, Duration::MAX));
        clock.advance(Duration::from_millis(1));
        assert_eq!((clock.now(), clock.until(begun + 1)), (begun + 1000, Duration::ZERO));
    }

    #[test]
    fn a_clock_stops_at_the_end_of_time_and_never_goes_back() {
        let clock = starting_at("2026-02-04T12:00:00Z");
        let mut before = clock.now();
        for by in [Duration::from_secs(200_000_000_000), Duration::MAX, Duration::from_micros(u64::MAX / 2)] {
            clock.advance(by);
            let now = clock.now();
            assert!(now >= before, "{before} then {now}");
            before = now;
        }
        assert_eq!(before, 253_402_300_799_999_999);
    }

    #[test]
    fn times_are_read_with_any_offset_or_none() {
        for text in ["2026-02-04T12:00:00Z", "2026-02-04T14:00:00+02:00", "2026-02-04 12:00", "2026-02-04T07:00-0500"] {
            assert_eq!(parse(text), Some(NOON), "{text}");
        }
        assert_eq!(parse("2026-02-04"), Some(NOON - 43_200_000_000));
        assert_eq!(parse("9999-12-31T23:59:59.999999Z").map(stored).as_deref(), Some("9999-12-31T23:59:59.999999Z"));
        for text in
            ["", "noon", "2026-02-30T12:00:00Z", "2026-02-04T12:00:00+2", "2026-02-04T12:00:00+25:00", "1770206400"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn each_platform_has_its_format() {
        let naive = TimeFormat { digits: 6, zeros: false, suffix: "" };
        assert_eq!(stored(NOON), "2026-02-04T12:00:00.000000Z");
        assert_eq!(TimeFormat::MILLIS.text(NOON + 1_234), "2026-02-04T12:00:00.001Z");
        assert_eq!(naive.text(NOON), "2026-02-04T12:00:00");
        assert_eq!(naive.text(NOON + 5), "2026-02-04T12:00:00.000005");
        assert_eq!(TimeFormat { digits: 0, zeros: false, suffix: "Z" }.text(NOON + 5), "2026-02-04T12:00:00Z");
    }
}
