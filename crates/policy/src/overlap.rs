//! Which rules meet, and which of them speaks where they do: exactly, by going through every kind of request that the
//! rules can tell apart.
//!
//! A rule's condition is a product of finite sets, so the world falls into cells: targets × persons × places ×
//! classes of devices, each with a set of minutes. Persons are the groups one can be in, as far as rules name them;
//! minutes are kinds of day (with the day before, for spans over midnight) cut at every time a period names.
//!
//! A site that two lists put into two categories of one rank is no meeting: there is no telling which sites will be.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Span as JiffSpan;
use jiff::civil::Date;
use schoolgate_base::{
    Calendar, DayKind, DeviceClass, Group, Host, HostName, Minute, Period, normal_path, path_is_below,
};
use schoolgate_decide::Scope;
use schoolgate_decide::snapshot::{Audience, Program, Target, WebRule};

use crate::school::School;

/// Longest stretch of days that is looked at; calendars name a few years at most.
const DAYS_MAX: i32 = 2_000;

/// Stands for every name below a host that no rule names.
pub(crate) const ANY_OTHER: &str = "any-other-name.";

/// A set of time atoms.
pub(crate) type Times = Vec<u64>;

/// The minutes of every kind of day that the calendar has.
#[derive(Debug)]
pub(crate) struct Clock {
    /// Today's weekday and kind, and yesterday's kind.
    days: Vec<(i8, DayKind, DayKind)>,
    /// Borders between stretches of the day, from 00:00 to 24:00.
    borders: Vec<Minute>,
}

impl Clock {
    pub(crate) fn new<'p>(calendar: &Calendar, periods: impl Iterator<Item = &'p Period>) -> Self {
        let mut borders: BTreeSet<Minute> = Minute::new(0, 0).into_iter().chain([Minute::END_OF_DAY]).collect();
        for span in periods.flat_map(|period| &period.spans) {
            borders.extend([span.from, span.to]);
        }
        Self { days: kinds_of_days(calendar), borders: borders.into_iter().collect() }
    }

    fn segments(&self) -> usize {
        self.borders.len().saturating_sub(1)
    }

    fn atoms(&self) -> usize {
        self.days.len() * self.segments()
    }

    /// All the time there is.
    pub(crate) fn always(&self) -> Times {
        self.collect(|_, _| true)
    }

    pub(crate) fn of(&self, period: &Period) -> Times {
        self.collect(|day, segment| self.is_in(period, day, segment))
    }

    fn collect(&self, holds: impl Fn(usize, usize) -> bool) -> Times {
        let mut times = vec![0_u64; self.atoms().div_ceil(64)];
        for day in 0..self.days.len() {
            for segment in 0..self.segments() {
                if holds(day, segment) {
                    set(&mut times, day * self.segments() + segment);
                }
            }
        }
        times
    }

    fn is_in(&self, period: &Period, day: usize, segment: usize) -> bool {
        let (Some((weekday, kind, before)), Some(&start)) = (self.days.get(day), self.borders.get(segment)) else {
            return false;
        };
        let yesterday = if *weekday == 1 { 7 } else { *weekday - 1 };
        let falls = |span: &schoolgate_base::Span, weekday: i8, kind: &DayKind| {
            (span.weekdays.is_empty() || span.weekdays.contains(&weekday))
                && (span.kinds.is_empty() || span.kinds.contains(kind))
        };
        period.spans.iter().any(|span| {
            if span.from < span.to {
                return span.from <= start && start < span.to && falls(span, *weekday, kind);
            }
            (span.from <= start && falls(span, *weekday, kind)) || (start < span.to && falls(span, yesterday, before))
        })
    }

    /// The first stretch of `times` in words: "on a school-day (Monday), from 09:00 to 12:00".
    pub(crate) fn describe(&self, times: &Times) -> Option<String> {
        let first = (0..self.atoms()).find(|&atom| has(times, atom))?;
        let (day, segment) = (first / self.segments(), first % self.segments());
        let (weekday, kind, _) = self.days.get(day)?;
        let mut end = segment;
        while end + 1 < self.segments() && has(times, day * self.segments() + end + 1) {
            end += 1;
        }
        let (from, to) = (self.borders.get(segment)?, self.borders.get(end + 1)?);
        let names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
        let name = usize::try_from(*weekday).ok().and_then(|day| names.get(day.checked_sub(1)?)).unwrap_or(&"day");
        Some(format!("on a {name} ({}) from {from} to {to}", kind.as_str()))
    }
}

