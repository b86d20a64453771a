//! A server of recorded event streams: `/{n}/...events/stream` sends n events and the end of the session, in its own
//! form of chunks; `/stall/...` sends events for ever; `/silent/...` one event and nothing more; everything else is an
//! empty page.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crate::Outcome;
use crate::typed::frame;

const PAGE: &str = r#"{"data":[],"next_page":null}"#;
const END: &str = "event: session.status_terminated\ndata: {\"type\":\"session.status_terminated\",\"id\":\"sevt_end\",\"processed_at\":\"2026-09-01T00:00:00Z\"}\n\n";
const SMALL_STACK: usize = 64 * 1024;

/// Serves until it is killed.
pub fn serve() -> Outcome {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("{}", listener.local_addr()?);
    for stream in listener.incoming() {
        let stream = stream?;
        thread::Builder::new().stack_size(SMALL_STACK).spawn(move || {
            // A client that is gone is no fault of the server's.
            let _ = talk(&stream);
        })?;
    }
    Ok(())
}

fn talk(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = (BufReader::new(stream), stream);
    let mut head = String::new();
    loop {
        head.clear();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let path = head.split(' ').nth(1).unwrap_or_default();
        if !path.split('?').next().unwrap_or_default().ends_with("/stream") {
            let length = PAGE.len();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
            writer.write_all((head + PAGE).as_bytes())?;
            continue;
        }
        let what = path.split('/').nth(1).unwrap_or_default();
        writer.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")?;
        match what.parse::<usize>() {
            Ok(n) => {
                for start in (0..n).step_by(64) {
                    let frames: String = (start..n.min(start + 64)).map(frame).collect();
                    writer.write_all(frames.as_bytes())?;
                }
                return writer.write_all(END.as_bytes());
            }
            Err(_) if what == "stall" => {
                for n in 0.. {
                    writer.write_all(frame(n).as_bytes())?;
                }
            }
            Err(_) => {
                writer.write_all(frame(0).as_bytes())?;
                loop {
                    thread::sleep(Duration::from_secs(10));
                    writer.write_all(b": heartbeat\n\n")?;
                }
            }
        }
    }
}
