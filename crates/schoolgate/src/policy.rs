//! `schoolgate policy …`: what can be said of a pack, and done with one, without records or a network.

mod learn;
mod write;

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;
use schoolgate_policy::show::{self, PolicyView};
use schoolgate_policy::{
    Built, Colour, Context, Diagnostic, Finding, Pack, build, has_errors, render, scenario, summary,
};
use serde_json::json;

use crate::{Found, pack};

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Write a small pack to begin with into an empty folder.
    New(write::NewArgs),
    /// Say everything that is wrong with packs, with its place and what to write instead.
    Check(CheckArgs),
    /// Lay out the files of packs.
    Fmt(write::FmtArgs),
    /// Run the scenarios of packs.
    Test(PacksArgs),
    /// Say what would happen to somebody who opens an address, and why.
    Explain(ExplainArgs),
    /// Say what changes for whom between two editions of a pack.
    Diff(learn::DiffArgs),
    /// Print the policies as people read them.
    Show(PackArgs),
    /// Print the JSON Schema of a control block, of a document's head, or of school.toml.
    Schema(learn::SchemaArgs),
    /// Print a page of the manual, or the list of them.
    Manual(learn::ManualArgs),
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Text,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct FormatArgs {
    /// As people read it, or as JSON.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Of the commands that had `--json` before there was `--format`.
#[derive(Debug, Args)]
pub(crate) struct AsJsonArgs {
    #[command(flatten)]
    format: FormatArgs,
    /// The same as `--format json`.
    #[arg(long)]
    json: bool,
}

impl FormatArgs {
    fn is_json(&self) -> bool {
        self.format == Format::Json
    }
}

impl AsJsonArgs {
    fn is_json(&self) -> bool {
        self.json || self.format.is_json()
    }
}

#[derive(Debug, Args)]
pub(crate) struct PackArgs {
    /// The folder with school.toml and the policies.
    pack: PathBuf,
    #[command(flatten)]
    format: FormatArgs,
}

#[derive(Debug, Args)]
pub(crate) struct PacksArgs {
    /// Folders with school.toml and policies.
    #[arg(required = true)]
    packs: Vec<PathBuf>,
    #[command(flatten)]
    format: FormatArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The folder with school.toml, the policies and tests.md, whose `world` says who there is and what sites are.
    pack: PathBuf,
    /// Who and when, as a scenario says it: `tess.teacher, Tuesday 2026-11-24 10:10`.
    given: String,
    /// The address: `https://bet.example/odds`.
    address: String,
    #[command(flatten)]
    format: AsJsonArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Folders with school.toml and policies.
    #[arg(required = true)]
    packs: Vec<PathBuf>,
    #[command(flatten)]
    format: AsJsonArgs,
    /// The day for which review dates are checked, as 2026-11-24; without it they are not.
    #[arg(long)]
    on: Option<Date>,
}

pub(crate) fn run(command: PolicyCommand, out: &mut impl Write) -> Result<Found, Box<dyn Error>> {
    match command {
        PolicyCommand::New(args) => write::new(&args, out),
        PolicyCommand::Check(args) => check(&args, out),
        PolicyCommand::Fmt(args) => write::fmt(&args, out),
        PolicyCommand::Test(args) => test(&args, out),
        PolicyCommand::Explain(args) => explain(&args, out),
        PolicyCommand::Diff(args) => learn::diff(&args, out),
        PolicyCommand::Show(args) => show(&args, out),
        PolicyCommand::Schema(args) => learn::schema(&args, out),
        PolicyCommand::Manual(args) => learn::manual(&args, out),
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

fn found(is_fine: bool) -> Found {
    if is_fine { Found::NothingWrong } else { Found::SomethingWrong }
}

/// A pack for naming places in it; where several packs are spoken of, paths begin with the pack's folder.
fn placed(folder: &Path, pack: Pack, are_several: bool) -> Pack {
    if are_several { pack.within(&folder.display().to_string()) } else { pack }
}

fn findings(diagnostics: &[Diagnostic], pack: &Pack) -> Vec<Finding> {
    diagnostics.iter().map(|diagnostic| diagnostic.finding(pack)).collect()
}

/// The findings without the line that counts them.
fn drawn(diagnostics: &[Diagnostic], pack: &Pack) -> String {
    let text = render(diagnostics, pack, colour());
    let count = format!("{}\n", summary(diagnostics));
    text.strip_suffix(&count).map_or_else(|| text.clone(), str::to_owned)
}

/// A command that asked for something a pack with mistakes cannot answer.
fn say_unfit(
    diagnostics: &[Diagnostic],
    pack: &Pack,
    is_json: bool,
    out: &mut impl Write,
) -> Result<Found, Box<dyn Error>> {
    if is_json {
        let found = json!({ "findings": findings(diagnostics, pack) });
        writeln!(out, "{}", serde_json::to_string_pretty(&found)?)?;
    } else {
        write!(out, "{}", render(diagnostics, pack, colour()))?;
    }
    Ok(Found::SomethingWrong)
}

fn check(args: &CheckArgs, out: &mut impl Write) -> Result<Found, Box<dyn Error>> {
    let are_several = args.packs.len() > 1;
    let mut all: Vec<Finding> = Vec::new();
    let mut is_fit = true;
    for folder in &args.packs {
        let pack = pack::read(folder)?;
        let built = built(&pack, args.on);
        let mut diagnostics = built.diagnostics.clone();
        if built.is_fit() {
            // How they come out is what `test` says.
            diagnostics.extend(scenario::test(&pack, &built).diagnostics);
        }
        let pack = placed(folder, pack, are_several);
        is_fit &= !has_errors(&diagnostics);
        if args.format.is_json() {
            all.extend(findings(&diagnostics, &pack));
            continue;
        }
        write!(out, "{}", drawn(&diagnostics, &pack))?;
        let name = if are_several { format!("{}: ", folder.display()) } else { String::new() };
        writeln!(out, "{name}{}", summary(&diagnostics))?;
    }
    if args.format.is_json() {
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
    }
    Ok(found(is_fit))
}

fn test(args: &PacksArgs, out: &mut impl Write) -> Result<Found, Box<dyn Error>> {
    let are_several = args.packs.len() > 1;
    let mut all = Vec::new();
    let mut is_passed = true;
    for folder in &args.packs {
        let pack = pack::read(folder)?;
        let built = built(&pack, None);
        let place = folder.display();
        if !built.is_fit() {
            is_passed = false;
            let pack = placed(folder, pack, are_several);
            all.push(json!({ "pack": place.to_string(), "findings": findings(&built.diagnostics, &pack) }));
            if !args.format.is_json() {
                let name = if are_several { format!("{place}: ") } else { String::new() };
                writeln!(out, "{}{name}{}", drawn(&built.diagnostics, &pack), summary(&built.diagnostics))?;
            }
            continue;
        }
        let tested = scenario::test(&pack, &built);
        is_passed &= tested.is_passed();
        let pack = placed(folder, pack, are_several);
        let misread = findings(&tested.diagnostics, &pack);
        all.push(json!({ "pack": place.to_string(), "findings": misread, "scenarios": tested.results }));
        if !args.format.is_json() {
            say_tested(&tested, &pack, are_several.then_some(folder), out)?;
        }
    }
    if args.format.is_json() {
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
    }
    Ok(found(is_passed))
}

/// How the scenarios came out; where several packs are tried, the last line begins with the pack's folder.
fn say_tested(
    tested: &scenario::Tested,
    pack: &Pack,
    folder: Option<&PathBuf>,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    if !tested.diagnostics.is_empty() {
        write!(out, "{}", render(&tested.diagnostics, pack, colour()))?;
    }
    let text = tested.text();
    let Some(folder) = folder else {
        writeln!(out, "{text}")?;
        return Ok(());
    };
    let (failures, last) = text.trim_end().rsplit_once('\n').unwrap_or(("", text.trim_end()));
    if !failures.is_empty() {
        writeln!(out, "{failures}")?;
    }
    writeln!(out, "{}: {last}", folder.display())?;
    Ok(())
}

fn explain(args: &ExplainArgs, out: &mut impl Write) -> Result<Found, Box<dyn Error>> {
    let pack = pack::read(&args.pack)?;
    let built = built(&pack, None);
    if !built.is_fit() {
        // What would be explained is not what would be in force: nothing of this pack would.
        return say_unfit(&built.diagnostics, &pack, args.format.is_json(), out);
    }
    match scenario::question(&pack, &built, &args.given, &args.address) {
        Ok(explanation) if args.format.is_json() => {
            writeln!(out, "{}", serde_json::to_string_pretty(&explanation)?)?;
        }
        Ok(explanation) => writeln!(out, "{}", explanation.text())?,
        Err(findings) => return say_unfit(&findings, &pack, args.format.is_json(), out),
    }
    Ok(Found::NothingWrong)
}

fn show(args: &PackArgs, out: &mut impl Write) -> Result<Found, Box<dyn Error>> {
    let pack = pack::read(&args.pack)?;
    let built = built(&pack, None);
    let documents = built.parsed.documents.iter();
    let views: Vec<PolicyView> = documents.filter_map(|document| show::show(document, &built.compiled)).collect();
    if args.format.is_json() {
        writeln!(out, "{}", serde_json::to_string_pretty(&views)?)?;
    } else {
        for view in &views {
            writeln!(out, "{}", show::text(view))?;
        }
    }
    Ok(found(built.is_fit()))
}

#[cfg(test)]
mod tests;
