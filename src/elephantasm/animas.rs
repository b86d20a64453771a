//! Animas: the agents whose memory Elephantasm keeps. Events, memories, knowledge, identity, packs and dreams all
//! belong to one.

use super::ops;
use super::types::{
    Anima, AnimaCreate, AnimaDeletion, AnimaRestoration, AnimaStats, AnimaSummary, AnimaUpdate, GetAnimaParams,
    ListAnimasParams, SearchAnimasParams,
};
use crate::http::Core;
use crate::{Page, Request};

/// The agents whose memory is kept; from [`Elephantasm::animas`](super::Elephantasm::animas).
///
/// A key sees the animas of all organisations of its user. Those of other users give
/// [`NotFound`](crate::Error::NotFound), never [`PermissionDenied`](crate::Error::PermissionDenied).
#[derive(Clone, Debug)]
pub struct Animas {
    core: Core,
}

impl Animas {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Creates an anima.
    ///
    /// Names need not be unique, so each call creates another anima. It is therefore
    /// [`RetryClass::NonIdempotent`](crate::RetryClass::NonIdempotent).
    ///
    /// # Errors
    /// [`PermissionDenied`](crate::Error::PermissionDenied) with [`Reason::PlanLimit`](crate::Reason::PlanLimit) when
    /// the plan allows no more animas. The platform documents 429 instead: such a
    /// [`RateLimited`](crate::Error::RateLimited) is recognised as a plan limit only if the response names the limit,
    /// see [`is_limit_exceeded`](crate::Error::is_limit_exceeded). [`InvalidArgument`](crate::Error::InvalidArgument)
    /// for a name of more than 255 characters. [`Server`](crate::Error::Server) for an `organization_id` that does not
    /// exist.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Elephantasm, types::AnimaCreate};
    /// # async fn example(client: Elephantasm) -> Result<(), polyagent::Error> {
    /// let anima = client.animas().create(AnimaCreate::new("Ada").description("research assistant")).await?;
    /// println!("{} is {}", anima.name, anima.id);
    /// # Ok(()) }
    /// ```
    pub fn create(&self, anima: AnimaCreate) -> Request<Anima> {
        Request::new(&self.core, ops::CREATE_ANIMA).json(&anima)
    }

    /// Returns an anima that is not deleted.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when it does not exist, [`InvalidArgument`](crate::Error::InvalidArgument)
    /// when the id is not a UUID.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::Elephantasm;
    /// # async fn example(client: Elephantasm, anima_id: &str) -> Result<(), polyagent::Error> {
    /// let anima = client.animas().get(anima_id).await?;
    /// # Ok(()) }
    /// ```
    pub fn get(&self, anima_id: impl Into<String>) -> Request<Anima> {
        Request::new(&self.core, ops::GET_ANIMA).id(anima_id)
    }

