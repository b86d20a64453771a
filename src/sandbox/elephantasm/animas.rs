//! Animas: create, get, list, search, update, delete, restore, count.

use std::collections::HashSet;

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};

use super::account::Account;
use super::call::{Call, Outcome, Scene, unchecked};
use super::quirks::Quirk;
use super::refusal;
use super::stamp::{Form, Stamp};
use super::types::{AnimaCreate, AnimaDeletion, AnimaRestoration, AnimaStats, AnimaUpdate};
use crate::sandbox::answer::Answer;
use crate::sandbox::clock::Micros;
use crate::sandbox::ids;

/// An anima becomes dormant after this time without activity.
const DORMANT_AFTER: Micros = 30 * 24 * 3_600_000_000;

#[derive(Clone, Debug)]
pub(super) struct Anima {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) meta: Option<Map<String, Value>>,
    pub(super) last_activity_at: Option<Micros>,
    pub(super) created_at: Micros,
    pub(super) updated_at: Micros,
    pub(super) deleted: bool,
}

impl Anima {
    pub(super) fn is_dormant(&self, now: Micros) -> bool {
        now - self.last_activity_at.unwrap_or(self.created_at) > DORMANT_AFTER
    }

    /// Records activity.
    pub(super) fn touch(&mut self, now: Micros) {
        self.last_activity_at = Some(now);
        self.updated_at = now;
    }
}

/// An anima, as it is returned.
#[derive(Serialize)]
struct View<'a> {
    id: &'a str,
    name: &'a str,
    description: Option<&'a str>,
    meta: Option<Map<String, Value>>,
    user_id: &'a str,
    organization_id: &'a str,
    is_dormant: bool,
    last_activity_at: Option<Stamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_deleted: Option<bool>,
    created_at: Stamp,
    updated_at: Stamp,
}

fn view<'a>(scene: &'a Scene<'_>, anima: &'a Anima) -> View<'a> {
    let unset = || scene.has(Quirk::EmptyMeta).then(Map::new);
    View {
        id: &anima.id,
        name: &anima.name,
        description: anima.description.as_deref(),
        meta: anima.meta.clone().or_else(unset),
        user_id: &scene.account.user_id,
        organization_id: &scene.account.organization_id,
        is_dormant: anima.is_dormant(scene.now),
        last_activity_at: anima.last_activity_at.map(|at| scene.stored(at)),
        is_deleted: (!scene.has(Quirk::HiddenDeletion)).then_some(anima.deleted),
        created_at: scene.stored(anima.created_at),
        updated_at: scene.stored(anima.updated_at),
    }
}

fn views<'a>(scene: &'a Scene<'_>, animas: &[&'a Anima]) -> Answer {
    Answer::json(StatusCode::OK, &animas.iter().map(|anima| view(scene, anima)).collect::<Vec<_>>())
}

/// The active animas of an account.
pub(super) fn active(scene: &Scene<'_>) -> usize {
    scene.account.animas.iter().filter(|anima| !anima.deleted && !anima.is_dormant(scene.now)).count()
}

pub(super) fn create(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let create: AnimaCreate = call.body()?;
    if create.organization_id.as_ref().is_some_and(|id| *id != scene.account.organization_id) {
        return Err(unchecked(scene.quirks, "body", "organization_id", &call.sent["organization_id"]));
    }
    let plan = &scene.account.plan;
    if plan.refuses(plan.active_animas, || super::usage::count(active(scene)), scene.quirks) {
        let message = format!("Your plan allows {} active animas.", plan.active_animas);
        return Err(plan.limit_exceeded("create_anima", &message, scene.quirks));
    }
    let anima = Anima {
        id: ids::uuid(),
        name: create.name,
        description: create.description,
        meta: create.meta,
        last_activity_at: None,
        created_at: scene.now,
        updated_at: scene.now,
        deleted: false,
    };
    let mut fresh = view(scene, &anima);
    fresh.created_at.form = Form::Zulu;
    fresh.updated_at.form = Form::Zulu;
    let answer = Answer::json(StatusCode::CREATED, &fresh);
    scene.account.animas.push(anima);
    Ok(answer)
}

