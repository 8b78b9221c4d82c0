//! What is open or blocked right now: grants, urgent blocks, the school's own list entries.

use jiff::Timestamp;
use schoolgate_base::{CaseId, ControlId, GrantId, HostName};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use serde::Serialize;
use serde_json::{Value, json};

use crate::convert::{cut, fresh_id, from_json, micros, parse, time, time_opt, to_json};
use crate::entity::{case_grant, own_entry, urgent_block};
use crate::error::failed;
use crate::journal::Note;
use crate::{Actor, RecordsError, SchoolStore, Write};

/// Rows of a history listed at most.
const HISTORY_MAX: u64 = 500;
/// Longest note beside a list entry, in bytes.
const NOTE_MAX: usize = 2_000;

/// How something ended before its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub at: Timestamp,
    pub by: Actor,
}

/// A dated exception. What it opens and for whom is kept as the compiler wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewGrant {
    pub id: GrantId,
    pub control: ControlId,
    pub case: CaseId,
    pub target: Value,
    pub audience: Value,
    pub from: Timestamp,
    pub until: Timestamp,
}

/// A grant as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub grant: NewGrant,
    pub ended: Option<Ended>,
}

/// A block that one person made in one action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewUrgentBlock {
    pub id: GrantId,
    pub target: Value,
    pub from: Timestamp,
    pub until: Timestamp,
}

/// An urgent block as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrgentBlock {
    pub block: NewUrgentBlock,
    pub by: Actor,
    pub confirmed_by: Option<Actor>,
    pub ended: Option<Ended>,
}

/// The school's own word on a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewOwnEntry {
    pub host: HostName,
    pub path: Option<Box<str>>,
    pub category: Box<str>,
    /// `false`: the site is not of this category, whatever the lists say.
    pub is_in: bool,
    pub note: String,
}

/// A list entry as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnEntry {
    pub id: Box<str>,
    pub entry: NewOwnEntry,
    pub by: Actor,
    pub at: Timestamp,
    pub removed: Option<Ended>,
}

fn ended(
    columns: (&'static str, &'static str),
    at: Option<i64>,
    by: Option<&str>,
) -> Result<Option<Ended>, RecordsError> {
    match (time_opt(columns.0, at)?, by) {
        (Some(at), Some(by)) => Ok(Some(Ended { at, by: Actor::read(columns.1, by)? })),
        _ => Ok(None),
    }
}

fn grant(row: case_grant::Model) -> Result<Grant, RecordsError> {
    Ok(Grant {
        grant: NewGrant {
            id: parse("case_grant.id", &row.id)?,
            control: parse("case_grant.control", &row.control)?,
            case: parse("case_grant.case_id", &row.case_id)?,
            target: from_json("case_grant.target", &row.target)?,
            audience: from_json("case_grant.audience", &row.audience)?,
            from: time("case_grant.from_at", row.from_at)?,
            until: time("case_grant.until_at", row.until_at)?,
        },
        ended: ended(("case_grant.ended_at", "case_grant.ended_by"), row.ended_at, row.ended_by.as_deref())?,
    })
}

fn urgent(row: urgent_block::Model) -> Result<UrgentBlock, RecordsError> {
    let confirmed_by = row.confirmed_by.as_deref().map(|by| Actor::read("urgent_block.confirmed_by", by));
    Ok(UrgentBlock {
        block: NewUrgentBlock {
            id: parse("urgent_block.id", &row.id)?,
            target: from_json("urgent_block.target", &row.target)?,
            from: time("urgent_block.from_at", row.from_at)?,
            until: time("urgent_block.until_at", row.until_at)?,
        },
        by: Actor::read("urgent_block.by_person", &row.by_person)?,
        confirmed_by: confirmed_by.transpose()?,
        ended: ended(("urgent_block.ended_at", "urgent_block.ended_by"), row.ended_at, row.ended_by.as_deref())?,
    })
}

fn own(row: own_entry::Model) -> Result<OwnEntry, RecordsError> {
    let removed = ended(("own_entry.removed_at", "own_entry.removed_by"), row.removed_at, row.removed_by.as_deref())?;
    Ok(OwnEntry {
        id: row.id.into(),
        entry: NewOwnEntry {
            host: parse("own_entry.host", &row.host)?,
            path: row.path.map(Into::into),
            category: row.category.into(),
            is_in: row.is_in,
            note: row.note,
        },
        by: Actor::read("own_entry.by_person", &row.by_person)?,
        at: time("own_entry.at", row.at)?,
        removed,
    })
}

fn grants(school: &str) -> sea_orm::Select<case_grant::Entity> {
    case_grant::Entity::find().filter(case_grant::Column::SchoolId.eq(school))
}

