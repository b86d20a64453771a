//! Server-sent events.

mod decoder;
