//! Who holds which office now, and who is tied to whom: what conflicts of interest are computed from.
//!
//! Conflicts are a matter of persons, not of offices: in a small school the head is often a safeguarding lead too.

use std::collections::{BTreeMap, BTreeSet};

use schoolgate_base::{PersonId, Role};
use serde::{Deserialize, Serialize};

/// One person in one office.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Holder {
    pub person: PersonId,
    /// Acts for the holder of the office, in whose name they then are.
    pub is_deputy: bool,
}

/// A declared tie between two persons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tie {
    pub kind: TieKind,
    /// With [`TieKind::Manages`] the manager.
    pub from: PersonId,
    pub to: PersonId,
}

/// What ties two persons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TieKind {
    /// Family or household; holds both ways.
    Relative,
    /// Line management: `from` manages `to`.
    Manages,
}

/// Who holds what at one moment. People who left, and holders on dated leave, are not in it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Offices {
    pub holders: BTreeMap<Role, Vec<Holder>>,
    pub ties: Vec<Tie>,
}

impl Offices {
    /// Adds a holder; for building from records. A deputy who is named again as holder is the holder.
    pub fn add(&mut self, role: Role, person: PersonId, is_deputy: bool) {
        let holders = self.holders.entry(role).or_default();
        match holders.iter_mut().find(|holder| holder.person == person) {
            Some(holder) => holder.is_deputy &= is_deputy,
            None => holders.push(Holder { person, is_deputy }),
        }
    }

    /// The holders of an office, deputies included; none when it is vacant or unknown.
    pub fn of_role(&self, role: &Role) -> &[Holder] {
        self.holders.get(role).map_or(&[], Vec::as_slice)
    }

    /// Every office a person holds or deputises for.
    pub fn of_person(&self, person: &PersonId) -> BTreeSet<&Role> {
        let holds = |holders: &[Holder]| holders.iter().any(|holder| &holder.person == person);
        self.holders.iter().filter(|(_, holders)| holds(holders)).map(|(role, _)| role).collect()
    }

    pub fn holds(&self, person: &PersonId, role: &Role) -> bool {
        self.of_role(role).iter().any(|holder| &holder.person == person)
    }

    pub fn are_relatives(&self, one: &PersonId, other: &PersonId) -> bool {
        self.ties
            .iter()
            .filter(|tie| tie.kind == TieKind::Relative)
            .any(|tie| (&tie.from == one && &tie.to == other) || (&tie.from == other && &tie.to == one))
    }

    pub fn manages(&self, manager: &PersonId, person: &PersonId) -> bool {
        self.ties.iter().any(|tie| tie.kind == TieKind::Manages && &tie.from == manager && &tie.to == person)
    }

    /// The same offices with one person away, for asking what an absence would do.
    pub fn without(&self, person: &PersonId) -> Self {
        let present = |holders: &Vec<Holder>| -> Vec<Holder> {
            holders.iter().filter(|holder| &holder.person != person).cloned().collect()
        };
        let holders = self.holders.iter().map(|(role, holders)| (role.clone(), present(holders))).collect();
        Self { holders, ties: self.ties.clone() }
    }

    /// Everybody who holds any office.
    pub fn persons(&self) -> BTreeSet<&PersonId> {
        self.holders.values().flatten().map(|holder| &holder.person).collect()
    }
}
