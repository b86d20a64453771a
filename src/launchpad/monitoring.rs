//! Metrics and logs of agents.

use super::types::{AgentMetrics, GetAgentMetricsParams};
use super::{Logs, ops};
use crate::Request;
use crate::http::Core;

/// Metrics and logs of agents; from [`Launchpad::monitoring`](super::Launchpad::monitoring).
#[derive(Clone, Debug)]
pub struct Monitoring {
    core: Core,
}

impl Monitoring {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Returns what an agent uses and does at the moment.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when the agent does not exist.
    ///
    /// ```no_run
    /// # use polyagent::launchpad::Launchpad;
    /// # async fn example(client: Launchpad) -> Result<(), polyagent::Error> {
    /// let metrics = client.monitoring().metrics("agent-9k2").await?.metrics.unwrap_or_default();
    /// if let Some(memory) = metrics.memory {
    ///     println!("{:?} of {:?} bytes", memory.usage, memory.limit);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn metrics(&self, agent_id: impl Into<String>) -> Request<AgentMetrics> {
        Request::new(&self.core, ops::GET_AGENT_METRICS).id(agent_id)
    }

    /// Returns what an agent used and did over some time. Only later versions give series; others ignore the
    /// parameters.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when the agent does not exist.
    pub fn series(&self, agent_id: impl Into<String>, params: GetAgentMetricsParams) -> Request<AgentMetrics> {
        self.metrics(agent_id).params(&params)
    }

    /// The agents' logs.
    pub fn logs(&self) -> Logs {
        Logs::new(&self.core)
    }
}
