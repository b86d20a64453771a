//! The operations that the document describes, and the routing of requests to them.

use std::sync::LazyLock;

use http::Method;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::schema::{Entries, Field, Reader, Schema, Source};
use crate::Error;

/// One operation.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) id: String,
    method: Method,
    path: Vec<Segment>,
    /// Whether it requires a key.
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

/// The route of a request.
#[derive(Debug)]
pub(super) enum Route {
    /// An operation, with the values of its path.
    Operation(&'static Operation, Vec<(String, String)>),
    /// A path that exists only with other methods.
    OtherMethods(Vec<Method>),
    /// No route, but the path without its trailing slashes exists.
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
    /// Returns the document, which is parsed once.
    pub(super) fn get() -> Result<&'static Self, Error> {
        DOCUMENT.as_ref().map_err(|error| Error::config(format!("the sandbox can't read its document: {error}")))
    }

    fn read(text: &str) -> Result<Self, String> {
        let source: DocumentSource = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let reader = Reader { components: source.components.schemas };
        let mut operations = Vec::new();
        for (path, item) in &source.paths.0 {
            for (method, operation) in item.methods() {
                let read = read_operation(&reader, path, method, operation);
                operations.push(read.map_err(|error| format!("{}: {error}", operation.id))?);
            }
        }
        Ok(Self { operations })
    }

    /// The ids of all operations, in alphabetical order.
    pub(super) fn ids(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = self.operations.iter().map(|operation| operation.id.as_str()).collect();
        ids.sort_unstable();
        ids
    }

    /// The route of a request. `raw` is the path as it was sent, still escaped.
    pub(super) fn route(&'static self, method: &Method, raw: &str) -> Route {
        let path = percent_decode_str(raw).decode_utf8_lossy();
        let candidates: Vec<_> = self.matching(&path).collect();
        // `/animas/search` takes precedence over `/animas/{anima_id}`.
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
        let stripped = path.trim_end_matches('/');
        if stripped != path && self.matching(stripped).next().is_some() {
            return Route::Slash(without_slashes(raw).to_owned());
        }
        Route::Nowhere
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

/// The document as written.
#[derive(Deserialize)]
struct DocumentSource {
    paths: Entries<PathSource>,
    components: ComponentsSource,
}

#[derive(Deserialize)]
struct ComponentsSource {
    schemas: Entries<Source>,
}

#[derive(Deserialize)]
struct PathSource {
    get: Option<OperationSource>,
    post: Option<OperationSource>,
    put: Option<OperationSource>,
    patch: Option<OperationSource>,
    delete: Option<OperationSource>,
}

impl PathSource {
    fn methods(&self) -> impl Iterator<Item = (Method, &OperationSource)> {
        let all = [
            (Method::GET, &self.get),
            (Method::POST, &self.post),
            (Method::PUT, &self.put),
            (Method::PATCH, &self.patch),
            (Method::DELETE, &self.delete),
        ];
        all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
    }
}

#[derive(Deserialize)]
struct OperationSource {
    #[serde(rename = "operationId")]
    id: String,
    #[serde(default)]
    security: Vec<IgnoredAny>,
    #[serde(default)]
    parameters: Vec<ParameterSource>,
    #[serde(rename = "requestBody")]
    body: Option<BodySource>,
}

#[derive(Deserialize)]
struct ParameterSource {
    name: String,
    #[serde(rename = "in")]
    place: String,
    #[serde(default)]
    required: bool,
    schema: Source,
}

#[derive(Deserialize)]
struct BodySource {
    content: Entries<MediaSource>,
}

#[derive(Deserialize)]
struct MediaSource {
    schema: Source,
}

fn read_operation(
    reader: &Reader,
    path: &str,
    method: Method,
    operation: &OperationSource,
) -> Result<Operation, String> {
    let parameters = |place: &str| {
        let of_place = operation.parameters.iter().filter(|parameter| parameter.place == place);
        of_place
            .map(|parameter| reader.field(&parameter.name, &parameter.schema, parameter.required))
            .collect::<Result<Vec<_>, _>>()
    };
    let body = operation.body.as_ref().and_then(|body| body.content.0.first());
    Ok(Operation {
        id: operation.id.clone(),
        method,
        path: path.split('/').map(segment).collect(),
        auth: !operation.security.is_empty(),
        path_parameters: parameters("path")?,
        query: parameters("query")?,
        body: body.map(|(_, media)| reader.schema(&media.schema)).transpose()?,
    })
}

/// A path that is still escaped, without its trailing slashes, escaped or not.
fn without_slashes(mut raw: &str) -> &str {
    while let Some(shorter) = ["/", "%2F", "%2f"].into_iter().find_map(|slash| raw.strip_suffix(slash)) {
        raw = shorter;
    }
    raw
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
        assert_eq!(methods, [Method::GET, Method::POST]);
    }

    #[test]
    fn slashes_too_many_lead_to_the_path_without_them() {
        for path in ["/api/animas/", "/api/animas//", "/api/animas%2F", "/api/animas/%2f"] {
            assert!(matches!(route(&Method::GET, path), Route::Slash(path) if path == "/api/animas"), "{path}");
        }
        assert!(matches!(route(&Method::GET, "/api/animas/a%20b/"), Route::Slash(path) if path == "/api/animas/a%20b"));
        assert!(matches!(route(&Method::GET, "/api/nothing/"), Route::Nowhere));
        assert!(matches!(route(&Method::GET, "/api//animas"), Route::Nowhere));
        assert!(matches!(route(&Method::GET, "/api/animas/a%2Fb"), Route::Nowhere));
    }
}
