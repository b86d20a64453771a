//! One platform's part of the document, pruned to what its operations reach.

use std::collections::{BTreeMap, BTreeSet};

use heck::ToUpperCamelCase;

use super::error::{Pointer, SpecError};
use super::read::api::{Api, prefix};
use super::read::component::{Arm, Body, Component, Field, Object};
use super::read::operation::Operation;
use super::read::response::Response;
use super::read::schema::{Schema, Shape};

/// What is generated for one platform.
#[derive(Debug)]
pub struct Platform<'a> {
    pub name: String,
    pub prefix: String,
    /// The reached components, in the document's order.
    pub components: Vec<&'a Component>,
    /// In the document's order.
    pub operations: Vec<&'a Operation>,
    /// The components that a server knows: also those around a list, and those that are built by hand.
    pub served: Vec<&'a Component>,
    sent: BTreeSet<&'a str>,
    received: BTreeSet<&'a str>,
    updates: BTreeSet<&'a str>,
    tags: BTreeMap<&'a str, Tag<'a>>,
}

/// A tag that a struct does not have as a field, because it has only one possible value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag<'a> {
    pub property: &'a str,
    pub value: &'a str,
}

/// The directions of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Direction {
    pub sent: bool,
    pub received: bool,
}

impl<'a> Platform<'a> {
    /// The part of `api` that belongs to the platform `name`.
    pub fn of(api: &'a Api, name: &str) -> Self {
        let all: Vec<&Operation> = api.operations.iter().filter(|operation| operation.platform == name).collect();
        let bodies = all.iter().filter_map(|operation| Some(&operation.typed_body()?.schema));
        let query = all.iter().flat_map(|operation| operation.query().map(|parameter| &parameter.schema));
        let sent = reach(api, bodies.chain(query));
        let callbacks = all.iter().flat_map(|operation| operation.callbacks.iter().map(|body| &body.schema));
        let received = reach(api, all.iter().filter_map(|operation| operation.response().schema()).chain(callbacks));
        let served = reach(api, all.iter().flat_map(|operation| operation.schemas()));
        let among = |sets: &[&BTreeSet<&str>]| -> Vec<&'a Component> {
            let is_in = |component: &&Component| sets.iter().any(|set| set.contains(component.name.as_str()));
            api.components.iter().filter(is_in).collect()
        };
        let (components, served) = (among(&[&sent, &received]), among(&[&served]));
        let updates = updates(&all, &components);
        let tags = tags(&components, &all);
        let (name, prefix) = (name.to_owned(), prefix(name));
        Self { name, prefix, components, operations: all, served, sent, received, updates, tags }
    }

    /// The name of the Rust type of a component.
    pub fn type_name<'n>(&self, component: &'n str) -> &'n str {
        component.strip_prefix(&self.prefix).unwrap_or(component)
    }

    /// The reached component of this full name.
    pub fn component(&self, name: &str) -> Option<&'a Component> {
        self.components.iter().copied().find(|component| component.name == name)
    }

    /// The required properties of the object that the operation returns, each with its aliases; none for anything else.
    pub fn required(&self, operation: &Operation) -> Vec<Vec<&'a str>> {
        let Response::Json(Schema { shape: Shape::Component(name), .. }) = operation.response() else {
            return Vec::new();
        };
        let Some(Body::Object(object)) = self.component(name).map(|component| &component.body) else {
            return Vec::new();
        };
        let required = object.fields.iter().filter(|field| field.required);
        required.map(|field| std::iter::once(&field.name).chain(&field.aliases).map(String::as_str).collect()).collect()
    }

    /// Whether the response holds a secret, also beside what the caller gets of it.
    pub fn response_is_secret(&self, operation: &Operation) -> bool {
        let Some(schema) = operation.response().documented() else { return false };
        let mut seen = BTreeSet::new();
        let mut next: Vec<&Schema> = vec![schema];
        while let Some(schema) = next.pop() {
            if schema.secret {
                return true;
            }
            match &schema.shape {
                Shape::List(inner) | Shape::Map(inner) => next.push(inner),
                Shape::Component(name) if seen.insert(name) => {
                    let component = self.served.iter().find(|component| component.name == *name);
                    next.extend(component.into_iter().flat_map(|component| component.schemas()));
                }
                _ => {}
            }
        }
        false
    }

    /// The directions of the component.
    pub fn direction(&self, component: &str) -> Direction {
        Direction { sent: self.sent.contains(component), received: self.received.contains(component) }
    }

    /// Whether the component updates an existing object, so that absent and null differ.
    pub fn is_update(&self, component: &str) -> bool {
        self.updates.contains(component)
    }

    /// The tag that the component's struct serializes by itself.
    pub fn tag(&self, component: &str) -> Option<Tag<'a>> {
        self.tags.get(component).copied()
    }

    /// The fields of an object, without the tag that its struct serializes by itself.
    pub fn fields<'o>(&self, component: &str, object: &'o Object) -> Vec<&'o Field> {
        let tag = self.tag(component).map(|tag| tag.property);
        object.fields.iter().filter(|field| Some(field.name.as_str()) != tag).collect()
    }

    /// The structs of query parameters: one for each operation that has any.
    pub fn params(&self) -> Result<Vec<Params>, SpecError> {
        let with_query = self.operations.iter().filter(|operation| operation.query().next().is_some());
        let params: Vec<Params> = with_query.map(|operation| Params::of(operation)).collect();
        let taken =
            |params: &&Params| self.components.iter().any(|component| self.type_name(&component.name) == params.name);
        match params.iter().find(taken) {
            Some(params) => {
                Err(params.operation.error(format!("its parameters would be `{}`, as a component is", params.name)))
            }
            None => Ok(params),
        }
    }
}

