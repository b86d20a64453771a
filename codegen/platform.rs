//! One platform's part of the document, pruned to what its operations reach.

use std::collections::{BTreeMap, BTreeSet};

use heck::ToUpperCamelCase;

use super::api::{Api, prefix};
use super::component::{Arm, Body, Component, Field, Object};
use super::operation::Operation;
use super::refusal::{Pointer, Refusal};
use super::schema::{Schema, Shape};

/// What is generated for one platform.
#[derive(Debug)]
pub struct Platform<'a> {
    pub prefix: String,
    /// The reached components, in the document's order.
    pub components: Vec<&'a Component>,
    /// The operations that have a constant of their own.
    pub operations: Vec<&'a Operation>,
    alternates: Vec<&'a Operation>,
    sent: BTreeSet<&'a str>,
    received: BTreeSet<&'a str>,
    updates: BTreeSet<&'a str>,
    tags: BTreeMap<&'a str, Tag<'a>>,
}

/// A tag that a struct does not have as a field, because it has only one possible value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag<'a> {
    pub property: &'a str,
    pub word: &'a str,
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
        let bodies = |operation: &&'a Operation| operation.body.as_ref();
        let query = all.iter().flat_map(|operation| operation.query.iter().map(|parameter| &parameter.schema));
        let sent = reach(api, all.iter().filter_map(bodies).chain(query));
        let received = reach(api, all.iter().filter_map(|operation| operation.answer.schema()));
        let components: Vec<&Component> = api
            .components
            .iter()
            .filter(|component| [&sent, &received].iter().any(|set| set.contains(component.name.as_str())))
            .collect();
        let (alternates, operations) = all.iter().copied().partition(|operation| operation.alternate_of.is_some());
        let updates = updates(&all, &components);
        let tags = tags(&components, &all);
        Self { prefix: prefix(name), components, operations, alternates, sent, received, updates, tags }
    }

    /// The name of the Rust type of a component.
    pub fn type_name<'n>(&self, component: &'n str) -> &'n str {
        component.strip_prefix(&self.prefix).unwrap_or(component)
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

    /// The alternates of a primary operation.
    pub fn alternates(&self, primary: &Operation) -> Vec<&'a Operation> {
        self.alternates
            .iter()
            .copied()
            .filter(|operation| operation.alternate_of.as_ref() == Some(&primary.id))
            .collect()
    }

    /// The structs of query parameters: one for each operation that has any.
    pub fn params(&self) -> Result<Vec<Params>, Refusal> {
        let with_query = self.operations.iter().filter(|operation| !operation.query.is_empty());
        let params: Vec<Params> = with_query.map(|operation| Params::of(operation)).collect();
        let taken =
            |params: &&Params| self.components.iter().any(|component| self.type_name(&component.name) == params.name);
        match params.iter().find(taken) {
            Some(params) => {
                Err(params.operation.refuse(format!("its parameters would be `{}`, as a component is", params.name)))
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
        let fields = operation.query.iter().map(|parameter| Field {
            name: parameter.name.clone(),
            pointer: parameter.pointer.clone(),
            required: parameter.required,
            aliases: Vec::new(),
            schema: parameter.schema.clone(),
        });
        Self {
            name: format!("{}Params", operation.name().to_upper_camel_case()),
            operation: operation.pointer.clone(),
            description: format!("Query parameters of `{} {}`.", operation.method.to_uppercase(), operation.path),
            object: Object { fields: fields.collect(), keep_unknown: false },
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

/// Bodies of PATCH and of its alternates, and components that are named an update.
fn updates<'a>(operations: &[&'a Operation], components: &[&'a Component]) -> BTreeSet<&'a str> {
    let patches: BTreeSet<&str> = operations
        .iter()
        .filter(|operation| operation.method == "patch")
        .map(|operation| operation.id.as_str())
        .collect();
    let kin = |operation: &&&Operation| {
        let other = operation.alternate_of.as_deref();
        let stands_for_patch = other.is_some_and(|primary| patches.contains(primary));
        let has_patch =
            operations.iter().any(|one| one.method == "patch" && one.alternate_of.as_ref() == Some(&operation.id));
        operation.method == "patch" || stands_for_patch || has_patch
    };
    let bodies = operations.iter().filter(kin).filter_map(|operation| operation.body.as_ref());
    let bodies = bodies.filter_map(|body| match &body.shape {
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
            leads.entry(name).or_default().extend(arm.words.iter().map(|word| (tag, word.as_str())));
        }
    }
    let untagged = used_plainly(components, operations);
    let single = leads.into_iter().filter_map(|(name, words)| {
        let [(property, word)] = words.into_iter().collect::<Vec<_>>()[..] else { return None };
        Some((name, Tag { property, word }))
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
    let bodies = operations.iter().flat_map(|operation| operation.body.iter().chain(operation.answer.schema()));
    untagged.flat_map(|component| component.references()).chain(bodies.flat_map(Schema::references)).collect()
}

fn is_constant(components: &[&Component], name: &str, tag: Tag<'_>) -> bool {
    let component = components.iter().find(|component| component.name == name);
    let Some(Body::Object(object)) = component.map(|component| &component.body) else { return false };
    let property = object.fields.iter().find(|field| field.name == tag.property);
    property.is_some_and(|field| field.schema.constant.as_deref() == Some(tag.word))
}
