//! A turn as a conversation: pieces while it is written, tools that the program runs, and the finished reply.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::generation::V0;
use super::turn::is_end;
use super::types::{
    Confirmation, ContentBlock, Event, MessageContent, ModelUsage, SessionErrorEvent, StopReason, TextBlock,
    UserCustomToolResult, UserEvent, UserInterrupt, UserToolConfirmation,
};
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

/// A use of a tool.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ToolCall {
    /// Id of the event, by which it is answered.
    pub id: String,
    /// Name of the tool.
    pub name: String,
    /// The input; empty if there was none.
    pub input: Map<String, Value>,
    /// The program runs the tool; else the server does, and may ask whether it is allowed.
    pub is_custom: bool,
    /// The result, once there is one.
    pub result: Option<Vec<ContentBlock>>,
    /// The result is an error.
    pub is_error: bool,
}

/// What a turn came to.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Reply {
    /// The text of the messages of the agent.
    pub text: String,
    /// What the agent thought, where the server shows it.
    pub thinking: String,
    /// The tools that were used, in order, with their results.
    pub tool_calls: Vec<ToolCall>,
    /// What the requests to the model used.
    pub usage: Vec<ModelUsage>,
    /// Why the turn stopped, where the server says so.
    pub stop_reason: Option<StopReason>,
    /// What failed on the way. On its own it says nothing about the turn.
    pub errors: Vec<SessionErrorEvent>,
    /// Ids of the calls that wait for an answer: the turn is not over. [`Sessions::send`] answers them.
    pub pending: Vec<String>,
}

impl Reply {
    /// Returns the calls that wait for an answer.
    pub fn pending_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.tool_calls.iter().filter(|call| self.pending.contains(&call.id))
    }
}

type Handler = Arc<dyn Fn(Map<String, Value>) -> BoxFuture<'static, Result<String, String>> + Send + Sync>;
type Policy = Arc<dyn Fn(&ToolCall) -> Confirmation + Send + Sync>;

/// A message to a session and the turn that answers it; from [`Sessions::chat`]. Nothing is sent before the first item
/// is asked for.
///
/// # Cancel safety
/// Dropping it does not stop the agent, which runs, and costs, on: [`interrupt`](Self::interrupt) does.
#[must_use = "nothing is sent until it is read or finished"]
pub struct Chat {
    sessions: Sessions,
    session_id: String,
    content: MessageContent,
    tools: HashMap<String, Handler>,
    policy: Option<Policy>,
    events: Option<EventStream<Event>>,
    reply: Reply,
    over: bool,
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
    /// let chat = client.sessions().chat(id, "Do I need an umbrella in Bonn?").on_tool("weather", weather);
    /// let reply = chat.finish().await?;
    /// println!("{}", reply.text);
    /// # Ok(()) }
    /// ```
    pub fn chat(&self, session_id: impl Into<String>, content: impl Into<MessageContent>) -> Chat {
        Chat {
            sessions: self.clone(),
            session_id: session_id.into(),
            content: content.into(),
            tools: HashMap::new(),
            policy: None,
            events: None,
            reply: Reply::default(),
            over: false,
        }
    }
}

