//! Generates progenitor's client of the measured operations. Its types are replaced by polyagent's own, so that all
//! clients write and decode the same.

use std::path::PathBuf;
use std::{env, fs};

use progenitor_impl::{GenerationSettings, Generator};

const DOCUMENT: &str = "spec/animas.json";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed={DOCUMENT}");
    let document = serde_json::from_str(&fs::read_to_string(DOCUMENT)?)?;
    let mut settings = GenerationSettings::new();
    for name in ["Anima", "AnimaCreate"] {
        settings.with_replacement(name, format!("polyagent::elephantasm::types::{name}"), std::iter::empty());
    }
    let tokens = Generator::new(&settings).generate_tokens(&document)?;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    fs::write(out.join("progenitor_client.rs"), prettyplease::unparse(&syn::parse2(tokens)?))?;
    Ok(())
}
