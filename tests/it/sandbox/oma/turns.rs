//! Turns on generation v1.

use std::time::Duration;

use polyagent::sandbox::oma::{Settings, Turn};
use serde_json::{Value, json};

use super::wire::{Oma, types};
use crate::sandbox::column;

const IDLE: &str = "session.status_idle";

async fn v1() -> Oma {
    Oma::start(|it| it.pace(Duration::from_millis(1))).await
}

fn result(kind: &str, id: &Value, said: &str) -> Value {
    json!({"events": [{"type": kind, "custom_tool_use_id": id, "content": [{"type": "text", "text": said}]}]})
}

#[tokio::test]
async fn a_message_is_answered_in_events_that_are_stored_and_streamed() {
    let oma = v1().await;
    let session = oma.session().await;
    let mut stream = oma.stream(&format!("/v1/sessions/{session}/events/stream")).await;
    let sent = oma.say(&session, "Hello there").await;
    assert_eq!(sent.status, 200);
    let sent = sent.json();
    assert_eq!(sent["data"][0]["content"], json!([{"type": "text", "text": "Hello there"}]));
    assert_eq!(sent["data"][0]["processed_at"], Value::Null);

    let events = stream.until(IDLE).await;
    assert_eq!(
        types(&json!(events)),
        [
            "user.message",
            "session.status_running",
            "span.model_request_start",
            "agent.message",
            "span.model_request_end",
            "session.status_idle"
        ]
    );
    assert_eq!(events[0]["id"], sent["data"][0]["id"]);
    assert_eq!(events[3]["content"], json!([{"type": "text", "text": "You said: Hello there"}]));
    assert_eq!(events[4]["model_request_start_id"], events[2]["id"]);
    assert_eq!(events[5]["stop_reason"], json!({"type": "end_turn"}));
    assert_eq!(events[5]["stop_details"], Value::Null);
    assert!(events.iter().all(|event| event["processed_at"].is_string()), "{events:?}");
    assert!(events.iter().all(|event| event.get("seq").is_none() && event.get("session_thread_id").is_none()));

    let listed = oma.get(&format!("/v1/sessions/{session}/events")).await.json();
    assert_eq!(listed, json!({"data": events, "next_page": null}));
    let got = oma.get(&format!("/v1/sessions/{session}")).await.json();
    assert_eq!((&got["status"], &got["usage"]), (&json!("idle"), &json!({"input_tokens": 10, "output_tokens": 5})));
}

#[tokio::test]
async fn deltas_come_only_to_those_who_ask_and_are_not_stored() {
    let oma = v1().await;
    let session = oma.session().await;
    oma.sandbox.default_tenant().oma_turns([Turn::new().think("Hm.").say("Hello there")]);
    let path = format!("/v1/sessions/{session}/events/stream");
    let mut both = oma.stream(&format!("{path}?event_deltas%5B%5D=agent.message&event_deltas[]=agent.thinking")).await;
    let mut messages = oma.stream(&format!("{path}?event_deltas[]=agent.message")).await;
    let mut plain = oma.stream(&path).await;
    oma.say(&session, "Hi").await;

    let events = both.until(IDLE).await;
    let kinds = types(&json!(events));
    assert_eq!(
        kinds[2..],
        [
            "span.model_request_start",
            "event_start",
            "agent.thinking",
            "event_start",
            "event_delta",
            "event_delta",
            "agent.message",
            "span.model_request_end",
            "session.status_idle"
        ]
    );
    assert_eq!(events[3], json!({"type": "event_start", "event": {"type": "agent.thinking", "id": events[4]["id"]}}));
    assert!(events[4].get("text").is_none(), "thoughts are not shown");
    let id = &events[8]["id"];
    assert_eq!(events[5], json!({"type": "event_start", "event": {"type": "agent.message", "id": id}}));
    let delta = |text: &str| {
        json!({"type": "event_delta", "event_id": id,
            "delta": {"type": "content_delta", "content": {"type": "text", "text": text}}})
    };
    assert_eq!(events[6..8], [delta("Hello "), delta("there")]);
    assert_eq!(types(&json!(messages.until(IDLE).await)).len(), kinds.len() - 1);
    assert_eq!(types(&json!(plain.until(IDLE).await)), oma.types(&session).await);
    let refused = oma.get(&format!("{path}?event_deltas[]=session.error")).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
}

