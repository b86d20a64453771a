//! Elacity in memory.
//!
//! Each tenant is the organization [`ORGANIZATION`], with the registries `acme/voice` (private) and `acme/public`, the
//! agents `ag_1` and `ag_2`, the environments `dev`, `test` and `prod`, a fleet and the tool `tool_1`;
//! [`Tenant::add_registry`] and [`Tenant::add_agent`] add more. Another organization is none of the key's: 403.
//!
//! - **Registries.** A version is published once for each model; the same again is a conflict. It is pulled in the
//!   variant for the model, else in `generic`. Without a key the public registries of the default tenant can be read;
//!   private ones are 401.
//! - **Drafts.** A preview is the text without its frontmatter: imports and conditions stay, as their syntax is not
//!   published.
//! - **Deployments.** One needs a prompt that some registry has, an environment and agents, and is applied at once.
//! - **Responses.** Few are documented; the sandbox sends what the crate's types read. Lists are bare.
//!
//! [`Tenant::add_registry`]: super::Tenant::add_registry
//! [`Tenant::add_agent`]: super::Tenant::add_agent

mod agents;
mod dialect;
mod drafts;
mod registry;
mod seeds;

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use super::clock::TimeFormat;
use super::error_reply::ErrorReply;
use super::handlers::{Handler, Outcome, Output};
use super::platform::{self, Credential, Platform, RateLimit, World};
use super::reply::Reply;
use super::spec::{OperationSpec, PlatformSpec, RouteSpec};
use super::store::{Object, Table};
use crate::elacity::Elacity;

pub(super) type Client = Elacity;

#[allow(clippy::wildcard_imports, reason = "generated")]
mod spec {
    include!(concat!(env!("OUT_DIR"), "/elacity_sandbox.rs"));
}

type Call<'a> = platform::Call<'a, Settings>;

/// The slug of every tenant's organization.
pub const ORGANIZATION: &str = "acme";

/// The operations whose path the vendor documents.
const CONFIRMED: [&str; 6] = [
    "elacity_publish_artifact",
    "elacity_pull_prompt",
    "elacity_list_agents",
    "elacity_deploy",
    "elacity_list_environments",
    "elacity_update_tool",
];

static REGISTRIES: Table = Table::new("registries", "Registry").ids(|| super::ids::prefixed("reg_", 8));
static VERSIONS: Table = Table::new("versions", "Version").ids(|| super::ids::prefixed("art_", 8));
static DRAFTS: Table = Table::new("drafts", "Draft").ids(|| super::ids::prefixed("dr_", 8));
static AGENTS: Table = Table::new("agents", "Agent").ids(|| super::ids::prefixed("ag_", 8));
static ENVIRONMENTS: Table = Table::new("environments", "Environment").ids(|| super::ids::prefixed("env_", 8));
static DEPLOYMENTS: Table = Table::new("deployments", "Deployment").ids(|| super::ids::prefixed("dep_", 8));
static FLEETS: Table = Table::new("fleets", "Fleet").ids(|| super::ids::prefixed("fl_", 8));
static PROVIDERS: Table = Table::new("providers", "Provider").ids(|| super::ids::prefixed("llm_", 8));
static TOOLS: Table = Table::new("tools", "Tool").ids(|| super::ids::prefixed("tool_", 8));

/// How Elacity behaves; for [`SandboxBuilder::elacity`](super::SandboxBuilder::elacity).
#[derive(Clone, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[must_use]
pub struct Settings {
    rate_limit: Option<RateLimit>,
    confirmed_only: bool,
    full_errors: bool,
    enveloped: bool,
    silent: bool,
    members: bool,
}

impl Settings {
    /// Sets how many calls each tenant may make within any period of `per`; further calls get 429. Default: no limit.
    pub fn rate_limit(mut self, calls: usize, per: Duration) -> Self {
        self.rate_limit = Some(RateLimit { calls, per });
        self
    }

    /// Serves only the paths that the vendor documents; others get the 404 of a web server.
    ///
    /// ```
    /// # use polyagent::Reason;
    /// # use polyagent::sandbox::{Sandbox, elacity::ORGANIZATION};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), polyagent::Error> {
    /// let sandbox = Sandbox::builder().elacity(|platform| platform.confirmed_paths_only()).start().await?;
    /// let client = sandbox.elacity().with_organization(ORGANIZATION);
    /// assert_eq!(client.agents().list().await?.items.len(), 2);
    /// let error = client.fleets().list().await.unwrap_err();
    /// assert_eq!(error.reason(), Some(Reason::RouteMissing));
    /// assert!(error.to_string().contains("path_override"));
    /// # Ok(()) }
    /// ```
    pub fn confirmed_paths_only(mut self) -> Self {
        self.confirmed_only = true;
        self
    }

