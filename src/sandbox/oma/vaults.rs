//! Vaults and their credentials.

use serde_json::{Value, json};

use super::tables::{CREDENTIALS, VAULTS, archive, begin, delete, invalid, merge_metadata};
use super::{Call, Settings};
use crate::sandbox::clock::stored;
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::Outcome;
use crate::sandbox::store::{Object, object, text};

/// What never comes back.
const SECRETS: [&str; 6] =
    ["token", "access_token", "refresh_token", "client_secret", "secret_value", "token_endpoint_auth_secret"];

pub(super) fn new(call: &mut Call<'_>, vault: &mut Object) -> Result<(), ErrorReply> {
    // A secret among the keys that the documentation allows is dropped.
    vault.retain(|name, _| matches!(name.as_str(), "name" | "metadata" | "created_at" | "updated_at"));
    begin(call, vault, "vlt", json!({"type": "vault", "metadata": {}}));
    Ok(())
}

/// Archives a vault with its credentials.
pub(super) fn close(call: &mut Call<'_>) -> Outcome<Settings> {
    let (id, now) = (call.id().to_owned(), json!(stored(call.now)));
    call.store.set_all(&CREDENTIALS, "archived_at", &now, |row| text(row, "vault_id") == Some(&id));
    archive(call, &VAULTS)
}

pub(super) fn new_credential(call: &mut Call<'_>, credential: &mut Object) -> Result<(), ErrorReply> {
    let vault = call.path_text("vault_id");
    let url = credential["auth"]["mcp_server_url"].clone();
    let mut others = call.store.of(&CREDENTIALS, "vault_id", vault);
    if url.is_string() && others.any(|other| other["auth"]["mcp_server_url"] == url) {
        return Err(ErrorReply::Conflict("The vault has a credential for this mcp_server_url".to_owned()));
    }
    if call.store.of(&CREDENTIALS, "vault_id", vault).count() >= 20 {
        return Err(invalid("A vault has at most 20 credentials"));
    }
    let name = if call.platform.is_v0() { "cred" } else { "vcrd" };
    begin(call, credential, name, json!({"type": "vault_credential", "display_name": null, "metadata": {}}));
    let mut auth = credential["auth"].clone();
    if auth["type"] == "mcp_oauth" && !call.platform.is_v0() {
        super::tables::defaults(
            auth.as_object_mut().unwrap_or(&mut Object::new()),
            json!({"expires_at": null, "refresh": null}),
        );
    }
    if auth["type"] == "environment_variable"
        && let Some(auth) = auth.as_object_mut()
    {
        super::tables::defaults(auth, json!({"injection_location": {"body": false, "header": true}}));
    }
    let secrets = strip(&mut auth);
    credential.insert("auth".to_owned(), auth);
    credential.insert("_secrets".to_owned(), secrets);
    Ok(())
}

/// Takes the secrets out.
fn strip(auth: &mut Value) -> Value {
    let mut secrets = Object::new();
    if let Some(auth) = auth.as_object_mut() {
        for name in SECRETS {
            secrets.extend(auth.remove(name).map(|secret| (name.to_owned(), secret)));
        }
        for value in auth.values_mut().filter(|value| value.is_object()) {
            secrets.extend(object(strip(value)));
        }
    }
    Value::Object(secrets)
}

/// The id of the credential that the path names.
fn named(call: &Call<'_>) -> Result<String, ErrorReply> {
    let (vault, id) = (call.path_text("vault_id"), call.path_text("credential_id"));
    call.find(&VAULTS, vault)?;
    let row = call.find(&CREDENTIALS, id)?;
    if text(row, "vault_id") == Some(vault) { Ok(id.to_owned()) } else { Err(ErrorReply::not_found("Credential", id)) }
}

/// Rotates secrets; type and server stay.
pub(super) fn update_credential(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = named(call)?;
    let mut row = call.find(&CREDENTIALS, &id)?.clone();
    let mut body = call.body.as_object().cloned().unwrap_or_default();
    if let Some(mut change) = body.remove("auth") {
        if change["type"] != row["auth"]["type"] {
            return Err(invalid("Invalid request field auth.type: it cannot change"));
        }
        let new = object(strip(&mut change));
        row["_secrets"] = Value::Object(object(row["_secrets"].clone()).into_iter().chain(new).collect());
        for (name, value) in object(change) {
            match (name.as_str(), value) {
                ("refresh", Value::Object(inner)) if row["auth"]["refresh"].is_object() => {
                    for (name, value) in inner {
                        row["auth"]["refresh"][name] = value;
                    }
                }
                (_, value) => row["auth"][name] = value,
            }
        }
    }
    if let Some(change) = body.remove("metadata") {
        row.insert("metadata".to_owned(), merge_metadata(row.get("metadata"), Some(&change)));
    }
    row.extend(body);
    row.insert("updated_at".to_owned(), json!(stored(call.now)));
    if let Some(place) = call.store.get_mut(&CREDENTIALS, &id) {
        place.clone_from(&row);
    }
    Ok(call.view(&CREDENTIALS, &row).into())
}

pub(super) fn remove_credential(call: &mut Call<'_>) -> Outcome<Settings> {
    named(call)?;
    let word = if call.platform.is_v0() { "credential_deleted" } else { "vault_credential_deleted" };
    delete(call, &CREDENTIALS, word, &[])
}

/// No server is asked.
pub(super) fn validate(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = named(call)?;
    let row = call.find(&CREDENTIALS, &id)?;
    let refreshable = row["_secrets"].get("refresh_token").is_some();
    if call.platform.is_v0() {
        return Ok(json!({"type": "mcp_oauth_validation", "validated": true, "expires_in": null}).into());
    }
    Ok(json!({
        "type": "vault_credential_validation", "credential_id": id, "vault_id": row["vault_id"], "status": "unknown",
        "has_refresh_token": refreshable, "mcp_probe": null, "refresh": null, "validated_at": stored(call.now),
    })
    .into())
}
