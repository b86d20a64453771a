//! A schema where it is used: the type of a property, of an element, of a body.
//!
//! Only schemas with a plain Rust type may be inline. Objects, string enums and unions are components, so that schemas
//! and Rust types correspond one to one.

use std::collections::BTreeMap;

use serde_json::Value;

use super::bounds::Bounds;
use super::document::Node;
use crate::codegen::error::{Pointer, SpecError};

/// The shape of a value, and its annotations.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a keyword of its own")]
pub struct Schema {
    pub shape: Shape,
    pub nullable: bool,
    pub description: Option<String>,
    pub default: Option<Value>,
    /// The only value that a string may have.
    pub constant: Option<String>,
    pub deprecated: bool,
    /// Whether the value is never shown.
    pub secret: bool,
    /// Whether a bare string in place of a list is read as a list of one.
    pub one_or_list: bool,
    /// The `format` of a string.
    pub format: Option<String>,
    pub bounds: Bounds,
}

/// The kinds of value that may be inline.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    Text,
    Timestamp(TimeFormat),
    Boolean,
    Integer {
        format: Option<String>,
    },
    Number,
    Any,
    /// Bytes: only a whole body or a part of a form.
    Binary,
    List(Box<Schema>),
    /// An object with arbitrary keys.
    Map(Box<Schema>),
    /// A component, by its full name.
    Component(String),
}

/// How a point in time is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeFormat {
    /// As RFC 3339; the only one that lists and maps may hold.
    Text,
    Seconds,
    Milliseconds,
    /// As any of these; sent as text. `text` is whether text is the documented form.
    Any {
        text: bool,
    },
}

/// The prefix of a reference to a component.
pub const COMPONENTS: &str = "#/components/schemas/";

/// The keywords that the generator supports, and those that it may ignore because they change nothing in Rust.
const KEYWORDS: [&str; 28] = [
    "type",
    "format",
    "enum",
    "title",
    "description",
    "default",
    "nullable",
    "required",
    "properties",
    "additionalProperties",
    "items",
    "allOf",
    "oneOf",
    "anyOf",
    "discriminator",
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "$ref",
    "deprecated",
];
const IGNORED: [&str; 7] = ["example", "externalDocs", "readOnly", "writeOnly", "uniqueItems", "multipleOf", "xml"];

impl Schema {
    /// Reads the inline schema at `node`.
    pub fn read(node: &Node<'_>) -> Result<Self, SpecError> {
        known_keywords(node)?;
        let shape = shape(node)?;
        let secret = node.flag_of("x-secret")?;
        if secret && !can_be_secret(&shape) {
            return Err(node.error("a string, a list, a map or a component may be a secret, nothing else"));
        }
        Ok(Self {
            shape,
            secret,
            one_or_list: false,
            format: node.text_of("format")?.map(str::to_owned),
            nullable: node.flag_of("nullable")?,
            description: node.text_of("description")?.map(str::to_owned),
            default: node.get("default").map(|default| default.value.clone()),
            constant: constant(node),
            deprecated: node.flag_of("deprecated")?,
            bounds: Bounds::read(node)?,
        })
    }

    /// Puts the long form in the place of each reference to a short form, at any depth.
    pub fn lengthen(&mut self, long_forms: &BTreeMap<String, Self>) {
        match &mut self.shape {
            Shape::List(inner) | Shape::Map(inner) => inner.lengthen(long_forms),
            Shape::Component(name) => {
                if let Some(long) = long_forms.get(name) {
                    self.one_or_list = matches!(long.shape, Shape::List(_));
                    self.shape = long.shape.clone();
                    self.bounds = long.bounds.clone();
                }
            }
            _ => {}
        }
    }

    /// The components that this schema refers to.
    pub fn references(&self) -> Vec<&str> {
        match &self.shape {
            Shape::Component(name) => vec![name],
            Shape::List(inner) | Shape::Map(inner) => inner.references(),
            _ => Vec::new(),
        }
    }
}

/// Rejects a keyword that would be silently ignored.
pub fn known_keywords(node: &Node<'_>) -> Result<(), SpecError> {
    let known = |key: &str| KEYWORDS.contains(&key) || IGNORED.contains(&key) || key.starts_with("x-");
    match node.entries()?.into_iter().find(|(key, _)| !known(key)) {
        Some((key, value)) => Err(value.error(format!("the generator does not know the keyword `{key}`"))),
        None => Ok(()),
    }
}

/// The values of a string enum, and where they stand; `null` among them means the same as `nullable`.
pub fn enum_values(node: &Node<'_>) -> Result<Vec<(Pointer, String)>, SpecError> {
    let values = node.items_of("enum")?.into_iter().filter(|value| !value.value.is_null());
    values.map(|value| Ok((value.pointer.clone(), value.text()?.to_owned()))).collect()
}

