//! How do I create an agent, change it and retire it, on whichever generation of servers?
//!
//! `cargo run --example agents` plays it on the sandbox, once per generation.

use polyagent::Error;
use polyagent::oma::Oma;
use polyagent::oma::types::{AgentCreate, AgentToolset, AgentUpdate, ListAgentsParams};
use polyagent::sandbox::Sandbox;
use polyagent::sandbox::oma::Settings;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    for (name, sandbox) in [
        ("v1", Sandbox::builder()),
        ("v0", Sandbox::builder().oma(Settings::v0)),
        ("the documentation alone", Sandbox::builder().oma(Settings::documented)),
    ] {
        println!("--- {name}");
        let sandbox = sandbox.start().await?;
        life_of_an_agent(&sandbox.oma()).await?;
    }
    Ok(())
}

async fn life_of_an_agent(client: &Oma) -> anyhow::Result<()> {
    let agents = client.agents();
    let wanted = AgentCreate::new("triager", "claude-sonnet-5").system("Be short.").tools([AgentToolset::new().into()]);
    let agent = agents.create(wanted).await?;
    println!("{} is {} in version {}", agent.id, agent.name, agent.version);

    // The version that was read guards against a change by somebody else meanwhile.
    let update = AgentUpdate::new().system("Be very short.").version(agent.version);
    let newer = agents.update(&agent.id, update.clone()).await?;
    println!("now in version {}", newer.version);
    match agents.update(&agent.id, update.system("Be long.")).await {
        Err(Error::Conflict(conflict)) => println!("refused: {}", conflict.message()),
        other => println!("unexpected: {other:?}"),
    }

    let former = agents.version(&agent.id, agent.version).await?;
    println!("version {} said {:?}", former.version, former.system.unwrap_or_default());

    let archived = agents.archive(&agent.id).await?;
    println!("archived at {:?}", archived.archived_at);
    println!("{} agents are left", agents.list(ListAgentsParams::new()).await?.items.len());
    match agents.delete(&agent.id).await {
        Ok(deletion) => println!("{} is gone for good", deletion.id),
        Err(Error::Unsupported(unsupported)) => println!("{unsupported}"),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
