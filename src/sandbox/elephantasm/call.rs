//! A call with a valid key and valid values, and the state that its handler works on.

use http::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::account::Account;
use super::quirks::{Quirk, Quirks};
use super::refusal;
use super::scalars::Wrong;
use super::stamp::{Form, Stamp};
use super::validation::{self, Violation};
use crate::Check;
use crate::sandbox::answer::Answer;
use crate::sandbox::clock::Micros;

/// A response, or an error response.
pub(super) type Outcome = Result<Answer, Answer>;

/// Handles a call.
pub(super) type Handler = fn(&mut Scene<'_>, &Call) -> Outcome;

/// The state that a handler works on. It has one account, so no other account's objects can get into a response.
pub(super) struct Scene<'a> {
    pub(super) account: &'a mut Account,
    /// Whether the call names the organisation of another account.
    pub(super) others_organization: bool,
    pub(super) quirks: Quirks,
    pub(super) now: Micros,
}

impl Scene<'_> {
    pub(super) fn has(&self, quirk: Quirk) -> bool {
        self.quirks.has(quirk)
    }

    /// A time that is read back from the database.
    pub(super) fn stored(&self, at: Micros) -> Stamp {
        Stamp::new(at, self.quirks.stored_form())
    }
}

impl Quirks {
    /// The format of times that are read back from the database.
    pub(super) fn stored_form(self) -> Form {
        if self.has(Quirk::NaiveTimestamps) { Form::Naive } else { Form::Zulu }
    }
}

/// The values of a call. Those of path, query and body are validated and normalised.
pub(super) struct Call {
    pub(super) path: Map<String, Value>,
    pub(super) query: Map<String, Value>,
    pub(super) body: Value,
    /// The query and the body as they were sent.
    pub(super) sent_query: Map<String, Value>,
    pub(super) sent: Value,
    pub(super) headers: HeaderMap,
}

impl Call {
    /// A parameter of the path; present if the operation has it.
    pub(super) fn id(&self, name: &str) -> &str {
        self.path.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A text of the query.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.query.get(name).and_then(Value::as_str)
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.query.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.query.get(name).and_then(Value::as_f64)
    }

    fn count(&self, name: &str) -> Option<usize> {
        self.query.get(name).and_then(Value::as_u64).and_then(|count| count.try_into().ok())
    }

    /// The page of `items` that `limit` and `offset` choose.
    pub(super) fn page<'i, T>(&self, items: &'i [T], default_limit: usize) -> &'i [T] {
        let begin = self.count("offset").unwrap_or(0).min(items.len());
        let length = self.count("limit").unwrap_or(default_limit).min(items.len() - begin);
        &items[begin..begin + length]
    }

    /// The body as the client sends it, validated as the client validates it.
    pub(super) fn body<T: DeserializeOwned + Check>(&self) -> Result<T, Answer> {
        self.read(self.body.clone())
    }

    /// The body without the string `name` if that is empty, which counts as absent.
    pub(super) fn body_with_optional<T: DeserializeOwned + Check>(&self, name: &str) -> Result<T, Answer> {
        let mut body = self.body.clone();
        if let Some(fields) = body.as_object_mut().filter(|fields| fields.get(name) == Some(&json!(""))) {
            fields.remove(name);
        }
        self.read(body)
    }

    fn read<T: DeserializeOwned + Check>(&self, body: Value) -> Result<T, Answer> {
        let wrong = |reason: &str| Wrong::new("value_error", format!("Value error, {reason}"));
        let body: T = serde_json::from_value(body).map_err(|error| {
            validation::refusal(&[Violation::new(wrong(&error.to_string()), &[json!("body")], &self.sent)])
        })?;
        body.check().map_err(|invalid| {
            let (name, wrong) = (invalid.argument(), wrong(invalid.reason()));
            validation::refusal(&[Violation::new(wrong, &[json!("body"), json!(name)], &self.sent[name])])
        })?;
        Ok(body)
    }

    /// A time of the body, in the format that was sent.
    pub(super) fn stamp(&self, name: &str) -> Option<Stamp> {
        self.sent.get(name).and_then(|value| Stamp::read(value).ok())
    }
}

/// The response to a value that the server does not validate before it fails on it.
pub(super) fn unchecked(quirks: Quirks, place: &str, name: &str, input: &Value) -> Answer {
    if quirks.has(Quirk::UncheckedValuesFail) {
        return refusal::server_error();
    }
    let wrong = Wrong::new("value_error", "Value error, this value can't be used");
    validation::refusal(&[Violation::new(wrong, &[json!(place), json!(name)], input)])
}
