//! The live connection: its frames, its end, and the pause before the next one.

use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt;
use futures::stream::StreamExt;
use tokio::time::{Instant, sleep};

use super::super::decoder::EventTooLarge;
use super::super::feed::Frame;
use super::super::position::Verdict;
use super::super::stream::{Gap, StreamItem};
use super::{Machine, Phase, Step};
use crate::error::{BoxError, StreamFault};
use crate::{Error, config};

impl<T: 'static> Machine<T> {
    /// Reads the next frame of the live connection.
    pub(super) fn step_live(&mut self, cx: &mut Context<'_>) -> Step {
        if let Some((when, again)) = &mut self.ask
            && self.rest.is_none()
            && when.poll_unpin(cx).is_ready()
        {
            when.set(sleep(*again));
            *again = (*again * 2).min(config::STREAM_ASK_CAP);
            self.phase = Phase::Ask(self.feed.is_over(true));
            return Step::Moved;
        }
        let (frame, number) = match self.decoder.next() {
            Ok(Some(frame)) => {
                // The id of a frame without one is that of the frame before.
                let line = frame.last_id.parse().ok();
                let number = line.filter(|_| line != self.line);
                self.line = line;
                (self.feed.decode(frame.name, &frame.data), number)
            }
            Ok(None) => return self.read(cx),
            Err(EventTooLarge) => {
                self.ready.push_back(Err(self.feed.error(StreamFault::TooLarge, self.received, None)));
                self.disconnected(None);
                return Step::Moved;
            }
        };
        match frame {
            Frame::Nothing => {}
            Frame::Event(event) => {
                let mut facts = self.feed.facts(&event, false);
                facts.seq = facts.seq.or(number);
                let may_jump = self.fruitless < config::STREAM_FRUITLESS;
                match self.track.live(&facts, may_jump) {
                    Verdict::Known => {}
                    Verdict::Jump => {
                        self.held = Some((event, facts));
                        self.phase = self.catch_up(true);
                    }
                    Verdict::New => return self.hand_out(event),
                }
            }
            Frame::Broken(error, mut known) => {
                known.seq = known.seq.or(number);
                if self.track.live(&known, false) == Verdict::New {
                    return self.ready(Err(error));
                }
            }
            Frame::Failed { error, ends } => {
                if ends {
                    self.live = None;
                    self.phase = Phase::Over;
                } else {
                    self.disconnected(None);
                }
                return self.ready(Err(error));
            }
        }
        Step::Moved
    }

    /// Reads more bytes of the live connection.
    pub(super) fn read(&mut self, cx: &mut Context<'_>) -> Step {
        let Some(live) = &mut self.live else {
            self.disconnected(None);
            return Step::Moved;
        };
        match live.bytes.poll_next_unpin(cx) {
            Poll::Ready(Some(Ok(bytes))) => {
                self.received += bytes.len() as u64;
                self.decoder.push(&bytes);
                self.heard();
                Step::Moved
            }
            Poll::Ready(Some(Err(error))) => {
                self.disconnected(Some(error));
                Step::Moved
            }
            Poll::Ready(None) => {
                self.lose_pieces();
                self.live = None;
                self.count();
                self.phase = Phase::Ask(self.feed.is_over(false));
                Step::Moved
            }
            Poll::Pending => {
                let silent = self.last_byte + config::STREAM_GAP;
                loop {
                    if self.gap.poll_unpin(cx).is_pending() {
                        return Step::Pending;
                    }
                    if silent <= Instant::now() {
                        self.disconnected(Some(format!("no byte within {:?}", config::STREAM_GAP).into()));
                        return Step::Moved;
                    }
                    self.gap.as_mut().reset(silent);
                }
            }
        }
    }

    /// The pieces of events that have begun do not go on.
    pub(super) fn lose_pieces(&mut self) {
        self.retry = self.decoder.retry().unwrap_or(self.retry);
        for message_id in self.begun.drain(..) {
            self.ready.push_back(Ok(StreamItem::Gap(Gap::Deltas { message_id })));
        }
    }

    /// The live connection is of no more use.
    pub(super) fn disconnected(&mut self, cause: Option<BoxError>) {
        self.lose_pieces();
        self.live = None;
        self.count();
        self.phase = self.pause(cause);
    }

    /// Counts a connection that ended as a failed try, or not.
    pub(super) fn count(&mut self) {
        if self.opened.elapsed() >= config::STREAM_LIVES {
            self.failures = 0;
        } else if self.resumed {
            self.failures += 1;
        }
    }

    /// A try to go on failed.
    pub(super) fn failed(&mut self, error: Error) -> Step {
        self.live = None;
        self.held = None;
        self.failures += 1;
        if !self.feed.may_recover(&error) || self.failures >= config::STREAM_TRIES {
            self.phase = Phase::Over;
            return self.ready(Err(error));
        }
        let asked = error.retry_after().unwrap_or_default().min(config::MAX_SERVER_WAIT);
        self.phase = self.pause_of(asked);
        Step::Moved
    }

    pub(super) fn pause(&mut self, cause: Option<BoxError>) -> Phase<T> {
        if self.failures >= config::STREAM_TRIES {
            self.ready.push_back(Err(self.feed.error(StreamFault::Truncated, self.received, cause)));
            return Phase::Over;
        }
        self.pause_of(Duration::ZERO)
    }

    pub(super) fn pause_of(&self, asked: Duration) -> Phase<T> {
        let doubled = config::STREAM_BACKOFF.saturating_mul(1 << self.failures.min(10)).min(config::STREAM_BACKOFF_CAP);
        let jittered = doubled.mul_f64(1.0 - config::POLL_JITTER * fastrand::f64());
        let least = asked.max(self.retry.min(config::MAX_SERVER_WAIT));
        Phase::Pause(Box::pin(sleep(jittered.max(least))))
    }
}
