//! How do I test my program against a platform?
//!
//! `cargo run --example test_your_program`. What stands in `main` would be a `#[tokio::test]` of yours: the sandbox is
//! a dev-dependency away, `polyagent = { version = "0.1", features = ["sandbox"] }`.

use std::time::Duration;

use anyhow::{Context, ensure};
use polyagent::elephantasm::types::{AnimaCreate, EventType};
use polyagent::elephantasm::{Capture, Elephantasm};
use polyagent::sandbox::{Fault, Sandbox};

/// The program under test: it must answer the user even if memory is slow or unavailable.
async fn greet(memory: &Elephantasm, said: &str) -> String {
    let _ = memory.extract(Capture::new(EventType::MessageIn, said)).await;
    match memory.inject("name").total_timeout(Duration::from_millis(500)).await {
        Ok(Some(pack)) if pack.as_prompt().contains("Grace") => "Welcome back, Grace!".to_owned(),
        Ok(_) => "Hello! Who are you?".to_owned(),
        Err(_) => "Hello! My memory is slow today.".to_owned(),
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let sandbox = Sandbox::start().await?;
    let client = sandbox.elephantasm();
    let anima = client.animas().create(AnimaCreate::new("Ada")).await?;
    let ada = client.with_anima(&anima.id);

    expect(&greet(&ada, "Hi there.").await, "Hello! Who are you?")?;
    expect(&greet(&ada, "My name is Grace.").await, "Welcome back, Grace!")?;

    // Memory hangs in the middle of a response: the program still answers in time.
    let stall = sandbox.fault(Fault::stall_body_at(20).on("elephantasm_get_latest_memory_pack"))?;
    expect(&greet(&ada, "Hello?").await, "Hello! My memory is slow today.")?;
    ensure!(stall.hits() == 1, "the fault affected no call, so nothing was tested");

    // And it did send what it should have.
    let sent: Vec<_> = sandbox.requests().into_iter().filter_map(|request| request.operation).collect();
    println!("{} requests arrived, the last one {}", sent.len(), sent.last().context("nothing arrived")?);
    Ok(())
}

fn expect(got: &str, want: &str) -> anyhow::Result<()> {
    println!("{got}");
    ensure!(got == want, "expected {want:?}, got {got:?}");
    Ok(())
}
