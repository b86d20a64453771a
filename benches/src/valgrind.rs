//! What this program costs with other arguments, counted by valgrind.

use std::error::Error;
use std::process::{Command, Stdio};
use std::{env, fs};

/// callgrind counts each byte of `rep movsb` and `rep stosb` as an instruction; glibc is told to use other ones.
const TUNABLES: &str = "glibc.cpu.x86_rep_movsb_threshold=1000000000:glibc.cpu.x86_rep_stosb_threshold=1000000000";

#[must_use]
pub fn is_there() -> bool {
    Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// The instructions of this program, as `run` runs it.
///
/// # Errors
/// It fails, or callgrind does.
pub fn instructions(run: impl FnOnce(&mut Command) -> Result<(), Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let out = env::temp_dir().join(format!("polyagent-bench-{}.callgrind", std::process::id()));
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--quiet"]).arg(format!("--callgrind-out-file={}", out.display()));
    command.arg(env::current_exe()?).env("GLIBC_TUNABLES", TUNABLES);
    run(&mut command)?;
    let profile = fs::read_to_string(&out)?;
    fs::remove_file(&out)?;
    let totals = profile.lines().find_map(|line| line.strip_prefix("totals: ")).ok_or("callgrind wrote no totals")?;
    Ok(totals.trim().parse()?)
}

/// The allocations of this program with these arguments.
///
/// # Errors
/// It fails, or memcheck does.
pub fn allocations(arguments: &[&str]) -> Result<f64, Box<dyn Error>> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=memcheck", "--leak-check=no", "--undef-value-errors=no"]);
    let output = command.arg(env::current_exe()?).args(arguments).output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Err(said.into());
    }
    let usage = said.lines().find_map(|line| line.split_once("total heap usage: ")).ok_or("memcheck told no usage")?;
    let count = usage.1.split(' ').next().unwrap_or_default().replace(',', "");
    Ok(count.parse()?)
}
