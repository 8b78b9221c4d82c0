//! Whether the journal is whole: each chain without gaps, each hash and commitment right, erased bodies said so; and
//! whether the tables have as many rows as the journal says were added.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use schoolgate_keys::hex;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    TransactionTrait,
};
use serde::Deserialize;

use crate::convert::time;
use crate::entity::{
    case_file, case_grant, device, journal, journal_body, own_entry, person_tie, policy_edition, role_holding,
    signature, statement, urgent_block,
};
use crate::error::failed;
use crate::journal::{BEGINNING, Chain, JournalHead, Link, commitment, head_row, seq};
use crate::sealed::Unopened;
use crate::{RecordsError, SchoolStore};

const OPERATION: &str = "journal_verify";
/// Notes looked at together.
const PAGE: u64 = 500;
/// Findings and erasures told apart; the rest are counted.
const TOLD_MAX: usize = 100;

/// What [`SchoolStore::journal_verify`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalReport {
    pub standing: Standing,
    /// Notes in both chains.
    pub notes: u64,
    pub erased_count: u64,
    /// The first hundred.
    pub erased: Vec<ErasedNote>,
    pub problem_count: u64,
    /// The first hundred.
    pub problems: Vec<JournalProblem>,
    pub heads: Vec<JournalHead>,
    /// Tables whose rows are never deleted, each with the notes about its additions.
    pub rows: Vec<RowCount>,
    pub unopened: Unopened,
}

/// Rows of a table and the notes that say they were added; equal unless somebody went behind the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowCount {
    pub table: &'static str,
    pub rows: u64,
    pub notes: u64,
}

impl JournalReport {
    /// Tables that have more or fewer rows than the journal says were added.
    pub fn mismatches(&self) -> impl Iterator<Item = &RowCount> {
        self.rows.iter().filter(|count| count.rows != count.notes)
    }
}

impl fmt::Display for RowCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table {} has {} rows, and the journal says that {} were added", self.table, self.rows, self.notes)
    }
}

/// What may be said of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Damaged,
    /// Whole in itself. Somebody who can write the database could have written it anew; only an anchor tells.
    Consistent,
    /// Whole, and up to the anchor the same as when the anchor was taken.
    Unaltered,
}

/// A body taken away by retention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasedNote {
    pub chain: Chain,
    pub seq: u64,
    pub rule: Box<str>,
    pub at: Timestamp,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalProblem {
    pub chain: Chain,
    pub seq: u64,
    pub kind: JournalProblemKind,
}

/// What is wrong with a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JournalProblemKind {
    #[error("a note is missing before this one")]
    Gap,
    #[error("it does not follow from the note before")]
    Unchained,
    #[error("its hash does not fit its fields")]
    Altered,
    #[error("its body is not the one that was committed to")]
    BodyAltered,
    #[error("its body is gone and nobody said why")]
    BodyMissing,
    #[error("the head does not fit the last note")]
    Head,
    #[error("it lies behind the head of its chain, where no note may be")]
    Beyond,
    #[error("it is not the note that the anchor names")]
    Anchor,
}

/// What the note about an erasure says.
#[derive(Deserialize)]
struct Erased {
    person: String,
}

/// Where the walk along one chain stands.
struct Walk<'a> {
    chain: Chain,
    anchors: &'a [JournalHead],
    seq: i64,
    hash: Vec<u8>,
    /// Notes whose body was erased, with the person it was about.
    erased: Vec<(i64, Option<String>)>,
    /// Persons who were erased, as the notes say.
    erasures: BTreeSet<String>,
    report: &'a mut JournalReport,
}

