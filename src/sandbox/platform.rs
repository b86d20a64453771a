//! What a platform brings along, and what its handlers work on.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

use super::clock::{Micros, TimeFormat};
use super::error_reply::ErrorReply;
use super::handlers::Handler;
use super::life::Life;
use super::multipart::Part;
use super::outgoing::Outgoing;
use super::reply::Reply;
use super::spec::{OperationSpec, Place, PlatformSpec, RouteSpec};
use super::store::{Object, Store, Table};
use super::validate::{Violation, knows};

/// A header that may carry a credential, and what stands before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Credential {
    /// In lower case.
    pub(crate) header: &'static str,
    /// Case-sensitive, such as `Bearer `; often empty.
    pub(crate) prefix: &'static str,
}

/// How many calls each account may make within any period of `per`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RateLimit {
    pub(crate) calls: usize,
    pub(crate) per: Duration,
}

/// One platform: its settings, its table of handlers and its dialect. The type holds the settings.
pub(crate) trait Platform: Send + Sync + Sized + 'static {
    /// The generated description.
    fn spec() -> &'static PlatformSpec;
    /// In the order of precedence.
    const CREDENTIALS: &'static [Credential];
    /// Each operation's handler. One that is missing here has no route.
    const HANDLERS: &'static [(&'static str, Handler<Self>)];
    /// Whether it sends requests by itself.
    const SENDS: bool = false;

    /// The platform's response to a call that is not carried out.
    fn error(&self, error: &ErrorReply) -> Reply;

    /// How it writes points in time.
    fn times(&self) -> TimeFormat;

    /// The generation that it simulates; empty if there is only one.
    fn generation(&self) -> &'static str {
        ""
    }

    /// The generation that clients are told, where they cannot find it out.
    fn client_generation(&self) -> Option<&'static str> {
        None
    }

    /// Whether it has a route. By default those of its generation.
    fn mounts(&self, _operation: &OperationSpec, route: &RouteSpec) -> bool {
        knows(route.generations, self.generation())
    }

    fn rate_limit(&self) -> Option<RateLimit> {
        None
    }

    /// Whether `credential` belongs to the account whose own key is `key`.
    fn authenticates(&self, credential: &str, key: &str, _store: &mut Store, _now: Micros) -> bool {
        credential == key
    }

    /// A condition that every call must fulfil, such as a header of its own, before its values are validated.
    fn admit(&self, _headers: &HeaderMap, _operation: &OperationSpec) -> Result<(), ErrorReply> {
        Ok(())
    }

    /// What the violations of a call lead to. By default [`ErrorReply::Invalid`] if there are any. A server that does
    /// not check some value drops its violation.
    fn judge(
        &self,
        _operation: &OperationSpec,
        _values: &Values,
        violations: Vec<Violation>,
    ) -> Result<(), ErrorReply> {
        if violations.is_empty() { Ok(()) } else { Err(ErrorReply::Invalid(violations)) }
    }

    /// Whether a property of a body that the document does not know is a violation; otherwise it is dropped.
    fn is_strict(&self) -> bool {
        false
    }

    /// Whether an optional property that may be null is written as null where an object lacks it.
    fn writes_nulls(&self) -> bool {
        true
    }

    /// Whether operations that take a multipart form also take JSON.
    fn reads_json_forms(&self) -> bool {
        false
    }

    /// How many items a page has if the call asks for this many.
    fn page_size(&self, _operation: &OperationSpec, asked: Option<usize>) -> usize {
        asked.unwrap_or(50)
    }

    /// Completes the envelope of a page, before the document's component selects from it.
    fn envelope(&self, _operation: &OperationSpec, _envelope: &mut Object) {}

    /// An object as the stock handlers show it, with the fields that are computed when it is read.
    fn view(&self, _table: &Table, row: &Object, _store: &Store, _now: Micros) -> Object {
        row.clone()
    }

    /// What an account has from the beginning.
    fn open(&self, _world: &mut World<'_, Self>, _key: &str) {}

    /// Headers that every response has, such as a request id.
    fn finish(&self, _reply: &mut Reply) {}

    /// Takes the requests that it sends by itself, and that are due.
    fn outgoing(&self, _world: &mut World<'_, Self>) -> Vec<Outgoing> {
        Vec::new()
    }
}

/// What an account's steps of life and live bodies work on.
pub(crate) struct World<'a, P> {
    pub(crate) platform: &'a P,
    pub(crate) store: &'a mut Store,
    pub(crate) life: &'a mut Life<P>,
    /// The time of what happens.
    pub(crate) now: Micros,
}

/// A call with a valid credential and valid values, and what its handler works on.
pub(crate) struct Call<'a, P> {
    pub(crate) platform: &'a P,
    pub(crate) store: &'a mut Store,
    pub(crate) life: &'a mut Life<P>,
    pub(crate) now: Micros,
    pub(crate) operation: &'static OperationSpec,
    pub(crate) route: &'static RouteSpec,
    /// Whether it has no credential, and needs none.
    pub(crate) anonymous: bool,
    /// Validated parameters, by their documented names.
    pub(crate) path: Object,
    pub(crate) query: Object,
    /// The validated body, with documented names; null if the operation has none.
    pub(crate) body: Value,
    /// The parts of a multipart body that are files, or all of them if the operation takes any.
    pub(crate) files: Vec<Part>,
    /// The body of an operation that takes bytes.
    pub(crate) bytes: Bytes,
    pub(crate) headers: HeaderMap,
    pub(super) sent_query: String,
}

impl<P: Platform> Call<'_, P> {
    pub(crate) fn world(&mut self) -> World<'_, P> {
        World { platform: self.platform, store: self.store, life: self.life, now: self.now }
    }

    /// The last parameter of the path: the id of the object that the call is about.
    pub(crate) fn id(&self) -> &str {
        let last = self.operation.parameters.iter().rfind(|parameter| parameter.place == Place::Path);
        last.map_or("", |parameter| self.path_text(parameter.property.name))
    }

    pub(crate) fn path_text(&self, name: &str) -> &str {
        self.path.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A text of the query.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.query.get(name).and_then(Value::as_str)
    }

    /// Whether the query has this name, documented or not.
    pub(crate) fn has_query(&self, name: &str) -> bool {
        url::form_urlencoded::parse(self.sent_query.as_bytes()).any(|(sent, _)| sent == name)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.query.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    pub(crate) fn count(&self, name: &str) -> Option<usize> {
        self.query.get(name).and_then(Value::as_u64).and_then(|count| count.try_into().ok())
    }

    /// A text of the body.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str)
    }

    /// The stored object of that id, unless it is hidden.
    pub(crate) fn find(&self, table: &Table, id: &str) -> Result<&Object, ErrorReply> {
        let shown =
            |row: &&Object| !table.is_hidden(row) || table.hidden.is_some_and(|hidden| self.flag(hidden.unless));
        self.store.get(table, id).filter(shown).ok_or_else(|| ErrorReply::not_found(table.kind, id))
    }

    /// An object as the platform shows it.
    pub(crate) fn view(&self, table: &Table, row: &Object) -> Object {
        self.platform.view(table, row, self.store, self.now)
    }
}

/// The values of a call. A value with a violation is as it was sent.
#[derive(Default)]
pub(crate) struct Values {
    pub(crate) path: Object,
    pub(crate) query: Object,
    pub(crate) body: Value,
    pub(super) files: Vec<Part>,
    pub(super) bytes: Bytes,
}
