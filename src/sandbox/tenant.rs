//! Tenants: accounts that do not see each other.

use std::fmt;
use std::sync::Arc;

use super::platforms::Clients;
use super::server::Shared;
use crate::{Error, Secret};

/// An account on each platform of a sandbox, with its own key and clients; from
/// [`Sandbox::tenant`](super::Sandbox::tenant).
#[derive(Clone)]
pub struct Tenant {
    name: String,
    url: String,
    key: Secret<String>,
    pub(super) clients: Clients,
    pub(super) shared: Arc<Shared>,
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenant").field("name", &self.name).field("url", &self.url).finish_non_exhaustive()
    }
}

impl Tenant {
    pub(super) fn new(name: &str, key: Secret<String>, url: &str, shared: &Arc<Shared>) -> Result<Self, Error> {
        let clients = Clients::new(&shared.platforms, url, &key)?;
        for platform in shared.platforms.all() {
            platform.open(name, &key);
        }
        Ok(Self { name: name.to_owned(), url: url.to_owned(), key, clients, shared: shared.clone() })
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the URL of the sandbox.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns its key, which is the same on all platforms.
    pub fn key(&self) -> &str {
        self.key.expose()
    }

    pub(super) fn secret(&self) -> Secret<String> {
        self.key.clone()
    }
}