    /// Writes errors with all the fields that the server's framework presumably has. Default: `message` only.
    pub fn full_errors(mut self) -> Self {
        self.full_errors = true;
        self
    }

    /// Puts lists into objects, such as `{"agents": [..]}`.
    pub fn enveloped_lists(mut self) -> Self {
        self.enveloped = true;
        self
    }

    /// Says nothing, as 200 with an empty body, where a call changes something.
    pub fn silent(mut self) -> Self {
        self.silent = true;
        self
    }

    /// Makes keys those of a member, who may read drafts and not save them. Default: those of an admin.
    pub fn member(mut self) -> Self {
        self.members = true;
        self
    }
}

impl Platform for Settings {
    const CREDENTIALS: &'static [Credential] =
        &[Credential { header: "x-api-key", prefix: "" }, Credential { header: "authorization", prefix: "Bearer " }];

    const HANDLERS: &'static [(&'static str, Handler<Self>)] = &[
        ("elacity_publish_artifact", Handler::custom(registry::publish)),
        ("elacity_pull_prompt", Handler::custom(registry::pull)),
        ("elacity_clone_artifact", Handler::custom(registry::clone)),
        ("elacity_get_prompt", Handler::custom(registry::details)),
        ("elacity_list_registries", Handler::custom(registry::list)),
        ("elacity_list_artifacts", Handler::custom(registry::artifacts)),
        ("elacity_save_draft", Handler::custom(drafts::save)),
        ("elacity_get_draft", Handler::custom(drafts::get)),
        ("elacity_get_draft_body", Handler::custom(drafts::body)),
        ("elacity_list_drafts", Handler::custom(drafts::list)),
        ("elacity_preview_draft", Handler::custom(drafts::preview)),
        ("elacity_list_agents", Handler::custom(|call| all(call, &AGENTS, "agents"))),
        ("elacity_deploy", Handler::custom(agents::deploy)),
        ("elacity_list_environments", Handler::custom(|call| all(call, &ENVIRONMENTS, "environments"))),
        ("elacity_list_deployments", Handler::custom(agents::deployments)),
        ("elacity_get_deployment_heatmap", Handler::custom(agents::heatmap)),
        ("elacity_list_fleets", Handler::custom(|call| all(call, &FLEETS, "fleets"))),
        ("elacity_create_llm_provider", Handler::custom(agents::create_provider)),
        ("elacity_list_llm_providers", Handler::custom(|call| all(call, &PROVIDERS, "providers"))),
        ("elacity_update_tool", Handler::custom(agents::update_tool)),
    ];

    fn spec() -> &'static PlatformSpec {
        &spec::PLATFORM
    }

    fn error(&self, error: &ErrorReply) -> Reply {
        dialect::reply(self, error)
    }

    fn times(&self) -> TimeFormat {
        TimeFormat::MILLIS
    }

    fn mounts(&self, operation: &OperationSpec, _: &RouteSpec) -> bool {
        !self.confirmed_only || CONFIRMED.contains(&operation.id)
    }

    fn rate_limit(&self) -> Option<RateLimit> {
        self.rate_limit
    }

    fn open(&self, world: &mut World<'_, Self>, _key: &str) {
        seeds::open(world);
    }
}

/// Refuses a call about an organization that is not the key's.
fn admit(call: &Call<'_>) -> Result<(), ErrorReply> {
    match call.field("orgSlug") {
        Some(ORGANIZATION) | None => Ok(()),
        Some(other) => Err(forbidden(format!("The key has no access to the organization {other}"))),
    }
}

fn forbidden(message: impl Into<String>) -> ErrorReply {
    ErrorReply::Rejected { status: StatusCode::FORBIDDEN, code: "FORBIDDEN", message: message.into() }
}

/// All objects of a table, oldest first.
fn all(call: &mut Call<'_>, table: &Table, key: &str) -> Outcome<Settings> {
    admit(call)?;
    let rows: Vec<Object> = call.store.rows(table).cloned().collect();
    Ok(listed(call, key, rows))
}

/// A list, bare or in an object.
fn listed(call: &Call<'_>, key: &str, rows: Vec<Object>) -> Output<Settings> {
    if call.platform.enveloped { json!({key: rows}).into() } else { json!(rows).into() }
}

/// What a call says that has changed something.
fn done(call: &Call<'_>, said: Value) -> Output<Settings> {
    if call.platform.silent { Output::Reply(Reply::empty(StatusCode::OK)) } else { said.into() }
}
