//! Who, when and where: the `Given` of a scenario.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use schoolgate_base::{ClauseId, ControlId, ControlKind, DeviceClass, GrantId, Group, PersonId, PolicyId};
use schoolgate_cases::{Definition, Effect};
use schoolgate_decide::snapshot::{Audience, Grant, Member, UrgentBlock};
use schoolgate_decide::things::Leave;

use super::Scenario;
use super::facts::refers_to;
use super::read::{bare, piece};
use super::world::{Name, Person, World, not_understood};
use crate::diagnostic::{Code, Diagnostic};
use crate::kinds::web;
use crate::nearest::nearest;
use crate::syntax::Word;
use crate::syntax::reader::Findings;

/// The stage of a scenario.
#[derive(Debug, Clone)]
pub(super) struct Given<'a> {
    pub(super) world: World<'a>,
    pub(super) who: Persona,
    pub(super) now: Timestamp,
    pub(super) place: Option<Box<str>>,
    pub(super) device: Option<DeviceClass>,
}

/// Who acts.
#[derive(Debug, Clone)]
pub(super) enum Persona {
    /// Nothing was said.
    Unsaid,
    Nobody,
    Somebody(Box<Member>),
}

pub(super) fn read<'a>(scenario: &Scenario, world: World<'a>, findings: &mut Findings) -> Option<Given<'a>> {
    let now = world.usual_time();
    let mut given = Given { world, who: Persona::Unsaid, now, place: None, device: None };
    let before = findings.len();
    let parts = scenario.given.iter().flat_map(|line| line.text.split(',').map(|part| piece(line, part)));
    // Whoever it is, what else is told of them holds.
    let (facts, rest): (Vec<Word>, Vec<Word>) = parts.partition(|part| is_fact(&part.text));
    let (times, persons): (Vec<Word>, Vec<Word>) = rest.into_iter().partition(|part| dated(&part.text).0.is_some());
    for part in times.iter().chain(&facts).chain(&persons) {
        given.part(part, findings);
    }
    (findings.len() == before).then_some(given)
}

/// Whether a part of a `Given` tells about the world, rather than who, when and where.
fn is_fact(text: &str) -> bool {
    let tells = [
        " is ",
        " has not signed",
        " deputises for ",
        " manages ",
        " signed ",
        " was done ",
        " happened ",
        " entered #",
    ];
    tells.iter().any(|verb| text.contains(verb)) && !text.contains("who has not signed")
}

