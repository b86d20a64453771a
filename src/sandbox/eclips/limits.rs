//! What an account may do: scopes, plan, organization, credits, the calls of a day.

use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::{Call, Settings};
use crate::sandbox::clock::stored;
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::platform::World;
use crate::sandbox::spec::{Auth, OperationSpec};
use crate::sandbox::store::{Table, object, text};

/// One object: the account itself.
static ACCOUNT: Table = Table::new("account", "Account");
const ACCOUNT_ID: &str = "account";

pub(super) fn open(world: &mut World<'_, Settings>) {
    let credits = world.platform.credits;
    world.store.insert(&ACCOUNT, object(json!({"id": ACCOUNT_ID, "credits": credits, "day": "", "started": 0})));
}

/// The scope that an operation needs.
fn scope(operation: &str) -> &'static str {
    match operation {
        "eclips_create_run" => "agents:run",
        "eclips_get_run" | "eclips_list_runs" | "eclips_stream_run" => "agents:read",
        "eclips_list_triage" => "triage:read",
        "eclips_approve_triage" | "eclips_reject_triage" => "triage:write",
        "eclips_create_webhook" | "eclips_delete_webhook" => "webhooks:write",
        "eclips_list_webhooks" => "webhooks:read",
        "eclips_create_batch" | "eclips_cancel_batch" => "batch:run",
        "eclips_get_batch" | "eclips_list_batches" => "batch:read",
        "eclips_trigger_workflow" => "workflows:run",
        _ => "workflows:read",
    }
}

pub(super) fn admit(settings: &Settings, headers: &HeaderMap, operation: &OperationSpec) -> Result<(), ErrorReply> {
    let forbidden = |code: &'static str, message: &str| {
        Err(ErrorReply::Rejected { status: StatusCode::FORBIDDEN, code, message: message.to_owned() })
    };
    if operation.auth == Auth::None {
        return Ok(());
    }
    if settings.no_api {
        return forbidden("permission_error", "API access requires the Team plan");
    }
    if settings.needs_organization && !headers.contains_key("x-eclips-org") {
        return forbidden("permission_error", "X-Eclips-Org is missing");
    }
    let required = scope(operation.id);
    match &settings.scopes {
        Some(scopes) if !scopes.contains(required) => forbidden(required, "Insufficient scope"),
        _ => Ok(()),
    }
}

/// Spends a credit for each of `count` runs or rows.
pub(super) fn spend(call: &mut Call<'_>, count: u64) -> Result<(), ErrorReply> {
    let limit = |name, message: &str| Err(ErrorReply::Limit { name, message: message.to_owned() });
    let today = stored(call.now)[..10].to_owned();
    let cap = call.platform.daily_cap;
    let Some(account) = call.store.get_mut(&ACCOUNT, ACCOUNT_ID) else { return Ok(()) };
    if text(account, "day") != Some(&today) {
        account.extend(object(json!({"day": today, "started": 0})));
    }
    let started = account["started"].as_u64().unwrap_or_default().saturating_add(count);
    if cap.is_some_and(|cap| started > cap) {
        return limit("daily_cap", "Daily limit of your plan reached");
    }
    if let Some(credits) = account["credits"].as_u64() {
        let Some(left) = credits.checked_sub(count) else { return limit("credits", "Insufficient credits") };
        account.insert("credits".to_owned(), json!(left));
    }
    account.insert("started".to_owned(), json!(started));
    Ok(())
}
