//! Editions of policy packs: drafts, the one in force, and those it superseded.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schoolgate_base::PolicyId;
use schoolgate_keys::{Sha256, hex};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use serde_json::json;

use crate::convert::{corrupt, from_json, micros, parse, time, time_opt, to_json};
use crate::entity::policy_edition;
use crate::error::failed;
use crate::journal::Note;
use crate::{RecordsError, SchoolStore, Write};

/// The files of a pack: path → text.
pub type Pack = BTreeMap<Box<str>, String>;

/// One immutable edition of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edition {
    pub policy: PolicyId,
    /// Counts up from 1 within the policy.
    pub edition: u32,
    /// As the document says: `2.9`.
    pub version: Box<str>,
    pub state: EditionState,
    pub files: Pack,
    /// SHA-256 over the files' paths and texts, hexadecimal.
    pub files_sha256: Box<str>,
    pub drafted_at: Timestamp,
    pub drafted_by: Box<str>,
    pub adopted_at: Option<Timestamp>,
    pub adopted_by: Option<Box<str>>,
    pub superseded_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditionState {
    Draft,
    InForce,
    Superseded,
}

impl EditionState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::InForce => "in-force",
            Self::Superseded => "superseded",
        }
    }

    fn read(word: &str) -> Result<Self, RecordsError> {
        match word {
            "draft" => Ok(Self::Draft),
            "in-force" => Ok(Self::InForce),
            "superseded" => Ok(Self::Superseded),
            other => Err(RecordsError::Corrupt {
                column: "policy_edition.state",
                source: format!("no state is called `{other}`").into(),
            }),
        }
    }
}

