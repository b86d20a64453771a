//! Files on their way to a server.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use futures::stream::{self, Stream};
use http::HeaderValue;
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::pace::Pulse;
use crate::check::InvalidArgument;
use crate::config;
use crate::error::BoxError;
use crate::lock::lock;

type Reader = Pin<Box<dyn AsyncRead + Send>>;

/// A file to upload: from a path, from bytes, or from a reader. It is read piece by piece and never held in memory
/// whole.
///
/// A retry sends a file or bytes again; a file whose length or modification time has changed by then is not sent, and
/// the call fails with the error before. What comes from a reader is sent at most once.
///
/// ```no_run
/// # use polyagent::Upload;
/// let report = Upload::path("report.pdf").media_type("application/pdf");
/// let note = Upload::bytes("note.txt", "Remember the milk.");
/// let progress = report.on_progress(|progress| println!("{} of {:?} bytes", progress.bytes, progress.total));
/// ```
#[derive(Clone)]
pub struct Upload {
    source: Source,
    name: String,
    media_type: String,
    length: Option<u64>,
    progress: Option<Arc<dyn Fn(TransferProgress) + Send + Sync>>,
}

#[derive(Clone)]
enum Source {
    /// The path, and what the file was when it was opened first.
    Path(PathBuf, Arc<Mutex<Option<Stamp>>>),
    Bytes(Bytes),
    /// Taken by the first attempt.
    Reader(Arc<Mutex<Option<Reader>>>),
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(metadata: &std::fs::Metadata) -> Self {
        Self { length: metadata.len(), modified: metadata.modified().ok() }
    }
}

/// How much of a file has been transferred.
///
/// The bytes of one attempt never shrink. A new attempt starts from 0 with the next number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransferProgress {
    /// Number of the attempt within the call, from 1.
    pub attempt: u32,
    /// Bytes transferred by this attempt.
    pub bytes: u64,
    /// The length of the file in bytes, if it is known.
    pub total: Option<u64>,
}

impl Upload {
    /// Uploads the file at `path`, under its own file name.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Self::new(name, Source::Path(path, Arc::default()))
    }

    /// Uploads bytes in memory, as a file of that name.
    pub fn bytes(name: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let length = bytes.len() as u64;
        Self::new(name.into(), Source::Bytes(bytes)).length(length)
    }

    /// Uploads what `reader` yields until its end, as a file of that name. It can be sent once only: the call is not
    /// retried, and a clone that is sent after it fails.
    ///
    /// Set its [`length`](Self::length) if you know it: some servers reject uploads without one.
    pub fn reader(name: impl Into<String>, reader: impl AsyncRead + Send + 'static) -> Self {
        Self::new(name.into(), Source::Reader(Arc::new(Mutex::new(Some(Box::pin(reader))))))
    }

    fn new(name: String, source: Source) -> Self {
        Self { source, name, media_type: "application/octet-stream".to_owned(), length: None, progress: None }
    }

    /// Sets the file name that the server is told.
    #[must_use]
    pub fn file_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the media type, for example `text/markdown`. Default: `application/octet-stream`.
    #[must_use]
    pub fn media_type(mut self, media_type: impl Into<String>) -> Self {
        self.media_type = media_type.into();
        self
    }

    /// Sets the length in bytes of what a reader yields. A reader that yields more or less fails the call. Files and
    /// bytes know theirs.
    #[must_use]
    pub fn length(mut self, bytes: u64) -> Self {
        self.length = Some(bytes);
        self
    }

    /// Calls `report` when an attempt begins and whenever the connection takes a piece of the file; the last call of an
    /// attempt that succeeds has the length of the file. It runs on the calling task, so it should be quick.
    #[must_use]
    pub fn on_progress(mut self, report: impl Fn(TransferProgress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(report));
        self
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn media_type_name(&self) -> &str {
        &self.media_type
    }

    pub(super) fn content_type(&self) -> Option<HeaderValue> {
        HeaderValue::try_from(self.media_type.as_str()).ok()
    }

    /// # Errors
    /// A name or media type that no request can carry.
    pub(crate) fn check(&self) -> Result<(), InvalidArgument> {
        if self.name.trim().is_empty() || self.name.chars().any(char::is_control) {
            return Err(InvalidArgument::new("file_name", "must be a file name without control characters"));
        }
        if self.media_type.split_once('/').is_none_or(|(kind, sub)| kind.is_empty() || sub.is_empty())
            || self.content_type().is_none()
        {
            return Err(InvalidArgument::new("media_type", "must be a media type, such as `text/plain`"));
        }
        Ok(())
    }

    pub(super) fn is_replayable(&self) -> bool {
        match &self.source {
            Source::Bytes(_) => true,
            Source::Reader(_) => false,
            Source::Path(path, first) => {
                let now = std::fs::metadata(path).map(|metadata| Stamp::of(&metadata)).ok();
                lock(first).is_none_or(|first| now == Some(first))
            }
        }
    }

    pub(super) async fn open(&self, attempt: u32, pulse: &Pulse) -> Result<Opened, UploadError> {
        let (length, reader): (_, Reader) = match &self.source {
            Source::Bytes(bytes) => (self.length, Box::pin(io::Cursor::new(bytes.clone()))),
            Source::Reader(reader) => (self.length, lock(reader).take().ok_or(UploadError::UsedUp)?),
            Source::Path(path, first) => {
                let opening = async {
                    let file = File::open(path).await?;
                    let metadata = file.metadata().await?;
                    if metadata.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok((file, metadata)) }
                };
                let (file, metadata) = opening.await.map_err(|cause| UploadError::open(&self.name, cause))?;
                let now = Stamp::of(&metadata);
                if *lock(first).get_or_insert(now) != now {
                    return Err(UploadError::Changed(self.name.clone()));
                }
                (Some(now.length), Box::pin(file))
            }
        };
        let sending = Sending {
            reader,
            buffer: BytesMut::new(),
            progress: TransferProgress { attempt, bytes: 0, total: length },
            report: self.progress.clone(),
            pulse: pulse.clone(),
        };
        sending.report();
        Ok(Opened { body: reqwest::Body::wrap_stream(sending.into_stream()), length })
    }
}

