//! Open unions: objects that a tag distinguishes, decoded without a detour through [`Value`].
//!
//! A visitor reads the keys in their order. Servers write the tag first, and then the member reads straight from the
//! rest of the text. Entries before the tag are kept and replayed. That way a union works wherever serde does: in text,
//! in a [`Value`], inside an untagged enum and below a flattened field.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer, SeqAccessDeserializer, StrDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde_json::Value;

use super::object::{Key, ReadAs};
use super::tag::Tag;

/// Makes a union of objects with a tag.
///
/// ```text
/// open_union! {
///     /// A block of content.
///     pub enum ContentBlock by "type" {
///         /// Text.
///         Text(TextBlock) = "text",
///         /// A tool is used, in one way or another. The member keeps the tag; this is where it is.
///         ToolUse(ToolUse) = "tool_use" | "mcp_tool_use" in |body| body.type_.as_str(),
///     } or string {
///         /// A bare string.
///         Id
///     }
/// }
/// ```
///
/// In place of `or string`, `short Text` reads a bare string as that variant, whose member does read one.
macro_rules! open_union {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident by $tag:literal {
            $(
                $(#[$variant_attribute:meta])*
                $variant:ident($member:ty) = $first:literal $(| $other:literal)* $(in |$body:ident| $text:expr)?,
            )*
        }
        $(or string { $(#[$string_attribute:meta])* $string:ident })?
        $(short $short:ident)?
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_attribute])* $variant($member),)*
            $($(#[$string_attribute])* $string(::std::string::String),)?
            /// An object whose tag this version of the crate does not know, whole.
            Unknown(::serde_json::Value),
        }

        impl $name {
            #[doc = concat!("The value of `", $tag, "` on the wire; empty if there is none.")]
            pub fn tag(&self) -> &str {
                match self {
                    $(Self::$variant(_body) => $crate::serde_ext::open_union!(@tag _body $first $(in |$body| $text)?),)*
                    $(Self::$string(_) => "",)?
                    Self::Unknown(value) => value.get($tag).and_then(::serde_json::Value::as_str).unwrap_or_default(),
                }
            }

            /// Decodes `text` as the variant called `name`, if that is known, else by the tag inside.
            #[allow(dead_code, reason = "for unions that are streamed")]
            pub(crate) fn decode(
                name: ::std::option::Option<&str>,
                text: &str,
            ) -> ::std::result::Result<Self, ::serde_json::Error> {
                match name {
                    $(::std::option::Option::Some($first $(| $other)*) => ::serde_json::from_str(text).map(Self::$variant),)*
                    _ => ::serde_json::from_str(text),
                }
            }
        }

        impl $crate::serde_ext::OpenUnion for $name {
            const NAME: &'static str = stringify!($name);
            const TAG: &'static str = $tag;

            fn read<'de, A: ::serde::de::MapAccess<'de>>(
                text: &str,
                entries: $crate::serde_ext::Replay<'de, A>,
            ) -> ::std::result::Result<Self, A::Error> {
                match text {
                    $($first $(| $other)* => $crate::serde_ext::member(entries).map(Self::$variant),)*
                    _ => $crate::serde_ext::unknown(entries).map(Self::Unknown),
                }
            }

            fn unknown(value: ::serde_json::Value) -> Self {
                Self::Unknown(value)
            }

            $(
                const READS_STRINGS: bool = true;

                fn string<E: ::serde::de::Error>(text: &str) -> ::std::result::Result<Self, E> {
                    ::std::result::Result::Ok(Self::$string(text.to_owned()))
                }
            )?
            $(
                const READS_STRINGS: bool = true;

                fn string<E: ::serde::de::Error>(text: &str) -> ::std::result::Result<Self, E> {
                    $crate::serde_ext::from_string(text).map(Self::$short)
                }
            )?
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                match self {
                    // A member writes its tag itself.
                    $(Self::$variant(body) => ::serde::Serialize::serialize(body, serializer),)*
                    $(Self::$string(text) => serializer.serialize_str(text),)?
                    Self::Unknown(value) => ::serde::Serialize::serialize(value, serializer),
                }
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                $crate::serde_ext::deserialize_union(deserializer)
            }
        }
    };
    (@tag $_body:ident $first:literal) => { $first };
    (@tag $_body:ident $first:literal in |$body:ident| $text:expr) => {{ let $body = $_body; $text }};
}
pub(crate) use open_union;

/// What [`open_union!`] makes.
pub(crate) trait OpenUnion: Sized {
    /// The name of the type, for error messages.
    const NAME: &'static str;
    /// The key of the tag.
    const TAG: &'static str;

    /// Reads the member that the tag `text` names, or keeps the whole object.
    fn read<'de, A: MapAccess<'de>>(text: &str, entries: Replay<'de, A>) -> Result<Self, A::Error>;

    /// Keeps an object that has no tag.
    fn unknown(value: Value) -> Self;

    /// Whether a bare string is read.
    const READS_STRINGS: bool = false;

    /// Reads a bare string.
    fn string<E: Error>(text: &str) -> Result<Self, E> {
        Err(E::invalid_type(Unexpected::Str(text), &"an object"))
    }
}

/// Reads a bare string as a type that reads one.
pub(crate) fn from_string<'de, T: Deserialize<'de>, E: Error>(text: &str) -> Result<T, E> {
    T::deserialize(StrDeserializer::new(text))
}

/// A list; a bare string as a list of one, and null as none.
pub(crate) struct OneOrList;

impl<T: DeserializeOwned> ReadAs<Vec<T>> for OneOrList {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list or a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<T>, E> {
        from_string(text).map(|item| vec![item])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<Vec<T>, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(access))
    }

    fn visit_unit<E: Error>(self) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }

    fn visit_none<E: Error>(self) -> Result<Vec<T>, E> {
        self.visit_unit()
    }
}

