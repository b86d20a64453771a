//! Skills and their versions.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::tables::{SKILL_VERSIONS, SKILLS, begin, delete, invalid};
use super::{Call, Server, Settings, zip};
use crate::sandbox::clock::stored;
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::{Outcome, Output};
use crate::sandbox::platform::World;
use crate::sandbox::store::{Object, object, text};

/// A path below the skill's folder, and its bytes.
type Files = Vec<(String, Bytes)>;

pub(super) fn add_built_in(world: &mut World<'_, Settings>) {
    for name in ["xlsx", "pdf", "pptx", "docx"] {
        let id = if world.platform.is_v0() { format!("builtin_{name}") } else { name.to_owned() };
        let now = stored(world.now);
        world.store.insert(
            &SKILLS,
            object(json!({
                "id": id, "type": "skill", "display_name": name, "name": name, "description": format!("Works with {name}."),
                "source": source(world.platform, "anthropic"), "latest_version": "1", "latest_version_id": "1",
                "created_at": now, "updated_at": now,
            })),
        );
    }
}

fn source(settings: &Settings, kind: &str) -> Value {
    if settings.is_anthropic() { json!({"type": kind}) } else { json!(kind) }
}

pub(super) fn is_kept(call: &Call<'_>, skill: &Object) -> bool {
    let kind = skill["source"].as_str().or_else(|| skill["source"]["type"].as_str());
    call.text("source").filter(|it| *it != "any").is_none_or(|wanted| kind == Some(wanted))
}

/// The files of the call and the skill's folder, which only a form names.
fn files(call: &Call<'_>) -> Result<(Files, String), ErrorReply> {
    if let Some(listed) = call.body.get("files").and_then(Value::as_array).filter(|_| call.files.is_empty()) {
        let mut files = Files::new();
        for file in listed {
            let (Some(name), Some(content)) = (file["filename"].as_str(), file["content"].as_str()) else {
                return Err(invalid("files need a filename and content"));
            };
            let bytes = if file["encoding"] == "base64" {
                STANDARD.decode(content).map_err(|_| invalid("files are not base64"))?
            } else {
                content.as_bytes().to_vec()
            };
            files.push((name.to_owned(), bytes.into()));
        }
        return Ok((files, String::new()));
    }
    if let Some(archive) = call.files.iter().find(|part| part.name == "file") {
        let files = zip::read(&archive.content);
        let files = files.ok_or_else(|| invalid("The sandbox reads only zip archives that are not compressed"))?;
        return Ok((files, String::new()));
    }
    // Hosted servers of V0 take JSON alone, and fail on the documented form.
    if call.platform.server == Server::V0 && !call.files.is_empty() {
        return Err(ErrorReply::Internal);
    }
    let mut folder = String::new();
    let mut files = Files::new();
    for part in &call.files {
        let path = part.file_name.as_deref().unwrap_or_default();
        let Some((top, below)) = path.split_once('/') else {
            if call.platform.is_v0() {
                files.push((path.to_owned(), part.content.clone()));
                continue;
            }
            return Err(invalid("All files must be in one top-level folder"));
        };
        if !folder.is_empty() && folder != top {
            return Err(invalid("All files must be in one top-level folder"));
        }
        top.clone_into(&mut folder);
        files.push((below.to_owned(), part.content.clone()));
    }
    Ok((files, folder))
}

/// A value of the front matter of `SKILL.md`.
fn front_matter(files: &Files, name: &str) -> Option<String> {
    let (_, skill) = files.iter().find(|(path, _)| path == "SKILL.md")?;
    let skill = std::str::from_utf8(skill).ok()?;
    let lines = skill.strip_prefix("---")?.split("\n---").next()?.lines();
    let found = lines.filter_map(|line| line.split_once(':')).find(|(key, _)| key.trim() == name);
    found.map(|(_, value)| value.trim().trim_matches('"').to_owned())
}