fn kinds_of_days(calendar: &Calendar) -> Vec<(i8, DayKind, DayKind)> {
    let named = calendar.terms.iter().chain(&calendar.holidays).flat_map(|range| [range.first, range.last]);
    let dates: BTreeSet<Date> = named.chain(calendar.exceptions.keys().copied()).collect();
    let any = Date::constant(2026, 1, 5);
    let (first, last) = (dates.first().copied().unwrap_or(any), dates.last().copied().unwrap_or(any));
    let mut day = first.checked_sub(JiffSpan::new().days(8)).unwrap_or(first);
    let end = last.checked_add(JiffSpan::new().days(8)).unwrap_or(last);
    let mut days = BTreeSet::new();
    let mut before = calendar.day_kind(day.yesterday().unwrap_or(day));
    for _ in 0..DAYS_MAX {
        if end < day {
            break;
        }
        let kind = calendar.day_kind(day);
        days.insert((day.weekday().to_monday_one_offset(), kind.clone(), before));
        before = kind;
        match day.tomorrow() {
            Ok(next) => day = next,
            Err(_) => break,
        }
    }
    days.into_iter().collect()
}

fn set(times: &mut Times, atom: usize) {
    if let Some(word) = times.get_mut(atom / 64) {
        *word |= 1 << (atom % 64);
    }
}

fn has(times: &Times, atom: usize) -> bool {
    times.get(atom / 64).is_some_and(|word| word >> (atom % 64) & 1 == 1)
}

pub(crate) fn both(one: &Times, other: &Times) -> Times {
    one.iter().zip(other).map(|(a, b)| a & b).collect()
}

pub(crate) fn either(one: &Times, other: &Times) -> Times {
    one.iter().zip(other).map(|(a, b)| a | b).collect()
}

pub(crate) fn without(one: &Times, other: &Times) -> Times {
    one.iter().zip(other).map(|(a, b)| a & !b).collect()
}

pub(crate) fn is_empty(times: &Times) -> bool {
    times.iter().all(|word| *word == 0)
}

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

/// The cells of a program.
pub(crate) struct World<'a> {
    pub(crate) school: &'a School,
    pub(crate) program: &'a Program,
    pub(crate) clock: Clock,
    /// Minutes in which each rule holds.
    pub(crate) times: Vec<Times>,
    pub(crate) persons: Vec<BTreeSet<Group>>,
}

impl<'a> World<'a> {
    pub(crate) fn new(school: &'a School, program: &'a Program) -> Self {
        let clock = Clock::new(&program.calendar, program.periods.values());
        let times = program.rules.iter().map(|rule| times_of_scope(&rule.scope, program, &clock)).collect();
        Self { school, program, clock, times, persons: persons(school, &program.rules) }
    }

