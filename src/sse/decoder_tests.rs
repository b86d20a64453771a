#[path = "decoder_properties.rs"]
mod properties;

use super::*;

/// An event as a test writes it: name, data, last id.
type Event = (String, String, String);

fn event(name: &str, data: &str, last_id: &str) -> Event {
    (name.to_owned(), data.to_owned(), last_id.to_owned())
}

fn message(data: &str) -> Event {
    event("", data, "")
}

/// Decodes `pieces`, draining after each.
fn decode<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> Vec<Event> {
    let mut decoder = Decoder::new(1 << 20);
    let mut events = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        while let Some(frame) = decoder.next().unwrap() {
            events.push(event(frame.name, &frame.data, frame.last_id));
        }
    }
    events
}

/// Every rule of the standard: the stream, and the events that come out of it.
fn cases() -> Vec<(&'static str, &'static [u8], Vec<Event>)> {
    vec![
        ("LF", b"data: a\n\ndata: b\n\n", vec![message("a"), message("b")]),
        ("CRLF", b"data: a\r\n\r\ndata: b\r\n\r\n", vec![message("a"), message("b")]),
        ("CR", b"data: a\r\rdata: b\r\r", vec![message("a"), message("b")]),
        ("mixed ends of lines", b"data: a\r\ndata: b\n\rdata: c\r\n\n", vec![message("a\nb"), message("c")]),
        ("CRLF, then CR", b"data: a\r\n\rdata: b\n\n", vec![message("a"), message("b")]),
        ("multibyte UTF-8", "data: añ日😀\n\n".as_bytes(), vec![message("añ日😀")]),
        ("a BOM at the start", b"\xEF\xBB\xBFdata: a\n\n", vec![message("a")]),
        ("a second BOM is a part of the name", b"\xEF\xBB\xBF\xEF\xBB\xBFdata: a\n\ndata: b\n\n", vec![message("b")]),
        ("a BOM in data", b"data: \xEF\xBB\xBFa\n\n", vec![message("\u{feff}a")]),
        ("a BOM after the first event", b"data: a\n\n\xEF\xBB\xBFdata: b\n\n", vec![message("a")]),
        ("a part of a BOM", b"\xEF\xBBdata: a\n\ndata: b\n\n", vec![message("b")]),
        ("several data lines", b"data: a\ndata: b\ndata:\ndata: c\n\n", vec![message("a\nb\n\nc")]),
        ("empty data", b"data:\n\n", vec![message("")]),
        ("data without a colon", b"data\n\ndata\ndata\n\n", vec![message(""), message("\n")]),
        ("no data, no event, and the name is gone", b"event: x\n\ndata: a\n\n", vec![message("a")]),
        ("an id lasts", b"id: 1\ndata: a\n\ndata: b\n\n", vec![event("", "a", "1"), event("", "b", "1")]),
        ("an id without an event lasts", b"id: 1\n\ndata: a\n\n", vec![event("", "a", "1")]),
        ("an empty id resets", b"id: 1\ndata: a\n\nid\ndata: b\n\n", vec![event("", "a", "1"), message("b")]),
        (
            "an id with NUL is ignored",
            b"id: 1\ndata: a\n\nid: 2\x003\ndata: b\n\n",
            vec![event("", "a", "1"), event("", "b", "1")],
        ),
        ("comments", b": hi\ndata: a\n:\n: there\n\n: alone\n\n", vec![message("a")]),
        ("an end without an empty line", b"data: a\n\ndata: b\n", vec![message("a")]),
        ("an end within a line", b"data: a\n\ndata: b", vec![message("a")]),
        ("one space is dropped", b"data:a\ndata: b\ndata:  c\ndata:\td\n\n", vec![message("a\nb\n c\n\td")]),
        ("unknown fields", b"foo: x\ndata: a\nDATA: y\n data: z\ndatax: q\n\n", vec![message("a")]),
        ("colons in values", b"data: a:b: c\ndata::\n\n", vec![message("a:b: c\n:")]),
        ("the last name wins", b"event: a\nevent: b\ndata: x\n\n", vec![event("b", "x", "")]),
        ("an empty name means message", b"event: a\nevent:\ndata: x\n\n", vec![message("x")]),
        ("NUL and control characters", b"data: a\x00\x01\x0b\x0c\x1fb\n\n", vec![message("a\0\u{1}\u{b}\u{c}\u{1f}b")]),
        ("other separators are text", "data: a\u{2028}b\u{85}c\n\n".as_bytes(), vec![message("a\u{2028}b\u{85}c")]),
        ("runs of empty lines", b"\n\n\r\n\rdata: a\n\n\n\n\ndata: b\n\n\n", vec![message("a"), message("b")]),
        ("retry between events", b"data: a\n\nretry: 5\n\ndata: b\n\n", vec![message("a"), message("b")]),
        ("invalid UTF-8 in data", b"data: a\xFFb\n\ndata: c\n\n", vec![message("a\u{fffd}b"), message("c")]),
        ("a cut character before LF", b"data: a\xE6\x97\n\ndata: c\n\n", vec![message("a\u{fffd}"), message("c")]),
        ("invalid UTF-8 in a comment", b": \xFF\xFE\ndata: a\n\n", vec![message("a")]),
        (
            "invalid UTF-8 in a name and an id",
            b"event: \xFF\nid: \xFE\ndata: a\n\n",
            vec![event("\u{fffd}", "a", "\u{fffd}")],
        ),
        ("an empty stream", b"", vec![]),
        ("name, id and data", b"event: tick\nid: 7\ndata: {\"n\":1}\n\n", vec![event("tick", "{\"n\":1}", "7")]),
    ]
}