pub(super) fn get(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let id = call.id("anima_id");
    let found =
        scene.account.animas.iter().find(|anima| anima.id == id && (!anima.deleted || call.flag("include_deleted")));
    let anima = found.ok_or_else(|| refusal::absent("Anima", id))?;
    Ok(Answer::json(StatusCode::OK, &view(scene, anima)))
}

pub(super) fn list(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let shown = |anima: &&Anima| !anima.deleted || call.flag("include_deleted");
    // They are stored in the order they were created.
    let animas: Vec<&Anima> = scene.account.animas.iter().rev().filter(shown).collect();
    Ok(views(scene, call.page(&animas, 50)))
}

pub(super) fn search(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let part = call.text("name").unwrap_or_default().to_lowercase();
    let mut animas: Vec<&Anima> = scene.account.animas.iter().filter(|anima| !anima.deleted).collect();
    animas.retain(|anima| anima.name.to_lowercase().contains(&part));
    animas.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(views(scene, call.page(&animas, 50)))
}

/// An anima with counts, as it is returned.
#[derive(Serialize)]
struct Summary<'a> {
    id: &'a str,
    name: &'a str,
    description: Option<&'a str>,
    organization_id: &'a str,
    is_dormant: bool,
    last_activity_at: Option<Stamp>,
    created_at: Stamp,
    updated_at: Stamp,
    event_count: usize,
    memory_count: usize,
    knowledge_count: usize,
    last_event_at: Option<Stamp>,
}

pub(super) fn summarize(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    if let Some(organization) = call.headers.get("x-organization-id") {
        let organization = organization.to_str().unwrap_or_default();
        if !crate::check::is_uuid(organization) {
            return Err(unchecked(scene.quirks, "header", "X-Organization-Id", &organization.into()));
        }
        if !organization.eq_ignore_ascii_case(&scene.account.organization_id) {
            return Ok(Answer::json(StatusCode::OK, &[(); 0]));
        }
    }
    let account = &scene.account;
    let summaries: Vec<Summary<'_>> = account
        .animas
        .iter()
        .rev()
        .filter(|anima| !anima.deleted)
        .map(|anima| {
            let view = view(scene, anima);
            let events = account.events.iter().filter(|event| event.anima_id == anima.id && !event.deleted);
            Summary {
                id: view.id,
                name: view.name,
                description: view.description,
                organization_id: view.organization_id,
                is_dormant: view.is_dormant,
                last_activity_at: view.last_activity_at,
                created_at: view.created_at,
                updated_at: view.updated_at,
                event_count: events.clone().count(),
                memory_count: account
                    .memories
                    .iter()
                    .filter(|memory| memory.anima_id == anima.id && !memory.deleted)
                    .count(),
                knowledge_count: account
                    .knowledge
                    .iter()
                    .filter(|item| item.anima_id == anima.id && !item.deleted)
                    .count(),
                last_event_at: events.map(|event| event.occurred_at).max().map(|at| scene.stored(at)),
            }
        })
        .collect();
    Ok(Answer::json(StatusCode::OK, &summaries))
}

pub(super) fn update(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let id = call.id("anima_id");
    if scene.account.any_anima(id).is_none() {
        return Err(refusal::absent("Anima", id));
    }
    if let Some(name) = call.sent.get("name")
        && name.as_str().is_none_or(|name| name.chars().count() > 255)
    {
        return Err(unchecked(scene.quirks, "body", "name", name));
    }
    let update: AnimaUpdate = call.body()?;
    let now = scene.now;
    if let Some(anima) = scene.account.any_anima(id) {
        anima.name = update.name.unwrap_or_else(|| anima.name.clone());
        anima.description = update.description.unwrap_or_else(|| anima.description.clone());
        anima.meta = update.meta.unwrap_or_else(|| anima.meta.clone());
        anima.deleted = update.is_deleted.unwrap_or(anima.deleted);
        anima.updated_at = now;
    }
    let anima = scene.account.animas.iter().find(|anima| anima.id == id).ok_or_else(|| refusal::absent("Anima", id))?;
    let mut view = view(scene, anima);
    view.updated_at.form = Form::Zulu;
    Ok(Answer::json(StatusCode::OK, &view))
}

