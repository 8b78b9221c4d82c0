//! People: who they are here, how they are looked up, how they leave and how they are erased.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schoolgate_base::{Capacity, Group, PersonId};
use schoolgate_keys::random_bytes;
use sea_orm::sea_query::{Expr, ExprTrait, LikeExpr, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::convert::{fold, from_json, micros, parse, time, time_opt, to_json};
use crate::entity::{address_claim, erasure, journal_body, person, portal_session, signature};
use crate::error::{failed, keys};
use crate::journal::Note;
use crate::{Page, RecordsError, SchoolStore, Write};

const PAGE_MAX: u64 = 500;

/// A person of a school.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub id: PersonId,
    pub name: Box<str>,
    /// What they sign in with; any case.
    pub login: Option<Box<str>>,
    pub email: Option<Box<str>>,
    pub capacities: BTreeSet<Capacity>,
    /// Audiences: `pupils.ks2`, `staff.catering`.
    pub groups: BTreeSet<Group>,
    /// `6B`; as a group it is `class:6B`.
    pub classes: BTreeSet<Box<str>>,
    /// The key in the school's management information system.
    pub mis_id: Option<Box<str>>,
    /// A pupil's unique number.
    pub upn: Option<Box<str>>,
    pub active_from: Timestamp,
    /// Exclusive; `None` while nobody knows of an end.
    pub active_until: Option<Timestamp>,
}

impl Person {
    /// An id for somebody who is not known yet.
    pub fn fresh_id() -> Result<PersonId, RecordsError> {
        Ok(PersonId::from_random(random_bytes().map_err(keys("person_fresh_id"))?))
    }

    pub fn is_active(&self, at: Timestamp) -> bool {
        self.active_from <= at && self.active_until.is_none_or(|until| at < until)
    }
}

fn to_row(school: &str, person: &Person) -> Result<person::Model, RecordsError> {
    const OPERATION: &str = "person_put";
    let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
    Ok(person::Model {
        school_id: school.to_owned(),
        id: person.id.to_string(),
        name: person.name.to_string(),
        name_folded: fold(&person.name),
        login: text(&person.login),
        login_folded: person.login.as_deref().map(fold),
        email: text(&person.email),
        capacities: to_json(OPERATION, &person.capacities)?,
        groups: to_json(OPERATION, &person.groups)?,
        classes: to_json(OPERATION, &person.classes)?,
        mis_id: text(&person.mis_id),
        upn: text(&person.upn),
        active_from: micros(person.active_from),
        active_until: person.active_until.map(micros),
        password_hash: None,
        erased_at: None,
    })
}

fn from_row(row: person::Model) -> Result<Person, RecordsError> {
    Ok(Person {
        id: parse("person.id", &row.id)?,
        name: row.name.into(),
        login: row.login.map(Into::into),
        email: row.email.map(Into::into),
        capacities: from_json("person.capacities", &row.capacities)?,
        groups: from_json("person.groups", &row.groups)?,
        classes: from_json("person.classes", &row.classes)?,
        mis_id: row.mis_id.map(Into::into),
        upn: row.upn.map(Into::into),
        active_from: time("person.active_from", row.active_from)?,
        active_until: time_opt("person.active_until", row.active_until)?,
    })
}

impl SchoolStore {
    fn people(&self) -> sea_orm::Select<person::Entity> {
        person::Entity::find()
            .filter(person::Column::SchoolId.eq(self.text()))
            .filter(person::Column::ErasedAt.is_null())
    }

    pub async fn person_fetch(&self, id: &PersonId) -> Result<Option<Person>, RecordsError> {
        let row = self.people().filter(person::Column::Id.eq(id.as_str())).one(self.db()).await;
        row.map_err(failed("person_fetch"))?.map(from_row).transpose()
    }

    /// The person with this log-in, in any case; also one who has left, so that the caller can say so.
    pub async fn person_by_login(&self, login: &str) -> Result<Option<Person>, RecordsError> {
        let row = self.people().filter(person::Column::LoginFolded.eq(fold(login))).one(self.db()).await;
        row.map_err(failed("person_by_login"))?.map(from_row).transpose()
    }

