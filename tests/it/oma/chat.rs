//! Chats: what is answered, once, what a turn comes to, and what is lost when somebody stops waiting: nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt;
use polyagent::oma::types::Confirmation;
use polyagent::oma::{Chat, ChatItem, Generation};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{Barrier, Notify};
use tokio::time::timeout;
use wiremock::MockServer;

use super::stream::{frame, session, session_that};
use super::{client, received};

/// Long enough for what happens, too short for what does not.
const SHORT: Duration = Duration::from_millis(60);

/// A turn that uses a tool of the program and one of the server, and waits for both.
fn with_tools() -> String {
    let events = [
        json!({"type": "user.message", "id": "sevt_1", "content": [], "processed_at": "2026-09-01T00:00:00Z"}),
        json!({"type": "agent.message_chunk", "message_id": "sevt_2", "delta": "Let me "}),
        json!({"type": "event_delta", "event_id": "sevt_2", "delta": {"type": "content_delta",
            "content": {"type": "text", "text": "see."}}}),
        json!({"type": "agent.message", "id": "sevt_2", "content": [{"type": "text", "text": "Let me see."}]}),
        json!({"type": "agent.custom_tool_use", "id": "sevt_3", "name": "weather", "input": {"city": "Bonn"}}),
        json!({"type": "agent.tool_use", "id": "sevt_4", "name": "bash", "input": {"command": "ls"}}),
        json!({"type": "span.model_request_end", "id": "sevt_5", "model_usage": {"input_tokens": 7}}),
        json!({"type": "session.status_idle", "id": "sevt_6",
            "stop_reason": {"type": "requires_action", "event_ids": ["sevt_3", "sevt_4"]}}),
    ];
    events.iter().map(frame).collect()
}

#[derive(Deserialize)]
struct City {
    city: String,
}

