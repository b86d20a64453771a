//! What frames are, and what they mean for a turn.

use super::*;

/// Reads one connection with these bytes, which then ends for good.
async fn read_bytes(build: Build, wire: &str) -> Vec<Result<StreamItem<Event>, Error>> {
    let sent = Sent { wire: wire.as_bytes().to_vec(), row: None };
    let cut = Cut { after: wire.len(), how: How::End, missed: 0, overlap: 0 };
    let server = Server::new(build, vec![sent, Sent { wire: Vec::new(), row: None }], [cut]);
    server.with(|state| state.over = true);
    server.stream(None).collect().await
}

#[tokio::test(start_paused = true)]
async fn a_broken_event_names_its_field_and_the_stream_goes_on() {
    let wire = "event: agent.tool_use\ndata: {\"type\":\"agent.tool_use\",\"id\":\"a\"}\n\n\
        event: agent.message_chunk\ndata: {\"type\":\"agent.message_chunk\",\"message_id\":7,\"delta\":\"x\"}\n\n\
        event: agent.message\ndata: {\"type\":\"agent.mess\n\n\
        event: session.status_running\ndata: {\"type\":\"session.status_running\",\"id\":\"b\"}\n\n";
    let items = read_bytes(Build::V1, wire).await;
    let text = |at: usize| items[at].as_ref().unwrap_err().to_string();
    assert!(text(0).contains("`name`"), "{}", text(0));
    assert!(text(1).contains("message_id"), "{}", text(1));
    assert!(text(2).contains("EOF while parsing"), "{}", text(2));
    assert!(matches!(&items[3], Ok(StreamItem::Event(Event::SessionStatusRunning(_)))), "{:?}", items[3]);
    assert_eq!(items.len(), 4);
}

/// v1 C19.
#[tokio::test(start_paused = true)]
async fn frames_are_read_by_the_type_in_their_data_and_without_one_by_their_name() {
    let wire = "data: {\"id\":\"a\",\"type\":\"agent.thinking\"}\n\n\
        event: message\ndata: {\"type\":\"agent.thinking\",\"id\":\"b\"}\n\n\
        event: agent.message\ndata: {\"type\":\"agent.thinking\",\"id\":\"c\"}\n\n\
        event: agent.thinking\ndata: {\"id\":\"d\"}\n\n\
        event: x\ndata: {\"nested\":{\"type\":\"agent.thinking\"},\"type\":\"x.y\",\"id\":\"e\"}\n\n\
        event: ping\ndata: {}\n\n: heartbeat\n\nevent: agent.thinking\ndata: {\"type\":\"agent.thinking\",\"text\":\"\\ud83d!\"}\n\n";
    let items = read_bytes(Build::V1, wire).await;
    let tags: Vec<_> = items.iter().map(|item| item.as_ref().unwrap().event().unwrap().tag().to_owned()).collect();
    assert_eq!(tags, ["agent.thinking", "agent.thinking", "agent.thinking", "agent.thinking", "x.y", "agent.thinking"]);
    let Ok(StreamItem::Event(Event::AgentThinking(last))) = &items[5] else { panic!("{:?}", items[5]) };
    assert_eq!(last.text.as_deref(), Some("\u{fffd}!"));
}

