//! Fields: absent, null and empty; other spellings; what is not known; order.

use serde_json::{Value, json};

use crate::golden::aliases::{Usage, UsageChange};
use crate::golden::client_defaults::Job;
use crate::golden::keep_unknown::Row;
use crate::golden::lists::{Both, Box as Received, Order};
use crate::golden::nullable::{Mark, State};
use crate::golden::order::{Ape, Zebra};
use crate::golden::pruning::{Inner, Used};
use crate::golden::recursion::{Leaf, Tree};
use crate::golden::updates::{CardCreate, CardUpdate, Parent, Swap, ThingChange, Turn};

fn text<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap()
}

#[test]
fn a_received_list_reads_null_and_absent_as_empty() {
    for source in [
        "{}",
        r#"{"items":null,"sizes":null,"held":null,"maybe":null,"labels":null,"extra":null}"#,
        r#"{"items":[],"sizes":[],"held":[],"maybe":[],"labels":{}}"#,
    ] {
        let received: Received = serde_json::from_str(source).unwrap();
        assert_eq!(received, Received::new(Vec::<String>::new(), [], std::collections::BTreeMap::new()), "{source}");
    }
    let received: Received = serde_json::from_str(r#"{"sizes":[1],"maybe":["a",null]}"#).unwrap();
    assert_eq!((received.sizes, received.maybe), (vec![1], vec![Some("a".to_owned()), None]));
    assert!(serde_json::from_str::<Received>(r#"{"items":"a"}"#).is_err());
}

#[test]
fn a_sent_list_is_sent_when_it_is_set() {
    assert_eq!(text(&Order::new(["a"], None)), r#"{"items":["a"],"gone":null}"#);
    assert_eq!(text(&Order::new(["a"], Some(vec![])).more([1, 2])), r#"{"items":["a"],"gone":[],"more":[1,2]}"#);
    assert_eq!(text(&Order::new(Vec::<String>::new(), None).more([])), r#"{"items":[],"gone":null,"more":[]}"#);
    assert!(serde_json::from_str::<Order>(r#"{"gone":[]}"#).is_err(), "a sent list that is required is required");
    let both: Both = serde_json::from_str(r#"{"items":null,"gone":null}"#).unwrap();
    assert_eq!((both.items.len(), both.gone, both.more), (0, None, None));
}

#[test]
fn what_the_client_has_a_default_for_is_set_by_a_setter() {
    assert_eq!(text(&Job::new("a")), r#"{"name":"a"}"#, "the client adds it");
    assert_eq!(text(&Job::new("a").team("b")), r#"{"team":"b","name":"a"}"#);
    assert!(crate::check::Check::check(&Job::new("a").team("")).is_err());
}

#[test]
fn a_patch_knows_absent_null_and_a_value() {
    let states = [
        (ThingChange::new(), "{}"),
        (ThingChange::new().clear_note(), r#"{"note":null}"#),
        (ThingChange::new().note("a"), r#"{"note":"a"}"#),
        (ThingChange::new().type_("b").clear_tags().name("c"), r#"{"name":"c","type":"b","tags":null}"#),
        (ThingChange::new().tags(["a"]).clear_type(), r#"{"type":null,"tags":["a"]}"#),
        (ThingChange::new().parent(Parent::new("p")), r#"{"parent":{"id":"p"}}"#),
        (ThingChange::new().clear_parent().version(3), r#"{"parent":null,"version":3}"#),
    ];
    for (change, expected) in states {
        assert_eq!(text(&change), expected);
        assert_eq!(serde_json::from_str::<ThingChange>(expected).unwrap(), change, "{expected}");
    }
}

#[test]
fn an_update_is_known_by_its_name_and_a_create_is_none() {
    assert_eq!(text(&CardUpdate::new().clear_url()), r#"{"url":null}"#);
    let create: CardCreate = serde_json::from_str(r#"{"url":null}"#).unwrap();
    assert_eq!((create.url.clone(), text(&create)), (None, "{}".to_owned()));
}

#[test]
fn a_body_of_a_patch_at_any_route_is_an_update() {
    assert_eq!(text(&Swap::new().clear_note()), r#"{"note":null}"#, "PATCH, with a further route PUT");
    assert_eq!(text(&Turn::new().clear_note()), r#"{"note":null}"#, "POST, with a further route PATCH");
}

#[test]
fn required_and_nullable_is_written_as_null() {
    let state = State::new(None, None, Mark::new("a"));
    assert_eq!(text(&state), r#"{"gone":null,"seen":null,"mark":{"at":"a"}}"#);
    let read: State = serde_json::from_str(r#"{"gone":"b","seen":null,"left":null,"mark":{"at":"a"}}"#).unwrap();
    assert_eq!((read.gone.as_deref(), read.left), (Some("b"), None));
    assert!(serde_json::from_str::<State>(r#"{"gone":null,"seen":null,"mark":null}"#).is_err());
}

#[test]
fn of_several_spellings_the_first_with_a_value_wins() {
    let read = |text: &str| serde_json::from_str::<Usage>(text).map(|usage| usage.total);
    assert_eq!(read(r#"{"total":1,"plain":""}"#).unwrap(), 1);
    assert_eq!(read(r#"{"sum":3,"plain":""}"#).unwrap(), 3);
    assert_eq!(read(r#"{"sum":3,"total_count":2,"total":1,"plain":""}"#).unwrap(), 1, "both may be there");
    assert_eq!(read(r#"{"sum":3,"total":null,"total_count":2,"plain":""}"#).unwrap(), 2, "null is no value");
    for (missing, column) in [(r#"{"plain":""}"#, 12), (r#"{"total":null,"sum":null,"plain":""}"#, 36)] {
        let words = read(missing).unwrap_err().to_string();
        assert_eq!(words, format!("missing field `total` at line 1 column {column}"));
    }
    let usage: Usage = serde_json::from_str(r#"{"total":1,"plain":"","remark":"r","elements":["a"],"new":7}"#).unwrap();
    assert_eq!((usage.note.as_deref(), usage.items.as_slice()), (Some("r"), ["a".to_owned()].as_slice()));
    assert_eq!(text(&usage), r#"{"total":1,"note":"r","items":["a"],"plain":"","new":7}"#, "written by its own name");
}

#[test]
fn a_wrong_value_under_another_spelling_is_named_so() {
    let mut reader = serde_json::Deserializer::from_str(r#"{"plain":"","remark":7}"#);
    let error = serde_path_to_error::deserialize::<_, UsageChange>(&mut reader).unwrap_err();
    assert_eq!(error.path().to_string(), "remark");
}

#[test]
fn spellings_and_the_three_states_of_a_patch_go_together() {
    let read = |text: &str| serde_json::from_str::<UsageChange>(text).unwrap().note;
    assert_eq!(read("{}"), None);
    assert_eq!(read(r#"{"remark":null}"#), Some(None));
    assert_eq!(read(r#"{"note":null,"remark":"r"}"#), Some(Some("r".to_owned())));
    assert_eq!(read(r#"{"note":"n","remark":null}"#), Some(Some("n".to_owned())));
}

#[test]
fn a_key_counts_however_it_is_escaped_and_a_known_one_comes_once() {
    let read = |text: &str| serde_json::from_str::<Row>(text);
    let row = read(r#"{"\u0069d":"r","\u006eew":1,"new":2}"#).unwrap();
    assert_eq!((row.id.as_str(), Value::Object(row.unknown)), ("r", json!({ "new": 2 })), "of unknown ones the last");
    let words = read(r#"{"id":"r","new":1,"id":"s"}"#).unwrap_err().to_string();
    assert!(words.starts_with("duplicate field `id` at line 1"), "{words}");
    let words = read(r#"["r"]"#).unwrap_err().to_string();
    assert!(words.starts_with("invalid type: sequence, expected an object (Row) at line 1"), "{words}");
}

#[test]
fn unknown_fields_go_round_where_they_are_kept() {
    let source = r#"{"id":"a","new":{"deep":[1]},"other":null}"#;
    let row: Row = serde_json::from_str(source).unwrap();
    assert_eq!(Value::Object(row.unknown.clone()), json!({ "new": { "deep": [1] }, "other": null }));
    assert_eq!(text(&row), source);
    let used: Used = serde_json::from_str(r#"{"inner":{"text":"a","new":1},"new":1}"#).unwrap();
    assert_eq!(used, Used::new().inner(Inner::new().text("a")), "elsewhere they are passed over");
}

#[test]
fn fields_and_arguments_stand_in_the_order_of_the_document() {
    let zebra = Zebra::new("ape", "ant").bee("bee").zoo(Ape::new("z", "a"));
    assert_eq!(text(&zebra), r#"{"zoo":{"z":"z","a":"a"},"ape":"ape","Bee":"bee","ant-hill":"ant"}"#);
}

#[test]
fn a_type_may_hold_itself() {
    let tree = Tree::new("a").parent(Tree::new("b")).left(Leaf::new().tree(Tree::new("c"))).children([Tree::new("d")]);
    let source = concat!(
        r#"{"name":"a","parent":{"name":"b","children":[]},"children":[{"name":"d","children":[]}],"#,
        r#""left":{"tree":{"name":"c","children":[]}}}"#,
    );
    assert_eq!(text(&tree), source);
    assert_eq!(serde_json::from_str::<Tree>(source).unwrap(), tree);
}
