//! Models, and the model cards that an account adds to them.

use http::StatusCode;
use serde_json::{Value, json};

use super::tables::{MODEL_CARDS, MODELS, begin};
use super::{Call, Settings};
use crate::sandbox::clock::stored;
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::Outcome;
use crate::sandbox::platform::World;
use crate::sandbox::store::{Object, object, text};

pub(super) fn add_models(world: &mut World<'_, Settings>) {
    for (id, name) in [("claude-opus-5", "Claude Opus 5"), ("claude-sonnet-5", "Claude Sonnet 5")] {
        let model = json!({
            "type": "model", "id": id, "display_name": name, "created_at": stored(world.now), "lifecycle": "active",
            "max_input_tokens": 200_000, "max_tokens": 64_000, "allowed_fallback_models": null, "capabilities": null,
            "line": null, "deprecated_at": null, "retires_at": null,
        });
        world.store.insert(&MODELS, object(model));
    }
}

/// On openma a card is a model.
fn models(call: &Call<'_>) -> Vec<Object> {
    let own = call.store.rows(&MODELS).rev().cloned();
    let cards = call.store.rows(&MODEL_CARDS).rev().map(|card| {
        object(json!({
            "type": "model", "id": card["model_id"], "display_name": card["model_id"], "created_at": card["created_at"],
            "max_input_tokens": null, "max_tokens": null, "allowed_fallback_models": null, "capabilities": null,
        }))
    });
    cards.chain(own).collect()
}

pub(super) fn list_models(call: &mut Call<'_>) -> Outcome<Settings> {
    let mut models = models(call);
    if let Some(lifecycle) = call.query.get("lifecycle").and_then(Value::as_array) {
        models.retain(|model| model.get("lifecycle").is_some_and(|it| lifecycle.contains(it)));
    }
    if let Some(before) = call.text("before_id") {
        let end = models.iter().position(|model| text(model, "id") == Some(before)).unwrap_or_default();
        let size = {
            use crate::sandbox::platform::Platform as _;
            call.platform.page_size(call.operation, call.count("limit"))
        };
        models = models[end.saturating_sub(size)..end].to_vec();
    }
    Ok(call.page(models, "id").into())
}

pub(super) fn get_model(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = call.id().to_owned();
    let found = models(call).into_iter().find(|model| text(model, "id") == Some(&id));
    Ok(found.ok_or_else(|| ErrorReply::not_found("Model", id))?.into())
}

/// A bad key does not fail the creation: the probe says so.
pub(super) fn create(call: &mut Call<'_>) -> Outcome<Settings> {
    let mut card = call.body.as_object().cloned().unwrap_or_default();
    let handle = card["model_id"].clone();
    check_handle(call, &handle, "")?;
    let key = card.remove("api_key").unwrap_or_default();
    let key = key.as_str().unwrap_or_default();
    let now = stored(call.now);
    begin(
        call,
        &mut card,
        "mdl",
        json!({"model": handle, "is_default": false, "created_at": now, "updated_at": now, "_api_key": key,
            "api_key_preview": preview(key)}),
    );
    let probe = match text(&card, "provider") {
        Some("ant") if key.starts_with("sk-") => json!({"ok": true}),
        Some("ant") => json!({"ok": false, "message": "Provider returned HTTP 401: invalid x-api-key"}),
        _ => json!({"ok": null, "reason": "unsupported_provider"}),
    };
    let card = call.store.insert(&MODEL_CARDS, card).clone();
    keep_one_default(call, &card);
    let mut shown = call.view(&MODEL_CARDS, &card);
    shown.insert("probe".to_owned(), probe);
    Ok(shown.into())
}

fn preview(key: &str) -> String {
    let skipped = key.chars().count().saturating_sub(4);
    key.chars().skip(skipped).collect()
}

/// A handle is taken once.
fn check_handle(call: &Call<'_>, handle: &Value, own: &str) -> Result<(), ErrorReply> {
    if !call.store.rows(&MODEL_CARDS).any(|card| card["model_id"] == *handle && text(card, "id") != Some(own)) {
        return Ok(());
    }
    if call.platform.is_v0() && !call.platform.has(super::Quirk::PlainErrors) {
        return Err(ErrorReply::Rejected {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            code: "",
            message: "D1_ERROR: UNIQUE constraint failed: model_cards.tenant_id, model_cards.model_id".to_owned(),
        });
    }
    Err(ErrorReply::Conflict("A model card with this model_id exists".to_owned()))
}

fn keep_one_default(call: &mut Call<'_>, card: &Object) {
    if card["is_default"] == true {
        call.store.set_all(&MODEL_CARDS, "is_default", &json!(false), |other| other["id"] != card["id"]);
    }
}

pub(super) fn update(call: &mut Call<'_>, card: &mut Object) -> Result<(), ErrorReply> {
    let id = text(card, "id").unwrap_or_default().to_owned();
    check_handle(call, &card["model_id"], &id)?;
    if let Some(key) = card.remove("api_key") {
        card.insert("api_key_preview".to_owned(), json!(preview(key.as_str().unwrap_or_default())));
        card.insert("_api_key".to_owned(), key);
    }
    keep_one_default(call, card);
    Ok(())
}

pub(super) fn is_kept(call: &Call<'_>, card: &Object) -> bool {
    super::tables::is_listed(call, card)
        && call.text("provider").is_none_or(|provider| text(card, "provider") == Some(provider))
}
