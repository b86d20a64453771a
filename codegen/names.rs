//! The public names of a platform, one per line: a snapshot shows changes of the public API in a review.

use proc_macro2::TokenStream;
use quote::quote;

use super::component::{Body, Component, Union};
use super::operations::{answer_type, constant_name};
use super::platform::{Params, Platform};
use super::refusal::Refusal;
use super::structs::Struct;
use super::types::Writer;
use super::typify::Types;

/// The names of a platform's types, their fields and arguments, and of its operations.
pub fn listing(name: &str, platform: &Platform<'_>, types: &Types, params: &[Params]) -> Result<String, Refusal> {
    let writer = Writer::new(platform, types);
    let mut lines = vec![format!("# {name}")];
    for component in &platform.components {
        lines.extend(component_lines(&writer, component)?);
    }
    for params in params {
        lines.extend(struct_lines(&writer.params(params)?));
    }
    for operation in &platform.operations {
        let answer = answer_type(platform, types, operation)?;
        lines.push(format!("const {}: {}", constant_name(operation), short(&quote!(#answer))));
    }
    Ok(lines.join("\n") + "\n")
}

fn component_lines(writer: &Writer<'_>, component: &Component) -> Result<Vec<String>, Refusal> {
    match &component.body {
        Body::Object(object) => Ok(struct_lines(&writer.object(component, object)?)),
        Body::Words(words) => {
            Ok(vec![format!("enum {}: {}", writer.platform.type_name(&component.name), words.join(" "))])
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

fn union_lines(writer: &Writer<'_>, component: &Component, union: &Union) -> Result<Vec<String>, Refusal> {
    let name = writer.platform.type_name(&component.name);
    let kind = union.tag.as_ref().map_or_else(|| "untagged".to_owned(), |tag| format!("by {tag}"));
    let mut lines = vec![format!("union {name} {kind}")];
    for variant in super::unions::variants(writer, component, union)? {
        let ty = &variant.ty;
        lines.push(
            format!("  {}({}) {}", variant.ident, short(&quote!(#ty)), variant.arm.words.join(" "))
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
    for path in ["::serde_json::", "crate::open::", "crate::secret::", "crate::page::", "crate::sse::", "crate::http::"]
    {
        text = text.replace(path, "");
    }
    text.replace("impl", "impl ").replace(',', ", ").replace(':', ": ").replace(": : ", "::").replace('=', " = ")
}