/// Includes everything that belongs to the anima. What is marked can be restored; the rest is removed.
pub(super) fn delete(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let id = call.id("anima_id");
    let now = scene.now;
    let anima = scene.account.any_anima(id).ok_or_else(|| refusal::absent("Anima", id))?;
    if !anima.deleted {
        anima.deleted = true;
        anima.updated_at = now;
    }
    let account = &mut *scene.account;
    let of_anima: HashSet<&str> =
        account.memories.iter().filter(|memory| memory.anima_id == id).map(|memory| memory.id.as_str()).collect();
    let links = account.links.len();
    account.links.retain(|link| !of_anima.contains(link.memory_id.as_str()));
    let links = links - account.links.len();
    let dreams = remove(&mut account.dreams, |dream| dream.anima_id == id);
    let packs = remove(&mut account.packs, |pack| pack.anima_id == id);
    let [events, memories, knowledge, identities] = mark_all(account, id, true);
    let counts = [links, dreams, packs, identities, knowledge, memories, events];
    let [links, dreams, packs, identities, knowledge, memories, events] = counts.map(super::usage::count);
    let deletion = AnimaDeletion::new(links, dreams, packs, 0, 0, identities, knowledge, memories, events);
    Ok(Answer::json(StatusCode::OK, &deletion))
}

pub(super) fn restore(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let id = call.id("anima_id");
    let now = scene.now;
    let anima = scene.account.any_anima(id).ok_or_else(|| refusal::absent("Anima", id))?;
    if anima.deleted {
        anima.deleted = false;
        anima.updated_at = now;
    }
    let counts = mark_all(scene.account, id, false);
    let [events, memories, knowledge, identities] = counts.map(super::usage::count);
    Ok(Answer::json(StatusCode::OK, &AnimaRestoration::new(events, memories, knowledge, identities)))
}

/// How many items were removed.
fn remove<T>(items: &mut Vec<T>, gone: impl Fn(&T) -> bool) -> usize {
    let before = items.len();
    items.retain(|item| !gone(item));
    before - items.len()
}

/// Marks the events, memories, knowledge and identities of an anima, and returns how many marks of each were changed.
fn mark_all(account: &mut Account, id: &str, deleted: bool) -> [usize; 4] {
    let events = account.events.iter_mut().filter(|event| event.anima_id == id);
    let memories = account.memories.iter_mut().filter(|memory| memory.anima_id == id);
    let knowledge = account.knowledge.iter_mut().filter(|item| item.anima_id == id);
    let identities = account.identities.iter_mut().filter(|identity| identity.anima_id == id);
    [
        mark(events.map(|event| &mut event.deleted), deleted),
        mark(memories.map(|memory| &mut memory.deleted), deleted),
        mark(knowledge.map(|item| &mut item.deleted), deleted),
        mark(identities.map(|identity| &mut identity.deleted), deleted),
    ]
}

/// How many marks were changed.
fn mark<'m>(marks: impl Iterator<Item = &'m mut bool>, deleted: bool) -> usize {
    marks.filter(|mark| **mark != deleted).map(|mark| *mark = deleted).count()
}

pub(super) fn stats(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let id = call.id("anima_id");
    scene.account.anima(id)?;
    let account = &scene.account;
    let counts = [
        account.events.iter().filter(|event| event.anima_id == id && !event.deleted).count(),
        account.memories.iter().filter(|memory| memory.anima_id == id && !memory.deleted).count(),
        account.knowledge.iter().filter(|item| item.anima_id == id && !item.deleted).count(),
        account.identities.iter().filter(|identity| identity.anima_id == id && !identity.deleted).count(),
        account.dreams.iter().filter(|dream| dream.anima_id == id).count(),
        account.packs.iter().filter(|pack| pack.anima_id == id).count(),
    ];
    let [events, memories, knowledge, identities, dreams, packs] = counts.map(super::usage::count);
    Ok(Answer::json(StatusCode::OK, &AnimaStats::new(events, memories, knowledge, identities, dreams, packs)))
}
