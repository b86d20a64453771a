//! A field of a struct: whether it may be absent or null, and the resulting type.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{GenericArgument, Ident, PathArguments, Type, parse_quote};

use super::component::Field;
use super::docs;
use super::platform::Direction;
use super::schema::Shape;

/// A field to be generated.
pub struct Plan<'a> {
    pub field: &'a Field,
    pub ident: Ident,
    /// The type without the `Option`s of its presence.
    pub bare: Type,
    pub presence: Presence,
    pub taken: Taken,
}

/// The meaning of absent and null for a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Always present.
    Required,
    /// Always present, but may be null.
    Nullable,
    /// May be absent; null means the same.
    Optional,
    /// Absent leaves the value unchanged, or means the default; null is a distinct value.
    Patch,
    /// A list or map of a received object: absent and null mean empty.
    Filled,
}

/// The parameter type of an argument.
#[derive(Clone)]
pub enum Taken {
    /// `impl Into` of the type.
    Into,
    /// Anything that iterates over strings.
    Strings,
    /// Anything that iterates over the elements.
    Elements(Type),
    /// Anything that iterates over names and JSON values.
    Entries,
    /// The type inside the box.
    Unboxed(Type),
    /// `impl Into` of the type inside the box.
    IntoUnboxed(Type),
    /// The type itself.
    Plain,
}

impl Presence {
    /// The presence of `field` in an object of `direction`; `update` is whether the object is an update.
    pub fn of(field: &Field, direction: Direction, update: bool) -> Self {
        let list = matches!(field.schema.shape, Shape::List(_));
        let map = matches!(field.schema.shape, Shape::Map(_));
        let nullable = field.schema.nullable;
        // An explicit null differs from the default, if there is one.
        let defaults = field.schema.default.as_ref().is_some_and(|default| !default.is_null());
        match (field.required, direction) {
            (false, _) if update && nullable => Self::Patch,
            (false, Direction { received: false, sent: true }) if defaults && nullable => Self::Patch,
            (_, Direction { received: true, sent: false }) if list => Self::Filled,
            (true, Direction { received: true, .. }) if (list || map) && !nullable => Self::Filled,
            (true, _) if nullable => Self::Nullable,
            (true, _) => Self::Required,
            (false, _) => Self::Optional,
        }
    }
}

impl Taken {
    /// How a value of the type `bare` is passed; `open` has the names of the types with conversions into them.
    pub fn of(bare: &Type, open: &BTreeSet<&str>) -> Self {
        let Some((name, argument)) = last_segment(bare) else { return Self::Plain };
        match (name.as_str(), argument) {
            ("String" | "Timestamp" | "Secret", _) => Self::Into,
            ("Vec", Some(element)) if is_string(element) => Self::Strings,
            ("Vec", Some(element)) => Self::Elements(element.clone()),
            ("Map", Some(key)) if is_string(key) => Self::Entries,
            ("Box", Some(inner)) if matches!(Self::of(inner, open), Self::Into) => Self::IntoUnboxed(inner.clone()),
            ("Box", Some(inner)) => Self::Unboxed(inner.clone()),
            (name, None) if open.contains(name) => Self::Into,
            _ => Self::Plain,
        }
    }

