//! Which credential is sent, and what works without one.

use polyagent::{Error, HeaderMap, Method, Secret};

use super::{KEY, builder, client, documented, every_call, scripted};

/// The two headers, as they arrived.
fn credentials(headers: &HeaderMap) -> (Option<String>, Option<String>) {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    (text("x-api-key"), text("authorization"))
}

#[tokio::test]
async fn each_call_has_exactly_one_credential() {
    let (plain, bearer) = ((Some(KEY.to_owned()), None), (None, Some(format!("Bearer {KEY}"))));
    let server = scripted(&[(200, "[]")]).await;
    let rotating = || async { Ok(Secret::from(KEY)) };
    let clients = [
        (client(&server), &plain),
        (builder(server.uri()).credentials(rotating).organization("acme").build().unwrap(), &plain),
        (builder(server.uri()).api_key(KEY).bearer().organization("acme").build().unwrap(), &bearer),
        (builder(server.uri()).bearer().credentials(rotating).organization("acme").build().unwrap(), &bearer),
    ];
    for (client, expected) in clients {
        server.reset().await;
        wiremock::Mock::given(wiremock::matchers::any())
            .respond_with(crate::elephantasm::json_answer(200, "[]"))
            .mount(&server)
            .await;
        for (_, call) in every_call(&client) {
            call.await;
        }
        client.raw(Method::GET, ["api", "x"]).await.unwrap();
        let requests = server.received_requests().await.unwrap();
        assert_eq!(requests.len(), 21);
        for request in requests {
            assert_eq!(credentials(&request.headers), *expected, "{} {}", request.method, request.url);
        }
    }
}

#[tokio::test]
async fn no_other_credential_can_be_added() {
    let server = scripted(&[(200, "[]")]).await;
    for name in ["x-api-key", "Authorization"] {
        let error = client(&server).agents().list().header(name, "x").await.unwrap_err();
        assert!(error.is_invalid_argument(), "{error}");
        assert!(builder(server.uri()).header(name, "x").build().unwrap_err().is_config());
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn public_registries_need_no_key_and_all_else_does() {
    let optional: Vec<String> = documented()
        .into_iter()
        .filter(|(_, operation)| operation["security"].as_array().unwrap().contains(&serde_json::json!({})))
        .map(|(id, _)| id)
        .collect();
    assert_eq!(
        optional,
        ["elacity_get_prompt", "elacity_list_artifacts", "elacity_list_registries", "elacity_pull_prompt"]
    );
    let server = scripted(&[(200, "null")]).await;
    let anonymous = builder(server.uri()).organization("acme").build().unwrap();
    let mut sent = 0;
    for (id, call) in every_call(&anonymous) {
        let result = call.await;
        if optional.iter().any(|known| known == id) {
            sent += 1;
            assert!(result.is_none(), "{id}: {result:?}");
        } else {
            let error = result.unwrap();
            assert!(matches!(error, Error::Config(_)), "{id}: {error:?}");
            assert!(
                error.to_string().contains("needed here") && error.to_string().contains("ELACITY_API_KEY"),
                "{error}"
            );
        }
        assert_eq!(server.received_requests().await.unwrap().len(), sent, "{id}");
    }
    anonymous.raw(Method::GET, ["api", "public"]).await.unwrap();
    for request in server.received_requests().await.unwrap() {
        assert_eq!(credentials(&request.headers), (None, None), "{}", request.url);
    }
}

#[tokio::test]
async fn neither_key_is_ever_shown() {
    let echo = format!(r#"{{"message":"bad key {} or {}","data":{{"k":"{0} {1}"}}}}"#, super::VENDOR_KEY, KEY);
    for (status, body) in
        [(400, echo.as_str()), (200, echo.as_str()), (200, "[\"sk-vendor-0123456789\"]"), (502, "sk-vendor-0123456789")]
    {
        let server = scripted(&[(status, body)]).await;
        let client = client(&server);
        let body = super::llm();
        assert!(!format!("{body:?}").contains("0123456789"), "{body:?}");
        let request = client.llm_providers().create(body).max_retries(0);
        let mut shown = format!("{client:?} {request:?}");
        match request.await {
            // An unknown field may hold anything; the key has one of its own.
            Ok(_) => assert_eq!(status, 200),
            Err(error) => {
                shown.extend([error.to_string(), format!("{error:?} {error:#?}"), error.message()]);
                shown += &String::from_utf8_lossy(error.body().map(|body| &body[..]).unwrap_or_default());
                shown = shown.replace(KEY, "");
            }
        }
        assert!(!shown.contains("sk-vendor"), "{status}: {shown}");
        let requests = server.received_requests().await.unwrap();
        assert!(String::from_utf8_lossy(&requests[0].body).contains(super::VENDOR_KEY), "the probe can fail");
    }
}
