//! The types of the generated operation tables, and how paths are built.

use std::time::Duration;

use http::Method;
use percent_encoding::{AsciiSet, CONTROLS, PercentEncode, utf8_percent_encode};

use super::reader::Reader;
use crate::check::{self, InvalidArgument};
use crate::config;
use crate::page::Paging;
use crate::spelling::Generations;

/// One operation of a platform: its request, and the type `T` of its result.
#[derive(Clone, Copy)]
pub(crate) struct Operation<T> {
    pub(crate) spec: &'static OperationSpec,
    pub(crate) reader: Reader<T>,
}

/// An operation on the wire, independent of its result's type.
#[derive(Debug)]
pub(crate) struct OperationSpec {
    /// The document's `operationId`.
    pub(crate) id: &'static str,
    pub(crate) auth: AuthUse,
    pub(crate) retry: RetryClass,
    /// Attempt timeout, where the document raises the default.
    pub(crate) timeout: Option<Duration>,
    /// Whether the response holds a secret: then no error quotes it.
    pub(crate) secret: bool,
    /// The properties that a response object always has, each with its other names.
    pub(crate) required: &'static [&'static [&'static str]],
    /// Keys under which the response object may come wrapped.
    pub(crate) wrapped: &'static [&'static str],
    /// Where servers have it: the documented home first; never empty.
    pub(crate) routes: &'static [Route],
}

/// One home of an operation.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static [Piece],
    /// Ids that this home takes as query pairs: the pair's name, and which id it is.
    pub(crate) query: &'static [(&'static str, usize)],
    /// The server generations that have it; empty: any.
    pub(crate) generations: Generations,
    /// The media type that is asked for.
    pub(crate) accept: &'static str,
    pub(crate) paging: Option<Paging>,
}

/// A part of a path.
#[derive(Debug)]
pub(crate) enum Piece {
    /// Literal text, slashes included.
    Text(&'static str),
    /// One segment: the id at this place of the caller's ids.
    Id { at: usize, name: &'static str, uuid: bool },
}

/// Whether an operation carries the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthUse {
    Required,
    /// If the client has one.
    Optional,
    None,
}

impl OperationSpec {
    /// Whether its request depends on the server's generation. What needs no key, such as a health check, must work
    /// without it: it tries its routes one after the other.
    pub(crate) fn depends_on_generation(&self) -> bool {
        self.auth != AuthUse::None && self.routes.iter().any(|route| !route.generations.is_empty())
    }
}

impl Route {
    /// Whether a 404 may be about an object rather than about the route.
    pub(crate) fn has_ids(&self) -> bool {
        self.path.iter().any(|piece| matches!(piece, Piece::Id { .. }))
    }
}

/// Whether a call may be sent again after it may have been processed.
///
/// The document gives each operation its class; [`Request::retry_class`](crate::Request::retry_class) changes it for
/// one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryClass {
    /// Doing it twice is the same as doing it once: also retried when the outcome of an attempt is unknown.
    Idempotent,
    /// Doing it twice may do it twice: retried only after an attempt that made no connection, or whose response asks
    /// for it (429, and 503 with `Retry-After`). For exactly one attempt, set
    /// [`max_retries(0)`](crate::Request::max_retries).
    NonIdempotent,
    /// Like `NonIdempotent`, and also retried after a response of 500, 502, 503, 504 or 529, where the platform
    /// promises that such a call was not processed. Without any response it may have been.
    SafeOnServerError,
}

/// Everything that must be escaped in a path segment.
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'/')
    .add(b'\\')
    .add(b'^')
    .add(b'|')
    .add(b'[')
    .add(b']');

