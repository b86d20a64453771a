//! Generation v0: hosted, self-hosted, and to the letter of the documentation.

use std::time::Duration;

use polyagent::Method;
use polyagent::sandbox::oma::{Quirk, Settings, Turn};
use serde_json::{Value, json};

use super::wire::{Oma, types};
use crate::sandbox::text;

fn fast(settings: Settings) -> Settings {
    settings.v0().pace(Duration::from_millis(1))
}

#[tokio::test]
async fn the_hosted_server_wraps_rows_and_streams_chunks_without_ids() {
    let oma = Oma::start(fast).await;
    let session = oma.session().await;
    oma.sandbox
        .default_tenant()
        .oma_turns([Turn::new().think("Hm.").tool("bash", json!({"c": "ls"}), "a").say("It is a")]);
    let mut chunks = oma.stream(&format!("/v1/sessions/{session}/events/stream?include=chunks")).await;
    assert_eq!(chunks.frame().await.unwrap(), "retry: 1000");
    let mut plain = oma.stream(&format!("/v1/sessions/{session}/stream")).await;
    let accepted = oma.say(&session, "Hi").await;
    assert_eq!((accepted.status, accepted.body.as_str()), (202, ""));

    let events = chunks.until("session.status_idle").await;
    assert_eq!(
        types(&json!(events)),
        [
            "user.message",
            "session.status_running",
            "span.model_request_start",
            "agent.thinking_stream_start",
            "agent.thinking_chunk",
            "agent.thinking",
            "agent.thinking_stream_end",
            "agent.tool_use_input_stream_start",
            "agent.tool_use_input_chunk",
            "agent.tool_use_input_chunk",
            "agent.tool_use_input_stream_end",
            "agent.tool_use",
            "span.model_request_end",
            "agent.tool_result",
            "span.model_request_start",
            "agent.message_stream_start",
            "agent.message_chunk",
            "agent.message_chunk",
            "agent.message_chunk",
            "agent.message",
            "agent.message_stream_end",
            "span.model_request_end",
            "session.status_idle"
        ]
    );
    let message = &events[19]["message_id"];
    assert_eq!(events[16], json!({"type": "agent.message_chunk", "message_id": message, "delta": "It "}));
    assert_eq!(events[13]["content"], "a", "a string");
    let input: String = [8, 9].iter().map(|at| text(&events[*at]["delta"])).collect();
    assert_eq!(serde_json::from_str::<Value>(&input).unwrap(), json!({"c": "ls"}));
    let stored = plain.until("session.status_idle").await;
    assert!(stored.iter().all(|event| event.get("seq").is_none()), "{stored:?}");

    let page = oma.get(&format!("/v1/sessions/{session}/events?limit=2")).await.json();
    assert_eq!((&page["has_more"], &page["next_page"]), (&json!(true), &json!("seq_2")));
    assert_eq!((&page["data"][1]["seq"], &page["data"][1]["type"]), (&json!(2), &json!("session.status_running")));
    assert_eq!(page["data"][0]["data"], stored[0]);
    assert!(page["data"][0]["ts"].as_i64().unwrap() < 100_000_000_000, "seconds");
    let rest = oma.get(&format!("/v1/sessions/{session}/events?after_seq=2")).await.json();
    assert_eq!((&rest["has_more"], &rest["next_page"]), (&json!(false), &Value::Null));
    assert_eq!(rest["data"][0]["seq"], 3);
    let newest = oma.get(&format!("/v1/sessions/{session}/events?order=desc&limit=1")).await.json();
    assert_eq!(newest["data"][0]["type"], "session.status_idle");
}

