//! Versions of memories: who wrote what, and when.

use super::beta::memory;
use super::ops;
use super::types::{GetMemoryVersionParams, ListMemoryVersionsParams, MemoryVersion, MemoryView};
use crate::check::InvalidArgument;
use crate::http::Core;
use crate::{Page, Request};

/// Versions of memories; from [`Oma::memory_versions`](super::Oma::memory_versions). Self-hosted servers of `V0` have
/// none.
#[derive(Clone, Debug)]
pub struct MemoryVersions {
    core: Core,
}

impl MemoryVersions {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Lists the versions of all memories of a store, or of one with `memory_id`. `content` is null, unless `view` asks
    /// for it.
    pub fn list(&self, store_id: impl Into<String>, params: ListMemoryVersionsParams) -> Request<Page<MemoryVersion>> {
        memory(&self.core, ops::LIST_MEMORY_VERSIONS).id(store_id).params(&params)
    }

    /// Returns a version.
    pub fn get(&self, store_id: impl Into<String>, version_id: impl Into<String>) -> Request<MemoryVersion> {
        memory(&self.core, ops::GET_MEMORY_VERSION).id(store_id).id(version_id)
    }

    /// Removes path and content of a version for good, and keeps who wrote it when.
    pub fn redact(&self, store_id: impl Into<String>, version_id: impl Into<String>) -> Request<MemoryVersion> {
        memory(&self.core, ops::REDACT_MEMORY_VERSION).id(store_id).id(version_id)
    }
}

impl Request<MemoryVersion> {
    /// Asks for the version with or without its content; for [`get`](MemoryVersions::get) only. Not on `V0`.
    pub fn view(self, view: impl Into<MemoryView>) -> Self {
        if self.operation() != ops::GET_MEMORY_VERSION.spec.id {
            return self.refuse(InvalidArgument::new("view", "cannot be chosen when a version is redacted"));
        }
        self.params(&GetMemoryVersionParams::new().view(view))
    }
}
