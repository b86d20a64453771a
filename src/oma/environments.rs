//! Environments: where sessions run.

use super::beta::managed_agents;
use super::ops;
use super::types::{Deletion, Environment, EnvironmentCreate, EnvironmentUpdate, ListEnvironmentsParams};
use crate::http::Core;
use crate::{Page, Request};

/// Environments; from [`Oma::environments`](super::Oma::environments).
#[derive(Clone, Debug)]
pub struct Environments {
    core: Core,
}

impl Environments {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Creates an environment.
    pub fn create(&self, environment: EnvironmentCreate) -> Request<Environment> {
        managed_agents(&self.core, ops::CREATE_ENVIRONMENT).json(&environment)
    }

    /// Returns an environment.
    pub fn get(&self, environment_id: impl Into<String>) -> Request<Environment> {
        managed_agents(&self.core, ops::GET_ENVIRONMENT).id(environment_id)
    }

    /// Lists environments.
    pub fn list(&self, params: ListEnvironmentsParams) -> Request<Page<Environment>> {
        managed_agents(&self.core, ops::LIST_ENVIRONMENTS).params(&params)
    }

    /// Updates an environment. `metadata` is merged by key; the type of `config` cannot change.
    pub fn update(&self, environment_id: impl Into<String>, update: EnvironmentUpdate) -> Request<Environment> {
        managed_agents(&self.core, ops::UPDATE_ENVIRONMENT).id(environment_id).json(&update)
    }

    /// Archives an environment: no new session can use it.
    pub fn archive(&self, environment_id: impl Into<String>) -> Request<Environment> {
        managed_agents(&self.core, ops::ARCHIVE_ENVIRONMENT).id(environment_id)
    }

    /// Deletes an environment for good.
    ///
    /// # Errors
    /// [`Conflict`](crate::Error::Conflict) while sessions that are not archived use it.
    pub fn delete(&self, environment_id: impl Into<String>) -> Request<Deletion> {
        managed_agents(&self.core, ops::DELETE_ENVIRONMENT).id(environment_id)
    }
}
