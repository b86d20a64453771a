//! A body that is handed on while it arrives, and is resumed when its connection breaks.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use futures::stream::Stream;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::fs::File;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::live::LiveBody;
use super::upload::TransferProgress;
use crate::Error;
use crate::config;
use crate::error::{BoxError, StreamFault};

/// A file on its way from a server. Nothing is held in memory but the piece at hand.
///
/// When the connection breaks, the rest is asked for by range, as often as the client retries; what was received counts
/// as progress and starts the count anew. It goes on where the server answers with exactly the missing part.
/// If it sends the whole file again instead, [`save`](Self::save) starts over once; the other ways fail with
/// [`StreamFault::Restarted`], because pieces of two states of the file may not be mixed.
///
/// # Cancel safety
/// Dropping it closes the connection. `save` removes what it has written when it is dropped or fails.
///
/// ```no_run
/// # async fn example(download: polyagent::Download) -> Result<(), polyagent::Error> {
/// let bytes = download.on_progress(|progress| println!("{} bytes", progress.bytes)).save("report.pdf").await?;
/// # Ok(()) }
/// ```
#[must_use = "a download is not read until it is saved, collected or polled"]
pub struct Download {
    /// Absent while `reading` has it.
    transfer: Option<Box<Transfer>>,
    reading: Option<BoxFuture<'static, (Box<Transfer>, Piece)>>,
    /// It ended or failed.
    over: bool,
    progress: Option<Arc<dyn Fn(TransferProgress) + Send + Sync>>,
}

type Piece = Result<Option<Bytes>, Error>;

/// A transfer between two pieces.
struct Transfer {
    /// With the headers of the response that began the file.
    live: LiveBody,
    total: Option<u64>,
    /// Breaks since the last byte.
    breaks: u32,
    /// How often the file has come from its beginning.
    beginning: u32,
    /// Whether the reader can start over.
    can_restart: bool,
}

impl Download {
    pub(super) fn new(live: LiveBody) -> Self {
        let total = length(&live.headers);
        let transfer = Transfer { live, total, breaks: 0, beginning: 1, can_restart: false };
        Self { transfer: Some(Box::new(transfer)), reading: None, over: false, progress: None }
    }

    /// Returns the length of the file in bytes, if the server told it.
    pub fn length(&self) -> Option<u64> {
        self.transfer.as_ref()?.total
    }

    /// Returns the headers of the first response; `None` while a piece is being read.
    pub fn headers(&self) -> Option<&HeaderMap> {
        Some(&self.transfer.as_ref()?.live.headers)
    }

    /// Returns the media type of the file.
    pub fn content_type(&self) -> Option<&str> {
        self.headers()?.get(header::CONTENT_TYPE)?.to_str().ok()
    }

    /// Calls `report` with every piece; the last call has the length of the file. When `save` starts over, the number
    /// of the attempt grows and the bytes begin at 0 again.
    pub fn on_progress(mut self, report: impl Fn(TransferProgress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(report));
        self
    }

