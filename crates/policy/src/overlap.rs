//! Which rules meet, and which of them speaks where they do: exactly, by going through every kind of request that the
//! rules can tell apart.
//!
//! A rule's condition is a product of finite sets, so the world falls into cells: targets × persons × places ×
//! classes of devices, each with a set of minutes. Persons are the groups one can be in, as far as rules name them;
//! minutes are kinds of day (with the day before, for spans over midnight) cut at every time a period names.
//!
//! A site that two lists put into two categories of one rank is no meeting: there is no telling which sites will be.

mod clock;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use schoolgate_base::{ControlId, DeviceClass, Group, Host, HostName, normal_path, path_is_below};
use schoolgate_decide::Scope;
use schoolgate_decide::snapshot::{Audience, Program, Target, WebRule};

use crate::school::School;

pub(crate) use clock::{Clock, Times, both, either, is_empty, without};

/// Stands for every name below a host that no rule names.
pub(crate) const ANY_OTHER: &str = "any-other-name.";

/// So many steps of comparing are taken, a few seconds' worth; a real pack needs some hundred thousand.
const STEPS_MAX: usize = 20_000_000;

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

/// The cells of a program.
pub(crate) struct World<'a> {
    pub(crate) school: &'a School,
    pub(crate) program: &'a Program,
    pub(crate) clock: Clock,
    /// Sets of minutes in which rules hold, each once.
    times: Vec<Times>,
    /// For each rule, which of them.
    times_of: Vec<usize>,
}

/// Rules that hold at the same time, and when.
type Together = Vec<(Vec<usize>, Times)>;

impl<'a> World<'a> {
    pub(crate) fn new(school: &'a School, program: &'a Program) -> Self {
        let clock = Clock::new(&program.calendar, program.periods.values());
        let mut known: HashMap<(Option<&str>, Option<&str>), usize> = HashMap::new();
        let (mut times, mut times_of) = (Vec::new(), Vec::new());
        for rule in &program.rules {
            let periods = (rule.scope.when.as_deref(), rule.scope.except_when.as_deref());
            let place = *known.entry(periods).or_insert_with(|| {
                times.push(times_of_scope(&rule.scope, program, &clock));
                times.len() - 1
            });
            times_of.push(place);
        }
        Self { school, program, clock, times, times_of }
    }

    /// The minutes in which a rule holds.
    pub(crate) fn times(&self, rule: usize) -> Option<&Times> {
        self.times.get(*self.times_of.get(rule)?)
    }

    /// Goes through all cells.
    pub(crate) fn meetings(&self) -> Meetings {
        let mut found = Meetings::default();
        // Which rules hold together does not depend on how a cell came by its rules.
        let mut moments: HashMap<Vec<usize>, Together> = HashMap::new();
        let index = Index::new(self.program);
        for target in self.targets() {
            let rules = self.about(&target, &index);
            let persons = self.persons(&rules, &mut found);
            for place in self.places(&rules) {
                for device in self.devices(&rules) {
                    let here: Vec<usize> =
                        rules.iter().copied().filter(|&rule| self.stands_at(rule, place, device)).collect();
                    for groups in &persons {
                        found.took(here.len());
                        if found.is_cut() {
                            return found;
                        }
                        let bound: Vec<usize> = here.iter().copied().filter(|&rule| self.binds(rule, groups)).collect();
                        let together = moments.entry(bound).or_insert_with_key(|bound| self.together(bound));
                        for (holding, times) in together.iter() {
                            let cell = || Cell {
                                target: target.clone(),
                                groups: groups.clone(),
                                place: place.map(Into::into),
                                device: device.cloned(),
                                times: times.clone(),
                            };
                            self.speak(holding, groups, &cell, &mut found);
                        }
                    }
                }
            }
        }
        found
    }

