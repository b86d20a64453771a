//! Reading of `multipart/form-data`.

use bytes::Bytes;

/// One part of a form.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Part {
    pub(crate) name: String,
    /// The file name; `None` for a value.
    pub(crate) file_name: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) content: Bytes,
}

/// The parts of a body with this content type; `None` if it is malformed.
pub(super) fn read(content_type: &str, body: &Bytes) -> Option<Vec<Part>> {
    let boundary = parameter(content_type, "boundary")?;
    let delimiter = format!("\r\n--{boundary}");
    // The first delimiter has no line before it.
    let mut rest = body.strip_prefix(&delimiter.as_bytes()[2..])?;
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        let after_line = rest.strip_prefix(b"\r\n")?;
        let end = find_delimiter(after_line, delimiter.as_bytes())?;
        parts.push(part(&body.slice_ref(&after_line[..end]))?);
        rest = &after_line[end + delimiter.len()..];
    }
    Some(parts)
}

fn part(bytes: &Bytes) -> Option<Part> {
    let head = find(bytes, b"\r\n\r\n")?;
    let headers = std::str::from_utf8(&bytes[..head]).ok()?;
    let header = |wanted: &str| {
        let named = headers.split("\r\n").filter_map(|line| line.split_once(':'));
        named.into_iter().find_map(|(name, value)| name.eq_ignore_ascii_case(wanted).then(|| value.trim().to_owned()))
    };
    let disposition = header("content-disposition")?;
    Some(Part {
        name: parameter(&disposition, "name")?,
        file_name: parameter(&disposition, "filename"),
        content_type: header("content-type"),
        content: bytes.slice(head + 4..),
    })
}

/// A parameter of a header, such as `name="value"`.
fn parameter(header: &str, wanted: &str) -> Option<String> {
    let mut rest = header;
    while let Some((_, after)) = rest.split_once(';') {
        let (name, value) = after.trim_start().split_once('=')?;
        let (value, after) = if let Some(quoted) = value.strip_prefix('"') {
            let end = quoted.match_indices('"').map(|(at, _)| at).find(|at| !quoted[..*at].ends_with('\\'))?;
            (quoted[..end].replace("\\\"", "\"").replace("%22", "\""), &quoted[end + 1..])
        } else {
            let end = value.find(';').unwrap_or(value.len());
            (value[..end].trim().to_owned(), &value[end..])
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = after;
    }
    None
}

/// Where a delimiter stands, which is followed by a line end or by `--`.
fn find_delimiter(bytes: &[u8], delimiter: &[u8]) -> Option<usize> {
    let ends = |at: &usize| matches!(bytes.get(at + delimiter.len()..at + delimiter.len() + 2), Some(b"\r\n" | b"--"));
    let places = bytes.windows(delimiter.len()).enumerate().filter(|(_, window)| *window == delimiter);
    places.map(|(at, _)| at).find(ends)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = concat!(
        "--b\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nDo; it\r\n",
        "--b\r\ncontent-disposition: form-data; name=\"files[]\"; filename=\"do/a;\\\"b.md\"\r\n",
        "Content-Type: text/markdown\r\n\r\n# Do\r\n--bee\r\n\r\n--b--\r\n",
    );

    #[test]
    fn parts_have_names_and_exact_contents() {
        let body = Bytes::from(BODY);
        let parts = read("multipart/form-data; charset=utf-8; boundary=\"b\"", &body).unwrap();
        assert_eq!(parts.len(), 2);
        assert_eq!((parts[0].name.as_str(), &parts[0].content[..]), ("title", &b"Do; it"[..]));
        assert_eq!(parts[1].file_name.as_deref(), Some("do/a;\"b.md"));
        assert_eq!(parts[1].content_type.as_deref(), Some("text/markdown"));
        assert_eq!(&parts[1].content[..], b"# Do\r\n--bee\r\n");
    }

    #[test]
    fn a_malformed_body_has_no_parts() {
        for body in
            ["", "--b", "--c\r\n\r\n", "--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--", "--b\r\n\r\nx"]
        {
            assert_eq!(read("multipart/form-data; boundary=b", &Bytes::from(body)), None, "{body:?}");
        }
        assert_eq!(read("multipart/form-data", &Bytes::from(BODY)), None);
    }
}
