//! Every default of the crate, in one table.

use std::env::{self, VarError};
use std::time::Duration;

use crate::Error;

/// `User-Agent` of every request, unless the builder sets another.
pub(crate) const USER_AGENT: &str = concat!("polyagent/", env!("CARGO_PKG_VERSION"));

/// How long a TCP and TLS handshake may take.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one attempt may take, from the first byte sent to the last byte read; the document may raise it.
pub(crate) const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a call may take over all attempts and the crate's own back-off.
pub(crate) const TOTAL_TIMEOUT: Duration = Duration::from_secs(90);

/// Retries after the first attempt.
pub(crate) const MAX_RETRIES: u32 = 2;
/// Upper bound of the first back-off; it doubles with each retry.
pub(crate) const BACKOFF_BASE: Duration = Duration::from_millis(500);
/// Upper bound of any back-off of our own.
pub(crate) const BACKOFF_CAP: Duration = Duration::from_secs(8);
/// The longest server-requested wait that is honoured; with a longer one the error is returned instead.
pub(crate) const MAX_SERVER_WAIT: Duration = Duration::from_secs(120);
/// A retry is not started if less than this would remain for it after its pause.
pub(crate) const SHORTEST_RETRY: Duration = Duration::from_millis(100);
/// Retries that the clients of a host may spend on failing calls before they stop retrying.
pub(crate) const RETRY_BUDGET: u32 = 100;
/// Calls that must succeed to earn one retry back.
pub(crate) const CALLS_PER_RETRY_EARNED: u32 = 10;

/// Idle connections are dropped before common servers drop them: uvicorn and Node do so after 5 s. A request that meets
/// the end of its connection is lost, and is sent again only if it is idempotent.
pub(crate) const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(4);
/// Servers that fail on a request often end its connection a moment after the response, without announcing it. So a 5xx
/// is handed out this much later, and calls of the same client that would start meanwhile wait too: the connection is
/// gone then, and no call is sent into it. The latency is that of failures only; a call is delayed at most once.
pub(crate) const SETTLE: Duration = Duration::from_millis(20);
/// The longest URL, in bytes, that the HTTP client can send.
pub(crate) const MAX_URL: usize = 65_534;
/// Bytes that are set aside for the path of a URL: as long as most.
pub(crate) const USUAL_PATH: usize = 96;
/// Redirects followed within one origin.
pub(crate) const MAX_REDIRECTS: usize = 5;

/// The media type that is asked for, unless the operation has another.
pub(crate) const ACCEPT: &str = "application/json";
/// How long a transfer or a stream may be silent.
pub(crate) const STREAM_GAP: Duration = Duration::from_secs(90);
/// Largest server-sent event, in bytes.
pub(crate) const MAX_EVENT: usize = 1024 * 1024;
/// First and longest pause before a stream is opened again.
pub(crate) const STREAM_BACKOFF: Duration = Duration::from_millis(500);
pub(crate) const STREAM_BACKOFF_CAP: Duration = Duration::from_secs(10);
/// A stream that ends sooner counts as a failed try.
pub(crate) const STREAM_LIVES: Duration = Duration::from_secs(1);
/// Failed tries in a row after which a stream gives up.
pub(crate) const STREAM_TRIES: u32 = 10;
/// How far before the last known event the history is read again: events are not stored in the order of their times.
pub(crate) const STREAM_MARGIN: Duration = Duration::from_secs(10);
/// Events that a stream remembers as handed out.
pub(crate) const STREAM_MEMORY: usize = 4096;
/// After such a pause of the consumer the server may have dropped events.
pub(crate) const STREAM_PAUSE: Duration = Duration::from_secs(5);
/// Reading the history for longer than this, it is read once more.
pub(crate) const STREAM_CATCH_UP: Duration = Duration::from_secs(1);
/// How long to wait for the end of a response after its last event, so that its connection can be used again.
pub(crate) const STREAM_DRAIN: Duration = Duration::from_millis(100);
/// How long to wait for what a model had begun to write, after its turn was interrupted.
pub(crate) const STREAM_REST: Duration = Duration::from_secs(2);
/// First and longest pause before a server is asked again whether a turn is over, where its events do not say so.
pub(crate) const STREAM_ASK: Duration = Duration::from_secs(1);
pub(crate) const STREAM_ASK_CAP: Duration = Duration::from_secs(10);
/// Look-ups of missing numbers that find nothing, after which numbers have holes by nature.
pub(crate) const STREAM_FRUITLESS: u32 = 3;
/// Frames that are skipped before others get their turn.
pub(crate) const STREAM_SKIPS: u32 = 256;
/// Bytes of a file that are read at once.
pub(crate) const UPLOAD_CHUNK: usize = 64 * 1024;