/// The files of a new skill or version, with their names checked, the skill's name and its description.
fn checked(call: &Call<'_>) -> Result<(Files, String, String), ErrorReply> {
    let (files, folder) = files(call)?;
    if !files.iter().any(|(path, _)| path == "SKILL.md") {
        return Err(invalid("SKILL.md is missing"));
    }
    let name = front_matter(&files, "name").or(call.field("name").map(str::to_owned)).unwrap_or_else(|| folder.clone());
    if !folder.is_empty() && !name.is_empty() && folder != name && !call.platform.is_v0() {
        return Err(invalid(format!("The folder {folder} is not named like the skill, {name}")));
    }
    let plain = |name: &str| name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if name.is_empty() || name.len() > 64 || !plain(&name) {
        return Err(invalid("The skill's name must be 1 to 64 of a-z, 0-9 and -"));
    }
    let description = front_matter(&files, "description").or(call.field("description").map(str::to_owned));
    Ok((files, name, description.unwrap_or_default()))
}

pub(super) fn create(call: &mut Call<'_>) -> Outcome<Settings> {
    let (files, name, description) = checked(call)?;
    let title = call.field("display_name").or(call.field("display_title")).map(str::to_owned);
    let same = |skill: &Object| title.is_some() && text(skill, "display_name") == title.as_deref();
    let taken = call.store.rows(&SKILLS).any(same);
    if taken && call.platform.is_anthropic() {
        let (status, message) = (StatusCode::CONFLICT, "The name is taken".to_owned());
        return Err(ErrorReply::Rejected { status, code: "skill_name_taken", message });
    }
    let now = stored(call.now);
    let mut skill = Object::new();
    begin(
        call,
        &mut skill,
        "skill",
        json!({
            "type": "skill", "display_name": title, "name": name, "description": description,
            "source": source(call.platform, "custom"), "created_at": now, "updated_at": now,
        }),
    );
    if call.platform.is_v0() {
        skill.insert("id".to_owned(), json!(crate::sandbox::ids::prefixed("skill_", 16)));
        skill.insert("display_name".to_owned(), json!(title.unwrap_or_else(|| name.clone())));
    }
    let id = SKILLS.id(call.store.insert(&SKILLS, skill)).to_owned();
    let version = add_version(call, &id, &files, &name, &description);
    let mut shown = call.view(&SKILLS, call.find(&SKILLS, &id)?);
    if call.platform.is_v0() {
        shown.insert("files".to_owned(), contents(&version));
    }
    Ok(shown.into())
}

fn add_version(call: &mut Call<'_>, skill: &str, files: &Files, name: &str, description: &str) -> Object {
    let number = if call.platform.is_v0() { call.now / 1000 } else { call.now };
    let taken = call.store.of(&SKILL_VERSIONS, "skill_id", skill).count();
    let number = (number + i64::try_from(taken).unwrap_or_default()).to_string();
    let id = if call.platform.is_anthropic() { call.platform.id("skillver") } else { number.clone() };
    let listed: Vec<Value> =
        files.iter().map(|(path, bytes)| json!({"path": path, "content": STANDARD.encode(bytes)})).collect();
    let version = json!({
        "_key": format!("{skill}:{id}"), "type": "skill_version", "id": id, "skill_id": skill, "version": number,
        "name": name, "description": description, "directory": name, "created_at": stored(call.now),
        "file_count": files.len(), "_files": listed,
    });
    let version = call.store.insert(&SKILL_VERSIONS, object(version)).clone();
    set_latest(call, skill);
    version
}

/// The newest version is the latest.
fn set_latest(call: &mut Call<'_>, skill: &str) {
    let latest = call.store.of(&SKILL_VERSIONS, "skill_id", skill).next_back().cloned();
    let (latest, now) = (latest.unwrap_or_default(), stored(call.now));
    if let Some(row) = call.store.get_mut(&SKILLS, skill) {
        row.insert("latest_version".to_owned(), latest.get("version").cloned().unwrap_or_default());
        row.insert("latest_version_id".to_owned(), latest.get("id").cloned().unwrap_or_default());
        row.insert("updated_at".to_owned(), json!(now));
    }
}

