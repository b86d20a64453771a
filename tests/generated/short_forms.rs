//! Short forms: a bare string in the place of an object, of a list, or of an arm of a union.

use serde_json::{Value, json};

use crate::check::Check;
use crate::golden::short_forms::{
    AgentChoice, AgentReference, Block, Image, Model, Opening, Result, Status, StatusType, Text,
};

fn read(value: Value) -> Result {
    let text = value.to_string();
    let read: Result = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::from_value::<Result>(value).unwrap(), read, "{text}");
    read
}

fn text(text: &str) -> Block {
    Text::new(text).into()
}

#[test]
fn a_string_in_place_of_a_list_is_a_list_of_one() {
    assert_eq!(read(json!({"content": "done"})).content, [text("done")]);
    assert_eq!(read(json!({"content": ""})).content, [text("")]);
    let whole = json!({"content": [{"type": "text", "text": "done"}, {"type": "image", "url": "a.png"}]});
    assert_eq!(read(whole).content, [text("done"), Image::new("a.png").into()]);
    assert_eq!(read(json!({"content": ["done", {"type": "image", "url": "a.png"}]})).content.len(), 2);
    for none in [json!({"content": null}), json!({"content": []}), json!({})] {
        assert_eq!(read(none).content, []);
    }
}

#[test]
fn a_string_in_place_of_a_union_is_the_arm_that_is_named() {
    assert_eq!(read(json!({"rubric": "short"})).rubric, Some(text("short")));
    assert_eq!(read(json!({"rubric": {"type": "image", "url": "a.png"}})).rubric, Some(Image::new("a.png").into()));
    assert_eq!(read(json!({"rubric": null})).rubric, None);
}

#[test]
fn a_string_in_place_of_an_object_is_its_property() {
    assert_eq!(read(json!({"model": "m-1"})).model, Some(Model::new("m-1")));
    assert_eq!(read(json!({"model": {"id": "m-1", "speed": "fast"}})).model, Some(Model::new("m-1").speed("fast")));
    assert_eq!(read(json!({"status": "exhausted"})).status, Some(Status::new(StatusType::Exhausted)));
    assert_eq!(read(json!({"status": "gone"})).status, Some(Status::new("gone")), "unknown values too");
    assert_eq!(read(json!({"status": {"type": "retrying"}})).status, Some(Status::new(StatusType::Retrying)));
}

#[test]
fn the_long_form_is_written() {
    let result = read(json!({"content": "done", "rubric": "short", "model": "m-1", "status": "retrying"}));
    assert_eq!(
        serde_json::to_value(result).unwrap(),
        json!({
            "content": [{"type": "text", "text": "done"}], "rubric": {"type": "text", "text": "short"},
            "model": {"id": "m-1"}, "status": {"type": "retrying"},
        })
    );
}

#[test]
fn another_type_is_an_error_that_names_the_field() {
    for (value, words) in [
        (json!({"content": 7}), "invalid type: integer `7`, expected a list or a string"),
        (json!({"content": {"type": "text"}}), "invalid type: map, expected a list or a string"),
        (json!({"rubric": 7}), "invalid type: integer `7`, expected an object (Block)"),
        (json!({"model": 7}), "invalid type: integer `7`"),
    ] {
        let error = serde_json::from_str::<Result>(&value.to_string()).unwrap_err().to_string();
        assert!(error.starts_with(words), "{value}: {error}");
    }
}

#[test]
fn a_union_may_have_an_arm_that_is_a_string() {
    for (choice, wire) in [
        (AgentChoice::from("agent_01"), json!("agent_01")),
        (AgentReference::new("agent_01").version(2).into(), json!({"type": "agent", "id": "agent_01", "version": 2})),
    ] {
        assert_eq!(serde_json::to_value(&choice).unwrap(), wire);
        assert_eq!(serde_json::from_value::<AgentChoice>(wire.clone()).unwrap(), choice);
        assert_eq!(serde_json::from_str::<AgentChoice>(&wire.to_string()).unwrap(), choice);
    }
    assert_eq!(serde_json::to_value(Opening::new("agent_01")).unwrap(), json!({"agent": "agent_01"}));
    assert_eq!(AgentChoice::Id("agent_01".to_owned()).tag(), "");
    assert_eq!(AgentChoice::from(AgentReference::new("agent_01")).tag(), "agent");
    let unknown = json!({"type": "team", "id": "t"});
    assert_eq!(serde_json::from_value::<AgentChoice>(unknown.clone()).unwrap(), AgentChoice::Unknown(unknown));
    assert!(serde_json::from_str::<AgentChoice>("7").is_err());
}

#[test]
fn the_arms_beside_a_string_are_checked() {
    let error = Opening::new(AgentReference::new("agent_01").version(0)).check().unwrap_err().to_string();
    assert!(error.contains("agent.version"), "{error}");
    Opening::new("agent_01").check().unwrap();
}
