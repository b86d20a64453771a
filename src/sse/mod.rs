//! Server-sent events: from bytes to a stream of events that survives its connections.

mod decoder;
mod live;
mod machine;
mod position;
mod stream;

pub(crate) use self::live::{Live, open};
pub(crate) use self::machine::{Entry, Fate, Feed, Frame, Rows};
pub use self::position::Position;
pub(crate) use self::position::{Facts, Preview, Start, fingerprint};
pub use self::stream::{EventStream, Gap, StreamItem};
pub(crate) use self::stream::{Streamed, stream_of};
