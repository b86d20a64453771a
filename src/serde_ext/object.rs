//! Objects, read into structs field by field.
//!
//! serde's derive could do it, at a price: a flattened map of unknown fields is a detour for every object, its aliases
//! refuse an object that has both names, and going through a private struct copies each object twice.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::Deserialize;
use serde::de::value::MapDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, Unexpected, Visitor};

use super::union::TextDeserializer;

/// A generated struct.
pub(crate) trait Object: Sized {
    /// The name of the type, for error messages.
    const NAME: &'static str;
    /// The property as which a bare string is read.
    const SHORTHAND: Option<&'static str> = None;

    /// Reads the fields.
    fn read<'de, A: MapAccess<'de>>(entries: A) -> Result<Self, A::Error>;
}

/// Makes a struct deserialize as its [`Object`] says.
macro_rules! deserialize_as_object {
    ($object:ident) => {
        impl<'de> ::serde::Deserialize<'de> for $object {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                $crate::serde_ext::deserialize_object(deserializer)
            }
        }
    };
}
pub(crate) use deserialize_as_object;

/// Reads an object, or the bare string that stands for one.
pub(crate) fn deserialize_object<'de, D: Deserializer<'de>, T: Object>(deserializer: D) -> Result<T, D::Error> {
    let visitor = ObjectVisitor(PhantomData);
    if T::SHORTHAND.is_some() { deserializer.deserialize_any(visitor) } else { deserializer.deserialize_map(visitor) }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Object> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match T::SHORTHAND {
            Some(property) => write!(f, "an object or its `{property}`"),
            None => write!(f, "an object ({})", T::NAME),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        let Some(property) = T::SHORTHAND else { return Err(E::invalid_type(Unexpected::Str(text), &self)) };
        let value = TextDeserializer(Cow::Owned(text.to_owned()), PhantomData);
        T::read(MapDeserializer::new(std::iter::once((property, value))))
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<T, A::Error> {
        T::read(entries)
    }
}

/// The key of an entry, borrowed where that is possible.
pub(crate) struct Key<'de>(Cow<'de, str>);

impl Key<'_> {
    pub(crate) fn into_owned(self) -> String {
        self.0.into_owned()
    }
}

impl Deref for Key<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor).map(Self)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }

    fn visit_string<E: Error>(self, key: String) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key))
    }
}

/// What was read of a field, if anything.
pub(crate) struct Slot<T>(Option<T>);

impl<T> Slot<T> {
    pub(crate) fn new() -> Self {
        Self(None)
    }

    /// Reads the value of the entry `key`.
    pub(crate) fn read<'de, A: MapAccess<'de>>(&mut self, key: &str, entries: &mut A) -> Result<(), A::Error>
    where
        T: Deserialize<'de>,
    {
        self.read_seed(key, entries, PhantomData)
    }

    /// Reads it in the way of `R`.
    pub(crate) fn read_as<'de, R: ReadAs<T>, A: MapAccess<'de>>(
        &mut self,
        _: R,
        key: &str,
        entries: &mut A,
    ) -> Result<(), A::Error> {
        self.read_seed(key, entries, As::<R, T>(PhantomData))
    }

    #[inline]
    fn read_seed<'de, A, S>(&mut self, key: &str, entries: &mut A, seed: S) -> Result<(), A::Error>
    where
        A: MapAccess<'de>,
        S: DeserializeSeed<'de, Value = T>,
    {
        if self.0.is_some() {
            return Err(A::Error::custom(format_args!("duplicate field `{key}`")));
        }
        self.0 = Some(entries.next_value_seed(seed)?);
        Ok(())
    }

    /// The value of the field `name`, which must be there.
    pub(crate) fn required<E: Error>(self, name: &'static str) -> Result<T, E> {
        self.0.ok_or_else(|| E::missing_field(name))
    }

    /// The value, or that of an absent field.
    pub(crate) fn or_default(self) -> T
    where
        T: Default,
    {
        self.0.unwrap_or_default()
    }
}

/// A way to read a `T` that is not its own.
pub(crate) trait ReadAs<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error>;
}

struct As<R, T>(PhantomData<(R, T)>);

impl<'de, R: ReadAs<T>, T> DeserializeSeed<'de> for As<R, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        R::read(deserializer)
    }
}

/// Null is the empty value.
pub(crate) struct NullAsDefault;

impl<T: Default + DeserializeOwned> ReadAs<T> for NullAsDefault {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        Option::deserialize(deserializer).map(Option::unwrap_or_default)
    }
}

/// What is present is `Some`, even null: then it is `Some(None)`, where absent is `None`.
pub(crate) struct Present;

impl<T: DeserializeOwned> ReadAs<Option<T>> for Present {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
        T::deserialize(deserializer).map(Some)
    }
}

/// The value of the first spelling that has one.
pub(crate) fn first<T, const N: usize>(spellings: [Option<T>; N]) -> Option<T> {
    spellings.into_iter().flatten().next()
}

/// The same of a field that must have one: `name` is the first spelling.
pub(crate) fn first_required<T, E: Error, const N: usize>(
    name: &'static str,
    spellings: [Option<T>; N],
) -> Result<T, E> {
    first(spellings).ok_or_else(|| E::missing_field(name))
}

/// The value of the first spelling that has one, else a null of any, else nothing.
#[allow(clippy::option_option, reason = "absent, null and a value are three things")]
pub(crate) fn first_present<T, const N: usize>(spellings: [Option<Option<T>>; N]) -> Option<Option<T>> {
    let mut present = spellings.into_iter().flatten();
    let first = present.next()?;
    Some(first.or_else(|| present.flatten().next()))
}
