//! Deployments, connections to vendors of models, tools.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{AGENTS, Call, DEPLOYMENTS, ENVIRONMENTS, PROVIDERS, Settings, TOOLS, admit, done, listed, registry};
use crate::sandbox::clock::stored;
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::Outcome;
use crate::sandbox::store::{Object, object, text};

pub(super) fn deploy(call: &mut Call<'_>) -> Outcome<Settings> {
    admit(call)?;
    let field = |name: &str| call.field(name).unwrap_or_default();
    let (name, version, environment) = (field("promptName"), field("version"), field("environment"));
    let Some(published) = registry::has(call.store, name, version) else {
        return Err(ErrorReply::not_found("Prompt", format!("{name}@{version}")));
    };
    if call.store.of(&ENVIRONMENTS, "slug", environment).next().is_none() {
        return Err(ErrorReply::not_found("Environment", environment));
    }
    let agents = call.body.get("agentIds").and_then(Value::as_array);
    let agents: Vec<String> = agents.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    for agent in &agents {
        call.find(&AGENTS, agent)?;
    }
    let applied = [
        "promptName",
        "version",
        "environment",
        "provider",
        "model",
        "toolRefs",
        "agentVariables",
        "agentProviderConfig",
    ];
    let set = applied.into_iter().filter_map(|name| Some((name.to_owned(), call.body.get(name)?.clone())));
    let set: Object = set.filter(|(_, value)| !value.is_null()).collect();
    let now = stored(call.now);
    let mut records = Vec::new();
    for agent in &agents {
        if let Some(row) = call.store.get_mut(&AGENTS, agent) {
            row.extend(set.clone());
        }
        let record = json!({
            "agentId": agent,
            "promptName": set["promptName"],
            "version": set["version"],
            "environment": set["environment"],
            "provider": set["provider"],
            "hash": published["hash"],
            "status": "applied",
            "createdAt": now,
        });
        let mut record = call.store.insert(&DEPLOYMENTS, object(record)).clone();
        record.remove("_n");
        records.push(record);
    }
    Ok(done(call, json!(records)))
}

pub(super) fn deployments(call: &mut Call<'_>) -> Outcome<Settings> {
    admit(call)?;
    let fits = |row: &&Object| {
        let same = |name: &str| call.field(name).is_none_or(|wanted| text(row, name) == Some(wanted));
        same("environment") && same("agentId")
    };
    let rows = call.store.rows(&DEPLOYMENTS).filter(fits).cloned().collect();
    Ok(listed(call, "deployments", rows))
}

pub(super) fn heatmap(call: &mut Call<'_>) -> Outcome<Settings> {
    admit(call)?;
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for row in call.store.rows(&DEPLOYMENTS) {
        let part = |name: &str| text(row, name).unwrap_or_default();
        *counts.entry((part("environment"), part("agentId"))).or_default() += 1;
    }
    let square = |((environment, agent), count)| json!({"environment": environment, "agentId": agent, "count": count});
    Ok(json!({"cells": counts.into_iter().map(square).collect::<Vec<_>>()}).into())
}

pub(super) fn create_provider(call: &mut Call<'_>) -> Outcome<Settings> {
    admit(call)?;
    let mut provider = call.body.as_object().cloned().unwrap_or_default();
    // The key is never shown again.
    provider.retain(|name, _| !matches!(name.as_str(), "apiKey" | "orgSlug"));
    if provider.get("isDefault") == Some(&json!(true)) {
        call.store.set_all(&PROVIDERS, "isDefault", &json!(false), |_| true);
    }
    let provider = call.store.insert(&PROVIDERS, provider).clone();
    Ok(done(call, provider.into()))
}

pub(super) fn update_tool(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = call.id().to_owned();
    let mut changes = call.body.as_object().cloned().unwrap_or_default();
    let version = text(call.find(&TOOLS, &id)?, "version").unwrap_or_default().to_owned();
    if let Some(bump) = changes.remove("bumpVersion") {
        // An explicit version counts.
        changes.entry("version").or_insert_with(|| json!(bumped(&version, bump.as_str().unwrap_or_default())));
    }
    changes.remove("updateEnvironmentVersions");
    let Some(row) = call.store.get_mut(&TOOLS, &id) else { return Err(ErrorReply::not_found("Tool", id)) };
    row.extend(changes);
    let mut said = row.clone();
    said.remove("_n");
    Ok(done(call, said.into()))
}

/// The next version.
fn bumped(version: &str, part: &str) -> String {
    let mut numbers = version.split('.').map(|part| part.parse::<u64>().unwrap_or_default());
    let mut next = || numbers.next().unwrap_or_default();
    let (major, minor, patch) = (next(), next(), next());
    match part {
        "major" => format!("{}.0.0", major + 1),
        "minor" => format!("{major}.{}.0", minor + 1),
        _ => format!("{major}.{minor}.{}", patch + 1),
    }
}
