//! Runs of deployments.

use super::beta::managed_agents;
use super::deployments::SESSIONS;
use super::ops;
use super::types::{DeploymentRun, ListDeploymentRunsParams};
use crate::http::Core;
use crate::{Page, Request};

/// Runs of deployments: a session each, or the reason why there is none; from
/// [`Oma::deployment_runs`](super::Oma::deployment_runs). Servers of `V0` do not have them.
#[derive(Clone, Debug)]
pub struct DeploymentRuns {
    core: Core,
}

impl DeploymentRuns {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Returns a run.
    pub fn get(&self, run_id: impl Into<String>) -> Request<DeploymentRun> {
        managed_agents(&self.core, ops::GET_DEPLOYMENT_RUN).id(run_id).instead(SESSIONS)
    }

    /// Lists runs: of all deployments, or of one with `deployment_id`.
    pub fn list(&self, params: ListDeploymentRunsParams) -> Request<Page<DeploymentRun>> {
        managed_agents(&self.core, ops::LIST_DEPLOYMENT_RUNS).params(&params).instead(SESSIONS)
    }
}
