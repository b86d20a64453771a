//! How do I give an agent a memory, and talk to it?
//!
//! `cargo run --example quickstart` runs against the sandbox: no key, no network. With `-- --live` it uses the real
//! services, with the keys in `ELEPHANTASM_API_KEY` and, if the agent is to answer, `OMA_API_KEY`, and removes what it
//! created.

use std::io::Write;

use anyhow::{bail, ensure};
use polyagent::Error;
use polyagent::elephantasm::types::{AnimaCreate, EventCreate, EventType, ListEventsParams};
use polyagent::elephantasm::{Capture, Elephantasm};
use polyagent::oma::types::{AgentCreate, EnvironmentCreate, SessionCreate};
use polyagent::oma::{ChatItem, Oma};
use polyagent::sandbox::Sandbox;
use polyagent::sandbox::oma::Turn;

const CONVERSATION: [(EventType, &str); 4] = [
    (EventType::MessageIn, "Hello! I am Grace, and I only drink green tea."),
    (EventType::MessageOut, "Noted, Grace: green tea it is."),
    (EventType::MessageIn, "My train to Kyoto leaves on Friday."),
    (EventType::MessageOut, "I will remind you on Thursday evening."),
];

const QUESTION: &str = "Which tea should I order?";

const HELP: &str = "\
Gives an agent a memory, asks it a question, and shows what it knows.

cargo run --example quickstart -- [OPTIONS]

--live   use the real services, with the keys in ELEPHANTASM_API_KEY and OMA_API_KEY, and remove what was
         created; without it everything runs in memory
--help   say this";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            let sandbox = Sandbox::start().await?;
            sandbox.default_tenant().oma_turns([Turn::says("Green tea, as always, Grace.")]);
            remember(&sandbox.elephantasm(), Some(&sandbox.oma()), false).await
        }
        ["--live"] => {
            let oma = if std::env::var_os("OMA_API_KEY").is_some() { Some(Oma::from_env()?) } else { None };
            remember(&Elephantasm::from_env()?, oma.as_ref(), true).await
        }
        ["--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        _ => {
            eprintln!("unknown arguments: {}; try --help", arguments.join(" "));
            std::process::exit(2);
        }
    }
}

async fn remember(client: &Elephantasm, oma: Option<&Oma>, live: bool) -> anyhow::Result<()> {
    println!("health: {}", client.health().await?.status);
    let anima = client.animas().create(AnimaCreate::new("Ada").description("travel companion")).await?;
    println!("created anima {} ({})", anima.name, anima.id);

    let result = converse(client, &anima.id, oma, live).await;
    if live {
        client.animas().delete(&anima.id).await?;
        println!("deleted anima {}", anima.id);
    }
    result
}

async fn converse(client: &Elephantasm, anima_id: &str, oma: Option<&Oma>, live: bool) -> anyhow::Result<()> {
    for (event_type, content) in CONVERSATION {
        let event = EventCreate::new(anima_id, event_type, content).session_id("quickstart");
        client.events().create(event).await?;
    }

    let ada = client.with_anima(anima_id);
    let memory = ada.inject(QUESTION).await?.map(|pack| pack.as_prompt().to_owned()).unwrap_or_default();
    println!("\nwhat goes into the prompt:\n{memory}\n");
    // How soon the real service knows is its affair.
    ensure!(live || memory.contains("green tea"), "the memory has the green tea");

    if let Some(oma) = oma {
        let reply = ask(oma, &memory).await?;
        for (event_type, content) in [(EventType::MessageIn, QUESTION), (EventType::MessageOut, &reply)] {
            ada.extract(Capture::new(event_type, content).session_id("quickstart")).await?;
        }
    }

    let mut events = client.events().list(ListEventsParams::new(anima_id).session_id("quickstart").limit(3)).items();
    let mut seen = 0;
    while let Some(event) = events.try_next().await? {
        println!("{:>12}  {}", event.event_type, event.content);
        let known = CONVERSATION.get(seen).is_none_or(|(_, content)| event.content == *content);
        ensure!(known, "the events come oldest first");
        seen += 1;
    }
    let asked = if oma.is_some() { 2 } else { 0 };
    ensure!(seen == CONVERSATION.len() + asked, "all events come back");

    let missing = client.animas().get("00000000-0000-4000-8000-000000000000").await;
    match missing {
        Err(Error::NotFound(error)) => println!("\nexpected: {error}"),
        Err(error) => return Err(error.into()),
        Ok(_) => bail!("an unknown anima is not found"),
    }
    Ok(())
}

/// Asks an agent that has the memory, and prints its reply while it is written.
async fn ask(client: &Oma, memory: &str) -> anyhow::Result<String> {
    let system = format!("You are a travel companion. Be short.\n\n{memory}");
    let agent = client.agents().create(AgentCreate::new("Ada", "claude-sonnet-5").system(system)).await?;
    let environment = client.environments().create(EnvironmentCreate::new("quickstart")).await?;
    let session = client.sessions().create(SessionCreate::new(agent.id.as_str(), &environment.id)).await?;
    let mut chat = client.sessions().chat(&session.id, QUESTION);
    println!("{QUESTION}");
    while let Some(item) = chat.try_next().await? {
        if let ChatItem::Text { delta, .. } = item {
            print!("{delta}");
            std::io::stdout().flush()?;
        }
    }
    println!("\n");
    let text = chat.reply().text.clone();
    ensure!(!text.is_empty(), "the agent answers");
    client.sessions().archive(&session.id).await?;
    client.agents().archive(&agent.id).await?;
    Ok(text)
}
