//! Compiling a pack: what of an anima's memory goes into a prompt.

use std::collections::{BTreeSet, HashSet};

use super::account::Account;
use super::call::{Scene, unchecked};
use super::events::Event;
use super::identities::{self, Identity};
use super::knowledge::Item;
use super::memories::Memory;
use super::types::RetrievalConfig;
use crate::sandbox::answer::Answer;
use crate::sandbox::clock::Micros;
use crate::sandbox::terms::{overlap, terms};

const HOUR: Micros = 3_600_000_000;
/// How many pending events a pack holds by default.
const MAX_PENDING: usize = 20;

/// What goes into a pack.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) query: Option<String>,
    pub(super) max_tokens: i64,
    window: Micros,
    states: Vec<String>,
    kinds: Option<Vec<String>>,
    least_importance: f64,
    least_confidence: f64,
    session: usize,
    knowledge: usize,
    long_term: usize,
    /// Minimum similarity to the query; `None` means that one common term is enough.
    threshold: Option<f64>,
    pub(super) identity: bool,
    temporal: bool,
    pub(super) pending: bool,
    /// How many pending events; `None` means 20 without a query, and all that share a term with a query.
    max_pending: Option<usize>,
}

impl Config {
    /// A preset of the server.
    pub(super) fn preset(name: &str, query: Option<&str>) -> Self {
        Self {
            query: query.map(str::to_owned),
            max_tokens: if name == "self_determined" { 4000 } else { 2000 },
            window: 24 * HOUR,
            states: vec!["active".to_owned()],
            kinds: None,
            least_importance: 0.0,
            least_confidence: 0.0,
            session: 5,
            knowledge: 10,
            long_term: 10,
            threshold: None,
            identity: true,
            temporal: true,
            pending: true,
            max_pending: None,
        }
    }
}

impl From<RetrievalConfig> for Config {
    fn from(config: RetrievalConfig) -> Self {
        let preset = Self::preset("", config.query.as_deref());
        let count = |count: Option<i64>, default| count.map_or(default, |count| usize::try_from(count).unwrap_or(0));
        Self {
            max_tokens: config.max_tokens.unwrap_or(4000),
            window: config.session_window_hours.map_or(preset.window, |hours| hours * HOUR),
            states: config
                .memory_states
                .map_or(preset.states, |states| states.iter().map(ToString::to_string).collect()),
            kinds: config.knowledge_types.map(|kinds| kinds.iter().map(ToString::to_string).collect()),
            least_importance: config.min_importance.unwrap_or(0.0),
            least_confidence: config.min_confidence.unwrap_or(0.0),
            session: count(config.max_session_memories, preset.session),
            knowledge: count(config.max_knowledge, preset.knowledge),
            long_term: count(config.max_long_term_memories, preset.long_term),
            threshold: config.similarity_threshold,
            identity: config.include_identity.unwrap_or(true),
            temporal: config.include_temporal_awareness.unwrap_or(true),
            pending: config.include_pending_events.unwrap_or(true),
            max_pending: Some(count(config.max_pending_events, MAX_PENDING)),
            query: preset.query,
        }
    }
}

/// An item and its score.
#[derive(Debug)]
pub(super) struct Scored<'a, T> {
    pub(super) it: &'a T,
    pub(super) score: f64,
    pub(super) similarity: Option<f64>,
    pub(super) reason: &'static str,
}

/// Time since the last conversation with the anima.
#[derive(Debug)]
pub(super) struct Temporal {
    pub(super) last_event_at: Micros,
    pub(super) hours_ago: f64,
    pub(super) formatted: String,
}

/// The layers of a pack.
#[derive(Debug)]
pub(super) struct Layers<'a> {
    pub(super) identity: Option<&'a Identity>,
    pub(super) temporal: Option<Temporal>,
    pub(super) session: Vec<Scored<'a, Memory>>,
    pub(super) pending: Vec<&'a Event>,
    pub(super) knowledge: Vec<Scored<'a, Item>>,
    pub(super) long_term: Vec<Scored<'a, Memory>>,
}

