//! The journal: one note per change, chained, with bodies apart so that they can be erased.
//!
//! A note is `(school, chain, seq, at, actor, kind, schema, commitment, prev, hash)`. `commitment` is
//! SHA-256(salt ‖ body), `hash` is SHA-256 over the other fields and `prev`, the hash before. Erasing a body and its
//! salt leaves the chain whole and nothing to guess the body from.
//!
//! A school has two chains. What happens to sealed cases is noted in the second, without its actor: were there one
//! chain, its numbers would tell everybody that something happened.

use std::fmt;

use jiff::Timestamp;
use schoolgate_base::{PersonId, SchoolId};
use schoolgate_keys::{Sha256, hex, random_bytes};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
};
use serde::Serialize;

use crate::convert::{corrupt, micros, time};
use crate::entity::{journal, journal_body, journal_head};
use crate::error::{failed, keys};
use crate::{Actor, RecordsError, SchoolStore};

const OPERATION: &str = "journal_append";
/// Version of the notes' bodies.
const SCHEMA: i64 = 1;
const SALT_BYTES: usize = 16;
/// Rows in one INSERT; ten columns each stay far below SQLite's 32,766 variables.
const CHUNK: usize = 200;
const PAGE_MAX: u64 = 500;

/// Which of a school's two chains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Chain {
    Open,
    /// Sealed cases: nothing of it is listed to anybody, its head may be printed for the chair.
    Sealed,
}

impl Chain {
    pub const ALL: [Self; 2] = [Self::Open, Self::Sealed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Sealed => "sealed",
        }
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The last note of a chain: whoever has it on paper can later tell whether anything before it was altered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalHead {
    pub chain: Chain,
    /// Number of the note; 0 when there is none yet.
    pub seq: u64,
    /// 64 hexadecimal digits.
    pub hash: Box<str>,
}

/// A note as it is read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    pub seq: u64,
    pub at: Timestamp,
    /// `person:…` or `program:…`.
    pub actor: Box<str>,
    /// The operation.
    pub kind: Box<str>,
    pub body: NoteBody,
}

/// What is left of a note's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoteBody {
    /// JSON text.
    Kept(String),
    Erased {
        rule: Box<str>,
        at: Timestamp,
    },
}

/// A note on its way into the journal.
#[derive(Debug)]
pub(crate) struct Note {
    kind: &'static str,
    chain: Chain,
    about: Option<PersonId>,
    bytes: Vec<u8>,
}

impl Note {
    pub(crate) fn new<T: Serialize + ?Sized>(kind: &'static str, body: &T) -> Result<Self, RecordsError> {
        let bytes = serde_json::to_vec(body).map_err(|source| RecordsError::Encode { operation: kind, source })?;
        Ok(Self { kind, chain: Chain::Open, about: None, bytes })
    }

    /// The person whose erasure takes the body away.
    pub(crate) fn about(mut self, person: &PersonId) -> Self {
        self.about = Some(person.clone());
        self
    }

    /// A note on a sealed case; `bytes` are what was sealed.
    pub(crate) fn sealed(kind: &'static str, bytes: Vec<u8>) -> Self {
        Self { kind, chain: Chain::Sealed, about: None, bytes }
    }
}

/// The fields of a note that its hash is over.
pub(crate) struct Link<'a> {
    pub school: &'a str,
    pub chain: &'a str,
    pub seq: i64,
    pub at: i64,
    pub actor: &'a str,
    pub kind: &'a str,
    pub schema: i64,
    pub commitment: &'a [u8],
    pub prev: &'a [u8],
}

impl Link<'_> {
    pub(crate) fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let numbers = [self.seq.to_be_bytes(), self.at.to_be_bytes(), self.schema.to_be_bytes()];
        let texts = ["schoolgate-journal-1", self.school, self.chain, self.actor, self.kind].map(str::as_bytes);
        let [seq, at, schema] = &numbers;
        // Each field with its length in front, so that no two notes have the same bytes.
        for field in texts.into_iter().chain([&seq[..], &at[..], &schema[..], self.commitment, self.prev]) {
            hash.update(&(field.len() as u64).to_be_bytes());
            hash.update(field);
        }
        hash.finish()
    }
}

/// What the first note of a chain has before it.
pub(crate) const BEGINNING: [u8; 32] = [0; 32];

pub(crate) fn commitment(salt: &[u8], bytes: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(salt);
    hash.update(bytes);
    hash.finish()
}

/// Appends `notes`, each to its chain.
pub(crate) async fn append(
    txn: &DatabaseTransaction,
    school: &SchoolId,
    actor: &Actor,
    at: Timestamp,
    notes: &[Note],
) -> Result<(), RecordsError> {
    for chain in Chain::ALL {
        let notes: Vec<&Note> = notes.iter().filter(|note| note.chain == chain).collect();
        if notes.is_empty() {
            continue;
        }
        let mut head = head_row(txn, school.as_str(), chain).await?;
        let actor = match chain {
            Chain::Open => actor.to_string(),
            Chain::Sealed => "sealed".to_owned(),
        };
        for notes in notes.chunks(CHUNK) {
            let mut rows = Vec::with_capacity(notes.len());
            let mut bodies = Vec::with_capacity(notes.len());
            for note in notes {
                let (row, body) = next(&head, &actor, micros(at), note)?;
                head.seq = row.seq;
                head.hash.clone_from(&row.hash);
                rows.push(row.into_active_model().reset_all());
                bodies.push(body.into_active_model().reset_all());
            }
            let insert = journal::Entity::insert_many(rows).exec_without_returning(txn);
            insert.await.map_err(failed(OPERATION))?;
            let insert = journal_body::Entity::insert_many(bodies).exec_without_returning(txn);
            insert.await.map_err(failed(OPERATION))?;
        }
        head_put(txn, head).await?;
    }
    Ok(())
}

