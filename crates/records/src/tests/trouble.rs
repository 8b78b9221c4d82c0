//! A database that is locked, full, closed to writing, or from a newer program.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use sea_orm::ConnectionTrait;

use super::*;
use crate::dialect::{self, Limits};

fn short() -> Limits {
    // Long enough for a busy machine to open a connection, short enough to wait for.
    Limits { lock_wait: Duration::from_millis(50), connection_wait: Duration::from_secs(3), pages: None }
}

async fn small(limits: Limits) -> Kit {
    let dir = tempfile::tempdir().unwrap();
    let keys = Arc::new(KeyRing::create(dir.path()).unwrap());
    let store = Store::open_with(&Store::path_in(dir.path()), Arc::clone(&keys), limits).await.unwrap();
    let school = school_with_people(&store, "riverside", &["tess", "ivy"]).await;
    Kit { dir, keys, store, school }
}

#[tokio::test]
async fn locked_by_another_program_is_busy_and_reading_goes_on() {
    let kit = small(short()).await;
    let other = dialect::writer(kit.store.path(), short()).await.unwrap();
    let lock = dialect::begin(&other).await.unwrap();
    let error = kit.school.begin(Actor::program("test"), now()).await.unwrap_err();
    assert!(matches!(error, RecordsError::Busy { operation: "begin", .. }), "{error:?}");
    assert!(error.is_unavailable());
    assert!(kit.school.person_fetch(&id("tess")).await.unwrap().is_some());
    lock.rollback().await.unwrap();
    kit.begin().await.commit().await.unwrap();
}

#[tokio::test]
async fn a_transaction_that_never_ends_makes_the_next_busy_and_loses_nothing_when_dropped() {
    let kit = small(short()).await;
    let mut stuck = kit.begin().await;
    stuck.password_set(&id("tess"), "lost").await.unwrap();
    let error = kit.school.begin(Actor::program("test"), now()).await.unwrap_err();
    assert!(matches!(error, RecordsError::Busy { .. }), "{error:?}");
    drop(stuck);
    let mut write = kit.begin().await;
    write.password_set(&id("ivy"), "kept").await.unwrap();
    write.commit().await.unwrap();
    assert_eq!(kit.school.password_get(&id("tess")).await.unwrap(), None);
    assert_eq!(kit.school.password_get(&id("ivy")).await.unwrap().as_deref(), Some("kept"));
    assert_eq!(kit.standing().await, Standing::Consistent);
}

#[tokio::test]
async fn a_full_disk_refuses_and_keeps_what_was_acknowledged() {
    let kit = small(Limits { pages: Some(90), ..Limits::default() }).await;
    let mut acknowledged = 0;
    let error = loop {
        let mut write = kit.begin().await;
        let text = "x".repeat(20_000);
        let one = Signature { difference: Some(text), ..signature("tess", &acknowledged.to_string()) };
        let outcome = async {
            write.signature_add(&one).await?;
            write.commit().await
        };
        match outcome.await {
            Ok(()) => acknowledged += 1,
            Err(error) => break error,
        }
        assert!(acknowledged < 1_000, "never full");
    };
    assert!(matches!(error, RecordsError::Full { .. }), "{error:?}");
    assert!(error.is_unavailable());
    assert_eq!(kit.school.signature_versions().await.unwrap().len(), acknowledged);
    assert_eq!(kit.standing().await, Standing::Consistent);
    kit.store.clone().close().await.unwrap();
    let again = Store::open(kit.path(), Arc::clone(&kit.keys)).await.unwrap().school(kit.school.id());
    assert_eq!(again.signature_versions().await.unwrap().len(), acknowledged);
    let mut write = again.begin(Actor::program("test"), now()).await.unwrap();
    write.signature_add(&signature("ivy", "room again")).await.unwrap();
    write.commit().await.unwrap();
}

#[tokio::test]
async fn closed_to_writing_is_said_so() {
    let kit = small(short()).await;
    kit.store.writer.execute_unprepared("PRAGMA query_only = on").await.unwrap();
    let error = kit.school.begin(Actor::program("test"), now()).await.unwrap_err();
    assert!(matches!(error, RecordsError::ReadOnly { operation: "begin", .. }), "{error:?}");
    assert!(error.is_unavailable());
}

#[tokio::test]
async fn readers_cannot_write() {
    let kit = small(short()).await;
    assert!(kit.store.readers.execute_unprepared("DELETE FROM signature").await.is_err());
}

#[tokio::test]
async fn a_schema_of_a_newer_program_is_refused() {
    let kit = small(short()).await;
    let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_newer', 0)";
    kit.store.writer.execute_unprepared(newer).await.unwrap();
    kit.store.clone().close().await.unwrap();
    let error = Store::open(kit.path(), Arc::clone(&kit.keys)).await.unwrap_err();
    assert!(matches!(error, RecordsError::Database { operation: "store_open", .. }), "{error:?}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Arc::new(KeyRing::create(dir.path()).unwrap());
    std::fs::write(Store::path_in(dir.path()), "not a database, though it is long enough to look like one".repeat(99))
        .unwrap();
    assert!(Store::open(dir.path(), keys).await.is_err());
}

#[tokio::test]
async fn the_log_is_synced_at_each_commit() {
    let kit = small(short()).await;
    for (pragma, expected) in [("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1")] {
        let statement = sea_orm::Statement::from_string(
            kit.store.writer.get_database_backend(),
            format!("SELECT CAST({pragma} AS TEXT) FROM pragma_{pragma}"),
        );
        let row = kit.store.writer.query_one_raw(statement).await.unwrap().unwrap();
        assert_eq!(row.try_get_by_index::<String>(0).unwrap(), expected, "{pragma}");
    }
}

#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    let kit = small(short()).await;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let copy = kit.path().join("backup");
    backup(&kit.store, &copy, &[], now()).await.unwrap();
    for name in ["records.sqlite", "records.sqlite-wal", "backup/records.sqlite", "backup/manifest.json"] {
        assert_eq!(mode(&kit.path().join(name)), 0o600, "{name}");
    }
}
