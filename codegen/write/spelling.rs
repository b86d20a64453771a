//! Statics of what server generations spell differently in a request; see `src/spelling.rs`.

use std::collections::BTreeMap;

use heck::ToShoutySnakeCase;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;

use super::writer::formatted;
use crate::codegen::error::{Pointer, SpecError};
use crate::codegen::platform::{Params, Platform};
use crate::codegen::read::component::{Arm, Body, Component, Field, Union};
use crate::codegen::read::schema::{Schema, Shape};

/// Which of the sent components differ between generations, by themselves or by what is inside.
pub struct Spellings<'a> {
    platform: &'a Platform<'a>,
    differing: BTreeMap<&'a str, &'a Component>,
}

impl<'a> Spellings<'a> {
    /// Those of `platform`.
    pub fn of(platform: &'a Platform<'a>) -> Self {
        let sent = || platform.components.iter().copied().filter(|component| platform.direction(&component.name).sent);
        let mut spellings = Self { platform, differing: BTreeMap::new() };
        // Components refer to each other in circles, so this goes on until nothing is added.
        loop {
            let known = spellings.differing.len();
            for component in sent() {
                if spellings.component_differs(component) {
                    spellings.differing.insert(&component.name, component);
                }
            }
            if spellings.differing.len() == known {
                return spellings;
            }
        }
    }

    /// The statics; empty for a platform without generations.
    pub fn statics(&self, params: &[Params]) -> Result<Vec<String>, SpecError> {
        let mut parts = Vec::new();
        for component in self.differing.values() {
            let value = self.component(component)?;
            parts.push(self.definition(&component.name, &value, &component.pointer)?);
        }
        for params in params.iter().filter(|params| self.object_differs(&params.object.fields)) {
            let value = self.object(&params.object.fields);
            parts.push(self.definition(&params.name, &value, &params.pointer())?);
        }
        Ok(parts)
    }

    /// The method of `Check` that hands out the static of a component, if it has one.
    pub fn method_of(&self, component: &Component) -> Option<TokenStream> {
        self.differing.contains_key(component.name.as_str()).then(|| self.method(&component.name))
    }

    /// The same for the parameters of a query.
    pub fn method_of_params(&self, params: &Params) -> Option<TokenStream> {
        self.object_differs(&params.object.fields).then(|| self.method(&params.name))
    }

    fn method(&self, name: &str) -> TokenStream {
        let ident = self.ident(name);
        quote! {
            fn spelling() -> ::std::option::Option<&'static crate::spelling::Spelling> {
                ::std::option::Option::Some(&#ident)
            }
        }
    }

    fn ident(&self, name: &str) -> Ident {
        format_ident!("SPELLING_OF_{}", self.platform.type_name(name).to_shouty_snake_case())
    }

