//! The whole document, parsed and validated: the generator's input.

use std::collections::{BTreeMap, BTreeSet};

use heck::ToUpperCamelCase;
use serde_json::Value;

use super::answer;
use super::component::{Arm, Body, Component};
use super::document::{Document, Node};
use super::extensions;
use super::operation::{self, Operation, PLATFORMS};
use super::refusal::{Refusal, Refusals, gather};
use super::schema::{COMPONENTS, Shape};

/// The components and operations of all platforms.
#[derive(Debug)]
pub struct Api {
    pub components: Vec<Component>,
    pub operations: Vec<Operation>,
}

impl Api {
    /// Parses `text` and rejects everything that the generator does not support.
    pub fn read(text: &str) -> Result<Self, Refusals> {
        let document = Document::read(text)?;
        Refusals::none_of(extensions::refusals(&document))?;
        let components = gather(read_components(&document)?)?;
        let operations = gather(operation::read_all(&document)?)?;
        let api = Self { components, operations };
        Refusals::none_of(api.disagreements())?;
        Refusals::none_of(strays(&document, &api.operations))?;
        Ok(api)
    }

    /// The component of this full name.
    pub fn component(&self, name: &str) -> Option<&Component> {
        self.components.iter().find(|component| component.name == name)
    }

    /// Parts that are valid by themselves but inconsistent with each other.
    fn disagreements(&self) -> Vec<Refusal> {
        let mut refusals = self.duplicates();
        refusals.extend(self.operations.iter().filter_map(|operation| self.alternate(operation).err()));
        refusals.extend(self.tagged_arms().filter_map(|(tag, arm)| self.tagged_arm(tag, arm).err()));
        refusals
    }

    fn duplicates(&self) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        let mut ids = BTreeMap::new();
        let mut routes = BTreeMap::new();
        for operation in &self.operations {
            if let Some(first) = ids.insert(&operation.id, &operation.path) {
                refusals.push(
                    operation.pointer.child("operationId").refuse(format!("`{}` is taken by {first}", operation.id)),
                );
            }
            let first = *routes.entry(operation.route()).or_insert(&operation.path);
            if *first != operation.path {
                refusals.push(operation.pointer.refuse(format!("the path is taken by {first}")));
            }
        }
        refusals
    }

    /// An alternate replaces its primary, so it takes the same ids and has the same response.
    fn alternate(&self, operation: &Operation) -> Result<(), Refusal> {
        let Some(id) = &operation.alternate_of else { return Ok(()) };
        let pointer = operation.pointer.child("x-alternate-of");
        let primary = self.operations.iter().find(|primary| primary.id == *id && primary.alternate_of.is_none());
        let primary = primary.ok_or_else(|| pointer.refuse(format!("no primary operation is named `{id}`")))?;
        let ids = |operation: &Operation| {
            operation.pieces.iter().filter(|piece| matches!(piece, operation::Piece::Id { .. })).count()
        };
        let answers = match (primary.answer.schema(), operation.answer.schema()) {
            (Some(one), Some(other)) => answer::same(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        match (primary.platform == operation.platform, ids(primary) == ids(operation), answers) {
            (false, _, _) => Err(pointer.refuse(format!("`{id}` is of another platform"))),
            (_, false, _) => Err(pointer.refuse(format!("`{id}` has another number of path parameters"))),
            (_, _, false) => Err(pointer.refuse(format!("`{id}` has another answer"))),
            (true, true, true) => Ok(()),
        }
    }

    fn tagged_arms(&self) -> impl Iterator<Item = (&str, &Arm)> {
        let unions = self.components.iter().filter_map(|component| match &component.body {
            Body::Union(union) => union.tag.as_deref().map(|tag| (tag, union)),
            _ => None,
        });
        unions.flat_map(|(tag, union)| union.arms.iter().map(move |arm| (tag, arm)))
    }

    /// An arm that is selected by a tag is an object; one that several tag values select has the tag among its
    /// properties.
    fn tagged_arm(&self, tag: &str, arm: &Arm) -> Result<(), Refusal> {
        let Shape::Component(name) = &arm.schema.shape else {
            return Err(arm.pointer.refuse("must refer to a component"));
        };
        let Some(Body::Object(object)) = self.component(name).map(|component| &component.body) else {
            return Err(arm.pointer.refuse("must refer to an object, since it carries the tag"));
        };
        let declared = object.fields.iter().any(|field| field.name == tag);
        if arm.words.len() > 1 && !declared {
            return Err(arm
                .pointer
                .refuse(format!("several words lead here, so `{name}` must declare the property `{tag}`")));
        }
        Ok(())
    }
}

fn read_components(document: &Document) -> Result<Vec<Result<Component, Refusal>>, Refusal> {
    let Some(schemas) = document.target("#/components/schemas") else { return Ok(Vec::new()) };
    let named = |(name, node): &(&str, Node<'_>)| {
        owner(name).ok_or_else(|| node.refuse("a component's name begins with its platform's"))?;
        Component::read(name, node)
    };
    Ok(schemas.entries()?.iter().map(named).collect())
}

/// The platform that a component's name is prefixed with.
pub fn owner(component: &str) -> Option<&'static str> {
    let after = |platform: &str| {
        component.strip_prefix(&prefix(platform)).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
    };
    PLATFORMS.into_iter().find(|platform| after(platform))
}

/// The prefix of the names of a platform's components: `Oma` for `oma`.
pub fn prefix(platform: &str) -> String {
    platform.to_upper_camel_case()
}

/// Components that are reached from operations of several platforms, or of another platform than their name says.
fn strays(document: &Document, operations: &[Operation]) -> Vec<Refusal> {
    let mut reached: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for operation in operations {
        let mut names = BTreeSet::new();
        if let Some(node) = pointed(document, operation.pointer.as_str()) {
            reach(document, node.value, &mut names);
        }
        for name in names {
            reached.entry(name).or_default().insert(&operation.platform);
        }
    }
    let stray = |(reference, platforms): (&String, &BTreeSet<&str>)| {
        let name = reference.strip_prefix(COMPONENTS)?;
        let pointer = document.target(reference)?.pointer;
        match platforms.iter().copied().collect::<Vec<_>>().as_slice() {
            [platform] if owner(name) == Some(*platform) => None,
            [platform] => Some(pointer.refuse(format!("is reached from {platform}, whose name it does not carry"))),
            several => Some(pointer.refuse(format!("is reached from several platforms: {}", several.join(", ")))),
        }
    };
    reached.iter().filter_map(stray).collect()
}

fn pointed<'d>(document: &'d Document, pointer: &str) -> Option<Node<'d>> {
    document.target(&format!("#{pointer}"))
}

/// Collects every reference below `value`, transitively.
fn reach(document: &Document, value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| reach(document, item, names)),
        Value::Object(object) => {
            for (key, value) in object.iter().filter(|(key, _)| *key != "example" && *key != "examples") {
                let Some(reference) = value.as_str().filter(|_| key == "$ref") else {
                    reach(document, value, names);
                    continue;
                };
                let target = document.target(reference).filter(|_| names.insert(reference.to_owned()));
                if let Some(target) = target {
                    reach(document, target.value, names);
                }
            }
        }
        _ => {}
    }
}
