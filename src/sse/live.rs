//! The body of a response with server-sent events.

use std::fmt;

use bytes::{Bytes, BytesMut};
use futures::stream::{BoxStream, StreamExt};
use http::{HeaderValue, StatusCode, header};
use tokio::time::timeout;

use crate::Error;
use crate::config;
use crate::error::{BoxError, DecodeError, DecodeFault};
use crate::http::{LiveBody, RequestParts, SentSecret};

/// A live connection.
pub(crate) struct Live {
    pub(crate) bytes: BoxStream<'static, Result<Bytes, BoxError>>,
    /// The key that opened it; for taking it out of what the server says.
    pub(crate) secret: Option<SentSecret>,
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Live")
    }
}

/// Opens a stream that `parts` describe.
///
/// # Errors
/// Every error of a call; `Decode` if the response is no event stream.
pub(crate) async fn open(parts: RequestParts) -> Result<Live, Error> {
    match LiveBody::open(parts).await? {
        Some(body) => check(body).await,
        None => Ok(Live { bytes: futures::stream::empty().boxed(), secret: None }),
    }
}

/// Reads the events of a response.
///
/// # Errors
/// `Decode` if it is something else, such as a page for people.
pub(super) async fn check(body: LiveBody) -> Result<Live, Error> {
    let LiveBody { parts, headers, mut response, secret, .. } = body;
    let status = response.status();
    let media = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    // A response without content has no type either.
    if media.is_none_or(is_event_stream) || matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT) {
        let bytes = response.bytes_stream().map(|read| read.map_err(|e| e.without_url().into())).boxed();
        return Ok(Live { bytes, secret });
    }
    let mut body = BytesMut::new();
    let read = async {
        while body.len() < config::MAX_ERROR_BODY {
            match response.chunk().await {
                Ok(Some(piece)) => body.extend_from_slice(&piece),
                Ok(None) | Err(_) => break,
            }
        }
    };
    // However this ends, the type says enough.
    let _ = timeout(config::ERROR_BODY_TIMEOUT, read).await;
    body.truncate(config::MAX_ERROR_BODY);
    let details = (parts.core.dialect())(status, &headers, &body);
    let fault = match details.message.or(details.code) {
        Some(message) => DecodeFault::whole(format_args!("it is no event stream, but reports: {message}")),
        None => DecodeFault::whole("it is no event stream"),
    };
    let mut record = parts.record();
    record.may_have_been_processed = true;
    Err(Error::Decode(Box::new(DecodeError::new(status, headers, body.freeze(), fault, record, secret.as_deref()))))
}

fn is_event_stream(media: &[u8]) -> bool {
    let essence = media.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    essence.eq_ignore_ascii_case(b"text/event-stream")
}
