//! A copy of the records in a directory of its own, and back from there. Keys are never in it.
//!
//! The manifest is written last, so a backup without one was not finished. It holds the heads of the journals: a
//! restored journal is checked against them.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use schoolgate_base::{PersonId, SchoolId};
use schoolgate_keys::{KeyRing, Sha256, hex};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde::{Deserialize, Serialize};

use crate::convert::{parse, time};
use crate::dialect::{self, Limits};
use crate::entity::erasure;
use crate::error::failed;
use crate::{Actor, Chain, JournalHead, JournalReport, RecordsError, SchoolStore, Standing, Store};

const FORMAT: u32 = 1;
const DATABASE: &str = "records.sqlite";
const MANIFEST: &str = "manifest.json";
/// Where a restore is tried before it counts.
const TRIAL: &str = "restore.part";
/// Marks a directory in which a restore was begun and did not get to its end.
pub const RESTORE_BEGUN: &str = "restore.begun";
const MANIFEST_MAX_BYTES: u64 = 1 << 20;

/// What a backup says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupManifest {
    pub format: u32,
    pub made_at: Timestamp,
    pub size_bytes: u64,
    /// Of the database file, hexadecimal.
    pub sha256: Box<str>,
    /// The last notes of each school's journal, by chain.
    pub heads: BTreeMap<SchoolId, BTreeMap<Box<str>, Head>>,
}

/// A journal's head in a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub seq: u64,
    pub hash: Box<str>,
}

/// A person whose data was taken away; a restore takes it away again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    pub school: SchoolId,
    pub person: PersonId,
    pub rule: Box<str>,
    pub at: Timestamp,
}

impl SchoolStore {
    /// Who was erased, oldest first. Keep it apart from backups: it is what makes them forget.
    pub async fn erasure_list(&self) -> Result<Vec<Erasure>, RecordsError> {
        let rows = erasure::Entity::find()
            .filter(erasure::Column::SchoolId.eq(self.text()))
            .order_by_asc(erasure::Column::At)
            .order_by_asc(erasure::Column::Person)
            .all(self.db())
            .await
            .map_err(failed("erasure_list"))?;
        let read = |row: erasure::Model| {
            Ok(Erasure {
                school: self.school.clone(),
                person: parse("erasure.person", &row.person)?,
                rule: row.rule.into(),
                at: time("erasure.at", row.at)?,
            })
        };
        rows.into_iter().map(read).collect()
    }
}

/// Writes a backup of all schools into `dir`, which must be new or empty, while the program goes on. The files of
/// `beside` are copied into it too, before the manifest says that it is whole.
pub async fn backup(
    store: &Store,
    dir: &Path,
    beside: &[PathBuf],
    now: Timestamp,
) -> Result<BackupManifest, RecordsError> {
    const OPERATION: &str = "backup";
    fs::create_dir_all(dir).map_err(file_failed(OPERATION, dir))?;
    if !is_empty(OPERATION, dir, &[])? {
        return Err(RecordsError::NotEmpty { path: dir.to_owned() });
    }
    let path = dir.join(DATABASE);
    dialect::private_file(&path).map_err(file_failed(OPERATION, &path))?;
    dialect::copy_into(&store.writer, &path).await.map_err(failed(OPERATION))?;
    // Of the copy, not of the store, which has gone on meanwhile; by readers, which leave the file as it is.
    let copy = dialect::readers(&path, Limits::default()).await.map_err(failed(OPERATION))?;
    let reader = Store::around(copy.clone(), copy, Arc::clone(&store.keys), &path);
    let heads = heads(&reader).await;
    reader.close().await?;
    let file = File::open(&path).map_err(file_failed(OPERATION, &path))?;
    file.sync_all().map_err(file_failed(OPERATION, &path))?;
    let (sha256, size_bytes) = file_sha256(OPERATION, &path)?;
    for file in beside {
        let to = dir.join(file.file_name().unwrap_or_default());
        private_copy(file, &to).map_err(file_failed(OPERATION, &to))?;
    }
    let manifest = BackupManifest { format: FORMAT, made_at: now, size_bytes, sha256: sha256.into(), heads: heads? };
    let text =
        serde_json::to_vec_pretty(&manifest).map_err(|source| RecordsError::Encode { operation: OPERATION, source })?;
    let path = dir.join(MANIFEST);
    write_synced(&path, &text).map_err(file_failed(OPERATION, &path))?;
    sync_dir(dir).map_err(file_failed(OPERATION, dir))?;
    Ok(manifest)
}

