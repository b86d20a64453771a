//! Memories: create, get, list, search by text and by meaning.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::call::{Call, Outcome, Scene, unchecked};
use super::quirks::Quirk;
use super::refusal;
use super::stamp::{Form, Stamp};
use super::types::{MemoryCreate, MemorySearch};
use crate::sandbox::answer::Answer;
use crate::sandbox::clock::Micros;
use crate::sandbox::ids;
use crate::sandbox::terms::{overlap, terms};

/// What the server calls its embeddings.
pub(super) const EMBEDDING_MODEL: &str = "text-embedding-3-small";

#[derive(Clone, Debug)]
pub(super) struct Memory {
    pub(super) id: String,
    pub(super) anima_id: String,
    pub(super) content: Option<String>,
    pub(super) summary: Option<String>,
    pub(super) importance: Option<f64>,
    pub(super) confidence: Option<f64>,
    pub(super) state: Option<String>,
    pub(super) recency_score: Option<f64>,
    pub(super) decay_score: Option<f64>,
    pub(super) time_start: Option<Micros>,
    pub(super) time_end: Option<Micros>,
    pub(super) meta: Map<String, Value>,
    pub(super) created_at: Micros,
    pub(super) updated_at: Micros,
    pub(super) embedded: bool,
    pub(super) deleted: bool,
}

impl Memory {
    /// The text for semantic search.
    pub(super) fn text(&self) -> String {
        format!("{}\n{}", self.summary.as_deref().unwrap_or_default(), self.content.as_deref().unwrap_or_default())
    }

    /// Its text in a prompt.
    pub(super) fn brief(&self) -> &str {
        self.summary.as_deref().or(self.content.as_deref()).unwrap_or_default()
    }

    pub(super) fn is_in(&self, states: &[impl AsRef<str>]) -> bool {
        self.state.as_deref().is_some_and(|state| states.iter().any(|wanted| wanted.as_ref() == state))
    }
}

/// A memory, as it is returned.
#[derive(Serialize)]
pub(super) struct View<'a> {
    id: &'a str,
    anima_id: &'a str,
    content: Option<&'a str>,
    summary: Option<&'a str>,
    importance: Option<f64>,
    confidence: Option<f64>,
    state: Option<&'a str>,
    recency_score: Option<f64>,
    decay_score: Option<f64>,
    time_start: Option<Stamp>,
    time_end: Option<Stamp>,
    meta: &'a Map<String, Value>,
    embedding_model: Option<&'static str>,
    created_at: Stamp,
    updated_at: Stamp,
}

fn view<'a>(scene: &Scene<'_>, memory: &'a Memory) -> View<'a> {
    View {
        id: &memory.id,
        anima_id: &memory.anima_id,
        content: memory.content.as_deref(),
        summary: memory.summary.as_deref(),
        importance: memory.importance,
        confidence: memory.confidence,
        state: memory.state.as_deref(),
        recency_score: memory.recency_score,
        decay_score: memory.decay_score,
        time_start: memory.time_start.map(|at| scene.stored(at)),
        time_end: memory.time_end.map(|at| scene.stored(at)),
        meta: &memory.meta,
        embedding_model: memory.embedded.then_some(EMBEDDING_MODEL),
        created_at: scene.stored(memory.created_at),
        updated_at: scene.stored(memory.updated_at),
    }
}

pub(super) fn views(scene: &Scene<'_>, memories: &[&Memory]) -> Answer {
    Answer::json(StatusCode::OK, &memories.iter().map(|memory| view(scene, memory)).collect::<Vec<_>>())
}

