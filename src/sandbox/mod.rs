//! The platforms in memory, on a loopback port.
//!
//! A [`Sandbox`] serves what the OpenAPI document describes: it checks keys, validates values, stores what it is sent,
//! responds in the platform's own error format, and plays what a program can notice of a real server. It needs no
//! account and no network, so you can write and test programs with it, in Rust and, over its port, in any other
//! language.
//!
//! ```
//! use polyagent::elephantasm::types::{AnimaCreate, EventCreate, EventType, GetLatestMemoryPackParams};
//! use polyagent::sandbox::Sandbox;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), polyagent::Error> {
//! let sandbox = Sandbox::start().await?;
//! let client = sandbox.elephantasm();
//!
//! let anima = client.animas().create(AnimaCreate::new("Ada")).await?;
//! client.events().create(EventCreate::new(&anima.id, EventType::MessageIn, "I like green tea.")).await?;
//!
//! let pack = client.memory_packs().latest(&anima.id, GetLatestMemoryPackParams::new().query("Which tea?")).await?;
//! let context = pack.and_then(|pack| pack.content.context).unwrap_or_default();
//! assert!(context.contains("green tea"));
//! # Ok(()) }
//! ```
//!
//! # What it simulates
//!
//! - **State.** Tenants, each with its own key and objects on every platform; plans and rate limits, if set.
//! - **Platforms.** Each is served under its name, as `http://127.0.0.1:49152/elephantasm`, with the paths of its real
//!   host behind it. By default it has what the platform's public host has; [`SandboxBuilder`] turns on what only
//!   self-hosted servers, older generations or the documentation have. What is special to a platform stands in its
//!   module, such as [`elephantasm`].
//! - **Time.** The sandbox's clock runs with the machine's, and can be moved [forward](Sandbox::advance). Long jobs end
//!   after some time, or once they have been read a few times.
//! - **Validation.** Values that do not match the document get the platform's own error response. Sentences in it are
//!   not those of a real server, statuses, codes and names are.
//! - **Faults.** What a network or a server can do to a connection, a request and a response: see [`Fault`].
//!
//! # With a paused clock
//!
//! `#[tokio::test(start_paused = true)]` does not work with a sandbox. A paused clock jumps to the next timer whenever
//! the program only waits for a socket, so the client's timeouts fire before the sandbox, which has its own thread and
//! clock, has responded. Leave the clock running, and set short timeouts and pauses:
//!
//! ```
//! # use std::time::Duration;
//! # use polyagent::RetryPolicy;
//! # use polyagent::sandbox::{Fault, Sandbox};
//! # #[tokio::main]
//! # async fn main() -> Result<(), polyagent::Error> {
//! let sandbox = Sandbox::start().await?;
//! let client = sandbox
//!     .elephantasm_builder()
//!     .attempt_timeout(Duration::from_millis(200))
//!     .retry_policy(RetryPolicy::default().backoff(Duration::from_millis(1), Duration::from_millis(10)))
//!     .build()?;
//! sandbox.fault(Fault::stall())?;
//! client.health().await?;
//! # Ok(()) }
//! ```

#![allow(clippy::unnecessary_wraps, reason = "handlers have one signature, whether or not they can refuse")]

mod builder;
#[allow(dead_code, reason = "what platforms use differs")]
mod clock;
#[allow(dead_code, reason = "what platforms use differs")]
mod error_reply;
#[allow(dead_code, reason = "what platforms use differs")]
mod handlers;
#[allow(dead_code, reason = "what platforms use differs")]
mod ids;
#[allow(dead_code, reason = "what platforms use differs")]
mod life;
#[allow(dead_code, reason = "what platforms use differs")]
mod multipart;
mod network;
mod outgoing;
mod paging;
mod pipeline;
#[allow(dead_code, reason = "what platforms use differs")]
mod platform;
mod platforms;
mod record;
#[allow(dead_code, reason = "what platforms use differs")]
mod reply;
mod router;
mod server;
mod shape;
#[allow(dead_code, reason = "what platforms use differs")]
mod spec;
#[allow(dead_code, reason = "what platforms use differs")]
mod store;
#[allow(dead_code, reason = "what platforms use differs")]
mod stream;
mod tenant;
#[cfg(any(feature = "elephantasm", feature = "oma"))]
mod terms;
#[allow(dead_code, reason = "what platforms use differs")]
mod validate;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod shared_tests;

#[cfg(feature = "eclips")]
pub mod eclips;
#[cfg(feature = "elacity")]
pub mod elacity;
#[cfg(feature = "elephantasm")]
pub mod elephantasm;
#[cfg(feature = "launchpad")]
pub mod launchpad;
#[cfg(feature = "oma")]
pub mod oma;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub use self::builder::SandboxBuilder;
pub use self::network::{Armed, Fault, Reach};
pub use self::record::Recorded;
use self::server::{Server, Shared};
pub use self::tenant::Tenant;
use crate::Error;
use crate::check::InvalidArgument;
use crate::lock::lock;

/// The name of the tenant whose clients the sandbox returns.
const DEFAULT_TENANT: &str = "default";

/// Platforms in memory, served on a loopback port until this is dropped.
///
/// It runs on a separate thread, on the machine's clock, so a test that uses it must not
/// [pause](self#with-a-paused-clock) its own. Dropping it closes its port and all connections.
pub struct Sandbox {
    server: Server,
    shared: Arc<Shared>,
    tenant: Tenant,
    /// All but the default one.
    tenants: Mutex<Vec<Tenant>>,
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl Sandbox {
    /// Starts a sandbox on a free port, with default settings.
    ///
    /// # Errors
    /// [`Error::Config`] if no port of the loopback address is available.
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// Returns a builder with default settings.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::default()
    }

