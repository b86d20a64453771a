//! What a request carries, and whether it can be sent a second time.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, header};
use reqwest::multipart;

use super::pace::Pulse;
use super::upload::{Opened, Upload, UploadError};
use crate::check::InvalidArgument;
use crate::spelling::Spelling;

/// The body of a request.
#[derive(Clone, Default)]
pub(crate) enum Body {
    #[default]
    Empty,
    /// JSON in the documented form, and how generations spell it.
    Json(Bytes, Option<&'static Spelling>),
    /// Other bytes, with their media type.
    Bytes(Bytes, HeaderValue),
    /// One file as it is.
    Upload(Arc<Upload>),
    Multipart(Arc<Form>),
}

/// A `multipart/form-data` body: texts first, then files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    pub(crate) texts: Vec<(Cow<'static, str>, String)>,
    pub(crate) files: Vec<(Cow<'static, str>, Upload)>,
    /// How generations spell the names of its parts.
    pub(crate) spelling: Option<&'static Spelling>,
}

impl Form {
    pub(crate) fn text(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.texts.push((name.into(), value.into()));
        self
    }

    pub(crate) fn file(mut self, name: impl Into<Cow<'static, str>>, upload: Upload) -> Self {
        self.files.push((name.into(), upload));
        self
    }

    pub(crate) fn spelled_by(mut self, spelling: &'static Spelling) -> Self {
        self.spelling = Some(spelling);
        self
    }

    /// The form with its parts named as `generation` names them.
    ///
    /// # Errors
    /// A part that the generation does not know.
    pub(super) fn spelled_for(&self, generation: &str) -> Result<Self, InvalidArgument> {
        let mut form = self.clone();
        let Some(spelling) = form.spelling.take() else { return Ok(form) };
        let names = form.texts.iter_mut().map(|(name, _)| name).chain(form.files.iter_mut().map(|(name, _)| name));
        for name in names {
            let mut pair = [(std::mem::take(name).into_owned(), String::new())];
            spelling.apply_to_pairs(&mut pair, generation)?;
            let [(spelled, _)] = pair;
            *name = spelled.into();
        }
        Ok(form)
    }
}

/// Contents may be secrets.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Empty",
            Self::Json(..) => "Json",
            Self::Bytes(..) => "Bytes",
            Self::Upload(_) => "Upload",
            Self::Multipart(_) => "Multipart",
        })
    }
}

impl Body {
    pub(crate) fn json_bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Json(bytes, _) => Some(bytes),
            _ => None,
        }
    }

    fn uploads(&self) -> impl Iterator<Item = &Upload> {
        let one = match self {
            Self::Upload(upload) => Some(&**upload),
            _ => None,
        };
        let many: &[_] = match self {
            Self::Multipart(form) => &form.files,
            _ => &[],
        };
        one.into_iter().chain(many.iter().map(|(_, upload)| upload))
    }

    /// Whether generations spell it in different ways.
    pub(super) fn is_spelled(&self) -> bool {
        match self {
            Self::Json(_, spelling) => spelling.is_some(),
            Self::Multipart(form) => form.spelling.is_some(),
            _ => false,
        }
    }

    /// Whether its size is the caller's: no attempt timeout fits it.
    pub(crate) fn is_transfer(&self) -> bool {
        matches!(self, Self::Upload(_) | Self::Multipart(_))
    }

    /// Whether a second attempt would send what the first one sent. A reader is consumed by the first; a file must have
    /// the length and modification time that it had.
    pub(crate) fn is_replayable(&self) -> bool {
        self.uploads().all(Upload::is_replayable)
    }

    /// Gives `request` a body that is in memory.
    pub(super) fn attach(&self, request: &mut reqwest::Request) {
        match self {
            // The client's prepared headers name the media type of JSON.
            Self::Json(bytes, _) => *request.body_mut() = Some(bytes.clone().into()),
            Self::Bytes(bytes, media_type) => {
                request.headers_mut().insert(header::CONTENT_TYPE, media_type.clone());
                *request.body_mut() = Some(bytes.clone().into());
            }
            Self::Empty | Self::Upload(_) | Self::Multipart(_) => {}
        }
    }

    /// Gives `request` the files of its body, for attempt number `attempt`, counted from 1.
    ///
    /// # Errors
    /// A file that cannot be opened or has changed, a reader that was used up.
    pub(super) async fn attach_files(
        &self,
        client: &reqwest::Client,
        mut request: reqwest::Request,
        attempt: u32,
        pulse: &Pulse,
    ) -> Result<reqwest::Request, UploadError> {
        match self {
            Self::Upload(upload) => {
                let Opened { body, length } = upload.open(attempt, pulse).await?;
                let headers = request.headers_mut();
                headers.extend(upload.content_type().map(|value| (header::CONTENT_TYPE, value)));
                headers.extend(length.map(|length| (header::CONTENT_LENGTH, length.into())));
                *request.body_mut() = Some(body);
            }
            Self::Multipart(form) => {
                // reqwest appends its own, with the boundary.
                request.headers_mut().remove(header::CONTENT_TYPE);
                let form = form.open(attempt, pulse).await?;
                let builder = reqwest::RequestBuilder::from_parts(client.clone(), request);
                return builder.multipart(form).build().map_err(UploadError::invalid);
            }
            Self::Empty | Self::Json(..) | Self::Bytes(..) => {}
        }
        Ok(request)
    }
}

impl Form {
    async fn open(&self, attempt: u32, pulse: &Pulse) -> Result<multipart::Form, UploadError> {
        let mut form = multipart::Form::new();
        for (name, value) in &self.texts {
            form = form.text(name.clone(), value.clone());
        }
        for (name, upload) in &self.files {
            let Opened { body, length } = upload.open(attempt, pulse).await?;
            let part = match length {
                Some(length) => multipart::Part::stream_with_length(body, length),
                None => multipart::Part::stream(body),
            };
            let part = part.file_name(upload.name().to_owned()).mime_str(upload.media_type_name());
            form = form.part(name.clone(), part.map_err(UploadError::invalid)?);
        }
        Ok(form)
    }
}
