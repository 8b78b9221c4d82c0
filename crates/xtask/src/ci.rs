//! `cargo xtask ci` and `cargo xtask test`: every check, in one fixed order, with the minutes each took.
//!
//! A step that fails does not stop the later ones: one run tells everything that is wrong.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::shell::{self, Trouble};
use crate::tally::Tally;
use crate::{bench, demo, install, package, target, tidy, web};

struct Step {
    name: &'static str,
    run: fn(&Machine, &mut Tally) -> Result<(), Trouble>,
}

/// What the steps know of the machine they run on.
struct Machine {
    target: Option<PathBuf>,
}

// Cheap first: a misplaced comma is told after seconds. `web` comes before anything compiles, because the program
// carries its styles inside. Lints come before tests: they compile dependencies only as far as checking needs.
const STEPS: [Step; 11] = [
    Step { name: "format", run: format },
    Step { name: "tidy", run: house_rules },
    Step { name: "package", run: packaging },
    Step { name: "web", run: styles },
    Step { name: "lints", run: lints },
    Step { name: "dependencies", run: dependencies },
    Step { name: "tests", run: tests },
    Step { name: "examples in documentation", run: examples },
    Step { name: "reference pages", run: documentation },
    Step { name: "coverage", run: coverage },
    Step { name: "walk", run: walk },
];

pub(crate) fn test() -> Result<(), Trouble> {
    install::install_missing()?;
    ci()
}

pub(crate) fn ci() -> Result<(), Trouble> {
    let machine = Machine { target: target::outside_the_clone() };
    let started = Instant::now();
    let mut tally = Tally::default();
    let mut minutes = Vec::new();
    let mut troubles = Vec::new();
    for step in &STEPS {
        println!("\n== {}", step.name);
        let began = Instant::now();
        let mut counted = Tally::default();
        let outcome = (step.run)(&machine, &mut counted);
        let mark = if outcome.is_ok() { "ok" } else { "FAILED" };
        minutes.push(format!("{:>6.1} min  {:<6}  {}", in_minutes(began.elapsed()), mark, step.name));
        if let Err(trouble) = outcome {
            println!("{}: {trouble}", step.name);
            troubles.push(format!("{}: {trouble}", step.name));
            // A step that could not count its failures still has one.
            counted.failed = counted.failed.max(1);
        }
        tally += counted;
    }
    println!("\n{}", minutes.join("\n"));
    for trouble in &troubles {
        println!("{trouble}");
    }
    println!("{}", summary(tally, started.elapsed()));
    if !troubles.is_empty() {
        // Said already, step by step; the summary stays the last line for whoever reads the log's end.
        std::process::exit(1);
    }
    Ok(())
}

/// In the words of Rust's own test runner, which every reader of logs knows.
fn summary(tally: Tally, took: Duration) -> String {
    let Tally { passed, failed, ignored } = tally;
    let word = if failed == 0 { "ok" } else { "FAILED" };
    let seconds = took.as_secs_f64();
    format!(
        "test result: {word}. {passed} passed; {failed} failed; {ignored} ignored; 0 measured; 0 filtered out; \
         finished in {seconds:.2}s"
    )
}

fn in_minutes(duration: Duration) -> f64 {
    duration.as_secs_f64() / 60.0
}

fn cargo(machine: &Machine, args: &[&str]) -> Result<(), Trouble> {
    shell::run(target::apply(&mut shell::cargo(args), machine.target.as_deref()))
}

/// Runs something that runs tests, and adds up what it says of them.
fn count(machine: &Machine, tally: &mut Tally, command: &mut Command) -> Result<(), Trouble> {
    let heard = shell::hear(target::apply(command, machine.target.as_deref()))?;
    let told = Tally::of_lines(heard.lines.iter().map(String::as_str));
    *tally += told;
    match heard.ok {
        true => Ok(()),
        false => Err(Trouble::new(format!("`{}`: {} passed, {} failed", heard.words, told.passed, told.failed))),
    }
}

fn format(machine: &Machine, _: &mut Tally) -> Result<(), Trouble> {
    cargo(machine, &["fmt", "--all", "--check"])
}

fn house_rules(_: &Machine, _: &mut Tally) -> Result<(), Trouble> {
    tidy::tidy()
}

