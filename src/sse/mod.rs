//! Server-sent events.

mod decoder;

pub(crate) use self::decoder::Decoder;
