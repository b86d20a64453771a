//! Server-sent events: from bytes to a stream of events that survives its connections.

mod decoder;
#[cfg(feature = "oma")]
mod feed;
#[cfg(feature = "oma")]
mod live;
#[cfg(feature = "oma")]
mod machine;
#[cfg(feature = "oma")]
mod position;
#[cfg(feature = "oma")]
mod stream;

#[cfg(feature = "oma")]
pub(crate) use self::feed::{Entry, Fate, Feed, Frame, Rows};
#[cfg(feature = "oma")]
pub(crate) use self::live::{Live, open};
#[cfg(feature = "oma")]
pub use self::position::Position;
#[cfg(feature = "oma")]
pub(crate) use self::position::{Facts, Preview, Start, fingerprint};
#[cfg(feature = "oma")]
pub use self::stream::{EventStream, Gap, StreamItem};
#[cfg(feature = "oma")]
pub(crate) use self::stream::{Streamed, stream_of};

#[cfg(any(feature = "eclips", feature = "launchpad"))]
pub(crate) use self::decoder::Decoder;
