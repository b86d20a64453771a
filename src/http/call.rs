//! One call from request to response: learn what its spelling depends on, send it to one route after the other, attempt
//! by attempt.

use std::time::Duration;

use http::{HeaderMap, HeaderName, StatusCode};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::client::Core;
use super::credential::SentSecret;
use super::frozen::Frozen;
use super::hook::{AttemptEnd, ExtraHeaders};
use super::limiter::Limiter;
use super::operation::OperationSpec;
use super::pace::Pulse;
use super::parts::RequestParts;
use super::platform::Probe;
use super::reader::location;
use super::retry::{self, Deadline, Failed, RetrySettings, RetryState};
use super::trace;
use super::transport::{self, AttemptError, Limits, Received};
use crate::Error;
use crate::check::InvalidArgument;
use crate::clock::{self, timeout_at};
use crate::config;
use crate::error::{
    ApiError, Attempt, Body, CallRecord, ConfigError, DecodeError, DecodeFault, ErrorResponse, Head, LEARNT,
    ThrottledError, TimeoutError, Timer, TransportError, UnsupportedError, redacted_url, without_secret,
};
use crate::secret::Secret;
use crate::spelling::is_known_to;

/// How far a response is read before its call is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// To its last byte.
    Whole,
    /// To the end of its head; the body is handed on while it arrives.
    Live,
    /// A redirect is the result, and not followed.
    Redirect,
}

/// The response that a call was made for.
pub(crate) struct Answered {
    pub(crate) sent: Box<Sent>,
    /// The attempts that failed before it.
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) frozen: Box<Frozen>,
}

/// A successful attempt.
pub(crate) struct Sent {
    pub(crate) received: Received,
    /// The key that was sent.
    pub(crate) secret: Option<SentSecret>,
    pub(crate) took: Duration,
}

/// A failed attempt, with the key that was sent.
struct Missed {
    failure: AttemptError,
    secret: Option<SentSecret>,
    /// How long the client's own limit held the attempt back.
    held_back: Duration,
    /// Another attempt would send the same.
    can_repeat: bool,
}

impl Missed {
    fn is_unauthorized(&self) -> bool {
        self.failure.status() == Some(StatusCode::UNAUTHORIZED)
    }
}

impl Core {
    /// Carries out the call that `parts` describe.
    ///
    /// # Errors
    /// Any variant of [`Error`] but `Decode`.
    pub(crate) async fn call(&self, parts: &RequestParts, ending: Ending) -> Result<Answered, Error> {
        let settings = parts.settings();
        let call = Call { core: self, parts, ending, settings };
        trace::in_span(trace::span(parts.spec.id, parts.method()), call.run()).await
    }

    /// Sends `frozen` until an attempt succeeds or must not be retried.
    async fn send(
        &self,
        frozen: &Frozen,
        ending: Ending,
        settings: &RetrySettings,
        state: &mut RetryState,
    ) -> Result<Box<Sent>, Missed> {
        let latest = settings.strict.then(|| state.deadline());
        let attempt = |number, mut deadline: Deadline, mut begun| async move {
            let mut held_back = Duration::ZERO;
            if let Some(limiter) = &self.shared().limiter {
                held_back = Box::pin(admit(limiter, latest)).await?;
                begun = Instant::now();
                let left = latest.map_or(Duration::MAX, |latest| latest.saturating_duration_since(begun));
                deadline = deadline.within(left, settings.total);
            }
            let attempt = self.attempt(frozen, ending, number, deadline, begun);
            attempt.await.map_err(|missed| Missed { held_back, ..missed })
        };
        let budget = &self.shared().budget;
        match retry::run(settings, budget, state, fastrand::f64, attempt, tokio::time::sleep).await {
            // Few calls come here, and all would carry the size of it.
            Err(missed) if Box::pin(self.renews_key(frozen, &missed, settings, state)).await => {
                Box::pin(retry::run(settings, budget, state, fastrand::f64, attempt, tokio::time::sleep)).await
            }
            result => result,
        }
    }

    /// Whether a call that the server rejects for its key has another one to try, once.
    async fn renews_key(
        &self,
        frozen: &Frozen,
        missed: &Missed,
        settings: &RetrySettings,
        state: &mut RetryState,
    ) -> bool {
        let Some(rejected) = missed.secret.as_ref().filter(|_| missed.is_unauthorized()) else { return false };
        if settings.policy.max_retries == 0 || !frozen.body.is_replayable() || !state.renew_once() {
            return false;
        }
        timeout_at(state.deadline(), self.shared().credential.renew(rejected)).await.unwrap_or(false)
    }

