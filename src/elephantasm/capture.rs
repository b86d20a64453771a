//! An event that is ready to be captured.

use std::sync::atomic::{AtomicI64, Ordering};

use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::dedupe::{derived_key, hyphenated};
use super::types::{Event, EventCreate, EventType};
use crate::Timestamp;
use crate::check::finite;

/// An event to send to the platform, with [`extract`](super::Elephantasm::extract) or
/// [`extract_many`](super::Elephantasm::extract_many).
///
/// Its time is fixed on creation, to the microsecond that the platform stores, so that sending it late or twice changes
/// nothing. Within a program, no two captures without a given time have the same one.
///
/// ```
/// # use polyagent::elephantasm::{Capture, types::EventType};
/// let capture = Capture::new(EventType::MessageIn, "I like green tea.").session_id("chat-7").role("user").dedupe();
/// ```
///
/// A capture that could not be sent can be stored as JSON and sent later: time and dedupe key stay the same. Name the
/// anima first if the client that reads it back may have another one.
///
/// ```
/// # use polyagent::elephantasm::{Capture, types::EventType};
/// # let capture = Capture::new(EventType::MessageIn, "I like green tea.").dedupe();
/// let line = serde_json::to_string(&capture)?;
/// let again: Capture = serde_json::from_str(&line)?;
/// assert_eq!(again, capture);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "StoredCapture")]
pub struct Capture {
    /// An empty anima means the client's own.
    #[serde(serialize_with = "without_loss")]
    event: EventCreate,
    dedupe: bool,
    retry_in_doubt: bool,
}

/// JSON would write a score that is no number as null, and reading it back would give none.
fn without_loss<S: Serializer>(event: &EventCreate, serializer: S) -> Result<S::Ok, S::Error> {
    let score = event.importance_score.unwrap_or_default();
    finite("importance_score", score).map_err(S::Error::custom)?;
    event.serialize(serializer)
}

/// A serialized capture. Reading one goes through [`Capture::from`], as any other event does.
#[derive(Deserialize)]
struct StoredCapture {
    event: EventCreate,
    #[serde(default)]
    dedupe: bool,
    #[serde(default)]
    retry_in_doubt: bool,
}

impl Capture {
    /// Creates an event of the client's anima, occurring now. The type's enum name, in upper or lower case, is accepted
    /// too: `MESSAGE_IN` for `message.in`.
    #[must_use]
    pub fn new(event_type: impl Into<EventType>, content: impl Into<String>) -> Self {
        EventCreate::new("", event_type, content).into()
    }

    /// Sets the anima, instead of the client's own.
    #[must_use]
    pub fn anima_id(mut self, anima_id: impl Into<String>) -> Self {
        self.event.anima_id = anima_id.into();
        self
    }

    /// Sets when it happened. Default: when the capture was created.
    #[must_use]
    pub fn occurred_at(mut self, occurred_at: impl Into<Timestamp>) -> Self {
        self.event.occurred_at = Some(to_micros(occurred_at.into()));
        self
    }

    /// Sets the session it belongs to, up to 255 characters of any kind.
    #[must_use]
    pub fn session_id(mut self, session_id: impl Into<String>) -> Self {
        self.event.session_id = Some(session_id.into());
        self
    }

