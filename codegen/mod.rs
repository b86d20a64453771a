//! The generator: from the OpenAPI document to the types and the operation table of each platform.
//!
//! ```text
//! document -> api (checked) -> platform (pruned) -> typify (Rust types) -> types, operations (text)
//! ```
//!
//! `build.rs` writes the text into `OUT_DIR`; `tests/codegen.rs` compares it with committed files. Each error in a
//! document is a [`Refusal`](refusal::Refusal): its pointer and its reason.

mod answer;
mod api;
mod bounds;
mod checks;
mod component;
mod docs;
mod document;
mod enums;
mod extensions;
mod fields;
#[allow(dead_code, reason = "build.rs has no use for it, tests/codegen.rs has")]
mod names;
mod operation;
mod operations;
mod platform;
mod refusal;
mod schema;
mod setters;
mod structs;
mod types;
mod typify;
mod unions;

use api::Api;
pub use operation::PLATFORMS;
use platform::Platform;
pub use refusal::Refusals;
use types::Writer;
use typify::Types;

/// The generated text of one platform.
pub struct Generated {
    pub platform: String,
    pub types: String,
    pub operations: String,
}

/// Parses and validates the whole document, then generates the code of `platforms`.
pub fn generate(document: &str, platforms: &[&str]) -> Result<Vec<Generated>, Refusals> {
    let api = Api::read(document)?;
    platforms.iter().map(|name| one(&api, name)).collect()
}

/// The public names of `platforms`, for a snapshot.
#[allow(dead_code, reason = "build.rs has no use for it, tests/codegen.rs has")]
pub fn listing(document: &str, platforms: &[&str]) -> Result<String, Refusals> {
    let api = Api::read(document)?;
    let listing = |name: &&str| {
        let platform = Platform::of(&api, name);
        let params = platform.params()?;
        Ok(names::listing(name, &platform, &Types::of(&platform, &params)?, &params)?)
    };
    platforms.iter().map(listing).collect()
}

fn one(api: &Api, name: &str) -> Result<Generated, Refusals> {
    let platform = Platform::of(api, name);
    let params = platform.params()?;
    let types = Types::of(&platform, &params)?;
    Ok(Generated {
        platform: name.to_owned(),
        types: Writer::new(&platform, &types).file(&params)?,
        operations: operations::file(&platform, &types)?,
    })
}
