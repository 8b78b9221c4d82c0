//! Who holds which office when, and who is tied to whom.

use jiff::Timestamp;
use schoolgate_base::{PersonId, Role};
use schoolgate_cases::{Offices, Tie, TieKind};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use serde::Serialize;
use serde_json::json;

use crate::convert::{corrupt, fresh_id, micros, parse, time, time_opt};
use crate::entity::{person_tie, role_holding};
use crate::error::failed;
use crate::journal::Note;
use crate::{RecordsError, SchoolStore, Write};

/// A person in an office, from one moment to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoleHolding {
    pub id: Box<str>,
    pub role: Role,
    pub person: PersonId,
    pub is_deputy: bool,
    pub from: Timestamp,
    /// Exclusive.
    pub until: Option<Timestamp>,
}

/// A declared tie with its dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredTie {
    pub id: Box<str>,
    pub tie: Tie,
    pub declared_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

fn holding(row: role_holding::Model) -> Result<RoleHolding, RecordsError> {
    Ok(RoleHolding {
        id: row.id.into(),
        role: Role::new(&row.role),
        person: parse("role_holding.person", &row.person)?,
        is_deputy: row.is_deputy,
        from: time("role_holding.from_at", row.from_at)?,
        until: time_opt("role_holding.until_at", row.until_at)?,
    })
}

fn tie_word(kind: TieKind) -> &'static str {
    match kind {
        TieKind::Relative => "relative",
        TieKind::Manages => "manages",
    }
}

fn declared(row: person_tie::Model) -> Result<DeclaredTie, RecordsError> {
    let kind = match row.kind.as_str() {
        "relative" => TieKind::Relative,
        "manages" => TieKind::Manages,
        other => {
            let source = std::io::Error::other(format!("no tie is called `{other}`"));
            return Err(corrupt("person_tie.kind")(source));
        }
    };
    let from = parse("person_tie.from_person", &row.from_person)?;
    let to = parse("person_tie.to_person", &row.to_person)?;
    Ok(DeclaredTie {
        id: row.id.into(),
        tie: Tie { kind, from, to },
        declared_at: time("person_tie.declared_at", row.declared_at)?,
        ended_at: time_opt("person_tie.ended_at", row.ended_at)?,
    })
}

impl SchoolStore {
    /// Every holding there ever was, by office and date.
    pub async fn role_list(&self) -> Result<Vec<RoleHolding>, RecordsError> {
        let rows = role_holding::Entity::find()
            .filter(role_holding::Column::SchoolId.eq(self.text()))
            .order_by_asc(role_holding::Column::Role)
            .order_by_asc(role_holding::Column::FromAt)
            .order_by_asc(role_holding::Column::Id)
            .all(self.db())
            .await
            .map_err(failed("role_list"))?;
        rows.into_iter().map(holding).collect()
    }

    /// Who holds an office at `at`, holders before deputies.
    pub async fn role_holders(&self, role: &Role, at: Timestamp) -> Result<Vec<RoleHolding>, RecordsError> {
        let at = micros(at);
        let not_over =
            Condition::any().add(role_holding::Column::UntilAt.is_null()).add(role_holding::Column::UntilAt.gt(at));
        let rows = role_holding::Entity::find()
            .filter(role_holding::Column::SchoolId.eq(self.text()))
            .filter(role_holding::Column::Role.eq(role.as_str()))
            .filter(role_holding::Column::FromAt.lte(at))
            .filter(not_over)
            .order_by_asc(role_holding::Column::IsDeputy)
            .order_by_asc(role_holding::Column::Person)
            .all(self.db())
            .await
            .map_err(failed("role_holders"))?;
        rows.into_iter().map(holding).collect()
    }

    /// All offices and ties as conflicts are computed from them: people who are here at `at` only.
    pub async fn offices(&self, at: Timestamp) -> Result<Offices, RecordsError> {
        let here = self.person_active(at).await?;
        let is_here = |person: &PersonId| here.iter().any(|one| &one.id == person);
        let mut offices = Offices::default();
        for holding in self.role_list().await? {
            let holds = holding.from <= at && holding.until.is_none_or(|until| at < until);
            if holds && is_here(&holding.person) {
                offices.add(holding.role, holding.person, holding.is_deputy);
            }
        }
        let ties = self.tie_list().await?;
        offices.ties = ties
            .into_iter()
            .filter(|tie| tie.declared_at <= at && tie.ended_at.is_none_or(|end| at < end))
            .map(|tie| tie.tie)
            .collect();
        Ok(offices)
    }

