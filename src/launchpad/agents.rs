//! Agents: what the platform deploys and runs.

use super::deploy::{self, Change, DeployOutcome, Deployment};
use super::ops;
use super::types::{
    Agent, AgentActionResult, AgentCreate, AgentCreated, AgentState, AgentSummary, AgentUpdate, AgentUpdateResult,
    Empty, ListAgentsParams, Scale, ScaleResult, SearchAgentsParams, SearchResults,
};
use crate::http::Core;
use crate::{Page, Poller, Request, StartAndWait};

/// The agents; from [`Launchpad::agents`](super::Launchpad::agents). Users see their own, admins all.
///
/// Deploying, updating, scaling, restarting and deleting go on after the response: the methods ending in `_and_wait`,
/// and [`deploy`](Self::deploy), wait until they have ended. What a server responds to them is little, or nothing.
#[derive(Clone, Debug)]
pub struct Agents {
    core: Core,
}

impl Agents {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Deploys an agent, and waits until it is live, has failed or is stopped, like
    /// [`wait_until_deployed`](Self::wait_until_deployed).
    ///
    /// Creating it is not retried where that may create it twice. Once it is created, an error of the wait has its id;
    /// [`start`](StartAndWait::start) returns the poller that has it from the beginning.
    ///
    /// # Errors
    /// Those of [`create`](Self::create) and of the wait. That the deployment fails is no error.
    ///
    /// ```no_run
    /// # use polyagent::launchpad::{Launchpad, types::AgentCreate};
    /// # async fn example(client: Launchpad, agent: AgentCreate) -> Result<(), polyagent::Error> {
    /// let mut updates = client.agents().deploy(agent).start().await?.updates();
    /// while let Some(deployment) = updates.try_next().await? {
    ///     println!("{}", deployment.state.status);
    /// }
    /// let outcome = updates.await?;
    /// # Ok(()) }
    /// ```
    pub fn deploy(&self, agent: AgentCreate) -> StartAndWait<DeployOutcome, Deployment> {
        let (create, agents) = (self.create(agent), self.clone());
        StartAndWait::new(async move { Ok(agents.wait_until_deployed(create.await?.agent_id)) })
    }

