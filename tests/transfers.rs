//! Large files go through without being held in memory: a program of its own, because what it measures is the memory of
//! the whole process. 40 MB here; `POLYAGENT_TRANSFER_MB=200 cargo test --test transfers` takes more.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::sync::{Arc, LazyLock, Mutex};

use polyagent::Upload;
use polyagent::oma::{Generation, Oma};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Bytes of the file: more than [`EXTRA`], so that a file in memory is noticed.
static LENGTH: LazyLock<u64> = LazyLock::new(|| {
    let megabytes = std::env::var("POLYAGENT_TRANSFER_MB").map_or(40, |it| it.parse().unwrap());
    assert!(megabytes >= 40, "too little to tell");
    megabytes * 1_000_000
});
const EXTRA: u64 = 16 << 20;

/// The most memory that was resident since the last [`forget_peak`], in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

fn forget_peak() {
    fs::write("/proc/self/clear_refs", "5").unwrap();
}

async fn serve(mut socket: TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let mut buffer = vec![0; 64 * 1024];
    if head.starts_with("post") {
        let length = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
        let mut left: usize = length.parse().unwrap();
        assert!(left as u64 > *LENGTH);
        while left > 0 {
            let read = socket.read(&mut buffer).await.unwrap();
            assert_ne!(read, 0, "the upload ends early");
            left -= read;
        }
        let body = r#"{"type":"file","id":"file_011"}"#;
        let response = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        socket.write_all(response.as_bytes()).await.unwrap();
        return;
    }
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", *LENGTH);
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut left = *LENGTH;
    while left > 0 {
        let piece = usize::try_from(left).unwrap().min(buffer.len());
        socket.write_all(&buffer[..piece]).await.unwrap();
        left -= piece as u64;
    }
}

#[tokio::test]
async fn a_large_file_is_never_in_memory_whole() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(serve(socket));
        }
    });
    let builder = Oma::builder().base_url(url).api_key("oma_0123456789").generation(Generation::V1);
    let client = builder.configure_http(polyagent::reqwest::ClientBuilder::no_proxy).build().unwrap();
    let path = std::env::temp_dir().join(format!("polyagent-transfers-{}", std::process::id()));
    fs::File::create(&path).unwrap().set_len(*LENGTH).unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let report = {
        let seen = Arc::clone(&seen);
        move |it: polyagent::TransferProgress| seen.lock().unwrap().push(it.bytes)
    };

    forget_peak();
    let before = peak();
    client.files().upload(Upload::path(&path).on_progress(report.clone())).await.unwrap();
    let extra = peak() - before;
    assert!(extra < EXTRA, "the upload took {extra} bytes");
    let progress = std::mem::take(&mut *seen.lock().unwrap());
    assert!(progress.is_sorted() && progress.last() == Some(&*LENGTH));
    drop(progress);

    forget_peak();
    let before = peak();
    let download = client.files().download("file_011").await.unwrap().on_progress(report);
    assert_eq!(download.save(&path).await.unwrap(), *LENGTH);
    let extra = peak() - before;
    fs::remove_file(&path).unwrap();
    assert!(extra < EXTRA, "the download took {extra} bytes");
    let progress = seen.lock().unwrap();
    assert!(progress.is_sorted() && progress.last() == Some(&*LENGTH));
}
