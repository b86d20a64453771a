//! A response, before it is encoded as HTTP.

use std::fmt;

use bytes::Bytes;
use futures::stream::BoxStream;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

/// Status, headers and body of a response.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Body,
}

/// The body of a response.
pub(crate) enum Body {
    Whole(Bytes),
    /// Written piece by piece.
    Live(BoxStream<'static, Bytes>),
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(bytes) => bytes.fmt(f),
            Self::Live(_) => f.write_str("Live"),
        }
    }
}

impl Reply {
    /// A response without a body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Body::Whole(Bytes::new()) }
    }

    pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => Self::typed(status, "application/json", Body::Whole(body.into())),
            // No response has keys or numbers that JSON cannot represent.
            Err(error) => Self::text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        }
    }

    pub(crate) fn text(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self::typed(status, "text/plain; charset=utf-8", Body::Whole(body.into()))
    }

    pub(crate) fn html(status: StatusCode, body: impl Into<Bytes>) -> Self {
        Self::typed(status, "text/html", Body::Whole(body.into()))
    }

    pub(crate) fn typed(status: StatusCode, content_type: &str, body: Body) -> Self {
        Self { status, headers: Vec::new(), body }.with(header::CONTENT_TYPE, content_type)
    }

    /// The whole of `bytes`, or the rest of it that the `Range` of the call asks for.
    pub(super) fn part(bytes: &Bytes, media: &str, sent: &HeaderMap) -> Self {
        let etag = format!(
            "\"{:016x}\"",
            bytes.iter().fold(bytes.len() as u64, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
            })
        );
        let text = |name: HeaderName| sent.get(name).and_then(|value| value.to_str().ok());
        let unchanged = text(header::IF_RANGE).is_none_or(|known| known == etag);
        let from = text(header::RANGE).filter(|_| unchanged).and_then(|range| range.strip_prefix("bytes="));
        let from = from.and_then(|range| range.strip_suffix('-')).and_then(|from| from.parse::<usize>().ok());
        let whole = bytes.len();
        let reply = match from {
            None => Self::typed(StatusCode::OK, media, Body::Whole(bytes.clone())),
            Some(from) if from < whole => {
                let range = format!("bytes {from}-{}/{whole}", whole - 1);
                Self::typed(StatusCode::PARTIAL_CONTENT, media, Body::Whole(bytes.slice(from..)))
                    .with(header::CONTENT_RANGE, &range)
            }
            Some(_) => {
                Self::empty(StatusCode::RANGE_NOT_SATISFIABLE).with(header::CONTENT_RANGE, &format!("bytes */{whole}"))
            }
        };
        reply.with(header::ETAG, &etag).with(header::ACCEPT_RANGES, "bytes")
    }

    /// The response with another header. A value that is not valid in a header is dropped.
    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }
}