#[test]
fn decodes_every_case_of_the_standard() {
    for (name, stream, wanted) in cases() {
        assert_eq!(decode([stream]), wanted, "{name}");
    }
}

#[test]
fn decodes_every_case_whatever_the_pieces() {
    for (name, stream, wanted) in cases() {
        for cut in 0..=stream.len() {
            let (before, after) = stream.split_at(cut);
            assert_eq!(decode([before, after]), wanted, "{name}, cut at {cut}");
            assert_eq!(decode([b"".as_slice(), before, b"", after, b""]), wanted, "{name}, cut at {cut}, empty pieces");
        }
        for size in [1, 2, 3, 7] {
            assert_eq!(decode(stream.chunks(size)), wanted, "{name}, pieces of {size}");
        }
    }
}

#[test]
fn hands_out_an_event_as_soon_as_its_empty_line_is_complete() {
    // The stream, and after how many bytes its event is complete.
    let streams = [
        ("data: a\n\n", 9),
        ("data: a\r\n\r\n", 10),
        ("data: a\r\r", 9),
        ("data: a\r\n\r", 10),
        ("data: a\n\r", 9),
        ("data: a\r\n\n", 10),
    ];
    for (stream, complete) in streams {
        let mut decoder = Decoder::new(1024);
        let mut seen = None;
        for (at, byte) in stream.bytes().enumerate() {
            decoder.push(&[byte]);
            if decoder.next().unwrap().is_some() {
                assert_eq!(seen.replace(at + 1), None, "{stream:?}");
            }
        }
        assert_eq!(seen, Some(complete), "{stream:?}");
    }
    let mut decoder = Decoder::new(1024);
    decoder.push(b"data: a\r\n\r");
    assert!(decoder.next().unwrap().is_some());
    decoder.push(b"\n");
    assert_eq!(decoder.next(), Ok(None));
}

#[test]
fn reads_waiting_times_of_digits_only() {
    let retry = |stream: &[u8]| {
        let mut decoder = Decoder::new(1024);
        decoder.push(stream);
        while decoder.next().unwrap().is_some() {}
        decoder.retry().map(|wait| wait.as_millis())
    };
    assert_eq!(retry(b"retry: 1500\n"), Some(1500));
    assert_eq!(retry(b"retry: 1\nretry: 2\n"), Some(2));
    assert_eq!(retry(b"retry: 0\n"), Some(0));
    for bad in ["retry\n", "retry:\n", "retry: -1\n", "retry: 1.5\n", "retry: 1s\n", "retry:  1\n"] {
        assert_eq!(retry(bad.as_bytes()), None, "{bad:?}");
    }
    assert_eq!(retry(b"retry: 99999999999999999999999\n"), Some(u128::from(u64::MAX)));
}

#[test]
fn limits_what_is_unfinished_and_nothing_else() {
    let stream = |data: usize| [b"data: ".as_slice(), &vec![b'x'; data], b"\n\n"].concat();
    // A complete event is handed out, whatever came with it.
    let mut decoder = Decoder::new(64);
    decoder.push(&stream(1000));
    assert_eq!(decoder.next().unwrap().unwrap().data.len(), 1000);
    assert_eq!(decoder.next(), Ok(None));

    let unfinished = |bytes: &[u8]| {
        let mut decoder = Decoder::new(64);
        decoder.push(b"data: before\n\n");
        decoder.push(bytes);
        assert!(decoder.next().unwrap().is_some());
        decoder.next().map(|frame| frame.is_some())
    };
    assert_eq!(unfinished(&[b'x'; 64]), Ok(false));
    assert_eq!(unfinished(&[b'x'; 65]), Err(EventTooLarge));
    assert_eq!(unfinished(&stream(56)[..63]), Ok(false));
    // Lines that are of no use do not count, nor do joined ones count twice.
    assert_eq!(unfinished(&b": comment\n".repeat(1000)), Ok(false));
    assert_eq!(unfinished(b"data: 1234567890123456789\ndata: 1234567890123456789\ndata: 12345\n"), Ok(false));
}

#[test]
fn keeps_no_more_than_the_unfinished_event() {
    let mut decoder = Decoder::new(1 << 20);
    for n in 0..10_000_u32 {
        decoder.push(format!("event: tick\nid: {n}\ndata: {n}\n\ndata: unfin").as_bytes());
        let frame = decoder.next().unwrap().unwrap();
        assert_eq!((frame.name, frame.last_id), ("tick", n.to_string().as_str()));
        assert_eq!(decoder.next(), Ok(None));
        decoder.push(b"ished\n\n");
        assert_eq!(decoder.next().unwrap().unwrap().data, "unfinished");
        assert_eq!(decoder.next(), Ok(None));
    }
    assert!(decoder.buffer.capacity() < 1024, "{}", decoder.buffer.capacity());
}
