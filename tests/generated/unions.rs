//! Open unions, with a tag and without.

use serde_json::{Value, json};

use crate::golden::unions::{
    Block, BlockHolder, BlockOrText, Event, ImageBlock, Loose, Message, Status, TextBlock, ToolUse, ToolUseType,
};
use crate::golden::untagged::{Body, Limit, Part};

/// The path and the message of an error, as callers see them.
fn failure<T: serde::de::DeserializeOwned>(text: &str) -> (String, String) {
    let mut reader = serde_json::Deserializer::from_str(text);
    let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut reader) else { panic!("{text} was read") };
    (error.path().to_string(), error.inner().to_string())
}

fn text_block(text: &str) -> Block {
    TextBlock::new(text).into()
}

#[test]
fn the_tag_is_found_wherever_it_stands() {
    let expected = Event::from(Message::new([text_block("hi")]));
    for text in [
        r#"{"type":"user.message","content":[{"type":"text","text":"hi"}]}"#,
        r#"{"content":[{"text":"hi","type":"text"}],"type":"user.message"}"#,
        r#"{"a":1,"type":"user.message","b":{"type":"c"},"content":[{"extra":[],"type":"text","text":"hi"}]}"#,
        "{\"ty\\u0070e\":\"user\\u002emessage\",\"content\":[{\"type\":\"te\\u0078t\",\"text\":\"hi\"}]}",
    ] {
        assert_eq!(serde_json::from_str::<Event>(text).unwrap(), expected, "{text}");
        assert_eq!(serde_json::from_slice::<Event>(text.as_bytes()).unwrap(), expected, "{text}");
        assert_eq!(serde_json::from_reader::<_, Event>(text.as_bytes()).unwrap(), expected, "{text}");
        assert_eq!(serde_json::from_value::<Event>(serde_json::from_str(text).unwrap()).unwrap(), expected, "{text}");
    }
}

#[test]
fn the_tag_is_written_first() {
    let message = Message::new([text_block("hi"), ImageBlock::new("a.png").into()]).reply_to(Message::new([]));
    let text = concat!(
        r#"{"type":"user.message","content":[{"type":"text","text":"hi"},{"type":"image","source":"a.png"}],"#,
        r#""reply_to":{"type":"user.message","content":[]}}"#,
    );
    assert_eq!(serde_json::to_string(&Event::from(message.clone())).unwrap(), text);
    assert_eq!(serde_json::to_string(&message).unwrap(), text, "alone too");
    assert_eq!(serde_json::from_str::<Message>(text).unwrap(), message);
}

#[test]
fn an_unknown_tag_keeps_the_whole_object() {
    for text in [
        r#"{"type":"agent.thought","deep":{"a":[1,2.5,null]},"z":"é"}"#,
        r#"{"deep":1,"type":"agent.thought","z":true}"#,
        r#"{"no":"tag"}"#,
        r#"{"type":null,"a":1}"#,
        r#"{"type":7}"#,
        r#"{"type":{"type":"user.message"}}"#,
        r#"{"type":["user.message"]}"#,
        "{}",
    ] {
        let value: Value = serde_json::from_str(text).unwrap();
        let event: Event = serde_json::from_str(text).unwrap();
        assert_eq!(event, Event::Unknown(value.clone()), "{text}");
        assert_eq!(serde_json::to_value(&event).unwrap(), value, "{text}");
        assert_eq!(event.tag(), value["type"].as_str().unwrap_or_default(), "{text}");
    }
}

