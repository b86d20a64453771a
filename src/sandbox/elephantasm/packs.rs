//! Packs: compile, store, get, list, delete, count.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::call::{Call, Outcome, Scene, unchecked};
use super::compile::{Config, Layers, Scored, Temporal, compile};
use super::events::Event;
use super::memories::Memory;
use super::quirks::{Quirk, Quirks};
use super::refusal;
use super::stamp::{Form, Stamp};
use super::types::{MemoryPackStats, RetrievalConfig};
use super::usage::count;
use crate::sandbox::answer::Answer;
use crate::sandbox::clock::Micros;
use crate::sandbox::ids;

/// How many packs of an anima are kept when a preset's pack is stored.
const KEPT: usize = 100;
/// How many characters of an event a pack holds.
const EVENT_CUT: usize = 500;

/// A stored pack.
#[derive(Clone, Debug)]
pub(super) struct Pack {
    pub(super) id: String,
    pub(super) anima_id: String,
    query: Option<String>,
    preset: String,
    session: usize,
    knowledge: usize,
    long_term: usize,
    pending: usize,
    has_identity: bool,
    tokens: usize,
    max_tokens: i64,
    content: Value,
    compiled_at: Micros,
}

/// A pack, as it is returned.
#[derive(Serialize)]
struct View<'a> {
    id: &'a str,
    anima_id: &'a str,
    query: Option<&'a str>,
    preset_name: &'a str,
    session_memory_count: usize,
    knowledge_count: usize,
    long_term_memory_count: usize,
    pending_event_count: usize,
    has_identity: bool,
    token_count: usize,
    max_tokens: i64,
    content: &'a Value,
    compiled_at: Stamp,
    created_at: Stamp,
}

fn view<'a>(scene: &Scene<'_>, pack: &'a Pack) -> View<'a> {
    View {
        id: &pack.id,
        anima_id: &pack.anima_id,
        query: pack.query.as_deref(),
        preset_name: &pack.preset,
        session_memory_count: pack.session,
        knowledge_count: pack.knowledge,
        long_term_memory_count: pack.long_term,
        pending_event_count: pack.pending,
        has_identity: pack.has_identity,
        token_count: pack.tokens,
        max_tokens: pack.max_tokens,
        content: &pack.content,
        compiled_at: scene.stored(pack.compiled_at),
        created_at: scene.stored(pack.compiled_at),
    }
}

/// The pack for a prompt: a new one for a query; else the newest stored one, however old; else a new one.
pub(super) fn latest(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let id = call.id("anima_id");
    let query = given_query(scene, call.text("query"))?;
    if scene.account.any_anima(id).is_none() {
        let absent =
            if scene.has(Quirk::AbsentAnimaFails) { refusal::server_error() } else { refusal::absent("Anima", id) };
        return Err(absent);
    }
    let preset = match (query, call.text("preset").filter(|preset| !preset.is_empty())) {
        (Some(_), Some(preset)) => known_preset(preset)?,
        _ => "conversational",
    };
    if query.is_none() {
        if let Some(pack) = scene.account.packs.iter().rfind(|pack| pack.anima_id == id) {
            return Ok(Answer::json(StatusCode::OK, &view(scene, pack)));
        }
        if !scene.has(Quirk::PackOnDemand) {
            return Ok(Answer::json(StatusCode::OK, &Value::Null));
        }
    }
    count_build(scene)?;
    let config = Config::preset(preset, query);
    let pack = store(scene, id, preset, &config)?;
    if pack.long_term > 0 && scene.has(Quirk::LongTermMemoriesFail) {
        return Err(refusal::server_error());
    }
    let answer = Answer::json(StatusCode::OK, &view(scene, &pack));
    let now = scene.now;
    if let Some(anima) = scene.account.any_anima(id) {
        anima.touch(now);
    }
    scene.account.packs.push(pack);
    Ok(answer)
}

/// The query, if there is one; an empty one counts as none.
fn given_query<'q>(scene: &Scene<'_>, query: Option<&'q str>) -> Result<Option<&'q str>, Answer> {
    match query.filter(|query| !query.is_empty()) {
        Some(query) if query.trim().is_empty() => Err(unchecked(scene.quirks, "query", "query", &query.into())),
        query => Ok(query),
    }
}

fn known_preset(preset: &str) -> Result<&str, Answer> {
    match preset {
        "conversational" | "self_determined" => Ok(preset),
        other => Err(refusal::bad_request(format!("Unknown preset: {other}"))),
    }
}

/// Every compilation counts, stored or not.
fn count_build(scene: &mut Scene<'_>) -> Result<(), Answer> {
    let plan = &scene.account.plan;
    if plan.refuses(plan.pack_builds, || scene.account.pack_builds.in_month_of(scene.now), scene.quirks) {
        let message = format!("Your plan allows {} pack builds a month.", plan.pack_builds);
        return Err(plan.limit_exceeded("pack_build", &message, scene.quirks));
    }
    scene.account.pack_builds.count(scene.now);
    Ok(())
}

