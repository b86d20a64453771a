//! Agents: their life, and what is said of them.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{AGENTS, Call, LINES, Settings, USER_ID, begun, logs, metrics, security, set, text_of};
use crate::sandbox::clock::{parse, stored};
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::{Outcome, Output, ascending};
use crate::sandbox::platform::World;
use crate::sandbox::reply::Reply;
use crate::sandbox::store::{Object, object, text};

/// Each step of an agent's life takes this time, or until its status is read.
const STEP: Duration = Duration::from_secs(1);
/// The most agents of a user.
const MOST: usize = 5;
/// What the names of plugins that exist begin with.
const PLUGIN: &str = "@elizaos/plugin-";

/// The statuses of a deployment, and what the log says of each.
const DEPLOYMENT: [(&str, &str); 4] = [
    ("BUILDING", "building the image"),
    ("SCANNING", "scanning the image"),
    ("DEPLOYING", "applying to the cluster"),
    ("DEPLOYED", "agent is live"),
];

pub(super) fn create(call: &mut Call<'_>) -> Outcome<Settings> {
    if call.store.rows(&AGENTS).count() >= MOST {
        return Err(ErrorReply::bad_request("VALIDATION_ERROR", format!("at most {MOST} agents per user")));
    }
    let replicas = call.body["resources"]["replicas"].as_i64().unwrap_or(1);
    check_quota(call, replicas)?;
    let now = stored(call.now);
    let agent = json!({
        "name": call.body["agentName"], "description": call.body["description"], "owner": USER_ID, "status": "QUEUED",
        "createdAt": now, "lastUpdated": now, "url": null, "deployedAt": null,
        "_replicas": replicas, "_ready": 0, "_plugins": call.body["selectedPlugins"],
        "_platforms": call.body["platforms"], "_resources": call.body["resources"],
    });
    let id = AGENTS.id(call.store.insert(&AGENTS, object(agent))).to_owned();
    let mut world = call.world();
    security::note(&mut world, "AGENT_CREATED", "INFO", Some(&id), "agent created");
    logs::write(&mut world, &id, "INFO", "queued");
    deploy(&mut world, &id, 0);
    let said = json!({"agentId": id, "status": "QUEUED", "createdAt": now, "estimatedDeployTime": "5-10 minutes"});
    respond(call, StatusCode::CREATED, said)
}

fn check_quota(call: &Call<'_>, more: i64) -> Result<(), ErrorReply> {
    let used: i64 = call.store.rows(&AGENTS).filter_map(|agent| agent["_replicas"].as_i64()).sum();
    match call.platform.quota {
        Some(quota) if used + more > quota => {
            let message = format!("{quota} replicas are allowed");
            Err(ErrorReply::Limit { name: "RESOURCE_LIMIT_EXCEEDED", message })
        }
        _ => Ok(()),
    }
}

/// Goes on with a deployment at this step.
fn deploy(world: &mut World<'_, Settings>, id: &str, at: usize) {
    let Some((status, line)) = DEPLOYMENT.get(at) else { return };
    step(world, id, move |world, id| {
        become_(world, id, status);
        logs::write(world, id, "INFO", line);
        if *status == "BUILDING"
            && let Some(plugin) = missing_plugin(world, id)
        {
            return step(world, id, move |world, id| {
                become_(world, id, "FAILED");
                logs::write(world, id, "ERROR", &format!("no such plugin: {plugin}"));
            });
        }
        match *status {
            "DEPLOYED" => live(world, id),
            _ => deploy(world, id, at + 1),
        }
    });
}

fn missing_plugin(world: &World<'_, Settings>, id: &str) -> Option<String> {
    let plugins = world.store.get(&AGENTS, id)?.get("_plugins")?.as_array()?;
    plugins.iter().filter_map(Value::as_str).find(|name| !name.starts_with(PLUGIN)).map(str::to_owned)
}

/// The agent is live, with all its replicas.
fn live(world: &mut World<'_, Settings>, id: &str) {
    let Some(agent) = world.store.get_mut(&AGENTS, id) else { return };
    let ready = agent["_replicas"].clone();
    agent.insert("_ready".to_owned(), ready);
    agent.insert("url".to_owned(), json!(format!("https://{id}.agents.launchpad.example")));
    let now = stored(world.now);
    agent.entry("deployedAt").and_modify(|at| {
        if at.is_null() {
            *at = json!(now);
        }
    });
    logs::beat(world, id);
}

/// Does `next` after a step, instead of what was to come before.
fn step(world: &mut World<'_, Settings>, id: &str, next: impl FnOnce(&mut World<'_, Settings>, &str) + Send + 'static) {
    let agent = id.to_owned();
    world.after_reads(1, STEP, AGENTS.name, id, move |world| next(world, &agent));
}

