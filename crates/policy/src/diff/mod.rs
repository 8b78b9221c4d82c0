//! What changes for people between two editions of a pack: consequences, not lines.
//!
//! "teachers: streaming at lunch: blocked → 2 Mbit/s". Rules are compared by what they say together in every cell
//! that they can tell apart ([`cells`]); cases, lists, duties, agreements and heads by what they do. Days are compared
//! by their kind: that next year's terms begin on other days is no consequence of a rule.

mod cases;
mod cells;
mod crowd;
mod lists;
mod papers;
mod sheets;
#[cfg(test)]
mod tests;
mod things;
mod web;
mod when;

use std::collections::BTreeSet;

use schoolgate_base::{ClauseId, Group, Role};
use schoolgate_decide::snapshot::{Program, Target};
use serde::Serialize;

use crate::check::Built;
use crate::overlap::is_narrower_thing;
use crate::school::School;
use crate::show::{self, join};
use cells::{Change, Choice};
use crowd::Who;
use when::Calendar;

/// What a consequence is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// Sites: what opens, and how.
    Web,
    /// Messages, files, drafts, accounts, devices and what is written.
    Things,
    Requests,
    Reports,
    Lists,
    Duties,
    Agreements,
    /// Clauses shown at a moment.
    Reminders,
    /// Words of a clause.
    Clauses,
    /// Whose a policy is, and until when.
    Policies,
}

/// One thing that is otherwise than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Consequence {
    pub about: About,
    /// Whom it concerns: whoever is in one of these; empty is everybody.
    pub who: Vec<Group>,
    /// And in all of these too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<Group>,
    /// And in none of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<Group>,
    /// The offices it concerns, where it concerns nobody but their holders.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub offices: Vec<Role>,
    /// Offices it concerns beside those people: who decides, who hears.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Role>,
    /// Those people in words: "teachers", "everybody".
    pub people: String,
    /// The clause it comes from.
    pub clause: Option<ClauseId>,
    /// "social networks in lessons on school devices".
    pub what: String,
    pub before: String,
    pub after: String,
}

impl Consequence {
    /// "teachers: social networks in lessons: blocked → allowed".
    pub fn sentence(&self) -> String {
        format!("{}: {}: {} \u{2192} {}", self.people, self.what, self.before, self.after)
    }
}

/// Everything that is otherwise in `after` than in `before`.
pub fn diff(before: &Built, after: &Built) -> Vec<Consequence> {
    let editions = Editions { before, after };
    let mut found = Vec::new();
    editions.web(&mut found);
    editions.things(&mut found);
    editions.cases(&mut found);
    editions.lists(&mut found);
    editions.papers(&mut found);
    found.sort_by(|one, other| (one.clause.is_none(), &one.clause).cmp(&(other.clause.is_none(), &other.clause)));
    found
}

/// What changes for somebody who is in these groups (with all that those are within), and holds no office.
pub fn for_person<'c>(consequences: &'c [Consequence], groups: &BTreeSet<Group>) -> Vec<&'c Consequence> {
    for_holder(consequences, groups, &BTreeSet::new())
}

/// What changes for somebody who is in these groups and holds these offices.
pub fn for_holder<'c>(
    consequences: &'c [Consequence],
    groups: &BTreeSet<Group>,
    offices: &BTreeSet<Role>,
) -> Vec<&'c Consequence> {
    let concerns = |consequence: &&Consequence| {
        let Consequence { who, with, except, .. } = consequence;
        let who = Who { any: who.clone(), with: with.clone(), except: except.clone() };
        let holds = |roles: &[Role]| roles.iter().any(|office| offices.contains(office));
        let is_theirs = if consequence.offices.is_empty() { who.holds(groups) } else { holds(&consequence.offices) };
        is_theirs || holds(&consequence.also)
    };
    consequences.iter().filter(concerns).collect()
}

/// As a person reads it: one line each, under the clause it comes from.
pub fn text<'c>(consequences: impl IntoIterator<Item = &'c Consequence>) -> String {
    let mut out = String::new();
    let mut clause: Option<Option<&ClauseId>> = None;
    for consequence in consequences {
        if clause != Some(consequence.clause.as_ref()) {
            let name =
                consequence.clause.as_ref().map_or_else(|| "the policy as a whole".to_owned(), ToString::to_string);
            out.push_str(&format!("{}{name}\n", if out.is_empty() { "" } else { "\n" }));
            clause = Some(consequence.clause.as_ref());
        }
        out.push_str(&format!("  {}\n", consequence.sentence()));
    }
    if out.is_empty() { "nothing changes for anybody\n".to_owned() } else { out }
}

struct Editions<'a> {
    before: &'a Built,
    after: &'a Built,
}

impl<'a> Editions<'a> {
    fn schools(&self) -> (&'a School, &'a School) {
        (&self.before.compiled.school, &self.after.compiled.school)
    }

