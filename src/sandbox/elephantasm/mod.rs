//! Elephantasm in memory.
//!
//! By default it has what the public host has; [`Settings::self_hosted`] turns on what only self-hosted servers have.
//!
//! - **Packs.** Each has the oldest 20 events since the anima's last memory, whatever the query; the query selects
//!   knowledge and older memories. Without one the latest pack is the newest stored one, however old. Session memories,
//!   pending events, knowledge and long-term memories may take up 20, 15, 30 and 35 percent of the pack's tokens, at
//!   four characters a token.
//! - **Similarity.** A text is similar to a query if they share a word, ignoring case: from above 0.7, for a small
//!   share of the query's words, to 1 for all of them. Real servers compare meanings, and create memories from events
//!   in the background, which a sandbox never does.
//! - **Memories.** Those that the API creates have no embedding, so that neither searches nor long-term memories of a
//!   pack include them until [`Tenant::embed_memories`](super::Tenant::embed_memories) gives them one.
//! - **Dedupe keys.** An event that is sent again with the same key is stored again, as on observed servers: see
//!   [`Quirk::DuplicateKeys`].
//! - **Dreams.** One ends once it has been read twice, or after a minute.

mod animas;
mod api_keys;
mod compile;
mod dialect;
mod dreams;
mod events;
mod packs;
mod plan;
mod query;
mod quirks;
mod search;
mod seeds;
mod tables;

#[allow(clippy::wildcard_imports, reason = "generated")]
mod spec {
    include!(concat!(env!("OUT_DIR"), "/elephantasm_sandbox.rs"));
}

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

pub use self::plan::Plan;
pub use self::quirks::Quirk;
use self::quirks::Quirks;
pub use self::seeds::{IdentitySeed, KnowledgeSeed};
use self::tables::{ANIMAS, API_KEYS, DREAMS, EVENTS, KNOWLEDGE, MEMORIES, PACKS};
use super::clock::{Micros, TimeFormat, stored};
use super::error_reply::ErrorReply;
use super::handlers::Handler;
use super::platform::{Credential, Platform, RateLimit, Values, World};
use super::reply::Reply;
use super::spec::{OperationSpec, PlatformSpec, RouteSpec, Segment};
use super::store::{Object, Store, Table};
use super::validate::{Problem, Violation};
use crate::elephantasm::Elephantasm;

pub(super) type Client = Elephantasm;

/// Which operations it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Host {
    #[default]
    Public,
    SelfHosted,
    All,
}

/// How Elephantasm behaves; for [`SandboxBuilder::elephantasm`](super::SandboxBuilder::elephantasm).
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Settings {
    host: Host,
    quirks: Quirks,
    plan: Plan,
    rate_limit: Option<RateLimit>,
}

impl Settings {
    /// Serves what a self-hosted server of version 0.5.8 has: all operations but usage and query.
    ///
    /// ```
    /// # use polyagent::sandbox::Sandbox;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), polyagent::Error> {
    /// let sandbox = Sandbox::builder().elephantasm(|platform| platform.self_hosted()).start().await?;
    /// let client = sandbox.elephantasm();
    /// assert_eq!(client.api_keys().list(Default::default()).await?.len(), 1);
    /// assert!(client.subscriptions().usage().await.unwrap_err().is_not_found());
    /// # Ok(()) }
    /// ```
    pub fn self_hosted(mut self) -> Self {
        self.host = Host::SelfHosted;
        self
    }

    /// Serves all documented operations, as no real server does.
    pub fn all_operations(mut self) -> Self {
        self.host = Host::All;
        self
    }

    /// Behaves as documented: without any [`Quirk`].
    pub fn documented(mut self) -> Self {
        self.quirks = Quirks::NONE;
        self
    }

    /// Adds a quirk.
    pub fn with(mut self, quirk: Quirk) -> Self {
        self.quirks = self.quirks.with(quirk);
        self
    }

    /// Removes a quirk.
    pub fn without(mut self, quirk: Quirk) -> Self {
        self.quirks = self.quirks.without(quirk);
        self
    }

    /// Sets the initial plan of every tenant. Default: [`Plan::unlimited`].
    pub fn plan(mut self, plan: Plan) -> Self {
        self.plan = plan;
        self
    }

    /// Sets how many calls each tenant may make within any period of `per`; further calls get 429. Default: no limit.
    ///
    /// Calls with any of the tenant's keys count together; calls beyond the limit, calls without a valid key and health
    /// checks do not count. Real servers count by the client's address.
    pub fn rate_limit(mut self, calls: usize, per: Duration) -> Self {
        self.rate_limit = Some(RateLimit { calls, per });
        self
    }