impl SchoolStore {
    /// Walks both chains. `anchors` are heads that were kept outside the machine; without one for a chain the answer
    /// is at most [`Standing::Consistent`].
    pub async fn journal_verify(&self, anchors: &[JournalHead]) -> Result<JournalReport, RecordsError> {
        let mut report = JournalReport {
            standing: Standing::Consistent,
            notes: 0,
            erased_count: 0,
            erased: Vec::new(),
            problem_count: 0,
            problems: Vec::new(),
            heads: Vec::new(),
            rows: Vec::new(),
            unopened: Unopened::default(),
        };
        // One transaction, so that heads, notes and rows are of the same moment.
        let txn = self.db().begin().await.map_err(failed(OPERATION))?;
        for chain in Chain::ALL {
            self.chain_verify(&txn, chain, anchors, &mut report).await?;
        }
        report.rows = self.rows_count(&txn).await?;
        txn.rollback().await.map_err(failed(OPERATION))?;
        report.unopened = self.sealed_unopened().await?;
        let is_matched = report.mismatches().next().is_none();
        let is_anchored = Chain::ALL.iter().all(|chain| anchors.iter().any(|anchor| anchor.chain == *chain));
        report.standing = match (report.problem_count, is_anchored) {
            (0, false) if is_matched => Standing::Consistent,
            (0, true) if is_matched => Standing::Unaltered,
            _ => Standing::Damaged,
        };
        Ok(report)
    }

    async fn chain_verify(
        &self,
        db: &DatabaseTransaction,
        chain: Chain,
        anchors: &[JournalHead],
        report: &mut JournalReport,
    ) -> Result<(), RecordsError> {
        let (erased, erasures) = (Vec::new(), BTreeSet::new());
        let mut walk = Walk { chain, anchors, seq: 0, hash: BEGINNING.to_vec(), erased, erasures, report };
        let head = head_row(db, self.text(), chain).await?;
        while walk.seq < head.seq {
            let rows = self.notes_between(db, chain, walk.seq, head.seq).await?;
            let (Some(first), Some(last)) = (rows.first(), rows.last()) else { break };
            let bodies = self.bodies_between(db, chain, first.seq, last.seq).await?;
            let mut bodies = bodies.into_iter().peekable();
            for row in rows {
                let body = bodies.next_if(|body| body.seq == row.seq);
                walk.step(&row, body)?;
            }
        }
        if (walk.seq, &walk.hash) != (head.seq, &head.hash) {
            walk.problem(head.seq, JournalProblemKind::Head);
        }
        for row in self.notes_between(db, chain, head.seq, i64::MAX).await? {
            walk.problem(row.seq, JournalProblemKind::Beyond);
        }
        walk.erased_check();
        for anchor in anchors.iter().filter(|anchor| anchor.chain == chain) {
            if walk.seq < i64::try_from(anchor.seq).unwrap_or(i64::MAX) {
                walk.problem(walk.seq, JournalProblemKind::Anchor);
            }
        }
        let seq = seq("journal_head.seq", head.seq)?;
        report.heads.push(JournalHead { chain, seq, hash: hex(&head.hash).into() });
        Ok(())
    }

    async fn rows_count(&self, txn: &DatabaseTransaction) -> Result<Vec<RowCount>, RecordsError> {
        let mut counts = Vec::new();
        macro_rules! count {
            ($($table:ident by $note:literal),* $(,)?) => {
                $(
                    let rows = $table::Entity::find().filter($table::Column::SchoolId.eq(self.text()));
                    let notes = journal::Entity::find()
                        .filter(journal::Column::SchoolId.eq(self.text()))
                        .filter(journal::Column::Kind.eq($note));
                    counts.push(RowCount {
                        table: stringify!($table),
                        rows: rows.count(txn).await.map_err(failed(OPERATION))?,
                        notes: notes.count(txn).await.map_err(failed(OPERATION))?,
                    });
                )*
            };
        }
        count! {
            role_holding by "role_assign",
            person_tie by "tie_declare",
            policy_edition by "policy_draft",
            signature by "signature_add",
            case_file by "case_open",
            case_grant by "grant_add",
            urgent_block by "urgent_add",
            own_entry by "own_entry_add",
            statement by "statement_add",
            device by "device_add",
        }
        Ok(counts)
    }

    async fn notes_between(
        &self,
        db: &DatabaseTransaction,
        chain: Chain,
        after: i64,
        last: i64,
    ) -> Result<Vec<journal::Model>, RecordsError> {
        journal::Entity::find()
            .filter(journal::Column::SchoolId.eq(self.text()))
            .filter(journal::Column::Chain.eq(chain.as_str()))
            .filter(journal::Column::Seq.gt(after))
            .filter(journal::Column::Seq.lte(last))
            .order_by_asc(journal::Column::Seq)
            .limit(PAGE)
            .all(db)
            .await
            .map_err(failed(OPERATION))
    }

