//! A component schema: an object, a string enum or a union.

use heck::ToUpperCamelCase;

use super::document::Node;
use super::generations::Spelling;
use super::schema::{COMPONENTS, Schema, Shape, enum_values, known_keywords};
use crate::codegen::error::{Pointer, SpecError};

/// One component, which becomes one Rust type.
#[derive(Clone, Debug)]
pub struct Component {
    /// The full name in the document.
    pub name: String,
    pub pointer: Pointer,
    pub description: Option<String>,
    pub body: Body,
}

/// The three kinds of component.
#[derive(Clone, Debug)]
pub enum Body {
    Object(Object),
    Values(Values),
    Union(Union),
}

/// A string enum.
#[derive(Clone, Debug)]
pub struct Values {
    pub values: Vec<EnumValue>,
    /// Whether values are read without regard to case.
    pub ignore_case: bool,
}

/// One value of a string enum.
#[derive(Clone, Debug)]
pub struct EnumValue {
    pub pointer: Pointer,
    pub value: String,
    /// Other texts that are read as this value.
    pub aliases: Vec<String>,
    /// The generations that know it; none: all.
    pub generations: Vec<String>,
}

/// An object with named properties.
#[derive(Clone, Debug, Default)]
pub struct Object {
    pub fields: Vec<Field>,
    /// Whether fields that are not in the document are kept.
    pub keep_unknown: bool,
    /// Whether the document allows other properties.
    pub open: bool,
    /// The property as which a bare string is read.
    pub shorthand: Option<String>,
}

/// A property.
#[derive(Clone, Debug)]
pub struct Field {
    /// The name on the wire.
    pub name: String,
    pub pointer: Pointer,
    pub required: bool,
    /// Whether the client sets it where its user does not.
    pub client_default: bool,
    /// Aliases of the name.
    pub aliases: Vec<String>,
    pub schema: Schema,
    pub spelling: Spelling,
}

/// A choice between several schemas.
#[derive(Clone, Debug)]
pub struct Union {
    /// The property that selects the arm; without it they are tried in turn.
    pub tag: Option<String>,
    pub arms: Vec<Arm>,
    /// The value of the tag as whose arm a bare string is read.
    pub shorthand: Option<String>,
    /// Whether the first arm, a string, is but a short form of the second: such a union is no Rust type.
    pub is_short_form: bool,
}

/// One choice of a union.
#[derive(Clone, Debug)]
pub struct Arm {
    pub pointer: Pointer,
    pub title: Option<String>,
    pub schema: Schema,
    /// The values of the tag that select this arm.
    pub values: Vec<String>,
    /// The generations that know it; none: all.
    pub generations: Vec<String>,
}

impl Field {
    /// Whether users have to set it.
    pub fn is_asked_for(&self) -> bool {
        self.required && !self.client_default
    }
}

impl Component {
    /// Reads the component `name` at `node`.
    pub fn read(name: &str, node: &Node<'_>) -> Result<Self, SpecError> {
        known_keywords(node)?;
        if name.to_upper_camel_case() != name {
            return Err(node.error(format!("a component is named as in Rust: `{}`", name.to_upper_camel_case())));
        }
        let description = node.text_of("description")?.map(str::to_owned);
        Ok(Self { name: name.to_owned(), pointer: node.pointer.clone(), description, body: body(node)? })
    }

    /// The schemas of its properties or arms.
    pub fn schemas(&self) -> Vec<&Schema> {
        match &self.body {
            Body::Object(object) => object.fields.iter().map(|field| &field.schema).collect(),
            Body::Values(_) => Vec::new(),
            Body::Union(union) => union.arms.iter().map(|arm| &arm.schema).collect(),
        }
    }

    /// The same, to be changed.
    pub fn schemas_mut(&mut self) -> Vec<&mut Schema> {
        match &mut self.body {
            Body::Object(object) => object.fields.iter_mut().map(|field| &mut field.schema).collect(),
            Body::Values(_) => Vec::new(),
            Body::Union(union) => union.arms.iter_mut().map(|arm| &mut arm.schema).collect(),
        }
    }

    /// Whether a bare string is read as one.
    pub fn has_shorthand(&self) -> bool {
        match &self.body {
            Body::Object(object) => object.shorthand.is_some(),
            Body::Values(_) => false,
            Body::Union(union) => union.shorthand.is_some(),
        }
    }

