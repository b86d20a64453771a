//! How a struct is read: each field has a slot for each of its spellings.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;

use super::fields::{FieldPlan, Presence};
use super::setters;
use super::structs::Struct;

/// The deserialization of a struct.
pub fn of(object: &Struct<'_>) -> TokenStream {
    let ident = &object.ident;
    let name = ident.to_string();
    let shorthand = object.shorthand.map(|property| {
        quote!(const SHORTHAND: ::std::option::Option<&'static str> = ::std::option::Option::Some(#property);)
    });
    let tag = object.tag.filter(|_| object.keep_unknown).map(|tag| tag.property);
    let tag_slot = tag.map(|_| quote!(let mut tag = crate::serde_ext::Slot::<::serde::de::IgnoredAny>::new();));
    let tag_arm = tag.map(|property| quote!(#property => tag.read(&key, &mut entries)?,));
    let unknown_slot = object.keep_unknown.then(|| quote!(let mut unknown = ::serde_json::Map::new();));
    let read_other = if object.keep_unknown {
        quote!(unknown.insert(key.into_owned(), entries.next_value()?);)
    } else {
        quote!(entries.next_value::<::serde::de::IgnoredAny>()?;)
    };
    let unknown = object.keep_unknown.then(|| quote!(unknown,));
    let slots = object.fields.iter().flat_map(|plan| spellings(plan).map(|(_, slot)| slot));
    let arms = object.fields.iter().flat_map(arms).chain(tag_arm);
    let values = object.fields.iter().map(value);
    quote! {
        impl crate::serde_ext::Object for #ident {
            const NAME: &'static str = #name;
            #shorthand
            fn read<'de, A: ::serde::de::MapAccess<'de>>(
                mut entries: A,
            ) -> ::std::result::Result<Self, A::Error> {
                #(let mut #slots = crate::serde_ext::Slot::new();)*
                #tag_slot
                #unknown_slot
                while let ::std::option::Option::Some(key) = entries.next_key::<crate::serde_ext::Key<'_>>()? {
                    match &*key {
                        #(#arms)*
                        _ => { #read_other }
                    }
                }
                ::std::result::Result::Ok(Self { #(#values,)* #unknown })
            }
        }
        crate::serde_ext::deserialize_as_object!(#ident);
    }
}

/// The arms that fill the slots of a field.
fn arms<'a>(plan: &'a FieldPlan<'_>) -> impl Iterator<Item = TokenStream> + 'a {
    let way = plan.reader().map(|reader| quote!(crate::serde_ext::#reader,));
    let read = if way.is_some() { quote!(read_as) } else { quote!(read) };
    spellings(plan).map(move |(name, slot)| quote!(#name => #slot.#read(#way &key, &mut entries)?,))
}

/// The value of a field, from its slots.
fn value(plan: &FieldPlan<'_>) -> TokenStream {
    let (ident, name) = (&plan.ident, &plan.field.name);
    let slots: Vec<Ident> = spellings(plan).map(|(_, slot)| slot).collect();
    if let [slot] = slots.as_slice() {
        let is_required = plan.presence == Presence::Required;
        let value = if is_required { quote!(required::<A::Error>(#name)?) } else { quote!(or_default()) };
        return quote!(#ident: #slot.#value);
    }
    let candidates = quote!([#(#slots.or_default()),*]);
    match plan.presence {
        Presence::Required => quote!(#ident: crate::serde_ext::first_required::<_, A::Error, _>(#name, #candidates)?),
        Presence::Optional | Presence::Nullable => quote!(#ident: crate::serde_ext::first(#candidates)),
        Presence::NullAsEmpty => quote!(#ident: crate::serde_ext::first(#candidates).unwrap_or_default()),
        Presence::Patch => quote!(#ident: crate::serde_ext::first_present(#candidates)),
    }
}

/// The names of a field on the wire, each with the name of its slot, which no other variable can have.
fn spellings<'a>(plan: &'a FieldPlan<'_>) -> impl Iterator<Item = (&'a String, Ident)> {
    let names = std::iter::once(&plan.field.name).chain(&plan.field.aliases);
    let stem = setters::stem(&plan.ident);
    names.enumerate().map(move |(index, name)| (name, format_ident!("{stem}_{index}")))
}