/// Neither the path nor the bytes: they may be private.
impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("name", &self.name).field("media_type", &self.media_type).finish_non_exhaustive()
    }
}

/// A file that is about to be sent.
pub(super) struct Opened {
    pub(super) body: reqwest::Body,
    pub(super) length: Option<u64>,
}

/// A file that is being sent by one attempt.
struct Sending {
    reader: Reader,
    buffer: BytesMut,
    progress: TransferProgress,
    report: Option<Arc<dyn Fn(TransferProgress) + Send + Sync>>,
    pulse: Pulse,
}

impl Sending {
    fn into_stream(self) -> impl Stream<Item = io::Result<Bytes>> + Send {
        stream::try_unfold(self, |mut sending| async move {
            let piece = sending.next().await?;
            Ok(piece.map(|piece| (piece, sending)))
        })
    }

    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        // Asking for a piece means that the connection has room for it.
        self.pulse.beat();
        let read = self.read(config::UPLOAD_CHUNK).await?;
        let so_far = self.progress.bytes + read as u64;
        if let Some(total) = self.progress.total {
            // A connection that has all it expects asks for no more, so a surplus is looked for before.
            let surplus = so_far > total || (so_far == total && read > 0 && self.read(1).await? > 0);
            if surplus || (read == 0 && so_far < total) {
                let fault = if surplus { "more" } else { "fewer" };
                return Err(io::Error::other(format!(
                    "the file has {fault} than the {total} bytes that were announced"
                )));
            }
        }
        if read == 0 {
            return Ok(None);
        }
        self.progress.bytes = so_far;
        self.report();
        Ok(Some(self.buffer.split().freeze()))
    }

    /// Reads at most `most` bytes into the buffer.
    async fn read(&mut self, most: usize) -> io::Result<usize> {
        self.buffer.reserve(most);
        (&mut self.reader).take(most as u64).read_buf(&mut self.buffer).await
    }

    fn report(&self) {
        if let Some(report) = &self.report {
            report(self.progress);
        }
    }
}

/// Why a body could not be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UploadError {
    #[error("cannot open `{name}`: {cause}")]
    Open { name: String, cause: io::Error },
    #[error("`{0}` has changed since the first attempt")]
    Changed(String),
    #[error("the reader was used up by an earlier attempt")]
    UsedUp,
    #[error("the body cannot be built")]
    Invalid(#[source] BoxError),
}

impl UploadError {
    fn open(name: &str, cause: io::Error) -> Self {
        Self::Open { name: name.to_owned(), cause }
    }

    pub(super) fn invalid(source: impl Into<BoxError>) -> Self {
        Self::Invalid(source.into())
    }
}
