//! Querying memories, knowledge and identity at once.

use serde_json::{Value, json};

use super::Settings;
use super::compile::{IDENTITY_TOKENS, identity_lines, identity_of, sections, tokens};
use super::search::{Query, brief};
use super::tables::{Call, KNOWLEDGE, MEMORIES, number};
use crate::sandbox::handlers::Outcome;
use crate::sandbox::store::{Object, text};

pub(super) fn query(call: &mut Call<'_>) -> Outcome<Settings> {
    let body = &call.body;
    let anima_id = call.field("anima_id").unwrap_or_default();
    let wants = |source: &str| body["sources"].as_array().is_none_or(|all| all.iter().any(|it| it == source));
    let most = |name: &str, default| body[name].as_u64().and_then(|most| most.try_into().ok()).unwrap_or(default);
    let mut found = Vec::new();
    if wants("memories") {
        let memories = call.store.rows(&MEMORIES).rev().filter(|row| !MEMORIES.is_hidden(row));
        let memories =
            memories.filter(|row| text(row, "embedding_model").is_some() && text(row, "state") == Some("active"));
        found.extend(memories.map(|row| ("memory", row, text(row, "time_start").or(text(row, "time_end")))));
    }
    if wants("knowledge") {
        let items = call.store.rows(&KNOWLEDGE).rev().filter(|row| !KNOWLEDGE.is_hidden(row));
        found.extend(items.map(|row| ("knowledge", row, text(row, "created_at"))));
    }
    let terms = Query::new(call.field("query").unwrap_or_default());
    let threshold = body["threshold"].as_f64().unwrap_or(0.7);
    let within = |at: Option<&str>| {
        let bound = |name: &str| body["time_range"][name].as_str();
        at.is_none_or(|at| bound("after").is_none_or(|it| at >= it) && bound("before").is_none_or(|it| at <= it))
    };
    let excluded = |row: &Object| body["exclude_ids"].as_array().into_iter().flatten().any(|id| *id == row["id"]);
    let mut scored: Vec<(f64, &str, &Object)> = found
        .into_iter()
        .filter(|(_, row, at)| text(row, "anima_id") == Some(anima_id) && within(*at) && !excluded(row))
        .filter_map(|(source, row, _)| Some((terms.similarity(row, threshold)?, source, row)))
        .collect();
    scored.sort_by(|(a, ..), (b, ..)| b.total_cmp(a));
    scored.truncate(most("limit", 20));

    let identity = identity_of(call.store, anima_id).filter(|_| wants("identity"));
    let frame = identity.map_or(0, |_| IDENTITY_TOKENS);
    let max_tokens: usize = most("max_tokens", 2000);
    // A frame that is too large leaves nothing at all.
    let identity = identity.filter(|_| frame <= max_tokens);
    let mut left = max_tokens.saturating_sub(frame);
    let mut used = if identity.is_some() { frame } else { 0 };
    scored = scored
        .into_iter()
        .take_while(|(_, source, row)| {
            let size = tokens(content(source, row)).max(1);
            let fits = size <= left && frame <= max_tokens;
            left = left.saturating_sub(size);
            used += if fits { size } else { 0 };
            fits
        })
        .collect();
    let results = scored.iter().map(|(similarity, source, row)| {
        let mut result = (*row).clone();
        result.insert("source".to_owned(), json!(source));
        result.insert("content".to_owned(), json!(content(source, row)));
        result.insert("similarity".to_owned(), json!(similarity));
        result.insert("type".to_owned(), json!(text(row, "knowledge_type")));
        Value::Object(result)
    });
    let identity_context = identity.map(|identity| {
        let mut context = identity.clone();
        context.insert("self_reflection".to_owned(), identity.get("self").cloned().unwrap_or_default());
        context
    });
    Ok(json!({
        "results": results.collect::<Vec<_>>(),
        "identity_context": identity_context,
        "context": context(identity, &scored),
        "token_estimate": used,
    })
    .into())
}

fn content<'r>(source: &str, row: &'r Object) -> &'r str {
    if source == "memory" { brief(row) } else { text(row, "content").unwrap_or_default() }
}

/// The results as text for a prompt.
fn context(identity: Option<&Object>, found: &[(f64, &str, &Object)]) -> String {
    let named = |name: &str, value: Option<f64>| value.map(|value| format!(" ({name}: {value})")).unwrap_or_default();
    let lines = |wanted: &str| {
        let found = found.iter().filter(|(_, source, _)| *source == wanted);
        found
            .map(|(_, source, row)| {
                let content = content(source, row);
                if *source == "memory" {
                    let day = text(row, "time_start").map(|at| format!("[{}] ", &at[..10])).unwrap_or_default();
                    format!("- {day}{content}{}", named("importance", number(row, "importance")))
                } else {
                    let topic = text(row, "topic").map(|topic| format!("{topic}: ")).unwrap_or_default();
                    let kind = text(row, "knowledge_type").unwrap_or_default();
                    format!("- [{kind}] {topic}{content}{}", named("confidence", number(row, "confidence")))
                }
            })
            .collect()
    };
    let identity = identity.map(identity_lines).unwrap_or_default();
    sections([("Identity", identity), ("Knowledge", lines("knowledge")), ("Memories", lines("memory"))])
}
