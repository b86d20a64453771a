//! `check()`: right at the bound, refused beyond it, by the path that leads there.

use std::collections::BTreeMap;

use crate::check::Check;
use crate::golden::checks::{Form, Hue, Line};
use crate::golden::unions::{Message, TextBlock};
use crate::golden::untagged::{Body, Content, Limit, Nested, Part};
use crate::golden::updates::ThingChange;

fn form() -> Form {
    Form::new("abc", [])
}

/// What is said of `value`; nothing if it is in order.
fn said(value: &impl Check) -> String {
    value.check().err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn strings() {
    assert_eq!(said(&form()), "");
    assert_eq!(said(&Form::new("ééé", [])), "", "characters are counted, not bytes");
    assert_eq!(said(&Form::new("éééé", [])), "`name` must have between 1 and 3 characters, not 4");
    assert_eq!(said(&Form::new("", [])), "`name` must not be empty");
    assert_eq!(said(&form().slug("a-b")), "");
    assert_eq!(said(&form().slug("A-b")), "`slug` must match `^[a-z-]+$`, not \"A-b\"");
    assert_eq!(said(&form().hook("https://a.example")), "");
    assert_eq!(said(&form().hook("http://a.example")), "`hook` must be an `https://` URL, not \"http://a.example\"");
}

#[test]
fn a_least_length_of_nothing_is_no_bound_and_a_pattern_without_a_format_is_only_one() {
    assert_eq!(said(&form().any("")), "");
    assert_eq!(said(&form().link("https://")), "");
    assert_eq!(said(&form().link("HTTPS://a")), "`link` must match `^https://`, not \"HTTPS://a\"");
}

#[test]
fn items_that_may_be_null_are_checked_where_they_are_not() {
    assert_eq!(said(&form().gaps([None, Some(Line::new("a"))])), "");
    assert_eq!(
        said(&form().gaps([None, Some(Line::new("ab"))])),
        "`gaps[1].text` must have at most 1 character, not 2"
    );
    assert_eq!(said(&form().holes([Some("a".to_owned()), None])), "");
    assert_eq!(said(&form().holes([None, Some("ab".to_owned())])), "`holes[1]` must have at most 1 character, not 2");
}

#[test]
fn uuids() {
    for id in ["0199C3D0-8b3c-7e1f-9a55-3d2c1b0a9f8e", "0199c3d08b3c7e1f9a553d2c1b0a9f8E"] {
        assert_eq!(said(&form().id(id)), "", "{id}");
    }
    for id in ["agent-01", "", "0199c3d0-8b3c-7e1f-9a55-3d2c1b0a9f8", "{0199c3d0-8b3c-7e1f-9a55-3d2c1b0a9f8e}"] {
        assert!(said(&form().id(id)).starts_with("`id` must be a UUID"), "{id}");
    }
}

#[test]
fn numbers() {
    assert_eq!(said(&form().count(1)) + &said(&form().count(200)), "");
    assert_eq!(said(&form().count(0)), "`count` must be between 1 and 200, not 0");
    assert_eq!(said(&form().count(201)), "`count` must be between 1 and 200, not 201");
    assert_eq!(said(&form().rank(-1)), "");
    assert_eq!(said(&form().rank(-2)), "`rank` must be more than -2, not -2");
    assert_eq!(said(&form().score(0.0)), "");
    assert_eq!(said(&form().score(1.0)), "`score` must be at least 0 and less than 1, not 1");
    assert_eq!(said(&form().share(1.0)), "");
    assert_eq!(said(&form().share(0.0)), "`share` must be more than 0 and at most 1, not 0");
    assert_eq!(said(&form().score(f64::NAN)), "`score` must be a finite number, not NaN");
}

#[test]
fn lists_and_maps() {
    assert_eq!(said(&form().vector([0.5, 1e300])), "");
    assert_eq!(said(&form().vector([])), "`vector` must not be empty");
    assert_eq!(said(&form().vector([1.0, 2.0, 3.0])), "`vector` must have between 1 and 2 items, not 3");
    assert_eq!(said(&form().vector([1.0, f64::INFINITY])), "`vector[1]` must be a finite number, not inf");
    assert_eq!(said(&form().tags(["ab", "abc"])), "`tags[1]` must have at most 2 characters, not 3");
    assert_eq!(said(&form().grid([vec![9], vec![1, 10]])), "`grid[1][1]` must be at most 9, not 10");
    assert_eq!(said(&form().holes([None, Some("ab".to_owned())])), "`holes[1]` must have at most 1 character, not 2");
    let labels = |value: &str| form().labels(BTreeMap::from([("a.b".to_owned(), value.to_owned())]));
    assert_eq!(said(&labels("ab")), "");
    assert_eq!(said(&labels("abc")), "`labels.a.b` must have at most 2 characters, not 3");
}

#[test]
fn what_is_inside_is_named_by_its_path() {
    assert_eq!(said(&form().line(Line::new("a").next(Line::new("b")))), "");
    assert_eq!(
        said(&form().line(Line::new("a").next(Line::new("bb")))),
        "`line.next.text` must have at most 1 character, not 2"
    );
    let lines = [Line::new("a"), Line::new("bb")];
    assert_eq!(said(&Form::new("abc", lines)), "`lines[1].text` must have at most 1 character, not 2");
    assert_eq!(said(&form().color(Hue::from("any word"))), "", "the server decides on words");
}

#[test]
fn unions_check_the_arm_that_is_there() {
    let message = |text: &str| Message::new([TextBlock::new("ok").into(), TextBlock::new(text).into()]);
    assert_eq!(said(&message("12345")), "");
    assert_eq!(said(&message("123456")), "`content[1].text` must have at most 5 characters, not 6");
    assert_eq!(said(&Content::new("123456")), "`body` must have at most 5 characters, not 6");
    assert_eq!(said(&Content::new(vec![Part::new("1234")])), "`body[0].text` must have at most 3 characters, not 4");
    assert_eq!(said(&Content::new(Nested::new("123456"))), "`body.inner` must have at most 5 characters, not 6");
    assert_eq!(said(&Content::new("a").limit(Limit::Integer(0))), "`limit` must be at least 1, not 0");
    assert_eq!(said(&Body::Unknown("1234567".into())), "", "what is not known is not judged");
}

#[test]
fn a_patch_is_checked_where_it_has_a_value() {
    assert_eq!(said(&ThingChange::new().clear_note()), "");
    assert_eq!(said(&ThingChange::new().note("abc")), "");
    assert_eq!(said(&ThingChange::new().note("abcd")), "`note` must have at most 3 characters, not 4");
}