async fn heads(store: &Store) -> Result<BTreeMap<SchoolId, BTreeMap<Box<str>, Head>>, RecordsError> {
    let mut heads = BTreeMap::new();
    for school in store.school_list().await? {
        let handle = store.school(&school.id);
        let mut chains = BTreeMap::new();
        for chain in Chain::ALL {
            let head = handle.journal_head(chain).await?;
            chains.insert(chain.as_str().into(), Head { seq: head.seq, hash: head.hash });
        }
        heads.insert(school.id, chains);
    }
    Ok(heads)
}

/// What is to be brought back.
#[derive(Debug)]
pub struct Restoring<'a> {
    /// Directory of the backup.
    pub from: &'a Path,
    pub keys: Arc<KeyRing>,
    /// Whoever was erased since the backup, or before: they are taken away again.
    pub erasures: &'a [Erasure],
    /// Goes on although sealed reports are in it that none of the keys opens.
    pub loses_sealed: bool,
}

/// Brings a backup back into `data_dir`, which must be new or empty but for `keys/` (bring those back first, from
/// where they are kept apart) and [`RESTORE_BEGUN`]. The copy is checked whole, against its manifest and its journals,
/// before it gets its name. Answers one report per school; what is whole is [`Standing::Consistent`]: the manifest
/// lies beside the backup, and vouches for the copy only.
pub async fn restore(
    restoring: Restoring<'_>,
    data_dir: &Path,
    now: Timestamp,
) -> Result<BTreeMap<SchoolId, JournalReport>, RecordsError> {
    const OPERATION: &str = "restore";
    let manifest = manifest_read(restoring.from)?;
    fs::create_dir_all(data_dir).map_err(file_failed(OPERATION, data_dir))?;
    if !is_empty(OPERATION, data_dir, &["keys", TRIAL, RESTORE_BEGUN])? {
        return Err(RecordsError::NotEmpty { path: data_dir.to_owned() });
    }
    let trial = data_dir.join(TRIAL);
    // What an earlier restore left that did not get to its end.
    if trial.exists() {
        fs::remove_dir_all(&trial).map_err(file_failed(OPERATION, &trial))?;
    }
    fs::create_dir(&trial).map_err(file_failed(OPERATION, &trial))?;
    let tried = restore_into(&trial, &restoring, &manifest, now).await;
    let placed = tried.and_then(|reports| {
        let place = Store::path_in(data_dir);
        fs::rename(trial.join(DATABASE), &place).map_err(file_failed(OPERATION, &place))?;
        Ok(reports)
    });
    // A copy that was refused must not lie about either.
    fs::remove_dir_all(&trial).map_err(file_failed(OPERATION, &trial))?;
    sync_dir(data_dir).map_err(file_failed(OPERATION, data_dir))?;
    placed
}

async fn restore_into(
    trial: &Path,
    restoring: &Restoring<'_>,
    manifest: &BackupManifest,
    now: Timestamp,
) -> Result<BTreeMap<SchoolId, JournalReport>, RecordsError> {
    const OPERATION: &str = "restore";
    let path = trial.join(DATABASE);
    private_copy(&restoring.from.join(DATABASE), &path).map_err(file_failed(OPERATION, &path))?;
    let (sha256, size_bytes) = file_sha256(OPERATION, &path)?;
    if (sha256.as_str(), size_bytes) != (&*manifest.sha256, manifest.size_bytes) {
        let reason = "the database is not the one in its manifest".to_owned();
        return Err(RecordsError::Backup { path: restoring.from.to_owned(), reason });
    }
    let store = Store::open_with(&path, Arc::clone(&restoring.keys), Limits::default()).await?;
    let checked = check(&store, restoring, manifest, now).await;
    store.close().await?;
    File::open(&path).and_then(|file| file.sync_all()).map_err(file_failed(OPERATION, &path))?;
    checked
}

