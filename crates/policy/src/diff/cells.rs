//! Compares what two editions say in every cell that their rules can tell apart, and joins the cells in which the
//! same changes into few products: these people, these targets, in these places, on these devices, at these times.
//!
//! Nothing is guessed: a product holds no cell that does not change, and every cell that changes is in one. It goes
//! through the cells that the checker goes through, of both editions together.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use schoolgate_base::{ClauseId, DeviceClass, Group};

use super::crowd::{self, Person, Who};
use crate::overlap::{Scopes, Times, both, either, is_empty, persons};
use crate::school::School;

/// What an edition's rules of one sort say. Targets are numbered the same in both editions.
pub(super) trait Edition {
    type Said;
    /// Whether it depends on the person what rules say that hold together.
    const IS_PERSONAL: bool;
    fn scopes(&self) -> &Scopes<'_>;
    /// The rules that are about a target.
    fn about(&self, target: usize) -> Vec<usize>;
    /// What these rules say together to somebody in these groups.
    fn says(&self, target: usize, holding: &[usize], groups: &BTreeSet<Group>) -> Self::Said;
}

/// How what is said changes, in words: what is joined is what reads the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    pub(super) before: String,
    pub(super) after: String,
    pub(super) clause: Option<ClauseId>,
}

/// Some of the values of an axis.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Choice<T> {
    All,
    Only(BTreeSet<T>),
    /// All but these, what has no name included.
    AllBut(BTreeSet<T>),
}

/// A product of cells in which the same changes.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) turn: Turn,
    pub(super) who: Who,
    pub(super) targets: BTreeSet<usize>,
    pub(super) places: Choice<Box<str>>,
    pub(super) devices: Choice<DeviceClass>,
    pub(super) times: Times,
}

/// Where a cell lies.
type Cell = (usize, usize, usize, usize);

/// The axes of both editions together.
struct Axes<'a> {
    targets: usize,
    persons: Vec<Person>,
    places: Vec<Option<&'a str>>,
    devices: Vec<Option<&'a DeviceClass>>,
}

/// Every change between two editions, over `targets` kinds of thing.
pub(super) fn compare<E: Edition>(
    (before, after): (&E, &E),
    (old, new): (&School, &School),
    targets: usize,
    turn: impl Fn(&E::Said, &E::Said) -> Option<Turn>,
) -> Vec<Change> {
    let (ones, others) = (before.scopes(), after.scopes());
    // Whoever is in a group that lies elsewhere now is bound by other rules, whether or not one names the group.
    let moved =
        old.groups.keys().filter(|group| new.groups.contains_key(group) && old.above(group) != new.above(group));
    let named: BTreeSet<Group> = ones.groups().into_iter().chain(others.groups()).chain(moved.cloned()).collect();
    let bases = persons(&named, |one, other| apart(old, new, one, other));
    let axes = Axes {
        targets,
        persons: crowd::persons(&bases, old, new),
        places: ones.places().union(&others.places()).copied().collect(),
        devices: ones.devices().union(&others.devices()).copied().collect(),
    };
    let mut changes = Vec::new();
    for (turn, cells) in turned((before, after), &axes, turn) {
        join(&turn, cells, &axes, &mut changes);
    }
    changes
}

/// Nobody is in both, in either edition that knows them.
fn apart(old: &School, new: &School, one: &Group, other: &Group) -> bool {
    let knows = |school: &School| school.groups.contains_key(one) && school.groups.contains_key(other);
    [old, new].into_iter().filter(|school| knows(school)).all(|school| school.are_apart(one, other))
        && (knows(old) || knows(new))
}

