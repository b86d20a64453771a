//! Sessions: an agent at work in an environment.

use super::beta::managed_agents;
use super::generation::V0;
use super::types::{
    Deletion, Event, EventsSend, EventsSent, ExecCreate, ExecResult, ListPendingEventsParams, ListSessionEventsParams,
    ListSessionsParams, MessageContent, PendingEvent, Session, SessionCreate, SessionUpdate, StreamSessionEventsParams,
    UserInterrupt,
};
use super::{events, ops, stream};
use crate::http::{Composed, Core};
use crate::{Error, EventStream, Page, Request, Response};

/// Sessions; from [`Oma::sessions`](super::Oma::sessions).
#[derive(Clone, Debug)]
pub struct Sessions {
    pub(super) core: Core,
}

impl Sessions {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Creates a session. It may run at once, and it may start idle: its status does not tell generations apart.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) if the agent, the environment, a resource or a vault does not exist;
    /// [`PaymentRequired`](crate::Error::PaymentRequired) if the balance is used up, which
    /// [`detail`](crate::ApiError::detail)`("balance_cents")` states on hosted servers.
    pub fn create(&self, session: SessionCreate) -> Request<Session> {
        managed_agents(&self.core, ops::CREATE_SESSION).json(&session)
    }

    /// Returns a session.
    pub fn get(&self, session_id: impl Into<String>) -> Request<Session> {
        managed_agents(&self.core, ops::GET_SESSION).id(session_id)
    }

    /// Lists sessions, newest first. Servers of `V0` take one of `statuses`.
    pub fn list(&self, params: ListSessionsParams) -> Request<Page<Session>> {
        managed_agents(&self.core, ops::LIST_SESSIONS).params(&params)
    }

    /// Updates a session. The tools of its agent can change only while it does not run; a budget that was removed
    /// cannot be set again.
    pub fn update(&self, session_id: impl Into<String>, update: SessionUpdate) -> Request<Session> {
        managed_agents(&self.core, ops::UPDATE_SESSION).id(session_id).json(&update)
    }

    /// Archives a session: it can be read, and does not go on.
    ///
    /// A server that follows the letter of the documentation of `V0` has no such route, but keeps what is deleted:
    /// there, and only there, it is deleted.
    ///
    /// # Errors
    /// [`BadRequest`](crate::Error::BadRequest) or [`Conflict`](crate::Error::Conflict) on newer servers while it runs:
    /// [`cancel`](Self::cancel) it first.
    pub fn archive(&self, session_id: impl Into<String>) -> Request<Session> {
        managed_agents(&self.core, ops::ARCHIVE_SESSION).id(session_id).then(archive_by_deletion)
    }

    /// Deletes a session and its events for good, although the documentation of `V0` says that they are kept: see
    /// [`archive`](Self::archive).
    pub fn delete(&self, session_id: impl Into<String>) -> Request<Deletion> {
        managed_agents(&self.core, ops::DELETE_SESSION).id(session_id)
    }

    /// Stops what the agent does, and returns the session as it is then, where the server does.
    ///
    /// Where there is no such route, which is everywhere but on servers that follow the documentation of `V0`, it sends
    /// a `user.interrupt`. Self-hosted servers of `V0` accept that and do nothing: their turn runs on.
    pub fn cancel(&self, session_id: impl Into<String>) -> Request<Option<Session>> {
        managed_agents(&self.core, ops::CANCEL_SESSION).id(session_id).then(cancel_by_interrupt)
    }

    /// Returns all events of a session, oldest first, in one page: where the server has no such route, read page by
    /// page.
    pub fn log(&self, session_id: impl Into<String>) -> Request<Page<Event>> {
        managed_agents(&self.core, ops::GET_SESSION_LOG).id(session_id).then(events::log_by_pages)
    }

    /// Lists the events of a session, oldest first. For the newest see [`last`](Request::last).
    pub fn events(&self, session_id: impl Into<String>, params: ListSessionEventsParams) -> Request<Page<Event>> {
        managed_agents(&self.core, ops::LIST_SESSION_EVENTS).id(session_id).params(&params)
    }

    /// Streams the events of a session from now on, until it is terminated or deleted. It survives its connections: see
    /// [`EventStream`].
    ///
    /// Pieces of messages come on request: `include("chunks")` on servers of `V0`, `event_deltas` on others. An idle
    /// session is not an end: its stream waits for the next turn.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound); [`Decode`](crate::Error::Decode) if the response is no event stream.
    pub fn stream(
        &self,
        session_id: impl Into<String>,
        params: StreamSessionEventsParams,
    ) -> Request<EventStream<Event>> {
        stream::resumable(managed_agents(&self.core, ops::STREAM_SESSION_EVENTS).id(session_id).params(&params))
    }

    /// Sends a message to a session, and streams the turn that answers it to its end, in pieces. A message that waits
    /// for another turn is silent until its own turn begins.
    ///
    /// A turn that requires an action is not over: [`send`](Self::send) what it waits for, and read on. The message is
    /// never sent again; when the connection breaks, the stream goes on with the events of the session.
    ///
    /// # Errors
    /// As [`stream`](Self::stream); [`InvalidArgument`](crate::Error::InvalidArgument) without content.
    pub fn messages(
        &self,
        session_id: impl Into<String>,
        content: impl Into<MessageContent>,
    ) -> Request<EventStream<Event>> {
        stream::turn(&self.core, session_id.into(), content.into())
    }

    /// Waits until a session is idle, for whatever reason, or over, and returns it. Its status may lag behind its
    /// events.
    ///
    /// # Errors
    /// Any variant of [`Error`].
    pub async fn wait_until_idle(&self, session_id: impl Into<String>) -> Result<Session, Error> {
        stream::wait_until_idle(&self.core, session_id.into()).await
    }

    /// Sends events to a session: one, or several in order. Returns them as stored, with their ids, where the server
    /// does.
    ///
    /// They are not sent again once they may have arrived: a repeated message is a second turn. After an unclear
    /// failure list the events before you send them again.
    ///
    /// ```no_run
    /// # use polyagent::oma::{Oma, types::*};
    /// # async fn example(client: Oma, id: &str) -> Result<(), polyagent::Error> {
    /// client.sessions().send(id, UserMessage::text("Stop. Look at the tests first.")).await?;
    /// client.sessions().send(id, [UserInterrupt::new().into(), UserMessage::text("Never mind.").into()]).await?;
    /// # Ok(()) }
    /// ```
    pub fn send(&self, session_id: impl Into<String>, events: impl Into<EventsSend>) -> Request<Option<EventsSent>> {
        let events = events.into();
        let request = managed_agents(&self.core, ops::SEND_EVENTS).id(session_id).json(&events);
        match events::check_batch(&events) {
            Ok(()) => request,
            Err(invalid) => request.refuse(invalid),
        }
    }

    /// Lists the events that wait for the agent. On Anthropic they are among the events, without `processed_at`.
    pub fn pending(
        &self,
        session_id: impl Into<String>,
        params: ListPendingEventsParams,
    ) -> Request<Page<PendingEvent>> {
        let request = managed_agents(&self.core, ops::LIST_PENDING_EVENTS).id(session_id).params(&params);
        request.instead("list the events: those that wait have no `processed_at`")
    }

    /// Runs a command in the environment of a session, without its agent. Not on Anthropic.
    pub fn exec(&self, session_id: impl Into<String>, command: ExecCreate) -> Request<ExecResult> {
        managed_agents(&self.core, ops::EXEC_COMMAND).id(session_id).json(&command)
    }
}

