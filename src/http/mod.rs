//! The path of every call from request to response: prepare once, send until it succeeds or must not be retried, decode
//! once.

mod base_url;
mod budget;
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
pub(crate) use self::operation::{Alternate, Operation, OperationSpec, Piece};
pub use self::rate_limit::RateLimit;
pub use self::request::{Request, RequestFuture};
pub use self::response::Response;
pub(crate) use self::response::request_id;
pub use self::retry::RetryPolicy;
pub(crate) use self::retry_after::{seconds, should_retry};

use self::budget::Budget;
pub(crate) use self::credential::Auth;
use self::credential::{Credential, SentSecret};
use self::prepare::{Draft, Prepared};
use self::retry::{Failed, Progress, Window};
use self::transport::{Failure, Received};
use crate::Error;
use crate::clock;
use crate::error::{
    ApiError, Attempt, Body, CallRecord, ConfigError, ErrorAnswer, Facts, Head, Reason, TimeoutError, TransportError,
    TransportKind, redacted,
};
use crate::secret::Secret;

#[allow(unused_imports, reason = "the generated tables use them; not every set of platforms pages")]
pub(crate) use crate::page::{PageBy, Paging};

/// What the transport needs to know about a platform.
pub(crate) struct Platform {
    pub(crate) name: &'static str,
    pub(crate) base_url: &'static str,
    /// A path that users may include at the end of a base URL, although the document's paths start with it.
    pub(crate) optional_suffix: &'static str,
    pub(crate) auth: Auth,
    /// The environment variable of the key, for the error about a missing key.
    pub(crate) key_variable: &'static str,
    /// Reads an error response; runs before the response is classified.
    pub(crate) dialect: fn(StatusCode, &HeaderMap, &[u8]) -> Facts,
    /// Whether the platform's store fails on U+0000 in any text.
    pub(crate) rejects_nul: bool,
}

/// State shared by all clones and resources of a client.
#[derive(Clone)]
pub(crate) struct Core(Arc<Shared>);

struct Shared {
    platform: &'static Platform,
    http: reqwest::Client,
    /// Scheme, host and port.
    origin: Url,
    /// Prefix of the document's paths, without a trailing slash.
    prefix: String,
    /// Sent with every request, a fixed credential among them.
    headers: Arc<HeaderMap>,
    /// The same, with those for a JSON body.
    json_headers: Arc<HeaderMap>,
    credential: Credential,
    settings: Settings,
    hooks: Vec<Arc<dyn Hook>>,
    budget: Arc<Budget>,
}

/// Settings of a client that the builder sets.
#[derive(Clone, Copy, Debug)]
struct Settings {
    connect: Duration,
    /// The two timers, if the caller set them.
    attempt: Option<Duration>,
    total: Option<Duration>,
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

/// A 2xx response of one attempt.
struct Sent {
    received: Received,
    /// The key that was sent.
    secret: Option<SentSecret>,
    took: Duration,
}

/// A 2xx response, and the attempts before it.
struct Delivered {
    sent: Sent,
    /// The attempts that failed before it.
    attempts: Vec<Attempt>,
    prepared: Box<Prepared>,
}

/// Why an attempt got no 2xx response, and the key that was sent.
type Missed = (Failure, Option<SentSecret>);

impl Core {
    async fn call(&self, draft: &Draft) -> Result<Delivered, Error> {
        let prepared = draft.prepare(&self.0, None)?;
        let span = trace::span(&prepared);
        trace::in_span(span, self.send_prepared(draft, prepared)).await
    }

