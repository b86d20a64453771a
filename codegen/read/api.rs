//! The whole document, parsed and checked: the generator's model.

use std::collections::{BTreeMap, BTreeSet};

use heck::ToUpperCamelCase;
use serde_json::Value;

use super::component::{Arm, Body, Component, Union};
use super::document::{Document, Node};
use super::extensions;
use super::generations::{self, overlap};
use super::operation::{self, Operation};
use super::schema::{COMPONENTS, Shape};
use crate::codegen::error::{SpecError, SpecErrors, gather};

/// The components and operations of all platforms.
#[derive(Debug)]
pub struct Api {
    pub components: Vec<Component>,
    pub operations: Vec<Operation>,
}

impl Api {
    /// Parses `text` and rejects everything that the generator does not support. `platforms` are those that the
    /// document may describe.
    pub fn read(text: &str, platforms: &[&str]) -> Result<Self, SpecErrors> {
        let document = Document::read(text)?;
        SpecErrors::none_of(extensions::errors(&document))?;
        let components = gather(read_components(&document, platforms)?)?;
        let operations = gather(operation::read_all(&document, platforms)?)?;
        let mut api = Self { components, operations };
        api.lengthen()?;
        SpecErrors::none_of(api.disagreements())?;
        SpecErrors::none_of(misplaced_components(&document, platforms, &api.operations))?;
        SpecErrors::none_of(api.unknown_generations(&document, platforms)?)?;
        Ok(api)
    }

    /// The component of this full name.
    pub fn component(&self, name: &str) -> Option<&Component> {
        self.components.iter().find(|component| component.name == name)
    }

    /// Puts in the place of each short form what it is short for, which reads the short form too.
    fn lengthen(&mut self) -> Result<(), SpecError> {
        let mut long_forms = BTreeMap::new();
        for component in &self.components {
            let Body::Union(Union { is_short_form: true, arms, .. }) = &component.body else { continue };
            let [_, long] = arms.as_slice() else { continue };
            let item = match &long.schema.shape {
                Shape::List(item) => &item.shape,
                other => other,
            };
            let reads = |name: &String| self.component(name).is_some_and(Component::has_shorthand);
            if !matches!(item, Shape::Component(name) if reads(name)) {
                return Err(long.pointer.error("has no `x-shorthand`, so it is not read from a string"));
            }
            long_forms.insert(component.name.clone(), long.schema.clone());
        }
        let in_components = self.components.iter_mut().flat_map(Component::schemas_mut);
        let in_operations = self.operations.iter_mut().flat_map(Operation::schemas_mut);
        in_components.chain(in_operations).for_each(|schema| schema.lengthen(&long_forms));
        Ok(())
    }

    /// Parts that are valid by themselves but inconsistent with each other.
    fn disagreements(&self) -> Vec<SpecError> {
        let mut errors = self.duplicates();
        errors.extend(self.bases());
        errors.extend(self.tagged_arms().filter_map(|(tag, arm)| self.tagged_arm(tag, arm).err()));
        errors
    }

    fn duplicates(&self) -> Vec<SpecError> {
        let mut errors = Vec::new();
        let mut ids = BTreeMap::new();
        let mut paths = BTreeMap::new();
        for operation in &self.operations {
            if let Some(first) = ids.insert(&operation.id, &operation.path) {
                errors.push(
                    operation.pointer.child("operationId").error(format!("`{}` is taken by {first}", operation.id)),
                );
            }
            // Standard tools reject two path items that differ in their template names only.
            let first = *paths.entry(without_names(&operation.path)).or_insert(&operation.path);
            if *first != operation.path {
                errors.push(operation.pointer.error(format!("the path is taken by {first}")));
            }
        }
        if errors.is_empty() { self.shared_routes() } else { errors }
    }

    /// Two homes of one platform that no server could tell apart.
    fn shared_routes(&self) -> Vec<SpecError> {
        let mut errors = Vec::new();
        let mut homes: Vec<(_, &[String], &str)> = Vec::new();
        for operation in &self.operations {
            for route in &operation.routes {
                let key = (&operation.platform, &route.method, route.shape(), operation.media(route));
                let taken = homes
                    .iter()
                    .find(|(other, generations, _)| *other == key && overlap(generations, &route.generations));
                if let Some((_, _, id)) = taken {
                    errors.push(route.pointer.error(format!("the route is taken by `{id}`")));
                }
                homes.push((key, &route.generations, &operation.id));
            }
        }
        errors
    }

