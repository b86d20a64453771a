//! One call from request to response: learn what its spelling depends on, and send it to one route after the other.

use std::time::Duration;

use http::{HeaderName, StatusCode};
use tokio::sync::OnceCell;

use super::attempt::error_of;
use super::client::Core;
use super::frozen::Frozen;
use super::operation::OperationSpec;
use super::parts::RequestParts;
use super::platform::Probe;
use super::retry::{Failed, RetrySettings, RetryState};
use super::trace;
use super::transport::Received;
use crate::Error;
use crate::clock::timeout_at;
use crate::error::{Attempt, CallRecord, DecodeError, DecodeFault, LEARNT, TimeoutError, Timer, UnsupportedError};
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

impl Core {
    /// Carries out the call that `parts` describe. Returns the request as it was sent, and its response.
    ///
    /// # Errors
    /// Any variant of [`Error`] but `Decode`.
    pub(crate) async fn call(
        &self,
        parts: &RequestParts,
        ending: Ending,
    ) -> Result<(Box<Frozen>, Box<Received>), Error> {
        let settings = parts.settings();
        let call = Call { core: self, parts, ending, settings };
        trace::in_span(trace::span(parts.spec.id, parts.method()), call.run()).await
    }
}

/// A call that is under way.
struct Call<'c> {
    core: &'c Core,
    parts: &'c RequestParts,
    ending: Ending,
    settings: RetrySettings,
}

impl Call<'_> {
    async fn run(self) -> Result<(Box<Frozen>, Box<Received>), Error> {
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
                (Err(error), Some((_, cell)))
                    if state.generation_in_doubt
                        && doubted.is_none()
                        && !shared.learnt.is_missing(self.parts.spec.id) =>
                {
                    // The server may have been replaced by one of another generation.
                    shared.learnt.forget(&cell);
                    doubted = Some((generation, Some(error)));
                }
                (result, _) => return result,
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
        let Received { status, headers, body, took, .. } = match sent {
            Ok(received) => *received,
            Err(failure) => return Err(error_of(&frozen, failure, state.take_attempts(), Some(probe.advice))),
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
            Error::Decode(Box::new(DecodeError::new(status, headers, body, fault, record, frozen.key().as_deref())))
        })
    }

    /// Sends the call to the routes that the server may have, until it has one.
    async fn over_routes(
        &self,
        generation: Option<&'static str>,
        state: &mut RetryState,
    ) -> Result<(Box<Frozen>, Box<Received>), Error> {
        state.generation_in_doubt = false;
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
            let failure = match Box::pin(self.core.send(&frozen, self.ending, &self.settings, state)).await {
                Ok(mut received) => {
                    if has_choice && known != Some(place) {
                        learnt.remember_route(spec.id, place);
                    }
                    received.failed = state.take_attempts();
                    received.failed.retain(Attempt::failed);
                    return Ok((frozen, received));
                }
                Err(failure) => failure,
            };
            let is_missing = failure.is_missing_route(route);
            if is_missing && next.is_some() {
                continue;
            }
            state.generation_in_doubt = failure.is_generation_in_doubt();
            let status = failure.status();
            let hint = status.and_then(|status| (self.core.shared().platform.hint)(status, &frozen.headers));
            let may_be_missing = matches!(status, Some(StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED));
            let hint = hint.or(self.parts.if_missing.filter(|_| may_be_missing && !overridden));
            let hint = hint.or(self.parts.instead.filter(|_| is_missing));
            return Err(error_of(&frozen, failure, state.take_attempts(), hint));
        }
        let error = UnsupportedError::new(spec.id, generation, self.parts.instead);
        Err(Error::Unsupported(Box::new(error)))
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

#[cfg(test)]
#[path = "call_tests/mod.rs"]
mod tests;