impl Given<'_> {
    /// Everybody of the world, and whoever the scenario is about, with every audience they are in.
    pub(super) fn people(&self) -> BTreeMap<PersonId, BTreeSet<Group>> {
        let named = self.world.people.iter().map(|(id, person)| self.world.member(id, person, self.now));
        let persona = match &self.who {
            Persona::Somebody(member) => Some((**member).clone()),
            Persona::Nobody | Persona::Unsaid => None,
        };
        named.chain(persona).map(|member| (member.person, member.groups.into_iter().collect())).collect()
    }

    fn part(&mut self, part: &Word, findings: &mut Findings) {
        let text = part.text.strip_prefix("and ").unwrap_or(&part.text);
        if text.is_empty() {
            return;
        }
        if self.world.tell_fact(part, findings) {
            return;
        }
        if text.contains(" is approved for ") {
            return self.approved(part, findings);
        }
        if text.contains(" is open for ") || text.contains(" is blocked at once") {
            return self.live(part, findings);
        }
        if let Some(rest) = text.strip_prefix("who has not signed").or_else(|| text.strip_prefix("not signed")) {
            return self.unsign(rest);
        }
        if let Some(at) = moment(text, &self.world, part, findings) {
            self.now = at;
            return;
        }
        if text.contains(" is ")
            || text.contains(" has not signed")
            || text.contains(" deputises for ")
            || text.contains(" manages ")
        {
            self.world.tell(part, findings);
            return;
        }
        if let Some(rest) = text.strip_prefix("on ") {
            return self.on(&piece(part, rest), findings);
        }
        if let Some(rest) = text.strip_prefix("in ").or_else(|| text.strip_prefix("at ")) {
            return self.at(&piece(part, rest), findings);
        }
        if let Some(odd) = text.split_whitespace().find(|word| looks_like_a_date(word)) {
            findings.push(
                Diagnostic::new(Code::ScenarioSyntax, part.place_of(odd), format!("`{odd}` is no day"))
                    .help("write year, month and day, as `2026-11-24`; months end with their last day"),
            );
            return;
        }
        self.who = self.persona(part, findings);
    }

    /// A person, "a teacher of class 6B", or nobody.
    pub(super) fn persona(&self, word: &Word, findings: &mut Findings) -> Persona {
        let text = bare(&word.text);
        if matches!(text, "nobody" | "nobody signed in" | "somebody not signed in") {
            return Persona::Nobody;
        }
        if let Ok(id) = PersonId::new(text)
            && let Some(person) = self.world.people.get(&id)
        {
            return Persona::Somebody(Box::new(self.world.member(&id, person, self.now)));
        }
        let mut person = Person::default();
        for name in self.world.names(word) {
            match self.world.name(&name, findings) {
                Some(Name::Group(group)) => {
                    person.groups.push(group);
                }
                Some(Name::Role(_) | Name::Category(_)) => {
                    findings.push(not_understood(&name, "name a person of the world, or a group: `a teacher`"));
                }
                None => {}
            }
        }
        let Ok(id) = PersonId::new("somebody") else { return Persona::Nobody };
        Persona::Somebody(Box::new(self.world.member(&id, &person, self.now)))
    }

    fn unsign(&mut self, text: &str) {
        let policies = self.world.unsigned(text);
        if let Persona::Somebody(member) = &mut self.who {
            member.must_sign = self.world.must_sign(&member.person, &policies, &member.groups, self.now);
        }
    }

    fn at(&mut self, word: &Word, findings: &mut Findings) {
        let name = bare(&word.text);
        let places = &self.world.compiled.school.places;
        if places.iter().any(|place| &*place.name == name) {
            self.place = Some(name.into());
            return;
        }
        let near = nearest(name, places.iter().map(|place| &*place.name));
        let mut finding = Diagnostic::new(Code::ScenarioWorld, word.span, format!("there is no place `{name}`"));
        finding.help = near.map(|near| format!("did you mean `{near}`?"));
        findings.push(finding);
    }

    fn on(&mut self, word: &Word, findings: &mut Findings) {
        let name = bare(&word.text);
        let classes = &self.world.compiled.school.device_classes;
        let found = classes.iter().find(|(class, title)| class.as_str() == name || &***title == name);
        if let Some((class, _)) = found {
            self.device = Some(class.clone());
            return;
        }
        let near = nearest(name, classes.keys().map(DeviceClass::as_str));
        let mut finding =
            Diagnostic::new(Code::ScenarioWorld, word.span, format!("there is no class of devices `{name}`"));
        finding.help = near.map(|near| format!("did you mean `{near}`?"));
        findings.push(finding);
    }

    /// `#contact is approved for tess.teacher until 2026-12-01 towards pia.pupil`: what the approval did is in force.
    fn approved(&mut self, part: &Word, findings: &mut Findings) {
        let (request, rest) = part.text.split_once(" is approved for ").unwrap_or((&part.text, ""));
        let (rest, towards) = match rest.split_once(" towards ") {
            Some((rest, person)) => (rest, PersonId::new(bare(person)).ok()),
            None => (rest, None),
        };
        let (who, until) = rest.split_once(" until ").unwrap_or((rest, ""));
        let until = self.world.moment_in(until).unwrap_or(Timestamp::MAX);
        let definitions = &self.world.compiled.definitions;
        let found = definitions.iter().find_map(|definition| match definition {
            Definition::Request(found) if refers_to(request.trim(), &found.control) => Some(found),
            _ => None,
        });
        let (Some(definition), Ok(person)) = (found, PersonId::new(bare(who))) else {
            let help =
                "write `#contact is approved for tess.teacher until 2026-12-01`, with a clause that has a request";
            findings.push(not_understood(part, help));
            return;
        };
        for effect in &definition.effects {
            self.take_effect(effect, &definition.control, &person, towards.as_ref(), until);
        }
    }

    fn take_effect(
        &mut self,
        effect: &Effect,
        control: &ControlId,
        person: &PersonId,
        towards: Option<&PersonId>,
        until: Timestamp,
    ) {
        let is_live = self.now < until;
        match effect {
            Effect::Join { group, .. } if is_live => {
                self.world.people.entry(person.clone()).or_default().groups.push(group.clone());
            }
            Effect::Lift { clause, only_towards, .. } => {
                let Ok(id) = GrantId::new("given") else { return };
                self.world.live.leaves.push(Leave {
                    id,
                    control: control.clone(),
                    lifts: clause.clone(),
                    audience: Audience { persons: vec![person.clone()], ..Audience::default() },
                    towards: towards.filter(|_| *only_towards).cloned(),
                    from: Timestamp::UNIX_EPOCH,
                    until,
                });
            }
            _ => {}
        }
    }

    /// A grant or an urgent block that is in force.
    fn live(&mut self, part: &Word, findings: &mut Findings) {
        let (site, rest) = part.text.split_once(" is ").unwrap_or((&part.text, ""));
        let Ok(target) = web::site(site.trim()) else {
            findings.push(not_understood(part, "write `bet.example is open for class 6B until 2026-11-27`"));
            return;
        };
        let until = rest.split_once("until ").and_then(|(_, until)| self.world.moment_in(until));
        let until = until.unwrap_or(Timestamp::MAX);
        let (Ok(id), Ok(policy)) = (GrantId::new("given"), PolicyId::new("given")) else { return };
        let from = Timestamp::UNIX_EPOCH;
        if rest.starts_with("blocked at once") {
            self.world.live.urgent.push(UrgentBlock { id, target, from, until });
            return;
        }
        let names = rest.strip_prefix("open for ").unwrap_or("").split(" until ").next().unwrap_or("");
        let mut audience = Audience::default();
        for name in self.world.names(&piece(part, names)) {
            match (self.world.look_up(&name.text), PersonId::new(bare(&name.text))) {
                (Some(Name::Group(group)), _) => audience.groups.push(group),
                (_, Ok(person)) => audience.persons.push(person),
                _ => findings.push(not_understood(&name, "name a group or a person")),
            }
        }
        let clause = ClauseId { policy, clause: "given".into() };
        let control = ControlId { clause, kind: ControlKind::Request, name: None };
        self.world.live.grants.push(Grant { id, control, lifts: None, target, audience, from, until });
    }
}

