//! The operation table, over a stand-in for the crate's own `http`.

/// What the table is made of, as far as it can be looked at.
#[allow(dead_code, reason = "some of it is only written")]
pub mod http {
    use std::marker::PhantomData;
    use std::time::Duration;

    pub struct Bytes;
    pub struct Download;
    pub struct Redirect;

    pub struct Operation<T> {
        pub spec: &'static OperationSpec,
        pub reader: Reader<T>,
    }

    pub struct OperationSpec {
        pub id: &'static str,
        pub retry: RetryClass,
        pub auth: AuthUse,
        pub timeout: Option<Duration>,
        pub secret: bool,
        pub required: &'static [&'static [&'static str]],
        pub wrapped: &'static [&'static str],
        pub routes: &'static [Route],
    }

    #[derive(Debug, PartialEq)]
    pub struct Route {
        pub method: Method,
        pub path: &'static [Piece],
        pub query: &'static [(&'static str, usize)],
        pub generations: &'static [&'static str],
        pub accept: &'static str,
        pub paging: Option<Paging>,
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
        Id { at: usize, name: &'static str, uuid: bool },
    }

    #[derive(Debug, PartialEq)]
    pub enum RetryClass {
        Idempotent,
        NonIdempotent,
    }

    #[derive(Debug, PartialEq)]
    pub enum AuthUse {
        Required,
        Optional,
        None,
    }

    #[derive(Debug, PartialEq)]
    pub struct Paging {
        pub by: PageBy,
        pub items: &'static [&'static str],
    }

    #[derive(Debug, PartialEq)]
    pub enum PageBy {
        Offset,
        Token { send: &'static str, read: &'static [&'static str] },
        AfterId { token: Option<(&'static str, &'static [&'static str])> },
        AfterSeq,
        Once,
    }

    /// Only its name.
    pub struct Reader<T>(pub &'static str, PhantomData<T>);

    macro_rules! readers {
        ($($name:ident),*) => {
            impl<T> Reader<T> {
                $(pub const fn $name() -> Self {
                    Self(stringify!($name), PhantomData)
                })*
            }
        };
    }

    readers!(json, empty, page, bytes, download, events, lines, redirect);
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

use self::http::{AuthUse, Method, Operation, OperationSpec, PageBy, Paging, Piece, RetryClass};

/// What the response of an operation decodes to, without the paths.
fn response<T>(operation: &Operation<T>) -> (&'static str, String) {
    let mut name = type_name::<T>().to_owned();
    while let Some(end) = name.rfind("::") {
        let start = name[..end].rfind(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).map_or(0, |at| at + 1);
        name.replace_range(start..end + 2, "");
    }
    (operation.reader.0, name)
}

#[test]
fn the_response_of_each_operation_has_its_type_and_reader() {
    assert_eq!(response(&ops::LIST_THINGS), ("page", "Page<Thing>".to_owned()));
    assert_eq!(response(&ops::LIST_PAGES), ("page", "Page<Thing>".to_owned()), "the items of an envelope");
    assert_eq!(response(&ops::LIST_FILES), ("page", "Page<String>".to_owned()));
    assert_eq!(response(&ops::SEARCH_THINGS), ("json", "Vec<Thing>".to_owned()));
    assert_eq!(response(&ops::GET_THING), ("json", "Option<Thing>".to_owned()), "204 reads as null");
    assert_eq!(response(&ops::UPDATE_THING), ("json", "Thing".to_owned()));
    assert_eq!(response(&ops::DELETE_THING), ("empty", "()".to_owned()));
    assert_eq!(response(&ops::GET_FILE), ("bytes", "Bytes".to_owned()));
    assert_eq!(response(&ops::GET_ARCHIVE), ("download", "Download".to_owned()));
    assert_eq!(response(&ops::STREAM_TICKS), ("events", "EventStream<Tick>".to_owned()));
    assert_eq!(response(&ops::STREAM_ROWS), ("lines", "EventStream<Tick>".to_owned()));
    assert_eq!(response(&ops::AUTHORIZE), ("redirect", "Redirect".to_owned()));
    assert_eq!(response(&ops::GET_LATEST), ("json", "Option<Thing>".to_owned()));
    assert_eq!(response(&ops::GET_COUNT), ("json", "i64".to_owned()));
    assert_eq!(response(&ops::GET_LABELS), ("json", "BTreeMap<String, Vec<Thing>>".to_owned()));
    assert_eq!(response(&ops::GET_HEALTH), ("json", "Value".to_owned()));
}

const fn id(at: usize, name: &'static str) -> Piece {
    Piece::Id { at, name, uuid: false }
}

const UUID: Piece = Piece::Id { at: 0, name: "thing_id", uuid: true };

#[test]
fn a_path_is_the_server_s_path_then_text_and_ids_in_turn() {
    let file = ops::GET_FILE.spec.routes[0].path;
    assert_eq!(
        file,
        [
            Piece::Text("/api/oma/things/"),
            id(0, "thing_id"),
            Piece::Text("/files/"),
            id(1, "name"),
            Piece::Text(":raw")
        ]
    );
    assert_eq!(ops::GET_THING.spec.routes[0].path[1], UUID);
}

#[test]
fn retry_timeout_and_auth_come_from_the_document() {
    let class = |spec: &'static OperationSpec| (&spec.retry, spec.timeout);
    assert_eq!(class(ops::LIST_THINGS.spec), (&RetryClass::Idempotent, None));
    assert_eq!(class(ops::SEARCH_THINGS.spec), (&RetryClass::Idempotent, Some(Duration::from_secs(60))));
    assert_eq!(class(ops::DELETE_THING.spec), (&RetryClass::NonIdempotent, Some(Duration::from_millis(500))));
    assert_eq!(class(ops::UPDATE_THING.spec), (&RetryClass::NonIdempotent, None));
    assert_eq!(class(ops::SET_LABEL.spec), (&RetryClass::Idempotent, None), "PUT");
    let auth = [&ops::GET_THING.spec.auth, &ops::LIST_PAGES.spec.auth, &ops::GET_HEALTH.spec.auth];
    assert_eq!(auth, [&AuthUse::Required, &AuthUse::Optional, &AuthUse::None]);
}

#[test]
fn a_response_says_what_it_requires_hides_and_comes_wrapped_in() {
    let key = ops::CREATE_KEY.spec;
    assert_eq!(key.required, [&["id", "key_id"] as &[_], &["holder"]]);
    assert_eq!((key.secret, key.wrapped), (true, &["key", "data"] as &[_]));
    assert!(ops::LIST_PAGES.spec.secret, "beside the items");
    let thing = ops::UPDATE_THING.spec;
    assert!(!thing.secret && thing.required.is_empty() && thing.wrapped.is_empty());
}

#[test]
fn lists_are_paged_as_each_route_says() {
    let paging = |by, items| Some(Paging { by, items });
    assert_eq!(ops::LIST_THINGS.spec.routes[0].paging, paging(PageBy::Offset, &[]));
    assert_eq!(ops::SEARCH_THINGS.spec.routes[0].paging, None);
    let [home, listed, all] = ops::LIST_PAGES.spec.routes else { panic!("three routes") };
    let token = PageBy::Token { send: "page", read: &["next_page", "next_cursor"] };
    assert_eq!(home.paging, paging(token, &["data", "things"]), "the documented key comes first");
    assert_eq!(listed.paging, paging(PageBy::AfterId { token: None }, &["rows"]));
    assert_eq!(all.paging, paging(PageBy::Once, &[]));
    assert_eq!((home.accept, listed.accept), ("application/json", "application/vnd.oma+json"));
    let after = PageBy::AfterId { token: Some(("page", &["next_page"])) };
    assert_eq!(ops::LIST_FILES.spec.routes[0].paging, paging(after, &[]));
}

#[test]
fn each_response_is_asked_for_by_its_media_type() {
    let accept = |spec: &'static OperationSpec| spec.routes[0].accept;
    assert_eq!(accept(ops::GET_FILE.spec), "application/octet-stream");
    assert_eq!(accept(ops::GET_ARCHIVE.spec), "application/zip");
    assert_eq!(accept(ops::STREAM_TICKS.spec), "text/event-stream");
    assert_eq!(accept(ops::STREAM_ROWS.spec), "application/x-ndjson");
    assert_eq!((accept(ops::DELETE_THING.spec), accept(ops::AUTHORIZE.spec)), ("application/json", "*/*"));
}

#[test]
fn further_routes_follow_the_documented_home() {
    let [home, put, post] = ops::UPDATE_THING.spec.routes else { panic!("three routes") };
    assert_eq!(
        (&home.method, home.path, home.generations),
        (&Method::PATCH, &[Piece::Text("/api/oma/things/"), UUID] as &[_], &["v1"] as &[_])
    );
    assert_eq!((&put.method, put.path, put.generations), (&Method::PUT, home.path, &["v0", "anthropic"] as &[_]));
    assert_eq!((&post.method, post.path), (&Method::POST, &[Piece::Text("/api/oma/set")] as &[_]));
    assert_eq!(post.query, [("thing", 0), ("tenant", 1)], "an id that no path has comes last");
}
