//! Drafts.

use serde_json::json;

use super::{Call, DRAFTS, Settings, done, forbidden, listed, registry};
use crate::sandbox::clock::stored;
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::Outcome;
use crate::sandbox::store::{Object, object, text};

const KEY: [&str; 4] = ["registryRef", "promptName", "artifactType", "draftVersion"];

pub(super) fn save(call: &mut Call<'_>) -> Outcome<Settings> {
    if call.platform.members {
        return Err(forbidden("Organization admin required"));
    }
    registry::readable(call, call.field("registryRef").unwrap_or_default())?;
    let mut draft = call.body.as_object().cloned().unwrap_or_default();
    let body = draft.remove("body").unwrap_or_default();
    let before = draft.remove("previousPromptName");
    let now = stored(call.now);
    draft.extend(object(json!({"_body": body, "updatedAt": now})));
    let of_name = |name: Option<&str>, row: &Object| {
        KEY.iter().all(|field| {
            if *field == "promptName" { text(row, field) == name } else { row.get(*field) == draft.get(*field) }
        })
    };
    let (name, before) = (text(&draft, "promptName"), before.as_ref().and_then(|before| before.as_str()));
    let is_saved = |row: &Object| of_name(name, row) || (before.is_some() && of_name(before, row));
    let saved = call.store.rows(&DRAFTS).find(|row| is_saved(row)).map(|row| DRAFTS.id(row).to_owned());
    let said = if let Some(row) = saved.and_then(|id| call.store.get_mut(&DRAFTS, &id)) {
        row.extend(draft);
        row.clone()
    } else {
        draft.insert("createdAt".to_owned(), json!(now));
        call.store.insert(&DRAFTS, draft).clone()
    };
    let said: Object = said.into_iter().filter(|(name, _)| !name.starts_with('_')).collect();
    Ok(done(call, said.into()))
}

pub(super) fn get(call: &mut Call<'_>) -> Outcome<Settings> {
    Ok(find(call)?.into())
}

pub(super) fn body(call: &mut Call<'_>) -> Outcome<Settings> {
    Ok(find(call)?.remove("_body").unwrap_or_default().into())
}

pub(super) fn list(call: &mut Call<'_>) -> Outcome<Settings> {
    registry::readable(call, call.text("registryRef").unwrap_or_default())?;
    let name = call.path_text("promptName");
    let is_wanted = |row: &&Object| {
        text(row, "promptName") == Some(name)
            && ["registryRef", "artifactType"].iter().all(|field| text(row, field) == call.text(field))
            && registry::has(call.store, name, text(row, "draftVersion").unwrap_or_default()).is_none()
    };
    let rows = call.store.rows(&DRAFTS).filter(is_wanted).cloned().collect();
    Ok(listed(call, "drafts", rows))
}

pub(super) fn preview(call: &mut Call<'_>) -> Outcome<Settings> {
    registry::readable(call, call.field("registryRef").unwrap_or_default())?;
    let body = call.field("body").unwrap_or_default();
    let behind = body.strip_prefix("---\n").and_then(|rest| Some(rest.split_once("\n---\n")?.1));
    Ok(json!({"compiled": behind.unwrap_or(body)}).into())
}

fn find(call: &Call<'_>) -> Result<Object, ErrorReply> {
    registry::readable(call, call.text("registryRef").unwrap_or_default())?;
    let is_meant = |row: &&Object| KEY.iter().all(|field| text(row, field) == call.text(field));
    let found = call.store.rows(&DRAFTS).find(is_meant).cloned();
    found.ok_or_else(|| ErrorReply::not_found("Draft", call.text("promptName").unwrap_or_default()))
}
