//! What a call passes on its way to a response: route, credential, rate limit, validation, handler, rendering.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

use super::clock::{Clock, Micros};
use super::error_reply::ErrorReply;
use super::handlers::Output;
use super::life::Life;
use super::multipart;
use super::outgoing::{self, Outgoing};
use super::platform::{Call, Platform, RateLimit, Values, World};
use super::reply::{Body, Reply};
use super::router::{Routed, Router};
use super::shape::{Shaped, Style};
use super::spec::{Auth, BodySpec, OperationSpec, Place, ResponseSpec};
use super::store::Store;
use super::stream::{self, Next, Source};
use super::validate::{Problem, Validator};
use crate::Secret;
use crate::lock::lock;

/// One account: what belongs to one key.
struct Account<P> {
    name: String,
    key: Secret<String>,
    store: Store,
    life: Life<P>,
    /// Times of the latest calls, for the rate limit.
    calls: VecDeque<Instant>,
}

/// A platform that is served.
pub(crate) struct Mounted<P> {
    platform: P,
    router: Router,
    accounts: Mutex<Vec<Account<P>>>,
    clock: Arc<Clock>,
}

/// A platform that is served, whichever it is.
pub(super) trait Service: Send + Sync {
    fn name(&self) -> &'static str;
    fn operations(&self) -> Vec<&'static str>;
    fn route(&self, head: &Parts, path: &str) -> Routed;
    fn respond(self: Arc<Self>, routed: &Routed, head: &Parts, body: &Bytes) -> Reply;
    /// Opens an account, if there is none of that name.
    fn open(&self, name: &str, key: &Secret<String>);
    /// Whether a header carries a credential.
    fn is_credential(&self, name: &HeaderName, value: &HeaderValue) -> bool;
    /// What it does by itself, if it does anything.
    fn drive(self: Arc<Self>) -> Option<BoxFuture<'static, ()>>;
}

impl<P: Platform> Mounted<P> {
    pub(super) fn new(platform: P, clock: Arc<Clock>) -> Arc<Self> {
        let handled = |operation: &OperationSpec| P::HANDLERS.iter().any(|(id, _)| *id == operation.id);
        let router = Router::new(P::spec().base, P::spec().operations, |operation, route| {
            handled(operation) && platform.mounts(operation, route)
        });
        Arc::new(Self { platform, router, accounts: Mutex::default(), clock })
    }

