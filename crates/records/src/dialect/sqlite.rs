//! SQLite: write-ahead log, `synchronous=FULL`, one writing connection, several that only read.
//!
//! FULL makes each commit wait for fsync of the log (sqlite.org/pragma.html#pragma_synchronous): what was
//! acknowledged survives a power cut. One writer in this process means that its own writers queue instead of failing;
//! another process that holds the lock is waited for only as long as [`Limits::lock_wait`].

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbErr, RuntimeErr,
    SqliteTransactionMode, SqlxError, Statement, TransactionOptions, TransactionTrait,
};

use super::Fault;

const READERS: u32 = 4;

/// How long we wait and how large the file may get.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// For another process that has the database locked.
    pub lock_wait: Duration,
    /// For a connection of ours to become free.
    pub connection_wait: Duration,
    /// Pages of 4 KiB the file may have; `None` for as many as the disk holds.
    pub pages: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { lock_wait: Duration::from_secs(2), connection_wait: Duration::from_secs(5), pages: None }
    }
}

/// Makes an empty file that only its owner may read, unless there is one. SQLite takes it for an empty database and
/// gives the files beside it the same mode.
pub(crate) fn private_file(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Opens the one connection that writes to a file that is there.
pub(crate) async fn writer(path: &Path, limits: Limits) -> Result<DatabaseConnection, DbErr> {
    connect(limits, 1, path, move |options| {
        let options = options
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            // What was erased is overwritten, not only unlinked.
            .pragma("secure_delete", "on");
        match limits.pages {
            Some(pages) => options.pragma("max_page_count", pages.to_string()),
            None => options,
        }
    })
    .await
}

/// Opens connections that cannot write.
pub(crate) async fn readers(path: &Path, limits: Limits) -> Result<DatabaseConnection, DbErr> {
    connect(limits, READERS, path, |options| options.pragma("query_only", "on")).await
}

async fn connect<F>(limits: Limits, connections: u32, path: &Path, adjust: F) -> Result<DatabaseConnection, DbErr>
where
    F: Fn(SqliteConnectOptions) -> SqliteConnectOptions + Send + Sync + 'static,
{
    let path = PathBuf::from(path);
    // The name in the URL is replaced below; a path may hold what a URL may not.
    let mut options = ConnectOptions::new("sqlite://records.sqlite");
    options
        .max_connections(connections)
        .acquire_timeout(limits.connection_wait)
        // Statements carry persons; they belong in no log.
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .map_sqlx_sqlite_opts(move |options| adjust(options.filename(&path).busy_timeout(limits.lock_wait)));
    Database::connect(options).await
}

/// Begins a transaction that has the write lock from its first moment, so that it cannot fail half-way for want of it.
pub(crate) async fn begin(writer: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    writer.begin_with_options(options).await
}

/// Writes a consistent copy of the whole database to a file that must not exist or be empty, while others go on reading.
pub(crate) async fn copy_into(db: &DatabaseConnection, path: &Path) -> Result<(), DbErr> {
    let Some(path) = path.to_str() else {
        return Err(DbErr::Custom("the path of a backup must be UTF-8".to_owned()));
    };
    let statement = Statement::from_sql_and_values(db.get_database_backend(), "VACUUM INTO ?", [path.into()]);
    db.execute_raw(statement).await?;
    Ok(())
}

/// What SQLite finds wrong with its file; empty when nothing is.
pub(crate) async fn integrity(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    let statement = Statement::from_string(db.get_database_backend(), "PRAGMA integrity_check(20)");
    let mut findings = Vec::new();
    for row in db.query_all_raw(statement).await? {
        let finding: String = row.try_get_by_index(0)?;
        if finding != "ok" {
            findings.push(finding);
        }
    }
    Ok(findings)
}

pub(crate) fn fault(error: &DbErr) -> Fault {
    let cause = match error {
        DbErr::ConnectionAcquire(_) => return Fault::Busy,
        DbErr::Conn(cause) | DbErr::Exec(cause) | DbErr::Query(cause) => cause,
        _ => return Fault::Other,
    };
    let RuntimeErr::SqlxError(cause) = cause else { return Fault::Other };
    if matches!(**cause, SqlxError::PoolTimedOut) {
        return Fault::Busy;
    }
    let code = cause.as_database_error().and_then(|error| error.code()).and_then(|code| code.parse::<u32>().ok());
    // sqlite.org/rescode.html; the lowest byte is the primary code.
    match code {
        Some(1555 | 2067) => Fault::Duplicate,
        Some(787) => Fault::Dangling,
        Some(code) => match code & 0xff {
            5 | 6 => Fault::Busy,
            8 => Fault::ReadOnly,
            13 => Fault::Full,
            _ => Fault::Other,
        },
        None => Fault::Other,
    }
}
