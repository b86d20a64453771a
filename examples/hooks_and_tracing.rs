//! How do I observe calls, and add a header to each?
//!
//! `cargo run --example hooks_and_tracing` runs against the sandbox: a hook counts attempts and adds a trace id, and the
//! feature `tracing` logs a span for each call and an event for each attempt.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use polyagent::elephantasm::types::AnimaCreate;
use polyagent::sandbox::{Fault, Sandbox};
use polyagent::{AttemptEnd, AttemptStart, ExtraHeaders, HeaderName, Hook};
use tracing::{Instrument, Level};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

/// Counts what a metrics library would count, and hands the trace on to the server.
#[derive(Default)]
struct Metrics {
    attempts: AtomicU32,
    failures: AtomicU32,
}

impl Hook for Metrics {
    fn before(&self, attempt: &AttemptStart<'_>, headers: &mut ExtraHeaders) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        // Hooks run in the call's span, whose id could be used here.
        let trace = format!("{}-{}", attempt.operation, attempt.number);
        if let Ok(trace) = trace.parse()
            && let Err(error) = headers.add(HeaderName::from_static("x-trace-id"), trace)
        {
            tracing::warn!(%error, "the trace id was not added");
        }
    }

    fn after(&self, attempt: &AttemptStart<'_>, end: &AttemptEnd<'_>) {
        if let Some(cause) = end.cause {
            self.failures.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(operation = attempt.operation, number = attempt.number, cause, took = ?end.took, "failed");
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // The targets: this program's own, and the crate's. An attempt is a debug event, a call an info span.
    let targets = Targets::new().with_target("polyagent", Level::DEBUG).with_target("hooks_and_tracing", Level::INFO);
    tracing_subscriber::registry().with(tracing_subscriber::fmt::layer().with_ansi(false)).with(targets).init();

    let sandbox = Sandbox::start().await?;
    let metrics = Arc::new(Metrics::default());
    let client = sandbox.elephantasm_builder().hook(metrics.clone()).build()?;

    // A server that is busy at first: the call is retried, and the span of the caller holds both attempts.
    sandbox.fault(Fault::status(503).header("retry-after", "0.05"))?;
    let span = tracing::info_span!("sign_up", user = "grace");
    let anima = client.animas().create(AnimaCreate::new("Ada")).send().instrument(span).await?;
    println!("created {}", anima.id);

    let counted = (metrics.attempts.load(Ordering::Relaxed), metrics.failures.load(Ordering::Relaxed));
    println!("{} attempts, {} of them failed", counted.0, counted.1);
    anyhow::ensure!(counted == (2, 1), "the hook saw both attempts");
    let arrived: Vec<_> = sandbox.requests().iter().map(|request| request.headers.get("x-trace-id").cloned()).collect();
    println!("trace ids that arrived: {arrived:?}");
    anyhow::ensure!(arrived.iter().all(Option::is_some), "each request has its trace id");
    Ok(())
}