    /// Sets the speaker's role, up to 50 characters: usually `user`, `assistant`, `system` or `tool`.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.event.role = Some(role.into());
        self
    }

    /// Sets the speaker's name, up to 255 characters.
    #[must_use]
    pub fn author(mut self, author: impl Into<String>) -> Self {
        self.event.author = Some(author.into());
        self
    }

    /// Sets a summary of the content.
    #[must_use]
    pub fn summary(mut self, summary: impl Into<String>) -> Self {
        self.event.summary = Some(summary.into());
        self
    }

    /// Sets further metadata, by name: a JSON object, or pairs such as `[("channel", "support")]`.
    #[must_use]
    pub fn meta(mut self, meta: impl IntoIterator<Item = (impl Into<String>, impl Into<Value>)>) -> Self {
        self.event = self.event.meta(meta);
        self
    }

    /// Sets where it comes from, for example `slack://channel/1`. The platform then derives a dedupe key itself, if
    /// none is set; see [`dedupe`](Self::dedupe).
    #[must_use]
    pub fn source_uri(mut self, source_uri: impl Into<String>) -> Self {
        self.event.source_uri = Some(source_uri.into());
        self
    }

    /// Sets its importance, from 0.0 to 1.0.
    #[must_use]
    pub fn importance_score(mut self, score: f64) -> Self {
        self.event.importance_score = Some(score);
        self
    }

    /// Sets a custom dedupe key, up to 255 characters. A second event with it is [`Captured::AlreadyStored`], on
    /// servers that enforce keys; see [`dedupe`](Self::dedupe).
    #[must_use]
    pub fn dedupe_key(mut self, key: impl Into<String>) -> Self {
        self.event.dedupe_key = Some(key.into());
        self
    }

    /// Derives the dedupe key from the event, unless one is set.
    ///
    /// With a source URI it is the key that the platform itself derives: from anima, type, time, source URI and the
    /// first 100 characters of the content. Without one it is this crate's own: from anima, type, time, session, role,
    /// author and the whole content. The time is part of both: the same text captured twice is two events, and a
    /// repeated import finds its events stored only if their [`occurred_at`](Self::occurred_at) is set.
    ///
    /// Deduplication needs a server whose database has a unique index on the keys. The published schema lacks it, and
    /// such a server stores the event again; so does the sandbox, unless its quirk `DuplicateKeys` is off.
    #[must_use]
    pub fn dedupe(mut self) -> Self {
        self.dedupe = true;
        self
    }

    /// Retries it even when the outcome of an attempt is unknown: the response was lost, or the server failed. Implies
    /// [`dedupe`](Self::dedupe).
    ///
    /// A server whose database has no unique index on dedupe keys can then store the event twice.
    #[must_use]
    pub fn retry_in_doubt(mut self) -> Self {
        self.retry_in_doubt = true;
        self.dedupe()
    }

    /// Returns the event, whose fields are public. Its `anima_id` is empty if the capture names none, and a derived
    /// dedupe key is not in it.
    pub fn event(&self) -> &EventCreate {
        &self.event
    }

    /// Returns whether the dedupe key is derived; see [`dedupe`](Self::dedupe).
    pub fn dedupes(&self) -> bool {
        self.dedupe
    }

    /// Returns whether it is retried in doubt; see [`retry_in_doubt`](Self::retry_in_doubt).
    pub fn retries_in_doubt(&self) -> bool {
        self.retry_in_doubt
    }

    /// Its anima and session, if it has a session: captures that share both have an order.
    pub(super) fn conversation(&self, client_anima: Option<&str>) -> Option<(String, String)> {
        let own = Some(self.event.anima_id.as_str()).filter(|anima| !anima.is_empty());
        let anima = own.or(client_anima).unwrap_or_default();
        Some((hyphenated(anima), self.event.session_id.clone()?))
    }

    /// The request's body, with the client's anima if it names none.
    pub(super) fn into_body(self, client_anima: Option<&str>) -> EventCreate {
        let mut event = self.event;
        if event.anima_id.is_empty() {
            client_anima.unwrap_or_default().clone_into(&mut event.anima_id);
        }
        let has_key = event.dedupe_key.as_deref().is_some_and(|key| !key.is_empty());
        if self.dedupe && !has_key && !event.anima_id.is_empty() {
            event.dedupe_key = Some(derived_key(&event));
        }
        event
    }
}

impl From<EventCreate> for Capture {
    /// Fixes the time, if the event has none.
    fn from(mut event: EventCreate) -> Self {
        event.event_type = normalized(event.event_type);
        event.occurred_at = Some(event.occurred_at.map_or_else(now, to_micros));
        Self { event, dedupe: false, retry_in_doubt: false }
    }
}

