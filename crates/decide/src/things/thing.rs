//! A thing as a door describes it.

use std::collections::{BTreeMap, BTreeSet};

use schoolgate_base::{ControlKind, DeviceClass, PersonId};

use super::{Amount, Aspect, Condition};
use crate::scope::Standing;
use crate::snapshot::Member;

/// What a door knows of a message, a file, a draft, a sign-in, a device or something written. What is not described is
/// not there: doors of this family see the whole thing before they ask.
#[derive(Debug, Clone)]
pub struct Thing<'a> {
    pub kind: ControlKind,
    /// Who acts; `None` is somebody outside, or a machine.
    pub who: Option<&'a Member>,
    pub place: Option<&'a str>,
    pub device_class: Option<&'a DeviceClass>,
    /// The other persons of the school it concerns: recipients, owner.
    pub others: BTreeSet<PersonId>,
    marks: BTreeSet<(Aspect, Box<str>)>,
    lacking: BTreeSet<Box<str>>,
    amounts: BTreeMap<Amount, u64>,
}

impl<'a> Thing<'a> {
    pub fn new(kind: ControlKind, who: Option<&'a Member>) -> Self {
        Self {
            kind,
            who,
            place: None,
            device_class: None,
            others: BTreeSet::new(),
            marks: BTreeSet::new(),
            lacking: BTreeSet::new(),
            amounts: BTreeMap::new(),
        }
    }

    pub fn mark(&mut self, aspect: Aspect, mark: &str) {
        self.marks.insert((aspect, mark.into()));
    }

    /// Something that a rule may want and that is not there: `consent`, `encrypted`.
    pub fn lacks(&mut self, what: &str) {
        self.lacking.insert(what.into());
    }

    pub fn measure(&mut self, amount: Amount, count: u64) {
        self.amounts.insert(amount, count);
    }

    pub fn has(&self, aspect: Aspect, mark: &str) -> bool {
        self.marks.contains(&(aspect, mark.into()))
    }

    pub fn marks_of(&self, aspect: Aspect) -> impl Iterator<Item = &str> {
        self.marks.iter().filter(move |(of, _)| *of == aspect).map(|(_, mark)| &**mark)
    }

    pub(super) fn standing(&self) -> Standing<'a> {
        Standing { member: self.who, place: self.place, device_class: self.device_class }
    }

    pub(super) fn fits(&self, condition: &Condition) -> bool {
        match condition {
            Condition::Any { aspect, marks } => marks.iter().any(|mark| self.has(*aspect, mark)),
            Condition::Lacking(what) => what.iter().any(|what| self.lacking.contains(what)),
            Condition::AtLeast { amount, count } => self.amounts.get(amount).is_some_and(|found| count <= found),
        }
    }
}
