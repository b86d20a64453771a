//! Compiling a pack: what of an anima's memory goes into a prompt.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::Settings;
use super::search::{Query, brief};
use super::tables::{EVENTS, IDENTITIES, KNOWLEDGE, LINKS, MEMORIES, number, time};
use crate::sandbox::clock::Micros;
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::platform::World;
use crate::sandbox::store::{Object, Store, text};

const HOUR: Micros = 3_600_000_000;
/// What an identity counts for, in tokens.
pub(super) const IDENTITY_TOKENS: usize = 150;

/// What goes into a pack: the fields of a `RetrievalConfig`, with its defaults.
pub(super) struct Config(Object);

impl Config {
    pub(super) fn new(body: &Value) -> Self {
        Self(body.as_object().cloned().unwrap_or_default())
    }

    /// A preset of the server.
    pub(super) fn preset(name: &str, query: Option<&str>) -> Self {
        let conversational = name == "conversational";
        let config = json!({
            "query": query,
            "max_tokens": if conversational { 2000 } else { 4000 },
            "session_window_hours": if conversational { 4 } else { 24 },
            "max_knowledge": if conversational { 3 } else { 10 },
            "max_long_term_memories": if conversational { 3 } else { 10 },
        });
        Self::new(&config)
    }

    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    /// The query; an empty one counts as none.
    pub(super) fn query(&self) -> Option<&str> {
        text(&self.0, "query").filter(|query| !query.is_empty())
    }

    pub(super) fn max_tokens(&self) -> usize {
        self.count("max_tokens", 4000)
    }

    fn count(&self, name: &str, default: usize) -> usize {
        let given = self.0.get(name).and_then(Value::as_u64);
        given.and_then(|count| count.try_into().ok()).unwrap_or(default)
    }

    fn has(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or(true)
    }

    /// Whether a value is one of those that are wanted.
    fn wants(&self, name: &str, value: Option<&str>, default: Option<&str>) -> bool {
        match self.0.get(name).and_then(Value::as_array) {
            Some(wanted) => value.is_some_and(|value| wanted.iter().any(|wanted| wanted == value)),
            None => default.is_none() || value == default,
        }
    }

    fn least(&self, name: &str) -> f64 {
        number(&self.0, name).unwrap_or_default()
    }
}

/// An object and its score.
pub(super) struct Scored<'s> {
    pub(super) row: &'s Object,
    pub(super) score: f64,
    pub(super) similarity: Option<f64>,
}

/// The layers of a pack.
pub(super) struct Layers<'s> {
    pub(super) identity: Option<&'s Object>,
    /// Time since the last message, where there is no memory of the session.
    pub(super) temporal: Option<Value>,
    pub(super) session: Vec<Scored<'s>>,
    pub(super) pending: Vec<&'s Object>,
    pub(super) knowledge: Vec<Scored<'s>>,
    pub(super) long_term: Vec<Scored<'s>>,
}

/// The layers for an anima. The query selects knowledge and long-term memories; what has just happened is in every
/// pack. Each layer has its share of the tokens, and ends before the first item that does not fit.
pub(super) fn compile<'s>(
    world: &'s World<'_, Settings>,
    anima_id: &str,
    config: &Config,
) -> Result<Layers<'s>, ErrorReply> {
    let (store, now) = (&*world.store, world.now);
    let identity = identity_of(store, anima_id).filter(|_| config.has("include_identity"));
    let parts = identity.and_then(|identity| identity.get("self")?.as_object());
    if parts.into_iter().flat_map(Map::values).any(|part| !part.is_object()) {
        return Err(world.platform.unchecked("identity", "self", &json!(parts)));
    }
    let tokens = |percent: usize| config.max_tokens() * percent / 100;
    let session = session(store, now, anima_id, config);
    let session = fitting(session, tokens(20), |scored| brief(scored.row));
    let found = config.query().map(|query| similar(store, anima_id, config, &Query::new(query), &session));
    let (knowledge, long_term) = found.unwrap_or_default();
    let temporal = if session.is_empty() && config.has("include_temporal_awareness") {
        temporal(store, now, anima_id)
    } else {
        None
    };
    let pending = if config.has("include_pending_events") { pending(store, anima_id, config) } else { Vec::new() };
    Ok(Layers {
        identity,
        temporal,
        session,
        pending: fitting(pending, tokens(15), |event| content(event)),
        knowledge: fitting(knowledge, tokens(30), |scored| content(scored.row)),
        long_term: fitting(long_term, tokens(35), |scored| brief(scored.row)),
    })
}

