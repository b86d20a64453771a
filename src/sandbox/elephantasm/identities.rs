//! Identities of animas. They come from the sandbox's own seeding methods.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};

use super::call::{Call, Outcome, Scene};
use super::refusal;
use super::stamp::Stamp;
use crate::sandbox::answer::Answer;
use crate::sandbox::clock::Micros;
use crate::sandbox::ids;

/// An identity to give an anima with [`Tenant::set_identity`](crate::sandbox::Tenant::set_identity).
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct IdentitySeed {
    pub(super) personality_type: Option<String>,
    pub(super) communication_style: Option<String>,
    pub(super) reflection: Option<Map<String, Value>>,
}

impl IdentitySeed {
    /// Creates an identity without content.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one of the sixteen MBTI codes, such as `INTJ`.
    pub fn personality_type(mut self, personality_type: impl Into<String>) -> Self {
        self.personality_type = Some(personality_type.into());
        self
    }

    /// Sets the communication style of the anima.
    pub fn communication_style(mut self, style: impl Into<String>) -> Self {
        self.communication_style = Some(style.into());
        self
    }

    /// Sets one part of the anima's view of itself: `purpose` is `{"primary": ".."}`, `being` is `{"essence": "..",
    /// "nature": ".."}`. A part that is not an object makes every pack with the identity fail with 500, because of
    /// [`Quirk::UncheckedValuesFail`](super::Quirk::UncheckedValuesFail).
    pub fn reflection(mut self, part: impl Into<String>, value: Value) -> Self {
        self.reflection.get_or_insert_default().insert(part.into(), value);
        self
    }

    pub(super) fn into_identity(self, anima_id: &str, now: Micros) -> Identity {
        Identity { id: ids::uuid(), anima_id: anima_id.to_owned(), seed: self, created_at: now, deleted: false }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) id: String,
    pub(super) anima_id: String,
    pub(super) seed: IdentitySeed,
    pub(super) created_at: Micros,
    pub(super) deleted: bool,
}

impl Identity {
    /// Whether every part of the reflection is an object, as the pack compiler expects.
    pub(super) fn is_well_nested(&self) -> bool {
        self.seed.reflection.iter().flat_map(Map::values).all(Value::is_object)
    }

    /// Its lines in a prompt.
    pub(super) fn lines(&self) -> Vec<String> {
        let part =
            |part: &str, key: &str| self.seed.reflection.as_ref()?.get(part)?.get(key)?.as_str().map(str::to_owned);
        let named = |name: &str, text: Option<String>| text.map(|text| format!("{name}: {text}"));
        [
            self.seed.communication_style.clone(),
            named("Personality", self.seed.personality_type.clone()),
            named("Essence", part("being", "essence")),
            named("Purpose", part("purpose", "primary")),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// An identity, as it is returned.
#[derive(Serialize)]
struct View<'a> {
    id: &'a str,
    anima_id: &'a str,
    personality_type: Option<&'a str>,
    #[serde(rename = "self")]
    reflection: Option<&'a Map<String, Value>>,
    communication_style: Option<&'a str>,
    is_deleted: bool,
    created_at: Stamp,
    updated_at: Stamp,
}

pub(super) fn get(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let id = call.id("anima_id");
    let Some(identity) = of(scene, id) else {
        return Err(refusal::detail(StatusCode::NOT_FOUND, format!("Identity not found for Anima {id}")));
    };
    let view = View {
        id: &identity.id,
        anima_id: &identity.anima_id,
        personality_type: identity.seed.personality_type.as_deref(),
        reflection: identity.seed.reflection.as_ref(),
        communication_style: identity.seed.communication_style.as_deref(),
        is_deleted: identity.deleted,
        created_at: scene.stored(identity.created_at),
        updated_at: scene.stored(identity.created_at),
    };
    Ok(Answer::json(StatusCode::OK, &view))
}

/// The identity of an anima.
pub(super) fn of<'a>(scene: &'a Scene<'_>, anima_id: &str) -> Option<&'a Identity> {
    scene.account.identities.iter().find(|identity| identity.anima_id == anima_id && !identity.deleted)
}
