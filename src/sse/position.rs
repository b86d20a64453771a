//! What a stream has handed out: enough to go on after it, and to tell what has been handed out before.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::config;

/// What the stream needs to know of an event.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts {
    /// Whether it is stored: the history has it, or will have it.
    pub(crate) stored: bool,
    /// Hash of the id; `None` without one.
    pub(crate) id: Option<u64>,
    /// Hash of the content, for events that have neither an id nor a number.
    pub(crate) content: Option<u64>,
    pub(crate) seq: Option<i64>,
    /// When it was processed.
    pub(crate) at: Option<Timestamp>,
    /// It waits to be processed, and will come again.
    pub(crate) queued: bool,
}

/// What an event is to the pieces of an event that is being made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Preview<'e> {
    #[default]
    None,
    /// Pieces of the event with this id have begun.
    Piece(&'e str),
    /// The event is complete.
    Complete(&'e str),
    /// No event that has begun will become complete.
    Dropped,
}

/// A stable hash, the same in every process and version: FNV-1a.
pub(crate) fn fingerprint<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    // A separator that no UTF-8 has keeps the parts apart.
    parts.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, part| part.iter().chain(&[0xff]).fold(hash, step))
}

/// Where a stream is: a later one that starts here hands out what this one has not.
///
/// It can be stored, and given to another process. It belongs to one session, or one thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The ids of the path.
    of: Vec<String>,
    /// The last event that the history had when the stream was opened, and all that is before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before_at: Option<Timestamp>,
    /// The number of the last event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seq: Option<i64>,
    /// The largest time of an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    /// Events with ids that the history may give again, oldest first.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    seen: VecDeque<Seen>,
    /// Contents of events without an id and a number that the history may give, oldest first.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    loose: VecDeque<u64>,
    /// More than is kept has been handed out since `seq`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    overflowed: bool,
    /// The largest time of an event that is not kept although it is recent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    evicted: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    id: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    queued: bool,
}

/// Where a page of history starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Start {
    /// After this number.
    pub(crate) after: Option<i64>,
    /// At this time.
    pub(crate) at: Option<Timestamp>,
}

/// What an event is to a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    New,
    Known,
    /// Events with smaller numbers have not come.
    Jump,
}

/// Rows of history that are skipped, whatever is known of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Skip {
    None,
    /// All to this one: they were before the stream.
    Until(u64),
    /// All to the first that is known: more has been handed out than is kept.
    UntilKnown,
}

/// A position in use.
#[derive(Debug)]
pub(super) struct Track {
    position: Position,
    queued: HashMap<u64, bool>,
    skip: Skip,
    /// Contents of rows that the live connection may bring too.
    echo: VecDeque<u64>,
}

impl Position {
    pub(crate) fn new(of: &[String]) -> Self {
        Self {
            of: of.to_vec(),
            before: None,
            before_at: None,
            seq: None,
            at: None,
            seen: VecDeque::new(),
            loose: VecDeque::new(),
            overflowed: false,
            evicted: None,
        }
    }

    /// Whether it belongs to the session or thread with these ids.
    pub(crate) fn is_of(&self, ids: &[String]) -> bool {
        self.of == ids
    }

    /// Takes note of the last event before the stream.
    pub(crate) fn begin_after(&mut self, last: &Facts) {
        self.seq = last.seq;
        self.before = if last.seq.is_some() { None } else { last.id.or(last.content) };
        self.before_at = last.at;
        self.at = last.at;
    }
}

impl Track {
    pub(super) fn new(position: Position) -> Self {
        let queued = position.seen.iter().map(|seen| (seen.id, seen.queued)).collect();
        Self { position, queued, skip: Skip::None, echo: VecDeque::new() }
    }

    pub(super) fn position(&self) -> &Position {
        &self.position
    }

    pub(super) fn seq(&self) -> Option<i64> {
        self.position.seq
    }

