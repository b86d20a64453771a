//! Where the events of streams come from: connections, the history, and what is known of each event.

use futures::FutureExt;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::beta::managed_agents;
use super::events::last_of;
use super::generation::V0;
use super::ops;
use super::turn::Turn;
use super::types::{Event, ListSessionEventsParams, ListThreadEventsParams, SessionStatus};
use crate::config::oma::EVENTS_PER_PAGE;
use crate::error::{ApiError, BoxError, DecodeError, DecodeFault, ErrorResponse, StreamError, StreamFault};
use crate::http::{Bytes, Composed, Core, RequestParts, SentSecret, decode};
use crate::page::Cursor;
use crate::sse::{self, Entry, Facts, Fate, Feed, Frame, Live, Preview, Rows, Start, fingerprint};
use crate::{Error, Page, Position, Request};

/// What a session or a thread says of its end. The rest of it need not decode.
#[derive(Deserialize)]
struct State {
    status: Option<SessionStatus>,
    archived_at: Option<IgnoredAny>,
    terminated_at: Option<IgnoredAny>,
}

impl State {
    fn is_over(&self) -> bool {
        let Self { status, archived_at, terminated_at } = self;
        archived_at.is_some() || terminated_at.is_some() || *status == Some(SessionStatus::Terminated)
    }
}

/// Where the events of a session, of a thread or of a turn come from.
pub(super) struct Source {
    /// The call that opens the stream.
    stream: RequestParts,
    /// The turn whose end is the end.
    pub(super) turn: Option<Turn>,
    /// The key that opened the live connection.
    secret: Option<SentSecret>,
}

impl Source {
    pub(super) fn new(mut stream: RequestParts, turn: Option<Turn>) -> Self {
        // A try is one request; only a key that has expired is renewed on the way.
        stream.options.max_retries = Some(u32::from(stream.core.has_provider()));
        stream.options.total = None;
        Self { stream, turn, secret: None }
    }

    fn core(&self) -> &Core {
        &self.stream.core
    }

    fn is_v0(&self) -> bool {
        self.core().generation() == Some(V0)
    }

    fn thread(&self) -> Option<&str> {
        self.stream.ids().get(1).map(String::as_str)
    }

    fn ids<T>(&self, request: Request<T>) -> Request<T> {
        self.stream.ids().iter().fold(request, Request::id).with_headers_of(&self.stream)
    }

    fn list(&self, start: Start) -> Request<Page<Event>> {
        let limit = i64::from(EVENTS_PER_PAGE);
        let by_number = self.is_v0();
        let after = start.after.filter(|_| by_number);
        if self.thread().is_some() {
            let mut params = ListThreadEventsParams::new().limit(limit);
            params.after_seq = after;
            return self.ids(managed_agents(self.core(), ops::LIST_THREAD_EVENTS)).params(&params);
        }
        let mut params = ListSessionEventsParams::new().limit(limit);
        params.after_seq = after;
        params.created_at_gte = start.at.filter(|_| !by_number);
        self.ids(managed_agents(self.core(), ops::LIST_SESSION_EVENTS)).params(&params)
    }

    /// The position behind everything that has happened so far.
    pub(super) async fn learn(&self, composed: &mut Composed) -> Result<Position, Error> {
        let mut position = Position::new(self.stream.ids());
        let rows = self.list(Start::default()).decode_items_as::<Value>();
        match composed.send(last_of(rows, 1, |row| row.get("seq")?.as_i64())).await {
            Ok(newest) => {
                if let Some(row) = newest.value().items.first() {
                    let Entry { event, known } = self.row(row);
                    position.begin_after(&event.map_or(known, |event| self.facts(&event, true)));
                }
                Ok(position)
            }
            // It is missed only if it breaks.
            Err(error) if error.is_unsupported() => Ok(position),
            Err(error) => Err(error),
        }
    }

    fn row(&self, row: &Value) -> Entry<Event> {
        let text = row.to_string();
        let event = read_event(tag(&text), &text).map_err(|fault| self.broken(&text, fault));
        Entry { event, known: self.known(row) }
    }

