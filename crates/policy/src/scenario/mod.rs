//! Scenarios: what a policy is meant to do, in sentences, run against it without a network.
//!
//! `tests.md` is Markdown; only lines that begin with *Given*, *When*, *Then* or *And* count (a list marker before them
//! is fine), and fenced blocks called `world`, which hold for all scenarios. A heading names the scenarios below it.
//! Without a day it is ten o'clock on the first school day. Where a world names holders of offices, it names them all:
//! who decides and who hears is checked over those people.
//!
//! ```text
//! WORLD  = PERSON "is" NAME {("," | "and" | "of" | "in") NAME}        groups and offices
//!        | PERSON "deputises for" OFFICE | PERSON "is a relative of" PERSON | PERSON "manages" PERSON
//!        | PERSON "has not signed" [POLICY] | PERSON "signed" POLICY [VERSION] "on" DATE
//!        | PERSON "entered" #CLAUSE ["for"] {FIELD VALUE}                  an open entry of a register
//!        | #CLAUSE "was done" ["by" PERSON] DATE | EVENT "is on" DATE | (#CLAUSE | EVENT) "happened" DATE
//!        | SITE "is" CATEGORY {("," | "and") CATEGORY}
//! Given    WHO {"," (DATE [TIME] | "in" PLACE | "on" DEVICE | "who has not signed" [POLICY] | WORLD
//!               | SITE "is open for" GROUP "until" DATE [TIME] | SITE "is blocked at once"
//!               | #CLAUSE "is approved for" PERSON "until" DATE ["towards" PERSON])}
//! WHO    = PERSON | "a" GROUP {"of" GROUP} | "nobody signed in"
//! DATE   = 2026-11-24, with the day of the week before it if you like; TIME = 14:05
//! When     WHO "opens" ADDRESS | WHO "searches for" '"' WORDS '"' ["on" HOST]
//!        | "a report" #CLAUSE "is made" ["by" PERSON] ["about" PERSON {"and" PERSON}] ["with" BOX {"and" BOX}]
//!        | "a report" #CLAUSE ["about" PERSON] "is unread for" LENGTH
//!        | "a report" #CLAUSE "is closed" ("without" '"' STEP '"' | "without an outcome" | "with" '"' OUTCOME '"')
//!        | WHO "asks" #CLAUSE ["for"] {FIELD VALUE}
//!        | WHO "enters" #CLAUSE ["for"] {FIELD VALUE}
//!        | #CLAUSE "is looked at" ["for" PERSON]
//!        | WHO "is asked to agree" | WHO "is about to" MOMENT | POLICY "is looked up"
//! Then     VERDICT ["by" (#CLAUSE | "default")] ["until" [DATE] TIME] {"and" CONDITION}
//!        | "it goes to" NAME {("," | "and" ["not" | "only"] "to") NAME} | "it reaches nobody" | "takes no files" | "outside" WORDS
//!        | "decided by" NAME {("," | "and" ["not by"]) NAME} | "not possible" | "opens for" GROUP ["until" DATE [TIME]]
//!        | "joins" GROUP ["until" DATE] | "lifts" #CLAUSE ["until" DATE] | "opens task" #CLAUSE
//!        | "opens" STORE "of" PERSON ["until" DATE] | "answer due" DATE | "kept until" DATE | "closed"
//!        | ("kept by" | "seen by" | "tells" | "falls to" | "receipt to") NAME … | "due" DATE | "not due" | "warned" DATE
//!        | late | soon | done | open | "nothing to do"
//!        | ["not"] "overdue" | ("owned by" | "adopted by" | "author" | "answers to" | "told") NAME | "related to" '"' TITLE '"'
//!        | "was" VERSION "on" DATE | "consulted" WHOM | ("adopted on" | "published on") DATE
//!        | "signs" POLICY | "by" FORM | "with" GROUP | ["not"] "shown" #CLAUSE | "nothing to sign" | "nothing is shown"
//! VERDICT   = allowed | warned | blocked | the help page | the agreement | always open | locked
//! CONDITION = looked into | never looked into | safe search | no trace
//! ```

