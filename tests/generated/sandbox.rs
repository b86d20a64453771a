//! The statics of the sandbox: what a platform takes and returns.

#[path = "../../src/sandbox/spec.rs"]
#[allow(dead_code, reason = "not all of it is looked at")]
pub mod spec;

#[allow(clippy::wildcard_imports, reason = "generated")]
mod statics {
    include!("../golden/operations.sandbox.rs");
}

use self::spec::{
    Auth, BodySpec, Format, Kind, Literal, ObjectSpec, OperationSpec, PageBy, PagingSpec, Place, PropertySpec,
    ResponseSpec, Segment, StringSpec,
};
use self::statics::PLATFORM;

fn operation(name: &str) -> &'static OperationSpec {
    let id = format!("oma_{name}");
    PLATFORM.operations.iter().find(|operation| operation.id == id).unwrap()
}

fn property<'a>(object: &'a ObjectSpec, name: &str) -> &'a PropertySpec {
    object.properties.iter().find(|property| property.name == name).unwrap()
}

/// The object that the operation takes.
fn update() -> &'static ObjectSpec {
    let BodySpec::Json { schema, required: false } = operation("update_thing").body else { panic!("a JSON body") };
    let Kind::Object(object) = schema.kind else { panic!("an object") };
    object
}

#[test]
fn a_route_is_the_segments_below_the_server_s_path() {
    assert_eq!((PLATFORM.name, PLATFORM.base), ("oma", "/api"));
    let routes = operation("update_thing").routes;
    let id = Segment::Parameter { name: "thing_id", prefix: "", suffix: "" };
    assert_eq!((routes[0].method, routes[0].path), ("PATCH", &[Segment::Text("oma"), Segment::Text("things"), id][..]));
    assert_eq!((routes[0].generations, routes[1].generations), (&["v1"][..], &["v0", "anthropic"][..]));
    assert_eq!((routes[2].method, routes[2].query), ("POST", &[("thing", "thing_id"), ("tenant", "tenant")][..]));
    let raw = Segment::Parameter { name: "name", prefix: "", suffix: ":raw" };
    assert_eq!(operation("get_file").routes[0].path[4], raw);
}

#[test]
fn every_parameter_is_there_with_its_place() {
    let places = |name: &str| -> Vec<(Place, &str)> {
        operation(name).parameters.iter().map(|parameter| (parameter.place, parameter.property.name)).collect()
    };
    assert_eq!(places("list_pages"), [(Place::Query, "page"), (Place::Header, "X-Tenant")]);
    assert_eq!(places("update_thing"), [(Place::Path, "thing_id"), (Place::Path, "tenant")], "of a query template too");
    let limit = &operation("list_things").parameters[0].property;
    assert_eq!((limit.default, limit.required), (Some(Literal::Integer(20)), false));
}

#[test]
fn auth_status_and_media_are_the_document_s() {
    let auth = |name: &str| operation(name).auth;
    assert_eq!(
        [auth("get_thing"), auth("list_pages"), auth("get_health")],
        [Auth::Required, Auth::Optional, Auth::None]
    );
    let status = |name: &str| operation(name).status;
    assert_eq!(
        [status("create_key"), status("delete_thing"), status("authorize"), status("get_thing")],
        [201, 204, 302, 200]
    );
    let media = |name: &str| operation(name).routes[0].media;
    assert_eq!(
        [media("delete_thing"), media("get_archive"), media("get_thing")],
        ["", "application/zip", "application/json"]
    );
}

