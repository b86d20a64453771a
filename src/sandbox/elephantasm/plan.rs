//! The limits of an account, and what it has used.

use http::StatusCode;
use serde_json::{Value, json};

use super::Settings;
use super::animas::active;
use super::tables::{ANIMAS, Call, KNOWLEDGE, MEMORIES, account, account_mut};
use crate::elephantasm::types::PlanTier;
use crate::sandbox::clock::{Micros, stored};
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::Outcome;
use crate::sandbox::store::{Object, Store, Table, object, text};

/// A plan: its tier and limits. -1 means no limit.
///
/// Limits are enforced only for the tier `free`, once usage is above the limit, so one more goes through: two with
/// limit 1. The other tiers would be billed for an overage; a sandbox bills nothing. The limits of events, pack builds
/// and active animas are enforced; for memories, knowledge, syntheses (here: dreams) and dormant animas usage only
/// reports the limits, and that the account is capped if one is exceeded.
///
/// ```
/// # use polyagent::sandbox::Sandbox;
/// # use polyagent::elephantasm::types::AnimaCreate;
/// use polyagent::sandbox::elephantasm::Plan;
/// # #[tokio::main]
/// # async fn main() -> Result<(), polyagent::Error> {
/// let sandbox = Sandbox::builder().elephantasm(|it| it.plan(Plan::free().active_animas(0))).start().await?;
/// let animas = sandbox.elephantasm().animas();
/// animas.create(AnimaCreate::new("Ada")).await?;
/// let error = animas.create(AnimaCreate::new("Ben")).await.unwrap_err();
/// assert!(error.is_limit_exceeded());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Plan {
    /// By the names that usage gives them.
    pub(super) limits: Object,
}

impl Plan {
    /// Returns a plan without limits, of the tier `enterprise`.
    pub fn unlimited() -> Self {
        Self::of("enterprise", -1).active_animas(-1).dormant_animas(-1)
    }

    /// Returns the free plan of an older server: 1 active anima, 2 dormant ones, 1000 events a month, 100 memories, 10
    /// items of knowledge, 500 pack builds a month, 20 syntheses.
    pub fn free() -> Self {
        let plan = Self::of("free", 0).active_animas(1).dormant_animas(2).events(1000).memories(100);
        plan.knowledge(10).pack_builds(500).synthesis(20)
    }

    fn of(tier: &str, limit: i64) -> Self {
        let limits = json!({
            "plan_tier": tier, "dreams": true, "events_limit": limit, "memories_limit": limit,
            "knowledge_limit": limit, "pack_builds_limit": limit, "synthesis_limit": limit,
        });
        Self { limits: object(limits) }
    }

    fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.limits.insert(name.to_owned(), value.into());
        self
    }

    /// Sets the tier. Limits are enforced only for `free`.
    pub fn tier(self, tier: impl Into<PlanTier>) -> Self {
        self.set("plan_tier", tier.into().as_str())
    }

    /// Sets the events per month.
    pub fn events(self, limit: i64) -> Self {
        self.set("events_limit", limit)
    }

    /// Sets the pack builds per month, stored or not.
    pub fn pack_builds(self, limit: i64) -> Self {
        self.set("pack_builds_limit", limit)
    }

    /// Sets the number of animas that are neither deleted nor dormant.
    pub fn active_animas(self, limit: i64) -> Self {
        self.set("active_anima_limit", limit)
    }

    /// Sets the number of memories that usage reports as the limit.
    pub fn memories(self, limit: i64) -> Self {
        self.set("memories_limit", limit)
    }

    /// Sets the number of items of knowledge that usage reports as the limit.
    pub fn knowledge(self, limit: i64) -> Self {
        self.set("knowledge_limit", limit)
    }

    /// Sets the syntheses per month that usage reports as the limit.
    pub fn synthesis(self, limit: i64) -> Self {
        self.set("synthesis_limit", limit)
    }

    /// Sets the number of dormant animas that usage reports as the limit.
    pub fn dormant_animas(self, limit: i64) -> Self {
        self.set("dormant_anima_limit", limit)
    }

    /// Removes dreams from the plan.
    pub fn without_dreams(self) -> Self {
        self.set("dreams", false)
    }

    pub(super) fn tier_name(&self) -> &str {
        text(&self.limits, "plan_tier").unwrap_or_default()
    }
}