impl SchoolStore {
    /// Grants that are neither ended nor over at `at`, also those that begin later, by end.
    pub async fn grant_list_active(&self, at: Timestamp) -> Result<Vec<Grant>, RecordsError> {
        let rows = grants(self.text())
            .filter(case_grant::Column::UntilAt.gt(micros(at)))
            .filter(case_grant::Column::EndedAt.is_null())
            .order_by_asc(case_grant::Column::UntilAt)
            .order_by_asc(case_grant::Column::Id)
            .all(self.db())
            .await
            .map_err(failed("grant_list_active"))?;
        rows.into_iter().map(grant).collect()
    }

    /// Grants whose time is over at `at` and that nobody has ended yet, the longest over first, at most 500.
    pub async fn grant_list_over(&self, at: Timestamp) -> Result<Vec<Grant>, RecordsError> {
        let rows = grants(self.text())
            .filter(case_grant::Column::UntilAt.lte(micros(at)))
            .filter(case_grant::Column::EndedAt.is_null())
            .order_by_asc(case_grant::Column::UntilAt)
            .order_by_asc(case_grant::Column::Id)
            .limit(HISTORY_MAX)
            .all(self.db())
            .await
            .map_err(failed("grant_list_over"))?;
        rows.into_iter().map(grant).collect()
    }

    /// The last 500 grants, newest first.
    pub async fn grant_list(&self) -> Result<Vec<Grant>, RecordsError> {
        let rows = grants(self.text())
            .order_by_desc(case_grant::Column::FromAt)
            .order_by_asc(case_grant::Column::Id)
            .limit(HISTORY_MAX)
            .all(self.db())
            .await
            .map_err(failed("grant_list"))?;
        rows.into_iter().map(grant).collect()
    }

    /// The grants a case led to, oldest first.
    pub async fn grant_list_for_case(&self, case: &CaseId) -> Result<Vec<Grant>, RecordsError> {
        let rows = grants(self.text())
            .filter(case_grant::Column::CaseId.eq(case.as_str()))
            .order_by_asc(case_grant::Column::FromAt)
            .all(self.db())
            .await
            .map_err(failed("grant_list_for_case"))?;
        rows.into_iter().map(grant).collect()
    }

    /// Urgent blocks that are neither ended nor over at `at`, by end.
    pub async fn urgent_list_active(&self, at: Timestamp) -> Result<Vec<UrgentBlock>, RecordsError> {
        let rows = urgent_block::Entity::find()
            .filter(urgent_block::Column::SchoolId.eq(self.text()))
            .filter(urgent_block::Column::UntilAt.gt(micros(at)))
            .filter(urgent_block::Column::EndedAt.is_null())
            .order_by_asc(urgent_block::Column::UntilAt)
            .order_by_asc(urgent_block::Column::Id)
            .all(self.db())
            .await
            .map_err(failed("urgent_list_active"))?;
        rows.into_iter().map(urgent).collect()
    }

    /// The school's own entries that hold, by host.
    pub async fn own_entry_list(&self) -> Result<Vec<OwnEntry>, RecordsError> {
        let rows = own_entry::Entity::find()
            .filter(own_entry::Column::SchoolId.eq(self.text()))
            .filter(own_entry::Column::RemovedAt.is_null())
            .order_by_asc(own_entry::Column::Host)
            .order_by_asc(own_entry::Column::Id)
            .all(self.db())
            .await
            .map_err(failed("own_entry_list"))?;
        rows.into_iter().map(own).collect()
    }

    /// The last 500 entries, also removed ones, newest first.
    pub async fn own_entry_history(&self) -> Result<Vec<OwnEntry>, RecordsError> {
        let rows = own_entry::Entity::find()
            .filter(own_entry::Column::SchoolId.eq(self.text()))
            .order_by_desc(own_entry::Column::At)
            .order_by_asc(own_entry::Column::Id)
            .limit(HISTORY_MAX)
            .all(self.db())
            .await
            .map_err(failed("own_entry_history"))?;
        rows.into_iter().map(own).collect()
    }
}

impl Write {
    pub async fn grant_add(&mut self, grant: &NewGrant) -> Result<(), RecordsError> {
        const OPERATION: &str = "grant_add";
        let note = Note::new(OPERATION, grant)?;
        let row = case_grant::Model {
            school_id: self.text().to_owned(),
            id: grant.id.to_string(),
            control: grant.control.to_string(),
            case_id: grant.case.to_string(),
            target: to_json(OPERATION, &grant.target)?,
            audience: to_json(OPERATION, &grant.audience)?,
            from_at: micros(grant.from),
            until_at: micros(grant.until),
            ended_at: None,
            ended_by: None,
        };
        let insert = case_grant::Entity::insert(row.into_active_model().reset_all());
        insert.exec_without_returning(self.noting(OPERATION, note)).await.map_err(failed(OPERATION))?;
        self.finished(())
    }

