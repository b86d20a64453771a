//! The generator, by what it writes.
//!
//! `golden/<rule>.json` holds the schemas of one rule and `golden/<rule>.rs` what becomes of them, byte for byte. The
//! committed output is compiled into this test too, and fed literal JSON. `UPDATE_GOLDEN=1` rewrites it; read the diff then,
//! it is what the tests compare with.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests may fail a test")]

#[path = "../codegen/mod.rs"]
mod codegen;

#[path = "../src/check.rs"]
#[allow(dead_code, reason = "generated types use it, those here not all of it")]
mod check;
#[path = "../src/open/mod.rs"]
#[allow(dead_code, unused_imports, reason = "generated types use it, those here not all of it")]
mod open;
#[path = "../src/secret.rs"]
#[allow(dead_code, reason = "generated types use it, those here not all of it")]
mod secret;

#[path = "codegen/checks.rs"]
mod checks;
#[path = "codegen/enums.rs"]
mod enums;
#[path = "codegen/fields.rs"]
mod fields;
#[path = "codegen/fragment.rs"]
mod fragment;
#[path = "codegen/golden.rs"]
mod golden;
#[path = "codegen/operations.rs"]
mod operations;
#[path = "codegen/params.rs"]
mod params;
#[path = "codegen/refusals.rs"]
mod refusals;
#[path = "codegen/refused_schemas.rs"]
mod refused_schemas;
#[path = "codegen/scalars.rs"]
mod scalars;
#[path = "codegen/unions.rs"]
mod unions;

// The generated table names these; the crate's own need a client.
use operations::{http, page, sse};
