//! What a turn comes to: its texts, and the tools that it used.

use std::fmt;

use serde_json::{Map, Value};

use super::super::types::{ChunkStatus, ContentBlock, Event, ModelUsage, SessionErrorEvent, StopReason};

/// A use of a tool.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ToolCall {
    /// Id of the event, by which it is answered.
    pub id: String,
    /// Name of the tool.
    pub name: String,
    /// The input, empty where there was none; an error if it broke off.
    pub input: Result<Map<String, Value>, CutInput>,
    /// The program runs the tool; else the server does, and may ask whether it is allowed.
    pub is_custom: bool,
    /// The result, once there is one.
    pub result: Option<Vec<ContentBlock>>,
    /// The result is an error.
    pub is_error: bool,
}

/// The input of a tool that was never completed: the turn ended, or was interrupted, while it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CutInput {
    raw: String,
    /// Pieces are missing: what comes after does not make it whole.
    has_hole: bool,
}

impl CutInput {
    /// Returns the JSON text as far as it came.
    pub fn raw(&self) -> &str {
        &self.raw
    }
}

impl fmt::Display for CutInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the input of the tool broke off after {} bytes", self.raw.len())
    }
}

impl std::error::Error for CutInput {}

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
    /// Ids of the calls that wait for an answer: the turn is not over. [`Sessions::send`](crate::oma::Sessions::send)
    /// answers them.
    pub pending: Vec<String>,
}

