//! Unions: with a tag that selects the arm, or with arms tried in turn.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Ident, Type};

use super::docs;
use super::enums::UNKNOWN;
use super::fields::{ArgumentType, is_string, library_type};
use super::writer::{Writer, formatted};
use crate::codegen::error::SpecError;
use crate::codegen::read::component::{Arm, Body, Component, Union};
use crate::codegen::read::schema::Shape;

/// A variant to be generated.
pub struct Variant<'a> {
    pub ident: Ident,
    pub ty: Type,
    pub arm: &'a Arm,
}

/// The enum of a union.
pub fn definition(
    writer: &Writer<'_>,
    component: &Component,
    union: &Union,
    variants: &[Variant<'_>],
) -> Result<String, SpecError> {
    let name = writer.platform.type_name(&component.name);
    let description = docs::sentence(component.description.as_deref(), &format!("The choices of a `{name}`."));
    match &union.tag {
        Some(tag) => tagged(writer, name, (tag, union), &description, variants),
        None => formatted(untagged(writer, &format_ident!("{name}"), &description, variants), &component.pointer),
    }
}

/// The variants of a union.
pub fn variants<'a>(
    writer: &Writer<'_>,
    component: &Component,
    union: &'a Union,
) -> Result<Vec<Variant<'a>>, SpecError> {
    let name = writer.platform.type_name(&component.name);
    let mut variants: Vec<Variant<'a>> = Vec::new();
    for (index, arm) in union.arms.iter().enumerate() {
        let ident = format_ident!("{}", variant_name(writer, arm));
        if ident == UNKNOWN || variants.iter().any(|variant| variant.ident == ident) {
            return Err(arm.pointer.error(format!("the variant `{ident}` exists; give the arm another title")));
        }
        let ty = writer.types.arm(name, index, arm, &component.pointer)?;
        let is_boxed = matches!(library_type(&ty), Some((name, _)) if name == "Box");
        let ty = if !is_boxed && room(writer, &arm.schema.shape, 0) > LARGE {
            syn::parse_quote!(::std::boxed::Box<#ty>)
        } else {
            ty
        };
        variants.push(Variant { ident, ty, arm });
    }
    Ok(variants)
}

/// A variant that takes more bytes is boxed: every value of the union has room for the largest.
const LARGE: usize = 560;

/// About how many bytes a value takes.
fn room(writer: &Writer<'_>, shape: &Shape, depth: usize) -> usize {
    let of = |shape| room(writer, shape, depth + 1);
    let name = match shape {
        // What is nested deeper is recursive, and boxed.
        Shape::Component(name) if depth < 8 => name,
        Shape::Boolean | Shape::Integer { .. } | Shape::Number | Shape::Timestamp(_) => return 16,
        Shape::Any => return 32,
        _ => return 24,
    };
    match writer.platform.component(name).map(|component| &component.body) {
        Some(Body::Object(object)) => {
            let fields: usize = object.fields.iter().map(|field| of(&field.schema.shape)).sum();
            fields + if object.keep_unknown { 24 } else { 0 }
        }
        Some(Body::Union(union)) => union.arms.iter().map(|arm| of(&arm.schema.shape)).max().unwrap_or_default() + 8,
        Some(Body::Values(_)) | None => 24,
    }
}

/// The title, or the component's name, or the kind of value.
fn variant_name(writer: &Writer<'_>, arm: &Arm) -> String {
    let kind = match &arm.schema.shape {
        Shape::Component(name) => writer.platform.type_name(name),
        Shape::Text | Shape::Binary => "Text",
        Shape::Timestamp(_) => "Timestamp",
        Shape::Boolean => "Boolean",
        Shape::Integer { .. } => "Integer",
        Shape::Number => "Number",
        Shape::List(_) => "List",
        Shape::Map(_) => "Map",
        Shape::Any => "Any",
    };
    arm.title.as_deref().unwrap_or(kind).to_owned()
}

/// The documentation of a variant: the description of its arm, or the first paragraph of the component's.
fn variant_docs(writer: &Writer<'_>, variant: &Variant<'_>) -> String {
    let component = match &variant.arm.schema.shape {
        Shape::Component(name) => writer.platform.component(name),
        _ => None,
    };
    let inner = component.and_then(|component| component.description.as_deref());
    let description = variant.arm.schema.description.as_deref().or(inner);
    let first = description.map(|text| text.split("\n\n").next().unwrap_or(text));
    docs::sentence(first, &format!("`{}`.", variant.ident))
}

