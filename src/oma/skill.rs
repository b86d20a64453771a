//! Skills on their way to a server.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::generation::{ANTHROPIC, V0, V1};
use super::types::{Encoding, SkillFileInput};
use crate::check::{InvalidArgument, chars};
use crate::config::oma::{SKILL_BYTES, SKILL_FILE_BYTES, SKILL_FILES, SKILL_NAME};
use crate::http::Form;
use crate::spelling::{SpelledField, Spelling};
use crate::{Error, Upload};

/// A skill to upload: a file `SKILL.md`, whose front matter names it, and the files that it refers to.
///
/// ```no_run
/// # use polyagent::oma::{Oma, Skill};
/// # async fn example(client: Oma) -> Result<(), polyagent::Error> {
/// let skill = Skill::from_dir("skills/release-notes")?.display_name("Release notes");
/// let created = client.skills().create(skill.clone()).await?;
/// client.skills().create_version(&created.id, skill).await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Skill {
    name: String,
    /// Sorted, with their paths below the folder of the skill.
    files: Vec<(String, Content)>,
    display_name: Option<String>,
    description: Option<String>,
}

#[derive(Clone)]
enum Content {
    Path(PathBuf),
    Bytes(Bytes),
}

/// Neither paths nor contents: they may be private.
impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Content")
    }
}

const MAIN: &str = "SKILL.md";

impl Skill {
    /// Takes all files of a folder, hidden ones too, and of those in it. The skill has the `name` that its `SKILL.md`
    /// states, whatever the folder is called. Only that file is read here; the others are when the skill is sent.
    ///
    /// # Errors
    /// [`Error::Config`] if the folder cannot be read; [`Error::InvalidArgument`] for what a server would reject: no
    /// `SKILL.md`, a name that is not 1 to 64 of `a-z`, `0-9` and `-`, more than 500 files, 25 MiB in one or 100 MiB in
    /// all of them. A link to a folder is rejected too.
    pub fn from_dir(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let mut found = Vec::new();
        let unreadable = |e| Error::config_from(format!("cannot read the skill in `{}`", path.display()), e);
        collect(path, "", &mut found).map_err(unreadable)??;
        let main = path.join(MAIN);
        let main =
            if found.iter().any(|file| file.path == MAIN) { fs::read(&main).map_err(unreadable)? } else { Vec::new() };
        Ok(Self::checked(found, &main)?)
    }

    /// Takes files by their paths below the skill's folder, such as `SKILL.md` and `scripts/run.py`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] as for [`from_dir`](Self::from_dir), and for a path twice.
    pub fn from_files<P, B>(files: impl IntoIterator<Item = (P, B)>) -> Result<Self, Error>
    where
        P: Into<String>,
        B: Into<Bytes>,
    {
        let file = |(path, bytes): (P, B)| {
            let bytes = bytes.into();
            Found { path: path.into(), length: bytes.len() as u64, content: Content::Bytes(bytes) }
        };
        let found: Vec<_> = files.into_iter().map(file).collect();
        let main = found.iter().find(|file| file.path == MAIN).and_then(|file| match &file.content {
            Content::Bytes(bytes) => Some(bytes.clone()),
            Content::Path(_) => None,
        });
        Ok(Self::checked(found, &main.unwrap_or_default())?)
    }

