//! Sealed cases as the program itself sees them: whom they are to reach, whether they can be opened, who opened them.
//!
//! What a party sees of them is in [`crate::cases`].

use schoolgate_base::{CaseId, PersonId};
use schoolgate_keys::{KeyHolder, SealedBlob};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;
use tracing::error;

use crate::cases::{before, file, of_school, row_key};
use crate::convert::corrupt;
use crate::entity::case_file;
use crate::error::{failed, keys};
use crate::journal::Note;
use crate::{CaseFile, Page, RecordsError, SchoolStore, Write};

/// Sealed cases opened at once with every key there is.
const SEALED_PAGE: u64 = 50;

/// Sealed cases that could not be opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unopened {
    /// By any key here, or damaged: nobody can read them.
    pub count: u64,
    /// Not tried, since the keys are not here.
    pub untried: u64,
}

impl SchoolStore {
    /// Whether somebody sent this sealed case; also one about themselves, which they cannot open.
    pub async fn case_is_sealed_by(&self, by: &PersonId, id: &CaseId) -> Result<bool, RecordsError> {
        const OPERATION: &str = "case_is_sealed_by";
        let query = of_school(self.text()).filter(case_file::Column::Id.eq(id.as_str()));
        let query = query.filter(case_file::Column::IsSealed.eq(true));
        let Some(row) = query.one(self.db()).await.map_err(failed(OPERATION))? else { return Ok(false) };
        let holder = KeyHolder::Person(by.clone());
        let open = |blob: &SealedBlob| self.store.keys.open_with(&holder, blob).map_err(keys(OPERATION));
        Ok(read_sealed(&row, open)?.is_some_and(|file| &file.case.by == by))
    }

    /// Sealed cases, newest first, opened with whatever key opens them: for the program itself, which seals them to
    /// whoever they have come to reach. At most 50 rows are looked at; what cannot be opened is left out and logged.
    pub async fn case_list_sealed(&self, after: Option<&str>) -> Result<Page<CaseFile>, RecordsError> {
        const OPERATION: &str = "case_list_sealed";
        let mut query = of_school(self.text()).filter(case_file::Column::IsSealed.eq(true));
        if let Some(after) = after {
            query = query.filter(before(after)?);
        }
        let rows = query
            .order_by_desc(case_file::Column::OpenedAt)
            .order_by_asc(case_file::Column::Id)
            .limit(SEALED_PAGE)
            .all(self.db())
            .await
            .map_err(failed(OPERATION))?;
        let next = rows.last().filter(|_| rows.len() as u64 == SEALED_PAGE).map(row_key);
        let mut items = Vec::new();
        for row in &rows {
            let read = read_sealed(row, |blob| self.store.keys.open_with_any(blob).map_err(keys(OPERATION)));
            items.extend(readable(
                row,
                read.and_then(|file| file.ok_or(RecordsError::Unopened { operation: OPERATION })),
            )?);
        }
        Ok(Page { items, next })
    }

    /// Sealed cases that none of the keys opens: those whose keys came from an older export, and damaged ones.
    pub(crate) async fn sealed_unopened(&self) -> Result<Unopened, RecordsError> {
        const OPERATION: &str = "sealed_unopened";
        let mut found = Unopened::default();
        let mut last = String::new();
        loop {
            let rows = of_school(self.text())
                .filter(case_file::Column::IsSealed.eq(true))
                .filter(case_file::Column::Id.gt(&last))
                .order_by_asc(case_file::Column::Id)
                .limit(SEALED_PAGE)
                .all(self.db())
                .await
                .map_err(failed(OPERATION))?;
            let Some(end) = rows.last() else { return Ok(found) };
            last.clone_from(&end.id);
            for row in &rows {
                match read_sealed(row, |blob| self.store.keys.open_with_any(blob).map_err(keys(OPERATION))) {
                    Ok(Some(_)) => {}
                    Err(error) if error.is_unavailable() => found.untried += 1,
                    Ok(None) | Err(_) => found.count += 1,
                }
            }
        }
    }
}

impl Write {
    /// Writes down that a party opened a sealed case: in the chain of sealed cases, for whoever can open it.
    pub async fn case_read_note(&mut self, file: &CaseFile, by: &PersonId) -> Result<(), RecordsError> {
        const OPERATION: &str = "case_read_note";
        self.case_is_ours(OPERATION, &file.case)?;
        if !file.is_sealed {
            return Err(RecordsError::Refused { operation: OPERATION, reason: "the case is not sealed" });
        }
        let body = json!({ "case": file.case.id, "read_by": by });
        let bytes =
            serde_json::to_vec(&body).map_err(|source| RecordsError::Encode { operation: OPERATION, source })?;
        let blob = self.keys.seal_to(&file.parties, &bytes).map_err(keys(OPERATION))?;
        let _ = self.noting(OPERATION, Note::sealed(OPERATION, blob.into_bytes()));
        self.finished(())
    }
}

/// The content of a sealed row, as `open` opens its blob.
pub(crate) fn read_sealed(
    row: &case_file::Model,
    open: impl FnOnce(&SealedBlob) -> Result<Option<Vec<u8>>, RecordsError>,
) -> Result<Option<CaseFile>, RecordsError> {
    let missing =
        || RecordsError::Corrupt { column: "case_file.sealed", source: "a sealed case without content".into() };
    let blob = SealedBlob::from_bytes(row.sealed.clone().ok_or_else(missing)?);
    let Some(bytes) = open(&blob)? else { return Ok(None) };
    let content = serde_json::from_slice(&bytes).map_err(corrupt("case_file.sealed"))?;
    Ok(Some(file(content, row.revision, true)))
}

/// What of a list can be read: one damaged row must not take the others away.
/// That nobody can open anything now is no damage, and must not look like an empty list.
pub(crate) fn readable<T>(row: &case_file::Model, read: Result<T, RecordsError>) -> Result<Option<T>, RecordsError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if error.is_unavailable() => Err(error),
        Err(error) => {
            let error: &dyn std::error::Error = &error;
            error!(
                case.id = row.id,
                error, "case {} cannot be read and is left out of lists; restore it from a backup", row.id
            );
            Ok(None)
        }
    }
}
