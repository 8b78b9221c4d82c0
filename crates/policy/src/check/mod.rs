//! What is wrong with a policy that can be read: what contradicts itself, can never happen, or reaches the wrong
//! person.

mod cases;
pub(crate) mod clauses;
mod disagree;
mod duties;
mod floor;
pub(crate) mod keepers;
mod law;
mod locked;
mod reading;
mod rules;
mod shapes;
mod silences;
mod things;
mod wider;
mod words;

use jiff::civil::Date;
use schoolgate_cases::Offices;

use crate::compile::{self, Compiled};
use crate::diagnostic::{Diagnostic, has_errors};
use crate::overlap::World;
use crate::pack::Pack;
use crate::parse::{self, Parsed};
use crate::school;

/// What the checker may know beside the pack.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context<'a> {
    /// Who holds which office; without it, routes are checked over offices only.
    pub offices: Option<&'a Offices>,
    /// The day on which it is checked; without it, review dates are not.
    pub today: Option<Date>,
    /// The rules in force, where the pack is to take their place.
    pub before: Option<&'a Parsed>,
}

/// A pack, read, checked and compiled.
#[derive(Debug, Clone, PartialEq)]
pub struct Built {
    pub parsed: Parsed,
    /// All that could be compiled; to be published only when [`Built::is_fit`].
    pub compiled: Compiled,
    /// Everything there is to say, by file and place.
    pub diagnostics: Vec<Diagnostic>,
}

impl Built {
    /// Whether the pack may come into force.
    pub fn is_fit(&self) -> bool {
        !has_errors(&self.diagnostics)
    }
}

/// Reads, compiles and checks a pack.
pub fn build(pack: &Pack, context: Context<'_>) -> Built {
    let mut parsed = parse::parse(pack);
    let mut findings = std::mem::take(&mut parsed.diagnostics);
    let paths = |document: &crate::syntax::Document| pack.path(document.file).to_owned();
    let compiled = compile::compile(&parsed, &paths, &mut findings);
    clauses::check(&parsed, context.today, &mut findings);
    floor::check(&parsed.school, context.before.map(|before| &before.school), &mut findings);
    if let Some(before) = context.before {
        clauses::gone(before, &parsed, &mut findings);
    }
    school::check_ages(&parsed.school, &mut findings);
    law::check(pack, &parsed, &mut findings);
    silences::check(pack, &parsed, &mut findings);
    reading::check(&parsed, &mut findings);
    keepers::check(&parsed, context.today, &mut findings);
    wider::check(&parsed, &compiled.school, &mut findings);
    let world = World::new(&compiled.school, &compiled.program);
    let meetings = world.meetings();
    rules::check(&compiled, world, &meetings, &mut findings);
    locked::check(&parsed, &compiled, &meetings, &mut findings);
    things::check(&compiled, &mut findings);
    cases::check(&compiled, context.offices, &mut findings);
    duties::check(&compiled, context.offices, &mut findings);
    disagree::check(&compiled, &mut findings);
    findings.sort_by_key(|finding| (finding.span.file, finding.span.start, finding.code));
    findings.dedup();
    parsed.diagnostics.clone_from(&findings);
    Built { parsed, compiled, diagnostics: findings }
}