    /// Returns the URL, such as `http://127.0.0.1:49152`, without a trailing slash. A platform's base URL is the URL
    /// with its name: `http://127.0.0.1:49152/elephantasm`.
    pub fn url(&self) -> &str {
        self.tenant.url()
    }

    /// Returns the key of the default tenant, which is the same on all platforms.
    pub fn key(&self) -> &str {
        self.tenant.key()
    }

    /// Returns the tenant of that name, creating it on the first call. Tenants do not see each other's objects.
    ///
    /// ```
    /// # use polyagent::elephantasm::types::AnimaCreate;
    /// # use polyagent::sandbox::Sandbox;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), polyagent::Error> {
    /// let sandbox = Sandbox::start().await?;
    /// let anima = sandbox.elephantasm().animas().create(AnimaCreate::new("Ada")).await?;
    ///
    /// let other = sandbox.tenant("other")?;
    /// assert!(other.elephantasm().animas().get(&anima.id).await.unwrap_err().is_not_found());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] if no HTTP client can be built.
    pub fn tenant(&self, name: &str) -> Result<Tenant, Error> {
        if name == DEFAULT_TENANT {
            return Ok(self.tenant.clone());
        }
        let mut others = lock(&self.tenants);
        if let Some(tenant) = others.iter().find(|tenant| tenant.name() == name) {
            return Ok(tenant.clone());
        }
        let tenant = Tenant::new(name, builder::new_key(), self.url(), &self.shared)?;
        others.push(tenant.clone());
        Ok(tenant)
    }

    /// Returns the tenant whose key and clients the sandbox returns.
    pub fn default_tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Arms a fault, which then affects the calls, requests or connections that it selects. If several are due, the one
    /// that was armed first applies, and the others wait for the next. A connection that a fault ends carries no
    /// request, and a request that a fault ends becomes no call; an [early](Fault::early) response precedes the other
    /// faults of calls, which then do not count the call.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the fault names an unknown operation or something that HTTP does not allow, or
    /// combines options that exclude each other.
    pub fn fault(&self, fault: Fault) -> Result<Armed, Error> {
        fault.check()?;
        if let Some(operation) = &fault.operation {
            let operations = self.operations();
            if !operations.contains(&operation.as_str()) {
                let similar: Vec<&str> = operations.into_iter().filter(|known| known.contains(operation)).collect();
                let reason = format!("is unknown: {operation}; similar ones: {}", similar.join(", "));
                return Err(InvalidArgument::new("operation", reason).into());
            }
        }
        Ok(self.shared.injector.arm(fault))
    }

    /// Returns the ids of all operations, in alphabetical order, as used by [`Fault::on`] and [`Recorded::operation`].
    ///
    /// ```
    /// # use polyagent::sandbox::Sandbox;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), polyagent::Error> {
    /// let sandbox = Sandbox::start().await?;
    /// assert!(sandbox.operations().contains(&"elephantasm_create_anima"));
    /// # Ok(()) }
    /// ```
    pub fn operations(&self) -> Vec<&'static str> {
        let mut ids: Vec<&str> =
            self.shared.platforms.all().iter().flat_map(|platform| platform.operations()).collect();
        ids.sort_unstable();
        ids
    }

    /// Makes the sandbox reachable or unreachable, and returns once that is in effect. It stays so until it is changed
    /// again, here or by a fault such as [`Fault::down_for`].
    ///
    /// ```
    /// # use polyagent::RetryPolicy;
    /// # use polyagent::sandbox::{Reach, Sandbox};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), polyagent::Error> {
    /// let sandbox = Sandbox::start().await?;
    /// let client = sandbox.elephantasm_builder().retry_policy(RetryPolicy::none()).build()?;
    ///
    /// sandbox.set_reach(Reach::Down).await?;
    /// let error = client.health().await.unwrap_err();
    /// assert!(error.is_connect() && !error.may_have_been_processed());
    ///
    /// sandbox.set_reach(Reach::Open).await?;
    /// client.health().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] if the port cannot be bound again, or the operating system cannot make the change.
    pub async fn set_reach(&self, reach: Reach) -> Result<(), Error> {
        let failed = |error| Error::config_from(format!("the sandbox's reach cannot be set to {reach:?}"), error);
        self.shared.reach.set(reach, None).await.map_err(failed)
    }

    /// Disarms all faults. An outage that one has started lasts until its end, or until the [reach](Self::set_reach) is
    /// set.
    pub fn clear_faults(&self) {
        self.shared.injector.clear();
    }

    /// Returns the latest 10,000 requests that arrived complete, with or without a response, oldest first.
    ///
    /// ```
    /// # use polyagent::sandbox::Sandbox;
    /// # use polyagent::elephantasm::types::AnimaCreate;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), polyagent::Error> {
    /// let sandbox = Sandbox::start().await?;
    /// sandbox.elephantasm().animas().create(AnimaCreate::new("Ada")).await?;
    /// let [request] = &sandbox.requests()[..] else { panic!("one request was sent") };
    /// assert_eq!(request.operation, Some("elephantasm_create_anima"));
    /// assert_eq!(request.json()["name"], "Ada");
    /// # Ok(()) }
    /// ```
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.log.all()
    }

    /// Moves the sandbox's clock forward, at most to the end of the year 9999, where it stops. Jobs end and
    /// months begin. Rate limits and faults use the machine's clock.
    pub fn advance(&self, by: Duration) {
        self.shared.clock.advance(by);
    }

    /// Returns the port that it listens on.
    pub fn port(&self) -> u16 {
        self.server.address.port()
    }
}
