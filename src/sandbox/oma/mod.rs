//! Managed Agents in memory.
//!
//! By default it is an openma server of generation v1, and takes the key as `x-api-key` or Bearer.
//! [`Settings::anthropic`], [`Settings::v0`] and [`Settings::documented`] are other servers.
//!
//! - **Turns.** A user message starts a turn, whose events are stored and streamed as they happen, text in pieces.
//!   Without more, the agent repeats what it was told; [`Tenant::oma_turns`](super::Tenant::oma_turns) says what else
//!   it does: thinks, uses tools, waits for answers, fails. No model is called and no command is run.
//! - **Betas.** Generation v1 responds with 400 to a call without the `anthropic-beta` of its group, and to unknown
//!   fields.
//! - **Jobs.** Dreams and evals end once they have been read twice, or after a minute.

mod account;
mod agents;
mod deployments;
mod dialect;
mod dreams;
mod environments;
mod evals;
mod events;
mod files;
mod handlers;
mod integrations;
mod live;
mod memory;
mod model_cards;
mod quirks;
mod resources;
mod run;
mod seed;
mod sessions;
mod skills;
mod tables;
mod threads;
mod turn;
mod vaults;
mod zip;

#[allow(
    clippy::wildcard_imports,
    clippy::unreadable_literal,
    dead_code,
    reason = "generated; of a form and its JSON twin only the form is used"
)]
mod spec {
    include!(concat!(env!("OUT_DIR"), "/oma_sandbox.rs"));
}

use std::time::Duration;

use http::{HeaderMap, HeaderName};
use serde_json::Value;

pub use self::quirks::Quirk;
use self::tables::API_KEYS;
pub use self::turn::Turn;
use super::clock::{Micros, TimeFormat};
use super::error_reply::ErrorReply;
use super::handlers::Handler;
use super::ids;
use super::platform::{Credential, Platform, RateLimit, Values, World};
use super::reply::Reply;
use super::shape::Style;
use super::spec::{Auth, OperationSpec, PlatformSpec, RouteSpec, Segment};
use super::store::{Object, Store, Table, text};
use super::validate::{Problem, Violation, knows};

pub(super) type Client = crate::oma::Oma;
type Call<'a> = super::platform::Call<'a, Settings>;

/// Which server it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Server {
    #[default]
    V1,
    Anthropic,
    V0,
    Documented,
}

/// How Managed Agents behave; for [`SandboxBuilder::oma`](super::SandboxBuilder::oma).
#[derive(Clone, Debug)]
#[must_use]
pub struct Settings {
    server: Server,
    quirks: Vec<Quirk>,
    pace: Duration,
    rate_limit: Option<RateLimit>,
    sessions: Option<usize>,
}

impl Default for Settings {
    fn default() -> Self {
        let pace = Duration::from_millis(5);
        Self { server: Server::default(), quirks: Vec::new(), pace, rate_limit: None, sessions: None }
    }
}

impl Settings {
    /// Is Anthropic's API. The sandbox's own clients know it; others, which go by the address, are told with
    /// `generation(Generation::Anthropic)`.
    pub fn anthropic(mut self) -> Self {
        self.server = Server::Anthropic;
        self
    }

    /// Is an openma server of generation v0, as it is hosted: no betas, no Bearer, chunks instead of deltas. What its
    /// self-hosted build does differently are [`Quirk`]s.
    ///
    /// ```
    /// # use polyagent::sandbox::Sandbox;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), polyagent::Error> {
    /// let sandbox = Sandbox::builder().oma(|platform| platform.v0().self_hosted()).start().await?;
    /// sandbox.oma().health().await?;
    /// # Ok(()) }
    /// ```
    pub fn v0(mut self) -> Self {
        self.server = Server::V0;
        self
    }

    /// Has the routes that the documentation of generation v0 lists, and no others.
    pub fn documented(mut self) -> Self {
        self.server = Server::Documented;
        self
    }

    /// Adds all quirks of self-hosted servers.
    pub fn self_hosted(mut self) -> Self {
        self.quirks = Quirk::ALL.to_vec();
        self
    }

