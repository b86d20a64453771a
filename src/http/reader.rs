//! From the response of a call to its result.

use http::{HeaderMap, header};
use serde::de::DeserializeOwned;

use super::call::Ending;
use super::decode::{self, Exchange};
use super::download::Download;
use super::live::LiveBody;
use crate::error::DecodeFault;
use crate::page::Page;

/// How the response of an operation becomes its result of type `T`.
pub(crate) enum Reader<T> {
    /// From the whole body.
    Whole(fn(&Exchange<'_>) -> Result<T, DecodeFault>),
    /// From the head of the response; the body is still arriving.
    Live(fn(LiveBody) -> T),
    /// From the `Location` of a redirect, which is not followed.
    Redirect(fn(String) -> T),
}

impl<T> Clone for Reader<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Reader<T> {}

impl<T> Reader<T> {
    pub(super) fn ending(&self) -> Ending {
        match self {
            Self::Whole(_) => Ending::Whole,
            Self::Live(_) => Ending::Live,
            Self::Redirect(_) => Ending::Redirect,
        }
    }
}

impl<T: DeserializeOwned> Reader<T> {
    /// One JSON value.
    pub(crate) const fn json() -> Self {
        Self::Whole(decode::json)
    }
}

impl<T: DeserializeOwned> Reader<Page<T>> {
    /// One page of a list.
    pub(crate) const fn page() -> Self {
        Self::Whole(decode::page)
    }
}

impl Reader<()> {
    /// Nothing that matters.
    pub(crate) const fn empty() -> Self {
        Self::Whole(decode::empty)
    }
}

impl Reader<()> {
    /// Nothing, whatever the server says about it.
    pub(crate) const fn ignored() -> Self {
        Self::Whole(decode::ignored)
    }
}

impl Reader<bytes::Bytes> {
    /// The body as it is.
    pub(crate) const fn bytes() -> Self {
        Self::Whole(decode::bytes)
    }
}

impl Reader<Download> {
    /// A file.
    pub(crate) const fn download() -> Self {
        Self::Live(Download::new)
    }
}

impl Reader<LiveBody> {
    /// The body as it arrives.
    pub(crate) const fn live() -> Self {
        Self::Live(std::convert::identity)
    }
}

#[cfg(feature = "oma")]
impl<T: crate::sse::Streamed> Reader<crate::sse::EventStream<T>> {
    /// Server-sent events.
    pub(crate) const fn events() -> Self {
        Self::Live(crate::sse::stream_of)
    }
}

/// Where a server sends the user's browser; the client does not follow it.
#[derive(Clone, PartialEq, Eq)]
pub struct Redirect(String);

impl Redirect {
    /// Returns the target as the server wrote it. It may hold a one-time code: treat it as a secret.
    pub fn location(&self) -> &str {
        &self.0
    }
}

/// Without the target, whose query may hold a one-time code.
impl std::fmt::Debug for Redirect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redirect")
    }
}

impl Reader<Redirect> {
    /// The target of a redirect.
    pub(crate) const fn redirect() -> Self {
        Self::Redirect(Redirect)
    }
}

/// The target of a redirect, if it is text.
pub(super) fn location(headers: &HeaderMap) -> Option<String> {
    headers.get(header::LOCATION)?.to_str().ok().map(str::to_owned)
}

/// Where a response sends the user: by its header, or by a JSON body.
pub(super) fn redirect_target(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let in_body = || {
        let body: serde_json::Value = serde_json::from_slice(body).ok()?;
        ["url", "redirect_url"].iter().find_map(|name| body.get(name)?.as_str().map(str::to_owned))
    };
    location(headers).or_else(in_body)
}