#[tokio::test]
async fn a_custom_tool_waits_for_all_results_of_the_client() {
    let oma = v1().await;
    let session = oma.session().await;
    let turn = Turn::new().custom_tool("a", json!({"x": 1})).custom_tool("b", json!({})).say("Done.");
    oma.sandbox.default_tenant().oma_turns([turn]);
    let mut stream = oma.stream(&format!("/v1/sessions/{session}/events/stream")).await;
    oma.say(&session, "Go").await;
    let events = stream.until(IDLE).await;
    let uses: Vec<&Value> = events.iter().filter(|event| event["type"] == "agent.custom_tool_use").collect();
    assert_eq!((uses[0]["name"].as_str(), &uses[0]["input"], uses.len()), (Some("a"), &json!({"x": 1}), 2));
    let waits = json!({"type": "requires_action", "event_ids": [uses[0]["id"], uses[1]["id"]]});
    assert_eq!(events.last().unwrap()["stop_reason"], waits);

    let path = format!("/v1/sessions/{session}/events");
    let confirmed = json!({"events": [
        {"type": "user.tool_confirmation", "tool_use_id": uses[0]["id"], "result": "allow"}]});
    assert_eq!(oma.post(&path, confirmed).await.status, 400, "a custom tool is not confirmed");
    assert_eq!(oma.post(&path, result("user.custom_tool_result", &uses[0]["id"], "1")).await.status, 200);
    let again = stream.until(IDLE).await;
    let left = json!({"type": "requires_action", "event_ids": [uses[1]["id"]]});
    assert_eq!(again.last().unwrap()["stop_reason"], left);
    assert_eq!(oma.post(&path, result("user.custom_tool_result", &uses[1]["id"], "2")).await.status, 200);
    let rest = stream.until(IDLE).await;
    assert_eq!(
        types(&json!(rest)),
        [
            "user.custom_tool_result",
            "session.status_running",
            "span.model_request_start",
            "agent.message",
            "span.model_request_end",
            "session.status_idle"
        ]
    );
    assert_eq!(rest[5]["stop_reason"], json!({"type": "end_turn"}));
}

#[tokio::test]
async fn a_guarded_tool_runs_if_the_user_allows_it() {
    for (answer, said, failed) in [
        (json!({"result": "allow"}), "2 files", false),
        (json!({"result": "deny", "deny_message": "No."}), "No.", true),
    ] {
        let oma = v1().await;
        let session = oma.session().await;
        let turn = Turn::new().guarded_tool("bash", json!({"command": "ls"}), "2 files").say("Done.");
        oma.sandbox.default_tenant().oma_turns([turn]);
        let mut stream = oma.stream(&format!("/v1/sessions/{session}/events/stream")).await;
        oma.say(&session, "Go").await;
        let events = stream.until(IDLE).await;
        let used = events.iter().find(|event| event["type"] == "agent.tool_use").unwrap();
        assert_eq!((&used["name"], &used["evaluated_permission"]), (&json!("bash"), &json!("ask")));
        let mut confirmation = json!({"type": "user.tool_confirmation", "tool_use_id": used["id"]});
        confirmation.as_object_mut().unwrap().extend(answer.as_object().unwrap().clone());
        let path = format!("/v1/sessions/{session}/events");
        assert_eq!(oma.post(&path, json!({"events": [confirmation]})).await.status, 200);
        let rest = stream.until(IDLE).await;
        let outcome = rest.iter().find(|event| event["type"] == "agent.tool_result").unwrap();
        assert_eq!((&outcome["tool_use_id"], &outcome["is_error"]), (&used["id"], &json!(failed)));
        assert_eq!(outcome["content"], json!([{"type": "text", "text": said}]));
        assert_eq!(rest.last().unwrap()["stop_reason"]["type"], "end_turn");
    }
}