    /// Creates an agent and queues its deployment. Each call creates another one: it is
    /// [`RetryClass::NonIdempotent`](crate::RetryClass::NonIdempotent).
    ///
    /// Fields of later versions, such as `character` and `environment`, are added with
    /// [`body_field`](Request::body_field).
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Error::InvalidArgument) for a name that is not 3 to 50 letters, digits, `_` and `-`,
    /// a quantity that is none, or replicas beyond 5; [`BadRequest`](crate::Error::BadRequest) for a sixth agent.
    pub fn create(&self, agent: AgentCreate) -> Request<AgentCreated> {
        Request::new(&self.core, ops::CREATE_AGENT).json(&agent)
    }

    /// Returns everything about an agent. Only later versions have it; [`status`](Self::status) exists in all.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when it does not exist.
    pub fn get(&self, agent_id: impl Into<String>) -> Request<Agent> {
        Request::new(&self.core, ops::GET_AGENT).id(agent_id)
    }

    /// Returns the status, address and health of an agent.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when it does not exist, or no longer.
    pub fn status(&self, agent_id: impl Into<String>) -> Request<AgentState> {
        Request::new(&self.core, ops::GET_AGENT_STATUS).id(agent_id)
    }

    /// Lists agents, in an order that is not documented.
    ///
    /// ```no_run
    /// # use polyagent::launchpad::{Launchpad, types::{AgentStatus, ListAgentsParams}};
    /// # async fn example(client: Launchpad) -> Result<(), polyagent::Error> {
    /// let mut live = client.agents().list(ListAgentsParams::new().status(AgentStatus::Deployed)).items();
    /// while let Some(agent) = live.try_next().await? {
    ///     println!("{} {:?}", agent.agent_id, agent.url);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn list(&self, params: ListAgentsParams) -> Request<Page<AgentSummary>> {
        Request::new(&self.core, ops::LIST_AGENTS).params(&params)
    }

    /// Finds agents by text and other criteria. Only later versions have it.
    pub fn search(&self, params: SearchAgentsParams) -> Request<SearchResults> {
        Request::new(&self.core, ops::SEARCH_AGENTS).params(&params)
    }

    /// Changes what is set in `changes`.
    ///
    /// # Errors
    /// Those of [`create`](Self::create); [`NotFound`](crate::Error::NotFound) when the agent does not exist.
    pub fn update(&self, agent_id: impl Into<String>, changes: AgentUpdate) -> Request<Option<AgentUpdateResult>> {
        Request::new(&self.core, ops::UPDATE_AGENT).id(agent_id).json(&changes)
    }

    /// Begins to delete an agent.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when it does not exist.
    pub fn delete(&self, agent_id: impl Into<String>) -> Request<Option<AgentActionResult>> {
        Request::new(&self.core, ops::DELETE_AGENT).id(agent_id)
    }

    /// Begins to change the number of replicas of an agent, between 1 and 5.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Error::InvalidArgument) for another number, [`NotFound`](crate::Error::NotFound) when
    /// the agent does not exist.
    pub fn scale(&self, agent_id: impl Into<String>, replicas: i32) -> Request<Option<ScaleResult>> {
        Request::new(&self.core, ops::SCALE_AGENT).id(agent_id).json(&Scale::new(replicas))
    }

    /// Begins to restart an agent. Each call restarts it again.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when it does not exist.
    pub fn restart(&self, agent_id: impl Into<String>) -> Request<Option<AgentActionResult>> {
        Request::new(&self.core, ops::RESTART_AGENT).id(agent_id).json(&Empty::new())
    }

    /// Stops an agent. Only later versions have it.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when it does not exist.
    pub fn stop(&self, agent_id: impl Into<String>) -> Request<Option<AgentActionResult>> {
        Request::new(&self.core, ops::STOP_AGENT).id(agent_id).json(&Empty::new())
    }

    /// Starts an agent that was stopped. Only later versions have it;
    /// [`wait_until_deployed`](Self::wait_until_deployed) may find it still stopped at first.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when it does not exist.
    pub fn start(&self, agent_id: impl Into<String>) -> Request<Option<AgentActionResult>> {
        Request::new(&self.core, ops::START_AGENT).id(agent_id).json(&Empty::new())
    }

    /// Waits until an agent is live, has failed or is stopped. [`until_healthy`](Poller::until_healthy) waits for its
    /// health too.
    ///
    /// Polls every 15 s at first and every 30 s later, slower where few calls are left, for up to 20 minutes.
    ///
    /// # Errors
    /// Those of [`status`](Self::status); [`Timeout`](crate::Error::Timeout) with the last [`Deployment`] that was read
    /// when it takes longer.
    pub fn wait_until_deployed(&self, agent_id: impl Into<String>) -> Poller<DeployOutcome, Deployment> {
        deploy::poller(&self.core, agent_id.into(), AgentState::is_settled)
    }

    /// Waits until an agent does not exist: its status is not found.
    ///
    /// # Errors
    /// Those of [`status`](Self::status) but `NotFound`.
    pub fn wait_until_deleted(&self, agent_id: impl Into<String>) -> Poller<(), Option<AgentState>> {
        deploy::deletion(&self.core, agent_id.into())
    }

    /// Updates an agent, and waits until it is live again, has failed or is stopped.
    ///
    /// # Errors
    /// Those of [`update`](Self::update) and of [`wait_until_deployed`](Self::wait_until_deployed).
    pub fn update_and_wait(
        &self,
        agent_id: impl Into<String>,
        changes: AgentUpdate,
    ) -> StartAndWait<DeployOutcome, Deployment> {
        let agent_id = agent_id.into();
        let update = self.update(&agent_id, changes);
        deploy::change(&self.core, agent_id, update, Change::default())
    }

    /// Scales an agent, and waits until as many replicas are ready, or it has failed or is stopped.
    ///
    /// # Errors
    /// Those of [`scale`](Self::scale) and of [`wait_until_deployed`](Self::wait_until_deployed).
    ///
    /// ```no_run
    /// # use polyagent::launchpad::{DeployOutcome, Launchpad};
    /// # async fn example(client: Launchpad) -> Result<(), polyagent::Error> {
    /// if let DeployOutcome::Deployed(state) = client.agents().scale_and_wait("agent-9k2", 3).await? {
    ///     println!("{:?}", state.health);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn scale_and_wait(
        &self,
        agent_id: impl Into<String>,
        replicas: i32,
    ) -> StartAndWait<DeployOutcome, Deployment> {
        let agent_id = agent_id.into();
        let scale = self.scale(&agent_id, replicas);
        deploy::change(&self.core, agent_id, scale, Change::to_replicas(replicas.into()))
    }

    /// Restarts an agent, and waits until it is live again, has failed or is stopped.
    ///
    /// # Errors
    /// Those of [`restart`](Self::restart) and of [`wait_until_deployed`](Self::wait_until_deployed).
    pub fn restart_and_wait(&self, agent_id: impl Into<String>) -> StartAndWait<DeployOutcome, Deployment> {
        let agent_id = agent_id.into();
        let restart = self.restart(&agent_id);
        deploy::change(&self.core, agent_id, restart, Change::default())
    }

    /// Deletes an agent, and waits until it does not exist. That it does not exist from the beginning is no error.
    ///
    /// # Errors
    /// Those of [`delete`](Self::delete) and of [`wait_until_deleted`](Self::wait_until_deleted), but `NotFound`.
    pub fn delete_and_wait(&self, agent_id: impl Into<String>) -> StartAndWait<(), Option<AgentState>> {
        let agent_id = agent_id.into();
        let (delete, agents) = (self.delete(&agent_id), self.clone());
        StartAndWait::new(async move {
            match deploy::accepted(delete.await) {
                Err(error) if !deploy::is_gone(&error) => Err(error),
                _ => Ok(agents.wait_until_deleted(agent_id)),
            }
        })
    }
}