    /// Returns the next piece; `None` at the end. The same as `TryStreamExt::try_next`, without the import.
    ///
    /// # Errors
    /// [`Error::Stream`] if the connection broke and the rest could not be had, and every error of a call.
    pub async fn try_next(&mut self) -> Result<Option<Bytes>, Error> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await.transpose()
    }

    /// Reads the whole file into memory.
    ///
    /// # Errors
    /// As [`try_next`](Self::try_next); [`StreamFault::TooLarge`] if it is larger than the client's
    /// [`max_body`](crate::ClientBuilder::max_body).
    pub async fn bytes(mut self) -> Result<Bytes, Error> {
        let limit =
            self.transfer.as_ref().map_or(config::MAX_BODY, |transfer| transfer.live.parts.core.settings().max_body);
        if self.length().is_some_and(|length| length > limit as u64) {
            return Err(self.fail(StreamFault::TooLarge, None));
        }
        let mut all = BytesMut::new();
        while let Some(piece) = self.try_next().await? {
            if all.len() + piece.len() > limit {
                return Err(self.fail(StreamFault::TooLarge, None));
            }
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }

    /// Writes the file to `writer` and returns its length in bytes.
    ///
    /// # Errors
    /// As [`try_next`](Self::try_next); [`StreamFault::Sink`] if `writer` fails.
    pub async fn write_to(mut self, writer: &mut (impl AsyncWrite + Unpin + ?Sized)) -> Result<u64, Error> {
        let mut written = 0;
        while let Some(piece) = self.try_next().await? {
            writer.write_all(&piece).await.map_err(|e| self.sink_failed(e))?;
            written += piece.len() as u64;
        }
        writer.flush().await.map_err(|e| self.sink_failed(e))?;
        Ok(written)
    }

    /// Saves the file at `path`, replacing one that is there, and returns its length in bytes. The file appears when it
    /// is complete: until then it is written beside `path`, under another name.
    ///
    /// # Errors
    /// As [`try_next`](Self::try_next); [`StreamFault::Sink`] if the file cannot be written.
    pub async fn save(mut self, path: impl AsRef<Path>) -> Result<u64, Error> {
        if let Some(transfer) = &mut self.transfer {
            transfer.can_restart = true;
        }
        let path = path.as_ref();
        let partial = Partial::beside(path);
        let mut file = File::create(&partial.0).await.map_err(|e| self.sink_failed(e))?;
        let (mut written, mut beginning) = (0, 1);
        while let Some(piece) = self.try_next().await? {
            if let Some(transfer) = self.transfer.as_ref().filter(|transfer| transfer.beginning != beginning) {
                (written, beginning) = (0, transfer.beginning);
                file = File::create(&partial.0).await.map_err(|e| self.sink_failed(e))?;
            }
            file.write_all(&piece).await.map_err(|e| self.sink_failed(e))?;
            written += piece.len() as u64;
        }
        // Without it an error of the last write would be lost.
        file.flush().await.map_err(|e| self.sink_failed(e))?;
        drop(file);
        tokio::fs::rename(&partial.0, path).await.map_err(|e| self.sink_failed(e))?;
        Ok(written)
    }

    fn sink_failed(&self, source: io::Error) -> Error {
        self.fail(StreamFault::Sink, Some(source.into()))
    }

    fn fail(&self, fault: StreamFault, source: Option<BoxError>) -> Error {
        match &self.transfer {
            Some(transfer) => transfer.live.error(fault, source),
            None => Error::config("the download is being read"),
        }
    }
}

/// A file that is removed unless it has got its final name.
struct Partial(PathBuf);

