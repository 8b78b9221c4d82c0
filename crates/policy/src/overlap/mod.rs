//! Which rules meet, and which of them speaks where they do: exactly, by going through every kind of request that the
//! rules can tell apart.
//!
//! A rule's condition is a product of finite sets, so the world falls into cells: targets × persons × places ×
//! classes of devices, each with a set of minutes. Persons are the groups one can be in, as far as rules name them;
//! minutes are kinds of day (with the day before, for spans over midnight) cut at every time a period names.
//!
//! A site that two lists put into two categories of one rank is no meeting: there is no telling which sites will be.

mod clock;
mod conditions;
mod scopes;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use schoolgate_base::{DeviceClass, Group, Host, HostName, normal_path, path_is_below};
use schoolgate_decide::Verdict;
use schoolgate_decide::snapshot::{Audience, Program, Target, WebRule};

use crate::school::School;

pub(crate) use clock::{Clock, Times, both, either, is_empty, times_of_scope, without};
pub(crate) use conditions::{is_covered, is_narrower_thing};
pub(crate) use scopes::{Scopes, binds, closed, persons};

/// Stands for every name below a host that no rule names.
pub(crate) const ANY_OTHER: &str = "any-other-name.";

/// A kind of request in which rules meet.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) target: Target,
    pub(crate) groups: BTreeSet<Group>,
    pub(crate) place: Option<Box<str>>,
    pub(crate) device: Option<DeviceClass>,
    pub(crate) times: Times,
}

/// Two rules that are equally strong somewhere and say different things; the first is the stricter.
#[derive(Debug, Clone)]
pub(crate) struct Tie {
    pub(crate) stricter: usize,
    pub(crate) looser: usize,
    pub(crate) cell: Cell,
}

/// What going through all cells finds. Numbers are places in `Program::rules`.
#[derive(Debug, Default)]
pub(crate) struct Meetings {
    /// Rules that hold somewhere, speak or not.
    pub(crate) live: BTreeSet<usize>,
    /// Rules that speak somewhere.
    pub(crate) speaking: BTreeSet<usize>,
    /// For a rule that does not speak in some cell: rules that spoke there instead.
    pub(crate) silenced_by: BTreeMap<usize, BTreeSet<usize>>,
    /// Rules that hold in the same cell at the same time.
    pub(crate) met: BTreeSet<(usize, usize)>,
    /// Both ties of a pair by their first cell.
    pub(crate) ties: BTreeMap<(usize, usize), Tie>,
}

/// Who speaks where rules hold together, each with its place in `Program::rules`.
pub(crate) struct Spoken<'a> {
    /// `None`: no rule speaks.
    pub(crate) verdict: Option<Verdict>,
    pub(crate) speaking: Vec<(usize, &'a WebRule)>,
    /// Equally strong, and less strict.
    pub(crate) tied: Vec<(usize, &'a WebRule)>,
}

/// The cells of a program.
pub(crate) struct World<'a> {
    pub(crate) school: &'a School,
    pub(crate) program: &'a Program,
    pub(crate) clock: Clock,
    pub(crate) scopes: Scopes<'a>,
    /// With everything the groups are within.
    pub(crate) persons: Vec<BTreeSet<Group>>,
}

impl<'a> World<'a> {
    pub(crate) fn new(school: &'a School, program: &'a Program) -> Self {
        Self::by(Clock::new(&program.calendar, program.periods.values()), school, program)
    }

    /// The cells by a clock that may know the times of further programs.
    pub(crate) fn by(clock: Clock, school: &'a School, program: &'a Program) -> Self {
        let scopes = Scopes::new(program.rules.iter().map(|rule| &rule.scope).collect(), program, &clock);
        let persons = persons(&scopes.groups(), |one, other| school.are_apart(one, other));
        let persons: BTreeSet<BTreeSet<Group>> = persons.iter().map(|groups| closed(school, groups)).collect();
        Self { school, program, clock, scopes, persons: persons.into_iter().collect() }
    }

