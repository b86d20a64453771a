//! A stored object as its response component: the document's order, nulls where it allows them, nothing stray.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;

use super::clock::{self, TimeFormat};
use super::spec::{Format, Kind, ObjectSpec, Schema};
use super::validate::{knows, literal, spelled};

/// How a platform writes values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub(crate) generation: &'static str,
    pub(crate) times: TimeFormat,
    /// Whether an optional property is null, rather than absent, where the object lacks it.
    pub(crate) nulls: bool,
}

/// A value, serialized as its schema says.
///
/// Properties that the schema does not know are left out. One that is absent is null if schema and style allow that,
/// and left out if it is optional; a required one gets its default, or the empty value of its type. A schema with a
/// single value always has that value. An object in place of a list is an envelope around it: its own values stay as
/// they are.
pub(crate) struct Shaped<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) value: &'a Value,
    pub(crate) style: Style,
}

impl Serialize for Shaped<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { schema, value, style } = *self;
        match (&schema.kind, value) {
            (_, Value::Null) if schema.nullable => serializer.serialize_unit(),
            (Kind::Number { .. }, Value::Number(number)) => match number.as_f64() {
                Some(number) => serializer.serialize_f64(number),
                None => value.serialize(serializer),
            },
            (Kind::String(spec), _) if spec.values.len() == 1 => serializer.serialize_str(spec.values[0]),
            (Kind::String(spec), Value::String(text)) if spec.format == Format::Timestamp => match clock::parse(text) {
                Some(at) => serializer.serialize_str(&style.times.text(at)),
                None => serializer.serialize_str(text),
            },
            (Kind::Array { items, .. }, Value::Array(list)) => {
                let mut seq = serializer.serialize_seq(Some(list.len()))?;
                for value in list {
                    seq.serialize_element(&Shaped { schema: items, value, style })?;
                }
                seq.end()
            }
            (Kind::Array { .. }, Value::Object(envelope)) => {
                let mut map = serializer.serialize_map(None)?;
                for (key, value) in envelope {
                    if value.is_array() {
                        map.serialize_entry(key, &Shaped { schema, value, style })?;
                    } else {
                        map.serialize_entry(key, value)?;
                    }
                }
                map.end()
            }
            (Kind::Map(schema), Value::Object(values)) => {
                let mut map = serializer.serialize_map(Some(values.len()))?;
                for (key, value) in values {
                    map.serialize_entry(key, &Shaped { schema, value, style })?;
                }
                map.end()
            }
            (Kind::Object(spec), Value::Object(_)) => object(spec, value, style, serializer),
            (Kind::Union { tag, arms }, _) => {
                let fits = |kind: &Kind| match kind {
                    Kind::Any => true,
                    Kind::Boolean => value.is_boolean(),
                    Kind::Integer { .. } | Kind::Number { .. } => value.is_number(),
                    Kind::String(_) => value.is_string(),
                    Kind::Array { .. } => value.is_array(),
                    Kind::Map(_) | Kind::Object(_) | Kind::Union { .. } => value.is_object(),
                };
                let arm = arms.iter().find(|arm| {
                    if tag.is_empty() {
                        fits(&arm.schema.kind)
                    } else {
                        value.get(tag).is_some_and(|it| it == arm.value)
                    }
                });
                match arm {
                    Some(arm) => Shaped { schema: arm.schema, value, style }.serialize(serializer),
                    None => value.serialize(serializer),
                }
            }
            _ => value.serialize(serializer),
        }
    }
}

fn object<S: Serializer>(spec: &ObjectSpec, value: &Value, style: Style, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    for property in spec.properties.iter().filter(|property| knows(property.generations, style.generation)) {
        let name = spelled(property, style.generation);
        let schema = property.schema;
        // An object that has another spelling of a name keeps it.
        let alias = property.aliases.iter().find(|alias| value.get(**alias).is_some());
        let name = alias.map_or(name, |alias| *alias);
        match value.get(alias.map_or(property.name, |alias| *alias)) {
            Some(value) if !value.is_null() => map.serialize_entry(name, &Shaped { schema, value, style })?,
            None if !property.required && !style.nulls => {}
            _ if schema.nullable => map.serialize_entry(name, &())?,
            _ if !property.required => {}
            _ => {
                let value = property.default.map_or_else(|| empty(&schema.kind), literal);
                map.serialize_entry(name, &Shaped { schema, value: &value, style })?;
            }
        }
    }
    if spec.open {
        let known = |name: &str| spec.properties.iter().any(|property| property.name == name);
        for (name, value) in value.as_object().into_iter().flatten() {
            if !name.starts_with('_') && !known(name) {
                map.serialize_entry(name, value)?;
            }
        }
    }
    map.end()
}

/// The empty value of a type.
fn empty(kind: &Kind) -> Value {
    match kind {
        Kind::Any | Kind::Union { .. } => Value::Null,
        Kind::Boolean => false.into(),
        Kind::Integer { .. } | Kind::Number { .. } => 0.into(),
        Kind::String(_) => "".into(),
        Kind::Array { .. } => Value::Array(Vec::new()),
        Kind::Map(_) | Kind::Object(_) => Value::Object(serde_json::Map::new()),
    }
}