    /// Ends a grant now. One that has ended already is [`RecordsError::Absent`].
    pub async fn grant_end(&mut self, id: &GrantId) -> Result<(), RecordsError> {
        const OPERATION: &str = "grant_end";
        let note = Note::new(OPERATION, &json!({ "grant": id }))?;
        let update = case_grant::Entity::update_many()
            .col_expr(case_grant::Column::EndedAt, Expr::value(Some(micros(self.at))))
            .col_expr(case_grant::Column::EndedBy, Expr::value(Some(self.actor.to_string())))
            .filter(case_grant::Column::SchoolId.eq(self.text()))
            .filter(case_grant::Column::Id.eq(id.as_str()))
            .filter(case_grant::Column::EndedAt.is_null());
        let done = update.exec(self.noting(OPERATION, note)).await.map_err(failed(OPERATION))?;
        self.one_of(OPERATION, "grant in force", done.rows_affected)
    }

    pub async fn urgent_add(&mut self, block: &NewUrgentBlock) -> Result<(), RecordsError> {
        const OPERATION: &str = "urgent_add";
        let note = Note::new(OPERATION, block)?;
        let row = urgent_block::Model {
            school_id: self.text().to_owned(),
            id: block.id.to_string(),
            target: to_json(OPERATION, &block.target)?,
            by_person: self.actor.to_string(),
            from_at: micros(block.from),
            until_at: micros(block.until),
            confirmed_by: None,
            ended_at: None,
            ended_by: None,
        };
        let insert = urgent_block::Entity::insert(row.into_active_model().reset_all());
        insert.exec_without_returning(self.noting(OPERATION, note)).await.map_err(failed(OPERATION))?;
        self.finished(())
    }

    /// Lets an urgent block stand until `until` instead of ending by itself.
    pub async fn urgent_confirm(&mut self, id: &GrantId, until: Timestamp) -> Result<(), RecordsError> {
        const OPERATION: &str = "urgent_confirm";
        let note = Note::new(OPERATION, &json!({ "block": id, "until": until }))?;
        let update = urgent_block::Entity::update_many()
            .col_expr(urgent_block::Column::UntilAt, Expr::value(micros(until)))
            .col_expr(urgent_block::Column::ConfirmedBy, Expr::value(Some(self.actor.to_string())))
            .filter(urgent_block::Column::SchoolId.eq(self.text()))
            .filter(urgent_block::Column::Id.eq(id.as_str()))
            .filter(urgent_block::Column::EndedAt.is_null());
        let done = update.exec(self.noting(OPERATION, note)).await.map_err(failed(OPERATION))?;
        self.one_of(OPERATION, "urgent block in force", done.rows_affected)
    }

    pub async fn urgent_end(&mut self, id: &GrantId) -> Result<(), RecordsError> {
        const OPERATION: &str = "urgent_end";
        let note = Note::new(OPERATION, &json!({ "block": id }))?;
        let update = urgent_block::Entity::update_many()
            .col_expr(urgent_block::Column::EndedAt, Expr::value(Some(micros(self.at))))
            .col_expr(urgent_block::Column::EndedBy, Expr::value(Some(self.actor.to_string())))
            .filter(urgent_block::Column::SchoolId.eq(self.text()))
            .filter(urgent_block::Column::Id.eq(id.as_str()))
            .filter(urgent_block::Column::EndedAt.is_null());
        let done = update.exec(self.noting(OPERATION, note)).await.map_err(failed(OPERATION))?;
        self.one_of(OPERATION, "urgent block in force", done.rows_affected)
    }

    /// Adds an entry and answers its id.
    pub async fn own_entry_add(&mut self, entry: &NewOwnEntry) -> Result<Box<str>, RecordsError> {
        const OPERATION: &str = "own_entry_add";
        let id = fresh_id(OPERATION)?;
        let note = Note::new(OPERATION, &json!({ "id": id, "entry": entry }))?;
        let row = own_entry::Model {
            school_id: self.text().to_owned(),
            id: id.clone(),
            host: entry.host.to_string(),
            path: entry.path.as_deref().map(str::to_owned),
            category: entry.category.to_string(),
            is_in: entry.is_in,
            by_person: self.actor.to_string(),
            at: micros(self.at),
            note: cut(&entry.note, NOTE_MAX).to_owned(),
            removed_at: None,
            removed_by: None,
        };
        let insert = own_entry::Entity::insert(row.into_active_model().reset_all());
        insert.exec_without_returning(self.noting(OPERATION, note)).await.map_err(failed(OPERATION))?;
        self.finished(id.into())
    }

    pub async fn own_entry_remove(&mut self, id: &str) -> Result<(), RecordsError> {
        const OPERATION: &str = "own_entry_remove";
        let note = Note::new(OPERATION, &json!({ "id": id }))?;
        let update = own_entry::Entity::update_many()
            .col_expr(own_entry::Column::RemovedAt, Expr::value(Some(micros(self.at))))
            .col_expr(own_entry::Column::RemovedBy, Expr::value(Some(self.actor.to_string())))
            .filter(own_entry::Column::SchoolId.eq(self.text()))
            .filter(own_entry::Column::Id.eq(id))
            .filter(own_entry::Column::RemovedAt.is_null());
        let done = update.exec(self.noting(OPERATION, note)).await.map_err(failed(OPERATION))?;
        self.one_of(OPERATION, "list entry", done.rows_affected)
    }
}
