//! The 422 response: every value of a request that does not match the document, as the server lists them.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::scalars::{self, Wrong};
use crate::sandbox::answer::Answer;
use crate::sandbox::schema::{Bounds, Field, Schema, Text};

/// One entry of the list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Violation {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) loc: Vec<Value>,
    pub(super) msg: String,
    pub(super) input: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ctx: Option<Value>,
}

impl Violation {
    pub(super) fn new(wrong: Wrong, loc: &[Value], input: &Value) -> Self {
        Self { kind: wrong.kind, loc: loc.to_vec(), msg: wrong.message, input: input.clone(), ctx: wrong.context }
    }

    pub(super) fn missing(loc: Vec<Value>, input: Value) -> Self {
        Self { kind: "missing", loc, msg: "Field required".to_owned(), input, ctx: None }
    }
}

/// The response to a request with violations.
pub(super) fn refusal(violations: &[Violation]) -> Answer {
    #[derive(Serialize)]
    struct Body<'a> {
        detail: &'a [Violation],
    }
    Answer::json(StatusCode::UNPROCESSABLE_ENTITY, &Body { detail: violations })
}

/// Validates values, collects violations and returns the normalised values.
pub(super) struct Validator<'o> {
    /// The operation's id: the server does not validate every bound of the document.
    operation: &'o str,
    pub(super) violations: Vec<Violation>,
}

impl<'o> Validator<'o> {
    pub(super) fn new(operation: &'o str) -> Self {
        Self { operation, violations: Vec::new() }
    }

    /// Validates parameters of the path or the query.
    pub(super) fn parameters(
        &mut self,
        place: &str,
        fields: &[Field],
        values: &Map<String, Value>,
    ) -> Map<String, Value> {
        self.fields(fields, values, &[json!(place)], &Value::Null)
    }

    /// Validates a body.
    pub(super) fn body(&mut self, schema: &Schema, body: &Value) -> Value {
        self.value(schema, body, &mut vec![json!("body")])
    }

    fn value(&mut self, schema: &Schema, value: &Value, loc: &mut Vec<Value>) -> Value {
        let read = match schema {
            Schema::Any => Ok(value.clone()),
            Schema::Text(text) => scalars::text(value, text),
            Schema::Integer(bounds) => scalars::integer(value, *bounds),
            Schema::Number(bounds) => scalars::number(value, *bounds),
            Schema::Boolean => scalars::boolean(value),
            Schema::Word(words) => scalars::word(value, words),
            Schema::Map if value.is_object() => Ok(value.clone()),
            Schema::Map => Err(Wrong::new("dict_type", "Input should be a valid dictionary")),
            Schema::List(item) => match value.as_array() {
                Some(items) => return self.items(item, items, loc),
                None => Err(Wrong::new("list_type", "Input should be a valid list")),
            },
            Schema::Object(fields) => match value.as_object() {
                Some(object) => return Value::Object(self.fields(fields, object, loc, value)),
                None => Err(Wrong::new(
                    "model_attributes_type",
                    "Input should be a valid dictionary or object to extract fields from",
                )),
            },
        };
        read.unwrap_or_else(|wrong| {
            self.violations.push(Violation::new(wrong, loc, value));
            Value::Null
        })
    }

    fn items(&mut self, schema: &Schema, items: &[Value], loc: &mut Vec<Value>) -> Value {
        let mut read = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            loc.push(json!(index));
            read.push(self.value(schema, item, loc));
            loc.pop();
        }
        Value::Array(read)
    }

    /// `holder` is the object of a missing field. Unknown fields are dropped.
    fn fields(
        &mut self,
        fields: &[Field],
        values: &Map<String, Value>,
        loc: &[Value],
        holder: &Value,
    ) -> Map<String, Value> {
        let mut read = Map::new();
        let mut loc = loc.to_vec();
        for field in fields {
            let field = if loc.len() == 1 { as_the_server_has_it(self.operation, field) } else { field.clone() };
            loc.push(json!(field.name));
            match values.get(&field.name) {
                None if field.required => self.violations.push(Violation::missing(loc.clone(), holder.clone())),
                None => {}
                Some(Value::Null) if field.nullable => {
                    read.insert(field.name, Value::Null);
                }
                Some(value) => {
                    let value = self.value(&field.schema, value, &mut loc);
                    read.insert(field.name, value);
                }
            }
            loc.pop();
        }
        read
    }
}

/// Fields that the server validates less, or more strictly, than the document, which describes what is worth sending.
fn as_the_server_has_it(operation: &str, field: &Field) -> Field {
    let mut field = field.clone();
    match (operation, field.name.as_str()) {
        // Free text: an unknown event type finds nothing, an unknown preset is a business rule.
        ("elephantasm_list_events", "event_type") | (_, "preset") => field.schema = Schema::Text(Text::default()),
        // Not validated; the database fails.
        ("elephantasm_update_anima", "name") | ("elephantasm_update_event", "meta") => {
            field.schema = Schema::Any;
        }
        // Bounds that are a business rule, or are not checked.
        ("elephantasm_update_event", "importance_score") => field.schema = Schema::Number(Bounds::default()),
        ("elephantasm_search_memories_semantic" | "elephantasm_search_knowledge_semantic", "limit") => {
            field.schema = Schema::Integer(Bounds::default());
        }
        ("elephantasm_create_event", "meta") => field.nullable = false,
        _ => {}
    }
    field
}
