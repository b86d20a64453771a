//! The machine that hands out the events of a stream over one connection after the other. It has no task of its own: it
//! moves on when it is polled.

mod catch_up;
mod connection;

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::StreamExt;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::decoder::Decoder;
use super::feed::{Entry, Fate, Feed, Rows};
use super::live::Live;
use super::position::{Facts, Position, Preview, Start, Track};
use super::stream::{Gap, StreamItem};
use crate::Error;
use crate::config;
use crate::error::StreamFault;
use crate::page::Cursor;

/// What the machine does.
enum Phase<T> {
    /// Waits for the first response.
    Begin(BoxFuture<'static, Result<Live, Error>>),
    /// Reads the live connection.
    Live,
    /// Waits before the next try.
    Pause(Pin<Box<Sleep>>),
    Open(BoxFuture<'static, Result<Live, Error>>),
    /// Reads the history; the live connection is left unread meanwhile.
    CatchUp {
        page: BoxFuture<'static, Result<Option<Rows<T>>, Error>>,
        begun: Instant,
        start: Start,
        again: bool,
    },
    /// Hands out rows of the history.
    Rows {
        begun: Instant,
        start: Start,
        again: bool,
    },
    /// Asks whether it is over; a connection that has ended is opened again if not.
    Ask(BoxFuture<'static, Result<bool, Error>>),
    /// Waits for the end of the response after the last event.
    Drain(Pin<Box<Sleep>>),
    Over,
}

pub(super) struct Machine<T> {
    feed: Box<dyn Feed<T>>,
    phase: Phase<T>,
    live: Option<Live>,
    decoder: Decoder,
    track: Track,
    ready: VecDeque<Result<StreamItem<T>, Error>>,
    /// Rows of the history that have not been handed out, and where the next ones are.
    rows: VecDeque<Entry<T>>,
    next_rows: Option<Cursor>,
    /// An event with a number that is too large, until what is missing has been looked up.
    held: Option<(T, Facts)>,
    /// The last number of an `id:` line.
    line: Option<i64>,
    /// Look-ups of missing numbers that found nothing.
    fruitless: u32,
    /// Ids of events whose pieces have begun.
    begun: Vec<String>,
    /// Room for the next such id.
    spare: String,
    gap: Pin<Box<Sleep>>,
    last_byte: Instant,
    opened: Instant,
    /// The connection was opened to go on.
    resumed: bool,
    failures: u32,
    /// The shortest pause that the server asked for.
    retry: Duration,
    handed_out: Option<Instant>,
    received: u64,
    /// When it ends at the latest.
    rest: Option<Rest>,
    /// The server is to be asked whether it is over: when, and how long to wait before it is asked once more.
    ask: Option<(Pin<Box<Sleep>>, Duration)>,
    ending: bool,
}

/// The time after an end.
struct Rest {
    until: Pin<Box<Sleep>>,
    /// It is over once what was begun is complete.
    until_complete: bool,
}

impl<T> fmt::Debug for Machine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine").field("position", self.track.position()).finish_non_exhaustive()
    }
}

/// How it went on. Items are in `ready`: events are large, and each way through a result is a copy.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Something changed; look again.
    Moved,
    Pending,
}

