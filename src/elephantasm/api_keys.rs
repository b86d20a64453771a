//! API keys: the credentials of programs. A key belongs to a user and may create and revoke others.

use super::ops;
use super::types::{ApiKey, ApiKeyCreate, ApiKeyCreated, ListApiKeysParams};
use crate::Request;
use crate::http::Core;

/// The user's API keys; from [`Elephantasm::api_keys`](super::Elephantasm::api_keys). Self-hosted servers only.
#[derive(Clone, Debug)]
pub struct ApiKeys {
    core: Core,
}

impl ApiKeys {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Creates a key. No later response returns it again, and each call creates another one.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Elephantasm, types::ApiKeyCreate};
    /// # fn store(id: &str, key: &str) {}
    /// # async fn example(client: Elephantasm) -> Result<(), polyagent::Error> {
    /// let created = client.api_keys().create(ApiKeyCreate::new("nightly import")).await?;
    /// store(&created.id, created.full_key.expose());
    /// # Ok(()) }
    /// ```
    pub fn create(&self, key: ApiKeyCreate) -> Request<ApiKeyCreated> {
        Request::new(&self.core, ops::CREATE_API_KEY).json(&key)
    }

    /// Lists the keys, each by its first 12 characters. The list is not paged.
    pub fn list(&self, params: ListApiKeysParams) -> Request<Vec<ApiKey>> {
        Request::new(&self.core, ops::LIST_API_KEYS).params(&params)
    }

    /// Revokes a key for good, and keeps its record.
    ///
    /// # Errors
    /// [`BadRequest`](crate::Error::BadRequest) when it is already revoked.
    pub fn revoke(&self, key_id: impl Into<String>) -> Request<ApiKey> {
        Request::new(&self.core, ops::REVOKE_API_KEY).id(key_id)
    }

    /// Deletes a key and its record for good.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when the key does not exist, possibly because an earlier attempt of the
    /// same call deleted it.
    pub fn delete(&self, key_id: impl Into<String>) -> Request<()> {
        Request::new(&self.core, ops::DELETE_API_KEY).id(key_id)
    }
}
