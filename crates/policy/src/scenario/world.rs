//! The world of a scenario: people with their groups and offices, sites with their categories.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use schoolgate_base::{Capacity, DayKind, Group, HostName, PersonId, PolicyId, Role, SchoolId};
use schoolgate_cases::{Agreement, Offices, Tie, TieKind, may_use};
use schoolgate_decide::snapshot::{FORMAT, Live, Member, MustSign, People, Root};
use schoolgate_decide::{CategoryTable, Snapshot};

use super::facts::Facts;
use super::read::{bare, piece, pieces};
use crate::compile::Compiled;
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::nearest::nearest;
use crate::syntax::Word;
use crate::syntax::reader::Findings;

/// Who and what there is.
#[derive(Debug, Clone)]
pub struct World<'a> {
    pub(super) compiled: &'a Compiled,
    pub(super) people: BTreeMap<PersonId, Person>,
    pub(super) offices: Offices,
    pub(super) sites: CategoryTable,
    pub(super) live: Live,
    /// The program over nobody, indexed once for all scenarios.
    empty: Arc<Snapshot>,
    pub(super) facts: Facts,
}

/// Somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Person {
    /// In the order told: the first says in which capacity they are here, so that the teacher of a class is no pupil.
    pub(super) groups: Vec<Group>,
    /// Policies that still have to be signed.
    pub(super) unsigned: BTreeSet<PolicyId>,
}

/// What a name in a sentence stands for.
pub(super) enum Name {
    Group(Group),
    Role(Role),
    Category(Box<str>),
}

fn empty(compiled: &Compiled) -> Snapshot {
    let school = compiled.school.id.clone().unwrap_or_else(|| SchoolId::from_random([0; 16]));
    let root = Root { school, number: 1, format: FORMAT, made_at: Timestamp::UNIX_EPOCH };
    let program = Arc::new(compiled.program.clone());
    Snapshot::new(root, Arc::new(CategoryTable::default()), program, Arc::default(), Arc::default())
}

impl<'a> World<'a> {
    pub fn new(compiled: &'a Compiled) -> Self {
        Self {
            compiled,
            people: BTreeMap::new(),
            offices: Offices::default(),
            sites: CategoryTable::default(),
            live: Live::default(),
            empty: Arc::new(empty(compiled)),
            facts: Facts::default(),
        }
    }

    /// Adds a site's category; the list it comes from is called "the lists".
    pub fn categorise(&mut self, host: HostName, category: &str) {
        self.sites.insert(host, category, "the lists");
    }

    /// Takes one sentence about the world. `false`: it is not one.
    pub(super) fn tell(&mut self, line: &Word, findings: &mut Findings) -> bool {
        if self.tell_fact(line, findings) {
            return true;
        }
        for (verb, kind) in [(" is a relative of ", TieKind::Relative), (" manages ", TieKind::Manages)] {
            if let Some((one, other)) = line.text.split_once(verb) {
                let (from, to) = (person_id(&piece(line, one), findings), person_id(&piece(line, other), findings));
                if let (Some(from), Some(to)) = (from, to) {
                    self.offices.ties.push(Tie { kind, from, to });
                }
                return true;
            }
        }
        if let Some((person, role)) = line.text.split_once(" deputises for ") {
            let (person, role) = (person_id(&piece(line, person), findings), self.name(&piece(line, role), findings));
            if let (Some(person), Some(Name::Role(role))) = (person, role) {
                self.people.entry(person.clone()).or_default();
                self.offices.add(role, person, true);
            }
            return true;
        }
        if let Some((person, policy)) = line.text.split_once(" has not signed") {
            if let Some(person) = person_id(&piece(line, person), findings) {
                let policies = self.unsigned(policy);
                self.people.entry(person).or_default().unsigned.extend(policies);
            }
            return true;
        }
        let Some((subject, names)) = line.text.split_once(" is ") else {
            findings.push(not_understood(line, "write `tess.teacher is a teacher` or `bet.example is gambling`"));
            return false;
        };
        let names: Vec<Word> = self.names(&piece(line, names));
        let names: Vec<Name> = names.iter().filter_map(|name| self.name(name, findings)).collect();
        self.assign(&piece(line, subject), names, findings);
        true
    }

