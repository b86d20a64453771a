//! Registries, and the versions in them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Call, DRAFTS, REGISTRIES, Settings, VERSIONS, admit, done, listed};
use crate::sandbox::clock::stored;
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::Outcome;
use crate::sandbox::store::{Object, Store, object, text};

/// The variant that every model may use.
const GENERIC: &str = "generic";

pub(super) fn publish(call: &mut Call<'_>) -> Outcome<Settings> {
    let registry = writable(call, "registryRef")?;
    let mut version = call.body.get("artifact").cloned().map(object).unwrap_or_default();
    let name = version.remove("prompt").unwrap_or_default();
    version.insert("name".to_owned(), name);
    let (name, number, _) = key(&version);
    // Only drafts have a source.
    let draft = call.store.rows(&DRAFTS).rfind(|draft| {
        text(draft, "registryRef") == Some(&registry)
            && text(draft, "promptName") == Some(name)
            && text(draft, "draftVersion") == Some(number)
    });
    let source = draft.and_then(|draft| draft.get("_body")).or(version.get("compiled")).cloned();
    version.insert("source".to_owned(), json!(source));
    version.insert("artifactType".to_owned(), json!("prompt"));
    let version = add(call, &registry, version)?;
    let said = json!({"prompt": version["name"], "version": version["version"], "model": version["model"]});
    Ok(done(call, said))
}

pub(super) fn pull(call: &mut Call<'_>) -> Outcome<Settings> {
    let registry = readable(call, call.text("registryRef").unwrap_or_default())?;
    let (name, number) = (call.text("promptName").unwrap_or_default(), call.text("version").unwrap_or_default());
    let variants: Vec<&Object> = versions(call.store, &registry, name).filter(|it| key(it).1 == number).collect();
    let of = |model: &str| variants.iter().copied().find(|it| key(it).2 == model);
    let wanted = call.text("model").and_then(of).or_else(|| of(GENERIC));
    // Without a wish any variant will do.
    let wanted = wanted.or_else(|| variants.first().copied().filter(|_| call.text("model").is_none()));
    let found = wanted.ok_or_else(|| ErrorReply::not_found("Version", format!("{registry}/{name}@{number}")))?;
    Ok(found.clone().into())
}

pub(super) fn clone(call: &mut Call<'_>) -> Outcome<Settings> {
    let field = |name: &str| call.field(name).unwrap_or_default().to_owned();
    let source = readable(call, &field("sourceRegistryRef"))?;
    let target = writable(call, "targetRegistryRef")?;
    let name = field("sourcePromptName");
    let latest = || latest(call.store, &source, &name).map(|it| key(it).1.to_owned());
    let number = call.field("sourceVersion").map(str::to_owned).or_else(latest);
    let model = call.field("sourceModel");
    let found = versions(call.store, &source, &name)
        .filter(|it| Some(key(it).1) == number.as_deref() && model.is_none_or(|model| key(it).2 == model));
    let copies: Vec<Object> = found.cloned().collect();
    if copies.is_empty() {
        return Err(ErrorReply::not_found("Version", format!("{source}/{name}@{}", number.unwrap_or_default())));
    }
    let (name, number, kind) = (field("targetName"), field("targetVersion"), field("artifactType"));
    for mut copy in copies {
        copy.extend(object(json!({"name": name, "version": number, "artifactType": kind})));
        copy.remove("id");
        add(call, &target, copy)?;
    }
    Ok(done(call, json!({"prompt": name, "version": number})))
}

pub(super) fn details(call: &mut Call<'_>) -> Outcome<Settings> {
    let registry = readable(call, call.text("registryRef").unwrap_or_default())?;
    let name = call.text("promptName").unwrap_or_default();
    let latest = latest(call.store, &registry, name);
    let latest = latest.ok_or_else(|| ErrorReply::not_found("Prompt", format!("{registry}/{name}")))?;
    let versions: Vec<Value> = versions(call.store, &registry, name)
        .map(|it| json!({"version": it["version"], "model": it["model"], "hash": it["hash"]}))
        .collect();
    // About four characters are a token.
    let tokens = text(latest, "compiled").unwrap_or_default().chars().count().div_ceil(4);
    Ok(json!({"name": name, "versions": versions, "tokenCount": tokens, "metadata": latest["metadata"]}).into())
}

pub(super) fn list(call: &mut Call<'_>) -> Outcome<Settings> {
    admit(call)?;
    let shown = |row: &&Object| !call.anonymous || row["_public"] == true;
    let rows: Vec<Object> = call.store.rows(&REGISTRIES).filter(shown).cloned().collect();
    Ok(listed(call, "registries", rows))
}

pub(super) fn artifacts(call: &mut Call<'_>) -> Outcome<Settings> {
    let registry = readable(call, call.field("registryRef").unwrap_or_default())?;
    let all = call.store.of(&VERSIONS, "_registry", &registry);
    let names: BTreeSet<&str> = all.map(|version| key(version).0).collect();
    let rows = names.into_iter().filter_map(|name| latest(call.store, &registry, name).cloned()).collect();
    Ok(listed(call, "artifacts", rows))
}

/// Whether the organization has a version of that name and number, in any registry.
pub(super) fn has(store: &Store, name: &str, number: &str) -> Option<Object> {
    store.rows(&VERSIONS).find(|version| (key(version).0, key(version).1) == (name, number)).cloned()
}

/// The registry of that name, if the call may read it.
pub(super) fn readable(call: &Call<'_>, registry: &str) -> Result<String, ErrorReply> {
    match call.store.of(&REGISTRIES, "_ref", registry).next() {
        Some(row) if call.anonymous && row["_public"] != true => Err(ErrorReply::Unauthenticated),
        Some(_) => Ok(registry.to_owned()),
        None => Err(ErrorReply::not_found("Registry", registry)),
    }
}

/// The registry that a field of the body names.
fn writable(call: &Call<'_>, field: &str) -> Result<String, ErrorReply> {
    readable(call, call.field(field).unwrap_or_default())
}

fn add(call: &mut Call<'_>, registry: &str, mut version: Object) -> Result<Object, ErrorReply> {
    let (name, number, model) = key(&version);
    if versions(call.store, registry, name).any(|it| key(it) == (name, number, model)) {
        return Err(ErrorReply::Conflict(format!("{registry}/{name}@{number} is published for {model}")));
    }
    version.insert("_registry".to_owned(), json!(registry));
    version.insert("createdAt".to_owned(), json!(stored(call.now)));
    Ok(call.store.insert(&VERSIONS, version).clone())
}

fn versions<'s>(store: &'s Store, registry: &'s str, name: &'s str) -> impl Iterator<Item = &'s Object> {
    store.of(&VERSIONS, "_registry", registry).filter(move |version| key(version).0 == name)
}

fn latest<'s>(store: &'s Store, registry: &'s str, name: &'s str) -> Option<&'s Object> {
    versions(store, registry, name).max_by_key(|version| number(key(version).1))
}

/// Name, version and model.
fn key(version: &Object) -> (&str, &str, &str) {
    let part = |name: &str| text(version, name).unwrap_or_default();
    (part("name"), part("version"), part("model"))
}

/// What orders versions: `1.10.0` comes after `1.9.0`.
fn number(version: &str) -> Vec<u64> {
    version.split('.').map(|part| part.parse().unwrap_or_default()).collect()
}
