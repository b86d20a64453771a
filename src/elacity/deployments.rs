//! Deployments: their history and their heatmap.

use serde_json::Value;

use super::types::{Deployment, DeploymentFilter, OrganizationScope};
use super::{Elacity, ops};
use crate::{Page, Request};

/// The deployments of an organization; from [`Elacity::deployments`]. New ones are made by
/// [`Agents::deploy`](super::Agents::deploy).
///
/// The vendor names history, status and heatmaps, and documents none of them: these operations and their paths are
/// inferred, not confirmed by the vendor's documentation.
#[derive(Clone, Debug)]
pub struct Deployments {
    client: Elacity,
}

impl Deployments {
    pub(super) fn new(client: &Elacity) -> Self {
        Self { client: client.clone() }
    }

    /// Lists the deployments of the organization, each with its status. The path is inferred.
    pub fn list(&self, filter: DeploymentFilter) -> Request<Page<Deployment>> {
        let inferred = self.client.inferred(ops::LIST_DEPLOYMENTS);
        self.client.scoped(inferred, filter, |filter| &mut filter.org_slug)
    }

    /// Returns the heatmap of the organization's deployments, in a form that is not documented. The path is inferred.
    pub fn heatmap(&self) -> Request<Value> {
        let inferred = self.client.inferred(ops::GET_DEPLOYMENT_HEATMAP);
        self.client.scoped(inferred, OrganizationScope::new(), |scope| &mut scope.org_slug)
    }
}
