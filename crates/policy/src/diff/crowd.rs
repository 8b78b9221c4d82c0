//! People as rules can tell them apart, and the fewest words for some of them.

use std::collections::BTreeSet;

use schoolgate_base::Group;

use crate::overlap::closed;
use crate::school::School;

/// Somebody in these groups, with all that those are within.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) before: BTreeSet<Group>,
    pub(super) after: BTreeSet<Group>,
    /// The groups by which they can be named: those of the later edition, and earlier ones that it has no more.
    named: BTreeSet<Group>,
}

/// Some people: in any of `any` (everybody where it is empty), in all of `with` too, in none of `except`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Who {
    pub(super) any: Vec<Group>,
    pub(super) with: Vec<Group>,
    pub(super) except: Vec<Group>,
}

impl Who {
    pub(super) fn holds(&self, groups: &BTreeSet<Group>) -> bool {
        let is_in = |group: &Group| groups.contains(group);
        (self.any.is_empty() || self.any.iter().any(is_in))
            && self.with.iter().all(is_in)
            && !self.except.iter().any(is_in)
    }
}

/// Each set of groups in both editions, once. Two persons whom groups told apart before and do not any more are named
/// alike: what changes for one of them is said of both.
pub(super) fn persons(bases: &BTreeSet<BTreeSet<Group>>, old: &School, new: &School) -> Vec<Person> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for base in bases {
        let (before, after) = (groups_in(old, new, base), groups_in(new, old, base));
        if !seen.insert((before.clone(), after.clone())) {
            continue;
        }
        let gone = before.iter().filter(|group| !new.groups.contains_key(group));
        let named = after.iter().chain(gone).cloned().collect();
        found.push(Person { before, after, named });
    }
    found
}

/// The groups somebody is in as `school` has it. Whoever is in a group that only the other edition knows is here in
/// the nearest group around it that this one knows.
fn groups_in(school: &School, other: &School, base: &BTreeSet<Group>) -> BTreeSet<Group> {
    let known = |group: &Group| other.above(group).into_iter().find(|wider| school.groups.contains_key(wider));
    let is_known = |group: &Group| school.groups.contains_key(group);
    let here = base.iter().filter_map(|group| if is_known(group) { Some(group.clone()) } else { known(group) });
    closed(school, &here.collect())
}

/// Exactly these persons, the widest groups first.
pub(super) fn describe(all: &[Person], chosen: &BTreeSet<usize>) -> Vec<Who> {
    if chosen.len() == all.len() {
        return vec![Who::default()];
    }
    let crowd = Crowd { all, chosen };
    let mut left = chosen.clone();
    let mut found = crowd.whole(&mut left);
    while let Some(who) = crowd.with_exceptions(&left) {
        left.retain(|&person| !crowd.is_in(person, &who));
        found.push(who);
    }
    while let Some(&person) = left.first() {
        let who = crowd.alone(person);
        left.retain(|&person| !crowd.is_in(person, &who));
        left.remove(&person);
        found.push(who);
    }
    found
}

struct Crowd<'a> {
    all: &'a [Person],
    chosen: &'a BTreeSet<usize>,
}

impl Crowd<'_> {
    fn is_in(&self, person: usize, who: &Who) -> bool {
        self.all.get(person).is_some_and(|person| who.holds(&person.named))
    }

    fn members(&self, group: Option<&Group>) -> BTreeSet<usize> {
        let holds = |person: &Person| group.is_none_or(|group| person.named.contains(group));
        self.all.iter().enumerate().filter(|(_, person)| holds(person)).map(|(at, _)| at).collect()
    }

    /// Every group, the one with the most kinds of person first.
    fn groups(&self) -> Vec<(Group, BTreeSet<usize>)> {
        let names: BTreeSet<&Group> = self.all.iter().flat_map(|person| &person.named).collect();
        let mut groups: Vec<(Group, BTreeSet<usize>)> =
            names.into_iter().map(|group| (group.clone(), self.members(Some(group)))).collect();
        groups.sort_by_key(|(_, members)| std::cmp::Reverse(members.len()));
        groups
    }

    /// The groups of which everybody is among them.
    fn whole(&self, left: &mut BTreeSet<usize>) -> Vec<Who> {
        let mut any = Vec::new();
        for (group, members) in self.groups() {
            if members.is_subset(self.chosen) && !members.is_disjoint(left) {
                left.retain(|person| !members.contains(person));
                any.push(group);
            }
        }
        if any.is_empty() { Vec::new() } else { vec![Who { any, ..Who::default() }] }
    }

    /// A group without some others that covers some of those who are left: with the fewest exceptions, then the widest.
    fn with_exceptions(&self, left: &BTreeSet<usize>) -> Option<Who> {
        let groups = self.groups();
        let whole = groups.iter().map(|(group, members)| (Some(group), members.clone()));
        let mut best: Option<(usize, usize, Who)> = None;
        for (group, members) in whole.chain([(None, self.members(None))]) {
            let gain = members.intersection(left).count();
            let Some(except) = self.exceptions(&members, &groups).filter(|_| gain > 0) else { continue };
            if best.as_ref().is_none_or(|(fewest, most, _)| (except.len(), *most) < (*fewest, gain)) {
                let who = Who { any: group.cloned().into_iter().collect(), with: Vec::new(), except };
                best = Some((who.except.len(), gain, who));
            }
        }
        best.map(|(.., who)| who)
    }

    /// The groups that hold those members who are not chosen, and nobody who is.
    fn exceptions(&self, members: &BTreeSet<usize>, groups: &[(Group, BTreeSet<usize>)]) -> Option<Vec<Group>> {
        let mut out: BTreeSet<usize> = members.difference(self.chosen).copied().collect();
        let mut except = Vec::new();
        for (group, others) in groups {
            let inside: BTreeSet<usize> = others.intersection(members).copied().collect();
            if inside.is_disjoint(self.chosen) && !inside.is_disjoint(&out) {
                out.retain(|person| !inside.contains(person));
                except.push(group.clone());
            }
        }
        out.is_empty().then_some(except)
    }

    /// One kind of person: in all of their groups, and in no other that somebody like them is in.
    fn alone(&self, person: usize) -> Who {
        let named = self.all.get(person).map(|person| person.named.clone()).unwrap_or_default();
        let is_narrowest = |group: &&Group| {
            let members = self.members(Some(group));
            !named.iter().any(|other| other != *group && self.members(Some(other)).is_subset(&members))
        };
        let mut narrowest = named.iter().filter(is_narrowest).cloned();
        let any: Vec<Group> = narrowest.next().into_iter().collect();
        let with: Vec<Group> = narrowest.collect();
        let mut who = Who { any, with, except: Vec::new() };
        let others = self.all.iter().filter(|other| who.holds(&other.named));
        who.except = others
            .flat_map(|other| other.named.difference(&named))
            .cloned()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        who
    }
}
