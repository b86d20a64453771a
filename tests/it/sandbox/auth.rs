//! Who may come in, and where to.

use polyagent::elephantasm::types::ListAnimasParams;
use polyagent::sandbox::Sandbox;
use polyagent::sandbox::elephantasm::{Quirk, Quirks};
use polyagent::{Error, Method};

use super::{ABSENT, Wire, raw};

#[tokio::test]
async fn every_wrong_key_gets_the_same_answer() {
    let wire = Wire::start().await;
    let key = wire.sandbox.key().to_owned();
    let wrong = [
        None,
        Some("Bearer sk_live_00000000000000000000000000000000".to_owned()),
        Some("Bearer eyJhbGciOi".to_owned()),
        Some(format!("bearer {key}")),
        Some(format!("Bearer  {key}")),
        Some(key.clone()),
        Some(format!("Basic {key}")),
    ];
    for value in wrong {
        let mut request = wire.request(Method::GET, "/animas?limit=1");
        if let Some(value) = &value {
            request = request.header("authorization", value);
        }
        let answer = raw(request.send().await.unwrap()).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (401, r#"{"detail":"Authentication required"}"#),
            "{value:?}"
        );
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    assert_eq!(wire.get("/animas?limit=1").await.status, 200);
}

#[tokio::test]
async fn the_key_is_looked_at_before_the_values() {
    let wire = Wire::start().await;
    let bad = || wire.request(Method::POST, "/animas").body("{");
    assert_eq!(raw(bad().send().await.unwrap()).await.status, 401);
    assert_eq!(wire.send(bad()).await.status, 422);
}

#[tokio::test]
async fn an_unknown_route_a_wrong_method_and_a_slash_too_many_need_no_key() {
    let wire = Wire::start().await;
    let send = async |method, path| raw(wire.request(method, path).send().await.unwrap()).await;

    let unknown = send(Method::GET, "/sessions").await;
    assert_eq!((unknown.status, unknown.body.as_str()), (404, r#"{"detail":"Not Found"}"#));

    let method = send(Method::PUT, "/events").await;
    assert_eq!((method.status, method.body.as_str()), (405, r#"{"detail":"Method Not Allowed"}"#));
    assert_eq!(method.header("allow"), Some("GET, POST"));

    let slash = send(Method::GET, "/animas/?limit=1").await;
    assert_eq!((slash.status, slash.body.as_str()), (307, ""));
    assert_eq!(slash.header("location"), Some(format!("{}/api/animas?limit=1", wire.sandbox.url()).as_str()));

    for path in ["/animas//?limit=1", "/animas%2F?limit=1"] {
        let slashes = send(Method::GET, path).await;
        assert_eq!(slashes.header("location"), slash.header("location"), "{path}");
    }

    let url = wire.sandbox.url();
    let outside = raw(wire.http.get(format!("{url}/health")).send().await.unwrap()).await;
    assert_eq!((outside.status, outside.body.as_str()), (404, r#"{"detail":"Not Found"}"#));
}

#[tokio::test]
async fn the_public_host_hides_what_it_does_not_serve() {
    let wire = Wire::start().await;
    let hidden = format!("/events/{ABSENT}");
    let as_public = wire.request(Method::GET, &hidden).header("host", "api.elephantasm.com");
    let answer = raw(as_public.send().await.unwrap()).await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (404, r#"{"detail":"Not found"}"#),
        "before the key is asked for"
    );
    assert_eq!(wire.get(&hidden).await.body, format!(r#"{{"detail":"Event {ABSENT} not found"}}"#));

    let wire = Wire::with(Quirks::observed().with(Quirk::PublicHost)).await;
    assert_eq!(wire.get(&hidden).await.body, r#"{"detail":"Not found"}"#);
    assert_eq!(wire.get("/nothing").await.body, r#"{"detail":"Not found"}"#);
    let anima = wire.anima("Ada").await;
    assert_eq!(wire.delete(&format!("/animas/{anima}")).await.status, 200, "whatever the method");
}

#[tokio::test]
async fn a_sandbox_takes_the_key_it_is_given() {
    let key = "sk_live_0123456789abcdef0123456789abcdef";
    let wire = Wire::built(Sandbox::builder().key(key)).await;
    assert_eq!(wire.sandbox.key(), key);
    assert_eq!(wire.get("/animas").await.status, 200);

    let own = Wire::start().await;
    let digits = own.sandbox.key().strip_prefix("sk_live_").unwrap();
    assert!(digits.len() == 32 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{digits}");
    assert_ne!(own.sandbox.key(), Sandbox::start().await.unwrap().key());
}

#[tokio::test]
async fn space_around_a_key_is_no_part_of_it() {
    let wire = Wire::built(Sandbox::builder().key("\t sk_live_spaced \n")).await;
    assert_eq!(wire.sandbox.key(), "sk_live_spaced");
    assert_eq!(wire.get("/animas").await.status, 200);
    wire.sandbox.elephantasm().animas().list(ListAnimasParams::new()).await.unwrap();
}

#[tokio::test]
async fn a_key_that_no_client_could_send_is_refused_and_not_told() {
    for (key, reason) in [
        ("", "the sandbox's key is empty"),
        (" \n", "the sandbox's key is empty"),
        ("sk_live_\u{e9}", "the sandbox's key has characters that are not visible ASCII"),
        ("sk_live_\r\nx: y", "the sandbox's key has characters that are not visible ASCII"),
    ] {
        let error = Sandbox::builder().key(key).start().await.unwrap_err();
        assert_eq!(error.message(), reason, "{key:?}");
        assert!(matches!(error, Error::Config(_)));
    }
}
