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
mod index;
mod scopes;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use schoolgate_base::{ControlId, DeviceClass, Group, Host, HostName, normal_path, path_is_below};
use schoolgate_decide::Verdict;
use schoolgate_decide::snapshot::{Program, Target, WebRule};

use self::index::Index;
use self::scopes::{Together, is_narrower};
use crate::school::School;

pub(crate) use clock::{Clock, Times, both, either, is_empty, times_of_scope, without};
pub(crate) use conditions::{is_covered, is_narrower_thing};
pub(crate) use scopes::{Scopes, binds, closed, persons};

/// Stands for every name below a host that no rule names.
pub(crate) const ANY_OTHER: &str = "any-other-name.";

/// So many steps of comparing are taken, a few seconds' worth; a real pack needs some hundred thousand.
const STEPS_MAX: usize = 20_000_000;

/// So many kinds of request are gone through; a real pack has some hundred.
const TARGETS_MAX: usize = 500_000;

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
    /// A rule, and one that it goes over and holds together with.
    pub(crate) met: BTreeSet<(usize, usize)>,
    /// Both ties of a pair by their first cell.
    pub(crate) ties: BTreeMap<(usize, usize), Tie>,
    steps: usize,
}

impl Meetings {
    /// Whether there were too many to go through all; what was found is then a part, and proves nothing.
    pub(crate) fn is_cut(&self) -> bool {
        STEPS_MAX < self.steps
    }

    fn took(&mut self, steps: usize) {
        self.steps = self.steps.saturating_add(steps);
    }
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
    index: Index<'a>,
}

impl<'a> World<'a> {
    pub(crate) fn new(school: &'a School, program: &'a Program) -> Self {
        Self::by(Clock::new(&program.calendar, program.periods.values()), school, program)
    }

    /// The cells by a clock that may know the times of further programs.
    pub(crate) fn by(clock: Clock, school: &'a School, program: &'a Program) -> Self {
        let scopes = Scopes::new(program.rules.iter().map(|rule| &rule.scope).collect(), program, &clock);
        Self { school, program, clock, scopes, index: Index::new(program) }
    }

    /// Goes through all cells.
    pub(crate) fn meetings(&self) -> Meetings {
        let mut found = Meetings::default();
        // Which rules hold together does not depend on how a cell came by its rules.
        let mut moments: HashMap<Vec<usize>, Together> = HashMap::new();
        let targets = crossed_up_to(self.named_targets(), TARGETS_MAX);
        if targets.len() >= TARGETS_MAX {
            found.took(usize::MAX);
        }
        for target in targets {
            if found.is_cut() {
                break;
            }
            self.meet_at(&target, &mut moments, &mut found);
        }
        found
    }

    /// Goes through the cells of one target.
    fn meet_at(&self, target: &Target, moments: &mut HashMap<Vec<usize>, Together>, found: &mut Meetings) {
        let rules = self.rules_about(target);
        let named = self.scopes.groups_of(&rules);
        found.took(named.len().saturating_mul(named.len()).saturating_mul(8));
        if found.is_cut() {
            return;
        }
        let persons = self.persons_among(&named);
        let devices = self.scopes.devices_of(&rules);
        for place in self.scopes.places_of(&rules) {
            for &device in &devices {
                found.took(rules.len());
                let here: Vec<usize> =
                    rules.iter().copied().filter(|&rule| self.scopes.stands_at(rule, place, device)).collect();
                for groups in &persons {
                    found.took(here.len());
                    if found.is_cut() {
                        return;
                    }
                    let bound: Vec<usize> =
                        here.iter().copied().filter(|&rule| self.scopes.binds(rule, groups)).collect();
                    if bound.is_empty() {
                        continue;
                    }
                    let together = moments.entry(bound).or_insert_with_key(|bound| self.scopes.together(bound));
                    for (holding, times) in together.iter().filter(|(holding, _)| !holding.is_empty()) {
                        let cell = || Cell {
                            target: target.clone(),
                            groups: groups.clone(),
                            place: place.map(Into::into),
                            device: device.cloned(),
                            times: times.clone(),
                        };
                        self.speak(holding, groups, &cell, found);
                    }
                }
            }
        }
    }

