//! Who may see a case: the narrower of the definition it was begun under and the one in force, by offices held now.
//!
//! For everybody else it is absent, not empty: [`visible`] is what lists, counts and searches are made of.

use std::collections::BTreeMap;

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
    pinned: BTreeMap<(ControlId, Box<str>), Definition>,
    current: BTreeMap<ControlId, Definition>,
}

impl Definitions {
    /// Adds a definition of a version that cases may pin, in force or not.
    pub fn add(&mut self, definition: Definition, is_in_force: bool) {
        if is_in_force {
            self.current.insert(definition.control().clone(), definition.clone());
        }
        self.pinned.insert((definition.control().clone(), definition.version().into()), definition);
    }

    pub fn pinned(&self, pin: &Pin) -> Option<&Definition> {
        self.pinned.get(&(pin.control.clone(), pin.version.clone()))
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
/// the pinned definition stands alone.
pub fn sight(
    case: &Case,
    viewer: &PersonId,
    offices: &Offices,
    pinned: &Definition,
    current: Option<&Definition>,
) -> Sight {
    let under = |definition: &Definition| sight_under(case, viewer, offices, definition);
    current.map_or(Sight::Whole, under).min(under(pinned))
}

/// Whether somebody may see all of a case.
pub fn may_see(
    case: &Case,
    viewer: &PersonId,
    offices: &Offices,
    pinned: &Definition,
    current: Option<&Definition>,
) -> bool {
    sight(case, viewer, offices, pinned, current) == Sight::Whole
}

/// The cases that exist for somebody, with how much of each they may see. A case whose pinned definition is missing is
/// shown to nobody.
pub fn visible<'a>(
    cases: impl IntoIterator<Item = &'a Case>,
    viewer: &PersonId,
    offices: &Offices,
    definitions: &Definitions,
) -> Vec<(&'a Case, Sight)> {
    let mut seen = Vec::new();
    for case in cases {
        let Some(pinned) = definitions.pinned(&case.pin) else { continue };
        match sight(case, viewer, offices, pinned, definitions.current(&case.pin.control)) {
            Sight::Absent => {}
            sight => seen.push((case, sight)),
        }
    }
    seen
}

fn sight_under(case: &Case, viewer: &PersonId, offices: &Offices, definition: &Definition) -> Sight {
    match (&case.body, definition) {
        (Body::Request { .. }, Definition::Request(request)) => {
            let mut roles = request.decide.roles.iter().chain(&request.stand_in);
            let is_party = &case.by == viewer || roles.any(|role| offices.holds(viewer, role));
            if is_party { Sight::Whole } else { Sight::Absent }
        }
        (Body::Report { subjects, flags }, Definition::Report(report)) => {
            let concern = Concern { subjects: subjects.clone(), flags: flags.clone() };
            if route(report, &concern, offices).reaches(viewer) {
                Sight::Whole
            } else if &case.by == viewer {
                Sight::Receipt
            } else {
                Sight::Absent
            }
        }
        // A control changed its kind under the same id: neither reading fits, so nobody but the sender sees it.
        (Body::Request { .. }, Definition::Report(_)) | (Body::Report { .. }, Definition::Request(_)) => {
            if &case.by == viewer { Sight::Receipt } else { Sight::Absent }
        }
    }
}

#[cfg(test)]
mod tests;
