//! Methods of a union for the fields that most of its choices have.

use serde_json::json;

use crate::golden::accessors::{Chunk, Event, Image, Mark, Message, News, Status, Text};
use crate::serde_ext::Timestamp;

fn event(value: serde_json::Value) -> Event {
    serde_json::from_value(value).unwrap()
}

#[test]
fn a_shared_field_is_there_whichever_choice_it_is() {
    let at: Timestamp = "2026-02-04T12:00:00Z".parse().unwrap();
    let message = event(json!({"type": "message", "id": "m1", "seq": 7, "at": "2026-02-04T12:00:00Z"}));
    assert!(matches!(message, Event::Message(_)));
    assert_eq!((message.id(), message.seq(), message.at()), (Some("m1"), Some(7), Some(at)));
    assert_eq!((message.note(), message.mark()), (None, None));
    let status = event(json!({"type": "idle", "id": null, "mark": {"a": "b"}, "note": "n"}));
    assert_eq!((status.id(), status.seq(), status.at()), (None, None, None));
    assert_eq!((status.note(), status.mark()), (Some("n"), Some(&Mark::new().a("b"))));
}

#[test]
fn a_field_of_most_choices_is_none_for_the_others() {
    let (chunk, text) = (News::from(Chunk::new().thread("t").delta("d")), News::from(Text::new().seq(7)));
    assert_eq!((chunk.thread(), chunk.seq()), (Some("t"), None));
    assert_eq!((text.thread(), text.seq()), (None, Some(7)));
    assert_eq!(News::from(Image::new(8)).seq(), Some(8));
    let committed = include_str!("../golden/accessors.rs");
    let methods = committed.split("impl News {").nth(1).unwrap().split("\n}\n").next().unwrap();
    assert!(!methods.contains("fn delta"), "one of three is not most: {methods}");
}

#[test]
fn an_unknown_choice_has_none() {
    let unknown = event(json!({"type": "new", "id": "u1"}));
    assert_eq!((unknown.tag(), unknown.id(), unknown.seq()), ("new", None, None));
}

#[test]
fn there_is_no_method_for_what_differs_or_is_taken() {
    let committed = include_str!("../golden/accessors.rs");
    let methods = committed.split("impl Event {").nth(1).unwrap().split("\n}\n").next().unwrap();
    let names: Vec<&str> = methods.split("pub fn ").skip(1).map(|method| method.split('(').next().unwrap()).collect();
    assert_eq!(names, ["id", "seq", "at", "mark", "note"], "not `tags`, `check`, `text`, `size`");
    let _ = (Message::new("m", 1, Timestamp::now()), Status::new(None, Mark::new()));
}