    fn definition(&self, name: &str, value: &TokenStream, at: &Pointer) -> Result<String, SpecError> {
        let ident = self.ident(name);
        formatted(quote!(static #ident: crate::spelling::Spelling = #value;), at)
    }

    fn component_differs(&self, component: &Component) -> bool {
        match &component.body {
            Body::Object(object) => self.object_differs(&object.fields),
            Body::Values(values) => values.values.iter().any(|value| !value.generations.is_empty()),
            Body::Union(union) => {
                union.arms.iter().any(|arm| !arm.generations.is_empty() || self.schema_differs(&arm.schema))
            }
        }
    }

    fn object_differs(&self, fields: &[Field]) -> bool {
        fields.iter().any(|field| !field.spelling.is_plain() || self.schema_differs(&field.schema))
    }

    fn schema_differs(&self, schema: &Schema) -> bool {
        schema.references().iter().any(|name| self.differing.contains_key(name))
    }

    fn component(&self, component: &Component) -> Result<TokenStream, SpecError> {
        match &component.body {
            Body::Object(object) => Ok(self.object(&object.fields)),
            Body::Values(values) => {
                let values = values.values.iter().filter(|value| !value.generations.is_empty()).map(|value| {
                    let (name, generations) = (&value.value, &value.generations);
                    quote!((#name, &[#(#generations),*]))
                });
                Ok(quote!(crate::spelling::Spelling::Values(&[#(#values),*])))
            }
            Body::Union(union) => self.union(union),
        }
    }

    fn object(&self, fields: &[Field]) -> TokenStream {
        let differing = fields.iter().filter(|field| !field.spelling.is_plain() || self.schema_differs(&field.schema));
        let fields = differing.map(|field| {
            let (name, generations) = (&field.name, &field.spelling.generations);
            let spelled = field.spelling.spelled.iter().map(|(generation, name)| quote!((#generation, #name)));
            let inside = self.optional(&field.schema);
            quote! {
                crate::spelling::SpelledField {
                    name: #name,
                    generations: &[#(#generations),*],
                    spelled: &[#(#spelled),*],
                    inside: #inside,
                }
            }
        });
        quote!(crate::spelling::Spelling::Object(&[#(#fields),*]))
    }

    fn union(&self, union: &Union) -> Result<TokenStream, SpecError> {
        let Some(tag) = &union.tag else { return self.untagged(union) };
        let mut arms = Vec::new();
        for arm in &union.arms {
            let (generations, inside) = (&arm.generations, self.optional(&arm.schema));
            arms.extend(arm.values.iter().map(|value| {
                quote! {
                    crate::spelling::SpelledArm { value: #value, generations: &[#(#generations),*], inside: #inside }
                }
            }));
        }
        Ok(quote!(crate::spelling::Spelling::Union { tag: #tag, arms: &[#(#arms),*] }))
    }

    /// Nothing tells the arms of such a union apart, so only one of them may differ. The others pass unharmed, unless
    /// they are objects too, with fields of the same names.
    fn untagged(&self, union: &Union) -> Result<TokenStream, SpecError> {
        if let Some(arm) = union.arms.iter().find(|arm| !arm.generations.is_empty()) {
            return Err(arm.pointer.error("an arm differs by generation only in a union with a discriminator"));
        }
        let differing: Vec<&Arm> = union.arms.iter().filter(|arm| self.schema_differs(&arm.schema)).collect();
        match differing.as_slice() {
            [arm] => self.value(&arm.schema),
            [_, other, ..] => {
                Err(other.pointer.error("several arms differ by generation; give the union a discriminator"))
            }
            [] => Ok(quote!(crate::spelling::Spelling::Values(&[]))),
        }
    }

    /// What differs in the only such arm of an untagged union.
    fn value(&self, schema: &Schema) -> Result<TokenStream, SpecError> {
        match &schema.shape {
            Shape::Component(name) => {
                self.differing.get(name.as_str()).map_or_else(|| Ok(TokenStream::new()), |found| self.component(found))
            }
            Shape::List(inner) => {
                let inner = self.reference(inner);
                Ok(quote!(crate::spelling::Spelling::List(#inner)))
            }
            Shape::Map(inner) => {
                let inner = self.reference(inner);
                Ok(quote!(crate::spelling::Spelling::Map(#inner)))
            }
            _ => Ok(TokenStream::new()),
        }
    }

    fn optional(&self, schema: &Schema) -> TokenStream {
        if !self.schema_differs(schema) {
            return quote!(::std::option::Option::None);
        }
        let inside = self.reference(schema);
        quote!(::std::option::Option::Some(#inside))
    }

    /// A reference to what differs in a value of `schema`, which something does.
    fn reference(&self, schema: &Schema) -> TokenStream {
        match &schema.shape {
            Shape::Component(name) => {
                let ident = self.ident(name);
                quote!(&#ident)
            }
            Shape::List(inner) => {
                let inner = self.reference(inner);
                quote!(&crate::spelling::Spelling::List(#inner))
            }
            Shape::Map(inner) => {
                let inner = self.reference(inner);
                quote!(&crate::spelling::Spelling::Map(#inner))
            }
            _ => quote!(&crate::spelling::Spelling::Values(&[])),
        }
    }
}