impl Chat {
    /// Runs `tool` whenever the agent uses the custom tool called `name`. Input that is no `I` becomes a result that
    /// says so, as does an error of the tool.
    pub fn on_tool<I, F, R, E, Fut>(mut self, name: impl Into<String>, tool: F) -> Self
    where
        I: DeserializeOwned,
        F: Fn(I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, E>> + Send + 'static,
        R: Into<String>,
        E: fmt::Display,
    {
        let handler: Handler = Arc::new(move |input| match serde_json::from_value(Value::Object(input)) {
            Ok(input) => {
                let running = tool(input);
                Box::pin(async move { running.await.map(Into::into).map_err(|error| error.to_string()) })
            }
            Err(error) => Box::pin(std::future::ready(Err(format!("the input is not valid: {error}")))),
        });
        self.tools.insert(name.into(), handler);
        self
    }

    /// Lets `policy` decide whether a tool of the server may run. Without one nothing is allowed: the chat ends, and
    /// the calls are in [`Reply::pending`].
    pub fn confirm(mut self, policy: impl Fn(&ToolCall) -> Confirmation + Send + Sync + 'static) -> Self {
        self.policy = Some(Arc::new(policy));
        self
    }

    /// Returns what comes next; `None` once the turn is over, or waits for an answer that the chat does not have.
    ///
    /// # Errors
    /// As [`Sessions::messages`]; [`Unsupported`](Error::Unsupported) on servers that do not go on after the result of
    /// a custom tool.
    pub async fn try_next(&mut self) -> Result<Option<ChatItem>, Error> {
        if self.over {
            return Ok(None);
        }
        let events = match &mut self.events {
            Some(events) => events,
            events => {
                let request = self.sessions.messages(self.session_id.as_str(), self.content.clone());
                events.insert(request.await?)
            }
        };
        let item = match events.try_next().await? {
            Some(StreamItem::Event(event)) => event,
            Some(StreamItem::Gap(gap)) => return Ok(Some(ChatItem::Gap(gap))),
            None => {
                self.over = true;
                return if self.waits_in_vain() { Err(unsupported()) } else { Ok(None) };
            }
        };
        self.reply.note(&item);
        if let Event::SessionStatusIdle(idle) = &item
            && let Some(reason) = idle.stop_reason.as_ref().filter(|reason| !is_end(reason))
        {
            self.answer(&reason.event_ids).await?;
        }
        Ok(Some(piece(item)))
    }

    /// Reads the turn to its end.
    ///
    /// # Errors
    /// As [`try_next`](Self::try_next). What had come is lost with an error: read the items to keep it.
    pub async fn finish(mut self) -> Result<Reply, Error> {
        while self.try_next().await?.is_some() {}
        Ok(self.reply)
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

    /// Answers the calls with these ids, if all of them can be answered.
    async fn answer(&mut self, ids: &[String]) -> Result<(), Error> {
        let call = |id: &String| self.reply.tool_calls.iter().find(|call| call.id == *id);
        let can_answer = |call: &ToolCall| {
            if call.is_custom { self.tools.contains_key(&call.name) } else { self.policy.is_some() }
        };
        if !ids.iter().all(|id| call(id).is_some_and(can_answer)) {
            self.reply.pending = ids.to_vec();
            self.over = true;
            return Ok(());
        }
        let mut answers: Vec<UserEvent> = Vec::new();
        for call in ids.iter().filter_map(call) {
            if let (true, Some(tool)) = (call.is_custom, self.tools.get(&call.name)) {
                let (text, is_error) = match tool(call.input.clone()).await {
                    Ok(text) => (text, false),
                    Err(text) => (text, true),
                };
                let result = UserCustomToolResult::new(&call.id).content([TextBlock::new(text).into()]);
                answers.push(if is_error { result.is_error(true) } else { result }.into());
            } else if let Some(policy) = &self.policy {
                answers.push(UserToolConfirmation::new(&call.id, policy(call)).into());
            }
        }
        self.sessions.send(self.session_id.as_str(), answers).await.map(drop)
    }

    /// Whether a tool of the program was used on a server that does not wait for its result.
    fn waits_in_vain(&self) -> bool {
        let open = |call: &ToolCall| call.is_custom && call.result.is_none();
        self.reply.stop_reason.is_none() && self.reply.tool_calls.last().is_some_and(open)
    }
}

fn unsupported() -> Error {
    let instead = Some("self-hosted servers of V0 do not go on after the result of a custom tool");
    Error::Unsupported(Box::new(UnsupportedError::new(ops::SEND_EVENTS.spec.id, Some(V0), instead)))
}

impl Reply {
    fn note(&mut self, event: &Event) {
        let call = |id: &Option<String>, name: &str, input: &Option<Map<String, Value>>, is_custom| ToolCall {
            id: id.clone().unwrap_or_default(),
            name: name.to_owned(),
            input: input.clone().unwrap_or_default(),
            is_custom,
            result: None,
            is_error: false,
        };
        match event {
            Event::AgentMessage(message) => self.text.extend(message.content.iter().filter_map(text)),
            Event::AgentThinking(thinking) => self.thinking.extend(thinking.text.as_deref()),
            Event::AgentToolUse(tool) => self.tool_calls.push(call(&tool.id, &tool.name, &tool.input, false)),
            Event::AgentMcpToolUse(tool) => self.tool_calls.push(call(&tool.id, &tool.name, &tool.input, false)),
            Event::AgentCustomToolUse(tool) => self.tool_calls.push(call(&tool.id, &tool.name, &tool.input, true)),
            Event::AgentToolResult(result) => self.pair(&result.tool_use_id, &result.content, result.is_error),
            Event::AgentMcpToolResult(result) => self.pair(&result.mcp_tool_use_id, &result.content, result.is_error),
            Event::UserCustomToolResult(result) => {
                self.pair(&result.custom_tool_use_id, &result.content, result.is_error);
            }
            Event::SpanModelRequestEnd(end) => self.usage.extend(end.model_usage.clone()),
            Event::SessionError(error) => self.errors.push(error.clone()),
            Event::SessionStatusIdle(idle) => self.stop_reason.clone_from(&idle.stop_reason),
            _ => {}
        }
    }

    fn pair(&mut self, id: &str, content: &[ContentBlock], is_error: Option<bool>) {
        if let Some(call) = self.tool_calls.iter_mut().find(|call| call.id == id) {
            call.result = Some(content.to_vec());
            call.is_error = is_error == Some(true);
        }
    }
}

fn text(block: &ContentBlock) -> Option<&str> {
    match block {
        ContentBlock::Text(block) => Some(&block.text),
        _ => None,
    }
}

/// The one kind of pieces that both forms become.
fn piece(event: Event) -> ChatItem {
    match event {
        Event::AgentMessageChunk(chunk) => ChatItem::Text { message_id: chunk.message_id, delta: chunk.delta },
        Event::AgentThinkingChunk(chunk) => ChatItem::Thinking { thinking_id: chunk.thinking_id, delta: chunk.delta },
        Event::AgentToolUseInputChunk(chunk) => {
            ChatItem::ToolInput { tool_use_id: chunk.tool_use_id, delta: chunk.delta }
        }
        Event::EventDelta(delta) => match delta.delta.content.as_ref().and_then(text) {
            Some(text) => ChatItem::Text { message_id: delta.event_id, delta: text.to_owned() },
            None => ChatItem::Event(Box::new(Event::EventDelta(delta))),
        },
        event => ChatItem::Event(Box::new(event)),
    }
}
