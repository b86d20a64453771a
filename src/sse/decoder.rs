//! Bytes to events, by the rules of the HTML standard for `text/event-stream`. Does no IO.

use std::borrow::Cow;
use std::ops::Range;
use std::time::Duration;

use memchr::{memchr, memchr2};

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Decodes a stream of server-sent events.
///
/// Bytes go in by [`push`](Self::push), in pieces of any size; complete events come out of [`next`](Self::next). All
/// that is kept is the event that is not complete yet. Each byte is looked at once.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// What is before `head` is of no more use.
    buffer: Vec<u8>,
    head: usize,
    /// Where the unfinished line starts.
    line: usize,
    /// No end of line is between `line` and here.
    scanned: usize,
    /// The byte order mark has been looked for.
    begun: bool,
    /// The last line ended with CR: a LF that follows belongs to it.
    after_cr: bool,
    name: Name,
    data: Data,
    /// The data of an event with several lines of it.
    joined: Vec<u8>,
    /// The event in `name`, `data` and `joined` has been handed out.
    handed_out: bool,
    last_id: String,
    retry: Option<Duration>,
    max_event: usize,
}

/// What the unfinished event is called, if that is set; else what the one before was.
#[derive(Debug, Default)]
struct Name {
    text: String,
    is_set: bool,
}

/// The data of the unfinished event.
#[derive(Clone, Debug, Default)]
enum Data {
    #[default]
    None,
    /// One line, in the buffer.
    One(Range<usize>),
    /// In `joined`.
    Many,
}

/// An event, borrowed from its decoder.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame<'d> {
    /// The value of `event:`; empty means `message`.
    pub(crate) name: &'d str,
    pub(crate) data: Cow<'d, str>,
    /// The last `id:` of the stream so far; empty if there was none or the last one was empty.
    pub(crate) last_id: &'d str,
}

/// An event is larger than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventTooLarge;

impl Decoder {
    /// `max_event`: the most bytes of an unfinished event that are kept.
    pub(crate) fn new(max_event: usize) -> Self {
        Self {
            buffer: Vec::new(),
            head: 0,
            line: 0,
            scanned: 0,
            begun: false,
            after_cr: false,
            name: Name::default(),
            data: Data::None,
            joined: Vec::new(),
            handed_out: false,
            last_id: String::new(),
            retry: None,
            max_event,
        }
    }

    /// Takes the next bytes of the stream. Ask [`next`](Self::next) for all that is complete before.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.forget_handed_out();
        let head = std::mem::take(&mut self.head);
        if head > 0 {
            self.buffer.drain(..head);
            self.line -= head;
            self.scanned -= head;
            if let Data::One(range) = &mut self.data {
                *range = range.start - head..range.end - head;
            }
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns the next complete event; `None` if more bytes are needed.
    ///
    /// # Errors
    /// The unfinished event is larger than the limit. Complete events are handed out first, whatever their size.
    pub(crate) fn next(&mut self) -> Result<Option<Frame<'_>>, EventTooLarge> {
        self.forget_handed_out();
        if !self.skip_bom() {
            return Ok(None);
        }
        while let Some(line) = self.next_line() {
            if !line.is_empty() {
                self.read_line(line);
            } else if matches!(self.data, Data::None) {
                self.name.is_set = false;
                self.head = self.line;
            } else {
                self.handed_out = true;
                return Ok(Some(self.frame()));
            }
        }
        if self.buffer.len() - self.head + self.joined.len() > self.max_event {
            return Err(EventTooLarge);
        }
        Ok(None)
    }

