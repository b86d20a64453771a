//! The tools of the program, and who may use those of the server.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::{self, BoxFuture};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::super::types::{Confirmation, TextBlock, UserCustomToolResult, UserEvent, UserToolConfirmation};
use super::Chat;
use super::reply::ToolCall;

type Handler = Arc<dyn Fn(Map<String, Value>) -> BoxFuture<'static, Result<String, String>> + Send + Sync>;
type Policy = Arc<dyn Fn(&ToolCall) -> Confirmation + Send + Sync>;

/// How the calls of a turn are answered.
#[derive(Default)]
pub(super) struct Tools {
    handlers: HashMap<String, Handler>,
    policy: Option<Policy>,
}

impl Chat {
    /// Runs `tool` whenever the agent uses the custom tool called `name`. Tools that are used together run at the same
    /// time. Input that is no `I` becomes a result that says so, as does an error of the tool: the agent reads both.
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
            Err(error) => Box::pin(future::ready(Err(format!("the input is not valid: {error}")))),
        });
        self.tools.handlers.insert(name.into(), handler);
        self
    }

    /// Lets `policy` decide whether a tool of the server may run. Without one nothing is allowed: the chat ends, and
    /// the calls are in [`Reply::pending`](super::Reply::pending).
    pub fn confirm(mut self, policy: impl Fn(&ToolCall) -> Confirmation + Send + Sync + 'static) -> Self {
        self.tools.policy = Some(Arc::new(policy));
        self
    }
}

impl Tools {
    pub(super) fn can_answer(&self, call: &ToolCall) -> bool {
        if call.is_custom { self.handlers.contains_key(&call.name) } else { self.policy.is_some() }
    }

    /// Answers calls that [`can_answer`](Self::can_answer) accepts: their tools run at the same time, and the answers
    /// come in the order of the calls.
    pub(super) fn answer<'c>(&self, calls: impl Iterator<Item = &'c ToolCall>) -> BoxFuture<'static, Vec<UserEvent>> {
        let answers: Vec<_> = calls.filter_map(|call| self.answer_one(call)).collect();
        future::join_all(answers).boxed()
    }

    fn answer_one(&self, call: &ToolCall) -> Option<BoxFuture<'static, UserEvent>> {
        if !call.is_custom {
            let confirmation = UserToolConfirmation::new(&call.id, (self.policy.as_ref()?)(call));
            return Some(Box::pin(future::ready(confirmation.into())));
        }
        let handler = self.handlers.get(&call.name)?;
        let running = match &call.input {
            Ok(input) => handler(input.clone()),
            Err(cut) => Box::pin(future::ready(Err(cut.to_string()))),
        };
        let id = call.id.clone();
        Some(Box::pin(async move {
            let (text, is_error) = match running.await {
                Ok(text) => (text, false),
                Err(text) => (text, true),
            };
            let result = UserCustomToolResult::new(id).content([TextBlock::new(text).into()]);
            if is_error { result.is_error(true).into() } else { result.into() }
        }))
    }
}
