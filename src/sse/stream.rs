//! The public face of a stream.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::stream::{FusedStream, Stream};

use super::feed::Feed;
use super::live;
use super::machine::Machine;
use super::position::Position;
use crate::Error;
use crate::http::{LiveBody, RequestParts};

/// What comes out of an [`EventStream`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StreamItem<T> {
    /// An event.
    Event(T),
    /// Something is missing.
    Gap(Gap),
}

impl<T> StreamItem<T> {
    /// Returns the event, if it is one.
    pub fn into_event(self) -> Option<T> {
        match self {
            Self::Event(event) => Some(event),
            Self::Gap(_) => None,
        }
    }

    /// Returns the event, if it is one.
    pub fn event(&self) -> Option<&T> {
        match self {
            Self::Event(event) => Some(event),
            Self::Gap(_) => None,
        }
    }
}

/// What a stream could not recover after its connection broke, or after the server dropped events.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Gap {
    /// Pieces of an event that was being made: those that come after this do not fit to those before. The event itself
    /// follows once it is complete.
    Deltas {
        /// Id of the message, of the thought or of the use of a tool.
        message_id: String,
    },
    /// Numbers that neither the stream nor the history has events for.
    Events {
        /// The last number before.
        after: i64,
        /// The first number behind.
        before: i64,
    },
    /// The server has no history of these events: any may be missing.
    NoHistory,
}

/// Events of a type that streams know how to read.
pub(crate) trait Streamed: Sized + Send + 'static {
    /// What reads a stream of such events that cannot be opened again.
    fn feed(parts: &RequestParts) -> Box<dyn Feed<Self>>;
}

/// Events as they happen. It outlives its connections: when one breaks, the stream is opened again, and what was missed
/// is looked up.
///
/// An error is an item: of an event that does not decode, or of a failure that the server reports, and the stream may
/// go on after it; `None` is its end. It has no task of its own: nothing is read while it is not polled.
///
/// # Cancel safety
/// Dropping it closes the connection. Dropping the future of [`try_next`](Self::try_next) loses nothing.
///
/// ```no_run
/// # use polyagent::oma::{Oma, types::*};
/// # async fn example(client: Oma, id: &str) -> Result<(), polyagent::Error> {
/// let mut events = client.sessions().stream(id, StreamSessionEventsParams::new()).await?;
/// while let Some(item) = events.try_next().await? {
///     if let Some(event) = item.event() {
///         println!("{}", event.tag());
///     }
/// }
/// # Ok(()) }
/// ```
#[must_use = "a stream is not read until it is polled"]
pub struct EventStream<T> {
    machine: Box<Machine<T>>,
    over: bool,
}

/// The stream of a response that has begun.
pub(crate) fn stream_of<T: Streamed>(body: LiveBody) -> EventStream<T> {
    let feed = T::feed(&body.parts);
    let position = Position::new(body.parts.ids());
    let first = Box::pin(live::check(body));
    EventStream { machine: Box::new(Machine::new(feed, position, first, false)), over: false }
}

impl<T: 'static> EventStream<T> {
    /// A stream that begins with the response of `self` and goes on by `feed`, after `position`.
    pub(crate) fn go_on_by(self, feed: Box<dyn Feed<T>>, position: Position, catch_up: bool) -> Self {
        let first = self.machine.into_first();
        Self { machine: Box::new(Machine::new(feed, position, first, catch_up)), over: false }
    }

    /// A stream that is opened by `feed`.
    #[cfg(test)]
    pub(crate) fn opened_by(feed: Box<dyn Feed<T>>, position: Position, catch_up: bool) -> Self {
        let first = feed.open();
        Self { machine: Box::new(Machine::new(feed, position, first, catch_up)), over: false }
    }

    /// Waits for the head of the first response.
    pub(crate) async fn begin(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.machine.poll_begun(cx)).await
    }

    /// Returns the next item; `None` at the end. The same as `TryStreamExt::try_next`, without the import.
    ///
    /// # Errors
    /// [`Decode`](Error::Decode) for an event that does not decode, and the failure that the server reports: the stream
    /// may go on. A refusal, such as [`NotFound`](Error::NotFound), or [`Stream`](Error::Stream) after ten failed tries
    /// to open it again, is the last item.
    pub async fn try_next(&mut self) -> Result<Option<StreamItem<T>>, Error> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await.transpose()
    }

    /// Returns where the stream is, to be stored. What is handed out later is not a part of it.
    pub fn position(&self) -> &Position {
        self.machine.position()
    }
}

impl<T: 'static> Stream for EventStream<T> {
    type Item = Result<StreamItem<T>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.over {
            return Poll::Ready(None);
        }
        let polled = self.machine.poll_next(cx);
        self.over = matches!(polled, Poll::Ready(None));
        polled
    }
}

impl<T: 'static> FusedStream for EventStream<T> {
    fn is_terminated(&self) -> bool {
        self.over
    }
}

impl<T> Unpin for EventStream<T> {}

impl<T: 'static> fmt::Debug for EventStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("position", self.position()).finish_non_exhaustive()
    }
}
