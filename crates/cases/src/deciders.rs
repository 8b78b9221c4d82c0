//! Who can decide a request now, computed over persons.
//!
//! Never the asker, never whom it concerns, never a relative of either. Stand-ins only where no office of the policy
//! can, or when the answer is overdue. That nobody can is a value, for the checker and the page to show.

use std::collections::BTreeSet;

use schoolgate_base::{PersonId, Role};
use serde::{Deserialize, Serialize};

use crate::{How, Offices, RequestDefinition};

/// Somebody who can decide.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Decider {
    pub person: PersonId,
    /// The office they hold.
    pub role: Role,
    /// The office they stand in for, when `role` is not one that decides by itself.
    pub stands_in_for: Option<Role>,
}

impl Decider {
    pub fn is_stand_in(&self) -> bool {
        self.stands_in_for.is_some()
    }

    /// The office this approval counts for.
    pub fn counts_for(&self) -> &Role {
        self.stands_in_for.as_ref().unwrap_or(&self.role)
    }
}

/// Why somebody who holds an office may not act in it here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bar {
    Asker,
    Subject,
    Relative,
    /// Has approved already; another person must.
    ApprovedAlready,
}

/// Who can decide now, and who cannot and why.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DecidersNow {
    pub can: Vec<Decider>,
    pub barred: Vec<(PersonId, Role, Bar)>,
    /// Offices that are needed and that nobody holds.
    pub vacant: Vec<Role>,
    /// Whether the approvals still needed can come together, each from a different person.
    pub can_finish: bool,
}

/// What of a request decides who may decide it.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub asker: Option<PersonId>,
    pub subjects: BTreeSet<PersonId>,
    /// Approvals so far, with the office each was given in.
    pub approvals: Vec<(PersonId, Role)>,
    pub is_overdue: bool,
}

impl DecidersNow {
    pub fn is_nobody(&self) -> bool {
        self.can.is_empty()
    }

    fn tidy(&mut self) {
        self.can.sort_by(|one, other| {
            (&one.person, one.is_stand_in(), &one.role).cmp(&(&other.person, other.is_stand_in(), &other.role))
        });
        self.can.dedup();
        self.barred.sort();
        self.barred.dedup();
        self.vacant.sort();
        self.vacant.dedup();
    }
}

/// Who can decide such a request now.
pub fn deciders_of(definition: &RequestDefinition, asked: &Asked, offices: &Offices) -> DecidersNow {
    let mut now = DecidersNow::default();
    // Per approval still needed: the persons who could give it, now or once another has used up their approval.
    let mut givers = Vec::new();
    for need in needs(definition, asked) {
        let mut able = able(&need.roles, None, asked, offices, &mut now);
        let is_short = distinct(&able).len() < need.times;
        let in_place_of = need.roles.first().cloned();
        let stand_ins = able_to_stand_in(definition, in_place_of, asked, offices, &mut now);
        let everybody: Vec<Decider> = able.iter().chain(&stand_ins).cloned().collect();
        givers.extend(std::iter::repeat_n(distinct(&everybody), need.times));
        if is_short || asked.is_overdue {
            able.extend(stand_ins);
        }
        if need.is_open {
            now.can.extend(able);
        }
    }
    now.can_finish = can_match(&givers);
    now.tidy();
    now
}

/// An approval still needed, `times` over, from these offices.
struct Need {
    roles: Vec<Role>,
    times: usize,
    /// Whether it is its turn.
    is_open: bool,
}

fn needs(definition: &RequestDefinition, asked: &Asked) -> Vec<Need> {
    let decide = &definition.decide;
    if decide.how == How::Any {
        let count = usize::try_from(decide.count.max(1)).unwrap_or(usize::MAX);
        let times = count.saturating_sub(asked.approvals.len());
        return Vec::from_iter((0 < times).then(|| Need { roles: decide.roles.clone(), times, is_open: true }));
    }
    let pending = decide.roles.iter().filter(|role| !asked.approvals.iter().any(|(_, given)| &given == role));
    pending
        .enumerate()
        .map(|(at, role)| Need { roles: vec![role.clone()], times: 1, is_open: decide.how == How::All || at == 0 })
        .collect()
}

fn able(
    roles: &[Role],
    stands_in_for: Option<&Role>,
    asked: &Asked,
    offices: &Offices,
    now: &mut DecidersNow,
) -> Vec<Decider> {
    let mut able = Vec::new();
    for role in roles {
        let holders = offices.of_role(role);
        if holders.is_empty() {
            now.vacant.push(role.clone());
        }
        for holder in holders {
            let person = holder.person.clone();
            match bar(&person, asked, offices) {
                Some(bar) => now.barred.push((person, role.clone(), bar)),
                None => able.push(Decider { person, role: role.clone(), stands_in_for: stands_in_for.cloned() }),
            }
        }
    }
    able
}

fn able_to_stand_in(
    definition: &RequestDefinition,
    in_place_of: Option<Role>,
    asked: &Asked,
    offices: &Offices,
    now: &mut DecidersNow,
) -> Vec<Decider> {
    match &in_place_of {
        Some(role) => able(&definition.stand_in, Some(role), asked, offices, now),
        None => Vec::new(),
    }
}

fn bar(person: &PersonId, asked: &Asked, offices: &Offices) -> Option<Bar> {
    if asked.asker.as_ref() == Some(person) {
        return Some(Bar::Asker);
    }
    if asked.subjects.contains(person) {
        return Some(Bar::Subject);
    }
    if asked.asker.iter().chain(&asked.subjects).any(|party| offices.are_relatives(person, party)) {
        return Some(Bar::Relative);
    }
    asked.approvals.iter().any(|(approver, _)| approver == person).then_some(Bar::ApprovedAlready)
}

fn distinct(deciders: &[Decider]) -> Vec<PersonId> {
    let persons: BTreeSet<_> = deciders.iter().map(|decider| decider.person.clone()).collect();
    persons.into_iter().collect()
}

/// Whether every need can have a person of its own (bipartite matching by augmenting paths; a handful of offices).
fn can_match(givers: &[Vec<PersonId>]) -> bool {
    let mut taken: Vec<(PersonId, usize)> = Vec::new();
    (0..givers.len()).all(|need| augment(need, givers, &mut taken, &mut BTreeSet::new()))
}

fn augment(
    need: usize,
    givers: &[Vec<PersonId>],
    taken: &mut Vec<(PersonId, usize)>,
    seen: &mut BTreeSet<PersonId>,
) -> bool {
    for person in givers.get(need).into_iter().flatten() {
        if !seen.insert(person.clone()) {
            continue;
        }
        let holder = taken.iter().position(|(other, _)| other == person);
        let Some(at) = holder else {
            taken.push((person.clone(), need));
            return true;
        };
        let displaced = taken.get(at).map_or(need, |(_, other)| *other);
        if augment(displaced, givers, taken, seen) {
            // The displaced need has taken somebody else; its old entry now serves this need.
            if let Some(entry) = taken.iter_mut().find(|(other, by)| other == person && *by == displaced) {
                entry.1 = need;
            }
            return true;
        }
    }
    false
}
