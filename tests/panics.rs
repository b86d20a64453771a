//! Keys stay out of panics: whatever a program formats, unwraps or compares when it gives up, and whatever the caller's
//! own code that panics inside of a call takes along.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code, reason = "tests of other binaries use the rest")]
#[path = "it/sockets.rs"]
mod sockets;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::error::Error as _;
use std::fmt::Debug;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use futures::FutureExt;
use futures::stream;
use polyagent::elephantasm::types::*;
use polyagent::elephantasm::{Capture, Elephantasm};
use polyagent::sandbox::Sandbox;
use polyagent::sandbox::elephantasm::Settings;
use polyagent::{AttemptEnd, AttemptStart, Error, ExtraHeaders, HeaderName, HeaderValue, Hook, RetryPolicy, Secret};

use sockets::{Server, Step, answer, write};

const KEY: &str = "sk_live_9fK3vXq7LmZt2RwB8nYc5HdJ4sPgT6uA";
const ID: &str = "b2352c05-e685-4021-8624-595406c725f2";

thread_local! {
    /// What panics of this thread said, payload and all.
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}

thread_local! {
    static LISTENS: Cell<bool> = const { Cell::new(false) };
}

/// From here to [`heard`] panics of this thread are kept, not printed.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let print = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| match LISTENS.try_with(Cell::get) {
            Ok(true) => SAID.with_borrow_mut(|said| said.extend([info.to_string(), format!("{info:?}\n")])),
            _ => print(info),
        }));
    });
    SAID.take();
    LISTENS.set(true);
}

/// What was said since, and the payload that a panic left.
fn heard(ended: Result<(), Box<dyn Any + Send>>) -> String {
    LISTENS.set(false);
    let payload = ended.expect_err("a panic");
    let text = payload.downcast_ref::<String>().cloned();
    let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    format!("{}{}", SAID.take(), text.expect("a payload of text"))
}

fn says<T>(panicking: impl FnOnce() -> T) -> String {
    listen();
    heard(catch_unwind(AssertUnwindSafe(panicking)).map(drop))
}

/// The same for a call, whose panic passes through the caller's own task.
async fn says_in_a_call<T>(call: impl Future<Output = T>) -> String {
    listen();
    heard(AssertUnwindSafe(call).catch_unwind().await.map(drop))
}

/// The key, as much of it as would help a thief: eight characters in a row.
fn leak(text: &str) -> Option<&str> {
    (0..=KEY.len() - 8).map(|at| &KEY[at..at + 8]).find(|part| text.contains(part))
}

#[track_caller]
fn silent(text: &str) {
    assert!(!text.trim().is_empty());
    if let Some(part) = leak(text) {
        panic!("{part} is in: {text}");
    }
}

/// Gives up on `value` in every way that a program does.
#[track_caller]
fn give_up_on<T: Debug>(value: &T) {
    silent(&says(|| panic!("{value:?}")));
    silent(&says(|| panic!("{value:#?}")));
    silent(&says(|| panic!("{:?}", Some([value]))));
    let [refused, granted] = [Err(value), Ok(value)];
    silent(&says(|| refused.unwrap()));
    silent(&says(|| refused.expect("an answer")));
    silent(&says(|| granted.unwrap_err()));
}

/// The same for an error, with all that it says besides.
#[track_caller]
fn give_up_on_error(error: &Error) {
    give_up_on(error);
    silent(&says(|| panic!("{error} {} {:?} {:?}", error.message(), error.code(), error.request_id())));
    silent(&says(|| panic!("{:?} {:?} {:?}", error.attempts(), error.field_errors(), error.url())));
    if let Some(api) = error.api() {
        give_up_on(api);
        silent(&says(|| panic!("{api} {:?}", api.detail("echo"))));
    }
    let mut source = error.source();
    while let Some(inner) = source {
        silent(&says(|| panic!("{inner} {inner:?} {inner:#?}")));
        source = inner.source();
    }
}

