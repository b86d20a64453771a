//! How do I publish a prompt, pull it, fill it in and deploy it?
//!
//! `cargo run --example prompts` does so against the sandbox.

use std::collections::BTreeMap;

use polyagent::elacity::artifact_type;
use polyagent::elacity::types::{ArtifactSchema, ArtifactVersion, DeploymentCreate, DeploymentFilter, DraftPreview};
use polyagent::sandbox::{Sandbox, elacity::ORGANIZATION};
use serde_json::json;

const SOURCE: &str = "---\ntags: [voice]\n---\nGreet {{caller}}, who calls {{COMPANY}}.";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // For the real platform: `Elacity::from_env()`, with ELACITY_API_KEY and ELACITY_ORG.
    let sandbox = Sandbox::start().await?;
    let client = sandbox.elacity().with_organization(ORGANIZATION);

    let preview = DraftPreview::new("acme/public", "greeter", artifact_type::PROMPT, SOURCE);
    let compiled = client.drafts().preview(preview).await?;
    let schema = ArtifactSchema::new().input(r#"{"type":"object","required":["caller","COMPANY"]}"#);
    let (components, metadata) = (BTreeMap::new(), [("tags", json!(["voice"]))]);
    let version =
        ArtifactVersion::new("greeter", "1.2.0", "generic", compiled, "sha256-demo", schema, components, metadata);
    client.registry().publish("acme/public", version).await?;

    let prompt = client.registry().pull("acme/public", "greeter", "1.2.0").await?;
    println!("variables: {}", prompt.variables().join(", "));
    println!("{}", prompt.render([("caller", "Ada"), ("COMPANY", "Acme")])?);
    if let Err(error) = prompt.render([("caller", "Ada")]) {
        println!("{error}");
    }

    let deployment = DeploymentCreate::new(["ag_1", "ag_2"], "greeter", "1.2.0", "dev", "vapi");
    let deployed = client.agents().deploy(deployment.agent_variables([("COMPANY", "Acme")])).await?;
    for record in deployed.records() {
        println!("{}: {}", record.agent_id.unwrap_or_default(), record.status.unwrap_or_default());
    }
    let history = client.deployments().list(DeploymentFilter::new().environment("dev")).await?;
    if history.items.len() != 2 {
        return Err("both agents should have it".into());
    }
    Ok(())
}
