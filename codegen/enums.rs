//! String enums.

use super::component::Component;
use super::docs;
use super::platform::Platform;
use super::refusal::Refusal;
use super::typify::Types;

/// The variant of every open type for unknown values.
pub const UNKNOWN: &str = "Unknown";
/// The variant of the value `unknown`, if the platform itself has it.
const SAYS_UNKNOWN: &str = "UnknownValue";

/// The macro call that defines the enum. It is text and not tokens, because prettyplease cannot format macro input.
pub fn text(
    platform: &Platform<'_>,
    types: &Types,
    component: &Component,
    words: &[String],
) -> Result<String, Refusal> {
    let name = platform.type_name(&component.name);
    let variant = |word: &String| {
        let ident = types.variant(name, word, &component.pointer)?.to_string();
        let ident = if ident == UNKNOWN { SAYS_UNKNOWN } else { &ident };
        Ok(format!("        /// `{word}`\n        {ident} = {word:?},\n"))
    };
    let variants = words.iter().map(variant).collect::<Result<String, Refusal>>()?;
    let description = docs::sentence(component.description.as_deref(), &format!("The words of a `{name}`."));
    let comment = docs::comments(&description, 1);
    Ok(format!("crate::open::open_enum! {{\n{comment}    pub enum {name} {{\n{variants}    }}\n}}\n"))
}
