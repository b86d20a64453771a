//! Open Managed Agents: agents with sessions, tools and environments, on servers of openma in two generations and on
//! Anthropic's Managed Agents API, which the newer one follows.
//!
//! An *agent* is a model with a system prompt and tools, in versions. A *session* runs an agent in an *environment*;
//! what happens in it are *events*. *Vaults* hold the credentials that sessions use. What Anthropic delivers to
//! webhooks is verified by [`webhooks::Verifier`].
//!
//! ```no_run
//! use polyagent::oma::{Oma, types::*};
//!
//! # async fn example() -> Result<(), polyagent::Error> {
//! let client = Oma::anthropic_from_env()?; // or Oma::from_env()? for servers of openma
//! let agent = client.agents().create(AgentCreate::new("triager", "claude-sonnet-5").system("Be short.")).await?;
//! let environment = client.environments().create(EnvironmentCreate::new("cloud")).await?;
//! let session = client.sessions().create(SessionCreate::new(agent.id.as_str(), &environment.id)).await?;
//! client.sessions().send(&session.id, UserMessage::text("What is new?")).await?;
//! # Ok(()) }
//! ```
//!
//! # Generations
//!
//! One set of types and methods speaks to all [`Generation`]s; a request is spelled for the server that it goes to.
//! Anthropic is known by its host or set by hand. Whether a server of openma is `V0` or `V1` is found out by the first
//! call that depends on it, with one more request, and kept by the client and its clones. A field that is set and that
//! the server's generation does not know is an [`InvalidArgument`](crate::Error::InvalidArgument); an operation that it
//! does not have is [`Unsupported`](crate::Error::Unsupported). Both are errors before the call itself is sent.
//!
//! | operations | V0 | V1 | Anthropic |
//! |---|---|---|---|
//! | [`Agents`]: `create`, `get`, `list`, `update`, `archive`, `versions`, `version` | yes | yes | yes |
//! | [`Agents`]: `delete` | yes | | |
//! | [`Environments`]: all | yes | yes | yes |
//! | [`Sessions`]: `create`, `get`, `list`, `update`, `archive`, `delete` | yes | yes | yes |
//! | [`Sessions`]: `cancel`, `log`, `events`, `send` | yes | yes | yes |
//! | [`Sessions`]: `stream`, `messages`, `chat`, `wait_until_idle` | yes | yes | yes |
//! | [`Sessions`]: `pending`, `exec` | yes | yes | |
//! | [`Threads`], [`Resources`]: all | yes | yes | yes |
//! | [`Outputs`]: all | yes | yes | |
//! | [`Vaults`], [`Credentials`]: all | yes | yes | yes |
//! | [`Models`]: all | | yes | yes |
//! | [`Files`]: all but `promote`; [`Skills`]: all but `file`, `upload_zip`, `download_version` | yes | yes | yes |
//! | [`Files`]: `promote`; [`Skills`]: `upload_zip` | yes | yes | |
//! | [`Skills`]: `file` | yes | | |
//! | [`Skills`]: `download_version` | | yes | yes |
//! | [`MemoryStores`]: all but `entries`, `search`; [`Memories`], [`MemoryVersions`]: all | yes | yes | yes |
//! | [`MemoryStores`]: `entries`, `search` | yes | | |
//! | [`Deployments`], [`DeploymentRuns`], [`Dreams`]: all | | yes | yes |
//! | [`ModelCards`], [`Evals`]: all | yes | yes | |
//! | [`Integrations`]: all but `list`, `install`, `uninstall` | yes | yes | |
//! | [`Oauth`]: `authorize_mcp`, `complete_mcp`, `refresh` | yes | yes | |
//! | [`Integrations`]: `list`, `install`, `uninstall`; [`Oauth`]: `authorize`, `complete` | yes | | |
//! | [`ApiKeys`]: all, [`me`](Oma::me), [`health`](Oma::health) | yes | yes | |
//!
//! Self-hosted servers of `V0` lack some: that is [`NotFound`](crate::Error::NotFound) with
//! [`Reason::RouteMissing`](crate::Reason::RouteMissing). [`Error::is_unsupported`](crate::Error::is_unsupported) holds
//! for both.
//!
//! # What holds for all calls
//!
//! - Archiving keeps an object for what uses it; deleting destroys it.
//! - Ids are opaque. What a call refers to and does not exist is [`NotFound`](crate::Error::NotFound), whose message
//!   says what it was, if the server does.
//! - [`Conflict`](crate::Error::Conflict) is never retried: another program was faster, or the object is in another
//!   state.
//! - Calls that create something are not sent again once they may have been processed.
//!
//! The Messages API, and Anthropic's other APIs, are out of scope. Of this one, [`raw`](Oma::raw) reaches what is not
//! here: integration wizards, dispatch rules, trajectories, model calls of a session, work queues, tunnels and user
//! profiles.

