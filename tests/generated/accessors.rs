//! Methods of a union for the fields that all its choices have.

use serde_json::json;

use crate::golden::accessors::{Event, Mark, Message, Status};
use crate::open::Timestamp;

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
fn an_unknown_choice_has_none() {
    let unknown = event(json!({"type": "new", "id": "u1"}));
    assert_eq!((unknown.tag(), unknown.id(), unknown.seq()), ("new", None, None));
}

#[test]
fn there_is_no_method_for_what_differs_or_is_taken() {
    let committed = include_str!("../golden/accessors.rs");
    let methods = committed.split("impl Event {").nth(1).unwrap().split("\n}\n").next().unwrap();
    let names: Vec<&str> =
        methods.split("pub fn ").skip(1).map(|method| method.split('(').next().unwrap()).collect();
    assert_eq!(names, ["id", "seq", "at", "mark", "note"], "not `tags`, `check`, `text`, `size`");
    let _ = (Message::new("m", 1, Timestamp::now()), Status::new(None, Mark::new()));
}