/// Largest successful response body that is read into memory, in bytes.
pub(crate) const MAX_BODY: usize = 64 * 1024 * 1024;
/// Bytes of an error response's body that are read, so that its platform's dialect sees all of it.
pub(crate) const MAX_ERROR_BODY_READ: usize = 1024 * 1024;
/// Bytes of an error response's body that are kept.
pub(crate) const MAX_ERROR_BODY: usize = 64 * 1024;
/// How long to wait for the body of an error response, once its status has arrived.
pub(crate) const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes of a body that is not JSON that an error message quotes.
pub(crate) const EXCERPT: usize = 200;
/// Characters of a server's own error message that an error message quotes.
pub(crate) const MAX_MESSAGE: usize = 1000;
/// Levels that a body may nest. The parser reads 127, and what was sent comes back within lists and envelopes.
pub(crate) const MAX_BODY_DEPTH: usize = 120;
/// Longest id, in bytes, that is put into a path.
pub(crate) const MAX_ID: usize = 1024;

/// Concurrent captures in a bulk capture.
#[cfg(feature = "elephantasm")]
pub(crate) const EXTRACT_CONCURRENCY: usize = 8;

/// First pause between two polls of a long job; each is half as long again as the one before.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// Longest pause between two polls.
pub(crate) const POLL_INTERVAL_CAP: Duration = Duration::from_secs(10);
/// Shortest pause between two polls, whatever the caller sets.
pub(crate) const POLL_INTERVAL_FLOOR: Duration = Duration::from_millis(1);
/// The share of the remaining time that the pause before the last poll takes; the poll has the rest.
pub(crate) const POLL_LAST_PAUSE: f64 = 0.75;
/// The share of a pause between two polls that jitter may take off.
pub(crate) const POLL_JITTER: f64 = 0.25;
/// How long a poll has, after the time to wait is up, to end by itself.
pub(crate) const POLL_GRACE: Duration = Duration::from_millis(100);
/// How long to wait for a long job.
pub(crate) const POLL_TIMEOUT: Duration = Duration::from_secs(600);

/// Elephantasm's public host. Paths in the document start with `/api`.
#[cfg(feature = "elephantasm")]
pub(crate) mod elephantasm {
    pub(crate) const BASE_URL: &str = "https://api.elephantasm.com";
    pub(crate) const API_KEY: &str = "ELEPHANTASM_API_KEY";
    pub(crate) const ENDPOINT: &str = "ELEPHANTASM_ENDPOINT";
    pub(crate) const TIMEOUT: &str = "ELEPHANTASM_TIMEOUT";
    pub(crate) const ANIMA_ID: &str = "ELEPHANTASM_ANIMA_ID";
}

/// eClips' public host. Paths in the document start with `/v1`.
#[cfg(feature = "eclips")]
pub(crate) mod eclips {
    use std::time::Duration;

    pub(crate) const BASE_URL: &str = "https://api.eclips.tech";
    pub(crate) const API_KEY: &str = "ECLIPS_API_KEY";
    pub(crate) const ORG_ID: &str = "ECLIPS_ORG_ID";
    /// Rows of one batch.
    pub(crate) const MAX_ROWS: usize = 500;
    /// Batches of one submission that are under way at a time.
    pub(crate) const BATCHES_AT_ONCE: usize = 2;
    /// First and longest pause between two polls of a batch.
    pub(crate) const BATCH_INTERVAL: Duration = Duration::from_secs(5);
    pub(crate) const BATCH_INTERVAL_CAP: Duration = Duration::from_secs(30);
    /// Pause between two readings of the triage items, and the longest one after failures.
    pub(crate) const REVIEW_INTERVAL: Duration = Duration::from_secs(5);
    pub(crate) const REVIEW_INTERVAL_CAP: Duration = Duration::from_secs(60);
    /// Triage items of one page.
    pub(crate) const REVIEW_PAGE: i64 = 100;
    /// Largest delivery of a webhook, in bytes.
    pub(crate) const MAX_EVENT: usize = 16 * 1024 * 1024;
}

/// Agent Launchpad, which has no public host. Paths in the document start with `/api`.
#[cfg(feature = "launchpad")]
pub(crate) mod launchpad {
    use std::time::Duration;