mod agents;
mod api_keys;
mod beta;
mod chat;
mod credentials;
mod deployment_runs;
mod deployments;
mod dialect;
mod dreams;
mod environments;
mod evals;
mod events;
mod files;
mod generation;
mod health;
mod integrations;
mod me;
mod memories;
mod memory_stores;
mod memory_versions;
mod model_cards;
mod models;
mod oauth;
mod outputs;
mod resources;
mod sessions;
mod settings;
mod skill;
mod skills;
mod source;
mod stream;
mod threads;
mod turn;
mod vaults;
pub mod webhooks;

pub use self::agents::Agents;
pub use self::api_keys::ApiKeys;
pub use self::chat::{Chat, ChatItem, CutInput, Reply, ToolCall};
pub use self::credentials::Credentials;
pub use self::deployment_runs::DeploymentRuns;
pub use self::deployments::Deployments;
pub use self::dreams::Dreams;
pub use self::environments::Environments;
pub use self::evals::Evals;
pub use self::files::{FileUpload, Files};
pub use self::generation::Generation;
pub use self::integrations::Integrations;
pub use self::memories::Memories;
pub use self::memory_stores::MemoryStores;
pub use self::memory_versions::MemoryVersions;
pub use self::model_cards::ModelCards;
pub use self::models::Models;
pub use self::oauth::Oauth;
pub use self::outputs::Outputs;
pub use self::resources::Resources;
pub use self::sessions::Sessions;
pub use self::skill::Skill;
pub use self::skills::Skills;
pub use self::threads::Threads;
pub use self::vaults::Vaults;
use crate::config::oma as defaults;
use crate::http::{Core, Method, Platform, Request, Scheme, no_hint, no_preflight};

/// Requests, responses and events, generated from the OpenAPI document.
#[allow(
    clippy::too_many_arguments,
    clippy::too_many_lines,
    clippy::option_option,
    clippy::doc_markdown,
    clippy::large_enum_variant,
    clippy::match_single_binding,
    clippy::semicolon_if_nothing_returned,
    clippy::similar_names,
    clippy::unreadable_literal,
    reason = "generated"
)]
pub mod types {
    include!(concat!(env!("OUT_DIR"), "/oma_types.rs"));
}

#[deny(dead_code)]
mod ops {
    use super::types;
    include!(concat!(env!("OUT_DIR"), "/oma_ops.rs"));
}

pub(crate) static PLATFORM: Platform = Platform {
    name: "oma",
    base_url: Some(defaults::BASE_URL),
    base_url_variable: defaults::BASE_URL_VARIABLE,
    optional_suffix: "/v1",
    schemes: &[Scheme { header: "x-api-key", prefix: "" }],
    key_optional: false,
    key_variable: defaults::API_KEY,
    own_headers: &[],
    dialect: dialect::parse,
    preflight: no_preflight,
    hint: no_hint,
    probe: Some(&generation::PROBE),
};

/// A client of a server of openma, or of Anthropic's Managed Agents. Clones are cheap and share connections, and what
/// was learnt about the server.
#[derive(Clone, Debug)]
pub struct Oma {
    core: Core,
}

impl Oma {
    /// Agents: a model with a system prompt and tools, in versions.
    pub fn agents(&self) -> Agents {
        Agents::new(&self.core)
    }

    /// Environments, in which sessions run.
    pub fn environments(&self) -> Environments {
        Environments::new(&self.core)
    }