    async fn bodies_between(
        &self,
        db: &DatabaseTransaction,
        chain: Chain,
        first: i64,
        last: i64,
    ) -> Result<Vec<journal_body::Model>, RecordsError> {
        journal_body::Entity::find()
            .filter(journal_body::Column::SchoolId.eq(self.text()))
            .filter(journal_body::Column::Chain.eq(chain.as_str()))
            .filter(journal_body::Column::Seq.between(first, last))
            .order_by_asc(journal_body::Column::Seq)
            .all(db)
            .await
            .map_err(failed(OPERATION))
    }
}

impl Walk<'_> {
    fn step(&mut self, row: &journal::Model, body: Option<journal_body::Model>) -> Result<(), RecordsError> {
        self.report.notes += 1;
        if row.seq != self.seq + 1 {
            self.problem(row.seq, JournalProblemKind::Gap);
        }
        if row.prev != self.hash {
            self.problem(row.seq, JournalProblemKind::Unchained);
        }
        let link = Link {
            school: &row.school_id,
            chain: &row.chain,
            seq: row.seq,
            at: row.at,
            actor: &row.actor,
            kind: &row.kind,
            schema: row.schema,
            commitment: &row.commitment,
            prev: &row.prev,
        };
        if link.hash().as_slice() != row.hash {
            self.problem(row.seq, JournalProblemKind::Altered);
        }
        self.body(row, body)?;
        let wrong = |anchor: &&JournalHead| {
            anchor.chain == self.chain && i64::try_from(anchor.seq) == Ok(row.seq) && *anchor.hash != hex(&row.hash)
        };
        if self.anchors.iter().find(wrong).is_some() {
            self.problem(row.seq, JournalProblemKind::Anchor);
        }
        self.seq = row.seq;
        self.hash.clone_from(&row.hash);
        Ok(())
    }

    fn body(&mut self, row: &journal::Model, body: Option<journal_body::Model>) -> Result<(), RecordsError> {
        let Some(body) = body else {
            self.problem(row.seq, JournalProblemKind::BodyMissing);
            return Ok(());
        };
        match (body.salt, body.bytes, body.erased_by_rule, body.erased_at) {
            (Some(salt), Some(bytes), _, _) => {
                if commitment(&salt, &bytes).as_slice() != row.commitment {
                    self.problem(row.seq, JournalProblemKind::BodyAltered);
                } else if row.kind == "person_erase" {
                    let said: Option<Erased> = serde_json::from_slice(&bytes).ok();
                    self.erasures.extend(said.map(|said| said.person));
                }
            }
            (None, None, Some(rule), Some(at)) => {
                self.erased.push((row.seq, body.about));
                self.report.erased_count += 1;
                if self.report.erased.len() < TOLD_MAX {
                    let at = time("journal_body.erased_at", at)?;
                    let seq = seq("journal.seq", row.seq)?;
                    self.report.erased.push(ErasedNote { chain: self.chain, seq, rule: rule.into(), at });
                }
            }
            _ => self.problem(row.seq, JournalProblemKind::BodyMissing),
        }
        Ok(())
    }

    /// A body goes with a person, whose erasure is noted; nothing of a sealed case ever goes.
    fn erased_check(&mut self) {
        for (seq, about) in std::mem::take(&mut self.erased) {
            let is_said = about.is_some_and(|person| self.erasures.contains(&person));
            if self.chain == Chain::Sealed || !is_said {
                self.problem(seq, JournalProblemKind::BodyMissing);
            }
        }
    }

    fn problem(&mut self, seq: i64, kind: JournalProblemKind) {
        self.report.problem_count += 1;
        if self.report.problems.len() < TOLD_MAX {
            let seq = u64::try_from(seq).unwrap_or(0);
            self.report.problems.push(JournalProblem { chain: self.chain, seq, kind });
        }
    }
}
