//! Dreams: start, run, end.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};

use super::call::{Call, Outcome, Scene};
use super::quirks::Quirk;
use super::refusal;
use super::stamp::Stamp;
use super::types::DreamRequest;
use super::validation::{self, Violation};
use crate::sandbox::answer::Answer;
use crate::sandbox::clock::Micros;
use crate::sandbox::ids;

/// A dream ends once it was read this often, ..
const READS: usize = 2;
/// .. or after this time.
const LASTS: Micros = 60_000_000;

#[derive(Clone, Debug)]
pub(super) struct Dream {
    pub(super) id: String,
    pub(super) anima_id: String,
    pub(super) triggered_by: String,
    pub(super) started_at: Micros,
    pub(super) completed_at: Option<Micros>,
    pub(super) status: Status,
    pub(super) error_message: Option<&'static str>,
    pub(super) memories_reviewed: usize,
    pub(super) summary: Option<String>,
    pub(super) updated_at: Micros,
    /// How often it was read.
    reads: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Status {
    Running,
    Completed,
    Failed,
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}

/// A dream, as it is returned.
#[derive(Serialize)]
struct View<'a> {
    id: &'a str,
    anima_id: &'a str,
    trigger_type: &'static str,
    triggered_by: &'a str,
    started_at: Stamp,
    completed_at: Option<Stamp>,
    status: Status,
    error_message: Option<&'static str>,
    memories_reviewed: usize,
    memories_modified: usize,
    memories_created: usize,
    memories_archived: usize,
    memories_deleted: usize,
    summary: Option<&'a str>,
    config_snapshot: Map<String, Value>,
    created_at: Stamp,
    updated_at: Stamp,
}

fn view<'a>(scene: &Scene<'_>, dream: &'a Dream) -> View<'a> {
    View {
        id: &dream.id,
        anima_id: &dream.anima_id,
        trigger_type: "MANUAL",
        triggered_by: &dream.triggered_by,
        started_at: scene.stored(dream.started_at),
        completed_at: dream.completed_at.map(|at| scene.stored(at)),
        status: dream.status,
        error_message: dream.error_message,
        memories_reviewed: dream.memories_reviewed,
        memories_modified: 0,
        memories_created: 0,
        memories_archived: 0,
        memories_deleted: 0,
        summary: dream.summary.as_deref(),
        config_snapshot: Map::new(),
        created_at: scene.stored(dream.started_at),
        updated_at: scene.stored(dream.updated_at),
    }
}

/// Ends the dreams that are old enough.
fn run(scene: &mut Scene<'_>) {
    let now = scene.now;
    let due: Vec<usize> = scene
        .account
        .dreams
        .iter()
        .enumerate()
        .filter(|(_, dream)| dream.status == Status::Running && now - dream.started_at >= LASTS)
        .map(|(index, _)| index)
        .collect();
    for index in due {
        let ended = scene.account.dreams[index].started_at + LASTS;
        complete(scene, index, ended);
    }
}

fn complete(scene: &mut Scene<'_>, index: usize, now: Micros) {
    let account = &mut *scene.account;
    let dream = &mut account.dreams[index];
    let memories = account.memories.iter().filter(|memory| memory.anima_id == dream.anima_id && !memory.deleted);
    dream.memories_reviewed = memories.count();
    dream.status = Status::Completed;
    dream.completed_at = Some(now);
    dream.updated_at = now;
    dream.summary = Some(format!("Looked at {} memories and left them as they are.", dream.memories_reviewed));
}

pub(super) fn trigger(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    if scene.has(Quirk::DreamNeedsKwargs) && !call.sent_query.contains_key("kwargs") {
        let missing = Violation::missing(vec!["query".into(), "kwargs".into()], Value::Null);
        return Err(validation::refusal(&[missing]));
    }
    let request: DreamRequest = call.body()?;
    if !scene.account.plan.dreams {
        return Err(scene.account.plan.feature_missing("dreamer_enabled", "Dreams are not part of your plan."));
    }
    scene.account.anima(&request.anima_id)?;
    run(scene);
    let running = |dream: &&Dream| dream.anima_id == request.anima_id && dream.status == Status::Running;
    if let Some(dream) = scene.account.dreams.iter().find(running) {
        return Err(refusal::conflict(format!("Dream already in progress (session: {})", dream.id)));
    }
    let dream = Dream {
        id: ids::uuid(),
        anima_id: request.anima_id,
        triggered_by: scene.account.user_id.clone(),
        started_at: scene.now,
        completed_at: None,
        status: Status::Running,
        error_message: None,
        memories_reviewed: 0,
        summary: None,
        updated_at: scene.now,
        reads: 0,
    };
    let answer = Answer::json(StatusCode::ACCEPTED, &view(scene, &dream));
    scene.account.dreams_begun.count(scene.now);
    scene.account.dreams.push(dream);
    Ok(answer)
}

pub(super) fn get(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    run(scene);
    let index = position(scene, call)?;
    let now = scene.now;
    let dream = &mut scene.account.dreams[index];
    dream.reads += 1;
    if dream.status == Status::Running && dream.reads >= READS {
        complete(scene, index, now);
    }
    Ok(Answer::json(StatusCode::OK, &view(scene, &scene.account.dreams[index])))
}

pub(super) fn list(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    run(scene);
    let (anima_id, status) = (call.text("anima_id"), call.text("status"));
    let shown = |dream: &&Dream| {
        Some(dream.anima_id.as_str()) == anima_id && status.is_none_or(|status| dream.status.word() == status)
    };
    let dreams: Vec<&Dream> = scene.account.dreams.iter().rev().filter(shown).collect();
    let page: Vec<View<'_>> = call.page(&dreams, 20).iter().map(|dream| view(scene, dream)).collect();
    Ok(Answer::json(StatusCode::OK, &page))
}

pub(super) fn cancel(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    run(scene);
    let index = position(scene, call)?;
    let now = scene.now;
    let dream = &mut scene.account.dreams[index];
    if dream.status != Status::Running {
        return Err(refusal::bad_request("Dream session is not running"));
    }
    dream.status = Status::Failed;
    dream.error_message = Some("Cancelled by user");
    dream.completed_at = Some(now);
    dream.updated_at = now;
    Ok(Answer::json(StatusCode::OK, &view(scene, &scene.account.dreams[index])))
}

fn position(scene: &Scene<'_>, call: &Call) -> Result<usize, Answer> {
    let id = call.id("dream_id");
    let found = scene.account.dreams.iter().position(|dream| dream.id == id);
    found.ok_or_else(|| refusal::absent("Dream session", id))
}
