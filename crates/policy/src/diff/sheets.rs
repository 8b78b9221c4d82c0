//! Controls that do not meet in cells, as sheets of facts: one consequence for each fact that is otherwise.

use std::collections::BTreeMap;

use schoolgate_base::{ClauseId, ControlId, Group, Role};

use super::crowd::Who;
use super::{About, Consequence, Editions};

/// What one control says, fact by fact.
pub(super) struct Sheet {
    pub(super) control: ControlId,
    /// The word of the policy, by which a control is known again that moved to another clause.
    pub(super) kind: Box<str>,
    /// "Ask for a site".
    pub(super) title: String,
    /// Whom it concerns; empty is everybody, or the offices alone.
    pub(super) groups: Vec<Group>,
    pub(super) offices: Vec<Role>,
    /// Offices it concerns beside those people.
    pub(super) also: Vec<Role>,
    /// What is said, and how: ("who decides", "the technician").
    pub(super) facts: Vec<(&'static str, String)>,
}

/// What a fact reads where nothing is said.
const NOTHING: &str = "nothing";

impl Editions<'_> {
    /// Compares the sheets of one sort of control.
    pub(super) fn sheets(&self, about: About, old: Vec<Sheet>, new: Vec<Sheet>, found: &mut Vec<Consequence>) {
        let moved = self.moved();
        let mut left: Vec<Option<Sheet>> = old.into_iter().map(Some).collect();
        let mut fresh = Vec::new();
        for sheet in new {
            let is_same = |old: &Sheet| {
                let clause = moved.get(&old.control.clause).unwrap_or(&old.control.clause);
                *clause == sheet.control.clause && old.control.name == sheet.control.name
            };
            match take(&mut left, is_same) {
                Some(old) => self.facts(about, &old, &sheet, found),
                None => fresh.push(sheet),
            }
        }
        for sheet in fresh {
            match take(&mut left, |old| old.kind == sheet.kind) {
                Some(old) => self.facts(about, &old, &sheet, found),
                None => found.push(self.sheet(about, &sheet, ("not there", &said(&sheet)))),
            }
        }
        for sheet in left.into_iter().flatten() {
            found.push(self.sheet(about, &sheet, (&said(&sheet), "not there any more")));
        }
    }

    /// Clauses that have another id now.
    fn moved(&self) -> BTreeMap<ClauseId, ClauseId> {
        let mut found = BTreeMap::new();
        for document in &self.after.parsed.documents {
            let Ok(policy) = schoolgate_base::PolicyId::new(&document.front.policy.text) else { continue };
            for clause in &document.clauses {
                let id = |text: &str| ClauseId { policy: policy.clone(), clause: text.into() };
                found.extend(clause.notes.was.iter().map(|was| (id(&was.text), id(&clause.id.text))));
            }
        }
        found
    }

    fn facts(&self, about: About, old: &Sheet, new: &Sheet, found: &mut Vec<Consequence>) {
        let of = |sheet: &Sheet, name: &str| {
            let fact = sheet.facts.iter().find(|(other, _)| *other == name);
            fact.map_or_else(|| NOTHING.to_owned(), |(_, words)| words.clone())
        };
        let mut names: Vec<&str> = new.facts.iter().map(|(name, _)| *name).collect();
        names.extend(old.facts.iter().map(|(name, _)| *name).filter(|name| !new.facts.iter().any(|(n, _)| n == name)));
        for name in names {
            let (before, after) = (of(old, name), of(new, name));
            if before == after {
                continue;
            }
            let mut consequence = self.sheet(about, new, (&before, &after));
            consequence.what = format!("{}: {name}", consequence.what);
            widen(&mut consequence, old);
            consequence.people = self.concerned(&consequence);
            found.push(consequence);
        }
    }

    fn sheet(&self, about: About, sheet: &Sheet, (before, after): (&str, &str)) -> Consequence {
        let mut consequence = Consequence {
            about,
            who: sheet.groups.clone(),
            with: Vec::new(),
            except: Vec::new(),
            offices: sheet.offices.clone(),
            also: sheet.also.clone(),
            people: String::new(),
            clause: Some(sheet.control.clause.clone()),
            what: format!("\u{201c}{}\u{201d}", sheet.title),
            before: before.to_owned(),
            after: after.to_owned(),
        };
        consequence.people = self.concerned(&consequence);
        consequence
    }

    pub(super) fn concerned(&self, consequence: &Consequence) -> String {
        if consequence.offices.is_empty() {
            return self.people(&Who { any: consequence.who.clone(), ..Who::default() });
        }
        self.roles(&consequence.offices, "and")
    }

    pub(super) fn roles(&self, roles: &[Role], with: &str) -> String {
        let (old, new) = self.schools();
        let titles: Vec<String> = roles
            .iter()
            .map(|role| {
                let school = if new.roles.contains_key(role) { new } else { old };
                format!("the {}", school.role_title(role))
            })
            .collect();
        crate::show::join(&titles, with)
    }

    pub(super) fn groups(&self, groups: &[Group]) -> String {
        self.people(&Who { any: groups.to_vec(), ..Who::default() })
    }
}

/// Whoever a control concerned before hears of its change too.
fn widen(consequence: &mut Consequence, old: &Sheet) {
    consequence
        .also
        .extend(old.also.iter().filter(|role| !consequence.also.contains(role)).cloned().collect::<Vec<_>>());
    let is_open = |groups: &[Group], offices: &[Role]| groups.is_empty() && offices.is_empty();
    if is_open(&consequence.who, &consequence.offices) || is_open(&old.groups, &old.offices) {
        consequence.who.clear();
        consequence.offices.clear();
        return;
    }
    let groups: Vec<Group> = old.groups.iter().filter(|group| !consequence.who.contains(group)).cloned().collect();
    consequence.who.extend(groups);
    let offices: Vec<Role> =
        old.offices.iter().filter(|office| !consequence.offices.contains(office)).cloned().collect();
    consequence.offices.extend(offices);
}

fn said(sheet: &Sheet) -> String {
    let facts: Vec<String> = sheet.facts.iter().map(|(name, words)| format!("{name}: {words}")).collect();
    facts.join("; ")
}

fn take(left: &mut [Option<Sheet>], is_it: impl Fn(&Sheet) -> bool) -> Option<Sheet> {
    left.iter_mut().find(|sheet| sheet.as_ref().is_some_and(&is_it))?.take()
}

/// The facts of which something is said.
pub(super) fn facts(all: impl IntoIterator<Item = (&'static str, String)>) -> Vec<(&'static str, String)> {
    all.into_iter().filter(|(_, words)| !words.is_empty()).collect()
}
