//! The operation table, over a stand-in for the crate's own `http`.

/// What the table is made of, as far as it can be looked at.
#[allow(dead_code, reason = "some of it is only written")]
pub mod http {
    use std::time::Duration;

    pub struct Bytes;

    pub struct Operation<T> {
        pub spec: &'static OperationSpec,
        pub decode: fn() -> (&'static str, Option<T>),
    }

    pub struct OperationSpec {
        pub id: &'static str,
        pub method: Method,
        pub path: &'static [Piece],
        pub auth: bool,
        pub retry: RetryClass,
        pub timeout: Option<Duration>,
        pub alternates: &'static [Alternate],
        pub paging: Option<Paging>,
    }

    pub struct Alternate {
        pub id: &'static str,
        pub method: Method,
        pub path: &'static [Piece],
    }

    #[derive(Debug, PartialEq)]
    pub struct Method(pub &'static str);

    impl Method {
        pub const GET: Self = Self("GET");
        pub const POST: Self = Self("POST");
        pub const PUT: Self = Self("PUT");
        pub const PATCH: Self = Self("PATCH");
        pub const DELETE: Self = Self("DELETE");
    }

    #[derive(Debug, PartialEq)]
    pub enum Piece {
        Text(&'static str),
        Id { name: &'static str, uuid: bool },
    }

    #[derive(Debug, PartialEq)]
    pub enum RetryClass {
        Idempotent,
        NonIdempotent,
    }

    #[derive(Debug, PartialEq)]
    pub struct Paging {
        pub by: PageBy,
        pub items: &'static [&'static str],
    }

    #[derive(Debug, PartialEq)]
    pub enum PageBy {
        Offset,
    }

    pub mod decode {
        use crate::{page::Page, sse::EventStream};

        pub fn json<T>() -> (&'static str, Option<T>) {
            ("json", None)
        }

        pub fn empty() -> (&'static str, Option<()>) {
            ("empty", None)
        }

        pub fn bytes() -> (&'static str, Option<super::Bytes>) {
            ("bytes", None)
        }

        pub fn page<T>() -> (&'static str, Option<Page<T>>) {
            ("page", None)
        }

        pub fn stream<T>() -> (&'static str, Option<EventStream<T>>) {
            ("stream", None)
        }
    }
}

/// Stands in for the crate's own.
pub mod page {
    pub struct Page<T>(std::marker::PhantomData<T>);
}

/// Stands in for the crate's own.
pub mod sse {
    pub struct EventStream<T>(std::marker::PhantomData<T>);
}

#[allow(dead_code, reason = "not every constant is looked at")]
mod ops {
    use crate::golden::operations as types;
    include!("../golden/operations.ops.rs");
}

use std::any::type_name;
use std::time::Duration;

use self::http::{Method, Operation, PageBy, Paging, Piece, RetryClass};

/// What the answer of an operation decodes to, without the paths.
fn answer<T>(operation: &Operation<T>) -> (&'static str, String) {
    let mut name = type_name::<T>().to_owned();
    while let Some(end) = name.rfind("::") {
        let start = name[..end].rfind(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).map_or(0, |at| at + 1);
        name.replace_range(start..end + 2, "");
    }
    ((operation.decode)().0, name)
}

#[test]
fn the_answer_of_each_operation_has_its_type_and_decoder() {
    assert_eq!(answer(&ops::LIST_THINGS), ("page", "Page<Thing>".to_owned()));
    assert_eq!(answer(&ops::SEARCH_THINGS), ("json", "Vec<Thing>".to_owned()));
    assert_eq!(answer(&ops::GET_THING), ("json", "Option<Thing>".to_owned()), "204 reads as null");
    assert_eq!(answer(&ops::UPDATE_THING), ("json", "Thing".to_owned()));
    assert_eq!(answer(&ops::DELETE_THING), ("empty", "()".to_owned()));
    assert_eq!(answer(&ops::GET_FILE), ("bytes", "Bytes".to_owned()));
    assert_eq!(answer(&ops::STREAM_TICKS), ("stream", "EventStream<Tick>".to_owned()));
    assert_eq!(answer(&ops::GET_LATEST), ("json", "Option<Thing>".to_owned()));
    assert_eq!(answer(&ops::GET_COUNT), ("json", "i64".to_owned()));
    assert_eq!(answer(&ops::GET_LABELS), ("json", "BTreeMap<String, Vec<Thing>>".to_owned()));
    assert_eq!(answer(&ops::GET_HEALTH), ("json", "Value".to_owned()));
}

#[test]
fn a_path_is_text_and_ids_in_turn() {
    let file = &ops::GET_FILE.spec.path;
    let id = |name| Piece::Id { name, uuid: false };
    assert_eq!(
        **file,
        [Piece::Text("/oma/things/"), id("thing_id"), Piece::Text("/files/"), id("name"), Piece::Text(":raw")]
    );
    assert_eq!(ops::GET_THING.spec.path[1], Piece::Id { name: "thing_id", uuid: true });
}

#[test]
fn retry_timeout_auth_and_paging_come_from_the_document() {
    let class = |spec: &'static http::OperationSpec| (&spec.retry, spec.timeout);
    assert_eq!(class(ops::LIST_THINGS.spec), (&RetryClass::Idempotent, None));
    assert_eq!(class(ops::SEARCH_THINGS.spec), (&RetryClass::Idempotent, Some(Duration::from_secs(60))));
    assert_eq!(class(ops::DELETE_THING.spec), (&RetryClass::NonIdempotent, Some(Duration::from_millis(500))));
    assert_eq!(class(ops::UPDATE_THING.spec), (&RetryClass::NonIdempotent, None));
    assert_eq!((ops::GET_THING.spec.auth, ops::GET_HEALTH.spec.auth), (true, false));
    assert_eq!(ops::LIST_THINGS.spec.paging, Some(Paging { by: PageBy::Offset, items: &[] }));
    assert_eq!(ops::SEARCH_THINGS.spec.paging, None);
}

#[test]
fn an_alternate_stands_with_its_primary() {
    let spec = ops::UPDATE_THING.spec;
    assert_eq!((spec.id, &spec.method), ("oma_update_thing", &Method::PATCH));
    let [alternate] = spec.alternates else { panic!("one alternate, not {}", spec.alternates.len()) };
    assert_eq!((alternate.id, &alternate.method), ("oma_replace_thing", &Method::PUT));
    assert_eq!(alternate.path[0], Piece::Text("/oma/things/"));
}
