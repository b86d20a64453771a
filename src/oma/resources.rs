//! Resources of a session: what its agent finds in its environment.

use super::beta::managed_agents;
use super::ops;
use super::types::{
    Deletion, ListSessionResourcesParams, SessionResource, SessionResourceInput, SessionResourceUpdate,
};
use crate::http::Core;
use crate::{Page, Request};

/// Files, repositories and memory stores of sessions; from [`Oma::resources`](super::Oma::resources).
///
/// Most are given when the session is created. Memory stores have no id of their own on newer servers.
#[derive(Clone, Debug)]
pub struct Resources {
    core: Core,
}

impl Resources {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Adds a resource to a session. Newer servers take files only.
    pub fn add(
        &self,
        session_id: impl Into<String>,
        resource: impl Into<SessionResourceInput>,
    ) -> Request<SessionResource> {
        managed_agents(&self.core, ops::ADD_SESSION_RESOURCE).id(session_id).json(&resource.into())
    }

    /// Returns a resource of a session.
    pub fn get(&self, session_id: impl Into<String>, resource_id: impl Into<String>) -> Request<SessionResource> {
        managed_agents(&self.core, ops::GET_SESSION_RESOURCE).id(session_id).id(resource_id)
    }

    /// Lists the resources of a session.
    pub fn list(
        &self,
        session_id: impl Into<String>,
        params: ListSessionResourcesParams,
    ) -> Request<Page<SessionResource>> {
        managed_agents(&self.core, ops::LIST_SESSION_RESOURCES).id(session_id).params(&params)
    }

    /// Updates a resource. Newer servers take a new token for a repository, and nothing else.
    pub fn update(
        &self,
        session_id: impl Into<String>,
        resource_id: impl Into<String>,
        update: SessionResourceUpdate,
    ) -> Request<SessionResource> {
        managed_agents(&self.core, ops::UPDATE_SESSION_RESOURCE).id(session_id).id(resource_id).json(&update)
    }

    /// Takes a resource from a session.
    pub fn delete(&self, session_id: impl Into<String>, resource_id: impl Into<String>) -> Request<Deletion> {
        managed_agents(&self.core, ops::DELETE_SESSION_RESOURCE).id(session_id).id(resource_id)
    }
}
