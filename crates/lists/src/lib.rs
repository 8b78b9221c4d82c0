#![doc = include_str!("../README.md")]

mod builder;
mod dictionary;
mod entry;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod import;
mod index;
mod key;
mod names;
mod sets;
mod wire;

pub use builder::{BuildError, IndexBuilder, Ut1Import, Ut1Outcome};
pub use entry::{Entry, EntryError, UrlPath};
pub use import::{
    Import, LINE_MAX_BYTES, LineError, ListFormat, PROBLEMS_SHOWN, Problem, Ut1File, read_list, ut1_file,
};
pub use index::{Index, IndexBytes, Match, Matches, OpenError};
pub use names::{Category, CategoryId, ListId, Usage};

/// Longest path of an entry, in bytes of its compared form.
pub const PATH_MAX_BYTES: usize = 1_024;
