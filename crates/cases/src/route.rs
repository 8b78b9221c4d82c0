//! Whom a report reaches, computed over persons.
//!
//! Floors no definition lowers: it never reaches a person it is about, in none of their offices, nor a relative of
//! theirs; and that it reaches nobody is said before anything is typed. Every person left out is named with the
//! reason, for the checker and for the page that shows a reporter who will read it.

use std::collections::BTreeSet;

use schoolgate_base::{PersonId, Role};
use serde::{Deserialize, Serialize};

use crate::offices::Holder;
use crate::{Flag, Offices, ReportDefinition};

/// What of a report decides its route.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Concern {
    /// Whom it is about; may be several, or nobody of the school.
    pub subjects: BTreeSet<PersonId>,
    pub flags: BTreeSet<Flag>,
}

/// Whom a report reaches.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Route {
    /// Each person once, in the order of the definition.
    pub recipients: Vec<Recipient>,
    pub skipped: Vec<Skipped>,
    /// Flags that are set and whose offices reach nobody.
    pub unmet: Vec<Flag>,
    /// The ways out of the school that apply; all the definition has when nobody inside is reached.
    pub outside: Vec<OutsideStep>,
}

impl Route {
    /// Whether nobody in the school is left to tell. The page then takes no report and shows the numbers outside.
    pub fn is_nobody(&self) -> bool {
        self.recipients.is_empty()
    }

    pub fn reaches(&self, person: &PersonId) -> bool {
        self.recipients.iter().any(|recipient| &recipient.person == person)
    }

    /// The offices the report is sealed to.
    pub fn offices(&self) -> BTreeSet<&Role> {
        self.recipients.iter().flat_map(|recipient| recipient.further.iter().chain([&recipient.role])).collect()
    }
}

/// One person who receives a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    pub person: PersonId,
    /// The office in which they receive it.
    pub role: Role,
    /// The other offices of theirs that it came through: whoever holds one of them next has it too.
    pub further: BTreeSet<Role>,
    pub because: Because,
}

/// Why somebody receives a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Because {
    /// The policy sends such reports there.
    To,
    /// In place of this office, which the report is about.
    InsteadOf(Role),
    /// Because this flag is set.
    Also(Flag),
}

/// One person who would have received a report, and does not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Skipped {
    pub person: PersonId,
    pub role: Role,
    pub why: Why,
}

/// Why somebody is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It is about them.
    Subject,
    Relative,
    /// They share or deputise for the office of a person it is about.
    SameOffice,
    /// A person it is about is their line manager, and somebody else can receive it.
    ManagedBySubject,
}

/// A way out of the school.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutsideStep {
    pub flag: Flag,
    pub text: Box<str>,
}

/// Whom such a report reaches now.
pub fn route(definition: &ReportDefinition, concern: &Concern, offices: &Offices) -> Route {
    let mut planner = Planner { definition, concern, offices, route: Route::default() };
    for role in &definition.to {
        planner.to(role, &Because::To, &mut BTreeSet::new());
    }
    planner.drop_managed();
    for (flag, roles) in &definition.also {
        if concern.flags.contains(flag) {
            planner.also(flag, roles);
        }
    }
    planner.outside();
    let mut route = planner.route;
    // A person may be passed over in one office and reached in another; what counts is whether they have it.
    route.skipped.sort();
    route.skipped.dedup();
    debug_assert!(concern.subjects.iter().all(|subject| !route.reaches(subject)), "a report reached its subject");
    route
}

struct Planner<'a> {
    definition: &'a ReportDefinition,
    concern: &'a Concern,
    offices: &'a Offices,
    route: Route,
}

impl<'a> Planner<'a> {
    /// An office whose holder it is about is passed over whole, deputies and sharers too: they act in one name. The
    /// offices the policy names instead take its place, and theirs if it is about them as well.
    fn to(&mut self, role: &'a Role, because: &Because, seen: &mut BTreeSet<&'a Role>) {
        if !seen.insert(role) {
            return;
        }
        let holders = self.offices.of_role(role);
        if holders.iter().any(|holder| !holder.is_deputy && self.is_subject(&holder.person)) {
            for holder in holders {
                let why = self.bar(&holder.person).unwrap_or(Why::SameOffice);
                self.skip(holder, role, why);
            }
            self.instead(role, seen);
            return;
        }
        if !self.deliver(holders, role, because) {
            self.instead(role, seen);
        }
    }

