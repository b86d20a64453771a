//! `inject` and `extract`: memory into the prompt and events into memory, for an agent that is one anima.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use serde_json::Value;

use super::types::{Event, GetLatestMemoryPackParams, MemoryPack};
use super::{Capture, Captured, Elephantasm, dedupe};
use crate::check::InvalidArgument;
use crate::{Error, Reason, Request, Response, RetryClass};

impl Elephantasm {
    /// Returns this client bound to one anima: [`inject`](Self::inject) and [`extract`](Self::extract) then need no id.
    #[must_use]
    pub fn with_anima(&self, anima_id: impl Into<String>) -> Self {
        Self { core: self.core.clone(), anima_id: Some(anima_id.into().into()) }
    }

    /// Returns the anima of this client, if it has one.
    pub fn anima_id(&self) -> Option<&str> {
        self.anima_id.as_deref()
    }

    /// Returns the memory pack of this client's anima; [`MemoryPack::as_prompt`] is the text for the prompt.
    ///
    /// A string in place of the parameters is the query; an empty one means no query. With a query the call compiles,
    /// stores and bills a new pack; see [`MemoryPacks::latest`](super::MemoryPacks::latest).
    ///
    /// # Errors
    /// Those of [`MemoryPacks::latest`](super::MemoryPacks::latest); [`Error::InvalidArgument`] without an anima.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Elephantasm, types::GetLatestMemoryPackParams};
    /// # async fn example(client: Elephantasm, anima_id: &str) -> Result<(), polyagent::Error> {
    /// let ada = client.with_anima(anima_id);
    /// let pack = ada.inject("What does she drink?").await?;
    /// let prompt = pack.as_ref().map_or("", |pack| pack.as_prompt());
    /// let stored = ada.inject(GetLatestMemoryPackParams::new()).await?;
    /// # Ok(()) }
    /// ```
    pub fn inject(&self, params: impl Into<GetLatestMemoryPackParams>) -> Request<Option<MemoryPack>> {
        match self.anima_id() {
            Some(anima_id) => self.memory_packs().latest(anima_id, params.into()),
            None => self.memory_packs().latest("", params.into()).refuse(no_anima()),
        }
    }

    /// Captures an event, for this client's anima unless the event names another.
    ///
    /// If the server says that it has already stored an event with the same dedupe key, the result is
    /// [`Captured::AlreadyStored`], not an error. Servers that do not enforce dedupe keys store it twice; see
    /// [`Capture::dedupe`].
    ///
    /// # Errors
    /// Those of [`Events::create`](super::Events::create), among them [`Conflict`](Error::Conflict) for any other 409;
    /// [`Error::InvalidArgument`] without an anima.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Capture, Captured, Elephantasm, types::EventType};
    /// # async fn example(ada: Elephantasm) -> Result<(), polyagent::Error> {
    /// let capture = Capture::new(EventType::MessageIn, "I like green tea.").session_id("chat-7").retry_in_doubt();
    /// match ada.extract(capture).await? {
    ///     Captured::Stored(event) => println!("stored as {}", event.id),
    ///     Captured::AlreadyStored { dedupe_key } => println!("stored before, under {dedupe_key}"),
    ///     _ => {}
    /// }
    /// # Ok(()) }
    /// ```
    pub fn extract(&self, capture: impl Into<Capture>) -> Extract {
        let capture = capture.into();
        let retry_in_doubt = capture.retries_in_doubt();
        let event = capture.into_body(self.anima_id());
        let missing = event.anima_id.is_empty();
        let dedupe_key = dedupe::stored_key(&event);
        let mut request = self.events().create(event);
        if missing {
            request = request.refuse(no_anima());
        }
        if retry_in_doubt {
            request = request.retry_class(RetryClass::Idempotent);
        }
        Extract { request, dedupe_key }
    }
}

fn no_anima() -> InvalidArgument {
    InvalidArgument::new("anima_id", "is missing: name one, or use `with_anima` or ELEPHANTASM_ANIMA_ID")
}