    /// All servers of a platform have one path.
    fn bases(&self) -> Vec<SpecError> {
        let first = |platform: &str| self.operations.iter().find(|operation| operation.platform == platform);
        let differs = |operation: &Operation| {
            let base = first(&operation.platform).map_or("", |first| first.base.as_str());
            let reason = || format!("other operations of {} have the server path `{base}`", operation.platform);
            (operation.base != base).then(|| operation.pointer.error(reason()))
        };
        self.operations.iter().filter_map(differs).collect()
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
    fn tagged_arm(&self, tag: &str, arm: &Arm) -> Result<(), SpecError> {
        if arm.is_string() {
            return Ok(());
        }
        let Shape::Component(name) = &arm.schema.shape else {
            return Err(arm.pointer.error("must refer to a component"));
        };
        let Some(Body::Object(object)) = self.component(name).map(|component| &component.body) else {
            return Err(arm.pointer.error("must refer to an object, since it carries the tag"));
        };
        let declared = object.fields.iter().any(|field| field.name == tag);
        if arm.values.len() > 1 && !declared {
            return Err(arm
                .pointer
                .error(format!("several values lead here, so `{name}` must declare the property `{tag}`")));
        }
        Ok(())
    }

    fn unknown_generations(&self, document: &Document, platforms: &[&str]) -> Result<Vec<SpecError>, SpecError> {
        let mut errors = Vec::new();
        for platform in platforms {
            let known = generations::of_platform(document, platform)?;
            let components =
                self.components.iter().filter(|component| owner(&component.name, platforms) == Some(*platform));
            let operations = self.operations.iter().filter(|operation| operation.platform == *platform);
            let named = components.flat_map(Component::generations).chain(operations.flat_map(Operation::generations));
            errors.extend(named.filter_map(|(names, at)| generations::known(&names, &known, platform, at).err()));
        }
        Ok(errors)
    }
}

/// A path with its template names erased.
fn without_names(path: &str) -> String {
    let mut parts = path.split('{');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |path, part| path + "{" + part.split_once('}').map_or(part, |(_, after)| after))
}

fn read_components(document: &Document, platforms: &[&str]) -> Result<Vec<Result<Component, SpecError>>, SpecError> {
    let Some(schemas) = document.target("#/components/schemas") else { return Ok(Vec::new()) };
    let named = |(name, node): &(&str, Node<'_>)| {
        owner(name, platforms).ok_or_else(|| node.error("a component's name begins with its platform's"))?;
        Component::read(name, node)
    };
    Ok(schemas.entries()?.iter().map(named).collect())
}

/// The platform that a component's name is prefixed with.
fn owner<'p>(component: &str, platforms: &[&'p str]) -> Option<&'p str> {
    let after = |platform: &str| {
        component.strip_prefix(&prefix(platform)).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
    };
    platforms.iter().copied().find(|platform| after(platform))
}

/// The prefix of the names of a platform's components: `Oma` for `oma`.
pub fn prefix(platform: &str) -> String {
    platform.to_upper_camel_case()
}

/// Components that are reached from operations of several platforms, or of another platform than their name says.
fn misplaced_components(document: &Document, platforms: &[&str], operations: &[Operation]) -> Vec<SpecError> {
    let mut reached: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for operation in operations {
        let mut names = BTreeSet::new();
        if let Some(node) = document.target(&format!("#{}", operation.pointer.as_str())) {
            reach(document, node.value, &mut names);
        }
        for name in names {
            reached.entry(name).or_default().insert(&operation.platform);
        }
    }
    let misplaced = |(reference, from): (&String, &BTreeSet<&str>)| {
        let name = reference.strip_prefix(COMPONENTS)?;
        let pointer = document.target(reference)?.pointer;
        match from.iter().copied().collect::<Vec<_>>().as_slice() {
            [platform] if owner(name, platforms) == Some(*platform) => None,
            [platform] => Some(pointer.error(format!("is reached from {platform}, whose name it does not carry"))),
            several => Some(pointer.error(format!("is reached from several platforms: {}", several.join(", ")))),
        }
    };
    reached.iter().filter_map(misplaced).collect()
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
