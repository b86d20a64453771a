//! Agents and their versions.

use serde_json::{Value, json};

use super::quirks::Quirk;
use super::tables::{AGENTS, MODEL_CARDS, SESSIONS, VERSIONS, begin, defaults, discard, merge_metadata, unprocessable};
use super::{Call, Server, Settings, run};
use crate::sandbox::clock::stored;
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::Outcome;
use crate::sandbox::store::{Object, text};

/// What a snapshot of an agent lacks.
const NOT_IN_SNAPSHOTS: [&str; 5] = ["metadata", "created_at", "updated_at", "archived_at", "_oma"];

pub(super) fn new(call: &mut Call<'_>, agent: &mut Object) -> Result<(), ErrorReply> {
    let tools = if call.platform.is_v0() { json!([{"type": "agent_toolset_20260401"}]) } else { json!([]) };
    begin(
        call,
        agent,
        "agent",
        json!({
            "type": "agent", "version": 1, "description": null, "system": null, "tools": tools, "mcp_servers": [],
            "skills": [], "multiagent": null, "metadata": {}, "execution_identity": {"type": "service_account"},
        }),
    );
    spell(call, agent)?;
    let mut cards = call.store.rows(&MODEL_CARDS).peekable();
    if call.platform.is_v0() && cards.peek().is_some() && cards.all(|card| card["model_id"] != agent["model"]["id"]) {
        return Err(super::tables::invalid("model names no model card"));
    }
    Ok(())
}

/// Writes out the short forms of the request.
fn spell(call: &Call<'_>, agent: &mut Object) -> Result<(), ErrorReply> {
    if agent.get("system").is_some_and(|it| it == "") {
        agent.insert("system".to_owned(), Value::Null);
    }
    if let Some(model) = agent.get("model") {
        agent.insert("model".to_owned(), full_model(model));
    }
    for tool in agent.get_mut("tools").and_then(Value::as_array_mut).into_iter().flatten() {
        if !call.platform.is_v0() {
            complete_toolset(tool);
        }
    }
    let id = agent["id"].clone();
    let own = json!({"type": "agent", "id": id, "version": agent["version"]});
    for member in agent.get_mut("multiagent").and_then(|it| it.get_mut("agents")?.as_array_mut()).into_iter().flatten()
    {
        if member.get("type").is_some_and(|it| it == "self") {
            *member = own.clone();
            continue;
        }
        let Some(id) = member.as_str().or_else(|| member.get("id")?.as_str()).map(str::to_owned) else { continue };
        let found = call.store.get(&AGENTS, &id);
        let version = found.map(|agent| agent["version"].clone());
        let version = version.ok_or_else(|| unprocessable(call, &format!("multiagent: agent {id} does not exist")))?;
        let asked = member.get("version").cloned().unwrap_or(version);
        *member = json!({"type": "agent", "id": id, "version": asked});
    }
    let servers = agent.get("mcp_servers").and_then(Value::as_array).into_iter().flatten();
    let mut names: Vec<&Value> = servers.filter_map(|server| server.get("name")).collect();
    let count = names.len();
    names.sort_by_key(ToString::to_string);
    names.dedup();
    if names.len() < count {
        return Err(super::tables::invalid("Invalid request field mcp_servers: names must be unique"));
    }
    // Secrets never come back.
    for server in agent.get_mut("mcp_servers").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(server) = server.as_object_mut() {
            server.remove("authorization_token");
        }
    }
    Ok(())
}

/// Newer servers write out what a set of tools leaves open.
fn complete_toolset(tool: &mut Value) {
    // What an MCP server does must be allowed each time.
    let policy = match tool["type"].as_str() {
        Some("agent_toolset_20260401") => "always_allow",
        Some("mcp_toolset") => "always_ask",
        _ => return,
    };
    let Some(tool) = tool.as_object_mut() else { return };
    defaults(tool, json!({"configs": [], "default_config": {}}));
    let open = json!({"enabled": true, "permission_policy": {"type": policy}});
    if let Some(config) = tool.get_mut("default_config").and_then(Value::as_object_mut) {
        defaults(config, open);
    }
    let default = tool["default_config"].clone();
    for config in tool.get_mut("configs").and_then(Value::as_array_mut).into_iter().flatten() {
        let name = config["name"].clone();
        if let Some(config) = config.as_object_mut() {
            defaults(config, default.clone());
            defaults(config, json!({"type": name}));
        }
    }
}

/// A model as objects hold it.
pub(super) fn full_model(model: &Value) -> Value {
    let mut full = match model {
        Value::String(id) => json!({"id": id}),
        other => other.clone(),
    };
    if let Some(Value::String(level)) = full.get("effort").cloned() {
        full["effort"] = json!({"type": level});
    }
    if full.get("speed").is_none() {
        full["speed"] = json!("standard");
    }
    full
}