async fn check(
    store: &Store,
    restoring: &Restoring<'_>,
    manifest: &BackupManifest,
    now: Timestamp,
) -> Result<BTreeMap<SchoolId, JournalReport>, RecordsError> {
    let broken = |reason: String| RecordsError::Backup { path: restoring.from.to_owned(), reason };
    if let Some(finding) = store.integrity().await?.into_iter().next() {
        return Err(broken(finding));
    }
    let mut reports = BTreeMap::new();
    for school in store.school_list().await? {
        let handle = store.school(&school.id);
        let mut report = handle.journal_verify(&anchors(manifest, &school.id)).await?;
        if report.standing == Standing::Damaged {
            let problem = report.problems.first().map(|problem| problem.kind.to_string());
            let first = problem.or_else(|| report.mismatches().next().map(ToString::to_string)).unwrap_or_default();
            return Err(broken(format!("the journal of `{}` is damaged: {first}", school.id)));
        }
        // A copy of the keys without those of offices opens none.
        let count = report.unopened.count + report.unopened.untried;
        if 0 < count && !restoring.loses_sealed {
            return Err(RecordsError::LosesSealed { path: restoring.from.to_owned(), count });
        }
        if report.standing == Standing::Unaltered {
            report.standing = Standing::Consistent;
        }
        honour(&handle, restoring.erasures, now).await?;
        reports.insert(school.id, report);
    }
    Ok(reports)
}

fn anchors(manifest: &BackupManifest, school: &SchoolId) -> Vec<JournalHead> {
    let Some(chains) = manifest.heads.get(school) else { return Vec::new() };
    let head = |chain: Chain| {
        let head = chains.get(chain.as_str())?;
        Some(JournalHead { chain, seq: head.seq, hash: head.hash.clone() })
    };
    Chain::ALL.into_iter().filter_map(head).collect()
}

async fn honour(school: &SchoolStore, erasures: &[Erasure], now: Timestamp) -> Result<(), RecordsError> {
    let done = school.erasure_list().await?;
    let is_done = |erasure: &Erasure| done.iter().any(|one| one.person == erasure.person);
    for erasure in erasures.iter().filter(|erasure| erasure.school == *school.id() && !is_done(erasure)) {
        let mut write = school.begin(Actor::program("restore"), now).await?;
        match write.person_erase(&erasure.person, &erasure.rule).await {
            Ok(()) => write.commit().await?,
            // Came after the backup and was erased: there is nothing of them in it.
            Err(RecordsError::Absent { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn manifest_read(dir: &Path) -> Result<BackupManifest, RecordsError> {
    let path = dir.join(MANIFEST);
    let broken = |reason: String| RecordsError::Backup { path: dir.to_owned(), reason };
    let file = File::open(&path).map_err(|error| broken(format!("no manifest: {error}")))?;
    let mut text = Vec::new();
    file.take(MANIFEST_MAX_BYTES).read_to_end(&mut text).map_err(file_failed("restore", &path))?;
    let manifest: BackupManifest =
        serde_json::from_slice(&text).map_err(|error| broken(format!("unreadable manifest: {error}")))?;
    if manifest.format != FORMAT {
        return Err(broken(format!("format {} is not known to this program", manifest.format)));
    }
    Ok(manifest)
}

fn is_empty(operation: &'static str, dir: &Path, but_for: &[&str]) -> Result<bool, RecordsError> {
    for entry in fs::read_dir(dir).map_err(file_failed(operation, dir))? {
        let name = entry.map_err(file_failed(operation, dir))?.file_name();
        if !but_for.iter().any(|one| name == *one) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn file_sha256(operation: &'static str, path: &Path) -> Result<(String, u64), RecordsError> {
    let mut file = File::open(path).map_err(file_failed(operation, path))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut size = 0;
    loop {
        let count = file.read(&mut buffer).map_err(file_failed(operation, path))?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        hash.update(bytes);
        size += count as u64;
    }
    Ok((hex(&hash.finish()), size))
}

/// Copies to a new file that only its owner may use, whatever the other's mode is, and waits until it is on disk.
fn private_copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    io::copy(&mut File::open(from)?, &mut file)?;
    file.sync_all()
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn file_failed(operation: &'static str, path: &Path) -> impl Fn(io::Error) -> RecordsError {
    let path = PathBuf::from(path);
    move |source| RecordsError::File { operation, path: path.clone(), source }
}
