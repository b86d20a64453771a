//! The OpenAPI document: parsed strictly, and walked with JSON pointers.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::codegen::error::{Pointer, SpecError};

/// A parsed document.
#[derive(Debug)]
pub struct Document {
    root: Value,
}

impl Document {
    /// Parses `text`, rejecting what JSON parsers silently accept: a duplicate key in an object.
    pub fn read(text: &str) -> Result<Self, SpecError> {
        let top = Pointer::default();
        let duplicate = RefCell::new(None);
        let mut reader = serde_json::Deserializer::from_str(text);
        let seed = Strict { pointer: top.clone(), duplicate: &duplicate };
        let read = seed.deserialize(&mut reader).and_then(|root| reader.end().map(|()| root));
        let root = read.map_err(|error| top.error(format!("not JSON: {error}")))?;
        match duplicate.into_inner() {
            Some(error) => Err(error),
            None => Ok(Self { root }),
        }
    }

    /// The document itself, as a node.
    pub fn root(&self) -> Node<'_> {
        Node { pointer: Pointer::default(), value: &self.root }
    }

    /// The target of a local reference such as `#/components/schemas/OmaAgent`.
    pub fn target(&self, reference: &str) -> Option<Node<'_>> {
        let keys = reference.strip_prefix("#/")?;
        keys.split('/').try_fold(self.root(), |node, key| node.get(&key.replace("~1", "/").replace("~0", "~")))
    }

    /// Follows `$ref` once if the node is a reference; a reference to a reference is followed too.
    pub fn resolve<'d>(&'d self, node: Node<'d>) -> Result<Node<'d>, SpecError> {
        let mut node = node;
        for _ in 0..8 {
            let Some(reference) = node.get("$ref") else { return Ok(node) };
            let text = reference.text()?;
            node = self.target(text).ok_or_else(|| reference.error(format!("`{text}` leads nowhere")))?;
        }
        Err(node.error("a chain of references that does not end"))
    }
}

/// A value of the document and its pointer.
#[derive(Clone, Debug)]
pub struct Node<'d> {
    pub pointer: Pointer,
    pub value: &'d Value,
}

impl<'d> Node<'d> {
    /// Rejects this node.
    pub fn error(&self, reason: impl Into<String>) -> SpecError {
        self.pointer.error(reason)
    }

    /// The member `key`, if there is one.
    pub fn get(&self, key: &str) -> Option<Self> {
        self.value.get(key).map(|value| Self { pointer: self.pointer.child(key), value })
    }

    /// The member `key`, which must be present.
    pub fn require(&self, key: &str) -> Result<Self, SpecError> {
        self.get(key).ok_or_else(|| self.error(format!("`{key}` is missing")))
    }

    /// The members of an object, in the document's order.
    pub fn entries(&self) -> Result<Vec<(&'d str, Self)>, SpecError> {
        let object = self.value.as_object().ok_or_else(|| self.error("must be an object"))?;
        Ok(object.iter().map(|(key, value)| (key.as_str(), self.below(key, value))).collect())
    }

    /// The members of the object at `key`; none if there is no such key.
    pub fn entries_of(&self, key: &str) -> Result<Vec<(&'d str, Self)>, SpecError> {
        self.get(key).map_or_else(|| Ok(Vec::new()), |node| node.entries())
    }

    /// The elements of an array.
    pub fn items(&self) -> Result<Vec<Self>, SpecError> {
        let items = self.value.as_array().ok_or_else(|| self.error("must be an array"))?;
        Ok(items.iter().enumerate().map(|(index, value)| self.below(&index.to_string(), value)).collect())
    }

    /// The elements of the array at `key`; none if there is no such key.
    pub fn items_of(&self, key: &str) -> Result<Vec<Self>, SpecError> {
        self.get(key).map_or_else(|| Ok(Vec::new()), |node| node.items())
    }

    /// A string.
    pub fn text(&self) -> Result<&'d str, SpecError> {
        self.value.as_str().ok_or_else(|| self.error("must be a string"))
    }

    /// The string at `key`, if there is one.
    pub fn text_of(&self, key: &str) -> Result<Option<&'d str>, SpecError> {
        self.get(key).map(|node| node.text()).transpose()
    }

    /// The strings of the array at `key`.
    pub fn texts_of(&self, key: &str) -> Result<Vec<&'d str>, SpecError> {
        self.items_of(key)?.iter().map(Self::text).collect()
    }

    /// Like [`texts_of`](Self::texts_of), with strings of their own.
    pub fn owned_texts_of(&self, key: &str) -> Result<Vec<String>, SpecError> {
        Ok(self.texts_of(key)?.into_iter().map(str::to_owned).collect())
    }

    /// Rejects an object that has other keys than `known`.
    pub fn only(&self, known: &[&str]) -> Result<(), SpecError> {
        match self.entries()?.into_iter().find(|(key, _)| !known.contains(key)) {
            Some((key, value)) => Err(value.error(format!("unknown key `{key}`; known are {}", known.join(", ")))),
            None => Ok(()),
        }
    }

    /// The boolean at `key`; absent is `false`.
    pub fn flag_of(&self, key: &str) -> Result<bool, SpecError> {
        let Some(node) = self.get(key) else { return Ok(false) };
        node.value.as_bool().ok_or_else(|| node.error("must be true or false"))
    }

    /// The count at `key`, if there is one.
    pub fn count_of(&self, key: &str) -> Result<Option<u64>, SpecError> {
        let Some(node) = self.get(key) else { return Ok(None) };
        node.value.as_u64().map(Some).ok_or_else(|| node.error("must be a whole number, not negative"))
    }

    fn below(&self, key: &str, value: &'d Value) -> Self {
        Self { pointer: self.pointer.child(key), value }
    }
}

/// Builds a [`Value`], recording the first duplicate key in an object.
struct Strict<'r> {
    pointer: Pointer,
    duplicate: &'r RefCell<Option<SpecError>>,
}

impl Strict<'_> {
    fn child(&self, key: &str) -> Self {
        Self { pointer: self.pointer.child(key), duplicate: self.duplicate }
    }

    fn note_duplicate(&self, key: &str) {
        self.duplicate
            .borrow_mut()
            .get_or_insert_with(|| self.pointer.child(key).error("the same key stands here twice"));
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        serde_json::Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self.child(&items.len().to_string()))? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let value = access.next_value_seed(self.child(&key)).map_err(A::Error::custom)?;
            if object.contains_key(&key) {
                self.note_duplicate(&key);
            }
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}
