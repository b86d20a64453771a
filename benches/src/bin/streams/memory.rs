//! P7: resident memory of streams, in a process of its own for each figure.

use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use polyagent::oma::types::StreamSessionEventsParams;
use polyagent_benches::process::ServerProcess;
use tokio::time::sleep;

use crate::typed::client;
use crate::{Gates, Outcome};

/// MiB: the cap of an event and one chunk, and what an allocator may keep.
const STALLED: f64 = 2.0;
const OPEN: usize = 1000;

/// The memory that is resident now, in bytes.
fn resident() -> Outcome<i64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<i64>()? * 1024)
}

/// Prints by how many bytes the memory grew.
pub fn run(what: &str, n: usize, url: &str) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let grown = runtime.block_on(async {
        match what {
            "events" => events(n, url).await,
            "stalled" => stalled(n, url).await,
            "open" => open(n, url).await,
            _ => Err(format!("nothing is called {what}").into()),
        }
    })?;
    println!("{grown}");
    Ok(())
}

/// From the first tenth of n events to their end.
async fn events(n: usize, url: &str) -> Outcome<i64> {
    let client = client(&format!("{url}/{n}"))?;
    let mut stream = client.sessions().stream("sesn_1", StreamSessionEventsParams::new()).await?;
    let (mut count, mut before) = (0, 0);
    while stream.try_next().await?.is_some() {
        count += 1;
        if count == n / 10 {
            before = resident()?;
        }
    }
    if count != n + 1 {
        return Err(format!("{count} events").into());
    }
    Ok(resident()? - before)
}

/// While nobody reads on after n events, for two seconds.
async fn stalled(n: usize, url: &str) -> Outcome<i64> {
    let client = client(&format!("{url}/stall"))?;
    let mut stream = client.sessions().stream("sesn_1", StreamSessionEventsParams::new()).await?;
    for _ in 0..n {
        stream.try_next().await?.ok_or("the stream ended")?;
    }
    let before = resident()?;
    sleep(Duration::from_secs(2)).await;
    Ok(resident()? - before)
}

/// With n open streams, after one.
async fn open(n: usize, url: &str) -> Outcome<i64> {
    let client = client(&format!("{url}/silent"))?;
    let (mut streams, mut before) = (Vec::new(), 0);
    for at in 0..=n {
        let mut stream = client.sessions().stream("sesn_1", StreamSessionEventsParams::new()).await?;
        stream.try_next().await?.ok_or("the stream ended")?;
        streams.push(stream);
        if at == 0 {
            before = resident()?;
        }
    }
    Ok(resident()? - before)
}

pub fn measure(server: &ServerProcess, gates: &mut Gates) -> Outcome {
    let grown = |what: &str, n: usize| -> Outcome<f64> {
        let mut command = Command::new(env::current_exe()?);
        let output = command.args(["memory", what, &n.to_string(), &server.url()]).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        Ok(String::from_utf8(output.stdout)?.trim().parse()?)
    };
    let mebibytes = |bytes: f64| bytes / 1024.0 / 1024.0;
    gates.check("P7, MiB that 900,000 events add to 100,000", mebibytes(grown("events", 1_000_000)?), 1.0, 1.0);
    gates.check("P7, MiB of a stalled consumer", mebibytes(grown("stalled", 100)?), STALLED, STALLED);
    let kibibytes = grown("open", OPEN)? / 1024.0 / 1000.0;
    gates.check(&format!("P7, KiB of each of {OPEN} open streams"), kibibytes, 32.0, 32.0);
    Ok(())
}
