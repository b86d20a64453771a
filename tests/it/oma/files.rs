//! Files: uploads, downloads, lists.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use polyagent::oma::types::*;
use polyagent::oma::{FileUpload, Generation, Oma};
use polyagent::{Error, TransferProgress, Upload};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wiremock::matchers::{any, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::requests::{ANTHROPIC, Servers, V0};
use super::responses::decodes_as_documented;
use super::{GENERATIONS, KEY, MANAGED, client, form, header, json, parts, received, routes, server};
use crate::sockets::reqwest_without_proxy;

const FILES: &str = "files-api-2025-04-14";
const FILE: &str = r#"{"type":"file","id":"file_011","filename":"a.txt","mime_type":"text/plain","size_bytes":5,"created_at":"2026-10-01T10:00:00Z","downloadable":true,"expires_at":null,"scope":{"type":"session","id":"sesn_01"}}"#;

fn hello() -> Upload {
    Upload::bytes("a.txt", "hello").media_type("text/plain")
}

type Seen = Arc<Mutex<Vec<(u32, u64, Option<u64>)>>>;

fn record(seen: &Seen) -> impl Fn(TransferProgress) + Send + Sync + 'static {
    let seen = Arc::clone(seen);
    move |it| seen.lock().unwrap().push((it.attempt, it.bytes, it.total))
}

#[tokio::test]
async fn requests() {
    let servers = Servers::start().await;
    servers.check(FILES, |c| c.files().get("file_011"), ["GET /v1/files/file_011"; 3]).await;
    servers.check(FILES, |c| c.files().delete("file_011"), ["DELETE /v1/files/file_011"; 3]).await;
    let list = |params: ListFilesParams| move |c: &Oma| c.files().list(params.clone());
    servers.check(FILES, list(ListFilesParams::new().limit(10)), ["GET /v1/files?limit=10"; 3]).await;
    let scoped = ListFilesParams::new().limit(10).scope_id("sesn_01");
    let both = format!("{FILES},{MANAGED}");
    servers.check(&both, list(scoped), ["GET /v1/files?limit=10&scope_id=sesn_01"; 3]).await;
    servers
        .accepting(
            ["application/octet-stream", "application/octet-stream", "application/binary"],
            FILES,
            |c| c.files().download("file_011"),
            ["GET /v1/files/file_011/content"; 3],
        )
        .await;
    let promotion = || FilePromotion::new("/out/a.txt").filename("a.txt").media_type("text/plain").downloadable(true);
    let body = r#"{"path":"/out/a.txt","filename":"a.txt","media_type":"text/plain","downloadable":true}"#;
    servers
        .managed(
            |c| c.files().promote("sess-1", promotion()),
            [
                &format!("POST /v1/sessions/sess-1/files {body}"),
                &format!("POST /v1/oma/sessions/sess-1/files {body}"),
                "",
            ],
        )
        .await;
    let ids = ListFilesParams::new().ids(["file_1", "file_2"]);
    let server = server(json(400, "{}")).await;
    client(&server, Generation::Anthropic).files().list(ids.clone()).await.unwrap_err();
    assert_eq!(received(&server).await, ["GET /v1/files?ids%5B%5D=file_1&ids%5B%5D=file_2"]);
    servers.known_to(ANTHROPIC, "ids", list(ids)).await;
}

#[tokio::test]
async fn an_upload_is_one_part_in_every_generation() {
    for generation in GENERATIONS {
        let server = server(json(200, FILE)).await;
        let file = client(&server, generation).files().upload(hello()).await.unwrap();
        assert_eq!(file.id, "file_011");
        let requests = server.received_requests().await.unwrap();
        let [request] = &requests[..] else { panic!("{}", requests.len()) };
        assert_eq!((request.method.as_str(), request.url.path()), ("POST", "/v1/files"));
        assert_eq!(header(request, "anthropic-beta"), FILES);
        assert_eq!(header(request, "content-length"), request.body.len().to_string());
        assert_eq!(form(request), parts(&[("file", "a.txt", "text/plain", "hello")]));
    }
}