#[tokio::test]
async fn a_second_message_waits_for_the_turn_to_end() {
    let oma = Oma::paused(|it| it.pace(Duration::from_millis(1))).await;
    let session = oma.session().await;
    oma.sandbox
        .default_tenant()
        .oma_turns([Turn::new().pause(Duration::from_millis(300)).say("one"), Turn::says("two")]);
    let mut stream = oma.stream(&format!("/v1/sessions/{session}/events/stream")).await;
    oma.say(&session, "first").await;
    oma.say(&session, "second").await;
    let listed = oma.get(&format!("/v1/sessions/{session}/events?types[]=user.message")).await.json();
    let messages = listed["data"].as_array().unwrap();
    assert!(messages[0]["processed_at"].is_string() && messages[1]["processed_at"].is_null(), "{listed}");
    let pending = oma.get(&format!("/v1/oma/sessions/{session}/pending")).await.json();
    assert_eq!(pending["data"][0]["event_id"], messages[1]["id"]);

    oma.pass(400);
    let first = stream.until(IDLE).await;
    assert_eq!(column(&json!(first), "type").iter().filter(|kind| *kind == "user.message").count(), 1);
    let second = stream.until(IDLE).await;
    assert_eq!((second[0]["type"].as_str(), &second[0]["id"]), (Some("user.message"), &messages[1]["id"]));
    assert_eq!(second[3]["content"][0]["text"], "two");
}

#[tokio::test]
async fn an_interrupt_ends_the_turn_and_drops_the_message() {
    let oma = Oma::paused(|it| it.pace(Duration::from_millis(1))).await;
    let session = oma.session().await;
    oma.sandbox.default_tenant().oma_turns([Turn::says("a b c d e f g h i j k l m n o p q r s t u v w x y z")]);
    let mut stream = oma.stream(&format!("/v1/sessions/{session}/events/stream?event_deltas[]=agent.message")).await;
    oma.say(&session, "Go").await;
    oma.pass(5);
    stream.until("event_delta").await;
    assert_eq!(oma.post(&format!("/v1/sessions/{session}/archive"), json!({})).await.status, 400, "it runs");
    let interrupt = json!({"events": [{"type": "user.interrupt"}]});
    assert_eq!(oma.post(&format!("/v1/sessions/{session}/events"), interrupt).await.status, 200);
    oma.pass(50);
    let rest = stream.until(IDLE).await;
    let rest: Vec<String> = types(&json!(rest)).into_iter().filter(|kind| kind != "event_delta").collect();
    assert_eq!(rest, ["user.interrupt", "span.model_request_end", "session.status_idle"]);
    assert!(!oma.types(&session).await.contains(&"agent.message".to_owned()));
    assert_eq!(oma.say(&session, "Again").await.status, 200);
    oma.pass(50);
    assert_eq!(stream.until(IDLE).await.last().unwrap()["stop_reason"]["type"], "end_turn");
}

