//! A call as the caller described it, and the frozen request made from it.

use std::sync::{Arc, Mutex, Once, OnceLock};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde::Serialize;
use serde_json::Value;
use url::form_urlencoded;

use super::base_url::check_length;
use super::body::Body;
use super::client::{Core, Shared};
use super::credential::SentSecret;
use super::depth;
use super::frozen::Frozen;
use super::operation::{self, AuthUse, OperationSpec, RetryClass, Route};
use super::retry::RetrySettings;
use crate::check::InvalidArgument;
use crate::config;
use crate::error::CallRecord;
use crate::page::{Cursor, ListCall};
use crate::spelling::Spelling;

/// A call as the caller described it. It is spelled when it is sent, once it is known what the server understands.
#[derive(Clone, Debug)]
pub(crate) struct RequestParts {
    pub(crate) core: Core,
    pub(crate) spec: &'static OperationSpec,
    pub(crate) target: Target,
    /// The operation's own parameters, encoded in the documented form.
    pub(crate) query: String,
    pub(crate) query_spelling: Option<&'static Spelling>,
    pub(crate) body: Body,
    pub(crate) options: Options,
    /// Headers that the operation itself sets.
    pub(crate) own_headers: Vec<(HeaderName, HeaderValue)>,
    /// Items of comma-separated headers, which follow what the caller put there.
    pub(crate) listed: Vec<(HeaderName, &'static str)>,
    /// Which error responses are successful all the same.
    pub(crate) also: Option<fn(StatusCode, &[u8]) -> bool>,
    /// What to use on servers that do not have the operation.
    pub(crate) instead: Option<&'static str>,
    /// What an error adds where the server does not have the path.
    pub(crate) if_missing: Option<&'static str>,
    /// A secret in the body, which no error shows.
    pub(crate) concealed: Option<SentSecret>,
    /// The first invalid argument; returned on sending.
    pub(crate) fault: Option<InvalidArgument>,
}

#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// The operation's own path, with these ids.
    Ids(Vec<String>),
    /// A method and path segments that the crate has no operation for.
    Raw(Method, Vec<String>),
}

/// What a caller may set on any call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) attempt: Option<Duration>,
    pub(crate) total: Option<Duration>,
    pub(crate) max_retries: Option<u32>,
    pub(crate) class: Option<RetryClass>,
    pub(crate) headers: HeaderMap,
    pub(crate) query: Vec<(String, String)>,
    /// Where a list starts.
    pub(crate) cursor: Option<Cursor>,
    pub(crate) body_fields: Vec<(String, Value)>,
}

/// Stands in for the operation of a raw call.
pub(super) static RAW: OperationSpec = OperationSpec {
    id: "raw",
    auth: AuthUse::Optional,
    retry: RetryClass::NonIdempotent,
    timeout: None,
    secret: false,
    required: &[],
    wrapped: &[],
    routes: &[Route {
        method: Method::GET,
        path: &[],
        query: &[],
        generations: &[],
        accept: config::ACCEPT,
        paging: None,
    }],
};

impl RequestParts {
    pub(super) fn new(core: &Core, spec: &'static OperationSpec) -> Self {
        Self {
            core: core.clone(),
            spec,
            target: Target::Ids(Vec::new()),
            query: String::new(),
            query_spelling: None,
            body: Body::Empty,
            options: Options::default(),
            own_headers: Vec::new(),
            listed: Vec::new(),
            also: None,
            instead: None,
            if_missing: None,
            concealed: None,
            fault: None,
        }
    }

    pub(super) fn fail(&mut self, invalid: InvalidArgument) {
        self.fault.get_or_insert(invalid);
    }

    pub(super) fn set_json<B: Serialize + ?Sized>(&mut self, body: &B, spelling: Option<&'static Spelling>) {
        match serde_json::to_vec(body) {
            Ok(bytes) => self.body = Body::Json(bytes.into(), spelling),
            Err(error) => self.fail(InvalidArgument::new("body", error.to_string())),
        }
    }

    pub(super) fn set_form<B: Serialize + ?Sized>(&mut self, body: &B) {
        let media_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        match serde_html_form::to_string(body) {
            Ok(form) => self.body = Body::Bytes(form.into(), media_type),
            Err(error) => self.fail(InvalidArgument::new("body", error.to_string())),
        }
    }

