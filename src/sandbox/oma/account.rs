//! The account: who it is, its API keys, and the server's health.

use serde_json::json;

use super::quirks::Quirk;
use super::tables::API_KEYS;
use super::{Call, Server, Settings};
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::Outcome;
use crate::sandbox::ids;
use crate::sandbox::store::Object;

pub(super) fn me(_: &mut Call<'_>) -> Outcome<Settings> {
    Ok(json!({
        "user": null,
        "tenant": {"id": "default", "name": "default"},
        "tenants": [{"id": "default", "name": "default", "role": "owner"}],
    })
    .into())
}

pub(super) fn health(call: &mut Call<'_>) -> Outcome<Settings> {
    let health = match call.platform.server {
        Server::Documented => json!({"ok": true}),
        _ if call.platform.has(Quirk::PlainErrors) => json!({
            "status": "ok", "runtime": "node", "pid": 1, "uptime_s": 1, "auth": "api_key", "backends": {"db": "sqlite"},
        }),
        _ => json!({"status": "ok"}),
    };
    Ok(health.into())
}

pub(super) fn new_key(_: &mut Call<'_>, row: &mut Object) -> Result<(), ErrorReply> {
    let key = ids::prefixed("oma_", 36);
    let name = row.entry("name").or_insert(json!("Untitled key")).clone();
    row.insert("name".to_owned(), name);
    row.insert("prefix".to_owned(), json!(key[..8]));
    row.insert("_key".to_owned(), json!(key));
    row.insert("id".to_owned(), json!(ids::prefixed("ak_", 16)));
    Ok(())
}

/// The only time that the key is shown.
pub(super) fn create_key(call: &mut Call<'_>) -> Outcome<Settings> {
    let mut row = call.body.as_object().cloned().unwrap_or_default();
    new_key(call, &mut row)?;
    row.insert("created_at".to_owned(), json!(crate::sandbox::clock::stored(call.now)));
    let mut row = call.store.insert(&API_KEYS, row).clone();
    row.insert("key".to_owned(), row["_key"].clone());
    Ok(row.into())
}
