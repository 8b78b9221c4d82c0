//! `cargo xtask bench …`: the benchmarks live in their own crate; here they are only built optimised and started.

use std::process::Command;

use crate::shell::{self, Trouble};

const BENCHES: [&str; 6] = ["lists", "policy", "proxy", "tunnel", "tls", "dns"];

pub(crate) fn bench(words: &[String]) -> Result<(), Trouble> {
    match words.first() {
        Some(name) if BENCHES.contains(&name.as_str()) => {}
        Some(name) => {
            return Err(Trouble::new(format!("there is no bench `{name}`; there are {}", BENCHES.join(", "))));
        }
        None => return Err(Trouble::new(format!("say what to measure: {}", BENCHES.join(", ")))),
    }
    // The bench starts itself once more for each door under test, so that memory and CPU seconds are its own.
    let mut command = shell::cargo(&["run", "--release", "--quiet", "-p", "schoolgate-bench", "--"]);
    shell::run(command.args(words))
}

/// `cargo xtask soak`: the tests that CI runs for seconds, each for ten minutes: the proxy alone in optimised code, then
/// the whole service while its processes are killed.
pub(crate) fn soak(words: &[String]) -> Result<(), Trouble> {
    let seconds = words.first().map_or("600", String::as_str);
    if seconds.parse::<u32>().is_err() {
        return Err(Trouble::new(format!("`{seconds}` is no number of seconds")));
    }
    let mut command = shell::cargo(&["test", "--profile", "prove", "-p", "schoolgate-proxy", "--test", "proxy", "--"]);
    command.args(["--exact", "soak::everything_at_once_leaves_nothing_behind"]);
    shell::run(command.env("SCHOOLGATE_SOAK_SECONDS", seconds))?;
    let mut command = shell::cargo(&["test", "--workspace", "--test", "processes", "--"]);
    command.args(["--exact", "soak::whatever_dies_nobody_is_refused_or_let_through", "--nocapture"]);
    shell::run(command.env("SCHOOLGATE_SOAK_SECONDS", seconds))
}

/// `cargo xtask coverage …`: what accounts for the registers knows the language, so it lives in a crate of its own.
pub(crate) fn coverage(words: &[String]) -> Result<(), Trouble> {
    shell::run(coverage_command().args(words))
}

pub(crate) fn coverage_command() -> Command {
    shell::cargo(&["run", "--locked", "--profile", "prove", "--quiet", "-p", "schoolgate-coverage", "--", "policies"])
}
