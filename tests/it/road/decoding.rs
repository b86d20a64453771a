//! What servers and proxies really send with a success status: marks, halves of characters, huge numbers, pages for
//! people, errors; and how errors say so.

use std::error::Error as _;
use std::io;

use polyagent::elephantasm::Elephantasm;
use polyagent::elephantasm::types::*;
use polyagent::{Error, Method, Page, RetryPolicy, Secret, Timer};
use serde_json::{Value, json};
use wiremock::{MockServer, ResponseTemplate};

use crate::elephantasm::{ID, KEY, SERVER_ANIMA, client, json_answer, server};
use crate::sockets::reqwest_without_proxy;

const BOM: &str = "\u{feff}";

fn bytes_answer(status: u16, media: &str, body: &[u8]) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body.to_vec(), media)
}

/// An event with these members besides the required ones.
fn event(members: &str) -> String {
    format!(
        r#"{{"id":"{ID}","anima_id":"{ID}","event_type":"message.in","content":"x","created_at":"2026-11-22T05:04:36.969174","updated_at":"2026-11-22T05:04:36.969174",{members}}}"#
    )
}

async fn got_event(members: &str) -> Event {
    let server = server(json_answer(200, &event(members))).await;
    client(&server).events().get(ID).await.unwrap()
}

async fn listed_events(body: &[u8]) -> Result<Page<Event>, Error> {
    let server = server(bytes_answer(200, "application/json", body)).await;
    client(&server).events().list(ListEventsParams::new(ID)).await
}

#[tokio::test]
async fn a_byte_order_mark_hides_neither_a_value_nor_an_error() {
    let marked = |status, body: &str| json_answer(status, &format!("{BOM}{body}"));
    let anima = client(&server(marked(200, SERVER_ANIMA)).await).animas().get(ID).await.unwrap();
    assert_eq!(anima.name, "Ada");
    let raw = client(&server(marked(200, "{\"a\":1}")).await).raw(Method::GET, ["api"]).await.unwrap();
    assert_eq!(raw, json!({"a": 1}));

    let invalid = r#"{"detail":[{"type":"missing","loc":["body","name"],"msg":"Field required"}]}"#;
    let error = client(&server(marked(422, invalid)).await).animas().get(ID).await.unwrap_err();
    assert_eq!(error.field_errors()[0].path(), "body.name");
    assert_eq!(error.message(), "body.name: Field required");
    let limited = r#"{"error":"rate_limit_exceeded","message":"Slow down","retry_after_seconds":7}"#;
    let error = client(&server(marked(429, limited)).await).animas().get(ID).max_retries(0).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(std::time::Duration::from_secs(7)));
    assert!(error.to_string().contains("429 Too Many Requests: Slow down ("), "{error}");
    assert!(error.to_string().contains(", retry after 7s)"), "{error}");
}

