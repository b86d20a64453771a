//! How do I deploy an agent, and watch it go live?
//!
//! `cargo run --example deploy` deploys to the sandbox, and shows status and log side by side.

use std::time::Duration;

use polyagent::launchpad::types::{AgentCreate, Personality, Platforms, Resources, TelegramConfig};
use polyagent::launchpad::{Cpu, DeployOutcome, Memory};
use polyagent::sandbox::Sandbox;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::start().await?;
    let client = sandbox.launchpad(); // at home `Launchpad::from_env()?`

    let agent = AgentCreate::new(
        "faq-bot",
        Personality::new().system("Answer briefly.").bio(["FAQ helper"]),
        ["@elizaos/plugin-telegram"],
        Resources::new(Memory::mib(512), Cpu::millis(250)),
        Platforms::new().telegram(TelegramConfig::new("123:token")),
    );
    // Without this line it polls every 15 s: an installation allows 100 calls in 15 minutes.
    let quick = Duration::from_millis(300);
    let deploy = client.agents().deploy(agent).polling(move |poller| poller.interval(quick, quick));

    let poller = deploy.start().await?;
    let agent_id = poller.job_ids()[0].clone();
    let mut log = client.monitoring().logs().follow(&agent_id);
    let mut updates = poller.updates();
    loop {
        tokio::select! {
            update = updates.try_next() => match update? {
                Some(deployment) => println!("status {}", deployment.state.status),
                None => break,
            },
            Some(entry) = async { log.try_next().await.transpose() } => println!("   log {}", entry?.message),
        }
    }

    match updates.await? {
        DeployOutcome::Deployed(state) => println!("live at {}", state.url.unwrap_or_default()),
        DeployOutcome::Failed(failed) => return Err(format!("failed: {:?}", failed.last_logs).into()),
        DeployOutcome::Stopped(_) => return Err("stopped by someone else".into()),
    }
    client.agents().delete_and_wait(agent_id).polling(move |poller| poller.interval(quick, quick)).await?;
    println!("deleted");
    Ok(())
}