    /// The type of the argument.
    pub fn parameter_type(&self, bare: &Type) -> TokenStream {
        match self {
            Self::Into => quote!(impl ::std::convert::Into<#bare>),
            Self::Strings => {
                quote!(impl ::std::iter::IntoIterator<Item = impl ::std::convert::Into<::std::string::String>>)
            }
            Self::Elements(element) => quote!(impl ::std::iter::IntoIterator<Item = #element>),
            Self::Entries => quote! {
                impl ::std::iter::IntoIterator<
                    Item = (
                        impl ::std::convert::Into<::std::string::String>,
                        impl ::std::convert::Into<::serde_json::Value>,
                    ),
                >
            },
            Self::Unboxed(inner) => quote!(#inner),
            Self::IntoUnboxed(inner) => quote!(impl ::std::convert::Into<#inner>),
            Self::Plain => quote!(#bare),
        }
    }

    /// The value of the argument `name`.
    pub fn value(&self, name: &Ident) -> TokenStream {
        match self {
            Self::Into => quote!(#name.into()),
            Self::Strings => quote!(#name.into_iter().map(::std::convert::Into::into).collect()),
            Self::Elements(_) => quote!(#name.into_iter().collect()),
            Self::Entries => {
                quote!(#name.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
            }
            Self::Unboxed(_) => quote!(::std::boxed::Box::new(#name)),
            Self::IntoUnboxed(_) => quote!(::std::boxed::Box::new(#name.into())),
            Self::Plain => quote!(#name),
        }
    }
}

impl Plan<'_> {
    /// The whole type of the field.
    pub fn ty(&self) -> Type {
        let bare = &self.bare;
        match self.presence {
            Presence::Required | Presence::Filled => bare.clone(),
            Presence::Nullable | Presence::Optional => parse_quote!(::std::option::Option<#bare>),
            Presence::Patch => parse_quote!(::std::option::Option<::std::option::Option<#bare>>),
        }
    }

    /// Whether it is a parameter of `new`.
    pub fn is_argument(&self) -> bool {
        self.field.required
    }

    /// The public field. `reads` is whether it needs attributes for deserializing.
    pub fn definition(&self, reads: bool) -> TokenStream {
        let docs = docs::attributes(&docs::describe(&self.field.name, &self.field.schema));
        let attributes = self.attributes(reads, true);
        let (ident, ty) = (&self.ident, self.ty());
        quote!(#docs #attributes pub #ident: #ty,)
    }

    /// The field of a private struct that is only deserialized.
    pub fn private_definition(&self) -> TokenStream {
        let attributes = self.attributes(true, false);
        let (ident, ty) = (&self.ident, self.ty());
        quote!(#attributes #ident: #ty,)
    }

    /// The parameter of `new`.
    pub fn parameter(&self) -> TokenStream {
        let ident = &self.ident;
        let ty = match self.presence {
            Presence::Nullable => {
                let ty = self.ty();
                quote!(#ty)
            }
            _ => self.taken.parameter_type(&self.bare),
        };
        quote!(#ident: #ty)
    }

    /// The field in the struct that `new` creates.
    pub fn initial(&self) -> TokenStream {
        let ident = &self.ident;
        match (self.is_argument(), self.presence) {
            (true, Presence::Nullable) => quote!(#ident),
            (true, _) => {
                let value = self.taken.value(ident);
                if matches!(self.taken, Taken::Plain) { quote!(#ident) } else { quote!(#ident: #value) }
            }
            (false, Presence::Filled) => quote!(#ident: ::std::vec::Vec::new()),
            (false, _) => quote!(#ident: ::std::option::Option::None),
        }
    }

    fn attributes(&self, reads: bool, writes: bool) -> TokenStream {
        let mut arguments = Vec::new();
        let name = &self.field.name;
        if self.ident != name {
            arguments.push(quote!(rename = #name));
        }
        let optional = matches!(self.presence, Presence::Optional | Presence::Patch);
        let whole = is_whole(&self.bare);
        // serde treats a missing `Option` as `None` only without a custom deserializer.
        let nullable_by_hand = whole && self.presence == Presence::Nullable;
        if reads && (optional || nullable_by_hand || self.presence == Presence::Filled) {
            arguments.push(quote!(default));
        }
        if writes && optional {
            arguments.push(quote!(skip_serializing_if = "::std::option::Option::is_none"));
        }
        match self.presence {
            Presence::Filled if reads => arguments.push(quote!(deserialize_with = "crate::open::null_as_default")),
            Presence::Patch if reads => arguments.push(quote!(deserialize_with = "crate::open::present")),
            Presence::Required if reads && whole => arguments.push(quote!(deserialize_with = "crate::open::whole")),
            Presence::Nullable | Presence::Optional if reads && whole => {
                arguments.push(quote!(deserialize_with = "crate::open::optional_whole"));
            }
            _ => {}
        }
        if arguments.is_empty() { TokenStream::new() } else { quote!(#[serde(#(#arguments),*)]) }
    }
}

/// Whether the type is `String`.
pub fn is_string(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|(name, _)| name == "String")
}

/// Whether the type is an integer.
fn is_whole(ty: &Type) -> bool {
    let names = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"];
    last_segment(ty).is_some_and(|(name, _)| names.contains(&name.as_str()))
}

/// The last segment of a path type and its first type argument.
fn last_segment(ty: &Type) -> Option<(String, Option<&Type>)> {
    let Type::Path(path) = ty else { return None };
    let segment = path.path.segments.last()?;
    let argument = match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => arguments.args.iter().find_map(|argument| match argument {
            GenericArgument::Type(ty) => Some(ty),
            _ => None,
        }),
        _ => None,
    };
    Some((segment.ident.to_string(), argument))
}
