//! Threads of sessions.

use serde_json::{Value, json};

use super::tables::{SESSIONS, THREADS, archive};
use super::{Call, Settings, agents};
use crate::sandbox::clock::stored;
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::Outcome;
use crate::sandbox::platform::World;
use crate::sandbox::store::{Object, object, text};

/// Adds a thread of an agent of this name; of the session's own, the primary thread, if there is no parent.
pub(super) fn insert(world: &mut World<'_, Settings>, session: &str, id: &str, parent: Option<&str>, name: &Value) {
    let now = stored(world.now);
    let mut agent = world.store.get(&SESSIONS, session).map_or(Value::Null, |session| session["agent"].clone());
    if agent["name"] != *name {
        agent = json!({"type": "inline", "name": name});
    }
    let agent_id = agent.get("id").cloned();
    world.store.insert(
        &THREADS,
        object(json!({
            "_key": format!("{session}:{id}"), "id": id, "type": "session_thread", "session_id": session,
            "parent_thread_id": parent, "agent": agent, "agent_id": agent_id, "agent_name": name, "status": "idle",
            "stats": null, "usage": null, "workflow_run_id": null, "archived_at": null, "created_at": now,
            "updated_at": now,
        })),
    );
}

/// The rows of a session's threads, the primary one first.
fn of<'a>(call: &'a Call<'_>, session: &'a str) -> impl Iterator<Item = &'a Object> {
    call.store.of(&THREADS, "session_id", session)
}

/// The thread that the path names. Primary ones of v0 all have the same id.
pub(super) fn named<'a>(call: &'a Call<'_>) -> Result<&'a Object, ErrorReply> {
    let (session, id) = (call.path_text("session_id"), call.path_text("thread_id"));
    call.find(&SESSIONS, session)?;
    let found = of(call, session).find(|thread| text(thread, "id") == Some(id));
    found.ok_or_else(|| ErrorReply::not_found("Thread", id))
}

/// What events of a thread have as their thread: nothing in the primary one.
pub(super) fn place(thread: &Object) -> Value {
    if thread["parent_thread_id"].is_null() { Value::Null } else { thread["id"].clone() }
}

/// The status of the primary thread is the session's.
fn shown(call: &Call<'_>, thread: &Object) -> Object {
    let mut shown = call.view(&THREADS, thread);
    let session = text(thread, "session_id").and_then(|id| call.store.get(&SESSIONS, id));
    if let Some(session) = session.filter(|_| place(thread).is_null()) {
        shown.insert("status".to_owned(), session["status"].clone());
    }
    shown
}

pub(super) fn list(call: &mut Call<'_>) -> Outcome<Settings> {
    let session = call.path_text("session_id");
    call.find(&SESSIONS, session)?;
    let statuses = call.query.get("statuses").and_then(Value::as_array).filter(|_| call.platform.is_anthropic());
    let threads = of(call, session).map(|thread| shown(call, thread));
    let threads = threads.filter(|thread| statuses.is_none_or(|statuses| statuses.contains(&thread["status"])));
    Ok(call.page(threads.collect(), "id").into())
}

pub(super) fn get(call: &mut Call<'_>) -> Outcome<Settings> {
    Ok(shown(call, named(call)?).into())
}

pub(super) fn mark(call: &mut Call<'_>) -> Outcome<Settings> {
    let key = named(call)?["_key"].clone();
    call.path.insert("thread_id".to_owned(), key);
    archive(call, &THREADS)
}

/// The name of the agent of a session.
pub(super) fn agent_name(world: &World<'_, Settings>, session: &str) -> String {
    world.store.get(&SESSIONS, session).map_or_else(String::new, |session| agents::name(&session["agent"]).to_owned())
}
