//! What the sandbox knows of a platform, as statics: its routes, what they take and how they respond.

use heck::ToShoutySnakeCase;
use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, format_ident, quote};
use serde_json::{Number, Value};
use syn::Ident;

use super::checks::{integral, whole_number};
use super::writer::{HEADER, formatted};
use crate::codegen::error::{Pointer, SpecError};
use crate::codegen::platform::Platform;
use crate::codegen::read::body::{Body, BodyKind};
use crate::codegen::read::bounds::{Bounds, Lengths, Limit};
use crate::codegen::read::component::{self, Component, Field, Object, Union, Values};
use crate::codegen::read::generations::Spelling;
use crate::codegen::read::operation::{Auth, Operation};
use crate::codegen::read::page::{PageBy, Paging};
use crate::codegen::read::parameter::{Parameter, Place};
use crate::codegen::read::response::Response;
use crate::codegen::read::route::{Piece, Route};
use crate::codegen::read::schema::{Schema, Shape, TimeFormat};

/// The whole file.
pub fn file(platform: &Platform<'_>) -> Result<String, SpecError> {
    let writer = Statics { platform };
    let top = Pointer::default();
    let mut parts = vec![HEADER.to_owned(), "use crate::sandbox::spec::*;\n".to_owned()];
    let operations = platform.operations.iter().map(|operation| writer.operation(operation));
    let operations = operations.collect::<Result<Vec<_>, _>>()?;
    let (name, base) = (&platform.name, platform.operations.first().map_or("", |first| first.base.as_str()));
    let table = quote! {
        pub(crate) static PLATFORM: PlatformSpec =
            PlatformSpec { name: #name, base: #base, operations: &[#(#operations),*] };
    };
    parts.push(formatted(table, &top)?);
    for component in &platform.served {
        let tokens = writer.component(component);
        if !tokens.is_empty() {
            parts.push(formatted(tokens, &component.pointer)?);
        }
    }
    Ok(parts.join("\n"))
}

struct Statics<'a> {
    platform: &'a Platform<'a>,
}

