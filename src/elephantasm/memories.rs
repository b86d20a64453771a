//! Memories: what the platform distils from events. They are scored by importance, confidence and freshness, and fade
//! unless they matter.

use super::ops;
use super::types::{ListMemoriesParams, Memory, MemoryCreate, MemoryMatch, MemorySearch, SearchMemoriesParams};
use crate::http::Core;
use crate::{Page, Request};

/// Memories distilled from events; from [`Elephantasm::memories`](super::Elephantasm::memories).
///
/// The public host has only [`search_semantic`](Self::search_semantic).
#[derive(Clone, Debug)]
pub struct Memories {
    core: Core,
}

impl Memories {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Stores a memory directly, without distilling it from events. Self-hosted servers only.
    ///
    /// It has no embedding at first, so semantic search does not find it. Each call creates another memory; it is
    /// therefore [`RetryClass::NonIdempotent`](crate::RetryClass::NonIdempotent).
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when the anima does not exist, or, on the public host, with
    /// [`Reason::RouteMissing`](crate::Reason::RouteMissing). [`InvalidArgument`](crate::Error::InvalidArgument) for a
    /// score outside 0 to 1.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Elephantasm, types::{MemoryCreate, MemoryState}};
    /// # async fn example(client: Elephantasm, anima_id: &str) -> Result<(), polyagent::Error> {
    /// let tea = MemoryCreate::new(anima_id).summary("Likes green tea").importance(0.6).state(MemoryState::Active);
    /// let memory = client.memories().create(tea).await?;
    /// # Ok(()) }
    /// ```
    pub fn create(&self, memory: MemoryCreate) -> Request<Memory> {
        Request::new(&self.core, ops::CREATE_MEMORY).json(&memory)
    }

    /// Returns a memory. Self-hosted servers only.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when it does not exist, or, on the public host, with
    /// [`Reason::RouteMissing`](crate::Reason::RouteMissing). [`InvalidArgument`](crate::Error::InvalidArgument) when
    /// the id is not a UUID.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::Elephantasm;
    /// # async fn example(client: Elephantasm, memory_id: &str) -> Result<(), polyagent::Error> {
    /// let memory = client.memories().get(memory_id).await?;
    /// # Ok(()) }
    /// ```
    pub fn get(&self, memory_id: impl Into<String>) -> Request<Memory> {
        Request::new(&self.core, ops::GET_MEMORY).id(memory_id)
    }

    /// Lists the memories of an anima, most recent first. Self-hosted servers only.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) with [`Reason::RouteMissing`](crate::Reason::RouteMissing) on the public
    /// host, [`InvalidArgument`](crate::Error::InvalidArgument) for a limit or offset out of its bounds.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Elephantasm, types::{ListMemoriesParams, MemoryState}};
    /// # async fn example(client: Elephantasm, anima_id: &str) -> Result<(), polyagent::Error> {
    /// let fading = ListMemoriesParams::new(anima_id).state(MemoryState::Decaying);
    /// for memory in client.memories().list(fading).await? {
    ///     println!("{}", memory.summary.unwrap_or_default());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn list(&self, params: ListMemoriesParams) -> Request<Page<Memory>> {
        Request::new(&self.core, ops::LIST_MEMORIES).params(&params)
    }

    /// Finds memories by a part of their summary, ignoring case. Self-hosted servers only.
    ///
    /// The list is not paged: results beyond `limit` cannot be reached.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) with [`Reason::RouteMissing`](crate::Reason::RouteMissing) on the public
    /// host, [`InvalidArgument`](crate::Error::InvalidArgument) for an empty text or a limit out of its bounds.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Elephantasm, types::SearchMemoriesParams};
    /// # async fn example(client: Elephantasm, anima_id: &str) -> Result<(), polyagent::Error> {
    /// let found = client.memories().search(SearchMemoriesParams::new(anima_id, "tea")).await?;
    /// # Ok(()) }
    /// ```
    pub fn search(&self, params: SearchMemoriesParams) -> Request<Vec<Memory>> {
        Request::new(&self.core, ops::SEARCH_MEMORIES).params(&params)
    }

    /// Finds memories by meaning, and returns them with their similarity to the query.
    ///
    /// Memories without an embedding are not found, and by default only active ones are; `clear_state` searches those
    /// in any state.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Error::InvalidArgument) for a blank query or a negative limit, on which the server
    /// would fail.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Elephantasm, types::MemorySearch};
    /// # async fn example(client: Elephantasm, anima_id: &str) -> Result<(), polyagent::Error> {
    /// let in_any_state = MemorySearch::new(anima_id, "hot drinks").limit(3).clear_state();
    /// for found in client.memories().search_semantic(in_any_state).await? {
    ///     println!("{:.2} {}", found.score, found.memory.summary.unwrap_or_default());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn search_semantic(&self, search: MemorySearch) -> Request<Vec<MemoryMatch>> {
        Request::new(&self.core, ops::SEARCH_MEMORIES_SEMANTIC).json(&search)
    }
}
