//! Threads of a session: the own one of its agent, and those of agents that it calls.

use super::beta::managed_agents;
use super::types::{Event, ListThreadEventsParams, ListThreadsParams, StreamThreadEventsParams, Thread};
use super::{ops, stream};
use crate::http::Core;
use crate::{EventStream, Page, Request};

/// Threads of sessions; from [`Oma::threads`](super::Oma::threads).
///
/// Self-hosted servers of `V0` give the ids of threads only.
#[derive(Clone, Debug)]
pub struct Threads {
    core: Core,
}

impl Threads {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Returns a thread.
    pub fn get(&self, session_id: impl Into<String>, thread_id: impl Into<String>) -> Request<Thread> {
        managed_agents(&self.core, ops::GET_THREAD).id(session_id).id(thread_id)
    }

    /// Lists the threads of a session.
    pub fn list(&self, session_id: impl Into<String>, params: ListThreadsParams) -> Request<Page<Thread>> {
        managed_agents(&self.core, ops::LIST_THREADS).id(session_id).params(&params)
    }

    /// Archives a thread.
    pub fn archive(&self, session_id: impl Into<String>, thread_id: impl Into<String>) -> Request<Thread> {
        managed_agents(&self.core, ops::ARCHIVE_THREAD).id(session_id).id(thread_id)
    }

    /// Streams the events of a thread from now on, until it or its session ends: see [`EventStream`].
    pub fn stream(
        &self,
        session_id: impl Into<String>,
        thread_id: impl Into<String>,
        params: StreamThreadEventsParams,
    ) -> Request<EventStream<Event>> {
        let request = managed_agents(&self.core, ops::STREAM_THREAD_EVENTS).id(session_id).id(thread_id);
        stream::resumable(request.params(&params))
    }

    /// Lists the events of a thread, oldest first. For the newest see [`last`](Request::last).
    pub fn events(
        &self,
        session_id: impl Into<String>,
        thread_id: impl Into<String>,
        params: ListThreadEventsParams,
    ) -> Request<Page<Event>> {
        managed_agents(&self.core, ops::LIST_THREAD_EVENTS).id(session_id).id(thread_id).params(&params)
    }
}
