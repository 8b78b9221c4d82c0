#![doc = include_str!("../README.md")]

mod pack;
mod policy;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
}

/// How a command ended that could do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    NothingWrong,
    SomethingWrong,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Policy(command) => policy::run(command, &mut io::stdout().lock()),
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
