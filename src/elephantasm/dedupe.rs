//! Dedupe keys: the recipe of the platform's server, and this crate's own for events without a source.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::types::EventCreate;
use crate::Timestamp;

/// The key under which the server stores the event: the one that is sent, or the one that it derives itself.
pub(super) fn stored_key(event: &EventCreate) -> Option<String> {
    let sent = event.dedupe_key.clone().filter(|key| !key.is_empty());
    let source_uri = event.source_uri.as_deref().filter(|uri| !uri.is_empty());
    sent.or_else(|| source_uri.map(|uri| server_key(event, uri)))
}

/// The key of an event that is to have one: the server's own where it would derive one.
pub(super) fn derived_key(event: &EventCreate) -> String {
    match event.source_uri.as_deref().filter(|uri| !uri.is_empty()) {
        Some(uri) => server_key(event, uri),
        None => crate_key(event),
    }
}

/// The key as the platform's server derives it.
fn server_key(event: &EventCreate, source_uri: &str) -> String {
    let content: String = event.content.chars().take(100).collect();
    let anima = hyphenated(&event.anima_id);
    let time = event.occurred_at.map(python_iso).unwrap_or_default();
    short_hash([anima.as_str(), event.event_type.as_str(), &content, &time, source_uri].join("|").as_bytes())
}

/// Each part is prefixed with its length, so that no two events give the same text.
fn crate_key(event: &EventCreate) -> String {
    let anima = hyphenated(&event.anima_id);
    let time = event.occurred_at.map(python_iso).unwrap_or_default();
    let [session, role, author] =
        [&event.session_id, &event.role, &event.author].map(|text| text.as_deref().unwrap_or_default());
    let mut text = String::new();
    for part in [anima.as_str(), event.event_type.as_str(), &time, session, role, author, &event.content] {
        let _ = write!(text, "{}:{part}", part.len());
    }
    format!("polyagent-{}", short_hash(text.as_bytes()))
}

/// The first 32 hexadecimal digits of SHA-256.
fn short_hash(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(32);
    for byte in &Sha256::digest(bytes)[..16] {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// The form of a UUID that the server hashes; anything else unchanged, for the server to reject.
pub(super) fn hyphenated(uuid: &str) -> String {
    let digits: String = uuid.chars().filter(|c| *c != '-').collect::<String>().to_ascii_lowercase();
    if digits.len() != 32 || !digits.is_ascii() {
        return uuid.to_owned();
    }
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

/// Python's `isoformat` of a UTC time: `+00:00`, and six digits of fraction or none.
fn python_iso(time: Timestamp) -> String {
    let text = time.to_string();
    let text = text.trim_end_matches('Z');
    match text.split_once('.') {
        Some((seconds, fraction)) => format!("{seconds}.{fraction:0<6}+00:00"),
        None => format!("{text}+00:00"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Capture;
    use super::*;
    use crate::elephantasm::types::EventType;

    const ANIMA: &str = "b2352c05-e685-4021-8624-595406c725f2";
    /// Characters of 1, 2, 3 and 4 bytes in UTF-8.
    const TEA: &str = "Grüner Tee 茶 🍵 ";

    fn key(capture: Capture) -> String {
        capture.into_body(Some(ANIMA)).dedupe_key.unwrap()
    }

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn call() -> Capture {
        Capture::new(EventType::ToolCall, "call").occurred_at(time("2026-02-04T12:00:00+00:00"))
    }

    fn long(characters: usize) -> Capture {
        let content: String = TEA.chars().cycle().take(characters).collect();
        Capture::new(EventType::MessageIn, content).occurred_at(time("2026-02-04T12:00:00.0123Z"))
    }

    // The keys here are computed with Python's hashlib, not by this crate.

    #[test]
    fn derives_the_servers_key_with_a_source() {
        for (capture, expected) in [
            (call().source_uri("slack://x/1"), "38f512fffdb0f633c415072b5cf5f646"),
            (long(100).source_uri("slack://x/1"), "c0747302b2591a0cadb54660419a4cc9"),
            (long(101).source_uri("slack://x/1"), "c0747302b2591a0cadb54660419a4cc9"),
            (long(99).source_uri("slack://x/1"), "6fd509ae219634a75c5a64015612f4c1"),
            (long(250).source_uri("mail://茶/é"), "ee22169fecb6b40aa48cf763374b1bbc"),
            (
                Capture::new("system", "").occurred_at(time("1969-12-31T23:59:59Z")).source_uri("x"),
                "80f641af703f0721ccd9afd3b90a0893",
            ),
        ] {
            assert_eq!(key(capture.clone().dedupe()), expected, "{capture:?}");
            assert_eq!(key(capture.clone().retry_in_doubt()), expected, "{capture:?}");
            // The server looks at none of these.
            let spoken = capture.session_id("s").role("user").author("Ada").summary("tea").importance_score(0.5);
            assert_eq!(key(spoken.dedupe()), expected);
        }
        let compact = call().anima_id("B2352C05E68540218624595406C725F2").source_uri("slack://x/1").dedupe();
        assert_eq!(key(compact), "38f512fffdb0f633c415072b5cf5f646");
    }

    #[test]
    fn derives_this_crates_key_without_a_source() {
        for (capture, expected) in [
            (call(), "polyagent-93ae0ff8026edaca4bbc47f167521540"),
            (call().source_uri(""), "polyagent-93ae0ff8026edaca4bbc47f167521540"),
            (call().session_id("chat-7"), "polyagent-ee42be71ea3fdc74d8112cf794439153"),
            (call().role("user"), "polyagent-de56b96c891a50e485b1371ea844ec62"),
            (call().author("user"), "polyagent-08fd8ed486b5c2acda73aa5c0a9a2933"),
            (call().session_id("chat-7").role("user").author("Zoë"), "polyagent-1863731ad578d7ab0be7eace7f10deda"),
            (call().occurred_at(time("2026-02-04T12:00:00.000001Z")), "polyagent-d3e9ec895dc5ca3912aa0caae6760df7"),
            (call().anima_id("11111111222243338444555555555555"), "polyagent-a3b1c10c866581e46671a5493b30eaf4"),
            (
                Capture::new("message.in", "call").occurred_at(time("2026-02-04T12:00:00Z")),
                "polyagent-2e6c984b03d876230c146de45b221d62",
            ),
            (long(100), "polyagent-a5854777611a1974a945f055f189fbff"),
            (long(101), "polyagent-2bc2c1a628742d4356a7866d12136222"),
            (long(250).session_id("茶").role("é").author("🍵"), "polyagent-983e6ff6ce690365331a37b3c2967000"),
            // Each part has its length in front, in bytes: no two events give the same text.
            (call().session_id("1:a"), "polyagent-ce1365c801bf47f9662d0a8233b90086"),
        ] {
            assert_eq!(key(capture.clone().dedupe()), expected, "{capture:?}");
        }
    }
}