impl From<StoredCapture> for Capture {
    fn from(stored: StoredCapture) -> Self {
        let StoredCapture { event, dedupe, retry_in_doubt } = stored;
        Self { dedupe: dedupe || retry_in_doubt, retry_in_doubt, ..event.into() }
    }
}

impl From<Capture> for EventCreate {
    /// The body to send, with the dedupe key if one is derived. A capture that names no anima gives an event with an
    /// empty `anima_id`, and without a derived key, which would depend on it.
    fn from(capture: Capture) -> Self {
        capture.into_body(None)
    }
}

/// The type of an enum name, as the platform's own SDKs accept it: the server expects the dotted form.
fn normalized(event_type: EventType) -> EventType {
    match event_type {
        EventType::Unknown(name) => {
            let dotted = EventType::from(name.to_ascii_lowercase().replace('_', "."));
            if matches!(dotted, EventType::Unknown(_)) { EventType::Unknown(name) } else { dotted }
        }
        known => known,
    }
}

/// The result of a [`Capture`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant, reason = "the large one is the usual one")]
pub enum Captured {
    /// The platform stored it.
    Stored(Event),
    /// The platform had already stored an event with this dedupe key. Its response does not say which; to find it, list
    /// the events and compare their keys.
    AlreadyStored {
        /// The key of both events: the one that was sent, or the one that the platform derives.
        dedupe_key: String,
    },
}

impl Captured {
    /// Returns the stored event, if this call stored it.
    pub fn into_event(self) -> Option<Event> {
        match self {
            Self::Stored(event) => Some(event),
            Self::AlreadyStored { .. } => None,
        }
    }
}

/// Truncates to what the platform's database stores, so that the key and the stored time agree.
fn to_micros(time: Timestamp) -> Timestamp {
    Timestamp::from_unix_micros(time.unix_micros()).unwrap_or(time)
}

