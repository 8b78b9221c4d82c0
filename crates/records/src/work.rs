//! Statements of keepers, outgoing work that is committed with what caused it, and notifications seen.
//!
//! A job's payload is sealed with the token key, for it may be about a sealed case.

use jiff::Timestamp;
use schoolgate_base::PersonId;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::convert::{corrupt, fresh_id, micros, time, to_json};
use crate::entity::{job, notification_seen, statement};
use crate::error::{failed, keys};
use crate::journal::Note;
use crate::{Actor, RecordsError, SchoolStore, Write};

/// What job payloads are sealed for.
const PURPOSE: &str = "job";
const CLAIM_MAX: u64 = 100;
const SEEN_MAX: u64 = 500;
/// Waiting jobs looked at to find the next; those due first.
const WAITING_MAX: u64 = 500;

/// Somebody's word that a control is kept, for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewStatement {
    /// A control's or keeper's id.
    pub subject: Box<str>,
    pub says: String,
    /// When it lapses.
    pub until: Timestamp,
}

/// A statement as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub id: Box<str>,
    pub statement: NewStatement,
    pub by: Actor,
    pub at: Timestamp,
}

/// Something to be done outside once the transaction is kept: a notification, a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    pub kind: Box<str>,
    pub payload: Value,
    pub due_at: Timestamp,
}

/// A job that was claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub id: Box<str>,
    pub kind: Box<str>,
    pub payload: Value,
    /// How often it was claimed, this time included.
    pub attempts: u32,
}

fn stated(row: statement::Model) -> Result<Statement, RecordsError> {
    Ok(Statement {
        id: row.id.into(),
        statement: NewStatement {
            subject: row.subject.into(),
            says: row.says,
            until: time("statement.until_at", row.until_at)?,
        },
        by: Actor::read("statement.by_person", &row.by_person)?,
        at: time("statement.at", row.at)?,
    })
}

impl SchoolStore {
    /// All statements, also lapsed ones, newest first.
    pub async fn statement_list(&self) -> Result<Vec<Statement>, RecordsError> {
        let rows = statement::Entity::find()
            .filter(statement::Column::SchoolId.eq(self.text()))
            .order_by_desc(statement::Column::At)
            .order_by_asc(statement::Column::Id)
            .all(self.db())
            .await
            .map_err(failed("statement_list"))?;
        rows.into_iter().map(stated).collect()
    }

    /// When the next job is due, or its claim runs out; `None` without any.
    pub async fn job_next_due(&self) -> Result<Option<Timestamp>, RecordsError> {
        let rows: Vec<(i64, Option<i64>)> = job::Entity::find()
            .filter(job::Column::SchoolId.eq(self.text()))
            .filter(job::Column::DoneAt.is_null())
            .select_only()
            .column(job::Column::DueAt)
            .column(job::Column::ClaimedUntil)
            .order_by_asc(job::Column::DueAt)
            .limit(WAITING_MAX)
            .into_tuple()
            .all(self.db())
            .await
            .map_err(failed("job_next_due"))?;
        let free_at = |(due, claimed): (i64, Option<i64>)| Ord::max(claimed.unwrap_or(due), due);
        rows.into_iter().map(free_at).min().map(|at| time("job.due_at", at)).transpose()
    }

    /// Which notifications a person has seen, newest first, at most 500.
    pub async fn notification_seen_list(&self, person: &PersonId) -> Result<Vec<(Box<str>, Timestamp)>, RecordsError> {
        let rows = notification_seen::Entity::find()
            .filter(notification_seen::Column::SchoolId.eq(self.text()))
            .filter(notification_seen::Column::Person.eq(person.as_str()))
            .order_by_desc(notification_seen::Column::At)
            .order_by_asc(notification_seen::Column::Notification)
            .limit(SEEN_MAX)
            .all(self.db())
            .await
            .map_err(failed("notification_seen_list"))?;
        let read = |row: notification_seen::Model| Ok((row.notification.into(), time("notification_seen.at", row.at)?));
        rows.into_iter().map(read).collect()
    }
}

impl Write {
    /// Keeps the actor's statement and answers its id.
    pub async fn statement_add(&mut self, new: &NewStatement) -> Result<Box<str>, RecordsError> {
        const OPERATION: &str = "statement_add";
        let id = fresh_id(OPERATION)?;
        let note = Note::new(OPERATION, &json!({ "id": id, "statement": new }))?;
        let row = statement::Model {
            school_id: self.text().to_owned(),
            id: id.clone(),
            subject: new.subject.to_string(),
            by_person: self.actor.to_string(),
            at: micros(self.at),
            says: new.says.clone(),
            until_at: micros(new.until),
        };
        let insert = statement::Entity::insert(row.into_active_model().reset_all());
        insert.exec_without_returning(self.noting(OPERATION, note)).await.map_err(failed(OPERATION))?;
        self.finished(id.into())
    }

    /// Writes down that the actor looked somebody up by name, what for and why. Nothing else changes; the note is what
    /// somebody who looked nothing up reads afterwards.
    pub async fn look_up_note(&mut self, what: &str, why: &str) -> Result<(), RecordsError> {
        const OPERATION: &str = "look_up_note";
        let note = Note::new(OPERATION, &json!({ "what": what, "why": why }))?;
        let _ = self.noting(OPERATION, note);
        self.finished(())
    }

