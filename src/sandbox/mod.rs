//! The platforms in memory, on a loopback port.
//!
//! A [`Sandbox`] serves what the OpenAPI document describes: it checks keys, validates values, stores what it is sent,
//! responds with the platform's own messages, and simulates the quirks observed on real servers. It needs no account
//! and no network, so you can write and test programs with it, in Rust and, over its port, in any other language.
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
//! client.events().create(EventCreate::new(&anima.id, EventType::MessageIn, "My car is red.")).await?;
//!
//! let pack = client.memory_packs().latest(&anima.id, GetLatestMemoryPackParams::new().query("Which tea?")).await?;
//! let context = pack.and_then(|pack| pack.content.context).unwrap_or_default();
//! assert!(context.contains("green tea") && !context.contains("car"));
//! # Ok(()) }
//! ```
//!
//! # What it simulates
//!
//! - **State.** Tenants, each with its own keys and objects; soft deletes and what they include; plans and rate limits,
//!   if [set](SandboxBuilder).
//! - **Dedupe keys.** They are stored, and by default [not compared](elephantasm::Quirk::DuplicateKeys): an event that
//!   is sent twice is stored twice, as on the observed servers. `Quirks::observed().without(Quirk::DuplicateKeys)`
//!   simulates a server that rejects the second one with 409.
//! - **Packs.** With a query, a pack holds every captured event of the anima that shares a term with it: a word,
//!   ignoring case. Without one it holds the latest 20 events that no memory covers; but the latest pack without a
//!   query is the newest stored one, however old, if there is one. Its `pending_events` are truncated to 500 characters
//!   each, its `context` has them in full. A custom configuration
//!   ([`compile`](crate::elephantasm::MemoryPacks::compile)) holds 20 events by default. Similarity is the share of the
//!   query's terms that a text contains. No model is used: real servers select by meaning, and create memories from
//!   events in the background, which a sandbox never does.
//! - **Memories.** Those created by the API have no embedding, so neither semantic search nor the long-term memories of
//!   a pack include them until [`Tenant::embed_memories`] gives them one. A pack's session memories are the active ones
//!   of the last 24 hours, embedded or not.
//! - **Time.** The sandbox's clock runs with the machine's, and can be moved [forward](Sandbox::advance). A dream ends
//!   once it has been read twice, or after a minute.
//! - **Validation.** Values that do not match the document get the platform's own list of violations.
//! - **Quirks.** Each [difference](elephantasm::Quirk) between servers and their documentation has a switch, and there
//!   are presets: [observed](elephantasm::Quirks::observed), the default,
//!   [self-hosted](elephantasm::Quirks::self_hosted) and [documented](elephantasm::Quirks::documented).
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

mod aim;
mod answer;
mod builder;
mod clock;
mod document;
pub mod elephantasm;
mod fault;
mod faults;
mod ids;
mod nearest;
mod reach;
mod record;
mod reply;
mod schema;
mod server;
mod spec;
mod tenant;
mod terms;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use self::builder::SandboxBuilder;
pub use self::fault::Fault;
pub use self::faults::Armed;
pub use self::reach::Reach;
pub use self::record::Recorded;
use self::server::{Server, Shared};
pub use self::tenant::Tenant;
use crate::Error;
use crate::check::InvalidArgument;
use crate::elephantasm::Elephantasm;
use crate::http::ClientBuilder;
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

    /// Returns the base URL, such as `http://127.0.0.1:49152`, without a trailing slash. Append the platforms' paths to
    /// it: `/api/health`.
    pub fn url(&self) -> &str {
        self.tenant.url()
    }

    /// Returns the key of the default tenant.
    pub fn key(&self) -> &str {
        self.tenant.key()
    }

    /// Returns a client of Elephantasm for the default tenant. Clients of one sandbox share connections.
    pub fn elephantasm(&self) -> Elephantasm {
        self.tenant.elephantasm()
    }

    /// Returns a builder of a client of Elephantasm for the default tenant, with URL and key filled in.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use polyagent::sandbox::{Fault, Sandbox};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), polyagent::Error> {
    /// let sandbox = Sandbox::start().await?;
    /// let client = sandbox.elephantasm_builder().attempt_timeout(Duration::from_millis(500)).build()?;
    /// sandbox.fault(Fault::stall())?;
    /// client.health().await?; // the second attempt succeeds
    /// assert_eq!(sandbox.requests().len(), 2);
    /// # Ok(()) }
    /// ```
    pub fn elephantasm_builder(&self) -> ClientBuilder<Elephantasm> {
        self.tenant.elephantasm_builder()
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
        Tenant::new(name, None, self.url(), &self.shared)
    }

    /// Returns the tenant of the client that [`elephantasm`](Self::elephantasm) returns.
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
                let nearest = nearest::nearest(operation, &operations).join(", ");
                let reason = format!("is unknown: {operation}; the nearest: {nearest}");
                return Err(InvalidArgument::new("operation", reason).into());
            }
        }
        Ok(self.shared.faults.arm(fault))
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
        self.shared.document.ids()
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
        self.shared.faults.clear();
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

    /// Moves the sandbox's clock forward, at most to the end of the year 9999, where it stops. Dreams end, animas
    /// become dormant, months begin. Rate limits and faults use the machine's clock.
    pub fn advance(&self, by: Duration) {
        self.shared.clock.advance(by);
    }

    /// Returns the port that it listens on.
    pub fn port(&self) -> u16 {
        self.server.address.port()
    }
}

impl Shared {
    /// Runs `act` on Elephantasm, at the sandbox's current time.
    fn with_elephantasm<T>(&self, act: impl FnOnce(&mut elephantasm::Platform, clock::Micros) -> T) -> T {
        let now = self.clock.now();
        act(&mut lock(&self.elephantasm), now)
    }
}
