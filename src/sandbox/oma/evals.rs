//! Eval runs: every trial passes.

use std::time::Duration;

use serde_json::{Value, json};

use super::tables::{EVALS, begin};
use super::{Call, Settings, agents, environments};
use crate::sandbox::clock::stored;
use crate::sandbox::handlers::Outcome;
use crate::sandbox::platform::World;
use crate::sandbox::store::{Object, object};

pub(super) const FILTERS: &[&str] = &["agent_id", "environment_id", "status"];

pub(super) fn create(call: &mut Call<'_>) -> Outcome<Settings> {
    let body = call.body.clone();
    agents::named(call, &body["agent_id"])?;
    environments::named(call, body["environment_id"].as_str().unwrap_or_default())?;
    let task = |spec: &Value| {
        let trials = spec["trials"].as_u64().unwrap_or(1);
        let trial = |index: u64| json!({"trial_index": index, "status": "pending"});
        json!({
            "id": spec["id"], "spec": spec, "status": "pending", "trial_total": trials,
            "trials": (0..trials).map(trial).collect::<Vec<_>>(),
        })
    };
    let tasks: Vec<Value> = body["tasks"].as_array().into_iter().flatten().map(task).collect();
    let (count, now) = (tasks.len(), stored(call.now));
    let mut run = Object::new();
    begin(
        call,
        &mut run,
        "evrun",
        json!({
            "tenant_id": "default", "agent_id": body["agent_id"], "environment_id": body["environment_id"],
            "status": "pending", "created_at": now, "started_at": now, "task_count": count, "completed_count": 0,
            "failed_count": 0, "tasks": tasks,
        }),
    );
    let id = EVALS.id(call.store.insert(&EVALS, run)).to_owned();
    let run = id.clone();
    call.world().after_reads(2, Duration::from_secs(60), EVALS.name, &id, move |world| complete(world, &run));
    Ok(json!({"run_id": id, "task_count": count}).into())
}

fn complete(world: &mut World<'_, Settings>, id: &str) {
    let now = stored(world.now);
    let Some(run) = world.store.get_mut(&EVALS, id) else { return };
    for task in run.get_mut("tasks").and_then(Value::as_array_mut).into_iter().flatten() {
        task["status"] = json!("completed");
        task["trial_pass_count"] = task["trial_total"].clone();
        for trial in task["trials"].as_array_mut().into_iter().flatten() {
            trial["status"] = json!("completed");
            trial["reward"] = json!(1.0);
        }
    }
    let count = run["task_count"].clone();
    run.extend(object(json!({"status": "completed", "completed_count": count, "ended_at": now})));
}