    async fn attempt(
        &self,
        frozen: &Frozen,
        ending: Ending,
        number: u32,
        deadline: Deadline,
        begun: Instant,
    ) -> Result<Box<Sent>, Missed> {
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
        let (result, secret) = match authorized {
            Ok(secret) => (self.exchange(frozen, ending, number, headers, deadline, ends).await, secret),
            Err(failure) => (Err(failure), None),
        };
        let took = begun.elapsed();
        self.after(frozen, number, &result, took);
        match result {
            Ok(received) => Ok(Box::new(Sent { received, secret, took })),
            Err(failure) => {
                Err(Missed { failure, secret, held_back: Duration::ZERO, can_repeat: frozen.body.is_replayable() })
            }
        }
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
        let start = frozen.start(number);
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

/// Waits until the client's own limit allows an attempt, but not beyond `latest`. Returns how long that took.
async fn admit(limiter: &Limiter, latest: Option<Instant>) -> Result<Duration, Missed> {
    let refused = |wait| Missed {
        failure: AttemptError::Throttled(wait),
        secret: None,
        held_back: Duration::ZERO,
        can_repeat: false,
    };
    let begun = Instant::now();
    limiter.take(latest).map_err(refused)?.wait().await;
    Ok(begun.elapsed())
}

/// A call that is under way.
struct Call<'c> {
    core: &'c Core,
    parts: &'c RequestParts,
    ending: Ending,
    settings: RetrySettings,
}

impl Call<'_> {
    async fn run(self) -> Result<Answered, Error> {
        let mut state = RetryState::begin(&self.settings);
        let shared = self.core.shared();
        let known = shared.settings.generation;
        let probe = shared.platform.probe.filter(|_| known.is_none() && self.parts.depends_on_generation());
        // The generation that was taken for the right one, and what came of it.
        let mut doubted: Option<(Option<&str>, Option<Error>)> = None;
        loop {
            let probing = probe.map(|probe| (probe, shared.learnt.generation()));
            let generation = match &probing {
                // Few calls come here, and all would carry the size of it.
                Some((probe, cell)) => Some(Box::pin(self.learn(probe, cell, &mut state)).await?),
                None => known,
            };
            if let Some((before, error)) = &mut doubted
                && *before == generation
                && let Some(error) = error.take()
            {
                shared.learnt.remember_missing(self.parts.spec.id);
                return Err(error);
            }
            match (self.over_routes(generation, &mut state).await, probing) {
                (Err(CallError { error, generation_in_doubt: true }), Some((_, cell)))
                    if doubted.is_none() && !shared.learnt.is_missing(self.parts.spec.id) =>
                {
                    // The server may have been replaced by one of another generation.
                    shared.learnt.forget(&cell);
                    doubted = Some((generation, Some(error)));
                }
                (result, _) => return result.map_err(|missed| missed.error),
            }
        }
    }

