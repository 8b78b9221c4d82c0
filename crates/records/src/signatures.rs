//! Agreements: who agreed to what exactly, when and from where.

use jiff::Timestamp;
use schoolgate_base::{PersonId, PolicyId};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};

use crate::convert::{cut, from_json, micros, parse, time, to_json};
use crate::entity::signature;
use crate::error::failed;
use crate::journal::Note;
use crate::{Page, RecordsError, SchoolStore, Write};

const PAGE_MAX: u64 = 500;
/// Longest name of a browser kept, in bytes.
const BROWSER_MAX: usize = 300;
/// Longest source address kept, in bytes: an IPv6 address with a zone.
const ADDRESS_MAX: usize = 64;

/// One person's agreement to one version of one policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    pub person: PersonId,
    pub policy: PolicyId,
    /// As the document says: `2.9`.
    pub version: Box<str>,
    /// Anchors of the clauses that were shown.
    pub clauses: Vec<Box<str>>,
    /// SHA-256 of the exact text shown, hexadecimal.
    pub rendering_sha256: Box<str>,
    /// What was shown as changed since the person's last agreement.
    pub difference: Option<String>,
    /// Of the text shown, such as `en`.
    pub language: Box<str>,
    pub at: Timestamp,
    pub address: Box<str>,
    pub browser: Box<str>,
}

/// What became of [`Write::signature_add`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    Now,
    /// The person had agreed to this version already; the first agreement stands.
    Before {
        at: Timestamp,
    },
}

/// Who agreed to which version: what the gate is computed from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SignedVersion {
    pub person: PersonId,
    pub policy: PolicyId,
    pub version: Box<str>,
    pub at: Timestamp,
}

fn from_row(row: signature::Model) -> Result<Signature, RecordsError> {
    Ok(Signature {
        person: parse("signature.person", &row.person)?,
        policy: parse("signature.policy", &row.policy)?,
        version: row.version.into(),
        clauses: from_json("signature.clauses", &row.clauses)?,
        rendering_sha256: row.rendering_sha256.into(),
        difference: row.difference,
        language: row.language.into(),
        at: time("signature.at", row.at)?,
        address: row.address.into(),
        browser: row.browser.into(),
    })
}

fn of_school(school: &str) -> sea_orm::Select<signature::Entity> {
    signature::Entity::find().filter(signature::Column::SchoolId.eq(school))
}

impl SchoolStore {
    /// What a person agreed to, newest first.
    pub async fn signature_list_for_person(&self, person: &PersonId) -> Result<Vec<Signature>, RecordsError> {
        let rows = of_school(self.text())
            .filter(signature::Column::Person.eq(person.as_str()))
            .order_by_desc(signature::Column::At)
            .order_by_asc(signature::Column::Policy)
            .limit(PAGE_MAX)
            .all(self.db())
            .await
            .map_err(failed("signature_list_for_person"))?;
        rows.into_iter().map(from_row).collect()
    }

    /// Who agreed to a version of a policy, by person; `after` is [`Page::next`] of the page before.
    pub async fn signature_list_for_policy(
        &self,
        policy: &PolicyId,
        version: &str,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Page<Signature>, RecordsError> {
        let limit = limit.clamp(1, PAGE_MAX);
        let rows = of_school(self.text())
            .filter(signature::Column::Policy.eq(policy.as_str()))
            .filter(signature::Column::Version.eq(version))
            .filter(signature::Column::Person.gt(after.unwrap_or("")))
            .order_by_asc(signature::Column::Person)
            .limit(limit + 1)
            .all(self.db())
            .await
            .map_err(failed("signature_list_for_policy"))?;
        Page::of(rows, limit, |row| row.person.clone(), from_row)
    }

    pub async fn signature_count(&self, policy: &PolicyId, version: &str) -> Result<u64, RecordsError> {
        of_school(self.text())
            .filter(signature::Column::Policy.eq(policy.as_str()))
            .filter(signature::Column::Version.eq(version))
            .count(self.db())
            .await
            .map_err(failed("signature_count"))
    }

    /// Every agreement without its text, for compiling the gate. A row is some sixty bytes.
    pub async fn signature_versions(&self) -> Result<Vec<SignedVersion>, RecordsError> {
        let rows: Vec<(String, String, String, i64)> = of_school(self.text())
            .select_only()
            .column(signature::Column::Person)
            .column(signature::Column::Policy)
            .column(signature::Column::Version)
            .column(signature::Column::At)
            .order_by_asc(signature::Column::Person)
            .order_by_asc(signature::Column::Policy)
            .order_by_asc(signature::Column::At)
            .into_tuple()
            .all(self.db())
            .await
            .map_err(failed("signature_versions"))?;
        let read = |(person, policy, version, at): (String, String, String, i64)| {
            Ok(SignedVersion {
                person: parse("signature.person", &person)?,
                policy: parse("signature.policy", &policy)?,
                version: version.into(),
                at: time("signature.at", at)?,
            })
        };
        rows.into_iter().map(read).collect()
    }
}

impl Write {
    /// Keeps an agreement. A second one to the same version changes nothing.
    pub async fn signature_add(&mut self, signature: &Signature) -> Result<Signed, RecordsError> {
        const OPERATION: &str = "signature_add";
        let before = of_school(self.text())
            .filter(signature::Column::Person.eq(signature.person.as_str()))
            .filter(signature::Column::Policy.eq(signature.policy.as_str()))
            .filter(signature::Column::Version.eq(&*signature.version))
            .one(self.reading())
            .await
            .map_err(failed(OPERATION))?;
        if let Some(row) = before {
            return Ok(Signed::Before { at: time("signature.at", row.at)? });
        }
        let kept = Signature {
            address: cut(&signature.address, ADDRESS_MAX).into(),
            browser: cut(&signature.browser, BROWSER_MAX).into(),
            ..signature.clone()
        };
        let note = Note::new(OPERATION, &kept)?.about(&kept.person);
        let row = signature::Model {
            school_id: self.text().to_owned(),
            person: kept.person.to_string(),
            policy: kept.policy.to_string(),
            version: kept.version.into(),
            clauses: to_json(OPERATION, &kept.clauses)?,
            rendering_sha256: kept.rendering_sha256.into(),
            difference: kept.difference,
            language: kept.language.into(),
            at: micros(kept.at),
            address: kept.address.into(),
            browser: kept.browser.into(),
        };
        let insert = signature::Entity::insert(row.into_active_model().reset_all());
        insert.exec_without_returning(self.noting(OPERATION, note)).await.map_err(failed(OPERATION))?;
        self.finished(Signed::Now)
    }
}