/// The files of a version as v0 shows them.
fn contents(version: &Object) -> Value {
    let show = |(path, bytes): (String, Bytes)| match std::str::from_utf8(&bytes) {
        Ok(content) => json!({"filename": path, "content": content, "encoding": "utf8"}),
        Err(_) => json!({"filename": path, "content": STANDARD.encode(&bytes), "encoding": "base64"}),
    };
    stored_files(version).into_iter().map(show).collect()
}

fn stored_files(version: &Object) -> Files {
    let files = version.get("_files").and_then(Value::as_array).into_iter().flatten();
    let file = |file: &Value| {
        let bytes = STANDARD.decode(file["content"].as_str()?).ok()?;
        Some((file["path"].as_str()?.to_owned(), bytes.into()))
    };
    files.filter_map(file).collect()
}

pub(super) fn create_version(call: &mut Call<'_>) -> Outcome<Settings> {
    let skill = call.path_text("skill_id").to_owned();
    call.find(&SKILLS, &skill)?;
    let (files, name, description) = checked(call)?;
    let version = add_version(call, &skill, &files, &name, &description);
    Ok(shown(call, &version).into())
}

fn shown(call: &Call<'_>, version: &Object) -> Object {
    let mut shown = call.view(&SKILL_VERSIONS, version);
    if call.platform.is_v0() {
        shown.remove("file_count");
        shown.insert("files".to_owned(), contents(version));
    }
    shown
}

/// The version that the path names.
fn named<'a>(call: &'a Call<'_>) -> Result<&'a Object, ErrorReply> {
    let (skill, version) = (call.path_text("skill_id"), call.path_text("skill_version"));
    call.find(&SKILLS, skill)?;
    call.find(&SKILL_VERSIONS, &format!("{skill}:{version}"))
}

pub(super) fn get_version(call: &mut Call<'_>) -> Outcome<Settings> {
    Ok(shown(call, named(call)?).into())
}

pub(super) fn remove(call: &mut Call<'_>) -> Outcome<Settings> {
    let skill = call.find(&SKILLS, call.id())?;
    if skill["source"] == source(call.platform, "anthropic") {
        let (status, message) = (StatusCode::FORBIDDEN, "Built-in skills cannot be deleted".to_owned());
        return Err(ErrorReply::Rejected { status, code: "permission_error", message });
    }
    delete(call, &SKILLS, "skill_deleted", &[&SKILL_VERSIONS])
}

pub(super) fn remove_version(call: &mut Call<'_>) -> Outcome<Settings> {
    let version = named(call)?.clone();
    let skill = call.path_text("skill_id").to_owned();
    if call.store.of(&SKILL_VERSIONS, "skill_id", &skill).count() == 1 {
        let message = "The last version cannot be deleted";
        return Err(if call.platform.is_v0() { invalid(message) } else { ErrorReply::Conflict(message.to_owned()) });
    }
    call.store.remove(&SKILL_VERSIONS, SKILL_VERSIONS.id(&version));
    set_latest(call, &skill);
    Ok(json!({"type": "skill_version_deleted", "id": version["id"]}).into())
}

pub(super) fn download_version(call: &mut Call<'_>) -> Outcome<Settings> {
    let version = named(call)?;
    let folder = text(version, "directory").unwrap_or_default();
    let files = stored_files(version).into_iter().map(|(path, bytes)| (format!("{folder}/{path}"), bytes));
    let bytes = zip::write(&files.collect::<Files>());
    Ok(Output::Bytes {
        media: "application/zip".to_owned(),
        bytes: bytes.into(),
        file_name: Some(format!("{folder}.zip")),
    })
}

/// A file of the latest version, as it is documented.
pub(super) fn file(call: &mut Call<'_>) -> Outcome<Settings> {
    let (skill, name) = (call.path_text("skill_id"), call.path_text("filename"));
    call.find(&SKILLS, skill)?;
    let latest = call.store.of(&SKILL_VERSIONS, "skill_id", skill).next_back();
    let found = latest.map(stored_files).unwrap_or_default().into_iter().find(|(path, _)| path == name);
    let (path, bytes) = found.ok_or_else(|| ErrorReply::not_found("File", name))?;
    Ok(Output::Bytes { media: "application/octet-stream".to_owned(), bytes, file_name: Some(path) })
}