    /// Goes through all cells.
    pub(crate) fn meetings(&self) -> Meetings {
        let mut found = Meetings::default();
        // Which rules hold together does not depend on how a cell came by its rules.
        let mut moments: HashMap<Vec<usize>, Vec<(Vec<usize>, Times)>> = HashMap::new();
        let (places, devices) = (self.scopes.places(), self.scopes.devices());
        for target in self.targets() {
            let rules = self.rules_about(&target);
            for &place in &places {
                for &device in &devices {
                    let here: Vec<usize> =
                        rules.iter().copied().filter(|&rule| self.scopes.stands_at(rule, place, device)).collect();
                    for groups in &self.persons {
                        let bound: Vec<usize> =
                            here.iter().copied().filter(|&rule| self.scopes.binds(rule, groups)).collect();
                        if bound.is_empty() {
                            continue;
                        }
                        let together = moments.entry(bound.clone()).or_insert_with(|| self.scopes.together(&bound));
                        for (holding, times) in together.iter().filter(|(holding, _)| !holding.is_empty()) {
                            let cell = Cell {
                                target: target.clone(),
                                groups: groups.clone(),
                                place: place.map(Into::into),
                                device: device.cloned(),
                                times: times.clone(),
                            };
                            self.speak(holding, &cell, &mut found);
                        }
                    }
                }
            }
        }
        found
    }

    pub(crate) fn rule(&self, place: usize) -> Option<&'a WebRule> {
        self.program.rules.get(place)
    }

    /// The rules that speak among those that hold together, all with the strictest verdict, and the equals they are
    /// stricter than: stated precedence, then the more specific target, then the more specific audience, then the
    /// stricter verdict; the same order as a decision.
    pub(crate) fn spoken(&self, holding: &[usize], groups: &BTreeSet<Group>) -> Spoken<'a> {
        let mut left: Vec<(usize, &WebRule)> =
            holding.iter().filter_map(|&place| Some((place, self.rule(place)?))).collect();
        left.retain(|(_, rule)| rule.verdict.is_some());
        let over: Vec<_> = left.iter().flat_map(|(_, rule)| &rule.over).collect();
        left.retain(|(_, rule)| !over.contains(&&rule.control));
        let top = left.iter().map(|(_, rule)| specificity(&rule.target)).max();
        left.retain(|(_, rule)| Some(specificity(&rule.target)) == top);
        let audiences: Vec<&Audience> = left.iter().map(|(_, rule)| &rule.scope.audience).collect();
        left.retain(|(_, rule)| {
            !audiences.iter().any(|other| scopes::is_narrower(self.school, other, &rule.scope.audience, groups))
        });
        let verdict = left.iter().map(|(_, rule)| rule.verdict).max().flatten();
        let (speaking, tied) = left.into_iter().partition(|(_, rule)| rule.verdict == verdict);
        Spoken { verdict, speaking, tied }
    }

    /// Writes down who speaks among rules that hold together.
    fn speak(&self, holding: &[usize], cell: &Cell, found: &mut Meetings) {
        found.live.extend(holding);
        for (at, &one) in holding.iter().enumerate() {
            found.met.extend(holding.iter().skip(at + 1).flat_map(|&other| [(one, other), (other, one)]));
        }
        let Spoken { speaking, tied, .. } = self.spoken(holding, &cell.groups);
        let Some(&(winner, _)) = speaking.first() else { return };
        found.speaking.extend(speaking.iter().map(|(place, _)| *place));
        for (place, _) in &tied {
            let tie = || Tie { stricter: winner, looser: *place, cell: cell.clone() };
            found.ties.entry((winner, *place)).or_insert_with(tie);
        }
        let has_verdict = |place: &usize| self.rule(*place).is_some_and(|rule| rule.verdict.is_some());
        for &place in holding.iter().filter(|place| has_verdict(place)) {
            if !speaking.iter().any(|(other, _)| *other == place) {
                found.silenced_by.entry(place).or_default().insert(winner);
            }
        }
    }

    /// One target for each kind of request that rules can tell apart.
    pub(crate) fn targets(&self) -> Vec<Target> {
        let mut cells: Vec<Target> = vec![Target::Any];
        let mut add = |cell: Target| {
            if !cells.contains(&cell) {
                cells.push(cell);
            }
        };
        for rule in &self.program.rules {
            match &rule.target {
                Target::Any => {}
                Target::Class(class) => {
                    let categories = self.program.classes.get(class).into_iter().flatten();
                    categories.for_each(|category| add(Target::Category(category.clone())));
                }
                target => {
                    add(target.clone());
                    below(target).into_iter().for_each(&mut add);
                }
            }
        }
        crossed(cells)
    }

    /// The rules that are about a kind of request.
    pub(crate) fn rules_about(&self, cell: &Target) -> Vec<usize> {
        (0..self.program.rules.len()).filter(|&rule| self.is_about(rule, cell)).collect()
    }

    fn is_about(&self, rule: usize, cell: &Target) -> bool {
        let Some(rule) = self.rule(rule) else { return false };
        match (&rule.target, cell) {
            (Target::Any, _) => true,
            (Target::Class(class), Target::Category(category)) => {
                self.program.classes.get(class).is_some_and(|categories| categories.contains(category))
            }
            (Target::Domain(domain), Target::Domain(name) | Target::Host(Host::Name(name))) => name.is_within(domain),
            (Target::Domain(domain), Target::Url { host, .. }) => host.is_within(domain),
            (Target::Host(Host::Name(name)), Target::Domain(cell) | Target::Url { host: cell, .. }) => name == cell,
            (Target::Url { host, path }, Target::Url { host: name, path: below }) => {
                name.is_within(host) && path_is_below(&normal_path(below), path)
            }
            (target, cell) => target == cell,
        }
    }
}

