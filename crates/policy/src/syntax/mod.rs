//! From text to tree: always a tree, and every mistake with its place.

pub(crate) mod document;
pub(crate) mod front;
pub(crate) mod markdown;
mod notes;
pub(crate) mod reader;
pub(crate) mod value;

pub use document::{Clause, ClauseNotes, Control, Document, Part};
pub use front::Front;
pub use reader::Spanned;
pub use value::{Table, Value, ValueKind, Word};
