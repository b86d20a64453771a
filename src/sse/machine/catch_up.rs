//! What was missed is looked up in the history.

use tokio::time::Instant;

use super::super::feed::Entry;
use super::super::position::{Facts, Start, Verdict};
use super::super::stream::{Gap, StreamItem};
use super::{Machine, Phase, Step};
use crate::config;

impl<T: 'static> Machine<T> {
    pub(super) fn catch_up(&mut self, again: bool) -> Phase<T> {
        let start = self.track.begin_history();
        Phase::CatchUp { page: self.feed.history(start, None), begun: Instant::now(), start, again }
    }

    /// Hands out the next row of the history.
    pub(super) fn step_rows(&mut self, begun: Instant, start: Start, again: bool) -> Step {
        let Some(Entry { event, known }) = self.rows.pop_front() else {
            if let Some(cursor) = self.next_rows.take() {
                let page = self.feed.history(start, Some(cursor));
                self.phase = Phase::CatchUp { page, begun, start, again };
                return Step::Moved;
            }
            let anew = self.track.end_history();
            if anew || (!again && begun.elapsed() > config::STREAM_CATCH_UP) {
                self.phase = self.catch_up(true);
                return Step::Moved;
            }
            return self.resume_live();
        };
        match event {
            Ok(event) => {
                let facts = self.feed.facts(&event, true);
                let hole = self.hole_before(&facts);
                if self.track.row(&facts) != Verdict::New {
                    return Step::Moved;
                }
                self.tell_of(hole);
                self.hand_out(event)
            }
            Err(error) if self.track.row(&known) == Verdict::New => self.ready(Err(error)),
            Err(_) => Step::Moved,
        }
    }

    /// Goes on with the live connection after a look into the history.
    pub(super) fn resume_live(&mut self) -> Step {
        self.heard();
        self.phase = Phase::Live;
        let Some((event, facts)) = self.held.take() else { return Step::Moved };
        let hole = self.hole_before(&facts);
        if self.track.live(&facts, false) != Verdict::New {
            return Step::Moved;
        }
        self.tell_of(hole);
        self.hand_out(event)
    }

    /// The numbers around a hole before an event. Where they have holes by nature, there is none.
    pub(super) fn hole_before(&self, facts: &Facts) -> Option<(i64, i64)> {
        let (last, seq) = self.track.seq().zip(facts.seq)?;
        (seq - last > 1 && self.fruitless < config::STREAM_FRUITLESS).then_some((last, seq))
    }

    /// Hands out a gap for a hole.
    pub(super) fn tell_of(&mut self, hole: Option<(i64, i64)>) {
        if let Some((after, before)) = hole {
            self.fruitless += 1;
            self.ready(Ok(StreamItem::Gap(Gap::Events { after, before })));
        }
    }
}