/// The current time, each call at least a microsecond later: two captures at one instant stay two events.
fn now() -> Timestamp {
    static LAST: AtomicI64 = AtomicI64::new(i64::MIN);
    let present = Timestamp::now().unix_micros();
    let after = |last: i64| present.max(last.saturating_add(1));
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(after(last)));
    Timestamp::from_unix_micros(after(last.unwrap_or(i64::MIN))).unwrap_or_else(Timestamp::now)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANIMA: &str = "b2352c05-e685-4021-8624-595406c725f2";

    fn key(capture: Capture) -> String {
        capture.into_body(Some(ANIMA)).dedupe_key.unwrap()
    }

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn call() -> Capture {
        Capture::new(EventType::ToolCall, "call").occurred_at(time("2026-02-04T12:00:00+00:00"))
    }

    #[test]
    fn the_same_words_captured_twice_in_one_moment_are_two_events() {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let captures = || (0..500).map(|_| key(Capture::new("tool.result", "ok").dedupe())).collect::<Vec<_>>();
                std::thread::spawn(captures)
            })
            .collect();
        let keys: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        let different: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(different.len(), 2000);
        let (begun, made) = (Timestamp::now().unix_seconds(), Capture::new("system", "x").into_body(None));
        assert!((made.occurred_at.unwrap().unix_seconds() - begun).abs() < 60, "and still the present");
    }

    #[test]
    fn keeps_the_callers_key_and_derives_none_unasked() {
        assert_eq!(key(call().dedupe_key("mine").dedupe()), "mine");
        assert_eq!(key(call().dedupe_key("").dedupe()), key(call().dedupe()));
        assert_eq!(call().into_body(Some(ANIMA)).dedupe_key, None);
    }

    #[test]
    fn becomes_an_event_whose_key_needs_its_anima() {
        let event = EventCreate::from(call().anima_id(ANIMA).session_id("s").dedupe());
        assert_eq!((event.anima_id.as_str(), event.dedupe_key), (ANIMA, Some(key(call().session_id("s").dedupe()))));
        let homeless = EventCreate::from(call().dedupe());
        assert_eq!((homeless.anima_id.as_str(), homeless.dedupe_key), ("", None));
    }

    #[test]
    fn survives_a_spool() {
        let full = call().session_id("s").role("user").author("Ada").summary("tea").source_uri("x").dedupe_key("k");
        let full = full.meta([("a", 1)]).importance_score(0.25).anima_id(ANIMA);
        for capture in [call(), call().dedupe(), call().retry_in_doubt(), full] {
            let line = serde_json::to_string(&capture).unwrap();
            let read: Capture = serde_json::from_str(&line).unwrap();
            assert_eq!(read, capture);
            assert_eq!(read.into_body(Some(ANIMA)), capture.into_body(Some(ANIMA)), "{line}");
        }
        assert_eq!(
            serde_json::to_string(&call().retry_in_doubt()).unwrap(),
            r#"{"event":{"anima_id":"","event_type":"tool.call","content":"call","occurred_at":"2026-02-04T12:00:00Z"},"dedupe":true,"retry_in_doubt":true}"#
        );
        let by_hand = r#"{"event":{"anima_id":"","event_type":"TOOL_CALL","content":"call","occurred_at":"2026-02-04T14:00:00+02:00"},"retry_in_doubt":true}"#;
        let read: Capture = serde_json::from_str(by_hand).unwrap();
        assert_eq!(read, call().retry_in_doubt());
        assert!(read.dedupes() && read.retries_in_doubt());
        let error = serde_json::to_string(&call().importance_score(f64::NAN)).unwrap_err();
        assert_eq!(error.to_string(), "`importance_score` must be a finite number, not NaN");
    }

    #[test]
    fn shows_what_was_set() {
        let capture = call().session_id("s");
        assert_eq!((capture.event().content.as_str(), capture.event().session_id.as_deref()), ("call", Some("s")));
        assert_eq!((capture.dedupes(), capture.retries_in_doubt()), (false, false));
        assert_eq!((call().dedupe().dedupes(), call().dedupe().retries_in_doubt()), (true, false));
    }

    #[test]
    fn the_time_is_frozen_to_the_microsecond() {
        let early = Capture::new("system", "x");
        let sent = early.clone().into_body(None).occurred_at;
        assert!(sent.is_some());
        assert_eq!(sent, early.into_body(None).occurred_at);
        for (given, kept) in [
            ("2026-02-04T12:00:00.123456789Z", "2026-02-04T12:00:00.123456Z"),
            ("2026-02-04T12:00:00.1234Z", "2026-02-04T12:00:00.1234Z"),
            ("1969-12-31T23:59:59.123456789Z", "1969-12-31T23:59:59.123456Z"),
            ("2026-02-04T12:00:00Z", "2026-02-04T12:00:00Z"),
        ] {
            let event = call().occurred_at(time(given)).into_body(None);
            assert_eq!(event.occurred_at.unwrap().to_string(), kept);
        }
    }

    #[test]
    fn accepts_a_type_by_its_enum_name_in_any_case() {
        for (given, sent) in [
            ("MESSAGE_IN", "message.in"),
            ("Tool_Result", "tool.result"),
            ("system", "system"),
            ("SYSTEM", "system"),
            ("tool.call", "tool.call"),
            ("heartbeat", "heartbeat"),
            ("HEART_BEAT", "HEART_BEAT"),
        ] {
            assert_eq!(Capture::new(given, "x").into_body(None).event_type.as_str(), sent);
        }
    }

    #[test]
    fn the_captures_own_anima_wins() {
        assert_eq!(call().into_body(Some("a")).anima_id, "a");
        assert_eq!(call().anima_id("b").into_body(Some("a")).anima_id, "b");
        assert_eq!(call().into_body(None).anima_id, "");
    }
}
