//! API keys: create, list, revoke, delete. Each key of an account gives access to the whole account.

use http::StatusCode;
use serde::Serialize;

use super::call::{Call, Outcome, Scene};
use super::refusal;
use super::stamp::Stamp;
use super::types::ApiKeyCreate;
use crate::Secret;
use crate::sandbox::answer::Answer;
use crate::sandbox::clock::Micros;
use crate::sandbox::ids;

/// How many characters of a key its record shows.
const PREFIX: usize = 12;

#[derive(Clone, Debug)]
pub(super) struct ApiKey {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) secret: Secret<String>,
    pub(super) last_used_at: Option<Micros>,
    pub(super) request_count: i64,
    pub(super) is_active: bool,
    pub(super) created_at: Micros,
    pub(super) updated_at: Micros,
}

/// A new key.
pub(super) fn secret() -> Secret<String> {
    Secret::new(format!("sk_live_{}", ids::hex()))
}

impl ApiKey {
    pub(super) fn new(name: &str, description: Option<String>, secret: Secret<String>, now: Micros) -> Self {
        Self {
            id: ids::uuid(),
            name: name.to_owned(),
            description,
            secret,
            last_used_at: None,
            request_count: 0,
            is_active: true,
            created_at: now,
            updated_at: now,
        }
    }

    pub(super) fn used(&mut self, now: Micros) {
        self.last_used_at = Some(now);
        self.request_count += 1;
    }
}

/// A key, as it is returned.
#[derive(Serialize)]
struct View<'a> {
    id: &'a str,
    name: &'a str,
    description: Option<&'a str>,
    key_prefix: &'a str,
    last_used_at: Option<Stamp>,
    request_count: i64,
    is_active: bool,
    expires_at: Option<Stamp>,
    created_at: Stamp,
    updated_at: Stamp,
    /// Returned once.
    #[serde(skip_serializing_if = "Option::is_none")]
    full_key: Option<&'a str>,
}

fn view<'a>(scene: &Scene<'_>, key: &'a ApiKey) -> View<'a> {
    View {
        id: &key.id,
        name: &key.name,
        description: key.description.as_deref(),
        key_prefix: key.secret.expose().get(..PREFIX).unwrap_or(key.secret.expose()),
        last_used_at: key.last_used_at.map(|at| scene.stored(at)),
        request_count: key.request_count,
        is_active: key.is_active,
        expires_at: None,
        created_at: scene.stored(key.created_at),
        updated_at: scene.stored(key.updated_at),
        full_key: None,
    }
}

pub(super) fn create(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let create: ApiKeyCreate = call.body()?;
    let key = ApiKey::new(&create.name, create.description, secret(), scene.now);
    let answer = Answer::json(StatusCode::CREATED, &View { full_key: Some(key.secret.expose()), ..view(scene, &key) });
    scene.account.keys.push(key);
    Ok(answer)
}

pub(super) fn list(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let shown = scene.account.keys.iter().rev().filter(|key| key.is_active || call.flag("include_inactive"));
    let keys: Vec<View<'_>> = shown.map(|key| view(scene, key)).collect();
    Ok(Answer::json(StatusCode::OK, &keys))
}

pub(super) fn revoke(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let index = position(scene, call)?;
    let now = scene.now;
    let key = &mut scene.account.keys[index];
    if !key.is_active {
        return Err(refusal::bad_request("API key is already revoked"));
    }
    key.is_active = false;
    key.updated_at = now;
    Ok(Answer::json(StatusCode::OK, &view(scene, &scene.account.keys[index])))
}

pub(super) fn delete(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let index = position(scene, call)?;
    scene.account.keys.remove(index);
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

fn position(scene: &Scene<'_>, call: &Call) -> Result<usize, Answer> {
    let id = call.id("key_id");
    let found = scene.account.keys.iter().position(|key| key.id == id);
    found.ok_or_else(|| refusal::absent("API key", id))
}
