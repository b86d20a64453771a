//! Instructions per call, counted by callgrind.

use std::error::Error;
use std::process::{Command, Stdio};
use std::{env, fs};

use crate::client::{self, Name, Verb};
use crate::server::ServerProcess;

const CALLS: u32 = 1000;

/// callgrind counts each byte of `rep movsb` and `rep stosb` as an instruction; glibc is told to use other ones.
const TUNABLES: &str = "glibc.cpu.x86_rep_movsb_threshold=1000000000:glibc.cpu.x86_rep_stosb_threshold=1000000000";

pub fn is_there() -> bool {
    Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}

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
    let out = env::temp_dir().join(format!("polyagent-calls-{}.callgrind", std::process::id()));
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--quiet"]).arg(format!("--callgrind-out-file={}", out.display()));
    command.arg(env::current_exe()?).env("GLIBC_TUNABLES", TUNABLES);
    client::run_process(&mut command, name, verb, n, server)?;
    let profile = fs::read_to_string(&out)?;
    fs::remove_file(&out)?;
    let totals = profile.lines().find_map(|line| line.strip_prefix("totals: ")).ok_or("callgrind wrote no totals")?;
    Ok(totals.trim().parse()?)
}
