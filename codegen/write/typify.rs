//! Asks progenitor's generator for the Rust type of everything.
//!
//! typify is used for one question only: what is the type of this? So it gets every object with bare, required
//! properties and every union as an object with one required property per arm. The generator itself decides what may be
//! absent or null, and the shape of unions. That keeps typify from guessing at unions, and it still breaks cycles with
//! boxes.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use progenitor_impl::{GenerationSettings, Generator};
use serde_json::{Map, Value, json};
use syn::{Fields, GenericArgument, Ident, Item, PathArguments, Type, parse_quote};

use crate::codegen::error::{Pointer, SpecError};
use crate::codegen::platform::{Params, Platform};
use crate::codegen::read::component::{Arm, Body, Component};
use crate::codegen::read::operation::Operation;
use crate::codegen::read::schema::{COMPONENTS, Schema, Shape};

/// The name under which typify sees our own type.
const TIMESTAMP: &str = "PolyagentTimestamp";
/// The object whose properties are the responses of the operations.
const RESPONSES: &str = "PolyagentResponses";
/// The object whose properties are the bodies of the requests.
const BODIES: &str = "PolyagentBodies";

/// typify's output for a platform's schemas.
pub struct Types {
    /// The fields of each type, by their names on the wire.
    members: BTreeMap<String, BTreeMap<String, Member>>,
}

/// A field of a struct, with its bare type, without any `Option`.
#[derive(Clone)]
struct Member {
    ident: Ident,
    ty: Type,
}

impl Types {
    /// Generates the types of `platform`.
    pub fn of(platform: &Platform<'_>, params: &[Params]) -> Result<Self, SpecError> {
        let pointer = Pointer::default().descend(&["components", "schemas"]);
        let schemas = schemas(platform, params);
        let made = catch_unwind(AssertUnwindSafe(|| generate(&schemas)));
        let made = made.unwrap_or_else(|panic| Err(format!("progenitor panicked: {}", message(panic.as_ref()))));
        let file = made.map_err(|reason| pointer.error(reason))?;
        Ok(Self { members: file.items.iter().filter_map(members).collect() })
    }

    /// The identifier and type of the property `name` of the type `owner`.
    pub fn field(&self, owner: &str, name: &str, schema: &Schema, at: &Pointer) -> Result<(Ident, Type), SpecError> {
        let Member { ident, ty } = self.member(owner, name, at)?;
        Ok((ident.clone(), with_secrets(ty.clone(), schema)))
    }

    /// The type of the arm at `index` of the union `owner`.
    pub fn arm(&self, owner: &str, index: usize, arm: &Arm, at: &Pointer) -> Result<Type, SpecError> {
        self.field(owner, &arm_name(index), &arm.schema, at).map(|(_, ty)| ty)
    }

    /// The type inside the response of an operation.
    pub fn response(&self, operation: &Operation, schema: &Schema) -> Result<Type, SpecError> {
        self.field(RESPONSES, &operation.id, schema, &operation.pointer).map(|(_, ty)| ty)
    }

    /// The type of the request body of an operation.
    pub fn body(&self, operation: &Operation, schema: &Schema) -> Result<Type, SpecError> {
        self.field(BODIES, &operation.id, schema, &operation.pointer).map(|(_, ty)| ty)
    }

    fn member(&self, owner: &str, name: &str, at: &Pointer) -> Result<&Member, SpecError> {
        let member = self.members.get(owner).and_then(|members| members.get(name));
        member.ok_or_else(|| at.error("progenitor made no Rust type of it"))
    }
}

