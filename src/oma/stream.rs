//! Event streams of sessions and threads.

use http::{HeaderValue, header};

use super::beta::managed_agents;
use super::generation::{ANTHROPIC, V0};
use super::ops;
use super::source::Source;
use super::turn::Turn;
use super::types::{Event, MessageContent, Session, SessionStatus, StreamSessionEventsParams, TextBlock, UserMessage};
use crate::check::InvalidArgument;
use crate::http::{Composed, Core, RequestParts};
use crate::sse::{Feed, Streamed};
use crate::{Error, EventStream, Position, Request, Response, StreamItem};

impl Streamed for Event {
    fn feed(parts: &RequestParts) -> Box<dyn Feed<Self>> {
        Box::new(Source::new(parts.clone(), None))
    }
}

impl Request<EventStream<Event>> {
    /// Starts after `position`, also in another process than the one that stored it. Events that came meanwhile are
    /// handed out first.
    ///
    /// ```no_run
    /// # use polyagent::{Position, oma::{Oma, types::StreamSessionEventsParams}};
    /// # async fn example(client: Oma, id: &str, stored: Position) -> Result<(), polyagent::Error> {
    /// let events = client.sessions().stream(id, StreamSessionEventsParams::new()).resume(stored).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`InvalidArgument`](Error::InvalidArgument) for a position of another session or thread, and for a call that
    /// sends something.
    pub fn resume(self, position: Position) -> Self {
        let id = self.operation();
        if id == ops::CREATE_MESSAGE.spec.id {
            return self.refuse(InvalidArgument::new("position", "is for streams that send nothing"));
        }
        if !position.is_of(self.parts().ids()) {
            return self.refuse(InvalidArgument::new("position", "belongs to another session or thread"));
        }
        self.led_by(move |composed, request| tail(composed, request, Some(position.clone()), None))
    }
}

/// Makes a call that streams events go on after its connection.
pub(super) fn resumable(request: Request<EventStream<Event>>) -> Request<EventStream<Event>> {
    uncompressed(request).led_by(|composed, request| tail(composed, request, None, None))
}

/// A compressed stream may be held back until there is enough of it.
fn uncompressed(request: Request<EventStream<Event>>) -> Request<EventStream<Event>> {
    request.own_header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"))
}

async fn tail(
    mut composed: Composed,
    request: Request<EventStream<Event>>,
    position: Option<Position>,
    turn: Option<Turn>,
) -> Result<Response<EventStream<Event>>, Error> {
    let feed = Source::new(request.parts().clone(), turn);
    let stored = position.is_some();
    let position = match position {
        Some(position) => position,
        None => feed.learn(&mut composed).await?,
    };
    let response = composed.first(request).await?;
    begin(response, feed, position, stored).await
}

/// Waits until a session is idle, or over.
pub(super) async fn wait_until_idle(core: &Core, session_id: String) -> Result<Session, Error> {
    let get = || managed_agents(core, ops::GET_SESSION).id(session_id.as_str());
    let stream = managed_agents(core, ops::STREAM_SESSION_EVENTS).id(session_id.as_str());
    let stream =
        uncompressed(stream).led_by(|composed, request| tail(composed, request, None, Some(Turn::under_way())));
    // Opened first, so that nothing is missed between the question and the stream.
    let mut events = stream.await?;
    let session = get().await?;
    if matches!(session.status, SessionStatus::Idle | SessionStatus::Terminated) {
        return Ok(session);
    }
    loop {
        match events.try_next().await {
            Ok(Some(StreamItem::Event(Event::SessionStatusIdle(_))) | None) => return get().await,
            // An event that does not decode is not what is waited for.
            Ok(Some(_)) | Err(Error::Decode(_)) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Hands out a stream once its response has begun well.
async fn begin(
    response: Response<EventStream<Event>>,
    feed: Source,
    position: Position,
    catch_up: bool,
) -> Result<Response<EventStream<Event>>, Error> {
    let mut response = response.map(|stream| stream.go_on_by(Box::new(feed), position, catch_up));
    response.value.begin().await?;
    Ok(response)
}

/// A call that sends a message and streams the turn that answers it.
pub(super) fn turn(core: &Core, session_id: String, content: MessageContent) -> Request<EventStream<Event>> {
    let message = user_message(&content);
    let body = super::types::MessageCreate::new(content);
    let request = uncompressed(managed_agents(core, ops::CREATE_MESSAGE).id(session_id).json(&body));
    match message {
        Ok(message) => request.led_by(move |composed, request| post_turn(composed, request, message.clone())),
        Err(invalid) => request.refuse(invalid),
    }
}

pub(super) fn user_message(content: &MessageContent) -> Result<UserMessage, InvalidArgument> {
    let invalid = |reason: &str| Err(InvalidArgument::new("content", reason));
    match content {
        MessageContent::Text(text) if text.is_empty() => invalid("must not be empty"),
        MessageContent::Text(text) => Ok(UserMessage::new([TextBlock::new(text).into()])),
        MessageContent::Blocks(blocks) if blocks.is_empty() => invalid("must not be empty"),
        MessageContent::Blocks(blocks) => Ok(UserMessage::new(blocks.clone())),
        MessageContent::Unknown(_) => invalid("must be text or blocks"),
    }
}

async fn post_turn(
    mut composed: Composed,
    request: Request<EventStream<Event>>,
    message: UserMessage,
) -> Result<Response<EventStream<Event>>, Error> {
    let core = composed.core.clone();
    let reopened = managed_agents(&core, ops::STREAM_SESSION_EVENTS).id(composed.id());
    let mut feed = Source::new(uncompressed(reopened).with_headers_of(request.parts()).parts().clone(), None);
    let position = feed.learn(&mut composed).await?;
    let params = deltas(core.generation() == Some(V0));
    let reopened = managed_agents(&core, ops::STREAM_SESSION_EVENTS).id(composed.id()).params(&params);
    let reopened = uncompressed(reopened).with_headers_of(request.parts());
    feed = Source::new(reopened.parts().clone(), Some(Turn::default()));
    if core.generation() != Some(ANTHROPIC) {
        let response = composed.first(request).await?;
        return begin(response, feed, position, false).await;
    }
    let response = composed.send(reopened).await?;
    let batch = super::types::EventsSend::from(message);
    let post = managed_agents(&core, ops::SEND_EVENTS).id(composed.id()).json(&batch);
    let sent = composed.send(post).await?.into_value();
    feed.turn = Some(Turn::of(sent.and_then(|sent| sent.data.first()?.id().map(str::to_owned))));
    begin(response, feed, position, false).await
}

/// Asks for pieces of messages, thoughts and inputs.
pub(super) fn deltas(is_v0: bool) -> StreamSessionEventsParams {
    if is_v0 {
        StreamSessionEventsParams::new().include("chunks")
    } else {
        StreamSessionEventsParams::new().event_deltas(["agent.message".to_owned(), "agent.thinking".to_owned()])
    }
}
