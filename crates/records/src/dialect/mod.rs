//! Everything that knows which database engine is underneath; another engine is another file here.

mod sqlite;

pub(crate) use sqlite::{Limits, begin, copy_into, fault, integrity, private_file, readers, writer};

/// What the engine says went wrong, as far as callers act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Somebody else holds the lock, or all our connections are taken.
    Busy,
    /// No room on the disk.
    Full,
    ReadOnly,
    /// A key that is there already.
    Duplicate,
    /// A reference to a row that is not there.
    Dangling,
    Other,
}
