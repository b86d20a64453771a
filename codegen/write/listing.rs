//! Every operation with its routes and rules: a snapshot shows a change in a review.

use std::fmt::Write as _;

use crate::codegen::platform::Platform;
use crate::codegen::read::operation::{Auth, Operation};
use crate::codegen::read::page::{PageBy, Paging};
use crate::codegen::read::response::Response;
use crate::codegen::read::route::Route;

/// The operations of a platform, each on a line of its own; further routes on the lines below it.
pub fn file(platform: &Platform<'_>) -> String {
    let mut text = String::new();
    for operation in &platform.operations {
        line(&mut text, platform, operation);
    }
    text
}

fn line(text: &mut String, platform: &Platform<'_>, operation: &Operation) {
    let home = operation.home();
    let class = if operation.idempotent { "idempotent" } else { "non-idempotent" };
    let timeout = operation.timeout.map_or_else(|| "default".to_owned(), |millis| format!("{millis}ms"));
    let (auth, response) = (auth(operation.auth), response(operation.response()));
    let _ = write!(text, "{} {}", operation.id, home.text(&operation.ids));
    let _ = write!(text, " | {class} timeout={timeout} auth={auth} response={response}");
    let required: Vec<String> = platform.required(operation).iter().map(|names| names.join("/")).collect();
    list(text, "required", &required);
    list(text, "wrapped", &operation.wrapped);
    if platform.response_is_secret(operation) {
        text.push_str(" secret");
    }
    route(text, operation, home);
    for further in &operation.routes[1..] {
        let _ = write!(text, "    or {} |", further.text(&operation.ids));
        route(text, operation, further);
    }
}

/// What may differ between the routes of an operation.
fn route(text: &mut String, operation: &Operation, route: &Route) {
    if let Some(accept) = &route.accept {
        let _ = write!(text, " accept={accept}");
    }
    if let Some(paging) = operation.paging(route) {
        page(text, paging);
    }
    list(text, "for", &route.generations);
    text.push('\n');
}

fn page(text: &mut String, paging: &Paging) {
    let by = match &paging.by {
        PageBy::Offset => "offset".to_owned(),
        PageBy::Token { send, read } => format!("token({send}<-{})", read.join(",")),
        PageBy::AfterId { token: None } => "after_id".to_owned(),
        PageBy::AfterId { token: Some((send, read)) } => format!("after_id({send}<-{})", read.join(",")),
        PageBy::AfterSeq => "after_seq".to_owned(),
        PageBy::Once => "once".to_owned(),
    };
    let _ = write!(text, " page={by}");
    list(text, "items", &paging.items);
}

fn list<S: AsRef<str>>(text: &mut String, key: &str, values: &[S]) {
    if !values.is_empty() {
        let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
        let _ = write!(text, " {key}={}", values.join(","));
    }
}

fn auth(auth: Auth) -> &'static str {
    match auth {
        Auth::Required => "required",
        Auth::Optional => "optional",
        Auth::None => "none",
    }
}

fn response(response: &Response) -> &'static str {
    match response {
        Response::Empty => "empty",
        Response::Json(_) => "json",
        Response::Page { .. } => "page",
        Response::Bytes => "bytes",
        Response::Download => "download",
        Response::Events(_) => "events",
        Response::Lines(_) => "lines",
        Response::Redirect => "redirect",
    }
}