fn become_(world: &mut World<'_, Settings>, id: &str, status: &str) {
    let now = stored(world.now);
    set(world, &AGENTS, id, json!({"status": status, "lastUpdated": now}));
}

/// Changes an agent for a step, after which it is live again.
fn pass_through(call: &mut Call<'_>, status: &'static str, line: &'static str) -> Result<String, ErrorReply> {
    let id = call.id().to_owned();
    call.find(&AGENTS, &id)?;
    let mut world = call.world();
    world.cancel_steps(AGENTS.name, &id);
    become_(&mut world, &id, status);
    logs::write(&mut world, &id, "INFO", line);
    step(&mut world, &id, |world, id| {
        become_(world, id, "DEPLOYED");
        live(world, id);
    });
    Ok(id)
}

pub(super) fn update(call: &mut Call<'_>) -> Outcome<Settings> {
    let changes = call.body.as_object().cloned().unwrap_or_default();
    let id = pass_through(call, "UPDATING", "updating")?;
    let applied: Map<String, Value> = changes.keys().map(|name| (name.clone(), json!(true))).collect();
    if let Some(agent) = call.store.get_mut(&AGENTS, &id) {
        for (from, to) in [
            ("agentName", "name"),
            ("description", "description"),
            ("selectedPlugins", "_plugins"),
            ("platforms", "_platforms"),
            ("resources", "_resources"),
        ] {
            if let Some(value) = changes.get(from) {
                agent.insert(to.to_owned(), value.clone());
            }
        }
        if let Some(replicas) = changes.get("resources").and_then(|resources| resources.get("replicas")) {
            agent.insert("_replicas".to_owned(), replicas.clone());
        }
    }
    begun(call, json!({"agentId": id, "status": "UPDATING", "changes_applied": applied}))
}

pub(super) fn restart(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = pass_through(call, "RESTARTING", "restarting")?;
    begun(call, json!({"agentId": id, "status": "RESTARTING", "message": "restart started"}))
}

pub(super) fn start(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = pass_through(call, "DEPLOYING", "starting")?;
    begun(call, json!({"agentId": id, "status": "DEPLOYING", "message": "start started"}))
}

pub(super) fn stop(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = call.id().to_owned();
    call.find(&AGENTS, &id)?;
    let mut world = call.world();
    world.cancel_steps(AGENTS.name, &id);
    logs::write(&mut world, &id, "INFO", "stopped");
    become_(&mut world, &id, "STOPPED");
    set(&mut world, &AGENTS, &id, json!({"_ready": 0, "url": null}));
    begun(call, json!({"agentId": id, "status": "STOPPED", "message": "stopped"}))
}

pub(super) fn scale(call: &mut Call<'_>) -> Outcome<Settings> {
    let replicas = call.body["replicas"].as_i64().unwrap_or(1);
    let id = call.id().to_owned();
    let before = call.find(&AGENTS, &id)?["_replicas"].as_i64().unwrap_or(1);
    check_quota(call, replicas - before)?;
    pass_through(call, "SCALING", "scaling")?;
    set(&mut call.world(), &AGENTS, &id, json!({"_replicas": replicas}));
    begun(call, json!({"agentId": id, "currentReplicas": replicas, "targetReplicas": replicas, "status": "SCALING"}))
}

pub(super) fn delete(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = call.id().to_owned();
    call.find(&AGENTS, &id)?;
    let mut world = call.world();
    world.cancel_steps(AGENTS.name, &id);
    become_(&mut world, &id, "DELETING");
    step(&mut world, &id, |world, id| {
        world.store.remove_all(&LINES, |line| text(line, "agentId") == Some(id));
        world.store.remove(&AGENTS, id);
    });
    begun(call, json!({"agentId": id, "status": "DELETING", "message": "deletion started"}))
}

pub(super) fn status(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = call.id().to_owned();
    let state = state(call.find(&AGENTS, &id)?, call.now);
    call.world().count_read(AGENTS.name, &id);
    respond(call, StatusCode::OK, state)
}

/// An agent with its health.
fn state(agent: &Object, now: i64) -> Value {
    let status = text_of(agent, "status");
    let health = match status {
        "DEPLOYED" | "SCALING" | "UPDATING" | "RESTARTING" => {
            let healthy = if status == "DEPLOYED" { "HEALTHY" } else { "DEGRADED" };
            json!({
                "overall": healthy,
                "kubernetes": {"status": healthy, "replicas": agent["_replicas"], "readyReplicas": agent["_ready"]},
                "application": {"status": healthy, "uptime": uptime(agent, now), "responseTime": "38ms"},
            })
        }
        "FAILED" => json!({"overall": "UNHEALTHY"}),
        _ => Value::Null,
    };
    let mut state = agent.clone();
    state.insert("health".to_owned(), health);
    Value::Object(state)
}

