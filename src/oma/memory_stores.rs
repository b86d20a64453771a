//! Memory stores: what agents remember from session to session.

use super::beta::memory;
use super::generation::V0;
use super::ops;
use super::types::{
    Deletion, ListMemoriesParams, ListMemoryStoresParams, MemoryEntry, MemoryItem, MemorySearch, MemoryStore,
    MemoryStoreCreate, MemoryStoreUpdate,
};
use crate::http::{Composed, Core};
use crate::{Error, Page, Request, Response};

/// Memory stores; from [`Oma::memory_stores`](super::Oma::memory_stores). What is in them are
/// [`Memories`](super::Memories).
#[derive(Clone, Debug)]
pub struct MemoryStores {
    core: Core,
}

impl MemoryStores {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Creates a memory store.
    pub fn create(&self, store: MemoryStoreCreate) -> Request<MemoryStore> {
        memory(&self.core, ops::CREATE_MEMORY_STORE).json(&store)
    }

    /// Returns a memory store.
    pub fn get(&self, store_id: impl Into<String>) -> Request<MemoryStore> {
        memory(&self.core, ops::GET_MEMORY_STORE).id(store_id)
    }

    /// Lists memory stores: on servers of openma oldest first.
    pub fn list(&self, params: ListMemoryStoresParams) -> Request<Page<MemoryStore>> {
        memory(&self.core, ops::LIST_MEMORY_STORES).params(&params)
    }

    /// Updates a memory store. `metadata` is merged by key.
    pub fn update(&self, store_id: impl Into<String>, update: MemoryStoreUpdate) -> Request<MemoryStore> {
        memory(&self.core, ops::UPDATE_MEMORY_STORE).id(store_id).json(&update)
    }

    /// Archives a memory store: no new session can use it.
    pub fn archive(&self, store_id: impl Into<String>) -> Request<MemoryStore> {
        memory(&self.core, ops::ARCHIVE_MEMORY_STORE).id(store_id)
    }

    /// Deletes a memory store with all that is in it. Self-hosted servers of `V0` cannot.
    ///
    /// # Errors
    /// [`BadRequest`](crate::Error::BadRequest) while an active dream writes to it.
    pub fn delete(&self, store_id: impl Into<String>) -> Request<Deletion> {
        memory(&self.core, ops::DELETE_MEMORY_STORE).id(store_id)
    }

    /// Lists what is in a store, in the words of the documentation of `V0`. Where its servers lack the route, these are
    /// the memories, without their content and with their `path` among the unknown fields.
    pub fn entries(&self, store_id: impl Into<String>) -> Request<Page<MemoryEntry>> {
        let request = memory(&self.core, ops::LIST_MEMORY_ENTRIES).id(store_id).instead("use `memories().list`");
        request.then(entries_by_memories)
    }

    /// Searches a store by meaning. It is documented for `V0`, and no server is known to have it.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) with [`Reason::RouteMissing`](crate::Reason::RouteMissing) where a server
    /// of `V0` lacks it.
    pub fn search(&self, store_id: impl Into<String>, search: MemorySearch) -> Request<Page<MemoryEntry>> {
        let request = memory(&self.core, ops::SEARCH_MEMORIES).id(store_id).json(&search);
        request.instead("list the memories by `path_prefix`, and search their content")
    }
}

async fn entries_by_memories(
    mut composed: Composed,
    first: Result<Response<Page<MemoryEntry>>, Error>,
) -> Result<Response<Page<MemoryEntry>>, Error> {
    match first {
        Err(error) if error.is_unsupported() && composed.core.generation() == Some(V0) => {}
        first => return first,
    }
    let list = memory(&composed.core, ops::LIST_MEMORIES).id(composed.id()).params(&ListMemoriesParams::new());
    let listed = composed.send(list).await?;
    Ok(listed.map(|page| Page::complete(page.items.into_iter().map(MemoryEntry::from).collect())))
}

impl From<MemoryItem> for MemoryEntry {
    fn from(memory: MemoryItem) -> Self {
        let mut entry = Self::new();
        entry.id = memory.id;
        entry.content = memory.content;
        entry.created_at = memory.created_at;
        entry.unknown = memory.unknown;
        entry.unknown.insert("path".to_owned(), memory.path.into());
        entry
    }
}