    /// Sends the operation's own route, then its alternates for as long as the server does not route them.
    async fn send_prepared(&self, draft: &Draft, mut prepared: Box<Prepared>) -> Result<Delivered, Error> {
        let plan = draft.plan(&self.0.settings);
        let mut progress = Progress::begin(&plan);
        let mut alternates = draft.spec.alternates.iter();
        loop {
            let attempt = |number, window| self.attempt(&prepared, number, window);
            let sleep = tokio::time::sleep;
            let running = retry::run(&plan, &self.0.budget, &mut progress, fastrand::f64, attempt, sleep);
            let (failure, secret) = match running.await {
                Ok(sent) => return Ok(Delivered { sent, attempts: progress.attempts, prepared }),
                Err(missed) => missed,
            };
            match alternates.next().filter(|_| failure.reason() == Some(Reason::RouteMissing)) {
                Some(alternate) => prepared = draft.prepare(&self.0, Some(alternate))?,
                None => return Err(error_of(&prepared, failure, secret.as_deref(), progress.attempts)),
            }
        }
    }

    async fn attempt(&self, prepared: &Prepared, number: u32, window: Window) -> Result<Sent, Missed> {
        let begun = Instant::now();
        let deadline = clock::after(begun, window.length);
        let mut headers = HeaderMap::clone(&prepared.headers);
        self.before(prepared, number, &mut headers);
        let (result, secret) = match self.authorize(prepared, &mut headers, window, deadline).await {
            Ok(secret) => {
                let sending = self.0.http.execute(prepared.to_request(headers));
                let received = transport::exchange(sending, window, deadline, &self.0.settings).await;
                (received.and_then(|received| self.judge(received)), secret)
            }
            Err(failure) => (Err(failure), None),
        };
        let took = begun.elapsed();
        self.after(prepared, number, &result, took);
        match result {
            Ok(received) => Ok(Sent { received, secret, took }),
            Err(failure) => Err((failure, secret)),
        }
    }

    async fn authorize(
        &self,
        prepared: &Prepared,
        headers: &mut HeaderMap,
        window: Window,
        deadline: Instant,
    ) -> Result<Option<SentSecret>, Failure> {
        let authorizing = self.0.credential.authorize(&self.0.platform.auth, prepared.auth, headers);
        match timeout_at(deadline, authorizing).await {
            Ok(secret) => secret.map_err(|source| Failure::Unsent { why: "the credential provider failed", source }),
            Err(_elapsed) => Err(transport::timed_out(window, false)),
        }
    }

    /// Separates 2xx responses from all others.
    fn judge(&self, received: Received) -> Result<Received, Failure> {
        if received.status.is_success() {
            return Ok(received);
        }
        Err(Failure::Answer(Box::new(self.read_error(received))))
    }

    fn read_error(&self, received: Received) -> ErrorAnswer {
        let Received { status, headers, body } = received;
        let facts = (self.0.platform.dialect)(status, &headers, &body);
        let retry_after = retry_after::from_headers(&headers).or(facts.retry_after);
        ErrorAnswer { status, headers, body, facts, retry_after }
    }

    fn before(&self, prepared: &Prepared, number: u32, headers: &mut HeaderMap) {
        if self.0.hooks.is_empty() {
            return;
        }
        let start = prepared.start(number);
        let mut extra = ExtraHeaders::default();
        for hook in &self.0.hooks {
            hook.before(&start, &mut extra);
        }
        for (name, value) in extra.0.iter().filter(|(name, _)| !prepared.headers.contains_key(*name)) {
            headers.append(name, value.clone());
        }
    }

