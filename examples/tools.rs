//! How do I give an agent tools of my program, and decide what it may do with those of the server?
//!
//! `cargo run --example tools` plays it on the sandbox.

use std::fmt::Write;

use anyhow::ensure;
use polyagent::oma::types::{
    AgentCreate, AgentToolset, Confirmation, ContentBlock, CustomTool, EnvironmentCreate, SessionCreate,
};
use polyagent::oma::{Oma, ToolCall};
use polyagent::sandbox::Sandbox;
use polyagent::sandbox::oma::Turn;
use serde::Deserialize;
use serde_json::json;

/// What the agent must give the tool.
#[derive(Deserialize)]
struct Forecast {
    city: String,
    #[serde(default)]
    days: u32,
}

async fn forecast(wanted: Forecast) -> Result<String, String> {
    if wanted.days > 7 {
        return Err("nobody knows the weather in more than a week".to_owned());
    }
    Ok(format!("{}: rain, 11 °C", wanted.city))
}

/// Reading is allowed, all else is not.
fn may_run(call: &ToolCall) -> Confirmation {
    let command = call.input.as_ref().ok().and_then(|input| input.get("command")?.as_str());
    match command {
        Some(command) if command.starts_with("cat ") => Confirmation::Allow,
        _ => Confirmation::Deny,
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let sandbox = Sandbox::start().await?;
    sandbox.default_tenant().oma_turns([Turn::new()
        .custom_tool("forecast", json!({"city": "Oslo"}))
        .custom_tool("forecast", json!({"city": "Bergen", "days": 30}))
        .guarded_tool("bash", json!({"command": "cat packing_list.txt"}), "socks, umbrella")
        .guarded_tool("bash", json!({"command": "rm packing_list.txt"}), "")
        .say("Take an umbrella to Oslo; it is on your list.")]);
    let client = sandbox.oma();
    let session = session(&client).await?;

    let chat = client.sessions().chat(&session, "What do I pack for Norway?");
    let reply = chat.on_tool("forecast", forecast).confirm(may_run).finish().await?;
    for call in &reply.tool_calls {
        let input = call.input.as_ref().map_err(Clone::clone)?;
        let mut line = format!("{} {}", call.name, json!(input));
        for block in call.result.iter().flatten().filter_map(ContentBlock::as_text) {
            write!(line, " -> {block}")?;
        }
        println!("{line}{}", if call.is_error { " (an error)" } else { "" });
    }
    println!("\n{}", reply.text);
    ensure!(reply.pending.is_empty() && reply.tool_calls.len() == 4, "all calls were answered");
    ensure!(reply.tool_calls[1].is_error, "30 days are too many");
    Ok(())
}

async fn session(client: &Oma) -> Result<String, polyagent::Error> {
    let tool = CustomTool::new("forecast", "The weather in a city", [("type", "object")]);
    let agent = AgentCreate::new("packer", "claude-sonnet-5").tools([tool.into(), AgentToolset::new().into()]);
    let agent = client.agents().create(agent).await?;
    let environment = client.environments().create(EnvironmentCreate::new("for packing")).await?;
    Ok(client.sessions().create(SessionCreate::new(agent.id.as_str(), environment.id)).await?.id)
}
