//! What a client learns about its server.

use super::*;

#[tokio::test]
async fn are_learnt_once_by_concurrent_first_calls() {
    let server = Server::start(vec![ok(NEW), ok(THING)]).await;
    let core = fixture::builder(&server).build().unwrap();
    let clone = core.clone();
    let (one, other) = tokio::join!(get(&core).send(), get(&clone).send());
    assert_eq!((one.unwrap().id.as_str(), other.unwrap().id.as_str()), ("t1", "t1"));
    get(&core).await.unwrap();
    let thing = "get /api/v2/things/t1";
    assert_eq!(server.lines(), ["get /api/things?limit=1", thing, thing, thing]);
    assert!(server.requests()[0].contains("x-beta: things\r\n"), "{}", server.requests()[0]);
    assert!(!server.requests()[1].contains("x-beta"));
}

#[tokio::test]
async fn that_cannot_be_learnt_are_the_calls_error_and_not_remembered() {
    let denied = json("401 Unauthorized", r#"{"error":{"type":"auth","message":"Wrong key"}}"#);
    let down = json("500 Internal Server Error", "{}");
    let server = Server::start(vec![denied, down, ok(OLD), ok(THING)]).await;
    let core = fixture::builder(&server).build().unwrap();
    let error = get(&core).await.unwrap_err();
    assert!(error.is_authentication());
    assert!(error.to_string().contains("`generation(..)` sets the generation by hand"), "{error}");
    assert_eq!((error.attempts().len(), error.may_have_been_processed()), (1, false));
    let thing = get(&core).with_response().await.unwrap();
    assert_eq!(thing.value().id, "t1");
    let failed: Vec<_> = thing.failed_attempts().iter().map(|a| a.status().unwrap().as_u16()).collect();
    assert_eq!(failed, [500], "the attempts of the probe are the call's");
    assert_eq!(server.lines()[3], "get /api/things/t1");
}

#[tokio::test]
async fn of_a_response_that_tells_none_are_an_error() {
    let server = Server::start(vec![ok(r#"{"data":[]}"#)]).await;
    let core = fixture::builder(&server).build().unwrap();
    let error = get(&core).await.unwrap_err();
    assert!(matches!(error, Error::Decode(_)), "{error}");
    assert!(error.to_string().contains("no known generation"), "{error}");
    assert_eq!(server.lines().len(), 1);
}

#[tokio::test]
async fn are_learnt_by_the_next_call_when_the_first_is_dropped() {
    let silent = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n".to_owned();
    let server = Server::start(vec![silent, ok(OLD), ok(THING)]).await;
    let core = fixture::builder(&server).build().unwrap();
    let first = tokio::spawn(get(&core).max_retries(0).send());
    while server.lines().is_empty() {
        tokio::task::yield_now().await;
    }
    first.abort();
    assert_eq!(get(&core).await.unwrap().id, "t1");
}

#[tokio::test]
async fn set_by_hand_are_not_learnt() {
    let server = Server::start(vec![ok(THING)]).await;
    get(&fixture::new(&server)).await.unwrap();
    assert_eq!(server.lines(), ["get /api/v2/things/t1"]);
}

#[tokio::test]
async fn are_forgotten_once_when_the_server_changes() {
    let server = Server::start(vec![ok(OLD), ok(THING), missing(), ok(NEW), ok(THING)]).await;
    let core = fixture::builder(&server).build().unwrap();
    get(&core).await.unwrap();
    get(&core).await.unwrap();
    let lines = server.lines();
    assert_eq!(lines[2..], ["get /api/things/t1", "get /api/things?limit=1", "get /api/v2/things/t1"]);

    let beta = json("400 Bad Request", r#"{"error":{"type":"missing_beta","message":"Missing beta"}}"#);
    let server = Server::start(vec![ok(OLD), beta.clone(), ok(OLD), beta]).await;
    let core = fixture::builder(&server).build().unwrap();
    let error = get(&core).await.unwrap_err();
    assert!(error.is_bad_request(), "{error}");
    assert_eq!(server.lines().len(), 3, "the same verdict is not tried again");
}

#[tokio::test]
async fn without_an_operation_are_unsupported() {
    let server = Server::start(vec![ok("")]).await;
    let call = |core: &Core| Request::new(core, ops::DELETE_THING).id("t1").instead("use archive");
    call(&fixture::old(&server)).await.unwrap();
    let error = call(&fixture::new(&server)).await.unwrap_err();
    let Error::Unsupported(unsupported) = &error else { panic!("{error}") };
    assert_eq!((unsupported.generation(), unsupported.instead()), (Some("new"), Some("use archive")));
    assert_eq!(error.to_string(), "servers of generation new do not have fixture_delete_thing: use archive");
    assert_eq!(server.lines().len(), 1);
}

#[tokio::test]
async fn spell_bodies_queries_and_ids_their_way() {
    let server = Server::start(vec![ok(THING), ok(THING), ok(NEW), ok(THING)]).await;
    let (old, new) = (fixture::old(&server), fixture::new(&server));
    let create = |core: &Core, body: types::ThingCreate| Request::new(core, ops::CREATE_THING).json(&body);
    create(&old, types::ThingCreate::new("one").colour("red")).await.unwrap();
    create(&new, types::ThingCreate::new("one")).await.unwrap();
    let error = create(&new, types::ThingCreate::new("one").colour("red")).await.unwrap_err();
    assert!(error.to_string().starts_with("`colour` is not known to servers of generation new"), "{error}");
    let states = types::ListThingsParams::new().states(["a", "b"]);
    let _ = Request::new(&new, ops::LIST_THINGS).params(&states).await.unwrap();
    let error = Request::new(&old, ops::LIST_THINGS).params(&states).await.unwrap_err();
    assert!(error.to_string().contains("`states` must be a single value"), "{error}");
    for core in [&old, &new] {
        Request::new(core, ops::GET_THING_VERSION).id("t 1").id("2&x").await.unwrap();
    }
    let bodies: Vec<_> =
        server.requests()[..2].iter().map(|r| r.split("\r\n\r\n").nth(1).unwrap().to_owned()).collect();
    assert_eq!(bodies, [r#"{"name":"one","colour":"red"}"#, r#"{"title":"one"}"#]);
    let lines = server.lines();
    assert_eq!(
        lines[2..],
        [
            "get /api/v2/things?states%5b%5d=a&states%5b%5d=b",
            "get /api/things/t%201/versions/2&x",
            "get /api/v2/things/t%201?version=2%26x",
        ]
    );
}