mod agreements;
mod cases;
mod duties;
mod facts;
mod given;
mod head;
mod outcome;
mod question;
mod read;
mod registers;
mod reports;
mod requests;
mod things;
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
            0 if passed == 0 => "there are no scenarios: write some into `tests.md`\n".to_owned(),
            0 if passed == 1 => "1 scenario passed\n".to_owned(),
            0 => format!("{passed} scenarios passed\n"),
            _ => format!("{failed} of {} scenarios failed\n", self.results.len()),
        });
        out
    }
}

/// The scenarios of a pack, read once and run as often as needed.
#[derive(Debug, Clone)]
pub struct Suite<'p> {
    pack: &'p Pack,
    files: Vec<SuiteFile>,
    /// Sentences that are none.
    diagnostics: Vec<Diagnostic>,
}

#[derive(Debug, Clone)]
struct SuiteFile {
    /// What `tests.md` says of the world holds in every file, what another file says in that file alone.
    world: Vec<Word>,
    scenarios: Vec<Scenario>,
}

impl<'p> Suite<'p> {
    pub fn read(pack: &'p Pack) -> Self {
        let mut diagnostics = Vec::new();
        let shared = read::world(pack);
        let mut files = Vec::new();
        for (file, path, text) in pack.tests() {
            let (own, scenarios) = read::read(file, text, &mut diagnostics);
            let own = own.into_iter().filter(|_| path != TESTS_FILE);
            files.push(SuiteFile { world: shared.iter().cloned().chain(own).collect(), scenarios });
        }
        Self { pack, files, diagnostics }
    }

    /// All scenarios, with everything that is wrong.
    pub fn run(&self, built: &Built) -> Tested {
        let mut tested = Tested { results: Vec::new(), diagnostics: self.diagnostics.clone() };
        for file in &self.files {
            let world = file.world(built, &mut tested.diagnostics);
            for scenario in &file.scenarios {
                let result = run(scenario, world.clone(), built, self.pack, &mut tested.diagnostics);
                tested.results.extend(result);
            }
        }
        tested.diagnostics.sort_by_key(|finding| (finding.span.file, finding.span.start));
        tested.diagnostics.dedup();
        tested
    }

    /// The name of a scenario that does not pass, those first that name `clause`; `None`: all pass.
    pub fn first_failure(&self, built: &Built, clause: &str) -> Option<String> {
        let marker = format!("#{clause}");
        let fails = |wanted: bool| {
            self.files.iter().find_map(|file| {
                let mut scenarios =
                    file.scenarios.iter().filter(|scenario| scenario.names(&marker) == wanted).peekable();
                scenarios.peek()?;
                let world = file.world(built, &mut Vec::new());
                scenarios.find(|scenario| !passes(scenario, &world, built, self.pack)).map(|found| found.name.clone())
            })
        };
        fails(true).or_else(|| fails(false))
    }

    /// How many scenarios name a clause.
    pub fn naming(&self, clause: &str) -> usize {
        let marker = format!("#{clause}");
        self.files.iter().flat_map(|file| &file.scenarios).filter(|scenario| scenario.names(&marker)).count()
    }
}

impl SuiteFile {
    fn world<'a>(&self, built: &'a Built, findings: &mut Vec<Diagnostic>) -> World<'a> {
        let mut world = World::new(&built.compiled);
        for line in &self.world {
            world.tell(line, findings);
        }
        world
    }
}

impl Scenario {
    fn names(&self, marker: &str) -> bool {
        let is_end = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-');
        let holds = |word: &Word| {
            word.text.match_indices(marker).any(|(at, _)| word.text.get(at + marker.len()..).is_some_and(is_end))
        };
        self.given.iter().chain(&self.when).chain(&self.then).any(holds)
    }
}

fn passes(scenario: &Scenario, world: &World<'_>, built: &Built, pack: &Pack) -> bool {
    let mut findings = Vec::new();
    let result = run(scenario, world.clone(), built, pack, &mut findings);
    findings.is_empty() && result.is_some_and(|result| result.failures.is_empty())
}

/// Runs the scenarios of a pack.
pub fn test(pack: &Pack, built: &Built) -> Tested {
    Suite::read(pack).run(built)
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
    let singular = read::singular(scenario);
    let (scenario, when) = singular.as_ref().map_or((scenario, when), |(scenario, when)| (scenario, when));
    let failures = if let Some(policy) = head::policy_of(when, &given) {
        head::run(scenario, policy, &given, findings)?
    } else if things::is_about_one(when) {
        things::run(scenario, &given, findings)?
    } else if cases::is_one(&when.text) {
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
