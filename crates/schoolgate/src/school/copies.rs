//! Backup and restore, with the keys apart.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schoolgate_app::data_dir::{DataDir, DataDirError};
use schoolgate_app::product::records;
use schoolgate_app::serve::has_authority;
use schoolgate_app::settings::Settings;
use schoolgate_keys::{KeyRing, OfficeFiles, secret_copy};
use schoolgate_records::{RESTORE_BEGUN, RecordsError, Restoring, backup, restore};
use schoolgate_runtime::Clock;

use super::{SchoolError, tell};
use crate::Found;

/// Where the copied keys have those of a signer with a folder of its own.
const SIGNER_KEYS: &str = "signer";

pub(super) async fn copy(
    data: &Path,
    to: &Path,
    keys_to: Option<&Path>,
    settings: Option<&Settings>,
    out: &mut impl Write,
) -> Result<(), SchoolError> {
    let dir = DataDir::open(data)?;
    if let Some(keys) = keys_to.filter(|keys| keys.starts_with(to)) {
        return Err(SchoolError::KeysInBackup { keys: keys.to_owned() });
    }
    DataDir::make_private(to)?;
    let (store, _, keys) = records(&dir).await?;
    let manifest = backup(&store, to, &[DataDir::mark_in(dir.path())], Clock::system().now()).await?;
    store.close().await?;
    writeln!(out, "Copied the records to {} ({} bytes).", to.display(), manifest.size_bytes)?;
    match keys_to {
        Some(path) => {
            keys.export(path)?;
            match settings.and_then(Settings::signer_keys_apart) {
                Some(apart) => secret_copy(apart, &path.join(SIGNER_KEYS))?,
                None if has_authority(keys.dir()) => {}
                None => writeln!(
                    out,
                    "The key of the school's CA is not among them, nor are those of offices, without which nobody reads \
                     what was sealed: none was made yet, or the settings keep them in a folder of the signer's; then \
                     give `--settings`."
                )?,
            }
            writeln!(out, "Copied the keys to {}. Keep them somewhere else than the backup.", path.display())?;
        }
        None => writeln!(out, "The keys are not in it: `--keys-to` copies them, to be kept apart.")?,
    }
    Ok(())
}

/// What a backup needs to become a school again.
pub(super) struct Kept<'a> {
    pub(super) keys: &'a Path,
    /// Where the CA's key is copied from, and where to, when it has a folder of its own.
    pub(super) ca: Option<(PathBuf, PathBuf)>,
    pub(super) loses_sealed: bool,
}

/// Says before anything is written where the CA's key goes, or why that cannot be known.
pub(super) fn authority_place(
    keys: &Path,
    settings: Option<&Settings>,
) -> Result<Option<(PathBuf, PathBuf)>, SchoolError> {
    let kept = keys.join(SIGNER_KEYS);
    if !kept.exists() {
        return Ok(None);
    }
    match settings.and_then(Settings::signer_keys_apart) {
        Some(place) if has_authority(place) => Err(SchoolError::CaOccupied { path: place.to_owned() }),
        Some(place) => Ok(Some((kept, place.to_owned()))),
        None => Err(SchoolError::CaPlace { kept }),
    }
}

pub(super) async fn bring_back(
    from: &Path,
    kept: &Kept<'_>,
    data: &Path,
    out: &mut impl Write,
) -> Result<Found, SchoolError> {
    if DataDir::mark_in(data).exists() {
        return Err(DataDirError::Occupied { path: data.to_owned() }.into());
    }
    let begun = restore_begin(data)?;
    KeyRing::open(kept.keys)?.export(data)?;
    let mut keys = KeyRing::open(data)?;
    if let Some((from, _)) = &kept.ca {
        keys = keys.with_offices(Arc::new(OfficeFiles::new(from)));
    }
    let keys = Arc::new(keys);
    let restoring = Restoring { from, keys, erasures: &[], loses_sealed: kept.loses_sealed };
    let reports = restore(restoring, data, Clock::system().now()).await?;
    if let Some((from, to)) = &kept.ca {
        secret_copy(from, to)?;
    }
    // Last: without its mark the directory is no school yet, whatever happened on the way.
    let mark = DataDir::mark_in(from);
    let text = fs::read(&mark).map_err(|source| SchoolError::Read { path: mark, source })?;
    file_make(&DataDir::mark_in(data), &text)?;
    fs::remove_file(&begun).map_err(|source| SchoolError::Write { path: begun, source })?;
    let mut worst = Found::NothingWrong;
    for (school, report) in &reports {
        if tell(school.as_str(), report, out)? == Found::SomethingWrong {
            worst = Found::SomethingWrong;
        }
    }
    Ok(worst)
}

/// Makes the directory of a restore and marks it as such. What an earlier restore left that did not get to its end is
/// forgotten; anything else is not touched.
fn restore_begin(data: &Path) -> Result<PathBuf, SchoolError> {
    let begun = data.join(RESTORE_BEGUN);
    if begun.exists() {
        fs::remove_dir_all(data).map_err(|source| SchoolError::Write { path: data.to_owned(), source })?;
    }
    DataDir::make_private(data)?;
    let mut entries = fs::read_dir(data).map_err(|source| SchoolError::Read { path: data.to_owned(), source })?;
    if entries.next().is_some() {
        return Err(RecordsError::NotEmpty { path: data.to_owned() }.into());
    }
    file_make(&begun, b"")?;
    Ok(begun)
}

/// Writes a new file that only its owner may use, and waits until it and its name are on disk.
fn file_make(path: &Path, bytes: &[u8]) -> Result<(), SchoolError> {
    let written = || {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        path.parent().map_or(Ok(()), |dir| fs::File::open(dir)?.sync_all())
    };
    written().map_err(|source| SchoolError::Write { path: path.to_owned(), source })
}
