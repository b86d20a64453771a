//! Files.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::tables::{CONTENTS, FILES, SESSIONS, begin, invalid};
use super::{Call, Settings};
use crate::sandbox::clock::stored;
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::{Outcome, Output};
use crate::sandbox::store::{Object, object, text};

/// What a server takes at most.
const LARGEST: usize = 25 * 1024 * 1024;

pub(super) fn upload(call: &mut Call<'_>) -> Outcome<Settings> {
    let Some(part) = call.files.iter().find(|part| part.name == "file").cloned() else {
        return Err(invalid("Invalid request field file: is required"));
    };
    if part.content.len() > LARGEST && !call.platform.is_anthropic() {
        let (status, message) = (StatusCode::PAYLOAD_TOO_LARGE, "The file is too large".to_owned());
        return Err(ErrorReply::Rejected { status, code: "invalid_request_error", message });
    }
    let v0 = call.platform.is_v0();
    let scope = call.field("scope_id").filter(|_| v0).map(str::to_owned);
    let downloadable = !v0 || matches!(call.field("downloadable"), Some("true" | "1"));
    let lifetime = call.body["expires_in_seconds"].as_i64();
    let expires = lifetime.map(|seconds| stored(call.now + seconds * 1_000_000));
    let name = part.file_name.unwrap_or_default();
    let media = part.content_type.unwrap_or_else(|| "application/octet-stream".to_owned());
    let mut file = insert(call, &name, &media, &part.content, scope, downloadable);
    file.insert("expires_at".to_owned(), json!(expires));
    respond(call, file)
}

/// Stores a file.
fn insert(
    call: &mut Call<'_>,
    name: &str,
    media: &str,
    content: &Bytes,
    scope: Option<String>,
    downloadable: bool,
) -> Object {
    let mut file = Object::new();
    begin(
        call,
        &mut file,
        "file",
        json!({
            "type": "file", "filename": name, "mime_type": media, "size_bytes": content.len(), "expires_at": null,
            "scope": scope.as_ref().map(|id| json!({"type": "session", "id": id})), "downloadable": downloadable,
            "created_at": stored(call.now),
        }),
    );
    let id = file["id"].clone();
    call.store.insert(&CONTENTS, object(json!({"id": id, "_file": id, "content": STANDARD.encode(content)})));
    if let Some(scope) = scope {
        file.insert("scope_id".to_owned(), json!(scope));
    }
    file
}

fn respond(call: &mut Call<'_>, file: Object) -> Outcome<Settings> {
    let file = call.store.insert(&FILES, file).clone();
    let shown = call.view(&FILES, &file);
    Ok(shown.into())
}

/// Makes a file of what a session's sandbox holds; here of its path.
pub(super) fn promote(call: &mut Call<'_>) -> Outcome<Settings> {
    let session = call.path_text("session_id").to_owned();
    call.find(&SESSIONS, &session)?;
    let path = call.field("path").unwrap_or_default().to_owned();
    let name = call.field("filename").or(path.rsplit('/').next()).unwrap_or_default().to_owned();
    let media = call.field("media_type").unwrap_or("text/plain").to_owned();
    let downloadable = call.body["downloadable"].as_bool().unwrap_or(true);
    let file = insert(call, &name, &media, &Bytes::from(path), Some(session), downloadable);
    respond(call, file)
}

pub(super) fn list(call: &mut Call<'_>) -> Outcome<Settings> {
    let scope = call.text("scope_id");
    let ids = call.query.get("ids").and_then(Value::as_array);
    let kept = |file: &&Object| {
        scope.is_none_or(|scope| file["scope"]["id"] == scope) && ids.is_none_or(|ids| ids.contains(&file["id"]))
    };
    let mut files: Vec<Object> =
        call.store.rows(&FILES).rev().filter(kept).map(|file| call.view(&FILES, file)).collect();
    if call.text("order") == Some("asc") {
        files.reverse();
    }
    Ok(call.page(files, "id").into())
}

pub(super) fn download(call: &mut Call<'_>) -> Outcome<Settings> {
    let file = call.find(&FILES, call.path_text("file_id"))?;
    let documented = call.platform.server == super::Server::Documented;
    if file["downloadable"] != true && !documented {
        return Err(ErrorReply::Rejected {
            status: StatusCode::FORBIDDEN,
            code: if call.platform.is_v0() { "permission_error" } else { "file_not_downloadable" },
            message: "File is not downloadable".to_owned(),
        });
    }
    let content = call.store.get(&CONTENTS, FILES.id(file)).and_then(|row| text(row, "content"));
    let content = content.and_then(|content| STANDARD.decode(content).ok()).unwrap_or_default();
    Ok(Output::Bytes {
        media: text(file, "mime_type").unwrap_or("application/octet-stream").to_owned(),
        bytes: content.into(),
        file_name: text(file, "filename").map(str::to_owned),
    })
}
