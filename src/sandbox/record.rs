//! The requests that arrived.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Mutex;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, header};
use serde_json::Value;

use super::pipeline::Service;
use crate::lock::lock;

/// How many requests are kept. Older ones are dropped.
const KEPT: usize = 10_000;

/// Headers that carry credentials on any platform.
const CREDENTIALS: [HeaderName; 3] = [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE];

/// A request that arrived at the sandbox, without its credential; from [`Sandbox::requests`](super::Sandbox::requests).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Recorded {
    /// The operation, by its id in the OpenAPI document; `None` if the request matches none.
    pub operation: Option<&'static str>,
    /// The platform, such as `elephantasm`; `None` if the path begins with the name of none.
    pub platform: Option<&'static str>,
    /// The method.
    pub method: Method,
    /// The path on the platform's host, without the platform's name before it, as it was sent, still escaped.
    pub path: String,
    /// The query string as it was sent, still escaped; empty if there was none.
    pub query: String,
    /// The headers without those that carry a credential.
    pub headers: HeaderMap,
    /// The body as it was sent.
    pub body: Bytes,
}

impl Recorded {
    pub(super) fn new(
        operation: Option<&'static str>,
        platform: Option<&dyn Service>,
        path: &str,
        head: &http::request::Parts,
        body: Bytes,
    ) -> Self {
        let mut headers = head.headers.clone();
        let secret: Vec<HeaderName> = headers
            .iter()
            .filter(|(name, value)| {
                CREDENTIALS.contains(name) || platform.is_some_and(|it| it.is_credential(name, value))
            })
            .map(|(name, _)| name.clone())
            .collect();
        for name in secret {
            headers.remove(name);
        }
        Self {
            operation,
            platform: platform.map(Service::name),
            method: head.method.clone(),
            path: path.to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers,
            body,
        }
    }

    /// Returns the body as JSON; null if it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Returns the first value of `name` in the query, unescaped.
    pub fn query_value(&self, name: &str) -> Option<Cow<'_, str>> {
        url::form_urlencoded::parse(self.query.as_bytes()).find_map(|(key, value)| (key == name).then_some(value))
    }
}

/// The requests that arrived, oldest first.
#[derive(Debug, Default)]
pub(super) struct Log(Mutex<VecDeque<Recorded>>);

impl Log {
    pub(super) fn push(&self, request: Recorded) {
        let mut requests = lock(&self.0);
        if requests.len() == KEPT {
            requests.pop_front();
        }
        requests.push_back(request);
    }

    pub(super) fn all(&self) -> Vec<Recorded> {
        lock(&self.0).iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(uri: &str) -> http::request::Parts {
        http::Request::get(uri).header("authorization", "Bearer k").header("x-a", "b").body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_request_is_kept_without_its_credential() {
        let head = head("/p/a%20b?q=green+tea&q=2");
        let request = Recorded::new(None, None, "/a%20b", &head, Bytes::from_static(br#"{"n":1}"#));
        assert_eq!((request.path.as_str(), request.query.as_str()), ("/a%20b", "q=green+tea&q=2"));
        assert_eq!(request.headers.keys().collect::<Vec<_>>(), ["x-a"]);
        assert_eq!(request.query_value("q").as_deref(), Some("green tea"));
        assert_eq!(request.query_value("p"), None);
        assert_eq!(request.json(), serde_json::json!({"n": 1}));
    }

    #[test]
    fn the_oldest_requests_are_forgotten() {
        let log = Log::default();
        for n in 0..=KEPT {
            log.push(Recorded::new(None, None, &format!("/{n}"), &head("/"), Bytes::new()));
        }
        let all = log.all();
        assert_eq!((all.len(), all[0].path.as_str()), (KEPT, "/1"));
    }
}
