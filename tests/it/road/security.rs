//! Keys stay where they belong, and ids stay in their segment.

use std::error::Error as _;
use std::time::Duration;

use polyagent::elephantasm::Elephantasm;
use polyagent::elephantasm::types::*;
use polyagent::{Error, Method, RetryPolicy, Secret};
use wiremock::ResponseTemplate;

use crate::elephantasm::{client, json_answer, server};
use crate::sockets::{Server, Step, answer, reqwest_without_proxy, write};

const KEY: &str = "sk_live_0123456789abcdef0123456789abcdef";
const ID: &str = "b2352c05-e685-4021-8624-595406c725f2";

#[tokio::test]
async fn hostile_ids_are_refused_and_nothing_is_sent() {
    let server = server(json_answer(200, "null")).await;
    let client = client(&server);
    let hostile = [
        "",
        " ",
        ".",
        "..",
        "/",
        "a/b",
        "../animas",
        "a/../b",
        "./a",
        "/etc/passwd",
        "a/",
        "//",
        "\\",
        "..\\a",
        "a\\b",
        "\0",
        "a\0b",
        "a\nb",
        "a\rb",
        "\r\nhost: x",
        "a\tb",
        "\u{7f}",
        "\u{85}",
        "%2e",
        "%2E",
        "%2e%2e",
        "%2E%2E",
        ".%2e",
        "%2e.",
        "%2f",
        "a%2Fb",
        "%5c",
        "%5C..",
        "%00",
        "%0d%0a",
        "%252e",
        "..%2f",
        "..;/",
        "a?b=c",
        "a#b",
    ];
    assert_eq!(hostile.len(), 40);
    for id in hostile {
        let errors = [
            client.animas().get(id).await.unwrap_err(),
            client.events().delete(id).await.unwrap_err(),
            client.memory_packs().latest(id, GetLatestMemoryPackParams::new()).await.unwrap_err(),
        ];
        for error in errors {
            assert!(error.is_invalid_argument(), "{id:?}: {error:?}");
        }
    }
    // Where any text may stand in the path, all but two are refused; those are escaped.
    for id in &hostile[..38] {
        let errors = [
            client.raw(Method::GET, ["api", id]).await.unwrap_err(),
            client.memory_packs().compile_preset(*id, CompilePresetPackParams::new(ID)).await.unwrap_err(),
            client.knowledge().list_by_type(*id, ListKnowledgeByTypeParams::new(ID)).await.unwrap_err(),
        ];
        for error in errors {
            assert!(error.is_invalid_argument(), "{id:?}: {error:?}");
        }
    }
    assert!(server.received_requests().await.unwrap().is_empty());
    for id in &hostile[38..] {
        client.raw(Method::GET, ["api", id]).await.unwrap();
    }
    let requests = server.received_requests().await.unwrap();
    let paths: Vec<_> = requests.iter().map(|request| (request.url.path(), request.url.query())).collect();
    assert_eq!(paths, [("/api/a%3Fb=c", None), ("/api/a%23b", None)]);
}