/// Beside these targets, the parts of a host that one of them names on each name below it that another one names.
pub(crate) fn crossed(mut cells: Vec<Target>) -> Vec<Target> {
    let names: BTreeSet<&HostName> = cells
        .iter()
        .filter_map(|cell| match cell {
            Target::Domain(name) | Target::Host(Host::Name(name)) | Target::Url { host: name, .. } => Some(name),
            Target::Host(Host::Address(_)) | Target::Any | Target::Class(_) | Target::Category(_) => None,
        })
        .collect();
    let parts = cells.iter().filter_map(|cell| match cell {
        Target::Url { host, path } => Some((host, path)),
        _ => None,
    });
    let crossings: Vec<Target> = parts
        .flat_map(|(host, path)| names.iter().filter(|name| name.is_within(host)).map(move |name| (*name, path)))
        .map(|(name, path)| Target::Url { host: name.clone(), path: path.clone() })
        .collect();
    for cell in crossings {
        if !cells.contains(&cell) {
            cells.push(cell);
        }
    }
    cells
}

/// Some other name below the target's host, where the rules for the host alone do not hold.
fn below(target: &Target) -> Option<Target> {
    let other = |name: &HostName| HostName::parse(&format!("{ANY_OTHER}{name}")).ok();
    match target {
        Target::Domain(name) => other(name).map(Target::Domain),
        Target::Url { host, path } => Some(Target::Url { host: other(host)?, path: path.clone() }),
        Target::Host(_) | Target::Any | Target::Class(_) | Target::Category(_) => None,
    }
}

/// How specific a target is; the same order as a decision's.
pub(crate) fn specificity(target: &Target) -> (u8, usize) {
    match target {
        Target::Any => (0, 0),
        Target::Class(_) => (1, 0),
        Target::Category(_) => (2, 0),
        Target::Domain(name) => (3, name.label_count()),
        Target::Host(_) => (4, 0),
        Target::Url { path, .. } => (5, path.len()),
    }
}
