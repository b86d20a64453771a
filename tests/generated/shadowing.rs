//! Names that Rust or the generated types need for themselves.

use crate::golden::shadowing::{Box as Boxed, Option as Options, Secret, String as Text, Vec as List};

#[test]
fn a_setter_hides_no_method_that_every_type_has() {
    let options = Options::default().with_default("a").with_new("b").with_clone(true).with_into("c");
    assert_eq!(options.clone(), Options { ..options.clone() });
    let same: Options = options.clone();
    assert_eq!(serde_json::to_string(&same).unwrap(), r#"{"default":"a","new":"b","clone":true,"into":"c"}"#);
    assert_eq!(serde_json::to_string(&Options::new().clear_into()).unwrap(), r#"{"into":null}"#);
}

#[test]
fn a_component_may_be_named_like_a_type_of_the_library() {
    let options = Options::new().string(Text::new().a("s")).secret(Secret::new().a("t")).vec(List::new().a("v"));
    let text = serde_json::to_string(&options).unwrap();
    assert_eq!(text, r#"{"String":{"a":"s"},"secret":{"a":"t"},"vec":{"a":"v"}}"#);
    let boxed: Boxed = serde_json::from_str(r#"{"result":{"a":"r"}}"#).unwrap();
    assert_eq!(boxed.result.unwrap(), Text::new().a("r"));
}
