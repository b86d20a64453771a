//! Integrations, their publications, and OAuth. Nothing outside the sandbox is asked.

use http::StatusCode;
use serde_json::{Value, json};

use super::tables::{CREDENTIALS, PUBLICATIONS, VAULTS, invalid};
use super::{Call, Server, Settings};
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::{Outcome, Output};
use crate::sandbox::ids;
use crate::sandbox::store::{Object, object, text};

const PROVIDERS: [&str; 3] = ["linear", "github", "slack"];

/// The provider that the path names.
fn provider(call: &Call<'_>, name: &str) -> Result<String, ErrorReply> {
    let provider = call.path_text(name);
    if PROVIDERS.contains(&provider) {
        Ok(provider.to_owned())
    } else {
        Err(ErrorReply::not_found("Integration", provider))
    }
}

pub(super) fn list(_: &mut Call<'_>) -> Outcome<Settings> {
    let rows = PROVIDERS.map(|provider| json!({"id": provider, "name": provider, "status": "available"}));
    Ok(json!({"data": rows}).into())
}

/// Where a user allows the access.
fn consent_url(provider: &str) -> String {
    format!("https://{provider}.example/oauth/authorize?state={}", ids::prefixed("", 16))
}

pub(super) fn install(call: &mut Call<'_>) -> Outcome<Settings> {
    Ok(Output::Redirect(consent_url(&provider(call, "integration_id")?)))
}

pub(super) fn uninstall(call: &mut Call<'_>) -> Outcome<Settings> {
    let provider = provider(call, "integration_id")?;
    call.store.remove_all(&PUBLICATIONS, |row| text(row, "_provider") == Some(&provider));
    Ok(json!({"id": provider, "status": "uninstalled"}).into())
}

/// Begins a publication: its install is up to the user.
pub(super) fn start(call: &mut Call<'_>) -> Outcome<Settings> {
    let provider = provider(call, "integration_id")?;
    let wizard = call.operation.id == "oma_start_install";
    if wizard && provider == "linear" {
        let (status, message) = (StatusCode::GONE, "Use publications for linear".to_owned());
        return Err(ErrorReply::Rejected { status, code: "invalid_request_error", message });
    }
    if !wizard && provider != "linear" && call.platform.server != Server::Documented {
        return Err(ErrorReply::NoRoute);
    }
    let (id, name) = (ids::prefixed("", 43), call.body["personaName"].clone());
    let now = call.now / 1000;
    let row = json!({
        "id": id, "_provider": provider, "user_id": "usr_1", "agent_id": call.body["agentId"], "installation_id": "",
        "environment_id": call.body["environmentId"], "mode": "full", "status": "pending_setup",
        "persona": {"name": name, "avatarUrl": call.body["personaAvatarUrl"]}, "capabilities": ["issue.read"],
        "session_granularity": "per_issue", "created_at": now, "unpublished_at": null,
    });
    call.store.insert(&PUBLICATIONS, object(row));
    let hook = format!("https://sandbox.example/webhooks/{provider}/{id}");
    if !wizard {
        return Ok(json!({
            "publication_id": id, "callback_url": hook, "webhook_url": hook, "suggested_app_name": name,
            "suggested_avatar_url": null, "return_url": call.body["returnUrl"],
        })
        .into());
    }
    let mut started = object(json!({
        "formToken": ids::prefixed("", 32), "publicationId": id, "suggestedAppName": name, "suggestedAvatarUrl": null,
        "webhookUrl": hook,
    }));
    if provider == "github" {
        started.extend(object(json!({
            "appOmaId": id, "setupUrl": hook, "manifestStartUrl": hook, "recommendedPermissions": {"issues": "write"},
            "recommendedSubscriptions": ["issues"],
        })));
    } else {
        started.extend(object(json!({"callbackUrl": hook, "manifestLaunchUrl": hook})));
    }
    Ok(started.into())
}

fn rows(call: &Call<'_>, keep: impl Fn(&Object) -> bool) -> Result<Value, ErrorReply> {
    let provider = provider(call, "integration_id")?;
    let rows = call.store.of(&PUBLICATIONS, "_provider", &provider).filter(|row| keep(row));
    Ok(json!({"data": rows.collect::<Vec<_>>()}))
}

