//! A keep-alive HTTP/1.1 server with two fixed answers, in a process of its own.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use polyagent_benches::process::ServerProcess;

/// An anima as the real server sends it.
const ANIMA: &str = r#"{"id":"b2352c05-e685-4021-8624-595406c725f2","name":"Ada","description":null,"meta":{},"user_id":"11111111-2222-4333-8444-555555555555","organization_id":"66666666-7777-4888-9999-000000000000","is_dormant":false,"last_activity_at":null,"created_at":"2026-11-22T05:04:36.969174Z","updated_at":"2026-11-22T05:04:36.969174"}"#;

/// Asks how many connections were taken so far.
const CONNECTIONS: &str = "GET /connections HTTP/1.1\r\n\r\n";

/// Serves until it is killed.
pub fn serve() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("{}", listener.local_addr()?);
    let taken = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let (stream, taken) = (stream?, Arc::clone(&taken));
        taken.fetch_add(1, Ordering::Relaxed);
        thread::spawn(move || {
            // A client that is gone is no fault of the server's.
            let _ = talk(&stream, &taken);
        });
    }
    Ok(())
}

fn talk(stream: &TcpStream, taken: &AtomicUsize) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = (BufReader::new(stream), stream);
    let (mut head, mut body) = (String::new(), Vec::new());
    loop {
        head.clear();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        body.resize(content_length(&head), 0);
        reader.read_exact(&mut body)?;
        if head == CONNECTIONS {
            writer.write_all(answer("200 OK", &taken.load(Ordering::Relaxed).to_string()).as_bytes())?;
        } else if head.starts_with("POST ") {
            writer.write_all(answer("201 Created", ANIMA).as_bytes())?;
        } else {
            writer.write_all(answer("200 OK", ANIMA).as_bytes())?;
        }
    }
}

fn content_length(head: &str) -> usize {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let value =
        lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).map(|(_, value)| value.trim()).next();
    value.and_then(|value| value.parse().ok()).unwrap_or(0)
}

fn answer(status: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ndate: Sun, 22 Nov 2026 12:00:00 GMT\r\nserver: uvicorn\r\ncontent-length: {length}\r\n\
         content-type: application/json\r\nx-request-id: 0f4a1c9e7b\r\n\r\n{body}"
    )
}

/// How many connections clients have made to the server so far.
pub fn connections(server: &ServerProcess) -> Result<usize, Box<dyn Error>> {
    let mut stream = TcpStream::connect(server.address())?;
    stream.write_all(CONNECTIONS.as_bytes())?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let (_, count) = text.rsplit_once("\r\n").ok_or("the server did not answer")?;
    Ok(count.parse()?)
}
