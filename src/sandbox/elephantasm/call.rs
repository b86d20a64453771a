//! A call whose key and values are in order, and what its handler works on.

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

/// An answer, or an answer that refuses.
pub(super) type Outcome = Result<Answer, Answer>;

/// Answers a call.
pub(super) type Handler = fn(&mut Scene<'_>, &Call) -> Outcome;

/// What a handler works on. It sees one account, so no other account's objects can get into an answer.
pub(super) struct Scene<'a> {
    pub(super) account: &'a mut Account,
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
    /// How times are written that are read back from the database.
    pub(super) fn stored_form(self) -> Form {
        if self.has(Quirk::NaiveTimestamps) { Form::Naive } else { Form::Zulu }
    }
}

/// The values of a call. Those of path, query and body were looked at, and have one form each.
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
    /// A parameter of the path; every operation that asks for one has it.
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

    /// The body as the client sends it, checked as the client checks it.
    pub(super) fn body<T: DeserializeOwned + Check>(&self) -> Result<T, Answer> {
        let body: T =
            serde_json::from_value(self.body.clone()).map_err(|error| self.invalid(&[], &error.to_string()))?;
        body.check().map_err(|invalid| self.invalid(&[json!(invalid.argument())], invalid.reason()))?;
        Ok(body)
    }

    /// The 422 answer to a value of the body that no rule of the document forbids.
    pub(super) fn invalid(&self, within: &[Value], reason: &str) -> Answer {
        let loc: Vec<Value> = std::iter::once(json!("body")).chain(within.iter().cloned()).collect();
        let wrong = Wrong::new("value_error", format!("Value error, {reason}"));
        validation::refusal(&[Violation::new(wrong, &loc, &self.sent)])
    }

    /// A time of the body, in the form it was sent in.
    pub(super) fn stamp(&self, name: &str) -> Option<Stamp> {
        self.sent.get(name).and_then(|value| Stamp::read(value).ok())
    }
}

/// The answer to a value that the server does not look at before it breaks something.
pub(super) fn unchecked(quirks: Quirks, place: &str, name: &str, input: &Value) -> Answer {
    if quirks.has(Quirk::UncheckedValuesFail) {
        return refusal::server_error();
    }
    let wrong = Wrong::new("value_error", "Value error, this value can't be used");
    validation::refusal(&[Violation::new(wrong, &[json!(place), json!(name)], input)])
}
