//! A call before it is sent: what the caller set, and the frozen request made from it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::retry::Plan;
use super::{Alternate, AttemptStart, Core, OperationSpec, RetryClass, RetryPolicy, Settings, Shared, operation};
use crate::Error;
use crate::check::{self, InvalidArgument};
use crate::config;
use crate::error::{Attempt, CallRecord};
use crate::page::{Cursor, ListCall};

/// A call as the caller described it.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) core: Core,
    pub(crate) spec: &'static OperationSpec,
    pub(crate) target: Target,
    /// The encoded query of the operation's own parameters.
    pub(crate) query: String,
    pub(crate) body: Option<Bytes>,
    pub(crate) options: Options,
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

impl Draft {
    /// The plan of the retry loop: the caller's settings come first, then the document's, then the client's.
    pub(crate) fn plan(&self, settings: &Settings) -> Plan {
        let options = &self.options;
        let policy: RetryPolicy = settings.policy;
        let natural = self.spec.timeout.unwrap_or_default().max(config::ATTEMPT_TIMEOUT);
        let attempt = options.attempt.or(settings.attempt).unwrap_or(natural);
        let natural_class = match &self.target {
            Target::Raw(method, _) if !method.is_idempotent() => RetryClass::NonIdempotent,
            Target::Raw(..) => RetryClass::Idempotent,
            Target::Ids(_) => self.spec.retry,
        };
        let total = options.total.or(settings.total);
        Plan {
            policy: policy.max_retries(options.max_retries.unwrap_or(policy.max_retries)),
            class: options.class.unwrap_or(natural_class),
            attempt,
            // An attempt timeout beyond the default total raises the total.
            total: total.unwrap_or(config::TOTAL_TIMEOUT.max(attempt)),
            strict: total.is_some(),
        }
    }

    /// Freezes the call: from here on every attempt sends the same bytes.
    ///
    /// # Errors
    /// `InvalidArgument`, and nothing was sent.
    pub(super) fn prepare(&self, shared: &Shared, alternate: Option<&Alternate>) -> Result<Box<Prepared>, Error> {
        self.freeze(shared, alternate)
            .map(Box::new)
            .map_err(|invalid| invalid.of_call(self.spec.id, self.method().clone()).into())
    }

    fn method(&self) -> &Method {
        match &self.target {
            Target::Raw(method, _) => method,
            Target::Ids(_) => &self.spec.method,
        }
    }

    pub(crate) fn record(&self) -> CallRecord {
        match self.freeze(&self.core.0, None) {
            Ok(prepared) => prepared.record(Vec::new(), false),
            Err(_) => CallRecord {
                operation: self.spec.id,
                method: self.method().clone(),
                url: String::new(),
                attempts: Vec::new(),
                may_have_been_processed: false,
            },
        }
    }

    fn freeze(&self, shared: &Shared, alternate: Option<&Alternate>) -> Result<Prepared, InvalidArgument> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        if let Some(key) = shared.credential.fixed_key() {
            self.refuse_in_sight(key)?;
        }
        let (method, path) = match (&self.target, alternate) {
            (Target::Raw(_, segments), _) => (self.method(), operation::join(segments)?),
            (Target::Ids(ids), None) => (self.method(), operation::expand(self.spec.path, ids)?),
            (Target::Ids(ids), Some(other)) => (&other.method, operation::expand(other.path, ids)?),
        };
        let mut query = self.final_query();
        if let (Some(cursor), Some(paging)) = (&self.options.cursor, self.spec.paging) {
            query = paging.start(&self.list_call(&query), cursor)?;
        }
        let method = method.clone();
        let body = self.final_body(&method)?;
        if shared.platform.rejects_nul {
            refuse_nul(&query, body.as_deref())?;
        }
        let mut url = shared.origin.clone();
        if shared.prefix.is_empty() {
            url.set_path(&path);
        } else {
            url.set_path(&format!("{}{path}", shared.prefix));
        }
        if !query.is_empty() {
            url.set_query(Some(&query));
        }
        let mut headers = Arc::clone(if body.is_some() { &shared.json_headers } else { &shared.headers });
        if body.is_none() && matches!(method, Method::POST | Method::PUT | Method::PATCH) {
            // Some servers and proxies reject such a request without a length.
            Arc::make_mut(&mut headers).insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        if !self.options.headers.is_empty() {
            let headers = Arc::make_mut(&mut headers);
            for (name, value) in &self.options.headers {
                headers.insert(name, value.clone());
            }
        }
        if !self.spec.auth {
            Arc::make_mut(&mut headers).remove(shared.platform.auth.name());
        }
        let operation = alternate.map_or(self.spec.id, |other| other.id);
        Ok(Prepared { operation, auth: self.spec.auth, method, url, query, headers, body, shown_url: OnceLock::new() })
    }

