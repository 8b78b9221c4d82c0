#![doc = include_str!("../README.md")]

mod ca;
mod devices;
mod lists;
mod pack;
mod people;
mod policy;
mod school;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;
use schoolgate_runtime::Sockets;
use tracing_subscriber::EnvFilter;

/// A request at the proxy is some forty small allocations, which glibc's takes longer over (docs/benchmarks.md).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The acceptable-use policy that runs.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check, explain and try out policies; no network, no records.
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    #[command(flatten)]
    School(school::SchoolCommand),
}

/// How a command ended that could do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    NothingWrong,
    SomethingWrong,
}

/// Runs a command that needs the asynchronous runtime; its log goes to standard error.
fn on_a_school(command: school::SchoolCommand) -> Result<Found, Box<dyn std::error::Error>> {
    // Before there are threads: it takes a word out of the environment.
    let inherited = Sockets::of_supervisor()?;
    let filter = EnvFilter::try_from_env("SCHOOLGATE_LOG").unwrap_or_else(|_| EnvFilter::new(usual_log(&command)));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    log.with_ansi(io::stderr().is_terminal()).init();
    // Before there are threads, for which it would not hold.
    school::confine(&command)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    Ok(runtime.block_on(school::run(command, inherited, &mut io::stdout()))?)
}

/// A service says where it listens and what it has taken of new settings; a command only what is wrong.
fn usual_log(command: &school::SchoolCommand) -> &'static str {
    match command {
        school::SchoolCommand::Serve { .. } | school::SchoolCommand::Role { .. } => "info",
        _ => "warn",
    }
}

fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            return true;
        }
        next = error.source();
    }
    false
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Policy(command) => policy::run(command, &mut io::stdout().lock()),
        Command::School(command) => on_a_school(command),
    };
    match done {
        Ok(Found::NothingWrong) => ExitCode::SUCCESS,
        Ok(Found::SomethingWrong) => ExitCode::from(1),
        // Whoever read the rest of what we wrote has gone, as `head` does: nothing is wrong.
        Err(error) if is_broken_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                text.push_str(&format!(": {cause}"));
                source = cause.source();
            }
            // Nothing is left to tell it to when this fails too.
            let _ = writeln!(io::stderr(), "schoolgate: {text}");
            ExitCode::from(2)
        }
    }
}
