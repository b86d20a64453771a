//! Agent Launchpad in memory.
//!
//! - **Agents.** One is queued, then built, scanned, deployed and live: each step takes a second, or until its status
//!   is read. It fails while it is built if one of its plugins does not begin with `@elizaos/plugin-`. Updating,
//!   restarting, scaling, stopping and deleting take a step, too. A user has at most five.
//! - **Logs** have a line for each step, and one every 5 seconds while the agent is live. They are followed as
//!   server-sent events; [`Settings::follow`] sets another way.
//! - **Metrics** grow with the time that an agent is live.
//! - **Scans** end at once, without a finding. What happens to agents and keys is among the security events.
//! - **Keys.** The account's own key is an admin's. Those that are generated belong to the same account, and have the
//!   permissions of their role.
//!
//! By default it is the installation that the reference describes, and has what later versions added.

mod agents;
mod dialect;
mod keys;
mod logs;
mod metrics;
mod security;

use std::time::Duration;

use http::HeaderMap;
use serde_json::{Value, json};

pub use self::logs::Follow;
use super::clock::{Micros, TimeFormat, stored};
use super::error_reply::ErrorReply;
use super::handlers::{Handler, Outcome};
use super::ids;
use super::platform::{self, Credential, Platform, RateLimit, World};
use super::reply::Reply;
use super::spec::{OperationSpec, PlatformSpec};
use super::store::{Object, Store, Table, object};
use crate::launchpad::Launchpad;

pub(super) type Client = Launchpad;

#[allow(clippy::wildcard_imports, reason = "generated")]
mod spec {
    include!(concat!(env!("OUT_DIR"), "/launchpad_sandbox.rs"));
}

type Call<'a> = platform::Call<'a, Settings>;

static AGENTS: Table = Table::new("agents", "agent").key("agentId").ids(|| ids::prefixed("agent-", 6));
static LINES: Table = Table::new("lines", "line").child_of(&AGENTS, "agentId");
static SCANS: Table = Table::new("scans", "scan").key("scanId").ids(|| ids::prefixed("scan-", 6));
static EVENTS: Table = Table::new("events", "event").ids(|| ids::prefixed("event-", 6));
static KEYS: Table = Table::new("keys", "key").key("keyId").ids(|| ids::prefixed("key_", 6));
/// One object: the account's own user.
static USERS: Table = Table::new("users", "user").key("userId");
const USER_ID: &str = "user-1";
/// How times are written.
const TIMES: TimeFormat = TimeFormat { digits: 0, zeros: false, suffix: "Z" };

/// How Agent Launchpad behaves; for [`SandboxBuilder::launchpad`](super::SandboxBuilder::launchpad).
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Settings {
    rate_limit: Option<RateLimit>,
    follow: Follow,
    later: bool,
    quota: Option<i64>,
    unhealthy: Option<u16>,
    silent: bool,
    slow_scans: bool,
}

impl Settings {
    /// Sets how many calls each tenant may make within any period of `per`; further calls get 429 in plain text, with
    /// the time to wait in `RateLimit-Reset` only. Default: no limit. An installation allows 100 in 15 minutes.
    pub fn rate_limit(mut self, calls: usize, per: Duration) -> Self {
        self.rate_limit = Some(RateLimit { calls, per });
        self
    }

    /// Sets what it does when a log is followed. Default: [`Follow::Events`].
    ///
    /// ```
    /// # use polyagent::sandbox::Sandbox;
    /// # use polyagent::sandbox::launchpad::Follow;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), polyagent::Error> {
    /// let sandbox = Sandbox::builder().launchpad(|platform| platform.follow(Follow::Ignored)).start().await?;
    /// # Ok(()) }
    /// ```
    pub fn follow(mut self, follow: Follow) -> Self {
        self.follow = follow;
        self
    }

    /// Responds about agents as later versions do: in snake case, with statuses in lower case, inside `agent`.
    pub fn later_versions(mut self) -> Self {
        self.later = true;
        self
    }

    /// Sets how many replicas all agents of a tenant may have together; what goes beyond it gets 429 with
    /// `RESOURCE_LIMIT_EXCEEDED`. Default: no limit.
    pub fn quota(mut self, replicas: u32) -> Self {
        self.quota = Some(replicas.into());
        self
    }

