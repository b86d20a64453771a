//! Memory stores, memories and their versions.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::tables::{MEMORIES, MEMORY_VERSIONS, STORES, begin, invalid, is_listed};
use super::{Call, Settings, dialect};
use crate::sandbox::clock::stored;
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::{Outcome, ascending};
use crate::sandbox::store::{Object, object, text};
use crate::sandbox::terms;

/// How much a memory holds at most, in bytes.
const LARGEST: usize = 102_400;

pub(super) fn new_store(call: &mut Call<'_>, store: &mut Object) -> Result<(), ErrorReply> {
    let empty = if call.platform.is_v0() { Value::Null } else { json!("") };
    begin(call, store, "memstore", json!({"type": "memory_store", "description": empty, "metadata": {}}));
    Ok(())
}

pub(super) fn oldest_first(call: &Call<'_>, a: &Object, b: &Object) -> Ordering {
    if call.platform.is_v0() { Ordering::Equal } else { ascending("_n", a, b) }
}

/// A memory as it is shown: with its content where the view is full.
fn shown(call: &Call<'_>, memory: &Object, full_by_default: bool) -> Object {
    let mut memory = memory.clone();
    let full = match call.text("view") {
        Some(view) => view == "full",
        None => full_by_default || (call.platform.is_v0() && !call.operation.id.starts_with("oma_list")),
    };
    if !full {
        memory.insert("content".to_owned(), Value::Null);
    }
    if call.platform.is_v0() {
        memory.retain(|_, value| !value.is_null());
    }
    memory
}

