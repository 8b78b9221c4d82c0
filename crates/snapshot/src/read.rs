//! Verifies and loads a snapshot directory, sharing the parts that did not change.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schoolgate_base::SchoolId;
use schoolgate_decide::snapshot::{FORMAT, Live, People, Program};
use schoolgate_decide::{Categories, Snapshot};
use schoolgate_keys::VerifyingKey;
use serde::de::DeserializeOwned;

use crate::error::{SnapshotError, damaged};
use crate::map::Mapped;
use crate::part;
use crate::root::{PartName, RootFile};

/// Opens the index inside a lists part.
pub type OpenLists = fn(Arc<Mapped>) -> Result<Arc<dyn Categories>, Box<dyn Error + Send + Sync>>;

/// A door's side of a snapshot directory.
#[derive(Debug)]
pub struct Reader {
    dir: PathBuf,
    school: SchoolId,
    key: VerifyingKey,
    open_lists: OpenLists,
    loaded: Option<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    bytes: Vec<u8>,
    file: RootFile,
    snapshot: Arc<Snapshot>,
}

impl Reader {
    pub fn new(dir: &Path, school: &SchoolId, key: VerifyingKey, open_lists: OpenLists) -> Self {
        Self { dir: dir.to_owned(), school: school.clone(), key, open_lists, loaded: None }
    }

    /// The newest snapshot, when it is another than last time; `None` when it is not, or nothing was published yet.
    /// On an error the one loaded before stays.
    pub fn load(&mut self) -> Result<Option<Arc<Snapshot>>, SnapshotError> {
        let Some(bytes) = RootFile::bytes(&self.dir)? else { return Ok(None) };
        if self.loaded.as_ref().is_some_and(|loaded| loaded.bytes == bytes) {
            return Ok(None);
        }
        let file = RootFile::verify(&bytes, &self.dir, &self.key)?;
        let path = RootFile::path_in(&self.dir);
        if file.root.school != self.school {
            return Err(SnapshotError::OtherSchool { path, found: file.root.school, wanted: self.school.clone() });
        }
        if file.root.format != FORMAT {
            return Err(SnapshotError::Format { path, found: file.root.format, wanted: FORMAT });
        }
        if self.loaded.as_ref().is_some_and(|loaded| file.root.number <= loaded.file.root.number) {
            return Err(SnapshotError::Older { path });
        }
        let snapshot = Arc::new(self.assemble(&file)?);
        self.loaded = Some(Loaded { bytes, file, snapshot: Arc::clone(&snapshot) });
        Ok(Some(snapshot))
    }

    fn assemble(&self, file: &RootFile) -> Result<Snapshot, SnapshotError> {
        let old = self.loaded.as_ref();
        let same =
            |name: fn(&RootFile) -> &PartName| old.filter(|old| name(&old.file) == name(file)).map(|old| &old.snapshot);
        let lists = match same(|file| &file.lists) {
            Some(old) => Arc::clone(&old.lists),
            None => self.lists(&file.lists)?,
        };
        let program = match same(|file| &file.program) {
            Some(old) => Arc::clone(&old.program),
            None => Arc::new(self.json::<Program>("program", &file.program)?),
        };
        let people = match same(|file| &file.people) {
            Some(old) => Arc::clone(&old.people),
            None => Arc::new(self.json::<People>("people", &file.people)?),
        };
        let live = match same(|file| &file.live) {
            Some(old) => Arc::clone(&old.live),
            None => Arc::new(self.json::<Live>("live", &file.live)?),
        };
        if let Some(old) = old
            && Arc::ptr_eq(&old.snapshot.lists, &lists)
            && Arc::ptr_eq(&old.snapshot.program, &program)
            && Arc::ptr_eq(&old.snapshot.people, &people)
        {
            return Ok(old.snapshot.with_live(file.root.clone(), live));
        }
        Ok(Snapshot::new(file.root.clone(), lists, program, people, live))
    }

    fn lists(&self, name: &PartName) -> Result<Arc<dyn Categories>, SnapshotError> {
        let (path, mapped) = self.part("lists", name)?;
        (self.open_lists)(Arc::new(mapped)).map_err(|source| SnapshotError::Content { path, part: "lists", source })
    }

    fn json<T: DeserializeOwned>(&self, part: &'static str, name: &PartName) -> Result<T, SnapshotError> {
        let (path, mapped) = self.part(part, name)?;
        serde_json::from_slice(mapped.as_ref()).map_err(|source| SnapshotError::Content {
            path,
            part,
            source: Box::new(source),
        })
    }

    fn part(&self, part: &'static str, name: &PartName) -> Result<(PathBuf, Mapped), SnapshotError> {
        let path = self.dir.join(&name.file);
        let (header, mapped) = part::read(&path, &self.key)?;
        if header.school != self.school {
            return Err(SnapshotError::OtherSchool { path, found: header.school, wanted: self.school.clone() });
        }
        if header.format != FORMAT {
            return Err(SnapshotError::Format { path, found: header.format, wanted: FORMAT });
        }
        // A signed part of another kind, or of another day, in the place of this one.
        if header.part != part || header.generation != name.generation || header.sha256 != name.sha256 {
            return Err(damaged(&path, "it is not the part that the root names"));
        }
        Ok((path, mapped))
    }
}
