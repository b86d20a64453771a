//! One walk over the whole document: extensions are from a closed list, references resolve.

use serde_json::Value;

use super::document::{Document, Node};
use super::refusal::Refusal;

/// The kind of place of a node in the document, as far as it matters for extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// A map whose keys are names, and the place of its values.
    Names(&'static Self),
    Operation,
    Media,
    /// A component schema.
    Component,
    /// The schema of a property, a parameter or an element.
    Property,
    Other,
}

/// The kind of value of an extension.
#[derive(Clone, Copy, Debug)]
enum Takes {
    Truth,
    Seconds,
    Texts,
    Text,
    OneOf(&'static [&'static str]),
}

/// The closed list: name, allowed places (none: anywhere), kind of value.
const EXTENSIONS: [(&str, &[Place], Takes); 10] = [
    ("x-provenance", &[], Takes::OneOf(&["seed", "server", "docs", "inferred"])),
    ("x-retry", &[Place::Operation], Takes::OneOf(&["idempotent", "never"])),
    ("x-timeout", &[Place::Operation], Takes::Seconds),
    ("x-page", &[Place::Operation], Takes::OneOf(&["offset"])),
    ("x-stream", &[Place::Operation, Place::Media], Takes::OneOf(&["sse"])),
    ("x-alternate-of", &[Place::Operation], Takes::Text),
    ("x-secret", &[Place::Property], Takes::Truth),
    ("x-timestamp", &[Place::Property], Takes::Truth),
    ("x-aliases", &[Place::Property], Takes::Texts),
    ("x-keep-unknown", &[Place::Component], Takes::Truth),
];

/// Keys whose values are data rather than schema, and may have any key.
const DATA: [&str; 4] = ["example", "examples", "default", "enum"];

/// All errors in the extensions and references of the document.
pub fn refusals(document: &Document) -> Vec<Refusal> {
    let mut walk = Walk { document, refusals: Vec::new() };
    walk.visit(&document.root(), Place::Other);
    walk.refusals
}

struct Walk<'d> {
    document: &'d Document,
    refusals: Vec<Refusal>,
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
            self.refusals.extend(extension(key, node, place).err());
        } else if key == "$ref" {
            self.reference(node);
        } else if !DATA.contains(&key) {
            self.visit(node, under(key));
        }
    }

    fn reference(&mut self, node: &Node<'_>) {
        let target = node.value.as_str().and_then(|reference| self.document.target(reference));
        if target.is_none() {
            self.refusals.push(node.refuse(format!("{} leads nowhere", node.value)));
        }
    }

    /// Every operation states the provenance of its facts.
    fn provenance(&mut self, node: &Node<'_>, place: Place) {
        if place == Place::Operation && node.get("x-provenance").is_none() {
            self.refusals.push(node.refuse("`x-provenance` is missing"));
        }
    }
}

fn extension(key: &str, node: &Node<'_>, place: Place) -> Result<(), Refusal> {
    let known = EXTENSIONS.iter().find(|(name, ..)| *name == key);
    let (_, places, takes) = known.ok_or_else(|| node.refuse(format!("unknown extension `{key}`")))?;
    if !places.is_empty() && !places.contains(&place) {
        return Err(node.refuse(format!("`{key}` has no meaning here")));
    }
    takes.accept(node.value).map_err(|wanted| node.refuse(format!("`{key}` takes {wanted}")))
}

impl Takes {
    /// Returns what is expected if `value` is not valid.
    fn accept(self, value: &Value) -> Result<(), String> {
        let texts = || value.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(Value::is_string));
        match self {
            Self::Truth if value.is_boolean() => Ok(()),
            Self::Seconds if value.is_number() => Ok(()),
            Self::Texts if texts() => Ok(()),
            Self::Text if value.is_string() => Ok(()),
            Self::OneOf(words) if value.as_str().is_some_and(|word| words.contains(&word)) => Ok(()),
            Self::Truth => Err("true or false".to_owned()),
            Self::Seconds => Err("a number of seconds".to_owned()),
            Self::Texts => Err("a list of strings".to_owned()),
            Self::Text => Err("a string".to_owned()),
            Self::OneOf(words) => Err(words.join(" or ")),
        }
    }
}

/// The place of the elements of an array at `place`.
fn element(place: Place) -> Place {
    match place {
        // The arms of a union and the wrapper around a reference are schemas like those of properties.
        Place::Property => Place::Property,
        _ => Place::Other,
    }
}

/// The place of the child `key` of a node.
fn under(key: &str) -> Place {
    match key {
        "schemas" => Place::Names(&Place::Component),
        "properties" => Place::Names(&Place::Property),
        "content" => Place::Names(&Place::Media),
        // `parameters` is a list in an operation and a map in the components; a list has no keys to confuse.
        "paths" | "responses" | "headers" | "parameters" | "requestBodies" | "securitySchemes" | "mapping"
        | "links" | "callbacks" | "scopes" | "variables" => Place::Names(&Place::Other),
        "get" | "put" | "post" | "delete" | "patch" | "head" | "options" | "trace" => Place::Operation,
        "schema" | "items" | "additionalProperties" | "allOf" | "oneOf" | "anyOf" | "not" => Place::Property,
        _ => Place::Other,
    }
}
