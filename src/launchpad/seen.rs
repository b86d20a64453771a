//! Which lines of a log were handed out: so that each is handed out once, although logs are read again with an overlap.

use std::collections::{HashMap, VecDeque};

use super::types::LogEntry;
use crate::Timestamp;
use crate::config::launchpad as defaults;

/// What tells lines apart. Several may be the same: then they are counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    timestamp: Timestamp,
    pod: Option<String>,
    id: Option<String>,
    message: String,
}

/// The lines that were handed out.
#[derive(Debug, Default)]
pub(super) struct Seen {
    counts: HashMap<Key, usize>,
    /// In the order in which they were handed out.
    order: VecDeque<Key>,
    /// Lines without a time; they are told apart by their order alone.
    texts: VecDeque<String>,
    reading: Reading,
}

/// What the present source may repeat.
#[derive(Debug, Default)]
struct Reading {
    /// Lines with a time, and how often each may still come.
    left: HashMap<Key, usize>,
    /// Lines older than this were handed out longer ago than is remembered.
    oldest: Option<Timestamp>,
    /// Places in `texts` where the next line would be the one after those in `held`; `None`: nothing is repeated any
    /// more.
    places: Option<Vec<usize>>,
    /// Whether the repeated texts have begun.
    begun: bool,
    /// Lines that are repeated, unless the next ones show that they are not.
    held: Vec<LogEntry>,
    /// A line was one that was handed out before.
    overlaps: bool,
}

