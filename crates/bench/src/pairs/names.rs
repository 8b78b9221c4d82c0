//! The listed names, in every program's form.

use std::collections::HashSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use schoolgate_base::HostName;
use schoolgate_lists::{Entry, IndexBuilder};

use super::{Arguments, Failure};
use crate::lists::{MadeNames, RealLists};

/// The category of all listed names.
pub(crate) const LISTED: &str = "listed";
/// Our list, within a stage's folder.
pub(crate) const INDEX: &str = "lists.index";
/// The same names one a line.
pub(crate) const LINES: &str = "listed.names";
/// What is blocked beside the lists since the last publish, one name a line.
pub(crate) const PUBLISHED: &str = "published";
/// Stands in [`PUBLISHED`] where nothing is: some programs take no empty list.
pub(crate) const NOBODY: &str = "nobody.bench.example";
/// Of the list that stands in where there is no shared data.
const STAND_IN: usize = 370_000;

/// The names of the real lists, or as many as they are of made ones.
pub(crate) fn real(arguments: &Arguments) -> Result<Vec<HostName>, Failure> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = arguments.data.as_deref().unwrap_or(&beside);
    if !data.join("domains").is_dir() {
        eprintln!("no `domains` in {}: {STAND_IN} made names stand in for the real lists", data.display());
        return made(STAND_IN);
    }
    let mut all = HashSet::new();
    RealLists::read(data)?.for_each_host(&mut |name| {
        all.insert(name);
    });
    Ok(outermost(&all))
}

pub(crate) fn made(count: usize) -> Result<Vec<HostName>, Failure> {
    let mut all = HashSet::with_capacity(count);
    for name in MadeNames::new(1) {
        if count <= all.len() {
            break;
        }
        all.insert(HostName::parse(&name)?);
    }
    Ok(outermost(&all))
}

/// Without those that are within another: Squid refuses such pairs.
fn outermost(all: &HashSet<HostName>) -> Vec<HostName> {
    let is_covered = |name: &HostName| {
        name.suffixes().skip(1).filter_map(|suffix| HostName::parse(suffix).ok()).any(|suffix| all.contains(&suffix))
    };
    let mut names: Vec<HostName> = all.iter().filter(|name| !is_covered(name)).cloned().collect();
    names.sort_unstable();
    names
}

/// Writes the list for all, and that nothing is published.
pub(crate) fn write(dir: &Path, names: &[HostName]) -> Result<(), Failure> {
    let mut builder = IndexBuilder::new();
    let (category, list) = (builder.category(LISTED)?, builder.list("bench")?);
    let mut lines = String::new();
    for name in names {
        builder.add(Entry::Host(name.clone()), category, list)?;
        writeln!(lines, "{name}")?;
    }
    fs::write(dir.join(INDEX), builder.build()?)?;
    fs::write(dir.join(LINES), lines)?;
    publish(dir, None)
}

/// Writes a file in a program's own form, a line for each listed name.
pub(crate) fn write_as(stage_dir: &Path, to: &Path, line: impl Fn(&str) -> String) -> Result<(), Failure> {
    let names = fs::read_to_string(stage_dir.join(LINES))?;
    Ok(fs::write(to, names.lines().map(line).collect::<String>())?)
}

/// Blocks `host`, and nothing else beside the lists, from when the programs read the file again.
pub(crate) fn publish(dir: &Path, host: Option<&str>) -> Result<(), Failure> {
    Ok(fs::write(dir.join(PUBLISHED), format!("{}\n", host.unwrap_or(NOBODY)))?)
}
