//! API keys of the tenant.

use super::beta::none;
use super::ops;
use super::types::{ApiKey, ApiKeyCreate, ApiKeyCreated, Deletion};
use crate::http::Core;
use crate::{Page, Request};

/// API keys; from [`Oma::api_keys`](super::Oma::api_keys). Anthropic's are made in its console.
#[derive(Clone, Debug)]
pub struct ApiKeys {
    core: Core,
}

impl ApiKeys {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Creates a key. This response alone holds it.
    pub fn create(&self, key: ApiKeyCreate) -> Request<ApiKeyCreated> {
        none(&self.core, ops::CREATE_API_KEY).json(&key).instead(CONSOLE)
    }

    /// Lists the keys.
    pub fn list(&self) -> Request<Page<ApiKey>> {
        none(&self.core, ops::LIST_API_KEYS).instead(CONSOLE)
    }

    /// Revokes a key.
    pub fn revoke(&self, key_id: impl Into<String>) -> Request<Deletion> {
        none(&self.core, ops::DELETE_API_KEY).id(key_id).instead(CONSOLE)
    }
}

const CONSOLE: &str = "use the console";