    /// The persons that these rules can tell apart, with everything their groups are within.
    pub(crate) fn persons_of(&self, rules: &[usize]) -> BTreeSet<BTreeSet<Group>> {
        self.persons_among(&self.scopes.groups_of(rules))
    }

    fn persons_among(&self, named: &BTreeSet<Group>) -> BTreeSet<BTreeSet<Group>> {
        let persons = persons(named, |one, other| self.school.are_apart(one, other));
        persons.iter().map(|groups| closed(self.school, groups)).collect()
    }

    pub(crate) fn rule(&self, place: usize) -> Option<&'a WebRule> {
        self.program.rules.get(place)
    }

    /// The rules that speak among those that hold together, all with the strictest verdict, and the equals they are
    /// stricter than: stated precedence, then the more specific target, then the more specific audience, then the
    /// stricter verdict; the same order as a decision.
    pub(crate) fn spoken(&self, holding: &[usize], groups: &BTreeSet<Group>) -> Spoken<'a> {
        let left = self.most_specific(holding);
        let audiences = audiences(&left);
        self.spoken_among(left, &audiences, groups)
    }

    /// Those with a verdict that no other goes over and that have the most specific target.
    fn most_specific(&self, holding: &[usize]) -> Vec<(usize, &'a WebRule)> {
        let mut left: Vec<(usize, &WebRule)> =
            holding.iter().filter_map(|&place| Some((place, self.rule(place)?))).collect();
        left.retain(|(_, rule)| rule.verdict.is_some());
        let over: HashSet<&ControlId> = left.iter().flat_map(|(_, rule)| &rule.over).collect();
        left.retain(|(_, rule)| !over.contains(&rule.control));
        let top = left.iter().map(|(_, rule)| specificity(&rule.target)).max();
        left.retain(|(_, rule)| Some(specificity(&rule.target)) == top);
        left
    }

    /// Of equally specific rules those with the most specific of their audiences, by verdict.
    fn spoken_among(
        &self,
        mut left: Vec<(usize, &'a WebRule)>,
        audiences: &BTreeSet<&[Group]>,
        groups: &BTreeSet<Group>,
    ) -> Spoken<'a> {
        let is_covered = |wide: &[Group]| audiences.iter().any(|one| is_narrower(self.school, one, wide, groups));
        let covered: HashSet<&[Group]> = audiences.iter().copied().filter(|wide| is_covered(wide)).collect();
        left.retain(|(_, rule)| !covered.contains(rule.scope.audience.groups.as_slice()));
        let verdict = left.iter().map(|(_, rule)| rule.verdict).max().flatten();
        let (speaking, tied) = left.into_iter().partition(|(_, rule)| rule.verdict == verdict);
        Spoken { verdict, speaking, tied }
    }

    /// Writes down who speaks among rules that hold together.
    fn speak(&self, holding: &[usize], groups: &BTreeSet<Group>, cell: &dyn Fn() -> Cell, found: &mut Meetings) {
        found.took(holding.len());
        found.live.extend(holding);
        self.meet(holding, found);
        let left = self.most_specific(holding);
        let audiences = audiences(&left);
        found.took(audiences.len().saturating_mul(audiences.len()));
        if found.is_cut() {
            return;
        }
        let Spoken { speaking, tied, .. } = self.spoken_among(left, &audiences, groups);
        let Some(&(winner, _)) = speaking.first() else { return };
        found.speaking.extend(speaking.iter().map(|(place, _)| *place));
        for (place, _) in &tied {
            let tie = || Tie { stricter: winner, looser: *place, cell: cell() };
            found.ties.entry((winner, *place)).or_insert_with(tie);
        }
        let speaking: HashSet<usize> = speaking.iter().map(|(place, _)| *place).collect();
        let has_verdict = |place: usize| self.rule(place).is_some_and(|rule| rule.verdict.is_some());
        for &place in holding.iter().filter(|&&place| has_verdict(place) && !speaking.contains(&place)) {
            found.silenced_by.entry(place).or_default().insert(winner);
        }
    }

    /// Notes which rules that go over others hold together with them.
    fn meet(&self, holding: &[usize], found: &mut Meetings) {
        let rules = || holding.iter().filter_map(|&place| Some((place, self.rule(place)?)));
        if rules().all(|(_, rule)| rule.over.is_empty()) {
            return;
        }
        let mut by_control: HashMap<&ControlId, Vec<usize>> = HashMap::new();
        for (place, rule) in rules() {
            by_control.entry(&rule.control).or_default().push(place);
        }
        for (one, rule) in rules() {
            let others = rule.over.iter().filter_map(|over| by_control.get(over)).flatten();
            let pairs = others.map(|&other| (one, other)).filter(|(one, other)| one != other);
            let before = found.met.len();
            found.met.extend(pairs);
            found.took(found.met.len() - before);
        }
    }

    /// One target for each kind of request that rules can tell apart.
    pub(crate) fn targets(&self) -> Vec<Target> {
        crossed(self.named_targets())
    }

    /// What rules name, and what is below it.
    fn named_targets(&self) -> Vec<Target> {
        let mut cells: Vec<Target> = vec![Target::Any];
        for rule in &self.program.rules {
            match &rule.target {
                Target::Any => {}
                Target::Class(class) => {
                    let categories = self.program.classes.get(class).into_iter().flatten();
                    cells.extend(categories.map(|category| Target::Category(category.clone())));
                }
                target => {
                    cells.push(target.clone());
                    cells.extend(below(target));
                }
            }
        }
        let mut seen = HashSet::new();
        cells.retain(|cell| seen.insert(cell.clone()));
        cells
    }

    /// The rules that are about a kind of request.
    pub(crate) fn rules_about(&self, cell: &Target) -> Vec<usize> {
        let mut rules = self.index.near(cell);
        rules.retain(|&rule| self.is_about(rule, cell));
        rules.sort_unstable();
        rules.dedup();
        rules
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

/// The audiences of rules, each once.
fn audiences<'a>(rules: &[(usize, &'a WebRule)]) -> BTreeSet<&'a [Group]> {
    rules.iter().map(|(_, rule)| rule.scope.audience.groups.as_slice()).collect()
}

