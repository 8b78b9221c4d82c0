//! What came of something, and the expectations that are held against it: people, days, things and states.
//!
//! Each kind of scenario names the verbs it knows in a [`Vocabulary`] and fills an [`Outcome`]; reading the sentences,
//! comparing, and saying what is instead are the same for all.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use schoolgate_base::{Group, PersonId, Role};

use super::Scenario;
use super::given::dated;
use super::read::{bare, piece, pieces};
use super::web::Failures;
use super::world::{Name, World, end_of, not_understood};
use crate::diagnostic::{Code, Diagnostic};
use crate::nearest::nearest;
use crate::syntax::Word;
use crate::syntax::reader::Findings;

/// The verbs of one kind of scenario.
pub(super) struct Vocabulary {
    /// Followed by persons or offices: `goes to`, `decided by`, `tells`.
    pub(super) people: &'static [&'static str],
    /// Followed by a day: `due`.
    pub(super) days: &'static [&'static str],
    /// Followed by a thing, and perhaps `until` a day.
    pub(super) things: &'static [(&'static str, Thing)],
    /// Standing alone: `late`.
    pub(super) states: &'static [&'static str],
    /// Followed by some of its words.
    pub(super) texts: &'static [&'static str],
    /// What to write instead.
    pub(super) help: &'static str,
}

