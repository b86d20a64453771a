//! Server-sent events.

mod decoder;

use std::marker::PhantomData;

#[allow(unused_imports, reason = "not every platform needs it")]
pub(crate) use self::decoder::Decoder;

/// Events that a server sends while the response lasts.
#[derive(Debug)]
pub struct EventStream<T>(PhantomData<T>);
