//! Open string enums: every value is kept, known or not.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{Error, Visitor};

/// Defines a string enum that keeps values it does not know.
///
/// ```text
/// open_enum! {
///     /// A colour.
///     pub enum Color {
///         /// `red`
///         Red = "red" | "crimson",
///     }
/// }
/// ```
///
/// A variant is written as the first of its values and read from any of them; of an `enum .. in any_case` in any case.
macro_rules! open_enum {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident $(in $any_case:ident)? {
            $($(#[$variant_attribute:meta])* $variant:ident = $value:literal $(| $alias:literal)*,)*
        }
    ) => {
        $(#[$attribute])*
        ///
        /// Values of newer servers are kept as `Unknown`. A later version of the crate may know them, so compare with
        /// the text (`value == "text"`) and not with `Unknown`.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_attribute])* $variant,)*
            /// A value that this version of the crate does not know.
            Unknown(::std::string::String),
        }

        impl $name {
            /// The values that this version of the crate knows.
            pub const KNOWN: &'static [&'static str] = &[$($value),*];

            /// Returns the value on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $value,)*
                    Self::Unknown(value) => value,
                }
            }

            fn known(value: &str) -> ::std::option::Option<Self> {
                match value {
                    $($value $(| $alias)* => ::std::option::Option::Some(Self::$variant),)*
                    _ => $crate::serde_ext::open_enum!(
                        @other value $($any_case)? { $($variant = $value $(| $alias)*,)* }
                    ),
                }
            }
        }

        impl ::std::convert::From<&str> for $name {
            fn from(value: &str) -> Self {
                Self::known(value).unwrap_or_else(|| Self::Unknown(value.to_owned()))
            }
        }

        impl ::std::convert::From<::std::string::String> for $name {
            fn from(value: ::std::string::String) -> Self {
                Self::known(&value).unwrap_or(Self::Unknown(value))
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = ::std::convert::Infallible;

            fn from_str(value: &str) -> ::std::result::Result<Self, Self::Err> {
                ::std::result::Result::Ok(Self::from(value))
            }
        }

        impl ::std::convert::AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::std::cmp::PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.as_str() == other
            }
        }

        impl ::std::cmp::PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.as_str() == *other
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                $crate::serde_ext::deserialize_enum(deserializer)
            }
        }
    };
    (@other $text:ident { $($_rest:tt)* }) => { ::std::option::Option::None };
    (@other $text:ident any_case { $($variant:ident = $value:literal $(| $alias:literal)*,)* }) => {{
        $(if [$value $(, $alias)*].iter().any(|value| $text.eq_ignore_ascii_case(value)) {
            return ::std::option::Option::Some(Self::$variant);
        })*
        ::std::option::Option::None
    }};
}
pub(crate) use open_enum;

/// Deserializes a string into an open enum; a known value costs no allocation.
pub(crate) fn deserialize_enum<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: for<'a> From<&'a str> + From<String>,
{
    deserializer.deserialize_str(EnumVisitor(PhantomData))
}

struct EnumVisitor<T>(PhantomData<T>);

impl<T> Visitor<'_> for EnumVisitor<T>
where
    T: for<'a> From<&'a str> + From<String>,
{
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<T, E> {
        Ok(T::from(value))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<T, E> {
        Ok(T::from(value))
    }
}

#[cfg(test)]
mod tests {
    open_enum! {
        /// A colour.
        pub enum Color {
            /// `red`
            Red = "red",
        }
    }

    #[test]
    fn a_value_equals_its_text_known_or_not() {
        let blue = Color::from("blue");
        assert!(Color::Red == *"red" && Color::Red == "red" && blue == "blue");
        assert!(Color::Red != "Red" && blue != "red" && blue != *"");
        assert_eq!((Color::from("red".to_owned()), Color::KNOWN), (Color::Red, &["red"][..]));
    }
}
