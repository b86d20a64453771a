//! The course of following a log: where lines come from, what happens when they do not, and when it is over.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};
use tokio::time::{Instant, sleep, sleep_until};

use super::agents::Agents;
use super::deploy::{is_gone, pause};
use super::follow::Options;
use super::logs::{Logs, Since};
use super::piece::Piece;
use super::seen::Seen;
use super::types::{AgentLogs, AgentStatus, GetAgentLogsParams, LogEntry};
use crate::config::launchpad as defaults;
use crate::error::{StreamError, StreamFault};
use crate::frames::{Arrived, Frames};
use crate::http::Core;
use crate::poll::is_transient;
use crate::{Error, Timestamp, clock};

/// A log that is followed.
pub(super) struct Follower {
    core: Core,
    logs: Logs,
    agents: Agents,
    agent_id: String,
    options: Options,
    source: Source,
    seen: Seen,
    ready: VecDeque<Result<LogEntry, Error>>,
    /// When the first response came, by the server's clock.
    begun: Option<SystemTime>,
    over: bool,
    /// Failures since the last success.
    failures: u32,
    /// Readings since the last one with a new line.
    quiet: u32,
    /// The time of the last line, by the server's clock.
    reached: Option<SystemTime>,
    clock: ServerClock,
}

/// Where lines come from.
enum Source {
    /// A stream that is to be opened.
    Closed,
    Open(Box<Connection>),
    /// The server does not stream: the log is read again at this time.
    Readings(Instant),
}

struct Connection {
    frames: Frames,
    /// It brought the plain response.
    is_plain: bool,
}

/// The server's clock, as far as its responses tell.
#[derive(Clone, Copy)]
struct ServerClock {
    told: SystemTime,
    at: Instant,
}

impl ServerClock {
    fn of_this_machine() -> Self {
        Self { told: SystemTime::now(), at: Instant::now() }
    }

    fn set(&mut self, headers: &HeaderMap) {
        let date = headers.get(header::DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
        if let Some(told) = date {
            *self = Self { told, at: Instant::now() };
        }
    }

    fn now(self) -> SystemTime {
        self.told.checked_add(self.at.elapsed()).unwrap_or(self.told)
    }
}

impl Follower {
    pub(super) fn new(core: &Core, agent_id: String, options: Options) -> Self {
        Self {
            core: core.clone(),
            logs: Logs::new(core),
            agents: Agents::new(core),
            agent_id,
            options,
            source: Source::Closed,
            seen: Seen::default(),
            ready: VecDeque::new(),
            begun: None,
            over: false,
            failures: 0,
            quiet: 0,
            reached: None,
            clock: ServerClock::of_this_machine(),
        }
    }

