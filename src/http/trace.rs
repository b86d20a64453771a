//! A span per call and an event per attempt, with the `tracing` feature. No bodies, no headers, no query values.

#[cfg(feature = "tracing")]
mod on {
    use std::future::Future;
    use std::time::Duration;

    use tracing::Instrument;

    use super::super::Prepared;
    use super::super::retry::Failed;
    use super::super::transport::{Failure, Received};

    pub(crate) fn in_span<F: Future>(call: F, prepared: &Prepared) -> impl Future<Output = F::Output> {
        let span = tracing::info_span!(
            "polyagent.call",
            operation = prepared.operation,
            method = prepared.method.as_str(),
            url = tracing::field::Empty,
        );
        if !span.is_disabled() {
            span.record("url", prepared.shown_url());
        }
        call.instrument(span)
    }

    pub(crate) fn attempt(prepared: &Prepared, number: u32, result: &Result<Received, Failure>, took: Duration) {
        let attempt = number.saturating_add(1);
        let operation = prepared.operation;
        match result {
            Ok(received) => {
                tracing::debug!(operation, attempt, status = received.status.as_u16(), ?took, "attempt succeeded");
            }
            Err(failure) => {
                tracing::debug!(operation, attempt, cause = failure.cause(), ?took, "attempt failed");
            }
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use std::time::Duration;

    use super::super::Prepared;
    use super::super::transport::{Failure, Received};

    pub(crate) fn in_span<F>(call: F, _: &Prepared) -> F {
        call
    }

    pub(crate) fn attempt(_: &Prepared, _: u32, _: &Result<Received, Failure>, _: Duration) {}
}

#[cfg(not(feature = "tracing"))]
pub(crate) use off::{attempt, in_span};
#[cfg(feature = "tracing")]
pub(crate) use on::{attempt, in_span};