    fn frame(&self) -> Frame<'_> {
        let data = match &self.data {
            Data::None => &[],
            Data::One(range) => &self.buffer[range.clone()],
            Data::Many => &self.joined[..],
        };
        let name = if self.name.is_set { self.name.text.as_str() } else { "" };
        Frame { name, data: text(data), last_id: &self.last_id }
    }

    fn forget_handed_out(&mut self) {
        if std::mem::take(&mut self.handed_out) {
            self.head = self.line;
            self.name.is_set = false;
            self.data = Data::None;
            self.joined.clear();
        }
    }

    /// The waiting time that the server asked for last.
    pub(crate) fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Whether the beginning has been decided.
    fn skip_bom(&mut self) -> bool {
        if self.begun {
            return true;
        }
        if self.buffer.len() < BOM.len() && BOM.starts_with(&self.buffer) {
            return false;
        }
        self.begun = true;
        if self.buffer.starts_with(BOM) {
            self.consume(BOM.len());
        }
        true
    }

    /// Lets go of everything before `at`, where a line starts.
    fn consume(&mut self, at: usize) {
        self.head = at;
        self.line = at;
        self.scanned = at;
    }

    /// The next line that is complete, without its end.
    fn next_line(&mut self) -> Option<Range<usize>> {
        if self.after_cr && self.line < self.buffer.len() {
            self.after_cr = false;
            let skipped = usize::from(self.buffer[self.line] == b'\n');
            if self.head == self.line {
                self.head += skipped;
            }
            self.line += skipped;
            self.scanned = self.line;
        }
        let Some(length) = memchr2(b'\n', b'\r', &self.buffer[self.scanned..]) else {
            self.scanned = self.buffer.len();
            return None;
        };
        let line = self.line..self.scanned + length;
        self.line = line.end + 1;
        if self.buffer[line.end] == b'\r' {
            // A LF may be there already, or come with the next bytes: the line is complete all the same.
            self.after_cr = self.line == self.buffer.len();
            self.line += usize::from(self.buffer.get(self.line) == Some(&b'\n'));
        }
        self.scanned = self.line;
        Some(line)
    }

    fn read_line(&mut self, line: Range<usize>) {
        let bytes = &self.buffer[line.clone()];
        // The names of most lines are not searched for their end.
        let colon = match bytes {
            [b'd', b'a', b't', b'a', b':', ..] => Some(4),
            [b'e', b'v', b'e', b'n', b't', b':', ..] => Some(5),
            _ => memchr(b':', bytes),
        };
        let (name, value) = match colon {
            Some(colon) => {
                let space = usize::from(bytes.get(colon + 1) == Some(&b' '));
                (&bytes[..colon], line.start + colon + 1 + space..line.end)
            }
            None => (bytes, line.end..line.end),
        };
        match name {
            b"data" => self.add_data(value),
            b"event" => {
                self.name.is_set = true;
                set_text(&mut self.name.text, &self.buffer[value]);
            }
            b"id" if memchr(0, &self.buffer[value.clone()]).is_none() => {
                set_text(&mut self.last_id, &self.buffer[value]);
            }
            b"retry" => self.set_retry(value),
            _ => {}
        }
        if !matches!(self.data, Data::One(_)) {
            // No line so far is needed any more: comments may come for hours.
            self.head = self.line;
        }
    }

    fn add_data(&mut self, value: Range<usize>) {
        match std::mem::take(&mut self.data) {
            Data::None => self.data = Data::One(value),
            data => {
                if let Data::One(first) = data {
                    self.joined.extend_from_slice(&self.buffer[first]);
                }
                self.joined.push(b'\n');
                self.joined.extend_from_slice(&self.buffer[value]);
                self.data = Data::Many;
            }
        }
    }

    fn set_retry(&mut self, value: Range<usize>) {
        let value = &self.buffer[value];
        if !value.is_empty() && value.iter().all(u8::is_ascii_digit) {
            let milliseconds = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
            self.retry = Some(Duration::from_millis(milliseconds.unwrap_or(u64::MAX)));
        }
    }
}

fn set_text(place: &mut String, bytes: &[u8]) {
    // Many events in a row have the same name.
    if place.as_bytes() != bytes {
        place.clear();
        place.push_str(&text(bytes));
    }
}

/// Reads UTF-8; invalid bytes become U+FFFD. Most text is valid, and to check only that costs a small part of it.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    simdutf8::basic::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

#[cfg(test)]
#[path = "decoder_tests.rs"]
mod tests;