    /// Learns the generation of the server, unless a call before did. Calls that come meanwhile wait for the first one.
    async fn learn(
        &self,
        probe: &'static Probe,
        cell: &OnceCell<&'static str>,
        state: &mut RetryState,
    ) -> Result<&'static str, Error> {
        let deadline = state.deadline();
        match timeout_at(deadline, cell.get_or_try_init(|| self.probe(probe, state))).await {
            Ok(learnt) => learnt.copied(),
            // Another call was learning it.
            Err(_elapsed) => {
                let record = CallRecord { note: Some(probe.advice), ..self.parts.record() };
                let (timer, after) = (Timer::Total, self.settings.total);
                Err(Error::Timeout(Box::new(TimeoutError {
                    timer,
                    after,
                    met: None,
                    head: None,
                    awaited: None,
                    record,
                })))
            }
        }
    }

    async fn probe(&self, probe: &'static Probe, state: &mut RetryState) -> Result<&'static str, Error> {
        let mut parts = RequestParts::new(self.core, probe.operation);
        probe.query.clone_into(&mut parts.query);
        parts.listed.extend(probe.listed.iter().map(|(name, item)| (HeaderName::from_static(name), *item)));
        let frozen = parts.freeze(&probe.operation.routes[0], None)?;
        let settings = RetrySettings { class: probe.operation.retry, ..self.settings };
        let sent = self.core.send(&frozen, Ending::Whole, &settings, state).await;
        // It reads: the call itself was not processed by it.
        state.attempts.iter_mut().for_each(|attempt| attempt.may_have_been_processed = false);
        let Sent { received: Received { status, headers, body, .. }, secret, took } = match sent {
            Ok(sent) => *sent,
            Err(missed) => return Err(error_of(&frozen, missed, state.take_attempts(), Some(probe.advice))),
        };
        state.attempts.push(Attempt {
            status: Some(status),
            cause: LEARNT.to_owned(),
            took,
            waited: Duration::ZERO,
            may_have_been_processed: false,
            retry_budget_spent: false,
        });
        (probe.judge)(&headers, &body).ok_or_else(|| {
            let fault = DecodeFault::whole("the response is of no known generation");
            let record = CallRecord { note: Some(probe.advice), ..frozen.record(state.take_attempts(), false) };
            Error::Decode(Box::new(DecodeError::new(status, headers, body, fault, record, secret.as_deref())))
        })
    }

    /// Sends the call to the routes that the server may have, until it has one.
    async fn over_routes(
        &self,
        generation: Option<&'static str>,
        state: &mut RetryState,
    ) -> Result<Answered, CallError> {
        let learnt = &self.core.shared().learnt;
        let spec = self.parts.spec;
        let overridden = self.core.shared().overrides.contains_key(spec.id);
        let has_choice = spec.routes.len() > 1 && !overridden;
        let known = if has_choice { learnt.route(spec.id) } else { None };
        let mut routes = Routes::new(spec, generation, known);
        let mut next = routes.next();
        while let Some(place) = next {
            let route = &spec.routes[place];
            next = routes.next().filter(|_| !overridden);
            let frozen = self.parts.freeze(route, generation)?;
            trace::url(&frozen);
            let missed = match Box::pin(self.core.send(&frozen, self.ending, &self.settings, state)).await {
                Ok(sent) => {
                    if has_choice && known != Some(place) {
                        learnt.remember_route(spec.id, place);
                    }
                    let mut attempts = state.take_attempts();
                    attempts.retain(Attempt::failed);
                    return Ok(Answered { sent, attempts, frozen });
                }
                Err(missed) => missed,
            };
            let is_missing = missed.failure.is_missing_route(route);
            if is_missing && next.is_some() {
                continue;
            }
            let generation_in_doubt = missed.failure.is_generation_in_doubt();
            let status = missed.failure.status();
            let hint = status.and_then(|status| (self.core.shared().platform.hint)(status, &frozen.headers));
            let may_be_missing = matches!(status, Some(StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED));
            let hint = hint.or(self.parts.if_missing.filter(|_| may_be_missing && !overridden));
            let hint = hint.or(self.parts.instead.filter(|_| is_missing));
            let error = error_of(&frozen, missed, state.take_attempts(), hint);
            return Err(CallError { error, generation_in_doubt });
        }
        let error = UnsupportedError::new(spec.id, generation, self.parts.instead);
        Err(CallError { error: Error::Unsupported(Box::new(error)), generation_in_doubt: false })
    }
}

/// The places of the routes that a server may have: the one that worked before, then the others in their order.
struct Routes {
    spec: &'static OperationSpec,
    generation: Option<&'static str>,
    first: Option<usize>,
    place: usize,
    /// The one that was handed out first.
    done: Option<usize>,
}

impl Routes {
    fn new(spec: &'static OperationSpec, generation: Option<&'static str>, first: Option<usize>) -> Self {
        Self { spec, generation, first, place: 0, done: None }
    }

    fn may_have(&self, place: usize) -> bool {
        let generations = self.spec.routes[place].generations;
        self.generation.is_none_or(|generation| is_known_to(generations, generation))
    }
}

impl Iterator for Routes {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if let Some(first) = self.first.take().filter(|first| self.may_have(*first)) {
            self.done = Some(first);
            return Some(first);
        }
        while self.place < self.spec.routes.len() {
            let place = self.place;
            self.place += 1;
            if self.done != Some(place) && self.may_have(place) {
                return Some(place);
            }
        }
        None
    }
}

/// Why a call failed.
struct CallError {
    error: Error,
    /// The server may be of another generation than was learnt.
    generation_in_doubt: bool,
}

impl From<InvalidArgument> for CallError {
    fn from(invalid: InvalidArgument) -> Self {
        Self { error: invalid.into(), generation_in_doubt: false }
    }
}

fn error_of(frozen: &Frozen, missed: Missed, attempts: Vec<Attempt>, note: Option<&'static str>) -> Error {
    let Missed { failure, secret, .. } = missed;
    let may_have_been_processed = attempts.iter().any(|attempt| attempt.may_have_been_processed);
    let mut record = frozen.record(attempts, may_have_been_processed);
    record.note = note;
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

impl Failed for Missed {
    fn outcome(&self) -> retry::Outcome {
        self.failure.outcome()
    }

    fn status(&self) -> Option<StatusCode> {
        self.failure.status()
    }

    fn cause(&self) -> String {
        self.failure.cause()
    }

    fn held_back(&self) -> Duration {
        self.held_back
    }

    fn can_repeat(&self) -> bool {
        self.can_repeat
    }
}

#[cfg(test)]
#[path = "call_tests.rs"]
mod tests;
