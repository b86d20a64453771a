//! Response objects that come bare or wrapped in another object: `{"id": ..}` or `{"run": {"id": ..}}`.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::operation::OperationSpec;
use crate::text::without_bom;

type Fields<'a> = HashMap<String, &'a RawValue>;

/// The key and the text of the object in `body` that is the response; `None` if that is `body` itself.
///
/// An object with all required properties is the response, whatever else is in it. Otherwise it is the first object
/// under one of the operation's keys that has them, or the first one at all.
pub(super) fn inner<'a>(spec: &OperationSpec, body: &'a [u8]) -> Option<(&'static str, &'a str)> {
    if spec.wrapped.is_empty() {
        return None;
    }
    let fields: Fields<'a> = serde_json::from_slice(without_bom(body)).ok()?;
    if !spec.required.is_empty() && has_all(&fields, spec.required) {
        return None;
    }
    let objects = spec.wrapped.iter().filter_map(|key| Some((*key, fields.get(*key)?.get())));
    let objects: Vec<_> = objects.filter(|(_, text)| text.starts_with('{')).collect();
    let is_whole = |(_, text): &&(&str, &'a str)| {
        serde_json::from_str(text).is_ok_and(|fields: Fields<'_>| has_all(&fields, spec.required))
    };
    objects.iter().find(is_whole).or(objects.first()).copied()
}

/// Whether each property is there, under one of its names.
fn has_all(fields: &Fields<'_>, required: &[&[&str]]) -> bool {
    let is_there = |name: &&str| fields.get(*name).is_some_and(|value| value.get() != "null");
    required.iter().all(|names| names.iter().any(is_there))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{AuthUse, RetryClass};

    const BARE: OperationSpec = OperationSpec {
        id: "test_get_run",
        auth: AuthUse::Required,
        retry: RetryClass::Idempotent,
        timeout: None,
        secret: false,
        required: &[&["run_id", "id"], &["status"]],
        wrapped: &["run", "data"],
        routes: &[],
    };

    fn found(spec: &OperationSpec, body: &str) -> Option<(String, String)> {
        inner(spec, body.as_bytes()).map(|(key, text)| (key.to_owned(), text.to_owned()))
    }

    fn under(key: &str, text: &str) -> (String, String) {
        (key.to_owned(), text.to_owned())
    }

    #[test]
    fn an_object_with_all_that_is_required_is_bare() {
        for bare in [
            r#"{"run_id":"a","status":"x","data":{"id":"b","status":"y"}}"#,
            r#"{"data":{"run_id":"b","status":"y"},"status":"x","id":"a"}"#,
        ] {
            assert_eq!(found(&BARE, bare), None, "{bare}");
        }
    }

    #[test]
    fn the_wrapped_object_that_has_it_is_the_response() {
        let run = r#"{"id":"a", "status":"x"}"#;
        assert_eq!(found(&BARE, &format!(r#" {{ "run" : {run} }} "#)), Some(under("run", run)));
        assert_eq!(found(&BARE, &format!(r#"{{"id":"request","data":{run}}}"#)), Some(under("data", run)));
        assert_eq!(found(&BARE, &format!(r#"{{"run":{{"id":"b"}},"data":{run}}}"#)), Some(under("data", run)));
        assert_eq!(found(&BARE, &format!(r#"{{"id":null,"status":"x","run":{run}}}"#)), Some(under("run", run)));
        assert_eq!(
            found(&BARE, r#"{"data":{"id":"b"}}"#),
            Some(under("data", r#"{"id":"b"}"#)),
            "so that the fault names it"
        );
    }

    #[test]
    fn what_wraps_no_object_is_left_as_it_is() {
        for body in ["", "null", "[]", "7", "{", "{}", r#"{"run":null}"#, r#"{"run":[{"id":"a"}]}"#, r#"{"other":{}}"#]
        {
            assert_eq!(found(&BARE, body), None, "{body}");
        }
        let never = OperationSpec { wrapped: &[], ..BARE };
        assert_eq!(found(&never, r#"{"run":{"id":"a","status":"x"}}"#), None);
    }

    #[test]
    fn without_required_properties_a_wrapper_is_one() {
        let optional = OperationSpec { required: &[], ..BARE };
        assert_eq!(found(&optional, r#"{"data":{"id":"a"}}"#), Some(under("data", r#"{"id":"a"}"#)));
        assert_eq!(found(&optional, r#"{"id":"a"}"#), None);
    }
}
