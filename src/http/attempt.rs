//! A frozen request on its way: sent attempt by attempt, until one succeeds or must not be retried.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use super::call::Ending;
use super::client::Core;
use super::credential::SentSecret;
use super::frozen::Frozen;
use super::hook::{AttemptEnd, AttemptStart, ExtraHeaders};
use super::pace::Pulse;
use super::reader::location;
use super::retry::{self, Deadline, Failed, RetrySettings, RetryState};
use super::trace;
use super::transport::{self, AttemptError, Limits, Received};
use crate::Error;
use crate::clock::{self, timeout_at};
use crate::config;
use crate::error::{
    ApiError, Attempt, Body, CallRecord, ConfigError, ErrorResponse, Head, ThrottledError, TimeoutError,
    TransportError, redacted_url, without_secret,
};
use crate::lock::lock;
use crate::secret::Secret;

impl Core {
    /// Sends `frozen` until an attempt succeeds or must not be retried.
    pub(super) async fn send(
        &self,
        frozen: &Frozen,
        ending: Ending,
        settings: &RetrySettings,
        state: &mut RetryState,
    ) -> Result<Box<Received>, AttemptError> {
        let attempt = |number, deadline, begun| self.attempt(frozen, ending, number, deadline, begun);
        let limits = (&*self.shared().budget, self.shared().limiter.as_ref());
        let can_repeat = || frozen.body.is_replayable();
        match retry::run(settings, limits, state, can_repeat, fastrand::f64, attempt, tokio::time::sleep).await {
            // Few calls come here, and all would carry the size of it.
            Err(error) if Box::pin(self.renews_key(frozen, &error, settings, state)).await => {
                let again = retry::run(settings, limits, state, can_repeat, fastrand::f64, attempt, tokio::time::sleep);
                Box::pin(again).await
            }
            result => result,
        }
    }

    /// Whether a call that the server rejects for its key has another one to try, once.
    async fn renews_key(
        &self,
        frozen: &Frozen,
        error: &AttemptError,
        settings: &RetrySettings,
        state: &mut RetryState,
    ) -> bool {
        let is_unauthorized = error.status() == Some(StatusCode::UNAUTHORIZED);
        let Some(rejected) = frozen.key().filter(|_| is_unauthorized) else { return false };
        if settings.policy.max_retries == 0 || !frozen.body.is_replayable() || !state.renew_once() {
            return false;
        }
        timeout_at(state.deadline(), self.shared().credential.renew(&rejected)).await.unwrap_or(false)
    }

    async fn attempt(
        &self,
        frozen: &Frozen,
        ending: Ending,
        number: u32,
        deadline: Deadline,
        begun: Instant,
    ) -> Result<Box<Received>, AttemptError> {
        let ends = clock::after(begun, deadline.length);
        // Once it was borrowed, it would take room until the end.
        let (authorized, headers) = {
            let mut headers = HeaderMap::clone(&frozen.headers);
            self.before(frozen, number, &mut headers);
            let authorized = match self.shared().credential.own_secret(frozen.spec.auth) {
                Some(secret) => Ok(Some(secret)),
                // Few clients come here, and all would carry the size of it.
                None => Box::pin(self.authorize(frozen, &mut headers, deadline, ends)).await,
            };
            (authorized, headers)
        };
        trace::url(frozen, authorized.as_ref().ok().and_then(Option::as_deref));
        let mut result = match authorized {
            Ok(secret) => {
                *lock(&frozen.key) = secret;
                self.exchange(frozen, ending, number, headers, deadline, ends).await
            }
            Err(failure) => Err(failure),
        };
        let took = begun.elapsed();
        self.after(frozen, number, &result, took);
        if let Ok(received) = &mut result {
            received.took = took;
        }
        result.map(Box::new)
    }

    async fn authorize(
        &self,
        frozen: &Frozen,
        headers: &mut HeaderMap,
        deadline: Deadline,
        ends: Instant,
    ) -> Result<Option<SentSecret>, AttemptError> {
        let shared = self.shared();
        let authorizing = shared.credential.authorize(shared.scheme, frozen.spec.auth, headers);
        match timeout_at(ends, authorizing).await {
            Ok(secret) => {
                let why = shared.credential.failure();
                secret.map_err(|source| AttemptError::Unsent { why, source })
            }
            Err(_elapsed) => Err(transport::timed_out(deadline, false)),
        }
    }

