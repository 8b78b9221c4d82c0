//! What is newly refused, held or told, and what no longer is: rules about messages, files, drafts, accounts, devices
//! and what is written, compared in every situation that a rule of either edition describes.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use schoolgate_base::{ClauseId, ControlKind, Group, Role};
use schoolgate_decide::snapshot::Program;
use schoolgate_decide::things::{
    Action, Aspect, CharacterKind, Condition, Delay, Listener, PasswordRule, ThingRule, Weakness,
};

use super::cells::{Change, Edition, Turn, compare};
use crate::overlap::{Clock, Scopes, is_covered, is_narrower_thing};
use crate::school::School;
use crate::show::{join, phrase, within};

/// Things of one kind that fit these conditions and nothing more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Situation {
    pub(super) kind: ControlKind,
    pub(super) conditions: Vec<Condition>,
}

/// What is done, and whose words it is.
pub(super) struct Said {
    words: String,
    by: Option<ClauseId>,
}

/// One edition's rules about things.
struct Things<'a> {
    school: &'a School,
    program: &'a Program,
    scopes: Scopes<'a>,
    situations: &'a [Situation],
}

/// Most situations that one rule is parted into; people write far fewer, and more would say nothing to anybody.
const PARTS_MAX: usize = 64;

/// The situations that either edition describes, parted so far that each rule is about all of one or about none of it.
pub(super) fn situations(before: (&School, &Program), after: (&School, &Program)) -> Vec<Situation> {
    let mut whole: Vec<Situation> = Vec::new();
    let mut add = |situation: Situation| {
        if !whole.contains(&situation) {
            whole.push(situation);
        }
    };
    for rule in before.1.things.iter().chain(&after.1.things) {
        add(Situation { kind: rule.control.kind, conditions: rule.conditions.clone() });
    }
    for system in before.1.restricted.symmetric_difference(&after.1.restricted) {
        let condition = Condition::Any { aspect: Aspect::System, marks: BTreeSet::from([system.clone()]) };
        add(Situation { kind: ControlKind::Account, conditions: vec![condition] });
    }
    let mut found: Vec<Situation> = Vec::new();
    for part in whole.iter().flat_map(|situation| parts(situation, &whole, [before.0, after.0])) {
        if !found.contains(&part) {
            found.push(part);
        }
    }
    found
}

/// "To parents or pupils" is one situation only as long as no rule speaks of one of the two alone.
fn parts(situation: &Situation, all: &[Situation], schools: [&School; 2]) -> Vec<Situation> {
    let mut found = vec![situation.clone()];
    for (at, condition) in situation.conditions.iter().enumerate() {
        let Condition::Any { aspect, marks } = condition else { continue };
        let rivals: Vec<&BTreeSet<Box<str>>> = all
            .iter()
            .filter(|other| other.kind == situation.kind)
            .flat_map(|other| &other.conditions)
            .filter_map(|other| match other {
                Condition::Any { aspect: of, marks } if of == aspect => Some(marks),
                _ => None,
            })
            .collect();
        let mut alike: BTreeMap<Vec<bool>, BTreeSet<Box<str>>> = BTreeMap::new();
        for mark in marks {
            let fits = |wanted: &&BTreeSet<Box<str>>| schools.map(|school| is_covered(school, *aspect, mark, wanted));
            alike.entry(rivals.iter().flat_map(fits).collect()).or_default().insert(mark.clone());
        }
        let with = |part: &Situation, marks: &BTreeSet<Box<str>>| {
            let mut part = part.clone();
            if let Some(condition) = part.conditions.get_mut(at) {
                *condition = Condition::Any { aspect: *aspect, marks: marks.clone() };
            }
            part
        };
        found = found.iter().flat_map(|part| alike.values().map(|marks| with(part, marks))).collect();
        if found.len() > PARTS_MAX {
            return vec![situation.clone()];
        }
    }
    found
}

pub(super) fn changes(
    before: (&School, &Program),
    after: (&School, &Program),
    situations: &[Situation],
    clock: &Clock,
) -> Vec<Change> {
    fn edition<'a>(
        (school, program): (&'a School, &'a Program),
        situations: &'a [Situation],
        clock: &Clock,
    ) -> Things<'a> {
        let scopes = Scopes::new(program.things.iter().map(|rule| &rule.scope).collect(), program, clock);
        Things { school, program, scopes, situations }
    }
    let editions = (&edition(before, situations, clock), &edition(after, situations, clock));
    compare(editions, (before.0, after.0), situations.len(), turn)
}

