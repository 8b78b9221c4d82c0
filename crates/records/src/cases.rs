//! Cases and who is a party to them.
//!
//! A sealed case is a row with an id, a time and a blob: what it is, whom it is about and who is a party are inside or
//! keyed. For whoever is not a party it is absent from every answer here, also from how pages are cut.

use std::collections::BTreeSet;
use std::fmt;

use schoolgate_base::{CaseId, ControlId, PersonId, Role};
use schoolgate_cases::{Body, Case, CaseState};
use schoolgate_keys::{KeyHolder, SealedBlob};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::convert::{corrupt, from_json, micros, parse, to_json};
use crate::entity::{case_file, case_party};
use crate::error::{failed, keys};
use crate::journal::Note;
use crate::sealed::{read_sealed, readable};
use crate::{Page, RecordsError, SchoolStore, Write};

const PAGE_MAX: u64 = 200;

/// Who may see a case that is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Privacy {
    /// Readable in the database; the parties find it in their lists.
    Open { parties: Vec<KeyHolder> },
    /// Readable with the keys of these alone.
    Sealed { to: Vec<KeyHolder> },
}

/// Whoever looks: a person, with the offices that count for this look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    pub person: PersonId,
    pub offices: BTreeSet<Role>,
}

impl Viewer {
    fn holders(&self) -> Vec<KeyHolder> {
        let offices = self.offices.iter().cloned().map(KeyHolder::Office);
        std::iter::once(KeyHolder::Person(self.person.clone())).chain(offices).collect()
    }
}

/// Which of a viewer's cases a list is about. Chosen in the database, so that the other ones, however many, neither
/// fill a page nor push anything off it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Cases that are not sealed.
    Open,
    /// Cases that are not sealed and in [`CaseState::Open`].
    OpenWaiting,
    Sealed,
}

impl Wanted {
    fn condition(self) -> Result<Condition, RecordsError> {
        let is_sealed = |is_sealed: bool| Condition::all().add(case_file::Column::IsSealed.eq(is_sealed));
        Ok(match self {
            Self::Open => is_sealed(false),
            Self::OpenWaiting => {
                let state = state_text("case_list_for", CaseState::Open)?;
                is_sealed(false).add(case_file::Column::State.eq(state))
            }
            Self::Sealed => is_sealed(true),
        })
    }
}

/// A case that was read, ready to be changed and given to [`Write::case_append`].
#[derive(Clone, PartialEq, Eq)]
pub struct CaseFile {
    pub case: Case,
    pub(crate) is_sealed: bool,
    revision: i64,
    pub(crate) parties: Vec<KeyHolder>,
}

impl CaseFile {
    pub fn is_sealed(&self) -> bool {
        self.is_sealed
    }

    pub fn parties(&self) -> &[KeyHolder] {
        &self.parties
    }

    /// Lets one more see the case, from the next [`Write::case_append`] on.
    pub fn party_add(&mut self, holder: KeyHolder) {
        if !self.parties.contains(&holder) {
            self.parties.push(holder);
        }
    }
}

/// Without what it says: a sealed case must not get into a log by a stray `{:?}`.
impl fmt::Debug for CaseFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CaseFile({}, revision {})", self.case.id, self.revision)
    }
}