#[test]
fn bodies_and_responses_have_their_kinds() {
    assert!(matches!(operation("get_thing").body, BodySpec::None));
    assert!(matches!(operation("set_label").body, BodySpec::Bytes("application/octet-stream")));
    let BodySpec::Multipart(upload) = operation("upload_file").body else { panic!("a multipart body") };
    let file = property(upload, "file");
    assert!(matches!(&file.schema.kind, Kind::String(StringSpec { format: Format::Binary, .. })) && file.required);
    assert!(matches!(operation("delete_thing").response, ResponseSpec::Empty));
    assert!(matches!(operation("stream_ticks").response, ResponseSpec::Events(_)));
    assert!(matches!(operation("stream_rows").response, ResponseSpec::Lines(_)));
    assert!(matches!(operation("get_archive").response, ResponseSpec::Bytes("application/zip")));
    assert!(matches!(operation("authorize").response, ResponseSpec::Redirect));
    let ResponseSpec::Json(list) = operation("list_pages").response else { panic!("JSON") };
    assert!(matches!(list.kind, Kind::Object(&ObjectSpec { name: "OmaThingList", .. })), "the envelope, not its items");
}

#[test]
fn lists_are_paged_as_each_route_says() {
    let paging = |route: usize| operation("list_pages").routes[route].paging.unwrap();
    let token = PageBy::Token { send: "page", read: &["next_page", "next_cursor"] };
    assert_eq!(paging(0), &PagingSpec { by: token, items: &["data", "things"] });
    assert_eq!((&paging(1).by, &paging(2).by), (&PageBy::AfterId { send: "", read: &[] }, &PageBy::Once));
    assert!(operation("get_thing").routes[0].paging.is_none());
}

#[test]
fn bounds_formats_and_defaults_are_kept() {
    let object = update();
    assert!(object.open, "further properties of a request are kept");
    let string = |name: &str| match &property(object, name).schema.kind {
        Kind::String(string) => string,
        other => panic!("{other:?}"),
    };
    let name = string("name");
    assert_eq!((name.min, name.max, name.pattern), (None, Some(9), Some("^[a-z]*$")));
    assert_eq!(property(object, "name").default, Some(Literal::Text("a")));
    assert_eq!(property(object, "name").spelled, [("v0", "label")]);
    assert_eq!(property(object, "owner").generations, ["v1"]);
    let formats = ["owner", "due", "url", "name"].map(|name| string(name).format);
    assert_eq!(formats, [Format::Uuid, Format::Timestamp, Format::Uri, Format::None]);
    assert_eq!(string("url").pattern, Some("^https://"));
    assert_eq!(string("kind").values, ["a", "b"]);
    let kind = |name: &str| &property(object, name).schema.kind;
    assert!(matches!(kind("count"), Kind::Integer { min: Some(1), max: Some(9) }), "an exclusive bound is moved");
    assert!(matches!(kind("share"), Kind::Number { min: Some(low), max: Some(high) } if (*low, *high) == (0.5, 1.0)));
    assert_eq!(property(object, "count").default, Some(Literal::Integer(3)));
    assert_eq!(property(object, "labels").default, Some(Literal::Json(r#"{"a":true}"#)));
    let Kind::Array { items, min: None, max: Some(2) } = kind("rows") else { panic!("a list of at most two") };
    assert!(items.nullable && property(object, "id").schema.nullable && !property(object, "rows").schema.nullable);
    assert!(property(object, "kind").required && !property(object, "id").required);
}

#[test]
fn a_request_schema_may_hold_itself() {
    let Kind::Union { tag: "type", arms } = property(update(), "tree").schema.kind else { panic!("a union") };
    assert_eq!(arms.iter().map(|arm| arm.value).collect::<Vec<_>>(), ["leaf", "fork", "branch"]);
    let Kind::Object(fork) = arms[2].schema.kind else { panic!("an object") };
    let Kind::Array { items, .. } = &property(fork, "trees").schema.kind else { panic!("a list") };
    assert!(matches!(items.kind, Kind::Union { arms: inner, .. } if std::ptr::eq(inner, arms)));
    let Kind::Union { tag: "", arms: either } = property(fork, "either").schema.kind else {
        panic!("an untagged union")
    };
    let Kind::Array { items, .. } = &either[1].schema.kind else { panic!("a list") };
    assert!(
        matches!(items.kind, Kind::Union { arms: inner, .. } if std::ptr::eq(inner, either)),
        "without an object between"
    );
}
