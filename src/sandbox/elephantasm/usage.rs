//! The plan usage of an account.

use http::StatusCode;

use super::animas::active;
use super::call::{Call, Outcome, Scene};
use super::meter::first_day;
use super::refusal;
use super::types::Usage;
use crate::sandbox::answer::Answer;

/// A count, as it is returned.
pub(super) fn count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(super) fn get(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    if let Some(organization) = call.headers.get("x-organization-id") {
        let organization = organization.to_str().unwrap_or_default();
        if !crate::check::is_uuid(organization) {
            return Err(refusal::bad_request("Invalid X-Organization-Id header"));
        }
        if scene.others_organization {
            return Err(refusal::detail(StatusCode::FORBIDDEN, "Not a member of this organization"));
        }
        if !organization.eq_ignore_ascii_case(&scene.account.organization_id) {
            return Err(refusal::detail(StatusCode::NOT_FOUND, "No organization found"));
        }
    }
    let account = &scene.account;
    let plan = &account.plan;
    let active = count(active(scene));
    let all = count(account.animas.iter().filter(|anima| !anima.deleted).count());
    let memories = count(account.memories.iter().filter(|memory| !memory.deleted).count());
    let knowledge = count(account.knowledge.iter().filter(|item| !item.deleted).count());
    let [events, packs, dreams] = [&account.events_created, &account.pack_builds, &account.dreams_begun]
        .map(|meter| meter.in_month_of(scene.now));
    let used = [
        (plan.events, events),
        (plan.memories, memories),
        (plan.knowledge, knowledge),
        (plan.pack_builds, packs),
        (plan.synthesis, dreams),
        (plan.active_animas, active),
        (plan.dormant_animas, all - active),
    ];
    let capped = used.iter().any(|(limit, used)| plan.refuses(*limit, || *used, scene.quirks));
    let usage = Usage::new()
        .plan_tier(plan.tier.clone())
        .period_start(first_day(scene.now))
        .events_created(events)
        .events_limit(plan.events)
        .memories_stored(memories)
        .memories_limit(plan.memories)
        .knowledge_items(knowledge)
        .knowledge_limit(plan.knowledge)
        .pack_builds(packs)
        .pack_builds_limit(plan.pack_builds)
        .synthesis_runs(dreams)
        .synthesis_limit(plan.synthesis)
        .active_anima_count(active)
        .active_anima_limit(plan.active_animas)
        .dormant_anima_count(all - active)
        .dormant_anima_limit(plan.dormant_animas)
        .total_overage_cents(0)
        .spending_cap_cents(-1)
        .spending_cap_remaining_cents(-1)
        .is_hard_capped(capped);
    Ok(Answer::json(StatusCode::OK, &usage))
}
