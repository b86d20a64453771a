//! The one road from a call to an answer: prepare once, send until it succeeds or another attempt would be wrong,
//! decode once.

mod base_url;
mod builder;
mod connection;
mod credential;
pub(crate) mod decode;
mod hook;
mod operation;
mod prepare;
mod rate_limit;
mod request;
mod response;
mod retry;
mod retry_after;
mod trace;
mod transport;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use tokio::time::{Instant, timeout_at};
use url::Url;

pub(crate) use http::Method;

pub use self::builder::ClientBuilder;
pub use self::hook::{AttemptEnd, AttemptStart, ExtraHeaders, Hook};
pub use self::operation::RetryClass;
pub(crate) use self::operation::{Alternate, Operation, OperationSpec, Paging, Piece};
pub use self::rate_limit::RateLimit;
pub use self::request::{Request, RequestFuture};
pub use self::response::Response;
pub use self::retry::RetryPolicy;
pub(crate) use self::retry_after::seconds;

pub(crate) use self::credential::Auth;
use self::credential::{Credential, SentSecret};
use self::prepare::{Draft, Prepared};
use self::retry::{Budget, Failed, Window};
use self::transport::{Failure, Received};
use crate::Error;
use crate::clock;
use crate::error::{
    ApiError, Attempt, ConfigError, ErrorAnswer, Facts, Reason, TimeoutError, TransportError, TransportKind,
};
use crate::secret::Secret;

/// What the road must know of a platform.
pub(crate) struct Platform {
    pub(crate) name: &'static str,
    pub(crate) base_url: &'static str,
    /// A path that users may leave at the end of a base URL, and that the document's paths begin with.
    pub(crate) optional_suffix: &'static str,
    pub(crate) auth: Auth,
    /// The environment variable of the key, for the error that misses it.
    pub(crate) key_variable: &'static str,
    /// Reads an error answer; runs before the answer is classified.
    pub(crate) dialect: fn(StatusCode, &HeaderMap, &[u8]) -> Facts,
    /// The platform's store fails on U+0000 in any text.
    pub(crate) rejects_nul: bool,
}

/// What all clones and resources of a client share.
#[derive(Clone)]
pub(crate) struct Core(Arc<Shared>);

struct Shared {
    platform: &'static Platform,
    http: reqwest::Client,
    /// Scheme, host and port.
    origin: Url,
    /// What stands before the document's paths, without a slash at its end.
    prefix: String,
    /// Sent with every request, a fixed credential among them.
    headers: Arc<HeaderMap>,
    /// The same, with what announces a JSON body.
    json_headers: Arc<HeaderMap>,
    credential: Credential,
    settings: Settings,
    hooks: Vec<Arc<dyn Hook>>,
    budget: Budget,
}

/// Numbers of a client that the builder sets.
#[derive(Clone, Copy, Debug)]
struct Settings {
    connect: Duration,
    attempt: Option<Duration>,
    total: Option<Duration>,
    total_set: bool,
    policy: RetryPolicy,
    max_body: usize,
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("platform", &self.0.platform.name)
            .field("base_url", &format_args!("{}{}", self.0.origin.as_str().trim_end_matches('/'), self.0.prefix))
            .finish_non_exhaustive()
    }
}

/// An answer, and what led to it.
struct Delivered {
    received: Received,
    secret: Option<SentSecret>,
    /// The attempts that failed before it.
    attempts: Vec<Attempt>,
    prepared: Prepared,
}

/// The outcome of an attempt, with the key that went out.
type AttemptResult = Result<(Received, Option<SentSecret>), AttemptFailure>;
type AttemptFailure = (Failure, Option<SentSecret>);

impl Core {
    /// Sends `draft` by its own spelling, then by the alternates as long as the server does not route them.
    async fn call(&self, draft: &Draft) -> Result<Delivered, Error> {
        let mut alternates = draft.spec.alternates.iter();
        let mut prepared = draft.prepare(&self.0, None)?;
        loop {
            match self.send_prepared(draft, &prepared).await {
                Ok(((received, secret), attempts)) => return Ok(Delivered { received, secret, attempts, prepared }),
                Err(error) if error.reason() == Some(Reason::RouteMissing) => match alternates.next() {
                    Some(alternate) => prepared = draft.prepare(&self.0, Some(alternate))?,
                    None => return Err(error),
                },
                Err(error) => return Err(error),
            }
        }
    }