    fn is_public(&self) -> bool {
        self.host == Host::Public
    }

    /// The response to a value that the server does not check before it fails on it.
    fn unchecked(&self, place: &str, name: &str, value: &Value) -> ErrorReply {
        if self.quirks.has(Quirk::UncheckedValuesFail) {
            return ErrorReply::Internal;
        }
        let at = vec![json!(place), json!(name)];
        ErrorReply::Invalid(vec![Violation { at, kind: Problem::Pattern, bound: Value::Null, value: value.clone() }])
    }
}

impl Platform for Settings {
    const CREDENTIALS: &'static [Credential] = &[Credential { header: "authorization", prefix: "Bearer " }];

    const HANDLERS: &'static [(&'static str, Handler<Self>)] = &[
        ("elephantasm_get_health", Handler::custom(health)),
        ("elephantasm_create_anima", Handler::create(&ANIMAS).before(animas::new)),
        ("elephantasm_list_animas", Handler::list(&ANIMAS)),
        ("elephantasm_get_anima", Handler::get(&ANIMAS)),
        ("elephantasm_update_anima", Handler::patch(&ANIMAS).before(animas::marked)),
        ("elephantasm_delete_anima", Handler::custom(animas::delete)),
        ("elephantasm_search_animas", Handler::list(&ANIMAS).keep(animas::is_named).order(animas::by_name)),
        ("elephantasm_summarize_animas", Handler::custom(animas::summarize)),
        ("elephantasm_get_anima_stats", Handler::custom(animas::stats)),
        ("elephantasm_restore_anima", Handler::custom(animas::restore)),
        ("elephantasm_create_event", Handler::create(&EVENTS).before(events::new).after(events::created)),
        (
            "elephantasm_list_events",
            Handler::list(&EVENTS)
                .filters(&["event_type", "session_id"])
                .keep(events::is_important)
                .order(events::by_time),
        ),
        ("elephantasm_get_event", Handler::get(&EVENTS)),
        ("elephantasm_update_event", Handler::patch(&EVENTS).before(animas::marked)),
        ("elephantasm_delete_event", Handler::remove(&EVENTS)),
        ("elephantasm_list_event_memories", Handler::custom(events::memories)),
        ("elephantasm_create_memory", Handler::create(&MEMORIES).before(search::new_memory)),
        ("elephantasm_list_memories", Handler::list(&MEMORIES).filters(&["state"]).order(search::by_end)),
        ("elephantasm_search_memories", Handler::list(&MEMORIES).keep(search::is_about).order(search::by_importance)),
        ("elephantasm_get_memory", Handler::get(&MEMORIES)),
        ("elephantasm_search_memories_semantic", Handler::custom(search::search_memories)),
        ("elephantasm_search_knowledge_semantic", Handler::custom(search::search_knowledge)),
        ("elephantasm_list_knowledge_by_type", Handler::list(&KNOWLEDGE).keep(search::is_of_type)),
        ("elephantasm_get_anima_identity", Handler::custom(identity)),
        ("elephantasm_get_usage", Handler::custom(plan::usage)),
        ("elephantasm_query", Handler::custom(query::query)),
        ("elephantasm_get_latest_memory_pack", Handler::custom(packs::latest)),
        ("elephantasm_list_memory_packs", Handler::list(&PACKS).keep(dreams::of_anima)),
        ("elephantasm_get_memory_pack_stats", Handler::custom(packs::stats)),
        ("elephantasm_get_memory_pack", Handler::get(&PACKS)),
        ("elephantasm_delete_memory_pack", Handler::remove(&PACKS)),
        ("elephantasm_compile_pack", Handler::custom(packs::compile_own)),
        ("elephantasm_preview_pack", Handler::custom(packs::preview)),
        ("elephantasm_compile_preset_pack", Handler::custom(packs::compile_preset)),
        ("elephantasm_trigger_dream", Handler::custom(dreams::trigger)),
        ("elephantasm_list_dreams", Handler::list(&DREAMS).filters(&["status"]).keep(dreams::of_anima)),
        ("elephantasm_get_dream", Handler::get(&DREAMS)),
        ("elephantasm_cancel_dream", Handler::custom(dreams::cancel)),
        ("elephantasm_create_api_key", Handler::create(&API_KEYS).before(api_keys::new)),
        ("elephantasm_list_api_keys", Handler::list(&API_KEYS).keep(api_keys::is_shown)),
        ("elephantasm_revoke_api_key", Handler::custom(api_keys::revoke)),
        ("elephantasm_delete_api_key", Handler::remove(&API_KEYS)),
    ];

    fn spec() -> &'static PlatformSpec {
        &spec::PLATFORM
    }

    fn error(&self, error: &ErrorReply) -> Reply {
        dialect::reply(self, error)
    }

    fn times(&self) -> TimeFormat {
        let naive = self.quirks.has(Quirk::NaiveTimestamps);
        TimeFormat { digits: 6, zeros: false, suffix: if naive { "" } else { "Z" } }
    }

    fn mounts(&self, operation: &OperationSpec, route: &RouteSpec) -> bool {
        match self.host {
            Host::Public => is_public(route.path),
            Host::SelfHosted => !matches!(operation.id, "elephantasm_get_usage" | "elephantasm_query"),
            Host::All => true,
        }
    }

    fn rate_limit(&self) -> Option<RateLimit> {
        self.rate_limit
    }

    fn authenticates(&self, credential: &str, _key: &str, store: &mut Store, now: Micros) -> bool {
        !self.quirks.has(Quirk::Degraded) && api_keys::use_key(store, credential, now)
    }

    fn judge(&self, operation: &OperationSpec, values: &Values, violations: Vec<Violation>) -> Result<(), ErrorReply> {
        if self.quirks.has(Quirk::UncheckedValuesFail) && (has_nul(&values.body) || values.query.values().any(has_nul))
        {
            return Err(ErrorReply::Internal);
        }
        let mut wrong = Vec::new();
        for violation in violations {
            match (operation.id, violation.name(), violation.kind) {
                // Handlers look at what they need.
                _ if violation.at[0] == "header" => {}
                // Free text there: an unknown event type finds nothing, an unknown preset is a business rule.
                ("elephantasm_list_events", "event_type", _) | (_, "preset", _) => {}
                ("elephantasm_update_event", "importance_score", Problem::TooSmall | Problem::TooLarge) => {
                    return Err(ErrorReply::bad_request("", "importance_score must be between 0.0 and 1.0"));
                }
                // An empty query of a configuration counts as none.
                (_, "query", Problem::Pattern) if violation.value == "" && !operation.id.contains("search") => {}
                (_, "query", Problem::Pattern) | ("elephantasm_update_anima", "name", Problem::TooLong) => {
                    return Err(self.unchecked("body", violation.name(), &violation.value));
                }
                (
                    "elephantasm_search_memories_semantic" | "elephantasm_search_knowledge_semantic",
                    "limit",
                    Problem::TooSmall,
                ) => {
                    return Err(self.unchecked("body", "limit", &violation.value));
                }
                _ => wrong.push(violation),
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(ErrorReply::Invalid(wrong)) }
    }

    fn view(&self, table: &Table, row: &Object, _store: &Store, now: Micros) -> Object {
        let mut row = row.clone();
        if table.name == ANIMAS.name {
            let dormant = animas::is_dormant(&row, now);
            row.insert("is_dormant".to_owned(), json!(dormant));
        }
        row
    }

    fn open(&self, world: &mut World<'_, Self>, key: &str) {
        tables::open(world);
        let mut record = api_keys::record(key);
        let now = json!(stored(world.now));
        for (name, value) in [("name", json!("sandbox")), ("created_at", now.clone()), ("updated_at", now)] {
            record.insert(name.to_owned(), value);
        }
        world.store.insert(&API_KEYS, record);
    }
}

