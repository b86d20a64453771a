//! When a turn is over, on every build.

use super::types::{Event, RetryStatusType, SessionFailure, StopReason, StopReasonType};
use crate::sse::Fate;

/// A turn, as its events show it.
#[derive(Clone, Debug, Default)]
pub(super) struct Turn {
    /// The id of the message that it answers, where the server tells it.
    message: Option<String>,
    /// Its message has been taken up.
    begun: bool,
    /// The server sends the status of the session.
    has_statuses: bool,
    /// A tool of the program was used, and has no result.
    waits_for_tool: bool,
}

impl Turn {
    /// The turn that answers the message with this id, if the server tells it.
    pub(super) fn of(message: Option<String>) -> Self {
        Self { message, ..Self::default() }
    }

    /// A turn that is under way.
    pub(super) fn under_way() -> Self {
        Self { begun: true, ..Self::default() }
    }

    /// `is_v0`: events of the user have no state.
    pub(super) fn fate(&mut self, event: &Event, is_v0: bool) -> Fate {
        match event {
            Event::UserMessage(message) => {
                let is_own = self.message.is_none() || self.message == message.id;
                self.begun |= is_own && (is_v0 || message.processed_at.is_some());
            }
            Event::SessionStatusRunning(_) => {
                self.has_statuses = true;
                // A turn that is waited for may come after another one.
                self.begun |= self.message.is_none();
            }
            Event::AgentCustomToolUse(_) => self.waits_for_tool = true,
            Event::AgentToolResult(_) | Event::UserCustomToolResult(_) => self.waits_for_tool = false,
            Event::SessionStatusRescheduled(_) => self.has_statuses = true,
            Event::SessionStatusIdle(idle) => {
                self.has_statuses = true;
                if self.begun && idle.stop_reason.as_ref().is_none_or(is_end) {
                    return Fate::EndsSoon;
                }
            }
            Event::SessionError(error) if self.is_silent(is_v0) => {
                let retrying = match &error.error {
                    Some(SessionFailure::SessionErrorDetail(detail)) => {
                        detail.retry_status.as_ref().is_some_and(|status| status.type_ == RetryStatusType::Retrying)
                    }
                    _ => false,
                };
                return if retrying { Fate::GoesOn } else { Fate::Ask };
            }
            Event::SpanModelRequestEnd(end) if self.is_silent(is_v0) => {
                let ends = end.finish_reason.as_deref().is_some_and(|reason| reason != "tool-calls");
                // Nor do they go on after the result of a tool of the program.
                return if ends || self.waits_for_tool { Fate::Ask } else { Fate::GoesOn };
            }
            _ => {}
        }
        Fate::GoesOn
    }

    /// Self-hosted servers of `V0` never say that a session is idle.
    fn is_silent(&self, is_v0: bool) -> bool {
        is_v0 && self.begun && !self.has_statuses
    }
}

/// Whether a session that is idle for this reason has nothing more to do. A word that is not known is an end; an action
/// that is required of nobody is one too.
pub(super) fn is_end(reason: &StopReason) -> bool {
    reason.type_ != StopReasonType::RequiresAction || reason.event_ids.is_empty()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn fates(mut turn: Turn, is_v0: bool, events: &[Value]) -> Vec<Fate> {
        let event = |event: &Value| serde_json::from_value::<Event>(event.clone()).unwrap();
        events.iter().map(|json| turn.fate(&event(json), is_v0)).collect()
    }

    /// The fate of an idle event after the turn has begun.
    fn idle(stop_reason: &Value) -> Fate {
        let event = json!({"type": "session.status_idle", "id": "e", "stop_reason": stop_reason});
        fates(Turn::under_way(), false, &[event])[0]
    }

    #[test]
    fn an_idle_session_has_ended_its_turn_unless_it_requires_an_action() {
        for word in ["end_turn", "retries_exhausted", "budget_reached", "refusal", "a_new_word"] {
            assert_eq!(idle(&json!({"type": word})), Fate::EndsSoon, "{word}");
        }
        assert_eq!(idle(&Value::Null), Fate::EndsSoon);
        assert_eq!(idle(&json!({"type": "requires_action", "event_ids": []})), Fate::EndsSoon);
        assert_eq!(idle(&json!({"type": "requires_action"})), Fate::EndsSoon);
        assert_eq!(idle(&json!({"type": "requires_action", "event_ids": ["sevt_1"]})), Fate::GoesOn);
    }

    #[test]
    fn the_end_of_an_earlier_turn_is_not_the_end_of_this_one() {
        let turn = || Turn::of(Some("sevt_2".to_owned()));
        let idle = json!({"type": "session.status_idle", "id": "i", "stop_reason": {"type": "end_turn"}});
        let running = json!({"type": "session.status_running", "id": "r"});
        let message =
            |id: &str, at: Value| json!({"type": "user.message", "id": id, "content": [], "processed_at": at});
        let at = || json!("2026-09-01T00:00:00Z");
        let events = [running, message("sevt_2", Value::Null), message("sevt_1", at()), idle.clone()];
        assert_eq!(fates(turn(), false, &events), [Fate::GoesOn; 4]);
        assert_eq!(fates(turn(), false, &[message("sevt_2", at()), idle]), [Fate::GoesOn, Fate::EndsSoon]);
    }

    #[test]
    fn a_server_without_statuses_is_asked() {
        let span =
            |reason: &str| json!({"type": "span.model_request_end", "finish_reason": reason, "model_usage": null});
        let error = json!({"type": "session.error", "error": "harness_turn_failed", "message": "m"});
        let retrying = json!({"type": "session.error", "error": {"type": "unknown_error", "message": "m",
            "retry_status": {"type": "retrying"}}});
        let silent = [span("tool-calls"), span("stop"), error.clone(), retrying];
        let want = [Fate::GoesOn, Fate::Ask, Fate::Ask, Fate::GoesOn];
        assert_eq!(fates(Turn::under_way(), true, &silent), want);
        assert_eq!(fates(Turn::under_way(), false, &[span("stop"), error.clone()]), [Fate::GoesOn; 2]);
        let running = json!({"type": "session.status_running"});
        assert_eq!(fates(Turn::under_way(), true, &[running, span("stop"), error]), [Fate::GoesOn; 3]);
        // Before its message is taken up, a turn cannot end.
        assert_eq!(fates(Turn::default(), true, &[span("stop")]), [Fate::GoesOn]);
    }
}
