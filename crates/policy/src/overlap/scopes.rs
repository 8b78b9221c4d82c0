//! Whom rules bind, where and when, whatever they are about: what all kinds of rule share.

use std::collections::{BTreeSet, HashMap, HashSet};

use schoolgate_base::{Capacity, DeviceClass, Group};
use schoolgate_decide::Scope;
use schoolgate_decide::snapshot::{Audience, Program};

use super::clock::{Clock, Times, both, is_empty, times_of_scope, without};
use crate::school::School;

/// Rules that hold at the same time, and when.
pub(crate) type Together = Vec<(Vec<usize>, Times)>;

/// The scopes of a program's rules, numbered as the rules are.
#[derive(Debug)]
pub(crate) struct Scopes<'a> {
    scopes: Vec<&'a Scope>,
    /// Sets of minutes in which rules hold, each pair of periods once.
    times: Vec<Times>,
    /// For each rule, which of them.
    times_of: Vec<usize>,
    always: Times,
}

impl<'a> Scopes<'a> {
    pub(crate) fn new(scopes: Vec<&'a Scope>, program: &Program, clock: &Clock) -> Self {
        let mut known: HashMap<(Option<&str>, Option<&str>), usize> = HashMap::new();
        let (mut times, mut times_of) = (Vec::new(), Vec::with_capacity(scopes.len()));
        for scope in &scopes {
            let periods = (scope.when.as_deref(), scope.except_when.as_deref());
            let place = *known.entry(periods).or_insert_with(|| {
                times.push(times_of_scope(scope, program, clock));
                times.len() - 1
            });
            times_of.push(place);
        }
        Self { scopes, times, times_of, always: clock.always() }
    }

    /// The minutes in which a rule holds.
    pub(crate) fn times(&self, rule: usize) -> Option<&Times> {
        self.times.get(*self.times_of.get(rule)?)
    }

    pub(crate) fn binds(&self, rule: usize, groups: &BTreeSet<Group>) -> bool {
        self.scopes.get(rule).is_some_and(|scope| binds(&scope.audience, groups))
    }

    pub(crate) fn stands_at(&self, rule: usize, place: Option<&str>, device: Option<&DeviceClass>) -> bool {
        let Some(scope) = self.scopes.get(rule) else { return false };
        let at =
            scope.places.is_empty() || place.is_some_and(|place| scope.places.iter().any(|named| &**named == place));
        let on = scope.device_classes.is_empty() || device.is_some_and(|device| scope.device_classes.contains(device));
        at && on
    }

    /// All the time there is, parted into the sets of these rules that hold together; of one set none may hold.
    pub(crate) fn together(&self, rules: &[usize]) -> Together {
        let mut parts: Vec<(HashSet<usize>, Times)> = vec![(HashSet::new(), self.always.clone())];
        let mut seen = HashSet::new();
        for &set in rules.iter().filter_map(|&rule| self.times_of.get(rule)).filter(|set| seen.insert(**set)) {
            let Some(times) = self.times.get(set) else { continue };
            let mut split = Vec::with_capacity(parts.len() + 1);
            for (sets, part) in parts {
                let (inside, outside) = (both(&part, times), without(&part, times));
                if !is_empty(&inside) {
                    let mut more = sets.clone();
                    more.insert(set);
                    split.push((more, inside));
                }
                if !is_empty(&outside) {
                    split.push((sets, outside));
                }
            }
            parts = split;
        }
        let is_in = |rule: usize, sets: &HashSet<usize>| self.times_of.get(rule).is_some_and(|set| sets.contains(set));
        let holding = |sets: &HashSet<usize>| rules.iter().copied().filter(|&rule| is_in(rule, sets)).collect();
        parts.into_iter().map(|(sets, times)| (holding(&sets), times)).collect()
    }

    /// No place, and each place that a rule names.
    pub(crate) fn places(&self) -> BTreeSet<Option<&'a str>> {
        places(self.scopes.iter().copied())
    }

    /// No place, and each place that one of these rules names.
    pub(super) fn places_of(&self, rules: &[usize]) -> BTreeSet<Option<&'a str>> {
        places(self.some(rules))
    }

    /// No known class of device, and each class that a rule names.
    pub(crate) fn devices(&self) -> BTreeSet<Option<&'a DeviceClass>> {
        devices(self.scopes.iter().copied())
    }

    /// No known class of device, and each class that one of these rules names.
    pub(super) fn devices_of(&self, rules: &[usize]) -> BTreeSet<Option<&'a DeviceClass>> {
        devices(self.some(rules))
    }

    /// Every group that a rule names.
    pub(crate) fn groups(&self) -> BTreeSet<Group> {
        groups(self.scopes.iter().copied())
    }

    /// Every group that one of these rules names.
    pub(super) fn groups_of(&self, rules: &[usize]) -> BTreeSet<Group> {
        groups(self.some(rules))
    }

    fn some(&self, rules: &[usize]) -> impl Iterator<Item = &'a Scope> {
        rules.iter().filter_map(|&rule| self.scopes.get(rule).copied())
    }
}

fn places<'a>(scopes: impl Iterator<Item = &'a Scope>) -> BTreeSet<Option<&'a str>> {
    let named = scopes.flat_map(|scope| &scope.places).map(|name| Some(&**name));
    std::iter::once(None).chain(named).collect()
}

fn devices<'a>(scopes: impl Iterator<Item = &'a Scope>) -> BTreeSet<Option<&'a DeviceClass>> {
    std::iter::once(None).chain(scopes.flat_map(|scope| &scope.device_classes).map(Some)).collect()
}

fn groups<'a>(scopes: impl Iterator<Item = &'a Scope>) -> BTreeSet<Group> {
    let audiences = scopes.map(|scope| &scope.audience);
    let named: BTreeSet<&Group> =
        audiences.flat_map(|audience| audience.groups.iter().chain(&audience.except)).collect();
    named.into_iter().cloned().collect()
}

/// The groups a person can be put into, as far as rules can tell persons apart: nothing but a capacity, one named
/// group, or two that can be held together. What those are within goes without saying.
pub(crate) fn persons(
    named: &BTreeSet<Group>,
    are_apart: impl Fn(&Group, &Group) -> bool,
) -> BTreeSet<BTreeSet<Group>> {
    let capacities = Capacity::ALL.map(|capacity| Group::new(capacity.as_str()));
    let mut persons: BTreeSet<BTreeSet<Group>> =
        capacities.iter().chain(named).map(|group| BTreeSet::from([group.clone()])).collect();
    for one in named {
        for other in named {
            if one < other && !are_apart(one, other) {
                persons.insert([one.clone(), other.clone()].into());
            }
        }
    }
    persons
}

/// These groups with everything they are within.
pub(crate) fn closed(school: &School, groups: &BTreeSet<Group>) -> BTreeSet<Group> {
    groups.iter().flat_map(|group| school.above(group)).collect()
}

/// Whether an audience binds a person who is in these groups.
pub(crate) fn binds(audience: &Audience, groups: &BTreeSet<Group>) -> bool {
    let named = audience.groups.is_empty() || audience.groups.iter().any(|group| groups.contains(group));
    named && !audience.except.iter().any(|group| groups.contains(group))
}

/// Whether an audience of groups `a` is strictly narrower than one of `b` for somebody in these groups, by declared
/// inclusion only.
pub(super) fn is_narrower(school: &School, a: &[Group], b: &[Group], groups: &BTreeSet<Group>) -> bool {
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
