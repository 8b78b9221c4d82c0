#![doc = include_str!("../README.md")]

mod pack;
mod policy;
mod school;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

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
    let filter = EnvFilter::try_from_env("SCHOOLGATE_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    Ok(runtime.block_on(school::run(command, &mut io::stdout()))?)
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Policy(command) => policy::run(command, &mut io::stdout().lock()),
        Command::School(command) => on_a_school(command),
    };
    match done {
        Ok(Found::NothingWrong) => ExitCode::SUCCESS,
        Ok(Found::SomethingWrong) => ExitCode::from(1),
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