/// A pack as it is stored.
fn store(scene: &Scene<'_>, anima_id: &str, preset: &str, config: &Config) -> Result<Pack, Answer> {
    let layers = compile(scene, anima_id, config)?;
    let renamed = scene.has(Quirk::RenamedPackItems);
    let content = json!({
        "context": layers.context(),
        "identity": layers.identity.map(|identity| json!({
            "personality_type": identity.seed.personality_type,
            "communication_style": identity.seed.communication_style,
        })),
        "session_memories": layers.session.iter().map(|scored| stored_memory(scored, renamed)).collect::<Vec<_>>(),
        "knowledge": knowledge_items(&layers, renamed),
        "long_term_memories": layers.long_term.iter().map(|scored| stored_memory(scored, renamed)).collect::<Vec<_>>(),
        "pending_events": events(&layers.pending, scene.quirks),
        "temporal_context": layers.temporal.as_ref().map(temporal_context),
        "config": {"anima_id": anima_id, "query": config.query, "max_tokens": config.max_tokens},
    });
    Ok(Pack {
        id: ids::uuid(),
        anima_id: anima_id.to_owned(),
        query: config.query.clone(),
        preset: preset.to_owned(),
        session: layers.session.len(),
        knowledge: layers.knowledge.len(),
        long_term: layers.long_term.len(),
        pending: layers.pending.len(),
        has_identity: layers.identity.is_some(),
        tokens: layers.tokens(),
        max_tokens: config.max_tokens,
        content,
        compiled_at: scene.now,
    })
}

fn temporal_context(temporal: &Temporal) -> Value {
    json!({
        "last_event_at": Stamp::new(temporal.last_event_at, Form::Plus),
        "hours_ago": temporal.hours_ago,
        "memory_summary": null,
        "formatted": temporal.formatted,
    })
}

fn stored_memory(scored: &Scored<'_, Memory>, renamed: bool) -> Value {
    let mut item = json!({
        "id": scored.it.id,
        "summary": scored.it.summary,
        "score": scored.score,
        "similarity": scored.similarity,
    });
    if renamed {
        item["retrieval_reason"] = json!(scored.reason);
    } else {
        item["reason"] = json!(scored.reason);
        item["breakdown"] = breakdown(scored);
    }
    item
}

/// The only component of a score here.
fn breakdown(scored: &Scored<'_, Memory>) -> Value {
    let part = if scored.similarity.is_some() { "similarity" } else { "recency" };
    json!({part: scored.score})
}

fn knowledge_items(layers: &Layers<'_>, renamed: bool) -> Vec<Value> {
    let kind = if renamed { "knowledge_type" } else { "type" };
    let item = |scored: &Scored<'_, super::knowledge::Item>| {
        json!({
            "id": scored.it.id,
            "content": scored.it.seed.content,
            kind: scored.it.seed.knowledge_type,
            "score": scored.score,
            "similarity": scored.similarity,
        })
    };
    layers.knowledge.iter().map(item).collect()
}

fn events(events: &[&Event], quirks: Quirks) -> Vec<Value> {
    let item = |event: &&Event| {
        json!({
            "id": event.id,
            "content": event.content.chars().take(EVENT_CUT).collect::<String>(),
            "summary": event.summary,
            "event_type": event.event_type,
            "role": event.role,
            "author": event.author,
            "occurred_at": Stamp::new(event.occurred_at, quirks.stored_form()),
        })
    };
    events.iter().map(item).collect()
}

/// A pack that a compile route returns without storing it.
fn compiled(scene: &Scene<'_>, anima_id: &str, config: &Config) -> Result<Value, Answer> {
    let layers = compile(scene, anima_id, config)?;
    let memory = |scored: &Scored<'_, Memory>| {
        json!({
            "id": scored.it.id,
            "summary": scored.it.summary,
            "score": scored.score,
            "retrieval_reason": scored.reason,
            "similarity": scored.similarity,
            "time_start": scored.it.time_start.map(|at| scene.stored(at)),
            "time_end": scored.it.time_end.map(|at| scene.stored(at)),
            "score_breakdown": breakdown(scored),
        })
    };
    let mut answer = counts(&layers);
    answer.extend(fields(json!({
        "anima_id": anima_id,
        "query": config.query,
        "compiled_at": Stamp::new(scene.now, Form::Zulu),
        "context": layers.context(),
        "identity": layers.identity.map(|identity| json!({
            "name": null,
            "personality_type": identity.seed.personality_type,
            "communication_style": identity.seed.communication_style,
            "self_reflection": identity.seed.reflection,
        })),
        "temporal_context": layers.temporal.as_ref().map(temporal_context),
        "session_memories": layers.session.iter().map(memory).collect::<Vec<_>>(),
        "long_term_memories": layers.long_term.iter().map(memory).collect::<Vec<_>>(),
        "pending_events": events(&layers.pending, scene.quirks),
        "knowledge": knowledge_items(&layers, true),
    })));
    Ok(Value::Object(answer))
}

