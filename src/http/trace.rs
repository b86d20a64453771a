//! A span per call and an event per attempt, with the `tracing` feature. No bodies, no headers, no query values.

#[cfg(feature = "tracing")]
mod on {
    use std::future::Future;
    use std::time::Duration;

    use http::Method;
    use tracing::Instrument;

    use super::super::frozen::Frozen;
    use super::super::retry::Failed;
    use super::super::transport::{AttemptError, Received};
    use crate::error::redacted_url;
    use crate::secret::Secret;

    pub(crate) use tracing::Span;

    pub(crate) fn span(operation: &str, method: &Method) -> Span {
        let (method, url) = (method.as_str(), tracing::field::Empty);
        tracing::info_span!("polyagent.call", operation, method, url)
    }

    /// Tells the current span the route that is tried, once it is known which key must not be in it.
    pub(crate) fn url(frozen: &Frozen, key: Option<&Secret<String>>) {
        frozen.traced.call_once(|| {
            let span = Span::current();
            if !span.is_disabled() {
                span.record("url", redacted_url(frozen.shown_url().to_owned(), key));
            }
        });
    }

    pub(crate) fn in_span<F: Future>(span: Span, call: F) -> impl Future<Output = F::Output> {
        call.instrument(span)
    }

    pub(crate) fn attempt(number: u32, result: &Result<Received, AttemptError>, took: Duration) {
        let attempt = number.saturating_add(1);
        match result {
            Ok(received) => {
                tracing::debug!(attempt, status = received.status.as_u16(), ?took, "attempt succeeded");
            }
            Err(failure) => {
                tracing::debug!(attempt, cause = failure.cause(), ?took, "attempt failed");
            }
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use std::time::Duration;

    use http::Method;

    use super::super::frozen::Frozen;
    use super::super::transport::{AttemptError, Received};
    use crate::secret::Secret;

    pub(crate) struct Span;

    pub(crate) fn span(_: &str, _: &Method) -> Span {
        Span
    }

    pub(crate) fn url(_: &Frozen, _: Option<&Secret<String>>) {}

    pub(crate) fn in_span<F>(_: Span, call: F) -> F {
        call
    }

    pub(crate) fn attempt(_: u32, _: &Result<Received, AttemptError>, _: Duration) {}
}

#[cfg(not(feature = "tracing"))]
pub(crate) use off::{attempt, in_span, span, url};
#[cfg(feature = "tracing")]
pub(crate) use on::{attempt, in_span, span, url};
