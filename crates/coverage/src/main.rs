//! Accounts for every row of the registers of clauses: proved, limited, refused or information.
#![allow(clippy::print_stdout, reason = "printing is what this program does")]

mod account;
mod prove;
mod report;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use schoolgate_coverage::pack;

#[derive(Debug, Parser)]
#[command(name = "coverage", about = "Accounts for every row of the registers of clauses")]
struct Args {
    /// The folder of packs; those with a register.tsv are accounted for.
    #[arg(default_value = "policies")]
    packs: PathBuf,
    /// Takes each control away and turns each of its words to a neighbour: a scenario must fail.
    #[arg(long)]
    prove: bool,
    #[arg(long)]
    json: bool,
    /// Lists the neighbours that every scenario lets pass.
    #[arg(long)]
    survivors: bool,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("coverage: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether every row is accounted for.
fn run(args: &Args) -> Result<bool, Box<dyn Error>> {
    let mut packs = Vec::new();
    for folder in pack::with_register(&args.packs)? {
        let source = pack::Source::read(&folder)?;
        let built = source.built();
        let proof = args.prove.then(|| prove::prove(&source, &built));
        packs.push(account::account(&source, &built, proof));
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&packs)?);
    } else {
        print!("{}", report::text(&packs, args.survivors));
    }
    Ok(!packs.is_empty() && packs.iter().all(account::PackAccount::is_whole))
}