fn constant(node: &Node<'_>) -> Option<String> {
    let values = enum_values(node).ok()?;
    <[(Pointer, String); 1]>::try_from(values).ok().map(|[(_, value)]| value)
}

fn can_be_secret(shape: &Shape) -> bool {
    matches!(shape, Shape::Text | Shape::List(_) | Shape::Map(_) | Shape::Component(_) | Shape::Any)
}

fn shape(node: &Node<'_>) -> Result<Shape, SpecError> {
    let shape = untimed_shape(node)?;
    let Some(time) = node.get("x-timestamp") else { return Ok(shape) };
    let format = match (time.value.as_str(), time.value.as_bool()) {
        (_, Some(false)) => return Ok(shape),
        (_, Some(true)) => TimeFormat::Text,
        (Some("seconds"), _) => TimeFormat::Seconds,
        (Some("milliseconds"), _) => TimeFormat::Milliseconds,
        _ => TimeFormat::Any { text: shape == Shape::Text },
    };
    let fits = match format {
        TimeFormat::Text => matches!(shape, Shape::Text),
        TimeFormat::Seconds | TimeFormat::Milliseconds => matches!(shape, Shape::Integer { .. } | Shape::Number),
        TimeFormat::Any { .. } => matches!(shape, Shape::Any | Shape::Text | Shape::Integer { .. } | Shape::Number),
    };
    if fits { Ok(Shape::Timestamp(format)) } else { Err(time.error("a timestamp is written in another type")) }
}

fn untimed_shape(node: &Node<'_>) -> Result<Shape, SpecError> {
    if let Some(name) = component(node)? {
        return Ok(Shape::Component(name));
    }
    if node.get("oneOf").is_some() || node.get("anyOf").is_some() {
        return Err(node.error("an inline union; make it a component"));
    }
    match node.text_of("type")? {
        Some("string") => text(node),
        Some("boolean") => Ok(Shape::Boolean),
        Some("integer") => Ok(Shape::Integer { format: node.text_of("format")?.map(str::to_owned) }),
        Some("number") => Ok(Shape::Number),
        Some("array") => Ok(Shape::List(Box::new(nested(&node.require("items")?)?))),
        Some("object") => map(node),
        Some(other) => Err(node.error(format!("no such type: `{other}`"))),
        None if node.get("properties").is_some() => Err(node.error("an inline object; make it a component")),
        None => Ok(Shape::Any),
    }
}

/// The component of a reference, bare or wrapped in `allOf` because of its siblings.
fn component(node: &Node<'_>) -> Result<Option<String>, SpecError> {
    let reference = match node.get("allOf") {
        None => node.get("$ref"),
        Some(wrapper) => match wrapper.items()?.as_slice() {
            [only] => Some(only.require("$ref")?),
            _ => {
                return Err(wrapper.error("wraps one reference, or is a component of its own with all the properties"));
            }
        },
    };
    let Some(reference) = reference else { return Ok(None) };
    let name = reference.text()?.strip_prefix(COMPONENTS);
    name.map(|name| Some(name.to_owned()))
        .ok_or_else(|| reference.error(format!("a schema is referred to by `{COMPONENTS}<name>`")))
}

fn text(node: &Node<'_>) -> Result<Shape, SpecError> {
    if enum_values(node)?.len() > 1 {
        return Err(node.error("an inline enum; make it a component"));
    }
    Ok(if node.text_of("format")? == Some("binary") { Shape::Binary } else { Shape::Text })
}

/// The schema of an element of a list or a map.
fn nested(node: &Node<'_>) -> Result<Schema, SpecError> {
    let schema = Schema::read(node)?;
    match schema.shape {
        Shape::Timestamp(TimeFormat::Text) => Ok(schema),
        Shape::Timestamp(_) => Err(node.error("a list or a map holds timestamps as text only")),
        _ => Ok(schema),
    }
}

/// An object without properties is a map; `additionalProperties` is the schema of its values.
fn map(node: &Node<'_>) -> Result<Shape, SpecError> {
    if node.get("properties").is_some() {
        return Err(node.error("an inline object; make it a component"));
    }
    match node.get("additionalProperties").filter(|values| !values.value.is_boolean()) {
        Some(values) => Ok(Shape::Map(Box::new(nested(&values)?))),
        None => Ok(Shape::Map(Box::new(Schema::any()))),
    }
}

impl Schema {
    /// The schema without constraints.
    pub fn any() -> Self {
        Self::of(Shape::Any)
    }

    /// The schema with `shape` only.
    pub fn of(shape: Shape) -> Self {
        Self {
            shape,
            nullable: false,
            description: None,
            default: None,
            constant: None,
            deprecated: false,
            secret: false,
            one_or_list: false,
            format: None,
            bounds: Bounds::default(),
        }
    }
}
