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
/// A conversation is not an object of its own: events that share a `session_id` belong together. The public host has
/// [`create`](Self::create) and [`list`](Self::list) only. Current servers do not mark a soft-deleted event: where
/// `include_deleted` asks for them too, they look like the others.
#[derive(Clone, Debug)]
pub struct Events {
    core: Core,
}

impl Events {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Stores an event; [`Elephantasm::extract`](super::Elephantasm::extract) does so with less to get right.
    ///
    /// A `dedupe_key` is meant to keep an event from being stored twice. A server that enforces keys answers the second
    /// request with 409 and [`Reason::Duplicate`](crate::Reason::Duplicate), without the stored event or its id; one
    /// without the index stores the event again. With a key, [`RetryClass::Idempotent`](crate::RetryClass::Idempotent)
    /// allows more retries.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when the anima does not exist or is deleted.
    /// [`Conflict`](crate::Error::Conflict) with that reason when the event is already stored; any other 409 does not
    /// say so. [`BadRequest`](crate::Error::BadRequest) when it violates another constraint of the database,
    /// [`PermissionDenied`](crate::Error::PermissionDenied) with [`Reason::PlanLimit`](crate::Reason::PlanLimit) when
    /// the plan's events are used up.
    ///
    /// ```no_run
    /// # use polyagent::{Reason, RetryClass};
    /// # use polyagent::elephantasm::{Elephantasm, types::{EventCreate, EventType}};
    /// # async fn example(client: Elephantasm, anima_id: &str) -> Result<(), polyagent::Error> {
    /// let event = EventCreate::new(anima_id, EventType::MessageIn, "I like green tea.").dedupe_key("chat-7/12");
    /// match client.events().create(event).retry_class(RetryClass::Idempotent).await {
    ///     Ok(event) => println!("stored as {}", event.id),
    ///     Err(error) if error.reason() == Some(Reason::Duplicate) => println!("stored before"),
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok(()) }
    /// ```
    pub fn create(&self, event: EventCreate) -> Request<Event> {
        Request::new(&self.core, ops::CREATE_EVENT).json(&event)
    }

    /// Returns an event that is not deleted. Self-hosted servers only.
    pub fn get(&self, event_id: impl Into<String>) -> Request<Event> {
        Request::new(&self.core, ops::GET_EVENT).id(event_id)
    }

    /// Returns an event, including a soft-deleted one if `include_deleted` is set. Self-hosted servers only.
    pub fn get_with(&self, event_id: impl Into<String>, params: GetEventParams) -> Request<Event> {
        Request::new(&self.core, ops::GET_EVENT).id(event_id).params(&params)
    }

    /// Lists the events of an anima, newest first by `occurred_at`; oldest first if `session_id` is set.
    ///
    /// An anima that does not exist has an empty list.
    pub fn list(&self, params: ListEventsParams) -> Request<Page<Event>> {
        Request::new(&self.core, ops::LIST_EVENTS).params(&params)
    }

    /// Updates an event, except its content and type. Self-hosted servers only.
    ///
    /// What is not set stays as it is; `is_deleted(false)` restores a soft-deleted event.
    pub fn update(&self, event_id: impl Into<String>, event: EventUpdate) -> Request<Event> {
        Request::new(&self.core, ops::UPDATE_EVENT).id(event_id).json(&event)
    }

    /// Soft-deletes an event; a second deletion succeeds too. [`update`](Self::update) restores it. Self-hosted servers
    /// only.
    pub fn delete(&self, event_id: impl Into<String>) -> Request<()> {
        Request::new(&self.core, ops::DELETE_EVENT).id(event_id)
    }

    /// Lists the memories that were distilled from an event, the last linked first. Self-hosted servers only.
    ///
    /// The list is not paged. An event that does not exist or is deleted has an empty one.
    pub fn memories(&self, event_id: impl Into<String>, params: ListEventMemoriesParams) -> Request<Vec<Memory>> {
        Request::new(&self.core, ops::LIST_EVENT_MEMORIES).id(event_id).params(&params)
    }
}
