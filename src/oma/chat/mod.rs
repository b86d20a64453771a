//! A turn as a conversation: pieces while it is written, tools that the program runs, and the finished reply.

mod reply;
mod tools;

use std::collections::HashSet;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{FusedStream, Stream};

pub use self::reply::{CutInput, Reply, ToolCall};
use self::tools::Tools;
use super::generation::V0;
use super::turn::is_end;
use super::types::{ContentBlock, Event, MessageContent, TextBlock, UserInterrupt, UserMessageEvent};
use super::{Sessions, ops};
use crate::error::UnsupportedError;
use crate::{Error, EventStream, Gap, StreamItem};

/// What happens in a [`Chat`]. The same kinds come from all servers.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ChatItem {
    /// A piece of a message.
    Text {
        /// Id of the message: turns that run at the same time are told apart by it.
        message_id: String,
        /// The piece.
        delta: String,
    },
    /// A piece of a thought.
    Thinking {
        /// Id of the thought.
        thinking_id: String,
        /// The piece.
        delta: String,
    },
    /// A piece of the JSON input of a tool.
    ToolInput {
        /// Id of the use of the tool.
        tool_use_id: String,
        /// The piece.
        delta: String,
    },
    /// An event that is complete. A message replaces its pieces.
    Event(Box<Event>),
    /// Something is missing.
    Gap(Gap),
}

/// A message to a session and the turn that answers it; from [`Sessions::chat`]. Nothing is sent before the first item
/// is asked for.
///
/// It is a stream of [`ChatItem`]s. An error is an item: after one that does not end the turn, such as an event that
/// does not decode, the chat goes on.
///
/// # Cancel safety
/// Dropping the future of [`try_next`](Self::try_next) or [`finish`](Self::finish) loses nothing and sends nothing
/// twice: tools that run go on when the next item is asked for. Dropping the chat drops them, and answers nothing; it
/// does not stop the agent, which runs, and costs, on: [`interrupt`](Self::interrupt) does.
#[must_use = "nothing is sent until it is read or finished"]
pub struct Chat {
    sessions: Sessions,
    session_id: String,
    content: MessageContent,
    tools: Tools,
    state: State,
    events: Option<EventStream<Event>>,
    reply: Reply,
    /// The message of this chat was taken up; what came before belongs to another turn.
    begun: bool,
    /// Ids of the calls that were answered.
    answered: HashSet<String>,
}

/// What a chat does next.
enum State {
    /// Send the message.
    New,
    /// Wait until the message is sent.
    Opening(BoxFuture<'static, Result<EventStream<Event>, Error>>),
    /// Read the turn.
    Reading,
    /// Answer the calls with these ids.
    Asked(Vec<String>),
    /// Wait for the tools, and until their results are sent.
    Answering(Vec<String>, BoxFuture<'static, Result<(), Error>>),
    Over,
}

impl fmt::Debug for Chat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chat").field("session_id", &self.session_id).finish_non_exhaustive()
    }
}

impl Sessions {
    /// Sends a message to a session, and reads the turn that answers it as a conversation.
    ///
    /// ```no_run
    /// # use polyagent::oma::Oma;
    /// # #[derive(serde::Deserialize)]
    /// # struct City { city: String }
    /// # async fn example(client: Oma, id: &str) -> Result<(), polyagent::Error> {
    /// let weather = |input: City| async move { Ok::<_, String>(format!("It rains in {}.", input.city)) };
    /// let mut chat = client.sessions().chat(id, "Do I need an umbrella in Bonn?").on_tool("weather", weather);
    /// let reply = chat.finish().await?;
    /// println!("{}", reply.text);
    /// # Ok(()) }
    /// ```
    pub fn chat(&self, session_id: impl Into<String>, content: impl Into<MessageContent>) -> Chat {
        Chat {
            sessions: self.clone(),
            session_id: session_id.into(),
            content: content.into(),
            tools: Tools::default(),
            state: State::New,
            events: None,
            reply: Reply::default(),
            begun: false,
            answered: HashSet::new(),
        }
    }
}

