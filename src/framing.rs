//! Bytes of a live body to its frames, whatever form they come in: server-sent events, JSON in lines or back to back,
//! plain text. For streams whose form is not documented. Does no IO.

use memchr::memchr;

use crate::config;
use crate::sse::Decoder;

/// What such a stream may come as.
pub(crate) const STREAMS: &str = "text/event-stream, application/x-ndjson, application/json;q=0.9, text/plain;q=0.5";

/// The name of an event that has none.
const MESSAGE: &str = "message";

/// The bytes that are not read yet.
#[derive(Debug)]
pub(crate) struct Framing {
    form: Form,
    buffer: Vec<u8>,
    /// Where the unfinished value or line starts.
    start: usize,
    scan: Scan,
}

/// What comes at once: an event, a line, or a JSON value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The name of a server-sent event; `message` if it has none, as of every other frame.
    pub(crate) name: String,
    pub(crate) text: String,
    /// It is said to be plain text, and no JSON.
    pub(crate) is_plain: bool,
}

impl Frame {
    /// Whether it is a heartbeat. Their names are not documented; these are common.
    pub(crate) fn is_heartbeat(&self) -> bool {
        let names = ["ping", "heartbeat", "keepalive", "keep-alive"];
        names.iter().any(|name| self.name.eq_ignore_ascii_case(name))
    }
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

/// A line, event or value is larger than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge;

impl Framing {
    /// For a response of this `Content-Type`.
    pub(crate) fn new(content_type: Option<&str>) -> Self {
        let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let form = match essence.to_ascii_lowercase().as_str() {
            "text/event-stream" => Form::Events(Box::new(Decoder::new(config::MAX_EVENT))),
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
    pub(crate) fn push(&mut self, bytes: &[u8]) {
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
                let mut decoder = Decoder::new(config::MAX_EVENT);
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
    pub(crate) fn next(&mut self) -> Result<Option<Frame>, TooLarge> {
        loop {
            let frame = match &mut self.form {
                Form::Events(decoder) => match decoder.next().map_err(|_| TooLarge)? {
                    Some(event) => {
                        let name = if event.name.is_empty() { MESSAGE } else { event.name };
                        Frame { name: name.to_owned(), text: event.data.into_owned(), is_plain: false }
                    }
                    None => return Ok(None),
                },
                Form::Unknown => return Ok(None),
                Form::Json => match self.next_value() {
                    Some(frame) => frame,
                    None if self.buffer.len() - self.start > config::MAX_BODY => return Err(TooLarge),
                    None => return Ok(None),
                },
                Form::JsonLines | Form::Text => match self.next_line() {
                    Some(frame) => frame,
                    None if self.buffer.len() - self.start > config::MAX_EVENT => return Err(TooLarge),
                    None => return Ok(None),
                },
            };
            if !frame.text.trim().is_empty() || matches!(self.form, Form::Events(_)) {
                return Ok(Some(frame));
            }
        }
    }

    /// Ends a body that is complete, and returns what its end completes. `None`: it breaks off within a value.
    pub(crate) fn finish(&mut self) -> Option<Vec<Frame>> {
        match self.form {
            Form::Events(_) => self.push(b"\n\n"),
            _ => self.push(b"\n"),
        }
        let mut frames = Vec::new();
        while let Ok(Some(frame)) = self.next() {
            frames.push(frame);
        }
        let rest = &self.buffer[self.start.min(self.buffer.len())..];
        let is_whole = match self.form {
            Form::Json => self.scan.depth == 0 && rest.trim_ascii().is_empty(),
            Form::JsonLines => !frames.last().is_some_and(|frame| is_cut_json(&frame.text)),
            _ => true,
        };
        is_whole.then_some(frames)
    }

    fn next_line(&mut self) -> Option<Frame> {
        let length = memchr(b'\n', &self.buffer[self.scan.at..]);
        let Some(length) = length else {
            self.scan.at = self.buffer.len();
            return None;
        };
        let end = self.scan.at + length;
        let line = String::from_utf8_lossy(self.buffer[self.start..end].trim_ascii_end()).into_owned();
        self.consume(end + 1);
        Some(self.frame(line))
    }

    /// The next object; what stands between objects is skipped, other text is a line.
    fn next_value(&mut self) -> Option<Frame> {
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
                return Some(self.frame(object));
            }
        }
        None
    }

    fn frame(&self, text: String) -> Frame {
        Frame { name: MESSAGE.to_owned(), text, is_plain: matches!(self.form, Form::Text) }
    }

    fn consume(&mut self, at: usize) {
        self.start = at;
        self.scan = Scan { at, ..Scan::default() };
    }
}

/// Whether the last line of a body is the beginning of a JSON object.
fn is_cut_json(line: &str) -> bool {
    line.starts_with('{') && !line.ends_with('}')
}

#[cfg(test)]
#[path = "framing_tests.rs"]
mod tests;
