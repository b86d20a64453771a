//! Server-sent events.

use std::marker::PhantomData;

/// Events that a server sends while the response lasts.
#[derive(Debug)]
pub struct EventStream<T>(PhantomData<T>);
