//! What a request carries.

use super::*;

#[tokio::test]
async fn carry_the_scheme_the_organization_and_lists() {
    let server = Server::start(vec![ok(THING)]).await;
    let beta = HeaderName::from_static("x-beta");
    let core = fixture::builder(&server)
        .server_generation("old")
        .own_header(HeaderName::from_static("x-organization"), "org-1")
        .build()
        .unwrap();
    get(&core).listed_header(beta.clone(), "things").header("x-beta", "mine, other").await.unwrap();
    get(&core).listed_header(beta.clone(), "things").header("x-beta", "things").await.unwrap();
    let bearer = fixture::builder(&server).server_generation("old").scheme(&fixture::PLATFORM.schemes[1]);
    get(&bearer.build().unwrap()).listed_header(beta, "things").await.unwrap();
    let requests = server.requests();
    assert!(requests[0].contains("x-api-key: fixture-key-0123\r\n") && !requests[0].contains("authorization"));
    assert!(requests[0].contains("x-organization: org-1\r\n"));
    assert!(requests[0].contains("x-beta: mine,other,things\r\n"), "{}", requests[0]);
    assert!(requests[1].contains("x-beta: things\r\n"));
    assert!(requests[2].contains("authorization: bearer fixture-key-0123\r\n") && !requests[2].contains("x-api-key"));
}

#[tokio::test]
async fn of_a_platforms_own_settings_cannot_be_set_by_name() {
    let server = Server::start(vec![ok(THING)]).await;
    let error = get(&fixture::old(&server)).header("X-Organization", "x").await.unwrap_err();
    assert!(matches!(error, Error::InvalidArgument(_)), "{error}");
    assert!(fixture::builder(&server).header("x-organization", "x").build().is_err());
    assert_eq!(server.lines(), Vec::<String>::new());
}

#[tokio::test]
async fn that_are_not_set_are_hinted_at() {
    let denied = json("403 Forbidden", r#"{"error":{"message":"Denied"}}"#);
    let server = Server::start(vec![denied]).await;
    let error = get(&fixture::old(&server)).await.unwrap_err();
    assert!(error.to_string().contains("no organization is set"), "{error}");
    assert_eq!(error.message(), "Denied");
    let set =
        fixture::builder(&server).server_generation("old").own_header(HeaderName::from_static("x-organization"), "o");
    let error = get(&set.build().unwrap()).await.unwrap_err();
    assert!(!error.to_string().contains("no organization"), "{error}");
}

#[tokio::test]
async fn carry_no_key_where_there_is_none() {
    let target = "HTTP/1.1 302 Found\r\nlocation: https://idp.example/?code=1\r\ncontent-length: 0\r\n\r\n".to_owned();
    let server = Server::start(vec![target.clone(), json("204 No Content", ""), target]).await;
    let builder = || crate::http::ClientBuilder::new(&fixture::PLATFORM, |core| core).base_url(server.url());
    let anonymous: Core = builder().server_generation("old").build().unwrap();
    let redirect = Request::new(&anonymous, ops::AUTHORIZE).await.unwrap();
    assert_eq!(redirect.location(), "https://idp.example/?code=1");
    assert_eq!(format!("{redirect:?}"), "Redirect");
    let error = get(&anonymous).await.unwrap_err();
    assert!(matches!(error, Error::Config(_)) && error.to_string().contains("needed here"), "{error}");
    Request::new(&fixture::old(&server), ops::GET_HEALTH).await.unwrap();
    Request::new(&fixture::old(&server), ops::AUTHORIZE).await.unwrap();
    let keys: Vec<_> = server.requests().iter().map(|request| request.contains("x-api-key")).collect();
    assert_eq!(keys, [false, false, true], "optional, none, optional with a key");
}

#[tokio::test]
async fn a_base_url_is_needed_and_its_suffix_is_not() {
    let error = crate::http::ClientBuilder::new(&fixture::PLATFORM, |core| core).build().unwrap_err();
    assert_eq!(error.to_string(), "no base URL: set `base_url`, or FIXTURE_BASE_URL with `from_env`");
    let server = Server::start(vec![ok(THING)]).await;
    for suffix in ["", "/", "/api", "/api/", "/deep/api"] {
        let core = fixture::builder(&server).base_url(server.url() + suffix).server_generation("old");
        get(&core.build().unwrap()).await.unwrap();
    }
    let lines = server.lines();
    assert_eq!(lines[..4], ["get /api/things/t1"; 4]);
    assert_eq!(lines[4], "get /deep/api/things/t1");
}
