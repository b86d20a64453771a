//! The shared part, on the fixture platform.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use http::{StatusCode, header};
use serde_json::{Value, json};

use super::clock::Clock;
use super::fixture::{Fixture, NOTES};
use super::network::{Fault, Orders, ResponseControl, carry_out};
use super::pipeline::{Mounted, Service};
use super::platform::RateLimit;
use super::reply::{Body, Reply};
use crate::Secret;

struct Server {
    platform: Arc<Mounted<Fixture>>,
    clock: Arc<Clock>,
}

impl Server {
    fn new() -> Self {
        Self::with(Fixture::default())
    }

    fn with(fixture: Fixture) -> Self {
        let clock = Arc::new(Clock::starting_at("2026-02-04T12:00:00Z".parse().unwrap()));
        let platform = Mounted::new(fixture, clock.clone());
        for (name, key) in [("one", "k1"), ("two", "k2")] {
            platform.open(name, &Secret::new(key.to_owned()));
        }
        Self { platform, clock }
    }

    fn send(&self, request: http::request::Builder, body: &[u8]) -> Reply {
        let head = request.body(()).unwrap().into_parts().0;
        let routed = self.platform.route(&head, head.uri.path());
        self.platform.clone().respond(&routed, &head, &Bytes::copy_from_slice(body))
    }

    fn call(&self, method: &str, uri: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = http::Request::builder().method(method).uri(uri).header("x-fixture-key", "k1");
        json_of(self.send(request, body.as_bytes()))
    }

    fn get(&self, uri: &str) -> (u16, Value) {
        self.call("GET", uri, &Value::Null)
    }

    fn job(&self, name: &str) -> String {
        let (status, created) = self.call("POST", "/api/jobs", &json!({"name": name}));
        assert_eq!(status, 201, "{created}");
        created["job"]["job_id"].as_str().unwrap().to_owned()
    }
}

fn json_of(reply: Reply) -> (u16, Value) {
    (reply.status.as_u16(), serde_json::from_str(&text_of(reply)).unwrap_or_default())
}

fn text_of(reply: Reply) -> String {
    let Body::Whole(body) = reply.body else { panic!("a live body") };
    String::from_utf8(body.to_vec()).unwrap()
}

#[test]
fn routes_by_path_method_generation_and_accept() {
    let (new, old) = (Server::new(), Server::with(Fixture { old: true, ..Fixture::default() }));
    let id = new.job("a");
    assert_eq!(new.get("/api/nothing"), (404, json!({"error": "no_route"})));
    assert_eq!(new.get("/jobs"), (404, json!({"error": "no_route"})));
    assert_eq!(new.call("PUT", "/api/jobs", &Value::Null), (405, json!({"error": "GET POST"})));
    assert_eq!(new.get(&format!("/api/jobs/{id}")).0, 200);
    assert_eq!(new.get(&format!("/api/jobs/%6Aob-{}", &id[4..])).0, 200);
    assert_eq!(new.get(&format!("/api/job?id={id}")).0, 404);
    let id = old.call("POST", "/api/jobs", &json!({"title": "a"})).1["job"]["job_id"].clone();
    assert_eq!(old.get(&format!("/api/job?id={}", id.as_str().unwrap())).0, 200);
}

#[test]
fn asks_for_a_credential_before_it_validates() {
    let server = Server::new();
    let sent = |name: &str, value: &str| {
        let request = http::Request::post("/api/jobs").header(name, value);
        json_of(server.send(request, b"{}")).0
    };
    assert_eq!([sent("x-fixture-key", "k1"), sent("authorization", "Key k2")], [400, 400]);
    assert_eq!([sent("x-fixture-key", "k3"), sent("authorization", "key k1"), sent("x-other", "k1")], [401; 3]);
    let anonymous = server.send(http::Request::get("/api/files"), b"");
    assert_eq!(anonymous.status, StatusCode::OK);
    let wrong = server.send(http::Request::get("/api/files").header("x-fixture-key", "k3"), b"");
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
}

