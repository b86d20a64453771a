//! Memories: what the platform distils from events. They are scored by importance, confidence and freshness, and fade
//! unless they matter.

use super::ops;
use super::types::{ListMemoriesParams, Memory, MemoryCreate, MemoryMatch, MemorySearch, SearchMemoriesParams};
use crate::http::Core;
use crate::{Page, Request};

/// Memories distilled from events; from [`Elephantasm::memories`](super::Elephantasm::memories).
///
/// The public host has [`search_semantic`](Self::search_semantic) only.
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
    /// It has no embedding at first, so semantic search does not find it. Each call creates another memory.
    pub fn create(&self, memory: MemoryCreate) -> Request<Memory> {
        Request::new(&self.core, ops::CREATE_MEMORY).json(&memory)
    }

    /// Returns a memory. Self-hosted servers only.
    pub fn get(&self, memory_id: impl Into<String>) -> Request<Memory> {
        Request::new(&self.core, ops::GET_MEMORY).id(memory_id)
    }

    /// Lists the memories of an anima by the end of what they remember, latest first; those without a time stand in
    /// front. Self-hosted servers only.
    pub fn list(&self, params: ListMemoriesParams) -> Request<Page<Memory>> {
        Request::new(&self.core, ops::LIST_MEMORIES).params(&params)
    }

    /// Finds memories by a part of their summary, ignoring case; the most important first. Self-hosted servers only.
    ///
    /// The list is not paged: results beyond `limit` cannot be reached.
    pub fn search(&self, params: SearchMemoriesParams) -> Request<Vec<Memory>> {
        Request::new(&self.core, ops::SEARCH_MEMORIES).params(&params)
    }

    /// Finds memories by meaning, and returns them with their similarity to the query.
    ///
    /// Memories without an embedding are not found, nor those whose similarity only equals the threshold. By default
    /// only active ones are searched; `clear_state` searches those in any state.
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