    /// Everybody, also those who left, by name; `after` is [`Page::next`] of the page before. At most 500.
    pub async fn person_list(&self, after: Option<&str>, limit: u64) -> Result<Page<Person>, RecordsError> {
        const OPERATION: &str = "person_list";
        let limit = limit.clamp(1, PAGE_MAX);
        let mut query = self.people();
        if let Some(after) = after {
            let (name, id) = after.split_once('\n').unwrap_or((after, ""));
            let later = person::Column::NameFolded.gt(name);
            let same = person::Column::NameFolded.eq(name).and(person::Column::Id.gt(id));
            query = query.filter(Condition::any().add(later).add(same));
        }
        let rows = query
            .order_by_asc(person::Column::NameFolded)
            .order_by_asc(person::Column::Id)
            .limit(limit + 1)
            .all(self.db())
            .await
            .map_err(failed(OPERATION))?;
        Page::of(rows, limit, |row| format!("{}\n{}", row.name_folded, row.id), from_row)
    }

    /// Everybody who is here at `at`: what audiences are compiled from. The whole school in memory, a few megabytes.
    pub async fn person_active(&self, at: Timestamp) -> Result<Vec<Person>, RecordsError> {
        let at = micros(at);
        let not_over =
            Condition::any().add(person::Column::ActiveUntil.is_null()).add(person::Column::ActiveUntil.gt(at));
        let query = self.people().filter(person::Column::ActiveFrom.lte(at)).filter(not_over);
        let rows = query.order_by_asc(person::Column::Id).all(self.db()).await;
        rows.map_err(failed("person_active"))?.into_iter().map(from_row).collect()
    }