    fn rule(&self, place: usize) -> Option<&'a WebRule> {
        self.program.rules.get(place)
    }

    pub(crate) fn binds(&self, rule: usize, groups: &BTreeSet<Group>) -> bool {
        self.rule(rule).is_some_and(|rule| binds(&rule.scope.audience, groups))
    }

    fn stands_at(&self, rule: usize, place: Option<&str>, device: Option<&DeviceClass>) -> bool {
        let Some(rule) = self.rule(rule) else { return false };
        let at = rule.scope.places.is_empty()
            || place.is_some_and(|place| rule.scope.places.iter().any(|named| &**named == place));
        let on = rule.scope.device_classes.is_empty()
            || device.is_some_and(|device| rule.scope.device_classes.contains(device));
        at && on
    }

    /// The sets of these rules that hold at the same time, each with its times.
    fn together(&self, rules: &[usize]) -> Together {
        let sets: BTreeSet<usize> = rules.iter().filter_map(|&rule| self.times_of.get(rule).copied()).collect();
        let mut parts: Vec<(HashSet<usize>, Times)> = vec![(HashSet::new(), self.clock.always())];
        for set in sets {
            let Some(times) = self.times.get(set) else { continue };
            let mut split = Vec::with_capacity(parts.len() + 1);
            for (holding, part) in parts {
                let (inside, outside) = (both(&part, times), without(&part, times));
                if !is_empty(&inside) {
                    let mut more = holding.clone();
                    more.insert(set);
                    split.push((more, inside));
                }
                if !is_empty(&outside) {
                    split.push((holding, outside));
                }
            }
            parts = split;
        }
        let is_in = |rule: usize, sets: &HashSet<usize>| self.times_of.get(rule).is_some_and(|set| sets.contains(set));
        let holding = |sets: &HashSet<usize>| rules.iter().copied().filter(|&rule| is_in(rule, sets)).collect();
        let whole = parts.into_iter().filter(|(sets, _)| !sets.is_empty());
        whole.map(|(sets, times)| (holding(&sets), times)).collect()
    }

    /// Finds who speaks among rules that hold together: stated precedence, then the more specific target, then the
    /// more specific audience, then the stricter verdict; the same order as a decision.
    fn speak(&self, holding: &[usize], groups: &BTreeSet<Group>, cell: &dyn Fn() -> Cell, found: &mut Meetings) {
        found.took(holding.len());
        found.live.extend(holding);
        self.meet(holding, found);
        let mut left: Vec<(usize, &WebRule)> =
            holding.iter().filter_map(|&place| Some((place, self.rule(place)?))).collect();
        left.retain(|(_, rule)| rule.verdict.is_some());
        let verdicts = left.clone();
        let over: HashSet<&ControlId> = left.iter().flat_map(|(_, rule)| &rule.over).collect();
        left.retain(|(_, rule)| !over.contains(&rule.control));
        let top = left.iter().map(|(_, rule)| specificity(&rule.target)).max();
        left.retain(|(_, rule)| Some(specificity(&rule.target)) == top);
        let audiences: BTreeSet<&[Group]> =
            left.iter().map(|(_, rule)| rule.scope.audience.groups.as_slice()).collect();
        found.took(audiences.len().saturating_mul(audiences.len()));
        if found.is_cut() {
            return;
        }
        let narrower = |wide: &[Group]| audiences.iter().any(|one| is_narrower(self.school, one, wide, groups));
        let covered: HashSet<&[Group]> = audiences.iter().copied().filter(|wide| narrower(wide)).collect();
        left.retain(|(_, rule)| !covered.contains(rule.scope.audience.groups.as_slice()));
        let strictest = left.iter().map(|(_, rule)| rule.verdict).max().flatten();
        let Some(&(winner, _)) = left.iter().find(|(_, rule)| rule.verdict == strictest) else { return };
        let standing: HashSet<usize> = left.iter().map(|(place, _)| *place).collect();
        for (place, rule) in &left {
            if rule.verdict == strictest {
                found.speaking.insert(*place);
            } else {
                let tie = || Tie { stricter: winner, looser: *place, cell: cell() };
                found.ties.entry((winner, *place)).or_insert_with(tie);
            }
        }
        for (place, rule) in verdicts {
            if rule.verdict != strictest || !standing.contains(&place) {
                found.silenced_by.entry(place).or_default().insert(winner);
            }
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
    fn targets(&self) -> Vec<Target> {
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

    /// The rules that are about a cell's target.
    fn about(&self, cell: &Target, index: &Index<'_>) -> Vec<usize> {
        let mut rules = index.near(cell);
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

    fn places(&self, rules: &[usize]) -> Vec<Option<&'a str>> {
        let scopes = rules.iter().filter_map(|&rule| self.rule(rule)).map(|rule| &rule.scope);
        let named: BTreeSet<&str> = scopes.flat_map(|scope| &scope.places).map(|name| &**name).collect();
        std::iter::once(None).chain(named.into_iter().map(Some)).collect()
    }

    fn devices(&self, rules: &[usize]) -> Vec<Option<&'a DeviceClass>> {
        let scopes = rules.iter().filter_map(|&rule| self.rule(rule)).map(|rule| &rule.scope);
        let named: BTreeSet<&DeviceClass> = scopes.flat_map(|scope| &scope.device_classes).collect();
        std::iter::once(None).chain(named.into_iter().map(Some)).collect()
    }

    fn persons(&self, rules: &[usize], found: &mut Meetings) -> Vec<BTreeSet<Group>> {
        let named = self.named_groups(rules);
        found.took(named.len().saturating_mul(named.len()).saturating_mul(8));
        if found.is_cut() { Vec::new() } else { persons(self.school, &named) }
    }

    /// The sets of groups a person can be in, as far as these rules can tell persons apart.
    pub(crate) fn persons_of(&self, rules: &[usize]) -> Vec<BTreeSet<Group>> {
        persons(self.school, &self.named_groups(rules))
    }

    fn named_groups(&self, rules: &[usize]) -> BTreeSet<&'a Group> {
        let audiences = rules.iter().filter_map(|&rule| self.rule(rule)).map(|rule| &rule.scope.audience);
        audiences.flat_map(|audience| audience.groups.iter().chain(&audience.except)).collect()
    }
}