/// How the name of a thing is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thing {
    Group,
    /// A group or a person.
    Audience,
    /// `#clause` or `policy#clause`.
    Clause,
    Words,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// It was not possible, and why; then nothing else holds.
    pub(super) refused: Option<String>,
    pub(super) people: Vec<(&'static str, People)>,
    pub(super) days: Vec<(&'static str, Option<Day>)>,
    pub(super) things: Vec<(&'static str, String, Option<Timestamp>)>,
    pub(super) states: Vec<String>,
    pub(super) texts: Vec<(&'static str, String)>,
}

/// Persons, each with the office in which, and the offices that count beside theirs.
#[derive(Debug, Default)]
pub(super) struct People {
    pub(super) persons: Vec<(PersonId, Option<Role>)>,
    pub(super) roles: BTreeSet<Role>,
}

impl People {
    pub(super) fn of(persons: impl IntoIterator<Item = PersonId>, world: &World<'_>) -> Self {
        let persons: Vec<_> = persons.into_iter().map(|person| (person, None)).collect();
        let held = persons.iter().flat_map(|(person, _)| world.offices.of_person(person)).cloned();
        let roles = held.collect();
        Self { persons, roles }
    }

    fn holds(&self, party: &Party) -> bool {
        match party {
            Party::Person(person) => self.persons.iter().any(|(one, _)| one == person),
            Party::Role(role) => self.roles.contains(role),
        }
    }
}

/// A day, or a moment of it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Day {
    Whole(Date),
    At(Timestamp),
}

/// What a name stands for.
#[derive(Debug)]
pub(super) enum Party {
    Person(PersonId),
    Role(Role),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sense {
    Is,
    IsNot,
    Only,
}

#[derive(Debug)]
enum Expect {
    Refused,
    Party(&'static str, Sense, Party),
    Nobody(&'static str),
    Day(&'static str, Option<Date>, Option<Time>),
    Never(&'static str),
    Thing { verb: &'static str, sense: Sense, kind: Thing, target: String, until: Option<Until> },
    State(String, Sense),
    Text(&'static str, String),
}

/// A day, or a time of it.
type Until = (Option<Date>, Option<Time>);

impl Outcome {
    pub(super) fn refused(why: impl Into<String>) -> Self {
        Self { refused: Some(why.into()), ..Self::default() }
    }
}

/// Reads the expectations, then finds out what came of it, and answers what does not hold; `None` when a sentence is not
/// understood.
pub(super) fn judge(
    scenario: &Scenario,
    world: &World<'_>,
    vocabulary: &Vocabulary,
    findings: &mut Findings,
    outcome: impl FnOnce() -> Outcome,
) -> Option<Failures> {
    let before = findings.len();
    let mut reader = Reader { world, vocabulary, findings };
    let mut expects = Vec::new();
    for line in &scenario.then {
        let mut mode = None;
        for part in pieces(line) {
            expects.extend(reader.expectation(&part, &mut mode).map(|expect| (part, expect)));
        }
    }
    if expects.is_empty() && before == findings.len() {
        let place = scenario.then.last().map_or(scenario.span, end_of);
        findings.push(Diagnostic::new(Code::ScenarioSyntax, place, "nothing is expected here"));
    }
    if before != findings.len() {
        return None;
    }
    let outcome = outcome();
    let failed = expects.iter().filter(|(_, expect)| !outcome.holds(expect, &expects, world));
    Some(failed.map(|(word, _)| (word.span, word.text.clone(), outcome.words(world))).collect())
}

struct Reader<'r, 'a> {
    world: &'r World<'a>,
    vocabulary: &'r Vocabulary,
    findings: &'r mut Findings,
}

/// The verb that a name without one goes with, and in which sense.
type Mode = Option<(&'static str, Sense)>;

impl Reader<'_, '_> {
    fn expectation(&mut self, part: &Word, mode: &mut Mode) -> Option<Expect> {
        let starts = ["it is ", "it ", "she is ", "she ", "he ", "they ", "is ", "then "];
        let text = starts.iter().find_map(|start| part.text.strip_prefix(start)).unwrap_or(&part.text).trim();
        if text == "not possible" {
            return Some(Expect::Refused);
        }
        if text == "nothing is due" && self.vocabulary.days.contains(&"due") {
            return Some(Expect::Never("due"));
        }
        let (positive, sense) = match text.strip_prefix("not ") {
            Some(rest) => (rest, Sense::IsNot),
            None => (text, Sense::Is),
        };
        if self.vocabulary.states.contains(&positive) {
            return Some(Expect::State(positive.to_owned(), sense));
        }
        if sense == Sense::IsNot
            && let Some(verb) = self.vocabulary.days.iter().find(|verb| **verb == positive)
        {
            return Some(Expect::Never(verb));
        }
        self.day(positive)
            .or_else(|| self.text(positive))
            .map(Some)
            .or_else(|| self.thing(part, positive, sense))
            .unwrap_or_else(|| self.party(part, text, mode))
    }

    fn day(&self, text: &str) -> Option<Expect> {
        let (verb, rest) = after(text, self.vocabulary.days)?;
        let (date, time) = dated(rest);
        (date.is_some() || time.is_some()).then_some(Expect::Day(verb, date, time))
    }

    fn text(&self, text: &str) -> Option<Expect> {
        let (verb, rest) = after(text, self.vocabulary.texts)?;
        Some(Expect::Text(verb, rest.trim_start_matches(':').trim().trim_matches('"').to_owned()))
    }

    /// `Some(None)`: a thing that is not there.
    fn thing(&mut self, part: &Word, text: &str, sense: Sense) -> Option<Option<Expect>> {
        let known = self.vocabulary.things.iter();
        let (verb, kind, rest) = known
            .filter_map(|(verb, kind)| Some((*verb, *kind, text.strip_prefix(verb)?)))
            .find(|(_, _, rest)| rest.starts_with(' '))?;
        let (name, until) = rest.split_once(" until ").map_or((rest, None), |(name, until)| (name, Some(until)));
        let name = name.trim();
        let until = match until {
            None => None,
            Some(until) => match dated(until) {
                (date @ Some(_), time) => Some((date, time)),
                (None, _) => {
                    self.findings.push(not_understood(part, "write the day as `until 2026-11-27`"));
                    return Some(None);
                }
            },
        };
        let known = match kind {
            Thing::Words => Some(name.trim_matches(['"', '“', '”']).to_owned()),
            Thing::Clause => {
                let clause = name.split_once(" towards ").map_or(name, |(clause, _)| clause);
                self.world.clause_known(&piece(part, clause), self.findings).map(|()| name.to_owned())
            }
            Thing::Audience if self.world.person_named(name).is_some() => Some(bare(name).to_owned()),
            Thing::Group | Thing::Audience => self.group(&piece(part, name)),
        };
        let Some(target) = known else { return Some(None) };
        Some(Some(Expect::Thing { verb, sense, kind, target, until }))
    }

    fn group(&mut self, word: &Word) -> Option<String> {
        let found = self.world.group_named(&word.text);
        if found.is_none() {
            let groups = self.world.compiled.school.groups.keys();
            let message = format!("there is no group `{}`", bare(&word.text));
            let mut finding = Diagnostic::new(Code::ScenarioWorld, word.span, message);
            finding.help =
                nearest(bare(&word.text), groups.map(Group::as_str)).map(|near| format!("did you mean `{near}`?"));
            self.findings.push(finding);
        }
        found.map(|group| group.to_string())
    }

    fn party(&mut self, part: &Word, text: &str, mode: &mut Mode) -> Option<Expect> {
        let (found, name) = self.verb(text, *mode);
        *mode = found.or(*mode);
        let Some((verb, sense)) = *mode else {
            self.findings.push(not_understood(part, self.vocabulary.help));
            return None;
        };
        if name == "nobody" {
            return Some(Expect::Nobody(verb));
        }
        let party = self.world.party(&piece(part, name), self.findings)?;
        Some(Expect::Party(verb, sense, party))
    }

    /// The verb of a phrase about people, with what follows it: `goes only to X`, `not by X`, `not X`.
    fn verb<'t>(&self, text: &'t str, mode: Mode) -> (Mode, &'t str) {
        if let Some(rest) = text.strip_prefix("not ")
            && let (Some((verb, Sense::Is)), name) = self.verb(rest, None)
        {
            return (Some((verb, Sense::IsNot)), name);
        }
        for &verb in self.vocabulary.people {
            if let Some(rest) = text.strip_prefix(verb).filter(|rest| rest.starts_with(' ')) {
                let rest = rest.trim_start();
                return match rest.strip_prefix("only ") {
                    Some(name) => (Some((verb, Sense::Only)), name),
                    None => (Some((verb, Sense::Is)), rest),
                };
            }
            // `goes only to`: the word stands before the preposition.
            if let Some((first, preposition)) = verb.rsplit_once(' ')
                && let Some(rest) = text.strip_prefix(first).and_then(|rest| rest.strip_prefix(" only "))
                && let Some(name) = rest.strip_prefix(preposition).filter(|name| name.starts_with(' '))
            {
                return (Some((verb, Sense::Only)), name.trim_start());
            }
        }
        for (word, sense) in [("not ", Sense::IsNot), ("only ", Sense::Only)] {
            let Some(rest) = text.strip_prefix(word) else { continue };
            let (preposition, name) = ["to ", "by "]
                .into_iter()
                .find_map(|preposition| Some((preposition.trim(), rest.strip_prefix(preposition)?)))
                .unwrap_or(("", rest));
            let goes_with = |verb: &str| preposition.is_empty() || verb.ends_with(preposition);
            let before = mode.map(|(verb, _)| verb).filter(|verb| goes_with(verb));
            let verb = before.or_else(|| self.vocabulary.people.iter().copied().find(|verb| goes_with(verb)));
            return (verb.map(|verb| (verb, sense)), name);
        }
        (None, text)
    }
}

fn after<'t>(text: &'t str, verbs: &[&'static str]) -> Option<(&'static str, &'t str)> {
    let found = verbs.iter().filter_map(|verb| Some((*verb, text.strip_prefix(verb)?)));
    found.into_iter().find(|(_, rest)| rest.starts_with([' ', ':']))
}

impl Outcome {
    /// Whether nobody but those is among the people of this verb who are said to be it only.
    fn are_alone(&self, verb: &str, expects: &[(Word, Expect)], world: &World<'_>) -> bool {
        let only = |expect: &Expect, person: &PersonId| match expect {
            Expect::Party(known, Sense::Only, Party::Person(named)) => *known == verb && named == person,
            Expect::Party(known, Sense::Only, Party::Role(role)) => {
                *known == verb && world.offices.of_role(role).iter().any(|holder| holder.person == *person)
            }
            _ => false,
        };
        let is_named = |person: &PersonId| expects.iter().any(|(_, expect)| only(expect, person));
        self.people_of(verb).is_some_and(|people| people.persons.iter().all(|(person, _)| is_named(person)))
    }

    fn holds(&self, expect: &Expect, expects: &[(Word, Expect)], world: &World<'_>) -> bool {
        if self.refused.is_some() {
            return matches!(expect, Expect::Refused);
        }
        match expect {
            Expect::Refused => false,
            Expect::Party(verb, sense, party) => {
                let people = self.people_of(verb);
                let holds = people.is_some_and(|people| people.holds(party));
                match sense {
                    Sense::Is => holds,
                    Sense::IsNot => !holds,
                    Sense::Only => holds && self.are_alone(verb, expects, world),
                }
            }
            Expect::Nobody(verb) => self.people_of(verb).is_none_or(|people| people.persons.is_empty()),
            Expect::Day(verb, date, time) => {
                let day = self.days.iter().find(|(known, _)| known == verb).and_then(|(_, day)| *day);
                day.is_some_and(|day| day.is(*date, *time, world))
            }
            Expect::Never(verb) => !self.days.iter().any(|(known, day)| known == verb && day.is_some()),
            Expect::Thing { verb, sense, kind, target, until } => {
                let is_it = |found: &str| match kind {
                    Thing::Clause => found == target || (target.starts_with('#') && found.ends_with(target.as_str())),
                    Thing::Group | Thing::Audience | Thing::Words => found == target,
                };
                let ends = |end: Option<Timestamp>| {
                    until.is_none_or(|(date, time)| end.is_some_and(|end| Day::At(end).is(date, time, world)))
                };
                let is_there =
                    self.things.iter().any(|(known, found, end)| known == verb && is_it(found) && ends(*end));
                is_there == (*sense != Sense::IsNot)
            }
            Expect::State(state, sense) => self.states.contains(state) == (*sense != Sense::IsNot),
            Expect::Text(verb, words) => {
                !words.is_empty()
                    && self.texts.iter().any(|(known, text)| known == verb && text.contains(words.as_str()))
            }
        }
    }

    fn people_of(&self, verb: &str) -> Option<&People> {
        self.people.iter().find(|(known, _)| *known == verb).map(|(_, people)| people)
    }

    /// All that came of it, for whoever expected something else.
    fn words(&self, world: &World<'_>) -> String {
        if let Some(why) = &self.refused {
            return format!("not possible: {why}");
        }
        let mut parts = self.states.clone();
        for (verb, people) in &self.people {
            let named: Vec<String> = people
                .persons
                .iter()
                .map(|(person, role)| match role {
                    Some(role) => format!("{person} ({role})"),
                    None => person.to_string(),
                })
                .collect();
            let named = if named.is_empty() { "nobody".to_owned() } else { named.join(", ") };
            parts.push(format!("{verb} {named}"));
        }
        for (verb, day) in &self.days {
            parts.extend(day.map(|day| format!("{verb} {}", day.words(world))));
        }
        for (verb, target, until) in &self.things {
            let until = until.map(|until| format!(" until {}", Day::At(until).words(world)));
            parts.push(format!("{verb} {target}{}", until.unwrap_or_default()));
        }
        parts.extend(self.texts.iter().map(|(verb, text)| format!("{verb} {text}")));
        if parts.is_empty() { "nothing".to_owned() } else { parts.join("; ") }
    }
}

impl Day {
    fn is(self, date: Option<Date>, time: Option<Time>, world: &World<'_>) -> bool {
        match self {
            Self::Whole(day) => date == Some(day) && time.is_none(),
            Self::At(at) => {
                let local = world.compiled.school.calendar.local(at);
                let is_time = |time: Time| (time.hour(), time.minute()) == (local.hour(), local.minute());
                match time {
                    Some(time) => is_time(time) && date.is_none_or(|date| date == local.date()),
                    None => date == Some(world.moment(at, &[]).day_of(at)),
                }
            }
        }
    }

    fn words(self, world: &World<'_>) -> String {
        match self {
            Self::Whole(day) => day.to_string(),
            Self::At(at) => world.moment(at, &[]).in_words(at),
        }
    }
}

impl World<'_> {
    fn person_named(&self, text: &str) -> Option<PersonId> {
        PersonId::new(bare(text)).ok().filter(|person| self.people.contains_key(person))
    }

    /// A person of the world, or an office.
    pub(super) fn party(&self, word: &Word, findings: &mut Findings) -> Option<Party> {
        if let Some(person) = self.person_named(&word.text) {
            return Some(Party::Person(person));
        }
        if let Some(Name::Role(role)) = self.look_up(&word.text) {
            return Some(Party::Role(role));
        }
        findings.push(
            Diagnostic::new(
                Code::ScenarioWorld,
                word.span,
                format!("there is no person or office `{}`", bare(&word.text)),
            )
            .help("tell who it is in a `world` block: `dora.lead is dsl`"),
        );
        None
    }

    /// Complains about a clause that the pack does not have.
    pub(super) fn clause_known(&self, word: &Word, findings: &mut Findings) -> Option<()> {
        let clauses = self.compiled.program.clauses.keys();
        let is_it = |id: &str| id == word.text || (word.text.starts_with('#') && id.ends_with(&word.text));
        if clauses.clone().any(|id| is_it(id)) {
            return Some(());
        }
        let names: Vec<&str> = clauses.filter_map(|id| id.split_once('#').map(|(_, clause)| clause)).collect();
        let wanted = word.text.rsplit('#').next().unwrap_or(&word.text);
        let mut finding =
            Diagnostic::new(Code::ScenarioWorld, word.span, format!("there is no clause `{}`", word.text));
        finding.help = nearest(wanted, names.iter().copied()).map(|near| format!("did you mean `#{near}`?"));
        findings.push(finding);
        None
    }
}