/// Whether the public host serves a path, with any method.
fn is_public(path: &[Segment]) -> bool {
    let names = path.iter().skip(1).map(|segment| match segment {
        Segment::Text(text) => text,
        Segment::Parameter { .. } => "",
    });
    matches!(
        names.collect::<Vec<_>>()[..],
        ["health" | "events" | "animas" | "query"]
            | ["animas", _]
            | ["animas", "", "memory-packs", "latest"]
            | ["subscriptions", "usage"]
            | ["memories" | "knowledge", "search", "semantic"]
            | ["knowledge", "type", ""]
            | ["identities", "anima", ""]
    )
}

/// Whether `value` has U+0000, which the database cannot store.
fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(entries) => entries.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        _ => false,
    }
}

fn health(call: &mut tables::Call<'_>) -> super::handlers::Outcome<Settings> {
    let degraded = call.platform.quirks.has(Quirk::Degraded);
    let (status, database) =
        if degraded { ("degraded", "error: connection refused") } else { ("healthy", "connected") };
    Ok(json!({"status": status, "timestamp": stored(call.now), "checks": {"database": database}}).into())
}

fn identity(call: &mut tables::Call<'_>) -> super::handlers::Outcome<Settings> {
    let id = call.id();
    let absent = || ErrorReply::Rejected {
        status: StatusCode::NOT_FOUND,
        code: "",
        message: format!("Identity not found for Anima {id}"),
    };
    Ok(compile::identity_of(call.store, id).cloned().ok_or_else(absent)?.into())
}
