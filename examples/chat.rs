//! How do I talk to an agent in a terminal?
//!
//! `cargo run --example chat` talks to the sandbox. Ctrl-C interrupts the agent while it answers, and ends the program
//! while it does not. `-- --once` sends one message over a connection that breaks, and ends; `-- --live` talks to the
//! server of `OMA_BASE_URL`, with the key in `OMA_API_KEY`.

use std::collections::HashMap;
use std::io::Write;
use std::time::Duration;

use polyagent::oma::types::{AgentCreate, ContentBlock, EnvironmentCreate, Event, SessionCreate};
use polyagent::oma::{ChatItem, Oma};
use polyagent::sandbox::oma::Turn;
use polyagent::sandbox::{Fault, Sandbox};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::signal::ctrl_c;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => talk(&sandbox(Duration::from_millis(120)).await?.oma()).await,
        ["--live"] => talk(&Oma::from_env()?).await,
        ["--once"] => {
            let sandbox = sandbox(Duration::ZERO).await?;
            sandbox.fault(Fault::cut_body_at(2_500).on("oma_create_message"))?;
            let client = sandbox.oma();
            let session = session(&client).await?;
            turn(&client, &session, "Tell me about tea.").await
        }
        _ => anyhow::bail!("usage: chat [--once | --live]"),
    }
}

/// A sandbox whose agent writes a word at each `pace`.
async fn sandbox(pace: Duration) -> anyhow::Result<Sandbox> {
    let sandbox = Sandbox::builder().oma(|oma| oma.pace(pace)).start().await?;
    let tea = "Tea is the leaf of one plant. Green tea is dried at once; black tea is left to oxidise before, and \
               Oolong for half as long. Water that boils spoils a green tea, and is what a black tea needs.";
    sandbox.default_tenant().oma_turns([Turn::new().think("They ask about tea.").say(tea), Turn::says(tea)]);
    Ok(sandbox)
}

async fn session(client: &Oma) -> Result<String, polyagent::Error> {
    let agent = client.agents().create(AgentCreate::new("talker", "claude-sonnet-5").system("Be short.")).await?;
    let environment = client.environments().create(EnvironmentCreate::new("for talks")).await?;
    Ok(client.sessions().create(SessionCreate::new(agent.id.as_str(), environment.id)).await?.id)
}

async fn talk(client: &Oma) -> anyhow::Result<()> {
    let session = session(client).await?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    loop {
        print!("\n> ");
        std::io::stdout().flush()?;
        tokio::select! {
            line = lines.next_line() => match line? {
                Some(line) if line.trim().is_empty() => {}
                Some(line) => turn(client, &session, &line).await?,
                None => break,
            },
            _ = ctrl_c() => break,
        }
    }
    client.sessions().archive(&session).await?;
    Ok(())
}

async fn turn(client: &Oma, session: &str, text: &str) -> anyhow::Result<()> {
    let mut chat = client.sessions().chat(session, text);
    // What is on the screen, by message.
    let mut shown: HashMap<String, String> = HashMap::new();
    loop {
        // Nothing is lost when Ctrl-C comes first.
        let item = tokio::select! {
            item = chat.try_next() => item?,
            _ = ctrl_c() => {
                chat.interrupt().await?;
                continue;
            }
        };
        match item {
            Some(ChatItem::Text { message_id, delta }) => {
                print!("{delta}");
                shown.entry(message_id).or_default().push_str(&delta);
            }
            Some(ChatItem::Gap(_)) => print!(" […] "),
            Some(ChatItem::Event(event)) => {
                if let Event::AgentMessage(message) = *event {
                    let whole: String = message.content.iter().filter_map(ContentBlock::as_text).collect();
                    let before = message.id.and_then(|id| shown.remove(&id)).unwrap_or_default();
                    // Pieces that were lost on a broken connection are in the whole message.
                    match whole.strip_prefix(&before) {
                        Some(rest) => println!("{rest}"),
                        None => println!("\n{whole}"),
                    }
                }
            }
            Some(_) => {}
            None => break,
        }
        std::io::stdout().flush()?;
    }
    let reply = chat.reply();
    println!("[{}]", reply.stop_reason.as_ref().map_or("over", |reason| reason.type_.as_str()));
    Ok(())
}