fn content(row: &Object) -> &str {
    text(row, "content").unwrap_or_default()
}

/// The server's estimate of a text's tokens.
pub(super) fn tokens(text: &str) -> usize {
    text.chars().count() / 4
}

/// The first items that fit into this many tokens together.
fn fitting<T>(items: Vec<T>, most: usize, text: impl Fn(&T) -> &str) -> Vec<T> {
    let mut left = most;
    let fits = |item: &T| {
        let rest = left.checked_sub(tokens(text(item)));
        left = rest.unwrap_or(left);
        rest.is_some()
    };
    items.into_iter().take_while(fits).collect()
}

/// The identity of an anima.
pub(super) fn identity_of<'s>(store: &'s Store, anima_id: &str) -> Option<&'s Object> {
    store.rows(&IDENTITIES).find(|row| text(row, "anima_id") == Some(anima_id) && !IDENTITIES.is_hidden(row))
}

/// The memories that a pack may hold, newest first.
fn candidates<'s>(store: &'s Store, anima_id: &str, config: &Config) -> impl Iterator<Item = &'s Object> {
    let least = |row: &Object, name, least| number(row, name).unwrap_or_default() >= config.least(least);
    store.rows(&MEMORIES).rev().filter(move |row| {
        text(row, "anima_id") == Some(anima_id)
            && !MEMORIES.is_hidden(row)
            && config.wants("memory_states", text(row, "state"), Some("active"))
            && least(row, "importance", "min_importance")
            && least(row, "confidence", "min_confidence")
    })
}

/// Memories that were created in the current session, the newest first.
fn session<'s>(store: &'s Store, now: Micros, anima_id: &str, config: &Config) -> Vec<Scored<'s>> {
    let window = Micros::try_from(config.count("session_window_hours", 24)).unwrap_or(24) * HOUR;
    let scored = candidates(store, anima_id, config).filter_map(|row| {
        let age = (now - time(row, "created_at")?).max(0);
        (age < window).then(|| Scored { row, score: 1.0 - hours(age) / hours(window), similarity: None })
    });
    scored.take(config.count("max_session_memories", 5)).collect()
}

/// Knowledge and older memories that are similar to the query, the most similar first.
fn similar<'s>(
    store: &'s Store,
    anima_id: &str,
    config: &Config,
    query: &Query,
    session: &[Scored<'s>],
) -> (Vec<Scored<'s>>, Vec<Scored<'s>>) {
    let threshold = config.least("similarity_threshold");
    let best = |rows: &mut dyn Iterator<Item = &'s Object>, most| {
        let near = |row| query.similarity(row, threshold).map(|score| Scored { row, score, similarity: Some(score) });
        let mut scored: Vec<Scored<'_>> = rows.filter_map(near).collect();
        scored.sort_by(|a, b| b.score.total_cmp(&a.score));
        scored.truncate(most);
        scored
    };
    let mut items = store.rows(&KNOWLEDGE).rev().filter(|row| {
        text(row, "anima_id") == Some(anima_id)
            && !KNOWLEDGE.is_hidden(row)
            && config.wants("knowledge_types", text(row, "knowledge_type"), None)
    });
    let in_session = |row: &&Object| session.iter().any(|scored| std::ptr::eq(scored.row, *row));
    let mut memories =
        candidates(store, anima_id, config).filter(|row| text(row, "embedding_model").is_some() && !in_session(row));
    (
        best(&mut items, config.count("max_knowledge", 10)),
        best(&mut memories, config.count("max_long_term_memories", 10)),
    )
}