    async fn exchange(
        &self,
        frozen: &Frozen,
        ending: Ending,
        number: u32,
        headers: HeaderMap,
        deadline: Deadline,
        ends: Instant,
    ) -> Result<Received, AttemptError> {
        let shared = self.shared();
        let upload = frozen.body.is_transfer().then(Pulse::new);
        let attempt = number.saturating_add(1);
        let request = match &upload {
            None => Ok(frozen.to_request(headers)),
            // Few calls come here, and all would carry the size of it.
            Some(pulse) => Box::pin(frozen.open_request(shared.transport.client(), headers, attempt, pulse)).await,
        };
        let request =
            request.map_err(|source| AttemptError::Unsent { why: "the body cannot be sent", source: source.into() })?;
        let limits = Limits {
            window: deadline,
            ends,
            connect: shared.settings.connect,
            max_body: shared.settings.max_body,
            live: ending == Ending::Live,
            upload,
        };
        let received = Box::pin(shared.transport.exchange(request, limits)).await?;
        let handed_out = ending == Ending::Redirect && received.status.is_redirection();
        if received.status.is_success() || (handed_out && location(&received.headers).is_some()) {
            return Ok(received);
        }
        if frozen.also.is_some_and(|is_success| is_success(received.status, &received.body)) {
            return Ok(received);
        }
        Err(AttemptError::Response(Box::new(self.read_error(received, frozen.concealed.as_deref()))))
    }

    fn read_error(&self, received: Received, concealed: Option<&Secret<String>>) -> ErrorResponse {
        let Received { status, headers, body, .. } = received;
        let mut body = without_secret(body, concealed);
        let details = (self.shared().platform.dialect)(status, &headers, &body);
        body.truncate(config::MAX_ERROR_BODY);
        let retry_after = crate::headers::retry_after(&headers).or(details.retry_after);
        ErrorResponse { status, headers, body, details, retry_after }
    }

    fn before(&self, frozen: &Frozen, number: u32, headers: &mut HeaderMap) {
        let hooks = &self.shared().hooks;
        if hooks.is_empty() {
            return;
        }
        let start = frozen.start(number);
        let mut extra = ExtraHeaders::new(self.shared().platform);
        for hook in hooks {
            hook.before(&start, &mut extra);
        }
        for (name, value) in extra.headers.iter().filter(|(name, _)| !frozen.headers.contains_key(*name)) {
            headers.append(name, value.clone());
        }
    }

    fn after(&self, frozen: &Frozen, number: u32, result: &Result<Received, AttemptError>, took: Duration) {
        trace::attempt(number, result, took);
        let hooks = &self.shared().hooks;
        if hooks.is_empty() {
            return;
        }
        let url = frozen.key().map(|key| redacted_url(frozen.shown_url().to_owned(), Some(&key)));
        let start = AttemptStart { url: url.as_deref().unwrap_or(frozen.shown_url()), ..frozen.start(number) };
        let cause = result.as_ref().err().map(Failed::cause);
        let status = match result {
            Ok(received) => Some(received.status),
            Err(failure) => failure.status(),
        };
        for hook in hooks {
            hook.after(&start, &AttemptEnd { status, cause: cause.as_deref(), took });
        }
    }
}

pub(super) fn error_of(
    frozen: &Frozen,
    failure: AttemptError,
    attempts: Vec<Attempt>,
    note: Option<&'static str>,
) -> Error {
    let may_have_been_processed = attempts.iter().any(|attempt| attempt.may_have_been_processed);
    let mut record = frozen.record(attempts, may_have_been_processed);
    record.note = note;
    let secret = frozen.key();
    // A provided key is not known when the URL is built.
    record.url = redacted_url(record.url, secret.as_deref());
    error_after(None, failure, record, secret.as_deref())
}

/// `head`: what had arrived of a 2xx response before the failure.
fn error_after(
    head: Option<Box<Head>>,
    failure: AttemptError,
    record: CallRecord,
    secret: Option<&Secret<String>>,
) -> Error {
    match failure {
        AttemptError::Response(response) => Error::from_api(ApiError::new(*response, record, secret)),
        AttemptError::Transport { kind, source } if kind.is_connect() => {
            Error::Connect(Box::new(TransportError { kind, source, head, record }))
        }
        AttemptError::Transport { kind, source } => {
            Error::Transport(Box::new(TransportError { kind, source, head, record }))
        }
        AttemptError::Timeout { timer, after, .. } => {
            Error::Timeout(Box::new(TimeoutError { timer, after, met: None, head, awaited: None, record }))
        }
        AttemptError::Incomplete { response, failure } => {
            let Received { status, headers, body, .. } = *response;
            let head = Head::new(status, headers, Body(body), secret);
            error_after(Some(Box::new(head)), *failure, record, secret)
        }
        AttemptError::Throttled(wait) => Error::Throttled(Box::new(ThrottledError::new(wait, record))),
        AttemptError::Unsent { why, source } => {
            Error::Config(Box::new(ConfigError::new(why.to_owned(), Some(source)).with_record(record)))
        }
    }
}