    /// An error for an event that does not decode.
    fn broken(&self, text: &str, fault: DecodeFault) -> Error {
        let body = Bytes::copy_from_slice(text.as_bytes());
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json)]);
        let record = self.stream.record();
        Error::Decode(Box::new(DecodeError::new(StatusCode::OK, headers, body, fault, record, self.secret.as_deref())))
    }

    /// What is known of an event whatever its form.
    fn known(&self, event: &Value) -> Facts {
        let text = |name: &str| event.get(name).and_then(Value::as_str);
        let (tag, seq) = (text("type").unwrap_or_default(), event.get("seq").and_then(Value::as_i64));
        let id = text("id").filter(|id| !id.is_empty());
        let at = text("processed_at").and_then(|at| at.parse().ok());
        Facts {
            stored: id.is_some() || seq.is_some(),
            id: id.map(|id| fingerprint([tag.as_bytes(), id.as_bytes()])),
            content: None,
            seq,
            at,
            queued: !self.is_v0() && is_users(tag) && at.is_none(),
        }
    }

    /// The failure that the server reports by a frame `error`. The status was that of the stream; the type says more.
    fn reported(&self, data: &str) -> Frame<Event> {
        let body: Value = serde_json::from_str(data).unwrap_or_default();
        let error = body.get("error").unwrap_or(&body);
        let status = status_of(error.get("type").and_then(Value::as_str).unwrap_or_default());
        let (headers, body) = (HeaderMap::new(), Bytes::copy_from_slice(data.as_bytes()));
        let details = (self.core().dialect())(status, &headers, &body);
        let retry_after = details.retry_after;
        let response = ErrorResponse { status, headers, body, details, retry_after };
        let error = Error::from_api(ApiError::new(response, self.stream.record(), self.secret.as_deref()));
        let ends = !self.may_recover(&error);
        Frame::Failed { error, ends }
    }
}

