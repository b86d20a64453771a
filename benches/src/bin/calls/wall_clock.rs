//! Nanoseconds per call, by the clock on the wall.

use std::env;
use std::error::Error;
use std::process::Command;
use std::time::Instant;

use crate::client::{self, Name, Verb};
use crate::server::ServerProcess;

const ROUNDS: usize = 31;
const CALLS: u64 = 2000;

/// What a call costs with each client: the median over rounds. The first client of a fixed order would win by a
/// tenth or more, so the order changes with each round.
pub fn costs(verb: Verb, server: &ServerProcess) -> Result<Vec<(Name, f64)>, Box<dyn Error>> {
    let mut costs: Vec<(Name, Vec<f64>)> = Name::ALL.map(|name| (name, Vec::new())).into();
    for _ in 0..ROUNDS {
        fastrand::shuffle(&mut costs);
        for (name, rounds) in &mut costs {
            let (once, twice) = (time(*name, verb, CALLS, server)?, time(*name, verb, 2 * CALLS, server)?);
            #[allow(clippy::cast_precision_loss)] // Far below 2^52.
            rounds.push((twice - once) / CALLS as f64);
        }
    }
    costs.sort_by_key(|(name, _)| Name::ALL.iter().position(|other| other == name));
    Ok(costs.into_iter().map(|(name, rounds)| (name, median(name, verb, rounds))).collect())
}

fn time(name: Name, verb: Verb, n: u64, server: &ServerProcess) -> Result<f64, Box<dyn Error>> {
    let begun = Instant::now();
    client::run_process(&mut Command::new(env::current_exe()?), name, verb, n, server)?;
    Ok(begun.elapsed().as_secs_f64() * 1e9)
}

fn median(name: Name, verb: Verb, mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    let median = rounds[rounds.len() / 2];
    let (lowest, highest) = (rounds[0], rounds[rounds.len() - 1]);
    println!("{verb:<5} {name:<18} {lowest:.0} to {highest:.0} ns, median {median:.0}");
    median
}
