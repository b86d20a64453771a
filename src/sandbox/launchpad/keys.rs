//! Keys, and the user that they belong to.

use serde_json::{Value, json};

use super::{Call, KEYS, Settings, USER_ID, USERS, begun, security};
use crate::sandbox::clock::stored;
use crate::sandbox::handlers::{Outcome, Output};
use crate::sandbox::ids;
use crate::sandbox::platform::World;
use crate::sandbox::store::object;

pub(super) fn open(world: &mut World<'_, Settings>) {
    let user = json!({
        "userId": USER_ID, "username": "sandbox", "email": "sandbox@example.org", "role": "ADMIN",
        "createdAt": stored(world.now), "lastLogin": null, "permissions": ["agents:*", "system:*", "users:*"],
    });
    world.store.insert(&USERS, object(user));
}

pub(super) fn generate(call: &mut Call<'_>) -> Outcome<Settings> {
    let digits = || ids::uuid().replace('-', "");
    let key = format!("alk_{}{}", digits(), digits());
    let row = json!({"_key": key, "_role": call.body.get("role").cloned().unwrap_or(json!("USER"))});
    let id = KEYS.id(call.store.insert(&KEYS, object(row))).to_owned();
    security::note(&mut call.world(), "AUTH_SUCCESS", "INFO", None, "key generated");
    Ok(json!({"apiKey": key, "keyId": id, "expiresAt": null}).into())
}

pub(super) fn profile(call: &mut Call<'_>) -> Outcome<Settings> {
    Ok(call.store.get(&USERS, USER_ID).cloned().unwrap_or_default().into())
}

pub(super) fn update_profile(call: &mut Call<'_>) -> Outcome<Settings> {
    if let (Some(user), Value::Object(changes)) = (call.store.get_mut(&USERS, USER_ID), &call.body)
        && let Some(email) = changes.get("email")
    {
        user.insert("email".to_owned(), email.clone());
    }
    match begun(call, json!({}))? {
        Output::Json(_) => profile(call),
        nothing => Ok(nothing),
    }
}
