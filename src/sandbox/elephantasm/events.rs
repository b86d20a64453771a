//! Events: create, get, list, update, delete.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::call::{Call, Outcome, Scene, unchecked};
use super::memories;
use super::quirks::Quirk;
use super::refusal;
use super::stamp::{Form, Stamp};
use super::types::{EventCreate, EventUpdate};
use crate::sandbox::answer::Answer;
use crate::sandbox::clock::Micros;
use crate::sandbox::ids;

#[derive(Clone, Debug)]
#[allow(clippy::struct_field_names, reason = "the names are the platform's")]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) anima_id: String,
    pub(super) event_type: String,
    pub(super) content: String,
    pub(super) role: Option<String>,
    pub(super) author: Option<String>,
    pub(super) summary: Option<String>,
    pub(super) occurred_at: Micros,
    pub(super) session_id: Option<String>,
    pub(super) meta: Map<String, Value>,
    pub(super) source_uri: Option<String>,
    pub(super) dedupe_key: Option<String>,
    pub(super) importance_score: Option<f64>,
    pub(super) created_at: Micros,
    pub(super) updated_at: Micros,
    pub(super) deleted: bool,
}

/// An event, as it is returned.
#[derive(Serialize)]
struct View<'a> {
    id: &'a str,
    anima_id: &'a str,
    event_type: &'a str,
    content: &'a str,
    role: Option<&'a str>,
    author: Option<&'a str>,
    summary: Option<&'a str>,
    occurred_at: Stamp,
    session_id: Option<&'a str>,
    meta: &'a Map<String, Value>,
    source_uri: Option<&'a str>,
    dedupe_key: Option<&'a str>,
    importance_score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_deleted: Option<bool>,
    created_at: Stamp,
    updated_at: Stamp,
}

fn view<'a>(scene: &Scene<'_>, event: &'a Event) -> View<'a> {
    View {
        id: &event.id,
        anima_id: &event.anima_id,
        event_type: &event.event_type,
        content: &event.content,
        role: event.role.as_deref(),
        author: event.author.as_deref(),
        summary: event.summary.as_deref(),
        occurred_at: scene.stored(event.occurred_at),
        session_id: event.session_id.as_deref(),
        meta: &event.meta,
        source_uri: event.source_uri.as_deref(),
        dedupe_key: event.dedupe_key.as_deref(),
        importance_score: event.importance_score,
        is_deleted: (!scene.has(Quirk::HiddenDeletion)).then_some(event.deleted),
        created_at: scene.stored(event.created_at),
        updated_at: scene.stored(event.updated_at),
    }
}

pub(super) fn create(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let create: EventCreate = call.body()?;
    scene.account.anima(&create.anima_id)?;
    let plan = &scene.account.plan;
    if plan.refuses(plan.events, || scene.account.events_created.in_month_of(scene.now), scene.quirks) {
        let message = format!("Your plan allows {} events a month.", plan.events);
        return Err(plan.limit_exceeded("create_event", &message, scene.quirks));
    }
    let occurred_at = call.stamp("occurred_at").unwrap_or(Stamp::new(scene.now, Form::Zulu));
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let source = create.source_uri.clone().filter(|source| !source.is_empty());
    let derived = match &source {
        None if scene.has(Quirk::KeyNeedsSource) => None,
        source => Some(derive_key(&create, occurred_at, source.as_deref().unwrap_or_default())),
    };
    let dedupe_key = given(create.dedupe_key).or(derived);
    if !scene.has(Quirk::DuplicateKeys)
        && dedupe_key.as_ref().is_some_and(|key| scene.account.dedupe_keys.contains(key))
    {
        return Err(refusal::conflict("Duplicate event (dedupe_key conflict)"));
    }
    let event = Event {
        id: ids::uuid(),
        anima_id: create.anima_id,
        event_type: create.event_type.as_str().to_owned(),
        content: create.content,
        role: create.role,
        author: create.author,
        summary: create.summary,
        occurred_at: occurred_at.at,
        session_id: create.session_id,
        meta: create.meta.unwrap_or_default(),
        source_uri: create.source_uri,
        dedupe_key,
        importance_score: create.importance_score,
        created_at: scene.now,
        updated_at: scene.now,
        deleted: false,
    };
    let mut fresh = view(scene, &event);
    fresh.occurred_at = occurred_at;
    fresh.created_at.form = Form::Zulu;
    fresh.updated_at.form = Form::Zulu;
    let answer = Answer::json(StatusCode::CREATED, &fresh);
    let now = scene.now;
    let account = &mut *scene.account;
    account.anima(&event.anima_id)?.touch(now);
    account.dedupe_keys.extend(event.dedupe_key.clone());
    account.events_created.count(now);
    account.events.push(event);
    Ok(answer)
}

