//! What an agent does in one turn: as a program says it, and as the beats that are played one after another.

use std::time::Duration;

use serde_json::{Value, json};

use super::Settings;
use super::tables::SCRIPTS;
use crate::sandbox::Tenant;
use crate::sandbox::ids;
use crate::sandbox::store::{Object, object};

/// What an agent does in one turn, in this order; for [`Tenant::oma_turns`].
///
/// Tools that stand next to each other are used at once, in one message of the model.
///
/// ```
/// # use polyagent::sandbox::{Sandbox, oma::Turn};
/// # use serde_json::json;
/// # #[tokio::main]
/// # async fn main() -> Result<(), polyagent::Error> {
/// let sandbox = Sandbox::start().await?;
/// sandbox.default_tenant().oma_turns([
///     Turn::new().think("Weather: ask.").custom_tool("weather", json!({"city": "Oslo"})).say("It rains."),
///     Turn::says("You are welcome."),
/// ]);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Turn {
    parts: Vec<Value>,
}

impl Turn {
    /// A turn in which nothing happens yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A turn that only says this.
    pub fn says(text: impl Into<String>) -> Self {
        Self::new().say(text)
    }

    fn part(mut self, part: Value) -> Self {
        self.parts.push(part);
        self
    }

    /// Says something, streamed word by word.
    pub fn say(self, text: impl Into<String>) -> Self {
        self.part(json!({"say": text.into()}))
    }

    /// Thinks; the text is shown by generation v0 only.
    pub fn think(self, text: impl Into<String>) -> Self {
        self.part(json!({"think": text.into()}))
    }

    /// Uses a tool of the server, with this result.
    pub fn tool(self, name: impl Into<String>, input: Value, result: impl Into<String>) -> Self {
        self.part(json!({"tool": name.into(), "input": input, "result": result.into()}))
    }

    /// Uses a tool of the server that the user must allow; the result is used if so.
    pub fn guarded_tool(self, name: impl Into<String>, input: Value, result: impl Into<String>) -> Self {
        self.part(json!({"tool": name.into(), "input": input, "result": result.into(), "ask": true}))
    }

    /// Uses a tool of the client, and waits for its result.
    pub fn custom_tool(self, name: impl Into<String>, input: Value) -> Self {
        self.part(json!({"tool": name.into(), "input": input, "custom": true}))
    }

    /// Has another agent do something, in a thread of its own.
    pub fn delegate(self, agent: impl Into<String>, task: impl Into<String>, reply: impl Into<String>) -> Self {
        self.part(json!({"delegate": agent.into(), "task": task.into(), "reply": reply.into()}))
    }

    /// Writes a text file to the session's outputs.
    pub fn output(self, file_name: impl Into<String>, text: impl Into<String>) -> Self {
        self.part(json!({"output": file_name.into(), "text": text.into()}))
    }

    /// Begins to say this and gets no further, because the model's response breaks off; [`retry`](Self::retry) or
    /// [`fail`](Self::fail) comes next.
    pub fn break_off(self, text: impl Into<String>) -> Self {
        self.part(json!({"break_off": text.into()}))
    }

    /// The model fails, and the server tries again.
    pub fn retry(self, message: impl Into<String>) -> Self {
        self.part(json!({"retry": message.into()}))
    }

    /// The model fails for good, and the turn is over.
    pub fn fail(self, message: impl Into<String>) -> Self {
        self.part(json!({"fail": message.into()}))
    }

    /// Something fails that ends the session.
    pub fn terminate(self, message: impl Into<String>) -> Self {
        self.part(json!({"terminate": message.into()}))
    }

    /// Ends with this stop reason instead of `end_turn`.
    pub fn stop(self, reason: impl Into<String>) -> Self {
        self.part(json!({"stop": reason.into()}))
    }

    /// Is silent for this time, on the sandbox's clock.
    pub fn pause(self, time: Duration) -> Self {
        self.part(json!({"pause": u64::try_from(time.as_millis()).unwrap_or(u64::MAX)}))
    }

    /// Stores and streams any event, such as one of a type that nobody knows.
    pub fn event(self, event: Value) -> Self {
        self.part(json!({"event": event}))
    }
}

impl Tenant {
    /// Sets what agents do in the tenant's next turns, one each, whatever the session. When there are none left, they
    /// repeat what they are told.
    pub fn oma_turns(&self, turns: impl IntoIterator<Item = Turn>) {
        let turns: Vec<Turn> = turns.into_iter().collect();
        self.shared.platforms.oma.with(self.name(), |world| {
            for turn in turns {
                world.store.insert(&SCRIPTS, object(json!({"parts": turn.parts})));
            }
        });
    }
}

