//! Credentials and routes.

use polyagent::elephantasm::types::ListAnimasParams;
use polyagent::sandbox::Sandbox;
use polyagent::{Error, Method};
use serde_json::json;

use super::{ABSENT, Wire, raw};

#[tokio::test]
async fn rejects_every_wrong_key_with_the_same_response() {
    let wire = Wire::start().await;
    let key = wire.sandbox.key().to_owned();
    let wrong = [
        None,
        Some("Bearer sk_live_00000000000000000000000000000000".to_owned()),
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
        let response = raw(request.send().await.unwrap()).await;
        let expected = (401, r#"{"detail":"Authentication required"}"#);
        assert_eq!((response.status, response.body.as_str()), expected, "{value:?}");
        assert_eq!(response.header("www-authenticate"), Some("Bearer"));
        assert_eq!(response.header("content-type"), Some("application/json"));
    }
    assert_eq!(wire.get("/animas?limit=1").await.status, 200);
}

#[tokio::test]
async fn checks_the_key_before_the_values() {
    let wire = Wire::start().await;
    let bad = || wire.request(Method::POST, "/animas").body("{");
    assert_eq!(raw(bad().send().await.unwrap()).await.status, 401);
    assert_eq!(wire.send(bad()).await.status, 422);
}

#[tokio::test]
async fn the_public_host_has_a_part_of_the_routes() {
    let wire = Wire::start().await;
    for (method, path) in [(Method::GET, "/events/x".to_owned()), (Method::POST, "/memories".to_owned())] {
        let hidden = raw(wire.request(method, &path).send().await.unwrap()).await;
        let expected = (404, r#"{"detail":"Not found"}"#);
        assert_eq!((hidden.status, hidden.body.as_str()), expected, "{path}, before the key is asked for");
    }
    let method = raw(wire.request(Method::PUT, "/events").send().await.unwrap()).await;
    assert_eq!((method.status, method.body.as_str()), (405, r#"{"detail":"Method Not Allowed"}"#));
    assert_eq!(method.header("allow"), Some("POST, GET"));
    assert_eq!(wire.get("/subscriptions/usage").await.status, 200);
    let anima = wire.anima("Ada").await;
    assert_eq!(wire.post("/query", json!({"anima_id": anima, "query": "tea"})).await.status, 200);
    assert_eq!(wire.delete(&format!("/animas/{anima}")).await.status, 200);
}

#[tokio::test]
async fn a_self_hosted_server_has_all_routes_but_two() {
    let wire = Wire::self_hosted().await;
    let absent = wire.get(&format!("/events/{ABSENT}")).await;
    assert_eq!(absent.body, format!(r#"{{"detail":"Event {ABSENT} not found"}}"#));
    let query = json!({"anima_id": ABSENT, "query": "tea"});
    for missing in [wire.post("/query", query).await, wire.get("/subscriptions/usage").await, wire.get("/x").await] {
        assert_eq!((missing.status, missing.body.as_str()), (404, r#"{"detail":"Not Found"}"#));
    }
}

#[tokio::test]
async fn tells_where_platforms_are_to_a_path_of_none() {
    let wire = Wire::start().await;
    for path in ["/api/health", "/", "/elephantasm"] {
        let outside = raw(wire.http.get(format!("{}{path}", wire.sandbox.url())).send().await.unwrap()).await;
        assert_eq!(outside.status, 404);
        assert!(outside.body.contains("/elephantasm"), "{}", outside.body);
    }
    let recorded = &wire.sandbox.requests()[0];
    assert_eq!((recorded.platform, recorded.operation, recorded.path.as_str()), (None, None, "/api/health"));
}

#[tokio::test]
async fn a_sandbox_takes_the_key_it_is_given() {
    let key = "sk_live_0123456789abcdef0123456789abcdef";
    let wire = Wire::built(Sandbox::builder().key(key)).await;
    assert_eq!(wire.sandbox.key(), key);
    assert_eq!(wire.get("/animas").await.status, 200);
    let spaced = Sandbox::builder().key("\t sk_live_spaced \n").start().await.unwrap();
    assert_eq!(spaced.key(), "sk_live_spaced");
    spaced.elephantasm().animas().list(ListAnimasParams::new()).await.unwrap();

    let own = Wire::start().await;
    let digits = own.sandbox.key().strip_prefix("sk_live_").unwrap();
    assert!(digits.len() == 32 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{digits}");
    assert_ne!(own.sandbox.key(), Sandbox::start().await.unwrap().key());
}

#[tokio::test]
async fn rejects_a_key_that_no_client_could_send_without_quoting_it() {
    for (key, reason) in [
        (" \n", "the sandbox's key is empty"),
        ("sk_live_\u{e9}", "the sandbox's key has characters that are not visible ASCII"),
        ("sk_live_\r\nx: y", "the sandbox's key has characters that are not visible ASCII"),
    ] {
        let error = Sandbox::builder().key(key).start().await.unwrap_err();
        assert_eq!(error.message(), reason, "{key:?}");
        assert!(matches!(error, Error::Config(_)));
    }
}