    /// The settings of the retry loop: the caller's come first, then the document's, then the client's.
    pub(crate) fn settings(&self) -> RetrySettings {
        let (options, settings) = (&self.options, self.core.settings());
        let policy = settings.policy;
        let natural = self.spec.timeout.unwrap_or_default().max(config::ATTEMPT_TIMEOUT);
        let natural = if self.body.is_transfer() { Duration::MAX } else { natural };
        let attempt = options.attempt.or(settings.attempt).unwrap_or(natural);
        let natural_class = match &self.target {
            Target::Raw(method, _) if !method.is_idempotent() => RetryClass::NonIdempotent,
            Target::Raw(..) => RetryClass::Idempotent,
            Target::Ids(_) => self.spec.retry,
        };
        let total = options.total.or(settings.total);
        RetrySettings {
            policy: policy.max_retries(options.max_retries.unwrap_or(policy.max_retries)),
            class: options.class.unwrap_or(natural_class),
            attempt,
            // An attempt timeout beyond the default total raises the total.
            total: total.unwrap_or(config::TOTAL_TIMEOUT.max(attempt)),
            strict: total.is_some(),
        }
    }

    /// Whether what is sent depends on the server's generation.
    pub(super) fn depends_on_generation(&self) -> bool {
        self.body.is_spelled() || self.query_spelling.is_some() || self.spec.depends_on_generation()
    }

    pub(super) fn method(&self) -> &Method {
        match &self.target {
            Target::Raw(method, _) => method,
            Target::Ids(_) => &self.spec.routes[0].method,
        }
    }

    /// What is known of the call before it is sent.
    pub(crate) fn record(&self) -> CallRecord {
        match self.freeze(&self.spec.routes[0], None) {
            Ok(frozen) => frozen.record(Vec::new(), false),
            Err(_) => CallRecord {
                operation: self.spec.id,
                method: self.method().clone(),
                url: String::new(),
                attempts: Vec::new(),
                may_have_been_processed: false,
                confidential: self.spec.secret,
                note: None,
            },
        }
    }

    /// Freezes the call for one home of the operation: from here on every attempt sends the same bytes.
    ///
    /// # Errors
    /// The first invalid argument; nothing was sent.
    pub(super) fn freeze(
        &self,
        route: &'static Route,
        generation: Option<&str>,
    ) -> Result<Box<Frozen>, InvalidArgument> {
        self.spell(route, generation).map_err(|e| e.of_call(self.spec.id, self.method().clone()))
    }

    fn spell(&self, route: &'static Route, generation: Option<&str>) -> Result<Box<Frozen>, InvalidArgument> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let shared = self.core.shared();
        if let Some(key) = shared.credential.fixed_key() {
            self.reject_key_in_sight(key)?;
        }
        let (method, path) = match &self.target {
            Target::Raw(method, segments) => (method, operation::join(segments)?),
            Target::Ids(ids) => match shared.overrides.get(self.spec.id) {
                Some(other) => (other.method.as_ref().unwrap_or(&route.method), other.expand(ids)?),
                None => (&route.method, operation::expand(route.path, ids)?),
            },
        };
        let method = method.clone();
        let mut query = self.final_query(route, generation)?;
        if let (Some(cursor), Some(paging)) = (&self.options.cursor, route.paging) {
            query = paging.start(&self.list_call(&query), cursor)?;
        }
        let body = self.final_body(&method, generation)?;
        depth::check(body.json_bytes().map(|bytes| &**bytes).unwrap_or_default())?;
        (shared.platform.preflight)(&query, body.json_bytes().map(|bytes| &**bytes))?;
        let path = if shared.prefix.is_empty() { path } else { format!("{}{path}", shared.prefix) };
        check_length(&shared.origin, &path, &query)?;
        let headers = self.final_headers(shared, route, &method, &body)?;
        Ok(Box::new(Frozen {
            core: self.core.clone(),
            spec: self.spec,
            route,
            method,
            path,
            query,
            headers,
            body,
            also: self.also,
            concealed: self.concealed.clone(),
            key: Mutex::default(),
            shown_url: OnceLock::new(),
            traced: Once::new(),
        }))
    }

    /// Rejects a key in a path or in the name of a query pair, which errors and spans show. It is a mistake, such as
    /// swapped arguments.
    fn reject_key_in_sight(&self, key: &str) -> Result<(), InvalidArgument> {
        let mut shown = self.ids().iter().chain(self.options.query.iter().map(|(name, _)| name));
        if shown.any(|text| contains(text.as_bytes(), key.as_bytes())) {
            return Err(InvalidArgument::new("path", "must not hold the API key"));
        }
        Ok(())
    }

