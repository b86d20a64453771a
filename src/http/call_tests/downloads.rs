//! Bodies that go to a file or a stream.

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
