//! Skills: instructions and files that agents use for a kind of task.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::beta::skills;
use super::generation::V0;
use super::ops;
use super::skill::Skill as SkillFiles;
use super::types::{
    Deletion, Encoding, ListSkillVersionsParams, ListSkillsParams, Skill, SkillCreate, SkillFileInput, SkillVersion,
    SkillVersionCreate,
};
use crate::check::{Check, InvalidArgument};
use crate::http::{Bytes, Composed, Core, Form, Operation, Reader};
use crate::{Download, Error, Page, Request, Response, Upload};

/// Skills and their versions; from [`Oma::skills`](super::Oma::skills).
///
/// Self-hosted servers of `V0` have none.
#[derive(Clone, Debug)]
pub struct Skills {
    core: Core,
}

impl Skills {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Creates a skill with its first version.
    ///
    /// It goes as a form. Hosted servers of `V0` take JSON instead, and fail on the documented form without storing
    /// anything: they get the skill again, as JSON.
    ///
    /// # Errors
    /// [`Conflict`](crate::Error::Conflict) with [`Reason::Duplicate`](crate::Reason::Duplicate) if the display name is
    /// taken.
    pub fn create(&self, skill: SkillFiles) -> Request<Skill> {
        let form = skill.texts();
        let body = |files, skill: &SkillFiles| SkillCreate {
            display_title: skill.title().map(str::to_owned),
            description: skill.purpose().map(str::to_owned),
            ..SkillCreate::new(files)
        };
        self.store(ops::CREATE_SKILL, None, skill, form, body)
    }

    /// Creates a skill from a zip file that has `SKILL.md` at its top. Without a display name it has the name that is
    /// stated there. Not on Anthropic.
    pub fn upload_zip(&self, zip: Upload, display_name: Option<&str>) -> Request<Skill> {
        let form = display_name.iter().fold(Form::default(), |form, name| form.text("display_title", *name));
        let request = skills(&self.core, ops::UPLOAD_SKILL).multipart(form.file("file", zip));
        request.instead("use `skills().create`")
    }

    /// Returns a skill.
    pub fn get(&self, skill_id: impl Into<String>) -> Request<Skill> {
        skills(&self.core, ops::GET_SKILL).id(skill_id)
    }

    /// Lists skills, those that the server comes with included.
    pub fn list(&self, params: ListSkillsParams) -> Request<Page<Skill>> {
        skills(&self.core, ops::LIST_SKILLS).params(&params)
    }

    /// Deletes a skill with all its versions.
    ///
    /// # Errors
    /// [`PermissionDenied`](crate::Error::PermissionDenied) for a skill that the server comes with.
    pub fn delete(&self, skill_id: impl Into<String>) -> Request<Deletion> {
        skills(&self.core, ops::DELETE_SKILL).id(skill_id)
    }

    /// Reads one file of the latest version of a skill, by its name, which is one path segment.
    ///
    /// The route is documented for `V0`; where its servers lack it, the file is taken from the version.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) if the skill has no such file.
    pub fn file(&self, skill_id: impl Into<String>, filename: impl Into<String>) -> Request<Bytes> {
        let operation = Operation { spec: ops::DOWNLOAD_SKILL_FILE.spec, reader: Reader::bytes() };
        let request = skills(&self.core, operation).id(skill_id).id(filename);
        request.instead("use `skills().download_version`").then(file_of_version)
    }

    /// Creates a version of a skill, in the way of [`create`](Self::create).
    pub fn create_version(&self, skill_id: impl Into<String>, skill: SkillFiles) -> Request<SkillVersion> {
        let body = |files, _: &SkillFiles| SkillVersionCreate::new(files);
        self.store(ops::CREATE_SKILL_VERSION, Some(skill_id.into()), skill, Ok(Form::default()), body)
    }

    /// Returns a version. `version` is its id on Anthropic, its `version` on servers of openma; on `V0` it comes with
    /// its files.
    pub fn version(&self, skill_id: impl Into<String>, version: impl Into<String>) -> Request<SkillVersion> {
        skills(&self.core, ops::GET_SKILL_VERSION).id(skill_id).id(version)
    }

