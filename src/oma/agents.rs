//! Agents: a model with a system prompt and tools, in versions.

use super::beta::managed_agents;
use super::generation::V0;
use super::ops;
use super::types::{Agent, AgentCreate, AgentUpdate, Deletion, ListAgentVersionsParams, ListAgentsParams};
use crate::http::{Composed, Core};
use crate::{Error, Page, Request, Response};

/// Agents; from [`Oma::agents`](super::Oma::agents).
#[derive(Clone, Debug)]
pub struct Agents {
    core: Core,
}

impl Agents {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Creates an agent.
    ///
    /// Without `tools`, servers of `V0` give it their default tools, newer ones none. MCP servers need a tool set of
    /// their own each.
    pub fn create(&self, agent: AgentCreate) -> Request<Agent> {
        managed_agents(&self.core, ops::CREATE_AGENT).json(&agent)
    }

    /// Returns an agent in its current version.
    pub fn get(&self, agent_id: impl Into<String>) -> Request<Agent> {
        managed_agents(&self.core, ops::GET_AGENT).id(agent_id)
    }

    /// Lists agents, newest first.
    ///
    /// `archived` is the documented filter of `V0`; what its servers obey is `status`, which is sent along with it
    /// unless it is set.
    pub fn list(&self, params: ListAgentsParams) -> Request<Page<Agent>> {
        let request = managed_agents(&self.core, ops::LIST_AGENTS).params(&params);
        match (params.archived, params.status) {
            (Some(archived), None) => request.query("status", if archived { "archived" } else { "active" }),
            _ => request,
        }
    }

    /// Updates an agent, which gives it a new version: on `V1` always, on `V0` if something changes.
    ///
    /// Lists are replaced as a whole, `metadata` is merged by key.
    ///
    /// # Errors
    /// [`Conflict`](crate::Error::Conflict) if `version` is set and is not the current one.
    pub fn update(&self, agent_id: impl Into<String>, update: AgentUpdate) -> Request<Agent> {
        managed_agents(&self.core, ops::UPDATE_AGENT).id(agent_id).json(&update)
    }

    /// Archives an agent: no new session can use it, and the sessions that do go on.
    ///
    /// A server that follows the letter of the documentation of `V0` has no such route, but archives what is deleted:
    /// there, and only there, it is deleted.
    pub fn archive(&self, agent_id: impl Into<String>) -> Request<Agent> {
        managed_agents(&self.core, ops::ARCHIVE_AGENT).id(agent_id).then(archive_by_deletion)
    }

    /// Deletes an agent of a server of `V0`. The documentation calls this an archive, but it destroys the agent: see
    /// [`archive`](Self::archive).
    ///
    /// # Errors
    /// [`Unsupported`](crate::Error::Unsupported) on newer servers, [`Conflict`](crate::Error::Conflict) on hosted
    /// ones while sessions or evals of the agent are active.
    pub fn delete(&self, agent_id: impl Into<String>) -> Request<Deletion> {
        managed_agents(&self.core, ops::DELETE_AGENT).id(agent_id).instead("use `agents().archive`")
    }

    /// Lists the versions of an agent: newest first, or on `V0` all former ones, oldest first.
    pub fn versions(&self, agent_id: impl Into<String>, params: ListAgentVersionsParams) -> Request<Page<Agent>> {
        managed_agents(&self.core, ops::LIST_AGENT_VERSIONS).id(agent_id).params(&params)
    }

    /// Returns an agent in one version.
    pub fn version(&self, agent_id: impl Into<String>, version: i64) -> Request<Agent> {
        let request = managed_agents(&self.core, ops::GET_AGENT_VERSION).id(agent_id).id(version.to_string());
        request.then(move |composed, first| current_version(composed, first, version))
    }
}

async fn archive_by_deletion(
    mut composed: Composed,
    first: Result<Response<Agent>, Error>,
) -> Result<Response<Agent>, Error> {
    let missing = match first {
        Err(error) if error.is_unsupported() && composed.core.generation() == Some(V0) => error,
        first => return first,
    };
    let core = composed.core.clone();
    let get = managed_agents(&core, ops::GET_AGENT).id(composed.id());
    let before = composed.send(get.clone()).await?;
    let deleted = composed.send(managed_agents(&core, ops::DELETE_AGENT).id(composed.id())).await;
    match deleted {
        Err(error) if error.is_unsupported() => return Err(missing),
        deleted => deleted?,
    };
    match composed.send(get).await {
        Err(Error::NotFound(_)) => Ok(before),
        after => after,
    }
}

/// Servers of `V0` do not count the current version among the versions.
async fn current_version(
    mut composed: Composed,
    first: Result<Response<Agent>, Error>,
    version: i64,
) -> Result<Response<Agent>, Error> {
    let missing = match first {
        Err(error @ Error::NotFound(_)) if !error.is_unsupported() && composed.core.generation() == Some(V0) => error,
        first => return first,
    };
    let core = composed.core.clone();
    let current = composed.send(managed_agents(&core, ops::GET_AGENT).id(composed.id())).await?;
    if current.value().version == version { Ok(current) } else { Err(missing) }
}
