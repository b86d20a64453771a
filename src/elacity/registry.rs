//! Registries: versions of prompts and promptlets.

use serde_json::Value;

use super::response::or_default;
use super::types::{
    Artifact, ArtifactClone, ArtifactPublish, ArtifactVersion, GetPromptParams, OrganizationScope, PromptContent,
    PromptDetails, PullPromptParams, Registry, RegistryScope,
};
use super::{Elacity, ops};
use crate::{Page, Request};

/// Versions of prompts and promptlets; from [`Elacity::registry`].
///
/// A registry is named `{organization}/{registry}`. Versions are exact, such as `1.2.0`: ranges stand in sources only.
/// A version has a variant for each model, and `generic` for all others. Public registries are read without a key.
#[derive(Clone, Debug)]
pub struct Registries {
    client: Elacity,
}

impl Registries {
    pub(super) fn new(client: &Elacity) -> Self {
        Self { client: client.clone() }
    }

    /// Publishes one version. Its path is documented; the response is not.
    ///
    /// The text is compiled and hashed by the caller: the reference requires both, although the guide has the platform
    /// compile it. What the hash is made of is not documented.
    ///
    /// # Errors
    /// [`PermissionDenied`](crate::Error::PermissionDenied) when the key may not publish there.
    pub fn publish(&self, registry_ref: impl Into<String>, version: ArtifactVersion) -> Request<Value> {
        self.client.call(ops::PUBLISH_ARTIFACT).json(&ArtifactPublish::new(registry_ref, version))
    }

    /// Returns source and compiled text of one version. Its path is documented. Needs no key for public registries.
    ///
    /// Run-time variables are left in the text: [`PromptContent::render`] fills them in.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when there is no such version.
    ///
    /// ```no_run
    /// # use polyagent::elacity::Elacity;
    /// # async fn example(client: Elacity) -> Result<(), polyagent::Error> {
    /// let prompt = client.registry().pull("acme/voice", "greeter", "1.2.0").await?;
    /// println!("{}", prompt.render([("name", "Ada")])?);
    /// # Ok(()) }
    /// ```
    pub fn pull(
        &self,
        registry_ref: impl Into<String>,
        prompt_name: impl Into<String>,
        version: impl Into<String>,
    ) -> Request<PromptContent> {
        self.pull_with(PullPromptParams::new(registry_ref, prompt_name, version))
    }

    /// Returns source and compiled text of one version, in the variant for a model. Its path is documented.
    ///
    /// # Errors
    /// Those of [`pull`](Self::pull).
    pub fn pull_with(&self, params: PullPromptParams) -> Request<PromptContent> {
        self.client.call(ops::PULL_PROMPT).params(&params).read_with(or_default)
    }

    /// Copies a version to another name, version or registry. Its path is inferred, not confirmed by the vendor's
    /// documentation; the response is not documented.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Error::InvalidArgument) for a name with other characters than letters, digits, `.`,
    /// `_` and `-`, or a version that is not `major.minor.patch`.
    pub fn clone_version(&self, clone: ArtifactClone) -> Request<Value> {
        self.client.inferred(ops::CLONE_ARTIFACT).json(&clone)
    }

    /// Returns a prompt with all its versions; `None` if the server says nothing. Its path is inferred, not confirmed
    /// by the vendor's documentation; the fields of the response are inferred too.
    pub fn get(
        &self,
        registry_ref: impl Into<String>,
        prompt_name: impl Into<String>,
    ) -> Request<Option<PromptDetails>> {
        self.client.inferred(ops::GET_PROMPT).params(&GetPromptParams::new(registry_ref, prompt_name))
    }

    /// Lists the registries of the organization. The operation and its path are inferred, not confirmed by the vendor's
    /// documentation.
    pub fn list(&self) -> Request<Page<Registry>> {
        let inferred = self.client.inferred(ops::LIST_REGISTRIES);
        self.client.scoped(inferred, OrganizationScope::new(), |scope| &mut scope.org_slug)
    }

    /// Lists the prompts and promptlets of a registry. The operation and its path are inferred, not confirmed by the
    /// vendor's documentation.
    pub fn artifacts(&self, registry_ref: impl Into<String>) -> Request<Page<Artifact>> {
        self.client.inferred(ops::LIST_ARTIFACTS).json(&RegistryScope::new(registry_ref))
    }
}