    fn assign(&mut self, subject: &Word, names: Vec<Name>, findings: &mut Findings) {
        for name in names {
            match name {
                Name::Category(category) => match HostName::parse(&subject.text) {
                    Ok(host) => self.categorise(host, &category),
                    Err(error) => findings.push(Diagnostic::new(Code::ScenarioWorld, subject.span, error.to_string())),
                },
                Name::Group(group) => {
                    if let Some(person) = person_id(subject, findings) {
                        self.people.entry(person).or_default().groups.push(group);
                    }
                }
                Name::Role(role) => {
                    if let Some(person) = person_id(subject, findings) {
                        self.people.entry(person.clone()).or_default();
                        self.offices.add(role, person, false);
                    }
                }
            }
        }
    }

    /// "a teacher of class 6B and headteacher" → its names.
    pub(super) fn names(&self, word: &Word) -> Vec<Word> {
        let parts = pieces(word);
        parts
            .iter()
            .flat_map(|part| {
                let inner: Vec<Word> =
                    part.text.split(" of ").flat_map(|p| p.split(" in ")).map(|p| piece(part, p)).collect();
                // A title may hold an "of": the chair of governors.
                if self.look_up(&part.text).is_some() { vec![part.clone()] } else { inner }
            })
            .collect()
    }

    /// What a name stands for: its id, its title, or the singular of either.
    pub(super) fn look_up(&self, text: &str) -> Option<Name> {
        let school = &self.compiled.school;
        let role = school.roles.iter().find(|(role, entry)| is_named(text, role.as_str(), &entry.title));
        let category = || school.categories.iter().find(|(name, entry)| is_named(text, name, &entry.title));
        role.map(|(role, _)| Name::Role(role.clone()))
            .or_else(|| self.group_named(text).map(Name::Group))
            .or_else(|| category().map(|(name, _)| Name::Category(name.clone())))
    }

    pub(super) fn group_named(&self, text: &str) -> Option<Group> {
        let mut groups = self.compiled.school.groups.iter();
        groups.find(|(group, entry)| is_named(text, group.as_str(), &entry.title)).map(|(group, _)| group.clone())
    }

    pub(super) fn name(&self, word: &Word, findings: &mut Findings) -> Option<Name> {
        let found = self.look_up(&word.text);
        if found.is_none() {
            let school = &self.compiled.school;
            let names = school
                .groups
                .keys()
                .map(Group::as_str)
                .chain(school.roles.keys().map(Role::as_str))
                .chain(school.categories.keys().map(|name| &**name));
            let near = nearest(bare(&word.text), names);
            let mut finding = Diagnostic::new(
                Code::ScenarioWorld,
                word.span,
                format!("there is no group, role or category `{}`", bare(&word.text)),
            );
            finding.help = near.map(|near| format!("did you mean `{near}`?"));
            findings.push(finding);
        }
        found
    }

    /// The policies that a sentence says are not signed: the one it names, or all that have to be.
    pub(super) fn unsigned(&self, text: &str) -> BTreeSet<PolicyId> {
        let named = PolicyId::new(text.trim()).ok();
        let agreements = self.compiled.agreements.iter().filter(|agreement| agreement.is_gate);
        let policies = agreements.map(|agreement| agreement.policy.clone());
        policies.filter(|policy| named.as_ref().is_none_or(|named| named == policy)).collect()
    }

    /// The capacity in which a person is here: that of their groups, staff where only offices are known.
    pub(super) fn capacity(&self, person: &Person) -> Capacity {
        person.groups.iter().find_map(|group| self.compiled.school.capacity_of(group)).unwrap_or(Capacity::Staff)
    }

    pub(super) fn member(&self, id: &PersonId, person: &Person, now: Timestamp) -> Member {
        let capacity = self.capacity(person);
        let groups = self.compiled.groups_of(capacity, &person.groups);
        Member {
            must_sign: self.must_sign(id, &person.unsigned, &groups, now),
            person: id.clone(),
            capacity,
            groups,
            pseudonym: id.as_str().into(),
        }
    }

