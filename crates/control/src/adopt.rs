//! Policies: check, adopt, refuse. A policy with an error changes nothing.

use std::sync::Arc;

use jiff::Timestamp;
use schoolgate_base::{IdError, PersonId, PolicyId};
use schoolgate_policy::{Context, Diagnostic, Pack, Parsed, build};
use schoolgate_records::{Actor, SchoolStore};

use crate::control::{Again, Control};
use crate::error::ControlError;
use crate::in_force::InForce;
use crate::version::raised;

/// The id under which a school's pack is kept; its documents have ids of their own.
const PACK: &str = "school-policies";

pub(crate) fn pack_id() -> Result<PolicyId, ControlError> {
    PolicyId::new(PACK).map_err(|source: IdError| ControlError::PackId { source })
}

/// Why a pack was not adopted. What was in force stays in force.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    #[error("the policy has mistakes and was not adopted")]
    Refused { pack: Pack, diagnostics: Vec<Diagnostic> },
    #[error("the policy was not adopted")]
    Control {
        #[from]
        source: ControlError,
    },
}

/// Adopts a school's first pack, before there is anything to publish to.
pub async fn install(store: &SchoolStore, pack: Pack, actor: Actor, now: Timestamp) -> Result<(), AdoptError> {
    check(store, &pack, None, now).await?;
    keep(store, &pack, actor, now).await?;
    Ok(())
}

async fn check(store: &SchoolStore, pack: &Pack, before: Option<&Parsed>, now: Timestamp) -> Result<(), AdoptError> {
    let offices = store.offices(now).await.map_err(ControlError::from)?;
    // Without any office written down yet, routes are checked over offices only.
    let offices = (!offices.holders.is_empty()).then_some(&offices);
    let built = build(pack, Context { offices, ..Context::default() });
    let today = built.compiled.program.calendar.local(now).date();
    let built = build(pack, Context { offices, today: Some(today), before });
    if built.is_fit() {
        Ok(())
    } else {
        Err(AdoptError::Refused { pack: pack.clone(), diagnostics: built.diagnostics })
    }
}

async fn keep(store: &SchoolStore, pack: &Pack, actor: Actor, now: Timestamp) -> Result<(), ControlError> {
    let built = build(pack, Context::default());
    let version = built.compiled.policies.iter().map(|head| format!("{} {}", head.id, head.version));
    let version = version.collect::<Vec<_>>().join(", ");
    let files = pack.files().map(|(_, path, text)| (path.into(), text.to_owned())).collect();
    let id = pack_id()?;
    let mut write = store.begin(actor, now).await?;
    let edition = write.policy_draft(&id, &version, &files).await?;
    write.policy_adopt(&id, edition).await?;
    write.commit().await?;
    Ok(())
}

/// As the records have it: a command may have adopted one beside this process.
async fn edition_in_force(store: &SchoolStore) -> Result<u32, ControlError> {
    let pack = pack_id()?;
    let in_force = store.policy_in_force().await?.into_iter().find(|edition| edition.policy == pack);
    in_force.map(|edition| edition.edition).ok_or(ControlError::NoPolicy)
}

impl Control {
    /// Everything the checker finds in a pack, with the offices held now and today's date.
    pub async fn policy_check(&self, pack: &Pack) -> Result<Vec<Diagnostic>, ControlError> {
        let offices = self.offices().await?;
        let in_force = self.in_force();
        let today = in_force.built.compiled.program.calendar.local(self.now()).date();
        let before = Some(&in_force.built.parsed);
        Ok(build(pack, Context { offices: Some(&offices), today: Some(today), before }).diagnostics)
    }

    /// Puts a pack in force at every door, or refuses it with the reasons and leaves the old one. Where words changed
    /// and the version did not, the version is raised, so that people are asked again.
    ///
    /// `edited` is the edition that the pack was made from: a pack is whole, so one made from an older edition would
    /// undo what somebody else adopted since, and is [`ControlError::MovedOn`].
    pub async fn policy_adopt(&self, by: &PersonId, pack: Pack, edited: u32) -> Result<Arc<InForce>, AdoptError> {
        let _turn = self.0.publishing.lock().await;
        let in_force = edition_in_force(&self.0.store).await?;
        // An adoption that was cut off after it was written down, or a command beside this process.
        if in_force != self.in_force().edition {
            self.reload().await?;
            self.publish_in_turn(Again::Everything).await?;
        }
        if in_force != edited {
            return Err(ControlError::MovedOn { edited, in_force }.into());
        }
        let now = self.now();
        let pack = raised(pack, &self.in_force().worded);
        let before = self.in_force();
        check(&self.0.store, &pack, Some(&before.built.parsed), now).await?;
        keep(&self.0.store, &pack, Actor::Person(by.clone()), now).await?;
        let in_force = self.reload().await?;
        self.publish_in_turn(Again::Everything).await?;
        Ok(in_force)
    }
}