    /// Returns an anima, including a soft-deleted one if `include_deleted` is set.
    ///
    /// Current servers do not mark a deleted anima; [`get`](Self::get) does not find it.
    ///
    /// # Errors
    /// As [`get`](Self::get): [`NotFound`](crate::Error::NotFound),
    /// [`InvalidArgument`](crate::Error::InvalidArgument).
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Elephantasm, types::GetAnimaParams};
    /// # async fn example(client: Elephantasm, anima_id: &str) -> Result<(), polyagent::Error> {
    /// let anima = client.animas().get_with(anima_id, GetAnimaParams::new().include_deleted(true)).await?;
    /// # Ok(()) }
    /// ```
    pub fn get_with(&self, anima_id: impl Into<String>, params: GetAnimaParams) -> Request<Anima> {
        Request::new(&self.core, ops::GET_ANIMA).id(anima_id).params(&params)
    }

    /// Lists animas, newest first.
    ///
    /// A list of one is the cheapest way to find out whether a key works.
    ///
    /// # Errors
    /// [`Authentication`](crate::Error::Authentication) for a key that does not work,
    /// [`InvalidArgument`](crate::Error::InvalidArgument) for a limit or offset out of its bounds.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Elephantasm, types::ListAnimasParams};
    /// # async fn example(client: Elephantasm) -> Result<(), polyagent::Error> {
    /// let newest = client.animas().list(ListAnimasParams::new().limit(20)).await?;
    /// for anima in &newest.items {
    ///     println!("{} {}", anima.id, anima.name);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn list(&self, params: ListAnimasParams) -> Request<Page<Anima>> {
        Request::new(&self.core, ops::LIST_ANIMAS).params(&params)
    }

    /// Finds animas by a part of their name, ignoring case; ordered by name.
    ///
    /// The list is not paged: results beyond `limit` cannot be reached.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Error::InvalidArgument) for an empty name or a limit out of its bounds.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Elephantasm, types::SearchAnimasParams};
    /// # async fn example(client: Elephantasm) -> Result<(), polyagent::Error> {
    /// let found = client.animas().search(SearchAnimasParams::new("ada")).await?;
    /// # Ok(()) }
    /// ```
    pub fn search(&self, params: SearchAnimasParams) -> Request<Vec<Anima>> {
        Request::new(&self.core, ops::SEARCH_ANIMAS).params(&params)
    }

    /// Lists all animas with their numbers of events, memories and items of knowledge.
    ///
    /// The header `X-Organization-Id` narrows the list to one organisation. An unknown one gives an empty list.
    ///
    /// # Errors
    /// [`Server`](crate::Error::Server) when the header is not a UUID.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::Elephantasm;
    /// # async fn example(client: Elephantasm, organization_id: &str) -> Result<(), polyagent::Error> {
    /// let summaries = client.animas().summaries().header("X-Organization-Id", organization_id).await?;
    /// let events: i64 = summaries.iter().map(|anima| anima.event_count).sum();
    /// # Ok(()) }
    /// ```
    pub fn summaries(&self) -> Request<Vec<AnimaSummary>> {
        Request::new(&self.core, ops::SUMMARIZE_ANIMAS)
    }

    /// Updates an anima, including a soft-deleted one.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when it does not exist, [`InvalidArgument`](crate::Error::InvalidArgument)
    /// when the id is not a UUID or for a name of more than 255 characters, on which the server would fail.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Elephantasm, types::AnimaUpdate};
    /// # async fn example(client: Elephantasm, anima_id: &str) -> Result<(), polyagent::Error> {
    /// let anima = client.animas().update(anima_id, AnimaUpdate::new().name("Ada L.").clear_description()).await?;
    /// # Ok(()) }
    /// ```
    pub fn update(&self, anima_id: impl Into<String>, anima: AnimaUpdate) -> Request<Anima> {
        Request::new(&self.core, ops::UPDATE_ANIMA).id(anima_id).json(&anima)
    }

    /// Soft-deletes an anima with its events, memories, knowledge and identity, and returns their counts.
    ///
    /// [`restore`](Self::restore) brings those back. Memory packs, dreams, links between memories and events, and
    /// configurations are gone for good. A second deletion succeeds and returns zeros; so may a call that was retried.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when the anima never existed,
    /// [`InvalidArgument`](crate::Error::InvalidArgument) when the id is not a UUID.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::Elephantasm;
    /// # async fn example(client: Elephantasm, anima_id: &str) -> Result<(), polyagent::Error> {
    /// let gone = client.animas().delete(anima_id).await?;
    /// println!("{} events, {} memories", gone.events, gone.memories);
    /// # Ok(()) }
    /// ```
    pub fn delete(&self, anima_id: impl Into<String>) -> Request<AnimaDeletion> {
        Request::new(&self.core, ops::DELETE_ANIMA).id(anima_id)
    }

    /// Counts what belongs to an anima. Self-hosted servers only.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when the anima does not exist, or, on the public host, with
    /// [`Reason::RouteMissing`](crate::Reason::RouteMissing); [`summaries`](Self::summaries) has the most important
    /// counts on both. [`InvalidArgument`](crate::Error::InvalidArgument) when the id is not a UUID.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::Elephantasm;
    /// # async fn example(client: Elephantasm, anima_id: &str) -> Result<(), polyagent::Error> {
    /// let stats = client.animas().stats(anima_id).await?;
    /// println!("{} events, {} memories", stats.events, stats.memories);
    /// # Ok(()) }
    /// ```
    pub fn stats(&self, anima_id: impl Into<String>) -> Request<AnimaStats> {
        Request::new(&self.core, ops::GET_ANIMA_STATS).id(anima_id)
    }

    /// Restores a soft-deleted anima with its events, memories, knowledge and identity, and returns their counts.
    /// Self-hosted servers only.
    ///
    /// Events and memories that were deleted individually are restored as well. A second restoration changes nothing
    /// and returns zeros; so may a call that was retried.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when the anima does not exist, or, on the public host, with
    /// [`Reason::RouteMissing`](crate::Reason::RouteMissing). [`InvalidArgument`](crate::Error::InvalidArgument) when
    /// the id is not a UUID.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::Elephantasm;
    /// # async fn example(client: Elephantasm, anima_id: &str) -> Result<(), polyagent::Error> {
    /// let back = client.animas().restore(anima_id).await?;
    /// println!("{} events, {} memories", back.events, back.memories);
    /// # Ok(()) }
    /// ```
    pub fn restore(&self, anima_id: impl Into<String>) -> Request<AnimaRestoration> {
        Request::new(&self.core, ops::RESTORE_ANIMA).id(anima_id)
    }
}
