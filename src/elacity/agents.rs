//! Agents, and deploying prompts to them.

use serde::Deserialize;
use serde_json::Value;

use super::types::{Agent, Deployment, DeploymentCreate, OrganizationScope};
use super::{Elacity, ops};
use crate::{Page, Request};

/// The agents of an organization; from [`Elacity::agents`].
#[derive(Clone, Debug)]
pub struct Agents {
    client: Elacity,
}

impl Agents {
    pub(super) fn new(client: &Elacity) -> Self {
        Self { client: client.clone() }
    }

    /// Lists the agents of the organization. Its path is documented; the fields of agents are inferred.
    pub fn list(&self) -> Request<Page<Agent>> {
        let documented = self.client.call(ops::LIST_AGENTS);
        self.client.scoped(documented, OrganizationScope::new(), |scope| &mut scope.org_slug)
    }

    /// Records the deployment of one version of a prompt to agents in one environment. Its path is documented; the
    /// response is not.
    ///
    /// The vendor describes this endpoint as simulated: it writes deployment records. According to a guide a deployment
    /// also compiles the prompt, fills its variables from the environment and pushes it to the provider; do not rely on
    /// it. In which registry the prompt is looked up is not documented.
    ///
    /// ```no_run
    /// # use polyagent::elacity::{Elacity, types::DeploymentCreate};
    /// # async fn example(client: Elacity) -> Result<(), polyagent::Error> {
    /// let deployment = DeploymentCreate::new(["ag_1", "ag_2"], "greeter", "1.2.0", "dev", "vapi");
    /// let deployed = client.agents().deploy(deployment.agent_variables([("COMPANY", "Acme")])).await?;
    /// println!("{}", deployed.value());
    /// # Ok(()) }
    /// ```
    pub fn deploy(&self, deployment: DeploymentCreate) -> Request<Deployed> {
        let documented = self.client.call(ops::DEPLOY);
        self.client.scoped(documented, deployment, |body| &mut body.org_slug).decode_as()
    }
}

/// What the server says about a deployment, in a form that is not documented.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Deployed(Value);

impl Deployed {
    /// Returns the whole response; null if it was empty.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// Returns the whole response; null if it was empty.
    pub fn into_value(self) -> Value {
        self.0
    }

    /// Returns the records in the response, as far as they can be found: in a bare list, or in one under `items`,
    /// `data` or `deployments`. An entry that is no record is left out; [`value`](Self::value) has it.
    pub fn records(&self) -> Vec<Deployment> {
        let held = || ["items", "data", "deployments"].iter().find_map(|key| self.0.get(key)?.as_array());
        let rows = self.0.as_array().or_else(held);
        rows.into_iter().flatten().filter_map(|row| Deployment::deserialize(row).ok()).collect()
    }
}