#[tokio::test(start_paused = true)]
async fn a_reported_failure_is_classified_by_its_type() {
    let wire = |kind: &str| {
        format!("event: error\ndata: {{\"type\":\"error\",\"error\":{{\"type\":\"{kind}\",\"message\":\"m\"}}}}\n\n")
    };
    for (kind, status) in [
        ("overloaded_error", 529),
        ("rate_limit_error", 429),
        ("api_error", 500),
        ("not_found_error", 404),
        ("authentication_error", 401),
        ("a_new_error", 500),
    ] {
        let sent = Sent { wire: wire(kind).into_bytes(), row: None };
        let error = Server::new(Build::V1, vec![sent], []).stream(None).next().await.unwrap().unwrap_err();
        assert_eq!(error.status().map(|status| status.as_u16()), Some(status), "{kind}");
        assert_eq!((error.code(), error.message().as_str()), (Some(kind), "m"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_over_the_limit_is_an_error_and_not_the_end() {
    let script = script(Build::V1, &turn_events(Build::V1)[1..]);
    let mut endless = vec![Sent { wire: b"data: ".to_vec(), row: None }];
    endless.extend(vec![Sent { wire: vec![b'x'; 64 * 1024], row: None }; 17]);
    let count = endless.len();
    endless.extend(script);
    let server = Server::new(Build::V1, endless, []);
    let got = read(server.stream(None)).await;
    assert_eq!((got.stored.len(), got.errors.len()), (10, 1));
    assert!(got.errors[0].contains("it is larger than the limit"), "{}", got.errors[0]);
    assert!(server.with(|state| state.happened) > count);
}

#[tokio::test(start_paused = true)]
async fn a_turn_ends_by_its_idle_event_and_after_an_interrupt_by_what_was_begun() {
    let end = |wire: &str| read_turn(Build::Hosted, wire.to_owned());
    let idle = "data: {\"type\":\"session.status_idle\",\"id\":\"i\",\"stop_reason\":{\"type\":\"end_turn\"}}\n\n";
    let message = "data: {\"type\":\"user.message\",\"id\":\"u\",\"content\":[]}\n\n";
    let after = "data: {\"type\":\"agent.thinking\",\"id\":\"t\"}\n\n";
    assert_eq!(end(&format!("{message}{idle}{after}")).await, ["user.message", "session.status_idle"]);
    let chunk = "data: {\"type\":\"agent.message_chunk\",\"message_id\":\"m\",\"delta\":\"x\"}\n\n";
    let partial = "data: {\"type\":\"agent.message\",\"id\":\"m\",\"content\":[]}\n\n";
    let got = end(&format!("{message}{chunk}{idle}{partial}{after}")).await;
    assert_eq!(got, ["user.message", "agent.message_chunk", "session.status_idle", "agent.message"]);
    let needs = idle.replace("end_turn\"", "requires_action\",\"event_ids\":[\"t\"]").replace("\"i\"", "\"j\"");
    let got = end(&format!("{message}{needs}{after}{idle}")).await;
    assert_eq!(got, ["user.message", "session.status_idle", "agent.thinking", "session.status_idle"]);
}

/// The types of the events of a turn on a connection that stays open.
async fn read_turn(build: Build, wire: String) -> Vec<String> {
    let server = Server::new(build, vec![Sent { wire: wire.into_bytes(), row: None }], []);
    let items: Vec<_> = server.stream(Some(Turn::default())).collect().await;
    items.into_iter().map(|item| item.unwrap().event().unwrap().tag().to_owned()).collect()
}

/// v0 C7: a build that never sends `session.status_idle`.
#[tokio::test(start_paused = true)]
async fn the_end_of_a_turn_is_asked_for_where_no_event_says_so() {
    let wire = "data: {\"type\":\"user.message\",\"seq\":1,\"content\":[]}\n\n\
        data: {\"type\":\"span.model_request_end\",\"seq\":2,\"finish_reason\":\"stop\"}\n\n";
    let server = Server::new(Build::Node, vec![Sent { wire: wire.as_bytes().to_vec(), row: None }], []);
    let mut stream = server.stream(Some(Turn::default()));
    for _ in 0..2 {
        assert!(stream.next().await.unwrap().is_ok());
    }
    // It still runs, as far as the session says.
    assert!(tokio::time::timeout(Duration::from_secs(20), stream.next()).await.is_err());
    server.with(|state| state.over = true);
    assert!(stream.next().await.is_none());
}

#[test]
fn finds_the_type_of_an_object_without_reading_all_of_it() {
    for (json, word) in [
        (r#"{"type":"a.b"}"#, Some("a.b")),
        (r#" { "id" : "x" , "type" : "a" , "broken""#, Some("a")),
        (r#"{"a":{"type":"in"},"b":["type","in",{"type":"in"}],"type":"out"}"#, Some("out")),
        (r#"{"a":"type","type":"out"}"#, Some("out")),
        (r#"{"a\"type":"x\\","n":1,"type":"out"}"#, Some("out")),
        (r#"{"type":7,"id":"x"}"#, None),
        (r#"{"type":"a\u002eb"}"#, None),
        (r#"{"a":"type"}"#, None),
        (r#"["type","x"]"#, None),
        ("\"type\"", None),
        ("{\"type", None),
        ("{\"a\\", None),
        ("", None),
    ] {
        assert_eq!(tag(json), word, "{json}");
    }
}

/// Every hand-over copies an event whole.
#[test]
fn an_event_has_no_room_for_its_rarest_kinds() {
    assert!(size_of::<Event>() <= 800, "{}", size_of::<Event>());
}
