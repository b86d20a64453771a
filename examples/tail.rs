//! How do I follow a session for days, and go on after a restart without losing an event?
//!
//! `cargo run --example tail` plays it on the sandbox: a first reader stops in the middle, stores its position, and a
//! second one goes on. `-- --live SESSION` follows a session of the server of `OMA_BASE_URL` until it ends or Ctrl-C comes;
//! its position is kept in `SESSION.position.json`.

use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use polyagent::oma::Oma;
use polyagent::oma::types::{
    AgentCreate, EnvironmentCreate, ListSessionEventsParams, SessionCreate, StreamSessionEventsParams, UserMessage,
};
use polyagent::sandbox::oma::Turn;
use polyagent::sandbox::{Fault, Sandbox};
use polyagent::{Position, StreamItem};
use tokio::signal::ctrl_c;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] | ["--once"] => play().await,
        ["--live", session] => {
            let file = format!("{session}.position.json");
            follow(&Oma::from_env()?, session, Path::new(&file), usize::MAX).await.map(drop)
        }
        _ => anyhow::bail!("usage: tail [--once | --live SESSION]"),
    }
}

/// Prints at most `most` events of a session, from where it stopped before. Returns their ids.
async fn follow(client: &Oma, session: &str, file: &Path, most: usize) -> anyhow::Result<Vec<String>> {
    let mut stream = client.sessions().stream(session, StreamSessionEventsParams::new());
    if let Ok(stored) = std::fs::read(file) {
        let position: Position = serde_json::from_slice(&stored)?;
        stream = stream.resume(position);
    }
    let (mut events, mut seen) = (stream.await?, Vec::new());
    // What happens before the first event is not missed either.
    std::fs::write(file, serde_json::to_vec(events.position())?)?;
    while seen.len() < most {
        let item = tokio::select! {
            item = events.try_next() => item,
            _ = ctrl_c() => break,
        };
        match item {
            Ok(Some(StreamItem::Event(event))) => {
                println!("{:<28} {}", event.tag(), event.id().unwrap_or_default());
                seen.extend(event.id().map(str::to_owned));
            }
            Ok(Some(StreamItem::Gap(gap))) => println!("missing: {gap:?}"),
            Ok(Some(_)) => {}
            Ok(None) => break,
            // An event of a newer server that does not decode: the stream goes on.
            Err(polyagent::Error::Decode(error)) => println!("{error}"),
            Err(error) => return Err(error.into()),
        }
        // After it was handled: after a crash an event may come again, and none is lost.
        std::fs::write(file, serde_json::to_vec(events.position())?)?;
    }
    Ok(seen)
}

async fn play() -> anyhow::Result<()> {
    let sandbox = Sandbox::start().await?;
    sandbox.default_tenant().oma_turns([Turn::says("First."), Turn::says("Second.")]);
    let client = sandbox.oma();
    let agent = client.agents().create(AgentCreate::new("talker", "claude-sonnet-5")).await?;
    let environment = client.environments().create(EnvironmentCreate::new("for talks")).await?;
    let session = client.sessions().create(SessionCreate::new(agent.id.as_str(), environment.id)).await?.id;
    let file = std::env::temp_dir().join(format!("polyagent-tail-{}.json", std::process::id()));

    println!("--- a first reader, which stops after three events");
    let one = async {
        // A stream without a stored position begins when it is opened.
        while !file.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        say(&client, &session, "One").await
    };
    let (mut seen, ()) = tokio::try_join!(follow(&client, &session, &file, 3), one)?;
    client.sessions().wait_until_idle(&session).await?;
    say(&client, &session, "Two").await?;

    println!("--- a second one, over a connection that breaks");
    sandbox.fault(Fault::cut_body_at(300).on("oma_stream_session_events"))?;
    client.sessions().wait_until_idle(&session).await?;
    let mut stored = Vec::new();
    let mut history = client.sessions().events(&session, ListSessionEventsParams::new()).items();
    while let Some(event) = history.try_next().await? {
        stored.extend(event.id().map(str::to_owned));
    }
    seen.extend(follow(&client, &session, &file, stored.len() - seen.len()).await?);
    std::fs::remove_file(&file)?;
    ensure!(seen == stored, "each stored event came once, in order");
    Ok(())
}

async fn say(client: &Oma, session: &str, text: &str) -> anyhow::Result<()> {
    client.sessions().send(session, UserMessage::text(text)).await?;
    Ok(())
}
