//! A body that is handed on piece by piece.

use bytes::Bytes;
use http::HeaderMap;

use super::call::Ending;
use super::credential::SentSecret;
use super::frozen::Frozen;
use super::parts::RequestParts;
use super::transport::Received;
use crate::Error;
use crate::error::{BoxError, StreamError, StreamFault};

/// The body of a successful response while it arrives.
pub(crate) struct LiveBody {
    pub(crate) parts: RequestParts,
    pub(crate) headers: HeaderMap,
    pub(crate) response: reqwest::Response,
    /// The key that was sent.
    #[cfg_attr(not(feature = "oma"), allow(dead_code, reason = "not every platform has in-band errors"))]
    pub(crate) secret: Option<SentSecret>,
    /// The bytes that were handed on.
    pub(crate) received: u64,
}

impl LiveBody {
    /// Carries out the call that `parts` describe, as far as the head of its response. `None` if it has no body.
    ///
    /// # Errors
    /// Any variant of [`Error`] but `Decode`.
    pub(crate) async fn open(parts: RequestParts) -> Result<Option<Self>, Error> {
        let (frozen, received) = parts.core.call(&parts, Ending::Live).await?;
        let Received { headers, live, .. } = *received;
        Ok(live.map(|response| Self::new(parts, &frozen, headers, *response)))
    }

    pub(super) fn new(parts: RequestParts, sent: &Frozen, headers: HeaderMap, response: reqwest::Response) -> Self {
        Self { parts, headers, response, secret: sent.key(), received: 0 }
    }

    /// Returns the next piece; `None` at the end of the body.
    ///
    /// # Errors
    /// The body broke off.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, BoxError> {
        let chunk = self.response.chunk().await.map_err(reqwest::Error::without_url)?;
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
