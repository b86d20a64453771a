//! How do I distinguish errors, and what is retried?
//!
//! `cargo run --example errors_and_retries` runs against the sandbox, which simulates the faults.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use polyagent::elephantasm::types::{AnimaCreate, EventCreate, EventType};
use polyagent::sandbox::{Fault, Sandbox};
use polyagent::{Error, RetryPolicy};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let sandbox = Sandbox::start().await?;
    let patient = RetryPolicy::default().max_retries(3).backoff(Duration::from_millis(20), Duration::from_millis(80));
    let client = sandbox.elephantasm_builder().retry_policy(patient).build()?;
    let anima = client.animas().create(AnimaCreate::new("Ada")).await?;

    // A busy server that says when to retry: every call waits and retries.
    sandbox.fault(Fault::status(503).header("retry-after", "0.05").times(2))?;
    let response =
        client.events().create(EventCreate::new(&anima.id, EventType::System, "hello")).with_response().await?;
    for attempt in response.failed_attempts() {
        println!("met {}, waited {:?}", attempt.cause(), attempt.waited());
    }
    ensure!(response.failed_attempts().len() == 2, "two attempts fail before the third");

    // A lost response: reading again is harmless, so the client does; storing again is not, so it leaves that to you.
    sandbox.fault(Fault::cut().on("elephantasm_get_anima"))?;
    println!("read {} in spite of a lost response", client.animas().get(&anima.id).await?.name);
    sandbox.fault(Fault::cut().on("elephantasm_create_event"))?;
    let lost = client.events().create(EventCreate::new(&anima.id, EventType::System, "once")).await;
    let error = lost.err().context("the response is lost")?;
    println!("{error}");
    ensure!(error.may_have_been_processed(), "only the server knows whether the event was stored");

    // Errors that are responses: the status is the variant, the rest are accessors.
    match client.animas().get("00000000-0000-4000-8000-000000000000").await {
        Err(Error::NotFound(error)) => println!("404: {}", error.message()),
        other => bail!("expected NotFound, got {other:?}"),
    }
    match client.animas().get("agent-01").await {
        Err(Error::InvalidArgument(error)) => println!("nothing was sent: {error}"),
        other => bail!("expected InvalidArgument, got {other:?}"),
    }
    sandbox.fault(Fault::status(429).header("retry-after", "300"))?;
    let limited = client.animas().get(&anima.id).await.err().context("the call is limited")?;
    println!("429: come back in {:?}", limited.retry_after());
    ensure!(limited.is_rate_limited() && limited.attempts().len() == 1, "a long wait is the caller's to decide");
    ensure!(limited.retry_after() == Some(Duration::from_secs(300)), "and the error tells how long");
    Ok(())
}
