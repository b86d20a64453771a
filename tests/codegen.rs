//! The generator: what it writes, and what it rejects.
//!
//! `golden/<rule>.json` holds the schemas of one rule and `golden/<rule>.rs` what becomes of them, byte for byte;
//! `generated.rs` compiles that and feeds it literal JSON. `UPDATE_GOLDEN=1` rewrites it; read the diff then, it is
//! what the tests compare with.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests may fail a test")]

#[path = "../codegen/mod.rs"]
mod codegen;

#[path = "codegen/fragment.rs"]
mod fragment;
#[path = "codegen/golden.rs"]
mod golden;
#[path = "codegen/lists.rs"]
mod lists;
#[path = "codegen/schema_errors.rs"]
mod schema_errors;
#[path = "codegen/short_form_errors.rs"]
mod short_form_errors;
#[path = "codegen/spec_errors.rs"]
mod spec_errors;