impl From<&str> for GetLatestMemoryPackParams {
    /// Sets `query`, unless it is empty, which the platform treats as no query.
    fn from(query: &str) -> Self {
        query.to_owned().into()
    }
}

impl From<String> for GetLatestMemoryPackParams {
    /// Sets `query`, unless it is empty, which the platform treats as no query.
    fn from(query: String) -> Self {
        if query.is_empty() { Self::new() } else { Self::new().query(query) }
    }
}

impl MemoryPack {
    /// Returns the text for the prompt; empty if nothing is known yet.
    pub fn as_prompt(&self) -> &str {
        self.content.context.as_deref().unwrap_or_default()
    }
}

/// A capture that has not been sent yet; from [`Elephantasm::extract`]. Await it to send it.
///
/// # Cancel safety
/// As for any [`Request`]: a dropped call may have stored the event.
#[must_use = "a capture does nothing until it is awaited or sent"]
#[derive(Clone)]
pub struct Extract {
    request: Request<Event>,
    dedupe_key: Option<String>,
}

impl Extract {
    /// Sets how long one attempt may take; see [`Request::attempt_timeout`].
    pub fn attempt_timeout(self, timeout: Duration) -> Self {
        self.options(|request| request.attempt_timeout(timeout))
    }

    /// Sets how long the call may take in all; see [`Request::total_timeout`].
    pub fn total_timeout(self, timeout: Duration) -> Self {
        self.options(|request| request.total_timeout(timeout))
    }

    /// Sets the number of retries after the first attempt; see [`Request::max_retries`].
    pub fn max_retries(self, max_retries: u32) -> Self {
        self.options(|request| request.max_retries(max_retries))
    }

    /// Sets whether it may be sent again after it may have been stored; see [`Request::retry_class`]. Default: only
    /// with [`Capture::retry_in_doubt`].
    pub fn retry_class(self, class: RetryClass) -> Self {
        self.options(|request| request.retry_class(class))
    }

    /// Sets a header; see [`Request::header`].
    pub fn header(self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.options(|request| request.header(name, value))
    }

    /// Adds a pair to the URL's query string.
    pub fn query(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options(|request| request.query(name, value))
    }

    /// Sets a field of the JSON body that this version of the crate does not know; see [`Request::body_field`].
    pub fn body_field(self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.options(|request| request.body_field(name, value))
    }

    /// Sets options by a function, for example one that other calls use as well.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use polyagent::{Request, elephantasm::{Capture, Elephantasm}};
    /// fn patient<T>(request: Request<T>) -> Request<T> {
    ///     request.max_retries(5).total_timeout(Duration::from_secs(300))
    /// }
    /// # async fn example(ada: Elephantasm, capture: Capture) -> Result<(), polyagent::Error> {
    /// ada.extract(capture).options(patient).await?;
    /// # Ok(()) }
    /// ```
    pub fn options(self, set: impl FnOnce(Request<Event>) -> Request<Event>) -> Self {
        Self { request: set(self.request), ..self }
    }

    /// Sends the capture.
    ///
    /// # Errors
    /// See [`Elephantasm::extract`].
    pub async fn send(self) -> Result<Captured, Error> {
        self.with_response().await.map(Response::into_value)
    }

    /// Sends the capture, and returns its result together with status, headers and rate limit of the response.
    ///
    /// # Errors
    /// See [`Elephantasm::extract`].
    pub async fn with_response(self) -> Result<Response<Captured>, Error> {
        match (self.request.with_response().await, self.dedupe_key) {
            (Ok(response), _) => Ok(response.map(Captured::Stored)),
            // Any other 409 is a proxy's, or a conflict of another kind: it does not mean that the event is stored.
            (Err(Error::Conflict(conflict)), Some(dedupe_key)) if conflict.reason() == Some(Reason::Duplicate) => {
                Ok(conflict.into_response(Captured::AlreadyStored { dedupe_key }))
            }
            (Err(error), _) => Err(error),
        }
    }
}

impl fmt::Debug for Extract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extract").field("request", &self.request).finish_non_exhaustive()
    }
}

impl IntoFuture for Extract {
    type Output = Result<Captured, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}
