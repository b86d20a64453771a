//! Objects that a server may also write as the bare string of one of their properties.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, MapDeserializer};
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::union::WordDeserializer;

/// Reads a `T` by way of `Wire`, from an object or from the bare string of its `property`.
pub(crate) fn shorthand<'de, D, Wire, T>(deserializer: D, property: &'static str) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    Wire: Deserialize<'de>,
    T: TryFrom<Wire>,
    T::Error: fmt::Display,
{
    let wire: Wire = deserializer.deserialize_any(Shorthand(property, PhantomData))?;
    T::try_from(wire).map_err(D::Error::custom)
}

struct Shorthand<Wire>(&'static str, PhantomData<Wire>);

impl<'de, Wire: Deserialize<'de>> Visitor<'de> for Shorthand<Wire> {
    type Value = Wire;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object or its `{}`", self.0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Wire, E> {
        let value = WordDeserializer(Cow::Owned(text.to_owned()), PhantomData);
        Wire::deserialize(MapDeserializer::new(std::iter::once((self.0, value))))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Wire, A::Error> {
        Wire::deserialize(MapAccessDeserializer::new(map))
    }
}
