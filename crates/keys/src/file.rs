//! Secret files: mode 0600, complete or absent, never overwritten, refused when others can read them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::KeyError;
use crate::digest::{hex, random_bytes};

/// No key of ours is longer; more is not a key.
const SECRET_MAX_BYTES: u64 = 64 * 1024;

/// Writes a secret to a file that must not exist yet, with mode 0600, and returns after it and its name are on disk.
pub fn secret_create(path: &Path, secret: &[u8]) -> Result<(), KeyError> {
    let write = |source| KeyError::Write { path: path.to_owned(), source };
    let beside = beside(path)?;
    let written = write_synced(&beside, secret).and_then(|()| fs::hard_link(&beside, path));
    // Whether or not the link was made, the file beside it has served.
    let removed = fs::remove_file(&beside);
    match written {
        Ok(()) => {}
        Err(source) if source.kind() == io::ErrorKind::AlreadyExists => {
            return Err(KeyError::Exists { path: path.to_owned() });
        }
        Err(source) => return Err(write(source)),
    }
    removed.map_err(write)?;
    sync_parent(path).map_err(write)
}

/// Reads a secret file of at most 64 KiB; refuses one that group or others may use.
pub fn secret_read(path: &Path) -> Result<Vec<u8>, KeyError> {
    let read = |source| KeyError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(read)?;
    let mode = file.metadata().map_err(read)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Exposed { path: path.to_owned(), mode, wanted: 0o600 });
    }
    let mut secret = Vec::new();
    file.take(SECRET_MAX_BYTES).read_to_end(&mut secret).map_err(read)?;
    Ok(secret)
}

/// Makes a directory that only its owner may enter; content with one that is there and as closed.
pub(crate) fn secret_dir(path: &Path) -> Result<(), KeyError> {
    let write = |source| KeyError::Write { path: path.to_owned(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(write)?;
    secret_dir_check(path)
}

pub(crate) fn secret_dir_check(path: &Path) -> Result<(), KeyError> {
    let read = |source| KeyError::Read { path: path.to_owned(), source };
    let mode = fs::metadata(path).map_err(read)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Exposed { path: path.to_owned(), mode, wanted: 0o700 });
    }
    Ok(())
}

/// The files directly in `dir`, sorted by name.
pub(crate) fn secret_list(dir: &Path) -> Result<Vec<PathBuf>, KeyError> {
    let read = |source| KeyError::Read { path: dir.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(read)? {
        found.push(entry.map_err(read)?.path());
    }
    found.sort();
    Ok(found)
}

fn beside(path: &Path) -> Result<PathBuf, KeyError> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".new-{}", hex(&random_bytes::<8>()?)));
    Ok(PathBuf::from(name))
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// What a folder's mode has that is shared with its group: what is made in it belongs to the group, which may enter and
/// read. The set-group-ID bit alone may come from the folder above.
const SHARED: u32 = 0o2050;

/// Whether somebody shared this folder with its group on purpose, so that what is made in it is open to the group.
pub fn is_shared(folder: &Path) -> io::Result<bool> {
    Ok(fs::metadata(folder)?.permissions().mode() & SHARED == SHARED)
}
