//! Files: what sessions are given to work on, and what they leave behind.

use std::time::Duration;

use super::beta::{also_managed_agents, files, managed_agents};
use super::ops;
use super::types::{Deletion, File, FilePromotion, ListFilesParams};
use crate::check::InvalidArgument;
use crate::config::oma::FILE_LIFETIME;
use crate::http::{Core, Form};
use crate::spelling::{SpelledField, Spelling};
use crate::{Download, Page, Request, Upload};

/// Files; from [`Oma::files`](super::Oma::files).
#[derive(Clone, Debug)]
pub struct Files {
    core: Core,
}

impl Files {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Uploads a file: an [`Upload`] from a path, bytes or a reader, or a [`FileUpload`] for more than that. It is
    /// never held in memory whole. Each call stores another file, even under the same name.
    ///
    /// Self-hosted servers of `V0` take none: there [`promote`](Self::promote) keeps a file of a session.
    ///
    /// # Errors
    /// [`TooLarge`](crate::Error::TooLarge): servers of openma take 25 MiB by default.
    ///
    /// ```no_run
    /// # use polyagent::{Upload, oma::Oma};
    /// # async fn example(client: Oma) -> Result<(), polyagent::Error> {
    /// let report = Upload::path("report.pdf").media_type("application/pdf");
    /// let file = client.files().upload(report.on_progress(|it| println!("{} bytes", it.bytes))).await?;
    /// let bytes = client.files().download(&file.id).await?.save("copy.pdf").await?;
    /// # Ok(()) }
    /// ```
    pub fn upload(&self, file: impl Into<FileUpload>) -> Request<File> {
        let request = files(&self.core, ops::UPLOAD_FILE);
        match file.into().into_form() {
            Ok(form) => request.multipart(form),
            Err(invalid) => request.refuse(invalid),
        }
    }

    /// Lists files, newest first, from page to page by whichever of `page` and `after_id` the server obeys.
    ///
    /// A file that the agent of a session named may be missing here for some seconds.
    pub fn list(&self, params: ListFilesParams) -> Request<Page<File>> {
        let request = files(&self.core, ops::LIST_FILES).params(&params);
        if params.scope_id.is_some() { also_managed_agents(request) } else { request }
    }

    /// Returns what is known of a file: its name, size and media type. For its bytes see [`download`](Self::download).
    pub fn get(&self, file_id: impl Into<String>) -> Request<File> {
        files(&self.core, ops::GET_FILE).id(file_id)
    }

    /// Downloads a file; see [`Download`] for where to.
    ///
    /// # Errors
    /// [`PermissionDenied`](crate::Error::PermissionDenied) if the file is not `downloadable`, which on `V0` its upload
    /// has to ask for.
    pub fn download(&self, file_id: impl Into<String>) -> Request<Download> {
        files(&self.core, ops::DOWNLOAD_FILE).id(file_id)
    }

    /// Deletes a file.
    pub fn delete(&self, file_id: impl Into<String>) -> Request<Deletion> {
        files(&self.core, ops::DELETE_FILE).id(file_id)
    }

    /// Keeps a file that is in the environment of a session. Not on Anthropic.
    pub fn promote(&self, session_id: impl Into<String>, file: FilePromotion) -> Request<File> {
        let request = managed_agents(&self.core, ops::PROMOTE_FILE).id(session_id).json(&file);
        request.instead("list the files with the session as `scope_id`")
    }
}

/// A file to upload, with what the server is to know of it.
///
/// ```no_run
/// # use std::time::Duration;
/// # use polyagent::{Upload, oma::{FileUpload, Oma}};
/// # async fn example(client: Oma) -> Result<(), polyagent::Error> {
/// let week = Duration::from_secs(7 * 24 * 3600);
/// client.files().upload(FileUpload::new(Upload::path("log.txt")).expires_in(week)).await?; // Anthropic
/// client.files().upload(FileUpload::new(Upload::path("log.txt")).downloadable(true)).await?; // V0
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct FileUpload {
    file: Upload,
    expires_in: Option<Duration>,
    session_id: Option<String>,
    downloadable: Option<bool>,
}

impl FileUpload {
    /// Uploads `file` with the server's defaults.
    pub fn new(file: Upload) -> Self {
        Self { file, expires_in: None, session_id: None, downloadable: None }
    }

    /// Has the file deleted after that time, from an hour to 90 days, in whole seconds. On Anthropic only.
    #[must_use]
    pub fn expires_in(mut self, lifetime: Duration) -> Self {
        self.expires_in = Some(lifetime);
        self
    }

    /// Makes it a file of a session. On `V0` only; elsewhere add it to the session's resources.
    #[must_use]
    pub fn session(mut self, session_id: impl Into<String>) -> Self {
        self.session_id = Some(session_id.into());
        self
    }

    /// Sets whether its bytes can be read later. On `V0` only, where they cannot by default; elsewhere they can.
    #[must_use]
    pub fn downloadable(mut self, downloadable: bool) -> Self {
        self.downloadable = Some(downloadable);
        self
    }

    fn into_form(self) -> Result<Form, InvalidArgument> {
        let mut form = Form::default();
        if let Some(lifetime) = self.expires_in {
            let seconds = lifetime.as_secs();
            if lifetime.subsec_nanos() > 0 || !FILE_LIFETIME.contains(&seconds) {
                let reason = "must be whole seconds, from an hour to 90 days";
                return Err(InvalidArgument::new("expires_in_seconds", reason));
            }
            form = form.text("expires_in_seconds", seconds.to_string());
        }
        if let Some(session_id) = self.session_id {
            // The one is documented, the other is what servers read.
            form = form.text("session_id", session_id.clone()).text("scope_id", session_id);
        }
        if let Some(downloadable) = self.downloadable {
            form = form.text("downloadable", downloadable.to_string());
        }
        if !form.texts.is_empty() {
            form = form.spelled_by(&SPELLING);
        }
        Ok(form.file("file", self.file))
    }
}

impl From<Upload> for FileUpload {
    fn from(file: Upload) -> Self {
        Self::new(file)
    }
}

const V0: &[&str] = &[super::generation::V0];

/// Which generations know which part of the form.
static SPELLING: Spelling = Spelling::Object(&[
    SpelledField {
        name: "expires_in_seconds",
        generations: &[super::generation::ANTHROPIC],
        spelled: &[],
        inside: None,
    },
    SpelledField { name: "session_id", generations: V0, spelled: &[], inside: None },
    SpelledField { name: "scope_id", generations: V0, spelled: &[], inside: None },
    SpelledField { name: "downloadable", generations: V0, spelled: &[], inside: None },
]);
