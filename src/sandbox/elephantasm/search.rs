//! Memories and knowledge, and how they are found by similarity.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Settings;
use super::tables::{Call, KNOWLEDGE, MEMORIES, number};
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::{Outcome, ascending};
use crate::sandbox::store::{Object, Table, text};
use crate::sandbox::terms::{overlap, terms};

/// What the server calls its embeddings.
pub(super) const EMBEDDING_MODEL: &str = "text-embedding-3-small";

/// The similarity of a text that shares one term with the query is just above this, the default threshold.
const LEAST: f64 = 0.7;

/// A query's terms.
pub(super) struct Query(BTreeSet<String>);

impl Query {
    pub(super) fn new(text: &str) -> Self {
        Self(terms(text))
    }

    /// How similar an object is, from 0.7 to 1; `None` if it shares no term, or is not above the threshold.
    pub(super) fn similarity(&self, row: &Object, threshold: f64) -> Option<f64> {
        let share = overlap(&self.0, &all_text(row));
        let similarity = LEAST + (1.0 - LEAST) * share;
        (share > 0.0 && similarity > threshold).then_some((similarity * 1e4).round() / 1e4)
    }
}

/// All text of a memory or of an item of knowledge.
fn all_text(row: &Object) -> String {
    ["topic", "summary", "content"].map(|field| text(row, field).unwrap_or_default()).join("\n")
}

/// A memory's text in a prompt.
pub(super) fn brief(memory: &Object) -> &str {
    text(memory, "summary").or(text(memory, "content")).unwrap_or_default()
}

pub(super) fn new_memory(_: &mut Call<'_>, memory: &mut Object) -> Result<(), ErrorReply> {
    memory.entry("meta").or_insert_with(|| json!({}));
    Ok(())
}

/// The memory that ended last first; those without an end come before.
pub(super) fn by_end(_: &Call<'_>, a: &Object, b: &Object) -> Ordering {
    let open = |row: &Object| text(row, "time_end").is_some();
    open(a).cmp(&open(b)).then_with(|| ascending("time_end", b, a))
}

pub(super) fn by_importance(_: &Call<'_>, a: &Object, b: &Object) -> Ordering {
    let [a, b] = [a, b].map(|row| number(row, "importance").unwrap_or(-1.0));
    b.total_cmp(&a)
}

pub(super) fn is_about(call: &Call<'_>, memory: &Object) -> bool {
    let part = call.text("q").unwrap_or_default().to_lowercase();
    text(memory, "summary").is_some_and(|summary| summary.to_lowercase().contains(&part))
}

pub(super) fn search_memories(call: &mut Call<'_>) -> Outcome<Settings> {
    let state = call.field("state");
    let embedded = |memory: &Object| {
        text(memory, "embedding_model").is_some() && state.is_none_or(|state| text(memory, "state") == Some(state))
    };
    Ok(matches(call, &MEMORIES, "memory", embedded).into())
}

pub(super) fn search_knowledge(call: &mut Call<'_>) -> Outcome<Settings> {
    let kind = call.field("knowledge_type");
    let wanted = |item: &Object| kind.is_none_or(|kind| text(item, "knowledge_type") == Some(kind));
    Ok(matches(call, &KNOWLEDGE, "knowledge", wanted).into())
}

/// The objects of an anima that are similar enough, the most similar first.
fn matches(call: &Call<'_>, table: &Table, name: &str, wanted: impl Fn(&Object) -> bool) -> Value {
    let query = Query::new(call.field("query").unwrap_or_default());
    let threshold = call.body["threshold"].as_f64().unwrap_or(LEAST);
    let limit = call.body["limit"].as_u64().and_then(|limit| limit.try_into().ok()).unwrap_or(10);
    let anima_id = call.field("anima_id").unwrap_or_default();
    let rows = call.store.of(table, "anima_id", anima_id).rev();
    let rows = rows.filter(|row| !table.is_hidden(row) && wanted(row));
    let mut scored: Vec<(f64, &Object)> =
        rows.filter_map(|row| Some((query.similarity(row, threshold)?, row))).collect();
    scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    scored.into_iter().take(limit).map(|(score, row)| json!({name: row, "score": score})).collect()
}

pub(super) fn is_of_type(call: &Call<'_>, item: &Object) -> bool {
    text(item, "knowledge_type") == Some(call.path_text("knowledge_type"))
}
