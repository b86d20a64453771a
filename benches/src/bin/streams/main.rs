//! Event streams of polyagent against the decoders of the ecosystem, in one run, with the same bytes.
//!
//! ```text
//! streams                                   measure all, print tables, fail beyond a gate
//! streams decode <peer> <body> <chunk> <n>  decode a body n times, in chunks of so many bytes
//! streams typed <peer> <n> <url>            read n typed events over HTTP
//! streams parse <n>                         decode the data of n events
//! streams memory <events|stalled|open> <n> <url>
//! streams server                            serve on a free port, printed
//! ```
//!
//! What counts is instructions and allocations, as valgrind counts them: the difference between n and 2n, so that the
//! start drops out. The server is a process of its own.

mod decode;
mod memory;
mod server;
mod typed;

use std::error::Error;
use std::process::ExitCode;

use polyagent_benches::process::ServerProcess;
use polyagent_benches::valgrind;

use decode::Body;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments {
        [] => return measure(),
        ["decode", peer, body, chunk, n] => decode::run(peer, body.parse()?, chunk.parse()?, n.parse()?)?,
        ["typed", peer, n, url] => typed::run(peer, n.parse()?, url)?,
        ["parse", n] => typed::parse(n.parse()?)?,
        ["memory", what, n, url] => memory::run(what, n.parse()?, url)?,
        ["server"] => server::serve()?,
        _ => return Err("usage: see the top of main.rs".into()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether every gate is passed.
struct Gates(bool);

impl Gates {
    /// `gate` is what fails the run: what was reached, where the goal is not.
    fn check(&mut self, what: &str, value: f64, goal: f64, gate: f64) {
        let (met, passed) = (value <= goal, value <= gate);
        let said = if met { "met" } else { "NOT MET" };
        println!("{what}: {value:.3}; goal {goal}: {said}; gate {gate}: {}", if passed { "yes" } else { "NO" });
        self.0 &= passed;
    }
}

fn measure() -> Outcome<ExitCode> {
    let server = ServerProcess::start()?;
    let mut gates = Gates(true);
    memory::measure(&server, &mut gates)?;
    if valgrind::is_there() {
        decoders(&mut gates)?;
        lines(&mut gates)?;
        typed_events(&server, &mut gates)?;
        allocations(&server, &mut gates)?;
    } else {
        println!("skipped: instructions and allocations, as valgrind is not there");
    }
    Ok(if gates.0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Instructions per unit: `of` gives the arguments for n of them.
fn instructions(n: u32, of: impl Fn(u32) -> Vec<String>) -> Outcome<f64> {
    let count = |n| {
        valgrind::instructions(|command| {
            let status = command.args(of(n)).status()?;
            if status.success() { Ok(()) } else { Err(format!("a client failed: {status}").into()) }
        })
    };
    Ok((count(2 * n)? - count(n)?) / f64::from(n))
}

fn decoded(peer: &str, body: Body, chunk: usize, n: u32, units: f64) -> Outcome<f64> {
    let arguments =
        |n: u32| ["decode", peer, body.name(), &chunk.to_string(), &n.to_string()].map(str::to_owned).into();
    let cost = instructions(n, arguments)? / units;
    println!("{:<8} {chunk:>6} B chunks  {peer:<19} {cost:>12.0} instructions", body.name());
    Ok(cost)
}

/// P1: events of 220 bytes, handed out owned.
fn decoders(gates: &mut Gates) -> Outcome {
    for chunk in [1024, 16 * 1024] {
        let of = |peer| decoded(peer, Body::Events, chunk, 20, f64::from(decode::EVENTS));
        let (own, best) = (of("polyagent")?, of("sse-stream")?);
        for peer in ["sseer", "eventsource-stream"] {
            of(peer)?;
        }
        gates.check("P1, of sse-stream", own / best, 0.70, 0.70);
    }
    Ok(())
}

/// P4: a long line costs what its bytes cost, whatever the chunks.
fn lines(gates: &mut Gates) -> Outcome {
    let of = |peer, chunk| decoded(peer, Body::Line, chunk, 50, 1.0);
    let (small, large, best) = (of("polyagent", 1024)?, of("polyagent", 16 * 1024)?, of("sse-stream", 1024)?);
    gates.check("P4, of sse-stream", small / best, 1.0, 1.0);
    gates.check("P4, of itself in chunks of 16 KiB", small / large, 1.2, 1.4);
    let (long, short) = (decoded("polyagent", Body::LongLine, 1024, 2, 1.0)?, small);
    gates.check("P4, a line of 4 MiB, of 64 lines of 64 KiB", long / (64.0 * short), 1.1, 1.1);
    Ok(())
}

/// P2: typed events over HTTP, above what it costs to read the bytes.
fn typed_events(server: &ServerProcess, gates: &mut Gates) -> Outcome {
    const EVENTS: u32 = 10_000;
    let url = server.url();
    let of = |peer: &str| {
        let arguments = |n: u32| ["typed", peer, &n.to_string(), &url].map(str::to_owned).into();
        instructions(EVENTS, arguments)
    };
    let drain = of("drain")?;
    println!("typed    {:<19} {drain:>12.0} instructions/event", "drain");
    let above = |peer: &str| -> Outcome<f64> {
        let cost = of(peer)? - drain;
        println!("typed    {peer:<19} {cost:>12.0} instructions/event above draining");
        Ok(cost)
    };
    let (own, structs, tagged) = (above("polyagent")?, above("sse-stream")?, above("sse-stream-tagged")?);
    for peer in ["sseer", "eventsource-stream"] {
        above(peer)?;
    }
    gates.check("P2, of sse-stream and the same structs", own / structs, 0.80, 1.20);
    gates.check("P2, of sse-stream and a tagged enum", own / tagged, 0.70, 0.93);
    Ok(())
}

/// P3: allocations per typed event, beyond those of the event itself.
fn allocations(server: &ServerProcess, gates: &mut Gates) -> Outcome {
    const EVENTS: u32 = 4_000;
    let url = server.url();
    let of = |arguments: &dyn Fn(&str) -> Vec<String>| -> Outcome<f64> {
        let count = |n: u32| {
            let arguments = arguments(&n.to_string());
            valgrind::allocations(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
        };
        Ok((count(2 * EVENTS)? - count(EVENTS)?) / f64::from(EVENTS))
    };
    let event = of(&|n| ["parse", n].map(str::to_owned).into())?;
    println!("allocations  {:<19} {event:>8.3} per event", "the event itself");
    let drain = of(&|n| ["typed", "drain", n, &url].map(str::to_owned).into())?;
    println!("allocations  {:<19} {drain:>8.3} per event, to read the bytes", "drain");
    let mut own = 0.0;
    for peer in ["polyagent", "sse-stream", "sseer", "eventsource-stream"] {
        let beyond = of(&|n| ["typed", peer, n, &url].map(str::to_owned).into())? - drain - event;
        println!("allocations  {peer:<19} {beyond:>+8.3} per event");
        if peer == "polyagent" {
            own = beyond;
        }
    }
    gates.check("P3, beyond those of the event", own, 0.05, 0.05);
    Ok(())
}
