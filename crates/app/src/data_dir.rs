//! The data directory: everything a school's Schoolgate keeps on one machine.
//!
//! A directory is marked at its creation as a live school's or as a demo's, and the mark decides the *type* it opens
//! as. The demo's powers (one-click sign-in, inner names, a settable clock) take a [`DemoDir`]; `serve` takes a
//! [`LiveDir`]. No setting turns one into the other.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use schoolgate_base::SchoolId;
use serde::{Deserialize, Serialize};

const MARK: &str = "school.json";
/// Locked by the process that runs the school of a directory.
const LOCK: &str = "running.lock";

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    #[error("`{path}` holds no school yet; create it with `schoolgate init --data {path}`")]
    NoSchool { path: PathBuf },
    #[error("`{path}` already holds a school")]
    Occupied { path: PathBuf },
    #[error(
        "`{path}` belongs to the demo, whose log-ins need no password; it can never be served. Use another directory"
    )]
    IsDemo { path: PathBuf },
    #[error("`{path}` belongs to a real school; the demo would let anybody be anyone in it. Use another directory")]
    IsLive { path: PathBuf },
    #[error("cannot read `{path}`")]
    Read { path: PathBuf, source: io::Error },
    #[error("`{path}` is not the description of a school")]
    Parse { path: PathBuf, source: serde_json::Error },
    #[error("cannot write `{path}`")]
    Write { path: PathBuf, source: io::Error },
    #[error("`{path}` is in use by another Schoolgate; stop that one first")]
    InUse { path: PathBuf },
}

/// Held while a process runs the school of a directory; the system lets go of it when the process ends, however.
#[derive(Debug)]
pub struct Running {
    _lock: fs::File,
}

/// What `school.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub school: SchoolId,
    pub name: String,
    pub made_at: Timestamp,
    /// Written once, when the directory is made.
    demo: bool,
}

/// A data directory, whatever its mark.
#[derive(Debug, Clone)]
pub struct DataDir {
    path: PathBuf,
    mark: Mark,
}

/// A data directory marked for a real school.
#[derive(Debug, Clone)]
pub struct LiveDir(DataDir);

/// A data directory marked for the demo.
#[derive(Debug, Clone)]
pub struct DemoDir(DataDir);

impl DataDir {
    /// Opens a directory for reading what is in it (verify, backup, import), live or demo.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let file = path.join(MARK);
        let text = match fs::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(DataDirError::NoSchool { path: path.to_owned() });
            }
            Err(source) => return Err(DataDirError::Read { path: file, source }),
        };
        let mark = serde_json::from_slice(&text).map_err(|source| DataDirError::Parse { path: file, source })?;
        Ok(Self { path: path.to_owned(), mark })
    }

    /// Takes the directory for this process: two that publish and write events into one would spoil each other's work.
    pub fn run(&self) -> Result<Running, DataDirError> {
        let path = self.path.join(LOCK);
        let opened = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = opened.map_err(|source| DataDirError::Write { path: path.clone(), source })?;
        match file.try_lock() {
            Ok(()) => Ok(Running { _lock: file }),
            Err(fs::TryLockError::WouldBlock) => Err(DataDirError::InUse { path: self.path.clone() }),
            Err(fs::TryLockError::Error(source)) => Err(DataDirError::Write { path, source }),
        }
    }

    /// Where a directory has its mark.
    pub fn mark_in(path: &Path) -> PathBuf {
        path.join(MARK)
    }

    /// Makes a directory that nobody else on the machine may look into: spool and snapshot name people and addresses.
    /// One that is there keeps its mode.
    pub fn make_private(path: &Path) -> Result<(), DataDirError> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|source| DataDirError::Write { path: path.to_owned(), source })
    }

    fn create(path: &Path, mark: Mark) -> Result<Self, DataDirError> {
        let write = |path: &Path, source| DataDirError::Write { path: path.to_owned(), source };
        Self::make_private(path)?;
        let file = path.join(MARK);
        let text = serde_json::to_vec_pretty(&mark).map_err(|source| write(&file, source.into()))?;
        let created = fs::OpenOptions::new().write(true).create_new(true).open(&file);
        let mut open = match created {
            Ok(open) => open,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(DataDirError::Occupied { path: path.to_owned() });
            }
            Err(source) => return Err(write(&file, source)),
        };
        open.write_all(&text).and_then(|()| open.sync_all()).map_err(|source| write(&file, source))?;
        Ok(Self { path: path.to_owned(), mark })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn school(&self) -> &SchoolId {
        &self.mark.school
    }

    pub fn school_name(&self) -> &str {
        &self.mark.name
    }

    pub fn records(&self) -> PathBuf {
        self.path.join("records.sqlite")
    }

    pub fn snapshot(&self) -> PathBuf {
        self.path.join("snapshot")
    }

    pub fn events(&self) -> PathBuf {
        self.path.join("events")
    }

    pub fn lists(&self) -> PathBuf {
        self.path.join("lists")
    }

    /// The sites that gateways have learned not to look into.
    pub fn left_alone(&self) -> PathBuf {
        self.path.join("left-alone.json")
    }

    /// Where the proxy reaches the portal, and nobody else does.
    pub fn portal_socket(&self) -> PathBuf {
        self.path.join("portal.sock")
    }
}