impl Session {
    /// Returns the id of the agent: newer servers have it in the agent alone.
    pub fn id_of_agent(&self) -> Option<&str> {
        self.agent_id.as_deref().or_else(|| self.agent.as_ref()?.id.as_deref())
    }
}

async fn archive_by_deletion(
    mut composed: Composed,
    first: Result<Response<Session>, Error>,
) -> Result<Response<Session>, Error> {
    let missing = match first {
        Err(error) if error.is_unsupported() && composed.core.generation() == Some(V0) => error,
        first => return first,
    };
    let core = composed.core.clone();
    let get = managed_agents(&core, ops::GET_SESSION).id(composed.id());
    let before = composed.send(get.clone()).await?;
    let deleted = composed.send(managed_agents(&core, ops::DELETE_SESSION).id(composed.id())).await;
    match deleted {
        Err(error) if error.is_unsupported() => return Err(missing),
        deleted => deleted?,
    };
    match composed.send(get).await {
        Err(Error::NotFound(_)) => Ok(before),
        after => after,
    }
}

async fn cancel_by_interrupt(
    mut composed: Composed,
    first: Result<Response<Option<Session>>, Error>,
) -> Result<Response<Option<Session>>, Error> {
    match first {
        Err(error) if error.is_unsupported() => {}
        first => return first,
    }
    let core = composed.core.clone();
    let interrupt = EventsSend::from(UserInterrupt::new());
    composed.send(managed_agents(&core, ops::SEND_EVENTS).id(composed.id()).json(&interrupt)).await?;
    let session = composed.send(managed_agents(&core, ops::GET_SESSION).id(composed.id())).await?;
    Ok(session.map(Some))
}
