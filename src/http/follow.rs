//! Calls that are composed of several operations.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use http::Method;
use tokio::time::Instant;

use super::client::Core;
use super::parts::{Options, RequestParts};
use super::request::Request;
use super::response::Response;
use crate::Error;
use crate::error::Attempt;

/// What a call does after its first response or error.
pub(crate) type Follow<T> =
    Arc<dyn Fn(Composed, Result<Response<T>, Error>) -> BoxFuture<'static, Result<Response<T>, Error>> + Send + Sync>;

/// Carries out a call itself.
pub(crate) type Lead<T> =
    Arc<dyn Fn(Composed, Request<T>) -> BoxFuture<'static, Result<Response<T>, Error>> + Send + Sync>;

/// A composed call that is under way: what its further requests take over from the first.
pub(crate) struct Composed {
    pub(crate) core: Core,
    pub(crate) ids: Vec<String>,
    options: Options,
    begun: Instant,
    /// The attempts that failed so far.
    history: Vec<Attempt>,
    /// A request that does more than read has succeeded.
    has_effect: bool,
}

impl Composed {
    pub(super) fn begin(parts: &RequestParts) -> Self {
        let RequestParts { core, options, .. } = parts;
        let total = options.total.or(core.settings().total);
        let options = Options {
            attempt: options.attempt,
            total,
            max_retries: options.max_retries,
            headers: options.headers.clone(),
            ..Options::default()
        };
        Self {
            core: core.clone(),
            ids: parts.ids().to_vec(),
            options,
            begun: Instant::now(),
            history: Vec::new(),
            has_effect: false,
        }
    }

    /// Sends the request that the call is about, with what is left of the caller's time.
    pub(crate) async fn first<U>(&mut self, mut request: Request<U>) -> Result<Response<U>, Error> {
        request.limit_total(self.options.total.map(|total| total.saturating_sub(self.begun.elapsed())));
        let reads = *request.method() == Method::GET;
        let mut result = request.with_response().await;
        self.add_history(&mut result, reads);
        result
    }

    /// Takes note of how the first request ended.
    pub(super) fn note<T>(&mut self, first: Result<Response<T>, Error>) -> Result<Response<T>, Error> {
        let attempts = match &first {
            Ok(response) => &response.attempts,
            Err(error) => error.attempts(),
        };
        self.history.extend_from_slice(attempts);
        first
    }

    /// The first id of the call.
    pub(crate) fn id(&self) -> &str {
        self.ids.first().map_or("", String::as_str)
    }

    /// Sends another request of the call, with the timeouts, retries and headers that the caller set for it. Its result
    /// has the attempts of the whole call.
    pub(crate) async fn send<U>(&mut self, mut request: Request<U>) -> Result<Response<U>, Error> {
        let left = |total: Duration| total.saturating_sub(self.begun.elapsed());
        request.set_options(Options { total: self.options.total.map(left), ..self.options.clone() });
        let reads = *request.method() == Method::GET;
        let mut result = request.with_response().await;
        self.add_history(&mut result, reads);
        result
    }

    /// Puts the attempts of the call so far in front of those of a result.
    fn add_history<U>(&mut self, result: &mut Result<Response<U>, Error>, reads: bool) {
        match result {
            Ok(response) => {
                self.has_effect |= !reads;
                self.history.append(&mut response.attempts);
                response.attempts = self.history.iter().filter(|attempt| attempt.failed()).cloned().collect();
            }
            Err(error) => {
                if let Some(record) = error.record_mut() {
                    record.may_have_been_processed |= self.has_effect;
                    self.history.append(&mut record.attempts);
                    record.attempts.clone_from(&self.history);
                }
            }
        }
    }
}