#[test]
fn a_broken_body_is_an_error_that_names_the_field() {
    let first = failure::<Event>(r#"{"type":"user.message","content":[{"type":"text","text":7}]}"#);
    assert_eq!(first.0, "content[0].text");
    assert_eq!(first.1, "invalid type: integer `7`, expected a string at line 1 column 57");
    let last = failure::<Event>(r#"{"content":[{"type":"text","text":7}],"type":"user.message"}"#);
    assert!(last.1.starts_with("content: invalid type: integer `7`, expected a string"), "{}", last.1);
    let missing = failure::<BlockHolder>(r#"{"block":{"type":"text"}}"#);
    assert_eq!((missing.0.as_str(), missing.1.as_str()), ("block", "missing field `text` at line 1 column 24"));
    let missing = failure::<Event>(r#"{"name":"search"}"#.replace('}', r#","type":"tool_use","name":1}"#).as_str());
    assert!(missing.1.contains("duplicate field `name`"), "{}", missing.1);
}

#[test]
fn what_is_no_object_is_an_error() {
    let expected = "invalid type: string \"hi\", expected an object (Event) at line 1 column 4";
    assert_eq!(failure::<Event>(r#""hi""#).1, expected);
}

#[test]
fn a_member_that_several_words_lead_to_keeps_the_word() {
    let text = r#"{"type":"mcp_tool_use","name":"search"}"#;
    let event: Event = serde_json::from_str(text).unwrap();
    assert_eq!(event, ToolUse::new(ToolUseType::McpToolUse, "search").into());
    assert_eq!(event.tag(), "mcp_tool_use");
    assert_eq!(serde_json::to_string(&event).unwrap(), text);
    let idle: Event = serde_json::from_str(r#"{"since":"2026-02-04","type":"status.idle"}"#).unwrap();
    assert_eq!(idle.tag(), "status.idle");
    assert_eq!(Event::from(Status::new()).tag(), "", "an optional tag that is not set");
}

#[test]
fn a_member_without_the_property_still_writes_its_tag() {
    let text = r#"{"type":"loose","note":"a","more":1}"#;
    let event: Event = serde_json::from_str(text).unwrap();
    let Event::Loose(loose) = &event else { panic!("{event:?}") };
    assert_eq!(Value::Object(loose.unknown.clone()), json!({ "more": 1 }), "the tag is no unknown field");
    assert_eq!(serde_json::to_string(&event).unwrap(), text);
    assert_eq!(serde_json::from_str::<Loose>(text).unwrap(), *loose);
}

#[test]
fn an_event_name_picks_the_variant_and_the_text_does_otherwise() {
    let untagged = r#"{"content":[]}"#;
    let message = Event::from(Message::new([]));
    assert_eq!(Event::decode(Some("user.message"), untagged).unwrap(), message);
    assert_eq!(
        Event::decode(Some("user.message"), r#"{"type":"loose","content":[]}"#).unwrap(),
        message,
        "the name decides"
    );
    assert_eq!(Event::decode(Some("message"), r#"{"type":"user.message","content":[]}"#).unwrap(), message);
    assert_eq!(Event::decode(None, r#"{"type":"user.message","content":[]}"#).unwrap(), message);
    assert_eq!(Event::decode(None, untagged).unwrap(), Event::Unknown(json!({ "content": [] })));
    assert_eq!(Event::decode(Some("loose"), r#"{"type":"loose","note":"a"}"#).unwrap(), Loose::new().note("a").into());
    assert!(Event::decode(Some("user.message"), "[DONE]").is_err());
}

#[test]
fn a_union_works_inside_an_untagged_arm() {
    let read = |text: &str| serde_json::from_str::<BlockHolder>(text).unwrap().either.unwrap();
    let holder = |either: &str| format!(r#"{{"block":{{"type":"text","text":"a"}},"either":{either}}}"#);
    assert_eq!(
        read(&holder(r#"{"source":"a.png","type":"image"}"#)),
        BlockOrText::Block(ImageBlock::new("a.png").into())
    );
    assert_eq!(read(&holder(r#"{"type":"text","text":"b"}"#)), BlockOrText::Block(text_block("b")));
    assert_eq!(read(&holder(r#""plain""#)), "plain".into());
    assert_eq!(read(&holder(r#"{"type":"video"}"#)), BlockOrText::Block(Block::Unknown(json!({ "type": "video" }))));
    assert_eq!(read(&holder("[1]")), BlockOrText::Unknown(json!([1])));
    assert_eq!(
        read(&holder(r#"{"type":"text","text":1}"#)),
        BlockOrText::Unknown(json!({ "type": "text", "text": 1 }))
    );
}

#[test]
fn a_struct_with_a_tag_stands_outside_of_its_union_too() {
    let text = r#"{"block":{"type":"text","text":"a"},"title":{"type":"text","text":"b"}}"#;
    let holder: BlockHolder = serde_json::from_str(text).unwrap();
    assert_eq!(holder, BlockHolder::new(TextBlock::new("a")).title(TextBlock::new("b")));
    assert_eq!(serde_json::to_string(&holder).unwrap(), text);
}

#[test]
fn the_arms_of_an_untagged_union_are_tried_in_turn() {
    let read = |text: &str| serde_json::from_str::<Body>(text).unwrap();
    assert_eq!(read(r#""a""#), "a".into());
    assert_eq!(read(r#"{"text":"a"}"#), Part::new("a").into());
    assert_eq!(read(r#"[{"text":"a"}]"#), vec![Part::new("a")].into());
    assert_eq!(read(r#"{"inner":"a"}"#), crate::golden::untagged::Nested::new("a").into());
    for other in ["null", "7", r#"{"texts":[]}"#] {
        assert_eq!(serde_json::to_string(&read(other)).unwrap(), other);
        assert_eq!(read(other), Body::Unknown(serde_json::from_str(other).unwrap()));
    }
    assert_eq!(serde_json::from_str::<Limit>("1").unwrap(), Limit::Integer(1));
    assert_eq!(serde_json::from_str::<Limit>("1.5").unwrap(), Limit::Number(1.5));
    assert_eq!(serde_json::from_str::<Limit>("true").unwrap(), Limit::from(true));
}

#[test]
fn decoding_needs_little_stack() {
    let deep = r#"{"type":"user.message","content":[],"reply_to":"#.repeat(40) + "null" + &"}".repeat(40);
    let read = move || serde_json::from_str::<Event>(&deep).map(|_| ());
    let thread = std::thread::Builder::new().stack_size(256 * 1024).spawn(read).unwrap();
    thread.join().unwrap().unwrap();
}