fn builder(server: &Server) -> polyagent::ClientBuilder<Elephantasm> {
    let no_pause = RetryPolicy::default().max_retries(1).backoff(Duration::ZERO, Duration::ZERO);
    server.builder().api_key(KEY).retry_policy(no_pause)
}

async fn playing(script: Vec<Step>) -> (Server, Elephantasm) {
    let server = Server::start(vec![script]).await;
    let client = builder(&server).build().unwrap();
    (server, client)
}

#[test]
fn the_probe_hears_a_key_however_it_is_said() {
    for text in [
        says(|| panic!("{KEY}")),
        says(|| panic!("{:?}", KEY.get(20..28))),
        says(|| KEY.parse::<u8>().map_err(|_| KEY).unwrap()),
        says(|| assert_eq!(Secret::from(KEY).expose(), "another")),
    ] {
        assert!(leak(&text).is_some(), "{text}");
    }
}

#[tokio::test]
async fn whatever_holds_a_key_may_be_given_up_on() {
    let (_server, client) = playing(vec![Step::Read, answer("200 OK", "", "[]")]).await;
    let secret = Secret::from(KEY);
    give_up_on(&secret);
    silent(&says(|| assert_eq!(secret, Secret::from("another"))));
    give_up_on(&Elephantasm::builder().api_key(KEY).header("x-other-key", KEY));
    let held = KEY.to_owned();
    give_up_on(&Elephantasm::builder().credentials(move || std::future::ready(Ok(Secret::from(held.as_str())))));
    give_up_on(&client);
    give_up_on(&(client.animas(), client.events(), client.memories(), client.memory_packs(), client.api_keys()));
    give_up_on(&(client.subscriptions(), client.knowledge(), client.identities(), client.dreams()));

    let request = || client.animas().list(ListAnimasParams::new()).header("x-other-key", KEY).query("key", KEY);
    give_up_on(&request());
    give_up_on(&request().into_future());
    give_up_on(&request().items());
    give_up_on(&request().pages());
    give_up_on(&client.api_keys().create(ApiKeyCreate::new("ci")).body_field("key", KEY));
    give_up_on(&client.dreams().get(ID).header("x-other-key", KEY).wait());
    give_up_on(&client.with_anima(ID).extract(Capture::new(EventType::System, "tea")));
    let captures = stream::iter([Capture::new(EventType::System, "tea")]);
    let mut many = client.with_anima(ID).extract_many(captures).options(|request| request.header("x-other-key", KEY));
    give_up_on(&many);
    let outcome = many.next().await.unwrap();
    give_up_on(&outcome);
}

#[tokio::test]
async fn an_answer_with_a_new_key_may_be_given_up_on() {
    let created = format!(
        r#"{{"id":"{ID}","name":"ci","key_prefix":"sk_","request_count":0,"is_active":true,"full_key":"{KEY}","created_at":"2026-11-22T05:04:36Z","updated_at":"2026-11-22T05:04:36Z"}}"#
    );
    let echo = format!("x-request-id: r-1\r\nx-echo: {KEY}\r\nset-cookie: key={KEY}\r\n");
    let (_server, client) = playing(vec![Step::Read, answer("201 Created", &echo, &created)]).await;
    let response = client.api_keys().create(ApiKeyCreate::new("ci")).with_response().await.unwrap();
    give_up_on(&response);
    give_up_on(response.value());
    assert_eq!(response.into_value().full_key.expose(), KEY);
    // Nor if it is not what it should be.
    for broken in [created.replace(":0,", ":\"0\","), created.replace('}', ""), created.replace("\"ci\"", "{}")] {
        let (_server, client) = playing(vec![Step::Read, answer("201 Created", &echo, &broken)]).await;
        let error = client.api_keys().create(ApiKeyCreate::new("ci")).await.unwrap_err();
        assert!(error.is_decode(), "{error:?}");
        give_up_on_error(&error);
    }
}

