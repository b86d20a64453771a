//! The generator: from the OpenAPI document to the types and the tables of each platform.
//!
//! ```text
//! read: document -> api (checked) -> platform (pruned) -> write: types, operations, sandbox, examples
//! ```
//!
//! `build.rs` writes the text into `OUT_DIR`; `tests/codegen.rs` compares it with committed files. Each error in a
//! document is a [`SpecError`](error::SpecError): its pointer and its reason.

mod error;
mod platform;
mod read;
mod write;

pub use error::SpecErrors;
use platform::Platform;
use read::api::Api;
use write::typify::Types;
use write::writer::Writer;

/// The generated text of one platform.
pub struct Generated {
    pub platform: String,
    pub types: String,
    pub operations: String,
    pub sandbox: String,
    /// For tests that walk all operations.
    pub examples: String,
}

/// Parses and checks the whole document, which may describe the platforms `known`, then generates the code of
/// `enabled`.
pub fn generate(document: &str, known: &[&str], enabled: &[&str]) -> Result<Vec<Generated>, SpecErrors> {
    let api = Api::read(document, known)?;
    enabled.iter().map(|name| one(&api, name)).collect()
}

/// The public names of the platforms `known`, for a snapshot.
#[allow(dead_code, reason = "build.rs has no use for it, tests/codegen.rs has")]
pub fn names(document: &str, known: &[&str]) -> Result<String, SpecErrors> {
    let api = Api::read(document, known)?;
    let names = |name: &&str| {
        let platform = Platform::of(&api, name);
        let params = platform.params()?;
        let types = Types::of(&platform, &params)?;
        Ok(write::names::listing(name, &Writer::new(&platform, &types), &params)?)
    };
    known.iter().map(names).collect()
}

/// Every operation of the platforms `known`, for a snapshot.
#[allow(dead_code, reason = "build.rs has no use for it, tests/codegen.rs has")]
pub fn operations(document: &str, known: &[&str]) -> Result<String, SpecErrors> {
    let api = Api::read(document, known)?;
    Ok(known.iter().map(|name| write::listing::file(&Platform::of(&api, name))).collect())
}

fn one(api: &Api, name: &str) -> Result<Generated, SpecErrors> {
    let platform = Platform::of(api, name);
    let params = platform.params()?;
    let types = Types::of(&platform, &params)?;
    let writer = Writer::new(&platform, &types);
    Ok(Generated {
        platform: name.to_owned(),
        types: write::types::file(&writer, &params)?,
        operations: write::operations::file(&writer)?,
        sandbox: write::sandbox::file(&platform)?,
        examples: write::examples::file(&writer)?,
    })
}
