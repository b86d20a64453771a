//! Deployments: an agent that starts sessions on a schedule, or on demand.

use super::beta::managed_agents;
use super::ops;
use super::types::{Deployment, DeploymentCreate, DeploymentRun, DeploymentUpdate, ListDeploymentsParams};
use crate::check::InvalidArgument;
use crate::http::{Core, Operation};
use crate::{Page, Request};

/// Deployments; from [`Oma::deployments`](super::Oma::deployments). Servers of `V0` do not have them.
#[derive(Clone, Debug)]
pub struct Deployments {
    core: Core,
}

impl Deployments {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    fn call<T>(&self, operation: Operation<T>) -> Request<T> {
        managed_agents(&self.core, operation).instead(SESSIONS)
    }

    /// Creates a deployment. Twice makes two, each with its own schedule: it is not sent again once it may have been
    /// processed.
    pub fn create(&self, deployment: DeploymentCreate) -> Request<Deployment> {
        self.call(ops::CREATE_DEPLOYMENT).json(&deployment)
    }

    /// Returns a deployment.
    pub fn get(&self, deployment_id: impl Into<String>) -> Request<Deployment> {
        self.call(ops::GET_DEPLOYMENT).id(deployment_id)
    }

    /// Lists deployments. `status` and `include_archived` exclude each other.
    pub fn list(&self, params: ListDeploymentsParams) -> Request<Page<Deployment>> {
        let request = self.call(ops::LIST_DEPLOYMENTS).params(&params);
        if params.status.is_some() && params.include_archived.is_some() {
            return request.refuse(InvalidArgument::new("include_archived", "cannot be combined with `status`"));
        }
        request
    }

    /// Updates a deployment. Lists are replaced as a whole.
    pub fn update(&self, deployment_id: impl Into<String>, update: DeploymentUpdate) -> Request<Deployment> {
        self.call(ops::UPDATE_DEPLOYMENT).id(deployment_id).json(&update)
    }

    /// Archives a deployment: it starts no more sessions.
    pub fn archive(&self, deployment_id: impl Into<String>) -> Request<Deployment> {
        self.call(ops::ARCHIVE_DEPLOYMENT).id(deployment_id)
    }

    /// Suspends the schedule of a deployment.
    pub fn pause(&self, deployment_id: impl Into<String>) -> Request<Deployment> {
        self.call(ops::PAUSE_DEPLOYMENT).id(deployment_id)
    }

    /// Resumes the schedule of a deployment.
    pub fn unpause(&self, deployment_id: impl Into<String>) -> Request<Deployment> {
        self.call(ops::UNPAUSE_DEPLOYMENT).id(deployment_id)
    }

    /// Starts a session now. It is not sent again once it may have been processed; the
    /// [runs](super::DeploymentRuns::list) tell whether it was.
    ///
    /// A run whose session could not be started is a success with an `error` in it.
    pub fn run(&self, deployment_id: impl Into<String>) -> Request<DeploymentRun> {
        self.call(ops::RUN_DEPLOYMENT).id(deployment_id)
    }
}

pub(super) const SESSIONS: &str = "create sessions on a schedule of your own";