/// The layers for an anima. With a query the captured messages are all those that share a term with it; without, the
/// latest that no memory covers yet.
pub(super) fn compile<'a>(scene: &'a Scene<'_>, anima_id: &str, config: &Config) -> Result<Layers<'a>, Answer> {
    let identity = identities::of(scene, anima_id).filter(|_| config.identity);
    if let Some(identity) = identity.filter(|identity| !identity.is_well_nested()) {
        let reflection = identity.seed.reflection.clone().unwrap_or_default();
        return Err(unchecked(scene.quirks, "identity", "self", &reflection.into()));
    }
    let query = config.query.as_deref().map(terms);
    let session = session(scene, anima_id, config);
    let (knowledge, long_term) = match &query {
        Some(query) => (knowledge(scene, anima_id, config, query), long_term(scene, anima_id, config, query, &session)),
        None => (Vec::new(), Vec::new()),
    };
    let temporal = if config.temporal && session.is_empty() { temporal(scene, anima_id) } else { None };
    let pending = if config.pending { pending(scene.account, anima_id, config, query.as_ref()) } else { Vec::new() };
    Ok(Layers { identity, temporal, session, pending, knowledge, long_term })
}

/// The memories that a pack may hold.
fn candidates<'a>(scene: &'a Scene<'_>, anima_id: &str, config: &Config) -> impl Iterator<Item = &'a Memory> {
    let memories = scene.account.memories.iter().rev();
    memories.filter(move |memory| {
        memory.anima_id == anima_id
            && !memory.deleted
            && memory.is_in(&config.states)
            && memory.importance.unwrap_or(0.0) >= config.least_importance
            && memory.confidence.unwrap_or(0.0) >= config.least_confidence
    })
}

/// Memories of the current session, the freshest first.
fn session<'a>(scene: &'a Scene<'_>, anima_id: &str, config: &Config) -> Vec<Scored<'a, Memory>> {
    let mut session: Vec<Scored<'_, Memory>> = candidates(scene, anima_id, config)
        .filter_map(|memory| {
            let age = scene.now - memory.time_end.or(memory.time_start).unwrap_or(memory.created_at);
            let score = 1.0 - ratio(age.max(0), config.window);
            (age < config.window).then_some(Scored { it: memory, score, similarity: None, reason: "session_recency" })
        })
        .collect();
    best(&mut session, config.session);
    session
}

/// Older memories that are near the query.
fn long_term<'a>(
    scene: &'a Scene<'_>,
    anima_id: &str,
    config: &Config,
    query: &BTreeSet<String>,
    session: &[Scored<'a, Memory>],
) -> Vec<Scored<'a, Memory>> {
    let fresh = |memory: &&Memory| session.iter().any(|scored| scored.it.id == memory.id);
    let mut found: Vec<Scored<'_, Memory>> = candidates(scene, anima_id, config)
        .filter(|memory| memory.embedded && !fresh(memory))
        .filter_map(|memory| near(memory, &memory.text(), query, config))
        .collect();
    best(&mut found, config.long_term);
    found
}

fn knowledge<'a>(
    scene: &'a Scene<'_>,
    anima_id: &str,
    config: &Config,
    query: &BTreeSet<String>,
) -> Vec<Scored<'a, Item>> {
    let wanted = |item: &&Item| {
        let kind = item.seed.knowledge_type.as_str();
        item.anima_id == anima_id
            && !item.deleted
            && config.kinds.as_ref().is_none_or(|kinds| kinds.iter().any(|wanted| wanted == kind))
    };
    let items = scene.account.knowledge.iter().rev().filter(wanted);
    let mut found: Vec<_> = items.filter_map(|item| near(item, &item.text(), query, config)).collect();
    best(&mut found, config.knowledge);
    found
}

/// The item, if its text is similar enough to the query.
fn near<'a, T>(it: &'a T, text: &str, query: &BTreeSet<String>, config: &Config) -> Option<Scored<'a, T>> {
    let score = overlap(query, text);
    let enough = config.threshold.map_or(score > 0.0, |threshold| score >= threshold);
    enough.then_some(Scored { it, score, similarity: Some(score), reason: "semantic_match" })
}