    /// Rejects a key in a path or in the name of a query pair, which errors and spans show. It is a mistake, such as
    /// swapped arguments.
    fn refuse_in_sight(&self, key: &str) -> Result<(), InvalidArgument> {
        let mut shown = self.ids().iter().chain(self.options.query.iter().map(|(name, _)| name));
        if shown.any(|text| holds(text.as_bytes(), key.as_bytes())) {
            return Err(InvalidArgument::new("path", "must not hold the API key"));
        }
        Ok(())
    }

    fn final_query(&self) -> String {
        let options = &self.options;
        if options.query.is_empty() {
            return self.query.clone();
        }
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form_urlencoded::parse(self.query.as_bytes()))
            .extend_pairs(&options.query)
            .finish()
    }

    pub(crate) fn ids(&self) -> &[String] {
        match &self.target {
            Target::Ids(ids) | Target::Raw(_, ids) => ids,
        }
    }

    /// The call as the page of a list sees it, with its query.
    pub(crate) fn list_call<'a>(&'a self, query: &'a str) -> ListCall<'a> {
        ListCall { operation: self.spec.id, ids: self.ids(), query, cursor: self.options.cursor.as_ref() }
    }

    fn final_body(&self, method: &Method) -> Result<Option<Bytes>, InvalidArgument> {
        let fields = &self.options.body_fields;
        if fields.is_empty() {
            return Ok(self.body.clone());
        }
        if method == Method::GET || method == Method::HEAD {
            return Err(InvalidArgument::new(fields[0].0.as_str(), "cannot be added: the operation has no body"));
        }
        let not_an_object = || InvalidArgument::new(fields[0].0.as_str(), "cannot be added: the body is not an object");
        let mut object = match &self.body {
            Some(body) => serde_json::from_slice(body).map_err(|_| not_an_object())?,
            None => serde_json::Map::new(),
        };
        for (name, value) in fields {
            object.insert(name.clone(), value.clone());
        }
        let bytes = serde_json::to_vec(&object).map_err(|e| InvalidArgument::new("body", e.to_string()))?;
        Ok(Some(Bytes::from(bytes)))
    }
}

/// `str::contains` is built for long texts, which costs more than scanning an id.
fn holds(text: &[u8], key: &[u8]) -> bool {
    text.windows(key.len()).any(|part| part.first() == key.first() && part == key)
}

/// Rejects U+0000, which is always escaped in JSON, and always `%00` in a query.
fn refuse_nul(query: &str, body: Option<&[u8]>) -> Result<(), InvalidArgument> {
    if query.contains("%00") {
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            free_of_nul(&name, &name)?;
            free_of_nul(&name, &value)?;
        }
    }
    let escaped = |body: &&[u8]| body.windows(6).any(|window| window == b"\\u0000");
    // It may be an escaped backslash followed by the same characters.
    match body.filter(escaped).map(serde_json::from_slice) {
        Some(Ok(value)) => refuse_nul_in(&value),
        _ => Ok(()),
    }
}