impl Reply {
    /// Returns the calls that wait for an answer.
    pub fn pending_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.tool_calls.iter().filter(|call| self.pending.contains(&call.id))
    }

    /// Takes note of what an event adds.
    pub(super) fn note(&mut self, event: &Event) {
        match event {
            Event::AgentMessage(message) => self.text.extend(message.content.iter().filter_map(ContentBlock::as_text)),
            Event::AgentThinking(thinking) => self.thinking.extend(thinking.text.as_deref()),
            Event::AgentToolUse(tool) => self.used(tool.id.as_ref(), &tool.name, tool.input.as_ref(), false),
            Event::AgentMcpToolUse(tool) => self.used(tool.id.as_ref(), &tool.name, tool.input.as_ref(), false),
            Event::AgentCustomToolUse(tool) => self.used(tool.id.as_ref(), &tool.name, tool.input.as_ref(), true),
            Event::AgentToolUseInputStreamStart(start) => {
                let call = self.begun(&start.tool_use_id);
                call.name = start.tool_name.clone().unwrap_or_default();
            }
            Event::AgentToolUseInputChunk(chunk) => {
                if let Err(cut) = &mut self.begun(&chunk.tool_use_id).input {
                    cut.raw.push_str(&chunk.delta);
                }
            }
            Event::AgentToolUseInputStreamEnd(end) if end.status == Some(ChunkStatus::Completed) => {
                self.begun(&end.tool_use_id).complete();
            }
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

    /// Takes note that pieces of the input with this id are missing.
    pub(super) fn lost(&mut self, id: &str) {
        let call = self.tool_calls.iter_mut().find(|call| call.id == id);
        if let Some(Err(cut)) = call.map(|call| &mut call.input) {
            cut.has_hole = true;
        }
    }

    /// The event of a use has come: its input counts, whatever the pieces were.
    fn used(&mut self, id: Option<&String>, name: &str, input: Option<&Map<String, Value>>, is_custom: bool) {
        let id = id.cloned().unwrap_or_default();
        let (name, input) = (name.to_owned(), Ok(input.cloned().unwrap_or_default()));
        let whole = ToolCall { id, name, input, is_custom, result: None, is_error: false };
        match self.tool_calls.iter_mut().find(|call| !call.id.is_empty() && call.id == whole.id) {
            Some(call) => *call = ToolCall { result: call.result.take(), ..whole },
            None => self.tool_calls.push(whole),
        }
    }

    /// The call whose input is being written; a new one if it begins now.
    fn begun(&mut self, id: &str) -> &mut ToolCall {
        let at = self.tool_calls.iter().rposition(|call| call.id == id).unwrap_or(self.tool_calls.len());
        if at == self.tool_calls.len() {
            let (id, name, input) = (id.to_owned(), String::new(), Err(CutInput::default()));
            self.tool_calls.push(ToolCall { id, name, input, is_custom: false, result: None, is_error: false });
        }
        &mut self.tool_calls[at]
    }

    fn pair(&mut self, id: &str, content: &[ContentBlock], is_error: Option<bool>) {
        if let Some(call) = self.tool_calls.iter_mut().find(|call| call.id == id) {
            call.result = Some(content.to_vec());
            call.is_error = is_error == Some(true);
        }
    }
}

impl ToolCall {
    /// Reads the input once all of its pieces have come; what is no object stays cut.
    fn complete(&mut self) {
        let Err(CutInput { raw, has_hole: false }) = &self.input else { return };
        match raw.trim() {
            "" => self.input = Ok(Map::new()),
            json => self.input = serde_json::from_str(json).map_err(|_| CutInput { raw: raw.clone(), has_hole: false }),
        }
    }
}

impl ContentBlock {
    /// Returns the text, if it is a block of text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(block) => Some(&block.text),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reply(events: &[Value]) -> Reply {
        let mut reply = Reply::default();
        for event in events {
            reply.note(&serde_json::from_value(event.clone()).unwrap());
        }
        reply
    }

    fn start() -> Value {
        json!({"type": "agent.tool_use_input_stream_start", "tool_use_id": "toolu_1", "tool_name": "bash"})
    }

    fn piece(delta: &str) -> Value {
        json!({"type": "agent.tool_use_input_chunk", "tool_use_id": "toolu_1", "delta": delta})
    }

    fn end(status: &str) -> Value {
        json!({"type": "agent.tool_use_input_stream_end", "tool_use_id": "toolu_1", "status": status})
    }

    /// The input as an object, or the raw text of one that was cut.
    fn input(events: &[Value]) -> Result<Value, String> {
        let reply = reply(events);
        assert_eq!(reply.tool_calls.len(), 1, "{reply:?}");
        let call = &reply.tool_calls[0];
        assert_eq!((call.id.as_str(), call.name.as_str()), ("toolu_1", "bash"));
        call.input.clone().map(Value::Object).map_err(|cut| cut.raw().to_owned())
    }

    #[test]
    fn pieces_make_an_input_that_is_read_once_it_is_complete() {
        let pieces = [start(), piece("{\"command\":"), piece(""), piece(" \"ls\"}")];
        assert_eq!(input(&pieces), Err("{\"command\": \"ls\"}".to_owned()), "nobody has said that it is complete");
        let complete = [&pieces[..], &[end("completed")]].concat();
        assert_eq!(input(&complete), Ok(json!({"command": "ls"})));
    }

    #[test]
    fn no_input_is_an_empty_object_and_cut_input_never_is() {
        assert_eq!(input(&[start(), end("completed")]), Ok(json!({})));
        assert_eq!(input(&[start(), piece(" "), end("completed")]), Ok(json!({})));
        for status in ["aborted", "interrupted", "a_new_word"] {
            assert_eq!(input(&[start(), end(status)]), Err(String::new()), "{status}");
            assert_eq!(input(&[start(), piece("{}"), end(status)]), Err("{}".to_owned()), "{status}");
        }
        assert_eq!(input(&[start(), piece("{\"a\":"), end("completed")]), Err("{\"a\":".to_owned()));
        assert_eq!(input(&[start(), piece("[1]"), end("completed")]), Err("[1]".to_owned()));
        let cut = reply(&[start(), piece("{\"a\"")]).tool_calls[0].input.clone().unwrap_err();
        assert_eq!(cut.to_string(), "the input of the tool broke off after 4 bytes");
    }

    #[test]
    fn the_event_of_a_use_counts_more_than_its_pieces() {
        let whole = json!({"type": "agent.tool_use", "id": "toolu_1", "name": "bash", "input": {"command": "pwd"}});
        assert_eq!(input(&[start(), piece("{\"comm"), whole.clone()]), Ok(json!({"command": "pwd"})));
        assert_eq!(input(&[start(), piece("{}"), end("completed"), whole]), Ok(json!({"command": "pwd"})));
        let custom = json!({"type": "agent.custom_tool_use", "id": "toolu_1", "name": "bash"});
        let reply = reply(&[start(), custom]);
        assert!(reply.tool_calls[0].is_custom);
        assert_eq!(reply.tool_calls[0].input, Ok(Map::new()));
    }

    #[test]
    fn an_input_with_a_hole_is_not_complete() {
        let mut reply = reply(&[start(), piece("{\"a\":1")]);
        reply.lost("toolu_1");
        for event in [piece("}"), end("completed")] {
            reply.note(&serde_json::from_value(event).unwrap());
        }
        assert_eq!(reply.tool_calls[0].input.clone().unwrap_err().raw(), "{\"a\":1}");
    }
}