    /// People whose name or log-in holds `text`, whatever its case and accents; at most 50.
    pub async fn person_search(&self, text: &str, limit: u64) -> Result<Vec<Person>, RecordsError> {
        let folded = fold(text);
        if folded.is_empty() {
            return Ok(Vec::new());
        }
        let mut pattern = String::from("%");
        for character in folded.chars().take(100) {
            if matches!(character, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern.push('%');
        let like = |column: person::Column| Expr::col(column).like(LikeExpr::new(&pattern).escape('\\'));
        let found = Condition::any().add(like(person::Column::NameFolded)).add(like(person::Column::LoginFolded));
        let query = self.people().filter(found).order_by_asc(person::Column::NameFolded).limit(Ord::min(limit, 50));
        let rows = query.all(self.db()).await.map_err(failed("person_search"))?;
        rows.into_iter().map(from_row).collect()
    }

    /// What [`Write::password_set`] was given; `None` when the person has none or is not here.
    pub async fn password_get(&self, id: &PersonId) -> Result<Option<String>, RecordsError> {
        let row = self.people().filter(person::Column::Id.eq(id.as_str())).one(self.db()).await;
        Ok(row.map_err(failed("password_get"))?.and_then(|row| row.password_hash))
    }
}

impl Write {
    /// Adds a person, or replaces what is known of one with this id (never the password).
    pub async fn person_put(&mut self, person: &Person) -> Result<(), RecordsError> {
        const OPERATION: &str = "person_put";
        let note = Note::new(OPERATION, person)?.about(&person.id);
        let row = to_row(self.text(), person)?.into_active_model().reset_all();
        let mut replace = OnConflict::columns([person::Column::SchoolId, person::Column::Id]);
        replace.update_columns([
            person::Column::Name,
            person::Column::NameFolded,
            person::Column::Login,
            person::Column::LoginFolded,
            person::Column::Email,
            person::Column::Capacities,
            person::Column::Groups,
            person::Column::Classes,
            person::Column::MisId,
            person::Column::Upn,
            person::Column::ActiveFrom,
            person::Column::ActiveUntil,
        ]);
        let insert = person::Entity::insert(row).on_conflict(replace);
        insert.exec_without_returning(self.noting(OPERATION, note)).await.map_err(failed(OPERATION))?;
        self.finished(())
    }

    /// Says that a person is gone from `until` on. Their rows stay until retention takes them.
    pub async fn person_archive(&mut self, id: &PersonId, until: Timestamp) -> Result<(), RecordsError> {
        const OPERATION: &str = "person_archive";
        let note = Note::new(OPERATION, &json!({ "person": id, "until": until }))?.about(id);
        self.person_update(OPERATION, note, id, person::Column::ActiveUntil, Some(micros(until)).into()).await
    }

    /// Keeps a password hash (PHC text, as argon2 writes it). The journal says that, not what.
    pub async fn password_set(&mut self, id: &PersonId, hash: &str) -> Result<(), RecordsError> {
        const OPERATION: &str = "password_set";
        let note = Note::new(OPERATION, &json!({ "person": id }))?.about(id);
        self.person_update(OPERATION, note, id, person::Column::PasswordHash, Some(hash.to_owned()).into()).await
    }

    async fn person_update(
        &mut self,
        operation: &'static str,
        note: Note,
        id: &PersonId,
        column: person::Column,
        value: sea_orm::Value,
    ) -> Result<(), RecordsError> {
        let update = person::Entity::update_many()
            .col_expr(column, Expr::value(value))
            .filter(person::Column::SchoolId.eq(self.text()))
            .filter(person::Column::Id.eq(id.as_str()))
            .filter(person::Column::ErasedAt.is_null());
        let done = update.exec(self.noting(operation, note)).await.map_err(failed(operation))?;
        self.one_of(operation, "person", done.rows_affected)
    }

    /// Takes away who somebody was: name, log-in, keys, groups, password, sessions, from where they signed, and the
    /// bodies of all notes about them. Rows that refer to the id stay, and the erasure itself is kept so that a restored
    /// backup can honour it.
    pub async fn person_erase(&mut self, id: &PersonId, rule: &str) -> Result<(), RecordsError> {
        const OPERATION: &str = "person_erase";
        let note = Note::new(OPERATION, &json!({ "person": id, "rule": rule }))?;
        let at = micros(self.at);
        let school = self.text().to_owned();
        let blank = person::Entity::update_many()
            .col_expr(person::Column::Name, Expr::value(""))
            .col_expr(person::Column::NameFolded, Expr::value(""))
            .col_expr(person::Column::Login, Expr::value(None::<String>))
            .col_expr(person::Column::LoginFolded, Expr::value(None::<String>))
            .col_expr(person::Column::Email, Expr::value(None::<String>))
            .col_expr(person::Column::Groups, Expr::value("[]"))
            .col_expr(person::Column::Classes, Expr::value("[]"))
            .col_expr(person::Column::MisId, Expr::value(None::<String>))
            .col_expr(person::Column::Upn, Expr::value(None::<String>))
            .col_expr(person::Column::PasswordHash, Expr::value(None::<String>))
            .col_expr(person::Column::ErasedAt, Expr::value(Some(at)))
            .filter(person::Column::SchoolId.eq(&school))
            .filter(person::Column::Id.eq(id.as_str()));
        let forget = journal_body::Entity::update_many()
            .col_expr(journal_body::Column::Salt, Expr::value(None::<Vec<u8>>))
            .col_expr(journal_body::Column::Bytes, Expr::value(None::<Vec<u8>>))
            .col_expr(journal_body::Column::ErasedByRule, Expr::value(Some(rule.to_owned())))
            .col_expr(journal_body::Column::ErasedAt, Expr::value(Some(at)))
            .filter(journal_body::Column::SchoolId.eq(&school))
            .filter(journal_body::Column::About.eq(id.as_str()))
            .filter(journal_body::Column::Bytes.is_not_null());
        let signed = signature::Entity::update_many()
            .col_expr(signature::Column::Address, Expr::value(""))
            .col_expr(signature::Column::Browser, Expr::value(""))
            .col_expr(signature::Column::Difference, Expr::value(None::<String>))
            .filter(signature::Column::SchoolId.eq(&school))
            .filter(signature::Column::Person.eq(id.as_str()));
        let sessions = portal_session::Entity::delete_many()
            .filter(portal_session::Column::SchoolId.eq(&school))
            .filter(portal_session::Column::Person.eq(id.as_str()));
        let claims = address_claim::Entity::delete_many()
            .filter(address_claim::Column::SchoolId.eq(&school))
            .filter(address_claim::Column::Person.eq(id.as_str()));
        let kept = erasure::Model { school_id: school, person: id.to_string(), rule: rule.to_owned(), at };
        let mut once = OnConflict::columns([erasure::Column::SchoolId, erasure::Column::Person]);
        once.update_columns([erasure::Column::Rule, erasure::Column::At]);
        let keep = erasure::Entity::insert(kept.into_active_model().reset_all()).on_conflict(once);
        let txn = self.noting(OPERATION, note);
        let done = blank.exec(txn).await.map_err(failed(OPERATION))?;
        if done.rows_affected == 0 {
            return Err(RecordsError::Absent { operation: OPERATION, kind: "person" });
        }
        forget.exec(txn).await.map_err(failed(OPERATION))?;
        signed.exec(txn).await.map_err(failed(OPERATION))?;
        sessions.exec(txn).await.map_err(failed(OPERATION))?;
        claims.exec(txn).await.map_err(failed(OPERATION))?;
        keep.exec_without_returning(txn).await.map_err(failed(OPERATION))?;
        self.finished(())
    }
}
