//! The database of a data directory, and the handle to one school in it.
//!
//! There is no method on rows that does not go through [`SchoolStore`] or [`Write`], and both hold
//! exactly one school, so nothing can ask for the rows of two.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use schoolgate_base::SchoolId;
use schoolgate_keys::KeyRing;
use sea_orm::{ActiveModelTrait, DatabaseConnection, EntityTrait, IntoActiveModel, QueryOrder};
use sea_orm_migration::MigratorTrait;
use serde_json::json;

use crate::convert::{micros, parse, time};
use crate::dialect::{self, Limits};
use crate::entity::school;
use crate::error::failed;
use crate::journal::Note;
use crate::migration::Migrator;
use crate::write::Write;
use crate::{Actor, RecordsError};

/// The records of one data directory. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) writer: DatabaseConnection,
    pub(crate) readers: DatabaseConnection,
    pub(crate) keys: Arc<KeyRing>,
    path: PathBuf,
}

/// One school's records. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SchoolStore {
    pub(crate) store: Store,
    pub(crate) school: SchoolId,
}

/// A school as it is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct School {
    pub id: SchoolId,
    pub name: Box<str>,
    pub made_at: Timestamp,
}

impl Store {
    /// Where a data directory keeps its records.
    pub fn path_in(data_dir: &Path) -> PathBuf {
        data_dir.join("records.sqlite")
    }

    /// Opens the records in `data_dir`, makes them when they are not there, and brings their schema up to date.
    pub async fn open(data_dir: &Path, keys: Arc<KeyRing>) -> Result<Self, RecordsError> {
        Self::open_with(&Self::path_in(data_dir), keys, Limits::default()).await
    }

    pub(crate) async fn open_with(path: &Path, keys: Arc<KeyRing>, limits: Limits) -> Result<Self, RecordsError> {
        const OPERATION: &str = "store_open";
        let file = |source| RecordsError::File { operation: OPERATION, path: path.to_owned(), source };
        dialect::private_file(path).map_err(file)?;
        let writer = dialect::writer(path, limits).await.map_err(failed(OPERATION))?;
        // All migrations or none: a process killed half-way leaves no half schema.
        let txn = dialect::begin(&writer).await.map_err(failed(OPERATION))?;
        Migrator::up(&txn, None).await.map_err(failed(OPERATION))?;
        txn.commit().await.map_err(failed(OPERATION))?;
        let readers = dialect::readers(path, limits).await.map_err(failed(OPERATION))?;
        Ok(Self::around(writer, readers, keys, path))
    }

    pub(crate) fn around(
        writer: DatabaseConnection,
        readers: DatabaseConnection,
        keys: Arc<KeyRing>,
        path: &Path,
    ) -> Self {
        Self { writer, readers, keys, path: path.to_owned() }
    }

    /// Closes all connections after what they do now. A store that is only dropped is as safe; this returns when the
    /// write-ahead log has been folded in.
    pub async fn close(self) -> Result<(), RecordsError> {
        self.readers.close().await.map_err(failed("store_close"))?;
        self.writer.close().await.map_err(failed("store_close"))
    }

    /// The file of the records.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The handle to one school; whether it exists shows at the first write.
    pub fn school(&self, school: &SchoolId) -> SchoolStore {
        SchoolStore { store: self.clone(), school: school.clone() }
    }

    /// Writes down a new school, as the first note of its journal.
    pub async fn school_create(
        &self,
        id: &SchoolId,
        name: &str,
        actor: Actor,
        now: Timestamp,
    ) -> Result<SchoolStore, RecordsError> {
        const OPERATION: &str = "school_create";
        let handle = self.school(id);
        let mut write = handle.begin(actor, now).await?;
        let note = Note::new(OPERATION, &json!({ "school": id, "name": name }))?;
        let row = school::Model { id: id.to_string(), name: name.to_owned(), made_at: micros(now) };
        let insert = school::Entity::insert(row.into_active_model().reset_all());
        insert.exec_without_returning(write.noting(OPERATION, note)).await.map_err(failed(OPERATION))?;
        write.finished(())?;
        write.commit().await?;
        Ok(handle)
    }

    /// All schools of this data directory, by id.
    pub async fn school_list(&self) -> Result<Vec<School>, RecordsError> {
        let rows = school::Entity::find().order_by_asc(school::Column::Id).all(&self.readers).await;
        let rows = rows.map_err(failed("school_list"))?;
        let read = |row: school::Model| {
            Ok(School {
                id: parse("school.id", &row.id)?,
                name: row.name.into(),
                made_at: time("school.made_at", row.made_at)?,
            })
        };
        rows.into_iter().map(read).collect()
    }

    /// What the database engine finds wrong with its own file; empty when nothing is.
    pub async fn integrity(&self) -> Result<Vec<String>, RecordsError> {
        dialect::integrity(&self.readers).await.map_err(failed("integrity"))
    }
}

impl SchoolStore {
    pub fn id(&self) -> &SchoolId {
        &self.school
    }

    /// Begins the one transaction that a change is made in. `actor` and `now` are what the journal will say.
    pub async fn begin(&self, actor: Actor, now: Timestamp) -> Result<Write, RecordsError> {
        let txn = dialect::begin(&self.store.writer).await.map_err(failed("begin"))?;
        Ok(Write::new(self.school.clone(), Arc::clone(&self.store.keys), txn, actor, now))
    }

    pub(crate) fn db(&self) -> &DatabaseConnection {
        &self.store.readers
    }

    pub(crate) fn text(&self) -> &str {
        self.school.as_str()
    }
}