fn turned<E: Edition>(
    (before, after): (&E, &E),
    axes: &Axes<'_>,
    turn: impl Fn(&E::Said, &E::Said) -> Option<Turn>,
) -> BTreeMap<Turn, BTreeMap<Cell, Times>> {
    let mut found: BTreeMap<Turn, BTreeMap<Cell, Times>> = BTreeMap::new();
    let mut moments = Moments { before: before.scopes(), after: after.scopes(), known: HashMap::new() };
    for target in 0..axes.targets {
        let (old, new) = (before.about(target), after.about(target));
        // What holds together says the same wherever it does.
        let mut known: HashMap<(Vec<usize>, Vec<usize>, usize), Option<Turn>> = HashMap::new();
        for (p, place) in axes.places.iter().enumerate() {
            for (d, device) in axes.devices.iter().enumerate() {
                let here = |scopes: &Scopes<'_>, rules: &[usize]| -> Vec<usize> {
                    rules.iter().copied().filter(|&rule| scopes.stands_at(rule, *place, *device)).collect()
                };
                let (old, new) = (here(before.scopes(), &old), here(after.scopes(), &new));
                for (at, person) in axes.persons.iter().enumerate() {
                    for (holding, now_holding, times) in moments.of(&old, &new, person) {
                        let whose = if E::IS_PERSONAL { at } else { 0 };
                        let turn = known.entry((holding.clone(), now_holding.clone(), whose)).or_insert_with(|| {
                            let was = before.says(target, holding, &person.before);
                            turn(&was, &after.says(target, now_holding, &person.after))
                        });
                        let Some(turn) = turn else { continue };
                        let cells = found.entry(turn.clone()).or_default();
                        let all = cells.entry((target, at, p, d)).or_insert_with(|| vec![0; times.len()]);
                        *all = either(all, times);
                    }
                }
            }
        }
    }
    found
}

/// Rules that hold before, rules that hold after, and when.
type Moment = (Vec<usize>, Vec<usize>, Times);

/// Which rules of each edition hold together, and when; the same for all cells with the same rules.
struct Moments<'a, 'e> {
    before: &'e Scopes<'a>,
    after: &'e Scopes<'a>,
    known: HashMap<(Vec<usize>, Vec<usize>), Vec<Moment>>,
}

impl Moments<'_, '_> {
    fn of(&mut self, old: &[usize], new: &[usize], person: &Person) -> &[Moment] {
        let bound = |scopes: &Scopes<'_>, rules: &[usize], groups: &BTreeSet<Group>| -> Vec<usize> {
            rules.iter().copied().filter(|&rule| scopes.binds(rule, groups)).collect()
        };
        let key = (bound(self.before, old, &person.before), bound(self.after, new, &person.after));
        let (before, after) = (self.before, self.after);
        self.known.entry(key).or_insert_with_key(|(old, new)| {
            let later = after.together(new);
            let mut moments = Vec::new();
            for (holding, times) in before.together(old) {
                for (now_holding, then) in &later {
                    let shared = both(&times, then);
                    if !is_empty(&shared) {
                        moments.push((holding.clone(), now_holding.clone(), shared));
                    }
                }
            }
            moments
        })
    }
}

/// Joins cells axis by axis; at each step the others are alike.
fn join(turn: &Turn, cells: BTreeMap<Cell, Times>, axes: &Axes<'_>, changes: &mut Vec<Change>) {
    let devices = gather(
        cells.into_iter().map(|((target, person, place, device), times)| ((target, person, place, times), device)),
    );
    let places = gather(
        devices.into_iter().map(|((target, person, place, times), devices)| ((target, person, devices, times), place)),
    );
    let persons = gather(
        places.into_iter().map(|((target, person, devices, times), places)| ((target, places, devices, times), person)),
    );
    let targets = gather(
        persons
            .into_iter()
            .map(|((target, places, devices, times), persons)| ((persons, places, devices, times), target)),
    );
    for ((persons, places, devices, times), targets) in targets {
        for who in crowd::describe(&axes.persons, &persons) {
            changes.push(Change {
                turn: turn.clone(),
                who,
                targets: targets.clone(),
                places: choice(&axes.places, &places, |name| (*name).into()),
                devices: choice(&axes.devices, &devices, |class| (*class).clone()),
                times: times.clone(),
            });
        }
    }
}

fn gather<K: Ord>(cells: impl Iterator<Item = (K, usize)>) -> BTreeMap<K, BTreeSet<usize>> {
    let mut found: BTreeMap<K, BTreeSet<usize>> = BTreeMap::new();
    for (key, value) in cells {
        found.entry(key).or_default().insert(value);
    }
    found
}

fn choice<V, T: Ord>(axis: &[Option<V>], chosen: &BTreeSet<usize>, name: impl Fn(&V) -> T) -> Choice<T> {
    let of = |is_in: bool| -> BTreeSet<T> {
        let kept = axis.iter().enumerate().filter(|(at, _)| chosen.contains(at) == is_in);
        kept.filter_map(|(_, value)| value.as_ref().map(&name)).collect()
    };
    let unnamed = axis.iter().position(Option::is_none).is_some_and(|at| chosen.contains(&at));
    match (chosen.len() == axis.len(), unnamed) {
        (true, _) => Choice::All,
        (false, true) => Choice::AllBut(of(false)),
        (false, false) => Choice::Only(of(true)),
    }
}