/// What comes after the hole would make it whole, and wrong.
#[tokio::test]
async fn a_cut_within_the_input_of_a_tool_leaves_it_cut() {
    let about = |kind: &str| json!({"type": format!("agent.tool_use_input_{kind}"), "tool_use_id": "toolu_1"});
    let mut pieces = ["stream_start", "chunk", "chunk", "stream_end"].map(about);
    pieces[0]["tool_name"] = json!("bash");
    (pieces[1]["delta"], pieces[2]["delta"]) = (json!("{\"a\":1"), json!("2}"));
    pieces[3]["status"] = json!("completed");
    let message = json!({"type": "user.message", "id": "sevt_1", "seq": 1, "content": []});
    let idle = json!({"type": "session.status_idle", "id": "sevt_2", "seq": 2, "stop_reason": {"type": "end_turn"}});
    let frames = |events: &[&Value]| events.iter().map(|event| frame(event)).collect::<String>();
    let bodies = [frames(&[&message, &pieces[0], &pieces[1]]), frames(&[&pieces[2], &pieces[3], &idle])];
    let server = session(Generation::V0, &[&bodies[0], &bodies[1]], &[message]).await;
    let reply = client(&server, Generation::V0).sessions().chat("sess_1", "Hi").finish().await.unwrap();
    let [call] = &reply.tool_calls[..] else { panic!("{reply:?}") };
    assert_eq!(call.input.as_ref().unwrap_err().raw(), r#"{"a":12}"#);
}

#[tokio::test]
async fn a_chat_that_cannot_begin_is_the_error_and_the_end() {
    let gone = r#"{"type":"error","error":{"type":"not_found_error","message":"No such session"}}"#;
    let server = super::server(super::json(404, gone)).await;
    let mut chat = client(&server, Generation::V1).sessions().chat("sess_1", "Hi");
    assert!(chat.next().await.unwrap().unwrap_err().is_not_found());
    assert!(chat.next().await.is_none());
}

#[tokio::test]
async fn a_chat_answers_what_its_turn_requires_and_ends_in_a_reply() {
    let after = [
        json!({"type": "user.custom_tool_result", "id": "sevt_7", "custom_tool_use_id": "sevt_3",
            "content": [{"type": "text", "text": "Rain in Bonn"}], "processed_at": "2026-09-01T00:00:07Z"}),
        json!({"type": "agent.message", "id": "sevt_8", "content": [{"type": "text", "text": " It rains."}]}),
        json!({"type": "session.status_idle", "id": "sevt_9", "stop_reason": {"type": "end_turn"}}),
    ];
    let body = with_tools() + &after.iter().map(frame).collect::<String>();
    let server = session(Generation::V1, &[&body], &[]).await;
    let client = client(&server, Generation::V1);
    let weather = |input: City| async move { Ok::<_, String>(format!("Rain in {}", input.city)) };
    let mut chat = client.sessions().chat("sess_1", "Umbrella?").on_tool("weather", weather).confirm(|call| {
        assert_eq!(call.name, "bash");
        Confirmation::Deny
    });
    let mut text = String::new();
    while let Some(item) = chat.try_next().await.unwrap() {
        if let ChatItem::Text { message_id, delta } = item {
            assert_eq!(message_id, "sevt_2");
            text.push_str(&delta);
        }
    }
    assert_eq!(text, "Let me see.");
    let reply = chat.reply();
    assert_eq!(reply.text, "Let me see. It rains.");
    assert_eq!(reply.stop_reason.as_ref().unwrap().type_, "end_turn");
    assert_eq!((reply.usage.len(), reply.pending.len(), reply.tool_calls.len()), (1, 0, 2));
    assert!(reply.tool_calls[0].result.is_some());
    let sent = received(&server).await;
    let answer = sent.iter().find(|line| line.starts_with("POST /v1/sessions/sess_1/events ")).unwrap();
    let body: Value = serde_json::from_str(answer.rsplit_once("events ").unwrap().1).unwrap();
    let want = json!({"events": [
        {"type": "user.custom_tool_result", "custom_tool_use_id": "sevt_3",
            "content": [{"type": "text", "text": "Rain in Bonn"}]},
        {"type": "user.tool_confirmation", "tool_use_id": "sevt_4", "result": "deny"},
    ]});
    assert_eq!(body, want);
}

#[tokio::test]
async fn without_a_policy_nothing_is_allowed_and_the_calls_are_pending() {
    let server = session(Generation::V1, &[&with_tools()], &[]).await;
    let client = client(&server, Generation::V1);
    let weather = |_: City| async move { Ok::<_, String>("Rain") };
    let reply = client.sessions().chat("sess_1", "Umbrella?").on_tool("weather", weather).finish().await.unwrap();
    assert_eq!(reply.pending, ["sevt_3", "sevt_4"]);
    assert_eq!(reply.pending_calls().map(|call| call.name.as_str()).collect::<Vec<_>>(), ["weather", "bash"]);
    let posts = received(&server).await.iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(posts, 1);
}

#[tokio::test]
async fn input_that_does_not_fit_a_tool_is_a_result_that_says_so() {
    let idle = frame(&json!({"type": "session.status_idle", "id": "i", "stop_reason": {"type": "end_turn"}}));
    let body = with_tools().replace(r#"["sevt_3","sevt_4"]"#, r#"["sevt_3"]"#) + &idle;
    let server = session(Generation::V1, &[&body], &[]).await;
    let client = client(&server, Generation::V1);
    let weather = |_: u8| async move { Ok::<_, String>("never") };
    client.sessions().chat("sess_1", "Umbrella?").on_tool("weather", weather).finish().await.unwrap();
    let sent = received(&server).await.join("\n");
    assert!(sent.contains("the input is not valid: invalid type: map, expected u8"), "{sent}");
    assert!(sent.contains(r#""is_error":true"#), "{sent}");
}

fn end() -> String {
    frame(&json!({"type": "session.status_idle", "id": "sevt_9", "stop_reason": {"type": "end_turn"}}))
}

/// The events that were sent to the session.
async fn answers(server: &MockServer) -> Vec<Value> {
    let sent = received(server).await;
    let sent = sent.iter().filter_map(|line| line.strip_prefix("POST /v1/sessions/sess_1/events "));
    sent.map(|body| serde_json::from_str::<Value>(body).unwrap()["events"].clone()).collect()
}

fn custom(id: &str, name: &str) -> Value {
    json!({"type": "agent.custom_tool_use", "id": id, "name": name, "input": {}})
}

fn asks(id: &str, for_ids: &[&str]) -> Value {
    let reason = json!({"type": "requires_action", "event_ids": for_ids});
    json!({"type": "session.status_idle", "id": id, "stop_reason": reason})
}

/// A turn with these events; its message comes first, unless it is among them.
fn body(events: &[Value]) -> String {
    let message =
        json!({"type": "user.message", "id": "sevt_1", "content": [], "processed_at": "2026-09-01T00:00:00Z"});
    let has_message = events.iter().any(|event| event["type"] == "user.message");
    let message = if has_message { String::new() } else { frame(&message) };
    message + &events.iter().map(frame).collect::<String>() + &end()
}

#[tokio::test]
async fn tools_that_are_used_together_run_together_and_answer_in_order() {
    let events = [custom("sevt_2", "slow"), custom("sevt_3", "fast"), asks("sevt_4", &["sevt_2", "sevt_3"])];
    let server = session(Generation::V1, &[&body(&events)], &[]).await;
    let both = Arc::new(Barrier::new(2));
    let tool = |name: &'static str, both: &Arc<Barrier>| {
        let both = both.clone();
        move |_: Value| {
            let both = both.clone();
            async move {
                // Neither returns before the other has begun.
                both.wait().await;
                if name == "slow" {
                    tokio::task::yield_now().await;
                }
                Ok::<_, String>(name)
            }
        }
    };
    let sessions = client(&server, Generation::V1).sessions();
    let mut chat =
        sessions.chat("sess_1", "Go").on_tool("slow", tool("slow", &both)).on_tool("fast", tool("fast", &both));
    chat.finish().await.unwrap();
    let answers = answers(&server).await;
    assert_eq!(answers.len(), 1, "one request answers all: {answers:?}");
    let ids: Vec<_> = answers[0].as_array().unwrap().iter().map(|event| &event["custom_tool_use_id"]).collect();
    assert_eq!(ids, ["sevt_2", "sevt_3"]);
    assert_eq!(answers[0][0]["content"][0]["text"], "slow");
}

#[tokio::test]
async fn calls_are_answered_once_however_often_they_are_asked_for() {
    let again = [custom("sevt_2", "weather"), asks("sevt_3", &["sevt_2"]), asks("sevt_4", &["sevt_2"])];
    let more = [custom("sevt_5", "weather"), asks("sevt_6", &["sevt_2", "sevt_5"])];
    let server = session(Generation::V1, &[&body(&[&again[..], &more[..]].concat())], &[]).await;
    let weather = |_: Value| async move { Ok::<_, String>("Rain") };
    let sessions = client(&server, Generation::V1).sessions();
    sessions.chat("sess_1", "Umbrella?").on_tool("weather", weather).finish().await.unwrap();
    let answers = answers(&server).await;
    let ids: Vec<_> =
        answers.iter().flat_map(|sent| sent.as_array().unwrap()).map(|e| &e["custom_tool_use_id"]).collect();
    assert_eq!(ids, ["sevt_2", "sevt_5"], "{answers:?}");
}

#[tokio::test]
async fn nothing_is_answered_where_one_call_cannot_be() {
    let events = [custom("sevt_2", "weather"), custom("sevt_3", "unknown"), asks("sevt_4", &["sevt_2", "sevt_3"])];
    let server = session(Generation::V1, &[&body(&events)], &[]).await;
    let weather = |_: Value| async move { Ok::<_, String>("Rain") };
    let mut chat = client(&server, Generation::V1).sessions().chat("sess_1", "Hi").on_tool("weather", weather);
    assert_eq!(chat.finish().await.unwrap().pending, ["sevt_2", "sevt_3"]);
    assert_eq!(answers(&server).await, [json!(null); 0]);
}

#[tokio::test]
async fn a_message_is_sent_once_although_nobody_waits_for_it() {
    let server = session_that(Generation::Anthropic, &[&body(&[])], &[], (Duration::from_millis(400), 200)).await;
    let mut chat = client(&server, Generation::Anthropic).sessions().chat("sess_1", "Hi");
    assert!(timeout(SHORT, chat.try_next()).await.is_err(), "the message is under way");
    assert!(timeout(SHORT, chat.try_next()).await.is_err());
    chat.finish().await.unwrap();
    assert_eq!(answers(&server).await.len(), 1);
}

#[tokio::test]
async fn a_tool_goes_on_where_it_was_when_somebody_stops_waiting() {
    let events = [custom("sevt_2", "weather"), asks("sevt_3", &["sevt_2"])];
    let server = session(Generation::V1, &[&body(&events)], &[]).await;
    let (runs, go_on) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let weather = {
        let (runs, go_on) = (runs.clone(), go_on.clone());
        move |_: Value| {
            runs.fetch_add(1, Ordering::SeqCst);
            let go_on = go_on.clone();
            async move {
                go_on.notified().await;
                Ok::<_, String>("Rain")
            }
        }
    };
    let mut chat = client(&server, Generation::V1).sessions().chat("sess_1", "Umbrella?").on_tool("weather", weather);
    while runs.load(Ordering::SeqCst) == 0 {
        let _ = timeout(SHORT, chat.try_next()).await;
    }
    assert!(timeout(SHORT, chat.try_next()).await.is_err(), "it waits for the tool");
    assert_eq!(answers(&server).await.len(), 0);
    go_on.notify_one();
    chat.finish().await.unwrap();
    assert_eq!((runs.load(Ordering::SeqCst), answers(&server).await.len()), (1, 1));
}

#[tokio::test]
async fn a_chat_that_is_dropped_drops_its_tools_and_answers_nothing() {
    struct Dropped(Arc<AtomicUsize>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let events = [custom("sevt_2", "weather"), asks("sevt_3", &["sevt_2"])];
    let server = session(Generation::V1, &[&body(&events)], &[]).await;
    let (begun, dropped) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let weather = {
        let (begun, dropped) = (begun.clone(), dropped.clone());
        move |_: Value| {
            let (begun, guard) = (begun.clone(), Dropped(dropped.clone()));
            async move {
                let _guard = guard;
                begun.notify_one();
                std::future::pending::<Result<String, String>>().await
            }
        }
    };
    let mut chat = client(&server, Generation::V1).sessions().chat("sess_1", "Hi").on_tool("weather", weather);
    tokio::select! {
        _ = chat.finish() => panic!("the tool never returns"),
        () = begun.notified() => {}
    }
    assert_eq!(dropped.load(Ordering::SeqCst), 0);
    drop(chat);
    assert_eq!((dropped.load(Ordering::SeqCst), answers(&server).await.len()), (1, 0));
}

#[tokio::test]
async fn answers_that_do_not_arrive_end_the_chat_with_their_calls_pending() {
    let said = json!({"type": "agent.message", "id": "sevt_8", "content": [{"type": "text", "text": "Let me see."}]});
    let events = [said, custom("sevt_2", "weather"), asks("sevt_3", &["sevt_2"])];
    let server = session_that(Generation::V1, &[&body(&events)], &[], (Duration::ZERO, 500)).await;
    let weather = |_: Value| async move { Ok::<_, String>("Rain") };
    let mut chat = client(&server, Generation::V1).sessions().chat("sess_1", "Hi").on_tool("weather", weather);
    let error = chat.finish().await.unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(500));
    assert_eq!((chat.reply().text.as_str(), &chat.reply().pending[..]), ("Let me see.", &["sevt_2".to_owned()][..]));
    assert!(chat.try_next().await.unwrap().is_none(), "it is over");
    assert_eq!(answers(&server).await.len(), 1, "what may have arrived is not sent again");
}

#[tokio::test]
async fn an_event_that_does_not_decode_is_an_error_after_which_the_chat_goes_on() {
    let broken = "event: agent.message\ndata: {\"type\":\"agent.message\",\"id\":\"sevt_2\",\"content\":7}\n\n";
    let said = json!({"type": "agent.message", "id": "sevt_3", "content": [{"type": "text", "text": "Hello."}]});
    let server = session(
        Generation::V1,
        &[&body(&[said]).replacen("event: agent.message", &(broken.to_owned() + "event: agent.message"), 1)],
        &[],
    )
    .await;
    let mut chat = client(&server, Generation::V1).sessions().chat("sess_1", "Hi");
    let error = chat.finish().await.unwrap_err();
    assert!(error.to_string().contains("content"), "{error}");
    assert_eq!(chat.finish().await.unwrap().text, "Hello.");
}

#[tokio::test]
async fn what_belongs_to_the_turn_before_is_not_in_the_reply() {
    let message = |id: &str, text: &str| {
        json!({"type": "user.message", "id": id, "content": [{"type": "text", "text": text}],
            "processed_at": "2026-09-01T00:00:00Z"})
    };
    let said =
        |id: &str, text: &str| json!({"type": "agent.message", "id": id, "content": [{"type": "text", "text": text}]});
    let events = [said("sevt_1", "Of before."), message("sevt_2", "Mine"), said("sevt_3", "Yours.")];
    let server = session(Generation::V1, &[&body(&events)], &[]).await;
    let sessions = client(&server, Generation::V1).sessions();
    assert_eq!(sessions.chat("sess_1", "Mine").finish().await.unwrap().text, "Yours.");
    let server = session(Generation::V1, &[&body(&events)], &[]).await;
    let sessions = client(&server, Generation::V1).sessions();
    let other = sessions.chat("sess_1", "Another").finish().await.unwrap();
    assert_eq!(other.text, "Of before.Yours.", "without its message nothing is known to be of another turn");
}

#[tokio::test]
async fn an_interrupt_is_sent_and_a_chat_is_a_stream() {
    fn check<T: Send + Unpin>() {}
    check::<Chat>();
    let server = session(Generation::V1, &[&body(&[])], &[]).await;
    let chat = client(&server, Generation::V1).sessions().chat("sess_1", "Hi");
    chat.interrupt().await.unwrap();
    assert_eq!(answers(&server).await, [json!([{"type": "user.interrupt"}])]);
    let items: Vec<_> = chat.collect().await;
    assert!(matches!(items.last(), Some(Ok(ChatItem::Event(_)))), "{items:?}");
}

/// A model without a card fails only when it is asked.
#[tokio::test]
async fn v1_c20_what_fails_at_run_time_is_in_the_reply() {
    let events = [
        json!({"type": "user.message", "id": "sevt_1", "content": [], "processed_at": "2026-09-01T00:00:00Z"}),
        json!({"type": "session.error", "id": "sevt_2", "error": {"type": "model_request_failed_error",
            "message": "no active model card", "retry_status": {"type": "exhausted"}}}),
        json!({"type": "session.status_idle", "id": "sevt_3", "stop_reason": {"type": "retries_exhausted"}}),
    ];
    let body: String = events.iter().map(frame).collect();
    let server = session(Generation::V1, &[&body], &[]).await;
    let reply = client(&server, Generation::V1).sessions().chat("sess_1", "Hi").finish().await.unwrap();
    let errors: Vec<Value> = reply.errors.iter().map(|it| serde_json::to_value(it).unwrap()["error"].clone()).collect();
    assert_eq!(errors.len(), 1, "{reply:?}");
    assert_eq!(
        (&errors[0]["type"], &errors[0]["message"]),
        (&json!("model_request_failed_error"), &json!("no active model card"))
    );
    assert_eq!(serde_json::to_value(&reply.stop_reason).unwrap()["type"], "retries_exhausted");
}