/// The query parameters of an operation, as an object.
#[derive(Clone, Debug)]
pub struct Params {
    pub name: String,
    operation: Pointer,
    pub description: String,
    pub object: Object,
}

impl Params {
    /// Where the document declares them.
    pub fn pointer(&self) -> Pointer {
        self.operation.child("parameters")
    }

    fn of(operation: &Operation) -> Self {
        let fields = operation.query().map(|parameter| Field {
            name: parameter.name.clone(),
            pointer: parameter.pointer.clone(),
            required: parameter.required,
            aliases: Vec::new(),
            schema: parameter.schema.clone(),
            spelling: parameter.spelling.clone(),
        });
        Self {
            name: format!("{}Params", operation.name().to_upper_camel_case()),
            operation: operation.pointer.clone(),
            description: format!("Query parameters of `{}`.", operation.home().text(&operation.ids)),
            object: Object { fields: fields.collect(), keep_unknown: false, open: false, shorthand: None },
        }
    }
}

/// Every component that the schemas reach.
fn reach<'a>(api: &'a Api, schemas: impl Iterator<Item = &'a Schema>) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&str> = schemas.flat_map(Schema::references).collect();
    while let Some(name) = next.pop() {
        if reached.insert(name) {
            next.extend(api.component(name).into_iter().flat_map(Component::references));
        }
    }
    reached
}

/// Bodies of operations that are a PATCH at any of their homes, and components that are named an update.
fn updates<'a>(operations: &[&'a Operation], components: &[&'a Component]) -> BTreeSet<&'a str> {
    let patches = operations.iter().filter(|operation| operation.is_patch());
    let bodies = patches.filter_map(|operation| match &operation.typed_body()?.schema.shape {
        Shape::Component(name) => Some(name.as_str()),
        _ => None,
    });
    let named = components.iter().map(|component| component.name.as_str()).filter(|name| name.ends_with("Update"));
    bodies.chain(named).collect()
}

/// The structs that need no field for their tag: every union that contains them selects them by the same single value,
/// and where they are used outside a union, the document restricts the property to that value.
fn tags<'a>(components: &[&'a Component], operations: &[&'a Operation]) -> BTreeMap<&'a str, Tag<'a>> {
    let mut leads: BTreeMap<&str, BTreeSet<(&str, &str)>> = BTreeMap::new();
    for (tag, arm) in components.iter().flat_map(|component| tagged_arms(component)) {
        for name in arm.schema.references() {
            leads.entry(name).or_default().extend(arm.values.iter().map(|value| (tag, value.as_str())));
        }
    }
    let untagged = used_plainly(components, operations);
    let single = leads.into_iter().filter_map(|(name, values)| {
        let [(property, value)] = values.into_iter().collect::<Vec<_>>()[..] else { return None };
        Some((name, Tag { property, value }))
    });
    single.filter(|(name, tag)| !untagged.contains(name) || is_constant(components, name, *tag)).collect()
}

fn tagged_arms(component: &Component) -> Vec<(&str, &Arm)> {
    match &component.body {
        Body::Union(union) => {
            union.tag.iter().flat_map(|tag| union.arms.iter().map(move |arm| (tag.as_str(), arm))).collect()
        }
        _ => Vec::new(),
    }
}

/// The components that are referred to outside the arms of tagged unions.
fn used_plainly<'a>(components: &[&'a Component], operations: &[&'a Operation]) -> BTreeSet<&'a str> {
    let untagged = components.iter().filter(|component| tagged_arms(component).is_empty());
    let bodies = operations.iter().flat_map(|operation| {
        operation.typed_body().map(|body| &body.schema).into_iter().chain(operation.response().schema())
    });
    untagged.flat_map(|component| component.references()).chain(bodies.flat_map(Schema::references)).collect()
}

fn is_constant(components: &[&Component], name: &str, tag: Tag<'_>) -> bool {
    let component = components.iter().find(|component| component.name == name);
    let Some(Body::Object(object)) = component.map(|component| &component.body) else { return false };
    let property = object.fields.iter().find(|field| field.name == tag.property);
    property.is_some_and(|field| field.schema.constant.as_deref() == Some(tag.value))
}
