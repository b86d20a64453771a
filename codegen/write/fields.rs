//! A field of a struct: whether it may be absent or null, and the resulting type.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{GenericArgument, Ident, PathArguments, Type, parse_quote};

use super::docs;
use crate::codegen::platform::Direction;
use crate::codegen::read::component::Field;
use crate::codegen::read::schema::{Shape, TimeFormat};

/// A field to be generated.
pub struct FieldPlan<'a> {
    pub field: &'a Field,
    pub ident: Ident,
    /// The type without the `Option`s of its presence.
    pub bare: Type,
    pub presence: Presence,
    pub argument: ArgumentType,
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
    NullAsEmpty,
}

/// The parameter type of an argument.
#[derive(Clone)]
pub enum ArgumentType {
    /// `impl Into` of the type.
    Into,
    /// Anything that iterates over strings.
    Strings,
    /// Anything that iterates over the elements.
    Elements(Type),
    /// Anything that iterates over names and JSON values.
    Entries,
    /// Anything that iterates over names and these values. Only setters take it: an empty map does not say its type.
    Pairs(Type),
    /// The type inside the box.
    Unboxed(Type),
    /// `impl Into` of the type inside the box.
    IntoUnboxed(Type),
    /// What the type inside the secret is passed as.
    Secret(Type, Box<Self>),
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
        match (field.is_asked_for(), direction) {
            (false, _) if update && nullable => Self::Patch,
            (false, Direction { received: false, sent: true }) if defaults && nullable => Self::Patch,
            (_, Direction { received: true, sent: false }) if list => Self::NullAsEmpty,
            (true, Direction { received: true, .. }) if (list || map) && !nullable => Self::NullAsEmpty,
            (true, _) if nullable => Self::Nullable,
            (true, _) => Self::Required,
            (false, _) => Self::Optional,
        }
    }
}

impl ArgumentType {
    /// How a value of the type `bare` is passed; `open` has the names of the types with conversions into them.
    pub fn of(bare: &Type, open: &BTreeSet<&str>) -> Self {
        if let Some(component) = component(bare) {
            return if open.contains(component.to_string().as_str()) { Self::Into } else { Self::Plain };
        }
        let Some((name, argument)) = library_type(bare) else { return Self::Plain };
        match (name.as_str(), argument) {
            ("String" | "Timestamp", _) => Self::Into,
            ("Secret", Some(inner)) if is_string(inner) => Self::Into,
            ("Secret", Some(inner)) => Self::Secret(inner.clone(), Box::new(Self::of(inner, open))),
            ("Vec", Some(element)) if is_string(element) => Self::Strings,
            ("Vec", Some(element)) => Self::Elements(element.clone()),
            ("Map", Some(key)) if is_string(key) => Self::Entries,
            ("BTreeMap", Some(key)) if is_string(key) => value_type(bare).map_or(Self::Plain, Self::Pairs),
            ("Box", Some(inner)) if matches!(Self::of(inner, open), Self::Into) => Self::IntoUnboxed(inner.clone()),
            ("Box", Some(inner)) => Self::Unboxed(inner.clone()),
            _ => Self::Plain,
        }
    }