#[test]
fn accounts_do_not_see_each_other() {
    let server = Server::new();
    let id = server.job("a");
    let request = http::Request::get(format!("/api/jobs/{id}")).header("x-fixture-key", "k2");
    assert_eq!(json_of(server.send(request, b"")), (404, json!({"error": format!("Job {id}")})));
}

#[test]
fn names_each_value_that_does_not_match() {
    let server = Server::new();
    assert_eq!(server.call("POST", "/api/jobs", &json!({"name": "fives", "weight": 0, "tags": ["a", "b"]})).0, 201);
    let rejected = |body: Value| {
        let (status, answer) = server.call("POST", "/api/jobs", &body);
        assert_eq!(status, 400, "{body}");
        answer["error"].as_str().unwrap().to_owned()
    };
    assert_eq!(rejected(json!({})), "\"body\" name is required");
    assert_eq!(
        rejected(json!({"name": "longer", "weight": -1, "tags": ["a", 2, "c"], "due": "noon"})),
        "\"body\" name is above the maximum, 5; \"body\" weight is below the minimum, 0.0; \
         \"body\" tags is above the maximum, 2; \"body\" tags.1 is not a valid string; \"body\" due is not a valid date-time"
    );
    assert_eq!(rejected(json!([])), "\"body\"  is not a valid object");
    assert_eq!(rejected(json!({"name": "a", "step": {"kind": "jump"}})), "\"body\" step.kind is not one of [\"wait\"]");
    assert_eq!(rejected(json!({"name": "a", "step": {"kind": "wait"}})), "\"body\" step.seconds is required");
    let malformed = server.send(http::Request::post("/api/jobs").header("x-fixture-key", "k1"), b"{");
    assert_eq!(json_of(malformed).1["error"], "\"body\"  can't be parsed");
    assert_eq!(server.get("/api/jobs?limit=x").1["error"], "\"query\" limit is not a valid integer");
    assert_eq!(server.get("/api/jobs?limit=0").1["error"], "\"query\" limit is below the minimum, 1");
}

