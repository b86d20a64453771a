//! Starting a sandbox.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::clock::Clock;
use super::document::Document;
use super::elephantasm::{Plan, Platform, Quirks, RateLimit};
use super::reach::Orders;
use super::server::{Server, Shared};
use super::tenant::Tenant;
use super::{DEFAULT_TENANT, Sandbox};
use crate::{Error, Secret, Timestamp};

/// Builds a [`Sandbox`] with non-default settings; from [`Sandbox::builder`].
///
/// ```
/// # use std::time::Duration;
/// # use polyagent::sandbox::Sandbox;
/// use polyagent::sandbox::elephantasm::{Plan, Quirks};
/// # #[tokio::main]
/// # async fn main() -> Result<(), polyagent::Error> {
/// let sandbox = Sandbox::builder()
///     .key("sk_live_0123456789abcdef0123456789abcdef")
///     .elephantasm_quirks(Quirks::documented())
///     .elephantasm_plan(Plan::free())
///     .elephantasm_rate_limit(5, Duration::from_secs(1))
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
    rate: Option<RateLimit>,
    quirks: Quirks,
    plan: Plan,
}

impl SandboxBuilder {
    /// Sets the port to listen on. Default: 0, any free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets the key of the default tenant, of visible ASCII characters. Surrounding white space is trimmed, as in
    /// clients. Default: a new one.
    pub fn key(mut self, key: impl Into<Secret<String>>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets the initial time of the sandbox's clock. Default: the current time.
    pub fn starts_at(mut self, time: impl Into<Timestamp>) -> Self {
        self.starts_at = Some(time.into());
        self
    }

    /// Sets how many calls of Elephantasm each tenant may make within any period of `per`; further calls get 429.
    /// Default: no limit. Calls with any of the tenant's keys count together; calls beyond the limit, calls without a
    /// valid key and health checks do not count.
    ///
    /// Real servers count by the client's address, which is the same for all tenants of a sandbox.
    pub fn elephantasm_rate_limit(mut self, calls: usize, per: Duration) -> Self {
        self.rate = Some(RateLimit { calls, per });
        self
    }

    /// Sets the quirks of Elephantasm. Default: [`Quirks::observed`].
    pub fn elephantasm_quirks(mut self, quirks: Quirks) -> Self {
        self.quirks = quirks;
        self
    }

    /// Sets the initial plan of every tenant of Elephantasm. Default: [`Plan::unlimited`]. By default, the
    /// [quirks](Self::elephantasm_quirks) let one more than a [limit](Plan::events) through.
    pub fn elephantasm_plan(mut self, plan: Plan) -> Self {
        self.plan = plan;
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
        let key = self.key.map(usable).transpose()?;
        let (reach, orders) = Orders::new();
        let shared = Arc::new(Shared {
            document: Document::get()?,
            clock: self.starts_at.map_or_else(Clock::default, Clock::starting_at),
            faults: super::faults::Faults::default(),
            reach,
            log: super::record::Log::default(),
            elephantasm: Mutex::new(Platform::new(self.quirks, self.plan, self.rate)),
        });
        let server = Server::start(self.port, shared.clone(), orders)
            .map_err(|error| Error::config_from(format!("the sandbox can't listen on port {}", self.port), error))?;
        let url = format!("http://{}", server.address);
        let tenant = Tenant::new(DEFAULT_TENANT, key, &url, &shared)?;
        Ok(Sandbox { server, shared, tenant })
    }
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