    /// Keeps a job with whatever else this transaction keeps, and answers its id.
    pub async fn job_add(&mut self, new: &NewJob) -> Result<Box<str>, RecordsError> {
        const OPERATION: &str = "job_add";
        let id = fresh_id(OPERATION)?;
        let payload = to_json(OPERATION, &new.payload)?;
        let payload = self.keys.tokens().seal(PURPOSE, payload.as_bytes()).map_err(keys(OPERATION))?;
        let row = job::Model {
            school_id: self.text().to_owned(),
            id: id.clone(),
            kind: new.kind.to_string(),
            payload,
            due_at: micros(new.due_at),
            attempts: 0,
            claimed_until: None,
            done_at: None,
        };
        let insert = job::Entity::insert(row.into_active_model().reset_all());
        insert.exec_without_returning(self.quiet(OPERATION)).await.map_err(failed(OPERATION))?;
        self.finished(id.into())
    }

    /// Takes up to `limit` (at most 100) jobs that are due, oldest first. Whoever dies over one loses it at `until`.
    pub async fn job_claim(&mut self, limit: u64, until: Timestamp) -> Result<Vec<Job>, RecordsError> {
        const OPERATION: &str = "job_claim";
        let now = micros(self.at);
        let free = Condition::any().add(job::Column::ClaimedUntil.is_null()).add(job::Column::ClaimedUntil.lte(now));
        let rows = job::Entity::find()
            .filter(job::Column::SchoolId.eq(self.text()))
            .filter(job::Column::DoneAt.is_null())
            .filter(job::Column::DueAt.lte(now))
            .filter(free)
            .order_by_asc(job::Column::DueAt)
            .order_by_asc(job::Column::Id)
            .limit(Ord::min(limit, CLAIM_MAX))
            .all(self.reading())
            .await
            .map_err(failed(OPERATION))?;
        let claim = job::Entity::update_many()
            .col_expr(job::Column::ClaimedUntil, Expr::value(Some(micros(until))))
            .col_expr(job::Column::Attempts, Expr::col(job::Column::Attempts).add(1))
            .filter(job::Column::SchoolId.eq(self.text()))
            .filter(job::Column::Id.is_in(rows.iter().map(|row| row.id.clone())));
        claim.exec(self.quiet(OPERATION)).await.map_err(failed(OPERATION))?;
        let jobs = rows.into_iter().map(|row| self.job_read(row)).collect::<Result<_, _>>()?;
        self.finished(jobs)
    }

    fn job_read(&self, row: job::Model) -> Result<Job, RecordsError> {
        let foreign =
            || RecordsError::Corrupt { column: "job.payload", source: "not sealed with our token key".into() };
        let payload = self.keys.tokens().open(PURPOSE, &row.payload).ok_or_else(foreign)?;
        Ok(Job {
            id: row.id.into(),
            kind: row.kind.into(),
            payload: serde_json::from_slice(&payload).map_err(corrupt("job.payload"))?,
            attempts: u32::try_from(row.attempts + 1).map_err(corrupt("job.attempts"))?,
        })
    }

    /// Says that a job is done, and forgets what it was.
    pub async fn job_done(&mut self, id: &str) -> Result<(), RecordsError> {
        const OPERATION: &str = "job_done";
        let update = job::Entity::update_many()
            .col_expr(job::Column::DoneAt, Expr::value(Some(micros(self.at))))
            .col_expr(job::Column::Payload, Expr::value(""))
            .filter(job::Column::SchoolId.eq(self.text()))
            .filter(job::Column::Id.eq(id))
            .filter(job::Column::DoneAt.is_null());
        let done = update.exec(self.quiet(OPERATION)).await.map_err(failed(OPERATION))?;
        self.one_of(OPERATION, "job to be done", done.rows_affected)
    }

    /// Gives a claimed job back, to be tried again at `due_at`.
    pub async fn job_retry(&mut self, id: &str, due_at: Timestamp) -> Result<(), RecordsError> {
        const OPERATION: &str = "job_retry";
        let update = job::Entity::update_many()
            .col_expr(job::Column::DueAt, Expr::value(micros(due_at)))
            .col_expr(job::Column::ClaimedUntil, Expr::value(None::<i64>))
            .filter(job::Column::SchoolId.eq(self.text()))
            .filter(job::Column::Id.eq(id))
            .filter(job::Column::DoneAt.is_null());
        let done = update.exec(self.quiet(OPERATION)).await.map_err(failed(OPERATION))?;
        self.one_of(OPERATION, "job to be done", done.rows_affected)
    }

    /// Says that a person has seen a notification; the first time counts.
    pub async fn notification_see(&mut self, person: &PersonId, notification: &str) -> Result<(), RecordsError> {
        const OPERATION: &str = "notification_see";
        let row = notification_seen::Model {
            school_id: self.text().to_owned(),
            person: person.to_string(),
            notification: notification.to_owned(),
            at: micros(self.at),
        };
        let key = [
            notification_seen::Column::SchoolId,
            notification_seen::Column::Person,
            notification_seen::Column::Notification,
        ];
        let mut once = OnConflict::columns(key);
        once.do_nothing();
        let insert = notification_seen::Entity::insert(row.into_active_model().reset_all());
        let insert = insert.on_conflict(once);
        insert.exec_without_returning(self.quiet(OPERATION)).await.map_err(failed(OPERATION))?;
        self.finished(())
    }
}
