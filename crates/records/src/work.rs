//! Statements of keepers, and notes about who was looked up.

use jiff::Timestamp;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use serde::Serialize;
use serde_json::json;

use crate::convert::{fresh_id, micros, time};
use crate::entity::statement;
use crate::error::failed;
use crate::journal::Note;
use crate::{Actor, RecordsError, SchoolStore, Write};

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
}