    fn after(&self, prepared: &Prepared, number: u32, result: &Result<Received, Failure>, took: Duration) {
        trace::attempt(number, result, took);
        if self.0.hooks.is_empty() {
            return;
        }
        let start = prepared.start(number);
        let cause = result.as_ref().err().map(Failed::cause);
        let status = match result {
            Ok(received) => Some(received.status),
            Err(failure) => failure.status(),
        };
        for hook in &self.0.hooks {
            hook.after(&start, &AttemptEnd { status, cause: cause.as_deref(), took });
        }
    }
}

fn error_of(prepared: &Prepared, failure: Failure, secret: Option<&Secret<String>>, attempts: Vec<Attempt>) -> Error {
    let may_have_been_processed = attempts.iter().any(|attempt| attempt.may_have_been_processed);
    let mut record = prepared.record(attempts, may_have_been_processed);
    // A provided key is not known when the URL is built.
    record.url = redacted(record.url, secret);
    error_after(None, failure, record, secret)
}

/// `head`: what had arrived of a 2xx response before the failure.
fn error_after(
    head: Option<Box<Head>>,
    failure: Failure,
    record: CallRecord,
    secret: Option<&Secret<String>>,
) -> Error {
    match failure {
        Failure::Answer(answer) => Error::from_api(ApiError::new(*answer, record, secret)),
        Failure::Transport { kind: kind @ TransportKind::NotConnected, source } => {
            Error::Connect(Box::new(TransportError { kind, source, head, record }))
        }
        Failure::Transport { kind, source } => {
            Error::Transport(Box::new(TransportError { kind, source, head, record }))
        }
        Failure::Timeout { timer, after, .. } => {
            Error::Timeout(Box::new(TimeoutError { timer, after, met: None, head, awaited: None, record }))
        }
        Failure::Incomplete { answer, failure } => {
            let Received { status, headers, body } = *answer;
            let head = Head::new(status, headers, Body(body), secret);
            error_after(Some(Box::new(head)), *failure, record, secret)
        }
        Failure::Unsent { why, source } => {
            Error::Config(Box::new(ConfigError::new(why.to_owned(), Some(source)).with_record(record)))
        }
    }
}

impl Failed for Missed {
    fn outcome(&self) -> retry::Outcome {
        self.0.outcome()
    }

    fn status(&self) -> Option<StatusCode> {
        self.0.status()
    }

    fn cause(&self) -> String {
        self.0.cause()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use wiremock::matchers::{method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;
    use crate::elephantasm::PLATFORM;

    static SPELT_TWICE: OperationSpec = OperationSpec {
        id: "test_run",
        method: Method::GET,
        path: &[Piece::Text("/api/new")],
        auth: true,
        retry: RetryClass::Idempotent,
        timeout: None,
        alternates: &[Alternate { id: "test_old_run", method: Method::POST, path: &[Piece::Text("/api/old")] }],
        paging: None,
    };

    async fn call(new: ResponseTemplate, old: ResponseTemplate) -> (Result<Value, Error>, usize) {
        let server = MockServer::builder().start().await;
        Mock::given(method("GET")).and(path("/api/new")).respond_with(new).mount(&server).await;
        Mock::given(method("POST")).and(path("/api/old")).respond_with(old).mount(&server).await;
        let core = ClientBuilder::new(&PLATFORM, |core| core)
            .base_url(server.uri())
            .api_key("k")
            .configure_http(reqwest::ClientBuilder::no_proxy)
            .retry_policy(RetryPolicy::default().backoff(Duration::ZERO, Duration::ZERO))
            .build()
            .unwrap();
        let result = Request::new(&core, Operation { spec: &SPELT_TWICE, decode: decode::json::<Value> }).await;
        (result, server.received_requests().await.unwrap().len())
    }

    #[tokio::test]
    async fn a_spelling_that_the_server_lacks_gives_way_to_the_next() {
        let missing = || ResponseTemplate::new(404).set_body_raw(r#"{"detail":"Not Found"}"#, "application/json");
        let found = || ResponseTemplate::new(200).set_body_raw("1", "application/json");
        assert_eq!(call(found(), missing()).await.0.unwrap(), 1);
        assert_eq!(call(missing(), found()).await.0.unwrap(), 1);

        let (neither, requests) = call(missing(), missing()).await;
        let neither = neither.unwrap_err();
        assert_eq!((neither.operation(), neither.method()), (Some("test_old_run"), Some(&Method::POST)));
        assert_eq!((neither.attempts().len(), requests), (2, 2), "the attempts of both");

        let absent = ResponseTemplate::new(404).set_body_raw(r#"{"detail":"Run 1 not found"}"#, "application/json");
        let (absent, requests) = call(absent, found()).await;
        assert!(absent.unwrap_err().is_not_found());
        assert_eq!(requests, 1);
    }
}
