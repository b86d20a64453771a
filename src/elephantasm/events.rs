//! Events: what an anima experiences, message by message and tool call by tool call. The platform distils memories from
//! them.

use super::ops;
use super::types::{
    Event, EventCreate, EventUpdate, GetEventParams, ListEventMemoriesParams, ListEventsParams, Memory,
};
use crate::http::Core;
use crate::{Page, Request};

/// The events of animas; from [`Elephantasm::events`](super::Elephantasm::events).
///
/// A conversation is not an object of its own: events that share a `session_id` belong together.
#[derive(Clone, Debug)]
pub struct Events {
    core: Core,
}

impl Events {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Stores an event.
    ///
    /// A `dedupe_key` is meant to keep an event from being stored twice. A server that enforces it gives the second
    /// request a [`Conflict`](crate::Error::Conflict), which has neither the stored event nor its id; a server without
    /// the index stores the event again. The call is therefore
    /// [`RetryClass::NonIdempotent`](crate::RetryClass::NonIdempotent). With a `dedupe_key`,
    /// [`RetryClass::Idempotent`](crate::RetryClass::Idempotent) allows more retries, and a conflict then means that
    /// the event is stored.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when the anima does not exist or is deleted,
    /// [`Conflict`](crate::Error::Conflict) with [`Reason::Duplicate`](crate::Reason::Duplicate) when the event is
    /// already stored, [`BadRequest`](crate::Error::BadRequest) when it violates another constraint of the database.
    /// [`PermissionDenied`](crate::Error::PermissionDenied) or [`RateLimited`](crate::Error::RateLimited) when the
    /// plan's events are used up, see [`Reason::PlanLimit`](crate::Reason::PlanLimit).
    /// [`InvalidArgument`](crate::Error::InvalidArgument) for a text that is too long or an importance outside 0 to 1.
    ///
    /// ```no_run
    /// # use polyagent::RetryClass;
    /// # use polyagent::elephantasm::{Elephantasm, types::{EventCreate, EventType}};
    /// # async fn example(client: Elephantasm, anima_id: &str) -> Result<(), polyagent::Error> {
    /// let event = EventCreate::new(anima_id, EventType::MessageIn, "I like green tea.")
    ///     .session_id("chat-7")
    ///     .dedupe_key("chat-7/12");
    /// match client.events().create(event).retry_class(RetryClass::Idempotent).await {
    ///     Ok(event) => println!("stored as {}", event.id),
    ///     Err(error) if error.is_conflict() => println!("stored before"),
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok(()) }
    /// ```
    pub fn create(&self, event: EventCreate) -> Request<Event> {
        Request::new(&self.core, ops::CREATE_EVENT).json(&event)
    }

    /// Returns an event that is not deleted. Self-hosted servers only.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when it does not exist, or, on the public host, with
    /// [`Reason::RouteMissing`](crate::Reason::RouteMissing). [`InvalidArgument`](crate::Error::InvalidArgument) when
    /// the id is not a UUID.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::Elephantasm;
    /// # async fn example(client: Elephantasm, event_id: &str) -> Result<(), polyagent::Error> {
    /// let event = client.events().get(event_id).await?;
    /// # Ok(()) }
    /// ```
    pub fn get(&self, event_id: impl Into<String>) -> Request<Event> {
        Request::new(&self.core, ops::GET_EVENT).id(event_id)
    }

    /// Returns an event, including a soft-deleted one if `include_deleted` is set. Self-hosted servers only.
    ///
    /// Current servers do not mark a deleted event; [`get`](Self::get) does not find it.
    ///
    /// # Errors
    /// As [`get`](Self::get): [`NotFound`](crate::Error::NotFound),
    /// [`InvalidArgument`](crate::Error::InvalidArgument).
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Elephantasm, types::GetEventParams};
    /// # async fn example(client: Elephantasm, event_id: &str) -> Result<(), polyagent::Error> {
    /// let event = client.events().get_with(event_id, GetEventParams::new().include_deleted(true)).await?;
    /// # Ok(()) }
    /// ```
    pub fn get_with(&self, event_id: impl Into<String>, params: GetEventParams) -> Request<Event> {
        Request::new(&self.core, ops::GET_EVENT).id(event_id).params(&params)
    }

    /// Lists the events of an anima, newest first; oldest first if `session_id` is set.
    ///
    /// "Newest" goes by `occurred_at`. An anima that does not exist has an empty list.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Error::InvalidArgument) for an anima id that is not a UUID, or a number out of its
    /// bounds.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Elephantasm, types::ListEventsParams};
    /// # async fn example(client: Elephantasm, anima_id: &str) -> Result<(), polyagent::Error> {
    /// let mut chat = client.events().list(ListEventsParams::new(anima_id).session_id("chat-7")).items();
    /// while let Some(event) = chat.try_next().await? {
    ///     println!("{}: {}", event.event_type, event.content);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn list(&self, params: ListEventsParams) -> Request<Page<Event>> {
        Request::new(&self.core, ops::LIST_EVENTS).params(&params)
    }

    /// Updates an event, except its content and type. Self-hosted servers only.
    ///
    /// `is_deleted(false)` restores a soft-deleted event.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when it does not exist, or, on the public host, with
    /// [`Reason::RouteMissing`](crate::Reason::RouteMissing). [`InvalidArgument`](crate::Error::InvalidArgument) when
    /// the id is not a UUID, or for a text that is too long or an importance outside 0 to 1.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Elephantasm, types::EventUpdate};
    /// # async fn example(client: Elephantasm, event_id: &str) -> Result<(), polyagent::Error> {
    /// let event = client.events().update(event_id, EventUpdate::new().importance_score(0.9)).await?;
    /// # Ok(()) }
    /// ```
    pub fn update(&self, event_id: impl Into<String>, event: EventUpdate) -> Request<Event> {
        Request::new(&self.core, ops::UPDATE_EVENT).id(event_id).json(&event)
    }

    /// Soft-deletes an event. Self-hosted servers only.
    ///
    /// A second deletion succeeds too. [`update`](Self::update) restores the event.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when it never existed, or, on the public host, with
    /// [`Reason::RouteMissing`](crate::Reason::RouteMissing). [`InvalidArgument`](crate::Error::InvalidArgument) when
    /// the id is not a UUID.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Elephantasm, types::EventUpdate};
    /// # async fn example(client: Elephantasm, event_id: &str) -> Result<(), polyagent::Error> {
    /// client.events().delete(event_id).await?;
    /// client.events().update(event_id, EventUpdate::new().is_deleted(false)).await?;
    /// # Ok(()) }
    /// ```
    pub fn delete(&self, event_id: impl Into<String>) -> Request<()> {
        Request::new(&self.core, ops::DELETE_EVENT).id(event_id)
    }

    /// Lists the memories that were distilled from an event. Self-hosted servers only.
    ///
    /// The list is not paged.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when the event does not exist, or, on the public host, with
    /// [`Reason::RouteMissing`](crate::Reason::RouteMissing). [`InvalidArgument`](crate::Error::InvalidArgument) when
    /// the id is not a UUID, or for a limit out of its bounds.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Elephantasm, types::ListEventMemoriesParams};
    /// # async fn example(client: Elephantasm, event_id: &str) -> Result<(), polyagent::Error> {
    /// let memories = client.events().memories(event_id, ListEventMemoriesParams::new().limit(10)).await?;
    /// # Ok(()) }
    /// ```
    pub fn memories(&self, event_id: impl Into<String>, params: ListEventMemoriesParams) -> Request<Vec<Memory>> {
        Request::new(&self.core, ops::LIST_EVENT_MEMORIES).id(event_id).params(&params)
    }
}