pub(super) fn create(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let create: MemoryCreate = call.body()?;
    scene.account.anima(&create.anima_id)?;
    let (time_start, time_end) = (call.stamp("time_start"), call.stamp("time_end"));
    let memory = Memory {
        id: ids::uuid(),
        anima_id: create.anima_id,
        content: create.content,
        summary: create.summary,
        importance: create.importance,
        confidence: create.confidence,
        state: create.state.map(|state| state.as_str().to_owned()),
        recency_score: create.recency_score,
        decay_score: create.decay_score,
        time_start: time_start.map(|stamp| stamp.at),
        time_end: time_end.map(|stamp| stamp.at),
        meta: create.meta.unwrap_or_default(),
        created_at: scene.now,
        updated_at: scene.now,
        embedded: !scene.has(Quirk::UnembeddedMemories),
        deleted: false,
    };
    let mut fresh = view(scene, &memory);
    (fresh.time_start, fresh.time_end) = (time_start, time_end);
    fresh.created_at.form = Form::Zulu;
    fresh.updated_at.form = Form::Zulu;
    let answer = Answer::json(StatusCode::CREATED, &fresh);
    scene.account.memories.push(memory);
    Ok(answer)
}

pub(super) fn get(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let id = call.id("memory_id");
    let found = scene.account.memories.iter().find(|memory| memory.id == id && !memory.deleted);
    let memory = found.ok_or_else(|| refusal::absent("Memory", id))?;
    Ok(Answer::json(StatusCode::OK, &view(scene, memory)))
}

/// The memories of an anima, newest first.
fn of<'a>(scene: &'a Scene<'_>, anima_id: Option<&str>, deleted_too: bool) -> Vec<&'a Memory> {
    let memories = scene.account.memories.iter().rev();
    memories.filter(|memory| Some(memory.anima_id.as_str()) == anima_id && (deleted_too || !memory.deleted)).collect()
}

pub(super) fn list(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let mut memories = of(scene, call.text("anima_id"), call.flag("include_deleted"));
    if let Some(state) = call.text("state") {
        memories.retain(|memory| memory.is_in(&[state]));
    }
    Ok(views(scene, call.page(&memories, 50)))
}

pub(super) fn search(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let part = call.text("q").unwrap_or_default().to_lowercase();
    let mut memories = of(scene, call.text("anima_id"), false);
    memories.retain(|memory| memory.summary.as_deref().unwrap_or_default().to_lowercase().contains(&part));
    Ok(views(scene, call.page(&memories, 50)))
}

pub(super) fn search_semantic(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    look_at_search(scene, call)?;
    let search: MemorySearch = call.body()?;
    let state = match call.sent.get("state") {
        None => Some("active"),
        Some(state) => state.as_str(),
    };
    let mut memories = of(scene, Some(&search.anima_id), false);
    memories.retain(|memory| memory.embedded && state.is_none_or(|state| memory.is_in(&[state])));
    let query = terms(&search.query);
    let scored = memories.into_iter().map(|memory| (overlap(&query, &memory.text()), memory)).collect();
    let found = nearest(scored, search.threshold, search.limit);
    let matches: Vec<Value> =
        found.iter().map(|(score, memory)| json!({"memory": view(scene, memory), "score": score})).collect();
    Ok(Answer::json(StatusCode::OK, &matches))
}

/// The values that a semantic search does not validate before it fails.
pub(super) fn look_at_search(scene: &Scene<'_>, call: &Call) -> Result<(), Answer> {
    if call.body["query"].as_str().is_some_and(|query| query.trim().is_empty()) {
        return Err(unchecked(scene.quirks, "body", "query", &call.sent["query"]));
    }
    if call.body["limit"].as_i64().is_some_and(|limit| limit < 0) {
        return Err(unchecked(scene.quirks, "body", "limit", &call.sent["limit"]));
    }
    Ok(())
}

/// Those that are similar enough, most similar first.
pub(super) fn nearest<T>(mut scored: Vec<(f64, T)>, threshold: Option<f64>, limit: Option<i64>) -> Vec<(f64, T)> {
    let threshold = threshold.unwrap_or(0.7);
    scored.retain(|(score, _)| *score >= threshold);
    scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    scored.truncate(usize::try_from(limit.unwrap_or(10)).unwrap_or(0));
    scored
}