#[tokio::test]
async fn failures_say_whether_the_server_tries_again() {
    let oma = v1().await;
    let session = oma.session().await;
    let turns = [
        Turn::new().break_off("Half a").retry("overloaded").say("Whole."),
        Turn::new().break_off("Half").fail("gone"),
        Turn::new().stop("refusal"),
        Turn::new().terminate("broken"),
    ];
    oma.sandbox.default_tenant().oma_turns(turns);
    let mut stream = oma.stream(&format!("/v1/sessions/{session}/events/stream")).await;
    oma.say(&session, "one").await;
    let events = stream.until(IDLE).await;
    assert_eq!(
        types(&json!(events))[2..],
        [
            "span.model_request_start",
            "span.model_request_end",
            "session.error",
            "session.status_rescheduled",
            "session.status_running",
            "span.model_request_start",
            "agent.message",
            "span.model_request_end",
            "session.status_idle"
        ]
    );
    assert_eq!(events[3]["is_error"], true);
    let error =
        json!({"type": "model_request_failed_error", "message": "overloaded", "retry_status": {"type": "retrying"}});
    assert_eq!(events[4]["error"], error);

    oma.say(&session, "two").await;
    let events = stream.until(IDLE).await;
    assert_eq!(types(&json!(events))[3..], ["span.model_request_end", "session.error", "session.status_idle"]);
    assert_eq!(events[4]["error"]["retry_status"], json!({"type": "exhausted"}));
    assert_eq!(events[5]["stop_reason"], json!({"type": "retries_exhausted"}));

    oma.say(&session, "three").await;
    assert_eq!(stream.until(IDLE).await.last().unwrap()["stop_reason"], json!({"type": "refusal"}));

    oma.say(&session, "four").await;
    let events = stream.until("never").await;
    assert_eq!(events.last().unwrap()["type"], "session.status_terminated", "and the stream ends");
    assert_eq!(oma.get(&format!("/v1/sessions/{session}")).await.json()["status"], "terminated");
    assert_eq!(oma.say(&session, "five").await.status, 400);
}

#[tokio::test]
async fn another_agent_works_in_a_thread_of_its_own() {
    let oma = v1().await;
    let session = oma.session().await;
    oma.sandbox.default_tenant().oma_turns([Turn::new().delegate("helper", "Look.", "Found.").say("Done.")]);
    let mut stream = oma.stream(&format!("/v1/sessions/{session}/events/stream")).await;
    oma.say(&session, "Go").await;
    let events = stream.until(IDLE).await;
    let created = events.iter().find(|event| event["type"] == "session.thread_created").unwrap();
    assert_eq!(created["agent_name"], "helper");
    let threads = oma.get(&format!("/v1/sessions/{session}/threads")).await.json();
    assert_eq!(threads["data"].as_array().unwrap().len(), 2);
    let [primary, thread] = [&threads["data"][0], &threads["data"][1]];
    assert_eq!((&thread["id"], &thread["parent_thread_id"]), (&created["session_thread_id"], &primary["id"]));
    let path = format!("/v1/sessions/{session}/threads/{}", thread["id"].as_str().unwrap());
    let inside = oma.get(&format!("{path}/events")).await.json();
    assert_eq!(types(&inside["data"]), ["agent.thread_message_received", "agent.message"]);
    assert_eq!(inside["data"][1]["content"][0]["text"], "Found.");
    assert!(oma.post(&format!("{path}/archive"), json!({})).await.json()["archived_at"].is_string());
    let whole = format!("/v1/sessions/{session}/threads/{}/events", primary["id"].as_str().unwrap());
    assert_eq!(types(&oma.get(&whole).await.json()["data"]), oma.types(&session).await);
    assert_eq!(oma.get(&format!("/v1/sessions/{session}/threads/sthr_none")).await.status, 404);
}

#[tokio::test]
async fn a_batch_has_rules() {
    let oma = v1().await;
    let session = oma.session().await;
    let path = format!("/v1/sessions/{session}/events");
    let message = json!({"type": "user.message", "content": [{"type": "text", "text": "x"}]});
    let system = json!({"type": "system.message", "content": [{"type": "text", "text": "x"}]});
    for (events, status) in [
        (json!([]), 400),
        (json!([system]), 400),
        (json!([system, message]), 400),
        (json!([message, system, system]), 400),
        (json!([{"type": "user.message", "id": "mine", "content": [{"type": "text", "text": "x"}]}]), 400),
        (json!([{"type": "user.message", "content": "x"}]), 400),
        (json!([{"type": "user.tool_confirmation", "tool_use_id": "x", "result": "allow", "deny_message": "x"}]), 400),
        (json!([{"type": "agent.message", "content": []}]), 400),
        (json!([message, system]), 200),
    ] {
        let sent = oma.post(&path, json!({"events": events})).await;
        assert_eq!(sent.status, status, "{events}: {}", sent.body);
    }
    assert_eq!(oma.say("sesn_none", "x").await.status, 404);
}

