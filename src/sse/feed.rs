//! Where the events of a stream come from, and what they mean.

use futures::future::BoxFuture;

use super::live::Live;
use super::position::{Facts, Preview, Start};
use crate::Error;
use crate::error::{BoxError, StreamFault};
use crate::http::SentSecret;
use crate::page::Cursor;

/// An event of the history, or what it says although it does not decode.
pub(crate) struct Entry<T> {
    pub(crate) event: Result<T, Error>,
    /// What is known of an event that does not decode.
    pub(crate) known: Facts,
}

/// A page of the history.
pub(crate) struct Rows<T> {
    pub(crate) entries: Vec<Entry<T>>,
    pub(crate) next: Option<Cursor>,
}

/// What a frame is.
pub(crate) enum Frame<T> {
    /// Nothing, such as a heartbeat.
    Nothing,
    Event(T),
    /// An event that does not decode, and what is known of it.
    Broken(Error, Facts),
    /// The server reports that it failed. The stream is over if it `ends`.
    Failed {
        error: Error,
        ends: bool,
    },
}

/// What an event means for the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    GoesOn,
    /// Nothing follows that belongs to it.
    Ends,
    /// It ends as soon as what was begun is complete, which may not happen.
    EndsSoon,
    /// Only the server knows whether it ends.
    Ask,
}

/// Where the events of a machine come from.
pub(crate) trait Feed<T>: Send + 'static {
    /// Opens the live connection.
    fn open(&self) -> BoxFuture<'static, Result<Live, Error>>;
    /// Reads a page of the history; `None` if there is no history.
    fn history(&self, start: Start, cursor: Option<Cursor>) -> BoxFuture<'static, Result<Option<Rows<T>>, Error>>;
    /// Whether nothing more will come, as the server says; `rests`: or it may be all that belongs to the stream.
    fn is_over(&self, rests: bool) -> BoxFuture<'static, Result<bool, Error>>;
    /// Takes note of the key that opened the live connection.
    fn opened_with(&mut self, secret: Option<SentSecret>);
    fn decode(&self, name: &str, data: &str) -> Frame<T>;
    /// `of_history`: whether a content without an id must be told from others although it has a number.
    fn facts(&self, event: &T, of_history: bool) -> Facts;
    fn preview<'e>(&self, event: &'e T) -> Preview<'e>;
    fn fate(&mut self, event: &T) -> Fate;
    fn error(&self, fault: StreamFault, received: u64, source: Option<BoxError>) -> Error;
    /// Whether another try may succeed after `error`.
    fn may_recover(&self, error: &Error) -> bool;
}
