//! A call that has not been sent yet.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::body::{Body, Form};
use super::client::Core;
use super::decode::Exchange;
use super::follow::{Composed, Follow, Lead};
use super::hook;
use super::live::LiveBody;
use super::operation::{Operation, RetryClass};
use super::parts::{Options, RAW, RequestParts, Target};
use super::platform::Platform;
use super::reader::Reader;
use super::response::Response;
use super::upload::Upload;
use crate::Error;
use crate::check::{Check, InvalidArgument};
use crate::error::{CallRecord, DecodeFault};
use crate::headers;
use crate::poll::{Job, Poller, Source, State};
use crate::secret::Secret;

/// A call that has not been sent yet. Every method of every resource returns one.
///
/// Await it to send it, or call [`send`](Self::send), which does the same without boxing the future. The methods here
/// set options for this call alone.
///
/// ```no_run
/// # use std::time::Duration;
/// # use polyagent::elephantasm::Elephantasm;
/// # async fn example(client: Elephantasm, id: &str) -> Result<(), polyagent::Error> {
/// let anima = client.animas().get(id).attempt_timeout(Duration::from_secs(5)).await?;
/// # Ok(()) }
/// ```
///
/// # Cancel safety
/// Dropping the future ends the call and closes its connection. A request that was already sent may have been
/// processed. Nothing is sent until the future is first polled.
///
/// # Panics
/// When polled outside a tokio runtime, or in one without its IO and time drivers.
#[must_use = "a request does nothing until it is awaited or sent"]
pub struct Request<T> {
    /// Boxed, so that a call that is handed on and awaited moves little.
    pub(super) parts: Box<RequestParts>,
    pub(super) reader: Reader<T>,
    /// What comes after the first response, if the call is composed of several operations.
    pub(super) follow: Option<Follow<T>>,
    /// What carries out the call, if something comes before its request.
    pub(super) lead: Option<Lead<T>>,
}

impl<T> Clone for Request<T> {
    fn clone(&self) -> Self {
        Self { parts: self.parts.clone(), reader: self.reader, follow: self.follow.clone(), lead: self.lead.clone() }
    }
}

/// The operation only: bodies and headers may hold secrets.
impl<T> fmt::Debug for Request<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("operation", &self.parts.spec.id).finish_non_exhaustive()
    }
}

impl Request<Value> {
    /// A call to an endpoint that the crate has no operation for.
    pub(crate) fn raw<S: AsRef<str>>(core: &Core, method: Method, segments: impl IntoIterator<Item = S>) -> Self {
        let segments = segments.into_iter().map(|segment| segment.as_ref().to_owned()).collect();
        let mut parts = RequestParts::new(core, &RAW);
        if method == Method::CONNECT {
            parts.fail(InvalidArgument::new("method", "must not be CONNECT: it asks for a tunnel"));
        }
        parts.target = Target::Raw(method, segments);
        Self { parts: Box::new(parts), reader: Reader::json(), follow: None, lead: None }
    }

    /// Sets the whole JSON body, unchecked; for [raw](crate::elephantasm::Elephantasm::raw) calls.
    pub fn json_body<B: Serialize + ?Sized>(self, body: &B) -> Self {
        self.any_json(body)
    }

    /// Sets a form (`application/x-www-form-urlencoded`) as the whole body, unchecked; for
    /// [raw](crate::elephantasm::Elephantasm::raw) calls. `body` is a map, a struct or a list of pairs. A list as a
    /// value repeats its name, `None` leaves it out; an object or JSON's null as a value is an `InvalidArgument` on
    /// sending.
    pub fn form_body<B: Serialize + ?Sized>(mut self, body: &B) -> Self {
        self.parts.set_form(body);
        self
    }
}

impl<T> Request<T> {
    pub(crate) fn new(core: &Core, operation: Operation<T>) -> Self {
        Self {
            parts: Box::new(RequestParts::new(core, operation.spec)),
            reader: operation.reader,
            follow: None,
            lead: None,
        }
    }

