//! String enums.

use std::collections::BTreeMap;

use heck::ToUpperCamelCase;

use super::docs;
use crate::codegen::error::SpecError;
use crate::codegen::read::component::{Component, EnumValue, Values};

/// The variant of every open type for unknown values.
pub const UNKNOWN: &str = "Unknown";

/// The macro call that defines the enum. It is text and not tokens, because prettyplease cannot format macro input.
pub fn text(name: &str, component: &Component, values: &Values) -> Result<String, SpecError> {
    let idents = variants(values)?;
    let variant = |(value, ident): (&EnumValue, String)| {
        let texts: Vec<String> =
            std::iter::once(&value.value).chain(&value.aliases).map(|text| format!("{text:?}")).collect();
        let comment = match value.value.as_str() {
            "" => "The empty string.".to_owned(),
            value => format!("`{}`", value.replace('`', "'")),
        };
        format!("        /// {comment}\n        {ident} = {},\n", texts.join(" | "))
    };
    let variants: String = values.values.iter().zip(idents).map(variant).collect();
    let description = docs::sentence(component.description.as_deref(), &format!("The values of a `{name}`."));
    let comment = docs::comments(&description, 1);
    let case = if values.ignore_case { " in any_case" } else { "" };
    Ok(format!("crate::serde_ext::open_enum! {{\n{comment}    pub enum {name}{case} {{\n{variants}    }}\n}}\n"))
}

/// The identifiers of the values, in their order.
fn variants(values: &Values) -> Result<Vec<String>, SpecError> {
    let mut taken: BTreeMap<String, &str> = BTreeMap::new();
    let mut idents = Vec::new();
    for EnumValue { pointer, value, .. } in &values.values {
        let ident = variant_name(value);
        if syn::parse_str::<syn::Ident>(&ident).is_err() {
            return Err(pointer.error(format!("`{value}` has no name in Rust")));
        }
        if let Some(other) = taken.insert(ident.clone(), value) {
            return Err(pointer.error(format!("`{value}` and `{other}` would both be the variant `{ident}`")));
        }
        idents.push(ident);
    }
    Ok(idents)
}

/// The name of a value: in upper camel case, with signs and symbols spelled out, so that values which differ in them
/// only have names of their own. It depends on nothing but the value.
fn variant_name(value: &str) -> String {
    let (sign, rest) = match value.split_at_checked(1) {
        Some(("+", rest)) => ("Plus", rest),
        Some(("-", rest)) => ("Minus", rest),
        _ => ("", value),
    };
    let spelled: String =
        rest.chars().map(|c| symbol(c).map_or_else(|| c.to_string(), |name| format!(" {name} "))).collect();
    let name = format!("{sign}{}", spelled.to_upper_camel_case());
    match name.as_str() {
        "" if value.is_empty() => "Empty".to_owned(),
        // The variant for values that are not known, and a keyword.
        UNKNOWN | "Self" => format!("{name}Value"),
        _ if name.starts_with(|c: char| c.is_ascii_digit()) => format!("Value{name}"),
        _ => name,
    }
}

/// The name of a symbol that is not merely a separator.
fn symbol(symbol: char) -> Option<&'static str> {
    Some(match symbol {
        '+' => "plus",
        '*' => "star",
        '<' => "less",
        '>' => "greater",
        '=' => "equal",
        '!' => "not",
        '%' => "percent",
        '&' => "and",
        '|' => "or",
        '#' => "hash",
        '@' => "at",
        '$' => "dollar",
        '~' => "tilde",
        '^' => "caret",
        '?' => "question",
        _ => return None,
    })
}
