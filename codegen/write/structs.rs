//! Objects: the struct, `new`, and the deserialization of aliases.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Ident, Type};

use super::fields::{FieldPlan, Presence};
use super::{docs, setters};
use crate::codegen::platform::Tag;
use crate::codegen::read::component::Field;

/// A struct to be generated.
pub struct Struct<'a> {
    pub ident: Ident,
    pub description: String,
    pub fields: Vec<FieldPlan<'a>>,
    pub keep_unknown: bool,
    /// The property as which a bare string is read.
    pub shorthand: Option<&'a str>,
    /// The tag that is serialized first.
    pub tag: Option<Tag<'a>>,
}

impl Struct<'_> {
    /// The struct and its methods.
    pub fn tokens(&self) -> TokenStream {
        let shadow = self.needs_shadow().then(|| self.shadow());
        let (definition, constructor) = (self.definition(), self.constructor());
        let ident = &self.ident;
        let setters = self.fields.iter().map(setters::of);
        quote! {
            #definition
            impl #ident {
                #constructor
                #(#setters)*
            }
            #shadow
        }
    }

    fn definition(&self) -> TokenStream {
        let docs = docs::attributes(&self.description);
        let (derives, container) = (self.derives(), self.container_attributes());
        let ident = &self.ident;
        let reads = !self.needs_shadow();
        let fields = self.fields.iter().map(|plan| plan.definition(reads));
        let unknown = self.keep_unknown.then(|| {
            quote! {
                /// Fields that this version of the crate does not know.
                #[serde(flatten)]
                pub unknown: ::serde_json::Map<::std::string::String, ::serde_json::Value>,
            }
        });
        quote! {
            #docs
            #[derive(#derives)]
            #container
            #[non_exhaustive]
            pub struct #ident { #(#fields)* #unknown }
        }
    }

    fn derives(&self) -> TokenStream {
        let default = self.fields.iter().all(|plan| !plan.is_argument()).then(|| quote!(Default,));
        let read = self.shorthand.is_none().then(|| quote!(, ::serde::Deserialize));
        quote!(Clone, Debug, #default PartialEq, ::serde::Serialize #read)
    }

    fn container_attributes(&self) -> TokenStream {
        let tag = self.tag.map(|Tag { property, value }| quote!(#[serde(tag = #property, rename = #value)]));
        let shadow = (self.needs_shadow() && self.shorthand.is_none()).then(|| {
            let name = self.shadow_ident().to_string();
            quote!(#[serde(try_from = #name)])
        });
        quote!(#tag #shadow)
    }

    fn constructor(&self) -> TokenStream {
        let arguments: Vec<&FieldPlan<'_>> = self.fields.iter().filter(|plan| plan.is_argument()).collect();
        let doc = match arguments.as_slice() {
            [] => format!("A new `{}` with nothing set.", self.ident),
            _ => format!("A new `{}` with what is required.", self.ident),
        };
        let doc = docs::attributes(&doc);
        let parameters = arguments.iter().map(|plan| plan.parameter());
        let values = self.fields.iter().map(FieldPlan::initial);
        let unknown = self.keep_unknown.then(|| quote!(unknown: ::serde_json::Map::new(),));
        quote! {
            #doc
            #[must_use]
            pub fn new(#(#parameters),*) -> Self {
                Self { #(#values,)* #unknown }
            }
        }
    }

    /// serde's own aliases reject an object that has both names, a flattened map would keep the tag, and a shorthand
    /// is read as another type.
    fn needs_shadow(&self) -> bool {
        let has_aliases = self.fields.iter().any(|plan| !plan.field.aliases.is_empty());
        has_aliases || self.shorthand.is_some() || (self.keep_unknown && self.tag.is_some())
    }

    fn shadow_ident(&self) -> Ident {
        format_ident!("{}OnTheWire", self.ident)
    }

    /// A private struct with one field for each name, and its conversion into the public one.
    fn shadow(&self) -> TokenStream {
        let (ident, shadow) = (&self.ident, self.shadow_ident());
        let fields = self.fields.iter().map(shadow_fields);
        let values = self.fields.iter().map(shadow_value);
        let unknown = self
            .keep_unknown
            .then(|| quote!(#[serde(flatten)] unknown: ::serde_json::Map<::std::string::String, ::serde_json::Value>,));
        let tag = self.tag.filter(|_| self.keep_unknown).map(|tag| {
            let property = tag.property;
            quote!(#[serde(default, rename = #property)] _tag: ::serde::de::IgnoredAny,)
        });
        let moved = self.keep_unknown.then(|| quote!(unknown: wire.unknown,));
        let shorthand = self.shorthand.map(|property| {
            quote! {
                impl<'de> ::serde::Deserialize<'de> for #ident {
                    fn deserialize<D: ::serde::Deserializer<'de>>(
                        deserializer: D,
                    ) -> ::std::result::Result<Self, D::Error> {
                        crate::serde_ext::shorthand::<D, #shadow, Self>(deserializer, #property)
                    }
                }
            }
        });
        quote! {
            #[derive(::serde::Deserialize)]
            struct #shadow { #(#fields)* #tag #unknown }
            impl ::std::convert::TryFrom<#shadow> for #ident {
                type Error = crate::serde_ext::MissingField;
                fn try_from(wire: #shadow) -> ::std::result::Result<Self, Self::Error> {
                    ::std::result::Result::Ok(Self { #(#values,)* #moved })
                }
            }
            #shorthand
        }
    }
}

/// The fields of the private struct for one field: itself, or one for each of its names.
fn shadow_fields(plan: &FieldPlan<'_>) -> TokenStream {
    if plan.field.aliases.is_empty() {
        return plan.private_definition();
    }
    let ty = spelling_type(plan);
    let reader = plan.spelling_reader().map(|reader| quote!(, deserialize_with = #reader));
    let spelled = spellings(plan.field).zip(spelling_idents(plan));
    let fields = spelled.map(|(name, ident)| quote!(#[serde(default, rename = #name #reader)] #ident: #ty,));
    quote!(#(#fields)*)
}

fn shadow_value(plan: &FieldPlan<'_>) -> TokenStream {
    let ident = &plan.ident;
    if plan.field.aliases.is_empty() {
        return quote!(#ident: wire.#ident);
    }
    let idents = spelling_idents(plan);
    let name = &plan.field.name;
    let candidates = quote!([#(wire.#idents),*]);
    match plan.presence {
        Presence::Required => {
            quote!(#ident: crate::serde_ext::first(#candidates).ok_or(crate::serde_ext::MissingField(#name))?)
        }
        Presence::Optional | Presence::Nullable => quote!(#ident: crate::serde_ext::first(#candidates)),
        Presence::NullAsEmpty => quote!(#ident: crate::serde_ext::first(#candidates).unwrap_or_default()),
        Presence::Patch => quote!(#ident: crate::serde_ext::first_present(#candidates)),
    }
}

fn spelling_type(plan: &FieldPlan<'_>) -> Type {
    let bare = &plan.bare;
    match plan.presence {
        Presence::Patch => syn::parse_quote!(::std::option::Option<::std::option::Option<#bare>>),
        _ => syn::parse_quote!(::std::option::Option<#bare>),
    }
}

fn spellings(field: &Field) -> impl Iterator<Item = &String> {
    std::iter::once(&field.name).chain(&field.aliases)
}

fn spelling_idents(plan: &FieldPlan<'_>) -> Vec<Ident> {
    spellings(plan.field)
        .enumerate()
        .map(|(index, _)| format_ident!("{}_{index}", setters::stem(&plan.ident)))
        .collect()
}
