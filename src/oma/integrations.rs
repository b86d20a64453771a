//! Integrations: agents as members of teams on Linear, GitHub and Slack.

use super::beta::none;
use super::ops;
use super::types::{
    Deletion, InstallStart, InstallStarted, Installation, Integration, IntegrationUninstall, ListPublicationsParams,
    Publication, PublicationUpdate,
};
use crate::http::{Core, Operation};
use crate::{Page, Redirect, Request};

/// Integrations, their installations and the agents published in them; from
/// [`Oma::integrations`](super::Oma::integrations). Not on Anthropic.
///
/// `provider` is `linear`, `github` or `slack`. The key must be one that a signed-in user has made: others are
/// [`PermissionDenied`](crate::Error::PermissionDenied). [`list`](Self::list), [`install`](Self::install) and
/// [`uninstall`](Self::uninstall) are documented for `V0`, and no server is known to have them.
#[derive(Clone, Debug)]
pub struct Integrations {
    core: Core,
}

impl Integrations {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    fn call<T>(&self, operation: Operation<T>) -> Request<T> {
        none(&self.core, operation)
    }

    /// Lists integrations.
    pub fn list(&self) -> Request<Page<Integration>> {
        self.call(ops::LIST_INTEGRATIONS).instead("use `integrations().installations` of each provider")
    }

    /// Begins to install an integration: returns where to send the user's browser, which is not followed.
    pub fn install(&self, integration_id: impl Into<String>) -> Request<Redirect> {
        let request = self.call(ops::INSTALL_INTEGRATION).id(integration_id);
        request.instead("use `integrations().start_install`")
    }

    /// Removes an integration, and revokes what it was granted.
    pub fn uninstall(&self, integration_id: impl Into<String>) -> Request<IntegrationUninstall> {
        let request = self.call(ops::UNINSTALL_INTEGRATION).id(integration_id);
        request.instead("use `integrations().unpublish` for each publication")
    }

    /// Begins to publish an agent on GitHub or Slack, which the user completes in a browser. It is not sent again once
    /// it may have been processed. For Linear, servers say that it is gone: see [`publish`](Self::publish).
    pub fn start_install(&self, provider: impl Into<String>, install: InstallStart) -> Request<InstallStarted> {
        self.call(ops::START_INSTALL).id(provider).json(&install)
    }

    /// Publishes an agent on Linear. It is not sent again once it may have been processed.
    pub fn publish(&self, provider: impl Into<String>, publication: InstallStart) -> Request<InstallStarted> {
        self.call(ops::CREATE_PUBLICATION).id(provider).json(&publication)
    }

    /// Lists publications. Servers give those that wait to be completed only, and want `status` to say `pending`; see
    /// [`installation_publications`](Self::installation_publications) and
    /// [`agent_publications`](Self::agent_publications) for all others.
    pub fn publications(
        &self,
        provider: impl Into<String>,
        params: ListPublicationsParams,
    ) -> Request<Page<Publication>> {
        self.call(ops::LIST_PUBLICATIONS).id(provider).params(&params)
    }

    /// Returns a publication.
    pub fn publication(&self, provider: impl Into<String>, publication_id: impl Into<String>) -> Request<Publication> {
        self.call(ops::GET_PUBLICATION).id(provider).id(publication_id)
    }

    /// Changes as whom an agent appears, and what it may do.
    pub fn update_publication(
        &self,
        provider: impl Into<String>,
        publication_id: impl Into<String>,
        update: PublicationUpdate,
    ) -> Request<Publication> {
        self.call(ops::UPDATE_PUBLICATION).id(provider).id(publication_id).json(&update)
    }

    /// Ends the publication of an agent.
    pub fn unpublish(&self, provider: impl Into<String>, publication_id: impl Into<String>) -> Request<Deletion> {
        self.call(ops::DELETE_PUBLICATION).id(provider).id(publication_id)
    }

    /// Lists the workspaces in which a provider's integration is installed.
    pub fn installations(&self, provider: impl Into<String>) -> Request<Page<Installation>> {
        self.call(ops::LIST_INSTALLATIONS).id(provider)
    }

    /// Lists the publications in an installation.
    pub fn installation_publications(
        &self,
        provider: impl Into<String>,
        installation_id: impl Into<String>,
    ) -> Request<Page<Publication>> {
        self.call(ops::LIST_INSTALLATION_PUBLICATIONS).id(provider).id(installation_id)
    }

    /// Lists the publications of an agent.
    pub fn agent_publications(
        &self,
        provider: impl Into<String>,
        agent_id: impl Into<String>,
    ) -> Request<Page<Publication>> {
        self.call(ops::LIST_AGENT_PUBLICATIONS).id(provider).id(agent_id)
    }
}