fn hash(content: &str) -> String {
    Sha256::digest(content.as_bytes()).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

fn check_path(path: &str) -> Result<(), ErrorReply> {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let wrong = |segment: &&str| matches!(*segment, "" | "." | "..") || segment.chars().any(char::is_control);
    if path.starts_with('/') && path.len() <= 1024 && segments.len() <= 20 && !segments.iter().any(wrong) {
        return Ok(());
    }
    Err(invalid("Invalid request field path: it must be absolute, without empty, . or .. segments"))
}

fn at_path<'a>(call: &'a Call<'_>, store: &'a str, path: &'a str) -> Option<&'a Object> {
    call.store.of(&MEMORIES, "memory_store_id", store).find(|memory| text(memory, "path") == Some(path))
}

/// A precondition that does not hold.
fn failed(call: &Call<'_>) -> Outcome<Settings> {
    let plain = call.platform.has(super::Quirk::PlainErrors);
    let status = if plain { StatusCode::BAD_REQUEST } else { StatusCode::CONFLICT };
    let kind = if call.platform.is_v0() { "" } else { "memory_precondition_failed_error" };
    dialect::with(call.platform, status, kind, "The memory's content has changed", &Value::Null)
}

/// Sets the content, and keeps it as a version.
fn write(call: &mut Call<'_>, mut memory: Object, content: Option<String>, operation: &str) -> Object {
    let now = stored(call.now);
    if let Some(content) = content {
        let sum = hash(&content);
        memory.extend(object(json!({"content_sha256": sum, "etag": sum, "content_size_bytes": content.len()})));
        memory.insert("content".to_owned(), json!(content));
    }
    memory.insert("updated_at".to_owned(), json!(now));
    let version = call.platform.id("memver");
    memory.insert("memory_version_id".to_owned(), json!(version));
    keep_version(call, &memory, &version, operation);
    let id = text(&memory, "id").unwrap_or_default().to_owned();
    if let Some(row) = call.store.get_mut(&MEMORIES, &id) {
        row.clone_from(&memory);
        return memory;
    }
    call.store.insert(&MEMORIES, memory).clone()
}

fn keep_version(call: &mut Call<'_>, memory: &Object, id: &str, operation: &str) {
    let deleted = operation == "deleted";
    let actor = if call.platform.is_v0() {
        json!({"type": "api_key", "id": "ak_default"})
    } else {
        json!({"type": "api_actor", "api_key_id": "ak_default"})
    };
    let content = |name: &str| if deleted { Value::Null } else { memory[name].clone() };
    let version = json!({
        "type": "memory_version", "id": id, "memory_id": memory["id"], "memory_store_id": memory["memory_store_id"],
        "operation": operation, "path": memory["path"], "content": content("content"),
        "content_sha256": content("content_sha256"), "content_size_bytes": content("content_size_bytes"),
        "created_by": actor, "created_at": stored(call.now), "redacted_at": null, "redacted_by": null,
    });
    call.store.insert(&MEMORY_VERSIONS, object(version));
}

/// The store that the path names.
fn store(call: &Call<'_>) -> Result<String, ErrorReply> {
    let id = call.path_text("memory_store_id");
    call.find(&STORES, id)?;
    Ok(id.to_owned())
}

fn named<'a>(call: &'a Call<'_>) -> Result<&'a Object, ErrorReply> {
    let store = store(call)?;
    let memory = call.find(&MEMORIES, call.path_text("memory_id"))?;
    let found = text(memory, "memory_store_id") == Some(&store);
    if found { Ok(memory) } else { Err(ErrorReply::not_found("Memory", call.id())) }
}

fn check_size(content: &str) -> Result<(), ErrorReply> {
    if content.len() <= LARGEST { Ok(()) } else { Err(invalid("Invalid request field content: it is too long")) }
}

pub(super) fn create(call: &mut Call<'_>) -> Outcome<Settings> {
    let store = store(call)?;
    let path = call.field("path").unwrap_or_default().to_owned();
    let content = call.field("content").unwrap_or_default().to_owned();
    check_path(&path)?;
    check_size(&content)?;
    let existing = at_path(call, &store, &path).cloned();
    let v0 = call.platform.is_v0();
    if let (Some(existing), false) = (&existing, v0) {
        let further = json!({"conflicting_memory_id": existing["id"], "conflicting_path": path});
        let kind = "memory_path_conflict_error";
        return dialect::with(call.platform, StatusCode::CONFLICT, kind, "A memory with this path exists", &further);
    }
    // v0 overwrites, if the precondition holds.
    let condition = call.body.get("precondition").cloned().unwrap_or_default();
    let holds = match condition["type"].as_str() {
        Some("not_exists") => existing.is_none(),
        Some(_) => existing.as_ref().is_some_and(|it| it["content_sha256"] == condition["content_sha256"]),
        None => true,
    };
    if !holds {
        return failed(call);
    }
    let operation = if existing.is_some() { "modified" } else { "created" };
    let memory = existing.unwrap_or_else(|| {
        object(json!({
            "type": "memory", "id": call.platform.id("mem"), "memory_store_id": store, "path": path,
            "created_at": stored(call.now),
        }))
    });
    let memory = write(call, memory, Some(content), operation);
    Ok(shown(call, &memory, false).into())
}

pub(super) fn get(call: &mut Call<'_>) -> Outcome<Settings> {
    Ok(shown(call, named(call)?, true).into())
}

pub(super) fn update(call: &mut Call<'_>) -> Outcome<Settings> {
    let mut memory = named(call)?.clone();
    let (content, path) = (call.field("content").map(str::to_owned), call.field("path").map(str::to_owned));
    check_size(content.as_deref().unwrap_or_default())?;
    // What is already as it is asked for is no failure.
    let same = content.as_ref().is_none_or(|content| memory["content"] == **content)
        && path.as_ref().is_none_or(|path| memory["path"] == **path);
    if same && !call.platform.is_v0() {
        return Ok(shown(call, &memory, false).into());
    }
    let condition = call.body.get("precondition").cloned().unwrap_or_default();
    if condition["type"] == "content_sha256" && condition["content_sha256"] != memory["content_sha256"] {
        return failed(call);
    }
    if let Some(path) = path {
        check_path(&path)?;
        let store = store(call)?;
        if let Some(other) = at_path(call, &store, &path).filter(|other| other["id"] != memory["id"]) {
            let further = json!({"conflicting_memory_id": other["id"], "conflicting_path": path});
            let kind = "memory_path_conflict_error";
            return dialect::with(
                call.platform,
                StatusCode::CONFLICT,
                kind,
                "A memory with this path exists",
                &further,
            );
        }
        memory.insert("path".to_owned(), json!(path));
    }
    let memory = write(call, memory, content, "modified");
    Ok(shown(call, &memory, false).into())
}

pub(super) fn remove(call: &mut Call<'_>) -> Outcome<Settings> {
    let memory = named(call)?.clone();
    if call.text("expected_content_sha256").is_some_and(|expected| memory["content_sha256"] != expected) {
        return failed(call);
    }
    let version = call.platform.id("memver");
    keep_version(call, &memory, &version, "deleted");
    call.store.remove(&MEMORIES, MEMORIES.id(&memory));
    Ok(json!({"type": "memory_deleted", "id": memory["id"]}).into())
}

pub(super) fn list(call: &mut Call<'_>) -> Outcome<Settings> {
    let store = store(call)?;
    let prefix = call.text("path_prefix").unwrap_or("/");
    let is_folder = prefix.starts_with('/') && prefix.ends_with('/');
    if !is_folder && !call.platform.is_v0() {
        return Err(invalid("Invalid request field path_prefix: it must begin and end with /"));
    }
    let depth = call.count("depth").unwrap_or(0);
    // By path, what is deeper is its folder.
    let mut rows = BTreeMap::new();
    for memory in call.store.of(&MEMORIES, "memory_store_id", &store) {
        let path = text(memory, "path").unwrap_or_default();
        let Some(below) = path.strip_prefix(prefix) else { continue };
        let segments: Vec<&str> = below.split('/').collect();
        if depth > 0 && segments.len() > depth {
            let folder = format!("{prefix}{}/", segments[..depth].join("/"));
            rows.entry(folder.clone()).or_insert_with(|| object(json!({"type": "memory_prefix", "path": folder})));
        } else {
            rows.insert(path.to_owned(), shown(call, memory, false));
        }
    }
    Ok(call.page(rows.into_values().collect(), "path").into())
}

/// Newest first, as it is documented.
pub(super) fn entries(call: &mut Call<'_>) -> Outcome<Settings> {
    let store = store(call)?;
    let rows: Vec<&Object> = call.store.of(&MEMORIES, "memory_store_id", &store).rev().collect();
    Ok(json!({"data": rows}).into())
}

/// By common words, as it is documented.
pub(super) fn search(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = store(call)?;
    let query = terms::terms(call.field("query").unwrap_or_default());
    let matching = |memory: &Object| {
        let share = terms::overlap(&query, text(memory, "content").unwrap_or_default());
        (share > 0.0).then(|| {
            let mut entry = memory.clone();
            entry.insert("score".to_owned(), json!(share));
            entry
        })
    };
    let mut found: Vec<Object> = call.store.of(&MEMORIES, "memory_store_id", &id).rev().filter_map(matching).collect();
    found.sort_by(|a, b| ascending("score", b, a));
    found.truncate(call.body["limit"].as_u64().and_then(|limit| limit.try_into().ok()).unwrap_or(10));
    Ok(json!({"data": found}).into())
}

/// A version as it is shown.
fn shown_version(call: &Call<'_>, version: &Object, full_by_default: bool) -> Object {
    let mut shown = shown(call, version, full_by_default);
    if call.platform.is_v0() && version.get("redacted_at").is_some_and(|at| !at.is_null()) {
        shown.insert("redacted".to_owned(), json!(true));
    }
    shown
}

pub(super) fn versions(call: &mut Call<'_>) -> Outcome<Settings> {
    let store = store(call)?;
    let of_session = call.query.contains_key("session_id") || call.query.contains_key("service_account_id");
    let kept = |version: &&Object| {
        let is = |name: &str| call.query.get(name).is_none_or(|wanted| version.get(name) == Some(wanted));
        let key = call.text("api_key_id").is_none_or(|key| version["created_by"]["api_key_id"] == key);
        is("memory_id") && is("operation") && key && !of_session && is_listed(call, version)
    };
    let rows = call.store.of(&MEMORY_VERSIONS, "memory_store_id", &store).rev().filter(kept);
    let rows = rows.map(|version| shown_version(call, version, false)).collect();
    Ok(call.page(rows, "id").into())
}

fn named_version(call: &Call<'_>) -> Result<String, ErrorReply> {
    let (store, id) = (store(call)?, call.path_text("memory_version_id"));
    let version = call.find(&MEMORY_VERSIONS, id)?;
    let found = text(version, "memory_store_id") == Some(&store);
    if found { Ok(id.to_owned()) } else { Err(ErrorReply::not_found("Memory version", id)) }
}

pub(super) fn version(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = named_version(call)?;
    Ok(shown_version(call, call.find(&MEMORY_VERSIONS, &id)?, true).into())
}

/// Takes the content out of a version; again is the same.
pub(super) fn redact(call: &mut Call<'_>) -> Outcome<Settings> {
    let (id, now) = (named_version(call)?, stored(call.now));
    if let Some(version) = call.store.get_mut(&MEMORY_VERSIONS, &id)
        && version["redacted_at"].is_null()
    {
        for name in ["path", "content", "content_sha256", "content_size_bytes"] {
            version.insert(name.to_owned(), Value::Null);
        }
        version.insert("redacted_at".to_owned(), json!(now));
        let by = version["created_by"].clone();
        version.insert("redacted_by".to_owned(), by);
    }
    Ok(shown_version(call, call.find(&MEMORY_VERSIONS, &id)?, true).into())
}
