//! Following a log: its settings, and its lines as a stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::stream::{BoxStream, Stream, StreamExt, unfold};

use super::follower::Follower;
use super::logs::Since;
use super::types::{LogEntry, LogLevel};
use crate::Error;
use crate::config::{self, launchpad as defaults};
use crate::http::Core;

/// The lines of a log, as they are written; from [`Logs::follow`](super::Logs::follow).
///
/// What a server does when it is asked to follow is not documented, so the form of its response decides: server-sent
/// events, JSON in lines, plain text. A server that responds with the lines so far, and no more, is asked again every
/// 15 s, or slower where few calls are left. Each line comes once.
///
/// A log that is silent goes on. A connection that breaks, or is silent for 5 minutes, is made anew, and what was
/// written meanwhile is read; after 10 failures in a row the stream ends with an error. It ends without one when the
/// agent is gone, or when the server ends the response and the agent runs no more.
///
/// Where more lines were written than a server returns at once, the missing ones are reported by an
/// [`Error::Stream`] with [`StreamFault::Gap`](crate::StreamFault::Gap): the one error after which the stream goes on.
///
/// Drop it to stop. Nothing is read while it is not polled. Its settings must be made before it is polled.
#[must_use = "streams do nothing unless polled"]
pub struct FollowLogs {
    core: Core,
    agent_id: String,
    options: Options,
    lines: Option<BoxStream<'static, Result<LogEntry, Error>>>,
}

/// What the caller wants of a log.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) since: Option<Since>,
    pub(super) level: Option<LogLevel>,
    pub(super) container: Option<String>,
    pub(super) lines: i64,
    pub(super) interval: Duration,
    pub(super) gap: Duration,
}

impl FollowLogs {
    pub(super) fn new(core: Core, agent_id: String) -> Self {
        let options = Options {
            since: None,
            level: None,
            container: None,
            lines: defaults::MAX_LINES,
            interval: defaults::LOG_INTERVAL,
            gap: defaults::LOG_GAP,
        };
        Self { core, agent_id, options, lines: None }
    }

    /// Sets where the log begins: a duration before now, or a point in time. Default: with the last 1000 lines. A log
    /// that is read again is asked for in the same form.
    pub fn since(mut self, since: impl Into<Since>) -> Self {
        self.options.since = Some(since.into());
        self
    }

    /// Leaves out lines of other levels. Only later versions do it.
    pub fn level(mut self, level: impl Into<LogLevel>) -> Self {
        self.options.level = Some(level.into());
        self
    }

    /// Leaves out lines of other containers. Only later versions do it.
    pub fn container(mut self, container: impl Into<String>) -> Self {
        self.options.container = Some(container.into());
        self
    }

    /// Sets how many lines are asked for at once, between 1 and 1000. Default: 1000.
    pub fn lines(mut self, lines: i64) -> Self {
        self.options.lines = lines.clamp(1, defaults::MAX_LINES);
        self
    }

    /// Sets the pause between two readings of a log that the server does not stream. Default: 15 s.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.options.interval = interval.max(config::POLL_INTERVAL_FLOOR);
        self
    }

    /// Sets the silence after which a connection is made anew. Default: 5 minutes. [`Duration::MAX`] means never.
    pub fn gap(mut self, gap: Duration) -> Self {
        self.options.gap = gap;
        self
    }

    /// Returns the next line, once it is written; `None` at the end of the log. The same as `TryStreamExt::try_next`,
    /// without the import.
    ///
    /// # Errors
    /// Any variant of [`Error`]; the stream ends after it, but for a [`StreamFault::Gap`](crate::StreamFault::Gap).
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: the next call goes on.
    pub async fn try_next(&mut self) -> Result<Option<LogEntry>, Error> {
        self.next().await.transpose()
    }
}

impl Stream for FollowLogs {
    type Item = Result<LogEntry, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { core, agent_id, options, lines } = &mut *self;
        let lines = lines.get_or_insert_with(|| {
            let follower = Follower::new(core, agent_id.clone(), options.clone());
            unfold(follower, |mut follower| async move {
                let line = follower.next().await?;
                Some((line, follower))
            })
            .fuse()
            .boxed()
        });
        lines.poll_next_unpin(cx)
    }
}

impl fmt::Debug for FollowLogs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FollowLogs").field("agent_id", &self.agent_id).finish_non_exhaustive()
    }
}