#[tokio::test]
async fn a_stream_resumes_after_an_event() {
    let oma = Oma::start(|it| fast(it).pace(Duration::ZERO)).await;
    let session = oma.session().await;
    oma.say(&session, "Hi").await;
    let path = format!("/v1/sessions/{session}/events");
    let resumed = oma.request(Method::GET, &path).header("accept", "text/event-stream").header("last-event-id", "4");
    assert_eq!(types(&json!(oma.open(resumed).await.until("session.status_idle").await)).len(), 2);
    let mut replayed = oma.stream(&format!("{path}/stream?replay=1")).await;
    assert_eq!(replayed.until("session.status_idle").await.len(), 6);
    let frame = oma.stream(&format!("{path}/stream?replay=1")).await.frame().await;
    assert_eq!(frame.unwrap(), "retry: 1000");
}

#[tokio::test]
async fn self_hosted_rows_are_flat_and_nothing_says_that_a_turn_is_over() {
    let oma = Oma::start(|it| fast(it).self_hosted()).await;
    let session = oma.session().await;
    let mut stream = oma.stream(&format!("/v1/sessions/{session}/events/stream")).await;
    assert_eq!(stream.frame().await.unwrap(), "retry: 1000");
    oma.say(&session, "Hi").await;
    let first = stream.frame().await.unwrap();
    assert!(first.starts_with("event: user.message\nid: 1\ndata: {"), "{first}");
    let last = stream.until("span.model_request_end").await.pop().unwrap();
    assert_eq!((&last["seq"], &last["finish_reason"]), (&json!(4), &json!("stop")));
    let page = oma.get(&format!("/v1/sessions/{session}/events?order=desc")).await.json();
    assert_eq!(
        types(&page["data"]),
        ["user.message", "span.model_request_start", "agent.message", "span.model_request_end"]
    );
    assert!(page["data"][0]["ts"].as_i64().unwrap() > 100_000_000_000 && page.get("next_page").is_none());
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(oma.get(&format!("/v1/sessions/{session}")).await.json()["status"], "idle");
    let missing = oma.get("/v1/sessions/sess-none").await;
    assert_eq!((missing.status, missing.body.as_str()), (404, r#"{"error":"Session not found"}"#));
    assert_eq!(oma.get(&format!("/v1/sessions/{session}/log")).await.body, r#"{"error":"not found"}"#);
}

#[tokio::test]
async fn self_hosted_turns_run_at_once_and_are_not_interrupted() {
    let oma = Oma::paused(|it| fast(it).self_hosted()).await;
    let session = oma.session().await;
    oma.sandbox.default_tenant().oma_turns([Turn::says("a b c"), Turn::says("d e f")]);
    let mut stream = oma.stream(&format!("/v1/sessions/{session}/events/stream?include=chunks")).await;
    oma.say(&session, "one").await;
    oma.say(&session, "two").await;
    let interrupt = json!({"events": [{"type": "user.interrupt"}]});
    assert_eq!(oma.post(&format!("/v1/sessions/{session}/events"), interrupt).await.status, 202);
    oma.pass(20);
    let mut events = stream.until("agent.message").await;
    events.extend(stream.until("agent.message").await);
    let chunks = events.iter().filter(|event| event["type"] == "agent.message_chunk");
    let said: String = chunks.map(|event| text(&event["delta"])).collect();
    assert_eq!(said, "a d b e cf", "interleaved");
}

#[tokio::test]
async fn an_interrupt_of_the_hosted_server_comes_after_the_idle_event() {
    let oma = Oma::paused(fast).await;
    let session = oma.session().await;
    oma.sandbox.default_tenant().oma_turns([Turn::says("a b c d e f g h i j k l m n o p q r s t u v w x y z")]);
    let mut stream = oma.stream(&format!("/v1/sessions/{session}/events/stream?include=chunks")).await;
    oma.say(&session, "Go").await;
    oma.pass(5);
    stream.until("agent.message_chunk").await;
    let interrupt = json!({"events": [{"type": "user.interrupt"}]});
    oma.post(&format!("/v1/sessions/{session}/events"), interrupt).await;
    oma.pass(50);
    stream.until("session.status_idle").await;
    let rest = stream.until("agent.message_stream_end").await;
    assert_eq!(types(&json!(rest)), ["span.model_request_end", "agent.message", "agent.message_stream_end"]);
    assert_eq!(rest[0]["finish_reason"], "aborted");
    assert!(text(&rest[1]["content"][0]["text"]).starts_with("a ") && rest[1].get("message_id").is_none());
    assert_eq!(rest[2]["error_text"], "interrupted_mid_stream");
    let rows = oma.get(&format!("/v1/sessions/{session}/events")).await.json();
    assert!(types(&rows["data"]).contains(&"user.interrupt".to_owned()), "stored, though not streamed");
}

#[tokio::test]
async fn a_queued_turn_is_pending_then_promoted() {
    let oma = Oma::paused(fast).await;
    let session = oma.session().await;
    oma.sandbox.default_tenant().oma_turns([Turn::new().pause(Duration::from_millis(300)).say("one")]);
    let mut stream = oma.stream(&format!("/v1/sessions/{session}/events/stream?include=chunks")).await;
    oma.say(&session, "first").await;
    let path = format!("/v1/sessions/{session}/messages");
    let mut own = oma.open(oma.with_json(Method::POST, &path, &json!({"content": "second"}))).await;
    let pending = oma.get(&format!("/v1/sessions/{session}/pending")).await.json();
    assert_eq!(pending["data"][0]["data"]["content"][0]["text"], "second");
    oma.pass(400);
    let first = stream.until("session.status_idle").await;
    assert!(types(&json!(first)).contains(&"system.user_message_pending".to_owned()));
    let second = stream.until("session.status_idle").await;
    assert_eq!(types(&json!(second))[..2], ["system.user_message_promoted", "user.message"]);
    let own = own.until("never").await;
    assert_eq!(own[0]["content"][0]["text"], "second");
    assert_eq!(own.last().unwrap()["type"], "session.status_idle", "and the stream ends");
}

#[tokio::test]
async fn only_its_own_credential_is_taken() {
    for (settings, bearer) in [(fast as fn(Settings) -> Settings, 401), (|it| it, 200), (Settings::anthropic, 200)] {
        let oma = Oma::start(settings).await;
        let request =
            oma.bare(Method::GET, "/v1/agents?beta=true").header("anthropic-beta", "managed-agents-2026-04-01");
        let keyed = request.try_clone().unwrap().header("x-api-key", oma.sandbox.key());
        assert_eq!(oma.send(keyed).await.status, 200);
        let sent = oma.send(request.try_clone().unwrap().bearer_auth(oma.sandbox.key())).await;
        assert_eq!(sent.status, bearer);
        assert_eq!(oma.send(request.header("x-api-key", "wrong")).await.status, 401);
    }
}

#[tokio::test]
async fn the_probe_tells_the_generations_apart() {
    let v0 = Oma::start(fast).await;
    assert_eq!(v0.get("/v1/agents?limit=1").await.json(), json!({"data": [], "has_more": false}));
    let v1 = Oma::start(|it| it).await;
    assert_eq!(v1.get("/v1/agents?limit=1").await.json(), json!({"data": [], "next_page": null}));
    let bare = v1.bare(Method::GET, "/v1/agents?limit=1").header("x-api-key", v1.sandbox.key());
    let refused = v1.send(bare).await;
    assert_eq!(refused.status, 400);
    assert!(text(&refused.json()["error"]["message"]).starts_with("Missing required anthropic-beta flag:"));
    let anthropic = Oma::start(Settings::anthropic).await;
    assert!(anthropic.get("/v1/agents").await.header("request-id").unwrap().starts_with("req_"));
}

#[tokio::test]
async fn routes_are_those_of_the_server() {
    let v0 = Oma::start(fast).await;
    let documented = Oma::start(Settings::documented).await;
    let (agent, session) = (v0.agent().await, v0.session().await);
    let (seed_agent, seed_session) = (documented.agent().await, documented.session().await);
    let change = json!({"name": "b"});
    for (oma, path, patched, posted) in
        [(&v0, format!("/v1/agents/{agent}"), 404, 200), (&documented, format!("/v1/agents/{seed_agent}"), 200, 404)]
    {
        let sent = oma.send(oma.with_json(Method::PATCH, &path, &change)).await;
        assert_eq!(sent.status, patched, "{}", sent.body);
        assert_eq!(oma.post(&path, change.clone()).await.status, posted);
    }
    for (path, real, seed) in [
        ("/healthz", 404, 200),
        ("/health", 200, 404),
        ("/v1/evals", 404, 200),
        ("/v1/evals/runs", 200, 404),
        ("/v1/integrations", 404, 200),
        ("/v1/me", 200, 404),
        ("/v1/models", 404, 404),
        ("/v1/oma/me", 404, 404),
        ("/v1/sessions/SESSION/log", 404, 200),
        ("/v1/sessions/SESSION/threads", 200, 404),
        ("/v1/sessions/SESSION/events", 200, 200),
    ] {
        assert_eq!(v0.get(&path.replace("SESSION", &session)).await.status, real, "{path}");
        assert_eq!(documented.get(&path.replace("SESSION", &seed_session)).await.status, seed, "{path}");
    }
    let missing = documented.get("/v1/agents/none").await.json();
    assert_eq!(missing, json!({"error": {"type": "not_found", "message": "Agent not found"}}));
    let cancelled = documented.post(&format!("/v1/sessions/{seed_session}/cancel"), json!({})).await;
    assert_eq!((cancelled.status, &cancelled.json()["id"]), (200, &json!(seed_session)));
    let path = format!("/v1/agents/{seed_agent}");
    assert_eq!(documented.delete(&path).await.json(), json!({"type": "agent_deleted", "id": seed_agent}));
    assert!(documented.get(&path).await.json()["archived_at"].is_string(), "a deletion archives");
}

#[tokio::test]
async fn malformed_json_makes_v0_fail() {
    for (set, status) in [(fast as fn(Settings) -> Settings, 500), (|it| it, 400)] {
        let oma = Oma::start(set).await;
        let request =
            oma.request(Method::POST, "/v1/agents").header("content-type", "application/json").body("{\"name\":");
        assert_eq!(oma.send(request).await.status, status);
    }
}

#[tokio::test]
async fn a_client_tool_strands_a_self_hosted_turn() {
    let turn = || Turn::new().custom_tool("a", json!({})).say("Done.");
    for stranded in [false, true] {
        let oma = Oma::start(|it| if stranded { fast(it).with(Quirk::StrandedResults) } else { fast(it) }).await;
        let session = oma.session().await;
        oma.sandbox.default_tenant().oma_turns([turn()]);
        let mut stream = oma.stream(&format!("/v1/sessions/{session}/events/stream")).await;
        oma.say(&session, "Go").await;
        let events = stream.until("session.status_idle").await;
        let used = events.iter().find(|event| event["type"] == "agent.custom_tool_use").unwrap();
        let reason = &events.last().unwrap()["stop_reason"];
        assert_eq!((&reason["event_ids"][0], &reason["action_type"]), (&used["id"], &json!("custom_tool_result")));
        let result = json!({"type": "user.custom_tool_result", "custom_tool_use_id": used["id"], "content": [
            {"type": "text", "text": "7"}]});
        oma.post(&format!("/v1/sessions/{session}/events"), json!({"events": [result]})).await;
        if stranded {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let page = oma.get(&format!("/v1/sessions/{session}/events")).await.json();
            assert_eq!(types(&page["data"]).last().unwrap(), "user.custom_tool_result");
        } else {
            let rest = stream.until("session.status_idle").await;
            assert_eq!(
                types(&json!(rest))[..3],
                ["user.custom_tool_result", "session.status_running", "agent.tool_result"]
            );
            assert_eq!(rest[2]["content"], "7");
        }
    }
}
