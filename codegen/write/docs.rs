//! Descriptions of the document as rustdoc.

use proc_macro2::TokenStream;
use quote::quote;

use crate::codegen::read::bounds::Unit;
use crate::codegen::read::schema::{Schema, Shape};

/// `text` as doc attributes.
pub fn attributes(text: &str) -> TokenStream {
    let lines = lines(text).into_iter().map(|line| if line.is_empty() { line } else { format!(" {line}") });
    quote! { #(#[doc = #lines])* }
}

/// `text` as doc comments, each indented by four spaces, for code that prettyplease does not format.
pub fn comments(text: &str, depth: usize) -> String {
    let indent = " ".repeat(4 * depth);
    lines(text).into_iter().map(|line| format!("{indent}/// {line}").trim_end().to_owned() + "\n").collect()
}

/// The documentation of a value: its description, then its default and bounds. Without any of these it is `name`.
pub fn describe(name: &str, schema: &Schema) -> String {
    let mut sentences = Vec::new();
    sentences.extend(schema.constant.as_ref().map(|value| format!("Always `{value}`.")));
    sentences.extend(schema.default.as_ref().map(|default| format!("Default: {}.", code(&plain(default)))));
    sentences.extend(schema.bounds.sentences(unit(&schema.shape)));
    sentences.extend(schema.deprecated.then(|| "Deprecated by the platform.".to_owned()));
    let description = schema.description.as_deref().map_or_else(|| format!("The `{name}`."), ended);
    let gap = if description.contains('\n') { "\n\n" } else { " " };
    [description, sentences.join(" ")].join(gap).trim_end().to_owned()
}

/// The description as a sentence, or `otherwise`.
pub fn sentence(description: Option<&str>, otherwise: &str) -> String {
    description.map_or_else(|| otherwise.to_owned(), ended)
}

/// The unit of a length.
fn unit(shape: &Shape) -> Unit {
    match shape {
        Shape::List(_) => Unit("item", "items"),
        Shape::Map(_) => Unit("entry", "entries"),
        _ => Unit("character", "characters"),
    }
}

fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn code(text: &str) -> String {
    if text.is_empty() { "empty".to_owned() } else { format!("`{}`", text.replace('`', "'")) }
}

fn ended(text: &str) -> String {
    let text = text.trim();
    let open = text.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '`' | ')' | '"' | '\''));
    if open { format!("{text}.") } else { text.to_owned() }
}

/// The lines of `text`, escaped so that rustdoc treats nothing in them as a link, a tag or a test.
fn lines(text: &str) -> Vec<String> {
    let escape_ticks = text.matches('`').count() % 2 == 1;
    let mut fenced = false;
    let mut in_code = false;
    let mut lines = Vec::new();
    for line in text.trim().lines() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            // A fence without a language, or with Rust, would be a doctest.
            let language =
                Some(language.trim()).filter(|language| !language.is_empty() && !language.starts_with("rust"));
            lines.push(if fenced { "```".to_owned() } else { format!("```{}", language.unwrap_or("text")) });
            fenced = !fenced;
        } else if fenced {
            lines.push(line.to_owned());
        } else if escape_ticks {
            lines.push(escaped(&line.trim().replace('`', "'"), &mut in_code));
        } else {
            // Four spaces at the start would be a code block, and so a doctest.
            lines.push(escaped(line.trim(), &mut in_code));
        }
    }
    lines
}

/// One line of prose. `in_code` is whether it starts, and then ends, between two backticks.
fn escaped(line: &str, in_code: &mut bool) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        if c == '`' {
            *in_code = !*in_code;
        }
        if let Some((link, markdown)) = link(rest).filter(|_| !*in_code) {
            out.push_str(&markdown);
            rest = &rest[link..];
            continue;
        }
        if !*in_code && matches!(c, '<' | '[' | ']') {
            out.push('\\');
        }
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}

/// A URL at the start of `text`, bare or already marked up: its length, and its Markdown.
fn link(text: &str) -> Option<(usize, String)> {
    let is_url = |text: &str| text.starts_with("https://") || text.starts_with("http://");
    if is_url(text) {
        let url = url(text);
        return Some((url.len(), format!("<{url}>")));
    }
    let marked = match text.chars().next()? {
        '<' if is_url(&text[1..]) => text.find('>'),
        '[' => text
            .find("](")
            .filter(|at| is_url(&text[at + 2..]) && !text[1..*at].contains(['[', ']']))
            .and_then(|_| text.find(')')),
        _ => None,
    };
    marked.map(|end| (end + 1, text[..=end].to_owned()))
}

/// The URL at the start of `text`, without the punctuation of the sentence around it.
fn url(text: &str) -> &str {
    let end =
        text.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '`' | ')' | ']')).unwrap_or(text.len());
    text[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', '\''])
}
