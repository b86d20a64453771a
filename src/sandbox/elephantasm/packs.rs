//! Packs: the latest one, those that are compiled and not stored, statistics.

use serde_json::{Value, json};

use super::Settings;
use super::compile::{Config, Layers, Scored, compile};
use super::plan;
use super::quirks::Quirk;
use super::tables::{Call, PACKS, any_anima, number, touch};
use crate::sandbox::clock::stored;
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::Outcome;
use crate::sandbox::store::{Object, object, text};

/// How many packs of an anima are kept when a preset's pack is stored.
const KEPT: usize = 100;
/// How many characters of an event a pack holds.
const EVENT_CUT: usize = 500;

/// The pack for a prompt: a new one for a query; else the newest stored one, however old; else a new one.
pub(super) fn latest(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = call.path_text("anima_id").to_owned();
    let has = |quirk| call.platform.quirks.has(quirk);
    any_anima(call.store, &id)
        .map_err(|absent| if has(Quirk::AbsentAnimaFails) { ErrorReply::Internal } else { absent })?;
    let query = call.text("query").filter(|query| !query.is_empty()).map(str::to_owned);
    if query.is_none() {
        if let Some(pack) = call.store.of(&PACKS, "anima_id", &id).next_back() {
            return Ok(pack.clone().into());
        }
        if !has(Quirk::PackOnDemand) {
            return Ok(Value::Null.into());
        }
    }
    // Without a query the preset is ignored, whatever it is.
    let preset = call.text("preset").filter(|preset| query.is_some() && !preset.is_empty());
    let preset = known_preset(preset.unwrap_or("conversational"))?.to_owned();
    count_build(call)?;
    let pack = new_pack(call, &id, &preset, &Config::preset(&preset, query.as_deref()))?;
    touch(call.store, &id, call.now);
    Ok(call.store.insert(&PACKS, pack).clone().into())
}

fn known_preset(preset: &str) -> Result<&str, ErrorReply> {
    match preset {
        "conversational" | "self_determined" => Ok(preset),
        other => Err(ErrorReply::bad_request("", format!("Unknown preset: {other}"))),
    }
}

/// Every compilation counts, stored or not.
fn count_build(call: &mut Call<'_>) -> Result<(), ErrorReply> {
    plan::check(call.store, "pack_builds_limit", "pack_build", plan::used(call.store, "packs", call.now))?;
    plan::count(call.store, "packs", call.now);
    Ok(())
}

/// A pack as it is stored.
fn new_pack(call: &mut Call<'_>, anima_id: &str, preset: &str, config: &Config) -> Result<Object, ErrorReply> {
    let renamed = call.platform.quirks.has(Quirk::RenamedPackItems);
    let world = call.world();
    let layers = compile(&world, anima_id, config)?;
    let mut content = shared(&layers);
    content.insert(
        "config".to_owned(),
        json!({
            "anima_id": anima_id, "query": config.query(), "max_tokens": config.max_tokens(),
        }),
    );
    if !renamed {
        for (list, names) in [
            ("session_memories", &[("retrieval_reason", "reason"), ("score_breakdown", "breakdown")][..]),
            ("long_term_memories", &[("retrieval_reason", "reason"), ("score_breakdown", "breakdown")]),
            ("knowledge", &[("knowledge_type", "type")]),
        ] {
            rename(content.get_mut(list), names);
        }
    }
    let mut pack = counts(&layers);
    let now = stored(world.now);
    pack.extend(object(json!({
        "anima_id": anima_id,
        "query": config.query(),
        "preset_name": preset,
        "max_tokens": config.max_tokens(),
        "content": content,
        "compiled_at": now,
        "created_at": now,
    })));
    Ok(pack)
}

/// Renames fields of all items.
fn rename(items: Option<&mut Value>, names: &[(&str, &str)]) {
    for item in items.and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut) {
        for (from, to) in names {
            let value = item.remove(*from).unwrap_or_default();
            item.insert((*to).to_owned(), value);
        }
    }
}

/// What stored and compiled packs have in common.
fn shared(layers: &Layers<'_>) -> Object {
    let memory = |scored: &Scored<'_>| {
        let (part, reason) = match scored.similarity {
            Some(_) => ("similarity", "semantic_match"),
            None => ("recency", "session_recency"),
        };
        let mut item = scored.row.clone();
        item.extend(object(json!({
            "score": scored.score,
            "retrieval_reason": reason,
            "similarity": scored.similarity,
            "score_breakdown": {part: scored.score},
        })));
        Value::Object(item)
    };
    let knowledge = |scored: &Scored<'_>| {
        let mut item = scored.row.clone();
        item.extend(object(json!({"score": scored.score, "similarity": scored.similarity})));
        Value::Object(item)
    };
    let event = |event: &&Object| {
        let mut item = (*event).clone();
        let content: String = text(event, "content").unwrap_or_default().chars().take(EVENT_CUT).collect();
        item.insert("content".to_owned(), json!(content));
        Value::Object(item)
    };
    object(json!({
        "context": layers.context(),
        "identity": layers.identity,
        "temporal_context": layers.temporal,
        "session_memories": layers.session.iter().map(memory).collect::<Vec<_>>(),
        "long_term_memories": layers.long_term.iter().map(memory).collect::<Vec<_>>(),
        "knowledge": layers.knowledge.iter().map(knowledge).collect::<Vec<_>>(),
        "pending_events": layers.pending.iter().map(event).collect::<Vec<_>>(),
    }))
}