#[tokio::test]
async fn what_a_generation_does_not_know_of_an_upload_is_refused() {
    let servers = Servers::start().await;
    let day = Duration::from_secs(86_400);
    servers
        .known_to(ANTHROPIC, "expires_in_seconds", |c| c.files().upload(FileUpload::new(hello()).expires_in(day)))
        .await;
    servers.known_to(V0, "session_id", |c| c.files().upload(FileUpload::new(hello()).session("sess-1"))).await;
    servers.known_to(V0, "downloadable", |c| c.files().upload(FileUpload::new(hello()).downloadable(true))).await;
    servers.known_to(ANTHROPIC, "page", |c| c.files().list(ListFilesParams::new().page("p"))).await;
}

#[tokio::test]
async fn the_time_to_live_stands_before_the_file() {
    let server = server(json(200, FILE)).await;
    let files = client(&server, Generation::Anthropic).files();
    files.upload(FileUpload::new(hello()).expires_in(Duration::from_secs(3600))).await.unwrap();
    files.upload(FileUpload::new(hello()).expires_in(Duration::from_secs(7_776_000))).await.unwrap();
    for wrong in
        [Duration::ZERO, Duration::from_secs(3599), Duration::from_secs(7_776_001), Duration::from_millis(3_600_500)]
    {
        let error = files.upload(FileUpload::new(hello()).expires_in(wrong)).await.unwrap_err();
        assert!(matches!(error, Error::InvalidArgument(_)), "{wrong:?}: {error}");
    }
    let requests = server.received_requests().await.unwrap();
    let want = |seconds| parts(&[("expires_in_seconds", "", "", seconds), ("file", "a.txt", "text/plain", "hello")]);
    assert_eq!(requests.iter().map(form).collect::<Vec<_>>(), [want("3600"), want("7776000")]);
}

/// oma.md C9.
#[tokio::test]
async fn c9_the_session_goes_under_its_documented_and_its_real_name() {
    let server = server(json(201, FILE)).await;
    let upload = FileUpload::new(hello()).session("sess-1").downloadable(true);
    client(&server, Generation::V0).files().upload(upload).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let want = [
        ("session_id", "", "", "sess-1"),
        ("scope_id", "", "", "sess-1"),
        ("downloadable", "", "", "true"),
        ("file", "a.txt", "text/plain", "hello"),
    ];
    assert_eq!(form(&requests[0]), parts(&want));
}