    /// Begins to page the history.
    pub(super) fn begin_history(&mut self) -> Start {
        let position = &self.position;
        let at = position.at.map(|at| at - config::STREAM_MARGIN);
        self.skip = match position.before {
            _ if position.overflowed || position.evicted.is_some_and(|evicted| Some(evicted) >= at) => Skip::UntilKnown,
            Some(before) if position.before_at.is_none_or(|time| at.is_none_or(|at| time >= at)) => Skip::Until(before),
            _ => Skip::None,
        };
        self.echo.clear();
        Start { after: position.seq, at }
    }

    /// The history has been paged to its end. Returns whether it has to be paged anew: the event that it was to go on
    /// after is not there any more.
    pub(super) fn end_history(&mut self) -> bool {
        let lost = self.skip != Skip::None;
        if lost {
            (self.position.before, self.position.overflowed, self.position.evicted) = (None, false, None);
        }
        self.skip = Skip::None;
        self.position.loose.clear();
        lost
    }

    /// What a row of the history is; it counts as handed out if it is new.
    pub(super) fn row(&mut self, facts: &Facts) -> Verdict {
        let known = self.is_known(facts);
        match self.skip {
            Skip::Until(before) => {
                if facts.id.or(facts.content) == Some(before) {
                    self.skip = Skip::None;
                }
                return Verdict::Known;
            }
            Skip::UntilKnown if known => self.skip = Skip::None,
            Skip::UntilKnown => return Verdict::Known,
            Skip::None => {}
        }
        let verdict = if known || (facts.seq.is_some() && facts.seq <= self.position.seq) {
            Verdict::Known
        } else if facts.id.is_none() {
            self.unmatched(facts)
        } else {
            Verdict::New
        };
        self.note(facts, verdict == Verdict::New);
        verdict
    }

    /// Whether a row without an id has been handed out live.
    fn unmatched(&mut self, facts: &Facts) -> Verdict {
        let Some(content) = facts.content else { return Verdict::New };
        let loose = &mut self.position.loose;
        if let Some(place) = loose.iter().position(|other| *other == content) {
            loose.remove(place);
            return Verdict::Known;
        }
        if self.echo.len() < config::STREAM_MEMORY {
            self.echo.push_back(content);
        }
        Verdict::New
    }

    /// What an event of the live connection is; it counts as handed out if it is new.
    pub(super) fn live(&mut self, facts: &Facts, may_jump: bool) -> Verdict {
        if !facts.stored {
            return Verdict::New;
        }
        let verdict = match (facts.seq, self.position.seq) {
            _ if self.is_known(facts) => Verdict::Known,
            (Some(seq), Some(last)) if seq <= last => Verdict::Known,
            (Some(seq), Some(last)) if seq - last > 1 && may_jump => return Verdict::Jump,
            (None, _) if facts.id.is_none() => self.not_an_echo(facts),
            _ => Verdict::New,
        };
        if verdict == Verdict::New {
            self.echo.clear();
        }
        self.note(facts, verdict == Verdict::New);
        verdict
    }

    fn not_an_echo(&mut self, facts: &Facts) -> Verdict {
        let Some(content) = facts.content else { return Verdict::New };
        if let Some(place) = self.echo.iter().position(|other| *other == content) {
            self.echo.drain(..=place);
            return Verdict::Known;
        }
        self.position.loose.push_back(content);
        if self.position.loose.len() > config::STREAM_MEMORY {
            self.position.loose.pop_front();
        }
        Verdict::New
    }

    /// Whether the event has been handed out in this state.
    fn is_known(&self, facts: &Facts) -> bool {
        let before = facts.id.and_then(|id| self.queued.get(&id));
        before.is_some_and(|queued| !queued || facts.queued)
    }