    /// The gates that are closed for somebody: of what they have not signed, and of what they signed in an earlier
    /// version, as the doors keep it. Of whom nothing is said, everything is signed.
    pub(super) fn must_sign(
        &self,
        person: &PersonId,
        unsigned: &BTreeSet<PolicyId>,
        groups: &[Group],
        now: Timestamp,
    ) -> Vec<MustSign> {
        let groups = groups.iter().cloned().collect();
        let calendar = &self.compiled.school.calendar;
        let is_missing = |agreement: &&Agreement| {
            let signed = || self.facts.signed(person, agreement, now, &calendar.zone);
            let is_other = || signed().is_some_and(|signed| signed.version != agreement.version);
            may_use(&agreement.who, &groups) && (unsigned.contains(&agreement.policy) || is_other())
        };
        let missing = self.compiled.agreements.iter().filter(|agreement| agreement.is_gate).filter(is_missing);
        let closed = |agreement: &Agreement| {
            let is_first = unsigned.contains(&agreement.policy);
            // Only who agreed before has days of grace, from the day of the version on.
            let grace = agreement.within.as_ref().filter(|_| !is_first);
            let since = self.compiled.policies.iter().find(|head| head.id == agreement.policy);
            let since = since.and_then(|head| head.adopted.or(head.published));
            let since = since.and_then(|day| day.to_zoned(calendar.zone.clone()).ok()).map(|day| day.timestamp());
            let from = grace.zip(since).map(|(grace, since)| grace.deadline(calendar, None, since));
            MustSign {
                policy: agreement.policy.clone(),
                version: agreement.version.clone(),
                from: from.unwrap_or(Timestamp::UNIX_EPOCH),
            }
        };
        missing.map(closed).collect()
    }

    /// A snapshot of this world under the pack's program.
    pub(super) fn snapshot(&self, persona: Option<&Member>, now: Timestamp) -> Snapshot {
        let named = self.people.iter().map(|(id, person)| self.member(id, person, now));
        let people = People { members: named.chain(persona.cloned()).collect(), ..People::default() };
        self.empty.over(Arc::new(self.sites.clone()), Arc::new(people), Arc::new(self.live.clone()))
    }

    /// Ten o'clock on the first school day: when nothing else is said.
    pub(super) fn usual_time(&self) -> Timestamp {
        let calendar = &self.compiled.school.calendar;
        let first = calendar.terms.first().map_or(Date::constant(2026, 1, 5), |term| term.first);
        let mut day = first;
        for _ in 0..14 {
            if calendar.day_kind(day).as_str() == DayKind::SCHOOL_DAY {
                break;
            }
            day = day.tomorrow().unwrap_or(day);
        }
        let zoned = day.at(10, 0, 0, 0).to_zoned(calendar.zone.clone());
        zoned.map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp())
    }
}

/// Whether a text is an id or a title, or the singular of either.
fn is_named(text: &str, id: &str, title: &str) -> bool {
    let text = bare(text);
    let colon = text.replacen(' ', ":", 1);
    let is = |text: &str| [id, title].iter().any(|name| name.eq_ignore_ascii_case(text) || is_plural(name, text));
    is(text) || is(&colon)
}

fn is_plural(name: &str, text: &str) -> bool {
    name.len() == text.len() + 1 && name.ends_with('s') && name.to_lowercase().starts_with(&text.to_lowercase())
}

pub(super) fn person_id(word: &Word, findings: &mut Findings) -> Option<PersonId> {
    let id = PersonId::new(bare(&word.text));
    if let Err(error) = &id {
        findings.push(Diagnostic::new(Code::ScenarioWorld, word.span, format!("this is no person: {error}")));
    }
    id.ok()
}

pub(super) fn not_understood(word: &Word, help: &str) -> Diagnostic {
    Diagnostic::new(Code::ScenarioSyntax, word.span, format!("`{}` is not understood", word.text)).help(help)
}

/// An end of a stretch of the file, for findings about what is missing there.
pub(super) fn end_of(word: &Word) -> Span {
    Span { start: word.span.end, ..word.span }
}
