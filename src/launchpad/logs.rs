//! Logs of agents.

use std::fmt;
use std::time::Duration;

use super::follow::FollowLogs;
use super::ops;
use super::types::{AgentLogs, GetAgentLogsParams};
use crate::check::InvalidArgument;
use crate::framing::STREAMS;
use crate::http::{Core, LiveBody};
use crate::{Request, Timestamp};

/// Logs of agents; from [`Monitoring::logs`](super::Monitoring::logs).
#[derive(Clone, Debug)]
pub struct Logs {
    core: Core,
}

impl Logs {
    pub(super) fn new(core: &Core) -> Self {
        Self { core: core.clone() }
    }

    /// Returns the last lines of an agent's log, oldest first: 100 by default.
    ///
    /// # Errors
    /// [`NotFound`](crate::Error::NotFound) when the agent does not exist;
    /// [`InvalidArgument`](crate::Error::InvalidArgument) if `params` ask to follow, which [`follow`](Self::follow)
    /// does.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use polyagent::launchpad::{Launchpad, Since, types::{GetAgentLogsParams, LogLevel}};
    /// # async fn example(client: Launchpad) -> Result<(), polyagent::Error> {
    /// let params = GetAgentLogsParams::new().since(Since::from(Duration::from_secs(1800))).level(LogLevel::Error);
    /// for entry in client.monitoring().logs().get("agent-9k2", params).await?.logs {
    ///     println!("{}", entry.message);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn get(&self, agent_id: impl Into<String>, params: GetAgentLogsParams) -> Request<AgentLogs> {
        let follows = match params.follow {
            Some(true) => Err(InvalidArgument::new("follow", "must not be set: use `logs().follow()`")),
            _ => Ok(()),
        };
        self.request(agent_id.into(), &params).checked(follows)
    }

    /// Streams the lines of an agent's log: the last ones, then each new one as it is written.
    ///
    /// ```no_run
    /// # use polyagent::launchpad::Launchpad;
    /// # async fn example(client: Launchpad) -> Result<(), polyagent::Error> {
    /// let mut lines = client.monitoring().logs().follow("agent-9k2");
    /// while let Some(entry) = lines.try_next().await? {
    ///     println!("{}", entry.message);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn follow(&self, agent_id: impl Into<String>) -> FollowLogs {
        FollowLogs::new(self.core.clone(), agent_id.into())
    }

    fn request(&self, agent_id: String, params: &GetAgentLogsParams) -> Request<AgentLogs> {
        Request::new(&self.core, ops::GET_AGENT_LOGS).id(agent_id).params(params)
    }

    /// Asks for a log that goes on.
    pub(super) fn open(&self, agent_id: String, params: GetAgentLogsParams) -> Request<LiveBody> {
        self.request(agent_id, &params.follow(true)).live(STREAMS)
    }
}

/// From when on lines of a log are wanted; for [`GetAgentLogsParams::since`] and [`FollowLogs::since`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// This long ago, in whole seconds, rounded up: what the reference documents.
    Ago(Duration),
    /// A point in time: what later versions document.
    At(Timestamp),
}

impl fmt::Display for Since {
    /// Writes `1h`, `30m`, `45s` or `2026-07-01T12:00:00Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ago = match self {
            Self::At(time) => return time.fmt(f),
            Self::Ago(ago) => ago.as_secs().saturating_add(u64::from(ago.subsec_nanos() > 0)).max(1),
        };
        match ago {
            hours if hours % 3600 == 0 => write!(f, "{}h", hours / 3600),
            minutes if minutes % 60 == 0 => write!(f, "{}m", minutes / 60),
            seconds => write!(f, "{seconds}s"),
        }
    }
}

impl From<Duration> for Since {
    fn from(ago: Duration) -> Self {
        Self::Ago(ago)
    }
}

impl From<Timestamp> for Since {
    fn from(time: Timestamp) -> Self {
        Self::At(time)
    }
}

impl From<Since> for String {
    fn from(since: Since) -> Self {
        since.to_string()
    }
}

impl AgentLogs {
    /// Whether the server says that lines are missing.
    pub fn is_truncated(&self) -> bool {
        let more = self.pagination.as_ref().and_then(|page| page.has_more);
        self.truncated.or(more).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_back_is_written_in_the_largest_whole_unit() {
        for (millis, text) in [
            (3_600_000, "1h"),
            (7_200_000, "2h"),
            (1_800_000, "30m"),
            (5_400_000, "90m"),
            (45_000, "45s"),
            (90_000, "90s"),
            (1, "1s"),
            (0, "1s"),
            (59_001, "1m"),
        ] {
            assert_eq!(Since::Ago(Duration::from_millis(millis)).to_string(), text);
        }
        let at: Timestamp = "2026-07-01T12:00:00Z".parse().unwrap();
        assert_eq!(Since::from(at).to_string(), "2026-07-01T12:00:00Z");
    }
}