    fn web(&self, found: &mut Vec<Consequence>) {
        let (old, new) = self.schools();
        let (was, is) = (&self.before.compiled.program, &self.after.compiled.program);
        let calendar = Calendar::new(was, is);
        let targets: Vec<Target> = web::targets((old, was), (new, is), &calendar.clock);
        for change in web::changes((old, was), (new, is), &targets, &calendar.clock) {
            let what = web::sites(&targets, &change.targets, new, old);
            found.push(self.consequence(About::Web, change, &what, &calendar));
        }
    }

    fn things(&self, found: &mut Vec<Consequence>) {
        let (old, new) = self.schools();
        let (was, is) = (&self.before.compiled.program, &self.after.compiled.program);
        let calendar = Calendar::new(was, is);
        let situations = things::situations((old, was), (new, is));
        for change in things::changes((old, was), (new, is), &situations, &calendar.clock) {
            let widest = things::widest(&change.targets, &situations, new);
            for situation in widest.iter().filter_map(|&at| situations.get(at)) {
                let of = |program: &Program| {
                    program.things.iter().any(|rule| {
                        rule.control.kind == situation.kind
                            && is_narrower_thing(new, &situation.conditions, &rule.conditions)
                    })
                };
                let edition = if of(is) { self.after } else { self.before };
                let what = show::situation(situation.kind, &situation.conditions, &edition.compiled);
                let mut consequence = self.consequence(About::Things, change.clone(), &what, &calendar);
                let senders = things::senders(situation, new);
                if senders.is_some_and(|senders| !self.narrow(&mut consequence, senders)) {
                    continue;
                }
                found.push(consequence);
            }
        }
        for change in things::password_changes((old, was), (new, is), &calendar.clock) {
            found.push(self.consequence(About::Things, change, "passwords", &calendar));
        }
    }

    /// It is the senders whom it concerns, among those whom a rule binds; `false` where nobody is both.
    fn narrow(&self, consequence: &mut Consequence, senders: Vec<Group>) -> bool {
        let (_, new) = self.schools();
        let can_send = |group: &Group| senders.iter().any(|sender| !new.are_apart(sender, group));
        match consequence.who.is_empty() {
            true => consequence.who = senders,
            false => consequence.who.retain(can_send),
        }
        if consequence.who.is_empty() {
            return false;
        }
        let who =
            Who { any: consequence.who.clone(), with: consequence.with.clone(), except: consequence.except.clone() };
        consequence.people = self.people(&who);
        true
    }

    fn consequence(&self, about: About, change: Change, what: &str, calendar: &Calendar) -> Consequence {
        let (when, at, on) =
            (calendar.words(&change.times), self.places(&change.places), self.devices(&change.devices));
        let Change { turn, who, .. } = change;
        Consequence {
            about,
            people: self.people(&who),
            who: who.any,
            with: who.with,
            except: who.except,
            offices: Vec::new(),
            also: Vec::new(),
            clause: turn.clause,
            what: format!("{what}{when}{at}{on}"),
            before: turn.before,
            after: turn.after,
        }
    }

    fn title(&self, group: &Group) -> String {
        let (old, new) = self.schools();
        if new.groups.contains_key(group) { new.group_title(group) } else { old.group_title(group) }
    }

    fn people(&self, who: &Who) -> String {
        let titles = |groups: &[Group]| groups.iter().map(|group| self.title(group)).collect::<Vec<_>>();
        let mut text = match who.any.is_empty() {
            true => "everybody".to_owned(),
            false => join(&titles(&who.any), "and"),
        };
        if !who.with.is_empty() {
            text.push_str(&format!(" who are in {} too", join(&titles(&who.with), "and")));
        }
        if !who.except.is_empty() {
            text.push_str(&format!(" (but not {})", join(&titles(&who.except), "and")));
        }
        text
    }

    fn places(&self, places: &Choice<Box<str>>) -> String {
        let words = |names: &BTreeSet<Box<str>>| join(&names.iter().map(ToString::to_string).collect::<Vec<_>>(), "or");
        match places {
            Choice::All => String::new(),
            Choice::Only(names) => format!(" at {}", words(names)),
            Choice::AllBut(names) => format!(" anywhere but at {}", words(names)),
        }
    }

    fn devices(&self, devices: &Choice<schoolgate_base::DeviceClass>) -> String {
        let (old, new) = self.schools();
        let title = |class: &schoolgate_base::DeviceClass| {
            let title = new.device_classes.get(class).or_else(|| old.device_classes.get(class));
            title.map_or_else(|| class.to_string(), ToString::to_string)
        };
        let words = |classes: &BTreeSet<_>| join(&classes.iter().map(title).collect::<Vec<_>>(), "and");
        match devices {
            Choice::All => String::new(),
            Choice::Only(classes) => format!(" on {}", words(classes)),
            Choice::AllBut(classes) => format!(" on all but {}", words(classes)),
        }
    }
}