/// Writes the beats of one turn.
pub(super) struct Score<'a> {
    settings: &'a Settings,
    beats: Vec<Value>,
    /// The id of the model request that has begun.
    request: Option<String>,
}

impl<'a> Score<'a> {
    /// The beats of a turn that does `parts`, the last one first.
    pub(super) fn of(settings: &'a Settings, parts: &[Value], outcome: Option<&Object>) -> Vec<Value> {
        let mut score = Self { settings, beats: Vec::new(), request: None };
        let mut stop = "end_turn".to_owned();
        let mut rest = parts;
        while let [part, after @ ..] = rest {
            rest = after;
            let said = |name: &str| part[name].as_str();
            if part.get("tool").is_some() {
                let more = after.iter().take_while(|part| part.get("tool").is_some()).count();
                score.tools(&parts[parts.len() - after.len() - 1..parts.len() - after.len() + more]);
                rest = &after[more..];
            } else if let Some(text) = said("say") {
                score.say(text, true);
            } else if let Some(text) = said("break_off") {
                score.say(text, false);
            } else if let Some(text) = said("think") {
                score.think(text);
            } else if let Some(message) = said("retry") {
                score.retry(message);
            } else if let Some(message) = said("fail").or(said("terminate")) {
                let ends = part.get("terminate").is_some();
                score.end_request(Some(message), "error");
                score.failure(message, if ends { "terminal" } else { "exhausted" });
                score.beats.push(if ends { json!({"terminate": true}) } else { json!({"idle": "retries_exhausted"}) });
                score.beats.reverse();
                return score.beats;
            } else if let Some(reason) = said("stop") {
                reason.clone_into(&mut stop);
            } else if part.get("delegate").is_some() {
                score.end_request(None, "stop");
                score.beats.push(part.clone());
            } else {
                // Outputs, pauses and events are beats as they stand.
                score.beats.push(part.clone());
            }
        }
        score.end_request(None, "stop");
        if let Some(outcome) = outcome {
            score.evaluate(outcome);
        }
        score.beats.push(json!({"idle": stop}));
        score.beats.reverse();
        score.beats
    }

    fn event(&mut self, event: Value) {
        self.beats.push(json!({"event": event}));
    }

    fn begin_request(&mut self) {
        if self.request.is_none() {
            let id = self.settings.id("sevt");
            self.event(json!({"type": "span.model_request_start", "id": id}));
            self.request = Some(id);
        }
    }

    fn end_request(&mut self, error: Option<&str>, finish: &str) {
        let Some(id) = self.request.take() else { return };
        let mut end = end_of_request(self.settings, &id, finish);
        if let Some(message) = error {
            end["is_error"] = json!(true);
            end["error_message"] = json!(message);
        }
        self.event(end);
    }

    /// A text, which is stored once it is whole.
    fn say(&mut self, text: &str, whole: bool) {
        self.begin_request();
        let id = self.settings.id("sevt");
        let v0 = self.settings.is_v0();
        let live = |frame: Value| json!({"live": "agent.message", "frame": frame});
        self.beats.push(live(if v0 {
            json!({"type": "agent.message_stream_start", "message_id": id})
        } else {
            json!({"type": "event_start", "event": {"type": "agent.message", "id": id}})
        }));
        for piece in text.split_inclusive(' ') {
            let mut beat = live(if v0 {
                json!({"type": "agent.message_chunk", "message_id": id, "delta": piece})
            } else {
                let content = json!({"type": "text", "text": piece});
                let mut delta = json!({"type": "content_delta", "content": content});
                if self.settings.is_anthropic() {
                    delta["index"] = json!(0);
                }
                json!({"type": "event_delta", "event_id": id, "delta": delta})
            });
            beat["piece"] = json!(piece);
            beat["message"] = json!(id);
            self.beats.push(beat);
        }
        if whole {
            let content = json!([{"type": "text", "text": text}]);
            self.event(if v0 {
                json!({"type": "agent.message", "message_id": id, "content": content})
            } else {
                json!({"type": "agent.message", "id": id, "content": content})
            });
        }
        if v0 {
            let status = if whole { "completed" } else { "aborted" };
            self.beats.push(live(json!({"type": "agent.message_stream_end", "message_id": id, "status": status})));
        }
    }

