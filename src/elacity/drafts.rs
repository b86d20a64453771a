//! Drafts of prompts, and previews of what they compile to.

use serde_json::Value;

use super::response::{compiled_text, draft_text};
use super::types::{Draft, DraftPreview, DraftSave, GetDraftBodyParams, GetDraftParams, ListDraftsParams};
use super::{Elacity, ops};
use crate::{Page, Request};

/// Drafts of prompts; from [`Elacity::drafts`].
///
/// The paths of all these operations are inferred, not confirmed by the vendor's documentation, and the method of
/// [`save`](Self::save) is too; names and bounds of what is sent are documented. Members of the organization may read
/// drafts, its admins save them; whether a key counts as an admin is not documented. A prompt's name may have dots.
#[derive(Clone, Debug)]
pub struct Drafts {
    client: Elacity,
}

impl Drafts {
    pub(super) fn new(client: &Elacity) -> Self {
        Self { client: client.clone() }
    }

    /// Creates or replaces a draft, with its text. Path and method are inferred; the response is not documented.
    ///
    /// # Errors
    /// [`PermissionDenied`](crate::Error::PermissionDenied) when the key does not count as an admin's.
    ///
    /// ```no_run
    /// # use polyagent::elacity::{Elacity, artifact_type, types::DraftSave};
    /// # async fn example(client: Elacity) -> Result<(), polyagent::Error> {
    /// let draft = DraftSave::new("acme/voice", "greeter", artifact_type::PROMPT, "1.3.0", "# Hi {{name}}");
    /// client.drafts().save(draft).await?;
    /// # Ok(()) }
    /// ```
    pub fn save(&self, draft: DraftSave) -> Request<Value> {
        self.client.inferred(ops::SAVE_DRAFT).json(&draft)
    }

    /// Returns a draft without its text; `None` if the server says nothing. The path is inferred.
    pub fn get(&self, params: GetDraftParams) -> Request<Option<Draft>> {
        self.client.inferred(ops::GET_DRAFT).params(&params)
    }

    /// Returns the text of a draft, as Markdown. The path is inferred.
    ///
    /// The form of the response is not documented: a JSON text, an object with a text `body`, and plain text are read.
    pub fn body(&self, params: GetDraftBodyParams) -> Request<String> {
        self.client.inferred(ops::GET_DRAFT_BODY).params(&params).read_with(draft_text)
    }

    /// Lists the drafts of a prompt that are not published. The path is inferred.
    pub fn list(&self, prompt_name: impl Into<String>, params: ListDraftsParams) -> Request<Page<Draft>> {
        self.client.inferred(ops::LIST_DRAFTS).id(prompt_name).params(&params)
    }

    /// Compiles a text without saving it. The path is inferred.
    ///
    /// Run-time variables are left in it: [`render`](super::render) fills them in. The form of the response is not
    /// documented: a JSON text, an object with a text `compiled`, and plain text are read.
    pub fn preview(&self, preview: DraftPreview) -> Request<String> {
        self.client.inferred(ops::PREVIEW_DRAFT).json(&preview).read_with(compiled_text)
    }
}