/// What a row holds: in clear, or as the content of its blob.
#[derive(Serialize, Deserialize)]
pub(crate) struct Content {
    case: Case,
    parties: Vec<Party>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Party {
    Office(Role),
    Person(PersonId),
}

impl From<&KeyHolder> for Party {
    fn from(holder: &KeyHolder) -> Self {
        match holder {
            KeyHolder::Office(role) => Self::Office(role.clone()),
            KeyHolder::Person(person) => Self::Person(person.clone()),
        }
    }
}

impl From<Party> for KeyHolder {
    fn from(party: Party) -> Self {
        match party {
            Party::Office(role) => Self::Office(role),
            Party::Person(person) => Self::Person(person),
        }
    }
}

pub(crate) fn of_school(school: &str) -> sea_orm::Select<case_file::Entity> {
    case_file::Entity::find().filter(case_file::Column::SchoolId.eq(school))
}

pub(crate) fn file(content: Content, row_revision: i64, is_sealed: bool) -> CaseFile {
    let parties = content.parties.into_iter().map(Into::into).collect();
    CaseFile { case: content.case, is_sealed, revision: row_revision, parties }
}

fn read_open(row: &case_file::Model) -> Result<CaseFile, RecordsError> {
    let missing = || RecordsError::Corrupt { column: "case_file.body", source: "an open case without body".into() };
    let content = from_json("case_file.body", row.body.as_deref().ok_or_else(missing)?)?;
    Ok(file(content, row.revision, false))
}

fn state_text(operation: &'static str, state: CaseState) -> Result<String, RecordsError> {
    Ok(to_json(operation, &state)?.trim_matches('"').to_owned())
}

pub(crate) fn row_key(row: &case_file::Model) -> String {
    format!("{}:{}", row.opened_at, row.id)
}

/// Later pages of a list that is newest first.
pub(crate) fn before(after: &str) -> Result<Condition, RecordsError> {
    let (at, id) = after.split_once(':').unwrap_or((after, ""));
    let at: i64 = parse("page", at)?;
    let same = case_file::Column::OpenedAt.eq(at).and(case_file::Column::Id.gt(id));
    Ok(Condition::any().add(case_file::Column::OpenedAt.lt(at)).add(same))
}

impl SchoolStore {
    /// The case, if the viewer is a party to it and it is not about them.
    pub async fn case_fetch_for(&self, viewer: &Viewer, id: &CaseId) -> Result<Option<CaseFile>, RecordsError> {
        const OPERATION: &str = "case_fetch_for";
        let query = of_school(self.text()).filter(case_file::Column::Id.eq(id.as_str()));
        let query = query.filter(self.is_party(viewer));
        match query.one(self.db()).await.map_err(failed(OPERATION))? {
            Some(row) => self.read_for(OPERATION, viewer, &row),
            None => Ok(None),
        }
    }

