//! Bodies that are files or readers.

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
