//! Why something could not be read or written; absent rows are values, not errors.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use schoolgate_keys::KeyError;
use sea_orm::DbErr;

use crate::dialect::{Fault, fault};

/// Why an operation on the records could not be done. `operation` is the method's name.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    #[error("`{operation}`: the records are locked by another program or too busy")]
    Busy { operation: &'static str, source: Box<DbErr> },
    #[error("`{operation}`: the disk of the records is full")]
    Full { operation: &'static str, source: Box<DbErr> },
    #[error("`{operation}`: the records cannot be written to")]
    ReadOnly { operation: &'static str, source: Box<DbErr> },
    #[error("`{operation}`: one with this key is there already")]
    Duplicate { operation: &'static str, source: Box<DbErr> },
    #[error("`{operation}`: it refers to something that is not there")]
    Dangling { operation: &'static str, source: Box<DbErr> },
    #[error("`{operation}`: the database failed")]
    Database { operation: &'static str, source: Box<DbErr> },
    #[error("`{operation}`: there is no such {kind}")]
    Absent { operation: &'static str, kind: &'static str },
    #[error("`{operation}`: no key here opens it")]
    Unopened { operation: &'static str },
    #[error("`{operation}`: somebody else changed it meanwhile")]
    Stale { operation: &'static str },
    #[error("`{operation}`: {reason}")]
    Refused { operation: &'static str, reason: &'static str },
    #[error("`{operation}`: an earlier step of this transaction failed, so none of it is kept")]
    Unfinished { operation: &'static str },
    #[error("column `{column}` holds what this program cannot read")]
    Corrupt { column: &'static str, source: Box<dyn Error + Send + Sync> },
    #[error("`{operation}`: cannot write it down")]
    Encode { operation: &'static str, source: serde_json::Error },
    #[error("`{operation}`: a key is missing or refused")]
    Keys { operation: &'static str, source: KeyError },
    #[error("`{operation}`: `{}`", path.display())]
    File { operation: &'static str, path: PathBuf, source: io::Error },
    #[error("`{}` is not empty; restore into a new directory", path.display())]
    NotEmpty { path: PathBuf },
    #[error(
        "`{}` holds {count} sealed reports that none of the keys opens; bring back a newer copy of the keys, or confirm \
         that nobody will read them again",
        path.display()
    )]
    LosesSealed { path: PathBuf, count: u64 },
    #[error("`{}` is not a whole backup: {reason}", path.display())]
    Backup { path: PathBuf, reason: String },
}

impl RecordsError {
    /// Whether the records cannot be written, or sealed ones opened, *now*: signing and approving are refused, browsing goes on.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::Full { .. } | Self::ReadOnly { .. } => true,
            Self::Keys { source, .. } => source.is_elsewhere(),
            _ => false,
        }
    }
}

/// For `map_err`: what an error of the database means to the caller of `operation`.
pub(crate) fn failed(operation: &'static str) -> impl Fn(DbErr) -> RecordsError {
    move |error| {
        let kind = fault(&error);
        let source = Box::new(error);
        match kind {
            Fault::Busy => RecordsError::Busy { operation, source },
            Fault::Full => RecordsError::Full { operation, source },
            Fault::ReadOnly => RecordsError::ReadOnly { operation, source },
            Fault::Duplicate => RecordsError::Duplicate { operation, source },
            Fault::Dangling => RecordsError::Dangling { operation, source },
            Fault::Other => RecordsError::Database { operation, source },
        }
    }
}

/// For `map_err`: a key that could not be used.
pub(crate) fn keys(operation: &'static str) -> impl Fn(KeyError) -> RecordsError {
    move |source| RecordsError::Keys { operation, source }
}
