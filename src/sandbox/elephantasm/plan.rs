//! The limits of an account.

use http::StatusCode;
use serde::Serialize;

use super::quirks::{Quirk, Quirks};
use super::types::PlanTier;
use crate::sandbox::answer::Answer;

/// A plan: its tier and limits. -1 means no limit.
///
/// Limits are enforced only for the tier `free`; the others would be billed for an overage. A sandbox bills nothing:
/// usage reports an overage of 0 cents and no spending cap, however much was used. The limits of events, pack builds
/// and active animas are enforced; for memories, knowledge, syntheses (here: dreams) and dormant animas usage only
/// reports the limits, and that the account is capped if one is used up. Self-hosted servers have no plans, so a
/// sandbox has none by default.
///
/// ```
/// # use polyagent::sandbox::Sandbox;
/// # use polyagent::elephantasm::types::AnimaCreate;
/// use polyagent::sandbox::elephantasm::{Plan, Quirk, Quirks};
/// # #[tokio::main]
/// # async fn main() -> Result<(), polyagent::Error> {
/// let exact = Quirks::observed().without(Quirk::LateLimits);
/// let sandbox = Sandbox::builder()
///     .elephantasm_plan(Plan::free().active_animas(1))
///     .elephantasm_quirks(exact)
///     .start()
///     .await?;
/// let animas = sandbox.elephantasm().animas();
/// animas.create(AnimaCreate::new("Ada")).await?;
/// let error = animas.create(AnimaCreate::new("Ben")).await.unwrap_err();
/// assert!(error.is_limit_exceeded());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Plan {
    pub(super) tier: PlanTier,
    pub(super) events: i64,
    pub(super) memories: i64,
    pub(super) knowledge: i64,
    pub(super) pack_builds: i64,
    pub(super) synthesis: i64,
    pub(super) active_animas: i64,
    pub(super) dormant_animas: i64,
    pub(super) dreams: bool,
}

impl Plan {
    /// Returns a plan without limits, of the tier `enterprise`.
    pub fn unlimited() -> Self {
        Self {
            tier: PlanTier::Enterprise,
            events: -1,
            memories: -1,
            knowledge: -1,
            pack_builds: -1,
            synthesis: -1,
            active_animas: -1,
            dormant_animas: -1,
            dreams: true,
        }
    }

    /// Returns the free plan of an older server: 1 active anima, 2 dormant ones, 1000 events a month, 100 memories, 10
    /// items of knowledge, 500 pack builds a month, 20 syntheses.
    pub fn free() -> Self {
        Self {
            tier: PlanTier::Free,
            events: 1000,
            memories: 100,
            knowledge: 10,
            pack_builds: 500,
            synthesis: 20,
            active_animas: 1,
            dormant_animas: 2,
            dreams: true,
        }
    }

    /// Sets the tier. Limits are enforced only for `free`.
    pub fn tier(mut self, tier: impl Into<PlanTier>) -> Self {
        self.tier = tier.into();
        self
    }

    /// Sets the events per month. With [`Quirk::LateLimits`], which is on by default, a call is rejected only once
    /// usage is above the limit, so one more goes through: two with limit 1. The same applies to
    /// [`pack_builds`](Self::pack_builds) and [`active_animas`](Self::active_animas).
    pub fn events(mut self, limit: i64) -> Self {
        self.events = limit;
        self
    }

    /// Sets the pack builds per month, stored or not; see [`events`](Self::events) for when the limit applies.
    pub fn pack_builds(mut self, limit: i64) -> Self {
        self.pack_builds = limit;
        self
    }

    /// Sets the number of animas that are neither deleted nor dormant; see [`events`](Self::events) for when the limit
    /// applies.
    pub fn active_animas(mut self, limit: i64) -> Self {
        self.active_animas = limit;
        self
    }

    /// Sets the number of memories that usage reports as the limit.
    pub fn memories(mut self, limit: i64) -> Self {
        self.memories = limit;
        self
    }