/// Reads a union from an object.
pub(crate) fn deserialize_union<'de, D: Deserializer<'de>, T: OpenUnion>(deserializer: D) -> Result<T, D::Error> {
    let visitor = UnionVisitor(PhantomData);
    if T::READS_STRINGS { deserializer.deserialize_any(visitor) } else { deserializer.deserialize_map(visitor) }
}

/// Reads one member. Not inlined, or the union would need the stack of all its members at once.
#[inline(never)]
pub(crate) fn member<'de, A: MapAccess<'de>, T: Deserialize<'de>>(entries: Replay<'de, A>) -> Result<T, A::Error> {
    T::deserialize(MapAccessDeserializer::new(entries))
}

/// Reads the whole object as it is.
#[inline(never)]
pub(crate) fn unknown<'de, A: MapAccess<'de>>(entries: Replay<'de, A>) -> Result<Value, A::Error> {
    Value::deserialize(MapAccessDeserializer::new(entries))
}

struct UnionVisitor<T>(PhantomData<T>);

impl<'de, T: OpenUnion> Visitor<'de> for UnionVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object ({})", T::NAME)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::string(text)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut rest: A) -> Result<T, A::Error> {
        let mut leading = VecDeque::new();
        while let Some(key) = rest.next_key::<Key<'_>>()? {
            if &*key != T::TAG {
                leading.push_back((key.into_owned(), rest.next_value()?));
                continue;
            }
            match rest.next_value()? {
                Tag::Text(text) => {
                    let tag = Some((T::TAG, text.clone()));
                    return T::read(&text, Replay { leading, tag, rest, next: Next::Rest });
                }
                Tag::Other(value) => leading.push_back((key.into_owned(), value)),
            }
        }
        Ok(T::unknown(Value::Object(leading.into_iter().collect())))
    }
}

/// The entries of an object: those that stood before the tag, the tag, the rest.
pub(crate) struct Replay<'de, A> {
    leading: VecDeque<(String, Value)>,
    tag: Option<(&'static str, Cow<'de, str>)>,
    rest: A,
    next: Next<'de>,
}

/// The value that belongs to the key handed out last.
enum Next<'de> {
    Kept(String, Value),
    Tag(Cow<'de, str>),
    Rest,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Replay<'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        if let Some((key, value)) = self.leading.pop_front() {
            let read = seed.deserialize(StrDeserializer::new(&key)).map(Some);
            self.next = Next::Kept(key, value);
            return read;
        }
        if let Some((key, text)) = self.tag.take() {
            self.next = Next::Tag(text);
            return seed.deserialize(BorrowedStrDeserializer::new(key)).map(Some);
        }
        self.next = Next::Rest;
        self.rest.next_key_seed(seed)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        match std::mem::replace(&mut self.next, Next::Rest) {
            // Nothing else reports where this failed: whatever tracks the path has passed the entry long ago.
            Next::Kept(key, value) => {
                seed.deserialize(value).map_err(|error| A::Error::custom(format_args!("{key}: {error}")))
            }
            Next::Tag(text) => seed.deserialize(TextDeserializer(text, PhantomData)),
            Next::Rest => self.rest.next_value_seed(seed),
        }
    }
}

/// Hands a string, such as the value of a tag, to a field, which may be optional.
pub(super) struct TextDeserializer<'de, E>(pub(super) Cow<'de, str>, pub(super) PhantomData<E>);

impl<'de, E: Error> IntoDeserializer<'de, E> for TextDeserializer<'de, E> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de, E: Error> Deserializer<'de> for TextDeserializer<'de, E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        match self.0 {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_some(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde_json::json;

    use super::*;

    /// The keys and values of an object, in the order in which they come.
    #[derive(Clone, Debug, PartialEq, Serialize)]
    pub struct Entries(Vec<(String, Value)>);

    impl<'de> Deserialize<'de> for Entries {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct InOrder;

            impl<'de> Visitor<'de> for InOrder {
                type Value = Entries;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("an object")
                }

                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                    let mut entries = Vec::new();
                    while let Some(entry) = map.next_entry()? {
                        entries.push(entry);
                    }
                    Ok(Entries(entries))
                }
            }

            deserializer.deserialize_map(InOrder)
        }
    }

    open_union! {
        /// One thing or another.
        pub enum Thing by "type" {
            /// The one.
            One(Entries) = "one",
        }
    }

    #[test]
    fn entries_come_as_they_were_written_wherever_the_tag_is() {
        let entries = [("b", json!(1)), ("a", json!({"z": 1, "y": 2})), ("type", json!("one")), ("c", json!(null))];
        for shift in 0..entries.len() {
            let mut written = entries.clone();
            written.rotate_left(shift);
            let fields: Vec<_> = written.iter().map(|(key, value)| format!("{key:?}:{value}")).collect();
            let text = format!("{{{}}}", fields.join(","));
            let thing: Thing = serde_json::from_str(&text).unwrap();
            assert_eq!(thing.tag(), "one");
            let want = written.map(|(key, value)| (key.to_owned(), value)).to_vec();
            assert_eq!(thing, Thing::One(Entries(want)), "{text}");
        }
    }

    #[test]
    fn an_entry_that_comes_twice_comes_twice() {
        let thing: Thing = serde_json::from_str(r#"{"a":1,"a":2,"type":"one","a":3}"#).unwrap();
        let Thing::One(Entries(entries)) = thing else { panic!("{thing:?}") };
        let values: Vec<_> = entries.iter().map(|(key, value)| (key.as_str(), value.as_i64())).collect();
        assert_eq!(values, [("a", Some(1)), ("a", Some(2)), ("type", None), ("a", Some(3))]);
    }
}
