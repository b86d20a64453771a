//! Vaults: they hold the credentials that sessions use.

use super::beta::managed_agents;
use super::ops;
use super::types::{Deletion, ListVaultsParams, Vault, VaultCreate, VaultUpdate};
use crate::http::Core;
use crate::{Page, Request};

/// Vaults; from [`Oma::vaults`](super::Oma::vaults).
#[derive(Clone, Debug)]
pub struct Vaults {
    core: Core,
}

impl Vaults {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Creates a vault. It is empty: secrets go into [credentials](super::Credentials). Servers drop a secret that is
    /// sent along, though the documentation of `V0` shows one.
    pub fn create(&self, vault: VaultCreate) -> Request<Vault> {
        managed_agents(&self.core, ops::CREATE_VAULT).json(&vault)
    }

    /// Returns a vault.
    pub fn get(&self, vault_id: impl Into<String>) -> Request<Vault> {
        managed_agents(&self.core, ops::GET_VAULT).id(vault_id)
    }

    /// Lists vaults. Archived ones are left out by default.
    pub fn list(&self, params: ListVaultsParams) -> Request<Page<Vault>> {
        managed_agents(&self.core, ops::LIST_VAULTS).params(&params)
    }

    /// Updates a vault.
    pub fn update(&self, vault_id: impl Into<String>, update: VaultUpdate) -> Request<Vault> {
        managed_agents(&self.core, ops::UPDATE_VAULT).id(vault_id).json(&update)
    }

    /// Archives a vault and its credentials.
    pub fn archive(&self, vault_id: impl Into<String>) -> Request<Vault> {
        managed_agents(&self.core, ops::ARCHIVE_VAULT).id(vault_id)
    }

    /// Deletes a vault and its credentials for good.
    pub fn delete(&self, vault_id: impl Into<String>) -> Request<Deletion> {
        managed_agents(&self.core, ops::DELETE_VAULT).id(vault_id)
    }
}
