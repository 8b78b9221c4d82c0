//! The policy language: syntax, checks, compile, explain, difference and scenarios.

mod diagnostic;
pub mod kinds;
mod nearest;
mod pack;
mod parse;
mod render;
pub mod school;
pub mod syntax;

pub use diagnostic::{Code, Diagnostic, Finding, Label, Location, OtherPlace, Severity, Span, has_errors};
pub use nearest::nearest;
pub use pack::{FileId, PACK_MAX_BYTES, Pack, SCHOOL_FILE, TESTS_FILE};
pub use parse::{Parsed, parse};
pub use render::{Colour, render, summary};
