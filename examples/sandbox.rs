//! How do I test programs in other languages, or try the platform by hand?
//!
//! Serves Elephantasm in memory on a fixed port: `cargo run --example sandbox`, or `cargo run --example sandbox -- 9000`
//! for another port. It begins with a request of its own, to see that it works, and prints what others need to reach it.
//!
//! It ends with Ctrl-C, or when its input ends. A service without input, such as one that was started in the background,
//! would thus end at once: tell it how many seconds to stay with `--for 3600`.

use std::time::Duration;
use std::{env, io, thread};

use polyagent::elephantasm::types::ListAnimasParams;
use polyagent::sandbox::Sandbox;
use tokio::sync::oneshot;
use tokio::time::sleep;

/// The same in every run, so that other programs can be set up once.
const KEY: &str = "sk_live_00000000000000000000000000000000";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Arguments { port, stay } = Arguments::read(env::args().skip(1))?;
    let sandbox = Sandbox::builder().port(port).key(KEY).start().await?;

    let animas = sandbox.elephantasm().animas().list(ListAnimasParams::new()).await?;
    println!("Elephantasm is served, and holds {} animas.\n", animas.items.len());
    println!("export ELEPHANTASM_ENDPOINT={}", sandbox.url());
    println!("export ELEPHANTASM_API_KEY={}\n", sandbox.key());
    println!("curl -H 'Authorization: Bearer {}' {}/api/animas", sandbox.key(), sandbox.url());

    match stay {
        Some(seconds) => sleep(Duration::from_secs(seconds)).await,
        None => end_of_input().await?,
    }
    println!("\n{} requests were served.", sandbox.requests().len());
    Ok(())
}

struct Arguments {
    port: u16,
    stay: Option<u64>,
}

impl Arguments {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self { port: 8484, stay: None };
        while let Some(word) = words.next() {
            if word == "--for" {
                let seconds = words.next().and_then(|seconds| seconds.parse().ok());
                arguments.stay = Some(seconds.ok_or("--for is followed by a number of seconds")?);
            } else {
                arguments.port = word.parse().map_err(|_| format!("{word} is no port"))?;
            }
        }
        Ok(arguments)
    }
}

async fn end_of_input() -> Result<(), io::Error> {
    let (ended, end) = oneshot::channel();
    thread::spawn(move || ended.send(io::copy(&mut io::stdin(), &mut io::sink())));
    // An error means that the thread is gone, and the input with it.
    end.await.unwrap_or(Ok(0)).map(|_| ())
}
