//! Querying memories, knowledge and identity at once.

use http::StatusCode;
use serde_json::{Value, json};

use super::call::{Call, Outcome, Scene, unchecked};
use super::identities::{self, Identity};
use super::knowledge::Item;
use super::memories::Memory;
use super::types::{QueryRequest, QuerySource, TimeRange};
use crate::sandbox::answer::Answer;
use crate::sandbox::clock::{Micros, micros};
use crate::sandbox::terms::{overlap, terms};

/// A result.
enum Found<'a> {
    Memory(&'a Memory),
    Knowledge(&'a Item),
}

pub(super) fn query(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    if let Some(query) = call.body["query"].as_str().filter(|query| query.trim().is_empty()) {
        return Err(unchecked(scene.quirks, "body", "query", &query.into()));
    }
    let request: QueryRequest = call.body()?;
    let wants = |source: &QuerySource| request.sources.as_ref().is_none_or(|sources| sources.contains(source));
    let scene = &*scene;
    let mut found = Vec::new();
    if wants(&QuerySource::Memories) {
        found.extend(memories(scene, &request));
    }
    if wants(&QuerySource::Knowledge) {
        found.extend(knowledge(scene, &request));
    }
    found.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    found.truncate(usize::try_from(request.limit.unwrap_or(20)).unwrap_or(0));
    let identity = identities::of(scene, &request.anima_id).filter(|_| wants(&QuerySource::Identity));
    let results: Vec<Value> = found.iter().map(|(score, found)| result(scene, *score, found)).collect();
    let characters: usize = found.iter().map(|(_, found)| found.content().chars().count()).sum();
    Ok(Answer::json(
        StatusCode::OK,
        &json!({
            "results": results,
            "identity_context": identity.map(|identity| json!({
                "personality_type": identity.seed.personality_type,
                "communication_style": identity.seed.communication_style,
                "self_reflection": identity.seed.reflection,
            })),
            "context": context(scene, identity, &found),
            "token_estimate": characters / 4 + if identity.is_some() { 150 } else { 0 },
        }),
    ))
}

fn memories<'a>(scene: &'a Scene<'_>, request: &QueryRequest) -> Vec<(f64, Found<'a>)> {
    let wanted = |memory: &&Memory| {
        memory.anima_id == request.anima_id
            && !memory.deleted
            && memory.embedded
            && memory.is_in(&["active"])
            && memory.time_start.or(memory.time_end).is_none_or(|at| within(at, request.time_range.as_ref()))
    };
    let scored =
        scene.account.memories.iter().rev().filter(wanted).map(|memory| (memory.text(), Found::Memory(memory)));
    near(request, scored)
}

fn knowledge<'a>(scene: &'a Scene<'_>, request: &QueryRequest) -> Vec<(f64, Found<'a>)> {
    let wanted = |item: &&Item| {
        item.anima_id == request.anima_id && !item.deleted && within(item.created_at, request.time_range.as_ref())
    };
    near(request, scene.account.knowledge.iter().rev().filter(wanted).map(|item| (item.text(), Found::Knowledge(item))))
}

/// Those that are similar enough and not excluded, with their similarity to four decimals.
fn near<'a>(request: &QueryRequest, found: impl Iterator<Item = (String, Found<'a>)>) -> Vec<(f64, Found<'a>)> {
    let query = terms(&request.query);
    let threshold = request.threshold.unwrap_or(0.7);
    let excluded = |id: &str| request.exclude_ids.iter().flatten().any(|excluded| excluded == id);
    found
        .map(|(text, found)| ((overlap(&query, &text) * 1e4).round() / 1e4, found))
        .filter(|(score, found)| *score >= threshold && !excluded(found.id()))
        .collect()
}

fn within(at: Micros, range: Option<&TimeRange>) -> bool {
    range.is_none_or(|range| {
        range.after.is_none_or(|after| at >= micros(after.into()))
            && range.before.is_none_or(|before| at <= micros(before.into()))
    })
}

impl Found<'_> {
    fn id(&self) -> &str {
        match self {
            Self::Memory(memory) => &memory.id,
            Self::Knowledge(item) => &item.id,
        }
    }

    fn content(&self) -> &str {
        match self {
            Self::Memory(memory) => memory.brief(),
            Self::Knowledge(item) => &item.seed.content,
        }
    }
}

fn result(scene: &Scene<'_>, similarity: f64, found: &Found<'_>) -> Value {
    match found {
        Found::Memory(memory) => json!({
            "id": memory.id,
            "source": "memory",
            "content": memory.brief(),
            "similarity": similarity,
            "type": null,
            "topic": null,
            "importance": memory.importance,
            "confidence": memory.confidence,
            "time_start": memory.time_start.map(|at| scene.stored(at)),
        }),
        Found::Knowledge(item) => json!({
            "id": item.id,
            "source": "knowledge",
            "content": item.seed.content,
            "similarity": similarity,
            "type": item.seed.knowledge_type,
            "topic": item.seed.topic,
            "importance": null,
            "confidence": item.seed.confidence,
            "time_start": null,
        }),
    }
}

/// The result as text for a prompt.
fn context(scene: &Scene<'_>, identity: Option<&Identity>, found: &[(f64, Found<'_>)]) -> String {
    let named = |name: &str, value: Option<f64>| value.map(|value| format!(" ({name}: {value})")).unwrap_or_default();
    let (mut knowledge, mut memories) = (Vec::new(), Vec::new());
    for (_, found) in found {
        match found {
            Found::Knowledge(item) => {
                let topic = item.seed.topic.as_ref().map(|topic| format!("{topic}: ")).unwrap_or_default();
                let sure = named("confidence", item.seed.confidence);
                knowledge.push(format!("- [{}] {topic}{}{sure}", item.seed.knowledge_type, item.seed.content));
            }
            Found::Memory(memory) => {
                let day =
                    memory.time_start.map(|at| format!("[{}] ", &scene.stored(at).text()[..10])).unwrap_or_default();
                memories.push(format!("- {day}{}{}", memory.brief(), named("importance", memory.importance)));
            }
        }
    }
    let sections = [
        ("Identity", identity.map(Identity::lines).unwrap_or_default()),
        ("Knowledge", knowledge),
        ("Memories", memories),
    ];
    let sections = sections.into_iter().filter(|(_, lines)| !lines.is_empty());
    sections.map(|(heading, lines)| format!("## {heading}\n{}", lines.join("\n"))).collect::<Vec<_>>().join("\n\n")
}
