//! Dreams: background jobs that read sessions, and write what is worth remembering to a memory store.

use super::beta::dreams;
use super::ops;
use super::types::{Dream, DreamCreate, DreamInput, DreamStatus, ListDreamsParams};
use crate::check::InvalidArgument;
use crate::http::{Core, Operation};
use crate::{Job, Page, Poller, Request};

/// Dreams; from [`Oma::dreams`](super::Oma::dreams). Servers of `V0` have dreams of another kind:
/// [`raw`](super::Oma::raw) reaches them.
#[derive(Clone, Debug)]
pub struct Dreams {
    core: Core,
}

impl Dreams {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    fn call<T>(&self, operation: Operation<T>) -> Request<T> {
        dreams(&self.core, operation).instead("dreams of `V0` are of another kind: use `raw`")
    }

    /// Starts a dream about exactly one memory store and one list of sessions. It is not sent again once it may have
    /// been processed.
    pub fn create(&self, dream: DreamCreate) -> Request<Dream> {
        let request = self.call(ops::CREATE_DREAM).json(&dream);
        let stores = dream.inputs.iter().filter(|input| matches!(input, DreamInput::MemoryStore(_))).count();
        let sessions = dream.inputs.iter().filter(|input| matches!(input, DreamInput::Sessions(_))).count();
        if (stores, sessions) == (1, 1) {
            return request;
        }
        let reason = "must have one memory store and one list of sessions";
        request.refuse(InvalidArgument::new("inputs", reason))
    }

    /// Returns a dream.
    pub fn get(&self, dream_id: impl Into<String>) -> Request<Dream> {
        self.call(ops::GET_DREAM).id(dream_id)
    }

    /// Waits until a dream has completed, failed or been canceled; its status says which.
    ///
    /// ```no_run
    /// # use polyagent::oma::Oma;
    /// # async fn example(client: Oma, dream_id: &str) -> Result<(), polyagent::Error> {
    /// let dream = client.dreams().wait(dream_id).await?;
    /// println!("{}: {:?}", dream.status, dream.outputs);
    /// # Ok(()) }
    /// ```
    pub fn wait(&self, dream_id: impl Into<String>) -> Poller<Dream> {
        self.get(dream_id).wait()
    }

    /// Lists dreams.
    pub fn list(&self, params: ListDreamsParams) -> Request<Page<Dream>> {
        self.call(ops::LIST_DREAMS).params(&params)
    }

    /// Cancels a dream.
    ///
    /// # Errors
    /// [`Conflict`](crate::Error::Conflict), on Anthropic [`BadRequest`](crate::Error::BadRequest), if it has ended.
    pub fn cancel(&self, dream_id: impl Into<String>) -> Request<Dream> {
        self.call(ops::CANCEL_DREAM).id(dream_id)
    }

    /// Archives a dream that has ended.
    ///
    /// # Errors
    /// [`Conflict`](crate::Error::Conflict), on Anthropic [`BadRequest`](crate::Error::BadRequest), if it has not.
    pub fn archive(&self, dream_id: impl Into<String>) -> Request<Dream> {
        self.call(ops::ARCHIVE_DREAM).id(dream_id)
    }
}

impl Job for Dream {
    type Outcome = Self;

    fn is_done(&self) -> bool {
        let ended = matches!(self.status, DreamStatus::Completed | DreamStatus::Failed | DreamStatus::Canceled);
        ended || self.ended_at.is_some()
    }

    fn into_outcome(self) -> Self {
        self
    }
}
