//! eClips in memory.
//!
//! - **Runs.** One is queued, then running, then ended: each step takes half a second, or until the run is read. What
//!   comes of it is in its `data`: `result` is its result, `confidence_score` (0.9 by default) its confidence, and with
//!   `error` it fails with that text. A confidence below 0.5 needs a human, as on the real platform. Its states come as
//!   server-sent events too, one each; the real form is not documented.
//! - **Triage.** Such a run waits for its item. Once that is approved the run goes on and completes; once it is
//!   rejected the run is cancelled. A second decision is a conflict.
//! - **Batches.** Up to 20 rows are under way at a time, and end as runs do, but without triage. A cancellation ends
//!   the rows that have not started.
//! - **Workflows.** Each account has `wf_demo`, and what [`Tenant::add_workflow`] adds. Triggering one starts a run
//!   whose `data` is the input.
//! - **Webhooks.** Events are really delivered, signed, to each webhook and to the run's own `webhook_url`, if that is
//!   on loopback; for the latter the secret is [`Tenant::eclips_webhook_secret`]. A receiver has 10 s; what is not
//!   received with a 2xx is delivered up to twice more, 1 s apart. Real retries are not documented.
//!
//! [`Tenant::add_workflow`]: super::Tenant::add_workflow
//! [`Tenant::eclips_webhook_secret`]: super::Tenant::eclips_webhook_secret

mod batches;
mod decisions;
mod dialect;
mod limits;
mod runs;
mod webhooks;
mod workflows;

use std::collections::BTreeSet;
use std::time::Duration;

use http::HeaderMap;
use serde_json::json;

use super::clock::{TimeFormat, stored};
use super::error_reply::ErrorReply;
use super::handlers::{Handler, Outcome};
use super::outgoing::Outgoing;
use super::platform::{self, Credential, Platform, RateLimit, World};
use super::reply::Reply;
use super::spec::{OperationSpec, PlatformSpec, RouteSpec};
use super::store::{Object, Table};
use crate::eclips::Eclips;

pub(super) type Client = Eclips;

#[allow(clippy::wildcard_imports, reason = "generated")]
mod spec {
    include!(concat!(env!("OUT_DIR"), "/eclips_sandbox.rs"));
}

type Call<'a> = platform::Call<'a, Settings>;

static RUNS: Table = Table::new("runs", "Run").key("run_id").ids(runs::new_id);
static ITEMS: Table = Table::new("triage", "Triage item").ids(|| super::ids::prefixed("tri_", 8));
static WEBHOOKS: Table = Table::new("webhooks", "Webhook").ids(|| super::ids::prefixed("wh_", 8));
static BATCHES: Table = Table::new("batches", "Batch");
static WORKFLOWS: Table = Table::new("workflows", "Workflow").ids(|| super::ids::prefixed("wf_", 8));

/// How eClips behaves; for [`SandboxBuilder::eclips`](super::SandboxBuilder::eclips).
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Settings {
    rate_limit: Option<RateLimit>,
    credits: Option<u64>,
    daily_cap: Option<u64>,
    scopes: Option<BTreeSet<String>>,
    no_api: bool,
    needs_organization: bool,
    manual: bool,
    deliveries: u32,
}

impl Settings {
    /// Sets how many calls each tenant may make within any period of `per`; further calls get 429. Default: no limit.
    pub fn rate_limit(mut self, calls: usize, per: Duration) -> Self {
        self.rate_limit = Some(RateLimit { calls, per });
        self
    }

    /// Gives each tenant this many credits, one for each run and each row. Default: no end of them.
    ///
    /// ```
    /// # use polyagent::Reason;
    /// # use polyagent::eclips::types::RunCreate;
    /// # use polyagent::sandbox::Sandbox;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), polyagent::Error> {
    /// let sandbox = Sandbox::builder().eclips(|platform| platform.credits(1)).start().await?;
    /// let runs = sandbox.eclips().runs();
    /// runs.create(RunCreate::new("Check invoice 1")).await?;
    /// let error = runs.create(RunCreate::new("Check invoice 2")).await.unwrap_err();
    /// assert_eq!(error.reason(), Some(Reason::Credits));
    /// # Ok(()) }
    /// ```
    pub fn credits(mut self, credits: u64) -> Self {
        self.credits = Some(credits);
        self
    }

