//! `schoolgate policy …`: what can be said of a pack without records or a network.

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::civil::Date;
use schoolgate_policy::{Built, Colour, Context, Finding, Pack, build, render, scenario, summary};

use crate::{Found, pack};

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Say everything that is wrong with a pack, with its place and what to write instead.
    Check(CheckArgs),
    /// Run the scenarios in the pack's tests.md.
    Test(PackArgs),
    /// Say what would happen to somebody who opens an address, and why.
    Explain(ExplainArgs),
    /// Print the policies as people read them.
    Show(PackArgs),
}

#[derive(Debug, Args)]
pub(crate) struct PackArgs {
    /// The folder with school.toml and the policies.
    pack: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The folder with school.toml, the policies and tests.md, whose `world` says who there is and what sites are.
    pack: PathBuf,
    /// Who and when, as a scenario says it: `tess.teacher, Tuesday 2026-11-24 10:10`.
    given: String,
    /// The address: `https://bet.example/odds`.
    address: String,
    /// As JSON.
    #[arg(long)]
    json: bool,
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
        PolicyCommand::Test(args) => test(&args.pack, out),
        PolicyCommand::Explain(args) => explain(&args, out),
        PolicyCommand::Show(args) => show(&args.pack, out),
    }
}

/// Routes and deciders are checked over the people whom the pack's scenarios name.
fn built(pack: &Pack, today: Option<Date>) -> Built {
    let offices = scenario::offices(pack, &build(pack, Context::default()));
    let named = (!offices.holders.is_empty()).then_some(&offices);
    build(pack, Context { offices: named, today, before: None })
}

fn colour() -> Colour {
    if io::stdout().is_terminal() { Colour::Terminal } else { Colour::Plain }
}

fn test(folder: &Path, out: &mut impl Write) -> Result<Found, Box<dyn Error>> {
    let pack = pack::read(folder)?;
    let built = built(&pack, None);
    if !built.is_fit() {
        write!(out, "{}", render(&built.diagnostics, &pack, colour()))?;
        return Ok(Found::SomethingWrong);
    }
    let tested = scenario::test(&pack, &built);
    write!(out, "{}", render(&tested.diagnostics, &pack, colour()))?;
    writeln!(out, "{}", tested.text())?;
    Ok(if tested.is_passed() { Found::NothingWrong } else { Found::SomethingWrong })
}

fn explain(args: &ExplainArgs, out: &mut impl Write) -> Result<Found, Box<dyn Error>> {
    let pack = pack::read(&args.pack)?;
    let built = built(&pack, None);
    if !built.is_fit() {
        // What would be explained is not what would be in force: nothing of this pack would.
        write!(out, "{}", render(&built.diagnostics, &pack, colour()))?;
        return Ok(Found::SomethingWrong);
    }
    match scenario::question(&pack, &built, &args.given, &args.address) {
        Ok(explanation) if args.json => writeln!(out, "{}", serde_json::to_string_pretty(&explanation)?)?,
        Ok(explanation) => writeln!(out, "{}", explanation.text())?,
        Err(findings) => {
            write!(out, "{}", render(&findings, &pack, colour()))?;
            return Ok(Found::SomethingWrong);
        }
    }
    Ok(Found::NothingWrong)
}

fn show(folder: &Path, out: &mut impl Write) -> Result<Found, Box<dyn Error>> {
    let pack = pack::read(folder)?;
    let built = built(&pack, None);
    for document in &built.parsed.documents {
        if let Some(view) = schoolgate_policy::show::show(document, &built.compiled) {
            writeln!(out, "{}", schoolgate_policy::show::text(&view))?;
        }
    }
    Ok(if built.is_fit() { Found::NothingWrong } else { Found::SomethingWrong })
}

fn check(args: &CheckArgs, out: &mut impl Write) -> Result<Found, Box<dyn Error>> {
    let pack = pack::read(&args.pack)?;
    let built = built(&pack, args.on);
    if args.json {
        let findings: Vec<Finding> = built.diagnostics.iter().map(|diagnostic| diagnostic.finding(&pack)).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&findings)?)?;
    } else {
        write!(out, "{}", render(&built.diagnostics, &pack, colour()))?;
        writeln!(out, "{}", summary(&built.diagnostics))?;
    }
    Ok(if built.is_fit() { Found::NothingWrong } else { Found::SomethingWrong })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn ours() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/hampshire-staff")
    }

    #[track_caller]
    fn checked(pack: &Path) -> (Found, String) {
        let mut out = Vec::new();
        let found = check(&CheckArgs { pack: pack.to_owned(), json: false, on: None }, &mut out).unwrap();
        (found, String::from_utf8(out).unwrap())
    }

    #[test]
    fn the_pack_that_comes_along_is_in_order() {
        assert_eq!(checked(&ours()).0, Found::NothingWrong);
        let mut out = Vec::new();
        assert_eq!(test(&ours(), &mut out).unwrap(), Found::NothingWrong);
        assert_eq!(show(&ours(), &mut out).unwrap(), Found::NothingWrong);
    }

    #[test]
    fn an_explanation_names_the_clause() {
        let given = "tess.teacher, Tuesday 2026-11-24 10:10".to_owned();
        let args = ExplainArgs { pack: ours(), given, address: "https://bet.example/odds".to_owned(), json: false };
        let mut out = Vec::new();
        assert_eq!(explain(&args, &mut out).unwrap(), Found::NothingWrong);
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("staff-ict#gambling"), "{text}");
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