/// Real servers only list what is pending.
pub(super) fn pending(call: &mut Call<'_>) -> Outcome<Settings> {
    if call.platform.server != Server::Documented && call.text("status") != Some("pending") {
        return Err(invalid("status must be pending"));
    }
    let all = call.text("status").is_none();
    Ok(rows(call, |row| all || text(row, "status") == Some("pending_setup"))?.into())
}

/// Those of an agent, or of an installation.
pub(super) fn publications(call: &mut Call<'_>) -> Outcome<Settings> {
    let agent = call.path.get("agent_id").cloned();
    let installation = call.path.get("installation_id").cloned();
    let of = |row: &Object| {
        agent.as_ref().is_none_or(|id| row["agent_id"] == *id)
            && installation.as_ref().is_none_or(|id| row["installation_id"] == *id)
    };
    Ok(rows(call, of)?.into())
}

/// No install is ever finished here.
pub(super) fn installations(call: &mut Call<'_>) -> Outcome<Settings> {
    provider(call, "integration_id")?;
    Ok(json!({"data": []}).into())
}

pub(super) fn update(call: &mut Call<'_>) -> Outcome<Settings> {
    let (id, body) = (call.path_text("publication_id").to_owned(), call.body.clone());
    let row =
        call.store.get_mut(&PUBLICATIONS, &id).ok_or_else(|| ErrorReply::not_found("Publication", id.as_str()))?;
    for (name, value) in object(body["persona"].clone()) {
        row["persona"][name] = value;
    }
    if body["capabilities"].is_array() {
        row.insert("capabilities".to_owned(), body["capabilities"].clone());
    }
    Ok(row.clone().into())
}

pub(super) fn unpublish(call: &mut Call<'_>) -> Outcome<Settings> {
    let (id, now) = (call.path_text("publication_id").to_owned(), call.now / 1000);
    let row =
        call.store.get_mut(&PUBLICATIONS, &id).ok_or_else(|| ErrorReply::not_found("Publication", id.as_str()))?;
    row.extend(object(json!({"status": "unpublished", "unpublished_at": now})));
    Ok(json!({"id": id, "status": "unpublished"}).into())
}

pub(super) fn authorize_provider(call: &mut Call<'_>) -> Outcome<Settings> {
    Ok(Output::Redirect(consent_url(call.path_text("provider"))))
}

pub(super) fn complete_provider(call: &mut Call<'_>) -> Outcome<Settings> {
    check_code(call)?;
    Ok(Output::Redirect("https://console.example/integrations".to_owned()))
}

fn check_code(call: &Call<'_>) -> Result<(), ErrorReply> {
    let complete = call.text("code").is_some() && call.text("state").is_some();
    if complete {
        Ok(())
    } else {
        Err(invalid(call.text("error_description").unwrap_or("code and state are required")))
    }
}

pub(super) fn authorize(call: &mut Call<'_>) -> Outcome<Settings> {
    call.find(&VAULTS, call.text("vault_id").unwrap_or_default())?;
    let server = url::Url::parse(call.text("mcp_server_url").unwrap_or_default());
    let host = server.ok().and_then(|url| url.host_str().map(str::to_owned));
    let host = host.ok_or_else(|| invalid("mcp_server_url is not a URL"))?;
    Ok(Output::Redirect(format!("https://{host}/authorize?state={}", ids::prefixed("", 16))))
}

pub(super) fn complete(call: &mut Call<'_>) -> Outcome<Settings> {
    check_code(call)?;
    let page = "<!doctype html><title>Connected</title><p>You can close this window.</p>";
    Ok(Output::Bytes { media: "text/html".to_owned(), bytes: page.into(), file_name: None })
}

pub(super) fn refresh(call: &mut Call<'_>) -> Outcome<Settings> {
    call.find(&VAULTS, call.field("vault_id").unwrap_or_default())?;
    call.find(&CREDENTIALS, call.field("credential_id").unwrap_or_default())?;
    let expires = call.platform.time(call.now + 3_600_000_000);
    Ok(json!({"access_token": ids::prefixed("at_", 24), "expires_at": expires}).into())
}