fn next(
    head: &journal_head::Model,
    actor: &str,
    at: i64,
    note: &Note,
) -> Result<(journal::Model, journal_body::Model), RecordsError> {
    let salt = random_bytes::<SALT_BYTES>().map_err(keys(OPERATION))?;
    let commitment = commitment(&salt, &note.bytes);
    let link = Link {
        school: &head.school_id,
        chain: &head.chain,
        seq: head.seq + 1,
        at,
        actor,
        kind: note.kind,
        schema: SCHEMA,
        commitment: &commitment,
        prev: &head.hash,
    };
    let row = journal::Model {
        school_id: head.school_id.clone(),
        chain: head.chain.clone(),
        seq: link.seq,
        at,
        actor: actor.to_owned(),
        kind: note.kind.to_owned(),
        schema: SCHEMA,
        commitment: commitment.to_vec(),
        prev: head.hash.clone(),
        hash: link.hash().to_vec(),
    };
    let body = journal_body::Model {
        school_id: head.school_id.clone(),
        chain: head.chain.clone(),
        seq: row.seq,
        about: note.about.as_ref().map(ToString::to_string),
        salt: Some(salt.to_vec()),
        bytes: Some(note.bytes.clone()),
        erased_by_rule: None,
        erased_at: None,
    };
    Ok((row, body))
}

/// The head of a chain, or the beginning of one that has no note.
pub(crate) async fn head_row<C: ConnectionTrait>(
    db: &C,
    school: &str,
    chain: Chain,
) -> Result<journal_head::Model, RecordsError> {
    let key = (school.to_owned(), chain.as_str().to_owned());
    let row = journal_head::Entity::find_by_id(key).one(db).await.map_err(failed("journal_head"))?;
    Ok(row.unwrap_or_else(|| journal_head::Model {
        school_id: school.to_owned(),
        chain: chain.as_str().to_owned(),
        seq: 0,
        hash: BEGINNING.to_vec(),
    }))
}

async fn head_put(txn: &DatabaseTransaction, head: journal_head::Model) -> Result<(), RecordsError> {
    let mut replace = OnConflict::columns([journal_head::Column::SchoolId, journal_head::Column::Chain]);
    replace.update_columns([journal_head::Column::Seq, journal_head::Column::Hash]);
    let insert = journal_head::Entity::insert(head.into_active_model().reset_all()).on_conflict(replace);
    insert.exec_without_returning(txn).await.map_err(failed(OPERATION))?;
    Ok(())
}

pub(crate) fn seq(column: &'static str, number: i64) -> Result<u64, RecordsError> {
    u64::try_from(number).map_err(corrupt(column))
}

impl SchoolStore {
    /// The last note of a chain, for anchoring outside the machine.
    pub async fn journal_head(&self, chain: Chain) -> Result<JournalHead, RecordsError> {
        let row = head_row(self.db(), self.text(), chain).await?;
        Ok(JournalHead { chain, seq: seq("journal_head.seq", row.seq)?, hash: hex(&row.hash).into() })
    }

    /// Notes of the open chain after number `after`, oldest first, at most 500.
    pub async fn journal_list(&self, after: u64, limit: u64) -> Result<Vec<JournalEntry>, RecordsError> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let rows = journal::Entity::find()
            .filter(journal::Column::SchoolId.eq(self.text()))
            .filter(journal::Column::Chain.eq(Chain::Open.as_str()))
            .filter(journal::Column::Seq.gt(after))
            .order_by_asc(journal::Column::Seq)
            .limit(limit.min(PAGE_MAX))
            .all(self.db())
            .await
            .map_err(failed("journal_list"))?;
        let mut entries = Vec::with_capacity(rows.len());
        for row in rows {
            let key = (row.school_id, row.chain, row.seq);
            let body = journal_body::Entity::find_by_id(key).one(self.db()).await.map_err(failed("journal_list"))?;
            entries.push(JournalEntry {
                seq: seq("journal.seq", row.seq)?,
                at: time("journal.at", row.at)?,
                actor: row.actor.into(),
                kind: row.kind.into(),
                body: read_body(body)?,
            });
        }
        Ok(entries)
    }
}

fn read_body(row: Option<journal_body::Model>) -> Result<NoteBody, RecordsError> {
    let missing = || RecordsError::Corrupt { column: "journal_body", source: "no body".into() };
    let row = row.ok_or_else(missing)?;
    if let (Some(rule), Some(at)) = (row.erased_by_rule, row.erased_at) {
        return Ok(NoteBody::Erased { rule: rule.into(), at: time("journal_body.erased_at", at)? });
    }
    let bytes = row.bytes.ok_or_else(missing)?;
    String::from_utf8(bytes).map(NoteBody::Kept).map_err(corrupt("journal_body.bytes"))
}
