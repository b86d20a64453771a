//! Runs: their life, and what comes of them.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Call, ITEMS, RUNS, Settings, limits, set, webhooks};
use crate::sandbox::clock::stored;
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::{Outcome, Output};
use crate::sandbox::ids;
use crate::sandbox::platform::World;
use crate::sandbox::spec::{RouteSpec, Segment};
use crate::sandbox::store::{Object, object, text};
use crate::sandbox::stream::{Format, Frame, Live, Next};

/// Each step of a run takes this time, or until the run is read.
const STEP: Duration = Duration::from_millis(500);
/// The confidence of an agent, if the input does not say.
const CONFIDENCE: f64 = 0.9;
/// Below it a human must decide.
const TRIAGED_BELOW: f64 = 0.5;

pub(super) fn new_id() -> String {
    format!("run_{}", &ids::uuid()[..8])
}

/// Whether a route is the one of the manual.
pub(super) fn is_manual(route: &RouteSpec) -> bool {
    route.path.contains(&Segment::Text("run"))
}

/// Completes a new run.
pub(super) fn new(call: &mut Call<'_>, run: &mut Object) -> Result<(), ErrorReply> {
    limits::spend(call, 1)?;
    if let Some(organization) = call.headers.get("x-eclips-org").and_then(|value| value.to_str().ok()) {
        run.insert("organization_id".to_owned(), json!(organization));
    }
    for (name, default) in [("agent_type", "center"), ("priority", "normal")] {
        run.entry(name).or_insert_with(|| json!(default));
    }
    let first = if call.platform.manual { "queued" } else { "running" };
    run.extend(object(json!({"status": first, "estimated_completion": "async"})));
    Ok(())
}

/// Begins the life of a stored run.
pub(super) fn begin(call: &mut Call<'_>, id: &str) {
    step(&mut call.world(), id, start);
}

fn step(world: &mut World<'_, Settings>, id: &str, next: fn(&mut World<'_, Settings>, &str)) {
    let run = id.to_owned();
    world.after_reads(1, STEP, RUNS.name, id, move |world| next(world, &run));
}

fn start(world: &mut World<'_, Settings>, id: &str) {
    let now = stored(world.now);
    set(world, &RUNS, id, json!({"status": "running", "started_at": now}));
    step(world, id, end);
}

/// Goes on after an approval.
pub(super) fn go_on(world: &mut World<'_, Settings>, id: &str) {
    set(world, &RUNS, id, json!({"status": "running", "requires_triage": false}));
    step(world, id, complete);
}

/// How a task ends, by its input.
pub(super) struct End {
    pub(super) error: Option<String>,
    pub(super) result: Value,
    pub(super) confidence: f64,
}

impl End {
    pub(super) fn of(task: &Object) -> Self {
        let data = task.get("data");
        let data = |name: &str| data.and_then(|data| data.get(name));
        let result = data("result").cloned().unwrap_or_else(|| json!({"done": task.get("task")}));
        let error = data("error").and_then(Value::as_str).map(str::to_owned);
        Self { error, result, confidence: data("confidence_score").and_then(Value::as_f64).unwrap_or(CONFIDENCE) }
    }
}

fn end(world: &mut World<'_, Settings>, id: &str) {
    let Some(run) = world.store.get(&RUNS, id) else { return };
    let End { error, result, confidence } = End::of(run);
    match error {
        Some(error) => fail(world, id, &error),
        None if confidence < TRIAGED_BELOW => ask(world, id, &result, confidence),
        None => complete(world, id),
    }
}

fn fail(world: &mut World<'_, Settings>, id: &str, error: &str) {
    let now = stored(world.now);
    set(world, &RUNS, id, json!({"status": "failed", "error": error, "completed_at": now}));
    webhooks::emit(world, id, "run.failed");
}

/// Waits for a human.
fn ask(world: &mut World<'_, Settings>, id: &str, result: &Value, confidence: f64) {
    let now = stored(world.now);
    let agent = world.store.get(&RUNS, id).and_then(|run| text(run, "agent_type")).unwrap_or_default();
    let item = object(json!({
        "run_id": id,
        "agent_type": agent,
        "status": "pending",
        "reason": format!("confidence {confidence} is below {TRIAGED_BELOW}"),
        "proposed_action": result,
        "confidence_score": confidence,
        "created_at": now,
    }));
    let item = ITEMS.id(world.store.insert(&ITEMS, item)).to_owned();
    let waits = json!({
        "status": "pending_triage",
        "requires_triage": true,
        "triage_item_id": item,
        "confidence_score": confidence,
    });
    set(world, &RUNS, id, waits);
    webhooks::emit(world, id, "run.triage_required");
}

fn complete(world: &mut World<'_, Settings>, id: &str) {
    let Some(run) = world.store.get(&RUNS, id) else { return };
    let End { result, confidence, .. } = End::of(run);
    let now = stored(world.now);
    let ended = json!({
        "status": "completed", "result": result, "confidence_score": confidence, "completed_at": now,
    });
    set(world, &RUNS, id, ended);
    webhooks::emit(world, id, "run.completed");
}

/// Streams each state of a run, as server-sent events: the real form is not documented.
pub(super) fn stream(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = call.id().to_owned();
    call.find(&RUNS, &id)?;
    let mut last = None;
    let live = Live::new(Format::Events, move |world: &mut World<'_, Settings>| {
        let Some(run) = world.store.get(&RUNS, &id) else { return Next { end: true, ..Next::default() } };
        let status = text(run, "status").map(str::to_owned);
        let end = matches!(status.as_deref(), Some("completed" | "failed" | "cancelled"));
        let is_new = last != status;
        let frames = if is_new { vec![Frame::event("status", Value::Object(run.clone()))] } else { Vec::new() };
        last = status;
        Next { frames, end }
    });
    Ok(Output::Live(live))
}
