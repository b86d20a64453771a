//! Credentials in vaults: secrets for MCP servers and environment variables.

use super::beta::managed_agents;
use super::ops;
use super::types::{
    Credential, CredentialCreate, CredentialUpdate, CredentialValidation, Deletion, ListCredentialsParams,
    ValidationStatus,
};
use crate::http::Core;
use crate::{Page, Request};

/// Credentials; from [`Oma::credentials`](super::Oma::credentials).
///
/// Secrets are sent and never come back.
#[derive(Clone, Debug)]
pub struct Credentials {
    core: Core,
}

impl Credentials {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Adds a credential to a vault.
    ///
    /// # Errors
    /// [`Conflict`](crate::Error::Conflict) if the vault has one for the same MCP server.
    pub fn create(&self, vault_id: impl Into<String>, credential: CredentialCreate) -> Request<Credential> {
        managed_agents(&self.core, ops::CREATE_CREDENTIAL).id(vault_id).json(&credential)
    }

    /// Returns a credential without its secrets.
    pub fn get(&self, vault_id: impl Into<String>, credential_id: impl Into<String>) -> Request<Credential> {
        managed_agents(&self.core, ops::GET_CREDENTIAL).id(vault_id).id(credential_id)
    }

    /// Lists the credentials of a vault.
    pub fn list(&self, vault_id: impl Into<String>, params: ListCredentialsParams) -> Request<Page<Credential>> {
        managed_agents(&self.core, ops::LIST_CREDENTIALS).id(vault_id).params(&params)
    }

    /// Replaces secrets of a credential. The type of `auth` must be the one it has.
    pub fn update(
        &self,
        vault_id: impl Into<String>,
        credential_id: impl Into<String>,
        update: CredentialUpdate,
    ) -> Request<Credential> {
        managed_agents(&self.core, ops::UPDATE_CREDENTIAL).id(vault_id).id(credential_id).json(&update)
    }

    /// Archives a credential.
    pub fn archive(&self, vault_id: impl Into<String>, credential_id: impl Into<String>) -> Request<Credential> {
        managed_agents(&self.core, ops::ARCHIVE_CREDENTIAL).id(vault_id).id(credential_id)
    }

    /// Deletes a credential for good.
    pub fn delete(&self, vault_id: impl Into<String>, credential_id: impl Into<String>) -> Request<Deletion> {
        managed_agents(&self.core, ops::DELETE_CREDENTIAL).id(vault_id).id(credential_id)
    }

    /// Tries an OAuth credential of an MCP server; see [`is_valid`](CredentialValidation::is_valid).
    ///
    /// # Errors
    /// Servers of `V0` say by [`BadRequest`](crate::Error::BadRequest), or 502, that it does not work.
    pub fn validate(
        &self,
        vault_id: impl Into<String>,
        credential_id: impl Into<String>,
    ) -> Request<CredentialValidation> {
        managed_agents(&self.core, ops::VALIDATE_CREDENTIAL).id(vault_id).id(credential_id)
    }
}

impl CredentialValidation {
    /// Returns whether the credential works; `None` if the server could not tell.
    pub fn is_valid(&self) -> Option<bool> {
        match &self.status {
            Some(ValidationStatus::Valid) => Some(true),
            Some(ValidationStatus::Invalid) => Some(false),
            Some(_) => None,
            None => self.validated,
        }
    }
}