impl Partial {
    /// A name in the folder of `path`, so that the file can be renamed to it, which no other download uses.
    fn beside(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Self(path.with_file_name(format!(".{name}.{:016x}.part", fastrand::u64(..))))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Not there any more after it was renamed.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Stream for Download {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !self.over
            && let Some(mut transfer) = self.transfer.take()
        {
            self.reading = Some(Box::pin(async move {
                let piece = transfer.next().await;
                (transfer, piece)
            }));
        }
        let Some(reading) = &mut self.reading else { return Poll::Ready(None) };
        let (transfer, piece) = ready!(reading.as_mut().poll(cx));
        self.reading = None;
        let progress =
            TransferProgress { attempt: transfer.beginning, bytes: transfer.live.received, total: transfer.total };
        self.transfer = Some(transfer);
        self.over = !matches!(piece, Ok(Some(_)));
        if let (Some(report), Ok(Some(_))) = (&self.progress, &piece) {
            report(progress);
        }
        Poll::Ready(piece.transpose())
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("length", &self.length()).finish_non_exhaustive()
    }
}

impl Transfer {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let fault: BoxError = match timeout(config::STREAM_GAP, self.live.chunk()).await {
                Ok(Ok(Some(piece))) => {
                    self.breaks = 0;
                    return Ok(Some(piece));
                }
                Ok(Ok(None)) if self.total.is_none_or(|total| total == self.live.received) => return Ok(None),
                Ok(Ok(None)) => "the body ended early".into(),
                Ok(Err(error)) => error,
                Err(_elapsed) => format!("no byte within {:?}", config::STREAM_GAP).into(),
            };
            self.resume(fault).await?;
        }
    }

    /// Opens the transfer again where it broke.
    async fn resume(&mut self, fault: BoxError) -> Result<(), Error> {
        let policy = self.live.parts.settings().policy;
        // What a server compressed on the fly has no stable offsets.
        if self.breaks >= policy.max_retries || self.live.headers.contains_key(header::CONTENT_ENCODING) {
            return Err(self.live.error(StreamFault::Truncated, Some(fault)));
        }
        let pause = policy.delay(self.breaks, None, fastrand::f64());
        self.breaks += 1;
        tokio::time::sleep(pause).await;
        let mut parts = self.live.parts.clone();
        let range = HeaderValue::try_from(format!("bytes={}-", self.live.received));
        parts.own_headers.extend(range.ok().map(|range| (header::RANGE, range)));
        parts.own_headers.extend(strong_etag(&self.live.headers).map(|etag| (header::IF_RANGE, etag)));
        let Some(again) = LiveBody::open(parts).await? else {
            return Err(self.live.error(StreamFault::Truncated, Some(fault)));
        };
        if again.response.status() == StatusCode::PARTIAL_CONTENT {
            if !self.continues(&again.headers) {
                return Err(self.live.error(StreamFault::Restarted, Some(fault)));
            }
            self.live.response = again.response;
            return Ok(());
        }
        if !self.can_restart || self.beginning > 1 {
            return Err(self.live.error(StreamFault::Restarted, Some(fault)));
        }
        self.beginning += 1;
        self.total = length(&again.headers);
        self.live = LiveBody { parts: self.live.parts.clone(), ..again };
        Ok(())
    }

    /// Whether a partial response has exactly what is missing, and of the same state of the file.
    fn continues(&self, headers: &HeaderMap) -> bool {
        let same = |name| match (self.live.headers.get(&name), headers.get(&name)) {
            (Some(first), Some(now)) => first == now,
            _ => true,
        };
        let range =
            headers.get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok()).and_then(ContentRange::parse);
        let fits = |range: ContentRange| {
            range.start == self.live.received
                && (range.total.is_none() || self.total.is_none() || range.total == self.total)
        };
        range.is_some_and(fits) && same(header::ETAG) && same(header::LAST_MODIFIED)
    }
}

/// The length that a whole response announces.
fn length(headers: &HeaderMap) -> Option<u64> {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return None;
    }
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// An `ETag` that stands for exactly these bytes; a weak one does not.
fn strong_etag(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(header::ETAG).filter(|etag| etag.as_bytes().starts_with(b"\"")).cloned()
}

/// `bytes 5-9/10`; `*` for an unknown total.
#[derive(Debug, PartialEq, Eq)]
struct ContentRange {
    start: u64,
    total: Option<u64>,
}

impl ContentRange {
    fn parse(text: &str) -> Option<Self> {
        let (unit, rest) = text.trim().split_once(' ')?;
        let (range, total) = rest.split_once('/')?;
        let (start, end) = range.split_once('-')?;
        let (start, end) = (start.trim().parse().ok()?, end.trim().parse::<u64>().ok()?);
        let total = match total.trim() {
            "*" => None,
            total => Some(total.parse().ok()?),
        };
        (unit.eq_ignore_ascii_case("bytes") && start <= end && total.is_none_or(|total| end < total))
            .then_some(Self { start, total })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_content_ranges() {
        let parse = ContentRange::parse;
        assert_eq!(parse("bytes 5-9/10"), Some(ContentRange { start: 5, total: Some(10) }));
        assert_eq!(parse("Bytes 0-0/*"), Some(ContentRange { start: 0, total: None }));
        for bad in
            ["", "bytes", "bytes 5/10", "bytes 9-5/10", "bytes 5-10/10", "items 5-9/10", "bytes */10", "bytes 5-x/10"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_a_strong_etag_guards_a_range() {
        let of =
            |etag: &'static str| strong_etag(&HeaderMap::from_iter([(header::ETAG, HeaderValue::from_static(etag))]));
        assert_eq!(of("\"v1\"").unwrap(), "\"v1\"");
        assert_eq!(of("W/\"v1\""), None);
        assert_eq!(strong_etag(&HeaderMap::new()), None);
    }
}