    pub(super) fn client_generation(&self) -> Option<&'static str> {
        self.platform.client_generation()
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Works on what the account of that name has, if there is one.
    #[allow(dead_code, reason = "not every platform needs it")]
    pub(crate) fn with<T>(&self, name: &str, work: impl FnOnce(&mut World<'_, P>) -> T) -> Option<T> {
        let mut accounts = lock(&self.accounts);
        let index = accounts.iter().position(|account| account.name == name)?;
        let done = work(&mut self.world(&mut accounts[index]));
        drop(accounts);
        self.clock.wake();
        Some(done)
    }

    fn world<'a>(&'a self, account: &'a mut Account<P>) -> World<'a, P> {
        let Account { store, life, .. } = account;
        let mut world = World { platform: &self.platform, store, life, now: self.clock.now() };
        world.catch_up();
        world
    }

    /// What a live body of an account has to write now, and when the next step of life is due.
    pub(super) fn look(&self, account: usize, source: &mut Source<P>) -> (Next, Option<Micros>) {
        let mut accounts = lock(&self.accounts);
        let mut world = self.world(&mut accounts[account]);
        let next = source(&mut world);
        (next, world.life.next_due())
    }

    /// What all accounts have to send, and when the next step of life is due.
    pub(super) fn take_outgoing(&self) -> (Vec<Outgoing>, Option<Micros>) {
        let (mut outgoing, mut due) = (Vec::new(), None);
        for account in lock(&self.accounts).iter_mut() {
            let mut world = self.world(account);
            outgoing.extend(self.platform.outgoing(&mut world));
            due = due.into_iter().chain(world.life.next_due()).min();
        }
        (outgoing, due)
    }

    fn style(&self) -> Style {
        let platform = &self.platform;
        Style { generation: platform.generation(), times: platform.times(), nulls: platform.writes_nulls() }
    }

    fn call(self: &Arc<Self>, routed: &Routed, head: &Parts, body: &Bytes) -> Result<Reply, ErrorReply> {
        let (operation, route, path) = match routed {
            Routed::Operation { operation, route, path } => (*operation, *route, path),
            Routed::OtherMethods(methods) => return Err(ErrorReply::WrongMethod(methods.clone())),
            Routed::Nowhere => return Err(ErrorReply::NoRoute),
        };
        let handler = P::HANDLERS.iter().find(|(id, _)| *id == operation.id).map(|(_, handler)| handler);
        let handler = handler.ok_or(ErrorReply::NoRoute)?;
        let mut accounts = lock(&self.accounts);
        let now = self.clock.now();
        let found = match operation.auth {
            Auth::None => Ok(None),
            Auth::Required | Auth::Optional => self.authenticate(&mut accounts, &head.headers, now),
        };
        let index = match (operation.auth, &found) {
            (_, Ok(Some(index))) => *index,
            (Auth::None | Auth::Optional, Ok(None)) => 0,
            _ => return Err(ErrorReply::Unauthenticated),
        };
        let account = accounts.get_mut(index).ok_or(ErrorReply::Unauthenticated)?;
        if operation.auth != Auth::None
            && let Some(limit) = self.platform.rate_limit()
        {
            account.count_call(limit, Instant::now())?;
        }
        self.platform.admit(&head.headers, operation)?;
        let values = self.validate(operation, path, head, body)?;
        let World { platform, store, life, now } = self.world(account);
        let Values { path, query, body, files, bytes } = values;
        let anonymous = !matches!(found, Ok(Some(_)));
        let headers = head.headers.clone();
        let sent_query = head.uri.query().unwrap_or_default().to_owned();
        let mut call = Call {
            platform,
            store,
            life,
            now,
            operation,
            route,
            anonymous,
            path,
            query,
            body,
            files,
            bytes,
            headers,
            sent_query,
        };
        let output = handler.handle(&mut call)?;
        drop(accounts);
        Ok(self.render(operation, index, output, &head.headers))
    }

    /// The account of the credential; none if there is no credential, an error if it belongs to nobody.
    fn authenticate(
        &self,
        accounts: &mut [Account<P>],
        headers: &HeaderMap,
        now: Micros,
    ) -> Result<Option<usize>, ErrorReply> {
        let sent = P::CREDENTIALS.iter().find_map(|credential| Some((credential, headers.get(credential.header)?)));
        let Some((credential, value)) = sent else { return Ok(None) };
        let secret = value.to_str().ok().and_then(|value| value.strip_prefix(credential.prefix));
        let secret = secret.ok_or(ErrorReply::Unauthenticated)?;
        let mut accounts = accounts.iter_mut();
        let index = accounts
            .position(|Account { key, store, .. }| self.platform.authenticates(secret, key.expose(), store, now));
        index.map(Some).ok_or(ErrorReply::Unauthenticated)
    }

    fn validate(
        &self,
        operation: &OperationSpec,
        path: &[(&'static str, String)],
        head: &Parts,
        body: &Bytes,
    ) -> Result<Values, ErrorReply> {
        let mut validator = Validator::new(self.platform.generation());
        validator.strict = self.platform.is_strict();
        let of = |place: Place| {
            let parameters = operation.parameters.iter().filter(move |parameter| parameter.place == place);
            parameters.map(|parameter| &parameter.property)
        };
        let path: Vec<(String, String)> =
            path.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        // A home of another generation may lack an id that the documented path has.
        let sent = |name: &str| path.iter().any(|(sent, _)| sent == name);
        let path_values =
            validator.within("path", |it| it.texts(of(Place::Path).filter(|property| sent(property.name)), &path));
        let query: Vec<(String, String)> =
            url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        let query = validator.within("query", |it| it.texts(of(Place::Query), &query));
        let headers: Vec<(String, String)> = of(Place::Header)
            .filter_map(|property| {
                Some((property.name.to_owned(), head.headers.get(property.name)?.to_str().ok()?.to_owned()))
            })
            .collect();
        validator.within("header", |it| it.texts(of(Place::Header), &headers));
        let mut values = Values { path: path_values, query, ..Values::default() };
        let json_forms = self.platform.reads_json_forms();
        validator.within("body", |it| read_body(it, &operation.body, json_forms, &head.headers, body, &mut values));
        self.platform.judge(operation, &values, validator.violations)?;
        Ok(values)
    }

    fn render(
        self: &Arc<Self>,
        operation: &OperationSpec,
        account: usize,
        output: Output<P>,
        sent: &HeaderMap,
    ) -> Reply {
        let status = StatusCode::from_u16(operation.status).unwrap_or(StatusCode::OK);
        let schema = match operation.response {
            ResponseSpec::Json(schema) | ResponseSpec::Events(schema) | ResponseSpec::Lines(schema) => Some(schema),
            ResponseSpec::Empty | ResponseSpec::Bytes(_) | ResponseSpec::Redirect => None,
        };
        let style = self.style();
        match (output, schema) {
            (Output::Json(value), Some(schema)) => Reply::json(status, &Shaped { schema, value: &value, style }),
            (Output::Wrapped(key, value), Some(schema)) => {
                let shaped = Shaped { schema, value: &value, style };
                Reply::json(status, &BTreeMap::from([(key, shaped)]))
            }
            (Output::Json(_) | Output::Wrapped(..), None) | (Output::Empty, _) => Reply::empty(status),
            (Output::Bytes { media, bytes, file_name }, _) => {
                let reply = Reply::part(&bytes, &media, sent);
                match file_name {
                    Some(name) => reply.with(header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}\"")),
                    None => reply,
                }
            }
            (Output::Redirect(location), _) => Reply::empty(status).with(header::LOCATION, &location),
            (Output::Live(live), schema) => {
                let media = match live.format {
                    stream::Format::Events => "text/event-stream",
                    stream::Format::Lines => "application/x-ndjson",
                };
                let body = stream::body(self.clone(), account, live, schema, style);
                Reply::typed(StatusCode::OK, media, Body::Live(body)).with(header::CACHE_CONTROL, "no-cache")
            }
            (Output::Reply(reply), _) => reply,
        }
    }
}

impl<P: Platform> Service for Mounted<P> {
    fn name(&self) -> &'static str {
        P::spec().name
    }

