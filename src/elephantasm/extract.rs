//! `inject` and `extract`: memory into the prompt and events into memory, for an agent that is one anima.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use super::types::{Event, GetLatestMemoryPackParams, MemoryPack};
use super::{Capture, Captured, Elephantasm, capture};
use crate::check::InvalidArgument;
use crate::{Error, Request, Response, RetryClass};

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
    /// If the platform has already stored an event with the same dedupe key, the result is [`Captured::AlreadyStored`],
    /// not an error. Servers that do not enforce dedupe keys store it twice; see [`Capture::dedupe`].
    ///
    /// # Errors
    /// Those of [`Events::create`](super::Events::create); [`Error::InvalidArgument`] without an anima.
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
        let in_doubt = capture.in_doubt();
        let event = capture.into_event(self.anima_id());
        let missing = event.anima_id.is_empty();
        let dedupe_key = capture::key_at_the_server(&event);
        let mut request = self.events().create(event);
        if missing {
            request = request.refuse(no_anima());
        }
        if in_doubt {
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
    /// Sets options for this call, with the methods of [`Request`].
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use polyagent::elephantasm::{Capture, Elephantasm};
    /// # async fn example(ada: Elephantasm, capture: Capture) -> Result<(), polyagent::Error> {
    /// ada.extract(capture).options(|request| request.total_timeout(Duration::from_secs(5))).await?;
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
            // The platform reports no other conflict here than that of dedupe keys.
            (Err(Error::Conflict(conflict)), Some(dedupe_key)) => {
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