    /// Every tie there ever was, oldest first.
    pub async fn tie_list(&self) -> Result<Vec<DeclaredTie>, RecordsError> {
        let rows = person_tie::Entity::find()
            .filter(person_tie::Column::SchoolId.eq(self.text()))
            .order_by_asc(person_tie::Column::DeclaredAt)
            .order_by_asc(person_tie::Column::Id)
            .all(self.db())
            .await
            .map_err(failed("tie_list"))?;
        rows.into_iter().map(declared).collect()
    }
}

impl Write {
    /// Puts a person into an office and answers the id of the holding.
    pub async fn role_assign(
        &mut self,
        role: &Role,
        person: &PersonId,
        is_deputy: bool,
        from: Timestamp,
        until: Option<Timestamp>,
    ) -> Result<Box<str>, RecordsError> {
        const OPERATION: &str = "role_assign";
        let id = fresh_id(OPERATION)?;
        let body =
            RoleHolding { id: id.as_str().into(), role: role.clone(), person: person.clone(), is_deputy, from, until };
        let note = Note::new(OPERATION, &body)?.about(person);
        let row = role_holding::Model {
            school_id: self.text().to_owned(),
            id,
            role: role.to_string(),
            person: person.to_string(),
            is_deputy,
            from_at: micros(from),
            until_at: until.map(micros),
        };
        let insert = role_holding::Entity::insert(row.into_active_model().reset_all());
        insert.exec_without_returning(self.noting(OPERATION, note)).await.map_err(failed(OPERATION))?;
        self.finished(body.id)
    }

    /// Ends a holding at `until`.
    pub async fn role_end(&mut self, id: &str, until: Timestamp) -> Result<(), RecordsError> {
        const OPERATION: &str = "role_end";
        let note = Note::new(OPERATION, &json!({ "id": id, "until": until }))?;
        let update = role_holding::Entity::update_many()
            .col_expr(role_holding::Column::UntilAt, Expr::value(Some(micros(until))))
            .filter(role_holding::Column::SchoolId.eq(self.text()))
            .filter(role_holding::Column::Id.eq(id));
        let done = update.exec(self.noting(OPERATION, note)).await.map_err(failed(OPERATION))?;
        self.one_of(OPERATION, "holding of an office", done.rows_affected)
    }

    /// Writes down that two people are tied, and answers the id of the tie.
    pub async fn tie_declare(&mut self, tie: &Tie) -> Result<Box<str>, RecordsError> {
        const OPERATION: &str = "tie_declare";
        let id = fresh_id(OPERATION)?;
        let note = Note::new(OPERATION, &json!({ "id": id, "tie": tie }))?.about(&tie.from);
        let row = person_tie::Model {
            school_id: self.text().to_owned(),
            id: id.clone(),
            kind: tie_word(tie.kind).to_owned(),
            from_person: tie.from.to_string(),
            to_person: tie.to.to_string(),
            declared_at: micros(self.at),
            ended_at: None,
        };
        let insert = person_tie::Entity::insert(row.into_active_model().reset_all());
        insert.exec_without_returning(self.noting(OPERATION, note)).await.map_err(failed(OPERATION))?;
        self.finished(id.into())
    }

    pub async fn tie_end(&mut self, id: &str) -> Result<(), RecordsError> {
        const OPERATION: &str = "tie_end";
        let note = Note::new(OPERATION, &json!({ "id": id }))?;
        let update = person_tie::Entity::update_many()
            .col_expr(person_tie::Column::EndedAt, Expr::value(Some(micros(self.at))))
            .filter(person_tie::Column::SchoolId.eq(self.text()))
            .filter(person_tie::Column::Id.eq(id))
            .filter(person_tie::Column::EndedAt.is_null());
        let done = update.exec(self.noting(OPERATION, note)).await.map_err(failed(OPERATION))?;
        self.one_of(OPERATION, "tie", done.rows_affected)
    }
}
