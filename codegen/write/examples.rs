//! A table of the operations for the tests that walk them: the types of what each takes and returns.

use proc_macro2::TokenStream;
use quote::quote;

use super::operations::{qualified, response_type, timeout};
use super::writer::{HEADER, Writer, formatted};
use crate::codegen::error::{Pointer, SpecError};
use crate::codegen::read::operation::{Auth, Operation};
use crate::codegen::read::response::Response;

/// The whole file: a constant of what the test that includes it declares.
pub fn file(writer: &Writer<'_>) -> Result<String, SpecError> {
    let rows = writer.platform.operations.iter().map(|operation| row(writer, operation));
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    let table = formatted(quote!(pub const OPERATIONS: &[Operation] = &[#(#rows),*];), &Pointer::default())?;
    Ok(format!("{HEADER}\n{table}"))
}

fn row(writer: &Writer<'_>, operation: &Operation) -> Result<TokenStream, SpecError> {
    let (id, idempotent) = (&operation.id, operation.idempotent);
    let timeout = timeout(operation.timeout);
    let auth = match operation.auth {
        Auth::Required => "required",
        Auth::Optional => "optional",
        Auth::None => "none",
    };
    let routes = operation.routes.iter().map(|route| route.text(&operation.ids));
    let request = match operation.typed_body() {
        None => quote!(None),
        Some(body) => {
            let ty = qualified(writer, writer.types.body(operation, &body.schema)?);
            quote!(Some(request::<#ty>))
        }
    };
    let response = response(writer, operation)?;
    Ok(quote! {
        Operation {
            id: #id,
            idempotent: #idempotent,
            timeout: #timeout,
            auth: #auth,
            routes: &[#(#routes),*],
            request: #request,
            response: #response,
        }
    })
}

fn response(writer: &Writer<'_>, operation: &Operation) -> Result<TokenStream, SpecError> {
    let Some(schema) = operation.response().schema() else { return Ok(quote!(Response::None)) };
    let inner = qualified(writer, writer.types.response(operation, schema)?);
    Ok(match operation.response() {
        Response::Page { .. } => {
            let items = operation.success.paging.iter().flat_map(|paging| &paging.items);
            quote!(Response::Page(response::<#inner>, &[#(#items),*]))
        }
        Response::Events(_) => quote!(Response::Events(response::<#inner>)),
        Response::Lines(_) => quote!(Response::Lines(response::<#inner>)),
        _ => {
            let (whole, wrapped) = (response_type(writer, operation)?, &operation.wrapped);
            quote!(Response::Json(response::<#whole>, &[#(#wrapped),*]))
        }
    })
}