/// Keeps the current state as a version.
pub(super) fn keep_version(call: &mut Call<'_>, id: &str) {
    let Some(agent) = call.store.get(&AGENTS, id).cloned() else { return };
    let mut version = agent;
    version.remove("_n");
    version.insert("_key".to_owned(), json!(version_key(id, version["version"].as_i64())));
    version.insert("_agent".to_owned(), json!(id));
    call.store.insert(&VERSIONS, version);
}

fn version_key(id: &str, version: Option<i64>) -> String {
    format!("{id}:{}", version.unwrap_or_default())
}

pub(super) fn update(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = call.id().to_owned();
    let before = call.store.get(&AGENTS, &id).cloned().ok_or_else(|| ErrorReply::not_found("Agent", id.as_str()))?;
    let mut body = call.body.as_object().cloned().unwrap_or_default();
    if body.remove("version").is_some_and(|version| version != before["version"]) {
        let message = format!("Version mismatch: the agent is at version {}", before["version"]);
        return Err(ErrorReply::Conflict(message));
    }
    let mut agent = before.clone();
    if let Some(change) = body.remove("metadata") {
        agent.insert("metadata".to_owned(), merge_metadata(before.get("metadata"), Some(&change)));
    }
    for (name, value) in body {
        // Null clears.
        let cleared =
            matches!(name.as_str(), "tools" | "mcp_servers" | "skills" | "callable_agents") && value.is_null();
        agent.insert(name, if cleared { json!([]) } else { value });
    }
    if agent.get("description").is_some_and(|it| it == "") {
        agent.insert("description".to_owned(), Value::Null);
    }
    let effort = before["model"].get("effort").cloned();
    if let (Some(effort), true) = (effort, agent["model"].is_object() && agent["model"].get("effort").is_none()) {
        agent["model"]["effort"] = effort;
    }
    spell(call, &mut agent)?;
    // Only v0 sees that nothing changes.
    if !call.platform.is_v0() || agent != before {
        agent.insert("version".to_owned(), json!(before["version"].as_i64().unwrap_or_default() + 1));
        agent.insert("updated_at".to_owned(), json!(stored(call.now)));
        if let Some(row) = call.store.get_mut(&AGENTS, &id) {
            row.clone_from(&agent);
        }
        keep_version(call, &id);
    }
    Ok(call.view(&AGENTS, &agent).into())
}

/// The hosted server keeps an agent while its sessions run.
pub(super) fn remove(call: &mut Call<'_>) -> Outcome<Settings> {
    let sessions = call.store.of(&SESSIONS, "agent_id", call.id());
    let busy = { sessions }.any(|session| run::is_busy(call.store, SESSIONS.id(session)));
    if busy && call.platform.server == Server::V0 && !call.platform.has(Quirk::PlainErrors) {
        return Err(ErrorReply::Conflict("Agent has active sessions".to_owned()));
    }
    discard(call, &AGENTS, "agent_deleted", &[&VERSIONS])
}

pub(super) fn versions(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = call.id().to_owned();
    let current = call.find(&AGENTS, &id)?["version"].clone();
    let mut versions: Vec<Object> = call.store.of(&VERSIONS, "_agent", &id).cloned().collect();
    if call.platform.is_v0() {
        versions.retain(|version| version["version"] != current);
    } else {
        versions.reverse();
    }
    Ok(call.page(versions, "_key").into())
}

pub(super) fn version(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = call.path_text("agent_id").to_owned();
    let asked = call.path.get("version").and_then(|it| it.as_i64().or_else(|| it.as_str()?.parse().ok()));
    let current = call.find(&AGENTS, &id)?["version"].as_i64();
    if call.platform.is_v0() && asked == current {
        return Err(ErrorReply::not_found("Version", id));
    }
    let version = call.store.get(&VERSIONS, &version_key(&id, asked)).cloned();
    Ok(version.ok_or_else(|| ErrorReply::not_found("Version", id))?.into())
}

/// The agent that a session or a deployment names, and its version.
pub(super) fn named(call: &Call<'_>, reference: &Value) -> Result<Object, ErrorReply> {
    let id = reference.as_str().or_else(|| reference.get("id")?.as_str()).unwrap_or_default();
    let agent = call.store.get(&AGENTS, id).ok_or_else(|| ErrorReply::not_found("Agent", id))?;
    if super::tables::is_archived(agent) {
        return Err(super::tables::invalid("Agent is archived"));
    }
    // v0 always takes the current one.
    let asked = reference.get("version").and_then(Value::as_i64).filter(|_| !call.platform.is_v0());
    let Some(asked) = asked else { return Ok(agent.clone()) };
    let version = call.store.get(&VERSIONS, &version_key(id, Some(asked))).cloned();
    version.ok_or_else(|| ErrorReply::not_found("Agent version", id))
}

/// An agent as a session keeps it.
pub(super) fn snapshot(agent: &Object) -> Object {
    let kept = |name: &str| !NOT_IN_SNAPSHOTS.contains(&name) && !name.starts_with('_');
    agent.iter().filter(|(name, _)| kept(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

pub(super) fn name(agent: &Value) -> &str {
    agent.as_object().and_then(|agent| text(agent, "name")).unwrap_or_default()
}
