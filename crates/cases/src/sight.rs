//! Who may see a case: the narrower of the definition it was begun under and the one in force, by offices held now.
//!
//! For everybody else it is absent, not empty.

use std::collections::{BTreeMap, BTreeSet};

use schoolgate_base::{ControlId, PersonId};

use crate::{Body, Case, Concern, Definition, Offices, Pin, route};

/// How much of a case somebody may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sight {
    /// It is not there.
    Absent,
    /// That they sent it, when, and what the recipients wrote for them; no internal notes.
    Receipt,
    /// All of it.
    Whole,
}

/// Definitions by pin and in force.
#[derive(Debug, Clone, Default)]
pub struct Definitions {
    /// By control and edition.
    pinned: BTreeMap<(ControlId, u32), Definition>,
    current: BTreeMap<ControlId, Definition>,
}

impl Definitions {
    /// Adds a definition of an edition that cases may pin, in force or not.
    pub fn add(&mut self, definition: Definition, edition: u32, is_in_force: bool) {
        if is_in_force {
            self.current.insert(definition.control().clone(), definition.clone());
        }
        self.pinned.insert((definition.control().clone(), edition), definition);
    }

    /// What a case was begun under. One from before pins named editions has the first edition of its version, which
    /// is where that version began.
    pub fn pinned(&self, pin: &Pin) -> Option<&Definition> {
        if pin.edition != 0 {
            return self.pinned.get(&(pin.control.clone(), pin.edition));
        }
        let editions = self.pinned.range((pin.control.clone(), 0)..=(pin.control.clone(), u32::MAX));
        editions.map(|(_, definition)| definition).find(|definition| definition.version() == &*pin.version)
    }

    pub fn current(&self, control: &ControlId) -> Option<&Definition> {
        self.current.get(control)
    }

    /// Those in force, for the page that offers forms and for compiling.
    pub fn in_force(&self) -> impl Iterator<Item = &Definition> {
        self.current.values()
    }
}

/// How much of a case somebody may see. `current` is `None` where the policy in force no longer has the control; then
/// the pinned definition stands alone. It does too where the two have no person in common: a case that a new edition
/// took from everybody who had it would lie unread.
pub fn sight(
    case: &Case,
    viewer: &PersonId,
    offices: &Offices,
    pinned: &Definition,
    current: Option<&Definition>,
) -> Sight {
    let begun = readers(case, offices, pinned);
    let now = current.map(|current| readers(case, offices, current)).filter(|now| !now.is_disjoint(&begun));
    if begun.contains(viewer) && now.is_none_or(|now| now.contains(viewer)) {
        return Sight::Whole;
    }
    match (&case.by == viewer, &case.body) {
        (false, _) => Sight::Absent,
        (true, Body::Request { .. }) => Sight::Whole,
        (true, Body::Report { .. }) => Sight::Receipt,
    }
}

/// Who deals with a case under a definition; nobody under one of another kind, which a control may have become under
/// the same id.
fn readers(case: &Case, offices: &Offices, definition: &Definition) -> BTreeSet<PersonId> {
    match (&case.body, definition) {
        (Body::Request { .. }, Definition::Request(request)) => {
            let roles = request.decide.roles.iter().chain(&request.stand_in);
            roles.flat_map(|role| offices.of_role(role)).map(|holder| holder.person.clone()).collect()
        }
        (Body::Report { subjects, flags }, Definition::Report(report)) => {
            let concern = Concern { subjects: subjects.clone(), flags: flags.clone() };
            route(report, &concern, offices).recipients.into_iter().map(|recipient| recipient.person).collect()
        }
        (Body::Request { .. }, Definition::Report(_)) | (Body::Report { .. }, Definition::Request(_)) => {
            BTreeSet::new()
        }
    }
}

#[cfg(test)]
mod tests;
