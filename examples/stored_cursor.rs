//! How do I read a list in several runs, and go on where the last one stopped?
//!
//! `cargo run --example stored_cursor` runs against the sandbox: each run reads one page and stores its cursor as text.

use std::collections::HashSet;
use std::path::Path;
use std::{fs, io};

use polyagent::elephantasm::Elephantasm;
use polyagent::elephantasm::types::{AnimaCreate, EventCreate, EventType, ListEventsParams};
use polyagent::sandbox::Sandbox;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::start().await?;
    let client = sandbox.elephantasm();
    let anima = client.animas().create(AnimaCreate::new("Ada")).await?;
    for n in 1..=7 {
        client.events().create(EventCreate::new(&anima.id, EventType::MessageIn, format!("message {n}"))).await?;
    }

    let place = std::env::temp_dir().join(format!("polyagent-cursor-{}", std::process::id()));
    let mut seen = HashSet::new();
    while run(&client, &anima.id, &place, &mut seen).await? {
        println!("-- the program ends here, and starts again --");
    }
    println!("{} events in all", seen.len());
    if seen.len() != 7 {
        return Err("an event was skipped".into());
    }

    // A cursor belongs to its list: with other filters it is rejected before anything is sent.
    let first = client.events().list(ListEventsParams::new(&anima.id).limit(3)).await?;
    let cursor = first.next_cursor().ok_or("the list has more pages")?;
    let filtered = ListEventsParams::new(&anima.id).event_type(EventType::System);
    match client.events().list(filtered).after(cursor).await {
        Err(error) if error.is_invalid_argument() => println!("{error}"),
        other => return Err(format!("not rejected: {other:?}").into()),
    }
    Ok(())
}

/// One run of the program: reads one page, and stores where the next one starts. Returns whether there is a next one.
async fn run(
    client: &Elephantasm,
    anima_id: &str,
    place: &Path,
    seen: &mut HashSet<String>,
) -> Result<bool, Box<dyn std::error::Error>> {
    let mut list = client.events().list(ListEventsParams::new(anima_id).limit(3));
    match fs::read_to_string(place) {
        Ok(text) => list = list.after(&text.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let page = list.await?;
    for event in &page {
        // Events that arrive between two runs shift the others: an id that comes again is not news.
        if seen.insert(event.id.clone()) {
            println!("{}", event.content);
        }
    }
    match page.next_cursor() {
        Some(cursor) => fs::write(place, cursor.as_str())?,
        None => fs::remove_file(place)?,
    }
    Ok(page.next_cursor().is_some())
}
