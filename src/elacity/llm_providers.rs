//! Connections to vendors of models.

use super::types::{LlmProvider, LlmProviderCreate, OrganizationScope};
use super::{Elacity, ops};
use crate::{Page, Request};

/// The connections of an organization to vendors of models; from [`Elacity::llm_providers`]. They are not the
/// providers at which agents run.
#[derive(Clone, Debug)]
pub struct LlmProviders {
    client: Elacity,
}

impl LlmProviders {
    pub(super) fn new(client: &Elacity) -> Self {
        Self { client: client.clone() }
    }

    /// Stores a connection; `None` if the server says nothing about it. Its path is inferred, not confirmed by the
    /// vendor's documentation; the fields of the response are inferred too.
    ///
    /// The key of the vendor is taken out of errors, should the server echo it.
    ///
    /// ```no_run
    /// # use polyagent::elacity::{Elacity, llm_provider, types::LlmProviderCreate};
    /// # async fn example(client: Elacity, api_key: String) -> Result<(), polyagent::Error> {
    /// let provider = LlmProviderCreate::new("Main OpenAI", llm_provider::OPENAI, api_key).is_default(true);
    /// client.llm_providers().create(provider).await?;
    /// # Ok(()) }
    /// ```
    pub fn create(&self, provider: LlmProviderCreate) -> Request<Option<LlmProvider>> {
        let inferred = self.client.inferred(ops::CREATE_LLM_PROVIDER).conceal(&provider.api_key);
        self.client.scoped(inferred, provider, |body| &mut body.org_slug)
    }

    /// Lists the connections of the organization. The operation and its path are inferred, not confirmed by the
    /// vendor's documentation.
    pub fn list(&self) -> Request<Page<LlmProvider>> {
        let inferred = self.client.inferred(ops::LIST_LLM_PROVIDERS);
        self.client.scoped(inferred, OrganizationScope::new(), |scope| &mut scope.org_slug)
    }
}
