//! What a value of a request must look like, read from the document.

use std::sync::Arc;

use serde_json::{Map, Value};

/// A schema, as far as requests need it.
#[derive(Clone, Debug)]
pub(super) enum Schema {
    /// Anything.
    Any,
    Text(Text),
    Integer(Bounds),
    Number(Bounds),
    Boolean,
    /// One of these words.
    Word(Vec<String>),
    List(Box<Schema>),
    /// An object of any keys.
    Map,
    Object(Arc<Vec<Field>>),
}

/// What a string may be.
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    pub(super) min: Option<u64>,
    pub(super) max: Option<u64>,
    pub(super) uuid: bool,
    pub(super) timestamp: bool,
}

/// Inclusive bounds of a number.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bounds {
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
}

/// One property of an object, or one parameter.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) schema: Schema,
    pub(super) required: bool,
    pub(super) nullable: bool,
}

/// Reads schemas of one document.
pub(super) struct Reader<'d> {
    components: &'d Map<String, Value>,
}

impl<'d> Reader<'d> {
    pub(super) fn new(components: &'d Map<String, Value>) -> Self {
        Self { components }
    }

    /// One property or parameter. Null stands for absence where the document gives no default to stand in.
    pub(super) fn field(&self, name: &str, schema: &Value, required: bool) -> Result<Field, String> {
        let nullable = schema["nullable"] == Value::Bool(true) || (!required && schema.get("default").is_none());
        Ok(Field { name: name.to_owned(), schema: self.schema(schema)?, required, nullable })
    }

    pub(super) fn schema(&self, schema: &Value) -> Result<Schema, String> {
        if let Some(reference) = schema["$ref"].as_str() {
            return self.component(reference);
        }
        if let [only] = schema["allOf"].as_array().map(Vec::as_slice).unwrap_or_default() {
            return self.schema(only);
        }
        Ok(match schema["type"].as_str() {
            Some("string") if schema["enum"].is_array() => Schema::Word(words(&schema["enum"])),
            Some("string") => Schema::Text(Text {
                min: schema["minLength"].as_u64(),
                max: schema["maxLength"].as_u64(),
                uuid: schema["format"] == "uuid",
                timestamp: schema["x-timestamp"] == Value::Bool(true),
            }),
            Some("integer") => Schema::Integer(bounds(schema)),
            Some("number") => Schema::Number(bounds(schema)),
            Some("boolean") => Schema::Boolean,
            Some("array") => Schema::List(Box::new(self.schema(&schema["items"])?)),
            Some("object") if schema["properties"].is_object() => Schema::Object(Arc::new(self.properties(schema)?)),
            Some("object") => Schema::Map,
            Some(other) => return Err(format!("a schema of type {other} is not known here")),
            None => Schema::Any,
        })
    }

    fn component(&self, reference: &str) -> Result<Schema, String> {
        let name = reference.rsplit('/').next().unwrap_or_default();
        let schema = self.components.get(name).ok_or_else(|| format!("{reference} leads nowhere"))?;
        self.schema(schema)
    }

    fn properties(&self, schema: &Value) -> Result<Vec<Field>, String> {
        let required = words(&schema["required"]);
        let properties = schema["properties"].as_object().into_iter().flatten();
        properties.map(|(name, schema)| self.field(name, schema, required.contains(name))).collect()
    }
}

fn words(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn bounds(schema: &Value) -> Bounds {
    Bounds { min: schema["minimum"].as_f64(), max: schema["maximum"].as_f64() }
}
