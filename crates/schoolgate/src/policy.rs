//! `schoolgate policy …`: what can be said of a pack without records or a network.

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::civil::Date;
use schoolgate_policy::{Colour, Context, Finding, build, render, summary};

use crate::{Found, pack};

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Say everything that is wrong with a pack, with its place and what to write instead.
    Check(CheckArgs),
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The folder with school.toml and the policies.
    pack: PathBuf,
    /// Findings as JSON, one array.
    #[arg(long)]
    json: bool,
    /// The day for which review dates are checked, as 2026-11-24; without it they are not.
    #[arg(long)]
    on: Option<Date>,
}

pub(crate) fn run(command: PolicyCommand, out: &mut impl Write) -> Result<Found, Box<dyn Error>> {
    match command {
        PolicyCommand::Check(args) => check(&args, out),
    }
}

fn check(args: &CheckArgs, out: &mut impl Write) -> Result<Found, Box<dyn Error>> {
    let pack = pack::read(&args.pack)?;
    let built = build(&pack, Context { offices: None, today: args.on });
    if args.json {
        let findings: Vec<Finding> = built.diagnostics.iter().map(|diagnostic| diagnostic.finding(&pack)).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&findings)?)?;
    } else {
        let colour = if io::stdout().is_terminal() { Colour::Terminal } else { Colour::Plain };
        write!(out, "{}", render(&built.diagnostics, &pack, colour))?;
        writeln!(out, "{}", summary(&built.diagnostics))?;
    }
    Ok(if built.is_fit() { Found::NothingWrong } else { Found::SomethingWrong })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[track_caller]
    fn checked(pack: &Path) -> (Found, String) {
        let mut out = Vec::new();
        let found = check(&CheckArgs { pack: pack.to_owned(), json: false, on: None }, &mut out).unwrap();
        (found, String::from_utf8(out).unwrap())
    }

    #[test]
    fn the_pack_that_comes_along_is_in_order() {
        let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/hampshire-staff");
        assert_eq!(checked(&pack).0, Found::NothingWrong);
    }

    #[test]
    fn a_mistake_is_shown_with_its_place_and_the_nearest_name() {
        let folder = tempfile::tempdir().unwrap();
        let school = "[school]\nid = \"s\"\nname = \"S\"\n[calendar]\nzone = \"Europe/London\"\nterms = []\n\
                      [categories.gambling]\n[defaults]\nstaff = \"allow\"\n";
        let policy = "+++\npolicy = \"p\"\ntitle = \"P\"\nversion = \"1\"\n+++\n\n1.1 {#no} No.\n\n\
                      ```control\n[[web]]\nblock = [\"gambbling\"]\n```\n";
        fs::write(folder.path().join("school.toml"), school).unwrap();
        fs::write(folder.path().join("p.md"), policy).unwrap();
        let (found, text) = checked(folder.path());
        assert_eq!(found, Found::SomethingWrong);
        assert!(text.contains("p.md:11") && text.contains("did you mean `gambling`?"), "{text}");
    }

    #[test]
    fn a_folder_that_is_no_pack_is_said_to_be_none() {
        let folder = tempfile::tempdir().unwrap();
        let error = pack::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("school.toml"), "{error}");
    }
}
