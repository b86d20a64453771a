//! The sandbox, as programs in other languages see it over its port, and as users of the crate see it.

mod quickstart;
