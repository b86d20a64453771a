//! Instructions per call, counted by callgrind.

use std::error::Error;

use polyagent_benches::process::ServerProcess;
use polyagent_benches::valgrind;

use crate::client::{self, Name, Verb};

const CALLS: u32 = 1000;

/// What a call costs with each client.
pub fn costs(verb: Verb, server: &ServerProcess) -> Result<Vec<(Name, f64)>, Box<dyn Error>> {
    let mut costs = Vec::new();
    for name in Name::ALL {
        let (once, twice) = (count(name, verb, CALLS, server)?, count(name, verb, 2 * CALLS, server)?);
        println!("{verb:<5} {name:<18} {once} instructions for {CALLS} calls, {twice} for {}", 2 * CALLS);
        costs.push((name, (twice - once) / f64::from(CALLS)));
    }
    Ok(costs)
}

fn count(name: Name, verb: Verb, n: u32, server: &ServerProcess) -> Result<f64, Box<dyn Error>> {
    valgrind::instructions(|command| client::run_process(command, name, verb, n, server).map(|_| ()))
}
