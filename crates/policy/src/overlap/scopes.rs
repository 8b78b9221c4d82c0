//! Whom rules bind, where and when, whatever they are about: what all kinds of rule share.

use std::collections::BTreeSet;

use schoolgate_base::{Capacity, DeviceClass, Group};
use schoolgate_decide::Scope;
use schoolgate_decide::snapshot::{Audience, Program};

use super::clock::{Clock, Times, both, is_empty, times_of_scope, without};
use crate::school::School;

/// The scopes of a program's rules, numbered as the rules are.
#[derive(Debug)]
pub(crate) struct Scopes<'a> {
    scopes: Vec<&'a Scope>,
    /// Minutes in which each rule holds.
    pub(crate) times: Vec<Times>,
    always: Times,
}

impl<'a> Scopes<'a> {
    pub(crate) fn new(scopes: Vec<&'a Scope>, program: &Program, clock: &Clock) -> Self {
        let times = scopes.iter().map(|scope| times_of_scope(scope, program, clock)).collect();
        Self { scopes, times, always: clock.always() }
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
    pub(crate) fn together(&self, rules: &[usize]) -> Vec<(Vec<usize>, Times)> {
        let mut parts: Vec<(Vec<usize>, Times)> = vec![(Vec::new(), self.always.clone())];
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
        parts
    }

    /// No place, and each place that a rule names.
    pub(crate) fn places(&self) -> BTreeSet<Option<&'a str>> {
        let named = self.scopes.iter().flat_map(|scope| &scope.places).map(|name| Some(&**name));
        std::iter::once(None).chain(named).collect()
    }

    /// No known class of device, and each class that a rule names.
    pub(crate) fn devices(&self) -> BTreeSet<Option<&'a DeviceClass>> {
        let named = self.scopes.iter().flat_map(|scope| &scope.device_classes).map(Some);
        std::iter::once(None).chain(named).collect()
    }

    /// Every group that a rule names.
    pub(crate) fn groups(&self) -> BTreeSet<Group> {
        let audiences = self.scopes.iter().map(|scope| &scope.audience);
        audiences.flat_map(|audience| audience.groups.iter().chain(&audience.except)).cloned().collect()
    }
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

/// Whether audience `a` is strictly narrower than `b` for somebody in these groups, by declared inclusion only.
pub(super) fn is_narrower(school: &School, a: &Audience, b: &Audience, groups: &BTreeSet<Group>) -> bool {
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
