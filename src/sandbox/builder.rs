//! Starting a sandbox.

use std::sync::{Arc, Mutex};

use super::clock::Clock;
use super::network::{Injector, Orders};
use super::platforms::{Platforms, Settings};
use super::record::Log;
use super::server::{Server, Shared};
use super::tenant::Tenant;
use super::{DEFAULT_TENANT, Sandbox, ids};
use crate::{Error, Secret, Timestamp};

/// Builds a [`Sandbox`] with non-default settings; from [`Sandbox::builder`].
///
/// ```
/// # use std::time::Duration;
/// # use polyagent::sandbox::Sandbox;
/// use polyagent::sandbox::elephantasm::Plan;
/// # #[tokio::main]
/// # async fn main() -> Result<(), polyagent::Error> {
/// let sandbox = Sandbox::builder()
///     .key("sk_live_0123456789abcdef0123456789abcdef")
///     .elephantasm(|platform| platform.plan(Plan::free()).rate_limit(5, Duration::from_secs(1)))
///     .start()
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `start` is called"]
pub struct SandboxBuilder {
    port: u16,
    key: Option<Secret<String>>,
    starts_at: Option<Timestamp>,
    paused: bool,
    pub(super) settings: Settings,
}

impl SandboxBuilder {
    /// Sets the port to listen on. Default: 0, any free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets the key of the default tenant on all platforms, of visible ASCII characters. Surrounding white space is
    /// trimmed, as in clients. Default: a new one.
    pub fn key(mut self, key: impl Into<Secret<String>>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets the initial time of the sandbox's clock. Default: the current time.
    pub fn starts_at(mut self, time: impl Into<Timestamp>) -> Self {
        self.starts_at = Some(time.into());
        self
    }

    /// Makes the sandbox's clock stand still but for [`Sandbox::advance`], so that nothing happens just because a test
    /// or its machine is slow. Default: it runs.
    pub fn paused_clock(mut self) -> Self {
        self.paused = true;
        self
    }

    /// Starts the sandbox.
    ///
    /// # Errors
    /// [`Error::Config`] if the port is in use, the key is empty or not of visible ASCII characters, or the clock
    /// cannot start at that time.
    #[allow(
        clippy::unused_async,
        reason = "starting may come to wait for something, and callers should not have to change"
    )]
    pub async fn start(self) -> Result<Sandbox, Error> {
        let key = self.key.map(usable).transpose()?.unwrap_or_else(new_key);
        let clock = self.starts_at.map_or_else(Clock::default, Clock::starting_at);
        let clock = Arc::new(if self.paused { clock.paused() } else { clock });
        let (reach, orders) = Orders::new();
        let shared = Arc::new(Shared {
            platforms: Platforms::new(self.settings, &clock),
            clock,
            injector: Arc::new(Injector::default()),
            reach,
            log: Log::default(),
        });
        let server = Server::start(self.port, shared.clone(), orders)
            .map_err(|error| Error::config_from(format!("the sandbox can't listen on port {}", self.port), error))?;
        let url = format!("http://{}", server.address);
        let tenant = Tenant::new(DEFAULT_TENANT, key, &url, &shared)?;
        Ok(Sandbox { server, shared, tenant, tenants: Mutex::default() })
    }
}

/// A new key, in the form that most platforms use.
pub(super) fn new_key() -> Secret<String> {
    Secret::new(format!("sk_live_{}", ids::hex()))
}

/// A key as clients send it.
fn usable(key: Secret<String>) -> Result<Secret<String>, Error> {
    let key = key.expose().trim();
    if key.is_empty() {
        return Err(Error::config("the sandbox's key is empty"));
    }
    if !key.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(Error::config("the sandbox's key has characters that are not visible ASCII"));
    }
    Ok(Secret::new(key.to_owned()))
}
