//! The base of the generated types: enums and unions that are open to values of newer servers, [`Timestamp`], and
//! deserializers that distinguish null from absent and accept `3.0` as a whole number.

mod civil;
mod enumeration;
mod integer;
#[allow(dead_code, reason = "not every platform needs all")]
mod object;
#[allow(dead_code, reason = "for generated unions, which no enabled platform may have")]
mod tag;
mod timestamp;
#[allow(dead_code, unused_macros, reason = "for generated unions, which no enabled platform may have")]
mod union;
mod unix_time;

pub(crate) use enumeration::{deserialize_enum, open_enum};
#[allow(unused_imports, reason = "not every platform needs both")]
pub(crate) use integer::{OptionalWhole, Whole};
#[allow(unused_imports, reason = "not every platform needs all")]
pub(crate) use object::{
    Key, NullAsDefault, Object, Present, ReadAs, Slot, deserialize_as_object, deserialize_object, first, first_present,
    first_required,
};
pub use timestamp::{InvalidTimestamp, Timestamp};
#[allow(unused_imports, reason = "for generated unions, which no enabled platform may have")]
pub(crate) use union::{OneOrList, OpenUnion, Replay, deserialize_union, from_string, member, open_union, unknown};
#[allow(unused_imports, reason = "not every platform needs them")]
pub(crate) use unix_time::{any_time, unix_milliseconds, unix_seconds};
