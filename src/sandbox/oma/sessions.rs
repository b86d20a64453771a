//! Sessions.

use serde_json::{Value, json};

use super::tables::{
    EVENTS, OUTPUTS, PENDING, RESOURCES, SESSIONS, THREADS, TURNS, VAULTS, begin, discard, invalid, is_archived,
    is_listed, merge_metadata,
};
use super::{Call, Settings, agents, environments, events, resources, run};
use crate::sandbox::clock::{self, Micros, stored};
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::{Outcome, ascending};
use crate::sandbox::platform::World;
use crate::sandbox::store::{Object, Store, Table, text};

/// What goes along with a session.
pub(super) const PARTS: &[&Table] = &[&EVENTS, &PENDING, &TURNS, &THREADS, &RESOURCES, &OUTPUTS];

pub(super) fn create(call: &mut Call<'_>) -> Outcome<Settings> {
    let body = call.body.as_object().cloned().unwrap_or_default();
    let id = open(call, body)?;
    let row = call.store.get(&SESSIONS, &id).cloned().unwrap_or_default();
    let mut session = call.view(&SESSIONS, &row);
    // Only here v0 says what it has mounted.
    session.insert("resources".to_owned(), resources::of(call.store, &id));
    Ok(session.into())
}

/// Checks a new session's references, stores it and starts what it begins with. Returns its id.
pub(super) fn open(call: &mut Call<'_>, mut session: Object) -> Result<String, ErrorReply> {
    let (agent, environment) = (session["agent"].clone(), session["environment_id"].clone());
    let mut snapshot = agents::snapshot(&agents::named(call, &agent)?);
    environments::named(call, environment.as_str().unwrap_or_default())?;
    let v0 = call.platform.is_v0();
    for vault in session.get("vault_ids").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        if !v0 {
            call.find(&VAULTS, vault)?;
        }
    }
    if call.platform.sessions.is_some_and(|quota| call.store.rows(&SESSIONS).count() >= quota) {
        let message = "Your balance is too low to create a session".to_owned();
        return Err(ErrorReply::Limit { name: "sessions", message });
    }
    let inputs = session.remove("resources").and_then(|it| it.as_array().cloned()).unwrap_or_default();
    let inputs = resources::read(call, &inputs)?;
    let starts = session.remove("initial_events").and_then(|it| it.as_array().cloned()).unwrap_or_default();
    if agent["type"] == "agent_with_overrides" {
        for name in ["system", "tools", "skills", "mcp_servers"] {
            snapshot.extend(agent.get(name).map(|value| (name.to_owned(), value.clone())));
        }
        snapshot.extend(agent.get("model").map(|model| ("model".to_owned(), agents::full_model(model))));
    }
    begin(
        call,
        &mut session,
        if v0 { "sess" } else { "sesn" },
        json!({
            "type": "session", "agent_id": snapshot["id"], "title": if v0 { json!("") } else { Value::Null },
            // Newer servers start the container first.
            "status": if v0 { "idle" } else { "running" },
            "budget": null, "metadata": {}, "vault_ids": [], "outcome_evaluations": [], "terminated_at": null,
            "created_at": stored(call.now), "updated_at": if v0 { Value::Null } else { json!(stored(call.now)) },
            "_seq": 0, "_input": 0, "_output": 0,
        }),
    );
    let name = snapshot["name"].clone();
    session.insert("agent".to_owned(), Value::Object(snapshot));
    let id = SESSIONS.id(call.store.insert(&SESSIONS, session)).to_owned();
    for input in inputs {
        resources::insert(call, &id, input);
    }
    let thread = if v0 { "sthr_primary".to_owned() } else { call.platform.id("sthr") };
    super::threads::insert(&mut call.world(), &id, &thread, None, &name);
    for event in starts {
        events::accept(&mut call.world(), &id, event);
    }
    let started = id.clone();
    call.world().after(std::time::Duration::from_millis(1), SESSIONS.name, &id, move |world| {
        if !run::is_busy(world.store, &started) {
            set_status(world, &started, "idle");
        }
    });
    Ok(id)
}

pub(super) fn set_status(world: &mut World<'_, Settings>, id: &str, status: &str) {
    let now = stored(world.now);
    if let Some(session) = world.store.get_mut(&SESSIONS, id) {
        session.insert("status".to_owned(), json!(status));
        session.insert("updated_at".to_owned(), json!(now));
    }
}

