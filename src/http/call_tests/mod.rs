//! The road on the fixture platform, byte by byte.

mod downloads;
mod generations;
mod headers;
mod routes;
mod uploads;

use std::time::Duration;

use crate::fixture::{self, Server, json, ops, types};
use crate::http::{Core, Request, Upload};
use crate::{Error, Reason};
use http::{HeaderName, Method};

const THING: &str = r#"{"id":"t1","name":"one"}"#;
const OLD: &str = r#"{"data":[],"has_more":false}"#;
const NEW: &str = r#"{"data":[],"next_page":null}"#;
const NO_ROUTE: &str = r#"{"error":"no route"}"#;

fn ok(body: &str) -> String {
    json("200 OK", body)
}

fn missing() -> String {
    json("404 Not Found", NO_ROUTE)
}

fn get(core: &Core) -> Request<types::Thing> {
    Request::new(core, ops::GET_THING).id("t1")
}

#[tokio::test]
async fn an_object_may_come_wrapped() {
    for body in [
        r#"{"id":"r1","error":"failed"}"#,
        r#"{"run_id":"r1","error":"failed"}"#,
        r#"{"run":{"run_id":"r1","error":"failed"}}"#,
        r#"{"ok":true,"data":{"id":"r1","error":"failed"}}"#,
    ] {
        let server = Server::start(vec![json("202 Accepted", body)]).await;
        let run = Request::new(&fixture::old(&server), ops::START_RUN).json(&types::RunCreate::new("x"));
        let run = run.await.unwrap();
        assert_eq!((run.run_id.as_str(), run.error.as_deref()), ("r1", Some("failed")), "{body}");
    }
}

#[tokio::test]
async fn lists_go_on_by_the_token_of_their_generation() {
    for (core, first, second) in [
        (fixture::old as fn(&Server) -> Core, r#""next_cursor":"c2""#, "get /api/things?cursor=c2"),
        (fixture::new, r#""next_page":"c2""#, "get /api/v2/things?page=c2"),
    ] {
        let server = Server::start(vec![
            ok(&format!(r#"{{"data":[{{"id":"a"}}],{first}}}"#)),
            ok(r#"{"data":[{"id":"b"}],"next_page":""}"#),
        ])
        .await;
        let mut things = Request::new(&core(&server), ops::LIST_THINGS).items();
        let mut ids = Vec::new();
        while let Some(thing) = things.try_next().await.unwrap() {
            ids.push(thing.id);
        }
        assert_eq!((ids, server.lines()[1].as_str()), (vec!["a".to_owned(), "b".to_owned()], second));
    }
}

#[tokio::test]
async fn an_error_body_is_read_to_a_mebibyte_and_kept_to_64_kibibytes() {
    let filler = "x".repeat(500_000);
    let body =
        serde_json::json!({ "filler": filler, "error": { "type": "deep", "message": "at the end" } }).to_string();
    let server = Server::start(vec![json("400 Bad Request", &body)]).await;
    let error = get(&fixture::old(&server)).attempt_timeout(Duration::from_secs(20)).await.unwrap_err();
    assert_eq!((error.code(), error.message().as_str()), (Some("deep"), "at the end"));
    assert_eq!(error.body().unwrap().len(), 65_536);
}

/// Allocators are fast up to about this size; a call that outgrew it cost 3 % more.
#[tokio::test]
async fn the_boxes_of_a_call_are_small() {
    use std::mem::size_of_val;

    use http::HeaderMap;
    use tokio::time::Instant;

    use super::*;
    use crate::http::retry::Deadline;
    use crate::http::transport::Limits;

    let server = Server::start(vec![]).await;
    let core = fixture::builder(&server).build().unwrap();
    let request = get(&core);
    let (settings, mut state) = (request.parts().settings(), RetryState::begin(&request.parts().settings()));
    let frozen = request.parts().freeze(&request.parts().spec.routes[0], None).unwrap();
    let window = Deadline { length: Duration::ZERO, timer: Timer::Total, set_to: Duration::ZERO };
    let (ends, connect) = (Instant::now(), Duration::ZERO);
    let limits = Limits { window, ends, connect, max_body: 0, live: false, upload: None };
    let sizes = [
        size_of_val(&core.shared().transport.exchange(frozen.to_request(HeaderMap::new()), limits)),
        size_of_val(&core.send(&frozen, Ending::Whole, &settings, &mut state)),
        size_of_val(&request.send()),
    ];
    assert!(sizes.into_iter().all(|size| size <= 1032), "{sizes:?}");
}
