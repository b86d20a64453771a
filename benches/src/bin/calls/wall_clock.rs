//! Nanoseconds per call, by the clock on the wall. Far less certain than instructions: on a machine that has other work
//! rounds differ by a factor, and even the fastest by some hundredths.

use std::env;
use std::error::Error;
use std::process::Command;

use crate::client::{self, Name, Verb};
use polyagent_benches::process::ServerProcess;

const ROUNDS: usize = 51;
const CALLS: u32 = 5000;

/// What a call costs with each client: its fastest round, the one that other work disturbed least. The first client of a fixed order would win by a
/// tenth or more, so the order changes with each round.
pub fn costs(verb: Verb, server: &ServerProcess) -> Result<Vec<(Name, f64)>, Box<dyn Error>> {
    let mut costs = Name::ALL.map(|name| (name, Vec::new()));
    for _ in 0..ROUNDS {
        fastrand::shuffle(&mut costs);
        for (name, rounds) in &mut costs {
            let took = client::run_process(&mut Command::new(env::current_exe()?), *name, verb, CALLS, server)?;
            rounds.push(took / f64::from(CALLS));
        }
    }
    costs.sort_by_key(|(name, _)| Name::ALL.iter().position(|other| other == name));
    Ok(costs.map(|(name, rounds)| (name, fastest(name, verb, rounds))).into())
}

fn fastest(name: Name, verb: Verb, mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    let (fastest, median, slowest) = (rounds[0], rounds[rounds.len() / 2], rounds[rounds.len() - 1]);
    println!("{verb:<5} {name:<18} {fastest:.0} to {slowest:.0} ns/call in {ROUNDS} rounds, median {median:.0}");
    fastest
}