    /// Sets how many runs and rows each tenant may start in a day of the sandbox's clock. Default: no limit.
    pub fn daily_cap(mut self, cap: u64) -> Self {
        self.daily_cap = Some(cap);
        self
    }

    /// Gives keys these scopes only, such as `agents:run`; other calls get 403. Default: all.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// Puts tenants on a plan without access to the API: each call gets 403.
    pub fn without_api_access(mut self) -> Self {
        self.no_api = true;
        self
    }

    /// Refuses calls without the header `X-Eclips-Org`, with 403. Default: it makes no difference.
    pub fn needs_organization(mut self) -> Self {
        self.needs_organization = true;
        self
    }

    /// Behaves as the manual says where that contradicts the reference: runs are started at `/v1/run`, and errors are
    /// sentences, not codes.
    pub fn manual(mut self) -> Self {
        self.manual = true;
        self
    }

    /// Delivers each event once more than needed, this often. Default: 0.
    pub fn repeated_deliveries(mut self, more: u32) -> Self {
        self.deliveries = more;
        self
    }
}

impl Platform for Settings {
    const CREDENTIALS: &'static [Credential] = &[Credential { header: "authorization", prefix: "Bearer " }];
    const SENDS: bool = true;

    const HANDLERS: &'static [(&'static str, Handler<Self>)] = &[
        ("eclips_get_health", Handler::custom(health)),
        ("eclips_create_run", Handler::create(&RUNS).before(runs::new).after(runs::begin)),
        ("eclips_get_run", Handler::get(&RUNS)),
        ("eclips_stream_run", Handler::custom(runs::stream)),
        ("eclips_list_runs", Handler::list(&RUNS).filters(&["status"])),
        ("eclips_list_triage", Handler::list(&ITEMS).keep(decisions::is_pending).order(decisions::oldest_first)),
        ("eclips_approve_triage", Handler::custom(decisions::approve)),
        ("eclips_reject_triage", Handler::custom(decisions::reject)),
        ("eclips_create_webhook", Handler::create(&WEBHOOKS).before(webhooks::new)),
        ("eclips_list_webhooks", Handler::list(&WEBHOOKS)),
        ("eclips_delete_webhook", Handler::remove(&WEBHOOKS)),
        ("eclips_create_batch", Handler::custom(batches::create)),
        ("eclips_get_batch", Handler::custom(batches::get)),
        ("eclips_list_batches", Handler::list(&BATCHES).filters(&["status"])),
        ("eclips_cancel_batch", Handler::custom(batches::cancel)),
        ("eclips_list_workflows", Handler::list(&WORKFLOWS)),
        ("eclips_trigger_workflow", Handler::custom(workflows::trigger)),
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

    fn mounts(&self, operation: &OperationSpec, route: &RouteSpec) -> bool {
        operation.id != "eclips_create_run" || runs::is_manual(route) == self.manual
    }

    fn rate_limit(&self) -> Option<RateLimit> {
        self.rate_limit
    }

    fn admit(&self, headers: &HeaderMap, operation: &OperationSpec) -> Result<(), ErrorReply> {
        limits::admit(self, headers, operation)
    }

    fn open(&self, world: &mut World<'_, Self>, _key: &str) {
        limits::open(world);
        webhooks::open(world);
        workflows::open(world);
    }

    fn outgoing(&self, world: &mut World<'_, Self>) -> Vec<Outgoing> {
        webhooks::outgoing(world)
    }
}

fn health(call: &mut Call<'_>) -> Outcome<Settings> {
    Ok(json!({"status": "ok", "version": "1.0.0", "timestamp": stored(call.now)}).into())
}

/// Sets the fields of a stored object.
fn set(world: &mut World<'_, Settings>, table: &Table, id: &str, fields: serde_json::Value) -> Option<Object> {
    let row = world.store.get_mut(table, id)?;
    row.extend(super::store::object(fields));
    Some(row.clone())
}