impl World<'_> {
    /// A date, with a time or else at its end.
    pub(super) fn moment_in(&self, text: &str) -> Option<Timestamp> {
        let (date, time) = dated(text);
        let zone = self.compiled.school.calendar.zone.clone();
        let date = date?;
        match time {
            Some(time) => Some(date.to_datetime(time).to_zoned(zone).ok()?.timestamp()),
            None => {
                Some(self.compiled.school.calendar.end_of_day(date.at(12, 0, 0, 0).to_zoned(zone).ok()?.timestamp()))
            }
        }
    }

    pub(super) fn is_class(&self, group: &Group) -> bool {
        group.as_str().starts_with("class:")
    }
}

/// The date and time in a text.
pub(super) fn dated(text: &str) -> (Option<Date>, Option<Time>) {
    let words = || text.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric()));
    let date = words().find_map(|word| word.parse::<Date>().ok().filter(|_| word.len() == 10));
    let time = words().find_map(|word| {
        let (hour, minute) = word.split_once(':')?;
        Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
    });
    (date, time)
}

/// Three numbers as people write a day: `24/11/2026`, `24.11.26`, `2026-11-31`.
fn looks_like_a_date(word: &str) -> bool {
    let parts: Vec<&str> = word.split(['/', '-', '.']).collect();
    parts.len() == 3 && parts.iter().all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit()))
}

/// "Tuesday 2026-11-24 10:10"; the weekday is checked.
fn moment(text: &str, world: &World<'_>, part: &Word, findings: &mut Findings) -> Option<Timestamp> {
    let (date, time) = dated(text);
    let date = date?;
    let name = date.strftime("%A").to_string();
    let weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let said = text.split_whitespace().map(str::to_lowercase).find(|word| weekdays.contains(&word.as_str()));
    if let Some(said) = said
        && said != name.to_lowercase()
    {
        findings.push(
            Diagnostic::new(Code::ScenarioWorld, part.span, format!("{date} is a {name}"))
                .help("mend the date or the day of the week"),
        );
    }
    let is_known = |word: &str| {
        let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_lowercase();
        dated(word) != (None, None) || weekdays.contains(&bare.as_str()) || ["", "at", "on"].contains(&bare.as_str())
    };
    if let Some(odd) = text.split_whitespace().find(|word| !is_known(word)) {
        findings.push(
            Diagnostic::new(Code::ScenarioSyntax, part.place_of(odd), format!("`{odd}` says no day and no time"))
                .why("it would be left out, and the scenario tried at another time")
                .help("write `Tuesday 2026-11-24 14:00`; what else is given stands behind a comma"),
        );
    }
    let time = time.unwrap_or(Time::constant(10, 0, 0, 0));
    let zoned = date.to_datetime(time).to_zoned(world.compiled.school.calendar.zone.clone()).ok()?;
    Some(zoned.timestamp())
}
