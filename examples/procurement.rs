//! How do I run an agent, and decide where it may not?
//!
//! `cargo run --example procurement` runs against the sandbox, whose agents are as sure as their input says. With
//! `ECLIPS_API_KEY` and `ECLIPS_ORG_ID`, `Eclips::from_env()` would make the client for the real service.

use std::time::Duration;

use polyagent::eclips::types::RunCreate;
use polyagent::eclips::{Eclips, RunOutcome};
use polyagent::sandbox::Sandbox;
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::start().await?;
    let client = sandbox.eclips();
    let sure = order(&client, "12 chairs", 0.97).await?;
    let unsure = order(&client, "1 forklift", 0.41).await?;
    if sure != "ordered without asking" || unsure != "ordered after approval" {
        return Err(format!("expected one order with and one without approval: {sure}, {unsure}").into());
    }
    Ok(())
}

/// Has an agent place an order, and says how that went.
async fn order(client: &Eclips, what: &str, confidence: f64) -> Result<&'static str, Box<dyn std::error::Error>> {
    let data = json!({"confidence_score": confidence, "result": {"ordered": what}});
    let run = RunCreate::new(format!("Order {what} from the cheapest supplier"))
        .agent_type("procurement_specialist")
        .data(data.as_object().cloned().unwrap_or_default());

    let often = |poller: polyagent::Poller<_, _>| poller.interval(Duration::from_millis(50), Duration::from_secs(1));
    match client.run_and_wait(run).polling(often).await? {
        RunOutcome::Completed(run) => {
            println!("{what}: {}", run.output().unwrap_or(&json!(null)));
            Ok("ordered without asking")
        }
        RunOutcome::PendingTriage(run) => {
            println!("{what}: waits for a decision, {}", run.triage_item_id.as_deref().unwrap_or_default());
            client.triage().approve(&run).notes("The budget allows it").await?;
            // From here on nothing waits for a human any more.
            let ended = often(client.runs().wait(&run.run_id)).await?;
            println!("{what}: approved, then {}", ended.run().status);
            Ok(if matches!(ended, RunOutcome::Completed(_)) { "ordered after approval" } else { "not ordered" })
        }
        RunOutcome::Failed(run) => Err(run.failure().unwrap_or_default().into_owned().into()),
        RunOutcome::Cancelled(_) => Ok("cancelled"),
    }
}
