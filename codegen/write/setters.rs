//! The setters of fields that are not parameters of `new`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;

use super::docs;
use super::fields::{FieldPlan, Presence};

/// Methods that every generated type has, or that its users would no longer reach.
pub const TAKEN: [&str; 21] = [
    "new",
    "clone",
    "check",
    "default",
    "into",
    "try_into",
    "from",
    "try_from",
    "borrow",
    "borrow_mut",
    "to_owned",
    "type_id",
    "eq",
    "ne",
    "fmt",
    "clone_from",
    "clone_into",
    "serialize",
    "deserialize",
    "spelling",
    "drop",
];

/// The names of the methods of a field; none for parameters of `new`.
pub fn names(plan: &FieldPlan<'_>) -> Vec<String> {
    if plan.is_argument() {
        return Vec::new();
    }
    let clear = (plan.presence == Presence::Patch).then(|| clear_name(&plan.ident).to_string());
    std::iter::once(setter_name(&plan.ident).to_string()).chain(clear).collect()
}

/// The setter of a field, and the method that clears it; nothing for parameters of `new`.
pub fn of(plan: &FieldPlan<'_>) -> TokenStream {
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

fn setter(plan: &FieldPlan<'_>) -> TokenStream {
    let (field, name) = (&plan.ident, setter_name(&plan.ident));
    let doc = docs::attributes(&format!("Sets `{}`.", plan.field.name));
    let ty = plan.argument.parameter_type(&plan.bare);
    let value = plan.argument.value(field);
    let value = match plan.presence {
        Presence::Patch => quote!(::std::option::Option::Some(::std::option::Option::Some(#value))),
        Presence::NullAsEmpty => value,
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

fn clear(plan: &FieldPlan<'_>) -> TokenStream {
    let field = &plan.ident;
    let name = clear_name(field);
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

/// The field's own name, unless it is taken.
fn setter_name(field: &Ident) -> Ident {
    if TAKEN.iter().any(|name| field == name) { format_ident!("with_{field}") } else { field.clone() }
}

fn clear_name(field: &Ident) -> Ident {
    format_ident!("clear_{}", stem(field))
}
