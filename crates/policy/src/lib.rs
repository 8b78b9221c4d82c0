//! The policy language: syntax, checks, compile, explain, difference and scenarios.

mod check;
mod compile;
mod diagnostic;
pub mod diff;
mod explain;
mod extend;
pub mod fmt;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod kinds;
pub mod manual;
mod mutants;
mod nearest;
mod overlap;
mod pack;
mod parse;
mod render;
mod replace;
pub mod scenario;
pub mod schema;
pub mod school;
pub mod show;
mod starter;
pub mod syntax;

pub use check::{Built, Context, build};
pub use compile::{Compiled, PolicyHead, Reminder};
pub use diagnostic::{Code, Diagnostic, Finding, Label, Location, OtherPlace, Severity, Span, has_errors};
pub use explain::{ConsideredRule, Explanation, QuotedClause, conditions_in_words, explain};
pub use extend::{ExtendError, read_extended};
pub use mutants::{HeadMutant, Mutant, heads, mutants, turned, without_clause};
pub use nearest::nearest;
pub use pack::{FileId, PACK_MAX_BYTES, Pack, SCHOOL_FILE, TESTS_FILE};
pub use parse::{Parsed, parse};
pub use render::{Colour, render, summary};
pub use schoolgate_cases::Agreement;
pub use starter::starter;