fn best<T>(scored: &mut Vec<Scored<'_, T>>, count: usize) {
    scored.sort_by(|a, b| b.score.total_cmp(&a.score));
    scored.truncate(count);
}

/// Captured events, in the order in which they happened.
fn pending<'a>(
    account: &'a Account,
    anima_id: &str,
    config: &Config,
    query: Option<&BTreeSet<String>>,
) -> Vec<&'a Event> {
    let covered: HashSet<&str> = account.links.iter().map(|link| link.event_id.as_str()).collect();
    let mut events: Vec<&Event> = account
        .events
        .iter()
        .filter(|event| event.anima_id == anima_id && !event.deleted)
        .filter(|event| match query {
            Some(query) => shares_a_term(event, query),
            None => !covered.contains(event.id.as_str()),
        })
        .collect();
    events.sort_by_key(|event| (event.occurred_at, event.created_at));
    let most = config.max_pending.unwrap_or(if query.is_some() { usize::MAX } else { MAX_PENDING });
    events.split_off(events.len().saturating_sub(most))
}

fn shares_a_term(event: &Event, query: &BTreeSet<String>) -> bool {
    [Some(&event.content), event.summary.as_ref()].into_iter().flatten().any(|text| !terms(text).is_disjoint(query))
}

fn temporal(scene: &Scene<'_>, anima_id: &str) -> Option<Temporal> {
    let messages = scene
        .account
        .events
        .iter()
        .filter(|event| event.anima_id == anima_id && !event.deleted && event.event_type.starts_with("message."));
    let last_event_at = messages.map(|event| event.occurred_at).max()?;
    let hours_ago = (ratio((scene.now - last_event_at).max(0), HOUR) * 10.0).round() / 10.0;
    Some(Temporal { last_event_at, hours_ago, formatted: format!("Last spoken to {hours_ago} hours ago.") })
}

#[allow(clippy::cast_precision_loss, reason = "a rounding error of a microsecond in centuries")]
fn ratio(part: Micros, whole: Micros) -> f64 {
    part as f64 / whole as f64
}

impl Layers<'_> {
    /// Text for a prompt: the layers that are not empty, under headings.
    pub(super) fn context(&self) -> String {
        let bullets = |lines: Vec<String>| lines.iter().map(|line| format!("- {line}")).collect::<Vec<_>>();
        let memories = |memories: &[Scored<'_, Memory>]| {
            bullets(memories.iter().map(|scored| scored.it.brief().to_owned()).collect())
        };
        let sections = [
            ("Your Identity", self.identity.map(Identity::lines).unwrap_or_default()),
            ("Session Context", self.temporal.iter().map(|temporal| temporal.formatted.clone()).collect()),
            ("Current Session", memories(&self.session)),
            ("Recent Activity (Pending Synthesis)", bullets(self.pending.iter().map(|event| said(event)).collect())),
            (
                "Relevant Knowledge",
                bullets(self.knowledge.iter().map(|scored| scored.it.seed.content.clone()).collect()),
            ),
            ("Relevant Memories", memories(&self.long_term)),
        ];
        let sections = sections.into_iter().filter(|(_, lines)| !lines.is_empty());
        sections.map(|(heading, lines)| format!("## {heading}\n{}", lines.join("\n"))).collect::<Vec<_>>().join("\n\n")
    }

    /// A quarter of the characters, and 150 for the identity; headings and the time of the last message don't count.
    pub(super) fn tokens(&self) -> usize {
        let texts = self.session.iter().chain(&self.long_term).map(|scored| scored.it.brief());
        let texts = texts.chain(self.pending.iter().map(|event| event.content.as_str()));
        let texts = texts.chain(self.knowledge.iter().map(|scored| scored.it.seed.content.as_str()));
        texts.map(|text| text.chars().count()).sum::<usize>() / 4 + if self.identity.is_some() { 150 } else { 0 }
    }
}

/// An event in a prompt: who, and what in full.
fn said(event: &Event) -> String {
    let who = event.author.as_deref().or(event.role.as_deref()).unwrap_or(&event.event_type);
    format!("{who}: {}", event.content)
}