/// Beside these targets, the parts of a host that one of them names on each name below it that another one names.
pub(crate) fn crossed(cells: Vec<Target>) -> Vec<Target> {
    crossed_up_to(cells, usize::MAX)
}

/// The same, and no more than `most` beside those given.
fn crossed_up_to(mut cells: Vec<Target>, most: usize) -> Vec<Target> {
    let names: BTreeSet<&HostName> = cells
        .iter()
        .filter_map(|cell| match cell {
            Target::Domain(name) | Target::Host(Host::Name(name)) | Target::Url { host: name, .. } => Some(name),
            Target::Host(Host::Address(_)) | Target::Any | Target::Class(_) | Target::Category(_) => None,
        })
        .collect();
    let mut at_or_below: HashMap<&str, Vec<&HostName>> = HashMap::new();
    for name in names {
        for above in name.suffixes() {
            at_or_below.entry(above).or_default().push(name);
        }
    }
    let parts = cells.iter().filter_map(|cell| match cell {
        Target::Url { host, path } => Some((host, path)),
        _ => None,
    });
    let mut seen: HashSet<Target> = cells.iter().cloned().collect();
    let crossings: Vec<Target> = parts
        .flat_map(|(host, path)| at_or_below.get(host.as_str()).into_iter().flatten().map(move |name| (*name, path)))
        .map(|(name, path)| Target::Url { host: name.clone(), path: path.clone() })
        .filter(|cell| seen.insert(cell.clone()))
        .take(most)
        .collect();
    cells.extend(crossings);
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
