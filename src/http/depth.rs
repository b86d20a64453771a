//! How deeply a body may nest.

use crate::check::InvalidArgument;
use crate::config;

/// Rejects a JSON body that nests so deeply that the client could not decode it where the server returns it.
pub(crate) fn check(body: &[u8]) -> Result<(), InvalidArgument> {
    // Counting costs far less than following the strings.
    let opening = |byte: &&u8| matches!(byte, b'[' | b'{');
    let deepest = config::MAX_BODY_DEPTH;
    if body.len() < 2 * deepest || body.iter().filter(opening).count() <= deepest {
        return Ok(());
    }
    let (mut depth, mut at) = (0_usize, 0);
    let (mut string, mut field) = (0..0, 0..0);
    while at < body.len() {
        match body[at] {
            b'"' => {
                let start = at;
                at += 1;
                while at < body.len() && body[at] != b'"' {
                    at += if body[at] == b'\\' { 2 } else { 1 };
                }
                string = start..body.len().min(at + 1);
            }
            b':' if depth == 1 => field = string.clone(),
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > deepest {
            let name = serde_json::from_slice(&body[field]).unwrap_or_else(|_| "body".to_owned());
            let reason = format!("nests too deeply: {deepest} levels in a body are the most that can be read back");
            return Err(InvalidArgument::new(name, reason));
        }
        at += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &str) -> String {
        check(body.as_bytes()).err().map(|error| error.to_string()).unwrap_or_default()
    }

    fn nested(levels: usize) -> String {
        format!("{}{}", "[".repeat(levels), "]".repeat(levels))
    }

    #[test]
    fn a_body_nests_120_levels_and_no_more() {
        let refused = "nests too deeply: 120 levels in a body are the most that can be read back";
        assert_eq!(said(&nested(120)), "");
        assert_eq!(said(&nested(121)), format!("`body` {refused}"));
        let meta = |levels| format!(r#"{{"name":"a: b","meta":{{"x":{}}},"other":[1]}}"#, nested(levels));
        assert_eq!(said(&meta(118)), "");
        assert_eq!(said(&meta(119)), format!("`meta` {refused}"));
        let objects = format!(r#"{{"a\"b":{}1{}}}"#, "{\"x\":".repeat(120), "}".repeat(120));
        assert_eq!(said(&objects), format!("`a\"b` {refused}"));
    }

    #[test]
    fn only_brackets_inside_each_other_and_outside_of_strings_count() {
        assert_eq!(said(&format!("[{}]", vec!["[]"; 500].join(","))), "");
        assert_eq!(said(&format!("[\"{}\"]", "[".repeat(500))), "");
        assert_eq!(said(&format!(r#"["\"{}"]"#, "{".repeat(500))), "");
    }
}