impl<T: 'static> Machine<T> {
    /// `first`: the live connection. `catch_up`: whether events after `position` may be in the history already.
    pub(super) fn new(
        feed: Box<dyn Feed<T>>,
        position: Position,
        first: BoxFuture<'static, Result<Live, Error>>,
        catch_up: bool,
    ) -> Self {
        let now = Instant::now();
        Self {
            feed,
            phase: Phase::Begin(first),
            live: None,
            decoder: Decoder::new(config::MAX_EVENT),
            track: Track::new(position),
            ready: VecDeque::new(),
            rows: VecDeque::new(),
            next_rows: None,
            held: None,
            line: None,
            fruitless: 0,
            begun: Vec::new(),
            spare: String::new(),
            gap: Box::pin(sleep(config::STREAM_GAP)),
            last_byte: now,
            opened: now,
            resumed: catch_up,
            failures: 0,
            retry: Duration::ZERO,
            handed_out: None,
            received: 0,
            rest: None,
            ask: None,
            ending: false,
        }
    }

    /// The first response, which nobody has waited for yet.
    pub(super) fn into_first(self) -> BoxFuture<'static, Result<Live, Error>> {
        match self.phase {
            Phase::Begin(first) => first,
            _ => {
                Box::pin(std::future::ready(self.live.ok_or_else(|| self.feed.error(StreamFault::Truncated, 0, None))))
            }
        }
    }

    pub(super) fn position(&self) -> &Position {
        self.track.position()
    }

    /// Waits until the first response has begun well.
    ///
    /// # Errors
    /// Why it has not.
    pub(super) fn poll_begun(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Phase::Begin(first) = &mut self.phase else { return Poll::Ready(Ok(())) };
        let live = std::task::ready!(first.poll_unpin(cx));
        self.phase = Phase::Over;
        self.begin_live(live?);
        self.phase = if self.resumed { self.catch_up(false) } else { Phase::Live };
        Poll::Ready(Ok(()))
    }

    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<StreamItem<T>, Error>>> {
        if let Some(handed_out) = self.handed_out.take()
            && matches!(self.phase, Phase::Live)
            && handed_out.elapsed() > config::STREAM_PAUSE
        {
            // Events may have been dropped. What is there of the live connection comes after them.
            self.phase = self.catch_up(false);
        }
        std::task::ready!(self.poll_ready(cx));
        if !self.ready.is_empty() {
            self.handed_out = Some(Instant::now());
        }
        Poll::Ready(self.ready.pop_front())
    }

    /// Waits until an item is ready, or it is over.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut skipped = 0;
        while self.ready.is_empty() {
            if matches!(self.phase, Phase::Over) {
                return Poll::Ready(());
            }
            if skipped > config::STREAM_SKIPS {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            skipped += 1;
            if !matches!(self.phase, Phase::Drain(_)) && self.is_at_rest(cx) {
                self.end();
            }
            if self.step(cx) == Step::Pending {
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Step {
        match &mut self.phase {
            Phase::Begin(_) => match self.poll_begun(cx) {
                Poll::Ready(Ok(())) => Step::Moved,
                Poll::Ready(Err(error)) => self.ready(Err(error)),
                Poll::Pending => Step::Pending,
            },
            Phase::Live => self.step_live(cx),
            Phase::Pause(pause) => match pause.poll_unpin(cx) {
                Poll::Ready(()) => {
                    self.phase = Phase::Open(self.feed.open());
                    Step::Moved
                }
                Poll::Pending => Step::Pending,
            },
            Phase::Open(opening) => match opening.poll_unpin(cx) {
                Poll::Ready(Ok(live)) => {
                    self.resumed = true;
                    self.begin_live(live);
                    self.phase = self.catch_up(false);
                    Step::Moved
                }
                Poll::Ready(Err(error)) => self.failed(error),
                Poll::Pending => Step::Pending,
            },
            Phase::CatchUp { page, .. } => match page.poll_unpin(cx) {
                Poll::Ready(Ok(Some(Rows { entries, next }))) => {
                    (self.rows, self.next_rows) = (entries.into(), next);
                    let Phase::CatchUp { begun, start, again, .. } = self.phase else { return Step::Moved };
                    self.phase = Phase::Rows { begun, start, again };
                    Step::Moved
                }
                Poll::Ready(Ok(None)) => {
                    self.ready(Ok(StreamItem::Gap(Gap::NoHistory)));
                    self.resume_live()
                }
                Poll::Ready(Err(error)) => self.failed(error),
                Poll::Pending => Step::Pending,
            },
            Phase::Rows { begun, start, again } => {
                let (begun, start, again) = (*begun, *start, *again);
                self.step_rows(begun, start, again)
            }
            Phase::Ask(asking) => match asking.poll_unpin(cx) {
                Poll::Ready(answer) => {
                    self.answered(matches!(answer, Ok(true)));
                    Step::Moved
                }
                Poll::Pending => Step::Pending,
            },
            Phase::Drain(until) => {
                let over = match self.live.as_mut().map(|live| live.bytes.poll_next_unpin(cx)) {
                    Some(Poll::Ready(Some(Ok(_)))) => return Step::Moved,
                    Some(Poll::Pending) => until.poll_unpin(cx).is_ready(),
                    Some(Poll::Ready(_)) | None => true,
                };
                if !over {
                    return Step::Pending;
                }
                self.live = None;
                self.phase = Phase::Over;
                Step::Moved
            }
            Phase::Over => Step::Moved,
        }
    }

    /// Takes the server's word for whether it is over.
    fn answered(&mut self, over: bool) {
        match (over, self.live.is_some()) {
            (true, false) => self.end(),
            // What is there of the live connection belongs to it.
            (true, true) => {
                self.rest = Some(Rest { until: Box::pin(sleep(config::STREAM_DRAIN)), until_complete: false });
                self.phase = Phase::Live;
            }
            // The next try tells.
            (false, false) => self.phase = self.pause(None),
            (false, true) => self.phase = Phase::Live,
        }
    }

    /// Whether nothing more is to be waited for.
    fn is_at_rest(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(rest) = &mut self.rest else { return false };
        (rest.until_complete && self.begun.is_empty()) || rest.until.poll_unpin(cx).is_ready()
    }

    /// It is over, but for the end of its response.
    fn end(&mut self) {
        self.rest = None;
        let until = Instant::now() + config::STREAM_DRAIN;
        self.phase = if self.live.is_some() { Phase::Drain(Box::pin(sleep_until(until))) } else { Phase::Over };
    }

    fn begin_live(&mut self, live: Live) {
        self.feed.opened_with(live.secret.clone());
        self.live = Some(live);
        self.decoder = Decoder::new(config::MAX_EVENT);
        self.line = None;
        self.opened = Instant::now();
        self.heard();
    }

    /// Something came from the server.
    fn heard(&mut self) {
        self.last_byte = Instant::now();
    }

    fn ready(&mut self, item: Result<StreamItem<T>, Error>) -> Step {
        self.ready.push_back(item);
        Step::Moved
    }

    /// Hands out an event, and sees what it means.
    fn hand_out(&mut self, event: T) -> Step {
        match self.feed.preview(&event) {
            Preview::None => {}
            Preview::Piece(id) => {
                if !self.begun.iter().any(|begun| begun == id) {
                    let mut begun = std::mem::take(&mut self.spare);
                    begun.clear();
                    begun.push_str(id);
                    self.begun.push(begun);
                }
            }
            Preview::Complete(id) => {
                if let Some(place) = self.begun.iter().position(|begun| begun == id) {
                    self.spare = self.begun.remove(place);
                }
            }
            Preview::Dropped => self.begun.clear(),
        }
        match self.feed.fate(&event) {
            Fate::GoesOn => {}
            Fate::Ends => self.ending = true,
            Fate::EndsSoon => {
                self.rest = Some(Rest { until: Box::pin(sleep(config::STREAM_REST)), until_complete: true });
            }
            Fate::Ask => self.ask = Some((Box::pin(sleep(Duration::ZERO)), config::STREAM_ASK)),
        }
        if self.ending {
            self.end();
        }
        self.ready(Ok(StreamItem::Event(event)))
    }
}
