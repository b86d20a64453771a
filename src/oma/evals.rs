//! Evals: tasks that an agent is given, and how it fared.

use super::beta::none;
use super::ops;
use super::types::{Deletion, EvalCreate, EvalCreated, EvalRun, EvalStatus, ListEvalsParams};
use crate::http::{Core, Operation};
use crate::{Job, Page, Poller, Request};

/// Runs of evals; from [`Oma::evals`](super::Oma::evals). Not on Anthropic.
#[derive(Clone, Debug)]
pub struct Evals {
    core: Core,
}

impl Evals {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    fn call<T>(&self, operation: Operation<T>) -> Request<T> {
        none(&self.core, operation).instead("run a session for each task")
    }

    /// Starts a run, which costs a session for each trial of each task. It is not sent again once it may have been
    /// processed.
    pub fn create(&self, eval: EvalCreate) -> Request<EvalCreated> {
        self.call(ops::CREATE_EVAL).json(&eval)
    }

    /// Returns a run, with the tasks and trials of it.
    pub fn get(&self, run_id: impl Into<String>) -> Request<EvalRun> {
        self.call(ops::GET_EVAL).id(run_id)
    }

    /// Waits until a run has completed or failed; its status says which.
    ///
    /// ```no_run
    /// # use polyagent::oma::{Oma, types::EvalCreate};
    /// # async fn example(client: Oma, eval: EvalCreate) -> Result<(), polyagent::Error> {
    /// let started = client.evals().create(eval).await?;
    /// let run = client.evals().wait(&started.run_id).await?;
    /// println!("{:?} of {:?}", run.completed_count, run.task_count);
    /// # Ok(()) }
    /// ```
    pub fn wait(&self, run_id: impl Into<String>) -> Poller<EvalRun> {
        self.get(run_id).wait()
    }

    /// Lists runs, newest first: up to `limit` of them, as there is no next page.
    pub fn list(&self, params: ListEvalsParams) -> Request<Page<EvalRun>> {
        self.call(ops::LIST_EVALS).params(&params)
    }

    /// Deletes a run.
    pub fn delete(&self, run_id: impl Into<String>) -> Request<Deletion> {
        self.call(ops::DELETE_EVAL).id(run_id)
    }
}

impl Job for EvalRun {
    type Outcome = Self;

    fn is_done(&self) -> bool {
        self.ended_at.is_some() || matches!(self.status, EvalStatus::Completed | EvalStatus::Failed)
    }

    fn into_outcome(self) -> Self {
        self
    }
}