    async fn send_prepared(
        &self,
        draft: &Draft,
        prepared: &Prepared,
    ) -> Result<((Received, Option<SentSecret>), Vec<Attempt>), Error> {
        let plan = draft.plan(&self.0.settings);
        let running = retry::run(
            &plan,
            &self.0.budget,
            fastrand::f64,
            |number, window| self.attempt(prepared, number, window),
            tokio::time::sleep,
        );
        match trace::in_span(running, prepared).await {
            Ok(delivered) => Ok(delivered),
            Err(((failure, secret), attempts)) => Err(error_of(prepared, failure, secret.as_deref(), attempts)),
        }
    }

    async fn attempt(&self, prepared: &Prepared, number: u32, window: Window) -> AttemptResult {
        let begun = Instant::now();
        let deadline = clock::after(begun, window.length);
        let mut headers = HeaderMap::clone(&prepared.headers);
        let authorizing = self.0.credential.authorize(&self.0.platform.auth, prepared.auth, &mut headers);
        let secret = match timeout_at(deadline, authorizing).await {
            Ok(Ok(secret)) => secret,
            Ok(Err(source)) => return Err((Failure::Credentials(source), None)),
            Err(_elapsed) => return Err((transport::timed_out(window, false), None)),
        };
        self.before(prepared, number, &mut headers);
        let sending = self.0.http.execute(prepared.to_request(headers));
        let result = match transport::exchange(sending, window, deadline, &self.0.settings).await {
            Ok(received) if received.status.is_success() => Ok(received),
            Ok(received) => Err(Failure::Answer(Box::new(self.read_error(received)))),
            Err(failure) => Err(failure),
        };
        self.after(prepared, number, &result, begun.elapsed());
        match result {
            Ok(received) => Ok((received, secret)),
            Err(failure) => Err((failure, secret)),
        }
    }

    fn read_error(&self, received: Received) -> ErrorAnswer {
        let Received { status, headers, body } = received;
        let mut facts = (self.0.platform.dialect)(status, &headers, &body);
        if facts.request_id.is_none() {
            facts.request_id = response::request_id(&headers).map(str::to_owned);
        }
        let retry_after = retry_after::from_headers(&headers).or(facts.retry_after);
        ErrorAnswer { status, headers, body, facts, retry_after }
    }

    fn before(&self, prepared: &Prepared, number: u32, headers: &mut HeaderMap) {
        if self.0.hooks.is_empty() {
            return;
        }
        let url = prepared.shown_url();
        let start = prepared.start(&url, number);
        let mut extra = ExtraHeaders::default();
        for hook in &self.0.hooks {
            hook.before(&start, &mut extra);
        }
        for (name, value) in extra.0.iter().filter(|(name, _)| !prepared.headers.contains_key(*name)) {
            headers.append(name, value.clone());
        }
    }

    fn after(&self, prepared: &Prepared, number: u32, result: &Result<Received, Failure>, took: Duration) {
        trace::attempt(prepared, number, result, took);
        if self.0.hooks.is_empty() {
            return;
        }
        let url = prepared.shown_url();
        let start = prepared.start(&url, number);
        let cause = result.as_ref().err().map(Failed::cause);
        let status = match result {
            Ok(received) => Some(received.status),
            Err(Failure::Answer(answer)) => Some(answer.status),
            Err(_) => None,
        };
        for hook in &self.0.hooks {
            hook.after(&start, &AttemptEnd { status, cause: cause.as_deref(), took });
        }
    }
}

fn error_of(prepared: &Prepared, failure: Failure, secret: Option<&Secret<String>>, attempts: Vec<Attempt>) -> Error {
    let may_have_been_processed = attempts.iter().any(|attempt| attempt.may_have_been_processed);
    let record = prepared.record(attempts, may_have_been_processed);
    match failure {
        Failure::Answer(answer) => Error::from_api(ApiError::new(*answer, record, secret)),
        Failure::Transport { kind: kind @ TransportKind::NotConnected, source } => {
            Error::Connect(Box::new(TransportError { kind, source, record }))
        }
        Failure::Transport { kind, source } => Error::Transport(Box::new(TransportError { kind, source, record })),
        Failure::Timeout { timer, after, .. } => {
            Error::Timeout(Box::new(TimeoutError { timer, after, met: None, record }))
        }
        Failure::Credentials(source) => {
            let message = "the credential provider failed".to_owned();
            Error::Config(Box::new(ConfigError::new(message, Some(source)).with_record(record)))
        }
    }
}

impl Failed for AttemptFailure {
    fn outcome(&self) -> retry::Outcome {
        self.0.outcome()
    }

    fn cause(&self) -> String {
        self.0.cause()
    }
}
