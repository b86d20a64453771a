//! Secrets of any type: never shown, written as they are, and checked.

use std::collections::BTreeMap;

use serde_json::json;

use crate::check::Check;
use crate::golden::secrets::{Kind, Login, Vault};
use crate::secret::Secret;

fn vault() -> Vault {
    let headers = BTreeMap::from([("x-key".to_owned(), "h1x".to_owned())]);
    Vault::new(headers, ["w1x"])
        .token("t1x")
        .each([Some(Secret::from("e1x")), None])
        .by_name(BTreeMap::from([("n".to_owned(), vec![Secret::from("b1x")])]))
        .login(Login::new().user("l1x"))
        .kind("basic1x")
        .inner(Vault::new(BTreeMap::new(), ["i1x"]))
        .anything(json!({"a": "a1x"}))
}

#[test]
fn nothing_secret_is_shown() {
    let shown = format!("{:?} {:#?}", vault(), vault());
    assert!(!shown.contains("1x"), "{shown}");
    assert_eq!(shown.matches("[redacted]").count(), 18);
}

#[test]
fn secrets_are_written_and_read_as_they_are() {
    let written = json!({
        "token": "t1x", "headers": {"x-key": "h1x"}, "words": ["w1x"], "each": ["e1x", null], "by_name": {"n": ["b1x"]},
        "login": {"user": "l1x"}, "kind": "basic1x", "inner": {"headers": {}, "words": ["i1x"]},
        "anything": {"a": "a1x"},
    });
    let read: Vault = serde_json::from_value(written.clone()).unwrap();
    assert_eq!(read, vault());
    assert_eq!(serde_json::to_value(&read).unwrap(), written);
    assert_eq!(read.kind.unwrap().expose(), &Kind::Unknown("basic1x".to_owned()));
}

#[test]
fn what_is_inside_a_secret_is_checked_and_not_repeated() {
    let said = |vault: Vault| vault.check().err().map(|error| error.to_string()).unwrap_or_default();
    let of = |header: &str, words: &[&str]| {
        Vault::new(BTreeMap::from([("x-key".to_owned(), header.to_owned())]), words.iter().copied())
    };
    assert_eq!(said(of("abc", &["w"])), "");
    assert_eq!(said(of("abcd", &["w"])), "`headers.x-key` must have at most 3 characters");
    assert_eq!(said(of("abc", &[])), "`words` must not be empty");
    assert_eq!(said(of("abc", &["w"]).token("t")), "`token` must have at least 2 characters");
    assert_eq!(said(of("abc", &["w"]).login(Login::new().user("user"))), "`login.user` must have at most 3 characters");
    assert_eq!(said(of("abc", &["w"]).inner(of("abc", &[]))), "`inner.words` must not be empty");
}