    fn instead(&mut self, role: &'a Role, seen: &mut BTreeSet<&'a Role>) {
        let definition = self.definition;
        for other in definition.about.get(role).into_iter().flatten() {
            self.to(other, &Because::InsteadOf(role.clone()), seen);
        }
    }

    /// A child comes before a conflict of offices: whoever of them is not personally tied hears, deputies included.
    fn also(&mut self, flag: &Flag, roles: &'a [Role]) {
        let because = Because::Also(flag.clone());
        let mut is_met = false;
        for role in roles {
            is_met |= self.deliver(self.offices.of_role(role), role, &because);
        }
        if !is_met {
            let before = self.route.recipients.len();
            for role in roles {
                self.instead(role, &mut BTreeSet::from([role]));
            }
            is_met = before < self.route.recipients.len();
        }
        if !is_met {
            self.route.unmet.push(flag.clone());
        }
    }

    /// Delivers to the holders of an office, or to its deputies when no holder can have it. Answers whether anybody
    /// in it has the report now.
    fn deliver(&mut self, holders: &[Holder], role: &Role, because: &Because) -> bool {
        let (deputies, principals): (Vec<_>, Vec<_>) = holders.iter().partition(|holder| holder.is_deputy);
        self.deliver_each(&principals, role, because) || self.deliver_each(&deputies, role, because)
    }

    fn deliver_each(&mut self, holders: &[&Holder], role: &Role, because: &Because) -> bool {
        let mut is_reached = false;
        for holder in holders {
            match self.bar(&holder.person) {
                Some(why) => self.skip(holder, role, why),
                None => {
                    self.add(&holder.person, role, because);
                    is_reached = true;
                }
            }
        }
        is_reached
    }

    fn add(&mut self, person: &PersonId, role: &Role, because: &Because) {
        if let Some(recipient) = self.route.recipients.iter_mut().find(|recipient| &recipient.person == person) {
            if &recipient.role != role {
                recipient.further.insert(role.clone());
            }
            return;
        }
        self.route.recipients.push(Recipient {
            person: person.clone(),
            role: role.clone(),
            further: BTreeSet::new(),
            because: because.clone(),
        });
    }

    fn skip(&mut self, holder: &Holder, role: &Role, why: Why) {
        self.route.skipped.push(Skipped { person: holder.person.clone(), role: role.clone(), why });
    }

    fn is_subject(&self, person: &PersonId) -> bool {
        self.concern.subjects.contains(person)
    }

    fn bar(&self, person: &PersonId) -> Option<Why> {
        if self.is_subject(person) {
            return Some(Why::Subject);
        }
        let is_relative = self.concern.subjects.iter().any(|subject| self.offices.are_relatives(person, subject));
        is_relative.then_some(Why::Relative)
    }

    /// Somebody managed by a subject hears only if nobody else would. Before the flags: a safeguarding lead hears of
    /// a child at risk whoever manages them.
    fn drop_managed(&mut self) {
        let Self { concern, offices, route, .. } = self;
        let is_managed =
            |recipient: &Recipient| concern.subjects.iter().any(|subject| offices.manages(subject, &recipient.person));
        if route.recipients.iter().all(is_managed) {
            return;
        }
        let (managed, free): (Vec<_>, Vec<_>) = std::mem::take(&mut route.recipients).into_iter().partition(is_managed);
        route.recipients = free;
        let skipped = |Recipient { person, role, .. }| Skipped { person, role, why: Why::ManagedBySubject };
        route.skipped.extend(managed.into_iter().map(skipped));
    }

    fn outside(&mut self) {
        let is_nobody = self.route.is_nobody();
        for (flag, text) in &self.definition.outside {
            if is_nobody || self.concern.flags.contains(flag) {
                self.route.outside.push(OutsideStep { flag: flag.clone(), text: text.clone() });
            }
        }
    }
}

#[cfg(test)]
mod tests;