/// Computes what changes while a session runs.
pub(super) fn complete(settings: &Settings, session: &mut Object, store: &Store, now: Micros) {
    let id = SESSIONS.id(session).to_owned();
    let created = text(session, "created_at").and_then(clock::parse).unwrap_or(now);
    let seconds = (now - created) / 1_000_000;
    session.insert("stats".to_owned(), json!({"duration_seconds": seconds}));
    let (input, output) = (session["_input"].clone(), session["_output"].clone());
    session.insert("usage".to_owned(), json!({"input_tokens": input, "output_tokens": output}));
    let resources = if settings.is_v0() { json!([]) } else { resources::of(store, &id) };
    session.insert("resources".to_owned(), resources);
    if let (false, Some(agent)) = (settings.is_v0(), session.get_mut("agent").and_then(Value::as_object_mut)) {
        super::tables::defaults(agent, json!({"multiagent": null}));
    }
}

pub(super) fn is_kept(call: &Call<'_>, session: &Object) -> bool {
    let of = |name: &str, values: &Value| session.get(name).is_some_and(|it| it == values);
    let statuses = call.query.get("statuses").and_then(Value::as_array);
    let version = |version: &Value| session["agent"]["version"] == *version;
    is_listed(call, session)
        && statuses.is_none_or(|statuses| statuses.contains(&session["status"]))
        && call.query.get("agent_id").is_none_or(|id| of("agent_id", id))
        && call.query.get("agent_version").is_none_or(version)
        && call.query.get("deployment_id").is_none_or(|id| of("deployment_id", id))
        && call.text("memory_store_id").is_none_or(|store| {
            call.store
                .of(&RESOURCES, "session_id", SESSIONS.id(session))
                .any(|it| text(it, "memory_store_id") == Some(store))
        })
}

pub(super) fn order(call: &Call<'_>, a: &Object, b: &Object) -> std::cmp::Ordering {
    let oldest_first = call.text("order") == Some("asc");
    if oldest_first { ascending("_n", a, b) } else { std::cmp::Ordering::Equal }
}

pub(super) fn update(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = call.id().to_owned();
    let before = call.find(&SESSIONS, &id)?.clone();
    let mut body = call.body.as_object().cloned().unwrap_or_default();
    let mut session = before.clone();
    if let Some(change) = body.remove("metadata") {
        session.insert("metadata".to_owned(), merge_metadata(before.get("metadata"), Some(&change)));
    }
    if let Some(change) = body.remove("agent") {
        if run::is_busy(call.store, &id) {
            return Err(invalid("The session's agent can only be changed while it does not run"));
        }
        for (name, value) in change.as_object().cloned().unwrap_or_default() {
            session["agent"][name] = if value.is_null() { json!([]) } else { value };
        }
    }
    if body.contains_key("budget") && before["budget"].is_null() {
        return Err(invalid("A session without a budget cannot get one"));
    }
    session.extend(body);
    let changed: Object = ["title", "metadata", "agent", "budget"]
        .iter()
        .filter(|name| session.get(**name) != before.get(**name))
        .map(|name| ((*name).to_owned(), session[*name].clone()))
        .collect();
    session.insert("updated_at".to_owned(), json!(stored(call.now)));
    if let Some(row) = call.store.get_mut(&SESSIONS, &id) {
        row.clone_from(&session);
    }
    if !call.platform.is_v0() && !changed.is_empty() {
        let mut event = changed;
        event.insert("type".to_owned(), json!("session.updated"));
        events::append(&mut call.world(), &id, None, event);
    }
    let row = call.find(&SESSIONS, &id)?;
    Ok(call.view(&SESSIONS, row).into())
}

/// Whether the session is neither archived nor terminated, and does not run where that matters.
fn check_at_rest(call: &Call<'_>, id: &str) -> Result<(), ErrorReply> {
    let session = call.find(&SESSIONS, id)?;
    let running = !is_archived(session) && text(session, "status") == Some("running") && run::is_busy(call.store, id);
    if running && !call.platform.is_v0() {
        return Err(invalid("The session is running: interrupt it first"));
    }
    Ok(())
}

pub(super) fn archive(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = call.id().to_owned();
    check_at_rest(call, &id)?;
    run::stop(&mut call.world(), &id);
    if call.platform.is_anthropic() {
        run::set_and_say(&mut call.world(), &id, "terminated", json!({}));
    }
    super::tables::archive(call, &SESSIONS)
}

pub(super) fn remove(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = call.id().to_owned();
    check_at_rest(call, &id)?;
    discard(call, &SESSIONS, "session_deleted", PARTS)
}

/// Cancelling, as it is documented.
pub(super) fn cancel(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = call.id().to_owned();
    call.find(&SESSIONS, &id)?;
    run::interrupt(&mut call.world(), &id);
    let row = call.find(&SESSIONS, &id)?;
    Ok(call.view(&SESSIONS, row).into())
}

/// Runs no command: prints it.
pub(super) fn execute(call: &mut Call<'_>) -> Outcome<Settings> {
    call.find(&SESSIONS, call.path_text("session_id"))?;
    let command = call.field("command").unwrap_or_default();
    Ok(json!({"exit_code": 0, "output": format!("$ {command}\n"), "truncated": false}).into())
}
