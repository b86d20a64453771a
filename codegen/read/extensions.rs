//! One walk over the whole document: extensions are from a closed list, references resolve.

use serde_json::Value;

use super::document::{Document, Node};
use crate::codegen::error::SpecError;

/// The kind of place of a node in the document, as far as it matters for extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// A map whose keys are names, or a list; and the place of its values.
    Names(&'static Self),
    Operation,
    Parameter,
    Media,
    Tag,
    /// A component schema.
    Component,
    /// A property of a component.
    Property,
    /// An arm of a union.
    Arm,
    /// The schema of an element, a parameter or a body.
    Schema,
    Other,
}

/// The kind of value of an extension.
#[derive(Clone, Copy, Debug)]
enum Takes {
    Truth,
    Seconds,
    Texts,
    Text,
    /// Strings by name.
    TextByName,
    /// Lists of strings by name.
    TextsByName,
    Objects,
    /// `true`, `false` or one of these.
    TruthOr(&'static [&'static str]),
    OneOf(&'static [&'static str]),
    /// An object, or one of these.
    ObjectOr(&'static [&'static str]),
}

/// The closed list: name, allowed places (none: anywhere), kind of value. CONTRIBUTING.md describes them.
const EXTENSIONS: [(&str, &[Place], Takes); 18] = [
    ("x-provenance", &[], Takes::OneOf(&["seed", "server", "docs", "inferred"])),
    ("x-generations", &[Place::Tag], Takes::Texts),
    ("x-retry", &[Place::Operation], Takes::OneOf(&["idempotent", "never"])),
    ("x-timeout", &[Place::Operation], Takes::Seconds),
    ("x-page", &[Place::Operation], Takes::ObjectOr(&["offset", "after_id", "after_seq", "once"])),
    ("x-wrapped", &[Place::Operation], Takes::Texts),
    ("x-routes", &[Place::Operation], Takes::Objects),
    ("x-stream", &[Place::Operation, Place::Media], Takes::OneOf(&["sse", "bytes"])),
    ("x-for", &[Place::Operation, Place::Parameter, Place::Property, Place::Arm], Takes::Texts),
    ("x-for", &[Place::Component], Takes::TextsByName),
    ("x-spelled", &[Place::Parameter, Place::Property], Takes::TextByName),
    ("x-secret", &[Place::Property, Place::Schema], Takes::Truth),
    ("x-timestamp", &[Place::Property, Place::Schema], Takes::TruthOr(&["seconds", "milliseconds", "any"])),
    ("x-aliases", &[Place::Property], Takes::Texts),
    ("x-aliases", &[Place::Component], Takes::TextsByName),
    ("x-ignore-case", &[Place::Component], Takes::Truth),
    ("x-shorthand", &[Place::Component], Takes::Text),
    ("x-keep-unknown", &[Place::Component], Takes::Truth),
];

/// Keys whose values are data rather than schema, and may have any key.
const DATA: [&str; 4] = ["example", "examples", "default", "enum"];

/// All errors in the extensions and references of the document.
pub fn errors(document: &Document) -> Vec<SpecError> {
    let mut walk = Walk { document, errors: Vec::new() };
    walk.visit(&document.root(), Place::Other);
    walk.errors
}

struct Walk<'d> {
    document: &'d Document,
    errors: Vec<SpecError>,
}

impl Walk<'_> {
    fn visit(&mut self, node: &Node<'_>, place: Place) {
        match node.value {
            Value::Array(_) => {
                for item in node.items().unwrap_or_default() {
                    self.visit(&item, element(place));
                }
            }
            Value::Object(_) => {
                for (key, child) in node.entries().unwrap_or_default() {
                    self.entry(key, &child, place);
                }
                self.provenance(node, place);
            }
            _ => {}
        }
    }

    fn entry(&mut self, key: &str, node: &Node<'_>, place: Place) {
        if let Place::Names(inner) = place {
            self.visit(node, *inner);
        } else if key.starts_with("x-") {
            self.errors.extend(extension(key, node, place).err());
        } else if key == "$ref" {
            self.reference(node);
        } else if !DATA.contains(&key) {
            self.visit(node, under(key));
        }
    }

    fn reference(&mut self, node: &Node<'_>) {
        let target = node.value.as_str().and_then(|reference| self.document.target(reference));
        if target.is_none() {
            self.errors.push(node.error(format!("{} leads nowhere", node.value)));
        }
    }

    /// Every operation states the provenance of its facts.
    fn provenance(&mut self, node: &Node<'_>, place: Place) {
        if place == Place::Operation && node.get("x-provenance").is_none() {
            self.errors.push(node.error("`x-provenance` is missing"));
        }
    }
}

