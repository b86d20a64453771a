//! Dreams: background jobs that maintain the memories of an anima. They merge, split, rewrite, archive and delete them.

use super::ops;
use super::types::{Dream, DreamRequest, DreamStatus, ListDreamsParams};
use crate::http::Core;
use crate::{Job, Page, Poller, Request};

/// Background maintenance of memories; from [`Elephantasm::dreams`](super::Elephantasm::dreams). Self-hosted servers
/// only.
#[derive(Clone, Debug)]
pub struct Dreams {
    core: Core,
}

impl Dreams {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Starts a dream of an anima, and returns while it runs. A soft-deleted anima dreams too.
    ///
    /// Servers of version 0.5.8 mistakenly require a query parameter named `kwargs`, with any value, and others ignore
    /// it; so it is always sent.
    ///
    /// # Errors
    /// [`Conflict`](crate::Error::Conflict) when the anima is already dreaming, [`Server`](crate::Error::Server), and
    /// not 404, when the anima does not exist or is another user's,
    /// [`PermissionDenied`](crate::Error::PermissionDenied) with
    /// [`Reason::FeatureUnavailable`](crate::Reason::FeatureUnavailable) when the plan does not include dreams.
    pub fn trigger(&self, anima_id: impl Into<String>) -> Request<Dream> {
        Request::new(&self.core, ops::TRIGGER_DREAM).json(&DreamRequest::new(anima_id)).query("kwargs", "1")
    }

    /// Returns a dream: its status, and what it has changed.
    pub fn get(&self, dream_id: impl Into<String>) -> Request<Dream> {
        Request::new(&self.core, ops::GET_DREAM).id(dream_id)
    }

    /// Waits until a dream has ended, successfully or not: its status is then `COMPLETED` or `FAILED`, or another that
    /// a newer server gives a dream with an end time.
    ///
    /// # Errors
    /// Those of [`get`](Self::get); [`Timeout`](crate::Error::Timeout) with the last [`Dream`] that was read when it
    /// runs longer than the poller waits.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::Elephantasm;
    /// # async fn example(client: Elephantasm, anima_id: &str) -> Result<(), polyagent::Error> {
    /// let dream = client.dreams().trigger(anima_id).await?;
    /// let dream = client.dreams().wait(&dream.id).await?;
    /// println!("{}: {}", dream.status, dream.summary.unwrap_or_default());
    /// # Ok(()) }
    /// ```
    pub fn wait(&self, dream_id: impl Into<String>) -> Poller<Dream> {
        self.get(dream_id).wait()
    }

    /// Lists the dreams of an anima, newest first.
    pub fn list(&self, params: ListDreamsParams) -> Request<Page<Dream>> {
        Request::new(&self.core, ops::LIST_DREAMS).params(&params)
    }

    /// Cancels a running dream, whose status becomes `FAILED`.
    ///
    /// # Errors
    /// [`BadRequest`](crate::Error::BadRequest) when the dream is not running, as after a first cancellation.
    pub fn cancel(&self, dream_id: impl Into<String>) -> Request<Dream> {
        Request::new(&self.core, ops::CANCEL_DREAM).id(dream_id)
    }
}

impl Job for Dream {
    type Outcome = Self;

    fn is_done(&self) -> bool {
        self.completed_at.is_some() || matches!(self.status, DreamStatus::Completed | DreamStatus::Failed)
    }

    fn into_outcome(self) -> Self {
        self
    }
}