    fn checked(mut found: Vec<Found>, main: &[u8]) -> Result<Self, InvalidArgument> {
        let invalid = |reason: String| Err(InvalidArgument::new("files", reason));
        found.sort_by(|a, b| a.path.cmp(&b.path));
        if !found.iter().any(|file| file.path == MAIN) {
            return invalid(format!("must have a `{MAIN}` at the top"));
        }
        if found.len() > SKILL_FILES {
            return invalid(format!("must be at most {SKILL_FILES}, not {}", found.len()));
        }
        for file in &found {
            check_path(&file.path)?;
            if file.length > SKILL_FILE_BYTES {
                return invalid(format!("must have at most 25 MiB each: `{}` has more", file.path));
            }
        }
        if let Some(twice) = found.windows(2).find(|pair| pair[0].path == pair[1].path) {
            return invalid(format!("must have different paths: `{}` is there twice", twice[0].path));
        }
        if found.iter().map(|file| file.length).sum::<u64>() > SKILL_BYTES {
            return invalid("must have at most 100 MiB in all".to_owned());
        }
        let Some(name) = std::str::from_utf8(main).ok().and_then(|main| front_matter(main, "name")) else {
            return Err(InvalidArgument::new("name", format!("must stand in the front matter of `{MAIN}`")));
        };
        let is_plain = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '-');
        if name.is_empty() || name.len() > SKILL_NAME || !name.chars().all(is_plain) {
            let reason = format!("must be 1 to {SKILL_NAME} of a-z, 0-9 and -, in `{MAIN}`: it is `{name}`");
            return Err(InvalidArgument::new("name", reason));
        }
        let files = found.into_iter().map(|file| (file.path, file.content)).collect();
        Ok(Self { name, files, display_name: None, description: None })
    }

    /// Sets the name for people, up to 255 characters. A new version of a skill does not change it.
    #[must_use]
    pub fn display_name(mut self, display_name: impl Into<String>) -> Self {
        self.display_name = Some(display_name.into());
        self
    }

    /// Sets what the skill is for, instead of what `SKILL.md` says. On `V0` only.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Returns the name that `SKILL.md` states.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the paths of the files, below the skill's folder.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|(path, _)| path.as_str())
    }

    pub(super) fn title(&self) -> Option<&str> {
        self.display_name.as_deref()
    }

    pub(super) fn purpose(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// The texts that only a new skill has.
    pub(super) fn texts(&self) -> Result<Form, InvalidArgument> {
        let mut form = Form::default();
        if let Some(title) = &self.display_name {
            chars("display_name", title, 1..=255)?;
            form = form.text("display_name", title);
        }
        if let Some(purpose) = &self.description {
            form = form.text("description", purpose);
        }
        Ok(form)
    }

    /// Adds the files, under a folder that has the skill's name.
    pub(super) fn into_form(self, form: Form) -> Form {
        let Self { name, files, .. } = self;
        let files = files.into_iter().map(|(path, content)| {
            let is_text = Path::new(&path).extension().is_some_and(|it| it.eq_ignore_ascii_case("md"));
            let upload = match content {
                Content::Path(source) => Upload::path(source),
                Content::Bytes(bytes) => Upload::bytes("", bytes),
            };
            let upload = upload.file_name(format!("{name}/{path}"));
            if is_text { upload.media_type("text/markdown") } else { upload }
        });
        files.fold(form, |form, upload| form.file("files", upload)).spelled_by(&SPELLING)
    }

    /// The files as JSON has them.
    ///
    /// # Errors
    /// [`Error::Config`] if a file cannot be read.
    pub(super) async fn contents(&self) -> Result<Vec<SkillFileInput>, Error> {
        let mut files = Vec::with_capacity(self.files.len());
        for (path, content) in &self.files {
            let bytes = match content {
                Content::Bytes(bytes) => bytes.clone(),
                Content::Path(source) => {
                    let read = tokio::fs::read(source).await;
                    read.map_err(|e| Error::config_from(format!("cannot read the skill's file `{path}`"), e))?.into()
                }
            };
            let (content, encoding) = match std::str::from_utf8(&bytes) {
                Ok(text) => (text.to_owned(), Encoding::Utf8),
                Err(_) => (STANDARD.encode(&bytes), Encoding::Base64),
            };
            files.push(SkillFileInput::new(path, content).encoding(encoding));
        }
        Ok(files)
    }
}

/// A file before it is checked.
struct Found {
    path: String,
    length: u64,
    content: Content,
}