    /// Goes through all cells.
    pub(crate) fn meetings(&self) -> Meetings {
        let mut found = Meetings::default();
        // Which rules hold together does not depend on how a cell came by its rules.
        let mut moments: HashMap<Vec<usize>, Vec<(Vec<usize>, Times)>> = HashMap::new();
        for (target, rules) in self.targets() {
            for place in self.places() {
                for device in self.devices() {
                    let here: Vec<usize> =
                        rules.iter().copied().filter(|&rule| self.stands_at(rule, place, device)).collect();
                    for groups in &self.persons {
                        let bound: Vec<usize> = here.iter().copied().filter(|&rule| self.binds(rule, groups)).collect();
                        if bound.is_empty() {
                            continue;
                        }
                        let together = moments.entry(bound.clone()).or_insert_with(|| self.together(&bound));
                        for (holding, times) in together.iter() {
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
    fn together(&self, rules: &[usize]) -> Vec<(Vec<usize>, Times)> {
        let mut parts: Vec<(Vec<usize>, Times)> = vec![(Vec::new(), self.clock.always())];
        for &rule in rules {
            let Some(times) = self.times.get(rule) else { continue };
            let mut split = Vec::with_capacity(parts.len() + 1);
            for (holding, part) in parts {
                let (inside, outside) = (both(&part, times), without(&part, times));
                if !is_empty(&inside) {
                    let mut more = holding.clone();
                    more.push(rule);
                    split.push((more, inside));
                }
                if !is_empty(&outside) {
                    split.push((holding, outside));
                }
            }
            parts = split;
        }
        parts.retain(|(holding, _)| !holding.is_empty());
        parts
    }

    /// Finds who speaks among rules that hold together: stated precedence, then the more specific target, then the
    /// more specific audience, then the stricter verdict; the same order as a decision.
    fn speak(&self, holding: &[usize], cell: &Cell, found: &mut Meetings) {
        found.live.extend(holding);
        for (at, &one) in holding.iter().enumerate() {
            found.met.extend(holding.iter().skip(at + 1).flat_map(|&other| [(one, other), (other, one)]));
        }
        let mut left: Vec<(usize, &WebRule)> =
            holding.iter().filter_map(|&place| Some((place, self.rule(place)?))).collect();
        left.retain(|(_, rule)| rule.verdict.is_some());
        let verdicts = left.clone();
        let over: Vec<_> = left.iter().flat_map(|(_, rule)| &rule.over).collect();
        left.retain(|(_, rule)| !over.contains(&&rule.control));
        let top = left.iter().map(|(_, rule)| specificity(&rule.target)).max();
        left.retain(|(_, rule)| Some(specificity(&rule.target)) == top);
        let audiences: Vec<&Audience> = left.iter().map(|(_, rule)| &rule.scope.audience).collect();
        left.retain(|(_, rule)| {
            !audiences.iter().any(|other| is_narrower(self.school, other, &rule.scope.audience, &cell.groups))
        });
        let strictest = left.iter().map(|(_, rule)| rule.verdict).max().flatten();
        let Some(&(winner, _)) = left.iter().find(|(_, rule)| rule.verdict == strictest) else { return };
        for (place, rule) in &left {
            if rule.verdict == strictest {
                found.speaking.insert(*place);
            } else {
                let tie = || Tie { stricter: winner, looser: *place, cell: cell.clone() };
                found.ties.entry((winner, *place)).or_insert_with(tie);
            }
        }
        for (place, rule) in verdicts {
            if rule.verdict != strictest || !left.iter().any(|(other, _)| *other == place) {
                found.silenced_by.entry(place).or_default().insert(winner);
            }
        }
    }

    /// One target for each kind of request that rules can tell apart, with the rules that are about it.
    fn targets(&self) -> Vec<(Target, Vec<usize>)> {
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
        let mut seen: Vec<Target> = Vec::new();
        let mut found = Vec::new();
        for cell in cells {
            if seen.contains(&cell) {
                continue;
            }
            let rules = (0..self.program.rules.len()).filter(|&rule| self.is_about(rule, &cell)).collect();
            seen.push(cell.clone());
            found.push((cell, rules));
        }
        found
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

    fn places(&self) -> Vec<Option<&'a str>> {
        let named: BTreeSet<&str> =
            self.program.rules.iter().flat_map(|rule| &rule.scope.places).map(|name| &**name).collect();
        std::iter::once(None).chain(named.into_iter().map(Some)).collect()
    }

    fn devices(&self) -> Vec<Option<&'a DeviceClass>> {
        let named: BTreeSet<&DeviceClass> =
            self.program.rules.iter().flat_map(|rule| &rule.scope.device_classes).collect();
        std::iter::once(None).chain(named.into_iter().map(Some)).collect()
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
fn persons(school: &School, rules: &[WebRule]) -> Vec<BTreeSet<Group>> {
    let capacities = schoolgate_base::Capacity::ALL.map(|capacity| Group::new(capacity.as_str()));
    let named: BTreeSet<Group> = rules
        .iter()
        .flat_map(|rule| rule.scope.audience.groups.iter().chain(&rule.scope.audience.except))
        .cloned()
        .collect();
    let mut persons: BTreeSet<BTreeSet<Group>> = BTreeSet::new();
    for group in capacities.iter().chain(&named) {
        persons.insert(school.above(group).into_iter().collect());
    }
    for one in &named {
        for other in &named {
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
fn is_narrower(school: &School, a: &Audience, b: &Audience, groups: &BTreeSet<Group>) -> bool {
    if a.groups.is_empty() || b.groups.is_empty() {
        return b.groups.is_empty() && !a.groups.is_empty();
    }
    let held = |audience: &Audience| -> Vec<Group> {
        audience.groups.iter().filter(|group| groups.contains(group)).cloned().collect()
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