impl Default for Plan {
    fn default() -> Self {
        Self::unlimited()
    }
}

/// The plan of the account.
pub(super) fn plan(store: &Store) -> Object {
    account(store).remove("plan").map(object).unwrap_or_default()
}

/// Whether `used` is above the limit of that name, and the plan is held to it.
fn exceeds(plan: &Object, limit: &str, used: usize) -> bool {
    let limit = plan.get(limit).and_then(Value::as_i64).unwrap_or(-1);
    text(plan, "plan_tier") == Some("free") && limit >= 0 && i64::try_from(used).is_ok_and(|used| used > limit)
}

/// Refuses one more of what the limit is about.
pub(super) fn check(store: &Store, limit: &str, action: &'static str, used: usize) -> Result<(), ErrorReply> {
    if exceeds(&plan(store), limit, used) {
        return Err(ErrorReply::Limit { name: action, message: format!("Your plan's {limit} is exceeded.") });
    }
    Ok(())
}

/// The first day of the month, as `YYYY-MM-DD`.
fn first_day(now: Micros) -> String {
    format!("{}-01", &stored(now)[..7])
}

/// How often something was counted in the month of `now`. What is deleted was still used.
pub(super) fn used(store: &Store, what: &str, now: Micros) -> usize {
    let counted = account(store).get(&format!("{what} {}", first_day(now))).and_then(Value::as_u64);
    counted.and_then(|count| count.try_into().ok()).unwrap_or_default()
}

pub(super) fn count(store: &mut Store, what: &str, now: Micros) {
    let next = used(store, what, now) + 1;
    if let Some(account) = account_mut(store) {
        account.insert(format!("{what} {}", first_day(now)), json!(next));
    }
}

pub(super) fn usage(call: &mut Call<'_>) -> Outcome<Settings> {
    let organization = call.headers.get("x-organization-id").map(|id| id.to_str().unwrap_or_default());
    if let Some(organization) = organization {
        if !crate::check::is_uuid(organization) {
            return Err(ErrorReply::bad_request("", "Invalid X-Organization-Id header"));
        }
        if account(call.store)["organization_id"] != organization {
            let status = StatusCode::NOT_FOUND;
            return Err(ErrorReply::Rejected { status, code: "", message: "No organization found".to_owned() });
        }
    }
    let store = &*call.store;
    let shown = |table: &Table| store.rows(table).filter(|row| !table.is_hidden(row)).count();
    let active = active(store, call.now);
    let counts = [
        ("events_created", "events_limit", used(store, "events", call.now)),
        ("memories_stored", "memories_limit", shown(&MEMORIES)),
        ("knowledge_items", "knowledge_limit", shown(&KNOWLEDGE)),
        ("pack_builds", "pack_builds_limit", used(store, "packs", call.now)),
        ("synthesis_runs", "synthesis_limit", used(store, "dreams", call.now)),
        ("active_anima_count", "active_anima_limit", active),
        ("dormant_anima_count", "dormant_anima_limit", shown(&ANIMAS) - active),
    ];
    let mut usage = plan(store);
    usage.insert(
        "is_hard_capped".to_owned(),
        json!(counts.iter().any(|(_, limit, used)| exceeds(&usage, limit, *used))),
    );
    usage.extend(counts.iter().map(|(name, _, count)| ((*name).to_owned(), json!(count))));
    usage.insert("period_start".to_owned(), json!(first_day(call.now)));
    usage.insert("total_overage_cents".to_owned(), json!(0));
    for cap in ["spending_cap_cents", "spending_cap_remaining_cents"] {
        usage.insert(cap.to_owned(), json!(-1));
    }
    Ok(usage.into())
}