    /// The viewer's cases, newest first; `after` is [`Page::next`] of the page before. At most 200.
    pub async fn case_list_for(
        &self,
        viewer: &Viewer,
        wanted: Wanted,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Page<CaseFile>, RecordsError> {
        const OPERATION: &str = "case_list_for";
        let limit = usize::try_from(limit.clamp(1, PAGE_MAX)).unwrap_or(1);
        let mut items = Vec::new();
        let mut last = after.map(str::to_owned);
        let mut keys = Vec::new();
        // Rows that the viewer may not see are skipped, not counted: a page shorter by one would tell.
        while items.len() <= limit {
            let mut query = of_school(self.text()).filter(self.is_party(viewer)).filter(wanted.condition()?);
            if let Some(last) = &last {
                query = query.filter(before(last)?);
            }
            let rows = query
                .order_by_desc(case_file::Column::OpenedAt)
                .order_by_asc(case_file::Column::Id)
                .limit(PAGE_MAX)
                .all(self.db())
                .await
                .map_err(failed(OPERATION))?;
            for row in &rows {
                if let Some(file) = readable(row, self.read_for(OPERATION, viewer, row))?.flatten() {
                    items.push(file);
                    keys.push(row_key(row));
                }
            }
            match rows.last() {
                Some(row) if rows.len() as u64 == PAGE_MAX => last = Some(row_key(row)),
                _ => break,
            }
        }
        let next = if limit < items.len() { keys.get(limit - 1).cloned() } else { None };
        items.truncate(limit);
        Ok(Page { items, next })
    }

    /// Cases that are not sealed, newest first, for the program itself: clocks, publishes, evidence.
    pub async fn case_list_open(
        &self,
        control: Option<&ControlId>,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Page<CaseFile>, RecordsError> {
        let limit = limit.clamp(1, PAGE_MAX);
        let mut query = of_school(self.text()).filter(case_file::Column::IsSealed.eq(false));
        if let Some(control) = control {
            query = query.filter(case_file::Column::Control.eq(control.to_string()));
        }
        if let Some(after) = after {
            query = query.filter(before(after)?);
        }
        let rows = query
            .order_by_desc(case_file::Column::OpenedAt)
            .order_by_asc(case_file::Column::Id)
            .limit(limit + 1)
            .all(self.db())
            .await
            .map_err(failed("case_list_open"))?;
        Page::of(rows, limit, row_key, |row| read_open(&row))
    }

    /// A case that is not sealed, for the program itself.
    pub async fn case_fetch_open(&self, id: &CaseId) -> Result<Option<CaseFile>, RecordsError> {
        let query = of_school(self.text())
            .filter(case_file::Column::Id.eq(id.as_str()))
            .filter(case_file::Column::IsSealed.eq(false));
        let row = query.one(self.db()).await.map_err(failed("case_fetch_open"))?;
        row.as_ref().map(read_open).transpose()
    }

    fn is_party(&self, viewer: &Viewer) -> Condition {
        let pseudonyms = self.store.keys.pseudonyms();
        let tags = viewer.holders().iter().map(|holder| pseudonyms.party(&self.school, holder)).collect::<Vec<_>>();
        let mut cases = Query::select();
        cases
            .column(case_party::Column::CaseId)
            .from(case_party::Entity)
            .and_where(case_party::Column::SchoolId.eq(self.text()))
            .and_where(case_party::Column::Party.is_in(tags));
        Condition::all().add(case_file::Column::Id.in_subquery(cases))
    }

    fn read_for(
        &self,
        operation: &'static str,
        viewer: &Viewer,
        row: &case_file::Model,
    ) -> Result<Option<CaseFile>, RecordsError> {
        if row.sealed.is_none() {
            return read_open(row).map(Some);
        }
        let file = read_sealed(row, |blob| {
            for holder in viewer.holders() {
                if let Some(bytes) = self.store.keys.open_with(&holder, blob).map_err(keys(operation))? {
                    return Ok(Some(bytes));
                }
            }
            Ok(None)
        })?;
        // Whatever office they hold: nobody reads a report about themselves.
        let is_about_viewer = |file: &CaseFile| match &file.case.body {
            Body::Report { subjects, .. } => subjects.contains(&viewer.person),
            Body::Request { .. } => false,
        };
        Ok(file.filter(|file| !is_about_viewer(file)))
    }
}

impl Write {
    /// Keeps a new case.
    pub async fn case_open(&mut self, case: &Case, privacy: Privacy) -> Result<(), RecordsError> {
        const OPERATION: &str = "case_open";
        self.case_is_ours(OPERATION, case)?;
        let (is_sealed, parties) = match privacy {
            Privacy::Open { parties } => (false, parties),
            Privacy::Sealed { to } => (true, to),
        };
        let file = CaseFile { case: case.clone(), is_sealed, revision: 1, parties };
        let (row, note) = self.case_row(OPERATION, &file, 0)?;
        let parties = self.party_rows(&file);
        let insert = case_file::Entity::insert(row.into_active_model().reset_all());
        let txn = self.noting(OPERATION, note);
        insert.exec_without_returning(txn).await.map_err(failed(OPERATION))?;
        parties_put(OPERATION, txn, parties).await?;
        self.finished(())
    }

    /// Keeps a case that was read and changed. Its trail may have grown but not changed; [`RecordsError::Stale`] when
    /// somebody else changed the case since it was read.
    pub async fn case_append(&mut self, file: &CaseFile) -> Result<(), RecordsError> {
        const OPERATION: &str = "case_append";
        self.case_is_ours(OPERATION, &file.case)?;
        let query = of_school(self.text()).filter(case_file::Column::Id.eq(file.case.id.as_str()));
        let row = query.one(self.reading()).await.map_err(failed(OPERATION))?;
        let row = row.ok_or(RecordsError::Absent { operation: OPERATION, kind: "case" })?;
        if row.revision != file.revision {
            return Err(RecordsError::Stale { operation: OPERATION });
        }
        let before = self.case_before(OPERATION, file, &row)?;
        if !file.case.trail.starts_with(&before.trail) {
            return Err(RecordsError::Refused { operation: OPERATION, reason: "a trail is only appended to" });
        }
        if (&file.case.pin, &file.case.by, file.case.opened_at) != (&before.pin, &before.by, before.opened_at) {
            return Err(RecordsError::Refused {
                operation: OPERATION,
                reason: "what a case began with does not change",
            });
        }
        let next = CaseFile { revision: file.revision + 1, ..file.clone() };
        let (row, note) = self.case_row(OPERATION, &next, before.trail.len())?;
        let parties = self.party_rows(&next);
        let update = case_file::Entity::update_many()
            .col_expr(case_file::Column::State, Expr::value(row.state))
            .col_expr(case_file::Column::DueAt, Expr::value(row.due_at))
            .col_expr(case_file::Column::Revision, Expr::value(row.revision))
            .col_expr(case_file::Column::Body, Expr::value(row.body))
            .col_expr(case_file::Column::Sealed, Expr::value(row.sealed))
            .filter(case_file::Column::SchoolId.eq(self.text()))
            .filter(case_file::Column::Id.eq(row.id));
        let txn = self.noting(OPERATION, note);
        update.exec(txn).await.map_err(failed(OPERATION))?;
        parties_put(OPERATION, txn, parties).await?;
        self.finished(())
    }

    pub(crate) fn case_is_ours(&self, operation: &'static str, case: &Case) -> Result<(), RecordsError> {
        match case.school == self.school {
            true => Ok(()),
            false => Err(RecordsError::Refused { operation, reason: "the case is another school's" }),
        }
    }

    fn case_before(
        &self,
        operation: &'static str,
        file: &CaseFile,
        row: &case_file::Model,
    ) -> Result<Case, RecordsError> {
        let Some(sealed) = &row.sealed else { return Ok(read_open(row)?.case) };
        let blob = SealedBlob::from_bytes(sealed.clone());
        for holder in &file.parties {
            if let Some(bytes) = self.keys.open_with(holder, &blob).map_err(keys(operation))? {
                let content: Content = serde_json::from_slice(&bytes).map_err(corrupt("case_file.sealed"))?;
                return Ok(content.case);
            }
        }
        Err(RecordsError::Absent { operation, kind: "case" })
    }

    /// The row of a case and the note about it; `told` entries of its trail are in the journal already.
    fn case_row(
        &self,
        operation: &'static str,
        file: &CaseFile,
        told: usize,
    ) -> Result<(case_file::Model, Note), RecordsError> {
        let case = &file.case;
        let content = Content { case: case.clone(), parties: file.parties.iter().map(Into::into).collect() };
        let mut row = case_file::Model {
            school_id: self.text().to_owned(),
            id: case.id.to_string(),
            is_sealed: file.is_sealed,
            control: None,
            version: None,
            state: None,
            by_person: None,
            due_at: None,
            opened_at: micros(case.opened_at),
            revision: file.revision,
            body: None,
            sealed: None,
        };
        if file.is_sealed {
            let bytes = serde_json::to_vec(&content).map_err(|source| RecordsError::Encode { operation, source })?;
            let blob = self.keys.seal_to(&file.parties, &bytes).map_err(keys(operation))?;
            row.sealed = Some(blob.as_bytes().to_vec());
            return Ok((row, Note::sealed(operation, blob.into_bytes())));
        }
        row.control = Some(case.pin.control.to_string());
        row.version = Some(case.pin.version.to_string());
        row.state = Some(state_text(operation, case.state)?);
        row.by_person = Some(case.by.to_string());
        row.due_at = case.due_at.map(micros);
        row.body = Some(to_json(operation, &content)?);
        let new = case.trail.get(told..).unwrap_or_default();
        let mut body = json!({ "case": case.id, "state": case.state, "trail": new });
        if told == 0 {
            body = json!({ "case": case, "parties": content.parties });
        }
        Ok((row, Note::new(operation, &body)?.about(&case.by)))
    }

    fn party_rows(&self, file: &CaseFile) -> Vec<case_party::ActiveModel> {
        let tag = |holder: &KeyHolder| {
            let row = case_party::Model {
                school_id: self.text().to_owned(),
                case_id: file.case.id.to_string(),
                party: self.keys.pseudonyms().party(&self.school, holder),
            };
            row.into_active_model().reset_all()
        };
        file.parties.iter().map(tag).collect()
    }
}

async fn parties_put(
    operation: &'static str,
    txn: &sea_orm::DatabaseTransaction,
    rows: Vec<case_party::ActiveModel>,
) -> Result<(), RecordsError> {
    let columns = [case_party::Column::SchoolId, case_party::Column::CaseId, case_party::Column::Party];
    for row in rows {
        let mut once = OnConflict::columns(columns);
        once.do_nothing();
        let insert = case_party::Entity::insert(row).on_conflict(once);
        insert.exec_without_returning(txn).await.map_err(failed(operation))?;
    }
    Ok(())
}