    fn operations(&self) -> Vec<&'static str> {
        P::spec().operations.iter().map(|operation| operation.id).collect()
    }

    fn route(&self, head: &Parts, path: &str) -> Routed {
        self.router.route(&head.method, path, head.uri.query().unwrap_or_default(), &head.headers)
    }

    fn respond(self: Arc<Self>, routed: &Routed, head: &Parts, body: &Bytes) -> Reply {
        let mut reply = self.call(routed, head, body).unwrap_or_else(|error| self.platform.error(&error));
        self.platform.finish(&mut reply);
        self.clock.wake();
        reply
    }

    fn open(&self, name: &str, key: &Secret<String>) {
        let mut accounts = lock(&self.accounts);
        if accounts.iter().any(|account| account.name == name) {
            return;
        }
        let (store, life) = Default::default();
        let mut account = Account { name: name.to_owned(), key: key.clone(), store, life, calls: VecDeque::new() };
        self.platform.open(&mut self.world(&mut account), key.expose());
        accounts.push(account);
    }

    fn is_credential(&self, name: &HeaderName, value: &HeaderValue) -> bool {
        let value = String::from_utf8_lossy(value.as_bytes());
        P::CREDENTIALS.iter().any(|credential| credential.header == name.as_str())
            || lock(&self.accounts).iter().any(|account| value.contains(account.key.expose()))
    }

    fn drive(self: Arc<Self>) -> Option<BoxFuture<'static, ()>> {
        P::SENDS.then(|| outgoing::drive(self))
    }
}

impl<P> Account<P> {
    /// Counts a call at `now`, unless it exceeds the limit.
    fn count_call(&mut self, RateLimit { calls, per }: RateLimit, now: Instant) -> Result<(), ErrorReply> {
        while self.calls.front().is_some_and(|call| now.duration_since(*call) >= per) {
            self.calls.pop_front();
        }
        if self.calls.len() >= calls {
            let oldest = self.calls.front().map_or(per, |call| now.duration_since(*call));
            return Err(ErrorReply::RateLimited { calls, per, retry_after: per.saturating_sub(oldest) });
        }
        self.calls.push_back(now);
        Ok(())
    }
}

fn read_body(
    it: &mut Validator,
    spec: &BodySpec,
    json_forms: bool,
    headers: &HeaderMap,
    body: &Bytes,
    values: &mut Values,
) {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match spec {
        BodySpec::None => {}
        BodySpec::Bytes(_) => values.bytes = body.clone(),
        BodySpec::Json { required: false, .. } if body.is_empty() => {}
        BodySpec::Json { .. } if body.is_empty() => it.push(Problem::Missing, Value::Null, &Value::Null),
        BodySpec::Json { schema, .. } => {
            match serde_json::from_slice(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)) {
                Ok(value) if content_type.is_empty() || is_json(content_type) => values.body = it.value(schema, &value),
                Ok(_) => it.push(Problem::Syntax, "application/json", &Value::Null),
                Err(error) => it.push(Problem::Syntax, error.column(), &Value::Null),
            }
        }
        BodySpec::Form(spec) => {
            let pairs: Vec<(String, String)> = url::form_urlencoded::parse(body).into_owned().collect();
            values.body = Value::Object(it.texts(spec.properties, &pairs));
        }
        // What is in it is the handler's affair.
        BodySpec::Multipart(_) if json_forms && is_json(content_type) => match serde_json::from_slice(body) {
            Ok(value) => values.body = value,
            Err(error) => it.push(Problem::Syntax, error.column(), &Value::Null),
        },
        BodySpec::Multipart(spec) => {
            let Some(parts) = multipart::read(content_type, body) else {
                it.push(Problem::Syntax, "multipart/form-data", &Value::Null);
                return;
            };
            // A file stands in the body by its name.
            let texts: Vec<(String, String)> = parts
                .iter()
                .map(|part| {
                    let text = String::from_utf8_lossy(&part.content).into_owned();
                    (part.name.clone(), part.file_name.clone().unwrap_or(text))
                })
                .collect();
            values.body = Value::Object(it.texts(spec.properties, &texts));
            values.files = parts.into_iter().filter(|part| part.file_name.is_some()).collect();
        }
    }
}

/// `application/json`, `application/problem+json`, with or without parameters.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.strip_prefix("application/").is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}
