//! One transaction: changes, and the notes about them, kept together or not at all.
//!
//! A method reaches the database only through [`Write::noting`], which wants the note first, or through
//! [`Write::quiet`], for the few tables whose rows are no records. [`Write::commit`] is the only way to keep anything
//! and ends with the journal.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use schoolgate_base::{PersonId, SchoolId};
use schoolgate_keys::KeyRing;
use sea_orm::DatabaseTransaction;

use crate::RecordsError;
use crate::convert::parse;
use crate::error::failed;
use crate::journal::{Note, append};

/// Who makes a change, for the journal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    Person(PersonId),
    /// A part of the program, by name: `clock`, `directory`, `install`.
    Program(Box<str>),
}

impl Actor {
    pub fn program(name: &str) -> Self {
        Self::Program(name.into())
    }
}

impl Actor {
    pub(crate) fn read(column: &'static str, text: &str) -> Result<Self, RecordsError> {
        match text.split_once(':') {
            Some(("person", person)) => Ok(Self::Person(parse(column, person)?)),
            Some(("program", name)) => Ok(Self::Program(name.into())),
            _ => Err(RecordsError::Corrupt { column, source: format!("`{text}` is nobody").into() }),
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(person) => write!(f, "person:{person}"),
            Self::Program(name) => write!(f, "program:{name}"),
        }
    }
}

/// A transaction on one school's records, with the write lock held from its beginning. Dropped without
/// [`Write::commit`], nothing of it is kept.
#[must_use = "nothing is kept without commit"]
#[derive(Debug)]
pub struct Write {
    pub(crate) school: SchoolId,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) at: Timestamp,
    pub(crate) actor: Actor,
    txn: DatabaseTransaction,
    notes: Vec<Note>,
    /// Operations that reached the database and did not end well (yet).
    unfinished: Vec<&'static str>,
}

impl Write {
    pub(crate) fn new(
        school: SchoolId,
        keys: Arc<KeyRing>,
        txn: DatabaseTransaction,
        actor: Actor,
        at: Timestamp,
    ) -> Self {
        Self { school, keys, at, actor, txn, notes: Vec::new(), unfinished: Vec::new() }
    }

    /// Keeps everything: appends the notes to the journal and returns when all of it is on disk. A transaction in
    /// which a step failed is not kept, whatever its other steps did.
    pub async fn commit(self) -> Result<(), RecordsError> {
        if let Some(operation) = self.unfinished.first().copied() {
            return Err(RecordsError::Unfinished { operation });
        }
        append(&self.txn, &self.school, &self.actor, self.at, &self.notes).await?;
        self.txn.commit().await.map_err(failed("commit"))
    }

    /// The connection to change records with. The note goes to the journal when the transaction is kept.
    pub(crate) fn noting(&mut self, operation: &'static str, note: Note) -> &DatabaseTransaction {
        self.notes.push(note);
        self.unfinished.push(operation);
        &self.txn
    }

    /// The connection to change what is no record: who is signed in now, jobs, what was seen.
    pub(crate) fn quiet(&mut self, operation: &'static str) -> &DatabaseTransaction {
        self.unfinished.push(operation);
        &self.txn
    }

    /// The good end of an operation that called [`Write::noting`] or [`Write::quiet`], once.
    pub(crate) fn finished<T>(&mut self, value: T) -> Result<T, RecordsError> {
        self.unfinished.pop();
        Ok(value)
    }

    /// The good end of a change to one row, or the error that there was none.
    pub(crate) fn one_of(
        &mut self,
        operation: &'static str,
        kind: &'static str,
        rows: u64,
    ) -> Result<(), RecordsError> {
        match rows {
            0 => Err(RecordsError::Absent { operation, kind }),
            _ => self.finished(()),
        }
    }

    /// The connection to look things up with inside the transaction, and for the further statements of an operation that has noted.
    pub(crate) fn reading(&self) -> &DatabaseTransaction {
        &self.txn
    }

    pub(crate) fn text(&self) -> &str {
        self.school.as_str()
    }

    #[cfg(test)]
    pub(crate) fn note_count(&self) -> usize {
        self.notes.len()
    }
}
