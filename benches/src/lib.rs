//! What the measurements share.

pub mod process;
pub mod valgrind;
