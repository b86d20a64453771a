//! How do I test programs in other languages, or try the platform by hand?
//!
//! Serves Elephantasm in memory on a fixed port: `cargo run --example sandbox`, or
//! `cargo run --example sandbox -- 9000` for another port; `-- --help` lists the other options. It starts with a
//! request of its own, to check that it works, and prints what other programs need to connect.
//!
//! It ends with Ctrl-C, or, if its input is not a terminal, when the input ends: a program that starts it over a pipe
//! thus ends it along with itself. A service whose input is `/dev/null` would end at once: set how many seconds it runs
//! with `--for 3600`.

use std::future::pending;
use std::io::IsTerminal;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;
use std::{env, io, process, thread};

use polyagent::elephantasm::types::{AnimaCreate, EventCreate, EventType, ListAnimasParams, MemoryCreate};
use polyagent::sandbox::elephantasm::{IdentitySeed, KnowledgeSeed, Plan, Settings};
use polyagent::sandbox::{Sandbox, SandboxBuilder};
use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::sleep;

/// The same in every run, so that other programs can be set up once.
const KEY: &str = "sk_live_00000000000000000000000000000000";

const HELP: &str = "\
Serves Elephantasm in memory, until Ctrl-C in a terminal, else until its input ends.

cargo run --example sandbox -- [PORT] [OPTIONS]

PORT              the port of the loopback address; 8484 if not given, 0 for any free one
--for SECONDS     stay so long, whether the input ends or not
--self-hosted     serve what a self-hosted server has; else what the public host has
--documented      behave as documented; else as observed on real servers
--free-plan       hold the tenant to the limits of the free plan
--rate-limit N    answer 429 to more than N calls a second
--seed            begin with an anima who has events, memories, knowledge and an identity
--help            say this";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::read(env::args().skip(1)).unwrap_or_else(|wrong| {
        eprintln!("{wrong}");
        process::exit(2);
    });
    let Some(Arguments { builder, seeded, stay }) = arguments else {
        println!("{HELP}");
        return Ok(());
    };
    let sandbox = builder.start().await?;
    let seeded = if seeded { Some(seed(&sandbox).await?) } else { None };

    let animas = sandbox.elephantasm().animas().list(ListAnimasParams::new()).await?;
    println!("Elephantasm is served, and holds {} animas.\n", animas.items.len());
    println!("export ELEPHANTASM_ENDPOINT={}/elephantasm", sandbox.url());
    println!("export ELEPHANTASM_API_KEY={}", sandbox.key());
    if let Some(anima) = seeded {
        println!("export ELEPHANTASM_ANIMA_ID={anima}");
    }
    println!("\ncurl -H 'Authorization: Bearer {}' {}/elephantasm/api/animas", sandbox.key(), sandbox.url());

    match stay {
        Some(stay) => sleep(stay).await,
        // A process in the background would be stopped if it read from its terminal.
        None if io::stdin().is_terminal() => pending().await,
        None => end_of_input().await?,
    }
    println!("\n{} requests were served.", sandbox.requests().len());
    Ok(())
}

/// An anima who knows something about green tea.
async fn seed(sandbox: &Sandbox) -> anyhow::Result<String> {
    let client = sandbox.elephantasm();
    let anima = client.animas().create(AnimaCreate::new("Ada")).await?.id;
    // What the platform creates in the background.
    let tenant = sandbox.default_tenant();
    let old =
        MemoryCreate::new(&anima).summary("Grace likes green tea in the morning.").state("active").importance(0.8);
    tenant.add_memory(old)?;
    sandbox.advance(Duration::from_secs(86_400));
    tenant.add_memory(MemoryCreate::new(&anima).summary("Grace ordered a pot of sencha.").state("active"))?;
    let fact = "Green tea is steeped at 80 degrees.";
    tenant.add_knowledge(&anima, KnowledgeSeed::new("FACT", fact).topic("tea").confidence(0.9))?;
    let identity = IdentitySeed::new().personality_type("ISFJ").communication_style("Warm and brief.");
    tenant.set_identity(&anima, identity.reflection("purpose", json!({"primary": "Serve tea."})))?;
    for (kind, said) in [
        (EventType::MessageIn, "Hi, I am Grace. Which green tea do you have?"),
        (EventType::MessageOut, "Welcome, Grace! There is sencha and longjing."),
        (EventType::MessageIn, "A pot of sencha, please."),
    ] {
        client.events().create(EventCreate::new(&anima, kind, said)).await?;
    }
    Ok(anima)
}

struct Arguments {
    builder: SandboxBuilder,
    seeded: bool,
    stay: Option<Duration>,
}

impl Arguments {
    /// None if they ask for help.
    fn read(mut words: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let (mut builder, mut seeded, mut stay) = (Sandbox::builder().port(8484).key(KEY), false, None);
        while let Some(word) = words.next() {
            builder = match word.as_str() {
                "--help" | "-h" => return Ok(None),
                "--for" => {
                    stay = Some(Duration::from_secs(after(&word, "a number of seconds", &mut words)?));
                    builder
                }
                "--seed" => {
                    seeded = true;
                    builder
                }
                "--free-plan" => builder.elephantasm(|it| it.plan(Plan::free())),
                "--rate-limit" => {
                    let calls: NonZeroUsize = after(&word, "a number of calls, 1 or more", &mut words)?;
                    builder.elephantasm(|it| it.rate_limit(calls.get(), Duration::from_secs(1)))
                }
                "--self-hosted" => builder.elephantasm(Settings::self_hosted),
                "--documented" => builder.elephantasm(Settings::documented),
                word => builder.port(word.parse().map_err(|_| format!("{word} is no port and no option; try --help"))?),
            };
        }
        Ok(Some(Self { builder, seeded, stay }))
    }
}

fn after<T: FromStr>(option: &str, what: &str, words: &mut impl Iterator<Item = String>) -> Result<T, String> {
    words.next().and_then(|word| word.parse().ok()).ok_or_else(|| format!("{option} is followed by {what}"))
}

async fn end_of_input() -> Result<(), io::Error> {
    let (ended, end) = oneshot::channel();
    thread::spawn(move || ended.send(io::copy(&mut io::stdin(), &mut io::sink())));
    // An error means that the thread is gone, and the input with it.
    end.await.unwrap_or(Ok(0)).map(|_| ())
}