fn uptime(agent: &Object, now: i64) -> String {
    let minutes = metrics::seconds_live(agent, now) / 60;
    if minutes < 60 { format!("{minutes}m") } else { format!("{}h {}m", minutes / 60, minutes % 60) }
}

pub(super) fn list(call: &mut Call<'_>) -> Outcome<Settings> {
    let wanted = |agent: &&Object| {
        let is = |name: &str, field: &str| {
            call.text(name).is_none_or(|wanted| text_of(agent, field).eq_ignore_ascii_case(wanted))
        };
        let on = call.text("platform").is_none_or(|platform| agent["_platforms"].get(platform).is_some());
        is("status", "status") && is("owner", "owner") && on
    };
    let agents = call.store.rows(&AGENTS).rev().filter(wanted).cloned().collect();
    let page = call.page(agents, AGENTS.key);
    Ok(page.into())
}

pub(super) fn get(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = call.id().to_owned();
    let agent = call.find(&AGENTS, &id)?;
    let mut full = object(json!({
        "id": id, "name": agent["name"], "status": agent["status"], "owner": agent["owner"], "url": agent["url"],
        "created_at": agent["createdAt"], "deployed_at": agent["deployedAt"], "last_activity": agent["lastUpdated"],
        "portainer": {"stack_id": 1, "stack_status": "active", "containers": [], "services": []},
    }));
    if text_of(agent, "status") == "DEPLOYED" {
        full.insert("metrics".to_owned(), metrics::usage(agent, call.now));
        full.insert(
            "health".to_owned(),
            json!({
                "status": "HEALTHY",
                "last_check": stored(call.now),
                "checks": [{"name": "http", "status": "passing", "response_time": "38ms"}],
            }),
        );
    }
    Ok(json!({"agent": full}).into())
}

pub(super) fn search(call: &mut Call<'_>) -> Outcome<Settings> {
    let query = call.text("q").unwrap_or_default().to_lowercase();
    let time = |name: &str| call.text(name).and_then(parse);
    let (after, before) = (time("created_after"), time("created_before"));
    let fits = |agent: &&Object| {
        let texts = [text_of(agent, "name"), text_of(agent, "description")];
        let created = parse(text_of(agent, "createdAt")).unwrap_or_default();
        let status = call.text("status").is_none_or(|status| text_of(agent, "status").eq_ignore_ascii_case(status));
        let on = call.text("platform").is_none_or(|platform| agent["_platforms"].get(platform).is_some());
        texts.iter().any(|text| text.to_lowercase().contains(&query))
            && status
            && on
            && after.is_none_or(|after| created > after)
            && before.is_none_or(|before| created < before)
    };
    let mut found: Vec<&Object> = call.store.rows(&AGENTS).filter(fits).collect();
    match call.text("sort") {
        Some("name") => found.sort_by(|a, b| ascending("name", a, b)),
        Some("last_activity") => found.sort_by(|a, b| ascending("lastUpdated", a, b)),
        _ => {}
    }
    if call.text("order") == Some("desc") {
        found.reverse();
    }
    let results = found.into_iter().map(|agent| {
        let platform = agent["_platforms"].as_object().and_then(|platforms| platforms.keys().next());
        json!({
            "id": agent["agentId"], "name": agent["name"], "description": agent["description"],
            "status": agent["status"], "platform": platform, "relevance_score": 1.0,
        })
    });
    let results: Vec<Value> = results.collect();
    Ok(json!({"total_results": results.len(), "results": results, "search_time": "1ms"}).into())
}

/// What is said about an agent, in the way of this version.
fn respond(call: &Call<'_>, status: StatusCode, said: Value) -> Outcome<Settings> {
    if !call.platform.later {
        return Ok(said.into());
    }
    let mut agent = in_snake_case(said);
    if let Some(status) = agent.get_mut("status") {
        let word = status.as_str().unwrap_or_default().to_lowercase();
        *status = json!(if word == "deployed" { "running" } else { &word });
    }
    Ok(Output::Reply(Reply::json(status, &json!({"success": true, "agent": agent}))))
}

/// Without the sandbox's own fields; times with whole seconds.
fn in_snake_case(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let shown = fields.into_iter().filter(|(name, _)| !name.starts_with('_'));
            shown.map(|(name, value)| (snake(&name), in_snake_case(value))).collect()
        }
        value => value,
    }
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}