/// The oldest events since the anima's last memory that no memory came from.
fn pending<'s>(store: &'s Store, anima_id: &str, config: &Config) -> Vec<&'s Object> {
    let covered: HashSet<&str> = store.rows(&LINKS).filter_map(|link| text(link, "event_id")).collect();
    let memories =
        store.rows(&MEMORIES).filter(|row| text(row, "anima_id") == Some(anima_id) && !MEMORIES.is_hidden(row));
    let last_memory = memories.filter_map(|row| text(row, "created_at")).max();
    let mut events: Vec<&Object> = store
        .rows(&EVENTS)
        .filter(|row| text(row, "anima_id") == Some(anima_id) && !EVENTS.is_hidden(row))
        .filter(|row| text(row, "created_at") > last_memory && !covered.contains(EVENTS.id(row)))
        .collect();
    events.sort_by_key(|row| text(row, "occurred_at"));
    events.truncate(config.count("max_pending_events", 20));
    events
}

fn temporal(store: &Store, now: Micros, anima_id: &str) -> Option<Value> {
    let events = store.rows(&EVENTS).filter(|row| text(row, "anima_id") == Some(anima_id) && !EVENTS.is_hidden(row));
    let messages = events.filter(|row| text(row, "event_type").is_some_and(|kind| kind.starts_with("message.")));
    let last = messages.filter_map(|row| time(row, "occurred_at")).max()?;
    let ago = (hours((now - last).max(0)) * 10.0).round() / 10.0;
    Some(json!({
        "last_event_at": crate::sandbox::clock::stored(last),
        "hours_ago": ago,
        "memory_summary": null,
        "formatted": format!("Last spoken to {ago} hours ago."),
    }))
}

#[allow(clippy::cast_precision_loss, reason = "a rounding error of a microsecond in centuries")]
fn hours(micros: Micros) -> f64 {
    micros as f64 / HOUR as f64
}

/// An identity's lines in a prompt.
pub(super) fn identity_lines(identity: &Object) -> Vec<String> {
    let part = |part: &str, key: &str| identity.get("self")?.get(part)?.get(key)?.as_str();
    let named = |name: &str, text: Option<&str>| text.map(|text| format!("{name}: {text}"));
    let lines = [
        text(identity, "communication_style").map(str::to_owned),
        named("Personality", text(identity, "personality_type")),
        named("Essence", part("being", "essence")),
        named("Purpose", part("purpose", "primary")),
    ];
    lines.into_iter().flatten().collect()
}

/// The sections that are not empty, under their headings.
pub(super) fn sections(sections: impl IntoIterator<Item = (&'static str, Vec<String>)>) -> String {
    let sections = sections.into_iter().filter(|(_, lines)| !lines.is_empty());
    sections.map(|(heading, lines)| format!("## {heading}\n{}", lines.join("\n"))).collect::<Vec<_>>().join("\n\n")
}

impl Layers<'_> {
    /// Text for a prompt.
    pub(super) fn context(&self) -> String {
        let bullets = |texts: Vec<&str>| texts.iter().map(|text| format!("- {text}")).collect::<Vec<_>>();
        let memories = |scored: &[Scored<'_>]| bullets(scored.iter().map(|scored| brief(scored.row)).collect());
        let said = |event: &&Object| {
            let who = text(event, "author").or(text(event, "role")).or(text(event, "event_type"));
            format!("- {}: {}", who.unwrap_or_default(), content(event))
        };
        let temporal = self.temporal.iter().filter_map(|temporal| temporal["formatted"].as_str());
        sections([
            ("Your Identity", self.identity.map(identity_lines).unwrap_or_default()),
            ("Session Context", temporal.map(str::to_owned).collect()),
            ("Current Session", memories(&self.session)),
            ("Recent Activity (Pending Synthesis)", self.pending.iter().map(said).collect()),
            ("Relevant Knowledge", bullets(self.knowledge.iter().map(|scored| content(scored.row)).collect())),
            ("Relevant Memories", memories(&self.long_term)),
        ])
    }

    /// Headings and the time of the last message do not count.
    pub(super) fn tokens(&self) -> usize {
        let texts = self.session.iter().chain(&self.long_term).map(|scored| brief(scored.row));
        let texts = texts.chain(self.pending.iter().map(|event| content(event)));
        let texts = texts.chain(self.knowledge.iter().map(|scored| content(scored.row)));
        texts.map(tokens).sum::<usize>() + self.identity.map_or(0, |_| IDENTITY_TOKENS)
    }
}
