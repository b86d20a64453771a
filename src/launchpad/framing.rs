//! Bytes of a followed log to its lines, whatever form they come in: server-sent events, JSON in lines or back to back,
//! plain text. Does no IO.

use memchr::memchr;
use serde_json::Value;

use super::types::{AgentLogs, LogEntry};
use crate::config;
use crate::config::launchpad as defaults;
use crate::sse::Decoder;

/// The bytes of a log that are not read yet.
#[derive(Debug)]
pub(super) struct Framing {
    form: Form,
    buffer: Vec<u8>,
    /// Where the unfinished value or line starts.
    start: usize,
    scan: Scan,
}

#[derive(Debug)]
enum Form {
    Events(Box<Decoder>),
    /// Each line is a value, or a text.
    JsonLines,
    /// Objects back to back, in an array or not, over lines or not.
    Json,
    Text,
    /// The response does not say; its first bytes do.
    Unknown,
}

/// How far an unfinished JSON value is scanned.
#[derive(Clone, Copy, Debug, Default)]
struct Scan {
    at: usize,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

/// A part of a followed log.
#[derive(Debug, PartialEq)]
pub(super) enum Piece {
    Entries(Vec<LogEntry>),
    /// The plain response: the server does not follow.
    Document(Box<AgentLogs>),
    /// The server says that the log ends.
    End,
}

/// A line, event or value is larger than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

impl Framing {
    /// For a response of this `Content-Type`.
    pub(super) fn new(content_type: Option<&str>) -> Self {
        let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let form = match essence.to_ascii_lowercase().as_str() {
            "text/event-stream" => Form::Events(Box::new(Decoder::new(defaults::MAX_LINE))),
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonlines"
            | "application/json-lines"
            | "application/stream+json"
            | "application/x-json-stream" => Form::JsonLines,
            "application/json" | "application/json-seq" => Form::Json,
            "text/plain" => Form::Text,
            _ => Form::Unknown,
        };
        Self { form, buffer: Vec::new(), start: 0, scan: Scan::default() }
    }

    /// Takes the next bytes. Ask [`next`](Self::next) for all that is complete before.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if let Form::Events(decoder) = &mut self.form {
            return decoder.push(bytes);
        }
        self.buffer.drain(..self.start);
        self.scan.at -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
        if matches!(self.form, Form::Unknown) {
            self.guess();
        }
    }

    fn guess(&mut self) {
        let Some(first) = self.buffer.iter().find(|byte| !byte.is_ascii_whitespace()) else { return };
        let begins = |text: &str| self.buffer.trim_ascii_start().starts_with(text.as_bytes());
        self.form = match first {
            b'{' | b'[' => Form::Json,
            _ if begins("data:") || begins("event:") || begins("id:") || begins(":") => {
                let mut decoder = Decoder::new(defaults::MAX_LINE);
                decoder.push(&self.buffer);
                self.buffer.clear();
                Form::Events(Box::new(decoder))
            }
            _ => Form::JsonLines,
        };
    }

    /// Returns the next complete part; `None` if more bytes are needed.
    ///
    /// # Errors
    /// What is unfinished is larger than the limit.
    pub(super) fn next(&mut self) -> Result<Option<Piece>, TooLarge> {
        loop {
            let piece = match &mut self.form {
                Form::Events(decoder) => match decoder.next().map_err(|_| TooLarge)? {
                    Some(frame) => event(frame.name, &frame.data),
                    None => return Ok(None),
                },
                Form::Unknown => return Ok(None),
                Form::Json => match self.next_value() {
                    Some(piece) => piece,
                    None if self.buffer.len() - self.start > config::MAX_BODY => return Err(TooLarge),
                    None => return Ok(None),
                },
                Form::JsonLines | Form::Text => match self.next_line() {
                    Some(piece) => piece,
                    None if self.buffer.len() - self.start > defaults::MAX_LINE => return Err(TooLarge),
                    None => return Ok(None),
                },
            };
            if piece != Piece::Entries(Vec::new()) {
                return Ok(Some(piece));
            }
        }
    }

    /// Ends a body that is complete, and returns what its end completes. `None`: it breaks off within a value.
    pub(super) fn finish(&mut self) -> Option<Vec<Piece>> {
        match self.form {
            Form::Events(_) => self.push(b"\n\n"),
            _ => self.push(b"\n"),
        }
        let mut pieces = Vec::new();
        while let Ok(Some(piece)) = self.next() {
            pieces.push(piece);
        }
        let rest = &self.buffer[self.start.min(self.buffer.len())..];
        let is_whole = match self.form {
            Form::Json => self.scan.depth == 0 && rest.trim_ascii().is_empty(),
            Form::JsonLines => !pieces.last().is_some_and(is_cut_json),
            _ => true,
        };
        is_whole.then_some(pieces)
    }

    fn next_line(&mut self) -> Option<Piece> {
        let length = memchr(b'\n', &self.buffer[self.scan.at..]);
        let Some(length) = length else {
            self.scan.at = self.buffer.len();
            return None;
        };
        let end = self.scan.at + length;
        let line = String::from_utf8_lossy(self.buffer[self.start..end].trim_ascii_end()).into_owned();
        self.consume(end + 1);
        Some(if matches!(self.form, Form::Text) { text(&line) } else { value_or_text(&line) })
    }

    /// The next object; what stands between objects is skipped, other text is a line.
    fn next_value(&mut self) -> Option<Piece> {
        if self.scan.depth == 0 {
            let between = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'[' | b']' | b',' | 0 | 0x1e);
            let skipped = self.buffer[self.start..].iter().take_while(|byte| between(byte)).count();
            self.start += skipped;
            self.scan.at = self.scan.at.max(self.start);
            if *self.buffer.get(self.start)? != b'{' {
                return self.next_line();
            }
        }
        while let Some(byte) = self.buffer.get(self.scan.at) {
            self.scan.at += 1;
            match byte {
                _ if self.scan.escaped => self.scan.escaped = false,
                b'\\' if self.scan.in_string => self.scan.escaped = true,
                b'"' => self.scan.in_string = !self.scan.in_string,
                _ if self.scan.in_string => {}
                b'{' | b'[' => self.scan.depth += 1,
                b'}' | b']' => self.scan.depth -= 1,
                _ => {}
            }
            if self.scan.depth == 0 {
                let object = String::from_utf8_lossy(&self.buffer[self.start..self.scan.at]).into_owned();
                self.consume(self.scan.at);
                return Some(value_or_text(&object));
            }
        }
        None
    }

    fn consume(&mut self, at: usize) {
        self.start = at;
        self.scan = Scan { at, ..Scan::default() };
    }
}

/// Whether the last line of a body is the beginning of a JSON object.
fn is_cut_json(piece: &Piece) -> bool {
    matches!(piece, Piece::Entries(entries) if entries.last().is_some_and(|entry| entry.timestamp.is_none()
        && entry.message.starts_with('{') && !entry.message.ends_with('}')))
}

/// A server-sent event. Names of heartbeats and ends are not documented; these are common.
fn event(name: &str, data: &str) -> Piece {
    match name.to_ascii_lowercase().as_str() {
        "ping" | "heartbeat" | "keepalive" | "keep-alive" => Piece::Entries(Vec::new()),
        "end" | "done" | "complete" | "close" | "eof" => Piece::End,
        _ => value_or_text(data),
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
#[path = "framing_tests.rs"]
mod tests;