impl Feed<Event> for Source {
    fn open(&self) -> BoxFuture<'static, Result<Live, Error>> {
        sse::open(self.stream.clone()).boxed()
    }

    fn history(&self, start: Start, cursor: Option<Cursor>) -> BoxFuture<'static, Result<Option<Rows<Event>>, Error>> {
        let request = self.list(start).decode_items_as::<Value>();
        let request = cursor.iter().fold(request, Request::after);
        let source = Self { stream: self.stream.clone(), turn: None, secret: self.secret.clone() };
        let by_time = start.at.filter(|_| !source.is_v0());
        async move {
            let page = match request.await {
                Ok(page) => page,
                Err(error) if error.is_unsupported() => return Ok(None),
                Err(error) => return Err(error),
            };
            let next = page.next_cursor().cloned();
            let entries = page.iter().map(|row| source.row(row));
            // Threads are listed from their beginning, whatever is asked for.
            let is_asked_for = |entry: &Entry<Event>| entry.known.at.is_none() || entry.known.at >= by_time;
            Ok(Some(Rows { entries: entries.filter(is_asked_for).collect(), next }))
        }
        .boxed()
    }

    fn is_over(&self, rests: bool) -> BoxFuture<'static, Result<bool, Error>> {
        let state = if self.thread().is_some() {
            self.ids(managed_agents(self.core(), ops::GET_THREAD)).read_with(decode::json::<State>)
        } else {
            self.ids(managed_agents(self.core(), ops::GET_SESSION)).read_with(decode::json::<State>)
        };
        async move {
            match state.await {
                Ok(state) => Ok(state.is_over() || rests && state.status == Some(SessionStatus::Idle)),
                Err(Error::NotFound(_)) => Ok(true),
                Err(error) => Err(error),
            }
        }
        .boxed()
    }

    fn opened_with(&mut self, secret: Option<SentSecret>) {
        self.secret = secret;
    }

    fn decode(&self, name: &str, data: &str) -> Frame<Event> {
        let kind = tag(data).unwrap_or(name);
        match kind {
            "ping" => return Frame::Nothing,
            "error" => return self.reported(data),
            "" | "message" if data.is_empty() => return Frame::Nothing,
            _ => {}
        }
        match read_event(Some(kind), data) {
            Ok(event) => Frame::Event(event),
            Err(fault) => {
                let known = serde_json::from_str(data).map(|event| self.known(&event)).unwrap_or_default();
                Frame::Broken(self.broken(data, fault), known)
            }
        }
    }

    fn facts(&self, event: &Event, of_history: bool) -> Facts {
        if let Event::Unknown(value) = event {
            return self.known(value);
        }
        if is_live_only(event) {
            return Facts::default();
        }
        let tag = event.tag();
        let id = event.id().filter(|id| !id.is_empty()).map(|id| fingerprint([tag.as_bytes(), id.as_bytes()]));
        let seq = event.seq();
        let content = if id.is_none() && (of_history || seq.is_none()) { Some(content(event)) } else { None };
        let at = event.processed_at();
        Facts { stored: true, id, content, seq, at, queued: at.is_none() && is_users(tag) && !self.is_v0() }
    }

    fn preview<'e>(&self, event: &'e Event) -> Preview<'e> {
        match event {
            Event::EventStart(start) => Preview::Piece(&start.event.id),
            Event::EventDelta(delta) => Preview::Piece(&delta.event_id),
            Event::AgentMessageStreamStart(start) => Preview::Piece(&start.message_id),
            Event::AgentMessageChunk(chunk) => Preview::Piece(&chunk.message_id),
            Event::AgentMessageStreamEnd(end) => Preview::Complete(&end.message_id),
            Event::AgentThinkingStreamStart(start) => Preview::Piece(&start.thinking_id),
            Event::AgentThinkingChunk(chunk) => Preview::Piece(&chunk.thinking_id),
            Event::AgentThinkingStreamEnd(end) => Preview::Complete(&end.thinking_id),
            Event::AgentToolUseInputStreamStart(start) => Preview::Piece(&start.tool_use_id),
            Event::AgentToolUseInputChunk(chunk) => Preview::Piece(&chunk.tool_use_id),
            Event::AgentToolUseInputStreamEnd(end) => Preview::Complete(&end.tool_use_id),
            Event::AgentMessage(message) => complete(message.message_id.as_deref().or(message.id.as_deref())),
            Event::AgentThinking(thinking) => complete(thinking.thinking_id.as_deref().or(thinking.id.as_deref())),
            Event::SpanModelRequestEnd(_) if !self.is_v0() => Preview::Dropped,
            Event::AgentToolUse(_) | Event::AgentCustomToolUse(_) | Event::AgentMcpToolUse(_) => complete(event.id()),
            _ => Preview::None,
        }
    }

    fn fate(&mut self, event: &Event) -> Fate {
        let is_v0 = self.is_v0();
        match event {
            Event::SessionStatusTerminated(_) | Event::SessionDeleted(_) => Fate::Ends,
            Event::SessionThreadStatusTerminated(end)
                if self.thread().is_some() && end.session_thread_id.as_deref() == self.thread() =>
            {
                Fate::Ends
            }
            _ => self.turn.as_mut().map_or(Fate::GoesOn, |turn| turn.fate(event, is_v0)),
        }
    }

    fn error(&self, fault: StreamFault, received: u64, source: Option<BoxError>) -> Error {
        let mut record = self.stream.record();
        record.may_have_been_processed = true;
        Error::Stream(Box::new(StreamError::new(fault, received, source, record)))
    }

    fn may_recover(&self, error: &Error) -> bool {
        match error {
            Error::Config(_) | Error::InvalidArgument(_) | Error::Unsupported(_) => false,
            Error::Decode(_) => true,
            error => match error.status() {
                Some(status) if status.is_client_error() => matches!(status.as_u16(), 408 | 409 | 425 | 429),
                _ => true,
            },
        }
    }
}

