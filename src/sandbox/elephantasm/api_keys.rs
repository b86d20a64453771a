//! API keys. Each key of an account gives access to the whole account.

use serde_json::json;

use super::Settings;
use super::tables::{API_KEYS, Call};
use crate::sandbox::clock::{Micros, stored};
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::Outcome;
use crate::sandbox::ids;
use crate::sandbox::store::{Object, Store, object, text};

/// How many characters of a key its record shows.
const PREFIX: usize = 12;

/// The record of a key.
pub(super) fn record(key: &str) -> Object {
    object(json!({
        "key_prefix": key.get(..PREFIX).unwrap_or(key),
        "full_key": key,
        "request_count": 0,
        "is_active": true,
    }))
}

pub(super) fn new(_: &mut Call<'_>, key: &mut Object) -> Result<(), ErrorReply> {
    key.extend(record(&format!("sk_live_{}", ids::uuid().replace('-', ""))));
    Ok(())
}

/// Whether an active key of the account is `credential`; if so, its use is counted.
pub(super) fn use_key(store: &mut Store, credential: &str, now: Micros) -> bool {
    let mut keys = store.rows_mut(&API_KEYS);
    let Some(key) = keys.find(|key| text(key, "full_key") == Some(credential) && key["is_active"] == true) else {
        return false;
    };
    let count = key["request_count"].as_u64().unwrap_or_default() + 1;
    key.insert("request_count".to_owned(), json!(count));
    key.insert("last_used_at".to_owned(), json!(stored(now)));
    true
}

pub(super) fn is_shown(call: &Call<'_>, key: &Object) -> bool {
    key["is_active"] == true || call.flag("include_inactive")
}

pub(super) fn revoke(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = call.id().to_owned();
    let now = stored(call.now);
    let key = call.store.get_mut(&API_KEYS, &id).ok_or_else(|| ErrorReply::not_found(API_KEYS.kind, id))?;
    if key["is_active"] == false {
        return Err(ErrorReply::bad_request("", "API key is already revoked"));
    }
    key.insert("is_active".to_owned(), json!(false));
    key.insert("updated_at".to_owned(), json!(now));
    Ok(key.clone().into())
}