    /// Makes the platform unhealthy, which it reports with this status: 200 or 503.
    pub fn unhealthy(mut self, status: u16) -> Self {
        self.unhealthy = Some(status);
        self
    }

    /// Responds to updates and actions with 204 and no body.
    pub fn silent(mut self) -> Self {
        self.silent = true;
        self
    }

    /// Lets a scan end only once it is read again.
    pub fn slow_scans(mut self) -> Self {
        self.slow_scans = true;
        self
    }
}

impl Platform for Settings {
    const CREDENTIALS: &'static [Credential] =
        &[Credential { header: "x-api-key", prefix: "" }, Credential { header: "authorization", prefix: "Bearer " }];

    const HANDLERS: &'static [(&'static str, Handler<Self>)] = &[
        ("launchpad_generate_api_key", Handler::custom(keys::generate)),
        ("launchpad_create_agent", Handler::custom(agents::create)),
        ("launchpad_list_agents", Handler::custom(agents::list)),
        ("launchpad_get_agent_status", Handler::custom(agents::status)),
        ("launchpad_get_agent", Handler::custom(agents::get)),
        ("launchpad_update_agent", Handler::custom(agents::update)),
        ("launchpad_delete_agent", Handler::custom(agents::delete)),
        ("launchpad_scale_agent", Handler::custom(agents::scale)),
        ("launchpad_restart_agent", Handler::custom(agents::restart)),
        ("launchpad_stop_agent", Handler::custom(agents::stop)),
        ("launchpad_start_agent", Handler::custom(agents::start)),
        ("launchpad_search_agents", Handler::custom(agents::search)),
        ("launchpad_get_agent_metrics", Handler::custom(metrics::of_agent)),
        ("launchpad_get_agent_logs", Handler::custom(logs::get)),
        ("launchpad_scan_agent", Handler::custom(security::scan)),
        ("launchpad_get_scan", Handler::custom(security::last_scan)),
        ("launchpad_list_security_events", Handler::custom(security::events)),
        ("launchpad_get_health", Handler::custom(metrics::health)),
        ("launchpad_get_system_metrics", Handler::custom(metrics::of_system)),
        ("launchpad_get_host_metrics", Handler::custom(metrics::of_host)),
        ("launchpad_get_profile", Handler::custom(keys::profile)),
        ("launchpad_update_profile", Handler::custom(keys::update_profile)),
    ];

    fn spec() -> &'static PlatformSpec {
        &spec::PLATFORM
    }

    fn error(&self, error: &ErrorReply) -> Reply {
        dialect::reply(error)
    }

    fn times(&self) -> TimeFormat {
        TIMES
    }

    fn rate_limit(&self) -> Option<RateLimit> {
        self.rate_limit
    }

    fn authenticates(&self, credential: &str, key: &str, store: &mut Store, _now: Micros) -> bool {
        credential == key || store.of(&KEYS, "_key", credential).next().is_some()
    }

    fn admit(&self, headers: &HeaderMap, operation: &OperationSpec) -> Result<(), ErrorReply> {
        dialect::admit(headers, operation)
    }

    fn open(&self, world: &mut World<'_, Self>, _key: &str) {
        keys::open(world);
    }
}

/// Sets the fields of a stored object.
fn set(world: &mut World<'_, Settings>, table: &Table, id: &str, fields: Value) {
    if let Some(row) = world.store.get_mut(table, id) {
        row.extend(object(fields));
    }
}

/// The response to an update or an action.
fn begun(call: &Call<'_>, said: Value) -> Outcome<Settings> {
    if call.platform.silent {
        return Ok(super::handlers::Output::Reply(Reply::empty(http::StatusCode::NO_CONTENT)));
    }
    let mut said = object(said);
    for (name, value) in [("timestamp", json!(stored(call.now))), ("updatedAt", json!(stored(call.now)))] {
        said.entry(name).or_insert(value);
    }
    Ok(said.into())
}

/// A text of a stored object.
fn text_of<'o>(object: &'o Object, name: &str) -> &'o str {
    super::store::text(object, name).unwrap_or_default()
}