impl LiveDir {
    pub fn create(path: &Path, school: SchoolId, name: &str, now: Timestamp) -> Result<Self, DataDirError> {
        DataDir::create(path, Mark { school, name: name.to_owned(), made_at: now, demo: false }).map(Self)
    }

    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let dir = DataDir::open(path)?;
        if dir.mark.demo { Err(DataDirError::IsDemo { path: path.to_owned() }) } else { Ok(Self(dir)) }
    }
}

impl DemoDir {
    pub fn create(path: &Path, school: SchoolId, name: &str, now: Timestamp) -> Result<Self, DataDirError> {
        DataDir::create(path, Mark { school, name: name.to_owned(), made_at: now, demo: true }).map(Self)
    }

    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let dir = DataDir::open(path)?;
        if dir.mark.demo { Ok(Self(dir)) } else { Err(DataDirError::IsLive { path: path.to_owned() }) }
    }

    /// Forgets everything in the directory. Only a demo's can be forgotten.
    pub fn forget(self) -> Result<(), DataDirError> {
        fs::remove_dir_all(&self.0.path).map_err(|source| DataDirError::Write { path: self.0.path, source })
    }
}

impl std::ops::Deref for LiveDir {
    type Target = DataDir;
    fn deref(&self) -> &DataDir {
        &self.0
    }
}

impl std::ops::Deref for DemoDir {
    type Target = DataDir;
    fn deref(&self) -> &DataDir {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_run_by_one_process_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        let dir = LiveDir::create(folder.path(), SchoolId::new("riverside").unwrap(), "Riverside", now).unwrap();
        let running = dir.run().unwrap();
        assert!(matches!(dir.run(), Err(DataDirError::InUse { .. })));
        drop(running);
        dir.run().unwrap();
    }

    #[test]
    fn the_mark_of_a_directory_is_for_life() {
        let folder = tempfile::tempdir().unwrap();
        let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        let school = SchoolId::new("riverside").unwrap();
        let (demo, live) = (folder.path().join("demo"), folder.path().join("live"));
        DemoDir::create(&demo, school.clone(), "Riverside", now).unwrap();
        LiveDir::create(&live, school.clone(), "Riverside", now).unwrap();
        assert!(matches!(LiveDir::open(&demo), Err(DataDirError::IsDemo { .. })));
        assert!(matches!(DemoDir::open(&live), Err(DataDirError::IsLive { .. })));
        assert!(matches!(LiveDir::create(&demo, school, "Riverside", now), Err(DataDirError::Occupied { .. })));
        assert!(matches!(LiveDir::open(folder.path()), Err(DataDirError::NoSchool { .. })));
    }
}