    /// Sets the number of items of knowledge that usage reports as the limit.
    pub fn knowledge(mut self, limit: i64) -> Self {
        self.knowledge = limit;
        self
    }

    /// Sets the syntheses per month that usage reports as the limit.
    pub fn synthesis(mut self, limit: i64) -> Self {
        self.synthesis = limit;
        self
    }

    /// Sets the number of dormant animas that usage reports as the limit.
    pub fn dormant_animas(mut self, limit: i64) -> Self {
        self.dormant_animas = limit;
        self
    }

    /// Removes dreams from the plan.
    pub fn without_dreams(mut self) -> Self {
        self.dreams = false;
        self
    }

    /// Whether `used` leaves no room for one more.
    pub(super) fn refuses(&self, limit: i64, used: impl FnOnce() -> i64, quirks: Quirks) -> bool {
        let late = i64::from(quirks.has(Quirk::LateLimits));
        self.tier == PlanTier::Free && limit >= 0 && used() >= limit.saturating_add(late)
    }

    /// The response to a call that exceeds a limit of the plan.
    pub(super) fn limit_exceeded(&self, action: &str, message: &str, quirks: Quirks) -> Answer {
        let status =
            if quirks.has(Quirk::PlanLimitForbids) { StatusCode::FORBIDDEN } else { StatusCode::TOO_MANY_REQUESTS };
        self.refusal(status, "limit_exceeded", "action", action, message)
    }

    /// The response to a call of a feature that the plan does not include.
    pub(super) fn feature_missing(&self, feature: &str, message: &str) -> Answer {
        self.refusal(StatusCode::FORBIDDEN, "feature_not_available", "feature", feature, message)
    }

    fn refusal(&self, status: StatusCode, error: &str, key: &str, what: &str, message: &str) -> Answer {
        let tier = self.tier.as_str();
        let plan: String = tier.chars().take(1).flat_map(char::to_uppercase).chain(tier.chars().skip(1)).collect();
        let name = |wanted| (key == wanted).then_some(what);
        let detail = Detail {
            error,
            action: name("action"),
            feature: name("feature"),
            current_plan: &plan,
            current_tier: tier,
            message,
            upgrade_url: "https://elephantasm.example/upgrade",
        };
        Answer::json(status, &Body { detail })
    }
}

#[derive(Serialize)]
struct Body<'a> {
    detail: Detail<'a>,
}

#[derive(Serialize)]
struct Detail<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    feature: Option<&'a str>,
    current_plan: &'a str,
    current_tier: &'a str,
    message: &'a str,
    upgrade_url: &'a str,
}

impl Default for Plan {
    fn default() -> Self {
        Self::unlimited()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_free_plan_is_held_to_its_limits() {
        let exact = Quirks::documented();
        assert!(Plan::free().refuses(3, || 3, exact));
        assert!(!Plan::free().refuses(3, || 2, exact));
        assert!(!Plan::free().refuses(-1, || 1000, exact));
        assert!(!Plan::free().tier("pro").refuses(3, || 1000, exact));
    }

    #[test]
    fn by_the_quirk_one_more_than_the_limit_goes_through() {
        assert!(!Plan::free().refuses(3, || 3, Quirks::observed()));
        assert!(Plan::free().refuses(3, || 4, Quirks::observed()));
    }

    #[test]
    fn a_refusal_names_the_plan() {
        let answer = Plan::free().limit_exceeded("create_anima", "No more.", Quirks::observed());
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert_eq!(
            answer.body,
            concat!(
                r#"{"detail":{"error":"limit_exceeded","action":"create_anima","current_plan":"Free","current_tier":"free","#,
                r#""message":"No more.","upgrade_url":"https://elephantasm.example/upgrade"}}"#
            )
        );
        assert_eq!(Plan::free().limit_exceeded("a", "m", Quirks::documented()).status, StatusCode::TOO_MANY_REQUESTS);
    }
}