    fn note(&mut self, facts: &Facts, new: bool) {
        let position = &mut self.position;
        if facts.seq > position.seq {
            // All before it has a smaller number.
            (position.seq, position.overflowed) = (facts.seq, false);
        }
        position.at = position.at.max(facts.at);
        let Some(id) = facts.id.filter(|_| new) else { return };
        if self.queued.insert(id, facts.queued).is_some() {
            position.seen.retain(|seen| seen.id != id);
        }
        position.seen.push_back(Seen { id, at: facts.at, queued: facts.queued });
        let oldest = position.at.map(|at| at - config::STREAM_MARGIN);
        while let Some(first) = position.seen.front().copied() {
            let is_old = matches!((first.at, oldest), (Some(at), Some(oldest)) if at < oldest);
            if !is_old && position.seen.len() <= config::STREAM_MEMORY {
                break;
            }
            if position.seq.is_some() {
                position.overflowed |= facts.seq.is_none();
            } else if !is_old {
                position.evicted = position.evicted.max(first.at);
            }
            self.queued.remove(&first.id);
            position.seen.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MORE: u64 = config::STREAM_MEMORY as u64 + 10;

    /// An event with an id, at the same time as all others.
    fn event(id: u64, seq: Option<i64>) -> Facts {
        let at = Some("2026-09-01T00:00:00Z".parse().unwrap());
        Facts { stored: true, id: Some(id), seq, at, ..Facts::default() }
    }

    fn track(seq: Option<i64>) -> Track {
        let mut position = Position::new(&["sess_1".to_owned()]);
        position.seq = seq;
        Track::new(position)
    }

    #[test]
    fn where_more_was_handed_out_than_is_kept_the_history_counts_from_what_is_known() {
        for seq in [Some(0), None] {
            let mut track = track(seq);
            for id in 0..MORE {
                assert_eq!(track.live(&event(id, None), true), Verdict::New);
            }
            assert_eq!(track.position.seen.len(), config::STREAM_MEMORY);
            track.begin_history();
            let verdicts = |track: &mut Track, ids: &[u64]| -> Vec<Verdict> {
                // The history has numbers, if the server has any.
                let row = |id: &u64| event(*id, seq.map(|_| i64::try_from(*id).unwrap() + 1));
                ids.iter().map(|id| track.row(&row(id))).collect()
            };
            // The first ones are forgotten: rows are skipped up to one that is known.
            assert_eq!(verdicts(&mut track, &[0, 1, MORE - 1]), [Verdict::Known; 3], "{seq:?}");
            assert_eq!(verdicts(&mut track, &[MORE]), [Verdict::New], "{seq:?}");
            assert!(!track.end_history());
        }
    }

    #[test]
    fn what_the_history_handed_out_is_not_repeated_live_though_it_has_no_id() {
        let event = |content| Facts { stored: true, content: Some(content), ..Facts::default() };
        let mut track = track(None);
        track.begin_history();
        assert_eq!([1, 2].map(|content| track.row(&event(content))), [Verdict::New; 2]);
        track.end_history();
        assert_eq!([1, 2].map(|content| track.live(&event(content), true)), [Verdict::Known; 2]);
        assert_eq!(track.live(&event(2), true), Verdict::New, "the same once more");
        track.begin_history();
        assert_eq!(track.row(&event(3)), Verdict::New);
        track.end_history();
        track.begin_history();
        track.end_history();
        assert_eq!(track.live(&event(3), true), Verdict::New, "of a history before the last");
    }

    #[test]
    fn a_number_ends_the_doubt_about_what_was_handed_out() {
        let mut track = track(Some(0));
        for id in 0..MORE {
            track.live(&event(id, None), true);
        }
        assert!(track.position.overflowed);
        track.live(&event(MORE, Some(5000)), false);
        track.begin_history();
        assert_eq!(track.row(&event(MORE + 1, Some(5001))), Verdict::New);
    }

    #[test]
    fn a_history_without_what_is_known_is_paged_anew() {
        let mut track = track(None);
        for id in 0..MORE {
            track.live(&event(id, None), true);
        }
        track.begin_history();
        assert_eq!(track.row(&event(MORE, None)), Verdict::Known);
        assert!(track.end_history());
        track.begin_history();
        assert_eq!(track.row(&event(MORE, None)), Verdict::New);
        assert!(!track.end_history());
    }
}
