//! Which operation a request is for: the generated routes that a platform mounts.

use std::collections::HashSet;

use http::{HeaderMap, Method, header};
use percent_encoding::percent_decode_str;

use super::spec::{OperationSpec, RouteSpec, Segment};

/// One mounted route.
#[derive(Clone, Copy, Debug)]
struct Mounted {
    operation: &'static OperationSpec,
    route: &'static RouteSpec,
}

/// The routes that a platform mounts.
#[derive(Debug)]
pub(crate) struct Router {
    base: Vec<&'static str>,
    routes: Vec<Mounted>,
}

/// Where a request leads.
#[derive(Clone, Debug)]
pub(crate) enum Routed {
    Operation {
        operation: &'static OperationSpec,
        route: &'static RouteSpec,
        /// The values of the path's parameters, unescaped.
        path: Vec<(&'static str, String)>,
    },
    /// The path exists with these methods only.
    OtherMethods(Vec<&'static str>),
    Nowhere,
}

impl Routed {
    pub(crate) fn operation(&self) -> Option<&'static str> {
        match self {
            Self::Operation { operation, .. } => Some(operation.id),
            Self::OtherMethods(_) | Self::Nowhere => None,
        }
    }
}

type Values = Vec<(&'static str, String)>;

impl Router {
    /// Routes under `base`, which is the path of the documented server URL.
    pub(crate) fn new(
        base: &'static str,
        operations: &'static [OperationSpec],
        mounts: impl Fn(&OperationSpec, &RouteSpec) -> bool,
    ) -> Self {
        let all = operations
            .iter()
            .flat_map(|operation| operation.routes.iter().map(move |route| Mounted { operation, route }));
        let routes = all.filter(|mounted| mounts(mounted.operation, mounted.route)).collect();
        Self { base: base.split('/').filter(|segment| !segment.is_empty()).collect(), routes }
    }

    /// The route of a request. `path` is still escaped and begins with a slash.
    pub(crate) fn route(&self, method: &Method, path: &str, query: &str, headers: &HeaderMap) -> Routed {
        let decoded = percent_decode_str(path).decode_utf8_lossy();
        let segments: Vec<&str> = decoded.split('/').skip(1).collect();
        let Some(segments) = segments.strip_prefix(&self.base[..]) else { return Routed::Nowhere };
        let query: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let streams = accepts_a_stream(headers);
        let matching: Vec<(Mounted, Values)> = self
            .routes
            .iter()
            .filter_map(|mounted| Some((*mounted, values(mounted.route, segments, &query)?)))
            .collect();
        // `/animas/search` comes before `/animas/{anima_id}`, a query template before none, and of two routes that
        // differ in their media types the one that the client accepts.
        let best = matching.iter().filter(|(mounted, _)| mounted.route.method == method.as_str()).min_by_key(
            |(mounted, values)| {
                let by_path = values.len() - mounted.route.query.len();
                let unwanted = is_stream(mounted.route) != streams;
                (by_path, unwanted, usize::MAX - mounted.route.query.len())
            },
        );
        match best {
            Some((Mounted { operation, route }, path)) => Routed::Operation { operation, route, path: path.clone() },
            None if matching.is_empty() => Routed::Nowhere,
            None => {
                let mut seen = HashSet::new();
                let methods = matching.iter().map(|(mounted, _)| mounted.route.method);
                Routed::OtherMethods(methods.filter(|method| seen.insert(*method)).collect())
            }
        }
    }
}

fn is_stream(route: &RouteSpec) -> bool {
    matches!(route.media, "text/event-stream" | "application/x-ndjson")
}

fn accepts_a_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.into_iter().any(|value| value.contains("text/event-stream") || value.contains("ndjson"))
}

/// The values of the parameters, if it is this route's path.
fn values(route: &'static RouteSpec, segments: &[&str], query: &[(String, String)]) -> Option<Values> {
    if segments.len() != route.path.len() {
        return None;
    }
    let mut values = Values::new();
    for (wanted, found) in route.path.iter().zip(segments) {
        match *wanted {
            Segment::Text(text) if text == *found => {}
            Segment::Text(_) => return None,
            Segment::Parameter { name, prefix, suffix } => {
                let value = found.strip_prefix(prefix)?.strip_suffix(suffix)?;
                values.push((name, Some(value).filter(|value| !value.is_empty())?.to_owned()));
            }
        }
    }
    for &(name, parameter) in route.query {
        let (_, value) = query.iter().find(|(given, _)| given == name)?;
        values.push((parameter, value.clone()));
    }
    Some(values)
}
