//! The public names of a platform, one per line: a snapshot shows changes of the public API in a review.

use proc_macro2::TokenStream;
use quote::quote;

use super::operations::{constant_name, response_type};
use super::structs::Struct;
use super::writer::Writer;
use super::{types, unions};
use crate::codegen::error::SpecError;
use crate::codegen::platform::Params;
use crate::codegen::read::component::{Body, Component, Union};

/// The names of a platform's types, their fields and arguments, and of its operations.
pub fn listing(name: &str, writer: &Writer<'_>, params: &[Params]) -> Result<String, SpecError> {
    let mut lines = vec![format!("# {name}")];
    for component in &writer.platform.components {
        lines.extend(component_lines(writer, component)?);
    }
    for params in params {
        lines.extend(struct_lines(&types::params(writer, params)?));
    }
    for operation in &writer.platform.operations {
        let response = response_type(writer, operation)?;
        lines.push(format!("const {}: {}", constant_name(operation), short(&quote!(#response))));
    }
    Ok(lines.join("\n") + "\n")
}

fn component_lines(writer: &Writer<'_>, component: &Component) -> Result<Vec<String>, SpecError> {
    match &component.body {
        Body::Object(object) => Ok(struct_lines(&types::object(writer, component, object)?)),
        Body::Values(values) => {
            let values: Vec<&str> = values.values.iter().map(|value| value.value.as_str()).collect();
            Ok(vec![format!("enum {}: {}", writer.platform.type_name(&component.name), values.join(" "))])
        }
        Body::Union(union) => union_lines(writer, component, union),
    }
}

fn struct_lines(made: &Struct<'_>) -> Vec<String> {
    let arguments = made.fields.iter().filter(|plan| plan.is_argument()).map(|plan| short(&plan.parameter()));
    let mut lines =
        vec![format!("struct {}", made.ident), format!("  new({})", arguments.collect::<Vec<_>>().join(", "))];
    lines.extend(made.fields.iter().map(|plan| {
        let ty = plan.ty();
        format!("  {}: {}", plan.ident, short(&quote!(#ty)))
    }));
    lines.extend(made.keep_unknown.then(|| "  unknown: Map<String, Value>".to_owned()));
    lines
}

fn union_lines(writer: &Writer<'_>, component: &Component, union: &Union) -> Result<Vec<String>, SpecError> {
    let name = writer.platform.type_name(&component.name);
    let kind = union.tag.as_ref().map_or_else(|| "untagged".to_owned(), |tag| format!("by {tag}"));
    let mut lines = vec![format!("union {name} {kind}")];
    for variant in unions::variants(writer, component, union)? {
        let ty = &variant.ty;
        lines.push(
            format!("  {}({}) {}", variant.ident, short(&quote!(#ty)), variant.arm.values.join(" "))
                .trim_end()
                .to_owned(),
        );
    }
    Ok(lines)
}

/// Tokens without the paths that only generated code needs.
fn short(tokens: &TokenStream) -> String {
    let mut text = tokens.to_string().replace(' ', "");
    let paths = ["string", "option", "vec", "boxed", "collections", "convert", "iter"];
    for path in paths {
        text = text.replace(&format!("::std::{path}::"), "");
    }
    for path in
        ["::serde_json::", "crate::serde_ext::", "crate::secret::", "crate::page::", "crate::sse::", "crate::http::"]
    {
        text = text.replace(path, "");
    }
    text.replace("impl", "impl ").replace(',', ", ").replace(':', ": ").replace(": : ", "::").replace('=', " = ")
}