#[tokio::test]
async fn a_key_in_the_path_is_refused_and_not_shown() {
    let server = server(json_answer(200, "{}")).await;
    let client = client(&server);
    let error = client.raw(Method::GET, ["api", KEY]).await.unwrap_err();
    assert_eq!(error.to_string(), "`path` must not hold the API key (raw)");
    assert!(!format!("{error:?}").contains("0123"), "{error:?}");
    for refused in [
        client.animas().get(KEY).decode_as::<serde_json::Value>(),
        client.health().query(KEY, "x").decode_as(),
        client.raw(Method::GET, ["api", &format!("{KEY} {{1}}")]),
    ] {
        let error = refused.await.unwrap_err();
        assert!(error.is_invalid_argument() && !spoken(&error).contains("0123"), "{error:?}");
    }
    client.raw(Method::GET, ["api", "keys"]).await.unwrap();
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_redirect_to_another_origin_is_not_followed() {
    let elsewhere = server(json_answer(200, "{}")).await;
    for status in [301, 302, 303, 307, 308] {
        let answer = ResponseTemplate::new(status).insert_header("location", format!("{}/api/stolen", elsewhere.uri()));
        let server = server(answer).await;
        let error = client(&server).animas().create(AnimaCreate::new("Ada")).await.unwrap_err();
        assert!(matches!(error, Error::UnexpectedStatus(_)), "{status}: {error:?}");
        assert_eq!(error.status().unwrap().as_u16(), status);
        assert!(error.headers().unwrap().contains_key("location"));
        assert!(error.message().ends_with("/api/stolen"), "{error}");
    }
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
    client(&elsewhere).animas().create(AnimaCreate::new("Ada")).await.unwrap_err();
    assert_eq!(elsewhere.received_requests().await.unwrap().len(), 1, "the probe sees requests");
}

#[tokio::test]
async fn within_one_origin_only_what_keeps_method_and_body_is_followed() {
    let to = |path: &str| format!("location: {path}\r\n");
    for status in ["307 Temporary Redirect", "308 Permanent Redirect"] {
        let there = to("/api/animas/there");
        let script = vec![Step::Read, answer(status, &there, ""), Step::Read, answer("500 Error", "", "there")];
        let server = Server::start(vec![script]).await;
        let error = server.client().animas().create(AnimaCreate::new("Ada")).await.unwrap_err();
        assert!(error.is_server(), "{error:?}");
        let second = String::from_utf8(server.requests()[1].clone()).unwrap();
        assert!(second.starts_with("POST /api/animas/there HTTP/1.1\r\n"), "{second}");
        assert!(second.ends_with("\r\n\r\n{\"name\":\"Ada\"}"), "{second}");
    }
    for status in ["301 Moved Permanently", "302 Found", "303 See Other"] {
        let server =
            Server::start(vec![vec![Step::Read, answer(status, &to("/api/animas/there"), ""), Step::Hang]]).await;
        let error = server.client().animas().create(AnimaCreate::new("Ada")).await.unwrap_err();
        assert!(matches!(error, Error::UnexpectedStatus(_)), "{error:?}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_redirect_loop_ends() {
    let server = Server::start(vec![vec![
        Step::Read,
        answer("307 Temporary Redirect", "location: /api/health\r\nconnection: close\r\n", ""),
    ]])
    .await;
    let error = server.client().health().await.unwrap_err();
    assert!(matches!(error, Error::UnexpectedStatus(_)), "{error:?}");
    assert_eq!(server.requests().len(), 6, "the first and five hops");
}

#[tokio::test]
async fn plain_http_needs_loopback_or_a_word() {
    let build = |url: &str| Elephantasm::builder().api_key(KEY).base_url(url).build();
    assert!(matches!(build("http://api.elephantasm.com"), Err(Error::Config(_))));
    assert!(build("http://localhost:1").is_ok());
    assert!(Elephantasm::builder().api_key(KEY).base_url("http://10.1.2.3").allow_insecure_http().build().is_ok());
}

/// Everything an error says, in all the ways in which it can be printed.
fn spoken(error: &Error) -> String {
    let mut text = format!("{error}\n{error:?}\n{error:#?}\n{}\n{:?}", error.message(), error.attempts());
    let mut source = error.source();
    while let Some(inner) = source {
        text.extend([inner.to_string(), format!("{inner:?}")]);
        source = inner.source();
    }
    text
}

#[tokio::test]
async fn the_key_is_in_no_error_and_no_debug_output() {
    let mut said = Vec::new();
    // A key in the place of an id.
    let swapped = Elephantasm::new(KEY).unwrap();
    said.push(spoken(&swapped.animas().get(KEY).await.unwrap_err()));
    said.push(spoken(&swapped.with_anima(KEY).inject("tea").await.unwrap_err()));
    // Objects that are no error of the platform's.
    for body in [format!(r#"{{"input":"{KEY}","{KEY}":1}}"#), format!(r#"{{"error":{{"{KEY}":"{KEY}"}}}}"#)] {
        let server = server(json_answer(400, &body)).await;
        said.push(spoken(&client(&server).animas().get(ID).await.unwrap_err()));
    }
    // A page in which the key stands where an excerpt ends.
    for offset in (140..210).step_by(3) {
        let server = server(json_answer(500, &format!("{}{KEY}", "x".repeat(offset)))).await;
        said.push(spoken(&client(&server).animas().get(ID).max_retries(0).await.unwrap_err()));
    }
    // A server that echoes the key in every place it has.
    let echo =
        format!(r#"{{"detail":[{{"type":"{KEY}","loc":["header","{KEY}"],"msg":"bad {KEY}","input":"{KEY}"}}]}}"#);
    for status in [400, 401, 403, 404, 409, 422, 429, 500, 302] {
        let answer = json_answer(status, &echo).insert_header("x-request-id", KEY).insert_header("x-echo", KEY);
        let server = server(answer).await;
        said.push(spoken(&client(&server).animas().get(ID).max_retries(0).await.unwrap_err()));
    }
    for body in [format!("<html>{KEY}"), format!(r#"{{"id":"{KEY}","name":7}}"#), format!("[\"{KEY}")] {
        for status in [200, 500] {
            let server = server(json_answer(status, &body).insert_header("x-echo", KEY)).await;
            said.push(spoken(&client(&server).animas().get(ID).max_retries(0).await.unwrap_err()));
        }
    }
    for script in
        [vec![Step::Read, Step::Reset], vec![Step::Read, write("garbage\r\n\r\n")], vec![Step::Read, Step::Hang]]
    {
        let server = Server::start(vec![script]).await;
        let call = server.client().animas().get(ID).attempt_timeout(Duration::from_millis(30)).max_retries(0);
        said.push(spoken(&call.await.unwrap_err()));
    }
    let client = Elephantasm::new(KEY).unwrap();
    said.push(format!("{client:?} {client:#?} {:?}", client.animas()));
    said.push(format!("{:?}", Elephantasm::builder().api_key(KEY).header("x-other-key", KEY)));
    said.push(format!("{:?}", client.animas().create(AnimaCreate::new("Ada")).header("x-other-key", KEY)));
    said.push(spoken(&Elephantasm::new(format!("{KEY}\n{KEY}")).unwrap_err()));
    for text in &said {
        assert!(!text.contains("sk_live_0"), "{text}");
    }
    // The probe can fail: the body is kept, for those who ask for it.
    let server = server(json_answer(401, &echo)).await;
    let error = crate::elephantasm::client(&server).animas().get(ID).await.unwrap_err();
    assert!(String::from_utf8_lossy(error.body().unwrap()).contains(KEY));
}

#[derive(Debug, serde::Deserialize)]
struct Odd {
    #[serde(rename = "full_key")]
    _key: u32,
}

#[tokio::test]
async fn a_new_key_in_an_answer_shows_itself_only_when_asked() {
    let body = format!(
        r#"{{"id":"{ID}","name":"ci","key_prefix":"sk_live_0123","request_count":0,"is_active":true,"full_key":"{KEY}","created_at":"2026-11-22T05:04:36Z","updated_at":"2026-11-22T05:04:36Z"}}"#
    );
    let created: ApiKeyCreated = serde_json::from_str(&body).unwrap();
    assert!(!format!("{created:?}").contains("456789abcdef"), "{created:?}");
    assert_eq!(created.full_key.expose(), KEY);
    // Nor when the answer that holds it does not decode.
    let server = server(json_answer(201, &body.replace("\"request_count\":0", "\"request_count\":\"x\""))).await;
    let error = client(&server).api_keys().create(ApiKeyCreate::new("ci")).await.unwrap_err();
    assert!(matches!(error, Error::Decode(_)), "{error:?}");
    assert!(!spoken(&error).contains("456789abcdef"), "{}", spoken(&error));
    // Nor when it stands where something else was expected: serde would quote it.
    let other_key = "sk_live_ffffffffffffffffffffffffffffffff";
    let server = crate::elephantasm::server(json_answer(201, &body.replace(KEY, other_key))).await;
    let call = client(&server).api_keys().create(ApiKeyCreate::new("ci")).decode_as::<Odd>();
    let error = call.await.unwrap_err();
    assert!(error.to_string().contains("at `full_key`: invalid type: string, expected u32"), "{error}");
    assert!(!spoken(&error).contains("ffffffff"), "{}", spoken(&error));
}

#[tokio::test]
async fn what_a_server_says_stays_on_one_line_of_bounded_length() {
    let long = format!("\"{}\"", "x".repeat(2_000_000));
    let hostile = r#"{"a\nFAKE LOG LINE\u001b[31m":"x"}"#;
    for body in [long.as_str(), hostile] {
        let server = server(json_answer(200, body)).await;
        let call = client(&server).animas().get(ID).decode_as::<std::collections::HashMap<String, u32>>();
        let text = call.await.unwrap_err().to_string();
        assert!(text.len() < 1000 && !text.contains(['\n', '\u{1b}']), "{text}");
    }
    let refused = r#"{"detail":[{"type":"a\nb","loc":["body","x\ny"],"msg":"c\nd","input":1}]}"#;
    let server = server(json_answer(422, refused)).await;
    let error = client(&server).animas().get(ID).await.unwrap_err();
    assert_eq!(error.field_errors()[0].to_string(), "body.x y: c d");
}

#[tokio::test]
async fn query_values_are_not_in_errors() {
    let server = server(json_answer(500, "{}")).await;
    let params = GetLatestMemoryPackParams::new().query("my secret question");
    let error = client(&server).memory_packs().latest(ID, params).await.unwrap_err();
    let text = spoken(&error);
    assert!(!text.contains("secret"), "{text}");
    assert!(text.contains("/memory-packs/latest?query=…"), "{text}");
    // Neither when the transport fails: reqwest's own errors name the whole URL.
    let broken = Server::start(vec![vec![Step::Read, Step::Reset]]).await;
    let params = GetLatestMemoryPackParams::new().query("my secret question");
    let error = broken.client().memory_packs().latest(ID, params).await.unwrap_err();
    assert!(!spoken(&error).contains("secret"), "{}", spoken(&error));
}

#[tokio::test]
async fn a_rotated_key_is_redacted_too() {
    let server = server(json_answer(401, &format!(r#"{{"detail":"unknown key {KEY}"}}"#))).await;
    let client = Elephantasm::builder()
        .base_url(server.uri())
        .retry_policy(RetryPolicy::none())
        .configure_http(reqwest_without_proxy)
        .credentials(|| async { Ok(Secret::from(KEY)) })
        .build()
        .unwrap();
    let error = client.events().create(EventCreate::new(ID, EventType::System, "x")).await.unwrap_err();
    assert_eq!(error.message(), "unknown key [redacted]");
    let error = client.raw(Method::GET, ["api", KEY]).await.unwrap_err();
    assert!(error.url().unwrap().ends_with("/api/[redacted]"), "{error:?}");
}

#[tokio::test]
async fn a_short_key_is_no_part_of_words() {
    let server = server(json_answer(404, r#"{"detail":"Anima not found"}"#)).await;
    for key in ["a", "api", "animas"] {
        let builder = Elephantasm::builder().base_url(server.uri()).api_key(key).configure_http(reqwest_without_proxy);
        let error = builder.build().unwrap().animas().get(ID).await.unwrap_err();
        assert_eq!(error.message(), "Anima not found");
    }
}
