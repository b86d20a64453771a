//! A schema where it is used: the type of a property, of an element, of a body.
//!
//! Only schemas with a plain Rust type may be inline. Objects, string enums and unions are components, so that schemas
//! and Rust types correspond one to one.

use serde_json::Value;

use super::bounds::Bounds;
use super::document::Node;
use super::refusal::Refusal;

/// The shape of a value, and its annotations.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    pub shape: Shape,
    pub nullable: bool,
    pub description: Option<String>,
    pub default: Option<Value>,
    /// The only value that a string may have.
    pub constant: Option<String>,
    pub deprecated: bool,
    pub bounds: Bounds,
}

/// The kinds of value that may be inline.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    Text,
    Timestamp,
    Secret,
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
    pub fn read(node: &Node<'_>) -> Result<Self, Refusal> {
        known_keywords(node)?;
        Ok(Self {
            shape: shape(node)?,
            nullable: node.flag_of("nullable")?,
            description: node.text_of("description")?.map(str::to_owned),
            default: node.get("default").map(|default| default.value.clone()),
            constant: constant(node),
            deprecated: node.flag_of("deprecated")?,
            bounds: Bounds::read(node)?,
        })
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
pub fn known_keywords(node: &Node<'_>) -> Result<(), Refusal> {
    let known = |key: &str| KEYWORDS.contains(&key) || IGNORED.contains(&key) || key.starts_with("x-");
    match node.entries()?.into_iter().find(|(key, _)| !known(key)) {
        Some((key, value)) => Err(value.refuse(format!("the generator does not know the keyword `{key}`"))),
        None => Ok(()),
    }
}

/// The values of a string enum; `null` among them means the same as `nullable`.
pub fn words(node: &Node<'_>) -> Result<Vec<String>, Refusal> {
    let words = node.items_of("enum")?.into_iter().filter(|word| !word.value.is_null());
    words.map(|word| word.text().map(str::to_owned)).collect()
}

fn constant(node: &Node<'_>) -> Option<String> {
    let words = words(node).ok()?;
    <[String; 1]>::try_from(words).ok().map(|[word]| word)
}

fn shape(node: &Node<'_>) -> Result<Shape, Refusal> {
    if let Some(name) = component(node)? {
        return Ok(Shape::Component(name));
    }
    if node.get("oneOf").is_some() || node.get("anyOf").is_some() {
        return Err(node.refuse("an inline union; make it a component"));
    }
    match node.text_of("type")? {
        Some("string") => text(node),
        Some("boolean") => Ok(Shape::Boolean),
        Some("integer") => Ok(Shape::Integer { format: node.text_of("format")?.map(str::to_owned) }),
        Some("number") => Ok(Shape::Number),
        Some("array") => Ok(Shape::List(Box::new(Schema::read(&node.require("items")?)?))),
        Some("object") => map(node),
        Some(other) => Err(node.refuse(format!("no such type: `{other}`"))),
        None if node.get("properties").is_some() => Err(node.refuse("an inline object; make it a component")),
        None => Ok(Shape::Any),
    }
}

/// The component of a reference, bare or wrapped in `allOf` because of its siblings.
fn component(node: &Node<'_>) -> Result<Option<String>, Refusal> {
    let reference = match node.get("allOf") {
        None => node.get("$ref"),
        Some(wrapper) => match wrapper.items()?.as_slice() {
            [only] => Some(only.require("$ref")?),
            _ => {
                return Err(wrapper.refuse("wraps one reference, or is a component of its own with all the properties"));
            }
        },
    };
    let Some(reference) = reference else { return Ok(None) };
    let name = reference.text()?.strip_prefix(COMPONENTS);
    name.map(|name| Some(name.to_owned()))
        .ok_or_else(|| reference.refuse(format!("a schema is referred to by `{COMPONENTS}<name>`")))
}

fn text(node: &Node<'_>) -> Result<Shape, Refusal> {
    if words(node)?.len() > 1 {
        return Err(node.refuse("an inline enum; make it a component"));
    }
    let (timestamp, secret) = (node.flag_of("x-timestamp")?, node.flag_of("x-secret")?);
    match (timestamp, secret, node.text_of("format")?) {
        (true, true, _) => Err(node.refuse("a timestamp is no secret")),
        (true, false, _) => Ok(Shape::Timestamp),
        (false, true, _) => Ok(Shape::Secret),
        (false, false, Some("binary")) => Ok(Shape::Binary),
        (false, false, _) => Ok(Shape::Text),
    }
}

/// An object without properties is a map; `additionalProperties` is the schema of its values.
fn map(node: &Node<'_>) -> Result<Shape, Refusal> {
    if node.get("properties").is_some() {
        return Err(node.refuse("an inline object; make it a component"));
    }
    match node.get("additionalProperties").filter(|values| !values.value.is_boolean()) {
        Some(values) => Ok(Shape::Map(Box::new(Schema::read(&values)?))),
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
        let bounds = Bounds::default();
        Self { shape, nullable: false, description: None, default: None, constant: None, deprecated: false, bounds }
    }
}