    /// Sessions: an agent at work, and its events.
    pub fn sessions(&self) -> Sessions {
        Sessions::new(&self.core)
    }

    /// Threads of a session: the agent's own, and those of agents that it calls.
    pub fn threads(&self) -> Threads {
        Threads::new(&self.core)
    }

    /// Resources of a session: files, repositories and memory stores.
    pub fn resources(&self) -> Resources {
        Resources::new(&self.core)
    }

    /// Files that the agent of a session put out. Not on Anthropic.
    pub fn outputs(&self) -> Outputs {
        Outputs::new(&self.core)
    }

    /// Vaults, which hold credentials for sessions.
    pub fn vaults(&self) -> Vaults {
        Vaults::new(&self.core)
    }

    /// The credentials in vaults.
    pub fn credentials(&self) -> Credentials {
        Credentials::new(&self.core)
    }

    /// Models that agents can have. Not on servers of `V0`.
    pub fn models(&self) -> Models {
        Models::new(&self.core)
    }

    /// Files that sessions work on and leave behind.
    pub fn files(&self) -> Files {
        Files::new(&self.core)
    }

    /// Skills: instructions and files for a kind of task, in versions.
    pub fn skills(&self) -> Skills {
        Skills::new(&self.core)
    }

    /// Memory stores, in which agents remember from session to session.
    pub fn memory_stores(&self) -> MemoryStores {
        MemoryStores::new(&self.core)
    }

    /// The memories in memory stores: texts at paths.
    pub fn memories(&self) -> Memories {
        Memories::new(&self.core)
    }

    /// Versions of memories: who wrote what, and when.
    pub fn memory_versions(&self) -> MemoryVersions {
        MemoryVersions::new(&self.core)
    }

    /// Deployments: sessions on a schedule, or on demand. Not on servers of `V0`.
    pub fn deployments(&self) -> Deployments {
        Deployments::new(&self.core)
    }

    /// Runs of deployments. Not on servers of `V0`.
    pub fn deployment_runs(&self) -> DeploymentRuns {
        DeploymentRuns::new(&self.core)
    }

    /// Dreams: jobs that turn sessions into memories. Not on servers of `V0`.
    pub fn dreams(&self) -> Dreams {
        Dreams::new(&self.core)
    }

    /// Model cards: models of providers, with keys of your own. Not on Anthropic.
    pub fn model_cards(&self) -> ModelCards {
        ModelCards::new(&self.core)
    }

    /// Runs of evals. Not on Anthropic.
    pub fn evals(&self) -> Evals {
        Evals::new(&self.core)
    }

    /// Integrations with Linear, GitHub and Slack. Not on Anthropic.
    pub fn integrations(&self) -> Integrations {
        Integrations::new(&self.core)
    }

    /// OAuth with providers and MCP servers. Not on Anthropic.
    pub fn oauth(&self) -> Oauth {
        Oauth::new(&self.core)
    }

    /// The tenant's API keys. Not on Anthropic.
    pub fn api_keys(&self) -> ApiKeys {
        ApiKeys::new(&self.core)
    }

    /// Calls an endpoint that this crate has no operation for. Each of `segments` is one path segment, escaped and
    /// validated like an id; the path starts at the host, so most begin with `v1`. The generation of the server is not
    /// found out for it, and no beta is asked for: add `anthropic-beta` with [`header`](Request::header).
    ///
    /// `GET`, `PUT` and `DELETE` are retried as idempotent; use [`retry_class`](Request::retry_class) where they are
    /// not.
    ///
    /// ```no_run
    /// # use polyagent::{Method, oma::Oma};
    /// # async fn example(client: Oma, id: &str) -> Result<(), polyagent::Error> {
    /// let trajectory = client.raw(Method::GET, ["v1", "sessions", id, "trajectory"]).await?;
    /// # Ok(()) }
    /// ```
    pub fn raw<S: AsRef<str>>(
        &self,
        method: Method,
        segments: impl IntoIterator<Item = S>,
    ) -> Request<serde_json::Value> {
        beta::for_credential(&self.core, Request::raw(&self.core, method, segments))
    }
}