#[tokio::test]
async fn every_error_of_an_answer_may_be_given_up_on() {
    let json = format!(
        r#"{{"detail":[{{"type":"{KEY}","loc":["header","{KEY}"],"msg":"bad {KEY}","input":"{KEY}"}}],"echo":"{KEY}"}}"#
    );
    let bodies = [
        json,
        format!(r#"{{"detail":"unknown key {KEY}","code":"{KEY}"}}"#),
        format!("<html>{KEY}</html>"),
        format!("{}{KEY}", "x".repeat(190)),
        format!("\"{KEY}\""),
    ];
    let headers = format!("x-request-id: {KEY}\r\nx-echo: {KEY}\r\nlocation: /{KEY}\r\nconnection: close\r\n");
    for status in [302, 400, 401, 402, 403, 404, 409, 413, 418, 422, 429, 500, 599] {
        for body in &bodies {
            let (_server, client) = playing(vec![Step::Read, answer(&format!("{status} {KEY}"), &headers, body)]).await;
            let error = client.animas().get(ID).await.unwrap_err();
            assert_eq!(error.status().unwrap().as_u16(), status);
            give_up_on_error(&error);
        }
    }
    for body in &bodies {
        let typed = write(&format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/{KEY}\r\ncontent-encoding: {KEY}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ));
        for answer in [answer("200 OK", &headers, body), typed] {
            let (_server, client) = playing(vec![Step::Read, answer]).await;
            let error = client.animas().get(ID).await.unwrap_err();
            assert!(error.is_decode(), "{error:?}");
            give_up_on_error(&error);
        }
    }
}

#[tokio::test]
async fn every_other_error_may_be_given_up_on() {
    let swapped = Elephantasm::new(KEY).unwrap();
    give_up_on_error(&swapped.animas().get(KEY).await.unwrap_err());
    give_up_on_error(&swapped.animas().get(ID).header("x-other-key", format!("{KEY}\n")).await.unwrap_err());
    give_up_on_error(&Elephantasm::new(format!("{KEY}\n{KEY}")).unwrap_err());
    give_up_on_error(&Elephantasm::builder().api_key(KEY).base_url(KEY).build().unwrap_err());
    let named = Elephantasm::builder().api_key(KEY).base_url(format!("https://{KEY}@host")).build();
    give_up_on_error(&named.unwrap_err());
    let header = Elephantasm::builder().api_key(KEY).header("x-other-key", format!("{KEY}\n")).build();
    give_up_on_error(&header.unwrap_err());

    let garbage = write(&format!("{KEY}\r\n\r\n"));
    let half = write(&format!("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{KEY}"));
    for script in [vec![Step::Read, Step::Reset], vec![Step::Read, garbage], vec![Step::Read, half]] {
        let (_server, client) = playing(script).await;
        let error = client.animas().get(ID).query("key", KEY).await.unwrap_err();
        assert!(error.is_transport(), "{error:?}");
        give_up_on_error(&error);
    }
    let (server, client) = playing(vec![Step::Read, Step::Hang]).await;
    let call = client.animas().get(ID).query("key", KEY).attempt_timeout(Duration::from_millis(20));
    let error = call.await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    give_up_on_error(&error);

    // A provider whose key no header can carry, and one that finds none.
    let unusable = builder(&server).credentials(|| async { Ok(Secret::new(format!("{KEY}\n{KEY}"))) }).build();
    let error = unusable.unwrap().animas().get(ID).await.unwrap_err();
    assert!(matches!(error, Error::Config(_)), "{error:?}");
    give_up_on_error(&error);
}

