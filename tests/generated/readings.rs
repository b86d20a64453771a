//! What is read in more ways than it is written: shorthands, numeric timestamps, enum values by other words.

use serde_json::json;

use crate::golden::readings::{Model, Row, Slot, Sort, State, Status};
use crate::serde_ext::Timestamp;

fn row(value: serde_json::Value) -> Row {
    serde_json::from_value(value).unwrap()
}

fn noon() -> Timestamp {
    "2026-02-04T12:00:00Z".parse().unwrap()
}

#[test]
fn a_bare_string_is_the_object_with_that_property() {
    let short = row(json!({"model": "opus", "at": 0, "others": ["a", {"id": "b", "speed": "fast"}]}));
    assert_eq!(short.model, Model::new("opus"));
    assert_eq!(short.others, [Model::new("a"), Model::new("b").speed("fast")]);
    let text: Row = serde_json::from_str(r#"{"model":"op\u0075s","at":0}"#).unwrap();
    assert_eq!(text.model, Model::new("opus"));
    assert_eq!(serde_json::to_value(&short.model).unwrap(), json!({"id": "opus"}), "written as an object");
    assert_eq!(row(json!({"model": {"name": "opus"}, "at": 0})).model, Model::new("opus"), "aliases still count");
}

#[test]
fn another_type_or_an_object_without_the_property_is_an_error() {
    let error = |text: &str| serde_json::from_str::<Model>(text).unwrap_err().to_string();
    assert!(error("3").starts_with("invalid type: integer `3`, expected an object or its `id`"), "{}", error("3"));
    assert!(error(r#"{"speed":"fast"}"#).starts_with("missing field `id`"), "{}", error(r#"{"speed":"fast"}"#));
}

#[test]
fn timestamps_are_read_as_numbers_and_written_as_documented() {
    let read = row(json!({"model": "m", "at": 1_770_206_400, "started": 1_770_206_400_000_i64, "ts": 1_770_206_400}));
    assert_eq!((read.at, read.started, read.ts), (noon(), Some(noon()), Some(noon())));
    let written = serde_json::to_value(&read).unwrap();
    let expected = json!({"model": {"id": "m"}, "at": 1_770_206_400, "others": [],
        "started": 1_770_206_400_000_i64, "ts": "2026-02-04T12:00:00Z"});
    assert_eq!(written, expected);
    let other = row(json!({"model": "m", "at": "2026-02-04T12:00:00Z", "started_ms": 1_770_206_400_000_i64}));
    assert_eq!((other.at, other.started, other.ts), (noon(), Some(noon()), None));
    assert_eq!(row(json!({"model": "m", "at": 0, "started": null, "started_ms": null})).started, None);
    assert!(serde_json::from_value::<Row>(json!({"model": "m"})).is_err(), "`at` is required");
}

#[test]
fn a_numeric_timestamp_may_be_absent_null_or_set() {
    let text = |slot: Slot| serde_json::to_string(&slot).unwrap();
    let states = [
        (Slot::new(), "{}"),
        (Slot::new().clear_at(), r#"{"at":null}"#),
        (Slot::new().at(noon()), r#"{"at":1770206400}"#),
    ];
    for (slot, expected) in states {
        assert_eq!(text(slot.clone()), expected);
        assert_eq!(serde_json::from_str::<Slot>(expected).unwrap(), slot, "{expected}");
    }
}

#[test]
fn an_enum_value_is_read_by_its_other_words_and_in_any_case_where_the_document_says_so() {
    for word in ["DEPLOYED", "deployed", "Deployed", "running", "RUNNING", "up"] {
        assert_eq!(Status::from(word), Status::Deployed, "{word}");
        let state: State = serde_json::from_value(json!({"status": word})).unwrap();
        assert_eq!(serde_json::to_value(&state).unwrap(), json!({"status": "DEPLOYED"}), "{word}");
    }
    assert_eq!(Status::from("failing"), Status::Unknown("failing".to_owned()));
    assert_eq!(Sort::from("descending"), Sort::Minus1);
    assert_eq!(Sort::from("Descending"), Sort::Unknown("Descending".to_owned()), "this one minds the case");
    assert_eq!(Status::KNOWN, ["DEPLOYED", "FAILED"]);
}

#[test]
fn values_that_differ_in_signs_and_symbols_have_names_of_their_own() {
    let values = [
        (Sort::CreatedAt, "created_at"),
        (Sort::MinusCreatedAt, "-created_at"),
        (Sort::Plus1, "+1"),
        (Sort::Minus1, "-1"),
        (Sort::Value1, "1"),
        (Sort::Empty, ""),
        (Sort::GreaterEqual, ">="),
        (Sort::AB, "a/b"),
        (Sort::SelfValue, "self"),
        (Sort::UnknownValue, "unknown"),
        (Sort::Value2x, "2x"),
    ];
    assert_eq!(values.clone().map(|(_, word)| word), Sort::KNOWN);
    for (value, word) in values {
        assert_eq!((value.as_str(), Sort::from(word)), (word, value.clone()));
    }
}