fn extension(key: &str, node: &Node<'_>, place: Place) -> Result<(), SpecError> {
    let mut known = EXTENSIONS.iter().filter(|(name, ..)| *name == key).peekable();
    if known.peek().is_none() {
        return Err(node.error(format!("unknown extension `{key}`")));
    }
    let here = known.find(|(_, places, _)| places.is_empty() || places.contains(&place));
    let (_, _, takes) = here.ok_or_else(|| node.error(format!("`{key}` has no meaning here")))?;
    takes.accept(node.value).map_err(|wanted| node.error(format!("`{key}` takes {wanted}")))
}

impl Takes {
    /// Returns what is expected if `value` is not valid.
    fn accept(self, value: &Value) -> Result<(), String> {
        if self.takes(value) {
            return Ok(());
        }
        Err(match self {
            Self::Truth => "true or false".to_owned(),
            Self::Seconds => "a number of seconds".to_owned(),
            Self::Texts => "a list of strings".to_owned(),
            Self::Text => "a string".to_owned(),
            Self::TextByName => "an object of strings".to_owned(),
            Self::TextsByName => "an object of lists of strings".to_owned(),
            Self::Objects => "a list of objects".to_owned(),
            Self::TruthOr(words) => format!("true, false, {}", words.join(" or ")),
            Self::OneOf(words) => words.join(" or "),
            Self::ObjectOr(words) => format!("an object, {}", words.join(" or ")),
        })
    }

    fn takes(self, value: &Value) -> bool {
        let one_of = |words: &[&str]| value.as_str().is_some_and(|word| words.contains(&word));
        let items =
            |is: fn(&Value) -> bool| value.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(is));
        let values = |is: fn(&Value) -> bool| {
            value.as_object().is_some_and(|object| !object.is_empty() && object.values().all(is))
        };
        match self {
            Self::Truth => value.is_boolean(),
            Self::Seconds => value.is_number(),
            Self::Texts => items(Value::is_string),
            Self::Text => value.is_string(),
            Self::TextByName => values(Value::is_string),
            Self::TextsByName => values(|texts| Self::Texts.takes(texts)),
            Self::Objects => items(Value::is_object),
            Self::TruthOr(words) => value.is_boolean() || one_of(words),
            Self::OneOf(words) => one_of(words),
            Self::ObjectOr(words) => value.is_object() || one_of(words),
        }
    }
}

/// The place of the elements of an array at `place`.
fn element(place: Place) -> Place {
    match place {
        Place::Names(inner) => *inner,
        _ => Place::Other,
    }
}

/// The place of the child `key` of a node.
fn under(key: &str) -> Place {
    match key {
        "tags" => Place::Names(&Place::Tag),
        "schemas" => Place::Names(&Place::Component),
        "properties" => Place::Names(&Place::Property),
        "oneOf" | "anyOf" => Place::Names(&Place::Arm),
        "content" => Place::Names(&Place::Media),
        "parameters" => Place::Names(&Place::Parameter),
        "paths" | "responses" | "headers" | "requestBodies" | "securitySchemes" | "mapping" | "links" | "callbacks"
        | "scopes" | "variables" => Place::Names(&Place::Other),
        "get" | "put" | "post" | "delete" | "patch" | "head" | "options" | "trace" => Place::Operation,
        "schema" | "items" | "additionalProperties" => Place::Schema,
        _ => Place::Other,
    }
}