    /// Adds a quirk; only generation v0 has any.
    pub fn with(mut self, quirk: Quirk) -> Self {
        self.quirks.push(quirk);
        self
    }

    /// Sets the time between two pieces of text, on the sandbox's clock. Default: 5 ms.
    pub fn pace(mut self, pace: Duration) -> Self {
        self.pace = pace;
        self
    }

    /// Limits the calls of each tenant within any period of `per`. Default: unlimited.
    pub fn rate_limit(mut self, calls: usize, per: Duration) -> Self {
        self.rate_limit = Some(RateLimit { calls, per });
        self
    }

    /// Limits the sessions that each tenant may create; then its balance is used up (402). Default: unlimited.
    pub fn session_quota(mut self, sessions: usize) -> Self {
        self.sessions = Some(sessions);
        self
    }

    fn is_v0(&self) -> bool {
        matches!(self.server, Server::V0 | Server::Documented)
    }

    fn is_anthropic(&self) -> bool {
        self.server == Server::Anthropic
    }

    fn has(&self, quirk: Quirk) -> bool {
        self.is_v0() && self.quirks.contains(&quirk)
    }

    /// A new id of a kind.
    fn id(&self, kind: &str) -> String {
        if self.is_v0() { ids::prefixed(&format!("{kind}-"), 16) } else { ids::prefixed(&format!("{kind}_"), 21) }
    }

    fn style(&self) -> Style {
        Style { generation: self.generation(), times: self.times(), nulls: self.writes_nulls() }
    }

    /// A time as this server writes it.
    fn time(&self, at: Micros) -> String {
        self.times().text(at)
    }
}

