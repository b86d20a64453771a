//! Random streams: what comes out does not depend on how the bytes were cut, and is what another decoder reads.

use eventsource_stream::Eventsource;
use futures::{StreamExt, stream};

use super::*;

/// Cuts `bytes` into pieces of random lengths, empty ones among them.
fn cut<'b>(random: &mut fastrand::Rng, bytes: &'b [u8]) -> Vec<&'b [u8]> {
    let longest = random.usize(1..=40);
    let (mut pieces, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(random.usize(0..=longest.min(rest.len())));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// What streams are made of, and what they should not be made of.
const TOKENS: &[&[u8]] = &[
    b"data: ",
    b"data:",
    b"data",
    b"event: x",
    b"event:",
    b"event",
    b"id: 7",
    b"id:",
    b"id",
    b"id: a\0b",
    b"retry: 10",
    b"retry: ten",
    b": comment",
    b":",
    b"unknown: 1",
    b"\n",
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\n",
    b"\r\r",
    b"\r\n\r\n",
    "é日😀".as_bytes(),
    b"\xff",
    b"\xe6\x97",
    b"\xEF\xBB\xBF",
    b"\xEF",
    b"{\"a\": 1}",
    b" ",
    b"  b",
    b"c:d",
    b"\0",
];

#[test]
fn cuts_change_nothing_whatever_the_bytes() {
    for seed in 0..3_000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let count = random.usize(1..60);
        let bytes: Vec<u8> = (0..count).flat_map(|_| TOKENS[random.usize(..TOKENS.len())]).copied().collect();
        let whole = decode([&bytes[..]]);
        for _ in 0..3 {
            let pieces = cut(&mut random, &bytes);
            assert_eq!(decode(pieces.iter().copied()), whole, "seed {seed}: {pieces:?}");
        }
    }
}

/// A stream that `eventsource-stream` reads rightly: valid UTF-8, no byte order mark, no lone CR, no NUL in ids, and no
/// event without data.
fn tame(random: &mut fastrand::Rng) -> String {
    let end = if random.bool() { "\n" } else { "\r\n" };
    let texts = ["a", "{\"a\": 1}", "é日😀", " b", "c:d", "", "\u{2028}"];
    let text = |random: &mut fastrand::Rng| texts[random.usize(..texts.len())];
    let mut lines = String::new();
    for _ in 0..random.usize(1..8) {
        for _ in 0..random.usize(0..4) {
            let line = match random.u8(..7) {
                0 => format!("event: {}{end}", ["x", "y.z", ""][random.usize(..3)]),
                1 => format!("id: {}{end}", random.u8(..)),
                2 => format!(": {}{end}", text(random)),
                3 => format!("unknown: {}{end}", text(random)),
                4 => format!("retry: {}{end}", random.u16(..)),
                _ => format!("data:{}{}{end}", if random.bool() { " " } else { "" }, text(random)),
            };
            lines.push_str(&line);
        }
        lines.extend(["data: last", end, end]);
    }
    lines
}

#[test]
fn reads_what_another_decoder_reads() {
    for seed in 0..2_000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let text = tame(&mut random);
        let pieces = cut(&mut random, text.as_bytes());
        let ours: Vec<Event> = decode(pieces.iter().copied())
            .into_iter()
            .map(|(name, data, id)| (if name.is_empty() { "message".to_owned() } else { name }, data, id))
            .collect();
        let theirs = stream::iter(pieces.iter().map(|piece| Ok::<_, std::io::Error>(*piece))).eventsource();
        let theirs = theirs.map(|event| event.map(|event| (event.event, event.data, event.id)).unwrap());
        let theirs: Vec<Event> = futures::executor::block_on(theirs.collect());
        assert!(!ours.is_empty());
        assert_eq!(ours, theirs, "seed {seed}: {text:?}");
    }
}
