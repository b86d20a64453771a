//! The tables, and what most handlers do with their objects.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Call, Server, Settings};
use crate::sandbox::clock::stored;
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::Outcome;
use crate::sandbox::store::{Object, Table, object, text};

pub(super) static AGENTS: Table = Table::new("agents", "Agent");
pub(super) static VERSIONS: Table =
    Table::new("agent_versions", "Agent version").key("_key").child_of(&AGENTS, "_agent");
pub(super) static ENVIRONMENTS: Table = Table::new("environments", "Environment");
pub(super) static SESSIONS: Table = Table::new("sessions", "Session");
pub(super) static THREADS: Table = Table::new("threads", "Thread").key("_key").child_of(&SESSIONS, "session_id");
pub(super) static EVENTS: Table = Table::new("events", "Event").key("_key").child_of(&SESSIONS, "_session");
/// User events that wait for the current turn to end.
pub(super) static PENDING: Table = Table::new("pending", "Event").key("_key").child_of(&SESSIONS, "_session");
/// Turns that run or wait for the user.
pub(super) static TURNS: Table = Table::new("turns", "Turn").key("_key").child_of(&SESSIONS, "_session");
/// What the agents of the next turns do.
pub(super) static SCRIPTS: Table = Table::new("scripts", "Script");
pub(super) static RESOURCES: Table = Table::new("resources", "Resource").child_of(&SESSIONS, "session_id");
pub(super) static OUTPUTS: Table = Table::new("outputs", "Output").key("_key").child_of(&SESSIONS, "_session");
pub(super) static VAULTS: Table = Table::new("vaults", "Vault");
pub(super) static CREDENTIALS: Table = Table::new("credentials", "Credential").child_of(&VAULTS, "vault_id");
pub(super) static API_KEYS: Table = Table::new("api_keys", "API key");
pub(super) static MODELS: Table = Table::new("models", "Model");
pub(super) static MODEL_CARDS: Table = Table::new("model_cards", "Model card");
pub(super) static FILES: Table = Table::new("files", "File");
/// What is in a file, in base64.
pub(super) static CONTENTS: Table = Table::new("contents", "File").child_of(&FILES, "_file");
pub(super) static SKILLS: Table = Table::new("skills", "Skill");
pub(super) static SKILL_VERSIONS: Table =
    Table::new("skill_versions", "Skill version").key("_key").child_of(&SKILLS, "skill_id");
pub(super) static STORES: Table = Table::new("memory_stores", "Memory store");
pub(super) static MEMORIES: Table = Table::new("memories", "Memory").child_of(&STORES, "memory_store_id");
pub(super) static MEMORY_VERSIONS: Table =
    Table::new("memory_versions", "Memory version").child_of(&STORES, "memory_store_id");
pub(super) static DEPLOYMENTS: Table = Table::new("deployments", "Deployment");
pub(super) static RUNS: Table = Table::new("deployment_runs", "Deployment run");
pub(super) static DREAMS: Table = Table::new("dreams", "Dream");
pub(super) static EVALS: Table = Table::new("evals", "Eval run");
pub(super) static PUBLICATIONS: Table = Table::new("publications", "Publication");

/// Sets what `row` does not have.
pub(super) fn defaults(row: &mut Object, values: Value) {
    for (name, value) in object(values) {
        row.entry(name).or_insert(value);
    }
}

/// Gives a new object its id, which the generation spells, its type, and what it has from the beginning.
pub(super) fn begin(call: &Call<'_>, row: &mut Object, prefix: &str, values: Value) {
    row.insert("id".to_owned(), json!(call.platform.id(prefix)));
    row.insert("archived_at".to_owned(), Value::Null);
    defaults(row, values);
}

/// Changes `metadata` by what the body says of each key: null and, as v0 and clearing clients have it, "" remove it.
pub(super) fn merge_metadata(before: Option<&Value>, change: Option<&Value>) -> Value {
    let mut merged = before.and_then(Value::as_object).cloned().unwrap_or_default();
    for (key, value) in change.and_then(Value::as_object).into_iter().flatten() {
        if value.is_null() || value == "" {
            merged.remove(key);
        } else {
            merged.insert(key.clone(), value.clone());
        }
    }
    Value::Object(merged)
}

