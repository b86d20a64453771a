//! The generated code, by what it does: the committed output of the generator, fed with literal JSON. `codegen.rs`
//! proves that it is what the generator writes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests may fail a test")]

#[path = "../src/check.rs"]
#[allow(dead_code, reason = "generated types use it, those here not all of it")]
mod check;
#[path = "../src/secret.rs"]
#[allow(dead_code, reason = "generated types use it, those here not all of it")]
mod secret;
#[path = "../src/serde_ext/mod.rs"]
#[allow(dead_code, unused_imports, reason = "generated types use it, those here not all of it")]
mod serde_ext;
#[path = "../src/spelling.rs"]
#[allow(dead_code, reason = "generated types use it, those here not all of it")]
mod spelling;

#[path = "generated/accessors.rs"]
mod accessors;
#[path = "generated/checks.rs"]
mod checks;
#[path = "generated/enums.rs"]
mod enums;
#[path = "generated/fields.rs"]
mod fields;
#[path = "generated/operations.rs"]
mod operations;
#[path = "generated/params.rs"]
mod params;
#[path = "generated/readings.rs"]
mod readings;
#[path = "generated/sandbox.rs"]
mod sandbox;
#[path = "generated/scalars.rs"]
mod scalars;
#[path = "generated/secrets.rs"]
mod secrets;
#[path = "generated/shadowing.rs"]
mod shadowing;
#[path = "generated/short_forms.rs"]
mod short_forms;
#[path = "generated/spelling.rs"]
mod spellings;
#[path = "generated/unions.rs"]
mod unions;

// The generated table names these; the crate's own need a client.
use operations::{http, page, sse};

/// A module for each rule of `golden/`.
mod golden {
    macro_rules! rules {
        ($($rule:ident)*) => {
            $(
                #[allow(dead_code, clippy::too_many_arguments, clippy::too_many_lines, clippy::option_option, reason = "generated")]
                #[allow(clippy::match_single_binding, clippy::semicolon_if_nothing_returned, clippy::similar_names)]
                pub mod $rule {
                    include!(concat!("golden/", stringify!($rule), ".rs"));
                }
            )*
        };
    }

    rules! {
        accessors aliases checks client_defaults docs enums keep_unknown lists nullable operations order params pruning readings recursion
        scalars secrets shadowing short_forms spelling unions untagged updates
    }
}