/// The first fields of every response of a compile route.
fn counts(layers: &Layers<'_>) -> Map<String, Value> {
    fields(json!({
        "token_count": layers.tokens(),
        "session_memory_count": layers.session.len(),
        "knowledge_count": layers.knowledge.len(),
        "long_term_memory_count": layers.long_term.len(),
        "pending_event_count": layers.pending.len(),
        "has_identity": layers.identity.is_some(),
        "has_temporal_context": layers.temporal.is_some(),
        "has_pending_events": !layers.pending.is_empty(),
    }))
}

fn fields(object: Value) -> Map<String, Value> {
    match object {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// The values of a configuration that the compile routes do not validate.
fn own_config(scene: &mut Scene<'_>, call: &Call) -> Result<(String, Config), Answer> {
    given_query(scene, call.body["query"].as_str())?;
    let config: RetrievalConfig = call.body_with_optional("query")?;
    scene.account.anima(&config.anima_id)?;
    Ok((config.anima_id.clone(), config.into()))
}

pub(super) fn compile_own(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let (anima_id, config) = own_config(scene, call)?;
    count_build(scene)?;
    Ok(Answer::json(StatusCode::OK, &compiled(scene, &anima_id, &config)?))
}

pub(super) fn preview(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let (anima_id, config) = own_config(scene, call)?;
    let layers = compile(scene, &anima_id, &config)?;
    let mut answer = counts(&layers);
    let scores =
        |memories: &[Scored<'_, Memory>]| json!(memories.iter().map(|scored| scored.score).collect::<Vec<_>>());
    answer.insert("top_session_scores".to_owned(), scores(&layers.session));
    answer.insert("top_longterm_scores".to_owned(), scores(&layers.long_term));
    let known: Vec<f64> = layers.knowledge.iter().map(|scored| scored.score).collect();
    answer.insert("top_knowledge_scores".to_owned(), json!(known));
    Ok(Answer::json(StatusCode::OK, &answer))
}

pub(super) fn compile_preset(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let preset = known_preset(call.id("preset"))?;
    let query = given_query(scene, call.text("query"))?;
    if preset == "self_determined" && query.is_none() {
        return Err(refusal::bad_request("Preset self_determined needs a query"));
    }
    let id = call.text("anima_id").unwrap_or_default();
    scene.account.anima(id)?;
    count_build(scene)?;
    let mut config = Config::preset(preset, query);
    config.pending = call.query.get("include_pending_events").and_then(Value::as_bool).unwrap_or(config.pending);
    let answer = Answer::json(StatusCode::OK, &compiled(scene, id, &config)?);
    if call.flag("persist") {
        let pack = store(scene, id, preset, &config)?;
        scene.account.packs.push(pack);
        prune(scene, id);
    }
    Ok(answer)
}

/// Drops all but the newest packs of an anima.
fn prune(scene: &mut Scene<'_>, anima_id: &str) {
    let packs = &mut scene.account.packs;
    let mut spare = packs.iter().filter(|pack| pack.anima_id == anima_id).count().saturating_sub(KEPT);
    packs.retain(|pack| {
        let goes = spare > 0 && pack.anima_id == anima_id;
        spare -= usize::from(goes);
        !goes
    });
}

pub(super) fn get(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let id = call.id("pack_id");
    let found = scene.account.packs.iter().find(|pack| pack.id == id);
    let pack = found.ok_or_else(|| refusal::absent("MemoryPack", id))?;
    Ok(Answer::json(StatusCode::OK, &view(scene, pack)))
}

pub(super) fn list(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let id = call.id("anima_id");
    let packs: Vec<&Pack> = scene.account.packs.iter().rev().filter(|pack| pack.anima_id == id).collect();
    let page: Vec<View<'_>> = call.page(&packs, 50).iter().map(|pack| view(scene, pack)).collect();
    Ok(Answer::json(StatusCode::OK, &page))
}

pub(super) fn delete(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let id = call.id("pack_id");
    let index = scene.account.packs.iter().position(|pack| pack.id == id);
    scene.account.packs.remove(index.ok_or_else(|| refusal::absent("MemoryPack", id))?);
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

pub(super) fn stats(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let id = call.id("anima_id");
    let packs: Vec<&Pack> = scene.account.packs.iter().filter(|pack| pack.anima_id == id).collect();
    let mean = |number: fn(&Pack) -> usize| {
        let sum: usize = packs.iter().map(|pack| number(pack)).sum();
        if packs.is_empty() { Some(0.0) } else { Some(float(sum) / float(packs.len())) }
    };
    let stats = MemoryPackStats::new(
        count(packs.len()),
        mean(|pack| pack.tokens),
        mean(|pack| pack.session),
        mean(|pack| pack.knowledge),
        mean(|pack| pack.long_term),
        mean(|pack| pack.pending),
        mean(|pack| usize::from(pack.has_identity)).map(|share| share * 100.0),
    );
    Ok(Answer::json(StatusCode::OK, &stats))
}

fn float(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
