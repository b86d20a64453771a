use super::*;

const ONE: &str = r#"{"n":"one"}"#;
const TWO: &str = r#"{"n":"tw\"o}{"}"#;

fn frames(content_type: &str, chunks: &[&[u8]]) -> Vec<Frame> {
    let mut framing = Framing::new(Some(content_type).filter(|text| !text.is_empty()));
    let mut frames = Vec::new();
    for chunk in chunks {
        framing.push(chunk);
        while let Some(frame) = framing.next().unwrap() {
            frames.push(frame);
        }
    }
    frames.extend(framing.finish().expect("it is whole"));
    frames
}

/// Reads `body` whole, byte by byte, and cut in two at every place.
fn read(content_type: &str, body: &str) -> Vec<String> {
    let whole = frames(content_type, &[body.as_bytes()]);
    let bytes: Vec<&[u8]> = body.as_bytes().chunks(1).collect();
    assert_eq!(frames(content_type, &bytes), whole, "byte by byte: {body}");
    for cut in 0..body.len() {
        let (before, after) = body.as_bytes().split_at(cut);
        assert_eq!(frames(content_type, &[before, after]), whole, "cut at {cut}: {body}");
    }
    let text = |frame: Frame| if frame.name == "message" { frame.text } else { frame.name + "=" + &frame.text };
    whole.into_iter().map(text).collect()
}

#[test]
fn events_have_a_name_and_data() {
    let body = ": hello\n\ndata: 1\n\nevent: log\nid: 7\ndata: a\ndata: b\n\nevent: ping\ndata: {}\n\n";
    assert_eq!(read("text/event-stream", body), ["1", "log=a\nb", "ping={}"]);
    assert_eq!(read("text/event-stream; charset=utf-8", "data: a\n\ndata: no empty line"), ["a", "no empty line"]);
}

#[test]
fn lines_are_frames_and_empty_ones_are_not() {
    let body = format!("{ONE}\r\n\n  \nplain {{text}}\n{TWO}\n[{ONE}]\n\"quoted\"\n{{broken\nlast");
    let expected = [ONE, "plain {text}", TWO, r#"[{"n":"one"}]"#, "\"quoted\"", "{broken", "last"];
    for media in ["application/x-ndjson", "application/jsonl", "Application/X-NDJSON; charset=utf-8"] {
        assert_eq!(read(media, &body), expected, "{media}");
    }
}

#[test]
fn objects_come_in_any_arrangement() {
    let document = format!(r#"{{"logs":[{ONE},{TWO}]}}"#);
    assert_eq!(read("application/json", &document), [document.as_str()]);
    for body in [
        format!("{ONE}{TWO}"),
        format!("{ONE}\n{TWO}\n"),
        format!("[{ONE},\n{TWO}]"),
        format!("{ONE} , {TWO}"),
        format!("\u{1e}{ONE}\n\u{1e}{TWO}\n"),
    ] {
        assert_eq!(read("application/json", &body), [ONE, TWO], "{body}");
    }
    assert_eq!(read("application/json", &format!("{ONE}\nnot json\n{TWO}")), [ONE, "not json", TWO]);
    assert_eq!(read("application/json", ""), Vec::<String>::new());
}

#[test]
fn an_array_that_never_ends_gives_its_objects_at_once() {
    let mut framing = Framing::new(Some("application/json"));
    framing.push(format!("[{ONE},").as_bytes());
    assert_eq!(framing.next().unwrap().unwrap().text, ONE);
    assert_eq!(framing.next(), Ok(None));
}

#[test]
fn plain_text_is_marked_so_even_if_it_looks_like_json() {
    let body = format!("first\n\n{ONE}\r\nlást");
    assert_eq!(read("text/plain", &body), ["first", ONE, "lást"]);
    assert!(frames("text/plain", &[body.as_bytes()]).iter().all(|frame| frame.is_plain));
    assert!(!frames("application/x-ndjson", &[body.as_bytes()]).iter().any(|frame| frame.is_plain));
}

#[test]
fn without_a_media_type_the_first_bytes_decide() {
    for (body, first) in [
        (format!("  {ONE}\n{TWO}"), ONE),
        (format!("data: {ONE}\n\n"), ONE),
        (format!(": hello\n\ndata: {ONE}\n\n"), ONE),
        ("plain\n".to_owned(), "plain"),
    ] {
        for media in [None, Some("application/octet-stream")] {
            let mut framing = Framing::new(media);
            framing.push(body.as_bytes());
            assert_eq!(framing.next().unwrap().unwrap().text, first, "{media:?}: {body}");
        }
    }
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
    let long = "x".repeat(config::MAX_EVENT + 1);
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
