//! The operations file of one platform: the table that the resource methods refer to.

use std::collections::BTreeSet;

use heck::ToShoutySnakeCase;
use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};
use syn::{GenericArgument, PathArguments, Type, parse_quote};

use super::writer::{HEADER, Writer, formatted};
use crate::codegen::error::SpecError;
use crate::codegen::platform::Platform;
use crate::codegen::read::operation::{Auth, Operation};
use crate::codegen::read::page::{PageBy, Paging};
use crate::codegen::read::response::Response;
use crate::codegen::read::route::{Piece, Route};

/// The whole file.
pub fn file(writer: &Writer<'_>) -> Result<String, SpecError> {
    let mut parts = vec![HEADER.to_owned()];
    for operation in &writer.platform.operations {
        parts.push(formatted(constant(writer, operation)?, &operation.pointer)?);
    }
    Ok(parts.join("\n"))
}

/// The name of the constant of an operation.
pub fn constant_name(operation: &Operation) -> String {
    operation.name().to_shouty_snake_case()
}

/// The type of the decoded response.
pub fn response_type(writer: &Writer<'_>, operation: &Operation) -> Result<Type, SpecError> {
    let Some(schema) = operation.response().schema() else {
        return Ok(match operation.response() {
            Response::Bytes => parse_quote!(crate::http::Bytes),
            Response::Download => parse_quote!(crate::http::Download),
            Response::Redirect => parse_quote!(crate::http::Redirect),
            _ => parse_quote!(()),
        });
    };
    let inner = qualified(writer, writer.types.response(operation, schema)?);
    Ok(match operation.response() {
        Response::Page { .. } => parse_quote!(crate::page::Page<#inner>),
        Response::Events(_) | Response::Lines(_) => parse_quote!(crate::sse::EventStream<#inner>),
        _ if schema.nullable => parse_quote!(::std::option::Option<#inner>),
        _ => inner,
    })
}

/// The type as a sibling module of the types names it: `types::Anima`.
pub fn qualified(writer: &Writer<'_>, mut ty: Type) -> Type {
    let platform = writer.platform;
    let names = platform.components.iter().map(|component| platform.type_name(&component.name)).collect();
    qualify(&mut ty, &names);
    ty
}

fn qualify(ty: &mut Type, names: &BTreeSet<&str>) {
    let Type::Path(path) = ty else { return };
    for segment in &mut path.path.segments {
        let PathArguments::AngleBracketed(arguments) = &mut segment.arguments else { continue };
        for argument in &mut arguments.args {
            if let GenericArgument::Type(ty) = argument {
                qualify(ty, names);
            }
        }
    }
    if let Some(ident) = path.path.get_ident().filter(|ident| names.contains(ident.to_string().as_str())) {
        path.path = parse_quote!(types::#ident);
    }
}

fn constant(writer: &Writer<'_>, operation: &Operation) -> Result<TokenStream, SpecError> {
    let doc = format!(" `{}`", operation.home().text(&operation.ids));
    let name = format_ident!("{}", constant_name(operation));
    let response = response_type(writer, operation)?;
    let reader = reader(operation.response());
    let spec = spec(writer.platform, operation);
    Ok(quote! {
        #[doc = #doc]
        pub(crate) const #name: crate::http::Operation<#response> =
            crate::http::Operation { spec: &#spec, reader: crate::http::Reader::#reader() };
    })
}

fn spec(platform: &Platform<'_>, operation: &Operation) -> TokenStream {
    let id = &operation.id;
    let retry = if operation.idempotent { quote!(Idempotent) } else { quote!(NonIdempotent) };
    let auth = match operation.auth {
        Auth::Required => quote!(Required),
        Auth::Optional => quote!(Optional),
        Auth::None => quote!(None),
    };
    let timeout = timeout(operation.timeout);
    let secret = platform.response_is_secret(operation);
    let required = platform.required(operation).into_iter().map(|names| quote!(&[#(#names),*]));
    let wrapped = &operation.wrapped;
    let routes = operation.routes.iter().map(|route| self::route(operation, route));
    quote! {
        crate::http::OperationSpec {
            id: #id,
            retry: crate::http::RetryClass::#retry,
            auth: crate::http::AuthUse::#auth,
            timeout: #timeout,
            secret: #secret,
            required: &[#(#required),*],
            wrapped: &[#(#wrapped),*],
            routes: &[#(#routes),*],
        }
    }
}

fn route(operation: &Operation, route: &Route) -> TokenStream {
    let method = format_ident!("{}", route.method);
    let pieces = route.pieces.iter().map(|piece| match piece {
        Piece::Text(text) => quote!(crate::http::Piece::Text(#text)),
        Piece::Id { at, name, uuid } => {
            let at = Literal::usize_unsuffixed(*at);
            quote!(crate::http::Piece::Id { at: #at, name: #name, uuid: #uuid })
        }
    });
    let query = route.query.iter().map(|(name, at)| {
        let at = Literal::usize_unsuffixed(*at);
        quote!((#name, #at))
    });
    let generations = &route.generations;
    let accept = accept(operation, route);
    let paging = match operation.paging(route) {
        None => quote!(::std::option::Option::None),
        Some(paging) => {
            let paging = self::paging(paging);
            quote!(::std::option::Option::Some(#paging))
        }
    };
    quote! {
        crate::http::Route {
            method: crate::http::Method::#method,
            path: &[#(#pieces),*],
            query: &[#(#query),*],
            generations: &[#(#generations),*],
            accept: #accept,
            paging: #paging,
        }
    }
}

/// What the client asks for. Errors are JSON, also where a success has no body.
fn accept(operation: &Operation, route: &Route) -> String {
    let otherwise = if *operation.response() == Response::Redirect { "*/*" } else { "application/json" };
    operation.media(route).unwrap_or_else(|| otherwise.to_owned())
}

fn paging(Paging { by, items }: &Paging) -> TokenStream {
    let by = match by {
        PageBy::Offset => quote!(Offset),
        PageBy::Token { send, read } => quote!(Token { send: #send, read: &[#(#read),*] }),
        PageBy::AfterId { token: None } => quote!(AfterId { token: ::std::option::Option::None }),
        PageBy::AfterId { token: Some((send, read)) } => {
            quote!(AfterId { token: ::std::option::Option::Some((#send, &[#(#read),*])) })
        }
        PageBy::AfterSeq => quote!(AfterSeq),
        PageBy::Once => quote!(Once),
    };
    quote!(crate::http::Paging { by: crate::http::PageBy::#by, items: &[#(#items),*] })
}

/// The expression of an attempt timeout.
pub fn timeout(milliseconds: Option<u64>) -> TokenStream {
    let duration = match milliseconds {
        None => return quote!(::std::option::Option::None),
        Some(milliseconds) if milliseconds % 1000 == 0 => {
            let seconds = Literal::u64_unsuffixed(milliseconds / 1000);
            quote!(::std::time::Duration::from_secs(#seconds))
        }
        Some(milliseconds) => {
            let milliseconds = Literal::u64_unsuffixed(milliseconds);
            quote!(::std::time::Duration::from_millis(#milliseconds))
        }
    };
    quote!(::std::option::Option::Some(#duration))
}

fn reader(response: &Response) -> TokenStream {
    match response {
        Response::Empty => quote!(empty),
        Response::Json(_) => quote!(json),
        Response::Page { .. } => quote!(page),
        Response::Bytes => quote!(bytes),
        Response::Download => quote!(download),
        Response::Events(_) => quote!(events),
        Response::Lines(_) => quote!(lines),
        Response::Redirect => quote!(redirect),
    }
}