    pub(crate) const BASE_URL: &str = "LAUNCHPAD_BASE_URL";
    pub(crate) const API_KEY: &str = "LAUNCHPAD_API_KEY";
    /// Calls that an installation allows in 15 minutes, and in one.
    pub(crate) const CALLS_PER_QUARTER: usize = 100;
    pub(crate) const CALLS_PER_MINUTE: usize = 20;
    /// Waits go slower when fewer calls than this are left.
    pub(crate) const CALLS_IN_RESERVE: u64 = 20;
    /// The longest pause because of the calls that are left: the window of the limit.
    pub(crate) const LONGEST_WINDOW: Duration = Duration::from_secs(15 * 60);
    /// First and longest pause between two polls of an agent, and how long to wait for it.
    pub(crate) const AGENT_INTERVAL: Duration = Duration::from_secs(15);
    pub(crate) const AGENT_INTERVAL_CAP: Duration = Duration::from_secs(30);
    pub(crate) const AGENT_TIMEOUT: Duration = Duration::from_secs(20 * 60);
    /// Polls that show an agent live before it counts as changed, where nothing else tells.
    pub(crate) const POLLS_TO_SETTLE: u32 = 2;
    /// Lines of the log that are read when a deployment has failed, and how long that may take.
    pub(crate) const LAST_LOGS: i64 = 20;
    pub(crate) const LAST_LOGS_TIMEOUT: Duration = Duration::from_secs(10);
    /// The most lines that one response has.
    pub(crate) const MAX_LINES: i64 = 1000;
    /// Pause between two readings of a log whose server does not stream it.
    pub(crate) const LOG_INTERVAL: Duration = Duration::from_secs(15);
    /// Silence of a streamed log after which the connection is made anew.
    pub(crate) const LOG_GAP: Duration = Duration::from_secs(5 * 60);
    /// How far before the last known line a log is read again.
    pub(crate) const LOG_MARGIN: Duration = Duration::from_secs(30);
    /// Lines that are remembered so that none is handed out twice.
    pub(crate) const LOG_MEMORY: usize = 5000;
    /// A streamed log that ends sooner was no stream.
    pub(crate) const SHORTEST_STREAM: Duration = Duration::from_secs(1);
    /// Failures in a row after which following a log is given up.
    pub(crate) const LOG_FAILURES: u32 = 10;
    /// Empty readings of a log after which the agent's status is looked at.
    pub(crate) const QUIET_READINGS: u32 = 4;
}

/// Elacity's public host. Paths in the document stand below `/api`.
#[cfg(feature = "elacity")]
pub(crate) mod elacity {
    pub(crate) const BASE_URL: &str = "https://elacity.ai/api";
    pub(crate) const API_KEY: &str = "ELACITY_API_KEY";
    pub(crate) const ORG: &str = "ELACITY_ORG";
}

/// Open Managed Agents and Anthropic. Paths in the document start with `/v1`, but for health checks.
#[cfg(feature = "oma")]
pub(crate) mod oma {
    pub(crate) const BASE_URL: &str = "https://app.openma.dev";
    pub(crate) const API_KEY: &str = "OMA_API_KEY";
    pub(crate) const BASE_URL_VARIABLE: &str = "OMA_BASE_URL";
    pub(crate) const ANTHROPIC_BASE_URL: &str = "https://api.anthropic.com";
    pub(crate) const ANTHROPIC_VERSION: &str = "2026-10-21";
    pub(crate) const ANTHROPIC_API_KEY: &str = "ANTHROPIC_API_KEY";
    pub(crate) const ANTHROPIC_AUTH_TOKEN: &str = "ANTHROPIC_AUTH_TOKEN";
    pub(crate) const ANTHROPIC_KEY_OR_TOKEN: &str = "ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN";
    pub(crate) const ANTHROPIC_BASE_URL_VARIABLE: &str = "ANTHROPIC_BASE_URL";
    pub(crate) const ANTHROPIC_CUSTOM_HEADERS: &str = "ANTHROPIC_CUSTOM_HEADERS";
    /// Events of a page where all are read: the most that every generation gives.
    pub(crate) const EVENTS_PER_PAGE: u32 = 100;
    /// The most events of a page that any generation gives; others give their own most.
    pub(crate) const MOST_EVENTS_PER_PAGE: u32 = 1000;
    pub(crate) const WEBHOOK_KEY: &str = "ANTHROPIC_WEBHOOK_SIGNING_KEY";
    pub(crate) const WEBHOOK_TOLERANCE: std::time::Duration = std::time::Duration::from_secs(300);
    pub(crate) const MAX_WEBHOOK: usize = 16 << 20;
    /// Seconds after which a file may be deleted.
    pub(crate) const FILE_LIFETIME: std::ops::RangeInclusive<u64> = 3600..=7_776_000;
    /// What a skill may have: files, bytes of one, bytes in all, characters of its name.
    pub(crate) const SKILL_FILES: usize = 500;
    pub(crate) const SKILL_FILE_BYTES: u64 = 25 << 20;
    pub(crate) const SKILL_BYTES: u64 = 100 << 20;
    pub(crate) const SKILL_NAME: usize = 64;
}

/// The value of an environment variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Variable {
    Unset,
    /// Empty, or nothing but white space: as good as unset, but errors tell the two apart.
    Blank,
    /// Trimmed.
    Set(String),
}

impl Variable {
    pub(crate) fn value(self) -> Option<String> {
        match self {
            Self::Set(value) => Some(value),
            Self::Unset | Self::Blank => None,
        }
    }

    pub(crate) fn is_set(&self) -> bool {
        matches!(self, Self::Set(_))
    }
}

/// Reads an environment variable.
pub(crate) fn variable(name: &str) -> Result<Variable, Error> {
    match env::var(name) {
        Ok(value) if value.trim().is_empty() => Ok(Variable::Blank),
        Ok(value) => Ok(Variable::Set(value.trim().to_owned())),
        Err(VarError::NotPresent) => Ok(Variable::Unset),
        Err(VarError::NotUnicode(_)) => Err(Error::config(format!("{name} is not UTF-8"))),
    }
}