#[tokio::test]
async fn events_are_listed_by_page_order_type_and_time() {
    let oma = Oma::start(|it: Settings| it.pace(Duration::ZERO)).await;
    let session = oma.session().await;
    for said in ["a", "b", "c"] {
        oma.say(&session, said).await;
    }
    let path = format!("/v1/sessions/{session}/events");
    let all = oma.get(&format!("{path}?limit=100")).await.json()["data"].as_array().unwrap().clone();
    assert_eq!(all.len(), 18);
    let (mut pages, mut token) = (Vec::new(), String::new());
    loop {
        let page = oma.get(&format!("{path}?limit=4&page={token}")).await.json();
        pages.extend(page["data"].as_array().unwrap().clone());
        match page["next_page"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => break,
        }
    }
    assert_eq!(pages, all);
    let newest = oma.get(&format!("{path}?order=desc&limit=2")).await.json();
    assert_eq!(newest["data"].as_array().unwrap()[..], [all[17].clone(), all[16].clone()]);
    let some = oma.get(&format!("{path}?types%5B%5D=agent.message&types[]=user.message")).await.json();
    assert_eq!(some["data"].as_array().unwrap().len(), 6);
    let at = all[9]["processed_at"].as_str().unwrap();
    let since = oma.get(&format!("{path}?created_at%5Bgte%5D={at}&limit=100")).await.json();
    assert!(since["data"].as_array().unwrap().contains(&all[9]));
    assert!(oma.get(&format!("{path}?created_at[gt]=2999-01-01T00:00:00Z")).await.json()["data"] == json!([]));
    for refused in ["page=garbage!", "limit=0", "limit=x", "order=up"] {
        assert_eq!(oma.get(&format!("{path}?{refused}")).await.status, 400, "{refused}");
    }
    assert_eq!(oma.get(&format!("{path}?limit=5000")).await.json()["data"].as_array().unwrap().len(), 18);
}

#[tokio::test]
async fn an_archived_or_deleted_session_ends_its_streams() {
    let oma = v1().await;
    for gone in ["archive", "delete"] {
        let session = oma.session().await;
        oma.say(&session, "x").await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let mut stream = oma.stream(&format!("/v1/sessions/{session}/events/stream")).await;
        let path = format!("/v1/sessions/{session}");
        let done = match gone {
            "archive" => oma.post(&format!("{path}/archive"), json!({})).await,
            _ => oma.delete(&path).await,
        };
        assert_eq!(done.status, 200, "{}", done.body);
        assert_eq!(stream.until("never").await, [] as [Value; 0]);
        let status = oma.say(&session, "x").await.status;
        assert_eq!(status, if gone == "archive" { 400 } else { 404 });
    }
}

#[tokio::test]
async fn anthropic_says_that_a_session_is_over() {
    let oma = Oma::start(|it| it.anthropic().pace(Duration::ZERO)).await;
    let session = oma.session().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let path = format!("/v1/sessions/{session}");
    let mut stream = oma.stream(&format!("{path}/events/stream")).await;
    assert_eq!(oma.made(&format!("{path}/archive"), json!({})).await["status"], "terminated");
    assert_eq!(types(&json!(stream.until("never").await)), ["session.status_terminated"]);
    let session = oma.session().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut stream = oma.stream(&format!("/v1/sessions/{session}/events/stream")).await;
    oma.delete(&format!("/v1/sessions/{session}")).await;
    assert_eq!(types(&json!(stream.until("never").await)), ["session.deleted"]);
}

#[tokio::test]
async fn a_one_shot_turn_streams_its_own_events_and_ends() {
    let oma = v1().await;
    let session = oma.session().await;
    let path = format!("/v1/oma/sessions/{session}/messages");
    let request = oma.with_json(polyagent::Method::POST, &path, &json!({"content": "Hi"}));
    let events = oma.open(request).await.until("never").await;
    assert_eq!(types(&json!(events)).first().map(String::as_str), Some("user.message"));
    assert_eq!(types(&json!(events)).last().map(String::as_str), Some(IDLE));
}