#[tokio::test]
async fn an_upload_is_not_sent_again_once_it_may_have_arrived() {
    for status in [500, 502, 504, 529] {
        let server = server(json(status, "{}")).await;
        let error = client(&server, Generation::V1).files().upload(hello()).await.unwrap_err();
        assert!(error.may_have_been_processed(), "{status}");
        assert_eq!(server.received_requests().await.unwrap().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_limited_upload_is_sent_again_whole_unless_from_a_reader() {
    let limited = async || {
        let server = MockServer::builder().start().await;
        let wait = json(429, "{}").insert_header("retry-after-ms", "1");
        Mock::given(any()).respond_with(wait).up_to_n_times(1).mount(&server).await;
        Mock::given(any()).respond_with(json(200, FILE)).mount(&server).await;
        server
    };
    let server = limited().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    client(&server, Generation::V1).files().upload(hello().on_progress(record(&seen))).await.unwrap();
    let forms: Vec<_> = server.received_requests().await.unwrap().iter().map(form).collect();
    assert_eq!(forms, vec![parts(&[("file", "a.txt", "text/plain", "hello")]); 2]);
    assert_eq!(*seen.lock().unwrap(), [(1, 0, Some(5)), (1, 5, Some(5)), (2, 0, Some(5)), (2, 5, Some(5))]);

    let server = limited().await;
    let reader = Upload::reader("a.txt", &b"hello"[..]).length(5);
    let error = client(&server, Generation::V1).files().upload(reader).await.unwrap_err();
    assert!(matches!(error, Error::RateLimited(_)), "{error}");
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn files_of_no_bytes_and_from_paths_and_readers_are_uploaded() {
    let server = server(json(200, FILE)).await;
    let files = client(&server, Generation::V1).files();
    let folder = std::env::temp_dir().join(format!("polyagent-files-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (empty, some) = (folder.join("empty.bin"), folder.join("some.bin"));
    std::fs::write(&empty, "").unwrap();
    std::fs::write(&some, "some").unwrap();
    files.upload(Upload::bytes("none", "")).await.unwrap();
    files.upload(Upload::path(&empty)).await.unwrap();
    files.upload(Upload::path(&some)).await.unwrap();
    files.upload(Upload::reader("read", &b"read"[..])).await.unwrap();
    let error = files.upload(Upload::path(folder.join("missing"))).await.unwrap_err();
    assert!(
        matches!(error, Error::Config(_)) && error.to_string().contains("cannot open `missing`: No such file"),
        "{error}"
    );
    std::fs::remove_dir_all(&folder).unwrap();
    let forms: Vec<_> = server.received_requests().await.unwrap().iter().map(form).collect();
    let octets = "application/octet-stream";
    let want = [("none", ""), ("empty.bin", ""), ("some.bin", "some"), ("read", "read")];
    assert_eq!(forms, want.map(|(name, content)| parts(&[("file", name, octets, content)])));
}

/// oma.md C9: the documented route of the bytes gives what is known of the file.
#[tokio::test]
async fn c9_bytes_come_from_content_and_elsewhere_from_the_documented_route() {
    for generation in GENERATIONS {
        let server = server(ResponseTemplate::new(200).set_body_raw("hello", "text/plain")).await;
        let download = client(&server, generation).files().download("file_011").await.unwrap();
        assert_eq!((download.content_type(), download.length()), (Some("text/plain"), Some(5)));
        assert_eq!(download.bytes().await.unwrap(), "hello");
        assert_eq!(received(&server).await, ["GET /v1/files/file_011/content"]);
    }
    let documented = routes(&[("GET", "/v1/files/file-1", 200, "hello")]).await;
    let download = client(&documented, Generation::V0).files().download("file-1").await.unwrap();
    assert_eq!(download.bytes().await.unwrap(), "hello");
    let missing = server(json(404, r#"{"error":"File not found"}"#)).await;
    let error = client(&missing, Generation::V0).files().download("file-1").await.unwrap_err();
    assert!(matches!(error, Error::NotFound(_)) && error.reason().is_none(), "{error}");
    assert_eq!(received(&missing).await, ["GET /v1/files/file-1/content"]);
}

#[tokio::test]
async fn a_download_goes_to_a_path_or_a_writer() {
    let server = server(ResponseTemplate::new(200).set_body_raw("hello", "text/plain")).await;
    let files = client(&server, Generation::V1).files();
    let to = std::env::temp_dir().join(format!("polyagent-download-{}", std::process::id()));
    assert_eq!(files.download("f").await.unwrap().save(&to).await.unwrap(), 5);
    assert_eq!(std::fs::read(&to).unwrap(), b"hello");
    std::fs::remove_file(&to).unwrap();
    let mut written = Vec::new();
    assert_eq!(files.download("f").await.unwrap().write_to(&mut written).await.unwrap(), 5);
    assert_eq!(written, b"hello");
}

#[tokio::test]
async fn an_interrupted_download_goes_on_where_it_broke() {
    let responses = [
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-type: text/plain\r\n\r\nhe",
        "HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 2-4/5\r\ncontent-length: 3\r\n\r\nllo",
    ];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let mut heads = Vec::new();
        for response in responses {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(socket.read_u8().await.unwrap());
            }
            heads.push(String::from_utf8(head).unwrap());
            socket.write_all(response.as_bytes()).await.unwrap();
        }
        heads
    });
    let builder = Oma::builder().base_url(url).api_key(KEY).generation(Generation::V1);
    let client = builder.configure_http(reqwest_without_proxy).build().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let report = record(&seen);
    let download = client.files().download("file_011").await.unwrap().on_progress(report);
    assert_eq!(download.bytes().await.unwrap(), "hello");
    assert_eq!(seen.lock().unwrap().last(), Some(&(1, 5, Some(5))));
    let heads = server.await.unwrap();
    assert!(!heads[0].contains("range: "), "{}", heads[0]);
    assert!(heads[1].contains("range: bytes=2-\r\n") && heads[1].contains(FILES), "{}", heads[1]);
}

#[tokio::test]
async fn a_file_that_is_not_downloadable_says_so() {
    let hosted = r#"{"type":"error","error":{"type":"permission_error","message":"File is not downloadable"},"message":"File is not downloadable","code":"permission_error","request_id":"r"}"#;
    let error = client(&server(json(403, hosted)).await, Generation::V0).files().download("f").await.unwrap_err();
    assert!(matches!(error, Error::PermissionDenied(_)) && error.message() == "File is not downloadable", "{error}");
    let coded = r#"{"type":"error","error":{"type":"invalid_request_error","message":"m","details":{"error_code":"file_not_downloadable"}}}"#;
    let error = client(&server(json(400, coded)).await, Generation::Anthropic).files().download("f").await.unwrap_err();
    assert_eq!(error.code(), Some("file_not_downloadable"));
}

fn page(id: &str, more: &str) -> ResponseTemplate {
    json(200, &format!(r#"{{"data":[{{"id":"{id}"}}],{more}}}"#))
}

async fn listed(server: &MockServer, generation: Generation) -> Vec<String> {
    let params = ListFilesParams::new().limit(1);
    let mut items = client(server, generation).files().list(params).items();
    let mut ids = Vec::new();
    while let Some(file) = items.try_next().await.unwrap() {
        ids.push(file.id);
    }
    ids
}

/// oma-v1.md C5.
#[tokio::test]
async fn v1_c5_files_go_on_by_token_or_by_the_last_id() {
    for generation in GENERATIONS {
        let server = MockServer::builder().start().await;
        let first = page("file_1", r#""has_more":true,"first_id":"file_1","last_id":"file_1""#);
        Mock::given(method("GET")).and(query_param_is_missing("after_id")).respond_with(first).mount(&server).await;
        let last = page("file_2", r#""has_more":false,"first_id":"file_2","last_id":"file_2""#);
        Mock::given(query_param("after_id", "file_1")).respond_with(last).mount(&server).await;
        assert_eq!(listed(&server, generation).await, ["file_1", "file_2"], "{generation}");
        assert_eq!(received(&server).await[1], "GET /v1/files?limit=1&after_id=file_1", "{generation}");
    }
    for generation in [Generation::V1, Generation::Anthropic] {
        let server = MockServer::builder().start().await;
        let first = page("file_1", r#""has_more":true,"last_id":"file_1","next_page":"pg_2""#);
        Mock::given(path("/v1/files")).and(query_param_is_missing("page")).respond_with(first).mount(&server).await;
        let last = page("file_2", r#""has_more":false,"next_page":null"#);
        Mock::given(query_param("page", "pg_2")).respond_with(last).mount(&server).await;
        assert_eq!(listed(&server, generation).await, ["file_1", "file_2"], "{generation}");
        assert_eq!(received(&server).await[1], "GET /v1/files?limit=1&page=pg_2", "{generation}");
    }
}

#[tokio::test]
async fn a_file_of_either_generation_is_read() {
    let new = decodes_as_documented(|c| c.files().get("f"), FILE).await;
    assert_eq!((new.filename.as_deref(), new.mime_type.as_deref()), (Some("a.txt"), Some("text/plain")));
    assert_eq!(
        (new.size_bytes, new.downloadable, new.scope.unwrap().id.as_deref()),
        (Some(5), Some(true), Some("sesn_01"))
    );
    let body = r#"{"id":"file-1","type":"file","filename":"a.txt","media_type":"text/plain","size_bytes":5,"scope_id":"sess-1","downloadable":false,"created_at":"2026-05-02T10:00:00.000Z"}"#;
    let old = client(&server(json(200, body)).await, Generation::V0).files().get("f").await.unwrap();
    assert_eq!((old.mime_type.as_deref(), old.scope_id.as_deref()), (Some("text/plain"), Some("sess-1")));
    assert!(old.unknown.is_empty(), "{old:?}");
    let gone = server(json(200, r#"{"id":"file_011"}"#)).await;
    assert_eq!(client(&gone, Generation::Anthropic).files().delete("file_011").await.unwrap().id, "file_011");
}
