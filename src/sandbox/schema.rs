//! Schemas of request values, read from the document.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The parts of a schema that requests need.
#[derive(Clone, Debug)]
pub(super) enum Schema {
    /// Anything.
    Any,
    Text(Text),
    Integer(Bounds),
    Number(Bounds),
    Boolean,
    /// One of these values.
    Word(Vec<String>),
    List(Box<Schema>),
    /// An object with any keys.
    Map,
    Object(Arc<[Field]>),
}

/// Bounds of a string.
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

/// A schema as written in the document.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Source {
    #[serde(rename = "$ref")]
    reference: Option<String>,
    #[serde(rename = "allOf")]
    all_of: Vec<Source>,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(rename = "enum")]
    words: Vec<String>,
    format: Option<String>,
    #[serde(rename = "x-timestamp")]
    timestamp: bool,
    nullable: bool,
    default: Option<IgnoredAny>,
    #[serde(rename = "minLength")]
    min_length: Option<u64>,
    #[serde(rename = "maxLength")]
    max_length: Option<u64>,
    minimum: Option<f64>,
    maximum: Option<f64>,
    items: Option<Box<Source>>,
    properties: Option<Entries<Source>>,
    required: Vec<String>,
}

/// An object of the document, in the document's order.
#[derive(Debug)]
pub(super) struct Entries<T>(pub(super) Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entry<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entry<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Entry(PhantomData))
    }
}

impl<T> Entries<T> {
    fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find_map(|(key, value)| (key == name).then_some(value))
    }
}

/// Reads schemas of one document.
pub(super) struct Reader {
    pub(super) components: Entries<Source>,
}

impl Reader {
    /// One property or parameter. Null means absent if the document gives no default.
    pub(super) fn field(&self, name: &str, schema: &Source, required: bool) -> Result<Field, String> {
        let nullable = schema.nullable || (!required && schema.default.is_none());
        Ok(Field { name: name.to_owned(), schema: self.schema(schema)?, required, nullable })
    }

    pub(super) fn schema(&self, schema: &Source) -> Result<Schema, String> {
        if let Some(reference) = &schema.reference {
            let name = reference.rsplit('/').next().unwrap_or_default();
            return self.schema(self.components.get(name).ok_or_else(|| format!("{reference} leads nowhere"))?);
        }
        if let [only] = &schema.all_of[..] {
            return self.schema(only);
        }
        let bounds = Bounds { min: schema.minimum, max: schema.maximum };
        Ok(match (schema.kind.as_deref(), &schema.properties, &schema.items) {
            (Some("string"), ..) if !schema.words.is_empty() => Schema::Word(schema.words.clone()),
            (Some("string"), ..) => Schema::Text(Text {
                min: schema.min_length,
                max: schema.max_length,
                uuid: schema.format.as_deref() == Some("uuid"),
                timestamp: schema.timestamp,
            }),
            (Some("integer"), ..) => Schema::Integer(bounds),
            (Some("number"), ..) => Schema::Number(bounds),
            (Some("boolean"), ..) => Schema::Boolean,
            (Some("array"), _, Some(items)) => Schema::List(Box::new(self.schema(items)?)),
            (Some("object"), Some(properties), _) => {
                let fields = properties.0.iter();
                let fields = fields.map(|(name, source)| self.field(name, source, schema.required.contains(name)));
                Schema::Object(fields.collect::<Result<Vec<_>, _>>()?.into())
            }
            (Some("object"), None, _) => Schema::Map,
            (None, ..) => Schema::Any,
            (Some(other), ..) => return Err(format!("a schema of type {other} is not known here")),
        })
    }
}