fn complete(id: Option<&str>) -> Preview<'_> {
    id.map_or(Preview::None, Preview::Complete)
}

/// Decodes data of this type, which saves the detour over all types.
fn read_event(kind: Option<&str>, data: &str) -> Result<Event, DecodeFault> {
    match Event::decode(kind, data) {
        Ok(event) => Ok(event),
        Err(_) => decode::from_json(data.as_bytes()),
    }
}

/// The `type` of a JSON object, if it stands there without an escape. It looks no further than to its end.
fn tag(json: &str) -> Option<&str> {
    // Most servers write it first.
    if let Some(rest) = json.strip_prefix("{\"type\":\"") {
        let end = memchr::memchr2(b'"', b'\\', rest.as_bytes())?;
        return rest.get(..end).filter(|_| rest.as_bytes()[end] == b'"');
    }
    let bytes = json.as_bytes();
    let (mut at, mut depth, mut key) = (0, 0_usize, None);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let start = at + 1;
                let mut end = start + memchr::memchr2(b'"', b'\\', bytes.get(start..)?)?;
                while bytes.get(end) == Some(&b'\\') {
                    end += 2;
                    end += memchr::memchr2(b'"', b'\\', bytes.get(end..)?)?;
                }
                if depth == 1 {
                    match key.take() {
                        Some(true) => return json.get(start..end).filter(|kind| !kind.contains('\\')),
                        Some(false) => {}
                        None => key = Some(json.get(start..end) == Some("type")),
                    }
                }
                at = end;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            b',' if depth == 1 => key = None,
            _ => {}
        }
        at += 1;
    }
    None
}

/// Events that are sent by the user are queued before they are processed.
fn is_users(tag: &str) -> bool {
    tag.starts_with("user.") || tag == "system.message"
}

/// Whether the history never has such an event.
fn is_live_only(event: &Event) -> bool {
    matches!(
        event,
        Event::EventStart(_)
            | Event::EventDelta(_)
            | Event::AgentMessageStreamStart(_)
            | Event::AgentMessageChunk(_)
            | Event::AgentMessageStreamEnd(_)
            | Event::AgentThinkingStreamStart(_)
            | Event::AgentThinkingChunk(_)
            | Event::AgentThinkingStreamEnd(_)
            | Event::AgentToolUseInputStreamStart(_)
            | Event::AgentToolUseInputChunk(_)
            | Event::AgentToolUseInputStreamEnd(_)
            | Event::SystemUserMessagePending(_)
            | Event::SystemUserMessagePromoted(_)
            | Event::SystemUserMessageCancelled(_)
    )
}

/// A hash of what an event says, without what the history adds.
fn content(event: &Event) -> u64 {
    let mut value = serde_json::to_value(event).unwrap_or_default();
    if let Value::Object(fields) = &mut value {
        for added in ["seq", "ts", "processed_at", "processed_at_ms", "session_thread_id", "cancelled_at_ms"] {
            fields.remove(added);
        }
    }
    fingerprint([value.to_string().as_bytes()])
}

/// The status that stands for the type of an error.
fn status_of(kind: &str) -> StatusCode {
    match kind {
        "invalid_request_error" => StatusCode::BAD_REQUEST,
        "authentication_error" => StatusCode::UNAUTHORIZED,
        "billing_error" => StatusCode::PAYMENT_REQUIRED,
        "permission_error" => StatusCode::FORBIDDEN,
        "not_found_error" | "not_found" => StatusCode::NOT_FOUND,
        "conflict_error" => StatusCode::CONFLICT,
        "request_too_large" => StatusCode::PAYLOAD_TOO_LARGE,
        "rate_limit_error" => StatusCode::TOO_MANY_REQUESTS,
        "timeout_error" => StatusCode::GATEWAY_TIMEOUT,
        "overloaded_error" => StatusCode::from_u16(529).unwrap_or(StatusCode::SERVICE_UNAVAILABLE),
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
#[path = "source_tests/mod.rs"]
mod tests;
