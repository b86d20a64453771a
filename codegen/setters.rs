//! The setters of fields that are not parameters of `new`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;

use super::docs;
use super::fields::{Plan, Presence};

/// The setter of a field, and the method that clears it; nothing for parameters of `new`.
pub fn of(plan: &Plan<'_>) -> TokenStream {
    if plan.is_argument() {
        return TokenStream::new();
    }
    let setter = setter(plan);
    let clear = (plan.presence == Presence::Patch).then(|| clear(plan));
    quote!(#setter #clear)
}

/// The identifier without the underscore that distinguishes it from a keyword.
pub fn stem(ident: &Ident) -> String {
    ident.to_string().trim_end_matches('_').to_owned()
}

fn setter(plan: &Plan<'_>) -> TokenStream {
    let (field, name) = (&plan.ident, setter_name(&plan.ident));
    let doc = docs::attributes(&format!("Sets `{}`.", plan.field.name));
    let ty = plan.taken.parameter_type(&plan.bare);
    let value = plan.taken.value(field);
    let value = match plan.presence {
        Presence::Patch => quote!(::std::option::Option::Some(::std::option::Option::Some(#value))),
        Presence::Filled => value,
        _ => quote!(::std::option::Option::Some(#value)),
    };
    quote! {
        #doc
        #[must_use]
        pub fn #name(mut self, #field: #ty) -> Self {
            self.#field = #value;
            self
        }
    }
}

fn clear(plan: &Plan<'_>) -> TokenStream {
    let field = &plan.ident;
    let name = format_ident!("clear_{}", stem(field));
    let doc = docs::attributes(&format!("Clears `{}`: sends null.", plan.field.name));
    quote! {
        #doc
        #[must_use]
        pub fn #name(mut self) -> Self {
            self.#field = ::std::option::Option::Some(::std::option::Option::None);
            self
        }
    }
}

/// The field's own name, unless every type has a method of that name.
fn setter_name(field: &Ident) -> Ident {
    let taken = ["new", "clone", "check"];
    if taken.iter().any(|name| field == name) { format_ident!("with_{field}") } else { field.clone() }
}
