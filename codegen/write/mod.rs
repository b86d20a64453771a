//! From one platform's part of the model to text.

pub mod accessors;
pub mod checks;
pub mod docs;
pub mod enums;
pub mod examples;
pub mod fields;
#[allow(dead_code, reason = "build.rs has no use for it, tests/codegen.rs has")]
pub mod listing;
#[allow(dead_code, reason = "build.rs has no use for it, tests/codegen.rs has")]
pub mod names;
pub mod operations;
mod reading;
pub mod sandbox;
pub mod setters;
pub mod spelling;
mod structs;
pub mod types;
pub mod typify;
pub mod unions;
pub mod writer;