    /// Makes the call go on with `follow` after its first response or error.
    pub(crate) fn then<F, Fut>(mut self, follow: F) -> Self
    where
        F: Fn(Composed, Result<Response<T>, Error>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Response<T>, Error>> + Send + 'static,
    {
        self.follow = Some(Arc::new(move |composed, first| Box::pin(follow(composed, first))));
        self
    }

    /// Makes `lead` carry out the call, with the request that is to be sent.
    pub(crate) fn led_by<F, Fut>(mut self, lead: F) -> Self
    where
        F: Fn(Composed, Request<T>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Response<T>, Error>> + Send + 'static,
    {
        self.lead = Some(Arc::new(move |composed, request| Box::pin(lead(composed, request))));
        self
    }

    /// The call as the caller described it.
    pub(crate) fn parts(&self) -> &RequestParts {
        &self.parts
    }

    /// Sets what is left of the time for a longer call, if there is a limit.
    pub(super) fn limit_total(&mut self, total: Option<Duration>) {
        self.parts.options.total = total.or(self.parts.options.total);
    }

    /// Takes over the headers of another call.
    pub(crate) fn with_headers_of(mut self, other: &RequestParts) -> Self {
        self.parts.options.headers.clone_from(&other.options.headers);
        self
    }

    /// Replaces what the caller may set.
    pub(super) fn set_options(&mut self, options: Options) {
        let Options { query, cursor, body_fields, .. } = std::mem::take(&mut self.parts.options);
        self.parts.options = Options { query, cursor, body_fields, ..options };
    }

    /// Adds a pair to the URL's query string, or gives an own one another value.
    pub(crate) fn set_query(mut self, name: &str, value: &str) -> Self {
        let pairs = url::form_urlencoded::parse(self.parts.query.as_bytes()).filter(|(other, _)| other != name);
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        self.parts.query = query.extend_pairs(pairs).append_pair(name, value).finish();
        self
    }

    /// Makes the call fail with `invalid` on sending.
    pub(crate) fn refuse(mut self, invalid: InvalidArgument) -> Self {
        self.parts.fault = Some(invalid);
        self
    }

    /// Makes the call fail on sending if `check` did.
    pub(crate) fn checked(mut self, check: Result<(), InvalidArgument>) -> Self {
        if let Err(invalid) = check {
            self.parts.fail(invalid);
        }
        self
    }

    /// Sets the whole JSON body, unchecked.
    pub(crate) fn any_json<B: Serialize + ?Sized>(mut self, body: &B) -> Self {
        self.parts.set_json(body, None);
        self
    }

    /// The record of a call that is not in flight, for errors.
    pub(crate) fn unsent_record(&self) -> CallRecord {
        self.parts.record()
    }

    /// The method of the operation's documented home.
    pub(super) fn method(&self) -> &Method {
        self.parts.method()
    }

    /// The id of the operation in the document.
    pub(crate) fn operation(&self) -> &'static str {
        self.parts.spec.id
    }

    /// Adds the next id of the path.
    pub(crate) fn id(mut self, id: impl Into<String>) -> Self {
        if let Target::Ids(ids) = &mut self.parts.target {
            ids.push(id.into());
        }
        self
    }

    pub(crate) fn params<P: Check + Serialize>(mut self, params: &P) -> Self {
        let encoded = params.check().and_then(|()| {
            serde_html_form::to_string(params).map_err(|e| InvalidArgument::new("params", e.to_string()))
        });
        match encoded {
            Ok(query) => {
                self.parts.query = query;
                self.parts.query_spelling = P::spelling();
            }
            Err(invalid) => self.parts.fail(invalid),
        }
        self
    }

    pub(crate) fn json<B: Check + Serialize>(mut self, body: &B) -> Self {
        match body.check() {
            Ok(()) => self.parts.set_json(body, B::spelling()),
            Err(invalid) => self.parts.fail(invalid),
        }
        self
    }

    pub(crate) fn multipart(mut self, form: Form) -> Self {
        match form.files.iter().try_for_each(|(_, upload)| upload.check()) {
            Ok(()) => self.parts.body = Body::Multipart(Arc::new(form)),
            Err(invalid) => self.parts.fail(invalid),
        }
        self
    }

    /// Sends a file as the whole body.
    pub(crate) fn upload(mut self, upload: Upload) -> Self {
        match upload.check() {
            Ok(()) => self.parts.body = Body::Upload(Arc::new(upload)),
            Err(invalid) => self.parts.fail(invalid),
        }
        self
    }

    /// Hands the body on while it arrives; `accept` are the media types that are asked for.
    pub(crate) fn live(self, accept: &'static str) -> Request<LiveBody> {
        let request = self.own_header(header::ACCEPT, HeaderValue::from_static(accept));
        Request { parts: request.parts, reader: Reader::live(), follow: None, lead: None }
    }

    /// Reads error responses that `is_success` accepts as successful ones.
    pub(crate) fn also(mut self, is_success: fn(StatusCode, &[u8]) -> bool) -> Self {
        self.parts.also = Some(is_success);
        self
    }

    /// Sets a header of the operation itself; the caller may replace it.
    pub(crate) fn own_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.parts.own_headers.push((name, value));
        self
    }

    /// Adds `item` to a comma-separated header, behind what the caller puts there.
    pub(crate) fn listed_header(mut self, name: HeaderName, item: &'static str) -> Self {
        self.parts.listed.push((name, item));
        self
    }

    /// What to use on servers that do not have the operation; a part of [`Error::Unsupported`].
    pub(crate) fn instead(mut self, advice: &'static str) -> Self {
        self.parts.instead = Some(advice);
        self
    }

    /// Sets what an error adds where the server does not have the path.
    pub(crate) fn if_missing(mut self, note: &'static str) -> Self {
        self.parts.if_missing = Some(note);
        self
    }

    /// Keeps `secret`, which is in the body, out of errors: a server may echo it.
    pub(crate) fn conceal(mut self, secret: &Secret<String>) -> Self {
        self.parts.concealed = Some(Arc::new(secret.clone()));
        self
    }

