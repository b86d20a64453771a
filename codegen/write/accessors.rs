//! Methods of a tagged union for the fields that most of its choices have.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Ident, Type};

use super::docs;
use super::fields::{Presence, is_string};
use super::setters::TAKEN;
use super::unions::Variant;
use super::writer::Writer;
use crate::codegen::error::SpecError;
use crate::codegen::read::component::{Body, Field, Object, Union};
use crate::codegen::read::schema::Shape;

/// The methods that every tagged union has.
const OWN: [&str; 2] = ["tag", "decode"];

/// A shared field, as one of the choices has it.
struct Shared<'a> {
    variant: &'a Ident,
    ident: Ident,
    ty: Type,
    presence: Presence,
}

/// A method for each field that most choices have with the same name and type; nothing if there is none.
pub fn text(
    writer: &Writer<'_>,
    name: &str,
    union: &Union,
    variants: &[Variant<'_>],
) -> Result<TokenStream, SpecError> {
    let Some(tag) = &union.tag else { return Ok(TokenStream::new()) };
    let mut methods = Vec::new();
    let mut seen = BTreeSet::from([tag.as_str()]);
    let fields = variants.iter().filter_map(|variant| object(writer, variant)).flat_map(|(_, object)| &object.fields);
    for field in fields.filter(|field| variants.len() > 1 && seen.insert(field.name.as_str())) {
        let shared = variants.iter().map(|variant| shared(writer, variant, &field.name));
        let shared: Vec<_> = shared.filter_map(Result::transpose).collect::<Result<_, SpecError>>()?;
        if shared.len() * 2 > variants.len() {
            methods.extend(method(field, &shared, shared.len() == variants.len()));
        }
    }
    let ident = format_ident!("{name}");
    Ok(if methods.is_empty() { TokenStream::new() } else { quote!(impl #ident { #(#methods)* }) })
}

fn object<'a>(writer: &Writer<'a>, variant: &'a Variant<'_>) -> Option<(&'a str, &'a Object)> {
    let Shape::Component(name) = &variant.arm.schema.shape else { return None };
    match &writer.platform.component(name)?.body {
        Body::Object(object) => Some((name, object)),
        _ => None,
    }
}

/// The field `name` of a choice, if it has one that a method can hand out.
fn shared<'a>(writer: &Writer<'a>, variant: &'a Variant<'_>, name: &str) -> Result<Option<Shared<'a>>, SpecError> {
    let Some((owner, object)) = object(writer, variant) else { return Ok(None) };
    let Some(field) = object.fields.iter().find(|field| field.name == name) else { return Ok(None) };
    let platform = writer.platform;
    let (ident, ty) = writer.types.field(platform.type_name(owner), name, &field.schema, &field.pointer)?;
    let presence = Presence::of(field, platform.direction(owner), platform.is_update(owner));
    let simple = matches!(presence, Presence::Required | Presence::Nullable | Presence::Optional);
    let free = !TAKEN.iter().chain(&OWN).any(|taken| ident == taken);
    Ok((simple && free).then_some(Shared { variant: &variant.ident, ident, ty, presence }))
}

/// The method of a field; `all` is whether every choice has it.
fn method(field: &Field, shared: &[Shared<'_>], all: bool) -> Option<TokenStream> {
    let Shared { ident, ty, .. } = shared.first()?;
    let written = |ty: &Type| quote!(#ty).to_string();
    if shared.iter().any(|other| written(&other.ty) != written(ty)) {
        return None;
    }
    let (copied, text) = (is_copied(&field.schema.shape), is_string(ty));
    let arms = shared.iter().map(|Shared { variant, ident, presence, .. }| {
        let value = match (*presence == Presence::Required, copied, text) {
            (true, true, _) => quote!(::std::option::Option::Some(body.#ident)),
            (true, false, true) => quote!(::std::option::Option::Some(body.#ident.as_str())),
            (true, false, false) => quote!(::std::option::Option::Some(&body.#ident)),
            (false, true, _) => quote!(body.#ident),
            (false, false, true) => quote!(body.#ident.as_deref()),
            (false, false, false) => quote!(body.#ident.as_ref()),
        };
        quote!(Self::#variant(body) => #value,)
    });
    let result = match (copied, text) {
        (true, _) => quote!(#ty),
        (false, true) => quote!(&str),
        (false, false) => quote!(&#ty),
    };
    let which = if all { "whichever choice it is" } else { "if it is a choice that has one" };
    let docs = docs::attributes(&format!("Returns the `{}`, {which}.", field.name));
    let rest = if all { quote!(Self::Unknown(_)) } else { quote!(_) };
    Some(quote! {
        #docs
        pub fn #ident(&self) -> ::std::option::Option<#result> {
            match self {
                #(#arms)*
                #rest => ::std::option::Option::None,
            }
        }
    })
}

fn is_copied(shape: &Shape) -> bool {
    matches!(shape, Shape::Boolean | Shape::Integer { .. } | Shape::Number | Shape::Timestamp(_))
}
