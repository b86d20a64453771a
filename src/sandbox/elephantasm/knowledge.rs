//! Knowledge: list by kind, search by meaning. It comes from the sandbox's own seeding methods.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use super::call::{Call, Outcome, Scene};
use super::memories::{EMBEDDING_MODEL, look_at_search, nearest};
use super::stamp::Stamp;
use super::types::{KnowledgeSearch, KnowledgeType, SourceType};
use crate::sandbox::answer::Answer;
use crate::sandbox::clock::Micros;
use crate::sandbox::ids;
use crate::sandbox::terms::{overlap, terms};

/// An item of knowledge to give an anima with [`Tenant::add_knowledge`](crate::sandbox::Tenant::add_knowledge).
#[derive(Clone, Debug)]
#[must_use]
pub struct KnowledgeSeed {
    pub(super) knowledge_type: KnowledgeType,
    pub(super) content: String,
    pub(super) topic: Option<String>,
    pub(super) summary: Option<String>,
    pub(super) confidence: Option<f64>,
    pub(super) source_type: SourceType,
}

impl KnowledgeSeed {
    /// Creates an item of a kind, such as `FACT`.
    pub fn new(knowledge_type: impl Into<KnowledgeType>, content: impl Into<String>) -> Self {
        Self {
            knowledge_type: knowledge_type.into(),
            content: content.into(),
            topic: None,
            summary: None,
            confidence: None,
            source_type: SourceType::Internal,
        }
    }

    /// Sets its topic.
    pub fn topic(mut self, topic: impl Into<String>) -> Self {
        self.topic = Some(topic.into());
        self
    }

    /// Sets a summary of its content.
    pub fn summary(mut self, summary: impl Into<String>) -> Self {
        self.summary = Some(summary.into());
        self
    }

    /// Sets the confidence in it, 0 to 1.
    pub fn confidence(mut self, confidence: f64) -> Self {
        self.confidence = Some(confidence);
        self
    }

    /// Sets its source. Default: `INTERNAL`.
    pub fn source_type(mut self, source_type: impl Into<SourceType>) -> Self {
        self.source_type = source_type.into();
        self
    }

    pub(super) fn into_item(self, anima_id: &str, now: Micros) -> Item {
        Item { id: ids::uuid(), anima_id: anima_id.to_owned(), seed: self, created_at: now, deleted: false }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) anima_id: String,
    pub(super) seed: KnowledgeSeed,
    pub(super) created_at: Micros,
    pub(super) deleted: bool,
}

impl Item {
    /// The text for semantic search.
    pub(super) fn text(&self) -> String {
        [self.seed.topic.as_deref(), self.seed.summary.as_deref(), Some(&self.seed.content)]
            .map(Option::unwrap_or_default)
            .join("\n")
    }
}

/// An item of knowledge, as it is returned.
#[derive(Serialize)]
struct View<'a> {
    id: &'a str,
    anima_id: &'a str,
    knowledge_type: &'a KnowledgeType,
    topic: Option<&'a str>,
    content: &'a str,
    summary: Option<&'a str>,
    confidence: Option<f64>,
    source_type: &'a SourceType,
    is_deleted: bool,
    embedding_model: &'static str,
    created_at: Stamp,
    updated_at: Stamp,
}

fn view<'a>(scene: &Scene<'_>, item: &'a Item) -> View<'a> {
    View {
        id: &item.id,
        anima_id: &item.anima_id,
        knowledge_type: &item.seed.knowledge_type,
        topic: item.seed.topic.as_deref(),
        content: &item.seed.content,
        summary: item.seed.summary.as_deref(),
        confidence: item.seed.confidence,
        source_type: &item.seed.source_type,
        is_deleted: item.deleted,
        embedding_model: EMBEDDING_MODEL,
        created_at: scene.stored(item.created_at),
        updated_at: scene.stored(item.created_at),
    }
}

pub(super) fn list_by_type(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    let (kind, anima_id) = (call.id("knowledge_type"), call.text("anima_id"));
    let shown = |item: &&Item| {
        Some(item.anima_id.as_str()) == anima_id
            && item.seed.knowledge_type.as_str() == kind
            && (!item.deleted || call.flag("include_deleted"))
    };
    let items: Vec<&Item> = scene.account.knowledge.iter().rev().filter(shown).collect();
    let page: Vec<View<'_>> = call.page(&items, 50).iter().map(|item| view(scene, item)).collect();
    Ok(Answer::json(StatusCode::OK, &page))
}

pub(super) fn search_semantic(scene: &mut Scene<'_>, call: &Call) -> Outcome {
    look_at_search(scene, call)?;
    let search: KnowledgeSearch = call.body()?;
    let query = terms(&search.query);
    let wanted = |item: &&Item| {
        item.anima_id == search.anima_id
            && !item.deleted
            && search.knowledge_type.as_ref().is_none_or(|kind| *kind == item.seed.knowledge_type)
    };
    let items = scene.account.knowledge.iter().rev().filter(wanted);
    let scored = items.map(|item| (overlap(&query, &item.text()), item)).collect();
    let found = nearest(scored, search.threshold, search.limit);
    let matches: Vec<Value> =
        found.iter().map(|(score, item)| json!({"knowledge": view(scene, item), "score": score})).collect();
    Ok(Answer::json(StatusCode::OK, &matches))
}