/// The key that the server derives: the first half of a SHA-256 over what identifies the event.
fn derive_key(event: &EventCreate, occurred_at: Stamp, source: &str) -> String {
    let beginning: String = event.content.chars().take(100).collect();
    let occurred_at = occurred_at.isoformat();
    let parts = [event.anima_id.as_str(), event.event_type.as_str(), &beginning, &occurred_at, source];
    let mut half = [0; 16];
    half.copy_from_slice(&Sha256::digest(parts.join("|"))[..16]);
    format!("{:032x}", u128::from_be_bytes(half))
}

pub(super) fn get(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let id = call.id("event_id");
    let found =
        scene.account.events.iter().find(|event| event.id == id && (!event.deleted || call.flag("include_deleted")));
    let event = found.ok_or_else(|| refusal::absent("Event", id))?;
    Ok(Answer::json(StatusCode::OK, &view(scene, event)))
}

pub(super) fn list(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let text = |name| call.text(name).filter(|text| !text.is_empty());
    let (anima_id, event_type, session_id) = (call.text("anima_id"), text("event_type"), text("session_id"));
    let least = call.number("min_importance");
    let mut events: Vec<&Event> = scene
        .account
        .events
        .iter()
        .filter(|event| {
            Some(event.anima_id.as_str()) == anima_id
                && (!event.deleted || call.flag("include_deleted"))
                && event_type.is_none_or(|wanted| event.event_type == wanted)
                && session_id.is_none_or(|wanted| event.session_id.as_deref() == Some(wanted))
                && least.is_none_or(|least| event.importance_score.is_some_and(|score| score >= least))
        })
        .collect();
    // Stable, so simultaneous events stay in the order of arrival, or in its reverse.
    events.sort_by_key(|event| (event.occurred_at, event.created_at));
    if session_id.is_none() {
        events.reverse();
    }
    let page: Vec<View<'_>> = call.page(&events, 50).iter().map(|event| view(scene, event)).collect();
    Ok(Answer::json(StatusCode::OK, &page))
}

pub(super) fn update(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let id = call.id("event_id");
    let absent = || refusal::absent("Event", id);
    let index = scene.account.events.iter().position(|event| event.id == id).ok_or_else(absent)?;
    if call.body.get("importance_score").and_then(Value::as_f64).is_some_and(|score| !(0.0..=1.0).contains(&score)) {
        return Err(refusal::bad_request("importance_score must be between 0.0 and 1.0"));
    }
    if let Some(meta) = call.sent.get("meta").filter(|meta| !meta.is_object()) {
        return Err(unchecked(scene.quirks, "body", "meta", meta));
    }
    let update: EventUpdate = call.body()?;
    let event = &mut scene.account.events[index];
    event.role = update.role.unwrap_or_else(|| event.role.clone());
    event.author = update.author.unwrap_or_else(|| event.author.clone());
    event.summary = update.summary.unwrap_or_else(|| event.summary.clone());
    event.meta = update.meta.unwrap_or_else(|| event.meta.clone());
    event.importance_score = update.importance_score.unwrap_or(event.importance_score);
    event.deleted = update.is_deleted.unwrap_or(event.deleted);
    event.updated_at = scene.now;
    let mut view = view(scene, &scene.account.events[index]);
    view.updated_at.form = Form::Zulu;
    Ok(Answer::json(StatusCode::OK, &view))
}

pub(super) fn delete(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let id = call.id("event_id");
    let found = scene.account.events.iter_mut().find(|event| event.id == id);
    let event = found.ok_or_else(|| refusal::absent("Event", id))?;
    if !event.deleted {
        event.deleted = true;
        event.updated_at = scene.now;
    }
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

/// The memories that came from an event.
pub(super) fn memories(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let id = call.id("event_id");
    if !scene.account.events.iter().any(|event| event.id == id && !event.deleted) {
        return Err(refusal::absent("Event", id));
    }
    let account = &scene.account;
    let linked = |memory: &&memories::Memory| {
        account.links.iter().any(|link| link.event_id == id && link.memory_id == memory.id)
    };
    let found: Vec<&memories::Memory> =
        account.memories.iter().filter(|memory| !memory.deleted).filter(linked).collect();
    Ok(memories::views(scene, call.page(&found, 50)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_derived_key_is_the_one_that_the_server_derives() {
        let event = EventCreate::new("b2352c05-e685-4021-8624-595406c725f2", "tool.call", "call");
        for sent in ["2026-02-04T12:00:00+00:00", "2026-02-04T12:00:00Z"] {
            let occurred_at = Stamp::read(&json!(sent)).unwrap();
            assert_eq!(derive_key(&event, occurred_at, "slack://x/1"), "38f512fffdb0f633c415072b5cf5f646");
        }
    }
}
