//! Deployments and their runs.

use serde_json::{Value, json};

use super::tables::{DEPLOYMENTS, RUNS, begin, invalid, is_archived, is_listed, update};
use super::{Call, Settings, agents, environments, resources, sessions};
use crate::sandbox::clock::stored;
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::Outcome;
use crate::sandbox::store::{Object, object, text};

pub(super) const FILTERS: &[&str] = &["agent_id", "status"];

pub(super) fn new(call: &mut Call<'_>, deployment: &mut Object) -> Result<(), ErrorReply> {
    begin(
        call,
        deployment,
        "depl",
        json!({
            "type": "deployment", "description": null, "status": "active", "paused_reason": null, "resources": [],
            "vault_ids": [], "schedule": null, "budget": null, "metadata": {},
        }),
    );
    check(call, deployment)
}

/// Checks what it refers to, and writes out short forms.
fn check(call: &Call<'_>, deployment: &mut Object) -> Result<(), ErrorReply> {
    let agent = agents::named(call, &deployment["agent"])?;
    environments::named(call, text(deployment, "environment_id").unwrap_or_default())?;
    let inputs = deployment["resources"].as_array().cloned().unwrap_or_default();
    resources::read(call, &inputs)?;
    deployment.insert("agent_id".to_owned(), agent["id"].clone());
    let reference = json!({"type": "agent", "id": agent["id"], "version": agent["version"]});
    deployment.insert("agent".to_owned(), reference);
    // Tokens do not come back, and neither do ids.
    let shown = inputs.iter().map(|input| {
        let mut input = object(input.clone());
        input.remove("authorization_token");
        Value::Object(input)
    });
    deployment.insert("resources".to_owned(), shown.collect());
    if let Some(schedule) = deployment.get_mut("schedule").and_then(Value::as_object_mut) {
        schedule.entry("last_run_at").or_insert(Value::Null);
    }
    Ok(())
}

pub(super) fn change(call: &mut Call<'_>) -> Outcome<Settings> {
    let mut deployment = call.find(&DEPLOYMENTS, call.id())?.clone();
    let mut body = call.body.as_object().cloned().unwrap_or_default();
    for name in ["resources", "vault_ids"] {
        if let Some(value) = body.get_mut(name).filter(|value| value.is_null()) {
            *value = json!([]);
        }
    }
    let checked: Object = body.clone();
    deployment.extend(checked);
    check(call, &mut deployment)?;
    for name in ["agent", "resources", "agent_id", "schedule"] {
        body.insert(name.to_owned(), deployment[name].clone());
    }
    call.body = Value::Object(body);
    update(call, &DEPLOYMENTS)
}

pub(super) fn set(call: &mut Call<'_>, status: &str) -> Outcome<Settings> {
    let reason = if status == "paused" { json!({"type": "manual"}) } else { Value::Null };
    call.body = json!({"status": status, "paused_reason": reason});
    update(call, &DEPLOYMENTS)
}

/// Opens a session, now; what is wrong with it stands in the run.
pub(super) fn run(call: &mut Call<'_>) -> Outcome<Settings> {
    let deployment = call.find(&DEPLOYMENTS, call.id())?.clone();
    if is_archived(&deployment) {
        return Err(invalid("The deployment is archived"));
    }
    let mut session = object(json!({"title": deployment["name"], "deployment_id": deployment["id"]}));
    for name in ["agent", "environment_id", "vault_ids", "resources", "initial_events", "budget"] {
        session.extend(deployment.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    let (session, error) = match sessions::open(call, session) {
        Ok(id) => (json!(id), Value::Null),
        Err(ErrorReply::NotFound { kind, .. }) => {
            (Value::Null, json!({"type": "not_found_error", "message": format!("{kind} not found")}))
        }
        Err(error) => return Err(error),
    };
    let run = json!({
        "type": "deployment_run", "id": call.platform.id("deplrun"), "deployment_id": deployment["id"],
        "agent": deployment["agent"], "session_id": session, "error": error, "trigger_context": {"type": "manual"},
        "created_at": stored(call.now),
    });
    let run = call.store.insert(&RUNS, object(run)).clone();
    Ok(run.into())
}

pub(super) fn is_kept(call: &Call<'_>, run: &Object) -> bool {
    let trigger = call.text("trigger_type").is_none_or(|trigger| run["trigger_context"]["type"] == trigger);
    let failed = call.query.get("has_error").and_then(Value::as_bool);
    trigger
        && failed.is_none_or(|failed| failed != run["error"].is_null())
        && call.query.get("deployment_id").is_none_or(|id| run["deployment_id"] == *id)
        && is_listed(call, run)
}