/// Replaces what the body has, and merges `metadata`.
pub(super) fn update(call: &mut Call<'_>, table: &'static Table) -> Outcome<Settings> {
    let (id, now) = (call.id().to_owned(), stored(call.now));
    let mut body = call.body.as_object().cloned().unwrap_or_default();
    let row = call.store.get_mut(table, &id).ok_or_else(|| ErrorReply::not_found(table.kind, id.as_str()))?;
    if let Some(change) = body.remove("metadata") {
        let merged = merge_metadata(row.get("metadata"), Some(&change));
        row.insert("metadata".to_owned(), merged);
    }
    row.extend(body);
    row.insert("updated_at".to_owned(), json!(now));
    let row = row.clone();
    Ok(call.view(table, &row).into())
}

/// Marks an object; again is the same.
pub(super) fn archive(call: &mut Call<'_>, table: &'static Table) -> Outcome<Settings> {
    let (id, now) = (call.id().to_owned(), stored(call.now));
    let row = call.store.get_mut(table, &id).ok_or_else(|| ErrorReply::not_found(table.kind, id.as_str()))?;
    if row.get("archived_at").is_none_or(Value::is_null) {
        row.insert("archived_at".to_owned(), json!(now));
        row.insert("updated_at".to_owned(), json!(now));
    }
    let row = row.clone();
    Ok(call.view(table, &row).into())
}

/// Removes an object with what belongs to it.
pub(super) fn delete(
    call: &mut Call<'_>,
    table: &'static Table,
    word: &str,
    children: &[&'static Table],
) -> Outcome<Settings> {
    let id = call.id().to_owned();
    call.store.remove(table, &id).ok_or_else(|| ErrorReply::not_found(table.kind, id.as_str()))?;
    for child in children {
        call.store.remove_all(child, |row| child.parent.is_some_and(|parent| text(row, parent.field) == Some(&id)));
    }
    call.world().cancel_steps(table.name, &id);
    Ok(json!({"type": word, "id": id}).into())
}

/// Deletes an object, or archives it where the documentation calls that a deletion.
pub(super) fn discard(
    call: &mut Call<'_>,
    table: &'static Table,
    word: &str,
    children: &[&'static Table],
) -> Outcome<Settings> {
    if call.platform.server != Server::Documented {
        return delete(call, table, word, children);
    }
    archive(call, table)?;
    Ok(json!({"type": word, "id": call.id()}).into())
}

pub(super) fn is_archived(row: &Object) -> bool {
    row.get("archived_at").is_some_and(|at| !at.is_null())
}

/// Whether a list has an object: by its archiving and its time of creation.
pub(super) fn is_listed(call: &Call<'_>, row: &Object) -> bool {
    let created = text(row, "created_at").unwrap_or_default();
    let within = call.text("created_at_gt").is_none_or(|bound| created > bound)
        && call.text("created_at_gte").is_none_or(|bound| created >= bound)
        && call.text("created_at_lt").is_none_or(|bound| created < bound)
        && call.text("created_at_lte").is_none_or(|bound| created <= bound);
    let v0 = call.platform.is_v0();
    let shows_all = v0 && matches!(call.operation.id, "oma_list_agents" | "oma_list_environments");
    let shown = match call.text("status").filter(|_| v0) {
        Some("active") => !is_archived(row),
        Some("archived") => is_archived(row),
        Some("any") => true,
        _ if call.query.contains_key("include_archived") => call.flag("include_archived") || !is_archived(row),
        _ => shows_all || !is_archived(row),
    };
    let named = call.text("q").is_none_or(|q| {
        let name = text(row, "name").or(text(row, "title")).or(text(row, "model_id")).unwrap_or_default();
        name.to_lowercase().contains(&q.to_lowercase())
    });
    within && shown && named
}

/// A 400 of a value that the document allows.
pub(super) fn invalid(message: impl Into<String>) -> ErrorReply {
    ErrorReply::bad_request("invalid_request_error", message)
}

/// A 422 of servers of generation v0, which is a 400 on others.
pub(super) fn unprocessable(call: &Call<'_>, message: &str) -> ErrorReply {
    let status = if call.platform.is_v0() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_REQUEST };
    ErrorReply::Rejected { status, code: "invalid_request_error", message: message.to_owned() }
}