/// The situations to speak of: what goes without saying by another one is left out.
pub(super) fn widest(targets: &BTreeSet<usize>, situations: &[Situation], school: &School) -> BTreeSet<usize> {
    let within = |one: usize, other: usize| match (situations.get(one), situations.get(other)) {
        (Some(inner), Some(outer)) => {
            inner.kind == outer.kind && is_narrower_thing(school, &inner.conditions, &outer.conditions)
        }
        _ => false,
    };
    let is_said =
        |&one: &usize| targets.iter().any(|&other| within(one, other) && (!within(other, one) || other < one));
    targets.iter().copied().filter(|one| !is_said(one)).collect()
}

fn turn(before: &Said, after: &Said) -> Option<Turn> {
    if before.words == after.words {
        return None;
    }
    let clause = after.by.clone().or_else(|| before.by.clone());
    Some(Turn { before: before.words.clone(), after: after.words.clone(), clause })
}

impl Edition for Things<'_> {
    type Said = Said;
    const IS_PERSONAL: bool = false;

    fn scopes(&self) -> &Scopes<'_> {
        &self.scopes
    }

    fn about(&self, target: usize) -> Vec<usize> {
        let Some(situation) = self.situations.get(target) else { return Vec::new() };
        let fits = |rule: &ThingRule| {
            rule.control.kind == situation.kind
                && is_narrower_thing(self.school, &situation.conditions, &rule.conditions)
        };
        self.program.things.iter().enumerate().filter(|(_, rule)| fits(rule)).map(|(at, _)| at).collect()
    }

    /// The same order as a judgement: what another one goes over falls away, the strictest speaks, all are heard.
    fn says(&self, target: usize, holding: &[usize], _: &BTreeSet<Group>) -> Said {
        let mut standing: Vec<&ThingRule> = holding.iter().filter_map(|&rule| self.program.things.get(rule)).collect();
        let over: Vec<_> = standing.iter().flat_map(|rule| &rule.over).collect();
        standing.retain(|rule| !over.contains(&&rule.control));
        let spoken = standing.iter().copied().max_by_key(|rule| rule.action);
        let by = spoken.map(|rule| rule.control.clause.clone());
        let action = spoken.map(|rule| rule.action);
        if self.is_locked_out(target, &standing) {
            let action = action.max(Some(Action::Refuse));
            return Said { words: self.words(action, None, &standing), by };
        }
        Said { words: self.words(action, spoken, &standing), by }
    }
}

impl Things<'_> {
    /// A restricted system lets in only whom a rule allows.
    fn is_locked_out(&self, target: usize, standing: &[&ThingRule]) -> bool {
        let Some(situation) = self.situations.get(target) else { return false };
        let names = |conditions: &[Condition], is: &dyn Fn(&Box<str>) -> bool| {
            conditions.iter().any(|condition| {
                matches!(condition, Condition::Any { aspect: Aspect::System, marks } if marks.iter().any(is))
            })
        };
        let is_restricted = names(&situation.conditions, &|system| self.program.restricted.contains(system));
        let lets_in = |rule: &&ThingRule| rule.action == Action::Allow && names(&rule.conditions, &|_| true);
        situation.kind == ControlKind::Account && is_restricted && !standing.iter().any(lets_in)
    }

    fn words(&self, action: Option<Action>, spoken: Option<&ThingRule>, standing: &[&ThingRule]) -> String {
        let mut text = action.map_or("nothing is done", phrase).to_owned();
        if let Some(rule) = spoken.filter(|rule| !rule.release.is_empty()) {
            text.push_str(&format!(", until {} lets it go", self.roles(&rule.release, "or")));
        }
        for rule in standing {
            // Of a rule that does not speak, what it does beside is said apart.
            let speaks = |action: Action| spoken.is_some_and(|spoken| spoken.action == action);
            let delayed = if speaks(Action::Delay) { "" } else { "; delayed" };
            match &rule.delay {
                Some(Delay::For(length)) => text.push_str(&format!("{delayed} by {length}")),
                Some(Delay::Until(period)) => {
                    text.push_str(&format!("{delayed} until {} begin", period.replace('-', " ")));
                }
                None => {}
            }
            let marked = if speaks(Action::Tag) { "" } else { "; marked" };
            text.extend(rule.tag.iter().map(|tag| format!("{marked} \u{201c}{tag}\u{201d}")));
        }
        let copies: BTreeSet<&Role> = standing.iter().flat_map(|rule| &rule.copy).collect();
        if !copies.is_empty() {
            text.push_str(&format!("; a copy goes to {}", self.roles(copies, "and")));
        }
        let heard: BTreeSet<String> = standing.iter().flat_map(|rule| self.heard(rule)).collect();
        text.extend(heard.iter().map(|heard| format!("; {heard}")));
        let says = standing.iter().filter_map(|rule| rule.says.as_ref());
        text.extend(says.map(|says| format!("; the person reads \u{201c}{says}\u{201d}")));
        text
    }

    fn heard(&self, rule: &ThingRule) -> Vec<String> {
        let hearing = &rule.hearing;
        let mut found = Vec::new();
        for listener in &hearing.to {
            let who = match listener {
                Listener::Office(role) => format!("the {}", self.school.role_title(role)),
                Listener::Themself => "the person themself".to_owned(),
                Listener::Owner => "whoever owns it".to_owned(),
                Listener::Manager => "their line manager".to_owned(),
                Listener::ClassTeacher => "the class teacher".to_owned(),
            };
            let by_when =
                hearing.within.as_ref().map(|time| format!(" and looks {}", within(time))).unwrap_or_default();
            found.push(format!("{who} is told{by_when}"));
        }
        found.extend(hearing.about.iter().map(|(role, instead)| {
            format!("about the {}: {} instead", self.school.role_title(role), self.roles(instead, "and"))
        }));
        found
    }

    fn roles<'r>(&self, roles: impl IntoIterator<Item = &'r Role>, with: &str) -> String {
        let titles: Vec<String> =
            roles.into_iter().map(|role| format!("the {}", self.school.role_title(role))).collect();
        join(&titles, with)
    }
}

