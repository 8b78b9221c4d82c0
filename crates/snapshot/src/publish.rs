//! Writes the parts that changed, then the root, each beside the old one and renamed into place.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use schoolgate_base::SchoolId;
use schoolgate_decide::snapshot::{FORMAT, Live, People, Program, Root};
use schoolgate_keys::{KeyRing, is_shared, sha256_hex};
use serde::Serialize;
use tokio::sync::watch;
use tracing::warn;

use crate::error::{SnapshotError, writing};
use crate::part::{self, Header};
use crate::root::{PartName, RootFile};

/// Parts to publish; what is `None` stays as it is.
#[derive(Debug, Default)]
pub struct Changes {
    /// The bytes of an index of crate `lists`.
    pub lists: Option<Vec<u8>>,
    pub program: Option<Program>,
    pub people: Option<People>,
    pub live: Option<Live>,
}

/// The one writer of a snapshot directory.
#[derive(Debug)]
pub struct Publisher {
    dir: PathBuf,
    school: SchoolId,
    keys: Arc<KeyRing>,
    current: Option<RootFile>,
    /// Told the number of each root, so that a follower in this process need not wait for its next look.
    nudge: watch::Sender<u64>,
}

impl Publisher {
    /// Continues from the root in `dir`, if there is one; a root that cannot be verified is an error, not a fresh
    /// start, so that numbers never run backwards unnoticed. A directory that its group may enter, and
    /// that has the set-group-ID bit, is shared with that group, which may read; any other is this user's alone.
    pub fn open(dir: &Path, school: &SchoolId, keys: Arc<KeyRing>) -> Result<Self, SnapshotError> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(writing(dir))?;
        close_to_others(dir).map_err(writing(dir))?;
        let current = match RootFile::bytes(dir)? {
            Some(bytes) => Some(RootFile::verify(&bytes, dir, &keys.signing().verifying_key())?),
            None => None,
        };
        let number = current.as_ref().map_or(0, |current| current.root.number);
        Ok(Self { dir: dir.to_owned(), school: school.clone(), keys, current, nudge: watch::Sender::new(number) })
    }

    /// The root in force; `None` before the first publish.
    pub fn root(&self) -> Option<&Root> {
        self.current.as_ref().map(|current| &current.root)
    }

    /// Told of each publish.
    pub fn nudges(&self) -> watch::Receiver<u64> {
        self.nudge.subscribe()
    }

    /// Writes what changed and puts it in force, or leaves everything as it was.
    pub fn publish(&mut self, changes: &Changes, now: Timestamp) -> Result<Root, SnapshotError> {
        let old = self.current.as_ref();
        let next = RootFile {
            root: Root {
                school: self.school.clone(),
                number: old.map_or(0, |old| old.root.number) + 1,
                format: FORMAT,
                made_at: now,
            },
            lists: self.part("lists", changes.lists.as_deref(), old.map(|old| &old.lists))?,
            program: self.json("program", changes.program.as_ref(), old.map(|old| &old.program))?,
            people: self.json("people", changes.people.as_ref(), old.map(|old| &old.people))?,
            live: self.json("live", changes.live.as_ref(), old.map(|old| &old.live))?,
        };
        next.write(&self.dir, self.keys.signing())?;
        let root = next.root.clone();
        let previous = self.current.replace(next);
        self.sweep(previous.as_ref());
        self.nudge.send_replace(root.number);
        Ok(root)
    }

    fn json<T: Serialize>(
        &self,
        part: &'static str,
        value: Option<&T>,
        old: Option<&PartName>,
    ) -> Result<PartName, SnapshotError> {
        let bytes = value.map(serde_json::to_vec).transpose();
        let bytes = bytes.map_err(|source| SnapshotError::Encode { part, source })?;
        self.part(part, bytes.as_deref(), old)
    }

    fn part(
        &self,
        part: &'static str,
        payload: Option<&[u8]>,
        old: Option<&PartName>,
    ) -> Result<PartName, SnapshotError> {
        let Some(payload) = payload else { return old.cloned().ok_or(SnapshotError::Incomplete { part }) };
        let sha256 = sha256_hex(payload);
        if let Some(old) = old.filter(|old| old.sha256 == sha256) {
            return Ok(old.clone());
        }
        let generation = old.map_or(0, |old| old.generation) + 1;
        let header = Header {
            format: FORMAT,
            school: self.school.clone(),
            part: part.to_owned(),
            generation,
            length: u64::try_from(payload.len()).unwrap_or(u64::MAX),
            sha256: sha256.clone(),
        };
        let file = format!("{part}-{generation}.part");
        part::write(&self.dir.join(&file), &header, payload, self.keys.signing())?;
        Ok(PartName { file, generation, sha256 })
    }

    /// Removes part files that neither this root nor the one before names. What cannot be removed is only space.
    fn sweep(&self, previous: Option<&RootFile>) {
        let named = |name: &str| {
            let roots = self.current.iter().chain(previous);
            roots.flat_map(RootFile::parts).any(|part| part.file == name)
        };
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) => return warn!(%error, "cannot look for old part files"),
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let is_old = name.to_str().is_some_and(|name| name.ends_with(".part") && !named(name));
            if is_old && let Err(error) = fs::remove_file(entry.path()) {
                warn!(%error, "cannot remove an old part file");
            }
        }
    }
}

/// Also where somebody made the directory before: the parts name everybody in the school.
fn close_to_others(dir: &Path) -> io::Result<()> {
    let wanted = if is_shared(dir)? { 0o2750 } else { 0o700 };
    // Only where it is not so: a service may be forbidden to set these bits.
    if fs::metadata(dir)?.permissions().mode() & 0o7777 != wanted {
        fs::set_permissions(dir, Permissions::from_mode(wanted))?;
    }
    Ok(())
}

/// Writes a file beside `path`, syncs it, renames it into place and syncs the directory: after a crash at any moment
/// there is the old file or the new one, whole.
pub(crate) fn replace(path: &Path, pieces: &[&[u8]]) -> Result<(), SnapshotError> {
    let beside = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&beside).map_err(writing(&beside))?;
    let folder = path.parent().unwrap_or(path);
    let mode = if is_shared(folder).map_err(writing(folder))? { 0o640 } else { 0o600 };
    file.set_permissions(Permissions::from_mode(mode)).map_err(writing(&beside))?;
    for piece in pieces {
        file.write_all(piece).map_err(writing(&beside))?;
    }
    file.sync_all().map_err(writing(&beside))?;
    fs::rename(&beside, path).map_err(writing(path))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(writing(folder))
}