/// Rules by what their targets name, so that a cell asks only those that can be about it.
struct Index<'a> {
    any: Vec<usize>,
    by_category: HashMap<&'a str, Vec<usize>>,
    by_host: HashMap<String, Vec<usize>>,
}

impl<'a> Index<'a> {
    fn new(program: &'a Program) -> Self {
        let mut index = Self { any: Vec::new(), by_category: HashMap::new(), by_host: HashMap::new() };
        for (place, rule) in program.rules.iter().enumerate() {
            match &rule.target {
                Target::Any => index.any.push(place),
                Target::Class(class) => {
                    for category in program.classes.get(class).into_iter().flatten() {
                        index.by_category.entry(category).or_default().push(place);
                    }
                }
                Target::Category(category) => index.by_category.entry(category).or_default().push(place),
                Target::Domain(name) | Target::Url { host: name, .. } => {
                    index.by_host.entry(name.as_str().to_owned()).or_default().push(place);
                }
                Target::Host(host) => index.by_host.entry(host.to_string()).or_default().push(place),
            }
        }
        index
    }

    /// All rules that are about a cell, and perhaps some that are not.
    fn near(&self, cell: &Target) -> Vec<usize> {
        let mut rules = self.any.clone();
        match cell {
            Target::Any => {}
            Target::Class(name) | Target::Category(name) => {
                rules.extend(self.by_category.get(&**name).into_iter().flatten());
            }
            Target::Domain(name) | Target::Url { host: name, .. } => self.at_or_above(name.as_str(), &mut rules),
            Target::Host(host) => self.at_or_above(&host.to_string(), &mut rules),
        }
        rules
    }

    fn at_or_above(&self, name: &str, rules: &mut Vec<usize>) {
        let mut rest = Some(name);
        while let Some(name) = rest {
            rules.extend(self.by_host.get(name).into_iter().flatten());
            rest = name.split_once('.').map(|(_, above)| above);
        }
    }
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

/// The minutes in which a scope holds.
pub(crate) fn times_of_scope(scope: &Scope, program: &Program, clock: &Clock) -> Times {
    let mut times = clock.always();
    if let Some(period) = scope.when.as_ref().and_then(|name| program.periods.get(name)) {
        times = both(&times, &clock.of(period));
    }
    if let Some(period) = scope.except_when.as_ref().and_then(|name| program.periods.get(name)) {
        times = without(&times, &clock.of(period));
    }
    times
}

/// The sets of groups a person can be in, as far as rules can tell persons apart: nobody's groups but a capacity,
/// one named group, or two that can be held together; always with everything they are within.
fn persons(school: &School, named: &BTreeSet<&Group>) -> Vec<BTreeSet<Group>> {
    let capacities = schoolgate_base::Capacity::ALL.map(|capacity| Group::new(capacity.as_str()));
    let mut persons: BTreeSet<BTreeSet<Group>> = BTreeSet::new();
    for group in capacities.iter().chain(named.iter().copied()) {
        persons.insert(school.above(group).into_iter().collect());
    }
    for one in named {
        for other in named {
            if one < other && !school.are_apart(one, other) {
                persons.insert(school.above(one).into_iter().chain(school.above(other)).collect());
            }
        }
    }
    persons.into_iter().collect()
}

/// Whether an audience binds a person who is in these groups.
pub(crate) fn binds(audience: &Audience, groups: &BTreeSet<Group>) -> bool {
    let named = audience.groups.is_empty() || audience.groups.iter().any(|group| groups.contains(group));
    named && !audience.except.iter().any(|group| groups.contains(group))
}

/// Whether audience `a` is strictly narrower than `b` for somebody in these groups, by declared inclusion only.
fn is_narrower(school: &School, a: &[Group], b: &[Group], groups: &BTreeSet<Group>) -> bool {
    if a.is_empty() || b.is_empty() {
        return b.is_empty() && !a.is_empty();
    }
    let held = |audience: &[Group]| -> Vec<Group> {
        audience.iter().filter(|group| groups.contains(group)).cloned().collect()
    };
    let (a, b) = (held(a), held(b));
    let within =
        |inner: &[Group], outer: &[Group]| inner.iter().any(|i| outer.iter().any(|o| i != o && school.is_within(i, o)));
    within(&a, &b) && !within(&b, &a)
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
