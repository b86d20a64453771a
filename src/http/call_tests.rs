//! The road on the fixture platform, byte by byte.

use std::time::Duration;

use crate::fixture::{self, Server, json, ops, types};
use crate::http::{Core, Request, Upload};
use crate::{Error, Reason};
use http::{HeaderName, Method};

const THING: &str = r#"{"id":"t1","name":"one"}"#;
const OLD: &str = r#"{"data":[],"has_more":false}"#;
const NEW: &str = r#"{"data":[],"next_page":null}"#;
const NO_ROUTE: &str = r#"{"error":"no route"}"#;

fn ok(body: &str) -> String {
    json("200 OK", body)
}

fn missing() -> String {
    json("404 Not Found", NO_ROUTE)
}

fn get(core: &Core) -> Request<types::Thing> {
    Request::new(core, ops::GET_THING).id("t1")
}

mod generations {
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
}

mod routes {
    use super::*;

    fn start(core: &Core) -> Request<types::Run> {
        Request::new(core, ops::START_RUN).json(&types::RunCreate::new("x"))
    }

    #[tokio::test]
    async fn that_are_missing_give_way_and_what_worked_is_remembered() {
        for status in ["404 Not Found", "405 Method Not Allowed"] {
            let server = Server::start(vec![json(status, "<html>"), ok(r#"{"id":"r1"}"#)]).await;
            let core = fixture::old(&server);
            let run = start(&core).with_response().await.unwrap();
            assert_eq!((run.value().run_id.as_str(), run.failed_attempts().len()), ("r1", 1));
            start(&core.clone()).await.unwrap();
            assert_eq!(server.lines(), ["post /api/runs", "post /api/run", "post /api/run"], "{status}");
        }
    }

    #[tokio::test]
    async fn all_missing_are_the_last_error_with_all_attempts() {
        let server = Server::start(vec![missing()]).await;
        let error = start(&fixture::old(&server)).await.unwrap_err();
        assert_eq!((error.reason(), error.attempts().len()), (Some(Reason::RouteMissing), 2));
        assert!(error.is_unsupported() && error.is_not_found());
        assert_eq!(error.method(), Some(&Method::POST));
        assert!(error.to_string().contains("/api/run)") || error.to_string().contains("/api/run,"), "{error}");
    }

    #[tokio::test]
    async fn of_the_users_own_are_the_only_ones() {
        let server = Server::start(vec![missing()]).await;
        let builder = fixture::builder(&server).server_generation("old");
        let core = builder.override_path(ops::IDS, "/api", "fixture_start_run", "PUT /begin").build().unwrap();
        let error = start(&core).if_missing("the path is a guess").await.unwrap_err();
        assert_eq!((error.reason(), error.method()), (Some(Reason::RouteMissing), Some(&Method::PUT)));
        assert!(!error.to_string().contains("a guess"), "{error}");
        assert_eq!(server.lines(), ["put /api/begin"]);
        let error = start(&fixture::old(&server)).if_missing("the path is a guess").await.unwrap_err();
        assert!(error.to_string().contains("; the path is a guess"), "{error}");
    }

    #[tokio::test]
    async fn are_not_left_for_a_missing_object_or_a_failure() {
        for (status, body) in
            [("404 Not Found", r#"{"error":{"message":"no such thing"}}"#), ("403 Forbidden", NO_ROUTE)]
        {
            let server = Server::start(vec![json(status, body)]).await;
            get(&fixture::old(&server)).await.unwrap_err();
            assert_eq!(server.lines().len(), 1, "{status}");
        }
        let server = Server::start(vec![json("500 Internal Server Error", "")]).await;
        start(&fixture::old(&server)).await.unwrap_err();
        assert_eq!(server.lines(), ["post /api/runs"], "what may have happened is not repeated");
    }
}

mod headers {
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
        assert!(
            requests[2].contains("authorization: bearer fixture-key-0123\r\n") && !requests[2].contains("x-api-key")
        );
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
        let set = fixture::builder(&server)
            .server_generation("old")
            .own_header(HeaderName::from_static("x-organization"), "o");
        let error = get(&set.build().unwrap()).await.unwrap_err();
        assert!(!error.to_string().contains("no organization"), "{error}");
    }

    #[tokio::test]
    async fn carry_no_key_where_there_is_none() {
        let target =
            "HTTP/1.1 302 Found\r\nlocation: https://idp.example/?code=1\r\ncontent-length: 0\r\n\r\n".to_owned();
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
}

mod uploads {
    use super::*;
    use crate::http::Form;

    fn busy() -> String {
        let head = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 0\r\nconnection: close\r\n";
        format!("{head}content-length: 0\r\n\r\n")
    }

    fn upload(core: &Core, upload: Upload) -> Request<types::Thing> {
        Request::new(core, ops::UPLOAD_FILE).multipart(Form::default().text("purpose", "test").file("file", upload))
    }

    /// The body of a request, with its boundary replaced.
    fn parts(request: &str) -> String {
        let boundary = request.split("boundary=").nth(1).unwrap().split("\r\n").next().unwrap();
        // The head is in lower case.
        let body = request.split_once("\r\n\r\n").unwrap().1;
        let own = body.lines().next().unwrap().trim_start_matches("--").to_owned();
        assert_eq!(own.to_lowercase(), boundary);
        body.replace(&own, "B")
    }

    #[tokio::test]
    async fn are_sent_again_byte_by_byte() {
        let folder = std::env::temp_dir().join(format!("polyagent-{:016x}", fastrand::u64(..)));
        std::fs::create_dir(&folder).unwrap();
        let path = folder.join("a.txt");
        std::fs::write(&path, "hello").unwrap();
        for source in [Upload::bytes("a.txt", "hello"), Upload::path(&path)] {
            let server = Server::start(vec![busy(), ok(THING)]).await;
            let seen = std::sync::Arc::<std::sync::Mutex<Vec<_>>>::default();
            let report = std::sync::Arc::clone(&seen);
            let source = source.media_type("text/plain").on_progress(move |p| report.lock().unwrap().push(p));
            upload(&fixture::old(&server), source).await.unwrap();
            let requests = server.requests();
            let wanted = concat!(
                "--B\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\ntest\r\n",
                "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n",
                "Content-Type: text/plain\r\n\r\nhello\r\n--B--\r\n",
            );
            assert_eq!([parts(&requests[0]), parts(&requests[1])], [wanted, wanted]);
            assert!(requests[0].contains("content-length: ") && !requests[0].contains("chunked"), "{}", requests[0]);
            let seen: Vec<_> = seen.lock().unwrap().iter().map(|p| (p.attempt, p.bytes, p.total)).collect();
            assert_eq!(seen, [(1, 0, Some(5)), (1, 5, Some(5)), (2, 0, Some(5)), (2, 5, Some(5))]);
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    /// Writes a file after each attempt.
    struct Change(std::path::PathBuf);
    impl crate::Hook for Change {
        fn after(&self, _: &crate::AttemptStart<'_>, _: &crate::AttemptEnd<'_>) {
            std::fs::write(&self.0, "hello, world").unwrap();
        }
    }

    #[tokio::test]
    async fn of_a_file_that_has_changed_are_not_sent_again() {
        let path = std::env::temp_dir().join(format!("polyagent-{:016x}.txt", fastrand::u64(..)));
        std::fs::write(&path, "hello").unwrap();
        let server = Server::start(vec![busy(), ok(THING)]).await;
        let core = fixture::builder(&server).server_generation("old").hook(Change(path.clone())).build().unwrap();
        let error = upload(&core, Upload::path(&path)).await.unwrap_err();
        assert!(error.is_rate_limited(), "the error before: {error}");
        assert_eq!(server.lines().len(), 1);
        std::fs::remove_file(path).unwrap();
    }

    #[tokio::test]
    async fn from_a_reader_are_sent_once() {
        let server = Server::start(vec![busy(), ok(THING)]).await;
        let source = Upload::reader("a.txt", &b"hello"[..]);
        let error = upload(&fixture::old(&server), source.clone()).await.unwrap_err();
        assert!(error.is_rate_limited(), "{error}");
        assert!(server.requests()[0].contains("transfer-encoding: chunked"));
        let error = upload(&fixture::old(&server), source).await.unwrap_err();
        assert!(error.to_string().contains("used up"), "{error}");
        assert_eq!(server.lines().len(), 1);
    }

    #[tokio::test]
    async fn of_empty_files_report_their_length() {
        let server = Server::start(vec![ok(THING)]).await;
        let seen = std::sync::Arc::<std::sync::Mutex<Vec<_>>>::default();
        let report = std::sync::Arc::clone(&seen);
        let source = Upload::bytes("empty", "").on_progress(move |p| report.lock().unwrap().push((p.bytes, p.total)));
        Request::new(&fixture::old(&server), ops::REPLACE_FILE).upload(source).await.unwrap();
        assert_eq!(*seen.lock().unwrap(), [(0, Some(0))]);
        let request = &server.requests()[0];
        assert!(request.contains("content-length: 0\r\n") && request.contains("application/octet-stream"), "{request}");
    }

    #[tokio::test]
    async fn that_are_not_as_long_as_announced_fail() {
        let server = Server::start(vec![ok(THING)]).await;
        for length in [3, 9] {
            let source = Upload::reader("a.txt", &b"hello"[..]).length(length);
            let error = Request::new(&fixture::old(&server), ops::REPLACE_FILE).upload(source).await.unwrap_err();
            assert!(error.to_string().contains("than the"), "{length}: {error}");
        }
        for (name, media_type) in [("", "text/plain"), ("a\nb", "text/plain"), ("a", "text"), ("a", "text/\n")] {
            let source = Upload::bytes(name, "x").media_type(media_type);
            let error = Request::new(&fixture::old(&server), ops::REPLACE_FILE).upload(source).await.unwrap_err();
            assert!(matches!(error, Error::InvalidArgument(_)), "{error}");
        }
    }
}

mod downloads {
    use super::*;
    use crate::StreamFault;
    use crate::http::Download;

    fn part(status: &str, headers: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}\r\n{body}")
    }

    async fn open(server: &Server) -> Download {
        let core = fixture::builder(server).server_generation("old");
        Request::new(&core.build().unwrap(), ops::DOWNLOAD_FILE).id("f1").await.unwrap()
    }

    #[tokio::test]
    async fn go_on_where_their_connection_broke() {
        let server = Server::start(vec![
            part("200 OK", "content-length: 10\r\netag: \"v1\"\r\n", "0123"),
            part("206 Partial Content", "content-range: bytes 4-9/10\r\ncontent-length: 6\r\netag: \"v1\"\r\n", "45"),
            part("206 Partial Content", "content-range: bytes 6-9/10\r\ncontent-length: 4\r\netag: \"v1\"\r\n", "6789"),
        ]);
        let server = server.await;
        let download = open(&server).await;
        assert_eq!(download.length(), Some(10));
        assert_eq!(download.bytes().await.unwrap(), "0123456789");
        let requests = server.requests();
        assert!(!requests[0].contains("range:") && requests[0].contains("accept: application/octet-stream"));
        assert!(requests[1].contains("range: bytes=4-\r\n") && requests[1].contains("if-range: \"v1\"\r\n"));
        assert!(requests[2].contains("range: bytes=6-\r\n"));
    }

    #[tokio::test]
    async fn start_over_once_for_a_file_and_never_for_a_stream() {
        let cut = part("200 OK", "content-length: 10\r\n", "abcd");
        let whole = part("200 OK", "content-length: 10\r\n", "0123456789");
        let server = Server::start(vec![cut.clone(), whole.clone()]).await;
        let path = std::env::temp_dir().join(format!("polyagent-{:016x}", fastrand::u64(..)));
        assert_eq!(open(&server).await.save(&path).await.unwrap(), 10);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "0123456789");

        let server = Server::start(vec![cut.clone(), cut.clone(), whole.clone()]).await;
        std::fs::write(&path, "before").unwrap();
        let error = open(&server).await.save(&path).await.unwrap_err();
        let Error::Stream(stream) = &error else { panic!("{error}") };
        assert_eq!((stream.fault(), stream.received()), (StreamFault::Restarted, 4));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "before", "a failure replaces nothing");
        std::fs::remove_file(&path).unwrap();

        let server = Server::start(vec![cut, whole]).await;
        let error = open(&server).await.bytes().await.unwrap_err();
        let Error::Stream(stream) = &error else { panic!("{error}") };
        assert_eq!((stream.fault(), stream.received()), (StreamFault::Restarted, 4));
    }

    #[tokio::test]
    async fn of_another_state_of_the_file_are_not_mixed() {
        let cut = || part("200 OK", "content-length: 10\r\netag: \"v1\"\r\n", "0123");
        for other in [
            "content-range: bytes 4-9/10\r\netag: \"v2\"\r\n",
            "content-range: bytes 3-9/10\r\netag: \"v1\"\r\n",
            "content-range: bytes 4-10/11\r\netag: \"v1\"\r\n",
            "etag: \"v1\"\r\n",
        ] {
            let server = Server::start(vec![cut(), part("206 Partial Content", other, "456789")]).await;
            let error = open(&server).await.bytes().await.unwrap_err();
            assert!(matches!(&error, Error::Stream(e) if e.fault() == StreamFault::Restarted), "{other}: {error}");
        }
    }

    #[tokio::test]
    async fn that_break_too_often_or_have_no_retries_are_truncated() {
        let cut = part("200 OK", "content-length: 10\r\netag: \"v1\"\r\n", "0123");
        let empty = part("206 Partial Content", "content-range: bytes 4-9/10\r\ncontent-length: 6\r\n", "");
        let server = Server::start(vec![cut.clone(), empty]).await;
        let error = open(&server).await.bytes().await.unwrap_err();
        assert!(matches!(&error, Error::Stream(e) if e.fault() == StreamFault::Truncated), "{error}");
        assert_eq!(server.lines().len(), 3, "two retries without a byte");

        let server = Server::start(vec![cut]).await;
        let core = fixture::old(&server);
        let download = Request::new(&core, ops::DOWNLOAD_FILE).id("f1").max_retries(0).await.unwrap();
        assert!(download.bytes().await.is_err());
        assert_eq!(server.lines().len(), 1);
    }

    #[tokio::test]
    async fn have_the_limit_of_a_body_in_memory_only() {
        let server = Server::start(vec![part("200 OK", "content-length: 10\r\n", "0123456789")]).await;
        let core = fixture::builder(&server).server_generation("old").max_body(9).build().unwrap();
        let open = || Request::new(&core, ops::DOWNLOAD_FILE).id("f1").send();
        let error = open().await.unwrap().bytes().await.unwrap_err();
        assert!(matches!(&error, Error::Stream(e) if e.fault() == StreamFault::TooLarge), "{error}");
        let mut sink = Vec::new();
        assert_eq!(open().await.unwrap().write_to(&mut sink).await.unwrap(), 10);
        assert_eq!(sink, b"0123456789");
    }
}

#[tokio::test]
async fn an_object_may_come_wrapped() {
    for body in [
        r#"{"id":"r1","error":"failed"}"#,
        r#"{"run_id":"r1","error":"failed"}"#,
        r#"{"run":{"run_id":"r1","error":"failed"}}"#,
        r#"{"ok":true,"data":{"id":"r1","error":"failed"}}"#,
    ] {
        let server = Server::start(vec![json("202 Accepted", body)]).await;
        let run = Request::new(&fixture::old(&server), ops::START_RUN).json(&types::RunCreate::new("x"));
        let run = run.await.unwrap();
        assert_eq!((run.run_id.as_str(), run.error.as_deref()), ("r1", Some("failed")), "{body}");
    }
}

#[tokio::test]
async fn lists_go_on_by_the_token_of_their_generation() {
    for (core, first, second) in [
        (fixture::old as fn(&Server) -> Core, r#""next_cursor":"c2""#, "get /api/things?cursor=c2"),
        (fixture::new, r#""next_page":"c2""#, "get /api/v2/things?page=c2"),
    ] {
        let server = Server::start(vec![
            ok(&format!(r#"{{"data":[{{"id":"a"}}],{first}}}"#)),
            ok(r#"{"data":[{"id":"b"}],"next_page":""}"#),
        ])
        .await;
        let mut things = Request::new(&core(&server), ops::LIST_THINGS).items();
        let mut ids = Vec::new();
        while let Some(thing) = things.try_next().await.unwrap() {
            ids.push(thing.id);
        }
        assert_eq!((ids, server.lines()[1].as_str()), (vec!["a".to_owned(), "b".to_owned()], second));
    }
}

#[tokio::test]
async fn an_error_body_is_read_to_a_mebibyte_and_kept_to_64_kibibytes() {
    let filler = "x".repeat(500_000);
    let body =
        serde_json::json!({ "filler": filler, "error": { "type": "deep", "message": "at the end" } }).to_string();
    let server = Server::start(vec![json("400 Bad Request", &body)]).await;
    let error = get(&fixture::old(&server)).attempt_timeout(Duration::from_secs(20)).await.unwrap_err();
    assert_eq!((error.code(), error.message().as_str()), (Some("deep"), "at the end"));
    assert_eq!(error.body().unwrap().len(), 65_536);
}

/// Allocators are fast up to about this size; a call that outgrew it cost 3 % more.
#[tokio::test]
async fn the_boxes_of_a_call_are_small() {
    use std::mem::size_of_val;

    use http::HeaderMap;
    use tokio::time::Instant;

    use super::*;
    use crate::http::retry::Deadline;
    use crate::http::transport::Limits;

    let server = Server::start(vec![]).await;
    let core = fixture::builder(&server).build().unwrap();
    let request = get(&core);
    let (settings, mut state) = (request.parts().settings(), RetryState::begin(&request.parts().settings()));
    let frozen = request.parts().freeze(&request.parts().spec.routes[0], None).unwrap();
    let window = Deadline { length: Duration::ZERO, timer: Timer::Total, set_to: Duration::ZERO };
    let (ends, connect) = (Instant::now(), Duration::ZERO);
    let limits = Limits { window, ends, connect, max_body: 0, live: false, upload: None };
    let sizes = [
        size_of_val(&core.shared().transport.exchange(frozen.to_request(HeaderMap::new()), limits)),
        size_of_val(&core.send(&frozen, Ending::Whole, &settings, &mut state)),
        size_of_val(&request.send()),
    ];
    assert!(sizes.into_iter().all(|size| size <= 1032), "{sizes:?}");
}