    /// How a value that must be there is passed.
    pub fn of_required(self) -> Self {
        match self {
            Self::Pairs(_) => Self::Plain,
            Self::Secret(inner, argument) => Self::Secret(inner, Box::new(argument.of_required())),
            other => other,
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
            Self::Pairs(value) => {
                let value = if is_string(value) { quote!(impl ::std::convert::Into<#value>) } else { quote!(#value) };
                quote! {
                    impl ::std::iter::IntoIterator<Item = (impl ::std::convert::Into<::std::string::String>, #value)>
                }
            }
            Self::Unboxed(inner) => quote!(#inner),
            Self::IntoUnboxed(inner) => quote!(impl ::std::convert::Into<#inner>),
            Self::Secret(inner, argument) => argument.parameter_type(inner),
            Self::Plain => quote!(#bare),
        }
    }

    /// The value of the argument `name`.
    pub fn value(&self, name: &Ident) -> TokenStream {
        match self {
            Self::Into => quote!(#name.into()),
            Self::Strings => quote!(#name.into_iter().map(::std::convert::Into::into).collect()),
            Self::Elements(_) => quote!(#name.into_iter().collect()),
            Self::Pairs(value) if !is_string(value) => {
                quote!(#name.into_iter().map(|(key, value)| (key.into(), value)).collect())
            }
            Self::Entries | Self::Pairs(_) => {
                quote!(#name.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
            }
            Self::Unboxed(_) => quote!(::std::boxed::Box::new(#name)),
            Self::IntoUnboxed(_) => quote!(::std::boxed::Box::new(#name.into())),
            Self::Secret(_, argument) => {
                let value = argument.value(name);
                quote!(crate::secret::Secret::new(#value))
            }
            Self::Plain => quote!(#name),
        }
    }
}

impl FieldPlan<'_> {
    /// The whole type of the field.
    pub fn ty(&self) -> Type {
        let bare = &self.bare;
        match self.presence {
            Presence::Required | Presence::NullAsEmpty => bare.clone(),
            Presence::Nullable | Presence::Optional => parse_quote!(::std::option::Option<#bare>),
            Presence::Patch => parse_quote!(::std::option::Option<::std::option::Option<#bare>>),
        }
    }

    /// Whether it is a parameter of `new`.
    pub fn is_argument(&self) -> bool {
        self.field.is_asked_for()
    }

    /// The public field.
    pub fn definition(&self) -> TokenStream {
        let docs = docs::attributes(&docs::describe(&self.field.name, &self.field.schema));
        let attributes = self.attributes();
        let (ident, ty) = (&self.ident, self.ty());
        quote!(#docs #attributes pub #ident: #ty,)
    }

    /// The parameter of `new`.
    pub fn parameter(&self) -> TokenStream {
        let ident = &self.ident;
        let ty = match self.presence {
            Presence::Nullable => {
                let ty = self.ty();
                quote!(#ty)
            }
            _ => self.argument.parameter_type(&self.bare),
        };
        quote!(#ident: #ty)
    }

    /// The field in the struct that `new` creates.
    pub fn initial(&self) -> TokenStream {
        let ident = &self.ident;
        match (self.is_argument(), self.presence) {
            (true, Presence::Nullable) => quote!(#ident),
            (true, _) => {
                let value = self.argument.value(ident);
                if matches!(self.argument, ArgumentType::Plain) { quote!(#ident) } else { quote!(#ident: #value) }
            }
            (false, Presence::NullAsEmpty) if library_type(&self.bare).is_some_and(|(name, _)| name == "Vec") => {
                quote!(#ident: ::std::vec::Vec::new())
            }
            (false, Presence::NullAsEmpty) => quote!(#ident: ::std::default::Default::default()),
            (false, _) => quote!(#ident: ::std::option::Option::None),
        }
    }

    /// How it is written.
    fn attributes(&self) -> TokenStream {
        let mut arguments = Vec::new();
        let name = &self.field.name;
        if self.ident != name {
            arguments.push(quote!(rename = #name));
        }
        if matches!(self.presence, Presence::Optional | Presence::Patch) {
            arguments.push(quote!(skip_serializing_if = "::std::option::Option::is_none"));
        }
        if let Some(module) = self.time_module() {
            let serialize = format!("crate::serde_ext::{module}::serialize");
            arguments.push(quote!(serialize_with = #serialize));
        }
        if arguments.is_empty() { TokenStream::new() } else { quote!(#[serde(#(#arguments),*)]) }
    }

    /// How it is read, where the type's own way does not do. One of several spellings may be absent or null.
    pub fn reader(&self) -> Option<TokenStream> {
        if let Some(module) = self.time_module() {
            let module = format_ident!("{module}");
            return Some(quote!(#module::Read));
        }
        let one_spelling = self.field.aliases.is_empty();
        Some(match self.presence {
            Presence::Patch => quote!(Present),
            Presence::NullAsEmpty if !one_spelling => return None,
            Presence::NullAsEmpty if self.field.schema.one_or_list => quote!(OneOrList),
            Presence::NullAsEmpty => quote!(NullAsDefault),
            Presence::Required | Presence::Nullable | Presence::Optional if !is_integer(&self.bare) => return None,
            Presence::Required if one_spelling => quote!(Whole),
            Presence::Required | Presence::Nullable | Presence::Optional => quote!(OptionalWhole),
        })
    }

    /// The module of `serde_ext` that reads and writes a point in time as a number.
    fn time_module(&self) -> Option<&'static str> {
        let Shape::Timestamp(format) = &self.field.schema.shape else { return None };
        match format {
            TimeFormat::Text => None,
            TimeFormat::Seconds => Some("unix_seconds"),
            TimeFormat::Milliseconds => Some("unix_milliseconds"),
            TimeFormat::Any { .. } => Some("any_time"),
        }
    }
}

/// Whether the type is `String`.
pub fn is_string(ty: &Type) -> bool {
    library_type(ty).is_some_and(|(name, _)| name == "String")
}

/// Whether the type is an integer.
fn is_integer(ty: &Type) -> bool {
    let names = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"];
    component(ty).is_some_and(|ident| names.iter().any(|name| ident == name))
}

/// The identifier of a type without a path: a component's, or a primitive type's.
fn component(ty: &Type) -> Option<&Ident> {
    let Type::Path(path) = ty else { return None };
    path.path.get_ident()
}

/// The type of a map's values.
fn value_type(map: &Type) -> Option<Type> {
    let Type::Path(path) = map else { return None };
    let PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else { return None };
    match arguments.args.last()? {
        GenericArgument::Type(value) => Some(value.clone()),
        _ => None,
    }
}

/// The last segment of the path of a type that no component is, and its first type argument.
pub fn library_type(ty: &Type) -> Option<(String, Option<&Type>)> {
    let Type::Path(path) = ty else { return None };
    let segment = path.path.segments.last().filter(|_| path.path.segments.len() > 1)?;
    let argument = match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => arguments.args.iter().find_map(|argument| match argument {
            GenericArgument::Type(ty) => Some(ty),
            _ => None,
        }),
        _ => None,
    };
    Some((segment.ident.to_string(), argument))
}
