//! Scenarios: what a policy is meant to do, in sentences, run against it without a network.
//!
//! `tests.md` is Markdown; only lines that begin with *Given*, *When*, *Then* or *And* count (a list marker before them
//! is fine), and fenced blocks called `world`, which hold for all scenarios. A heading names the scenarios below it.
//!
//! ```text
//! WORLD  = PERSON "is" NAME {("," | "and" | "of" | "in") NAME}        groups and offices
//!        | PERSON "deputises for" OFFICE | PERSON "is a relative of" PERSON | PERSON "manages" PERSON
//!        | PERSON "has not signed" [POLICY] | PERSON "signed" POLICY [VERSION] "on" DATE
//!        | #CLAUSE "was done" ["by" PERSON] DATE | EVENT "is on" DATE | (#CLAUSE | EVENT) "happened" DATE
//!        | SITE "is" CATEGORY {("," | "and") CATEGORY}
//! Given    WHO {"," (DATE [TIME] | "in" PLACE | "on" DEVICE | "who has not signed" [POLICY] | WORLD
//!               | SITE "is open for" GROUP "until" DATE [TIME] | SITE "is blocked at once")}
//! WHO    = PERSON | "a" GROUP {"of" GROUP} | "nobody signed in"
//! When     WHO "opens" ADDRESS | WHO "searches for" '"' WORDS '"' ["on" HOST]
//!        | "a report" #CLAUSE "is made" ["by" PERSON] ["about" PERSON {"and" PERSON}] ["with" BOX {"and" BOX}]
//!        | "a report" #CLAUSE ["about" PERSON] "is unread for" LENGTH
//!        | "a report" #CLAUSE "is closed" ("without" '"' STEP '"' | "without an outcome" | "with" '"' OUTCOME '"')
//!        | WHO "asks" #CLAUSE ["for"] {FIELD VALUE}
//!        | WHO "enters" #CLAUSE ["for"] {FIELD VALUE}
//!        | #CLAUSE "is looked at" ["for" PERSON]
//!        | WHO "is asked to agree" | WHO "is about to" MOMENT
//! Then     VERDICT ["by" (#CLAUSE | "default")] ["until" [DATE] TIME] {"and" CONDITION}
//!        | "it goes to" NAME {("," | "and" ["not" | "only"] "to") NAME} | "it reaches nobody" | "outside" WORDS
//!        | "decided by" NAME {("," | "and" ["not by"]) NAME} | "not possible" | "opens for" GROUP ["until" DATE [TIME]]
//!        | "joins" GROUP ["until" DATE] | "lifts" #CLAUSE ["until" DATE] | "opens task" #CLAUSE
//!        | "opens" STORE "of" PERSON ["until" DATE] | "answer due" DATE | "kept until" DATE | "closed"
//!        | ("kept by" | "seen by" | "tells" | "falls to" | "receipt to") NAME … | "due" DATE
//!        | late | soon | done | open | "nothing to do"
//!        | "signs" POLICY | "by" FORM | "with" GROUP | ["not"] "shown" #CLAUSE | "nothing to sign" | "nothing is shown"
//! VERDICT   = allowed | warned | blocked | the help page | the agreement | always open | locked
//! CONDITION = looked into | never looked into | safe search | no trace
//! ```

mod agreements;
mod cases;
mod duties;
mod facts;
mod given;
mod outcome;
mod question;
mod read;
mod registers;
mod reports;
mod requests;
mod web;
mod world;

use serde::Serialize;

use crate::check::Built;
use crate::diagnostic::{Diagnostic, Location, Span};
use crate::pack::{Pack, TESTS_FILE};
use crate::syntax::Word;

pub use question::{offices, question};
pub use web::address;
pub use world::World;

/// A scenario as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// The heading above it and its number below that heading.
    pub name: String,
    pub span: Span,
    pub given: Vec<Word>,
    pub when: Vec<Word>,
    pub then: Vec<Word>,
}

/// How one scenario came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScenarioResult {
    pub name: String,
    pub place: Location,
    /// The sentence `when …`, for lists.
    pub when: String,
    /// Empty: it passed.
    pub failures: Vec<Failure>,
}

/// An expectation that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    pub place: Location,
    pub expected: String,
    pub actual: String,
}

/// All scenarios of a pack, run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tested {
    pub results: Vec<ScenarioResult>,
    /// Sentences that were not understood. A pack with such is not tested.
    pub diagnostics: Vec<Diagnostic>,
}

impl Tested {
    pub fn is_passed(&self) -> bool {
        self.diagnostics.is_empty() && self.results.iter().all(|result| result.failures.is_empty())
    }

    /// As a person reads it in a terminal: failures with place, expected and actual, then a count.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for result in &self.results {
            for failure in &result.failures {
                let Location { file, line, .. } = &failure.place;
                out.push_str(&format!("{}: {}\n  {file}:{line}\n", result.name, result.when));
                out.push_str(&format!("  expected {}\n  actual   {}\n\n", failure.expected, failure.actual));
            }
        }
        let failed = self.results.iter().filter(|result| !result.failures.is_empty()).count();
        let passed = self.results.len() - failed;
        out.push_str(&match failed {
            0 => format!("{passed} scenarios passed\n"),
            _ => format!("{failed} of {} scenarios failed\n", self.results.len()),
        });
        out
    }
}

/// Runs the scenarios of a pack.
pub fn test(pack: &Pack, built: &Built) -> Tested {
    let Some((file, _, text)) = pack.files().find(|(_, path, _)| *path == TESTS_FILE) else {
        return Tested::default();
    };
    let mut tested = Tested::default();
    let (world_lines, scenarios) = read::read(file, text, &mut tested.diagnostics);
    let mut world = World::new(&built.compiled);
    for line in &world_lines {
        world.tell(line, &mut tested.diagnostics);
    }
    for scenario in &scenarios {
        let result = run(scenario, world.clone(), built, pack, &mut tested.diagnostics);
        tested.results.extend(result);
    }
    tested
}

fn run(
    scenario: &Scenario,
    world: World<'_>,
    built: &Built,
    pack: &Pack,
    findings: &mut Vec<Diagnostic>,
) -> Option<ScenarioResult> {
    let given = given::read(scenario, world, findings)?;
    let when = scenario.when.first()?;
    let failures = if cases::is_one(&when.text) {
        cases::run(scenario, &given, &built.compiled, findings)?
    } else {
        web::run(scenario, &given, findings)?
    };
    let failures = failures.into_iter().map(|(span, expected, actual)| Failure {
        place: Location::of(span, pack),
        expected,
        actual,
    });
    Some(ScenarioResult {
        name: scenario.name.clone(),
        place: Location::of(scenario.span, pack),
        when: when.text.clone(),
        failures: failures.collect(),
    })
}
