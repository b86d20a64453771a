//! `check()`: bounded values are validated before anything is sent.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, format_ident, quote};
use serde_json::Number;
use syn::Ident;

use super::fields::{FieldPlan, Presence};
use super::structs::Struct;
use super::unions::Variant;
use super::writer::Writer;
use crate::codegen::error::{Pointer, SpecError};
use crate::codegen::read::bounds::{Bounds, Lengths, Limit};
use crate::codegen::read::component::Body;
use crate::codegen::read::schema::{Schema, Shape};

/// The impl of `Check` for an object. `spelling` is the method that hands out what differs between generations.
pub fn of_object(
    made: &Struct<'_>,
    writer: &Writer<'_>,
    spelling: Option<TokenStream>,
) -> Result<TokenStream, SpecError> {
    let fields = made.fields.iter().map(|plan| of_field(plan, writer)).collect::<Result<Vec<_>, _>>()?;
    let statements = quote!(#(#fields)*);
    Ok(implementation(&made.ident, &statements, spelling))
}

/// The impl of `Check` for a union: that of its current arm.
pub fn of_union(
    union: &str,
    variants: &[Variant<'_>],
    writer: &Writer<'_>,
    spelling: Option<TokenStream>,
) -> Result<TokenStream, SpecError> {
    let mut checked = Vec::new();
    for Variant { ident, arm, .. } in variants {
        let value = Access::bound();
        let statements = Checks { writer, at: &arm.pointer, name: "" }.of(&arm.schema, &value)?;
        if !statements.is_empty() {
            checked.push((ident, statements));
        }
    }
    let statements = match checked.as_slice() {
        [] => TokenStream::new(),
        [(ident, statements)] => quote!(if let Self::#ident(value) = self { #statements }),
        _ => {
            let arms = checked.iter().map(|(ident, statements)| quote!(Self::#ident(value) => { #statements }));
            quote!(match self { #(#arms)* _ => {} })
        }
    };
    Ok(implementation(&format_ident!("{union}"), &statements, spelling))
}

fn implementation(ident: &Ident, statements: &TokenStream, spelling: Option<TokenStream>) -> TokenStream {
    let check = (!statements.is_empty()).then(|| {
        quote! {
            fn check(&self) -> ::std::result::Result<(), crate::check::InvalidArgument> {
                #statements
                ::std::result::Result::Ok(())
            }
        }
    });
    quote!(impl crate::check::Check for #ident { #check #spelling })
}

fn of_field(plan: &FieldPlan<'_>, writer: &Writer<'_>) -> Result<TokenStream, SpecError> {
    let ident = &plan.ident;
    let checks = Checks { writer, at: &plan.field.pointer, name: &plan.field.name };
    let some = quote!(::std::option::Option::Some);
    let pattern = match plan.presence {
        Presence::Required | Presence::NullAsEmpty => {
            let value =
                Access { reference: quote!(&self.#ident), place: quote!(self.#ident), receiver: quote!(self.#ident) };
            return checks.of(&plan.field.schema, &value);
        }
        Presence::Optional | Presence::Nullable => quote!(#some(value)),
        Presence::Patch => quote!(#some(#some(value))),
    };
    let statements = checks.of(&plan.field.schema, &Access::bound())?;
    Ok(if statements.is_empty() { statements } else { quote!(if let #pattern = &self.#ident { #statements }) })
}

/// How a value is accessed.
struct Access {
    /// The expression of a reference to it.
    reference: TokenStream,
    /// The expression of the value itself.
    place: TokenStream,
    /// The receiver of a method call.
    receiver: TokenStream,
}

impl Access {
    /// The reference `value` that a pattern or a closure bound.
    fn bound() -> Self {
        Self { reference: quote!(value), place: quote!(*value), receiver: quote!(value) }
    }
}

/// Writes the checks of one value.
struct Checks<'w> {
    writer: &'w Writer<'w>,
    at: &'w Pointer,
    /// The argument's name; empty for the elements of a list, whose index is prefixed when a check fails.
    name: &'w str,
}

impl Checks<'_> {
    fn of(&self, schema: &Schema, value: &Access) -> Result<TokenStream, SpecError> {
        if schema.secret {
            return self.secret(schema, value);
        }
        let Access { reference, place, .. } = value;
        let bounds = &schema.bounds;
        match &schema.shape {
            Shape::Text => Ok(self.text(bounds, reference, &TokenStream::new())),
            Shape::Integer { .. } => self.range(bounds, place, integral),
            Shape::Number => {
                let name = self.name;
                let range = self.range(bounds, place, fractional)?;
                Ok(quote!(crate::check::finite(#name, #place)?; #range))
            }
            Shape::List(items) => self.elements(items, bounds.length, value, &quote!(crate::check::each)),
            Shape::Map(values) => self.elements(values, bounds.length, value, &quote!(crate::check::each_entry)),
            Shape::Component(component) => Ok(self.component(component, reference)),
            Shape::Timestamp(_) | Shape::Boolean | Shape::Any | Shape::Binary => Ok(TokenStream::new()),
        }
    }

    /// Checks what is inside a secret, and shows none of it.
    fn secret(&self, schema: &Schema, value: &Access) -> Result<TokenStream, SpecError> {
        let receiver = &value.receiver;
        let exposed = quote!(#receiver.expose());
        if schema.shape == Shape::Text {
            let redacted = quote!(.map_err(crate::check::InvalidArgument::redacted));
            return Ok(self.text(&schema.bounds, &exposed, &redacted));
        }
        let shown = Schema { secret: false, ..schema.clone() };
        let statements = self.of(&shown, &Access::bound())?;
        if statements.is_empty() {
            return Ok(statements);
        }
        Ok(quote! {
            crate::check::redacted(#exposed, |value| {
                #statements
                ::std::result::Result::Ok(())
            })?;
        })
    }

    fn text(&self, bounds: &Bounds, value: &TokenStream, redacted: &TokenStream) -> TokenStream {
        let name = self.name;
        let lengths = lengths(bounds.length).map(|range| quote!(crate::check::chars(#name, #value, #range)#redacted?;));
        let uuid = bounds.uuid.then(|| quote!(crate::check::uuid(#name, #value)#redacted?;));
        let https = bounds.https.then(|| quote!(crate::check::https(#name, #value)#redacted?;));
        let pattern = bounds.pattern.as_ref().map(|pattern| {
            quote! {{
                static PATTERN: crate::check::Pattern = crate::check::Pattern::new(#pattern);
                crate::check::pattern(#name, #value, &PATTERN)#redacted?;
            }}
        });
        quote!(#lengths #uuid #https #pattern)
    }

    fn range(
        &self,
        bounds: &Bounds,
        value: &TokenStream,
        literal: fn(&Number) -> Option<TokenStream>,
    ) -> Result<TokenStream, SpecError> {
        let end = |limit: &Option<Limit>| self.end(limit.as_ref(), literal);
        let (low, high) = (end(&bounds.minimum)?, end(&bounds.maximum)?);
        let name = self.name;
        Ok(range(low, high).map(|range| quote!(crate::check::range(#name, #value, #range)?;)).unwrap_or_default())
    }

    fn end(&self, limit: Option<&Limit>, literal: fn(&Number) -> Option<TokenStream>) -> Result<End, SpecError> {
        let Some(limit) = limit else { return Ok(None) };
        let number = literal(&limit.number)
            .ok_or_else(|| self.at.error(format!("{} is no bound for this type", limit.number)))?;
        Ok(Some((number, limit.exclusive)))
    }

    fn elements(
        &self,
        inner: &Schema,
        length: Lengths,
        value: &Access,
        each: &TokenStream,
    ) -> Result<TokenStream, SpecError> {
        let name = self.name;
        let Access { reference, receiver, .. } = value;
        let count = lengths(length).map(|range| quote!(crate::check::count(#name, #receiver.len(), #range)?;));
        let statements = Checks { name: "", ..*self }.of(inner, &Access::bound())?;
        if statements.is_empty() {
            return Ok(quote!(#count));
        }
        if matches!(inner.shape, Shape::Component(_)) && !inner.nullable {
            return Ok(quote!(#count #each(#name, #reference, crate::check::Check::check)?;));
        }
        let statements = if inner.nullable && inner.shape != Shape::Any {
            quote!(if let ::std::option::Option::Some(value) = value { #statements })
        } else {
            statements
        };
        Ok(quote! {
            #count
            #each(#name, #reference, |value| {
                #statements
                ::std::result::Result::Ok(())
            })?;
        })
    }

    fn component(&self, component: &str, value: &TokenStream) -> TokenStream {
        let name = self.name;
        match self.writer.platform.component(component).map(|found| &found.body) {
            Some(Body::Object(_) | Body::Union(_)) => quote!(crate::check::nested(#name, #value)?;),
            _ => TokenStream::new(),
        }
    }
}

fn lengths(lengths: Lengths) -> Option<TokenStream> {
    let literal = |count: u64| (Literal::u64_unsuffixed(count).to_token_stream(), false);
    range(lengths.lowest.map(literal), lengths.highest.map(literal))
}

type End = Option<(TokenStream, bool)>;

/// A range between two ends, each with whether it is exclusive; nothing if there is neither.
fn range(low: End, high: End) -> Option<TokenStream> {
    match (low, high) {
        (None, None) => None,
        (None, Some((high, false))) => Some(quote!(..=#high)),
        (None, Some((high, true))) => Some(quote!(..#high)),
        (Some((low, false)), None) => Some(quote!(#low..)),
        (Some((low, false)), Some((high, false))) => Some(quote!(#low..=#high)),
        (Some((low, false)), Some((high, true))) => Some(quote!(#low..#high)),
        (Some((low, true)), high) => {
            let high = match high {
                None => quote!(::std::ops::Bound::Unbounded),
                Some((high, true)) => quote!(::std::ops::Bound::Excluded(#high)),
                Some((high, false)) => quote!(::std::ops::Bound::Included(#high)),
            };
            Some(quote!((::std::ops::Bound::Excluded(#low), #high)))
        }
    }
}

/// The whole number of a bound, which may be written as `1.0`.
pub fn whole_number(number: &Number) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "such a bound is written as 1.0 and small")]
    let from_float =
        || number.as_f64().filter(|value| value.fract() == 0.0 && value.abs() < 1e15).map(|value| value as i64);
    number.as_i64().or_else(from_float)
}

/// The literal of a whole number.
pub fn integral(number: &Number) -> Option<TokenStream> {
    whole_number(number)?.to_string().parse().ok()
}

fn fractional(number: &Number) -> Option<TokenStream> {
    format!("{:?}", number.as_f64()?).parse().ok()
}