fn refuse_nul_in(value: &Value) -> Result<(), InvalidArgument> {
    match value {
        Value::String(text) => free_of_nul("", text),
        Value::Array(items) => check::each("", items, refuse_nul_in),
        Value::Object(fields) => {
            fields.keys().try_for_each(|name| free_of_nul(name, name))?;
            check::each_entry("", fields, refuse_nul_in)
        }
        _ => Ok(()),
    }
}

fn free_of_nul(name: &str, text: &str) -> Result<(), InvalidArgument> {
    if text.contains('\0') {
        let reason = "must not contain U+0000: the platform cannot store it";
        return Err(InvalidArgument::new(name.replace('\0', "\\0"), reason));
    }
    Ok(())
}

/// A frozen call.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The id of the route: an alternate is an operation too.
    pub(crate) operation: &'static str,
    pub(crate) auth: bool,
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// The query as sent.
    pub(crate) query: String,
    /// All except a provided credential and the headers that hooks add.
    pub(crate) headers: Arc<HeaderMap>,
    pub(crate) body: Option<Bytes>,
    shown_url: OnceLock<String>,
}

impl Prepared {
    pub(crate) fn to_request(&self, headers: HeaderMap) -> reqwest::Request {
        let mut request = reqwest::Request::new(self.method.clone(), self.url.clone());
        *request.headers_mut() = headers;
        if let Some(body) = &self.body {
            *request.body_mut() = Some(body.clone().into());
        }
        request
    }

    /// The URL without the values of its query.
    pub(crate) fn shown_url(&self) -> &str {
        self.shown_url.get_or_init(|| self.without_query_values())
    }

    fn without_query_values(&self) -> String {
        let mut shown = self.url.clone();
        shown.set_query(None);
        let mut shown = String::from(shown);
        for (at, (name, _)) in form_urlencoded::parse(self.query.as_bytes()).enumerate() {
            shown.push(if at == 0 { '?' } else { '&' });
            shown.extend(form_urlencoded::byte_serialize(name.as_bytes()));
            shown.push_str("=…");
        }
        shown
    }

    pub(crate) fn record(&self, attempts: Vec<Attempt>, may_have_been_processed: bool) -> CallRecord {
        let (operation, method, url) = (self.operation, self.method.clone(), self.shown_url().to_owned());
        CallRecord { operation, method, url, attempts, may_have_been_processed }
    }

    pub(crate) fn start(&self, attempt: u32) -> AttemptStart<'_> {
        AttemptStart {
            operation: self.operation,
            method: &self.method,
            url: self.shown_url(),
            number: attempt.saturating_add(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escaped_nul_is_found_and_text_that_looks_like_one_is_not() {
        let json = |text: &str| serde_json::to_vec(text).unwrap();
        let said = |result: Result<(), InvalidArgument>| result.err().map(|e| e.argument().to_owned());
        for bad in ["\0", "a\0b", "\\\0", "\\\\\0", "u\0"] {
            assert_eq!(said(refuse_nul("", Some(&json(bad)))).as_deref(), Some(""), "{bad:?}");
        }
        for good in ["", "u0000", "\\u0000", "\\\\u0000", "0000", "\u{1}"] {
            assert_eq!(said(refuse_nul("", Some(&json(good)))), None, "{good:?}");
        }
        let place = |body: &str| said(refuse_nul("", Some(body.as_bytes()))).unwrap_or_default();
        assert_eq!(place(r#"{"name":"Ada","meta":{"tags":["a",{"b":"\u0000"}]}}"#), "meta.tags[1].b");
        assert_eq!(place(r#"{"name":"\\u0000","meta":{"a\u0000":1}}"#), "meta.a\\0");
        assert_eq!(said(refuse_nul("limit=5&query=a%00b", None)).as_deref(), Some("query"));
        assert!(refuse_nul("query=a%2500b", None).is_ok());
    }
}
