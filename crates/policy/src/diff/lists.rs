//! Lists that are kept and duties: who, due when, seen by whom, kept for how long.

use schoolgate_base::{Group, Role};
use schoolgate_cases::{DutyDefinition, Falls, Occasion, Party, RegisterDefinition, RegisterDue};

use super::cases::{labels, length};
use super::sheets::{Sheet, facts};
use super::{About, Consequence, Editions};
use crate::check::Built;
use crate::show::join;

impl Editions<'_> {
    pub(super) fn lists(&self, found: &mut Vec<Consequence>) {
        let registers = |built: &Built| built.compiled.registers.iter().map(|list| self.register(list)).collect();
        let duties = |built: &Built| built.compiled.duties.iter().map(|duty| self.duty(duty)).collect();
        self.sheets(About::Lists, registers(self.before), registers(self.after), found);
        self.sheets(About::Duties, duties(self.before), duties(self.after), found);
    }

    fn register(&self, list: &RegisterDefinition) -> Sheet {
        let is_about_people = list.see.iter().chain(&list.tell).any(|party| *party == Party::Them);
        let groups: Vec<Group> = match is_about_people {
            true => Vec::new(),
            false => list.add_groups.iter().chain(&list.see_groups).cloned().collect(),
        };
        let keepers: Vec<Role> = list.keeps.iter().chain(&list.add_roles).chain(offices(&list.see)).cloned().collect();
        let offices = if groups.is_empty() && !is_about_people { keepers } else { Vec::new() };
        let due = match &list.due {
            Some(RegisterDue::Field(field)) => {
                let label = list.fields.iter().find(|other| other.name == *field).map(|other| other.label.clone());
                format!("on the day of \u{201c}{}\u{201d}", label.unwrap_or_else(|| field.clone()))
            }
            Some(RegisterDue::After(time)) => format!("{time} after the entry"),
            None => String::new(),
        };
        Sheet {
            control: list.control.clone(),
            kind: list.kind.clone(),
            title: list.title.to_string(),
            groups,
            offices,
            also: Vec::new(),
            facts: facts([
                ("what is entered", labels(&list.fields)),
                ("who keeps it", self.roles(&list.keeps, "and")),
                ("who enters", self.both(&list.add_roles, &list.add_groups)),
                ("who sees it", self.seen(&list.see, &list.see_groups)),
                ("due", due),
                ("warned before it is due", length(list.warn.as_ref())),
                ("who hears when it is due", self.seen(&list.tell, &[])),
                ("one open entry for each", list.once.as_ref().map(ToString::to_string).unwrap_or_default()),
                ("kept", length(list.keep.as_ref())),
            ]),
        }
    }

    fn duty(&self, duty: &DutyDefinition) -> Sheet {
        let falls = match &duty.falls {
            Falls::Every(every) => format!("every {every}"),
            Falls::By(day) => format!("each year by {day}"),
            Falls::Before { event, within: None } => format!("before {}", self.event(event)),
            Falls::Before { event, within: Some(time) } => format!("in the {time} before {}", self.event(event)),
            Falls::Upon { occasion: Occasion::Event(event), within } => {
                format!("within {within} after {}", self.event(event))
            }
            Falls::Upon { occasion: Occasion::Clause(clause), within } => format!("within {within} after {clause}"),
        };
        let offices = if duty.each.is_empty() { duty.who.clone() } else { Vec::new() };
        let each = if duty.each.is_empty() { String::new() } else { self.groups(&duty.each) };
        Sheet {
            control: duty.control.clone(),
            kind: duty.kind.clone(),
            title: duty.title.to_string(),
            groups: duty.each.clone(),
            offices,
            also: Vec::new(),
            facts: facts([
                ("who does it", self.roles(&duty.who, "or")),
                ("everybody does it of", each),
                ("due", falls),
                ("counts as done", duty.done.as_ref().map(ToString::to_string).unwrap_or_default()),
                ("warned before it is due", length(duty.warn.as_ref())),
                ("who hears when it is late", self.seen(&duty.tell, &[])),
                ("erases", duty.erases.as_ref().map(ToString::to_string).unwrap_or_default()),
                ("kept", length(duty.keep.as_ref())),
            ]),
        }
    }

    fn event(&self, event: &str) -> String {
        let (old, new) = self.schools();
        let title = new.events.get(event).or_else(|| old.events.get(event));
        title.map_or_else(|| event.to_owned(), ToString::to_string)
    }

    fn both(&self, roles: &[Role], groups: &[Group]) -> String {
        let parts = [self.roles(roles, "and"), if groups.is_empty() { String::new() } else { self.groups(groups) }];
        join(&parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>(), "and")
    }

    fn seen(&self, parties: &[Party], groups: &[Group]) -> String {
        let roles: Vec<Role> = offices(parties).cloned().collect();
        let them = parties.contains(&Party::Them).then(|| "whom it is about".to_owned());
        let named = Some(self.both(&roles, groups)).filter(|named| !named.is_empty());
        join(&named.into_iter().chain(them).collect::<Vec<_>>(), "and")
    }
}

fn offices(parties: &[Party]) -> impl Iterator<Item = &Role> {
    parties.iter().filter_map(|party| match party {
        Party::Role(role) => Some(role),
        Party::Them => None,
    })
}
