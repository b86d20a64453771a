//! Objects: the struct and `new`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Ident;

use super::fields::FieldPlan;
use super::{docs, reading, setters};
use crate::codegen::platform::Tag;

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
        let (definition, constructor) = (self.definition(), self.constructor());
        let reading = reading::of(self);
        let ident = &self.ident;
        let setters = self.fields.iter().map(setters::of);
        quote! {
            #definition
            impl #ident {
                #constructor
                #(#setters)*
            }
            #reading
        }
    }

    fn definition(&self) -> TokenStream {
        let docs = docs::attributes(&self.description);
        let (derives, container) = (self.derives(), self.container_attributes());
        let ident = &self.ident;
        let fields = self.fields.iter().map(FieldPlan::definition);
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
        quote!(Clone, Debug, #default PartialEq, ::serde::Serialize)
    }

    fn container_attributes(&self) -> Option<TokenStream> {
        self.tag.map(|Tag { property, value }| quote!(#[serde(tag = #property, rename = #value)]))
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
}