impl Chat {
    /// Returns what comes next; `None` once the turn is over, or waits for an answer that the chat does not have. The
    /// same as `TryStreamExt::try_next`, without the import.
    ///
    /// # Errors
    /// As [`Sessions::messages`]; [`Unsupported`](Error::Unsupported) on servers that do not go on after the result of
    /// a custom tool. Results that could not be sent end the chat: their calls are in [`Reply::pending`].
    pub async fn try_next(&mut self) -> Result<Option<ChatItem>, Error> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await.transpose()
    }

    /// Reads the turn to its end, and returns what it came to.
    ///
    /// # Errors
    /// As [`try_next`](Self::try_next). What had come until then stays in [`reply`](Self::reply), and the chat may be
    /// finished once more if it goes on.
    pub async fn finish(&mut self) -> Result<Reply, Error> {
        while self.try_next().await?.is_some() {}
        Ok(std::mem::take(&mut self.reply))
    }

    /// Returns what the turn has come to so far.
    pub fn reply(&self) -> &Reply {
        &self.reply
    }

    /// Stops the agent. Self-hosted servers of `V0` accept it without effect.
    ///
    /// # Errors
    /// Any variant of [`Error`].
    pub async fn interrupt(&self) -> Result<(), Error> {
        self.sessions.send(self.session_id.as_str(), UserInterrupt::new()).await.map(drop)
    }

    fn take_note(&mut self, event: &Event) {
        if let Event::UserMessage(message) = event
            && !self.begun
            && self.is_own(message)
        {
            self.begun = true;
            self.reply = Reply::default();
        }
        self.reply.note(event);
    }

    /// Whether an event is the message of this chat, taken up by the agent.
    fn is_own(&self, message: &UserMessageEvent) -> bool {
        let is_v0 = self.sessions.core.generation() == Some(V0);
        let is_same = match &self.content {
            MessageContent::Text(text) => message.content == [ContentBlock::from(TextBlock::new(text))],
            MessageContent::Blocks(blocks) => message.content == *blocks,
            MessageContent::Unknown(_) => false,
        };
        is_same && (is_v0 || message.processed_at.is_some())
    }

    /// What answers the calls with these ids: nothing if they were answered before, or cannot all be.
    fn answer(&mut self, mut ids: Vec<String>) -> State {
        ids.retain(|id| !self.answered.contains(id));
        if ids.is_empty() {
            return State::Reading;
        }
        let call = |id: &String| self.reply.tool_calls.iter().find(|call| call.id == *id);
        if !ids.iter().all(|id| call(id).is_some_and(|call| self.tools.can_answer(call))) {
            self.reply.pending = ids;
            return State::Over;
        }
        let answers = self.tools.answer(ids.iter().filter_map(call));
        self.answered.extend(ids.iter().cloned());
        let (sessions, session_id) = (self.sessions.clone(), self.session_id.clone());
        let sent = async move { sessions.send(session_id, answers.await).await.map(drop) };
        State::Answering(ids, sent.boxed())
    }

    /// Whether a tool of the program was used on a server that does not wait for its result.
    fn waits_in_vain(&self) -> bool {
        let open = |call: &ToolCall| call.is_custom && call.result.is_none();
        self.reply.stop_reason.is_none() && self.reply.tool_calls.last().is_some_and(open)
    }
}

impl Stream for Chat {
    type Item = Result<ChatItem, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let chat = &mut *self;
        loop {
            match &mut chat.state {
                State::New => {
                    let request = chat.sessions.messages(chat.session_id.as_str(), chat.content.clone());
                    chat.state = State::Opening(request.send().boxed());
                }
                State::Opening(opening) => match ready!(opening.poll_unpin(cx)) {
                    Ok(events) => {
                        chat.events = Some(events);
                        chat.state = State::Reading;
                    }
                    Err(error) => {
                        chat.state = State::Over;
                        return Poll::Ready(Some(Err(error)));
                    }
                },
                State::Asked(ids) => {
                    let ids = std::mem::take(ids);
                    chat.state = chat.answer(ids);
                }
                State::Answering(ids, answering) => {
                    let result = ready!(answering.poll_unpin(cx));
                    let ids = std::mem::take(ids);
                    chat.state = State::Reading;
                    if let Err(error) = result {
                        (chat.reply.pending, chat.state) = (ids, State::Over);
                        return Poll::Ready(Some(Err(error)));
                    }
                }
                State::Reading => {
                    let Some(events) = &mut chat.events else { return Poll::Ready(None) };
                    let Some(item) = ready!(Pin::new(events).poll_next(cx)) else {
                        chat.state = State::Over;
                        return Poll::Ready(chat.waits_in_vain().then(|| Err(unsupported())));
                    };
                    let event = match item {
                        Ok(StreamItem::Event(event)) => event,
                        Ok(StreamItem::Gap(gap)) => {
                            if let Gap::Deltas { message_id } = &gap {
                                chat.reply.lost(message_id);
                            }
                            return Poll::Ready(Some(Ok(ChatItem::Gap(gap))));
                        }
                        Err(error) => return Poll::Ready(Some(Err(error))),
                    };
                    chat.take_note(&event);
                    if let Event::SessionStatusIdle(idle) = &event
                        && let Some(reason) = idle.stop_reason.as_ref().filter(|reason| !is_end(reason))
                    {
                        chat.state = State::Asked(reason.event_ids.clone());
                    }
                    return Poll::Ready(Some(Ok(piece(event))));
                }
                State::Over => return Poll::Ready(None),
            }
        }
    }
}

impl FusedStream for Chat {
    fn is_terminated(&self) -> bool {
        matches!(self.state, State::Over)
    }
}

fn unsupported() -> Error {
    let instead = Some("self-hosted servers of V0 do not go on after the result of a custom tool");
    Error::Unsupported(Box::new(UnsupportedError::new(ops::SEND_EVENTS.spec.id, Some(V0), instead)))
}

/// The one kind of pieces that both forms become.
fn piece(event: Event) -> ChatItem {
    match event {
        Event::AgentMessageChunk(chunk) => ChatItem::Text { message_id: chunk.message_id, delta: chunk.delta },
        Event::AgentThinkingChunk(chunk) => ChatItem::Thinking { thinking_id: chunk.thinking_id, delta: chunk.delta },
        Event::AgentToolUseInputChunk(chunk) => {
            ChatItem::ToolInput { tool_use_id: chunk.tool_use_id, delta: chunk.delta }
        }
        Event::EventDelta(delta) => match delta.delta.content.as_ref().and_then(ContentBlock::as_text) {
            Some(text) => ChatItem::Text { message_id: delta.event_id, delta: text.to_owned() },
            None => ChatItem::Event(Box::new(Event::EventDelta(delta))),
        },
        event => ChatItem::Event(Box::new(event)),
    }
}
