//! A body that is handed on piece by piece, for streams without a documented form.

use bytes::Bytes;
use http::HeaderMap;

use super::parts::RequestParts;
use super::reader::Begun;
use crate::Error;
use crate::error::{BoxError, StreamError, StreamFault};

/// The body of a successful response while it arrives.
pub(crate) struct LiveBody {
    parts: RequestParts,
    headers: HeaderMap,
    body: reqwest::Response,
    received: u64,
}

impl LiveBody {
    pub(super) fn new(Begun { parts, headers, response, .. }: Begun) -> Self {
        Self { parts, headers, body: response, received: 0 }
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the next piece; `None` at the end of the body.
    ///
    /// # Errors
    /// The body broke off.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, BoxError> {
        let chunk = self.body.chunk().await.map_err(reqwest::Error::without_url)?;
        self.received += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        Ok(chunk)
    }

    /// The error of a body that is of no further use.
    pub(crate) fn error(&self, fault: StreamFault, source: Option<BoxError>) -> Error {
        let mut record = self.parts.record();
        record.may_have_been_processed = true;
        Error::Stream(Box::new(StreamError::new(fault, self.received, source, record)))
    }
}