    /// Lists the versions of a skill.
    pub fn versions(
        &self,
        skill_id: impl Into<String>,
        params: ListSkillVersionsParams,
    ) -> Request<Page<SkillVersion>> {
        skills(&self.core, ops::LIST_SKILL_VERSIONS).id(skill_id).params(&params)
    }

    /// Deletes a version.
    ///
    /// # Errors
    /// [`BadRequest`](crate::Error::BadRequest) or [`Conflict`](crate::Error::Conflict) for the last one.
    pub fn delete_version(&self, skill_id: impl Into<String>, version: impl Into<String>) -> Request<Deletion> {
        skills(&self.core, ops::DELETE_SKILL_VERSION).id(skill_id).id(version)
    }

    /// Downloads a version as a zip file. Not on `V0`.
    pub fn download_version(&self, skill_id: impl Into<String>, version: impl Into<String>) -> Request<Download> {
        let request = skills(&self.core, ops::DOWNLOAD_SKILL_VERSION).id(skill_id).id(version);
        request.instead("use `skills().version`, which has the files")
    }

    /// Sends a skill as a form, or else as JSON with what `body` makes of its files.
    fn store<T, B>(
        &self,
        operation: Operation<T>,
        skill_id: Option<String>,
        skill: SkillFiles,
        form: Result<Form, InvalidArgument>,
        body: fn(Vec<SkillFileInput>, &SkillFiles) -> B,
    ) -> Request<T>
    where
        T: Send + 'static,
        B: Check + serde::Serialize + Send + Sync + 'static,
    {
        let Operation { spec, reader } = operation;
        let request = skill_id.into_iter().fold(skills(&self.core, operation), Request::id);
        let form = match form {
            Ok(form) => skill.clone().into_form(form),
            Err(invalid) => return request.refuse(invalid),
        };
        request.multipart(form).then(move |composed, first| {
            let skill = skill.clone();
            async move { stored_as_json(composed, first, Operation { spec, reader }, skill, body).await }
        })
    }
}

/// Goes on from the response to the form.
async fn stored_as_json<T, B: Check + serde::Serialize>(
    mut composed: Composed,
    first: Result<Response<T>, Error>,
    operation: Operation<T>,
    skill: SkillFiles,
    body: fn(Vec<SkillFileInput>, &SkillFiles) -> B,
) -> Result<Response<T>, Error> {
    match first {
        Err(error) if composed.core.generation() == Some(V0) && takes_no_form(&error) => {}
        first => return first,
    }
    let body = body(skill.contents().await?, &skill);
    let request = skills(&composed.core, operation).json(&body);
    let request = composed.ids.iter().cloned().fold(request, Request::id);
    composed.send(request).await
}

/// Whether a server may be one that takes JSON alone. It parses the form as JSON, and stores nothing of it.
fn takes_no_form(error: &Error) -> bool {
    error.status().is_some_and(|status| matches!(status.as_u16(), 404 | 405 | 415 | 500))
}

/// Takes a file from the latest version of its skill.
async fn file_of_version(
    mut composed: Composed,
    first: Result<Response<Bytes>, Error>,
) -> Result<Response<Bytes>, Error> {
    let missing = match first {
        Err(error) if error.is_unsupported() && composed.core.generation() == Some(V0) => error,
        first => return first,
    };
    let core = composed.core.clone();
    let [skill_id, filename] = &composed.ids[..] else { return Err(missing) };
    let (skill_id, filename) = (skill_id.clone(), filename.clone());
    let skill = composed.send(skills(&core, ops::GET_SKILL).id(&skill_id)).await?.into_value();
    let Some(latest) = skill.latest_version else { return Err(missing) };
    let version = composed.send(skills(&core, ops::GET_SKILL_VERSION).id(skill_id).id(latest)).await?;
    let file = version.value().files.iter().find(|file| file.filename == filename);
    let content = file.and_then(|file| match file.encoding {
        Some(Encoding::Base64) => STANDARD.decode(&file.content).ok().map(Bytes::from),
        _ => Some(Bytes::from(file.content.clone())),
    });
    content.map_or(Err(missing), |content| Ok(version.map(|_| content)))
}
