//! Why a snapshot could not be written or used.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use schoolgate_base::SchoolId;
use schoolgate_keys::KeyError;

#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error("cannot read `{path}`")]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write `{path}`")]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot encode the part `{part}`")]
    Encode { part: &'static str, source: serde_json::Error },
    #[error("cannot sign `{path}`")]
    Sign { path: PathBuf, source: KeyError },
    #[error("`{path}` is damaged: {what}")]
    Damaged { path: PathBuf, what: &'static str },
    #[error("`{path}` is not signed by this school's key")]
    Signature { path: PathBuf },
    #[error("`{path}` belongs to the school `{found}`, not to `{wanted}`")]
    OtherSchool { path: PathBuf, found: SchoolId, wanted: SchoolId },
    #[error("`{path}` has format {found}; this program reads format {wanted}")]
    Format { path: PathBuf, found: u32, wanted: u32 },
    #[error("`{path}` is older than what is in force")]
    Older { path: PathBuf },
    #[error("`{path}` holds something else than a part `{part}`")]
    Content { path: PathBuf, part: &'static str, source: Box<dyn Error + Send + Sync> },
    #[error("the first snapshot must hold all four parts; `{part}` is missing")]
    Incomplete { part: &'static str },
}

pub(crate) fn reading(path: &Path) -> impl Fn(io::Error) -> SnapshotError {
    move |source| SnapshotError::Read { path: path.to_owned(), source }
}

pub(crate) fn writing(path: &Path) -> impl Fn(io::Error) -> SnapshotError {
    move |source| SnapshotError::Write { path: path.to_owned(), source }
}

pub(crate) fn damaged(path: &Path, what: &'static str) -> SnapshotError {
    SnapshotError::Damaged { path: path.to_owned(), what }
}