#[test]
fn shapes_an_object_as_its_component() {
    let (new, old) = (Server::new(), Server::with(Fixture { old: true, ..Fixture::default() }));
    let sent = r#"{"name": "a", "due": "2026-02-04T14:00:00+02:00", "stray": 1, "tags": ["x"], "status": "mine"}"#;
    let post = || http::Request::post("/api/jobs").header("x-fixture-key", "k1");
    let created = text_of(new.send(post(), sent.as_bytes()));
    let (before, rest) = created.split_once("job-").unwrap();
    assert_eq!(before, r#"{"job":{"type":"job","job_id":""#);
    let expected = r#"","name":"a","weight":0.5,"tags":["x"],"status":"queued","due":"2026-02-04T12:00:00.000Z","created_at":"2026-02-04T12:00:0"#;
    assert_eq!(&rest[8..8 + expected.len()], expected);
    assert!(rest.ends_with(r#"Z","archived_at":null}}"#), "{rest}");
    let created = text_of(old.send(post(), sent.replace("name", "title").as_bytes()));
    assert!(created.contains(r#","title":"a","weight":0.5,"status":"queued""#), "{created}");
}

#[test]
fn pages_by_token_in_the_platforms_envelope() {
    let server = Server::new();
    let ids = ["a", "b", "c"].map(|name| server.job(name));
    let names =
        |page: &Value| page["jobs"].as_array().unwrap().iter().map(|job| job["name"].clone()).collect::<Vec<_>>();
    let (_, first) = server.get("/api/jobs");
    assert_eq!((names(&first), &first["has_more"]), (vec![json!("c"), json!("b")], &json!(true)));
    // What is created meanwhile does not repeat anything.
    server.job("d");
    let (_, second) = server.get(&format!("/api/jobs?page={}", first["next"].as_str().unwrap()));
    assert_eq!((names(&second), &second["next"], &second["has_more"]), (vec![json!("a")], &json!(null), &json!(false)));
    let (_, garbage) = server.get("/api/jobs?page=zzz&limit=9");
    assert_eq!(names(&garbage).len(), 4);
    server.call("POST", &format!("/api/jobs/{}/cancel", ids[1]), &Value::Null);
    assert_eq!(names(&server.get("/api/jobs?status=cancelled").1), [json!("b")]);
}

#[test]
fn stock_handlers_keep_parents_and_children_together() {
    let server = Server::new();
    let id = server.job("a");
    let notes = format!("/api/jobs/{id}/notes");
    for text in ["x", "y", "z"] {
        assert_eq!(server.call("POST", &notes, &json!({"text": text})).0, 201);
    }
    let (_, all) = server.get(&notes);
    assert_eq!(all[0]["text"], "z");
    let (_, rest) = server.get(&format!("{notes}?after_id={}", all[1]["id"].as_str().unwrap()));
    assert_eq!(rest, json!([all[2]]));
    assert_eq!(server.call("POST", "/api/jobs/none/notes", &json!({"text": "x"})).0, 404);
    assert_eq!(server.get("/api/jobs/none/notes").0, 404);

    let job = format!("/api/jobs/{id}");
    assert_eq!(server.call("PATCH", &job, &json!({"name": "b"})).1["name"], "b");
    let left = || server.platform.with("one", |world| world.store.rows(&NOTES).count());
    assert_eq!(left(), Some(3));
    assert_eq!(server.call("DELETE", &job, &Value::Null), (204, Value::Null));
    assert_eq!(left(), Some(0));
    assert_eq!(server.get(&job).0, 404);
    assert_eq!(server.get("/api/jobs").1["jobs"], json!([]));
    assert_eq!(server.get("/api/jobs?all=true").1["jobs"].as_array().unwrap().len(), 1);
    assert_eq!(server.get(&notes).0, 404);
}

#[test]
fn a_transition_is_refused_from_other_states() {
    let server = Server::new();
    let cancel = format!("/api/jobs/{}/cancel", server.job("a"));
    assert_eq!(server.call("POST", &cancel, &Value::Null).1["status"], "cancelled");
    assert_eq!(server.call("POST", &cancel, &Value::Null), (409, json!({"error": "Job is cancelled"})));
}

#[test]
fn life_goes_on_with_time_and_with_reading() {
    let server = Server::new();
    let job = format!("/api/jobs/{}", server.job("a"));
    let status = || server.get(&job).1["status"].clone();
    assert_eq!([status(), status(), status()], ["queued", "queued", "queued"]);
    server.clock.advance(Duration::from_secs(60));
    assert_eq!([status(), status()], ["running", "done"]);

    let other = format!("/api/jobs/{}", server.job("b"));
    server.clock.advance(Duration::from_secs(120));
    assert_eq!(server.get(&other).1["status"], "done");
}

#[test]
fn a_rate_limit_counts_the_calls_of_an_account() {
    let limit = RateLimit { calls: 2, per: Duration::from_secs(3600) };
    let server = Server::with(Fixture { rate_limit: Some(limit), ..Fixture::default() });
    assert_eq!([(); 3].map(|()| server.get("/api/jobs").0), [200, 200, 429]);
    let other = server.send(http::Request::get("/api/jobs").header("x-fixture-key", "k2"), b"");
    assert_eq!(other.status, StatusCode::OK);
}

#[test]
fn a_live_body_follows_an_object_until_it_ends() {
    let server = Server::new();
    let id = server.job("a");
    let watch = http::Request::get(format!("/api/jobs/{id}")).header("x-fixture-key", "k1");
    let reply = server.send(watch.header("accept", "text/event-stream"), b"");
    assert_eq!(reply.headers[0], (header::CONTENT_TYPE, "text/event-stream".parse().unwrap()));
    let Body::Live(mut body) = reply.body else { panic!("a whole body") };
    block_on(async {
        let event = |status| Some(format!("event: status\nid: 7\ndata: {{\"status\":\"{status}\"}}\n\n").into());
        assert_eq!(body.next().await, event("queued"));
        assert_eq!(body.next().now_or_never(), None);
        server.clock.advance(Duration::from_secs(60));
        assert_eq!(body.next().await, event("running"));
        assert_eq!(body.next().now_or_never(), None);
        server.call("POST", &format!("/api/jobs/{id}/cancel"), &Value::Null);
        assert_eq!(body.next().await, event("cancelled"));
        assert_eq!(body.next().await, None);
    });
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

fn frames_of(reply: Reply) -> Vec<String> {
    let Body::Live(body) = reply.body else { panic!("a whole body") };
    let frames: Vec<Bytes> = block_on(body.collect());
    frames.iter().map(|frame| String::from_utf8_lossy(frame).into_owned()).collect()
}

#[test]
fn a_script_writes_its_lines_in_time_and_keeps_the_connection_alive() {
    let server = Server::new();
    let reply = server.send(http::Request::get("/api/tail").header("x-fixture-key", "k1"), b"");
    let Body::Live(mut body) = reply.body else { panic!("a whole body") };
    let line = |status| Some(format!("{{\"status\":\"{status}\"}}\n").into());
    block_on(async {
        assert_eq!(body.next().await, line("one"));
        assert_eq!(body.next().await, line("still here"));
        server.clock.advance(Duration::from_secs(60));
        assert_eq!(body.next().await, line("two"));
        assert_eq!(body.next().await, None);
    });
}

#[test]
fn faults_lose_frames_of_a_live_body_cut_it_or_change_a_byte() {
    let (orders, _obeyed) = Orders::new();
    let live = || {
        let frames = futures::stream::iter(["one;", "two;", "three;"]).map(Bytes::from);
        Reply::typed(StatusCode::OK, "text/event-stream", Body::Live(frames.boxed()))
    };
    let after = |fault| {
        let control = ResponseControl::default();
        let reply = carry_out(fault, &orders, &control, live);
        frames_of(block_on(reply)).concat()
    };
    assert_eq!(after(Fault::drop_frames(2, 1)), "one;three;");
    assert_eq!(after(Fault::drop_frames(2, 9)), "one;");
    assert_eq!(after(Fault::end_after_frames(2)), "one;two;");
    assert_eq!(after(Fault::truncate(6)), "one;tw");
    assert_eq!(after(Fault::corrupt_body_at(5)), "one;t\u{fffd}o;three;");
    assert_eq!(after(Fault::split(1)), "one;two;three;");
}

#[test]
fn reads_multipart_bodies_and_serves_ranges() {
    let server = Server::new();
    let body = concat!(
        "--b\r\nContent-Disposition: form-data; name=\"count\"\r\n\r\n3\r\n",
        "--b\r\nContent-Disposition: form-data; name=\"files[]\"; filename=\"a.md\"\r\n\r\n# Do\r\n--b--\r\n",
    );
    let post = || http::Request::post("/api/files").header("x-fixture-key", "k1");
    let form = post().header("content-type", "multipart/form-data; boundary=b");
    let uploaded = server.send(form, body.as_bytes());
    assert_eq!(json_of(uploaded), (200, json!({"count": 3, "files": [{"name": "a.md", "bytes": 4}]})));
    assert_eq!(server.send(post(), b"").status, StatusCode::BAD_REQUEST);

    let get = |range: &str, if_range: &str| {
        let request = http::Request::get("/api/files").header("range", range).header("if-range", if_range);
        let reply = server.send(request, b"");
        (reply.status.as_u16(), text_of(reply))
    };
    let whole = server.send(http::Request::get("/api/files"), b"");
    let etag = whole.headers.iter().find(|(name, _)| *name == header::ETAG).unwrap().1.to_str().unwrap().to_owned();
    assert_eq!(get("bytes=4-", &etag), (206, "456789".to_owned()));
    assert_eq!(get("bytes=4-", "\"other\""), (200, "0123456789".to_owned()));
    assert_eq!(get("bytes=10-", &etag).0, 416);
}