impl Platform for Settings {
    const CREDENTIALS: &'static [Credential] =
        &[Credential { header: "x-api-key", prefix: "" }, Credential { header: "authorization", prefix: "Bearer " }];
    const HANDLERS: &'static [(&'static str, Handler<Self>)] = handlers::ALL;

    fn spec() -> &'static PlatformSpec {
        &spec::PLATFORM
    }

    fn times(&self) -> TimeFormat {
        TimeFormat::MILLIS
    }

    fn generation(&self) -> &'static str {
        match self.server {
            Server::V1 => "v1",
            Server::Anthropic => "anthropic",
            Server::V0 | Server::Documented => "v0",
        }
    }

    fn client_generation(&self) -> Option<&'static str> {
        self.is_anthropic().then(|| self.generation())
    }

    fn mounts(&self, operation: &OperationSpec, route: &RouteSpec) -> bool {
        knows(route.generations, self.generation())
            && match self.server {
                Server::V1 | Server::Anthropic => true,
                Server::V0 => seed::is_served(operation, route),
                Server::Documented => seed::is_documented(operation, route),
            }
    }

    fn is_strict(&self) -> bool {
        !self.is_v0()
    }

    fn writes_nulls(&self) -> bool {
        false
    }

    fn reads_json_forms(&self) -> bool {
        self.is_v0()
    }

    fn page_size(&self, operation: &OperationSpec, asked: Option<usize>) -> usize {
        let (default, most) = match (self.generation(), operation.id.strip_prefix("oma_list_").unwrap_or_default()) {
            ("v0", "session_events" | "thread_events" | "files" | "evals") => (100, 1000),
            ("v0", "agents" | "vaults") => (50, 100),
            ("v0", _) => (50, 200),
            ("anthropic", "threads") => (1000, 1000),
            ("anthropic", "session_events" | "files" | "skills" | "deployment_runs") => (20, 1000),
            _ => (20, 100),
        };
        asked.filter(|asked| *asked > 0).unwrap_or(default).min(most)
    }

    fn envelope(&self, operation: &OperationSpec, envelope: &mut Object) {
        if operation.id == "oma_list_sessions" && !self.is_v0() {
            envelope.insert("prev_page".to_owned(), Value::Null);
        }
        if self.is_anthropic() && operation.id == "oma_list_files" {
            envelope.retain(|name, _| matches!(name.as_str(), "data" | "next_page"));
        }
        if !self.is_v0() {
            return;
        }
        // On the last page the token is absent.
        envelope.retain(|name, value| !(name.starts_with("next_") && value.is_null()));
        if !matches!(operation.id, "oma_list_agents" | "oma_list_vaults" | "oma_list_files" | "oma_list_skills") {
            envelope.remove("has_more");
        }
    }

    fn rate_limit(&self) -> Option<RateLimit> {
        self.rate_limit
    }

    fn authenticates(&self, credential: &str, key: &str, store: &mut Store, _: Micros) -> bool {
        credential == key || store.rows(&API_KEYS).any(|row| text(row, "_key") == Some(credential))
    }

    fn admit(&self, headers: &HeaderMap, operation: &OperationSpec) -> Result<(), ErrorReply> {
        if operation.auth == Auth::None {
            return Ok(());
        }
        if self.is_v0() {
            let keyed = headers.contains_key("x-api-key");
            return if keyed { Ok(()) } else { Err(ErrorReply::Unauthenticated) };
        }
        let Some(beta) = self.beta(operation) else { return Ok(()) };
        let sent = headers.get_all("anthropic-beta").iter().filter_map(|value| value.to_str().ok());
        if sent.into_iter().flat_map(|value| value.split(',')).any(|value| value.trim() == beta) {
            return Ok(());
        }
        let message = format!("Missing required anthropic-beta flag: {beta}");
        Err(ErrorReply::bad_request("invalid_request_error", message))
    }

    fn judge(&self, _: &OperationSpec, values: &Values, mut violations: Vec<Violation>) -> Result<(), ErrorReply> {
        if self.is_v0() {
            // Limits are clamped; malformed JSON makes the server fail.
            violations.retain(|violation| violation.name() != "limit");
            if violations.iter().any(|it| it.kind == Problem::Syntax && it.bound.is_number()) {
                return Err(ErrorReply::Internal);
            }
        } else if let Some(token) = text(&values.query, "page")
            && !is_token(token)
        {
            return Err(ErrorReply::bad_request("invalid_request_error", "Invalid page cursor"));
        }
        if violations.is_empty() { Ok(()) } else { Err(ErrorReply::Invalid(violations)) }
    }

    fn error(&self, error: &ErrorReply) -> Reply {
        dialect::reply(self, error)
    }

    fn view(&self, table: &Table, row: &Object, store: &Store, now: Micros) -> Object {
        let mut row = row.clone();
        match table.name {
            "sessions" => sessions::complete(self, &mut row, store, now),
            "agents" | "agent_versions" => {}
            _ if self.is_v0() => row.retain(|_, value| !value.is_null()),
            _ => {}
        }
        row
    }

    fn open(&self, world: &mut World<'_, Self>, _: &str) {
        skills::add_built_in(world);
        model_cards::add_models(world);
    }

    fn finish(&self, reply: &mut Reply) {
        if self.is_anthropic()
            && let Ok(id) = ids::prefixed("req_", 24).parse()
        {
            reply.headers.push((HeaderName::from_static("request-id"), id));
        }
    }
}

impl Settings {
    /// The beta that an operation demands.
    fn beta(&self, operation: &OperationSpec) -> Option<&'static str> {
        let route = operation.routes.iter().find(|route| knows(route.generations, self.generation()))?;
        let [_, Segment::Text(group), ..] = route.path else { return None };
        match *group {
            "agents" | "environments" | "sessions" | "vaults" | "deployments" | "deployment_runs" => {
                Some("managed-agents-2026-04-01")
            }
            "memory_stores" => Some("agent-memory-2026-07-22"),
            "dreams" => Some("dreaming-2026-04-21"),
            "files" if !self.is_anthropic() => Some("files-api-2025-04-14"),
            "skills" if !self.is_anthropic() => Some("skills-2025-10-02"),
            _ => None,
        }
    }
}

/// Whether the sandbox may have given this token.
fn is_token(token: &str) -> bool {
    token.is_empty() || token.strip_prefix('p').is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