    fn final_headers(
        &self,
        shared: &Shared,
        route: &Route,
        method: &Method,
        body: &Body,
    ) -> Result<Arc<HeaderMap>, InvalidArgument> {
        let is_json = matches!(body, Body::Json(..));
        let mut headers = Arc::clone(if is_json { &shared.json_headers } else { &shared.headers });
        if matches!(body, Body::Empty) && matches!(*method, Method::POST | Method::PUT | Method::PATCH) {
            // Some servers and proxies reject such a request without a length.
            Arc::make_mut(&mut headers).insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        if route.accept != config::ACCEPT {
            Arc::make_mut(&mut headers).insert(header::ACCEPT, HeaderValue::from_static(route.accept));
        }
        if self.spec.auth == AuthUse::None {
            Arc::make_mut(&mut headers).remove(shared.scheme.name());
        }
        if !self.options.headers.is_empty() || !self.own_headers.is_empty() || !self.listed.is_empty() {
            let headers = Arc::make_mut(&mut headers);
            for (name, value) in self.own_headers.iter().map(|(n, v)| (n, v)).chain(&self.options.headers) {
                headers.insert(name, value.clone());
            }
            for (name, item) in &self.listed {
                list(headers, name, item)?;
            }
        }
        Ok(headers)
    }

    fn final_query(&self, route: &Route, generation: Option<&str>) -> Result<String, InvalidArgument> {
        let options = &self.options;
        let respelled = self.query_spelling.zip(generation);
        if options.query.is_empty() && respelled.is_none() && route.query.is_empty() {
            return Ok(self.query.clone());
        }
        let own = form_urlencoded::parse(self.query.as_bytes());
        let mut own: Vec<_> = own.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        if let Some((spelling, generation)) = respelled {
            spelling.apply_to_pairs(&mut own, generation)?;
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Target::Ids(ids) = &self.target {
            for (name, at) in route.query {
                let id = ids.get(*at).ok_or_else(|| InvalidArgument::new(*name, "is missing"))?;
                query.append_pair(name, id);
            }
        }
        Ok(query.extend_pairs(&own).extend_pairs(&options.query).finish())
    }

    pub(crate) fn ids(&self) -> &[String] {
        match &self.target {
            Target::Ids(ids) | Target::Raw(_, ids) => ids,
        }
    }

    /// The call as the page of a list sees it.
    pub(super) fn list_call<'a>(&'a self, query: &'a str) -> ListCall<'a> {
        ListCall { operation: self.spec.id, ids: self.ids(), query, cursor: self.options.cursor.as_ref() }
    }

    fn final_body(&self, method: &Method, generation: Option<&str>) -> Result<Body, InvalidArgument> {
        let fields = &self.options.body_fields;
        if let (Body::Multipart(form), Some(generation), true) = (&self.body, generation, fields.is_empty()) {
            return Ok(Body::Multipart(Arc::new(form.spelled_for(generation)?)));
        }
        let spelling = match self.body {
            Body::Json(_, spelling) => spelling.zip(generation),
            _ => None,
        };
        if fields.is_empty() && spelling.is_none() {
            return Ok(self.body.clone());
        }
        if !fields.is_empty() && (method == Method::GET || method == Method::HEAD) {
            return Err(InvalidArgument::new(fields[0].0.as_str(), "cannot be added: the operation has no body"));
        }
        let mut value = match &self.body {
            Body::Json(bytes, _) => serde_json::from_slice(bytes).map_err(unserialised)?,
            Body::Empty => Value::Object(serde_json::Map::new()),
            _ => Value::Null,
        };
        if let Some((spelling, generation)) = spelling {
            spelling.apply(&mut value, generation)?;
        }
        for (name, field) in fields {
            match &mut value {
                Value::Object(object) => drop(object.insert(name.clone(), field.clone())),
                _ => return Err(InvalidArgument::new(name.as_str(), "cannot be added: the body is not an object")),
            }
        }
        Ok(Body::Json(serde_json::to_vec(&value).map_err(unserialised)?.into(), None))
    }
}

fn unserialised(error: serde_json::Error) -> InvalidArgument {
    InvalidArgument::new("body", error.to_string())
}

/// Adds `item` to a comma-separated header, unless the caller has put it there.
fn list(headers: &mut HeaderMap, name: &HeaderName, item: &'static str) -> Result<(), InvalidArgument> {
    let before = headers.get(name).map_or(Ok(""), HeaderValue::to_str);
    let before = before.map_err(|_| InvalidArgument::new(name.as_str(), "must be text"))?;
    let items = || before.split(',').map(str::trim).filter(|item| !item.is_empty());
    if items().any(|other| other == item) {
        return Ok(());
    }
    let joined = items().chain([item]).collect::<Vec<_>>().join(",");
    let value = HeaderValue::try_from(joined).map_err(|_| InvalidArgument::new(name.as_str(), "must be text"))?;
    headers.insert(name, value);
    Ok(())
}

/// `str::contains` is built for long texts, which costs more than scanning an id.
fn contains(text: &[u8], key: &[u8]) -> bool {
    text.windows(key.len()).any(|part| part.first() == key.first() && part == key)
}