    fn think(&mut self, text: &str) {
        self.begin_request();
        let id = self.settings.id("sevt");
        let live = |frame: Value| json!({"live": "agent.thinking", "frame": frame});
        if !self.settings.is_v0() {
            self.beats.push(live(json!({"type": "event_start", "event": {"type": "agent.thinking", "id": id}})));
            return self.event(json!({"type": "agent.thinking", "id": id}));
        }
        self.beats.push(live(json!({"type": "agent.thinking_stream_start", "thinking_id": "0"})));
        for piece in text.split_inclusive(' ') {
            let frame = json!({"type": "agent.thinking_chunk", "thinking_id": "0", "delta": piece});
            self.beats.push(json!({"live": "agent.thinking", "frame": frame, "piece": ""}));
        }
        self.event(json!({"type": "agent.thinking", "text": text, "thinking_id": "0"}));
        self.beats.push(live(json!({"type": "agent.thinking_stream_end", "thinking_id": "0", "status": "completed"})));
    }

    /// Uses of tools at once, and what becomes of them.
    fn tools(&mut self, parts: &[Value]) {
        self.begin_request();
        let v0 = self.settings.is_v0();
        let (mut waits, mut kinds, mut results) = (Vec::new(), Object::new(), Vec::new());
        for part in parts {
            let id = if v0 { ids::prefixed("toolu_", 24) } else { self.settings.id("sevt") };
            let (custom, asks) = (part.get("custom").is_some(), part.get("ask").is_some());
            let mut event = json!({"id": id, "name": part["tool"], "input": part["input"]});
            event["type"] = json!(if custom { "agent.custom_tool_use" } else { "agent.tool_use" });
            if !custom {
                event["evaluated_permission"] = json!(if asks { "ask" } else { "allow" });
            }
            if v0 {
                self.tool_input(&id, part);
            }
            self.event(event);
            if custom || asks {
                waits.push(id.clone());
                kinds.insert(id.clone(), json!(if custom { "custom" } else { "tool" }));
            }
            results.push(json!({"result": part["result"], "id": id}));
        }
        self.end_request(None, "tool-calls");
        if !waits.is_empty() {
            self.beats.push(json!({"wait": waits, "kinds": kinds}));
        }
        self.beats.extend(results);
    }

    fn tool_input(&mut self, id: &str, part: &Value) {
        let text = part["input"].to_string();
        let mut half = text.len() / 2;
        while !text.is_char_boundary(half) {
            half -= 1;
        }
        let mut frames = vec![json!({"type": "agent.tool_use_input_stream_start", "tool_name": part["tool"]})];
        for delta in [&text[..half], &text[half..]] {
            frames.push(json!({"type": "agent.tool_use_input_chunk", "delta": delta}));
        }
        frames.push(json!({"type": "agent.tool_use_input_stream_end", "status": "completed"}));
        for mut frame in frames {
            frame["tool_use_id"] = json!(id);
            self.beats.push(json!({"live": "agent.tool_use", "frame": frame}));
        }
    }

    fn retry(&mut self, message: &str) {
        self.begin_request();
        self.end_request(Some(message), "error");
        if !self.settings.is_v0() {
            self.failure(message, "retrying");
        }
        self.beats.push(json!({"status": "rescheduling", "reason": message}));
        self.beats.push(json!({"pause": 20}));
        self.beats.push(json!({"status": "running"}));
    }

    fn failure(&mut self, message: &str, retry_status: &str) {
        let status = if self.settings.is_v0() { json!("non_retryable") } else { json!({"type": retry_status}) };
        let error = json!({"type": "model_request_failed_error", "message": message, "retry_status": status});
        self.event(json!({"type": "session.error", "error": error}));
    }

    /// Every outcome is reached.
    fn evaluate(&mut self, outcome: &Object) {
        let (start, id) = (self.settings.id("sevt"), &outcome["outcome_id"]);
        self.event(json!({"type": "span.outcome_evaluation_start", "id": start, "outcome_id": id, "iteration": 0}));
        self.event(json!({
            "type": "span.outcome_evaluation_end", "outcome_evaluation_start_id": start, "outcome_id": id,
            "iteration": 0, "result": "satisfied", "explanation": "It is done.",
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }));
        let description = &outcome["description"];
        self.beats.push(json!({"outcome": {"outcome_id": id, "description": description}}));
    }
}

/// The end of the model request with this id.
pub(super) fn end_of_request(settings: &Settings, id: &str, finish: &str) -> Value {
    json!({
        "type": "span.model_request_end", "id": settings.id("sevt"), "model_request_start_id": id, "is_error": false,
        "finish_reason": finish,
        "model_usage": {
            "input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0,
        },
    })
}