    /// The components that this one refers to.
    pub fn references(&self) -> Vec<&str> {
        self.schemas().into_iter().flat_map(Schema::references).collect()
    }

    /// Every list of generations in the component, and where it stands.
    pub fn generations(&self) -> Vec<(Vec<String>, &Pointer)> {
        match &self.body {
            Body::Object(object) => {
                object.fields.iter().map(|field| (field.spelling.names(), &field.pointer)).collect()
            }
            Body::Values(values) => {
                values.values.iter().map(|value| (value.generations.clone(), &value.pointer)).collect()
            }
            Body::Union(union) => union.arms.iter().map(|arm| (arm.generations.clone(), &arm.pointer)).collect(),
        }
    }
}

fn body(node: &Node<'_>) -> Result<Body, SpecError> {
    if node.get("oneOf").or_else(|| node.get("anyOf")).is_some() {
        return union(node).map(Body::Union);
    }
    match node.text_of("type")? {
        Some("object") => object(node).map(Body::Object),
        Some("string") if node.get("enum").is_some() => values(node).map(Body::Values),
        _ => {
            Err(node.error("a component is an object, a string enum or a union; write anything else where it is used"))
        }
    }
}

fn object(node: &Node<'_>) -> Result<Object, SpecError> {
    if node.get("additionalProperties").is_some_and(|values| !values.value.is_boolean()) {
        return Err(node.error("a map is written where it is used, not as a component"));
    }
    let required = node.texts_of("required")?;
    let properties = node.entries_of("properties")?;
    if let Some(missing) = required.iter().find(|name| !properties.iter().any(|(key, _)| key == *name)) {
        return Err(node.pointer.child("required").error(format!("`{missing}` is not a property")));
    }
    let fields = properties.iter().map(|(name, property)| field(name, property, required.contains(name)));
    let fields = fields.collect::<Result<Vec<_>, _>>()?;
    let shorthand = node.get("x-shorthand").map(|shorthand| self::shorthand(&shorthand, &fields)).transpose()?;
    let open = node.flag_of("additionalProperties")?;
    Ok(Object { fields, keep_unknown: node.flag_of("x-keep-unknown")?, open, shorthand })
}

/// The property as which a bare string is read: a string, and the only one that is required.
fn shorthand(node: &Node<'_>, fields: &[Field]) -> Result<String, SpecError> {
    let name = node.text()?;
    let Some(field) = fields.iter().find(|field| field.name == name) else {
        return Err(node.error(format!("`{name}` is not a property")));
    };
    // A component here is an enum; anything else does not read a string.
    if !matches!(field.schema.shape, Shape::Text | Shape::Component(_)) {
        return Err(node.error(format!("`{name}` is not a string")));
    }
    let needed = |field: &&Field| field.required && field.name != name && field.schema.constant.is_none();
    match fields.iter().find(needed) {
        Some(other) => Err(node.error(format!("a bare string lacks the required `{}`", other.name))),
        None => Ok(name.to_owned()),
    }
}

fn field(name: &str, node: &Node<'_>, required: bool) -> Result<Field, SpecError> {
    let client_default = node.flag_of("x-client-default")?;
    if client_default && !required {
        return Err(node.error("the client has a default for what is required, and only for that"));
    }
    Ok(Field {
        name: name.to_owned(),
        pointer: node.pointer.clone(),
        required,
        client_default,
        aliases: node.owned_texts_of("x-aliases")?,
        schema: Schema::read(node)?,
        spelling: Spelling::read(node)?,
    })
}

fn values(node: &Node<'_>) -> Result<Values, SpecError> {
    let by_value = |key: &str, value: &str| match node.get(key) {
        Some(map) => map.owned_texts_of(value),
        None => Ok(Vec::new()),
    };
    let mut values: Vec<EnumValue> = Vec::new();
    for (pointer, value) in enum_values(node)? {
        if values.iter().any(|known| known.value == value) {
            return Err(pointer.error(format!("`{value}` stands here twice")));
        }
        let (aliases, generations) = (by_value("x-aliases", &value)?, by_value("x-for", &value)?);
        values.push(EnumValue { pointer, value, aliases, generations });
    }
    for (key, what) in [("x-aliases", "aliases"), ("x-for", "generations")] {
        let named = node.entries_of(key)?;
        if let Some((value, at)) = named.iter().find(|(name, _)| !values.iter().any(|known| known.value == *name)) {
            return Err(at.error(format!("`{value}` has {what}, but is not a value")));
        }
    }
    let values = Values { values, ignore_case: node.flag_of("x-ignore-case")? };
    values.check().map(|()| values)
}