/// Puts `Secret` around what the schema keeps secret, at any depth.
fn with_secrets(mut ty: Type, schema: &Schema) -> Type {
    if let Shape::List(inner) | Shape::Map(inner) = &schema.shape
        && let Some(element) = last_argument(&mut ty)
    {
        let optional = inner.nullable && inner.shape != Shape::Any;
        if let Some(place) = if optional { last_argument(element) } else { Some(element) } {
            *place = with_secrets(place.clone(), inner);
        }
    }
    if schema.secret { parse_quote!(crate::secret::Secret<#ty>) } else { ty }
}

/// The last type argument of a path: the elements of a list, the values of a map.
fn last_argument(ty: &mut Type) -> Option<&mut Type> {
    let Type::Path(path) = ty else { return None };
    let PathArguments::AngleBracketed(arguments) = &mut path.path.segments.last_mut()?.arguments else { return None };
    arguments.args.iter_mut().rev().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

fn arm_name(index: usize) -> String {
    format!("arm_{index}")
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message").to_owned()
}

fn generate(schemas: &Map<String, Value>) -> Result<syn::File, String> {
    let document = json!({
        "openapi": "3.0.3", "info": { "title": "types", "version": "0" }, "paths": {},
        "components": { "schemas": schemas },
    });
    let document = serde_json::from_value(document).map_err(|error| error.to_string())?;
    let mut settings = GenerationSettings::default();
    settings.with_map_type("::std::collections::BTreeMap");
    settings.with_replacement(TIMESTAMP, "crate::open::Timestamp", std::iter::empty());
    let mut generator = Generator::new(&settings);
    generator.generate_tokens(&document).map_err(|error| error.to_string())?;
    syn::parse2(generator.get_type_space().to_stream()).map_err(|error| error.to_string())
}

/// The schemas as passed to typify.
fn schemas(platform: &Platform<'_>, params: &[Params]) -> Map<String, Value> {
    let mut schemas = Map::new();
    for component in &platform.components {
        schemas.insert(platform.type_name(&component.name).to_owned(), component_schema(platform, component));
    }
    for params in params {
        let fields = params.object.fields.iter().map(|field| (field.name.clone(), bare(platform, &field.schema)));
        schemas.insert(params.name.clone(), object(fields));
    }
    let responses =
        platform.operations.iter().filter_map(|operation| Some((operation.id.clone(), operation.response().schema()?)));
    schemas.insert(RESPONSES.to_owned(), object(responses.map(|(id, schema)| (id, bare(platform, schema)))));
    let bodies = platform
        .operations
        .iter()
        .filter_map(|operation| Some((operation.id.clone(), &operation.typed_body()?.schema)));
    schemas.insert(BODIES.to_owned(), object(bodies.map(|(id, schema)| (id, bare(platform, schema)))));
    schemas.insert(TIMESTAMP.to_owned(), json!({ "type": "string" }));
    schemas
}

fn component_schema(platform: &Platform<'_>, component: &Component) -> Value {
    match &component.body {
        // A type of its own, whose name is all that matters here.
        Body::Values(_) => json!({ "type": "string", "enum": ["a", "b"] }),
        Body::Object(body) => {
            let fields = platform.fields(&component.name, body);
            object(fields.into_iter().map(|field| (field.name.clone(), bare(platform, &field.schema))))
        }
        Body::Union(union) => {
            let arms = union.arms.iter().enumerate();
            object(arms.map(|(index, arm)| (arm_name(index), bare(platform, &arm.schema))))
        }
    }
}

fn object(properties: impl Iterator<Item = (String, Value)>) -> Value {
    let properties: Map<String, Value> = properties.collect();
    let required: Vec<&String> = properties.keys().collect();
    json!({ "type": "object", "required": required, "properties": properties })
}

/// The schema reduced to its shape.
fn bare(platform: &Platform<'_>, schema: &Schema) -> Value {
    let reference = |name: &str| json!({ "$ref": format!("{COMPONENTS}{name}") });
    match &schema.shape {
        Shape::Text | Shape::Binary => json!({ "type": "string" }),
        Shape::Timestamp(_) => reference(TIMESTAMP),
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Integer { format: Some(format) } => json!({ "type": "integer", "format": format }),
        Shape::Integer { format: None } => json!({ "type": "integer" }),
        Shape::Number => json!({ "type": "number" }),
        Shape::Any => json!({}),
        Shape::List(items) => json!({ "type": "array", "items": nested(platform, items) }),
        Shape::Map(values) if values.shape == Shape::Any => json!({ "type": "object" }),
        Shape::Map(values) => json!({ "type": "object", "additionalProperties": nested(platform, values) }),
        Shape::Component(name) => reference(platform.type_name(name)),
    }
}

/// Like [`bare`], but keeps whether an element may be null, which is recorded nowhere else.
fn nested(platform: &Platform<'_>, schema: &Schema) -> Value {
    let bare = bare(platform, schema);
    match (&schema.shape, schema.nullable, bare) {
        (Shape::Any, _, bare) | (_, false, bare) => bare,
        (_, true, bare) => json!({ "allOf": [bare], "nullable": true }),
    }
}

/// The name of a struct that typify generated, and its fields.
fn members(item: &Item) -> Option<(String, BTreeMap<String, Member>)> {
    let Item::Struct(item) = item else { return None };
    let Fields::Named(fields) = &item.fields else { return None };
    let field = |field: &syn::Field| {
        let ident = field.ident.clone()?;
        let name = renamed(&field.attrs).unwrap_or_else(|| ident.to_string());
        Some((name, Member { ident, ty: field.ty.clone() }))
    };
    Some((item.ident.to_string(), fields.named.iter().filter_map(field).collect()))
}

/// The name on the wire, if `#[serde(rename = "..")]` changes it from the identifier.
fn renamed(attributes: &[syn::Attribute]) -> Option<String> {
    let mut name = None;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        // Other attributes are typify's own and are ignored.
        let _ = attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("rename") {
                name = Some(meta.value()?.parse::<syn::LitStr>()?.value());
            } else if meta.input.peek(syn::Token![=]) {
                meta.value()?.parse::<syn::Expr>()?;
            }
            Ok(())
        });
    }
    name
}
