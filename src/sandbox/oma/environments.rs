//! Environments.

use serde_json::{Value, json};

use super::tables::{ENVIRONMENTS, SESSIONS, begin, delete, invalid, is_archived, update};
use super::{Call, Settings};
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::Outcome;
use crate::sandbox::store::{Object, text};

pub(super) fn new(call: &mut Call<'_>, environment: &mut Object) -> Result<(), ErrorReply> {
    begin(call, environment, "env", json!({"type": "environment", "description": null, "metadata": {}}));
    let config = environment.entry("config").or_insert_with(|| json!({"type": "cloud"}));
    complete(call, config);
    Ok(())
}

/// Newer servers write out what a configuration leaves open.
fn complete(call: &Call<'_>, config: &mut Value) {
    let Some(config) = config.as_object_mut().filter(|config| config.get("type") == Some(&json!("cloud"))) else {
        return;
    };
    if call.platform.is_v0() {
        return;
    }
    let networking = config.entry("networking").or_insert_with(|| json!({"type": "unrestricted"}));
    if networking["type"] == "limited"
        && let Some(networking) = networking.as_object_mut()
    {
        let open = json!({"allowed_hosts": [], "allow_mcp_servers": false, "allow_package_managers": false});
        super::tables::defaults(networking, open);
    }
    if let Some(packages) = config.entry("packages").or_insert_with(|| json!({})).as_object_mut() {
        let none = json!({"type": "packages", "apt": [], "cargo": [], "gem": [], "go": [], "npm": [], "pip": []});
        super::tables::defaults(packages, none);
    }
}

pub(super) fn change(call: &mut Call<'_>) -> Outcome<Settings> {
    let before = call.store.get(&ENVIRONMENTS, call.id()).and_then(|row| row.get("config")).cloned();
    if let Some(mut config) = call.body.get("config").cloned() {
        if before.is_some_and(|before| before["type"] != config["type"]) {
            return Err(invalid("Invalid request field config.type: it cannot change"));
        }
        complete(call, &mut config);
        call.body["config"] = config;
    }
    update(call, &ENVIRONMENTS)
}

pub(super) fn remove(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = call.id();
    if call.store.of(&SESSIONS, "environment_id", id).any(|session| !is_archived(session)) {
        return Err(ErrorReply::Conflict("Environment is used by sessions".to_owned()));
    }
    delete(call, &ENVIRONMENTS, "environment_deleted", &[])
}

/// The environment that a session or a deployment names.
pub(super) fn named(call: &Call<'_>, id: &str) -> Result<(), ErrorReply> {
    let environment = call.store.get(&ENVIRONMENTS, id).ok_or_else(|| ErrorReply::not_found("Environment", id))?;
    if is_archived(environment) {
        let name = text(environment, "name").unwrap_or_default();
        return Err(ErrorReply::bad_request("environment_archived", format!("Environment {name} is archived")));
    }
    Ok(())
}
