//! Workflows: saved tasks of several steps.

use serde::Serialize;

use super::types::{Workflow, WorkflowRun};
use super::{Eclips, ops};
use crate::{Page, Request};

/// The saved workflows; from [`Eclips::workflows`]. They are made in the dashboard.
#[derive(Clone, Debug)]
pub struct Workflows {
    client: Eclips,
}

impl Workflows {
    pub(super) fn new(client: &Eclips) -> Self {
        Self { client: client.clone() }
    }

    /// Lists all workflows.
    ///
    /// ```no_run
    /// # use polyagent::eclips::Eclips;
    /// # async fn example(client: Eclips) -> Result<(), polyagent::Error> {
    /// for workflow in client.workflows().list().await? {
    ///     println!("{} {}", workflow.id, workflow.name.unwrap_or_default());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn list(&self) -> Request<Page<Workflow>> {
        self.client.call(ops::LIST_WORKFLOWS)
    }

    /// Runs a workflow without input. Each call runs it again.
    ///
    /// What comes back is not documented: it may be nothing. If it has a `run_id`, [`Runs::wait`](super::Runs::wait)
    /// follows it.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when the workflow does not exist.
    ///
    /// ```no_run
    /// # use polyagent::eclips::Eclips;
    /// # async fn example(client: Eclips) -> Result<(), polyagent::Error> {
    /// let started = client.workflows().trigger("wf_3").await?;
    /// if let Some(run_id) = started.and_then(|started| started.run_id) {
    ///     client.runs().wait(run_id).await?;
    /// }
    /// # Ok(()) }
    /// ```
    pub fn trigger(&self, workflow_id: impl Into<String>) -> Request<Option<WorkflowRun>> {
        self.client.call(ops::TRIGGER_WORKFLOW).id(workflow_id)
    }

    /// Runs a workflow with an input, which is sent as the whole JSON body, unchanged.
    ///
    /// # Errors
    /// Those of [`trigger`](Self::trigger); [`InvalidArgument`](crate::Error::InvalidArgument) when the input is no
    /// JSON.
    ///
    /// ```no_run
    /// # use polyagent::eclips::Eclips;
    /// # use serde_json::json;
    /// # async fn example(client: Eclips) -> Result<(), polyagent::Error> {
    /// client.workflows().trigger_with("wf_3", &json!({"month": "2026-06"})).await?;
    /// # Ok(()) }
    /// ```
    pub fn trigger_with<I: Serialize + ?Sized>(
        &self,
        workflow_id: impl Into<String>,
        input: &I,
    ) -> Request<Option<WorkflowRun>> {
        self.trigger(workflow_id).any_json(input)
    }
}
