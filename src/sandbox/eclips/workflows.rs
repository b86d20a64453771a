//! Workflows, each of which starts a run.

use serde_json::{Value, json};

use super::{Call, RUNS, Settings, WORKFLOWS, runs};
use crate::Error;
use crate::sandbox::Tenant;
use crate::sandbox::clock::stored;
use crate::sandbox::handlers::Outcome;
use crate::sandbox::platform::World;
use crate::sandbox::store::{object, text};

pub(super) fn open(world: &mut World<'_, Settings>) {
    add(world, Some("wf_demo"), "Demo");
}

fn add(world: &mut World<'_, Settings>, id: Option<&str>, name: &str) -> String {
    let now = stored(world.now);
    let mut workflow = object(json!({
        "name": name,
        "status": "active",
        "steps": [{"agent_type": "center", "task": name}],
        "created_at": now,
        "updated_at": now,
    }));
    if let Some(id) = id {
        workflow.insert("id".to_owned(), json!(id));
    }
    WORKFLOWS.id(world.store.insert(&WORKFLOWS, workflow)).to_owned()
}

pub(super) fn trigger(call: &mut Call<'_>) -> Outcome<Settings> {
    let id = call.id().to_owned();
    let task = text(call.find(&WORKFLOWS, &id)?, "name").unwrap_or_default().to_owned();
    let now = stored(call.now);
    let mut run = object(json!({"task": task, "created_at": now, "_workflow": id}));
    if let Value::Object(input) = &call.body {
        run.insert("data".to_owned(), json!(input));
    }
    runs::new(call, &mut run)?;
    let run = call.store.insert(&RUNS, run).clone();
    let run_id = RUNS.id(&run).to_owned();
    runs::begin(call, &run_id);
    Ok(json!({"run_id": run_id, "workflow_id": id, "status": run["status"], "created_at": now}).into())
}

/// What only eClips has.
impl Tenant {
    /// Saves a workflow of eClips, and returns its id; the real platform has no operation for it.
    ///
    /// ```
    /// # use polyagent::sandbox::Sandbox;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), polyagent::Error> {
    /// let sandbox = Sandbox::start().await?;
    /// let workflow_id = sandbox.default_tenant().add_workflow("Month end")?;
    /// let started = sandbox.eclips().workflows().trigger(workflow_id).await?;
    /// assert!(started.is_some_and(|started| started.run_id.is_some()));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// None at present.
    pub fn add_workflow(&self, name: &str) -> Result<String, Error> {
        let added = self.shared.platforms.eclips.with(self.name(), |world| add(world, None, name));
        added.ok_or_else(|| Error::config("the sandbox has no such tenant"))
    }
}
