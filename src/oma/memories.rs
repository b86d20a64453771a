//! Memories: texts at paths in a memory store.

use super::beta::memory;
use super::ops;
use super::types::{
    ContentHash, DeleteMemoryParams, Deletion, GetMemoryParams, ListMemoriesParams, Memory, MemoryCreate, MemoryItem,
    MemoryUpdate, MemoryView,
};
use crate::http::Core;
use crate::{Page, Request};

/// The memories in stores; from [`Oma::memories`](super::Oma::memories).
///
/// On `V1` and Anthropic `content` is null unless the view is [`Full`](MemoryView::Full), which is the default of
/// [`get`](Self::get) alone; see [`view`](Request::view). On `V0` lists lack it, and all else has it.
///
/// ```no_run
/// # use polyagent::oma::{Oma, types::*};
/// # async fn example(client: Oma, store: &str, id: &str) -> Result<(), polyagent::Error> {
/// let memory = client.memories().get(store, id).await?;
/// let text = memory.content.clone().unwrap_or_default() + "\nShe prefers tea.";
/// client.memories().update(store, id, MemoryUpdate::new().content(text).unchanged(&memory)).await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Memories {
    core: Core,
}

impl Memories {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Creates a memory. On `V0` it overwrites one at the same path, unless a precondition forbids it.
    ///
    /// # Errors
    /// [`Conflict`](crate::Error::Conflict) with [`Reason::Duplicate`](crate::Reason::Duplicate) if there is one at the
    /// path: [`detail`](crate::ApiError::detail)`("conflicting_memory_id")` is its id, and
    /// `detail("conflicting_path")` its path. After an unclear failure it may be your own.
    pub fn create(&self, store_id: impl Into<String>, new: MemoryCreate) -> Request<Memory> {
        memory(&self.core, ops::CREATE_MEMORY).id(store_id).json(&new)
    }

    /// Returns a memory, with its content.
    pub fn get(&self, store_id: impl Into<String>, memory_id: impl Into<String>) -> Request<Memory> {
        memory(&self.core, ops::GET_MEMORY).id(store_id).id(memory_id)
    }

    /// Lists memories. With a `depth`, deeper ones appear as the folder that holds them, of type `memory_prefix` and
    /// with nothing but its path. `content` is null, unless `view` asks for it.
    pub fn list(&self, store_id: impl Into<String>, params: ListMemoriesParams) -> Request<Page<MemoryItem>> {
        memory(&self.core, ops::LIST_MEMORIES).id(store_id).params(&params)
    }

    /// Changes the content of a memory, or moves it to another path. Guard it with the hash that was read last:
    /// [`MemoryUpdate::unchanged`].
    ///
    /// # Errors
    /// [`Reason::PreconditionFailed`](crate::Reason::PreconditionFailed) if the memory has changed since: a
    /// [`Conflict`](crate::Error::Conflict), or on self-hosted servers of `V0` a
    /// [`BadRequest`](crate::Error::BadRequest). [`Reason::Duplicate`](crate::Reason::Duplicate) if there is a memory
    /// at the new path.
    pub fn update(
        &self,
        store_id: impl Into<String>,
        memory_id: impl Into<String>,
        update: MemoryUpdate,
    ) -> Request<Memory> {
        memory(&self.core, ops::UPDATE_MEMORY).id(store_id).id(memory_id).json(&update)
    }

    /// Deletes a memory; its versions remain.
    pub fn delete(&self, store_id: impl Into<String>, memory_id: impl Into<String>) -> Request<Deletion> {
        memory(&self.core, ops::DELETE_MEMORY).id(store_id).id(memory_id)
    }

    /// Deletes a memory if its content has this hash still. Not on `V0`.
    ///
    /// # Errors
    /// [`Conflict`](crate::Error::Conflict) with
    /// [`Reason::PreconditionFailed`](crate::Reason::PreconditionFailed) if it has not.
    pub fn delete_unchanged(
        &self,
        store_id: impl Into<String>,
        memory_id: impl Into<String>,
        content_sha256: impl Into<String>,
    ) -> Request<Deletion> {
        let params = DeleteMemoryParams::new().expected_content_sha256(content_sha256);
        memory(&self.core, ops::DELETE_MEMORY).id(store_id).id(memory_id).params(&params)
    }
}

impl MemoryCreate {
    /// A memory with that text.
    pub fn text(path: impl Into<String>, content: impl Into<String>) -> Self {
        Self::new(path, Some(content.into()))
    }
}

impl MemoryUpdate {
    /// Makes the update fail if the memory has changed since `memory` was read.
    #[must_use]
    pub fn unchanged(self, memory: &Memory) -> Self {
        // Without a hash the guard would be none: an empty one is rejected before sending.
        self.if_hash(memory.content_sha256.as_deref().unwrap_or_default())
    }

    /// Makes the update fail unless the content has this hash, which was read last.
    #[must_use]
    pub fn if_hash(self, content_sha256: impl Into<String>) -> Self {
        self.precondition(ContentHash::new(content_sha256))
    }
}

impl Request<Memory> {
    /// Asks for the memory with or without its content. Not on `V0`.
    ///
    /// ```no_run
    /// # use polyagent::oma::{Oma, types::*};
    /// # async fn example(client: Oma, store: &str) -> Result<(), polyagent::Error> {
    /// let memory = MemoryCreate::text("/tea.md", "Green.");
    /// let memory = client.memories().create(store, memory).view(MemoryView::Full).await?;
    /// # Ok(()) }
    /// ```
    pub fn view(self, view: impl Into<MemoryView>) -> Self {
        self.params(&GetMemoryParams::new().view(view))
    }
}