    /// The next line, or what is wrong; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Result<LogEntry, Error>> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(item);
            }
            if self.over {
                return None;
            }
            let step = match &mut self.source {
                Source::Closed => self.open().await,
                Source::Open(_) => self.receive().await,
                Source::Readings(at) => {
                    sleep_until(*at).await;
                    self.read().await
                }
            };
            if let Err(error) = step {
                self.over = true;
                self.ready.push_back(Err(error));
            }
        }
    }

    /// Opens the stream. What was written while there was none is read before the stream.
    async fn open(&mut self) -> Result<(), Error> {
        let again = self.begun.is_some();
        let body = match self.logs.open(self.agent_id.clone(), self.params()).await {
            Ok(body) => body,
            Err(error) if !again && may_refuse_to_follow(&error) => {
                self.source = Source::Readings(Instant::now());
                return Ok(());
            }
            Err(error) => return self.failed(error).await,
        };
        self.clock.set(&body.headers);
        self.begun.get_or_insert(self.clock.now());
        if again && let Err(error) = self.catch_up().await {
            return self.failed(error).await;
        }
        self.seen.begin();
        self.source = Source::Open(Box::new(Connection { frames: Frames::new(body), is_plain: false }));
        Ok(())
    }

    /// Waits for the next lines of the stream.
    async fn receive(&mut self) -> Result<(), Error> {
        let Source::Open(connection) = &mut self.source else { return Ok(()) };
        let arrived = connection.frames.next(self.options.gap).await?;
        let is_short = connection.frames.age() < defaults::SHORTEST_STREAM;
        let (frames, ends) = match arrived {
            Arrived::Frames(frames) => (frames, false),
            Arrived::End(frames) => (frames, true),
            Arrived::Broken(broken) => {
                let error = connection.frames.error(StreamFault::Truncated, Some(broken));
                self.source = Source::Closed;
                if !is_short {
                    self.failures = 0;
                }
                return self.failed(error).await;
            }
        };
        let pieces: Vec<Piece> = frames.iter().map(Piece::of).collect();
        connection.is_plain |= pieces.iter().any(|piece| matches!(piece, Piece::Document(_)));
        let is_plain = connection.is_plain;
        for piece in pieces {
            self.take(piece);
        }
        if ends { self.ended(is_plain, is_short).await } else { Ok(()) }
    }

    fn take(&mut self, piece: Piece) {
        match piece {
            Piece::Entries(entries) => self.hand_out(entries),
            Piece::Document(document) => self.take_document(*document),
            Piece::End => self.over = true,
        }
    }

    /// Hands out the lines of a plain response, and says so if lines before them are missing.
    fn take_document(&mut self, document: AgentLogs) {
        let count = i64::try_from(document.logs.len()).unwrap_or(i64::MAX);
        let is_cut = document.is_truncated() || count >= self.options.lines;
        let expects_more = !self.seen.is_empty() || self.options.since.is_some();
        let before = self.ready.len();
        self.hand_out(document.logs);
        if is_cut && expects_more && !self.seen.overlaps() {
            let record = self.logs.get(self.agent_id.as_str(), self.params()).unsent_record();
            let gap = Error::Stream(Box::new(StreamError::new(StreamFault::Gap, 0, None, record)));
            self.ready.insert(before, Err(gap));
        }
    }

    fn hand_out(&mut self, entries: Vec<LogEntry>) {
        let mut new = Vec::new();
        for entry in entries {
            self.seen.take(entry, &mut new);
        }
        let now = self.clock.now();
        for entry in new {
            let written = entry.timestamp.map_or(now, SystemTime::from);
            self.reached = self.reached.max(Some(written.min(now)));
            self.failures = 0;
            self.quiet = 0;
            self.ready.push_back(Ok(entry));
        }
    }

    /// The response has ended as it should. `is_plain`: with the lines so far. `is_short`: at once.
    async fn ended(&mut self, is_plain: bool, is_short: bool) -> Result<(), Error> {
        self.source = Source::Closed;
        if self.over {
            return Ok(());
        }
        if is_plain {
            self.source = Source::Readings(clock::after(Instant::now(), self.options.interval));
            return Ok(());
        }
        match self.runs().await {
            Ok(false) => self.over = true,
            Ok(true) if is_short => {
                self.source = Source::Readings(clock::after(Instant::now(), self.options.interval));
            }
            Ok(true) => {}
            Err(error) => return self.failed(error).await,
        }
        Ok(())
    }

    /// Whether the agent may still write lines.
    async fn runs(&self) -> Result<bool, Error> {
        match self.agents.status(self.agent_id.as_str()).await {
            Ok(state) => Ok(!matches!(
                state.status,
                AgentStatus::Failed | AgentStatus::Stopped | AgentStatus::Deleting | AgentStatus::Completed
            )),
            Err(error) if is_gone(&error) => Ok(false),
            // The end of the response is all that is known.
            Err(Error::Decode(_) | Error::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads the log again, where the server does not stream it.
    async fn read(&mut self) -> Result<(), Error> {
        self.quiet = self.quiet.saturating_add(1);
        match self.catch_up().await {
            Ok(wait) => {
                self.failures = 0;
                let due = clock::after(Instant::now(), self.options.interval.max(wait));
                self.source = Source::Readings(due);
            }
            Err(error) => {
                self.quiet = 0;
                return self.failed(error).await;
            }
        }
        if self.quiet >= defaults::QUIET_READINGS && !self.over {
            self.quiet = 0;
            match self.runs().await {
                Ok(runs) => self.over = !runs,
                Err(error) if is_transient(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads the lines since the last one, and returns how long to wait before the next reading.
    async fn catch_up(&mut self) -> Result<Duration, Error> {
        let params = self.params();
        let response = self.logs.get(self.agent_id.as_str(), params).with_response().await?;
        self.clock.set(response.headers());
        self.begun.get_or_insert(self.clock.now());
        let wait = pause(&response).unwrap_or_default();
        self.seen.begin();
        self.take_document(response.into_value());
        Ok(wait)
    }

    /// The stream or a reading failed: goes on later, unless it is hopeless. That the agent is gone is the end.
    async fn failed(&mut self, error: Error) -> Result<(), Error> {
        if self.begun.is_some() && is_gone(&error) {
            self.over = true;
            return Ok(());
        }
        let may_pass = is_transient(&error) || matches!(error, Error::Stream(_)) || error.is_rate_limited();
        self.failures = self.failures.saturating_add(1);
        if self.begun.is_none() || !may_pass || self.failures > defaults::LOG_FAILURES {
            return Err(error);
        }
        let pause = self.core.backoff(self.failures - 1);
        sleep(pause.max(error.retry_after().unwrap_or_default())).await;
        Ok(())
    }

    /// What to ask for: at first what the caller wants, later the lines since shortly before the last one.
    fn params(&self) -> GetAgentLogsParams {
        let params = GetAgentLogsParams::new().lines(self.options.lines);
        let params = self.options.level.iter().cloned().fold(params, GetAgentLogsParams::level);
        let params = self.options.container.iter().fold(params, GetAgentLogsParams::container);
        let since = match self.reached.or(self.begun) {
            None => self.options.since,
            Some(reached) => Some(self.since(reached)),
        };
        since.into_iter().fold(params, GetAgentLogsParams::since)
    }

    fn since(&self, reached: SystemTime) -> Since {
        let from = reached.checked_sub(defaults::LOG_MARGIN).unwrap_or(reached);
        match self.options.since {
            Some(Since::At(_)) => Since::At(Timestamp::from(from)),
            _ => Since::Ago(self.clock.now().duration_since(from).unwrap_or(defaults::LOG_MARGIN)),
        }
    }
}

/// Whether a server rejects the call because it does not know what to follow means.
fn may_refuse_to_follow(error: &Error) -> bool {
    error.status().is_some_and(|status| matches!(status.as_u16(), 400 | 406 | 415 | 422 | 501))
}
