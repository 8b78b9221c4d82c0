//! Reads a policy pack from a folder, within limits.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use schoolgate_policy::{ExtendError, PACK_MAX_BYTES, Pack, SCHOOL_FILE, read_extended};

/// Deeper is not a pack but somebody's home folder.
const DEPTH_MAX: usize = 4;
const FILES_MAX: usize = 2_000;

#[derive(Debug, thiserror::Error)]
pub(crate) enum PackError {
    #[error("cannot read `{path}`")]
    Read { path: PathBuf, source: io::Error },
    #[error("`{path}` is a file: name the folder that it lies in")]
    IsFile { path: PathBuf },
    #[error("`{path}` is not text in UTF-8")]
    NotText { path: PathBuf },
    #[error("`{path}` holds more than {FILES_MAX} files or {PACK_MAX_BYTES} bytes, which is no policy pack")]
    TooMuch { path: PathBuf },
    #[error("`{path}` is no policy pack: it has no {SCHOOL_FILE}")]
    NoSchool { path: PathBuf },
    #[error("cannot put `{path}` together with the packs it extends")]
    Extend { path: PathBuf, source: Box<ExtendError<PackError>> },
}

/// The pack in `folder`, with the documents of those it extends.
pub(crate) fn read(folder: &Path) -> Result<Pack, PackError> {
    let path = folder.to_str().ok_or_else(|| PackError::NotText { path: folder.to_owned() })?;
    let pack = read_extended(path, &mut |folder| read_one(Path::new(folder))).map_err(|error| match error {
        ExtendError::Read { folder, by, source } if folder == by => source,
        source => PackError::Extend { path: folder.to_owned(), source: Box::new(source) },
    })?;
    if pack.size_bytes() > PACK_MAX_BYTES {
        return Err(PackError::TooMuch { path: folder.to_owned() });
    }
    Ok(pack)
}

/// Every `.md` and `.toml` file below `folder`, hidden folders aside.
fn read_one(folder: &Path) -> Result<Pack, PackError> {
    if folder.is_file() {
        return Err(PackError::IsFile { path: folder.to_owned() });
    }
    let mut pack = Pack::default();
    let mut files = 0;
    read_into(folder, "", 0, &mut files, &mut pack)?;
    if pack.size_bytes() > PACK_MAX_BYTES {
        return Err(PackError::TooMuch { path: folder.to_owned() });
    }
    if pack.get(SCHOOL_FILE).is_none() {
        return Err(PackError::NoSchool { path: folder.to_owned() });
    }
    Ok(pack)
}

fn read_into(folder: &Path, prefix: &str, depth: usize, files: &mut usize, pack: &mut Pack) -> Result<(), PackError> {
    let failed = |source| PackError::Read { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let path = entry.path();
        let inside = format!("{prefix}{name}");
        if path.is_dir() {
            if depth < DEPTH_MAX {
                read_into(&path, &format!("{inside}/"), depth + 1, files, pack)?;
            }
        } else if name.ends_with(".md") || name.ends_with(".toml") {
            *files += 1;
            let length = entry.metadata().map_err(failed)?.len();
            if *files > FILES_MAX || usize::try_from(length).map_or(true, |length| length > PACK_MAX_BYTES) {
                return Err(PackError::TooMuch { path });
            }
            let bytes = fs::read(&path).map_err(|source| PackError::Read { path: path.clone(), source })?;
            let text = String::from_utf8(bytes).map_err(|_| PackError::NotText { path: path.clone() })?;
            pack.insert(&inside, &text);
        }
    }
    Ok(())
}
