//! The policies in force, with what earlier editions said for the cases that began under them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schoolgate_base::{ClauseId, Group, PolicyId};
use schoolgate_cases::{Definition, Definitions, may_open};
use schoolgate_policy::show::{ClauseView, PartView, PolicyView, changes, show};
use schoolgate_policy::{Agreement, Built, Context, Pack, build};
use schoolgate_records::{Edition, EditionState};
use tracing::error;

use crate::error::ControlError;
use crate::people::Standing;

/// What is in force.
#[derive(Debug, Clone)]
pub struct InForce {
    /// The files as they were adopted.
    pub pack: Pack,
    pub built: Built,
    /// The documents as people read them.
    pub views: Vec<PolicyView>,
    pub definitions: Definitions,
    /// Counts up with each adoption.
    pub edition: u32,
    /// When this edition came into force.
    pub since: Timestamp,
    /// Every edition that was ever in force, oldest first.
    adopted: Vec<Adopted>,
    /// The words of each version of each document that was ever in force.
    pub(crate) worded: Vec<PolicyView>,
}

impl InForce {
    /// Reads every edition that was ever adopted, oldest first; the one in force must be fit.
    pub(crate) fn read(editions: Vec<Edition>) -> Result<Self, ControlError> {
        let current = editions.iter().find(|edition| edition.state == EditionState::InForce).cloned();
        let current = current.ok_or(ControlError::NoPolicy)?;
        let mut definitions = Definitions::default();
        let mut adopted = Vec::new();
        let mut worded = Vec::new();
        let mut in_force = None;
        for edition in editions {
            let is_current = edition.edition == current.edition;
            let pack = pack_of(&edition);
            let built = build(&pack, Context::default());
            let since = edition.adopted_at.unwrap_or(edition.drafted_at);
            let heads = built.compiled.policies.iter();
            let versions = heads.map(|head| (head.id.clone(), head.version.clone())).collect();
            adopted.push(Adopted { edition: edition.edition, since, versions });
            for definition in &built.compiled.definitions {
                definitions.add(definition.clone(), edition.edition, is_current);
            }
            remember(&mut worded, &built);
            if is_current {
                in_force = Some((pack, built, since));
            } else if !built.is_fit() {
                let edition = edition.edition;
                error!(
                    policy.edition = edition,
                    "edition {edition} of the policies can no longer be read whole; cases begun under it may be shown to nobody"
                );
            }
        }
        let (pack, built, since) = in_force.ok_or(ControlError::NoPolicy)?;
        if !built.is_fit() {
            return Err(ControlError::Unreadable { edition: current.edition });
        }
        let views = built.parsed.documents.iter().filter_map(|document| show(document, &built.compiled)).collect();
        Ok(Self { pack, built, views, definitions, edition: current.edition, since, adopted, worded })
    }

    /// The agreements in force, each with the moment its version came into force.
    pub(crate) fn standings(&self) -> Vec<Standing<'_>> {
        let since = |agreement: &Agreement| {
            let mut adopted = self.adopted.iter();
            // An edition may leave a document's version as it was.
            let first = adopted.find(|edition| edition.has(&agreement.policy, &agreement.version));
            first.map_or(self.since, |edition| edition.since)
        };
        let agreements = self.built.compiled.agreements.iter();
        agreements.map(|agreement| Standing { since: since(agreement), agreement }).collect()
    }

    /// The edition that somebody read who agreed to this version of a policy at this moment; `None` when no edition
    /// that is kept has it.
    pub fn edition_agreed(&self, policy: &PolicyId, version: &str, at: Timestamp) -> Option<u32> {
        let with_version = || self.adopted.iter().filter(|edition| edition.has(policy, version));
        let read = with_version().rfind(|edition| edition.since <= at).or_else(|| with_version().next());
        read.map(|edition| edition.edition)
    }

    /// A document as people read it.
    pub fn view(&self, policy: &PolicyId) -> Option<&PolicyView> {
        self.views.iter().find(|view| &view.policy == policy)
    }

    /// A clause as people read it.
    pub fn clause(&self, id: &ClauseId) -> Option<&ClauseView> {
        self.view(&id.policy)?.parts.iter().find_map(|part| match part {
            PartView::Clause(clause) if clause.id == *id => Some(&**clause),
            _ => None,
        })
    }

    /// The forms that somebody in these audiences may use.
    pub fn forms_for(&self, groups: &BTreeSet<Group>) -> Vec<&Definition> {
        self.definitions.in_force().filter(|definition| may_open(definition, groups)).collect()
    }
}

/// When an edition came into force, and the version of each of its documents.
#[derive(Debug, Clone)]
struct Adopted {
    edition: u32,
    since: Timestamp,
    versions: BTreeMap<PolicyId, Box<str>>,
}

impl Adopted {
    fn has(&self, policy: &PolicyId, version: &str) -> bool {
        self.versions.get(policy).is_some_and(|own| **own == *version)
    }
}

/// Adds the documents of an edition whose words were not those of their version before.
fn remember(worded: &mut Vec<PolicyView>, built: &Built) {
    for view in built.parsed.documents.iter().filter_map(|document| show(document, &built.compiled)) {
        if !worded.iter().any(|before| is_worded(before, &view)) {
            worded.push(view);
        }
    }
}

/// Whether somebody who agreed to `before` agreed to the words of `after`.
pub(crate) fn is_worded(before: &PolicyView, after: &PolicyView) -> bool {
    before.policy == after.policy && before.version == after.version && !changes(before, after).is_material()
}

/// An edition as the checker reads it.
pub fn built_of(edition: &Edition) -> Built {
    build(&pack_of(edition), Context::default())
}

pub(crate) fn pack_of(edition: &Edition) -> Pack {
    edition.files.iter().map(|(path, text)| (path.as_ref(), text.as_str())).collect()
}
