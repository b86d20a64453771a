//! Frames of a followed log to its lines.

use serde_json::Value;

use super::types::{AgentLogs, LogEntry};
use crate::framing::Frame;

/// A part of a followed log.
#[derive(Debug, PartialEq)]
pub(super) enum Piece {
    Entries(Vec<LogEntry>),
    /// The plain response: the server does not follow.
    Document(Box<AgentLogs>),
    /// The server says that the log ends.
    End,
}

impl Piece {
    /// Reads a frame. Names of ends are not documented; these are common.
    pub(super) fn of(frame: &Frame) -> Self {
        match frame.name.to_ascii_lowercase().as_str() {
            _ if frame.is_heartbeat() => Self::Entries(Vec::new()),
            "end" | "done" | "complete" | "close" | "eof" => Self::End,
            _ if frame.is_plain => text(&frame.text),
            _ => value_or_text(&frame.text),
        }
    }
}

fn text(line: &str) -> Piece {
    let line = line.trim_end();
    Piece::Entries(if line.is_empty() { Vec::new() } else { vec![LogEntry::new(line)] })
}

/// A line that is JSON is an entry, several, or the plain response; any other is a text.
fn value_or_text(line: &str) -> Piece {
    let trimmed = line.trim();
    if !trimmed.starts_with(['{', '[', '"']) {
        return text(line);
    }
    match serde_json::from_str(trimmed) {
        Ok(Value::Array(values)) => Piece::Entries(values.into_iter().map(entry).collect()),
        Ok(value) if value.get("logs").is_some_and(Value::is_array) => match serde_json::from_value(value) {
            Ok(document) => Piece::Document(Box::new(document)),
            Err(_) => text(line),
        },
        Ok(value) => Piece::Entries(vec![entry(value)]),
        Err(_) => text(line),
    }
}

/// A value that is no entry is one with its text.
fn entry(value: Value) -> LogEntry {
    if let Value::String(message) = value {
        return LogEntry::new(message);
    }
    let text = value.to_string();
    serde_json::from_value(value).unwrap_or_else(|_| LogEntry::new(text))
}

#[cfg(test)]
#[path = "piece_tests.rs"]
mod tests;
