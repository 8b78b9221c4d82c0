//! Who exists: people from the files of a management information system, compared before anything is changed.
//!
//! See README for what a file may and may not do.

mod apply;
mod columns;
mod decode;
mod difference;
mod error;
mod register;

pub use apply::{Confirmation, apply};
pub use columns::{Column, UnknownColumn};
pub use difference::{Archived, Changed, Difference, FieldChange, difference};
pub use error::DirectoryError;
pub use register::{Incoming, Problem, ProblemKind, Register, RegisterSettings, UnknownGroup};

#[cfg(test)]
mod tests;
