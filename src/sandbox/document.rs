//! The operations that the document describes, and which of them a request asks for.

use std::sync::LazyLock;

use http::Method;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::schema::{Field, Reader, Schema};
use crate::Error;

/// One operation.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) id: String,
    method: Method,
    path: Vec<Segment>,
    /// Whether it asks for a key.
    pub(super) auth: bool,
    pub(super) path_parameters: Vec<Field>,
    pub(super) query: Vec<Field>,
    pub(super) body: Option<Schema>,
}

#[derive(Debug)]
enum Segment {
    Text(String),
    Parameter(String),
}

/// Where a request leads.
#[derive(Debug)]
pub(super) enum Route {
    /// To an operation, with the values of its path.
    Operation(&'static Operation, Vec<(String, String)>),
    /// To a path that is known by other methods only.
    OtherMethods(Vec<Method>),
    /// Nowhere, but without its last slash, or with one more, the path is known.
    Slash(String),
    Nowhere,
}

/// The document that the crate was generated from.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) operations: Vec<Operation>,
}

static DOCUMENT: LazyLock<Result<Document, String>> =
    LazyLock::new(|| Document::read(include_str!("../../spec/openapi.json")));

impl Document {
    /// The document, read once.
    pub(super) fn get() -> Result<&'static Self, Error> {
        DOCUMENT.as_ref().map_err(|error| Error::config(format!("the sandbox can't read its document: {error}")))
    }

    fn read(text: &str) -> Result<Self, String> {
        let document: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let components = document["components"]["schemas"].as_object().ok_or("no components")?;
        let reader = Reader::new(components);
        let mut operations = Vec::new();
        for (path, item) in document["paths"].as_object().ok_or("no paths")? {
            for (method, operation) in item.as_object().into_iter().flatten() {
                if let Some(id) = operation["operationId"].as_str() {
                    let read = read_operation(&reader, path, method, operation);
                    operations.push(read.map_err(|error| format!("{id}: {error}"))?);
                }
            }
        }
        Ok(Self { operations })
    }

    /// The operation of that id.
    pub(super) fn operation(&self, id: &str) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.id == id)
    }

    /// The operation that a request asks for. `raw` is the path as it was sent, still escaped.
    pub(super) fn route(&'static self, method: &Method, raw: &str) -> Route {
        let path = percent_decode_str(raw).decode_utf8_lossy();
        let candidates: Vec<_> = self.matching(&path).collect();
        // Of `/animas/search` and `/animas/{anima_id}` the first one is meant.
        let best = candidates
            .iter()
            .filter(|(operation, _)| operation.method == *method)
            .min_by_key(|(_, values)| values.len());
        if let Some((operation, values)) = best {
            return Route::Operation(operation, values.clone());
        }
        if !candidates.is_empty() {
            return Route::OtherMethods(candidates.iter().map(|(operation, _)| operation.method.clone()).collect());
        }
        match path.strip_suffix('/') {
            Some(stripped) if self.matching(stripped).next().is_some() => {
                Route::Slash(raw.strip_suffix('/').unwrap_or(raw).to_owned())
            }
            _ => Route::Nowhere,
        }
    }

    fn matching(&'static self, path: &str) -> impl Iterator<Item = (&'static Operation, Vec<(String, String)>)> {
        let segments: Vec<String> = path.split('/').map(str::to_owned).collect();
        self.operations.iter().filter_map(move |operation| Some((operation, operation.values(&segments)?)))
    }
}

impl Operation {
    /// The values of the path's parameters, if it is this operation's path.
    fn values(&self, segments: &[String]) -> Option<Vec<(String, String)>> {
        if segments.len() != self.path.len() {
            return None;
        }
        let mut values = Vec::new();
        for (wanted, found) in self.path.iter().zip(segments) {
            match wanted {
                Segment::Text(text) if text == found => {}
                Segment::Parameter(name) if !found.is_empty() => values.push((name.clone(), found.clone())),
                _ => return None,
            }
        }
        Some(values)
    }
}

fn read_operation(reader: &Reader<'_>, path: &str, method: &str, operation: &Value) -> Result<Operation, String> {
    let parameters = |place: &str| {
        let all = operation["parameters"].as_array().into_iter().flatten();
        all.filter(|parameter| parameter["in"] == place)
            .map(|parameter| {
                let required = parameter["required"] == Value::Bool(true);
                reader.field(parameter["name"].as_str().unwrap_or_default(), &parameter["schema"], required)
            })
            .collect::<Result<Vec<_>, _>>()
    };
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    Ok(Operation {
        id: operation["operationId"].as_str().unwrap_or_default().to_owned(),
        method: method.to_uppercase().parse().map_err(|_| format!("no method: {method}"))?,
        path: path.split('/').map(segment).collect(),
        auth: operation["security"].as_array().is_some_and(|schemes| !schemes.is_empty()),
        path_parameters: parameters("path")?,
        query: parameters("query")?,
        body: if body.is_null() { None } else { Some(reader.schema(body)?) },
    })
}

fn segment(text: &str) -> Segment {
    match text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) => Segment::Parameter(name.to_owned()),
        None => Segment::Text(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: &Method, path: &str) -> Route {
        Document::get().unwrap().route(method, path)
    }

    #[test]
    fn a_literal_segment_is_meant_before_a_parameter() {
        let id = |path| match route(&Method::GET, path) {
            Route::Operation(operation, values) => (operation.id.clone(), values.len()),
            other => panic!("{path}: {other:?}"),
        };
        assert_eq!(id("/api/animas/search"), ("elephantasm_search_animas".to_owned(), 0));
        assert_eq!(id("/api/animas/other"), ("elephantasm_get_anima".to_owned(), 1));
        assert_eq!(id("/api/animas/%73earch"), ("elephantasm_search_animas".to_owned(), 0));
    }

    #[test]
    fn a_path_known_by_other_methods_names_them() {
        let Route::OtherMethods(methods) = route(&Method::PUT, "/api/events") else { panic!() };
        assert_eq!(methods, [Method::POST, Method::GET]);
    }

    #[test]
    fn a_slash_too_many_leads_to_the_path_without_it() {
        assert!(matches!(route(&Method::GET, "/api/animas/"), Route::Slash(path) if path == "/api/animas"));
        assert!(matches!(route(&Method::GET, "/api/nothing/"), Route::Nowhere));
        assert!(matches!(route(&Method::GET, "/api/animas//"), Route::Nowhere));
        assert!(matches!(route(&Method::GET, "/api/animas/a%2Fb"), Route::Nowhere));
    }
}
