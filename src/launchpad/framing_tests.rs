use super::*;

const ONE: &str = r#"{"timestamp":"2026-07-01T11:59:58Z","level":"INFO","message":"one","pod":"p"}"#;
const TWO: &str = r#"{"timestamp":"2026-07-01T11:59:59Z","message":"tw\"o}{"}"#;

fn pieces(content_type: &str, chunks: &[&[u8]]) -> Vec<Piece> {
    let mut framing = Framing::new(Some(content_type).filter(|text| !text.is_empty()));
    let mut pieces = Vec::new();
    for chunk in chunks {
        framing.push(chunk);
        while let Some(piece) = framing.next().unwrap() {
            pieces.push(piece);
        }
    }
    pieces.extend(framing.finish().expect("it is whole"));
    pieces
}

fn messages(pieces: &[Piece]) -> Vec<String> {
    let mut messages = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Entries(entries) => messages.extend(entries.iter().map(|entry| entry.message.clone())),
            Piece::Document(document) => messages.push(format!("document of {}", document.logs.len())),
            Piece::End => messages.push("end".to_owned()),
        }
    }
    messages
}

/// Reads `body` whole, byte by byte, and cut in two at every place.
fn read(content_type: &str, body: &str) -> Vec<String> {
    let whole = messages(&pieces(content_type, &[body.as_bytes()]));
    let bytes: Vec<&[u8]> = body.as_bytes().chunks(1).collect();
    assert_eq!(messages(&pieces(content_type, &bytes)), whole, "byte by byte: {body}");
    for cut in 0..body.len() {
        let (before, after) = body.as_bytes().split_at(cut);
        assert_eq!(messages(&pieces(content_type, &[before, after])), whole, "cut at {cut}: {body}");
    }
    whole
}

#[test]
fn events_have_an_entry_several_or_a_text() {
    let body = format!(
        ": hello\n\ndata: {ONE}\n\nevent: log\nid: 7\ndata: [{ONE},{TWO}]\n\ndata: plain text\n\nevent: ping\ndata: {{}}\n\n"
    );
    assert_eq!(read("text/event-stream", &body), ["one", "one", "tw\"o}{", "plain text"]);
    assert_eq!(read("text/event-stream; charset=utf-8", "data: a\n\nevent: end\ndata: bye\n\n"), ["a", "end"]);
    assert_eq!(read("text/event-stream", "data: a\n\ndata: without an empty line"), ["a", "without an empty line"]);
}

#[test]
fn lines_of_json_are_entries_and_other_lines_texts() {
    let body =
        format!("{ONE}\r\n\n  \nplain {{text}}\n{TWO}\n[{ONE}]\n{{\"no\":\"message\"}}\n\"quoted\"\n{{broken\nlast");
    let expected = ["one", "plain {text}", "tw\"o}{", "one", r#"{"no":"message"}"#, "quoted", "{broken", "last"];
    for media in ["application/x-ndjson", "application/jsonl", "Application/X-NDJSON; charset=utf-8"] {
        assert_eq!(read(media, &body), expected, "{media}");
    }
}

#[test]
fn json_is_one_document_or_objects_in_any_arrangement() {
    let document = format!(r#"{{"agentId":"a","logs":[{ONE},{TWO}],"totalLines":2,"truncated":false}}"#);
    assert_eq!(read("application/json", &document), ["document of 2"]);
    for body in [
        format!("{ONE}{TWO}"),
        format!("{ONE}\n{TWO}\n"),
        format!("[{ONE},\n{TWO}]"),
        format!("{ONE} , {TWO}"),
        format!("\u{1e}{ONE}\n\u{1e}{TWO}\n"),
    ] {
        assert_eq!(read("application/json", &body), ["one", "tw\"o}{"], "{body}");
    }
    assert_eq!(read("application/json", &format!("{ONE}\nnot json\n{TWO}")), ["one", "not json", "tw\"o}{"]);
    assert_eq!(read("application/json", ""), Vec::<String>::new());
    assert_eq!(read("application/json", r#"{"logs":[]}"#), ["document of 0"]);
}

#[test]
fn an_array_that_never_ends_gives_its_entries_at_once() {
    let mut framing = Framing::new(Some("application/json"));
    framing.push(format!("[{ONE},").as_bytes());
    assert_eq!(messages(&[framing.next().unwrap().unwrap()]), ["one"]);
    assert_eq!(framing.next(), Ok(None));
}

#[test]
fn plain_text_has_a_message_per_line_even_if_it_looks_like_json() {
    assert_eq!(read("text/plain", &format!("first\n\n{ONE}\r\nlást")), ["first", ONE, "lást"]);
}

#[test]
fn without_a_media_type_the_first_bytes_decide() {
    assert_eq!(read("", &format!(r#"{{"logs":[{ONE}]}}"#)), ["document of 1"]);
    assert_eq!(read("application/octet-stream", &format!("  {ONE}\n{TWO}")), ["one", "tw\"o}{"]);
    let mut framing = Framing::new(None);
    framing.push(format!("data: {ONE}\n\n").as_bytes());
    assert_eq!(messages(&[framing.next().unwrap().unwrap()]), ["one"]);
    let mut framing = Framing::new(None);
    framing.push(b"plain\n");
    assert_eq!(messages(&[framing.next().unwrap().unwrap()]), ["plain"]);
}

#[test]
fn an_end_within_a_value_is_no_end() {
    for (media, body) in [
        ("application/json", r#"{"logs":[{"message":"a"}"#),
        ("application/json", r#"{"message":"a"}{"mess"#),
        ("application/x-ndjson", "{\"message\":\"a\"}\n{\"mess"),
    ] {
        let mut framing = Framing::new(Some(media));
        framing.push(body.as_bytes());
        while framing.next().unwrap().is_some() {}
        assert_eq!(framing.finish(), None, "{body}");
    }
}

#[test]
fn what_never_ends_is_refused_and_nothing_else() {
    let long = "x".repeat(defaults::MAX_LINE + 1);
    for media in ["application/x-ndjson", "text/plain"] {
        let mut framing = Framing::new(Some(media));
        framing.push(long.as_bytes());
        assert_eq!(framing.next(), Err(TooLarge), "{media}");
        let mut framing = Framing::new(Some(media));
        framing.push(format!("{long}\nb\n").as_bytes());
        assert!(framing.next().unwrap().is_some() && framing.next().unwrap().is_some(), "{media}");
        assert_eq!(framing.next(), Ok(None), "{media}");
    }
}