impl Values {
    /// Rejects a text that would be read as two values.
    fn check(&self) -> Result<(), SpecError> {
        let mut seen: Vec<(String, &str)> = Vec::new();
        for value in &self.values {
            for text in std::iter::once(&value.value).chain(&value.aliases) {
                let read = if self.ignore_case { text.to_ascii_lowercase() } else { text.clone() };
                if let Some((_, other)) = seen.iter().find(|(known, _)| *known == read) {
                    return Err(value.pointer.error(format!("`{text}` is read as `{other}` too")));
                }
                seen.push((read, &value.value));
            }
        }
        Ok(())
    }
}

fn union(node: &Node<'_>) -> Result<Union, SpecError> {
    let arms = match node.get("oneOf") {
        Some(arms) => arms.items()?,
        None => node.require("anyOf")?.items()?,
    };
    let mut arms = arms.iter().map(arm).collect::<Result<Vec<_>, _>>()?;
    let shorthand = node.text_of("x-shorthand")?.map(str::to_owned);
    let Some(discriminator) = node.get("discriminator") else {
        let is_short_form = shorthand.is_some();
        let two = matches!(arms.as_slice(), [short, long] if short.is_string() && !long.is_string());
        if is_short_form && (shorthand.as_deref() != Some(SHORT_FORM) || !two) {
            return Err(node.error(format!("`x-shorthand: {SHORT_FORM}` is for a string and its long form")));
        }
        return Ok(Union { tag: None, arms, shorthand: None, is_short_form });
    };
    for (value, target) in discriminator.require("mapping")?.entries()? {
        map_value(&mut arms, value, &target)?;
    }
    let tag = Some(discriminator.require("propertyName")?.text()?.to_owned());
    let mut strings = arms.iter().filter(|arm| arm.is_string());
    let (_, second) = (strings.next(), strings.next());
    if let Some(arm) = second.or_else(|| arms.iter().find(|arm| arm.values.is_empty() && !arm.is_string())) {
        return Err(arm.pointer.error("no value of the discriminator's mapping leads to this arm"));
    }
    if let Some(value) = shorthand.as_ref().filter(|value| !arms.iter().any(|arm| arm.values.contains(value))) {
        return Err(node.error(format!("`{value}` leads to no arm")));
    }
    Ok(Union { tag, arms, shorthand, is_short_form: false })
}

/// The `x-shorthand` of a union of a string and what the string is short for.
const SHORT_FORM: &str = "string";

impl Arm {
    /// Whether it is a string, which needs no tag.
    pub fn is_string(&self) -> bool {
        self.schema.shape == Shape::Text
    }
}

fn arm(node: &Node<'_>) -> Result<Arm, SpecError> {
    let title = node.text_of("title")?.map(str::to_owned);
    if let Some(title) = title.as_ref().filter(|title| title.to_upper_camel_case() != **title) {
        return Err(node.error(format!("the title of an arm is a variant's name: `{}`", title.to_upper_camel_case())));
    }
    let generations = node.owned_texts_of("x-for")?;
    Ok(Arm { pointer: node.pointer.clone(), title, schema: Schema::read(node)?, values: Vec::new(), generations })
}

/// Records that the tag's `value` selects the arm of `target`.
fn map_value(arms: &mut [Arm], value: &str, target: &Node<'_>) -> Result<(), SpecError> {
    let name = target.text()?;
    let name = name.strip_prefix(COMPONENTS).unwrap_or(name);
    let found = arms.iter_mut().find(|arm| arm.schema.shape == Shape::Component(name.to_owned()));
    let arm = found.ok_or_else(|| target.error(format!("`{name}` is not an arm of this union")))?;
    arm.values.push(value.to_owned());
    Ok(())
}
