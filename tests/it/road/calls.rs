//! What a caller may set on any call, and what comes back besides the value.

use std::time::{Duration, Instant};

use polyagent::elephantasm::types::{AnimaCreate, ListAnimasParams};
use polyagent::elephantasm::{Elephantasm, types};
use polyagent::sandbox::{Fault, Sandbox};
use polyagent::{Error, HeaderValue, Method, Request, RetryClass, RetryPolicy};
use serde::Deserialize;
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::elephantasm::{client, json_answer, server};
use crate::sockets::{Server, Step, answer, reqwest_without_proxy};

const ID: &str = "b2352c05-e685-4021-8624-595406c725f2";
const ANIMA: &str = r#"{"id":"b2352c05-e685-4021-8624-595406c725f2","name":"Ada","mood":"curious","created_at":"2026-11-22T05:04:36","updated_at":"2026-11-22T05:04:36"}"#;

#[tokio::test]
async fn headers_query_pairs_and_body_fields_go_out_with_one_call() {
    let server = server(json_answer(201, ANIMA)).await;
    let client = client(&server);
    client
        .animas()
        .create(AnimaCreate::new("Ada"))
        .header("X-Organization-Id", ID)
        .header("accept", "application/vnd.test+json")
        .query("dry run", "a&b")
        .body_field("color", json!({"r": 1}))
        .body_field("name", "Bea")
        .await
        .unwrap();
    client.animas().create(AnimaCreate::new("Ada")).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let first = &requests[0];
    assert_eq!(first.headers["x-organization-id"], ID);
    assert_eq!(first.headers["accept"], "application/vnd.test+json");
    assert_eq!(first.url.query(), Some("dry+run=a%26b"));
    assert_eq!(first.body_json::<serde_json::Value>().unwrap(), json!({"name": "Bea", "color": {"r": 1}}));
    let second = &requests[1];
    assert!(!second.headers.contains_key("x-organization-id") && second.url.query().is_none());
    assert_eq!(second.body, br#"{"name":"Ada"}"#);
}

#[tokio::test]
async fn query_pairs_come_after_the_operations_own() {
    let server = server(json_answer(200, "[]")).await;
    client(&server).animas().list(ListAnimasParams::new().limit(3)).query("limit_by", "team").await.unwrap();
    assert_eq!(server.received_requests().await.unwrap()[0].url.query(), Some("limit=3&limit_by=team"));
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_by_name() {
    let server = server(json_answer(200, ANIMA)).await;
    let client = client(&server);
    let refused = async |call: Request<types::Anima>, argument: &str| {
        let error = call.await.unwrap_err();
        let Error::InvalidArgument(invalid) = error else { panic!("{argument}: {error:?}") };
        assert_eq!(invalid.argument(), argument);
    };
    refused(client.animas().get(ID).header("x team", "a"), "x team").await;
    refused(client.animas().get(ID).header("x-team", "a\r\nb: c"), "x-team").await;
    for own in ["authorization", "proxy-authorization", "expect", "te", "content-length"] {
        refused(client.animas().get(ID).header(own.to_uppercase(), "x"), own).await;
    }
    refused(client.animas().get(ID).body_field("a", 1), "a").await;
    let error = client.animas().list(ListAnimasParams::new().limit(0)).await.unwrap_err();
    assert_eq!((error.operation(), error.method()), (Some("elephantasm_list_animas"), Some(&Method::GET)));
    assert_eq!(error.to_string(), "`limit` must be between 1 and 200, not 0 (elephantasm_list_animas)");
    assert!(client.raw(Method::CONNECT, ["api"]).await.unwrap_err().is_invalid_argument());
    let error = client.raw(Method::PATCH, ["api", ".."]).await.unwrap_err();
    assert_eq!((error.operation(), error.method()), (Some("raw"), Some(&Method::PATCH)));
    assert!(server.received_requests().await.unwrap().is_empty());
    client.animas().get(ID).await.unwrap();
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_answer_decodes_as_the_callers_own_type() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Mood {
        mood: String,
    }
    let server = server(json_answer(200, ANIMA)).await;
    let own: Mood = client(&server).animas().get(ID).decode_as().await.unwrap();
    assert_eq!(own, Mood { mood: "curious".to_owned() });
    let all: serde_json::Value = client(&server).animas().get(ID).decode_as().await.unwrap();
    assert_eq!(all["mood"], "curious");
}

#[tokio::test]
async fn the_items_of_a_list_decode_as_the_callers_own_type_page_by_page() {
    #[derive(Deserialize)]
    struct Mood {
        mood: String,
    }
    let server = MockServer::builder().start().await;
    let page = json_answer(200, &format!("[{ANIMA},{ANIMA}]"));
    Mock::given(any()).respond_with(page).up_to_n_times(1).mount(&server).await;
    Mock::given(any()).respond_with(json_answer(200, &format!("[{ANIMA}]"))).up_to_n_times(1).mount(&server).await;
    Mock::given(any()).respond_with(json_answer(200, "[]")).mount(&server).await;
    let list = client(&server).animas().list(ListAnimasParams::new().limit(2));
    let mut moods = list.decode_items_as::<Mood>().items();
    let mut seen = Vec::new();
    while let Some(Mood { mood }) = moods.try_next().await.unwrap() {
        seen.push(mood);
    }
    assert_eq!(seen, ["curious"; 3]);
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests[1].url.query(), Some("limit=2&offset=2"));
}

#[tokio::test]
async fn the_answers_status_headers_and_rate_limit_come_with_the_value() {
    let answer = json_answer(201, ANIMA)
        .insert_header("x-request-id", "req-7")
        .insert_header("x-ratelimit-limit", "100")
        .insert_header("x-ratelimit-remaining", "42")
        .insert_header("x-ratelimit-reset", "1640995200");
    let server = server(answer).await;
    let response = client(&server).animas().create(AnimaCreate::new("Ada")).with_response().await.unwrap();
    assert_eq!((response.status().as_u16(), response.request_id()), (201, Some("req-7")));
    assert_eq!(response.headers()["x-ratelimit-limit"], "100");
    let limit = response.rate_limit().unwrap();
    assert_eq!((limit.limit, limit.remaining), (Some(100), Some(42)));
    assert_eq!(limit.reset.unwrap().to_string(), "2022-01-01T00:00:00Z");
    assert!(response.failed_attempts().is_empty());
    assert_eq!(response.map(|anima| anima.name).into_value(), "Ada");
}

#[tokio::test]
async fn an_error_tells_request_id_rate_limit_wait_and_attempts() {
    let answer = json_answer(429, r#"{"error":"rate_limit_exceeded","message":"m"}"#)
        .insert_header("x-request-id", "req-8")
        .insert_header("x-ratelimit-remaining", "0")
        .insert_header("retry-after", "0.01");
    let server = server(answer).await;
    let error = client(&server).animas().list(ListAnimasParams::new().limit(7)).await.unwrap_err();
    assert_eq!((error.request_id(), error.rate_limit().unwrap().remaining), (Some("req-8"), Some(0)));
    assert_eq!(error.retry_after(), Some(Duration::from_millis(10)));
    assert_eq!((error.operation(), error.method()), (Some("elephantasm_list_animas"), Some(&Method::GET)));
    assert_eq!(error.url(), Some(format!("{}/api/animas?limit=…", server.uri()).as_str()));
    let waits: Vec<_> = error.attempts().iter().map(polyagent::Attempt::waited).collect();
    assert_eq!(waits, [10, 10, 0].map(Duration::from_millis));
    assert_eq!(
        error.to_string(),
        format!(
            "429 Too Many Requests: m (GET {}/api/animas?limit=…, 3 attempts, retry after 10ms, request id req-8)",
            server.uri()
        )
    );
}

#[tokio::test]
async fn an_ordered_wait_beyond_120_seconds_comes_back_at_once() {
    let server = server(json_answer(503, "{}").insert_header("retry-after", "121")).await;
    let begun = Instant::now();
    let error = client(&server).animas().get(ID).await.unwrap_err();
    assert_eq!((error.retry_after(), error.attempts().len()), (Some(Duration::from_secs(121)), 1));
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[tokio::test]
async fn a_total_that_the_caller_set_does_not_wait_beyond_itself() {
    let server = server(json_answer(429, "{}").insert_header("retry-after", "30")).await;
    let begun = Instant::now();
    let error = client(&server).animas().get(ID).total_timeout(Duration::from_secs(20)).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn an_answer_that_does_not_decode_tells_status_type_and_place() {
    let server = server(json_answer(200, r#"[{"id":"1","name":7}]"#)).await;
    let error = client(&server).animas().list(ListAnimasParams::new()).await.unwrap_err();
    let Error::Decode(decode) = &error else { panic!("{error:?}") };
    assert_eq!((decode.path(), error.status().unwrap().as_u16()), ("[0].name", 200));
    assert!(error.may_have_been_processed());
    let attempts: Vec<_> = error.attempts().iter().map(|a| (a.status().unwrap().as_u16(), a.cause())).collect();
    assert_eq!(attempts, [(200, "the response did not decode")]);
    assert!(error.attempts()[0].may_have_been_processed());
    let message = error.to_string();
    assert!(
        message.starts_with("cannot decode the 200 response (application/json, 21 bytes) at `[0].name`: "),
        "{message}"
    );

    let page = ResponseTemplate::new(200).set_body_raw("<html>log in</html>", "text/html");
    let error = client(&crate::elephantasm::server(page).await).animas().get(ID).await.unwrap_err();
    assert!(error.to_string().contains("(text/html, 19 bytes): it is HTML, not JSON"), "{error}");
    assert!(error.to_string().contains("it begins with `<html>log in</html>`"), "{error}");
}

#[tokio::test]
async fn a_raw_call_reaches_what_has_no_operation() {
    let server = server(json_answer(200, r#"{"a":1}"#)).await;
    let client = client(&server);
    let value = client
        .raw(Method::PATCH, ["api", "animas", ID, "io config"])
        .query("x", "1")
        .json_body(&json!({"b": 2}))
        .await
        .unwrap();
    assert_eq!(value, json!({"a": 1}));
    let request = &server.received_requests().await.unwrap()[0];
    assert_eq!(request.method.as_str(), "PATCH");
    assert_eq!(request.url.path(), format!("/api/animas/{ID}/io%20config"));
    assert_eq!((request.url.query(), &request.body[..]), (Some("x=1"), &br#"{"b":2}"#[..]));
    assert!(request.headers.contains_key("authorization"));
    for segment in ["..", "a/b", "%2e%2e", ""] {
        assert!(client.raw(Method::GET, ["api", segment]).await.unwrap_err().is_invalid_argument());
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_raw_call_may_carry_a_form_the_same_in_each_attempt() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(json_answer(503, "{}")).up_to_n_times(1).mount(&server).await;
    Mock::given(any()).respond_with(json_answer(200, "{}")).mount(&server).await;
    let client = client(&server);
    let token = || client.raw(Method::POST, ["oauth", "token"]).retry_class(RetryClass::Idempotent);
    let form = json!({"code": "a b&c=d", "count": 3, "fresh": true, "scope": ["read", "w\u{e9}"]});
    token().form_body(&form).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 2);
    for request in requests {
        assert_eq!(request.headers["content-type"], "application/x-www-form-urlencoded");
        let body = std::str::from_utf8(&request.body).unwrap();
        assert_eq!(body, "code=a+b%26c%3Dd&count=3&fresh=true&scope=read&scope=w%C3%A9");
        assert_eq!(request.headers["content-length"], body.len().to_string().as_str());
    }

    let pairs = token().form_body(&[("a", "1"), ("a", "2")]).body_field("b", 3);
    assert!(pairs.await.unwrap_err().is_invalid_argument(), "no JSON to set a field of");
    for value in [json!({"a": 1}), json!(null)] {
        assert!(token().form_body(&json!({"deep": value})).await.unwrap_err().is_invalid_argument());
    }
    assert!(token().form_body("text").await.unwrap_err().is_invalid_argument());
    assert_eq!(server.received_requests().await.unwrap().len(), 2);

    token().form_body(&[("a", Some("1")), ("b", None)]).await.unwrap();
    assert_eq!(server.received_requests().await.unwrap()[2].body, b"a=1");
}

#[tokio::test]
async fn a_raw_post_is_not_repeated_in_doubt_and_a_raw_get_is() {
    for (method, attempts) in [(Method::POST, 1), (Method::PATCH, 1), (Method::GET, 3), (Method::DELETE, 3)] {
        let server = server(json_answer(502, "{}")).await;
        client(&server).raw(method, ["api"]).await.unwrap_err();
        assert_eq!(server.received_requests().await.unwrap().len(), attempts);
    }
}

#[tokio::test]
async fn refusals_of_a_server_that_works_earn_the_retry_budget() {
    let server = MockServer::builder().start().await;
    for _ in 0..200 {
        Mock::given(any()).respond_with(json_answer(502, "")).up_to_n_times(1).mount(&server).await;
        Mock::given(any()).respond_with(json_answer(404, "{}")).up_to_n_times(10).mount(&server).await;
    }
    let client = client(&server);
    for call in 0..2000 {
        let error = client.animas().get(ID).await.unwrap_err();
        assert!(error.is_not_found(), "call {call}: the budget is spent: {error}");
    }
}

#[tokio::test]
async fn a_url_that_cannot_be_sent_names_the_argument_and_the_limit() {
    let server = server(json_answer(200, "null")).await;
    let client = client(&server);
    let params = types::GetLatestMemoryPackParams::new().query("tea ".repeat(17_500));
    let error = client.memory_packs().latest(ID, params).await.unwrap_err();
    assert!(error.is_invalid_argument(), "{error:?}");
    let length = format!("{}/api/animas/{ID}/memory-packs/latest?query=", server.uri()).len() + 70_000;
    let words = format!("`query` makes the URL too long: {length} bytes, where the limit is 65534");
    assert_eq!(error.to_string(), format!("{words} (elephantasm_get_latest_memory_pack)"));
    assert!(server.received_requests().await.unwrap().is_empty());

    // The longest that is accepted is one that can be sent.
    let longest = 65_534 - format!("{}/api/animas/{ID}/memory-packs/latest?query=", server.uri()).len();
    for (characters, sent) in [(longest, true), (longest + 1, false)] {
        let params = types::GetLatestMemoryPackParams::new().query("x".repeat(characters));
        let result = client.memory_packs().latest(ID, params).max_retries(0).await;
        let refused = result.is_err_and(|error| error.is_invalid_argument() || error.is_config());
        assert_eq!(!refused, sent, "{characters}");
    }
}

#[tokio::test]
async fn an_id_with_white_space_around_it_is_refused_by_that_name() {
    let client = Elephantasm::new("k").unwrap();
    for id in [format!(" {ID}"), format!("{ID}\n"), format!("\u{feff}{ID}"), format!("{ID}\u{200b}")] {
        let error = client.animas().get(&id).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "`anima_id` must not have white space around it (elephantasm_get_anima)",
            "{id:?}"
        );
        let error = client.with_anima(&id).inject("tea").await.unwrap_err();
        assert!(error.to_string().contains("must not have white space around it"), "{error}");
        let event = types::EventCreate::new(&id, types::EventType::System, "x");
        let error = client.events().create(event).await.unwrap_err();
        assert!(error.to_string().starts_with("`anima_id` must not have white space around it"), "{error}");
    }
    for segment in [" a", "a ", "\u{feff}a", "a\u{200b}"] {
        let error = client.raw(Method::GET, ["api", segment]).await.unwrap_err();
        assert_eq!(error.to_string(), "`segment` must not have white space around it (raw)", "{segment:?}");
    }
}

#[tokio::test]
async fn a_request_that_could_have_a_body_and_has_none_says_so() {
    for (method, length) in [
        (Method::POST, "\r\ncontent-length: 0\r\n"),
        (Method::PUT, "\r\ncontent-length: 0\r\n"),
        (Method::PATCH, "\r\ncontent-length: 0\r\n"),
        (Method::GET, ""),
        (Method::DELETE, ""),
        (Method::HEAD, ""),
    ] {
        let server = Server::start(vec![vec![Step::Read, answer("200 OK", "", "")]]).await;
        server.client().raw(method.clone(), ["api"]).await.unwrap();
        let request = String::from_utf8(server.requests().remove(0)).unwrap();
        assert!(request.starts_with(&format!("{method} /api HTTP/1.1\r\n")), "{request}");
        assert_eq!(request.contains("content-length"), !length.is_empty(), "{request}");
        assert!(request.contains(length), "{request}");
    }
}

#[tokio::test]
async fn a_builder_header_replaces_one_of_its_name() {
    let server = server(json_answer(200, ANIMA)).await;
    let client = Elephantasm::builder()
        .base_url(server.uri())
        .api_key("k")
        .header("x-team", "first")
        .header("X-Team", "second")
        .header("Accept", "application/vnd.test+json")
        .header("user-agent", "mine/1")
        .configure_http(reqwest_without_proxy)
        .build()
        .unwrap();
    client.animas().get(ID).await.unwrap();
    client.animas().get(ID).header("x-team", "third").await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let values = |n: usize, name: &str| -> Vec<String> {
        requests[n].headers.get_all(name).iter().map(|v| v.to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(values(0, "x-team"), ["second"]);
    assert_eq!(values(0, "accept"), ["application/vnd.test+json"]);
    assert_eq!(values(0, "user-agent"), ["mine/1"]);
    assert_eq!(values(1, "x-team"), ["third"]);
}

#[tokio::test]
async fn builder_headers_and_user_agent_go_with_every_call() {
    let server = server(json_answer(200, ANIMA)).await;
    let client = Elephantasm::builder()
        .base_url(format!("{}/memory/api/", server.uri()))
        .api_key("k")
        .header("x-organization-id", ID)
        .user_agent("my-agent/2")
        .configure_http(reqwest_without_proxy)
        .build()
        .unwrap();
    client.animas().get(ID).await.unwrap();
    let request = &server.received_requests().await.unwrap()[0];
    assert_eq!(request.url.path(), format!("/memory/api/animas/{ID}"));
    assert_eq!(
        (&request.headers["x-organization-id"], &request.headers["user-agent"]),
        (&HeaderValue::from_static(ID), &HeaderValue::from_static("my-agent/2"))
    );
}

#[tokio::test]
async fn the_payload_of_every_variant_tells_of_the_call() {
    let sandbox = Sandbox::start().await.unwrap();
    let builder = sandbox.elephantasm_builder().retry_policy(RetryPolicy::none());
    let client = builder.attempt_timeout(Duration::from_secs(2)).build().unwrap();
    for fault in [Fault::status(503), Fault::cut(), Fault::stall(), Fault::corrupt_body_at(0)] {
        sandbox.fault(fault).unwrap();
        let error = client.health().await.unwrap_err();
        let (operation, method, url, attempts, processed) = match &error {
            Error::Server(e) => (e.operation(), e.method(), e.url(), e.attempts(), e.may_have_been_processed()),
            Error::Transport(e) => (e.operation(), e.method(), e.url(), e.attempts(), e.may_have_been_processed()),
            Error::Timeout(e) => (e.operation(), e.method(), e.url(), e.attempts(), e.may_have_been_processed()),
            Error::Decode(e) => (e.operation(), e.method(), e.url(), e.attempts(), e.may_have_been_processed()),
            other => panic!("{other:?}"),
        };
        assert_eq!((operation, method.as_str(), attempts.len(), processed), ("elephantasm_get_health", "GET", 1, true));
        assert_eq!(url, format!("{}/elephantasm/api/health", sandbox.url()));
    }
}
