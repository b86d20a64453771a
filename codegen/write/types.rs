//! The types file of one platform.

use std::collections::BTreeSet;

use quote::format_ident;

use super::fields::{ArgumentType, FieldPlan, Presence};
use super::spelling::Spellings;
use super::structs::Struct;
use super::writer::{HEADER, Writer, formatted};
use super::{accessors, checks, docs, enums, setters, unions};
use crate::codegen::error::{Pointer, SpecError};
use crate::codegen::platform::{Direction, Params};
use crate::codegen::read::component::{Body, Component, Field, Object};

/// The whole file.
pub fn file(writer: &Writer<'_>, params: &[Params]) -> Result<String, SpecError> {
    let mut parts = vec![HEADER.to_owned()];
    let spellings = Spellings::of(writer.platform);
    for component in &writer.platform.components {
        parts.extend(self::component(writer, component, &spellings)?);
    }
    for params in params {
        let made = self::params(writer, params)?;
        let checks = checks::of_object(&made, writer, spellings.method_of_params(params))?;
        parts.push(formatted(made.tokens(), &params.pointer())?);
        parts.push(formatted(checks, &params.pointer())?);
    }
    parts.extend(spellings.statics(params)?);
    Ok(parts.join("\n"))
}

fn component(writer: &Writer<'_>, component: &Component, spellings: &Spellings<'_>) -> Result<Vec<String>, SpecError> {
    let spelling = spellings.method_of(component);
    let (name, pointer) = (writer.platform.type_name(&component.name), &component.pointer);
    let mut parts = Vec::new();
    let checks = match &component.body {
        Body::Values(values) => {
            parts.push(enums::text(name, component, values)?);
            return Ok(parts);
        }
        Body::Union(union) => {
            let variants = unions::variants(writer, component, union)?;
            parts.push(unions::definition(writer, component, union, &variants)?);
            let conversions = unions::conversions(name, &variants);
            for tokens in [accessors::text(writer, name, union, &variants)?, conversions] {
                parts.extend((!tokens.is_empty()).then(|| formatted(tokens, pointer)).transpose()?);
            }
            checks::of_union(name, &variants, writer, spelling)
        }
        Body::Object(object) => {
            let made = self::object(writer, component, object)?;
            parts.push(formatted(made.tokens(), pointer)?);
            checks::of_object(&made, writer, spelling)
        }
    };
    if writer.platform.direction(&component.name).sent {
        parts.push(formatted(checks?, pointer)?);
    }
    Ok(parts)
}

/// The struct of an object.
pub fn object<'o>(writer: &Writer<'o>, component: &'o Component, object: &'o Object) -> Result<Struct<'o>, SpecError> {
    let platform = writer.platform;
    let name = platform.type_name(&component.name);
    let direction = platform.direction(&component.name);
    let update = platform.is_update(&component.name);
    let fields = platform.fields(&component.name, object);
    let fields = fields.into_iter().map(|field| plan(writer, name, field, direction, update));
    let made = Struct {
        ident: format_ident!("{name}"),
        description: docs::sentence(component.description.as_deref(), &format!("The `{name}` object.")),
        fields: fields.collect::<Result<_, _>>()?,
        keep_unknown: object.keep_unknown,
        shorthand: object.shorthand.as_deref(),
        tag: platform.tag(&component.name),
    };
    one_of_each(&made, &component.pointer).map(|()| made)
}

/// The struct of query parameters.
pub fn params<'o>(writer: &Writer<'o>, params: &'o Params) -> Result<Struct<'o>, SpecError> {
    let direction = Direction { sent: true, received: false };
    let fields = params.object.fields.iter().map(|field| plan(writer, &params.name, field, direction, false));
    let made = Struct {
        ident: format_ident!("{}", params.name),
        description: params.description.clone(),
        fields: fields.collect::<Result<_, _>>()?,
        keep_unknown: false,
        shorthand: None,
        tag: None,
    };
    one_of_each(&made, &params.pointer()).map(|()| made)
}

fn plan<'o>(
    writer: &Writer<'_>,
    owner: &str,
    field: &'o Field,
    direction: Direction,
    update: bool,
) -> Result<FieldPlan<'o>, SpecError> {
    let (ident, bare) = writer.types.field(owner, &field.name, &field.schema, &field.pointer)?;
    let argument = ArgumentType::of(&bare, &writer.open);
    let argument = if field.is_asked_for() { argument.of_required() } else { argument };
    Ok(FieldPlan { field, ident, bare, presence: Presence::of(field, direction, update), argument })
}

/// Rejects names that would collide in Rust or on the wire.
fn one_of_each(made: &Struct<'_>, at: &Pointer) -> Result<(), SpecError> {
    let mut idents: BTreeSet<String> = made.keep_unknown.then(|| "unknown".to_owned()).into_iter().collect();
    let (mut methods, mut spellings) = (BTreeSet::new(), BTreeSet::new());
    for plan in &made.fields {
        if !idents.insert(plan.ident.to_string()) {
            return Err(at.error(format!("two properties would be the field `{}`", plan.ident)));
        }
        if let Some(method) = setters::names(plan).into_iter().find(|name| !methods.insert(name.clone())) {
            return Err(at.error(format!("two properties would have the method `{method}`")));
        }
        for name in std::iter::once(&plan.field.name).chain(&plan.field.aliases) {
            if !spellings.insert(name) {
                return Err(at.error(format!("`{name}` spells two properties")));
            }
        }
    }
    Ok(())
}