/// Making and trying the package takes minutes and root's rights: `cargo xtask package --try`.
fn packaging(_: &Machine, _: &mut Tally) -> Result<(), Trouble> {
    package::check()
}

fn styles(_: &Machine, _: &mut Tally) -> Result<(), Trouble> {
    web::build()
}

fn lints(machine: &Machine, _: &mut Tally) -> Result<(), Trouble> {
    cargo(machine, &["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

/// Every row of the registers of clauses, with every neighbour of every control tried.
fn coverage(machine: &Machine, _: &mut Tally) -> Result<(), Trouble> {
    shell::run(target::apply(bench::coverage_command().arg("--prove"), machine.target.as_deref()))
}

// Private items are part of the pages, so links to them lead somewhere.
const RUSTDOCFLAGS: &str = "-D warnings -A rustdoc::private_intra_doc_links";

/// The reference pages of the crates, where every link must lead somewhere.
pub(crate) fn documentation_alone() -> Result<(), Trouble> {
    documentation(&Machine { target: target::outside_the_clone() }, &mut Tally::default())
}

fn documentation(machine: &Machine, _: &mut Tally) -> Result<(), Trouble> {
    let mut command = shell::cargo(&["doc", "--locked", "--workspace", "--no-deps", "--document-private-items"]);
    shell::run(target::apply(&mut command, machine.target.as_deref()).env("RUSTDOCFLAGS", RUSTDOCFLAGS))
}

/// Licences and sources are already checked by `tidy`; cargo-deny looks closer where somebody installed it (ADR 006).
fn dependencies(machine: &Machine, _: &mut Tally) -> Result<(), Trouble> {
    if !shell::is_there(&["cargo-deny"]) {
        println!("cargo-deny is not installed; licences and sources were checked by tidy");
        return Ok(());
    }
    cargo(machine, &["deny", "--locked", "check", "licenses", "bans", "sources"])
}

fn tests(machine: &Machine, tally: &mut Tally) -> Result<(), Trouble> {
    let args: &[&str] = match shell::is_there(&["cargo-nextest"]) {
        true => &["nextest", "run", "--locked", "--workspace", "--no-fail-fast"],
        false => &["test", "--locked", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"],
    };
    count(machine, tally, &mut shell::cargo(args))
}

fn examples(machine: &Machine, tally: &mut Tally) -> Result<(), Trouble> {
    count(machine, tally, &mut shell::cargo(&["test", "--locked", "--workspace", "--doc", "--no-fail-fast"]))
}

/// The walk through the demo in Chromium and with curl.
pub(crate) fn walk_alone() -> Result<(), Trouble> {
    let mut tally = Tally::default();
    web::build()?;
    let started = Instant::now();
    let outcome = walk(&Machine { target: target::outside_the_clone() }, &mut tally);
    println!("{}", summary(tally, started.elapsed()));
    outcome
}

fn walk(machine: &Machine, tally: &mut Tally) -> Result<(), Trouble> {
    let folder = shell::root().join("tests/walk");
    web::install(&folder)?;
    // The whole workspace is named so that third-party crates keep the features they were built with for the tests.
    cargo(machine, &["build", "--locked", "--workspace", "--bin", "schoolgate"])?;
    let program = program(machine.target.as_deref())?;
    let mut command = shell::command("npm", &["test", "--silent"]);
    count(machine, tally, command.current_dir(&folder).env("SCHOOLGATE_BIN", program))
}

fn program(target: Option<&Path>) -> Result<PathBuf, Trouble> {
    match target {
        Some(target) => Ok(target.join("debug/schoolgate")),
        None => demo::built("schoolgate"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Tally, summary};

    #[test]
    fn the_last_line_reads_like_a_test_runner() {
        let tally = Tally { passed: 412, failed: 0, ignored: 0 };
        assert_eq!(
            summary(tally, Duration::from_millis(1_500)),
            "test result: ok. 412 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.50s"
        );
    }

    #[test]
    fn one_failure_is_said_first() {
        let tally = Tally { passed: 4, failed: 1, ignored: 0 };
        assert!(summary(tally, Duration::ZERO).starts_with("test result: FAILED. 4 passed; 1 failed;"));
    }
}
