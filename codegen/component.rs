//! A component schema: an object, a string enum or a union.

use heck::ToUpperCamelCase;

use super::document::Node;
use super::refusal::{Pointer, Refusal};
use super::schema::{COMPONENTS, Schema, Shape, known_keywords, words};

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
    /// The values of a string enum.
    Words(Vec<String>),
    Union(Union),
}

/// An object with named properties.
#[derive(Clone, Debug, Default)]
pub struct Object {
    pub fields: Vec<Field>,
    /// Whether fields that are not in the document are kept.
    pub keep_unknown: bool,
}

/// A property.
#[derive(Clone, Debug)]
pub struct Field {
    /// The name on the wire.
    pub name: String,
    pub pointer: Pointer,
    pub required: bool,
    /// Aliases of the name.
    pub aliases: Vec<String>,
    pub schema: Schema,
}

/// A choice between several schemas.
#[derive(Clone, Debug)]
pub struct Union {
    /// The property that selects the arm; without it they are tried in turn.
    pub tag: Option<String>,
    pub arms: Vec<Arm>,
}

/// One choice of a union.
#[derive(Clone, Debug)]
pub struct Arm {
    pub pointer: Pointer,
    pub title: Option<String>,
    pub schema: Schema,
    /// The values of the tag that select this arm.
    pub words: Vec<String>,
}

impl Component {
    /// Reads the component `name` at `node`.
    pub fn read(name: &str, node: &Node<'_>) -> Result<Self, Refusal> {
        known_keywords(node)?;
        if name.to_upper_camel_case() != name {
            return Err(node.refuse(format!("a component is named as in Rust: `{}`", name.to_upper_camel_case())));
        }
        let description = node.text_of("description")?.map(str::to_owned);
        Ok(Self { name: name.to_owned(), pointer: node.pointer.clone(), description, body: body(node)? })
    }

    /// The components that this one refers to.
    pub fn references(&self) -> Vec<&str> {
        match &self.body {
            Body::Object(object) => object.fields.iter().flat_map(|field| field.schema.references()).collect(),
            Body::Words(_) => Vec::new(),
            Body::Union(union) => union.arms.iter().flat_map(|arm| arm.schema.references()).collect(),
        }
    }
}

fn body(node: &Node<'_>) -> Result<Body, Refusal> {
    if node.get("oneOf").or_else(|| node.get("anyOf")).is_some() {
        return union(node).map(Body::Union);
    }
    match node.text_of("type")? {
        Some("object") => object(node).map(Body::Object),
        Some("string") if node.get("enum").is_some() => words(node).map(Body::Words),
        _ => {
            Err(node.refuse("a component is an object, a string enum or a union; write anything else where it is used"))
        }
    }
}

fn object(node: &Node<'_>) -> Result<Object, Refusal> {
    if node.get("additionalProperties").is_some_and(|values| !values.value.is_boolean()) {
        return Err(node.refuse("a map is written where it is used, not as a component"));
    }
    let required = node.texts_of("required")?;
    let properties = node.entries_of("properties")?;
    if let Some(missing) = required.iter().find(|name| !properties.iter().any(|(key, _)| key == *name)) {
        return Err(node.pointer.child("required").refuse(format!("`{missing}` is not a property")));
    }
    let fields = properties.iter().map(|(name, property)| field(name, property, required.contains(name)));
    Ok(Object { fields: fields.collect::<Result<_, _>>()?, keep_unknown: node.flag_of("x-keep-unknown")? })
}

fn field(name: &str, node: &Node<'_>, required: bool) -> Result<Field, Refusal> {
    let aliases = node.texts_of("x-aliases")?.into_iter().map(str::to_owned).collect();
    let schema = Schema::read(node)?;
    Ok(Field { name: name.to_owned(), pointer: node.pointer.clone(), required, aliases, schema })
}

fn union(node: &Node<'_>) -> Result<Union, Refusal> {
    let arms = match node.get("oneOf") {
        Some(arms) => arms.items()?,
        None => node.require("anyOf")?.items()?,
    };
    let mut arms = arms.iter().map(arm).collect::<Result<Vec<_>, _>>()?;
    let Some(discriminator) = node.get("discriminator") else { return Ok(Union { tag: None, arms }) };
    for (word, target) in discriminator.require("mapping")?.entries()? {
        lead(&mut arms, word, &target)?;
    }
    match arms.iter().find(|arm| arm.words.is_empty()) {
        Some(arm) => Err(arm.pointer.refuse("no word of the discriminator's mapping leads to this arm")),
        None => Ok(Union { tag: Some(discriminator.require("propertyName")?.text()?.to_owned()), arms }),
    }
}

fn arm(node: &Node<'_>) -> Result<Arm, Refusal> {
    let title = node.text_of("title")?.map(str::to_owned);
    if let Some(title) = title.as_ref().filter(|title| title.to_upper_camel_case() != **title) {
        return Err(node.refuse(format!("the title of an arm is a variant's name: `{}`", title.to_upper_camel_case())));
    }
    Ok(Arm { pointer: node.pointer.clone(), title, schema: Schema::read(node)?, words: Vec::new() })
}

/// Records that `word` selects the arm of `target`.
fn lead(arms: &mut [Arm], word: &str, target: &Node<'_>) -> Result<(), Refusal> {
    let name = target.text()?;
    let name = name.strip_prefix(COMPONENTS).unwrap_or(name);
    let found = arms.iter_mut().find(|arm| arm.schema.shape == Shape::Component(name.to_owned()));
    let arm = found.ok_or_else(|| target.refuse(format!("`{name}` is not an arm of this union")))?;
    arm.words.push(word.to_owned());
    Ok(())
}