/// SHA-256 over paths and texts in order of path, each with its length in front.
pub fn pack_sha256(files: &Pack) -> String {
    let mut hash = Sha256::new();
    for text in files.iter().flat_map(|(path, text)| [&**path, text.as_str()]) {
        hash.update(&(text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    hex(&hash.finish())
}

fn from_row(row: policy_edition::Model) -> Result<Edition, RecordsError> {
    Ok(Edition {
        policy: parse("policy_edition.policy", &row.policy)?,
        edition: u32::try_from(row.edition).map_err(corrupt("policy_edition.edition"))?,
        version: row.version.into(),
        state: EditionState::read(&row.state)?,
        files: from_json("policy_edition.files", &row.files)?,
        files_sha256: row.files_sha256.into(),
        drafted_at: time("policy_edition.drafted_at", row.drafted_at)?,
        drafted_by: row.drafted_by.into(),
        adopted_at: time_opt("policy_edition.adopted_at", row.adopted_at)?,
        adopted_by: row.adopted_by.map(Into::into),
        superseded_at: time_opt("policy_edition.superseded_at", row.superseded_at)?,
    })
}

fn of_school(school: &str) -> sea_orm::Select<policy_edition::Entity> {
    policy_edition::Entity::find().filter(policy_edition::Column::SchoolId.eq(school))
}

impl SchoolStore {
    /// What is in force, one edition per policy, by policy.
    pub async fn policy_in_force(&self) -> Result<Vec<Edition>, RecordsError> {
        let rows = of_school(self.text())
            .filter(policy_edition::Column::State.eq(EditionState::InForce.as_str()))
            .order_by_asc(policy_edition::Column::Policy)
            .all(self.db())
            .await
            .map_err(failed("policy_in_force"))?;
        rows.into_iter().map(from_row).collect()
    }

    /// Every edition of one policy that was ever in force, oldest first.
    pub async fn policy_list_adopted(&self, policy: &PolicyId) -> Result<Vec<Edition>, RecordsError> {
        let rows = of_school(self.text())
            .filter(policy_edition::Column::Policy.eq(policy.as_str()))
            .filter(policy_edition::Column::State.ne(EditionState::Draft.as_str()))
            .order_by_asc(policy_edition::Column::Edition)
            .all(self.db())
            .await
            .map_err(failed("policy_list_adopted"))?;
        rows.into_iter().map(from_row).collect()
    }

    pub async fn policy_fetch(&self, policy: &PolicyId, edition: u32) -> Result<Option<Edition>, RecordsError> {
        let row = of_school(self.text())
            .filter(policy_edition::Column::Policy.eq(policy.as_str()))
            .filter(policy_edition::Column::Edition.eq(i64::from(edition)))
            .one(self.db())
            .await
            .map_err(failed("policy_fetch"))?;
        row.map(from_row).transpose()
    }
}

impl Write {
    /// Keeps a pack as a new draft and answers its edition.
    pub async fn policy_draft(&mut self, policy: &PolicyId, version: &str, files: &Pack) -> Result<u32, RecordsError> {
        const OPERATION: &str = "policy_draft";
        let last = of_school(self.text())
            .filter(policy_edition::Column::Policy.eq(policy.as_str()))
            .order_by_desc(policy_edition::Column::Edition)
            .one(self.reading())
            .await
            .map_err(failed(OPERATION))?;
        let edition = last.map_or(1, |row| row.edition + 1);
        let sha256 = pack_sha256(files);
        let body = json!({ "policy": policy, "edition": edition, "version": version, "files_sha256": sha256 });
        let note = Note::new(OPERATION, &body)?;
        let row = policy_edition::Model {
            school_id: self.text().to_owned(),
            policy: policy.to_string(),
            edition,
            version: version.to_owned(),
            state: EditionState::Draft.as_str().to_owned(),
            files: to_json(OPERATION, files)?,
            files_sha256: sha256,
            drafted_at: micros(self.at),
            drafted_by: self.actor.to_string(),
            adopted_at: None,
            adopted_by: None,
            superseded_at: None,
        };
        let insert = policy_edition::Entity::insert(row.into_active_model().reset_all());
        insert.exec_without_returning(self.noting(OPERATION, note)).await.map_err(failed(OPERATION))?;
        let edition = u32::try_from(edition).map_err(corrupt("policy_edition.edition"))?;
        self.finished(edition)
    }

    /// Brings an edition into force; the one before it is superseded in the same transaction. An edition that was
    /// superseded may come back: that is a roll-back.
    pub async fn policy_adopt(&mut self, policy: &PolicyId, edition: u32) -> Result<(), RecordsError> {
        const OPERATION: &str = "policy_adopt";
        let note = Note::new(OPERATION, &json!({ "policy": policy, "edition": edition }))?;
        let at = micros(self.at);
        let actor = self.actor.to_string();
        let of_policy = policy_edition::Entity::update_many()
            .filter(policy_edition::Column::SchoolId.eq(self.text()))
            .filter(policy_edition::Column::Policy.eq(policy.as_str()));
        let supersede = of_policy
            .clone()
            .col_expr(policy_edition::Column::State, Expr::value(EditionState::Superseded.as_str()))
            .col_expr(policy_edition::Column::SupersededAt, Expr::value(Some(at)))
            .filter(policy_edition::Column::State.eq(EditionState::InForce.as_str()))
            .filter(policy_edition::Column::Edition.ne(i64::from(edition)));
        let adopt = of_policy
            .col_expr(policy_edition::Column::State, Expr::value(EditionState::InForce.as_str()))
            .col_expr(policy_edition::Column::AdoptedAt, Expr::value(Some(at)))
            .col_expr(policy_edition::Column::AdoptedBy, Expr::value(Some(actor)))
            .col_expr(policy_edition::Column::SupersededAt, Expr::value(None::<i64>))
            .filter(policy_edition::Column::Edition.eq(i64::from(edition)));
        let txn = self.noting(OPERATION, note);
        supersede.exec(txn).await.map_err(failed(OPERATION))?;
        let done = adopt.exec(txn).await.map_err(failed(OPERATION))?;
        if done.rows_affected == 0 {
            return Err(RecordsError::Absent { operation: OPERATION, kind: "edition of a policy" });
        }
        self.finished(())
    }
}