/// One edition's rules about passwords.
struct Passwords<'a> {
    rules: &'a [PasswordRule],
    scopes: Scopes<'a>,
}

pub(super) fn password_changes(before: (&School, &Program), after: (&School, &Program), clock: &Clock) -> Vec<Change> {
    fn edition<'a>(program: &'a Program, clock: &Clock) -> Passwords<'a> {
        let scopes = Scopes::new(program.passwords.iter().map(|rule| &rule.scope).collect(), program, clock);
        Passwords { rules: &program.passwords, scopes }
    }
    compare((&edition(before.1, clock), &edition(after.1, clock)), (before.0, after.0), 1, turn)
}

impl Edition for Passwords<'_> {
    type Said = Said;
    const IS_PERSONAL: bool = false;

    fn scopes(&self) -> &Scopes<'_> {
        &self.scopes
    }

    fn about(&self, _: usize) -> Vec<usize> {
        (0..self.rules.len()).collect()
    }

    fn says(&self, _: usize, holding: &[usize], _: &BTreeSet<Group>) -> Said {
        let rules: Vec<&PasswordRule> = holding.iter().filter_map(|&rule| self.rules.get(rule)).collect();
        let by = rules.first().map(|rule| rule.control.clause.clone());
        let mut words = Vec::new();
        let length = rules.iter().map(|rule| rule.length).max().unwrap_or(0);
        words.extend((length > 0).then(|| format!("{length} characters or more")));
        let with: BTreeSet<_> = rules.iter().flat_map(|rule| &rule.with).collect();
        let named = CharacterKind::ALL.iter().filter(|(_, kind)| with.contains(kind));
        words.extend(named.map(|(word, _)| format!("with a {word}")));
        let refuse: BTreeSet<_> = rules.iter().flat_map(|rule| &rule.refuse).collect();
        let refused = Weakness::ALL.iter().filter(|(_, weakness)| refuse.contains(weakness)).map(|(word, _)| word);
        words.extend(refused.map(|word| format!("not {}", word.replace('-', " "))));
        for rule in &rules {
            let pause = rule.not_in.as_ref().map(|period| format!(", never in {period}")).unwrap_or_default();
            words.extend(rule.change.as_ref().map(|change| format!("another one after {change}{pause}")));
        }
        Said { words: if words.is_empty() { "no rule".to_owned() } else { words.join(", ") }, by }
    }
}

/// The groups whose doing a situation is about, where it names nobody but groups.
pub(super) fn senders(situation: &Situation, school: &School) -> Option<Vec<Group>> {
    let marks = situation.conditions.iter().find_map(|condition| match condition {
        Condition::Any { aspect: Aspect::From, marks } => Some(marks),
        _ => None,
    })?;
    let groups: Vec<Group> = marks.iter().map(|mark| Group::new(mark)).collect();
    let is_group = |group: &Group| school.groups.contains_key(group);
    groups.iter().all(is_group).then_some(groups)
}
