//! Resources and outputs of sessions.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::tables::{FILES, OUTPUTS, RESOURCES, SESSIONS, STORES, invalid, unprocessable};
use super::{Call, Settings};
use crate::sandbox::clock::stored;
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::{Outcome, Output};
use crate::sandbox::store::{Object, Store, object, text};

/// Checks what a session is to have, and completes it as it is stored: without secrets.
pub(super) fn read(call: &Call<'_>, inputs: &[Value]) -> Result<Vec<Object>, ErrorReply> {
    let stores = inputs.iter().filter(|input| input["type"] == "memory_store").count();
    if stores > 8 {
        return Err(unprocessable(call, "A session has at most 8 memory stores"));
    }
    inputs.iter().map(|input| complete(call, input)).collect()
}

fn complete(call: &Call<'_>, input: &Value) -> Result<Object, ErrorReply> {
    let mut resource = object(input.clone());
    let said = |name: &str| input[name].as_str().unwrap_or_default();
    let mount = match said("type") {
        "file" => {
            let file = call.find(&FILES, said("file_id"))?;
            let name = text(file, "filename").unwrap_or_default();
            if call.platform.is_v0() {
                format!("/home/user/files/{}/{name}", said("file_id"))
            } else {
                format!("/mnt/session/uploads/{}", said("file_id"))
            }
        }
        "memory_store" => {
            let store = call.find(&STORES, said("memory_store_id"))?;
            let (name, description) = (store["name"].clone(), store.get("description").cloned());
            super::tables::defaults(
                &mut resource,
                json!({"access": "read_write", "name": name, "description": description}),
            );
            format!("/mnt/memory/{}", said("memory_store_id"))
        }
        "github_repository" => {
            resource.entry("checkout").or_insert(Value::Null);
            resource.insert("_authorization_token".to_owned(), input["authorization_token"].clone());
            resource.remove("authorization_token");
            let name = said("url").trim_end_matches(".git").rsplit('/').next().unwrap_or_default();
            format!("/workspace/{name}")
        }
        _ => {
            resource.remove("value");
            return Ok(resource);
        }
    };
    resource.entry("mount_path").or_insert_with(|| json!(mount));
    Ok(resource)
}

pub(super) fn insert(call: &mut Call<'_>, session: &str, mut resource: Object) -> Object {
    let now = stored(call.now);
    resource.extend(object(json!({
        "id": call.platform.id("sesrsc"), "session_id": session, "created_at": now, "updated_at": now,
    })));
    call.store.insert(&RESOURCES, resource).clone()
}

/// On newer servers memory stores have no id.
fn shown(call: &Call<'_>, row: &Object) -> Object {
    let mut row = call.view(&RESOURCES, row);
    if !call.platform.is_v0() && text(&row, "type") == Some("memory_store") {
        for name in ["id", "created_at", "updated_at"] {
            row.remove(name);
        }
    }
    row
}

/// The resources of a session, as it shows them.
pub(super) fn of(store: &Store, session: &str) -> Value {
    store.of(&RESOURCES, "session_id", session).cloned().map(Value::Object).collect()
}

pub(super) fn list(call: &mut Call<'_>) -> Outcome<Settings> {
    let session = call.path_text("session_id");
    call.find(&SESSIONS, session)?;
    let rows = call.store.of(&RESOURCES, "session_id", session).map(|row| shown(call, row)).collect();
    Ok(call.page(rows, "id").into())
}

pub(super) fn add(call: &mut Call<'_>) -> Outcome<Settings> {
    let session = call.path_text("session_id").to_owned();
    call.find(&SESSIONS, &session)?;
    let input = call.body.clone();
    if !call.platform.is_v0() && input["type"] != "file" {
        return Err(invalid("Only files can be added to a session"));
    }
    let resource = complete(call, &input)?;
    let row = insert(call, &session, resource);
    Ok(shown(call, &row).into())
}

/// The id of the resource that the path names.
fn named(call: &Call<'_>) -> Result<String, ErrorReply> {
    let (session, id) = (call.path_text("session_id"), call.path_text("resource_id"));
    call.find(&SESSIONS, session)?;
    let row = call.find(&RESOURCES, id)?;
    if text(row, "session_id") == Some(session) {
        Ok(id.to_owned())
    } else {
        Err(ErrorReply::not_found("Resource", id))
    }
}

pub(super) fn get(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = named(call)?;
    let row = call.find(&RESOURCES, &id)?;
    Ok(shown(call, row).into())
}

pub(super) fn update(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = named(call)?;
    if !call.platform.is_v0() && text(call.find(&RESOURCES, &id)?, "type") != Some("github_repository") {
        return Err(invalid("Only the token of a repository can be changed"));
    }
    let (now, body) = (stored(call.now), call.body.as_object().cloned().unwrap_or_default());
    if let Some(row) = call.store.get_mut(&RESOURCES, &id) {
        row.extend(body.into_iter().filter(|(name, _)| name != "authorization_token" && name != "type"));
        row.insert("updated_at".to_owned(), json!(now));
    }
    let row = call.find(&RESOURCES, &id)?;
    Ok(shown(call, row).into())
}

pub(super) fn remove(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = named(call)?;
    call.store.remove(&RESOURCES, &id);
    let word = if call.platform.is_v0() { "resource_deleted" } else { "session_resource_deleted" };
    Ok(json!({"type": word, "id": id}).into())
}

pub(super) fn outputs(call: &mut Call<'_>) -> Outcome<Settings> {
    let session = call.path_text("session_id");
    call.find(&SESSIONS, session)?;
    let rows: Vec<&Object> = call.store.of(&OUTPUTS, "_session", session).collect();
    Ok(json!({"data": rows, "has_more": false}).into())
}

pub(super) fn download(call: &mut Call<'_>) -> Outcome<Settings> {
    let (session, name) = (call.path_text("session_id"), call.path_text("filename"));
    call.find(&SESSIONS, session)?;
    if name.contains("..") || name.contains('/') {
        return Err(ErrorReply::Rejected {
            status: StatusCode::BAD_REQUEST,
            code: "invalid_request_error",
            message: "Invalid filename".to_owned(),
        });
    }
    let found = call.store.of(&OUTPUTS, "_session", session).find(|row| text(row, "filename") == Some(name));
    let found = found.ok_or_else(|| ErrorReply::not_found("Output", name))?;
    Ok(Output::Bytes {
        media: text(found, "media_type").unwrap_or("application/octet-stream").to_owned(),
        bytes: Bytes::from(text(found, "_text").unwrap_or_default().to_owned()),
        file_name: Some(name.to_owned()),
    })
}
