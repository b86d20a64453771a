//! API keys: the credentials of programs. A key belongs to a user and may create and revoke others.

use super::ops;
use super::types::{ApiKey, ApiKeyCreate, ApiKeyCreated, ListApiKeysParams};
use crate::Request;
use crate::http::Core;

/// The user's API keys; from [`Elephantasm::api_keys`](super::Elephantasm::api_keys).
///
/// Self-hosted servers only: on the public host each call gives [`NotFound`](crate::Error::NotFound) with
/// [`Reason::RouteMissing`](crate::Reason::RouteMissing).
#[derive(Clone, Debug)]
pub struct ApiKeys {
    core: Core,
}

impl ApiKeys {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Creates a key. No later response returns it again. Self-hosted servers only.
    ///
    /// Each call creates another key. It is therefore [`RetryClass::NonIdempotent`](crate::RetryClass::NonIdempotent).
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Error::InvalidArgument) for a name of more than 255 or a description of more than
    /// 1000 characters, [`NotFound`](crate::Error::NotFound) on the public host.
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

    /// Lists the keys, each by its first 12 characters. The list is not paged. Self-hosted servers only.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) on the public host.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::{Elephantasm, types::ListApiKeysParams};
    /// # async fn example(client: Elephantasm) -> Result<(), polyagent::Error> {
    /// for key in client.api_keys().list(ListApiKeysParams::new().include_inactive(true)).await? {
    ///     println!("{} {}: {} calls", key.key_prefix, key.name, key.request_count);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn list(&self, params: ListApiKeysParams) -> Request<Vec<ApiKey>> {
        Request::new(&self.core, ops::LIST_API_KEYS).params(&params)
    }

    /// Revokes a key for good, and keeps its record.
    ///
    /// It is [`RetryClass::NonIdempotent`](crate::RetryClass::NonIdempotent): a second revocation may be an error.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when the key does not exist, [`BadRequest`](crate::Error::BadRequest) when
    /// it is already revoked, [`InvalidArgument`](crate::Error::InvalidArgument) when the id is not a UUID.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::Elephantasm;
    /// # async fn example(client: Elephantasm, key_id: &str) -> Result<(), polyagent::Error> {
    /// let key = client.api_keys().revoke(key_id).await?;
    /// assert!(!key.is_active);
    /// # Ok(()) }
    /// ```
    pub fn revoke(&self, key_id: impl Into<String>) -> Request<ApiKey> {
        Request::new(&self.core, ops::REVOKE_API_KEY).id(key_id)
    }

    /// Deletes a key and its record for good.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when the key does not exist, possibly because an earlier attempt of the
    /// same call deleted it. [`InvalidArgument`](crate::Error::InvalidArgument) when the id is not a UUID.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::Elephantasm;
    /// # async fn example(client: Elephantasm, key_id: &str) -> Result<(), polyagent::Error> {
    /// client.api_keys().delete(key_id).await?;
    /// # Ok(()) }
    /// ```
    pub fn delete(&self, key_id: impl Into<String>) -> Request<()> {
        Request::new(&self.core, ops::DELETE_API_KEY).id(key_id)
    }
}
