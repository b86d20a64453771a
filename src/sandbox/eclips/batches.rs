//! Batches, which fill row by row.

use std::time::Duration;

use serde_json::{Value, json};

use super::runs::End;
use super::{BATCHES, Call, Settings, limits};
use crate::sandbox::clock::stored;
use crate::sandbox::error_reply::ErrorReply;
use crate::sandbox::handlers::Outcome;
use crate::sandbox::platform::World;
use crate::sandbox::store::{Object, object, text};

/// Rows that are under way at a time.
const AT_ONCE: usize = 20;
/// They take this time, or until the batch is read.
const STEP: Duration = Duration::from_millis(200);

pub(super) fn create(call: &mut Call<'_>) -> Outcome<Settings> {
    let mut batch = call.body.as_object().cloned().unwrap_or_default();
    let rows = batch.remove("rows").and_then(|rows| rows.as_array().cloned()).unwrap_or_default();
    limits::spend(call, rows.len() as u64)?;
    let row = |(index, mut row): (usize, Value)| {
        row["row_index"] = json!(index);
        row["status"] = json!("pending");
        row
    };
    let rows: Vec<Value> = rows.into_iter().enumerate().map(row).collect();
    batch.extend(object(json!({
        "status": "pending",
        "total_rows": rows.len(),
        "completed_rows": 0,
        "failed_rows": 0,
        "created_at": stored(call.now),
        "_rows": rows,
    })));
    let batch = call.store.insert(&BATCHES, batch).clone();
    step(&mut call.world(), BATCHES.id(&batch));
    Ok(json!({"job": batch}).into())
}

fn step(world: &mut World<'_, Settings>, id: &str) {
    let batch = id.to_owned();
    world.after_reads(1, STEP, BATCHES.name, id, move |world| advance(world, &batch));
}

/// Ends the rows that are under way, and starts the next ones.
fn advance(world: &mut World<'_, Settings>, id: &str) {
    let now = stored(world.now);
    let Some(batch) = world.store.get_mut(&BATCHES, id) else { return };
    let mut rows = rows_of(batch);
    let is = |row: &Value, status: &str| row["status"] == status;
    for row in rows.iter_mut().filter(|row| is(row, "running")) {
        let End { error, result, .. } = End::of(row.as_object().unwrap_or(&Object::new()));
        row["status"] = json!(if error.is_some() { "failed" } else { "completed" });
        row["result"] = if error.is_some() { Value::Null } else { result };
        row["error_message"] = json!(error);
    }
    for row in rows.iter_mut().filter(|row| is(row, "pending")).take(AT_ONCE) {
        row["status"] = json!("running");
    }
    let goes_on = rows.iter().any(|row| is(row, "running"));
    if text(batch, "status") != Some("cancelled") {
        batch.insert("status".to_owned(), json!(if goes_on { "running" } else { "completed" }));
    }
    if !goes_on {
        batch.insert("completed_at".to_owned(), json!(now));
    }
    store(batch, rows);
    if goes_on {
        step(world, id);
    }
}

fn rows_of(batch: &Object) -> Vec<Value> {
    batch.get("_rows").and_then(Value::as_array).cloned().unwrap_or_default()
}

/// Stores the rows, and counts them.
fn store(batch: &mut Object, rows: Vec<Value>) {
    for (counter, status) in
        [("completed_rows", "completed"), ("failed_rows", "failed"), ("cancelled_rows", "cancelled")]
    {
        let count = rows.iter().filter(|row| row["status"] == status).count();
        batch.insert(counter.to_owned(), json!(count));
    }
    batch.insert("_rows".to_owned(), Value::Array(rows));
}

pub(super) fn get(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = call.id().to_owned();
    call.world().count_read(BATCHES.name, &id);
    let batch = call.find(&BATCHES, &id)?;
    Ok(json!({"job": batch, "rows": rows_of(batch)}).into())
}

pub(super) fn cancel(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = call.id().to_owned();
    if !matches!(text(call.find(&BATCHES, &id)?, "status"), Some("pending" | "running")) {
        return Err(ErrorReply::Conflict("Batch can no longer be cancelled".to_owned()));
    }
    if let Some(batch) = call.store.get_mut(&BATCHES, &id) {
        let mut rows = rows_of(batch);
        for row in rows.iter_mut().filter(|row| row["status"] == "pending") {
            row["status"] = json!("cancelled");
        }
        batch.insert("status".to_owned(), json!("cancelled"));
        store(batch, rows);
    }
    Ok(json!({"cancelled": true}).into())
}
