//! How do I capture many events without losing any?
//!
//! `cargo run --example bulk_capture` sends 500 lines of several chats to the sandbox, which rejects a few of them at
//! first and loses a response.

use futures::{StreamExt, TryStreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use polyagent::elephantasm::types::{AnimaCreate, EventType, ListEventsParams};
use polyagent::elephantasm::{Capture, Captured};
use polyagent::sandbox::elephantasm::Quirk;
use polyagent::sandbox::{Fault, Sandbox};

const LINES: usize = 500;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // A server whose database has no unique dedupe keys would store a repeated event again; this one has them.
    let builder = Sandbox::builder().elephantasm(|platform| platform.without(Quirk::DuplicateKeys));
    let sandbox = builder.start().await?;
    let client = sandbox.elephantasm();
    let anima = client.animas().create(AnimaCreate::new("Ada")).await?;
    let ada = client.with_anima(&anima.id);

    // Two calls fail once, which a retry fixes, one response is lost after its event was stored, and three calls are
    // rejected permanently.
    for n in [100, 200] {
        sandbox.fault(Fault::status(500).on("elephantasm_create_event").nth(n))?;
    }
    sandbox.fault(Fault::cut().on("elephantasm_create_event").nth(300))?;
    let refusal = Fault::status(400).text(r#"{"detail":"Database integrity error"}"#);
    sandbox.fault(refusal.on("elephantasm_create_event").nth(400).times(3))?;

    let chat = |n: usize| format!("chat-{}", n % 5);
    let captures = stream::iter(0..LINES)
        .map(move |n| Capture::new(EventType::MessageIn, format!("line {n}")).session_id(chat(n)).retry_in_doubt());
    let mut outcomes = ada.extract_many(captures).concurrency(8).in_session_order();

    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}")?;
    let bar = ProgressBar::new(LINES as u64).with_style(style);
    let (mut stored, mut known, mut failed) = (0, 0, Vec::new());
    while let Some(outcome) = outcomes.next().await {
        match outcome.result {
            Ok(Captured::AlreadyStored { .. }) => known += 1,
            Ok(_) => stored += 1,
            Err(error) => {
                bar.suspend(|| eprintln!("line {}: {error}", outcome.index));
                failed.push(outcome.capture);
            }
        }
        bar.inc(1);
        bar.set_message(format!("{stored} stored, {known} were stored before, {} failed", failed.len()));
    }
    bar.finish();
    println!("{stored} stored, {known} found stored by a retry, {} failed", failed.len());
    anyhow::ensure!(
        (stored, known, failed.len()) == (LINES - 4, 1, 3),
        "three lines fail, and one is stored by an attempt whose response was lost"
    );

    // The failed captures are returned. They could be kept in a file, a line each. Their time is fixed, so they keep their
    // place, however late they are sent.
    let spool: Vec<String> = failed.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
    let failed: Vec<Capture> = spool.iter().map(|line| serde_json::from_str(line)).collect::<Result<_, _>>()?;
    let mut again = ada.extract_all(failed);
    while let Some(outcome) = again.next().await {
        outcome.result?;
    }

    // What the platform has stored, in the order of one chat.
    let one = ListEventsParams::new(&anima.id).session_id("chat-3").limit(200);
    let contents: Vec<String> = client.events().list(one).items().map_ok(|event| event.content).try_collect().await?;
    let expected: Vec<String> = (0..LINES).filter(|n| n % 5 == 3).map(|n| format!("line {n}")).collect();
    println!("chat-3 has {} lines, from {:?} to {:?}", contents.len(), contents.first(), contents.last());
    anyhow::ensure!(contents == expected, "a chat lost its order or a line");
    Ok(())
}