fn counts(layers: &Layers<'_>) -> Object {
    object(json!({
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

/// A pack that is returned without being stored. The anima need not exist.
fn compiled(call: &mut Call<'_>, anima_id: &str, config: &Config) -> Outcome<Settings> {
    count_build(call)?;
    let world = call.world();
    let layers = compile(&world, anima_id, config)?;
    let mut pack = counts(&layers);
    pack.extend(shared(&layers));
    if let Some(identity) = pack.get_mut("identity").and_then(Value::as_object_mut) {
        let reflection = identity.remove("self").unwrap_or_default();
        identity.insert("self_reflection".to_owned(), reflection);
    }
    pack.extend(object(json!({"anima_id": anima_id, "query": config.query(), "compiled_at": stored(world.now)})));
    Ok(pack.into())
}

pub(super) fn compile_own(call: &mut Call<'_>) -> Outcome<Settings> {
    let (id, config) = (call.field("anima_id").unwrap_or_default().to_owned(), Config::new(&call.body));
    compiled(call, &id, &config)
}

pub(super) fn preview(call: &mut Call<'_>) -> Outcome<Settings> {
    let (id, config) = (call.field("anima_id").unwrap_or_default().to_owned(), Config::new(&call.body));
    let world = call.world();
    let layers = compile(&world, &id, &config)?;
    let mut preview = counts(&layers);
    for (name, scored) in [
        ("top_session_scores", &layers.session),
        ("top_knowledge_scores", &layers.knowledge),
        ("top_longterm_scores", &layers.long_term),
    ] {
        preview.insert(name.to_owned(), scored.iter().map(|scored| json!(scored.score)).collect());
    }
    Ok(preview.into())
}

pub(super) fn compile_preset(call: &mut Call<'_>) -> Outcome<Settings> {
    let preset = known_preset(call.path_text("preset"))?.to_owned();
    let query = call.text("query").filter(|query| !query.is_empty()).map(str::to_owned);
    if preset == "self_determined" && query.is_none() {
        return Err(ErrorReply::bad_request("", "Preset self_determined needs a query"));
    }
    let id = call.text("anima_id").unwrap_or_default().to_owned();
    let mut config = Config::preset(&preset, query.as_deref());
    if let Some(pending) = call.query.get("include_pending_events").filter(|value| value.is_boolean()) {
        config.set("include_pending_events", pending.clone());
    }
    let output = compiled(call, &id, &config)?;
    if call.flag("persist") {
        let pack = new_pack(call, &id, &preset, &config)?;
        call.store.insert(&PACKS, pack);
        let packs: Vec<String> = call.store.of(&PACKS, "anima_id", &id).map(|pack| PACKS.id(pack).to_owned()).collect();
        for old in packs.iter().rev().skip(KEPT) {
            call.store.remove(&PACKS, old);
        }
    }
    Ok(output)
}

pub(super) fn stats(call: &mut Call<'_>) -> Outcome<Settings> {
    let packs: Vec<&Object> = call.store.of(&PACKS, "anima_id", call.path_text("anima_id")).collect();
    let count = u32::try_from(packs.len()).unwrap_or(u32::MAX);
    let mean = |value: fn(&Object) -> f64| {
        let sum: f64 = packs.iter().map(|pack| value(pack)).sum();
        sum / f64::from(count.max(1))
    };
    Ok(json!({
        "total_packs": count,
        "avg_token_count": mean(|pack| number(pack, "token_count").unwrap_or_default()),
        "avg_session_memories": mean(|pack| number(pack, "session_memory_count").unwrap_or_default()),
        "avg_knowledge": mean(|pack| number(pack, "knowledge_count").unwrap_or_default()),
        "avg_long_term_memories": mean(|pack| number(pack, "long_term_memory_count").unwrap_or_default()),
        "avg_pending_events": mean(|pack| number(pack, "pending_event_count").unwrap_or_default()),
        "identity_usage_rate": mean(|pack| if pack["has_identity"] == true { 100.0 } else { 0.0 }),
    })
    .into())
}