#[tokio::test]
async fn the_body_of_a_response_with_a_new_key_is_never_quoted() {
    let new_key = "sk_live_ffffffffffffffffffffffffffffffff";
    let create = async |status: u16, media: &str, body: &str| {
        let server = server(bytes_answer(status, media, body.as_bytes())).await;
        let call = client(&server).api_keys().create(ApiKeyCreate::new("ci"));
        let error = call.max_retries(0).await.unwrap_err();
        let said = format!("{error} {error:?} {error:#?} {} {:?}", error.message(), error.root_cause());
        assert!(!said.contains("ffff") && !said.contains("9042420"), "{said}");
        assert!(String::from_utf8_lossy(error.body().unwrap()).contains(body), "the body is kept");
        error
    };
    for before in ["", BOM, ")]}',\n", "data: ", "<pre>", "\u{feff}\u{feff}", "HTTP/1.1 201\r\n\r\n"] {
        for body in [format!("{{\"full_key\":\"{new_key}\",}}"), format!("\"{new_key}\""), new_key.to_owned()] {
            for status in [200, 201, 500] {
                create(status, "application/json", &format!("{before}{body}")).await;
            }
        }
    }
    create(201, "text/html", &format!("<p>{new_key}</p>")).await;
    create(201, "application/json", r#"{"id":9042420}"#).await;

    // The probe can fail: any other operation's is.
    let server = server(bytes_answer(200, "text/plain", new_key.as_bytes())).await;
    let error = client(&server).api_keys().list(ListApiKeysParams::new()).await.unwrap_err();
    assert!(error.to_string().contains(new_key), "{error}");
}

#[tokio::test]
async fn a_provided_key_in_path_or_query_is_not_shown_by_a_response_that_does_not_decode() {
    let key = "ab+c/d=ef0123456789";
    let client = |server: &MockServer| {
        Elephantasm::builder()
            .base_url(server.uri())
            .retry_policy(RetryPolicy::none())
            .configure_http(reqwest_without_proxy)
            .credentials(move || async move { Ok(Secret::from(key)) })
            .build()
            .unwrap()
    };
    for status in [200, 500] {
        let server = server(json_answer(status, &format!("{{\"{key}\":{{\"{key}\":\"x\"}}}}"))).await;
        let raw = || client(&server).raw(Method::GET, ["api", key.split('/').next().unwrap()]);
        let call = raw().query(key, "x").query("n", key);
        let error = call.decode_as::<std::collections::HashMap<String, Vec<u8>>>().await.unwrap_err();
        let said = format!("{error} {error:?} {error:#?} {} {:?}", error.message(), error.root_cause());
        assert!(!said.contains("0123456789"), "{said}");
        assert!(error.url().unwrap().ends_with("/api/ab+c?[redacted]=…&n=…"), "{error}");
        if let Error::Decode(decode) = &error {
            assert_eq!((status, decode.path()), (200, "[redacted]"));
        }
    }
}

#[tokio::test]
async fn half_a_surrogate_pair_costs_one_character_and_not_the_page() {
    let page = format!(
        "[{},{}]",
        event(r#""author":"a\ud83d!","meta":{"\udfffk":["\ud83d\ude00\ude00"]}"#),
        event(r#""author":"ok""#)
    );
    let page = listed_events(page.as_bytes()).await.unwrap();
    let authors: Vec<_> = page.iter().map(|event| event.author.as_deref()).collect();
    assert_eq!(authors, [Some("a\u{fffd}!"), Some("ok")]);
    assert_eq!(page.items[0].meta.as_ref().unwrap()["\u{fffd}k"], json!(["\u{1f600}\u{fffd}"]));

    let server_ = server(json_answer(200, r#"{"a":"\ud83d"}"#)).await;
    assert_eq!(client(&server_).raw(Method::GET, ["api"]).await.unwrap(), json!({"a": "\u{fffd}"}));
    let server_ = server(json_answer(404, r#"{"detail":"no \ud83d here"}"#)).await;
    assert_eq!(client(&server_).animas().get(ID).await.unwrap_err().message(), "no \u{fffd} here");
    let server_ = server(bytes_answer(404, "application/json", b"{\"detail\":\"no \xff here\"}")).await;
    assert_eq!(client(&server_).animas().get(ID).await.unwrap_err().message(), "no \u{fffd} here");

    let mut latin_1 = event(r#""author":"?""#).into_bytes();
    let at = latin_1.iter().rposition(|byte| *byte == b'?').unwrap();
    latin_1[at] = 0xe9;
    let page = listed_events(&[b"[", &latin_1[..], b"]"].concat()).await.unwrap();
    assert_eq!(page.items[0].author.as_deref(), Some("\u{fffd}"));
}

#[tokio::test]
async fn a_success_that_is_none_is_an_error() {
    let decode_error = |result: Result<(), Error>, wanted: &str| {
        let error = result.unwrap_err();
        assert!(error.is_decode() && error.may_have_been_processed(), "{error:?}");
        assert!(error.to_string().contains(wanted), "{error} without {wanted}");
    };
    let page = "<html><form>Sign in</form></html>";
    let detail = r#"{"detail":"Authentication required"}"#;
    let error = r#"{"error":"unavailable","message":"Try later"}"#;
    let json = "application/json";
    for (media, body, wanted) in [
        ("text/html", page, ": it is HTML, not JSON; it begins with `<html><form>Sign in</form></html>` ("),
        ("text/html; charset=utf-8", "", "(text/html; charset=utf-8, 0 bytes): it is HTML, not JSON ("),
        ("text/html", "null", "it is HTML, not JSON"),
        (json, page, "; it begins with `<html><form>Sign in</form></html>`"),
        (json, detail, "(application/json, 36 bytes): it reports an error: Authentication required ("),
        (json, error, ": it reports an error: Try later ("),
    ] {
        let server = server(bytes_answer(200, media, body.as_bytes())).await;
        let client = client(&server);
        decode_error(client.events().delete(ID).await, wanted);
        decode_error(client.animas().get(ID).await.map(|_| ()), wanted);
        decode_error(client.animas().list(ListAnimasParams::new()).await.map(|_| ()), wanted);
        decode_error(client.subscriptions().usage().await.map(|_| ()), wanted);
        decode_error(client.with_anima(ID).inject("tea").await.map(|_| ()), wanted);
        decode_error(client.animas().get(ID).decode_as::<Value>().await.map(|_| ()), wanted);
    }
    decode_error(
        client(&server(bytes_answer(200, "text/plain", b"OK")).await).events().delete(ID).await,
        "begins with `OK`",
    );
    let echo = json_answer(200, &format!(r#"{{"detail":"bad key {KEY}"}}"#));
    decode_error(client(&server(echo).await).events().delete(ID).await, "it reports an error: bad key [redacted] (");
}

#[tokio::test]
async fn an_operation_without_a_response_ignores_any_other_body() {
    for body in ["", "null", "true", "[]", "{}", r#"{"message":"Event deleted"}"#, r#"{"id":"1","error":null}"#] {
        client(&server(json_answer(200, body)).await).events().delete(ID).await.unwrap();
    }
    // Frameworks put a type on nothing.
    client(&server(ResponseTemplate::new(204).insert_header("content-type", "text/html")).await)
        .events()
        .delete(ID)
        .await
        .unwrap();
}

#[tokio::test]
async fn an_object_with_a_required_property_may_have_an_error_too() {
    let anima = SERVER_ANIMA.replacen('{', r#"{"error":"none of yours","detail":"x","#, 1);
    let anima = client(&server(json_answer(200, &anima)).await).animas().get(ID).await.unwrap();
    assert_eq!((anima.name.as_str(), &anima.unknown["error"]), ("Ada", &json!("none of yours")));
    let raw = client(&server(json_answer(200, r#"{"error":"x"}"#)).await).raw(Method::GET, ["api"]).await.unwrap();
    assert_eq!(raw["error"], "x");
}

#[tokio::test]
async fn null_or_nothing_for_a_list_is_an_empty_list() {
    for answer in [json_answer(200, "null"), json_answer(200, ""), ResponseTemplate::new(204)] {
        let server = server(answer).await;
        let client = client(&server);
        let page = client.animas().list(ListAnimasParams::new()).await.unwrap();
        assert!(page.items.is_empty() && page.next_cursor().is_none());
        assert!(client.animas().list(ListAnimasParams::new()).items().try_next().await.unwrap().is_none());
        assert!(client.animas().search(SearchAnimasParams::new("a")).await.unwrap().is_empty());
        let values = client.animas().search(SearchAnimasParams::new("a")).decode_as::<Vec<Value>>();
        assert!(values.await.unwrap().is_empty());
        let items = client.animas().list(ListAnimasParams::new()).decode_items_as::<Value>();
        assert!(items.await.unwrap().items.is_empty());
        assert!(client.animas().get(ID).await.unwrap_err().is_decode(), "an object is not optional");
    }
}

#[tokio::test]
async fn the_last_time_that_python_has_does_not_spoil_the_list() {
    let page = format!("[{}]", event(r#""occurred_at":"9999-12-31T23:59:59.999999Z""#));
    let page = listed_events(page.as_bytes()).await.unwrap();
    assert_eq!(page.items[0].occurred_at.unwrap().to_string(), "9999-12-31T23:59:59.999999Z");
}

#[tokio::test]
async fn a_number_beyond_every_float_spoils_nothing_around_it() {
    let event = got_event(r#""meta":{"big":1e400,"list":[-1e999,2]},"later":1e400,"importance_score":0.5"#).await;
    assert_eq!(event.meta.unwrap()["big"], json!("1e400"));
    assert_eq!((event.importance_score, &event.unknown["later"]), (Some(0.5), &json!("1e400")));
    let server_ = server(json_answer(200, r#"{"a":1e400,"b":2}"#)).await;
    assert_eq!(client(&server_).raw(Method::GET, ["api"]).await.unwrap(), json!({"a": "1e400", "b": 2}));
    let server_ = server(json_answer(429, r#"{"error":"rate_limit_exceeded","message":"m","n":1e400}"#)).await;
    let error = client(&server_).animas().get(ID).max_retries(0).await.unwrap_err();
    assert_eq!((error.code(), error.message().as_str()), (Some("rate_limit_exceeded"), "m"));
    // A number that the operation needs is told by its place.
    let error =
        listed_events(format!("[{}]", self::event(r#""importance_score":1e400"#)).as_bytes()).await.unwrap_err();
    assert!(error.to_string().contains(" at `[0].importance_score`: number out of range"), "{error}");
}

#[tokio::test]
async fn floats_come_to_the_last_bit_in_fields_and_in_free_form_objects() {
    let text = "0.9856906946328695";
    let event =
        got_event(&format!(r#""importance_score":{text},"meta":{{"score":{text},"whole":18446744073709551616}}"#))
            .await;
    assert_eq!(event.importance_score.unwrap().to_string(), text);
    let meta = event.meta.unwrap();
    assert_eq!(meta["score"].to_string(), text);
    assert_eq!(meta["whole"], json!(18_446_744_073_709_551_616.0), "beyond u64: the nearest float");
}

#[tokio::test]
async fn what_could_not_be_read_back_is_not_sent() {
    let nested = |levels: usize| (1..levels).fold(json!([]), |inner, _| json!([inner]));
    let server_ = server(json_answer(201, &event(r#""role":null"#))).await;
    let client_ = client(&server_);
    let with_meta = |levels| {
        let meta = [("deep".to_owned(), nested(levels))];
        client_.events().create(EventCreate::new(ID, EventType::System, "x").meta(meta))
    };
    for levels in [119, 127, 500] {
        let error = with_meta(levels).await.unwrap_err();
        assert!(error.is_invalid_argument(), "{error:?}");
        assert!(error.to_string().starts_with("`meta` nests too deeply: 120 levels"), "{error}");
    }
    let error = client_.raw(Method::POST, ["api"]).json_body(&nested(121)).await.unwrap_err();
    assert!(error.is_invalid_argument(), "{error:?}");
    let error = client_.animas().create(AnimaCreate::new("a")).body_field("more", nested(120)).await.unwrap_err();
    assert!(error.to_string().starts_with("`more` nests too deeply"), "{error}");
    assert!(server_.received_requests().await.unwrap().is_empty());

    // The deepest that is sent can be read back, in a list too.
    with_meta(118).await.unwrap();
    let sent: Value = server_.received_requests().await.unwrap()[0].body_json().unwrap();
    let page = format!("[{}]", event(&format!(r#""meta":{}"#, sent["meta"])));
    assert_eq!(listed_events(page.as_bytes()).await.unwrap().items[0].meta.as_ref().unwrap()["deep"], nested(118));
}

#[tokio::test]
async fn an_error_says_its_cause_once() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = unused.local_addr().unwrap();
    drop(unused);
    let builder = Elephantasm::builder().base_url(format!("http://{address}")).api_key(KEY);
    let client_ = builder.retry_policy(RetryPolicy::none()).configure_http(reqwest_without_proxy).build().unwrap();
    let refused = client_.animas().get(ID).await.unwrap_err();
    let cause = refused.root_cause().unwrap().downcast_ref::<io::Error>().unwrap();
    assert_eq!(cause.kind(), io::ErrorKind::ConnectionRefused);
    assert_eq!(refused.to_string().matches(&cause.to_string()).count(), 1, "{refused}");

    let not_json = client(&server(json_answer(200, "[")).await).animas().get(ID).await.unwrap_err();
    assert!(not_json.root_cause().unwrap().is::<serde_json::Error>());
    let not_found = client(&server(json_answer(404, r#"{"detail":"gone"}"#)).await).animas().get(ID).await.unwrap_err();
    assert!(not_found.root_cause().is_none());
    let invalid = client_.animas().get("x").await.unwrap_err();
    assert!(invalid.root_cause().is_none());
    for error in [refused, not_json, not_found, invalid] {
        assert!(error.source().is_none(), "anyhow would print it again: {error}");
        assert_eq!(format!("{error:?}"), error.to_string(), "what `main` prints");
        assert!(!error.to_string().contains('\n'));
    }
}

#[tokio::test]
async fn debug_adds_the_causes_that_display_does_not_name() {
    let server = server(json_answer(503, r#"{"detail":"down for a\nwhile"}"#).insert_header("retry-after", "99")).await;
    let error = client(&server).dreams().wait(ID).timeout(std::time::Duration::from_secs(1)).await.unwrap_err();
    let Error::Timeout(timeout) = &error else { panic!("{error:?}") };
    assert_eq!(timeout.timer(), Timer::Poll);
    let met = error.source().unwrap().to_string();
    assert!(met.starts_with("503 Service Unavailable: down for a while ("), "{met}");
    assert_eq!(format!("{error:?}"), format!("{error}\n  caused by: {met}"));
    let structure = format!("{error:#?}");
    assert!(structure.starts_with("Timeout(\n    TimeoutError {\n        timer: Poll,"), "{structure}");
}