/// Adds the files of `folder`, whose own path within the skill is `prefix`.
fn collect(folder: &Path, prefix: &str, found: &mut Vec<Found>) -> io::Result<Result<(), InvalidArgument>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Some(name) = entry.file_name().to_str().map(|name| format!("{prefix}{name}")) else {
            let shown = entry.file_name().to_string_lossy().into_owned();
            return Ok(Err(InvalidArgument::new("files", format!("must have names in Unicode, unlike `{shown}`"))));
        };
        let metadata = fs::metadata(entry.path())?;
        if metadata.is_file() {
            found.push(Found { path: name, length: metadata.len(), content: Content::Path(entry.path()) });
        } else if entry.file_type()?.is_dir() {
            if let Err(invalid) = collect(&entry.path(), &format!("{name}/"), found)? {
                return Ok(Err(invalid));
            }
        } else {
            // A link to a folder may lead round in circles.
            return Ok(Err(InvalidArgument::new("files", format!("must be files and folders, unlike `{name}`"))));
        }
        if found.len() > SKILL_FILES {
            return Ok(Err(InvalidArgument::new("files", format!("must be at most {SKILL_FILES}"))));
        }
    }
    Ok(Ok(()))
}

fn check_path(path: &str) -> Result<(), InvalidArgument> {
    let is_sound = |segment: &str| !matches!(segment.trim(), "" | "." | "..");
    if path.split('/').all(is_sound) && !path.contains('\\') && !path.chars().any(char::is_control) {
        return Ok(());
    }
    Err(InvalidArgument::new("files", format!("must have paths within the skill, unlike `{}`", path.escape_debug())))
}

/// A value of the front matter of a text, as YAML has it on one line.
fn front_matter(text: &str, name: &str) -> Option<String> {
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    if lines.next()?.trim_end() != "---" {
        return None;
    }
    let lines: Vec<_> = lines.map(str::trim_end).collect();
    let end = lines.iter().position(|line| *line == "---")?;
    let value = lines[..end].iter().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim_end() == name && (value.is_empty() || value.starts_with([' ', '\t']))).then(|| value.trim())
    })?;
    for quote in ['"', '\''] {
        if let Some(quoted) = value.strip_prefix(quote) {
            return quoted.split_once(quote).map(|(value, _)| value.to_owned());
        }
    }
    // A comment has white space in front of it.
    let comment = value.starts_with('#').then_some(0).or_else(|| value.find(" #"));
    Some(value[..comment.unwrap_or(value.len())].trim_end().to_owned())
}

/// How generations name the parts of the form.
static SPELLING: Spelling = Spelling::Object(&[
    SpelledField {
        name: "display_name",
        generations: &[],
        spelled: &[(V0, "display_title"), (V1, "display_title")],
        inside: None,
    },
    SpelledField { name: "description", generations: &[V0], spelled: &[], inside: None },
    SpelledField { name: "files", generations: &[], spelled: &[(V1, "files[]"), (ANTHROPIC, "files[]")], inside: None },
]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_value_of_the_front_matter() {
        let name = |text: &str| front_matter(text, "name");
        for text in [
            "---\nname: do\n---\n",
            "---\ndescription: name: x\nname:   do  \n---\nname: other\n",
            "\u{feff}---\r\nname: do\r\n---\r\n",
            "--- \nname: \"do\" # quoted\n---",
            "---\nname: 'do'\n---\n",
            "---\nname : do # plain\n---\n",
        ] {
            assert_eq!(name(text).as_deref(), Some("do"), "{text:?}");
        }
        assert_eq!(name("---\nname:\n---\n").as_deref(), Some(""));
        assert_eq!(name("---\nname: # nothing\n---\n").as_deref(), Some(""));
        for none in [
            "",
            "name: do",
            "---\nname: do\n",
            "\n---\nname: do\n---\n",
            "---\nother:\n  name: do\n---\n",
            "---\nname:do\n---\n",
        ] {
            assert_eq!(name(none), None, "{none:?}");
        }
    }
}