impl Statics<'_> {
    fn operation(&self, operation: &Operation) -> Result<TokenStream, SpecError> {
        let id = &operation.id;
        let auth = match operation.auth {
            Auth::Required => quote!(Required),
            Auth::Optional => quote!(Optional),
            Auth::None => quote!(None),
        };
        let parameters = operation.parameters.iter().map(|parameter| self.parameter(parameter));
        let body = self.body(operation)?;
        let status = Literal::u16_unsuffixed(operation.success.status);
        let response = self.response(operation);
        let routes = operation.routes.iter().map(|route| self::route(operation, route));
        let routes = routes.collect::<Result<Vec<_>, _>>()?;
        Ok(quote! {
            OperationSpec {
                id: #id,
                auth: Auth::#auth,
                parameters: &[#(#parameters),*],
                body: #body,
                status: #status,
                response: #response,
                routes: &[#(#routes),*],
            }
        })
    }

    fn parameter(&self, parameter: &Parameter) -> TokenStream {
        let place = match parameter.place {
            Place::Path => quote!(Path),
            Place::Query => quote!(Query),
            Place::Header => quote!(Header),
        };
        let Parameter { name, schema, required, spelling, .. } = parameter;
        let property = self.property(name, schema, *required, spelling, &[]);
        quote!(ParameterSpec { place: Place::#place, property: #property })
    }

    fn body(&self, operation: &Operation) -> Result<TokenStream, SpecError> {
        let Some(Body { media, kind, schema, required }) = operation.bodies.first() else {
            return Ok(quote!(BodySpec::None));
        };
        match kind {
            BodyKind::Json => {
                let schema = self.schema(schema);
                Ok(quote!(BodySpec::Json { schema: &#schema, required: #required }))
            }
            BodyKind::Bytes => Ok(quote!(BodySpec::Bytes(#media))),
            BodyKind::Form | BodyKind::Multipart => {
                let object = match &schema.shape {
                    Shape::Component(name) => self.platform.served.iter().find(|component| {
                        component.name == *name && matches!(component.body, component::Body::Object(_))
                    }),
                    _ => None,
                };
                let at = operation.pointer.child("requestBody");
                let object = object.ok_or_else(|| at.error("a form refers to a component that is an object"))?;
                let object = static_name(object);
                let variant = if *kind == BodyKind::Form { quote!(Form) } else { quote!(Multipart) };
                Ok(quote!(BodySpec::#variant(&#object)))
            }
        }
    }

    fn response(&self, operation: &Operation) -> TokenStream {
        let media = operation.success.media.join(", ");
        let schema = operation.response().documented().map(|schema| self.schema(schema));
        match operation.response() {
            Response::Empty => quote!(ResponseSpec::Empty),
            Response::Json(_) | Response::Page { .. } => quote!(ResponseSpec::Json(&#schema)),
            Response::Events(_) => quote!(ResponseSpec::Events(&#schema)),
            Response::Lines(_) => quote!(ResponseSpec::Lines(&#schema)),
            Response::Bytes | Response::Download => quote!(ResponseSpec::Bytes(#media)),
            Response::Redirect => quote!(ResponseSpec::Redirect),
        }
    }

    /// The static of a component that is an object or a union.
    fn component(&self, component: &Component) -> TokenStream {
        let ident = static_name(component);
        match &component.body {
            component::Body::Values(_) => TokenStream::new(),
            component::Body::Object(object) => {
                let name = &component.name;
                // What a client keeps of a response is no promise of the server's.
                let sent = self.platform.direction(name).sent;
                let open = object.open || (object.keep_unknown && sent);
                let properties = self.properties(object);
                quote! {
                    static #ident: ObjectSpec =
                        ObjectSpec { name: #name, properties: &[#(#properties),*], open: #open };
                }
            }
            component::Body::Union(union) => {
                let arms = self.arms(union);
                let count = Literal::usize_unsuffixed(arms.len());
                quote!(static #ident: [ArmSpec; #count] = [#(#arms),*];)
            }
        }
    }

    fn properties(&self, object: &Object) -> Vec<TokenStream> {
        let property =
            |field: &Field| self.property(&field.name, &field.schema, field.required, &field.spelling, &field.aliases);
        object.fields.iter().map(property).collect()
    }

    /// One for each value of the tag, or one for each arm without one.
    fn arms(&self, union: &Union) -> Vec<TokenStream> {
        let mut arms = Vec::new();
        for arm in &union.arms {
            let (schema, generations) = (self.schema(&arm.schema), &arm.generations);
            let untagged = [String::new()];
            for value in if arm.values.is_empty() { &untagged[..] } else { &arm.values } {
                arms.push(quote!(ArmSpec { value: #value, schema: &#schema, generations: &[#(#generations),*] }));
            }
        }
        arms
    }

    fn property(
        &self,
        name: &str,
        schema: &Schema,
        required: bool,
        Spelling { generations, spelled }: &Spelling,
        aliases: &[String],
    ) -> TokenStream {
        let default = option(schema.default.as_ref().filter(|default| !default.is_null()).map(literal));
        let spelled = spelled.iter().map(|(generation, name)| quote!((#generation, #name)));
        let schema = self.schema(schema);
        quote! {
            PropertySpec {
                name: #name,
                schema: &#schema,
                required: #required,
                default: #default,
                generations: &[#(#generations),*],
                spelled: &[#(#spelled),*],
                aliases: &[#(#aliases),*],
            }
        }
    }

    fn schema(&self, schema: &Schema) -> TokenStream {
        let (nullable, kind) = (schema.nullable, self.kind(schema));
        quote!(Schema { nullable: #nullable, kind: Kind::#kind })
    }

    fn kind(&self, schema: &Schema) -> TokenStream {
        let bounds = &schema.bounds;
        match &schema.shape {
            Shape::Text => {
                let values: Vec<&String> = schema.constant.iter().collect();
                string(bounds, &text_format(schema), &values)
            }
            Shape::Timestamp(TimeFormat::Text | TimeFormat::Any { text: true }) => {
                string(bounds, &quote!(Timestamp), &[])
            }
            Shape::Binary => string(bounds, &quote!(Binary), &[]),
            Shape::Boolean => quote!(Boolean),
            Shape::Integer { .. } | Shape::Timestamp(TimeFormat::Seconds | TimeFormat::Milliseconds) => {
                let min = option(bounds.minimum.as_ref().and_then(|limit| integer(limit, 1)));
                let max = option(bounds.maximum.as_ref().and_then(|limit| integer(limit, -1)));
                quote!(Integer { min: #min, max: #max })
            }
            Shape::Number => {
                let number = |limit: &Limit| number(&limit.number);
                let min = option(bounds.minimum.as_ref().and_then(number));
                let max = option(bounds.maximum.as_ref().and_then(number));
                quote!(Number { min: #min, max: #max })
            }
            Shape::Any | Shape::Timestamp(TimeFormat::Any { .. }) => quote!(Any),
            Shape::List(items) => {
                let (items, (min, max)) = (self.schema(items), lengths(bounds.length));
                quote!(Array { items: &#items, min: #min, max: #max })
            }
            Shape::Map(values) => {
                let values = self.schema(values);
                quote!(Map(&#values))
            }
            Shape::Component(name) => self.reference(name),
        }
    }

    fn reference(&self, name: &str) -> TokenStream {
        let Some(component) = self.platform.served.iter().find(|component| component.name == *name) else {
            return quote!(Any);
        };
        let ident = static_name(component);
        match &component.body {
            component::Body::Object(_) => quote!(Object(&#ident)),
            component::Body::Union(union) => {
                let tag = union.tag.as_deref().unwrap_or_default();
                quote!(Union { tag: #tag, arms: &#ident })
            }
            component::Body::Values(Values { values, .. }) => {
                let values: Vec<&String> = values.iter().map(|value| &value.value).collect();
                string(&Bounds::default(), &quote!(None), &values)
            }
        }
    }
}

fn static_name(component: &Component) -> Ident {
    format_ident!("{}", component.name.to_shouty_snake_case())
}

fn route(operation: &Operation, route: &Route) -> Result<TokenStream, SpecError> {
    let method = &route.method;
    let path = path(operation, route)?;
    let query = route.query.iter().map(|(name, at)| {
        let id = &operation.ids[*at].name;
        quote!((#name, #id))
    });
    let generations = &route.generations;
    let media = operation.media(route).unwrap_or_default();
    let paging = option(operation.paging(route).map(|paging| {
        let paging = self::paging(paging);
        quote!(&#paging)
    }));
    Ok(quote! {
        RouteSpec {
            method: #method,
            path: &[#(#path),*],
            query: &[#(#query),*],
            generations: &[#(#generations),*],
            media: #media,
            paging: #paging,
        }
    })
}

/// The segments of the path below that of the server.
fn path(operation: &Operation, route: &Route) -> Result<Vec<TokenStream>, SpecError> {
    let pieces = route.pieces.iter().map(|piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Id { name, .. } => format!("{{{name}}}"),
    });
    let path: String = pieces.collect();
    let path = path.strip_prefix(&operation.base).unwrap_or(&path).trim_start_matches('/');
    let segment = |segment: &str| match segment.split_once('{') {
        None => Ok(quote!(Segment::Text(#segment))),
        Some((prefix, rest)) => {
            let (name, suffix) = rest.split_once('}').unwrap_or((rest, ""));
            if suffix.contains('{') {
                return Err(route.pointer.error("two ids stand in one segment of the path"));
            }
            Ok(quote!(Segment::Parameter { name: #name, prefix: #prefix, suffix: #suffix }))
        }
    };
    path.split('/').map(segment).collect()
}

fn paging(Paging { by, items }: &Paging) -> TokenStream {
    let by = match by {
        PageBy::Offset => quote!(Offset),
        PageBy::Token { send, read } => quote!(Token { send: #send, read: &[#(#read),*] }),
        PageBy::AfterId { token } => {
            let (send, read) = token.as_ref().map_or(("", &[][..]), |(send, read)| (send.as_str(), &read[..]));
            quote!(AfterId { send: #send, read: &[#(#read),*] })
        }
        PageBy::AfterSeq => quote!(AfterSeq),
        PageBy::Once => quote!(Once),
    };
    quote!(PagingSpec { by: PageBy::#by, items: &[#(#items),*] })
}

fn string(bounds: &Bounds, format: &TokenStream, values: &[&String]) -> TokenStream {
    let (min, max) = lengths(bounds.length);
    let pattern = bounds.pattern.as_deref().or(bounds.https.then_some("^https://"));
    let pattern = option(pattern.map(ToTokens::to_token_stream));
    quote! {
        String(StringSpec { min: #min, max: #max, pattern: #pattern, format: Format::#format, values: &[#(#values),*] })
    }
}

fn text_format(schema: &Schema) -> TokenStream {
    match schema.format.as_deref() {
        Some("uuid") => quote!(Uuid),
        Some("date") => quote!(Date),
        Some("uri" | "url") => quote!(Uri),
        _ => quote!(None),
    }
}

fn lengths(Lengths { lowest, highest }: Lengths) -> (TokenStream, TokenStream) {
    let count = |count: u64| Literal::u64_unsuffixed(count).to_token_stream();
    (option(lowest.map(count)), option(highest.map(count)))
}

fn option(value: Option<TokenStream>) -> TokenStream {
    value.map_or_else(|| quote!(None), |value| quote!(Some(#value)))
}

/// A bound that is inclusive: an exclusive one is moved by `step`.
fn integer(limit: &Limit, step: i64) -> Option<TokenStream> {
    let value = whole_number(&limit.number)?;
    let moved = value.saturating_add(if limit.exclusive { step } else { 0 });
    moved.to_string().parse().ok()
}

fn number(number: &Number) -> Option<TokenStream> {
    format!("{:?}", number.as_f64()?).parse().ok()
}

fn literal(value: &Value) -> TokenStream {
    match value {
        Value::Bool(value) => quote!(Literal::Boolean(#value)),
        Value::String(text) => quote!(Literal::Text(#text)),
        Value::Number(value) if value.is_i64() => {
            let value = integral(value);
            quote!(Literal::Integer(#value))
        }
        Value::Number(value) => {
            let value = number(value);
            quote!(Literal::Number(#value))
        }
        Value::Null | Value::Array(_) | Value::Object(_) => {
            let json = value.to_string();
            quote!(Literal::Json(#json))
        }
    }
}
