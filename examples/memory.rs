//! How do I write an agent's memory without overwriting what others wrote?
//!
//! `cargo run --example memory` does it in the sandbox. With `Oma::from_env()` or `Oma::anthropic_from_env()` as the
//! client it does the same on a server.

use polyagent::oma::Oma;
use polyagent::oma::types::{
    ListMemoryVersionsParams, Memory, MemoryCreate, MemoryStoreCreate, MemoryUpdate, MemoryView,
};
use polyagent::sandbox::Sandbox;
use polyagent::{Error, Reason};

/// Adds a line to a memory, however many others do so at the same time.
async fn add_line(client: &Oma, store: &str, id: &str, line: &str) -> Result<Memory, Error> {
    loop {
        let memory = client.memories().get(store, id).await?;
        let text = format!("{}\n{line}", memory.content.as_deref().unwrap_or_default());
        let update = MemoryUpdate::new().content(text).unchanged(&memory);
        match client.memories().update(store, id, update).view(MemoryView::Full).await {
            // Another program was faster: read again. Most servers respond with 409, some with 400.
            Err(error) if error.reason() == Some(Reason::PreconditionFailed) => {}
            result => return result,
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::start().await?;
    let client = sandbox.oma();
    let store = client.memory_stores().create(MemoryStoreCreate::new("customers")).await?.id;
    let memory = client.memories().create(&store, MemoryCreate::text("/ada.md", "Ada likes tea.")).await?;

    // Creating never overwrites; the error says what is there.
    match client.memories().create(&store, MemoryCreate::text("/ada.md", "Ada likes coffee.")).await {
        Err(Error::Conflict(taken)) => println!("taken by {:?}", taken.detail("conflicting_memory_id")),
        other => return Err(format!("expected a conflict, not {other:?}").into()),
    }

    let lines = ["Her card is 4711 0815.", "Her desk is upstairs."];
    let (one, two) = (add_line(&client, &store, &memory.id, lines[0]), add_line(&client, &store, &memory.id, lines[1]));
    tokio::try_join!(one, two)?;
    let text = client.memories().get(&store, &memory.id).await?.content.unwrap_or_default();
    println!("{text}");
    if lines.iter().any(|line| !text.contains(line)) {
        return Err("both lines should be there".into());
    }

    // What should not have been written stays in the versions, until they are redacted.
    let clean = text.replace(lines[0], "Her card is on file.");
    client.memories().update(&store, &memory.id, MemoryUpdate::new().content(clean)).await?;
    let params = ListMemoryVersionsParams::new().memory_id(&memory.id).view(MemoryView::Full);
    let versions = client.memory_versions().list(&store, params).await?;
    for version in versions.items {
        if version.content.is_some_and(|content| content.contains("4711")) {
            let redacted = client.memory_versions().redact(&store, &version.id).await?;
            println!("redacted {}: {:?}", redacted.id, redacted.content);
        }
    }
    Ok(())
}