/// The macro call that defines the enum. It is text and not tokens, because prettyplease cannot format macro input.
fn tagged(
    writer: &Writer<'_>,
    name: &str,
    (tag, union): (&str, &Union),
    description: &str,
    variants: &[Variant<'_>],
) -> Result<String, SpecError> {
    let (strings, variants): (Vec<_>, Vec<_>) = variants.iter().partition(|variant| variant.arm.is_string());
    let line = |variant: &&Variant<'_>| {
        let docs = docs::comments(&variant_docs(writer, variant), 2);
        let values: Vec<String> = variant.arm.values.iter().map(|value| format!("{value:?}")).collect();
        let (ident, ty, accessor) = (&variant.ident, type_text(variant)?, accessor(writer, tag, variant)?);
        Ok(format!("{docs}        {ident}({ty}) = {}{accessor},\n", values.join(" | ")))
    };
    let lines = variants.iter().map(line).collect::<Result<String, SpecError>>()?;
    let docs = docs::comments(description, 1);
    let string = match strings.first() {
        Some(string) => {
            let docs = docs::comments(&variant_docs(writer, string), 2);
            format!(" or string {{\n{docs}        {}\n    }}", string.ident)
        }
        None => String::new(),
    };
    let shorthand = variants
        .iter()
        .find(|variant| union.shorthand.as_ref().is_some_and(|value| variant.arm.values.contains(value)));
    let shorthand = shorthand.map_or_else(String::new, |variant| format!(" short {}", variant.ident));
    Ok(format!(
        "crate::serde_ext::open_union! {{\n{docs}    pub enum {name} by {tag:?} {{\n{lines}    }}{string}{shorthand}\n}}\n"
    ))
}

/// How the tag value is read from a member that keeps its tag as a field.
fn accessor(writer: &Writer<'_>, tag: &str, variant: &Variant<'_>) -> Result<String, SpecError> {
    let Shape::Component(member) = &variant.arm.schema.shape else { return Ok(String::new()) };
    if writer.platform.tag(member).is_some() {
        return Ok(String::new());
    }
    let object = writer.platform.component(member).and_then(|component| match &component.body {
        Body::Object(object) => object.fields.iter().find(|field| field.name == tag),
        _ => None,
    });
    let Some(field) = object else { return Ok(String::new()) };
    let (ident, _) = writer.types.field(writer.platform.type_name(member), tag, &field.schema, &field.pointer)?;
    let path = match &field.schema.shape {
        Shape::Component(name) => writer.platform.type_name(name),
        Shape::Text => "::std::string::String",
        _ => return Err(field.pointer.error("a tag is a string or a string enum")),
    };
    let plain = field.required && !field.schema.nullable;
    let value = if plain {
        format!("body.{ident}.as_str()")
    } else {
        format!("body.{ident}.as_ref().map_or(\"\", {path}::as_str)")
    };
    Ok(format!(" in |body| {value}"))
}

fn type_text(variant: &Variant<'_>) -> Result<String, SpecError> {
    let ty = &variant.ty;
    let alias = formatted(quote!(type Alias = #ty;), &variant.arm.pointer)?;
    Ok(alias.trim().trim_start_matches("type Alias = ").trim_end_matches(';').to_owned())
}

fn untagged(writer: &Writer<'_>, ident: &Ident, description: &str, variants: &[Variant<'_>]) -> TokenStream {
    let docs = docs::attributes(description);
    let arms = variants.iter().map(|variant| {
        let docs = docs::attributes(&variant_docs(writer, variant));
        let (ident, ty) = (&variant.ident, &variant.ty);
        quote!(#docs #ident(#ty),)
    });
    quote! {
        #docs
        #[derive(Clone, Debug, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(untagged)]
        #[non_exhaustive]
        pub enum #ident {
            #(#arms)*
            /// Anything that this version of the crate does not know.
            Unknown(::serde_json::Value),
        }
    }
}

/// `From` for each type that is in one arm only.
pub fn conversions(union: &str, variants: &[Variant<'_>]) -> TokenStream {
    let union = &format_ident!("{union}");
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for Variant { ty, .. } in variants {
        *counts.entry(quote!(#ty).to_string()).or_default() += 1;
    }
    let unique = variants.iter().filter(|Variant { ty, .. }| counts.get(&quote!(#ty).to_string()) == Some(&1));
    let conversions = unique.map(|variant| conversion(union, variant));
    quote!(#(#conversions)*)
}

fn conversion(union: &Ident, variant: &Variant<'_>) -> TokenStream {
    let (ident, ty) = (&variant.ident, &variant.ty);
    let argument = ArgumentType::of(ty, &BTreeSet::new());
    let (source, value) = match &argument {
        ArgumentType::Unboxed(inner) => (inner, quote!(::std::boxed::Box::new(value))),
        _ => (ty, quote!(value)),
    };
    let borrowed = is_string(ty).then(|| {
        quote! {
            impl ::std::convert::From<&str> for #union {
                fn from(value: &str) -> Self { Self::#ident(value.to_owned()) }
            }
        }
    });
    quote! {
        #borrowed
        impl ::std::convert::From<#source> for #union {
            fn from(value: #source) -> Self { Self::#ident(#value) }
        }
    }
}
