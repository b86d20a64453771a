//! How do I give an agent a memory?
//!
//! `cargo run --example quickstart` runs against the sandbox: no key, no network. With `-- --live` it uses the real
//! service, with the key in `ELEPHANTASM_API_KEY`, and deletes what it created.

use anyhow::{bail, ensure};
use polyagent::Error;
use polyagent::elephantasm::Elephantasm;
use polyagent::elephantasm::types::{AnimaCreate, EventCreate, EventType, GetLatestMemoryPackParams, ListEventsParams};
use polyagent::sandbox::Sandbox;

const CONVERSATION: [(EventType, &str); 4] = [
    (EventType::MessageIn, "Hello! I am Grace, and I only drink green tea."),
    (EventType::MessageOut, "Noted, Grace: green tea it is."),
    (EventType::MessageIn, "My train to Kyoto leaves on Friday."),
    (EventType::MessageOut, "I will remind you on Thursday evening."),
];

const HELP: &str = "\
Gives an agent a memory, and shows what it knows.

cargo run --example quickstart -- [OPTIONS]

--live   use the real service, with the key in ELEPHANTASM_API_KEY, and delete what was created;
         without it everything runs in memory
--help   say this";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            let sandbox = Sandbox::start().await?;
            remember(&sandbox.elephantasm(), false).await
        }
        ["--live"] => remember(&Elephantasm::from_env()?, true).await,
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

async fn remember(client: &Elephantasm, live: bool) -> anyhow::Result<()> {
    println!("health: {}", client.health().await?.status);
    let anima = client.animas().create(AnimaCreate::new("Ada").description("travel companion")).await?;
    println!("created anima {} ({})", anima.name, anima.id);

    let result = converse(client, &anima.id, live).await;
    if live {
        client.animas().delete(&anima.id).await?;
        println!("deleted anima {}", anima.id);
    }
    result
}

async fn converse(client: &Elephantasm, anima_id: &str, live: bool) -> anyhow::Result<()> {
    for (event_type, content) in CONVERSATION {
        let event = EventCreate::new(anima_id, event_type, content).session_id("quickstart");
        client.events().create(event).await?;
    }

    let question = GetLatestMemoryPackParams::new().query("Which tea should I order?");
    let prompt = match client.memory_packs().latest(anima_id, question).await? {
        Some(pack) => pack.content.context.unwrap_or_default(),
        None => String::new(),
    };
    println!("\nwhat goes into the prompt:\n{prompt}\n");
    // How soon the real service knows is its affair.
    ensure!(live || prompt.contains("green tea"), "the prompt knows of the green tea");

    let mut events = client.events().list(ListEventsParams::new(anima_id).session_id("quickstart").limit(3)).items();
    let mut seen = 0;
    while let Some(event) = events.try_next().await? {
        println!("{:>12}  {}", event.event_type, event.content);
        ensure!(event.content == CONVERSATION[seen.min(3)].1, "the events come oldest first");
        seen += 1;
    }
    ensure!(seen == CONVERSATION.len(), "all events come back");

    let missing = client.animas().get("00000000-0000-4000-8000-000000000000").await;
    match missing {
        Err(Error::NotFound(error)) => println!("\nexpected: {error}"),
        Err(error) => return Err(error.into()),
        Ok(_) => bail!("an unknown anima is not found"),
    }
    Ok(())
}
