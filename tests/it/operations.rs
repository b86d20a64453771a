//! The operations of all platforms, as the generator wrote them for tests: the types of what each takes and returns.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use polyagent::{Check, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The platforms whose operations are here.
pub const PLATFORMS: &[&str] = &["elephantasm", "oma", "eclips", "launchpad", "elacity"];

/// All operations, in the order of the document.
pub fn all() -> impl Iterator<Item = &'static Operation> {
    let first = elephantasm::OPERATIONS.iter().chain(oma::OPERATIONS).chain(eclips::OPERATIONS);
    first.chain(launchpad::OPERATIONS).chain(elacity::OPERATIONS)
}

mod elephantasm {
    use polyagent::elephantasm::types;

    use super::*;

    include!(concat!(env!("OUT_DIR"), "/elephantasm_examples.rs"));
}

mod launchpad {
    use polyagent::launchpad::types;

    use super::*;

    include!(concat!(env!("OUT_DIR"), "/launchpad_examples.rs"));
}

mod eclips {
    use polyagent::eclips::types;

    use super::*;

    include!(concat!(env!("OUT_DIR"), "/eclips_examples.rs"));
}

mod elacity {
    use polyagent::elacity::types;

    use super::*;

    include!(concat!(env!("OUT_DIR"), "/elacity_examples.rs"));
}

mod oma {
    use polyagent::oma::types;

    use super::*;

    include!(concat!(env!("OUT_DIR"), "/oma_examples.rs"));
}

/// One operation.
pub struct Operation {
    pub id: &'static str,
    pub idempotent: bool,
    pub timeout: Option<Duration>,
    pub auth: &'static str,
    /// The documented home first.
    pub routes: &'static [&'static str],
    /// The body, if a generated type describes it.
    pub request: Option<Decode>,
    pub response: Response,
}

/// Decodes an example and says what is wrong with it.
pub type Decode = fn(&Value, &Aliases) -> Result<(), String>;

/// How the success of an operation is decoded.
#[allow(dead_code, reason = "not every platform has all of them")]
pub enum Response {
    /// Nothing, or not JSON.
    None,
    /// JSON; and the keys under which it may come wrapped.
    Json(Decode, &'static [&'static str]),
    /// The items of a list; and the keys that may hold them.
    Page(Decode, &'static [&'static str]),
    /// One event.
    Events(Decode),
    /// One line.
    Lines(Decode),
}

impl Response {
    pub fn decode(&self, example: &Value, aliases: &Aliases) -> Result<(), String> {
        match self {
            Self::None => Ok(()),
            Self::Json(decode, wrapped) => {
                let inside = wrapped.iter().filter_map(|key| example.get(key).filter(|inside| inside.is_object()));
                let mut forms = inside.chain([example]).map(|form| decode(form, aliases));
                let first = forms.next().unwrap_or(Ok(()));
                first.or_else(|error| forms.find(Result::is_ok).unwrap_or(Err(error)))
            }
            Self::Page(decode, keys) => {
                let held = keys.iter().find_map(|key| example.get(key)?.as_array());
                let items = example.as_array().or(held).ok_or("holds no list")?;
                items.iter().try_for_each(|item| decode(item, aliases))
            }
            Self::Events(decode) | Self::Lines(decode) => decode(example, aliases),
        }
    }
}

/// A request decodes, is in order, and is written again as it was.
fn request<T: DeserializeOwned + Serialize + Check>(example: &Value, _: &Aliases) -> Result<(), String> {
    let request: T = decode(example)?;
    request.check().map_err(|error| error.to_string())?;
    let written = serde_json::to_value(&request).unwrap();
    let is_nothing = |_: &Value| false;
    no_change(change(example, &written, &Aliases::new(), &is_nothing))?;
    no_change(change(&written, example, &Aliases::new(), &is_nothing))
}

/// A response decodes, and nothing that it says is dropped.
fn response<T: DeserializeOwned + Serialize>(example: &Value, aliases: &Aliases) -> Result<(), String> {
    let response: T = decode(example)?;
    let kept = serde_json::to_value(&response).unwrap();
    let is_nothing = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    no_change(change(example, &kept, aliases, &is_nothing))
}

fn decode<T: DeserializeOwned>(example: &Value) -> Result<T, String> {
    serde_json::from_str(&example.to_string()).map_err(|error| error.to_string())
}

fn no_change(change: Option<String>) -> Result<(), String> {
    change.map_or(Ok(()), |path| Err(format!("`{path}` changes")))
}

/// Where `value` first says what `copy` does not. Fields whose value `is_nothing` are passed over.
pub fn change(value: &Value, copy: &Value, aliases: &Aliases, is_nothing: &dyn Fn(&Value) -> bool) -> Option<String> {
    let below = |key: &dyn fmt::Display, value, copy| {
        change(value, copy, aliases, is_nothing).map(|path| format!("/{key}{path}"))
    };
    match (value, copy) {
        (Value::Object(fields), Value::Object(copies)) => {
            fields.iter().filter(|(_, field)| !is_nothing(field)).find_map(|(name, field)| {
                let also = aliases.get(name).into_iter().flatten();
                let copy = std::iter::once(name).chain(also).find_map(|name| copies.get(name));
                copy.map_or_else(|| Some(format!("/{name}")), |copy| below(name, field, copy))
            })
        }
        (Value::Array(items), Value::Array(copies)) if items.len() == copies.len() => {
            items.iter().zip(copies).enumerate().find_map(|(at, (item, copy))| below(&at, item, copy))
        }
        (Value::String(short), Value::Object(_) | Value::Array(_)) => (!says(copy, short)).then(String::new),
        (value, copy) => (!is_same(value, copy)).then(String::new),
    }
}

/// Whether `text` stands where the long form of a short one has it.
fn says(long: &Value, text: &str) -> bool {
    match long {
        Value::String(said) => said == text,
        Value::Array(items) => matches!(items.as_slice(), [only] if says(only, text)),
        Value::Object(fields) => fields.values().any(|field| says(field, text)),
        _ => false,
    }
}

/// Numbers may be written in another way, and timestamps with another offset or as text.
fn is_same(value: &Value, copy: &Value) -> bool {
    let time = |value: &Value| match value {
        Value::String(text) => text.parse::<Timestamp>().ok(),
        Value::Number(number) => {
            let number = number.as_i64()?;
            if number < 100_000_000_000 {
                Timestamp::from_unix_seconds(number)
            } else {
                Timestamp::from_unix_millis(number)
            }
        }
        _ => None,
    };
    value == copy
        || value.as_f64().is_some_and(|number| copy.as_f64() == Some(number))
        || time(value).is_some_and(|at| time(copy) == Some(at))
}

/// The names that a field has in Rust, by a name that is read as well.
pub type Aliases = BTreeMap<String, Vec<String>>;
