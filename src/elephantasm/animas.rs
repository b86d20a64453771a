//! Animas: the agents whose memory Elephantasm keeps. Events, memories, knowledge, identity, packs and dreams all
//! belong to one.

use super::ops;
use super::types::{
    Anima, AnimaCreate, AnimaDeletion, AnimaRestoration, AnimaStats, AnimaSummary, AnimaUpdate, GetAnimaParams,
    ListAnimasParams, SearchAnimasParams,
};
use crate::http::Core;
use crate::{Page, Request};

/// The agents whose memory is kept; from [`Elephantasm::animas`](super::Elephantasm::animas).
///
/// The public host lacks [`stats`](Self::stats) and [`restore`](Self::restore). Current servers do not mark a
/// soft-deleted anima: where `include_deleted` asks for them too, they look like the others.
#[derive(Clone, Debug)]
pub struct Animas {
    core: Core,
}

impl Animas {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Creates an anima.
    ///
    /// Names need not be unique, so each call creates another anima.
    ///
    /// # Errors
    /// [`PermissionDenied`](crate::Error::PermissionDenied) with [`Reason::PlanLimit`](crate::Reason::PlanLimit) when
    /// the plan allows no more animas, [`Server`](crate::Error::Server) for an `organization_id` that does not exist.
    pub fn create(&self, anima: AnimaCreate) -> Request<Anima> {
        Request::new(&self.core, ops::CREATE_ANIMA).json(&anima)
    }

    /// Returns an anima that is not deleted.
    pub fn get(&self, anima_id: impl Into<String>) -> Request<Anima> {
        Request::new(&self.core, ops::GET_ANIMA).id(anima_id)
    }

    /// Returns an anima, including a soft-deleted one if `include_deleted` is set.
    pub fn get_with(&self, anima_id: impl Into<String>, params: GetAnimaParams) -> Request<Anima> {
        Request::new(&self.core, ops::GET_ANIMA).id(anima_id).params(&params)
    }

    /// Lists animas, newest first.
    ///
    /// A list of one is the cheapest way to find out whether a key works.
    pub fn list(&self, params: ListAnimasParams) -> Request<Page<Anima>> {
        Request::new(&self.core, ops::LIST_ANIMAS).params(&params)
    }

    /// Finds animas by a part of their name, ignoring case; ordered by name.
    ///
    /// The list is not paged: results beyond `limit` cannot be reached.
    pub fn search(&self, params: SearchAnimasParams) -> Request<Vec<Anima>> {
        Request::new(&self.core, ops::SEARCH_ANIMAS).params(&params)
    }

    /// Lists all animas with their numbers of events, memories and items of knowledge, the last active one first.
    ///
    /// The list is not paged. The header `X-Organization-Id` narrows it to one organisation; an unknown one gives an
    /// empty list.
    ///
    /// # Errors
    /// [`Server`](crate::Error::Server) when the header is not a UUID.
    ///
    /// ```no_run
    /// # use polyagent::elephantasm::Elephantasm;
    /// # async fn example(client: Elephantasm, organization_id: &str) -> Result<(), polyagent::Error> {
    /// let summaries = client.animas().summaries().header("X-Organization-Id", organization_id).await?;
    /// let events: i64 = summaries.iter().map(|anima| anima.event_count).sum();
    /// # Ok(()) }
    /// ```
    pub fn summaries(&self) -> Request<Vec<AnimaSummary>> {
        Request::new(&self.core, ops::SUMMARIZE_ANIMAS)
    }

    /// Updates an anima, including a soft-deleted one.
    ///
    /// What is not set stays as it is; `clear_description` and `clear_meta` empty a field, and `meta` is replaced as a
    /// whole.
    pub fn update(&self, anima_id: impl Into<String>, anima: AnimaUpdate) -> Request<Anima> {
        Request::new(&self.core, ops::UPDATE_ANIMA).id(anima_id).json(&anima)
    }

    /// Soft-deletes an anima with its events, memories, knowledge and identity, and returns their counts.
    ///
    /// [`restore`](Self::restore) brings those back. Memory packs, dreams, links between memories and events, and
    /// configurations are gone for good. A second deletion succeeds and returns zeros; so may a call that was retried.
    pub fn delete(&self, anima_id: impl Into<String>) -> Request<AnimaDeletion> {
        Request::new(&self.core, ops::DELETE_ANIMA).id(anima_id)
    }

    /// Counts what belongs to an anima. A deleted one has zeros; [`summaries`](Self::summaries) has the most important
    /// counts on the public host too. Self-hosted servers only.
    pub fn stats(&self, anima_id: impl Into<String>) -> Request<AnimaStats> {
        Request::new(&self.core, ops::GET_ANIMA_STATS).id(anima_id)
    }

    /// Restores a soft-deleted anima with its events, memories, knowledge and identity, and returns their counts.
    /// Self-hosted servers only.
    ///
    /// Events and memories that were deleted individually are restored as well. A second restoration changes nothing
    /// and returns zeros; so may a call that was retried.
    pub fn restore(&self, anima_id: impl Into<String>) -> Request<AnimaRestoration> {
        Request::new(&self.core, ops::RESTORE_ANIMA).id(anima_id)
    }
}
