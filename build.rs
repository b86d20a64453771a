//! Generates the types and the operation table of each enabled platform from `spec/openapi.json`.

mod codegen;

use std::path::PathBuf;
use std::{env, fs};

use codegen::Generated;

const DOCUMENT: &str = "spec/openapi.json";

/// The platforms that the document may describe.
const PLATFORMS: [&str; 5] = ["elephantasm", "oma", "eclips", "launchpad", "elacity"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed={DOCUMENT}");
    println!("cargo::rerun-if-changed=codegen");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set; this is cargo's part")?);
    let text = fs::read_to_string(DOCUMENT).map_err(|error| format!("{DOCUMENT}: {error}"))?;
    match codegen::generate(&text, &PLATFORMS, &enabled()) {
        Ok(platforms) => {
            for generated in platforms {
                let Generated { platform, types, operations, sandbox, examples } = generated;
                for (part, text) in
                    [("types", types), ("ops", operations), ("sandbox", sandbox), ("examples", examples)]
                {
                    fs::write(out.join(format!("{platform}_{part}.rs")), text)?;
                }
            }
            Ok(())
        }
        Err(errors) => {
            for error in errors.to_string().lines() {
                println!("cargo::error={DOCUMENT}: {error}");
            }
            Ok(())
        }
    }
}

/// The platforms whose Cargo feature is enabled.
fn enabled() -> Vec<&'static str> {
    let on = |platform: &str| env::var_os(format!("CARGO_FEATURE_{}", platform.to_uppercase())).is_some();
    PLATFORMS.into_iter().filter(|platform| on(platform)).collect()
}
