use super::*;
use crate::framing::Framing;

const ONE: &str = r#"{"timestamp":"2026-07-01T11:59:58Z","level":"INFO","message":"one","pod":"p"}"#;
const TWO: &str = r#"{"timestamp":"2026-07-01T11:59:59Z","message":"tw\"o}{"}"#;

/// The messages of a body's pieces.
fn read(content_type: &str, body: &str) -> Vec<String> {
    let mut framing = Framing::new(Some(content_type));
    framing.push(body.as_bytes());
    let mut messages = Vec::new();
    let mut take = |frame: &Frame| match Piece::of(frame) {
        Piece::Entries(entries) => messages.extend(entries.into_iter().map(|entry| entry.message)),
        Piece::Document(document) => messages.push(format!("document of {}", document.logs.len())),
        Piece::End => messages.push("end".to_owned()),
    };
    while let Some(frame) = framing.next().unwrap() {
        take(&frame);
    }
    for frame in framing.finish().expect("it is whole") {
        take(&frame);
    }
    messages
}

#[test]
fn events_have_an_entry_several_or_a_text() {
    let body = format!(
        "data: {ONE}\n\nevent: log\nid: 7\ndata: [{ONE},{TWO}]\n\ndata: plain text\n\nevent: ping\ndata: {{}}\n\n"
    );
    assert_eq!(read("text/event-stream", &body), ["one", "one", "tw\"o}{", "plain text"]);
    assert_eq!(read("text/event-stream", "data: a\n\nevent: end\ndata: bye\n\n"), ["a", "end"]);
}

#[test]
fn lines_of_json_are_entries_and_other_lines_texts() {
    let body =
        format!("{ONE}\r\n\n  \nplain {{text}}\n{TWO}\n[{ONE}]\n{{\"no\":\"message\"}}\n\"quoted\"\n{{broken\nlast");
    let expected = ["one", "plain {text}", "tw\"o}{", "one", r#"{"no":"message"}"#, "quoted", "{broken", "last"];
    assert_eq!(read("application/x-ndjson", &body), expected);
}

#[test]
fn an_object_with_lines_is_the_plain_response() {
    let document = format!(r#"{{"agentId":"a","logs":[{ONE},{TWO}],"totalLines":2,"truncated":false}}"#);
    assert_eq!(read("application/json", &document), ["document of 2"]);
    assert_eq!(read("application/json", r#"{"logs":[]}"#), ["document of 0"]);
    assert_eq!(read("application/json", &format!("[{ONE},{TWO}]")), ["one", "tw\"o}{"]);
}

#[test]
fn plain_text_has_a_message_per_line_even_if_it_looks_like_json() {
    assert_eq!(read("text/plain", &format!("first\n\n{ONE}\r\nlást")), ["first", ONE, "lást"]);
}