#[tokio::test]
async fn a_sandbox_may_be_given_up_on() {
    give_up_on(&Sandbox::builder().key(KEY));
    let sandbox = Sandbox::builder().key(KEY).elephantasm(Settings::self_hosted).start().await.unwrap();
    assert_eq!(sandbox.key(), KEY);
    give_up_on(&sandbox);
    give_up_on(sandbox.default_tenant());
    give_up_on(&sandbox.elephantasm());
    give_up_on(&sandbox.elephantasm_builder());
    sandbox.elephantasm().animas().create(AnimaCreate::new("Ada")).await.unwrap();
    give_up_on(&sandbox.requests());
    let keys = sandbox.elephantasm().api_keys().list(ListApiKeysParams::new()).await.unwrap();
    assert_eq!(keys.len(), 1);
    let prefixless: Vec<_> = keys.iter().map(|key| format!("{key:?}").replace(&key.key_prefix, "")).collect();
    give_up_on(&prefixless);
}

/// Panics in one of its two places, with all that it is given.
struct Panicking {
    before: bool,
    once: AtomicBool,
}

impl Hook for Panicking {
    fn before(&self, attempt: &AttemptStart<'_>, headers: &mut ExtraHeaders) {
        headers.add(HeaderName::from_static("x-other-key"), HeaderValue::from_static(KEY)).unwrap();
        let panics = self.before && self.once.swap(false, Ordering::SeqCst);
        assert!(!panics, "{attempt:?} {headers:?}");
    }

    fn after(&self, attempt: &AttemptStart<'_>, end: &AttemptEnd<'_>) {
        let panics = self.once.swap(false, Ordering::SeqCst);
        assert!(!panics, "{attempt:?} {end:?}");
    }
}

#[tokio::test]
async fn a_panic_of_a_hook_reaches_the_caller_without_the_key_and_the_client_lives_on() {
    for before in [true, false] {
        for status in ["200 OK", "500 Internal Server Error"] {
            let echo = format!(r#"{{"detail":"{KEY}"}}"#);
            let first = vec![Step::Read, answer(status, "connection: close\r\n", &echo)];
            let list = vec![Step::Read, answer("200 OK", "", "[]")];
            // A panic before the attempt sends nothing.
            let scripts = if before { vec![list] } else { vec![first, list] };
            let sent = scripts.len() - 1;
            let server = Server::start(scripts).await;
            let hook = Panicking { before, once: AtomicBool::new(true) };
            let client = builder(&server).hook(hook).build().unwrap();
            let call = client.animas().list(ListAnimasParams::new()).query("key", KEY).send();
            let said = says_in_a_call(call).await;
            assert!(said.contains("elephantasm_list_animas") && said.contains("/api/animas?key=…"), "{said}");
            silent(&said);
            assert_eq!(server.requests().len(), sent);
            assert!(client.animas().list(ListAnimasParams::new()).await.unwrap().items.is_empty());
        }
    }
}

#[tokio::test]
async fn a_panic_of_a_credential_provider_reaches_the_caller_without_the_key_and_the_client_lives_on() {
    for at_once in [true, false] {
        let list = [Step::Read, answer("200 OK", "", "[]")];
        let server = Server::start(vec![[list.clone(), list].concat()]).await;
        let sealed = Arc::new(AtomicBool::new(false));
        let seal = Arc::clone(&sealed);
        let provider = move || {
            let sealed = seal.load(Ordering::SeqCst);
            assert!(!(sealed && at_once), "the vault is sealed");
            async move {
                assert!(!sealed, "the vault is sealed");
                Ok(Secret::from(KEY))
            }
        };
        let client = builder(&server).credentials(provider).build().unwrap();
        let list = || client.animas().list(ListAnimasParams::new()).query("key", KEY);
        list().await.unwrap();
        sealed.store(true, Ordering::SeqCst);
        let said = says_in_a_call(list().send()).await;
        assert!(said.contains("the vault is sealed"), "{said}");
        silent(&said);
        assert_eq!(server.requests().len(), 1, "nothing was sent without a key");
        sealed.store(false, Ordering::SeqCst);
        list().await.unwrap();
        let requests = server.requests();
        assert!(String::from_utf8_lossy(&requests[1]).contains(KEY) && requests.len() == 2);
    }
}