/// Fills the placeholders of `path` with `ids`.
///
/// # Errors
/// An id that is not exactly one path segment, or is not a UUID where the operation takes one.
pub(crate) fn expand(path: &[Piece], ids: &[String]) -> Result<String, InvalidArgument> {
    let mut expanded = String::with_capacity(96);
    for piece in path {
        match piece {
            Piece::Text(text) => expanded.push_str(text),
            Piece::Id { at, name, uuid } => {
                let id = ids.get(*at).ok_or_else(|| InvalidArgument::new(*name, "is missing"))?;
                if *uuid && check::is_uuid(id) {
                    // Digits and hyphens need no escaping.
                    expanded.push_str(id);
                    continue;
                }
                let escaped = segment(name, id)?;
                if *uuid {
                    check::uuid(name, id)?;
                }
                expanded.extend(escaped);
            }
        }
    }
    Ok(expanded)
}

/// Joins `segments` into a path.
///
/// # Errors
/// A segment that is not exactly one path segment.
pub(crate) fn join(segments: &[String]) -> Result<String, InvalidArgument> {
    let mut path = String::new();
    for given in segments {
        path.push('/');
        path.extend(segment("segment", given)?);
    }
    Ok(path)
}

/// Escapes one path segment, and rejects those that could redirect the path. Escaping alone is not enough: URL parsers
/// read `%2e%2e` as `..`.
pub(crate) fn segment<'a>(name: &str, id: &'a str) -> Result<PercentEncode<'a>, InvalidArgument> {
    let reason = if id.trim_matches(check::is_blank).is_empty() {
        "must not be empty"
    } else if id.trim_matches(check::is_blank) != id {
        check::PADDED
    } else if id.len() > config::MAX_ID {
        "is too long for an id"
    } else if matches!(id.split(';').next(), Some("." | "..")) {
        // Some servers truncate a segment at its first semicolon.
        "must not be a dot segment"
    } else if id.contains(['/', '\\']) {
        "must be one path segment, without slashes"
    } else if id.chars().any(char::is_control) {
        "must not contain control characters"
    } else if has_percent_escape(id) {
        "must not contain percent escapes"
    } else {
        return Ok(utf8_percent_encode(id, SEGMENT));
    };
    Err(InvalidArgument::new(name, reason))
}

fn has_percent_escape(id: &str) -> bool {
    id.as_bytes().windows(3).any(|w| w[0] == b'%' && w[1].is_ascii_hexdigit() && w[2].is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &[Piece] =
        &[Piece::Text("/v1/things/"), Piece::Id { at: 0, name: "thing_id", uuid: false }, Piece::Text("/parts")];

    fn expanded(id: &str) -> Result<String, String> {
        expand(PATH, &[id.to_owned()]).map_err(|e| e.to_string())
    }

    #[test]
    fn an_id_becomes_one_escaped_segment() {
        assert_eq!(expanded("agent-q1w2").unwrap(), "/v1/things/agent-q1w2/parts");
        assert_eq!(expanded("out:sess-1:YQ==").unwrap(), "/v1/things/out:sess-1:YQ==/parts");
        assert_eq!(expanded("a b?c#d%é").unwrap(), "/v1/things/a%20b%3Fc%23d%25%C3%A9/parts");
        assert_eq!(expanded("...").unwrap(), "/v1/things/.../parts");
    }

    #[test]
    fn what_could_leave_its_segment_is_refused() {
        // One of each kind; `tests/it/road/security.rs` has forty.
        let hostile = [
            "", " ", ".", "..", "a/b", "a\\b", "\0", "a\nb", "\u{7f}", "\u{80}", "%2e", "a%2Fb", "%252e", "a%20b",
            "..;", ".;x",
        ];
        for id in hostile {
            assert!(expanded(id).is_err(), "{id:?} was let through");
        }
        assert!(expanded(&"a".repeat(1024)).is_ok());
        assert!(expanded(&"a".repeat(1025)).is_err());
    }

    #[test]
    fn a_uuid_place_takes_uuids_only() {
        let path = &[Piece::Id { at: 0, name: "anima_id", uuid: true }];
        assert!(expand(path, &["b2352c05-e685-4021-8624-595406c725f2".to_owned()]).is_ok());
        assert!(expand(path, &["agent-01".to_owned()]).unwrap_err().to_string().contains("anima_id"));
        assert!(expand(path, &[]).is_err());
    }
}