    /// Reads the response in another way.
    pub(crate) fn read_with<U>(self, read: fn(&Exchange<'_>) -> Result<U, DecodeFault>) -> Request<U> {
        Request { parts: self.parts, reader: Reader::Whole(read), follow: None, lead: None }
    }

    /// Sets how long one attempt may take, from sending to the last byte of the response. Default: 30 s, or more where
    /// the operation is known to be slow. [`Duration::MAX`] means no limit.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.parts.options.attempt = Some(timeout);
        self
    }

    /// Sets how long the call may take, including all attempts, pauses and server-requested waits. A pause that does
    /// not fit ends the call at once, with the pause in [`Error::retry_after`](crate::Error::retry_after).
    /// Default: 90 s, to which server-requested waits are added; an attempt timeout beyond 90 s raises it.
    /// [`Duration::MAX`] means no limit.
    pub fn total_timeout(mut self, timeout: Duration) -> Self {
        self.parts.options.total = Some(timeout);
        self
    }

    /// Sets the [`total_timeout`](Self::total_timeout), unless the caller or the client has set a shorter one.
    pub(crate) fn total_timeout_within(self, limit: Duration) -> Self {
        let own = self.parts.options.total.or(self.parts.core.settings().total);
        self.total_timeout(own.map_or(limit, |own| own.min(limit)))
    }

    /// Sets the number of retries after the first attempt. Default: the client's, which is 2. 0 means exactly one
    /// attempt.
    pub fn max_retries(mut self, max_retries: u32) -> Self {
        self.parts.options.max_retries = Some(max_retries);
        self
    }

    /// Sets whether the call may be sent again after it may have been processed. Default: the operation's own class.
    pub fn retry_class(mut self, class: RetryClass) -> Self {
        self.parts.options.class = Some(class);
        self
    }

    /// Sets a header. The client itself sets credentials and the headers that frame the body; naming one of those is an
    /// `InvalidArgument` on sending, as is a name or value that HTTP does not allow.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        match caller_header(self.parts.core.shared().platform, name.as_ref(), value.as_ref()) {
            Ok((name, value)) => {
                self.parts.options.headers.insert(name, value);
            }
            Err(invalid) => self.parts.fail(invalid),
        }
        self
    }

    /// Adds a pair to the URL's query string.
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parts.options.query.push((name.into(), value.into()));
        self
    }

    /// Sets a field of the JSON body, for fields that this version of the crate does not know. On sending it is an
    /// `InvalidArgument` if the operation's method has no body, or its body is not an object.
    pub fn body_field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.parts.options.body_fields.push((name.into(), value.into()));
        self
    }

    /// Decodes the JSON response as another type: one with fields that this version of the crate does not know, or
    /// `serde_json::Value` for all of it. For paged lists see [`decode_items_as`](Request::decode_items_as). Of a call
    /// that is composed of several operations, only the first is sent.
    pub fn decode_as<U: DeserializeOwned>(self) -> Request<U> {
        Request { parts: self.parts, reader: Reader::json(), follow: None, lead: None }
    }
}

impl<T: Send + Sync + 'static> Request<T> {
    /// Sends the call again and again until its job is done, with the options that are set so far.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::Elephantasm;
    /// # async fn example(client: Elephantasm, dream_id: &str) -> Result<(), polyagent::Error> {
    /// let dream = client.dreams().get(dream_id).header("x-organization-id", "6e6f").wait().await?;
    /// # Ok(()) }
    /// ```
    pub fn wait(self) -> Poller<T::Outcome, T>
    where
        T: Job,
    {
        Poller::new(self.source(), T::is_done, T::into_outcome)
    }

    /// Sends the call again and again until `done` says so of its value.
    pub fn wait_until(self, done: impl Fn(&T) -> bool + Send + Sync + 'static) -> Poller<T> {
        Poller::new(self.source(), done, |value| value)
    }

    /// The call as a poller repeats it.
    fn source(self) -> Source<T> {
        let (ids, described) = (self.parts.ids().to_vec(), self.clone());
        let fetch = move |left| {
            let call = self.clone().total_timeout_within(left).with_response();
            Box::pin(async move {
                let response = call.await?;
                let retry_after = headers::retry_after(response.headers());
                Ok(State { value: response.into_value(), retry_after })
            }) as _
        };
        Source { fetch: Arc::new(fetch), record: Arc::new(move || described.unsent_record()), ids }
    }
}

fn caller_header(platform: &Platform, name: &str, value: &str) -> Result<(HeaderName, HeaderValue), InvalidArgument> {
    let parsed = HeaderName::try_from(name).map_err(|_| InvalidArgument::new(name, "is not a valid header name"))?;
    hook::check_header(platform, &parsed)?;
    let value = HeaderValue::try_from(value).map_err(|_| InvalidArgument::new(name, "has an invalid value"))?;
    Ok((parsed, value))
}