impl Seen {
    /// Whether any line was handed out.
    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty() && self.texts.is_empty()
    }

    /// Begins to read the log again, from a time before the last line on.
    pub(super) fn begin(&mut self) {
        let is_forgetful = self.order.len() >= defaults::LOG_MEMORY;
        self.reading = Reading {
            left: self.counts.clone(),
            oldest: self.order.iter().map(|key| key.timestamp).min().filter(|_| is_forgetful),
            places: (!self.texts.is_empty()).then(|| (0..self.texts.len()).collect()),
            ..Reading::default()
        };
    }

    /// Whether what was read since [`begin`](Self::begin) repeats any line.
    pub(super) fn overlaps(&self) -> bool {
        self.reading.overlaps
    }

    /// Takes the next line, and adds to `new` what was not handed out before.
    pub(super) fn take(&mut self, entry: LogEntry, new: &mut impl Extend<LogEntry>) {
        match entry.timestamp {
            Some(timestamp) => self.take_timed(timestamp, entry, new),
            None => self.take_text(entry, new),
        }
    }

    fn take_timed(&mut self, timestamp: Timestamp, entry: LogEntry, new: &mut impl Extend<LogEntry>) {
        let id = entry.id.as_ref().filter(|id| !id.is_null()).map(ToString::to_string);
        let key = Key { timestamp, pod: entry.pod.clone(), id, message: entry.message.clone() };
        if let Some(left) = self.reading.left.get_mut(&key).filter(|left| **left > 0) {
            *left -= 1;
            self.reading.overlaps = true;
            return;
        }
        if self.reading.oldest.is_some_and(|oldest| timestamp < oldest) {
            return;
        }
        *self.counts.entry(key.clone()).or_default() += 1;
        self.order.push_back(key);
        if self.order.len() > defaults::LOG_MEMORY
            && let Some(key) = self.order.pop_front()
            && let Some(count) = self.counts.get_mut(&key)
        {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&key);
            }
        }
        new.extend([entry]);
    }

    fn take_text(&mut self, entry: LogEntry, new: &mut impl Extend<LogEntry>) {
        if let Some(mut places) = self.reading.places.take() {
            places.retain(|place| self.texts.get(*place) == Some(&entry.message));
            if !places.is_empty() {
                self.reading.begun = true;
                self.reading.held.push(entry);
                let last = self.texts.len() - 1;
                if places.contains(&last) {
                    // All that was handed out before has come again.
                    self.reading.held.clear();
                    self.reading.overlaps = true;
                } else {
                    self.reading.places = Some(places.into_iter().map(|place| place + 1).collect());
                }
                return;
            }
        }
        let held = std::mem::take(&mut self.reading.held);
        for entry in held.into_iter().chain([entry]) {
            self.texts.push_back(entry.message.clone());
            if self.texts.len() > defaults::LOG_MEMORY {
                self.texts.pop_front();
            }
            new.extend([entry]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timed(second: u8, message: &str) -> LogEntry {
        let mut entry = LogEntry::new(message);
        entry.timestamp = Some(format!("2026-07-01T12:00:{second:02}Z").parse().unwrap());
        entry
    }

    fn read(seen: &mut Seen, entries: impl IntoIterator<Item = LogEntry>) -> Vec<String> {
        let mut new = Vec::new();
        for entry in entries {
            seen.take(entry, &mut new);
        }
        new.into_iter().map(|entry| entry.message).collect()
    }

    #[test]
    fn repeated_lines_are_handed_out_once() {
        let mut seen = Seen::default();
        assert_eq!(read(&mut seen, [timed(1, "a"), timed(2, "b")]), ["a", "b"]);
        seen.begin();
        assert_eq!(read(&mut seen, [timed(2, "b"), timed(3, "c")]), ["c"]);
        assert!(seen.overlaps());
        seen.begin();
        assert_eq!(read(&mut seen, [timed(3, "d")]), ["d"], "the same time, another text");
        assert!(!seen.overlaps());
    }

    #[test]
    fn equal_lines_are_counted() {
        let mut seen = Seen::default();
        assert_eq!(read(&mut seen, [timed(1, "tick"), timed(1, "tick")]), ["tick", "tick"], "both were written");
        seen.begin();
        assert_eq!(read(&mut seen, [timed(1, "tick"), timed(1, "tick"), timed(1, "tick")]), ["tick"], "a third one");
        seen.begin();
        assert_eq!(read(&mut seen, [timed(1, "tick"), timed(1, "tick"), timed(1, "tick")]), [""; 0]);
    }

    #[test]
    fn pods_and_ids_tell_lines_apart_and_their_order_does_not_matter() {
        let of_pod = |pod: &str| {
            let mut entry = timed(1, "ready");
            entry.pod = Some(pod.to_owned());
            entry
        };
        let with_id = |id: i64| {
            let mut entry = timed(1, "ready");
            entry.id = Some(id.into());
            entry
        };
        let mut seen = Seen::default();
        assert_eq!(read(&mut seen, [of_pod("a"), of_pod("b"), with_id(1)]).len(), 3);
        seen.begin();
        assert_eq!(read(&mut seen, [with_id(1), of_pod("b"), of_pod("a"), with_id(2)]), ["ready"]);
    }

    #[test]
    fn texts_without_a_time_are_told_apart_by_their_order() {
        let text = |message: &str| LogEntry::new(message);
        let mut seen = Seen::default();
        assert_eq!(read(&mut seen, ["a", "b", "a", "c"].map(text)), ["a", "b", "a", "c"]);
        seen.begin();
        assert_eq!(read(&mut seen, ["a", "c", "d", "a"].map(text)), ["d", "a"], "the end is repeated");
        seen.begin();
        assert_eq!(read(&mut seen, ["x", "a"].map(text)), ["x", "a"], "nothing is repeated");
        seen.begin();
        assert_eq!(read(&mut seen, ["b", "x", "y"].map(text)), ["b", "x", "y"], "it only begins alike");
        seen.begin();
        assert_eq!(read(&mut seen, ["x", "y"].map(text)), [""; 0]);
    }

    #[test]
    fn a_server_that_sends_everything_again_repeats_nothing_however_long_the_log() {
        let mut seen = Seen::default();
        let all = |count: usize| {
            (0..count).map(|n| {
                let mut entry = LogEntry::new(format!("line {n}"));
                entry.timestamp = Timestamp::from_unix_seconds(1_000_000 + i64::try_from(n).unwrap());
                entry
            })
        };
        let long = defaults::LOG_MEMORY + 10;
        assert_eq!(read(&mut seen, all(long)).len(), long);
        seen.begin();
        assert_eq!(read(&mut seen, all(long + 2)), [format!("line {long}"), format!("line {}", long + 1)]);
    }
}
